// SPDX-License-Identifier: GPL-2.0-only
/*
 * Wire format of the IP multiplexing channel.
 */

#include "iosm_ipc_mux_wire.h"

#include <linux/align.h>
#include <linux/compiler.h>
#include <linux/errno.h>
#include <linux/minmax.h>
#include <linux/string.h>

#include <asm/byteorder.h>

/**
 * DOC: the multiplexer codec
 *
 * Every transfer on the data channel holds exactly one object::
 *
 *   Lite          ADGH|packet            one datagram
 *                 CMDH|parameters        one command
 *                 QLTH                   queue level, uplink only
 *   Aggregation   ADBH|pad|packet|...|ADTH|entries|QLTH|ADTH|...
 *                                        datagrams of all sessions, then tables
 *                                        that say where each of them begins
 *                 ACBH|CMDH|parameters|  commands
 *   both          FCTH                   uplink credits, downlink only
 *
 * **Decoding.** A downlink buffer is written by a radio, which may go on writing
 * while we read. Each header and each table entry is therefore copied to the
 * stack once and only the copy is believed; offsets and lengths are checked
 * against the number of bytes of the transfer before they are followed. Chains
 * of tables and commands only move forward and are short; the entries and bytes
 * that one block may deliver are limited to what an honest block can hold. A
 * defect costs the smallest unit that contains it: an entry, a table, a command.
 * The rest of a chain is given up only where its next link cannot be trusted.
 * Every cause has a counter of its own.
 *
 * **Building.** An uplink block grows datagram by datagram; the tables are
 * written behind the last one when it is finished. Padding, gaps and reserved
 * fields are zero, so that a reused buffer tells the modem nothing (Q43).
 *
 * Nothing here sleeps, locks or allocates. Two calls on different data may run
 * at the same time; calls on one block or one set of counters are serialised by
 * the caller.
 */

/* Command codes, protocol.rst 5.6.3. Codes 1 to 5 are common to both variants. */
#define CODE_OPEN			1
#define CODE_OPEN_RESPONSE		2
#define CODE_CLOSE			3
#define CODE_CLOSE_RESPONSE		4
#define CODE_FLOW			5
#define CODE_LITE_FLOW_ACK		6
#define CODE_LITE_LINK_REPORT		7
#define CODE_LITE_LINK_RESPONSE		8
#define CODE_AGGR_FLOW_RESUME		6
#define CODE_AGGR_FLOW_ACK		7
#define CODE_AGGR_LINK_REPORT		8
#define CODE_AGGR_LINK_RESPONSE		9

#define PROTOCOL_TCP			6
#define PROTOCOL_UDP			17

/* The longest parameters that we look at: those of the open response */
#define PARAMS_MAX	sizeof(struct iosm_mux_open_response)

static_assert(sizeof(struct iosm_mux_acbh) + sizeof(struct iosm_mux_cmdh_aggr) +
	      sizeof(struct iosm_mux_open_params) == IOSM_MUX_COMMAND_SIZE);

static const char * const defect_names[IOSM_MUX_DEFECTS] = {
	[IOSM_MUX_DEFECT_TD_SHORT]		= "td_short",
	[IOSM_MUX_DEFECT_SIGNATURE]		= "signature",
	[IOSM_MUX_DEFECT_VARIANT]		= "variant",
	[IOSM_MUX_DEFECT_ADGH_SHORT]		= "adgh_short",
	[IOSM_MUX_DEFECT_ADGH_LENGTH]		= "adgh_length",
	[IOSM_MUX_DEFECT_SESSION_RANGE]		= "session_range",
	[IOSM_MUX_DEFECT_SESSION_CLOSED]	= "session_closed",
	[IOSM_MUX_DEFECT_ADB_SHORT]		= "adb_short",
	[IOSM_MUX_DEFECT_ADB_LENGTH]		= "adb_length",
	[IOSM_MUX_DEFECT_ADB_TABLE]		= "adb_table",
	[IOSM_MUX_DEFECT_TABLE_SIGNATURE]	= "table_signature",
	[IOSM_MUX_DEFECT_TABLE_LENGTH]		= "table_length",
	[IOSM_MUX_DEFECT_TABLE_EMPTY]		= "table_empty",
	[IOSM_MUX_DEFECT_TABLE_NEXT]		= "table_next",
	[IOSM_MUX_DEFECT_TABLE_COUNT]		= "table_count",
	[IOSM_MUX_DEFECT_ENTRY_OFFSET]		= "entry_offset",
	[IOSM_MUX_DEFECT_ENTRY_LENGTH]		= "entry_length",
	[IOSM_MUX_DEFECT_ENTRY_PAD]		= "entry_pad",
	[IOSM_MUX_DEFECT_ENTRY_COUNT]		= "entry_count",
	[IOSM_MUX_DEFECT_ENTRY_BYTES]		= "entry_bytes",
	[IOSM_MUX_DEFECT_ACB_SHORT]		= "acb_short",
	[IOSM_MUX_DEFECT_ACB_COMMAND]		= "acb_command",
	[IOSM_MUX_DEFECT_COMMAND_SHORT]		= "command_short",
	[IOSM_MUX_DEFECT_COMMAND_SIGNATURE]	= "command_signature",
	[IOSM_MUX_DEFECT_COMMAND_LENGTH]	= "command_length",
	[IOSM_MUX_DEFECT_COMMAND_PARAMS]	= "command_params",
	[IOSM_MUX_DEFECT_COMMAND_CODE]		= "command_code",
	[IOSM_MUX_DEFECT_COMMAND_NEXT]		= "command_next",
	[IOSM_MUX_DEFECT_COMMAND_COUNT]		= "command_count",
	[IOSM_MUX_DEFECT_CREDIT_SHORT]		= "credit_short",
	[IOSM_MUX_DEFECT_CREDIT_LENGTH]		= "credit_length",
	[IOSM_MUX_DEFECT_CREDIT_VALUE]		= "credit_value",
};

