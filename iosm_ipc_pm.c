// SPDX-License-Identifier: GPL-2.0-only
/**
 * DOC: Device sleep and host sleep
 *
 * Two state machines decide whether a doorbell may ring: that of the modem's own
 * sleep, and that of the host's.
 *
 * **Device sleep.** An idle modem asks to sleep by a notification in the status block. We always
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
 * **Host sleep.** What the multiplexer and the ports post while the host sleeps stays
 * in the rings; the bell is held, and rings when the host is active again. Control
 * requests are needed to go to sleep and to come back, so they ring while the host
 * moves between the two. The core (iosm_ipc_imem.c) takes the steps:
 *
 *            host_prepare()          host_sleep()            host_wake()
 *   ACTIVE ----------------> MOVING ---------------> SLEEPING ----------> MOVING
 *     ^   wakes the modem     |    after SLEEP(0,0)                          |
 *     |                       | refused            SLEEP(0,1), host_active() |
 *     +-----------------------+----------------------------------------------+
 *
 * for the D3/L2 handshake, and force_sleep(), force_active(), host_active() for the
 * other one, which asks nothing and waits for nothing.
 *
 * Implements protocol.rst 6.1 to 6.6.
 */

#include "iosm_ipc_pm.h"

#include <linux/jiffies.h>

#define IOSM_PM_WAKE_RETRY_MS	100
#define IOSM_PM_WAKE_TRIES	10
/* How long a modem may take to wake up before the host sleeps, milliseconds */
#define IOSM_PM_PREPARE_TIMEOUT	500

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
	init_waitqueue_head(&pm->woken);
	timer_setup(&pm->retry, iosm_pm_retry, 0);
	pm->state = IOSM_PM_HALTED;
	pm->host = IOSM_PM_HOST_ACTIVE;
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
	pm->host = IOSM_PM_HOST_ACTIVE;
	pm->notified = IOSM_NOTIFY_ACTIVE;
	pm->bad_notification = IOSM_NOTIFY_ACTIVE;
	pm->postponed = false;
	pm->held = false;
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
	pm->held = false;
	spin_unlock_bh(&pm->lock);
	wake_up_all(&pm->woken);
}

/**
 * iosm_pm_awake() - are host and modem awake?
 * @pm: the handshake
 *
 * Context: any but hard irq; the answer may change at any time.
 * Return: true if there is a session in which a doorbell would ring at once.
 */
bool iosm_pm_awake(struct iosm_pm *pm)
{
	bool awake;

	spin_lock_bh(&pm->lock);
	awake = pm->state == IOSM_PM_AWAKE && pm->host == IOSM_PM_HOST_ACTIVE;
	spin_unlock_bh(&pm->lock);
	return awake;
}

static bool iosm_pm_may_ring(const struct iosm_pm *pm, enum iosm_head_reason reason)
{
	switch (pm->host) {
	case IOSM_PM_HOST_ACTIVE:
		return true;
	case IOSM_PM_HOST_MOVING:
		return reason == IOSM_HEAD_CONTROL;
	case IOSM_PM_HOST_SLEEPING:
		break;
	}
	return false;
}

static void iosm_pm_ring(struct iosm_pm *pm, enum iosm_head_reason reason)
{
	lockdep_assert_held(&pm->lock);
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
}

/**
 * iosm_pm_ring_head() - tell the modem that a head index moved
 * @pm: the handshake
 * @reason: why; the modem only logs it
 *
 * Rings at once if the modem is awake. Otherwise the modem is asked to wake
 * up, and the doorbell rings when it did. While the host sleeps it is held back
 * until the host is active. All heads must have been stored before the call.
 *
 * Context: process or softirq; innermost lock, so any lock may be held.
 * Implements protocol.rst 6.4.
 */
void iosm_pm_ring_head(struct iosm_pm *pm, enum iosm_head_reason reason)
{
	spin_lock_bh(&pm->lock);
	if (iosm_pm_may_ring(pm, reason))
		iosm_pm_ring(pm, reason);
	else if (pm->state != IOSM_PM_HALTED)
		pm->held = true;
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
	wake_up_all(&pm->woken);
}

/**
 * iosm_pm_notify() - handle the sleep notification of the status block
 * @pm: the handshake
 * @notification: the value, read once, unchecked
 *
 * Values other than ACTIVE and SLEEP are counted and otherwise ignored. At
 * most two doorbells ring, however often the modem changed its mind. While the host
 * sleeps nothing is answered.
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
		   pm->state != IOSM_PM_HALTED &&
		   pm->host != IOSM_PM_HOST_SLEEPING) {
		pm->notified = notification;
		if (notification == IOSM_NOTIFY_SLEEP)
			iosm_pm_fall_asleep(pm);
		else
			iosm_pm_wake_up(pm);
	}
	spin_unlock_bh(&pm->lock);
}

static bool iosm_pm_settled(struct iosm_pm *pm)
{
	bool settled;

	spin_lock_bh(&pm->lock);
	settled = pm->state == IOSM_PM_AWAKE || pm->state == IOSM_PM_HALTED;
	spin_unlock_bh(&pm->lock);
	return settled;
}

/**
 * iosm_pm_host_prepare() - the host wants to sleep: hold doorbells, wake the modem
 * @pm: the handshake
 *
 * On success only control requests ring, until iosm_pm_host_active(). After an
 * error, too; the caller calls that function or ends the session.
 *
 * Context: process, may sleep up to 500 ms.
 * Return: 0 if the modem is awake, -ETIMEDOUT if it does not wake up, -ENODEV
 * without a session. Implements protocol.rst 6.5.1 steps 1 and 2.
 */
