// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of the multiplexer (protocol.rst 5): sessions, commands, flow control, the
 * data path, and the rows M31 to M49 of 10.6.5 that need more than the codec.
 */

#include <linux/dma-mapping.h>
#include <linux/ip.h>
#include <linux/skbuff.h>
#include <linux/unaligned.h>
#include <net/checksum.h>
#include <net/ip6_checksum.h>
#include <net/netmem.h>
#include <net/page_pool/types.h>

#include "../iosm_ipc_mux.h"
#include "iosm_kunit_bus.h"
#include "iosm_kunit_skb.h"

/* Bytes on their way that stop all links, and what several may have together */
#define THRESHOLD	196608
#define CAPACITY	(THRESHOLD / 8 * 7)
#define LITE_BUFFERS	240

#define UL_PIPE		0
#define DL_PIPE		1
#define UL_LOG		256	/* transfers of the host that are kept */
#define CAPS_AGGR	0x300
#define CAPS_CREDITS	0x200000

/* What the multiplexer says of a link */
struct test_link {
	u8 session;
	bool stopped;
	unsigned int stops;
	unsigned int wakes;
	unsigned int resets;
	u32 dropped;		/* as the last reset says */
	u64 sent_packets;
	u64 sent_bytes;
	u64 completed_packets;
	u64 completed_bytes;
	u64 most_outstanding;	/* bytes sent and not completed */
	u32 backlog;
	bool runnable;		/* was woken, see run_links() */
	struct list_head run;
	struct list_head *queue;
};

struct test_transfer {
	u32 len;
	u8 *data;
};

/* How the modem answers session commands */
struct test_answers {
	bool silent;
	bool duplicate;
	u32 result;
	u32 pad;
	u32 add_tid;
	u8 add_session;
	u32 code;		/* instead of the right one */
};

struct mux_test {
	struct kunit *test;
	struct iosm_fake *fake;
	struct iosm_modem *modem;
	struct iosm_mux *mux;
	enum iosm_mux_variant variant;
	struct test_link links[IOSM_MUX_SESSIONS];
	struct test_answers answers;
	u32 last_open_tid;

	struct test_transfer ul[UL_LOG];
	unsigned int ul_count;
	struct sk_buff_head arrived[IOSM_MUX_SESSIONS];	/* if @keep */
	u64 arrived_bytes[IOSM_MUX_SESSIONS];
	unsigned int malformed;
	bool keep;
	bool use_credits;
	struct list_head run_queue;	/* links that were woken, in that order */

	struct sk_buff_head received;
	u8 received_session[64];
	unsigned int receive_errors;
	unsigned int receive_no_memory;
};

static const struct iosm_client *const no_clients[] = { NULL };

/* ---- The network devices, in miniature ---- */

static void test_receive(void *ctx, u8 session, struct sk_buff *skb)
{
	struct mux_test *t = ctx;
	unsigned int n = skb_queue_len(&t->received);

	if (n < ARRAY_SIZE(t->received_session))
		t->received_session[n] = session;
	__skb_queue_tail(&t->received, skb);
}

static void test_receive_error(void *ctx, u8 session, bool no_memory)
{
	struct mux_test *t = ctx;

	t->receive_errors += !no_memory;
	t->receive_no_memory += no_memory;
}

static void test_stop(void *link)
{
	struct test_link *l = link;

	l->stopped = true;
	l->stops++;
}

static void test_wake(void *link)
{
	struct test_link *l = link;

	l->stopped = false;
	l->wakes++;
	if (l->runnable && list_empty(&l->run))
		list_add_tail(&l->run, l->queue);
}

static bool test_sent(void *link, u32 packets, u32 bytes, bool more)
{
	struct test_link *l = link;

	l->sent_packets += packets;
	l->sent_bytes += bytes;
	l->most_outstanding = max(l->most_outstanding,
				  l->sent_bytes - l->completed_bytes);
	return !more;
}

static void test_completed(void *link, u32 packets, u32 bytes)
{
	struct test_link *l = link;

	l->completed_packets += packets;
	l->completed_bytes += bytes;
}

static void test_reset(void *link, u32 dropped)
{
	struct test_link *l = link;

	l->resets++;
	l->dropped = dropped;
	l->sent_packets = 0;
	l->sent_bytes = 0;
	l->completed_packets = 0;
	l->completed_bytes = 0;
}

static u32 test_backlog(void *link)
{
	return ((struct test_link *)link)->backlog;
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

static bool aggr(const struct mux_test *t)
{
	return t->variant == IOSM_MUX_AGGR;
}

/* Sends a command of the modem, with one to three words of parameters. */
static void modem_command(struct mux_test *t, u32 code, u8 session, u32 tid,
			  const u32 *params, unsigned int count)
{
	unsigned int head = aggr(t) ? 36 : 16;
	u8 *cmdh, td[48] = {};
	unsigned int i;

	cmdh = td + (aggr(t) ? 16 : 0);
	if (aggr(t)) {
		memcpy(td, "ACBH", 4);
		put_unaligned_le32(head + 4 * count, td + 8);
		put_unaligned_le32(16, td + 12);
	}
	memcpy(cmdh, "CMDH", 4);
	put_unaligned_le16(head - (aggr(t) ? 16 : 0) + 4 * count, cmdh + 4);
	cmdh[6] = session;
	put_unaligned_le32(code, td + head - 8);
	put_unaligned_le32(tid, td + head - 4);
	for (i = 0; i < count; i++)
		put_unaligned_le32(params[i], td + head + 4 * i);
	KUNIT_EXPECT_TRUE(t->test, iosm_fake_send(t->fake, DL_PIPE, td, head + 4 * count));
	iosm_fake_interrupt(t->fake);
}

static void modem_flow(struct mux_test *t, u8 session, u32 tid, u32 mask)
{
	modem_command(t, aggr(t) && !mask ? 6 : 5, session, tid, &mask, 1);
}

static void modem_link_report(struct mux_test *t, u8 session, u32 tid)
{
	const u32 payload = 1;

	modem_command(t, aggr(t) ? 8 : 7, session, tid, &payload, 1);
}

static void modem_credits(struct mux_test *t, u8 session, u32 bytes)
{
	u8 td[20] = { 'F', 'C', 'T', 'H', 20, 0, session, 4 };

	put_unaligned_le32(bytes, td + 16);
	KUNIT_EXPECT_TRUE(t->test, iosm_fake_send(t->fake, DL_PIPE, td, sizeof(td)));
	iosm_fake_interrupt(t->fake);
}

static void modem_answer(struct mux_test *t, u32 code, u8 session, u32 tid)
{
	const struct test_answers *a = &t->answers;
	const u32 params[] = { a->result, 0, a->pad };

	if (a->silent)
		return;
	modem_command(t, a->code ?: code, session + a->add_session, tid + a->add_tid,
		      params, code == 2 ? 3 : 1);
	if (a->duplicate)
		modem_command(t, code, session, tid, params, code == 2 ? 3 : 1);
}

/* ---- What the modem makes of uplink data (protocol.rst 5.4, 5.5) ---- */

static void modem_datagram(struct mux_test *t, u8 session, const u8 *data, u32 len)
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
		__skb_queue_tail(&t->arrived[session], skb);
	}
}

/* What the wish of the open response comes to, 5.7 */
static u32 modem_pad(struct mux_test *t)
{
	if (t->answers.pad > 16)
		return t->answers.pad - 16;
	return aggr(t) ? t->answers.pad : 0;
}

static void modem_adgh(struct mux_test *t, const u8 *data, u32 len)
{
	u32 pad = modem_pad(t);

	if (len <= 16 + pad || get_unaligned_le16(data + 4) != len ||
	    memchr_inv(data + 16, 0, pad))
		t->malformed++;
	else
		modem_datagram(t, data[6], data + 16 + pad, len - 16 - pad);
}

static void modem_table(struct mux_test *t, const u8 *data, u32 len, u32 table)
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
			modem_datagram(t, data[table + 6], data + offset + pad, size - pad);
	}
}

static void modem_adbh(struct mux_test *t, const u8 *data, u32 len)
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
	struct mux_test *t = fake->priv;
	const u8 *cmdh = data;
	unsigned int head = 16;
	u32 code;

	if (t->ul_count < UL_LOG) {
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
		modem_answer(t, 2, cmdh[6], t->last_open_tid);
	} else if (code == 3) {
		modem_answer(t, 4, cmdh[6], get_unaligned_le32(data + head - 4));
	}
}

/* Host transfers with this signature that the modem took */
static unsigned int uplink_count(struct mux_test *t, const char *signature)
{
	unsigned int i, count = 0;

	for (i = 0; i < min_t(unsigned int, t->ul_count, UL_LOG); i++)
		count += !memcmp(t->ul[i].data, signature, 4);
	return count;
}

/* The nth of them, from 0 */
static const struct test_transfer *uplink_nth(struct mux_test *t, const char *signature,
					      unsigned int nth)
{
	unsigned int i;

	for (i = 0; i < min_t(unsigned int, t->ul_count, UL_LOG); i++) {
		if (!memcmp(t->ul[i].data, signature, 4) && !nth--)
			return &t->ul[i];
	}
	return NULL;
}

static const char *command_signature(struct mux_test *t)
{
	return aggr(t) ? "ACBH" : "CMDH";
}

/* Code of the nth command of the host */
static u32 command_code(struct mux_test *t, unsigned int nth)
{
	const struct test_transfer *transfer = uplink_nth(t, command_signature(t), nth);

	KUNIT_ASSERT_NOT_NULL(t->test, transfer);
	return get_unaligned_le32(transfer->data + (aggr(t) ? 28 : 8));
}

static u32 command_tid(struct mux_test *t, unsigned int nth)
{
	const struct test_transfer *transfer = uplink_nth(t, command_signature(t), nth);

	KUNIT_ASSERT_NOT_NULL(t->test, transfer);
	return get_unaligned_le32(transfer->data + (aggr(t) ? 32 : 12));
}

static void uplink_forget(struct mux_test *t)
{
	unsigned int i;

	for (i = 0; i < min_t(unsigned int, t->ul_count, UL_LOG); i++)
		kfree(t->ul[i].data);
	t->ul_count = 0;
	iosm_fake_forget_bells(t->fake);
}

/* From now on transfers stay in the ring until modem_take(). */
static void modem_lazy(struct mux_test *t)
{
	t->fake->uplink = NULL;
}

/* Takes @count transfers, or all with 0, in the order of the ring. */
static unsigned int modem_take(struct mux_test *t, unsigned int count)
{
	struct iosm_fake_td td;
	unsigned int done = 0;

	while ((!count || done < count) && iosm_fake_td(t->fake, UL_PIPE, 0, &td)) {
		u8 *copy = kmemdup(td.data, td.size, GFP_KERNEL);

		KUNIT_ASSERT_NOT_NULL(t->test, copy);
		iosm_fake_complete(t->fake, UL_PIPE, td.size, 2);
		modem_uplink(t->fake, UL_PIPE, copy, td.size);
		kfree(copy);
		done++;
	}
	iosm_fake_interrupt(t->fake);
	return done;
}

/* Takes transfers until no more come. */
static void modem_take_all(struct mux_test *t)
{
	while (modem_take(t, 0))
		;
}

/* Lets the modem take everything, as it comes. */
static void modem_eager(struct mux_test *t)
{
	t->fake->uplink = modem_uplink;
	iosm_fake_work(t->fake);
}

/* ---- Life ---- */

/* The next answers will be missing or wrong, for which nobody wants to wait long. */
static void be_wrong(struct mux_test *t, const struct test_answers *answers)
{
	t->answers = *answers;
	iosm_mux_set_timeout(t->mux, 20);
}

static void be_silent(struct mux_test *t)
{
	t->answers.silent = true;
	iosm_mux_set_timeout(t->mux, 20);
}

static void be_right(struct mux_test *t)
{
	t->answers = (struct test_answers){ .pad = t->answers.pad };
	iosm_mux_set_timeout(t->mux, 0);
}

static void destroy_mux(void *data)
{
	struct mux_test *t = data;
	struct sk_buff *skb;
	u8 s;

	/* Their pages go back to a pool that must not outlive the device. */
	while ((skb = __skb_dequeue(&t->received)))
		kfree_skb(skb);
	be_right(t);
	if (t->fake->running)
		modem_eager(t);
	for (s = 0; s < IOSM_MUX_SESSIONS; s++) {
		if (t->links[s].session == s)
			iosm_mux_close(t->mux, s);
	}
	iosm_mux_destroy(t->mux);
	uplink_forget(t);
	for (s = 0; s < IOSM_MUX_SESSIONS; s++)
		__skb_queue_purge(&t->arrived[s]);
	KUNIT_EXPECT_EQ(t->test, t->malformed, 0);
}

struct variant_case {
	const char *desc;
	u32 caps;
	u32 pad;
};

static const struct variant_case variant_cases[] = {
	{ "lite", 0, 0 },
	{ "aggregation", CAPS_AGGR, 16 },
};

KUNIT_ARRAY_PARAM_DESC(variant_case, variant_cases, desc);

static struct mux_test *mux_test_caps(struct kunit *test, u32 caps, u32 pad)
{
	struct mux_test *t = kunit_kzalloc(test, sizeof(*t), GFP_KERNEL);
	u8 s;

	KUNIT_ASSERT_NOT_NULL(test, t);
	t->test = test;
	t->variant = caps & CAPS_AGGR ? IOSM_MUX_AGGR : IOSM_MUX_LITE;
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

static struct mux_test *mux_test(struct kunit *test)
{
	const struct variant_case *c = test->param_value;

	return mux_test_caps(test, c->caps, c->pad);
}

static int open_session(struct mux_test *t, u8 session)
{
	int ret = iosm_mux_open(t->mux, session, &t->links[session]);

	if (!ret)
		t->links[session].session = session;
	return ret;
}

static void must_open(struct mux_test *t, u8 session)
{
	KUNIT_ASSERT_EQ(t->test, open_session(t, session), 0);
}

static void close_session(struct mux_test *t, u8 session)
{
	t->links[session].session = 0xff;
	iosm_mux_close(t->mux, session);
}

static struct iosm_mux_stats stats(struct mux_test *t)
{
	struct iosm_mux_stats s;

	iosm_mux_get_stats(t->mux, &s);
	return s;
}

/* ---- Packets ---- */

static struct sk_buff *packet(struct mux_test *t, u32 length, u8 fill)
{
	struct sk_buff *skb = alloc_skb(length, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(t->test, skb);
	memset(skb_put(skb, length), fill, length);
	skb->data[0] = 0x45;
	return skb;
}

static int send_skb(struct mux_test *t, u8 session, struct sk_buff *skb, bool more)
{
	int ret;

	local_bh_disable();
	ret = iosm_mux_send(t->mux, session, skb, more);
	local_bh_enable();
	return ret;
}

static int send(struct mux_test *t, u8 session, u32 length)
{
	return send_skb(t, session, packet(t, length, 0x60 + session), false);
}

static struct sk_buff *super_packet(struct mux_test *t, u16 mss, u32 payload)
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

/* So much was sent as was completed, packets and bytes. */
static void expect_balance(struct mux_test *t, u8 session)
{
	const struct test_link *link = &t->links[session];

	KUNIT_EXPECT_EQ(t->test, link->completed_packets, link->sent_packets);
	KUNIT_EXPECT_EQ(t->test, link->completed_bytes, link->sent_bytes);
}

/* What has arrived for a session are these datagrams, in order, once each. */
static void expect_arrived(struct mux_test *t, u8 session, struct sk_buff_head *expected)
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
		kfree_skb(got);
		nth++;
	}
}

