// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of the control ring (protocol.rst 3.4): the bytes of each request, who
 * gets which answer, and rows S6 to S13 and S20 of 10.6.3.
 */

#include <linux/kthread.h>
#include <linux/unaligned.h>

#include "iosm_kunit_bus.h"

static int iosm_control_init_test(struct kunit *test)
{
	struct iosm_fake_rings *rings = iosm_fake_rings_create(test);

	test->priv = rings;
	KUNIT_EXPECT_EQ(test, rings->protocol.timeout, 1000);
	rings->protocol.timeout = IOSM_FAKE_NO_TIMEOUT;
	return 0;
}

static struct iosm_fake_rings *rings_of(struct kunit *test)
{
	return test->priv;
}

static int request(struct iosm_fake_rings *rings)
{
	return iosm_protocol_features(&rings->protocol,
				      IOSM_FEATURE_INBAND_CRASH);
}

/* ---- Golden bytes (3.4.2) ---- */

enum message { SLEEP, FEATURES, OPEN, CLOSE };

struct golden_case {
	const char *desc;
	enum message message;
	u8 a;			/* target, flags or pipe */
	u8 b;			/* state */
	u16 entries;
	u32 backoff;
	u8 bytes[24];		/* without the address of OPEN */
};

static const struct golden_case goldens[] = {
	{ "the device may sleep", SLEEP, 1, 0, 0, 0,
	  { [8] = 0x01, 0x00, 0x00, 0x04 } },
	{ "the device must not sleep", SLEEP, 1, 1, 0, 0,
	  { [8] = 0x01, 0x01, 0x00, 0x04 } },
	{ "the host sleeps", SLEEP, 0, 0, 0, 0,
	  { [8] = 0x00, 0x00, 0x00, 0x04 } },
	{ "the host is awake", SLEEP, 0, 1, 0, 0,
	  { [8] = 0x00, 0x01, 0x00, 0x04 } },
	{ "crashes in-band", FEATURES, 0x80, 0, 0, 0,
	  { [8] = 0x00, 0x00, 0x80, 0xf0 } },
	{ "crashes out-of-band", FEATURES, 0x00, 0, 0, 0,
	  { [8] = 0x00, 0x00, 0x00, 0xf0 } },
	{ "open pipe 0 of the multiplexer", OPEN, 0, 0, 800, 1000,
	  { [8] = 0x20, 0x03, 0x00, 0x01, 0, 0, 0, 0, 0xe8, 0x03 } },
	{ "open pipe 13 of MBIM", OPEN, 13, 0, 4, 0,
	  { [8] = 0x04, 0x00, 0x0d, 0x01 } },
	{ "open a pipe with a large back-off", OPEN, 6, 0, 0x1234, 0x89abcdef,
	  { [8] = 0x34, 0x12, 0x06, 0x01, 0, 0, 0, 0,
	    0xef, 0xcd, 0xab, 0x89 } },
	{ "close pipe 13", CLOSE, 13, 0, 4, 0,
	  { [8] = 0x00, 0x00, 0x0d, 0x02 } },
};

KUNIT_ARRAY_PARAM_DESC(golden, goldens, desc);

static u32 keep_request(struct iosm_fake *fake,
			const struct iosm_fake_request *request)
{
	memcpy(((struct iosm_fake_rings *)fake->priv)->raw, request->raw, 24);
	return IOSM_FAKE_OK;
}

static void request_has_its_golden_bytes(struct kunit *test)
{
	const struct golden_case *c = test->param_value;
	struct iosm_fake_rings *rings = test->priv;
	struct iosm_protocol *protocol = &rings->protocol;
	struct iosm_pipe *pipe = &protocol->pipes[c->a % IOSM_PIPES];
	u8 expected[24];
	int ret = 0;

	memcpy(expected, c->bytes, sizeof(expected));
	rings->fake->control = keep_request;
	/* Only a host that slept may say that it is awake. */
	rings->fake->host_asleep = c->message == SLEEP && !c->a && c->b;
	switch (c->message) {
	case SLEEP:
		ret = iosm_protocol_sleep(protocol, c->a, c->b);
		break;
	case FEATURES:
		ret = iosm_protocol_features(protocol, c->a);
		break;
	case OPEN:
	case CLOSE:
		ret = iosm_protocol_open_pipe(protocol, pipe, c->entries,
					      c->backoff);
		break;
	}
	KUNIT_ASSERT_EQ(test, ret, 0);
	if (c->message == OPEN)
		put_unaligned_le64(pipe->ring_dma, expected);
	if (c->message == CLOSE)
		iosm_protocol_close_pipe(protocol, pipe);
	KUNIT_EXPECT_MEMEQ(test, rings->raw, expected, sizeof(expected));
	KUNIT_EXPECT_EQ(test, iosm_fake_count_bells(rings->fake, IOSM_DB_HEAD,
						    0),
			c->message == CLOSE ? 2 : 1);
}

