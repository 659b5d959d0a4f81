// SPDX-License-Identifier: GPL-2.0-only
/*
 * A packet of the stack on its way into transfer buffers.
 */

#include "iosm_ipc_packet.h"

#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/skbuff.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <linux/unaligned.h>
#include <net/checksum.h>
#include <net/ip6_checksum.h>

/**
 * DOC: packets
 *
 * The modem takes IP datagrams that fit its buffers, and computes no checksum. So
 * that a bulk transfer crosses the stack in pieces of 64 KiB all the same, a
 * super-packet is cut here, while it is copied: headers from a template, payload
 * and its checksum in one pass. The caller asks how long the next datagram is,
 * finds room for it, and has it written there, until nothing is left; it may stop
 * after each one and go on later.
 *
 * Headers are made in memory of our own. What has been written is never read
 * again, as the modem may see it and change it.
 */

/* IPv4 and TCP, both with all their options: the longest that are not tunnels */
#define HEADERS_MAX	120

/* Super-packets that IOSM_PACKET_FEATURES announces */
#define GSO_KINDS	(SKB_GSO_TCPV4 | SKB_GSO_TCPV6 | SKB_GSO_UDP_L4)

/**
 * iosm_packet_begin() - look at a packet
 * @packet: what to initialise
 * @skb: IP packet at skb->data; without a list of fragments, its pages in the
 *	kernel's mapping. It has to stay until nothing is left
 *
 * Context: any.
 * Return: 0; -EINVAL if there is nothing to send, or if it is a super-packet of a
 * kind that IOSM_PACKET_FEATURES does not announce.
 */
int iosm_packet_begin(struct iosm_packet *packet, struct sk_buff *skb)
{
	packet->skb = skb;
	packet->headers = 0;
	packet->left = skb->len;
	if (!skb->len)
		return -EINVAL;
	if (!skb_is_gso(skb))
		return 0;

	if (!(skb_shinfo(skb)->gso_type & GSO_KINDS) ||
	    skb_shinfo(skb)->gso_type & ~(GSO_KINDS | SKB_GSO_DODGY))
		return -EINVAL;
	packet->headers = tso_start(skb, &packet->tso);
	if (packet->headers > HEADERS_MAX || packet->headers > skb_headlen(skb) ||
	    packet->headers == skb->len)
		return -EINVAL;
	packet->left = skb->len - packet->headers;
	return 0;
}

/* Payload of the next segment */
static u32 iosm_packet_payload(const struct iosm_packet *packet)
{
	return min_t(u32, packet->left, skb_shinfo(packet->skb)->gso_size);
}

/**
 * iosm_packet_next() - length of the next datagram
 * @packet: the packet
 *
 * No later datagram of the packet is longer.
 *
 * Context: any.
 * Return: bytes; 0 if everything is written.
 */
u32 iosm_packet_next(const struct iosm_packet *packet)
{
	if (!packet->headers || !packet->left)
		return packet->left;
	return packet->headers + iosm_packet_payload(packet);
}

/**
 * iosm_packet_count() - datagrams that are not written yet
 * @packet: the packet
 *
 * Context: any.
 * Return: the number.
 */
u32 iosm_packet_count(const struct iosm_packet *packet)
{
	if (!packet->headers)
		return packet->left ? 1 : 0;
	return DIV_ROUND_UP(packet->left, skb_shinfo(packet->skb)->gso_size);
}

/**
 * iosm_packet_bytes() - length of all datagrams that are not written yet
 * @packet: the packet
 *
 * Context: any.
 * Return: bytes.
 */
u32 iosm_packet_bytes(const struct iosm_packet *packet)
{
	return packet->left + iosm_packet_count(packet) * packet->headers;
}

static void iosm_packet_write_whole(const struct sk_buff *skb, u8 *to)
{
	int start = skb->len;
	__sum16 check;
	__wsum sum;

	if (skb->ip_summed == CHECKSUM_PARTIAL)
		start = skb_checksum_start_offset(skb);
	/* The whole length exists, and kernel memory does not fault. */
	WARN_ON_ONCE(skb_copy_bits(skb, 0, to, start));
	if (start == skb->len)
		return;

	sum = skb_copy_and_csum_bits(skb, start, to + start, skb->len - start);
	/* 0 means "none" in UDP; both values are equal in every other protocol. */
	check = csum_fold(sum) ?: CSUM_MANGLED_0;
	put_unaligned((__force u16)check, (u16 *)(to + start + skb->csum_offset));
}

