// SPDX-License-Identifier: GPL-2.0-only
/*
 * The rings in guest memory (protocol.rst 3).
 *
 *	       tail                    head
 *	        |                       |
 *	  ...|done| ours | ours | ours | free |...
 *
 * The host fills at the head, we complete at the tail. Each side owns one of
 * the two words in shared memory. A ring holds at most entries - 1, so a head
 * can only have moved to a place between its old position and our tail; any
 * other value is a violation and stops the ring.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "critic.h"
#include "gmem.h"
#include "log.h"
#include "pcidev.h"
#include "ring.h"

/* TDs that are looked at together; two of the largest IP packets and more. */
#define COPY_SIZE	(256u << 10)
#define COPY_ALIGN	64u

static unsigned int distance(unsigned int from, unsigned int to,
			     unsigned int entries)
{
	return to >= from ? to - from : to + entries - from;
}

static unsigned int next_index(unsigned int index, unsigned int entries)
{
	return index + 1 == entries ? 0 : index + 1;
}

/* Guest memory, and inside the window that the host set, if it did. */
static uint8_t *ring_dma(const struct rings *rings, uint64_t addr, uint64_t len)
{
	if ((rings->window_low || rings->window_high) &&
	    (addr < rings->window_low || addr + len < addr ||
	     (len && addr + len - 1 > rings->window_high)))
		return NULL;
	return pcidev_dma(rings->pci, addr, len);
}

static uint8_t *head_word(const struct rings *rings, unsigned int pipe)
{
	return ring_dma(rings, rings->context.heads + 4 * pipe, 4);
}

static uint8_t *tail_word(const struct rings *rings, unsigned int pipe)
{
	return ring_dma(rings, rings->context.tails + 4 * pipe, 4);
}

void rings_init(struct rings *rings, struct pcidev *pci,
		const struct ring_ops *ops, void *ctx)
{
	*rings = (struct rings) { .pci = pci, .ops = ops, .ctx = ctx };
}

void rings_exit(struct rings *rings)
{
	free(rings->copy);
	rings->copy = NULL;
	rings->copy_size = 0;
	rings->copy_used = 0;
}

/*
 * Session.
 */

static bool context_reachable(const struct rings *rings,
			      const struct ring_context *c)
{
	const struct {
		const char *name;
		uint64_t addr, len;
	} parts[] = {
		{ "status block", c->status, STATUS_SIZE },
		{ "pipe heads", c->heads, 4 * WIRE_PIPES },
		{ "pipe tails", c->tails, 4 * WIRE_PIPES },
		{ "control head", c->control_head, 4 },
		{ "control tail", c->control_tail, 4 },
		{ "control ring", c->control, c->entries * MESSAGE_SIZE },
	};

	for (unsigned int i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
		if (parts[i].addr % 4)
			violation("3.2", "%s is misaligned: 0x%" PRIx64,
				  parts[i].name, parts[i].addr);
		if (!parts[i].addr || !ring_dma(rings, parts[i].addr,
						parts[i].len)) {
			violation("3.2", "%s outside memory: 0x%" PRIx64,
				  parts[i].name, parts[i].addr);
			return false;
		}
	}
	return true;
}

bool rings_start(struct rings *rings, uint64_t context)
{
	struct ring_context *c = &rings->context;
	uint8_t raw[CONTEXT_SIZE];
	const uint8_t *where = ring_dma(rings, context, sizeof(raw));

	if (!context || !where) {
		violation("3.2", "context block outside memory: 0x%" PRIx64,
			  context);
		return false;
	}
	gmem_copy(raw, where, sizeof(raw));
	*c = (struct ring_context) {
		.status = wire_get64(raw),
		.heads = wire_get64(raw + 8),
		.tails = wire_get64(raw + 16),
		.control_head = wire_get64(raw + 24),
		.control_tail = wire_get64(raw + 32),
		.control = wire_get64(raw + 40),
		.entries = wire_get16(raw + 48),
		.control_vector = raw[50],
		.status_vector = raw[51],
	};
	trace("context status=0x%" PRIx64 " heads=0x%" PRIx64 " tails=0x%"
	      PRIx64 " control=0x%" PRIx64 " entries=%u", c->status, c->heads,
	      c->tails, c->control, c->entries);

	if (c->entries < 2) {
		violation("3.2", "control ring of %u entries", c->entries);
		return false;
	}
	if (c->control_vector || c->status_vector)
		violation("3.2", "MSI vectors %u and %u, there is only 0",
			  c->control_vector, c->status_vector);
	if (!context_reachable(rings, c))
		return false;

	/* Not reset by the host when a block is used again [3.4.1]. */
	rings->tail = (uint16_t)gmem_load32(ring_dma(rings, c->control_tail,
						     4));
	if (rings->tail >= c->entries) {
		violation("3.4.1", "control tail is %u of %u", rings->tail,
			  c->entries);
		return false;
	}
	rings->head = rings->tail;
	rings->last = rings->tail;
	rings->result = MESSAGE_SUCCESS;
	rings->broken = false;
	rings->waiting = false;
	rings->judged = false;
	rings->live = true;
	return true;
}

