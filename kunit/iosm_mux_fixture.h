/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the tests of the multiplexer stand on: a rig of a modem in miniature that
 * speaks its side of protocol.rst 5, the multiplexer, and links in place of network
 * devices. The formats are written from protocol.rst with offsets of their own, so
 * that the rig and the driver check each other.
 *
 * By default the modem takes each transfer inside of the doorbell and answers session
 * commands with success. At the end of a test all that came must have been well formed.
 */
#ifndef IOSM_MUX_FIXTURE_H
#define IOSM_MUX_FIXTURE_H

#include <kunit/test.h>
#include <linux/list.h>
#include <linux/skbuff.h>

#include "../iosm_ipc_mux.h"
#include "iosm_kunit_bus.h"

/* Bytes on their way that stop all links, and what several may have together */
#define IOSM_RIG_THRESHOLD	196608
#define IOSM_RIG_CAPACITY	(IOSM_RIG_THRESHOLD / 8 * 7)
#define IOSM_RIG_LITE_BUFFERS	240

#define IOSM_RIG_UL		0	/* pipes of the data channel */
#define IOSM_RIG_DL		1
#define IOSM_RIG_LOG		256	/* transfers of the host that are kept */

/* Capabilities of the modem */
#define IOSM_RIG_AGGR		0x300
#define IOSM_RIG_CREDITS	0x200000

#define IOSM_RIG_VARIANTS	2

/**
 * struct iosm_rig_variant - a parameter of tests that run in both formats
 * @desc: name of the case
 * @caps: capability register of the modem
 * @pad: head padding that the modem wishes, bytes
 */
struct iosm_rig_variant {
	const char *desc;
	u32 caps;
	u32 pad;
};

/**
 * struct iosm_rig_link - what the multiplexer says of a link
 * @session: 0 to 7, or 0xff while it is closed
 * @stopped: was stopped, and not woken
 * @stops: how often it was stopped
 * @wakes: how often it was woken
 * @resets: how often its accounting was reset
 * @dropped: as the last reset says
 * @sent_packets: since the last reset
 * @sent_bytes: since the last reset
 * @completed_packets: since the last reset
 * @completed_bytes: since the last reset
 * @most_outstanding: bytes sent and not completed, the most that ever were
 * @backlog: what it says of itself, bytes
 * @runnable: goes to @queue when it is woken
 * @run: its place there
 * @queue: links that were woken
 */
struct iosm_rig_link {
	u8 session;
	bool stopped;
	unsigned int stops;
	unsigned int wakes;
	unsigned int resets;
	u32 dropped;
	u64 sent_packets;
	u64 sent_bytes;
	u64 completed_packets;
	u64 completed_bytes;
	u64 most_outstanding;
	u32 backlog;
	bool runnable;
	struct list_head run;
	struct list_head *queue;
};

/**
 * struct iosm_rig_transfer - a transfer of the host
 * @len: bytes
 * @data: a copy
 */
struct iosm_rig_transfer {
	u32 len;
	u8 *data;
};

/**
 * struct iosm_rig_answers - how the modem answers session commands
 * @open_only: the rest is about OPEN; CLOSE is answered as it should be
 * @silent: not at all
 * @duplicate: twice
 * @result: result code, 0 is success
 * @pad: head padding that it wishes, bytes
 * @add_tid: added to the right transaction id
 * @add_session: added to the right session
 * @code: command code instead of the right one, unless 0
 */
struct iosm_rig_answers {
	bool open_only;
	bool silent;
	bool duplicate;
	u32 result;
	u32 pad;
	u32 add_tid;
	u8 add_session;
	u32 code;
};

/**
 * struct iosm_rig - a multiplexer between a modem and links
 * @test: the test
 * @fake: the modem
 * @modem: the driver's idea of it
 * @mux: the multiplexer
 * @variant: format
 * @links: one for each session
 * @answers: how the modem answers
 * @last_open_tid: transaction of the last session that was opened
 * @ul: the first transfers of the host, see iosm_rig_uplink_forget()
 * @ul_count: how many there were; more than IOSM_RIG_LOG are counted, not stored
 * @arrived: datagrams of each session that the modem got, if @keep; the priority is
 *	the service class
 * @arrived_bytes: how many bytes that were
 * @malformed: what the modem did not understand; must be 0 at the end
 * @keep: keep @arrived
 * @use_credits: the modem grants credits
 * @run_queue: links that were woken, in that order
 * @received: packets that the multiplexer delivered
 * @received_session: the sessions of the first ones
 * @receive_errors: packets that were dropped as wrong
 * @receive_no_memory: packets that were dropped without memory
 *
 * @stats: the last snapshot, see iosm_rig_stats()
 */