/* ---- 10.6.3 S9: completion status ---- */

struct status_case {
	const char *desc;
	u32 status;
	int result;
};

static const struct status_case statuses[] = {
	{ "0: not completed, but the tail moved", 0, -EREMOTEIO },
	{ "1: success", 1, 0 },
	{ "2: error", 2, -EREMOTEIO },
	{ "3", 3, -EREMOTEIO },
	{ "success and rubbish above", 0x101, -EREMOTEIO },
	{ "bit 31", 0x80000001, -EREMOTEIO },
};

KUNIT_ARRAY_PARAM_DESC(status, statuses, desc);

static u32 answer_param(struct iosm_fake *fake,
			const struct iosm_fake_request *request)
{
	return ((const struct status_case *)fake->test->param_value)->status;
}

static void only_status_1_is_success(struct kunit *test)
{
	const struct status_case *c = test->param_value;
	struct iosm_fake_rings *rings = test->priv;

	rings->fake->control = answer_param;
	KUNIT_EXPECT_EQ(test, request(rings), c->result);
	KUNIT_EXPECT_EQ(test, rings->protocol.stats.refused, c->result ? 1 : 0);

	/* The next one is not affected. */
	rings->fake->control = NULL;
	KUNIT_EXPECT_EQ(test, request(rings), 0);
	KUNIT_EXPECT_EQ(test, rings->fatals, 0);
}

/* ---- Order and wrap-around ---- */

static void indices_wrap_at_128(struct kunit *test)
{
	struct iosm_fake_rings *rings = test->priv;
	unsigned int i;

	for (i = 0; i < 300; i++)
		KUNIT_ASSERT_EQ(test, request(rings), 0);
	KUNIT_EXPECT_EQ(test, rings->protocol.stats.requests, 300);
	KUNIT_EXPECT_EQ(test, rings->protocol.head, 300 % 128);
	KUNIT_EXPECT_EQ(test, rings->protocol.tail, 300 % 128);
	KUNIT_EXPECT_EQ(test, rings->fake->requests, 300);
}

#define WAITERS 8

struct waiter {
	struct iosm_fake_rings *rings;
	u8 features;
	int result;
	struct task_struct *task;
};

static int wait_for_answer(void *data)
{
	struct waiter *waiter = data;

	waiter->result = iosm_protocol_features(&waiter->rings->protocol,
						waiter->features);
	return 0;
}

static void start_waiter(struct kunit *test, struct waiter *waiter)
{
	waiter->task = kthread_create(wait_for_answer, waiter, "iosm waiter");
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, waiter->task);
	get_task_struct(waiter->task);
	wake_up_process(waiter->task);
}

static int join_waiter(struct waiter *waiter)
{
	kthread_stop(waiter->task);
	put_task_struct(waiter->task);
	return waiter->result;
}

/* Returns when @count requests are in the ring. */
static void await_posted(struct kunit *test, unsigned int count)
{
	struct iosm_protocol *protocol = &rings_of(test)->protocol;
	unsigned long end = jiffies + 5 * HZ;
	unsigned int posted;

	do {
		cond_resched();
		spin_lock_bh(&protocol->lock);
		posted = iosm_ring_distance(protocol->tail, protocol->head,
					    IOSM_CONTROL_ENTRIES);
		spin_unlock_bh(&protocol->lock);
	} while (posted != count && time_before(jiffies, end));
	KUNIT_ASSERT_EQ(test, posted, count);
}

/* Success for those of which bit 0 is clear. */
static u32 answer_by_features(struct iosm_fake *fake,
			      const struct iosm_fake_request *request)
{
	return request->arg & 1 ? IOSM_FAKE_REFUSED : IOSM_FAKE_OK;
}

static void each_waiter_gets_its_own_answer(struct kunit *test)
{
	struct iosm_fake_rings *rings = test->priv;
	struct waiter waiters[WAITERS];
	unsigned int i;

	rings->fake->deaf = true;
	rings->fake->control = answer_by_features;
	for (i = 0; i < WAITERS; i++) {
		waiters[i] = (struct waiter){ .rings = rings, .features = i };
		start_waiter(test, &waiters[i]);
	}
	await_posted(test, WAITERS);

	/* All are completed before the one interrupt. */
	iosm_fake_work(rings->fake);
	for (i = 0; i < WAITERS; i++)
		KUNIT_EXPECT_EQ(test, join_waiter(&waiters[i]),
				i & 1 ? -EREMOTEIO : 0);
	KUNIT_EXPECT_EQ(test, rings->fake->requests, WAITERS);
	KUNIT_EXPECT_EQ(test, rings->fatals, 0);
}

