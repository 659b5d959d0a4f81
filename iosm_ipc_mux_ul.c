// SPDX-License-Identifier: GPL-2.0-only
/*
 * IP multiplexer, uplink: buffers, blocks, flow control, sharing.
 */

#include <linux/dma-mapping.h>
#include <linux/gfp.h>
#include <linux/jiffies.h>
#include <linux/nospec.h>
#include <linux/slab.h>

#include "iosm_ipc_mux_parts.h"

#define CHUNK_ORDER		get_order(IOSM_MUX_BLOCK_SIZE)
#define CHUNK_SIZE		(PAGE_SIZE << CHUNK_ORDER)

/*
 * Bytes on their way above which all links stop, and below which they go on
 * (protocol.rst 5.8 (b)). The byte queue limits of a link find out how much of this
 * is of use; this is only the bound for all.
 */
#define PENDING_HIGH		196608
#define PENDING_LOW		(PENDING_HIGH / 2)

/* What links that compete may have on their way together, bytes */
#define CAPACITY_MAX		(PENDING_HIGH / 8 * 7)
#define CAPACITY_MIN		(IOSM_MUX_SESSIONS * 1024)
/* Packets in a batch: Aggregation ends a block by size, Lite rings for every 64 */
#define BATCH_AGGR		IOSM_MUX_BLOCK_DATAGRAMS
#define BATCH_LITE		64
/* Lite: bytes on their way from which queue levels are reported */
#define LEVEL_PENDING		10240

/* A modem that completes nothing for so long after the first complaint is stuck. */
#define STUCK_FOR		(5 * HZ)

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

/**
 * iosm_mux_ul_put() - give a buffer back
 * @mux: the multiplexer
 * @buffer: not posted
 *
 * Context: softirqs off; tx_lock held.
 */
void iosm_mux_ul_put(struct iosm_mux *mux, struct iosm_mux_buffer *buffer)
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
	return mux->free_data && iosm_pipe_room(mux->channel.ul) > IOSM_MUX_COMMAND_RESERVE;
}

/**
 * iosm_mux_ul_post() - post a buffer, without ringing
 * @mux: the multiplexer; the ring has room
 * @buffer: comes back with the completion
 * @len: bytes to send
 *
 * Context: softirqs off; tx_lock held.
 */
void iosm_mux_ul_post(struct iosm_mux *mux, struct iosm_mux_buffer *buffer, u32 len)
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
	iosm_mux_ul_post(mux, buffer, len);
}

/**
 * iosm_mux_ul_get_command() - take a command buffer, if the ring has room for it
 * @mux: the multiplexer
 * @keep: leave so many for others
 *
 * Context: softirqs off; tx_lock held.
 * Return: a buffer of IOSM_MUX_COMMAND_STRIDE bytes, or NULL.
 */
struct iosm_mux_buffer *iosm_mux_ul_get_command(struct iosm_mux *mux, unsigned int keep)
{
	lockdep_assert_held(&mux->tx_lock);
	/* An open block has a buffer, and must find a place in the ring for it. */
	if (mux->commands_free <= keep ||
	    iosm_pipe_room(mux->channel.ul) <= (mux->block_buffer ? 1 : 0))
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

	mux->buffer_count = mux->variant == IOSM_MUX_AGGR ? IOSM_MUX_AGGR_BUFFERS :
							    IOSM_MUX_LITE_BUFFERS;
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
	for (i = 0; i < IOSM_MUX_COMMAND_BUFFERS; i++) {
		struct iosm_mux_buffer *buffer = &mux->commands[i];

		buffer->data = page_address(mux->command_page) + i * IOSM_MUX_COMMAND_STRIDE;
		buffer->dma = mux->command_dma + i * IOSM_MUX_COMMAND_STRIDE;
		buffer->is_data = false;
		iosm_mux_push(&mux->free_commands, buffer);
		mux->commands_free++;
	}
	return 0;
}

/**
 * iosm_mux_ul_open() - allocate and map the uplink buffers
 * @mux: the multiplexer, its channel closed
 *
 * Context: process, may sleep; command_lock held.
 * Return: 0 or -ENOMEM.
 */
int iosm_mux_ul_open(struct iosm_mux *mux)
{
	int ret;

	mux->stuck = false;
	ret = iosm_mux_alloc_commands(mux);
	if (!ret)
		ret = iosm_mux_alloc_data(mux);
	if (ret)
		iosm_mux_free_buffers(mux);
	return ret;
}

/**
 * iosm_mux_ul_close() - free the uplink buffers and forget what was on its way
 * @mux: the multiplexer, its channel closed: neither modem nor poll know it any more
 *
 * Context: process, may sleep; command_lock held.
 */
void iosm_mux_ul_close(struct iosm_mux *mux)
{
	mux->block_buffer = NULL;
	mux->in_flight = 0;
	mux->pending = 0;
	mux->congested = false;
	iosm_mux_free_buffers(mux);
}

