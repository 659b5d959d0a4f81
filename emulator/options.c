// SPDX-License-Identifier: GPL-2.0-only
/*
 * The command line.
 */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "options.h"

enum option_id {
	OPT_SOCKET = 256,
	OPT_DEVICE,
	OPT_STAGE,
	OPT_BOOT_DELAY,
	OPT_REBOOT_DELAY,
	OPT_FLASH,
	OPT_FLASH_SIZE,
	OPT_COREDUMP,
	OPT_COREDUMP_SIZES,
	OPT_EBL_CAPS,
	OPT_MUX,
	OPT_CREDITS,
	OPT_UL_PAD,
	OPT_IDLE_SLEEP,
	OPT_RUNNING_DELAY,
	OPT_RESPONSE_DELAY,
	OPT_COALESCE,
	OPT_TRACE_RATE,
	OPT_FAULT,
	OPT_SCRIPT,
	OPT_SEED,
	OPT_CRITIC,
	OPT_WORLD,
	OPT_RATE,
	OPT_SIZE,
	OPT_VERIFY,
	OPT_PCAP,
	OPT_TRACE,
	OPT_LOG,
	OPT_CONTROL,
	OPT_READY_FD,
	OPT_PIDFILE,
	OPT_HELP,
	OPT_VERSION,
};

static const struct option long_options[] = {
	{ "socket", required_argument, NULL, OPT_SOCKET },
	{ "device", required_argument, NULL, OPT_DEVICE },
	{ "stage", required_argument, NULL, OPT_STAGE },
	{ "boot-delay", required_argument, NULL, OPT_BOOT_DELAY },
	{ "reboot-delay", required_argument, NULL, OPT_REBOOT_DELAY },
	{ "flash", required_argument, NULL, OPT_FLASH },
	{ "flash-size", required_argument, NULL, OPT_FLASH_SIZE },
	{ "coredump", required_argument, NULL, OPT_COREDUMP },
	{ "coredump-sizes", required_argument, NULL, OPT_COREDUMP_SIZES },
	{ "ebl-caps", required_argument, NULL, OPT_EBL_CAPS },
	{ "mux", required_argument, NULL, OPT_MUX },
	{ "credits", required_argument, NULL, OPT_CREDITS },
	{ "ul-pad", required_argument, NULL, OPT_UL_PAD },
	{ "idle-sleep", required_argument, NULL, OPT_IDLE_SLEEP },
	{ "running-delay", required_argument, NULL, OPT_RUNNING_DELAY },
	{ "response-delay", required_argument, NULL, OPT_RESPONSE_DELAY },
	{ "coalesce", required_argument, NULL, OPT_COALESCE },
	{ "trace-rate", required_argument, NULL, OPT_TRACE_RATE },
	{ "fault", required_argument, NULL, OPT_FAULT },
	{ "script", required_argument, NULL, OPT_SCRIPT },
	{ "seed", required_argument, NULL, OPT_SEED },
	{ "critic", required_argument, NULL, OPT_CRITIC },
	{ "world", required_argument, NULL, OPT_WORLD },
	{ "rate", required_argument, NULL, OPT_RATE },
	{ "size", required_argument, NULL, OPT_SIZE },
	{ "verify", no_argument, NULL, OPT_VERIFY },
	{ "pcap", required_argument, NULL, OPT_PCAP },
	{ "trace", required_argument, NULL, OPT_TRACE },
	{ "log", required_argument, NULL, OPT_LOG },
	{ "control", required_argument, NULL, OPT_CONTROL },
	{ "ready-fd", required_argument, NULL, OPT_READY_FD },
	{ "pidfile", required_argument, NULL, OPT_PIDFILE },
	{ "help", no_argument, NULL, OPT_HELP },
	{ "version", no_argument, NULL, OPT_VERSION },
	{ NULL, 0, NULL, 0 },
};

