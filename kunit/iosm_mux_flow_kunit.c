// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of the multiplexer: who sends how much and when (protocol.rst 5.8, 5.9), and
 * what the modem is rung for.
 */

#include <linux/skbuff.h>
#include <linux/unaligned.h>

#include "../iosm_ipc_mux_parts.h"
#include "iosm_mux_fixture.h"

KUNIT_ARRAY_PARAM_DESC(variant, iosm_rig_variants, desc);

/* ---- Sharing the pipe ---- */

struct sender {
	u32 payload;	/* of its packets, with headers if they are no super-packets */
	u16 mss;	/* 0: no super-packets */
};

static struct sk_buff *next_packet(struct iosm_rig *t, u8 s, const struct sender *sender)
{
	if (sender->mss)
		return iosm_rig_super(t, sender->mss, sender->payload);
	return iosm_rig_packet(t, sender->payload, 0x60 + s);
}

#define TURN	64	/* packets that the stack sends for a link before the next one */

/* All links that were woken send what they may, in turns, as the stack does. */
static void run_links(struct iosm_rig *t, const struct sender *senders)
{
	while (!list_empty(&t->run_queue)) {
		struct iosm_rig_link *link;
		unsigned int turn;

		link = list_first_entry(&t->run_queue, struct iosm_rig_link, run);
		list_del_init(&link->run);
		for (turn = 0; turn < TURN && !link->stopped; turn++) {
			u8 s = link->session;

			KUNIT_ASSERT_EQ(t->test, 0,
					iosm_rig_give(t, s, next_packet(t, s, &senders[s]),
						      false));
		}
		if (!link->stopped && list_empty(&link->run))
			list_add_tail(&link->run, &t->run_queue);
	}
}

static void start_link(struct iosm_rig *t, u8 s)
{
	t->links[s].runnable = true;
	if (!t->links[s].stopped)
		list_add_tail(&t->links[s].run, &t->run_queue);
}

/* The stack has nothing more to send for it. */
static void idle_link(struct iosm_rig *t, u8 s)
{
	t->links[s].runnable = false;
	list_del_init(&t->links[s].run);
}

/* The modem takes transfers one by one until it has so many bytes more. */
static void run_pipe(struct iosm_rig *t, const struct sender *senders, u64 bytes)
{
	u64 start = 0, now;
	u8 s;

	for (s = 0; s < IOSM_MUX_SESSIONS; s++)
		start += t->arrived_bytes[s];
	do {
		run_links(t, senders);
		KUNIT_ASSERT_EQ(t->test, iosm_rig_take(t, 1), 1);
		for (now = 0, s = 0; s < IOSM_MUX_SESSIONS; s++)
			now += t->arrived_bytes[s];
	} while (now < start + bytes);
}

struct share_case {
	const char *desc;
	u32 caps;
	unsigned int links;
	struct sender senders[IOSM_MUX_SESSIONS];
};

static const struct share_case share_cases[] = {
	{ "lite, two alike", 0, 2, { { 1400 }, { 1400 } } },
	{ "lite, two, large and small", 0, 2, { { 1500 }, { 300 } } },
	{ "lite, two, super-packets and packets", 0, 2, { { 65000, 1400 }, { 1400 } } },
	{ "lite, three", 0, 3, { { 700 }, { 65000, 1400 }, { 1500 } } },
	{ "lite, eight", 0, 8,
	  { { 65000, 1400 }, { 1400 }, { 1300 }, { 20000, 1000 }, { 1500 }, { 1200 },
	    { 1100 }, { 40000, 1300 } } },
	{ "lite, three with credits", IOSM_RIG_CREDITS, 3,
	  { { 1300 }, { 65000, 1400 }, { 1500 } } },
	{ "aggregation, two alike", IOSM_RIG_AGGR, 2, { { 1400 }, { 1400 } } },
	{ "aggregation, two, large and small", IOSM_RIG_AGGR, 2, { { 1500 }, { 150 } } },
	{ "aggregation, two, super-packets and packets", IOSM_RIG_AGGR, 2,
	  { { 65000, 1400 }, { 1400 } } },
	{ "aggregation, three", IOSM_RIG_AGGR, 3, { { 700 }, { 65000, 1400 }, { 9000 } } },
	{ "aggregation, eight", IOSM_RIG_AGGR, 8,
	  { { 65000, 1400 }, { 1400 }, { 300 }, { 20000, 1000 }, { 1500 }, { 1200 },
	    { 600 }, { 40000, 500 } } },
};

KUNIT_ARRAY_PARAM_DESC(share_case, share_cases, desc);

#define EACH	300000	/* bytes for each link to be compared */

