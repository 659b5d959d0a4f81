// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of the stages before RUN: the boot ROM is given a loader, a session with a loader
 * begins and ends (protocol.rst 7.2, 7.3, 10.6.6 F22).
 */

#include <linux/kthread.h>
#include <linux/sched/signal.h>

#include "../iosm_ipc_boot.h"
#include "../iosm_ipc_imem_parts.h"
#include "iosm_kunit_bus.h"

#define STAGE_BOOT	0xfeedb007
#define STAGE_PSI	0xfeedbeef
#define STAGE_EBL	0xfeedcafe
#define STAGE_RUN	0x600df00d
#define STAGE_CD_READY	0xbadc0ded
#define REG_ROM_RESULT	0x40

#define IMAGE_BYTES	10000

/**
 * struct boot_test - a modem that does not run its firmware
 * @fake: the modem
 * @modem: its core
 * @image: given to the boot ROM
 * @answer: the ROM's result
 * @loaded: how often it fetched the image
 * @damaged: it was not @image
 * @starts: of the clients, by their flag
 * @stops: likewise
 * @failures: reported
 * @observer: counts them
 * @hit: done in the middle of loading
 */
struct boot_test {
	struct iosm_fake *fake;
	struct iosm_modem *modem;
	u8 *image;
	u32 answer;
	unsigned int loaded;
	bool damaged;
	unsigned int starts[2];
	unsigned int stops[2];
	unsigned int failures;
	struct iosm_observer observer;
	void (*hit)(struct boot_test *t);
};

static struct boot_test *boot_of(struct iosm_modem *modem)
{
	return container_of(modem->observer, struct boot_test, observer);
}

static void *start_loader_client(struct iosm_modem *modem)
{
	boot_of(modem)->starts[true]++;
	return boot_of(modem);
}

static void stop_loader_client(void *instance)
{
	struct boot_test *t = instance;

	t->stops[true]++;
}

static void *start_client(struct iosm_modem *modem)
{
	boot_of(modem)->starts[false]++;
	return boot_of(modem);
}

static void stop_client(void *instance)
{
	struct boot_test *t = instance;

	t->stops[false]++;
}

static const struct iosm_client firmware_client = {
	.name = "firmware client",
	.start = start_client,
	.stop = stop_client,
};

static const struct iosm_client loader_client = {
	.name = "loader client",
	.loader = true,
	.start = start_loader_client,
	.stop = stop_loader_client,
};

static const struct iosm_client *const boot_clients[] = {
	&firmware_client,
	&loader_client,
	NULL,
};

static void count_failure(struct iosm_observer *observer, const char *why)
{
	container_of(observer, struct boot_test, observer)->failures++;
}

static void ignore_move(struct iosm_observer *observer, enum iosm_state to)
{
}

static u32 fetch_image(struct iosm_fake *fake, const u8 *image, u32 len)
{
	struct boot_test *t = fake->priv;

	t->loaded++;
	if (!image || len != IMAGE_BYTES || memcmp(image, t->image, len))
		t->damaged = true;
	if (t->hit)
		t->hit(t);
	return t->answer;
}

static int boot_test_init(struct kunit *test)
{
	struct boot_test *t;
	unsigned int i;

	t = kunit_kzalloc(test, sizeof(*t), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, t);
	test->priv = t;
	t->image = kunit_kmalloc(test, IMAGE_BYTES, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, t->image);
	for (i = 0; i < IMAGE_BYTES; i++)
		t->image[i] = i * 7 + (i >> 8);
	t->answer = 0x01;
	t->fake = iosm_fake_create(test, IOSM_PCI_DEVICE_7560);
	t->fake->priv = t;
	t->fake->load = fetch_image;
	t->modem = iosm_fake_modem(t->fake, boot_clients);
	t->observer.failure = count_failure;
	t->observer.moved = ignore_move;
	iosm_modem_observe(t->modem, &t->observer);
	return 0;
}

static void start_in(struct boot_test *t, u32 stage, enum iosm_state state)
{
	iosm_fake_set_stage(t->fake, stage);
	iosm_modem_start(t->modem);
	iosm_fake_await(t->fake, state);
}

