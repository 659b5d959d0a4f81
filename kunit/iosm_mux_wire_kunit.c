// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of the multiplexer codec: golden images, boundaries, every format row of
 * protocol.rst 10.6.5, and random mutation. Also built in user space.
 */

#include <kunit/test.h>
#include <linux/prandom.h>
#include <linux/string.h>

#include "../iosm_ipc_mux_wire.h"

#define LOG_MAX		64
#define ALL_OPEN	0xff
#define STALE		0xa5	/* fills buffers that must be written */

/* ---- What the decoder delivered ---- */

struct delivery {
	enum { DATAGRAM, COMMAND, CREDITS } what;
	u8 session;
	u8 service_class;
	u32 offset;
	u32 length;
	u32 credits;
	struct iosm_mux_command command;
};

struct record {
	const u8 *td;
	u32 td_len;
	u8 *scribble;		/* overwritten on the first delivery */
	u32 scribble_len;
	unsigned int count;
	u64 bytes;
	bool outside;
	struct delivery log[LOG_MAX];
	struct iosm_mux_defects defects;
};

static struct delivery *record_next(struct record *r)
{
	static struct delivery spare;

	if (r->scribble)
		memset(r->scribble, 0xff, r->scribble_len);
	r->scribble = NULL;
	if (r->count >= LOG_MAX) {
		r->count++;
		return &spare;
	}
	return &r->log[r->count++];
}

static void record_datagram(void *ctx, u8 session, u8 service_class, u32 offset,
			    u32 length)
{
	struct record *r = ctx;
	struct delivery *d = record_next(r);

	if (!length || offset > r->td_len || length > r->td_len - offset ||
	    session >= IOSM_MUX_SESSIONS)
		r->outside = true;
	r->bytes += length;
	d->what = DATAGRAM;
	d->session = session;
	d->service_class = service_class;
	d->offset = offset;
	d->length = length;
}

static void record_command(void *ctx, const struct iosm_mux_command *command)
{
	struct record *r = ctx;
	struct delivery *d = record_next(r);

	if (command->session >= IOSM_MUX_SESSIONS)
		r->outside = true;
	d->what = COMMAND;
	d->session = command->session;
	d->command = *command;
}

static void record_credits(void *ctx, u8 session, u32 bytes)
{
	struct record *r = ctx;
	struct delivery *d = record_next(r);

	if (session >= IOSM_MUX_SESSIONS)
		r->outside = true;
	d->what = CREDITS;
	d->session = session;
	d->credits = bytes;
}

static const struct iosm_mux_decoder_ops record_ops = {
	.datagram = record_datagram,
	.command = record_command,
	.credits = record_credits,
};

static struct record *record_new(struct kunit *test)
{
	struct record *r = kunit_kzalloc(test, sizeof(*r), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, r);
	return r;
}

/* Decodes a copy that ends where its memory ends, so that sanitizers see overruns. */
static unsigned int decode_exact(struct kunit *test, struct record *r,
				 enum iosm_mux_variant variant, u8 open,
				 const void *image, u32 len)
{
	u8 *td = kunit_kmalloc(test, len ? len : 1, GFP_KERNEL);
	unsigned int delivered;

	KUNIT_ASSERT_NOT_NULL(test, td);
	memcpy(td, image, len);
	r->td = td;
	r->td_len = len;
	delivered = iosm_mux_wire_decode(variant, open, td, len, &record_ops, r,
					 &r->defects);
	KUNIT_EXPECT_EQ(test, delivered, r->count);
	KUNIT_EXPECT_FALSE(test, r->outside);
	kunit_kfree(test, td);
	return delivered;
}

static u64 defects_total(const struct iosm_mux_defects *defects)
{
	u64 total = 0;
	int i;

	for (i = 0; i < IOSM_MUX_DEFECTS; i++)
		total += defects->count[i];
	return total;
}

/* ---- Image writing, byte by byte from the protocol's tables ---- */

static void put16(u8 *at, u16 value)
{
	at[0] = value;
	at[1] = value >> 8;
}

static void put32(u8 *at, u32 value)
{
	put16(at, value);
	put16(at + 2, value >> 16);
}

static u16 get16(const u8 *at)
{
	return at[0] | at[1] << 8;
}

static u32 get32(const u8 *at)
{
	return get16(at) | (u32)get16(at + 2) << 16;
}

static void put_adbh(u8 *td, u32 length, u32 first)
{
	memcpy(td, "ADBH", 4);
	put16(td + 4, 0);
	put16(td + 6, 0);
	put32(td + 8, length);
	put32(td + 12, first);
}

static void put_adth(u8 *at, u8 session, u32 entries, u32 next)
{
	memcpy(at, "ADTH", 4);
	put16(at + 4, 16 + 8 * entries);
	at[6] = session;
	at[7] = 0;
	put32(at + 8, next);
	put32(at + 12, 0);
}

static void put_entry(u8 *at, u32 offset, u16 length, u8 service_class)
{
	put32(at, offset);
	put16(at + 4, length);
	at[6] = service_class;
	at[7] = 0;
}

static void put_acbh(u8 *td, u32 length, u32 first)
{
	memcpy(td, "ACBH", 4);
	put32(td + 4, 0);
	put32(td + 8, length);
	put32(td + 12, first);
}

static void put_cmdh(u8 *at, u16 length, u8 session, u32 next, u32 code, u32 tid)
{
	memcpy(at, "CMDH", 4);
	put16(at + 4, length);
	at[6] = session;
	at[7] = 0;
	put32(at + 8, next);
	put32(at + 12, code);
	put32(at + 16, tid);
}

/* ---- Golden images, protocol.rst 5.6.5 and the examples of 5.4 to 5.8 ---- */

#define BYTES(...) { __VA_ARGS__ }

struct golden_command {
	const char *desc;
	enum iosm_mux_variant variant;
	enum { OPEN, CLOSE, FLOW_ACK, LINK_RESPONSE } build;
	u8 session;
	u32 tid;		/* next own one, or the peer's for replies */
	u16 acb;
	int len;
	u8 bytes[IOSM_MUX_COMMAND_SIZE];
};

static const struct golden_command golden_commands[] = {
	{
		.desc = "lite open, session 0, tid 0",
		.variant = IOSM_MUX_LITE, .build = OPEN, .len = 24,
		.bytes = BYTES(0x43, 0x4d, 0x44, 0x48, 0x18, 0x00, 0x00, 0x00,
			       0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
			       0x00, 0x00, 0x00, 0x00, 0x10, 0x00, 0x00, 0x00),
	}, {
		.desc = "lite close, tid 1",
		.variant = IOSM_MUX_LITE, .build = CLOSE, .tid = 1, .len = 16,
		.bytes = BYTES(0x43, 0x4d, 0x44, 0x48, 0x10, 0x00, 0x00, 0x00,
			       0x03, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00),
	}, {
		.desc = "lite flow ack, tid 0x55",
		.variant = IOSM_MUX_LITE, .build = FLOW_ACK, .tid = 0x55, .len = 16,
		.bytes = BYTES(0x43, 0x4d, 0x44, 0x48, 0x10, 0x00, 0x00, 0x00,
			       0x06, 0x00, 0x00, 0x00, 0x55, 0x00, 0x00, 0x00),
	}, {
		.desc = "lite link response, session 3",
		.variant = IOSM_MUX_LITE, .build = LINK_RESPONSE, .session = 3,
		.tid = 0x01020304, .len = 20,
		.bytes = BYTES(0x43, 0x4d, 0x44, 0x48, 0x14, 0x00, 0x03, 0x00,
			       0x08, 0x00, 0x00, 0x00, 0x04, 0x03, 0x02, 0x01,
			       0x00, 0x00, 0x00, 0x00),
	}, {
		.desc = "aggregation open, sequence 0, tid 0",
		.variant = IOSM_MUX_AGGR, .build = OPEN, .len = 44,
		.bytes = BYTES(0x41, 0x43, 0x42, 0x48, 0x00, 0x00, 0x00, 0x00,
			       0x10, 0x00, 0x00, 0x00, 0x10, 0x00, 0x00, 0x00,
			       0x43, 0x4d, 0x44, 0x48, 0x1c, 0x00, 0x00, 0x00,
			       0x00, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00,
			       0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
			       0x10, 0x00, 0x00, 0x00),
	}, {
		.desc = "aggregation close, sequence 1, tid 1",
		.variant = IOSM_MUX_AGGR, .build = CLOSE, .tid = 1, .acb = 1, .len = 36,
		.bytes = BYTES(0x41, 0x43, 0x42, 0x48, 0x00, 0x00, 0x01, 0x00,
			       0x10, 0x00, 0x00, 0x00, 0x10, 0x00, 0x00, 0x00,
			       0x43, 0x4d, 0x44, 0x48, 0x14, 0x00, 0x00, 0x00,
			       0x00, 0x00, 0x00, 0x00, 0x03, 0x00, 0x00, 0x00,
			       0x01, 0x00, 0x00, 0x00),
	}, {
		.desc = "aggregation flow ack, session 7, sequence 0x1234",
		.variant = IOSM_MUX_AGGR, .build = FLOW_ACK, .session = 7,
		.tid = 0xfffffffe, .acb = 0x1234, .len = 36,
		.bytes = BYTES(0x41, 0x43, 0x42, 0x48, 0x00, 0x00, 0x34, 0x12,
			       0x10, 0x00, 0x00, 0x00, 0x10, 0x00, 0x00, 0x00,
			       0x43, 0x4d, 0x44, 0x48, 0x14, 0x00, 0x07, 0x00,
			       0x00, 0x00, 0x00, 0x00, 0x07, 0x00, 0x00, 0x00,
			       0xfe, 0xff, 0xff, 0xff),
	}, {
		.desc = "aggregation link response",
		.variant = IOSM_MUX_AGGR, .build = LINK_RESPONSE, .tid = 9, .len = 40,
		.bytes = BYTES(0x41, 0x43, 0x42, 0x48, 0x00, 0x00, 0x00, 0x00,
			       0x10, 0x00, 0x00, 0x00, 0x10, 0x00, 0x00, 0x00,
			       0x43, 0x4d, 0x44, 0x48, 0x18, 0x00, 0x00, 0x00,
			       0x00, 0x00, 0x00, 0x00, 0x09, 0x00, 0x00, 0x00,
			       0x09, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00),
	},
};

KUNIT_ARRAY_PARAM_DESC(golden_command, golden_commands, desc);

static int build_golden(const struct golden_command *g, struct iosm_mux_counters *counters,
			void *buf, size_t size, u32 *tid)
{
	switch (g->build) {
	case OPEN:
		return iosm_mux_wire_open(g->variant, counters, g->session, buf, size, tid);
	case CLOSE:
		return iosm_mux_wire_close(g->variant, counters, g->session, buf, size, tid);
	case FLOW_ACK:
		return iosm_mux_wire_flow_ack(g->variant, counters, g->session, g->tid,
					      buf, size);
	default:
		return iosm_mux_wire_link_response(g->variant, counters, g->session,
						   g->tid, buf, size);
	}
}

