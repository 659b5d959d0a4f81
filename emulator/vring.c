// SPDX-License-Identifier: GPL-2.0-only
/*
 * The device side of a virtio split queue (virtio 1.2, section 2.7), without
 * indirect descriptors, which we do not offer.
 */
#include <endian.h>
#include <string.h>

#include "vring.h"

#define VRING_DESC_NEXT		1
#define VRING_DESC_WRITE	2
#define VRING_DESC_INDIRECT	4

struct vring_desc {
	uint64_t addr;
	uint32_t len;
	uint16_t flags, next;
};

static uint16_t load16(const uint8_t *where)
{
	return le16toh(__atomic_load_n((const uint16_t *)(const void *)where,
				       __ATOMIC_ACQUIRE));
}

static void store16(uint8_t *where, uint16_t value)
{
	__atomic_store_n((uint16_t *)(void *)where, htole16(value),
			 __ATOMIC_RELEASE);
}

/* Each side writes its own index before it looks at that of the other. */
static void full_barrier(void)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

bool vring_listen(struct vring *ring)
{
	if (!ring->desc)
		return false;
	if (ring->event_idx) {
		store16(ring->used_ring + 4 + 8 * (size_t)ring->num,
			ring->last_avail);
		full_barrier();
	}
	return load16(ring->avail_ring + 2) != ring->last_avail;
}

bool vring_seen(const struct vring *ring, uint16_t index)
{
	uint16_t next;

	if (!ring->event_idx)
		return true;
	full_barrier();
	next = load16(ring->avail_ring + 4 + 2 * (size_t)ring->num);
	return (int16_t)(next - index) > 0;
}

bool vring_map(struct vring *ring, const struct gmem *mem, uint64_t desc,
	       uint64_t avail, uint64_t used)
{
	uint64_t num = ring->num;

	ring->desc = NULL;
	if (!num || desc % 16 || avail % 2 || used % 4)
		return false;

	ring->avail_ring = gmem_user(mem, avail, 6 + 2 * num);
	ring->used_ring = gmem_user(mem, used, 6 + 8 * num);
	if (!ring->avail_ring || !ring->used_ring)
		return false;
	ring->desc = gmem_user(mem, desc, 16 * num);
	return ring->desc;
}

static bool vring_segment(struct vring_chain *chain, const struct gmem *mem,
			  const struct vring_desc *desc)
{
	struct vring_segment *segment;

	if (le16toh(desc->flags) & VRING_DESC_WRITE) {
		if (chain->ins == VRING_SEGMENTS)
			return false;
		segment = &chain->in[chain->ins++];
	} else {
		/* All that we read comes before all that we write. */
		if (chain->outs == VRING_SEGMENTS || chain->ins)
			return false;
		segment = &chain->out[chain->outs++];
	}
	segment->len = le32toh(desc->len);
	segment->data = gmem_guest(mem, le64toh(desc->addr), segment->len);
	return segment->data;
}

int vring_pop(struct vring *ring, const struct gmem *mem,
	      struct vring_chain *chain)
{
	uint16_t avail, index;
	struct vring_desc desc;

	if (!ring->desc)
		return 0;

	avail = load16(ring->avail_ring + 2);
	if (avail == ring->last_avail)
		return 0;
	if ((uint16_t)(avail - ring->last_avail) > ring->num)
		return -1;

	index = load16(ring->avail_ring + 4 +
		       2 * (ring->last_avail & (ring->num - 1)));
	ring->last_avail++;

	chain->head = index;
	chain->outs = 0;
	chain->ins = 0;
	for (;;) {
		if (index >= ring->num)
			return -1;
		gmem_copy(&desc, ring->desc + 16 * (size_t)index, 16);
		if (le16toh(desc.flags) & VRING_DESC_INDIRECT ||
		    !vring_segment(chain, mem, &desc))
			return -1;
		if (!(le16toh(desc.flags) & VRING_DESC_NEXT))
			return 1;
		index = le16toh(desc.next);
	}
}

void vring_push(struct vring *ring, uint16_t head, uint32_t len)
{
	uint8_t *entry = ring->used_ring + 4 +
			 8 * (size_t)(ring->used & (ring->num - 1));
	uint32_t element[2] = { htole32(head), htole32(len) };

	memcpy(entry, element, sizeof(element));
	store16(ring->used_ring + 2, ++ring->used);
}

size_t vring_gather(const struct vring_chain *chain, void *to, size_t len)
{
	size_t done = 0;

	for (unsigned int i = 0; i < chain->outs && done < len; i++) {
		size_t part = chain->out[i].len;

		if (part > len - done)
			part = len - done;
		gmem_copy((uint8_t *)to + done, chain->out[i].data, part);
		done += part;
	}
	return done;
}

uint32_t vring_scatter(const struct vring_chain *chain, const void *from,
		       size_t len)
{
	size_t done = 0;

	for (unsigned int i = 0; i < chain->ins && done < len; i++) {
		size_t part = chain->in[i].len;

		if (part > len - done)
			part = len - done;
		memcpy(chain->in[i].data, (const uint8_t *)from + done, part);
		done += part;
	}
	return (uint32_t)done;
}
