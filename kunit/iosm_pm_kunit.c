// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of the device-sleep handshake (protocol.rst 6.1 to 6.4). The fake modem
 * fails each test in which a head doorbell rings while it sleeps.
 */

#include <linux/prandom.h>

#include "iosm_kunit_bus.h"

static int iosm_pm_init_test(struct kunit *test)
{
	test->priv = iosm_fake_rings_create(test);
	return 0;
}

static struct iosm_fake *fake_of(struct kunit *test)
{
	return ((struct iosm_fake_rings *)test->priv)->fake;
}

static struct iosm_pm *pm_of(struct kunit *test)
{
	return &((struct iosm_fake_rings *)test->priv)->pm;
}

static void notify(struct kunit *test, u32 notification)
{
	struct iosm_fake_rings *rings = test->priv;

	iosm_fake_notify(rings->fake, notification);
	flush_work(&rings->poll);
}

/* The timer expires now instead of in 100 ms. */
static void expire_retry(struct iosm_pm *pm)
{
	timer_delete_sync(&pm->retry);
	local_bh_disable();
	pm->retry.function(&pm->retry);
	local_bh_enable();
}

/* ---- Awake ---- */

struct reason_case {
	const char *desc;
	enum iosm_head_reason reason;
	u32 value;
};

/* protocol.rst 1.3.1 */
static const struct reason_case reasons[] = {
	{ "control ring", IOSM_HEAD_CONTROL, 0x00 },
	{ "session command", IOSM_HEAD_MUX_URGENT, 0x03 },
	{ "multiplexed uplink", IOSM_HEAD_MUX_UL, 0x04 },
	{ "multiplexed downlink refill", IOSM_HEAD_MUX_DL, 0x05 },
	{ "control pipe uplink", IOSM_HEAD_UL, 0x06 },
	{ "control pipe downlink refill", IOSM_HEAD_DL, 0x07 },
	{ "multiplexer opened", IOSM_HEAD_MUX_OPEN, 0x08 },
	{ "control pipe opened", IOSM_HEAD_OPEN, 0x09 },
};

KUNIT_ARRAY_PARAM_DESC(reason, reasons, desc);

static void awake_modem_is_rung_at_once(struct kunit *test)
{
	const struct reason_case *c = test->param_value;

	iosm_pm_ring_head(pm_of(test), c->reason);
	IOSM_FAKE_EXPECT_BELLS(fake_of(test), { IOSM_DB_HEAD, c->value });
}

static void each_ring_of_an_awake_modem_is_a_doorbell(struct kunit *test)
{
	iosm_pm_ring_head(pm_of(test), IOSM_HEAD_UL);
	iosm_pm_ring_head(pm_of(test), IOSM_HEAD_UL);
	IOSM_FAKE_EXPECT_BELLS(fake_of(test), { IOSM_DB_HEAD, 6 },
			       { IOSM_DB_HEAD, 6 });
}

/* ---- Falling asleep and waking up ---- */

static void sleep_is_acknowledged(struct kunit *test)
{
	notify(test, 1);
	IOSM_FAKE_EXPECT_BELLS(fake_of(test), { IOSM_DB_POWER, 1 });
	KUNIT_EXPECT_TRUE(test, fake_of(test)->asleep);
	KUNIT_EXPECT_EQ(test, pm_of(test)->stats.sleeps, 1);
}

static void own_wake_up_is_acknowledged(struct kunit *test)
{
	notify(test, 1);
	notify(test, 0);
	IOSM_FAKE_EXPECT_BELLS(fake_of(test), { IOSM_DB_POWER, 1 },
			       { IOSM_DB_POWER, 0 });
	KUNIT_EXPECT_EQ(test, pm_of(test)->stats.wakes, 1);
	KUNIT_EXPECT_EQ(test, pm_of(test)->stats.wake_requests, 0);
}

static void same_notification_again_is_no_news(struct kunit *test)
{
	notify(test, 0);
	IOSM_FAKE_EXPECT_NO_BELL(fake_of(test));
	notify(test, 1);
	notify(test, 1);
	notify(test, 1);
	IOSM_FAKE_EXPECT_BELLS(fake_of(test), { IOSM_DB_POWER, 1 });
}

