// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of resets of the function, of bus errors, and of recovery (protocol.rst 7.6,
 * 8.10).
 */

#include <linux/completion.h>
#include <linux/kthread.h>
#include <linux/sched/signal.h>

#include "iosm_host_fixture.h"

KUNIT_ARRAY_PARAM_DESC(handshake, iosm_host_handshakes, desc);
KUNIT_ARRAY_PARAM_DESC(place, iosm_host_places, desc);

/* ---- Reset of the function ---- */

static void expect_withdrawn(struct kunit *test)
{
	struct iosm_host_test *t = test->priv;

	KUNIT_EXPECT_EQ(test, t->stops, t->starts);
	KUNIT_EXPECT_FALSE(test, t->fake->dma);
	KUNIT_EXPECT_FALSE(test, iosm_modem_online(t->modem));
	KUNIT_EXPECT_TRUE(test, iosm_protocol_halted(&t->modem->protocol));
}

static void online_modem_is_reset(struct kunit *test)
{
	struct iosm_host_test *t = test->priv;

	iosm_host_start_open(test, D3);
	iosm_modem_reset_prepare(t->modem);
	iosm_host_expect_state(test, IOSM_RECOVERING);
	expect_withdrawn(test);
	/* Its channel is closed in good order. */
	IOSM_FAKE_EXPECT_BELLS(t->fake, { IOSM_DB_HEAD, 0 }, { IOSM_DB_HEAD, 0 },
			       { IOSM_DB_STATE, 0 });
	iosm_fake_forget_bells(t->fake);
	iosm_fake_enter_d3(t->fake);
	iosm_host_work(t);
	iosm_fake_reboot(t->fake, STAGE_RUN);
	iosm_fake_leave_d3(t->fake);
	iosm_modem_reset_done(t->modem);
	iosm_fake_await(t->fake, IOSM_ONLINE);
	IOSM_FAKE_EXPECT_STATES(t->fake, IOSM_STARTING, IOSM_ONLINE,
				IOSM_RECOVERING, IOSM_STARTING, IOSM_ONLINE);
	KUNIT_ASSERT_EQ(test, iosm_host_open(t), 0);
	iosm_host_expect_traffic(test);
	KUNIT_EXPECT_EQ(test, t->failures, 0);
}

static void modem_is_reset_in_any_other_state(struct kunit *test)
{
	const struct iosm_host_place *c = test->param_value;
	struct iosm_host_test *t = test->priv;

	iosm_host_reach(test);
	t->fake->ignored_states &= ~BIT(0);
	iosm_modem_reset_prepare(t->modem);
	iosm_host_expect_state(test, IOSM_RECOVERING);
	expect_withdrawn(test);
	KUNIT_EXPECT_EQ(test, iosm_fake_count_bells(t->fake, IOSM_DB_STATE, 0),
			c->uninit);
	iosm_fake_enter_d3(t->fake);
	iosm_host_work(t);
	iosm_host_make_well(t);
	iosm_fake_leave_d3(t->fake);
	iosm_modem_reset_done(t->modem);
	iosm_host_expect_online(test);
	KUNIT_EXPECT_EQ(test, iosm_fake_usage(t->fake), 0);
}

/* The attempts that failed before it do not count after it. */
static void reset_gives_another_five_attempts(struct kunit *test)
{
	struct iosm_host_test *t = test->priv;
	unsigned int i;

	t->answer_type = 0xf0;
	t->answer = IOSM_FAKE_REFUSED;
	iosm_modem_start(t->modem);
	iosm_fake_await(t->fake, IOSM_FAILED);
	iosm_fake_reset(t->fake);
	for (i = 0; i < 4; i++) {
		iosm_fake_await(t->fake, IOSM_STARTING);
		iosm_fake_await(t->fake, IOSM_RECOVERING);
	}
	t->answer_type = 0;
	iosm_host_expect_online(test);
}

/* Neither do the bad stages that were read. It has all the time of a power-on. */
static void reset_gives_another_fifty_reads(struct kunit *test)
{
	struct iosm_host_test *t = test->priv;
	unsigned int i;

	iosm_host_reach_lost(test);
	iosm_modem_reset_prepare(t->modem);
	disable_delayed_work_sync(&t->modem->work);
	iosm_modem_reset_done(t->modem);
	enable_delayed_work(&t->modem->work);
	for (i = 0; i < 49; i++)
		iosm_fake_step(t->fake);
	iosm_host_expect_state(test, IOSM_RECOVERING);
	iosm_fake_step(t->fake);
	iosm_host_expect_state(test, IOSM_LOST);
}

static void gone_modem_stays_gone(struct kunit *test)
{
	struct iosm_host_test *t = test->priv;

	iosm_host_start_open(test, D3);
	iosm_modem_stop(t->modem);
	iosm_fake_forget_bells(t->fake);
	t->fake->state_count = 0;
	KUNIT_EXPECT_EQ(test, iosm_modem_suspend(t->modem), 0);
	iosm_modem_resume(t->modem);
	iosm_modem_restore(t->modem);
	iosm_modem_release(t->modem);
	KUNIT_EXPECT_EQ(test, iosm_modem_runtime_suspend(t->modem), -EBUSY);
	iosm_modem_runtime_resume(t->modem);
	iosm_host_work(t);
	IOSM_FAKE_EXPECT_NO_BELL(t->fake);
	KUNIT_EXPECT_EQ(test, t->fake->state_count, 0);
	KUNIT_EXPECT_EQ(test, iosm_fake_usage(t->fake), 0);
	KUNIT_EXPECT_EQ(test, iosm_modem_recover(t->modem, true), -ENODEV);
	KUNIT_EXPECT_EQ(test, t->fake->resets, 0);
}

/* ---- Bus errors ---- */

struct isolation_case {
	const char *desc;
	bool forever;
	enum iosm_state state;
};

static const struct isolation_case isolations[] = {
	{ "for a while", false, IOSM_RECOVERING },
	{ "forever", true, IOSM_LOST },
};

KUNIT_ARRAY_PARAM_DESC(isolation, isolations, desc);

