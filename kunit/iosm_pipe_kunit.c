// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of the pipes (protocol.rst 3.5): the bytes of a TD, posting, taking back,
 * opening and closing, and rows S14 to S18 of 10.6.3 and T1 to T6 of 10.6.4.
 */

#include <linux/dma-mapping.h>
#include <linux/prandom.h>
#include <linux/unaligned.h>

#include "iosm_kunit_bus.h"

#define UL_PIPE		4
#define DL_PIPE		5
#define ENTRIES		5	/* no power of two */
#define CAPACITY	2048
#define BUFFERS		16

struct pipe_test {
	struct iosm_fake_rings *rings;
	struct iosm_fake *fake;
	struct iosm_protocol *protocol;
	struct iosm_pipe *dl;
	u8 *memory;
	dma_addr_t dma;
	u32 tail_at_open;
	u32 answer;
};

static int iosm_pipe_init_test(struct kunit *test)
{
	struct pipe_test *t;

	t = kunit_kzalloc(test, sizeof(*t), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, t);
	test->priv = t;
	t->rings = iosm_fake_rings_create(test);
	t->fake = t->rings->fake;
	t->protocol = &t->rings->protocol;
	t->dl = &t->protocol->pipes[DL_PIPE];
	t->memory = dmam_alloc_coherent(t->fake->bus.dev, BUFFERS * CAPACITY,
					&t->dma, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, t->memory);
	return 0;
}

static void open_dl(struct kunit *test)
{
	struct pipe_test *t = test->priv;
	int ret;

	ret = iosm_protocol_open_pipe(t->protocol, t->dl, ENTRIES, 0);
	KUNIT_ASSERT_EQ(test, ret, 0);
	iosm_fake_forget_bells(t->fake);
}

/* The cookie is the buffer's number, plus one: never NULL. */
static void *cookie(unsigned int n)
{
	return (void *)(uintptr_t)(n + 1);
}

static void post(struct pipe_test *t, unsigned int n)
{
	iosm_pipe_post(t->dl, t->dma + n % BUFFERS * CAPACITY, CAPACITY,
		       cookie(n));
}

static void post_and_ring(struct pipe_test *t, unsigned int count)
{
	unsigned int n;

	for (n = 0; n < count; n++)
		post(t, n);
	iosm_pipe_ring(t->protocol, t->dl, IOSM_HEAD_DL);
}

/* ---- Opening ---- */

static void open_pipe_is_empty(struct kunit *test)
{
	struct pipe_test *t = test->priv;

	open_dl(test);
	KUNIT_EXPECT_EQ(test, iosm_pipe_posted(t->dl), 0);
	KUNIT_EXPECT_EQ(test, iosm_pipe_room(t->dl), ENTRIES - 1);
	KUNIT_EXPECT_EQ(test, iosm_pipe_completed(t->protocol, t->dl), 0);
	KUNIT_EXPECT_TRUE(test, t->fake->pipes[DL_PIPE].open);
	KUNIT_EXPECT_EQ(test, t->fake->pipes[DL_PIPE].entries, ENTRIES);
	KUNIT_EXPECT_NULL(test, memchr_inv(t->dl->ring, 0, ENTRIES * 16));
}

static u32 look_at_tail(struct iosm_fake *fake,
			const struct iosm_fake_request *request)
{
	struct pipe_test *t = fake->test->priv;

	if (request->type == 0x01)
		t->tail_at_open = iosm_fake_get_tail(fake, request->arg);
	return IOSM_FAKE_OK;
}

/* 10.6.3 S18 */
static void old_tail_is_no_completion(struct kunit *test)
{
	struct pipe_test *t = test->priv;

	t->tail_at_open = 0xdead;
	t->fake->control = look_at_tail;
	iosm_fake_set_tail(t->fake, DL_PIPE, 3);
	open_dl(test);
	KUNIT_EXPECT_EQ(test, t->tail_at_open, 0);
	KUNIT_EXPECT_EQ(test, iosm_pipe_completed(t->protocol, t->dl), 0);

	iosm_protocol_close_pipe(t->protocol, t->dl);
	iosm_fake_set_tail(t->fake, DL_PIPE, 2);
	iosm_protocol_free_pipe(t->protocol, t->dl);
	KUNIT_EXPECT_EQ(test, iosm_fake_get_tail(t->fake, DL_PIPE), 0);
	iosm_fake_set_tail(t->fake, DL_PIPE, 4);

	t->tail_at_open = 0xdead;
	open_dl(test);
	KUNIT_EXPECT_EQ(test, t->tail_at_open, 0);
	KUNIT_EXPECT_EQ(test, iosm_pipe_completed(t->protocol, t->dl), 0);
}

