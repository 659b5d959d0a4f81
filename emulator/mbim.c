// SPDX-License-Identifier: GPL-2.0-only
/*
 * DOC: MBIM function: messages
 *
 * One uplink unit is one MBIM message or one fragment of a COMMAND; one
 * downlink unit likewise. This file owns the MBIM session (closed or open with
 * a MaxControlTransfer), the one COMMAND that is being reassembled, and the
 * list of transactions that were accepted and not answered yet. What commands
 * mean is in mbim_basic.c.
 *
 *   uplink unit -> header checks -> OPEN, CLOSE, HOST_ERROR
 *                               \-> COMMAND -> reassembly -> service -> answer
 *
 * Everything in an uplink unit was written by the host's user space and is
 * checked before use. A unit that breaks the rules is answered as the standard
 * says (FUNCTION_ERROR, or a COMMAND_DONE with a status), and logged. It is no
 * violation of the driver: to the driver these bytes are opaque.
 *
 * The session survives closing the channel, as it does on the device: a tool
 * may leave it open for the next one. It ends by CLOSE, by another OPEN, or by
 * a restart of the modem.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "function.h"
#include "log.h"
#include "loop.h"
#include "mbim_basic.h"
#include "mbim_codec.h"
#include "world.h"

/* Longest wait for the next fragment. */
#define FRAGMENT_TIMEOUT_US	1250000u
/* Largest information buffer we are willing to reassemble. */
#define MAX_COMMAND_INFO	65536u
/* Bytes of a COMMAND between the fragment header and the information. */
#define COMMAND_FIXED		(MBIM_COMMAND_LEN - MBIM_FRAGMENT_LEN)
/* Deferred answers at any time; each session can have one. */
#define MAX_PENDING		WORLD_SESSIONS

/**
 * struct mbim - the MBIM function
 * @fn: base
 * @basic: the service behind it
 * @channel_open: the host listens
 * @opened: between OPEN and CLOSE
 * @max_transfer: largest unit in either direction, from OPEN
 * @pending: transactions whose answer is deferred
 * @n_pending: how many
 * @fragment: the COMMAND that is being reassembled
 * @fragment.active: there is one
 * @fragment.tid: its transaction id
 * @fragment.total: number of its fragments
 * @fragment.next: index of the fragment expected next
 * @fragment.expected: its length without headers, from the first fragment
 * @fragment.data: what came so far, without headers
 * @fragment.timer: runs while @fragment.active
 */
struct mbim {
	struct function fn;
	struct mbim_basic *basic;

	bool channel_open, opened;
	size_t max_transfer;
	uint32_t pending[MAX_PENDING];
	unsigned int n_pending;

	struct {
		bool active;
		uint32_t tid, total, next;
		size_t expected;
		struct mbim_buf data;
		struct loop_timer timer;
	} fragment;
};

