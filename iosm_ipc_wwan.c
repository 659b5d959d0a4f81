// SPDX-License-Identifier: GPL-2.0-only
/*
 * Network devices: one for each session of the multiplexer.
 */

#include <linux/ethtool.h>
#include <linux/if_arp.h>
#include <linux/netdevice.h>
#include <linux/rtnetlink.h>
#include <linux/wwan.h>
#include <net/sch_generic.h>

#include "iosm_ipc_clients.h"
#include "iosm_ipc_imem.h"
#include "iosm_ipc_mux.h"
#include "iosm_ipc_packet.h"

/**
 * DOC: the network devices
 *
 * A link is a raw IP device; its id is the session of the multiplexer and the
 * session id of MBIM. The WWAN core creates link 0; users make others::
 *
 *   ip link add dev wwan0-1 parentdev wwan0 type wwan linkid 1
 *
 * Bringing a link up opens its session, taking it down closes it. A link can be
 * found by the poll (under RCU) from the end of its registration to the beginning
 * of its removal. Its transmit queue is stopped and woken by the multiplexer, under
 * the lock of that; nothing else here touches the queue while the link is up.
 */

#define MTU_DEFAULT		1500
#define TX_QUEUE_LENGTH		1000	/* packets, protocol.rst 8.4 */
#define TX_TIMEOUT		(10 * HZ)

/**
 * struct iosm_wwan - the links of a modem
 * @modem: the modem
 * @mux: its multiplexer
 * @links: registered devices by link id; written under RTNL
 */
struct iosm_wwan {
	struct iosm_modem *modem;
	struct iosm_mux *mux;
	struct net_device __rcu *links[IOSM_MUX_SESSIONS];
};

/**
 * struct iosm_link - private part of a device
 * @wwan: whose
 * @session: link id
 */
struct iosm_link {
	struct iosm_wwan *wwan;
	u8 session;
};

static struct iosm_link *iosm_link(struct net_device *dev)
{
	return wwan_netdev_drvpriv(dev);
}

/* News from the multiplexer */

static void iosm_wwan_receive(void *ctx, u8 session, struct sk_buff *skb)
{
	struct iosm_wwan *wwan = ctx;
	struct net_device *dev = rcu_dereference(wwan->links[session]);

	if (unlikely(!dev)) {
		kfree_skb(skb);
		return;
	}
	skb->dev = dev;
	dev_sw_netstats_rx_add(dev, skb->len);
	napi_gro_receive(&wwan->modem->napi, skb);
}

static void iosm_wwan_receive_error(void *ctx, u8 session, bool no_memory)
{
	struct iosm_wwan *wwan = ctx;
	struct net_device *dev = rcu_dereference(wwan->links[session]);

	if (!dev)
		return;
	if (no_memory)
		dev_core_stats_rx_dropped_inc(dev);
	else
		DEV_STATS_INC(dev, rx_errors);
}

static void iosm_link_stop_queue(void *link)
{
	netif_stop_queue(link);
}

static void iosm_link_wake_queue(void *link)
{
	netif_wake_queue(link);
}

static bool iosm_link_sent(void *link, u32 packets, u32 bytes, bool more)
{
	dev_sw_netstats_tx_add(link, packets, bytes);
	return __netdev_sent_queue(link, bytes, more);
}

static void iosm_link_completed(void *link, u32 packets, u32 bytes)
{
	netdev_completed_queue(link, packets, bytes);
}

static void iosm_link_reset(void *link, u32 dropped)
{
	struct net_device *dev = link;

	DEV_STATS_ADD(dev, tx_dropped, dropped);
	netdev_reset_queue(dev);
}

static u32 iosm_link_backlog(void *link)
{
	const struct netdev_queue *queue = netdev_get_tx_queue(link, 0);
	u32 packets, bytes;

	rcu_read_lock();
	qdisc_qstats_qlen_backlog(rcu_dereference(queue->qdisc), &packets, &bytes);
	rcu_read_unlock();
	return bytes;
}

static const struct iosm_mux_ops iosm_wwan_mux_ops = {
	.receive = iosm_wwan_receive,
	.receive_error = iosm_wwan_receive_error,
	.stop = iosm_link_stop_queue,
	.wake = iosm_link_wake_queue,
	.sent = iosm_link_sent,
	.completed = iosm_link_completed,
	.reset = iosm_link_reset,
	.backlog = iosm_link_backlog,
};