/* The first news of a pipe is rung, whatever was rung before it was closed. */
static void reopened_pipe_is_rung(struct kunit *test)
{
	struct pipe_test *t = test->priv;
	struct iosm_pipe_slot slot;

	open_dl(test);
	post_and_ring(t, 2);
	iosm_protocol_close_pipe(t->protocol, t->dl);
	while (iosm_pipe_reclaim(t->dl, &slot))
		;
	iosm_protocol_free_pipe(t->protocol, t->dl);

	open_dl(test);
	post_and_ring(t, 2);
	IOSM_FAKE_EXPECT_BELLS(t->fake, { IOSM_DB_HEAD, 7 });
	KUNIT_EXPECT_EQ(test, iosm_fake_posted(t->fake, DL_PIPE), 2);
}

static u32 give_answer(struct iosm_fake *fake,
		       const struct iosm_fake_request *request)
{
	return ((struct pipe_test *)fake->test->priv)->answer;
}

static void refused_open_leaves_the_pipe_closed(struct kunit *test)
{
	struct pipe_test *t = test->priv;

	t->fake->control = give_answer;
	t->answer = IOSM_FAKE_REFUSED;
	KUNIT_EXPECT_EQ(test,
			iosm_protocol_open_pipe(t->protocol, t->dl, ENTRIES, 0),
			-EREMOTEIO);
	KUNIT_EXPECT_EQ(test, t->dl->entries, 0);
	KUNIT_EXPECT_NULL(test, t->dl->ring);
	KUNIT_EXPECT_EQ(test, t->rings->fatals, 0);

	t->answer = IOSM_FAKE_OK;
	open_dl(test);
}

static void unanswered_open_is_an_error(struct kunit *test)
{
	struct pipe_test *t = test->priv;

	t->fake->control = give_answer;
	t->answer = IOSM_FAKE_SILENT;
	t->protocol->timeout = IOSM_FAKE_TIMEOUT;
	KUNIT_EXPECT_EQ(test,
			iosm_protocol_open_pipe(t->protocol, t->dl, ENTRIES, 0),
			-ETIMEDOUT);
	KUNIT_EXPECT_EQ(test, t->dl->entries, 0);
	KUNIT_EXPECT_EQ(test, t->rings->fatals, 1);
	KUNIT_EXPECT_FALSE(test, t->fake->dma);
}

static void nothing_opens_without_a_session(struct kunit *test)
{
	struct pipe_test *t = test->priv;

	iosm_protocol_halt(t->protocol);
	KUNIT_EXPECT_EQ(test,
			iosm_protocol_open_pipe(t->protocol, t->dl, ENTRIES, 0),
			-ENODEV);
	KUNIT_EXPECT_EQ(test, t->dl->entries, 0);
	IOSM_FAKE_EXPECT_NO_BELL(t->fake);
}

/* ---- Closing ---- */

static unsigned int reclaim_all(struct kunit *test, unsigned int first)
{
	struct pipe_test *t = test->priv;
	struct iosm_pipe_slot slot;
	unsigned int n = first;

	while (iosm_pipe_reclaim(t->dl, &slot)) {
		KUNIT_EXPECT_PTR_EQ(test, slot.cookie, cookie(n));
		KUNIT_EXPECT_EQ(test, slot.dma, t->dma + n * CAPACITY);
		KUNIT_EXPECT_EQ(test, slot.len, CAPACITY);
		n++;
	}
	return n - first;
}

