// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of both handshakes, of the modem's sleep and of the host's (protocol.rst 6.1
 * to 6.6). The fake modem fails each test in which a head doorbell rings while it
 * sleeps.
 */

#include <linux/kthread.h>
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

/* ---- The whole table: modem x host x event ---- */

/**
 * struct power_event - what may happen, and what has to follow
 * @desc: what
 * @happen: does it
 * @held: a doorbell is held back
 * @after: by state of modem and host: the states after it, in letters as in
 *	power_letters(), and the doorbells that rang, "doorbell:value"; NULL if it
 *	cannot happen there
 */
struct power_event {
	const char *desc;
	void (*happen)(struct iosm_pm *pm);
	bool held;
	const char *after[4][3];
};

/* The bus under a handshake that is alone: it keeps a log. */
struct power_bus {
	struct iosm_bus bus;
	char log[32];
};

static void log_bell(struct iosm_bus *bus, enum iosm_doorbell bell, u32 value)
{
	struct power_bus *power = container_of(bus, struct power_bus, bus);
	size_t len = strlen(power->log);

	scnprintf(power->log + len, sizeof(power->log) - len, " %d:%u", bell, value);
}

static const struct iosm_bus_ops power_bus_ops = { .ring = log_bell };

static void never_unresponsive(struct iosm_pm *pm)
{
}

static const struct iosm_pm_ops power_pm_ops = {
	.unresponsive = never_unresponsive,
};

/*
 * Modem: Halted, Awake, Sleeping, Waking. Host: active, moving, sleeping. Then p if a
 * doorbell waits for the modem, h if one waits for the host.
 */
static void power_letters(const struct iosm_pm *pm, char *text, size_t size)
{
	scnprintf(text, size, "%c%c%s%s", "HASW"[pm->state], "ams"[pm->host],
		  pm->postponed ? "p" : "", pm->held ? "h" : "");
}

static_assert(IOSM_PM_HALTED == 0 && IOSM_PM_AWAKE == 1 && IOSM_PM_ASLEEP == 2 &&
	      IOSM_PM_WAKING == 3);
static_assert(IOSM_PM_HOST_ACTIVE == 0 && IOSM_PM_HOST_MOVING == 1 &&
	      IOSM_PM_HOST_SLEEPING == 2);

static void data_rings(struct iosm_pm *pm)
{
	iosm_pm_ring_head(pm, IOSM_HEAD_MUX_UL);
}

static void control_rings(struct iosm_pm *pm)
{
	iosm_pm_ring_head(pm, IOSM_HEAD_CONTROL);
}

static void modem_wants_sleep(struct iosm_pm *pm)
{
	iosm_pm_notify(pm, 1);
}

static void modem_is_active(struct iosm_pm *pm)
{
	iosm_pm_notify(pm, 0);
}

static void modem_says_rubbish(struct iosm_pm *pm)
{
	iosm_pm_notify(pm, 7);
}

