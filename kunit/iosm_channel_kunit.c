// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of the channels (protocol.rst 4.1, 4.4, 4.5): the table, opening, closing,
 * the poll, and what a modem that refuses, is silent or lies does to them.
 */

#include <linux/dma-mapping.h>
#include <linux/kthread.h>
#include <linux/slab.h>

#include "iosm_kunit_bus.h"

#define STAGE_RUN	0x600df00d
#define STAGE_CRASH	0x8badf00d

/* ---- A user of channels ---- */

/**
 * struct channel_user - a channel and what happened to it
 * @channel: in use
 * @buffers: downlink buffers and uplink messages that are with the channel
 * @ul_done: uplink TDs taken back
 * @dl_done: downlink units received
 * @dl_bytes: their size together
 * @polls: calls of the poll ops
 * @polls_in_a_row: number of the last poll of any user
 * @reclaimed: buffers given back by the close
 * @dma_at_reclaim: bus mastering at that time
 * @no_buffers: fill fails
 * @hold: downlink is not taken
 */
struct channel_user {
	struct iosm_channel channel;
	int buffers;
	unsigned int ul_done;
	unsigned int dl_done;
	unsigned int dl_bytes;
	unsigned int polls;
	unsigned int polls_in_a_row;
	unsigned int reclaimed;
	bool dma_at_reclaim;
	bool no_buffers;
	bool hold;
};

#define USERS 4

struct channel_test {
	struct iosm_fake *fake;
	struct iosm_modem *modem;
	struct channel_user users[USERS];
	const struct iosm_bus_ops *usual_ops;
	unsigned int polls;
	u8 answer_type;
	u8 answer_pipe;
	u32 answer;
	u16 requests[16];	/* type and pipe */
	unsigned int request_count;
	struct completion asked;
};

static struct channel_test *test_of(struct iosm_channel *channel)
{
	return container_of(channel->modem->bus, struct iosm_fake, bus)->priv;
}

static struct device *dev_of(struct iosm_channel *channel)
{
	return channel->modem->dev;
}

static void unmap(struct iosm_channel *channel, struct iosm_pipe *pipe,
		  const struct iosm_pipe_slot *slot)
{
	struct channel_user *user = channel->ctx;

	dma_unmap_single(dev_of(channel), slot->dma, slot->len,
			 pipe == channel->ul ? DMA_TO_DEVICE : DMA_FROM_DEVICE);
	kfree(slot->cookie);
	user->buffers--;
}

static int post(struct iosm_channel *channel, struct iosm_pipe *pipe, u32 len,
		gfp_t gfp)
{
	struct channel_user *user = channel->ctx;
	void *buffer = kzalloc(len, gfp);
	dma_addr_t dma;

	if (!buffer)
		return -ENOMEM;
	dma = dma_map_single(dev_of(channel), buffer, len,
			     pipe == channel->ul ? DMA_TO_DEVICE :
						   DMA_FROM_DEVICE);
	if (dma_mapping_error(dev_of(channel), dma)) {
		kfree(buffer);
		return -ENOMEM;
	}
	iosm_pipe_post(pipe, dma, len, buffer);
	user->buffers++;
	return 0;
}

static int user_fill(struct iosm_channel *channel)
{
	struct channel_user *user = channel->ctx;
	int ret;

	if (user->no_buffers)
		return -ENOMEM;
	while (iosm_pipe_room(channel->dl)) {
		ret = post(channel, channel->dl, channel->config->buffer_size,
			   GFP_KERNEL);
		if (ret)
			return ret;
	}
	return 0;
}

static void user_poll_ul(struct iosm_channel *channel)
{
	struct channel_user *user = channel->ctx;
	struct iosm_pipe_done done;
	int completed;

	user->polls++;
	completed = iosm_channel_completed(channel, channel->ul);
	while (completed--) {
		iosm_pipe_take(channel->ul, &done);
		unmap(channel, channel->ul, &done.slot);
		user->ul_done++;
	}
}

static int user_poll_dl(struct iosm_channel *channel, int budget)
{
	struct channel_user *user = channel->ctx;
	struct iosm_pipe_done done;
	int completed, handled;

	user->polls++;
	user->polls_in_a_row = ++test_of(channel)->polls;
	if (user->hold)
		return 0;
	completed = min(iosm_channel_completed(channel, channel->dl), budget);
	for (handled = 0; handled < completed; handled++) {
		iosm_pipe_take(channel->dl, &done);
		user->dl_done++;
		user->dl_bytes += done.size;
		iosm_pipe_post(channel->dl, done.slot.dma, done.slot.len,
			       done.slot.cookie);
	}
	iosm_channel_ring_dl(channel, IOSM_HEAD_DL);
	return handled;
}

