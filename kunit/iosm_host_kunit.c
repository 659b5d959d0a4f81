// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of system sleep, with both handshakes, and of hibernation (protocol.rst 6.5 to
 * 6.7). The modem in miniature fails each test in which something is said while the
 * host sleeps, in D3, or after that before the stage was read.
 */

#include <linux/kthread.h>

#include "iosm_host_fixture.h"

KUNIT_ARRAY_PARAM_DESC(handshake, iosm_host_handshakes, desc);
KUNIT_ARRAY_PARAM_DESC(fate, iosm_host_fates, desc);
KUNIT_ARRAY_PARAM_DESC(place, iosm_host_places, desc);

/* ---- A sleep that works ---- */

static void session_survives_sleep(struct kunit *test)
{
	const struct iosm_host_handshake *c = test->param_value;
	struct iosm_host_test *t = test->priv;
	unsigned int i;

	iosm_host_start_open(test, c->handshake);
	for (i = 0; i < 3; i++) {
		KUNIT_ASSERT_EQ(test, iosm_host_suspend(t), 0);
		iosm_host_expect_state(test, IOSM_SUSPENDED);
		KUNIT_EXPECT_TRUE(test, t->fake->host_asleep);
		KUNIT_EXPECT_EQ(test, (int)t->modem->pm.host,
				(int)IOSM_PM_HOST_SLEEPING);
		iosm_host_expect_sleep_bells(test, c->handshake);
		iosm_host_work(t);

		iosm_host_resume(t);
		iosm_host_expect_state(test, IOSM_ONLINE);
		KUNIT_EXPECT_FALSE(test, t->fake->host_asleep);
		KUNIT_EXPECT_TRUE(test, t->fake->dma);
		iosm_modem_release(t->modem);
		iosm_host_expect_wake_bells(test, c->handshake);
		iosm_host_expect_traffic(test);
		iosm_fake_forget_bells(t->fake);
	}
	IOSM_FAKE_EXPECT_STATES(t->fake, IOSM_STARTING, IOSM_ONLINE,
				IOSM_SUSPENDED, IOSM_ONLINE, IOSM_SUSPENDED,
				IOSM_ONLINE, IOSM_SUSPENDED, IOSM_ONLINE);
	KUNIT_EXPECT_EQ(test, t->stops, 0);
	KUNIT_EXPECT_EQ(test, t->failures, 0);
	/* User space is not told of each sleep; who observes is. */
	KUNIT_EXPECT_EQ(test, iosm_fake_count_events(t->fake, "MDM_READY"), 1);
	KUNIT_EXPECT_EQ(test, t->fake->event_count, 1);
	KUNIT_EXPECT_EQ(test, t->moves, 8);
	KUNIT_EXPECT_EQ(test, t->modem->pm.stats.host_sleeps, 3);
	KUNIT_EXPECT_EQ(test, iosm_fake_usage(t->fake), 1);
}

static void sleeping_modem_sleeps_on(struct kunit *test)
{
	const struct iosm_host_handshake *c = test->param_value;
	struct iosm_host_test *t = test->priv;

	iosm_host_start_open(test, c->handshake);
	iosm_fake_notify(t->fake, 1);
	iosm_fake_forget_bells(t->fake);
	KUNIT_ASSERT_EQ(test, iosm_host_suspend(t), 0);
	if (c->handshake == D3)
		IOSM_FAKE_EXPECT_BELLS(t->fake, { IOSM_DB_POWER, 2 },
				       { IOSM_DB_POWER, 0 }, { IOSM_DB_HEAD, 0 });
	else
		IOSM_FAKE_EXPECT_BELLS(t->fake, { IOSM_DB_POWER, 7 });
	iosm_fake_forget_bells(t->fake);
	iosm_host_resume(t);
	iosm_modem_release(t->modem);
	iosm_host_expect_wake_bells(test, c->handshake);
	iosm_host_expect_online(test);
	iosm_host_expect_traffic(test);
}

static void data_posted_while_asleep_is_announced_once(struct kunit *test)
{
	const struct iosm_host_handshake *c = test->param_value;
	struct iosm_host_test *t = test->priv;

	iosm_host_start_open(test, c->handshake);
	KUNIT_ASSERT_EQ(test, iosm_host_suspend(t), 0);
	iosm_fake_forget_bells(t->fake);
	iosm_host_post(t);
	iosm_host_post(t);
	IOSM_FAKE_EXPECT_NO_BELL(t->fake);
	KUNIT_EXPECT_EQ(test, t->taken, 0);

	iosm_host_resume(t);
	KUNIT_EXPECT_EQ(test, iosm_fake_count_bells(t->fake, IOSM_DB_HEAD, 1), 1);
	KUNIT_EXPECT_EQ(test, t->fake->bell_count, 2);
	KUNIT_EXPECT_EQ(test, t->taken, 2);
	iosm_modem_release(t->modem);
	iosm_host_expect_online(test);
	KUNIT_EXPECT_EQ(test, t->sent, 2);
	KUNIT_EXPECT_EQ(test, t->fake->bell_count, 2);
}