/* Device operations */

/* The modem has just said how much padding it wants in front of a packet. */
static int iosm_link_fit_mtu(struct net_device *dev)
{
	struct iosm_link *link = iosm_link(dev);

	dev->max_mtu = iosm_mux_max_mtu(link->wwan->mux, link->session);
	if (dev->mtu <= dev->max_mtu)
		return 0;
	netdev_warn(dev, "MTU reduced to %u, the largest that fits\n", dev->max_mtu);
	return dev_set_mtu(dev, dev->max_mtu);
}

static int iosm_link_open(struct net_device *dev)
{
	struct iosm_link *link = iosm_link(dev);
	int ret;

	/* Before the session is open: from then on the multiplexer may stop it. */
	netif_start_queue(dev);
	ret = iosm_mux_open(link->wwan->mux, link->session, dev);
	if (ret)
		goto err_stop_queue;
	ret = iosm_link_fit_mtu(dev);
	if (ret)
		goto err_close;
	netif_carrier_on(dev);
	return 0;

err_close:
	iosm_mux_close(link->wwan->mux, link->session);
err_stop_queue:
	netif_stop_queue(dev);
	return ret;
}

static int iosm_link_close(struct net_device *dev)
{
	struct iosm_link *link = iosm_link(dev);

	netif_carrier_off(dev);
	netif_stop_queue(dev);
	iosm_mux_close(link->wwan->mux, link->session);
	return 0;
}

static netdev_tx_t iosm_link_xmit(struct sk_buff *skb, struct net_device *dev)
{
	struct iosm_link *link = iosm_link(dev);
	int ret;

	/* What is sent is counted when it is encoded. */
	ret = iosm_mux_send(link->wwan->mux, link->session, skb, netdev_xmit_more());
	if (ret == -EMSGSIZE || ret == -EINVAL)
		DEV_STATS_INC(dev, tx_errors);
	else if (ret)
		dev_core_stats_tx_dropped_inc(dev);
	return NETDEV_TX_OK;
}

static netdev_features_t iosm_link_features_check(struct sk_buff *skb,
						  struct net_device *dev,
						  netdev_features_t features)
{
	return iosm_packet_features(skb, features);
}

static void iosm_link_tx_timeout(struct net_device *dev, unsigned int queue)
{
	struct iosm_link *link = iosm_link(dev);

	/* A modem may stop a session for as long as it likes (10.6.5 M38). */
	if (iosm_mux_flow_stopped(link->wwan->mux, link->session)) {
		netif_trans_update(dev);
		return;
	}
	DEV_STATS_INC(dev, tx_errors);
	netdev_err(dev, "modem takes no packets, queue %u\n", queue);
	iosm_mux_nudge(link->wwan->mux);
}

static const struct net_device_ops iosm_link_netdev_ops = {
	.ndo_open = iosm_link_open,
	.ndo_stop = iosm_link_close,
	.ndo_start_xmit = iosm_link_xmit,
	.ndo_features_check = iosm_link_features_check,
	.ndo_tx_timeout = iosm_link_tx_timeout,
};

/* Driver counters: of all links together, as they share one channel */

/**
 * struct iosm_link_stat - a counter in "ethtool -S"
 * @name: its name
 * @offset: of a u64 in &struct iosm_mux_stats
 */
struct iosm_link_stat {
	char name[ETH_GSTRING_LEN];
	size_t offset;
};

#define STAT(member) { #member, offsetof(struct iosm_mux_stats, member) }

static const struct iosm_link_stat iosm_link_stats[] = {
	STAT(ul_transfers),
	STAT(ul_datagrams),
	STAT(ul_bytes),
	STAT(ul_doorbells),
	STAT(ul_nudges),
	STAT(ul_levels),
	STAT(ul_held),
	STAT(ul_congested),
	STAT(flow_stops),
	STAT(flow_resumes),
	STAT(replies_dropped),
	STAT(late_answers),
	STAT(timeouts),
	STAT(dl_transfers),
	STAT(dl_datagrams),
	STAT(dl_bytes),
	STAT(dl_doorbells),
	STAT(dl_copied),
	STAT(dl_refill_failed),
	STAT(dl_bad_td),
	STAT(dl_bad_ip),
	STAT(dl_no_memory),
};