/**
 * iosm_mux_wire_defect_name() - short name of a cause, for statistics
 * @defect: cause
 *
 * Context: any.
 * Return: lower-case name of at most 20 characters, or NULL for a value that is
 * not a cause.
 */
const char *iosm_mux_wire_defect_name(enum iosm_mux_defect defect)
{
	if ((unsigned int)defect >= IOSM_MUX_DEFECTS)
		return NULL;
	return defect_names[defect];
}

/**
 * struct decode - one transfer being decoded
 * @variant: format that both sides agreed on
 * @open_sessions: bit n set: session n is open
 * @td: the transfer, written by the modem
 * @len: bytes in @td that may be read
 * @ops: consumer
 * @ctx: its context
 * @defects: counters to increment
 * @entries_left: table entries that may still be looked at
 * @bytes_left: datagram bytes that may still be delivered
 * @delivered: callbacks made
 */
struct decode {
	enum iosm_mux_variant variant;
	u8 open_sessions;
	const u8 *td;
	u32 len;
	const struct iosm_mux_decoder_ops *ops;
	void *ctx;
	struct iosm_mux_defects *defects;
	u32 entries_left;
	u32 bytes_left;
	unsigned int delivered;
};

static void decode_defect(struct decode *d, enum iosm_mux_defect defect)
{
	d->defects->count[defect]++;
}

/*
 * Takes the one copy of a header that is believed. The barrier keeps the compiler
 * from reading the buffer a second time for a value that was already checked.
 */
static void decode_copy(const struct decode *d, void *to, u32 offset, u32 size)
{
	memcpy(to, d->td + offset, size);
	barrier();
}

static bool decode_session_ok(struct decode *d, u8 session)
{
	if (session >= IOSM_MUX_SESSIONS) {
		decode_defect(d, IOSM_MUX_DEFECT_SESSION_RANGE);
		return false;
	}
	if (!(d->open_sessions & (1U << session))) {
		decode_defect(d, IOSM_MUX_DEFECT_SESSION_CLOSED);
		return false;
	}
	return true;
}

static void decode_adgh(struct decode *d)
{
	struct iosm_mux_adgh adgh;
	u32 length;

	if (d->len < sizeof(adgh)) {
		decode_defect(d, IOSM_MUX_DEFECT_ADGH_SHORT);
		return;
	}
	decode_copy(d, &adgh, 0, sizeof(adgh));

	length = le16_to_cpu(adgh.length);
	if (length <= sizeof(adgh) || length > d->len) {
		decode_defect(d, IOSM_MUX_DEFECT_ADGH_LENGTH);
		return;
	}
	if (!decode_session_ok(d, adgh.session))
		return;

	d->ops->datagram(d->ctx, adgh.session, adgh.service_class, sizeof(adgh),
			 length - sizeof(adgh));
	d->delivered++;
}

static void decode_entry(struct decode *d, u8 session, u32 at)
{
	struct iosm_mux_adth_entry entry;
	u32 offset, length;

	decode_copy(d, &entry, at, sizeof(entry));

	offset = le32_to_cpu(entry.offset);
	length = le16_to_cpu(entry.length);
	if (offset < sizeof(struct iosm_mux_adbh) || offset >= d->len) {
		decode_defect(d, IOSM_MUX_DEFECT_ENTRY_OFFSET);
		return;
	}
	if (length > d->len - offset) {
		decode_defect(d, IOSM_MUX_DEFECT_ENTRY_LENGTH);
		return;
	}
	if (length <= IOSM_MUX_DL_PAD) {
		decode_defect(d, IOSM_MUX_DEFECT_ENTRY_PAD);
		return;
	}
	if (length - IOSM_MUX_DL_PAD > d->bytes_left) {
		decode_defect(d, IOSM_MUX_DEFECT_ENTRY_BYTES);
		return;
	}
	d->bytes_left -= length - IOSM_MUX_DL_PAD;

	d->ops->datagram(d->ctx, session, entry.service_class,
			 offset + IOSM_MUX_DL_PAD, length - IOSM_MUX_DL_PAD);
	d->delivered++;
}

/* Delivers one table; its entries are known to lie inside the block. */
static void decode_table(struct decode *d, u8 session, u32 at, u32 count)
{
	u32 i;

	if (!count) {
		decode_defect(d, IOSM_MUX_DEFECT_TABLE_EMPTY);
		return;
	}
	if (!decode_session_ok(d, session))
		return;

	for (i = 0; i < count; i++) {
		if (!d->entries_left) {
			decode_defect(d, IOSM_MUX_DEFECT_ENTRY_COUNT);
			return;
		}
		d->entries_left--;
		decode_entry(d, session, at + i * sizeof(struct iosm_mux_adth_entry));
	}
}

