// SPDX-License-Identifier: GPL-2.0-only
/*
 * Firmware log: numbered frames, so many bytes per second.
 */
#include <stdlib.h>

#include "fwlog.h"
#include "log.h"
#include "loop.h"
#include "wire.h"

#define TICK_US		20000u
#define SECOND_US	1000000u
#define FLAG		0x7eu
#define ESCAPE		0x7du
#define INVERTED	0x20u
#define NUMBER_LEN	4u
#define FILLER_MAX	150u
/* All bytes escaped, and two flags */
#define FRAME_MAX	(2u * (NUMBER_LEN + FILLER_MAX) + 2u)
#define UNIT_MAX	8192u

/**
 * struct fwlog - the log
 * @fn: base
 * @rate: bytes per second
 * @open: the host listens
 * @due: bytes to log; negative when the last frames were longer than that
 * @ticked_us: up to when @rate is part of @due
 * @timer: logs what is due
 * @counters: for the statistics
 */
struct fwlog {
	struct function fn;
	uint64_t rate;
	bool open;
	int64_t due;
	uint64_t ticked_us;
	struct loop_timer timer;
	struct fwlog_counters counters;
};

static size_t put_byte(uint8_t *p, uint8_t byte)
{
	if (byte != FLAG && byte != ESCAPE) {
		p[0] = byte;
		return 1;
	}
	p[0] = ESCAPE;
	p[1] = byte ^ INVERTED;
	return 2;
}

static size_t put_frame(uint8_t *p, uint32_t number)
{
	uint32_t filler = 1 + number * 37u % FILLER_MAX;
	uint8_t head[NUMBER_LEN];
	size_t len = 0;

	wire_put32(head, number);
	p[len++] = FLAG;
	for (uint32_t i = 0; i < NUMBER_LEN; i++)
		len += put_byte(p + len, head[i]);
	for (uint32_t i = 0; i < filler; i++)
		len += put_byte(p + len, (uint8_t)(number + i * 5u));
	p[len++] = FLAG;
	return len;
}

/* One unit of what is due; false if the channel takes no more now. */
static bool send_unit(struct fwlog *log)
{
	size_t limit = log->fn.max_unit < UNIT_MAX ? log->fn.max_unit : UNIT_MAX;
	uint8_t unit[UNIT_MAX];
	uint32_t frames = 0;
	size_t len = 0;

	while (limit - len >= FRAME_MAX && (int64_t)len < log->due)
		len += put_frame(unit + len, log->counters.next + frames++);
	if (!function_send(&log->fn, unit, len))
		return false;
	log->counters.next += frames;
	log->due -= (int64_t)len;
	log->counters.units++;
	log->counters.frames += frames;
	log->counters.bytes += len;
	return true;
}

static void send_due(struct fwlog *log)
{
	while (log->due > 0 && send_unit(log))
		;
}

static void tick(void *ctx)
{
	struct fwlog *log = ctx;
	uint64_t now = loop_now_us(log->timer.loop);

	/* A host that takes nothing for long finds no more than a second of it. */
	if (log->due < (int64_t)log->rate)
		log->due += (int64_t)((now - log->ticked_us) * log->rate / SECOND_US);
	log->ticked_us = now;
	send_due(log);
	loop_timer_arm(&log->timer, TICK_US);
}

bool fwlog_write(struct function *fn, uint64_t bytes)
{
	struct fwlog *log = (struct fwlog *)fn;

	if (!log->open)
		return false;
	log->due += (int64_t)bytes;
	send_due(log);
	return true;
}

const struct fwlog_counters *fwlog_counters(const struct function *fn)
{
	return &((const struct fwlog *)fn)->counters;
}

static void fwlog_opened(struct function *fn)
{
	struct fwlog *log = (struct fwlog *)fn;

	log->open = true;
	log->due = 0;
	log->ticked_us = loop_now_us(log->timer.loop);
	log->counters.opened++;
	loop_timer_arm(&log->timer, TICK_US);
}

static void fwlog_closed(struct function *fn)
{
	struct fwlog *log = (struct fwlog *)fn;

	log->open = false;
	log->counters.dropped = fn->dropped;
	loop_timer_cancel(&log->timer);
}

static void fwlog_reset(struct function *fn)
{
	((struct fwlog *)fn)->counters.next = 0;
}

static void fwlog_receive(struct function *fn, const uint8_t *data, size_t len)
{
	(void)data;
	((struct fwlog *)fn)->counters.uplink++;
	log_warn("fwlog: %zu bytes from the host dropped", len);
}

static void fwlog_destroy(struct function *fn)
{
	fwlog_closed(fn);
	free(fn);
}

static const struct function_ops fwlog_ops = {
	.name = "fwlog",
	.opened = fwlog_opened,
	.closed = fwlog_closed,
	.reset = fwlog_reset,
	.receive = fwlog_receive,
	.destroy = fwlog_destroy,
};

struct function *fwlog_new(struct loop *loop, uint64_t rate)
{
	struct fwlog *log = calloc(1, sizeof(*log));

	if (!log)
		return NULL;
	log->fn.ops = &fwlog_ops;
	log->rate = rate;
	loop_timer_init(&log->timer, loop, tick, log);
	return &log->fn;
}