void rings_stop(struct rings *rings)
{
	if (!rings->live)
		return;

	rings->live = false;
	for (unsigned int i = 0; i < WIRE_PIPES; i++) {
		if (!rings->pipe[i].open)
			continue;
		rings->pipe[i].open = false;
		rings->ops->closed(rings->ctx, i);
	}
}

void rings_write_status(struct rings *rings, uint32_t stage, uint32_t state,
			uint32_t notify)
{
	uint8_t *where;

	if (!rings->live)
		return;
	where = ring_dma(rings, rings->context.status, STATUS_SIZE);
	if (!where)
		return;
	gmem_store32(where, stage);
	gmem_store32(where + 4, state);
	gmem_store32(where + 8, notify);
	trace("status stage=%08x ipc=%u sleep=%u", stage, state, notify);
}

/*
 * Control ring.
 */

static bool all_zero(const uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (bytes[i])
			return false;
	}
	return true;
}

/* Fields of the message that must be zero [3.4.2]. */
static void check_reserved(const uint8_t *entry)
{
	static const struct {
		uint8_t type, from, to;
	} reserved[] = {
		{ MESSAGE_CLOSE, 0, 10 },
		{ MESSAGE_CLOSE, 12, 20 },
		{ MESSAGE_ABORT, 0, 10 },
		{ MESSAGE_ABORT, 12, 20 },
		{ MESSAGE_SLEEP, 0, 8 },
		{ MESSAGE_SLEEP, 10, 11 },
		{ MESSAGE_SLEEP, 12, 20 },
		{ MESSAGE_FEATURES, 0, 10 },
		{ MESSAGE_FEATURES, 12, 20 },
	};

	for (unsigned int i = 0; i < sizeof(reserved) / sizeof(*reserved); i++) {
		if (reserved[i].type == entry[MESSAGE_TYPE] &&
		    !all_zero(entry + reserved[i].from,
			      (size_t)(reserved[i].to - reserved[i].from)))
			violation("3.4.2",
				  "message 0x%02x: reserved bytes %u to %u are not zero",
				  entry[MESSAGE_TYPE], reserved[i].from,
				  reserved[i].to - 1);
	}
	if (!all_zero(entry + MESSAGE_STATUS, 4))
		violation("3.4.2", "message 0x%02x: completion status is preset",
			  entry[MESSAGE_TYPE]);
}

static bool pipe_may_open(struct rings *rings, unsigned int n,
			  const struct ring_pipe *new)
{
	if (n >= WIRE_PIPES) {
		violation("3.4.2", "OPEN of pipe %u, which does not exist", n);
		return false;
	}
	if (rings->pipe[n].open) {
		violation("3.5.2", "OPEN of pipe %u, which is open", n);
		return false;
	}
	if (new->entries < 2) {
		violation("3.5.2", "OPEN of pipe %u with %u entries", n,
			  new->entries);
		return false;
	}
	if (!new->addr ||
	    !ring_dma(rings, new->addr, (uint64_t)new->entries * TD_SIZE)) {
		violation("3.5.2", "OPEN of pipe %u: ring outside memory: 0x%"
			  PRIx64, n, new->addr);
		return false;
	}
	if (n & 1 && !rings->pipe[n - 1].open)
		violation("3.5.2", "OPEN of downlink pipe %u before uplink %u",
			  n, n - 1);
	if (new->addr % 8)
		violation("3.5.2", "OPEN of pipe %u: ring is misaligned: 0x%"
			  PRIx64, n, new->addr);
	if (new->vector)
		quirk("3.4.2", 0, "OPEN of pipe %u with MSI vector %u", n,
		      new->vector);
	/* The usual ones are 0 and 1000; it is the host's choice. */
	if (new->backoff_us > 1000000)
		violation("3.4.2", "OPEN of pipe %u with back-off %u us", n,
			  new->backoff_us);
	if (gmem_load32(head_word(rings, n)))
		violation("3.5.2", "OPEN of pipe %u with head %u", n,
			  gmem_load32(head_word(rings, n)));
	if (gmem_load32(tail_word(rings, n)))
		quirk("3.5.2", 30, "OPEN of pipe %u with tail %u", n,
		      gmem_load32(tail_word(rings, n)));
	return true;
}

