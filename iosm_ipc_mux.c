// SPDX-License-Identifier: GPL-2.0-only
/*
 * IP multiplexer: sessions, flow control, the data path of the data channel.
 */

#include "iosm_ipc_mux.h"

#include <linux/completion.h>
#include <linux/dma-mapping.h>
#include <linux/gfp.h>
#include <linux/hrtimer.h>
#include <linux/mutex.h>
#include <linux/nospec.h>
#include <linux/skbuff.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <net/gro.h>
#include <net/page_pool/helpers.h>

#include "iosm_ipc_imem.h"
#include "iosm_ipc_packet.h"

/**
 * DOC: the multiplexer
 *
 * **Uplink.** A packet is copied once, with its checksum, from the stack into a
 * buffer that was mapped when the channel was opened; a super-packet is cut into
 * datagrams on the way (iosm_ipc_packet.c)::
 *
 *   link 0 --\                        +-- open block --+     ring of the modem
 *   link 1 ---> iosm_mux_send() ----> | packets ...    | --> [block][block]...
 *   link 7 --/   under tx_lock        +----------------+          |
 *                                                      completion v
 *                             free <------------------- accounting, wake-ups
 *
 * In Aggregation a packet extends the open block. The block is posted when it is
 * full; when the stack says that no more packets follow and fewer than
 * IN_FLIGHT_EAGER blocks are on their way; or by the completion of one of those.
 * In Lite every packet is a transfer of its own, and the same rule decides when
 * the doorbell rings. So a lone packet waits for nothing, batches form under load
 * only, and there is no timer.
 *
 * There is no queue between the queueing discipline and the ring. A link stops when
 * its next datagram could not be taken: byte queue limits, flow control by the
 * modem, credits (Lite), too many bytes on their way, no free buffer. One packet
 * for each link, the one in which the reason arose, is held until the reason is
 * gone; of a super-packet that may be the rest. What a link has on its way is
 * accounted in private records, never read back from a buffer that the modem can
 * see.
 *
 * Links share the pipe by bytes. Those that compete for it may each have the same
 * number of bytes on their way; as all of them wait in the same ring, each gets the
 * same part of what the modem takes. A link that the modem has stopped does not
 * compete, and has nothing in the ring that others would wait for.
 *
 * **Downlink.** Buffers are pages of a page pool, mapped once. Small datagrams, and
 * all those of a nearly empty block, are copied; of the others the headers are
 * copied, and the rest is a page fragment that holds one reference. The truesize
 * of a buffer is shared out among the datagrams that keep it. Buffers are
 * replaced in the same poll; the modem is told when it knows of fewer than half of
 * them. If there is no memory, the ring gets shorter; if it gets too short, a timer
 * runs the poll again until it is whole. Nothing depends on an allocation that
 * must succeed.
 *
 * **Sessions.** Opening and closing are commands that a caller waits for, one at a
 * time. The wait is armed, with command, session and transaction id, before the
 * command is sent; an answer that does not match, or comes when nobody waits, is
 * counted. A session becomes open in the poll that sees the answer, so that data
 * right behind it is not lost.
 *
 * **Contexts and locks**::
 *
 *   RTNL (callers)
 *     command_lock            sessions opened and closed, channel, @waiting armed
 *       tx_lock               everything uplink: ring, block, buffers, session
 *                             state, @waiting; softirq-safe
 *         locks of the layers below
 *
 * The downlink ring, the page pool and the downlink counters belong to the poll,
 * and to the opener and closer of the channel while no poll runs for it.
 */

#define DATA_BUFFERS_AGGR	16	/* blocks under construction or sent */
#define DATA_BUFFERS_LITE	128	/* single datagrams sent */
#define CHUNK_ORDER		get_order(IOSM_MUX_BLOCK_SIZE)
#define CHUNK_SIZE		(PAGE_SIZE << CHUNK_ORDER)

#define COMMAND_BUFFERS		16	/* commands, answers, Lite queue levels */
#define COMMAND_STRIDE		64	/* bytes */
#define COMMAND_RESERVE		4	/* of them, for callers that wait */

static_assert(COMMAND_STRIDE >= IOSM_MUX_COMMAND_SIZE);
static_assert(COMMAND_BUFFERS * COMMAND_STRIDE <= PAGE_SIZE);

#define COMMAND_TIMEOUT		1000	/* milliseconds, protocol.rst 5.6.6 */

/*
 * Bytes on their way above which all links stop, and below which they go on. The
 * first is that of protocol.rst 5.8 (b); the second is higher than there, so that
 * the modem does not run dry while the stack wakes up.
 */
#define PENDING_HIGH		112640
#define PENDING_LOW		(PENDING_HIGH / 2)

/* Transfers on their way that do not stop the next one from going at once */
#define IN_FLIGHT_EAGER		2
/* The least that a link may have on its way, however many compete, bytes */
#define SHARE_MIN		8192
/* Packets in a batch: Aggregation ends a block by size, Lite rings for every 16 */
#define BATCH_AGGR		IOSM_MUX_BLOCK_DATAGRAMS
#define BATCH_LITE		16
/* Lite: bytes on their way from which queue levels are reported */
#define LEVEL_PENDING		10240

#define COPY_BREAK		256	/* datagrams up to here are copied, bytes */
#define HEADER_ROOM		128	/* bytes of a packet that headers may take */
#define SPARSE_FRACTION		4	/* blocks filled less than 1/n are copied */
#define REFILL_RETRY		(2 * NSEC_PER_MSEC)

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
 * @armed: an answer is welcome
 * @kind: of the answer
 * @session: of the answer
 * @tid: of the answer
 * @link: what the session is opened for
 * @error: result, valid after @done; 0 or a negative errno
 * @done: completed by the poll
 */
struct iosm_mux_waiting {
	bool armed;
	enum iosm_mux_command_kind kind;
	u8 session;
	u32 tid;
	void *link;
	int error;
	struct completion done;
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
 * @share: bytes that each link may have on its way
 * @batch: packets after which a batch is given to the modem at the latest
 * @block: the open block
 * @block_buffer: its buffer, NULL if no block is open
 * @stats: counters; those that start with dl_ and @stats.defects belong to the poll
 *
 * @pool: downlink pages
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
	u32 share;
	u32 batch;
	struct iosm_mux_block block;
	struct iosm_mux_buffer *block_buffer;
	struct iosm_mux_stats stats;

	struct page_pool *pool;
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
	struct iosm_mux_buffer commands[COMMAND_BUFFERS];
};

/* Uplink buffers */

static struct iosm_mux_buffer *iosm_mux_pop(struct iosm_mux_buffer **list)
{
	struct iosm_mux_buffer *buffer = *list;

	if (buffer) {
		*list = buffer->next;
		buffer->next = NULL;
		buffer->sessions = 0;
		buffer->wire = 0;
	}
	return buffer;
}

static void iosm_mux_push(struct iosm_mux_buffer **list, struct iosm_mux_buffer *buffer)
{
	buffer->next = *list;
	*list = buffer;
}

static void iosm_mux_recycle(struct iosm_mux *mux, struct iosm_mux_buffer *buffer)
{
	lockdep_assert_held(&mux->tx_lock);
	if (buffer->is_data) {
		iosm_mux_push(&mux->free_data, buffer);
	} else {
		iosm_mux_push(&mux->free_commands, buffer);
		mux->commands_free++;
	}
}

