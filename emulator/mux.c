// SPDX-License-Identifier: GPL-2.0-only
/*
 * The IP multiplexer (protocol.rst 5).
 *
 * A downlink block grows in the guest's buffer:
 *
 *	ADBH | pad packet | pad packet | ... -> used      capacity
 *	                                       '- tables -'
 *
 * Room for the tables is set aside while packets are added; mux_flush()
 * appends them at the end of the turn of the event loop, so that packets that
 * arrive together share a block and an interrupt.
 */
#include <string.h>

#include "critic.h"
#include "log.h"
#include "mux.h"
#include "ring.h"
#include "world.h"

#define REFUSED		1
/* How long answers that are given twice are apart. */
#define AGAIN_US	1000
#define ACK_US		1000000
/* Who opened a session may have to run before credits for it are accepted. */
#define FIRST_GRANT_US	10000

/*
 * Commands to the host.
 */

static struct mux_pending *pending_at(struct mux *mux, unsigned int n)
{
	return &mux->pending[(mux->pending_first + n) % MUX_PENDING];
}

/* They are sent in the order of their times. */
static struct mux_pending *pending_add(struct mux *mux, uint64_t delay_us)
{
	uint64_t due_us = loop_now_us(mux->loop) + delay_us;
	unsigned int n = mux->pending_count;
	struct mux_pending *pending;

	if (!mux->dl_open || n == MUX_PENDING)
		return NULL;
	mux->pending_count++;
	for (; n && pending_at(mux, n - 1)->due_us > due_us; n--)
		*pending_at(mux, n) = *pending_at(mux, n - 1);
	pending = pending_at(mux, n);
	*pending = (struct mux_pending) { .due_us = due_us };
	mux->ops->work(mux->ctx);
	return pending;
}

/* Queue a command in the format of the variant [5.6.1, 5.6.2]. */
static struct mux_pending *
send_command(struct mux *mux, uint64_t delay_us, unsigned int session,
	     uint32_t code, uint32_t tid, const uint8_t *params, size_t len)
{
	struct mux_pending *pending = pending_add(mux, delay_us);
	size_t header = mux->config.aggregation ? 20 : 16;
	uint8_t *at;

	if (!pending)
		return NULL;

	at = pending->bytes;
	if (mux->config.aggregation) {
		pending->block = true;
		wire_put32(at, SIG_ACBH);
		wire_put32(at + 8, (uint32_t)(MUX_HEADER + header + len));
		wire_put32(at + 12, MUX_HEADER);
		at += MUX_HEADER;
	}
	wire_put32(at, SIG_CMDH);
	wire_put16(at + 4, (uint32_t)(header + len));
	at[6] = (uint8_t)session;
	wire_put32(at + header - 8, code);
	wire_put32(at + header - 4, tid);
	memcpy(at + header, params, len);
	pending->len = (size_t)(at - pending->bytes) + header + len;
	pending->session = session;
	trace("mux dl command code=%u session=%u tid=%u", code, session, tid);
	return pending;
}

/* One that the host has to answer with @answer. */
static bool send_request(struct mux *mux, unsigned int session, uint32_t code,
			 uint32_t answer, bool stop, const uint8_t *params,
			 size_t len)
{
	struct mux_unacked *slot = NULL;

	for (unsigned int i = 0; i < MUX_PENDING && !slot; i++) {
		if (!mux->unacked[i].used)
			slot = &mux->unacked[i];
	}
	if (!slot || !send_command(mux, 0, session, code, mux->next_tid,
				   params, len))
		return false;
	*slot = (struct mux_unacked) {
		.used = true,
		.stop = stop,
		.session = session,
		.code = answer,
		.tid = mux->next_tid++,
		.sent_us = loop_now_us(mux->loop),
	};
	if (!mux->ack_timer.armed)
		loop_timer_arm(&mux->ack_timer, ACK_US);
	return true;
}

