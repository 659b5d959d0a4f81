// SPDX-License-Identifier: GPL-2.0-only
/*
 * The control socket.
 *
 * A command is a word with arguments; the table below says which there are.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "control.h"
#include "critic.h"
#include "fault.h"
#include "fwlog.h"
#include "log.h"
#include "loop.h"
#include "modem.h"
#include "pcidev.h"
#include "unixsock.h"
#include "vhost.h"
#include "world.h"

#define CONTROL_CLIENTS	8
#define CONTROL_LINE	256
#define CONTROL_ARGS	8

struct control_client {
	struct control *control;
	int fd;
	struct loop_fd *watch;
	size_t len;
	char line[CONTROL_LINE];
};

struct control {
	struct loop *loop;
	struct modem *modem;
	struct vhost *vhost;
	struct world *world;
	char *path;
	int listener;
	struct loop_fd *watch;
	struct control_client client[CONTROL_CLIENTS];
};

/**
 * struct control_command - one command
 * @name: its first word
 * @args: names of its arguments, for help; @count of them
 * @run: returns NULL or what is wrong; may write members of the answer, each
 *	with a comma before it
 */
struct control_command {
	const char *name, *args;
	int count;
	const char *(*run)(struct control *control, char **argv, FILE *answer);
};

static bool parse_session(const char *text, unsigned int *session)
{
	if (text[0] < '0' || text[0] >= '0' + MUX_SESSIONS || text[1])
		return false;
	*session = (unsigned int)(text[0] - '0');
	return true;
}

static const char *run_flow(struct control *control, char **argv, FILE *answer)
{
	unsigned int session;
	bool stop = !strcmp(argv[1], "stop");

	(void)answer;
	if (!stop && strcmp(argv[1], "resume"))
		return "say stop or resume";
	if (!parse_session(argv[2], &session))
		return "session must be 0 to 7";
	return mux_flow(&control->modem->mux, session, stop) ? NULL :
	       "the channel is closed or busy";
}

static const char *run_lqr(struct control *control, char **argv, FILE *answer)
{
	unsigned int session;

	(void)answer;
	if (!parse_session(argv[1], &session))
		return "session must be 0 to 7";
	return mux_quality(&control->modem->mux, session) ? NULL :
	       "the channel is closed or busy";
}

static const char *run_grant(struct control *control, char **argv, FILE *answer)
{
	unsigned long bytes;
	unsigned int session;
	char *end;

	(void)answer;
	if (!parse_session(argv[1], &session))
		return "session must be 0 to 7";
	bytes = strtoul(argv[2], &end, 0);
	if (argv[2][0] < '0' || argv[2][0] > '9' || *end || bytes > UINT32_MAX)
		return "bytes must be a 32-bit number";
	return mux_grant(&control->modem->mux, session, (uint32_t)bytes) ?
	       NULL : "the channel is closed or busy";
}

static const char *run_class(struct control *control, char **argv, FILE *answer)
{
	unsigned long class;
	char *end;

	(void)answer;
	class = strtoul(argv[1], &end, 10);
	if (argv[1][0] < '0' || argv[1][0] > '9' || *end ||
	    class >= MUX_CLASSES)
		return "the service class must be 0 to 255";
	control->modem->mux.dl_class = (uint8_t)class;
	return NULL;
}

static const char *hold(struct control *control, const char *text, bool held)
{
	unsigned long pipe;
	char *end;

	pipe = strtoul(text, &end, 10);
	if (text[0] < '0' || text[0] > '9' || *end || pipe >= WIRE_PIPES ||
	    pipe % 2)
		return "pipe must be an even number below 24";
	modem_hold(control->modem, (unsigned int)pipe, held);
	return NULL;
}

static const char *run_hold(struct control *control, char **argv, FILE *answer)
{
	(void)answer;
	return hold(control, argv[1], true);
}

static const char *run_release(struct control *control, char **argv,
			       FILE *answer)
{
	(void)answer;
	return hold(control, argv[1], false);
}