static int load_again(struct boot_test *t)
{
	u32 result;

	t->answer = 0x01;
	return iosm_modem_load_psi(t->modem, t->image, IMAGE_BYTES, &result);
}

static int load(struct boot_test *t, u32 *result)
{
	return iosm_modem_load_psi(t->modem, t->image, IMAGE_BYTES, result);
}

static void expect_idle(struct kunit *test, enum iosm_state state)
{
	struct boot_test *t = test->priv;

	KUNIT_EXPECT_EQ(test, iosm_modem_state(t->modem), state);
	KUNIT_EXPECT_FALSE(test, t->fake->dma);
	KUNIT_EXPECT_EQ(test, t->starts[true], t->stops[true]);
	KUNIT_EXPECT_EQ(test, atomic_read(&t->modem->talks), 0);
}

/* ---- The boot ROM ---- */

static void loader_runs(struct kunit *test)
{
	struct boot_test *t = test->priv;
	u32 result = 77;

	start_in(t, STAGE_BOOT, IOSM_ROM);
	KUNIT_EXPECT_FALSE(test, t->fake->dma);
	KUNIT_ASSERT_EQ(test, load(t, &result), 0);
	KUNIT_EXPECT_EQ(test, t->loaded, 1);
	KUNIT_EXPECT_FALSE(test, t->damaged);
	KUNIT_EXPECT_TRUE(test, iosm_modem_online(t->modem));
	IOSM_FAKE_EXPECT_STATES(t->fake, IOSM_ROM, IOSM_LOADER, IOSM_LOADER_ONLINE);
	/* No request: a loader does not know those that firmware is told first. */
	IOSM_FAKE_EXPECT_BELLS(t->fake, { IOSM_DB_HEAD, 0xfeedb007 }, { IOSM_DB_STATE, 1 },
			       { IOSM_DB_STATE, 2 });
	KUNIT_EXPECT_EQ(test, t->starts[true], 1);
	KUNIT_EXPECT_EQ(test, t->starts[false], 0);
	KUNIT_EXPECT_EQ(test, t->failures, 0);
	/* Between the image and the session the modem could access nothing. */
	KUNIT_EXPECT_GE(test, t->fake->dma_cuts, 1);
}

/**
 * struct rom_case - what the ROM says of an image
 * @desc: name of the case
 * @answer: its result
 * @stuck: it does not start the image
 * @ret: of iosm_modem_load_psi()
 */
struct rom_case {
	const char *desc;
	u32 answer;
	bool stuck;
	int ret;
};

static const struct rom_case rom_cases[] = {
	{ "accepted", 0x01, false, 0 },
	{ "accepted otherwise", 0x10, false, 0 },
	{ "refused", 0x02, false, -EACCES },
	/* An interrupt alone may have any cause. */
	{ "nothing", 0x00, false, -ETIMEDOUT },
	{ "almost", 0x11, false, -EACCES },
	{ "rubbish", 0xfffffffe, false, -EACCES },
	{ "silent", IOSM_FAKE_SILENT, false, -ETIMEDOUT },
	{ "accepted and not started", 0x01, true, -ETIMEDOUT },
};

KUNIT_ARRAY_PARAM_DESC(rom, rom_cases, desc);

static void rom_decides(struct kunit *test)
{
	const struct rom_case *c = test->param_value;
	struct boot_test *t = test->priv;
	u32 result;

	t->answer = c->answer;
	t->fake->stuck = c->stuck;
	start_in(t, STAGE_BOOT, IOSM_ROM);
	KUNIT_EXPECT_EQ(test, load(t, &result), c->ret);
	if (c->ret == -EACCES)
		KUNIT_EXPECT_EQ(test, result, c->answer);
	if (c->ret)
		expect_idle(test, IOSM_ROM);
	else
		KUNIT_EXPECT_EQ(test, iosm_modem_state(t->modem), IOSM_LOADER_ONLINE);
	KUNIT_EXPECT_EQ(test, t->failures, c->ret == -ETIMEDOUT);
}