/* Checks the place of a chain element of at least @size bytes. */
static bool decode_inside(const struct decode *d, u32 offset, u32 size)
{
	return offset >= sizeof(struct iosm_mux_adbh) && d->len >= size &&
	       offset <= d->len - size;
}

static void decode_adb(struct decode *d)
{
	struct iosm_mux_adbh adbh;
	struct iosm_mux_adth adth;
	u32 table, next, length;
	unsigned int n;

	if (d->len < sizeof(adbh)) {
		decode_defect(d, IOSM_MUX_DEFECT_ADB_SHORT);
		return;
	}
	decode_copy(d, &adbh, 0, sizeof(adbh));

	length = le32_to_cpu(adbh.length);
	if (length < sizeof(adbh) || length > d->len) {
		decode_defect(d, IOSM_MUX_DEFECT_ADB_LENGTH);
		return;
	}
	/* From here on the block ends where it says that it ends. */
	d->len = length;
	d->bytes_left = length;
	d->entries_left = length / sizeof(struct iosm_mux_adth_entry);

	table = le32_to_cpu(adbh.first_table);
	if (!decode_inside(d, table, sizeof(adth))) {
		decode_defect(d, IOSM_MUX_DEFECT_ADB_TABLE);
		return;
	}

	for (n = 0; n < IOSM_MUX_DL_TABLES; n++) {
		decode_copy(d, &adth, table, sizeof(adth));
		if (le32_to_cpu(adth.signature) != IOSM_MUX_SIG_ADTH) {
			decode_defect(d, IOSM_MUX_DEFECT_TABLE_SIGNATURE);
			return;
		}
		length = le16_to_cpu(adth.length);
		if (length < sizeof(adth) || length > d->len - table) {
			decode_defect(d, IOSM_MUX_DEFECT_TABLE_LENGTH);
			return;
		}
		decode_table(d, adth.session, table + sizeof(adth),
			     (length - sizeof(adth)) / sizeof(struct iosm_mux_adth_entry));

		next = le32_to_cpu(adth.next_table);
		if (!next)
			return;
		if (next <= table || !decode_inside(d, next, sizeof(adth))) {
			decode_defect(d, IOSM_MUX_DEFECT_TABLE_NEXT);
			return;
		}
		table = next;
	}
	decode_defect(d, IOSM_MUX_DEFECT_TABLE_COUNT);
}

/*
 * Takes the numbering of the variants out of a command code. Returns the bytes of
 * parameters that the command needs, or a negative errno for a code that a modem
 * does not send.
 */
static int decode_code(enum iosm_mux_variant variant, u32 code,
		       enum iosm_mux_command_kind *kind)
{
	switch (code) {
	case CODE_OPEN_RESPONSE:
		*kind = IOSM_MUX_CMD_OPEN_RESPONSE;
		return sizeof(struct iosm_mux_open_response);
	case CODE_CLOSE_RESPONSE:
		*kind = IOSM_MUX_CMD_CLOSE_RESPONSE;
		return sizeof(__le32);
	case CODE_FLOW:
		*kind = IOSM_MUX_CMD_FLOW;
		return sizeof(__le32);
	case CODE_AGGR_FLOW_RESUME:
		if (variant != IOSM_MUX_AGGR)
			return -EINVAL;
		*kind = IOSM_MUX_CMD_FLOW;
		return sizeof(__le32);
	case CODE_LITE_LINK_REPORT:
		if (variant != IOSM_MUX_LITE)
			return -EINVAL;
		/* The payload is ignored, so a report without one will do. */
		*kind = IOSM_MUX_CMD_LINK_REPORT;
		return 0;
	case CODE_AGGR_LINK_REPORT:
		if (variant != IOSM_MUX_AGGR)
			return -EINVAL;
		*kind = IOSM_MUX_CMD_LINK_REPORT;
		return 0;
	default:
		return -EINVAL;
	}
}

/* Delivers a command whose @len bytes of parameters at @at lie inside the TD. */
static void decode_params(struct decode *d, struct iosm_mux_command *cmd, u32 code,
			  u32 at, u32 len)
{
	struct iosm_mux_open_response params = {};
	int need;

	if (cmd->session >= IOSM_MUX_SESSIONS) {
		decode_defect(d, IOSM_MUX_DEFECT_SESSION_RANGE);
		return;
	}
	need = decode_code(d->variant, code, &cmd->kind);
	if (need < 0) {
		decode_defect(d, IOSM_MUX_DEFECT_COMMAND_CODE);
		return;
	}
	if (len < (u32)need) {
		decode_defect(d, IOSM_MUX_DEFECT_COMMAND_PARAMS);
		return;
	}
	decode_copy(d, &params, at, need);

	/* The first word of all parameters is the result or the mask. */
	switch (cmd->kind) {
	case IOSM_MUX_CMD_OPEN_RESPONSE:
		cmd->result = le32_to_cpu(params.result);
		cmd->ul_pad = le32_to_cpu(params.ul_pad);
		break;
	case IOSM_MUX_CMD_CLOSE_RESPONSE:
		cmd->result = le32_to_cpu(params.result);
		break;
	case IOSM_MUX_CMD_FLOW:
		cmd->flow_mask = le32_to_cpu(params.result);
		break;
	case IOSM_MUX_CMD_LINK_REPORT:
		break;
	}

	d->ops->command(d->ctx, cmd);
	d->delivered++;
}

