/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Wire format of the IP multiplexing channel: objects, decoder and builders.
 *
 * Readers: iosm_ipc_mux.c, the KUnit suite iosm_mux_wire and the user space
 * programs that run the codec alone. Everything here is pure: no device, no
 * lock, no timer, no socket buffer, no allocation. Implements protocol.rst 5.
 */

#ifndef IOSM_IPC_MUX_WIRE_H
#define IOSM_IPC_MUX_WIRE_H

#include <linux/build_bug.h>
#include <linux/stddef.h>
#include <linux/types.h>

/* Objects, protocol.rst 5.1: four ASCII bytes read as a little-endian word */
#define IOSM_MUX_SIG_ADGH	0x48474441U
#define IOSM_MUX_SIG_ADBH	0x48424441U
#define IOSM_MUX_SIG_ADTH	0x48544441U
#define IOSM_MUX_SIG_CMDH	0x48444d43U
#define IOSM_MUX_SIG_ACBH	0x48424341U
#define IOSM_MUX_SIG_FCTH	0x48544346U
#define IOSM_MUX_SIG_QLTH	0x48544c51U

#define IOSM_MUX_SESSIONS	8	/* session ids 0 to 7, protocol.rst 5.3 */

#define IOSM_MUX_LITE_SIZE	2048	/* bytes of a Lite buffer, both ways */
#define IOSM_MUX_BLOCK_SIZE	16384	/* bytes of a block buffer, both ways */
#define IOSM_MUX_COMMAND_SIZE	44	/* bytes of the longest host command */

#define IOSM_MUX_DL_PAD		16	/* bytes before a datagram in a DL block */
#define IOSM_MUX_UL_PAD_MAX	256	/* largest padding wish we accept, bytes */

/* Bounds on what one DL block may make us do, protocol.rst 10.6.5 M17, M26 */
#define IOSM_MUX_DL_TABLES	64
#define IOSM_MUX_DL_COMMANDS	32

/* Datagrams in one UL block: bounds the bookkeeping, not the block (Q39) */
#define IOSM_MUX_BLOCK_DATAGRAMS 256

/* Flow-control masks, protocol.rst 5.6.4 */
#define IOSM_MUX_FLOW_STOP	0xffffffffU
#define IOSM_MUX_FLOW_RESUME	0U

/**
 * enum iosm_mux_variant - which of the two multiplexing formats is spoken
 * @IOSM_MUX_LITE: one datagram or one bare command in each transfer
 * @IOSM_MUX_AGGR: blocks of datagrams, blocks of commands
 */
enum iosm_mux_variant {
	IOSM_MUX_LITE,
	IOSM_MUX_AGGR,
};

/**
 * struct iosm_mux_adgh - header of a single datagram, protocol.rst 5.4
 * @signature: IOSM_MUX_SIG_ADGH
 * @length: bytes of header, head padding and datagram, not rounded
 * @session: session id
 * @ip_hint: IP version, 0 by us, ignored from the modem
 * @service_class: low eight bits of the packet priority
 * @following: further datagrams of the same burst, 0 by us
 * @reserved: 0
 */
struct iosm_mux_adgh {
	__le32 signature;
	__le16 length;
	u8 session;
	u8 ip_hint;
	u8 service_class;
	u8 following;
	u8 reserved[6];
} __packed;

static_assert(sizeof(struct iosm_mux_adgh) == 16);
static_assert(offsetof(struct iosm_mux_adgh, session) == 6);
static_assert(offsetof(struct iosm_mux_adgh, service_class) == 8);

/**
 * struct iosm_mux_adbh - header of a data block, protocol.rst 5.5.1
 * @signature: IOSM_MUX_SIG_ADBH
 * @reserved: 0
 * @sequence: counts the blocks sent, ignored on receipt
 * @length: bytes of the block with this header and all tables
 * @first_table: offset of the first table from the start of the block
 */