static const char help[] =
"Usage: iosm-emu --socket PATH [OPTION]...\n"
"A software XMM7560/7360 modem for User-Mode Linux (PCI over vhost-user).\n"
"\n"
"Transport:\n"
"  --socket PATH         vhost-user socket to listen on (required)\n"
"  --control PATH        socket for commands at run time\n"
"  --ready-fd N          write \"ready\" to descriptor N once sockets listen\n"
"  --pidfile PATH        write the process id to PATH\n"
"Modem:\n"
"  --device 7560|7360    PCI device id (7560)\n"
"  --stage STAGE         where it is after a reset: boot, psi, ebl, run, crash or\n"
"                        cd-ready (run, or boot if there is a delay)\n"
"  --boot-delay MS       go from there to RUN so much later; never: wait in the\n"
"                        boot ROM for an image (never, unless stage is run)\n"
"  --reboot-delay MS     from the end of flashing to RUN (1000)\n"
"  --flash FILE          the flash memory; made if there is no such file\n"
"  --flash-size BYTES    size of a flash memory that is made (16 MiB)\n"
"  --coredump DIR        offer the files in DIR as core dump, to be fetched from PSI\n"
"  --coredump-sizes N,N,N,N,N,N  or offer made-up files; default: small ones\n"
"  --ebl-caps BYTE=HEX,...  bytes of the capability record of EBL\n"
"  --mux lite|aggr       MUX variant (aggr)\n"
"  --credits BYTES       uplink credits per session, 0 = no credits (0)\n"
"  --ul-pad N            uplink head padding to ask for (aggr 16, lite 0)\n"
"  --idle-sleep MS       device sleep after so much silence, 0 = never (0)\n"
"  --running-delay MS    delay of the interrupt that says RUNNING (50)\n"
"  --response-delay MS   delay of session responses (1)\n"
"  --coalesce US         collect completions for at most so long, and not\n"
"                        longer than the host allows in its OPEN message (100)\n"
"  --trace-rate BYTES    what the firmware logs per second while the host\n"
"                        listens (10000)\n"
"Faults:\n"
"  --fault SPEC          let something go wrong; may be repeated. SPEC is\n"
"                        EVENT[#COUNT|%PERCENT|*]:FAULT[=ARGUMENT], see the\n"
"                        manual page\n"
"  --script FILE         the same, one SPEC per line, # begins a comment\n"
"  --seed N              decides when faults with a percentage happen (1)\n"
"World:\n"
"  --world tun|echo|sink|source   where IP packets go to (tun)\n"
"  --rate N              source: packets per second and session, 0 = any (0)\n"
"  --size N              source: bytes per packet, 64 to 16308 (1500)\n"
"  --verify              echo, sink, source: check checksums of uplink packets\n"
"  --pcap FILE           capture all IP packets (pcapng)\n"
"Observation:\n"
"  --critic strict|lenient  what the kernel's own driver is known to do wrong\n"
"                        is a violation (strict) or tolerated (lenient)\n"
"  --log LEVEL           error, warn, info or debug (warn)\n"
"  --trace FILE          one line per register access, doorbell, message, TD\n"
"  --help, --version\n"
"\n"
"Exit status: 0 no violation, 1 the driver violated the protocol, 2 bad usage.\n";

static int bad(const char *what, const char *value)
{
	fprintf(stderr, "iosm-emu: %s: '%s' (see --help)\n", what, value);
	return 2;
}

static bool parse_number(const char *text, unsigned long max,
			 unsigned long *value)
{
	char *end;

	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	*value = strtoul(text, &end, 0);
	return !errno && !*end && *value <= max;
}

/* Index of @text among @names, or -1. */
static int parse_choice(const char *text, const char * const *names)
{
	for (int i = 0; names[i]; i++) {
		if (!strcmp(text, names[i]))
			return i;
	}
	return -1;
}

/* Options that take a number. Returns -1 if it was good. */
static int number_option(struct options *options, int id, const char *name,
			 const char *text)
{
	static const unsigned long hour_ms = 3600000;
	unsigned long max = hour_ms, value;

	if (id == OPT_CREDITS)
		max = 0x7fffffff;
	else if (id == OPT_UL_PAD)
		max = 1024;
	else if (id == OPT_RATE || id == OPT_TRACE_RATE)
		max = 100000000;
	else if (id == OPT_SIZE)
		max = 16308;
	else if (id == OPT_READY_FD)
		max = 65535;
	else if (id == OPT_SEED)
		max = ULONG_MAX;
	else if (id == OPT_FLASH_SIZE)
		max = 1ul << 32;

	if (!parse_number(text, max, &value) ||
	    (id == OPT_SIZE && value < 64) ||
	    (id == OPT_CREDITS && value && value < 4096) ||
	    (id == OPT_FLASH_SIZE && (!value || value % NAND_BLOCK)))
		return bad(name, text);

	switch (id) {
	case OPT_BOOT_DELAY:
		options->modem.boot_us = value * 1000;
		break;
	case OPT_REBOOT_DELAY:
		options->modem.reboot_us = value * 1000;
		break;
	case OPT_FLASH_SIZE:
		options->modem.flash_size = value;
		break;
	case OPT_CREDITS:
		options->modem.mux.credits = (uint32_t)value;
		break;
	case OPT_UL_PAD:
		options->modem.mux.ul_pad = (uint32_t)value;
		break;
	case OPT_IDLE_SLEEP:
		options->modem.idle_us = value * 1000;
		break;
	case OPT_RUNNING_DELAY:
		options->modem.running_us = value * 1000;
		break;
	case OPT_RESPONSE_DELAY:
		options->modem.mux.response_us = value * 1000;
		break;
	case OPT_COALESCE:
		options->modem.coalesce_us = (uint32_t)value;
		break;
	case OPT_TRACE_RATE:
		options->modem.log_rate = value;
		break;
	case OPT_SEED:
		faults_seed(&options->faults, value);
		break;
	case OPT_RATE:
		options->world.rate = value;
		break;
	case OPT_SIZE:
		options->world.size = (unsigned int)value;
		break;
	default:
		options->ready_fd = (int)value;
		break;
	}
	return -1;
}