static void send_unnoticed(struct iosm_fake *fake)
{
	fake->mute = true;
	KUNIT_EXPECT_TRUE(fake->test, iosm_fake_send(fake, 13, "x", 1));
}

/*
 * It can reach memory only when it is told that the host is awake. Its interrupt was
 * lost, or came while nobody looked.
 */
static void what_came_while_asleep_is_found(struct kunit *test)
{
	const struct iosm_host_handshake *c = test->param_value;
	struct iosm_host_test *t = test->priv;
	unsigned long end;

	iosm_host_start_open(test, c->handshake);
	KUNIT_ASSERT_EQ(test, iosm_host_suspend(t), 0);
	KUNIT_EXPECT_FALSE(test, iosm_fake_send(t->fake, 13, "x", 1));
	t->fake->on_dma = send_unnoticed;
	if (c->handshake == D3)
		t->modem->protocol.timeout = IOSM_FAKE_TIMEOUT;
	iosm_host_resume(t);
	for (end = jiffies + 5 * HZ; !t->units && time_before(jiffies, end);)
		schedule_timeout_uninterruptible(1);
	KUNIT_EXPECT_EQ(test, t->units, 1);
	KUNIT_EXPECT_EQ(test, t->fake->withheld, 0);
	iosm_modem_release(t->modem);
	iosm_host_expect_online(test);
}

static void ask_for_sleep(struct iosm_fake *fake)
{
	iosm_fake_notify(fake, 1);
}

static void sleep_asked_for_meanwhile_is_answered(struct kunit *test)
{
	const struct iosm_host_handshake *c = test->param_value;
	struct iosm_host_test *t = test->priv;

	iosm_host_start_open(test, c->handshake);
	KUNIT_ASSERT_EQ(test, iosm_host_suspend(t), 0);
	t->fake->on_dma = ask_for_sleep;
	iosm_fake_forget_bells(t->fake);
	/* A modem that was forced does not write 0 at once, either. */
	t->fake->drowsy = true;
	iosm_host_resume(t);
	iosm_modem_release(t->modem);
	iosm_fake_interrupt(t->fake);
	KUNIT_EXPECT_EQ(test, iosm_fake_count_bells(t->fake, IOSM_DB_POWER, 1), 1);
	KUNIT_EXPECT_TRUE(test, t->fake->asleep);
	iosm_host_expect_state(test, IOSM_ONLINE);
	iosm_host_expect_traffic(test);
}

static int wake_slowly(void *data)
{
	struct iosm_host_test *t = data;

	while (!iosm_fake_count_bells(t->fake, IOSM_DB_POWER, 8))
		schedule_timeout_uninterruptible(1);
	iosm_fake_write_status(t->fake, STAGE_RUN, 2, 0);
	return 0;
}

/* 6.6: the notification of before the sleep is not mistaken for a new one. */
static void old_notification_is_waited_out(struct kunit *test)
{
	struct iosm_host_test *t = test->priv;
	struct task_struct *task;

	iosm_host_start_open(test, D0);
	iosm_fake_notify(t->fake, 1);
	t->fake->drowsy = true;
	KUNIT_ASSERT_EQ(test, iosm_host_suspend(t), 0);
	iosm_fake_forget_bells(t->fake);
	task = kthread_create(wake_slowly, t, "iosm drowsy");
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, task);
	get_task_struct(task);
	wake_up_process(task);
	iosm_host_resume(t);
	kthread_stop(task);
	put_task_struct(task);
	iosm_modem_release(t->modem);
	iosm_host_expect_online(test);
	IOSM_FAKE_EXPECT_BELLS(t->fake, { IOSM_DB_POWER, 8 });
}

/* ---- A modem that refuses, or does not answer ---- */