/* Waits until no poll runs or is about to. */
static void settle(struct mux_test *t)
{
	unsigned long end = jiffies + msecs_to_jiffies(IOSM_FAKE_SOON);

	while (test_bit(NAPI_STATE_SCHED, &t->modem->napi.state) &&
	       time_before(jiffies, end))
		usleep_range(50, 100);
}

static void nudge(struct mux_test *t)
{
	local_bh_disable();
	iosm_mux_nudge(t->mux);
	local_bh_enable();
	settle(t);
}

static void set_batch(struct mux_test *t, u32 batch)
{
	struct iosm_mux_tuning tuning;

	iosm_mux_get_tuning(t->mux, &tuning);
	tuning.batch = batch;
	KUNIT_ASSERT_EQ(t->test, iosm_mux_set_tuning(t->mux, &tuning), 0);
}

/* Puts an IP packet of @length bytes into a transfer and gives it to the host. */
static void modem_send_lite(struct mux_test *t, u8 session, u32 length, u8 first)
{
	u8 *td = kunit_kzalloc(t->test, 16 + length, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(t->test, td);
	memcpy(td, "ADGH", 4);
	put_unaligned_le16(16 + length, td + 4);
	td[6] = session;
	td[8] = 5;
	memset(td + 16, 0x30 + session, length);
	td[16] = first;
	KUNIT_EXPECT_TRUE(t->test, iosm_fake_send(t->fake, DL_PIPE, td, 16 + length));
	kunit_kfree(t->test, td);
}

/* A block of @count equal datagrams in one table */
static void modem_send_block(struct mux_test *t, u8 session, unsigned int count,
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
	KUNIT_EXPECT_TRUE(t->test, iosm_fake_send(t->fake, DL_PIPE, td, len));
	kunit_kfree(t->test, td);
}

static void modem_send(struct mux_test *t, u8 session, u32 length, u8 first)
{
	if (aggr(t))
		modem_send_block(t, session, 1, length, first);
	else
		modem_send_lite(t, session, length, first);
}

/* ---- Opening and closing sessions ---- */

static void first_session_opens_the_channel(struct kunit *test)
{
	struct mux_test *t = mux_test(test);
	const struct test_transfer *open;

	KUNIT_EXPECT_FALSE(test, t->fake->pipes[UL_PIPE].open);
	must_open(t, 3);
	KUNIT_EXPECT_TRUE(test, t->fake->pipes[UL_PIPE].open);
	KUNIT_EXPECT_TRUE(test, t->fake->pipes[DL_PIPE].open);
	KUNIT_EXPECT_EQ(test, t->fake->pipes[UL_PIPE].backoff, 1000);
	/* the answer used one buffer, which was replaced in the same poll */
	KUNIT_EXPECT_EQ(test, iosm_pipe_room(&t->modem->protocol.pipes[DL_PIPE]), 0);

	KUNIT_EXPECT_EQ(test, t->ul_count, 1);
	open = uplink_nth(t, command_signature(t), 0);
	KUNIT_ASSERT_NOT_NULL(test, open);
	KUNIT_EXPECT_EQ(test, open->len, aggr(t) ? 44 : 24);
	KUNIT_EXPECT_EQ(test, open->data[aggr(t) ? 22 : 6], 3);
	KUNIT_EXPECT_EQ(test, command_code(t, 0), 1);
	KUNIT_EXPECT_EQ(test, iosm_fake_count_bells(t->fake, IOSM_DB_HEAD, 8), 1);
	KUNIT_EXPECT_EQ(test, iosm_fake_count_bells(t->fake, IOSM_DB_HEAD, 3), 1);
}

static void last_session_closes_the_channel(struct kunit *test)
{
	struct mux_test *t = mux_test(test);

	must_open(t, 1);
	must_open(t, 7);
	close_session(t, 1);
	KUNIT_EXPECT_TRUE(test, t->fake->pipes[UL_PIPE].open);
	KUNIT_EXPECT_TRUE(test, t->fake->pipes[DL_PIPE].open);
	close_session(t, 7);
	KUNIT_EXPECT_FALSE(test, t->fake->pipes[UL_PIPE].open);
	KUNIT_EXPECT_FALSE(test, t->fake->pipes[DL_PIPE].open);

	KUNIT_ASSERT_EQ(test, uplink_count(t, command_signature(t)), 4);
	KUNIT_EXPECT_EQ(test, command_code(t, 0), 1);
	KUNIT_EXPECT_EQ(test, command_code(t, 1), 1);
	KUNIT_EXPECT_EQ(test, command_code(t, 2), 3);
	KUNIT_EXPECT_EQ(test, command_code(t, 3), 3);
	KUNIT_EXPECT_EQ(test, command_tid(t, 3), 3);
	KUNIT_EXPECT_EQ(test, t->links[1].resets, 1);
}

static void all_sessions_open_in_any_order(struct kunit *test)
{
	static const u8 order[] = { 5, 0, 7, 2, 1, 6, 3, 4 };
	struct mux_test *t = mux_test(test);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(order); i++)
		must_open(t, order[i]);
	KUNIT_EXPECT_EQ(test, iosm_mux_open(t->mux, 4, &t->links[4]), -EBUSY);
	for (i = 0; i < ARRAY_SIZE(order); i++)
		close_session(t, order[i]);
	KUNIT_EXPECT_FALSE(test, t->fake->pipes[UL_PIPE].open);
}

/* protocol.rst 5.2: the numbers go on */
static void counters_survive_the_channel(struct kunit *test)
{
	struct mux_test *t = mux_test(test);
	unsigned int i;

	for (i = 0; i < 4; i++) {
		must_open(t, 0);
		close_session(t, 0);
	}
	KUNIT_ASSERT_EQ(test, uplink_count(t, command_signature(t)), 8);
	for (i = 0; i < 8; i++) {
		KUNIT_EXPECT_EQ(test, command_tid(t, i), i);
		if (aggr(t))
			KUNIT_EXPECT_EQ(test, i, get_unaligned_le16(t->ul[i].data + 6));
	}
}

/* M32 */
static void refused_session_is_closed(struct kunit *test)
{
	struct mux_test *t = mux_test(test);

	t->answers.result = 0x80000001;
	KUNIT_EXPECT_EQ(test, open_session(t, 0), -ECONNREFUSED);
	KUNIT_EXPECT_FALSE(test, t->fake->pipes[UL_PIPE].open);
	KUNIT_EXPECT_FALSE(test, t->fake->pipes[DL_PIPE].open);
	KUNIT_EXPECT_EQ(test, t->ul_count, 1);

	t->answers.result = 0;
	must_open(t, 0);
}

static void refused_session_leaves_others_alone(struct kunit *test)
{
	struct mux_test *t = mux_test(test);

	must_open(t, 2);
	t->answers.result = 1;
	KUNIT_EXPECT_EQ(test, open_session(t, 0), -ECONNREFUSED);
	t->answers.result = 0;
	KUNIT_EXPECT_EQ(test, send(t, 2, 100), 0);
	KUNIT_EXPECT_EQ(test, send(t, 0, 100), -ENOLINK);
	KUNIT_EXPECT_EQ(test, t->links[2].completed_packets, 1);
}

/* M33 */
static void impossible_padding_is_refused(struct kunit *test)
{
	struct mux_test *t = mux_test(test);

	t->answers.pad = 257;
	KUNIT_EXPECT_EQ(test, open_session(t, 0), -EPROTO);
	t->answers.pad = 0xffffffff;
	KUNIT_EXPECT_EQ(test, open_session(t, 0), -EPROTO);
	KUNIT_EXPECT_FALSE(test, t->fake->pipes[UL_PIPE].open);
	/* the modem believes it open, so it is closed */
	KUNIT_ASSERT_EQ(test, uplink_count(t, command_signature(t)), 4);
	KUNIT_EXPECT_EQ(test, command_code(t, 1), 3);
	t->answers.pad = 256;
	must_open(t, 0);
	KUNIT_EXPECT_EQ(test, iosm_mux_max_mtu(t->mux, 0), aggr(t) ? 16084 : 1792);
}

static void silent_modem_times_out(struct kunit *test)
{
	struct mux_test *t = mux_test(test);

	be_silent(t);
	KUNIT_EXPECT_EQ(test, open_session(t, 0), -ETIMEDOUT);
	KUNIT_EXPECT_EQ(test, iosm_fake_count_events(t->fake, "MDM_TIMEOUT"), 1);
	KUNIT_EXPECT_EQ(test, stats(t).timeouts, 1);
	KUNIT_EXPECT_FALSE(test, t->fake->pipes[UL_PIPE].open);
}

static void close_without_answer_closes(struct kunit *test)
{
	struct mux_test *t = mux_test(test);

	must_open(t, 0);
	be_silent(t);
	close_session(t, 0);
	KUNIT_EXPECT_EQ(test, iosm_fake_count_events(t->fake, "MDM_TIMEOUT"), 1);
	KUNIT_EXPECT_FALSE(test, t->fake->pipes[UL_PIPE].open);
}

struct wrong_answer {
	const char *desc;
	u32 caps;
	struct test_answers answers;
};

/* M31 */
static const struct wrong_answer wrong_answers[] = {
	{ "lite, transaction id", 0, { .add_tid = 1 } },
	{ "lite, session", 0, { .add_session = 1 } },
	{ "lite, command", 0, { .code = 4 } },
	{ "aggregation, transaction id", CAPS_AGGR, { .add_tid = 0xffffffff } },
	{ "aggregation, session", CAPS_AGGR, { .add_session = 7 } },
	{ "aggregation, command", CAPS_AGGR, { .code = 4 } },
};

KUNIT_ARRAY_PARAM_DESC(wrong_answer, wrong_answers, desc);

static void wrong_answer_is_no_answer(struct kunit *test)
{
	const struct wrong_answer *c = test->param_value;
	struct mux_test *t = mux_test_caps(test, c->caps, 0);

	must_open(t, 6);
	be_wrong(t, &c->answers);
	KUNIT_EXPECT_EQ(test, open_session(t, 0), -ETIMEDOUT);
	KUNIT_EXPECT_GT(test, stats(t).late_answers, 0);
	be_right(t);
	must_open(t, 0);
}

static void late_answer_satisfies_nobody(struct kunit *test)
{
	struct mux_test *t = mux_test(test);
	u64 late;
	u32 tid;

	must_open(t, 6);
	be_silent(t);
	KUNIT_EXPECT_EQ(test, open_session(t, 0), -ETIMEDOUT);
	tid = t->last_open_tid;
	be_right(t);
	late = stats(t).late_answers;
	modem_answer(t, 2, 0, tid);
	KUNIT_EXPECT_EQ(test, stats(t).late_answers, late + 1);
	KUNIT_EXPECT_EQ(test, send(t, 0, 40), -ENOLINK);

	/* neither does one that came before the question (Q35) */
	modem_answer(t, 2, 0, tid + 2);
	be_silent(t);
	KUNIT_EXPECT_EQ(test, open_session(t, 0), -ETIMEDOUT);
}

static void duplicate_answer_is_counted(struct kunit *test)
{
	struct mux_test *t = mux_test(test);

	t->answers.duplicate = true;
	must_open(t, 0);
	KUNIT_EXPECT_EQ(test, stats(t).late_answers, 1);
	close_session(t, 0);
	must_open(t, 0);
}

static void offline_modem_opens_nothing(struct kunit *test)
{
	struct mux_test *t = mux_test(test);

	iosm_fake_crash(t->fake);
	iosm_fake_await(t->fake, IOSM_CRASHED);
	KUNIT_EXPECT_EQ(test, open_session(t, 0), -ENODEV);
}

static void session_closes_after_a_crash(struct kunit *test)
{
	struct mux_test *t = mux_test(test);
	unsigned long start;

	must_open(t, 0);
	must_open(t, 1);
	KUNIT_EXPECT_EQ(test, send(t, 0, 40), 0);
	t->fake->control = NULL;
	iosm_modem_broken(t->modem, "test");
	KUNIT_EXPECT_EQ(test, send(t, 0, 40), 0);
	start = jiffies;
	close_session(t, 0);
	close_session(t, 1);
	KUNIT_EXPECT_LT(test, jiffies_to_msecs(jiffies - start), 500);
}

/* ---- Uplink data ---- */

static void packet_goes_at_once(struct kunit *test)
{
	struct mux_test *t = mux_test(test);
	const struct test_transfer *transfer;

	must_open(t, 5);
	uplink_forget(t);
	KUNIT_EXPECT_EQ(test, send(t, 5, 40), 0);
	KUNIT_ASSERT_EQ(test, t->ul_count, 1);
	KUNIT_EXPECT_EQ(test, iosm_fake_count_bells(t->fake, IOSM_DB_HEAD, 4), 1);
	transfer = &t->ul[0];
	if (aggr(t)) {
		/* 16 bytes header, 16 padding, 40 packet, tables of 24 and 20 */
		KUNIT_EXPECT_EQ(test, transfer->len, 16 + 56 + 24 + 20);
		KUNIT_EXPECT_MEMEQ(test, transfer->data, "ADBH", 4);
		KUNIT_EXPECT_EQ(test, transfer->data[72 + 6], 5);
		KUNIT_EXPECT_EQ(test, get_unaligned_le16(transfer->data + 72 + 20), 56);
		KUNIT_EXPECT_EQ(test, transfer->data[32], 0x45);
		KUNIT_EXPECT_EQ(test, transfer->data[71], 0x65);
	} else {
		KUNIT_EXPECT_EQ(test, transfer->len, 56);
		KUNIT_EXPECT_MEMEQ(test, transfer->data, "ADGH", 4);
		KUNIT_EXPECT_EQ(test, get_unaligned_le16(transfer->data + 4), 56);
		KUNIT_EXPECT_EQ(test, transfer->data[6], 5);
		KUNIT_EXPECT_EQ(test, transfer->data[16], 0x45);
		KUNIT_EXPECT_EQ(test, transfer->data[55], 0x65);
	}
	KUNIT_EXPECT_EQ(test, t->links[5].sent_bytes, 40);
	KUNIT_EXPECT_EQ(test, t->links[5].completed_packets, 1);
	KUNIT_EXPECT_EQ(test, t->links[5].completed_bytes, 40);
}

static void head_padding_is_as_agreed(struct kunit *test)
{
	struct mux_test *t = mux_test(test);

	t->answers.pad = 20;
	must_open(t, 0);
	uplink_forget(t);
	KUNIT_EXPECT_EQ(test, send(t, 0, 41), 0);
	KUNIT_ASSERT_EQ(test, t->ul_count, 1);
	KUNIT_EXPECT_EQ(test, get_unaligned_le32(t->ul[0].data + 16), 0);
	KUNIT_EXPECT_EQ(test, t->ul[0].data[20], 0x45);
	KUNIT_EXPECT_EQ(test, iosm_mux_max_mtu(t->mux, 0), aggr(t) ? 16320 : 2028);
	KUNIT_EXPECT_EQ(test, send(t, 0, iosm_mux_max_mtu(t->mux, 0)), 0);
	KUNIT_EXPECT_EQ(test, send(t, 0, iosm_mux_max_mtu(t->mux, 0) + 1), -EMSGSIZE);
}

