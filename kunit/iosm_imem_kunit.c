// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of the core: the state table, bring-up step by step, each time-out, lost
 * interrupts, sessions that break, recovery, and teardown from every state
 * (protocol.rst 2.5, 8.6, 8.10, rows R1 to R11 of 10.6.2 and S1, S2, S5, S6 of
 * 10.6.3).
 */

#include <linux/kthread.h>

#include "iosm_kunit_bus.h"

#include "../iosm_ipc_imem_parts.h"

#define STAGE_BOOT	0xfeedb007
#define STAGE_PSI	0xfeedbeef
#define STAGE_EBL	0xfeedcafe
#define STAGE_RUN	0x600df00d
#define STAGE_CRASH	0x8badf00d
#define STAGE_CD_READY	0xbadc0ded
#define ALL_ONES	0xffffffff

#define TEARDOWN_BOUND	2000	/* milliseconds, of a modem that may be dead */

/**
 * struct imem_test - what a test knows
 * @fake: the modem
 * @modem: the core
 * @starts: of all clients together
 * @stops: of all clients together
 * @order: clients in the order of their starts (1, 2; of a loader, 3) and stops
 *	(negative)
 * @order_count: how many of both
 * @result: what the second client's next start returns, NULL for the usual
 * @dma_at_stop: bus mastering when a client was stopped last
 * @answer: to the next control request of type @answer_type, or to each while it is
 *	IOSM_FAKE_SILENT; all others succeed
 * @answer_type: 0 for none
 * @requests: type and argument bytes of the requests seen
 * @request_count: how many
 * @asked: completed at each request
 * @moves: reported to the observer
 * @moved_to: the last of them
 * @observer: puts them there
 */
struct imem_test {
	struct iosm_fake *fake;
	struct iosm_modem *modem;
	unsigned int starts;
	unsigned int stops;
	int order[16];
	unsigned int order_count;
	void *result;
	bool dma_at_stop;
	u32 answer;
	u8 answer_type;
	u32 requests[16];
	unsigned int request_count;
	struct completion asked;
	unsigned int moves;
	enum iosm_state moved_to;
	struct iosm_observer observer;
};

static struct imem_test *of_modem(struct iosm_modem *modem)
{
	return container_of(modem->bus, struct iosm_fake, bus)->priv;
}

static void note(struct imem_test *t, int what)
{
	if (t->order_count < ARRAY_SIZE(t->order))
		t->order[t->order_count++] = what;
}

static void *start_first(struct iosm_modem *modem)
{
	struct imem_test *t = of_modem(modem);

	t->starts++;
	note(t, 1);
	return t;
}

static void stop_first(void *instance)
{
	struct imem_test *t = instance;

	t->stops++;
	t->dma_at_stop = t->fake->dma;
	note(t, -1);
}

/* Points to a test, but is another instance than that of the first client. */
static void *start_second(struct iosm_modem *modem)
{
	struct imem_test *t = of_modem(modem);
	void *result = t->result;

	t->starts++;
	note(t, 2);
	t->result = NULL;
	return result ? result : &t->modem;
}

static void stop_second(void *instance)
{
	struct imem_test *t = container_of(instance, struct imem_test, modem);

	t->stops++;
	note(t, -2);
}

static void *start_nothing(struct iosm_modem *modem)
{
	return NULL;
}

static void stop_nothing(void *instance)
{
	/* There is no instance; the address 0 would be dereferenced. */
	stop_first(instance);
}

static void *start_loader(struct iosm_modem *modem)
{
	struct imem_test *t = of_modem(modem);

	t->starts++;
	note(t, 3);
	return t;
}

static void stop_loader(void *instance)
{
	struct imem_test *t = instance;

	t->stops++;
	note(t, -3);
}

static const struct iosm_client first = {
	.name = "first", .start = start_first, .stop = stop_first
};

static const struct iosm_client nothing = {
	.name = "nothing", .start = start_nothing, .stop = stop_nothing
};

static const struct iosm_client second = {
	.name = "second", .start = start_second, .stop = stop_second
};

static const struct iosm_client of_loader = {
	.name = "of a loader", .loader = true, .start = start_loader, .stop = stop_loader
};

static const struct iosm_client *const clients[] = {
	&first, &nothing, &second, &of_loader, NULL
};

static u32 control(struct iosm_fake *fake,
		   const struct iosm_fake_request *request)
{
	struct imem_test *t = fake->priv;

	/* Requests that are looked at again are noted once. */
	if (t->request_count < ARRAY_SIZE(t->requests))
		t->requests[t->request_count++] =
			request->type << 24 | request->raw[8] << 16 |
			request->raw[9] << 8 | request->raw[10];
	complete(&t->asked);
	if (t->answer_type != request->type)
		return IOSM_FAKE_OK;
	/* A request that was not answered is rung for again. */
	if (t->answer != IOSM_FAKE_SILENT)
		t->answer_type = 0;
	return t->answer;
}

static void note_failure(struct iosm_observer *observer, const char *why)
{
}

static void note_move(struct iosm_observer *observer, enum iosm_state to)
{
	struct imem_test *t = container_of(observer, struct imem_test, observer);

	t->moves++;
	t->moved_to = to;
}

static int iosm_imem_init_test(struct kunit *test)
{
	struct imem_test *t;

	t = kunit_kzalloc(test, sizeof(*t), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, t);
	test->priv = t;
	init_completion(&t->asked);
	t->fake = iosm_fake_create(test, IOSM_PCI_DEVICE_7560);
	t->fake->priv = t;
	t->fake->control = control;
	t->modem = iosm_fake_modem(t->fake, clients);
	t->observer.failure = note_failure;
	t->observer.moved = note_move;
	iosm_modem_observe(t->modem, &t->observer);
	return 0;
}

static void expect_order(struct kunit *test, const int *order,
			 unsigned int count)
{
	struct imem_test *t = test->priv;
	unsigned int i;

	KUNIT_ASSERT_EQ(test, t->order_count, count);
	for (i = 0; i < count; i++)
		KUNIT_EXPECT_EQ_MSG(test, t->order[i], order[i], "step %u", i);
}

#define EXPECT_ORDER(test, ...)						\
	do {								\
		const int order_[] = { __VA_ARGS__ };			\
									\
		expect_order(test, order_, ARRAY_SIZE(order_));		\
	} while (0)

static void expect_event(struct kunit *test, const char *event,
			 unsigned int times)
{
	struct imem_test *t = test->priv;

	KUNIT_EXPECT_EQ_MSG(test, iosm_fake_count_events(t->fake, event),
			    times, "event %s", event);
}

/* ---- The state table ---- */

#define TO(state) (1U << IOSM_##state)
#define ALWAYS (TO(LOST) | TO(GONE))
#define RESET TO(RECOVERING)

struct move_case {
	const char *desc;
	enum iosm_state from;
	u32 to;
};

/*
 * Written from the drawing, not from the driver's table: along its arrows, and from
 * each state of a running driver to RECOVERING, because the host may reset the
 * function at any time.
 */
static const struct move_case moves[] = {
	{ "off", IOSM_OFF,
	  TO(ROM) | TO(LOADER) | TO(STARTING) | TO(CRASHED) | TO(DUMP_READY) |
	  TO(FAILED) | RESET | ALWAYS },
	{ "boot ROM", IOSM_ROM,
	  TO(LOADER) | TO(STARTING) | TO(CRASHED) | TO(DUMP_READY) | RESET |
	  ALWAYS },
	{ "loader", IOSM_LOADER,
	  TO(ROM) | TO(LOADER_ONLINE) | TO(STARTING) | TO(CRASHED) |
	  TO(DUMP_READY) | RESET | ALWAYS },
	{ "loader online", IOSM_LOADER_ONLINE,
	  TO(CRASHED) | TO(DUMP_READY) | RESET | ALWAYS },
	{ "starting", IOSM_STARTING,
	  TO(ONLINE) | TO(CRASHED) | TO(DUMP_READY) | RESET | ALWAYS },
	{ "online", IOSM_ONLINE,
	  TO(SUSPENDED) | TO(CRASHED) | TO(DUMP_READY) | RESET | ALWAYS },
	{ "suspended", IOSM_SUSPENDED,
	  TO(ONLINE) | TO(CRASHED) | TO(DUMP_READY) | RESET | ALWAYS },
	{ "crashed", IOSM_CRASHED,
	  TO(ROM) | TO(LOADER) | TO(STARTING) | TO(DUMP_READY) | RESET |
	  ALWAYS },
	{ "dump ready", IOSM_DUMP_READY,
	  TO(ROM) | TO(LOADER) | TO(STARTING) | RESET | ALWAYS },
	{ "recovering", IOSM_RECOVERING,
	  TO(ROM) | TO(LOADER) | TO(STARTING) | TO(CRASHED) | TO(DUMP_READY) |
	  TO(FAILED) | ALWAYS },
	{ "failed", IOSM_FAILED, RESET | ALWAYS },
	{ "lost", IOSM_LOST, RESET | TO(GONE) },
	{ "gone", IOSM_GONE, 0 },
};

static_assert(ARRAY_SIZE(moves) == IOSM_STATE_COUNT);

