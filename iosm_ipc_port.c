// SPDX-License-Identifier: GPL-2.0-only
/**
 * DOC: Control ports
 *
 * MBIM, AT and RPC channels as WWAN ports. A port opens its channel with its
 * first user and closes it with its last.
 *
 * Up: the WWAN core hands over one message per write. Messages wait in a short
 * queue; when it is full the core is told to hold writers back. A TD carries at
 * most a buffer's size: a message of MBIM or RPC is one TD, a long write to an
 * AT port, which is a byte stream, becomes several.
 *
 * Down: a handful of buffers stays mapped; each unit is copied out of them, so
 * that the modem cannot change what user space reads. The core does not tell
 * when a unit was read. The port therefore keeps a reference to each unit that
 * it delivered; the ones whose reference is the last have been read. While too
 * many are unread, buffers are not given back to the modem, which has to wait:
 * a lazy reader costs bounded memory and loses nothing.
 *
 * Implements protocol.rst 4.2, 4.5, 8.3.
 */

#include <linux/dma-mapping.h>
#include <linux/skbuff.h>
#include <linux/slab.h>
#include <linux/timer.h>
#include <linux/wait.h>
#include <linux/wwan.h>

#include "iosm_ipc_buffers.h"
#include "iosm_ipc_clients.h"
#include "iosm_ipc_imem.h"

/* Writers wait from so many queued messages on, and go on at half. */
#define IOSM_PORT_QUEUE_STOP	8
/* More come only from writers that raced with the stop; they get an error. */
#define IOSM_PORT_QUEUE_MAX	64
#define IOSM_PORT_UNREAD_MAX	64
/* Milliseconds */
#define IOSM_PORT_DRAIN_TIMEOUT	500
#define IOSM_PORT_RETRY	10

#define IOSM_PORTS_MAX		4

/**
 * struct iosm_port_type - a kind of port that a modem may have
 * @config: its channel
 * @type: as the WWAN core names it
 * @stream: bytes, not messages
 */
struct iosm_port_type {
	const struct iosm_channel_config *config;
	enum wwan_port_type type;
	bool stream;
};

static const struct iosm_port_type iosm_port_types[IOSM_PORTS_MAX] = {
	{ &iosm_channel_rpc, WWAN_PORT_XMMRPC, false },
	{ &iosm_channel_at0, WWAN_PORT_AT, true },
	{ &iosm_channel_at1, WWAN_PORT_AT, true },
	{ &iosm_channel_mbim, WWAN_PORT_MBIM, false },
};

/**
 * struct iosm_port - one control port
 * @modem: whose
 * @type: what kind
 * @port: the WWAN core's object
 * @channel: in use while @open
 * @lock: protects the uplink: @open, @queue, @partial, @piece, @stopped and the
 *	uplink pipe; taken in process and softirq context
 * @open: writes are accepted
 * @stopped: the WWAN core holds writers back
 * @queue: messages that wait for a TD
 * @partial: message that is being posted, TD by TD
 * @piece: where it goes on: @partial itself or a buffer of its fragment list
 * @offset: bytes of @piece that are posted already
 * @unread: ring of units that may not have been read; poll only, except when
 *	the channel is closed
 * @unread_first: oldest of them
 * @unread_count: how many there are
 * @retry: polls again while units are unread or memory is short
 * @dropped: downlink units that were bad, or for which memory was short
 */
struct iosm_port {
	struct iosm_modem *modem;
	const struct iosm_port_type *type;
	struct wwan_port *port;
	struct iosm_channel channel;

	spinlock_t lock;	/* uplink */
	bool open;
	bool stopped;
	struct sk_buff_head queue;
	struct sk_buff *partial;
	struct sk_buff *piece;
	unsigned int offset;

	struct sk_buff *unread[IOSM_PORT_UNREAD_MAX];
	unsigned int unread_first;
	unsigned int unread_count;
	struct timer_list retry;
	u64 dropped;
};

/**
 * struct iosm_ports - all ports of one modem
 * @port: made in this order; the first empty one ends the list
 */
