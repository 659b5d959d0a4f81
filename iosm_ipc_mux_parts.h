/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the parts of the multiplexer share: its state, and what each part offers to
 * the others. Sessions and commands are in iosm_ipc_mux.c, uplink data in
 * iosm_ipc_mux_ul.c, downlink data in iosm_ipc_mux_dl.c.
 *
 * Readers: these three files, and the KUnit suite iosm_mux_flow.
 */
#ifndef IOSM_IPC_MUX_PARTS_H
#define IOSM_IPC_MUX_PARTS_H

#include <linux/hrtimer.h>
#include <linux/mutex.h>
#include <linux/skbuff.h>
#include <linux/spinlock.h>

#include "iosm_ipc_imem.h"
#include "iosm_ipc_mux.h"
#include "iosm_ipc_packet.h"

#define IOSM_MUX_AGGR_BUFFERS	16	/* blocks under construction or sent */
#define IOSM_MUX_LITE_BUFFERS	240	/* single datagrams sent */

#define IOSM_MUX_COMMAND_BUFFERS	16	/* commands, answers, Lite queue levels */
#define IOSM_MUX_COMMAND_STRIDE	64	/* bytes */
#define IOSM_MUX_COMMAND_RESERVE	4	/* of them, for callers that wait */

static_assert(IOSM_MUX_COMMAND_STRIDE >= IOSM_MUX_COMMAND_SIZE);
static_assert(IOSM_MUX_COMMAND_BUFFERS * IOSM_MUX_COMMAND_STRIDE <= PAGE_SIZE);

/**
 * struct iosm_mux_buffer - a mapped uplink buffer
 * @next: next free one
 * @data: its memory
 * @dma: its bus address
 * @is_data: counts as data in flight; otherwise it is a command
 * @wire: bytes counted as pending
 * @sessions: bit n set: @share[n] is in use
 * @share: what it carries for each session, for the accounting of the link
 * @share.packets: number of packets
 * @share.bytes: IP bytes
 */
struct iosm_mux_buffer {
	struct iosm_mux_buffer *next;
	void *data;
	dma_addr_t dma;
	bool is_data;
	u8 sessions;
	u32 wire;
	struct {
		u32 packets;
		u32 bytes;
	} share[IOSM_MUX_SESSIONS];
};

/**
 * struct iosm_mux_chunk - memory of uplink buffers, mapped as one piece
 * @page: its pages, order CHUNK_ORDER
 * @dma: bus address
 */
struct iosm_mux_chunk {
	struct page *page;
	dma_addr_t dma;
};

/**
 * struct iosm_mux_session - one session; all under tx_lock
 * @link: given to the ops; not NULL while the session is open
 * @pad: head padding of uplink datagrams, bytes
 * @flow_mask: not 0: stopped by the modem
 * @credits: bytes that may still be sent, if credits are in use
 * @outstanding: bytes encoded and not completed
 * @stopped: the link was told to stop
 * @touched: Lite: has sent since the last queue level
 * @held: the packet that could not be encoded, or the rest of it; none if its skb
 *	is NULL
 */
struct iosm_mux_session {
	void *link;
	u16 pad;
	u32 flow_mask;
	u32 credits;
	u32 outstanding;
	bool stopped;
	bool touched;
	struct iosm_packet held;
};

/**
 * struct iosm_mux_waiting - the one command that a caller waits for
 * @armed: an answer is welcome; no more when it came
 * @kind: of the answer
 * @session: of the answer
 * @tid: of the answer
 * @link: what the session is opened for
 * @error: result, when it came; 0 or a negative errno
 */
struct iosm_mux_waiting {
	bool armed;
	enum iosm_mux_command_kind kind;
	u8 session;
	u32 tid;
	void *link;
	int error;
};

