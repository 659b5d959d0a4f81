// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the tests of the multiplexer stand on, see iosm_mux_fixture.h.
 */

#include "iosm_mux_fixture.h"

#include <linux/bottom_half.h>
#include <linux/delay.h>
#include <linux/skbuff.h>
#include <linux/unaligned.h>

#include "iosm_kunit_skb.h"

static const struct iosm_client *const no_clients[] = { NULL };

/* ---- The network devices, in miniature ---- */

static void test_receive(void *ctx, u8 session, struct sk_buff *skb)
{
	struct iosm_rig *t = ctx;
	unsigned int n = skb_queue_len(&t->received);

	if (n < ARRAY_SIZE(t->received_session))
		t->received_session[n] = session;
	__skb_queue_tail(&t->received, skb);
}

static void test_receive_error(void *ctx, u8 session, bool no_memory)
{
	struct iosm_rig *t = ctx;

	t->receive_errors += !no_memory;
	t->receive_no_memory += no_memory;
}

static void test_stop(void *link)
{
	struct iosm_rig_link *l = link;

	l->stopped = true;
	l->stops++;
}

static void test_wake(void *link)
{
	struct iosm_rig_link *l = link;

	l->stopped = false;
	l->wakes++;
	if (l->runnable && list_empty(&l->run))
		list_add_tail(&l->run, l->queue);
}

static bool test_sent(void *link, u32 packets, u32 bytes, bool more)
{
	struct iosm_rig_link *l = link;

	l->sent_packets += packets;
	l->sent_bytes += bytes;
	l->most_outstanding = max(l->most_outstanding,
				  l->sent_bytes - l->completed_bytes);
	return !more;
}

static void test_completed(void *link, u32 packets, u32 bytes)
{
	struct iosm_rig_link *l = link;

	l->completed_packets += packets;
	l->completed_bytes += bytes;
}

static void test_reset(void *link, u32 dropped)
{
	struct iosm_rig_link *l = link;

	l->resets++;
	l->dropped = dropped;
	l->sent_packets = 0;
	l->sent_bytes = 0;
	l->completed_packets = 0;
	l->completed_bytes = 0;
}

static u32 test_backlog(void *link)
{
	return ((struct iosm_rig_link *)link)->backlog;
}

static const struct iosm_mux_ops test_ops = {
	.receive = test_receive,
	.receive_error = test_receive_error,
	.stop = test_stop,
	.wake = test_wake,
	.sent = test_sent,
	.completed = test_completed,
	.reset = test_reset,
	.backlog = test_backlog,
};

/* ---- The modem's side of the channel, offsets from protocol.rst ---- */

/**
 * iosm_rig_command() - a command of the modem, and its interrupt
 * @t: the rig
 * @code: command code
 * @session: in the command
 * @tid: in the command
 * @params: parameters
 * @count: words of them, one to three
 */
void iosm_rig_command(struct iosm_rig *t, u32 code, u8 session, u32 tid,
		      const u32 *params, unsigned int count)
{
	unsigned int head = iosm_rig_aggr(t) ? 36 : 16;
	u8 *cmdh, td[48] = {};
	unsigned int i;

	cmdh = td + (iosm_rig_aggr(t) ? 16 : 0);
	if (iosm_rig_aggr(t)) {
		memcpy(td, "ACBH", 4);
		put_unaligned_le32(head + 4 * count, td + 8);
		put_unaligned_le32(16, td + 12);
	}
	memcpy(cmdh, "CMDH", 4);
	put_unaligned_le16(head - (iosm_rig_aggr(t) ? 16 : 0) + 4 * count, cmdh + 4);
	cmdh[6] = session;
	put_unaligned_le32(code, td + head - 8);
	put_unaligned_le32(tid, td + head - 4);
	for (i = 0; i < count; i++)
		put_unaligned_le32(params[i], td + head + 4 * i);
	KUNIT_EXPECT_TRUE(t->test,
			  iosm_fake_send(t->fake, IOSM_RIG_DL, td, head + 4 * count));
	iosm_fake_interrupt(t->fake);
}

