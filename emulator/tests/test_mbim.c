// SPDX-License-Identifier: GPL-2.0-only
/*
 * MBIM function, byte by byte: session, fragments, errors, indications; each
 * request here is built without the codec under test. Time is virtual.
 */
#include <stdint.h>
#include <stdlib.h>

#include "check.h"
#include "function.h"
#include "log.h"
#include "loop.h"
#include "mbim_codec.h"
#include "world.h"

#define MAX_UNITS	512

static const uint8_t basic_connect[16] = {
	0xa2, 0x89, 0xcc, 0x33, 0xbc, 0xbb, 0x8b, 0x4f,
	0xb6, 0xb0, 0x13, 0x3e, 0xc2, 0xaa, 0xe6, 0xdf,
};
static const uint8_t internet[16] = {
	0x7e, 0x5e, 0x2a, 0x7e, 0x4e, 0x6f, 0x72, 0x72,
	0x73, 0x6b, 0x65, 0x6e, 0x7e, 0x5e, 0x2a, 0x7e,
};

static struct {
	uint8_t *data;
	size_t len;
} units[MAX_UNITS];
static unsigned int n_units;
static bool refuse_units;

static struct loop *loop;
static struct world *world;
static struct function *fn;

static void forget_units(void)
{
	for (unsigned int i = 0; i < n_units; i++)
		free(units[i].data);
	n_units = 0;
}

static bool take(void *ctx, const void *data, size_t len)
{
	(void)ctx;
	if (refuse_units || n_units == MAX_UNITS || len > fn->max_unit)
		return false;
	units[n_units].data = malloc(len);
	memcpy(units[n_units].data, data, len);
	units[n_units++].len = len;
	return true;
}

static void set_up(void)
{
	struct world_config config = { .kind = WORLD_SINK };

	log_set_level(LOG_ERROR);
	loop = loop_new();
	loop_virtual_time(loop);
	world = world_new(loop, &config);
	fn = mbim_new(loop, world);
	fn->send = take;
	fn->max_unit = 32768;
	refuse_units = false;
	fn->ops->opened(fn);
}

static void tear_down(void)
{
	fn->ops->destroy(fn);
	world_free(world);
	loop_free(loop);
	forget_units();
}

/* ----- requests ------------------------------------------------------- */

struct msg {
	uint8_t b[70000];
	size_t len;
};

static struct msg msg;

static void le32(uint32_t value)
{
	for (int i = 0; i < 4; i++)
		msg.b[msg.len++] = (uint8_t)(value >> (8 * i));
}

static void bytes(const void *data, size_t len)
{
	memcpy(msg.b + msg.len, data, len);
	msg.len += len;
}

static void set_le32(size_t at, uint32_t value)
{
	for (size_t i = 0; i < 4; i++)
		msg.b[at + i] = (uint8_t)(value >> (8 * i));
}

static void start(uint32_t type, uint32_t tid)
{
	msg.len = 0;
	le32(type);
	le32(0);
	le32(tid);
}

static void deliver(void)
{
	uint8_t *exact = malloc(msg.len ? msg.len : 1);

	/* Exactly as long as told, so that the sanitizer sees an overrun. */
	memcpy(exact, msg.b, msg.len);
	fn->ops->receive(fn, exact, msg.len);
	free(exact);
}

static void finish(void)
{
	set_le32(4, (uint32_t)msg.len);
	deliver();
}

static void mbim_open(uint32_t max)
{
	start(1, 1);
	le32(max);
	finish();
	forget_units();
}

static void command(uint32_t tid, uint32_t cid, uint32_t set)
{
	start(3, tid);
	le32(1);
	le32(0);
	bytes(basic_connect, 16);
	le32(cid);
	le32(set);
	le32(0);
}

static void finish_command(void)
{
	set_le32(44, (uint32_t)(msg.len - 48));
	finish();
}

static void query(uint32_t tid, uint32_t cid)
{
	command(tid, cid, 0);
	finish_command();
}

static void set_one(uint32_t tid, uint32_t cid, uint32_t value)
{
	command(tid, cid, 1);
	le32(value);
	finish_command();
}

/* CONNECT set without strings. */
static void connect_set(uint32_t tid, uint32_t session, uint32_t up,
			uint32_t type)
{
	command(tid, 12, 1);
	le32(session);
	le32(up);
	for (int i = 0; i < 6; i++)
		le32(0);
	le32(0);
	le32(0);
	le32(type);
	bytes(internet, 16);
	finish_command();
}

/* ----- answers -------------------------------------------------------- */

static uint32_t word(unsigned int unit, size_t at)
{
	if (unit >= n_units || at + 4 > units[unit].len)
		return 0xdeadbeef;
	return mbim_le32(units[unit].data + at);
}

static bool is_error(unsigned int unit, uint32_t tid, uint32_t error)
{
	return unit < n_units && units[unit].len == 16 &&
	       word(unit, 0) == 0x80000004 && word(unit, 4) == 16 &&
	       word(unit, 8) == tid && word(unit, 12) == error;
}