static void closed_pipe_gives_all_buffers_back(struct kunit *test)
{
	struct pipe_test *t = test->priv;
	struct iosm_pipe_done done;

	open_dl(test);
	post_and_ring(t, 4);
	/* One taken, one completed but not taken, two with the modem. */
	KUNIT_ASSERT_TRUE(test, iosm_fake_complete(t->fake, DL_PIPE, 10, 2));
	KUNIT_ASSERT_TRUE(test, iosm_fake_complete(t->fake, DL_PIPE, 10, 2));
	KUNIT_ASSERT_EQ(test, iosm_pipe_completed(t->protocol, t->dl), 2);
	iosm_pipe_take(t->dl, &done);

	iosm_protocol_close_pipe(t->protocol, t->dl);
	KUNIT_EXPECT_FALSE(test, t->fake->pipes[DL_PIPE].open);
	KUNIT_EXPECT_EQ(test, reclaim_all(test, 1), 3);
	iosm_protocol_free_pipe(t->protocol, t->dl);
	KUNIT_EXPECT_EQ(test, t->dl->entries, 0);
	KUNIT_EXPECT_EQ(test, t->rings->fatals, 0);
	KUNIT_EXPECT_TRUE(test, t->fake->dma);
}

/* The ring may be freed only when the modem cannot reach it any more. */
static void refused_close_cuts_the_modem_off(struct kunit *test)
{
	struct pipe_test *t = test->priv;

	open_dl(test);
	post_and_ring(t, 4);
	t->fake->control = give_answer;
	t->answer = IOSM_FAKE_REFUSED;
	iosm_protocol_close_pipe(t->protocol, t->dl);
	KUNIT_EXPECT_EQ(test, t->rings->fatals, 1);
	KUNIT_EXPECT_EQ(test, t->rings->fatal_err, -EREMOTEIO);
	KUNIT_EXPECT_FALSE(test, t->fake->dma);
	KUNIT_EXPECT_EQ(test, reclaim_all(test, 0), 4);
	iosm_protocol_free_pipe(t->protocol, t->dl);
}

static void unanswered_close_cuts_the_modem_off(struct kunit *test)
{
	struct pipe_test *t = test->priv;

	open_dl(test);
	post_and_ring(t, 4);
	t->fake->control = give_answer;
	t->answer = IOSM_FAKE_SILENT;
	t->protocol->timeout = IOSM_FAKE_TIMEOUT;
	iosm_protocol_close_pipe(t->protocol, t->dl);
	KUNIT_EXPECT_EQ(test, t->rings->fatals, 1);
	KUNIT_EXPECT_EQ(test, t->rings->fatal_err, -ETIMEDOUT);
	KUNIT_EXPECT_FALSE(test, t->fake->dma);
	KUNIT_EXPECT_EQ(test, reclaim_all(test, 0), 4);
	iosm_protocol_free_pipe(t->protocol, t->dl);
}

static void close_without_a_session_is_silent(struct kunit *test)
{
	struct pipe_test *t = test->priv;

	open_dl(test);
	post_and_ring(t, 3);
	iosm_protocol_halt(t->protocol);
	iosm_fake_forget_bells(t->fake);
	iosm_protocol_close_pipe(t->protocol, t->dl);
	IOSM_FAKE_EXPECT_NO_BELL(t->fake);
	KUNIT_EXPECT_EQ(test, t->rings->fatals, 0);
	KUNIT_EXPECT_EQ(test, reclaim_all(test, 0), 3);
	iosm_protocol_free_pipe(t->protocol, t->dl);
}

/* ---- Posting ---- */

struct td_case {
	const char *desc;
	u64 addr;
	u32 len;
	u8 bytes[16];
};

static const struct td_case tds[] = {
	{ "64-bit address", 0x1122334455667788, 0xabcdef,
	  { 0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11,
	    0xef, 0xcd, 0xab, 0x00 } },
	{ "32-bit address, one byte", 0x89abcdef, 1,
	  { 0xef, 0xcd, 0xab, 0x89, 0, 0, 0, 0, 0x01 } },
	{ "MBIM buffer", 0x12340000, 32768,
	  { 0x00, 0x00, 0x34, 0x12, 0, 0, 0, 0, 0x00, 0x80 } },
	{ "largest size", 0x1000, 0xffffff,
	  { 0x00, 0x10, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0x00 } },
};