static void answers_that_come_in_pieces_find_their_waiters(struct kunit *test)
{
	struct iosm_fake_rings *rings = test->priv;
	struct iosm_shared *shm = rings->protocol.shm;
	struct waiter waiters[2];
	unsigned int i;

	rings->fake->deaf = true;
	for (i = 0; i < 2; i++) {
		waiters[i] = (struct waiter){ .rings = rings };
		start_waiter(test, &waiters[i]);
		await_posted(test, i + 1);
	}

	shm->control[0].status = cpu_to_le32(2);
	iosm_fake_set_control_tail(rings->fake, 1);
	iosm_fake_rings_poll(rings);
	KUNIT_EXPECT_EQ(test, join_waiter(&waiters[0]), -EREMOTEIO);

	shm->control[1].status = cpu_to_le32(1);
	iosm_fake_set_control_tail(rings->fake, 2);
	iosm_fake_rings_poll(rings);
	KUNIT_EXPECT_EQ(test, join_waiter(&waiters[1]), 0);
}

struct full_case {
	const char *desc;
	u16 tail;
	u16 head;
	int result;
};

static const struct full_case fulls[] = {
	{ "127 outstanding", 0, 127, -EBUSY },
	{ "127 outstanding, wrapped", 5, 4, -EBUSY },
	{ "127 outstanding, head at the start", 1, 0, -EBUSY },
	{ "126 outstanding", 0, 126, 0 },
	{ "126 outstanding, wrapped", 1, 127, 0 },
};

KUNIT_ARRAY_PARAM_DESC(full, fulls, desc);

/* The modem completes all at once, among them entries that nobody waits for. */
static void full_ring_refuses_at_once(struct kunit *test)
{
	const struct full_case *c = test->param_value;
	struct iosm_fake_rings *rings = test->priv;
	struct waiter waiter = { .rings = rings };
	unsigned int posted;

	rings->fake->deaf = true;
	rings->protocol.tail = c->tail;
	rings->protocol.head = c->head;
	posted = iosm_ring_distance(c->tail, c->head, IOSM_CONTROL_ENTRIES);
	if (c->result) {
		KUNIT_EXPECT_EQ(test, request(rings), c->result);
		IOSM_FAKE_EXPECT_NO_BELL(rings->fake);
		KUNIT_EXPECT_EQ(test, rings->protocol.head, c->head);
		return;
	}

	start_waiter(test, &waiter);
	await_posted(test, posted + 1);
	rings->protocol.shm->control[c->head].status = cpu_to_le32(1);
	iosm_fake_set_control_tail(rings->fake, (c->head + 1) % 128);
	iosm_fake_rings_poll(rings);
	KUNIT_EXPECT_EQ(test, join_waiter(&waiter), c->result);
	KUNIT_EXPECT_EQ(test, rings->fatals, 0);
}

/* ---- 10.6.3 S6, S7: impossible tails ---- */

struct tail_case {
	const char *desc;
	unsigned int before;	/* requests completed before */
	unsigned int posted;	/* requests outstanding */
	u32 tail;
	bool fatal;
};

static const struct tail_case tails[] = {
	{ "S6: 128", 0, 1, 128, true },
	{ "S6: all ones", 0, 1, 0xffffffff, true },
	{ "S6: a legal value in the low byte", 0, 1, 0x10001, true },
	{ "S6: bit 31", 0, 1, 0x80000001, true },
	{ "S6: 128 with nothing posted", 0, 0, 128, true },
	{ "S7: one beyond the head", 0, 1, 2, true },
	{ "S7: moved with nothing posted", 0, 0, 1, true },
	{ "S7: one step back", 5, 0, 4, true },
	{ "S7: one step back with requests outstanding", 5, 2, 4, true },
	{ "S7: back around the start", 0, 1, 127, true },
	{ "S7: far beyond the head, wrapped", 126, 3, 2, true },
	{ "nothing new", 5, 2, 5, false },
	{ "one of two", 5, 2, 6, false },
	{ "all", 5, 2, 7, false },
	{ "all, wrapped", 126, 3, 1, false },
};

