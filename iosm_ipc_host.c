// SPDX-License-Identifier: GPL-2.0-only
/**
 * DOC: What the host does to a modem
 *
 * It sleeps, it puts the function into D3 while nobody needs it, it resets the
 * function, its bus fails, a user asks for another try. All of that is made of a few
 * steps:
 *
 * * *hold* the state work: what it does now is finished, more is not begun;
 * * tell the modem that the host sleeps, by one of two handshakes;
 * * after that, read the stage before anything is said: a session that goes on is
 *   woken up, one that is over is ended; nothing is assumed;
 * * *release* the work, which looks for itself what became of the modem.
 *
 * Ports and network devices stay while the host sleeps. They are withdrawn by the
 * state work, after the release, if the session did not survive; then they come back
 * under the same names. In a reset they are withdrawn before.
 *
 * A modem that refuses to let the host sleep makes the suspend fail, and everything
 * goes on. One that does not answer does not: its session is over, it cannot write to
 * memory any more, and it is started anew after the resume.
 *
 * The PCI core holds the device lock over most of these calls, so the state work must
 * never take that; runtime suspend and resume do not wait for the work at all, as it
 * may wait for them.
 *
 * Implements protocol.rst 6.5 to 6.7.
 */

#include "iosm_ipc_imem_parts.h"

#include <linux/delay.h>
#include <linux/jiffies.h>
#include <linux/pm_runtime.h>

/* How long the notification may read SLEEP after a forced sleep, milliseconds */
#define IOSM_FORCED_READS	100

/* It does not answer to that, and may be in the middle of a transfer; microseconds */
#define IOSM_FORCED_GRACE	10000

/* Milliseconds */
#define IOSM_RECOVER_TIMEOUT	30000	/* for each wait; a 7360 boots in 20 s */
#define IOSM_RESET_RETRY	50

#define IOSM_RECOVER_WAITS	3	/* while starts are repeated */

/**
 * iosm_modem_begin_read() - registers are about to be read, if they may be
 * @modem: the modem
 *
 * The caller looks after this whether it may. Whoever forbids it waits for
 * iosm_modem_end_read() then.
 *
 * Context: any; the caller does not sleep until iosm_modem_end_read().
 */
void iosm_modem_begin_read(struct iosm_modem *modem)
{
	atomic_inc(&modem->readers);
	/* Pairs with iosm_modem_await_readers(). */
	smp_mb__after_atomic();
}

/**
 * iosm_modem_end_read() - registers are not read any more
 * @modem: after iosm_modem_begin_read()
 *
 * Context: any.
 */
void iosm_modem_end_read(struct iosm_modem *modem)
{
	if (atomic_dec_and_test(&modem->readers))
		wake_up(&modem->readers_wait);
}

/* The caller has said that registers must not be read from now on. */
static void iosm_modem_await_readers(struct iosm_modem *modem)
{
	/* Pairs with iosm_modem_begin_read(). */
	smp_mb();
	wait_event(modem->readers_wait, !atomic_read(&modem->readers));
}

/* The function may enter D3 after the return. */
static void iosm_modem_fall_asleep(struct iosm_modem *modem)
{
	WRITE_ONCE(modem->asleep, true);
	iosm_modem_await_readers(modem);
}

/**
 * iosm_modem_hold_for() - after the return the state work does nothing
 * @modem: the modem
 * @why: until this and all other reasons are gone
 *
 * Context: process, may sleep a few seconds at most, until the work has finished what
 * it does; no lock held that a client's stop takes.
 */
void iosm_modem_hold_for(struct iosm_modem *modem, enum iosm_hold why)
{
	set_bit(why, &modem->holds);
	/* A run that has begun ends; one that begins later sees the bit. */
	cancel_delayed_work_sync(&modem->work);
	if (why == IOSM_HOLD_LOAD)
		return;
	iosm_modem_await_load(modem);
	iosm_modem_await_readers(modem);
}

/**
 * iosm_modem_release_for() - a reason to hold the state work is gone
 * @modem: the modem
 * @why: the reason
 *
 * Context: process.
 */
void iosm_modem_release_for(struct iosm_modem *modem, enum iosm_hold why)
{
	if (test_and_clear_bit(why, &modem->holds) && !READ_ONCE(modem->holds))
		iosm_modem_kick(modem, 0);
}