/* Copies payload of a super-packet; returns its sum. */
static __wsum iosm_packet_copy_payload(struct iosm_packet *packet, u8 *to, u32 length)
{
	u32 offset = 0;
	__wsum sum = 0;

	while (offset < length) {
		u32 size = min_t(u32, packet->tso.size, length - offset);
		__wsum part;

		part = csum_partial_copy_nocheck(packet->tso.data, to + offset, size);
		sum = csum_block_add(sum, part, offset);
		offset += size;
		tso_build_data(packet->skb, &packet->tso, size);
	}
	return sum;
}

static __sum16 iosm_packet_pseudo(const struct sk_buff *skb, const u8 *headers,
				  u32 length, u8 protocol, __wsum sum)
{
	const struct ipv6hdr *ip6 = (const void *)(headers + skb_network_offset(skb));
	const struct iphdr *ip4 = (const void *)ip6;

	if (skb->protocol == htons(ETH_P_IPV6))
		return csum_ipv6_magic(&ip6->saddr, &ip6->daddr, length, protocol, sum);
	return csum_tcpudp_magic(ip4->saddr, ip4->daddr, length, protocol, sum);
}

static void iosm_packet_write_segment(struct iosm_packet *packet, u8 *to)
{
	u8 headers[HEADERS_MAX] __aligned(4);
	const struct sk_buff *skb = packet->skb;
	u32 payload = iosm_packet_payload(packet);
	int offset = skb_transport_offset(skb);
	u8 *transport = headers + offset;
	__sum16 check;
	__wsum sum;

	tso_build_hdr(skb, headers, &packet->tso, payload, payload == packet->left);
	if (skb->protocol == htons(ETH_P_IP))
		ip_send_check((struct iphdr *)(headers + skb_network_offset(skb)));

	/* Moves the sequence number of the next segment on. */
	sum = iosm_packet_copy_payload(packet, to + packet->headers, payload);
	packet->left -= payload;

	if (skb_is_gso_tcp(skb)) {
		struct tcphdr *tcp = (struct tcphdr *)transport;

		tcp->check = 0;
		sum = csum_partial(tcp, packet->headers - offset, sum);
		tcp->check = iosm_packet_pseudo(skb, headers,
						packet->headers - offset + payload,
						IPPROTO_TCP, sum);
	} else {
		struct udphdr *udp = (struct udphdr *)transport;

		udp->check = 0;
		sum = csum_partial(udp, sizeof(*udp), sum);
		check = iosm_packet_pseudo(skb, headers, sizeof(*udp) + payload,
					   IPPROTO_UDP, sum);
		udp->check = check ?: CSUM_MANGLED_0;
	}
	memcpy(to, headers, packet->headers);
}

/**
 * iosm_packet_write() - write the next datagram
 * @packet: the packet, not all of it written
 * @to: room for iosm_packet_next() bytes, of any alignment
 *
 * Context: any.
 */
void iosm_packet_write(struct iosm_packet *packet, u8 *to)
{
	if (packet->headers) {
		iosm_packet_write_segment(packet, to);
	} else {
		iosm_packet_write_whole(packet->skb, to);
		packet->left = 0;
	}
}

/**
 * iosm_packet_features() - what can be left to us for one packet
 * @skb: the packet
 * @features: what could be for others
 *
 * Segments are made for TCP or UDP right behind the IP header only.
 *
 * Context: any.
 * Return: @features, without segmentation if the packet is of another kind.
 */
netdev_features_t iosm_packet_features(const struct sk_buff *skb,
				       netdev_features_t features)
{
	unsigned int ip = skb_network_header_len(skb);

	if (!skb_is_gso(skb))
		return features;
	if (skb->encapsulation ||
	    (skb->protocol == htons(ETH_P_IPV6) && ip != sizeof(struct ipv6hdr)))
		return features & ~NETIF_F_GSO_MASK;
	return features;
}