KUNIT_ARRAY_PARAM_DESC(move, moves, desc);

static void only_drawn_moves_are_legal(struct kunit *test)
{
	const struct move_case *c = test->param_value;
	int to;

	for (to = 0; to < IOSM_STATE_COUNT; to++)
		KUNIT_EXPECT_EQ_MSG(test, iosm_state_move_legal(c->from, to),
				    !!(c->to & 1U << to), "%s to %s",
				    iosm_state_name(c->from),
				    iosm_state_name(to));
}

/* What user space is told of a state (8.6), but not after a mere sleep */
static const char *event_of(enum iosm_state from, enum iosm_state to)
{
	switch (to) {
	case IOSM_ROM:
		return "ROM_READY";
	case IOSM_ONLINE:
		return from == IOSM_SUSPENDED ? NULL : "MDM_READY";
	case IOSM_CRASHED:
		return "CRASH";
	case IOSM_DUMP_READY:
		return "CD_READY";
	case IOSM_FAILED:
	case IOSM_LOST:
		return "CD_READY_LINK_DOWN";
	case IOSM_GONE:
		return "MDM_NOT_READY";
	default:
		return NULL;
	}
}

/* A move that is not drawn does nothing, and nobody hears of it; all others are told. */
static void set_state_refuses_every_illegal_move(struct kunit *test)
{
	const struct move_case *c = test->param_value;
	struct imem_test *t = test->priv;
	enum iosm_state to;

	for (to = 0; to < IOSM_STATE_COUNT; to++) {
		bool legal = c->to & 1U << to;
		const char *event = legal ? event_of(c->from, to) : NULL;
		const char *name = iosm_state_name(to);

		WRITE_ONCE(t->modem->state, c->from);
		t->modem->loader_wanted = true;
		t->fake->event_count = 0;
		t->fake->state_count = 0;
		t->moves = 0;
		t->moved_to = IOSM_STATE_COUNT;

		KUNIT_EXPECT_EQ_MSG(test, iosm_modem_set_state(t->modem, to), legal,
				    "to %s", name);
		KUNIT_EXPECT_EQ_MSG(test, iosm_modem_state(t->modem),
				    legal ? to : c->from, "to %s", name);
		KUNIT_EXPECT_EQ_MSG(test, t->moves, legal, "to %s", name);
		KUNIT_EXPECT_EQ_MSG(test, t->moved_to, legal ? to : IOSM_STATE_COUNT,
				    "to %s", name);
		/* Those who wait for a state are woken up. */
		KUNIT_EXPECT_EQ_MSG(test, t->fake->state_count, legal, "to %s", name);
		KUNIT_EXPECT_EQ_MSG(test, t->fake->event_count, event ? 1 : 0,
				    "to %s", name);
		if (event)
			expect_event(test, event, 1);
		/* Who waits for a loader waits on. */
		if (!legal)
			KUNIT_EXPECT_TRUE_MSG(test, t->modem->loader_wanted, "to %s", name);
	}
	WRITE_ONCE(t->modem->state, IOSM_OFF);
}

static void every_state_has_a_name(struct kunit *test)
{
	int a, b;

	for (a = 0; a < IOSM_STATE_COUNT; a++) {
		KUNIT_ASSERT_NOT_NULL(test, iosm_state_name(a));
		for (b = 0; b < a; b++)
			KUNIT_EXPECT_STRNEQ(test, iosm_state_name(a),
					    iosm_state_name(b));
	}
}

struct event_case {
	const char *desc;
	enum iosm_event event;
};

/* protocol.rst 8.6 */
static const struct event_case events[] = {
	{ "MDM_NOT_READY", IOSM_EVENT_NOT_READY },
	{ "ROM_READY", IOSM_EVENT_ROM_READY },
	{ "MDM_READY", IOSM_EVENT_READY },
	{ "CRASH", IOSM_EVENT_CRASH },
	{ "CD_READY", IOSM_EVENT_CD_READY },
	{ "CD_READY_LINK_DOWN", IOSM_EVENT_LINK_DOWN },
	{ "MDM_TIMEOUT", IOSM_EVENT_TIMEOUT },
};

static_assert(ARRAY_SIZE(events) == IOSM_EVENT_COUNT);

KUNIT_ARRAY_PARAM_DESC(event, events, desc);

static void event_has_its_value(struct kunit *test)
{
	const struct event_case *c = test->param_value;
	struct imem_test *t = test->priv;

	iosm_modem_event(t->modem, c->event);
	KUNIT_EXPECT_EQ(test, t->fake->event_count, 1);
	expect_event(test, c->desc, 1);
}

/* ---- Bring-up ---- */

static void comes_online_in_the_right_order(struct kunit *test)
{
	struct imem_test *t = test->priv;

	iosm_fake_go_online(t->fake);
	IOSM_FAKE_EXPECT_STATES(t->fake, IOSM_STARTING, IOSM_ONLINE);
	IOSM_FAKE_EXPECT_BELLS(t->fake, { IOSM_DB_STATE, 1 },
			       { IOSM_DB_STATE, 2 }, { IOSM_DB_HEAD, 0 },
			       { IOSM_DB_HEAD, 0 });
	KUNIT_ASSERT_EQ(test, t->request_count, 2);
	KUNIT_EXPECT_EQ(test, t->requests[0], 0x04010000);
	KUNIT_EXPECT_EQ(test, t->requests[1], 0xf0000080);
	EXPECT_ORDER(test, 1, 2);
	KUNIT_EXPECT_TRUE(test, iosm_modem_online(t->modem));
	KUNIT_EXPECT_EQ(test, t->fake->event_count, 1);
	expect_event(test, "MDM_READY", 1);
}

struct stage_case {
	const char *desc;
	u32 stage;
	enum iosm_state state;
	const char *event;
};

/* R3: what probe may find */
static const struct stage_case stages[] = {
	{ "boot ROM", STAGE_BOOT, IOSM_ROM, "ROM_READY" },
	{ "first loader", STAGE_PSI, IOSM_LOADER, NULL },
	{ "second loader", STAGE_EBL, IOSM_LOADER, NULL },
	{ "crashed", STAGE_CRASH, IOSM_CRASHED, "CRASH" },
	{ "dump ready", STAGE_CD_READY, IOSM_DUMP_READY, "CD_READY" },
};

KUNIT_ARRAY_PARAM_DESC(stage, stages, desc);

static void other_stages_start_no_session(struct kunit *test)
{
	const struct stage_case *c = test->param_value;
	struct imem_test *t = test->priv;

	iosm_fake_set_stage(t->fake, c->stage);
	iosm_fake_step(t->fake);
	iosm_fake_step(t->fake);
	iosm_fake_step(t->fake);
	IOSM_FAKE_EXPECT_STATES(t->fake, c->state);
	IOSM_FAKE_EXPECT_NO_BELL(t->fake);
	KUNIT_EXPECT_FALSE(test, t->fake->dma);
	KUNIT_EXPECT_EQ(test, t->starts, 0);
	KUNIT_EXPECT_EQ(test, t->fake->event_count, c->event ? 1 : 0);
	if (c->event)
		expect_event(test, c->event, 1);
}

static void modem_that_boots_by_itself_comes_online(struct kunit *test)
{
	const struct stage_case *c = test->param_value;
	struct imem_test *t = test->priv;

	iosm_fake_set_stage(t->fake, c->stage);
	iosm_modem_start(t->modem);
	iosm_fake_await(t->fake, c->state);
	iosm_fake_set_stage(t->fake, STAGE_RUN);
	iosm_fake_await(t->fake, IOSM_ONLINE);
	IOSM_FAKE_EXPECT_STATES(t->fake, c->state, IOSM_STARTING, IOSM_ONLINE);
	expect_event(test, "MDM_READY", 1);
}

/* Boot ROM, both loaders, firmware: each is a legal move. */
static void cold_boot_goes_through_all_stages(struct kunit *test)
{
	struct imem_test *t = test->priv;

	iosm_fake_set_stage(t->fake, STAGE_BOOT);
	iosm_fake_step(t->fake);
	iosm_fake_set_stage(t->fake, STAGE_PSI);
	iosm_fake_step(t->fake);
	iosm_fake_set_stage(t->fake, STAGE_EBL);
	iosm_fake_step(t->fake);
	iosm_fake_set_stage(t->fake, STAGE_RUN);
	iosm_fake_go_online(t->fake);
	IOSM_FAKE_EXPECT_STATES(t->fake, IOSM_ROM, IOSM_LOADER, IOSM_STARTING,
				IOSM_ONLINE);
}

/* ---- R1: invalid stages ---- */

static void invalid_stage_is_awaited_for_50_reads(struct kunit *test)
{
	struct imem_test *t = test->priv;
	unsigned int i;

	iosm_fake_set_stage(t->fake, 0);
	for (i = 0; i < 49; i++)
		iosm_fake_step(t->fake);
	KUNIT_EXPECT_EQ(test, t->fake->reads[0], 49);
	KUNIT_EXPECT_EQ(test, iosm_modem_state(t->modem), IOSM_OFF);

	iosm_fake_step(t->fake);
	IOSM_FAKE_EXPECT_STATES(t->fake, IOSM_LOST);
	expect_event(test, "CD_READY_LINK_DOWN", 1);
	KUNIT_EXPECT_EQ(test, t->fake->event_count, 1);
	KUNIT_EXPECT_FALSE(test, t->fake->dma);
}

