// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of runtime PM: when the function may enter D3, who holds references, and the
 * look at a modem that says nothing (protocol.rst 1.7, 2.2, 6.5).
 */

#include <linux/pm_runtime.h>

#include "iosm_host_fixture.h"

KUNIT_ARRAY_PARAM_DESC(handshake, iosm_host_handshakes, desc);
KUNIT_ARRAY_PARAM_DESC(fate, iosm_host_fates, desc);
KUNIT_ARRAY_PARAM_DESC(place, iosm_host_places, desc);

/* ---- Runtime PM ---- */

static void runtime_sleep_and_back(struct kunit *test)
{
	const struct iosm_host_handshake *c = test->param_value;
	struct iosm_host_test *t = test->priv;

	iosm_host_start(test, c->handshake);
	KUNIT_EXPECT_EQ(test, iosm_modem_runtime_suspend(t->modem), 0);
	KUNIT_EXPECT_FALSE(test, t->fake->dma);
	iosm_fake_enter_d3(t->fake);
	iosm_host_expect_state(test, IOSM_SUSPENDED);
	KUNIT_EXPECT_TRUE(test, t->fake->host_asleep);
	iosm_host_expect_sleep_bells(test, c->handshake);
	KUNIT_EXPECT_TRUE(test, t->modem->asleep);
	iosm_modem_look(t->modem);
	iosm_host_work(t);
	iosm_fake_leave_d3(t->fake);
	iosm_modem_runtime_resume(t->modem);
	KUNIT_EXPECT_FALSE(test, t->modem->asleep);
	KUNIT_EXPECT_TRUE(test, t->fake->dma);
	iosm_host_expect_wake_bells(test, c->handshake);
	iosm_host_expect_online(test);
	KUNIT_ASSERT_EQ(test, iosm_host_open(t), 0);
	iosm_host_expect_traffic(test);
	KUNIT_EXPECT_EQ(test, t->starts, 1);
}

static void open_channel_keeps_the_function_awake(struct kunit *test)
{
	struct iosm_host_test *t = test->priv;

	iosm_host_start_open(test, D3);
	KUNIT_EXPECT_EQ(test, iosm_modem_runtime_suspend(t->modem), -EBUSY);
	IOSM_FAKE_EXPECT_NO_BELL(t->fake);
	iosm_host_expect_state(test, IOSM_ONLINE);
	iosm_host_expect_traffic(test);
	iosm_host_close(t);
	KUNIT_EXPECT_EQ(test, iosm_modem_runtime_suspend(t->modem), 0);
}

static void only_an_online_modem_is_runtime_suspended(struct kunit *test)
{
	const struct iosm_host_place *c = test->param_value;
	struct iosm_host_test *t = test->priv;

	iosm_host_reach(test);
	KUNIT_EXPECT_EQ(test, iosm_modem_runtime_suspend(t->modem), -EBUSY);
	iosm_host_expect_state(test, c->state);
	IOSM_FAKE_EXPECT_NO_BELL(t->fake);
}

static void broken_session_is_not_runtime_suspended(struct kunit *test)
{
	struct iosm_host_test *t = test->priv;

	iosm_host_start(test, D3);
	disable_delayed_work_sync(&t->modem->work);
	iosm_modem_broken(t->modem, "test");
	KUNIT_EXPECT_EQ(test, iosm_modem_runtime_suspend(t->modem), -EBUSY);
	KUNIT_EXPECT_FALSE(test, t->modem->asleep);
	IOSM_FAKE_EXPECT_STATES(t->fake, IOSM_STARTING, IOSM_ONLINE);
	IOSM_FAKE_EXPECT_NO_BELL(t->fake);
	enable_delayed_work(&t->modem->work);
}

static void refusal_keeps_the_function_awake(struct kunit *test)
{
	struct iosm_host_test *t = test->priv;

	iosm_host_start(test, D3);
	t->answers[0] = IOSM_FAKE_REFUSED;
	KUNIT_EXPECT_EQ(test, iosm_modem_runtime_suspend(t->modem), -EBUSY);
	iosm_host_expect_online(test);
	KUNIT_ASSERT_EQ(test, iosm_host_open(t), 0);
	iosm_host_expect_traffic(test);
	KUNIT_EXPECT_EQ(test, t->fake->dma_cuts, 0);
}

