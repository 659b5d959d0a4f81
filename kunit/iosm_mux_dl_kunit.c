// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of the multiplexer: packets from the modem, its buffers, and the rows M31 to
 * M49 of 10.6.5 that need more than the codec.
 */

#include <linux/skbuff.h>
#include <net/netmem.h>
#include <net/page_pool/types.h>

#include "iosm_mux_fixture.h"

KUNIT_ARRAY_PARAM_DESC(variant, iosm_rig_variants, desc);

/* ---- Downlink data ---- */

struct rx_case {
	const char *desc;
	u32 caps;
	u32 length;
	bool v6;
	bool frag;
};

static const struct rx_case rx_cases[] = {
	{ "lite, smallest", 0, 20, false, false },
	{ "lite, last to be copied", 0, 256, false, false },
	{ "lite, first not to be copied", 0, 257, false, true },
	{ "lite, largest, IPv6", 0, 2032, true, true },
	{ "aggregation, smallest IPv6", IOSM_RIG_AGGR, 40, true, false },
	{ "aggregation, sparse block", IOSM_RIG_AGGR, 1500, false, false },
	{ "aggregation, large", IOSM_RIG_AGGR, 9000, false, true },
	{ "aggregation, largest", IOSM_RIG_AGGR, 16328, true, true },
};

KUNIT_ARRAY_PARAM_DESC(rx_case, rx_cases, desc);

static void packet_is_delivered(struct kunit *test)
{
	const struct rx_case *c = test->param_value;
	struct iosm_rig *t = iosm_rig_create_caps(test, c->caps, 0);
	u8 fill = iosm_rig_aggr(t) ? 0x30 : 0x32;
	struct sk_buff *skb;
	u32 i;
	u8 b;

	iosm_rig_must_open(t, 2);
	iosm_rig_deliver(t, 2, c->length, c->v6 ? 0x60 : 0x45);
	iosm_fake_interrupt(t->fake);
	KUNIT_ASSERT_EQ(test, skb_queue_len(&t->received), 1);
	KUNIT_EXPECT_EQ(test, t->received_session[0], 2);
	skb = skb_peek(&t->received);
	KUNIT_EXPECT_EQ(test, skb->len, c->length);
	KUNIT_EXPECT_EQ(test, ntohs(skb->protocol), c->v6 ? 0x86dd : 0x0800);
	KUNIT_EXPECT_EQ(test, skb->priority, 5);
	KUNIT_EXPECT_EQ(test, skb_network_offset(skb), 0);
	KUNIT_EXPECT_EQ(test, skb_is_nonlinear(skb), c->frag);
	KUNIT_EXPECT_EQ(test, !!skb->pp_recycle, c->frag);
	KUNIT_EXPECT_EQ(test, skb->ip_summed + 0, CHECKSUM_NONE);
	if (c->frag)
		KUNIT_EXPECT_GE(test, skb->truesize, iosm_rig_aggr(t) ? 16384 : 2048);
	for (i = 1; i < c->length; i++) {
		KUNIT_ASSERT_EQ(test, 0, skb_copy_bits(skb, i, &b, 1));
		KUNIT_ASSERT_EQ(test, b, fill);
	}
}

/* The truesize of a block is that of all who keep it, together. */
static void block_is_shared_out(struct kunit *test)
{
	struct iosm_rig *t = iosm_rig_create_caps(test, IOSM_RIG_AGGR, 0);
	unsigned int truesize = 0, n = 0;
	struct sk_buff *skb;

	iosm_rig_must_open(t, 0);
	iosm_rig_deliver_block(t, 0, 10, 1400, 0x45);
	iosm_fake_interrupt(t->fake);
	KUNIT_ASSERT_EQ(test, skb_queue_len(&t->received), 10);
	skb_queue_walk(&t->received, skb) {
		u8 b;

		KUNIT_ASSERT_TRUE(test, skb_is_nonlinear(skb));
		KUNIT_EXPECT_EQ(test, skb->len, 1400);
		KUNIT_EXPECT_EQ(test, 0, skb_copy_bits(skb, 1399, &b, 1));
		KUNIT_EXPECT_EQ(test, b, 0x30 + n);
		n++;
		truesize += skb->truesize;
	}
	KUNIT_EXPECT_GE(test, truesize, 16384 - 10);
	KUNIT_EXPECT_LE(test, truesize, 16384 + 10 * 2048);
}