/**
 * iosm_mux_ul_init() - initialise what does not depend on the channel
 * @mux: the multiplexer, its variant chosen
 *
 * Context: process.
 */
void iosm_mux_ul_init(struct iosm_mux *mux)
{
	spin_lock_init(&mux->tx_lock);
	mux->batch = mux->variant == IOSM_MUX_AGGR ? BATCH_AGGR : BATCH_LITE;
	mux->capacity = CAPACITY_MAX;
	mux->share = U32_MAX;
}

/* Uplink data */

/* Nothing but the size of its next packet keeps a session from sending it. */
static bool iosm_mux_may_send(struct iosm_mux *mux, const struct iosm_mux_session *session)
{
	return session->link && !session->flow_mask && !mux->congested &&
	       session->outstanding < mux->share &&
	       (!mux->use_credits || session->credits) &&
	       (mux->block_buffer || iosm_mux_data_room(mux));
}

/* Has a session a use for its part of the pipe, also if all it sent has completed? */
static bool iosm_mux_competes(struct iosm_mux *mux, const struct iosm_mux_session *session)
{
	u32 wanted = session->held.skb ? iosm_packet_next(&session->held) : 1;

	if (session->outstanding)
		return true;
	if (!session->link || session->flow_mask ||
	    (mux->use_credits && session->credits < wanted))
		return false;
	return session->held.skb || mux->ops->backlog(session->link);
}

/*
 * One link may use all of the pipe. What several get together stays below the
 * threshold of congestion, which stops all of them, whoever has how much; and, if
 * buffers ran out before, below what was on its way then.
 */
static void iosm_mux_update_share(struct iosm_mux *mux)
{
	unsigned int competing = 0;
	u32 outstanding = 0;
	u8 s;

	lockdep_assert_held(&mux->tx_lock);
	for (s = 0; s < IOSM_MUX_SESSIONS; s++) {
		competing += iosm_mux_competes(mux, &mux->sessions[s]);
		outstanding += mux->sessions[s].outstanding;
	}
	if (mux->starved)
		mux->capacity = outstanding - outstanding / 8;
	else
		mux->capacity += mux->capacity / 64;
	mux->capacity = clamp(mux->capacity, CAPACITY_MIN, CAPACITY_MAX);
	mux->starved = false;

	mux->share = competing > 1 ? mux->capacity / competing : U32_MAX;
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
		iosm_mux_ul_put(mux, buffer);
		return;
	}
	trace_iosm_mux_transfer(mux->modem->dev, true, mux->block.count, len);
	idle = iosm_pipe_posted(mux->channel.ul) == iosm_pipe_unrung(mux->channel.ul);
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
		if (!iosm_mux_data_room(mux)) {
			mux->starved = true;
			return false;
		}
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
	buffer = iosm_mux_pop(&mux->free_data);
	len = iosm_mux_wire_adgh(buffer->data, IOSM_MUX_LITE_SIZE, id,
				 packet->skb->priority, session->pad, length, &payload);
	if (WARN_ON_ONCE(len < 0)) {
		iosm_mux_ul_put(mux, buffer);
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
		if (!iosm_mux_may_send(mux, session)) {
			mux->starved |= !iosm_mux_data_room(mux);
			break;
		}
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
		buffer = iosm_mux_ul_get_command(mux, IOSM_MUX_COMMAND_BUFFERS / 2);
		if (!buffer)
			return;
		session->touched = false;
		len = iosm_mux_wire_qlth(buffer->data, IOSM_MUX_COMMAND_STRIDE, s,
					 iosm_mux_level(mux, session));
		iosm_mux_ul_post(mux, buffer, len);
		mux->stats.ul_levels++;
	}
}

/*
 * A doorbell is worth it for half as much as the modem knows of already: an idle
 * modem hears of each transfer, a busy one of few batches, and it never comes to the
 * end of what it knows while much more waits.
 */
static bool iosm_mux_worth_ringing(struct iosm_mux *mux)
{
	unsigned int unrung = iosm_pipe_unrung(mux->channel.ul);
	unsigned int known = iosm_pipe_posted(mux->channel.ul) - unrung;

	return unrung && (2 * unrung >= known || unrung >= mux->batch);
}

/*
 * Gives to the modem what is worth it: at once while it has little to do, in
 * batches while it has enough. A completion comes back here, so that nothing is
 * left behind.
 */
static void iosm_mux_flush(struct iosm_mux *mux)
{
	lockdep_assert_held(&mux->tx_lock);
	if (mux->block_buffer &&
	    (!mux->in_flight || mux->block.count >= mux->batch))
		iosm_mux_post_block(mux);

	if (!iosm_mux_worth_ringing(mux))
		return;
	if (mux->variant == IOSM_MUX_LITE)
		iosm_mux_post_levels(mux);
	iosm_mux_ring(mux);
}

static void iosm_mux_stop_link(struct iosm_mux *mux, struct iosm_mux_session *session)
{
	if (session->stopped)
		return;
	session->stopped = true;
	mux->ops->stop(session->link);
}