static void user_reclaim(struct iosm_channel *channel, struct iosm_pipe *pipe,
			 const struct iosm_pipe_slot *slot)
{
	struct channel_user *user = channel->ctx;

	user->reclaimed++;
	user->dma_at_reclaim = test_of(channel)->fake->dma;
	unmap(channel, pipe, slot);
}

static const struct iosm_channel_ops user_ops = {
	.fill = user_fill,
	.poll_ul = user_poll_ul,
	.poll_dl = user_poll_dl,
	.reclaim = user_reclaim,
};

static const struct iosm_channel_ops uplink_only_ops = {
	.fill = user_fill,
	.poll_ul = user_poll_ul,
	.reclaim = user_reclaim,
};

/* ---- Fixture ---- */

static u32 control(struct iosm_fake *fake,
		   const struct iosm_fake_request *request)
{
	struct channel_test *t = fake->priv;

	if (request->type > 0x02)
		return IOSM_FAKE_OK;
	if (t->request_count < ARRAY_SIZE(t->requests))
		t->requests[t->request_count++] =
			request->type << 8 | request->arg;
	complete(&t->asked);
	if (request->type == t->answer_type && request->arg == t->answer_pipe)
		return t->answer;
	return IOSM_FAKE_OK;
}

static const struct iosm_client *const no_clients[] = { NULL };

static void close_all(void *data)
{
	struct channel_test *t = data;
	unsigned int i;

	for (i = 0; i < USERS; i++) {
		if (t->users[i].buffers)
			iosm_channel_close(&t->users[i].channel);
		KUNIT_EXPECT_EQ_MSG(t->fake->test, t->users[i].buffers, 0,
				    "lost buffers of user %u", i);
	}
}

static int iosm_channel_init_test(struct kunit *test)
{
	struct channel_test *t;
	int ret;

	t = kunit_kzalloc(test, sizeof(*t), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, t);
	test->priv = t;
	init_completion(&t->asked);
	t->fake = iosm_fake_create(test, IOSM_PCI_DEVICE_7560);
	t->fake->priv = t;
	t->fake->control = control;
	t->modem = iosm_fake_modem(t->fake, no_clients);
	ret = kunit_add_action_or_reset(test, close_all, t);
	KUNIT_ASSERT_EQ(test, ret, 0);
	iosm_fake_go_online(t->fake);
	iosm_fake_forget_bells(t->fake);
	return 0;
}

static int open_user(struct channel_test *t, unsigned int i,
		     const struct iosm_channel_config *config)
{
	return iosm_channel_open(&t->users[i].channel, t->modem, config,
				 &user_ops, &t->users[i]);
}

static struct channel_user *open_mbim(struct kunit *test)
{
	struct channel_test *t = test->priv;
	int ret;

	ret = open_user(t, 0, &iosm_channel_mbim);
	KUNIT_ASSERT_EQ(test, ret, 0);
	iosm_fake_forget_bells(t->fake);
	t->request_count = 0;
	return &t->users[0];
}

static void close_user(struct channel_test *t, unsigned int i)
{
	iosm_channel_close(&t->users[i].channel);
}

static int send(struct channel_user *user, unsigned int count)
{
	int ret = 0;

	while (!ret && count--)
		ret = post(&user->channel, user->channel.ul, 100, GFP_KERNEL);
	local_bh_disable();
	iosm_channel_ring_ul(&user->channel, IOSM_HEAD_UL);
	local_bh_enable();
	return ret;
}

static void expect_requests(struct kunit *test, const u16 *expected,
			    unsigned int count)
{
	struct channel_test *t = test->priv;
	unsigned int i;

	KUNIT_ASSERT_EQ(test, t->request_count, count);
	for (i = 0; i < count; i++)
		KUNIT_EXPECT_EQ_MSG(test, t->requests[i], expected[i],
				    "request %u", i);
}

#define EXPECT_REQUESTS(test, ...)					\
	do {								\
		const u16 requests_[] = { __VA_ARGS__ };		\
									\
		expect_requests(test, requests_, ARRAY_SIZE(requests_)); \
	} while (0)

/* Wait until a broken session is over and the next one runs. */
static void expect_recovery(struct kunit *test)
{
	struct channel_test *t = test->priv;

	iosm_fake_await(t->fake, IOSM_RECOVERING);
	iosm_fake_await(t->fake, IOSM_ONLINE);
}

/* ---- The table (4.1) ---- */

struct config_case {
	const char *desc;
	const struct iosm_channel_config *config;
	int id;
	u8 ul_pipe;
	u8 dl_pipe;
	u32 buffer_size;
	u32 backoff;
	u8 open_bell;
};