struct bad_ip_case {
	const char *desc;
	u32 caps;
	u32 length;
	u8 first;
};

/* M23 */
static const struct bad_ip_case bad_ip_cases[] = {
	{ "lite, version 0", 0, 100, 0x00 },
	{ "lite, one byte", 0, 1, 0x45 },
	{ "lite, large, version 15", 0, 1500, 0xff },
	{ "aggregation, version 5", IOSM_RIG_AGGR, 100, 0x50 },
	{ "aggregation, short IPv6", IOSM_RIG_AGGR, 39, 0x60 },
	{ "aggregation, large, version 0", IOSM_RIG_AGGR, 9000, 0x05 },
};

KUNIT_ARRAY_PARAM_DESC(bad_ip_case, bad_ip_cases, desc);

static void what_is_not_ip_is_dropped(struct kunit *test)
{
	const struct bad_ip_case *c = test->param_value;
	struct iosm_rig *t = iosm_rig_create_caps(test, c->caps, 0);

	iosm_rig_must_open(t, 0);
	iosm_rig_deliver(t, 0, c->length, c->first);
	iosm_rig_deliver(t, 0, 100, 0x45);
	iosm_fake_interrupt(t->fake);
	KUNIT_EXPECT_EQ(test, skb_queue_len(&t->received), 1);
	KUNIT_EXPECT_EQ(test, t->receive_errors, 1);
	KUNIT_EXPECT_EQ(test, iosm_rig_stats(t)->dl_bad_ip, 1);
}

/* M49 */
static void closed_session_receives_nothing(struct kunit *test)
{
	struct iosm_rig *t = iosm_rig_create(test);

	iosm_rig_must_open(t, 0);
	iosm_rig_must_open(t, 1);
	iosm_rig_deliver(t, 3, 100, 0x45);
	iosm_rig_close(t, 1);
	iosm_rig_deliver(t, 1, 100, 0x45);
	iosm_rig_deliver(t, 0, 100, 0x45);
	iosm_fake_interrupt(t->fake);
	KUNIT_EXPECT_EQ(test, skb_queue_len(&t->received), 1);
	KUNIT_EXPECT_EQ(test, t->received_session[0], 0);
	KUNIT_EXPECT_EQ(test, 2,
			iosm_rig_stats(t)->defects.count[IOSM_MUX_DEFECT_SESSION_CLOSED]);
}

/* Data right behind the answer is not too early. */
static void data_behind_the_answer_is_delivered(struct kunit *test)
{
	struct iosm_rig *t = iosm_rig_create(test);
	const u32 params[] = { 0, 0, t->answers.pad };

	iosm_rig_must_open(t, 0);
	t->answers.silent = true;
	t->fake->mute = true;
	/* both are in the ring before the host looks at it */
	iosm_rig_command(t, 2, 1, 1, params, 3);
	iosm_rig_deliver(t, 1, 100, 0x45);
	t->fake->mute = false;
	iosm_rig_must_open(t, 1);
	KUNIT_EXPECT_EQ(test, skb_queue_len(&t->received), 1);
	KUNIT_EXPECT_EQ(test, t->received_session[0], 1);
	iosm_rig_be_right(t);
}

static void bad_transfers_are_recycled(struct kunit *test)
{
	struct iosm_rig *t = iosm_rig_create(test);
	unsigned int i;

	iosm_rig_must_open(t, 0);
	for (i = 0; i < 2000; i++) {
		/* overflow, error, aborted, partial, nothing, too long (T2 to T4) */
		static const u8 status[] = { 3, 5, 4, 1, 2, 2 };
		static const u32 size[] = { 100, 100, 100, 100, 0, 0xffffff };

		KUNIT_ASSERT_TRUE(test,
				  iosm_fake_complete(t->fake, IOSM_RIG_DL, size[i % 6],
						     status[i % 6]));
		if (i % 8 == 7)
			iosm_fake_interrupt(t->fake);
	}
	iosm_fake_interrupt(t->fake);
	KUNIT_EXPECT_EQ(test, iosm_rig_stats(t)->dl_bad_td, 2000);
	iosm_rig_deliver(t, 0, 100, 0x45);
	iosm_fake_interrupt(t->fake);
	KUNIT_EXPECT_EQ(test, skb_queue_len(&t->received), 1);
}

