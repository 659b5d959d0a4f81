// SPDX-License-Identifier: GPL-2.0-only
/*
 * The files of a core dump.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "coredump.h"
#include "log.h"

const char * const coredump_names[COREDUMP_FILES] = {
	"report.json", "coredump.fcd", "cdd.log", "eeprom.bin",
	"bootcore_trace.bin", "bootcore_prev_trace.bin",
};

static bool can_dump(const struct coredump *dump)
{
	return dump->config.dir || dump->config.generate;
}

void coredump_init(struct coredump *dump, const struct coredump_config *config)
{
	*dump = (struct coredump) { .config = *config };
	dump->present = can_dump(dump);
}

void coredump_crashed(struct coredump *dump)
{
	dump->present = can_dump(dump);
	dump->crashed = dump->present;
}

static int open_file(const struct coredump *dump, unsigned int index)
{
	char path[PATH_MAX];

	if (snprintf(path, sizeof(path), "%s/%s", dump->config.dir,
		     coredump_names[index]) >= (int)sizeof(path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	return open(path, O_RDONLY | O_CLOEXEC);
}

static uint32_t file_size(const struct coredump *dump, unsigned int index)
{
	int fd = open_file(dump, index);
	uint32_t size = 0;
	struct stat st;

	if (fd < 0 || fstat(fd, &st))
		log_info("core dump: no %s: %s", coredump_names[index],
			 strerror(errno));
	else if (st.st_size > UINT32_MAX)
		log_warn("core dump: %s is too large", coredump_names[index]);
	else
		size = (uint32_t)st.st_size;
	if (fd >= 0)
		close(fd);
	return size;
}

void coredump_open(struct coredump *dump)
{
	dump->count = 0;
	for (unsigned int i = 0; i < COREDUMP_FILES; i++) {
		dump->size[i] = dump->config.dir ? file_size(dump, i) :
				dump->config.size[i];
		if (dump->size[i])
			dump->count = i + 1;
	}
}

bool coredump_read(const struct coredump *dump, unsigned int index,
		   uint64_t offset, uint8_t *data, size_t len)
{
	ssize_t got;
	int fd;

	if (!dump->config.dir) {
		for (size_t i = 0; i < len; i++) {
			uint64_t at = offset + i;

			data[i] = (uint8_t)(at * 31 + index * 7u + (at >> 8));
		}
		return true;
	}
	fd = open_file(dump, index);
	if (fd < 0)
		return false;
	got = pread(fd, data, len, (off_t)offset);
	close(fd);
	return got == (ssize_t)len;
}