static void refusal_changes_nothing(struct kunit *test)
{
	struct iosm_host_test *t = test->priv;
	unsigned int i;

	iosm_host_start_open(test, D3);
	t->answers[0] = IOSM_FAKE_REFUSED;
	for (i = 0; i < 3; i++) {
		KUNIT_EXPECT_EQ(test, iosm_host_suspend(t), -EBUSY);
		iosm_host_expect_state(test, IOSM_ONLINE);
		IOSM_FAKE_EXPECT_BELLS(t->fake, { IOSM_DB_HEAD, 0 });
		KUNIT_EXPECT_TRUE(test, iosm_pm_awake(&t->modem->pm));
		/* Works also before the PM core is through. */
		iosm_host_expect_traffic(test);
		iosm_modem_release(t->modem);
		iosm_host_expect_traffic(test);
		iosm_fake_forget_bells(t->fake);
	}
	KUNIT_EXPECT_EQ(test, t->fake->dma_cuts, 0);
	t->answers[0] = IOSM_FAKE_OK;
	KUNIT_EXPECT_EQ(test, iosm_host_suspend(t), 0);
	iosm_host_resume(t);
	iosm_modem_release(t->modem);
	iosm_host_expect_online(test);
	KUNIT_EXPECT_EQ(test, t->stops, 0);
	KUNIT_EXPECT_EQ(test, t->fake->dma_cuts, 1);
	KUNIT_EXPECT_EQ(test, t->failures, 0);
}

/* What was posted while the modem thought about it is announced at once. */
static u32 post_and_refuse(struct iosm_fake *fake,
			   const struct iosm_fake_request *request)
{
	struct iosm_host_test *t = fake->priv;

	if (request->type != 0x04)
		return IOSM_FAKE_OK;
	t->modem->pm.held = true;
	return IOSM_FAKE_REFUSED;
}

static void refusal_releases_what_was_held(struct kunit *test)
{
	struct iosm_host_test *t = test->priv;

	iosm_host_start_open(test, D3);
	t->fake->control = post_and_refuse;
	KUNIT_EXPECT_EQ(test, iosm_host_suspend(t), -EBUSY);
	IOSM_FAKE_EXPECT_BELLS(t->fake, { IOSM_DB_HEAD, 0 }, { IOSM_DB_HEAD, 1 });
	iosm_modem_release(t->modem);
	iosm_host_expect_online(test);
}

static u32 send_and_refuse(struct iosm_fake *fake,
			   const struct iosm_fake_request *request)
{
	fake->mute = true;
	iosm_fake_send(fake, 13, "x", 1);
	return IOSM_FAKE_REFUSED;
}

static void what_came_with_a_refusal_is_found(struct kunit *test)
{
	struct iosm_host_test *t = test->priv;

	iosm_host_start_open(test, D3);
	t->modem->protocol.timeout = IOSM_FAKE_TIMEOUT;
	t->fake->control = send_and_refuse;
	KUNIT_EXPECT_EQ(test, iosm_host_suspend(t), -EBUSY);
	KUNIT_EXPECT_EQ(test, t->units, 1);
}

static void lost_doorbell_does_not_keep_the_host_awake(struct kunit *test)
{
	struct iosm_host_test *t = test->priv;

	iosm_host_start_open(test, D3);
	t->modem->protocol.timeout = IOSM_FAKE_TIMEOUT;
	t->fake->lost_bells = 1;
	KUNIT_EXPECT_EQ(test, iosm_host_suspend(t), 0);
	IOSM_FAKE_EXPECT_BELLS(t->fake, { IOSM_DB_HEAD, 0 }, { IOSM_DB_HEAD, 0 });
	t->fake->lost_bells = 1;
	iosm_host_resume(t);
	iosm_modem_release(t->modem);
	iosm_host_expect_online(test);
	iosm_host_expect_traffic(test);
	KUNIT_EXPECT_EQ(test, t->stops, 0);
}

struct silence_case {
	const char *desc;
	bool asleep;		/* and does not wake up */
	const char *why;
};

static const struct silence_case silences[] = {
	{ "does not answer SLEEP", false, "control request unanswered" },
	{ "does not wake up", true, "modem did not wake up for host sleep" },
};

KUNIT_ARRAY_PARAM_DESC(silence, silences, desc);

static void silent_modem_does_not_keep_the_host_awake(struct kunit *test)
{
	const struct silence_case *c = test->param_value;
	struct iosm_host_test *t = test->priv;

	iosm_host_start_open(test, D3);
	if (c->asleep)
		iosm_fake_notify(t->fake, 1);
	t->fake->stubborn = true;
	t->answers[0] = IOSM_FAKE_SILENT;
	t->modem->protocol.timeout = IOSM_FAKE_TIMEOUT;
	KUNIT_EXPECT_EQ(test, iosm_host_suspend(t), 0);
	KUNIT_EXPECT_FALSE(test, iosm_modem_online(t->modem));
	KUNIT_EXPECT_FALSE(test, t->fake->dma);
	KUNIT_EXPECT_EQ(test, t->failures, 1);
	KUNIT_EXPECT_STREQ(test, t->why, c->why);
	KUNIT_EXPECT_EQ(test, iosm_fake_count_events(t->fake, "MDM_TIMEOUT"), 1);
	iosm_fake_forget_bells(t->fake);

	/* Ports stay until tasks run again. */
	iosm_host_work(t);
	iosm_host_resume(t);
	iosm_host_work(t);
	KUNIT_EXPECT_EQ(test, t->stops, 0);
	IOSM_FAKE_EXPECT_NO_BELL(t->fake);

	t->fake->stubborn = false;
	t->answers[0] = IOSM_FAKE_OK;
	iosm_modem_release(t->modem);
	iosm_fake_await(t->fake, IOSM_RECOVERING);
	iosm_host_expect_online(test);
	KUNIT_EXPECT_EQ(test, t->starts, 2);
	KUNIT_EXPECT_EQ(test, t->fake->bells[0].bell, IOSM_DB_STATE);
	KUNIT_ASSERT_EQ(test, iosm_host_open(t), 0);
	iosm_host_expect_traffic(test);
}

