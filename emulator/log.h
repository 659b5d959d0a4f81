/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What iosm-emu says: log lines on stderr, a readable trace in a file, and
 * complaints about the driver ("violations"), which are counted and make the
 * exit status non-zero.
 */
#ifndef IOSM_EMU_LOG_H
#define IOSM_EMU_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

/** log_set_level() - show lines up to @level; the default is LOG_WARN. */
void log_set_level(enum log_level level);
/** log_parse_level() - "error", "warn", "info", "debug"; false if unknown. */
bool log_parse_level(const char *name, enum log_level *level);

/** log_msg() - one line on stderr; @fmt carries no newline. */
__attribute__((format(printf, 2, 3)))
void log_msg(enum log_level level, const char *fmt, ...);

#define log_error(...)	log_msg(LOG_ERROR, __VA_ARGS__)
#define log_warn(...)	log_msg(LOG_WARN, __VA_ARGS__)
#define log_info(...)	log_msg(LOG_INFO, __VA_ARGS__)
#define log_debug(...)	log_msg(LOG_DEBUG, __VA_ARGS__)

/**
 * violation() - the driver broke a rule of the protocol
 * @section: section of Documentation/protocol.rst, for example "3.5.4"
 * @fmt: what was seen, no newline
 *
 * Logged at LOG_ERROR level as "violation [3.5.4]: ...", written to the trace,
 * and counted. After the first hundred, only a hundredth of them is logged.
 */
__attribute__((format(printf, 2, 3)))
void violation(const char *section, const char *fmt, ...);
/** violation_count() - how many there were. */
unsigned long violation_count(void);
/** violation_section() - section of the last one, "" if there was none. */
const char *violation_section(void);

/** trace_open() - start writing the trace to @path. Returns 0 or -errno. */
int trace_open(const char *path);
/** trace_close() - flush and close the trace. */
void trace_close(void);

/* private to trace() and trace_on() */
extern bool trace_active;
__attribute__((format(printf, 1, 2)))
void trace_line(const char *fmt, ...);

/** trace_on() - is a trace being written? Guards costly formatting. */
static inline bool trace_on(void)
{
	return __builtin_expect(trace_active, false);
}

/** trace() - one line, prefixed with the time in microseconds. */
#define trace(...)							\
	do {								\
		if (trace_on())						\
			trace_line(__VA_ARGS__);			\
	} while (0)

#endif /* IOSM_EMU_LOG_H */