static bool is_done(unsigned int unit, uint32_t tid, uint32_t cid,
		    uint32_t status)
{
	return unit < n_units && units[unit].len >= 48 &&
	       word(unit, 0) == 0x80000003 &&
	       word(unit, 4) == units[unit].len && word(unit, 8) == tid &&
	       word(unit, 12) == 1 && word(unit, 16) == 0 &&
	       memcmp(units[unit].data + 20, basic_connect, 16) == 0 &&
	       word(unit, 36) == cid && word(unit, 40) == status &&
	       word(unit, 44) == units[unit].len - 48;
}

static bool is_indication(unsigned int unit, uint32_t cid)
{
	return unit < n_units && units[unit].len >= 44 &&
	       word(unit, 0) == 0x80000007 && word(unit, 8) == 0 &&
	       memcmp(units[unit].data + 20, basic_connect, 16) == 0 &&
	       word(unit, 36) == cid &&
	       word(unit, 40) == units[unit].len - 44;
}

static unsigned int count_indications(uint32_t cid)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < n_units; i++)
		n += is_indication(i, cid);
	return n;
}

/* One answer with this status came, and nothing else. */
#define EXPECT_STATUS(tid, cid, status)					\
	do {								\
		CHECK_EQ(n_units, 1);					\
		CHECK(is_done(0, tid, cid, status));			\
		forget_units();						\
	} while (0)

#define EXPECT_ERROR(tid, error)					\
	do {								\
		CHECK_EQ(n_units, 1);					\
		CHECK(is_error(0, tid, error));				\
		forget_units();						\
	} while (0)

/* ----- codec ---------------------------------------------------------- */

TEST(references_stay_inside)
{
	uint8_t data[32] = { 0 };
	struct mbim_view view = { data, sizeof(data) }, target;

	data[0] = 16;
	data[4] = 16;
	CHECK(mbim_get_ref(&view, 0, 8, &target));
	CHECK(target.data == data + 16 && target.len == 16);
	data[4] = 17;
	CHECK(!mbim_get_ref(&view, 0, 8, &target));	/* one too long */
	data[4] = 16;
	CHECK(!mbim_get_ref(&view, 0, 20, &target));	/* in the fixed part */
	data[0] = 18;
	data[4] = 4;
	CHECK(!mbim_get_ref(&view, 0, 8, &target));	/* not aligned */
	data[0] = 32;
	data[4] = 0;
	CHECK(mbim_get_ref(&view, 0, 8, &target));	/* nothing */
	CHECK_EQ(target.len, 0);
	data[4] = 1;
	CHECK(!mbim_get_ref(&view, 0, 8, &target));
	memset(data, 0xff, 8);
	CHECK(!mbim_get_ref(&view, 0, 8, &target));	/* sum wraps */
	CHECK(!mbim_get_ref(&view, 28, 8, &target));	/* pair is cut */
}

TEST(strings_are_converted_and_checked)
{
	uint8_t data[24] = { 8, 0, 0, 0, 8, 0, 0, 0,
			     'a', 0, 0xe4, 0, 0x3d, 0xd8, 0x00, 0xde };
	struct mbim_view view = { data, sizeof(data) };
	char text[64];

	CHECK_EQ(mbim_get_string(&view, 0, 8, 4, text), 0);
	CHECK_STR(text, "a\xc3\xa4\xf0\x9f\x98\x80");
	CHECK_EQ(mbim_get_string(&view, 0, 8, 3, text),
		 MBIM_STATUS_PARAMETER_TOO_LONG);
	data[4] = 7;					/* odd */
	CHECK_EQ(mbim_get_string(&view, 0, 8, 4, text),
		 MBIM_STATUS_INVALID_PARAMETERS);
	data[4] = 6;					/* high half alone */
	CHECK_EQ(mbim_get_string(&view, 0, 8, 4, text),
		 MBIM_STATUS_INVALID_PARAMETERS);
	data[4] = 8;
	data[13] = 0xdc;				/* low half first */
	CHECK_EQ(mbim_get_string(&view, 0, 8, 4, text),
		 MBIM_STATUS_INVALID_PARAMETERS);
	data[13] = 0xd8;
	data[8] = 0;					/* NUL inside */
	CHECK_EQ(mbim_get_string(&view, 0, 8, 4, text),
		 MBIM_STATUS_INVALID_PARAMETERS);
	data[8] = 'a';
	data[15] = 0x00;				/* half without pair */
	CHECK_EQ(mbim_get_string(&view, 0, 8, 4, text),
		 MBIM_STATUS_INVALID_PARAMETERS);
	data[4] = 0;
	CHECK_EQ(mbim_get_string(&view, 0, 8, 4, text), 0);
	CHECK_STR(text, "");
}