static void stage_that_becomes_valid_in_time_counts(struct kunit *test)
{
	struct imem_test *t = test->priv;
	unsigned int i;

	iosm_fake_set_stage(t->fake, 0xdeadbeef);
	for (i = 0; i < 49; i++)
		iosm_fake_step(t->fake);
	iosm_fake_set_stage(t->fake, STAGE_RUN);
	iosm_fake_go_online(t->fake);
	IOSM_FAKE_EXPECT_STATES(t->fake, IOSM_STARTING, IOSM_ONLINE);
}

struct value_case {
	const char *desc;
	u32 value;
};

static const struct value_case bad_stages[] = {
	{ "0", 0 },
	{ "all ones", ALL_ONES },
	{ "one bit off", STAGE_RUN ^ 0x100 },
	{ "other byte order", 0x0df00d60 },
	{ "low half only", 0xf00d },
};

KUNIT_ARRAY_PARAM_DESC(bad_stage, bad_stages, desc);

static void later_invalid_stage_is_confirmed_first(struct kunit *test)
{
	const struct value_case *c = test->param_value;
	struct imem_test *t = test->priv;

	iosm_fake_set_stage(t->fake, STAGE_BOOT);
	iosm_fake_step(t->fake);

	/* Twice is a hiccup, and the count starts again after it. */
	iosm_fake_set_stage(t->fake, c->value);
	iosm_fake_step(t->fake);
	iosm_fake_step(t->fake);
	iosm_fake_set_stage(t->fake, STAGE_BOOT);
	iosm_fake_step(t->fake);
	iosm_fake_set_stage(t->fake, c->value);
	iosm_fake_step(t->fake);
	iosm_fake_step(t->fake);
	KUNIT_EXPECT_EQ(test, iosm_modem_state(t->modem), IOSM_ROM);
	expect_event(test, "CD_READY_LINK_DOWN", 0);

	iosm_fake_step(t->fake);
	IOSM_FAKE_EXPECT_STATES(t->fake, IOSM_ROM, IOSM_LOST);
	expect_event(test, "CD_READY_LINK_DOWN", 1);

	/* That is final, and announced once. */
	iosm_fake_set_stage(t->fake, STAGE_RUN);
	iosm_fake_step(t->fake);
	iosm_fake_step(t->fake);
	IOSM_FAKE_EXPECT_STATES(t->fake, IOSM_ROM, IOSM_LOST);
	expect_event(test, "CD_READY_LINK_DOWN", 1);
}

/* ---- R2: illegal stage transitions ---- */

static void stage_that_goes_back_is_not_followed(struct kunit *test)
{
	struct imem_test *t = test->priv;
	unsigned int i;

	iosm_fake_set_stage(t->fake, STAGE_CD_READY);
	iosm_fake_step(t->fake);
	for (i = 0; i < 20; i++) {
		iosm_fake_set_stage(t->fake, STAGE_CRASH);
		iosm_fake_step(t->fake);
		iosm_fake_set_stage(t->fake, STAGE_CD_READY);
		iosm_fake_step(t->fake);
	}
	IOSM_FAKE_EXPECT_STATES(t->fake, IOSM_DUMP_READY);
	KUNIT_EXPECT_EQ(test, t->fake->event_count, 1);
}

/* ---- R4: chip information ---- */

static const struct value_case chip_lengths[] = {
	{ "0", 0 },
	{ "57", 57 },
	{ "59", 59 },
	{ "60: with the two leading bytes", 60 },
	{ "255", 255 },
};

KUNIT_ARRAY_PARAM_DESC(chip_length, chip_lengths, desc);

static void other_chip_information_is_not_our_device(struct kunit *test)
{
	const struct value_case *c = test->param_value;
	struct imem_test *t = test->priv;

	t->fake->chip_length = c->value;
	iosm_modem_start(t->modem);
	iosm_fake_await(t->fake, IOSM_FAILED);
	IOSM_FAKE_EXPECT_STATES(t->fake, IOSM_FAILED);
	IOSM_FAKE_EXPECT_NO_BELL(t->fake);
	expect_event(test, "CD_READY_LINK_DOWN", 1);

	/* That is final. */
	t->fake->chip_length = 58;
	iosm_fake_step(t->fake);
	IOSM_FAKE_EXPECT_STATES(t->fake, IOSM_FAILED);
}

/* ---- An older session ---- */

static const struct value_case old_states[] = {
	{ "INIT", 1 },
	{ "RUNNING", 2 },
	{ "RECOVERY", 3 },
	{ "ERROR", 4 },
	{ "5", 5 },
	{ "R8: rubbish", 0x12345678 },
};

KUNIT_ARRAY_PARAM_DESC(old_state, old_states, desc);

static void session_of_an_earlier_driver_is_ended_first(struct kunit *test)
{
	const struct value_case *c = test->param_value;
	struct imem_test *t = test->priv;

	iosm_fake_set_reg(t->fake, 0x60, c->value);
	iosm_fake_go_online(t->fake);
	IOSM_FAKE_EXPECT_STATES(t->fake, IOSM_STARTING, IOSM_ONLINE);
	IOSM_FAKE_EXPECT_BELLS(t->fake, { IOSM_DB_STATE, 0 },
			       { IOSM_DB_STATE, 1 }, { IOSM_DB_STATE, 2 },
			       { IOSM_DB_HEAD, 0 }, { IOSM_DB_HEAD, 0 });
}

/* ---- R8: states that do not come ---- */

struct stuck_case {
	const char *desc;
	u32 first;		/* IPC state at the start */
	u32 ignored;		/* value of the state doorbell */
	u32 bound;		/* milliseconds */
};

static const struct stuck_case stucks[] = {
	{ "never UNINIT", 2, 0, 1000 },
	{ "never INIT", 0, 1, 10000 },
	{ "never RUNNING", 0, 2, 10000 },
};

KUNIT_ARRAY_PARAM_DESC(stuck, stucks, desc);

/* Run the state work until it waits for the answer that does not come. */
static void get_stuck(struct kunit *test, const struct stuck_case *c)
{
	struct imem_test *t = test->priv;
	unsigned int i;

	iosm_fake_set_reg(t->fake, 0x60, c->first);
	t->fake->ignored_states |= BIT(c->ignored);
	for (i = 0; i < 10; i++)
		iosm_fake_step(t->fake);
	KUNIT_ASSERT_EQ(test, iosm_modem_state(t->modem), IOSM_STARTING);
	KUNIT_ASSERT_EQ(test, iosm_fake_count_bells(t->fake, IOSM_DB_STATE,
						    c->ignored),
			1);
}

static void wait_for_a_state_is_bounded(struct kunit *test)
{
	const struct stuck_case *c = test->param_value;
	struct imem_test *t = test->priv;
	long left;

	get_stuck(test, c);
	left = t->modem->deadline - jiffies;
	KUNIT_EXPECT_LE(test, left, msecs_to_jiffies(c->bound));
	KUNIT_EXPECT_GT(test, left, 0);
	expect_event(test, "MDM_TIMEOUT", 0);

	iosm_fake_expire(t->fake);
	IOSM_FAKE_EXPECT_STATES(t->fake, IOSM_STARTING, IOSM_RECOVERING);
	expect_event(test, "MDM_TIMEOUT", 1);
	KUNIT_EXPECT_FALSE(test, t->fake->dma);
	KUNIT_EXPECT_TRUE(test, iosm_protocol_halted(&t->modem->protocol));

	/* A hiccup: the next try succeeds. */
	t->fake->ignored_states = 0;
	iosm_fake_go_online(t->fake);
	IOSM_FAKE_EXPECT_STATES(t->fake, IOSM_STARTING, IOSM_RECOVERING,
				IOSM_STARTING, IOSM_ONLINE);
	KUNIT_EXPECT_EQ(test, t->starts, 2);
}

static void state_that_never_comes_is_given_up(struct kunit *test)
{
	const struct stuck_case *c = test->param_value;
	struct imem_test *t = test->priv;
	unsigned int try, i;

	for (try = 0; try < 5; try++) {
		iosm_fake_forget_bells(t->fake);
		get_stuck(test, c);
		iosm_fake_expire(t->fake);
		KUNIT_ASSERT_EQ(test, iosm_modem_state(t->modem),
				IOSM_RECOVERING);
	}
	for (i = 0; i < 3; i++)
		iosm_fake_step(t->fake);
	KUNIT_EXPECT_EQ(test, iosm_modem_state(t->modem), IOSM_FAILED);
	KUNIT_EXPECT_EQ(test, t->fake->state_count, 5 * 2 + 1);
	expect_event(test, "MDM_TIMEOUT", 5);
	expect_event(test, "CD_READY_LINK_DOWN", 1);
	KUNIT_EXPECT_FALSE(test, t->fake->dma);
	KUNIT_EXPECT_EQ(test, t->starts, 0);
}