KUNIT_ARRAY_PARAM_DESC(tail, tails, desc);

static void impossible_tail_ends_the_session(struct kunit *test)
{
	const struct tail_case *c = test->param_value;
	struct iosm_fake_rings *rings = test->priv;
	struct waiter waiters[3];
	unsigned int i;

	for (i = 0; i < c->before; i++)
		KUNIT_ASSERT_EQ(test, request(rings), 0);
	rings->fake->deaf = true;
	for (i = 0; i < c->posted; i++) {
		waiters[i] = (struct waiter){ .rings = rings };
		start_waiter(test, &waiters[i]);
		await_posted(test, i + 1);
	}

	iosm_fake_set_control_tail(rings->fake, c->tail);
	iosm_fake_rings_poll(rings);
	KUNIT_EXPECT_EQ(test, rings->fatals, c->fatal ? 1 : 0);
	if (c->fatal) {
		KUNIT_EXPECT_EQ(test, rings->fatal_err, -EPROTO);
		/* Nothing is polled any more, so nothing is reported again. */
		iosm_fake_rings_poll(rings);
		KUNIT_EXPECT_EQ(test, rings->fatals, 1);
	} else {
		iosm_protocol_halt(&rings->protocol);
	}

	for (i = 0; i < c->posted; i++) {
		/* Entries that were completed have status 0, see S9. */
		bool answered = !c->fatal &&
				i < (c->tail + 128 - c->before) % 128;

		KUNIT_EXPECT_EQ(test, join_waiter(&waiters[i]),
				answered ? -EREMOTEIO : -ENODEV);
	}
}

/* ---- 10.6.3 S8, S12, S13: what we wrote is never read back ---- */

static void head_is_private(struct kunit *test)
{
	struct iosm_fake_rings *rings = test->priv;
	static const u32 rubbish[] = { 0, 77, 128, 0xffffffff };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rubbish); i++) {
		iosm_fake_set_control_head(rings->fake, rubbish[i]);
		KUNIT_EXPECT_EQ(test, request(rings), 0);
		KUNIT_EXPECT_EQ(test, rings->protocol.head, i + 1);
		KUNIT_EXPECT_EQ(test,
				le32_to_cpu(rings->protocol.shm->control_head),
				i + 1);
	}
	KUNIT_EXPECT_EQ(test, rings->fatals, 0);
}

static u32 scribble_entry(struct iosm_fake *fake,
			  const struct iosm_fake_request *request)
{
	struct iosm_fake_rings *rings = fake->priv;

	memset(&rings->protocol.shm->control[request->index], 0xa5, 20);
	return IOSM_FAKE_OK;
}

static void rewritten_entry_does_not_matter(struct kunit *test)
{
	struct iosm_fake_rings *rings = test->priv;

	rings->fake->control = scribble_entry;
	KUNIT_EXPECT_EQ(test, request(rings), 0);
	rings->fake->control = NULL;
	/* Once around: each entry is written as a whole. */
	while (rings->protocol.head != 1)
		KUNIT_ASSERT_EQ(test, request(rings), 0);
}

static void rewritten_context_does_not_matter(struct kunit *test)
{
	struct iosm_fake_rings *rings = test->priv;

	memset(&rings->protocol.shm->context, 0xff,
	       sizeof(rings->protocol.shm->context));
	KUNIT_EXPECT_EQ(test, request(rings), 0);
}

/* ---- Lost doorbells and interrupts ---- */

struct lost_case {
	const char *desc;
	unsigned int lost_bells;
	bool mute;
	u32 status;
	int result;
	unsigned int bells;
};

static const struct lost_case losts[] = {
	{ "nothing", 0, false, 1, 0, 1 },
	{ "interrupt: found at half-time, not rung again", 0, true, 1, 0, 1 },
	{ "interrupt of a refusal", 0, true, 2, -EREMOTEIO, 1 },
	{ "doorbell: rung again at half-time", 1, false, 1, 0, 2 },
	{ "doorbell of a refusal", 1, false, 2, -EREMOTEIO, 2 },
	{ "doorbell and interrupt: found at the end", 1, true, 1, 0, 2 },
	{ "both doorbells", 2, false, 1, -ETIMEDOUT, 2 },
};

KUNIT_ARRAY_PARAM_DESC(lost, losts, desc);

static u32 answer_lost(struct iosm_fake *fake,
		       const struct iosm_fake_request *request)
{
	return ((const struct lost_case *)fake->test->param_value)->status;
}