static void links_share_by_bytes(struct kunit *test)
{
	const struct share_case *c = test->param_value;
	struct iosm_rig *t = iosm_rig_create_caps(test, c->caps, 0);
	u64 before[IOSM_MUX_SESSIONS], least = U64_MAX, most = 0, tolerance;
	u8 s;

	for (s = 0; s < c->links; s++) {
		iosm_rig_must_open(t, s);
		if (c->caps & IOSM_RIG_CREDITS)
			iosm_rig_grant(t, s, 100000000);
	}
	iosm_rig_lazy(t);
	for (s = 0; s < c->links; s++)
		start_link(t, s);
	run_pipe(t, c->senders, 300000);
	for (s = 0; s < c->links; s++)
		before[s] = t->arrived_bytes[s];
	run_pipe(t, c->senders, EACH * c->links);
	for (s = 0; s < c->links; s++) {
		u64 bytes = t->arrived_bytes[s] - before[s];

		least = min(least, bytes);
		most = max(most, bytes);
	}
	/*
	 * A share and a transfer, as the window may begin and end anywhere; and a link is
	 * let on for half of its share at least, each time with a datagram too many.
	 */
	tolerance = IOSM_RIG_THRESHOLD / c->links + (iosm_rig_aggr(t) ? 16384 : 2048);
	tolerance += EACH * 1500 / (IOSM_RIG_THRESHOLD / c->links / 2);
	KUNIT_EXPECT_LE(test, most - least, tolerance);
}

enum idle_reason {
	NOTHING_TO_SEND,
	FLOW_STOP,
	NO_CREDITS,
	FEW_CREDITS,
	CLOSED,
};

struct idle_case {
	const char *desc;
	u32 caps;
	enum idle_reason reason;
};

static const struct idle_case idle_cases[] = {
	{ "lite, nothing to send", 0, NOTHING_TO_SEND },
	{ "lite, stopped by the modem", 0, FLOW_STOP },
	{ "lite, without credits", IOSM_RIG_CREDITS, NO_CREDITS },
	{ "lite, with too few credits", IOSM_RIG_CREDITS, FEW_CREDITS },
	{ "lite, closed", 0, CLOSED },
	{ "aggregation, nothing to send", IOSM_RIG_AGGR, NOTHING_TO_SEND },
	{ "aggregation, stopped by the modem", IOSM_RIG_AGGR, FLOW_STOP },
	{ "aggregation, closed", IOSM_RIG_AGGR, CLOSED },
};

KUNIT_ARRAY_PARAM_DESC(idle_case, idle_cases, desc);

/* The most that link 0 has on its way in a while */
static u64 most_on_its_way(struct iosm_rig *t, const struct sender *senders)
{
	run_pipe(t, senders, 250000);
	t->links[0].most_outstanding = 0;
	run_pipe(t, senders, 250000);
	return t->links[0].most_outstanding;
}

static void go_idle(struct iosm_rig *t, enum idle_reason reason)
{
	switch (reason) {
	case NOTHING_TO_SEND:
		idle_link(t, 1);
		break;
	case FLOW_STOP:
		iosm_rig_flow(t, 1, 1, IOSM_MUX_FLOW_STOP);
		break;
	case NO_CREDITS:
	case FEW_CREDITS:
		/* the last ones are used up at once */
		break;
	case CLOSED:
		idle_link(t, 1);
		iosm_rig_be_silent(t);
		iosm_rig_close(t, 1);
		iosm_rig_be_right(t);
		break;
	}
}

static void come_back(struct iosm_rig *t, enum idle_reason reason)
{
	switch (reason) {
	case NOTHING_TO_SEND:
		start_link(t, 1);
		break;
	case FLOW_STOP:
		iosm_rig_flow(t, 1, 2, IOSM_MUX_FLOW_RESUME);
		break;
	case NO_CREDITS:
	case FEW_CREDITS:
		iosm_rig_grant(t, 1, 100000000);
		break;
	case CLOSED:
		t->links[1].stopped = false;
		iosm_rig_eager(t);
		iosm_rig_must_open(t, 1);
		iosm_rig_lazy(t);
		start_link(t, 1);
		break;
	}
}

/* A link that sends nothing, or must not, leaves its part to the others. */
static void idle_link_takes_no_share(struct kunit *test)
{
	static const struct sender senders[IOSM_MUX_SESSIONS] = { { 1400 }, { 1400 } };
	const struct idle_case *c = test->param_value;
	struct iosm_rig *t = iosm_rig_create_caps(test, c->caps, 0);
	u8 s;

	for (s = 0; s < 2; s++) {
		iosm_rig_must_open(t, s);
		start_link(t, s);
	}
	iosm_rig_lazy(t);
	if (c->caps & IOSM_RIG_CREDITS) {
		iosm_rig_grant(t, 0, 100000000);
		iosm_rig_grant(t, 1, 600 * 1400 + (c->reason == FEW_CREDITS ? 1399 : 0));
	}
	KUNIT_EXPECT_LE(test, most_on_its_way(t, senders), IOSM_RIG_CAPACITY / 2 + 1400);
	go_idle(t, c->reason);
	if (c->caps & IOSM_RIG_CREDITS)
		run_pipe(t, senders, 1000000);
	KUNIT_EXPECT_GE(test, most_on_its_way(t, senders), 100000);
	come_back(t, c->reason);
	KUNIT_EXPECT_LE(test, most_on_its_way(t, senders), IOSM_RIG_CAPACITY / 2 + 1400);
}