/* Data leaves room in the ring for commands. */
static bool iosm_mux_data_room(struct iosm_mux *mux)
{
	return mux->free_data && iosm_pipe_room(mux->channel.ul) > COMMAND_RESERVE;
}

static void iosm_mux_post(struct iosm_mux *mux, struct iosm_mux_buffer *buffer, u32 len)
{
	lockdep_assert_held(&mux->tx_lock);
	dma_sync_single_for_device(mux->modem->dev, buffer->dma, len, DMA_TO_DEVICE);
	iosm_pipe_post(mux->channel.ul, buffer->dma, len, buffer);
}

static void iosm_mux_post_data(struct iosm_mux *mux, struct iosm_mux_buffer *buffer,
			       u32 len)
{
	buffer->wire = len;
	mux->pending += len;
	mux->in_flight++;
	mux->stats.ul_transfers++;
	mux->stats.ul_bytes += len;
	if (!mux->use_credits && mux->pending >= PENDING_HIGH && !mux->congested) {
		mux->congested = true;
		mux->stats.ul_congested++;
	}
	iosm_mux_post(mux, buffer, len);
}

static struct iosm_mux_buffer *iosm_mux_get_command(struct iosm_mux *mux,
						    unsigned int keep)
{
	lockdep_assert_held(&mux->tx_lock);
	if (mux->commands_free <= keep || !iosm_pipe_room(mux->channel.ul))
		return NULL;
	mux->commands_free--;
	return iosm_mux_pop(&mux->free_commands);
}

static void iosm_mux_free_buffers(struct iosm_mux *mux)
{
	struct device *dev = mux->modem->dev;
	unsigned int i;

	for (i = 0; i < mux->chunk_count; i++) {
		dma_unmap_page(dev, mux->chunks[i].dma, CHUNK_SIZE, DMA_TO_DEVICE);
		__free_pages(mux->chunks[i].page, CHUNK_ORDER);
	}
	mux->chunk_count = 0;
	kfree(mux->chunks);
	mux->chunks = NULL;
	kfree(mux->buffers);
	mux->buffers = NULL;
	if (mux->command_page) {
		dma_unmap_page(dev, mux->command_dma, PAGE_SIZE, DMA_TO_DEVICE);
		__free_page(mux->command_page);
		mux->command_page = NULL;
	}
	mux->free_data = NULL;
	mux->free_commands = NULL;
	mux->commands_free = 0;
}

static struct page *iosm_mux_alloc_mapped(struct iosm_mux *mux, unsigned int order,
					  dma_addr_t *dma)
{
	struct page *page = alloc_pages(GFP_KERNEL | __GFP_ZERO, order);

	if (!page)
		return NULL;
	*dma = dma_map_page(mux->modem->dev, page, 0, PAGE_SIZE << order, DMA_TO_DEVICE);
	if (dma_mapping_error(mux->modem->dev, *dma)) {
		__free_pages(page, order);
		return NULL;
	}
	return page;
}

static int iosm_mux_alloc_data(struct iosm_mux *mux)
{
	u32 size = mux->variant == IOSM_MUX_AGGR ? IOSM_MUX_BLOCK_SIZE : IOSM_MUX_LITE_SIZE;
	unsigned int per_chunk = CHUNK_SIZE / size;
	unsigned int chunks, i;

	mux->buffer_count = mux->variant == IOSM_MUX_AGGR ? DATA_BUFFERS_AGGR :
							    DATA_BUFFERS_LITE;
	chunks = DIV_ROUND_UP(mux->buffer_count, per_chunk);
	mux->chunks = kcalloc(chunks, sizeof(*mux->chunks), GFP_KERNEL);
	mux->buffers = kcalloc(mux->buffer_count, sizeof(*mux->buffers), GFP_KERNEL);
	if (!mux->chunks || !mux->buffers)
		return -ENOMEM;

	for (i = 0; i < chunks; i++) {
		struct iosm_mux_chunk *chunk = &mux->chunks[i];

		chunk->page = iosm_mux_alloc_mapped(mux, CHUNK_ORDER, &chunk->dma);
		if (!chunk->page)
			return -ENOMEM;
		mux->chunk_count++;
	}
	for (i = 0; i < mux->buffer_count; i++) {
		struct iosm_mux_chunk *chunk = &mux->chunks[i / per_chunk];
		u32 offset = i % per_chunk * size;

		mux->buffers[i].data = page_address(chunk->page) + offset;
		mux->buffers[i].dma = chunk->dma + offset;
		mux->buffers[i].is_data = true;
		iosm_mux_push(&mux->free_data, &mux->buffers[i]);
	}
	return 0;
}

static int iosm_mux_alloc_commands(struct iosm_mux *mux)
{
	unsigned int i;

	mux->command_page = iosm_mux_alloc_mapped(mux, 0, &mux->command_dma);
	if (!mux->command_page)
		return -ENOMEM;
	for (i = 0; i < COMMAND_BUFFERS; i++) {
		struct iosm_mux_buffer *buffer = &mux->commands[i];

		buffer->data = page_address(mux->command_page) + i * COMMAND_STRIDE;
		buffer->dma = mux->command_dma + i * COMMAND_STRIDE;
		buffer->is_data = false;
		iosm_mux_push(&mux->free_commands, buffer);
		mux->commands_free++;
	}
	return 0;
}

static int iosm_mux_alloc_buffers(struct iosm_mux *mux)
{
	int ret;

	ret = iosm_mux_alloc_commands(mux);
	if (!ret)
		ret = iosm_mux_alloc_data(mux);
	if (ret)
		iosm_mux_free_buffers(mux);
	return ret;
}

/* Uplink data */

/* Nothing but the size of its next packet keeps a session from sending it. */
static bool iosm_mux_may_send(struct iosm_mux *mux, const struct iosm_mux_session *session)
{
	return session->link && !session->flow_mask && !mux->congested &&
	       session->outstanding < mux->share &&
	       (!mux->use_credits || session->credits) && iosm_mux_data_room(mux);
}

/* Has a session a use for its part of the pipe? */
static bool iosm_mux_competes(struct iosm_mux *mux, const struct iosm_mux_session *session)
{
	if (session->outstanding)
		return true;
	return session->held.skb && !session->flow_mask &&
	       (!mux->use_credits || session->credits);
}

static void iosm_mux_update_share(struct iosm_mux *mux)
{
	unsigned int competing = 0;
	u8 s;

	lockdep_assert_held(&mux->tx_lock);
	for (s = 0; s < IOSM_MUX_SESSIONS; s++)
		competing += iosm_mux_competes(mux, &mux->sessions[s]);
	mux->share = max(PENDING_HIGH / max(competing, 1U), SHARE_MIN);
}

static u8 iosm_mux_session_id(struct iosm_mux *mux, const struct iosm_mux_session *session)
{
	return session - mux->sessions;
}

/* Bytes of a session that the host has not given to the modem */
static u32 iosm_mux_level(struct iosm_mux *mux, const struct iosm_mux_session *session)
{
	u32 level;

	if (!session->link)
		return 0;
	level = mux->ops->backlog(session->link);
	if (session->held.skb)
		level += iosm_packet_bytes(&session->held);
	return level;
}