/* Time alone is no violation: the machine may be busy. */
static void mux_ack_late(void *ctx)
{
	struct mux *mux = ctx;
	uint64_t now = loop_now_us(mux->loop);

	for (unsigned int i = 0; i < MUX_PENDING; i++) {
		struct mux_unacked *slot = &mux->unacked[i];

		if (!slot->used || slot->late)
			continue;
		if (now - slot->sent_us < ACK_US) {
			loop_timer_arm(&mux->ack_timer,
				       ACK_US - (now - slot->sent_us));
			return;
		}
		slot->late = true;
		mux->counters.acks_late++;
		log_warn("no answer %u for session %u within %u ms",
			 slot->code, slot->session, ACK_US / 1000);
	}
}

bool mux_flow(struct mux *mux, unsigned int session, bool stop)
{
	static const uint8_t on[4], off[4] = { 0xff, 0xff, 0xff, 0xff };
	bool aggregation = mux->config.aggregation;

	/* Resuming takes effect at once: the host may use it any time now. */
	if (!stop && session < MUX_SESSIONS)
		mux->session[session].stopped = false;
	return send_request(mux, session,
			    !aggregation ? LITE_FLOW :
			    stop ? AGGR_STOP : AGGR_RESUME,
			    aggregation ? AGGR_FLOW_ACK : LITE_FLOW_ACK, stop,
			    stop ? off : on, 4);
}

bool mux_quality(struct mux *mux, unsigned int session)
{
	static const uint8_t report[1] = { 50 };

	return send_request(mux, session, mux->config.aggregation ?
			    AGGR_QUALITY : LITE_QUALITY,
			    mux->config.aggregation ? AGGR_QUALITY_RESPONSE :
			    LITE_QUALITY_RESPONSE, false, report, 1);
}

static bool grant(struct mux *mux, unsigned int session, uint32_t bytes,
		  uint64_t delay_us)
{
	struct mux_pending *pending = pending_add(mux, delay_us);

	if (!pending)
		return false;
	wire_put32(pending->bytes, SIG_FCTH);
	wire_put16(pending->bytes + 4, MUX_FCTH_SIZE);
	pending->bytes[6] = (uint8_t)session;
	pending->bytes[7] = 4;
	wire_put32(pending->bytes + 16, bytes);
	pending->len = MUX_FCTH_SIZE;
	mux->session[session].credits += bytes;
	mux->counters.grants++;
	trace("mux dl credits session=%u bytes=%u", session, bytes);
	return true;
}

bool mux_grant(struct mux *mux, unsigned int session, uint32_t bytes)
{
	return grant(mux, session, bytes, 0);
}

/* Data from the host costs credits; give them back as they are used. */
static void use_credits(struct mux *mux, unsigned int n, size_t len)
{
	struct mux_session *session = &mux->session[n];

	if (!mux->config.credits)
		return;
	session->consumed += len;
	if (!mux->config.aggregation) {
		session->credits -= (int64_t)len;
		if (session->credits < 0)
			violation("5.8", "session %u used %lld bytes more than granted",
				  n, -(long long)session->credits);
	}
	if (session->consumed >= mux->config.credits / 4 &&
	    mux_grant(mux, n, (uint32_t)session->consumed))
		session->consumed = 0;
}

/*
 * Sessions.
 */

static void session_down(struct mux *mux, unsigned int n)
{
	bool up = mux->session[n].state == MUX_UP;

	mux->session[n] = (struct mux_session) { .state = MUX_CLOSED };
	for (unsigned int i = 0; i < MUX_PENDING; i++) {
		if (mux->unacked[i].session == n)
			mux->unacked[i].used = false;
	}
	if (up)
		world_session_down(mux->world, n);
}

/* The open response is on its way to the host. */
static void session_up(struct mux *mux, unsigned int n)
{
	struct mux_session *session = &mux->session[n];

	if (session->state != MUX_OPENING)
		return;
	session->state = MUX_UP;
	trace("mux session %u up", n);
	if (mux->config.credits)
		grant(mux, n, mux->config.credits, FIRST_GRANT_US);
	world_session_up(mux->world, n);
}

