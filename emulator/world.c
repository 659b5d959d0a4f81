// SPDX-License-Identifier: GPL-2.0-only
/*
 * The world: counts, captures, and hands packets between the MUX and one kind
 * of world (world_tun.c, world_gen.c).
 *
 *   host -> MUX -> world_uplink() -> backend->ops->uplink()
 *   host <- MUX <- deliver()      <- backend->offer()
 *
 * When the MUX refuses a packet, the backend keeps it until world_resume().
 * That only notes the session; the backend runs from a timer, never inside the
 * MUX's call.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ipsum.h"
#include "log.h"
#include "loop.h"
#include "pcap.h"
#include "world_backend.h"

/* A capture is at most this much behind. */
#define PCAP_FLUSH_US	200000u

/**
 * struct world - the world
 * @loop: the loop
 * @backend: its kind
 * @deliver, @deliver_ctx: the MUX, from world_attach()
 * @up: sessions that are up, a bit each
 * @resumed: sessions whose backend is to be resumed, a bit each
 * @resume_timer: does it
 * @unflushed: packets were given to the backend since the last world_flush()
 * @verify: check the checksums of what comes from the host
 * @counters: per session
 * @pcap: capture, or NULL
 * @pcap_timer: flushes it while packets come
 */
struct world {
	struct loop *loop;
	struct world_backend *backend;
	world_deliver_t deliver;
	void *deliver_ctx;
	uint32_t up, resumed;
	struct loop_timer resume_timer;
	bool unflushed, verify;
	struct world_counters counters[WORLD_SESSIONS];
	struct pcap *pcap;
	struct loop_timer pcap_timer;
};

void world_ip(const struct world *world, unsigned int session,
	      struct world_ip *ip)
{
	(void)world;
	world_addresses(session, ip);
}

void world_counters(const struct world *world, unsigned int session,
		    struct world_counters *counters)
{
	*counters = world->counters[session];
}

/* ----- capture -------------------------------------------------------- */

static void capture_failed(struct world *world, int error)
{
	log_error("pcap: %s; no more packets are captured", strerror(-error));
	loop_timer_cancel(&world->pcap_timer);
	pcap_close(world->pcap);
	world->pcap = NULL;
}

static void capture_flush(void *ctx)
{
	struct world *world = ctx;
	int error = pcap_flush(world->pcap);

	if (error)
		capture_failed(world, error);
}

static void capture(struct world *world, unsigned int session,
		    enum pcap_direction direction, const uint8_t *packet,
		    size_t len)
{
	struct timespec now;
	int error;

	if (!world->pcap)
		return;
	clock_gettime(CLOCK_REALTIME, &now);
	error = pcap_packet(world->pcap, session, direction,
			    (uint64_t)now.tv_sec * 1000000u +
			    (uint64_t)now.tv_nsec / 1000u, packet, len);
	if (error)
		capture_failed(world, error);
	else if (!world->pcap_timer.armed)
		loop_timer_arm(&world->pcap_timer, PCAP_FLUSH_US);
}

/* ----- packets -------------------------------------------------------- */

static void count_drop(struct world *world, unsigned int session)
{
	world->counters[session].dl_dropped++;
}

static void count_lost(struct world *world, unsigned int session,
		       unsigned int packets)
{
	world->counters[session].ul_dropped += packets;
}

static void count_bad_checksum(struct world *world, unsigned int session)
{
	world->counters[session].ul_bad_checksum++;
}

static bool offer(struct world *world, unsigned int session,
		  const uint8_t *packet, size_t len)
{
	struct world_counters *counters = &world->counters[session];

	if (!world->deliver || !(world->up & 1u << session)) {
		count_drop(world, session);
		return true;
	}
	if (!world->deliver(world->deliver_ctx, session, packet, len))
		return false;
	counters->dl_packets++;
	counters->dl_bytes += len;
	capture(world, session, PCAP_INBOUND, packet, len);
	return true;
}

