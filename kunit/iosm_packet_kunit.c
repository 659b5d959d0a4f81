// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of what becomes of packets of the stack: super-packets are cut into what the
 * stack would cut them into, checksums are those that the stack would make, and no
 * byte is written that does not belong to the datagram.
 */

#include <linux/ip.h>
#include <linux/prandom.h>
#include <linux/unaligned.h>
#include <linux/vmalloc.h>

#include "../iosm_ipc_packet.h"
#include "iosm_kunit_skb.h"

#define GUARD		64	/* bytes around a datagram that are watched */
#define GUARD_BYTE	0xa5
#define ALIGNMENTS	4
#define LONGEST		65600	/* bytes of a datagram */
#define TCP_FIN		0x01
#define TCP_PSH		0x08
#define TCP_ACK		0x10
#define TCP_ECE		0x40

/* ---- Writing one datagram ---- */

struct room {
	u8 *memory;
	u8 *to;
	u32 len;
};

static void free_room(void *memory)
{
	vfree(memory);
}

static struct room make_room(struct kunit *test)
{
	struct room room = { .memory = vmalloc(LONGEST + 2 * GUARD + ALIGNMENTS) };

	KUNIT_ASSERT_NOT_NULL(test, room.memory);
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, free_room, room.memory));
	return room;
}

/* Writes the next datagram to an address with @alignment in its lowest bits. */
static void write_next(struct kunit *test, struct iosm_packet *packet,
		       struct room *room, unsigned int alignment)
{
	room->len = iosm_packet_next(packet);
	KUNIT_ASSERT_LE(test, room->len, LONGEST);
	room->to = room->memory + GUARD + alignment;
	memset(room->memory, GUARD_BYTE, GUARD + alignment + room->len + GUARD);
	iosm_packet_write(packet, room->to);
	KUNIT_ASSERT_NULL(test, memchr_inv(room->memory, GUARD_BYTE, GUARD + alignment));
	KUNIT_ASSERT_NULL(test, memchr_inv(room->to + room->len, GUARD_BYTE, GUARD));
}

static void expect_same(struct kunit *test, const struct room *room,
			const struct sk_buff *expected, unsigned int nth)
{
	u32 i;

	KUNIT_ASSERT_EQ_MSG(test, room->len, expected->len, "datagram %u", nth);
	for (i = 0; i < room->len; i++) {
		if (room->to[i] == expected->data[i])
			continue;
		KUNIT_FAIL_AND_ABORT(test, "datagram %u differs at %u: %02x, not %02x",
				     nth, i, room->to[i], expected->data[i]);
	}
}

static u32 list_bytes(const struct sk_buff_head *list)
{
	const struct sk_buff *skb;
	u32 bytes = 0;

	skb_queue_walk(list, skb)
		bytes += skb->len;
	return bytes;
}

/* All datagrams of a packet are those that the stack makes; the packet is left alone. */
static void expect_as_the_stack(struct kunit *test, struct sk_buff *skb,
				unsigned int alignment)
{
	struct sk_buff_head *expected = iosm_kunit_datagrams(test, skb);
	struct sk_buff *before = skb_copy(skb, GFP_KERNEL);
	u32 count = skb_queue_len(expected), bytes = list_bytes(expected);
	struct room room = make_room(test), after = make_room(test);
	struct iosm_packet first, packet;
	struct sk_buff *datagram;
	unsigned int nth = 0;

	KUNIT_ASSERT_NOT_NULL(test, before);
	KUNIT_ASSERT_EQ(test, 0, iosm_packet_begin(&first, skb));
	packet = first;
	skb_queue_walk(expected, datagram) {
		KUNIT_ASSERT_EQ(test, iosm_packet_next(&packet), datagram->len);
		KUNIT_ASSERT_EQ(test, iosm_packet_count(&packet), count - nth);
		KUNIT_ASSERT_EQ(test, iosm_packet_bytes(&packet), bytes);
		KUNIT_ASSERT_LE(test, datagram->len, iosm_packet_next(&first));
		write_next(test, &packet, &room, alignment);
		expect_same(test, &room, datagram, nth);
		bytes -= datagram->len;
		nth++;
		/* what waits in the middle is kept elsewhere */
		if (nth == count / 2) {
			struct iosm_packet rest = packet;

			memset(&packet, 0xff, sizeof(packet));
			packet = rest;
		}
	}
	KUNIT_EXPECT_EQ(test, iosm_packet_next(&packet), 0);
	KUNIT_EXPECT_EQ(test, iosm_packet_count(&packet), 0);
	KUNIT_EXPECT_EQ(test, iosm_packet_bytes(&packet), 0);

	KUNIT_ASSERT_EQ(test, skb->len, before->len);
	KUNIT_ASSERT_EQ(test, 0, skb_copy_bits(skb, 0, after.memory, skb->len));
	KUNIT_EXPECT_MEMEQ(test, after.memory, before->data, skb->len);
	consume_skb(before);
}

