// SPDX-License-Identifier: GPL-2.0-only
/*
 * The event loop: epoll for descriptors, a sorted list for timers.
 *
 * A removed watch is freed only after the events of the current wait have been
 * delivered, because a later event of the same wait may still refer to it.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "loop.h"

#define LOOP_EVENTS	16

struct loop_fd {
	struct loop *loop;
	int fd;
	bool removed;
	void (*ready)(void *ctx, uint32_t events);
	void *ctx;
	struct loop_fd *next;
};

struct loop {
	int epoll;
	bool stop;
	bool virtual_time;
	uint64_t virtual_us;
	struct loop_fd *removed;
	struct loop_timer *timers;
	bool (*look)(void *ctx, bool sleep);
	void *look_ctx;
};

struct loop *loop_new(void)
{
	struct loop *loop = calloc(1, sizeof(*loop));

	if (!loop)
		return NULL;

	loop->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (loop->epoll < 0) {
		free(loop);
		return NULL;
	}
	return loop;
}

static void loop_reap(struct loop *loop)
{
	while (loop->removed) {
		struct loop_fd *watch = loop->removed;

		loop->removed = watch->next;
		free(watch);
	}
}

void loop_free(struct loop *loop)
{
	if (!loop)
		return;
	loop_reap(loop);
	close(loop->epoll);
	free(loop);
}

uint64_t loop_now_us(struct loop *loop)
{
	struct timespec now;

	if (loop->virtual_time)
		return loop->virtual_us;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

void loop_virtual_time(struct loop *loop)
{
	loop->virtual_us = loop_now_us(loop);
	loop->virtual_time = true;
}

struct loop_fd *loop_fd_add(struct loop *loop, int fd, uint32_t events,
			    void (*ready)(void *ctx, uint32_t events),
			    void *ctx)
{
	struct loop_fd *watch = calloc(1, sizeof(*watch));
	struct epoll_event event = { .events = events, .data.ptr = watch };

	if (!watch)
		return NULL;

	watch->loop = loop;
	watch->fd = fd;
	watch->ready = ready;
	watch->ctx = ctx;
	if (epoll_ctl(loop->epoll, EPOLL_CTL_ADD, fd, &event)) {
		int err = errno;

		free(watch);
		errno = err;
		return NULL;
	}
	return watch;
}

void loop_fd_modify(struct loop_fd *watch, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.ptr = watch };

	epoll_ctl(watch->loop->epoll, EPOLL_CTL_MOD, watch->fd, &event);
}

void loop_fd_remove(struct loop_fd *watch)
{
	if (!watch || watch->removed)
		return;
	epoll_ctl(watch->loop->epoll, EPOLL_CTL_DEL, watch->fd, NULL);
	watch->removed = true;
	watch->next = watch->loop->removed;
	watch->loop->removed = watch;
}

void loop_timer_init(struct loop_timer *timer, struct loop *loop,
		     void (*fire)(void *ctx), void *ctx)
{
	*timer = (struct loop_timer) {
		.fire = fire,
		.ctx = ctx,
		.loop = loop,
	};
}

void loop_timer_cancel(struct loop_timer *timer)
{
	struct loop_timer **link;

	if (!timer->armed)
		return;

	for (link = &timer->loop->timers; *link; link = &(*link)->next) {
		if (*link == timer) {
			*link = timer->next;
			break;
		}
	}
	timer->armed = false;
}

void loop_timer_arm(struct loop_timer *timer, uint64_t delay_us)
{
	struct loop_timer **link;

	loop_timer_cancel(timer);
	timer->deadline_us = loop_now_us(timer->loop) + delay_us;
	for (link = &timer->loop->timers; *link; link = &(*link)->next) {
		if ((*link)->deadline_us > timer->deadline_us)
			break;
	}
	timer->next = *link;
	*link = timer;
	timer->armed = true;
}

/* Run the timers that were due at @now; later ones wait for the next turn. */
static void loop_fire(struct loop *loop, uint64_t now)
{
	while (!loop->stop && loop->timers &&
	       loop->timers->deadline_us <= now) {
		struct loop_timer *timer = loop->timers;

		loop->timers = timer->next;
		timer->armed = false;
		timer->fire(timer->ctx);
	}
}

/* Wait up to @wait_us (UINT64_MAX: without limit) and deliver the events. */
static int loop_wait(struct loop *loop, uint64_t wait_us)
{
	struct epoll_event events[LOOP_EVENTS];
	struct timespec timeout = {
		.tv_sec = (time_t)(wait_us / 1000000),
		.tv_nsec = (long)(wait_us % 1000000 * 1000),
	};
	int count;

	count = epoll_pwait2(loop->epoll, events, LOOP_EVENTS,
			     wait_us == UINT64_MAX ? NULL : &timeout, NULL);
	/* Not every kernel and sandbox has the finer call. */
	if (count < 0 && errno != EINTR)
		count = epoll_wait(loop->epoll, events, LOOP_EVENTS,
				   wait_us == UINT64_MAX ? -1 :
				   (int)((wait_us + 999) / 1000));
	if (count < 0)
		return errno == EINTR ? 0 : -errno;

	for (int i = 0; i < count; i++) {
		struct loop_fd *watch = events[i].data.ptr;

		/* Also after loop_stop(): an edge would not come again. */
		if (!watch->removed)
			watch->ready(watch->ctx, events[i].events);
	}
	loop_reap(loop);
	return 0;
}

void loop_set_look(struct loop *loop, bool (*look)(void *ctx, bool sleep),
		   void *ctx)
{
	loop->look = look;
	loop->look_ctx = ctx;
}

int loop_poll(struct loop *loop)
{
	int err;

	loop->stop = false;
	if (loop->look)
		loop->look(loop->look_ctx, true);
	err = loop_wait(loop, 0);
	loop_fire(loop, loop_now_us(loop));
	return err;
}

void loop_advance(struct loop *loop, uint64_t us)
{
	uint64_t end = loop->virtual_us + us;

	while (loop->timers && loop->timers->deadline_us <= end) {
		if (loop->timers->deadline_us > loop->virtual_us)
			loop->virtual_us = loop->timers->deadline_us;
		loop_fire(loop, loop->virtual_us);
	}
	loop->virtual_us = end;
}

int loop_run(struct loop *loop)
{
	int err = 0;

	loop->stop = false;
	while (!loop->stop && !err) {
		uint64_t wait = UINT64_MAX;

		if (loop->timers) {
			uint64_t now = loop_now_us(loop);

			wait = loop->timers->deadline_us > now ?
			       loop->timers->deadline_us - now : 0;
		}
		if (loop->look && loop->look(loop->look_ctx, wait))
			wait = 0;
		err = loop_wait(loop, wait);
		if (!loop->stop && loop->timers)
			loop_fire(loop, loop_now_us(loop));
	}
	return err;
}

void loop_stop(struct loop *loop)
{
	loop->stop = true;
}