static const struct {
	struct mbim_uuid uuid;
	const char *name;
} known_services[] = {
	{ {{ 0xa2, 0x89, 0xcc, 0x33, 0xbc, 0xbb, 0x8b, 0x4f,
	     0xb6, 0xb0, 0x13, 0x3e, 0xc2, 0xaa, 0xe6, 0xdf }},
	  "basic connect" },
	{ {{ 0x53, 0x3f, 0xbe, 0xeb, 0x14, 0xfe, 0x44, 0x67,
	     0x9f, 0x90, 0x33, 0xa2, 0x23, 0xe5, 0x6c, 0x3f }}, "SMS" },
	{ {{ 0xe5, 0x50, 0xa0, 0xc8, 0x5e, 0x82, 0x47, 0x9e,
	     0x82, 0xf7, 0x10, 0xab, 0xf4, 0xc3, 0x35, 0x1f }}, "USSD" },
	{ {{ 0x4b, 0xf3, 0x84, 0x76, 0x1e, 0x6a, 0x41, 0xdb,
	     0xb1, 0xd8, 0xbe, 0xd2, 0x89, 0xc2, 0x5b, 0xdb }}, "phonebook" },
	{ {{ 0xd8, 0xf2, 0x01, 0x31, 0xfc, 0xb5, 0x4e, 0x17,
	     0x86, 0x02, 0xd6, 0xed, 0x38, 0x16, 0x16, 0x4c }}, "STK" },
	{ {{ 0x1d, 0x2b, 0x5f, 0xf7, 0x0a, 0xa1, 0x48, 0xb2,
	     0xaa, 0x52, 0x50, 0xf1, 0x57, 0x67, 0x17, 0x4e }}, "auth" },
	{ {{ 0xc0, 0x8a, 0x26, 0xdd, 0x77, 0x18, 0x43, 0x82,
	     0x84, 0x82, 0x6e, 0x0d, 0x58, 0x3c, 0x4d, 0x0e }}, "DSS" },
	{ {{ 0x3d, 0x01, 0xdc, 0xc5, 0xfe, 0xf5, 0x4d, 0x05,
	     0x0d, 0x3a, 0xbe, 0xf7, 0x05, 0x8e, 0x9a, 0xaf }},
	  "MS basic connect extensions" },
	{ {{ 0xe9, 0xf7, 0xde, 0xa2, 0xfe, 0xaf, 0x40, 0x09,
	     0x93, 0xce, 0x90, 0xa3, 0x69, 0x41, 0x03, 0xb6 }},
	  "MS firmware id" },
};

static const char *service_name(const struct mbim_uuid *uuid)
{
	for (size_t i = 0; i < sizeof(known_services) /
			       sizeof(known_services[0]); i++)
		if (mbim_uuid_equal(&known_services[i].uuid, uuid))
			return known_services[i].name;
	return "unknown service";
}

/* ----- downlink ------------------------------------------------------- */

static void send_unit(struct mbim *mbim, struct mbim_buf *unit)
{
	if (unit->failed)
		log_error("mbim: out of memory, a message was not sent");
	else if (mbim->channel_open &&
		 !function_send(&mbim->fn, unit->data, unit->len))
		log_warn("mbim: message of %zu bytes not sent", unit->len);
	mbim_buf_free(unit);
}

static void put_header(struct mbim_buf *unit, uint32_t type, size_t len,
		       uint32_t tid)
{
	mbim_put_u32(unit, type);
	mbim_put_u32(unit, (uint32_t)len);
	mbim_put_u32(unit, tid);
}

static void send_status(struct mbim *mbim, uint32_t type, uint32_t tid,
			uint32_t value)
{
	struct mbim_buf unit = { 0 };

	put_header(&unit, type, MBIM_HEADER_LEN + 4, tid);
	mbim_put_u32(&unit, value);
	send_unit(mbim, &unit);
}

__attribute__((format(printf, 4, 5)))
static void send_error(struct mbim *mbim, uint32_t tid, enum mbim_error error,
		       const char *fmt, ...)
{
	char why[160];
	va_list args;

	va_start(args, fmt);
	vsnprintf(why, sizeof(why), fmt, args);
	va_end(args);
	log_info("mbim: transaction %" PRIu32 ": %s, function error %d", tid,
		 why, error);
	send_status(mbim, MBIM_FUNCTION_ERROR, tid, (uint32_t)error);
}

/* Send a message with fragment headers; @body is what follows them. */
static void send_fragmented(struct mbim *mbim, uint32_t type, uint32_t tid,
			    const struct mbim_buf *body)
{
	size_t chunk = mbim->max_transfer - MBIM_FRAGMENT_LEN;
	size_t total = (body->len + chunk - 1) / chunk;

	if (body->failed) {
		log_error("mbim: out of memory, a message was not sent");
		return;
	}
	for (size_t i = 0; i < total; i++) {
		size_t at = i * chunk;
		size_t len = body->len - at < chunk ? body->len - at : chunk;
		struct mbim_buf unit = { 0 };

		put_header(&unit, type, MBIM_FRAGMENT_LEN + len, tid);
		mbim_put_u32(&unit, (uint32_t)total);
		mbim_put_u32(&unit, (uint32_t)i);
		mbim_put_bytes(&unit, body->data + at, len);
		send_unit(mbim, &unit);
	}
}

