// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of the multiplexer: packets and super-packets on their way to the modem
 * (protocol.rst 5.4, 5.5).
 */

#include <linux/skbuff.h>
#include <linux/unaligned.h>
#include <net/checksum.h>

#include "iosm_kunit_skb.h"
#include "iosm_mux_fixture.h"

KUNIT_ARRAY_PARAM_DESC(variant, iosm_rig_variants, desc);

/* ---- Uplink data ---- */

static void packet_goes_at_once(struct kunit *test)
{
	struct iosm_rig *t = iosm_rig_create(test);
	const struct iosm_rig_transfer *transfer;

	iosm_rig_must_open(t, 5);
	iosm_rig_uplink_forget(t);
	KUNIT_EXPECT_EQ(test, iosm_rig_send(t, 5, 40), 0);
	KUNIT_ASSERT_EQ(test, t->ul_count, 1);
	KUNIT_EXPECT_EQ(test, iosm_fake_count_bells(t->fake, IOSM_DB_HEAD, 4), 1);
	transfer = &t->ul[0];
	if (iosm_rig_aggr(t)) {
		/* 16 bytes header, 16 padding, 40 packet, tables of 24 and 20 */
		KUNIT_EXPECT_EQ(test, transfer->len, 16 + 56 + 24 + 20);
		KUNIT_EXPECT_MEMEQ(test, transfer->data, "ADBH", 4);
		KUNIT_EXPECT_EQ(test, transfer->data[72 + 6], 5);
		KUNIT_EXPECT_EQ(test, get_unaligned_le16(transfer->data + 72 + 20), 56);
		KUNIT_EXPECT_EQ(test, transfer->data[32], 0x45);
		KUNIT_EXPECT_EQ(test, transfer->data[71], 0x65);
	} else {
		KUNIT_EXPECT_EQ(test, transfer->len, 56);
		KUNIT_EXPECT_MEMEQ(test, transfer->data, "ADGH", 4);
		KUNIT_EXPECT_EQ(test, get_unaligned_le16(transfer->data + 4), 56);
		KUNIT_EXPECT_EQ(test, transfer->data[6], 5);
		KUNIT_EXPECT_EQ(test, transfer->data[16], 0x45);
		KUNIT_EXPECT_EQ(test, transfer->data[55], 0x65);
	}
	KUNIT_EXPECT_EQ(test, t->links[5].sent_bytes, 40);
	KUNIT_EXPECT_EQ(test, t->links[5].completed_packets, 1);
	KUNIT_EXPECT_EQ(test, t->links[5].completed_bytes, 40);
}

static void head_padding_is_as_agreed(struct kunit *test)
{
	struct iosm_rig *t = iosm_rig_create(test);

	t->answers.pad = 20;
	iosm_rig_must_open(t, 0);
	iosm_rig_uplink_forget(t);
	KUNIT_EXPECT_EQ(test, iosm_rig_send(t, 0, 41), 0);
	KUNIT_ASSERT_EQ(test, t->ul_count, 1);
	KUNIT_EXPECT_EQ(test, get_unaligned_le32(t->ul[0].data + 16), 0);
	KUNIT_EXPECT_EQ(test, t->ul[0].data[20], 0x45);
	KUNIT_EXPECT_EQ(test, iosm_mux_max_mtu(t->mux, 0), iosm_rig_aggr(t) ? 16320 : 2028);
	KUNIT_EXPECT_EQ(test, iosm_rig_send(t, 0, iosm_mux_max_mtu(t->mux, 0)), 0);
	KUNIT_EXPECT_EQ(test, iosm_rig_send(t, 0, iosm_mux_max_mtu(t->mux, 0) + 1),
			-EMSGSIZE);
}

static void impossible_packets_are_dropped(struct kunit *test)
{
	struct iosm_rig *t = iosm_rig_create(test);
	struct sk_buff *empty = alloc_skb(16, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, empty);
	iosm_rig_must_open(t, 0);
	iosm_rig_uplink_forget(t);
	KUNIT_EXPECT_EQ(test, iosm_rig_give(t, 0, empty, false), -EINVAL);
	KUNIT_EXPECT_EQ(test, iosm_rig_send(t, 0, 40000), -EMSGSIZE);
	KUNIT_EXPECT_EQ(test, iosm_rig_send(t, 1, 40), -ENOLINK);
	KUNIT_EXPECT_EQ(test, t->ul_count, 0);
	KUNIT_EXPECT_EQ(test, t->links[0].sent_packets, 0);
}