static void impossible_packets_are_dropped(struct kunit *test)
{
	struct mux_test *t = mux_test(test);
	struct sk_buff *empty = alloc_skb(16, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, empty);
	must_open(t, 0);
	uplink_forget(t);
	KUNIT_EXPECT_EQ(test, send_skb(t, 0, empty, false), -EINVAL);
	KUNIT_EXPECT_EQ(test, send(t, 0, 40000), -EMSGSIZE);
	KUNIT_EXPECT_EQ(test, send(t, 1, 40), -ENOLINK);
	KUNIT_EXPECT_EQ(test, t->ul_count, 0);
	KUNIT_EXPECT_EQ(test, t->links[0].sent_packets, 0);
}

static const u8 *payload(struct mux_test *t, unsigned int nth)
{
	return t->ul[nth].data + (aggr(t) ? 32 : 16);
}

static void fragments_are_copied(struct kunit *test)
{
	struct mux_test *t = mux_test(test);
	struct sk_buff *skb = packet(t, 28, 1);
	struct page *page = alloc_page(GFP_KERNEL);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, page);
	for (i = 0; i < 1000; i++)
		((u8 *)page_address(page))[100 + i] = i * 7;
	skb_add_rx_frag(skb, 0, page, 100, 1000, PAGE_SIZE);
	must_open(t, 0);
	uplink_forget(t);
	KUNIT_EXPECT_EQ(test, send_skb(t, 0, skb, false), 0);
	KUNIT_ASSERT_EQ(test, t->ul_count, 1);
	for (i = 0; i < 1000; i++)
		KUNIT_ASSERT_EQ(test, payload(t, 0)[28 + i], (u8)(i * 7));
}

struct sum_case {
	const char *desc;
	u32 caps;
	u16 start;
	u16 offset;
	u32 length;
	u32 frag;
	bool zero;	/* the sum of the data comes out as zero */
};

static const struct sum_case sum_cases[] = {
	{ "lite TCP", 0, 20, 16, 900, 0, false },
	{ "lite TCP in fragments", 0, 20, 16, 901, 700, false },
	{ "lite UDP that sums up to zero", 0, 20, 6, 40, 0, true },
	{ "aggregation UDP", CAPS_AGGR, 40, 6, 1401, 0, false },
	{ "aggregation TCP in fragments", CAPS_AGGR, 40, 16, 1333, 1000, false },
	{ "aggregation UDP that sums up to zero", CAPS_AGGR, 40, 6, 60, 0, true },
};

KUNIT_ARRAY_PARAM_DESC(sum_case, sum_cases, desc);

static void checksum_is_made_on_the_way(struct kunit *test)
{
	const struct sum_case *c = test->param_value;
	struct mux_test *t = mux_test_caps(test, c->caps, 16);
	u32 linear = c->length - c->frag;
	struct sk_buff *skb = packet(t, linear, 0x11);
	const u8 *sent;
	__sum16 sum;

	/* the stack leaves the folded sum of the pseudo header in the field */
	put_unaligned_le16(c->zero ? 0 : 0x1234, skb->data + c->start + c->offset);
	if (c->zero) {
		memset(skb->data + c->start, 0, c->length - c->start);
		put_unaligned_le16(0xffff, skb->data + c->start + c->offset);
	}
	if (c->frag) {
		struct page *page = alloc_page(GFP_KERNEL);

		KUNIT_ASSERT_NOT_NULL(test, page);
		memset(page_address(page), 0x77, PAGE_SIZE);
		skb_add_rx_frag(skb, 0, page, 1, c->frag, PAGE_SIZE);
	}
	skb->ip_summed = CHECKSUM_PARTIAL;
	skb->csum_start = skb->data + c->start - skb->head;
	skb->csum_offset = c->offset;

	must_open(t, 0);
	uplink_forget(t);
	KUNIT_EXPECT_EQ(test, send_skb(t, 0, skb, false), 0);
	KUNIT_ASSERT_EQ(test, t->ul_count, 1);
	sent = payload(t, 0);
	if (c->zero) {
		KUNIT_EXPECT_EQ(test, 0xffff,
				get_unaligned_le16(sent + c->start + c->offset));
		return;
	}
	/* data and checksum add up to the complement of the pseudo header's sum */
	sum = csum_fold(csum_partial(sent + c->start, c->length - c->start, 0));
	KUNIT_EXPECT_EQ(test, (__force u16)sum, (__force u16)cpu_to_le16(0x1234));
}

static void more_packets_share_a_doorbell(struct kunit *test)
{
	struct mux_test *t = mux_test(test);
	int i;

	must_open(t, 0);
	uplink_forget(t);
	for (i = 0; i < 5; i++)
		KUNIT_EXPECT_EQ(test, send_skb(t, 0, packet(t, 100, i), true), 0);
	KUNIT_EXPECT_EQ(test, t->ul_count, 0);
	IOSM_FAKE_EXPECT_NO_BELL(t->fake);
	KUNIT_EXPECT_EQ(test, send_skb(t, 0, packet(t, 100, i), false), 0);
	KUNIT_EXPECT_EQ(test, t->ul_count, aggr(t) ? 1 : 6);
	KUNIT_EXPECT_EQ(test, t->fake->bell_count, 1);
	KUNIT_EXPECT_EQ(test, t->links[0].completed_packets, 6);
}

/* The last packet of a burst is dropped: the others must not wait for it. */
static void dropped_packet_ends_a_burst(struct kunit *test)
{
	struct mux_test *t = mux_test(test);

	must_open(t, 0);
	uplink_forget(t);
	KUNIT_EXPECT_EQ(test, send_skb(t, 0, packet(t, 100, 1), true), 0);
	KUNIT_EXPECT_EQ(test, send_skb(t, 0, packet(t, 40000, 1), true), -EMSGSIZE);
	KUNIT_EXPECT_EQ(test, t->ul_count, 1);
}

static void batches_form_under_load(struct kunit *test)
{
	struct mux_test *t = mux_test(test);
	unsigned int i;

	must_open(t, 0);
	modem_lazy(t);
	uplink_forget(t);
	for (i = 0; i < 10; i++)
		KUNIT_EXPECT_EQ(test, send(t, 0, 100), 0);
	/*
	 * Aggregation: one went at once, the others wait for it. Lite:
	 * rung for at 1, 2, 3, 5 and 8 transfers, half as many as were known each time.
	 */
	KUNIT_EXPECT_EQ(test, t->fake->bell_count, aggr(t) ? 1 : 5);
	KUNIT_EXPECT_EQ(test, iosm_fake_posted(t->fake, UL_PIPE), aggr(t) ? 1 : 8);
	modem_take(t, aggr(t) ? 1 : 4);
	KUNIT_EXPECT_EQ(test, t->fake->bell_count, aggr(t) ? 2 : 6);
	KUNIT_EXPECT_EQ(test, iosm_fake_posted(t->fake, UL_PIPE), aggr(t) ? 1 : 6);
	modem_take_all(t);
	KUNIT_EXPECT_EQ(test, t->links[0].completed_packets, 10);
	KUNIT_EXPECT_EQ(test, t->links[0].completed_bytes, 1000);
	KUNIT_EXPECT_EQ(test, iosm_fake_posted(t->fake, UL_PIPE), 0);
	if (aggr(t))
		KUNIT_EXPECT_EQ(test, uplink_count(t, "ADBH"), 2);
}

/* Lite: what waits for a doorbell is bounded. */
static void long_batch_is_rung(struct kunit *test)
{
	struct mux_test *t = mux_test_caps(test, 0, 0);
	struct iosm_mux_tuning tuning;
	unsigned int i;

	iosm_mux_get_tuning(t->mux, &tuning);
	tuning.batch = 4;
	KUNIT_ASSERT_EQ(test, iosm_mux_set_tuning(t->mux, &tuning), 0);
	must_open(t, 0);
	modem_lazy(t);
	uplink_forget(t);
	/* at 1, 2, 3, 5, 8, and then at every fourth */
	for (i = 0; i < 8 + 4 + 4 + 3; i++)
		KUNIT_EXPECT_EQ(test, send(t, 0, 100), 0);
	KUNIT_EXPECT_EQ(test, t->fake->bell_count, 5 + 2);
	KUNIT_EXPECT_EQ(test, iosm_fake_posted(t->fake, UL_PIPE), 16);
}

static void full_block_is_posted(struct kunit *test)
{
	struct mux_test *t = mux_test_caps(test, CAPS_AGGR, 0);
	unsigned int i;

	must_open(t, 0);
	modem_lazy(t);
	uplink_forget(t);
	for (i = 0; i < 1 + 11; i++)
		KUNIT_EXPECT_EQ(test, send(t, 0, 1500), 0);
	KUNIT_EXPECT_EQ(test, iosm_fake_posted(t->fake, UL_PIPE), 2);
	modem_take_all(t);
	KUNIT_EXPECT_EQ(test, t->links[0].completed_packets, 12);
}

static void sessions_share_a_block(struct kunit *test)
{
	struct mux_test *t = mux_test_caps(test, CAPS_AGGR, 0);
	const struct test_transfer *block;
	u8 s;

	for (s = 0; s < IOSM_MUX_SESSIONS; s++)
		must_open(t, s);
	modem_lazy(t);
	uplink_forget(t);
	KUNIT_EXPECT_EQ(test, send(t, 0, 40), 0);
	t->links[5].backlog = 12345;
	for (s = 0; s < IOSM_MUX_SESSIONS; s++)
		KUNIT_EXPECT_EQ(test, send(t, s, 40), 0);
	modem_take_all(t);
	KUNIT_ASSERT_EQ(test, uplink_count(t, "ADBH"), 2);
	block = uplink_nth(t, "ADBH", 1);
	KUNIT_EXPECT_EQ(test, block->len, 16 + 8 * (40 + 24 + 20));
	/* queue level of session 5, in bytes (Q41) */
	KUNIT_EXPECT_EQ(test, 12345, get_unaligned_le32(block->data + 16 + 8 * 40 +
							5 * 44 + 24 + 16));
	for (s = 0; s < IOSM_MUX_SESSIONS; s++)
		KUNIT_EXPECT_EQ(test, t->links[s].completed_packets, s ? 1 : 2);
}

/* All that it sent has completed, and its queue has more: it must find room. */
static void backlog_competes(struct kunit *test)
{
	struct mux_test *t = mux_test(test);
	unsigned int i;

	must_open(t, 0);
	must_open(t, 1);
	modem_lazy(t);
	t->links[1].backlog = 5000;
	for (i = 0; i < 1000 && !t->links[0].stopped; i++)
		KUNIT_ASSERT_EQ(test, send(t, 0, 1400), 0);
	KUNIT_EXPECT_GE(test, t->links[0].sent_bytes, CAPACITY / 2 - 1400);
	KUNIT_EXPECT_LE(test, t->links[0].sent_bytes, CAPACITY / 2 + 1400);
	t->links[1].backlog = 0;
	modem_take_all(t);
	KUNIT_EXPECT_FALSE(test, t->links[0].stopped);
}

/* protocol.rst 5.8 (b) */
static void too_much_on_its_way_stops_the_links(struct kunit *test)
{
	struct mux_test *t = mux_test(test);
	unsigned int sent = 0;

	must_open(t, 0);
	must_open(t, 1);
	modem_lazy(t);
	while (!t->links[0].stopped && sent < 1000) {
		KUNIT_ASSERT_EQ(test, send(t, 0, 1400), 0);
		sent++;
	}
	KUNIT_EXPECT_GE(test, sent * 1400, THRESHOLD - 16384);
	KUNIT_EXPECT_LE(test, sent * 1400, THRESHOLD + 16384);
	KUNIT_EXPECT_EQ(test, stats(t).ul_congested, 1);

	/* the other link finds out with its next packet, which is kept */
	KUNIT_EXPECT_FALSE(test, t->links[1].stopped);
	KUNIT_EXPECT_EQ(test, send(t, 1, 1400), 0);
	KUNIT_EXPECT_TRUE(test, t->links[1].stopped);
	KUNIT_EXPECT_EQ(test, t->links[1].sent_packets, 0);
	KUNIT_EXPECT_EQ(test, send(t, 1, 1400), -ENOBUFS);

	modem_take_all(t);
	KUNIT_EXPECT_FALSE(test, t->links[0].stopped);
	KUNIT_EXPECT_FALSE(test, t->links[1].stopped);
	KUNIT_EXPECT_EQ(test, t->links[0].completed_packets, sent);
	KUNIT_EXPECT_EQ(test, t->links[1].completed_packets, 1);
}

/* Small packets use up buffers before they use up bytes. */
static void no_buffer_stops_a_link(struct kunit *test)
{
	struct mux_test *t = mux_test_caps(test, 0, 0);
	unsigned int sent = 0;

	must_open(t, 0);
	modem_lazy(t);
	while (!t->links[0].stopped && sent < 1000) {
		KUNIT_ASSERT_EQ(test, send(t, 0, 40), 0);
		sent++;
	}
	KUNIT_EXPECT_EQ(test, sent, LITE_BUFFERS);
	KUNIT_EXPECT_EQ(test, stats(t).ul_congested, 0);
	modem_take_all(t);
	KUNIT_EXPECT_FALSE(test, t->links[0].stopped);
	KUNIT_EXPECT_EQ(test, t->links[0].completed_packets, sent);
}

/* ---- Super-packets ---- */

struct super_case {
	const char *desc;
	u32 caps;
	u32 pad;
	struct iosm_kunit_packet spec;
};

static const struct super_case super_cases[] = {
	{ "lite, TCP", 0, 0, { .mss = 1400, .payload = 65000, .linear = 700 } },
	{ "lite, TCP, longest segments", 0, 0, { .mss = 1992, .payload = 9999 } },
	{ "lite, UDP, padding", 0, 20,
	  { .udp = true, .mss = 1001, .payload = 33333, .frags = { 4097, 8191 } } },
	{ "lite, UDP, more segments than buffers", 0, 0,
	  { .udp = true, .mss = 101, .payload = 40001, .frags = { 4097, 8191 } } },
	{ "lite, TCPv6", 0, 0, { .v6 = true, .mss = 1333, .payload = 20001 } },
	{ "aggregation, TCP", CAPS_AGGR, 16, { .mss = 1400, .payload = 65000, .linear = 700 } },
	{ "aggregation, TCP, segments that fill a block", CAPS_AGGR, 16,
	  { .mss = 16268, .payload = 65000 } },
	{ "aggregation, TCP, odd sizes", CAPS_AGGR, 20,
	  { .mss = 1111, .payload = 55555, .frags = { 8191, 4097, 8193, 16383 } } },
	{ "aggregation, UDP, more segments than in a block", CAPS_AGGR, 0,
	  { .udp = true, .mss = 1, .payload = 600, .linear = 600 } },
	{ "aggregation, UDPv6", CAPS_AGGR, 16,
	  { .v6 = true, .udp = true, .mss = 1232, .payload = 30001 } },
};

KUNIT_ARRAY_PARAM_DESC(super_case, super_cases, desc);

static void super_packet_arrives_in_segments(struct kunit *test)
{
	const struct super_case *c = test->param_value;
	struct mux_test *t = mux_test_caps(test, c->caps, c->pad);
	struct sk_buff *skb = iosm_kunit_skb(test, &c->spec);
	struct sk_buff_head *expected = iosm_kunit_datagrams(test, skb);
	u32 count = skb_queue_len(expected);

	must_open(t, 3);
	t->keep = true;
	KUNIT_EXPECT_EQ(test, send_skb(t, 3, skb, false), 0);
	settle(t);
	KUNIT_EXPECT_FALSE(test, t->links[3].stopped);
	KUNIT_EXPECT_EQ(test, t->links[3].sent_packets, count);
	KUNIT_EXPECT_EQ(test, t->links[3].sent_bytes,
			c->spec.payload + count * iosm_kunit_headers(&c->spec));
	KUNIT_EXPECT_EQ(test, stats(t).ul_datagrams, count);
	expect_balance(t, 3);
	expect_arrived(t, 3, expected);
}