static const char *run_trace(struct control *control, char **argv, FILE *answer)
{
	struct function *log = control->modem->channel[MODEM_LOG_CHANNEL].fn;
	unsigned long bytes;
	char *end;

	(void)answer;
	bytes = strtoul(argv[1], &end, 10);
	if (argv[1][0] < '0' || argv[1][0] > '9' || *end || bytes > UINT32_MAX)
		return "bytes must be a 32-bit number";
	return fwlog_write(log, bytes) ? NULL : "the channel is closed";
}

static const char *run_sleep(struct control *control, char **argv, FILE *answer)
{
	(void)argv;
	(void)answer;
	return modem_sleep(control->modem) ? NULL :
	       "device sleep is not possible now";
}

static const char *run_wake(struct control *control, char **argv, FILE *answer)
{
	(void)argv;
	(void)answer;
	return modem_wake(control->modem) ? NULL : "cannot wake up now";
}

static const char *run_fault(struct control *control, char **argv, FILE *answer)
{
	const char *why = faults_arm(&control->modem->faults, argv[1]);

	(void)answer;
	/* What happens now has happened when this is answered. */
	modem_suffer(control->modem);
	return why;
}

static const char *run_faults(struct control *control, char **argv,
			      FILE *answer)
{
	const struct faults *faults = &control->modem->faults;

	(void)argv;
	fputs(", \"faults\": [", answer);
	for (unsigned int i = 0; i < faults->count; i++) {
		const struct fault *fault = &faults->fault[i];

		fprintf(answer,
			"%s{\"spec\": \"%s\", \"armed\": %s, \"seen\": %llu, \"fired\": %llu}",
			i ? ", " : "", fault->spec,
			fault->armed ? "true" : "false",
			(unsigned long long)fault->seen,
			(unsigned long long)fault->fired);
	}
	fputc(']', answer);
	return NULL;
}

static const char *run_clear(struct control *control, char **argv, FILE *answer)
{
	(void)argv;
	(void)answer;
	faults_clear(&control->modem->faults);
	control->modem->lose_msi = 0;
	return NULL;
}

static const char *run_back(struct control *control, char **argv, FILE *answer)
{
	(void)argv;
	(void)answer;
	return modem_back(control->modem) ? NULL : "the function is not gone";
}

static const char *run_chatter(struct control *control, char **argv,
			       FILE *answer)
{
	unsigned long value[2];

	(void)answer;
	for (int i = 0; i < 2; i++) {
		char *end;

		value[i] = strtoul(argv[i + 1], &end, 10);
		if (argv[i + 1][0] < '0' || argv[i + 1][0] > '9' || *end ||
		    value[i] > 65536)
			return "say how many units of how many bytes, up to 65536";
	}
	return modem_chatter(control->modem, (unsigned int)value[0], value[1]) ?
	       NULL : "no loader talks to the host, or too much waits";
}

static const char *run_quit(struct control *control, char **argv, FILE *answer)
{
	(void)argv;
	(void)answer;
	loop_stop(control->loop);
	return NULL;
}

/*
 * Statistics.
 */

static void put_number(FILE *answer, const char *name, uint64_t value)
{
	fprintf(answer, ", \"%s\": %llu", name, (unsigned long long)value);
}

static void put_list(FILE *answer, const char *name, const uint64_t *values,
		     unsigned int count)
{
	fprintf(answer, ", \"%s\": [", name);
	for (unsigned int i = 0; i < count; i++)
		fprintf(answer, "%s%llu", i ? ", " : "",
			(unsigned long long)values[i]);
	fputc(']', answer);
}

static void put_doorbells(const struct modem *modem, FILE *answer)
{
	const struct modem_counters *c = &modem->counters;
	uint64_t head = 0;

	for (unsigned int i = 0; i <= HEAD_REASONS; i++)
		head += c->head[i];
	put_number(answer, "db0", head);
	put_list(answer, "db0_reasons", c->head, HEAD_REASONS + 1);
	put_list(answer, "db1", c->state, 4);
	put_list(answer, "db2", c->power, 10);
}