/**
 * iosm_modem_hold() - the system prepares to sleep: begin nothing more
 * @modem: the modem
 *
 * The state work does nothing until iosm_modem_release(). May be called again.
 *
 * Context: process, may sleep a few seconds at most, until the work has finished what
 * it does; no lock held that a client's stop takes.
 */
void iosm_modem_hold(struct iosm_modem *modem)
{
	iosm_modem_hold_for(modem, IOSM_HOLD_SLEEP);
}

/**
 * iosm_modem_release() - the system is awake: the state work may go on
 * @modem: the modem; iosm_modem_hold() need not have been called
 *
 * Context: process; the PCI function is in D0 and answers, if it is there.
 */
void iosm_modem_release(struct iosm_modem *modem)
{
	iosm_modem_release_for(modem, IOSM_HOLD_SLEEP);
}

/* Host sleep */

static int iosm_modem_tell_sleep(struct iosm_modem *modem)
{
	int ret;

	if (modem->bus->host_sleep == IOSM_HOST_SLEEP_D0) {
		iosm_pm_force_sleep(&modem->pm);
		usleep_range(IOSM_FORCED_GRACE, IOSM_FORCED_GRACE * 2);
		return 0;
	}

	ret = iosm_pm_host_prepare(&modem->pm);
	if (ret == -ETIMEDOUT) {
		iosm_modem_event(modem, IOSM_EVENT_TIMEOUT);
		iosm_modem_broken(modem, "modem did not wake up for host sleep");
	}
	if (!ret)
		ret = iosm_protocol_sleep(&modem->protocol, IOSM_SLEEP_HOST,
					  IOSM_SLEEP_ENTER);
	if (!ret)
		iosm_pm_host_sleep(&modem->pm);
	return ret;
}

/*
 * 0: it sleeps, and can access no memory until it is told that we are awake. -EBUSY: it
 * refused, and all is as before. -EIO: the session is over.
 */
static int iosm_modem_put_to_sleep(struct iosm_modem *modem)
{
	int ret;

	if (!iosm_modem_set_state(modem, IOSM_SUSPENDED))
		return -EBUSY;
	ret = iosm_modem_tell_sleep(modem);
	if (!ret) {
		modem->bus->ops->set_dma(modem->bus, false);
		return 0;
	}

	iosm_modem_set_state(modem, IOSM_ONLINE);
	if (!iosm_modem_online(modem)) {
		iosm_modem_kick(modem, 0);
		return -EIO;
	}
	dev_dbg(modem->dev, "modem does not let the host sleep: %pe\n", ERR_PTR(ret));
	iosm_pm_host_active(&modem->pm);
	iosm_modem_poll_soon(modem);
	return -EBUSY;
}

/* What the notification says may be from before the sleep (protocol.rst 6.6). */
static void iosm_modem_await_active(struct iosm_modem *modem)
{
	struct iosm_status status;
	unsigned int i;

	for (i = 0; i < IOSM_FORCED_READS; i++) {
		iosm_protocol_status(&modem->protocol, &status);
		if (status.sleep == IOSM_NOTIFY_ACTIVE)
			break;
		usleep_range(1000, 1250);
	}
}

static void iosm_modem_tell_awake(struct iosm_modem *modem)
{
	modem->bus->ops->set_dma(modem->bus, true);
	/* Whoever broke the session just now may have forbidden it before that. */
	if (!iosm_modem_online(modem)) {
		iosm_modem_cut_off(modem);
		return;
	}
	if (modem->bus->host_sleep == IOSM_HOST_SLEEP_D0) {
		iosm_pm_force_active(&modem->pm);
		iosm_modem_await_active(modem);
	} else {
		iosm_pm_host_wake(&modem->pm);
		if (iosm_protocol_sleep(&modem->protocol, IOSM_SLEEP_HOST,
					IOSM_SLEEP_EXIT))
			iosm_modem_broken(modem, "modem did not wake up after host sleep");
	}
	iosm_pm_host_active(&modem->pm);
}

/* Many machines cut the modem's power while they sleep: that is no failure. */
static bool iosm_modem_was_reset(struct iosm_modem *modem, u32 stage)
{
	switch (stage) {
	case IOSM_STAGE_RUN:
		return iosm_mmio_ipc_state(modem->bus) != IOSM_IPC_RUNNING;
	case IOSM_STAGE_CRASH:
	case IOSM_STAGE_CD_READY:
	case IOSM_ALL_ONES:
		return false;
	default:
		/* It boots, however far it is; just after power-on the stage may be anything. */
		return true;
	}
}