/**
 * iosm_rig_flow() - the modem stops a session, or lets it go on
 * @t: the rig
 * @session: 0 to 7
 * @tid: transaction
 * @mask: flow mask
 */
void iosm_rig_flow(struct iosm_rig *t, u8 session, u32 tid, u32 mask)
{
	iosm_rig_command(t, iosm_rig_aggr(t) && !mask ? 6 : 5, session, tid, &mask, 1);
}

/**
 * iosm_rig_link_report() - the modem reports the state of a link
 * @t: the rig
 * @session: 0 to 7
 * @tid: transaction
 */
void iosm_rig_link_report(struct iosm_rig *t, u8 session, u32 tid)
{
	const u32 payload = 1;

	iosm_rig_command(t, iosm_rig_aggr(t) ? 8 : 7, session, tid, &payload, 1);
}

/**
 * iosm_rig_grant() - the modem grants credits
 * @t: the rig
 * @session: 0 to 7
 * @bytes: how many more may be sent
 */
void iosm_rig_grant(struct iosm_rig *t, u8 session, u32 bytes)
{
	u8 td[20] = { 'F', 'C', 'T', 'H', 20, 0, session, 4 };

	put_unaligned_le32(bytes, td + 16);
	KUNIT_EXPECT_TRUE(t->test, iosm_fake_send(t->fake, IOSM_RIG_DL, td, sizeof(td)));
	iosm_fake_interrupt(t->fake);
}

/**
 * iosm_rig_answer() - the modem answers a session command, as it was told to
 * @t: the rig
 * @code: command code of the right answer
 * @session: 0 to 7
 * @tid: transaction of the command
 */
void iosm_rig_answer(struct iosm_rig *t, u32 code, u8 session, u32 tid)
{
	static const struct iosm_rig_answers right = {};
	const struct iosm_rig_answers *a =
		code == 4 && t->answers.open_only ? &right : &t->answers;
	const u32 params[] = { a->result, 0, a->pad };

	if (a->silent)
		return;
	iosm_rig_command(t, a->code ?: code, session + a->add_session, tid + a->add_tid,
			 params, code == 2 ? 3 : 1);
	if (a->duplicate)
		iosm_rig_command(t, code, session, tid, params, code == 2 ? 3 : 1);
}

/* ---- What the modem makes of uplink data (protocol.rst 5.4, 5.5) ---- */

static void modem_datagram(struct iosm_rig *t, u8 session, u8 service_class,
			   const u8 *data, u32 len)
{
	struct sk_buff *skb;

	if (session >= IOSM_MUX_SESSIONS || !len || !(data[0] >> 4)) {
		t->malformed++;
		return;
	}
	t->arrived_bytes[session] += len;
	if (!t->keep)
		return;
	skb = alloc_skb(len, GFP_ATOMIC);
	if (skb) {
		skb_put_data(skb, data, len);
		skb->priority = service_class;
		__skb_queue_tail(&t->arrived[session], skb);
	}
}

/* What the wish of the open response comes to, 5.7 */
static u32 modem_pad(struct iosm_rig *t)
{
	if (t->answers.pad > 16)
		return t->answers.pad - 16;
	return iosm_rig_aggr(t) ? t->answers.pad : 0;
}

static void modem_adgh(struct iosm_rig *t, const u8 *data, u32 len)
{
	u32 pad = modem_pad(t);

	if (len <= 16 + pad || get_unaligned_le16(data + 4) != len ||
	    memchr_inv(data + 16, 0, pad))
		t->malformed++;
	else
		modem_datagram(t, data[6], data[8], data + 16 + pad, len - 16 - pad);
}

static void modem_table(struct iosm_rig *t, const u8 *data, u32 len, u32 table)
{
	u32 length = get_unaligned_le16(data + table + 4);
	u32 pad = modem_pad(t), entry;

	if (length > len - table) {
		t->malformed++;
		return;
	}
	for (entry = table + 16; entry < table + length; entry += 8) {
		u32 offset = get_unaligned_le32(data + entry);
		u32 size = get_unaligned_le16(data + entry + 4);

		if (offset % 4 || offset < 16 || offset + size > table || size <= pad ||
		    memchr_inv(data + offset, 0, pad))
			t->malformed++;
		else
			modem_datagram(t, data[table + 6], data[entry + 6],
				       data + offset + pad, size - pad);
	}
}