static void online_modem_is_isolated(struct kunit *test)
{
	const struct isolation_case *c = test->param_value;
	struct iosm_host_test *t = test->priv;

	iosm_host_start_open(test, D3);
	/* In this test, D3 stands for "not a word, not a look". */
	iosm_fake_enter_d3(t->fake);
	iosm_modem_isolate(t->modem, c->forever);
	expect_withdrawn(test);
	iosm_host_expect_state(test, c->state);
	KUNIT_EXPECT_EQ(test, t->failures, 1);
	KUNIT_EXPECT_STREQ(test, t->why, "bus error");
	iosm_host_work(t);
	IOSM_FAKE_EXPECT_NO_BELL(t->fake);

	iosm_fake_reboot(t->fake, STAGE_RUN);
	iosm_fake_leave_d3(t->fake);
	iosm_modem_rejoin(t->modem);
	if (c->forever) {
		t->fake->reads[0] = 0;
		iosm_host_work(t);
		iosm_host_expect_state(test, IOSM_LOST);
		KUNIT_EXPECT_EQ(test, t->fake->reads[0], 0);
		iosm_modem_resume(t->modem);
	}
	iosm_host_expect_online(test);
}

static void modem_is_isolated_in_any_other_state(struct kunit *test)
{
	struct iosm_host_test *t = test->priv;
	unsigned int failures;

	iosm_host_reach(test);
	t->why = NULL;
	failures = t->failures;
	iosm_fake_enter_d3(t->fake);
	iosm_modem_isolate(t->modem, false);
	KUNIT_EXPECT_STREQ(test, t->why, "bus error");
	KUNIT_EXPECT_EQ(test, t->failures, failures + 1);
	expect_withdrawn(test);
	iosm_host_expect_state(test, IOSM_RECOVERING);
	iosm_modem_isolate(t->modem, true);
	KUNIT_EXPECT_EQ(test, t->failures, failures + 2);
	expect_withdrawn(test);
	iosm_host_expect_state(test, IOSM_LOST);
	iosm_host_work(t);
	IOSM_FAKE_EXPECT_NO_BELL(t->fake);
	iosm_fake_leave_d3(t->fake);
	iosm_host_make_well(t);
	iosm_modem_resume(t->modem);
	iosm_host_expect_online(test);
	KUNIT_EXPECT_EQ(test, iosm_fake_usage(t->fake), 0);
}

static void isolated_modem_comes_back(struct kunit *test)
{
	struct iosm_host_test *t = test->priv;

	iosm_host_reach(test);
	iosm_fake_enter_d3(t->fake);
	iosm_modem_isolate(t->modem, false);
	iosm_fake_leave_d3(t->fake);
	iosm_host_make_well(t);
	iosm_host_work(t);
	iosm_host_expect_state(test, IOSM_RECOVERING);
	iosm_modem_rejoin(t->modem);
	iosm_host_expect_online(test);
}

static void sleeping_modem_is_isolated(struct kunit *test)
{
	const struct iosm_host_handshake *c = test->param_value;
	struct iosm_host_test *t = test->priv;

	iosm_host_start_open(test, c->handshake);
	KUNIT_ASSERT_EQ(test, iosm_host_suspend(t), 0);
	iosm_fake_forget_bells(t->fake);
	iosm_modem_isolate(t->modem, false);
	expect_withdrawn(test);
	iosm_host_expect_state(test, IOSM_RECOVERING);
	IOSM_FAKE_EXPECT_NO_BELL(t->fake);
	iosm_fake_reboot(t->fake, STAGE_RUN);
	iosm_host_resume(t);
	/* Each of both holds it. */
	iosm_modem_release(t->modem);
	iosm_host_work(t);
	iosm_host_expect_state(test, IOSM_RECOVERING);
	iosm_modem_rejoin(t->modem);
	iosm_host_expect_online(test);
}

/* The state work may wait for an answer that will never come. */
static void isolation_ends_a_bring_up_that_waits(struct kunit *test)
{
	struct iosm_host_test *t = test->priv;
	unsigned long start;

	t->answer_type = 0xf0;
	t->answer = IOSM_FAKE_SILENT;
	t->modem->protocol.timeout = IOSM_FAKE_NO_TIMEOUT;
	iosm_modem_start(t->modem);
	wait_for_completion(&t->asked);
	wait_for_completion(&t->asked);
	start = jiffies;
	iosm_modem_isolate(t->modem, false);
	KUNIT_EXPECT_LT(test, jiffies_to_msecs(jiffies - start), IOSM_FAKE_SOON);
	expect_withdrawn(test);
	iosm_host_expect_state(test, IOSM_RECOVERING);
	t->answer_type = 0;
	KUNIT_EXPECT_EQ(test, t->failures, 1);
	iosm_host_make_well(t);
	iosm_modem_rejoin(t->modem);
	iosm_host_expect_online(test);
}

/* ---- Who holds the state work ---- */

static void isolate_for_a_while(struct iosm_modem *modem)
{
	iosm_modem_isolate(modem, false);
}

struct holder_case {
	const char *desc;
	void (*hold)(struct iosm_modem *modem);
	void (*release)(struct iosm_modem *modem);
};

static const struct holder_case holders[] = {
	{ "sleep", iosm_modem_hold, iosm_modem_release },
	{ "reset", iosm_modem_reset_prepare, iosm_modem_reset_done },
	{ "bus error", isolate_for_a_while, iosm_modem_rejoin },
};

KUNIT_ARRAY_PARAM_DESC(holder, holders, desc);

static void expect_held(struct kunit *test)
{
	struct iosm_host_test *t = test->priv;
	enum iosm_state state = iosm_modem_state(t->modem);

	KUNIT_EXPECT_FALSE(test, delayed_work_pending(&t->modem->work));
	t->fake->reads[0] = 0;
	iosm_host_work(t);
	iosm_host_expect_state(test, state);
	KUNIT_EXPECT_EQ(test, t->fake->reads[0], 0);
}

