/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A packet of the stack on its way into transfer buffers: one datagram, or the
 * segments of a super-packet, each with its checksums.
 *
 * Readers: iosm_ipc_mux_ul.c, iosm_ipc_wwan.c and the KUnit suite iosm_packet.
 */
#ifndef IOSM_IPC_PACKET_H
#define IOSM_IPC_PACKET_H

#include <linux/netdev_features.h>
#include <linux/types.h>
#include <net/tso.h>

/* What the stack may leave to us */
#define IOSM_PACKET_FEATURES	(NETIF_F_SG | NETIF_F_HW_CSUM | NETIF_F_TSO | \
				 NETIF_F_TSO6 | NETIF_F_GSO_UDP_L4)

/**
 * struct iosm_packet - a packet and how much of it is written
 * @skb: the packet; not owned, not changed
 * @tso: position in a super-packet
 * @headers: bytes of IP and transport header of each segment, 0 for a packet
 *	that is one datagram
 * @left: bytes not written yet: of the datagram, or of the payload
 */
struct iosm_packet {
	struct sk_buff *skb;
	struct tso_t tso;
	u32 headers;
	u32 left;
};

int iosm_packet_begin(struct iosm_packet *packet, struct sk_buff *skb);
u32 iosm_packet_next(const struct iosm_packet *packet);
u32 iosm_packet_count(const struct iosm_packet *packet);
u32 iosm_packet_bytes(const struct iosm_packet *packet);
void iosm_packet_write(struct iosm_packet *packet, u8 *to);
netdev_features_t iosm_packet_features(const struct sk_buff *skb,
				       netdev_features_t features);

#endif /* IOSM_IPC_PACKET_H */