/* ---- Doorbells and batches ---- */

static void super_packet_needs_two_doorbells(struct kunit *test)
{
	struct iosm_rig *t = iosm_rig_create(test);

	iosm_rig_must_open(t, 0);
	iosm_rig_lazy(t);
	iosm_rig_uplink_forget(t);
	KUNIT_EXPECT_EQ(test, iosm_rig_give(t, 0, iosm_rig_super(t, 1400, 65000), false),
			0);
	KUNIT_EXPECT_EQ(test, t->links[0].sent_packets, 47);
	KUNIT_EXPECT_GE(test, t->fake->bell_count, 1);
	KUNIT_EXPECT_LE(test, t->fake->bell_count, 2);
	KUNIT_EXPECT_EQ(test, iosm_rig_stats(t)->ul_doorbells, t->fake->bell_count);
	/* a block that is not full waits for one of those before it */
	KUNIT_EXPECT_EQ(test, iosm_rig_stats(t)->ul_transfers, iosm_rig_aggr(t) ? 4 : 47);
	KUNIT_EXPECT_GE(test, iosm_fake_posted(t->fake, IOSM_RIG_UL),
			iosm_rig_aggr(t) ? 4 : 47);
	iosm_rig_take_all(t);
	iosm_rig_expect_balance(t, 0);
}

/* The first block of a burst goes while the rest of it is made. */
static void idle_pipe_is_rung_at_the_first_block(struct kunit *test)
{
	struct iosm_rig *t = iosm_rig_create_caps(test, IOSM_RIG_AGGR, 0);
	unsigned int i;

	iosm_rig_must_open(t, 0);
	iosm_rig_lazy(t);
	iosm_rig_uplink_forget(t);
	/* 11 of them fill a block */
	for (i = 0; i < 11; i++)
		KUNIT_EXPECT_EQ(test,
				iosm_rig_give(t, 0, iosm_rig_packet(t, 1440, i), true), 0);
	IOSM_FAKE_EXPECT_NO_BELL(t->fake);
	KUNIT_EXPECT_EQ(test, iosm_rig_give(t, 0, iosm_rig_packet(t, 1440, i), true), 0);
	KUNIT_EXPECT_EQ(test, iosm_fake_posted(t->fake, IOSM_RIG_UL), 1);
	IOSM_FAKE_EXPECT_BELLS(t->fake, { IOSM_DB_HEAD, 4 });
	/* the others are rung for once, at the end */
	for (i = 0; i < 40; i++)
		KUNIT_EXPECT_EQ(test,
				iosm_rig_give(t, 0, iosm_rig_packet(t, 1440, i), true), 0);
	KUNIT_EXPECT_EQ(test, t->fake->bell_count, 1);
	KUNIT_EXPECT_EQ(test, iosm_rig_give(t, 0, iosm_rig_packet(t, 1440, i), false), 0);
	IOSM_FAKE_EXPECT_BELLS(t->fake, { IOSM_DB_HEAD, 4 }, { IOSM_DB_HEAD, 4 });
	KUNIT_EXPECT_EQ(test, iosm_fake_posted(t->fake, IOSM_RIG_UL), 4);
	iosm_rig_take_all(t);
	iosm_rig_expect_balance(t, 0);
}

/* A burst that its link was stopped in ends there. */
static void stopped_burst_is_rung(struct kunit *test)
{
	struct iosm_rig *t = iosm_rig_create(test);
	unsigned int i;

	iosm_rig_must_open(t, 0);
	iosm_rig_lazy(t);
	iosm_rig_uplink_forget(t);
	for (i = 0; i < 1000 && !t->links[0].stopped; i++)
		KUNIT_ASSERT_EQ(test,
				iosm_rig_give(t, 0, iosm_rig_packet(t, 1400, i), true), 0);
	KUNIT_ASSERT_TRUE(test, t->links[0].stopped);
	KUNIT_EXPECT_GE(test, t->fake->bell_count, 1);
	KUNIT_EXPECT_LE(test, t->fake->bell_count, 2);
	iosm_rig_take_all(t);
	KUNIT_EXPECT_EQ(test, t->links[0].completed_packets, i);
	iosm_rig_expect_balance(t, 0);
}

struct batch_case {
	const char *desc;
	u32 caps;
	u32 batch;
	u32 length;
};

static const struct batch_case batch_cases[] = {
	{ "lite, 1", 0, 1, 100 },
	{ "lite, 2", 0, 2, 100 },
	{ "lite, 7", 0, 7, 100 },
	{ "lite, 30", 0, 30, 100 },
	{ "aggregation, 1", IOSM_RIG_AGGR, 1, 100 },
	{ "aggregation, 2", IOSM_RIG_AGGR, 2, 100 },
	{ "aggregation, 7", IOSM_RIG_AGGR, 7, 100 },
	{ "aggregation, 40", IOSM_RIG_AGGR, 40, 100 },
	{ "aggregation, most", IOSM_RIG_AGGR, 256, 30 },
};