static void what_was_lost_is_repeated_once(struct kunit *test)
{
	const struct lost_case *c = test->param_value;
	struct iosm_fake_rings *rings = test->priv;
	struct iosm_protocol_stats *stats = &rings->protocol.stats;

	rings->protocol.timeout = IOSM_FAKE_TIMEOUT;
	rings->fake->control = answer_lost;
	rings->fake->lost_bells = c->lost_bells;
	rings->fake->mute = c->mute;
	KUNIT_EXPECT_EQ(test, request(rings), c->result);
	KUNIT_EXPECT_EQ(test, rings->fake->bell_count, c->bells);
	KUNIT_EXPECT_EQ(test, iosm_fake_count_bells(rings->fake, IOSM_DB_HEAD, 0),
			c->bells);
	KUNIT_EXPECT_EQ(test, stats->repeated, c->bells - 1);
	KUNIT_EXPECT_EQ(test, stats->timeouts, c->result == -ETIMEDOUT);
	KUNIT_EXPECT_EQ(test, rings->fatals, c->result == -ETIMEDOUT);
	KUNIT_EXPECT_EQ(test, stats->requests, 1);
}

/* An answer in another slot is not ours, also if nobody waits there. */
static void answer_in_a_foreign_slot_is_not_ours(struct kunit *test)
{
	struct iosm_fake_rings *rings = test->priv;
	struct iosm_shared *shm = rings->protocol.shm;
	struct waiter waiters[2];
	unsigned int i;

	rings->fake->deaf = true;
	for (i = 0; i < 2; i++) {
		waiters[i] = (struct waiter){ .rings = rings };
		start_waiter(test, &waiters[i]);
		await_posted(test, i + 1);
	}
	shm->control[1].status = cpu_to_le32(1);
	shm->control[7].status = cpu_to_le32(1);
	iosm_fake_rings_poll(rings);
	await_posted(test, 2);
	iosm_fake_set_control_tail(rings->fake, 1);
	iosm_fake_rings_poll(rings);
	await_posted(test, 1);
	KUNIT_EXPECT_EQ(test, join_waiter(&waiters[0]), -EREMOTEIO);
	iosm_fake_set_control_tail(rings->fake, 2);
	iosm_fake_rings_poll(rings);
	KUNIT_EXPECT_EQ(test, join_waiter(&waiters[1]), 0);
}

/* In the first half of its time, and in the second */
static void halt_ends_the_wait_for_an_answer(struct kunit *test)
{
	struct iosm_fake_rings *rings = test->priv;
	struct waiter waiter = { .rings = rings };
	unsigned long end;
	u64 halves;

	rings->fake->deaf = true;
	for (halves = 0; halves < 2; halves++) {
		rings->protocol.timeout = halves ? 2000 : IOSM_FAKE_NO_TIMEOUT;
		rings->protocol.stats.repeated = 0;
		start_waiter(test, &waiter);
		await_posted(test, 1);
		end = jiffies + 5 * HZ;
		while (READ_ONCE(rings->protocol.stats.repeated) != halves &&
		       time_before(jiffies, end))
			schedule_timeout_uninterruptible(1);
		iosm_protocol_halt(&rings->protocol);
		KUNIT_EXPECT_EQ(test, join_waiter(&waiter), -ENODEV);
		KUNIT_EXPECT_EQ(test, rings->protocol.stats.repeated, halves);
		KUNIT_EXPECT_EQ(test, rings->protocol.stats.timeouts, 0);
		iosm_fake_rings_start(rings);
	}
	KUNIT_EXPECT_EQ(test, rings->fatals, 0);
}

/* ---- 10.6.3 S10, S11: late and missing answers ---- */

static void unanswered_request_is_an_error_and_fatal(struct kunit *test)
{
	struct iosm_fake_rings *rings = test->priv;
	unsigned long start = jiffies;

	rings->protocol.timeout = IOSM_FAKE_TIMEOUT;
	rings->fake->deaf = true;
	KUNIT_EXPECT_EQ(test, request(rings), -ETIMEDOUT);
	KUNIT_EXPECT_GE(test, jiffies_to_msecs(jiffies - start),
			IOSM_FAKE_TIMEOUT);
	KUNIT_EXPECT_EQ(test, rings->fatals, 1);
	KUNIT_EXPECT_EQ(test, rings->fatal_err, -ETIMEDOUT);
	KUNIT_EXPECT_EQ(test, rings->protocol.stats.timeouts, 1);

	/* From now on requests fail without waiting. */
	rings->protocol.timeout = IOSM_FAKE_NO_TIMEOUT;
	iosm_fake_forget_bells(rings->fake);
	start = jiffies;
	KUNIT_EXPECT_EQ(test, request(rings), -ENODEV);
	KUNIT_EXPECT_LT(test, jiffies_to_msecs(jiffies - start),
			IOSM_FAKE_SOON);
	IOSM_FAKE_EXPECT_NO_BELL(rings->fake);
}