/* Transfers posted in the ring that the modem was not rung for */
static unsigned int iosm_mux_unrung(struct iosm_mux *mux)
{
	const struct iosm_pipe *ul = mux->channel.ul;

	return min(iosm_ring_distance(ul->rung, ul->head, ul->entries),
		   iosm_pipe_posted(ul));
}

static void iosm_mux_ring(struct iosm_mux *mux)
{
	mux->stats.ul_doorbells++;
	iosm_channel_ring_ul(&mux->channel, IOSM_HEAD_MUX_UL);
}

/* Finishes the open block and gives it to the modem. */
static void iosm_mux_post_block(struct iosm_mux *mux)
{
	struct iosm_mux_buffer *buffer = mux->block_buffer;
	u32 levels[IOSM_MUX_SESSIONS] = {};
	bool idle;
	u32 len;
	u8 s;

	lockdep_assert_held(&mux->tx_lock);
	mux->block_buffer = NULL;
	for (s = 0; s < IOSM_MUX_SESSIONS; s++) {
		if (!mux->block.per_session[s].datagrams)
			continue;
		levels[s] = iosm_mux_level(mux, &mux->sessions[s]);
		buffer->sessions |= BIT(s);
		buffer->share[s].packets = mux->block.per_session[s].datagrams;
		buffer->share[s].bytes = mux->block.per_session[s].bytes;
	}

	len = iosm_mux_block_finish(&mux->block, &mux->counters, levels);
	if (!len) {
		iosm_mux_recycle(mux, buffer);
		return;
	}
	trace_iosm_mux_transfer(mux->modem->dev, true, mux->block.count, len);
	idle = iosm_pipe_posted(mux->channel.ul) == iosm_mux_unrung(mux);
	iosm_mux_post_data(mux, buffer, len);
	/* The rest of a burst is rung for once, at its end. */
	if (idle)
		iosm_mux_ring(mux);
}

/* Adds a datagram to the open block; false if there is no buffer for a new one. */
static bool iosm_mux_encode_aggr(struct iosm_mux *mux, struct iosm_mux_session *session,
				 struct iosm_packet *packet, u32 length)
{
	u8 id = iosm_mux_session_id(mux, session);
	u8 *payload;

	if (mux->block_buffer &&
	    !iosm_mux_block_fits(&mux->block, id, session->pad, length))
		iosm_mux_post_block(mux);

	if (!mux->block_buffer) {
		if (!iosm_mux_data_room(mux))
			return false;
		mux->block_buffer = iosm_mux_pop(&mux->free_data);
		iosm_mux_block_begin(&mux->block, mux->block_buffer->data,
				     IOSM_MUX_BLOCK_SIZE);
	}

	/* Fits an empty block: the caller checked it against the largest datagram. */
	payload = iosm_mux_block_add(&mux->block, id, packet->skb->priority, session->pad,
				     length);
	if (WARN_ON_ONCE(!payload))
		return false;
	iosm_packet_write(packet, payload);
	return true;
}

static bool iosm_mux_encode_lite(struct iosm_mux *mux, struct iosm_mux_session *session,
				 struct iosm_packet *packet, u32 length)
{
	u8 id = iosm_mux_session_id(mux, session);
	struct iosm_mux_buffer *buffer;
	u8 *payload;
	int len;

	if (mux->use_credits && session->credits < length)
		return false;
	if (!iosm_mux_data_room(mux))
		return false;

	buffer = iosm_mux_pop(&mux->free_data);
	len = iosm_mux_wire_adgh(buffer->data, IOSM_MUX_LITE_SIZE, id,
				 packet->skb->priority, session->pad, length, &payload);
	if (WARN_ON_ONCE(len < 0)) {
		iosm_mux_recycle(mux, buffer);
		return false;
	}
	iosm_packet_write(packet, payload);
	buffer->sessions = BIT(id);
	buffer->share[id].packets = 1;
	buffer->share[id].bytes = length;
	if (mux->use_credits)
		session->credits -= length;
	session->touched = true;
	trace_iosm_mux_transfer(mux->modem->dev, true, 1, len);
	iosm_mux_post_data(mux, buffer, len);
	return true;
}

/*
 * Encodes as much of a packet as may be sent; true if nothing of it is left. If its
 * link wants the modem to be told, @more becomes false.
 */
static bool iosm_mux_encode(struct iosm_mux *mux, struct iosm_mux_session *session,
			    struct iosm_packet *packet, bool *more)
{
	u32 length, packets = 0, bytes = 0;
	bool encoded = true;

	while (encoded && (length = iosm_packet_next(packet))) {
		if (!iosm_mux_may_send(mux, session))
			break;
		if (mux->variant == IOSM_MUX_AGGR)
			encoded = iosm_mux_encode_aggr(mux, session, packet, length);
		else
			encoded = iosm_mux_encode_lite(mux, session, packet, length);
		if (encoded) {
			session->outstanding += length;
			bytes += length;
			packets++;
		}
	}
	mux->stats.ul_datagrams += packets;
	if (packets && mux->ops->sent(session->link, packets, bytes, *more))
		*more = false;
	return !length;
}

/* Lite: tells the modem what still waits behind a burst (protocol.rst 5.8). */
static void iosm_mux_post_levels(struct iosm_mux *mux)
{
	u8 s;

	for (s = 0; s < IOSM_MUX_SESSIONS; s++) {
		struct iosm_mux_session *session = &mux->sessions[s];
		struct iosm_mux_buffer *buffer;
		int len;

		if (!session->touched || !session->link || session->flow_mask)
			continue;
		if (!mux->use_credits && mux->pending < LEVEL_PENDING)
			continue;
		buffer = iosm_mux_get_command(mux, COMMAND_BUFFERS / 2);
		if (!buffer)
			return;
		session->touched = false;
		len = iosm_mux_wire_qlth(buffer->data, COMMAND_STRIDE, s,
					 iosm_mux_level(mux, session));
		iosm_mux_post(mux, buffer, len);
		mux->stats.ul_levels++;
	}
}

/*
 * Gives to the modem what is worth it: at once while it has little to do, in
 * batches while it has enough. A completion comes back here, so that nothing is
 * left behind.
 */
static void iosm_mux_flush(struct iosm_mux *mux)
{
	unsigned int unrung;

	lockdep_assert_held(&mux->tx_lock);
	if (mux->block_buffer &&
	    (mux->in_flight < IN_FLIGHT_EAGER || mux->block.count >= mux->batch))
		iosm_mux_post_block(mux);

	unrung = iosm_mux_unrung(mux);
	if (!unrung)
		return;
	if (mux->variant == IOSM_MUX_LITE) {
		if (iosm_pipe_posted(mux->channel.ul) - unrung >= IN_FLIGHT_EAGER &&
		    unrung < mux->batch)
			return;
		iosm_mux_post_levels(mux);
	}
	iosm_mux_ring(mux);
}

static void iosm_mux_stop_link(struct iosm_mux *mux, struct iosm_mux_session *session)
{
	if (session->stopped)
		return;
	session->stopped = true;
	mux->ops->stop(session->link);
}

