// SPDX-License-Identifier: GPL-2.0-only
/**
 * DOC: Rings in shared memory
 *
 * One coherent block holds everything that both sides read: the context block
 * that tells the modem where the rest is, the status block, the control ring
 * and the head and tail indices of all pipes. TD rings are allocated per pipe.
 *
 *              tail                head
 *               |                   |
 *      [done]...[posted][posted]....[free][free]...[never used]
 *               modem takes here ->  we fill here ->
 *
 * Trust: the modem can write all of this memory at any time. Heads are
 * private, the shared copy is write-only. A tail is read once, must lie in the
 * ring and must not pass the head; anything else ends the IPC session. What a
 * TD described is remembered privately; of a completed TD only the word with
 * size and status is read, once.
 *
 * Ordering (protocol.rst 3.5.7, Q29). To publish, the contents of a TD or
 * control entry are stored, then dma_wmb(), then the head; the doorbell's
 * register write orders the head before itself. The partner is the modem, which
 * reads head before contents. To consume, the tail is loaded, then dma_rmb(),
 * then contents; the partner is the modem, which stores contents before tail.
 *
 * A request owns its answer: a control entry remembers who waits for it, and a
 * waiter that gives up takes itself out first. A late answer finds no owner.
 */

#include "iosm_ipc_protocol.h"

#include <linux/bitfield.h>
#include <linux/bitmap.h>
#include <linux/dma-mapping.h>
#include <linux/jiffies.h>
#include <linux/slab.h>

/**
 * iosm_ring_distance() - how many entries lie between two indices
 * @from: index, less than @entries
 * @to: index, less than @entries
 * @entries: ring size, at least 1, not necessarily a power of two
 *
 * Context: any; pure.
 * Return: steps from @from forward to @to, 0 to @entries - 1.
 */
unsigned int iosm_ring_distance(unsigned int from, unsigned int to,
				unsigned int entries)
{
	return to >= from ? to - from : entries - from + to;
}

static u16 iosm_ring_next(u16 index, u16 entries)
{
	return index + 1 == entries ? 0 : index + 1;
}

static dma_addr_t iosm_shm_addr(struct iosm_protocol *protocol, size_t offset)
{
	return protocol->shm_dma + offset;
}

static void iosm_protocol_fill_context(struct iosm_protocol *protocol)
{
	struct iosm_context_block *context = &protocol->shm->context;

#define ADDR(member) cpu_to_le64(iosm_shm_addr(protocol, \
				 offsetof(struct iosm_shared, member)))
	context->status_addr = ADDR(status);
	context->head_array_addr = ADDR(heads);
	context->tail_array_addr = ADDR(tails);
	context->control_head_addr = ADDR(control_head);
	context->control_tail_addr = ADDR(control_tail);
	context->control_ring_addr = ADDR(control);
#undef ADDR
	context->control_entries = cpu_to_le16(IOSM_CONTROL_ENTRIES);
	context->control_vector = 0;
	context->status_vector = 0;
}

/**
 * iosm_protocol_init() - allocate the shared block; no session yet
 * @protocol: what to initialise
 * @bus: the modem; its DMA masks are set
 * @pm: rings the doorbells
 * @ops: news for the caller
 *
 * Context: process, may sleep.
 * Return: 0 or -ENOMEM. Implements protocol.rst 3.1 and 3.2.
 */
int iosm_protocol_init(struct iosm_protocol *protocol, struct iosm_bus *bus,
		       struct iosm_pm *pm, const struct iosm_protocol_ops *ops)
{
	unsigned int i;

	protocol->bus = bus;
	protocol->pm = pm;
	protocol->ops = ops;
	spin_lock_init(&protocol->lock);
	protocol->halted = true;
	protocol->timeout = IOSM_CONTROL_TIMEOUT;
	for (i = 0; i < IOSM_PIPES; i++) {
		protocol->pipes[i].number = i;
		protocol->pipes[i].dev = bus->dev;
	}

	protocol->shm = dma_alloc_coherent(bus->dev, sizeof(*protocol->shm),
					   &protocol->shm_dma, GFP_KERNEL);
	if (!protocol->shm)
		return -ENOMEM;
	return 0;
}

/**
 * iosm_protocol_exit() - free the shared block
 * @protocol: the rings; halted, all pipes closed, DMA forbidden
 *
 * Context: process, may sleep.
 */
