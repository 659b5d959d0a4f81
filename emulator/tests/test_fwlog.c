// SPDX-License-Identifier: GPL-2.0-only
/*
 * Firmware log: numbered frames in whole units, at a rate or on demand.
 */
#include <stdint.h>
#include <string.h>

#include "check.h"
#include "fwlog.h"
#include "log.h"
#include "loop.h"

#define STREAM_MAX	(1u << 20)

static struct loop *loop;
static struct function *fn;
static uint8_t stream[STREAM_MAX];
static size_t stream_len, largest;
static unsigned int units;
static bool refuse;

static bool take(void *ctx, const void *data, size_t len)
{
	(void)ctx;
	if (refuse || stream_len + len > STREAM_MAX)
		return false;
	memcpy(stream + stream_len, data, len);
	stream_len += len;
	units++;
	if (len > largest)
		largest = len;
	return true;
}

static void set_up(uint64_t rate)
{
	log_set_level(LOG_ERROR);
	loop = loop_new();
	loop_virtual_time(loop);
	fn = fwlog_new(loop, rate);
	fn->send = take;
	fn->max_unit = 8192;
	stream_len = 0;
	largest = 0;
	units = 0;
	refuse = false;
	fn->ops->opened(fn);
}

static void tear_down(void)
{
	fn->ops->destroy(fn);
	loop_free(loop);
}

/* The content of the frame at @pos; its length, 0 if there is no whole frame. */
static size_t next_frame(size_t *pos, uint8_t *content, size_t max)
{
	size_t len = 0;

	if (*pos >= stream_len || stream[(*pos)++] != 0x7e)
		return 0;
	while (*pos < stream_len && stream[*pos] != 0x7e) {
		uint8_t byte = stream[(*pos)++];

		if (byte == 0x7d) {
			if (*pos == stream_len)
				return 0;
			byte = stream[(*pos)++] ^ 0x20;
			if (byte != 0x7e && byte != 0x7d)
				return 0;
		}
		if (len == max)
			return 0;
		content[len++] = byte;
	}
	if (*pos == stream_len)
		return 0;
	(*pos)++;
	return len;
}

/* How many good frames there are, numbered from @first; -1 if anything else is. */
static long frames_from(uint32_t first)
{
	uint8_t content[256];
	size_t pos = 0, len;
	uint32_t n = first;

	for (; pos < stream_len; n++) {
		len = next_frame(&pos, content, sizeof(content));
		if (len != 4 + 1 + n * 37u % 150 ||
		    content[0] != (uint8_t)n ||
		    content[1] != (uint8_t)(n >> 8) ||
		    content[2] != (uint8_t)(n >> 16) ||
		    content[3] != (uint8_t)(n >> 24))
			return -1;
		for (size_t i = 0; i < len - 4; i++) {
			if (content[4 + i] != (uint8_t)(n + i * 5))
				return -1;
		}
	}
	return (long)(n - first);
}

TEST(steady_rate)
{
	set_up(10000);
	loop_advance(loop, 10000000);
	CHECK(stream_len >= 100000 - 200 && stream_len <= 100000 + 400);
	CHECK_EQ(frames_from(0), fwlog_counters(fn)->frames);
	CHECK_EQ(fwlog_counters(fn)->next, fwlog_counters(fn)->frames);
	CHECK_EQ(fwlog_counters(fn)->bytes, stream_len);
	CHECK_EQ(fwlog_counters(fn)->units, units);
	CHECK_EQ(fwlog_counters(fn)->opened, 1);
	tear_down();
}

TEST(no_rate_no_log)
{
	set_up(0);
	loop_advance(loop, 10000000);
	CHECK_EQ(units, 0);
	tear_down();
}

TEST(on_demand_at_once_in_large_units)
{
	set_up(0);
	CHECK(fwlog_write(fn, 100000));
	CHECK(stream_len >= 100000 && stream_len < 100400);
	CHECK(largest <= 8192 && largest > 8192 - 400);
	CHECK(units <= 14);
	CHECK_EQ(frames_from(0), fwlog_counters(fn)->frames);
	tear_down();
}

TEST(every_byte_that_needs_it_is_escaped)
{
	unsigned int flags = 0, escapes = 0;

	set_up(0);
	fwlog_write(fn, 500000);
	CHECK_EQ(frames_from(0), fwlog_counters(fn)->frames);
	for (size_t i = 0; i + 1 < stream_len; i++) {
		if (stream[i] != 0x7d)
			continue;
		flags += stream[i + 1] == 0x5e;
		escapes += stream[i + 1] == 0x5d;
	}
	CHECK(flags > 100);
	CHECK(escapes > 100);
	tear_down();
}

TEST(what_is_not_taken_comes_later_and_whole)
{
	long before;

	set_up(0);
	fwlog_write(fn, 10000);
	before = frames_from(0);
	refuse = true;
	CHECK(fwlog_write(fn, 20000));
	loop_advance(loop, 1000000);
	CHECK_EQ(fwlog_counters(fn)->frames, before);
	refuse = false;
	loop_advance(loop, 20000);
	CHECK(stream_len >= 30000);
	CHECK_EQ(frames_from(0), fwlog_counters(fn)->frames);
	tear_down();
}

TEST(a_host_that_takes_nothing_finds_one_second)
{
	set_up(10000);
	refuse = true;
	loop_advance(loop, 60000000);
	refuse = false;
	loop_advance(loop, 20000);
	CHECK(stream_len >= 10000 && stream_len <= 11000);
	CHECK_EQ(frames_from(0), fwlog_counters(fn)->frames);
	tear_down();
}

TEST(closed_is_silent_and_the_numbers_go_on)
{
	long first;

	set_up(10000);
	loop_advance(loop, 1000000);
	first = frames_from(0);
	fn->ops->closed(fn);
	stream_len = 0;
	CHECK(!fwlog_write(fn, 100));
	loop_advance(loop, 10000000);
	CHECK_EQ(stream_len, 0);
	fn->ops->opened(fn);
	loop_advance(loop, 1000000);
	CHECK(stream_len > 9000 && stream_len < 11000);
	CHECK(frames_from((uint32_t)first) > 0);
	CHECK_EQ(fwlog_counters(fn)->opened, 2);
	tear_down();
}

TEST(reset_begins_at_zero)
{
	set_up(10000);
	loop_advance(loop, 1000000);
	fn->ops->closed(fn);
	fn->ops->reset(fn);
	CHECK_EQ(fwlog_counters(fn)->next, 0);
	stream_len = 0;
	fn->ops->opened(fn);
	loop_advance(loop, 1000000);
	CHECK(frames_from(0) > 0);
	tear_down();
}

TEST(uplink_is_counted_and_dropped)
{
	set_up(0);
	fn->ops->receive(fn, (const uint8_t *)"x", 1);
	CHECK_EQ(fwlog_counters(fn)->uplink, 1);
	CHECK_EQ(units, 0);
	tear_down();
}