/* Lets a stopped session go on if it can, the held packet first. */
static void iosm_mux_resume_link(struct iosm_mux *mux, struct iosm_mux_session *session)
{
	struct sk_buff *skb = session->held.skb;
	bool more = false;

	if (!session->stopped || !iosm_mux_may_send(mux, session))
		return;

	if (skb) {
		if (!iosm_mux_encode(mux, session, &session->held, &more))
			return;
		session->held.skb = NULL;
		dev_consume_skb_any(skb);
		if (!iosm_mux_may_send(mux, session))
			return;
	}
	session->stopped = false;
	mux->ops->wake(session->link);
}

/* All links, beginning with another one each time (Q84). */
static void iosm_mux_resume_all(struct iosm_mux *mux)
{
	u8 i;

	lockdep_assert_held(&mux->tx_lock);
	if (mux->congested && mux->pending >= PENDING_LOW)
		return;
	mux->congested = false;
	iosm_mux_update_share(mux);
	for (i = 0; i < IOSM_MUX_SESSIONS; i++) {
		u8 s = (mux->wake_next + i) % IOSM_MUX_SESSIONS;

		iosm_mux_resume_link(mux, &mux->sessions[s]);
	}
	mux->wake_next = (mux->wake_next + 1) % IOSM_MUX_SESSIONS;
}

/* Takes over a packet; 0 unless it has to be dropped. */
static int iosm_mux_accept(struct iosm_mux *mux, struct iosm_mux_session *session,
			   struct iosm_packet *packet, bool *more)
{
	bool idle;

	lockdep_assert_held(&mux->tx_lock);
	if (!session->link)
		return -ENOLINK;
	/* The first segment of a super-packet is the longest. */
	if (iosm_packet_next(packet) >
	    iosm_mux_wire_max_datagram(mux->variant, session->pad))
		return -EMSGSIZE;
	if (session->held.skb)
		return -ENOBUFS;

	idle = !session->outstanding;
	if (!iosm_mux_encode(mux, session, packet, more)) {
		session->held = *packet;
		mux->stats.ul_held++;
		session->stopped = true;
		mux->ops->stop(session->link);
	} else if (!iosm_mux_may_send(mux, session)) {
		iosm_mux_stop_link(mux, session);
	}
	/* From now on it shares with the others, and they with it. */
	if (idle)
		iosm_mux_update_share(mux);
	return 0;
}

/**
 * iosm_mux_send() - send a packet
 * @mux: the multiplexer
 * @session: 0 to 7
 * @skb: IP packet, possibly in fragments, possibly with its checksum to be made,
 *	possibly a super-packet; owned by the callee in any case
 * @more: another packet of this link follows at once; it is never followed by
 *	nothing
 *
 * Implements protocol.rst 5.4, 5.5.4, 5.8 and 5.9.
 *
 * Context: softirqs off (ndo_start_xmit), any CPU; one call at a time for a session.
 * Return: 0 if the packet is, or will be, sent. A negative errno if it was dropped:
 * -ENOLINK if the session is not open, -EMSGSIZE if it fits no buffer, -EINVAL if it
 * is empty, -ENOBUFS if the link was not to send.
 */
int iosm_mux_send(struct iosm_mux *mux, u8 session, struct sk_buff *skb, bool more)
{
	struct iosm_packet packet;
	struct iosm_mux_session *s;
	bool held = false;
	int ret;

	s = &mux->sessions[array_index_nospec(session, IOSM_MUX_SESSIONS)];
	ret = iosm_packet_begin(&packet, skb);

	spin_lock(&mux->tx_lock);
	if (!ret)
		ret = iosm_mux_accept(mux, s, &packet, &more);
	held = !ret && s->held.skb == skb;
	/* Nobody follows a packet that stopped its link, or one that failed. */
	if (s->link && (ret || !more || s->stopped))
		iosm_mux_flush(mux);
	spin_unlock(&mux->tx_lock);

	if (ret)
		kfree_skb(skb);
	else if (!held)
		consume_skb(skb);
	return ret;
}

static void iosm_mux_complete(struct iosm_mux *mux, struct iosm_mux_buffer *buffer,
			      u32 packets[IOSM_MUX_SESSIONS], u32 bytes[IOSM_MUX_SESSIONS])
{
	unsigned long sessions = buffer->sessions;
	unsigned int s;

	for_each_set_bit(s, &sessions, IOSM_MUX_SESSIONS) {
		packets[s] += buffer->share[s].packets;
		bytes[s] += buffer->share[s].bytes;
	}
	if (buffer->is_data) {
		mux->pending -= buffer->wire;
		mux->in_flight--;
	}
	iosm_mux_recycle(mux, buffer);
}

static void iosm_mux_poll_ul(struct iosm_channel *channel)
{
	u32 packets[IOSM_MUX_SESSIONS] = {};
	u32 bytes[IOSM_MUX_SESSIONS] = {};
	struct iosm_mux *mux = channel->ctx;
	int completed;
	u8 s;

	spin_lock(&mux->tx_lock);
	completed = iosm_channel_completed(channel, channel->ul);
	if (completed <= 0)
		goto unlock;

	while (completed--) {
		struct iosm_pipe_done done;

		/* The status of an uplink transfer changes nothing (10.6.4 T6). */
		iosm_pipe_take(channel->ul, &done);
		iosm_mux_complete(mux, done.slot.cookie, packets, bytes);
	}
	for (s = 0; s < IOSM_MUX_SESSIONS; s++) {
		struct iosm_mux_session *session = &mux->sessions[s];

		if (!packets[s] || !session->link)
			continue;
		session->outstanding -= bytes[s];
		mux->ops->completed(session->link, packets[s], bytes[s]);
	}
	iosm_mux_resume_all(mux);
	iosm_mux_flush(mux);
unlock:
	spin_unlock(&mux->tx_lock);
}

/* Commands */

static void iosm_mux_reply_posted(struct iosm_mux *mux, struct iosm_mux_buffer *buffer,
				  int len)
{
	if (WARN_ON_ONCE(len < 0)) {
		iosm_mux_recycle(mux, buffer);
		return;
	}
	iosm_mux_post(mux, buffer, len);
	iosm_channel_ring_ul(&mux->channel, IOSM_HEAD_MUX_UL);
}

static void iosm_mux_set_flow(struct iosm_mux *mux, struct iosm_mux_session *session,
			      u32 mask)
{
	if (mask == IOSM_MUX_FLOW_STOP) {
		mux->stats.flow_stops++;
		session->flow_mask = mask;
		iosm_mux_stop_link(mux, session);
		if (mux->block_buffer)
			iosm_mux_post_block(mux);
		iosm_mux_flush(mux);
	} else if (mask == IOSM_MUX_FLOW_RESUME) {
		mux->stats.flow_resumes++;
		session->flow_mask = 0;
		iosm_mux_resume_link(mux, session);
		iosm_mux_flush(mux);
	}
}