static const struct silence_case wakes[] = {
	{ "refuses", false, "modem did not wake up after host sleep" },
	{ "is silent", true, "control request unanswered" },
};

KUNIT_ARRAY_PARAM_DESC(wake, wakes, desc);

static void modem_that_does_not_come_back_is_started_anew(struct kunit *test)
{
	const struct silence_case *c = test->param_value;
	struct iosm_host_test *t = test->priv;

	iosm_host_start_open(test, D3);
	KUNIT_ASSERT_EQ(test, iosm_host_suspend(t), 0);
	t->answers[1] = c->asleep ? IOSM_FAKE_SILENT : IOSM_FAKE_REFUSED;
	t->modem->protocol.timeout = IOSM_FAKE_TIMEOUT;
	iosm_host_resume(t);
	KUNIT_EXPECT_FALSE(test, iosm_modem_online(t->modem));
	KUNIT_EXPECT_FALSE(test, t->fake->dma);
	KUNIT_EXPECT_EQ(test, t->stops, 0);
	KUNIT_EXPECT_EQ(test, t->failures, 1);
	KUNIT_EXPECT_STREQ(test, t->why, c->why);
	iosm_host_expect_state(test, IOSM_SUSPENDED);
	iosm_modem_release(t->modem);
	iosm_fake_await(t->fake, IOSM_RECOVERING);
	iosm_host_expect_online(test);
	KUNIT_EXPECT_EQ(test, t->starts, 2);
}

/* A full control ring cannot be, but a modem can make it look so. */
static void full_ring_is_like_a_refusal(struct kunit *test)
{
	struct iosm_host_test *t = test->priv;
	struct iosm_protocol *protocol = &t->modem->protocol;
	u16 tail;

	iosm_host_start_open(test, D3);
	tail = protocol->tail;
	protocol->tail = (protocol->head + 1) % IOSM_CONTROL_ENTRIES;
	t->fake->mute = true;
	KUNIT_EXPECT_EQ(test, iosm_modem_suspend(t->modem), -EBUSY);
	protocol->tail = tail;
	t->fake->mute = false;
	iosm_modem_release(t->modem);
	iosm_host_expect_state(test, IOSM_ONLINE);
	iosm_host_expect_traffic(test);
}

/* ---- What the modem did meanwhile (6.7) ---- */

static void fate_is_noticed(struct kunit *test, enum iosm_host_sleep handshake)
{
	const struct iosm_host_fate *c = test->param_value;
	struct iosm_host_test *t = test->priv;

	iosm_host_start_open(test, handshake);
	KUNIT_ASSERT_EQ(test, iosm_host_suspend(t), 0);
	iosm_host_meet(t, c);
	iosm_fake_forget_bells(t->fake);
	iosm_host_resume(t);
	/* Nothing is said to whoever is there now; ports stay for the moment. */
	IOSM_FAKE_EXPECT_NO_BELL(t->fake);
	iosm_host_expect_state(test, IOSM_SUSPENDED);
	KUNIT_EXPECT_FALSE(test, t->fake->dma);
	KUNIT_EXPECT_EQ(test, t->stops, 0);
	iosm_host_work(t);
	KUNIT_EXPECT_EQ(test, t->stops, 0);

	iosm_modem_release(t->modem);
	iosm_host_expect_fate(test, c);
}

static void fate_in_d3_is_noticed(struct kunit *test)
{
	fate_is_noticed(test, D3);
}

static void fate_in_d0_is_noticed(struct kunit *test)
{
	fate_is_noticed(test, D0);
}

