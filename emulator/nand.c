// SPDX-License-Identifier: GPL-2.0-only
/*
 * The flash memory of the modem, in a file.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log.h"
#include "nand.h"

static bool write_all(int fd, const uint8_t *data, size_t len, uint64_t at)
{
	while (len) {
		ssize_t done = pwrite(fd, data, len, (off_t)at);

		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return false;
		data += done;
		at += (uint64_t)done;
		len -= (size_t)done;
	}
	return true;
}

static bool read_all(int fd, uint8_t *data, size_t len, uint64_t at)
{
	while (len) {
		ssize_t done = pread(fd, data, len, (off_t)at);

		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return false;
		data += done;
		at += (uint64_t)done;
		len -= (size_t)done;
	}
	return true;
}

static bool fill(const struct nand *nand, uint64_t from, uint64_t to)
{
	uint8_t block[NAND_BLOCK];

	memset(block, 0xff, sizeof(block));
	for (; from < to; from += sizeof(block)) {
		if (!write_all(nand->fd, block, sizeof(block), from)) {
			log_error("flash: %s", strerror(errno));
			return false;
		}
	}
	return true;
}

const char *nand_open(struct nand *nand, const char *path, uint64_t size)
{
	const char *why = NULL;
	struct stat st;

	*nand = (struct nand) { .fd = -1, .size = size };
	if (!path)
		return NULL;
	nand->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
	if (nand->fd < 0 || fstat(nand->fd, &st))
		why = strerror(errno);
	else if (!S_ISREG(st.st_mode))
		why = "not a regular file";
	else if (st.st_size)
		nand->size = (uint64_t)st.st_size;
	if (!why && nand->size % NAND_BLOCK)
		why = "the size is not a multiple of 4096";
	if (!why && !st.st_size && !fill(nand, 0, size))
		why = "cannot be written";
	if (why)
		nand_close(nand);
	return why;
}

void nand_close(struct nand *nand)
{
	if (nand->fd >= 0)
		close(nand->fd);
	nand->fd = -1;
}

bool nand_fits(const struct nand *nand, uint64_t addr, uint64_t len)
{
	return len <= nand->size && addr <= nand->size - len;
}

bool nand_erase(struct nand *nand, uint64_t addr, uint64_t len)
{
	uint64_t from = addr / NAND_BLOCK * NAND_BLOCK, to;

	if (!nand_fits(nand, addr, len))
		return false;
	to = (addr + len + NAND_BLOCK - 1) / NAND_BLOCK * NAND_BLOCK;
	if (nand->fd >= 0 && !fill(nand, from, to))
		return false;
	nand->erased_blocks += (to - from) / NAND_BLOCK;
	return true;
}

/* At most a block. */
static bool program(struct nand *nand, uint64_t addr, const uint8_t *data,
		    size_t len)
{
	uint8_t block[NAND_BLOCK];

	if (!read_all(nand->fd, block, len, addr))
		return false;
	for (size_t i = 0; i < len; i++) {
		block[i] &= data[i];
		if (block[i] != data[i])
			nand->damaged++;
	}
	return write_all(nand->fd, block, len, addr);
}

bool nand_write(struct nand *nand, uint64_t addr, const uint8_t *data,
		size_t len)
{
	if (!nand_fits(nand, addr, len))
		return false;
	nand->written += len;
	while (len && nand->fd >= 0) {
		size_t part = len < NAND_BLOCK ? len : NAND_BLOCK;

		if (!program(nand, addr, data, part)) {
			log_error("flash: cannot be written");
			return false;
		}
		addr += part;
		data += part;
		len -= part;
	}
	return true;
}