/* A lone packet behind one that was cut, in one burst with it */
static void packets_keep_their_order(struct kunit *test)
{
	struct mux_test *t = mux_test(test);
	struct sk_buff_head *expected, *more;
	struct sk_buff *skb;
	unsigned int i;

	must_open(t, 0);
	t->keep = true;
	modem_lazy(t);
	expected = kunit_kzalloc(test, sizeof(*expected), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, expected);
	__skb_queue_head_init(expected);
	for (i = 0; i < 40; i++) {
		skb = i % 2 ? packet(t, 100 + i, i) : super_packet(t, 500, 1000 + 777 * i);
		more = iosm_kunit_datagrams(test, skb);
		skb_queue_splice_tail_init(more, expected);
		KUNIT_ASSERT_EQ(test, send_skb(t, 0, skb, i % 4 != 3), 0);
		if (t->links[0].stopped)
			modem_take_all(t);
		KUNIT_ASSERT_FALSE(test, t->links[0].stopped);
	}
	modem_take_all(t);
	expect_balance(t, 0);
	expect_arrived(t, 0, expected);
	__skb_queue_purge(expected);
}

/* ---- Reasons to stop in the middle of a super-packet ---- */

enum reason {
	BY_CREDITS,
	BY_BUFFERS,
	BY_THRESHOLD,
	BY_SHARE,
};

struct reason_case {
	const char *desc;
	u32 caps;
	enum reason reason;
};

static const struct reason_case reason_cases[] = {
	{ "lite, credits", CAPS_CREDITS, BY_CREDITS },
	{ "lite, buffers", 0, BY_BUFFERS },
	{ "lite, threshold", 0, BY_THRESHOLD },
	{ "lite, share", 0, BY_SHARE },
	{ "lite, share, with credits", CAPS_CREDITS, BY_SHARE },
	{ "aggregation, buffers", CAPS_AGGR, BY_BUFFERS },
	{ "aggregation, threshold", CAPS_AGGR, BY_THRESHOLD },
	{ "aggregation, share", CAPS_AGGR, BY_SHARE },
};

KUNIT_ARRAY_PARAM_DESC(reason_case, reason_cases, desc);

/* What of link 0 is on its way when the super-packet comes, and what of link 1 */
static void prepare_to_stop(struct mux_test *t, enum reason reason)
{
	unsigned int i;

	switch (reason) {
	case BY_CREDITS:
		modem_credits(t, 0, 5 * 1440 + 1439);
		break;
	case BY_BUFFERS:
		/* 16 blocks or LITE_BUFFERS datagrams, and some of them taken by others */
		set_batch(t, 1);
		for (i = 0; i < (aggr(t) ? 14 : LITE_BUFFERS - 8); i++)
			KUNIT_ASSERT_EQ(t->test, send(t, 1, 40), 0);
		break;
	case BY_THRESHOLD:
		for (i = 0; i < 105; i++)
			KUNIT_ASSERT_EQ(t->test, send(t, 1, 1400), 0);
		break;
	case BY_SHARE:
		if (t->use_credits) {
			modem_credits(t, 0, 1000000);
			modem_credits(t, 1, 1000000);
		}
		KUNIT_ASSERT_EQ(t->test, send(t, 1, 100), 0);
		for (i = 0; i < 20; i++)
			KUNIT_ASSERT_EQ(t->test, send(t, 0, 1400), 0);
		break;
	}
}

struct halted {
	struct mux_test *t;
	struct sk_buff_head *expected;
	u64 before;	/* packets sent before the super-packet */
	u64 sent;	/* of it until it stopped */
};

/* Sends a super-packet that stops in its middle, for a known reason. */
static struct halted halt(struct kunit *test)
{
	const struct reason_case *c = test->param_value;
	struct halted h = { .t = mux_test_caps(test, c->caps, 0) };
	struct mux_test *t = h.t;
	struct sk_buff *skb;

	t->use_credits = c->caps & CAPS_CREDITS;
	must_open(t, 0);
	must_open(t, 1);
	modem_lazy(t);
	prepare_to_stop(t, c->reason);
	h.before = t->links[0].sent_packets;
	KUNIT_ASSERT_FALSE(test, t->links[0].stopped);

	skb = super_packet(t, 1400, 65000);
	h.expected = iosm_kunit_datagrams(test, skb);
	KUNIT_ASSERT_EQ(test, skb_queue_len(h.expected), 47);
	KUNIT_ASSERT_EQ(test, send_skb(t, 0, skb, false), 0);
	h.sent = t->links[0].sent_packets - h.before;
	KUNIT_ASSERT_TRUE(test, t->links[0].stopped);
	KUNIT_ASSERT_GT(test, h.sent, 0);
	KUNIT_ASSERT_LT(test, h.sent, 47);
	KUNIT_EXPECT_EQ(test, stats(t).ul_held, 1);
	KUNIT_EXPECT_EQ(test, stats(t).ul_congested, c->reason == BY_THRESHOLD);
	/* who comes after it has to wait */
	KUNIT_EXPECT_EQ(test, send(t, 0, 40), -ENOBUFS);
	return h;
}

static void super_packet_stops_in_the_middle(struct kunit *test)
{
	const struct reason_case *c = test->param_value;
	struct halted h = halt(test);
	struct mux_test *t = h.t;

	switch (c->reason) {
	case BY_CREDITS:
		KUNIT_EXPECT_EQ(test, h.sent, 5);
		/* one more byte is one more datagram */
		modem_credits(t, 0, 1);
		KUNIT_EXPECT_EQ(test, t->links[0].sent_packets, 6);
		modem_credits(t, 0, 1439);
		KUNIT_EXPECT_EQ(test, t->links[0].sent_packets, 6);
		modem_credits(t, 0, 1000000);
		break;
	case BY_BUFFERS:
		/* it goes on while others still come back, not after the last one */
		if (!aggr(t))
			KUNIT_EXPECT_EQ(test, h.sent, 8);
		while (t->links[0].sent_packets == h.sent)
			KUNIT_ASSERT_EQ(test, modem_take(t, 1), 1);
		KUNIT_EXPECT_GT(test, iosm_fake_posted(t->fake, UL_PIPE), 0);
		break;
	case BY_THRESHOLD:
		/* not before half of it is gone */
		while (t->arrived_bytes[0] + t->arrived_bytes[1] + 16384 < THRESHOLD / 2) {
			KUNIT_ASSERT_EQ(test, modem_take(t, 1), 1);
			KUNIT_ASSERT_EQ(test, t->links[0].sent_packets, h.sent);
		}
		break;
	case BY_SHARE:
		/* half of what those who compete may have, and not a datagram more */
		KUNIT_EXPECT_GE(test, t->links[0].sent_bytes, CAPACITY / 2);
		KUNIT_EXPECT_LT(test, t->links[0].sent_bytes, CAPACITY / 2 + 1440);
		break;
	}
	modem_take_all(t);
	settle(t);
	KUNIT_EXPECT_FALSE(test, t->links[0].stopped);
	KUNIT_EXPECT_EQ(test, t->links[0].sent_packets, h.before + 47);
	expect_balance(t, 0);
	expect_balance(t, 1);
}

/* The same bytes, whatever it stopped for, and if the modem takes little by little */
static void stopped_super_packet_arrives_whole(struct kunit *test)
{
	struct halted h = halt(test);
	struct mux_test *t = h.t;
	unsigned int i;

	t->keep = true;
	if (t->use_credits)
		modem_credits(t, 0, 100000);
	for (i = 0; i < 1000 && modem_take(t, 1); i++)
		;
	settle(t);
	for (i = 0; i < h.before; i++)
		kfree_skb(__skb_dequeue(&t->arrived[0]));
	expect_arrived(t, 0, h.expected);
	expect_balance(t, 0);
}

/* A flow stop that comes in the middle holds the rest back, whatever else happens. */
static void flow_stop_holds_the_rest(struct kunit *test)
{
	const struct reason_case *c = test->param_value;
	struct halted h = halt(test);
	struct mux_test *t = h.t;

	modem_flow(t, 0, 1, IOSM_MUX_FLOW_STOP);
	if (t->use_credits)
		modem_credits(t, 0, 100000);
	modem_take_all(t);
	settle(t);
	KUNIT_EXPECT_EQ(test, t->links[0].sent_packets, h.before + h.sent);
	KUNIT_EXPECT_TRUE(test, t->links[0].stopped);
	expect_balance(t, 0);
	/* it does not stop others */
	if (!t->use_credits || c->reason == BY_SHARE) {
		KUNIT_EXPECT_EQ(test, send(t, 1, 100), 0);
		KUNIT_EXPECT_FALSE(test, t->links[1].stopped);
	}

	modem_flow(t, 0, 2, IOSM_MUX_FLOW_RESUME);
	modem_take_all(t);
	settle(t);
	KUNIT_EXPECT_EQ(test, t->links[0].sent_packets, h.before + 47);
	KUNIT_EXPECT_FALSE(test, t->links[0].stopped);
	expect_balance(t, 0);
}

/* Stopped before its first byte */
static void stopped_link_holds_all_of_it(struct kunit *test)
{
	struct mux_test *t = mux_test(test);
	struct sk_buff *skb = super_packet(t, 1400, 30000);
	struct sk_buff_head *expected = iosm_kunit_datagrams(test, skb);

	must_open(t, 0);
	t->keep = true;
	modem_flow(t, 0, 1, IOSM_MUX_FLOW_STOP);
	KUNIT_EXPECT_EQ(test, send_skb(t, 0, skb, false), 0);
	KUNIT_EXPECT_EQ(test, t->links[0].sent_packets, 0);
	KUNIT_EXPECT_EQ(test, stats(t).ul_held, 1);
	modem_flow(t, 0, 2, IOSM_MUX_FLOW_RESUME);
	settle(t);
	expect_balance(t, 0);
	expect_arrived(t, 0, expected);
}

/* The rest of it is told of, and is gone; what was sent is not told of again. */
static void close_drops_the_rest(struct kunit *test)
{
	struct halted h = halt(test);
	struct mux_test *t = h.t;

	be_silent(t);
	close_session(t, 0);
	be_right(t);
	KUNIT_EXPECT_EQ(test, t->links[0].resets, 1);
	KUNIT_EXPECT_EQ(test, t->links[0].dropped, 47 - h.sent);

	modem_eager(t);
	settle(t);
	KUNIT_EXPECT_EQ(test, t->links[0].sent_packets, 0);
	KUNIT_EXPECT_EQ(test, t->links[0].completed_packets, 0);
	must_open(t, 0);
	if (t->use_credits)
		modem_credits(t, 0, 1000);
	KUNIT_EXPECT_EQ(test, send(t, 0, 60), 0);
	settle(t);
	KUNIT_EXPECT_EQ(test, t->links[0].completed_packets, 1);
	KUNIT_EXPECT_EQ(test, t->links[0].completed_bytes, 60);
	close_session(t, 0);
	KUNIT_EXPECT_EQ(test, t->links[0].dropped, 0);
}

static void segments_must_fit(struct kunit *test)
{
	struct mux_test *t = mux_test(test);
	u32 most;

	must_open(t, 0);
	most = iosm_mux_max_mtu(t->mux, 0) - 40;
	uplink_forget(t);
	KUNIT_EXPECT_EQ(test, send_skb(t, 0, super_packet(t, most + 1, 60000), false),
			-EMSGSIZE);
	KUNIT_EXPECT_EQ(test, t->ul_count, 0);
	KUNIT_EXPECT_EQ(test, t->links[0].sent_packets, 0);
	KUNIT_EXPECT_FALSE(test, t->links[0].stopped);
	KUNIT_EXPECT_EQ(test, stats(t).ul_held, 0);

	/* the limit is for what is sent, not for what could be */
	KUNIT_EXPECT_EQ(test, send_skb(t, 0, super_packet(t, 60000, most), false), 0);
	KUNIT_EXPECT_EQ(test, send_skb(t, 0, super_packet(t, most, 60000), false), 0);
	settle(t);
	KUNIT_EXPECT_EQ(test, t->links[0].sent_packets, 1 + DIV_ROUND_UP(60000, most));
	expect_balance(t, 0);
}

static void unknown_super_packet_is_dropped(struct kunit *test)
{
	struct mux_test *t = mux_test(test);
	struct sk_buff *skb = super_packet(t, 1000, 5000);

	must_open(t, 0);
	uplink_forget(t);
	skb_shinfo(skb)->gso_type = SKB_GSO_SCTP;
	KUNIT_EXPECT_EQ(test, send_skb(t, 0, skb, false), -EINVAL);
	KUNIT_EXPECT_EQ(test, t->ul_count, 0);
	KUNIT_EXPECT_EQ(test, t->links[0].sent_packets, 0);
}

/* ---- Sharing the pipe ---- */

struct sender {
	u32 payload;	/* of its packets, with headers if they are no super-packets */
	u16 mss;	/* 0: no super-packets */
};

static struct sk_buff *next_packet(struct mux_test *t, u8 s, const struct sender *sender)
{
	if (sender->mss)
		return super_packet(t, sender->mss, sender->payload);
	return packet(t, sender->payload, 0x60 + s);
}

#define TURN	64	/* packets that the stack sends for a link before the next one */

/* All links that were woken send what they may, in turns, as the stack does. */
static void run_links(struct mux_test *t, const struct sender *senders)
{
	while (!list_empty(&t->run_queue)) {
		struct test_link *link;
		unsigned int turn;

		link = list_first_entry(&t->run_queue, struct test_link, run);
		list_del_init(&link->run);
		for (turn = 0; turn < TURN && !link->stopped; turn++) {
			u8 s = link->session;

			KUNIT_ASSERT_EQ(t->test, 0,
					send_skb(t, s, next_packet(t, s, &senders[s]), false));
		}
		if (!link->stopped && list_empty(&link->run))
			list_add_tail(&link->run, &t->run_queue);
	}
}

static void start_link(struct mux_test *t, u8 s)
{
	t->links[s].runnable = true;
	if (!t->links[s].stopped)
		list_add_tail(&t->links[s].run, &t->run_queue);
}

/* The stack has nothing more to send for it. */
static void idle_link(struct mux_test *t, u8 s)
{
	t->links[s].runnable = false;
	list_del_init(&t->links[s].run);
}

/* The modem takes transfers one by one until it has so many bytes more. */
static void run_pipe(struct mux_test *t, const struct sender *senders, u64 bytes)
{
	u64 start = 0, now;
	u8 s;

	for (s = 0; s < IOSM_MUX_SESSIONS; s++)
		start += t->arrived_bytes[s];
	do {
		run_links(t, senders);
		KUNIT_ASSERT_EQ(t->test, modem_take(t, 1), 1);
		for (now = 0, s = 0; s < IOSM_MUX_SESSIONS; s++)
			now += t->arrived_bytes[s];
	} while (now < start + bytes);
}

struct share_case {
	const char *desc;
	u32 caps;
	unsigned int links;
	struct sender senders[IOSM_MUX_SESSIONS];
};