/* Lets a stopped session go on if it can, the held packet first; true if it did. */
static bool iosm_mux_resume_link(struct iosm_mux *mux, struct iosm_mux_session *session)
{
	struct sk_buff *skb = session->held.skb;
	bool more = false;

	if (!session->stopped || !iosm_mux_may_send(mux, session))
		return false;
	/* In runs, not one by one: neighbours in a block are cheaper to handle. */
	if (session->outstanding > mux->share / 2)
		return false;

	if (skb) {
		if (!iosm_mux_encode(mux, session, &session->held, &more))
			return true;
		session->held.skb = NULL;
		dev_consume_skb_any(skb);
		if (!iosm_mux_may_send(mux, session))
			return true;
	}
	session->stopped = false;
	mux->ops->wake(session->link);
	return true;
}

/* All links, beginning with the one behind the one that was first before (Q84). */
static void iosm_mux_resume_all(struct iosm_mux *mux)
{
	bool first = true;
	u8 next = mux->wake_next;
	u8 i;

	lockdep_assert_held(&mux->tx_lock);
	if (mux->congested && mux->pending >= PENDING_LOW)
		return;
	mux->congested = false;
	iosm_mux_update_share(mux);
	for (i = 0; i < IOSM_MUX_SESSIONS; i++) {
		u8 s = (next + i) % IOSM_MUX_SESSIONS;

		if (iosm_mux_resume_link(mux, &mux->sessions[s]) && first) {
			mux->wake_next = (s + 1) % IOSM_MUX_SESSIONS;
			first = false;
		}
	}
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
	bool held;
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
	iosm_mux_ul_put(mux, buffer);
}

/**
 * iosm_mux_ul_poll() - take back completed transfers, let links go on
 * @channel: the data channel
 *
 * Implements protocol.rst 5.10.
 *
 * Context: softirq, from the poll.
 */
void iosm_mux_ul_poll(struct iosm_channel *channel)
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
	mux->stuck = false;

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

/* Flow control */

/**
 * iosm_mux_ul_set_flow() - the modem stops a session, or lets it go on
 * @mux: the multiplexer
 * @session: open
 * @mask: IOSM_MUX_FLOW_STOP or IOSM_MUX_FLOW_RESUME; others do nothing
 *
 * Implements protocol.rst 5.8 (a).
 *
 * Context: softirqs off; tx_lock held.
 */
void iosm_mux_ul_set_flow(struct iosm_mux *mux, struct iosm_mux_session *session,
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

/**
 * iosm_mux_ul_credits() - the modem grants credits
 * @ctx: the multiplexer
 * @id: session, 0 to 7
 * @bytes: how many more may be sent
 *
 * Implements protocol.rst 5.8 (c).
 *
 * Context: softirq, from the decoder.
 */
void iosm_mux_ul_credits(void *ctx, u8 id, u32 bytes)
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

/**
 * iosm_mux_ul_forget() - forget everything of a session
 * @mux: the multiplexer
 * @id: an open session; closed afterwards
 *
 * What is in the open block is posted, in front of the command that closes the
 * session; nothing leaves the host later (Q87).
 *
 * Context: process.
 */
void iosm_mux_ul_forget(struct iosm_mux *mux, u8 id)
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
	/* The session is still open for the modem: send what was accepted. */
	if (mux->block_buffer)
		iosm_mux_post_block(mux);
	/* What is with the modem will complete, but not for this link. */
	for (i = 0; i < mux->buffer_count; i++)
		mux->buffers[i].sessions &= ~BIT(id);
	mux->ops->reset(session->link, dropped);
	memset(session, 0, sizeof(*session));
	iosm_mux_update_share(mux);
	spin_unlock_bh(&mux->tx_lock);

	kfree_skb(held);
}

/* Several links may complain at the same time: what counts is for how long. */
static void iosm_mux_judge_stuck(struct iosm_mux *mux)
{
	lockdep_assert_held(&mux->tx_lock);
	/* Held back for other reasons, such as credits; or it is only the poll that is late. */
	if (!iosm_pipe_posted(mux->channel.ul) ||
	    iosm_channel_completed(&mux->channel, mux->channel.ul))
		return;
	if (!mux->stuck) {
		mux->stuck = true;
		mux->stuck_since = jiffies;
		iosm_modem_failure(mux->modem, "modem takes no packets");
	} else if (time_after(jiffies, mux->stuck_since + STUCK_FOR)) {
		iosm_modem_broken(mux->modem, "modem takes no packets");
	}
}

/**
 * iosm_mux_nudge() - a link waits for too long
 * @mux: the multiplexer
 *
 * Gives all that is ready to the modem, rings whether or not that is news, and
 * looks for completions without an interrupt: a lost doorbell or interrupt delays,
 * and does not end, a link. If that does not help for long, the session is over.
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
		iosm_mux_judge_stuck(mux);
	}
	spin_unlock(&mux->tx_lock);
	iosm_modem_poll_soon(mux->modem);
}
