/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a loader says on pipes 0 and 1: the commands of PSI, how EBL is loaded,
 * and the packets of EBL (protocol.rst 7.4 to 7.6). A function behind a
 * channel; what it does to the modem itself is left to its owner.
 */
#ifndef IOSM_EMU_FLASH_H
#define IOSM_EMU_FLASH_H

#include <stdbool.h>
#include <stdint.h>

#include "function.h"
#include "loop.h"
#include "wire.h"

struct coredump;
struct fault_answer;
struct faults;
struct flash_unit;
struct nand;

/* Packets of EBL, in the order of the counters. */
#define FLASH_PACKETS	9

/**
 * struct flash_ops - what the conversation does to the modem
 * @loaded: EBL was accepted, and the host was told
 * @refused: EBL was not accepted: the modem crashes
 * @finished: the host ended its work, and there was some: the modem reboots
 *	soon. Said again with each uplink TD that comes nevertheless
 * @unfinished: it goes on after all
 */
struct flash_ops {
	void (*loaded)(void *ctx);
	void (*refused)(void *ctx);
	void (*finished)(void *ctx);
	void (*unfinished)(void *ctx);
};

/**
 * struct flash_counters - for the statistics
 * @sessions: conversations begun
 * @loads: EBL images accepted
 * @packets: requests by id, see flash_packet_id(); the last one counts all
 *	others
 * @checksum_errors: requests with a wrong checksum
 */
struct flash_counters {
	uint64_t sessions, loads, packets[FLASH_PACKETS + 1], checksum_errors;
};

/* What the next uplink TD is. */
enum flash_expect {
	FLASH_COMMAND,
	FLASH_LENGTH,
	FLASH_IMAGE,
	FLASH_HEADER,
	FLASH_PAYLOAD,
	FLASH_RAW,
};

/**
 * struct flash - the conversation
 * @fn: base
 * @record: capability record of EBL
 * @told: the same as the host was told, which a fault may have changed
 * @counters: what happened
 */
struct flash {
	struct function fn;
	uint8_t record[EBL_RECORD_SIZE];
	uint8_t told[EBL_RECORD_SIZE];
	struct flash_counters counters;

	/* private */
	const struct flash_ops *ops;
	void *ctx;
	struct faults *faults;
	struct nand *nand;
	struct coredump *dump;

	bool ebl;
	enum flash_expect expect;
	/* The EBL image, or a packet: what its header said. */
	uint32_t length;
	uint16_t id, checksum;
	/* Was @told sent, and not yet sent back? */
	bool unconfigured;
	/*
	 * Between security start and end; was anything written since EBL ran;
	 * after the end.
	 */
	bool secured, worked, ending;
	bool addressed, erasing, raw_bad;
	unsigned int busy;
	uint32_t address, raw_length, raw_done;
	/* A file of the core dump on its way. */
	unsigned int file;
	uint32_t sent, size;
	/* What waits because an answer is late. */
	struct loop_timer late;
	struct flash_unit *first, **last;
};

/** flash_init() - no loader runs; the record is that of a usual EBL. */
void flash_init(struct flash *flash, struct loop *loop, struct faults *faults,
		struct nand *nand, struct coredump *dump,
		const struct flash_ops *ops, void *ctx);
/** flash_loader() - a loader starts: PSI, or EBL. */
void flash_loader(struct flash *flash, bool ebl);
/** flash_chatter() - send a unit that nobody asked for; false if impossible. */
bool flash_chatter(struct flash *flash, size_t len);
/** flash_packet_id() - of the counter with this index. */
uint16_t flash_packet_id(unsigned int index);
/**
 * flash_caps() - change bytes of a capability record
 * @record: the record
 * @text: "BYTE=HEX,...", BYTE is decimal
 *
 * Return: false if the text makes no sense.
 */
bool flash_caps(uint8_t record[EBL_RECORD_SIZE], const char *text);
/** flash_usual_record() - the capability record of a usual EBL. */
void flash_usual_record(uint8_t record[EBL_RECORD_SIZE]);

#endif /* IOSM_EMU_FLASH_H */