/* 5.4, 5.5.2: the low eight bits of the priority, of each packet in a block */
static void priority_is_the_service_class(struct kunit *test)
{
	static const u32 priority[] = { 0, 1, 7, 0x80, 0xff, 0x100, 0x10006 };
	static const u8 service_class[] = { 0, 1, 7, 0x80, 0xff, 0, 6 };
	struct iosm_rig *t = iosm_rig_create(test);
	struct sk_buff *skb;
	unsigned int i;

	iosm_rig_must_open(t, 2);
	t->keep = true;
	for (i = 0; i < ARRAY_SIZE(priority); i++) {
		skb = iosm_rig_packet(t, 100, i);
		skb->priority = priority[i];
		KUNIT_EXPECT_EQ(test, 0,
				iosm_rig_give(t, 2, skb, i + 1 < ARRAY_SIZE(priority)));
	}
	KUNIT_ASSERT_EQ(test, skb_queue_len(&t->arrived[2]), ARRAY_SIZE(priority));
	i = 0;
	skb_queue_walk(&t->arrived[2], skb)
		KUNIT_EXPECT_EQ(test, skb->priority, service_class[i++]);
}

static const u8 *payload(struct iosm_rig *t, unsigned int nth)
{
	return t->ul[nth].data + (iosm_rig_aggr(t) ? 32 : 16);
}

static void fragments_are_copied(struct kunit *test)
{
	struct iosm_rig *t = iosm_rig_create(test);
	struct sk_buff *skb = iosm_rig_packet(t, 28, 1);
	struct page *page = alloc_page(GFP_KERNEL);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, page);
	for (i = 0; i < 1000; i++)
		((u8 *)page_address(page))[100 + i] = i * 7;
	skb_add_rx_frag(skb, 0, page, 100, 1000, PAGE_SIZE);
	iosm_rig_must_open(t, 0);
	iosm_rig_uplink_forget(t);
	KUNIT_EXPECT_EQ(test, iosm_rig_give(t, 0, skb, false), 0);
	KUNIT_ASSERT_EQ(test, t->ul_count, 1);
	for (i = 0; i < 1000; i++)
		KUNIT_ASSERT_EQ(test, payload(t, 0)[28 + i], (u8)(i * 7));
}

struct sum_case {
	const char *desc;
	u32 caps;
	u16 start;
	u16 offset;
	u32 length;
	u32 frag;
	bool zero;	/* the sum of the data comes out as zero */
};

static const struct sum_case sum_cases[] = {
	{ "lite TCP", 0, 20, 16, 900, 0, false },
	{ "lite TCP in fragments", 0, 20, 16, 901, 700, false },
	{ "lite UDP that sums up to zero", 0, 20, 6, 40, 0, true },
	{ "aggregation UDP", IOSM_RIG_AGGR, 40, 6, 1401, 0, false },
	{ "aggregation TCP in fragments", IOSM_RIG_AGGR, 40, 16, 1333, 1000, false },
	{ "aggregation UDP that sums up to zero", IOSM_RIG_AGGR, 40, 6, 60, 0, true },
};

KUNIT_ARRAY_PARAM_DESC(sum_case, sum_cases, desc);

static void checksum_is_made_on_the_way(struct kunit *test)
{
	const struct sum_case *c = test->param_value;
	struct iosm_rig *t = iosm_rig_create_caps(test, c->caps, 16);
	u32 linear = c->length - c->frag;
	struct sk_buff *skb = iosm_rig_packet(t, linear, 0x11);
	const u8 *sent;
	__sum16 sum;

	/* the stack leaves the folded sum of the pseudo header in the field */
	put_unaligned_le16(c->zero ? 0 : 0x1234, skb->data + c->start + c->offset);
	if (c->zero) {
		memset(skb->data + c->start, 0, c->length - c->start);
		put_unaligned_le16(0xffff, skb->data + c->start + c->offset);
	}
	if (c->frag) {
		struct page *page = alloc_page(GFP_KERNEL);

		KUNIT_ASSERT_NOT_NULL(test, page);
		memset(page_address(page), 0x77, PAGE_SIZE);
		skb_add_rx_frag(skb, 0, page, 1, c->frag, PAGE_SIZE);
	}
	skb->ip_summed = CHECKSUM_PARTIAL;
	skb->csum_start = skb->data + c->start - skb->head;
	skb->csum_offset = c->offset;

	iosm_rig_must_open(t, 0);
	iosm_rig_uplink_forget(t);
	KUNIT_EXPECT_EQ(test, iosm_rig_give(t, 0, skb, false), 0);
	KUNIT_ASSERT_EQ(test, t->ul_count, 1);
	sent = payload(t, 0);
	if (c->zero) {
		KUNIT_EXPECT_EQ(test, 0xffff,
				get_unaligned_le16(sent + c->start + c->offset));
		return;
	}
	/* data and checksum add up to the complement of the pseudo header's sum */
	sum = csum_fold(csum_partial(sent + c->start, c->length - c->start, 0));
	KUNIT_EXPECT_EQ(test, (__force u16)sum, (__force u16)cpu_to_le16(0x1234));
}