#undef STAT

static int iosm_link_get_sset_count(struct net_device *dev, int set)
{
	if (set != ETH_SS_STATS)
		return -EOPNOTSUPP;
	return ARRAY_SIZE(iosm_link_stats) + IOSM_MUX_DEFECTS;
}

static void iosm_link_get_strings(struct net_device *dev, u32 set, u8 *data)
{
	unsigned int i;

	if (set != ETH_SS_STATS)
		return;
	for (i = 0; i < ARRAY_SIZE(iosm_link_stats); i++)
		ethtool_puts(&data, iosm_link_stats[i].name);
	for (i = 0; i < IOSM_MUX_DEFECTS; i++)
		ethtool_sprintf(&data, "dl_bad_%s", iosm_mux_wire_defect_name(i));
}

static void iosm_link_get_stats(struct net_device *dev, struct ethtool_stats *request,
				u64 *data)
{
	struct iosm_mux_stats stats;
	unsigned int i;

	iosm_mux_get_stats(iosm_link(dev)->wwan->mux, &stats);
	for (i = 0; i < ARRAY_SIZE(iosm_link_stats); i++)
		*data++ = *(u64 *)((char *)&stats + iosm_link_stats[i].offset);
	for (i = 0; i < IOSM_MUX_DEFECTS; i++)
		*data++ = stats.defects.count[i];
}

static void iosm_link_get_drvinfo(struct net_device *dev, struct ethtool_drvinfo *info)
{
	struct iosm_modem *modem = iosm_link(dev)->wwan->modem;

	strscpy(info->driver, KBUILD_MODNAME, sizeof(info->driver));
	strscpy(info->bus_info, dev_name(modem->dev), sizeof(info->bus_info));
	snprintf(info->fw_version, sizeof(info->fw_version), "ipc %#x", modem->fw_version);
}

/*
 * Coalescing. The times are those that the modem may hold back completions, and with
 * them its interrupt. The packets are those of an uplink batch. Of the modem, not
 * of one link.
 */
static int iosm_link_get_coalesce(struct net_device *dev, struct ethtool_coalesce *coal,
				  struct kernel_ethtool_coalesce *kernel_coal,
				  struct netlink_ext_ack *extack)
{
	struct iosm_mux_tuning tuning;

	iosm_mux_get_tuning(iosm_link(dev)->wwan->mux, &tuning);
	coal->rx_coalesce_usecs = tuning.dl_backoff;
	coal->tx_coalesce_usecs = tuning.ul_backoff;
	coal->tx_max_coalesced_frames = tuning.batch;
	return 0;
}

static int iosm_link_set_coalesce(struct net_device *dev, struct ethtool_coalesce *coal,
				  struct kernel_ethtool_coalesce *kernel_coal,
				  struct netlink_ext_ack *extack)
{
	struct iosm_mux_tuning tuning = {
		.dl_backoff = coal->rx_coalesce_usecs,
		.ul_backoff = coal->tx_coalesce_usecs,
		.batch = coal->tx_max_coalesced_frames,
	};
	int ret;

	ret = iosm_mux_set_tuning(iosm_link(dev)->wwan->mux, &tuning);
	if (ret == -ERANGE)
		NL_SET_ERR_MSG(extack, "times up to 100000 us, tx-frames from 1 to 256");
	else if (ret == -EBUSY)
		NL_SET_ERR_MSG(extack, "take all links of the modem down to change times");
	return ret;
}

static void iosm_link_get_ringparam(struct net_device *dev, struct ethtool_ringparam *ring,
				    struct kernel_ethtool_ringparam *kernel_ring,
				    struct netlink_ext_ack *extack)
{
	struct iosm_mux_tuning tuning;

	iosm_mux_get_tuning(iosm_link(dev)->wwan->mux, &tuning);
	ring->rx_max_pending = tuning.dl_buffers;
	ring->rx_pending = tuning.dl_buffers;
	ring->tx_max_pending = tuning.ul_buffers;
	ring->tx_pending = tuning.ul_buffers;
}