struct iosm_rig {
	struct kunit *test;
	struct iosm_fake *fake;
	struct iosm_modem *modem;
	struct iosm_mux *mux;
	enum iosm_mux_variant variant;
	struct iosm_rig_link links[IOSM_MUX_SESSIONS];
	struct iosm_rig_answers answers;
	u32 last_open_tid;

	struct iosm_rig_transfer ul[IOSM_RIG_LOG];
	unsigned int ul_count;
	struct sk_buff_head arrived[IOSM_MUX_SESSIONS];
	u64 arrived_bytes[IOSM_MUX_SESSIONS];
	unsigned int malformed;
	bool keep;
	bool use_credits;
	struct list_head run_queue;

	struct sk_buff_head received;
	u8 received_session[64];
	unsigned int receive_errors;
	unsigned int receive_no_memory;

	struct iosm_mux_stats stats;
};

extern const struct iosm_rig_variant iosm_rig_variants[IOSM_RIG_VARIANTS];

/**
 * iosm_rig_aggr() - does the rig speak Aggregation?
 * @t: the rig
 *
 * Return: false: Lite.
 */
static inline bool iosm_rig_aggr(const struct iosm_rig *t)
{
	return t->variant == IOSM_MUX_AGGR;
}

void iosm_rig_command(struct iosm_rig *t, u32 code, u8 session, u32 tid,
		      const u32 *params, unsigned int count);
void iosm_rig_flow(struct iosm_rig *t, u8 session, u32 tid, u32 mask);
void iosm_rig_link_report(struct iosm_rig *t, u8 session, u32 tid);
void iosm_rig_grant(struct iosm_rig *t, u8 session, u32 bytes);
void iosm_rig_answer(struct iosm_rig *t, u32 code, u8 session, u32 tid);
unsigned int iosm_rig_uplink_count(struct iosm_rig *t, const char *signature);
const struct iosm_rig_transfer *iosm_rig_uplink(struct iosm_rig *t, const char *signature,
						unsigned int nth);
const char *iosm_rig_signature(struct iosm_rig *t);
u32 iosm_rig_command_code(struct iosm_rig *t, unsigned int nth);
u32 iosm_rig_command_tid(struct iosm_rig *t, unsigned int nth);
void iosm_rig_uplink_forget(struct iosm_rig *t);
void iosm_rig_lazy(struct iosm_rig *t);
unsigned int iosm_rig_take(struct iosm_rig *t, unsigned int count);
void iosm_rig_take_all(struct iosm_rig *t);
void iosm_rig_eager(struct iosm_rig *t);
void iosm_rig_be_wrong(struct iosm_rig *t, const struct iosm_rig_answers *answers);
void iosm_rig_be_silent(struct iosm_rig *t);
void iosm_rig_be_right(struct iosm_rig *t);
struct iosm_rig *iosm_rig_create_caps(struct kunit *test, u32 caps, u32 pad);
struct iosm_rig *iosm_rig_create(struct kunit *test);
int iosm_rig_open(struct iosm_rig *t, u8 session);
void iosm_rig_must_open(struct iosm_rig *t, u8 session);
void iosm_rig_close(struct iosm_rig *t, u8 session);
const struct iosm_mux_stats *iosm_rig_stats(struct iosm_rig *t);
struct sk_buff *iosm_rig_packet(struct iosm_rig *t, u32 length, u8 fill);
int iosm_rig_give(struct iosm_rig *t, u8 session, struct sk_buff *skb, bool more);
int iosm_rig_send(struct iosm_rig *t, u8 session, u32 length);
struct sk_buff *iosm_rig_super(struct iosm_rig *t, u16 mss, u32 payload);
void iosm_rig_expect_balance(struct iosm_rig *t, u8 session);
void iosm_rig_expect_arrived(struct iosm_rig *t, u8 session, struct sk_buff_head *expected);
void iosm_rig_settle(struct iosm_rig *t);
void iosm_rig_nudge(struct iosm_rig *t);
void iosm_rig_set_batch(struct iosm_rig *t, u32 batch);
void iosm_rig_deliver_lite(struct iosm_rig *t, u8 session, u32 length, u8 first);
void iosm_rig_deliver_block(struct iosm_rig *t, u8 session, unsigned int count,
			    u32 length, u8 first);
void iosm_rig_deliver(struct iosm_rig *t, u8 session, u32 length, u8 first);

#endif /* IOSM_MUX_FIXTURE_H */
