// SPDX-License-Identifier: GPL-2.0-only
/* What the tests of iosm_ipc_host.c stand on, see iosm_host_fixture.h. */

#include "iosm_host_fixture.h"

#include "../iosm_ipc_imem_parts.h"

#include <linux/dma-mapping.h>

#define BYTES	16	/* of a buffer */

/* ---- The client and its channel ---- */

static int fill(struct iosm_channel *channel)
{
	struct iosm_host_test *t = channel->ctx;

	while (iosm_pipe_room(channel->dl))
		iosm_pipe_post(channel->dl, t->dma, BYTES, NULL);
	return 0;
}

static void poll_ul(struct iosm_channel *channel)
{
	struct iosm_host_test *t = channel->ctx;
	struct iosm_pipe_done done;
	int completed = iosm_channel_completed(channel, channel->ul);

	while (completed-- > 0) {
		iosm_pipe_take(channel->ul, &done);
		t->sent++;
	}
}

static int poll_dl(struct iosm_channel *channel, int budget)
{
	struct iosm_host_test *t = channel->ctx;
	struct iosm_pipe_done done;
	int completed, i;

	completed = min(iosm_channel_completed(channel, channel->dl), budget);
	for (i = 0; i < completed; i++) {
		iosm_pipe_take(channel->dl, &done);
		t->units++;
	}
	fill(channel);
	iosm_channel_ring_dl(channel, IOSM_HEAD_DL);
	return completed;
}

/* All share one buffer, which goes with the test. */
static void reclaim(struct iosm_channel *channel, struct iosm_pipe *pipe,
		    const struct iosm_pipe_slot *slot)
{
}

const struct iosm_channel_ops iosm_host_channel_ops = {
	.fill = fill, .poll_ul = poll_ul, .poll_dl = poll_dl, .reclaim = reclaim
};

/**
 * iosm_host_open() - open the channel
 * @t: the test
 *
 * Return: as iosm_channel_open().
 */
int iosm_host_open(struct iosm_host_test *t)
{
	int ret;

	ret = iosm_channel_open(&t->channel, t->modem, &iosm_channel_mbim,
				&iosm_host_channel_ops, t);
	t->open = !ret;
	return ret;
}

/**
 * iosm_host_close() - close the channel
 * @t: the test, with an open channel
 */
void iosm_host_close(struct iosm_host_test *t)
{
	iosm_channel_close(&t->channel);
	t->open = false;
}

/**
 * iosm_host_post() - post an uplink unit; the bell rings when it may
 * @t: the test, with an open channel
 */
void iosm_host_post(struct iosm_host_test *t)
{
	local_bh_disable();
	iosm_pipe_post(t->channel.ul, t->dma, BYTES, NULL);
	iosm_channel_ring_ul(&t->channel, IOSM_HEAD_UL);
	local_bh_enable();
}

static void take_unit(struct iosm_fake *fake, unsigned int pipe, const u8 *data,
		      u32 len)
{
	((struct iosm_host_test *)fake->priv)->taken++;
}

static void *start_client(struct iosm_modem *modem)
{
	struct iosm_host_test *t =
		container_of(modem->bus, struct iosm_fake, bus)->priv;

	t->starts++;
	return t;
}

static void stop_client(void *instance)
{
	struct iosm_host_test *t = instance;

	t->stops++;
	if (t->open)
		iosm_host_close(t);
}

static const struct iosm_client client = {
	.name = "client", .start = start_client, .stop = stop_client
};

static const struct iosm_client *const clients[] = { &client, NULL };

static u32 control(struct iosm_fake *fake, const struct iosm_fake_request *request)
{
	struct iosm_host_test *t = fake->priv;

	complete(&t->asked);
	if (request->type == t->answer_type)
		return t->answer;
	if (request->type == 0x04 && !request->raw[8])
		return t->answers[request->raw[9] & 1];
	return IOSM_FAKE_OK;
}

static void note_failure(struct iosm_observer *observer, const char *why)
{
	struct iosm_host_test *t = container_of(observer, struct iosm_host_test, observer);

	t->failures++;
	t->why = why;
}