TEST(written_strings_are_padded_and_referenced)
{
	static const uint8_t expected[] = {
		1, 0, 0, 0, 12, 0, 0, 0, 6, 0, 0, 0,
		'a', 0, 0xe4, 0, 'b', 0, 0, 0,
	};
	static const uint8_t pair[] = {
		8, 0, 0, 0, 4, 0, 0, 0, 0x3d, 0xd8, 0x00, 0xde,
	};
	struct mbim_buf buf = { 0 };
	size_t ref;

	mbim_put_u32(&buf, 1);
	ref = mbim_put_ref(&buf);
	mbim_fill_string(&buf, 0, ref, "a\xc3\xa4" "b");
	CHECK_EQ(buf.len, sizeof(expected));
	CHECK_MEM(buf.data, expected, sizeof(expected));
	mbim_buf_free(&buf);

	ref = mbim_put_ref(&buf);
	mbim_fill_string(&buf, 0, ref, "\xf0\x9f\x98\x80");
	CHECK_EQ(buf.len, sizeof(pair));
	CHECK_MEM(buf.data, pair, sizeof(pair));
	mbim_buf_free(&buf);

	ref = mbim_put_ref(&buf);
	mbim_fill_string(&buf, 0, ref, "");
	CHECK_EQ(buf.len, 8);
	CHECK_EQ(mbim_le32(buf.data), 0);
	mbim_buf_free(&buf);
}

TEST(runaway_writer_fails)
{
	struct mbim_buf buf = { 0 };
	uint8_t block[1024] = { 0 };

	for (int i = 0; i < 2000; i++)
		mbim_put_bytes(&buf, block, sizeof(block));
	CHECK(buf.failed);
	CHECK(buf.len <= 1024 * 1024);
	mbim_buf_free(&buf);
}

/* ----- session -------------------------------------------------------- */

TEST(open_is_answered)
{
	static const uint8_t request[] = { 1, 0, 0, 0, 16, 0, 0, 0,
					   7, 0, 0, 0, 0, 16, 0, 0 };
	static const uint8_t answer[] = { 1, 0, 0, 0x80, 16, 0, 0, 0,
					  7, 0, 0, 0, 0, 0, 0, 0 };

	set_up();
	fn->ops->receive(fn, request, sizeof(request));
	CHECK_EQ(n_units, 1);
	CHECK_EQ(units[0].len, 16);
	CHECK_MEM(units[0].data, answer, 16);
	tear_down();
}

TEST(close_is_answered_and_ends_the_session)
{
	static const uint8_t request[] = { 2, 0, 0, 0, 12, 0, 0, 0,
					   9, 0, 0, 0 };
	static const uint8_t answer[] = { 2, 0, 0, 0x80, 16, 0, 0, 0,
					  9, 0, 0, 0, 0, 0, 0, 0 };

	set_up();
	mbim_open(4096);
	fn->ops->receive(fn, request, sizeof(request));
	CHECK_EQ(n_units, 1);
	CHECK_MEM(units[0].data, answer, 16);
	forget_units();
	query(10, 1);
	EXPECT_ERROR(10, 5);
	tear_down();
}

TEST(nothing_works_before_open)
{
	set_up();
	query(3, 1);
	EXPECT_ERROR(3, 5);
	start(2, 4);
	finish();
	EXPECT_ERROR(4, 5);
	start(77, 5);
	finish();
	EXPECT_ERROR(5, 5);
	start(4, 6);				/* errors are not answered */
	le32(7);
	finish();
	CHECK_EQ(n_units, 0);
	tear_down();
}

TEST(open_checks_length_and_size)
{
	set_up();
	start(1, 2);
	finish();
	EXPECT_ERROR(2, 3);
	start(1, 3);
	le32(4096);
	le32(0);
	finish();
	EXPECT_ERROR(3, 3);
	start(1, 4);
	le32(63);
	finish();
	EXPECT_ERROR(4, 8);
	query(5, 1);
	EXPECT_ERROR(5, 5);
	start(1, 6);
	le32(64);
	finish();
	CHECK_EQ(word(0, 0), 0x80000001);
	tear_down();
}

TEST(open_again_starts_over)
{
	set_up();
	mbim_open(4096);
	connect_set(2, 0, 1, 1);
	loop_advance(loop, 100000);
	CHECK(is_done(0, 2, 12, 0));
	forget_units();
	mbim_open(4096);
	command(3, 12, 0);
	for (int i = 0; i < 9; i++)
		le32(0);
	finish_command();
	CHECK(is_done(0, 3, 12, 0));
	CHECK_EQ(word(0, 52), 3);		/* deactivated */
	tear_down();
}

TEST(session_survives_the_channel_but_not_a_restart)
{
	set_up();
	mbim_open(4096);
	fn->ops->closed(fn);
	fn->ops->opened(fn);
	query(2, 3);
	EXPECT_STATUS(2, 3, 0);
	fn->ops->closed(fn);
	fn->ops->reset(fn);
	fn->ops->opened(fn);
	query(3, 3);
	EXPECT_ERROR(3, 5);
	tear_down();
}

/* ----- malformed messages --------------------------------------------- */