static void sleeping_modem_is_woken_before_it_is_rung(struct kunit *test)
{
	struct iosm_fake_rings *rings = test->priv;

	notify(test, 1);
	iosm_fake_forget_bells(rings->fake);

	iosm_pm_ring_head(&rings->pm, IOSM_HEAD_UL);
	flush_work(&rings->poll);
	IOSM_FAKE_EXPECT_BELLS(rings->fake, { IOSM_DB_POWER, 2 },
			       { IOSM_DB_POWER, 0 }, { IOSM_DB_HEAD, 1 });
	KUNIT_EXPECT_EQ(test, rings->pm.stats.wake_requests, 1);
}

static void rings_while_waking_become_one_doorbell(struct kunit *test)
{
	struct iosm_fake *fake = fake_of(test);

	fake->stubborn = true;
	notify(test, 1);
	iosm_fake_forget_bells(fake);

	iosm_pm_ring_head(pm_of(test), IOSM_HEAD_UL);
	iosm_pm_ring_head(pm_of(test), IOSM_HEAD_CONTROL);
	iosm_pm_ring_head(pm_of(test), IOSM_HEAD_MUX_UL);
	IOSM_FAKE_EXPECT_BELLS(fake, { IOSM_DB_POWER, 2 });

	notify(test, 0);
	IOSM_FAKE_EXPECT_BELLS(fake, { IOSM_DB_POWER, 2 }, { IOSM_DB_POWER, 0 },
			       { IOSM_DB_HEAD, 1 });
	iosm_fake_forget_bells(fake);

	/* Nothing is left over for the next time. */
	notify(test, 1);
	notify(test, 0);
	IOSM_FAKE_EXPECT_BELLS(fake, { IOSM_DB_POWER, 1 },
			       { IOSM_DB_POWER, 0 });
}

/* ---- 10.6.3 S3: other values than 0 and 1 ---- */

struct notification_case {
	const char *desc;
	u32 value;
};

static const struct notification_case bad_notifications[] = {
	{ "2", 2 },
	{ "reserved 3", 3 },
	{ "forced sleep", 7 },
	{ "bit 31", 0x80000000 },
	{ "1 in the upper half", 0x10000 },
	{ "all ones", 0xffffffff },
};

KUNIT_ARRAY_PARAM_DESC(bad_notification, bad_notifications, desc);

static void rubbish_changes_nothing_while_awake(struct kunit *test)
{
	const struct notification_case *c = test->param_value;

	notify(test, c->value);
	notify(test, c->value);
	IOSM_FAKE_EXPECT_NO_BELL(fake_of(test));
	KUNIT_EXPECT_EQ(test, pm_of(test)->stats.bad_notifications, 1);

	iosm_pm_ring_head(pm_of(test), IOSM_HEAD_UL);
	notify(test, 1);
	IOSM_FAKE_EXPECT_BELLS(fake_of(test), { IOSM_DB_HEAD, 6 },
			       { IOSM_DB_POWER, 1 });
}

static void rubbish_changes_nothing_while_asleep(struct kunit *test)
{
	const struct notification_case *c = test->param_value;
	struct iosm_fake_rings *rings = test->priv;

	notify(test, 1);
	iosm_fake_forget_bells(rings->fake);
	notify(test, c->value);
	IOSM_FAKE_EXPECT_NO_BELL(rings->fake);
	KUNIT_EXPECT_EQ(test, rings->pm.stats.bad_notifications, 1);

	iosm_pm_ring_head(&rings->pm, IOSM_HEAD_UL);
	flush_work(&rings->poll);
	IOSM_FAKE_EXPECT_BELLS(rings->fake, { IOSM_DB_POWER, 2 },
			       { IOSM_DB_POWER, 0 }, { IOSM_DB_HEAD, 1 });
}

/* ---- 10.6.3 S4: fast toggling ---- */