static const struct config_case configs[] = {
	{ "multiplexer, lite", &iosm_channel_mux_lite, 0, 0, 1, 2048, 1000,
	  0x08 },
	{ "multiplexer, aggregation", &iosm_channel_mux_aggr, 0, 0, 1, 16384,
	  1000, 0x08 },
	{ "RPC", &iosm_channel_rpc, 1, 2, 3, 32768, 0, 0x09 },
	{ "first AT", &iosm_channel_at0, 2, 4, 5, 2048, 0, 0x09 },
	{ "second AT", &iosm_channel_at1, 4, 8, 9, 2048, 0, 0x09 },
	{ "MBIM", &iosm_channel_mbim, 6, 12, 13, 32768, 0, 0x09 },
};

KUNIT_ARRAY_PARAM_DESC(config, configs, desc);

static void channel_is_opened_as_the_table_says(struct kunit *test)
{
	const struct config_case *c = test->param_value;
	struct channel_test *t = test->priv;
	const struct iosm_fake_pipe *pipes = t->fake->pipes;
	struct iosm_fake_td td;
	unsigned int n;

	KUNIT_EXPECT_EQ(test, c->config->id, c->id);
	KUNIT_ASSERT_EQ(test, open_user(t, 0, c->config), 0);
	EXPECT_REQUESTS(test, 0x0100 | c->ul_pipe, 0x0100 | c->dl_pipe);
	IOSM_FAKE_EXPECT_BELLS(t->fake, { IOSM_DB_HEAD, 0 },
			       { IOSM_DB_HEAD, 0 },
			       { IOSM_DB_HEAD, c->open_bell });

	KUNIT_EXPECT_EQ(test, pipes[c->ul_pipe].entries,
			c->config->ul_entries);
	KUNIT_EXPECT_EQ(test, pipes[c->dl_pipe].entries,
			c->config->dl_entries);
	KUNIT_EXPECT_EQ(test, pipes[c->ul_pipe].backoff, c->backoff);
	KUNIT_EXPECT_EQ(test, pipes[c->dl_pipe].backoff, c->backoff);

	/* All buffers but one are posted, each of the right size. */
	KUNIT_EXPECT_EQ(test, iosm_fake_posted(t->fake, c->dl_pipe),
			c->config->dl_entries - 1);
	for (n = 0; iosm_fake_td(t->fake, c->dl_pipe, n, &td); n++)
		KUNIT_EXPECT_EQ(test, td.size, c->buffer_size);
	KUNIT_EXPECT_EQ(test, n, c->config->dl_entries - 1);
	KUNIT_EXPECT_EQ(test, iosm_fake_posted(t->fake, c->ul_pipe), 0);
}

/* Each pipe has a back-off of its own, also the next time. */
static void back_off_is_for_one_pipe(struct kunit *test)
{
	static const u32 backoffs[][2] = { { 0, 1000 }, { 70000, 1 }, { 5, 0 } };
	struct iosm_channel_config config = iosm_channel_mux_lite;
	struct channel_test *t = test->priv;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(backoffs); i++) {
		config.ul_backoff = backoffs[i][0];
		config.dl_backoff = backoffs[i][1];
		KUNIT_ASSERT_EQ(test, open_user(t, 0, &config), 0);
		KUNIT_EXPECT_EQ(test, t->fake->pipes[0].backoff, backoffs[i][0]);
		KUNIT_EXPECT_EQ(test, t->fake->pipes[1].backoff, backoffs[i][1]);
		close_user(t, 0);
	}
}

static void channels_have_pipes_of_their_own(struct kunit *test)
{
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(configs); i++) {
		const struct iosm_channel_config *a = configs[i].config;

		KUNIT_EXPECT_EQ(test, a->ul_pipe % 2, 0);
		KUNIT_EXPECT_EQ(test, a->dl_pipe, a->ul_pipe + 1);
		KUNIT_EXPECT_LT(test, a->dl_pipe, IOSM_PIPES);
		for (j = 0; j < i; j++)
			KUNIT_EXPECT_EQ(test,
					a->id == configs[j].config->id,
					a->ul_pipe ==
					configs[j].config->ul_pipe);
	}
}

/* ---- Opening ---- */

static void used_channel_is_busy(struct kunit *test)
{
	struct channel_test *t = test->priv;

	open_mbim(test);
	KUNIT_EXPECT_EQ(test, open_user(t, 1, &iosm_channel_mbim), -EBUSY);
	KUNIT_EXPECT_EQ(test, t->request_count, 0);

	KUNIT_ASSERT_EQ(test, open_user(t, 1, &iosm_channel_mux_lite), 0);
	KUNIT_EXPECT_EQ(test, open_user(t, 2, &iosm_channel_mux_aggr), -EBUSY);
}