static void commands_match_golden_images(struct kunit *test)
{
	const struct golden_command *g = test->param_value;
	bool reply = g->build == FLOW_ACK || g->build == LINK_RESPONSE;
	struct iosm_mux_counters counters = { .acb = g->acb };
	u32 own_tid = reply ? 0x77 : g->tid;
	u8 buf[IOSM_MUX_COMMAND_SIZE + 4];
	u32 tid = ~0;

	counters.tid = own_tid;
	memset(buf, STALE, sizeof(buf));
	KUNIT_ASSERT_EQ(test, build_golden(g, &counters, buf, IOSM_MUX_COMMAND_SIZE, &tid),
			g->len);
	KUNIT_EXPECT_MEMEQ(test, buf, g->bytes, g->len);
	KUNIT_EXPECT_EQ(test, buf[g->len], STALE);
	if (!reply)
		KUNIT_EXPECT_EQ(test, tid, g->tid);

	/* A reply takes an own id, too; only blocks count blocks (5.2). */
	KUNIT_EXPECT_EQ(test, counters.tid, own_tid + 1);
	KUNIT_EXPECT_EQ(test, counters.acb, g->acb + (g->variant == IOSM_MUX_AGGR));
	KUNIT_EXPECT_EQ(test, counters.adb, 0);
}

static void commands_need_their_room(struct kunit *test)
{
	const struct golden_command *g = test->param_value;
	struct iosm_mux_counters counters = {};
	u8 buf[IOSM_MUX_COMMAND_SIZE];
	u32 tid;

	KUNIT_EXPECT_EQ(test, build_golden(g, &counters, buf, g->len - 1, &tid), -ENOSPC);
	KUNIT_EXPECT_EQ(test, counters.tid, 0);
	KUNIT_EXPECT_EQ(test, counters.acb, 0);
	KUNIT_EXPECT_EQ(test, build_golden(g, &counters, buf, g->len, &tid), g->len);
}

static void commands_reject_session_8(struct kunit *test)
{
	struct iosm_mux_counters counters = {};
	u8 buf[IOSM_MUX_COMMAND_SIZE];
	u32 tid;

	KUNIT_EXPECT_EQ(test, -EINVAL, iosm_mux_wire_open(IOSM_MUX_AGGR, &counters, 8, buf,
							  sizeof(buf), &tid));
	KUNIT_EXPECT_EQ(test, -EINVAL, iosm_mux_wire_close(IOSM_MUX_LITE, &counters, 8, buf,
							   sizeof(buf), &tid));
	KUNIT_EXPECT_EQ(test, counters.tid, 0);
	KUNIT_EXPECT_EQ(test, counters.acb, 0);
}

static void counters_wrap(struct kunit *test)
{
	struct iosm_mux_counters counters = { .adb = 0xffff, .acb = 0xffff, .tid = ~0U };
	u8 buf[IOSM_MUX_COMMAND_SIZE];
	u32 tid;

	KUNIT_EXPECT_EQ(test, 44, iosm_mux_wire_open(IOSM_MUX_AGGR, &counters, 0, buf,
						     sizeof(buf), &tid));
	KUNIT_EXPECT_EQ(test, tid, ~0U);
	KUNIT_EXPECT_EQ(test, get16(buf + 6), 0xffff);
	KUNIT_EXPECT_EQ(test, counters.acb, 0);
	KUNIT_EXPECT_EQ(test, counters.tid, 0);
	KUNIT_EXPECT_EQ(test, counters.adb, 0xffff);
}

/* ---- Golden images that a modem sends ---- */

struct golden_downlink {
	const char *desc;
	enum iosm_mux_variant variant;
	u32 len;
	u8 bytes[48];
	struct delivery want;
};

static const struct golden_downlink golden_downlinks[] = {
	{
		.desc = "lite open response",
		.variant = IOSM_MUX_LITE, .len = 28,
		.bytes = BYTES(0x43, 0x4d, 0x44, 0x48, 0x1c, 0x00, 0x00, 0x00,
			       0x02, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
			       0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
			       0x00, 0x00, 0x00, 0x00),
		.want = { .what = COMMAND,
			  .command = { .kind = IOSM_MUX_CMD_OPEN_RESPONSE } },
	}, {
		.desc = "lite close response",
		.variant = IOSM_MUX_LITE, .len = 20,
		.bytes = BYTES(0x43, 0x4d, 0x44, 0x48, 0x14, 0x00, 0x00, 0x00,
			       0x04, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00,
			       0x00, 0x00, 0x00, 0x00),
		.want = { .what = COMMAND,
			  .command = { .kind = IOSM_MUX_CMD_CLOSE_RESPONSE, .tid = 1 } },
	}, {
		.desc = "lite flow stop",
		.variant = IOSM_MUX_LITE, .len = 20,
		.bytes = BYTES(0x43, 0x4d, 0x44, 0x48, 0x14, 0x00, 0x00, 0x00,
			       0x05, 0x00, 0x00, 0x00, 0x55, 0x00, 0x00, 0x00,
			       0xff, 0xff, 0xff, 0xff),
		.want = { .what = COMMAND,
			  .command = { .kind = IOSM_MUX_CMD_FLOW, .tid = 0x55,
				       .flow_mask = IOSM_MUX_FLOW_STOP } },
	}, {
		.desc = "lite flow resume",
		.variant = IOSM_MUX_LITE, .len = 20,
		.bytes = BYTES(0x43, 0x4d, 0x44, 0x48, 0x14, 0x00, 0x02, 0x00,
			       0x05, 0x00, 0x00, 0x00, 0x56, 0x00, 0x00, 0x00,
			       0x00, 0x00, 0x00, 0x00),
		.want = { .what = COMMAND, .session = 2,
			  .command = { .kind = IOSM_MUX_CMD_FLOW, .session = 2,
				       .tid = 0x56 } },
	}, {
		.desc = "lite link report",
		.variant = IOSM_MUX_LITE, .len = 17,
		.bytes = BYTES(0x43, 0x4d, 0x44, 0x48, 0x11, 0x00, 0x00, 0x00,
			       0x07, 0x00, 0x00, 0x00, 0x09, 0x00, 0x00, 0x00, 0x42),
		.want = { .what = COMMAND,
			  .command = { .kind = IOSM_MUX_CMD_LINK_REPORT, .tid = 9 } },
	}, {
		.desc = "aggregation open response",
		.variant = IOSM_MUX_AGGR, .len = 48,
		.bytes = BYTES(0x41, 0x43, 0x42, 0x48, 0x00, 0x00, 0x00, 0x00,
			       0x30, 0x00, 0x00, 0x00, 0x10, 0x00, 0x00, 0x00,
			       0x43, 0x4d, 0x44, 0x48, 0x20, 0x00, 0x00, 0x00,
			       0x00, 0x00, 0x00, 0x00, 0x02, 0x00, 0x00, 0x00,
			       0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
			       0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00),
		.want = { .what = COMMAND,
			  .command = { .kind = IOSM_MUX_CMD_OPEN_RESPONSE } },
	}, {
		.desc = "aggregation open response, refused, padding wish",
		.variant = IOSM_MUX_AGGR, .len = 48,
		.bytes = BYTES(0x41, 0x43, 0x42, 0x48, 0x00, 0x00, 0x07, 0x00,
			       0x30, 0x00, 0x00, 0x00, 0x10, 0x00, 0x00, 0x00,
			       0x43, 0x4d, 0x44, 0x48, 0x20, 0x00, 0x05, 0x00,
			       0x00, 0x00, 0x00, 0x00, 0x02, 0x00, 0x00, 0x00,
			       0x03, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x80,
			       0x01, 0x01, 0x00, 0x00, 0xff, 0xff, 0xff, 0xfe),
		.want = { .what = COMMAND, .session = 5,
			  .command = { .kind = IOSM_MUX_CMD_OPEN_RESPONSE, .session = 5,
				       .tid = 3, .result = 0x80000001,
				       .ul_pad = 0xfeffffff } },
	}, {
		.desc = "aggregation flow resume",
		.variant = IOSM_MUX_AGGR, .len = 40,
		.bytes = BYTES(0x41, 0x43, 0x42, 0x48, 0x00, 0x00, 0x00, 0x00,
			       0x28, 0x00, 0x00, 0x00, 0x10, 0x00, 0x00, 0x00,
			       0x43, 0x4d, 0x44, 0x48, 0x18, 0x00, 0x00, 0x00,
			       0x00, 0x00, 0x00, 0x00, 0x06, 0x00, 0x00, 0x00,
			       0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00),
		.want = { .what = COMMAND,
			  .command = { .kind = IOSM_MUX_CMD_FLOW, .tid = 8 } },
	}, {
		.desc = "aggregation link report",
		.variant = IOSM_MUX_AGGR, .len = 37,
		.bytes = BYTES(0x41, 0x43, 0x42, 0x48, 0x00, 0x00, 0x00, 0x00,
			       0x25, 0x00, 0x00, 0x00, 0x10, 0x00, 0x00, 0x00,
			       0x43, 0x4d, 0x44, 0x48, 0x15, 0x00, 0x00, 0x00,
			       0x00, 0x00, 0x00, 0x00, 0x08, 0x00, 0x00, 0x00,
			       0x0a, 0x00, 0x00, 0x00, 0x01),
		.want = { .what = COMMAND,
			  .command = { .kind = IOSM_MUX_CMD_LINK_REPORT, .tid = 10 } },
	}, {
		.desc = "64 KiB of credits, lite",
		.variant = IOSM_MUX_LITE, .len = 20,
		.bytes = BYTES(0x46, 0x43, 0x54, 0x48, 0x14, 0x00, 0x00, 0x04,
			       0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
			       0x00, 0x00, 0x01, 0x00),
		.want = { .what = CREDITS, .credits = 65536 },
	}, {
		.desc = "credits, aggregation",
		.variant = IOSM_MUX_AGGR, .len = 20,
		.bytes = BYTES(0x46, 0x43, 0x54, 0x48, 0x14, 0x00, 0x06, 0x04,
			       0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08,
			       0xff, 0xff, 0xff, 0xff),
		.want = { .what = CREDITS, .session = 6, .credits = 0xffffffff },
	}, {
		.desc = "lite datagram of one byte, odd fields ignored",
		.variant = IOSM_MUX_LITE, .len = 17,
		.bytes = BYTES(0x41, 0x44, 0x47, 0x48, 0x11, 0x00, 0x04, 0x01,
			       0x2a, 0x63, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x45),
		.want = { .what = DATAGRAM, .session = 4, .service_class = 0x2a,
			  .offset = 16, .length = 1 },
	},
};

KUNIT_ARRAY_PARAM_DESC(golden_downlink, golden_downlinks, desc);

static void decodes_golden_image(struct kunit *test)
{
	const struct golden_downlink *g = test->param_value;
	struct record *r = record_new(test);
	const struct delivery *got = &r->log[0];

	KUNIT_ASSERT_EQ(test, decode_exact(test, r, g->variant, ALL_OPEN, g->bytes, g->len), 1);
	KUNIT_EXPECT_EQ(test, defects_total(&r->defects), 0);
	KUNIT_ASSERT_EQ(test, (int)got->what, (int)g->want.what);
	KUNIT_EXPECT_EQ(test, got->session, g->want.session);
	KUNIT_EXPECT_EQ(test, got->service_class, g->want.service_class);
	KUNIT_EXPECT_EQ(test, got->offset, g->want.offset);
	KUNIT_EXPECT_EQ(test, got->length, g->want.length);
	KUNIT_EXPECT_EQ(test, got->credits, g->want.credits);
	KUNIT_EXPECT_EQ(test, (int)got->command.kind, (int)g->want.command.kind);
	KUNIT_EXPECT_EQ(test, got->command.session, g->want.command.session);
	KUNIT_EXPECT_EQ(test, got->command.tid, g->want.command.tid);
	KUNIT_EXPECT_EQ(test, got->command.result, g->want.command.result);
	KUNIT_EXPECT_EQ(test, got->command.ul_pad, g->want.command.ul_pad);
	KUNIT_EXPECT_EQ(test, got->command.flow_mask, g->want.command.flow_mask);
}