static void more_packets_share_a_doorbell(struct kunit *test)
{
	struct iosm_rig *t = iosm_rig_create(test);
	int i;

	iosm_rig_must_open(t, 0);
	iosm_rig_uplink_forget(t);
	for (i = 0; i < 5; i++)
		KUNIT_EXPECT_EQ(test, iosm_rig_give(t, 0, iosm_rig_packet(t, 100, i), true),
				0);
	KUNIT_EXPECT_EQ(test, t->ul_count, 0);
	IOSM_FAKE_EXPECT_NO_BELL(t->fake);
	KUNIT_EXPECT_EQ(test, iosm_rig_give(t, 0, iosm_rig_packet(t, 100, i), false), 0);
	KUNIT_EXPECT_EQ(test, t->ul_count, iosm_rig_aggr(t) ? 1 : 6);
	KUNIT_EXPECT_EQ(test, t->fake->bell_count, 1);
	KUNIT_EXPECT_EQ(test, t->links[0].completed_packets, 6);
}

/* The last packet of a burst is dropped: the others must not wait for it. */
static void dropped_packet_ends_a_burst(struct kunit *test)
{
	struct iosm_rig *t = iosm_rig_create(test);

	iosm_rig_must_open(t, 0);
	iosm_rig_uplink_forget(t);
	KUNIT_EXPECT_EQ(test, iosm_rig_give(t, 0, iosm_rig_packet(t, 100, 1), true), 0);
	KUNIT_EXPECT_EQ(test, iosm_rig_give(t, 0, iosm_rig_packet(t, 40000, 1), true),
			-EMSGSIZE);
	KUNIT_EXPECT_EQ(test, t->ul_count, 1);
}

static void batches_form_under_load(struct kunit *test)
{
	struct iosm_rig *t = iosm_rig_create(test);
	unsigned int i;

	iosm_rig_must_open(t, 0);
	iosm_rig_lazy(t);
	iosm_rig_uplink_forget(t);
	for (i = 0; i < 10; i++)
		KUNIT_EXPECT_EQ(test, iosm_rig_send(t, 0, 100), 0);
	/*
	 * Aggregation: one went at once, the others wait for it. Lite:
	 * rung for at 1, 2, 3, 5 and 8 transfers, half as many as were known each time.
	 */
	KUNIT_EXPECT_EQ(test, t->fake->bell_count, iosm_rig_aggr(t) ? 1 : 5);
	KUNIT_EXPECT_EQ(test, iosm_fake_posted(t->fake, IOSM_RIG_UL),
			iosm_rig_aggr(t) ? 1 : 8);
	iosm_rig_take(t, iosm_rig_aggr(t) ? 1 : 4);
	KUNIT_EXPECT_EQ(test, t->fake->bell_count, iosm_rig_aggr(t) ? 2 : 6);
	KUNIT_EXPECT_EQ(test, iosm_fake_posted(t->fake, IOSM_RIG_UL),
			iosm_rig_aggr(t) ? 1 : 6);
	iosm_rig_take_all(t);
	KUNIT_EXPECT_EQ(test, t->links[0].completed_packets, 10);
	KUNIT_EXPECT_EQ(test, t->links[0].completed_bytes, 1000);
	KUNIT_EXPECT_EQ(test, iosm_fake_posted(t->fake, IOSM_RIG_UL), 0);
	if (iosm_rig_aggr(t))
		KUNIT_EXPECT_EQ(test, iosm_rig_uplink_count(t, "ADBH"), 2);
}

/* Lite: what waits for a doorbell is bounded. */
static void long_batch_is_rung(struct kunit *test)
{
	struct iosm_rig *t = iosm_rig_create_caps(test, 0, 0);
	struct iosm_mux_tuning tuning;
	unsigned int i;

	iosm_mux_get_tuning(t->mux, &tuning);
	tuning.batch = 4;
	KUNIT_ASSERT_EQ(test, iosm_mux_set_tuning(t->mux, &tuning), 0);
	iosm_rig_must_open(t, 0);
	iosm_rig_lazy(t);
	iosm_rig_uplink_forget(t);
	/* at 1, 2, 3, 5, 8, and then at every fourth */
	for (i = 0; i < 8 + 4 + 4 + 3; i++)
		KUNIT_EXPECT_EQ(test, iosm_rig_send(t, 0, 100), 0);
	KUNIT_EXPECT_EQ(test, t->fake->bell_count, 5 + 2);
	KUNIT_EXPECT_EQ(test, iosm_fake_posted(t->fake, IOSM_RIG_UL), 16);
}

static void full_block_is_posted(struct kunit *test)
{
	struct iosm_rig *t = iosm_rig_create_caps(test, IOSM_RIG_AGGR, 0);
	unsigned int i;

	iosm_rig_must_open(t, 0);
	iosm_rig_lazy(t);
	iosm_rig_uplink_forget(t);
	for (i = 0; i < 1 + 11; i++)
		KUNIT_EXPECT_EQ(test, iosm_rig_send(t, 0, 1500), 0);
	KUNIT_EXPECT_EQ(test, iosm_fake_posted(t->fake, IOSM_RIG_UL), 2);
	iosm_rig_take_all(t);
	KUNIT_EXPECT_EQ(test, t->links[0].completed_packets, 12);
}

