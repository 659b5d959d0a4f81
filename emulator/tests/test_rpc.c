// SPDX-License-Identifier: GPL-2.0-only
/*
 * RPC function: what goes in comes out.
 */
#include <stdint.h>
#include <stdlib.h>

#include "check.h"
#include "function.h"
#include "log.h"
#include "loop.h"

static struct {
	size_t len;
	uint8_t first, last;
} seen[200];
static unsigned int n_seen;
static bool refuse;

static struct loop *loop;
static struct function *fn;

static bool take(void *ctx, const void *data, size_t len)
{
	const uint8_t *p = data;

	(void)ctx;
	if (refuse || n_seen == 200)
		return false;
	seen[n_seen].len = len;
	seen[n_seen].first = p[0];
	seen[n_seen++].last = p[len - 1];
	return true;
}

static void set_up(void)
{
	log_set_level(LOG_ERROR);
	loop = loop_new();
	loop_virtual_time(loop);
	fn = rpc_new(loop);
	fn->send = take;
	fn->max_unit = 32768;
	n_seen = 0;
	refuse = false;
	fn->ops->opened(fn);
}

static void tear_down(void)
{
	fn->ops->destroy(fn);
	loop_free(loop);
}

static void give(uint8_t value, size_t len)
{
	uint8_t *data = malloc(len ? len : 1);

	memset(data, value, len ? len : 1);
	if (len > 1)
		data[len - 1] = (uint8_t)~value;
	fn->ops->receive(fn, data, len);
	free(data);
}

TEST(units_come_back_in_order_after_the_call)
{
	set_up();
	give(1, 1);
	give(2, 100);
	give(3, 32768);
	CHECK_EQ(n_seen, 0);
	loop_advance(loop, 1);
	CHECK_EQ(n_seen, 3);
	CHECK_EQ(seen[0].len, 1);
	CHECK_EQ(seen[1].len, 100);
	CHECK_EQ(seen[1].first, 2);
	CHECK_EQ(seen[1].last, 0xfd);
	CHECK_EQ(seen[2].len, 32768);
	CHECK_EQ(seen[2].last, 0xfc);
	tear_down();
}

TEST(empty_and_too_large_units_are_dropped)
{
	set_up();
	give(1, 0);
	give(2, 32769);
	give(3, 5);
	loop_advance(loop, 1);
	CHECK_EQ(n_seen, 1);
	CHECK_EQ(seen[0].first, 3);
	tear_down();
}

TEST(queue_is_bounded)
{
	set_up();
	for (int i = 0; i < 150; i++)
		give((uint8_t)i, 10);
	loop_advance(loop, 1);
	CHECK_EQ(n_seen, 64);
	CHECK_EQ(seen[63].first, 63);
	give(200, 10);
	loop_advance(loop, 1);
	CHECK_EQ(n_seen, 65);
	CHECK_EQ(seen[64].first, 200);
	tear_down();
}

TEST(closing_forgets_units)
{
	set_up();
	give(1, 10);
	fn->ops->closed(fn);
	fn->ops->opened(fn);
	loop_advance(loop, 1000);
	CHECK_EQ(n_seen, 0);
	give(2, 10);
	refuse = true;
	loop_advance(loop, 1);
	refuse = false;
	give(3, 10);
	loop_advance(loop, 1);
	CHECK_EQ(n_seen, 1);
	CHECK_EQ(seen[0].first, 3);
	tear_down();
}

TEST(destroying_frees_what_is_queued)
{
	set_up();
	give(1, 10);
	give(2, 10000);
	tear_down();
}