static uint32_t message_open(struct rings *rings, const uint8_t *entry)
{
	unsigned int n = entry[10];
	struct ring_pipe new = {
		.open = true,
		.addr = wire_get64(entry),
		.entries = wire_get16(entry + 8),
		.vector = wire_get32(entry + 12),
		.backoff_us = wire_get32(entry + 16),
	};
	uint8_t *tail_at;

	if (!pipe_may_open(rings, n, &new))
		return MESSAGE_ERROR;

	new.tds = rings->pipe[n].tds;
	new.bytes = rings->pipe[n].bytes;
	rings->pipe[n] = new;
	if (!rings->ops->opened(rings->ctx, n)) {
		rings->pipe[n].open = false;
		return MESSAGE_ERROR;
	}
	/* Who was told may have left the bus. */
	tail_at = tail_word(rings, n);
	if (tail_at)
		gmem_store32(tail_at, 0);
	return MESSAGE_SUCCESS;
}

static uint32_t message_close(struct rings *rings, const uint8_t *entry)
{
	unsigned int n = entry[10];

	if (n >= WIRE_PIPES || !rings->pipe[n].open) {
		violation("3.5.3", "CLOSE of pipe %u, which is not open", n);
		return MESSAGE_ERROR;
	}
	if (n & 1 && rings->pipe[n - 1].open)
		violation("3.5.3", "CLOSE of downlink pipe %u before uplink %u",
			  n, n - 1);
	rings->pipe[n].open = false;
	rings->ops->closed(rings->ctx, n);
	return MESSAGE_SUCCESS;
}

static uint32_t message_sleep(struct rings *rings, const uint8_t *entry)
{
	if (entry[8] > SLEEP_OF_DEVICE ||
	    entry[9] > (entry[8] == SLEEP_OF_DEVICE ? 2 : 1)) {
		violation("3.4.2", "SLEEP with target %u and state %u",
			  entry[8], entry[9]);
		return MESSAGE_ERROR;
	}
	return rings->ops->sleep(rings->ctx, entry[8], entry[9]) ?
	       MESSAGE_SUCCESS : MESSAGE_ERROR;
}

static void message_count(struct rings *rings, unsigned int type)
{
	if (type == MESSAGE_FEATURES)
		rings->messages[5]++;
	else
		rings->messages[type <= MESSAGE_SLEEP ? type : 0]++;
}

static uint32_t message_execute(struct rings *rings, const uint8_t *entry)
{
	switch (entry[MESSAGE_TYPE]) {
	case MESSAGE_OPEN:
		return message_open(rings, entry);
	case MESSAGE_CLOSE:
		return message_close(rings, entry);
	case MESSAGE_ABORT:
		if (entry[10] >= WIRE_PIPES || !rings->pipe[entry[10]].open)
			violation("3.4.2", "ABORT of pipe %u, which is not open",
				  entry[10]);
		return MESSAGE_SUCCESS;
	case MESSAGE_SLEEP:
		return message_sleep(rings, entry);
	case MESSAGE_FEATURES:
		if (entry[10] & ~FEATURE_INBAND_CRASH)
			violation("3.4.2", "FEATURES with flags 0x%02x",
				  entry[10]);
		rings->ops->features(rings->ctx, entry[10]);
		return MESSAGE_SUCCESS;
	default:
		violation("3.4.2", "message of unknown type 0x%02x",
			  entry[MESSAGE_TYPE]);
		return MESSAGE_ERROR;
	}
}