struct iosm_ports {
	struct iosm_port *port[IOSM_PORTS_MAX];
};

static struct device *iosm_port_dev(const struct iosm_port *port)
{
	return port->modem->dev;
}

/* Uplink */

/* What comes after @piece: the message's fragment list, piece by piece. */
static struct sk_buff *iosm_port_next_piece(struct sk_buff *message,
					    struct sk_buff *piece)
{
	return piece == message ? skb_shinfo(message)->frag_list : piece->next;
}

static bool iosm_port_take_next(struct iosm_port *port)
{
	if (port->piece)
		return true;
	port->partial = __skb_dequeue(&port->queue);
	port->piece = port->partial;
	port->offset = 0;
	return port->piece;
}

/* @len more bytes of the piece are posted. */
static void iosm_port_advance(struct iosm_port *port, unsigned int len)
{
	port->offset += len;
	if (port->offset < skb_headlen(port->piece))
		return;
	port->piece = iosm_port_next_piece(port->partial, port->piece);
	port->offset = 0;
}

/* Post one TD; the message comes back with its last one. */
static bool iosm_port_post(struct iosm_port *port)
{
	unsigned int len = min(skb_headlen(port->piece) - port->offset,
			       port->type->config->buffer_size);
	struct sk_buff *message = port->partial;
	dma_addr_t dma;

	dma = dma_map_single(iosm_port_dev(port),
			     port->piece->data + port->offset, len,
			     DMA_TO_DEVICE);
	if (dma_mapping_error(iosm_port_dev(port), dma))
		return false;

	iosm_port_advance(port, len);
	if (!port->piece)
		port->partial = NULL;
	iosm_pipe_post(port->channel.ul, dma, len,
		       port->piece ? NULL : message);
	return true;
}

static void iosm_port_push(struct iosm_port *port)
{
	lockdep_assert_held(&port->lock);
	while (iosm_pipe_room(port->channel.ul) && iosm_port_take_next(port)) {
		if (iosm_port_post(port))
			continue;
		mod_timer(&port->retry,
			  jiffies + msecs_to_jiffies(IOSM_PORT_RETRY));
		break;
	}
	iosm_channel_ring_ul(&port->channel, IOSM_HEAD_UL);
}

static bool iosm_port_idle(struct iosm_port *port)
{
	return !port->piece && skb_queue_empty(&port->queue) &&
	       !iosm_pipe_posted(port->channel.ul);
}

static void iosm_port_poll_ul(struct iosm_channel *channel)
{
	struct iosm_port *port = channel->ctx;
	struct iosm_pipe_done done;
	int completed;

	spin_lock_bh(&port->lock);
	completed = iosm_channel_completed(channel, channel->ul);
	while (completed--) {
		iosm_pipe_take(channel->ul, &done);
		dma_unmap_single(iosm_port_dev(port), done.slot.dma,
				 done.slot.len, DMA_TO_DEVICE);
		dev_consume_skb_any(done.slot.cookie);
	}
	iosm_port_push(port);

	if (port->stopped &&
	    skb_queue_len(&port->queue) <= IOSM_PORT_QUEUE_STOP / 2) {
		port->stopped = false;
		wwan_port_txon(port->port);
	}
	if (iosm_port_idle(port))
		wake_up_all(&port->modem->session_wait);
	spin_unlock_bh(&port->lock);
}

static int iosm_port_enqueue(struct iosm_port *port, struct sk_buff *skb)
{
	lockdep_assert_held(&port->lock);
	if (!port->open || !iosm_modem_online(port->modem))
		return -ENODEV;
	if (skb_queue_len(&port->queue) >= IOSM_PORT_QUEUE_MAX)
		return -ENOBUFS;

	__skb_queue_tail(&port->queue, skb);
	iosm_port_push(port);
	if (skb_queue_len(&port->queue) >= IOSM_PORT_QUEUE_STOP) {
		port->stopped = true;
		wwan_port_txoff(port->port);
	}
	return 0;
}