static void change_of_mind_before_we_looked_is_no_news(struct kunit *test)
{
	struct iosm_fake *fake = fake_of(test);

	fake->mute = true;
	notify(test, 1);
	fake->mute = false;
	notify(test, 0);
	IOSM_FAKE_EXPECT_NO_BELL(fake);
	KUNIT_EXPECT_EQ(test, pm_of(test)->stats.sleeps, 0);
}

static void toggling_costs_one_doorbell_per_look(struct kunit *test)
{
	struct iosm_fake *fake = fake_of(test);
	unsigned int i;

	for (i = 0; i < 200; i++)
		notify(test, (i + 1) % 2);
	KUNIT_EXPECT_EQ(test, fake->bell_count, 200);
	KUNIT_EXPECT_EQ(test, iosm_fake_count_bells(fake, IOSM_DB_POWER, 1),
			100);
	KUNIT_EXPECT_EQ(test, iosm_fake_count_bells(fake, IOSM_DB_POWER, 0),
			100);
}

static void asleep_again_before_we_looked_is_asked_again(struct kunit *test)
{
	struct iosm_fake *fake = fake_of(test);

	notify(test, 1);
	fake->stubborn = true;
	iosm_pm_ring_head(pm_of(test), IOSM_HEAD_UL);
	fake->mute = true;
	notify(test, 0);
	fake->mute = false;
	fake->stubborn = false;
	/* The modem was awake for a moment; it waits for SLEEP_ACK now. */
	notify(test, 1);
	iosm_fake_forget_bells(fake);

	expire_retry(pm_of(test));
	flush_work(&((struct iosm_fake_rings *)test->priv)->poll);
	IOSM_FAKE_EXPECT_BELLS(fake, { IOSM_DB_POWER, 2 }, { IOSM_DB_POWER, 0 },
			       { IOSM_DB_HEAD, 1 });
}

/* ---- 10.6.3 S5: no answer to wake requests ---- */

static void wake_request_is_repeated_every_100_ms(struct kunit *test)
{
	struct iosm_fake *fake = fake_of(test);
	struct iosm_pm *pm = pm_of(test);
	unsigned int i;

	fake->stubborn = true;
	notify(test, 1);
	iosm_fake_forget_bells(fake);
	iosm_pm_ring_head(pm, IOSM_HEAD_UL);
	for (i = 1; i < 10; i++) {
		long left = pm->retry.expires - jiffies;

		KUNIT_ASSERT_TRUE(test, timer_pending(&pm->retry));
		KUNIT_EXPECT_LE(test, left, msecs_to_jiffies(100));
		KUNIT_EXPECT_GT(test, left, 0);
		expire_retry(pm);
		KUNIT_EXPECT_EQ(test, fake->bell_count, i + 1);
	}
	KUNIT_EXPECT_EQ(test, iosm_fake_count_bells(fake, IOSM_DB_POWER, 2),
			10);
	KUNIT_EXPECT_EQ(test, pm->stats.wake_requests, 10);
}

static void silent_modem_is_reported_once(struct kunit *test)
{
	struct iosm_fake_rings *rings = test->priv;
	unsigned int i;

	rings->fake->stubborn = true;
	notify(test, 1);
	iosm_pm_ring_head(&rings->pm, IOSM_HEAD_UL);
	for (i = 0; i < 9; i++)
		expire_retry(&rings->pm);
	KUNIT_EXPECT_EQ(test, rings->unresponsive, 0);

	iosm_fake_forget_bells(rings->fake);
	expire_retry(&rings->pm);
	KUNIT_EXPECT_EQ(test, rings->unresponsive, 1);
	KUNIT_EXPECT_FALSE(test, timer_pending(&rings->pm.retry));
	IOSM_FAKE_EXPECT_NO_BELL(rings->fake);
}

static void late_answer_ends_the_repetition(struct kunit *test)
{
	struct iosm_fake_rings *rings = test->priv;

	rings->fake->stubborn = true;
	notify(test, 1);
	iosm_pm_ring_head(&rings->pm, IOSM_HEAD_UL);
	expire_retry(&rings->pm);
	expire_retry(&rings->pm);
	iosm_fake_forget_bells(rings->fake);

	notify(test, 0);
	IOSM_FAKE_EXPECT_BELLS(rings->fake, { IOSM_DB_POWER, 0 },
			       { IOSM_DB_HEAD, 1 });
	expire_retry(&rings->pm);
	KUNIT_EXPECT_EQ(test, rings->fake->bell_count, 2);
	KUNIT_EXPECT_FALSE(test, timer_pending(&rings->pm.retry));
}