static void device_that_vanishes_while_starting_is_lost(struct kunit *test)
{
	const struct stuck_case *c = test->param_value;
	struct imem_test *t = test->priv;

	get_stuck(test, c);
	t->fake->absent = true;
	iosm_fake_step(t->fake);
	/* Shared memory stands still; only the deadline tells. */
	if (c->ignored == 2)
		iosm_fake_expire(t->fake);
	iosm_fake_step(t->fake);
	iosm_fake_step(t->fake);
	iosm_fake_step(t->fake);
	KUNIT_EXPECT_EQ(test, iosm_modem_state(t->modem), IOSM_LOST);
	expect_event(test, "CD_READY_LINK_DOWN", 1);
	KUNIT_EXPECT_FALSE(test, t->fake->dma);
}

/* A crash is not waited for until the deadline, and neither is a reboot. */
static const struct stage_case left_stages[] = {
	{ "crashed", STAGE_CRASH, IOSM_CRASHED, "CRASH" },
	{ "dump ready", STAGE_CD_READY, IOSM_DUMP_READY, "CD_READY" },
	{ "boot ROM", STAGE_BOOT, IOSM_RECOVERING, NULL },
	{ "loader", STAGE_EBL, IOSM_RECOVERING, NULL },
	{ "rubbish", 0x12345678, IOSM_RECOVERING, NULL },
	{ "gone", ALL_ONES, IOSM_LOST, "CD_READY_LINK_DOWN" },
};

KUNIT_ARRAY_PARAM_DESC(left_stage, left_stages, desc);

/* As after a reset of the function, with nothing to do yet */
static void begin_anew(struct imem_test *t)
{
	t->fake->ignored_states = 0;
	iosm_modem_reset_prepare(t->modem);
	iosm_fake_reboot(t->fake, STAGE_RUN);
	disable_delayed_work_sync(&t->modem->work);
	iosm_modem_reset_done(t->modem);
	enable_delayed_work(&t->modem->work);
	iosm_fake_forget_bells(t->fake);
	t->fake->event_count = 0;
	t->fake->state_count = 0;
}

static void modem_that_leaves_while_starting_is_noticed(struct kunit *test)
{
	const struct stage_case *c = test->param_value;
	struct imem_test *t = test->priv;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(stucks); i++) {
		begin_anew(t);
		get_stuck(test, &stucks[i]);
		iosm_fake_set_stage(t->fake, c->stage);
		iosm_fake_step(t->fake);
		IOSM_FAKE_EXPECT_STATES(t->fake, IOSM_STARTING, c->state);
		KUNIT_EXPECT_FALSE(test, t->fake->dma);
		KUNIT_EXPECT_EQ(test, t->fake->event_count, c->event ? 1 : 0);
		if (c->event)
			expect_event(test, c->event, 1);
	}
}

/* R4, the next time: another device may have been put into the slot. */
static void chip_information_is_looked_at_again(struct kunit *test)
{
	struct imem_test *t = test->priv;

	iosm_fake_go_online(t->fake);
	t->fake->chip_length = 57;
	iosm_modem_broken(t->modem, "test");
	iosm_fake_await(t->fake, IOSM_FAILED);
	IOSM_FAKE_EXPECT_STATES(t->fake, IOSM_STARTING, IOSM_ONLINE,
				IOSM_RECOVERING, IOSM_FAILED);
	KUNIT_EXPECT_FALSE(test, t->fake->dma);
}

/* INIT is awaited, but the modem says something else. */
static void other_state_than_init_is_not_taken_for_it(struct kunit *test)
{
	static const u32 values[] = { 0, 2, 3, 4, 5, 0x101, 0x7fffffff };
	struct imem_test *t = test->priv;
	unsigned int i;

	get_stuck(test, &(struct stuck_case){ .ignored = 1 });
	for (i = 0; i < ARRAY_SIZE(values); i++) {
		iosm_fake_set_reg(t->fake, 0x60, values[i]);
		iosm_fake_step(t->fake);
		IOSM_FAKE_EXPECT_BELLS(t->fake, { IOSM_DB_STATE, 1 });
	}
	iosm_fake_set_reg(t->fake, 0x60, 1);
	iosm_fake_go_online(t->fake);
}

/* ---- Interrupts that are lost, or come when nobody expects them ---- */

static u32 unmute(struct iosm_fake *fake,
		  const struct iosm_fake_request *request)
{
	fake->mute = false;
	return control(fake, request);
}

static void running_without_an_interrupt_is_noticed(struct kunit *test)
{
	struct imem_test *t = test->priv;

	t->fake->mute = true;
	t->fake->control = unmute;
	iosm_fake_go_online(t->fake);
	IOSM_FAKE_EXPECT_STATES(t->fake, IOSM_STARTING, IOSM_ONLINE);
	expect_event(test, "MDM_TIMEOUT", 0);
}

static void running_that_takes_its_time_is_awaited(struct kunit *test)
{
	struct imem_test *t = test->priv;

	get_stuck(test, &(struct stuck_case){ .ignored = 2 });
	KUNIT_ASSERT_TRUE(test, iosm_fake_enter_running(t->fake));
	iosm_fake_await(t->fake, IOSM_ONLINE);
	KUNIT_EXPECT_EQ(test, t->starts, 2);
}

static void session_that_nobody_asked_for_is_not_believed(struct kunit *test)
{
	struct imem_test *t = test->priv;

	get_stuck(test, &(struct stuck_case){ .ignored = 1 });
	/* It knows the address from before, say. */
	t->fake->status = t->modem->protocol.shm_dma +
			  offsetof(struct iosm_shared, status);
	iosm_fake_write_status(t->fake, STAGE_RUN, 2, 1);
	iosm_fake_interrupt(t->fake);
	iosm_fake_step(t->fake);
	KUNIT_EXPECT_FALSE(test, iosm_modem_online(t->modem));
	IOSM_FAKE_EXPECT_BELLS(t->fake, { IOSM_DB_STATE, 1 });
	KUNIT_EXPECT_EQ(test, t->starts, 0);
}

/* S2: bring-up runs once, however often the modem says that it runs. */
static void repeated_interrupts_start_nothing_again(struct kunit *test)
{
	struct imem_test *t = test->priv;
	unsigned int i;

	iosm_fake_go_online(t->fake);
	for (i = 0; i < 200; i++) {
		iosm_fake_write_status(t->fake, STAGE_RUN, 2, 0);
		iosm_fake_interrupt(t->fake);
	}
	iosm_fake_step(t->fake);
	IOSM_FAKE_EXPECT_STATES(t->fake, IOSM_STARTING, IOSM_ONLINE);
	KUNIT_EXPECT_EQ(test, t->request_count, 2);
	KUNIT_EXPECT_EQ(test, t->starts, 2);
	KUNIT_EXPECT_EQ(test, t->fake->event_count, 1);
}

/* ---- Requests of the bring-up ---- */

struct request_case {
	const char *desc;
	u8 type;
};

static const struct request_case requests[] = {
	{ "SLEEP", 0x04 },
	{ "FEATURES", 0xf0 },
};

KUNIT_ARRAY_PARAM_DESC(request, requests, desc);

static void refused_request_fails_the_start(struct kunit *test)
{
	const struct request_case *c = test->param_value;
	struct imem_test *t = test->priv;

	t->answer_type = c->type;
	t->answer = IOSM_FAKE_REFUSED;
	iosm_modem_start(t->modem);
	iosm_fake_await(t->fake, IOSM_ONLINE);
	IOSM_FAKE_EXPECT_STATES(t->fake, IOSM_STARTING, IOSM_RECOVERING,
				IOSM_STARTING, IOSM_ONLINE);
	KUNIT_EXPECT_EQ(test, t->fake->dma_cuts, 1);
	expect_event(test, "MDM_TIMEOUT", 0);
	KUNIT_EXPECT_EQ(test, t->starts, 2);
}

static void unanswered_request_fails_the_start(struct kunit *test)
{
	const struct request_case *c = test->param_value;
	struct imem_test *t = test->priv;

	t->answer_type = c->type;
	t->answer = IOSM_FAKE_SILENT;
	t->modem->protocol.timeout = IOSM_FAKE_TIMEOUT;
	iosm_modem_start(t->modem);
	iosm_fake_await(t->fake, IOSM_RECOVERING);
	KUNIT_EXPECT_EQ(test, t->modem->protocol.stats.repeated, 1);
	KUNIT_EXPECT_EQ(test, t->modem->protocol.stats.timeouts, 1);
	t->answer_type = 0;
	t->modem->protocol.timeout = IOSM_CONTROL_TIMEOUT;
	iosm_fake_await(t->fake, IOSM_ONLINE);
	IOSM_FAKE_EXPECT_STATES(t->fake, IOSM_STARTING, IOSM_RECOVERING,
				IOSM_STARTING, IOSM_ONLINE);
	KUNIT_EXPECT_EQ(test, t->fake->dma_cuts, 1);
	expect_event(test, "MDM_TIMEOUT", 1);
	KUNIT_EXPECT_EQ(test, t->starts, 2);
}

/* ---- R9, R10: version and capabilities ---- */

struct caps_case {
	const char *desc;
	u32 version;
	u32 caps;
	u32 expected;
	unsigned int reads;	/* of the capabilities */
};