static void note_move(struct iosm_observer *observer, enum iosm_state to)
{
	container_of(observer, struct iosm_host_test, observer)->moves++;
}

/**
 * iosm_host_test_init() - init function of a suite: a modem, its core, a client
 * @test: the test; its priv is a struct iosm_host_test then
 *
 * Return: 0; the test ends if something fails.
 */
int iosm_host_test_init(struct kunit *test)
{
	struct iosm_host_test *t;

	t = kunit_kzalloc(test, sizeof(*t), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, t);
	test->priv = t;
	init_completion(&t->asked);
	t->answers[0] = IOSM_FAKE_OK;
	t->answers[1] = IOSM_FAKE_OK;
	t->fake = iosm_fake_create(test, IOSM_PCI_DEVICE_7560);
	t->fake->priv = t;
	t->fake->control = control;
	t->fake->uplink = take_unit;
	t->memory = dmam_alloc_coherent(t->fake->bus.dev, BYTES, &t->dma, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, t->memory);
	t->modem = iosm_fake_modem(t->fake, clients);
	t->observer.failure = note_failure;
	t->observer.moved = note_move;
	iosm_modem_observe(t->modem, &t->observer);
	return 0;
}

/* ---- Steps ---- */

/**
 * iosm_host_expect_state() - expect a state of the core
 * @test: the test
 * @state: which
 */
void iosm_host_expect_state(struct kunit *test, enum iosm_state state)
{
	struct iosm_host_test *t = test->priv;

	KUNIT_EXPECT_STREQ(test, iosm_state_name(iosm_modem_state(t->modem)),
			   iosm_state_name(state));
}

/**
 * iosm_host_start() - go online, forget the doorbells
 * @test: the test
 * @handshake: for sleeps of the host
 */
void iosm_host_start(struct kunit *test, enum iosm_host_sleep handshake)
{
	struct iosm_host_test *t = test->priv;

	t->fake->bus.host_sleep = handshake;
	iosm_fake_go_online(t->fake);
	iosm_fake_forget_bells(t->fake);
}

/**
 * iosm_host_start_open() - go online, open the channel, forget the doorbells
 * @test: the test
 * @handshake: for sleeps of the host
 */
void iosm_host_start_open(struct kunit *test, enum iosm_host_sleep handshake)
{
	struct iosm_host_test *t = test->priv;

	iosm_host_start(test, handshake);
	KUNIT_ASSERT_EQ(test, iosm_host_open(t), 0);
	iosm_fake_forget_bells(t->fake);
}

/**
 * iosm_host_suspend() - what the PM core and the PCI core do before a system sleep
 * @t: the test
 *
 * Return: as iosm_modem_suspend().
 */
int iosm_host_suspend(struct iosm_host_test *t)
{
	int ret = iosm_modem_suspend(t->modem);

	KUNIT_EXPECT_EQ(t->fake->test, t->modem->asleep, !ret);
	if (!ret) {
		KUNIT_EXPECT_FALSE(t->fake->test, t->fake->dma);
		iosm_fake_enter_d3(t->fake);
	}
	return ret;
}

/**
 * iosm_host_resume() - what they do after it, but for the release
 * @t: the test
 */
void iosm_host_resume(struct iosm_host_test *t)
{
	iosm_fake_leave_d3(t->fake);
	iosm_modem_resume(t->modem);
	KUNIT_EXPECT_FALSE(t->fake->test, t->modem->asleep);
}

/**
 * iosm_host_work() - run the state work once, if it is not held
 * @t: the test
 */
void iosm_host_work(struct iosm_host_test *t)
{
	mod_delayed_work(t->modem->wq, &t->modem->work, 0);
	flush_work(&t->modem->work.work);
}

/**
 * iosm_host_expect_online() - wait until the core is online, if it is not yet
 * @test: the test
 */