/* The others have no say in it, however often they let go. */
static void work_is_released_by_its_holder_only(struct kunit *test)
{
	const struct holder_case *c = test->param_value;
	struct iosm_host_test *t = test->priv;
	unsigned int i;

	iosm_host_start_open(test, D3);
	c->hold(t->modem);
	for (i = 0; i < 2 * ARRAY_SIZE(holders); i++) {
		if (&holders[i / 2] != c)
			holders[i / 2].release(t->modem);
		expect_held(test);
	}
	c->release(t->modem);
	iosm_host_expect_online(test);
}

struct holder_thread {
	const struct holder_case *how;
	struct iosm_modem *modem;
	struct completion held;
};

static int hold_in_thread(void *data)
{
	struct holder_thread *thread = data;

	thread->how->hold(thread->modem);
	complete(&thread->held);
	return 0;
}

/* A function in reset, or in D3, must not be read. */
static void holder_waits_for_who_reads_registers(struct kunit *test)
{
	struct iosm_host_test *t = test->priv;
	struct holder_thread thread = { test->param_value, t->modem };
	struct task_struct *task;

	init_completion(&thread.held);
	iosm_host_start_open(test, D3);
	KUNIT_ASSERT_TRUE(test, iosm_modem_get_registers(t->modem));
	task = kthread_run(hold_in_thread, &thread, "iosm_holder");
	KUNIT_ASSERT_FALSE(test, IS_ERR(task));
	KUNIT_EXPECT_EQ(test, wait_for_completion_timeout(&thread.held, HZ / 10), 0);
	/* The next one comes too late. */
	KUNIT_EXPECT_FALSE(test, iosm_modem_get_registers(t->modem));
	iosm_modem_put_registers(t->modem);
	KUNIT_EXPECT_GT(test, wait_for_completion_timeout(&thread.held, 10 * HZ), 0);
	KUNIT_EXPECT_FALSE(test, iosm_modem_get_registers(t->modem));
	thread.how->release(t->modem);
	/* After a mere hold it never was anything else. */
	KUNIT_ASSERT_GT(test, wait_event_timeout(t->modem->state_wait,
						 iosm_modem_state(t->modem) == IOSM_ONLINE,
						 10 * HZ), 0);
	KUNIT_ASSERT_TRUE(test, iosm_modem_get_registers(t->modem));
	iosm_modem_put_registers(t->modem);
}

static void system_sleeps(struct iosm_modem *modem)
{
	iosm_modem_suspend(modem);
}

static void function_sleeps(struct iosm_modem *modem)
{
	iosm_modem_runtime_suspend(modem);
}

static const struct holder_case sleepers[] = {
	{ "system", system_sleeps },
	{ "function", function_sleeps },
};

KUNIT_ARRAY_PARAM_DESC(sleeper, sleepers, desc);

/* Who looks after a modem that is in D3 by then would take it for one that is gone. */
static void sleeper_waits_for_who_reads_registers(struct kunit *test)
{
	struct iosm_host_test *t = test->priv;
	struct holder_thread thread = { test->param_value, t->modem };
	struct task_struct *task;

	init_completion(&thread.held);
	t->fake->bus.host_sleep = IOSM_HOST_SLEEP_D3;
	iosm_fake_go_online(t->fake);
	iosm_modem_begin_read(t->modem);
	task = kthread_run(hold_in_thread, &thread, "iosm_sleeper");
	KUNIT_ASSERT_FALSE(test, IS_ERR(task));
	KUNIT_EXPECT_EQ(test, wait_for_completion_timeout(&thread.held, HZ / 2), 0);
	iosm_modem_end_read(t->modem);
	KUNIT_EXPECT_GT(test, wait_for_completion_timeout(&thread.held, 10 * HZ), 0);
	iosm_host_expect_state(test, IOSM_SUSPENDED);
	t->fake->reads[0] = 0;
	iosm_modem_look(t->modem);
	KUNIT_EXPECT_EQ(test, t->fake->reads[0], 0);
}

static void last_of_all_holders_releases_the_work(struct kunit *test)
{
	const struct holder_case *c = test->param_value;
	struct iosm_host_test *t = test->priv;
	unsigned int i;

	iosm_host_start_open(test, D3);
	for (i = 0; i < ARRAY_SIZE(holders); i++)
		holders[i].hold(t->modem);
	/* To hold twice is to hold. */
	c->hold(t->modem);
	iosm_host_expect_state(test, IOSM_RECOVERING);
	iosm_host_make_well(t);
	for (i = 0; i < ARRAY_SIZE(holders); i++) {
		if (&holders[i] != c)
			holders[i].release(t->modem);
		expect_held(test);
	}
	c->release(t->modem);
	iosm_host_expect_online(test);
	KUNIT_EXPECT_EQ(test, t->starts, 2);
}

/* An error that is not fatal is reported, and over, in the middle of a sleep. */
static void error_of_the_bus_does_not_end_a_sleep(struct kunit *test)
{
	const struct iosm_host_handshake *c = test->param_value;
	struct iosm_host_test *t = test->priv;

	iosm_host_start_open(test, c->handshake);
	KUNIT_ASSERT_EQ(test, iosm_host_suspend(t), 0);
	iosm_modem_rejoin(t->modem);
	expect_held(test);
	iosm_host_expect_state(test, IOSM_SUSPENDED);
	iosm_host_resume(t);
	iosm_modem_release(t->modem);
	iosm_host_expect_online(test);
	iosm_host_expect_traffic(test);
}

struct answer_case {
	const char *desc;
	u32 stage;
	bool there;
};

static const struct answer_case answers[] = {
	{ "boot ROM", STAGE_BOOT, true },
	{ "first loader", STAGE_PSI, true },
	{ "second loader", 0xfeedcafe, true },
	{ "firmware", STAGE_RUN, true },
	{ "crashed", STAGE_CRASH, true },
	{ "dump ready", STAGE_CD_READY, true },
	{ "all ones", ALL_ONES, false },
	/* Just after a reset */
	{ "0", 0, true },
	{ "one bit off", STAGE_RUN ^ 1, true },
	{ "all ones but one", ~1U, true },
};