/* Answer open or close; the first of two answers counts. */
static struct mux_pending *
send_response(struct mux *mux, const struct mux_ul_command *command,
	      uint32_t code, const struct fault_answer *fault,
	      const uint8_t *params, size_t len)
{
	uint64_t delay_us = mux->config.response_us + fault->late_us;

	if (fault->twice)
		send_command(mux, delay_us + AGAIN_US, command->session, code,
			     command->tid, params, len);
	return send_command(mux, delay_us, command->session, code,
			    command->tid, params, len);
}

/* May the session be opened? */
static bool open_is_good(struct mux *mux, const struct mux_ul_command *command)
{
	struct mux_session *session = &mux->session[command->session];

	if (command->len != 8) {
		violation("5.6.4", "open session with %zu bytes of parameters",
			  command->len);
		return false;
	}
	if (session->state != MUX_CLOSED && session->excused)
		session_down(mux, command->session);
	if (session->state != MUX_CLOSED) {
		violation("5.6.7", "open of session %u, which is open",
			  command->session);
		return false;
	}
	if (wire_get32(command->params))
		violation("5.6.4", "open session: first word 0x%08x is not zero",
			  wire_get32(command->params));
	if (wire_get32(command->params + 4) != MUX_DL_PAD)
		quirk("5.6.4", 0, "open session with downlink padding %u",
		      wire_get32(command->params + 4));
	return true;
}

static void command_open(struct mux *mux, const struct mux_ul_command *command)
{
	struct mux_session *session = &mux->session[command->session];
	struct fault_answer fault = fault_at(mux->faults,
					     FAULT_AT_SESSION_OPEN);
	uint8_t params[12] = { 0 };
	struct mux_pending *response;
	bool good;

	mux->counters.opens++;
	good = open_is_good(mux, command);
	session->excused = fault.ignore;
	if (fault.ignore)
		return;
	if (!good || fault.refuse) {
		wire_put32(params, REFUSED);
	} else {
		uint32_t pad = wire_get32(command->params + 4);

		session->dl_pad = !mux->config.aggregation ? 0 :
				  pad < MUX_DL_PAD ? pad : MUX_DL_PAD;
		session->state = MUX_OPENING;
		wire_put32(params + 8, mux->config.ul_pad);
	}

	response = send_response(mux, command, MUX_OPEN_RESPONSE, &fault,
				 params, sizeof(params));
	if (response)
		response->is_open = !wire_get32(params);
	else if (!wire_get32(params))
		session->state = MUX_CLOSED;
}

static void command_close(struct mux *mux, const struct mux_ul_command *command)
{
	struct mux_session *session = &mux->session[command->session];
	struct fault_answer fault = fault_at(mux->faults,
					     FAULT_AT_SESSION_CLOSE);
	uint8_t params[4] = { 0 };

	mux->counters.closes++;
	if (command->len)
		violation("5.6.4", "close session with %zu bytes of parameters",
			  command->len);
	if (session->state == MUX_CLOSED && !session->excused)
		violation("5.6.7", "close of session %u, which is not open",
			  command->session);
	if (fault.ignore || fault.refuse) {
		session->excused = true;
		wire_put32(params, REFUSED);
	} else {
		trace("mux session %u down", command->session);
		session_down(mux, command->session);
	}
	if (!fault.ignore)
		send_response(mux, command, MUX_CLOSE_RESPONSE, &fault, params,
			      sizeof(params));
}