/* The result of an earlier image is still there, but it is not the answer. */
static void second_image_is_judged_by_itself(struct kunit *test)
{
	struct boot_test *t = test->priv;
	u32 result;

	start_in(t, STAGE_BOOT, IOSM_ROM);
	t->answer = 0x02;
	KUNIT_EXPECT_EQ(test, load(t, &result), -EACCES);
	KUNIT_EXPECT_EQ(test, load(t, &result), -EACCES);
	KUNIT_EXPECT_EQ(test, result, 0x02);
	t->answer = IOSM_FAKE_SILENT;
	KUNIT_EXPECT_EQ(test, load(t, &result), -ETIMEDOUT);
	t->answer = 0x01;
	KUNIT_EXPECT_EQ(test, load(t, &result), 0);
	KUNIT_EXPECT_EQ(test, t->loaded, 4);
}

/* The interrupt may be lost: the register is looked at all the same. */
static void lost_interrupt_of_the_rom(struct kunit *test)
{
	struct boot_test *t = test->priv;
	u32 result;

	start_in(t, STAGE_BOOT, IOSM_ROM);
	t->fake->mute = true;
	t->answer = 0x02;
	KUNIT_EXPECT_EQ(test, load(t, &result), -EACCES);
	t->fake->mute = false;
	t->answer = 0x10;
	KUNIT_EXPECT_EQ(test, load(t, &result), 0);
}

/**
 * struct stage_case - a modem that is not in its boot ROM
 * @desc: name of the case
 * @stage: where it is
 * @state: what the core makes of it
 */
struct stage_case {
	const char *desc;
	u32 stage;
	enum iosm_state state;
};

static const struct stage_case other_stages[] = {
	{ "first loader", STAGE_PSI, IOSM_LOADER },
	{ "second loader", STAGE_EBL, IOSM_LOADER },
	{ "firmware", STAGE_RUN, IOSM_ONLINE },
	{ "dump ready", STAGE_CD_READY, IOSM_DUMP_READY },
};

KUNIT_ARRAY_PARAM_DESC(other_stage, other_stages, desc);

static void only_the_rom_takes_an_image(struct kunit *test)
{
	const struct stage_case *c = test->param_value;
	struct boot_test *t = test->priv;
	u32 result;

	start_in(t, c->stage, c->state);
	iosm_fake_forget_bells(t->fake);
	KUNIT_EXPECT_EQ(test, load(t, &result), -EBUSY);
	KUNIT_EXPECT_EQ(test, t->loaded, 0);
	IOSM_FAKE_EXPECT_NO_BELL(t->fake);
}

/* The state work looks five times a second; the modem may have booted since. */
static void rom_that_has_gone_on(struct kunit *test)
{
	struct boot_test *t = test->priv;
	u32 result;

	start_in(t, STAGE_BOOT, IOSM_ROM);
	disable_delayed_work_sync(&t->modem->work);
	iosm_fake_set_stage(t->fake, STAGE_RUN);
	KUNIT_EXPECT_EQ(test, load(t, &result), -EBUSY);
	KUNIT_EXPECT_EQ(test, t->loaded, 0);
	enable_delayed_work(&t->modem->work);
	iosm_modem_kick(t->modem, 0);
	iosm_fake_await(t->fake, IOSM_ONLINE);
}

/* The state work has not looked yet, or the last session has just ended. */
static void who_is_early_waits(struct kunit *test)
{
	struct boot_test *t = test->priv;
	u32 result;

	iosm_fake_set_stage(t->fake, STAGE_BOOT);
	iosm_modem_start(t->modem);
	KUNIT_EXPECT_EQ(test, load(t, &result), 0);
	iosm_fake_reboot(t->fake, STAGE_BOOT);
	iosm_modem_spoil(t->modem, "a test");
	KUNIT_EXPECT_EQ(test, load(t, &result), 0);
	iosm_modem_spoil(t->modem, "a test");
	KUNIT_EXPECT_EQ(test, iosm_modem_want_loader(t->modem), 0);
}

static void absent_modem(struct kunit *test)
{
	struct boot_test *t = test->priv;
	u32 result;

	t->fake->absent = true;
	iosm_modem_start(t->modem);
	iosm_fake_await(t->fake, IOSM_LOST);
	KUNIT_EXPECT_EQ(test, load(t, &result), -ENODEV);
	KUNIT_EXPECT_EQ(test, iosm_modem_want_loader(t->modem), -ENODEV);
	iosm_modem_stop(t->modem);
	KUNIT_EXPECT_EQ(test, load(t, &result), -ENODEV);
	KUNIT_EXPECT_EQ(test, iosm_modem_want_loader(t->modem), -ENODEV);
}

