// SPDX-License-Identifier: GPL-2.0-only
/*
 * IP multiplexer: the sessions on the data channel, and the commands about them.
 */

#include <linux/slab.h>

#include "iosm_ipc_mux_parts.h"

/**
 * DOC: the multiplexer
 *
 * **Uplink.** A packet is copied once, with its checksum, from the stack into a
 * buffer that was mapped when the channel was opened; a super-packet is cut into
 * datagrams on the way (iosm_ipc_packet.c)::
 *
 *   link 0 --\                        +-- open block --+     ring of the modem
 *   link 1 ---> iosm_mux_send() ----> | packets ...    | --> [block][block]...
 *   link 7 --/   under tx_lock        +----------------+          |
 *                                                      completion v
 *                             free <------------------- accounting, wake-ups
 *
 * In Aggregation a packet extends the open block. The block is posted when it is
 * full; when the stack says that no more packets follow and no block is on its way;
 * or by the completion of the one that was.
 * In Lite every packet is a transfer of its own. In both, the doorbell rings when
 * what it would tell is at least half of what the modem knows of. So a lone packet
 * waits for nothing, batches form under load only, and there is no timer.
 *
 * There is no queue between the queueing discipline and the ring. A link stops when
 * its next datagram could not be taken: byte queue limits, flow control by the
 * modem, credits (Lite), too many bytes on their way, no free buffer. One packet
 * for each link, the one in which the reason arose, is held until the reason is
 * gone; of a super-packet that may be the rest. What a link has on its way is
 * accounted in private records, never read back from a buffer that the modem can
 * see.
 *
 * Links share the pipe by bytes. Those that compete for it may each have the same
 * number of bytes on their way; as all of them wait in the same ring, each gets the
 * same part of what the modem takes. A link that the modem has stopped does not
 * compete, and has nothing in the ring that others would wait for.
 *
 * **Downlink.** Buffers are pages of a page pool, mapped once. Small datagrams, and
 * all those of a nearly empty block, are copied; of the others the headers are
 * copied, and the rest is a page fragment that holds one reference. The truesize
 * of a buffer is shared out among the datagrams that keep it. Buffers are
 * replaced in the same poll; the modem is told when it knows of fewer than half of
 * them. If there is no memory, the ring gets shorter; if it gets too short, a timer
 * runs the poll again until it is whole. Nothing depends on an allocation that
 * must succeed.
 *
 * **Sessions.** Opening and closing are commands that a caller waits for, one at a
 * time. The wait is armed, with command, session and transaction id, before the
 * command is sent; an answer that does not match, or comes when nobody waits, is
 * counted. A session becomes open in the poll that sees the answer, so that data
 * right behind it is not lost.
 *
 * **Contexts and locks**::
 *
 *   RTNL (callers)
 *     command_lock            sessions opened and closed, channel, @waiting armed
 *       tx_lock               everything uplink: ring, block, buffers, session
 *                             state, @waiting; softirq-safe
 *         locks of the layers below
 *
 * The downlink ring, the page pool and the downlink counters belong to the poll,
 * and to the opener and closer of the channel while no poll runs for it.
 */

#define COMMAND_TIMEOUT		1000	/* milliseconds, protocol.rst 5.6.6 */

/* Commands */

static void iosm_mux_reply_posted(struct iosm_mux *mux, struct iosm_mux_buffer *buffer,
				  int len)
{
	if (WARN_ON_ONCE(len < 0)) {
		iosm_mux_ul_put(mux, buffer);
		return;
	}
	iosm_mux_ul_post(mux, buffer, len);
	iosm_channel_ring_ul(&mux->channel, IOSM_HEAD_MUX_UL);
}

static void iosm_mux_flow(struct iosm_mux *mux, const struct iosm_mux_command *command)
{
	struct iosm_mux_session *session = &mux->sessions[command->session];
	struct iosm_mux_buffer *buffer;
	int len;

	/* A closed session has no state; the modem gets its answer all the same (M37). */
	if (session->link)
		iosm_mux_ul_set_flow(mux, session, command->flow_mask);

	buffer = iosm_mux_ul_get_command(mux, IOSM_MUX_COMMAND_RESERVE);
	if (!buffer) {
		mux->stats.replies_dropped++;
		return;
	}
	len = iosm_mux_wire_flow_ack(mux->variant, &mux->counters, command->session,
				     command->tid, buffer->data, IOSM_MUX_COMMAND_STRIDE);
	iosm_mux_reply_posted(mux, buffer, len);
}