static void objects_of_the_other_variant_are_dropped(struct kunit *test)
{
	const struct golden_downlink *g = test->param_value;
	enum iosm_mux_variant other = g->variant == IOSM_MUX_LITE ? IOSM_MUX_AGGR :
								    IOSM_MUX_LITE;
	struct record *r = record_new(test);

	if (g->want.what == CREDITS) {
		KUNIT_EXPECT_EQ(test, 1, decode_exact(test, r, other, ALL_OPEN, g->bytes,
						      g->len));
		return;
	}
	KUNIT_EXPECT_EQ(test, 0, decode_exact(test, r, other, ALL_OPEN, g->bytes, g->len));
	KUNIT_EXPECT_EQ(test, r->defects.count[IOSM_MUX_DEFECT_VARIANT], 1);
	KUNIT_EXPECT_EQ(test, defects_total(&r->defects), 1);
}

static void any_cut_image_is_dropped(struct kunit *test)
{
	const struct golden_downlink *g = test->param_value;
	u32 len;

	for (len = 0; len < g->len; len++) {
		struct record *r = record_new(test);
		unsigned int n = decode_exact(test, r, g->variant, ALL_OPEN, g->bytes, len);

		KUNIT_EXPECT_EQ_MSG(test, n, 0, "cut to %u bytes", len);
		KUNIT_EXPECT_EQ_MSG(test, defects_total(&r->defects), 1, "cut to %u bytes",
				    len);
	}
}

/* The example of 5.5.5: one 40-byte packet behind 16 bytes of padding. */
static const u8 golden_adb_head[16] = {
	0x41, 0x44, 0x42, 0x48, 0x00, 0x00, 0x00, 0x00,
	0x60, 0x00, 0x00, 0x00, 0x48, 0x00, 0x00, 0x00,
};

static const u8 golden_adb_table[24] = {
	0x41, 0x44, 0x54, 0x48, 0x18, 0x00, 0x00, 0x00,
	0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
	0x10, 0x00, 0x00, 0x00, 0x38, 0x00, 0x00, 0x00,
};

static void decodes_golden_block(struct kunit *test)
{
	struct record *r = record_new(test);
	u8 td[0x60] = {};

	memcpy(td, golden_adb_head, sizeof(golden_adb_head));
	memcpy(td + 0x48, golden_adb_table, sizeof(golden_adb_table));
	KUNIT_ASSERT_EQ(test, 1, decode_exact(test, r, IOSM_MUX_AGGR, 0x01, td, sizeof(td)));
	KUNIT_EXPECT_EQ(test, (int)r->log[0].what, DATAGRAM);
	KUNIT_EXPECT_EQ(test, r->log[0].session, 0);
	KUNIT_EXPECT_EQ(test, r->log[0].offset, 0x20);
	KUNIT_EXPECT_EQ(test, r->log[0].length, 40);
	KUNIT_EXPECT_EQ(test, defects_total(&r->defects), 0);
}

/* ---- One rule of 10.6.5 at a time: a good image and what is changed in it ---- */

enum image {
	IMAGE_ADGH,	/* session 1, 24 bytes */
	IMAGE_ADB,	/* 3 datagrams: sessions 0 and 0 in table 1, 5 in table 2 */
	IMAGE_CMDH,	/* lite flow stop for session 2 */
	IMAGE_ACB,	/* flow stop for session 2, link report for session 3 */
	IMAGE_FCTH,	/* 4096 bytes for session 1 */
};

#define ADB_TABLE1	0x70
#define ADB_TABLE2	0x90
#define ADB_LEN		0xa8
#define ACB_SECOND	40
#define ACB_LEN		61

static u32 image_build(enum image image, u8 *td)
{
	switch (image) {
	case IMAGE_ADGH:
		memcpy(td, "ADGH", 4);
		put16(td + 4, 40);
		td[6] = 1;
		return 40;
	case IMAGE_ADB:
		put_adbh(td, ADB_LEN, ADB_TABLE1);
		put_adth(td + ADB_TABLE1, 0, 2, ADB_TABLE2);
		put_entry(td + ADB_TABLE1 + 16, 0x10, 0x20, 0x11);
		put_entry(td + ADB_TABLE1 + 24, 0x30, 0x20, 0x22);
		put_adth(td + ADB_TABLE2, 5, 1, 0);
		put_entry(td + ADB_TABLE2 + 16, 0x50, 0x20, 0x33);
		return ADB_LEN;
	case IMAGE_CMDH:
		memcpy(td, "CMDH", 4);
		put16(td + 4, 20);
		td[6] = 2;
		put32(td + 8, 5);
		put32(td + 12, 0x1000);
		put32(td + 16, IOSM_MUX_FLOW_STOP);
		return 20;
	case IMAGE_ACB:
		put_acbh(td, ACB_LEN, 16);
		put_cmdh(td + 16, 24, 2, ACB_SECOND, 5, 0x1000);
		put32(td + 36, IOSM_MUX_FLOW_STOP);
		put_cmdh(td + ACB_SECOND, 21, 3, 0, 8, 0x1001);
		td[60] = 7;
		return ACB_LEN;
	case IMAGE_FCTH:
		memcpy(td, "FCTH", 4);
		put16(td + 4, 20);
		td[6] = 1;
		td[7] = 4;
		put32(td + 16, 4096);
		return 20;
	}
	return 0;
}

static enum iosm_mux_variant image_variant(enum image image)
{
	return image == IMAGE_ADB || image == IMAGE_ACB ? IOSM_MUX_AGGR : IOSM_MUX_LITE;
}

#define NONE IOSM_MUX_DEFECTS

struct row {
	const char *desc;
	enum image image;
	u8 closed;		/* sessions that are not open */
	int cut;		/* bytes taken off the transfer, negative: added */
	struct {
		u8 width;	/* bytes; 0 ends the list */
		u16 at;
		u32 value;
	} change[2];
	enum iosm_mux_defect defect;
	unsigned int delivered;
};