static void sessions_share_a_block(struct kunit *test)
{
	struct iosm_rig *t = iosm_rig_create_caps(test, IOSM_RIG_AGGR, 0);
	const struct iosm_rig_transfer *block;
	u8 s;

	for (s = 0; s < IOSM_MUX_SESSIONS; s++)
		iosm_rig_must_open(t, s);
	iosm_rig_lazy(t);
	iosm_rig_uplink_forget(t);
	KUNIT_EXPECT_EQ(test, iosm_rig_send(t, 0, 40), 0);
	t->links[5].backlog = 12345;
	for (s = 0; s < IOSM_MUX_SESSIONS; s++)
		KUNIT_EXPECT_EQ(test, iosm_rig_send(t, s, 40), 0);
	iosm_rig_take_all(t);
	KUNIT_ASSERT_EQ(test, iosm_rig_uplink_count(t, "ADBH"), 2);
	block = iosm_rig_uplink(t, "ADBH", 1);
	KUNIT_EXPECT_EQ(test, block->len, 16 + 8 * (40 + 24 + 20));
	/* queue level of session 5, in bytes (Q41) */
	KUNIT_EXPECT_EQ(test, 12345, get_unaligned_le32(block->data + 16 + 8 * 40 +
							5 * 44 + 24 + 16));
	for (s = 0; s < IOSM_MUX_SESSIONS; s++)
		KUNIT_EXPECT_EQ(test, t->links[s].completed_packets, s ? 1 : 2);
}

/* All that it sent has completed, and its queue has more: it must find room. */
static void backlog_competes(struct kunit *test)
{
	struct iosm_rig *t = iosm_rig_create(test);
	unsigned int i;

	iosm_rig_must_open(t, 0);
	iosm_rig_must_open(t, 1);
	iosm_rig_lazy(t);
	t->links[1].backlog = 5000;
	for (i = 0; i < 1000 && !t->links[0].stopped; i++)
		KUNIT_ASSERT_EQ(test, iosm_rig_send(t, 0, 1400), 0);
	KUNIT_EXPECT_GE(test, t->links[0].sent_bytes, IOSM_RIG_CAPACITY / 2 - 1400);
	KUNIT_EXPECT_LE(test, t->links[0].sent_bytes, IOSM_RIG_CAPACITY / 2 + 1400);
	t->links[1].backlog = 0;
	iosm_rig_take_all(t);
	KUNIT_EXPECT_FALSE(test, t->links[0].stopped);
}

/* protocol.rst 5.8 (b) */
static void too_much_on_its_way_stops_the_links(struct kunit *test)
{
	struct iosm_rig *t = iosm_rig_create(test);
	unsigned int sent = 0;

	iosm_rig_must_open(t, 0);
	iosm_rig_must_open(t, 1);
	iosm_rig_lazy(t);
	while (!t->links[0].stopped && sent < 1000) {
		KUNIT_ASSERT_EQ(test, iosm_rig_send(t, 0, 1400), 0);
		sent++;
	}
	KUNIT_EXPECT_GE(test, sent * 1400, IOSM_RIG_THRESHOLD - 16384);
	KUNIT_EXPECT_LE(test, sent * 1400, IOSM_RIG_THRESHOLD + 16384);
	KUNIT_EXPECT_EQ(test, iosm_rig_stats(t)->ul_congested, 1);

	/* the other link finds out with its next packet, which is kept */
	KUNIT_EXPECT_FALSE(test, t->links[1].stopped);
	KUNIT_EXPECT_EQ(test, iosm_rig_send(t, 1, 1400), 0);
	KUNIT_EXPECT_TRUE(test, t->links[1].stopped);
	KUNIT_EXPECT_EQ(test, t->links[1].sent_packets, 0);
	KUNIT_EXPECT_EQ(test, iosm_rig_send(t, 1, 1400), -ENOBUFS);

	iosm_rig_take_all(t);
	KUNIT_EXPECT_FALSE(test, t->links[0].stopped);
	KUNIT_EXPECT_FALSE(test, t->links[1].stopped);
	KUNIT_EXPECT_EQ(test, t->links[0].completed_packets, sent);
	KUNIT_EXPECT_EQ(test, t->links[1].completed_packets, 1);
}

/* Small packets use up buffers before they use up bytes. */
static void no_buffer_stops_a_link(struct kunit *test)
{
	struct iosm_rig *t = iosm_rig_create_caps(test, 0, 0);
	unsigned int sent = 0;

	iosm_rig_must_open(t, 0);
	iosm_rig_lazy(t);
	while (!t->links[0].stopped && sent < 1000) {
		KUNIT_ASSERT_EQ(test, iosm_rig_send(t, 0, 40), 0);
		sent++;
	}
	KUNIT_EXPECT_EQ(test, sent, IOSM_RIG_LITE_BUFFERS);
	KUNIT_EXPECT_EQ(test, iosm_rig_stats(t)->ul_congested, 0);
	iosm_rig_take_all(t);
	KUNIT_EXPECT_FALSE(test, t->links[0].stopped);
	KUNIT_EXPECT_EQ(test, t->links[0].completed_packets, sent);
}