static void closed_channel_can_be_opened_again(struct kunit *test)
{
	struct channel_test *t = test->priv;
	unsigned int i;

	for (i = 0; i < 20; i++) {
		KUNIT_ASSERT_EQ(test, open_user(t, 0, &iosm_channel_at0), 0);
		KUNIT_ASSERT_TRUE(test, iosm_fake_send(t->fake, 5, "x", 1));
		iosm_fake_interrupt(t->fake);
		KUNIT_ASSERT_EQ(test, t->users[0].dl_done, i + 1);
		close_user(t, 0);
	}
	KUNIT_EXPECT_FALSE(test, t->fake->pipes[4].open);
	KUNIT_EXPECT_FALSE(test, t->fake->pipes[5].open);
}

static void nothing_opens_while_not_online(struct kunit *test)
{
	struct channel_test *t = test->priv;

	iosm_fake_crash(t->fake);
	iosm_fake_await(t->fake, IOSM_CRASHED);
	iosm_fake_forget_bells(t->fake);
	KUNIT_EXPECT_EQ(test, open_user(t, 0, &iosm_channel_mbim), -ENODEV);
	IOSM_FAKE_EXPECT_NO_BELL(t->fake);

	iosm_modem_stop(t->modem);
	KUNIT_EXPECT_EQ(test, open_user(t, 0, &iosm_channel_mbim), -ENODEV);
}

static void answer(struct channel_test *t, u8 type, u8 pipe, u32 status)
{
	t->answer_type = type;
	t->answer_pipe = pipe;
	t->answer = status;
}

static void refused_uplink_open_leaves_nothing(struct kunit *test)
{
	struct channel_test *t = test->priv;

	answer(t, 0x01, 12, IOSM_FAKE_REFUSED);
	KUNIT_EXPECT_EQ(test, open_user(t, 0, &iosm_channel_mbim), -EREMOTEIO);
	EXPECT_REQUESTS(test, 0x010c);
	KUNIT_EXPECT_TRUE(test, iosm_modem_online(t->modem));

	answer(t, 0, 0, 0);
	KUNIT_EXPECT_EQ(test, open_user(t, 0, &iosm_channel_mbim), 0);
}

static void refused_downlink_open_closes_the_uplink(struct kunit *test)
{
	struct channel_test *t = test->priv;

	answer(t, 0x01, 13, IOSM_FAKE_REFUSED);
	KUNIT_EXPECT_EQ(test, open_user(t, 0, &iosm_channel_mbim), -EREMOTEIO);
	EXPECT_REQUESTS(test, 0x010c, 0x010d, 0x020c);
	KUNIT_EXPECT_FALSE(test, t->fake->pipes[12].open);
	KUNIT_EXPECT_TRUE(test, iosm_modem_online(t->modem));

	answer(t, 0, 0, 0);
	KUNIT_EXPECT_EQ(test, open_user(t, 0, &iosm_channel_mbim), 0);
}

static void channel_without_buffers_is_closed(struct kunit *test)
{
	struct channel_test *t = test->priv;

	t->users[0].no_buffers = true;
	KUNIT_EXPECT_EQ(test, open_user(t, 0, &iosm_channel_mbim), -ENOMEM);
	EXPECT_REQUESTS(test, 0x010c, 0x010d, 0x020c, 0x020d);
	KUNIT_EXPECT_EQ(test, t->users[0].polls, 0);
	KUNIT_EXPECT_TRUE(test, iosm_modem_online(t->modem));

	t->users[0].no_buffers = false;
	KUNIT_EXPECT_EQ(test, open_user(t, 0, &iosm_channel_mbim), 0);
}

struct silent_case {
	const char *desc;
	u8 type;
	u8 pipe;
};

static const struct silent_case silents[] = {
	{ "uplink", 0x01, 12 },
	{ "downlink", 0x01, 13 },
};

KUNIT_ARRAY_PARAM_DESC(silent, silents, desc);

static void unanswered_open_ends_the_session(struct kunit *test)
{
	const struct silent_case *c = test->param_value;
	struct channel_test *t = test->priv;

	answer(t, c->type, c->pipe, IOSM_FAKE_SILENT);
	t->modem->protocol.timeout = IOSM_FAKE_TIMEOUT;
	KUNIT_EXPECT_EQ(test, open_user(t, 0, &iosm_channel_mbim), -ETIMEDOUT);
	t->modem->protocol.timeout = IOSM_CONTROL_TIMEOUT;
	KUNIT_EXPECT_EQ(test, t->fake->dma_cuts, 1);
	KUNIT_EXPECT_EQ(test, iosm_fake_count_events(t->fake, "MDM_TIMEOUT"),
			1);
	expect_recovery(test);

	answer(t, 0, 0, 0);
	KUNIT_EXPECT_EQ(test, open_user(t, 0, &iosm_channel_mbim), 0);
}