static void decode_command_lite(struct decode *d)
{
	struct iosm_mux_command cmd = {};
	struct iosm_mux_cmdh_lite cmdh;
	u32 length;

	if (d->len < sizeof(cmdh)) {
		decode_defect(d, IOSM_MUX_DEFECT_COMMAND_SHORT);
		return;
	}
	decode_copy(d, &cmdh, 0, sizeof(cmdh));

	length = le16_to_cpu(cmdh.length);
	if (length < sizeof(cmdh) || length > d->len) {
		decode_defect(d, IOSM_MUX_DEFECT_COMMAND_LENGTH);
		return;
	}
	cmd.session = cmdh.session;
	cmd.tid = le32_to_cpu(cmdh.tid);
	decode_params(d, &cmd, le32_to_cpu(cmdh.code), sizeof(cmdh),
		      length - sizeof(cmdh));
}

/* Delivers the command at @at and returns the place of the next one, 0 = none. */
static u32 decode_command_aggr(struct decode *d, u32 at)
{
	struct iosm_mux_command cmd = {};
	struct iosm_mux_cmdh_aggr cmdh;
	u32 length, next;

	decode_copy(d, &cmdh, at, sizeof(cmdh));
	if (le32_to_cpu(cmdh.signature) != IOSM_MUX_SIG_CMDH) {
		decode_defect(d, IOSM_MUX_DEFECT_COMMAND_SIGNATURE);
		return 0;
	}

	length = le16_to_cpu(cmdh.length);
	if (length < sizeof(cmdh) || length > d->len - at) {
		decode_defect(d, IOSM_MUX_DEFECT_COMMAND_LENGTH);
	} else {
		cmd.session = cmdh.session;
		cmd.tid = le32_to_cpu(cmdh.tid);
		decode_params(d, &cmd, le32_to_cpu(cmdh.code), at + sizeof(cmdh),
			      length - sizeof(cmdh));
	}

	next = le32_to_cpu(cmdh.next_command);
	if (!next)
		return 0;
	if (next < at + sizeof(cmdh) || !decode_inside(d, next, sizeof(cmdh))) {
		decode_defect(d, IOSM_MUX_DEFECT_COMMAND_NEXT);
		return 0;
	}
	return next;
}

static void decode_acb(struct decode *d)
{
	struct iosm_mux_acbh acbh;
	unsigned int n;
	u32 at;

	if (d->len < sizeof(acbh) + sizeof(struct iosm_mux_cmdh_aggr)) {
		decode_defect(d, IOSM_MUX_DEFECT_ACB_SHORT);
		return;
	}
	decode_copy(d, &acbh, 0, sizeof(acbh));

	/* The block length is of no use: half of the world writes 16 (Q31). */
	at = le32_to_cpu(acbh.first_command);
	if (!decode_inside(d, at, sizeof(struct iosm_mux_cmdh_aggr))) {
		decode_defect(d, IOSM_MUX_DEFECT_ACB_COMMAND);
		return;
	}

	for (n = 0; n < IOSM_MUX_DL_COMMANDS; n++) {
		at = decode_command_aggr(d, at);
		if (!at)
			return;
	}
	decode_defect(d, IOSM_MUX_DEFECT_COMMAND_COUNT);
}

static void decode_fcth(struct decode *d)
{
	struct iosm_mux_fcth fcth;

	if (d->len < sizeof(fcth)) {
		decode_defect(d, IOSM_MUX_DEFECT_CREDIT_SHORT);
		return;
	}
	decode_copy(d, &fcth, 0, sizeof(fcth));

	if (le16_to_cpu(fcth.length) < sizeof(fcth)) {
		decode_defect(d, IOSM_MUX_DEFECT_CREDIT_LENGTH);
		return;
	}
	if (fcth.value_length != sizeof(fcth.credits)) {
		decode_defect(d, IOSM_MUX_DEFECT_CREDIT_VALUE);
		return;
	}
	if (!decode_session_ok(d, fcth.session))
		return;

	d->ops->credits(d->ctx, fcth.session, le32_to_cpu(fcth.credits));
	d->delivered++;
}

/**
 * iosm_mux_wire_decode() - decode one downlink transfer
 * @variant: format in use; objects of the other one are dropped
 * @open_sessions: bit n set: session n is open and may receive
 * @td: bytes that the modem wrote; may change while they are read
 * @td_len: number of bytes written, already checked against the buffer
 * @ops: called for everything that passed the checks
 * @ctx: first argument of @ops
 * @defects: one counter is incremented for each thing that did not pass
 *
 * The work is bounded by @td_len whatever the bytes are. Implements protocol.rst
 * 5.1, 5.4, 5.5.5, 5.6 and 5.8, and the format rows M1 to M49 of 10.6.5.
 *
 * Context: any; the callbacks run in it.
 * Return: number of callbacks made, 0 if nothing was worth one.
 */