/* It crashed just before, and the interrupt came too late. */
static void session_that_broke_before_the_sleep_is_told_nothing(struct kunit *test)
{
	const struct iosm_host_handshake *c = test->param_value;
	struct iosm_host_test *t = test->priv;

	iosm_host_start_open(test, c->handshake);
	disable_delayed_work_sync(&t->modem->work);
	iosm_modem_broken(t->modem, "test");
	enable_delayed_work(&t->modem->work);
	KUNIT_EXPECT_EQ(test, iosm_host_suspend(t), 0);
	iosm_host_work(t);
	iosm_host_resume(t);
	IOSM_FAKE_EXPECT_NO_BELL(t->fake);
	KUNIT_EXPECT_FALSE(test, t->fake->dma);
	KUNIT_EXPECT_EQ(test, t->stops, 0);
	iosm_modem_release(t->modem);
	iosm_fake_await(t->fake, IOSM_RECOVERING);
	iosm_host_expect_online(test);
}

static void reach_memory_too_early(struct iosm_fake *fake)
{
	KUNIT_FAIL(fake->test, "bus mastering on without a session");
}

/* Broken while it sleeps: by a timer, say. */
static void session_that_breaks_in_the_sleep_is_told_nothing(struct kunit *test)
{
	const struct iosm_host_handshake *c = test->param_value;
	struct iosm_host_test *t = test->priv;

	iosm_host_start_open(test, c->handshake);
	KUNIT_ASSERT_EQ(test, iosm_host_suspend(t), 0);
	iosm_fake_forget_bells(t->fake);
	iosm_modem_broken(t->modem, "test");
	iosm_host_work(t);
	iosm_host_expect_state(test, IOSM_SUSPENDED);
	t->fake->on_dma = reach_memory_too_early;
	iosm_host_resume(t);
	t->fake->on_dma = NULL;
	IOSM_FAKE_EXPECT_NO_BELL(t->fake);
	KUNIT_EXPECT_FALSE(test, t->fake->dma);
	iosm_modem_release(t->modem);
	iosm_fake_await(t->fake, IOSM_RECOVERING);
	iosm_host_expect_online(test);
}

static void break_session(struct iosm_fake *fake)
{
	fake->on_dma = NULL;
	iosm_modem_broken(fake->modem, "test");
	/* As if the order of the two had been the other one */
	fake->dma = true;
}

static void session_that_breaks_in_the_resume_is_told_nothing(struct kunit *test)
{
	const struct iosm_host_handshake *c = test->param_value;
	struct iosm_host_test *t = test->priv;

	iosm_host_start_open(test, c->handshake);
	KUNIT_ASSERT_EQ(test, iosm_host_suspend(t), 0);
	iosm_fake_forget_bells(t->fake);
	t->fake->on_dma = break_session;
	iosm_host_resume(t);
	IOSM_FAKE_EXPECT_NO_BELL(t->fake);
	KUNIT_EXPECT_FALSE(test, t->fake->dma);
	iosm_modem_release(t->modem);
	iosm_fake_await(t->fake, IOSM_RECOVERING);
	iosm_host_expect_online(test);
}

/* ---- Hibernation ---- */

static void restored_memory_knows_no_session(struct kunit *test)
{
	const struct iosm_host_handshake *c = test->param_value;
	struct iosm_host_test *t = test->priv;

	iosm_host_start_open(test, c->handshake);
	KUNIT_ASSERT_EQ(test, iosm_host_suspend(t), 0);
	iosm_host_post(t);
	/* Another kernel has made a session of its own meanwhile. */
	iosm_fake_forget_bells(t->fake);
	iosm_fake_leave_d3(t->fake);
	iosm_modem_restore(t->modem);
	KUNIT_EXPECT_FALSE(test, t->modem->asleep);
	IOSM_FAKE_EXPECT_NO_BELL(t->fake);
	KUNIT_EXPECT_FALSE(test, t->fake->dma);
	KUNIT_EXPECT_EQ(test, t->stops, 0);
	KUNIT_EXPECT_EQ(test, t->taken, 0);
	KUNIT_EXPECT_EQ(test, t->failures, 0);

	iosm_modem_release(t->modem);
	iosm_fake_await(t->fake, IOSM_RECOVERING);
	iosm_fake_await(t->fake, IOSM_ONLINE);
	KUNIT_EXPECT_EQ(test, t->stops, 1);
	IOSM_FAKE_EXPECT_BELLS(t->fake, { IOSM_DB_STATE, 0 }, { IOSM_DB_STATE, 1 },
			       { IOSM_DB_STATE, 2 }, { IOSM_DB_HEAD, 0 },
			       { IOSM_DB_HEAD, 0 });
	KUNIT_EXPECT_EQ(test, t->taken, 0);
	KUNIT_EXPECT_EQ(test, t->failures, 0);
	KUNIT_ASSERT_EQ(test, iosm_host_open(t), 0);
	iosm_host_expect_traffic(test);
}