static void iosm_modem_wake_up(struct iosm_modem *modem)
{
	u32 stage = iosm_mmio_stage(modem->bus);

	if (iosm_modem_was_reset(modem, stage))
		iosm_modem_outdate(modem, "modem was reset while the host slept");
	else if (stage != IOSM_STAGE_RUN)
		iosm_modem_break(modem, stage, "modem left the session while the host slept");
	else if (iosm_modem_online(modem))
		iosm_modem_tell_awake(modem);

	/* If the session did not survive, the state work goes on from here. */
	if (!iosm_modem_online(modem)) {
		iosm_modem_kick(modem, 0);
		return;
	}
	iosm_modem_set_state(modem, IOSM_ONLINE);
	/* No interrupt came meanwhile: look at everything once. */
	iosm_modem_poll_soon(modem);
}

/* A sleep, or somebody who asks, is a reason to try once more. */
static void iosm_modem_try_again(struct iosm_modem *modem)
{
	if (!iosm_modem_needs_reset(modem))
		return;
	modem->attempts = 0;
	modem->bad_stages = 0;
	if (iosm_modem_set_state(modem, IOSM_RECOVERING))
		iosm_modem_kick(modem, 0);
}

/**
 * iosm_modem_suspend() - the system is going to sleep
 * @modem: the modem
 *
 * Holds the state work until iosm_modem_release(), also after an error. If the modem
 * does not answer, its session is ended and the sleep goes on.
 *
 * Context: process, may sleep about two seconds at most; tasks are frozen. Implements
 * protocol.rst 6.5.1, 6.6.
 * Return: 0, or -EBUSY if the modem refused, or is being given its firmware: then nothing
 * has changed.
 */
int iosm_modem_suspend(struct iosm_modem *modem)
{
	int ret = 0;

	iosm_modem_hold(modem);
	/* Not one of user space, which is frozen: a health reporter's. */
	if (atomic_read(&modem->talks)) {
		dev_warn(modem->dev, "a boot loader is talked to: no time to sleep\n");
		return -EBUSY;
	}
	if (iosm_modem_state(modem) == IOSM_STARTING) {
		iosm_modem_end_session(modem, true);
		/* It is not the modem's fault that this start fails. */
		modem->attempts--;
		iosm_modem_set_state(modem, IOSM_RECOVERING);
	} else if (modem->loader) {
		/* The next one who needs it gets a new one. */
		iosm_modem_end_session(modem, true);
		iosm_modem_set_state(modem, IOSM_RECOVERING);
	} else if (iosm_modem_online(modem)) {
		ret = iosm_modem_put_to_sleep(modem);
	}
	if (ret == -EBUSY) {
		dev_warn(modem->dev, "modem refuses to let the system sleep\n");
		return ret;
	}
	iosm_modem_fall_asleep(modem);
	return 0;
}

/**
 * iosm_modem_resume() - the system was asleep, or did not sleep after all
 * @modem: after iosm_modem_suspend()
 *
 * The state work stays held: what has to come back comes after
 * iosm_modem_release().
 *
 * Context: process, may sleep about a second at most; the function is in D0.
 * Implements protocol.rst 6.5.2, 6.6, 6.7.
 */
void iosm_modem_resume(struct iosm_modem *modem)
{
	WRITE_ONCE(modem->asleep, false);
	switch (iosm_modem_state(modem)) {
	case IOSM_SUSPENDED:
		iosm_modem_wake_up(modem);
		break;
	case IOSM_FAILED:
	case IOSM_LOST:
		iosm_modem_try_again(modem);
		break;
	default:
		break;
	}
}

/**
 * iosm_modem_restore() - memory was restored from a hibernation image
 * @modem: the modem, as it was when the image was made
 *
 * Whatever session the modem has now, if any, is not ours: another kernel ran in
 * between. It is told nothing but to end it.
 *
 * Context: process; the function is in D0.
 */
void iosm_modem_restore(struct iosm_modem *modem)
{
	WRITE_ONCE(modem->asleep, false);
	if (iosm_modem_state(modem) == IOSM_SUSPENDED)
		iosm_modem_outdate(modem, "memory was restored from an image");
	else
		iosm_modem_resume(modem);
}

