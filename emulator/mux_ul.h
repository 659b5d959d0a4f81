/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reader of what the host sends on the MUX channel (protocol.rst 5): takes an
 * uplink TD apart, checks every field, and reports the pieces. It knows the
 * formats, not the sessions.
 */
#ifndef IOSM_EMU_MUX_UL_H
#define IOSM_EMU_MUX_UL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * struct mux_ul_command - a command from the host
 * @session: 0 to 7
 * @code: command code
 * @tid: transaction id
 * @params: parameters, @len bytes of them
 */
struct mux_ul_command {
	unsigned int session;
	uint32_t code, tid;
	const uint8_t *params;
	size_t len;
};

/**
 * struct mux_ul_ops - the pieces
 * @datagram: an IP packet without its padding, and its service class
 * @command: a command
 * @level: a queue level
 */
struct mux_ul_ops {
	void (*datagram)(void *ctx, unsigned int session, uint8_t class,
			 const uint8_t *packet, size_t len);
	void (*command)(void *ctx, const struct mux_ul_command *command);
	void (*level)(void *ctx, unsigned int session, uint32_t packets);
};

/* A sequence number and whether blocks may be missing before the next one. */
struct mux_ul_sequence {
	uint16_t next;
	bool gap;
};

/**
 * struct mux_ul - the reader
 * @aggregation: the variant
 * @pad: bytes of padding in front of each packet
 * @blocks: ADGHs or ADBs read
 * @datagrams: packets in them
 * @commands: commands read
 * @levels: queue levels read
 */
struct mux_ul {
	bool aggregation;
	uint32_t pad;
	uint64_t blocks, datagrams, commands, levels;

	/* private */
	const struct mux_ul_ops *ops;
	void *ctx;
	struct mux_ul_sequence data, control;
};

void mux_ul_init(struct mux_ul *ul, bool aggregation, uint32_t pad,
		 const struct mux_ul_ops *ops, void *ctx);
/** mux_ul_reset() - a new IPC session: sequence numbers start at 0. */
void mux_ul_reset(struct mux_ul *ul);
/** mux_ul_gap() - the channel was closed: blocks in flight may be lost. */
void mux_ul_gap(struct mux_ul *ul);
/** mux_ul_read() - one uplink TD. */
void mux_ul_read(struct mux_ul *ul, const uint8_t *td, size_t len);

#endif /* IOSM_EMU_MUX_UL_H */