static void iosm_mux_link_report(struct iosm_mux *mux,
				 const struct iosm_mux_command *command)
{
	struct iosm_mux_buffer *buffer = iosm_mux_ul_get_command(mux, IOSM_MUX_COMMAND_RESERVE);
	int len;

	if (!buffer) {
		mux->stats.replies_dropped++;
		return;
	}
	len = iosm_mux_wire_link_response(mux->variant, &mux->counters, command->session,
					  command->tid, buffer->data, IOSM_MUX_COMMAND_STRIDE);
	iosm_mux_reply_posted(mux, buffer, len);
}

/* Opens the session of an answer that was waited for, unless it says no. */
static int iosm_mux_opened(struct iosm_mux *mux, const struct iosm_mux_command *command)
{
	struct iosm_mux_session *session = &mux->sessions[command->session];
	int pad;

	if (command->result)
		return -ECONNREFUSED;
	pad = iosm_mux_wire_ul_pad(mux->variant, command->ul_pad);
	if (pad < 0)
		return -EPROTO;

	memset(session, 0, sizeof(*session));
	session->pad = pad;
	session->link = mux->waiting.link;
	WRITE_ONCE(mux->known_pad[command->session], pad);
	WRITE_ONCE(mux->open_sessions, mux->open_sessions | BIT(command->session));
	return 0;
}

static void iosm_mux_answer(struct iosm_mux *mux, const struct iosm_mux_command *command)
{
	struct iosm_mux_waiting *waiting = &mux->waiting;

	if (!waiting->armed || waiting->kind != command->kind ||
	    waiting->session != command->session || waiting->tid != command->tid) {
		mux->stats.late_answers++;
		return;
	}
	if (command->kind == IOSM_MUX_CMD_OPEN_RESPONSE)
		waiting->error = iosm_mux_opened(mux, command);
	else
		waiting->error = command->result ? -EREMOTEIO : 0;
	/* Pairs with the acquire of who waits. */
	smp_store_release(&waiting->armed, false);
	wake_up_all(&mux->modem->session_wait);
}

static void iosm_mux_command(void *ctx, const struct iosm_mux_command *command)
{
	struct iosm_mux *mux = ctx;

	trace_iosm_mux_command(mux->modem->dev, command->kind, command->session,
			       command->tid);
	spin_lock(&mux->tx_lock);
	switch (command->kind) {
	case IOSM_MUX_CMD_OPEN_RESPONSE:
	case IOSM_MUX_CMD_CLOSE_RESPONSE:
		iosm_mux_answer(mux, command);
		break;
	case IOSM_MUX_CMD_FLOW:
		iosm_mux_flow(mux, command);
		break;
	case IOSM_MUX_CMD_LINK_REPORT:
		iosm_mux_link_report(mux, command);
		break;
	}
	spin_unlock(&mux->tx_lock);
}

static const struct iosm_mux_decoder_ops iosm_mux_decoder_ops = {
	.datagram = iosm_mux_dl_datagram,
	.command = iosm_mux_command,
	.credits = iosm_mux_ul_credits,
};

static const struct iosm_channel_ops iosm_mux_channel_ops = {
	.fill = iosm_mux_dl_fill,
	.poll_ul = iosm_mux_ul_poll,
	.poll_dl = iosm_mux_dl_poll,
	.reclaim = iosm_mux_dl_reclaim,
};

/* Sessions */

static int iosm_mux_open_channel(struct iosm_mux *mux)
{
	int ret;

	ret = iosm_mux_dl_open(mux);
	if (ret)
		return ret;
	ret = iosm_mux_ul_open(mux);
	if (ret)
		goto err_close_dl;
	ret = iosm_channel_open(&mux->channel, mux->modem, &mux->config,
				&iosm_mux_channel_ops, mux);
	if (ret)
		goto err_close_ul;
	return 0;

err_close_ul:
	iosm_mux_ul_close(mux);
err_close_dl:
	iosm_mux_dl_close(mux);
	return ret;
}

static void iosm_mux_close_channel(struct iosm_mux *mux)
{
	iosm_channel_close(&mux->channel);
	iosm_mux_ul_close(mux);
	iosm_mux_dl_close(mux);
}

/* Sends a session command and arms the wait for its answer before that (Q34). */
static int iosm_mux_post_command(struct iosm_mux *mux, u8 session,
				 enum iosm_mux_command_kind answer, void *link)
{
	bool open = answer == IOSM_MUX_CMD_OPEN_RESPONSE;
	struct iosm_mux_waiting *waiting = &mux->waiting;
	struct iosm_mux_buffer *buffer;
	int len;