static void each_wake_up_has_all_its_tries(struct kunit *test)
{
	struct iosm_fake_rings *rings = test->priv;
	unsigned int round, i;

	rings->fake->stubborn = true;
	for (round = 0; round < 3; round++) {
		notify(test, 1);
		iosm_pm_ring_head(&rings->pm, IOSM_HEAD_UL);
		for (i = 0; i < 9; i++)
			expire_retry(&rings->pm);
		notify(test, 0);
	}
	KUNIT_EXPECT_EQ(test, rings->unresponsive, 0);
	KUNIT_EXPECT_EQ(test, rings->pm.stats.wake_requests, 30);
}

static void no_request_is_repeated_while_nothing_is_wanted(struct kunit *test)
{
	notify(test, 1);
	KUNIT_EXPECT_FALSE(test, timer_pending(&pm_of(test)->retry));
	expire_retry(pm_of(test));
	IOSM_FAKE_EXPECT_BELLS(fake_of(test), { IOSM_DB_POWER, 1 });
}

/* ---- Sessions ---- */

enum halted_when { AWAKE, ASLEEP, WAKING };

struct halt_case {
	const char *desc;
	enum halted_when when;
};

static const struct halt_case halts[] = {
	{ "awake", AWAKE },
	{ "asleep", ASLEEP },
	{ "waking", WAKING },
};

KUNIT_ARRAY_PARAM_DESC(halt, halts, desc);

static void reach(struct kunit *test, enum halted_when when)
{
	fake_of(test)->stubborn = true;
	if (when != AWAKE)
		notify(test, 1);
	if (when == WAKING)
		iosm_pm_ring_head(pm_of(test), IOSM_HEAD_UL);
}

static void halted_handshake_rings_nothing(struct kunit *test)
{
	const struct halt_case *c = test->param_value;
	struct iosm_fake_rings *rings = test->priv;

	reach(test, c->when);
	iosm_pm_halt(&rings->pm);
	iosm_fake_forget_bells(rings->fake);

	iosm_pm_ring_head(&rings->pm, IOSM_HEAD_UL);
	notify(test, 1);
	iosm_pm_ring_head(&rings->pm, IOSM_HEAD_UL);
	notify(test, 0);
	expire_retry(&rings->pm);
	IOSM_FAKE_EXPECT_NO_BELL(rings->fake);
	KUNIT_EXPECT_EQ(test, rings->unresponsive, 0);
}

static void new_session_starts_awake_and_owes_nothing(struct kunit *test)
{
	const struct halt_case *c = test->param_value;
	struct iosm_fake_rings *rings = test->priv;

	reach(test, c->when);
	iosm_protocol_halt(&rings->protocol);
	iosm_fake_rings_start(rings);
	iosm_fake_forget_bells(rings->fake);

	expire_retry(&rings->pm);
	notify(test, 0);
	IOSM_FAKE_EXPECT_NO_BELL(rings->fake);
	iosm_pm_ring_head(&rings->pm, IOSM_HEAD_UL);
	notify(test, 1);
	notify(test, 0);
	IOSM_FAKE_EXPECT_BELLS(rings->fake, { IOSM_DB_HEAD, 6 },
			       { IOSM_DB_POWER, 1 }, { IOSM_DB_POWER, 0 });
}

static void nothing_rings_after_exit(struct kunit *test)
{
	struct iosm_pm *pm = pm_of(test);

	reach(test, WAKING);
	KUNIT_ASSERT_TRUE(test, timer_pending(&pm->retry));
	iosm_fake_forget_bells(fake_of(test));
	iosm_pm_exit(pm);
	KUNIT_EXPECT_FALSE(test, timer_pending(&pm->retry));
	IOSM_FAKE_EXPECT_NO_BELL(fake_of(test));

	/* The fixture ends the handshake once more. */
	iosm_pm_init(pm, &fake_of(test)->bus, pm->ops);
}