void iosm_host_expect_online(struct kunit *test)
{
	struct iosm_host_test *t = test->priv;

	if (iosm_modem_state(t->modem) != IOSM_ONLINE ||
	    !iosm_modem_online(t->modem))
		iosm_fake_await(t->fake, IOSM_ONLINE);
	iosm_host_expect_state(test, IOSM_ONLINE);
	KUNIT_EXPECT_TRUE(test, iosm_modem_online(t->modem));
	KUNIT_EXPECT_TRUE(test, iosm_pm_awake(&t->modem->pm));
	KUNIT_EXPECT_EQ(test, t->starts, t->stops + 1);
}

/**
 * iosm_host_expect_traffic() - expect that data goes both ways
 * @test: the test, with an open channel
 */
void iosm_host_expect_traffic(struct kunit *test)
{
	struct iosm_host_test *t = test->priv;
	unsigned int taken = t->taken, units = t->units;

	iosm_host_post(t);
	KUNIT_EXPECT_EQ(test, t->taken, taken + 1);
	KUNIT_EXPECT_TRUE(test, iosm_fake_send(t->fake, 13, "x", 1));
	iosm_fake_interrupt(t->fake);
	KUNIT_EXPECT_EQ(test, t->units, units + 1);
}

/**
 * iosm_host_expect_sleep_bells() - expect what an awake modem is told before a sleep
 * @test: the test
 * @handshake: how
 */
void iosm_host_expect_sleep_bells(struct kunit *test, enum iosm_host_sleep handshake)
{
	struct iosm_host_test *t = test->priv;

	if (handshake == D3)
		IOSM_FAKE_EXPECT_BELLS(t->fake, { IOSM_DB_HEAD, 0 });
	else
		IOSM_FAKE_EXPECT_BELLS(t->fake, { IOSM_DB_POWER, 7 });
	iosm_fake_forget_bells(t->fake);
}

/**
 * iosm_host_expect_wake_bells() - expect what the modem is told after a sleep
 * @test: the test
 * @handshake: how
 */
void iosm_host_expect_wake_bells(struct kunit *test, enum iosm_host_sleep handshake)
{
	struct iosm_host_test *t = test->priv;

	if (handshake == D3)
		IOSM_FAKE_EXPECT_BELLS(t->fake, { IOSM_DB_HEAD, 0 });
	else
		IOSM_FAKE_EXPECT_BELLS(t->fake, { IOSM_DB_POWER, 8 });
	iosm_fake_forget_bells(t->fake);
}

/* ---- Tables ---- */

const struct iosm_host_handshake iosm_host_handshakes[IOSM_HOST_HANDSHAKES] = {
	{ "D3/L2", D3 },
	{ "D0/L1.2", D0 },
};

const struct iosm_host_fate iosm_host_fates[IOSM_HOST_FATES] = {
	/* It lost its power, as with many machines that sleep: no failure. */
	{ "rebooted", STAGE_RUN, 0, false, IOSM_RECOVERING, IOSM_ONLINE, 0 },
	{ "waits in INIT", STAGE_RUN, 1, false, IOSM_RECOVERING, IOSM_ONLINE, 0 },
	{ "IPC error", STAGE_RUN, 4, false, IOSM_RECOVERING, IOSM_ONLINE, 0 },
	{ "boots", STAGE_BOOT, 0, false, IOSM_RECOVERING, IOSM_ROM, 0 },
	{ "loader", STAGE_PSI, 0, false, IOSM_RECOVERING, IOSM_LOADER, 0 },
	{ "crashed", STAGE_CRASH, 2, false, IOSM_CRASHED, IOSM_CRASHED, 1 },
	{ "dump ready", STAGE_CD_READY, 0, false, IOSM_DUMP_READY,
	  IOSM_DUMP_READY, 1 },
	/* It may have got its power just now; if it stays so, it is lost. */
	{ "rubbish", 0x12345678, 2, false, IOSM_RECOVERING, IOSM_LOST, 1 },
	/* The end of the session, and then that of all hope */
	{ "gone", STAGE_RUN, 2, true, IOSM_LOST, IOSM_LOST, 2 },
};