	lockdep_assert_held(&mux->command_lock);

	spin_lock_bh(&mux->tx_lock);
	buffer = iosm_mux_ul_get_command(mux, 0);
	if (!buffer) {
		spin_unlock_bh(&mux->tx_lock);
		return -EBUSY;
	}
	if (open)
		len = iosm_mux_wire_open(mux->variant, &mux->counters, session,
					 buffer->data, IOSM_MUX_COMMAND_STRIDE, &waiting->tid);
	else
		len = iosm_mux_wire_close(mux->variant, &mux->counters, session,
					  buffer->data, IOSM_MUX_COMMAND_STRIDE, &waiting->tid);
	if (WARN_ON_ONCE(len < 0)) {
		iosm_mux_ul_put(mux, buffer);
		spin_unlock_bh(&mux->tx_lock);
		return len;
	}
	waiting->kind = answer;
	waiting->session = session;
	waiting->link = link;
	waiting->error = 0;
	waiting->armed = true;
	iosm_mux_ul_post(mux, buffer, len);
	iosm_channel_ring_ul(&mux->channel,
			     open ? IOSM_HEAD_MUX_URGENT : IOSM_HEAD_MUX_UL);
	spin_unlock_bh(&mux->tx_lock);
	return 0;
}

/* Nobody waits any more; true if the answer came after all. */
static bool iosm_mux_disarm(struct iosm_mux *mux)
{
	bool answered;

	spin_lock_bh(&mux->tx_lock);
	answered = !mux->waiting.armed;
	mux->waiting.armed = false;
	spin_unlock_bh(&mux->tx_lock);
	return answered;
}

/* The answer came, or none will come any more. */
static bool iosm_mux_wait_over(struct iosm_mux *mux)
{
	/* Pairs with the release in iosm_mux_answer(). */
	return !smp_load_acquire(&mux->waiting.armed) || !iosm_modem_online(mux->modem);
}

static int iosm_mux_wait(struct iosm_mux *mux, bool interruptible)
{
	struct wait_queue_head *wait = &mux->modem->session_wait;
	unsigned long timeout = msecs_to_jiffies(mux->timeout);
	long left;

	if (interruptible)
		left = wait_event_interruptible_timeout(*wait, iosm_mux_wait_over(mux), timeout);
	else
		left = wait_event_timeout(*wait, iosm_mux_wait_over(mux), timeout);

	if (iosm_mux_disarm(mux))
		return mux->waiting.error;
	if (left < 0)
		return -EINTR;
	if (!iosm_modem_online(mux->modem))
		return -ENODEV;

	spin_lock_bh(&mux->tx_lock);
	mux->stats.timeouts++;
	spin_unlock_bh(&mux->tx_lock);
	iosm_modem_event(mux->modem, IOSM_EVENT_TIMEOUT);
	/* If everything is taken down, one wait for a dead modem is enough. */
	if (iosm_modem_ending(mux->modem))
		iosm_modem_broken(mux->modem, "session command unanswered");
	else
		iosm_modem_failure(mux->modem, "session command unanswered");
	return -ETIMEDOUT;
}

static int iosm_mux_open_session(struct iosm_mux *mux, u8 session, void *link)
{
	int ret;

	ret = iosm_mux_post_command(mux, session, IOSM_MUX_CMD_OPEN_RESPONSE, link);
	if (ret)
		return ret;
	ret = iosm_mux_wait(mux, true);

	/*
	 * The modem may believe that the session is open: it was too slow, we gave
	 * up, or its wish for padding made us refuse. It has to know before the channel
	 * is closed, which would overtake it.
	 */
	if ((ret == -ETIMEDOUT || ret == -EINTR || ret == -EPROTO) &&
	    iosm_modem_online(mux->modem) &&
	    !iosm_mux_post_command(mux, session, IOSM_MUX_CMD_CLOSE_RESPONSE, NULL) &&
	    iosm_mux_wait(mux, false) == -ETIMEDOUT)
		iosm_modem_broken(mux->modem, "session commands unanswered");
	return ret;
}