static const struct power_event power_events[] = {
	{ "data", data_rings, false, {
		{ "Ha", "Hm", "Hs" },
		{ "Aa 0:4", "Amh", "Ash" },
		{ "Wap 2:2", "Smh", "Ssh" },
		{ "Wap", "Wmph", NULL } } },
	{ "control request", control_rings, false, {
		{ "Ha", "Hm", "Hs" },
		{ "Aa 0:0", "Am 0:0", "Ash" },
		{ "Wap 2:2", "Wmp 2:2", "Ssh" },
		{ "Wap", "Wmp", NULL } } },
	{ "notification SLEEP", modem_wants_sleep, false, {
		{ "Ha", "Hm", "Hs" },
		{ "Sa 2:1", "Sm 2:1", "As" },
		{ "Sa", "Sm", "Ss" },
		{ "Wap", "Wmp", NULL } } },
	{ "notification ACTIVE", modem_is_active, false, {
		{ "Ha", "Hm", "Hs" },
		{ "Aa", "Am", "As" },
		{ "Aa 2:0", "Am 2:0", "Ss" },
		{ "Aa 2:0 0:1", "Am 2:0 0:1", NULL } } },
	{ "notification ACTIVE, doorbell held", modem_is_active, true, {
		{ NULL, NULL, NULL },
		{ NULL, "Amh", "Ash" },
		{ NULL, "Amh 2:0", "Ssh" },
		{ NULL, "Amh 2:0 0:1", NULL } } },
	{ "rubbish", modem_says_rubbish, false, {
		{ "Ha", "Hm", "Hs" },
		{ "Aa", "Am", "As" },
		{ "Sa", "Sm", "Ss" },
		{ "Wap", "Wmp", NULL } } },
	{ "the host sleeps", iosm_pm_host_sleep, false, {
		{ NULL, "Hs", NULL },
		{ NULL, "As", NULL },
		{ NULL, "Ss", NULL },
		{ NULL, "Ssh", NULL } } },
	{ "the host wakes up", iosm_pm_host_wake, true, {
		{ NULL, NULL, NULL },
		{ NULL, NULL, "Amh" },
		{ NULL, NULL, "Smh" },
		{ NULL, NULL, NULL } } },
	{ "the host is active", iosm_pm_host_active, false, {
		{ "Ha", "Ha", "Ha" },
		{ "Aa", "Aa", "Aa" },
		{ "Sa", "Sa", "Sa" },
		{ "Wap", "Wap", NULL } } },
	{ "the host is active, doorbell held", iosm_pm_host_active, true, {
		{ NULL, NULL, NULL },
		{ NULL, "Aa 0:1", "Aa 0:1" },
		{ NULL, "Wap 2:2", "Wap 2:2" },
		{ NULL, "Wap", NULL } } },
	{ "forced sleep", iosm_pm_force_sleep, false, {
		{ "Ha", NULL, NULL },
		{ "Ss 2:7", NULL, NULL },
		{ "Ss 2:7", NULL, NULL },
		{ "Ssh 2:7", NULL, NULL } } },
	{ "forced active", iosm_pm_force_active, false, {
		{ "Ha", NULL, "Hs" },
		{ NULL, NULL, NULL },
		{ NULL, NULL, "As 2:8" },
		{ NULL, NULL, NULL } } },
	{ "forced active, doorbell held", iosm_pm_force_active, true, {
		{ NULL, NULL, NULL },
		{ NULL, NULL, NULL },
		{ NULL, NULL, "Ash 2:8" },
		{ NULL, NULL, NULL } } },
	{ "no answer to a wake request", expire_retry, false, {
		{ "Ha", "Hm", "Hs" },
		{ "Aa", "Am", "As" },
		{ "Sa", "Sm", "Ss" },
		{ "Wap 2:2", "Wmp 2:2", NULL } } },
	{ "halt", iosm_pm_halt, false, {
		{ "Ha", "Hm", "Hs" },
		{ "Ha", "Hm", "Hs" },
		{ "Ha", "Hm", "Hs" },
		{ "Ha", "Hm", NULL } } },
	{ "halt, doorbell held", iosm_pm_halt, true, {
		{ NULL, NULL, NULL },
		{ NULL, "Hm", "Hs" },
		{ NULL, "Hm", "Hs" },
		{ NULL, "Hm", NULL } } },
	{ "new session", iosm_pm_start, false, {
		{ "Aa", "Aa", "Aa" },
		{ NULL, NULL, NULL },
		{ NULL, NULL, NULL },
		{ NULL, NULL, NULL } } },
	{ "new session, whatever was left over", iosm_pm_start, true, {
		{ "Aa", "Aa", "Aa" },
		{ NULL, NULL, NULL },
		{ NULL, NULL, NULL },
		{ "Aa", "Aa", "Aa" } } },
};

KUNIT_ARRAY_PARAM_DESC(power_event, power_events, desc);

