// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of the multiplexer: sessions and their commands (protocol.rst 5.6, 5.7), what
 * can be tuned, what is counted.
 */

#include <linux/unaligned.h>
#include <linux/workqueue.h>

#include "iosm_mux_fixture.h"

KUNIT_ARRAY_PARAM_DESC(variant, iosm_rig_variants, desc);

/* ---- Opening and closing sessions ---- */

static void first_session_opens_the_channel(struct kunit *test)
{
	struct iosm_rig *t = iosm_rig_create(test);
	const struct iosm_rig_transfer *open;

	KUNIT_EXPECT_FALSE(test, t->fake->pipes[IOSM_RIG_UL].open);
	iosm_rig_must_open(t, 3);
	KUNIT_EXPECT_TRUE(test, t->fake->pipes[IOSM_RIG_UL].open);
	KUNIT_EXPECT_TRUE(test, t->fake->pipes[IOSM_RIG_DL].open);
	KUNIT_EXPECT_EQ(test, t->fake->pipes[IOSM_RIG_UL].backoff, 1000);
	/* the answer used one buffer, which was replaced in the same poll */
	KUNIT_EXPECT_EQ(test, iosm_pipe_room(&t->modem->protocol.pipes[IOSM_RIG_DL]), 0);

	KUNIT_EXPECT_EQ(test, t->ul_count, 1);
	open = iosm_rig_uplink(t, iosm_rig_signature(t), 0);
	KUNIT_ASSERT_NOT_NULL(test, open);
	KUNIT_EXPECT_EQ(test, open->len, iosm_rig_aggr(t) ? 44 : 24);
	KUNIT_EXPECT_EQ(test, open->data[iosm_rig_aggr(t) ? 22 : 6], 3);
	KUNIT_EXPECT_EQ(test, iosm_rig_command_code(t, 0), 1);
	KUNIT_EXPECT_EQ(test, iosm_fake_count_bells(t->fake, IOSM_DB_HEAD, 8), 1);
	KUNIT_EXPECT_EQ(test, iosm_fake_count_bells(t->fake, IOSM_DB_HEAD, 3), 1);
}

static void last_session_closes_the_channel(struct kunit *test)
{
	struct iosm_rig *t = iosm_rig_create(test);

	iosm_rig_must_open(t, 1);
	iosm_rig_must_open(t, 7);
	iosm_rig_close(t, 1);
	KUNIT_EXPECT_TRUE(test, t->fake->pipes[IOSM_RIG_UL].open);
	KUNIT_EXPECT_TRUE(test, t->fake->pipes[IOSM_RIG_DL].open);
	iosm_rig_close(t, 7);
	KUNIT_EXPECT_FALSE(test, t->fake->pipes[IOSM_RIG_UL].open);
	KUNIT_EXPECT_FALSE(test, t->fake->pipes[IOSM_RIG_DL].open);

	KUNIT_ASSERT_EQ(test, iosm_rig_uplink_count(t, iosm_rig_signature(t)), 4);
	KUNIT_EXPECT_EQ(test, iosm_rig_command_code(t, 0), 1);
	KUNIT_EXPECT_EQ(test, iosm_rig_command_code(t, 1), 1);
	KUNIT_EXPECT_EQ(test, iosm_rig_command_code(t, 2), 3);
	KUNIT_EXPECT_EQ(test, iosm_rig_command_code(t, 3), 3);
	KUNIT_EXPECT_EQ(test, iosm_rig_command_tid(t, 3), 3);
	KUNIT_EXPECT_EQ(test, t->links[1].resets, 1);
}

static void all_sessions_open_in_any_order(struct kunit *test)
{
	static const u8 order[] = { 5, 0, 7, 2, 1, 6, 3, 4 };
	struct iosm_rig *t = iosm_rig_create(test);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(order); i++)
		iosm_rig_must_open(t, order[i]);
	KUNIT_EXPECT_EQ(test, iosm_mux_open(t->mux, 4, &t->links[4]), -EBUSY);
	for (i = 0; i < ARRAY_SIZE(order); i++)
		iosm_rig_close(t, order[i]);
	KUNIT_EXPECT_FALSE(test, t->fake->pipes[IOSM_RIG_UL].open);
}