void iosm_protocol_exit(struct iosm_protocol *protocol)
{
	dma_free_coherent(protocol->bus->dev, sizeof(*protocol->shm),
			  protocol->shm, protocol->shm_dma);
	protocol->shm = NULL;
}

/**
 * iosm_protocol_start() - make everything ready for a new IPC session
 * @protocol: the rings; halted, all pipes closed
 *
 * Clears the shared block, so that nothing of an earlier session is believed.
 * The address of the context block is then protocol->shm_dma.
 *
 * Context: process.
 */
void iosm_protocol_start(struct iosm_protocol *protocol)
{
	spin_lock_bh(&protocol->lock);
	memset(protocol->shm, 0, sizeof(*protocol->shm));
	iosm_protocol_fill_context(protocol);
	protocol->head = 0;
	protocol->tail = 0;
	bitmap_zero(protocol->abandoned, IOSM_CONTROL_ENTRIES);
	protocol->halted = false;
	spin_unlock_bh(&protocol->lock);
	iosm_pm_start(protocol->pm);
}

/**
 * iosm_protocol_halt() - the IPC session is over
 * @protocol: the rings
 *
 * Nothing is rung, posted or believed from now on; whoever waits for a request
 * gets -ENODEV. Forbid DMA first. May be called again.
 *
 * Context: process or softirq.
 */
void iosm_protocol_halt(struct iosm_protocol *protocol)
{
	unsigned int i;

	iosm_pm_halt(protocol->pm);

	spin_lock_bh(&protocol->lock);
	protocol->halted = true;
	protocol->timeout = IOSM_CONTROL_TIMEOUT;
	for (i = 0; i < IOSM_CONTROL_ENTRIES; i++) {
		struct iosm_request *owner = protocol->owner[i];

		if (!owner)
			continue;
		protocol->owner[i] = NULL;
		owner->result = -ENODEV;
		complete(&owner->done);
	}
	spin_unlock_bh(&protocol->lock);
}

/**
 * iosm_protocol_halted() - is there no IPC session, nor the beginning of one?
 * @protocol: the rings
 *
 * Context: process or softirq; who calls iosm_protocol_start() can rely on it.
 * Return: true from iosm_protocol_halt() to iosm_protocol_start().
 */
bool iosm_protocol_halted(struct iosm_protocol *protocol)
{
	bool halted;

	spin_lock_bh(&protocol->lock);
	halted = protocol->halted;
	spin_unlock_bh(&protocol->lock);
	return halted;
}

/**
 * iosm_protocol_status() - take one snapshot of the status block
 * @protocol: the rings
 * @status: where to put it; nothing in it is checked
 *
 * Context: any. Implements protocol.rst 3.3, 10.6.3 S20.
 */
void iosm_protocol_status(struct iosm_protocol *protocol,
			  struct iosm_status *status)
{
	const struct iosm_status_block *block = &protocol->shm->status;

	status->stage = le32_to_cpu(READ_ONCE(block->stage));
	status->ipc_state = le32_to_cpu(READ_ONCE(block->ipc_state));
	status->sleep = le32_to_cpu(READ_ONCE(block->sleep));
}

static void iosm_protocol_fatal(struct iosm_protocol *protocol,
				const char *why, int err)
{
	protocol->ops->fatal(protocol, why, err);
}

static void iosm_protocol_answer(struct iosm_protocol *protocol,
				 unsigned int index, u32 status)
{
	struct iosm_request *owner = protocol->owner[index];

	lockdep_assert_held(&protocol->lock);
	if (status != IOSM_CONTROL_SUCCESS)
		protocol->stats.refused++;
	if (__test_and_clear_bit(index, protocol->abandoned))
		protocol->stats.late++;
	if (!owner)
		return;

	protocol->owner[index] = NULL;
	owner->result = status == IOSM_CONTROL_SUCCESS ? 0 : -EREMOTEIO;
	complete(&owner->done);
}

/**
 * iosm_protocol_poll() - handle completed control requests
 * @protocol: the rings
 *
 * Context: process or softirq.
 * Implements protocol.rst 3.4.1, 3.4.3, 10.6.3 S6 to S12.
 */