static void impossible_lengths(struct kunit *test)
{
	struct boot_test *t = test->priv;
	u32 result;

	start_in(t, STAGE_BOOT, IOSM_ROM);
	KUNIT_EXPECT_EQ(test, iosm_modem_load_psi(t->modem, t->image, 0, &result), -EINVAL);
	KUNIT_EXPECT_EQ(test, iosm_modem_load_psi(t->modem, t->image, SZ_16M + 1, &result),
			-EFBIG);
	KUNIT_EXPECT_EQ(test, t->loaded, 0);
	expect_idle(test, IOSM_ROM);
}

/* ---- In the middle of it ---- */

static void vanish(struct boot_test *t)
{
	t->fake->absent = true;
}

static void crash(struct boot_test *t)
{
	iosm_fake_set_stage(t->fake, STAGE_CD_READY);
}

static void modem_vanishes_while_it_loads(struct kunit *test)
{
	struct boot_test *t = test->priv;
	u32 result;

	start_in(t, STAGE_BOOT, IOSM_ROM);
	t->answer = IOSM_FAKE_SILENT;
	t->hit = vanish;
	KUNIT_EXPECT_EQ(test, load(t, &result), -ENODEV);
	iosm_fake_await(t->fake, IOSM_LOST);
	expect_idle(test, IOSM_LOST);
}

static void modem_crashes_while_it_loads(struct kunit *test)
{
	struct boot_test *t = test->priv;
	u32 result;

	start_in(t, STAGE_BOOT, IOSM_ROM);
	t->fake->stuck = true;
	t->hit = crash;
	KUNIT_EXPECT_EQ(test, load(t, &result), -EIO);
	iosm_fake_await(t->fake, IOSM_DUMP_READY);
	expect_idle(test, IOSM_DUMP_READY);
	KUNIT_EXPECT_EQ(test, t->failures, 1);
}

/**
 * struct loading - somebody who loads, or waits for a loader
 * @t: the test
 * @task: who
 * @wants: he only waits for the loader
 * @result: what came of it
 * @over: it did
 */
struct loading {
	struct boot_test *t;
	struct task_struct *task;
	bool wants;
	int result;
	bool over;
};

static int do_load(void *data)
{
	struct loading *l = data;
	u32 result;

	allow_signal(SIGTERM);
	l->result = l->wants ? iosm_modem_want_loader(l->t->modem) : load(l->t, &result);
	WRITE_ONCE(l->over, true);
	while (!kthread_should_stop())
		schedule_timeout_uninterruptible(1);
	return 0;
}

static void begin_load(struct kunit *test, struct loading *l, bool wants)
{
	l->t = test->priv;
	l->wants = wants;
	l->over = false;
	l->task = kthread_run(do_load, l, "iosm load");
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, l->task);
}

static int end_load(struct kunit *test, struct loading *l)
{
	unsigned long end = jiffies + 10 * HZ;

	while (!READ_ONCE(l->over) && time_before(jiffies, end))
		schedule_timeout_uninterruptible(1);
	KUNIT_EXPECT_TRUE(test, READ_ONCE(l->over));
	if (!READ_ONCE(l->over))
		send_sig(SIGTERM, l->task, 1);
	kthread_stop(l->task);
	return l->result;
}

static void await_fetch(struct kunit *test)
{
	struct boot_test *t = test->priv;
	unsigned long end = jiffies + 10 * HZ;

	while (!READ_ONCE(t->loaded) && time_before(jiffies, end))
		schedule_timeout_uninterruptible(1);
	KUNIT_ASSERT_EQ(test, t->loaded, 1);
}

/* Until he waits for the loader, which was asked for INIT and does not do it. */
static void await_want(struct kunit *test)
{
	struct boot_test *t = test->priv;
	unsigned long end = jiffies + 10 * HZ;

	while (!(iosm_modem_talks(t->modem) &&
		 iosm_fake_count_bells(t->fake, IOSM_DB_STATE, 1)) &&
	       time_before(jiffies, end))
		schedule_timeout_uninterruptible(1);
	KUNIT_ASSERT_TRUE(test, iosm_modem_talks(t->modem));
	KUNIT_ASSERT_EQ(test, iosm_fake_count_bells(t->fake, IOSM_DB_STATE, 1), 1);
}