/**
 * iosm_modem_runtime_suspend() - nobody needs the function, it may enter D3
 * @modem: the modem
 *
 * Context: process, may sleep about two seconds at most. Does not wait for the state
 * work.
 * Return: 0, or -EBUSY if not now; the function must stay in D0 then.
 */
int iosm_modem_runtime_suspend(struct iosm_modem *modem)
{
	if (atomic_read(&modem->users) || !iosm_modem_online(modem) ||
	    iosm_modem_put_to_sleep(modem))
		return -EBUSY;
	iosm_modem_fall_asleep(modem);
	return 0;
}

/**
 * iosm_modem_runtime_resume() - the function is in D0 again
 * @modem: after iosm_modem_runtime_suspend()
 *
 * Context: process, may sleep about a second at most. Does not wait for the state
 * work, which goes on if the session did not survive.
 */
void iosm_modem_runtime_resume(struct iosm_modem *modem)
{
	WRITE_ONCE(modem->asleep, false);
	if (iosm_modem_state(modem) == IOSM_SUSPENDED)
		iosm_modem_wake_up(modem);
}

/* Reset and bus errors */

/* The state work is held; it starts from nothing after the release. */
static void iosm_modem_take_down(struct iosm_modem *modem, bool tell, enum iosm_state to)
{
	/* There will be something to do until the modem is online again. */
	if (!modem->awake) {
		modem->awake = true;
		pm_runtime_get_noresume(modem->dev);
	}
	iosm_modem_end_session(modem, tell);
	modem->attempts = 0;
	modem->bad_stages = 0;
	iosm_modem_set_state(modem, to);
}

/**
 * iosm_modem_reset_prepare() - the function is about to be reset
 * @modem: the modem
 *
 * Withdraws everything and ends the session. Holds the state work until
 * iosm_modem_reset_done().
 *
 * Context: process, may sleep a few seconds at most; the function is in D0; no lock
 * held that a client's stop takes.
 */
void iosm_modem_reset_prepare(struct iosm_modem *modem)
{
	iosm_modem_hold_for(modem, IOSM_HOLD_RESET);
	iosm_modem_take_down(modem, true, IOSM_RECOVERING);
}

/**
 * iosm_modem_reset_done() - the function was reset
 * @modem: after iosm_modem_reset_prepare()
 *
 * Context: process; the function is in D0, its configuration space restored.
 */
void iosm_modem_reset_done(struct iosm_modem *modem)
{
	iosm_modem_release_for(modem, IOSM_HOLD_RESET);
}

/**
 * iosm_modem_needs_reset() - would a reset help?
 * @modem: the modem
 *
 * Context: process.
 * Return: true if it crashed, was given up, or is lost.
 */
bool iosm_modem_needs_reset(struct iosm_modem *modem)
{
	switch (iosm_modem_state(modem)) {
	case IOSM_CRASHED:
	case IOSM_DUMP_READY:
	case IOSM_FAILED:
	case IOSM_LOST:
		return true;
	default:
		return false;
	}
}

/**
 * iosm_modem_isolate() - the bus failed: the modem cannot be reached
 * @modem: the modem
 * @forever: it will not be reachable again; otherwise iosm_modem_rejoin() follows when
 *	it is
 *
 * Withdraws everything without a word to the modem, and without reading a register.
 * The state work does nothing meanwhile, unless @forever.
 *
 * Context: process, may sleep; no lock held that a client's stop takes.
 */
void iosm_modem_isolate(struct iosm_modem *modem, bool forever)
{
	/* First of all: whoever looks at the modem from now on reads no register. */
	set_bit(IOSM_HOLD_BUS, &modem->holds);
	/* Ends what the state work waits for. */
	if (!iosm_modem_break(modem, 0, "bus error")) {
		iosm_modem_failure(modem, "bus error");
		iosm_modem_cut_off(modem);
	}
	iosm_modem_hold_for(modem, IOSM_HOLD_BUS);
	iosm_modem_take_down(modem, false, forever ? IOSM_LOST : IOSM_RECOVERING);
	if (forever)
		iosm_modem_rejoin(modem);
}

/**
 * iosm_modem_rejoin() - the bus works again
 * @modem: the modem; iosm_modem_isolate() need not have been called
 *
 * Context: process; the function is in D0, its configuration space restored.
 */