static const struct share_case share_cases[] = {
	{ "lite, two alike", 0, 2, { { 1400 }, { 1400 } } },
	{ "lite, two, large and small", 0, 2, { { 1500 }, { 300 } } },
	{ "lite, two, super-packets and packets", 0, 2, { { 65000, 1400 }, { 1400 } } },
	{ "lite, three", 0, 3, { { 700 }, { 65000, 1400 }, { 1500 } } },
	{ "lite, eight", 0, 8,
	  { { 65000, 1400 }, { 1400 }, { 1300 }, { 20000, 1000 }, { 1500 }, { 1200 },
	    { 1100 }, { 40000, 1300 } } },
	{ "lite, three with credits", CAPS_CREDITS, 3,
	  { { 1300 }, { 65000, 1400 }, { 1500 } } },
	{ "aggregation, two alike", CAPS_AGGR, 2, { { 1400 }, { 1400 } } },
	{ "aggregation, two, large and small", CAPS_AGGR, 2, { { 1500 }, { 150 } } },
	{ "aggregation, two, super-packets and packets", CAPS_AGGR, 2,
	  { { 65000, 1400 }, { 1400 } } },
	{ "aggregation, three", CAPS_AGGR, 3, { { 700 }, { 65000, 1400 }, { 9000 } } },
	{ "aggregation, eight", CAPS_AGGR, 8,
	  { { 65000, 1400 }, { 1400 }, { 300 }, { 20000, 1000 }, { 1500 }, { 1200 },
	    { 600 }, { 40000, 500 } } },
};

KUNIT_ARRAY_PARAM_DESC(share_case, share_cases, desc);

#define EACH	300000	/* bytes for each link to be compared */

static void links_share_by_bytes(struct kunit *test)
{
	const struct share_case *c = test->param_value;
	struct mux_test *t = mux_test_caps(test, c->caps, 0);
	u64 before[IOSM_MUX_SESSIONS], least = U64_MAX, most = 0, tolerance;
	u8 s;

	for (s = 0; s < c->links; s++) {
		must_open(t, s);
		if (c->caps & CAPS_CREDITS)
			modem_credits(t, s, 100000000);
	}
	modem_lazy(t);
	for (s = 0; s < c->links; s++)
		start_link(t, s);
	run_pipe(t, c->senders, 300000);
	for (s = 0; s < c->links; s++)
		before[s] = t->arrived_bytes[s];
	run_pipe(t, c->senders, EACH * c->links);
	for (s = 0; s < c->links; s++) {
		u64 bytes = t->arrived_bytes[s] - before[s];

		least = min(least, bytes);
		most = max(most, bytes);
	}
	/*
	 * A share and a transfer, as the window may begin and end anywhere; and a link is
	 * let on for half of its share at least, each time with a datagram too many.
	 */
	tolerance = THRESHOLD / c->links + (aggr(t) ? 16384 : 2048);
	tolerance += EACH * 1500 / (THRESHOLD / c->links / 2);
	KUNIT_EXPECT_LE(test, most - least, tolerance);
}

enum idle_reason {
	NOTHING_TO_SEND,
	FLOW_STOP,
	NO_CREDITS,
	FEW_CREDITS,
	CLOSED,
};

struct idle_case {
	const char *desc;
	u32 caps;
	enum idle_reason reason;
};

static const struct idle_case idle_cases[] = {
	{ "lite, nothing to send", 0, NOTHING_TO_SEND },
	{ "lite, stopped by the modem", 0, FLOW_STOP },
	{ "lite, without credits", CAPS_CREDITS, NO_CREDITS },
	{ "lite, with too few credits", CAPS_CREDITS, FEW_CREDITS },
	{ "lite, closed", 0, CLOSED },
	{ "aggregation, nothing to send", CAPS_AGGR, NOTHING_TO_SEND },
	{ "aggregation, stopped by the modem", CAPS_AGGR, FLOW_STOP },
	{ "aggregation, closed", CAPS_AGGR, CLOSED },
};

KUNIT_ARRAY_PARAM_DESC(idle_case, idle_cases, desc);

/* The most that link 0 has on its way in a while */
static u64 most_on_its_way(struct mux_test *t, const struct sender *senders)
{
	run_pipe(t, senders, 250000);
	t->links[0].most_outstanding = 0;
	run_pipe(t, senders, 250000);
	return t->links[0].most_outstanding;
}

static void go_idle(struct mux_test *t, enum idle_reason reason)
{
	switch (reason) {
	case NOTHING_TO_SEND:
		idle_link(t, 1);
		break;
	case FLOW_STOP:
		modem_flow(t, 1, 1, IOSM_MUX_FLOW_STOP);
		break;
	case NO_CREDITS:
	case FEW_CREDITS:
		/* the last ones are used up at once */
		break;
	case CLOSED:
		idle_link(t, 1);
		be_silent(t);
		close_session(t, 1);
		be_right(t);
		break;
	}
}

static void come_back(struct mux_test *t, enum idle_reason reason)
{
	switch (reason) {
	case NOTHING_TO_SEND:
		start_link(t, 1);
		break;
	case FLOW_STOP:
		modem_flow(t, 1, 2, IOSM_MUX_FLOW_RESUME);
		break;
	case NO_CREDITS:
	case FEW_CREDITS:
		modem_credits(t, 1, 100000000);
		break;
	case CLOSED:
		t->links[1].stopped = false;
		modem_eager(t);
		must_open(t, 1);
		modem_lazy(t);
		start_link(t, 1);
		break;
	}
}

/* A link that sends nothing, or must not, leaves its part to the others. */
static void idle_link_takes_no_share(struct kunit *test)
{
	static const struct sender senders[IOSM_MUX_SESSIONS] = { { 1400 }, { 1400 } };
	const struct idle_case *c = test->param_value;
	struct mux_test *t = mux_test_caps(test, c->caps, 0);
	u8 s;

	for (s = 0; s < 2; s++) {
		must_open(t, s);
		start_link(t, s);
	}
	modem_lazy(t);
	if (c->caps & CAPS_CREDITS) {
		modem_credits(t, 0, 100000000);
		modem_credits(t, 1, 600 * 1400 + (c->reason == FEW_CREDITS ? 1399 : 0));
	}
	KUNIT_EXPECT_LE(test, most_on_its_way(t, senders), CAPACITY / 2 + 1400);
	go_idle(t, c->reason);
	if (c->caps & CAPS_CREDITS)
		run_pipe(t, senders, 1000000);
	KUNIT_EXPECT_GE(test, most_on_its_way(t, senders), 100000);
	come_back(t, c->reason);
	KUNIT_EXPECT_LE(test, most_on_its_way(t, senders), CAPACITY / 2 + 1400);
}

/* ---- Doorbells and batches ---- */

static void super_packet_needs_two_doorbells(struct kunit *test)
{
	struct mux_test *t = mux_test(test);

	must_open(t, 0);
	modem_lazy(t);
	uplink_forget(t);
	KUNIT_EXPECT_EQ(test, send_skb(t, 0, super_packet(t, 1400, 65000), false), 0);
	KUNIT_EXPECT_EQ(test, t->links[0].sent_packets, 47);
	KUNIT_EXPECT_GE(test, t->fake->bell_count, 1);
	KUNIT_EXPECT_LE(test, t->fake->bell_count, 2);
	KUNIT_EXPECT_EQ(test, stats(t).ul_doorbells, t->fake->bell_count);
	/* a block that is not full waits for one of those before it */
	KUNIT_EXPECT_EQ(test, stats(t).ul_transfers, aggr(t) ? 4 : 47);
	KUNIT_EXPECT_GE(test, iosm_fake_posted(t->fake, UL_PIPE), aggr(t) ? 4 : 47);
	modem_take_all(t);
	expect_balance(t, 0);
}

/* The first block of a burst goes while the rest of it is made. */
static void idle_pipe_is_rung_at_the_first_block(struct kunit *test)
{
	struct mux_test *t = mux_test_caps(test, CAPS_AGGR, 0);
	unsigned int i;

	must_open(t, 0);
	modem_lazy(t);
	uplink_forget(t);
	/* 11 of them fill a block */
	for (i = 0; i < 11; i++)
		KUNIT_EXPECT_EQ(test, send_skb(t, 0, packet(t, 1440, i), true), 0);
	IOSM_FAKE_EXPECT_NO_BELL(t->fake);
	KUNIT_EXPECT_EQ(test, send_skb(t, 0, packet(t, 1440, i), true), 0);
	KUNIT_EXPECT_EQ(test, iosm_fake_posted(t->fake, UL_PIPE), 1);
	IOSM_FAKE_EXPECT_BELLS(t->fake, { IOSM_DB_HEAD, 4 });
	/* the others are rung for once, at the end */
	for (i = 0; i < 40; i++)
		KUNIT_EXPECT_EQ(test, send_skb(t, 0, packet(t, 1440, i), true), 0);
	KUNIT_EXPECT_EQ(test, t->fake->bell_count, 1);
	KUNIT_EXPECT_EQ(test, send_skb(t, 0, packet(t, 1440, i), false), 0);
	IOSM_FAKE_EXPECT_BELLS(t->fake, { IOSM_DB_HEAD, 4 }, { IOSM_DB_HEAD, 4 });
	KUNIT_EXPECT_EQ(test, iosm_fake_posted(t->fake, UL_PIPE), 4);
	modem_take_all(t);
	expect_balance(t, 0);
}

/* A burst that its link was stopped in ends there. */
static void stopped_burst_is_rung(struct kunit *test)
{
	struct mux_test *t = mux_test(test);
	unsigned int i;

	must_open(t, 0);
	modem_lazy(t);
	uplink_forget(t);
	for (i = 0; i < 1000 && !t->links[0].stopped; i++)
		KUNIT_ASSERT_EQ(test, send_skb(t, 0, packet(t, 1400, i), true), 0);
	KUNIT_ASSERT_TRUE(test, t->links[0].stopped);
	KUNIT_EXPECT_GE(test, t->fake->bell_count, 1);
	KUNIT_EXPECT_LE(test, t->fake->bell_count, 2);
	modem_take_all(t);
	KUNIT_EXPECT_EQ(test, t->links[0].completed_packets, i);
	expect_balance(t, 0);
}

struct batch_case {
	const char *desc;
	u32 caps;
	u32 batch;
	u32 length;
};

static const struct batch_case batch_cases[] = {
	{ "lite, 1", 0, 1, 100 },
	{ "lite, 2", 0, 2, 100 },
	{ "lite, 7", 0, 7, 100 },
	{ "lite, 30", 0, 30, 100 },
	{ "aggregation, 1", CAPS_AGGR, 1, 100 },
	{ "aggregation, 2", CAPS_AGGR, 2, 100 },
	{ "aggregation, 7", CAPS_AGGR, 7, 100 },
	{ "aggregation, 40", CAPS_AGGR, 40, 100 },
	{ "aggregation, most", CAPS_AGGR, 256, 30 },
};

KUNIT_ARRAY_PARAM_DESC(batch_case, batch_cases, desc);

/* While the modem has enough to do, so many packets wait for the next transfer. */
static void batch_is_as_tuned(struct kunit *test)
{
	const struct batch_case *c = test->param_value;
	struct mux_test *t = mux_test_caps(test, c->caps, 0);
	unsigned int round, known, i;

	must_open(t, 0);
	set_batch(t, c->batch);
	modem_lazy(t);
	/* twice as many transfers as the largest batch, or a block */
	known = aggr(t) ? 1 : 60;
	for (i = 1; i < known && !aggr(t); i++)
		KUNIT_EXPECT_EQ(test, send_skb(t, 0, packet(t, c->length, i), true), 0);
	KUNIT_EXPECT_EQ(test, send(t, 0, c->length), 0);
	KUNIT_EXPECT_EQ(test, stats(t).ul_transfers, known);
	KUNIT_EXPECT_GE(test, iosm_fake_posted(t->fake, UL_PIPE), known);
	for (round = 1; round < 3; round++) {
		iosm_fake_forget_bells(t->fake);
		for (i = 1; i < c->batch; i++)
			KUNIT_EXPECT_EQ(test, send(t, 0, c->length), 0);
		IOSM_FAKE_EXPECT_NO_BELL(t->fake);
		KUNIT_EXPECT_EQ(test, send(t, 0, c->length), 0);
		KUNIT_EXPECT_EQ(test, stats(t).ul_transfers,
				known + round * (aggr(t) ? 1 : c->batch));
		IOSM_FAKE_EXPECT_BELLS(t->fake, { IOSM_DB_HEAD, 4 });
	}
	modem_take_all(t);
	expect_balance(t, 0);
}

/* ---- Tuning ---- */

static void tuning_has_defaults(struct kunit *test)
{
	struct mux_test *t = mux_test(test);
	struct iosm_mux_tuning tuning;

	iosm_mux_get_tuning(t->mux, &tuning);
	KUNIT_EXPECT_EQ(test, tuning.ul_backoff, 1000);
	KUNIT_EXPECT_EQ(test, tuning.dl_backoff, 1000);
	KUNIT_EXPECT_EQ(test, tuning.batch, aggr(t) ? 256 : 64);
	KUNIT_EXPECT_EQ(test, tuning.ul_buffers, aggr(t) ? 16 : LITE_BUFFERS);
	KUNIT_EXPECT_EQ(test, tuning.dl_buffers, aggr(t) ? 59 : 511);
}

struct tuning_case {
	const char *desc;
	struct iosm_mux_tuning tuning;
	int closed;	/* result while no session is open */
	int open;	/* and while one is */
};

static const struct tuning_case tuning_cases[] = {
	{ "as it is", { 1000, 1000, 12 }, 0, 0 },
	{ "smallest", { 0, 0, 1 }, 0, -EBUSY },
	{ "largest", { 100000, 100000, 256 }, 0, -EBUSY },
	{ "only uplink back-off", { 77, 1000, 12 }, 0, -EBUSY },
	{ "only downlink back-off", { 1000, 0, 12 }, 0, -EBUSY },
	{ "numbers of buffers mean nothing", { 1000, 1000, 3, 1, 100000 }, 0, 0 },
	{ "batch too small", { 1, 1, 0 }, -ERANGE, -ERANGE },
	{ "batch too large", { 1, 1, 257 }, -ERANGE, -ERANGE },
	{ "uplink back-off too large", { 100001, 1, 12 }, -ERANGE, -ERANGE },
	{ "downlink back-off too large", { 1, 100001, 12 }, -ERANGE, -ERANGE },
	{ "everything too large", { U32_MAX, U32_MAX, U32_MAX }, -ERANGE, -ERANGE },
};

KUNIT_ARRAY_PARAM_DESC(tuning_case, tuning_cases, desc);

static void expect_tuning(struct mux_test *t, const struct iosm_mux_tuning *before,
			  const struct iosm_mux_tuning *tuning, int ret)
{
	const struct iosm_mux_tuning *expected = ret ? before : tuning;
	struct iosm_mux_tuning now;

	KUNIT_EXPECT_EQ(t->test, iosm_mux_set_tuning(t->mux, tuning), ret);
	iosm_mux_get_tuning(t->mux, &now);
	KUNIT_EXPECT_EQ(t->test, now.ul_backoff, expected->ul_backoff);
	KUNIT_EXPECT_EQ(t->test, now.dl_backoff, expected->dl_backoff);
	KUNIT_EXPECT_EQ(t->test, now.batch, expected->batch);
	KUNIT_EXPECT_EQ(t->test, now.ul_buffers, before->ul_buffers);
	KUNIT_EXPECT_EQ(t->test, now.dl_buffers, before->dl_buffers);
}