TEST(lengths_must_agree)
{
	set_up();
	mbim_open(4096);
	for (size_t len = 0; len < 12; len++) {
		start(3, 2);
		msg.len = len;
		deliver();
		EXPECT_ERROR(0, 3);
	}
	command(3, 1, 0);
	set_le32(4, 47);
	deliver();
	EXPECT_ERROR(3, 3);
	set_le32(4, 49);
	deliver();
	EXPECT_ERROR(3, 3);
	set_le32(4, 0xffffffff);
	deliver();
	EXPECT_ERROR(3, 3);
	for (size_t len = 12; len < 48; len++) {
		command(4, 1, 0);
		if (len < 20) {
			msg.len = len;
			finish();
			EXPECT_ERROR(4, 3);
			continue;
		}
		msg.len = len;
		finish();
		EXPECT_ERROR(4, 3);
	}
	command(5, 1, 0);
	set_le32(44, 4);			/* promises more than it has */
	finish();
	EXPECT_ERROR(5, 3);
	command(6, 1, 0);
	le32(0);				/* has more than it promises */
	finish();
	EXPECT_ERROR(6, 3);
	start(2, 7);
	le32(0);
	finish();
	EXPECT_ERROR(7, 3);
	query(8, 1);
	CHECK(is_done(0, 8, 1, 0));
	tear_down();
}

TEST(unknown_messages_are_refused)
{
	static const uint32_t types[] = { 0, 5, 6, 7, 0x80000001, 0x80000003,
					  0x80000007, 0xffffffff };

	set_up();
	mbim_open(4096);
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		start(types[i], 40);
		finish();
		EXPECT_ERROR(40, 6);
	}
	tear_down();
}

TEST(messages_above_max_transfer_are_refused)
{
	set_up();
	mbim_open(64);
	command(2, 3, 1);
	for (int i = 0; i < 4; i++)
		le32(1);
	finish_command();
	EXPECT_STATUS(2, 3, 0);			/* 64 bytes */
	command(3, 3, 1);
	for (int i = 0; i < 5; i++)
		le32(1);
	finish_command();
	EXPECT_ERROR(3, 8);			/* 68 bytes */
	tear_down();
}

/* ----- fragments ------------------------------------------------------ */

/* Fragment @current of @total with @len bytes of @body. */
static void fragment(uint32_t tid, uint32_t total, uint32_t current,
		     const uint8_t *body, size_t len)
{
	start(3, tid);
	le32(total);
	le32(current);
	bytes(body, len);
	finish();
}

/* The body of a PIN command, 28 + @extra bytes. */
static const uint8_t *long_body(uint32_t cid, size_t extra)
{
	static uint8_t body[70000];

	memset(body, 0, sizeof(body));
	memcpy(body, basic_connect, 16);
	body[16] = (uint8_t)cid;
	body[24] = (uint8_t)extra;
	body[25] = (uint8_t)(extra >> 8);
	body[26] = (uint8_t)(extra >> 16);
	return body;
}

TEST(fragments_are_put_together)
{
	const uint8_t *body = long_body(3, 100);

	set_up();
	mbim_open(4096);
	/* A query of the radio state has no information: wrong, but whole. */
	fragment(5, 3, 0, body, 60);
	fragment(5, 3, 1, body + 60, 60);
	CHECK_EQ(n_units, 0);
	fragment(5, 3, 2, body + 120, 8);
	EXPECT_STATUS(5, 3, 21);

	/* And a good one, cut after its header. */
	body = long_body(3, 0);
	fragment(6, 2, 0, body, 28);
	CHECK_EQ(n_units, 0);
	fragment(6, 2, 1, body + 28, 0);
	EXPECT_STATUS(6, 3, 0);
	tear_down();
}

TEST(fragments_must_come_in_order)
{
	const uint8_t *body = long_body(3, 100);

	set_up();
	mbim_open(4096);
	fragment(5, 3, 1, body, 60);		/* no first one */
	EXPECT_ERROR(5, 2);
	fragment(5, 0, 0, body, 60);		/* of none */
	EXPECT_ERROR(5, 2);
	fragment(5, 3, 3, body, 60);		/* after the last */
	EXPECT_ERROR(5, 2);

	fragment(5, 3, 0, body, 60);
	fragment(5, 3, 2, body + 60, 60);	/* one is missing */
	EXPECT_ERROR(5, 2);
	fragment(5, 3, 1, body + 60, 60);	/* the rest went with it */
	EXPECT_ERROR(5, 2);

	fragment(6, 3, 0, body, 60);
	fragment(6, 4, 1, body + 60, 60);	/* changed its mind */
	EXPECT_ERROR(6, 2);

	fragment(7, 3, 0, body, 60);
	fragment(7, 3, 1, body + 60, 60);
	fragment(7, 3, 1, body + 60, 60);	/* twice */
	EXPECT_ERROR(7, 2);
	tear_down();
}