static void iosm_mux_flow(struct iosm_mux *mux, const struct iosm_mux_command *command)
{
	struct iosm_mux_session *session = &mux->sessions[command->session];
	struct iosm_mux_buffer *buffer;
	int len;

	/* A closed session has no state; the modem gets its answer all the same (M37). */
	if (session->link)
		iosm_mux_set_flow(mux, session, command->flow_mask);

	buffer = iosm_mux_get_command(mux, COMMAND_RESERVE);
	if (!buffer) {
		mux->stats.replies_dropped++;
		return;
	}
	len = iosm_mux_wire_flow_ack(mux->variant, &mux->counters, command->session,
				     command->tid, buffer->data, COMMAND_STRIDE);
	iosm_mux_reply_posted(mux, buffer, len);
}

static void iosm_mux_link_report(struct iosm_mux *mux,
				 const struct iosm_mux_command *command)
{
	struct iosm_mux_buffer *buffer = iosm_mux_get_command(mux, COMMAND_RESERVE);
	int len;

	if (!buffer) {
		mux->stats.replies_dropped++;
		return;
	}
	len = iosm_mux_wire_link_response(mux->variant, &mux->counters, command->session,
					  command->tid, buffer->data, COMMAND_STRIDE);
	iosm_mux_reply_posted(mux, buffer, len);
}

/* Opens the session of an answer that was waited for, unless it says no. */
static int iosm_mux_opened(struct iosm_mux *mux, const struct iosm_mux_command *command)
{
	struct iosm_mux_session *session = &mux->sessions[command->session];
	int pad;

	if (command->result)
		return -ECONNREFUSED;
	pad = iosm_mux_wire_ul_pad(mux->variant, command->ul_pad);
	if (pad < 0)
		return -EPROTO;

	memset(session, 0, sizeof(*session));
	session->pad = pad;
	session->link = mux->waiting.link;
	WRITE_ONCE(mux->known_pad[command->session], pad);
	WRITE_ONCE(mux->open_sessions, mux->open_sessions | BIT(command->session));
	return 0;
}

static void iosm_mux_answer(struct iosm_mux *mux, const struct iosm_mux_command *command)
{
	struct iosm_mux_waiting *waiting = &mux->waiting;

	if (!waiting->armed || waiting->kind != command->kind ||
	    waiting->session != command->session || waiting->tid != command->tid) {
		mux->stats.late_answers++;
		return;
	}
	waiting->armed = false;
	if (command->kind == IOSM_MUX_CMD_OPEN_RESPONSE)
		waiting->error = iosm_mux_opened(mux, command);
	else
		waiting->error = command->result ? -EREMOTEIO : 0;
	complete(&waiting->done);
}

static void iosm_mux_command(void *ctx, const struct iosm_mux_command *command)
{
	struct iosm_mux *mux = ctx;

	trace_iosm_mux_command(mux->modem->dev, command->kind, command->session,
			       command->tid);
	spin_lock(&mux->tx_lock);
	switch (command->kind) {
	case IOSM_MUX_CMD_OPEN_RESPONSE:
	case IOSM_MUX_CMD_CLOSE_RESPONSE:
		iosm_mux_answer(mux, command);
		break;
	case IOSM_MUX_CMD_FLOW:
		iosm_mux_flow(mux, command);
		break;
	case IOSM_MUX_CMD_LINK_REPORT:
		iosm_mux_link_report(mux, command);
		break;
	}
	spin_unlock(&mux->tx_lock);
}

static void iosm_mux_credits(void *ctx, u8 id, u32 bytes)
{
	struct iosm_mux *mux = ctx;
	struct iosm_mux_session *session;

	session = &mux->sessions[array_index_nospec(id, IOSM_MUX_SESSIONS)];

	spin_lock(&mux->tx_lock);
	if (mux->use_credits && session->link) {
		/* Saturates: more than 4 GiB ahead makes no difference (Q48). */
		if (bytes > U32_MAX - session->credits)
			session->credits = U32_MAX;
		else
			session->credits += bytes;
		iosm_mux_resume_link(mux, session);
		iosm_mux_flush(mux);
	}
	spin_unlock(&mux->tx_lock);
}

/* Downlink data */

static struct sk_buff *iosm_mux_copied_skb(struct iosm_mux *mux, const void *data,
					   u32 length)
{
	struct sk_buff *skb = napi_alloc_skb(&mux->modem->napi, length);

	if (skb) {
		skb_put_data(skb, data, length);
		mux->stats.dl_copied++;
	}
	return skb;
}

/* Copies the headers; the rest stays where it is, with one more reference. */
static struct sk_buff *iosm_mux_frag_skb(struct iosm_mux *mux, const void *data,
					 u32 offset, u32 length)
{
	struct sk_buff *skb = napi_alloc_skb(&mux->modem->napi, HEADER_ROOM);
	u32 headers;

	if (!skb)
		return NULL;
	/* Measured on the copy: the modem may still write to the page. */
	memcpy(skb->data, data, HEADER_ROOM);
	headers = iosm_mux_wire_headers(skb->data, HEADER_ROOM);
	skb_put(skb, headers);

	page_pool_ref_page(mux->rx_page);
	/* The truesize is added when it is known who shares the buffer. */
	skb_add_rx_frag(skb, 0, mux->rx_page, mux->rx_offset + offset + headers,
			length - headers, 0);
	skb_mark_for_recycle(skb);
	return skb;
}

static void iosm_mux_datagram(void *ctx, u8 session, u8 service_class, u32 offset,
			      u32 length)
{
	struct iosm_mux *mux = ctx;
	struct sk_buff *skb;
	const void *data;
	u8 version;

	data = page_address(mux->rx_page) + mux->rx_offset + offset;
	if (length <= COPY_BREAK || mux->rx_copy)
		skb = iosm_mux_copied_skb(mux, data, length);
	else
		skb = iosm_mux_frag_skb(mux, data, offset, length);
	if (unlikely(!skb)) {
		mux->stats.dl_no_memory++;
		mux->ops->receive_error(mux->ctx, session, true);
		return;
	}

	version = iosm_mux_wire_ip_version(skb->data[0], length);
	if (unlikely(!version)) {
		mux->stats.dl_bad_ip++;
		mux->ops->receive_error(mux->ctx, session, false);
		kfree_skb(skb);
		return;
	}

	skb->protocol = version == 4 ? htons(ETH_P_IP) : htons(ETH_P_IPV6);
	skb->priority = service_class;
	skb_reset_mac_header(skb);
	skb_reset_network_header(skb);
	skb->cb[0] = session;
	__skb_queue_tail(&mux->rx_list, skb);
}

static const struct iosm_mux_decoder_ops iosm_mux_decoder_ops = {
	.datagram = iosm_mux_datagram,
	.command = iosm_mux_command,
	.credits = iosm_mux_credits,
};

/*
 * Delivers the datagrams of a transfer. Those that keep the buffer pay for what they
 * refer to, and share out what nobody refers to.
 */
static unsigned int iosm_mux_deliver(struct iosm_mux *mux)
{
	unsigned int delivered = skb_queue_len(&mux->rx_list);
	u32 rest = mux->channel.config->buffer_size;
	unsigned int sharing = 0;
	struct sk_buff *skb;

	skb_queue_walk(&mux->rx_list, skb) {
		sharing += skb_is_nonlinear(skb);
		/* A modem may have the same bytes delivered twice. */
		rest -= min(rest, skb->data_len);
	}
	if (sharing)
		rest /= sharing;

	while ((skb = __skb_dequeue(&mux->rx_list))) {
		u8 session = skb->cb[0];

		skb->cb[0] = 0;
		if (skb_is_nonlinear(skb))
			skb->truesize += skb->data_len + rest;
		mux->ops->receive(mux->ctx, session, skb);
	}
	mux->stats.dl_datagrams += delivered;
	return delivered;
}