static void put_pipes(const struct rings *rings, FILE *answer)
{
	bool first = true;

	fputs(", \"pipes\": {", answer);
	for (unsigned int n = 0; n < WIRE_PIPES; n++) {
		const struct ring_pipe *pipe = &rings->pipe[n];

		if (!pipe->open && !pipe->tds)
			continue;
		fprintf(answer,
			"%s\"%u\": {\"open\": %s, \"tds\": %llu, \"bytes\": %llu}",
			first ? "" : ", ", n, pipe->open ? "true" : "false",
			(unsigned long long)pipe->tds,
			(unsigned long long)pipe->bytes);
		first = false;
	}
	fputc('}', answer);
}

static void put_mux(const struct mux *mux, FILE *answer)
{
	const struct mux_counters *c = &mux->counters;

	fputs(", \"mux\": {\"variant\": ", answer);
	fputs(mux->config.aggregation ? "\"aggr\"" : "\"lite\"", answer);
	put_number(answer, "sessions_open", mux_open_sessions(mux));
	put_number(answer, "opens", c->opens);
	put_number(answer, "closes", c->closes);
	put_number(answer, "acks", c->acks);
	put_number(answer, "acks_late", c->acks_late);
	put_number(answer, "grants", c->grants);
	put_number(answer, "ul_blocks", mux->ul.blocks);
	put_number(answer, "ul_datagrams", mux->ul.datagrams);
	put_number(answer, "ul_commands", mux->ul.commands);
	put_number(answer, "ul_levels", mux->ul.levels);
	put_number(answer, "ul_ignored", c->ul_ignored);
	put_number(answer, "dl_blocks", c->dl_blocks);
	put_number(answer, "dl_datagrams", c->dl_datagrams);
	put_number(answer, "dl_bytes", c->dl_bytes);
	put_number(answer, "dl_commands", c->dl_commands);
	put_number(answer, "dl_refused", c->dl_refused);
	put_number(answer, "dl_dropped", c->dl_dropped);
	fputc('}', answer);
}

static void put_log(const struct fwlog_counters *c, FILE *answer)
{
	fprintf(answer, ", \"trace\": {\"opened\": %llu",
		(unsigned long long)c->opened);
	put_number(answer, "units", c->units);
	put_number(answer, "frames", c->frames);
	put_number(answer, "bytes", c->bytes);
	put_number(answer, "next", c->next);
	put_number(answer, "dropped", c->dropped);
	put_number(answer, "uplink", c->uplink);
	fputc('}', answer);
}

/* Those that were seen. */
static void put_classes(const uint64_t *packets, FILE *answer)
{
	const char *separator = "";

	fputs(", \"ul_classes\": {", answer);
	for (unsigned int i = 0; i < MUX_CLASSES; i++) {
		if (!packets[i])
			continue;
		fprintf(answer, "%s\"%u\": %llu", separator, i,
			(unsigned long long)packets[i]);
		separator = ", ";
	}
	fputc('}', answer);
}

static void put_sessions(const struct control *control, FILE *answer)
{
	fputs(", \"sessions\": [", answer);
	for (unsigned int n = 0; n < MUX_SESSIONS; n++) {
		const struct mux_session *session =
			&control->modem->mux.session[n];
		struct world_counters c;

		world_counters(control->world, n, &c);
		fprintf(answer, "%s{\"up\": %s, \"stopped\": %s",
			n ? ", " : "",
			session->state == MUX_UP ? "true" : "false",
			session->stopped ? "true" : "false");
		put_number(answer, "level", session->level);
		put_number(answer, "ul_packets", c.ul_packets);
		put_number(answer, "ul_bytes", c.ul_bytes);
		put_number(answer, "dl_packets", c.dl_packets);
		put_number(answer, "dl_bytes", c.dl_bytes);
		put_number(answer, "dl_dropped", c.dl_dropped);
		put_number(answer, "ul_dropped", c.ul_dropped);
		put_number(answer, "ul_bad_checksum", c.ul_bad_checksum);
		put_classes(control->modem->mux.ul_class[n], answer);
		fputc('}', answer);
	}
	fputc(']', answer);
}