static void silence_at_runtime_suspend_is_recovered_from(struct kunit *test)
{
	struct iosm_host_test *t = test->priv;

	iosm_host_start(test, D3);
	t->answers[0] = IOSM_FAKE_SILENT;
	t->modem->protocol.timeout = IOSM_FAKE_TIMEOUT;
	KUNIT_EXPECT_EQ(test, iosm_modem_runtime_suspend(t->modem), -EBUSY);
	iosm_fake_await(t->fake, IOSM_RECOVERING);
	KUNIT_EXPECT_EQ(test, t->stops, 1);
	t->answers[0] = IOSM_FAKE_OK;
	iosm_host_expect_online(test);
	KUNIT_EXPECT_EQ(test, t->starts, 2);
	KUNIT_EXPECT_EQ(test, iosm_fake_usage(t->fake), 0);
}

static void forbid_runtime_pm(void *data)
{
	struct iosm_host_test *t = data;

	pm_runtime_get_sync(t->fake->bus.dev);
	/* The core counts the references that it found. */
	t->fake->usage = 1;
}

/* User space says "auto". */
static void allow_runtime_pm(struct kunit *test)
{
	struct iosm_host_test *t = test->priv;
	int ret;

	t->fake->usage = 0;
	ret = kunit_add_action(test, forbid_runtime_pm, t);
	pm_runtime_put_noidle(t->fake->bus.dev);
	KUNIT_ASSERT_EQ(test, ret, 0);
	pm_runtime_idle(t->fake->bus.dev);
}

static void expect_runtime(struct kunit *test, bool suspended)
{
	struct iosm_host_test *t = test->priv;
	struct device *dev = t->fake->bus.dev;

	/* The PM core's own work, begun by the last reference that was given up */
	flush_work(&dev->power.work);
	KUNIT_EXPECT_EQ(test, pm_runtime_status_suspended(dev), suspended);
	KUNIT_EXPECT_EQ(test, t->fake->d3, suspended);
	iosm_host_expect_state(test, suspended ? IOSM_SUSPENDED : IOSM_ONLINE);
}

static void pm_core_suspends_whenever_nobody_needs_the_function(struct kunit *test)
{
	const struct iosm_host_handshake *c = test->param_value;
	struct iosm_host_test *t = test->priv;
	unsigned int i;

	iosm_host_start(test, c->handshake);
	allow_runtime_pm(test);
	expect_runtime(test, true);
	for (i = 0; i < 3; i++) {
		KUNIT_ASSERT_EQ(test, iosm_host_open(t), 0);
		expect_runtime(test, false);
		iosm_host_expect_traffic(test);
		iosm_host_close(t);
		expect_runtime(test, true);
	}
	KUNIT_EXPECT_EQ(test, t->starts, 1);
	KUNIT_EXPECT_EQ(test, iosm_fake_usage(t->fake), 0);
}

/* The state work needs the function, and takes care of that itself. */
static void work_wakes_the_function_up(struct kunit *test)
{
	struct iosm_host_test *t = test->priv;

	iosm_host_start(test, D3);
	allow_runtime_pm(test);
	expect_runtime(test, true);
	iosm_fake_reboot(t->fake, STAGE_RUN);
	iosm_modem_broken(t->modem, "test");
	iosm_fake_await(t->fake, IOSM_RECOVERING);
	iosm_fake_await(t->fake, IOSM_ONLINE);
	expect_runtime(test, true);
	KUNIT_EXPECT_EQ(test, t->starts, 2);
}

static void fate_in_runtime_suspend_is_noticed(struct kunit *test)
{
	const struct iosm_host_fate *c = test->param_value;
	struct iosm_host_test *t = test->priv;

	iosm_host_start(test, D3);
	KUNIT_ASSERT_EQ(test, iosm_modem_runtime_suspend(t->modem), 0);
	iosm_fake_enter_d3(t->fake);
	iosm_host_meet(t, c);
	iosm_fake_leave_d3(t->fake);
	iosm_modem_runtime_resume(t->modem);
	iosm_host_expect_fate(test, c);
}

