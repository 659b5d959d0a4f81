// SPDX-License-Identifier: GPL-2.0-only
/*
 * AT function: a byte stream of command lines.
 *
 * Uplink units are pieces of one stream; their boundaries mean nothing. A
 * line ends with a carriage return; line feeds are skipped; backspace takes
 * back a character. While the echo is on (as after start, ATZ and AT&F) every
 * byte of a line comes back. A response is <CR><LF>text<CR><LF> for each line
 * of text and then for the result code, split to what a downlink unit holds.
 *
 * A line may hold several commands: basic ones follow each other (ATE0I), an
 * extended one (+...) ends with a semicolon or the line. The first error ends
 * the line. A line that is too long is skipped to its end and is an ERROR.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "function.h"
#include "identity.h"
#include "log.h"

#define LINE_MAX_LEN	512u
#define OUT_MAX		2048u

/**
 * struct at - one AT port
 * @fn: base
 * @index: which of the two, for the log
 * @echo: send back what comes
 * @line: command line so far
 * @line_len: its length
 * @overflow: it became too long; skip the rest
 * @out: response bytes that were not sent yet
 * @out_len: how many
 */
struct at {
	struct function fn;
	unsigned int index;
	bool echo;
	char line[LINE_MAX_LEN + 1];
	size_t line_len;
	bool overflow;
	uint8_t out[OUT_MAX];
	size_t out_len;
};

static void out_flush(struct at *at)
{
	size_t limit = at->fn.max_unit < OUT_MAX ? at->fn.max_unit : OUT_MAX;

	for (size_t sent = 0; limit && sent < at->out_len; ) {
		size_t len = at->out_len - sent;

		if (len > limit)
			len = limit;
		if (!function_send(&at->fn, at->out + sent, len)) {
			log_warn("at%u: response not sent", at->index);
			break;
		}
		sent += len;
	}
	at->out_len = 0;
}

static void out_byte(struct at *at, char c)
{
	if (at->out_len == OUT_MAX)
		out_flush(at);
	at->out[at->out_len++] = (uint8_t)c;
}

static void respond(struct at *at, const char *text)
{
	out_byte(at, '\r');
	out_byte(at, '\n');
	while (*text)
		out_byte(at, *text++);
	out_byte(at, '\r');
	out_byte(at, '\n');
}

static const struct {
	const char *name, *answer;
} information[] = {
	{ "+CGMI", IDENTITY_MANUFACTURER },
	{ "+GMI", IDENTITY_MANUFACTURER },
	{ "+CGMM", IDENTITY_MODEL },
	{ "+GMM", IDENTITY_MODEL },
	{ "+CGMR", IDENTITY_FIRMWARE },
	{ "+GMR", IDENTITY_FIRMWARE },
	{ "+CGSN", IDENTITY_IMEI },
	{ "+GSN", IDENTITY_IMEI },
};

static bool extended_command(struct at *at, const char *command, size_t len)
{
	bool test = len > 2 && memcmp(command + len - 2, "=?", 2) == 0;

	if (test)
		len -= 2;
	for (size_t i = 0; i < sizeof(information) / sizeof(information[0]);
	     i++) {
		if (strlen(information[i].name) != len ||
		    strncasecmp(information[i].name, command, len) != 0)
			continue;
		if (!test)
			respond(at, information[i].answer);
		return true;
	}
	return false;
}

/* One basic command at @p; where it ends, or NULL for an error. */
static const char *basic_command(struct at *at, const char *p)
{
	char name = (char)toupper((unsigned char)*p++);
	unsigned long value = 0;

	if (name == '&') {
		name = (char)toupper((unsigned char)*p);
		if (name != 'F')
			return NULL;
		p++;
		name = '&';
	}
	for (; isdigit((unsigned char)*p); p++) {
		value = value * 10 + (unsigned long)(*p - '0');
		if (value > 255)
			return NULL;
	}
	switch (name) {
	case 'E':
		if (value > 1)
			return NULL;
		at->echo = value == 1;
		return p;
	case 'I':
		if (value > 0)
			return NULL;
		respond(at, IDENTITY_MANUFACTURER);
		respond(at, IDENTITY_MODEL);
		respond(at, IDENTITY_FIRMWARE);
		return p;
	case 'Z':
	case '&':
		if (value > 0)
			return NULL;
		at->echo = true;
		return p;
	default:
		return NULL;
	}
}

/* @p is what follows "AT". */
static bool commands(struct at *at, const char *p)
{
	while (*p) {
		if (*p == ' ' || *p == ';') {
			p++;
		} else if (*p == '+') {
			size_t len = strcspn(p, ";");
			size_t end = len;

			while (end > 0 && p[end - 1] == ' ')
				end--;
			if (!extended_command(at, p, end))
				return false;
			p += len;
		} else {
			p = basic_command(at, p);
			if (!p)
				return false;
		}
	}
	return true;
}

static void line_done(struct at *at)
{
	const char *p = at->line;
	bool good = false;

	at->line[at->line_len] = '\0';
	if (at->overflow) {
		log_info("at%u: command line is too long", at->index);
	} else {
		while (*p == ' ')
			p++;
		if (!*p) {
			at->line_len = 0;
			return;
		}
		/* A NUL in the line would hide what follows it. */
		if (strlen(at->line) == at->line_len &&
		    strncasecmp(p, "AT", 2) == 0)
			good = commands(at, p + 2);
	}
	trace("at%u: line of %zu bytes: %s", at->index, at->line_len,
	      good ? "OK" : "ERROR");
	respond(at, good ? "OK" : "ERROR");
	at->line_len = 0;
	at->overflow = false;
}

static void at_receive(struct function *fn, const uint8_t *data, size_t len)
{
	struct at *at = (struct at *)fn;

	for (size_t i = 0; i < len; i++) {
		char c = (char)data[i];

		if (at->echo)
			out_byte(at, c);
		if (c == '\r') {
			line_done(at);
		} else if (c == '\n') {
			continue;
		} else if (c == '\b' || c == 0x7f) {
			if (at->line_len && !at->overflow)
				at->line_len--;
		} else if (at->line_len == LINE_MAX_LEN) {
			at->overflow = true;
		} else {
			at->line[at->line_len++] = c;
		}
	}
	out_flush(at);
}

static void at_initial(struct function *fn)
{
	struct at *at = (struct at *)fn;

	at->echo = true;
	at->line_len = 0;
	at->overflow = false;
	at->out_len = 0;
}

static void at_destroy(struct function *fn)
{
	free(fn);
}

static const struct function_ops at_ops = {
	.name = "at",
	.opened = at_initial,
	.closed = at_initial,
	.receive = at_receive,
	.destroy = at_destroy,
};

struct function *at_new(struct loop *loop, unsigned int index)
{
	struct at *at = calloc(1, sizeof(*at));

	(void)loop;
	if (!at)
		return NULL;
	at->fn.ops = &at_ops;
	at->index = index;
	at_initial(&at->fn);
	return &at->fn;
}