TEST(fragments_of_two_commands_do_not_mix)
{
	const uint8_t *body = long_body(3, 0);

	set_up();
	mbim_open(4096);
	fragment(5, 2, 0, body, 28);
	fragment(6, 2, 1, body, 0);		/* both are lost */
	CHECK_EQ(n_units, 2);
	CHECK(is_error(0, 5, 2));
	CHECK(is_error(1, 6, 2));
	forget_units();

	fragment(5, 2, 0, body, 28);
	fragment(6, 1, 0, body, 28);		/* the new one goes through */
	CHECK_EQ(n_units, 2);
	CHECK(is_error(0, 5, 2));
	CHECK(is_done(1, 6, 3, 0));
	tear_down();
}

TEST(fragments_time_out)
{
	const uint8_t *body = long_body(3, 100);

	set_up();
	mbim_open(4096);
	fragment(5, 3, 0, body, 60);
	loop_advance(loop, 1249000);
	CHECK_EQ(n_units, 0);
	fragment(5, 3, 1, body + 60, 60);	/* starts the wait again */
	loop_advance(loop, 1249000);
	CHECK_EQ(n_units, 0);
	loop_advance(loop, 2000);
	EXPECT_ERROR(5, 1);
	fragment(5, 3, 2, body + 120, 8);
	EXPECT_ERROR(5, 2);
	tear_down();
}

TEST(fragments_must_add_up)
{
	const uint8_t *body = long_body(3, 40);

	set_up();
	mbim_open(4096);
	fragment(5, 2, 0, body, 60);
	fragment(5, 2, 1, body + 60, 9);	/* one more than promised */
	EXPECT_ERROR(5, 3);
	fragment(5, 2, 0, body, 60);
	fragment(5, 2, 1, body + 60, 7);	/* one less */
	EXPECT_ERROR(5, 3);
	fragment(6, 2, 0, body, 27);		/* no room for the header */
	EXPECT_ERROR(6, 3);
	body = long_body(3, 65537);
	fragment(7, 50, 0, body, 100);
	EXPECT_ERROR(7, 8);
	/* Lots of empty fragments end, too. */
	body = long_body(3, 0);
	fragment(8, 100000, 0, body, 28);
	for (uint32_t i = 1; i < 1000; i++)
		fragment(8, 100000, i, body, 0);
	CHECK_EQ(n_units, 0);
	loop_advance(loop, 1300000);
	EXPECT_ERROR(8, 1);
	tear_down();
}

TEST(large_commands_are_reassembled)
{
	const uint8_t *body = long_body(3, 65536);
	uint32_t total = (65536 + 28 + 4075) / 4076, i;

	set_up();
	mbim_open(4096);
	for (i = 0; i < total; i++) {
		size_t at = i * 4076u, len = 65536 + 28 - at;

		fragment(9, total, i, body + at, len > 4076 ? 4076 : len);
	}
	EXPECT_STATUS(9, 3, 21);
	tear_down();
}

TEST(close_and_channel_close_forget_fragments)
{
	const uint8_t *body = long_body(3, 100);

	set_up();
	mbim_open(4096);
	fragment(5, 3, 0, body, 60);
	start(2, 6);
	finish();
	CHECK_EQ(n_units, 1);
	forget_units();
	mbim_open(4096);
	fragment(5, 3, 1, body + 60, 60);
	EXPECT_ERROR(5, 2);
	fragment(6, 3, 0, body, 60);
	fn->ops->closed(fn);
	loop_advance(loop, 2000000);
	CHECK_EQ(n_units, 0);
	tear_down();
}

TEST(answers_are_cut_to_what_the_host_takes)
{
	uint8_t whole[512];
	size_t whole_len;

	set_up();
	mbim_open(4096);
	query(2, 16);
	CHECK_EQ(n_units, 1);
	whole_len = units[0].len - 20;
	memcpy(whole, units[0].data + 20, whole_len);
	forget_units();

	for (uint32_t max = 64; max < 200; max++) {
		size_t at = 0;

		mbim_open(max);
		query(max, 16);
		CHECK_EQ(n_units, (whole_len + max - 21) / (max - 20));
		for (unsigned int i = 0; i < n_units; i++) {
			CHECK(units[i].len <= max);
			CHECK_EQ(word(i, 0), 0x80000003);
			CHECK_EQ(word(i, 4), units[i].len);
			CHECK_EQ(word(i, 8), max);
			CHECK_EQ(word(i, 12), n_units);
			CHECK_EQ(word(i, 16), i);
			if (i + 1 < n_units)
				CHECK_EQ(units[i].len, max);
			CHECK_MEM(units[i].data + 20, whole + at,
				  units[i].len - 20);
			at += units[i].len - 20;
		}
		CHECK_EQ(at, whole_len);
		forget_units();
	}
	tear_down();
}

TEST(answers_are_cut_to_what_the_channel_takes)
{
	set_up();
	fn->max_unit = 100;
	mbim_open(4096);
	query(2, 16);
	CHECK(n_units > 1);
	for (unsigned int i = 0; i < n_units; i++)
		CHECK(units[i].len <= 100);
	tear_down();
}