void iosm_protocol_poll(struct iosm_protocol *protocol)
{
	bool impossible = false;
	u32 tail;

	spin_lock_bh(&protocol->lock);
	if (protocol->halted)
		goto unlock;

	tail = le32_to_cpu(READ_ONCE(protocol->shm->control_tail));
	if (tail >= IOSM_CONTROL_ENTRIES ||
	    iosm_ring_distance(protocol->tail, tail, IOSM_CONTROL_ENTRIES) >
	    iosm_ring_distance(protocol->tail, protocol->head,
			       IOSM_CONTROL_ENTRIES)) {
		impossible = true;
		goto unlock;
	}

	/* Pairs with the modem, which stores the status before the tail. */
	dma_rmb();
	while (protocol->tail != tail) {
		struct iosm_control_entry *entry;

		entry = &protocol->shm->control[protocol->tail];
		iosm_protocol_answer(protocol, protocol->tail,
				     le32_to_cpu(READ_ONCE(entry->status)));
		protocol->tail = iosm_ring_next(protocol->tail,
						IOSM_CONTROL_ENTRIES);
	}
unlock:
	spin_unlock_bh(&protocol->lock);

	if (impossible)
		iosm_protocol_fatal(protocol, "impossible control-ring tail",
				    -EPROTO);
}

static int iosm_protocol_submit(struct iosm_protocol *protocol,
				const struct iosm_control_entry *message,
				struct iosm_request *request,
				unsigned int *index)
{
	struct iosm_shared *shm = protocol->shm;
	u16 next;

	lockdep_assert_held(&protocol->lock);
	if (protocol->halted)
		return -ENODEV;
	next = iosm_ring_next(protocol->head, IOSM_CONTROL_ENTRIES);
	if (next == protocol->tail)
		return -EBUSY;

	*index = protocol->head;
	shm->control[protocol->head] = *message;
	protocol->owner[protocol->head] = request;
	protocol->head = next;
	protocol->stats.requests++;

	/* Pairs with the modem, which reads the head before the entry. */
	dma_wmb();
	WRITE_ONCE(shm->control_head, cpu_to_le32(next));
	iosm_pm_ring_head(protocol->pm, IOSM_HEAD_CONTROL);
	return 0;
}

/* Take the waiter out of its slot; true if the answer had not come. */
static bool iosm_protocol_abandon(struct iosm_protocol *protocol,
				  struct iosm_request *request,
				  unsigned int index)
{
	bool unanswered;

	spin_lock_bh(&protocol->lock);
	unanswered = protocol->owner[index] == request;
	if (unanswered) {
		protocol->owner[index] = NULL;
		__set_bit(index, protocol->abandoned);
		protocol->stats.timeouts++;
	}
	spin_unlock_bh(&protocol->lock);
	return unanswered;
}

/*
 * The doorbell or the interrupt may have been lost: after half of the time the bell
 * rings once more, and the ring is looked at without being told to.
 */
static bool iosm_protocol_await(struct iosm_protocol *protocol,
				struct iosm_request *request)
{
	unsigned long half = msecs_to_jiffies(protocol->timeout / 2);

	if (wait_for_completion_timeout(&request->done, half))
		return true;
	iosm_protocol_poll(protocol);
	if (completion_done(&request->done))
		return true;

	spin_lock_bh(&protocol->lock);
	protocol->stats.repeated++;
	spin_unlock_bh(&protocol->lock);
	iosm_pm_ring_head(protocol->pm, IOSM_HEAD_CONTROL);
	if (wait_for_completion_timeout(&request->done, half))
		return true;
	iosm_protocol_poll(protocol);
	return completion_done(&request->done);
}

static int iosm_protocol_request(struct iosm_protocol *protocol,
				 const struct iosm_control_entry *message)
{
	struct iosm_request request = {};
	unsigned int index;
	int ret;

	init_completion(&request.done);

	spin_lock_bh(&protocol->lock);
	ret = iosm_protocol_submit(protocol, message, &request, &index);
	spin_unlock_bh(&protocol->lock);
	if (ret)
		return ret;

	if (!iosm_protocol_await(protocol, &request) &&
	    iosm_protocol_abandon(protocol, &request, index)) {
		iosm_protocol_fatal(protocol, "control request unanswered",
				    -ETIMEDOUT);
		return -ETIMEDOUT;
	}
	return request.result;
}