/* protocol.rst 5.2: the numbers go on */
static void counters_survive_the_channel(struct kunit *test)
{
	struct iosm_rig *t = iosm_rig_create(test);
	unsigned int i;

	for (i = 0; i < 4; i++) {
		iosm_rig_must_open(t, 0);
		iosm_rig_close(t, 0);
	}
	KUNIT_ASSERT_EQ(test, iosm_rig_uplink_count(t, iosm_rig_signature(t)), 8);
	for (i = 0; i < 8; i++) {
		KUNIT_EXPECT_EQ(test, iosm_rig_command_tid(t, i), i);
		if (iosm_rig_aggr(t))
			KUNIT_EXPECT_EQ(test, i, get_unaligned_le16(t->ul[i].data + 6));
	}
}

/* M32 */
static void refused_session_is_closed(struct kunit *test)
{
	struct iosm_rig *t = iosm_rig_create(test);

	t->answers.result = 0x80000001;
	KUNIT_EXPECT_EQ(test, iosm_rig_open(t, 0), -ECONNREFUSED);
	KUNIT_EXPECT_FALSE(test, t->fake->pipes[IOSM_RIG_UL].open);
	KUNIT_EXPECT_FALSE(test, t->fake->pipes[IOSM_RIG_DL].open);
	KUNIT_EXPECT_EQ(test, t->ul_count, 1);

	t->answers.result = 0;
	iosm_rig_must_open(t, 0);
}

static void refused_session_leaves_others_alone(struct kunit *test)
{
	struct iosm_rig *t = iosm_rig_create(test);

	iosm_rig_must_open(t, 2);
	t->answers.result = 1;
	KUNIT_EXPECT_EQ(test, iosm_rig_open(t, 0), -ECONNREFUSED);
	t->answers.result = 0;
	KUNIT_EXPECT_EQ(test, iosm_rig_send(t, 2, 100), 0);
	KUNIT_EXPECT_EQ(test, iosm_rig_send(t, 0, 100), -ENOLINK);
	KUNIT_EXPECT_EQ(test, t->links[2].completed_packets, 1);
}

/* M33 */
static void impossible_padding_is_refused(struct kunit *test)
{
	struct iosm_rig *t = iosm_rig_create(test);

	t->answers.pad = 257;
	KUNIT_EXPECT_EQ(test, iosm_rig_open(t, 0), -EPROTO);
	t->answers.pad = 0xffffffff;
	KUNIT_EXPECT_EQ(test, iosm_rig_open(t, 0), -EPROTO);
	KUNIT_EXPECT_FALSE(test, t->fake->pipes[IOSM_RIG_UL].open);
	/* the modem believes it open, so it is closed */
	KUNIT_ASSERT_EQ(test, iosm_rig_uplink_count(t, iosm_rig_signature(t)), 4);
	KUNIT_EXPECT_EQ(test, iosm_rig_command_code(t, 1), 3);
	t->answers.pad = 256;
	iosm_rig_must_open(t, 0);
	KUNIT_EXPECT_EQ(test, iosm_mux_max_mtu(t->mux, 0), iosm_rig_aggr(t) ? 16084 : 1792);
}

static void silent_modem_times_out(struct kunit *test)
{
	struct iosm_rig *t = iosm_rig_create(test);

	disable_delayed_work_sync(&t->modem->work);
	iosm_rig_be_silent(t);
	/* OPEN, and then the CLOSE that has to arrive before the pipes are closed */
	KUNIT_EXPECT_EQ(test, iosm_rig_open(t, 0), -ETIMEDOUT);
	KUNIT_EXPECT_EQ(test, iosm_fake_count_events(t->fake, "MDM_TIMEOUT"), 2);
	KUNIT_EXPECT_EQ(test, iosm_rig_stats(t)->timeouts, 2);
	/* It understands nothing any more, and need not be asked to close the pipes. */
	KUNIT_EXPECT_FALSE(test, iosm_modem_online(t->modem));
	KUNIT_EXPECT_TRUE(test, t->fake->pipes[IOSM_RIG_UL].open);
	enable_delayed_work(&t->modem->work);
	mod_delayed_work(t->modem->wq, &t->modem->work, 0);
	iosm_fake_await(t->fake, IOSM_RECOVERING);
	iosm_fake_await(t->fake, IOSM_ONLINE);
	KUNIT_EXPECT_EQ(test, iosm_fake_count_events(t->fake, "MDM_TIMEOUT"), 2);
}