static void send_command_done(struct mbim *mbim, uint32_t tid,
			      const struct mbim_uuid *service, uint32_t cid,
			      enum mbim_status status,
			      const struct mbim_buf *info)
{
	struct mbim_buf body = { 0 };
	size_t len = info->len;

	if (info->failed) {
		log_error("mbim: out of memory while answering");
		status = MBIM_STATUS_MEMORY_FAILURE;
		len = 0;
	}
	mbim_put_uuid(&body, service);
	mbim_put_u32(&body, cid);
	mbim_put_u32(&body, (uint32_t)status);
	mbim_put_u32(&body, (uint32_t)len);
	mbim_put_bytes(&body, info->data, len);
	send_fragmented(mbim, MBIM_COMMAND_DONE, tid, &body);
	mbim_buf_free(&body);
}

static void mbim_indicate(void *ctx, uint32_t cid, const struct mbim_buf *info)
{
	struct mbim *mbim = ctx;
	struct mbim_buf body = { 0 };

	if (!mbim->opened || !mbim->channel_open)
		return;
	log_debug("mbim: indicate %s", mbim_basic_cid_name(cid));
	mbim_put_uuid(&body, &mbim_uuid_basic_connect);
	mbim_put_u32(&body, cid);
	mbim_put_u32(&body, (uint32_t)info->len);
	mbim_put_bytes(&body, info->data, info->len);
	if (info->failed)
		body.failed = true;
	send_fragmented(mbim, MBIM_INDICATE_STATUS, 0, &body);
	mbim_buf_free(&body);
}

/* ----- transactions in progress --------------------------------------- */

static bool pending_remove(struct mbim *mbim, uint32_t tid)
{
	for (unsigned int i = 0; i < mbim->n_pending; i++) {
		if (mbim->pending[i] == tid) {
			mbim->pending[i] = mbim->pending[--mbim->n_pending];
			return true;
		}
	}
	return false;
}

static bool is_pending(const struct mbim *mbim, uint32_t tid)
{
	for (unsigned int i = 0; i < mbim->n_pending; i++)
		if (mbim->pending[i] == tid)
			return true;
	return false;
}

static void mbim_complete(void *ctx, uint32_t tid, uint32_t cid,
			  enum mbim_status status, const struct mbim_buf *info)
{
	struct mbim *mbim = ctx;

	if (pending_remove(mbim, tid))
		send_command_done(mbim, tid, &mbim_uuid_basic_connect, cid,
				  status, info);
}

static const struct mbim_basic_ops basic_ops = {
	.indicate = mbim_indicate,
	.complete = mbim_complete,
};

/* ----- uplink --------------------------------------------------------- */

static void fragment_drop(struct mbim *mbim)
{
	loop_timer_cancel(&mbim->fragment.timer);
	mbim->fragment.active = false;
	mbim_buf_free(&mbim->fragment.data);
}

static void fragment_timeout(void *ctx)
{
	struct mbim *mbim = ctx;
	uint32_t tid = mbim->fragment.tid;

	fragment_drop(mbim);
	send_error(mbim, tid, MBIM_ERROR_TIMEOUT_FRAGMENT,
		   "fragment %" PRIu32 " of %" PRIu32 " did not come",
		   mbim->fragment.next, mbim->fragment.total);
}

static void forget_transactions(struct mbim *mbim)
{
	fragment_drop(mbim);
	mbim_basic_abandon(mbim->basic);
	mbim->n_pending = 0;
}