/**
 * iosm_protocol_sleep() - send a SLEEP request and wait for its completion
 * @protocol: the rings
 * @target: who is the subject
 * @state: IOSM_SLEEP_ENTER or IOSM_SLEEP_EXIT
 *
 * Context: process, may sleep up to IOSM_CONTROL_TIMEOUT.
 * Return: 0, -EREMOTEIO if refused, -ETIMEDOUT (the session is then over),
 * -ENODEV without a session, -EBUSY with a full ring. Implements protocol.rst
 * 3.4.2.
 */
int iosm_protocol_sleep(struct iosm_protocol *protocol,
			enum iosm_sleep_target target, u8 state)
{
	struct iosm_control_entry message = {
		.entries = cpu_to_le16(FIELD_PREP(IOSM_SLEEP_TARGET, target) |
				       FIELD_PREP(IOSM_SLEEP_STATE, state)),
		.type = IOSM_CONTROL_SLEEP,
	};

	return iosm_protocol_request(protocol, &message);
}

/**
 * iosm_protocol_features() - send a FEATURES request and wait for completion
 * @protocol: the rings
 * @features: IOSM_FEATURE_* bits
 *
 * Context: process, may sleep up to IOSM_CONTROL_TIMEOUT.
 * Return: as iosm_protocol_sleep(). Implements protocol.rst 3.4.2.
 */
int iosm_protocol_features(struct iosm_protocol *protocol, u8 features)
{
	struct iosm_control_entry message = {
		.arg = features,
		.type = IOSM_CONTROL_FEATURES,
	};

	return iosm_protocol_request(protocol, &message);
}

static void iosm_pipe_store_indices(struct iosm_protocol *protocol,
				    struct iosm_pipe *pipe)
{
	WRITE_ONCE(protocol->shm->heads[pipe->number], 0);
	WRITE_ONCE(protocol->shm->tails[pipe->number], 0);
}

/**
 * iosm_protocol_open_pipe() - allocate a TD ring and have the modem open it
 * @protocol: the rings
 * @pipe: a closed pipe of @protocol
 * @entries: ring size, 2 to 65535; one less can be posted
 * @backoff: how long the modem may hold back completions, microseconds
 *
 * Context: process, may sleep up to IOSM_CONTROL_TIMEOUT.
 * Return: 0; -ENOMEM; or as iosm_protocol_sleep(). On failure the pipe is
 * closed. Implements protocol.rst 3.5.2.
 */
int iosm_protocol_open_pipe(struct iosm_protocol *protocol,
			    struct iosm_pipe *pipe, u16 entries, u32 backoff)
{
	struct iosm_control_entry message = {
		.entries = cpu_to_le16(entries),
		.arg = pipe->number,
		.type = IOSM_CONTROL_OPEN,
		.backoff = cpu_to_le32(backoff),
	};
	int ret;

	pipe->slots = kcalloc(entries, sizeof(*pipe->slots), GFP_KERNEL);
	if (!pipe->slots)
		return -ENOMEM;
	pipe->ring = dma_alloc_coherent(protocol->bus->dev,
					entries * sizeof(*pipe->ring),
					&pipe->ring_dma, GFP_KERNEL);
	if (!pipe->ring) {
		kfree(pipe->slots);
		pipe->slots = NULL;
		return -ENOMEM;
	}
	pipe->entries = entries;
	pipe->head = 0;
	pipe->tail = 0;
	pipe->rung = 0;

	/* A tail left over from before must not look like a completion. */
	iosm_pipe_store_indices(protocol, pipe);

	message.addr = cpu_to_le64(pipe->ring_dma);
	ret = iosm_protocol_request(protocol, &message);
	if (ret)
		iosm_protocol_free_pipe(protocol, pipe);
	return ret;
}

/**
 * iosm_protocol_close_pipe() - have the modem close a pipe
 * @protocol: the rings
 * @pipe: an open pipe; nobody posts to it or polls it any more
 *
 * The modem does not touch ring or buffers any more after the return: it either
 * confirmed that, or its access to memory was cut and the session is over.
 * The caller reclaims the buffers and then calls iosm_protocol_free_pipe().
 *
 * Context: process, may sleep up to IOSM_CONTROL_TIMEOUT.
 * Implements protocol.rst 3.5.3.
 */