KUNIT_ARRAY_PARAM_DESC(batch_case, batch_cases, desc);

/* While the modem has enough to do, so many packets wait for the next transfer. */
static void batch_is_as_tuned(struct kunit *test)
{
	const struct batch_case *c = test->param_value;
	struct iosm_rig *t = iosm_rig_create_caps(test, c->caps, 0);
	unsigned int round, known, i;

	iosm_rig_must_open(t, 0);
	iosm_rig_set_batch(t, c->batch);
	iosm_rig_lazy(t);
	/* twice as many transfers as the largest batch, or a block */
	known = iosm_rig_aggr(t) ? 1 : 60;
	for (i = 1; i < known && !iosm_rig_aggr(t); i++)
		KUNIT_EXPECT_EQ(test,
				iosm_rig_give(t, 0, iosm_rig_packet(t, c->length, i), true), 0);
	KUNIT_EXPECT_EQ(test, iosm_rig_send(t, 0, c->length), 0);
	KUNIT_EXPECT_EQ(test, iosm_rig_stats(t)->ul_transfers, known);
	KUNIT_EXPECT_GE(test, iosm_fake_posted(t->fake, IOSM_RIG_UL), known);
	for (round = 1; round < 3; round++) {
		iosm_fake_forget_bells(t->fake);
		for (i = 1; i < c->batch; i++)
			KUNIT_EXPECT_EQ(test, iosm_rig_send(t, 0, c->length), 0);
		IOSM_FAKE_EXPECT_NO_BELL(t->fake);
		KUNIT_EXPECT_EQ(test, iosm_rig_send(t, 0, c->length), 0);
		KUNIT_EXPECT_EQ(test, iosm_rig_stats(t)->ul_transfers,
				known + round * (iosm_rig_aggr(t) ? 1 : c->batch));
		IOSM_FAKE_EXPECT_BELLS(t->fake, { IOSM_DB_HEAD, 4 });
	}
	iosm_rig_take_all(t);
	iosm_rig_expect_balance(t, 0);
}

/* ---- A link that waits for too long ---- */

static void nudge_rings_without_news(struct kunit *test)
{
	struct iosm_rig *t = iosm_rig_create(test);

	iosm_rig_must_open(t, 0);
	iosm_rig_uplink_forget(t);
	iosm_rig_nudge(t);
	IOSM_FAKE_EXPECT_BELLS(t->fake, { IOSM_DB_HEAD, 4 });
	KUNIT_EXPECT_EQ(test, iosm_rig_stats(t)->ul_nudges, 1);
	KUNIT_EXPECT_EQ(test, iosm_rig_stats(t)->ul_transfers, 0);
}

static void nudge_without_sessions_does_nothing(struct kunit *test)
{
	struct iosm_rig *t = iosm_rig_create(test);

	iosm_rig_nudge(t);
	iosm_rig_must_open(t, 0);
	iosm_rig_close(t, 0);
	iosm_fake_forget_bells(t->fake);
	iosm_rig_nudge(t);
	IOSM_FAKE_EXPECT_NO_BELL(t->fake);
	KUNIT_EXPECT_EQ(test, iosm_rig_stats(t)->ul_nudges, 0);
}

static void nudge_makes_up_for_a_lost_doorbell(struct kunit *test)
{
	struct iosm_rig *t = iosm_rig_create(test);
	unsigned int i;

	iosm_rig_must_open(t, 0);
	t->fake->deaf = true;
	for (i = 0; i < 10; i++)
		KUNIT_EXPECT_EQ(test, iosm_rig_send(t, 0, 100), 0);
	t->fake->deaf = false;
	KUNIT_EXPECT_EQ(test, t->links[0].completed_packets, 0);
	iosm_rig_nudge(t);
	KUNIT_EXPECT_EQ(test, t->links[0].completed_packets, 10);
	iosm_rig_expect_balance(t, 0);
}

static void nudge_makes_up_for_a_lost_interrupt(struct kunit *test)
{
	struct iosm_rig *t = iosm_rig_create(test);
	unsigned int i;

	iosm_rig_must_open(t, 0);
	iosm_rig_lazy(t);
	for (i = 0; i < 10; i++)
		KUNIT_EXPECT_EQ(test, iosm_rig_send(t, 0, 100), 0);
	t->fake->mute = true;
	KUNIT_EXPECT_GT(test, iosm_rig_take(t, 0), 0);
	iosm_rig_deliver(t, 0, 100, 0x45);
	KUNIT_EXPECT_EQ(test, t->links[0].completed_packets, 0);
	iosm_rig_nudge(t);
	KUNIT_EXPECT_GE(test, t->links[0].completed_packets, 1);
	KUNIT_EXPECT_EQ(test, skb_queue_len(&t->received), 1);
	t->fake->mute = false;
	iosm_rig_take_all(t);
	KUNIT_EXPECT_EQ(test, t->links[0].completed_packets, 10);
}