TEST(closed_channel_loses_answers_only)
{
	set_up();
	mbim_open(4096);
	refuse_units = true;
	query(2, 1);
	set_one(3, 3, 0);
	CHECK_EQ(n_units, 0);
	refuse_units = false;
	query(4, 3);
	CHECK(is_done(0, 4, 3, 0));
	CHECK_EQ(word(0, 52), 0);
	tear_down();
}

/* ----- commands ------------------------------------------------------- */

TEST(unknown_services_and_commands_are_refused)
{
	set_up();
	mbim_open(4096);
	query(2, 0);
	EXPECT_STATUS(2, 0, 9);
	query(2, 23);
	EXPECT_STATUS(2, 23, 9);
	query(2, 0xffffffff);
	EXPECT_STATUS(2, 0xffffffff, 9);
	set_one(3, 1, 0);			/* caps cannot be set */
	EXPECT_STATUS(3, 1, 9);
	query(3, 19);				/* list cannot be queried */
	EXPECT_STATUS(3, 19, 9);
	command(4, 1, 2);			/* neither query nor set */
	finish_command();
	EXPECT_STATUS(4, 1, 21);
	command(5, 1, 0);			/* another service */
	msg.b[20] ^= 1;
	finish_command();
	CHECK_EQ(n_units, 1);
	CHECK_EQ(word(0, 40), 9);
	CHECK_EQ(units[0].data[20], 0xa3);
	tear_down();
}

TEST(information_buffers_are_checked)
{
	static const uint32_t plain[] = { 1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 13,
					  16, 20, 21, 22 };

	set_up();
	mbim_open(4096);
	for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++) {
		query(2, plain[i]);
		EXPECT_STATUS(2, plain[i], 0);
		command(3, plain[i], 0);
		le32(0);
		finish_command();
		EXPECT_STATUS(3, plain[i], 21);
	}
	for (uint32_t cid = 3; cid < 22; cid++) {
		if (cid == 5 || cid == 6 || cid == 8 || (cid > 13 && cid < 19) ||
		    cid == 20)
			continue;
		command(4, cid, 1);		/* set without anything */
		finish_command();
		EXPECT_STATUS(4, cid, 21);
	}
	query(5, 12);
	EXPECT_STATUS(5, 12, 21);
	query(5, 15);
	EXPECT_STATUS(5, 15, 21);
	query(5, 8);
	EXPECT_STATUS(5, 8, 21);
	set_one(6, 3, 2);
	EXPECT_STATUS(6, 3, 21);
	set_one(6, 10, 2);
	EXPECT_STATUS(6, 10, 21);
	set_one(6, 21, 2);
	EXPECT_STATUS(6, 21, 21);
	tear_down();
}

/* Luhn's sum over the decimal digits from @at, UTF-16, @n of them. */
static bool luhn(unsigned int unit, size_t at, unsigned int n)
{
	unsigned int sum = 0;

	for (unsigned int i = 0; i < n; i++) {
		unsigned int d = word(unit, at + 2 * i) & 0xffff;

		if (d < '0' || d > '9')
			return false;
		d -= '0';
		if ((n - i) % 2 == 0)
			d = d * 2 > 9 ? d * 2 - 9 : d * 2;
		sum += d;
	}
	return sum % 10 == 0;
}

TEST(identity_is_well_formed)
{
	set_up();
	mbim_open(4096);
	query(2, 1);
	CHECK(is_done(0, 2, 1, 0));
	CHECK_EQ(word(0, 48 + 28), 8);		/* sessions */
	CHECK_EQ(word(0, 48 + 44), 30);		/* 15 digits of IMEI */
	CHECK(luhn(0, 48 + word(0, 48 + 40), 15));
	forget_units();
	query(3, 2);
	CHECK(is_done(0, 3, 2, 0));
	CHECK_EQ(word(0, 48), 1);
	CHECK_EQ(word(0, 48 + 8), 30);		/* 15 digits of IMSI */
	CHECK_EQ(word(0, 48 + 16), 38);		/* 19 digits of ICCID */
	CHECK(luhn(0, 48 + word(0, 48 + 12), 19));
	CHECK_EQ(word(0, 48 + 24), 1);
	tear_down();
}

TEST(connect_is_answered_later_and_indicated)
{
	set_up();
	mbim_open(4096);
	connect_set(2, 5, 1, 1);
	CHECK_EQ(n_units, 0);
	loop_advance(loop, 100000);
	CHECK_EQ(n_units, 3);
	CHECK(is_done(0, 2, 12, 0));
	CHECK_EQ(word(0, 48), 5);
	CHECK_EQ(word(0, 52), 1);		/* activated */
	CHECK_EQ(word(0, 60), 1);		/* IPv4 */
	CHECK(is_indication(1, 12));
	CHECK(is_indication(2, 15));
	CHECK_EQ(word(2, 44), 5);
	CHECK_EQ(word(2, 48), 0xf);
	CHECK_EQ(word(2, 52), 0);		/* no IPv6 */
	CHECK_EQ(word(2, 56), 1);
	CHECK_EQ(word(2, 44 + word(2, 60) + 4), 0x0205400a);
	forget_units();

	connect_set(3, 5, 0, 0);
	CHECK(is_done(0, 3, 12, 0));
	CHECK_EQ(word(0, 52), 3);
	CHECK(is_indication(1, 12));
	tear_down();
}

