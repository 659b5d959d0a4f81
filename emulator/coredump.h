/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a modem that crashed has to tell: up to six files, given or made up
 * (protocol.rst 7.6).
 */
#ifndef IOSM_EMU_COREDUMP_H
#define IOSM_EMU_COREDUMP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define COREDUMP_FILES	6

/**
 * struct coredump_config - options
 * @dir: directory of the files, by the names of the regions; or NULL
 * @generate: make them up, @size bytes each
 * @size: 0 at the end = not there
 */
struct coredump_config {
	const char *dir;
	bool generate;
	uint32_t size[COREDUMP_FILES];
};

/**
 * struct coredump - one core dump
 * @config: the options
 * @present: there is one, and nobody ended it yet
 * @listed: the host asked for the list, and did not end it
 * @crashed: the modem is on its way from a crash to the end of the dump
 * @count: files in the list
 * @size: their sizes
 * @lists: times that the list was asked for
 * @fetched: times that each file was asked for
 * @ended: times that the host ended a dump
 */
struct coredump {
	struct coredump_config config;
	bool present, listed, crashed;
	unsigned int count;
	uint32_t size[COREDUMP_FILES];
	uint64_t lists, fetched[COREDUMP_FILES], ended;
};

/** coredump_names - of the files, in the order of the list. */
extern const char * const coredump_names[COREDUMP_FILES];

/** coredump_init() - a modem with a core dump, if the options say so. */
void coredump_init(struct coredump *dump, const struct coredump_config *config);
/** coredump_crashed() - there is one again, if there can be any. */
void coredump_crashed(struct coredump *dump);
/** coredump_open() - see which files there are. */
void coredump_open(struct coredump *dump);
/** coredump_read() - part of a file; false if it cannot be read. */
bool coredump_read(const struct coredump *dump, unsigned int index,
		   uint64_t offset, uint8_t *data, size_t len);

#endif /* IOSM_EMU_COREDUMP_H */