/* It was too slow, but it is there. */
static void open_without_answer_is_taken_back(struct kunit *test)
{
	struct iosm_rig *t = iosm_rig_create(test);

	iosm_rig_be_silent(t);
	t->answers.open_only = true;
	KUNIT_EXPECT_EQ(test, iosm_rig_open(t, 0), -ETIMEDOUT);
	KUNIT_EXPECT_EQ(test, iosm_rig_stats(t)->timeouts, 1);
	KUNIT_EXPECT_EQ(test, iosm_fake_count_events(t->fake, "MDM_TIMEOUT"), 1);
	KUNIT_EXPECT_TRUE(test, iosm_modem_online(t->modem));
	KUNIT_EXPECT_FALSE(test, t->fake->pipes[IOSM_RIG_UL].open);
	iosm_rig_be_right(t);
	iosm_rig_must_open(t, 0);
}

/* One wait is enough to know that the modem is dead. */
static void dead_modem_is_taken_down_at_once(struct kunit *test)
{
	struct iosm_rig *t = iosm_rig_create(test);
	u8 s;

	for (s = 0; s < IOSM_MUX_SESSIONS; s++)
		iosm_rig_must_open(t, s);
	iosm_rig_be_silent(t);
	t->modem->ending = true;
	for (s = 0; s < IOSM_MUX_SESSIONS; s++)
		iosm_rig_close(t, s);
	t->modem->ending = false;
	KUNIT_EXPECT_EQ(test, iosm_rig_stats(t)->timeouts, 1);
	KUNIT_EXPECT_FALSE(test, iosm_modem_online(t->modem));
}

static void close_without_answer_closes(struct kunit *test)
{
	struct iosm_rig *t = iosm_rig_create(test);

	iosm_rig_must_open(t, 0);
	iosm_rig_be_silent(t);
	iosm_rig_close(t, 0);
	KUNIT_EXPECT_EQ(test, iosm_fake_count_events(t->fake, "MDM_TIMEOUT"), 1);
	KUNIT_EXPECT_FALSE(test, t->fake->pipes[IOSM_RIG_UL].open);
}

struct wrong_answer {
	const char *desc;
	u32 caps;
	struct iosm_rig_answers answers;
};

/* M31 */
static const struct wrong_answer wrong_answers[] = {
	{ "lite, transaction id", 0, { .add_tid = 1 } },
	{ "lite, session", 0, { .add_session = 1 } },
	{ "lite, command", 0, { .code = 4 } },
	{ "aggregation, transaction id", IOSM_RIG_AGGR, { .add_tid = 0xffffffff } },
	{ "aggregation, session", IOSM_RIG_AGGR, { .add_session = 7 } },
	{ "aggregation, command", IOSM_RIG_AGGR, { .code = 4 } },
};

KUNIT_ARRAY_PARAM_DESC(wrong_answer, wrong_answers, desc);

static void wrong_answer_is_no_answer(struct kunit *test)
{
	const struct wrong_answer *c = test->param_value;
	struct iosm_rig *t = iosm_rig_create_caps(test, c->caps, 0);

	iosm_rig_must_open(t, 6);
	iosm_rig_be_wrong(t, &c->answers);
	t->answers.open_only = true;
	KUNIT_EXPECT_EQ(test, iosm_rig_open(t, 0), -ETIMEDOUT);
	KUNIT_EXPECT_EQ(test, iosm_rig_stats(t)->late_answers, 1);
	KUNIT_EXPECT_TRUE(test, iosm_modem_online(t->modem));
	iosm_rig_be_right(t);
	iosm_rig_must_open(t, 0);
}