struct opener {
	struct channel_test *t;
	int result;
};

static int open_in_background(void *data)
{
	struct opener *opener = data;

	opener->result = open_user(opener->t, 0, &iosm_channel_mbim);
	return 0;
}

/* Who waits for an answer is released when the session breaks. */
static void session_that_breaks_during_open_is_an_error(struct kunit *test)
{
	struct channel_test *t = test->priv;
	struct opener opener = { .t = t };
	unsigned long start = jiffies;
	struct task_struct *task;

	answer(t, 0x01, 13, IOSM_FAKE_SILENT);
	t->modem->protocol.timeout = IOSM_FAKE_NO_TIMEOUT;
	task = kthread_create(open_in_background, &opener, "iosm opener");
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, task);
	get_task_struct(task);
	wake_up_process(task);
	wait_for_completion(&t->asked);
	wait_for_completion(&t->asked);

	iosm_modem_broken(t->modem, "test");
	kthread_stop(task);
	put_task_struct(task);
	KUNIT_EXPECT_EQ(test, opener.result, -ENODEV);
	KUNIT_EXPECT_LT(test, jiffies_to_msecs(jiffies - start),
			IOSM_FAKE_SOON);
	expect_recovery(test);
}

/* ---- Data ---- */

static void data_flows_both_ways(struct kunit *test)
{
	struct channel_test *t = test->priv;
	struct channel_user *user = open_mbim(test);

	KUNIT_ASSERT_EQ(test, send(user, 3), 0);
	IOSM_FAKE_EXPECT_BELLS(t->fake, { IOSM_DB_HEAD, 6 });
	KUNIT_EXPECT_EQ(test, iosm_fake_take_uplink(t->fake, 12), 3);
	iosm_fake_send(t->fake, 13, "one", 3);
	iosm_fake_send(t->fake, 13, "three", 5);
	KUNIT_EXPECT_EQ(test, user->ul_done, 0);

	/* One interrupt for all. */
	iosm_fake_interrupt(t->fake);
	KUNIT_EXPECT_EQ(test, user->ul_done, 3);
	KUNIT_EXPECT_EQ(test, user->dl_done, 2);
	KUNIT_EXPECT_EQ(test, user->dl_bytes, 8);
	KUNIT_EXPECT_EQ(test, user->buffers, 3);
	IOSM_FAKE_EXPECT_BELLS(t->fake, { IOSM_DB_HEAD, 6 },
			       { IOSM_DB_HEAD, 7 });
	KUNIT_EXPECT_EQ(test, iosm_fake_posted(t->fake, 13), 3);
}

/* The doorbell of the uplink pipe, and of no other, rings again on demand. */
static void uplink_is_rung_again(struct kunit *test)
{
	struct channel_test *t = test->priv;
	struct channel_user *user = open_mbim(test);

	local_bh_disable();
	iosm_channel_ring_again(&user->channel, IOSM_HEAD_UL);
	IOSM_FAKE_EXPECT_BELLS(t->fake, { IOSM_DB_HEAD, 6 });
	local_bh_enable();

	KUNIT_ASSERT_EQ(test, send(user, 2), 0);
	iosm_fake_forget_bells(t->fake);
	KUNIT_ASSERT_EQ(test, post(&user->channel, user->channel.ul, 100, GFP_KERNEL), 0);
	iosm_fake_set_head(t->fake, 12, 0);
	iosm_fake_set_head(t->fake, 13, 0);
	local_bh_disable();
	iosm_channel_ring_again(&user->channel, IOSM_HEAD_UL);
	iosm_channel_ring_ul(&user->channel, IOSM_HEAD_UL);
	local_bh_enable();
	IOSM_FAKE_EXPECT_BELLS(t->fake, { IOSM_DB_HEAD, 6 });
	KUNIT_EXPECT_EQ(test, iosm_fake_take_uplink(t->fake, 12), 3);
	KUNIT_EXPECT_EQ(test, iosm_fake_get_head(t->fake, 13), 0);
	iosm_fake_interrupt(t->fake);
	KUNIT_EXPECT_EQ(test, user->ul_done, 3);
}