/**
 * iosm_mux_open() - open a session
 * @mux: the multiplexer
 * @session: 0 to 7, not open
 * @link: whom to call for it, not NULL
 *
 * Opens the channel first if no session is open. Packets may come in before the
 * return. Implements protocol.rst 5.6.6 and 5.6.7.
 *
 * Context: process, may sleep some seconds at most; RTNL may be held.
 * Return: 0; -ENODEV if the modem is not online; -EINTR after a signal;
 * -ETIMEDOUT if there was no answer; -ECONNREFUSED if the modem refused; -EPROTO if
 * it wants impossible padding; -EBUSY; -ENOMEM; or another error of the channel.
 * After an error the session is closed.
 */
int iosm_mux_open(struct iosm_mux *mux, u8 session, void *link)
{
	int ret = 0;

	mutex_lock(&mux->command_lock);
	if (!iosm_modem_online(mux->modem))
		ret = -ENODEV;
	else if (mux->open_sessions & BIT(session))
		ret = -EBUSY;
	else if (!mux->users)
		ret = iosm_mux_open_channel(mux);
	if (ret)
		goto unlock;

	ret = iosm_mux_open_session(mux, session, link);
	if (!ret)
		mux->users++;
	else if (!mux->users)
		iosm_mux_close_channel(mux);
unlock:
	mutex_unlock(&mux->command_lock);
	return ret;
}

/**
 * iosm_mux_close() - close a session
 * @mux: the multiplexer
 * @session: opened by iosm_mux_open()
 *
 * It is closed on our side in any case, also if the modem does not answer. Closes
 * the channel with the last session. Implements protocol.rst 5.6.6 and 5.6.7.
 *
 * Context: process, may sleep some seconds at most; RTNL may be held. No
 * iosm_mux_send() for this session at the same time or later.
 */
void iosm_mux_close(struct iosm_mux *mux, u8 session)
{
	int ret = -ENODEV;

	mutex_lock(&mux->command_lock);
	iosm_mux_ul_forget(mux, session);
	if (iosm_modem_online(mux->modem))
		ret = iosm_mux_post_command(mux, session, IOSM_MUX_CMD_CLOSE_RESPONSE,
					    NULL);
	if (!ret)
		ret = iosm_mux_wait(mux, false);
	if (ret && ret != -ENODEV)
		dev_warn(mux->modem->dev, "closing session %u: %pe\n", session,
			 ERR_PTR(ret));

	if (!--mux->users)
		iosm_mux_close_channel(mux);
	mutex_unlock(&mux->command_lock);
}

/**
 * iosm_mux_max_mtu() - largest packet that can be sent
 * @mux: the multiplexer
 * @session: 0 to 7
 *
 * Before the first opening the padding that modems usually want is assumed.
 *
 * Context: any.
 * Return: bytes.
 */
u32 iosm_mux_max_mtu(struct iosm_mux *mux, u8 session)
{
	return iosm_mux_wire_max_datagram(mux->variant, READ_ONCE(mux->known_pad[session]));
}

/**
 * iosm_mux_flow_stopped() - has the modem stopped a session?
 * @mux: the multiplexer
 * @session: 0 to 7
 *
 * Context: any; the answer may change at any time.
 * Return: true after a flow-control stop, or while credits are used up.
 */
bool iosm_mux_flow_stopped(struct iosm_mux *mux, u8 session)
{
	struct iosm_mux_session *s = &mux->sessions[session];
	bool stopped;

	spin_lock_bh(&mux->tx_lock);
	stopped = s->flow_mask || (mux->use_credits && s->stopped);
	spin_unlock_bh(&mux->tx_lock);
	return stopped;
}

/**
 * iosm_mux_get_stats() - read the counters
 * @mux: the multiplexer
 * @stats: where to
 *
 * Those of the poll are read while it may run: on a 32-bit CPU a counter may be
 * wrong for a moment when its lower half wraps.
 *
 * Context: process or softirq.
 */
void iosm_mux_get_stats(struct iosm_mux *mux, struct iosm_mux_stats *stats)
{
	spin_lock_bh(&mux->tx_lock);
	*stats = mux->stats;
	spin_unlock_bh(&mux->tx_lock);
}

/**
 * iosm_mux_create() - make the multiplexer of a modem
 * @modem: the modem; online, its capabilities sampled
 * @ops: news for the caller
 * @ctx: for the ops that have no link
 *
 * Chooses the variant. Touches neither the modem nor its rings. Implements
 * protocol.rst 2.3 and 5.1.
 *
 * Context: process, may sleep.
 * Return: the multiplexer, or an ERR_PTR().
 */
