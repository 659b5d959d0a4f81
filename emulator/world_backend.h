/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What world.c asks of each kind of world, and what it gives them. Read by
 * world*.c only.
 */
#ifndef IOSM_EMU_WORLD_BACKEND_H
#define IOSM_EMU_WORLD_BACKEND_H

#include "world.h"

struct world_backend;

/**
 * struct world_backend_ops - a kind of world
 * @up: packets may flow in this session; NULL if that is no news
 * @down: no more; forget what is on its way; may be NULL
 * @uplink: a packet from the host, valid until @flush; false when it could not
 *	be taken
 * @flush: hand on what @uplink kept; may be NULL
 * @resume: a packet was refused, now there is room; may be NULL
 * @destroy: free the backend
 */
struct world_backend_ops {
	void (*up)(struct world_backend *backend, unsigned int session);
	void (*down)(struct world_backend *backend, unsigned int session);
	bool (*uplink)(struct world_backend *backend, unsigned int session,
		       const uint8_t *packet, size_t len);
	void (*flush)(struct world_backend *backend);
	void (*resume)(struct world_backend *backend, unsigned int session);
	void (*destroy)(struct world_backend *backend);
};

/**
 * struct world_backend - base of every kind; embed it as the first member
 * @ops: its kind
 * @loop: the loop
 * @offer: set by world.c: a packet for the host; false: keep it, offer it
 *	again in @resume. Never called from inside @uplink, because the MUX may
 *	be in the middle of a block then
 * @drop: set by world.c: count a packet for the host that was lost
 * @lost: set by world.c: count packets from the host that @uplink took, but
 *	that went nowhere
 * @bad_checksum: set by world.c: count a packet from the host
 * @world: set by world.c: first argument of these
 */
struct world_backend {
	const struct world_backend_ops *ops;
	struct loop *loop;
	bool (*offer)(struct world *world, unsigned int session,
		      const uint8_t *packet, size_t len);
	void (*drop)(struct world *world, unsigned int session);
	void (*lost)(struct world *world, unsigned int session,
		     unsigned int packets);
	void (*bad_checksum)(struct world *world, unsigned int session);
	struct world *world;
};

/** world_addresses() - the addresses of a session, in every world. */
void world_addresses(unsigned int session, struct world_ip *ip);

/* Constructors; NULL with errno set, after one log_error(). */
struct world_backend *world_tun_new(struct loop *loop);
struct world_backend *world_echo_new(struct loop *loop);
struct world_backend *world_sink_new(struct loop *loop);
struct world_backend *world_source_new(struct loop *loop, unsigned long rate,
				       unsigned int size);

/* Parts of the echo and source worlds that stand alone. */

/** world_checksum() - ones' complement sum of RFC 1071, starting at @sum. */
uint16_t world_checksum(const uint8_t *data, size_t len, uint32_t sum);
/** world_reflect() - turn a packet round in place; false if it is no IP. */
bool world_reflect(uint8_t *packet, size_t len);

#endif /* IOSM_EMU_WORLD_BACKEND_H */