/* Options that take a word. Returns -1 if it was good. */
static int word_option(struct options *options, int id, const char *name,
		       const char *text)
{
	static const char * const devices[] = { "7560", "7360", NULL };
	static const char * const stages[] = {
		"boot", "psi", "ebl", "run", "crash", "cd-ready", NULL,
	};
	static const uint32_t stage_values[] = {
		STAGE_BOOT, STAGE_PSI, STAGE_EBL, STAGE_RUN, STAGE_CRASH,
		STAGE_CD_READY,
	};
	static const char * const variants[] = { "lite", "aggr", NULL };
	static const char * const critics[] = { "lenient", "strict", NULL };
	static const char * const worlds[] = {
		[WORLD_TUN] = "tun",
		[WORLD_ECHO] = "echo",
		[WORLD_SINK] = "sink",
		[WORLD_SOURCE] = "source",
		NULL,
	};
	int choice = 0;

	switch (id) {
	case OPT_DEVICE:
		choice = parse_choice(text, devices);
		options->device = choice ? 0x7360 : 0x7560;
		break;
	case OPT_STAGE:
		choice = parse_choice(text, stages);
		if (choice >= 0)
			options->modem.stage = stage_values[choice];
		break;
	case OPT_MUX:
		choice = parse_choice(text, variants);
		options->modem.mux.aggregation = choice;
		break;
	case OPT_CRITIC:
		choice = parse_choice(text, critics);
		options->strict = choice;
		break;
	case OPT_WORLD:
		choice = parse_choice(text, worlds);
		if (choice >= 0)
			options->world.kind = (enum world_kind)choice;
		break;
	default:
		if (!log_parse_level(text, &options->log))
			choice = -1;
		break;
	}
	return choice < 0 ? bad(name, text) : -1;
}

static int path_option(struct options *options, int id, const char *name,
		       const char *text)
{
	if (!*text)
		return bad(name, text);
	switch (id) {
	case OPT_SOCKET:
		options->socket = text;
		break;
	case OPT_CONTROL:
		options->control = text;
		break;
	case OPT_TRACE:
		options->trace = text;
		break;
	case OPT_PCAP:
		options->world.pcap = text;
		break;
	case OPT_FLASH:
		options->modem.flash = text;
		break;
	case OPT_COREDUMP:
		options->modem.dump.dir = text;
		break;
	default:
		options->pidfile = text;
		break;
	}
	return -1;
}

/* Sizes of files that are made up; what is left out is not there. */
static bool parse_sizes(const char *text, struct coredump_config *dump)
{
	static const uint32_t small[COREDUMP_FILES] = {
		0x100, 0x4000, 0x800, 0x400, 0x200, 0x300,
	};
	unsigned int i = 0;
	char *end;

	dump->generate = true;
	if (!strcmp(text, "default")) {
		memcpy(dump->size, small, sizeof(small));
		return true;
	}
	memset(dump->size, 0, sizeof(dump->size));
	for (;; text = end + 1) {
		unsigned long long value;

		if (*text < '0' || *text > '9' || i == COREDUMP_FILES)
			return false;
		errno = 0;
		value = strtoull(text, &end, 0);
		if (errno || value > UINT32_MAX || (*end && *end != ','))
			return false;
		dump->size[i++] = (uint32_t)value;
		if (!*end)
			return true;
	}
}