/* Handles one transfer; returns what it counts for in the budget of the poll. */
static unsigned int iosm_mux_receive(struct iosm_mux *mux,
				     const struct iosm_pipe_done *done)
{
	u32 buffer_size = mux->channel.config->buffer_size;
	unsigned int delivered = 0;

	mux->rx_page = done->slot.cookie;
	mux->rx_offset = done->slot.dma - page_pool_get_dma_addr(mux->rx_page);
	mux->stats.dl_transfers++;
	mux->stats.dl_bytes += done->size;

	if (unlikely(done->error)) {
		mux->stats.dl_bad_td++;
	} else {
		/* Small datagrams of Lite are below the copy break anyway. */
		mux->rx_copy = mux->variant == IOSM_MUX_AGGR &&
			       done->size < buffer_size / SPARSE_FRACTION;
		page_pool_dma_sync_for_cpu(mux->pool, mux->rx_page, mux->rx_offset,
					   done->size);
		iosm_mux_wire_decode(mux->variant, READ_ONCE(mux->open_sessions),
				     page_address(mux->rx_page) + mux->rx_offset,
				     done->size, &iosm_mux_decoder_ops, mux,
				     &mux->stats.defects);
		delivered = iosm_mux_deliver(mux);
	}

	trace_iosm_mux_transfer(mux->modem->dev, false, delivered, done->size);
	page_pool_put_full_page(mux->pool, mux->rx_page, true);
	mux->rx_page = NULL;
	return max(delivered, 1U);
}

/* Posts buffers until the ring is full; false if memory was short. */
static bool iosm_mux_refill(struct iosm_mux *mux)
{
	u32 size = mux->channel.config->buffer_size;
	bool whole = size == PAGE_SIZE << get_order(size);
	struct iosm_pipe *dl = mux->channel.dl;

	while (iosm_pipe_room(dl)) {
		unsigned int offset = 0;
		struct page *page;

		if (whole)
			page = page_pool_dev_alloc_pages(mux->pool);
		else
			page = page_pool_dev_alloc_frag(mux->pool, &offset, size);
		if (!page)
			return false;
		iosm_pipe_post(dl, page_pool_get_dma_addr(page) + offset, size, page);
	}
	return true;
}

/* Buffers that the modem was told of and has not used */
static unsigned int iosm_mux_known_buffers(struct iosm_mux *mux)
{
	const struct iosm_pipe *dl = mux->channel.dl;
	unsigned int posted = iosm_pipe_posted(dl);
	unsigned int unknown = iosm_ring_distance(dl->rung, dl->head, dl->entries);

	return posted - min(unknown, posted);
}

static enum hrtimer_restart iosm_mux_refill_timeout(struct hrtimer *timer)
{
	struct iosm_mux *mux = container_of(timer, struct iosm_mux, refill_timer);

	iosm_modem_poll_soon(mux->modem);
	return HRTIMER_NORESTART;
}

static int iosm_mux_poll_dl(struct iosm_channel *channel, int budget)
{
	unsigned int watermark = channel->config->dl_entries / 2;
	struct iosm_mux *mux = channel->ctx;
	struct iosm_pipe_done done;
	int completed, work = 0;

	completed = iosm_channel_completed(channel, channel->dl);

	rcu_read_lock();
	while (completed && work < budget) {
		iosm_pipe_take(channel->dl, &done);
		work += iosm_mux_receive(mux, &done);
		completed--;
	}
	rcu_read_unlock();

	if (!iosm_mux_refill(mux)) {
		mux->stats.dl_refill_failed++;
		/* The modem may have too few to interrupt us again. */
		if (iosm_pipe_posted(channel->dl) < watermark)
			hrtimer_start(&mux->refill_timer, REFILL_RETRY,
				      HRTIMER_MODE_REL_SOFT);
	}
	if (iosm_mux_known_buffers(mux) < watermark) {
		mux->stats.dl_doorbells++;
		iosm_channel_ring_dl(channel, IOSM_HEAD_MUX_DL);
	}

	if (!completed)
		return min(work, budget);
	/* Packets of a link that is removed must not wait for the next poll. */
	napi_gro_flush(&mux->modem->napi, false);
	return budget;
}

static int iosm_mux_fill(struct iosm_channel *channel)
{
	struct iosm_mux *mux = channel->ctx;

	if (!iosm_mux_refill(mux) && !iosm_pipe_posted(channel->dl))
		return -ENOMEM;
	return 0;
}

static void iosm_mux_reclaim(struct iosm_channel *channel, struct iosm_pipe *pipe,
			     const struct iosm_pipe_slot *slot)
{
	struct iosm_mux *mux = channel->ctx;

	/* Uplink buffers are freed together, when the channel is closed (Q88). */
	if (pipe == channel->dl)
		page_pool_put_full_page(mux->pool, slot->cookie, false);
}

static const struct iosm_channel_ops iosm_mux_channel_ops = {
	.fill = iosm_mux_fill,
	.poll_ul = iosm_mux_poll_ul,
	.poll_dl = iosm_mux_poll_dl,
	.reclaim = iosm_mux_reclaim,
};

/* Sessions */

static int iosm_mux_open_channel(struct iosm_mux *mux)
{
	const struct iosm_channel_config *config = &mux->config;
	struct page_pool_params params = {
		.order = get_order(config->buffer_size),
		.flags = PP_FLAG_DMA_MAP | PP_FLAG_DMA_SYNC_DEV,
		.max_len = PAGE_SIZE << get_order(config->buffer_size),
		.pool_size = config->dl_entries,
		.nid = NUMA_NO_NODE,
		.dev = mux->modem->dev,
		.dma_dir = DMA_FROM_DEVICE,
	};
	int ret;

	mux->pool = page_pool_create(&params);
	if (IS_ERR(mux->pool))
		return PTR_ERR(mux->pool);
	ret = iosm_mux_alloc_buffers(mux);
	if (ret)
		goto err_destroy_pool;
	ret = iosm_channel_open(&mux->channel, mux->modem, config, &iosm_mux_channel_ops,
				mux);
	if (ret)
		goto err_free_buffers;
	return 0;

err_free_buffers:
	iosm_mux_free_buffers(mux);
err_destroy_pool:
	page_pool_destroy(mux->pool);
	return ret;
}

static void iosm_mux_close_channel(struct iosm_mux *mux)
{
	iosm_channel_close(&mux->channel);
	/* No poll any more that could start it again */
	hrtimer_cancel(&mux->refill_timer);

	mux->block_buffer = NULL;
	mux->in_flight = 0;
	mux->pending = 0;
	mux->congested = false;
	iosm_mux_free_buffers(mux);
	page_pool_destroy(mux->pool);
}

/* Sends a session command and arms the wait for its answer before that (Q34). */
static int iosm_mux_post_command(struct iosm_mux *mux, u8 session,
				 enum iosm_mux_command_kind answer, void *link)
{
	bool open = answer == IOSM_MUX_CMD_OPEN_RESPONSE;
	struct iosm_mux_waiting *waiting = &mux->waiting;
	struct iosm_mux_buffer *buffer;
	int len;