KUNIT_ARRAY_PARAM_DESC(answer, answers, desc);

static void stage_tells_whether_it_answers(struct kunit *test)
{
	const struct answer_case *c = test->param_value;
	struct iosm_host_test *t = test->priv;

	iosm_fake_set_stage(t->fake, c->stage);
	KUNIT_EXPECT_EQ(test, iosm_modem_answers(t->modem), c->there);
}

/* ---- Recovery ---- */

struct recovery {
	struct iosm_host_test *t;
	bool asked;
	int result;
	bool over;
	struct task_struct *task;
};

static int recover(void *data)
{
	struct recovery *r = data;

	allow_signal(SIGTERM);
	r->result = iosm_modem_recover(r->t->modem, r->asked);
	WRITE_ONCE(r->over, true);
	while (!kthread_should_stop())
		schedule_timeout_uninterruptible(1);
	return 0;
}

static void begin_recovery(struct kunit *test, struct recovery *r, bool asked)
{
	r->t = test->priv;
	r->asked = asked;
	r->over = false;
	r->task = kthread_run(recover, r, "iosm recover");
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, r->task);
	/* Let it get as far as it can. */
	schedule_timeout_uninterruptible(5);
}

static int end_recovery(struct recovery *r)
{
	unsigned long end = jiffies + 10 * HZ;

	while (!READ_ONCE(r->over) && time_before(jiffies, end))
		schedule_timeout_uninterruptible(1);
	if (!READ_ONCE(r->over))
		send_sig(SIGTERM, r->task, 1);
	kthread_stop(r->task);
	return r->result;
}

static void crash(struct kunit *test)
{
	struct iosm_host_test *t = test->priv;

	iosm_host_start_open(test, D3);
	iosm_fake_crash(t->fake);
	iosm_fake_await(t->fake, IOSM_CRASHED);
}

static void nothing_is_done_about_a_modem_that_works(struct kunit *test)
{
	struct iosm_host_test *t = test->priv;

	iosm_host_start_open(test, D3);
	KUNIT_EXPECT_EQ(test, iosm_modem_recover(t->modem, true), 0);
	KUNIT_EXPECT_EQ(test, t->fake->resets, 0);
	IOSM_FAKE_EXPECT_NO_BELL(t->fake);
	iosm_host_close(t);
	KUNIT_ASSERT_EQ(test, iosm_modem_runtime_suspend(t->modem), 0);
	iosm_fake_enter_d3(t->fake);
	KUNIT_EXPECT_EQ(test, iosm_modem_recover(t->modem, true), 0);
	KUNIT_EXPECT_EQ(test, t->fake->resets, 0);
	iosm_fake_leave_d3(t->fake);
	iosm_modem_runtime_resume(t->modem);
	iosm_host_expect_online(test);
}

/* The failure is reported before the state work has seen it. */
static void broken_session_is_not_taken_for_a_modem_that_works(struct kunit *test)
{
	struct iosm_host_test *t = test->priv;
	struct recovery r;

	iosm_host_start_open(test, D3);
	disable_delayed_work_sync(&t->modem->work);
	iosm_fake_crash(t->fake);
	iosm_host_expect_state(test, IOSM_ONLINE);
	begin_recovery(test, &r, false);
	KUNIT_EXPECT_FALSE(test, READ_ONCE(r.over));
	enable_delayed_work(&t->modem->work);
	iosm_host_work(t);
	iosm_host_expect_state(test, IOSM_CRASHED);
	KUNIT_EXPECT_FALSE(test, READ_ONCE(r.over));
	iosm_fake_reboot(t->fake, STAGE_RUN);
	iosm_fake_await(t->fake, IOSM_ONLINE);
	KUNIT_EXPECT_EQ(test, end_recovery(&r), 0);
	KUNIT_EXPECT_EQ(test, t->fake->resets, 0);
}

static u32 crash_instead(struct iosm_fake *fake,
			 const struct iosm_fake_request *request)
{
	if (request->type != 0xf0)
		return IOSM_FAKE_OK;
	iosm_fake_crash(fake);
	return IOSM_FAKE_SILENT;
}

static void crash_during_bring_up(struct kunit *test)
{
	struct iosm_host_test *t = test->priv;

	t->fake->control = crash_instead;
	iosm_modem_start(t->modem);
	iosm_fake_await(t->fake, IOSM_CRASHED);
	IOSM_FAKE_EXPECT_STATES(t->fake, IOSM_STARTING, IOSM_CRASHED);
	KUNIT_EXPECT_EQ(test, iosm_fake_count_events(t->fake, "CRASH"), 1);
	KUNIT_EXPECT_EQ(test, t->fake->event_count, 1);
}

struct crash_case {
	const char *desc;
	void (*crash)(struct kunit *test);
};

static const struct crash_case crashes[] = {
	{ "while online", crash },
	{ "during the bring-up", crash_during_bring_up },
	{ "found at the start", iosm_host_reach_crashed },
	{ "found at the start, dump ready", iosm_host_reach_dump_ready },
};

KUNIT_ARRAY_PARAM_DESC(crash, crashes, desc);

static void crashed_modem_is_given_3_s(struct kunit *test)
{
	const struct crash_case *c = test->param_value;
	struct iosm_host_test *t = test->priv;
	long left;

	c->crash(test);
	left = t->modem->deadline - jiffies;
	KUNIT_EXPECT_LE(test, left, msecs_to_jiffies(3000));
	KUNIT_EXPECT_GT(test, left, 0);
}

static void modem_that_restarts_by_itself_is_not_reset(struct kunit *test)
{
	struct iosm_host_test *t = test->priv;
	struct recovery r;

	crash(test);
	t->modem->deadline = jiffies + 60 * HZ;
	begin_recovery(test, &r, false);
	KUNIT_EXPECT_FALSE(test, READ_ONCE(r.over));
	iosm_fake_reboot(t->fake, STAGE_RUN);
	iosm_fake_await(t->fake, IOSM_ONLINE);
	KUNIT_EXPECT_EQ(test, end_recovery(&r), 0);
	KUNIT_EXPECT_EQ(test, t->fake->resets, 0);
}