/* Nothing helps: that is a failure, and after some time the end of the session. */
static void modem_that_takes_nothing_is_started_anew(struct kunit *test)
{
	struct iosm_rig *t = iosm_rig_create(test);

	iosm_rig_must_open(t, 0);
	t->fake->deaf = true;
	KUNIT_EXPECT_EQ(test, iosm_rig_send(t, 0, 100), 0);
	iosm_rig_nudge(t);
	KUNIT_EXPECT_TRUE(test, t->mux->stuck);
	/* Another link has the same complaint. */
	iosm_rig_nudge(t);
	KUNIT_EXPECT_TRUE(test, iosm_modem_online(t->modem));
	t->mux->stuck_since -= 6 * HZ;
	iosm_rig_nudge(t);
	KUNIT_EXPECT_FALSE(test, iosm_modem_online(t->modem));
	KUNIT_EXPECT_STREQ(test, t->modem->broken_reason, "modem takes no packets");
}

/* It was only slow. */
static void modem_that_takes_something_is_not_stuck(struct kunit *test)
{
	struct iosm_rig *t = iosm_rig_create(test);

	iosm_rig_must_open(t, 0);
	t->fake->deaf = true;
	KUNIT_EXPECT_EQ(test, iosm_rig_send(t, 0, 100), 0);
	iosm_rig_nudge(t);
	t->mux->stuck_since -= 6 * HZ;
	t->fake->deaf = false;
	iosm_rig_nudge(t);
	KUNIT_EXPECT_FALSE(test, t->mux->stuck);
	KUNIT_EXPECT_TRUE(test, iosm_modem_online(t->modem));
	KUNIT_EXPECT_EQ(test, t->links[0].completed_packets, 1);
}

/* What waits in the open block goes along. */
static void nudge_posts_the_open_block(struct kunit *test)
{
	struct iosm_rig *t = iosm_rig_create_caps(test, IOSM_RIG_AGGR, 0);
	unsigned int i;

	iosm_rig_must_open(t, 0);
	iosm_rig_lazy(t);
	for (i = 0; i < 10; i++)
		KUNIT_EXPECT_EQ(test, iosm_rig_send(t, 0, 100), 0);
	KUNIT_EXPECT_EQ(test, iosm_fake_posted(t->fake, IOSM_RIG_UL), 1);
	iosm_rig_nudge(t);
	KUNIT_EXPECT_EQ(test, iosm_fake_posted(t->fake, IOSM_RIG_UL), 2);
}

/* It reads ahead, and answers before it gives a transfer back. */
static void answer_newest_close(struct iosm_fake *fake)
{
	unsigned int posted = iosm_fake_posted(fake, IOSM_RIG_UL);
	struct iosm_fake_td td;

	if (posted && iosm_fake_td(fake, IOSM_RIG_UL, posted - 1, &td) &&
	    !memcmp(td.data, "ACBH", 4) && get_unaligned_le32(td.data + 28) == 3)
		iosm_rig_answer(fake->priv, 4, td.data[22],
				get_unaligned_le32(td.data + 32));
}

/*
 * The open block finds room in the ring, however many commands a modem that takes
 * nothing makes us send.
 */
static void open_block_has_a_place(struct kunit *test)
{
	struct iosm_rig *t = iosm_rig_create_caps(test, IOSM_RIG_AGGR, 0);
	unsigned int i;

	iosm_rig_must_open(t, 0);
	iosm_rig_lazy(t);
	iosm_rig_set_batch(t, 1);
	for (i = 0; i < 15; i++)
		KUNIT_EXPECT_EQ(test, iosm_rig_send(t, 0, 100), 0);
	iosm_rig_set_batch(t, 256);
	KUNIT_EXPECT_EQ(test, iosm_rig_send(t, 0, 100), 0);
	for (i = 0; i < 12; i++)
		iosm_rig_link_report(t, 0, i);
	iosm_rig_be_silent(t);
	t->answers.open_only = true;
	t->fake->on_head = answer_newest_close;
	for (i = 1; i < 4; i++)
		KUNIT_EXPECT_LT(test, iosm_rig_open(t, i), 0);
	t->fake->on_head = NULL;
	iosm_rig_be_right(t);
	iosm_rig_nudge(t);
	KUNIT_EXPECT_GT(test, iosm_fake_posted(t->fake, IOSM_RIG_UL), 0);
	iosm_rig_take_all(t);
	iosm_rig_settle(t);
	KUNIT_EXPECT_TRUE(test, iosm_modem_online(t->modem));
	KUNIT_EXPECT_EQ(test, t->links[0].completed_packets, 16);
	iosm_rig_expect_balance(t, 0);
	iosm_rig_eager(t);
	iosm_rig_must_open(t, 1);
}

/* ---- Flow control ---- */