static const struct row rows[] = {
	/* the images as they are */
	{ "ADGH", IMAGE_ADGH, .defect = NONE, .delivered = 1 },
	{ "ADB", IMAGE_ADB, .defect = NONE, .delivered = 3 },
	{ "CMDH", IMAGE_CMDH, .defect = NONE, .delivered = 1 },
	{ "ACB", IMAGE_ACB, .defect = NONE, .delivered = 2 },
	{ "FCTH", IMAGE_FCTH, .defect = NONE, .delivered = 1 },

	{ "M1 empty transfer", IMAGE_ADGH, .cut = 40,
	  .defect = IOSM_MUX_DEFECT_TD_SHORT },
	{ "M1 three bytes", IMAGE_ADGH, .cut = 37, .defect = IOSM_MUX_DEFECT_TD_SHORT },
	{ "M1 bare command of 15 bytes", IMAGE_CMDH, .cut = 5,
	  .defect = IOSM_MUX_DEFECT_COMMAND_SHORT },
	{ "M2 unknown signature", IMAGE_ADGH, .change = { { 1, 3, 'h' } },
	  .defect = IOSM_MUX_DEFECT_SIGNATURE },
	{ "M2 datagram table on its own", IMAGE_ADB,
	  .change = { { 4, 0, IOSM_MUX_SIG_ADTH } },
	  .defect = IOSM_MUX_DEFECT_SIGNATURE },
	{ "M3 lite datagram in aggregation", IMAGE_ADB,
	  .change = { { 4, 0, IOSM_MUX_SIG_ADGH } }, .defect = IOSM_MUX_DEFECT_VARIANT },
	{ "M3 bare command in aggregation", IMAGE_ACB,
	  .change = { { 4, 0, IOSM_MUX_SIG_CMDH } }, .defect = IOSM_MUX_DEFECT_VARIANT },
	{ "M3 block in lite", IMAGE_ADGH, .change = { { 4, 0, IOSM_MUX_SIG_ADBH } },
	  .defect = IOSM_MUX_DEFECT_VARIANT },
	{ "M3 command block in lite", IMAGE_CMDH,
	  .change = { { 4, 0, IOSM_MUX_SIG_ACBH } }, .defect = IOSM_MUX_DEFECT_VARIANT },
	{ "M4 datagram header cut", IMAGE_ADGH, .cut = 25,
	  .defect = IOSM_MUX_DEFECT_ADGH_SHORT },
	{ "M5 length below the header", IMAGE_ADGH, .change = { { 2, 4, 15 } },
	  .defect = IOSM_MUX_DEFECT_ADGH_LENGTH },
	{ "M5 length of the header only", IMAGE_ADGH, .change = { { 2, 4, 16 } },
	  .defect = IOSM_MUX_DEFECT_ADGH_LENGTH },
	{ "M5 length 0", IMAGE_ADGH, .change = { { 2, 4, 0 } },
	  .defect = IOSM_MUX_DEFECT_ADGH_LENGTH },
	{ "M5 one byte of payload", IMAGE_ADGH, .change = { { 2, 4, 17 } },
	  .defect = NONE, .delivered = 1 },
	{ "M5 length one beyond the transfer", IMAGE_ADGH, .change = { { 2, 4, 41 } },
	  .defect = IOSM_MUX_DEFECT_ADGH_LENGTH },
	{ "M5 length all ones", IMAGE_ADGH, .change = { { 2, 4, 0xffff } },
	  .defect = IOSM_MUX_DEFECT_ADGH_LENGTH },
	{ "M6 session 7", IMAGE_ADGH, .change = { { 1, 6, 7 } }, .defect = NONE,
	  .delivered = 1 },
	{ "M6 session 8", IMAGE_ADGH, .change = { { 1, 6, 8 } },
	  .defect = IOSM_MUX_DEFECT_SESSION_RANGE },
	{ "M6 session 255", IMAGE_ADGH, .change = { { 1, 6, 255 } },
	  .defect = IOSM_MUX_DEFECT_SESSION_RANGE },
	{ "M6 closed session", IMAGE_ADGH, .closed = 0x02,
	  .defect = IOSM_MUX_DEFECT_SESSION_CLOSED },
	{ "M49 nothing is open", IMAGE_ADGH, .closed = 0xff,
	  .defect = IOSM_MUX_DEFECT_SESSION_CLOSED },
	{ "M7 M8 odd fields", IMAGE_ADGH,
	  .change = { { 4, 8, 0xffffffff }, { 4, 12, 0xffffffff } },
	  .defect = NONE, .delivered = 1 },

	{ "M9 block header cut", IMAGE_ADB, .cut = ADB_LEN - 15,
	  .defect = IOSM_MUX_DEFECT_ADB_SHORT },
	{ "M10 block length 15", IMAGE_ADB, .change = { { 4, 8, 15 } },
	  .defect = IOSM_MUX_DEFECT_ADB_LENGTH },
	{ "M10 block length beyond the transfer", IMAGE_ADB,
	  .change = { { 4, 8, ADB_LEN + 1 } }, .defect = IOSM_MUX_DEFECT_ADB_LENGTH },
	{ "M10 block length all ones", IMAGE_ADB, .change = { { 4, 8, 0xffffffff } },
	  .defect = IOSM_MUX_DEFECT_ADB_LENGTH },
	{ "M10 block shorter than the transfer", IMAGE_ADB, .cut = -8, .defect = NONE,
	  .delivered = 3 },
	{ "M10 block length bounds the second table", IMAGE_ADB,
	  .change = { { 4, 8, ADB_TABLE2 } },
	  .defect = IOSM_MUX_DEFECT_TABLE_NEXT, .delivered = 2 },
	{ "M11 sequence", IMAGE_ADB, .change = { { 4, 4, 0xffffffff } }, .defect = NONE,
	  .delivered = 3 },
	{ "M12 no table", IMAGE_ADB, .change = { { 4, 12, 0 } },
	  .defect = IOSM_MUX_DEFECT_ADB_TABLE },
	{ "M12 table in the header", IMAGE_ADB, .change = { { 4, 12, 15 } },
	  .defect = IOSM_MUX_DEFECT_ADB_TABLE },
	{ "M12 table right behind the header", IMAGE_ADB, .change = { { 4, 12, 16 } },
	  .defect = IOSM_MUX_DEFECT_TABLE_SIGNATURE },
	{ "M12 table at the last place", IMAGE_ADB,
	  .change = { { 4, 12, ADB_LEN - 16 } },
	  .defect = IOSM_MUX_DEFECT_TABLE_SIGNATURE },
	{ "M12 table past the last place", IMAGE_ADB,
	  .change = { { 4, 12, ADB_LEN - 15 } }, .defect = IOSM_MUX_DEFECT_ADB_TABLE },
	{ "M12 table offset all ones", IMAGE_ADB, .change = { { 4, 12, 0xffffffff } },
	  .defect = IOSM_MUX_DEFECT_ADB_TABLE },
	{ "M13 first table is none", IMAGE_ADB, .change = { { 1, ADB_TABLE1, 'a' } },
	  .defect = IOSM_MUX_DEFECT_TABLE_SIGNATURE },
	{ "M13 second table is a queue level", IMAGE_ADB,
	  .change = { { 4, ADB_TABLE2, IOSM_MUX_SIG_QLTH } },
	  .defect = IOSM_MUX_DEFECT_TABLE_SIGNATURE, .delivered = 2 },
	{ "M14 table length 15", IMAGE_ADB, .change = { { 2, ADB_TABLE1 + 4, 15 } },
	  .defect = IOSM_MUX_DEFECT_TABLE_LENGTH },
	{ "M14 table one beyond the block", IMAGE_ADB,
	  .change = { { 2, ADB_TABLE2 + 4, 25 } },
	  .defect = IOSM_MUX_DEFECT_TABLE_LENGTH, .delivered = 2 },
	{ "M14 table length all ones", IMAGE_ADB,
	  .change = { { 2, ADB_TABLE1 + 4, 0xffff } },
	  .defect = IOSM_MUX_DEFECT_TABLE_LENGTH },
	{ "M15 table with a remainder", IMAGE_ADB,
	  .change = { { 2, ADB_TABLE1 + 4, 31 } }, .defect = NONE, .delivered = 2 },
	{ "table without entries", IMAGE_ADB, .change = { { 2, ADB_TABLE1 + 4, 16 } },
	  .defect = IOSM_MUX_DEFECT_TABLE_EMPTY, .delivered = 1 },
	{ "M16 session 8 costs its table", IMAGE_ADB,
	  .change = { { 1, ADB_TABLE1 + 6, 8 } },
	  .defect = IOSM_MUX_DEFECT_SESSION_RANGE, .delivered = 1 },
	{ "M16 closed session costs its table", IMAGE_ADB, .closed = 0x01,
	  .defect = IOSM_MUX_DEFECT_SESSION_CLOSED, .delivered = 1 },
	{ "M17 next table is the same", IMAGE_ADB,
	  .change = { { 4, ADB_TABLE1 + 8, ADB_TABLE1 } },
	  .defect = IOSM_MUX_DEFECT_TABLE_NEXT, .delivered = 2 },
	{ "M17 next table is an earlier one", IMAGE_ADB,
	  .change = { { 4, ADB_TABLE2 + 8, ADB_TABLE1 } },
	  .defect = IOSM_MUX_DEFECT_TABLE_NEXT, .delivered = 3 },
	{ "M17 next table beyond", IMAGE_ADB,
	  .change = { { 4, ADB_TABLE1 + 8, ADB_LEN - 15 } },
	  .defect = IOSM_MUX_DEFECT_TABLE_NEXT, .delivered = 2 },
	{ "M17 next table all ones", IMAGE_ADB,
	  .change = { { 4, ADB_TABLE1 + 8, 0xffffffff } },
	  .defect = IOSM_MUX_DEFECT_TABLE_NEXT, .delivered = 2 },
	{ "M17 next table misaligned", IMAGE_ADB,
	  .change = { { 4, ADB_TABLE1 + 8, ADB_TABLE1 + 1 } },
	  .defect = IOSM_MUX_DEFECT_TABLE_SIGNATURE, .delivered = 2 },
	{ "M17a M17b odd fields", IMAGE_ADB,
	  .change = { { 1, ADB_TABLE1 + 7, 0xff }, { 4, ADB_TABLE1 + 12, 0xffffffff } },
	  .defect = NONE, .delivered = 3 },
	{ "M18 datagram in the header", IMAGE_ADB,
	  .change = { { 4, ADB_TABLE1 + 16, 15 } },
	  .defect = IOSM_MUX_DEFECT_ENTRY_OFFSET, .delivered = 2 },
	{ "M18 datagram at the end of the block", IMAGE_ADB,
	  .change = { { 4, ADB_TABLE1 + 16, ADB_LEN } },
	  .defect = IOSM_MUX_DEFECT_ENTRY_OFFSET, .delivered = 2 },
	{ "M18 datagram offset all ones", IMAGE_ADB,
	  .change = { { 4, ADB_TABLE1 + 24, 0xffffffff } },
	  .defect = IOSM_MUX_DEFECT_ENTRY_OFFSET, .delivered = 2 },
	{ "M18 datagram between block end and transfer end", IMAGE_ADB, .cut = -64,
	  .change = { { 4, ADB_TABLE1 + 16, ADB_LEN + 8 } },
	  .defect = IOSM_MUX_DEFECT_ENTRY_OFFSET, .delivered = 2 },
	{ "M19 datagram up to the end", IMAGE_ADB,
	  .change = { { 2, ADB_TABLE2 + 20, ADB_LEN - 0x50 } }, .defect = NONE,
	  .delivered = 3 },
	{ "M19 datagram one beyond the end", IMAGE_ADB,
	  .change = { { 2, ADB_TABLE2 + 20, ADB_LEN - 0x50 + 1 } },
	  .defect = IOSM_MUX_DEFECT_ENTRY_LENGTH, .delivered = 2 },
	{ "M19 datagram length all ones", IMAGE_ADB,
	  .change = { { 2, ADB_TABLE1 + 20, 0xffff } },
	  .defect = IOSM_MUX_DEFECT_ENTRY_LENGTH, .delivered = 2 },
	{ "M19 datagram past the block, inside the transfer", IMAGE_ADB, .cut = -64,
	  .change = { { 2, ADB_TABLE2 + 20, ADB_LEN - 0x50 + 1 } },
	  .defect = IOSM_MUX_DEFECT_ENTRY_LENGTH, .delivered = 2 },
	{ "M20 padding only", IMAGE_ADB, .change = { { 2, ADB_TABLE1 + 20, 16 } },
	  .defect = IOSM_MUX_DEFECT_ENTRY_PAD, .delivered = 2 },
	{ "M20 less than the padding", IMAGE_ADB, .change = { { 2, ADB_TABLE1 + 20, 0 } },
	  .defect = IOSM_MUX_DEFECT_ENTRY_PAD, .delivered = 2 },
	{ "M20 one byte behind the padding", IMAGE_ADB,
	  .change = { { 2, ADB_TABLE1 + 20, 17 } }, .defect = NONE, .delivered = 3 },
	{ "M21 the same datagram twice", IMAGE_ADB,
	  .change = { { 4, ADB_TABLE1 + 24, 0x10 } }, .defect = NONE, .delivered = 3 },
	{ "M21 datagram that contains its table", IMAGE_ADB,
	  .change = { { 4, ADB_TABLE1 + 16, ADB_TABLE1 } }, .defect = NONE,
	  .delivered = 3 },
	{ "M21 more bytes than the block has", IMAGE_ADB,
	  .change = { { 2, ADB_TABLE1 + 20, ADB_LEN - 0x10 },
		      { 2, ADB_TABLE1 + 28, ADB_LEN - 0x30 } },
	  .defect = IOSM_MUX_DEFECT_ENTRY_BYTES, .delivered = 2 },

	{ "M25 command block of 35 bytes", IMAGE_ACB, .cut = ACB_LEN - 35,
	  .defect = IOSM_MUX_DEFECT_ACB_SHORT },
	{ "M25 no command", IMAGE_ACB, .change = { { 4, 12, 0 } },
	  .defect = IOSM_MUX_DEFECT_ACB_COMMAND },
	{ "M25 command in the header", IMAGE_ACB, .change = { { 4, 12, 15 } },
	  .defect = IOSM_MUX_DEFECT_ACB_COMMAND },
	{ "M25 second command comes first", IMAGE_ACB,
	  .change = { { 4, 12, ACB_SECOND } }, .defect = NONE, .delivered = 1 },
	{ "M25 command past the last place", IMAGE_ACB,
	  .change = { { 4, 12, ACB_LEN - 19 } }, .defect = IOSM_MUX_DEFECT_ACB_COMMAND },
	{ "M25 command offset all ones", IMAGE_ACB, .change = { { 4, 12, 0xffffffff } },
	  .defect = IOSM_MUX_DEFECT_ACB_COMMAND },
	{ "M25a block length 16", IMAGE_ACB, .change = { { 4, 8, 16 } }, .defect = NONE,
	  .delivered = 2 },
	{ "M25a block length all ones", IMAGE_ACB, .change = { { 4, 8, 0xffffffff } },
	  .defect = NONE, .delivered = 2 },
	{ "M26 next command is the same", IMAGE_ACB, .change = { { 4, 24, 16 } },
	  .defect = IOSM_MUX_DEFECT_COMMAND_NEXT, .delivered = 1 },
	{ "M26 next command in this header", IMAGE_ACB, .change = { { 4, 24, 35 } },
	  .defect = IOSM_MUX_DEFECT_COMMAND_NEXT, .delivered = 1 },
	{ "M26 next command goes back", IMAGE_ACB,
	  .change = { { 4, ACB_SECOND + 8, 16 } },
	  .defect = IOSM_MUX_DEFECT_COMMAND_NEXT, .delivered = 2 },
	{ "M26 next command beyond", IMAGE_ACB,
	  .change = { { 4, 24, ACB_LEN - 19 } },
	  .defect = IOSM_MUX_DEFECT_COMMAND_NEXT, .delivered = 1 },
	{ "M26 next command all ones", IMAGE_ACB, .change = { { 4, 24, 0xffffffff } },
	  .defect = IOSM_MUX_DEFECT_COMMAND_NEXT, .delivered = 1 },
	{ "M27 command signature", IMAGE_ACB, .change = { { 1, 16, 'c' } },
	  .defect = IOSM_MUX_DEFECT_COMMAND_SIGNATURE },
	{ "M27 second command signature", IMAGE_ACB,
	  .change = { { 1, ACB_SECOND, 'c' } },
	  .defect = IOSM_MUX_DEFECT_COMMAND_SIGNATURE, .delivered = 1 },
	{ "M28 length below the header costs the command", IMAGE_ACB,
	  .change = { { 2, 20, 19 } },
	  .defect = IOSM_MUX_DEFECT_COMMAND_LENGTH, .delivered = 1 },
	{ "M28 length beyond the transfer", IMAGE_ACB,
	  .change = { { 2, ACB_SECOND + 4, 22 } },
	  .defect = IOSM_MUX_DEFECT_COMMAND_LENGTH, .delivered = 1 },
	{ "M28 flow control without its mask", IMAGE_ACB, .change = { { 2, 20, 23 } },
	  .defect = IOSM_MUX_DEFECT_COMMAND_PARAMS, .delivered = 1 },
	{ "M28 flow control with more than its mask", IMAGE_ACB,
	  .change = { { 2, 20, 25 } }, .defect = NONE, .delivered = 2 },
	{ "M28 lite length below the header", IMAGE_CMDH, .change = { { 2, 4, 15 } },
	  .defect = IOSM_MUX_DEFECT_COMMAND_LENGTH },
	{ "M28 lite length beyond the transfer", IMAGE_CMDH, .change = { { 2, 4, 21 } },
	  .defect = IOSM_MUX_DEFECT_COMMAND_LENGTH },
	{ "M28 lite flow control without its mask", IMAGE_CMDH,
	  .change = { { 2, 4, 19 } }, .defect = IOSM_MUX_DEFECT_COMMAND_PARAMS },
	{ "M28 open response of 4 bytes", IMAGE_CMDH, .change = { { 4, 8, 2 } },
	  .defect = IOSM_MUX_DEFECT_COMMAND_PARAMS },
	{ "M28 close response without a result", IMAGE_CMDH,
	  .change = { { 4, 8, 4 }, { 2, 4, 16 } },
	  .defect = IOSM_MUX_DEFECT_COMMAND_PARAMS },
	{ "M29 session 7", IMAGE_CMDH, .change = { { 1, 6, 7 } }, .defect = NONE,
	  .delivered = 1 },
	{ "M29 session 8", IMAGE_CMDH, .change = { { 1, 6, 8 } },
	  .defect = IOSM_MUX_DEFECT_SESSION_RANGE },
	{ "M29 session 8 in a block", IMAGE_ACB, .change = { { 1, 22, 8 } },
	  .defect = IOSM_MUX_DEFECT_SESSION_RANGE, .delivered = 1 },
	{ "M30 code 0", IMAGE_CMDH, .change = { { 4, 8, 0 } },
	  .defect = IOSM_MUX_DEFECT_COMMAND_CODE },
	{ "M30 host's code 1", IMAGE_CMDH, .change = { { 4, 8, 1 } },
	  .defect = IOSM_MUX_DEFECT_COMMAND_CODE },
	{ "M30 host's code 3", IMAGE_CMDH, .change = { { 4, 8, 3 } },
	  .defect = IOSM_MUX_DEFECT_COMMAND_CODE },
	{ "M30 lite code 6 is the host's ack", IMAGE_CMDH, .change = { { 4, 8, 6 } },
	  .defect = IOSM_MUX_DEFECT_COMMAND_CODE },
	{ "M30 lite code 8", IMAGE_CMDH, .change = { { 4, 8, 8 } },
	  .defect = IOSM_MUX_DEFECT_COMMAND_CODE },
	{ "M30 placeholder code", IMAGE_CMDH, .change = { { 4, 8, 255 } },
	  .defect = IOSM_MUX_DEFECT_COMMAND_CODE },
	{ "M30 code all ones", IMAGE_CMDH, .change = { { 4, 8, 0xffffffff } },
	  .defect = IOSM_MUX_DEFECT_COMMAND_CODE },
	{ "M30 aggregation code 7 is the host's ack", IMAGE_ACB,
	  .change = { { 4, 28, 7 } }, .defect = IOSM_MUX_DEFECT_COMMAND_CODE,
	  .delivered = 1 },
	{ "M30 aggregation code 9", IMAGE_ACB, .change = { { 4, 28, 9 } },
	  .defect = IOSM_MUX_DEFECT_COMMAND_CODE, .delivered = 1 },
	{ "M37 flow control of a closed session", IMAGE_CMDH, .closed = 0xff,
	  .defect = NONE, .delivered = 1 },
	{ "M40 link report without a payload", IMAGE_CMDH,
	  .change = { { 4, 8, 7 }, { 2, 4, 16 } }, .defect = NONE, .delivered = 1 },

	{ "M42 credit table of 19 bytes", IMAGE_FCTH, .cut = 1,
	  .defect = IOSM_MUX_DEFECT_CREDIT_SHORT },
	{ "M43 credit table length 19", IMAGE_FCTH, .change = { { 2, 4, 19 } },
	  .defect = IOSM_MUX_DEFECT_CREDIT_LENGTH },
	{ "M43 credit table length 24", IMAGE_FCTH, .cut = -4,
	  .change = { { 2, 4, 24 } }, .defect = NONE, .delivered = 1 },
	{ "M43 reserved", IMAGE_FCTH,
	  .change = { { 4, 8, 0xffffffff }, { 4, 12, 0xffffffff } }, .defect = NONE,
	  .delivered = 1 },
	{ "M44 value of 0 bytes", IMAGE_FCTH, .change = { { 1, 7, 0 } },
	  .defect = IOSM_MUX_DEFECT_CREDIT_VALUE },
	{ "M44 value of 8 bytes", IMAGE_FCTH, .change = { { 1, 7, 8 } },
	  .defect = IOSM_MUX_DEFECT_CREDIT_VALUE },
	{ "M45 credits for session 8", IMAGE_FCTH, .change = { { 1, 6, 8 } },
	  .defect = IOSM_MUX_DEFECT_SESSION_RANGE },
	{ "M45 credits for a closed session", IMAGE_FCTH, .closed = 0x02,
	  .defect = IOSM_MUX_DEFECT_SESSION_CLOSED },
	{ "M46 any credits", IMAGE_FCTH, .change = { { 4, 16, 0xffffffff } },
	  .defect = NONE, .delivered = 1 },
	{ "M47 queue level from the modem", IMAGE_FCTH,
	  .change = { { 4, 0, IOSM_MUX_SIG_QLTH } },
	  .defect = IOSM_MUX_DEFECT_SIGNATURE },
};