/* ---- Super-packets ---- */

struct super_case {
	const char *desc;
	u32 caps;
	u32 pad;
	struct iosm_kunit_packet spec;
};

static const struct super_case super_cases[] = {
	{ "lite, TCP", 0, 0, { .mss = 1400, .payload = 65000, .linear = 700 } },
	{ "lite, TCP, longest segments", 0, 0, { .mss = 1992, .payload = 9999 } },
	{ "lite, UDP, padding", 0, 20,
	  { .udp = true, .mss = 1001, .payload = 33333, .frags = { 4097, 8191 } } },
	{ "lite, UDP, more segments than buffers", 0, 0,
	  { .udp = true, .mss = 101, .payload = 40001, .frags = { 4097, 8191 } } },
	{ "lite, TCPv6", 0, 0, { .v6 = true, .mss = 1333, .payload = 20001 } },
	{ "aggregation, TCP", IOSM_RIG_AGGR, 16, { .mss = 1400, .payload = 65000, .linear = 700 } },
	{ "aggregation, TCP, segments that fill a block", IOSM_RIG_AGGR, 16,
	  { .mss = 16268, .payload = 65000 } },
	{ "aggregation, TCP, odd sizes", IOSM_RIG_AGGR, 20,
	  { .mss = 1111, .payload = 55555, .frags = { 8191, 4097, 8193, 16383 } } },
	{ "aggregation, UDP, more segments than in a block", IOSM_RIG_AGGR, 0,
	  { .udp = true, .mss = 1, .payload = 600, .linear = 600 } },
	{ "aggregation, UDPv6", IOSM_RIG_AGGR, 16,
	  { .v6 = true, .udp = true, .mss = 1232, .payload = 30001 } },
};

KUNIT_ARRAY_PARAM_DESC(super_case, super_cases, desc);

static void super_packet_arrives_in_segments(struct kunit *test)
{
	const struct super_case *c = test->param_value;
	struct iosm_rig *t = iosm_rig_create_caps(test, c->caps, c->pad);
	struct sk_buff *skb = iosm_kunit_skb(test, &c->spec);
	struct sk_buff_head *expected = iosm_kunit_datagrams(test, skb);
	u32 count = skb_queue_len(expected);

	iosm_rig_must_open(t, 3);
	t->keep = true;
	KUNIT_EXPECT_EQ(test, iosm_rig_give(t, 3, skb, false), 0);
	iosm_rig_settle(t);
	KUNIT_EXPECT_FALSE(test, t->links[3].stopped);
	KUNIT_EXPECT_EQ(test, t->links[3].sent_packets, count);
	KUNIT_EXPECT_EQ(test, t->links[3].sent_bytes,
			c->spec.payload + count * iosm_kunit_headers(&c->spec));
	KUNIT_EXPECT_EQ(test, iosm_rig_stats(t)->ul_datagrams, count);
	iosm_rig_expect_balance(t, 3);
	iosm_rig_expect_arrived(t, 3, expected);
}

/* A lone packet behind one that was cut, in one burst with it */
static void packets_keep_their_order(struct kunit *test)
{
	struct iosm_rig *t = iosm_rig_create(test);
	struct sk_buff_head *expected, *more;
	struct sk_buff *skb;
	unsigned int i;

	iosm_rig_must_open(t, 0);
	t->keep = true;
	iosm_rig_lazy(t);
	expected = kunit_kzalloc(test, sizeof(*expected), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, expected);
	__skb_queue_head_init(expected);
	for (i = 0; i < 40; i++) {
		skb = i % 2 ? iosm_rig_packet(t, 100 + i, i) :
			      iosm_rig_super(t, 500, 1000 + 777 * i);
		more = iosm_kunit_datagrams(test, skb);
		skb_queue_splice_tail_init(more, expected);
		KUNIT_ASSERT_EQ(test, iosm_rig_give(t, 0, skb, i % 4 != 3), 0);
		if (t->links[0].stopped)
			iosm_rig_take_all(t);
		KUNIT_ASSERT_FALSE(test, t->links[0].stopped);
	}
	iosm_rig_take_all(t);
	iosm_rig_expect_balance(t, 0);
	iosm_rig_expect_arrived(t, 0, expected);
	__skb_queue_purge(expected);
}

/* ---- Reasons to stop in the middle of a super-packet ---- */

enum reason {
	BY_CREDITS,
	BY_BUFFERS,
	BY_THRESHOLD,
	BY_SHARE,
};

struct reason_case {
	const char *desc;
	u32 caps;
	enum reason reason;
};