static void message_trace(unsigned int index, const uint8_t *entry,
			  uint32_t result)
{
	static const char * const names[] = {
		"?", "OPEN", "CLOSE", "ABORT", "SLEEP",
	};
	unsigned int type = entry[MESSAGE_TYPE];

	if (!trace_on())
		return;
	switch (type) {
	case MESSAGE_OPEN:
		trace("message %u OPEN pipe=%u entries=%u ring=0x%" PRIx64
		      " backoff=%u -> %u", index, entry[10],
		      wire_get16(entry + 8), wire_get64(entry),
		      wire_get32(entry + 16), result);
		break;
	case MESSAGE_SLEEP:
		trace("message %u SLEEP target=%u state=%u -> %u", index,
		      entry[8], entry[9], result);
		break;
	case MESSAGE_FEATURES:
		trace("message %u FEATURES flags=0x%02x -> %u", index,
		      entry[10], result);
		break;
	default:
		trace("message %u %s type=0x%02x pipe=%u -> %u", index,
		      names[type < 5 ? type : 0], type, entry[10], result);
		break;
	}
}

/* Look at the control head; false when the ring cannot be used (any more). */
static bool control_look(struct rings *rings)
{
	const struct ring_context *c = &rings->context;
	uint8_t *head_at = ring_dma(rings, c->control_head, 4);
	uint8_t *tail_at = ring_dma(rings, c->control_tail, 4);
	uint32_t head;

	if (!rings->live || rings->broken || !head_at || !tail_at)
		return false;

	head = gmem_load32(head_at);
	if (head >= c->entries) {
		violation("3.4.1", "control head is %u of %u", head,
			  c->entries);
		rings->broken = true;
		return false;
	}
	if (distance(rings->tail, head, c->entries) <
	    distance(rings->tail, rings->head, c->entries)) {
		violation("3.4.1", "control head moved back from %u to %u",
			  rings->head, head);
		rings->broken = true;
		return false;
	}
	if (gmem_load32(tail_at) != rings->tail) {
		violation("3.4.1", "host changed the control tail from %u to %u",
			  rings->tail, gmem_load32(tail_at));
		gmem_store32(tail_at, rings->tail);
	}
	rings->control_moved += distance(rings->head, head, c->entries);
	rings->head = (uint16_t)head;
	return true;
}

static uint8_t *message_at(const struct rings *rings, unsigned int index)
{
	return ring_dma(rings, rings->context.control +
			(uint64_t)index * MESSAGE_SIZE, MESSAGE_SIZE);
}

/* Tell the host; false if it cannot be told (any more). */
static bool message_complete(struct rings *rings, uint32_t result)
{
	uint8_t *tail_at = ring_dma(rings, rings->context.control_tail, 4);
	uint8_t *at = message_at(rings, rings->tail);

	if (!rings->live || !at || !tail_at)
		return false;
	gmem_store32(at + MESSAGE_STATUS, result);
	rings->last = rings->tail;
	rings->result = result;
	rings->tail = (uint16_t)next_index(rings->tail,
					   rings->context.entries);
	gmem_store32(tail_at, rings->tail);
	return true;
}

static enum ring_verdict message_judge(struct rings *rings,
				       const uint8_t *entry)
{
	enum ring_verdict verdict = rings->verdict;

	if (!rings->judged)
		verdict = rings->ops->message(rings->ctx, entry);
	rings->judged = false;
	rings->waiting = verdict == RING_WAIT;
	return verdict;
}

unsigned int rings_control(struct rings *rings)
{
	unsigned int count = 0;

	if (!control_look(rings))
		return 0;

	while (rings->live && !rings->waiting && rings->tail != rings->head) {
		const uint8_t *at = message_at(rings, rings->tail);
		uint32_t result = MESSAGE_ERROR;
		uint8_t entry[MESSAGE_SIZE];
		enum ring_verdict verdict;

		if (!at)
			break;
		gmem_copy(entry, at, sizeof(entry));
		verdict = message_judge(rings, entry);
		if (verdict == RING_WAIT)
			break;
		message_count(rings, entry[MESSAGE_TYPE]);
		check_reserved(entry);
		if (verdict == RING_EXECUTE)
			result = message_execute(rings, entry);
		message_trace(rings->tail, entry, result);
		if (!message_complete(rings, result))
			break;
		count++;
	}
	return count;
}

void rings_continue(struct rings *rings, enum ring_verdict verdict)
{
	if (!rings->waiting)
		return;
	rings->waiting = false;
	rings->judged = true;
	rings->verdict = verdict;
}

unsigned int rings_waiting(const struct rings *rings)
{
	return rings->live ? distance(rings->tail, rings->head,
				      rings->context.entries) : 0;
}

void rings_repeat(struct rings *rings)
{
	uint8_t *tail_at, *at;

	if (!rings->live)
		return;
	tail_at = ring_dma(rings, rings->context.control_tail, 4);
	at = message_at(rings, rings->last);
	if (!at || !tail_at)
		return;
	gmem_store32(at + MESSAGE_STATUS, rings->result);
	gmem_store32(tail_at, rings->tail);
}