static void expect_flow_ack(struct iosm_rig *t, unsigned int nth, u8 session, u32 tid)
{
	const struct iosm_rig_transfer *ack = iosm_rig_uplink(t, iosm_rig_signature(t),
							      nth);

	KUNIT_ASSERT_NOT_NULL(t->test, ack);
	KUNIT_EXPECT_EQ(t->test, ack->len, iosm_rig_aggr(t) ? 36 : 16);
	KUNIT_EXPECT_EQ(t->test, iosm_rig_command_code(t, nth), iosm_rig_aggr(t) ? 7 : 6);
	KUNIT_EXPECT_EQ(t->test, iosm_rig_command_tid(t, nth), tid);
	KUNIT_EXPECT_EQ(t->test, ack->data[iosm_rig_aggr(t) ? 22 : 6], session);
}

static void modem_stops_one_session(struct kunit *test)
{
	struct iosm_rig *t = iosm_rig_create(test);

	iosm_rig_must_open(t, 0);
	iosm_rig_must_open(t, 4);
	iosm_rig_uplink_forget(t);
	iosm_rig_flow(t, 4, 0x55, IOSM_MUX_FLOW_STOP);
	expect_flow_ack(t, 0, 4, 0x55);
	KUNIT_EXPECT_TRUE(test, t->links[4].stopped);
	KUNIT_EXPECT_FALSE(test, t->links[0].stopped);
	KUNIT_EXPECT_TRUE(test, iosm_mux_flow_stopped(t->mux, 4));
	KUNIT_EXPECT_FALSE(test, iosm_mux_flow_stopped(t->mux, 0));

	/* a packet that was on its way into the driver is kept, not sent */
	iosm_rig_uplink_forget(t);
	KUNIT_EXPECT_EQ(test, iosm_rig_send(t, 4, 100), 0);
	KUNIT_EXPECT_EQ(test, t->ul_count, 0);
	KUNIT_EXPECT_EQ(test, iosm_rig_send(t, 0, 100), 0);
	KUNIT_EXPECT_EQ(test, t->ul_count, 1);

	iosm_rig_flow(t, 4, 0x56, IOSM_MUX_FLOW_RESUME);
	expect_flow_ack(t, 0, 4, 0x56);
	KUNIT_EXPECT_FALSE(test, t->links[4].stopped);
	KUNIT_EXPECT_EQ(test, t->links[4].completed_packets, 1);
	KUNIT_EXPECT_EQ(test, t->links[0].wakes, 0);
	KUNIT_EXPECT_EQ(test, iosm_rig_stats(t)->flow_stops, 1);
	KUNIT_EXPECT_EQ(test, iosm_rig_stats(t)->flow_resumes, 1);
}

/* In Aggregation the mask decides, not the code. M36 */
static void flow_mask_decides(struct kunit *test)
{
	struct iosm_rig *t = iosm_rig_create(test);
	const u32 stop = IOSM_MUX_FLOW_STOP, other = 0x1234, resume = 0;

	iosm_rig_must_open(t, 0);
	iosm_rig_uplink_forget(t);
	iosm_rig_command(t, 5, 0, 1, &other, 1);
	expect_flow_ack(t, 0, 0, 1);
	KUNIT_EXPECT_FALSE(test, t->links[0].stopped);
	if (iosm_rig_aggr(t)) {
		iosm_rig_command(t, 6, 0, 2, &stop, 1);
		KUNIT_EXPECT_TRUE(test, t->links[0].stopped);
		iosm_rig_command(t, 6, 0, 3, &other, 1);
		KUNIT_EXPECT_TRUE(test, t->links[0].stopped);
		iosm_rig_command(t, 5, 0, 4, &resume, 1);
		KUNIT_EXPECT_FALSE(test, t->links[0].stopped);
		expect_flow_ack(t, 3, 0, 4);
	}
}

/* M37 */
static void closed_session_has_no_flow_state(struct kunit *test)
{
	struct iosm_rig *t = iosm_rig_create(test);

	iosm_rig_must_open(t, 0);
	iosm_rig_uplink_forget(t);
	iosm_rig_flow(t, 3, 9, IOSM_MUX_FLOW_STOP);
	expect_flow_ack(t, 0, 3, 9);
	iosm_rig_must_open(t, 3);
	KUNIT_EXPECT_EQ(test, iosm_rig_send(t, 3, 40), 0);
	KUNIT_EXPECT_EQ(test, t->links[3].completed_packets, 1);
}

static void reopened_session_is_not_stopped(struct kunit *test)
{
	struct iosm_rig *t = iosm_rig_create(test);

	iosm_rig_must_open(t, 0);
	iosm_rig_must_open(t, 3);
	iosm_rig_flow(t, 3, 9, IOSM_MUX_FLOW_STOP);
	KUNIT_EXPECT_EQ(test, iosm_rig_send(t, 3, 40), 0);
	iosm_rig_close(t, 3);
	iosm_rig_must_open(t, 3);
	KUNIT_EXPECT_EQ(test, iosm_rig_send(t, 3, 40), 0);
	KUNIT_EXPECT_EQ(test, t->links[3].completed_packets, 1);
}