static void set_power(struct iosm_pm *pm, enum iosm_pm_state state,
		      enum iosm_pm_host host, bool held)
{
	bool asleep = state == IOSM_PM_ASLEEP || state == IOSM_PM_WAKING;

	iosm_pm_start(pm);
	spin_lock_bh(&pm->lock);
	pm->state = state;
	pm->host = host;
	pm->held = held;
	pm->postponed = state == IOSM_PM_WAKING;
	pm->notified = asleep ? IOSM_NOTIFY_SLEEP : IOSM_NOTIFY_ACTIVE;
	spin_unlock_bh(&pm->lock);
}

static void every_event_does_what_the_table_says(struct kunit *test)
{
	const struct power_event *c = test->param_value;
	struct power_bus power = { .bus.ops = &power_bus_ops,
				   .bus.dev = fake_of(test)->bus.dev };
	struct iosm_pm *pm = kunit_kzalloc(test, sizeof(*pm), GFP_KERNEL);
	char before[8], after[48];
	int state, host;

	KUNIT_ASSERT_NOT_NULL(test, pm);
	iosm_pm_init(pm, &power.bus, &power_pm_ops);
	for (state = 0; state < 4; state++) {
		for (host = 0; host < 3; host++) {
			if (!c->after[state][host])
				continue;
			set_power(pm, state, host, c->held);
			power_letters(pm, before, sizeof(before));
			power.log[0] = '\0';
			c->happen(pm);
			power_letters(pm, after, sizeof(after));
			strlcat(after, power.log, sizeof(after));
			KUNIT_EXPECT_STREQ_MSG(test, after, c->after[state][host],
					       "%s, %s", before, c->desc);
		}
	}
	iosm_pm_exit(pm);
}

/* ---- Before the host sleeps (6.5.1 steps 1 and 2) ---- */

struct preparation {
	struct iosm_pm *pm;
	int result;
	struct task_struct *task;
};

static int prepare(void *data)
{
	struct preparation *p = data;

	p->result = iosm_pm_host_prepare(p->pm);
	return 0;
}

/* Returns when the modem was asked to wake up @requests times in all. */
static void begin_preparation(struct kunit *test, struct preparation *p,
			      unsigned int requests)
{
	struct iosm_fake *fake = fake_of(test);
	unsigned long end = jiffies + 5 * HZ;

	p->pm = pm_of(test);
	p->task = kthread_create(prepare, p, "iosm prepare");
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, p->task);
	get_task_struct(p->task);
	wake_up_process(p->task);
	while ((iosm_fake_count_bells(fake, IOSM_DB_POWER, 2) < requests ||
		READ_ONCE(p->pm->host) != IOSM_PM_HOST_MOVING) &&
	       time_before(jiffies, end))
		schedule_timeout_uninterruptible(1);
}

static int end_preparation(struct preparation *p)
{
	kthread_stop(p->task);
	put_task_struct(p->task);
	return p->result;
}

static void awake_modem_is_not_woken_for_host_sleep(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, iosm_pm_host_prepare(pm_of(test)), 0);
	KUNIT_EXPECT_EQ(test, (int)pm_of(test)->host, (int)IOSM_PM_HOST_MOVING);
	IOSM_FAKE_EXPECT_NO_BELL(fake_of(test));
}

static void sleeping_modem_is_woken_for_host_sleep(struct kunit *test)
{
	notify(test, 1);
	iosm_fake_forget_bells(fake_of(test));
	KUNIT_EXPECT_EQ(test, iosm_pm_host_prepare(pm_of(test)), 0);
	/* Nothing was to be told, so no head doorbell follows. */
	IOSM_FAKE_EXPECT_BELLS(fake_of(test), { IOSM_DB_POWER, 2 },
			       { IOSM_DB_POWER, 0 });
}

static void modem_that_takes_its_time_is_awaited(struct kunit *test)
{
	struct preparation p = {};

	fake_of(test)->stubborn = true;
	notify(test, 1);
	begin_preparation(test, &p, 1);
	notify(test, 0);
	KUNIT_EXPECT_EQ(test, end_preparation(&p), 0);
	KUNIT_EXPECT_EQ(test, (int)pm_of(test)->state, (int)IOSM_PM_AWAKE);
}