static const struct reason_case reason_cases[] = {
	{ "lite, credits", IOSM_RIG_CREDITS, BY_CREDITS },
	{ "lite, buffers", 0, BY_BUFFERS },
	{ "lite, threshold", 0, BY_THRESHOLD },
	{ "lite, share", 0, BY_SHARE },
	{ "lite, share, with credits", IOSM_RIG_CREDITS, BY_SHARE },
	{ "aggregation, buffers", IOSM_RIG_AGGR, BY_BUFFERS },
	{ "aggregation, threshold", IOSM_RIG_AGGR, BY_THRESHOLD },
	{ "aggregation, share", IOSM_RIG_AGGR, BY_SHARE },
};

KUNIT_ARRAY_PARAM_DESC(reason_case, reason_cases, desc);

/* What of link 0 is on its way when the super-packet comes, and what of link 1 */
static void prepare_to_stop(struct iosm_rig *t, enum reason reason)
{
	unsigned int i;

	switch (reason) {
	case BY_CREDITS:
		iosm_rig_grant(t, 0, 5 * 1440 + 1439);
		break;
	case BY_BUFFERS:
		/* 16 blocks or LITE_BUFFERS datagrams, and some of them taken by others */
		iosm_rig_set_batch(t, 1);
		for (i = 0; i < (iosm_rig_aggr(t) ? 14 : IOSM_RIG_LITE_BUFFERS - 8); i++)
			KUNIT_ASSERT_EQ(t->test, iosm_rig_send(t, 1, 40), 0);
		break;
	case BY_THRESHOLD:
		for (i = 0; i < 105; i++)
			KUNIT_ASSERT_EQ(t->test, iosm_rig_send(t, 1, 1400), 0);
		break;
	case BY_SHARE:
		if (t->use_credits) {
			iosm_rig_grant(t, 0, 1000000);
			iosm_rig_grant(t, 1, 1000000);
		}
		KUNIT_ASSERT_EQ(t->test, iosm_rig_send(t, 1, 100), 0);
		for (i = 0; i < 20; i++)
			KUNIT_ASSERT_EQ(t->test, iosm_rig_send(t, 0, 1400), 0);
		break;
	}
}

struct halted {
	struct iosm_rig *t;
	struct sk_buff_head *expected;
	u64 before;	/* packets sent before the super-packet */
	u64 sent;	/* of it until it stopped */
};

/* Sends a super-packet that stops in its middle, for a known reason. */
static struct halted halt(struct kunit *test)
{
	const struct reason_case *c = test->param_value;
	struct halted h = { .t = iosm_rig_create_caps(test, c->caps, 0) };
	struct iosm_rig *t = h.t;
	struct sk_buff *skb;

	t->use_credits = c->caps & IOSM_RIG_CREDITS;
	iosm_rig_must_open(t, 0);
	iosm_rig_must_open(t, 1);
	iosm_rig_lazy(t);
	prepare_to_stop(t, c->reason);
	h.before = t->links[0].sent_packets;
	KUNIT_ASSERT_FALSE(test, t->links[0].stopped);

	skb = iosm_rig_super(t, 1400, 65000);
	h.expected = iosm_kunit_datagrams(test, skb);
	KUNIT_ASSERT_EQ(test, skb_queue_len(h.expected), 47);
	KUNIT_ASSERT_EQ(test, iosm_rig_give(t, 0, skb, false), 0);
	h.sent = t->links[0].sent_packets - h.before;
	KUNIT_ASSERT_TRUE(test, t->links[0].stopped);
	KUNIT_ASSERT_GT(test, h.sent, 0);
	KUNIT_ASSERT_LT(test, h.sent, 47);
	KUNIT_EXPECT_EQ(test, iosm_rig_stats(t)->ul_held, 1);
	KUNIT_EXPECT_EQ(test, iosm_rig_stats(t)->ul_congested, c->reason == BY_THRESHOLD);
	/* who comes after it has to wait */
	KUNIT_EXPECT_EQ(test, iosm_rig_send(t, 0, 40), -ENOBUFS);
	return h;
}