static void late_answer_satisfies_nobody(struct kunit *test)
{
	struct iosm_rig *t = iosm_rig_create(test);
	u64 late;
	u32 tid;

	iosm_rig_must_open(t, 6);
	iosm_rig_be_silent(t);
	t->answers.open_only = true;
	KUNIT_EXPECT_EQ(test, iosm_rig_open(t, 0), -ETIMEDOUT);
	tid = t->last_open_tid;
	iosm_rig_be_right(t);
	late = iosm_rig_stats(t)->late_answers;
	iosm_rig_answer(t, 2, 0, tid);
	KUNIT_EXPECT_EQ(test, iosm_rig_stats(t)->late_answers, late + 1);
	KUNIT_EXPECT_EQ(test, iosm_rig_send(t, 0, 40), -ENOLINK);

	/* neither does one that came before the question (Q35) */
	iosm_rig_answer(t, 2, 0, tid + 2);
	iosm_rig_be_silent(t);
	t->answers.open_only = true;
	KUNIT_EXPECT_EQ(test, iosm_rig_open(t, 0), -ETIMEDOUT);
}

static void duplicate_answer_is_counted(struct kunit *test)
{
	struct iosm_rig *t = iosm_rig_create(test);

	t->answers.duplicate = true;
	iosm_rig_must_open(t, 0);
	KUNIT_EXPECT_EQ(test, iosm_rig_stats(t)->late_answers, 1);
	iosm_rig_close(t, 0);
	iosm_rig_must_open(t, 0);
}

static void offline_modem_opens_nothing(struct kunit *test)
{
	struct iosm_rig *t = iosm_rig_create(test);

	iosm_fake_crash(t->fake);
	iosm_fake_await(t->fake, IOSM_CRASHED);
	KUNIT_EXPECT_EQ(test, iosm_rig_open(t, 0), -ENODEV);
}

static void session_closes_after_a_crash(struct kunit *test)
{
	struct iosm_rig *t = iosm_rig_create(test);
	unsigned long start;

	iosm_rig_must_open(t, 0);
	iosm_rig_must_open(t, 1);
	KUNIT_EXPECT_EQ(test, iosm_rig_send(t, 0, 40), 0);
	t->fake->control = NULL;
	iosm_modem_broken(t->modem, "test");
	KUNIT_EXPECT_EQ(test, iosm_rig_send(t, 0, 40), 0);
	start = jiffies;
	iosm_rig_close(t, 0);
	iosm_rig_close(t, 1);
	KUNIT_EXPECT_LT(test, jiffies_to_msecs(jiffies - start), 500);
}

/**
 * struct mux_witness - closes a session while the end of the IPC session is described
 * @observer: of the modem
 * @rig: whose session 0
 * @calls: how often it did
 */
struct mux_witness {
	struct iosm_observer observer;
	struct iosm_rig *rig;
	unsigned int calls;
};

static void close_at_failure(struct iosm_observer *observer, const char *why)
{
	struct mux_witness *w = container_of(observer, struct mux_witness, observer);

	w->calls++;
	iosm_rig_close(w->rig, 0);
}

static void ignore_move(struct iosm_observer *observer, enum iosm_state to)
{
}

/* A modem that heard nothing of the session's end must not hear of the pipe's. */
static void no_close_of_a_pipe_when_all_is_over(struct kunit *test)
{
	/* It has to live longer than the modem. */
	static struct mux_witness w = {
		.observer = { .failure = close_at_failure, .moved = ignore_move },
	};
	struct iosm_rig *t = iosm_rig_create(test);
	unsigned int requests;

	w.rig = t;
	w.calls = 0;
	iosm_rig_must_open(t, 0);
	requests = t->fake->requests;
	iosm_modem_observe(t->modem, &w.observer);
	iosm_modem_broken(t->modem, "test");
	KUNIT_EXPECT_EQ(test, w.calls, 1);
	KUNIT_EXPECT_EQ(test, t->fake->requests, requests);
}

/**
 * struct breaker - ends the IPC session some time from now
 * @work: does it
 * @modem: whose
 */
