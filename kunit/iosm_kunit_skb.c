// SPDX-License-Identifier: GPL-2.0-only
/*
 * Packets for the unit tests, see iosm_kunit_skb.h.
 */

#include "iosm_kunit_skb.h"

#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/prandom.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <net/checksum.h>
#include <net/gso.h>
#include <net/ip.h>
#include <net/ip6_checksum.h>

#define HEADROOM	64
#define IPV6_DESTOPTS	60
#define IPV6_PADN	1
#define IPV4_NOP	1
#define TCP_NOP		1

static u32 ip_headers(const struct iosm_kunit_packet *spec)
{
	return (spec->v6 ? sizeof(struct ipv6hdr) : sizeof(struct iphdr)) +
	       spec->ip_options;
}

static u32 transport_header(const struct iosm_kunit_packet *spec)
{
	return spec->udp ? sizeof(struct udphdr) :
			   sizeof(struct tcphdr) + spec->tcp_options;
}

/**
 * iosm_kunit_headers() - how long the headers of a packet are
 * @spec: the packet
 *
 * Return: bytes.
 */
u32 iosm_kunit_headers(const struct iosm_kunit_packet *spec)
{
	return ip_headers(spec) + transport_header(spec);
}

static u8 protocol(const struct iosm_kunit_packet *spec)
{
	return spec->udp ? IPPROTO_UDP : IPPROTO_TCP;
}

static void write_ip4(struct sk_buff *skb, const struct iosm_kunit_packet *spec)
{
	struct iphdr *ip = ip_hdr(skb);

	ip->version = 4;
	ip->ihl = ip_headers(spec) / 4;
	ip->tos = 0x28;
	ip->tot_len = htons(skb->len);
	ip->id = htons(spec->id);
	ip->frag_off = htons(IP_DF);
	ip->ttl = 64;
	ip->protocol = protocol(spec);
	ip->saddr = htonl(0xc0a85523);
	ip->daddr = htonl(0x0a9b0c1d);
	memset(ip + 1, IPV4_NOP, spec->ip_options);
	ip_send_check(ip);
}

static void write_ip6(struct sk_buff *skb, const struct iosm_kunit_packet *spec)
{
	struct ipv6hdr *ip = ipv6_hdr(skb);
	u8 *options = (u8 *)(ip + 1);

	ip->version = 6;
	ip->priority = 2;
	ip->flow_lbl[1] = 0x12;
	ip->flow_lbl[2] = 0x34;
	ip->payload_len = htons(skb->len - sizeof(*ip));
	ip->nexthdr = spec->ip_options ? IPV6_DESTOPTS : protocol(spec);
	ip->hop_limit = 61;
	ip->saddr.s6_addr32[0] = htonl(0x20010db8);
	ip->saddr.s6_addr32[3] = htonl(0xdeadbeef);
	ip->daddr.s6_addr32[0] = htonl(0x20010db8);
	ip->daddr.s6_addr32[1] = htonl(0xffff0001);
	ip->daddr.s6_addr32[3] = htonl(0x00010002);
	if (!spec->ip_options)
		return;
	options[0] = protocol(spec);
	options[1] = spec->ip_options / 8 - 1;
	options[2] = IPV6_PADN;
	options[3] = spec->ip_options - 4;
}

/* The folded sum of the pseudo header, as in a checksum that is left to others */
static __sum16 pseudo(struct sk_buff *skb, const struct iosm_kunit_packet *spec)
{
	u32 len = skb->len - skb_transport_offset(skb);

	if (spec->v6)
		return ~csum_ipv6_magic(&ipv6_hdr(skb)->saddr, &ipv6_hdr(skb)->daddr,
					len, protocol(spec), 0);
	return ~csum_tcpudp_magic(ip_hdr(skb)->saddr, ip_hdr(skb)->daddr, len,
				  protocol(spec), 0);
}

static void write_transport(struct sk_buff *skb, const struct iosm_kunit_packet *spec)
{
	skb->ip_summed = CHECKSUM_PARTIAL;
	skb->csum_start = skb_transport_header(skb) - skb->head;
	if (spec->udp) {
		struct udphdr *udp = udp_hdr(skb);

		udp->source = htons(0x8001);
		udp->dest = htons(5201);
		udp->len = htons(skb->len - skb_transport_offset(skb));
		udp->check = pseudo(skb, spec);
		skb->csum_offset = offsetof(struct udphdr, check);
	} else {
		struct tcphdr *tcp = tcp_hdr(skb);

		tcp->source = htons(0xfedc);
		tcp->dest = htons(443);
		tcp->seq = htonl(0xfffff000);
		tcp->ack_seq = htonl(0x01020304);
		tcp->doff = transport_header(spec) / 4;
		((u8 *)tcp)[13] = spec->tcp_flags;
		tcp->window = htons(0x7fff);
		memset(tcp + 1, TCP_NOP, spec->tcp_options);
		tcp->check = pseudo(skb, spec);
		skb->csum_offset = offsetof(struct tcphdr, check);
	}
}