/* ---- Runtime PM references ---- */

static void expect_usage(struct kunit *test, int usage, int line)
{
	struct iosm_host_test *t = test->priv;

	KUNIT_EXPECT_EQ_MSG(test, iosm_fake_usage(t->fake), usage, "line %d", line);
}

#define EXPECT_USAGE(test, usage) expect_usage(test, usage, __LINE__)

static void open_channels_hold_references(struct kunit *test)
{
	struct iosm_host_test *t = test->priv;
	struct iosm_channel other;
	unsigned int i;

	EXPECT_USAGE(test, 0);
	disable_delayed_work_sync(&t->modem->work);
	iosm_modem_start(t->modem);
	enable_delayed_work(&t->modem->work);
	EXPECT_USAGE(test, 1);
	iosm_fake_step(t->fake);
	EXPECT_USAGE(test, 1);
	iosm_host_work(t);
	iosm_fake_await(t->fake, IOSM_ONLINE);
	EXPECT_USAGE(test, 0);
	for (i = 0; i < 3; i++) {
		KUNIT_ASSERT_EQ(test, iosm_host_open(t), 0);
		EXPECT_USAGE(test, 1);
		/* It is in use. */
		KUNIT_EXPECT_EQ(test, iosm_channel_open(&other, t->modem,
							&iosm_channel_mbim,
							&iosm_host_channel_ops, t), -EBUSY);
		EXPECT_USAGE(test, 1);
		KUNIT_EXPECT_EQ(test, iosm_channel_open(&other, t->modem,
							&iosm_channel_at0,
							&iosm_host_channel_ops, t), 0);
		EXPECT_USAGE(test, 2);
		iosm_channel_close(&other);
		EXPECT_USAGE(test, 1);
		iosm_host_close(t);
		EXPECT_USAGE(test, 0);
	}
	iosm_modem_stop(t->modem);
	EXPECT_USAGE(test, 0);
	KUNIT_EXPECT_EQ(test, iosm_host_open(t), -ENODEV);
	EXPECT_USAGE(test, 0);
}

struct answer_case {
	const char *desc;
	u32 answer;
	int result;
};

static const struct answer_case answers[] = {
	{ "refused", IOSM_FAKE_REFUSED, -EREMOTEIO },
	{ "unanswered", IOSM_FAKE_SILENT, -ETIMEDOUT },
};

KUNIT_ARRAY_PARAM_DESC(answer, answers, desc);

static void channel_that_does_not_open_holds_no_reference(struct kunit *test)
{
	const struct answer_case *c = test->param_value;
	struct iosm_host_test *t = test->priv;

	iosm_host_start(test, D3);
	disable_delayed_work_sync(&t->modem->work);
	t->answer_type = 0x01;
	t->answer = c->answer;
	t->modem->protocol.timeout = IOSM_FAKE_TIMEOUT;
	KUNIT_EXPECT_EQ(test, iosm_host_open(t), c->result);
	EXPECT_USAGE(test, 0);
	enable_delayed_work(&t->modem->work);
}

static void modem_that_is_not_online_holds_one_reference(struct kunit *test)
{
	struct iosm_host_test *t = test->priv;
	unsigned int i;

	iosm_host_start_open(test, D3);
	for (i = 0; i < 3; i++) {
		EXPECT_USAGE(test, 1);
		iosm_fake_crash(t->fake);
		iosm_fake_await(t->fake, IOSM_CRASHED);
		/* The channel was closed by its client. */
		EXPECT_USAGE(test, 1);
		KUNIT_EXPECT_EQ(test, iosm_host_open(t), -ENODEV);
		EXPECT_USAGE(test, 1);
		iosm_fake_reboot(t->fake, STAGE_RUN);
		iosm_fake_await(t->fake, IOSM_ONLINE);
		EXPECT_USAGE(test, 0);
		KUNIT_ASSERT_EQ(test, iosm_host_open(t), 0);
	}
	iosm_modem_reset_prepare(t->modem);
	EXPECT_USAGE(test, 1);
	iosm_modem_reset_prepare(t->modem);
	EXPECT_USAGE(test, 1);
	iosm_modem_isolate(t->modem, false);
	EXPECT_USAGE(test, 1);
	iosm_modem_reset_done(t->modem);
	EXPECT_USAGE(test, 1);
	iosm_modem_rejoin(t->modem);
	iosm_host_expect_online(test);
	EXPECT_USAGE(test, 0);
	iosm_modem_isolate(t->modem, true);
	EXPECT_USAGE(test, 1);
	iosm_modem_stop(t->modem);
	EXPECT_USAGE(test, 0);
}