/* The waiter's stack frame is gone when the answer comes. */
static void late_answer_finds_no_owner(struct kunit *test)
{
	struct iosm_fake_rings *rings = test->priv;

	rings->forgiving = true;
	rings->fake->deaf = true;
	rings->protocol.timeout = IOSM_FAKE_TIMEOUT;
	KUNIT_EXPECT_EQ(test, request(rings), -ETIMEDOUT);
	rings->protocol.timeout = IOSM_FAKE_NO_TIMEOUT;

	rings->fake->deaf = false;
	iosm_fake_work(rings->fake);
	flush_work(&rings->poll);
	KUNIT_EXPECT_EQ(test, rings->protocol.stats.late, 1);
	KUNIT_EXPECT_EQ(test, request(rings), 0);
	KUNIT_EXPECT_EQ(test, rings->protocol.stats.late, 1);
}

/* A request that timed out is late once, also when its slot has a new owner. */
static void late_answer_is_late_once(struct kunit *test)
{
	struct iosm_fake_rings *rings = test->priv;
	unsigned int i;

	rings->forgiving = true;
	rings->fake->deaf = true;
	rings->protocol.timeout = IOSM_FAKE_TIMEOUT;
	KUNIT_EXPECT_EQ(test, request(rings), -ETIMEDOUT);
	rings->protocol.timeout = IOSM_FAKE_NO_TIMEOUT;
	rings->fake->deaf = false;
	iosm_fake_work(rings->fake);
	iosm_fake_rings_poll(rings);
	KUNIT_EXPECT_EQ(test, rings->protocol.stats.late, 1);

	for (i = 0; i < IOSM_CONTROL_ENTRIES; i++)
		KUNIT_ASSERT_EQ(test, request(rings), 0);
	KUNIT_EXPECT_EQ(test, rings->protocol.head, 1);
	KUNIT_EXPECT_EQ(test, rings->protocol.stats.late, 1);
	KUNIT_EXPECT_EQ(test, rings->protocol.stats.timeouts, 1);
}

/* ---- Answers that come twice ---- */

/* Nobody is there any more who could be told. */
static void repeated_answer_does_nothing(struct kunit *test)
{
	struct iosm_fake_rings *rings = test->priv;

	KUNIT_EXPECT_EQ(test, request(rings), 0);
	KUNIT_EXPECT_NULL(test, rings->protocol.owner[0]);
	rings->protocol.shm->control[0].status = cpu_to_le32(2);
	iosm_fake_rings_poll(rings);
	iosm_fake_rings_poll(rings);
	KUNIT_EXPECT_EQ(test, rings->protocol.stats.refused, 0);
	KUNIT_EXPECT_EQ(test, rings->protocol.tail, 1);
	KUNIT_EXPECT_EQ(test, rings->fatals, 0);
}

/**
 * struct repeat_case - a modem that answers the old request of a slot once more
 * @desc: name of the case
 * @before: requests answered before the one that waits; its slot is that of the first
 *	if they are as many as the ring has entries
 * @old: status of the answer that comes again
 * @status: of its own
 * @result: of the request that waits
 */
struct repeat_case {
	const char *desc;
	unsigned int before;
	u32 old;
	u32 status;
	int result;
};

static const struct repeat_case repeats[] = {
	{ "success once more, then success", 128, 1, 1, 0 },
	{ "success once more, then error", 128, 1, 2, -EREMOTEIO },
	{ "error once more, then success", 128, 2, 1, 0 },
	{ "in the last slot", 128 + 127, 2, 1, 0 },
	{ "twice around the ring", 256, 1, 2, -EREMOTEIO },
};

KUNIT_ARRAY_PARAM_DESC(repeat, repeats, desc);