static const struct caps_case caps_table[] = {
	{ "old firmware has no capabilities", 0xff, ALL_ONES, 0, 0 },
	{ "version 0", 0, 0x300, 0, 0 },
	{ "first version with capabilities", 0x100, 0x200300, 0x200300, 1 },
	{ "later version", 0x12345678, 0x100, 0x100, 1 },
	{ "largest valid version", 0xfffffffe, 0, 0, 1 },
	{ "R10: arbitrary bits", 0x100, 0xdeadbeef, 0xdeadbeef, 1 },
	{ "R10: all ones", 0x100, ALL_ONES, ALL_ONES, 1 },
};

KUNIT_ARRAY_PARAM_DESC(caps, caps_table, desc);

static void capabilities_are_sampled_once(struct kunit *test)
{
	const struct caps_case *c = test->param_value;
	struct imem_test *t = test->priv;

	iosm_fake_set_reg(t->fake, 0xf0, c->version);
	iosm_fake_set_reg(t->fake, 0xf4, c->caps);
	iosm_fake_go_online(t->fake);
	KUNIT_EXPECT_EQ(test, t->modem->fw_version, c->version);
	KUNIT_EXPECT_EQ(test, t->modem->fw_caps, c->expected);
	KUNIT_EXPECT_EQ(test, t->fake->reads[0xf0 / 4], 1);
	KUNIT_EXPECT_EQ(test, t->fake->reads[0xf4 / 4], c->reads);
}

static void invalid_version_fails_the_start(struct kunit *test)
{
	struct imem_test *t = test->priv;

	iosm_fake_set_reg(t->fake, 0xf0, ALL_ONES);
	iosm_modem_start(t->modem);
	iosm_fake_await(t->fake, IOSM_RECOVERING);
	KUNIT_EXPECT_EQ(test, t->starts, 0);
	KUNIT_EXPECT_EQ(test, t->fake->reads[0xf4 / 4], 0);
	KUNIT_EXPECT_GE(test, t->fake->dma_cuts, 1);
}

/* Each session samples anew, and forgets what the last one had. */
static void next_session_has_its_own_capabilities(struct kunit *test)
{
	struct imem_test *t = test->priv;

	iosm_fake_set_reg(t->fake, 0xf4, 0x300);
	iosm_fake_go_online(t->fake);
	KUNIT_EXPECT_EQ(test, t->modem->fw_caps, 0x300);
	iosm_fake_set_reg(t->fake, 0xf0, 0x20);
	iosm_modem_broken(t->modem, "test");
	iosm_fake_await(t->fake, IOSM_ONLINE);
	KUNIT_EXPECT_EQ(test, t->modem->fw_version, 0x20);
	KUNIT_EXPECT_EQ(test, t->modem->fw_caps, 0);
}

/* ---- Clients ---- */

static void clients_stop_in_reverse_order(struct kunit *test)
{
	struct imem_test *t = test->priv;

	iosm_fake_go_online(t->fake);
	iosm_fake_stop_modem(t->fake);
	EXPECT_ORDER(test, 1, 2, -2, -1);
	/* The modem still answers while they say goodbye. */
	KUNIT_EXPECT_TRUE(test, t->dma_at_stop);
}

static void client_that_fails_takes_back_the_others(struct kunit *test)
{
	struct imem_test *t = test->priv;

	t->result = ERR_PTR(-ENOMEM);
	iosm_fake_go_online(t->fake);
	IOSM_FAKE_EXPECT_STATES(t->fake, IOSM_STARTING, IOSM_RECOVERING,
				IOSM_STARTING, IOSM_ONLINE);
	EXPECT_ORDER(test, 1, 2, -1, 1, 2);
	expect_event(test, "MDM_READY", 1);
}

/* ---- Sessions that break ---- */

struct status_case {
	const char *desc;
	u32 stage;
	u32 ipc_state;
	enum iosm_state next;
};

/* S1, S2; the stage register says RUN all the time. */
static const struct status_case statuses[] = {
	{ "S2: UNINIT", STAGE_RUN, 0, IOSM_RECOVERING },
	{ "S2: INIT", STAGE_RUN, 1, IOSM_RECOVERING },
	{ "S2: RECOVERY", STAGE_RUN, 3, IOSM_RECOVERING },
	{ "S2: ERROR", STAGE_RUN, 4, IOSM_RECOVERING },
	{ "S2: RUNNING and rubbish above", STAGE_RUN, 0x102, IOSM_RECOVERING },
	{ "S1: boot ROM", STAGE_BOOT, 2, IOSM_RECOVERING },
	{ "S1: loader", STAGE_EBL, 2, IOSM_RECOVERING },
	{ "S1: rubbish", 0xdeadbeef, 2, IOSM_RECOVERING },
	{ "S1: all ones", ALL_ONES, ALL_ONES, IOSM_RECOVERING },
	{ "S1: zeroes", 0, 0, IOSM_RECOVERING },
	{ "S1: crash", STAGE_CRASH, 2, IOSM_CRASHED },
	{ "S1: crash, IPC gone", STAGE_CRASH, 0, IOSM_CRASHED },
	{ "S1: dump ready", STAGE_CD_READY, 2, IOSM_DUMP_READY },
};

KUNIT_ARRAY_PARAM_DESC(status, statuses, desc);

static void any_other_status_ends_the_session(struct kunit *test)
{
	const struct status_case *c = test->param_value;
	struct imem_test *t = test->priv;

	iosm_fake_go_online(t->fake);
	iosm_fake_write_status(t->fake, c->stage, c->ipc_state, 0);
	iosm_fake_interrupt(t->fake);
	/* Cut off before anything else. */
	KUNIT_EXPECT_EQ(test, t->fake->dma_cuts, 1);

	iosm_fake_await(t->fake, c->next);
	iosm_fake_await(t->fake, IOSM_ONLINE);
	IOSM_FAKE_EXPECT_STATES(t->fake, IOSM_STARTING, IOSM_ONLINE, c->next,
				IOSM_STARTING, IOSM_ONLINE);
	EXPECT_ORDER(test, 1, 2, -2, -1, 1, 2);
	KUNIT_EXPECT_FALSE(test, t->dma_at_stop);
	expect_event(test, "MDM_READY", 2);
}

static void crash_is_followed_to_the_end(struct kunit *test)
{
	struct imem_test *t = test->priv;

	iosm_fake_go_online(t->fake);
	iosm_fake_crash(t->fake);
	iosm_fake_await(t->fake, IOSM_CRASHED);
	KUNIT_EXPECT_EQ(test, t->stops, 2);
	KUNIT_EXPECT_FALSE(test, t->fake->dma);

	iosm_fake_reboot(t->fake, STAGE_CD_READY);
	iosm_fake_await(t->fake, IOSM_DUMP_READY);
	iosm_fake_reboot(t->fake, STAGE_BOOT);
	iosm_fake_await(t->fake, IOSM_ROM);
	iosm_fake_reboot(t->fake, STAGE_RUN);
	iosm_fake_await(t->fake, IOSM_ONLINE);
	IOSM_FAKE_EXPECT_STATES(t->fake, IOSM_STARTING, IOSM_ONLINE,
				IOSM_CRASHED, IOSM_DUMP_READY, IOSM_ROM,
				IOSM_STARTING, IOSM_ONLINE);
	expect_event(test, "CRASH", 1);
	expect_event(test, "CD_READY", 1);
	expect_event(test, "ROM_READY", 1);
	expect_event(test, "MDM_READY", 2);
	KUNIT_EXPECT_EQ(test, t->fake->event_count, 5);
}

/* The modem was reset behind our back; a request finds out. */
static void silent_reboot_is_recovered_from(struct kunit *test)
{
	struct imem_test *t = test->priv;
	int ret;

	iosm_fake_go_online(t->fake);
	iosm_fake_reboot(t->fake, STAGE_RUN);
	t->modem->protocol.timeout = IOSM_FAKE_TIMEOUT;
	ret = iosm_protocol_features(&t->modem->protocol, 0);
	t->modem->protocol.timeout = IOSM_CONTROL_TIMEOUT;
	KUNIT_EXPECT_EQ(test, ret, -ETIMEDOUT);
	KUNIT_EXPECT_EQ(test, t->fake->dma_cuts, 1);
	iosm_fake_await(t->fake, IOSM_ONLINE);
	IOSM_FAKE_EXPECT_STATES(t->fake, IOSM_STARTING, IOSM_ONLINE,
				IOSM_RECOVERING, IOSM_STARTING, IOSM_ONLINE);
	expect_event(test, "MDM_TIMEOUT", 1);
}

/* S6, S7 seen from above */
static void impossible_control_tail_is_recovered_from(struct kunit *test)
{
	struct imem_test *t = test->priv;

	iosm_fake_go_online(t->fake);
	iosm_fake_set_control_tail(t->fake, 128);
	iosm_fake_interrupt(t->fake);
	KUNIT_EXPECT_EQ(test, t->fake->dma_cuts, 1);
	iosm_fake_await(t->fake, IOSM_ONLINE);
	IOSM_FAKE_EXPECT_STATES(t->fake, IOSM_STARTING, IOSM_ONLINE,
				IOSM_RECOVERING, IOSM_STARTING, IOSM_ONLINE);
	expect_event(test, "MDM_TIMEOUT", 0);
}