void iosm_protocol_close_pipe(struct iosm_protocol *protocol,
			      struct iosm_pipe *pipe)
{
	struct iosm_control_entry message = {
		.arg = pipe->number,
		.type = IOSM_CONTROL_CLOSE,
	};
	int ret;

	ret = iosm_protocol_request(protocol, &message);
	if (ret && ret != -ENODEV && ret != -ETIMEDOUT)
		iosm_protocol_fatal(protocol, "pipe not closed", ret);
}

/**
 * iosm_protocol_free_pipe() - free the ring of a pipe
 * @protocol: the rings
 * @pipe: closed by iosm_protocol_close_pipe(), all buffers reclaimed
 *
 * Context: process.
 */
void iosm_protocol_free_pipe(struct iosm_protocol *protocol,
			     struct iosm_pipe *pipe)
{
	iosm_pipe_store_indices(protocol, pipe);
	dma_free_coherent(protocol->bus->dev,
			  pipe->entries * sizeof(*pipe->ring),
			  pipe->ring, pipe->ring_dma);
	kfree(pipe->slots);
	pipe->ring = NULL;
	pipe->slots = NULL;
	pipe->entries = 0;
}

/**
 * iosm_pipe_posted() - how many TDs are with the modem
 * @pipe: an open pipe
 *
 * Context: any; the pipe's owner.
 * Return: 0 to entries - 1.
 */
unsigned int iosm_pipe_posted(const struct iosm_pipe *pipe)
{
	return iosm_ring_distance(pipe->tail, pipe->head, pipe->entries);
}

/**
 * iosm_pipe_room() - how many more TDs can be posted
 * @pipe: an open pipe
 *
 * Context: any; the pipe's owner.
 * Return: 0 to entries - 1.
 */
unsigned int iosm_pipe_room(const struct iosm_pipe *pipe)
{
	return pipe->entries - 1 - iosm_pipe_posted(pipe);
}

/**
 * iosm_pipe_unrung() - how many TDs the modem has and was not rung for
 * @pipe: an open pipe
 *
 * A modem that is at work looks at the head by itself: it may have completed TDs
 * that it was never rung for. They do not count.
 *
 * Context: any; the pipe's owner.
 * Return: 0 to iosm_pipe_posted().
 */
unsigned int iosm_pipe_unrung(const struct iosm_pipe *pipe)
{
	return min(iosm_ring_distance(pipe->rung, pipe->head, pipe->entries),
		   iosm_pipe_posted(pipe));
}

/**
 * iosm_pipe_post() - fill one TD; the modem does not see it yet
 * @pipe: an open pipe with room
 * @dma: bus address of the buffer; the device owns the buffer from now on
 * @len: bytes to send, or capacity; 1 to 0xffffff
 * @cookie: comes back with the completion
 *
 * Context: any; the pipe's owner. Implements protocol.rst 3.5.1.
 */
void iosm_pipe_post(struct iosm_pipe *pipe, dma_addr_t dma, u32 len,
		    void *cookie)
{
	struct iosm_td *td = &pipe->ring[pipe->head];
	struct iosm_pipe_slot *slot = &pipe->slots[pipe->head];

	slot->cookie = cookie;
	slot->dma = dma;
	slot->len = len;

	td->addr = cpu_to_le64(dma);
	td->size_status = cpu_to_le32(FIELD_PREP(IOSM_TD_SIZE, len));
	td->chain = 0;

	trace_iosm_td_post(pipe->dev, pipe->number, pipe->head, len);
	pipe->head = iosm_ring_next(pipe->head, pipe->entries);
}

/**
 * iosm_pipe_publish() - let the modem see all posted TDs, without a doorbell
 * @protocol: the rings
 * @pipe: an open pipe
 *
 * Context: any; the pipe's owner. Implements protocol.rst 3.5.4.
 */
void iosm_pipe_publish(struct iosm_protocol *protocol, struct iosm_pipe *pipe)
{
	/* Pairs with the modem, which reads the head before the TDs. */
	dma_wmb();
	WRITE_ONCE(protocol->shm->heads[pipe->number], cpu_to_le32(pipe->head));
}

