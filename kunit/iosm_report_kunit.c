// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of what people see: which failure is kept, what is in a snapshot, when
 * registers may be read, and that each value has one name.
 */

#include "iosm_kunit_bus.h"

#include "../iosm_ipc_report.h"

#define STAGE_RUN	0x600df00d
#define STAGE_CRASH	0x8badf00d
#define REG_STAGE	(0x00 / 4)
#define REG_IPC_STATE	(0x60 / 4)

#define NAMES		128
#define NAME_SIZE	48

/**
 * struct report_test - what a test knows
 * @fake: the modem
 * @modem: the core
 * @report: of @modem
 * @observer: tells @report
 * @snapshot: for the test; too large for the stack
 * @channel: for the test
 */
struct report_test {
	struct iosm_fake *fake;
	struct iosm_modem *modem;
	struct iosm_report report;
	struct iosm_observer observer;
	struct iosm_snapshot snapshot;
	struct iosm_channel channel;
};

/**
 * struct names - a sink that keeps the names
 * @sink: base
 * @test: fails if items or lists are not balanced
 * @name: full names, with the item that they belong to
 * @value: the values of numbers
 * @count: how many
 * @item: prefix
 * @in_list: between the beginning and the end of a list
 */
struct names {
	struct iosm_sink sink;
	struct kunit *test;
	char name[NAMES][NAME_SIZE];
	u64 value[NAMES];
	unsigned int count;
	char item[NAME_SIZE / 2];
	bool in_list;
};

static void names_number(struct iosm_sink *sink, const char *name, u64 value)
{
	struct names *names = container_of(sink, struct names, sink);

	KUNIT_ASSERT_LT(names->test, names->count, NAMES);
	names->value[names->count] = value;
	snprintf(names->name[names->count++], NAME_SIZE, "%s%s", names->item, name);
}

static void names_text(struct iosm_sink *sink, const char *name, const char *value)
{
	struct names *names = container_of(sink, struct names, sink);

	KUNIT_EXPECT_NOT_NULL(names->test, value);
	names_number(sink, name, 0);
}

static void names_flag(struct iosm_sink *sink, const char *name, bool value)
{
	names_number(sink, name, value);
}

static void names_list_begin(struct iosm_sink *sink, const char *name)
{
	struct names *names = container_of(sink, struct names, sink);

	KUNIT_EXPECT_FALSE(names->test, names->in_list);
	names->in_list = true;
}

static void names_list_end(struct iosm_sink *sink)
{
	struct names *names = container_of(sink, struct names, sink);

	KUNIT_EXPECT_TRUE(names->test, names->in_list);
	KUNIT_EXPECT_STREQ(names->test, names->item, "");
	names->in_list = false;
}

static void names_item_begin(struct iosm_sink *sink, const char *name, u64 number)
{
	struct names *names = container_of(sink, struct names, sink);

	KUNIT_EXPECT_TRUE(names->test, names->in_list);
	snprintf(names->item, sizeof(names->item), "%s %llu ", name, number);
}

static void names_item_end(struct iosm_sink *sink)
{
	struct names *names = container_of(sink, struct names, sink);

	names->item[0] = '\0';
}

static const struct iosm_sink_ops names_ops = {
	.text = names_text,
	.number = names_number,
	.flag = names_flag,
	.list_begin = names_list_begin,
	.list_end = names_list_end,
	.item_begin = names_item_begin,
	.item_end = names_item_end,
};

static struct names *show_now(struct kunit *test)
{
	struct report_test *t = test->priv;
	struct names *names = kunit_kzalloc(test, sizeof(*names), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, names);
	names->sink.ops = &names_ops;
	names->test = test;
	iosm_report_now(&t->report, &t->snapshot);
	iosm_report_show(&t->snapshot, &names->sink);
	iosm_report_show_failures(&t->report, &names->sink);
	KUNIT_EXPECT_FALSE(test, names->in_list);
	return names;
}

static int find(const struct names *names, const char *name)
{
	unsigned int i;

	for (i = 0; i < names->count; i++)
		if (!strcmp(names->name[i], name))
			return i;
	return -1;
}

static void observe_failure(struct iosm_observer *observer, const char *why)
{
	struct report_test *t = container_of(observer, struct report_test, observer);

	iosm_report_failure(&t->report, why);
}

static void observe_move(struct iosm_observer *observer, enum iosm_state to)
{
}

static const struct iosm_client *const no_clients[] = { NULL };

static int iosm_report_init_test(struct kunit *test)
{
	struct report_test *t = kunit_kzalloc(test, sizeof(*t), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, t);
	test->priv = t;
	t->fake = iosm_fake_create(test, 0x7560);
	t->modem = iosm_fake_modem(t->fake, no_clients);
	t->observer.failure = observe_failure;
	t->observer.moved = observe_move;
	iosm_report_init(&t->report, t->modem);
	iosm_modem_observe(t->modem, &t->observer);
	return 0;
}