static const struct ethtool_ops iosm_link_ethtool_ops = {
	.supported_coalesce_params = ETHTOOL_COALESCE_USECS |
				     ETHTOOL_COALESCE_TX_MAX_FRAMES,
	.get_drvinfo = iosm_link_get_drvinfo,
	.get_link = ethtool_op_get_link,
	.get_coalesce = iosm_link_get_coalesce,
	.set_coalesce = iosm_link_set_coalesce,
	.get_ringparam = iosm_link_get_ringparam,
	.get_sset_count = iosm_link_get_sset_count,
	.get_strings = iosm_link_get_strings,
	.get_ethtool_stats = iosm_link_get_stats,
};

/* Links */

static void iosm_link_setup(struct net_device *dev)
{
	dev->type = ARPHRD_NONE;
	dev->flags = IFF_POINTOPOINT | IFF_NOARP;
	dev->mtu = MTU_DEFAULT;
	dev->min_mtu = ETH_MIN_MTU;
	dev->tx_queue_len = TX_QUEUE_LENGTH;
	dev->watchdog_timeo = TX_TIMEOUT;
	dev->features = IOSM_PACKET_FEATURES;
	dev->hw_features = dev->features;
	dev->pcpu_stat_type = NETDEV_PCPU_STAT_TSTATS;
	dev->needs_free_netdev = true;
	dev->netdev_ops = &iosm_link_netdev_ops;
	dev->ethtool_ops = &iosm_link_ethtool_ops;
}

static int iosm_link_new(void *ctx, struct net_device *dev, u32 id,
			 struct netlink_ext_ack *extack)
{
	struct iosm_link *link = iosm_link(dev);
	struct iosm_wwan *wwan = ctx;
	int ret;

	if (id >= IOSM_MUX_SESSIONS) {
		NL_SET_ERR_MSG(extack, "link ids of this modem are 0 to 7");
		return -EINVAL;
	}
	if (rtnl_dereference(wwan->links[id])) {
		NL_SET_ERR_MSG(extack, "link id is in use");
		return -EBUSY;
	}

	link->wwan = wwan;
	link->session = id;
	dev->max_mtu = iosm_mux_max_mtu(wwan->mux, id);
	netif_carrier_off(dev);

	ret = register_netdevice(dev);
	if (ret)
		return ret;
	rcu_assign_pointer(wwan->links[id], dev);
	return 0;
}

static void iosm_link_delete(void *ctx, struct net_device *dev, struct list_head *head)
{
	struct iosm_link *link = iosm_link(dev);
	struct iosm_wwan *wwan = ctx;

	/* The unregistration waits for the poll before the device is freed. */
	RCU_INIT_POINTER(wwan->links[link->session], NULL);
	unregister_netdevice_queue(dev, head);
}

static const struct wwan_ops iosm_wwan_ops = {
	.priv_size = sizeof(struct iosm_link),
	.setup = iosm_link_setup,
	.newlink = iosm_link_new,
	.dellink = iosm_link_delete,
};

/* Client of the core */

static void *iosm_wwan_start(struct iosm_modem *modem)
{
	struct iosm_wwan *wwan;
	int ret;

	wwan = kzalloc_obj(*wwan);
	if (!wwan)
		return ERR_PTR(-ENOMEM);
	wwan->modem = modem;
	wwan->mux = iosm_mux_create(modem, &iosm_wwan_mux_ops, wwan);
	if (IS_ERR(wwan->mux)) {
		ret = PTR_ERR(wwan->mux);
		goto err_free;
	}
	ret = wwan_register_ops(modem->dev, &iosm_wwan_ops, wwan, 0);
	if (ret)
		goto err_destroy_mux;
	return wwan;

err_destroy_mux:
	iosm_mux_destroy(wwan->mux);
err_free:
	kfree(wwan);
	return ERR_PTR(ret);
}

static void iosm_wwan_stop(void *instance)
{
	struct iosm_wwan *wwan = instance;

	wwan_unregister_ops(wwan->modem->dev);
	iosm_mux_destroy(wwan->mux);
	kfree(wwan);
}

const struct iosm_client iosm_wwan_client = {
	.name = "network devices",
	.start = iosm_wwan_start,
	.stop = iosm_wwan_stop,
};