/* ---- The look ---- */

static const struct iosm_host_fate unnoticed[] = {
	{ "rebooted", STAGE_RUN, 0, false, IOSM_RECOVERING, IOSM_ONLINE },
	{ "IPC error", STAGE_RUN, 4, false, IOSM_RECOVERING, IOSM_ONLINE },
	{ "boots", STAGE_BOOT, 0, false, IOSM_RECOVERING, IOSM_ROM },
	{ "crashed without a word", STAGE_CRASH, 2, false, IOSM_CRASHED,
	  IOSM_CRASHED },
	{ "gone", STAGE_RUN, 2, true, IOSM_LOST, IOSM_LOST },
};

KUNIT_ARRAY_PARAM_DESC(unnoticed, unnoticed, desc);

static void silent_end_is_noticed_without_traffic(struct kunit *test)
{
	const struct iosm_host_fate *c = test->param_value;
	struct iosm_host_test *t = test->priv;

	iosm_host_start_open(test, D3);
	KUNIT_EXPECT_TRUE(test, delayed_work_pending(&t->modem->work));
	KUNIT_EXPECT_LE(test, (long)(t->modem->work.timer.expires - jiffies),
			msecs_to_jiffies(2000));
	/* Once is not enough: the look is repeated. */
	iosm_host_work(t);
	iosm_host_expect_state(test, IOSM_ONLINE);
	KUNIT_EXPECT_TRUE(test, delayed_work_pending(&t->modem->work));

	iosm_host_meet(t, c);
	iosm_fake_await(t->fake, c->first);
	KUNIT_EXPECT_EQ(test, t->stops, 1);
	KUNIT_EXPECT_EQ(test, t->fake->states[2], c->first);
	KUNIT_EXPECT_GE(test, t->failures, 1);
}

static void lost_interrupt_of_data_is_made_up_for(struct kunit *test)
{
	struct iosm_host_test *t = test->priv;

	iosm_host_start_open(test, D3);
	KUNIT_ASSERT_TRUE(test, iosm_fake_send(t->fake, 13, "x", 1));
	KUNIT_EXPECT_EQ(test, t->units, 0);
	iosm_host_work(t);
	KUNIT_EXPECT_EQ(test, t->units, 1);
}

static void nobody_looks_while_nothing_is_open(struct kunit *test)
{
	struct iosm_host_test *t = test->priv;
	unsigned int reads;

	iosm_host_start_open(test, D3);
	iosm_host_close(t);
	iosm_host_work(t);
	reads = t->fake->reads[0];
	iosm_host_work(t);
	KUNIT_EXPECT_EQ(test, t->fake->reads[0], reads);
	KUNIT_EXPECT_FALSE(test, delayed_work_pending(&t->modem->work));
}

/* It is left alone for a while: an access takes the link out of its sleep. */
static void sleeping_modem_is_looked_at_every_fifth_time(struct kunit *test)
{
	struct iosm_host_test *t = test->priv;
	unsigned int reads, round, i;

	iosm_host_start_open(test, D3);
	reads = t->fake->reads[0];
	iosm_host_work(t);
	KUNIT_EXPECT_GT(test, t->fake->reads[0], reads);

	iosm_fake_notify(t->fake, 1);
	iosm_fake_forget_bells(t->fake);
	reads = t->fake->reads[0];
	for (round = 0; round < 3; round++) {
		for (i = 0; i < 4; i++)
			iosm_host_work(t);
		KUNIT_EXPECT_EQ(test, t->fake->reads[0], reads);
		iosm_host_work(t);
		KUNIT_EXPECT_EQ(test, t->fake->reads[0], ++reads);
	}
	/* Whoever wants to know looks at once, and nobody wakes it for that. */
	iosm_modem_look(t->modem);
	KUNIT_EXPECT_EQ(test, t->fake->reads[0], ++reads);
	IOSM_FAKE_EXPECT_NO_BELL(t->fake);

	iosm_fake_notify(t->fake, 0);
	iosm_host_work(t);
	KUNIT_EXPECT_EQ(test, t->fake->reads[0], ++reads);
}

