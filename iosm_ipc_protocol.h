/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Rings in shared memory: the control ring with its requests, and the pipes.
 * Every barrier and every index of the driver is in this layer.
 */
#ifndef IOSM_IPC_PROTOCOL_H
#define IOSM_IPC_PROTOCOL_H

#include <linux/completion.h>
#include <linux/spinlock.h>
#include <linux/types.h>

#include "iosm_ipc_mmio.h"
#include "iosm_ipc_pm.h"

struct iosm_protocol;

/* How long a modem may take to complete a request, milliseconds */
#define IOSM_CONTROL_TIMEOUT	1000

/**
 * struct iosm_protocol_ops - news for the layer above
 * @fatal: the modem broke the protocol in a way that makes its rings
 *	worthless, or left a request unanswered (@err is then -ETIMEDOUT); called
 *	in process or softirq context, with no lock of this layer held; must
 *	call iosm_protocol_halt() before it returns
 */
struct iosm_protocol_ops {
	void (*fatal)(struct iosm_protocol *protocol, const char *why, int err);
};

/**
 * struct iosm_pipe_slot - what we remember of one posted TD
 * @cookie: the poster's, NULL is allowed
 * @dma: bus address of the buffer
 * @len: bytes to send, or capacity
 */
struct iosm_pipe_slot {
	void *cookie;
	dma_addr_t dma;
	u32 len;
};

/**
 * struct iosm_pipe_done - a completed TD
 * @slot: as posted; never re-read from memory that the modem can write
 * @size: downlink: bytes that the modem stored, checked to be 1 to slot.len;
 *	0 if @error
 * @error: 0, or a negative errno: the unit must be dropped. -EMSGSIZE: more
 *	than the buffer holds; -ENODATA: nothing; -EIO: any other status than
 *	"end of transfer"
 */
struct iosm_pipe_done {
	struct iosm_pipe_slot slot;
	u32 size;
	int error;
};

/**
 * struct iosm_pipe - one ring of transfer descriptors
 * @dev: the modem, for tracepoints
 * @number: 0 to IOSM_PIPES - 1; even ones carry uplink
 * @entries: ring size, 0 when the pipe is closed; one entry is never used
 * @head: next entry to fill; the copy in shared memory is write-only
 * @tail: next entry to take back
 * @rung: @head when the modem was told last
 * @ring: the TDs, coherent memory
 * @ring_dma: bus address of @ring
 * @slots: private record of each posted TD
 * @bad_units: completed TDs that had to be dropped
 *
 * Protected by the owner: posting and taking back must not run concurrently
 * on one pipe.
 */
struct iosm_pipe {
	struct device *dev;
	u8 number;
	u16 entries;
	u16 head;
	u16 tail;
	u16 rung;
	struct iosm_td *ring;
	dma_addr_t ring_dma;
	struct iosm_pipe_slot *slots;
	u64 bad_units;
};

/**
 * struct iosm_request - one control request that somebody waits for
 * @done: completed by the poll, or by iosm_protocol_halt()
 * @result: 0, -EREMOTEIO (refused by the modem) or -ENODEV
 *
 * Lives on the waiter's stack. The waiter takes it out of its slot, under the
 * lock, before it leaves; an answer that comes later finds no owner.
 */
struct iosm_request {
	struct completion done;
	int result;
};

/**
 * struct iosm_protocol_stats - counters, written under the protocol's lock
 * @requests: requests posted
 * @late: answers that nobody waits for any more
 * @refused: answers other than success
 * @timeouts: requests that got no answer in time
 * @repeated: requests whose doorbell rang once more
 */
struct iosm_protocol_stats {
	u64 requests;
	u64 late;
	u64 refused;
	u64 timeouts;
	u64 repeated;
};