static void tuning_is_checked(struct kunit *test)
{
	const struct tuning_case *c = test->param_value;
	struct mux_test *t = mux_test_caps(test, CAPS_AGGR, 0);
	struct iosm_mux_tuning before;

	iosm_mux_get_tuning(t->mux, &before);
	must_open(t, 5);
	expect_tuning(t, &before, &c->tuning, c->open);
	/* a session that is open keeps what it was opened with */
	KUNIT_EXPECT_EQ(test, t->fake->pipes[UL_PIPE].backoff, 1000);
	close_session(t, 5);

	iosm_mux_get_tuning(t->mux, &before);
	expect_tuning(t, &before, &c->tuning, c->closed);
	must_open(t, 0);
	if (c->closed)
		return;
	KUNIT_EXPECT_EQ(test, t->fake->pipes[UL_PIPE].backoff, c->tuning.ul_backoff);
	KUNIT_EXPECT_EQ(test, t->fake->pipes[DL_PIPE].backoff, c->tuning.dl_backoff);
}

static void back_off_reaches_the_modem(struct kunit *test)
{
	struct mux_test *t = mux_test(test);
	struct iosm_mux_tuning tuning;

	iosm_mux_get_tuning(t->mux, &tuning);
	tuning.ul_backoff = 250;
	tuning.dl_backoff = 99999;
	KUNIT_EXPECT_EQ(test, iosm_mux_set_tuning(t->mux, &tuning), 0);
	must_open(t, 0);
	KUNIT_EXPECT_EQ(test, t->fake->pipes[UL_PIPE].backoff, 250);
	KUNIT_EXPECT_EQ(test, t->fake->pipes[DL_PIPE].backoff, 99999);
	/* the second session finds the pipes open */
	must_open(t, 1);
	close_session(t, 0);
	tuning.ul_backoff = 1;
	KUNIT_EXPECT_EQ(test, iosm_mux_set_tuning(t->mux, &tuning), -EBUSY);
	close_session(t, 1);
	KUNIT_EXPECT_EQ(test, iosm_mux_set_tuning(t->mux, &tuning), 0);
	must_open(t, 1);
	KUNIT_EXPECT_EQ(test, t->fake->pipes[UL_PIPE].backoff, 1);
	/* it is that of one modem */
	KUNIT_EXPECT_EQ(test, iosm_channel_mux_lite.ul_backoff, 1000);
	KUNIT_EXPECT_EQ(test, iosm_channel_mux_aggr.ul_backoff, 1000);
}

/* ---- A link that waits for too long ---- */

static void nudge_rings_without_news(struct kunit *test)
{
	struct mux_test *t = mux_test(test);

	must_open(t, 0);
	uplink_forget(t);
	nudge(t);
	IOSM_FAKE_EXPECT_BELLS(t->fake, { IOSM_DB_HEAD, 4 });
	KUNIT_EXPECT_EQ(test, stats(t).ul_nudges, 1);
	KUNIT_EXPECT_EQ(test, stats(t).ul_transfers, 0);
}

static void nudge_without_sessions_does_nothing(struct kunit *test)
{
	struct mux_test *t = mux_test(test);

	nudge(t);
	must_open(t, 0);
	close_session(t, 0);
	iosm_fake_forget_bells(t->fake);
	nudge(t);
	IOSM_FAKE_EXPECT_NO_BELL(t->fake);
	KUNIT_EXPECT_EQ(test, stats(t).ul_nudges, 0);
}

static void nudge_makes_up_for_a_lost_doorbell(struct kunit *test)
{
	struct mux_test *t = mux_test(test);
	unsigned int i;

	must_open(t, 0);
	t->fake->deaf = true;
	for (i = 0; i < 10; i++)
		KUNIT_EXPECT_EQ(test, send(t, 0, 100), 0);
	t->fake->deaf = false;
	KUNIT_EXPECT_EQ(test, t->links[0].completed_packets, 0);
	nudge(t);
	KUNIT_EXPECT_EQ(test, t->links[0].completed_packets, 10);
	expect_balance(t, 0);
}

static void nudge_makes_up_for_a_lost_interrupt(struct kunit *test)
{
	struct mux_test *t = mux_test(test);
	unsigned int i;

	must_open(t, 0);
	modem_lazy(t);
	for (i = 0; i < 10; i++)
		KUNIT_EXPECT_EQ(test, send(t, 0, 100), 0);
	t->fake->mute = true;
	KUNIT_EXPECT_GT(test, modem_take(t, 0), 0);
	modem_send(t, 0, 100, 0x45);
	KUNIT_EXPECT_EQ(test, t->links[0].completed_packets, 0);
	nudge(t);
	KUNIT_EXPECT_GE(test, t->links[0].completed_packets, 1);
	KUNIT_EXPECT_EQ(test, skb_queue_len(&t->received), 1);
	t->fake->mute = false;
	modem_take_all(t);
	KUNIT_EXPECT_EQ(test, t->links[0].completed_packets, 10);
}

/* What waits in the open block goes along. */
static void nudge_posts_the_open_block(struct kunit *test)
{
	struct mux_test *t = mux_test_caps(test, CAPS_AGGR, 0);
	unsigned int i;

	must_open(t, 0);
	modem_lazy(t);
	for (i = 0; i < 10; i++)
		KUNIT_EXPECT_EQ(test, send(t, 0, 100), 0);
	KUNIT_EXPECT_EQ(test, iosm_fake_posted(t->fake, UL_PIPE), 1);
	nudge(t);
	KUNIT_EXPECT_EQ(test, iosm_fake_posted(t->fake, UL_PIPE), 2);
}

/*
 * The open block finds room in the ring, however many commands a modem that takes
 * nothing makes us send.
 */
static void open_block_has_a_place(struct kunit *test)
{
	struct mux_test *t = mux_test_caps(test, CAPS_AGGR, 0);
	unsigned int i;

	must_open(t, 0);
	modem_lazy(t);
	set_batch(t, 1);
	for (i = 0; i < 15; i++)
		KUNIT_EXPECT_EQ(test, send(t, 0, 100), 0);
	set_batch(t, 256);
	KUNIT_EXPECT_EQ(test, send(t, 0, 100), 0);
	for (i = 0; i < 12; i++)
		modem_link_report(t, 0, i);
	be_silent(t);
	for (i = 1; i < 4; i++)
		KUNIT_EXPECT_LT(test, open_session(t, i), 0);
	be_right(t);
	nudge(t);
	KUNIT_EXPECT_GT(test, iosm_fake_posted(t->fake, UL_PIPE), 0);
	modem_take_all(t);
	settle(t);
	KUNIT_EXPECT_TRUE(test, iosm_modem_online(t->modem));
	KUNIT_EXPECT_EQ(test, t->links[0].completed_packets, 16);
	expect_balance(t, 0);
	modem_eager(t);
	must_open(t, 1);
}

/* ---- Counters ---- */

static void uplink_is_counted(struct kunit *test)
{
	struct mux_test *t = mux_test(test);
	struct iosm_mux_stats before, after;

	must_open(t, 0);
	before = stats(t);
	KUNIT_EXPECT_EQ(test, before.ul_transfers, 0);
	modem_lazy(t);
	iosm_fake_forget_bells(t->fake);
	KUNIT_EXPECT_EQ(test, send_skb(t, 0, packet(t, 100, 1), true), 0);
	KUNIT_EXPECT_EQ(test, send_skb(t, 0, packet(t, 202, 1), true), 0);
	KUNIT_EXPECT_EQ(test, send_skb(t, 0, super_packet(t, 500, 1001), false), 0);
	after = stats(t);
	KUNIT_EXPECT_EQ(test, after.ul_datagrams, 5);
	KUNIT_EXPECT_EQ(test, after.ul_transfers, aggr(t) ? 1 : 5);
	/* headers 16, tables 16 + 20 and 8 for each datagram; or 16 for each */
	if (aggr(t))
		KUNIT_EXPECT_EQ(test, after.ul_bytes, 16 + (16 + 100) + (16 + 204) +
				2 * (16 + 540) + (16 + 44) + 16 + 20 + 5 * 8);
	else
		KUNIT_EXPECT_EQ(test, after.ul_bytes,
				100 + 202 + 2 * 540 + 41 + 5 * 16);
	KUNIT_EXPECT_EQ(test, after.ul_doorbells, 1);
	KUNIT_EXPECT_EQ(test, t->fake->bell_count, 1);
	KUNIT_EXPECT_EQ(test, after.ul_nudges, 0);
	KUNIT_EXPECT_EQ(test, after.ul_held, 0);
}

static void downlink_is_counted(struct kunit *test)
{
	struct mux_test *t = mux_test(test);
	struct iosm_mux_stats before, after;
	unsigned int i, bells;
	u32 bytes;

	must_open(t, 0);
	iosm_fake_forget_bells(t->fake);
	before = stats(t);
	if (aggr(t))
		modem_send_block(t, 0, 7, 300, 0x45);
	else
		for (i = 0; i < 7; i++)
			modem_send_lite(t, 0, 300, 0x45);
	modem_send(t, 0, 20, 0x10);	/* no IP packet */
	iosm_fake_interrupt(t->fake);
	after = stats(t);
	bytes = aggr(t) ? 16 + 7 * 316 + 16 + 7 * 8 + 16 + 36 + 16 + 8 :
			  7 * 316 + 36;
	KUNIT_EXPECT_EQ(test, after.dl_datagrams - before.dl_datagrams, 7);
	KUNIT_EXPECT_EQ(test, after.dl_bytes - before.dl_bytes, bytes);
	KUNIT_EXPECT_EQ(test, after.dl_transfers - before.dl_transfers, aggr(t) ? 2 : 8);
	KUNIT_EXPECT_EQ(test, after.dl_bad_ip, 1);

	for (i = 0; i < 600; i++) {
		modem_send(t, 0, 100, 0x45);
		if (i % 8 == 7)
			iosm_fake_interrupt(t->fake);
	}
	after = stats(t);
	bells = iosm_fake_count_bells(t->fake, IOSM_DB_HEAD, 5);
	KUNIT_EXPECT_GT(test, bells, 0);
	KUNIT_EXPECT_EQ(test, after.dl_doorbells - before.dl_doorbells, bells);
	KUNIT_EXPECT_EQ(test, after.dl_datagrams - before.dl_datagrams, 607);
}

/* ---- Closing with data on its way ---- */

/* What was accepted is sent, in front of the command that closes the session (Q87). */
static void open_block_goes_before_the_close(struct kunit *test)
{
	struct mux_test *t = mux_test_caps(test, CAPS_AGGR, 0);
	const struct test_transfer *block;

	must_open(t, 0);
	must_open(t, 1);
	modem_lazy(t);
	KUNIT_EXPECT_EQ(test, send(t, 0, 40), 0);
	KUNIT_EXPECT_EQ(test, send(t, 1, 60), 0);
	KUNIT_EXPECT_EQ(test, send(t, 0, 80), 0);
	uplink_forget(t);
	be_silent(t);
	close_session(t, 1);
	be_right(t);
	modem_eager(t);
	KUNIT_ASSERT_EQ(test, uplink_count(t, "ADBH"), 2);
	block = uplink_nth(t, "ADBH", 1);
	KUNIT_EXPECT_EQ(test, block->len, 16 + 60 + 80 + 2 * (24 + 20));
	KUNIT_EXPECT_TRUE(test, block < uplink_nth(t, "ACBH", 0));
	KUNIT_EXPECT_EQ(test, t->links[0].completed_packets, 2);
	KUNIT_EXPECT_EQ(test, t->links[1].completed_packets, 0);
}

/* Completions of an earlier life of a session are not its own. */
static void reopened_session_owes_nothing(struct kunit *test)
{
	struct mux_test *t = mux_test(test);

	must_open(t, 0);
	must_open(t, 1);
	modem_lazy(t);
	KUNIT_EXPECT_EQ(test, send(t, 1, 60), 0);
	be_silent(t);
	close_session(t, 1);
	be_right(t);
	modem_eager(t);
	must_open(t, 1);
	KUNIT_EXPECT_EQ(test, t->links[1].completed_packets, 0);
	KUNIT_EXPECT_EQ(test, send(t, 1, 60), 0);
	KUNIT_EXPECT_EQ(test, t->links[1].completed_packets, 1);
}

/* Q88 */
static void buffers_come_back_at_close(struct kunit *test)
{
	struct mux_test *t = mux_test(test);
	unsigned int round, i;

	for (round = 0; round < 3; round++) {
		must_open(t, 0);
		modem_lazy(t);
		for (i = 0; i < 60; i++)
			KUNIT_ASSERT_EQ(test, send(t, 0, 1400), 0);
		KUNIT_EXPECT_FALSE(test, t->links[0].stopped);
		KUNIT_EXPECT_GT(test, iosm_fake_posted(t->fake, UL_PIPE), 0);
		close_session(t, 0);
		KUNIT_ASSERT_FALSE(test, t->fake->pipes[UL_PIPE].open);
		t->fake->uplink = modem_uplink;
	}
}

/* ---- Flow control ---- */

static void expect_flow_ack(struct mux_test *t, unsigned int nth, u8 session, u32 tid)
{
	const struct test_transfer *ack = uplink_nth(t, command_signature(t), nth);

	KUNIT_ASSERT_NOT_NULL(t->test, ack);
	KUNIT_EXPECT_EQ(t->test, ack->len, aggr(t) ? 36 : 16);
	KUNIT_EXPECT_EQ(t->test, command_code(t, nth), aggr(t) ? 7 : 6);
	KUNIT_EXPECT_EQ(t->test, command_tid(t, nth), tid);
	KUNIT_EXPECT_EQ(t->test, ack->data[aggr(t) ? 22 : 6], session);
}

static void modem_stops_one_session(struct kunit *test)
{
	struct mux_test *t = mux_test(test);

	must_open(t, 0);
	must_open(t, 4);
	uplink_forget(t);
	modem_flow(t, 4, 0x55, IOSM_MUX_FLOW_STOP);
	expect_flow_ack(t, 0, 4, 0x55);
	KUNIT_EXPECT_TRUE(test, t->links[4].stopped);
	KUNIT_EXPECT_FALSE(test, t->links[0].stopped);
	KUNIT_EXPECT_TRUE(test, iosm_mux_flow_stopped(t->mux, 4));
	KUNIT_EXPECT_FALSE(test, iosm_mux_flow_stopped(t->mux, 0));

	/* a packet that was on its way into the driver is kept, not sent */
	uplink_forget(t);
	KUNIT_EXPECT_EQ(test, send(t, 4, 100), 0);
	KUNIT_EXPECT_EQ(test, t->ul_count, 0);
	KUNIT_EXPECT_EQ(test, send(t, 0, 100), 0);
	KUNIT_EXPECT_EQ(test, t->ul_count, 1);

	modem_flow(t, 4, 0x56, IOSM_MUX_FLOW_RESUME);
	expect_flow_ack(t, 0, 4, 0x56);
	KUNIT_EXPECT_FALSE(test, t->links[4].stopped);
	KUNIT_EXPECT_EQ(test, t->links[4].completed_packets, 1);
	KUNIT_EXPECT_EQ(test, t->links[0].wakes, 0);
	KUNIT_EXPECT_EQ(test, stats(t).flow_stops, 1);
	KUNIT_EXPECT_EQ(test, stats(t).flow_resumes, 1);
}

/* In Aggregation the mask decides, not the code. M36 */
static void flow_mask_decides(struct kunit *test)
{
	struct mux_test *t = mux_test(test);
	const u32 stop = IOSM_MUX_FLOW_STOP, other = 0x1234, resume = 0;

	must_open(t, 0);
	uplink_forget(t);
	modem_command(t, 5, 0, 1, &other, 1);
	expect_flow_ack(t, 0, 0, 1);
	KUNIT_EXPECT_FALSE(test, t->links[0].stopped);
	if (aggr(t)) {
		modem_command(t, 6, 0, 2, &stop, 1);
		KUNIT_EXPECT_TRUE(test, t->links[0].stopped);
		modem_command(t, 6, 0, 3, &other, 1);
		KUNIT_EXPECT_TRUE(test, t->links[0].stopped);
		modem_command(t, 5, 0, 4, &resume, 1);
		KUNIT_EXPECT_FALSE(test, t->links[0].stopped);
		expect_flow_ack(t, 3, 0, 4);
	}
}

