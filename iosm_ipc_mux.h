/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * IP multiplexer: eight sessions on the data channel.
 *
 * Readers: iosm_ipc_wwan.c and the KUnit suites iosm_mux, iosm_mux_ul, iosm_mux_flow
 * and iosm_mux_dl.
 */
#ifndef IOSM_IPC_MUX_H
#define IOSM_IPC_MUX_H

#include <linux/types.h>

#include "iosm_ipc_mux_wire.h"

struct iosm_modem;
struct iosm_mux;
struct sk_buff;

/**
 * struct iosm_mux_ops - news for the network devices
 * @receive: a packet of an open session: IP version checked, protocol and
 *	priority set, headers reset, device not set. The callee owns it. Softirq
 *	(the poll), under rcu_read_lock(); @ctx as given to iosm_mux_create()
 * @receive_error: something that is no IP packet came for an open session, or there
 *	was no memory for a packet (@no_memory). Softirq, under rcu_read_lock()
 * @stop: hand over no more packets of this link until @wake
 * @wake: hand over packets again
 * @sent: so many datagrams of one packet, with @bytes of IP, were encoded; @more is
 *	the hint given with it. Returns true if the modem should be told of it
 *	without delay
 * @completed: the modem has taken so much of what @sent announced
 * @reset: what @sent announced and @completed did not will not be completed; so
 *	many datagrams (@dropped) that were accepted will not be sent
 * @backlog: bytes of this link that wait in front of the driver
 *
 * All but the first two get the @link given to iosm_mux_open(), are called only
 * between its success and the return of iosm_mux_close(), with softirqs off,
 * under the lock of the transmit side: they do not call back.
 */
struct iosm_mux_ops {
	void (*receive)(void *ctx, u8 session, struct sk_buff *skb);
	void (*receive_error)(void *ctx, u8 session, bool no_memory);
	void (*stop)(void *link);
	void (*wake)(void *link);
	bool (*sent)(void *link, u32 packets, u32 bytes, bool more);
	void (*completed)(void *link, u32 packets, u32 bytes);
	void (*reset)(void *link, u32 dropped);
	u32 (*backlog)(void *link);
};

/**
 * struct iosm_mux_stats - what the standard counters of a link do not show
 * @ul_transfers: data transfers posted uplink (blocks, or single datagrams)
 * @ul_datagrams: datagrams in them and in the open block
 * @ul_bytes: bytes in them, with headers and tables: with @ul_transfers, the fill level
 * @ul_doorbells: doorbells for them
 * @ul_nudges: times that a link waited for so long that the doorbell was repeated
 * @ul_levels: queue levels posted as transfers of their own
 * @ul_held: packets that had to wait in the driver, or the rest of which had
 * @ul_congested: times that all links stopped because too much was on its way
 * @flow_stops: flow-control stops from the modem
 * @flow_resumes: flow-control resumes from the modem
 * @replies_dropped: commands not answered because too many answers wait (M39)
 * @late_answers: answers that nobody waits for (M31)
 * @timeouts: session commands without an answer
 * @dl_transfers: transfers received
 * @dl_datagrams: datagrams handed over
 * @dl_bytes: bytes received, with headers and tables
 * @dl_doorbells: doorbells for new buffers
 * @dl_copied: datagrams copied out of their buffer
 * @dl_refill_failed: polls that could not replace all buffers
 * @dl_bad_td: transfers that the ring layer rejected
 * @dl_bad_ip: datagrams that are no IP packet (M23)
 * @dl_no_memory: datagrams lost for want of memory
 * @defects: by cause, see iosm_mux_wire_defect_name()
 */
struct iosm_mux_stats {
	u64 ul_transfers;
	u64 ul_datagrams;
	u64 ul_bytes;
	u64 ul_doorbells;
	u64 ul_nudges;
	u64 ul_levels;
	u64 ul_held;
	u64 ul_congested;
	u64 flow_stops;
	u64 flow_resumes;
	u64 replies_dropped;
	u64 late_answers;
	u64 timeouts;
	u64 dl_transfers;
	u64 dl_datagrams;
	u64 dl_bytes;
	u64 dl_doorbells;
	u64 dl_copied;
	u64 dl_refill_failed;
	u64 dl_bad_td;
	u64 dl_bad_ip;
	u64 dl_no_memory;
	struct iosm_mux_defects defects;
};

#define IOSM_MUX_BATCH_MAX	IOSM_MUX_BLOCK_DATAGRAMS
#define IOSM_MUX_BACKOFF_MAX	100000	/* microseconds */

/**
 * struct iosm_mux_tuning - what can be tuned, or only read
 * @ul_backoff: how long the modem may hold back uplink completions, microseconds,
 *	0 to IOSM_MUX_BACKOFF_MAX
 * @dl_backoff: the same for downlink completions
 * @batch: packets after which a batch is given to the modem at the latest, 1 to
 *	IOSM_MUX_BATCH_MAX
 * @ul_buffers: uplink buffers; read only
 * @dl_buffers: downlink buffers; read only
 */
struct iosm_mux_tuning {
	u32 ul_backoff;
	u32 dl_backoff;
	u32 batch;
	u32 ul_buffers;
	u32 dl_buffers;
};

struct iosm_mux *iosm_mux_create(struct iosm_modem *modem,
				 const struct iosm_mux_ops *ops, void *ctx);
void iosm_mux_destroy(struct iosm_mux *mux);

int iosm_mux_open(struct iosm_mux *mux, u8 session, void *link);
void iosm_mux_close(struct iosm_mux *mux, u8 session);
u32 iosm_mux_max_mtu(struct iosm_mux *mux, u8 session);
bool iosm_mux_flow_stopped(struct iosm_mux *mux, u8 session);

void iosm_mux_nudge(struct iosm_mux *mux);
void iosm_mux_get_tuning(struct iosm_mux *mux, struct iosm_mux_tuning *tuning);
int iosm_mux_set_tuning(struct iosm_mux *mux, const struct iosm_mux_tuning *tuning);

int iosm_mux_send(struct iosm_mux *mux, u8 session, struct sk_buff *skb, bool more);

void iosm_mux_get_stats(struct iosm_mux *mux, struct iosm_mux_stats *stats);

#if IS_ENABLED(CONFIG_IOSM_KUNIT_TEST)
void iosm_mux_set_timeout(struct iosm_mux *mux, unsigned int timeout);
#endif

#endif /* IOSM_IPC_MUX_H */