static void check_spec(struct kunit *test, const struct iosm_kunit_packet *spec,
		       unsigned int alignment)
{
	struct sk_buff *skb = iosm_kunit_skb(test, spec);

	expect_as_the_stack(test, skb, alignment);
	consume_skb(skb);
}

/* ---- Super-packets ---- */

struct super_case {
	const char *desc;
	u32 datagrams;
	struct iosm_kunit_packet spec;
};

static const struct super_case super_cases[] = {
	{ "TCP, linear, exact multiple", 3,
	  { .mss = 1400, .payload = 4200, .linear = 4200, .tcp_flags = TCP_ACK } },
	{ "TCP, linear, one byte more", 4,
	  { .mss = 1400, .payload = 4201, .linear = 4201, .tcp_flags = TCP_ACK } },
	{ "TCP, linear, one byte less", 3,
	  { .mss = 1400, .payload = 4199, .linear = 4199, .tcp_flags = TCP_ACK } },
	{ "TCP, one byte", 1,
	  { .mss = 1400, .payload = 1, .linear = 1, .tcp_flags = TCP_ACK } },
	{ "TCP, one byte in a fragment", 1,
	  { .mss = 1400, .payload = 1, .tcp_flags = TCP_ACK } },
	{ "TCP, as long as a segment", 1,
	  { .mss = 1400, .payload = 1400, .linear = 7, .tcp_flags = TCP_ACK } },
	{ "TCP, one byte longer than a segment", 2,
	  { .mss = 1400, .payload = 1401, .linear = 7, .tcp_flags = TCP_ACK } },
	{ "TCP, segments of a byte", 7,
	  { .mss = 1, .payload = 7, .linear = 2, .frags = { 1, 3 } } },
	{ "TCP, one fragment", 5,
	  { .mss = 1448, .payload = 7000, .tcp_flags = TCP_ACK } },
	{ "TCP, fragments of a segment each", 5,
	  { .mss = 1001, .payload = 5005, .frags = { 1001, 1001, 1001, 1001 } } },
	{ "TCP, fragments, odd sizes", 6,
	  { .mss = 1448, .payload = 8111, .frags = { 1, 1447, 1449, 701 } } },
	{ "TCP, odd segments over odd fragments", 8,
	  { .mss = 1001, .payload = 7777, .linear = 333, .frags = { 3, 2001, 1, 999 } } },
	{ "TCP, many fragments in a segment", 2,
	  { .mss = 60, .payload = 99, .linear = 1, .frags = { 7, 5, 11, 3 } } },
	{ "TCP, all that 16 bits can count", 47,
	  { .mss = 1400, .payload = 65535 - 40, .frags = { 8191, 4097, 16383, 5001 } } },
	{ "TCP, linear, all that 16 bits can count", 46,
	  { .mss = 1448, .payload = 65535 - 52, .linear = 65535, .tcp_options = 12 } },
	{ "TCP, FIN and PSH", 4,
	  { .mss = 1400, .payload = 5000, .linear = 100,
	    .tcp_flags = TCP_ACK | TCP_FIN | TCP_PSH } },
	{ "TCP, FIN and PSH, one segment", 1,
	  { .mss = 1400, .payload = 500, .linear = 100,
	    .tcp_flags = TCP_ACK | TCP_FIN | TCP_PSH } },
	{ "TCP, FIN and PSH, exact multiple", 3,
	  { .mss = 1400, .payload = 4200, .tcp_flags = TCP_ACK | TCP_FIN | TCP_PSH } },
	{ "TCP, ECE and PSH", 3,
	  { .mss = 1400, .payload = 4000, .tcp_flags = TCP_ACK | TCP_PSH | TCP_ECE } },
	{ "TCP, options", 4,
	  { .mss = 1388, .payload = 5000, .linear = 1001, .tcp_options = 12 } },
	{ "TCP, most options", 4,
	  { .mss = 1360, .payload = 5000, .frags = { 1361, 1, 1359 }, .tcp_options = 40 } },
	{ "TCP, IPv4 options", 4,
	  { .mss = 1356, .payload = 5000, .linear = 17, .ip_options = 4 } },
	{ "TCP, longest headers", 6,
	  { .mss = 999, .payload = 5000, .frags = { 1231 }, .ip_options = 40,
	    .tcp_options = 40 } },
	{ "TCP, identification wraps", 5,
	  { .mss = 1400, .payload = 7000, .id = 0xfffe } },
	{ "TCP, identification wraps at once", 3,
	  { .mss = 1400, .payload = 4000, .id = 0xffff } },
	{ "TCPv6, linear, exact multiple", 4,
	  { .v6 = true, .mss = 1300, .payload = 5200, .linear = 5200 } },
	{ "TCPv6, one byte", 1, { .v6 = true, .mss = 1300, .payload = 1 } },
	{ "TCPv6, odd segments over odd fragments", 7,
	  { .v6 = true, .mss = 1223, .payload = 7777, .linear = 101,
	    .frags = { 2447, 1, 1223, 3 }, .tcp_flags = TCP_ACK | TCP_PSH } },
	{ "TCPv6, all that 16 bits can count", 46,
	  { .v6 = true, .mss = 1440, .payload = 65535 - 32, .tcp_options = 12,
	    .frags = { 16383, 4097, 8191, 5001 }, .tcp_flags = TCP_ACK | TCP_FIN } },
	{ "UDP, linear, exact multiple", 4,
	  { .udp = true, .mss = 1200, .payload = 4800, .linear = 4800 } },
	{ "UDP, linear, one byte more", 5,
	  { .udp = true, .mss = 1200, .payload = 4801, .linear = 4801 } },
	{ "UDP, one byte", 1, { .udp = true, .mss = 1200, .payload = 1 } },
	{ "UDP, as long as a segment", 1, { .udp = true, .mss = 1200, .payload = 1200 } },
	{ "UDP, segments of a byte", 5,
	  { .udp = true, .mss = 1, .payload = 5, .linear = 2, .frags = { 1 } } },
	{ "UDP, odd segments over odd fragments", 9,
	  { .udp = true, .mss = 1231, .payload = 9999, .linear = 55,
	    .frags = { 1, 2461, 1233, 77 }, .id = 0xfffc } },
	{ "UDP, IPv4 options", 3,
	  { .udp = true, .mss = 1001, .payload = 3000, .linear = 3, .ip_options = 40 } },
	{ "UDP, all that 16 bits can count", 45,
	  { .udp = true, .mss = 1472, .payload = 65535 - 28,
	    .frags = { 16383, 4097, 8191, 5001 } } },
	{ "UDPv6, linear, exact multiple", 3,
	  { .v6 = true, .udp = true, .mss = 1232, .payload = 3696, .linear = 3696 } },
	{ "UDPv6, one byte", 1, { .v6 = true, .udp = true, .mss = 1232, .payload = 1 } },
	{ "UDPv6, odd segments over odd fragments", 8,
	  { .v6 = true, .udp = true, .mss = 1111, .payload = 7778, .linear = 1,
	    .frags = { 1110, 1, 2223, 1111 } } },
	{ "UDPv6, all that 16 bits can count", 46,
	  { .v6 = true, .udp = true, .mss = 1452, .payload = 65535 - 8, .linear = 999,
	    .frags = { 16383, 4097, 8191, 5001 } } },
};

