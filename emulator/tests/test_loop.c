// SPDX-License-Identifier: GPL-2.0-only
/*
 * The event loop: order of timers, descriptors that go away, both clocks.
 */
#include <sys/epoll.h>
#include <unistd.h>

#include "check.h"
#include "loop.h"

struct probe {
	struct loop *loop;
	struct loop_timer timer;
	char name;
	int again;
};

static char order[64];
static size_t used;

static void note(char name)
{
	if (used < sizeof(order) - 1)
		order[used++] = name;
	order[used] = '\0';
}

static void fire(void *ctx)
{
	struct probe *probe = ctx;

	note(probe->name);
	if (probe->again-- > 0)
		loop_timer_arm(&probe->timer, 10);
}

static struct loop *start(struct probe *probes, int count)
{
	struct loop *loop = loop_new();

	loop_virtual_time(loop);
	for (int i = 0; i < count; i++) {
		probes[i] = (struct probe) {
			.loop = loop,
			.name = (char)('a' + i),
		};
		loop_timer_init(&probes[i].timer, loop, fire, &probes[i]);
	}
	used = 0;
	order[0] = '\0';
	return loop;
}

TEST(timers_fire_in_order)
{
	struct probe p[4];
	struct loop *loop = start(p, 4);

	loop_timer_arm(&p[2].timer, 30);
	loop_timer_arm(&p[0].timer, 10);
	loop_timer_arm(&p[1].timer, 10);
	loop_timer_arm(&p[3].timer, 31);
	loop_advance(loop, 9);
	CHECK_STR(order, "");
	loop_advance(loop, 1);
	CHECK_STR(order, "ab");
	loop_advance(loop, 20);
	CHECK_STR(order, "abc");
	CHECK(!p[2].timer.armed);
	CHECK(p[3].timer.armed);
	loop_timer_cancel(&p[3].timer);
	loop_free(loop);
}

TEST(timers_can_be_moved_and_cancelled)
{
	struct probe p[3];
	struct loop *loop = start(p, 3);

	loop_timer_arm(&p[0].timer, 10);
	loop_timer_arm(&p[1].timer, 20);
	loop_timer_arm(&p[2].timer, 30);
	loop_timer_arm(&p[0].timer, 25);
	loop_timer_cancel(&p[1].timer);
	loop_timer_cancel(&p[1].timer);
	loop_advance(loop, 100);
	CHECK_STR(order, "ac");
	loop_free(loop);
}

TEST(timers_may_arm_themselves_again)
{
	struct probe p[2];
	struct loop *loop = start(p, 2);

	p[0].again = 3;
	loop_timer_arm(&p[0].timer, 10);
	loop_timer_arm(&p[1].timer, 25);
	loop_advance(loop, 1000);
	CHECK_STR(order, "aabaa");
	loop_free(loop);
}

static struct loop_fd *victim;
static int reads;

static void read_one(void *ctx, uint32_t events)
{
	char byte;

	CHECK(events & EPOLLIN);
	CHECK_EQ(read(*(int *)ctx, &byte, 1), 1);
	reads++;
}

static void remove_other(void *ctx, uint32_t events)
{
	(void)ctx;
	(void)events;
	reads++;
	loop_fd_remove(victim);
	loop_fd_remove(victim);
	victim = NULL;
}

TEST(descriptors_are_watched)
{
	struct loop *loop = loop_new();
	struct loop_fd *watch;
	int fds[2];

	reads = 0;
	CHECK(!pipe(fds));
	watch = loop_fd_add(loop, fds[0], EPOLLIN, read_one, &fds[0]);
	REQUIRE(watch != NULL);
	CHECK_EQ(loop_poll(loop), 0);
	CHECK_EQ(reads, 0);
	CHECK_EQ(write(fds[1], "xy", 2), 2);
	loop_poll(loop);
	loop_poll(loop);
	CHECK_EQ(reads, 2);
	CHECK_EQ(write(fds[1], "z", 1), 1);
	loop_fd_modify(watch, 0);
	loop_poll(loop);
	CHECK_EQ(reads, 2);
	loop_fd_modify(watch, EPOLLIN);
	loop_poll(loop);
	CHECK_EQ(reads, 3);
	loop_fd_remove(watch);
	close(fds[0]);
	close(fds[1]);
	loop_free(loop);
}

TEST(a_callback_may_remove_another_watch)
{
	struct loop *loop = loop_new();
	struct loop_fd *first;
	int fds[4];

	reads = 0;
	CHECK(!pipe(fds) && !pipe(fds + 2));
	CHECK_EQ(write(fds[1], "x", 1), 1);
	CHECK_EQ(write(fds[3], "x", 1), 1);
	first = loop_fd_add(loop, fds[0], EPOLLIN, remove_other, NULL);
	victim = loop_fd_add(loop, fds[2], EPOLLIN, remove_other, NULL);
	REQUIRE(first && victim);
	loop_poll(loop);
	loop_poll(loop);
	/* Whichever came first, the victim came at most once. */
	CHECK(reads == 2 || reads == 3);
	loop_fd_remove(first);
	for (int i = 0; i < 4; i++)
		close(fds[i]);
	loop_free(loop);
}

TEST(bad_descriptors_are_refused)
{
	struct loop *loop = loop_new();

	CHECK(!loop_fd_add(loop, -1, EPOLLIN, read_one, NULL));
	loop_fd_remove(NULL);
	loop_free(loop);
	loop_free(NULL);
}

static void stop(void *ctx)
{
	loop_stop(ctx);
}

struct looker {
	struct loop *loop;
	unsigned int looks, sleeps, finds;
	struct loop_timer timer;
};

static bool look(void *ctx, bool sleep)
{
	struct looker *looker = ctx;

	looker->looks++;
	looker->sleeps += sleep;
	if (!looker->finds)
		return false;
	looker->finds--;
	return true;
}

/* What is found keeps the loop from going to sleep. */
TEST(loop_looks_before_it_waits)
{
	struct looker looker = { .loop = loop_new(), .finds = 5 };

	loop_set_look(looker.loop, look, &looker);
	loop_timer_init(&looker.timer, looker.loop, stop, looker.loop);
	loop_timer_arm(&looker.timer, 20000);
	CHECK_EQ(loop_run(looker.loop), 0);
	CHECK_EQ(looker.finds, 0);
	CHECK(looker.looks >= 6);
	CHECK(looker.sleeps >= 6);
	/* With something to do at once, it does not ask for more. */
	looker.sleeps = 0;
	loop_timer_arm(&looker.timer, 0);
	CHECK_EQ(loop_run(looker.loop), 0);
	CHECK_EQ(looker.sleeps, 0);
	loop_set_look(looker.loop, NULL, NULL);
	loop_free(looker.loop);
}

TEST(run_ends_when_it_is_told)
{
	struct loop *loop = loop_new();
	struct loop_timer timer;
	uint64_t before = loop_now_us(loop);

	loop_timer_init(&timer, loop, stop, loop);
	loop_timer_arm(&timer, 1000);
	CHECK_EQ(loop_run(loop), 0);
	CHECK(loop_now_us(loop) - before >= 1000);
	loop_free(loop);
}
