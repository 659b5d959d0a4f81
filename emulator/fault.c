// SPDX-License-Identifier: GPL-2.0-only
/*
 * Faults: their language, counting, and dice.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fault.h"
#include "log.h"

#define REFUSE	(1u << FAULT_REFUSE)
#define IGNORE	(1u << FAULT_IGNORE)
#define LATE	(1u << FAULT_LATE)
#define TWICE	(1u << FAULT_TWICE)
#define SHORT	(1u << FAULT_SHORT)
#define LONG	(1u << FAULT_LONG)
#define ERROR	(1u << FAULT_ERROR)
#define VALUE	(1u << FAULT_BAD_VALUE)
#define REQUEST	(REFUSE | IGNORE | LATE | TWICE)
#define UNIT	(IGNORE | LATE | TWICE | SHORT | LONG)

#define HOUR_MS		3600000
#define BYTES_MAX	131072

/* The events, and the answers that each of them can get. */
static const struct {
	const char *name;
	unsigned int answers;
} events[FAULT_EVENTS] = {
	/* messages of the control ring */
	[FAULT_AT_OPEN] = { "open", REQUEST },
	[FAULT_AT_CLOSE] = { "close", REQUEST },
	[FAULT_AT_SLEEP_DEVICE] = { "sleep-device", REQUEST },
	[FAULT_AT_SLEEP_ENTER] = { "sleep-enter", REQUEST },
	[FAULT_AT_SLEEP_EXIT] = { "sleep-exit", REQUEST },
	[FAULT_AT_FEATURES] = { "features", REQUEST },
	/* DB2 = 2, 7, 8 */
	[FAULT_AT_WAKE] = { "wake", IGNORE | LATE | TWICE },
	[FAULT_AT_FORCE_SLEEP] = { "force-sleep", IGNORE },
	[FAULT_AT_FORCE_ACTIVE] = { "force-active", IGNORE | LATE | TWICE },
	/* DB1 = 1, 2, 0 */
	[FAULT_AT_INIT] = { "init", IGNORE | LATE },
	[FAULT_AT_RUNNING] = { "running", IGNORE | LATE | TWICE },
	[FAULT_AT_UNINIT] = { "uninit", IGNORE | LATE },
	/* commands of the MUX */
	[FAULT_AT_SESSION_OPEN] = { "session-open", REQUEST },
	[FAULT_AT_SESSION_CLOSE] = { "session-close", REQUEST },
	/* a unit of any pipe is about to be taken or sent */
	[FAULT_AT_UPLINK] = { "uplink", IGNORE | LATE },
	[FAULT_AT_DOWNLINK] = { "downlink", IGNORE },
	/* an interrupt is about to be sent */
	[FAULT_AT_MSI] = { "msi", IGNORE | LATE | TWICE },
	/* the function entered D3hot, left it, was reset */
	[FAULT_AT_D3] = { "d3", 0 },
	[FAULT_AT_D0] = { "d0", 0 },
	[FAULT_AT_FLR] = { "flr", 0 },
	/* DB0 = 0xfeedb007, the result of the boot ROM, PSI is about to run */
	[FAULT_AT_PSI] = { "psi", REFUSE | IGNORE | LATE },
	[FAULT_AT_ROM] = { "rom", REQUEST | VALUE },
	[FAULT_AT_STAGE_PSI] = { "stage-psi", IGNORE | LATE | VALUE },
	/* a unit for a loader is about to be taken */
	[FAULT_AT_FLASH_UPLINK] = { "flash-uplink", IGNORE | LATE },
	/* units of PSI: its greeting, an answer while EBL is loaded */
	[FAULT_AT_ACK] = { "ack", UNIT | VALUE },
	[FAULT_AT_RPSI] = { "rpsi", IGNORE | LATE },
	[FAULT_AT_EBL_LOAD] = { "ebl-load", UNIT | VALUE },
	/* requests to EBL, and what answers them */
	[FAULT_AT_PACKET] = { "packet", REQUEST | ERROR },
	[FAULT_AT_RESPONSE] = {
		"response", UNIT | ERROR | VALUE | 1u << FAULT_WRONG_ID |
			    1u << FAULT_WRONG_CHECKSUM,
	},
	[FAULT_AT_RESPONSE_HEADER] = { "response-header", UNIT },
	[FAULT_AT_ERASE_CHECK] = { "erase-check", VALUE | 1u << FAULT_BUSY },
	[FAULT_AT_RAW] = { "raw", IGNORE },
	/* units of a core dump; numbers and names in its list */
	[FAULT_AT_DUMP_LIST] = { "dump-list", UNIT | VALUE },
	[FAULT_AT_DUMP_SIZE] = { "dump-size", VALUE },
	[FAULT_AT_DUMP_NAME] = { "dump-name", VALUE },
	[FAULT_AT_DUMP_CHUNK] = { "dump-chunk", UNIT },
	[FAULT_AT_DUMP_END] = { "dump-end", UNIT },
	[FAULT_AT_NOW] = { "now", 0 },
};