/* M37 */
static void closed_session_has_no_flow_state(struct kunit *test)
{
	struct mux_test *t = mux_test(test);

	must_open(t, 0);
	uplink_forget(t);
	modem_flow(t, 3, 9, IOSM_MUX_FLOW_STOP);
	expect_flow_ack(t, 0, 3, 9);
	must_open(t, 3);
	KUNIT_EXPECT_EQ(test, send(t, 3, 40), 0);
	KUNIT_EXPECT_EQ(test, t->links[3].completed_packets, 1);
}

static void reopened_session_is_not_stopped(struct kunit *test)
{
	struct mux_test *t = mux_test(test);

	must_open(t, 0);
	must_open(t, 3);
	modem_flow(t, 3, 9, IOSM_MUX_FLOW_STOP);
	KUNIT_EXPECT_EQ(test, send(t, 3, 40), 0);
	close_session(t, 3);
	must_open(t, 3);
	KUNIT_EXPECT_EQ(test, send(t, 3, 40), 0);
	KUNIT_EXPECT_EQ(test, t->links[3].completed_packets, 1);
}

static void flow_stop_sends_the_open_block(struct kunit *test)
{
	struct mux_test *t = mux_test_caps(test, CAPS_AGGR, 0);
	int i;

	must_open(t, 0);
	modem_lazy(t);
	for (i = 0; i < 5; i++)
		KUNIT_EXPECT_EQ(test, send(t, 0, 40), 0);
	KUNIT_EXPECT_EQ(test, iosm_fake_posted(t->fake, UL_PIPE), 1);
	modem_flow(t, 0, 1, IOSM_MUX_FLOW_STOP);
	/* and the acknowledgment */
	KUNIT_EXPECT_EQ(test, iosm_fake_posted(t->fake, UL_PIPE), 3);
}

/* M40, Q44 */
static void link_report_is_answered(struct kunit *test)
{
	struct mux_test *t = mux_test(test);
	const struct test_transfer *answer;

	must_open(t, 0);
	uplink_forget(t);
	modem_link_report(t, 6, 0xabcd);
	answer = uplink_nth(t, command_signature(t), 0);
	KUNIT_ASSERT_NOT_NULL(test, answer);
	KUNIT_EXPECT_EQ(test, answer->len, aggr(t) ? 40 : 20);
	KUNIT_EXPECT_EQ(test, command_code(t, 0), aggr(t) ? 9 : 8);
	KUNIT_EXPECT_EQ(test, command_tid(t, 0), 0xabcd);
}

/* M39 */
static void answers_on_their_way_are_bounded(struct kunit *test)
{
	struct mux_test *t = mux_test(test);
	unsigned int i;

	must_open(t, 0);
	modem_lazy(t);
	for (i = 0; i < 40; i++)
		modem_link_report(t, 0, i);
	KUNIT_EXPECT_EQ(test, iosm_fake_posted(t->fake, UL_PIPE), 12);
	KUNIT_EXPECT_EQ(test, stats(t).replies_dropped, 28);

	/* and leave room for callers */
	modem_eager(t);
	must_open(t, 1);
}

/* ---- Credits ---- */

static struct mux_test *credit_test(struct kunit *test)
{
	struct mux_test *t = mux_test_caps(test, CAPS_CREDITS, 0);

	must_open(t, 0);
	uplink_forget(t);
	return t;
}

static void no_credit_no_packet(struct kunit *test)
{
	struct mux_test *t = credit_test(test);

	KUNIT_EXPECT_EQ(test, send(t, 0, 100), 0);
	KUNIT_EXPECT_EQ(test, uplink_count(t, "ADGH"), 0);
	KUNIT_EXPECT_TRUE(test, t->links[0].stopped);
	KUNIT_EXPECT_EQ(test, send(t, 0, 100), -ENOBUFS);

	/* one byte less than needed */
	modem_credits(t, 0, 99);
	KUNIT_EXPECT_EQ(test, uplink_count(t, "ADGH"), 0);
	KUNIT_EXPECT_TRUE(test, t->links[0].stopped);
	modem_credits(t, 0, 1);
	KUNIT_EXPECT_EQ(test, uplink_count(t, "ADGH"), 1);
	/* used up again */
	KUNIT_EXPECT_TRUE(test, t->links[0].stopped);
	modem_credits(t, 0, 1);
	KUNIT_EXPECT_FALSE(test, t->links[0].stopped);
}

static void credits_count_ip_bytes(struct kunit *test)
{
	struct mux_test *t = credit_test(test);
	unsigned int i;

	modem_credits(t, 0, 10 * 100);
	for (i = 0; i < 10; i++) {
		KUNIT_EXPECT_FALSE(test, t->links[0].stopped);
		KUNIT_EXPECT_EQ(test, send(t, 0, 100), 0);
	}
	KUNIT_EXPECT_TRUE(test, t->links[0].stopped);
	KUNIT_EXPECT_EQ(test, uplink_count(t, "ADGH"), 10);
}

static void credits_belong_to_one_session(struct kunit *test)
{
	struct mux_test *t = credit_test(test);

	must_open(t, 7);
	modem_credits(t, 7, 1000);
	KUNIT_EXPECT_EQ(test, send(t, 7, 100), 0);
	KUNIT_EXPECT_EQ(test, send(t, 0, 100), 0);
	KUNIT_EXPECT_EQ(test, uplink_count(t, "ADGH"), 1);
	KUNIT_EXPECT_FALSE(test, t->links[7].stopped);
	KUNIT_EXPECT_TRUE(test, t->links[0].stopped);

	/* and are gone after a close */
	close_session(t, 7);
	must_open(t, 7);
	KUNIT_EXPECT_EQ(test, send(t, 7, 100), 0);
	KUNIT_EXPECT_EQ(test, uplink_count(t, "ADGH"), 1);
}

/* M46, Q48 */
static void credits_saturate(struct kunit *test)
{
	struct mux_test *t = credit_test(test);

	modem_credits(t, 0, 0x80000000);
	modem_credits(t, 0, 0xffffffff);
	KUNIT_EXPECT_EQ(test, send(t, 0, 1500), 0);
	modem_credits(t, 0, 0xffffffff);
	KUNIT_EXPECT_EQ(test, send(t, 0, 1500), 0);
	KUNIT_EXPECT_EQ(test, uplink_count(t, "ADGH"), 2);
	KUNIT_EXPECT_FALSE(test, t->links[0].stopped);
}

static void queue_levels_are_reported(struct kunit *test)
{
	struct mux_test *t = credit_test(test);
	const struct test_transfer *level;

	modem_credits(t, 0, 150);
	t->links[0].backlog = 7000;
	KUNIT_EXPECT_EQ(test, send(t, 0, 100), 0);
	level = uplink_nth(t, "QLTH", 0);
	KUNIT_ASSERT_NOT_NULL(test, level);
	KUNIT_EXPECT_EQ(test, level->len, 20);
	KUNIT_EXPECT_EQ(test, level->data[7], 4);
	KUNIT_EXPECT_EQ(test, get_unaligned_le32(level->data + 16), 7000);
	KUNIT_EXPECT_EQ(test, stats(t).ul_levels, 1);
}

static void idle_link_without_credits_reports_nothing(struct kunit *test)
{
	struct mux_test *t = mux_test_caps(test, 0, 0);

	must_open(t, 0);
	KUNIT_EXPECT_EQ(test, send(t, 0, 100), 0);
	KUNIT_EXPECT_EQ(test, uplink_count(t, "QLTH"), 0);
}

/* Q45 */
static void aggregation_needs_no_credits(struct kunit *test)
{
	struct mux_test *t = mux_test_caps(test, CAPS_AGGR | CAPS_CREDITS, 16);

	must_open(t, 0);
	KUNIT_EXPECT_EQ(test, send(t, 0, 100), 0);
	KUNIT_EXPECT_EQ(test, uplink_count(t, "ADBH"), 1);
	modem_credits(t, 0, 1000);
	KUNIT_EXPECT_EQ(test, send(t, 0, 100), 0);
	KUNIT_EXPECT_EQ(test, uplink_count(t, "ADBH"), 2);
}

/* ---- Downlink data ---- */

struct rx_case {
	const char *desc;
	u32 caps;
	u32 length;
	bool v6;
	bool frag;
};

static const struct rx_case rx_cases[] = {
	{ "lite, smallest", 0, 20, false, false },
	{ "lite, last to be copied", 0, 256, false, false },
	{ "lite, first not to be copied", 0, 257, false, true },
	{ "lite, largest, IPv6", 0, 2032, true, true },
	{ "aggregation, smallest IPv6", CAPS_AGGR, 40, true, false },
	{ "aggregation, sparse block", CAPS_AGGR, 1500, false, false },
	{ "aggregation, large", CAPS_AGGR, 9000, false, true },
	{ "aggregation, largest", CAPS_AGGR, 16328, true, true },
};

KUNIT_ARRAY_PARAM_DESC(rx_case, rx_cases, desc);

static void packet_is_delivered(struct kunit *test)
{
	const struct rx_case *c = test->param_value;
	struct mux_test *t = mux_test_caps(test, c->caps, 0);
	u8 fill = aggr(t) ? 0x30 : 0x32;
	struct sk_buff *skb;
	u32 i;
	u8 b;

	must_open(t, 2);
	modem_send(t, 2, c->length, c->v6 ? 0x60 : 0x45);
	iosm_fake_interrupt(t->fake);
	KUNIT_ASSERT_EQ(test, skb_queue_len(&t->received), 1);
	KUNIT_EXPECT_EQ(test, t->received_session[0], 2);
	skb = skb_peek(&t->received);
	KUNIT_EXPECT_EQ(test, skb->len, c->length);
	KUNIT_EXPECT_EQ(test, ntohs(skb->protocol), c->v6 ? 0x86dd : 0x0800);
	KUNIT_EXPECT_EQ(test, skb->priority, 5);
	KUNIT_EXPECT_EQ(test, skb_network_offset(skb), 0);
	KUNIT_EXPECT_EQ(test, skb_is_nonlinear(skb), c->frag);
	KUNIT_EXPECT_EQ(test, !!skb->pp_recycle, c->frag);
	KUNIT_EXPECT_EQ(test, skb->ip_summed + 0, CHECKSUM_NONE);
	if (c->frag)
		KUNIT_EXPECT_GE(test, skb->truesize, aggr(t) ? 16384 : 2048);
	for (i = 1; i < c->length; i++) {
		KUNIT_ASSERT_EQ(test, 0, skb_copy_bits(skb, i, &b, 1));
		KUNIT_ASSERT_EQ(test, b, fill);
	}
}

/* The truesize of a block is that of all who keep it, together. */
static void block_is_shared_out(struct kunit *test)
{
	struct mux_test *t = mux_test_caps(test, CAPS_AGGR, 0);
	unsigned int truesize = 0, n = 0;
	struct sk_buff *skb;

	must_open(t, 0);
	modem_send_block(t, 0, 10, 1400, 0x45);
	iosm_fake_interrupt(t->fake);
	KUNIT_ASSERT_EQ(test, skb_queue_len(&t->received), 10);
	skb_queue_walk(&t->received, skb) {
		u8 b;

		KUNIT_ASSERT_TRUE(test, skb_is_nonlinear(skb));
		KUNIT_EXPECT_EQ(test, skb->len, 1400);
		KUNIT_EXPECT_EQ(test, 0, skb_copy_bits(skb, 1399, &b, 1));
		KUNIT_EXPECT_EQ(test, b, 0x30 + n);
		n++;
		truesize += skb->truesize;
	}
	KUNIT_EXPECT_GE(test, truesize, 16384 - 10);
	KUNIT_EXPECT_LE(test, truesize, 16384 + 10 * 2048);
}

struct bad_ip_case {
	const char *desc;
	u32 caps;
	u32 length;
	u8 first;
};

/* M23 */
static const struct bad_ip_case bad_ip_cases[] = {
	{ "lite, version 0", 0, 100, 0x00 },
	{ "lite, one byte", 0, 1, 0x45 },
	{ "lite, large, version 15", 0, 1500, 0xff },
	{ "aggregation, version 5", CAPS_AGGR, 100, 0x50 },
	{ "aggregation, short IPv6", CAPS_AGGR, 39, 0x60 },
	{ "aggregation, large, version 0", CAPS_AGGR, 9000, 0x05 },
};

KUNIT_ARRAY_PARAM_DESC(bad_ip_case, bad_ip_cases, desc);

static void what_is_not_ip_is_dropped(struct kunit *test)
{
	const struct bad_ip_case *c = test->param_value;
	struct mux_test *t = mux_test_caps(test, c->caps, 0);

	must_open(t, 0);
	modem_send(t, 0, c->length, c->first);
	modem_send(t, 0, 100, 0x45);
	iosm_fake_interrupt(t->fake);
	KUNIT_EXPECT_EQ(test, skb_queue_len(&t->received), 1);
	KUNIT_EXPECT_EQ(test, t->receive_errors, 1);
	KUNIT_EXPECT_EQ(test, stats(t).dl_bad_ip, 1);
}

/* M49 */
static void closed_session_receives_nothing(struct kunit *test)
{
	struct mux_test *t = mux_test(test);

	must_open(t, 0);
	must_open(t, 1);
	modem_send(t, 3, 100, 0x45);
	close_session(t, 1);
	modem_send(t, 1, 100, 0x45);
	modem_send(t, 0, 100, 0x45);
	iosm_fake_interrupt(t->fake);
	KUNIT_EXPECT_EQ(test, skb_queue_len(&t->received), 1);
	KUNIT_EXPECT_EQ(test, t->received_session[0], 0);
	KUNIT_EXPECT_EQ(test, 2,
			stats(t).defects.count[IOSM_MUX_DEFECT_SESSION_CLOSED]);
}

/* Data right behind the answer is not too early. */
static void data_behind_the_answer_is_delivered(struct kunit *test)
{
	struct mux_test *t = mux_test(test);
	const u32 params[] = { 0, 0, t->answers.pad };

	must_open(t, 0);
	t->answers.silent = true;
	t->fake->mute = true;
	/* both are in the ring before the host looks at it */
	modem_command(t, 2, 1, 1, params, 3);
	modem_send(t, 1, 100, 0x45);
	t->fake->mute = false;
	must_open(t, 1);
	KUNIT_EXPECT_EQ(test, skb_queue_len(&t->received), 1);
	KUNIT_EXPECT_EQ(test, t->received_session[0], 1);
	be_right(t);
}

static void bad_transfers_are_recycled(struct kunit *test)
{
	struct mux_test *t = mux_test(test);
	unsigned int i;

	must_open(t, 0);
	for (i = 0; i < 2000; i++) {
		/* overflow, error, aborted, partial, nothing, too long (T2 to T4) */
		static const u8 status[] = { 3, 5, 4, 1, 2, 2 };
		static const u32 size[] = { 100, 100, 100, 100, 0, 0xffffff };

		KUNIT_ASSERT_TRUE(test, iosm_fake_complete(t->fake, DL_PIPE, size[i % 6],
							   status[i % 6]));
		if (i % 8 == 7)
			iosm_fake_interrupt(t->fake);
	}
	iosm_fake_interrupt(t->fake);
	KUNIT_EXPECT_EQ(test, stats(t).dl_bad_td, 2000);
	modem_send(t, 0, 100, 0x45);
	iosm_fake_interrupt(t->fake);
	KUNIT_EXPECT_EQ(test, skb_queue_len(&t->received), 1);
}