/* ---- Failures ---- */

static void nothing_has_failed(struct kunit *test)
{
	struct report_test *t = test->priv;

	iosm_fake_go_online(t->fake);
	KUNIT_EXPECT_NULL(test, iosm_report_fetch(&t->report));
	iosm_report_last(&t->report, &t->snapshot);
	KUNIT_EXPECT_NULL(test, t->snapshot.reason);
	KUNIT_EXPECT_EQ(test, t->snapshot.state, IOSM_ONLINE);
}

static void first_failure_of_a_burst_is_kept(struct kunit *test)
{
	struct report_test *t = test->priv;

	iosm_report_failure(&t->report, "cause");
	iosm_fake_go_online(t->fake);
	iosm_report_failure(&t->report, "effect");

	KUNIT_EXPECT_EQ(test, t->report.failures, 2);
	KUNIT_EXPECT_STREQ(test, t->report.last_reason, "effect");
	KUNIT_EXPECT_STREQ(test, iosm_report_fetch(&t->report), "cause");
	KUNIT_EXPECT_NULL(test, iosm_report_fetch(&t->report));
	iosm_report_last(&t->report, &t->snapshot);
	KUNIT_EXPECT_STREQ(test, t->snapshot.reason, "cause");
	KUNIT_EXPECT_EQ(test, t->snapshot.state, IOSM_OFF);
}

static void next_burst_replaces_it(struct kunit *test)
{
	struct report_test *t = test->priv;

	iosm_report_failure(&t->report, "old");
	iosm_report_fetch(&t->report);
	iosm_report_failure(&t->report, "new");

	iosm_report_last(&t->report, &t->snapshot);
	KUNIT_EXPECT_STREQ(test, t->snapshot.reason, "new");
	KUNIT_EXPECT_STREQ(test, iosm_report_fetch(&t->report), "new");
	KUNIT_EXPECT_EQ(test, t->report.failures, 2);
}

static void failure_under_all_locks_is_no_deadlock(struct kunit *test)
{
	struct report_test *t = test->priv;

	spin_lock_bh(&t->modem->protocol.lock);
	spin_lock_bh(&t->modem->pm.lock);
	iosm_report_failure(&t->report, "in the middle of it");
	spin_unlock_bh(&t->modem->pm.lock);
	spin_unlock_bh(&t->modem->protocol.lock);
	KUNIT_EXPECT_STREQ(test, iosm_report_fetch(&t->report), "in the middle of it");
}

/* ---- Snapshots ---- */

static void broken_session_is_seen_before_it_is_cut_off(struct kunit *test)
{
	struct report_test *t = test->priv;

	iosm_fake_go_online(t->fake);
	iosm_modem_broken(t->modem, "impossible");

	iosm_report_last(&t->report, &t->snapshot);
	KUNIT_EXPECT_STREQ(test, t->snapshot.reason, "impossible");
	KUNIT_EXPECT_EQ(test, t->snapshot.state, IOSM_ONLINE);
	KUNIT_EXPECT_EQ(test, t->snapshot.session, IOSM_SESSION_BROKEN);
	KUNIT_EXPECT_EQ(test, t->snapshot.power, IOSM_PM_AWAKE);
	KUNIT_EXPECT_EQ(test, t->snapshot.stage, STAGE_RUN);
	KUNIT_EXPECT_EQ(test, t->snapshot.control_head, 2);
	KUNIT_EXPECT_EQ(test, t->snapshot.control_stats.requests, 2);
}

static void shared_block_is_that_of_the_moment(struct kunit *test)
{
	struct report_test *t = test->priv;

	iosm_fake_go_online(t->fake);
	iosm_fake_crash(t->fake);
	iosm_fake_await(t->fake, IOSM_CRASHED);
	/* The next session begins with an empty block. */
	iosm_fake_reboot(t->fake, STAGE_RUN);
	iosm_fake_await(t->fake, IOSM_ONLINE);

	iosm_report_last(&t->report, &t->snapshot);
	KUNIT_EXPECT_STREQ(test, t->snapshot.reason, "firmware crashed");
	KUNIT_EXPECT_EQ(test, le32_to_cpu(t->snapshot.shared.status.stage), STAGE_CRASH);
	KUNIT_EXPECT_EQ(test, le32_to_cpu(t->snapshot.shared.control_tail), 2);
	iosm_report_now(&t->report, &t->snapshot);
	KUNIT_EXPECT_EQ(test, le32_to_cpu(t->snapshot.shared.status.stage), STAGE_RUN);
}

static int fill_nothing(struct iosm_channel *channel)
{
	return 0;
}