struct iosm_mux_adbh {
	__le32 signature;
	__le16 reserved;
	__le16 sequence;
	__le32 length;
	__le32 first_table;
} __packed;

static_assert(sizeof(struct iosm_mux_adbh) == 16);
static_assert(offsetof(struct iosm_mux_adbh, sequence) == 6);
static_assert(offsetof(struct iosm_mux_adbh, first_table) == 12);

/**
 * struct iosm_mux_adth - datagram table without its entries, protocol.rst 5.5.2
 * @signature: IOSM_MUX_SIG_ADTH
 * @length: 16 + 8 bytes for each entry
 * @session: session of all the datagrams of this table
 * @ip_hint: 0 by us, ignored from the modem
 * @next_table: offset of the next table from the start of the block, 0 = last
 * @reserved: 0
 */
struct iosm_mux_adth {
	__le32 signature;
	__le16 length;
	u8 session;
	u8 ip_hint;
	__le32 next_table;
	__le32 reserved;
} __packed;

static_assert(sizeof(struct iosm_mux_adth) == 16);
static_assert(offsetof(struct iosm_mux_adth, session) == 6);
static_assert(offsetof(struct iosm_mux_adth, next_table) == 8);

/**
 * struct iosm_mux_adth_entry - one datagram of a table, protocol.rst 5.5.2
 * @offset: start of the head padding from the start of the block
 * @length: bytes of head padding and datagram, not rounded
 * @service_class: low eight bits of the packet priority
 * @reserved: 0
 */
struct iosm_mux_adth_entry {
	__le32 offset;
	__le16 length;
	u8 service_class;
	u8 reserved;
} __packed;

static_assert(sizeof(struct iosm_mux_adth_entry) == 8);
static_assert(offsetof(struct iosm_mux_adth_entry, service_class) == 6);

/**
 * struct iosm_mux_qlth - queue level, protocol.rst 5.5.3 and 5.8
 * @signature: IOSM_MUX_SIG_QLTH
 * @length: 20
 * @session: session id
 * @value_length: 4 in a Lite transfer of its own, 0 inside a block
 * @next_table: offset of the next table inside a block, 0 in Lite
 * @reserved: 0
 * @level: bytes that still wait at the host for this session (Q41)
 */
struct iosm_mux_qlth {
	__le32 signature;
	__le16 length;
	u8 session;
	u8 value_length;
	__le32 next_table;
	__le32 reserved;
	__le32 level;
} __packed;

static_assert(sizeof(struct iosm_mux_qlth) == 20);
static_assert(offsetof(struct iosm_mux_qlth, value_length) == 7);
static_assert(offsetof(struct iosm_mux_qlth, level) == 16);

/**
 * struct iosm_mux_fcth - uplink credits from the modem, protocol.rst 5.8
 * @signature: IOSM_MUX_SIG_FCTH
 * @length: 20
 * @session: session id
 * @value_length: 4
 * @reserved: 0
 * @credits: bytes granted on top of what is left
 */
struct iosm_mux_fcth {
	__le32 signature;
	__le16 length;
	u8 session;
	u8 value_length;
	u8 reserved[8];
	__le32 credits;
} __packed;

static_assert(sizeof(struct iosm_mux_fcth) == 20);
static_assert(offsetof(struct iosm_mux_fcth, value_length) == 7);
static_assert(offsetof(struct iosm_mux_fcth, credits) == 16);

/**
 * struct iosm_mux_cmdh_lite - bare command header, protocol.rst 5.6.1
 * @signature: IOSM_MUX_SIG_CMDH
 * @length: 16 + bytes of parameters
 * @session: session id
 * @reserved: 0
 * @code: command code of the Lite variant
 * @tid: transaction id
 */
struct iosm_mux_cmdh_lite {
	__le32 signature;
	__le16 length;
	u8 session;
	u8 reserved;
	__le32 code;
	__le32 tid;
} __packed;