void world_uplink(struct world *world, unsigned int session,
		  const uint8_t *packet, size_t len)
{
	struct world_backend *backend = world->backend;
	struct world_counters *counters;
	struct ip_info info;

	if (session >= WORLD_SESSIONS || !(world->up & 1u << session)) {
		log_warn("world: packet for session %u, which is not up",
			 session);
		return;
	}
	counters = &world->counters[session];
	counters->ul_packets++;
	counters->ul_bytes += len;
	capture(world, session, PCAP_OUTBOUND, packet, len);
	if (world->verify && ip_parse(packet, len, &info) &&
	    ip_verify(packet, len, &info) == IP_BAD)
		counters->ul_bad_checksum++;
	world->unflushed = true;
	if (!backend->ops->uplink(backend, session, packet, len))
		counters->ul_dropped++;
}

void world_flush(struct world *world)
{
	struct world_backend *backend = world->backend;

	if (world->unflushed && backend->ops->flush)
		backend->ops->flush(backend);
	world->unflushed = false;
}

static void resume_fire(void *ctx)
{
	struct world *world = ctx;
	struct world_backend *backend = world->backend;
	uint32_t resumed = world->resumed & world->up;

	world->resumed = 0;
	for (unsigned int s = 0; s < WORLD_SESSIONS; s++)
		if (resumed & 1u << s && backend->ops->resume)
			backend->ops->resume(backend, s);
}

void world_resume(struct world *world, unsigned int session)
{
	if (session >= WORLD_SESSIONS)
		return;
	world->resumed |= 1u << session;
	if (!world->resume_timer.armed)
		loop_timer_arm(&world->resume_timer, 0);
}

void world_session_up(struct world *world, unsigned int session)
{
	if (session >= WORLD_SESSIONS || world->up & 1u << session)
		return;
	world->up |= 1u << session;
	if (world->backend->ops->up)
		world->backend->ops->up(world->backend, session);
}

void world_session_down(struct world *world, unsigned int session)
{
	if (session >= WORLD_SESSIONS || !(world->up & 1u << session))
		return;
	world->up &= ~(1u << session);
	world->resumed &= ~(1u << session);
	if (world->backend->ops->down)
		world->backend->ops->down(world->backend, session);
}

void world_attach(struct world *world, world_deliver_t deliver, void *ctx)
{
	world->deliver = deliver;
	world->deliver_ctx = ctx;
}

/* ----- life ----------------------------------------------------------- */

static struct world_backend *backend_new(struct loop *loop,
					 const struct world_config *config)
{
	switch (config->kind) {
	case WORLD_TUN:
		return world_tun_new(loop);
	case WORLD_ECHO:
		return world_echo_new(loop);
	case WORLD_SINK:
		return world_sink_new(loop);
	case WORLD_SOURCE:
		return world_source_new(loop, config->rate, config->size);
	}
	log_error("world: unknown kind %d", (int)config->kind);
	errno = EINVAL;
	return NULL;
}

struct world *world_new(struct loop *loop, const struct world_config *config)
{
	struct world *world = calloc(1, sizeof(*world));
	int err;

	if (!world) {
		log_error("world: out of memory");
		errno = ENOMEM;
		return NULL;
	}
	world->loop = loop;
	loop_timer_init(&world->resume_timer, loop, resume_fire, world);
	loop_timer_init(&world->pcap_timer, loop, capture_flush, world);
	/* The tun world looks at every packet in any case. */
	world->verify = config->verify && config->kind != WORLD_TUN;
	/* Before the namespaces: there, the user is somebody else. */
	if (config->pcap) {
		world->pcap = pcap_create(config->pcap, WORLD_SESSIONS);
		if (!world->pcap) {
			err = errno;
			log_error("cannot write %s: %s", config->pcap,
				  strerror(err));
			goto err_free;
		}
	}
	world->backend = backend_new(loop, config);
	if (!world->backend) {
		err = errno;
		goto err_pcap;
	}
	world->backend->world = world;
	world->backend->offer = offer;
	world->backend->drop = count_drop;
	world->backend->lost = count_lost;
	world->backend->bad_checksum = count_bad_checksum;
	return world;

err_pcap:
	if (world->pcap)
		pcap_close(world->pcap);
err_free:
	free(world);
	errno = err;
	return NULL;
}

void world_free(struct world *world)
{
	int error;

	if (!world)
		return;
	loop_timer_cancel(&world->resume_timer);
	loop_timer_cancel(&world->pcap_timer);
	world->backend->ops->destroy(world->backend);
	if (world->pcap) {
		error = pcap_close(world->pcap);
		if (error)
			log_error("pcap: %s", strerror(-error));
	}
	free(world);
}