	lockdep_assert_held(&mux->command_lock);

	spin_lock_bh(&mux->tx_lock);
	buffer = iosm_mux_get_command(mux, 0);
	if (!buffer) {
		spin_unlock_bh(&mux->tx_lock);
		return -EBUSY;
	}
	if (open)
		len = iosm_mux_wire_open(mux->variant, &mux->counters, session,
					 buffer->data, COMMAND_STRIDE, &waiting->tid);
	else
		len = iosm_mux_wire_close(mux->variant, &mux->counters, session,
					  buffer->data, COMMAND_STRIDE, &waiting->tid);
	if (WARN_ON_ONCE(len < 0)) {
		iosm_mux_recycle(mux, buffer);
		spin_unlock_bh(&mux->tx_lock);
		return len;
	}
	reinit_completion(&waiting->done);
	waiting->kind = answer;
	waiting->session = session;
	waiting->link = link;
	waiting->error = 0;
	waiting->armed = true;
	iosm_mux_post(mux, buffer, len);
	iosm_channel_ring_ul(&mux->channel,
			     open ? IOSM_HEAD_MUX_URGENT : IOSM_HEAD_MUX_UL);
	spin_unlock_bh(&mux->tx_lock);
	return 0;
}

/* Nobody waits any more; true if the answer came after all. */
static bool iosm_mux_disarm(struct iosm_mux *mux)
{
	bool answered;

	spin_lock_bh(&mux->tx_lock);
	answered = !mux->waiting.armed;
	mux->waiting.armed = false;
	spin_unlock_bh(&mux->tx_lock);
	return answered;
}

static int iosm_mux_wait(struct iosm_mux *mux, bool interruptible)
{
	unsigned long timeout = msecs_to_jiffies(mux->timeout);
	struct completion *done = &mux->waiting.done;
	long left;

	if (interruptible)
		left = wait_for_completion_interruptible_timeout(done, timeout);
	else
		left = wait_for_completion_timeout(done, timeout);

	if (left > 0 || iosm_mux_disarm(mux))
		return mux->waiting.error;
	if (left < 0)
		return -EINTR;
	if (!iosm_modem_online(mux->modem))
		return -ENODEV;

	spin_lock_bh(&mux->tx_lock);
	mux->stats.timeouts++;
	spin_unlock_bh(&mux->tx_lock);
	iosm_modem_event(mux->modem, IOSM_EVENT_TIMEOUT);
	return -ETIMEDOUT;
}

static int iosm_mux_open_session(struct iosm_mux *mux, u8 session, void *link)
{
	int ret;

	ret = iosm_mux_post_command(mux, session, IOSM_MUX_CMD_OPEN_RESPONSE, link);
	if (ret)
		return ret;
	ret = iosm_mux_wait(mux, true);

	/*
	 * The modem may believe that the session is open: it was too slow, we gave
	 * up, or its wish for padding made us refuse. Its answer is not needed.
	 */
	if ((ret == -ETIMEDOUT || ret == -EINTR || ret == -EPROTO) &&
	    !iosm_mux_post_command(mux, session, IOSM_MUX_CMD_CLOSE_RESPONSE, NULL))
		iosm_mux_disarm(mux);
	return ret;
}

/**
 * iosm_mux_open() - open a session
 * @mux: the multiplexer
 * @session: 0 to 7, not open
 * @link: whom to call for it, not NULL
 *
 * Opens the channel first if no session is open. Packets may come in before the
 * return. Implements protocol.rst 5.6.6 and 5.6.7.
 *
 * Context: process, may sleep some seconds at most; RTNL may be held.
 * Return: 0; -ENODEV if the modem is not online; -EINTR after a signal;
 * -ETIMEDOUT if there was no answer; -ECONNREFUSED if the modem refused; -EPROTO if
 * it wants impossible padding; -EBUSY; -ENOMEM; or another error of the channel.
 * After an error the session is closed.
 */
int iosm_mux_open(struct iosm_mux *mux, u8 session, void *link)
{
	int ret = 0;

	mutex_lock(&mux->command_lock);
	if (!iosm_modem_online(mux->modem))
		ret = -ENODEV;
	else if (mux->open_sessions & BIT(session))
		ret = -EBUSY;
	else if (!mux->users)
		ret = iosm_mux_open_channel(mux);
	if (ret)
		goto unlock;

	ret = iosm_mux_open_session(mux, session, link);
	if (!ret)
		mux->users++;
	else if (!mux->users)
		iosm_mux_close_channel(mux);
unlock:
	mutex_unlock(&mux->command_lock);
	return ret;
}

/* Forgets everything of a session; nothing of it leaves any more (Q87). */
static void iosm_mux_forget_session(struct iosm_mux *mux, u8 id)
{
	struct iosm_mux_session *session = &mux->sessions[id];
	struct sk_buff *held;
	u32 dropped = 0;
	unsigned int i;

	spin_lock_bh(&mux->tx_lock);
	held = session->held.skb;
	if (held)
		dropped = iosm_packet_count(&session->held);
	WRITE_ONCE(mux->open_sessions, mux->open_sessions & ~BIT(id));
	if (mux->block_buffer)
		iosm_mux_block_forget(&mux->block, id);
	/* What is with the modem will complete, but not for this link. */
	for (i = 0; i < mux->buffer_count; i++)
		mux->buffers[i].sessions &= ~BIT(id);
	mux->ops->reset(session->link, dropped);
	memset(session, 0, sizeof(*session));
	iosm_mux_update_share(mux);
	spin_unlock_bh(&mux->tx_lock);

	kfree_skb(held);
}

/**
 * iosm_mux_close() - close a session
 * @mux: the multiplexer
 * @session: opened by iosm_mux_open()
 *
 * It is closed on our side in any case, also if the modem does not answer. Closes
 * the channel with the last session. Implements protocol.rst 5.6.6 and 5.6.7.
 *
 * Context: process, may sleep some seconds at most; RTNL may be held. No
 * iosm_mux_send() for this session at the same time or later.
 */
void iosm_mux_close(struct iosm_mux *mux, u8 session)
{
	int ret = -ENODEV;

	mutex_lock(&mux->command_lock);
	iosm_mux_forget_session(mux, session);
	if (iosm_modem_online(mux->modem))
		ret = iosm_mux_post_command(mux, session, IOSM_MUX_CMD_CLOSE_RESPONSE,
					    NULL);
	if (!ret)
		ret = iosm_mux_wait(mux, false);
	if (ret && ret != -ENODEV)
		dev_warn(mux->modem->dev, "closing session %u: %pe\n", session,
			 ERR_PTR(ret));

	if (!--mux->users)
		iosm_mux_close_channel(mux);
	mutex_unlock(&mux->command_lock);
}

/**
 * iosm_mux_max_mtu() - largest packet that can be sent
 * @mux: the multiplexer
 * @session: 0 to 7
 *
 * Before the first opening the padding that modems usually want is assumed.
 *
 * Context: any.
 * Return: bytes.
 */
u32 iosm_mux_max_mtu(struct iosm_mux *mux, u8 session)
{
	return iosm_mux_wire_max_datagram(mux->variant, READ_ONCE(mux->known_pad[session]));
}