/* The ring stays full, and its doorbell rings when half of it is unknown (Q28). */
static void downlink_never_starves(struct kunit *test)
{
	struct iosm_rig *t = iosm_rig_create(test);
	unsigned int entries, i;
	struct sk_buff *skb;

	iosm_rig_must_open(t, 0);
	entries = t->fake->pipes[IOSM_RIG_DL].entries;
	iosm_fake_forget_bells(t->fake);
	for (i = 0; i < 4 * entries; i++) {
		iosm_rig_deliver(t, 0, 300, 0x45);
		iosm_fake_interrupt(t->fake);
		/* a modem that looks at the head only when it is told to */
		KUNIT_ASSERT_GT(test, iosm_fake_posted(t->fake, IOSM_RIG_DL), entries / 3);
		while ((skb = __skb_dequeue(&t->received)))
			kfree_skb(skb);
	}
	KUNIT_EXPECT_GE(test, iosm_fake_count_bells(t->fake, IOSM_DB_HEAD, 5), 7);
	KUNIT_EXPECT_LE(test, iosm_fake_count_bells(t->fake, IOSM_DB_HEAD, 5), 10);
	KUNIT_EXPECT_EQ(test, t->fake->bell_count,
			iosm_fake_count_bells(t->fake, IOSM_DB_HEAD, 5));
}

/* A drained ring is served in one go, whatever the budget of a poll is. */
static void drained_ring_is_served(struct kunit *test)
{
	struct iosm_rig *t = iosm_rig_create(test);
	unsigned int entries, i;

	iosm_rig_must_open(t, 0);
	entries = t->fake->pipes[IOSM_RIG_DL].entries;
	t->fake->mute = true;
	for (i = 0; i < entries - 2; i++)
		iosm_rig_deliver(t, 0, 100, 0x45);
	t->fake->mute = false;
	iosm_fake_interrupt(t->fake);
	/* more than a budget of datagrams are finished by later polls */
	for (i = 0; i < 100 && skb_queue_len(&t->received) < entries - 2; i++)
		usleep_range(1000, 2000);
	KUNIT_EXPECT_EQ(test, skb_queue_len(&t->received), entries - 2);
	KUNIT_EXPECT_EQ(test, iosm_pipe_room(&t->modem->protocol.pipes[IOSM_RIG_DL]), 0);
	KUNIT_EXPECT_GE(test, iosm_fake_posted(t->fake, IOSM_RIG_DL), entries / 2);
}

/*
 * The page pool is short of memory: it asks for more than there can be, and what is
 * left of its last page is not used.
 */
static struct page_pool *take_memory_away(struct iosm_rig *t, unsigned int *order)
{
	struct iosm_pipe *dl = &t->modem->protocol.pipes[IOSM_RIG_DL];
	struct page *page = dl->slots[dl->tail].cookie;
	struct page_pool *pool;

	KUNIT_ASSERT_NOT_NULL(t->test, page);
	pool = pp_page_to_nmdesc(page)->pp;
	local_bh_disable();
	*order = pool->p.order;
	pool->p.order = MAX_PAGE_ORDER + 1;
	pool->frag_offset = PAGE_SIZE << pool->p.order;
	local_bh_enable();
	return pool;
}

static void give_memory_back(struct page_pool *pool, unsigned int order)
{
	local_bh_disable();
	pool->p.order = order;
	local_bh_enable();
}

/* Keeps buffers, as slow receivers do, until the ring cannot be filled any more. */
static void starve(struct iosm_rig *t, unsigned int leave)
{
	struct iosm_pipe *dl = &t->modem->protocol.pipes[IOSM_RIG_DL];
	u32 length = iosm_rig_aggr(t) ? 9000 : 1500;
	unsigned int i;

	for (i = 0; i < 2000 && iosm_pipe_posted(dl) > leave; i++) {
		iosm_rig_deliver(t, 0, length, 0x45);
		iosm_fake_interrupt(t->fake);
	}
	KUNIT_ASSERT_LE(t->test, iosm_pipe_posted(dl), leave);
}