int iosm_pm_host_prepare(struct iosm_pm *pm)
{
	int ret = 0;

	spin_lock_bh(&pm->lock);
	pm->host = IOSM_PM_HOST_MOVING;
	if (pm->state == IOSM_PM_ASLEEP) {
		pm->state = IOSM_PM_WAKING;
		pm->tries = 0;
		iosm_pm_request_wake(pm);
	}
	spin_unlock_bh(&pm->lock);

	if (!wait_event_timeout(pm->woken, iosm_pm_settled(pm),
				msecs_to_jiffies(IOSM_PM_PREPARE_TIMEOUT)))
		return -ETIMEDOUT;

	spin_lock_bh(&pm->lock);
	if (pm->state == IOSM_PM_HALTED)
		ret = -ENODEV;
	spin_unlock_bh(&pm->lock);
	return ret;
}

/* No wake request is repeated any more; what it was for rings later. */
static void iosm_pm_forget_wake(struct iosm_pm *pm)
{
	lockdep_assert_held(&pm->lock);
	if (pm->state == IOSM_PM_WAKING)
		pm->state = IOSM_PM_ASLEEP;
	if (pm->postponed)
		pm->held = true;
	pm->postponed = false;
}

/**
 * iosm_pm_host_sleep() - the modem knows that the host sleeps
 * @pm: the handshake, prepared; the modem has completed SLEEP(0,0)
 *
 * Context: process. Implements protocol.rst 6.5.1 step 4.
 */
void iosm_pm_host_sleep(struct iosm_pm *pm)
{
	spin_lock_bh(&pm->lock);
	pm->host = IOSM_PM_HOST_SLEEPING;
	/* It was woken for the request, or so it seemed, and need not have said so. */
	iosm_pm_forget_wake(pm);
	pm->stats.host_sleeps++;
	spin_unlock_bh(&pm->lock);
}

/**
 * iosm_pm_host_wake() - the host is about to tell the modem that it is awake
 * @pm: the handshake, after iosm_pm_host_sleep()
 *
 * Context: process. Implements protocol.rst 6.5.2 step 2.
 */
void iosm_pm_host_wake(struct iosm_pm *pm)
{
	spin_lock_bh(&pm->lock);
	pm->host = IOSM_PM_HOST_MOVING;
	spin_unlock_bh(&pm->lock);
}

/**
 * iosm_pm_host_active() - the host is awake, or did not sleep after all
 * @pm: the handshake
 *
 * Rings for what was posted meanwhile.
 *
 * Context: process. Implements protocol.rst 6.5.2 step 4.
 */
void iosm_pm_host_active(struct iosm_pm *pm)
{
	spin_lock_bh(&pm->lock);
	pm->host = IOSM_PM_HOST_ACTIVE;
	if (pm->held) {
		pm->held = false;
		iosm_pm_ring(pm, IOSM_HEAD_POSTPONED);
	}
	spin_unlock_bh(&pm->lock);
}

/**
 * iosm_pm_force_sleep() - tell the modem that the host sleeps from now on
 * @pm: the handshake
 *
 * Context: process. Nothing rings after the return. Implements protocol.rst 6.6.
 */
void iosm_pm_force_sleep(struct iosm_pm *pm)
{
	spin_lock_bh(&pm->lock);
	if (pm->state != IOSM_PM_HALTED) {
		pm->host = IOSM_PM_HOST_SLEEPING;
		/* The modem will not answer a wake request that is on its way. */
		iosm_pm_forget_wake(pm);
		pm->state = IOSM_PM_ASLEEP;
		pm->stats.host_sleeps++;
		iosm_pm_power(pm, IOSM_POWER_FORCE_SLEEP);
	}
	spin_unlock_bh(&pm->lock);
}

/**
 * iosm_pm_force_active() - tell the modem that the host is awake again
 * @pm: the handshake, after iosm_pm_force_sleep()
 *
 * The notification in the status block may be an old one. The caller waits until it
 * reads ACTIVE, and then calls iosm_pm_host_active().
 *
 * Context: process. Implements protocol.rst 6.6.
 */
void iosm_pm_force_active(struct iosm_pm *pm)
{
	spin_lock_bh(&pm->lock);
	if (pm->state != IOSM_PM_HALTED) {
		pm->state = IOSM_PM_AWAKE;
		pm->notified = IOSM_NOTIFY_ACTIVE;
		iosm_pm_power(pm, IOSM_POWER_FORCE_ACTIVE);
	}
	spin_unlock_bh(&pm->lock);
}