static void begin_silent_load(struct kunit *test, struct loading *l)
{
	struct boot_test *t = test->priv;

	t->answer = IOSM_FAKE_SILENT;
	start_in(t, STAGE_BOOT, IOSM_ROM);
	begin_load(test, l, false);
	await_fetch(test);
}

static void signal_ends_the_loading(struct kunit *test)
{
	struct boot_test *t = test->priv;
	struct loading l;

	begin_silent_load(test, &l);
	send_sig(SIGTERM, l.task, 1);
	KUNIT_EXPECT_EQ(test, end_load(test, &l), -EINTR);
	expect_idle(test, IOSM_ROM);
	KUNIT_EXPECT_EQ(test, load_again(t), 0);
}

static void surplus_interrupt(struct boot_test *t)
{
	iosm_modem_interrupt(t->modem);
}

/* Q74: the result is still that of an image before, and the interrupt was about nothing. */
static void old_result_and_an_interrupt_are_no_verdict(struct kunit *test)
{
	struct boot_test *t = test->priv;
	struct loading l;
	u32 result;

	start_in(t, STAGE_BOOT, IOSM_ROM);
	t->answer = 0x02;
	KUNIT_EXPECT_EQ(test, load(t, &result), -EACCES);
	t->answer = IOSM_FAKE_SILENT;
	t->hit = surplus_interrupt;
	begin_load(test, &l, false);
	schedule_timeout_uninterruptible(HZ / 10);
	iosm_fake_reboot(t->fake, STAGE_PSI);
	KUNIT_EXPECT_EQ(test, end_load(test, &l), 0);
}

static void reset_ends_the_loading(struct kunit *test)
{
	struct boot_test *t = test->priv;
	struct loading l;

	begin_silent_load(test, &l);
	iosm_fake_reset(t->fake);
	KUNIT_EXPECT_EQ(test, end_load(test, &l), -EIO);
	iosm_fake_await(t->fake, IOSM_ONLINE);
}

static void unbind_ends_the_loading(struct kunit *test)
{
	struct boot_test *t = test->priv;
	struct loading l;

	begin_silent_load(test, &l);
	iosm_modem_stop(t->modem);
	/* Nobody touches the modem any more. */
	iosm_fake_enter_d3(t->fake);
	KUNIT_EXPECT_EQ(test, end_load(test, &l), -ENODEV);
	expect_idle(test, IOSM_GONE);
	t->fake->d3 = false;
	t->fake->unread = false;
}

static void system_sleep_has_to_wait(struct kunit *test)
{
	struct boot_test *t = test->priv;
	struct loading l;

	t->fake->ignored_states = BIT(1);
	start_in(t, STAGE_PSI, IOSM_LOADER);
	iosm_modem_talk(t->modem, true);
	KUNIT_EXPECT_EQ(test, iosm_modem_suspend(t->modem), -EBUSY);
	iosm_modem_release(t->modem);
	iosm_modem_talk(t->modem, false);

	/* So does whoever waits for a loader, as long as he does. */
	begin_load(test, &l, true);
	await_want(test);
	KUNIT_EXPECT_EQ(test, iosm_modem_suspend(t->modem), -EBUSY);
	iosm_modem_release(t->modem);
	t->fake->ignored_states = 0;
	send_sig(SIGTERM, l.task, 1);
	KUNIT_EXPECT_EQ(test, end_load(test, &l), -EINTR);
	KUNIT_EXPECT_EQ(test, iosm_modem_suspend(t->modem), 0);
	iosm_modem_resume(t->modem);
	iosm_modem_release(t->modem);
	iosm_fake_await(t->fake, IOSM_LOADER);
}

/* ---- Loaders ---- */

static const struct stage_case loader_stages[] = {
	{ "first loader", STAGE_PSI, IOSM_LOADER },
	{ "second loader", STAGE_EBL, IOSM_LOADER },
};