unsigned int iosm_mux_wire_decode(enum iosm_mux_variant variant, u8 open_sessions,
				  const void *td, u32 td_len,
				  const struct iosm_mux_decoder_ops *ops, void *ctx,
				  struct iosm_mux_defects *defects)
{
	bool lite = variant == IOSM_MUX_LITE;
	struct decode d = {
		.variant = variant,
		.open_sessions = open_sessions,
		.td = td,
		.len = td_len,
		.ops = ops,
		.ctx = ctx,
		.defects = defects,
	};
	void (*decode)(struct decode *d) = NULL;
	__le32 signature;
	bool native = true;

	if (d.len < sizeof(signature)) {
		decode_defect(&d, IOSM_MUX_DEFECT_TD_SHORT);
		return 0;
	}
	decode_copy(&d, &signature, 0, sizeof(signature));

	switch (le32_to_cpu(signature)) {
	case IOSM_MUX_SIG_ADGH:
		decode = decode_adgh;
		native = lite;
		break;
	case IOSM_MUX_SIG_CMDH:
		decode = decode_command_lite;
		native = lite;
		break;
	case IOSM_MUX_SIG_ADBH:
		decode = decode_adb;
		native = !lite;
		break;
	case IOSM_MUX_SIG_ACBH:
		decode = decode_acb;
		native = !lite;
		break;
	case IOSM_MUX_SIG_FCTH:
		decode = decode_fcth;
		break;
	}

	if (!decode)
		decode_defect(&d, IOSM_MUX_DEFECT_SIGNATURE);
	else if (!native)
		decode_defect(&d, IOSM_MUX_DEFECT_VARIANT);
	else
		decode(&d);

	return d.delivered;
}

/**
 * iosm_mux_wire_ip_version() - IP version of a datagram
 * @first: its first byte, read once
 * @length: its length in bytes
 *
 * Implements protocol.rst 5.11 and 10.6.5 M23.
 *
 * Context: any.
 * Return: 4 or 6; 0 for anything else and for what is too short to hold the fixed
 * header of its version.
 */
u8 iosm_mux_wire_ip_version(u8 first, u32 length)
{
	switch (first >> 4) {
	case 4:
		return length >= 20 ? 4 : 0;
	case 6:
		return length >= 40 ? 6 : 0;
	default:
		return 0;
	}
}

/**
 * iosm_mux_wire_headers() - bytes of network and transport header of a packet
 * @packet: start of an IP packet, in memory that nobody else writes
 * @length: bytes that may be read, at least 1
 *
 * For the split of a received packet into a part that is copied and a part that
 * is not; extension headers of IPv6 count as payload.
 *
 * Context: any.
 * Return: 1 to @length.
 */
u32 iosm_mux_wire_headers(const u8 *packet, u32 length)
{
	u32 headers;
	u8 protocol;

	switch (iosm_mux_wire_ip_version(packet[0], length)) {
	case 4:
		headers = max_t(u32, (packet[0] & 0xf) * 4, 20);
		protocol = packet[9];
		break;
	case 6:
		headers = 40;
		protocol = packet[6];
		break;
	default:
		return length;
	}

	if (protocol == PROTOCOL_TCP && length >= headers + 20)
		headers += max_t(u32, (packet[headers + 12] >> 4) * 4, 20);
	else if (protocol == PROTOCOL_UDP)
		headers += 8;
	return min_t(u32, headers, length);
}

/*
 * Writes a command with its header, and in Aggregation its block. A reply carries
 * the peer's transaction id, yet uses up one of ours (protocol.rst 5.2).
 */
static int build_command(enum iosm_mux_variant variant, struct iosm_mux_counters *counters,
			 u8 session, u32 code, const u32 *peer_tid,
			 const void *params, size_t params_len, void *buf, size_t size)
{
	u32 tid = peer_tid ? *peer_tid : counters->tid;
	struct iosm_mux_cmdh_lite lite = {};
	struct iosm_mux_cmdh_aggr aggr = {};
	struct iosm_mux_acbh acbh = {};
	size_t head = sizeof(lite);
	u8 *out = buf;

	if (variant == IOSM_MUX_AGGR)
		head = sizeof(acbh) + sizeof(aggr);
	if (size < head + params_len)
		return -ENOSPC;
	if (session >= IOSM_MUX_SESSIONS)
		return -EINVAL;

	if (variant == IOSM_MUX_AGGR) {
		acbh.signature = cpu_to_le32(IOSM_MUX_SIG_ACBH);
		acbh.sequence = cpu_to_le16(counters->acb++);
		acbh.length = cpu_to_le32(sizeof(acbh));
		acbh.first_command = cpu_to_le32(sizeof(acbh));
		memcpy(out, &acbh, sizeof(acbh));

		aggr.signature = cpu_to_le32(IOSM_MUX_SIG_CMDH);
		aggr.length = cpu_to_le16(sizeof(aggr) + params_len);
		aggr.session = session;
		aggr.code = cpu_to_le32(code);
		aggr.tid = cpu_to_le32(tid);
		memcpy(out + sizeof(acbh), &aggr, sizeof(aggr));
	} else {
		lite.signature = cpu_to_le32(IOSM_MUX_SIG_CMDH);
		lite.length = cpu_to_le16(sizeof(lite) + params_len);
		lite.session = session;
		lite.code = cpu_to_le32(code);
		lite.tid = cpu_to_le32(tid);
		memcpy(out, &lite, sizeof(lite));
	}
	if (params_len)
		memcpy(out + head, params, params_len);
	counters->tid++;
	return head + params_len;
}