struct breaker {
	struct delayed_work work;
	struct iosm_modem *modem;
};

static void break_session(struct work_struct *work)
{
	struct breaker *b = container_of(to_delayed_work(work), struct breaker, work);

	iosm_modem_broken(b->modem, "test");
}

/* Who holds RTNL and waits for an answer does not wait for one that cannot come. */
static void end_of_the_session_ends_the_wait(struct kunit *test)
{
	struct iosm_rig *t = iosm_rig_create(test);
	struct breaker b = { .modem = t->modem };
	unsigned long start = jiffies;

	iosm_rig_be_silent(t);
	iosm_mux_set_timeout(t->mux, 20000);
	INIT_DELAYED_WORK_ONSTACK(&b.work, break_session);
	schedule_delayed_work(&b.work, HZ / 20);
	KUNIT_EXPECT_EQ(test, iosm_rig_open(t, 0), -ENODEV);
	flush_delayed_work(&b.work);
	destroy_delayed_work_on_stack(&b.work);
	KUNIT_EXPECT_LT(test, jiffies - start, 10 * HZ);
	KUNIT_EXPECT_EQ(test, iosm_rig_stats(t)->timeouts, 0);
}

static void largest_packet_before_the_first_opening(struct kunit *test)
{
	struct iosm_rig *t = iosm_rig_create(test);

	KUNIT_EXPECT_EQ(test, iosm_mux_max_mtu(t->mux, 0), iosm_rig_aggr(t) ? 16308 : 2032);
}

/* ---- Closing with data on its way ---- */

/* What was accepted is sent, in front of the command that closes the session (Q87). */
static void open_block_goes_before_the_close(struct kunit *test)
{
	struct iosm_rig *t = iosm_rig_create_caps(test, IOSM_RIG_AGGR, 0);
	const struct iosm_rig_transfer *block;

	iosm_rig_must_open(t, 0);
	iosm_rig_must_open(t, 1);
	iosm_rig_lazy(t);
	KUNIT_EXPECT_EQ(test, iosm_rig_send(t, 0, 40), 0);
	KUNIT_EXPECT_EQ(test, iosm_rig_send(t, 1, 60), 0);
	KUNIT_EXPECT_EQ(test, iosm_rig_send(t, 0, 80), 0);
	iosm_rig_uplink_forget(t);
	iosm_rig_be_silent(t);
	iosm_rig_close(t, 1);
	iosm_rig_be_right(t);
	iosm_rig_eager(t);
	KUNIT_ASSERT_EQ(test, iosm_rig_uplink_count(t, "ADBH"), 2);
	block = iosm_rig_uplink(t, "ADBH", 1);
	KUNIT_EXPECT_EQ(test, block->len, 16 + 60 + 80 + 2 * (24 + 20));
	KUNIT_EXPECT_TRUE(test, block < iosm_rig_uplink(t, "ACBH", 0));
	KUNIT_EXPECT_EQ(test, t->links[0].completed_packets, 2);
	KUNIT_EXPECT_EQ(test, t->links[1].completed_packets, 0);
}

/* Completions of an earlier life of a session are not its own. */
static void reopened_session_owes_nothing(struct kunit *test)
{
	struct iosm_rig *t = iosm_rig_create(test);

	iosm_rig_must_open(t, 0);
	iosm_rig_must_open(t, 1);
	iosm_rig_lazy(t);
	KUNIT_EXPECT_EQ(test, iosm_rig_send(t, 1, 60), 0);
	iosm_rig_be_silent(t);
	iosm_rig_close(t, 1);
	iosm_rig_be_right(t);
	iosm_rig_eager(t);
	iosm_rig_must_open(t, 1);
	KUNIT_EXPECT_EQ(test, t->links[1].completed_packets, 0);
	KUNIT_EXPECT_EQ(test, iosm_rig_send(t, 1, 60), 0);
	KUNIT_EXPECT_EQ(test, t->links[1].completed_packets, 1);
}