/* The ring stays full, and its doorbell rings when half of it is unknown (Q28). */
static void downlink_never_starves(struct kunit *test)
{
	struct mux_test *t = mux_test(test);
	unsigned int entries, i;
	struct sk_buff *skb;

	must_open(t, 0);
	entries = t->fake->pipes[DL_PIPE].entries;
	iosm_fake_forget_bells(t->fake);
	for (i = 0; i < 4 * entries; i++) {
		modem_send(t, 0, 300, 0x45);
		iosm_fake_interrupt(t->fake);
		/* a modem that looks at the head only when it is told to */
		KUNIT_ASSERT_GT(test, iosm_fake_posted(t->fake, DL_PIPE), entries / 3);
		while ((skb = __skb_dequeue(&t->received)))
			kfree_skb(skb);
	}
	KUNIT_EXPECT_GE(test, iosm_fake_count_bells(t->fake, IOSM_DB_HEAD, 5), 7);
	KUNIT_EXPECT_LE(test, iosm_fake_count_bells(t->fake, IOSM_DB_HEAD, 5), 10);
	KUNIT_EXPECT_EQ(test, t->fake->bell_count,
			iosm_fake_count_bells(t->fake, IOSM_DB_HEAD, 5));
}

/* A drained ring is served in one go, whatever the budget of a poll is. */
static void drained_ring_is_served(struct kunit *test)
{
	struct mux_test *t = mux_test(test);
	unsigned int entries, i;

	must_open(t, 0);
	entries = t->fake->pipes[DL_PIPE].entries;
	t->fake->mute = true;
	for (i = 0; i < entries - 2; i++)
		modem_send(t, 0, 100, 0x45);
	t->fake->mute = false;
	iosm_fake_interrupt(t->fake);
	/* more than a budget of datagrams are finished by later polls */
	for (i = 0; i < 100 && skb_queue_len(&t->received) < entries - 2; i++)
		usleep_range(1000, 2000);
	KUNIT_EXPECT_EQ(test, skb_queue_len(&t->received), entries - 2);
	KUNIT_EXPECT_EQ(test, iosm_pipe_room(&t->modem->protocol.pipes[DL_PIPE]), 0);
	KUNIT_EXPECT_GE(test, iosm_fake_posted(t->fake, DL_PIPE), entries / 2);
}

/*
 * The page pool is short of memory: it asks for more than there can be, and what is
 * left of its last page is not used.
 */
static struct page_pool *take_memory_away(struct mux_test *t, unsigned int *order)
{
	struct iosm_pipe *dl = &t->modem->protocol.pipes[DL_PIPE];
	struct page *page = dl->slots[dl->tail].cookie;
	struct page_pool *pool;

	KUNIT_ASSERT_NOT_NULL(t->test, page);
	pool = pp_page_to_nmdesc(page)->pp;
	local_bh_disable();
	*order = pool->p.order;
	pool->p.order = MAX_PAGE_ORDER + 1;
	pool->frag_offset = PAGE_SIZE << pool->p.order;
	local_bh_enable();
	return pool;
}

static void give_memory_back(struct page_pool *pool, unsigned int order)
{
	local_bh_disable();
	pool->p.order = order;
	local_bh_enable();
}

/* Keeps buffers, as slow receivers do, until the ring cannot be filled any more. */
static void starve(struct mux_test *t, unsigned int leave)
{
	struct iosm_pipe *dl = &t->modem->protocol.pipes[DL_PIPE];
	u32 length = aggr(t) ? 9000 : 1500;
	unsigned int i;

	for (i = 0; i < 2000 && iosm_pipe_posted(dl) > leave; i++) {
		modem_send(t, 0, length, 0x45);
		iosm_fake_interrupt(t->fake);
	}
	KUNIT_ASSERT_LE(t->test, iosm_pipe_posted(dl), leave);
}

static bool ring_is_full(struct mux_test *t)
{
	return !iosm_pipe_room(&t->modem->protocol.pipes[DL_PIPE]);
}

static void await_full_ring(struct mux_test *t)
{
	unsigned long end = jiffies + msecs_to_jiffies(IOSM_FAKE_SOON);

	while (!ring_is_full(t) && time_before(jiffies, end))
		usleep_range(500, 1000);
	KUNIT_EXPECT_TRUE(t->test, ring_is_full(t));
}

/* A modem without buffers interrupts nobody, so that nobody else would look. */
static void starved_ring_recovers_by_itself(struct kunit *test)
{
	struct mux_test *t = mux_test(test);
	unsigned int order, interrupts, polls;
	u64 before, doorbells, failed;
	struct page_pool *pool;

	must_open(t, 0);
	before = stats(t).dl_doorbells;
	iosm_fake_forget_bells(t->fake);
	pool = take_memory_away(t, &order);
	starve(t, 0);
	KUNIT_EXPECT_EQ(test, iosm_fake_posted(t->fake, DL_PIPE), 0);
	failed = stats(t).dl_refill_failed;
	KUNIT_EXPECT_GT(test, failed, 0);
	doorbells = stats(t).dl_doorbells;
	KUNIT_EXPECT_EQ(test, doorbells - before,
			iosm_fake_count_bells(t->fake, IOSM_DB_HEAD, 5));

	/* it is tried again and again, and there is nothing to ring for */
	t->fake->mute = true;
	interrupts = t->fake->interrupts;
	for (polls = 0; polls < 1000 && stats(t).dl_refill_failed < failed + 3; polls++)
		usleep_range(500, 1000);
	KUNIT_EXPECT_GE(test, stats(t).dl_refill_failed, failed + 3);
	KUNIT_EXPECT_EQ(test, stats(t).dl_doorbells, doorbells);

	iosm_fake_forget_bells(t->fake);
	give_memory_back(pool, order);
	await_full_ring(t);
	KUNIT_EXPECT_EQ(test, t->fake->interrupts, interrupts);
	settle(t);
	/* and the modem knows */
	KUNIT_EXPECT_EQ(test, iosm_fake_count_bells(t->fake, IOSM_DB_HEAD, 5), 1);
	KUNIT_EXPECT_EQ(test, stats(t).dl_doorbells, doorbells + 1);
	KUNIT_EXPECT_EQ(test, iosm_fake_posted(t->fake, DL_PIPE),
			t->fake->pipes[DL_PIPE].entries - 1);

	t->fake->mute = false;
	__skb_queue_purge(&t->received);
	modem_send(t, 0, 1000, 0x45);
	iosm_fake_interrupt(t->fake);
	KUNIT_EXPECT_EQ(test, skb_queue_len(&t->received), 1);
}

/* While the modem has enough buffers its interrupts will do. */
static void short_ring_waits_for_an_interrupt(struct kunit *test)
{
	struct mux_test *t = mux_test(test);
	unsigned int order, entries;
	struct page_pool *pool;
	u64 failed;

	must_open(t, 0);
	entries = t->fake->pipes[DL_PIPE].entries;
	pool = take_memory_away(t, &order);
	starve(t, entries * 3 / 4);
	failed = stats(t).dl_refill_failed;
	KUNIT_EXPECT_GT(test, failed, 0);
	KUNIT_EXPECT_GE(test, iosm_fake_posted(t->fake, DL_PIPE), entries / 2);
	give_memory_back(pool, order);
	modem_send(t, 0, 1000, 0x45);
	iosm_fake_interrupt(t->fake);
	KUNIT_EXPECT_TRUE(test, ring_is_full(t));
	KUNIT_EXPECT_EQ(test, stats(t).dl_refill_failed, failed);
}

/* The timer of a starved ring does not survive its channel. */
static void starved_ring_is_closed(struct kunit *test)
{
	struct mux_test *t = mux_test(test);
	struct page_pool *pool;
	unsigned int order;

	must_open(t, 0);
	pool = take_memory_away(t, &order);
	starve(t, 0);
	be_silent(t);
	close_session(t, 0);
	be_right(t);
	KUNIT_EXPECT_FALSE(test, t->fake->pipes[DL_PIPE].open);

	/* the pool lives as long as its pages, and must not live longer than the device */
	give_memory_back(pool, order);
	__skb_queue_purge(&t->received);
	flush_delayed_work(&pool->release_dw);
	must_open(t, 0);
	KUNIT_EXPECT_TRUE(test, ring_is_full(t));
}

static void impossible_tail_ends_the_session(struct kunit *test)
{
	struct mux_test *t = mux_test(test);

	must_open(t, 0);
	iosm_fake_set_tail(t->fake, DL_PIPE, 0xffff);
	iosm_fake_interrupt(t->fake);
	KUNIT_EXPECT_FALSE(test, iosm_modem_online(t->modem));
	close_session(t, 0);
}

static void defects_are_counted_by_cause(struct kunit *test)
{
	struct mux_test *t = mux_test(test);
	static const u8 td[] = { 'Q', 'L', 'T', 'H', 20, 0, 0, 4 };
	const u32 mask = 0;

	must_open(t, 0);
	iosm_fake_send(t->fake, DL_PIPE, td, sizeof(td));
	iosm_fake_send(t->fake, DL_PIPE, aggr(t) ? "ADGH" : "ADBH", 4);
	iosm_fake_send(t->fake, DL_PIPE, "X", 1);
	modem_command(t, 77, 0, 0, &mask, 1);
	KUNIT_EXPECT_EQ(test, stats(t).defects.count[IOSM_MUX_DEFECT_SIGNATURE], 1);
	KUNIT_EXPECT_EQ(test, stats(t).defects.count[IOSM_MUX_DEFECT_VARIANT], 1);
	KUNIT_EXPECT_EQ(test, stats(t).defects.count[IOSM_MUX_DEFECT_TD_SHORT], 1);
	KUNIT_EXPECT_EQ(test, stats(t).defects.count[IOSM_MUX_DEFECT_COMMAND_CODE], 1);
	KUNIT_EXPECT_EQ(test, stats(t).dl_transfers, 5);
}

static void largest_packet_before_the_first_opening(struct kunit *test)
{
	struct mux_test *t = mux_test(test);

	KUNIT_EXPECT_EQ(test, iosm_mux_max_mtu(t->mux, 0), aggr(t) ? 16308 : 2032);
}

#define CASE(name)	KUNIT_CASE_PARAM(name, variant_case_gen_params)

static struct kunit_case iosm_mux_cases[] = {
	CASE(first_session_opens_the_channel),
	CASE(last_session_closes_the_channel),
	CASE(all_sessions_open_in_any_order),
	CASE(counters_survive_the_channel),
	CASE(refused_session_is_closed),
	CASE(refused_session_leaves_others_alone),
	CASE(impossible_padding_is_refused),
	CASE(silent_modem_times_out),
	CASE(close_without_answer_closes),
	KUNIT_CASE_PARAM(wrong_answer_is_no_answer, wrong_answer_gen_params),
	CASE(late_answer_satisfies_nobody),
	CASE(duplicate_answer_is_counted),
	CASE(offline_modem_opens_nothing),
	CASE(session_closes_after_a_crash),
	CASE(packet_goes_at_once),
	CASE(head_padding_is_as_agreed),
	CASE(impossible_packets_are_dropped),
	CASE(fragments_are_copied),
	KUNIT_CASE_PARAM(checksum_is_made_on_the_way, sum_case_gen_params),
	CASE(more_packets_share_a_doorbell),
	CASE(dropped_packet_ends_a_burst),
	CASE(batches_form_under_load),
	KUNIT_CASE(long_batch_is_rung),
	KUNIT_CASE(full_block_is_posted),
	KUNIT_CASE(sessions_share_a_block),
	CASE(backlog_competes),
	CASE(too_much_on_its_way_stops_the_links),
	KUNIT_CASE(no_buffer_stops_a_link),
	KUNIT_CASE(open_block_goes_before_the_close),
	KUNIT_CASE_PARAM(super_packet_arrives_in_segments, super_case_gen_params),
	CASE(packets_keep_their_order),
	KUNIT_CASE_PARAM(super_packet_stops_in_the_middle, reason_case_gen_params),
	KUNIT_CASE_PARAM(stopped_super_packet_arrives_whole, reason_case_gen_params),
	KUNIT_CASE_PARAM(flow_stop_holds_the_rest, reason_case_gen_params),
	CASE(stopped_link_holds_all_of_it),
	KUNIT_CASE_PARAM(close_drops_the_rest, reason_case_gen_params),
	CASE(segments_must_fit),
	KUNIT_CASE_PARAM(links_share_by_bytes, share_case_gen_params),
	KUNIT_CASE_PARAM(idle_link_takes_no_share, idle_case_gen_params),
	CASE(super_packet_needs_two_doorbells),
	KUNIT_CASE(idle_pipe_is_rung_at_the_first_block),
	CASE(stopped_burst_is_rung),
	KUNIT_CASE_PARAM(batch_is_as_tuned, batch_case_gen_params),
	CASE(tuning_has_defaults),
	KUNIT_CASE_PARAM(tuning_is_checked, tuning_case_gen_params),
	CASE(back_off_reaches_the_modem),
	CASE(nudge_rings_without_news),
	CASE(nudge_without_sessions_does_nothing),
	CASE(nudge_makes_up_for_a_lost_doorbell),
	CASE(nudge_makes_up_for_a_lost_interrupt),
	KUNIT_CASE(nudge_posts_the_open_block),
	KUNIT_CASE(open_block_has_a_place),
	CASE(uplink_is_counted),
	CASE(downlink_is_counted),
	CASE(unknown_super_packet_is_dropped),
	CASE(reopened_session_owes_nothing),
	CASE(buffers_come_back_at_close),
	CASE(modem_stops_one_session),
	CASE(flow_mask_decides),
	CASE(closed_session_has_no_flow_state),
	CASE(reopened_session_is_not_stopped),
	KUNIT_CASE(flow_stop_sends_the_open_block),
	CASE(link_report_is_answered),
	CASE(answers_on_their_way_are_bounded),
	KUNIT_CASE(no_credit_no_packet),
	KUNIT_CASE(credits_count_ip_bytes),
	KUNIT_CASE(credits_belong_to_one_session),
	KUNIT_CASE(credits_saturate),
	KUNIT_CASE(queue_levels_are_reported),
	KUNIT_CASE(idle_link_without_credits_reports_nothing),
	KUNIT_CASE(aggregation_needs_no_credits),
	KUNIT_CASE_PARAM(packet_is_delivered, rx_case_gen_params),
	KUNIT_CASE(block_is_shared_out),
	KUNIT_CASE_PARAM(what_is_not_ip_is_dropped, bad_ip_case_gen_params),
	CASE(closed_session_receives_nothing),
	CASE(data_behind_the_answer_is_delivered),
	CASE(bad_transfers_are_recycled),
	CASE(downlink_never_starves),
	CASE(drained_ring_is_served),
	CASE(starved_ring_recovers_by_itself),
	CASE(short_ring_waits_for_an_interrupt),
	CASE(starved_ring_is_closed),
	CASE(impossible_tail_ends_the_session),
	CASE(defects_are_counted_by_cause),
	CASE(largest_packet_before_the_first_opening),
	{}
};

static struct kunit_suite iosm_mux_suite = {
	.name = "iosm_mux",
	.test_cases = iosm_mux_cases,
};

kunit_test_suite(iosm_mux_suite);