/* Somebody else has asked it to wake up already. */
static void wake_request_on_its_way_is_enough(struct kunit *test)
{
	struct iosm_fake *fake = fake_of(test);
	struct preparation p = {};

	fake->stubborn = true;
	notify(test, 1);
	iosm_pm_ring_head(pm_of(test), IOSM_HEAD_UL);
	timer_delete_sync(&pm_of(test)->retry);
	begin_preparation(test, &p, 1);
	IOSM_FAKE_EXPECT_BELLS(fake, { IOSM_DB_POWER, 1 }, { IOSM_DB_POWER, 2 });
	notify(test, 0);
	KUNIT_EXPECT_EQ(test, end_preparation(&p), 0);
	/* What was to be told then is told before the host sleeps. */
	IOSM_FAKE_EXPECT_BELLS(fake, { IOSM_DB_POWER, 1 }, { IOSM_DB_POWER, 2 },
			       { IOSM_DB_POWER, 0 }, { IOSM_DB_HEAD, 1 });
}

/* It woke up by itself, and we have not looked yet. */
static void wake_request_that_crosses_is_harmless(struct kunit *test)
{
	struct iosm_fake *fake = fake_of(test);
	struct preparation p = {};

	notify(test, 1);
	iosm_fake_forget_bells(fake);
	fake->mute = true;
	notify(test, 0);
	fake->mute = false;
	begin_preparation(test, &p, 1);
	iosm_fake_rings_poll(test->priv);
	KUNIT_EXPECT_EQ(test, end_preparation(&p), 0);
	IOSM_FAKE_EXPECT_BELLS(fake, { IOSM_DB_POWER, 2 }, { IOSM_DB_POWER, 0 });
}

static void modem_that_does_not_wake_up_is_given_500_ms(struct kunit *test)
{
	struct iosm_pm *pm = pm_of(test);
	unsigned long start;

	fake_of(test)->stubborn = true;
	notify(test, 1);
	start = jiffies;
	KUNIT_EXPECT_EQ(test, iosm_pm_host_prepare(pm), -ETIMEDOUT);
	KUNIT_EXPECT_GE(test, jiffies_to_msecs(jiffies - start), 500);
	KUNIT_EXPECT_LT(test, jiffies_to_msecs(jiffies - start), IOSM_FAKE_SOON);

	/* The caller goes on, or not; then all is as before. */
	notify(test, 0);
	iosm_pm_host_active(pm);
	iosm_fake_forget_bells(fake_of(test));
	iosm_pm_ring_head(pm, IOSM_HEAD_UL);
	IOSM_FAKE_EXPECT_BELLS(fake_of(test), { IOSM_DB_HEAD, 6 });
}

/* Also if it was hard to wake the last time */
static void preparation_has_all_its_tries(struct kunit *test)
{
	struct iosm_fake_rings *rings = test->priv;
	struct preparation p = {};
	unsigned int i;

	rings->fake->stubborn = true;
	notify(test, 1);
	iosm_pm_ring_head(&rings->pm, IOSM_HEAD_UL);
	for (i = 0; i < 9; i++)
		expire_retry(&rings->pm);
	notify(test, 0);
	notify(test, 1);
	begin_preparation(test, &p, 11);
	expire_retry(&rings->pm);
	KUNIT_EXPECT_EQ(test, rings->unresponsive, 0);
	notify(test, 0);
	KUNIT_EXPECT_EQ(test, end_preparation(&p), 0);
}

static void session_that_ends_is_not_waited_for(struct kunit *test)
{
	struct preparation p = {};

	fake_of(test)->stubborn = true;
	notify(test, 1);
	begin_preparation(test, &p, 1);
	iosm_pm_halt(pm_of(test));
	KUNIT_EXPECT_EQ(test, end_preparation(&p), -ENODEV);
	KUNIT_EXPECT_EQ(test, iosm_pm_host_prepare(pm_of(test)), -ENODEV);
}