/* Freeze, thaw, poweroff, as far as the modem is concerned */
static void image_is_made_and_the_machine_goes_on(struct kunit *test)
{
	const struct iosm_host_handshake *c = test->param_value;
	struct iosm_host_test *t = test->priv;

	iosm_host_start_open(test, c->handshake);
	KUNIT_ASSERT_EQ(test, iosm_host_suspend(t), 0);
	iosm_host_resume(t);
	KUNIT_ASSERT_EQ(test, iosm_host_suspend(t), 0);
	iosm_host_resume(t);
	iosm_modem_release(t->modem);
	iosm_host_expect_online(test);
	KUNIT_EXPECT_EQ(test, t->stops, 0);
	iosm_host_expect_traffic(test);
}

/* ---- Every other state ---- */

static void any_other_state_survives_sleep(struct kunit *test)
{
	const struct iosm_host_place *c = test->param_value;
	struct iosm_host_test *t = test->priv;

	iosm_host_reach(test);
	t->fake->ignored_states &= ~BIT(0);
	KUNIT_EXPECT_EQ(test, iosm_host_suspend(t), 0);
	iosm_host_expect_state(test, c->asleep);
	KUNIT_EXPECT_FALSE(test, t->fake->dma);
	KUNIT_EXPECT_EQ(test, iosm_fake_count_bells(t->fake, IOSM_DB_STATE, 0),
			c->uninit);
	KUNIT_EXPECT_EQ(test, t->fake->bell_count, c->uninit);

	/* D3: the work touches nothing, and neither does the resume. */
	iosm_host_work(t);
	iosm_host_make_well(t);
	iosm_fake_leave_d3(t->fake);
	memset(t->fake->reads, 0, sizeof(t->fake->reads));
	iosm_fake_forget_bells(t->fake);
	iosm_modem_resume(t->modem);
	iosm_host_work(t);
	IOSM_FAKE_EXPECT_NO_BELL(t->fake);
	KUNIT_EXPECT_EQ(test, t->starts, 0);

	iosm_modem_release(t->modem);
	iosm_host_expect_online(test);
	KUNIT_EXPECT_EQ(test, iosm_fake_usage(t->fake), 0);
}

/* Nothing begins between the preparation of all devices and the sleep of this one. */
static void held_work_begins_nothing(struct kunit *test)
{
	const struct iosm_host_place *c = test->param_value;
	struct iosm_host_test *t = test->priv;

	iosm_host_reach(test);
	iosm_modem_hold(t->modem);
	iosm_modem_hold(t->modem);
	t->fake->reads[0] = 0;
	iosm_host_make_well(t);
	iosm_host_work(t);
	iosm_host_expect_state(test, c->state);
	IOSM_FAKE_EXPECT_NO_BELL(t->fake);
	KUNIT_EXPECT_EQ(test, t->fake->reads[0], 0);

	KUNIT_EXPECT_EQ(test, iosm_host_suspend(t), 0);
	iosm_host_resume(t);
	iosm_host_work(t);
	KUNIT_EXPECT_EQ(test, t->starts, 0);
	iosm_modem_release(t->modem);
	iosm_host_expect_online(test);
}

/* The modem has done its part of the start, and nobody has noticed. */
static void session_without_clients_ends_before_the_sleep(struct kunit *test)
{
	struct iosm_host_test *t = test->priv;

	disable_delayed_work_sync(&t->modem->work);
	iosm_modem_start(t->modem);
	enable_delayed_work(&t->modem->work);
	iosm_host_reach_running(test);
	iosm_modem_hold(t->modem);
	KUNIT_ASSERT_TRUE(test, iosm_fake_enter_running(t->fake));
	iosm_host_work(t);
	KUNIT_EXPECT_TRUE(test, iosm_modem_online(t->modem));
	iosm_host_expect_state(test, IOSM_STARTING);

	iosm_fake_forget_bells(t->fake);
	KUNIT_EXPECT_EQ(test, iosm_host_suspend(t), 0);
	IOSM_FAKE_EXPECT_BELLS(t->fake, { IOSM_DB_STATE, 0 });
	KUNIT_EXPECT_FALSE(test, iosm_modem_online(t->modem));
	KUNIT_EXPECT_FALSE(test, t->fake->dma);
	iosm_host_expect_state(test, IOSM_RECOVERING);
	t->fake->ignored_states = 0;
	iosm_host_resume(t);
	iosm_modem_release(t->modem);
	iosm_host_expect_online(test);
	KUNIT_EXPECT_EQ(test, t->starts, 1);
}