/**
 * iosm_mux_flow_stopped() - has the modem stopped a session?
 * @mux: the multiplexer
 * @session: 0 to 7
 *
 * Context: any; the answer may change at any time.
 * Return: true after a flow-control stop, or while credits are used up.
 */
bool iosm_mux_flow_stopped(struct iosm_mux *mux, u8 session)
{
	struct iosm_mux_session *s = &mux->sessions[session];
	bool stopped;

	spin_lock_bh(&mux->tx_lock);
	stopped = s->flow_mask || (mux->use_credits && s->stopped);
	spin_unlock_bh(&mux->tx_lock);
	return stopped;
}

/**
 * iosm_mux_get_stats() - read the counters
 * @mux: the multiplexer
 * @stats: where to
 *
 * Those of the poll are read while it may run: on a 32-bit CPU a counter may be
 * wrong for a moment when its lower half wraps.
 *
 * Context: process or softirq.
 */
void iosm_mux_get_stats(struct iosm_mux *mux, struct iosm_mux_stats *stats)
{
	spin_lock_bh(&mux->tx_lock);
	*stats = mux->stats;
	spin_unlock_bh(&mux->tx_lock);
}

/**
 * iosm_mux_create() - make the multiplexer of a modem
 * @modem: the modem; online, its capabilities sampled
 * @ops: news for the caller
 * @ctx: for the ops that have no link
 *
 * Chooses the variant. Touches neither the modem nor its rings. Implements
 * protocol.rst 2.3 and 5.1.
 *
 * Context: process, may sleep.
 * Return: the multiplexer, or an ERR_PTR().
 */
struct iosm_mux *iosm_mux_create(struct iosm_modem *modem,
				 const struct iosm_mux_ops *ops, void *ctx)
{
	u32 aggr = IOSM_FW_CAP_UL_AGGR | IOSM_FW_CAP_DL_AGGR;
	struct iosm_mux *mux = kzalloc_obj(*mux);
	u8 s;

	if (!mux)
		return ERR_PTR(-ENOMEM);
	mux->modem = modem;
	mux->ops = ops;
	mux->ctx = ctx;
	mux->timeout = COMMAND_TIMEOUT;
	mux->variant = modem->fw_caps & aggr ? IOSM_MUX_AGGR : IOSM_MUX_LITE;
	/* Aggregation never uses credits up (Q45); the thresholds do the work. */
	mux->use_credits = mux->variant == IOSM_MUX_LITE &&
			   modem->fw_caps & IOSM_FW_CAP_UL_CREDITS;
	mux->config = mux->variant == IOSM_MUX_AGGR ? iosm_channel_mux_aggr :
						      iosm_channel_mux_lite;
	mux->batch = mux->variant == IOSM_MUX_AGGR ? BATCH_AGGR : BATCH_LITE;
	mux->share = PENDING_HIGH;
	mutex_init(&mux->command_lock);
	spin_lock_init(&mux->tx_lock);
	init_completion(&mux->waiting.done);
	__skb_queue_head_init(&mux->rx_list);
	hrtimer_setup(&mux->refill_timer, iosm_mux_refill_timeout, CLOCK_MONOTONIC,
		      HRTIMER_MODE_REL_SOFT);
	for (s = 0; s < IOSM_MUX_SESSIONS; s++)
		mux->known_pad[s] = mux->variant == IOSM_MUX_AGGR ? IOSM_MUX_DL_PAD : 0;
	return mux;
}

/**
 * iosm_mux_get_tuning() - read what can be tuned
 * @mux: the multiplexer
 * @tuning: where to
 *
 * Context: process, may sleep.
 */
void iosm_mux_get_tuning(struct iosm_mux *mux, struct iosm_mux_tuning *tuning)
{
	mutex_lock(&mux->command_lock);
	tuning->ul_backoff = mux->config.ul_backoff;
	tuning->dl_backoff = mux->config.dl_backoff;
	tuning->batch = READ_ONCE(mux->batch);
	tuning->ul_buffers = mux->variant == IOSM_MUX_AGGR ? DATA_BUFFERS_AGGR :
							     DATA_BUFFERS_LITE;
	tuning->dl_buffers = mux->config.dl_entries - 1;
	mutex_unlock(&mux->command_lock);
}

/**
 * iosm_mux_set_tuning() - change what can be tuned
 * @mux: the multiplexer
 * @tuning: as read before, with changes; the numbers of buffers are not looked at
 *
 * The modem is told the back-off of a pipe when the pipe is opened, which is when
 * the first session is (protocol.rst 3.4.2).
 *
 * Context: process, may sleep.
 * Return: 0; -ERANGE if a value is out of range; -EBUSY if a back-off would change
 * while a session is open. Nothing is changed then.
 */
int iosm_mux_set_tuning(struct iosm_mux *mux, const struct iosm_mux_tuning *tuning)
{
	int ret = 0;

	if (!tuning->batch || tuning->batch > IOSM_MUX_BATCH_MAX ||
	    tuning->ul_backoff > IOSM_MUX_BACKOFF_MAX ||
	    tuning->dl_backoff > IOSM_MUX_BACKOFF_MAX)
		return -ERANGE;

	mutex_lock(&mux->command_lock);
	if (mux->users && (tuning->ul_backoff != mux->config.ul_backoff ||
			   tuning->dl_backoff != mux->config.dl_backoff)) {
		ret = -EBUSY;
	} else {
		mux->config.ul_backoff = tuning->ul_backoff;
		mux->config.dl_backoff = tuning->dl_backoff;
		spin_lock_bh(&mux->tx_lock);
		WRITE_ONCE(mux->batch, tuning->batch);
		spin_unlock_bh(&mux->tx_lock);
	}
	mutex_unlock(&mux->command_lock);
	return ret;
}

/**
 * iosm_mux_nudge() - a link waits for too long
 * @mux: the multiplexer
 *
 * Gives all that is ready to the modem, rings whether or not that is news, and
 * looks for completions without an interrupt: a lost doorbell or interrupt delays,
 * and does not end, a link.
 *
 * Context: softirq.
 */
void iosm_mux_nudge(struct iosm_mux *mux)
{
	spin_lock(&mux->tx_lock);
	if (mux->open_sessions) {
		if (mux->block_buffer)
			iosm_mux_post_block(mux);
		mux->stats.ul_nudges++;
		iosm_channel_ring_again(&mux->channel, IOSM_HEAD_MUX_UL);
	}
	spin_unlock(&mux->tx_lock);
	iosm_modem_poll_soon(mux->modem);
}

#if IS_ENABLED(CONFIG_IOSM_KUNIT_TEST)
/* For the unit tests: how long to wait for an answer, milliseconds, 0 = as usual */
void iosm_mux_set_timeout(struct iosm_mux *mux, unsigned int timeout)
{
	mux->timeout = timeout ?: COMMAND_TIMEOUT;
}
#endif

/**
 * iosm_mux_destroy() - free the multiplexer
 * @mux: no session is open
 *
 * Context: process, may sleep.
 */
void iosm_mux_destroy(struct iosm_mux *mux)
{
	WARN_ON(mux->users);
	mutex_destroy(&mux->command_lock);
	kfree(mux);
}
