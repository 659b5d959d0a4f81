/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Packets as the stack hands them to a network device, made up of any layout, and
 * what the stack itself would send in their place.
 */
#ifndef IOSM_KUNIT_SKB_H
#define IOSM_KUNIT_SKB_H

#include <kunit/test.h>
#include <linux/skbuff.h>

#define IOSM_KUNIT_FRAGS	4

/**
 * struct iosm_kunit_packet - a TCP or UDP packet
 * @v6: IPv6, otherwise IPv4
 * @udp: UDP, otherwise TCP
 * @ip_options: bytes of IPv4 options, or of IPv6 extension headers; a multiple of 4
 *	or 8
 * @tcp_options: bytes of them, a multiple of 4
 * @tcp_flags: byte 13 of the TCP header
 * @id: IPv4 identification
 * @mss: payload of each segment of a super-packet; 0: no super-packet
 * @payload: bytes behind the headers
 * @linear: how many of these are behind the headers in memory
 * @frags: sizes of the fragments with the others, over and over; all zero: one
 *	fragment
 * @seed: of the bytes of the payload
 */
struct iosm_kunit_packet {
	bool v6;
	bool udp;
	u8 ip_options;
	u8 tcp_options;
	u8 tcp_flags;
	u16 id;
	u16 mss;
	u32 payload;
	u32 linear;
	u16 frags[IOSM_KUNIT_FRAGS];
	u64 seed;
};

u32 iosm_kunit_headers(const struct iosm_kunit_packet *spec);
struct sk_buff *iosm_kunit_skb(struct kunit *test, const struct iosm_kunit_packet *spec);
struct sk_buff_head *iosm_kunit_datagrams(struct kunit *test, const struct sk_buff *skb);

#endif /* IOSM_KUNIT_SKB_H */
