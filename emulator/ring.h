/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The rings in guest memory: the control ring and the pipes with their
 * transfer descriptors (protocol.rst 3). What is carried is the business of
 * the layers above.
 *
 * All indices are private; the words in memory are read once, checked, and
 * never trusted twice.
 */
#ifndef IOSM_EMU_RING_H
#define IOSM_EMU_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire.h"

struct pcidev;

/**
 * enum ring_verdict - what to do with a message or an uplink TD
 * @RING_EXECUTE: what it says
 * @RING_REFUSE: (messages) complete it with an error
 * @RING_WAIT: nothing, and nothing behind it, until rings_continue()
 */
enum ring_verdict { RING_EXECUTE, RING_REFUSE, RING_WAIT };

/**
 * struct ring_ops - what the rings report upward
 * @message: asked once for each message before it is executed
 * @unit: asked once for each uplink TD before it is consumed
 * @opened: a pipe was opened; returns false to refuse
 * @closed: a pipe was closed by message or by rings_stop()
 * @sleep: the SLEEP message; returns false to refuse
 * @features: the FEATURES message
 * @uplink: payload of one uplink TD, a private copy, valid until @flush
 * @flush: the copies of all TDs so far are forgotten after this call
 */
struct ring_ops {
	enum ring_verdict (*message)(void *ctx, const uint8_t *entry);
	enum ring_verdict (*unit)(void *ctx, unsigned int pipe);
	bool (*opened)(void *ctx, unsigned int pipe);
	void (*closed)(void *ctx, unsigned int pipe);
	bool (*sleep)(void *ctx, unsigned int target, unsigned int state);
	void (*features)(void *ctx, unsigned int flags);
	void (*uplink)(void *ctx, unsigned int pipe, const uint8_t *data,
		       size_t len);
	void (*flush)(void *ctx);
};

/**
 * struct ring_pipe - one unidirectional ring of TDs
 * @open: between OPEN and CLOSE
 * @broken: the host broke it; left alone until it is closed
 * @filled: downlink: the initial fill was seen
 * @waiting: uplink: the verdict on the next TD was RING_WAIT
 * @judged: uplink: there is a verdict on the next TD
 * @addr: bus address of the ring
 * @entries: number of TDs
 * @vector: MSI vector
 * @backoff_us: how long completions may be collected
 * @tail: the next TD that we complete
 * @head: head index when we last looked
 * @tds: TDs completed since the emulator started
 * @bytes: bytes in them
 */
struct ring_pipe {
	bool open, broken, filled, waiting, judged;
	uint64_t addr;
	uint16_t entries;
	uint32_t vector, backoff_us;
	uint16_t tail, head;
	uint64_t tds, bytes;
};

/**
 * struct ring_context - the context block, decoded
 */
struct ring_context {
	uint64_t status, heads, tails, control_head, control_tail, control;
	uint16_t entries;
	uint8_t control_vector, status_vector;
};

/**
 * struct rings - all rings of one IPC session
 * @live: between rings_start() and rings_stop()
 * @broken: the host broke the control ring
 * @waiting: the verdict on the next message was RING_WAIT
 * @judged: there is a @verdict on the next message
 * @last: the entry that was completed last, with @result
 * @context: addresses
 * @tail: the next control entry that we complete
 * @head: control head when we last looked
 * @pipe: the pipes
 * @control_moved: control-ring head advances seen so far
 * @pipes_moved: head advances of pipes seen so far
 * @window_low: lowest bus address that we may use, with @window_high; both 0 =
 *	no limit
 * @messages: messages executed, by type (index 5: FEATURES, 0: unknown)
 */
struct rings {
	struct pcidev *pci;
	const struct ring_ops *ops;
	void *ctx;

	bool live, broken, waiting, judged;
	enum ring_verdict verdict;
	struct ring_context context;
	uint16_t tail, head, last;
	uint32_t result;
	struct ring_pipe pipe[WIRE_PIPES];
	bool held[WIRE_PIPES];
	uint64_t control_moved, pipes_moved;
	uint64_t window_low, window_high;
	uint64_t messages[6];

	uint8_t *copy;
	size_t copy_size, copy_used;
};

void rings_init(struct rings *rings, struct pcidev *pci,
		const struct ring_ops *ops, void *ctx);
void rings_exit(struct rings *rings);

/**
 * rings_start() - an IPC session begins
 * @rings: the rings
 * @context: bus address of the context block
 *
 * Return: false when the context block cannot be used.
 */
bool rings_start(struct rings *rings, uint64_t context);
/** rings_stop() - the IPC session ends; guest memory is not touched again. */
void rings_stop(struct rings *rings);

/** rings_write_status() - write the status block, all twelve bytes. */
void rings_write_status(struct rings *rings, uint32_t stage, uint32_t state,
			uint32_t notify);

/** rings_control() - execute new messages; returns how many. */
unsigned int rings_control(struct rings *rings);
/** rings_continue() - the message that waits is executed, or refused, next. */
void rings_continue(struct rings *rings, enum ring_verdict verdict);
/** rings_waiting() - how many messages are not completed yet? */
unsigned int rings_waiting(const struct rings *rings);
/** rings_repeat() - complete the last message once more. */
void rings_repeat(struct rings *rings);
/** rings_uplink() - consume new TDs of one pipe; returns how many. */
unsigned int rings_uplink(struct rings *rings, unsigned int pipe);
/** rings_continue_unit() - the TD that waits is consumed next. */
void rings_continue_unit(struct rings *rings, unsigned int pipe);

/** rings_posted() - free downlink buffers; looks at the head in memory. */
unsigned int rings_posted(struct rings *rings, unsigned int pipe);
/** rings_peek() - the next downlink buffer, or NULL; @size says how large. */
uint8_t *rings_peek(struct rings *rings, unsigned int pipe, size_t *size);
/** rings_commit() - complete that buffer with @len bytes in it. */
void rings_commit(struct rings *rings, unsigned int pipe, size_t len);

/** rings_unannounced() - did a head move that nobody looked at yet? */
bool rings_unannounced(struct rings *rings);

#endif /* IOSM_EMU_RING_H */