static void poll_nothing(struct iosm_channel *channel)
{
}

static void reclaim_nothing(struct iosm_channel *channel, struct iosm_pipe *pipe,
			    const struct iosm_pipe_slot *slot)
{
}

static const struct iosm_channel_ops idle_ops = {
	.fill = fill_nothing,
	.poll_ul = poll_nothing,
	.reclaim = reclaim_nothing,
};

static void open_pipes_are_shown(struct kunit *test)
{
	struct report_test *t = test->priv;
	struct names *names;

	iosm_fake_go_online(t->fake);
	names = show_now(test);
	KUNIT_EXPECT_EQ(test, find(names, "pipe 4 entries"), -1);

	KUNIT_ASSERT_EQ(test, iosm_channel_open(&t->channel, t->modem, &iosm_channel_at0,
						&idle_ops, NULL), 0);
	names = show_now(test);
	iosm_channel_close(&t->channel);
	KUNIT_ASSERT_GE(test, find(names, "pipe 4 entries"), 0);
	KUNIT_ASSERT_GE(test, find(names, "pipe 5 entries"), 0);
	KUNIT_EXPECT_EQ(test, names->value[find(names, "pipe 5 entries")], 4);
	KUNIT_EXPECT_EQ(test, names->value[find(names, "open channels")], 1);
	KUNIT_EXPECT_EQ(test, find(names, "pipe 6 entries"), -1);
}

/* Nothing goes on: people want to know why. */
static void reason_to_wait_is_shown(struct kunit *test)
{
	struct report_test *t = test->priv;
	struct names *names;

	iosm_fake_go_online(t->fake);
	names = show_now(test);
	KUNIT_EXPECT_EQ(test, names->value[find(names, "held for bus error")], 0);
	KUNIT_EXPECT_EQ(test, names->value[find(names, "kept awake")], 0);
	iosm_modem_isolate(t->modem, false);
	names = show_now(test);
	KUNIT_EXPECT_EQ(test, names->value[find(names, "held for bus error")], 1);
	KUNIT_EXPECT_EQ(test, names->value[find(names, "held for reset")], 0);
	KUNIT_EXPECT_EQ(test, names->value[find(names, "kept awake")], 1);
	iosm_modem_rejoin(t->modem);
}

static void each_value_has_a_name_of_its_own(struct kunit *test)
{
	struct report_test *t = test->priv;
	struct names *names;
	unsigned int i;

	iosm_fake_go_online(t->fake);
	iosm_report_failure(&t->report, "something");
	KUNIT_ASSERT_EQ(test, iosm_channel_open(&t->channel, t->modem, &iosm_channel_at0,
						&idle_ops, NULL), 0);
	names = show_now(test);
	iosm_channel_close(&t->channel);
	KUNIT_EXPECT_GT(test, names->count, 40);
	for (i = 0; i < names->count; i++)
		KUNIT_EXPECT_EQ_MSG(test, find(names, names->name[i]), i, "%s", names->name[i]);
}

/* ---- Registers ---- */

static void registers_are_read_once(struct kunit *test)
{
	struct report_test *t = test->priv;
	unsigned int stages, states;
	int usage;

	iosm_fake_go_online(t->fake);
	stages = t->fake->reads[REG_STAGE];
	states = t->fake->reads[REG_IPC_STATE];
	usage = iosm_fake_usage(t->fake);
	iosm_report_now(&t->report, &t->snapshot);

	KUNIT_EXPECT_TRUE(test, t->snapshot.accessible);
	KUNIT_EXPECT_EQ(test, t->snapshot.stage, STAGE_RUN);
	KUNIT_EXPECT_EQ(test, t->snapshot.ipc_state, IOSM_IPC_RUNNING);
	KUNIT_EXPECT_EQ(test, t->fake->reads[REG_STAGE], stages + 1);
	KUNIT_EXPECT_EQ(test, t->fake->reads[REG_IPC_STATE], states + 1);
	KUNIT_EXPECT_EQ(test, iosm_fake_usage(t->fake), usage);
}

static void expect_no_read(struct kunit *test)
{
	struct report_test *t = test->priv;
	unsigned int stages = t->fake->reads[REG_STAGE];
	unsigned int states = t->fake->reads[REG_IPC_STATE];

	iosm_report_now(&t->report, &t->snapshot);
	KUNIT_EXPECT_FALSE(test, t->snapshot.accessible);
	KUNIT_EXPECT_EQ(test, t->fake->reads[REG_STAGE], stages);
	KUNIT_EXPECT_EQ(test, t->fake->reads[REG_IPC_STATE], states);
}