/**
 * iosm_mux_wire_open() - build "open session"
 * @variant: format in use
 * @counters: running numbers; advanced on success
 * @session: session id, 0 to 7
 * @buf: where to build
 * @size: bytes there; IOSM_MUX_COMMAND_SIZE always suffices
 * @tid: set to the transaction id that the answer must carry
 *
 * Implements protocol.rst 5.6.1, 5.6.2 and 5.6.4.
 *
 * Context: any; @counters is serialised by the caller.
 * Return: bytes built, or -ENOSPC or -EINVAL with nothing changed.
 */
int iosm_mux_wire_open(enum iosm_mux_variant variant, struct iosm_mux_counters *counters,
		       u8 session, void *buf, size_t size, u32 *tid)
{
	const struct iosm_mux_open_params params = {
		.dl_pad = cpu_to_le32(IOSM_MUX_DL_PAD),
	};

	*tid = counters->tid;
	return build_command(variant, counters, session, CODE_OPEN, NULL, &params,
			     sizeof(params), buf, size);
}

/**
 * iosm_mux_wire_close() - build "close session"
 * @variant: format in use
 * @counters: running numbers; advanced on success
 * @session: session id, 0 to 7
 * @buf: where to build
 * @size: bytes there; IOSM_MUX_COMMAND_SIZE always suffices
 * @tid: set to the transaction id that the answer must carry
 *
 * Implements protocol.rst 5.6.1, 5.6.2 and 5.6.4.
 *
 * Context: any; @counters is serialised by the caller.
 * Return: bytes built, or -ENOSPC or -EINVAL with nothing changed.
 */
int iosm_mux_wire_close(enum iosm_mux_variant variant, struct iosm_mux_counters *counters,
			u8 session, void *buf, size_t size, u32 *tid)
{
	*tid = counters->tid;
	return build_command(variant, counters, session, CODE_CLOSE, NULL, NULL, 0,
			     buf, size);
}

/**
 * iosm_mux_wire_flow_ack() - build the acknowledgment of a flow-control command
 * @variant: format in use
 * @counters: running numbers; advanced on success
 * @session: session id of the command, 0 to 7
 * @peer_tid: transaction id of the command
 * @buf: where to build
 * @size: bytes there; IOSM_MUX_COMMAND_SIZE always suffices
 *
 * Implements protocol.rst 5.6.3 and 5.6.4.
 *
 * Context: any; @counters is serialised by the caller.
 * Return: bytes built, or -ENOSPC or -EINVAL with nothing changed.
 */
int iosm_mux_wire_flow_ack(enum iosm_mux_variant variant, struct iosm_mux_counters *counters,
			   u8 session, u32 peer_tid, void *buf, size_t size)
{
	u32 code = variant == IOSM_MUX_AGGR ? CODE_AGGR_FLOW_ACK : CODE_LITE_FLOW_ACK;

	return build_command(variant, counters, session, code, &peer_tid, NULL, 0, buf,
			     size);
}

/**
 * iosm_mux_wire_link_response() - build the answer to a link-quality report
 * @variant: format in use
 * @counters: running numbers; advanced on success
 * @session: session id of the report, 0 to 7
 * @peer_tid: transaction id of the report
 * @buf: where to build
 * @size: bytes there; IOSM_MUX_COMMAND_SIZE always suffices
 *
 * Implements protocol.rst 5.6.3 and 5.6.4 in both variants (Q44).
 *
 * Context: any; @counters is serialised by the caller.
 * Return: bytes built, or -ENOSPC or -EINVAL with nothing changed.
 */
int iosm_mux_wire_link_response(enum iosm_mux_variant variant,
				struct iosm_mux_counters *counters, u8 session,
				u32 peer_tid, void *buf, size_t size)
{
	u32 code = variant == IOSM_MUX_AGGR ? CODE_AGGR_LINK_RESPONSE :
					      CODE_LITE_LINK_RESPONSE;
	const __le32 result = cpu_to_le32(0);

	return build_command(variant, counters, session, code, &peer_tid, &result,
			     sizeof(result), buf, size);
}

/**
 * iosm_mux_wire_ul_pad() - uplink head padding that a wish of the modem means
 * @variant: format in use
 * @wish: value of the open response, any 32-bit number
 *
 * Implements protocol.rst 5.7 with the clamp of 10.6.5 M33. The step at 16 is a
 * part of the protocol (Q42).
 *
 * Context: any.
 * Return: bytes of padding before each datagram, or -ERANGE for a wish above
 * IOSM_MUX_UL_PAD_MAX.
 */
