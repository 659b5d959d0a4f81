// SPDX-License-Identifier: GPL-2.0-only
/**
 * DOC: Buffers that stay mapped
 *
 * Control channels have a handful of downlink buffers. Each unit is copied out of them,
 * once, so that the modem cannot change what is used; then the same buffer is posted
 * again. The buffer is the cookie of its slot.
 */

#include "iosm_ipc_buffers.h"

#include <linux/dma-mapping.h>
#include <linux/slab.h>

#include "iosm_ipc_imem.h"

static bool iosm_buffers_add(struct iosm_channel *channel)
{
	struct device *dev = channel->modem->dev;
	u32 size = channel->config->buffer_size;
	dma_addr_t dma;
	void *buffer;

	buffer = kmalloc(size, GFP_KERNEL);
	if (!buffer)
		return false;
	dma = dma_map_single(dev, buffer, size, DMA_FROM_DEVICE);
	if (dma_mapping_error(dev, dma)) {
		kfree(buffer);
		return false;
	}
	iosm_pipe_post(channel->dl, dma, size, buffer);
	return true;
}

/**
 * iosm_buffers_fill() - post as many buffers as the downlink ring takes
 * @channel: being opened; op fill of struct iosm_channel_ops
 *
 * Context: process, may sleep.
 * Return: 0, or -ENOMEM: those that were posted are reclaimed then.
 */
int iosm_buffers_fill(struct iosm_channel *channel)
{
	while (iosm_pipe_room(channel->dl)) {
		if (!iosm_buffers_add(channel))
			return -ENOMEM;
	}
	return 0;
}

/**
 * iosm_buffers_read() - what the modem stored in a buffer
 * @channel: an open channel
 * @done: a downlink TD without error
 *
 * Context: softirq, from poll_dl; process, from drain.
 * Return: @done->size bytes, to be copied once, before iosm_buffers_repost() or
 * iosm_buffers_reclaim().
 */
const void *iosm_buffers_read(struct iosm_channel *channel, const struct iosm_pipe_done *done)
{
	dma_sync_single_for_cpu(channel->modem->dev, done->slot.dma, done->size,
				DMA_FROM_DEVICE);
	return done->slot.cookie;
}

/**
 * iosm_buffers_repost() - give a buffer back to the modem, without ringing
 * @channel: an open channel
 * @done: a downlink TD, read or not
 *
 * Context: softirq, from poll_dl.
 */
void iosm_buffers_repost(struct iosm_channel *channel, const struct iosm_pipe_done *done)
{
	if (!done->error)
		dma_sync_single_for_device(channel->modem->dev, done->slot.dma, done->size,
					   DMA_FROM_DEVICE);
	iosm_pipe_post(channel->dl, done->slot.dma, done->slot.len, done->slot.cookie);
}

/**
 * iosm_buffers_reclaim() - free a buffer
 * @channel: being closed
 * @slot: of its downlink pipe; op reclaim of struct iosm_channel_ops
 *
 * Context: process.
 */
void iosm_buffers_reclaim(struct iosm_channel *channel, const struct iosm_pipe_slot *slot)
{
	dma_unmap_single(channel->modem->dev, slot->dma, slot->len, DMA_FROM_DEVICE);
	kfree(slot->cookie);
}