static void super_packet_stops_in_the_middle(struct kunit *test)
{
	const struct reason_case *c = test->param_value;
	struct halted h = halt(test);
	struct iosm_rig *t = h.t;

	switch (c->reason) {
	case BY_CREDITS:
		KUNIT_EXPECT_EQ(test, h.sent, 5);
		/* one more byte is one more datagram */
		iosm_rig_grant(t, 0, 1);
		KUNIT_EXPECT_EQ(test, t->links[0].sent_packets, 6);
		iosm_rig_grant(t, 0, 1439);
		KUNIT_EXPECT_EQ(test, t->links[0].sent_packets, 6);
		iosm_rig_grant(t, 0, 1000000);
		break;
	case BY_BUFFERS:
		/* it goes on while others still come back, not after the last one */
		if (!iosm_rig_aggr(t))
			KUNIT_EXPECT_EQ(test, h.sent, 8);
		while (t->links[0].sent_packets == h.sent)
			KUNIT_ASSERT_EQ(test, iosm_rig_take(t, 1), 1);
		KUNIT_EXPECT_GT(test, iosm_fake_posted(t->fake, IOSM_RIG_UL), 0);
		break;
	case BY_THRESHOLD:
		/* not before half of it is gone */
		while (t->arrived_bytes[0] + t->arrived_bytes[1] + 16384 <
		       IOSM_RIG_THRESHOLD / 2) {
			KUNIT_ASSERT_EQ(test, iosm_rig_take(t, 1), 1);
			KUNIT_ASSERT_EQ(test, t->links[0].sent_packets, h.sent);
		}
		break;
	case BY_SHARE:
		/* half of what those who compete may have, and not a datagram more */
		KUNIT_EXPECT_GE(test, t->links[0].sent_bytes, IOSM_RIG_CAPACITY / 2);
		KUNIT_EXPECT_LT(test, t->links[0].sent_bytes, IOSM_RIG_CAPACITY / 2 + 1440);
		break;
	}
	iosm_rig_take_all(t);
	iosm_rig_settle(t);
	KUNIT_EXPECT_FALSE(test, t->links[0].stopped);
	KUNIT_EXPECT_EQ(test, t->links[0].sent_packets, h.before + 47);
	iosm_rig_expect_balance(t, 0);
	iosm_rig_expect_balance(t, 1);
}

/* The same bytes, whatever it stopped for, and if the modem takes little by little */
static void stopped_super_packet_arrives_whole(struct kunit *test)
{
	struct halted h = halt(test);
	struct iosm_rig *t = h.t;
	unsigned int i;

	t->keep = true;
	if (t->use_credits)
		iosm_rig_grant(t, 0, 100000);
	for (i = 0; i < 1000 && iosm_rig_take(t, 1); i++)
		;
	iosm_rig_settle(t);
	for (i = 0; i < h.before; i++)
		kfree_skb(__skb_dequeue(&t->arrived[0]));
	iosm_rig_expect_arrived(t, 0, h.expected);
	iosm_rig_expect_balance(t, 0);
}

/* A flow stop that comes in the middle holds the rest back, whatever else happens. */
static void flow_stop_holds_the_rest(struct kunit *test)
{
	const struct reason_case *c = test->param_value;
	struct halted h = halt(test);
	struct iosm_rig *t = h.t;

	iosm_rig_flow(t, 0, 1, IOSM_MUX_FLOW_STOP);
	if (t->use_credits)
		iosm_rig_grant(t, 0, 100000);
	iosm_rig_take_all(t);
	iosm_rig_settle(t);
	KUNIT_EXPECT_EQ(test, t->links[0].sent_packets, h.before + h.sent);
	KUNIT_EXPECT_TRUE(test, t->links[0].stopped);
	iosm_rig_expect_balance(t, 0);
	/* it does not stop others */
	if (!t->use_credits || c->reason == BY_SHARE) {
		KUNIT_EXPECT_EQ(test, iosm_rig_send(t, 1, 100), 0);
		KUNIT_EXPECT_FALSE(test, t->links[1].stopped);
	}

	iosm_rig_flow(t, 0, 2, IOSM_MUX_FLOW_RESUME);
	iosm_rig_take_all(t);
	iosm_rig_settle(t);
	KUNIT_EXPECT_EQ(test, t->links[0].sent_packets, h.before + 47);
	KUNIT_EXPECT_FALSE(test, t->links[0].stopped);
	iosm_rig_expect_balance(t, 0);
}

/* Stopped before its first byte */
static void stopped_link_holds_all_of_it(struct kunit *test)
{
	struct iosm_rig *t = iosm_rig_create(test);
	struct sk_buff *skb = iosm_rig_super(t, 1400, 30000);
	struct sk_buff_head *expected = iosm_kunit_datagrams(test, skb);

	iosm_rig_must_open(t, 0);
	t->keep = true;
	iosm_rig_flow(t, 0, 1, IOSM_MUX_FLOW_STOP);
	KUNIT_EXPECT_EQ(test, iosm_rig_give(t, 0, skb, false), 0);
	KUNIT_EXPECT_EQ(test, t->links[0].sent_packets, 0);
	KUNIT_EXPECT_EQ(test, iosm_rig_stats(t)->ul_held, 1);
	iosm_rig_flow(t, 0, 2, IOSM_MUX_FLOW_RESUME);
	iosm_rig_settle(t);
	iosm_rig_expect_balance(t, 0);
	iosm_rig_expect_arrived(t, 0, expected);
}