static void modem_adbh(struct iosm_rig *t, const u8 *data, u32 len)
{
	u32 table = get_unaligned_le32(data + 12), last = 0;

	if (get_unaligned_le32(data + 8) != len || !table)
		t->malformed++;
	while (table) {
		if (table <= last || table % 4 || table > len - 16) {
			t->malformed++;
			return;
		}
		if (!memcmp(data + table, "ADTH", 4))
			modem_table(t, data, len, table);
		else if (memcmp(data + table, "QLTH", 4))
			t->malformed++;
		last = table;
		table = get_unaligned_le32(data + table + 8);
	}
}

/* Called inside of the doorbell, with the multiplexer's lock held. */
static void modem_uplink(struct iosm_fake *fake, unsigned int pipe, const u8 *data, u32 len)
{
	struct iosm_rig *t = fake->priv;
	const u8 *cmdh = data;
	unsigned int head = 16;
	u32 code;

	if (t->ul_count < IOSM_RIG_LOG) {
		t->ul[t->ul_count].len = len;
		t->ul[t->ul_count].data = kmemdup(data, len, GFP_ATOMIC);
	}
	t->ul_count++;
	if (!memcmp(data, "ADGH", 4))
		modem_adgh(t, data, len);
	else if (!memcmp(data, "ADBH", 4))
		modem_adbh(t, data, len);

	if (!memcmp(data, "ACBH", 4)) {
		cmdh = data + 16;
		head = 36;
	}
	if (memcmp(cmdh, "CMDH", 4))
		return;
	code = get_unaligned_le32(data + head - 8);
	if (code == 1) {
		t->last_open_tid = get_unaligned_le32(data + head - 4);
		iosm_rig_answer(t, 2, cmdh[6], t->last_open_tid);
	} else if (code == 3) {
		iosm_rig_answer(t, 4, cmdh[6], get_unaligned_le32(data + head - 4));
	}
}

/**
 * iosm_rig_uplink_count() - how many transfers of some kind the modem took
 * @t: the rig
 * @signature: four characters
 *
 * Return: how many, among the first IOSM_RIG_LOG ones.
 */
unsigned int iosm_rig_uplink_count(struct iosm_rig *t, const char *signature)
{
	unsigned int i, count = 0;

	for (i = 0; i < min_t(unsigned int, t->ul_count, IOSM_RIG_LOG); i++)
		count += !memcmp(t->ul[i].data, signature, 4);
	return count;
}

/**
 * iosm_rig_uplink() - one transfer that the modem took
 * @t: the rig
 * @signature: four characters
 * @nth: of those, from 0
 *
 * Return: the transfer, or NULL.
 */
const struct iosm_rig_transfer *iosm_rig_uplink(struct iosm_rig *t, const char *signature,
						unsigned int nth)
{
	unsigned int i;

	for (i = 0; i < min_t(unsigned int, t->ul_count, IOSM_RIG_LOG); i++) {
		if (!memcmp(t->ul[i].data, signature, 4) && !nth--)
			return &t->ul[i];
	}
	return NULL;
}

/**
 * iosm_rig_signature() - what commands of the host begin with
 * @t: the rig
 *
 * Return: four characters.
 */
const char *iosm_rig_signature(struct iosm_rig *t)
{
	return iosm_rig_aggr(t) ? "ACBH" : "CMDH";
}

/**
 * iosm_rig_command_code() - the code of a command of the host
 * @t: the rig
 * @nth: from 0; it must be there
 *
 * Return: the command code.
 */
u32 iosm_rig_command_code(struct iosm_rig *t, unsigned int nth)
{
	const struct iosm_rig_transfer *transfer = iosm_rig_uplink(t, iosm_rig_signature(t),
								   nth);

	KUNIT_ASSERT_NOT_NULL(t->test, transfer);
	return get_unaligned_le32(transfer->data + (iosm_rig_aggr(t) ? 28 : 8));
}