KUNIT_ARRAY_PARAM_DESC(td, tds, desc);

static void td_has_its_golden_bytes(struct kunit *test)
{
	const struct td_case *c = test->param_value;
	struct pipe_test *t = test->priv;

	open_dl(test);
	/* Nothing of what the modem left there remains. */
	memset(t->dl->ring, 0xff, 16);
	iosm_pipe_post(t->dl, c->addr, c->len, NULL);
	KUNIT_EXPECT_MEMEQ(test, (u8 *)t->dl->ring, c->bytes, 16);
}

static void head_and_bell_follow_the_tds(struct kunit *test)
{
	struct pipe_test *t = test->priv;

	open_dl(test);
	post(t, 0);
	post(t, 1);
	KUNIT_EXPECT_EQ(test, iosm_fake_get_head(t->fake, DL_PIPE), 0);
	IOSM_FAKE_EXPECT_NO_BELL(t->fake);

	iosm_pipe_ring(t->protocol, t->dl, IOSM_HEAD_OPEN);
	KUNIT_EXPECT_EQ(test, iosm_fake_get_head(t->fake, DL_PIPE), 2);
	IOSM_FAKE_EXPECT_BELLS(t->fake, { IOSM_DB_HEAD, 9 });

	/* Without news there is no bell. */
	iosm_pipe_ring(t->protocol, t->dl, IOSM_HEAD_DL);
	IOSM_FAKE_EXPECT_BELLS(t->fake, { IOSM_DB_HEAD, 9 });
}

static void publishing_without_a_bell_is_made_up_for(struct kunit *test)
{
	struct pipe_test *t = test->priv;

	open_dl(test);
	post(t, 0);
	iosm_pipe_publish(t->protocol, t->dl);
	KUNIT_EXPECT_EQ(test, iosm_fake_posted(t->fake, DL_PIPE), 1);
	KUNIT_EXPECT_NE(test, t->dl->rung, t->dl->head);
	IOSM_FAKE_EXPECT_NO_BELL(t->fake);

	iosm_pipe_ring(t->protocol, t->dl, IOSM_HEAD_DL);
	IOSM_FAKE_EXPECT_BELLS(t->fake, { IOSM_DB_HEAD, 7 });
	KUNIT_EXPECT_EQ(test, t->dl->rung, t->dl->head);
}

static void complete_and_take(struct kunit *test, unsigned int count)
{
	struct pipe_test *t = test->priv;
	struct iosm_pipe_done done;
	unsigned int n;

	for (n = 0; n < count; n++)
		iosm_fake_complete(t->fake, DL_PIPE, 1, IOSM_TD_END);
	KUNIT_ASSERT_EQ(test, iosm_pipe_completed(t->protocol, t->dl), count);
	for (n = 0; n < count; n++)
		iosm_pipe_take(t->dl, &done);
}

/* Whatever the modem took by itself, and also behind the end of the ring */
static void unrung_is_what_a_bell_would_be_news_of(struct kunit *test)
{
	struct pipe_test *t = test->priv;

	open_dl(test);
	KUNIT_EXPECT_EQ(test, iosm_pipe_unrung(t->dl), 0);
	post(t, 0);
	post(t, 1);
	KUNIT_EXPECT_EQ(test, iosm_pipe_unrung(t->dl), 2);
	iosm_pipe_ring(t->protocol, t->dl, IOSM_HEAD_DL);
	KUNIT_EXPECT_EQ(test, iosm_pipe_unrung(t->dl), 0);

	post(t, 2);
	post(t, 3);
	iosm_pipe_publish(t->protocol, t->dl);
	KUNIT_EXPECT_EQ(test, iosm_pipe_unrung(t->dl), 2);
	complete_and_take(test, 3);
	KUNIT_EXPECT_EQ(test, iosm_pipe_unrung(t->dl), 1);
	complete_and_take(test, 1);
	KUNIT_EXPECT_EQ(test, iosm_pipe_unrung(t->dl), 0);

	post(t, 4);
	KUNIT_EXPECT_EQ(test, t->dl->head, 0);
	KUNIT_EXPECT_EQ(test, iosm_pipe_unrung(t->dl), 1);
	iosm_pipe_ring(t->protocol, t->dl, IOSM_HEAD_DL);
	KUNIT_EXPECT_EQ(test, iosm_pipe_unrung(t->dl), 0);
}