KUNIT_ARRAY_PARAM_DESC(loader_stage, loader_stages, desc);

static void loader_is_talked_to_if_somebody_asks(struct kunit *test)
{
	const struct stage_case *c = test->param_value;
	struct boot_test *t = test->priv;

	start_in(t, c->stage, IOSM_LOADER);
	schedule_timeout_uninterruptible(HZ / 2);
	IOSM_FAKE_EXPECT_NO_BELL(t->fake);
	KUNIT_ASSERT_EQ(test, iosm_modem_want_loader(t->modem), 0);
	IOSM_FAKE_EXPECT_BELLS(t->fake, { IOSM_DB_STATE, 1 }, { IOSM_DB_STATE, 2 });
	IOSM_FAKE_EXPECT_STATES(t->fake, IOSM_LOADER, IOSM_LOADER_ONLINE);
	/* Who asks again gets the same one. */
	KUNIT_EXPECT_EQ(test, iosm_modem_want_loader(t->modem), 0);
	KUNIT_EXPECT_EQ(test, t->starts[true], 1);
	KUNIT_EXPECT_EQ(test, t->stops[true], 0);
}

/* A session of an earlier driver is ended first. */
static void loader_with_an_old_session(struct kunit *test)
{
	struct boot_test *t = test->priv;

	iosm_fake_set_reg(t->fake, 0x60, 2);
	start_in(t, STAGE_PSI, IOSM_LOADER);
	KUNIT_ASSERT_EQ(test, iosm_modem_want_loader(t->modem), 0);
	IOSM_FAKE_EXPECT_BELLS(t->fake, { IOSM_DB_STATE, 0 }, { IOSM_DB_STATE, 1 },
			       { IOSM_DB_STATE, 2 });
}

static const struct stage_case no_loader_stages[] = {
	{ "boot ROM", STAGE_BOOT, IOSM_ROM },
	{ "firmware", STAGE_RUN, IOSM_ONLINE },
	{ "dump ready", STAGE_CD_READY, IOSM_DUMP_READY },
};

KUNIT_ARRAY_PARAM_DESC(no_loader_stage, no_loader_stages, desc);

static void there_is_no_loader(struct kunit *test)
{
	const struct stage_case *c = test->param_value;
	struct boot_test *t = test->priv;

	start_in(t, c->stage, c->state);
	KUNIT_EXPECT_EQ(test, iosm_modem_want_loader(t->modem), -EBUSY);
	KUNIT_EXPECT_EQ(test, t->starts[true], 0);
}

/* EBL follows PSI in the same session. */
static void second_loader_goes_on(struct kunit *test)
{
	struct boot_test *t = test->priv;

	start_in(t, STAGE_PSI, IOSM_LOADER);
	KUNIT_ASSERT_EQ(test, iosm_modem_want_loader(t->modem), 0);
	iosm_fake_set_stage(t->fake, STAGE_EBL);
	schedule_timeout_uninterruptible(HZ / 2);
	KUNIT_EXPECT_EQ(test, iosm_modem_state(t->modem), IOSM_LOADER_ONLINE);
	iosm_fake_write_status(t->fake, STAGE_EBL, 2, 0);
	iosm_fake_interrupt(t->fake);
	schedule_timeout_uninterruptible(HZ / 2);
	KUNIT_EXPECT_EQ(test, iosm_modem_state(t->modem), IOSM_LOADER_ONLINE);
	KUNIT_EXPECT_EQ(test, t->failures, 0);
}

static void loader_starts_the_firmware(struct kunit *test)
{
	struct boot_test *t = test->priv;

	start_in(t, STAGE_EBL, IOSM_LOADER);
	KUNIT_ASSERT_EQ(test, iosm_modem_want_loader(t->modem), 0);
	iosm_fake_reboot(t->fake, STAGE_RUN);
	iosm_fake_await(t->fake, IOSM_ONLINE);
	IOSM_FAKE_EXPECT_STATES(t->fake, IOSM_LOADER, IOSM_LOADER_ONLINE, IOSM_RECOVERING,
				IOSM_STARTING, IOSM_ONLINE);
	KUNIT_EXPECT_EQ(test, t->stops[true], 1);
	KUNIT_EXPECT_EQ(test, t->starts[false], 1);
	KUNIT_EXPECT_EQ(test, t->failures, 0);
	KUNIT_EXPECT_FALSE(test, t->modem->loader);
}