static bool ring_is_full(struct iosm_rig *t)
{
	return !iosm_pipe_room(&t->modem->protocol.pipes[IOSM_RIG_DL]);
}

static void await_full_ring(struct iosm_rig *t)
{
	unsigned long end = jiffies + msecs_to_jiffies(IOSM_FAKE_SOON);

	while (!ring_is_full(t) && time_before(jiffies, end))
		usleep_range(500, 1000);
	KUNIT_EXPECT_TRUE(t->test, ring_is_full(t));
}

/* A modem without buffers interrupts nobody, so that nobody else would look. */
static void starved_ring_recovers_by_itself(struct kunit *test)
{
	struct iosm_rig *t = iosm_rig_create(test);
	unsigned int order, interrupts, polls;
	u64 before, doorbells, failed;
	struct page_pool *pool;

	iosm_rig_must_open(t, 0);
	before = iosm_rig_stats(t)->dl_doorbells;
	iosm_fake_forget_bells(t->fake);
	pool = take_memory_away(t, &order);
	starve(t, 0);
	KUNIT_EXPECT_EQ(test, iosm_fake_posted(t->fake, IOSM_RIG_DL), 0);
	failed = iosm_rig_stats(t)->dl_refill_failed;
	KUNIT_EXPECT_GT(test, failed, 0);
	doorbells = iosm_rig_stats(t)->dl_doorbells;
	KUNIT_EXPECT_EQ(test, doorbells - before,
			iosm_fake_count_bells(t->fake, IOSM_DB_HEAD, 5));

	/* it is tried again and again, and there is nothing to ring for */
	t->fake->mute = true;
	interrupts = t->fake->interrupts;
	for (polls = 0;
	     polls < 1000 && iosm_rig_stats(t)->dl_refill_failed < failed + 3; polls++)
		usleep_range(500, 1000);
	KUNIT_EXPECT_GE(test, iosm_rig_stats(t)->dl_refill_failed, failed + 3);
	KUNIT_EXPECT_EQ(test, iosm_rig_stats(t)->dl_doorbells, doorbells);

	iosm_fake_forget_bells(t->fake);
	give_memory_back(pool, order);
	await_full_ring(t);
	KUNIT_EXPECT_EQ(test, t->fake->interrupts, interrupts);
	iosm_rig_settle(t);
	/* and the modem knows */
	KUNIT_EXPECT_EQ(test, iosm_fake_count_bells(t->fake, IOSM_DB_HEAD, 5), 1);
	KUNIT_EXPECT_EQ(test, iosm_rig_stats(t)->dl_doorbells, doorbells + 1);
	KUNIT_EXPECT_EQ(test, iosm_fake_posted(t->fake, IOSM_RIG_DL),
			t->fake->pipes[IOSM_RIG_DL].entries - 1);

	t->fake->mute = false;
	__skb_queue_purge(&t->received);
	iosm_rig_deliver(t, 0, 1000, 0x45);
	iosm_fake_interrupt(t->fake);
	KUNIT_EXPECT_EQ(test, skb_queue_len(&t->received), 1);
}

/* While the modem has enough buffers its interrupts will do. */
static void short_ring_waits_for_an_interrupt(struct kunit *test)
{
	struct iosm_rig *t = iosm_rig_create(test);
	unsigned int order, entries;
	struct page_pool *pool;
	u64 failed;

	iosm_rig_must_open(t, 0);
	entries = t->fake->pipes[IOSM_RIG_DL].entries;
	pool = take_memory_away(t, &order);
	starve(t, entries * 3 / 4);
	failed = iosm_rig_stats(t)->dl_refill_failed;
	KUNIT_EXPECT_GT(test, failed, 0);
	KUNIT_EXPECT_GE(test, iosm_fake_posted(t->fake, IOSM_RIG_DL), entries / 2);
	give_memory_back(pool, order);
	iosm_rig_deliver(t, 0, 1000, 0x45);
	iosm_fake_interrupt(t->fake);
	KUNIT_EXPECT_TRUE(test, ring_is_full(t));
	KUNIT_EXPECT_EQ(test, iosm_rig_stats(t)->dl_refill_failed, failed);
}