struct iosm_mux *iosm_mux_create(struct iosm_modem *modem,
				 const struct iosm_mux_ops *ops, void *ctx)
{
	u32 aggr = IOSM_FW_CAP_UL_AGGR | IOSM_FW_CAP_DL_AGGR;
	struct iosm_mux *mux = kzalloc_obj(*mux);
	u8 s;

	if (!mux)
		return ERR_PTR(-ENOMEM);
	mux->modem = modem;
	mux->ops = ops;
	mux->ctx = ctx;
	mux->timeout = COMMAND_TIMEOUT;
	mux->variant = modem->fw_caps & aggr ? IOSM_MUX_AGGR : IOSM_MUX_LITE;
	/* Aggregation never uses credits up (Q45); the thresholds do the work. */
	mux->use_credits = mux->variant == IOSM_MUX_LITE &&
			   modem->fw_caps & IOSM_FW_CAP_UL_CREDITS;
	mux->config = mux->variant == IOSM_MUX_AGGR ? iosm_channel_mux_aggr :
						      iosm_channel_mux_lite;
	mutex_init(&mux->command_lock);
	iosm_mux_ul_init(mux);
	iosm_mux_dl_init(mux, &iosm_mux_decoder_ops);
	for (s = 0; s < IOSM_MUX_SESSIONS; s++)
		mux->known_pad[s] = mux->variant == IOSM_MUX_AGGR ? IOSM_MUX_DL_PAD : 0;
	return mux;
}

/**
 * iosm_mux_get_tuning() - read what can be tuned
 * @mux: the multiplexer
 * @tuning: where to
 *
 * Context: process, may sleep.
 */
void iosm_mux_get_tuning(struct iosm_mux *mux, struct iosm_mux_tuning *tuning)
{
	mutex_lock(&mux->command_lock);
	tuning->ul_backoff = mux->config.ul_backoff;
	tuning->dl_backoff = mux->config.dl_backoff;
	tuning->batch = READ_ONCE(mux->batch);
	tuning->ul_buffers = mux->variant == IOSM_MUX_AGGR ? IOSM_MUX_AGGR_BUFFERS :
							     IOSM_MUX_LITE_BUFFERS;
	tuning->dl_buffers = mux->config.dl_entries - 1;
	mutex_unlock(&mux->command_lock);
}

/**
 * iosm_mux_set_tuning() - change what can be tuned
 * @mux: the multiplexer
 * @tuning: as read before, with changes; the numbers of buffers are not looked at
 *
 * The modem is told the back-off of a pipe when the pipe is opened, which is when
 * the first session is (protocol.rst 3.4.2).
 *
 * Context: process, may sleep.
 * Return: 0; -ERANGE if a value is out of range; -EBUSY if a back-off would change
 * while a session is open. Nothing is changed then.
 */
int iosm_mux_set_tuning(struct iosm_mux *mux, const struct iosm_mux_tuning *tuning)
{
	int ret = 0;

	if (!tuning->batch || tuning->batch > IOSM_MUX_BATCH_MAX ||
	    tuning->ul_backoff > IOSM_MUX_BACKOFF_MAX ||
	    tuning->dl_backoff > IOSM_MUX_BACKOFF_MAX)
		return -ERANGE;

	mutex_lock(&mux->command_lock);
	if (mux->users && (tuning->ul_backoff != mux->config.ul_backoff ||
			   tuning->dl_backoff != mux->config.dl_backoff)) {
		ret = -EBUSY;
	} else {
		mux->config.ul_backoff = tuning->ul_backoff;
		mux->config.dl_backoff = tuning->dl_backoff;
		spin_lock_bh(&mux->tx_lock);
		WRITE_ONCE(mux->batch, tuning->batch);
		spin_unlock_bh(&mux->tx_lock);
	}
	mutex_unlock(&mux->command_lock);
	return ret;
}

#if IS_ENABLED(CONFIG_IOSM_KUNIT_TEST)
/* For the unit tests: how long to wait for an answer, milliseconds, 0 = as usual */
void iosm_mux_set_timeout(struct iosm_mux *mux, unsigned int timeout)
{
	mux->timeout = timeout ?: COMMAND_TIMEOUT;
}
#endif

/**
 * iosm_mux_destroy() - free the multiplexer
 * @mux: no session is open
 *
 * Context: process, may sleep.
 */
void iosm_mux_destroy(struct iosm_mux *mux)
{
	WARN_ON(mux->users);
	mutex_destroy(&mux->command_lock);
	kfree(mux);
}