/**
 * iosm_rig_command_tid() - the transaction of a command of the host
 * @t: the rig
 * @nth: from 0; it must be there
 *
 * Return: the transaction id.
 */
u32 iosm_rig_command_tid(struct iosm_rig *t, unsigned int nth)
{
	const struct iosm_rig_transfer *transfer = iosm_rig_uplink(t, iosm_rig_signature(t),
								   nth);

	KUNIT_ASSERT_NOT_NULL(t->test, transfer);
	return get_unaligned_le32(transfer->data + (iosm_rig_aggr(t) ? 32 : 12));
}

/**
 * iosm_rig_uplink_forget() - forget transfers and doorbells of the host
 * @t: the rig
 */
void iosm_rig_uplink_forget(struct iosm_rig *t)
{
	unsigned int i;

	for (i = 0; i < min_t(unsigned int, t->ul_count, IOSM_RIG_LOG); i++)
		kfree(t->ul[i].data);
	t->ul_count = 0;
	iosm_fake_forget_bells(t->fake);
}

/**
 * iosm_rig_lazy() - from now on transfers stay in the ring until iosm_rig_take()
 * @t: the rig
 */
void iosm_rig_lazy(struct iosm_rig *t)
{
	t->fake->uplink = NULL;
}

/**
 * iosm_rig_take() - a lazy modem takes transfers, in the order of the ring
 * @t: the rig
 * @count: how many at most; 0: all that are there
 *
 * Return: how many there were.
 */
unsigned int iosm_rig_take(struct iosm_rig *t, unsigned int count)
{
	struct iosm_fake_td td;
	unsigned int done = 0;

	while ((!count || done < count) && iosm_fake_td(t->fake, IOSM_RIG_UL, 0, &td)) {
		u8 *copy = kmemdup(td.data, td.size, GFP_KERNEL);

		KUNIT_ASSERT_NOT_NULL(t->test, copy);
		iosm_fake_complete(t->fake, IOSM_RIG_UL, td.size, 2);
		modem_uplink(t->fake, IOSM_RIG_UL, copy, td.size);
		kfree(copy);
		done++;
	}
	iosm_fake_interrupt(t->fake);
	return done;
}

/**
 * iosm_rig_take_all() - a lazy modem takes transfers until no more come
 * @t: the rig
 */
void iosm_rig_take_all(struct iosm_rig *t)
{
	while (iosm_rig_take(t, 0))
		;
}

/**
 * iosm_rig_eager() - the modem takes everything, and from now on as it comes
 * @t: the rig
 */
void iosm_rig_eager(struct iosm_rig *t)
{
	t->fake->uplink = modem_uplink;
	iosm_fake_work(t->fake);
}

/* ---- Life ---- */

/**
 * iosm_rig_be_wrong() - the next answers will be wrong, or missing
 * @t: the rig
 * @answers: how
 *
 * Nobody wants to wait long for them: the multiplexer's time becomes short.
 */
void iosm_rig_be_wrong(struct iosm_rig *t, const struct iosm_rig_answers *answers)
{
	t->answers = *answers;
	iosm_mux_set_timeout(t->mux, 20);
}

/**
 * iosm_rig_be_silent() - the next answers will be missing, and nobody waits long
 * @t: the rig
 */
void iosm_rig_be_silent(struct iosm_rig *t)
{
	t->answers.silent = true;
	iosm_mux_set_timeout(t->mux, 20);
}

/**
 * iosm_rig_be_right() - the next answers will be right, and have all the time
 * @t: the rig
 */
void iosm_rig_be_right(struct iosm_rig *t)
{
	t->answers = (struct iosm_rig_answers){ .pad = t->answers.pad };
	iosm_mux_set_timeout(t->mux, 0);
}