/**
 * iosm_host_meet() - let the modem meet its fate, without a word
 * @t: the test
 * @c: the fate
 */
void iosm_host_meet(struct iosm_host_test *t, const struct iosm_host_fate *c)
{
	iosm_fake_reboot(t->fake, c->stage);
	iosm_fake_set_reg(t->fake, 0x60, c->ipc_state);
	t->fake->absent = c->absent;
}

/**
 * iosm_host_expect_fate() - expect that a fate is noticed, and that the modem can come back
 * @test: the test, in which the channel was open
 * @c: the fate
 */
void iosm_host_expect_fate(struct kunit *test, const struct iosm_host_fate *c)
{
	struct iosm_host_test *t = test->priv;

	iosm_fake_await(t->fake, c->first);
	if (c->then != c->first)
		iosm_fake_await(t->fake, c->then);
	KUNIT_EXPECT_EQ(test, t->stops, 1);
	KUNIT_EXPECT_EQ(test, t->fake->state_count,
			c->then == IOSM_ONLINE ? 6 : c->then == c->first ? 4 : 5);
	KUNIT_EXPECT_EQ(test, t->failures, c->failures);

	/* Whatever it was, it can come back. */
	t->fake->absent = false;
	if (c->then == IOSM_LOST)
		iosm_modem_resume(t->modem);
	if (c->then != IOSM_ONLINE) {
		iosm_fake_reboot(t->fake, STAGE_RUN);
		iosm_fake_await(t->fake, IOSM_ONLINE);
	}
	KUNIT_EXPECT_EQ(test, t->starts, 2);
	KUNIT_ASSERT_EQ(test, iosm_host_open(t), 0);
	iosm_host_expect_traffic(test);
}

static void reach_nothing(struct kunit *test)
{
}

static void reach_stage(struct kunit *test, u32 stage)
{
	struct iosm_host_test *t = test->priv;

	iosm_fake_set_stage(t->fake, stage);
	iosm_fake_step(t->fake);
}

/**
 * iosm_host_reach_rom() - find the modem in its boot ROM
 * @test: the test
 */
void iosm_host_reach_rom(struct kunit *test)
{
	reach_stage(test, STAGE_BOOT);
}

static void reach_loader(struct kunit *test)
{
	reach_stage(test, STAGE_PSI);
}

static void reach_loader_init(struct kunit *test)
{
	struct iosm_host_test *t = test->priv;

	reach_loader(test);
	t->fake->ignored_states = BIT(1);
	KUNIT_ASSERT_TRUE(test, iosm_modem_ask_for_loader(t->modem));
	iosm_fake_step(t->fake);
	iosm_fake_step(t->fake);
}

static void reach_loader_online(struct kunit *test)
{
	struct iosm_host_test *t = test->priv;
	unsigned int i;

	reach_loader(test);
	KUNIT_ASSERT_TRUE(test, iosm_modem_ask_for_loader(t->modem));
	for (i = 0; i < 3; i++)
		iosm_fake_step(t->fake);
}

/**
 * iosm_host_reach_crashed() - find the modem crashed
 * @test: the test
 */
void iosm_host_reach_crashed(struct kunit *test)
{
	reach_stage(test, STAGE_CRASH);
}

/**
 * iosm_host_reach_dump_ready() - find the modem crashed, with a dump
 * @test: the test
 */
void iosm_host_reach_dump_ready(struct kunit *test)
{
	reach_stage(test, STAGE_CD_READY);
}

static void reach_check(struct kunit *test)
{
	reach_stage(test, STAGE_RUN);
}

static void reach_step(struct kunit *test, u32 ipc_state, unsigned int ignored)
{
	struct iosm_host_test *t = test->priv;
	unsigned int i;

	iosm_fake_set_reg(t->fake, 0x60, ipc_state);
	t->fake->ignored_states = BIT(ignored);
	for (i = 0; i < 5; i++)
		iosm_fake_step(t->fake);
}

static void reach_uninit(struct kunit *test)
{
	reach_step(test, 2, 0);
}