void iosm_modem_rejoin(struct iosm_modem *modem)
{
	iosm_modem_release_for(modem, IOSM_HOLD_BUS);
}

/**
 * iosm_modem_answers() - is the modem there?
 * @modem: the modem
 *
 * Just after a reset its stage may be anything for a while.
 *
 * Context: any; the function is in D0.
 * Return: false if the stage register reads all ones.
 */
bool iosm_modem_answers(struct iosm_modem *modem)
{
	return iosm_mmio_stage(modem->bus) != IOSM_ALL_ONES;
}

static bool iosm_modem_readable(const struct iosm_modem *modem)
{
	enum iosm_state state = iosm_modem_state(modem);

	return state != IOSM_LOST && state != IOSM_GONE && !READ_ONCE(modem->asleep) &&
	       !(READ_ONCE(modem->holds) & ~BIT(IOSM_HOLD_LOAD));
}

/**
 * iosm_modem_get_registers() - may registers be read now?
 * @modem: the modem
 *
 * Context: any; the caller does not sleep until then.
 * Return: true if so; they may until iosm_modem_put_registers(). A reset, or an error of
 * the bus, waits for that.
 */
bool iosm_modem_get_registers(struct iosm_modem *modem)
{
	iosm_modem_begin_read(modem);
	if (iosm_modem_readable(modem) &&
	    (!IS_ENABLED(CONFIG_PM) || pm_runtime_get_if_active(modem->dev) > 0))
		return true;
	iosm_modem_end_read(modem);
	return false;
}

/**
 * iosm_modem_put_registers() - registers are not needed any more
 * @modem: after iosm_modem_get_registers() returned true
 *
 * Context: any.
 */
void iosm_modem_put_registers(struct iosm_modem *modem)
{
	/* A look is no use: it does not put off the next sleep. */
	if (IS_ENABLED(CONFIG_PM))
		pm_runtime_put(modem->dev);
	iosm_modem_end_read(modem);
}

/* Recovery */

static bool iosm_modem_crash_over(struct iosm_modem *modem)
{
	enum iosm_state state = iosm_modem_state(modem);

	return state != IOSM_CRASHED && state != IOSM_DUMP_READY;
}

/* A modem that comes back by itself does so quickly. */
static int iosm_modem_await_restart(struct iosm_modem *modem)
{
	long left = READ_ONCE(modem->deadline) - jiffies;

	if (left <= 0)
		return 0;
	left = wait_event_interruptible_timeout(modem->state_wait,
						iosm_modem_crash_over(modem), left);
	return left < 0 ? -EINTR : 0;
}

/* If it is not a @reload, what was in the way may help as well: a reset, or a sleep. */
static int iosm_modem_reset_function(struct iosm_modem *modem, bool reload)
{
	unsigned long deadline = jiffies + msecs_to_jiffies(IOSM_RECOVER_TIMEOUT);
	int ret;

	do {
		ret = modem->bus->ops->reset(modem->bus, reload);
		/* Who reloads has the lock that those need who are in the way. */
		if (ret != -EAGAIN || reload)
			return ret;
		if (msleep_interruptible(IOSM_RESET_RETRY))
			return -EINTR;
		if (iosm_modem_state(modem) == IOSM_GONE)
			return -ENODEV;
		if (!reload && !iosm_modem_needs_reset(modem))
			return 0;
	} while (time_before(jiffies, deadline));
	return ret;
}

/**
 * iosm_modem_reset() - reset the function, so that the modem starts from nothing
 * @modem: the modem, in any state
 *
 * Context: process, may sleep half a minute at most; the device lock is held, and no lock
 * that a client's stop takes; not from the state work.
 * Return: 0; -EOPNOTSUPP if it cannot be reset; -ENODEV if it is not there; -EAGAIN if it
 * is busy; -EINTR after a signal.
 */
int iosm_modem_reset(struct iosm_modem *modem)
{
	int ret;

	ret = pm_runtime_resume_and_get(modem->dev);
	if (ret < 0)
		return ret;
	ret = iosm_modem_reset_function(modem, true);
	pm_runtime_put(modem->dev);
	return ret;
}