static int iosm_port_tx(struct wwan_port *wwan, struct sk_buff *skb)
{
	struct iosm_port *port = wwan_port_get_drvdata(wwan);
	int ret;

	if (!skb->len) {
		consume_skb(skb);
		return 0;
	}
	if (!port->type->stream && skb->len > port->type->config->buffer_size)
		return -EMSGSIZE;

	spin_lock_bh(&port->lock);
	ret = iosm_port_enqueue(port, skb);
	spin_unlock_bh(&port->lock);
	return ret;
}

/* Downlink */

static void iosm_port_forget_read(struct iosm_port *port)
{
	while (port->unread_count) {
		struct sk_buff *skb = port->unread[port->unread_first];

		if (skb_shared(skb))
			return;
		consume_skb(skb);
		port->unread_first = (port->unread_first + 1) %
				     IOSM_PORT_UNREAD_MAX;
		port->unread_count--;
	}
}

static void iosm_port_deliver(struct iosm_port *port, struct sk_buff *skb)
{
	unsigned int last = (port->unread_first + port->unread_count) %
			    IOSM_PORT_UNREAD_MAX;

	port->unread[last] = skb_get(skb);
	port->unread_count++;
	wwan_port_rx(port->port, skb);
}

/* Copy the unit out of its buffer and give the buffer back to the modem. */
static void iosm_port_receive(struct iosm_port *port,
			      const struct iosm_pipe_done *done)
{
	struct device *dev = iosm_port_dev(port);
	struct sk_buff *skb = NULL;

	if (!done->error)
		skb = alloc_skb(done->size, GFP_ATOMIC | __GFP_NOWARN);
	if (skb) {
		skb_put_data(skb, iosm_buffers_read(&port->channel, done), done->size);
		iosm_port_deliver(port, skb);
	} else {
		port->dropped++;
		dev_warn_ratelimited(dev, "port unit dropped: %pe\n",
				     ERR_PTR(done->error ?: -ENOMEM));
	}
	iosm_buffers_repost(&port->channel, done);
}

static int iosm_port_poll_dl(struct iosm_channel *channel, int budget)
{
	struct iosm_port *port = channel->ctx;
	struct iosm_pipe_done done;
	int completed, handled = 0;

	completed = iosm_channel_completed(channel, channel->dl);
	if (!completed)
		return 0;

	iosm_port_forget_read(port);
	while (handled < min(completed, budget) &&
	       port->unread_count < IOSM_PORT_UNREAD_MAX) {
		iosm_pipe_take(channel->dl, &done);
		iosm_port_receive(port, &done);
		handled++;
	}
	iosm_channel_ring_dl(channel, IOSM_HEAD_DL);

	if (port->unread_count == IOSM_PORT_UNREAD_MAX)
		mod_timer(&port->retry,
			  jiffies + msecs_to_jiffies(IOSM_PORT_RETRY));
	return handled;
}

static void iosm_port_poll_again(struct timer_list *timer)
{
	struct iosm_port *port = timer_container_of(port, timer, retry);

	iosm_modem_poll_soon(port->modem);
}

static void iosm_port_reclaim(struct iosm_channel *channel,
			      struct iosm_pipe *pipe,
			      const struct iosm_pipe_slot *slot)
{
	struct iosm_port *port = channel->ctx;

	if (pipe == channel->ul) {
		dma_unmap_single(iosm_port_dev(port), slot->dma, slot->len,
				 DMA_TO_DEVICE);
		kfree_skb(slot->cookie);
	} else {
		iosm_buffers_reclaim(channel, slot);
	}
}

static const struct iosm_channel_ops iosm_port_channel_ops = {
	.fill = iosm_buffers_fill,
	.poll_ul = iosm_port_poll_ul,
	.poll_dl = iosm_port_poll_dl,
	.reclaim = iosm_port_reclaim,
};

/* Life of a port */

static int iosm_port_start(struct wwan_port *wwan)
{
	struct iosm_port *port = wwan_port_get_drvdata(wwan);
	int ret;

	/* The first user may be quicker than the return of the creation. */
	port->port = wwan;
	ret = iosm_channel_open(&port->channel, port->modem,
				port->type->config, &iosm_port_channel_ops,
				port);
	if (ret)
		return ret;

	spin_lock_bh(&port->lock);
	port->open = true;
	spin_unlock_bh(&port->lock);
	return 0;
}