static void put_function(const struct pcidev *pci, FILE *answer)
{
	fprintf(answer, ", \"function\": {\"d3\": %s",
		pcidev_in_d0(pci) ? "false" : "true");
	put_number(answer, "d3_entries", pci->d3_entries);
	put_number(answer, "pme", pci->pme_sent);
	fprintf(answer, ", \"gone\": %s", pci->gone ? "true" : "false");
	put_number(answer, "absent", pci->absent);
	fputc('}', answer);
}

static void put_faults(const struct faults *faults, FILE *answer)
{
	fprintf(answer, ", \"faults\": {\"armed\": %u", faults_armed(faults));
	put_number(answer, "fired", faults->fired);
	fputc('}', answer);
}

static void put_packets(const struct flash_counters *c, FILE *answer)
{
	fputs(", \"packets\": {", answer);
	for (unsigned int i = 0; i < FLASH_PACKETS; i++)
		fprintf(answer, "\"%04x\": %llu, ", flash_packet_id(i),
			(unsigned long long)c->packets[i]);
	fprintf(answer, "\"other\": %llu}",
		(unsigned long long)c->packets[FLASH_PACKETS]);
}

static void put_flash(const struct modem *modem, FILE *answer)
{
	const struct flash_counters *c = &modem->flash.counters;

	fprintf(answer, ", \"flash\": {\"stage\": \"%s\"",
		modem_stage_name(modem->stage));
	put_number(answer, "images", modem->counters.images);
	put_number(answer, "psi", modem->counters.loaders);
	put_number(answer, "ebl", c->loads);
	put_number(answer, "sessions", c->sessions);
	put_packets(c, answer);
	put_number(answer, "checksum_errors", c->checksum_errors);
	put_number(answer, "erased_blocks", modem->nand.erased_blocks);
	put_number(answer, "written", modem->nand.written);
	put_number(answer, "damaged", modem->nand.damaged);
	fprintf(answer, ", \"coredump\": {\"present\": %s",
		modem->dump.present ? "true" : "false");
	put_number(answer, "list", modem->dump.lists);
	put_list(answer, "files", modem->dump.fetched, COREDUMP_FILES);
	put_number(answer, "ended", modem->dump.ended);
	fputs("}}", answer);
}

static const char *run_stats(struct control *control, char **argv, FILE *answer)
{
	const struct modem *modem = control->modem;

	(void)argv;
	put_number(answer, "violations", violation_count());
	put_number(answer, "quirks", quirk_count());
	fprintf(answer, ", \"stage\": \"%s\"", modem_stage_name(modem->stage));
	put_number(answer, "ipc", modem->ipc);
	put_number(answer, "ipc_sessions", modem->counters.sessions);
	put_number(answer, "resets", modem->counters.resets);
	put_number(answer, "generation", modem->counters.generation);
	put_number(answer, "repeats", modem->counters.repeats);
	put_number(answer, "flr", modem->pci->flr);
	put_number(answer, "msi", modem->pci->msi_sent);
	put_number(answer, "msi_lost", modem->pci->msi_lost);
	put_function(modem->pci, answer);
	put_faults(&modem->faults, answer);
	put_doorbells(modem, answer);
	fputs(", \"messages\": {", answer);
	fprintf(answer, "\"open\": %llu",
		(unsigned long long)modem->rings.messages[MESSAGE_OPEN]);
	put_number(answer, "close", modem->rings.messages[MESSAGE_CLOSE]);
	put_number(answer, "abort", modem->rings.messages[MESSAGE_ABORT]);
	put_number(answer, "sleep", modem->rings.messages[MESSAGE_SLEEP]);
	put_number(answer, "features", modem->rings.messages[5]);
	put_number(answer, "unknown", modem->rings.messages[0]);
	fputc('}', answer);
	put_pipes(&modem->rings, answer);
	fprintf(answer, ", \"power\": {\"state\": \"%s\"",
		power_state_name(modem->power.state));
	put_number(answer, "sleeps", modem->power.sleeps);
	put_number(answer, "wakes", modem->power.wakes);
	put_number(answer, "acks", modem->power.acks);
	put_number(answer, "late", modem->power.late);
	fputc('}', answer);
	put_flash(modem, answer);
	put_mux(&modem->mux, answer);
	put_sessions(control, answer);
	put_log(fwlog_counters(modem->channel[MODEM_LOG_CHANNEL].fn), answer);
	if (control->vhost) {
		const struct vhost_counters *c =
			vhost_counters(control->vhost);

		fprintf(answer, ", \"vhost\": {\"connections\": %llu",
			(unsigned long long)c->connections);
		put_number(answer, "commands", c->commands);
		put_number(answer, "interrupts", c->interrupts);
		put_number(answer, "coalesced", c->coalesced);
		put_number(answer, "malformed", c->malformed);
		fputc('}', answer);
	}
	return NULL;
}