enum argument { NO_ARGUMENT, MAY_MS, MUST_MS, MUST_HEX, MUST_BYTES };

/* @deadly: what the modem was about to do is not done any more. */
static const struct {
	const char *name;
	enum argument argument;
	bool deadly;
} kinds[FAULT_KINDS] = {
	[FAULT_REFUSE] = { "refuse", NO_ARGUMENT, false },
	[FAULT_IGNORE] = { "ignore", NO_ARGUMENT, false },
	[FAULT_LATE] = { "late", MUST_MS, false },
	[FAULT_TWICE] = { "twice", NO_ARGUMENT, false },
	[FAULT_SHORT] = { "short", MUST_BYTES, false },
	[FAULT_LONG] = { "long", MUST_BYTES, false },
	[FAULT_WRONG_ID] = { "wrong-id", NO_ARGUMENT, false },
	[FAULT_WRONG_CHECKSUM] = { "wrong-checksum", NO_ARGUMENT, false },
	[FAULT_ERROR] = { "error", NO_ARGUMENT, false },
	[FAULT_BUSY] = { "busy", NO_ARGUMENT, false },
	[FAULT_BAD_VALUE] = { "bad-value", MUST_HEX, false },
	[FAULT_LOSE_MSI] = { "lose-msi", NO_ARGUMENT, false },
	[FAULT_SILENCE] = { "silence", NO_ARGUMENT, true },
	[FAULT_CRASH] = { "crash", MAY_MS, true },
	[FAULT_DUMP] = { "dump", MUST_MS, true },
	[FAULT_REBOOT] = { "reboot", NO_ARGUMENT, true },
	[FAULT_BOOT] = { "boot", MUST_MS, true },
	[FAULT_POWER_LOSS] = { "power-loss", NO_ARGUMENT, true },
	[FAULT_GONE] = { "gone", NO_ARGUMENT, true },
	[FAULT_TOGGLE_IPC] = { "toggle-ipc", NO_ARGUMENT, false },
	[FAULT_PME] = { "pme", NO_ARGUMENT, false },
	[FAULT_BAD_STAGE] = { "bad-stage", MUST_HEX, false },
};

const char *fault_event_name(enum fault_event event)
{
	return events[event].name;
}

const char *fault_kind_name(enum fault_kind kind)
{
	return kinds[kind].name;
}

/*
 * The language.
 */

static bool parse_number(const char *text, int base, uint64_t max,
			 uint64_t *value)
{
	static const char digits[] = "0123456789abcdefABCDEF";
	size_t len = strlen(text);
	char *end;

	if (base == 16 && !strncmp(text, "0x", 2)) {
		text += 2;
		len -= 2;
	}
	if (!len || strspn(text, digits) != len)
		return false;
	errno = 0;
	*value = strtoull(text, &end, base);
	return !errno && !*end && *value <= max;
}

static const char *parse_event(struct fault *fault, const char *name)
{
	for (unsigned int i = 0; i < FAULT_EVENTS; i++) {
		if (!strcmp(name, events[i].name)) {
			fault->event = (enum fault_event)i;
			return NULL;
		}
	}
	return "unknown event";
}