/* The work may wait for an answer; the sleep waits for the work. */
static void step_that_runs_is_finished_first(struct kunit *test)
{
	struct iosm_host_test *t = test->priv;

	t->answer_type = 0xf0;
	t->answer = IOSM_FAKE_SILENT;
	t->modem->protocol.timeout = IOSM_FAKE_TIMEOUT;
	iosm_modem_start(t->modem);
	wait_for_completion(&t->asked);
	wait_for_completion(&t->asked);
	KUNIT_EXPECT_EQ(test, iosm_host_suspend(t), 0);
	KUNIT_EXPECT_EQ(test, work_busy(&t->modem->work.work), 0);
	iosm_host_expect_state(test, IOSM_RECOVERING);
	t->answer_type = 0;
	iosm_host_resume(t);
	iosm_modem_release(t->modem);
	iosm_host_expect_online(test);
}

/* Bad stages that were read before do not count. */
static void lost_modem_has_all_its_time_again(struct kunit *test)
{
	struct iosm_host_test *t = test->priv;
	unsigned int i;

	iosm_host_reach_lost(test);
	iosm_modem_start(t->modem);
	flush_work(&t->modem->work.work);
	KUNIT_ASSERT_EQ(test, iosm_host_suspend(t), 0);
	iosm_host_resume(t);
	disable_delayed_work_sync(&t->modem->work);
	iosm_modem_release(t->modem);
	enable_delayed_work(&t->modem->work);
	for (i = 0; i < 49; i++)
		iosm_fake_step(t->fake);
	iosm_host_expect_state(test, IOSM_RECOVERING);
	t->fake->absent = false;
	iosm_host_make_well(t);
	iosm_host_work(t);
	iosm_host_expect_online(test);
}

/* A sleep is no failure, however often it comes at a bad moment. */
static void interrupted_starts_are_not_counted(struct kunit *test)
{
	struct iosm_host_test *t = test->priv;
	unsigned int i;

	for (i = 0; i < 12; i++) {
		t->fake->ignored_states = BIT(2);
		disable_delayed_work_sync(&t->modem->work);
		if (!i)
			iosm_modem_start(t->modem);
		iosm_modem_release(t->modem);
		enable_delayed_work(&t->modem->work);
		iosm_host_reach_running(test);
		iosm_host_expect_state(test, IOSM_STARTING);
		KUNIT_EXPECT_EQ(test, iosm_modem_suspend(t->modem), 0);
		iosm_modem_resume(t->modem);
	}
	iosm_host_make_well(t);
	iosm_modem_release(t->modem);
	iosm_host_expect_online(test);
}

static void sleep_gives_another_five_attempts(struct kunit *test)
{
	struct iosm_host_test *t = test->priv;
	unsigned int i;

	t->answer_type = 0xf0;
	t->answer = IOSM_FAKE_REFUSED;
	iosm_modem_start(t->modem);
	iosm_fake_await(t->fake, IOSM_FAILED);
	KUNIT_ASSERT_EQ(test, iosm_modem_suspend(t->modem), 0);
	iosm_modem_resume(t->modem);
	iosm_modem_release(t->modem);
	for (i = 0; i < 4; i++) {
		iosm_fake_await(t->fake, IOSM_STARTING);
		iosm_fake_await(t->fake, IOSM_RECOVERING);
	}
	t->answer_type = 0;
	iosm_host_expect_online(test);
}

static void lost_modem_that_stays_away_is_lost_again(struct kunit *test)
{
	struct iosm_host_test *t = test->priv;

	iosm_host_start_open(test, D3);
	KUNIT_ASSERT_EQ(test, iosm_host_suspend(t), 0);
	t->fake->absent = true;
	iosm_host_resume(t);
	iosm_modem_release(t->modem);
	iosm_fake_await(t->fake, IOSM_LOST);
	KUNIT_ASSERT_EQ(test, iosm_host_suspend(t), 0);
	iosm_host_resume(t);
	iosm_host_expect_state(test, IOSM_RECOVERING);
	iosm_modem_release(t->modem);
	iosm_fake_await(t->fake, IOSM_LOST);
	KUNIT_EXPECT_FALSE(test, t->fake->dma);
	KUNIT_EXPECT_EQ(test, t->stops, 1);
}

static void second_suspend_does_no_harm(struct kunit *test)
{
	const struct iosm_host_handshake *c = test->param_value;
	struct iosm_host_test *t = test->priv;

	iosm_host_start_open(test, c->handshake);
	KUNIT_ASSERT_EQ(test, iosm_host_suspend(t), 0);
	iosm_fake_forget_bells(t->fake);
	KUNIT_EXPECT_EQ(test, iosm_modem_suspend(t->modem), -EBUSY);
	iosm_host_expect_state(test, IOSM_SUSPENDED);
	IOSM_FAKE_EXPECT_NO_BELL(t->fake);
	iosm_host_resume(t);
	iosm_modem_release(t->modem);
	iosm_host_expect_online(test);
	iosm_host_expect_traffic(test);
}