static void registers_of_a_sleeping_function_are_left_alone(struct kunit *test)
{
	struct report_test *t = test->priv;

	iosm_fake_go_online(t->fake);
	KUNIT_ASSERT_EQ(test, iosm_modem_suspend(t->modem), 0);
	iosm_fake_enter_d3(t->fake);
	expect_no_read(test);
	KUNIT_EXPECT_EQ(test, t->snapshot.state, IOSM_SUSPENDED);
	iosm_fake_leave_d3(t->fake);
	iosm_modem_resume(t->modem);
	iosm_modem_release(t->modem);
	iosm_report_now(&t->report, &t->snapshot);
	KUNIT_EXPECT_TRUE(test, t->snapshot.accessible);
}

static void registers_of_an_unused_function_are_left_alone(struct kunit *test)
{
	struct report_test *t = test->priv;

	iosm_fake_go_online(t->fake);
	KUNIT_ASSERT_EQ(test, iosm_modem_runtime_suspend(t->modem), 0);
	iosm_fake_enter_d3(t->fake);
	expect_no_read(test);
	iosm_fake_leave_d3(t->fake);
	iosm_modem_runtime_resume(t->modem);
	KUNIT_EXPECT_EQ(test, iosm_modem_state(t->modem), IOSM_ONLINE);
}

static void registers_are_left_alone_in_a_reset(struct kunit *test)
{
	struct report_test *t = test->priv;

	iosm_fake_go_online(t->fake);
	iosm_modem_reset_prepare(t->modem);
	expect_no_read(test);
	iosm_modem_reset_done(t->modem);
	iosm_fake_await(t->fake, IOSM_ONLINE);
}

static void registers_are_left_alone_while_the_bus_fails(struct kunit *test)
{
	struct report_test *t = test->priv;
	unsigned int stages, states;

	iosm_fake_go_online(t->fake);
	stages = t->fake->reads[REG_STAGE];
	states = t->fake->reads[REG_IPC_STATE];
	iosm_modem_isolate(t->modem, false);
	/* It was reported, with a snapshot, once. */
	KUNIT_EXPECT_EQ(test, t->report.failures, 1);
	iosm_report_last(&t->report, &t->snapshot);
	KUNIT_EXPECT_STREQ(test, t->snapshot.reason, "bus error");
	KUNIT_EXPECT_FALSE(test, t->snapshot.accessible);
	KUNIT_EXPECT_EQ(test, t->fake->reads[REG_STAGE], stages);
	KUNIT_EXPECT_EQ(test, t->fake->reads[REG_IPC_STATE], states);

	expect_no_read(test);
	iosm_modem_rejoin(t->modem);
	iosm_fake_await(t->fake, IOSM_ONLINE);
	iosm_report_now(&t->report, &t->snapshot);
	KUNIT_EXPECT_TRUE(test, t->snapshot.accessible);
}

static void registers_of_a_lost_modem_are_left_alone(struct kunit *test)
{
	struct report_test *t = test->priv;

	iosm_fake_go_online(t->fake);
	t->fake->absent = true;
	iosm_modem_broken(t->modem, "silence");
	iosm_fake_await(t->fake, IOSM_LOST);
	expect_no_read(test);
}

static void registers_of_a_stopped_modem_are_left_alone(struct kunit *test)
{
	struct report_test *t = test->priv;

	iosm_fake_go_online(t->fake);
	iosm_modem_stop(t->modem);
	expect_no_read(test);
}

static struct kunit_case iosm_report_cases[] = {
	KUNIT_CASE(nothing_has_failed),
	KUNIT_CASE(first_failure_of_a_burst_is_kept),
	KUNIT_CASE(next_burst_replaces_it),
	KUNIT_CASE(failure_under_all_locks_is_no_deadlock),
	KUNIT_CASE(broken_session_is_seen_before_it_is_cut_off),
	KUNIT_CASE(shared_block_is_that_of_the_moment),
	KUNIT_CASE(open_pipes_are_shown),
	KUNIT_CASE(reason_to_wait_is_shown),
	KUNIT_CASE(each_value_has_a_name_of_its_own),
	KUNIT_CASE(registers_are_read_once),
	KUNIT_CASE(registers_of_a_sleeping_function_are_left_alone),
	KUNIT_CASE(registers_of_an_unused_function_are_left_alone),
	KUNIT_CASE(registers_are_left_alone_in_a_reset),
	KUNIT_CASE(registers_are_left_alone_while_the_bus_fails),
	KUNIT_CASE(registers_of_a_lost_modem_are_left_alone),
	KUNIT_CASE(registers_of_a_stopped_modem_are_left_alone),
	{}
};

static struct kunit_suite iosm_report_suite = {
	.name = "iosm_report",
	.init = iosm_report_init_test,
	.test_cases = iosm_report_cases,
};

kunit_test_suite(iosm_report_suite);