/* The host answers a request of ours; its transaction id is our own. */
static void command_ack(struct mux *mux, const struct mux_ul_command *command)
{
	bool quality = command->code == (mux->config.aggregation ?
					 AGGR_QUALITY_RESPONSE :
					 LITE_QUALITY_RESPONSE);

	mux->counters.acks++;
	mux->host_responses++;
	if (command->len != (quality ? 4 : 0) ||
	    (quality && wire_get32(command->params)))
		violation("5.6.4", "answer %u with wrong parameters",
			  command->code);

	for (unsigned int i = 0; i < MUX_PENDING; i++) {
		struct mux_unacked *slot = &mux->unacked[i];

		if (!slot->used || slot->tid != command->tid ||
		    slot->code != command->code)
			continue;
		if (slot->session != command->session)
			violation("5.6.4", "answer %u for session %u, asked was %u",
				  command->code, command->session,
				  slot->session);
		if (!quality)
			mux->session[slot->session].stopped =
				slot->stop &&
				mux->session[slot->session].state == MUX_UP;
		slot->used = false;
		return;
	}
	violation("5.6.4", "answer %u with transaction id %u to nothing",
		  command->code, command->tid);
}

/* The host counts its commands; answers use up numbers too [5.2]. */
static void check_tid(struct mux *mux, uint32_t tid)
{
	uint32_t ahead = tid - mux->host_tid;

	/* Commands that were on the ring when the channel closed are lost. */
	if (ahead > mux->host_responses &&
	    !(mux->host_tid_gap && ahead <= INT32_MAX))
		violation("5.2", "transaction id %u, expected %u", tid,
			  mux->host_tid);
	mux->host_tid_gap = false;
	mux->host_tid = tid + 1;
	mux->host_responses = 0;
}

static void mux_command(void *ctx, const struct mux_ul_command *command)
{
	struct mux *mux = ctx;
	bool aggregation = mux->config.aggregation;

	trace("mux ul command code=%u session=%u tid=%u", command->code,
	      command->session, command->tid);
	switch (command->code) {
	case MUX_OPEN:
		check_tid(mux, command->tid);
		command_open(mux, command);
		return;
	case MUX_CLOSE:
		check_tid(mux, command->tid);
		command_close(mux, command);
		return;
	case LITE_FLOW_ACK:
		if (aggregation)
			break;
		command_ack(mux, command);
		return;
	case AGGR_FLOW_ACK:
		if (!aggregation)
			break;
		command_ack(mux, command);
		return;
	case LITE_QUALITY_RESPONSE:
		if (aggregation)
			break;
		command_ack(mux, command);
		return;
	case AGGR_QUALITY_RESPONSE:
		if (!aggregation)
			break;
		command_ack(mux, command);
		return;
	default:
		break;
	}
	violation("5.6.3", "command %u, which a host does not send",
		  command->code);
}

static void mux_datagram(void *ctx, unsigned int n, uint8_t class,
			 const uint8_t *packet, size_t len)
{
	struct mux *mux = ctx;
	struct mux_session *session = &mux->session[n];

	if (session->state != MUX_UP) {
		mux->counters.ul_ignored++;
		quirk("5.6.7", 87, "data of session %u, which is %s", n,
		      session->state == MUX_CLOSED ? "closed" :
		      "not open yet");
		return;
	}
	if (session->stopped)
		violation("5.8", "data of session %u, which is stopped", n);
	mux->ul_class[n][class]++;
	use_credits(mux, n, len);
	world_uplink(mux->world, n, packet, len);
}

static void mux_level(void *ctx, unsigned int n, uint32_t packets)
{
	struct mux *mux = ctx;

	if (mux->session[n].state == MUX_CLOSED)
		quirk("5.6.7", 87, "queue level of session %u, which is closed",
		      n);
	mux->session[n].level = packets;
}

static const struct mux_ul_ops mux_ul_ops = {
	.datagram = mux_datagram,
	.command = mux_command,
	.level = mux_level,
};

void mux_uplink(struct mux *mux, const uint8_t *td, size_t len)
{
	if (trace_on() && len >= 4)
		trace("mux ul %.4s size=%zu", (const char *)td, len);
	mux_ul_read(&mux->ul, td, len);
}

void mux_uplink_done(struct mux *mux)
{
	world_flush(mux->world);
}

/*
 * Downlink blocks.
 */