static void destroy_mux(void *data)
{
	struct iosm_rig *t = data;
	struct sk_buff *skb;
	u8 s;

	/* Their pages go back to a pool that must not outlive the device. */
	while ((skb = __skb_dequeue(&t->received)))
		kfree_skb(skb);
	iosm_rig_be_right(t);
	if (t->fake->running)
		iosm_rig_eager(t);
	for (s = 0; s < IOSM_MUX_SESSIONS; s++) {
		if (t->links[s].session == s)
			iosm_mux_close(t->mux, s);
	}
	iosm_mux_destroy(t->mux);
	iosm_rig_uplink_forget(t);
	for (s = 0; s < IOSM_MUX_SESSIONS; s++)
		__skb_queue_purge(&t->arrived[s]);
	KUNIT_EXPECT_EQ(t->test, t->malformed, 0);
}

const struct iosm_rig_variant iosm_rig_variants[IOSM_RIG_VARIANTS] = {
	{ "lite", 0, 0 },
	{ "aggregation", IOSM_RIG_AGGR, 16 },
};

/**
 * iosm_rig_create_caps() - a modem online, and a multiplexer without sessions
 * @test: ends it, and then checks that the modem understood all transfers
 * @caps: capability register of the modem
 * @pad: head padding that the modem wishes, bytes
 *
 * Return: the rig; a failure ends the test.
 */
struct iosm_rig *iosm_rig_create_caps(struct kunit *test, u32 caps, u32 pad)
{
	struct iosm_rig *t = kunit_kzalloc(test, sizeof(*t), GFP_KERNEL);
	u8 s;

	KUNIT_ASSERT_NOT_NULL(test, t);
	t->test = test;
	t->variant = caps & IOSM_RIG_AGGR ? IOSM_MUX_AGGR : IOSM_MUX_LITE;
	t->answers.pad = pad;
	__skb_queue_head_init(&t->received);
	INIT_LIST_HEAD(&t->run_queue);
	for (s = 0; s < IOSM_MUX_SESSIONS; s++) {
		t->links[s].session = 0xff;
		t->links[s].queue = &t->run_queue;
		INIT_LIST_HEAD(&t->links[s].run);
		__skb_queue_head_init(&t->arrived[s]);
	}

	t->fake = iosm_fake_create(test, IOSM_PCI_DEVICE_7560);
	t->fake->priv = t;
	t->fake->uplink = modem_uplink;
	iosm_fake_set_reg(t->fake, 0xf4, caps);
	t->modem = iosm_fake_modem(t->fake, no_clients);
	iosm_fake_go_online(t->fake);

	t->mux = iosm_mux_create(t->modem, &test_ops, t);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, t->mux);
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, destroy_mux, t));
	iosm_fake_forget_bells(t->fake);
	return t;
}

/**
 * iosm_rig_create() - the same for one of iosm_rig_variants
 * @test: its parameter is the variant
 *
 * Return: the rig; a failure ends the test.
 */
struct iosm_rig *iosm_rig_create(struct kunit *test)
{
	const struct iosm_rig_variant *c = test->param_value;

	return iosm_rig_create_caps(test, c->caps, c->pad);
}

/**
 * iosm_rig_open() - open a session for its link
 * @t: the rig
 * @session: 0 to 7
 *
 * Return: as iosm_mux_open().
 */
int iosm_rig_open(struct iosm_rig *t, u8 session)
{
	int ret = iosm_mux_open(t->mux, session, &t->links[session]);

	if (!ret)
		t->links[session].session = session;
	return ret;
}

/**
 * iosm_rig_must_open() - open a session; a failure ends the test
 * @t: the rig
 * @session: 0 to 7
 */
void iosm_rig_must_open(struct iosm_rig *t, u8 session)
{
	KUNIT_ASSERT_EQ(t->test, iosm_rig_open(t, session), 0);
}

/**
 * iosm_rig_close() - close a session
 * @t: the rig
 * @session: 0 to 7
 */
void iosm_rig_close(struct iosm_rig *t, u8 session)
{
	t->links[session].session = 0xff;
	iosm_mux_close(t->mux, session);
}

