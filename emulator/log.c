// SPDX-License-Identifier: GPL-2.0-only
/*
 * Log lines, the trace file and the count of violations.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "log.h"

#define VIOLATIONS_LOGGED	100

static const char * const level_names[] = { "error", "warn", "info", "debug" };

static enum log_level log_level = LOG_WARN;
static unsigned long violations;
static char last_section[16];
static FILE *trace_file;
bool trace_active;

void log_set_level(enum log_level level)
{
	log_level = level;
}

bool log_parse_level(const char *name, enum log_level *level)
{
	for (unsigned int i = 0; i < 4; i++) {
		if (!strcmp(name, level_names[i])) {
			*level = (enum log_level)i;
			return true;
		}
	}
	return false;
}

static void log_line(enum log_level level, const char *text)
{
	if (level <= log_level)
		fprintf(stderr, "iosm-emu: %s: %s\n", level_names[level], text);
}

void log_msg(enum log_level level, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	if (level > log_level)
		return;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	log_line(level, text);
}

void violation(const char *section, const char *fmt, ...)
{
	char what[400], text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	snprintf(text, sizeof(text), "%s [%s]: %s", __func__, section, what);

	violations++;
	snprintf(last_section, sizeof(last_section), "%s", section);
	if (violations <= VIOLATIONS_LOGGED ||
	    violations % VIOLATIONS_LOGGED == 0)
		log_line(LOG_ERROR, text);
	trace("%s", text);
}

const char *violation_section(void)
{
	return last_section;
}

unsigned long violation_count(void)
{
	return violations;
}

int trace_open(const char *path)
{
	FILE *file = fopen(path, "we");

	if (!file)
		return -errno;
	trace_close();
	trace_file = file;
	trace_active = true;
	return 0;
}

void trace_close(void)
{
	if (!trace_file)
		return;
	if (fclose(trace_file))
		log_error("the trace is incomplete: %s", strerror(errno));
	trace_file = NULL;
	trace_active = false;
}

void trace_line(const char *fmt, ...)
{
	struct timespec now;
	va_list ap;

	clock_gettime(CLOCK_MONOTONIC, &now);
	fprintf(trace_file, "%10lld.%06ld ", (long long)now.tv_sec,
		now.tv_nsec / 1000);
	va_start(ap, fmt);
	vfprintf(trace_file, fmt, ap);
	va_end(ap);
	fputc('\n', trace_file);
}