KUNIT_ARRAY_PARAM_DESC(super_case, super_cases, desc);

static void segments_are_those_of_the_stack(struct kunit *test)
{
	const struct super_case *c = test->param_value;
	struct sk_buff *skb = iosm_kunit_skb(test, &c->spec);
	unsigned int alignment;
	struct iosm_packet packet;

	KUNIT_ASSERT_EQ(test, 0, iosm_packet_begin(&packet, skb));
	KUNIT_EXPECT_EQ(test, iosm_packet_count(&packet), c->datagrams);
	KUNIT_EXPECT_EQ(test, iosm_packet_bytes(&packet),
			c->spec.payload + c->datagrams * iosm_kunit_headers(&c->spec));
	consume_skb(skb);

	for (alignment = 0; alignment < ALIGNMENTS; alignment++)
		check_spec(test, &c->spec, alignment);
}

static u32 between(struct rnd_state *rnd, u32 low, u32 high)
{
	return low + prandom_u32_state(rnd) % (high - low + 1);
}

struct rounds {
	struct kunit *test;
	unsigned int round;
};

static void say_round(void *data)
{
	struct rounds *rounds = data;

	if (rounds->test->status == KUNIT_FAILURE)
		kunit_info(rounds->test, "round %u\n", rounds->round);
}