/* A dump that gets ready is still the same crash. */
static void dump_that_gets_ready_is_no_restart(struct kunit *test)
{
	struct iosm_host_test *t = test->priv;
	struct recovery r;

	crash(test);
	t->modem->deadline = jiffies + 60 * HZ;
	begin_recovery(test, &r, false);
	iosm_fake_reboot(t->fake, STAGE_CD_READY);
	iosm_fake_await(t->fake, IOSM_DUMP_READY);
	schedule_timeout_uninterruptible(5);
	KUNIT_EXPECT_FALSE(test, READ_ONCE(r.over));
	KUNIT_EXPECT_EQ(test, t->fake->resets, 0);
	iosm_fake_reboot(t->fake, STAGE_RUN);
	iosm_fake_await(t->fake, IOSM_ONLINE);
	KUNIT_EXPECT_EQ(test, end_recovery(&r), 0);
	KUNIT_EXPECT_EQ(test, t->fake->resets, 0);
}

static void crashed_modem_is_reset_once(struct kunit *test)
{
	struct iosm_host_test *t = test->priv;

	crash(test);
	t->modem->deadline = jiffies;
	KUNIT_EXPECT_EQ(test, iosm_modem_recover(t->modem, false), 0);
	KUNIT_EXPECT_EQ(test, t->fake->resets, 1);
	IOSM_FAKE_EXPECT_STATES(t->fake, IOSM_STARTING, IOSM_ONLINE, IOSM_CRASHED,
				IOSM_RECOVERING, IOSM_STARTING, IOSM_ONLINE);
	KUNIT_ASSERT_EQ(test, iosm_host_open(t), 0);
	iosm_host_expect_traffic(test);
}

static int reset_in_vain(struct iosm_fake *fake)
{
	iosm_modem_reset_prepare(fake->modem);
	iosm_modem_reset_done(fake->modem);
	return 0;
}

static void modem_that_crashed_for_good_is_not_reset_again(struct kunit *test)
{
	struct iosm_host_test *t = test->priv;

	crash(test);
	t->modem->deadline = jiffies;
	t->fake->reset = reset_in_vain;
	KUNIT_EXPECT_EQ(test, iosm_modem_recover(t->modem, true), -EIO);
	KUNIT_EXPECT_EQ(test, t->fake->resets, 1);
	iosm_host_expect_state(test, IOSM_CRASHED);
}

static int reset_unsupported(struct iosm_fake *fake)
{
	return -EOPNOTSUPP;
}

static int reset_failed(struct iosm_fake *fake)
{
	reset_in_vain(fake);
	return -ENOTTY;
}

static void error_of_the_reset_is_told(struct kunit *test)
{
	struct iosm_host_test *t = test->priv;

	crash(test);
	t->modem->deadline = jiffies;
	t->fake->reset = reset_unsupported;
	KUNIT_EXPECT_EQ(test, iosm_modem_recover(t->modem, true), -EOPNOTSUPP);
	iosm_host_expect_state(test, IOSM_CRASHED);
	t->fake->reset = reset_failed;
	KUNIT_EXPECT_EQ(test, iosm_modem_recover(t->modem, true), -ENOTTY);
	KUNIT_EXPECT_EQ(test, t->fake->resets, 2);
}

static int reset_busy_thrice(struct iosm_fake *fake)
{
	return fake->resets < 4 ? -EAGAIN : iosm_fake_reset(fake);
}

static void busy_device_is_reset_a_little_later(struct kunit *test)
{
	struct iosm_host_test *t = test->priv;

	crash(test);
	t->modem->deadline = jiffies;
	t->fake->reset = reset_busy_thrice;
	KUNIT_EXPECT_EQ(test, iosm_modem_recover(t->modem, true), 0);
	KUNIT_EXPECT_EQ(test, t->fake->resets, 4);
	iosm_host_expect_state(test, IOSM_ONLINE);
}

static int reset_busy_while_needed(struct iosm_fake *fake)
{
	return iosm_modem_needs_reset(fake->modem) ? -EAGAIN : iosm_fake_reset(fake);
}

/* Whatever kept the device busy helped, or the modem helped itself. */
static void modem_that_is_well_meanwhile_is_not_reset(struct kunit *test)
{
	struct iosm_host_test *t = test->priv;
	struct recovery r;

	crash(test);
	t->modem->deadline = jiffies;
	t->fake->reset = reset_busy_while_needed;
	begin_recovery(test, &r, true);
	KUNIT_EXPECT_FALSE(test, READ_ONCE(r.over));
	KUNIT_EXPECT_GT(test, t->fake->resets, 0);
	iosm_fake_reboot(t->fake, STAGE_RUN);
	iosm_fake_await(t->fake, IOSM_ONLINE);
	KUNIT_EXPECT_EQ(test, end_recovery(&r), 0);
	IOSM_FAKE_EXPECT_STATES(t->fake, IOSM_STARTING, IOSM_ONLINE, IOSM_CRASHED,
				IOSM_STARTING, IOSM_ONLINE);
}

static void only_who_cannot_help_himself_needs_a_reset(struct kunit *test)
{
	const struct iosm_host_place *c = test->param_value;
	struct iosm_host_test *t = test->priv;

	iosm_host_reach(test);
	KUNIT_EXPECT_EQ(test, iosm_modem_needs_reset(t->modem),
			c->state == IOSM_CRASHED || c->state == IOSM_DUMP_READY ||
			c->state == IOSM_FAILED || c->state == IOSM_LOST);
}

static void modem_in_use_needs_no_reset(struct kunit *test)
{
	struct iosm_host_test *t = test->priv;

	iosm_host_start(test, D3);
	KUNIT_EXPECT_FALSE(test, iosm_modem_needs_reset(t->modem));
	KUNIT_ASSERT_EQ(test, iosm_host_suspend(t), 0);
	KUNIT_EXPECT_FALSE(test, iosm_modem_needs_reset(t->modem));
	iosm_host_resume(t);
	iosm_modem_stop(t->modem);
	KUNIT_EXPECT_FALSE(test, iosm_modem_needs_reset(t->modem));
}

