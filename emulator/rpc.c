// SPDX-License-Identifier: GPL-2.0-only
/*
 * RPC function: returns every unit as it came.
 *
 * Units go back from a timer, not from inside the call that brought them, so
 * that a full channel never feeds itself in one turn of the loop. The queue is
 * bounded by the number of units and so by memory.
 */
#include <stdlib.h>
#include <string.h>

#include "function.h"
#include "log.h"
#include "loop.h"

#define QUEUE_MAX	64u

struct unit {
	struct unit *next;
	size_t len;
	uint8_t data[];
};

/**
 * struct rpc - the RPC function
 * @fn: base
 * @first, @last: units to return, in order
 * @queued: how many
 * @timer: returns them
 */
struct rpc {
	struct function fn;
	struct unit *first, **last;
	unsigned int queued;
	struct loop_timer timer;
};

static struct unit *dequeue(struct rpc *rpc)
{
	struct unit *unit = rpc->first;

	if (!unit)
		return NULL;
	rpc->first = unit->next;
	if (!rpc->first)
		rpc->last = &rpc->first;
	rpc->queued--;
	return unit;
}

static void rpc_flush(void *ctx)
{
	struct rpc *rpc = ctx;
	struct unit *unit;

	while ((unit = dequeue(rpc)) != NULL) {
		if (!function_send(&rpc->fn, unit->data, unit->len))
			log_warn("rpc: unit of %zu bytes not sent", unit->len);
		free(unit);
	}
}

static void rpc_receive(struct function *fn, const uint8_t *data, size_t len)
{
	struct rpc *rpc = (struct rpc *)fn;
	struct unit *unit;

	if (len == 0) {
		log_warn("rpc: empty unit dropped");
		return;
	}
	if (len > fn->max_unit) {
		log_warn("rpc: unit of %zu bytes dropped, the limit is %zu",
			 len, fn->max_unit);
		return;
	}
	if (rpc->queued == QUEUE_MAX) {
		log_warn("rpc: unit of %zu bytes dropped, queue is full", len);
		return;
	}
	unit = malloc(sizeof(*unit) + len);
	if (!unit) {
		log_error("rpc: out of memory, unit dropped");
		return;
	}
	unit->next = NULL;
	unit->len = len;
	memcpy(unit->data, data, len);
	*rpc->last = unit;
	rpc->last = &unit->next;
	rpc->queued++;
	trace("rpc: unit of %zu bytes", len);
	loop_timer_arm(&rpc->timer, 0);
}

static void rpc_opened(struct function *fn)
{
	(void)fn;
}

static void rpc_closed(struct function *fn)
{
	struct rpc *rpc = (struct rpc *)fn;
	struct unit *unit;

	loop_timer_cancel(&rpc->timer);
	while ((unit = dequeue(rpc)) != NULL)
		free(unit);
}

static void rpc_destroy(struct function *fn)
{
	rpc_closed(fn);
	free(fn);
}

static const struct function_ops rpc_ops = {
	.name = "rpc",
	.opened = rpc_opened,
	.closed = rpc_closed,
	.receive = rpc_receive,
	.destroy = rpc_destroy,
};

struct function *rpc_new(struct loop *loop)
{
	struct rpc *rpc = calloc(1, sizeof(*rpc));

	if (!rpc)
		return NULL;
	rpc->fn.ops = &rpc_ops;
	rpc->last = &rpc->first;
	loop_timer_init(&rpc->timer, loop, rpc_flush, rpc);
	return &rpc->fn;
}