/* For a doorbell that may have been lost */
static void bell_rings_again_without_news(struct kunit *test)
{
	struct pipe_test *t = test->priv;

	open_dl(test);
	iosm_pipe_ring_again(t->protocol, t->dl, IOSM_HEAD_DL);
	IOSM_FAKE_EXPECT_BELLS(t->fake, { IOSM_DB_HEAD, 7 });
	KUNIT_EXPECT_EQ(test, iosm_fake_posted(t->fake, DL_PIPE), 0);

	/* the modem lost the head as well */
	post_and_ring(t, 2);
	iosm_fake_set_head(t->fake, DL_PIPE, 0);
	iosm_fake_forget_bells(t->fake);
	iosm_pipe_ring_again(t->protocol, t->dl, IOSM_HEAD_OPEN);
	IOSM_FAKE_EXPECT_BELLS(t->fake, { IOSM_DB_HEAD, 9 });
	KUNIT_EXPECT_EQ(test, iosm_fake_posted(t->fake, DL_PIPE), 2);
	KUNIT_EXPECT_EQ(test, iosm_pipe_posted(t->dl), 2);
}

/* What was not rung for is rung for with it. */
static void repeated_bell_covers_the_news(struct kunit *test)
{
	struct pipe_test *t = test->priv;

	open_dl(test);
	post(t, 0);
	post(t, 1);
	iosm_pipe_ring_again(t->protocol, t->dl, IOSM_HEAD_DL);
	KUNIT_EXPECT_EQ(test, iosm_fake_posted(t->fake, DL_PIPE), 2);
	KUNIT_EXPECT_EQ(test, t->dl->rung, t->dl->head);
	iosm_pipe_ring(t->protocol, t->dl, IOSM_HEAD_DL);
	IOSM_FAKE_EXPECT_BELLS(t->fake, { IOSM_DB_HEAD, 7 });

	post(t, 2);
	iosm_pipe_ring(t->protocol, t->dl, IOSM_HEAD_DL);
	IOSM_FAKE_EXPECT_BELLS(t->fake, { IOSM_DB_HEAD, 7 }, { IOSM_DB_HEAD, 7 });
}

static void repeated_bell_wakes_the_modem(struct kunit *test)
{
	struct pipe_test *t = test->priv;

	open_dl(test);
	post_and_ring(t, 1);
	t->fake->stubborn = true;
	iosm_fake_notify(t->fake, 1);
	flush_work(&t->rings->poll);
	iosm_fake_forget_bells(t->fake);

	iosm_pipe_ring_again(t->protocol, t->dl, IOSM_HEAD_DL);
	iosm_pipe_ring_again(t->protocol, t->dl, IOSM_HEAD_DL);
	IOSM_FAKE_EXPECT_BELLS(t->fake, { IOSM_DB_POWER, 2 });
}

static void head_moves_while_the_modem_sleeps(struct kunit *test)
{
	struct pipe_test *t = test->priv;

	open_dl(test);
	t->fake->stubborn = true;
	iosm_fake_notify(t->fake, 1);
	flush_work(&t->rings->poll);
	iosm_fake_forget_bells(t->fake);

	post_and_ring(t, 1);
	KUNIT_EXPECT_EQ(test, iosm_fake_get_head(t->fake, DL_PIPE), 1);
	IOSM_FAKE_EXPECT_BELLS(t->fake, { IOSM_DB_POWER, 2 });
}