static_assert(sizeof(struct iosm_mux_cmdh_lite) == 16);
static_assert(offsetof(struct iosm_mux_cmdh_lite, code) == 8);

/**
 * struct iosm_mux_acbh - header of a command block, protocol.rst 5.6.2
 * @signature: IOSM_MUX_SIG_ACBH
 * @reserved: 0
 * @sequence: counts the command blocks sent, ignored on receipt
 * @length: 16 by us, which is what modems have always been told (Q31)
 * @first_command: offset of the first command from the start of the block
 */
struct iosm_mux_acbh {
	__le32 signature;
	__le16 reserved;
	__le16 sequence;
	__le32 length;
	__le32 first_command;
} __packed;

static_assert(sizeof(struct iosm_mux_acbh) == 16);
static_assert(offsetof(struct iosm_mux_acbh, sequence) == 6);
static_assert(offsetof(struct iosm_mux_acbh, first_command) == 12);

/**
 * struct iosm_mux_cmdh_aggr - command header in a block, protocol.rst 5.6.2
 * @signature: IOSM_MUX_SIG_CMDH
 * @length: 20 + bytes of parameters
 * @session: session id
 * @reserved: 0
 * @next_command: offset of the next command from the start of the block, 0 = last
 * @code: command code of the Aggregation variant
 * @tid: transaction id
 */
struct iosm_mux_cmdh_aggr {
	__le32 signature;
	__le16 length;
	u8 session;
	u8 reserved;
	__le32 next_command;
	__le32 code;
	__le32 tid;
} __packed;

static_assert(sizeof(struct iosm_mux_cmdh_aggr) == 20);
static_assert(offsetof(struct iosm_mux_cmdh_aggr, next_command) == 8);
static_assert(offsetof(struct iosm_mux_cmdh_aggr, tid) == 16);

/**
 * struct iosm_mux_open_params - parameters of "open session", protocol.rst 5.6.4
 * @flow_control: 0, the session starts without flow control
 * @ip_hints: 0, no IP-version hints
 * @reserved: 0
 * @dl_pad: largest head padding that we accept downlink, bytes
 */
struct iosm_mux_open_params {
	u8 flow_control;
	u8 ip_hints;
	__le16 reserved;
	__le32 dl_pad;
} __packed;

static_assert(sizeof(struct iosm_mux_open_params) == 8);
static_assert(offsetof(struct iosm_mux_open_params, dl_pad) == 4);

/**
 * struct iosm_mux_open_response - parameters of its answer, protocol.rst 5.6.4
 * @result: 0 = the session is open, anything else = refused
 * @flow_control: ignored
 * @ip_hints: ignored
 * @reserved: ignored
 * @ul_pad: head padding that the modem wants uplink, see iosm_mux_wire_ul_pad()
 */
struct iosm_mux_open_response {
	__le32 result;
	u8 flow_control;
	u8 ip_hints;
	__le16 reserved;
	__le32 ul_pad;
} __packed;

static_assert(sizeof(struct iosm_mux_open_response) == 12);
static_assert(offsetof(struct iosm_mux_open_response, ul_pad) == 8);