/* The slot has a new owner, who waits on: only the tail says whose turn it is. */
static void repeated_answer_is_not_that_of_the_next_owner(struct kunit *test)
{
	const struct repeat_case *c = test->param_value;
	struct iosm_fake_rings *rings = test->priv;
	struct waiter waiter = { .rings = rings };
	unsigned int slot = c->before % 128;
	struct iosm_control_entry *entry = &rings->protocol.shm->control[slot];
	unsigned int i;

	for (i = 0; i < c->before; i++)
		KUNIT_ASSERT_EQ(test, request(rings), 0);
	rings->fake->deaf = true;
	start_waiter(test, &waiter);
	await_posted(test, 1);
	KUNIT_EXPECT_EQ(test, le32_to_cpu(entry->status), 0);

	entry->status = cpu_to_le32(c->old);
	iosm_fake_rings_poll(rings);
	iosm_fake_set_control_tail(rings->fake, slot);
	iosm_fake_rings_poll(rings);
	KUNIT_EXPECT_EQ(test, rings->protocol.tail, slot);
	KUNIT_EXPECT_NOT_NULL(test, rings->protocol.owner[slot]);
	KUNIT_EXPECT_EQ(test, rings->protocol.stats.refused, 0);

	entry->status = cpu_to_le32(c->status);
	iosm_fake_set_control_tail(rings->fake, (slot + 1) % 128);
	iosm_fake_rings_poll(rings);
	KUNIT_EXPECT_EQ(test, join_waiter(&waiter), c->result);
	KUNIT_EXPECT_EQ(test, rings->protocol.stats.refused, c->result ? 1 : 0);
	KUNIT_EXPECT_EQ(test, rings->fatals, 0);
}

/*
 * The first of three is counted twice: the tail is one ahead of the answers. Who is
 * passed over has failed at once, and its own answer, when it comes, is nobody's.
 */
static void answer_that_is_counted_twice_costs_one_request(struct kunit *test)
{
	struct iosm_fake_rings *rings = test->priv;
	struct iosm_shared *shm = rings->protocol.shm;
	struct waiter waiters[3];
	unsigned int i;

	rings->fake->deaf = true;
	for (i = 0; i < 3; i++) {
		waiters[i] = (struct waiter){ .rings = rings };
		start_waiter(test, &waiters[i]);
		await_posted(test, i + 1);
	}
	shm->control[0].status = cpu_to_le32(1);
	iosm_fake_set_control_tail(rings->fake, 1);
	iosm_fake_rings_poll(rings);
	KUNIT_EXPECT_EQ(test, join_waiter(&waiters[0]), 0);
	iosm_fake_set_control_tail(rings->fake, 2);
	iosm_fake_rings_poll(rings);
	KUNIT_EXPECT_NULL(test, rings->protocol.owner[1]);
	KUNIT_EXPECT_EQ(test, join_waiter(&waiters[1]), -EREMOTEIO);
	KUNIT_EXPECT_EQ(test, rings->protocol.stats.refused, 1);

	shm->control[1].status = cpu_to_le32(1);
	iosm_fake_set_control_tail(rings->fake, 2);
	iosm_fake_rings_poll(rings);
	KUNIT_EXPECT_NOT_NULL(test, rings->protocol.owner[2]);

	shm->control[2].status = cpu_to_le32(1);
	iosm_fake_set_control_tail(rings->fake, 3);
	iosm_fake_rings_poll(rings);
	KUNIT_EXPECT_EQ(test, join_waiter(&waiters[2]), 0);
	KUNIT_EXPECT_EQ(test, rings->protocol.stats.refused, 1);
	KUNIT_EXPECT_EQ(test, rings->protocol.stats.late, 0);
	KUNIT_EXPECT_EQ(test, rings->fatals, 0);
}

/* ---- Sessions ---- */

static void halt_releases_all_waiters(struct kunit *test)
{
	struct iosm_fake_rings *rings = test->priv;
	struct waiter waiters[WAITERS];
	unsigned long start = jiffies;
	unsigned int i;

	rings->fake->deaf = true;
	for (i = 0; i < WAITERS; i++) {
		waiters[i] = (struct waiter){ .rings = rings };
		start_waiter(test, &waiters[i]);
	}
	await_posted(test, WAITERS);
	iosm_protocol_halt(&rings->protocol);
	for (i = 0; i < WAITERS; i++)
		KUNIT_EXPECT_EQ(test, join_waiter(&waiters[i]), -ENODEV);
	KUNIT_EXPECT_LT(test, jiffies_to_msecs(jiffies - start),
			IOSM_FAKE_SOON);
	KUNIT_EXPECT_EQ(test, rings->fatals, 0);
}

static void halted_ring_believes_nothing(struct kunit *test)
{
	struct iosm_fake_rings *rings = test->priv;

	iosm_protocol_halt(&rings->protocol);
	iosm_protocol_halt(&rings->protocol);
	iosm_fake_set_control_tail(rings->fake, 0xffffffff);
	iosm_fake_rings_poll(rings);
	KUNIT_EXPECT_EQ(test, rings->fatals, 0);
	KUNIT_EXPECT_EQ(test, request(rings), -ENODEV);
}

