/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The world: where the IP packets of the sessions go to and come from.
 *
 *   tun     a TUN device per session, in a network namespace of this process
 *   echo    every packet comes back with source and destination exchanged
 *   sink    every packet is counted and dropped
 *   source  packets are generated at a rate and size; uplink is dropped
 */
#ifndef IOSM_EMU_WORLD_H
#define IOSM_EMU_WORLD_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WORLD_SESSIONS	8
#define WORLD_MTU	1500

struct loop;
struct world;

enum world_kind { WORLD_TUN, WORLD_ECHO, WORLD_SINK, WORLD_SOURCE };

/**
 * struct world_config - options of the command line
 * @kind: which world
 * @rate: source: packets per second and session, 0 = as fast as accepted
 * @size: source: IP packet size in bytes, 64 to 16308 (IPv4/UDP)
 * @verify: echo, sink, source: check the checksums of what comes from the host
 * @pcap: path of a pcapng file for all IP packets of both directions, or NULL
 */
struct world_config {
	enum world_kind kind;
	unsigned long rate;
	unsigned int size;
	bool verify;
	const char *pcap;
};

/**
 * struct world_ip - addresses of one session
 *
 * The network's side is the gateway. Session s uses 10.64.s.0/24 and
 * fd64:s::/64; the host gets .2 and ::2, the gateway is .1 and ::1.
 */
struct world_ip {
	struct in_addr host4, gateway4, dns4;
	unsigned int prefix4;
	struct in6_addr host6, gateway6, dns6;
	unsigned int prefix6;
	unsigned int mtu;
};

/**
 * struct world_counters - per session, for the final statistics
 * @ul_packets: packets from the host
 * @ul_bytes: their bytes
 * @dl_packets: packets that the MUX took
 * @dl_bytes: their bytes
 * @dl_dropped: packets for the host that found the session down or no room
 * @ul_dropped: packets from the host that the world could not take
 * @ul_bad_checksum: packets from the host with a wrong checksum, if the world
 *	looks: tun always does, the others with &world_config.verify
 */
struct world_counters {
	uint64_t ul_packets, ul_bytes, dl_packets, dl_bytes, dl_dropped;
	uint64_t ul_dropped, ul_bad_checksum;
};

/**
 * typedef world_deliver_t - the MUX's entry for downlink packets
 *
 * Returns false when the MUX holds as much as it wants for this session; the
 * packet was then not taken, and the world offers it again after
 * world_resume().
 */
typedef bool (*world_deliver_t)(void *ctx, unsigned int session,
				const uint8_t *packet, size_t len);

/** world_new() - make the world; NULL with errno set, after one log_error(). */
struct world *world_new(struct loop *loop, const struct world_config *config);
void world_free(struct world *world);

/** world_attach() - set where downlink packets go. */
void world_attach(struct world *world, world_deliver_t deliver, void *ctx);

/*
 * world_session_up(), world_session_down() - the MUX opened or closed a
 * session. Only sessions that are up carry packets.
 */
void world_session_up(struct world *world, unsigned int session);
void world_session_down(struct world *world, unsigned int session);

/** world_uplink() - one IP packet from the host; valid until world_flush(). */
void world_uplink(struct world *world, unsigned int session,
		  const uint8_t *packet, size_t len);
/** world_flush() - hand on all packets of world_uplink(). */
void world_flush(struct world *world);
/** world_resume() - the MUX has room again for this session. */
void world_resume(struct world *world, unsigned int session);

/** world_ip() - addresses of a session, as MBIM tells them to the host. */
void world_ip(const struct world *world, unsigned int session,
	      struct world_ip *ip);
void world_counters(const struct world *world, unsigned int session,
		    struct world_counters *counters);

#endif /* IOSM_EMU_WORLD_H */