/**
 * iosm_rig_stats() - what the multiplexer counted
 * @t: the rig
 *
 * Return: a snapshot, until the next call.
 */
const struct iosm_mux_stats *iosm_rig_stats(struct iosm_rig *t)
{
	iosm_mux_get_stats(t->mux, &t->stats);
	return &t->stats;
}

/* ---- Packets ---- */

/**
 * iosm_rig_packet() - a packet that is one datagram
 * @t: the rig
 * @length: bytes
 * @fill: all its bytes but the first, which is IPv4's
 *
 * Return: the packet; a failure ends the test.
 */
struct sk_buff *iosm_rig_packet(struct iosm_rig *t, u32 length, u8 fill)
{
	struct sk_buff *skb = alloc_skb(length, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(t->test, skb);
	memset(skb_put(skb, length), fill, length);
	skb->data[0] = 0x45;
	return skb;
}

/**
 * iosm_rig_give() - send a packet, as the stack does
 * @t: the rig
 * @session: 0 to 7
 * @skb: the packet
 * @more: another one follows
 *
 * Return: as iosm_mux_send().
 */
int iosm_rig_give(struct iosm_rig *t, u8 session, struct sk_buff *skb, bool more)
{
	int ret;

	local_bh_disable();
	ret = iosm_mux_send(t->mux, session, skb, more);
	local_bh_enable();
	return ret;
}

/**
 * iosm_rig_send() - send a packet of some length
 * @t: the rig
 * @session: 0 to 7
 * @length: bytes
 *
 * Return: as iosm_mux_send().
 */
int iosm_rig_send(struct iosm_rig *t, u8 session, u32 length)
{
	return iosm_rig_give(t, session, iosm_rig_packet(t, length, 0x60 + session), false);
}

/**
 * iosm_rig_super() - a TCP super-packet in several fragments
 * @t: the rig
 * @mss: payload of each segment, bytes
 * @payload: of all, bytes
 *
 * Return: the packet; a failure ends the test.
 */
struct sk_buff *iosm_rig_super(struct iosm_rig *t, u16 mss, u32 payload)
{
	const struct iosm_kunit_packet spec = {
		.mss = mss,
		.payload = payload,
		.linear = 99,
		.frags = { 4097, 8191, 1, 12001 },
		.seed = payload,
	};