static size_t round4(size_t n)
{
	return (n + 3) & ~(size_t)3;
}

/* Complete a downlink TD; the modem interrupts after a few, or in the end. */
static void commit(struct mux *mux, size_t size)
{
	rings_commit(mux->rings, MUX_DL_PIPE, size);
	mux->committed++;
	mux->ops->completed(mux->ctx);
}

/* Append the tables and hand the block to the host [5.5]. */
static void block_finish(struct mux *mux)
{
	struct mux_block *block = &mux->block;
	size_t at = block->used, link = 12;
	uint8_t *buffer = block->buffer;

	if (!block->count)
		return;

	memset(buffer, 0, MUX_HEADER);
	wire_put32(buffer, SIG_ADBH);
	wire_put16(buffer + 6, mux->block_sequence++);
	for (unsigned int n = 0; n < MUX_SESSIONS; n++) {
		uint8_t *table = buffer + at, *entry = table + 16;

		if (!block->per_session[n])
			continue;
		memset(table, 0, 16);
		wire_put32(table, SIG_ADTH);
		wire_put16(table + 4, 16 + 8 * block->per_session[n]);
		table[6] = (uint8_t)n;
		for (unsigned int i = 0; i < block->count; i++) {
			if (block->entry[i].session != n)
				continue;
			wire_put32(entry, block->entry[i].offset);
			wire_put16(entry + 4, block->entry[i].len);
			wire_put16(entry + 6, mux->dl_class);
			entry += 8;
		}
		wire_put32(buffer + link, (uint32_t)at);
		link = at + 8;
		at += 16 + 8 * (size_t)block->per_session[n];
	}
	wire_put32(buffer + 8, (uint32_t)at);
	trace("mux dl ADBH size=%zu datagrams=%u", at, block->count);

	block->count = 0;
	block->buffer = NULL;
	mux->counters.dl_blocks++;
	commit(mux, at);
}

/* Bytes that a block needs for one more packet, with its share of tables. */
static size_t block_cost(const struct mux_block *block, unsigned int n,
			 size_t len)
{
	size_t tables = 8;

	if (!block->per_session[n])
		tables += 16;
	for (unsigned int i = 0; i < MUX_SESSIONS; i++)
		tables += block->per_session[i] ?
			  16 + 8 * (size_t)block->per_session[i] : 0;
	return round4(len) + tables;
}

static bool block_begin(struct mux *mux)
{
	struct mux_block *block = &mux->block;

	block->buffer = rings_peek(mux->rings, MUX_DL_PIPE, &block->capacity);
	if (!block->buffer)
		return false;
	if (block->capacity > MUX_BLOCK_MAX)
		block->capacity = MUX_BLOCK_MAX;
	block->used = MUX_HEADER;
	block->count = 0;
	memset(block->per_session, 0, sizeof(block->per_session));
	return true;
}

static void block_add(struct mux *mux, unsigned int n, const uint8_t *packet,
		      size_t len, uint32_t pad)
{
	struct mux_block *block = &mux->block;
	uint8_t *at = block->buffer + block->used;
	size_t end = pad + len;

	memset(at, 0, pad);
	memcpy(at + pad, packet, len);
	memset(at + end, 0, round4(end) - end);

	block->entry[block->count].offset = (uint32_t)block->used;
	block->entry[block->count].len = (uint16_t)end;
	block->entry[block->count].session = (uint8_t)n;
	block->count++;
	block->per_session[n]++;
	block->used += round4(end);
}

/* 1: taken, 0: no buffer, -1: does not fit any buffer. */
static int deliver_aggregated(struct mux *mux, unsigned int n,
			      const uint8_t *packet, size_t len)
{
	struct mux_block *block = &mux->block;
	uint32_t pad = mux->session[n].dl_pad;

	if (block->buffer &&
	    (block->count == MUX_ENTRIES ||
	     block->used + block_cost(block, n, pad + len) > block->capacity))
		block_finish(mux);
	if (!block->buffer && !block_begin(mux))
		return 0;
	if (MUX_HEADER + 24 + round4(pad + len) > block->capacity)
		return -1;
	block_add(mux, n, packet, len, pad);
	return 1;
}