/* 10.6.3 S14 */
static void head_is_private(struct kunit *test)
{
	struct pipe_test *t = test->priv;
	static const u32 rubbish[] = { 0, ENTRIES, 1000, 0xffffffff };
	unsigned int i;

	open_dl(test);
	for (i = 0; i < ARRAY_SIZE(rubbish); i++) {
		iosm_fake_set_head(t->fake, DL_PIPE, rubbish[i]);
		post(t, i);
		iosm_pipe_ring(t->protocol, t->dl, IOSM_HEAD_DL);
		KUNIT_EXPECT_EQ(test, iosm_fake_get_head(t->fake, DL_PIPE), i + 1);
		KUNIT_EXPECT_EQ(test, iosm_fake_posted(t->fake, DL_PIPE), i + 1);
	}
	KUNIT_EXPECT_EQ(test, iosm_pipe_room(t->dl), 0);
}

/* ---- Taking back ---- */

struct tail_case {
	const char *desc;
	unsigned int before;	/* TDs taken back before */
	unsigned int posted;	/* TDs with the modem */
	u32 tail;
	int completed;
};

/* 10.6.3 S15 to S17, with a ring of 5 */
static const struct tail_case tails[] = {
	{ "nothing", 0, 4, 0, 0 },
	{ "one of four", 0, 4, 1, 1 },
	{ "all of four", 0, 4, 4, 4 },
	{ "wrapped", 3, 4, 1, 3 },
	{ "all, wrapped", 3, 4, 2, 4 },
	{ "S15: tail is the ring size", 0, 4, 5, -EPROTO },
	{ "S15: tail is all ones", 0, 4, 0xffffffff, -EPROTO },
	{ "S15: legal low half", 0, 4, 0x10001, -EPROTO },
	{ "S15: bit 31", 0, 4, 0x80000001, -EPROTO },
	{ "S15: out of range with nothing posted", 0, 0, 5, -EPROTO },
	{ "S16: moved with nothing posted", 0, 0, 1, -EPROTO },
	{ "S16: one beyond the head", 0, 2, 3, -EPROTO },
	{ "S16: one step back", 2, 2, 1, -EPROTO },
	{ "S16: one step back around the start", 0, 2, 4, -EPROTO },
	{ "S17: one step back with nothing posted", 3, 0, 2, -EPROTO },
	{ "S17: beyond the head, wrapped", 4, 2, 2, -EPROTO },
};

KUNIT_ARRAY_PARAM_DESC(tail, tails, desc);

static void only_a_possible_tail_is_believed(struct kunit *test)
{
	const struct tail_case *c = test->param_value;
	struct pipe_test *t = test->priv;
	struct iosm_pipe_done done;
	unsigned int i;

	open_dl(test);
	for (i = 0; i < c->before; i++) {
		post_and_ring(t, 1);
		iosm_fake_complete(t->fake, DL_PIPE, 1, 2);
		KUNIT_ASSERT_EQ(test, iosm_pipe_completed(t->protocol, t->dl),
				1);
		iosm_pipe_take(t->dl, &done);
	}
	post_and_ring(t, c->posted);
	iosm_fake_set_tail(t->fake, DL_PIPE, c->tail);
	KUNIT_EXPECT_EQ(test, iosm_pipe_completed(t->protocol, t->dl),
			c->completed);
	KUNIT_EXPECT_EQ(test, iosm_pipe_posted(t->dl), c->posted);
}

struct result_case {
	const char *desc;
	u32 size;
	u8 status;
	int error;
};

/* 10.6.4 T2 to T4, with a buffer of 2048 bytes */
static const struct result_case results[] = {
	{ "one byte", 1, 2, 0 },
	{ "full buffer", CAPACITY, 2, 0 },
	{ "T2: one byte too many", CAPACITY + 1, 2, -EMSGSIZE },
	{ "T2: largest size", 0xffffff, 2, -EMSGSIZE },
	{ "T3: nothing", 0, 2, -ENODATA },
	{ "T4: status 0, unused", 100, 0, -EIO },
	{ "T4: status 1, partial", 100, 1, -EIO },
	{ "T4: status 3, overflow", 100, 3, -EIO },
	{ "T4: status 4, aborted", 100, 4, -EIO },
	{ "T4: status 5, error", 100, 5, -EIO },
	{ "T4: status 6", 100, 6, -EIO },
	{ "T4: end of transfer and bit 7", 100, 0x82, -EIO },
	{ "T4: status 255", 100, 255, -EIO },
	{ "T4: bad status and size", CAPACITY + 1, 5, -EIO },
};