/**
 * struct iosm_protocol - rings of one modem
 * @bus: the modem
 * @ops: news for the layer above
 * @pm: rings the doorbells
 * @shm: the shared block
 * @shm_dma: bus address of @shm
 * @lock: protects the control ring and @halted; taken in process and softirq
 *	context, outside of the lock of @pm
 * @halted: no IPC session; nothing is posted or believed
 * @head: next control entry to fill; private, shared copy is write-only
 * @tail: next control entry to complete
 * @timeout: how long to wait for an answer, milliseconds; IOSM_CONTROL_TIMEOUT
 *	but for the unit tests
 * @owner: who waits for an entry
 * @abandoned: entries whose waiter gave up
 * @stats: counters
 * @pipes: all pipes by number
 */
struct iosm_protocol {
	struct iosm_bus *bus;
	const struct iosm_protocol_ops *ops;
	struct iosm_pm *pm;
	struct iosm_shared *shm;
	dma_addr_t shm_dma;
	spinlock_t lock;	/* control ring, @halted */
	bool halted;
	u16 head;
	u16 tail;
	unsigned int timeout;
	struct iosm_request *owner[IOSM_CONTROL_ENTRIES];
	DECLARE_BITMAP(abandoned, IOSM_CONTROL_ENTRIES);
	struct iosm_protocol_stats stats;
	struct iosm_pipe pipes[IOSM_PIPES];
};

/**
 * struct iosm_status - one snapshot of the status block, CPU byte order
 * @stage: unchecked
 * @ipc_state: unchecked
 * @sleep: unchecked
 */
struct iosm_status {
	u32 stage;
	u32 ipc_state;
	u32 sleep;
};

int iosm_protocol_init(struct iosm_protocol *protocol, struct iosm_bus *bus,
		       struct iosm_pm *pm, const struct iosm_protocol_ops *ops);
void iosm_protocol_exit(struct iosm_protocol *protocol);
void iosm_protocol_start(struct iosm_protocol *protocol);
void iosm_protocol_halt(struct iosm_protocol *protocol);
bool iosm_protocol_halted(struct iosm_protocol *protocol);
void iosm_protocol_status(struct iosm_protocol *protocol,
			  struct iosm_status *status);
void iosm_protocol_poll(struct iosm_protocol *protocol);

int iosm_protocol_sleep(struct iosm_protocol *protocol,
			enum iosm_sleep_target target, u8 state);
int iosm_protocol_features(struct iosm_protocol *protocol, u8 features);
int iosm_protocol_open_pipe(struct iosm_protocol *protocol,
			    struct iosm_pipe *pipe, u16 entries, u32 backoff);
void iosm_protocol_close_pipe(struct iosm_protocol *protocol,
			      struct iosm_pipe *pipe);
void iosm_protocol_free_pipe(struct iosm_protocol *protocol,
			     struct iosm_pipe *pipe);

unsigned int iosm_ring_distance(unsigned int from, unsigned int to,
				unsigned int entries);
unsigned int iosm_pipe_posted(const struct iosm_pipe *pipe);
unsigned int iosm_pipe_room(const struct iosm_pipe *pipe);
unsigned int iosm_pipe_unrung(const struct iosm_pipe *pipe);
void iosm_pipe_post(struct iosm_pipe *pipe, dma_addr_t dma, u32 len,
		    void *cookie);
void iosm_pipe_publish(struct iosm_protocol *protocol, struct iosm_pipe *pipe);
void iosm_pipe_ring(struct iosm_protocol *protocol, struct iosm_pipe *pipe,
		    enum iosm_head_reason reason);
void iosm_pipe_ring_again(struct iosm_protocol *protocol, struct iosm_pipe *pipe,
			  enum iosm_head_reason reason);
int iosm_pipe_completed(struct iosm_protocol *protocol,
			struct iosm_pipe *pipe);
void iosm_pipe_take(struct iosm_pipe *pipe, struct iosm_pipe_done *done);
bool iosm_pipe_reclaim(struct iosm_pipe *pipe, struct iosm_pipe_slot *slot);

#endif /* IOSM_IPC_PROTOCOL_H */