/* Layouts that nobody thought of, the same ones each time */
static void any_layout_is_cut_alike(struct kunit *test)
{
	struct rounds *rounds = kunit_kzalloc(test, sizeof(*rounds), GFP_KERNEL);
	struct rnd_state rnd;
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, rounds);
	rounds->test = test;
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action(test, say_round, rounds));
	prandom_seed_state(&rnd, 7560);
	for (; rounds->round < 250; rounds->round++) {
		struct iosm_kunit_packet spec = { .seed = rounds->round };

		spec.v6 = between(&rnd, 0, 1);
		spec.udp = between(&rnd, 0, 1);
		if (!spec.v6)
			spec.ip_options = 4 * between(&rnd, 0, 10);
		if (!spec.udp)
			spec.tcp_options = 4 * between(&rnd, 0, 10);
		spec.tcp_flags = between(&rnd, 0, 0x7f) & ~0x04;
		spec.id = between(&rnd, 0xfff0, 0xffff);
		spec.mss = between(&rnd, 1, 2000);
		spec.payload = between(&rnd, 1, 12) * spec.mss + between(&rnd, 0, 2) - 1;
		spec.payload = max(spec.payload, 1U);
		if (between(&rnd, 0, 1))
			spec.linear = between(&rnd, 0, spec.payload);
		for (i = 0; i < IOSM_KUNIT_FRAGS; i++)
			spec.frags[i] = spec.payload / 12 + between(&rnd, 0, 2 * spec.mss);
		spec.frags[0]++;
		spec.frags[1] += spec.payload / 4;
		check_spec(test, &spec, between(&rnd, 0, ALIGNMENTS - 1));
	}
}

/* Adds to the payload of a datagram what makes its checksum come out as zero. */
static void make_sum_zero(struct kunit *test, struct sk_buff *skb,
			  const struct iosm_kunit_packet *spec, unsigned int nth)
{
	u32 where = iosm_kunit_headers(spec) + nth * spec->mss;
	struct sk_buff_head *list = iosm_kunit_datagrams(test, skb);
	struct sk_buff *datagram = skb_peek(list);
	u16 check, word;

	while (nth--)
		datagram = skb_peek_next(datagram, list);
	KUNIT_ASSERT_NOT_NULL(test, datagram);
	check = get_unaligned((u16 *)(datagram->data + skb_transport_offset(skb) +
				      skb->csum_offset));
	word = get_unaligned((u16 *)(skb->data + where));
	put_unaligned((__force u16)csum16_add((__force __sum16)word,
					      (__force __be16)check),
		      (u16 *)(skb->data + where));
}

static const struct super_case zero_cases[] = {
	{ "UDP", 3, { .udp = true, .mss = 1200, .payload = 3600, .linear = 3600 } },
	{ "UDPv6", 3, { .udp = true, .v6 = true, .mss = 1200, .payload = 3600,
			.linear = 3600 } },
	{ "TCP", 3, { .mss = 1200, .payload = 3600, .linear = 3600 } },
	{ "UDP that is no super-packet", 1,
	  { .udp = true, .payload = 1200, .linear = 1200 } },
};