/* A whole COMMAND; @body is what follows the fragment header. */
static void command(struct mbim *mbim, uint32_t tid,
		    const struct mbim_view *body)
{
	struct mbim_request request = { .tid = tid };
	struct mbim_buf info = { 0 };
	struct mbim_uuid service;
	enum mbim_status status;
	uint32_t type, info_len;

	if (!mbim_get_uuid(body, 0, &service) ||
	    !mbim_get_u32(body, 16, &request.cid) ||
	    !mbim_get_u32(body, 20, &type) ||
	    !mbim_get_u32(body, 24, &info_len) ||
	    body->len - COMMAND_FIXED != info_len) {
		send_error(mbim, tid, MBIM_ERROR_LENGTH_MISMATCH,
			   "command of %zu bytes", body->len);
		return;
	}
	request.set = type == 1;
	request.info.data = body->data + COMMAND_FIXED;
	request.info.len = info_len;

	if (type > 1)
		status = MBIM_STATUS_INVALID_PARAMETERS;
	else if (mbim_uuid_equal(&service, &mbim_uuid_basic_connect))
		status = mbim_basic_command(mbim->basic, &request, &info);
	else
		status = MBIM_STATUS_NO_DEVICE_SUPPORT;

	trace("mbim: transaction %" PRIu32 " %s %s cid %" PRIu32 " status %d",
	      tid, request.set ? "set" : "query", service_name(&service),
	      request.cid, (int)status);
	if (status == MBIM_DEFERRED) {
		mbim->pending[mbim->n_pending++] = tid;
	} else {
		if (status != MBIM_STATUS_SUCCESS)
			log_info("mbim: %s %s cid %" PRIu32 ": status %d",
				 request.set ? "set" : "query",
				 service_name(&service), request.cid,
				 (int)status);
		send_command_done(mbim, tid, &service, request.cid, status,
				  &info);
	}
	mbim_buf_free(&info);
	mbim_basic_flush(mbim->basic);
}

/* First fragment: check what it promises and begin to collect. */
static bool fragment_begin(struct mbim *mbim, uint32_t tid, uint32_t total,
			   const struct mbim_view *body)
{
	uint32_t info_len;

	if (mbim->fragment.active) {
		uint32_t old = mbim->fragment.tid;

		fragment_drop(mbim);
		send_error(mbim, old, MBIM_ERROR_FRAGMENT_OUT_OF_SEQUENCE,
			   "a new command came before the last fragment");
	}
	if (is_pending(mbim, tid)) {
		send_error(mbim, tid, MBIM_ERROR_DUPLICATED_TID,
			   "transaction id is in use");
		return false;
	}
	if (!mbim_get_u32(body, COMMAND_FIXED - 4, &info_len)) {
		send_error(mbim, tid, MBIM_ERROR_LENGTH_MISMATCH,
			   "command header is cut");
		return false;
	}
	if (info_len > MAX_COMMAND_INFO) {
		send_error(mbim, tid, MBIM_ERROR_MAX_TRANSFER,
			   "information buffer of %" PRIu32 " bytes", info_len);
		return false;
	}
	mbim->fragment.active = true;
	mbim->fragment.tid = tid;
	mbim->fragment.total = total;
	mbim->fragment.next = 0;
	mbim->fragment.expected = COMMAND_FIXED + info_len;
	return true;
}