static int deliver_lite(struct mux *mux, unsigned int n, const uint8_t *packet,
			size_t len)
{
	size_t capacity;
	uint8_t *buffer = rings_peek(mux->rings, MUX_DL_PIPE, &capacity);

	if (!buffer)
		return 0;
	if (MUX_HEADER + len > capacity)
		return -1;
	memset(buffer, 0, MUX_HEADER);
	wire_put32(buffer, SIG_ADGH);
	wire_put16(buffer + 4, (uint32_t)(MUX_HEADER + len));
	buffer[6] = (uint8_t)n;
	buffer[8] = mux->dl_class;
	memcpy(buffer + MUX_HEADER, packet, len);
	trace("mux dl ADGH size=%zu session=%u", MUX_HEADER + len, n);
	commit(mux, MUX_HEADER + len);
	mux->counters.dl_blocks++;
	return 1;
}

bool mux_deliver(void *ctx, unsigned int session, const uint8_t *packet,
		 size_t len)
{
	struct mux *mux = ctx;
	int taken;

	if (session >= MUX_SESSIONS || !mux->dl_open || len > 0xffff ||
	    mux->session[session].state != MUX_UP) {
		mux->counters.dl_dropped++;
		return true;
	}
	/* Commands that wait for a buffer go first. */
	if (!mux->ops->may_send(mux->ctx) || mux->starving) {
		mux->session[session].refused = true;
		mux->counters.dl_refused++;
		mux->ops->work(mux->ctx);
		return false;
	}

	if (fault_at(mux->faults, FAULT_AT_DOWNLINK).ignore) {
		mux->counters.dl_dropped++;
		return true;
	}
	taken = mux->config.aggregation ?
		deliver_aggregated(mux, session, packet, len) :
		deliver_lite(mux, session, packet, len);
	mux->ops->work(mux->ctx);
	if (!taken) {
		mux->starving = true;
		mux->session[session].refused = true;
		mux->counters.dl_refused++;
		return false;
	}
	if (taken < 0) {
		mux->counters.dl_dropped++;
		return true;
	}
	mux->counters.dl_datagrams++;
	mux->counters.dl_bytes += len;
	return true;
}

/* Send the first command that waits: 1 sent, 0 not due or no buffer. */
static unsigned int pending_send(struct mux *mux)
{
	struct mux_pending *pending = &mux->pending[mux->pending_first];
	uint64_t now = loop_now_us(mux->loop);
	size_t capacity;
	uint8_t *buffer;

	if (!mux->pending_count)
		return 0;
	if (pending->due_us > now) {
		loop_timer_arm(&mux->pending_timer, pending->due_us - now);
		return 0;
	}
	buffer = rings_peek(mux->rings, MUX_DL_PIPE, &capacity);
	if (!buffer) {
		mux->starving = true;
		return 0;
	}

	mux->pending_first = (mux->pending_first + 1) % MUX_PENDING;
	mux->pending_count--;
	if (pending->len > capacity) {
		log_warn("a command of %zu bytes does not fit a buffer of %zu",
			 pending->len, capacity);
		return 0;
	}
	if (pending->block)
		wire_put16(pending->bytes + 6, mux->command_sequence++);
	memcpy(buffer, pending->bytes, pending->len);
	commit(mux, pending->len);
	mux->counters.dl_commands++;
	if (pending->is_open)
		session_up(mux, pending->session);
	return 1;
}

unsigned int mux_flush(struct mux *mux)
{
	unsigned int count;

	if (!mux->dl_open)
		return 0;

	do {
		/* An open response lets the world send at once. */
		block_finish(mux);
	} while (pending_send(mux));

	count = mux->committed;
	mux->committed = 0;
	return count;
}

