/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Device sleep and host sleep: may the doorbell ring now?
 */
#ifndef IOSM_IPC_PM_H
#define IOSM_IPC_PM_H

#include <linux/spinlock.h>
#include <linux/timer.h>
#include <linux/wait.h>

#include "iosm_ipc_mmio.h"

struct iosm_pm;

/**
 * enum iosm_pm_state - what is known of the modem's link
 * @IOSM_PM_HALTED: no IPC session; nothing may ring
 * @IOSM_PM_AWAKE: the link is up; doorbells ring at once
 * @IOSM_PM_ASLEEP: the modem sleeps and we agreed
 * @IOSM_PM_WAKING: we asked the modem to wake up and wait for its answer
 */
enum iosm_pm_state {
	IOSM_PM_HALTED,
	IOSM_PM_AWAKE,
	IOSM_PM_ASLEEP,
	IOSM_PM_WAKING,
};

/**
 * enum iosm_pm_host - whether the host sleeps
 * @IOSM_PM_HOST_ACTIVE: it does not
 * @IOSM_PM_HOST_MOVING: it is about to, or has just been awake again: only control
 *	requests ring
 * @IOSM_PM_HOST_SLEEPING: it does, as far as the modem knows; nothing rings, and
 *	what the modem says is looked at later
 */
enum iosm_pm_host {
	IOSM_PM_HOST_ACTIVE,
	IOSM_PM_HOST_MOVING,
	IOSM_PM_HOST_SLEEPING,
};

/**
 * struct iosm_pm_ops - news for the layer above
 * @unresponsive: the modem answered none of our wake requests; timer
 *	(softirq) context, no lock held
 */
struct iosm_pm_ops {
	void (*unresponsive)(struct iosm_pm *pm);
};

/**
 * struct iosm_pm_stats - counters, written under the lock of struct iosm_pm
 * @sleeps: times that the modem went to sleep
 * @wakes: times that the modem woke up
 * @wake_requests: times that we asked it to, repetitions included
 * @bad_notifications: sleep notifications that are neither 0 nor 1
 * @host_sleeps: times that the host slept
 */
struct iosm_pm_stats {
	u64 sleeps;
	u64 wakes;
	u64 wake_requests;
	u64 bad_notifications;
	u64 host_sleeps;
};

/**
 * struct iosm_pm - power handshake with one modem
 * @bus: the modem
 * @ops: news for the layer above
 * @lock: innermost lock of the driver; taken from process and softirq
 *	context; protects all that follows and orders the doorbells
 * @state: see enum iosm_pm_state
 * @host: see enum iosm_pm_host
 * @held: a head doorbell waits for the host to be active
 * @woken: woken by each change of @state
 * @notified: the sleep notification that was handled last
 * @postponed: a head doorbell waits for the modem to wake up
 * @bad_notification: rubbish that was counted last, to count it once
 * @tries: wake requests since the modem answered last
 * @retry: repeats a wake request that gets no answer
 * @stats: counters
 */
struct iosm_pm {
	struct iosm_bus *bus;
	const struct iosm_pm_ops *ops;
	spinlock_t lock;	/* all that follows */
	enum iosm_pm_state state;
	enum iosm_pm_host host;
	bool held;
	wait_queue_head_t woken;
	u32 notified;
	u32 bad_notification;
	bool postponed;
	unsigned int tries;
	struct timer_list retry;
	struct iosm_pm_stats stats;
};

void iosm_pm_init(struct iosm_pm *pm, struct iosm_bus *bus,
		  const struct iosm_pm_ops *ops);
void iosm_pm_exit(struct iosm_pm *pm);
void iosm_pm_start(struct iosm_pm *pm);
void iosm_pm_halt(struct iosm_pm *pm);
bool iosm_pm_awake(struct iosm_pm *pm);
void iosm_pm_ring_head(struct iosm_pm *pm, enum iosm_head_reason reason);
void iosm_pm_notify(struct iosm_pm *pm, u32 notification);

int iosm_pm_host_prepare(struct iosm_pm *pm);
void iosm_pm_host_sleep(struct iosm_pm *pm);
void iosm_pm_host_wake(struct iosm_pm *pm);
void iosm_pm_host_active(struct iosm_pm *pm);
void iosm_pm_force_sleep(struct iosm_pm *pm);
void iosm_pm_force_active(struct iosm_pm *pm);

#endif /* IOSM_IPC_PM_H */