KUNIT_ARRAY_PARAM_DESC(result, results, desc);

static void only_a_good_unit_has_a_size(struct kunit *test)
{
	const struct result_case *c = test->param_value;
	struct pipe_test *t = test->priv;
	struct iosm_pipe_done done;

	open_dl(test);
	post_and_ring(t, 2);
	iosm_fake_complete(t->fake, DL_PIPE, c->size, c->status);
	iosm_fake_complete(t->fake, DL_PIPE, 7, 2);
	KUNIT_ASSERT_EQ(test, iosm_pipe_completed(t->protocol, t->dl), 2);

	iosm_pipe_take(t->dl, &done);
	KUNIT_EXPECT_EQ(test, done.error, c->error);
	KUNIT_EXPECT_EQ(test, done.size, c->error ? 0 : c->size);
	KUNIT_EXPECT_PTR_EQ(test, done.slot.cookie, cookie(0));
	KUNIT_EXPECT_EQ(test, t->dl->bad_units, c->error ? 1 : 0);

	/* A bad unit costs itself only. */
	iosm_pipe_take(t->dl, &done);
	KUNIT_EXPECT_EQ(test, done.error, 0);
	KUNIT_EXPECT_EQ(test, done.size, 7);
	KUNIT_EXPECT_PTR_EQ(test, done.slot.cookie, cookie(1));
}

/* 10.6.4 T1, T5 */
static void only_size_and_status_are_read_back(struct kunit *test)
{
	struct pipe_test *t = test->priv;
	struct iosm_pipe_done done;
	u8 *raw;

	open_dl(test);
	post_and_ring(t, 1);
	raw = iosm_fake_raw_td(t->fake, DL_PIPE, 0);
	KUNIT_ASSERT_NOT_NULL(test, raw);
	iosm_fake_complete(t->fake, DL_PIPE, 100, 2);
	put_unaligned_le64(0xdeadbeefcafef00d, raw);
	memset(raw + 12, 0xff, 4);

	KUNIT_ASSERT_EQ(test, iosm_pipe_completed(t->protocol, t->dl), 1);
	iosm_pipe_take(t->dl, &done);
	KUNIT_EXPECT_EQ(test, done.error, 0);
	KUNIT_EXPECT_EQ(test, done.slot.dma, t->dma);
	KUNIT_EXPECT_EQ(test, done.slot.len, CAPACITY);
	KUNIT_EXPECT_EQ(test, done.size, 100);
}

/* 10.6.4 T6 */
static void uplink_buffer_comes_back_whatever_the_td_says(struct kunit *test)
{
	struct pipe_test *t = test->priv;
	struct iosm_pipe *ul = &t->protocol->pipes[UL_PIPE];
	static const u8 status[] = { 0, 1, 2, 3, 4, 5, 255 };
	struct iosm_pipe_done done;
	unsigned int i;
	int ret;

	ret = iosm_protocol_open_pipe(t->protocol, ul, ENTRIES, 0);
	KUNIT_ASSERT_EQ(test, ret, 0);
	for (i = 0; i < ARRAY_SIZE(status); i++) {
		iosm_pipe_post(ul, t->dma, 40, cookie(i));
		iosm_pipe_ring(t->protocol, ul, IOSM_HEAD_UL);
		iosm_fake_complete(t->fake, UL_PIPE, i * 1000, status[i]);
		KUNIT_ASSERT_EQ(test, iosm_pipe_completed(t->protocol, ul), 1);
		iosm_pipe_take(ul, &done);
		KUNIT_EXPECT_PTR_EQ(test, done.slot.cookie, cookie(i));
		KUNIT_EXPECT_EQ(test, done.slot.dma, t->dma);
		KUNIT_EXPECT_EQ(test, done.slot.len, 40);
	}
}

