/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The device side of a virtio split queue.
 */
#ifndef IOSM_EMU_VRING_H
#define IOSM_EMU_VRING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gmem.h"

#define VRING_MAX	1024
#define VRING_SEGMENTS	8

/**
 * struct vring - one queue
 * @num: number of entries, a power of two up to VRING_MAX; 0 = not set up
 * @last_avail: the next entry of the available ring that we look at
 * @used: the next entry of the used ring that we fill
 * @desc: descriptors in guest memory
 * @event_idx: the guest says where it is, and asks where we are
 *	(VIRTIO_F_EVENT_IDX)
 * @avail_ring: available ring in guest memory
 * @used_ring: used ring in guest memory
 */
struct vring {
	uint16_t num;
	uint16_t last_avail;
	uint16_t used;
	bool event_idx;
	uint8_t *desc, *avail_ring, *used_ring;
};

/**
 * struct vring_segment - a piece of a buffer, in guest memory
 * @data: where
 * @len: how much
 */
struct vring_segment {
	uint8_t *data;
	uint32_t len;
};

/**
 * struct vring_chain - one buffer that the guest made available
 * @head: index of its first descriptor, for vring_push()
 * @out: segments that the guest filled, @outs of them
 * @in: segments that we may fill, @ins of them
 */
struct vring_chain {
	uint16_t head;
	unsigned int outs, ins;
	struct vring_segment out[VRING_SEGMENTS], in[VRING_SEGMENTS];
};

/** vring_map() - find the rings in guest memory; false if they are not in it. */
bool vring_map(struct vring *ring, const struct gmem *mem, uint64_t desc,
	       uint64_t avail, uint64_t used);

/**
 * vring_pop() - take the next available buffer
 *
 * Return: 1 with @chain filled, 0 when there is none, -1 when the guest broke
 * the rules of virtio.
 */
int vring_pop(struct vring *ring, const struct gmem *mem,
	      struct vring_chain *chain);
/**
 * vring_listen() - ask for a kick with the next buffer
 *
 * Until then, with event indices, there is one kick at most after the last one
 * that was asked for.
 *
 * Return: true when there is a buffer already.
 */
bool vring_listen(struct vring *ring);
/** vring_seen() - did the guest take entry @index of the used ring out of it? */
bool vring_seen(const struct vring *ring, uint16_t index);

/** vring_push() - return a buffer to the guest with @len bytes written. */
void vring_push(struct vring *ring, uint16_t head, uint32_t len);

/** vring_gather() - copy up to @len bytes out of a chain; returns how many. */
size_t vring_gather(const struct vring_chain *chain, void *to, size_t len);
/** vring_scatter() - copy up to @len bytes into a chain; returns how many. */
uint32_t vring_scatter(const struct vring_chain *chain, const void *from,
		       size_t len);

#endif /* IOSM_EMU_VRING_H */