/* A modem that has something to say as soon as it has a buffer */
static void ring_eager(struct iosm_bus *bus, enum iosm_doorbell bell, u32 value)
{
	struct iosm_fake *fake = container_of(bus, struct iosm_fake, bus);
	struct channel_test *t = fake->priv;

	t->usual_ops->ring(bus, bell, value);
	if (bell == IOSM_DB_HEAD && value == IOSM_HEAD_OPEN) {
		iosm_fake_send(fake, 13, "x", 1);
		iosm_fake_interrupt(fake);
	}
}

/* Its interrupt comes before the poll knows the channel. */
static void unit_that_comes_during_open_is_found(struct kunit *test)
{
	struct channel_test *t = test->priv;
	struct iosm_bus_ops eager;
	int ret;

	t->usual_ops = t->fake->bus.ops;
	eager = *t->usual_ops;
	eager.ring = ring_eager;
	t->fake->bus.ops = &eager;
	ret = open_user(t, 0, &iosm_channel_mbim);
	t->fake->bus.ops = t->usual_ops;
	KUNIT_ASSERT_EQ(test, ret, 0);
	KUNIT_EXPECT_EQ(test, t->users[0].dl_done, 1);
}

static void channels_do_not_disturb_each_other(struct kunit *test)
{
	struct channel_test *t = test->priv;
	unsigned int i;

	KUNIT_ASSERT_EQ(test, open_user(t, 0, &iosm_channel_mux_aggr), 0);
	KUNIT_ASSERT_EQ(test, open_user(t, 1, &iosm_channel_at0), 0);
	KUNIT_ASSERT_EQ(test, open_user(t, 2, &iosm_channel_at1), 0);
	KUNIT_ASSERT_EQ(test, open_user(t, 3, &iosm_channel_mbim), 0);
	iosm_fake_send(t->fake, 1, "x", 1);
	iosm_fake_send(t->fake, 5, "xx", 2);
	iosm_fake_send(t->fake, 9, "xxx", 3);
	iosm_fake_send(t->fake, 13, "xxxx", 4);
	iosm_fake_interrupt(t->fake);
	for (i = 0; i < USERS; i++)
		KUNIT_EXPECT_EQ(test, t->users[i].dl_bytes, i + 1);
	/* Control channels first */
	for (i = 1; i < USERS; i++)
		KUNIT_EXPECT_LT(test, t->users[i].polls_in_a_row,
				t->users[0].polls_in_a_row);

	close_user(t, 1);
	iosm_fake_send(t->fake, 9, "xxx", 3);
	iosm_fake_interrupt(t->fake);
	KUNIT_EXPECT_EQ(test, t->users[2].dl_done, 2);
	KUNIT_EXPECT_EQ(test, t->users[1].dl_done, 1);
}

static void more_than_the_budget_is_polled_to_the_end(struct kunit *test)
{
	/* More buffers than a control channel may handle at once */
	static const struct iosm_channel_config large = {
		.id = IOSM_CHANNEL_AT0,
		.ul_pipe = 4,
		.dl_pipe = 5,
		.ul_entries = 4,
		.dl_entries = 101,
		.buffer_size = 64,
		.open_reason = IOSM_HEAD_OPEN,
	};
	struct channel_test *t = test->priv;
	unsigned int i;

	KUNIT_ASSERT_EQ(test, open_user(t, 0, &large), 0);
	t->fake->mute = true;
	for (i = 0; i < 100; i++)
		KUNIT_ASSERT_TRUE(test, iosm_fake_send(t->fake, 5, "x", 1));
	t->fake->mute = false;
	iosm_fake_interrupt(t->fake);
	KUNIT_EXPECT_EQ(test, t->users[0].dl_done, 100);
}

static void multiplexer_gets_the_whole_budget(struct kunit *test)
{
	struct channel_test *t = test->priv;
	unsigned int i;

	KUNIT_ASSERT_EQ(test, open_user(t, 0, &iosm_channel_mux_lite), 0);
	for (i = 0; i < iosm_channel_mux_lite.dl_entries - 1; i++)
		KUNIT_ASSERT_TRUE(test, iosm_fake_send(t->fake, 1, "x", 1));
	iosm_fake_interrupt(t->fake);
	KUNIT_EXPECT_EQ(test, t->users[0].dl_done,
			iosm_channel_mux_lite.dl_entries - 1);
}

static void channel_without_downlink_is_polled_for_uplink(struct kunit *test)
{
	struct channel_test *t = test->priv;
	struct channel_user *user = &t->users[0];
	int ret;

	ret = iosm_channel_open(&user->channel, t->modem, &iosm_channel_at0,
				&uplink_only_ops, user);
	KUNIT_ASSERT_EQ(test, ret, 0);
	KUNIT_ASSERT_EQ(test, send(user, 1), 0);
	iosm_fake_take_uplink(t->fake, 4);
	iosm_fake_send(t->fake, 5, "x", 1);
	iosm_fake_interrupt(t->fake);
	KUNIT_EXPECT_EQ(test, user->ul_done, 1);
	KUNIT_EXPECT_EQ(test, user->dl_done, 0);
}