static void taken_slot_is_forgotten(struct kunit *test)
{
	struct pipe_test *t = test->priv;
	struct iosm_pipe_done done;

	open_dl(test);
	post_and_ring(t, 1);
	iosm_fake_complete(t->fake, DL_PIPE, 1, 2);
	KUNIT_ASSERT_EQ(test, iosm_pipe_completed(t->protocol, t->dl), 1);
	iosm_pipe_take(t->dl, &done);
	KUNIT_EXPECT_NULL(test, t->dl->slots[0].cookie);
	KUNIT_EXPECT_EQ(test, t->dl->slots[0].dma, 0);
	KUNIT_EXPECT_EQ(test, t->dl->slots[0].len, 0);
}

/* Each buffer comes back once and in order, however the two sides interleave. */
static void every_buffer_comes_back_once(struct kunit *test)
{
	struct pipe_test *t = test->priv;
	unsigned int posted = 0, completed = 0, taken = 0, step;
	struct iosm_pipe_done done;
	struct rnd_state rnd;
	int count;

	prandom_seed_state(&rnd, 7360);
	open_dl(test);
	for (step = 0; step < 20000; step++) {
		switch (prandom_u32_state(&rnd) % 4) {
		case 0:
			if (!iosm_pipe_room(t->dl))
				break;
			post(t, posted++);
			break;
		case 1:
			iosm_pipe_ring(t->protocol, t->dl, IOSM_HEAD_DL);
			KUNIT_ASSERT_EQ(test, iosm_fake_posted(t->fake, DL_PIPE),
					posted - completed);
			break;
		case 2:
			completed += iosm_fake_complete(t->fake, DL_PIPE,
							completed % 2000 + 1,
							2);
			break;
		case 3:
			count = iosm_pipe_completed(t->protocol, t->dl);
			KUNIT_ASSERT_EQ(test, count, completed - taken);
			while (count--) {
				iosm_pipe_take(t->dl, &done);
				KUNIT_ASSERT_PTR_EQ(test, done.slot.cookie,
						    cookie(taken));
				KUNIT_ASSERT_EQ(test, done.size,
						taken % 2000 + 1);
				taken++;
			}
			break;
		}
		KUNIT_ASSERT_EQ(test, iosm_pipe_posted(t->dl), posted - taken);
	}
	KUNIT_EXPECT_GT(test, taken, 1000);
}

static struct kunit_case iosm_pipe_cases[] = {
	KUNIT_CASE(open_pipe_is_empty),
	KUNIT_CASE(old_tail_is_no_completion),
	KUNIT_CASE(reopened_pipe_is_rung),
	KUNIT_CASE(refused_open_leaves_the_pipe_closed),
	KUNIT_CASE(unanswered_open_is_an_error),
	KUNIT_CASE(nothing_opens_without_a_session),
	KUNIT_CASE(closed_pipe_gives_all_buffers_back),
	KUNIT_CASE(refused_close_cuts_the_modem_off),
	KUNIT_CASE(unanswered_close_cuts_the_modem_off),
	KUNIT_CASE(close_without_a_session_is_silent),
	KUNIT_CASE_PARAM(td_has_its_golden_bytes, td_gen_params),
	KUNIT_CASE(head_and_bell_follow_the_tds),
	KUNIT_CASE(publishing_without_a_bell_is_made_up_for),
	KUNIT_CASE(unrung_is_what_a_bell_would_be_news_of),
	KUNIT_CASE(bell_rings_again_without_news),
	KUNIT_CASE(repeated_bell_covers_the_news),
	KUNIT_CASE(repeated_bell_wakes_the_modem),
	KUNIT_CASE(head_moves_while_the_modem_sleeps),
	KUNIT_CASE(head_is_private),
	KUNIT_CASE_PARAM(only_a_possible_tail_is_believed, tail_gen_params),
	KUNIT_CASE_PARAM(only_a_good_unit_has_a_size, result_gen_params),
	KUNIT_CASE(only_size_and_status_are_read_back),
	KUNIT_CASE(uplink_buffer_comes_back_whatever_the_td_says),
	KUNIT_CASE(taken_slot_is_forgotten),
	KUNIT_CASE(every_buffer_comes_back_once),
	{}
};

static struct kunit_suite iosm_pipe_suite = {
	.name = "iosm_pipe",
	.init = iosm_pipe_init_test,
	.test_cases = iosm_pipe_cases,
};

kunit_test_suite(iosm_pipe_suite);