int iosm_mux_wire_ul_pad(enum iosm_mux_variant variant, u32 wish)
{
	if (wish > IOSM_MUX_UL_PAD_MAX)
		return -ERANGE;
	if (wish > IOSM_MUX_DL_PAD)
		return wish - IOSM_MUX_DL_PAD;
	return variant == IOSM_MUX_AGGR ? wish : 0;
}

/**
 * iosm_mux_wire_max_datagram() - largest IP packet that fits uplink
 * @variant: format in use
 * @pad: head padding in bytes, as iosm_mux_wire_ul_pad() returned it
 *
 * Implements the limits of protocol.rst 5.4 and 5.5.4.
 *
 * Context: any.
 * Return: bytes.
 */
u32 iosm_mux_wire_max_datagram(enum iosm_mux_variant variant, u32 pad)
{
	u32 room;

	if (variant == IOSM_MUX_AGGR)
		room = IOSM_MUX_BLOCK_SIZE - sizeof(struct iosm_mux_adbh) -
		       sizeof(struct iosm_mux_adth) -
		       sizeof(struct iosm_mux_adth_entry) -
		       sizeof(struct iosm_mux_qlth);
	else
		room = IOSM_MUX_LITE_SIZE - sizeof(struct iosm_mux_adgh);

	return room > pad ? room - pad : 0;
}

/**
 * iosm_mux_wire_adgh() - build a Lite datagram up to its payload
 * @buf: where to build
 * @size: bytes there, at most IOSM_MUX_LITE_SIZE are used
 * @session: session id, 0 to 7
 * @service_class: low eight bits of the packet priority
 * @pad: bytes of head padding
 * @length: bytes of the IP packet, at least 1
 * @payload: set to where the caller has to write @length bytes
 *
 * Implements protocol.rst 5.4.
 *
 * Context: any.
 * Return: bytes to send, or -EMSGSIZE if the packet does not fit, -EINVAL if it is
 * empty or the session does not exist.
 */
int iosm_mux_wire_adgh(void *buf, size_t size, u8 session, u8 service_class,
		       u32 pad, u32 length, u8 **payload)
{
	struct iosm_mux_adgh adgh = {};
	size_t room = min_t(size_t, size, IOSM_MUX_LITE_SIZE);
	u8 *out = buf;

	if (session >= IOSM_MUX_SESSIONS || !length)
		return -EINVAL;
	if (pad > room || length > room ||
	    sizeof(adgh) + ALIGN((size_t)pad + length, 4) > room)
		return -EMSGSIZE;

	adgh.signature = cpu_to_le32(IOSM_MUX_SIG_ADGH);
	adgh.length = cpu_to_le16(sizeof(adgh) + pad + length);
	adgh.session = session;
	adgh.service_class = service_class;
	memcpy(out, &adgh, sizeof(adgh));
	memset(out + sizeof(adgh), 0, pad);
	*payload = out + sizeof(adgh) + pad;
	return sizeof(adgh) + pad + length;
}

/**
 * iosm_mux_wire_qlth() - build a Lite queue level
 * @buf: where to build
 * @size: bytes there
 * @session: session id, 0 to 7
 * @level: bytes that still wait at the host
 *
 * Implements protocol.rst 5.8, with the unit that the field was made for (Q41).
 *
 * Context: any.
 * Return: bytes to send, or -ENOSPC or -EINVAL.
 */
int iosm_mux_wire_qlth(void *buf, size_t size, u8 session, u32 level)
{
	struct iosm_mux_qlth qlth = {};

	if (session >= IOSM_MUX_SESSIONS)
		return -EINVAL;
	if (size < sizeof(qlth))
		return -ENOSPC;

	qlth.signature = cpu_to_le32(IOSM_MUX_SIG_QLTH);
	qlth.length = cpu_to_le16(sizeof(qlth));
	qlth.session = session;
	qlth.value_length = sizeof(qlth.level);
	qlth.level = cpu_to_le32(level);
	memcpy(buf, &qlth, sizeof(qlth));
	return sizeof(qlth);
}

/**
 * iosm_mux_block_begin() - start a data block
 * @block: builder state, overwritten
 * @buf: where the block is built
 * @capacity: bytes there, a multiple of 4; no more than IOSM_MUX_BLOCK_SIZE is used
 *
 * Context: any; @block is serialised by the caller, here and below.
 */
void iosm_mux_block_begin(struct iosm_mux_block *block, void *buf, u32 capacity)
{
	block->buf = buf;
	block->capacity = min_t(u32, capacity, IOSM_MUX_BLOCK_SIZE);
	block->used = sizeof(struct iosm_mux_adbh);
	block->tables = 0;
	block->count = 0;
	memset(block->per_session, 0, sizeof(block->per_session));
}

/* What the tables grow by when a datagram of @session is added */
static u32 block_table_growth(const struct iosm_mux_block *block, u8 session)
{
	u32 growth = sizeof(struct iosm_mux_adth_entry);

	if (!block->per_session[session].reserved)
		growth += sizeof(struct iosm_mux_adth) + sizeof(struct iosm_mux_qlth);
	return growth;
}

/**
 * iosm_mux_block_fits() - can a datagram be added to a block?
 * @block: block under construction
 * @session: session id, 0 to 7
 * @pad: bytes of head padding
 * @length: bytes of the IP packet
 *
 * Implements the space accounting of protocol.rst 5.5.4.
 *
 * Context: any.
 * Return: true if iosm_mux_block_add() with the same arguments will succeed.
 */