static void loader_crashes(struct kunit *test)
{
	struct boot_test *t = test->priv;

	start_in(t, STAGE_PSI, IOSM_LOADER);
	KUNIT_ASSERT_EQ(test, iosm_modem_want_loader(t->modem), 0);
	iosm_fake_crash(t->fake);
	iosm_fake_await(t->fake, IOSM_CRASHED);
	expect_idle(test, IOSM_CRASHED);
	KUNIT_EXPECT_EQ(test, t->failures, 1);
	KUNIT_EXPECT_EQ(test, iosm_modem_want_loader(t->modem), -EBUSY);
}

/**
 * struct return_case - a loader that restarts the modem
 * @desc: name of the case
 * @talks: somebody talks to it
 * @failures: that is so many
 */
struct return_case {
	const char *desc;
	bool talks;
	unsigned int failures;
};

static const struct return_case return_cases[] = {
	{ "it is done", false, 0 },
	{ "in a conversation", true, 1 },
};

KUNIT_ARRAY_PARAM_DESC(return, return_cases, desc);

static void loader_is_back_in_the_rom(struct kunit *test)
{
	const struct return_case *c = test->param_value;
	struct boot_test *t = test->priv;

	start_in(t, STAGE_PSI, IOSM_LOADER);
	KUNIT_ASSERT_EQ(test, iosm_modem_want_loader(t->modem), 0);
	if (c->talks)
		iosm_modem_talk(t->modem, true);
	iosm_fake_reboot(t->fake, STAGE_BOOT);
	iosm_fake_await(t->fake, IOSM_ROM);
	if (c->talks)
		iosm_modem_talk(t->modem, false);
	expect_idle(test, IOSM_ROM);
	KUNIT_EXPECT_EQ(test, t->failures, c->failures);
	KUNIT_EXPECT_EQ(test, load_again(t), 0);
}

static void loader_does_not_answer(struct kunit *test)
{
	struct boot_test *t = test->priv;
	struct loading l;

	t->fake->ignored_states = BIT(1);
	start_in(t, STAGE_PSI, IOSM_LOADER);
	begin_load(test, &l, true);
	await_want(test);
	iosm_fake_expire(t->fake);
	KUNIT_EXPECT_EQ(test, end_load(test, &l), -EIO);
	KUNIT_EXPECT_EQ(test, t->failures, 1);
	/* It is left alone from now on. */
	iosm_modem_kick(t->modem, 0);
	iosm_fake_await(t->fake, IOSM_LOADER);
	KUNIT_EXPECT_FALSE(test, t->modem->loader);
	t->fake->ignored_states = 0;
	KUNIT_EXPECT_EQ(test, iosm_modem_want_loader(t->modem), 0);
}

static void signal_ends_the_wait_for_the_loader(struct kunit *test)
{
	struct boot_test *t = test->priv;
	struct loading l;

	t->fake->ignored_states = BIT(1);
	start_in(t, STAGE_PSI, IOSM_LOADER);
	begin_load(test, &l, true);
	await_want(test);
	send_sig(SIGTERM, l.task, 1);
	KUNIT_EXPECT_EQ(test, end_load(test, &l), -EINTR);
	/* A modem that boots by itself later is not disturbed. */
	KUNIT_EXPECT_FALSE(test, t->modem->loader_wanted);
	KUNIT_EXPECT_EQ(test, atomic_read(&t->modem->talks), 0);
}

static void spoiled_conversation_begins_anew(struct kunit *test)
{
	struct boot_test *t = test->priv;
	unsigned int i;

	start_in(t, STAGE_PSI, IOSM_LOADER);
	for (i = 1; i <= 3; i++) {
		KUNIT_ASSERT_EQ(test, iosm_modem_want_loader(t->modem), 0);
		KUNIT_EXPECT_EQ(test, t->starts[true], i);
		/* It has been in all of these before. */
		t->fake->state_seen = t->fake->state_count;
		iosm_modem_spoil(t->modem, "a test");
		KUNIT_EXPECT_FALSE(test, t->fake->dma);
	}
	iosm_fake_await(t->fake, IOSM_LOADER);
	expect_idle(test, IOSM_LOADER);
	KUNIT_EXPECT_EQ(test, t->failures, 0);
}