static void receive_command(struct mbim *mbim, uint32_t tid,
			    const struct mbim_view *unit)
{
	struct mbim_view body;
	struct mbim_buf whole;
	uint32_t total, current;

	if (!mbim_get_u32(unit, 12, &total) ||
	    !mbim_get_u32(unit, 16, &current)) {
		send_error(mbim, tid, MBIM_ERROR_LENGTH_MISMATCH,
			   "command of %zu bytes", unit->len);
		return;
	}
	body.data = unit->data + MBIM_FRAGMENT_LEN;
	body.len = unit->len - MBIM_FRAGMENT_LEN;

	if (total == 0 || current >= total) {
		if (mbim->fragment.active && mbim->fragment.tid == tid)
			fragment_drop(mbim);
		send_error(mbim, tid, MBIM_ERROR_FRAGMENT_OUT_OF_SEQUENCE,
			   "fragment %" PRIu32 " of %" PRIu32, current, total);
		return;
	}
	if (current == 0) {
		if (!fragment_begin(mbim, tid, total, &body))
			return;
	} else if (!mbim->fragment.active || mbim->fragment.tid != tid ||
		   mbim->fragment.total != total ||
		   mbim->fragment.next != current) {
		/* Interleaved commands are both lost. */
		if (mbim->fragment.active && mbim->fragment.tid != tid)
			send_error(mbim, mbim->fragment.tid,
				   MBIM_ERROR_FRAGMENT_OUT_OF_SEQUENCE,
				   "another command's fragment came between");
		fragment_drop(mbim);
		send_error(mbim, tid, MBIM_ERROR_FRAGMENT_OUT_OF_SEQUENCE,
			   "unexpected fragment %" PRIu32 " of %" PRIu32,
			   current, total);
		return;
	}

	mbim_put_bytes(&mbim->fragment.data, body.data, body.len);
	mbim->fragment.next++;
	if (mbim->fragment.data.failed ||
	    mbim->fragment.data.len > mbim->fragment.expected) {
		fragment_drop(mbim);
		send_error(mbim, tid, MBIM_ERROR_LENGTH_MISMATCH,
			   "fragments are longer than the command");
		return;
	}
	if (mbim->fragment.next < total) {
		loop_timer_arm(&mbim->fragment.timer, FRAGMENT_TIMEOUT_US);
		return;
	}

	/* Complete: take it out first, so that state is settled. */
	whole = mbim->fragment.data;
	memset(&mbim->fragment.data, 0, sizeof(mbim->fragment.data));
	fragment_drop(mbim);
	body.data = whole.data;
	body.len = whole.len;
	command(mbim, tid, &body);
	mbim_buf_free(&whole);
}

static void receive_open(struct mbim *mbim, uint32_t tid,
			 const struct mbim_view *unit)
{
	uint32_t max_transfer;

	if (unit->len != MBIM_HEADER_LEN + 4 ||
	    !mbim_get_u32(unit, MBIM_HEADER_LEN, &max_transfer)) {
		send_error(mbim, tid, MBIM_ERROR_LENGTH_MISMATCH,
			   "open of %zu bytes", unit->len);
		return;
	}
	if (max_transfer < MBIM_MIN_TRANSFER) {
		send_error(mbim, tid, MBIM_ERROR_MAX_TRANSFER,
			   "open with MaxControlTransfer %" PRIu32,
			   max_transfer);
		return;
	}
	if (mbim->opened) {
		log_info("mbim: opened again, the first session is closed");
		forget_transactions(mbim);
		mbim_basic_close(mbim->basic);
	}
	mbim->opened = true;
	mbim->max_transfer = max_transfer;
	if (mbim->fn.max_unit >= MBIM_MIN_TRANSFER &&
	    mbim->max_transfer > mbim->fn.max_unit)
		mbim->max_transfer = mbim->fn.max_unit;
	log_info("mbim: open, MaxControlTransfer %" PRIu32, max_transfer);
	send_status(mbim, MBIM_OPEN_DONE, tid, MBIM_STATUS_SUCCESS);
}

static void receive_close(struct mbim *mbim, uint32_t tid,
			  const struct mbim_view *unit)
{
	if (unit->len != MBIM_HEADER_LEN) {
		send_error(mbim, tid, MBIM_ERROR_LENGTH_MISMATCH,
			   "close of %zu bytes", unit->len);
		return;
	}
	forget_transactions(mbim);
	mbim_basic_close(mbim->basic);
	mbim->opened = false;
	log_info("mbim: close");
	send_status(mbim, MBIM_CLOSE_DONE, tid, MBIM_STATUS_SUCCESS);
}