/**
 * iosm_host_reach_init() - wait for IPC state INIT in vain
 * @test: the test
 */
void iosm_host_reach_init(struct kunit *test)
{
	reach_step(test, 0, 1);
}

/**
 * iosm_host_reach_running() - wait for IPC state RUNNING in vain
 * @test: the test
 */
void iosm_host_reach_running(struct kunit *test)
{
	reach_step(test, 0, 2);
}

static void reach_recovering(struct kunit *test)
{
	struct iosm_host_test *t = test->priv;

	reach_step(test, 0, 1);
	iosm_fake_expire(t->fake);
}

/**
 * iosm_host_reach_failed() - find another device than ours
 * @test: the test
 */
void iosm_host_reach_failed(struct kunit *test)
{
	struct iosm_host_test *t = test->priv;

	t->fake->chip_length = 1;
	iosm_fake_step(t->fake);
}

/**
 * iosm_host_reach_lost() - find no modem any more
 * @test: the test
 */
void iosm_host_reach_lost(struct kunit *test)
{
	struct iosm_host_test *t = test->priv;

	iosm_host_reach_rom(test);
	t->fake->absent = true;
	iosm_fake_step(t->fake);
	iosm_fake_step(t->fake);
	iosm_fake_step(t->fake);
}

const struct iosm_host_place iosm_host_places[IOSM_HOST_PLACES] = {
	{ "off", reach_nothing, IOSM_OFF, IOSM_OFF, false },
	{ "boot ROM", iosm_host_reach_rom, IOSM_ROM, IOSM_ROM, false },
	{ "loader", reach_loader, IOSM_LOADER, IOSM_LOADER, false },
	{ "waiting for INIT of a loader", reach_loader_init, IOSM_LOADER, IOSM_RECOVERING,
	  true },
	{ "loader online", reach_loader_online, IOSM_LOADER_ONLINE, IOSM_RECOVERING, true },
	{ "about to start", reach_check, IOSM_STARTING, IOSM_RECOVERING, false },
	{ "waiting for UNINIT", reach_uninit, IOSM_STARTING, IOSM_RECOVERING,
	  false },
	{ "waiting for INIT", iosm_host_reach_init, IOSM_STARTING, IOSM_RECOVERING, true },
	{ "waiting for RUNNING", iosm_host_reach_running, IOSM_STARTING, IOSM_RECOVERING,
	  true },
	{ "crashed", iosm_host_reach_crashed, IOSM_CRASHED, IOSM_CRASHED, false },
	{ "dump ready", iosm_host_reach_dump_ready, IOSM_DUMP_READY, IOSM_DUMP_READY,
	  false },
	{ "recovering", reach_recovering, IOSM_RECOVERING, IOSM_RECOVERING,
	  false },
	{ "failed", iosm_host_reach_failed, IOSM_FAILED, IOSM_FAILED, false },
	{ "lost", iosm_host_reach_lost, IOSM_LOST, IOSM_LOST, false },
};

/**
 * iosm_host_reach() - bring the core to the place that is the parameter of the test
 * @test: the test
 */
void iosm_host_reach(struct kunit *test)
{
	const struct iosm_host_place *c = test->param_value;
	struct iosm_host_test *t = test->priv;

	/* Started, but at its own pace */
	disable_delayed_work_sync(&t->modem->work);
	iosm_modem_start(t->modem);
	enable_delayed_work(&t->modem->work);
	c->reach(test);
	iosm_host_expect_state(test, c->state);
	iosm_fake_forget_bells(t->fake);
	KUNIT_EXPECT_EQ(test, iosm_fake_usage(t->fake), 1);
}

/**
 * iosm_host_make_well() - let the modem be well, as after power-on
 * @t: the test
 */
void iosm_host_make_well(struct iosm_host_test *t)
{
	t->fake->ignored_states = 0;
	t->fake->chip_length = 58;
	t->fake->absent = false;
	iosm_fake_reboot(t->fake, STAGE_RUN);
}
