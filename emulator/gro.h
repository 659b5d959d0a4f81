/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Coalescing: datagrams of one flow that follow each other become one packet
 * with a virtio header, which the kernel takes with a single system call and a
 * single walk through its stack.
 *
 * Only what is known to be right is joined: checksums are verified in full
 * first. Anything else goes on alone, unchanged, and nothing overtakes: what is
 * held goes out before a packet that does not fit to it.
 */
#ifndef IOSM_EMU_GRO_H
#define IOSM_EMU_GRO_H

#include <linux/virtio_net.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "ipsum.h"

#define GRO_SEGMENTS	64u	/* of UDP, the kernel takes no more */

/**
 * typedef gro_emit_t - hand on a packet
 * @parts: where its bytes are; the first part is its virtio header
 * @count: number of parts
 * @datagrams: how many it is made of
 */
typedef void (*gro_emit_t)(void *ctx, const struct iovec *parts,
			   unsigned int count, unsigned int datagrams);

/**
 * struct gro - datagrams of one session, in order
 * @emit: where packets go, with @ctx
 * @udp: may UDP be joined?
 */
struct gro {
	gro_emit_t emit;
	void *ctx;
	bool udp;

	/* private: what is held */
	unsigned int count;
	const uint8_t *first;
	size_t first_len, len, size;
	struct ip_info info;
	uint32_t next;
	uint8_t push;
	bool full;
	struct virtio_net_hdr hdr;
	uint8_t header[128];
	struct iovec part[GRO_SEGMENTS + 2];
};

void gro_init(struct gro *gro, bool udp, gro_emit_t emit, void *ctx);
/**
 * gro_add() - one datagram, which stays valid until gro_flush()
 *
 * Return: what its checksums are like.
 */
enum ip_verdict gro_add(struct gro *gro, const uint8_t *packet, size_t len);
/** gro_flush() - hand on what is held. */
void gro_flush(struct gro *gro);

#endif /* IOSM_EMU_GRO_H */