/* Q88 */
static void buffers_come_back_at_close(struct kunit *test)
{
	struct iosm_rig *t = iosm_rig_create(test);
	unsigned int round, i;

	for (round = 0; round < 3; round++) {
		iosm_rig_must_open(t, 0);
		iosm_rig_lazy(t);
		for (i = 0; i < 60; i++)
			KUNIT_ASSERT_EQ(test, iosm_rig_send(t, 0, 1400), 0);
		KUNIT_EXPECT_FALSE(test, t->links[0].stopped);
		KUNIT_EXPECT_GT(test, iosm_fake_posted(t->fake, IOSM_RIG_UL), 0);
		iosm_rig_close(t, 0);
		KUNIT_ASSERT_FALSE(test, t->fake->pipes[IOSM_RIG_UL].open);
		iosm_rig_eager(t);
	}
}

/* ---- Tuning ---- */

static void tuning_has_defaults(struct kunit *test)
{
	struct iosm_rig *t = iosm_rig_create(test);
	struct iosm_mux_tuning tuning;

	iosm_mux_get_tuning(t->mux, &tuning);
	KUNIT_EXPECT_EQ(test, tuning.ul_backoff, 1000);
	KUNIT_EXPECT_EQ(test, tuning.dl_backoff, 1000);
	KUNIT_EXPECT_EQ(test, tuning.batch, iosm_rig_aggr(t) ? 256 : 64);
	KUNIT_EXPECT_EQ(test, tuning.ul_buffers,
			iosm_rig_aggr(t) ? 16 : IOSM_RIG_LITE_BUFFERS);
	KUNIT_EXPECT_EQ(test, tuning.dl_buffers, iosm_rig_aggr(t) ? 59 : 511);
}

struct tuning_case {
	const char *desc;
	struct iosm_mux_tuning tuning;
	int closed;	/* result while no session is open */
	int open;	/* and while one is */
};

static const struct tuning_case tuning_cases[] = {
	{ "as it is", { 1000, 1000, 12 }, 0, 0 },
	{ "smallest", { 0, 0, 1 }, 0, -EBUSY },
	{ "largest", { 100000, 100000, 256 }, 0, -EBUSY },
	{ "only uplink back-off", { 77, 1000, 12 }, 0, -EBUSY },
	{ "only downlink back-off", { 1000, 0, 12 }, 0, -EBUSY },
	{ "numbers of buffers mean nothing", { 1000, 1000, 3, 1, 100000 }, 0, 0 },
	{ "batch too small", { 1, 1, 0 }, -ERANGE, -ERANGE },
	{ "batch too large", { 1, 1, 257 }, -ERANGE, -ERANGE },
	{ "uplink back-off too large", { 100001, 1, 12 }, -ERANGE, -ERANGE },
	{ "downlink back-off too large", { 1, 100001, 12 }, -ERANGE, -ERANGE },
	{ "everything too large", { U32_MAX, U32_MAX, U32_MAX }, -ERANGE, -ERANGE },
};

KUNIT_ARRAY_PARAM_DESC(tuning_case, tuning_cases, desc);

static void expect_tuning(struct iosm_rig *t, const struct iosm_mux_tuning *before,
			  const struct iosm_mux_tuning *tuning, int ret)
{
	const struct iosm_mux_tuning *expected = ret ? before : tuning;
	struct iosm_mux_tuning now;

	KUNIT_EXPECT_EQ(t->test, iosm_mux_set_tuning(t->mux, tuning), ret);
	iosm_mux_get_tuning(t->mux, &now);
	KUNIT_EXPECT_EQ(t->test, now.ul_backoff, expected->ul_backoff);
	KUNIT_EXPECT_EQ(t->test, now.dl_backoff, expected->dl_backoff);
	KUNIT_EXPECT_EQ(t->test, now.batch, expected->batch);
	KUNIT_EXPECT_EQ(t->test, now.ul_buffers, before->ul_buffers);
	KUNIT_EXPECT_EQ(t->test, now.dl_buffers, before->dl_buffers);
}