static const char *run_help(struct control *control, char **argv, FILE *answer);

static const struct control_command commands[] = {
	{ "back", "", 0, run_back },
	{ "chatter", "COUNT BYTES", 2, run_chatter },
	{ "class", "CLASS", 1, run_class },
	{ "clear", "", 0, run_clear },
	{ "fault", "EVENT[#COUNT|%PERCENT|*]:FAULT[=ARGUMENT]", 1, run_fault },
	{ "faults", "", 0, run_faults },
	{ "flow", "stop|resume SESSION", 2, run_flow },
	{ "grant", "SESSION BYTES", 2, run_grant },
	{ "help", "", 0, run_help },
	{ "hold", "PIPE", 1, run_hold },
	{ "lqr", "SESSION", 1, run_lqr },
	{ "quit", "", 0, run_quit },
	{ "release", "PIPE", 1, run_release },
	{ "sleep", "", 0, run_sleep },
	{ "stats", "", 0, run_stats },
	{ "trace", "BYTES", 1, run_trace },
	{ "wake", "", 0, run_wake },
};

#define COMMANDS	(sizeof(commands) / sizeof(*commands))

static const char *run_help(struct control *control, char **argv, FILE *answer)
{
	(void)control;
	(void)argv;
	fputs(", \"commands\": [", answer);
	for (unsigned int i = 0; i < COMMANDS; i++)
		fprintf(answer, "%s\"%s%s%s\"", i ? ", " : "", commands[i].name,
			commands[i].count ? " " : "", commands[i].args);
	fputs("], \"events\": [", answer);
	for (unsigned int i = 0; i < FAULT_EVENTS; i++)
		fprintf(answer, "%s\"%s\"", i ? ", " : "",
			fault_event_name((enum fault_event)i));
	fputs("], \"faults\": [", answer);
	for (unsigned int i = 0; i < FAULT_KINDS; i++)
		fprintf(answer, "%s\"%s\"", i ? ", " : "",
			fault_kind_name((enum fault_kind)i));
	fputc(']', answer);
	return NULL;
}

static const struct control_command *find_command(const char *name)
{
	for (unsigned int i = 0; i < COMMANDS; i++) {
		if (!strcmp(commands[i].name, name))
			return &commands[i];
	}
	return NULL;
}

void control_execute(struct control *control, char *line, FILE *answer)
{
	const struct control_command *command;
	const char *error = NULL;
	char *argv[CONTROL_ARGS], *save = NULL, *word, *body = NULL;
	size_t body_len = 0;
	FILE *members;
	int argc = 0;

	for (word = strtok_r(line, " \t\r", &save); word && argc < CONTROL_ARGS;
	     word = strtok_r(NULL, " \t\r", &save))
		argv[argc++] = word;

	command = argc ? find_command(argv[0]) : NULL;
	members = open_memstream(&body, &body_len);
	if (!members)
		error = "out of memory";
	else if (!command)
		error = "unknown command, try help";
	else if (argc != command->count + 1 || word)
		error = "wrong number of arguments, try help";
	else
		error = command->run(control, argv, members);
	if (members)
		fclose(members);

	if (error)
		fprintf(answer, "{\"ok\": false, \"error\": \"%s\"}", error);
	else
		fprintf(answer, "{\"ok\": true%s}", body);
	free(body);
}