/* ---- Closing ---- */

static void close_gives_every_buffer_back(struct kunit *test)
{
	struct channel_test *t = test->priv;
	struct channel_user *user = open_mbim(test);

	KUNIT_ASSERT_EQ(test, send(user, 3), 0);
	user->hold = true;
	iosm_fake_complete(t->fake, 12, 100, 2);
	iosm_fake_interrupt(t->fake);
	iosm_fake_send(t->fake, 13, "x", 1);
	KUNIT_EXPECT_EQ(test, user->ul_done, 1);

	t->request_count = 0;
	close_user(t, 0);
	EXPECT_REQUESTS(test, 0x020c, 0x020d);
	KUNIT_EXPECT_EQ(test, user->reclaimed, 2 + 3);
	KUNIT_EXPECT_EQ(test, user->buffers, 0);
	KUNIT_EXPECT_TRUE(test, iosm_modem_online(t->modem));
}

/* S18: also when the modem writes tails of pipes that are closed */
static void closed_channel_is_left_alone(struct kunit *test)
{
	struct channel_test *t = test->priv;
	struct channel_user *user = open_mbim(test);
	unsigned int polls, i;

	close_user(t, 0);
	polls = user->polls;
	for (i = 0; i < 50; i++) {
		iosm_fake_set_tail(t->fake, 12, i);
		iosm_fake_set_tail(t->fake, 13, ~i);
		iosm_fake_interrupt(t->fake);
	}
	KUNIT_EXPECT_EQ(test, user->polls, polls);
	KUNIT_EXPECT_TRUE(test, iosm_modem_online(t->modem));
	KUNIT_EXPECT_EQ(test, open_user(t, 0, &iosm_channel_mbim), 0);
	KUNIT_EXPECT_EQ(test, user->dl_done, 0);
}

static const struct silent_case closes[] = {
	{ "uplink", 0x02, 12 },
	{ "downlink", 0x02, 13 },
};

KUNIT_ARRAY_PARAM_DESC(close, closes, desc);

static void refused_close_cuts_the_modem_off_first(struct kunit *test)
{
	const struct silent_case *c = test->param_value;
	struct channel_test *t = test->priv;
	struct channel_user *user = open_mbim(test);

	KUNIT_ASSERT_EQ(test, send(user, 2), 0);
	answer(t, c->type, c->pipe, IOSM_FAKE_REFUSED);
	close_user(t, 0);
	KUNIT_EXPECT_EQ(test, user->reclaimed, 5);
	KUNIT_EXPECT_FALSE(test, user->dma_at_reclaim);
	answer(t, 0, 0, 0);
	expect_recovery(test);
	KUNIT_EXPECT_EQ(test, open_user(t, 0, &iosm_channel_mbim), 0);
}

static void unanswered_close_cuts_the_modem_off_first(struct kunit *test)
{
	const struct silent_case *c = test->param_value;
	struct channel_test *t = test->priv;
	struct channel_user *user = open_mbim(test);

	KUNIT_ASSERT_EQ(test, send(user, 2), 0);
	answer(t, c->type, c->pipe, IOSM_FAKE_SILENT);
	t->modem->protocol.timeout = IOSM_FAKE_TIMEOUT;
	close_user(t, 0);
	t->modem->protocol.timeout = IOSM_CONTROL_TIMEOUT;
	KUNIT_EXPECT_EQ(test, user->reclaimed, 5);
	KUNIT_EXPECT_FALSE(test, user->dma_at_reclaim);
	KUNIT_EXPECT_EQ(test, iosm_fake_count_events(t->fake, "MDM_TIMEOUT"),
			1);
	answer(t, 0, 0, 0);
	expect_recovery(test);
	KUNIT_EXPECT_EQ(test, open_user(t, 0, &iosm_channel_mbim), 0);
}