TEST(transaction_ids_in_use_are_refused)
{
	set_up();
	mbim_open(4096);
	connect_set(2, 0, 1, 1);
	query(2, 1);
	EXPECT_ERROR(2, 4);
	connect_set(3, 0, 1, 1);			/* still being activated */
	EXPECT_STATUS(3, 12, 1);
	loop_advance(loop, 100000);
	CHECK(is_done(0, 2, 12, 0));
	forget_units();
	query(2, 1);				/* free again */
	EXPECT_STATUS(2, 1, 0);
	tear_down();
}

TEST(all_sessions_activate_at_once)
{
	set_up();
	mbim_open(4096);
	for (uint32_t s = 0; s < 8; s++)
		connect_set(10 + s, s, 1, 3);
	CHECK_EQ(n_units, 0);
	connect_set(20, 8, 1, 3);
	EXPECT_STATUS(20, 12, 21);
	loop_advance(loop, 100000);
	CHECK_EQ(n_units, 24);
	CHECK_EQ(count_indications(12), 8);
	CHECK_EQ(count_indications(15), 8);
	tear_down();
}

TEST(cancelled_activation_is_not_answered)
{
	set_up();
	mbim_open(4096);
	connect_set(2, 1, 1, 1);
	start(4, 2);
	le32(7);
	finish();
	loop_advance(loop, 100000);
	for (unsigned int i = 0; i < n_units; i++)
		CHECK(word(i, 0) == 0x80000007);
	forget_units();
	query(2, 3);
	EXPECT_STATUS(2, 3, 0);
	tear_down();
}

TEST(activation_ends_with_the_radio)
{
	set_up();
	mbim_open(4096);
	connect_set(2, 1, 1, 1);
	set_one(3, 3, 0);
	CHECK(is_done(0, 2, 12, 12));		/* packet service detached */
	CHECK(is_done(1, 3, 3, 0));
	CHECK_EQ(count_indications(3), 1);
	CHECK_EQ(count_indications(9), 1);
	CHECK_EQ(count_indications(10), 1);
	CHECK_EQ(count_indications(11), 1);
	CHECK_EQ(count_indications(12), 1);
	CHECK_EQ(count_indications(2), 0);
	loop_advance(loop, 100000);
	forget_units();
	connect_set(4, 1, 1, 1);
	EXPECT_STATUS(4, 12, 20);
	set_one(5, 3, 1);
	loop_advance(loop, 1000000);
	/* Searching, then home. */
	CHECK_EQ(count_indications(9), 2);
	CHECK_EQ(count_indications(10), 1);
	forget_units();
	connect_set(6, 1, 1, 1);
	loop_advance(loop, 100000);
	CHECK(is_done(0, 6, 12, 0));
	tear_down();
}

TEST(channel_close_leaves_activation_unanswered)
{
	set_up();
	mbim_open(4096);
	connect_set(2, 1, 1, 1);
	fn->ops->closed(fn);
	loop_advance(loop, 100000);
	for (unsigned int i = 0; i < n_units; i++)
		CHECK(word(i, 0) == 0x80000007);
	tear_down();
}

static void subscribe(uint32_t tid, const uint8_t *service, uint32_t n,
		      const uint32_t *cids)
{
	command(tid, 19, 1);
	le32(1);
	le32(12);
	le32(20 + 4 * n);
	bytes(service, 16);
	le32(n);
	for (uint32_t i = 0; i < n; i++)
		le32(cids[i]);
	finish_command();
}

TEST(only_what_was_subscribed_is_indicated)
{
	static const uint32_t radio[] = { 3 };
	static const uint8_t sms[16] = { 0x53, 0x3f, 0xbe, 0xeb };

	set_up();
	mbim_open(4096);
	subscribe(2, basic_connect, 1, radio);
	CHECK(is_done(0, 2, 19, 0));
	CHECK_EQ(units[0].len, 48 + 36);	/* says what it took */
	CHECK_EQ(word(0, 48 + 32), 3);
	forget_units();
	set_one(3, 3, 0);
	CHECK_EQ(n_units, 2);
	CHECK(is_indication(1, 3));
	forget_units();

	subscribe(4, basic_connect, 0, NULL);	/* all of the service */
	forget_units();
	set_one(5, 3, 1);
	CHECK(count_indications(3) == 1 && count_indications(9) == 1);
	forget_units();

	subscribe(6, sms, 0, NULL);		/* none of ours */
	CHECK_EQ(word(0, 48), 0);
	forget_units();
	set_one(7, 3, 0);
	CHECK_EQ(n_units, 1);
	forget_units();

	command(8, 19, 1);			/* nothing at all */
	le32(0);
	finish_command();
	EXPECT_STATUS(8, 19, 0);
	set_one(9, 3, 1);
	CHECK_EQ(n_units, 1);

	mbim_open(4096);			/* back to the default */
	set_one(10, 3, 0);
	CHECK(count_indications(3) == 1 && count_indications(9) == 1);
	tear_down();
}