/* Which occurrence: @how is '#', '%' or '*', @text follows it. */
static const char *parse_when(struct fault *fault, char how, const char *text)
{
	uint64_t value;

	if (fault->event == FAULT_AT_NOW)
		return "now happens only once";
	switch (how) {
	case '#':
		if (!parse_number(text, 10, UINT32_MAX, &value) || !value)
			return "a count is a number from 1 on";
		fault->count = value;
		return NULL;
	case '%':
		if (!parse_number(text, 10, 100, &value) || !value)
			return "a percentage is a number from 1 to 100";
		fault->percent = (unsigned int)value;
		fault->forever = true;
		return NULL;
	default:
		if (*text)
			return "nothing follows a *";
		fault->forever = true;
		return NULL;
	}
}

static const char *parse_argument(struct fault *fault, const char *text)
{
	static const struct {
		int base;
		uint64_t max;
		const char *why;
	} ranges[] = {
		[MAY_MS] = { 10, HOUR_MS,
			"the argument is a number of milliseconds, an hour at most" },
		[MUST_MS] = { 10, HOUR_MS,
			"the argument is a number of milliseconds, an hour at most" },
		[MUST_HEX] = { 16, UINT32_MAX,
			"the argument is a hexadecimal number of 32 bit" },
		[MUST_BYTES] = { 10, BYTES_MAX,
			"the argument is a number of bytes, 131072 at most" },
	};
	enum argument kind = kinds[fault->kind].argument;
	uint64_t value;

	fault->argument = FAULT_NO_ARGUMENT;
	if (!text)
		return kind == NO_ARGUMENT || kind == MAY_MS ? NULL :
		       "this fault needs an argument";
	if (kind == NO_ARGUMENT)
		return "this fault has no argument";
	if (!parse_number(text, ranges[kind].base, ranges[kind].max, &value))
		return ranges[kind].why;
	fault->argument = (int64_t)value;
	return NULL;
}

static const char *parse_kind(struct fault *fault, const char *name)
{
	for (unsigned int i = 0; i < FAULT_KINDS; i++) {
		if (strcmp(name, kinds[i].name))
			continue;
		fault->kind = (enum fault_kind)i;
		if (i <= FAULT_BAD_VALUE &&
		    !(events[fault->event].answers & 1u << i))
			return "this event cannot be answered so";
		return NULL;
	}
	return "unknown fault";
}

static const char *parse(struct fault *fault, const char *spec)
{
	char text[FAULT_SPEC], *kind, *argument, *when, how = '\0';
	const char *why;

	*fault = (struct fault) { .count = 1, .armed = true };
	if (strlen(spec) >= sizeof(fault->spec))
		return "too long";
	memcpy(fault->spec, spec, strlen(spec) + 1);
	memcpy(text, spec, strlen(spec) + 1);

	kind = strchr(text, ':');
	if (!kind)
		return "a fault is EVENT:FAULT";
	*kind++ = '\0';
	argument = strchr(kind, '=');
	if (argument)
		*argument++ = '\0';
	when = strpbrk(text, "#%*");
	if (when) {
		how = *when;
		*when++ = '\0';
	}

	why = parse_event(fault, text);
	if (!why && when)
		why = parse_when(fault, how, when);
	if (!why)
		why = parse_kind(fault, kind);
	if (!why)
		why = parse_argument(fault, argument);
	return why;
}

/*
 * The table.
 */

static void update_awaited(struct faults *faults)
{
	faults->awaited = 0;
	for (unsigned int i = 0; i < faults->count; i++) {
		if (faults->fault[i].armed)
			faults->awaited |= 1ull << faults->fault[i].event;
	}
}

/* A place for one more; the oldest that is over makes room. */
static struct fault *find_room(struct faults *faults)
{
	if (faults->count < FAULT_MAX)
		return &faults->fault[faults->count++];
	for (unsigned int i = 0; i < FAULT_MAX; i++) {
		if (faults->fault[i].armed)
			continue;
		memmove(&faults->fault[i], &faults->fault[i + 1],
			(FAULT_MAX - 1 - i) * sizeof(faults->fault[0]));
		return &faults->fault[FAULT_MAX - 1];
	}
	return NULL;
}

void faults_init(struct faults *faults)
{
	*faults = (struct faults) { .dice = 1 };
}

void faults_seed(struct faults *faults, uint64_t seed)
{
	faults->dice = seed;
}

void faults_attach(struct faults *faults, fault_strike_t strike, void *ctx)
{
	faults->strike = strike;
	faults->ctx = ctx;
	fault_at(faults, FAULT_AT_NOW);
}