struct watcher {
	wait_queue_entry_t entry;
	unsigned int woken;
};

static int count_wake_up(struct wait_queue_entry *entry, unsigned int mode,
			 int wake_flags, void *key)
{
	container_of(entry, struct watcher, entry)->woken++;
	return 0;
}

/* Who waits need not wait until its time is over to see what happened. */
static void who_waits_is_woken(struct kunit *test)
{
	struct iosm_pm *pm = pm_of(test);
	struct watcher watcher = {};

	init_waitqueue_func_entry(&watcher.entry, count_wake_up);
	add_wait_queue(&pm->woken, &watcher.entry);
	notify(test, 1);
	KUNIT_EXPECT_EQ(test, watcher.woken, 0);
	notify(test, 0);
	KUNIT_EXPECT_EQ(test, watcher.woken, 1);
	iosm_pm_halt(pm);
	KUNIT_EXPECT_EQ(test, watcher.woken, 2);
	remove_wait_queue(&pm->woken, &watcher.entry);
}

/* ---- While it sleeps, and after ---- */

static void held_doorbells_become_one(struct kunit *test)
{
	struct iosm_fake *fake = fake_of(test);
	struct iosm_pm *pm = pm_of(test);

	KUNIT_ASSERT_EQ(test, iosm_pm_host_prepare(pm), 0);
	iosm_pm_ring_head(pm, IOSM_HEAD_UL);
	iosm_pm_host_sleep(pm);
	iosm_pm_ring_head(pm, IOSM_HEAD_MUX_UL);
	iosm_pm_ring_head(pm, IOSM_HEAD_CONTROL);
	iosm_pm_host_wake(pm);
	iosm_pm_ring_head(pm, IOSM_HEAD_DL);
	IOSM_FAKE_EXPECT_NO_BELL(fake);

	iosm_pm_host_active(pm);
	IOSM_FAKE_EXPECT_BELLS(fake, { IOSM_DB_HEAD, 1 });
	iosm_pm_host_active(pm);
	iosm_pm_ring_head(pm, IOSM_HEAD_UL);
	IOSM_FAKE_EXPECT_BELLS(fake, { IOSM_DB_HEAD, 1 }, { IOSM_DB_HEAD, 6 });
	KUNIT_EXPECT_EQ(test, pm->stats.host_sleeps, 1);
}

static void change_of_mind_while_the_host_slept_is_answered(struct kunit *test)
{
	struct iosm_fake *fake = fake_of(test);
	struct iosm_pm *pm = pm_of(test);

	KUNIT_ASSERT_EQ(test, iosm_pm_host_prepare(pm), 0);
	iosm_pm_host_sleep(pm);
	notify(test, 1);
	IOSM_FAKE_EXPECT_NO_BELL(fake);
	iosm_pm_host_wake(pm);
	iosm_pm_host_active(pm);
	iosm_fake_rings_poll(test->priv);
	IOSM_FAKE_EXPECT_BELLS(fake, { IOSM_DB_POWER, 1 });
	KUNIT_EXPECT_TRUE(test, fake->asleep);
}

static void forced_sleep_and_back(struct kunit *test)
{
	struct iosm_fake *fake = fake_of(test);
	struct iosm_pm *pm = pm_of(test);

	iosm_pm_force_sleep(pm);
	KUNIT_EXPECT_FALSE(test, iosm_pm_awake(pm));
	iosm_pm_ring_head(pm, IOSM_HEAD_UL);
	iosm_pm_ring_head(pm, IOSM_HEAD_CONTROL);
	IOSM_FAKE_EXPECT_BELLS(fake, { IOSM_DB_POWER, 7 });
	iosm_pm_force_active(pm);
	KUNIT_EXPECT_FALSE(test, iosm_pm_awake(pm));
	iosm_fake_rings_poll(test->priv);
	iosm_pm_host_active(pm);
	KUNIT_EXPECT_TRUE(test, iosm_pm_awake(pm));
	IOSM_FAKE_EXPECT_BELLS(fake, { IOSM_DB_POWER, 7 }, { IOSM_DB_POWER, 8 },
			       { IOSM_DB_HEAD, 1 });
	iosm_fake_forget_bells(fake);

	/* It may fall asleep as ever. */
	notify(test, 1);
	notify(test, 0);
	IOSM_FAKE_EXPECT_BELLS(fake, { IOSM_DB_POWER, 1 }, { IOSM_DB_POWER, 0 });
}

