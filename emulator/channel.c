// SPDX-License-Identifier: GPL-2.0-only
/*
 * Control channels: whole units between a function and a pair of pipes.
 */
#include <stdlib.h>
#include <string.h>

#include "channel.h"
#include "critic.h"
#include "fault.h"
#include "function.h"
#include "log.h"
#include "ring.h"

#define CHANNEL_UNITS	1024

struct channel_unit {
	struct channel_unit *next;
	size_t len, sent;
	uint8_t bytes[];
};

static void channel_drop(struct channel *channel)
{
	while (channel->first) {
		struct channel_unit *unit = channel->first;

		channel->first = unit->next;
		free(unit);
		if (channel->fn)
			channel->fn->dropped++;
	}
	channel->last = &channel->first;
	channel->units = 0;
	channel->starving = false;
}

static bool channel_queue(struct channel *channel, const void *data,
			  size_t len)
{
	struct channel_unit *unit;

	if (!channel->dl_open || channel->units == CHANNEL_UNITS)
		return false;
	unit = malloc(sizeof(*unit) + len);
	if (!unit)
		return false;
	unit->next = NULL;
	unit->len = len;
	unit->sent = 0;
	if (len)
		memcpy(unit->bytes, data, len);
	*channel->last = unit;
	channel->last = &unit->next;
	channel->units++;
	channel->work(channel->ctx);
	return true;
}

static bool channel_send(void *ctx, const void *data, size_t len)
{
	struct channel *channel = ctx;

	return len <= channel->fn->max_unit &&
	       channel_queue(channel, data, len);
}

void channel_init(struct channel *channel, struct rings *rings,
		  struct faults *faults, size_t max_unit,
		  void (*work)(void *ctx), void *ctx)
{
	channel->rings = rings;
	channel->faults = faults;
	channel->work = work;
	channel->ctx = ctx;
	channel->last = &channel->first;
	if (channel->fn) {
		channel->fn->send = channel_send;
		channel->fn->send_ctx = channel;
		channel->fn->max_unit = max_unit;
	}
}

void channel_exit(struct channel *channel)
{
	channel_drop(channel);
	if (channel->fn)
		channel->fn->ops->destroy(channel->fn);
	channel->fn = NULL;
}

void channel_pipe_opened(struct channel *channel, unsigned int pipe)
{
	if (pipe == channel->ul_pipe)
		channel->ul_open = true;
	else
		channel->dl_open = true;
	if (channel->ul_open && channel->dl_open && channel->fn)
		channel->fn->ops->opened(channel->fn);
}

void channel_pipe_closed(struct channel *channel, unsigned int pipe)
{
	bool was_open = channel->ul_open && channel->dl_open;

	if (pipe == channel->ul_pipe)
		channel->ul_open = false;
	else
		channel->dl_open = false;
	channel_drop(channel);
	if (was_open && channel->fn)
		channel->fn->ops->closed(channel->fn);
}

void channel_uplink(struct channel *channel, const uint8_t *data, size_t len)
{
	if (!channel->dl_open) {
		quirk("3.5.2", 0, "%s: data before the downlink pipe is open",
		      channel->name);
		return;
	}
	trace("%s ul size=%zu", channel->name, len);
	if (channel->loopback && !channel_queue(channel, data, len))
		log_warn("%s: too much waits, unit dropped", channel->name);
	if (channel->fn)
		channel->fn->ops->receive(channel->fn, data, len);
}

/* 1: a TD was completed, 0: no buffer, -1: the unit was dropped. */
static int channel_send_part(struct channel *channel)
{
	struct channel_unit *unit = channel->first;
	size_t part = unit->len - unit->sent, capacity;
	uint8_t *buffer = rings_peek(channel->rings, channel->ul_pipe + 1,
				     &capacity);

	if (!buffer)
		return 0;
	if (!unit->sent &&
	    fault_at(channel->faults, FAULT_AT_DOWNLINK).ignore)
		return -1;
	if (part > capacity && !channel->stream) {
		log_warn("%s: a message of %zu bytes does not fit a buffer of %zu",
			 channel->name, part, capacity);
		return -1;
	}
	if (part > capacity)
		part = capacity;
	memcpy(buffer, unit->bytes + unit->sent, part);
	unit->sent += part;
	trace("%s dl size=%zu", channel->name, part);
	rings_commit(channel->rings, channel->ul_pipe + 1, part);
	return 1;
}

unsigned int channel_flush(struct channel *channel)
{
	unsigned int count = 0;

	channel->starving = false;
	while (channel->first) {
		struct channel_unit *unit = channel->first;
		int sent = channel_send_part(channel);

		if (!sent) {
			channel->starving = true;
			break;
		}
		if (sent > 0)
			count++;
		if (sent < 0 || unit->sent == unit->len) {
			channel->first = unit->next;
			if (!channel->first)
				channel->last = &channel->first;
			channel->units--;
			free(unit);
		}
	}
	if (count && !channel->first && channel->fn && channel->fn->ops->sent)
		channel->fn->ops->sent(channel->fn);
	return count;
}