static void silent_end_of_a_sleeping_modem_is_noticed(struct kunit *test)
{
	const struct iosm_host_fate *c = test->param_value;
	struct iosm_host_test *t = test->priv;
	unsigned int i;

	iosm_host_start_open(test, D3);
	iosm_fake_notify(t->fake, 1);
	iosm_fake_forget_bells(t->fake);
	iosm_host_meet(t, c);
	for (i = 0; i < 4; i++)
		iosm_host_work(t);
	iosm_host_expect_state(test, IOSM_ONLINE);
	IOSM_FAKE_EXPECT_NO_BELL(t->fake);
	iosm_fake_await(t->fake, c->first);
	KUNIT_EXPECT_EQ(test, t->stops, 1);
	KUNIT_EXPECT_GE(test, t->failures, 1);
}

static void nobody_looks_while_the_host_sleeps(struct kunit *test)
{
	const struct iosm_host_handshake *c = test->param_value;
	struct iosm_host_test *t = test->priv;
	unsigned int reads;

	iosm_host_start_open(test, c->handshake);
	KUNIT_ASSERT_EQ(test, iosm_host_suspend(t), 0);
	reads = t->fake->reads[0];
	iosm_modem_look(t->modem);
	iosm_host_work(t);
	KUNIT_EXPECT_EQ(test, t->fake->reads[0], reads);
	iosm_host_resume(t);
	iosm_modem_release(t->modem);
	iosm_host_expect_online(test);
	/* The look goes on by itself. */
	flush_work(&t->modem->work.work);
	reads = t->fake->reads[0];
	iosm_host_work(t);
	KUNIT_EXPECT_GT(test, t->fake->reads[0], reads);
	KUNIT_EXPECT_TRUE(test, delayed_work_pending(&t->modem->work));
}

static struct kunit_case iosm_runtime_cases[] = {
	KUNIT_CASE_PARAM(runtime_sleep_and_back, handshake_gen_params),
	KUNIT_CASE_PARAM(fate_in_runtime_suspend_is_noticed, fate_gen_params),
	KUNIT_CASE(open_channel_keeps_the_function_awake),
	KUNIT_CASE_PARAM(only_an_online_modem_is_runtime_suspended,
			 place_gen_params),
	KUNIT_CASE(broken_session_is_not_runtime_suspended),
	KUNIT_CASE(refusal_keeps_the_function_awake),
	KUNIT_CASE(silence_at_runtime_suspend_is_recovered_from),
	KUNIT_CASE_PARAM(pm_core_suspends_whenever_nobody_needs_the_function,
			 handshake_gen_params),
	KUNIT_CASE(work_wakes_the_function_up),
	KUNIT_CASE(open_channels_hold_references),
	KUNIT_CASE_PARAM(channel_that_does_not_open_holds_no_reference,
			 answer_gen_params),
	KUNIT_CASE(modem_that_is_not_online_holds_one_reference),
	KUNIT_CASE_PARAM(silent_end_is_noticed_without_traffic,
			 unnoticed_gen_params),
	KUNIT_CASE(lost_interrupt_of_data_is_made_up_for),
	KUNIT_CASE(nobody_looks_while_nothing_is_open),
	KUNIT_CASE(sleeping_modem_is_looked_at_every_fifth_time),
	KUNIT_CASE_PARAM(silent_end_of_a_sleeping_modem_is_noticed,
			 unnoticed_gen_params),
	KUNIT_CASE_PARAM(nobody_looks_while_the_host_sleeps,
			 handshake_gen_params),
	{}
};

static struct kunit_suite iosm_runtime_suite = {
	.name = "iosm_runtime",
	.init = iosm_host_test_init,
	.test_cases = iosm_runtime_cases,
};

kunit_test_suite(iosm_runtime_suite);