static int reset_busy(struct iosm_fake *fake)
{
	return -EAGAIN;
}

static void fail(struct kunit *test)
{
	struct iosm_host_test *t = test->priv;

	t->answer_type = 0xf0;
	t->answer = IOSM_FAKE_REFUSED;
	iosm_modem_start(t->modem);
	iosm_fake_await(t->fake, IOSM_FAILED);
	t->answer_type = 0;
}

static void modem_that_was_given_up_is_reset(struct kunit *test)
{
	struct iosm_host_test *t = test->priv;

	fail(test);
	KUNIT_EXPECT_EQ(test, iosm_modem_recover(t->modem, false), 0);
	KUNIT_EXPECT_EQ(test, t->fake->resets, 1);
	iosm_host_expect_state(test, IOSM_ONLINE);
}

static void modem_that_cannot_be_reset_is_tried_again(struct kunit *test)
{
	struct iosm_host_test *t = test->priv;

	fail(test);
	t->fake->reset = reset_unsupported;
	KUNIT_EXPECT_EQ(test, iosm_modem_recover(t->modem, true), 0);
	KUNIT_EXPECT_EQ(test, t->fake->resets, 1);
	iosm_host_expect_state(test, IOSM_ONLINE);
}

static void modem_that_fails_again_is_an_error(struct kunit *test)
{
	struct iosm_host_test *t = test->priv;
	struct recovery r;

	fail(test);
	t->answer_type = 0xf0;
	begin_recovery(test, &r, true);
	iosm_fake_await(t->fake, IOSM_FAILED);
	KUNIT_EXPECT_EQ(test, end_recovery(&r), -EIO);
	KUNIT_EXPECT_EQ(test, t->fake->resets, 1);
}

/* Starts are under way; a reset helps only when they have failed. */
static void starts_are_waited_for(struct kunit *test)
{
	struct iosm_host_test *t = test->priv;
	struct recovery r;

	iosm_host_start(test, D3);
	t->answer_type = 0xf0;
	t->answer = IOSM_FAKE_REFUSED;
	iosm_modem_broken(t->modem, "test");
	iosm_fake_await(t->fake, IOSM_RECOVERING);
	begin_recovery(test, &r, false);
	KUNIT_EXPECT_FALSE(test, READ_ONCE(r.over));
	KUNIT_EXPECT_EQ(test, t->fake->resets, 0);
	iosm_fake_await(t->fake, IOSM_FAILED);
	t->answer_type = 0;
	iosm_fake_await(t->fake, IOSM_ONLINE);
	KUNIT_EXPECT_EQ(test, end_recovery(&r), 0);
	KUNIT_EXPECT_EQ(test, t->fake->resets, 1);
}

static void start_that_succeeds_needs_no_reset(struct kunit *test)
{
	struct iosm_host_test *t = test->priv;
	struct recovery r;

	iosm_host_start(test, D3);
	iosm_modem_broken(t->modem, "test");
	begin_recovery(test, &r, false);
	iosm_fake_await(t->fake, IOSM_RECOVERING);
	iosm_fake_await(t->fake, IOSM_ONLINE);
	KUNIT_EXPECT_EQ(test, end_recovery(&r), 0);
	KUNIT_EXPECT_EQ(test, t->fake->resets, 0);
}

static void lose(struct kunit *test)
{
	struct iosm_host_test *t = test->priv;

	iosm_host_start_open(test, D3);
	t->fake->absent = true;
	iosm_modem_broken(t->modem, "test");
	iosm_fake_await(t->fake, IOSM_LOST);
}

static void lost_modem_is_reset_if_somebody_asks(struct kunit *test)
{
	struct iosm_host_test *t = test->priv;

	lose(test);
	t->fake->absent = false;
	KUNIT_EXPECT_EQ(test, iosm_modem_recover(t->modem, false), -ENODEV);
	iosm_host_expect_state(test, IOSM_LOST);
	KUNIT_EXPECT_EQ(test, t->fake->resets, 0);
	KUNIT_EXPECT_EQ(test, iosm_modem_recover(t->modem, true), 0);
	iosm_host_expect_state(test, IOSM_ONLINE);
	KUNIT_EXPECT_EQ(test, t->fake->resets, 1);
}

static void lost_modem_that_cannot_be_reset_is_looked_for(struct kunit *test)
{
	struct iosm_host_test *t = test->priv;

	lose(test);
	t->fake->reset = reset_unsupported;
	KUNIT_EXPECT_EQ(test, iosm_modem_recover(t->modem, true), -ENODEV);
	iosm_host_expect_state(test, IOSM_LOST);
	t->fake->absent = false;
	iosm_fake_reboot(t->fake, STAGE_RUN);
	KUNIT_EXPECT_EQ(test, iosm_modem_recover(t->modem, true), 0);
	iosm_host_expect_state(test, IOSM_ONLINE);
}

static void lost_modem_that_is_not_there_is_an_error(struct kunit *test)
{
	struct iosm_host_test *t = test->priv;

	lose(test);
	KUNIT_EXPECT_EQ(test, iosm_modem_recover(t->modem, true), -ENODEV);
	iosm_host_expect_state(test, IOSM_LOST);
	IOSM_FAKE_EXPECT_STATES(t->fake, IOSM_STARTING, IOSM_ONLINE, IOSM_LOST);
}

/* Its link was down while it restarted. Nobody has to do anything. */
static void lost_modem_that_answers_again_comes_back(struct kunit *test)
{
	struct iosm_host_test *t = test->priv;

	lose(test);
	t->fake->absent = false;
	iosm_fake_reboot(t->fake, STAGE_RUN);
	iosm_host_work(t);
	iosm_host_expect_state(test, IOSM_LOST);
	t->fake->found = true;
	iosm_fake_await(t->fake, IOSM_RECOVERING);
	iosm_host_expect_online(test);
	KUNIT_EXPECT_EQ(test, t->fake->resets, 0);
}