static void tuning_is_checked(struct kunit *test)
{
	const struct tuning_case *c = test->param_value;
	struct iosm_rig *t = iosm_rig_create_caps(test, IOSM_RIG_AGGR, 0);
	struct iosm_mux_tuning before;

	iosm_mux_get_tuning(t->mux, &before);
	iosm_rig_must_open(t, 5);
	expect_tuning(t, &before, &c->tuning, c->open);
	/* a session that is open keeps what it was opened with */
	KUNIT_EXPECT_EQ(test, t->fake->pipes[IOSM_RIG_UL].backoff, 1000);
	iosm_rig_close(t, 5);

	iosm_mux_get_tuning(t->mux, &before);
	expect_tuning(t, &before, &c->tuning, c->closed);
	iosm_rig_must_open(t, 0);
	if (c->closed)
		return;
	KUNIT_EXPECT_EQ(test, t->fake->pipes[IOSM_RIG_UL].backoff, c->tuning.ul_backoff);
	KUNIT_EXPECT_EQ(test, t->fake->pipes[IOSM_RIG_DL].backoff, c->tuning.dl_backoff);
}

static void back_off_reaches_the_modem(struct kunit *test)
{
	struct iosm_rig *t = iosm_rig_create(test);
	struct iosm_mux_tuning tuning;

	iosm_mux_get_tuning(t->mux, &tuning);
	tuning.ul_backoff = 250;
	tuning.dl_backoff = 99999;
	KUNIT_EXPECT_EQ(test, iosm_mux_set_tuning(t->mux, &tuning), 0);
	iosm_rig_must_open(t, 0);
	KUNIT_EXPECT_EQ(test, t->fake->pipes[IOSM_RIG_UL].backoff, 250);
	KUNIT_EXPECT_EQ(test, t->fake->pipes[IOSM_RIG_DL].backoff, 99999);
	/* the second session finds the pipes open */
	iosm_rig_must_open(t, 1);
	iosm_rig_close(t, 0);
	tuning.ul_backoff = 1;
	KUNIT_EXPECT_EQ(test, iosm_mux_set_tuning(t->mux, &tuning), -EBUSY);
	iosm_rig_close(t, 1);
	KUNIT_EXPECT_EQ(test, iosm_mux_set_tuning(t->mux, &tuning), 0);
	iosm_rig_must_open(t, 1);
	KUNIT_EXPECT_EQ(test, t->fake->pipes[IOSM_RIG_UL].backoff, 1);
	/* it is that of one modem */
	KUNIT_EXPECT_EQ(test, iosm_channel_mux_lite.ul_backoff, 1000);
	KUNIT_EXPECT_EQ(test, iosm_channel_mux_aggr.ul_backoff, 1000);
}

/* ---- Counters ---- */

static void uplink_is_counted(struct kunit *test)
{
	struct iosm_rig *t = iosm_rig_create(test);
	struct iosm_mux_stats before, after;

	iosm_rig_must_open(t, 0);
	before = *iosm_rig_stats(t);
	KUNIT_EXPECT_EQ(test, before.ul_transfers, 0);
	iosm_rig_lazy(t);
	iosm_fake_forget_bells(t->fake);
	KUNIT_EXPECT_EQ(test, iosm_rig_give(t, 0, iosm_rig_packet(t, 100, 1), true), 0);
	KUNIT_EXPECT_EQ(test, iosm_rig_give(t, 0, iosm_rig_packet(t, 202, 1), true), 0);
	KUNIT_EXPECT_EQ(test, iosm_rig_give(t, 0, iosm_rig_super(t, 500, 1001), false), 0);
	after = *iosm_rig_stats(t);
	KUNIT_EXPECT_EQ(test, after.ul_datagrams, 5);
	KUNIT_EXPECT_EQ(test, after.ul_transfers, iosm_rig_aggr(t) ? 1 : 5);
	/* headers 16, tables 16 + 20 and 8 for each datagram; or 16 for each */
	if (iosm_rig_aggr(t))
		KUNIT_EXPECT_EQ(test, after.ul_bytes, 16 + (16 + 100) + (16 + 204) +
				2 * (16 + 540) + (16 + 44) + 16 + 20 + 5 * 8);
	else
		KUNIT_EXPECT_EQ(test, after.ul_bytes,
				100 + 202 + 2 * 540 + 41 + 5 * 16);
	KUNIT_EXPECT_EQ(test, after.ul_doorbells, 1);
	KUNIT_EXPECT_EQ(test, t->fake->bell_count, 1);
	KUNIT_EXPECT_EQ(test, after.ul_nudges, 0);
	KUNIT_EXPECT_EQ(test, after.ul_held, 0);
}