const char *faults_arm(struct faults *faults, const char *spec)
{
	struct fault fault, *room;
	const char *why = parse(&fault, spec);

	if (why)
		return why;
	room = find_room(faults);
	if (!room)
		return "too many faults wait";
	*room = fault;
	update_awaited(faults);
	/* Before there is somebody to strike, it waits for faults_attach(). */
	if (faults->strike)
		fault_at(faults, FAULT_AT_NOW);
	return NULL;
}

/* The fault in a line of a script, in place; NULL if there is none. */
static char *script_line(char *line)
{
	char *at = line + strspn(line, " \t\r\n"), *end;

	if (!*at || *at == '#')
		return NULL;
	end = at + strcspn(at, " \t\r\n");
	if (*end) {
		const char *rest = end + 1 + strspn(end + 1, " \t\r\n");

		/* Anything but a comment makes the line wrong. */
		if (!*rest || *rest == '#')
			*end = '\0';
	}
	return at;
}

const char *faults_read(struct faults *faults, const char *path,
			unsigned int *line)
{
	FILE *file = fopen(path, "re");
	const char *why = NULL;
	char *text = NULL;
	size_t size = 0;

	*line = 0;
	if (!file)
		return strerror(errno);
	while (!why && getline(&text, &size, file) >= 0) {
		char *spec = script_line(text);

		(*line)++;
		if (spec)
			why = faults_arm(faults, spec);
	}
	if (!why) {
		*line = 0;
		if (ferror(file))
			why = "cannot be read";
	}
	free(text);
	fclose(file);
	return why;
}

void faults_clear(struct faults *faults)
{
	faults->count = 0;
	faults->fired = 0;
	update_awaited(faults);
}

unsigned int faults_armed(const struct faults *faults)
{
	unsigned int armed = 0;

	for (unsigned int i = 0; i < faults->count; i++)
		armed += faults->fault[i].armed;
	return armed;
}

/*
 * Events.
 */

/* SplitMix64: any seed is good, and the same one gives the same run. */
static uint64_t roll(struct faults *faults)
{
	uint64_t z = faults->dice += 0x9e3779b97f4a7c15ull;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return z ^ z >> 31;
}

static bool due(struct faults *faults, const struct fault *fault)
{
	if (fault->percent)
		return roll(faults) % 100 < fault->percent;
	return fault->forever || fault->seen == fault->count;
}

static void apply(struct faults *faults, enum fault_kind kind,
		  int64_t argument, struct fault_answer *answer)
{
	switch (kind) {
	case FAULT_REFUSE:
		answer->refuse = true;
		return;
	case FAULT_IGNORE:
		answer->ignore = true;
		return;
	case FAULT_LATE:
		answer->late_us = (uint64_t)argument * 1000;
		return;
	case FAULT_TWICE:
		answer->twice = true;
		return;
	case FAULT_SHORT:
		answer->shorter = (uint32_t)argument;
		return;
	case FAULT_LONG:
		answer->longer = (uint32_t)argument;
		return;
	case FAULT_WRONG_ID:
		answer->wrong_id = true;
		return;
	case FAULT_WRONG_CHECKSUM:
		answer->wrong_checksum = true;
		return;
	case FAULT_ERROR:
		answer->error = true;
		return;
	case FAULT_BUSY:
		answer->busy = true;
		return;
	case FAULT_BAD_VALUE:
		answer->bad = true;
		answer->value = (uint32_t)argument;
		return;
	default:
		break;
	}
	if (kinds[kind].deadly)
		answer->ignore = true;
	if (faults->strike)
		faults->strike(faults->ctx, kind, argument);
}

struct fault_answer faults_fire(struct faults *faults, enum fault_event event)
{
	struct fault_answer answer = { .refuse = false };

	for (unsigned int i = 0; i < faults->count; i++) {
		struct fault *fault = &faults->fault[i];

		if (!fault->armed || fault->event != event)
			continue;
		fault->seen++;
		if (!due(faults, fault))
			continue;
		fault->armed = fault->forever;
		fault->fired++;
		faults->fired++;
		trace("fault %s", fault->spec);
		log_info("fault %s", fault->spec);
		apply(faults, fault->kind, fault->argument, &answer);
	}
	update_awaited(faults);
	return answer;
}