bool iosm_mux_block_fits(const struct iosm_mux_block *block, u8 session, u32 pad,
			 u32 length)
{
	if (session >= IOSM_MUX_SESSIONS || !length ||
	    block->count == IOSM_MUX_BLOCK_DATAGRAMS)
		return false;
	if (pad > block->capacity || length > block->capacity)
		return false;
	return block->used + ALIGN(pad + length, 4) + block->tables +
	       block_table_growth(block, session) <= block->capacity;
}

/**
 * iosm_mux_block_add() - add a datagram to a block
 * @block: block under construction
 * @session: session id, 0 to 7
 * @service_class: low eight bits of the packet priority
 * @pad: bytes of head padding
 * @length: bytes of the IP packet, at least 1
 *
 * Implements protocol.rst 5.5.4.
 *
 * Context: any.
 * Return: where the caller has to write @length bytes, or NULL if they do not fit.
 */
u8 *iosm_mux_block_add(struct iosm_mux_block *block, u8 session, u8 service_class,
		       u32 pad, u32 length)
{
	u8 *start = block->buf + block->used;
	u32 stride;

	if (!iosm_mux_block_fits(block, session, pad, length))
		return NULL;

	stride = ALIGN(pad + length, 4);
	memset(start, 0, pad);
	memset(start + pad + length, 0, stride - pad - length);

	block->entries[block->count].offset = block->used;
	block->entries[block->count].length = pad + length;
	block->entries[block->count].session = session;
	block->entries[block->count].service_class = service_class;
	block->count++;

	block->tables += block_table_growth(block, session);
	block->used += stride;
	block->per_session[session].reserved = true;
	block->per_session[session].datagrams++;
	block->per_session[session].bytes += length;
	return start + pad;
}

/* Writes the table heads and returns where the entries of each session begin. */
static void block_put_tables(struct iosm_mux_block *block,
			     const u32 levels[IOSM_MUX_SESSIONS],
			     u32 entries_at[IOSM_MUX_SESSIONS])
{
	u32 end = block->used + block->tables;
	u32 at = block->used;
	u8 s;

	for (s = 0; s < IOSM_MUX_SESSIONS; s++) {
		struct iosm_mux_adth adth = {};
		struct iosm_mux_qlth qlth = {};
		u32 length;

		if (!block->per_session[s].datagrams)
			continue;

		length = sizeof(adth) + block->per_session[s].datagrams *
					sizeof(struct iosm_mux_adth_entry);
		adth.signature = cpu_to_le32(IOSM_MUX_SIG_ADTH);
		adth.length = cpu_to_le16(length);
		adth.session = s;
		adth.next_table = cpu_to_le32(at + length);
		memcpy(block->buf + at, &adth, sizeof(adth));
		entries_at[s] = at + sizeof(adth);
		at += length;

		qlth.signature = cpu_to_le32(IOSM_MUX_SIG_QLTH);
		qlth.length = cpu_to_le16(sizeof(qlth));
		qlth.session = s;
		qlth.level = cpu_to_le32(levels[s]);
		if (at + sizeof(qlth) < end)
			qlth.next_table = cpu_to_le32(at + sizeof(qlth));
		memcpy(block->buf + at, &qlth, sizeof(qlth));
		at += sizeof(qlth);
	}
}

/**
 * iosm_mux_block_finish() - write header and tables of a block
 * @block: block under construction; not to be added to afterwards
 * @counters: running numbers; advanced unless the block is empty
 * @levels: bytes that still wait at the host, for each session
 *
 * Every session that has datagrams gets its table and its queue level, whatever
 * the number of open sessions is (Q38). Implements protocol.rst 5.5.1 to 5.5.4.
 *
 * Context: any; @counters is serialised by the caller.
 * Return: bytes to send, or 0 if the block has no datagrams.
 */
u32 iosm_mux_block_finish(struct iosm_mux_block *block,
			  struct iosm_mux_counters *counters,
			  const u32 levels[IOSM_MUX_SESSIONS])
{
	u32 entries_at[IOSM_MUX_SESSIONS] = {};
	struct iosm_mux_adbh adbh = {};
	u32 i;

	if (!block->count)
		return 0;

	adbh.signature = cpu_to_le32(IOSM_MUX_SIG_ADBH);
	adbh.sequence = cpu_to_le16(counters->adb++);
	adbh.length = cpu_to_le32(block->used + block->tables);
	adbh.first_table = cpu_to_le32(block->used);
	memcpy(block->buf, &adbh, sizeof(adbh));

	block_put_tables(block, levels, entries_at);
	for (i = 0; i < block->count; i++) {
		u8 session = block->entries[i].session;
		struct iosm_mux_adth_entry entry = {
			.offset = cpu_to_le32(block->entries[i].offset),
			.length = cpu_to_le16(block->entries[i].length),
			.service_class = block->entries[i].service_class,
		};

		memcpy(block->buf + entries_at[session], &entry, sizeof(entry));
		entries_at[session] += sizeof(entry);
	}
	return block->used + block->tables;
}