KUNIT_ARRAY_PARAM_DESC(row, rows, desc);

static void checks_row(struct kunit *test)
{
	const struct row *row = test->param_value;
	struct record *r = record_new(test);
	u8 td[ADB_LEN + 64] = {};
	u64 defects;
	u32 len;
	int i;

	len = image_build(row->image, td) - row->cut;
	KUNIT_ASSERT_LE(test, len, (u32)sizeof(td));
	for (i = 0; i < ARRAY_SIZE(row->change); i++) {
		u8 *at = td + row->change[i].at;

		if (row->change[i].width == 1)
			*at = row->change[i].value;
		else if (row->change[i].width == 2)
			put16(at, row->change[i].value);
		else if (row->change[i].width == 4)
			put32(at, row->change[i].value);
	}

	KUNIT_EXPECT_EQ(test, row->delivered,
			decode_exact(test, r, image_variant(row->image),
				     (u8)~row->closed, td, len));
	defects = defects_total(&r->defects);
	if (row->defect == NONE) {
		KUNIT_EXPECT_EQ(test, defects, 0);
	} else {
		KUNIT_EXPECT_EQ(test, defects, 1);
		KUNIT_EXPECT_EQ(test, r->defects.count[row->defect], 1);
	}
}

/* ---- What one block may make us do ---- */

static u8 *block_buffer(struct kunit *test)
{
	u8 *buf = kunit_kzalloc(test, IOSM_MUX_BLOCK_SIZE, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, buf);
	return buf;
}

static void table_chain_is_bounded(struct kunit *test)
{
	unsigned int tables = IOSM_MUX_DL_TABLES + 1;
	struct record *r = record_new(test);
	u8 *td = block_buffer(test);
	u32 len = 64 + tables * 24;
	unsigned int i;

	put_adbh(td, len, 64);
	for (i = 0; i < tables; i++) {
		u32 at = 64 + i * 24;

		put_adth(td + at, i % 8, 1, i + 1 < tables ? at + 24 : 0);
		put_entry(td + at + 16, 16, 17, 0);
	}

	decode_exact(test, r, IOSM_MUX_AGGR, ALL_OPEN, td, len);
	KUNIT_EXPECT_EQ(test, r->count, IOSM_MUX_DL_TABLES);
	KUNIT_EXPECT_EQ(test, r->defects.count[IOSM_MUX_DEFECT_TABLE_COUNT], 1);

	/* as many as allowed are no defect */
	put32(td + 64 + (IOSM_MUX_DL_TABLES - 1) * 24 + 8, 0);
	r = record_new(test);
	decode_exact(test, r, IOSM_MUX_AGGR, ALL_OPEN, td, len);
	KUNIT_EXPECT_EQ(test, r->count, IOSM_MUX_DL_TABLES);
	KUNIT_EXPECT_EQ(test, defects_total(&r->defects), 0);
}

static void command_chain_is_bounded(struct kunit *test)
{
	unsigned int commands = IOSM_MUX_DL_COMMANDS + 1;
	struct record *r = record_new(test);
	u8 *td = block_buffer(test);
	u32 len = 16 + commands * 20;
	unsigned int i;

	put_acbh(td, len, 16);
	for (i = 0; i < commands; i++) {
		u32 at = 16 + i * 20;

		put_cmdh(td + at, 20, 0, i + 1 < commands ? at + 20 : 0, 8, i);
	}

	decode_exact(test, r, IOSM_MUX_AGGR, ALL_OPEN, td, len);
	KUNIT_EXPECT_EQ(test, r->count, IOSM_MUX_DL_COMMANDS);
	KUNIT_EXPECT_EQ(test, r->defects.count[IOSM_MUX_DEFECT_COMMAND_COUNT], 1);

	put32(td + 16 + (IOSM_MUX_DL_COMMANDS - 1) * 20 + 8, 0);
	r = record_new(test);
	decode_exact(test, r, IOSM_MUX_AGGR, ALL_OPEN, td, len);
	KUNIT_EXPECT_EQ(test, r->count, IOSM_MUX_DL_COMMANDS);
	KUNIT_EXPECT_EQ(test, defects_total(&r->defects), 0);
}