/* S5 seen from above */
static void modem_that_does_not_wake_up_is_recovered_from(struct kunit *test)
{
	struct imem_test *t = test->priv;
	struct iosm_pm *pm = &t->modem->pm;
	unsigned int i;

	iosm_fake_go_online(t->fake);
	t->fake->stubborn = true;
	iosm_fake_notify(t->fake, 1);
	KUNIT_ASSERT_TRUE(test, t->fake->asleep);
	iosm_pm_ring_head(pm, IOSM_HEAD_UL);
	for (i = 0; i < 10; i++) {
		KUNIT_ASSERT_TRUE(test, iosm_modem_online(t->modem));
		timer_delete_sync(&pm->retry);
		local_bh_disable();
		pm->retry.function(&pm->retry);
		local_bh_enable();
	}
	KUNIT_EXPECT_EQ(test, t->fake->dma_cuts, 1);
	t->fake->stubborn = false;
	iosm_fake_await(t->fake, IOSM_ONLINE);
	IOSM_FAKE_EXPECT_STATES(t->fake, IOSM_STARTING, IOSM_ONLINE,
				IOSM_RECOVERING, IOSM_STARTING, IOSM_ONLINE);

	/* The new session does not inherit the sleep. */
	iosm_fake_forget_bells(t->fake);
	iosm_pm_ring_head(pm, IOSM_HEAD_UL);
	IOSM_FAKE_EXPECT_BELLS(t->fake, { IOSM_DB_HEAD, 6 });
}

static void session_breaks_only_once(struct kunit *test)
{
	struct imem_test *t = test->priv;
	unsigned int i;

	iosm_fake_go_online(t->fake);
	for (i = 0; i < 10; i++)
		iosm_modem_broken(t->modem, "test");
	iosm_fake_await(t->fake, IOSM_ONLINE);
	IOSM_FAKE_EXPECT_STATES(t->fake, IOSM_STARTING, IOSM_ONLINE,
				IOSM_RECOVERING, IOSM_STARTING, IOSM_ONLINE);
	EXPECT_ORDER(test, 1, 2, -2, -1, 1, 2);
}

static void nothing_breaks_without_a_session(struct kunit *test)
{
	struct imem_test *t = test->priv;

	iosm_fake_set_stage(t->fake, STAGE_BOOT);
	iosm_fake_step(t->fake);
	iosm_modem_broken(t->modem, "test");
	iosm_fake_step(t->fake);
	IOSM_FAKE_EXPECT_STATES(t->fake, IOSM_ROM);
}

static void device_that_vanishes_while_online_is_lost(struct kunit *test)
{
	struct imem_test *t = test->priv;

	iosm_fake_go_online(t->fake);
	t->fake->absent = true;
	iosm_modem_broken(t->modem, "test");
	iosm_fake_await(t->fake, IOSM_LOST);
	IOSM_FAKE_EXPECT_STATES(t->fake, IOSM_STARTING, IOSM_ONLINE, IOSM_LOST);
	KUNIT_EXPECT_EQ(test, t->stops, 2);
	KUNIT_EXPECT_FALSE(test, t->fake->dma);
	expect_event(test, "CD_READY_LINK_DOWN", 1);
}

/* ---- R11: attempts ---- */

/* The modem leaves each session as soon as bring-up asks for something. */
static u32 leave_session(struct iosm_fake *fake,
			 const struct iosm_fake_request *request)
{
	struct imem_test *t = fake->priv;

	t->request_count += request->index + 1;
	iosm_fake_write_status(fake, STAGE_RUN, 0, 0);
	return IOSM_FAKE_OK;
}

static void endless_restarts_are_given_up(struct kunit *test)
{
	struct imem_test *t = test->priv;
	unsigned int i;

	t->fake->control = leave_session;
	for (i = 0; i < 100 && iosm_modem_state(t->modem) != IOSM_FAILED; i++)
		iosm_fake_step(t->fake);
	KUNIT_EXPECT_EQ(test, iosm_modem_state(t->modem), IOSM_FAILED);
	/* Each attempt is made anew: the first request is always entry 0. */
	KUNIT_EXPECT_EQ(test, iosm_fake_count_bells(t->fake, IOSM_DB_STATE, 2),
			5);
	KUNIT_EXPECT_EQ(test, t->request_count, 5);
	KUNIT_EXPECT_EQ(test, t->starts, 0);
	expect_event(test, "CD_READY_LINK_DOWN", 1);
}

static void break_and_recover(struct kunit *test, bool lasting)
{
	struct imem_test *t = test->priv;

	if (lasting)
		t->modem->online_since = jiffies - msecs_to_jiffies(10001);
	iosm_modem_broken(t->modem, "test");
	iosm_fake_await(t->fake, IOSM_RECOVERING);
}

static void sessions_that_do_not_last_are_given_up(struct kunit *test)
{
	struct imem_test *t = test->priv;
	unsigned int i;

	iosm_fake_go_online(t->fake);
	for (i = 0; i < 4; i++) {
		break_and_recover(test, false);
		iosm_fake_await(t->fake, IOSM_ONLINE);
	}
	break_and_recover(test, false);
	iosm_fake_await(t->fake, IOSM_FAILED);
	KUNIT_EXPECT_FALSE(test, t->fake->dma);
	expect_event(test, "MDM_READY", 5);
	expect_event(test, "CD_READY_LINK_DOWN", 1);
}

static void lasting_session_forgives_earlier_failures(struct kunit *test)
{
	struct imem_test *t = test->priv;
	unsigned int i;

	iosm_fake_go_online(t->fake);
	for (i = 0; i < 12; i++) {
		break_and_recover(test, i % 4 == 3);
		iosm_fake_await(t->fake, IOSM_ONLINE);
	}
	expect_event(test, "MDM_READY", 13);
}

/* The pause grows with the attempts, and stays bounded however many crashes. */
static void pause_before_a_restart_is_bounded(struct kunit *test)
{
	struct imem_test *t = test->priv;
	unsigned int i;
	long left;

	iosm_fake_go_online(t->fake);
	for (i = 0; i < 40; i++) {
		iosm_fake_crash(t->fake);
		iosm_fake_await(t->fake, IOSM_CRASHED);
		iosm_fake_reboot(t->fake, STAGE_RUN);
		iosm_fake_await(t->fake, IOSM_ONLINE);
	}
	/* Awaiting a state would skip the pause. */
	disable_delayed_work_sync(&t->modem->work);
	iosm_modem_broken(t->modem, "test");
	enable_delayed_work(&t->modem->work);
	mod_delayed_work(t->modem->wq, &t->modem->work, 0);
	flush_work(&t->modem->work.work);
	KUNIT_EXPECT_EQ(test, iosm_modem_state(t->modem), IOSM_RECOVERING);
	left = t->modem->work.timer.expires - jiffies;
	KUNIT_EXPECT_TRUE(test, delayed_work_pending(&t->modem->work));
	KUNIT_EXPECT_LE(test, left, msecs_to_jiffies(5000));
	KUNIT_EXPECT_GE(test, left, 0);
}

/* One that crashes again and again is given more and more time in between. */
static void start_after_a_crash_is_delayed(struct kunit *test)
{
	static const unsigned int pauses[] = { 200, 400, 800, 1600, 1600, 1600 };
	struct imem_test *t = test->priv;
	struct delayed_work *work = &t->modem->work;
	unsigned long before, after;
	unsigned int i;

	iosm_fake_go_online(t->fake);
	for (i = 0; i < ARRAY_SIZE(pauses); i++) {
		iosm_fake_crash(t->fake);
		iosm_fake_await(t->fake, IOSM_CRASHED);
		disable_delayed_work_sync(work);
		iosm_fake_reboot(t->fake, i % 2 ? STAGE_RUN : STAGE_CD_READY);
		enable_delayed_work(work);
		if (i % 2 == 0) {
			iosm_fake_step(t->fake);
			iosm_fake_reboot(t->fake, STAGE_RUN);
		}
		before = jiffies;
		mod_delayed_work(t->modem->wq, work, 0);
		flush_work(&work->work);
		after = jiffies;
		KUNIT_EXPECT_EQ(test, iosm_modem_state(t->modem), IOSM_STARTING);
		KUNIT_EXPECT_TRUE(test, delayed_work_pending(work));
		KUNIT_EXPECT_GE(test, work->timer.expires,
				before + msecs_to_jiffies(pauses[i]));
		KUNIT_EXPECT_LE(test, work->timer.expires,
				after + msecs_to_jiffies(pauses[i]) + 1);
		/* Awaiting a state skips the pause. */
		iosm_fake_await(t->fake, IOSM_ONLINE);
	}
}

/* ---- Teardown (8.10) ---- */

/* The interrupt itself, whatever the fake thinks of it */
static void raise_interrupt(struct iosm_modem *modem)
{
	unsigned long flags;

	local_bh_disable();
	local_irq_save(flags);
	iosm_modem_interrupt(modem);
	local_irq_restore(flags);
	local_bh_enable();
}

