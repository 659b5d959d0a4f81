/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The IP multiplexer on pipes 0 and 1 (protocol.rst 5): eight sessions,
 * commands in both variants, flow control, and downlink blocks.
 *
 * Downlink packets are written once, straight into the guest's buffer. There
 * is no queue: when there is no buffer, or the link sleeps, mux_deliver()
 * refuses, and the world offers the packet again after world_resume().
 */
#ifndef IOSM_EMU_MUX_H
#define IOSM_EMU_MUX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fault.h"
#include "loop.h"
#include "mux_ul.h"
#include "wire.h"

#define MUX_UL_PIPE	0
#define MUX_DL_PIPE	1
#define MUX_PENDING	64
#define MUX_COMMAND_MAX	64
#define MUX_ENTRIES	512
#define MUX_CLASSES	256

struct rings;
struct world;

/**
 * struct mux_config - options
 * @aggregation: the variant
 * @credits: bytes granted to a session at first; 0 = no credits at all
 * @ul_pad: uplink head padding that the open response asks for
 * @response_us: delay of responses to open and close
 */
struct mux_config {
	bool aggregation;
	uint32_t credits, ul_pad;
	uint64_t response_us;
};

/**
 * struct mux_ops - what the MUX needs from the modem
 * @may_send: may guest memory be written now? If not, wake the link
 * @work: something waits for mux_flush(): call it soon
 * @completed: a downlink TD was completed: tell the host in the end
 */
struct mux_ops {
	bool (*may_send)(void *ctx);
	void (*work)(void *ctx);
	void (*completed)(void *ctx);
};

enum mux_session_state { MUX_CLOSED, MUX_OPENING, MUX_UP };

/**
 * struct mux_session - one IP session
 * @state: MUX_OPENING from the open command until our response is out
 * @stopped: the host acknowledged that its uplink is stopped
 * @refused: the world waits for world_resume()
 * @excused: by a fault of ours, the host cannot know whether it is open
 * @dl_pad: downlink head padding
 * @credits: lite: what is left of the grant; negative if overdrawn
 * @consumed: uplink bytes since the last grant
 * @level: the last queue level that the host told
 */
struct mux_session {
	enum mux_session_state state;
	bool stopped, refused, excused;
	uint32_t dl_pad;
	int64_t credits;
	uint64_t consumed;
	uint32_t level;
};

/* A command for the host that waits for its time and for a buffer. */
struct mux_pending {
	uint64_t due_us;
	size_t len;
	uint8_t bytes[MUX_COMMAND_MAX];
	unsigned int session;
	bool is_open, block;
};

/* A command of ours that the host has to acknowledge. */
struct mux_unacked {
	bool used, stop, late;
	unsigned int session;
	uint32_t code, tid;
	uint64_t sent_us;
};

/* The downlink block that is being filled, in the guest's buffer. */
struct mux_block {
	uint8_t *buffer;
	size_t capacity, used;
	unsigned int count, per_session[MUX_SESSIONS];
	struct {
		uint32_t offset;
		uint16_t len;
		uint8_t session;
	} entry[MUX_ENTRIES];
};

struct mux_counters {
	uint64_t ul_ignored, dl_blocks, dl_datagrams, dl_bytes, dl_commands,
		 dl_refused, dl_dropped, acks, acks_late, grants, opens, closes;
};

struct mux {
	struct mux_config config;
	struct loop *loop;
	struct rings *rings;
	struct world *world;
	struct faults *faults;
	const struct mux_ops *ops;
	void *ctx;

	struct mux_ul ul;
	struct mux_session session[MUX_SESSIONS];
	/* Packets from the host, by session and service class. */
	uint64_t ul_class[MUX_SESSIONS][MUX_CLASSES];
	/* The service class of packets for the host. */
	uint8_t dl_class;
	bool ul_open, dl_open;
	bool starving;
	unsigned int committed;

	struct mux_block block;
	uint16_t block_sequence, command_sequence;

	struct mux_pending pending[MUX_PENDING];
	unsigned int pending_first, pending_count;
	struct loop_timer pending_timer;

	struct mux_unacked unacked[MUX_PENDING];
	struct loop_timer ack_timer;
	uint32_t next_tid;
	uint32_t host_tid;
	bool host_tid_gap;
	unsigned int host_responses;
	unsigned int resume_at;

	struct mux_counters counters;
};

void mux_init(struct mux *mux, struct loop *loop, struct rings *rings,
	      struct world *world, struct faults *faults,
	      const struct mux_config *config, const struct mux_ops *ops,
	      void *ctx);
/** mux_reset() - the IPC session ended: everything starts at 0 again. */
void mux_reset(struct mux *mux);

/** mux_pipe_opened(), mux_pipe_closed() - pipe 0 or 1. */
void mux_pipe_opened(struct mux *mux, unsigned int pipe);
void mux_pipe_closed(struct mux *mux, unsigned int pipe);

/** mux_uplink() - one TD of pipe 0. */
void mux_uplink(struct mux *mux, const uint8_t *td, size_t len);
/** mux_uplink_done() - the TDs given to mux_uplink() become invalid. */
void mux_uplink_done(struct mux *mux);
/** mux_deliver() - a downlink packet; a world_deliver_t. */
bool mux_deliver(void *ctx, unsigned int session, const uint8_t *packet,
		 size_t len);
/** mux_flush() - send what waits; returns the number of TDs completed. */
unsigned int mux_flush(struct mux *mux);
/** mux_resume() - offer the world room again, if there is any. */
void mux_resume(struct mux *mux);
/** mux_busy() - does anything wait to be sent? */
bool mux_busy(const struct mux *mux);
/** mux_open_sessions() - how many are up. */
unsigned int mux_open_sessions(const struct mux *mux);

/*
 * For the control socket; false when the channel is closed or too much waits.
 */
bool mux_flow(struct mux *mux, unsigned int session, bool stop);
bool mux_quality(struct mux *mux, unsigned int session);
bool mux_grant(struct mux *mux, unsigned int session, uint32_t bytes);

#endif /* IOSM_EMU_MUX_H */