KUNIT_ARRAY_PARAM_DESC(zero_case, zero_cases, desc);

/* In UDP a sum of zero says that there is none, so that its other form is sent. */
static void sum_of_zero_is_a_sum(struct kunit *test)
{
	const struct super_case *c = test->param_value;
	struct sk_buff *skb = iosm_kunit_skb(test, &c->spec);
	struct room room = make_room(test);
	struct iosm_packet packet;
	unsigned int nth;

	for (nth = 0; nth < c->datagrams; nth++)
		make_sum_zero(test, skb, &c->spec, nth);
	expect_as_the_stack(test, skb, 0);

	KUNIT_ASSERT_EQ(test, 0, iosm_packet_begin(&packet, skb));
	for (nth = 0; nth < c->datagrams; nth++) {
		write_next(test, &packet, &room, 0);
		KUNIT_EXPECT_EQ(test, c->spec.udp ? 0xffff : 0,
				get_unaligned_be16(room.to + skb_transport_offset(skb) +
						   skb->csum_offset));
	}
	consume_skb(skb);
}

/* ---- Packets that are one datagram ---- */

struct plain_case {
	const char *desc;
	bool summed;	/* the stack has made the checksum */
	struct iosm_kunit_packet spec;
};

static const struct plain_case plain_cases[] = {
	{ "headers only", false, {} },
	{ "headers only, with its sum", true, {} },
	{ "linear", false, { .payload = 1400, .linear = 1400 } },
	{ "linear, odd", false, { .payload = 1399, .linear = 1399 } },
	{ "linear, with its sum", true, { .payload = 1401, .linear = 1401 } },
	{ "a byte", false, { .udp = true, .payload = 1, .linear = 1 } },
	{ "a byte in a fragment", false, { .udp = true, .payload = 1 } },
	{ "fragments", false, { .payload = 1400, .frags = { 700, 700 } } },
	{ "fragments, with its sum", true, { .payload = 1400, .frags = { 701, 699 } } },
	{ "odd fragments", false,
	  { .payload = 2001, .linear = 101, .frags = { 1, 3, 501, 77 } } },
	{ "options", false,
	  { .payload = 1001, .linear = 3, .ip_options = 40, .tcp_options = 40,
	    .frags = { 333 } } },
	{ "UDP", false, { .udp = true, .payload = 1472, .linear = 1472 } },
	{ "IPv6", false, { .v6 = true, .payload = 1234, .linear = 111, .frags = { 17, 801 } } },
	{ "IPv6 with extension headers", false,
	  { .v6 = true, .udp = true, .ip_options = 24, .payload = 1001, .linear = 5 } },
	{ "longest", false,
	  { .payload = 65535 - 40, .frags = { 8191, 4097, 16383, 5001 } } },
};

KUNIT_ARRAY_PARAM_DESC(plain_case, plain_cases, desc);

static void plain_packet_is_finished(struct kunit *test)
{
	const struct plain_case *c = test->param_value;
	unsigned int alignment;

	for (alignment = 0; alignment < ALIGNMENTS; alignment++) {
		struct sk_buff *skb = iosm_kunit_skb(test, &c->spec);

		if (c->summed)
			skb->ip_summed = CHECKSUM_NONE;
		expect_as_the_stack(test, skb, alignment);
		consume_skb(skb);
	}
}

/* ---- What is refused ---- */

struct refused_case {
	const char *desc;
	struct iosm_kunit_packet spec;
	unsigned int gso_type;	/* instead of the right one */
	u32 shorter;		/* the packet ends earlier, bytes */
	u32 pulled;		/* so much of the headers is in a fragment, bytes */
};