/**
 * enum iosm_mux_defect - why something that the modem sent was dropped
 * @IOSM_MUX_DEFECT_TD_SHORT: transfer shorter than a signature (M1)
 * @IOSM_MUX_DEFECT_SIGNATURE: unknown object, or a queue level (M2, M47)
 * @IOSM_MUX_DEFECT_VARIANT: object of the other variant (M3)
 * @IOSM_MUX_DEFECT_ADGH_SHORT: datagram header does not fit the transfer (M4)
 * @IOSM_MUX_DEFECT_ADGH_LENGTH: datagram empty or longer than the transfer (M5)
 * @IOSM_MUX_DEFECT_SESSION_RANGE: session id above 7 (M6, M16, M29, M45)
 * @IOSM_MUX_DEFECT_SESSION_CLOSED: data or credits for a session that is not
 *	open (M6, M16, M45, M49)
 * @IOSM_MUX_DEFECT_ADB_SHORT: block header does not fit the transfer (M9)
 * @IOSM_MUX_DEFECT_ADB_LENGTH: block length below 16 or above the transfer (M10)
 * @IOSM_MUX_DEFECT_ADB_TABLE: first table missing or outside the block (M12)
 * @IOSM_MUX_DEFECT_TABLE_SIGNATURE: not a datagram table (M13)
 * @IOSM_MUX_DEFECT_TABLE_LENGTH: table length below 16 or outside (M14)
 * @IOSM_MUX_DEFECT_TABLE_EMPTY: table without entries
 * @IOSM_MUX_DEFECT_TABLE_NEXT: next table backwards or outside (M17)
 * @IOSM_MUX_DEFECT_TABLE_COUNT: more than IOSM_MUX_DL_TABLES tables (M17)
 * @IOSM_MUX_DEFECT_ENTRY_OFFSET: datagram starts outside the block (M18)
 * @IOSM_MUX_DEFECT_ENTRY_LENGTH: datagram ends outside the block (M19)
 * @IOSM_MUX_DEFECT_ENTRY_PAD: nothing behind the head padding (M20)
 * @IOSM_MUX_DEFECT_ENTRY_COUNT: more entries than a block can hold (M21, M22)
 * @IOSM_MUX_DEFECT_ENTRY_BYTES: more bytes than a block can hold (M21)
 * @IOSM_MUX_DEFECT_ACB_SHORT: command block without room for a command (M25)
 * @IOSM_MUX_DEFECT_ACB_COMMAND: first command missing or outside (M25)
 * @IOSM_MUX_DEFECT_COMMAND_SHORT: bare command header does not fit (M1)
 * @IOSM_MUX_DEFECT_COMMAND_SIGNATURE: not a command header (M27)
 * @IOSM_MUX_DEFECT_COMMAND_LENGTH: command length below header or outside (M28)
 * @IOSM_MUX_DEFECT_COMMAND_PARAMS: too few parameters for its code (M28)
 * @IOSM_MUX_DEFECT_COMMAND_CODE: code that a modem does not send (M30)
 * @IOSM_MUX_DEFECT_COMMAND_NEXT: next command backwards or outside (M26)
 * @IOSM_MUX_DEFECT_COMMAND_COUNT: more than IOSM_MUX_DL_COMMANDS (M26)
 * @IOSM_MUX_DEFECT_CREDIT_SHORT: credit table does not fit the transfer (M42)
 * @IOSM_MUX_DEFECT_CREDIT_LENGTH: credit table length below 20 (M43)
 * @IOSM_MUX_DEFECT_CREDIT_VALUE: credit value is not four bytes (M44)
 * @IOSM_MUX_DEFECTS: number of causes, not a cause
 *
 * The M numbers are rows of protocol.rst 10.6.5.
 */