/* Options that take a list. Returns -1 if it was good. */
static int list_option(struct options *options, int id, const char *name,
		       const char *text)
{
	bool good = id == OPT_EBL_CAPS ? flash_caps(options->record, text) :
		    parse_sizes(text, &options->modem.dump);

	return good ? -1 : bad(name, text);
}

static int boot_option(struct options *options, const char *name,
		       const char *text)
{
	options->waits = false;
	if (strcmp(text, "never"))
		return number_option(options, OPT_BOOT_DELAY, name, text);
	options->waits = true;
	options->modem.boot_us = 0;
	return -1;
}

/* Options that let something go wrong. Returns -1 if it was good. */
static int fault_option(struct options *options, int id, const char *text)
{
	unsigned int line = 0;
	const char *why = id == OPT_FAULT ?
			  faults_arm(&options->faults, text) :
			  faults_read(&options->faults, text, &line);

	if (!why)
		return -1;
	if (line)
		fprintf(stderr, "iosm-emu: script: '%s', line %u: %s (see --help)\n",
			text, line, why);
	else
		fprintf(stderr, "iosm-emu: %s: '%s': %s (see --help)\n",
			id == OPT_FAULT ? "fault" : "script", text, why);
	return 2;
}

static int one_option(struct options *options, int id, const char *name)
{
	switch (id) {
	case OPT_SOCKET:
	case OPT_CONTROL:
	case OPT_TRACE:
	case OPT_PCAP:
	case OPT_PIDFILE:
	case OPT_FLASH:
	case OPT_COREDUMP:
		return path_option(options, id, name, optarg);
	case OPT_DEVICE:
	case OPT_STAGE:
	case OPT_MUX:
	case OPT_CRITIC:
	case OPT_WORLD:
	case OPT_LOG:
		return word_option(options, id, name, optarg);
	case OPT_BOOT_DELAY:
		return boot_option(options, name, optarg);
	case OPT_COREDUMP_SIZES:
	case OPT_EBL_CAPS:
		return list_option(options, id, name, optarg);
	case OPT_FAULT:
	case OPT_SCRIPT:
		return fault_option(options, id, optarg);
	case OPT_VERIFY:
		options->world.verify = true;
		return -1;
	case OPT_HELP:
		fputs(help, stdout);
		return 0;
	case OPT_VERSION:
		puts("iosm-emu " OPTIONS_VERSION);
		return 0;
	default:
		return number_option(options, id, name, optarg);
	}
}

/* Does a modem in this stage go on by itself? 0 is BOOT, if it does. */
static bool may_boot(uint32_t stage)
{
	return !stage || stage == STAGE_BOOT || stage == STAGE_PSI ||
	       stage == STAGE_EBL;
}

int options_parse(struct options *options, int argc, char **argv)
{
	const uint32_t unset = UINT32_MAX;
	int id, index, result;

	*options = (struct options) {
		.ready_fd = -1,
		.device = 0x7560,
		.strict = true,
		.log = LOG_WARN,
		.modem = {
			.running_us = 50000,
			.coalesce_us = 100,
			.log_rate = 10000,
			.reboot_us = 1000000,
			.flash_size = NAND_SIZE,
			.mux = {
				.aggregation = true,
				.ul_pad = unset,
				.response_us = 1000,
			},
		},
		.world = { .kind = WORLD_TUN, .size = 1500 },
	};

	faults_init(&options->faults);
	options->modem.faults = &options->faults;
	flash_usual_record(options->record);
	options->modem.record = options->record;

	optind = 1;
	opterr = 0;
	while ((id = getopt_long(argc, argv, ":", long_options, &index)) != -1) {
		if (id == ':')
			return bad("option needs a value", argv[optind - 1]);
		if (id == '?')
			return bad("unknown option", argv[optind - 1]);
		result = one_option(options, id, long_options[index].name);
		if (result >= 0)
			return result;
	}
	if (optind < argc)
		return bad("unexpected argument", argv[optind]);
	if (!options->socket) {
		fputs("iosm-emu: --socket is missing (see --help)\n", stderr);
		return 2;
	}
	if (options->waits && !options->modem.stage)
		options->modem.stage = STAGE_BOOT;
	if (options->modem.boot_us && !may_boot(options->modem.stage)) {
		fputs("iosm-emu: boot-delay: not from this stage (see --help)\n",
		      stderr);
		return 2;
	}
	if (options->modem.mux.ul_pad == unset)
		options->modem.mux.ul_pad =
			options->modem.mux.aggregation ? 16 : 0;
	return -1;
}