/* Firmware's sessions are none of its business. */
static void firmware_cannot_be_spoiled(struct kunit *test)
{
	struct boot_test *t = test->priv;

	start_in(t, STAGE_RUN, IOSM_ONLINE);
	iosm_modem_spoil(t->modem, "a test");
	KUNIT_EXPECT_TRUE(test, iosm_modem_online(t->modem));
}

/* ---- What can be read ---- */

static void chip_information(struct kunit *test)
{
	struct boot_test *t = test->priv;
	u8 info[IOSM_CHIP_INFO];
	unsigned int i;

	for (i = 0; i < IOSM_CHIP_INFO / 4; i++)
		iosm_fake_set_reg(t->fake, 4 + 4 * i, 0x03020100 + 0x04040404 * i);
	iosm_fake_set_reg(t->fake, 4, 0x03023a11);
	start_in(t, STAGE_BOOT, IOSM_ROM);
	KUNIT_ASSERT_EQ(test, iosm_modem_chip_info(t->modem, info), 0);
	KUNIT_EXPECT_EQ(test, info[0], 0x11);
	KUNIT_EXPECT_EQ(test, info[1], 58);
	for (i = 2; i < IOSM_CHIP_INFO; i++)
		KUNIT_EXPECT_EQ(test, info[i], i);
	KUNIT_EXPECT_EQ(test, iosm_modem_stage(t->modem), STAGE_BOOT);

	iosm_fake_set_reg(t->fake, 4, 0x03023b11);
	KUNIT_EXPECT_EQ(test, iosm_modem_chip_info(t->modem, info), -EIO);
	iosm_modem_stop(t->modem);
	KUNIT_EXPECT_EQ(test, iosm_modem_chip_info(t->modem, info), -ENODEV);
	KUNIT_EXPECT_EQ(test, iosm_modem_stage(t->modem), 0xffffffff);
}

static struct kunit_case boot_cases[] = {
	KUNIT_CASE(loader_runs),
	KUNIT_CASE_PARAM(rom_decides, rom_gen_params),
	KUNIT_CASE(second_image_is_judged_by_itself),
	KUNIT_CASE(lost_interrupt_of_the_rom),
	KUNIT_CASE_PARAM(only_the_rom_takes_an_image, other_stage_gen_params),
	KUNIT_CASE(rom_that_has_gone_on),
	KUNIT_CASE(who_is_early_waits),
	KUNIT_CASE(absent_modem),
	KUNIT_CASE(impossible_lengths),
	KUNIT_CASE(modem_vanishes_while_it_loads),
	KUNIT_CASE(modem_crashes_while_it_loads),
	KUNIT_CASE(signal_ends_the_loading),
	KUNIT_CASE(old_result_and_an_interrupt_are_no_verdict),
	KUNIT_CASE(reset_ends_the_loading),
	KUNIT_CASE(unbind_ends_the_loading),
	KUNIT_CASE(system_sleep_has_to_wait),
	KUNIT_CASE_PARAM(loader_is_talked_to_if_somebody_asks, loader_stage_gen_params),
	KUNIT_CASE(loader_with_an_old_session),
	KUNIT_CASE_PARAM(there_is_no_loader, no_loader_stage_gen_params),
	KUNIT_CASE(second_loader_goes_on),
	KUNIT_CASE(loader_starts_the_firmware),
	KUNIT_CASE(loader_crashes),
	KUNIT_CASE_PARAM(loader_is_back_in_the_rom, return_gen_params),
	KUNIT_CASE(loader_does_not_answer),
	KUNIT_CASE(signal_ends_the_wait_for_the_loader),
	KUNIT_CASE(spoiled_conversation_begins_anew),
	KUNIT_CASE(firmware_cannot_be_spoiled),
	KUNIT_CASE(chip_information),
	{}
};

static struct kunit_suite boot_suite = {
	.name = "iosm_boot",
	.init = boot_test_init,
	.test_cases = boot_cases,
};

kunit_test_suite(boot_suite);