/*
 * Pipes.
 */

static void pipe_break(struct ring_pipe *pipe)
{
	pipe->broken = true;
	pipe->head = pipe->tail;
}

/* Look at the head of an open pipe; false when it cannot be used (any more). */
static bool pipe_look(struct rings *rings, unsigned int n)
{
	struct ring_pipe *pipe = &rings->pipe[n];
	uint8_t *head_at, *tail_at;
	uint32_t head, tail;

	if (!rings->live || !pipe->open || pipe->broken)
		return false;
	head_at = head_word(rings, n);
	tail_at = tail_word(rings, n);
	if (!head_at || !tail_at)
		return false;

	head = gmem_load32(head_at);
	if (head == pipe->head)
		return true;
	if (head >= pipe->entries) {
		violation("3.5", "head of pipe %u is %u of %u", n, head,
			  pipe->entries);
		pipe_break(pipe);
		return false;
	}
	if (distance(pipe->tail, head, pipe->entries) <
	    distance(pipe->tail, pipe->head, pipe->entries)) {
		violation("3.5", "head of pipe %u moved back from %u to %u", n,
			  pipe->head, head);
		pipe_break(pipe);
		return false;
	}
	tail = gmem_load32(tail_at);
	if (tail != pipe->tail) {
		violation("3.5", "host changed the tail of pipe %u from %u to %u",
			  n, pipe->tail, tail);
		gmem_store32(tail_at, pipe->tail);
	}
	rings->pipes_moved += distance(pipe->head, head, pipe->entries);
	pipe->head = (uint16_t)head;
	return true;
}

static uint8_t *td_at(const struct rings *rings, const struct ring_pipe *pipe)
{
	return ring_dma(rings, pipe->addr + (uint64_t)pipe->tail * TD_SIZE,
			TD_SIZE);
}

/* Check the TD at the tail; returns its buffer, or NULL. */
static uint8_t *td_check(const struct rings *rings, unsigned int n,
			 const uint8_t *td)
{
	uint64_t addr = wire_get64(td);
	uint32_t size = wire_get24(td + 8);
	unsigned int index = rings->pipe[n].tail;
	uint8_t *buffer;

	if (td[11])
		violation("3.5.1", "pipe %u TD %u: status %u is preset", n,
			  index, td[11]);
	if (td[12])
		violation("3.5.1", "pipe %u TD %u: chain count %u", n, index,
			  td[12]);
	if (td[13] || td[14] || td[15])
		violation("3.5.1", "pipe %u TD %u: reserved bytes not zero", n,
			  index);
	if (!addr) {
		violation("3.5.1", "pipe %u TD %u: no buffer", n, index);
		return NULL;
	}
	if (!size) {
		/* A zero-length write reaches us only from the kernel's driver. */
		if (n & 1)
			violation("3.5.1", "pipe %u TD %u: buffer of no size",
				  n, index);
		else
			quirk("3.6", 52, "pipe %u TD %u: no data", n, index);
	}
	buffer = ring_dma(rings, addr, size);
	if (!buffer)
		violation("3.5.1", "pipe %u TD %u: buffer outside memory: 0x%"
			  PRIx64 " + %u", n, index, addr, size);
	return buffer;
}

/* Write size and status of the TD at the tail, then let the host see it. */
static void td_complete(struct rings *rings, unsigned int n, uint32_t size,
			uint8_t status)
{
	struct ring_pipe *pipe = &rings->pipe[n];
	uint8_t *td = td_at(rings, pipe);

	gmem_store32(td + 8, size | (uint32_t)status << 24);
	trace("td pipe=%u index=%u size=%u status=%u", n, pipe->tail, size,
	      status);
	pipe->tail = (uint16_t)next_index(pipe->tail, pipe->entries);
	gmem_store32(tail_word(rings, n), pipe->tail);
	pipe->tds++;
	pipe->bytes += size;
}

static void copy_flush(struct rings *rings)
{
	if (rings->copy_used)
		rings->ops->flush(rings->ctx);
	rings->copy_used = 0;
}