static void flow_stop_sends_the_open_block(struct kunit *test)
{
	struct iosm_rig *t = iosm_rig_create_caps(test, IOSM_RIG_AGGR, 0);
	int i;

	iosm_rig_must_open(t, 0);
	iosm_rig_lazy(t);
	for (i = 0; i < 5; i++)
		KUNIT_EXPECT_EQ(test, iosm_rig_send(t, 0, 40), 0);
	KUNIT_EXPECT_EQ(test, iosm_fake_posted(t->fake, IOSM_RIG_UL), 1);
	iosm_rig_flow(t, 0, 1, IOSM_MUX_FLOW_STOP);
	/* and the acknowledgment */
	KUNIT_EXPECT_EQ(test, iosm_fake_posted(t->fake, IOSM_RIG_UL), 3);
}

/* M40, Q44 */
static void link_report_is_answered(struct kunit *test)
{
	struct iosm_rig *t = iosm_rig_create(test);
	const struct iosm_rig_transfer *answer;

	iosm_rig_must_open(t, 0);
	iosm_rig_uplink_forget(t);
	iosm_rig_link_report(t, 6, 0xabcd);
	answer = iosm_rig_uplink(t, iosm_rig_signature(t), 0);
	KUNIT_ASSERT_NOT_NULL(test, answer);
	KUNIT_EXPECT_EQ(test, answer->len, iosm_rig_aggr(t) ? 40 : 20);
	KUNIT_EXPECT_EQ(test, iosm_rig_command_code(t, 0), iosm_rig_aggr(t) ? 9 : 8);
	KUNIT_EXPECT_EQ(test, iosm_rig_command_tid(t, 0), 0xabcd);
}

/* M39 */
static void answers_on_their_way_are_bounded(struct kunit *test)
{
	struct iosm_rig *t = iosm_rig_create(test);
	unsigned int i;

	iosm_rig_must_open(t, 0);
	iosm_rig_lazy(t);
	for (i = 0; i < 40; i++)
		iosm_rig_link_report(t, 0, i);
	KUNIT_EXPECT_EQ(test, iosm_fake_posted(t->fake, IOSM_RIG_UL), 12);
	KUNIT_EXPECT_EQ(test, iosm_rig_stats(t)->replies_dropped, 28);

	/* and leave room for callers */
	iosm_rig_eager(t);
	iosm_rig_must_open(t, 1);
}

/* ---- Credits ---- */

static struct iosm_rig *credit_test(struct kunit *test)
{
	struct iosm_rig *t = iosm_rig_create_caps(test, IOSM_RIG_CREDITS, 0);

	iosm_rig_must_open(t, 0);
	iosm_rig_uplink_forget(t);
	return t;
}

static void no_credit_no_packet(struct kunit *test)
{
	struct iosm_rig *t = credit_test(test);

	KUNIT_EXPECT_EQ(test, iosm_rig_send(t, 0, 100), 0);
	KUNIT_EXPECT_EQ(test, iosm_rig_uplink_count(t, "ADGH"), 0);
	KUNIT_EXPECT_TRUE(test, t->links[0].stopped);
	KUNIT_EXPECT_EQ(test, iosm_rig_send(t, 0, 100), -ENOBUFS);

	/* one byte less than needed */
	iosm_rig_grant(t, 0, 99);
	KUNIT_EXPECT_EQ(test, iosm_rig_uplink_count(t, "ADGH"), 0);
	KUNIT_EXPECT_TRUE(test, t->links[0].stopped);
	iosm_rig_grant(t, 0, 1);
	KUNIT_EXPECT_EQ(test, iosm_rig_uplink_count(t, "ADGH"), 1);
	/* used up again */
	KUNIT_EXPECT_TRUE(test, t->links[0].stopped);
	iosm_rig_grant(t, 0, 1);
	KUNIT_EXPECT_FALSE(test, t->links[0].stopped);
}

static void credits_count_ip_bytes(struct kunit *test)
{
	struct iosm_rig *t = credit_test(test);
	unsigned int i;

	iosm_rig_grant(t, 0, 10 * 100);
	for (i = 0; i < 10; i++) {
		KUNIT_EXPECT_FALSE(test, t->links[0].stopped);
		KUNIT_EXPECT_EQ(test, iosm_rig_send(t, 0, 100), 0);
	}
	KUNIT_EXPECT_TRUE(test, t->links[0].stopped);
	KUNIT_EXPECT_EQ(test, iosm_rig_uplink_count(t, "ADGH"), 10);
}

static void credits_belong_to_one_session(struct kunit *test)
{
	struct iosm_rig *t = credit_test(test);

	iosm_rig_must_open(t, 7);
	iosm_rig_grant(t, 7, 1000);
	KUNIT_EXPECT_EQ(test, iosm_rig_send(t, 7, 100), 0);
	KUNIT_EXPECT_EQ(test, iosm_rig_send(t, 0, 100), 0);
	KUNIT_EXPECT_EQ(test, iosm_rig_uplink_count(t, "ADGH"), 1);
	KUNIT_EXPECT_FALSE(test, t->links[7].stopped);
	KUNIT_EXPECT_TRUE(test, t->links[0].stopped);

	/* and are gone after a close */
	iosm_rig_close(t, 7);
	iosm_rig_must_open(t, 7);
	KUNIT_EXPECT_EQ(test, iosm_rig_send(t, 7, 100), 0);
	KUNIT_EXPECT_EQ(test, iosm_rig_uplink_count(t, "ADGH"), 1);
}