struct teardown_case {
	const char *desc;
	void (*reach)(struct kunit *test);
	enum iosm_state state;
	int goodbyes;		/* UNINIT requests while it is stopped */
};

static void reach_off(struct kunit *test)
{
}

static void reach_rom(struct kunit *test)
{
	struct imem_test *t = test->priv;

	iosm_fake_set_stage(t->fake, STAGE_BOOT);
	iosm_fake_step(t->fake);
}

static void reach_loader(struct kunit *test)
{
	struct imem_test *t = test->priv;

	iosm_fake_set_stage(t->fake, STAGE_EBL);
	iosm_fake_step(t->fake);
}

static void reach_loader_init(struct kunit *test)
{
	struct imem_test *t = test->priv;

	reach_loader(test);
	t->fake->ignored_states = BIT(1);
	KUNIT_ASSERT_TRUE(test, iosm_modem_ask_for_loader(t->modem));
	iosm_fake_step(t->fake);
	iosm_fake_step(t->fake);
	KUNIT_ASSERT_EQ(test, iosm_fake_count_bells(t->fake, IOSM_DB_STATE, 1), 1);
}

static void reach_loader_online(struct kunit *test)
{
	struct imem_test *t = test->priv;

	reach_loader(test);
	KUNIT_ASSERT_TRUE(test, iosm_modem_ask_for_loader(t->modem));
	iosm_modem_start(t->modem);
	iosm_fake_await(t->fake, IOSM_LOADER_ONLINE);
	EXPECT_ORDER(test, 3);
}

static void reach_check(struct kunit *test)
{
	struct imem_test *t = test->priv;

	iosm_fake_step(t->fake);
}

static void reach_uninit(struct kunit *test)
{
	get_stuck(test, &stucks[0]);
}

static void reach_init(struct kunit *test)
{
	get_stuck(test, &stucks[1]);
}

static void reach_running(struct kunit *test)
{
	get_stuck(test, &stucks[2]);
}

static void reach_bring_up(struct kunit *test)
{
	struct imem_test *t = test->priv;

	t->answer_type = 0xf0;
	t->answer = IOSM_FAKE_SILENT;
	iosm_modem_start(t->modem);
	wait_for_completion(&t->asked);
	wait_for_completion(&t->asked);
}

static void reach_online(struct kunit *test)
{
	iosm_fake_go_online(((struct imem_test *)test->priv)->fake);
}

static void reach_asleep(struct kunit *test)
{
	struct imem_test *t = test->priv;

	iosm_fake_go_online(t->fake);
	t->fake->stubborn = true;
	iosm_fake_notify(t->fake, 1);
	iosm_pm_ring_head(&t->modem->pm, IOSM_HEAD_UL);
}

static void reach_broken(struct kunit *test)
{
	struct imem_test *t = test->priv;

	iosm_fake_go_online(t->fake);
	iosm_modem_broken(t->modem, "test");
}

static void reach_crashed(struct kunit *test)
{
	struct imem_test *t = test->priv;

	iosm_fake_go_online(t->fake);
	iosm_fake_crash(t->fake);
	iosm_fake_await(t->fake, IOSM_CRASHED);
}

static void reach_dump_ready(struct kunit *test)
{
	struct imem_test *t = test->priv;

	iosm_fake_set_stage(t->fake, STAGE_CD_READY);
	iosm_fake_step(t->fake);
}

static void reach_recovering(struct kunit *test)
{
	struct imem_test *t = test->priv;

	get_stuck(test, &stucks[1]);
	iosm_fake_expire(t->fake);
}

static void reach_failed(struct kunit *test)
{
	struct imem_test *t = test->priv;

	t->fake->chip_length = 1;
	iosm_fake_step(t->fake);
}

static void reach_lost(struct kunit *test)
{
	struct imem_test *t = test->priv;

	iosm_fake_go_online(t->fake);
	t->fake->absent = true;
	iosm_modem_broken(t->modem, "test");
	iosm_fake_await(t->fake, IOSM_LOST);
}

static void reach_absent(struct kunit *test)
{
	struct imem_test *t = test->priv;

	iosm_fake_go_online(t->fake);
	t->fake->absent = true;
}

static void reach_deaf(struct kunit *test)
{
	struct imem_test *t = test->priv;

	iosm_fake_go_online(t->fake);
	t->fake->ignored_states = BIT(0);
}

static void go_to_sleep(struct kunit *test, enum iosm_host_sleep handshake)
{
	struct imem_test *t = test->priv;

	t->fake->bus.host_sleep = handshake;
	iosm_fake_go_online(t->fake);
	KUNIT_ASSERT_EQ(test, iosm_modem_suspend(t->modem), 0);
}

static void reach_suspended_d3(struct kunit *test)
{
	go_to_sleep(test, IOSM_HOST_SLEEP_D3);
}

static void reach_suspended_d0(struct kunit *test)
{
	go_to_sleep(test, IOSM_HOST_SLEEP_D0);
}

/* Nobody has noticed yet, because the state work is held. */
static void reach_rebooted_asleep(struct kunit *test)
{
	struct imem_test *t = test->priv;

	go_to_sleep(test, IOSM_HOST_SLEEP_D3);
	iosm_fake_reboot(t->fake, STAGE_RUN);
	iosm_modem_resume(t->modem);
}

static void reach_held(struct kunit *test)
{
	struct imem_test *t = test->priv;

	go_to_sleep(test, IOSM_HOST_SLEEP_D3);
	iosm_modem_resume(t->modem);
}

static void reach_resetting(struct kunit *test)
{
	struct imem_test *t = test->priv;

	iosm_fake_go_online(t->fake);
	iosm_modem_reset_prepare(t->modem);
}

static void reach_isolated(struct kunit *test)
{
	struct imem_test *t = test->priv;

	iosm_fake_go_online(t->fake);
	iosm_modem_isolate(t->modem, false);
}

static void reach_isolated_forever(struct kunit *test)
{
	struct imem_test *t = test->priv;

	iosm_fake_go_online(t->fake);
	iosm_modem_isolate(t->modem, true);
}

static void reach_runtime_suspended(struct kunit *test)
{
	struct imem_test *t = test->priv;

	iosm_fake_go_online(t->fake);
	KUNIT_ASSERT_EQ(test, iosm_modem_runtime_suspend(t->modem), 0);
}

static void reach_gone(struct kunit *test)
{
	struct imem_test *t = test->priv;

	iosm_fake_go_online(t->fake);
	iosm_modem_stop(t->modem);
}

static const struct teardown_case teardowns[] = {
	{ "never started", reach_off, IOSM_OFF, 0 },
	{ "boot ROM", reach_rom, IOSM_ROM, 0 },
	{ "loader", reach_loader, IOSM_LOADER, 0 },
	{ "waiting for INIT of a loader", reach_loader_init, IOSM_LOADER, 1 },
	{ "loader online", reach_loader_online, IOSM_LOADER_ONLINE, 1 },
	{ "about to start", reach_check, IOSM_STARTING, 0 },
	{ "waiting for UNINIT", reach_uninit, IOSM_STARTING, 0 },
	{ "waiting for INIT", reach_init, IOSM_STARTING, 1 },
	{ "waiting for RUNNING", reach_running, IOSM_STARTING, 1 },
	{ "bring-up", reach_bring_up, IOSM_STARTING, 1 },
	{ "online", reach_online, IOSM_ONLINE, 1 },
	{ "online, asleep, waking up", reach_asleep, IOSM_ONLINE, 1 },
	/* Depends on how far the recovery is. */
	{ "online, just broken", reach_broken, IOSM_STATE_COUNT, -1 },
	{ "online, does not end the session", reach_deaf, IOSM_ONLINE, 1 },
	{ "online, absent", reach_absent, IOSM_ONLINE, 1 },
	{ "crashed", reach_crashed, IOSM_CRASHED, 0 },
	{ "dump ready", reach_dump_ready, IOSM_DUMP_READY, 0 },
	{ "recovering", reach_recovering, IOSM_RECOVERING, 0 },
	{ "failed", reach_failed, IOSM_FAILED, 0 },
	{ "lost", reach_lost, IOSM_LOST, 0 },
	{ "suspended, D3/L2", reach_suspended_d3, IOSM_SUSPENDED, 1 },
	{ "suspended, D0/L1.2", reach_suspended_d0, IOSM_SUSPENDED, 1 },
	{ "runtime suspended", reach_runtime_suspended, IOSM_SUSPENDED, 1 },
	{ "rebooted while suspended", reach_rebooted_asleep, IOSM_SUSPENDED,
	  1 },
	{ "resumed, held", reach_held, IOSM_ONLINE, 1 },
	{ "being reset", reach_resetting, IOSM_RECOVERING, 0 },
	{ "isolated", reach_isolated, IOSM_RECOVERING, 0 },
	{ "isolated forever", reach_isolated_forever, IOSM_LOST, 0 },
	{ "gone", reach_gone, IOSM_GONE, 0 },
};

KUNIT_ARRAY_PARAM_DESC(teardown, teardowns, desc);

