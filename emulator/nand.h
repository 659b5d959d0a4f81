/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The flash memory of the modem, in a file.
 *
 * It is what a NAND is: erased blocks are all ones, and writing can only turn
 * ones into zeroes. So an image that was written without erasing first is
 * damaged, and a reader of the file finds out.
 */
#ifndef IOSM_EMU_NAND_H
#define IOSM_EMU_NAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NAND_BLOCK	4096u
#define NAND_SIZE	(16u << 20)

/**
 * struct nand - the memory
 * @fd: the file, or -1: nothing is kept
 * @size: bytes, a multiple of NAND_BLOCK
 * @erased_blocks: blocks erased since the program started
 * @written: bytes written since then
 * @damaged: bytes of those that could not be written for lack of erasing
 */
struct nand {
	int fd;
	uint64_t size;
	uint64_t erased_blocks, written, damaged;
};

/**
 * nand_open() - use a file as flash memory
 * @nand: the memory
 * @path: the file; made, all ones, if there is none or an empty one; NULL:
 *	keep nothing
 * @size: bytes of a file that is made; a file that exists has its own size
 *
 * Return: NULL, or what is wrong.
 */
const char *nand_open(struct nand *nand, const char *path, uint64_t size);
void nand_close(struct nand *nand);

/** nand_fits() - is it inside the memory? */
bool nand_fits(const struct nand *nand, uint64_t addr, uint64_t len);
/** nand_erase() - all blocks that the range touches; false if impossible. */
bool nand_erase(struct nand *nand, uint64_t addr, uint64_t len);
/** nand_write() - turn ones into zeroes; false if impossible. */
bool nand_write(struct nand *nand, uint64_t addr, const uint8_t *data,
		size_t len);

#endif /* IOSM_EMU_NAND_H */
