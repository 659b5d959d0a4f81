/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The event loop: file descriptors and one-shot timers, single-threaded.
 *
 * Everything in iosm-emu runs in callbacks of one loop, so nothing needs a
 * lock. A callback must not block.
 */
#ifndef IOSM_EMU_LOOP_H
#define IOSM_EMU_LOOP_H

#include <stdbool.h>
#include <stdint.h>

struct loop;
struct loop_fd;

/**
 * struct loop_timer - a one-shot timer; embed it in its owner
 * @fire: called once when the timer expires; may arm the timer again
 * @ctx: the owner's argument for @fire
 *
 * The other members belong to the loop.
 */
struct loop_timer {
	void (*fire)(void *ctx);
	void *ctx;

	struct loop *loop;
	uint64_t deadline_us;
	bool armed;
	struct loop_timer *next;
};

/** loop_new() - make a loop. Returns NULL with errno set on failure. */
struct loop *loop_new(void);
/** loop_free() - free a loop; its fds must have been removed. */
void loop_free(struct loop *loop);

/** loop_run() - run callbacks until loop_stop(). Returns 0 or -errno. */
int loop_run(struct loop *loop);
/** loop_stop() - make loop_run() return after the events at hand. */
void loop_stop(struct loop *loop);

/** loop_now_us() - CLOCK_MONOTONIC in microseconds. */
uint64_t loop_now_us(struct loop *loop);

/**
 * loop_set_look() - look for work that no descriptor tells of
 * @loop: the loop
 * @look: called in each turn, before the loop waits; @sleep is false if there
 *	is something to do anyway. Returns true when it found something. After it
 *	returned false with @sleep, a descriptor has to tell. NULL for none
 * @ctx: argument for @look
 */
void loop_set_look(struct loop *loop, bool (*look)(void *ctx, bool sleep),
		   void *ctx);

/** loop_poll() - run what is ready now, without waiting. Returns 0 or -errno. */
int loop_poll(struct loop *loop);

/*
 * For tests: after loop_virtual_time() the clock stands still, and only
 * loop_advance() moves it, running the timers that fall due, in order.
 */
void loop_virtual_time(struct loop *loop);
void loop_advance(struct loop *loop, uint64_t us);

/**
 * loop_fd_add() - watch a file descriptor
 * @loop: the loop
 * @fd: descriptor; stays the caller's
 * @events: EPOLLIN, EPOLLOUT, ... (level-triggered, unless with EPOLLET)
 * @ready: called with the events that are pending
 * @ctx: argument for @ready
 *
 * Return: a handle, or NULL with errno set.
 */
struct loop_fd *loop_fd_add(struct loop *loop, int fd, uint32_t events,
			    void (*ready)(void *ctx, uint32_t events),
			    void *ctx);
/** loop_fd_modify() - change the events watched; 0 pauses the watch. */
void loop_fd_modify(struct loop_fd *watch, uint32_t events);
/** loop_fd_remove() - stop watching; safe inside any callback. */
void loop_fd_remove(struct loop_fd *watch);

/** loop_timer_init() - prepare a timer; it is not armed. */
void loop_timer_init(struct loop_timer *timer, struct loop *loop,
		     void (*fire)(void *ctx), void *ctx);
/** loop_timer_arm() - (re)arm to expire in @delay_us microseconds. */
void loop_timer_arm(struct loop_timer *timer, uint64_t delay_us);
/** loop_timer_cancel() - disarm; no effect on a timer that is not armed. */
void loop_timer_cancel(struct loop_timer *timer);

#endif /* IOSM_EMU_LOOP_H */