/**
 * iosm_pipe_ring() - publish all posted TDs and ring if that is news
 * @protocol: the rings
 * @pipe: an open pipe
 * @reason: for the doorbell
 *
 * Context: process or softirq; the pipe's owner. Implements protocol.rst 3.5.4
 * and 3.5.5.
 */
void iosm_pipe_ring(struct iosm_protocol *protocol, struct iosm_pipe *pipe,
		    enum iosm_head_reason reason)
{
	if (pipe->rung != pipe->head)
		iosm_pipe_ring_again(protocol, pipe, reason);
}

/**
 * iosm_pipe_ring_again() - publish all posted TDs and ring, news or not
 * @protocol: the rings
 * @pipe: an open pipe
 * @reason: for the doorbell
 *
 * Context: process or softirq; the pipe's owner. Implements protocol.rst 3.5.4.
 */
void iosm_pipe_ring_again(struct iosm_protocol *protocol, struct iosm_pipe *pipe,
			  enum iosm_head_reason reason)
{
	iosm_pipe_publish(protocol, pipe);
	pipe->rung = pipe->head;
	iosm_pm_ring_head(protocol->pm, reason);
}

/**
 * iosm_pipe_completed() - how many TDs the modem has completed
 * @protocol: the rings
 * @pipe: an open pipe
 *
 * Takes one snapshot of the tail. So many TDs may be taken back with
 * iosm_pipe_take() before the next call.
 *
 * Context: softirq or process; the pipe's owner.
 * Return: the number, or -EPROTO for an impossible tail; the session must then
 * be ended. Implements protocol.rst 10.6.3 S15 to S17.
 */
int iosm_pipe_completed(struct iosm_protocol *protocol, struct iosm_pipe *pipe)
{
	u32 tail = le32_to_cpu(READ_ONCE(protocol->shm->tails[pipe->number]));
	unsigned int completed;

	if (tail >= pipe->entries)
		return -EPROTO;
	completed = iosm_ring_distance(pipe->tail, tail, pipe->entries);
	if (completed > iosm_pipe_posted(pipe))
		return -EPROTO;

	/* Pairs with the modem, which stores data and TD before the tail. */
	dma_rmb();
	return completed;
}

static int iosm_td_check(u32 size_status, u32 capacity)
{
	u32 size = FIELD_GET(IOSM_TD_SIZE, size_status);

	if (FIELD_GET(IOSM_TD_STATUS, size_status) != IOSM_TD_END)
		return -EIO;
	if (size > capacity)
		return -EMSGSIZE;
	if (!size)
		return -ENODATA;
	return 0;
}

/**
 * iosm_pipe_take() - take back one completed TD
 * @pipe: an open pipe with completed TDs
 * @done: what became of it; the slot is cleared
 *
 * Context: softirq or process; the pipe's owner. Implements protocol.rst 10.6.4 T1 to T6.
 */
void iosm_pipe_take(struct iosm_pipe *pipe, struct iosm_pipe_done *done)
{
	u32 word = le32_to_cpu(READ_ONCE(pipe->ring[pipe->tail].size_status));

	done->slot = pipe->slots[pipe->tail];
	done->error = iosm_td_check(word, done->slot.len);
	done->size = done->error ? 0 : FIELD_GET(IOSM_TD_SIZE, word);
	if (done->error)
		pipe->bad_units++;

	trace_iosm_td_done(pipe->dev, pipe->number, pipe->tail, done->size, done->error);
	memset(&pipe->slots[pipe->tail], 0, sizeof(pipe->slots[0]));
	pipe->tail = iosm_ring_next(pipe->tail, pipe->entries);
}

/**
 * iosm_pipe_reclaim() - take back a TD from a pipe that the modem closed
 * @pipe: closed by iosm_protocol_close_pipe()
 * @slot: what was posted; the caller frees the buffer
 *
 * Context: process; the pipe's owner.
 * Return: false when all TDs have been taken back.
 */
bool iosm_pipe_reclaim(struct iosm_pipe *pipe, struct iosm_pipe_slot *slot)
{
	if (pipe->tail == pipe->head)
		return false;

	*slot = pipe->slots[pipe->tail];
	memset(&pipe->slots[pipe->tail], 0, sizeof(pipe->slots[0]));
	pipe->tail = iosm_ring_next(pipe->tail, pipe->entries);
	return true;
}