/* The client has not been stopped yet; it closes when it is. */
static void channel_of_a_broken_session_closes_silently(struct kunit *test)
{
	struct channel_test *t = test->priv;
	struct channel_user *user = open_mbim(test);
	unsigned long start = jiffies;
	unsigned int polls;

	t->modem->protocol.timeout = IOSM_FAKE_NO_TIMEOUT;
	KUNIT_ASSERT_EQ(test, send(user, 2), 0);
	iosm_fake_crash(t->fake);
	iosm_fake_await(t->fake, IOSM_CRASHED);
	iosm_fake_forget_bells(t->fake);
	polls = user->polls;
	close_user(t, 0);
	KUNIT_EXPECT_EQ(test, user->polls, polls);
	KUNIT_EXPECT_EQ(test, user->reclaimed, 5);
	KUNIT_EXPECT_FALSE(test, user->dma_at_reclaim);
	KUNIT_EXPECT_LT(test, jiffies_to_msecs(jiffies - start),
			IOSM_FAKE_SOON);
	IOSM_FAKE_EXPECT_NO_BELL(t->fake);
}

/* ---- 10.6.3 S15 to S17, seen from above ---- */

struct tail_case {
	const char *desc;
	u8 pipe;
	u32 tail;
};

/* Two TDs are with the modem on pipe 12, three on pipe 13, of four. */
static const struct tail_case tails[] = {
	{ "S15: uplink, ring size", 12, 4 },
	{ "S15: uplink, all ones", 12, 0xffffffff },
	{ "S16: uplink, beyond the head", 12, 3 },
	{ "S17: downlink, ring size", 13, 4 },
	{ "S17: downlink, rubbish", 13, 0x80000000 },
};

KUNIT_ARRAY_PARAM_DESC(tail, tails, desc);

static void impossible_tail_ends_the_session(struct kunit *test)
{
	const struct tail_case *c = test->param_value;
	struct channel_test *t = test->priv;
	struct channel_user *user = open_mbim(test);

	KUNIT_ASSERT_EQ(test, send(user, 2), 0);
	/* So that no new session begins before the channel is closed */
	iosm_fake_set_stage(t->fake, STAGE_CRASH);
	iosm_fake_set_tail(t->fake, c->pipe, c->tail);
	iosm_fake_interrupt(t->fake);
	KUNIT_EXPECT_EQ(test, t->fake->dma_cuts, 1);
	KUNIT_EXPECT_EQ(test, user->ul_done, 0);
	KUNIT_EXPECT_EQ(test, user->dl_done, 0);
	iosm_fake_await(t->fake, IOSM_CRASHED);
	close_user(t, 0);
	KUNIT_EXPECT_EQ(test, user->reclaimed, 5);
	iosm_fake_set_stage(t->fake, STAGE_RUN);
	iosm_fake_await(t->fake, IOSM_ONLINE);
	KUNIT_EXPECT_EQ(test, open_user(t, 0, &iosm_channel_mbim), 0);
}

static struct kunit_case iosm_channel_cases[] = {
	KUNIT_CASE_PARAM(channel_is_opened_as_the_table_says,
			 config_gen_params),
	KUNIT_CASE(back_off_is_for_one_pipe),
	KUNIT_CASE(channels_have_pipes_of_their_own),
	KUNIT_CASE(used_channel_is_busy),
	KUNIT_CASE(closed_channel_can_be_opened_again),
	KUNIT_CASE(nothing_opens_while_not_online),
	KUNIT_CASE(refused_uplink_open_leaves_nothing),
	KUNIT_CASE(refused_downlink_open_closes_the_uplink),
	KUNIT_CASE(channel_without_buffers_is_closed),
	KUNIT_CASE_PARAM(unanswered_open_ends_the_session,
			 silent_gen_params),
	KUNIT_CASE(session_that_breaks_during_open_is_an_error),
	KUNIT_CASE(data_flows_both_ways),
	KUNIT_CASE(uplink_is_rung_again),
	KUNIT_CASE(unit_that_comes_during_open_is_found),
	KUNIT_CASE(channels_do_not_disturb_each_other),
	KUNIT_CASE(more_than_the_budget_is_polled_to_the_end),
	KUNIT_CASE(multiplexer_gets_the_whole_budget),
	KUNIT_CASE(channel_without_downlink_is_polled_for_uplink),
	KUNIT_CASE(close_gives_every_buffer_back),
	KUNIT_CASE(closed_channel_is_left_alone),
	KUNIT_CASE_PARAM(refused_close_cuts_the_modem_off_first,
			 close_gen_params),
	KUNIT_CASE_PARAM(unanswered_close_cuts_the_modem_off_first,
			 close_gen_params),
	KUNIT_CASE(channel_of_a_broken_session_closes_silently),
	KUNIT_CASE_PARAM(impossible_tail_ends_the_session, tail_gen_params),
	{}
};

static struct kunit_suite iosm_channel_suite = {
	.name = "iosm_channel",
	.init = iosm_channel_init_test,
	.test_cases = iosm_channel_cases,
};

kunit_test_suite(iosm_channel_suite);