static void resume_without_suspend_does_no_harm(struct kunit *test)
{
	const struct iosm_host_handshake *c = test->param_value;
	struct iosm_host_test *t = test->priv;
	unsigned int reads;

	iosm_host_start_open(test, c->handshake);
	reads = t->fake->reads[0];
	iosm_modem_resume(t->modem);
	iosm_modem_runtime_resume(t->modem);
	iosm_modem_restore(t->modem);
	iosm_host_expect_state(test, IOSM_ONLINE);
	IOSM_FAKE_EXPECT_NO_BELL(t->fake);
	KUNIT_EXPECT_EQ(test, t->fake->reads[0], reads);
	iosm_host_expect_traffic(test);
}

/* The PM core completes every transition, also one that the driver did not see. */
static void release_of_what_is_not_held_does_nothing(struct kunit *test)
{
	struct iosm_host_test *t = test->priv;

	iosm_host_start(test, D3);
	cancel_delayed_work_sync(&t->modem->work);
	iosm_modem_release(t->modem);
	KUNIT_EXPECT_FALSE(test, delayed_work_pending(&t->modem->work));
	KUNIT_ASSERT_EQ(test, iosm_modem_suspend(t->modem), 0);
	iosm_modem_resume(t->modem);
	KUNIT_EXPECT_FALSE(test, delayed_work_pending(&t->modem->work));
}

static struct kunit_case iosm_host_cases[] = {
	KUNIT_CASE_PARAM(session_survives_sleep, handshake_gen_params),
	KUNIT_CASE_PARAM(sleeping_modem_sleeps_on, handshake_gen_params),
	KUNIT_CASE_PARAM(data_posted_while_asleep_is_announced_once,
			 handshake_gen_params),
	KUNIT_CASE_PARAM(what_came_while_asleep_is_found, handshake_gen_params),
	KUNIT_CASE_PARAM(sleep_asked_for_meanwhile_is_answered,
			 handshake_gen_params),
	KUNIT_CASE(old_notification_is_waited_out),
	KUNIT_CASE(refusal_changes_nothing),
	KUNIT_CASE(refusal_releases_what_was_held),
	KUNIT_CASE(what_came_with_a_refusal_is_found),
	KUNIT_CASE(lost_doorbell_does_not_keep_the_host_awake),
	KUNIT_CASE_PARAM(silent_modem_does_not_keep_the_host_awake,
			 silence_gen_params),
	KUNIT_CASE_PARAM(modem_that_does_not_come_back_is_started_anew,
			 wake_gen_params),
	KUNIT_CASE(full_ring_is_like_a_refusal),
	KUNIT_CASE_PARAM(fate_in_d3_is_noticed, fate_gen_params),
	KUNIT_CASE_PARAM(fate_in_d0_is_noticed, fate_gen_params),
	KUNIT_CASE_PARAM(session_that_broke_before_the_sleep_is_told_nothing,
			 handshake_gen_params),
	KUNIT_CASE_PARAM(session_that_breaks_in_the_sleep_is_told_nothing,
			 handshake_gen_params),
	KUNIT_CASE_PARAM(session_that_breaks_in_the_resume_is_told_nothing,
			 handshake_gen_params),
	KUNIT_CASE_PARAM(restored_memory_knows_no_session, handshake_gen_params),
	KUNIT_CASE_PARAM(image_is_made_and_the_machine_goes_on,
			 handshake_gen_params),
	KUNIT_CASE_PARAM(any_other_state_survives_sleep, place_gen_params),
	KUNIT_CASE_PARAM(held_work_begins_nothing, place_gen_params),
	KUNIT_CASE(session_without_clients_ends_before_the_sleep),
	KUNIT_CASE(step_that_runs_is_finished_first),
	KUNIT_CASE(lost_modem_has_all_its_time_again),
	KUNIT_CASE(interrupted_starts_are_not_counted),
	KUNIT_CASE(sleep_gives_another_five_attempts),
	KUNIT_CASE(lost_modem_that_stays_away_is_lost_again),
	KUNIT_CASE_PARAM(second_suspend_does_no_harm, handshake_gen_params),
	KUNIT_CASE_PARAM(resume_without_suspend_does_no_harm,
			 handshake_gen_params),
	KUNIT_CASE(release_of_what_is_not_held_does_nothing),
	{}
};

static struct kunit_suite iosm_host_suite = {
	.name = "iosm_host",
	.init = iosm_host_test_init,
	.test_cases = iosm_host_cases,
};

kunit_test_suite(iosm_host_suite);