/* M46, Q48 */
static void credits_saturate(struct kunit *test)
{
	struct iosm_rig *t = credit_test(test);

	iosm_rig_grant(t, 0, 0x80000000);
	iosm_rig_grant(t, 0, 0xffffffff);
	KUNIT_EXPECT_EQ(test, iosm_rig_send(t, 0, 1500), 0);
	iosm_rig_grant(t, 0, 0xffffffff);
	KUNIT_EXPECT_EQ(test, iosm_rig_send(t, 0, 1500), 0);
	KUNIT_EXPECT_EQ(test, iosm_rig_uplink_count(t, "ADGH"), 2);
	KUNIT_EXPECT_FALSE(test, t->links[0].stopped);
}

static void queue_levels_are_reported(struct kunit *test)
{
	struct iosm_rig *t = credit_test(test);
	const struct iosm_rig_transfer *level;

	iosm_rig_grant(t, 0, 150);
	t->links[0].backlog = 7000;
	KUNIT_EXPECT_EQ(test, iosm_rig_send(t, 0, 100), 0);
	level = iosm_rig_uplink(t, "QLTH", 0);
	KUNIT_ASSERT_NOT_NULL(test, level);
	KUNIT_EXPECT_EQ(test, level->len, 20);
	KUNIT_EXPECT_EQ(test, level->data[7], 4);
	KUNIT_EXPECT_EQ(test, get_unaligned_le32(level->data + 16), 7000);
	KUNIT_EXPECT_EQ(test, iosm_rig_stats(t)->ul_levels, 1);
}

static void idle_link_without_credits_reports_nothing(struct kunit *test)
{
	struct iosm_rig *t = iosm_rig_create_caps(test, 0, 0);

	iosm_rig_must_open(t, 0);
	KUNIT_EXPECT_EQ(test, iosm_rig_send(t, 0, 100), 0);
	KUNIT_EXPECT_EQ(test, iosm_rig_uplink_count(t, "QLTH"), 0);
}

/* Q45 */
static void aggregation_needs_no_credits(struct kunit *test)
{
	struct iosm_rig *t = iosm_rig_create_caps(test, IOSM_RIG_AGGR | IOSM_RIG_CREDITS,
						  16);

	iosm_rig_must_open(t, 0);
	KUNIT_EXPECT_EQ(test, iosm_rig_send(t, 0, 100), 0);
	KUNIT_EXPECT_EQ(test, iosm_rig_uplink_count(t, "ADBH"), 1);
	iosm_rig_grant(t, 0, 1000);
	KUNIT_EXPECT_EQ(test, iosm_rig_send(t, 0, 100), 0);
	KUNIT_EXPECT_EQ(test, iosm_rig_uplink_count(t, "ADBH"), 2);
}

#define CASE(name)	KUNIT_CASE_PARAM(name, variant_gen_params)

static struct kunit_case iosm_mux_flow_cases[] = {
	KUNIT_CASE_PARAM(links_share_by_bytes, share_case_gen_params),
	KUNIT_CASE_PARAM(idle_link_takes_no_share, idle_case_gen_params),
	CASE(super_packet_needs_two_doorbells),
	KUNIT_CASE(idle_pipe_is_rung_at_the_first_block),
	CASE(stopped_burst_is_rung),
	KUNIT_CASE_PARAM(batch_is_as_tuned, batch_case_gen_params),
	CASE(nudge_rings_without_news),
	CASE(nudge_without_sessions_does_nothing),
	CASE(nudge_makes_up_for_a_lost_doorbell),
	CASE(nudge_makes_up_for_a_lost_interrupt),
	CASE(modem_that_takes_nothing_is_started_anew),
	CASE(modem_that_takes_something_is_not_stuck),
	KUNIT_CASE(nudge_posts_the_open_block),
	KUNIT_CASE(open_block_has_a_place),
	CASE(modem_stops_one_session),
	CASE(flow_mask_decides),
	CASE(closed_session_has_no_flow_state),
	CASE(reopened_session_is_not_stopped),
	KUNIT_CASE(flow_stop_sends_the_open_block),
	CASE(link_report_is_answered),
	CASE(answers_on_their_way_are_bounded),
	KUNIT_CASE(no_credit_no_packet),
	KUNIT_CASE(credits_count_ip_bytes),
	KUNIT_CASE(credits_belong_to_one_session),
	KUNIT_CASE(credits_saturate),
	KUNIT_CASE(queue_levels_are_reported),
	KUNIT_CASE(idle_link_without_credits_reports_nothing),
	KUNIT_CASE(aggregation_needs_no_credits),
	{}
};

static struct kunit_suite iosm_mux_flow_suite = {
	.name = "iosm_mux_flow",
	.test_cases = iosm_mux_flow_cases,
};

kunit_test_suite(iosm_mux_flow_suite);