static void next_session_starts_from_the_beginning(struct kunit *test)
{
	struct iosm_fake_rings *rings = test->priv;
	struct waiter waiter = { .rings = rings };
	unsigned int i;

	for (i = 0; i < 5; i++)
		KUNIT_ASSERT_EQ(test, request(rings), 0);
	rings->fake->deaf = true;
	start_waiter(test, &waiter);
	await_posted(test, 1);
	iosm_protocol_halt(&rings->protocol);
	KUNIT_EXPECT_EQ(test, join_waiter(&waiter), -ENODEV);

	rings->fake->deaf = false;
	iosm_fake_rings_start(rings);
	KUNIT_EXPECT_EQ(test, iosm_fake_control_posted(rings->fake), 0);
	KUNIT_EXPECT_EQ(test, request(rings), 0);
	KUNIT_EXPECT_EQ(test, rings->protocol.head, 1);
	KUNIT_EXPECT_EQ(test, rings->protocol.stats.late, 0);
}

static void request_wakes_a_sleeping_modem(struct kunit *test)
{
	struct iosm_fake_rings *rings = test->priv;

	iosm_fake_notify(rings->fake, 1);
	flush_work(&rings->poll);
	KUNIT_ASSERT_TRUE(test, rings->fake->asleep);
	KUNIT_EXPECT_EQ(test, request(rings), 0);
	IOSM_FAKE_EXPECT_BELLS(rings->fake, { IOSM_DB_POWER, 1 },
			       { IOSM_DB_POWER, 2 }, { IOSM_DB_POWER, 0 },
			       { IOSM_DB_HEAD, 1 });
}

/* ---- 10.6.3 S20: one snapshot ---- */

static void status_is_read_as_it_stands(struct kunit *test)
{
	struct iosm_fake_rings *rings = test->priv;
	struct iosm_status status;

	iosm_fake_write_status(rings->fake, 0x8badf00d, 0x12345678, 0xfedcba98);
	iosm_protocol_status(&rings->protocol, &status);
	KUNIT_EXPECT_EQ(test, status.stage, 0x8badf00d);
	KUNIT_EXPECT_EQ(test, status.ipc_state, 0x12345678);
	KUNIT_EXPECT_EQ(test, status.sleep, 0xfedcba98);
	iosm_fake_write_status(rings->fake, 0x600df00d, 2, 0);
}

static struct kunit_case iosm_control_cases[] = {
	KUNIT_CASE_PARAM(request_has_its_golden_bytes, golden_gen_params),
	KUNIT_CASE_PARAM(only_status_1_is_success, status_gen_params),
	KUNIT_CASE(indices_wrap_at_128),
	KUNIT_CASE(each_waiter_gets_its_own_answer),
	KUNIT_CASE(answers_that_come_in_pieces_find_their_waiters),
	KUNIT_CASE_PARAM(full_ring_refuses_at_once, full_gen_params),
	KUNIT_CASE_PARAM(impossible_tail_ends_the_session, tail_gen_params),
	KUNIT_CASE(head_is_private),
	KUNIT_CASE(rewritten_entry_does_not_matter),
	KUNIT_CASE(rewritten_context_does_not_matter),
	KUNIT_CASE_PARAM(what_was_lost_is_repeated_once, lost_gen_params),
	KUNIT_CASE(answer_in_a_foreign_slot_is_not_ours),
	KUNIT_CASE(halt_ends_the_wait_for_an_answer),
	KUNIT_CASE(unanswered_request_is_an_error_and_fatal),
	KUNIT_CASE(late_answer_finds_no_owner),
	KUNIT_CASE(late_answer_is_late_once),
	KUNIT_CASE(repeated_answer_does_nothing),
	KUNIT_CASE_PARAM(repeated_answer_is_not_that_of_the_next_owner,
			 repeat_gen_params),
	KUNIT_CASE(answer_that_is_counted_twice_costs_one_request),
	KUNIT_CASE(halt_releases_all_waiters),
	KUNIT_CASE(halted_ring_believes_nothing),
	KUNIT_CASE(next_session_starts_from_the_beginning),
	KUNIT_CASE(request_wakes_a_sleeping_modem),
	KUNIT_CASE(status_is_read_as_it_stands),
	{}
};

static struct kunit_suite iosm_control_suite = {
	.name = "iosm_control",
	.init = iosm_control_init_test,
	.test_cases = iosm_control_cases,
};

kunit_test_suite(iosm_control_suite);