static bool iosm_port_sent(struct iosm_port *port)
{
	bool sent;

	if (!iosm_modem_online(port->modem))
		return true;
	spin_lock_bh(&port->lock);
	sent = iosm_port_idle(port);
	spin_unlock_bh(&port->lock);
	return sent;
}

static void iosm_port_stop(struct wwan_port *wwan)
{
	struct iosm_port *port = wwan_port_get_drvdata(wwan);

	/* What was written before the close shall still be sent. */
	wait_event_timeout(port->modem->session_wait, iosm_port_sent(port),
			   msecs_to_jiffies(IOSM_PORT_DRAIN_TIMEOUT));

	spin_lock_bh(&port->lock);
	port->open = false;
	spin_unlock_bh(&port->lock);

	iosm_channel_close(&port->channel);
	timer_delete_sync(&port->retry);

	/* A message of which some pieces are sent still belongs to us. */
	kfree_skb(port->partial);
	port->partial = NULL;
	port->piece = NULL;
	__skb_queue_purge(&port->queue);
	if (port->stopped) {
		port->stopped = false;
		wwan_port_txon(wwan);
	}
	while (port->unread_count) {
		consume_skb(port->unread[port->unread_first]);
		port->unread_first = (port->unread_first + 1) %
				     IOSM_PORT_UNREAD_MAX;
		port->unread_count--;
	}
}

static const struct wwan_port_ops iosm_port_ops = {
	.start = iosm_port_start,
	.stop = iosm_port_stop,
	.tx = iosm_port_tx,
};

static struct iosm_port *iosm_port_create(struct iosm_modem *modem,
					  const struct iosm_port_type *type)
{
	struct wwan_port_caps caps = {
		.frag_len = type->config->buffer_size,
	};
	struct iosm_port *port;
	struct wwan_port *wwan;

	port = kzalloc_obj(*port);
	if (!port)
		return ERR_PTR(-ENOMEM);

	port->modem = modem;
	port->type = type;
	spin_lock_init(&port->lock);
	__skb_queue_head_init(&port->queue);
	timer_setup(&port->retry, iosm_port_poll_again, 0);

	wwan = wwan_create_port(modem->dev, type->type, &iosm_port_ops, &caps,
				port);
	if (IS_ERR(wwan)) {
		kfree(port);
		return ERR_CAST(wwan);
	}
	port->port = wwan;
	return port;
}

static void iosm_port_destroy(struct iosm_port *port)
{
	wwan_remove_port(port->port);
	kfree(port);
}

static void iosm_ports_stop(void *instance)
{
	struct iosm_ports *ports = instance;
	unsigned int i;

	for (i = 0; i < IOSM_PORTS_MAX && ports->port[i]; i++)
		iosm_port_destroy(ports->port[i]);
	kfree(ports);
}

static void *iosm_ports_start(struct iosm_modem *modem)
{
	struct iosm_ports *ports;
	unsigned int i, n = 0;

	ports = kzalloc_obj(*ports);
	if (!ports)
		return ERR_PTR(-ENOMEM);

	for (i = 0; i < IOSM_PORTS_MAX; i++) {
		const struct iosm_port_type *type = &iosm_port_types[i];
		struct iosm_port *port;

		if (!(modem->bus->device->channels & BIT(type->config->id)))
			continue;
		port = iosm_port_create(modem, type);
		if (port == ERR_PTR(-EOPNOTSUPP)) {
			dev_info(modem->dev, "no WWAN port for channel %d\n",
				 type->config->id);
			continue;
		}
		if (IS_ERR(port)) {
			iosm_ports_stop(ports);
			return ERR_CAST(port);
		}
		ports->port[n++] = port;
	}
	return ports;
}

const struct iosm_client iosm_port_client = {
	.name = "ports",
	.start = iosm_ports_start,
	.stop = iosm_ports_stop,
};