/* Overlapping tables cannot make more entries than a block has room for. */
static void entries_are_bounded(struct kunit *test)
{
	const u32 len = IOSM_MUX_BLOCK_SIZE;
	struct record *r = record_new(test);
	u8 *td = block_buffer(test);
	u64 looked_at;
	u32 at;

	put_adbh(td, len, 16);
	for (at = 16; at + 32 <= len; at += 32) {
		put_adth(td + at, 0, 0, at + 64 <= len ? at + 32 : 0);
		put16(td + at + 4, len - at);
	}

	decode_exact(test, r, IOSM_MUX_AGGR, ALL_OPEN, td, len);
	looked_at = r->count + defects_total(&r->defects);
	KUNIT_EXPECT_LE(test, looked_at, len / 8 + 2 * IOSM_MUX_DL_TABLES);
	KUNIT_EXPECT_GT(test, r->defects.count[IOSM_MUX_DEFECT_ENTRY_COUNT], 0);
	KUNIT_EXPECT_LE(test, r->bytes, (u64)len);
}

/* A block cannot deliver more bytes than it has (M21). */
static void bytes_are_bounded(struct kunit *test)
{
	const u32 len = IOSM_MUX_BLOCK_SIZE;
	const u32 entries = 1000;
	struct record *r = record_new(test);
	u8 *td = block_buffer(test);
	u32 table = len - 16 - 8 * entries;
	u32 i;

	put_adbh(td, len, table);
	put_adth(td + table, 0, entries, 0);
	for (i = 0; i < entries; i++)
		put_entry(td + table + 16 + 8 * i, 16, 4096 + 16, 0);

	decode_exact(test, r, IOSM_MUX_AGGR, ALL_OPEN, td, len);
	KUNIT_EXPECT_EQ(test, r->count, len / 4096);
	KUNIT_EXPECT_EQ(test, r->bytes, (u64)len);
	KUNIT_EXPECT_EQ(test, r->defects.count[IOSM_MUX_DEFECT_ENTRY_BYTES],
			entries - len / 4096);
}

/* A header is believed as it was when it was checked (T7 of 10.6.4). */
static void headers_are_read_once(struct kunit *test)
{
	struct record *r = record_new(test);
	u8 td[ADB_LEN] = {};

	image_build(IMAGE_ADB, td);
	r->td = td;
	r->td_len = sizeof(td);
	r->scribble = td + ADB_TABLE1;
	r->scribble_len = 24;	/* the head of the table and its first entry */
	KUNIT_EXPECT_EQ(test, 3, iosm_mux_wire_decode(IOSM_MUX_AGGR, ALL_OPEN, td, sizeof(td),
						      &record_ops, r, &r->defects));
	KUNIT_EXPECT_FALSE(test, r->outside);
	KUNIT_EXPECT_EQ(test, defects_total(&r->defects), 0);

	r = record_new(test);
	memset(td, 0, sizeof(td));
	image_build(IMAGE_ACB, td);
	r->td = td;
	r->td_len = ACB_LEN;
	r->scribble = td;
	r->scribble_len = ACB_SECOND;
	KUNIT_EXPECT_EQ(test, 2, iosm_mux_wire_decode(IOSM_MUX_AGGR, ALL_OPEN, td, ACB_LEN,
						      &record_ops, r, &r->defects));
}

/* ---- Random mutation, same seed, same run ---- */

static void mutated_images_stay_inside(struct kunit *test)
{
	struct record *r = record_new(test);
	struct rnd_state rnd;
	u8 td[ADB_LEN + 64];
	unsigned int round;
	u64 delivered = 0, dropped = 0;

	prandom_seed_state(&rnd, 0x105eed);
	for (round = 0; round < 20000; round++) {
		enum image image = prandom_u32_state(&rnd) % (IMAGE_FCTH + 1);
		unsigned int edits = 1 + prandom_u32_state(&rnd) % 6;
		u32 len;

		memset(td, 0, sizeof(td));
		memset(r, 0, sizeof(*r));
		len = image_build(image, td);
		while (edits--) {
			u32 at = prandom_u32_state(&rnd) % len;
			u32 how = prandom_u32_state(&rnd) % 4;

			if (how == 0)
				td[at] = prandom_u32_state(&rnd);
			else if (how == 1)
				td[at] ^= 1 << prandom_u32_state(&rnd) % 8;
			else if (how == 2 && at + 4 <= len)
				put32(td + at, prandom_u32_state(&rnd) % (2 * len));
			else if (how == 3 && !(prandom_u32_state(&rnd) % 4))
				len = 1 + prandom_u32_state(&rnd) % len;
		}
		r->td = td;
		r->td_len = len;
		iosm_mux_wire_decode(image_variant(image), prandom_u32_state(&rnd) | 0x26,
				     td, len, &record_ops, r, &r->defects);
		KUNIT_ASSERT_FALSE_MSG(test, r->outside, "round %u", round);
		KUNIT_ASSERT_LE_MSG(test, r->bytes, (u64)len, "round %u", round);
		KUNIT_ASSERT_LE_MSG(test, r->count, 32, "round %u", round);
		delivered += r->count;
		dropped += defects_total(&r->defects);
	}
	/* the mutation is worth its name only if both happen a lot */
	KUNIT_EXPECT_GT(test, delivered, 2000);
	KUNIT_EXPECT_GT(test, dropped, 2000);
}

static void random_bytes_stay_inside(struct kunit *test)
{
	static const u32 signatures[] = {
		IOSM_MUX_SIG_ADGH, IOSM_MUX_SIG_ADBH, IOSM_MUX_SIG_CMDH,
		IOSM_MUX_SIG_ACBH, IOSM_MUX_SIG_FCTH,
	};
	struct record *r = record_new(test);
	struct rnd_state rnd;
	unsigned int round;
	u8 td[256];

	prandom_seed_state(&rnd, 0x105eed2);
	for (round = 0; round < 5000; round++) {
		u32 len = prandom_u32_state(&rnd) % (sizeof(td) + 1);

		memset(r, 0, sizeof(*r));
		prandom_bytes_state(&rnd, td, sizeof(td));
		put32(td, signatures[round % ARRAY_SIZE(signatures)]);
		r->td = td;
		r->td_len = len;
		iosm_mux_wire_decode(prandom_u32_state(&rnd) & 1, ALL_OPEN, td, len,
				     &record_ops, r, &r->defects);
		KUNIT_ASSERT_FALSE_MSG(test, r->outside, "round %u", round);
		KUNIT_ASSERT_GT_MSG(test, r->count + defects_total(&r->defects), 0,
				    "round %u", round);
	}
}

/* ---- Uplink ---- */

struct pad_case {
	const char *desc;
	enum iosm_mux_variant variant;
	u32 wish;
	int pad;
};

static const struct pad_case pad_cases[] = {
	{ "lite 0", IOSM_MUX_LITE, 0, 0 },
	{ "lite 1", IOSM_MUX_LITE, 1, 0 },
	{ "lite 16", IOSM_MUX_LITE, 16, 0 },
	{ "lite 17", IOSM_MUX_LITE, 17, 1 },
	{ "lite 32", IOSM_MUX_LITE, 32, 16 },
	{ "lite 256", IOSM_MUX_LITE, 256, 240 },
	{ "lite 257", IOSM_MUX_LITE, 257, -ERANGE },
	{ "lite all ones", IOSM_MUX_LITE, 0xffffffff, -ERANGE },
	{ "aggregation 0", IOSM_MUX_AGGR, 0, 0 },
	{ "aggregation 1", IOSM_MUX_AGGR, 1, 1 },
	{ "aggregation 15", IOSM_MUX_AGGR, 15, 15 },
	{ "aggregation 16", IOSM_MUX_AGGR, 16, 16 },
	{ "aggregation 17", IOSM_MUX_AGGR, 17, 1 },
	{ "aggregation 20", IOSM_MUX_AGGR, 20, 4 },
	{ "aggregation 32", IOSM_MUX_AGGR, 32, 16 },
	{ "aggregation 256", IOSM_MUX_AGGR, 256, 240 },
	{ "aggregation 257", IOSM_MUX_AGGR, 257, -ERANGE },
	{ "aggregation sign bit", IOSM_MUX_AGGR, 0x80000000, -ERANGE },
	{ "aggregation all ones", IOSM_MUX_AGGR, 0xffffffff, -ERANGE },
};

KUNIT_ARRAY_PARAM_DESC(pad_case, pad_cases, desc);

static void head_padding_follows_the_rule(struct kunit *test)
{
	const struct pad_case *c = test->param_value;

	KUNIT_EXPECT_EQ(test, iosm_mux_wire_ul_pad(c->variant, c->wish), c->pad);
}

static void largest_datagram_is_what_fits(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, iosm_mux_wire_max_datagram(IOSM_MUX_LITE, 0), 2032);
	KUNIT_EXPECT_EQ(test, iosm_mux_wire_max_datagram(IOSM_MUX_LITE, 1), 2031);
	KUNIT_EXPECT_EQ(test, iosm_mux_wire_max_datagram(IOSM_MUX_LITE, 240), 1792);
	KUNIT_EXPECT_EQ(test, iosm_mux_wire_max_datagram(IOSM_MUX_LITE, 2032), 0);
	KUNIT_EXPECT_EQ(test, iosm_mux_wire_max_datagram(IOSM_MUX_LITE, 4000), 0);
	KUNIT_EXPECT_EQ(test, iosm_mux_wire_max_datagram(IOSM_MUX_AGGR, 0), 16324);
	KUNIT_EXPECT_EQ(test, iosm_mux_wire_max_datagram(IOSM_MUX_AGGR, 16), 16308);
	KUNIT_EXPECT_EQ(test, iosm_mux_wire_max_datagram(IOSM_MUX_AGGR, 240), 16084);
}

/* The example of 5.4: a 40-byte packet of session 0 */
static void lite_datagram_matches_golden_image(struct kunit *test)
{
	static const u8 golden[16] = {
		0x41, 0x44, 0x47, 0x48, 0x38, 0x00, 0x00, 0x00,
		0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
	};
	u8 buf[64], *payload;

	memset(buf, STALE, sizeof(buf));
	KUNIT_ASSERT_EQ(test, 0x38, iosm_mux_wire_adgh(buf, sizeof(buf), 0, 0, 0, 40,
						       &payload));
	KUNIT_EXPECT_MEMEQ(test, buf, golden, sizeof(golden));
	KUNIT_EXPECT_PTR_EQ(test, payload, buf + 16);
	KUNIT_EXPECT_EQ(test, buf[16], STALE);
}

static void lite_datagram_has_padding_and_class(struct kunit *test)
{
	static const u8 golden[19] = {
		0x41, 0x44, 0x47, 0x48, 0x1b, 0x00, 0x07, 0x00,
		0x2e, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
		0x00, 0x00, 0x00,
	};
	u8 buf[64], *payload;

	memset(buf, STALE, sizeof(buf));
	KUNIT_ASSERT_EQ(test, 16 + 3 + 8, iosm_mux_wire_adgh(buf, sizeof(buf), 7, 0x2e, 3, 8,
							     &payload));
	KUNIT_EXPECT_MEMEQ(test, buf, golden, sizeof(golden));
	KUNIT_EXPECT_PTR_EQ(test, payload, buf + 19);
	KUNIT_EXPECT_EQ(test, buf[19], STALE);
}