/* Configuration space alone is not enough; user space is told once that it is lost. */
static void lost_modem_without_registers_stays_lost(struct kunit *test)
{
	struct iosm_host_test *t = test->priv;
	unsigned int i;

	lose(test);
	t->fake->found = true;
	t->fake->event_count = 0;
	for (i = 0; i < 3; i++)
		iosm_host_work(t);
	iosm_host_expect_state(test, IOSM_LOST);
	IOSM_FAKE_EXPECT_STATES(t->fake, IOSM_STARTING, IOSM_ONLINE, IOSM_LOST);
	KUNIT_EXPECT_EQ(test, t->fake->event_count, 0);
}

enum waits_for { RESTART, RESET, BOOT };

struct wait_case {
	const char *desc;
	enum waits_for what;
};

static const struct wait_case waits[] = {
	{ "restart after a crash", RESTART },
	{ "device that is busy", RESET },
	{ "boot", BOOT },
};

KUNIT_ARRAY_PARAM_DESC(wait, waits, desc);

static void begin_to_wait(struct kunit *test, struct recovery *r)
{
	const struct wait_case *c = test->param_value;
	struct iosm_host_test *t = test->priv;

	if (c->what == BOOT) {
		iosm_fake_set_stage(t->fake, STAGE_BOOT);
		iosm_modem_start(t->modem);
		iosm_fake_await(t->fake, IOSM_ROM);
	} else {
		crash(test);
		t->fake->reset = reset_busy;
		t->modem->deadline = jiffies + (c->what == RESTART ? 60 * HZ : 0);
	}
	begin_recovery(test, r, true);
	KUNIT_EXPECT_FALSE(test, READ_ONCE(r->over));
}

static void signal_ends_each_wait(struct kunit *test)
{
	const struct wait_case *c = test->param_value;
	struct iosm_host_test *t = test->priv;
	struct recovery r;

	begin_to_wait(test, &r);
	send_sig(SIGTERM, r.task, 1);
	KUNIT_EXPECT_EQ(test, end_recovery(&r), -EINTR);
	KUNIT_EXPECT_EQ(test, t->fake->resets > 0, c->what == RESET);
}

static void unbind_ends_each_wait(struct kunit *test)
{
	struct iosm_host_test *t = test->priv;
	struct recovery r;

	begin_to_wait(test, &r);
	iosm_modem_stop(t->modem);
	KUNIT_EXPECT_EQ(test, end_recovery(&r), -ENODEV);
}

static void modem_that_boots_is_waited_for(struct kunit *test)
{
	struct iosm_host_test *t = test->priv;
	struct recovery r;

	iosm_fake_set_stage(t->fake, STAGE_BOOT);
	iosm_modem_start(t->modem);
	iosm_fake_await(t->fake, IOSM_ROM);
	begin_recovery(test, &r, true);
	KUNIT_EXPECT_FALSE(test, READ_ONCE(r.over));
	iosm_fake_reboot(t->fake, STAGE_RUN);
	iosm_fake_await(t->fake, IOSM_ONLINE);
	KUNIT_EXPECT_EQ(test, end_recovery(&r), 0);
	KUNIT_EXPECT_EQ(test, t->fake->resets, 0);
}

/* ---- Reports of failures ---- */

struct failure_case {
	const char *desc;
	void (*fail)(struct kunit *test);
	const char *why;	/* of the last report */
	unsigned int reports;
};

static void refuse_bring_up(struct kunit *test)
{
	struct iosm_host_test *t = test->priv;

	t->answer_type = 0xf0;
	t->answer = IOSM_FAKE_REFUSED;
	iosm_modem_start(t->modem);
	iosm_fake_await(t->fake, IOSM_RECOVERING);
}

static void leave_bring_up_unanswered(struct kunit *test)
{
	struct iosm_host_test *t = test->priv;

	t->answer_type = 0xf0;
	t->answer = IOSM_FAKE_SILENT;
	t->modem->protocol.timeout = IOSM_FAKE_TIMEOUT;
	iosm_modem_start(t->modem);
	iosm_fake_await(t->fake, IOSM_RECOVERING);
}

static void never_reach_running(struct kunit *test)
{
	struct iosm_host_test *t = test->priv;

	iosm_host_reach_running(test);
	iosm_fake_expire(t->fake);
}

static void leave_firmware(struct kunit *test)
{
	iosm_host_reach_init(test);
	iosm_host_reach_rom(test);
}

static void crash_while_starting(struct kunit *test)
{
	iosm_host_reach_init(test);
	iosm_host_reach_crashed(test);
}

static void start_for_the_sixth_time(struct kunit *test)
{
	struct iosm_host_test *t = test->priv;

	iosm_host_start(test, D3);
	t->modem->attempts = 5;
	iosm_modem_broken(t->modem, "test");
	iosm_fake_await(t->fake, IOSM_FAILED);
}

static void reset_unnoticed(struct kunit *test)
{
	struct iosm_host_test *t = test->priv;

	iosm_host_start(test, D3);
	iosm_fake_reboot(t->fake, STAGE_RUN);
	iosm_modem_look(t->modem);
}

static void ignore_wake_requests(struct kunit *test)
{
	struct iosm_host_test *t = test->priv;
	struct timer_list *retry = &t->modem->pm.retry;
	unsigned int i;

	iosm_host_start_open(test, D3);
	t->fake->stubborn = true;
	iosm_fake_notify(t->fake, 1);
	iosm_host_post(t);
	for (i = 0; i < 10; i++) {
		timer_delete_sync(retry);
		local_bh_disable();
		retry->function(retry);
		local_bh_enable();
	}
	iosm_fake_await(t->fake, IOSM_RECOVERING);
}