void mux_resume(struct mux *mux)
{
	if (!mux->dl_open || !rings_posted(mux->rings, MUX_DL_PIPE))
		return;

	mux->starving = false;
	mux->resume_at = (mux->resume_at + 1) % MUX_SESSIONS;
	for (unsigned int i = 0; i < MUX_SESSIONS; i++) {
		unsigned int n = (mux->resume_at + i) % MUX_SESSIONS;

		if (!mux->session[n].refused)
			continue;
		mux->session[n].refused = false;
		world_resume(mux->world, n);
		if (mux->starving)
			break;
	}
}

bool mux_busy(const struct mux *mux)
{
	if (mux->pending_count || mux->block.count)
		return true;
	for (unsigned int i = 0; i < MUX_SESSIONS; i++) {
		if (mux->session[i].refused)
			return true;
	}
	return false;
}

unsigned int mux_open_sessions(const struct mux *mux)
{
	unsigned int count = 0;

	for (unsigned int i = 0; i < MUX_SESSIONS; i++)
		count += mux->session[i].state == MUX_UP;
	return count;
}

/*
 * Channel.
 */

static void mux_pending_due(void *ctx)
{
	struct mux *mux = ctx;

	mux->ops->work(mux->ctx);
}

static void channel_down(struct mux *mux)
{
	for (unsigned int n = 0; n < MUX_SESSIONS; n++)
		session_down(mux, n);
	loop_timer_cancel(&mux->pending_timer);
	loop_timer_cancel(&mux->ack_timer);
	mux->pending_count = 0;
	mux->block.count = 0;
	mux->block.buffer = NULL;
	mux->committed = 0;
	mux->starving = false;
	mux->host_tid_gap = true;
	mux_ul_gap(&mux->ul);
}

void mux_pipe_opened(struct mux *mux, unsigned int pipe)
{
	if (pipe == MUX_UL_PIPE)
		mux->ul_open = true;
	else
		mux->dl_open = true;
}

void mux_pipe_closed(struct mux *mux, unsigned int pipe)
{
	/* When the whole IPC session ends, nothing has to be closed first. */
	if (mux->rings->live && pipe == MUX_UL_PIPE) {
		for (unsigned int n = 0; n < MUX_SESSIONS; n++) {
			if (mux->session[n].state != MUX_CLOSED &&
			    !mux->session[n].excused)
				violation("5.6.7", "CLOSE of pipe 0 while session %u is open",
					  n);
		}
	}
	if (pipe == MUX_UL_PIPE)
		mux->ul_open = false;
	else
		mux->dl_open = false;
	channel_down(mux);
}

void mux_init(struct mux *mux, struct loop *loop, struct rings *rings,
	      struct world *world, struct faults *faults,
	      const struct mux_config *config, const struct mux_ops *ops,
	      void *ctx)
{
	uint32_t pad = config->ul_pad;

	memset(mux, 0, sizeof(*mux));
	mux->config = *config;
	mux->loop = loop;
	mux->rings = rings;
	mux->world = world;
	mux->faults = faults;
	mux->ops = ops;
	mux->ctx = ctx;
	/* What the host makes of the number that we ask for [5.7]. */
	if (pad > 16)
		pad -= 16;
	else if (!config->aggregation)
		pad = 0;
	mux_ul_init(&mux->ul, config->aggregation, pad, &mux_ul_ops, mux);
	loop_timer_init(&mux->pending_timer, loop, mux_pending_due, mux);
	loop_timer_init(&mux->ack_timer, loop, mux_ack_late, mux);
	mux->next_tid = 1;
	world_attach(world, mux_deliver, mux);
}

void mux_reset(struct mux *mux)
{
	channel_down(mux);
	mux->ul_open = false;
	mux->dl_open = false;
	mux->block_sequence = 0;
	mux->command_sequence = 0;
	mux->host_tid = 0;
	mux->host_tid_gap = false;
	mux->host_responses = 0;
	memset(mux->unacked, 0, sizeof(mux->unacked));
	mux_ul_reset(&mux->ul);
}