/**
 * struct iosm_mux - the multiplexer of one modem
 * @modem: the modem
 * @ops: news for the network devices
 * @ctx: first argument of some of them
 * @variant: format, chosen once
 * @use_credits: uplink needs credits
 * @command_lock: serialises opening and closing of sessions
 * @channel: the data channel; open if @users
 * @config: how the data channel is opened; under @command_lock
 * @users: open sessions; under @command_lock
 * @timeout: how long to wait for an answer, milliseconds
 * @known_pad: padding that the modem wished last, for MTU limits
 *
 * @tx_lock: protects everything up to @defects
 * @counters: sequence numbers and transaction ids
 * @open_sessions: bit n set: session n is open; written under @tx_lock, read by
 *	the poll without it
 * @sessions: the sessions
 * @waiting: the command that is waited for
 * @wake_next: session that is looked at first when links are woken
 * @free_data: free data buffers
 * @free_commands: free command buffers
 * @commands_free: how many there are
 * @in_flight: data transfers posted and not completed
 * @pending: bytes in them
 * @congested: @pending was too high and is not yet low
 * @starved: buffers ran out since @share was computed
 * @capacity: bytes that links that compete may have on their way together
 * @share: bytes that each link may have on its way
 * @batch: packets after which a batch is given to the modem at the latest
 * @block: the open block
 * @block_buffer: its buffer, NULL if no block is open
 * @stuck: a link complained, and nothing has completed since @stuck_since
 * @stuck_since: when that was
 * @stats: counters; those that start with dl_ and @stats.defects belong to the poll
 *
 * @pool: downlink pages
 * @decoder: where a transfer that is decoded goes
 * @rx_list: datagrams of the transfer that is being decoded
 * @rx_page: page of that transfer
 * @rx_offset: where it starts in the page, bytes
 * @rx_copy: copy all its datagrams
 * @refill_timer: runs the poll again when memory was short
 *
 * @buffers: all data buffers
 * @buffer_count: how many
 * @chunks: their memory
 * @chunk_count: how many
 * @command_page: memory of the command buffers
 * @command_dma: bus address of it
 * @commands: all command buffers
 */
struct iosm_mux {
	struct iosm_modem *modem;
	const struct iosm_mux_ops *ops;
	void *ctx;
	enum iosm_mux_variant variant;
	bool use_credits;

	/* Outside of tx_lock; may be taken under RTNL */
	struct mutex command_lock;
	struct iosm_channel channel;
	struct iosm_channel_config config;
	unsigned int users;
	unsigned int timeout;
	u16 known_pad[IOSM_MUX_SESSIONS];

	/* Innermost lock of this layer; softirq-safe */
	spinlock_t tx_lock;
	struct iosm_mux_counters counters;
	u8 open_sessions;
	struct iosm_mux_session sessions[IOSM_MUX_SESSIONS];
	struct iosm_mux_waiting waiting;
	u8 wake_next;
	struct iosm_mux_buffer *free_data;
	struct iosm_mux_buffer *free_commands;
	unsigned int commands_free;
	unsigned int in_flight;
	u32 pending;
	bool congested;
	bool starved;
	u32 capacity;
	u32 share;
	u32 batch;
	struct iosm_mux_block block;
	struct iosm_mux_buffer *block_buffer;
	bool stuck;
	unsigned long stuck_since;
	struct iosm_mux_stats stats;

	struct page_pool *pool;
	const struct iosm_mux_decoder_ops *decoder;
	struct sk_buff_head rx_list;
	struct page *rx_page;
	u32 rx_offset;
	bool rx_copy;
	struct hrtimer refill_timer;

	struct iosm_mux_buffer *buffers;
	unsigned int buffer_count;
	struct iosm_mux_chunk *chunks;
	unsigned int chunk_count;
	struct page *command_page;
	dma_addr_t command_dma;
	struct iosm_mux_buffer commands[IOSM_MUX_COMMAND_BUFFERS];
};

void iosm_mux_ul_init(struct iosm_mux *mux);
int iosm_mux_ul_open(struct iosm_mux *mux);
void iosm_mux_ul_close(struct iosm_mux *mux);
void iosm_mux_ul_poll(struct iosm_channel *channel);
struct iosm_mux_buffer *iosm_mux_ul_get_command(struct iosm_mux *mux, unsigned int keep);
void iosm_mux_ul_put(struct iosm_mux *mux, struct iosm_mux_buffer *buffer);
void iosm_mux_ul_post(struct iosm_mux *mux, struct iosm_mux_buffer *buffer, u32 len);
void iosm_mux_ul_set_flow(struct iosm_mux *mux, struct iosm_mux_session *session,
			  u32 mask);
void iosm_mux_ul_credits(void *ctx, u8 id, u32 bytes);
void iosm_mux_ul_forget(struct iosm_mux *mux, u8 id);

void iosm_mux_dl_init(struct iosm_mux *mux, const struct iosm_mux_decoder_ops *decoder);
int iosm_mux_dl_open(struct iosm_mux *mux);
void iosm_mux_dl_close(struct iosm_mux *mux);
int iosm_mux_dl_fill(struct iosm_channel *channel);
int iosm_mux_dl_poll(struct iosm_channel *channel, int budget);
void iosm_mux_dl_reclaim(struct iosm_channel *channel, struct iosm_pipe *pipe,
			 const struct iosm_pipe_slot *slot);
void iosm_mux_dl_datagram(void *ctx, u8 session, u8 service_class, u32 offset,
			  u32 length);

#endif /* IOSM_IPC_MUX_PARTS_H */