/* A state that is added needs a row. */
static void teardown_is_tested_in_every_state(struct kunit *test)
{
	u32 missing = BIT(IOSM_STATE_COUNT) - 1;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(teardowns); i++)
		missing &= ~BIT(teardowns[i].state);
	for (i = 0; i < IOSM_STATE_COUNT; i++)
		KUNIT_EXPECT_FALSE_MSG(test, missing & BIT(i), "%s", iosm_state_name(i));
}

static void teardown_works_in_every_state(struct kunit *test)
{
	const struct teardown_case *c = test->param_value;
	struct imem_test *t = test->priv;
	unsigned long start;

	c->reach(test);
	if (c->state != IOSM_STATE_COUNT)
		KUNIT_ASSERT_EQ(test, iosm_modem_state(t->modem), c->state);
	iosm_fake_forget_bells(t->fake);

	start = jiffies;
	iosm_modem_stop(t->modem);
	KUNIT_EXPECT_LE(test, jiffies_to_msecs(jiffies - start), TEARDOWN_BOUND);
	KUNIT_EXPECT_EQ(test, iosm_modem_state(t->modem), IOSM_GONE);
	KUNIT_EXPECT_FALSE(test, t->fake->dma);
	KUNIT_EXPECT_FALSE(test, iosm_modem_online(t->modem));
	KUNIT_EXPECT_TRUE(test, iosm_protocol_halted(&t->modem->protocol));
	KUNIT_EXPECT_EQ(test, t->starts, t->stops);
	if (c->goodbyes >= 0)
		KUNIT_EXPECT_EQ(test,
				iosm_fake_count_bells(t->fake, IOSM_DB_STATE,
						      0),
				c->goodbyes);
	expect_event(test, "MDM_NOT_READY", 1);

	/* Nothing happens any more, whatever the modem does. */
	iosm_fake_forget_bells(t->fake);
	t->fake->event_count = 0;
	memset(t->fake->reads, 0, sizeof(t->fake->reads));
	t->fake->absent = false;
	iosm_fake_set_stage(t->fake, STAGE_RUN);
	raise_interrupt(t->modem);
	iosm_fake_step(t->fake);
	iosm_pm_ring_head(&t->modem->pm, IOSM_HEAD_UL);
	iosm_modem_broken(t->modem, "test");
	iosm_modem_look(t->modem);
	iosm_modem_release(t->modem);
	iosm_fake_step(t->fake);
	iosm_modem_stop(t->modem);
	IOSM_FAKE_EXPECT_NO_BELL(t->fake);
	KUNIT_EXPECT_EQ(test, t->fake->event_count, 0);
	KUNIT_EXPECT_EQ(test, t->fake->reads[0], 0);
	KUNIT_EXPECT_EQ(test, t->starts, t->stops);
}

/* A driver that comes after us finds the modem as after power-on. */
static void next_driver_needs_not_clean_up(struct kunit *test)
{
	struct imem_test *t = test->priv;
	unsigned int i;

	for (i = 0; i < 5; i++) {
		iosm_fake_go_online(t->fake);
		iosm_fake_stop_modem(t->fake);
		KUNIT_EXPECT_EQ(test, iosm_fake_reg(t->fake, 0x60), 0);
		iosm_fake_forget_bells(t->fake);
		t->modem = iosm_fake_modem(t->fake, clients);
		t->fake->state_seen = t->fake->state_count;
	}
	iosm_fake_go_online(t->fake);
	IOSM_FAKE_EXPECT_BELLS(t->fake, { IOSM_DB_STATE, 1 },
			       { IOSM_DB_STATE, 2 }, { IOSM_DB_HEAD, 0 },
			       { IOSM_DB_HEAD, 0 });
	KUNIT_EXPECT_EQ(test, t->starts, 12);
	KUNIT_EXPECT_EQ(test, t->stops, 10);
}

/* 10.6.1 P6: interrupts at any time, also in the middle of the teardown */
static int raise_interrupts(void *data)
{
	struct iosm_modem *modem = data;

	while (!kthread_should_stop()) {
		raise_interrupt(modem);
		cond_resched();
	}
	return 0;
}

static void storm_of_interrupts_is_harmless(struct kunit *test)
{
	struct imem_test *t = test->priv;
	struct task_struct *storm;

	storm = kthread_run(raise_interrupts, t->modem, "iosm storm");
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, storm);
	iosm_fake_go_online(t->fake);
	iosm_modem_broken(t->modem, "test");
	iosm_fake_await(t->fake, IOSM_ONLINE);
	iosm_fake_crash(t->fake);
	iosm_fake_await(t->fake, IOSM_CRASHED);
	iosm_fake_reboot(t->fake, STAGE_RUN);
	iosm_fake_await(t->fake, IOSM_ONLINE);
	iosm_modem_stop(t->modem);
	kthread_stop(storm);
	KUNIT_EXPECT_EQ(test, t->starts, t->stops);
}

static struct kunit_case iosm_state_cases[] = {
	KUNIT_CASE_PARAM(only_drawn_moves_are_legal, move_gen_params),
	KUNIT_CASE(every_state_has_a_name),
	KUNIT_CASE(teardown_is_tested_in_every_state),
	{}
};

static struct kunit_suite iosm_state_suite = {
	.name = "iosm_state",
	.test_cases = iosm_state_cases,
};

static struct kunit_case iosm_imem_cases[] = {
	KUNIT_CASE_PARAM(event_has_its_value, event_gen_params),
	KUNIT_CASE_PARAM(set_state_refuses_every_illegal_move, move_gen_params),
	KUNIT_CASE(comes_online_in_the_right_order),
	KUNIT_CASE_PARAM(other_stages_start_no_session, stage_gen_params),
	KUNIT_CASE_PARAM(modem_that_boots_by_itself_comes_online,
			 stage_gen_params),
	KUNIT_CASE(cold_boot_goes_through_all_stages),
	KUNIT_CASE(invalid_stage_is_awaited_for_50_reads),
	KUNIT_CASE(stage_that_becomes_valid_in_time_counts),
	KUNIT_CASE_PARAM(later_invalid_stage_is_confirmed_first,
			 bad_stage_gen_params),
	KUNIT_CASE(stage_that_goes_back_is_not_followed),
	KUNIT_CASE_PARAM(other_chip_information_is_not_our_device,
			 chip_length_gen_params),
	KUNIT_CASE_PARAM(session_of_an_earlier_driver_is_ended_first,
			 old_state_gen_params),
	KUNIT_CASE_PARAM(wait_for_a_state_is_bounded, stuck_gen_params),
	KUNIT_CASE_PARAM(state_that_never_comes_is_given_up, stuck_gen_params),
	KUNIT_CASE_PARAM(device_that_vanishes_while_starting_is_lost,
			 stuck_gen_params),
	KUNIT_CASE_PARAM(modem_that_leaves_while_starting_is_noticed,
			 left_stage_gen_params),
	KUNIT_CASE(chip_information_is_looked_at_again),
	KUNIT_CASE(other_state_than_init_is_not_taken_for_it),
	KUNIT_CASE(running_without_an_interrupt_is_noticed),
	KUNIT_CASE(running_that_takes_its_time_is_awaited),
	KUNIT_CASE(session_that_nobody_asked_for_is_not_believed),
	KUNIT_CASE(repeated_interrupts_start_nothing_again),
	KUNIT_CASE_PARAM(refused_request_fails_the_start, request_gen_params),
	KUNIT_CASE_PARAM(unanswered_request_fails_the_start,
			 request_gen_params),
	KUNIT_CASE_PARAM(capabilities_are_sampled_once, caps_gen_params),
	KUNIT_CASE(invalid_version_fails_the_start),
	KUNIT_CASE(next_session_has_its_own_capabilities),
	KUNIT_CASE(clients_stop_in_reverse_order),
	KUNIT_CASE(client_that_fails_takes_back_the_others),
	KUNIT_CASE_PARAM(any_other_status_ends_the_session, status_gen_params),
	KUNIT_CASE(crash_is_followed_to_the_end),
	KUNIT_CASE(silent_reboot_is_recovered_from),
	KUNIT_CASE(impossible_control_tail_is_recovered_from),
	KUNIT_CASE(modem_that_does_not_wake_up_is_recovered_from),
	KUNIT_CASE(session_breaks_only_once),
	KUNIT_CASE(nothing_breaks_without_a_session),
	KUNIT_CASE(device_that_vanishes_while_online_is_lost),
	KUNIT_CASE(endless_restarts_are_given_up),
	KUNIT_CASE(sessions_that_do_not_last_are_given_up),
	KUNIT_CASE(lasting_session_forgives_earlier_failures),
	KUNIT_CASE(pause_before_a_restart_is_bounded),
	KUNIT_CASE(start_after_a_crash_is_delayed),
	KUNIT_CASE_PARAM(teardown_works_in_every_state, teardown_gen_params),
	KUNIT_CASE(next_driver_needs_not_clean_up),
	KUNIT_CASE(storm_of_interrupts_is_harmless),
	{}
};

static struct kunit_suite iosm_imem_suite = {
	.name = "iosm_imem",
	.init = iosm_imem_init_test,
	.test_cases = iosm_imem_cases,
};

kunit_test_suites(&iosm_state_suite, &iosm_imem_suite);