/* Errors of the host are never answered. */
static void receive_host_error(struct mbim *mbim, uint32_t tid,
			       const struct mbim_view *unit)
{
	uint32_t error;

	if (!mbim_get_u32(unit, MBIM_HEADER_LEN, &error)) {
		log_warn("mbim: host error of %zu bytes", unit->len);
		return;
	}
	log_info("mbim: host error %" PRIu32 " for transaction %" PRIu32,
		 error, tid);
	if (mbim->fragment.active && mbim->fragment.tid == tid)
		fragment_drop(mbim);
	if (error == MBIM_ERROR_CANCEL && is_pending(mbim, tid)) {
		mbim_basic_cancel(mbim->basic, tid);
		pending_remove(mbim, tid);
		mbim_basic_flush(mbim->basic);
	}
}

static void mbim_receive(struct function *fn, const uint8_t *data, size_t len)
{
	struct mbim *mbim = (struct mbim *)fn;
	struct mbim_view unit = { .data = data, .len = len };
	uint32_t type, length, tid;

	if (len < MBIM_HEADER_LEN) {
		send_error(mbim, 0, MBIM_ERROR_LENGTH_MISMATCH,
			   "message of %zu bytes", len);
		return;
	}
	type = mbim_le32(data);
	length = mbim_le32(data + 4);
	tid = mbim_le32(data + 8);

	if (type == MBIM_HOST_ERROR) {
		receive_host_error(mbim, tid, &unit);
		return;
	}
	if (!mbim->opened && type != MBIM_OPEN) {
		send_error(mbim, tid, MBIM_ERROR_NOT_OPENED,
			   "message type %#" PRIx32 " before open", type);
		return;
	}
	if (length != len) {
		if (mbim->fragment.active && mbim->fragment.tid == tid)
			fragment_drop(mbim);
		send_error(mbim, tid, MBIM_ERROR_LENGTH_MISMATCH,
			   "length %" PRIu32 " in a message of %zu bytes",
			   length, len);
		return;
	}
	if (mbim->opened && type != MBIM_OPEN && len > mbim->max_transfer) {
		send_error(mbim, tid, MBIM_ERROR_MAX_TRANSFER,
			   "%zu bytes, MaxControlTransfer is %zu", len,
			   mbim->max_transfer);
		return;
	}

	switch (type) {
	case MBIM_OPEN:
		receive_open(mbim, tid, &unit);
		break;
	case MBIM_CLOSE:
		receive_close(mbim, tid, &unit);
		break;
	case MBIM_COMMAND:
		receive_command(mbim, tid, &unit);
		break;
	default:
		send_error(mbim, tid, MBIM_ERROR_UNKNOWN,
			   "message type %#" PRIx32, type);
		break;
	}
}

/* ----- life ----------------------------------------------------------- */

static void mbim_opened(struct function *fn)
{
	((struct mbim *)fn)->channel_open = true;
}

static void mbim_closed(struct function *fn)
{
	((struct mbim *)fn)->channel_open = false;
	forget_transactions((struct mbim *)fn);
}

static void mbim_reset(struct function *fn)
{
	struct mbim *mbim = (struct mbim *)fn;

	forget_transactions(mbim);
	mbim->opened = false;
	mbim_basic_reset(mbim->basic);
}

static void mbim_destroy(struct function *fn)
{
	struct mbim *mbim = (struct mbim *)fn;

	fragment_drop(mbim);
	mbim_basic_free(mbim->basic);
	free(mbim);
}

static const struct function_ops mbim_ops = {
	.name = "mbim",
	.opened = mbim_opened,
	.closed = mbim_closed,
	.reset = mbim_reset,
	.receive = mbim_receive,
	.destroy = mbim_destroy,
};

struct function *mbim_new(struct loop *loop, struct world *world)
{
	struct mbim *mbim = calloc(1, sizeof(*mbim));

	if (!mbim)
		return NULL;
	mbim->fn.ops = &mbim_ops;
	mbim->max_transfer = MBIM_MIN_TRANSFER;
	loop_timer_init(&mbim->fragment.timer, loop, fragment_timeout, mbim);
	mbim->basic = mbim_basic_new(loop, world, &basic_ops, mbim);
	if (!mbim->basic) {
		free(mbim);
		errno = ENOMEM;
		return NULL;
	}
	return &mbim->fn;
}