static const struct failure_case failures[] = {
	{ "bring-up refused", refuse_bring_up, "bring-up failed", 1 },
	{ "bring-up unanswered", leave_bring_up_unanswered,
	  "control request unanswered", 1 },
	{ "time-out", never_reach_running, "IPC state RUNNING not reached", 1 },
	{ "another stage while starting", leave_firmware,
	  "modem left its firmware", 1 },
	{ "crash while starting", crash_while_starting, "firmware crashed", 1 },
	{ "crash found at the start", iosm_host_reach_crashed, "firmware crashed", 1 },
	{ "dump found at the start", iosm_host_reach_dump_ready, "firmware crashed", 1 },
	{ "crash during the bring-up", crash_during_bring_up, "firmware crashed", 1 },
	{ "crash", crash, "firmware crashed", 1 },
	{ "other device", iosm_host_reach_failed, "unexpected chip information", 1 },
	{ "too many starts", start_for_the_sixth_time, "too many failed starts",
	  2 },
	{ "lost", iosm_host_reach_lost, "no answer on the bus", 1 },
	{ "lost while online", lose, "no answer on the bus", 2 },
	{ "reset unnoticed", reset_unnoticed, "modem was reset unnoticed", 1 },
	{ "wake requests unanswered", ignore_wake_requests, "no answer to wake requests", 1 },
};

KUNIT_ARRAY_PARAM_DESC(failure, failures, desc);

static void each_failure_is_reported(struct kunit *test)
{
	const struct failure_case *c = test->param_value;
	struct iosm_host_test *t = test->priv;

	c->fail(test);
	KUNIT_EXPECT_EQ(test, t->failures, c->reports);
	KUNIT_EXPECT_STREQ(test, t->why, c->why);
}

/* User space is told, once; a session that ends later for another reason is not one. */
static void unanswered_wake_requests_are_a_time_out(struct kunit *test)
{
	struct iosm_host_test *t = test->priv;

	ignore_wake_requests(test);
	KUNIT_EXPECT_EQ(test, iosm_fake_count_events(t->fake, "MDM_TIMEOUT"), 1);
	iosm_fake_await(t->fake, IOSM_ONLINE);
	iosm_modem_broken(t->modem, "test");
	iosm_fake_await(t->fake, IOSM_RECOVERING);
	iosm_fake_await(t->fake, IOSM_ONLINE);
	KUNIT_EXPECT_EQ(test, iosm_fake_count_events(t->fake, "MDM_TIMEOUT"), 1);
}

static struct kunit_case iosm_recovery_cases[] = {
	KUNIT_CASE(online_modem_is_reset),
	KUNIT_CASE_PARAM(modem_is_reset_in_any_other_state, place_gen_params),
	KUNIT_CASE(reset_gives_another_five_attempts),
	KUNIT_CASE(reset_gives_another_fifty_reads),
	KUNIT_CASE(gone_modem_stays_gone),
	KUNIT_CASE_PARAM(online_modem_is_isolated, isolation_gen_params),
	KUNIT_CASE_PARAM(modem_is_isolated_in_any_other_state,
			 place_gen_params),
	KUNIT_CASE_PARAM(isolated_modem_comes_back, place_gen_params),
	KUNIT_CASE_PARAM(sleeping_modem_is_isolated, handshake_gen_params),
	KUNIT_CASE(isolation_ends_a_bring_up_that_waits),
	KUNIT_CASE_PARAM(holder_waits_for_who_reads_registers, holder_gen_params),
	KUNIT_CASE_PARAM(sleeper_waits_for_who_reads_registers, sleeper_gen_params),
	KUNIT_CASE_PARAM(work_is_released_by_its_holder_only,
			 holder_gen_params),
	KUNIT_CASE_PARAM(last_of_all_holders_releases_the_work,
			 holder_gen_params),
	KUNIT_CASE_PARAM(error_of_the_bus_does_not_end_a_sleep,
			 handshake_gen_params),
	KUNIT_CASE_PARAM(stage_tells_whether_it_answers, answer_gen_params),
	KUNIT_CASE(nothing_is_done_about_a_modem_that_works),
	KUNIT_CASE(broken_session_is_not_taken_for_a_modem_that_works),
	KUNIT_CASE_PARAM(crashed_modem_is_given_3_s, crash_gen_params),
	KUNIT_CASE(modem_that_restarts_by_itself_is_not_reset),
	KUNIT_CASE(dump_that_gets_ready_is_no_restart),
	KUNIT_CASE(crashed_modem_is_reset_once),
	KUNIT_CASE(modem_that_crashed_for_good_is_not_reset_again),
	KUNIT_CASE(error_of_the_reset_is_told),
	KUNIT_CASE(busy_device_is_reset_a_little_later),
	KUNIT_CASE(modem_that_is_well_meanwhile_is_not_reset),
	KUNIT_CASE_PARAM(only_who_cannot_help_himself_needs_a_reset,
			 place_gen_params),
	KUNIT_CASE(modem_in_use_needs_no_reset),
	KUNIT_CASE(modem_that_was_given_up_is_reset),
	KUNIT_CASE(modem_that_cannot_be_reset_is_tried_again),
	KUNIT_CASE(modem_that_fails_again_is_an_error),
	KUNIT_CASE(starts_are_waited_for),
	KUNIT_CASE(start_that_succeeds_needs_no_reset),
	KUNIT_CASE(lost_modem_is_reset_if_somebody_asks),
	KUNIT_CASE(lost_modem_that_cannot_be_reset_is_looked_for),
	KUNIT_CASE(lost_modem_that_is_not_there_is_an_error),
	KUNIT_CASE(lost_modem_that_answers_again_comes_back),
	KUNIT_CASE(lost_modem_without_registers_stays_lost),
	KUNIT_CASE_PARAM(signal_ends_each_wait, wait_gen_params),
	KUNIT_CASE_PARAM(unbind_ends_each_wait, wait_gen_params),
	KUNIT_CASE(modem_that_boots_is_waited_for),
	KUNIT_CASE_PARAM(each_failure_is_reported, failure_gen_params),
	KUNIT_CASE(unanswered_wake_requests_are_a_time_out),
	{}
};

static struct kunit_suite iosm_recovery_suite = {
	.name = "iosm_recovery",
	.init = iosm_host_test_init,
	.test_cases = iosm_recovery_cases,
};

kunit_test_suite(iosm_recovery_suite);