/* Room for the copy of one more TD, or NULL. */
static uint8_t *copy_reserve(struct rings *rings, size_t size)
{
	uint8_t *copy;

	if (size > rings->copy_size - rings->copy_used)
		copy_flush(rings);
	if (size > rings->copy_size || !rings->copy) {
		size_t new_size = size > COPY_SIZE ? size : COPY_SIZE;

		copy = realloc(rings->copy, new_size);
		if (!copy)
			return NULL;
		rings->copy = copy;
		rings->copy_size = new_size;
	}
	copy = rings->copy + rings->copy_used;
	/* Aligned, and never nothing, so that flush() is called. */
	rings->copy_used += (size + COPY_ALIGN) & ~(size_t)(COPY_ALIGN - 1);
	if (rings->copy_used > rings->copy_size)
		rings->copy_used = rings->copy_size;
	return copy;
}

/* May the TD at the tail be consumed? */
static bool unit_judge(struct rings *rings, unsigned int n)
{
	struct ring_pipe *pipe = &rings->pipe[n];

	if (pipe->waiting)
		return false;
	if (!pipe->judged)
		pipe->waiting = rings->ops->unit(rings->ctx, n) == RING_WAIT;
	pipe->judged = false;
	return !pipe->waiting;
}

void rings_continue_unit(struct rings *rings, unsigned int n)
{
	struct ring_pipe *pipe = &rings->pipe[n];

	if (!pipe->waiting)
		return;
	pipe->waiting = false;
	pipe->judged = true;
}

unsigned int rings_uplink(struct rings *rings, unsigned int n)
{
	struct ring_pipe *pipe = &rings->pipe[n];
	unsigned int count = 0;

	if (!pipe_look(rings, n) || rings->held[n])
		return 0;

	while (pipe->open && pipe->tail != pipe->head && unit_judge(rings, n)) {
		uint8_t *at = td_at(rings, pipe), *buffer, *copy;
		uint8_t td[TD_SIZE];
		uint32_t size;

		if (!at)
			break;
		gmem_copy(td, at, sizeof(td));
		size = wire_get24(td + 8);
		buffer = td_check(rings, n, td);
		if (!buffer) {
			td_complete(rings, n, size, TD_ERROR);
			count++;
			continue;
		}
		copy = copy_reserve(rings, size);
		if (!copy) {
			log_error("out of memory for %u bytes of pipe %u",
				  size, n);
			td_complete(rings, n, size, TD_ABORTED);
		} else {
			/* The guest must not change what we look at. */
			if (size)
				gmem_copy(copy, buffer, size);
			td_complete(rings, n, size, TD_END);
			rings->ops->uplink(rings->ctx, n, copy, size);
		}
		count++;
	}
	copy_flush(rings);
	return count;
}

unsigned int rings_posted(struct rings *rings, unsigned int n)
{
	const struct ring_pipe *pipe = &rings->pipe[n];

	if (!pipe_look(rings, n))
		return 0;
	return distance(pipe->tail, pipe->head, pipe->entries);
}

uint8_t *rings_peek(struct rings *rings, unsigned int n, size_t *size)
{
	struct ring_pipe *pipe = &rings->pipe[n];

	/* The head may move without a doorbell [3.5.5]. */
	while (rings_posted(rings, n)) {
		uint8_t *at = td_at(rings, pipe), *buffer;
		uint8_t td[TD_SIZE];

		if (!at)
			return NULL;
		gmem_copy(td, at, sizeof(td));
		buffer = td_check(rings, n, td);
		if (buffer && wire_get24(td + 8)) {
			*size = wire_get24(td + 8);
			return buffer;
		}
		td_complete(rings, n, 0, TD_ERROR);
	}
	return NULL;
}

void rings_commit(struct rings *rings, unsigned int n, size_t len)
{
	/* The guest may have closed memory under us meanwhile: check again. */
	if (rings->live && rings->pipe[n].open &&
	    td_at(rings, &rings->pipe[n]))
		td_complete(rings, n, (uint32_t)len, TD_END);
}

bool rings_unannounced(struct rings *rings)
{
	const uint8_t *at;

	if (!rings->live)
		return false;

	at = ring_dma(rings, rings->context.control_head, 4);
	if (!rings->broken && at && gmem_load32(at) != rings->head)
		return true;
	/* Only uplink: free buffers need no announcement while some are left. */
	for (unsigned int n = 0; n < WIRE_PIPES; n += 2) {
		if (!rings->pipe[n].open || rings->pipe[n].broken)
			continue;
		at = head_word(rings, n);
		if (at && gmem_load32(at) != rings->pipe[n].head)
			return true;
	}
	return false;
}
