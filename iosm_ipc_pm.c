// SPDX-License-Identifier: GPL-2.0-only
/**
 * DOC: Device sleep
 *
 * An idle modem asks to sleep by a notification in the status block. We always
 * agree, and from then on must wake it before a head doorbell rings. Head
 * indices in shared memory move at any time; only the bell is held back.
 *
 *            notification SLEEP            ring
 *           /  bell SLEEP_ACK             /  bell WAKE
 *   AWAKE ---------------------> ASLEEP ---------------> WAKING
 *     ^                            |                       |
 *     +----------------------------+-----------------------+
 *            notification ACTIVE  /  bell ACTIVE_ACK,
 *                                    then HEAD_POSTPONED if one was held back
 *
 * A wake request that gets no answer is repeated; after several the modem is
 * reported as unresponsive. HALTED, outside of an IPC session, rings nothing.
 *
 * Implements protocol.rst 6.1 to 6.4.
 */

#include "iosm_ipc_pm.h"

#include <linux/jiffies.h>

#define IOSM_PM_WAKE_RETRY_MS	100
#define IOSM_PM_WAKE_TRIES	10

static void iosm_pm_power(struct iosm_pm *pm, enum iosm_power_request request)
{
	lockdep_assert_held(&pm->lock);
	iosm_mmio_ring(pm->bus, IOSM_DB_POWER, request);
}

static void iosm_pm_request_wake(struct iosm_pm *pm)
{
	lockdep_assert_held(&pm->lock);
	pm->tries++;
	pm->stats.wake_requests++;
	iosm_pm_power(pm, IOSM_POWER_WAKE);
	mod_timer(&pm->retry,
		  jiffies + msecs_to_jiffies(IOSM_PM_WAKE_RETRY_MS));
}

static void iosm_pm_retry(struct timer_list *timer)
{
	struct iosm_pm *pm = timer_container_of(pm, timer, retry);
	bool give_up = false;

	spin_lock_bh(&pm->lock);
	if (pm->state == IOSM_PM_WAKING) {
		if (pm->tries < IOSM_PM_WAKE_TRIES)
			iosm_pm_request_wake(pm);
		else
			give_up = true;
	}
	spin_unlock_bh(&pm->lock);

	if (give_up)
		pm->ops->unresponsive(pm);
}

/**
 * iosm_pm_init() - prepare the handshake, halted
 * @pm: what to initialise
 * @bus: the modem
 * @ops: news for the caller
 *
 * Context: process.
 */
void iosm_pm_init(struct iosm_pm *pm, struct iosm_bus *bus,
		  const struct iosm_pm_ops *ops)
{
	pm->bus = bus;
	pm->ops = ops;
	spin_lock_init(&pm->lock);
	timer_setup(&pm->retry, iosm_pm_retry, 0);
	pm->state = IOSM_PM_HALTED;
}

/**
 * iosm_pm_exit() - counterpart of iosm_pm_init()
 * @pm: the handshake
 *
 * Context: process, may sleep.
 */
void iosm_pm_exit(struct iosm_pm *pm)
{
	iosm_pm_halt(pm);
	timer_shutdown_sync(&pm->retry);
}

/**
 * iosm_pm_start() - a new IPC session begins, with the modem awake
 * @pm: the handshake
 *
 * Context: any but hard irq. Implements the start values of protocol.rst 6.1.
 */
void iosm_pm_start(struct iosm_pm *pm)
{
	spin_lock_bh(&pm->lock);
	pm->state = IOSM_PM_AWAKE;
	pm->notified = IOSM_NOTIFY_ACTIVE;
	pm->bad_notification = IOSM_NOTIFY_ACTIVE;
	pm->postponed = false;
	pm->tries = 0;
	spin_unlock_bh(&pm->lock);
}

/**
 * iosm_pm_halt() - the IPC session is over, ring nothing any more
 * @pm: the handshake
 *
 * Context: any but hard irq. No doorbell of this file rings after the return.
 */
void iosm_pm_halt(struct iosm_pm *pm)
{
	spin_lock_bh(&pm->lock);
	pm->state = IOSM_PM_HALTED;
	pm->postponed = false;
	spin_unlock_bh(&pm->lock);
}

/**
 * iosm_pm_ring_head() - tell the modem that a head index moved
 * @pm: the handshake
 * @reason: why; the modem only logs it
 *
 * Rings at once if the modem is awake. Otherwise the modem is asked to wake
 * up, and the doorbell rings when it did. All heads must have been stored
 * before the call.
 *
 * Context: process or softirq; innermost lock, so any lock may be held.
 * Implements protocol.rst 6.4.
 */
void iosm_pm_ring_head(struct iosm_pm *pm, enum iosm_head_reason reason)
{
	spin_lock_bh(&pm->lock);
	switch (pm->state) {
	case IOSM_PM_AWAKE:
		iosm_mmio_ring(pm->bus, IOSM_DB_HEAD, reason);
		break;
	case IOSM_PM_ASLEEP:
		pm->state = IOSM_PM_WAKING;
		pm->postponed = true;
		pm->tries = 0;
		iosm_pm_request_wake(pm);
		break;
	case IOSM_PM_WAKING:
		pm->postponed = true;
		break;
	case IOSM_PM_HALTED:
		break;
	}
	spin_unlock_bh(&pm->lock);
}

static void iosm_pm_fall_asleep(struct iosm_pm *pm)
{
	pm->state = IOSM_PM_ASLEEP;
	pm->stats.sleeps++;
	iosm_pm_power(pm, IOSM_POWER_SLEEP_ACK);
}

static void iosm_pm_wake_up(struct iosm_pm *pm)
{
	pm->state = IOSM_PM_AWAKE;
	pm->stats.wakes++;
	iosm_pm_power(pm, IOSM_POWER_ACTIVE_ACK);
	if (pm->postponed) {
		pm->postponed = false;
		iosm_mmio_ring(pm->bus, IOSM_DB_HEAD, IOSM_HEAD_POSTPONED);
	}
}

/**
 * iosm_pm_notify() - handle the sleep notification of the status block
 * @pm: the handshake
 * @notification: the value, read once, unchecked
 *
 * Values other than ACTIVE and SLEEP are counted and otherwise ignored. At
 * most two doorbells ring, however often the modem changed its mind.
 *
 * Context: softirq. Implements protocol.rst 6.3, 10.6.3 S3 and S4.
 */
void iosm_pm_notify(struct iosm_pm *pm, u32 notification)
{
	spin_lock_bh(&pm->lock);
	if (notification != IOSM_NOTIFY_ACTIVE &&
	    notification != IOSM_NOTIFY_SLEEP) {
		if (notification != pm->bad_notification)
			pm->stats.bad_notifications++;
		pm->bad_notification = notification;
	} else if (notification != pm->notified &&
		   pm->state != IOSM_PM_HALTED) {
		pm->notified = notification;
		if (notification == IOSM_NOTIFY_SLEEP)
			iosm_pm_fall_asleep(pm);
		else
			iosm_pm_wake_up(pm);
	}
	spin_unlock_bh(&pm->lock);
}