/* The rest of it is told of, and is gone; what was sent is not told of again. */
static void close_drops_the_rest(struct kunit *test)
{
	struct halted h = halt(test);
	struct iosm_rig *t = h.t;

	iosm_rig_be_silent(t);
	iosm_rig_close(t, 0);
	iosm_rig_be_right(t);
	KUNIT_EXPECT_EQ(test, t->links[0].resets, 1);
	KUNIT_EXPECT_EQ(test, t->links[0].dropped, 47 - h.sent);

	iosm_rig_eager(t);
	iosm_rig_settle(t);
	KUNIT_EXPECT_EQ(test, t->links[0].sent_packets, 0);
	KUNIT_EXPECT_EQ(test, t->links[0].completed_packets, 0);
	iosm_rig_must_open(t, 0);
	if (t->use_credits)
		iosm_rig_grant(t, 0, 1000);
	KUNIT_EXPECT_EQ(test, iosm_rig_send(t, 0, 60), 0);
	iosm_rig_settle(t);
	KUNIT_EXPECT_EQ(test, t->links[0].completed_packets, 1);
	KUNIT_EXPECT_EQ(test, t->links[0].completed_bytes, 60);
	iosm_rig_close(t, 0);
	KUNIT_EXPECT_EQ(test, t->links[0].dropped, 0);
}

static void segments_must_fit(struct kunit *test)
{
	struct iosm_rig *t = iosm_rig_create(test);
	u32 most;

	iosm_rig_must_open(t, 0);
	most = iosm_mux_max_mtu(t->mux, 0) - 40;
	iosm_rig_uplink_forget(t);
	KUNIT_EXPECT_EQ(test,
			iosm_rig_give(t, 0, iosm_rig_super(t, most + 1, 60000), false),
			-EMSGSIZE);
	KUNIT_EXPECT_EQ(test, t->ul_count, 0);
	KUNIT_EXPECT_EQ(test, t->links[0].sent_packets, 0);
	KUNIT_EXPECT_FALSE(test, t->links[0].stopped);
	KUNIT_EXPECT_EQ(test, iosm_rig_stats(t)->ul_held, 0);

	/* the limit is for what is sent, not for what could be */
	KUNIT_EXPECT_EQ(test, iosm_rig_give(t, 0, iosm_rig_super(t, 60000, most), false),
			0);
	KUNIT_EXPECT_EQ(test, iosm_rig_give(t, 0, iosm_rig_super(t, most, 60000), false),
			0);
	iosm_rig_settle(t);
	KUNIT_EXPECT_EQ(test, t->links[0].sent_packets, 1 + DIV_ROUND_UP(60000, most));
	iosm_rig_expect_balance(t, 0);
}

static void unknown_super_packet_is_dropped(struct kunit *test)
{
	struct iosm_rig *t = iosm_rig_create(test);
	struct sk_buff *skb = iosm_rig_super(t, 1000, 5000);

	iosm_rig_must_open(t, 0);
	iosm_rig_uplink_forget(t);
	skb_shinfo(skb)->gso_type = SKB_GSO_SCTP;
	KUNIT_EXPECT_EQ(test, iosm_rig_give(t, 0, skb, false), -EINVAL);
	KUNIT_EXPECT_EQ(test, t->ul_count, 0);
	KUNIT_EXPECT_EQ(test, t->links[0].sent_packets, 0);
}

#define CASE(name)	KUNIT_CASE_PARAM(name, variant_gen_params)

static struct kunit_case iosm_mux_ul_cases[] = {
	CASE(packet_goes_at_once),
	CASE(head_padding_is_as_agreed),
	CASE(impossible_packets_are_dropped),
	CASE(priority_is_the_service_class),
	CASE(fragments_are_copied),
	KUNIT_CASE_PARAM(checksum_is_made_on_the_way, sum_case_gen_params),
	CASE(more_packets_share_a_doorbell),
	CASE(dropped_packet_ends_a_burst),
	CASE(batches_form_under_load),
	KUNIT_CASE(long_batch_is_rung),
	KUNIT_CASE(full_block_is_posted),
	KUNIT_CASE(sessions_share_a_block),
	CASE(backlog_competes),
	CASE(too_much_on_its_way_stops_the_links),
	KUNIT_CASE(no_buffer_stops_a_link),
	KUNIT_CASE_PARAM(super_packet_arrives_in_segments, super_case_gen_params),
	CASE(packets_keep_their_order),
	KUNIT_CASE_PARAM(super_packet_stops_in_the_middle, reason_case_gen_params),
	KUNIT_CASE_PARAM(stopped_super_packet_arrives_whole, reason_case_gen_params),
	KUNIT_CASE_PARAM(flow_stop_holds_the_rest, reason_case_gen_params),
	CASE(stopped_link_holds_all_of_it),
	KUNIT_CASE_PARAM(close_drops_the_rest, reason_case_gen_params),
	CASE(segments_must_fit),
	CASE(unknown_super_packet_is_dropped),
	{}
};

static struct kunit_suite iosm_mux_ul_suite = {
	.name = "iosm_mux_ul",
	.test_cases = iosm_mux_ul_cases,
};

kunit_test_suite(iosm_mux_ul_suite);