TEST(bad_subscriptions_are_refused)
{
	static const uint32_t cids[65] = { 1 };

	set_up();
	mbim_open(4096);
	subscribe(2, basic_connect, 65, cids);
	EXPECT_STATUS(2, 19, 26);
	command(3, 19, 1);
	le32(33);
	finish_command();
	EXPECT_STATUS(3, 19, 26);
	command(4, 19, 1);
	le32(1);
	le32(4);				/* offset into the list */
	le32(20);
	finish_command();
	EXPECT_STATUS(4, 19, 21);
	subscribe(5, basic_connect, 1, cids);
	forget_units();
	command(6, 19, 1);			/* count and size disagree */
	le32(1);
	le32(12);
	le32(20);
	bytes(basic_connect, 16);
	le32(0x40000000);
	finish_command();
	EXPECT_STATUS(6, 19, 21);
	tear_down();
}

TEST(signal_is_reported_at_its_interval)
{
	set_up();
	mbim_open(4096);
	command(2, 11, 1);
	le32(5);
	le32(0);
	le32(0);
	finish_command();
	EXPECT_STATUS(2, 11, 0);
	loop_advance(loop, 4900000);
	CHECK_EQ(n_units, 0);
	loop_advance(loop, 10200000);
	CHECK_EQ(count_indications(11), 3);
	forget_units();
	start(2, 3);
	finish();
	forget_units();
	loop_advance(loop, 20000000);
	CHECK_EQ(n_units, 0);
	tear_down();
}

TEST(statistics_are_those_of_the_world)
{
	static const uint8_t packet[40] = { 0x45 };

	set_up();
	mbim_open(4096);
	world_session_up(world, 4);
	world_uplink(world, 4, packet, 40);
	world_uplink(world, 4, packet, 30);
	query(2, 20);
	CHECK(is_done(0, 2, 20, 0));
	CHECK_EQ(units[0].len, 48 + 48);
	CHECK_EQ(word(0, 48 + 24), 70);
	CHECK_EQ(word(0, 48 + 32), 2);
	tear_down();
}

/* ----- fuzz ----------------------------------------------------------- */

static uint64_t seed;

static uint32_t rnd(uint32_t below)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(seed >> 33) % below;
}

/* A plausible command with random content, then damaged a little. */
static void random_message(void)
{
	switch (rnd(12)) {
	case 0:
		start(1, rnd(8));
		le32(rnd(2) ? rnd(200) : 4096);
		break;
	case 1:
		start(4, rnd(8));
		le32(rnd(9));
		break;
	case 2:
		if (rnd(10) == 0) {
			start(2, rnd(8));
			break;
		}
		/* fall through */
	default:
		command(rnd(8), rnd(25), rnd(2));
		for (uint32_t n = rnd(40); n > 0; n--) {
			uint32_t kind = rnd(4);

			if (kind == 0)
				le32(rnd(8));
			else if (kind == 1)
				le32(4 * rnd(60));
			else if (kind == 2)
				le32(rnd(0xffff) << 16 | rnd(0xffff));
			else
				bytes(rnd(2) ? internet : basic_connect, 16);
		}
		set_le32(44, (uint32_t)(msg.len - 48));
		break;
	}
	set_le32(4, (uint32_t)msg.len);
	for (uint32_t n = rnd(3); n > 0; n--) {
		uint32_t at = rnd((uint32_t)msg.len);

		msg.b[at] = (uint8_t)(rnd(2) ? rnd(256) : msg.b[at] ^
				      1u << rnd(8));
	}
	if (rnd(10) == 0)
		msg.len = rnd((uint32_t)msg.len + 1);
	if (rnd(3) == 0)
		set_le32(4, (uint32_t)msg.len);
}

TEST(damaged_messages_do_no_harm)
{
	set_up();
	log_set_level(LOG_ERROR);
	mbim_open(4096);
	seed = 1;
	for (int i = 0; i < 60000; i++) {
		random_message();
		deliver();
		if (rnd(4) == 0)
			loop_advance(loop, rnd(2000000));
		if (rnd(500) == 0) {
			fn->ops->closed(fn);
			if (rnd(2))
				fn->ops->reset(fn);
			fn->ops->opened(fn);
		}
		for (unsigned int k = 0; k < n_units; k++) {
			CHECK(units[k].len >= 16);
			CHECK_EQ(word(k, 4), units[k].len);
			CHECK(word(k, 0) & 0x80000000);
		}
		forget_units();
		if (rnd(50) == 0)
			mbim_open(4096);
	}
	/* It still works. */
	mbim_open(4096);
	query(2, 1);
	CHECK(is_done(0, 2, 1, 0));
	tear_down();
}