enum iosm_mux_defect {
	IOSM_MUX_DEFECT_TD_SHORT,
	IOSM_MUX_DEFECT_SIGNATURE,
	IOSM_MUX_DEFECT_VARIANT,
	IOSM_MUX_DEFECT_ADGH_SHORT,
	IOSM_MUX_DEFECT_ADGH_LENGTH,
	IOSM_MUX_DEFECT_SESSION_RANGE,
	IOSM_MUX_DEFECT_SESSION_CLOSED,
	IOSM_MUX_DEFECT_ADB_SHORT,
	IOSM_MUX_DEFECT_ADB_LENGTH,
	IOSM_MUX_DEFECT_ADB_TABLE,
	IOSM_MUX_DEFECT_TABLE_SIGNATURE,
	IOSM_MUX_DEFECT_TABLE_LENGTH,
	IOSM_MUX_DEFECT_TABLE_EMPTY,
	IOSM_MUX_DEFECT_TABLE_NEXT,
	IOSM_MUX_DEFECT_TABLE_COUNT,
	IOSM_MUX_DEFECT_ENTRY_OFFSET,
	IOSM_MUX_DEFECT_ENTRY_LENGTH,
	IOSM_MUX_DEFECT_ENTRY_PAD,
	IOSM_MUX_DEFECT_ENTRY_COUNT,
	IOSM_MUX_DEFECT_ENTRY_BYTES,
	IOSM_MUX_DEFECT_ACB_SHORT,
	IOSM_MUX_DEFECT_ACB_COMMAND,
	IOSM_MUX_DEFECT_COMMAND_SHORT,
	IOSM_MUX_DEFECT_COMMAND_SIGNATURE,
	IOSM_MUX_DEFECT_COMMAND_LENGTH,
	IOSM_MUX_DEFECT_COMMAND_PARAMS,
	IOSM_MUX_DEFECT_COMMAND_CODE,
	IOSM_MUX_DEFECT_COMMAND_NEXT,
	IOSM_MUX_DEFECT_COMMAND_COUNT,
	IOSM_MUX_DEFECT_CREDIT_SHORT,
	IOSM_MUX_DEFECT_CREDIT_LENGTH,
	IOSM_MUX_DEFECT_CREDIT_VALUE,
	IOSM_MUX_DEFECTS,
};

/**
 * struct iosm_mux_defects - drops by cause
 * @count: one counter for each &enum iosm_mux_defect
 */
struct iosm_mux_defects {
	u64 count[IOSM_MUX_DEFECTS];
};

/**
 * enum iosm_mux_command_kind - what a modem may tell us, in either variant
 * @IOSM_MUX_CMD_OPEN_RESPONSE: answer to "open session"
 * @IOSM_MUX_CMD_CLOSE_RESPONSE: answer to "close session"
 * @IOSM_MUX_CMD_FLOW: stop or resume; the mask decides, not the code
 * @IOSM_MUX_CMD_LINK_REPORT: link-quality report, wants an answer
 */
enum iosm_mux_command_kind {
	IOSM_MUX_CMD_OPEN_RESPONSE,
	IOSM_MUX_CMD_CLOSE_RESPONSE,
	IOSM_MUX_CMD_FLOW,
	IOSM_MUX_CMD_LINK_REPORT,
};

/**
 * struct iosm_mux_command - a command of the modem, checked and decoded
 * @kind: what it says, with the numbering of the variants removed
 * @session: 0 to 7; need not be open
 * @tid: transaction id: ours in a response, the modem's otherwise
 * @result: open and close responses: 0 = success
 * @ul_pad: open response: head padding wish, any 32-bit value
 * @flow_mask: flow control: IOSM_MUX_FLOW_STOP, IOSM_MUX_FLOW_RESUME or another
 *	value, which asks for an acknowledgment only
 */
struct iosm_mux_command {
	enum iosm_mux_command_kind kind;
	u8 session;
	u32 tid;
	u32 result;
	u32 ul_pad;
	u32 flow_mask;
};

/**
 * struct iosm_mux_decoder_ops - where the decoder delivers
 * @datagram: an IP packet of an open session at @offset bytes into the transfer,
 *	@length (at least 1) bytes long, both inside it. Its content is unchecked.
 * @command: a command; the record lives on the decoder's stack
 * @credits: @bytes more may be sent uplink in an open session
 *
 * All are called from iosm_mux_wire_decode(), in its context, with the @ctx
 * given to it.
 */
struct iosm_mux_decoder_ops {
	void (*datagram)(void *ctx, u8 session, u8 service_class, u32 offset,
			 u32 length);
	void (*command)(void *ctx, const struct iosm_mux_command *command);
	void (*credits)(void *ctx, u8 session, u32 bytes);
};

/**
 * struct iosm_mux_counters - running numbers of what the host sends
 * @adb: sequence number of the next data block
 * @acb: sequence number of the next command block
 * @tid: transaction id of the next command or response
 *
 * All start at 0 when the multiplexer is created, wrap, and survive the
 * closing of sessions and of the channel. Implements protocol.rst 5.2.
 */