static const struct refused_case refused_cases[] = {
	{ "UFO", { .udp = true, .mss = 1000, .payload = 3000, .linear = 3000 },
	  .gso_type = SKB_GSO_UDP },
	{ "SCTP", { .udp = true, .mss = 1000, .payload = 3000, .linear = 3000 },
	  .gso_type = SKB_GSO_SCTP },
	{ "ESP", { .udp = true, .mss = 1000, .payload = 3000, .linear = 3000 },
	  .gso_type = SKB_GSO_ESP },
	{ "a list of fragments", { .mss = 1000, .payload = 3000, .linear = 3000 },
	  .gso_type = SKB_GSO_FRAGLIST },
	{ "no kind at all", { .mss = 1000, .payload = 3000, .linear = 3000 },
	  .gso_type = SKB_GSO_DODGY },
	{ "TCP with CWR", { .mss = 1000, .payload = 3000, .linear = 3000 },
	  .gso_type = SKB_GSO_TCPV4 | SKB_GSO_TCP_ECN },
	{ "TCP with one identification", { .mss = 1000, .payload = 3000, .linear = 3000 },
	  .gso_type = SKB_GSO_TCPV4 | SKB_GSO_TCP_FIXEDID },
	{ "TCP in GRE", { .mss = 1000, .payload = 3000, .linear = 3000 },
	  .gso_type = SKB_GSO_TCPV4 | SKB_GSO_GRE },
	{ "TCP headers only", { .mss = 1000, .payload = 3000, .linear = 3000 },
	  .shorter = 3000 },
	{ "UDPv6 headers only",
	  { .v6 = true, .udp = true, .mss = 1000, .payload = 3000, .linear = 3000 },
	  .shorter = 3000 },
	{ "TCP headers not whole", { .mss = 1000, .payload = 3000 }, .pulled = 1 },
	{ "UDP headers not whole", { .udp = true, .mss = 1000, .payload = 3000 },
	  .pulled = 1 },
	{ "TCPv6 headers not whole",
	  { .v6 = true, .mss = 1000, .payload = 3000, .tcp_options = 12 }, .pulled = 11 },
	{ "headers too long",
	  { .v6 = true, .mss = 1000, .payload = 3000, .linear = 3000, .ip_options = 64,
	    .tcp_options = 40 } },
};

KUNIT_ARRAY_PARAM_DESC(refused_case, refused_cases, desc);

/* Moves the end of the linear part into the page that follows it. */
static void shorten_linear(struct sk_buff *skb, u32 bytes)
{
	skb_frag_t *frag = &skb_shinfo(skb)->frags[0];

	skb_set_tail_pointer(skb, skb_headlen(skb) - bytes);
	skb_frag_off_add(frag, -(int)bytes);
	skb_frag_size_add(frag, bytes);
	skb->data_len += bytes;
}

static void impossible_packet_is_refused(struct kunit *test)
{
	const struct refused_case *c = test->param_value;
	struct sk_buff *skb = iosm_kunit_skb(test, &c->spec);
	struct iosm_packet packet;

	if (c->gso_type)
		skb_shinfo(skb)->gso_type = c->gso_type;
	if (c->pulled) {
		/* room for them in front of the fragment */
		skb_frag_off_add(&skb_shinfo(skb)->frags[0], 32);
		shorten_linear(skb, c->pulled);
	}
	skb_trim(skb, skb->len - c->shorter);
	KUNIT_EXPECT_EQ(test, iosm_packet_begin(&packet, skb), -EINVAL);
	consume_skb(skb);
}

static void empty_packet_is_refused(struct kunit *test)
{
	struct sk_buff *skb = alloc_skb(64, GFP_KERNEL);
	struct iosm_packet packet;

	KUNIT_ASSERT_NOT_NULL(test, skb);
	KUNIT_EXPECT_EQ(test, iosm_packet_begin(&packet, skb), -EINVAL);
	consume_skb(skb);
}

/* ---- Features ---- */

struct features_case {
	const char *desc;
	struct iosm_kunit_packet spec;
	bool encapsulation;
	bool keeps;
};

