// SPDX-License-Identifier: GPL-2.0-only
/*
 * IP multiplexer, downlink: buffers and packets.
 */

#include <linux/gfp.h>
#include <linux/skbuff.h>
#include <net/gro.h>
#include <net/page_pool/helpers.h>

#include "iosm_ipc_mux_parts.h"

#define COPY_BREAK		256	/* datagrams up to here are copied, bytes */
#define HEADER_ROOM		128	/* bytes of a packet that headers may take */
#define SPARSE_FRACTION		4	/* blocks filled less than 1/n are copied */
#define REFILL_RETRY		(2 * NSEC_PER_MSEC)

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

/**
 * iosm_mux_dl_datagram() - make a packet of a datagram
 * @ctx: the multiplexer
 * @session: open session
 * @service_class: becomes the priority
 * @offset: of the datagram in the transfer, bytes
 * @length: of the datagram, bytes; both checked by the decoder
 *
 * Context: softirq, from the decoder.
 */
void iosm_mux_dl_datagram(void *ctx, u8 session, u8 service_class, u32 offset,
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
				     done->size, mux->decoder, mux,
				     &mux->stats.defects);
		delivered = iosm_mux_deliver(mux);
	}

	trace_iosm_mux_transfer(mux->modem->dev, false, delivered, done->size);
	page_pool_put_full_page(mux->pool, mux->rx_page, true);
	mux->rx_page = NULL;
	return max(delivered, 1U);
}

/* Posts buffers until the ring is full; false if memory was short. */
static bool iosm_mux_refill(struct iosm_mux *mux, gfp_t gfp)
{
	u32 size = mux->channel.config->buffer_size;
	bool whole = size == PAGE_SIZE << get_order(size);
	struct iosm_pipe *dl = mux->channel.dl;

	while (iosm_pipe_room(dl)) {
		unsigned int offset = 0;
		struct page *page;

		if (whole)
			page = page_pool_alloc_pages(mux->pool, gfp);
		else
			page = page_pool_alloc_frag(mux->pool, &offset, size, gfp);
		if (!page)
			return false;
		iosm_pipe_post(dl, page_pool_get_dma_addr(page) + offset, size, page);
	}
	return true;
}

/* Tells a modem that knows of few buffers about new ones, if there are any. */
static void iosm_mux_offer_buffers(struct iosm_mux *mux, unsigned int watermark)
{
	const struct iosm_pipe *dl = mux->channel.dl;
	unsigned int unrung = iosm_pipe_unrung(dl);

	if (!unrung || iosm_pipe_posted(dl) - unrung >= watermark)
		return;
	mux->stats.dl_doorbells++;
	iosm_channel_ring_dl(&mux->channel, IOSM_HEAD_MUX_DL);
}

static enum hrtimer_restart iosm_mux_refill_timeout(struct hrtimer *timer)
{
	struct iosm_mux *mux = container_of(timer, struct iosm_mux, refill_timer);

	iosm_modem_poll_soon(mux->modem);
	return HRTIMER_NORESTART;
}

/**
 * iosm_mux_dl_poll() - deliver what came, replace the buffers
 * @channel: the data channel
 * @budget: datagrams at most, but for the last transfer
 *
 * Context: softirq, from the poll.
 * Return: datagrams, @budget if there is more.
 */
int iosm_mux_dl_poll(struct iosm_channel *channel, int budget)
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

	if (!iosm_mux_refill(mux, GFP_ATOMIC | __GFP_NOWARN)) {
		mux->stats.dl_refill_failed++;
		/* The modem may have too few to interrupt us again. */
		if (iosm_pipe_posted(channel->dl) < watermark)
			hrtimer_start(&mux->refill_timer, REFILL_RETRY,
				      HRTIMER_MODE_REL_SOFT);
	}
	iosm_mux_offer_buffers(mux, watermark);

	if (!completed)
		return min(work, budget);
	/* Packets of a link that is removed must not wait for the next poll. */
	napi_gro_flush(&mux->modem->napi, false);
	return budget;
}

/**
 * iosm_mux_dl_fill() - post the first buffers
 * @channel: the data channel
 *
 * Context: process, before any poll.
 * Return: 0, or -ENOMEM if the ring could not be filled.
 */
int iosm_mux_dl_fill(struct iosm_channel *channel)
{
	struct iosm_mux *mux = channel->ctx;

	return iosm_mux_refill(mux, GFP_KERNEL) ? 0 : -ENOMEM;
}

/**
 * iosm_mux_dl_reclaim() - free a buffer that the modem did not use
 * @channel: the data channel
 * @pipe: whose
 * @slot: what was posted
 *
 * Context: process, after the last poll.
 */
void iosm_mux_dl_reclaim(struct iosm_channel *channel, struct iosm_pipe *pipe,
			 const struct iosm_pipe_slot *slot)
{
	struct iosm_mux *mux = channel->ctx;

	/* Uplink buffers are freed together, when the channel is closed (Q88). */
	if (pipe == channel->dl)
		page_pool_put_full_page(mux->pool, slot->cookie, false);
}

/**
 * iosm_mux_dl_init() - initialise what does not depend on the channel
 * @mux: the multiplexer
 * @decoder: where what a transfer contains goes
 *
 * Context: process.
 */
void iosm_mux_dl_init(struct iosm_mux *mux, const struct iosm_mux_decoder_ops *decoder)
{
	mux->decoder = decoder;
	__skb_queue_head_init(&mux->rx_list);
	hrtimer_setup(&mux->refill_timer, iosm_mux_refill_timeout, CLOCK_MONOTONIC,
		      HRTIMER_MODE_REL_SOFT);
}

/**
 * iosm_mux_dl_open() - make the pool of pages
 * @mux: the multiplexer, its channel closed
 *
 * Context: process, may sleep; command_lock held.
 * Return: 0 or a negative errno.
 */
int iosm_mux_dl_open(struct iosm_mux *mux)
{
	u32 size = mux->config.buffer_size;
	struct page_pool_params params = {
		.order = get_order(size),
		.flags = PP_FLAG_DMA_MAP | PP_FLAG_DMA_SYNC_DEV,
		.max_len = PAGE_SIZE << get_order(size),
		.pool_size = mux->config.dl_entries,
		.nid = NUMA_NO_NODE,
		.dev = mux->modem->dev,
		.dma_dir = DMA_FROM_DEVICE,
	};

	mux->pool = page_pool_create(&params);
	return PTR_ERR_OR_ZERO(mux->pool);
}

/**
 * iosm_mux_dl_close() - give the pool of pages up
 * @mux: the multiplexer, its channel closed: no poll any more that starts the timer
 *
 * Packets that still refer to its pages keep it alive.
 *
 * Context: process, may sleep; command_lock held.
 */
void iosm_mux_dl_close(struct iosm_mux *mux)
{
	hrtimer_cancel(&mux->refill_timer);
	page_pool_destroy(mux->pool);
}