static void lite_datagram_limits(struct kunit *test)
{
	u8 *buf = kunit_kzalloc(test, IOSM_MUX_BLOCK_SIZE, GFP_KERNEL);
	u8 *payload;

	KUNIT_ASSERT_NOT_NULL(test, buf);
	/* a larger buffer does not make a larger datagram */
	KUNIT_EXPECT_EQ(test, 2048, iosm_mux_wire_adgh(buf, IOSM_MUX_BLOCK_SIZE, 0, 0, 0,
						       2032, &payload));
	KUNIT_EXPECT_EQ(test, -EMSGSIZE, iosm_mux_wire_adgh(buf, IOSM_MUX_BLOCK_SIZE, 0, 0,
							    0, 2033, &payload));
	KUNIT_EXPECT_EQ(test, 2048, iosm_mux_wire_adgh(buf, 2048, 0, 0, 240, 1792, &payload));
	KUNIT_EXPECT_EQ(test, -EMSGSIZE, iosm_mux_wire_adgh(buf, 2048, 0, 0, 240, 1793,
							    &payload));
	KUNIT_EXPECT_EQ(test, -EMSGSIZE, iosm_mux_wire_adgh(buf, 64, 0, 0, 0, 49, &payload));
	KUNIT_EXPECT_EQ(test, -EMSGSIZE, iosm_mux_wire_adgh(buf, 2048, 0, 0, ~0U, ~0U,
							    &payload));
	KUNIT_EXPECT_EQ(test, -EMSGSIZE, iosm_mux_wire_adgh(buf, 8, 0, 0, 0, 1, &payload));
	KUNIT_EXPECT_EQ(test, -EINVAL, iosm_mux_wire_adgh(buf, 2048, 0, 0, 0, 0, &payload));
	KUNIT_EXPECT_EQ(test, -EINVAL, iosm_mux_wire_adgh(buf, 2048, 8, 0, 0, 1, &payload));
}

/* The example of 5.8 */
static void lite_queue_level_matches_golden_image(struct kunit *test)
{
	static const u8 golden[20] = {
		0x51, 0x4c, 0x54, 0x48, 0x14, 0x00, 0x00, 0x04,
		0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
		0x03, 0x00, 0x00, 0x00,
	};
	u8 buf[20];

	memset(buf, STALE, sizeof(buf));
	KUNIT_ASSERT_EQ(test, iosm_mux_wire_qlth(buf, sizeof(buf), 0, 3), 20);
	KUNIT_EXPECT_MEMEQ(test, buf, golden, sizeof(golden));
	KUNIT_EXPECT_EQ(test, iosm_mux_wire_qlth(buf, 19, 0, 3), -ENOSPC);
	KUNIT_EXPECT_EQ(test, iosm_mux_wire_qlth(buf, 20, 8, 3), -EINVAL);
}

struct uplink {
	struct iosm_mux_block block;
	struct iosm_mux_counters counters;
	u32 levels[IOSM_MUX_SESSIONS];
	u8 *buf;
	u32 len;
	/* what a modem finds in it */
	unsigned int datagrams[IOSM_MUX_SESSIONS];
	u32 bytes[IOSM_MUX_SESSIONS];
	u32 level[IOSM_MUX_SESSIONS];
	unsigned int order;
};

static struct uplink *uplink_new(struct kunit *test)
{
	struct uplink *ul = kunit_kzalloc(test, sizeof(*ul), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, ul);
	ul->buf = kunit_kmalloc(test, IOSM_MUX_BLOCK_SIZE, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, ul->buf);
	memset(ul->buf, STALE, IOSM_MUX_BLOCK_SIZE);
	iosm_mux_block_begin(&ul->block, ul->buf, IOSM_MUX_BLOCK_SIZE);
	return ul;
}

/* Adds a datagram whose bytes all say which session it belongs to. */
static bool uplink_add(struct uplink *ul, u8 session, u32 pad, u32 length)
{
	bool fits = iosm_mux_block_fits(&ul->block, session, pad, length);
	u8 *payload = iosm_mux_block_add(&ul->block, session, session, pad, length);

	if (payload)
		memset(payload, 0x40 + session, length);
	return payload && fits;
}

static void uplink_check_entries(struct kunit *test, struct uplink *ul, u32 table, u32 pad)
{
	u32 count = (get16(ul->buf + table + 4) - 16) / 8;
	u8 session = ul->buf[table + 6];
	u32 i, j;

	for (i = 0; i < count; i++) {
		const u8 *entry = ul->buf + table + 16 + 8 * i;
		u32 offset = get32(entry);
		u32 length = get16(entry + 4);

		KUNIT_ASSERT_EQ(test, offset % 4, 0);
		KUNIT_ASSERT_GE(test, offset, 16);
		KUNIT_ASSERT_LE(test, offset + length, ul->len);
		KUNIT_ASSERT_GT(test, length, pad);
		KUNIT_EXPECT_EQ(test, entry[6], session);
		KUNIT_EXPECT_EQ(test, entry[7], 0);
		for (j = 0; j < pad; j++)
			KUNIT_ASSERT_EQ(test, ul->buf[offset + j], 0);
		for (; j < length; j++)
			KUNIT_ASSERT_EQ(test, ul->buf[offset + j], 0x40 + session);
		for (; j % 4; j++)
			KUNIT_ASSERT_EQ(test, ul->buf[offset + j], 0);
		ul->datagrams[session]++;
		ul->bytes[session] += length - pad;
	}
}

/* Finishes a block and walks it as a modem does (5.5.1 to 5.5.4). */
static void uplink_finish(struct kunit *test, struct uplink *ul, u32 pad)
{
	u32 table, next;

	ul->len = iosm_mux_block_finish(&ul->block, &ul->counters, ul->levels);
	KUNIT_ASSERT_GT(test, ul->len, 0);
	KUNIT_ASSERT_LE(test, ul->len, IOSM_MUX_BLOCK_SIZE);
	KUNIT_ASSERT_MEMEQ(test, ul->buf, "ADBH", 4);
	KUNIT_EXPECT_EQ(test, get16(ul->buf + 4), 0);
	KUNIT_EXPECT_EQ(test, get16(ul->buf + 6) + 1, ul->counters.adb);
	KUNIT_EXPECT_EQ(test, get32(ul->buf + 8), ul->len);

	for (table = get32(ul->buf + 12); table; table = next) {
		u8 session = ul->buf[table + 6];
		u32 length = get16(ul->buf + table + 4);

		KUNIT_ASSERT_EQ(test, table % 4, 0);
		KUNIT_ASSERT_LE(test, table + length, ul->len);
		KUNIT_ASSERT_LT(test, session, IOSM_MUX_SESSIONS);
		KUNIT_EXPECT_EQ(test, ul->buf[table + 7], 0);
		KUNIT_EXPECT_EQ(test, get32(ul->buf + table + 12), 0);
		if (!memcmp(ul->buf + table, "ADTH", 4)) {
			KUNIT_EXPECT_EQ(test, ul->datagrams[session], 0);
			uplink_check_entries(test, ul, table, pad);
		} else {
			KUNIT_ASSERT_MEMEQ(test, ul->buf + table, "QLTH", 4);
			KUNIT_EXPECT_EQ(test, length, 20);
			KUNIT_EXPECT_GT(test, ul->datagrams[session], 0);
			ul->level[session] = get32(ul->buf + table + 16);
			KUNIT_EXPECT_GE(test, session, ul->order);
			ul->order = session + 1;
		}
		next = get32(ul->buf + table + 8);
		if (next)
			KUNIT_ASSERT_EQ(test, next, table + length);
		else
			KUNIT_EXPECT_EQ(test, table + length, ul->len);
	}
}

/* The example of 5.5.4, with zeros where it has unspecified bytes (Q43) */
static void block_matches_golden_image(struct kunit *test)
{
	static const u8 head[16] = {
		0x41, 0x44, 0x42, 0x48, 0x00, 0x00, 0x00, 0x00,
		0x64, 0x00, 0x00, 0x00, 0x38, 0x00, 0x00, 0x00,
	};
	static const u8 tables[44] = {
		0x41, 0x44, 0x54, 0x48, 0x18, 0x00, 0x00, 0x00,
		0x50, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
		0x10, 0x00, 0x00, 0x00, 0x28, 0x00, 0x00, 0x00,
		0x51, 0x4c, 0x54, 0x48, 0x14, 0x00, 0x00, 0x00,
		0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
		0x00, 0x00, 0x00, 0x00,
	};
	struct uplink *ul = uplink_new(test);

	KUNIT_ASSERT_TRUE(test, uplink_add(ul, 0, 0, 40));
	KUNIT_ASSERT_EQ(test, 0x64, iosm_mux_block_finish(&ul->block, &ul->counters,
							  ul->levels));
	KUNIT_EXPECT_MEMEQ(test, ul->buf, head, sizeof(head));
	KUNIT_EXPECT_MEMEQ(test, ul->buf + 0x38, tables, sizeof(tables));
	KUNIT_EXPECT_EQ(test, ul->buf[0x64], STALE);
}

static void empty_block_is_not_sent(struct kunit *test)
{
	struct uplink *ul = uplink_new(test);

	KUNIT_EXPECT_EQ(test, 0, iosm_mux_block_finish(&ul->block, &ul->counters, ul->levels));
	KUNIT_EXPECT_EQ(test, ul->counters.adb, 0);
}

struct subset_case {
	const char *desc;
	u8 sessions;
	u32 pad;
	u32 length;
};

static const struct subset_case subset_cases[] = {
	{ "session 0", 0x01, 0, 40 },
	{ "session 1 (Q38)", 0x02, 0, 40 },
	{ "sessions 0 and 3 (Q38)", 0x09, 16, 41 },
	{ "session 7", 0x80, 16, 1500 },
	{ "sessions 2 and 5", 0x24, 4, 1 },
	{ "all sessions", 0xff, 16, 123 },
};

KUNIT_ARRAY_PARAM_DESC(subset_case, subset_cases, desc);

static void block_refers_to_every_session(struct kunit *test)
{
	const struct subset_case *c = test->param_value;
	struct uplink *ul = uplink_new(test);
	int round, s;

	for (s = 0; s < IOSM_MUX_SESSIONS; s++)
		ul->levels[s] = 0x11110000 + s;
	for (round = 0; round < 3; round++) {
		for (s = IOSM_MUX_SESSIONS - 1; s >= 0; s--) {
			if (c->sessions & 1 << s)
				KUNIT_ASSERT_TRUE(test, uplink_add(ul, s, c->pad, c->length));
		}
	}

	uplink_finish(test, ul, c->pad);
	for (s = 0; s < IOSM_MUX_SESSIONS; s++) {
		bool used = c->sessions & 1 << s;

		KUNIT_EXPECT_EQ(test, ul->datagrams[s], used ? 3 : 0);
		KUNIT_EXPECT_EQ(test, ul->bytes[s], used ? 3 * c->length : 0);
		KUNIT_EXPECT_EQ(test, ul->level[s], used ? 0x11110000 + s : 0);
		KUNIT_EXPECT_EQ(test, ul->block.per_session[s].datagrams, ul->datagrams[s]);
		KUNIT_EXPECT_EQ(test, ul->block.per_session[s].bytes, ul->bytes[s]);
	}
}