/* The modem was asked to wake up, and has not answered, when the host sleeps. */
static void news_from_before_a_forced_sleep_is_told_after_it(struct kunit *test)
{
	struct iosm_fake *fake = fake_of(test);
	struct iosm_pm *pm = pm_of(test);

	fake->stubborn = true;
	notify(test, 1);
	iosm_pm_ring_head(pm, IOSM_HEAD_UL);
	iosm_pm_force_sleep(pm);
	expire_retry(pm);
	IOSM_FAKE_EXPECT_BELLS(fake, { IOSM_DB_POWER, 1 }, { IOSM_DB_POWER, 2 },
			       { IOSM_DB_POWER, 7 });
	iosm_fake_forget_bells(fake);
	iosm_pm_force_active(pm);
	iosm_pm_host_active(pm);
	IOSM_FAKE_EXPECT_BELLS(fake, { IOSM_DB_POWER, 8 }, { IOSM_DB_HEAD, 1 });
}

/* It fell asleep after it was prepared, and completed SLEEP(0,0) all the same. */
static void wake_request_is_not_repeated_while_the_host_sleeps(struct kunit *test)
{
	struct iosm_fake *fake = fake_of(test);
	struct iosm_pm *pm = pm_of(test);

	KUNIT_ASSERT_EQ(test, iosm_pm_host_prepare(pm), 0);
	fake->stubborn = true;
	notify(test, 1);
	iosm_pm_ring_head(pm, IOSM_HEAD_CONTROL);
	IOSM_FAKE_EXPECT_BELLS(fake, { IOSM_DB_POWER, 1 }, { IOSM_DB_POWER, 2 });
	iosm_pm_host_sleep(pm);
	expire_retry(pm);
	IOSM_FAKE_EXPECT_BELLS(fake, { IOSM_DB_POWER, 1 }, { IOSM_DB_POWER, 2 });
	KUNIT_EXPECT_EQ(test, (int)pm->state, (int)IOSM_PM_ASLEEP);
	iosm_fake_forget_bells(fake);

	/* It is asked anew, with all tries, and what was held back is told last. */
	iosm_pm_host_wake(pm);
	iosm_pm_ring_head(pm, IOSM_HEAD_CONTROL);
	KUNIT_EXPECT_EQ(test, pm->tries, 1);
	notify(test, 0);
	IOSM_FAKE_EXPECT_BELLS(fake, { IOSM_DB_POWER, 2 }, { IOSM_DB_POWER, 0 },
			       { IOSM_DB_HEAD, 1 });
	iosm_fake_forget_bells(fake);
	iosm_pm_host_active(pm);
	IOSM_FAKE_EXPECT_BELLS(fake, { IOSM_DB_HEAD, 1 });
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

/* The host's sleep on top; it moves as the core has it move, and in the table. */
static void move_host(struct iosm_pm *pm, struct iosm_fake *fake, bool force)
{
	switch (pm->host) {
	case IOSM_PM_HOST_ACTIVE:
		if (force)
			iosm_pm_force_sleep(pm);
		else if (pm->state == IOSM_PM_AWAKE)
			iosm_pm_host_prepare(pm);
		break;
	case IOSM_PM_HOST_MOVING:
		if (force)
			iosm_pm_host_active(pm);
		else if (pm->state == IOSM_PM_AWAKE)
			iosm_pm_host_sleep(pm);
		break;
	case IOSM_PM_HOST_SLEEPING:
		if (fake->forced) {
			iosm_pm_force_active(pm);
			iosm_pm_host_active(pm);
		} else {
			iosm_pm_host_wake(pm);
		}
		break;
	}
}

static void no_news_is_lost_while_the_host_sleeps(struct kunit *test)
{
	struct iosm_fake_rings *rings = test->priv;
	struct iosm_fake *fake = rings->fake;
	struct iosm_pm *pm = &rings->pm;
	unsigned int step, heads = 0;
	struct rnd_state rnd;
	bool owed = false;

	prandom_seed_state(&rnd, 7360);
	fake->stubborn = true;
	for (step = 0; step < 5000; step++) {
		iosm_fake_forget_bells(fake);
		switch (prandom_u32_state(&rnd) % 4) {
		case 0:
			if (!fake->forced)
				notify(test, prandom_u32_state(&rnd) % 2);
			break;
		case 1:
			iosm_fake_rings_poll(rings);
			break;
		case 2:
			iosm_pm_ring_head(pm, IOSM_HEAD_MUX_UL);
			owed = true;
			break;
		case 3:
			move_host(pm, fake, prandom_u32_state(&rnd) % 2);
			break;
		}
		if (iosm_fake_count_bells(fake, IOSM_DB_HEAD, 1) +
		    iosm_fake_count_bells(fake, IOSM_DB_HEAD, 4)) {
			KUNIT_ASSERT_NE(test, (int)pm->host,
					(int)IOSM_PM_HOST_SLEEPING);
			heads++;
			owed = pm->held;
		}
		if (pm->state == IOSM_PM_AWAKE && pm->host == IOSM_PM_HOST_ACTIVE)
			KUNIT_ASSERT_FALSE(test, owed);
		if (owed)
			KUNIT_ASSERT_TRUE(test, pm->held || pm->postponed);
		timer_delete_sync(&pm->retry);
	}
	KUNIT_EXPECT_GT(test, heads, 300);
	KUNIT_EXPECT_GT(test, pm->stats.host_sleeps, 100);
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
	KUNIT_CASE_PARAM(every_event_does_what_the_table_says,
			 power_event_gen_params),
	KUNIT_CASE(awake_modem_is_not_woken_for_host_sleep),
	KUNIT_CASE(sleeping_modem_is_woken_for_host_sleep),
	KUNIT_CASE(modem_that_takes_its_time_is_awaited),
	KUNIT_CASE(wake_request_on_its_way_is_enough),
	KUNIT_CASE(wake_request_that_crosses_is_harmless),
	KUNIT_CASE(modem_that_does_not_wake_up_is_given_500_ms),
	KUNIT_CASE(preparation_has_all_its_tries),
	KUNIT_CASE(session_that_ends_is_not_waited_for),
	KUNIT_CASE(who_waits_is_woken),
	KUNIT_CASE(held_doorbells_become_one),
	KUNIT_CASE(change_of_mind_while_the_host_slept_is_answered),
	KUNIT_CASE(wake_request_is_not_repeated_while_the_host_sleeps),
	KUNIT_CASE(forced_sleep_and_back),
	KUNIT_CASE(news_from_before_a_forced_sleep_is_told_after_it),
	KUNIT_CASE_PARAM(halted_handshake_rings_nothing, halt_gen_params),
	KUNIT_CASE_PARAM(new_session_starts_awake_and_owes_nothing,
			 halt_gen_params),
	KUNIT_CASE(nothing_rings_after_exit),
	KUNIT_CASE(no_news_is_lost_in_any_order),
	KUNIT_CASE(no_news_is_lost_while_the_host_sleeps),
	{}
};

static struct kunit_suite iosm_pm_suite = {
	.name = "iosm_pm",
	.init = iosm_pm_init_test,
	.test_cases = iosm_pm_cases,
};

kunit_test_suite(iosm_pm_suite);