static void control_drop(struct control_client *client)
{
	if (client->fd < 0)
		return;
	loop_fd_remove(client->watch);
	close(client->fd);
	client->fd = -1;
	client->len = 0;
}

static void control_answer(struct control_client *client, char *line)
{
	char *text = NULL;
	size_t len = 0;
	FILE *answer = open_memstream(&text, &len);

	if (!answer) {
		control_drop(client);
		return;
	}
	control_execute(client->control, line, answer);
	fputc('\n', answer);
	fclose(answer);
	/* Answers are small; a client that does not read them is dropped. */
	if (send(client->fd, text, len, MSG_NOSIGNAL | MSG_DONTWAIT) !=
	    (ssize_t)len)
		control_drop(client);
	free(text);
}

static void control_client_ready(void *ctx, uint32_t events)
{
	struct control_client *client = ctx;
	ssize_t got = recv(client->fd, client->line + client->len,
			   sizeof(client->line) - client->len, MSG_DONTWAIT);
	char *end;

	(void)events;
	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (got <= 0) {
		control_drop(client);
		return;
	}
	client->len += (size_t)got;
	while (client->fd >= 0 &&
	       (end = memchr(client->line, '\n', client->len))) {
		size_t used = (size_t)(end - client->line) + 1;
		char line[CONTROL_LINE];

		memcpy(line, client->line, used);
		line[used - 1] = '\0';
		client->len -= used;
		memmove(client->line, client->line + used, client->len);
		control_answer(client, line);
	}
	if (client->len == sizeof(client->line)) {
		log_warn("a line on the control socket is too long");
		control_drop(client);
	}
}

static void control_ready(void *ctx, uint32_t events)
{
	struct control *control = ctx;
	int fd = accept4(control->listener, NULL, NULL,
			 SOCK_CLOEXEC | SOCK_NONBLOCK);

	(void)events;
	if (fd < 0)
		return;
	for (unsigned int i = 0; i < CONTROL_CLIENTS; i++) {
		struct control_client *client = &control->client[i];

		if (client->fd >= 0)
			continue;
		client->watch = loop_fd_add(control->loop, fd, EPOLLIN,
					    control_client_ready, client);
		if (!client->watch)
			break;
		client->fd = fd;
		client->len = 0;
		return;
	}
	log_warn("too many clients on the control socket");
	close(fd);
}

struct control *control_new(struct loop *loop, const char *path,
			    struct modem *modem, struct vhost *vhost,
			    struct world *world)
{
	struct control *control = calloc(1, sizeof(*control));
	char *copy = strdup(path);

	if (!control || !copy) {
		log_error("out of memory");
		free(copy);
		free(control);
		return NULL;
	}
	control->path = copy;
	control->loop = loop;
	control->modem = modem;
	control->vhost = vhost;
	control->world = world;
	for (unsigned int i = 0; i < CONTROL_CLIENTS; i++) {
		control->client[i].control = control;
		control->client[i].fd = -1;
	}
	control->listener = unixsock_listen(path);
	if (control->listener < 0)
		goto err_free;
	control->watch = loop_fd_add(loop, control->listener, EPOLLIN,
				     control_ready, control);
	if (!control->watch) {
		log_error("cannot watch %s: %s", path, strerror(errno));
		goto err_close;
	}
	return control;

err_close:
	close(control->listener);
	unlink(path);
err_free:
	free(control->path);
	free(control);
	return NULL;
}

void control_free(struct control *control)
{
	if (!control)
		return;
	for (unsigned int i = 0; i < CONTROL_CLIENTS; i++)
		control_drop(&control->client[i]);
	loop_fd_remove(control->watch);
	close(control->listener);
	unlink(control->path);
	free(control->path);
	free(control);
}