struct iosm_mux_counters {
	u16 adb;
	u16 acb;
	u32 tid;
};

/**
 * struct iosm_mux_block - an uplink data block under construction
 * @buf: the block; the builder writes each byte below its final length once
 * @capacity: bytes in @buf, at most IOSM_MUX_BLOCK_SIZE, a multiple of 4
 * @used: bytes of header and datagrams so far, a multiple of 4
 * @tables: bytes that the tables will take behind them
 * @count: datagrams in @entries
 * @per_session: what the block carries for each session; kept here so that
 *	nobody has to read the block back after the modem has seen it (M48)
 * @per_session.datagrams: number of datagrams
 * @per_session.bytes: IP bytes, without padding and rounding
 * @per_session.reserved: room for its tables is already part of @tables
 * @entries: what finish will write into the tables, in encoding order
 * @entries.offset: start of the head padding
 * @entries.length: bytes of head padding and datagram
 * @entries.session: session id
 * @entries.service_class: low eight bits of the packet priority
 */
struct iosm_mux_block {
	u8 *buf;
	u32 capacity;
	u32 used;
	u32 tables;
	u32 count;
	struct {
		u32 datagrams;
		u32 bytes;
		bool reserved;
	} per_session[IOSM_MUX_SESSIONS];
	struct {
		u16 offset;
		u16 length;
		u8 session;
		u8 service_class;
	} entries[IOSM_MUX_BLOCK_DATAGRAMS];
};

/* Offsets of datagrams are kept in 16 bits */
static_assert(IOSM_MUX_BLOCK_SIZE <= 0xffff);

unsigned int iosm_mux_wire_decode(enum iosm_mux_variant variant, u8 open_sessions,
				  const void *td, u32 td_len,
				  const struct iosm_mux_decoder_ops *ops, void *ctx,
				  struct iosm_mux_defects *defects);
const char *iosm_mux_wire_defect_name(enum iosm_mux_defect defect);
u8 iosm_mux_wire_ip_version(u8 first, u32 length);
u32 iosm_mux_wire_headers(const u8 *packet, u32 length);

int iosm_mux_wire_open(enum iosm_mux_variant variant, struct iosm_mux_counters *counters,
		       u8 session, void *buf, size_t size, u32 *tid);
int iosm_mux_wire_close(enum iosm_mux_variant variant, struct iosm_mux_counters *counters,
			u8 session, void *buf, size_t size, u32 *tid);
int iosm_mux_wire_flow_ack(enum iosm_mux_variant variant, struct iosm_mux_counters *counters,
			   u8 session, u32 peer_tid, void *buf, size_t size);
int iosm_mux_wire_link_response(enum iosm_mux_variant variant,
				struct iosm_mux_counters *counters, u8 session,
				u32 peer_tid, void *buf, size_t size);

int iosm_mux_wire_ul_pad(enum iosm_mux_variant variant, u32 wish);
u32 iosm_mux_wire_max_datagram(enum iosm_mux_variant variant, u32 pad);

int iosm_mux_wire_adgh(void *buf, size_t size, u8 session, u8 service_class,
		       u32 pad, u32 length, u8 **payload);
int iosm_mux_wire_qlth(void *buf, size_t size, u8 session, u32 level);

void iosm_mux_block_begin(struct iosm_mux_block *block, void *buf, u32 capacity);
bool iosm_mux_block_fits(const struct iosm_mux_block *block, u8 session, u32 pad,
			 u32 length);
u8 *iosm_mux_block_add(struct iosm_mux_block *block, u8 session, u8 service_class,
		       u32 pad, u32 length);
u32 iosm_mux_block_finish(struct iosm_mux_block *block,
			  struct iosm_mux_counters *counters,
			  const u32 levels[IOSM_MUX_SESSIONS]);

#endif