static const struct features_case features_cases[] = {
	{ "TCP", { .mss = 1000, .payload = 3000 }, .keeps = true },
	{ "UDP", { .udp = true, .mss = 1000, .payload = 3000 }, .keeps = true },
	{ "TCPv6", { .v6 = true, .mss = 1000, .payload = 3000 }, .keeps = true },
	{ "UDPv6", { .v6 = true, .udp = true, .mss = 1000, .payload = 3000 },
	  .keeps = true },
	{ "TCP, IPv4 options", { .mss = 1000, .payload = 3000, .ip_options = 40 },
	  .keeps = true },
	{ "TCPv6, extension headers",
	  { .v6 = true, .mss = 1000, .payload = 3000, .ip_options = 8 } },
	{ "UDPv6, extension headers",
	  { .v6 = true, .udp = true, .mss = 1000, .payload = 3000, .ip_options = 24 } },
	{ "TCP in a tunnel", { .mss = 1000, .payload = 3000 }, .encapsulation = true },
	{ "UDPv6 in a tunnel", { .v6 = true, .udp = true, .mss = 1000, .payload = 3000 },
	  .encapsulation = true },
	{ "no super-packet", { .payload = 3000 }, .keeps = true },
	{ "no super-packet, extension headers",
	  { .v6 = true, .payload = 1000, .ip_options = 8 }, .keeps = true },
	{ "no super-packet, in a tunnel", { .payload = 1000 }, .encapsulation = true,
	  .keeps = true },
};

KUNIT_ARRAY_PARAM_DESC(features_case, features_cases, desc);

static void segmentation_is_for_plain_headers(struct kunit *test)
{
	const struct features_case *c = test->param_value;
	struct sk_buff *skb = iosm_kunit_skb(test, &c->spec);
	netdev_features_t all = IOSM_PACKET_FEATURES | NETIF_F_HIGHDMA;
	netdev_features_t features;

	skb->encapsulation = c->encapsulation;
	features = iosm_packet_features(skb, all);
	if (c->keeps)
		KUNIT_EXPECT_EQ(test, features, all);
	else
		KUNIT_EXPECT_EQ(test, features,
				NETIF_F_SG | NETIF_F_HW_CSUM | NETIF_F_HIGHDMA);
	/* never more than before */
	KUNIT_EXPECT_EQ(test, 0, iosm_packet_features(skb, 0));
	consume_skb(skb);
}

/* The stack hands over just the kinds that are taken. */
static void announced_kinds_are_taken(struct kunit *test)
{
	static const struct iosm_kunit_packet specs[] = {
		{ .mss = 1000, .payload = 3000 },
		{ .udp = true, .mss = 1000, .payload = 3000 },
		{ .v6 = true, .mss = 1000, .payload = 3000 },
		{ .v6 = true, .udp = true, .mss = 1000, .payload = 3000 },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(specs); i++) {
		struct sk_buff *skb = iosm_kunit_skb(test, &specs[i]);
		struct iosm_packet packet;

		KUNIT_EXPECT_TRUE(test, skb_gso_ok(skb, IOSM_PACKET_FEATURES));
		KUNIT_EXPECT_EQ(test, 0, iosm_packet_begin(&packet, skb));
		/* from a guest; the stack has looked at it then */
		skb_shinfo(skb)->gso_type |= SKB_GSO_DODGY;
		KUNIT_EXPECT_EQ(test, 0, iosm_packet_begin(&packet, skb));
		consume_skb(skb);
	}
}

static struct kunit_case iosm_packet_cases[] = {
	KUNIT_CASE_PARAM(segments_are_those_of_the_stack, super_case_gen_params),
	KUNIT_CASE(any_layout_is_cut_alike),
	KUNIT_CASE_PARAM(sum_of_zero_is_a_sum, zero_case_gen_params),
	KUNIT_CASE_PARAM(plain_packet_is_finished, plain_case_gen_params),
	KUNIT_CASE_PARAM(impossible_packet_is_refused, refused_case_gen_params),
	KUNIT_CASE(empty_packet_is_refused),
	KUNIT_CASE_PARAM(segmentation_is_for_plain_headers, features_case_gen_params),
	KUNIT_CASE(announced_kinds_are_taken),
	{}
};

static struct kunit_suite iosm_packet_suite = {
	.name = "iosm_packet",
	.test_cases = iosm_packet_cases,
};

kunit_test_suite(iosm_packet_suite);