/* Fragments begin at odd addresses, one after the other. */
static void add_frags(struct kunit *test, struct sk_buff *skb,
		      const struct iosm_kunit_packet *spec, struct rnd_state *rnd)
{
	u32 left = spec->payload - min(spec->linear, spec->payload);
	unsigned int n = 0;

	while (left) {
		u32 size = min_t(u32, spec->frags[n % IOSM_KUNIT_FRAGS], left);
		u32 offset = 2 * n + 1;
		unsigned int order;
		struct page *page;

		n++;
		if (!memchr_inv(spec->frags, 0, sizeof(spec->frags)))
			size = left;
		if (!size)
			continue;
		KUNIT_ASSERT_LT(test, skb_shinfo(skb)->nr_frags, MAX_SKB_FRAGS);
		order = get_order(offset + size);
		page = alloc_pages(GFP_KERNEL | __GFP_COMP, order);
		KUNIT_ASSERT_NOT_NULL(test, page);
		prandom_bytes_state(rnd, page_address(page) + offset, size);
		skb_add_rx_frag(skb, skb_shinfo(skb)->nr_frags, page, offset, size,
				PAGE_SIZE << order);
		left -= size;
	}
}

static unsigned int gso_type(const struct iosm_kunit_packet *spec)
{
	if (spec->udp)
		return SKB_GSO_UDP_L4;
	return spec->v6 ? SKB_GSO_TCPV6 : SKB_GSO_TCPV4;
}

/**
 * iosm_kunit_skb() - make a packet as the stack hands it to a device
 * @test: the test
 * @spec: what packet
 *
 * IP header at skb->data, headers in the linear part, offsets set, the checksum left
 * to the device.
 *
 * Return: the packet, which the caller owns.
 */
struct sk_buff *iosm_kunit_skb(struct kunit *test, const struct iosm_kunit_packet *spec)
{
	u32 headers = iosm_kunit_headers(spec);
	u32 linear = min(spec->linear, spec->payload);
	struct rnd_state rnd;
	struct sk_buff *skb;

	prandom_seed_state(&rnd, spec->seed + 1);
	skb = alloc_skb(HEADROOM + headers + linear, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, skb);
	skb_reserve(skb, HEADROOM);
	skb_reset_mac_header(skb);
	skb_reset_network_header(skb);
	skb_set_transport_header(skb, ip_headers(spec));
	skb_put_zero(skb, headers);
	prandom_bytes_state(&rnd, skb_put(skb, linear), linear);
	add_frags(test, skb, spec, &rnd);

	skb->priority = 3;
	if (spec->v6) {
		skb->protocol = htons(ETH_P_IPV6);
		write_ip6(skb, spec);
	} else {
		skb->protocol = htons(ETH_P_IP);
		write_ip4(skb, spec);
	}
	write_transport(skb, spec);
	if (spec->mss) {
		skb_shinfo(skb)->gso_size = spec->mss;
		skb_shinfo(skb)->gso_segs = DIV_ROUND_UP(spec->payload, spec->mss);
		skb_shinfo(skb)->gso_type = gso_type(spec);
	}
	return skb;
}

static void free_queue(void *queue)
{
	__skb_queue_purge(queue);
}

/* The stack refuses to cut what is no longer than one segment. */
static bool is_one(const struct sk_buff *skb)
{
	u32 headers = skb_transport_offset(skb);

	if (!skb_is_gso(skb))
		return true;
	headers += skb_is_gso_tcp(skb) ? tcp_hdrlen(skb) : sizeof(struct udphdr);
	return skb->len <= headers + skb_shinfo(skb)->gso_size;
}

static struct sk_buff *finish_one(struct kunit *test, struct sk_buff *skb)
{
	skb_shinfo(skb)->gso_size = 0;
	skb_shinfo(skb)->gso_segs = 0;
	skb_shinfo(skb)->gso_type = 0;
	if (skb->ip_summed == CHECKSUM_PARTIAL)
		KUNIT_ASSERT_EQ(test, 0, skb_checksum_help(skb));
	return skb;
}

/**
 * iosm_kunit_datagrams() - what the stack sends for a packet if the device can nothing
 * @test: the test
 * @skb: the packet; not changed
 *
 * The stack's own segmentation and checksums are the standard that the driver is
 * measured by. There is no field in which the driver may differ: it counts the IPv4
 * identification up as well. (Devices may keep it, with "don't fragment"; and they may
 * treat RST and CWR otherwise, which the stack never hands over in a super-packet.)
 *
 * Return: the datagrams, in linear memory; they are freed after the test.
 */
struct sk_buff_head *iosm_kunit_datagrams(struct kunit *test, const struct sk_buff *skb)
{
	struct sk_buff_head *list;
	struct sk_buff *copy, *segment, *next;

	list = kunit_kzalloc(test, sizeof(*list), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, list);
	__skb_queue_head_init(list);
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, free_queue, list));

	copy = skb_copy(skb, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, copy);
	if (is_one(skb)) {
		__skb_queue_tail(list, finish_one(test, copy));
		return list;
	}

	segment = __skb_gso_segment(copy, 0, true);
	consume_skb(copy);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, segment);
	for (; segment; segment = next) {
		next = segment->next;
		skb_mark_not_on_list(segment);
		KUNIT_ASSERT_EQ(test, 0, skb_linearize(segment));
		__skb_queue_tail(list, segment);
	}
	return list;
}