/* ---- All together ---- */

/*
 * Whatever happens in whatever order, news reaches the modem as soon as it is
 * awake, and never while it sleeps (that is checked by the fake).
 */
static void no_news_is_lost_in_any_order(struct kunit *test)
{
	struct iosm_fake_rings *rings = test->priv;
	struct iosm_fake *fake = rings->fake;
	unsigned int step, rung, heads = 0;
	struct rnd_state rnd;
	bool owed = false;

	prandom_seed_state(&rnd, 7560);
	fake->stubborn = true;
	for (step = 0; step < 5000; step++) {
		iosm_fake_forget_bells(fake);
		switch (prandom_u32_state(&rnd) % 5) {
		case 0:
			notify(test, 0);
			break;
		case 1:
			notify(test, 1);
			break;
		case 2:
			notify(test, prandom_u32_state(&rnd) | 2);
			break;
		case 3:
			iosm_pm_ring_head(&rings->pm, IOSM_HEAD_MUX_UL);
			owed = true;
			break;
		case 4:
			if (rings->pm.tries < 5)
				expire_retry(&rings->pm);
			break;
		}
		rung = iosm_fake_count_bells(fake, IOSM_DB_HEAD, 1) +
		       iosm_fake_count_bells(fake, IOSM_DB_HEAD, 4);
		KUNIT_ASSERT_LE(test, rung, 1);
		KUNIT_ASSERT_LE(test, fake->bell_count, 2);
		heads += rung;
		if (rung)
			owed = false;
		/* Nothing is owed to a modem that is known to be awake. */
		if (rings->pm.state == IOSM_PM_AWAKE)
			KUNIT_ASSERT_FALSE(test, owed);
		else if (owed)
			KUNIT_ASSERT_EQ(test, rings->pm.state, IOSM_PM_WAKING);
	}
	KUNIT_EXPECT_GT(test, heads, 300);
	KUNIT_EXPECT_EQ(test, rings->unresponsive, 0);
}

static struct kunit_case iosm_pm_cases[] = {
	KUNIT_CASE_PARAM(awake_modem_is_rung_at_once, reason_gen_params),
	KUNIT_CASE(each_ring_of_an_awake_modem_is_a_doorbell),
	KUNIT_CASE(sleep_is_acknowledged),
	KUNIT_CASE(own_wake_up_is_acknowledged),
	KUNIT_CASE(same_notification_again_is_no_news),
	KUNIT_CASE(sleeping_modem_is_woken_before_it_is_rung),
	KUNIT_CASE(rings_while_waking_become_one_doorbell),
	KUNIT_CASE_PARAM(rubbish_changes_nothing_while_awake,
			 bad_notification_gen_params),
	KUNIT_CASE_PARAM(rubbish_changes_nothing_while_asleep,
			 bad_notification_gen_params),
	KUNIT_CASE(change_of_mind_before_we_looked_is_no_news),
	KUNIT_CASE(toggling_costs_one_doorbell_per_look),
	KUNIT_CASE(asleep_again_before_we_looked_is_asked_again),
	KUNIT_CASE(wake_request_is_repeated_every_100_ms),
	KUNIT_CASE(silent_modem_is_reported_once),
	KUNIT_CASE(late_answer_ends_the_repetition),
	KUNIT_CASE(each_wake_up_has_all_its_tries),
	KUNIT_CASE(no_request_is_repeated_while_nothing_is_wanted),
	KUNIT_CASE_PARAM(halted_handshake_rings_nothing, halt_gen_params),
	KUNIT_CASE_PARAM(new_session_starts_awake_and_owes_nothing,
			 halt_gen_params),
	KUNIT_CASE(nothing_rings_after_exit),
	KUNIT_CASE(no_news_is_lost_in_any_order),
	{}
};

static struct kunit_suite iosm_pm_suite = {
	.name = "iosm_pm",
	.init = iosm_pm_init_test,
	.test_cases = iosm_pm_cases,
};

kunit_test_suite(iosm_pm_suite);