/* Is it clear whether the modem comes back? */
static bool iosm_modem_settled(struct iosm_modem *modem)
{
	switch (iosm_modem_state(modem)) {
	case IOSM_ONLINE:
	case IOSM_SUSPENDED:
		/* The state work may not yet know that the session is broken. */
		return iosm_modem_online(modem);
	case IOSM_CRASHED:
	case IOSM_DUMP_READY:
	case IOSM_FAILED:
	case IOSM_LOST:
	case IOSM_GONE:
		return true;
	default:
		return false;
	}
}

static bool iosm_modem_starts(struct iosm_modem *modem)
{
	enum iosm_state state = iosm_modem_state(modem);

	return state == IOSM_STARTING || state == IOSM_RECOVERING;
}

/* Starts end by themselves, in the worst case after the last of all attempts. */
static int iosm_modem_await_settled(struct iosm_modem *modem)
{
	unsigned int i;
	long left;

	for (i = 0; i < IOSM_RECOVER_WAITS; i++) {
		left = wait_event_interruptible_timeout(modem->state_wait,
							iosm_modem_settled(modem),
							msecs_to_jiffies(IOSM_RECOVER_TIMEOUT));
		if (left < 0)
			return -EINTR;
		if (left > 0)
			return 0;
		if (!iosm_modem_starts(modem))
			break;
	}
	return -ETIMEDOUT;
}

static int iosm_modem_verdict(struct iosm_modem *modem)
{
	switch (iosm_modem_state(modem)) {
	case IOSM_ONLINE:
	case IOSM_SUSPENDED:
		return 0;
	case IOSM_LOST:
	case IOSM_GONE:
		return -ENODEV;
	default:
		return -EIO;
	}
}

/**
 * iosm_modem_wait_online() - wait until the modem is online
 * @modem: the modem
 * @timeout_ms: for how long, milliseconds
 *
 * Context: process, may sleep; no lock held that a client's stop takes; not from the state
 * work.
 * Return: 0; -ENODEV if it is not there; -EIO if it failed or crashed; -ETIMEDOUT if it is
 * not clear yet; -EINTR after a signal.
 */
int iosm_modem_wait_online(struct iosm_modem *modem, unsigned int timeout_ms)
{
	long left;

	left = wait_event_interruptible_timeout(modem->state_wait, iosm_modem_settled(modem),
						msecs_to_jiffies(timeout_ms));
	if (left < 0)
		return -EINTR;
	return left ? iosm_modem_verdict(modem) : -ETIMEDOUT;
}

/* What the modem does by itself, and the driver without being asked */
static int iosm_modem_let_recover(struct iosm_modem *modem)
{
	int ret;

	ret = iosm_modem_await_settled(modem);
	if (ret || iosm_modem_crash_over(modem))
		return ret;
	ret = iosm_modem_await_restart(modem);
	if (ret || !iosm_modem_crash_over(modem))
		return ret;
	return iosm_modem_await_settled(modem);
}

/**
 * iosm_modem_recover() - do what can be done to get the modem back, and wait for it
 * @modem: the modem
 * @asked: somebody asks for it; false if it is done because something failed
 *
 * While the driver starts it again by itself, this only waits. A crashed modem that
 * does not restart, or one that was given up, is reset, once. So is one that is lost,
 * if somebody asks, and if it is there again.
 *
 * Context: process, may sleep some minutes at most; no lock held that a client's stop
 * takes; not from the state work.
 * Return: 0 if the modem is online; -EINTR after a signal; -EIO if it failed again;
 * -ENODEV if it is not there; -ETIMEDOUT if it is not clear yet; -EOPNOTSUPP if only a
 * reset would help and the device cannot be reset; -EAGAIN if it is busy.
 */
int iosm_modem_recover(struct iosm_modem *modem, bool asked)
{
	int ret;

	ret = iosm_modem_let_recover(modem);
	if (ret)
		return ret;

	switch (iosm_modem_state(modem)) {
	case IOSM_CRASHED:
	case IOSM_DUMP_READY:
		ret = iosm_modem_reset_function(modem, false);
		break;
	case IOSM_LOST:
		if (!asked)
			return -ENODEV;
		fallthrough;
	case IOSM_FAILED:
		ret = iosm_modem_reset_function(modem, false);
		/* Something may have changed all the same. */
		if (ret == -EOPNOTSUPP) {
			iosm_modem_try_again(modem);
			ret = 0;
		}
		break;
	default:
		return iosm_modem_verdict(modem);
	}

	ret = ret ?: iosm_modem_await_settled(modem);
	return ret ?: iosm_modem_verdict(modem);
}