/*
 * A pool without a channel lives as long as its pages, and must not live longer than
 * the device. Its work looks for that every second; that happens here instead, since
 * a work that frees itself cannot be waited for.
 */
static void free_pool(struct iosm_rig *t, struct page_pool *pool)
{
	struct work_struct *work = &pool->release_dw.work;

	cancel_delayed_work_sync(&pool->release_dw);
	__skb_queue_purge(&t->received);
	work->func(work);
}

/* The timer of a starved ring does not survive its channel. */
static void starved_ring_is_closed(struct kunit *test)
{
	struct iosm_rig *t = iosm_rig_create(test);
	struct page_pool *pool;
	unsigned int order;

	iosm_rig_must_open(t, 0);
	pool = take_memory_away(t, &order);
	starve(t, 0);
	iosm_rig_be_silent(t);
	iosm_rig_close(t, 0);
	iosm_rig_be_right(t);
	KUNIT_EXPECT_FALSE(test, t->fake->pipes[IOSM_RIG_DL].open);

	give_memory_back(pool, order);
	free_pool(t, pool);
	iosm_rig_must_open(t, 0);
	KUNIT_EXPECT_TRUE(test, ring_is_full(t));
}

static void impossible_tail_ends_the_session(struct kunit *test)
{
	struct iosm_rig *t = iosm_rig_create(test);

	iosm_rig_must_open(t, 0);
	iosm_fake_set_tail(t->fake, IOSM_RIG_DL, 0xffff);
	iosm_fake_interrupt(t->fake);
	KUNIT_EXPECT_FALSE(test, iosm_modem_online(t->modem));
	iosm_rig_close(t, 0);
}

static void defects_are_counted_by_cause(struct kunit *test)
{
	struct iosm_rig *t = iosm_rig_create(test);
	static const u8 td[] = { 'Q', 'L', 'T', 'H', 20, 0, 0, 4 };
	const u32 mask = 0;

	iosm_rig_must_open(t, 0);
	iosm_fake_send(t->fake, IOSM_RIG_DL, td, sizeof(td));
	iosm_fake_send(t->fake, IOSM_RIG_DL, iosm_rig_aggr(t) ? "ADGH" : "ADBH", 4);
	iosm_fake_send(t->fake, IOSM_RIG_DL, "X", 1);
	iosm_rig_command(t, 77, 0, 0, &mask, 1);
	KUNIT_EXPECT_EQ(test, iosm_rig_stats(t)->defects.count[IOSM_MUX_DEFECT_SIGNATURE],
			1);
	KUNIT_EXPECT_EQ(test, iosm_rig_stats(t)->defects.count[IOSM_MUX_DEFECT_VARIANT], 1);
	KUNIT_EXPECT_EQ(test, iosm_rig_stats(t)->defects.count[IOSM_MUX_DEFECT_TD_SHORT], 1);
	KUNIT_EXPECT_EQ(test, iosm_rig_stats(t)->defects.count[IOSM_MUX_DEFECT_COMMAND_CODE],
			1);
	KUNIT_EXPECT_EQ(test, iosm_rig_stats(t)->dl_transfers, 5);
}

#define CASE(name)	KUNIT_CASE_PARAM(name, variant_gen_params)

static struct kunit_case iosm_mux_dl_cases[] = {
	KUNIT_CASE_PARAM(packet_is_delivered, rx_case_gen_params),
	KUNIT_CASE(block_is_shared_out),
	KUNIT_CASE_PARAM(what_is_not_ip_is_dropped, bad_ip_case_gen_params),
	CASE(closed_session_receives_nothing),
	CASE(data_behind_the_answer_is_delivered),
	CASE(bad_transfers_are_recycled),
	CASE(downlink_never_starves),
	CASE(drained_ring_is_served),
	CASE(starved_ring_recovers_by_itself),
	CASE(short_ring_waits_for_an_interrupt),
	CASE(starved_ring_is_closed),
	CASE(impossible_tail_ends_the_session),
	CASE(defects_are_counted_by_cause),
	{}
};

static struct kunit_suite iosm_mux_dl_suite = {
	.name = "iosm_mux_dl",
	.test_cases = iosm_mux_dl_cases,
};

kunit_test_suite(iosm_mux_dl_suite);