static void downlink_is_counted(struct kunit *test)
{
	struct iosm_rig *t = iosm_rig_create(test);
	struct iosm_mux_stats before, after;
	unsigned int i, bells;
	u32 bytes;

	iosm_rig_must_open(t, 0);
	iosm_fake_forget_bells(t->fake);
	before = *iosm_rig_stats(t);
	if (iosm_rig_aggr(t))
		iosm_rig_deliver_block(t, 0, 7, 300, 0x45);
	else
		for (i = 0; i < 7; i++)
			iosm_rig_deliver_lite(t, 0, 300, 0x45);
	iosm_rig_deliver(t, 0, 20, 0x10);	/* no IP packet */
	iosm_fake_interrupt(t->fake);
	after = *iosm_rig_stats(t);
	bytes = iosm_rig_aggr(t) ? 16 + 7 * 316 + 16 + 7 * 8 + 16 + 36 + 16 + 8 :
			  7 * 316 + 36;
	KUNIT_EXPECT_EQ(test, after.dl_datagrams - before.dl_datagrams, 7);
	KUNIT_EXPECT_EQ(test, after.dl_bytes - before.dl_bytes, bytes);
	KUNIT_EXPECT_EQ(test, after.dl_transfers - before.dl_transfers,
			iosm_rig_aggr(t) ? 2 : 8);
	KUNIT_EXPECT_EQ(test, after.dl_bad_ip, 1);

	for (i = 0; i < 600; i++) {
		iosm_rig_deliver(t, 0, 100, 0x45);
		if (i % 8 == 7)
			iosm_fake_interrupt(t->fake);
	}
	after = *iosm_rig_stats(t);
	bells = iosm_fake_count_bells(t->fake, IOSM_DB_HEAD, 5);
	KUNIT_EXPECT_GT(test, bells, 0);
	KUNIT_EXPECT_EQ(test, after.dl_doorbells - before.dl_doorbells, bells);
	KUNIT_EXPECT_EQ(test, after.dl_datagrams - before.dl_datagrams, 607);
}

#define CASE(name)	KUNIT_CASE_PARAM(name, variant_gen_params)

static struct kunit_case iosm_mux_cases[] = {
	CASE(first_session_opens_the_channel),
	CASE(last_session_closes_the_channel),
	CASE(all_sessions_open_in_any_order),
	CASE(counters_survive_the_channel),
	CASE(refused_session_is_closed),
	CASE(refused_session_leaves_others_alone),
	CASE(impossible_padding_is_refused),
	CASE(silent_modem_times_out),
	CASE(open_without_answer_is_taken_back),
	CASE(dead_modem_is_taken_down_at_once),
	CASE(close_without_answer_closes),
	KUNIT_CASE_PARAM(wrong_answer_is_no_answer, wrong_answer_gen_params),
	CASE(late_answer_satisfies_nobody),
	CASE(duplicate_answer_is_counted),
	CASE(offline_modem_opens_nothing),
	CASE(session_closes_after_a_crash),
	CASE(no_close_of_a_pipe_when_all_is_over),
	CASE(end_of_the_session_ends_the_wait),
	KUNIT_CASE(open_block_goes_before_the_close),
	CASE(tuning_has_defaults),
	KUNIT_CASE_PARAM(tuning_is_checked, tuning_case_gen_params),
	CASE(back_off_reaches_the_modem),
	CASE(uplink_is_counted),
	CASE(downlink_is_counted),
	CASE(reopened_session_owes_nothing),
	CASE(buffers_come_back_at_close),
	CASE(largest_packet_before_the_first_opening),
	{}
};

static struct kunit_suite iosm_mux_suite = {
	.name = "iosm_mux",
	.test_cases = iosm_mux_cases,
};

kunit_test_suite(iosm_mux_suite);