	return iosm_kunit_skb(t->test, &spec);
}

/**
 * iosm_rig_expect_balance() - so much was sent as was completed, packets and bytes
 * @t: the rig
 * @session: 0 to 7
 */
void iosm_rig_expect_balance(struct iosm_rig *t, u8 session)
{
	const struct iosm_rig_link *link = &t->links[session];

	KUNIT_EXPECT_EQ(t->test, link->completed_packets, link->sent_packets);
	KUNIT_EXPECT_EQ(t->test, link->completed_bytes, link->sent_bytes);
}

/**
 * iosm_rig_expect_arrived() - these datagrams have arrived, in order, once each, and
 *	in the service class of their priority
 * @t: the rig
 * @session: 0 to 7
 * @expected: the datagrams
 *
 * Takes away what has arrived.
 */
void iosm_rig_expect_arrived(struct iosm_rig *t, u8 session, struct sk_buff_head *expected)
{
	struct sk_buff_head *arrived = &t->arrived[session];
	const struct sk_buff *want;
	unsigned int nth = 0;

	KUNIT_EXPECT_EQ(t->test, skb_queue_len(arrived), skb_queue_len(expected));
	skb_queue_walk(expected, want) {
		struct sk_buff *got = __skb_dequeue(arrived);

		KUNIT_ASSERT_NOT_NULL(t->test, got);
		KUNIT_ASSERT_EQ_MSG(t->test, got->len, want->len, "datagram %u", nth);
		KUNIT_ASSERT_EQ_MSG(t->test, 0, memcmp(got->data, want->data, want->len),
				    "datagram %u", nth);
		KUNIT_ASSERT_EQ_MSG(t->test, got->priority, want->priority & 0xff,
				    "datagram %u", nth);
		kfree_skb(got);
		nth++;
	}
}

/**
 * iosm_rig_settle() - wait until no poll runs or is about to
 * @t: the rig
 */
void iosm_rig_settle(struct iosm_rig *t)
{
	unsigned long end = jiffies + msecs_to_jiffies(IOSM_FAKE_SOON);

	while (test_bit(NAPI_STATE_SCHED, &t->modem->napi.state) &&
	       time_before(jiffies, end))
		usleep_range(50, 100);
}

/**
 * iosm_rig_nudge() - iosm_mux_nudge(), and the poll that it asks for
 * @t: the rig
 */
void iosm_rig_nudge(struct iosm_rig *t)
{
	local_bh_disable();
	iosm_mux_nudge(t->mux);
	local_bh_enable();
	iosm_rig_settle(t);
}

/**
 * iosm_rig_set_batch() - after how many packets the modem is rung at the latest
 * @t: the rig
 * @batch: how many
 */
void iosm_rig_set_batch(struct iosm_rig *t, u32 batch)
{
	struct iosm_mux_tuning tuning;

	iosm_mux_get_tuning(t->mux, &tuning);
	tuning.batch = batch;
	KUNIT_ASSERT_EQ(t->test, iosm_mux_set_tuning(t->mux, &tuning), 0);
}

/**
 * iosm_rig_deliver_lite() - the modem sends a packet in Lite
 * @t: the rig
 * @session: 0 to 7
 * @length: of the packet, bytes
 * @first: its first byte
 *
 * Without an interrupt; so do the next two.
 */
void iosm_rig_deliver_lite(struct iosm_rig *t, u8 session, u32 length, u8 first)
{
	u8 *td = kunit_kzalloc(t->test, 16 + length, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(t->test, td);
	memcpy(td, "ADGH", 4);
	put_unaligned_le16(16 + length, td + 4);
	td[6] = session;
	td[8] = 5;
	memset(td + 16, 0x30 + session, length);
	td[16] = first;
	KUNIT_EXPECT_TRUE(t->test, iosm_fake_send(t->fake, IOSM_RIG_DL, td, 16 + length));
	kunit_kfree(t->test, td);
}

/**
 * iosm_rig_deliver_block() - the modem sends a block of equal packets in one table
 * @t: the rig
 * @session: 0 to 7
 * @count: how many
 * @length: of each, bytes
 * @first: their first byte
 */
void iosm_rig_deliver_block(struct iosm_rig *t, u8 session, unsigned int count,
			    u32 length, u8 first)
{
	u32 stride = ALIGN(16 + length, 4);
	u32 table = 16 + count * stride;
	u32 len = table + 16 + 8 * count;
	u8 *td = kunit_kzalloc(t->test, len, GFP_KERNEL);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(t->test, td);
	memcpy(td, "ADBH", 4);
	put_unaligned_le32(len, td + 8);
	put_unaligned_le32(table, td + 12);
	memcpy(td + table, "ADTH", 4);
	put_unaligned_le16(16 + 8 * count, td + table + 4);
	td[table + 6] = session;
	for (i = 0; i < count; i++) {
		u8 *entry = td + table + 16 + 8 * i;

		memset(td + 16 + i * stride + 16, 0x30 + i, length);
		td[16 + i * stride + 16] = first;
		put_unaligned_le32(16 + i * stride, entry);
		put_unaligned_le16(16 + length, entry + 4);
		entry[6] = 5;
	}
	KUNIT_EXPECT_TRUE(t->test, iosm_fake_send(t->fake, IOSM_RIG_DL, td, len));
	kunit_kfree(t->test, td);
}

/**
 * iosm_rig_deliver() - the modem sends a packet
 * @t: the rig
 * @session: 0 to 7
 * @length: of the packet, bytes
 * @first: its first byte
 */
void iosm_rig_deliver(struct iosm_rig *t, u8 session, u32 length, u8 first)
{
	if (iosm_rig_aggr(t))
		iosm_rig_deliver_block(t, session, 1, length, first);
	else
		iosm_rig_deliver_lite(t, session, length, first);
}