static void block_takes_its_largest_datagram(struct kunit *test)
{
	struct uplink *ul = uplink_new(test);

	KUNIT_EXPECT_FALSE(test, uplink_add(ul, 3, 0, 16325));
	KUNIT_EXPECT_FALSE(test, uplink_add(ul, 3, 16, 16309));
	KUNIT_EXPECT_FALSE(test, uplink_add(ul, 3, ~0U, ~0U));
	KUNIT_EXPECT_FALSE(test, uplink_add(ul, 3, 0, 0));
	KUNIT_EXPECT_FALSE(test, uplink_add(ul, 8, 0, 40));
	KUNIT_EXPECT_TRUE(test, uplink_add(ul, 3, 16, 16308));
	KUNIT_EXPECT_FALSE(test, uplink_add(ul, 3, 0, 1));
	uplink_finish(test, ul, 16);
	KUNIT_EXPECT_EQ(test, ul->len, IOSM_MUX_BLOCK_SIZE);
	KUNIT_EXPECT_EQ(test, ul->bytes[3], 16308);
}

/* 16 + n strides + 8 n entries + 36 per session <= 16384 */
static void block_fills_to_the_last_byte(struct kunit *test)
{
	struct uplink *ul = uplink_new(test);
	int i;

	for (i = 0; i < 10; i++)
		KUNIT_ASSERT_TRUE(test, uplink_add(ul, i & 1, 0, 1500));
	/* used 16 + 10 * 1500, tables 10 * 8 + 2 * 36: 1216 are left */
	KUNIT_EXPECT_FALSE(test, uplink_add(ul, 0, 0, 1209));
	KUNIT_EXPECT_FALSE(test, uplink_add(ul, 2, 0, 1173));
	KUNIT_EXPECT_TRUE(test, uplink_add(ul, 2, 0, 1172));
	KUNIT_EXPECT_FALSE(test, uplink_add(ul, 0, 0, 1));
	uplink_finish(test, ul, 0);
	KUNIT_EXPECT_EQ(test, ul->len, IOSM_MUX_BLOCK_SIZE);
}

static void block_counts_its_datagrams(struct kunit *test)
{
	struct uplink *ul = uplink_new(test);
	int i;

	for (i = 0; i < IOSM_MUX_BLOCK_DATAGRAMS; i++)
		KUNIT_ASSERT_TRUE(test, uplink_add(ul, i % 8, 0, 20));
	KUNIT_EXPECT_FALSE(test, uplink_add(ul, 0, 0, 20));
	uplink_finish(test, ul, 0);
	for (i = 0; i < IOSM_MUX_SESSIONS; i++)
		KUNIT_EXPECT_EQ(test, ul->datagrams[i], IOSM_MUX_BLOCK_DATAGRAMS / 8);
}

/* No byte that was in the buffer before reaches the modem (Q43). */
static void random_blocks_have_no_stale_bytes(struct kunit *test)
{
	struct rnd_state rnd;
	int round;

	prandom_seed_state(&rnd, 0x105eed3);
	for (round = 0; round < 50; round++) {
		struct uplink *ul = uplink_new(test);
		u32 pad = prandom_u32_state(&rnd) % 20;
		unsigned int added = 0;
		u32 bytes = 0, i;
		u8 s;

		for (i = 0; i < 300; i++) {
			u32 length = 1 + prandom_u32_state(&rnd) % 400;

			s = prandom_u32_state(&rnd) % 8;
			if (uplink_add(ul, s, pad, length)) {
				added++;
				bytes += length;
			}
		}
		KUNIT_ASSERT_GT(test, added, 30);
		uplink_finish(test, ul, pad);
		for (s = 0; s < IOSM_MUX_SESSIONS; s++) {
			added -= ul->datagrams[s];
			bytes -= ul->bytes[s];
		}
		KUNIT_EXPECT_EQ(test, added, 0);
		KUNIT_EXPECT_EQ(test, bytes, 0);
		for (i = 16; i < get32(ul->buf + 12); i++)
			KUNIT_ASSERT_NE_MSG(test, ul->buf[i], STALE, "byte %u", i);
	}
}

static void block_sequence_counts_blocks(struct kunit *test)
{
	struct uplink *ul = uplink_new(test);
	int i;

	ul->counters.adb = 0xfffe;
	for (i = 0; i < 4; i++) {
		iosm_mux_block_begin(&ul->block, ul->buf, IOSM_MUX_BLOCK_SIZE);
		KUNIT_ASSERT_TRUE(test, uplink_add(ul, 0, 0, 40));
		iosm_mux_block_finish(&ul->block, &ul->counters, ul->levels);
		KUNIT_EXPECT_EQ(test, get16(ul->buf + 6), (u16)(0xfffe + i));
	}
	KUNIT_EXPECT_EQ(test, ul->counters.adb, 2);
	KUNIT_EXPECT_EQ(test, ul->counters.acb, 0);
	KUNIT_EXPECT_EQ(test, ul->counters.tid, 0);
}

/* ---- Small things ---- */

struct version_case {
	const char *desc;
	u8 first;
	u32 length;
	u8 version;
};

static const struct version_case version_cases[] = {
	{ "IPv4", 0x45, 20, 4 },
	{ "IPv4 with options", 0x4f, 60, 4 },
	{ "IPv4 too short", 0x45, 19, 0 },
	{ "IPv6", 0x60, 40, 6 },
	{ "IPv6 with a traffic class", 0x6f, 41, 6 },
	{ "IPv6 too short", 0x60, 39, 0 },
	{ "version 0", 0x00, 100, 0 },
	{ "version 5", 0x55, 100, 0 },
	{ "version 15", 0xff, 100, 0 },
	{ "empty", 0x45, 0, 0 },
};

KUNIT_ARRAY_PARAM_DESC(version_case, version_cases, desc);

static void ip_version_needs_its_header(struct kunit *test)
{
	const struct version_case *c = test->param_value;

	KUNIT_EXPECT_EQ(test, iosm_mux_wire_ip_version(c->first, c->length), c->version);
}

struct headers_case {
	const char *desc;
	u8 first;
	u8 protocol;
	u8 offset;		/* fourth word of the transport header, first byte */
	u32 length;
	u32 headers;
};

static const struct headers_case headers_cases[] = {
	{ "IPv4 TCP", 0x45, 6, 0x50, 128, 40 },
	{ "IPv4 TCP with options", 0x45, 6, 0x80, 128, 52 },
	{ "IPv4 with options, TCP", 0x4f, 6, 0x50, 128, 80 },
	{ "IPv4 header length lies", 0x40, 6, 0x50, 128, 40 },
	{ "IPv4 TCP offset lies", 0x45, 6, 0x00, 128, 40 },
	{ "IPv4 TCP, all options", 0x4f, 6, 0xf0, 128, 120 },
	{ "IPv4 TCP, headers cut", 0x4f, 6, 0xf0, 100, 100 },
	{ "IPv4 TCP, offset cut off", 0x4f, 6, 0xf0, 70, 60 },
	{ "IPv4 UDP", 0x45, 17, 0, 128, 28 },
	{ "IPv4 UDP cut", 0x45, 17, 0, 22, 22 },
	{ "IPv4 ICMP", 0x45, 1, 0, 128, 20 },
	{ "IPv6 TCP", 0x60, 6, 0xa0, 128, 80 },
	{ "IPv6 UDP", 0x60, 17, 0, 128, 48 },
	{ "IPv6 extension header", 0x60, 0, 0, 128, 40 },
	{ "not IP", 0x10, 6, 0x50, 128, 128 },
	{ "one byte", 0x45, 6, 0, 1, 1 },
};

KUNIT_ARRAY_PARAM_DESC(headers_case, headers_cases, desc);

static void headers_are_measured(struct kunit *test)
{
	const struct headers_case *c = test->param_value;
	u8 *packet = kunit_kzalloc(test, c->length, GFP_KERNEL);
	u32 ip = c->first >> 4 == 6 ? 40 : max_t(u32, (c->first & 15) * 4, 20);

	KUNIT_ASSERT_NOT_NULL(test, packet);
	packet[0] = c->first;
	if (c->length > 9)
		packet[c->first >> 4 == 6 ? 6 : 9] = c->protocol;
	if (c->length > ip + 12)
		packet[ip + 12] = c->offset;
	KUNIT_EXPECT_EQ(test, iosm_mux_wire_headers(packet, c->length), c->headers);
}

static void every_defect_has_a_name(struct kunit *test)
{
	int i, j;

	for (i = 0; i < IOSM_MUX_DEFECTS; i++) {
		const char *name = iosm_mux_wire_defect_name(i);

		KUNIT_ASSERT_NOT_NULL(test, name);
		KUNIT_EXPECT_LE(test, strlen(name), (size_t)20);
		for (j = 0; j < i; j++)
			KUNIT_EXPECT_NE(test, 0,
					strcmp(name, iosm_mux_wire_defect_name(j)));
	}
	KUNIT_EXPECT_NULL(test, iosm_mux_wire_defect_name(IOSM_MUX_DEFECTS));
}

static struct kunit_case iosm_mux_wire_cases[] = {
	KUNIT_CASE_PARAM(commands_match_golden_images, golden_command_gen_params),
	KUNIT_CASE_PARAM(commands_need_their_room, golden_command_gen_params),
	KUNIT_CASE(commands_reject_session_8),
	KUNIT_CASE(counters_wrap),
	KUNIT_CASE_PARAM(decodes_golden_image, golden_downlink_gen_params),
	KUNIT_CASE_PARAM(objects_of_the_other_variant_are_dropped,
			 golden_downlink_gen_params),
	KUNIT_CASE_PARAM(any_cut_image_is_dropped, golden_downlink_gen_params),
	KUNIT_CASE(decodes_golden_block),
	KUNIT_CASE_PARAM(checks_row, row_gen_params),
	KUNIT_CASE(table_chain_is_bounded),
	KUNIT_CASE(command_chain_is_bounded),
	KUNIT_CASE(entries_are_bounded),
	KUNIT_CASE(bytes_are_bounded),
	KUNIT_CASE(headers_are_read_once),
	KUNIT_CASE(mutated_images_stay_inside),
	KUNIT_CASE(random_bytes_stay_inside),
	KUNIT_CASE_PARAM(head_padding_follows_the_rule, pad_case_gen_params),
	KUNIT_CASE(largest_datagram_is_what_fits),
	KUNIT_CASE(lite_datagram_matches_golden_image),
	KUNIT_CASE(lite_datagram_has_padding_and_class),
	KUNIT_CASE(lite_datagram_limits),
	KUNIT_CASE(lite_queue_level_matches_golden_image),
	KUNIT_CASE(block_matches_golden_image),
	KUNIT_CASE(empty_block_is_not_sent),
	KUNIT_CASE_PARAM(block_refers_to_every_session, subset_case_gen_params),
	KUNIT_CASE(block_takes_its_largest_datagram),
	KUNIT_CASE(block_fills_to_the_last_byte),
	KUNIT_CASE(block_counts_its_datagrams),
	KUNIT_CASE(random_blocks_have_no_stale_bytes),
	KUNIT_CASE(block_sequence_counts_blocks),
	KUNIT_CASE_PARAM(ip_version_needs_its_header, version_case_gen_params),
	KUNIT_CASE_PARAM(headers_are_measured, headers_case_gen_params),
	KUNIT_CASE(every_defect_has_a_name),
	{}
};

static struct kunit_suite iosm_mux_wire_suite = {
	.name = "iosm_mux_wire",
	.test_cases = iosm_mux_wire_cases,
};

kunit_test_suite(iosm_mux_wire_suite);
