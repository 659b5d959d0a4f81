// SPDX-License-Identifier: GPL-2.0-only
/**
 * DOC: The core
 *
 * A modem has one state. It is changed in one place, the state work on an
 * ordered workqueue, by one setter that checks the move against a table. The
 * work never blocks for long: it does one step and comes back when the modem
 * answered or a deadline passed.
 *
 *                                       SUSPENDED
 *                                           ^
 *                                           v
 *   OFF -> ROM -> LOADER -> STARTING -> ONLINE -> CRASHED -> DUMP_READY
 *    |______________________^   |          |          |          |
 *                               +----------+          +----------+
 *                                    v                      v
 *                               RECOVERING -> FAILED       ROM, STARTING ...
 *
 * and from anywhere to LOST (no answer on the bus) and GONE (unbound). "The
 * modem was reset behind our back" is a normal move: ONLINE to RECOVERING.
 * LOST is left when the bus answers again. FAILED and LOST are left when somebody asks
 * for another try: a user, or a host that slept.
 *
 * A session with a loader (LOADER to LOADER_ONLINE) is set up only if somebody asked for
 * one, see iosm_ipc_boot.c. It ends like any other: LOADER_ONLINE to RECOVERING, where
 * the stage says what comes next.
 *
 * What the host does to a modem (sleep, reset, bus errors) is in iosm_ipc_host.c. It
 * holds the work while it does it, and then changes the state itself.
 *
 * Contexts: the hard interrupt only schedules the poll. The poll (softirq, one
 * NAPI instance on a dummy device) takes one snapshot of the status block,
 * handles completed control requests, then uplink completions and downlink
 * units of all channels, control channels first. Callers (open, close, link up
 * and down) wait with a bound.
 *
 * A session that breaks is cut off at once, in whatever context: the modem's
 * access to memory is forbidden, nothing rings any more, waiters get -ENODEV.
 * The state work then stops the clients and looks what became of the modem.
 *
 * Locks, outermost first:
 *
 *   RTNL, or the ops lock of a WWAN port   (callers; the state work takes them
 *                                           inside of client stop, holding none)
 *     poll_mutex                           pausing the poll
 *       mux or port TX lock                (softirq)
 *         struct iosm_protocol.lock        (softirq) control ring
 *           struct iosm_pm.lock            (softirq) doorbells
 *
 * Nobody waits for the state work while holding a lock that a client's stop
 * takes; unbind waits for it and holds none.
 */

#include "iosm_ipc_imem_parts.h"

#include <linux/delay.h>
#include <linux/jiffies.h>
#include <linux/pm_runtime.h>
#include <linux/slab.h>

/* Milliseconds */
#define IOSM_STAGE_POLL		20
#define IOSM_BOOT_POLL		200
#define IOSM_BOOT_POLL_SLOW	1000	/* after so many: nothing seems to happen */
#define IOSM_BOOT_POLLS		150
#define IOSM_STEP_POLL		10
#define IOSM_UNINIT_TIMEOUT	1000
#define IOSM_INIT_TIMEOUT	10000
#define IOSM_RUN_TIMEOUT	10000
#define IOSM_LASTING		10000
#define IOSM_RECOVERY_DELAY	100	/* doubled with each attempt */
#define IOSM_DOUBLINGS		4U	/* but not more often, after crashes */
#define IOSM_CRASH_GRACE	3000	/* a crashed modem may restart by itself */
#define IOSM_LOST_POLL		1000
#define IOSM_LOST_POLL_SLOW	10000	/* after so many: it does not just restart */
#define IOSM_LOST_POLLS		60
#define IOSM_LOOK_INTERVAL	2000
#define IOSM_LOOK_ASLEEP	5	/* times so rarely while the modem sleeps */

#define IOSM_BAD_STAGES_OFF	50
#define IOSM_BAD_STAGES		3
#define IOSM_ATTEMPTS		5U

/* Last UNINIT of a session: first read at once, then every millisecond. */
#define IOSM_LAST_UNINIT_READS	30

/* Downlink units of one control channel per poll */
#define IOSM_CONTROL_BUDGET	16

#define TO(state) BIT(IOSM_##state)

/* Moves that the state may make, by the state that it leaves. */
static const u32 iosm_state_moves[IOSM_STATE_COUNT] = {
	[IOSM_OFF] = TO(ROM) | TO(LOADER) | TO(STARTING) | TO(CRASHED) |
		     TO(DUMP_READY) | TO(RECOVERING) | TO(FAILED) | TO(LOST) |
		     TO(GONE),
	[IOSM_ROM] = TO(LOADER) | TO(STARTING) | TO(CRASHED) |
		     TO(DUMP_READY) | TO(RECOVERING) | TO(LOST) | TO(GONE),
	[IOSM_LOADER] = TO(ROM) | TO(LOADER_ONLINE) | TO(STARTING) |
			TO(CRASHED) | TO(DUMP_READY) | TO(RECOVERING) |
			TO(LOST) | TO(GONE),
	[IOSM_LOADER_ONLINE] = TO(RECOVERING) | TO(CRASHED) | TO(DUMP_READY) |
			       TO(LOST) | TO(GONE),
	[IOSM_STARTING] = TO(ONLINE) | TO(RECOVERING) | TO(CRASHED) |
			  TO(DUMP_READY) | TO(LOST) | TO(GONE),
	[IOSM_ONLINE] = TO(SUSPENDED) | TO(RECOVERING) | TO(CRASHED) |
			TO(DUMP_READY) | TO(LOST) | TO(GONE),
	[IOSM_SUSPENDED] = TO(ONLINE) | TO(RECOVERING) | TO(CRASHED) |
			   TO(DUMP_READY) | TO(LOST) | TO(GONE),
	[IOSM_CRASHED] = TO(ROM) | TO(LOADER) | TO(STARTING) |
			 TO(DUMP_READY) | TO(RECOVERING) | TO(LOST) | TO(GONE),
	[IOSM_DUMP_READY] = TO(ROM) | TO(LOADER) | TO(STARTING) |
			    TO(RECOVERING) | TO(LOST) | TO(GONE),
	[IOSM_RECOVERING] = TO(ROM) | TO(LOADER) | TO(STARTING) |
			    TO(CRASHED) | TO(DUMP_READY) | TO(FAILED) |
			    TO(LOST) | TO(GONE),
	[IOSM_FAILED] = TO(RECOVERING) | TO(LOST) | TO(GONE),
	[IOSM_LOST] = TO(RECOVERING) | TO(GONE),
	[IOSM_GONE] = 0,
};

#undef TO

static const char * const iosm_state_names[IOSM_STATE_COUNT] = {
	[IOSM_OFF] = "off",
	[IOSM_ROM] = "boot ROM",
	[IOSM_LOADER] = "loader",
	[IOSM_LOADER_ONLINE] = "loader online",
	[IOSM_STARTING] = "starting",
	[IOSM_ONLINE] = "online",
	[IOSM_SUSPENDED] = "suspended",
	[IOSM_CRASHED] = "crashed",
	[IOSM_DUMP_READY] = "crashed, dump ready",
	[IOSM_RECOVERING] = "recovering",
	[IOSM_FAILED] = "failed",
	[IOSM_LOST] = "lost",
	[IOSM_GONE] = "gone",
};

static const char * const iosm_event_names[IOSM_EVENT_COUNT] = {
	[IOSM_EVENT_NOT_READY] = "IOSM_EVENT=MDM_NOT_READY",
	[IOSM_EVENT_ROM_READY] = "IOSM_EVENT=ROM_READY",
	[IOSM_EVENT_READY] = "IOSM_EVENT=MDM_READY",
	[IOSM_EVENT_CRASH] = "IOSM_EVENT=CRASH",
	[IOSM_EVENT_CD_READY] = "IOSM_EVENT=CD_READY",
	[IOSM_EVENT_LINK_DOWN] = "IOSM_EVENT=CD_READY_LINK_DOWN",
	[IOSM_EVENT_TIMEOUT] = "IOSM_EVENT=MDM_TIMEOUT",
};

/**
 * iosm_state_name() - a state in words, for log lines
 * @state: any state
 *
 * Context: any.
 * Return: a constant string.
 */
const char *iosm_state_name(enum iosm_state state)
{
	return iosm_state_names[state];
}

/**
 * iosm_state_move_legal() - may the state move so?
 * @from: the state to leave
 * @to: the state to enter
 *
 * Context: any; pure.
 * Return: true if the table allows it. Staying is no move.
 */
bool iosm_state_move_legal(enum iosm_state from, enum iosm_state to)
{
	return iosm_state_moves[from] & BIT(to);
}

/* May it lead to a session with a loader? */
static bool iosm_state_boots(enum iosm_state state)
{
	return state == IOSM_ROM || state == IOSM_LOADER ||
	       state == IOSM_LOADER_ONLINE;
}

static bool iosm_state_crashed(enum iosm_state state)
{
	return state == IOSM_CRASHED || state == IOSM_DUMP_READY;
}

/**
 * iosm_modem_state() - read the state
 * @modem: the modem
 *
 * Context: any; the state may change at any time.
 * Return: the state.
 */
enum iosm_state iosm_modem_state(const struct iosm_modem *modem)
{
	return READ_ONCE(modem->state);
}

/**
 * iosm_modem_online() - is there an IPC session in which requests make sense?
 * @modem: the modem
 *
 * Context: any; the answer may change at any time.
 * Return: true while the session runs.
 */
bool iosm_modem_online(struct iosm_modem *modem)
{
	return atomic_read(&modem->session) == IOSM_SESSION_RUNNING;
}

/**
 * iosm_modem_ending() - is everything being withdrawn?
 * @modem: the modem
 *
 * Context: any.
 * Return: true while the clients are stopped.
 */
bool iosm_modem_ending(struct iosm_modem *modem)
{
	return READ_ONCE(modem->ending);
}

/**
 * iosm_modem_event() - tell user space what happened
 * @modem: the modem
 * @event: what
 *
 * Context: process, may sleep. Implements protocol.rst 8.6.
 */
void iosm_modem_event(struct iosm_modem *modem, enum iosm_event event)
{
	char text[64];
	char *env[2];

	strscpy(text, iosm_event_names[event], sizeof(text));
	env[0] = text;
	env[1] = NULL;
	kobject_uevent_env(&modem->dev->kobj, KOBJ_CHANGE, env);
}

static void iosm_modem_announce(struct iosm_modem *modem, enum iosm_state from,
				enum iosm_state to)
{
	switch (to) {
	case IOSM_ROM:
		iosm_modem_event(modem, IOSM_EVENT_ROM_READY);
		break;
	case IOSM_ONLINE:
		if (from != IOSM_SUSPENDED)
			iosm_modem_event(modem, IOSM_EVENT_READY);
		break;
	case IOSM_CRASHED:
		iosm_modem_event(modem, IOSM_EVENT_CRASH);
		break;
	case IOSM_DUMP_READY:
		iosm_modem_event(modem, IOSM_EVENT_CD_READY);
		break;
	case IOSM_FAILED:
	case IOSM_LOST:
		iosm_modem_event(modem, IOSM_EVENT_LINK_DOWN);
		break;
	case IOSM_GONE:
		iosm_modem_event(modem, IOSM_EVENT_NOT_READY);
		break;
	default:
		break;
	}
}

/**
 * iosm_modem_set_state() - the one setter of the state
 * @modem: the modem
 * @to: where to
 *
 * Context: process, may sleep; in the state work, or while it is held.
 * Return: false if the move is not legal; nothing has changed then.
 */
bool iosm_modem_set_state(struct iosm_modem *modem, enum iosm_state to)
{
	enum iosm_state from;
	bool legal;

	spin_lock(&modem->state_lock);
	from = modem->state;
	legal = iosm_state_move_legal(from, to);
	if (legal) {
		if (!iosm_state_boots(to))
			WRITE_ONCE(modem->loader_wanted, false);
		WRITE_ONCE(modem->state, to);
	}
	spin_unlock(&modem->state_lock);

	if (!legal)
		return false;
	trace_iosm_state(modem->dev, iosm_state_name(from), iosm_state_name(to));
	dev_dbg(modem->dev, "%s -> %s\n", iosm_state_name(from),
		iosm_state_name(to));
	wake_up_all(&modem->state_wait);
	iosm_modem_announce(modem, from, to);
	if (modem->observer)
		modem->observer->moved(modem->observer, to);
	return true;
}

/**
 * iosm_modem_ask_for_loader() - set up a session with the loader
 * @modem: the modem
 *
 * Context: process; the state work does it, when it runs next.
 * Return: false if that does not make sense in this state.
 */
bool iosm_modem_ask_for_loader(struct iosm_modem *modem)
{
	bool boots;

	spin_lock(&modem->state_lock);
	boots = iosm_state_boots(modem->state);
	WRITE_ONCE(modem->loader_wanted, boots);
	spin_unlock(&modem->state_lock);
	return boots;
}

/**
 * iosm_modem_forget_loader() - nobody needs a session with the loader
 * @modem: the modem
 *
 * One that is being set up, or is there, stays.
 *
 * Context: process.
 */
void iosm_modem_forget_loader(struct iosm_modem *modem)
{
	spin_lock(&modem->state_lock);
	WRITE_ONCE(modem->loader_wanted, false);
	spin_unlock(&modem->state_lock);
}

/**
 * iosm_modem_kick() - run the state work
 * @modem: the modem
 * @delay_ms: how long from now, milliseconds
 *
 * Context: process or softirq.
 */
void iosm_modem_kick(struct iosm_modem *modem, unsigned int delay_ms)
{
	mod_delayed_work(modem->wq, &modem->work, msecs_to_jiffies(delay_ms));
}

/* Does not put off a run of the work that is due earlier. */
static void iosm_modem_look_later(struct iosm_modem *modem)
{
	queue_delayed_work(modem->wq, &modem->work,
			   msecs_to_jiffies(IOSM_LOOK_INTERVAL));
}

static bool iosm_modem_session_is(struct iosm_modem *modem,
				  enum iosm_session session)
{
	return atomic_read(&modem->session) == session;
}

/**
 * iosm_modem_failure() - report something that went wrong
 * @modem: the modem
 * @why: constant string
 *
 * Context: process or softirq; any lock may be held.
 */
void iosm_modem_failure(struct iosm_modem *modem, const char *why)
{
	if (modem->observer)
		modem->observer->failure(modem->observer, why);
}

/**
 * iosm_modem_cut_off() - forbid the modem all access to memory, ring no more
 * @modem: the modem
 *
 * Context: process or softirq. May be called again.
 */
void iosm_modem_cut_off(struct iosm_modem *modem)
{
	/* A doorbell after bus mastering is off would promise what cannot be fetched. */
	iosm_pm_halt(&modem->pm);
	modem->bus->ops->set_dma(modem->bus, false);
	/* Wakes those who then free what the modem might have written to. */
	iosm_protocol_halt(&modem->protocol);
}

static bool iosm_modem_leave(struct iosm_modem *modem, u32 stage, const char *why,
			     bool failure)
{
	if (atomic_cmpxchg(&modem->session, IOSM_SESSION_RUNNING,
			   IOSM_SESSION_BROKEN) != IOSM_SESSION_RUNNING)
		return false;

	WRITE_ONCE(modem->broken_reason, why);
	WRITE_ONCE(modem->broken_stage, stage);
	WRITE_ONCE(modem->outdated, !failure);
	/* Before the rings are halted: a dump shows what was wrong with them. */
	if (failure)
		iosm_modem_failure(modem, why);
	iosm_modem_cut_off(modem);
	/* Those who wait for something that will not come any more */
	wake_up_all(&modem->session_wait);
	iosm_modem_kick(modem, 0);
	return true;
}

/**
 * iosm_modem_outdate() - end the session because it was over already
 * @modem: the modem
 * @why: constant string for the log
 *
 * As iosm_modem_break(), but nothing failed.
 *
 * Context: process or softirq, not under a lock of the protocol layer.
 * Return: false if the session did not run; nothing has changed then.
 */
bool iosm_modem_outdate(struct iosm_modem *modem, const char *why)
{
	return iosm_modem_leave(modem, 0, why, false);
}

/**
 * iosm_modem_break() - end the session because of what the modem did
 * @modem: the modem
 * @stage: its stage, if that is the cause, otherwise 0
 * @why: constant string for the log
 *
 * Context: process or softirq, not under a lock of the protocol layer.
 * Return: false if the session did not run; nothing has changed then.
 */
bool iosm_modem_break(struct iosm_modem *modem, u32 stage, const char *why)
{
	return iosm_modem_leave(modem, stage, why, true);
}

/**
 * iosm_modem_broken() - end the session because of an error
 * @modem: the modem
 * @why: constant string for the log
 *
 * The modem can access no memory after the return; the state work does the
 * rest. Only the first call of a session has an effect.
 *
 * Context: process or softirq, not under a lock of the protocol layer.
 */
void iosm_modem_broken(struct iosm_modem *modem, const char *why)
{
	iosm_modem_break(modem, 0, why);
}

static void iosm_modem_protocol_fatal(struct iosm_protocol *protocol,
				      const char *why, int err)
{
	struct iosm_modem *modem = container_of(protocol, struct iosm_modem,
						protocol);

	/* Whoever broke the session first cuts it off; be sure that it is. */
	if (!iosm_modem_break(modem, 0, why))
		iosm_modem_cut_off(modem);
	if (err == -ETIMEDOUT)
		iosm_modem_event(modem, IOSM_EVENT_TIMEOUT);
}

static const struct iosm_protocol_ops iosm_modem_protocol_ops = {
	.fatal = iosm_modem_protocol_fatal,
};

static void iosm_modem_unresponsive(struct iosm_pm *pm)
{
	struct iosm_modem *modem = container_of(pm, struct iosm_modem, pm);

	WRITE_ONCE(modem->timed_out, true);
	iosm_modem_broken(modem, "no answer to wake requests");
}

static const struct iosm_pm_ops iosm_modem_pm_ops = {
	.unresponsive = iosm_modem_unresponsive,
};

/* Poll */

static bool iosm_stage_crashed(u32 stage)
{
	return stage == IOSM_STAGE_CRASH || stage == IOSM_STAGE_CD_READY;
}

/* Is that where our session, or the one that is being set up, belongs? */
static bool iosm_modem_in_stage(struct iosm_modem *modem, u32 stage)
{
	if (READ_ONCE(modem->loader))
		return stage == IOSM_STAGE_PSI || stage == IOSM_STAGE_EBL;
	return stage == IOSM_STAGE_RUN;
}

/* A loader that nobody talks to may end its session: it is about to start something. */
static bool iosm_modem_loader_free(struct iosm_modem *modem)
{
	return READ_ONCE(modem->loader) && !atomic_read(&modem->talks);
}

/*
 * A loader that has all it wants starts the firmware, or the modem by way of the boot ROM.
 * In the middle of a conversation the latter is a failure.
 */
static bool iosm_modem_loader_done(struct iosm_modem *modem, u32 stage)
{
	return (READ_ONCE(modem->loader) && stage == IOSM_STAGE_RUN) ||
	       (iosm_modem_loader_free(modem) && stage == IOSM_STAGE_BOOT);
}

/* What the status block says does not belong to our session. */
static void iosm_modem_left(struct iosm_modem *modem, u32 stage)
{
	if (iosm_modem_loader_done(modem, stage))
		iosm_modem_outdate(modem, "the loader has started the firmware");
	else if (iosm_stage_crashed(stage))
		iosm_modem_break(modem, stage, "firmware crashed");
	else
		iosm_modem_break(modem, stage, "modem left the session");
}

/* False if there is no running session, or not any more. */
static bool iosm_modem_poll_status(struct iosm_modem *modem)
{
	struct iosm_status status;
	bool running;

	iosm_protocol_status(&modem->protocol, &status);
	running = iosm_modem_in_stage(modem, status.stage) &&
		  status.ipc_state == IOSM_IPC_RUNNING;

	switch (atomic_read(&modem->session)) {
	case IOSM_SESSION_WAITING:
		if (!running)
			return false;
		atomic_cmpxchg(&modem->session, IOSM_SESSION_WAITING,
			       IOSM_SESSION_RUNNING);
		iosm_modem_kick(modem, 0);
		break;
	case IOSM_SESSION_RUNNING:
		if (!running) {
			iosm_modem_left(modem, status.stage);
			return false;
		}
		break;
	default:
		return false;
	}

	iosm_pm_notify(&modem->pm, status.sleep);
	return true;
}

static int iosm_modem_poll_channels(struct iosm_modem *modem, int budget)
{
	struct iosm_channel *channel, *mux;
	bool more = false;
	int done = 0;
	int id;

	for (id = 0; id < IOSM_CHANNEL_COUNT; id++) {
		/* Pairs with the release in iosm_channel_open(). */
		channel = smp_load_acquire(&modem->channels[id]);
		if (!channel)
			continue;
		channel->ops->poll_ul(channel);
		if (id == IOSM_CHANNEL_MUX || !budget || !channel->ops->poll_dl)
			continue;
		if (channel->ops->poll_dl(channel, IOSM_CONTROL_BUDGET) ==
		    IOSM_CONTROL_BUDGET)
			more = true;
	}

	/* Pairs with the release in iosm_channel_open(). */
	mux = smp_load_acquire(&modem->channels[IOSM_CHANNEL_MUX]);
	if (mux && budget)
		done = mux->ops->poll_dl(mux, budget);

	return more ? budget : done;
}

static int iosm_modem_poll(struct napi_struct *napi, int budget)
{
	struct iosm_modem *modem = container_of(napi, struct iosm_modem, napi);
	int done = 0;

	if (iosm_modem_poll_status(modem)) {
		iosm_protocol_poll(&modem->protocol);
		done = iosm_modem_poll_channels(modem, budget);
	}

	/*
	 * No interrupt is lost: one that comes before the completion finds the
	 * poll scheduled, marks it missed, and it runs once more.
	 */
	if (done < budget)
		napi_complete_done(napi, done);
	return done;
}

/**
 * iosm_modem_poll_soon() - run the poll once, as if by an interrupt
 * @modem: the modem
 *
 * Context: process or softirq.
 */
void iosm_modem_poll_soon(struct iosm_modem *modem)
{
	local_bh_disable();
	napi_schedule(&modem->napi);
	local_bh_enable();
}

/**
 * iosm_modem_interrupt() - the modem raised its interrupt
 * @modem: the modem
 *
 * Says nothing about the cause; safe at any time between iosm_modem_create()
 * and iosm_modem_destroy().
 *
 * Context: hard irq. Implements protocol.rst 1.4.
 */
void iosm_modem_interrupt(struct iosm_modem *modem)
{
	trace_iosm_interrupt(modem->dev);
	modem->irqs++;
	napi_schedule(&modem->napi);
}

/**
 * iosm_modem_look() - is the modem still in our session? End it if not
 * @modem: the modem
 *
 * A modem that was reset behind our back, or that is gone, says nothing by itself.
 * Does nothing while the host sleeps.
 *
 * Context: process or softirq. Implements protocol.rst 2.2, 10.6.2 R2 and R8.
 */
void iosm_modem_look(struct iosm_modem *modem)
{
	u32 stage, ipc;

	/* The function must not fall asleep, or be reset, in between. */
	iosm_modem_begin_read(modem);
	if (READ_ONCE(modem->asleep) || !iosm_modem_online(modem)) {
		iosm_modem_end_read(modem);
		return;
	}
	/* The stage last: a modem that restarts changes it after the IPC state. */
	ipc = iosm_mmio_ipc_state(modem->bus);
	stage = iosm_mmio_stage(modem->bus);
	iosm_modem_end_read(modem);

	if (iosm_modem_loader_done(modem, stage))
		iosm_modem_outdate(modem, "the loader has started the firmware");
	else if (!iosm_modem_in_stage(modem, stage))
		iosm_modem_break(modem, stage, "modem left the session unnoticed");
	else if (ipc != IOSM_IPC_RUNNING && iosm_modem_loader_free(modem))
		iosm_modem_outdate(modem, "the loader has ended its session");
	else if (ipc != IOSM_IPC_RUNNING)
		iosm_modem_break(modem, 0, "modem was reset unnoticed");
}

/* After the return the poll does not use the channel in slot @id any more. */
static void iosm_modem_forget_channel(struct iosm_modem *modem,
				      enum iosm_channel_id id)
{
	mutex_lock(&modem->poll_mutex);
	napi_disable(&modem->napi);
	modem->channels[id] = NULL;
	napi_enable(&modem->napi);
	mutex_unlock(&modem->poll_mutex);
	iosm_modem_poll_soon(modem);
}

/* Channels */

static void iosm_channel_reclaim(struct iosm_channel *channel,
				 struct iosm_pipe *pipe)
{
	struct iosm_pipe_slot slot;

	while (iosm_pipe_reclaim(pipe, &slot))
		channel->ops->reclaim(channel, pipe, &slot);
	iosm_protocol_free_pipe(&channel->modem->protocol, pipe);
}

static void iosm_channel_put_device(struct iosm_modem *modem)
{
	pm_runtime_mark_last_busy(modem->dev);
	pm_runtime_put_autosuspend(modem->dev);
}

static int iosm_channel_open_pipes(struct iosm_channel *channel)
{
	const struct iosm_channel_config *config = channel->config;
	struct iosm_protocol *protocol = &channel->modem->protocol;
	int ret;

	channel->ul = &protocol->pipes[config->ul_pipe];
	channel->dl = &protocol->pipes[config->dl_pipe];
	if (channel->ul->entries || channel->dl->entries)
		return -EBUSY;

	ret = iosm_protocol_open_pipe(protocol, channel->ul,
				      config->ul_entries, config->ul_backoff);
	if (ret)
		return ret;
	ret = iosm_protocol_open_pipe(protocol, channel->dl,
				      config->dl_entries, config->dl_backoff);
	if (ret)
		goto err_close_ul;
	ret = channel->ops->fill(channel);
	if (ret)
		goto err_close_both;

	iosm_pipe_ring(protocol, channel->dl, config->open_reason);
	return 0;

err_close_both:
	iosm_protocol_close_pipe(protocol, channel->ul);
	iosm_protocol_close_pipe(protocol, channel->dl);
	iosm_channel_reclaim(channel, channel->dl);
	iosm_protocol_free_pipe(protocol, channel->ul);
	return ret;

err_close_ul:
	iosm_protocol_close_pipe(protocol, channel->ul);
	iosm_protocol_free_pipe(protocol, channel->ul);
	return ret;
}

/**
 * iosm_channel_open() - open both pipes of a channel and post buffers
 * @channel: what to open; the caller's, not in use
 * @modem: the modem
 * @config: which channel
 * @ops: called until iosm_channel_close()
 * @ctx: for the caller
 *
 * An open channel keeps the function in D0: it holds a runtime PM reference.
 *
 * Context: process, may sleep a few seconds at most; RTNL or a port's ops lock
 * may be held.
 * Return: 0; -ENODEV if the modem is not online; -EBUSY if the channel is in
 * use; -ENOMEM; -EREMOTEIO if the modem refused; -ETIMEDOUT. Implements
 * protocol.rst 4.4, 4.5.
 */
int iosm_channel_open(struct iosm_channel *channel, struct iosm_modem *modem,
		      const struct iosm_channel_config *config,
		      const struct iosm_channel_ops *ops, void *ctx)
{
	int ret;

	/* What was told to the modem before it slept may be worth nothing now. */
	ret = pm_runtime_resume_and_get(modem->dev);
	if (ret < 0)
		return ret;
	if (iosm_modem_online(modem)) {
		channel->modem = modem;
		channel->config = config;
		channel->ops = ops;
		channel->ctx = ctx;
		ret = iosm_channel_open_pipes(channel);
	} else {
		ret = -ENODEV;
	}
	if (ret) {
		iosm_channel_put_device(modem);
		return ret;
	}

	atomic_inc(&modem->users);
	iosm_modem_look_later(modem);
	/* Pairs with the acquire in the poll: it sees the channel complete. */
	smp_store_release(&modem->channels[config->id], channel);
	iosm_modem_poll_soon(modem);
	return 0;
}

/**
 * iosm_channel_close() - close both pipes and give all buffers back
 * @channel: opened by iosm_channel_open(); the caller posts nothing any more
 *
 * No op but drain and reclaim is called from the moment that the modem is told,
 * and none after the return.
 *
 * Context: process, may sleep a few seconds at most; RTNL or a port's ops lock
 * may be held. Implements protocol.rst 3.5.3, 4.5.
 */
void iosm_channel_close(struct iosm_channel *channel)
{
	struct iosm_protocol *protocol = &channel->modem->protocol;

	/*
	 * Whoever ends the session describes it before he cuts it off. What the caller
	 * has not told the modem, because the session is over, must come before CLOSE.
	 */
	if (!iosm_modem_online(channel->modem))
		iosm_modem_cut_off(channel->modem);
	iosm_modem_forget_channel(channel->modem, channel->config->id);
	iosm_protocol_close_pipe(protocol, channel->ul);
	iosm_protocol_close_pipe(protocol, channel->dl);
	if (channel->ops->drain)
		channel->ops->drain(channel);
	iosm_channel_reclaim(channel, channel->ul);
	iosm_channel_reclaim(channel, channel->dl);
	atomic_dec(&channel->modem->users);
	iosm_channel_put_device(channel->modem);
}

/**
 * iosm_channel_ring_ul() - publish posted uplink TDs and ring
 * @channel: an open channel
 * @reason: for the doorbell
 *
 * Context: process or softirq; the user's lock for the uplink pipe is held.
 */
void iosm_channel_ring_ul(struct iosm_channel *channel,
			  enum iosm_head_reason reason)
{
	iosm_pipe_ring(&channel->modem->protocol, channel->ul, reason);
}

/**
 * iosm_channel_ring_again() - publish posted uplink TDs and ring, news or not
 * @channel: an open channel
 * @reason: for the doorbell
 *
 * Context: process or softirq; the user's lock for the uplink pipe is held.
 */
void iosm_channel_ring_again(struct iosm_channel *channel,
			     enum iosm_head_reason reason)
{
	iosm_pipe_ring_again(&channel->modem->protocol, channel->ul, reason);
}

/**
 * iosm_channel_ring_dl() - publish posted downlink buffers and ring
 * @channel: an open channel
 * @reason: for the doorbell
 *
 * Context: softirq, from poll_dl; process, if there is no poll_dl.
 */
void iosm_channel_ring_dl(struct iosm_channel *channel,
			  enum iosm_head_reason reason)
{
	iosm_pipe_ring(&channel->modem->protocol, channel->dl, reason);
}

/**
 * iosm_channel_completed() - how many TDs of a pipe the modem has completed
 * @channel: an open channel
 * @pipe: its uplink or downlink pipe
 *
 * An impossible tail ends the session.
 *
 * Context: softirq, from poll_ul or poll_dl; process for a pipe that neither touches.
 * Return: how often iosm_pipe_take() may be called.
 */
int iosm_channel_completed(struct iosm_channel *channel, struct iosm_pipe *pipe)
{
	int completed;

	completed = iosm_pipe_completed(&channel->modem->protocol, pipe);
	if (completed >= 0)
		return completed;
	iosm_modem_broken(channel->modem, "impossible pipe tail");
	return 0;
}

/* State work */

static void iosm_modem_stop_clients(struct iosm_modem *modem)
{
	while (modem->clients_up) {
		unsigned int i = --modem->clients_up;

		if (modem->instances[i])
			modem->clients[i]->stop(modem->instances[i]);
		modem->instances[i] = NULL;
	}
}

static int iosm_modem_start_clients(struct iosm_modem *modem)
{
	unsigned int i;

	for (i = 0; modem->clients[i]; i++) {
		void *instance = NULL;

		if (modem->clients[i]->loader == modem->loader)
			instance = modem->clients[i]->start(modem);
		if (IS_ERR(instance)) {
			dev_err(modem->dev, "cannot start %s: %pe\n",
				modem->clients[i]->name, instance);
			iosm_modem_stop_clients(modem);
			return PTR_ERR(instance);
		}
		modem->instances[i] = instance;
		modem->clients_up = i + 1;
	}
	return 0;
}

/*
 * Tell the modem that the session is over, and wait a little for its answer.
 * It may be dead or absent; its access to memory ends in any case.
 */
static void iosm_modem_say_goodbye(struct iosm_modem *modem)
{
	unsigned int i;
	u32 state;

	iosm_mmio_request_state(modem->bus, IOSM_IPC_UNINIT);
	for (i = 0; i <= IOSM_LAST_UNINIT_READS; i++) {
		state = iosm_mmio_ipc_state(modem->bus);
		if (state == IOSM_IPC_UNINIT || state == IOSM_ALL_ONES)
			break;
		usleep_range(1000, 1250);
	}
	iosm_modem_cut_off(modem);
}

/**
 * iosm_modem_end_session() - stop the clients, end the session or its beginning
 * @modem: the modem
 * @tell: tell the modem; false if it cannot be reached, and is cut off
 *
 * Context: process, may sleep a few seconds at most; in the state work, or while it
 * is held; no lock held that a client's stop takes. Implements protocol.rst 2.6.
 */
void iosm_modem_end_session(struct iosm_modem *modem, bool tell)
{
	if (iosm_modem_session_is(modem, IOSM_SESSION_NONE)) {
		/* INIT may have been requested; then DMA is allowed already. */
		if (tell && !iosm_protocol_halted(&modem->protocol))
			iosm_modem_say_goodbye(modem);
		else
			iosm_modem_cut_off(modem);
		WRITE_ONCE(modem->loader, false);
		return;
	}

	/* A modem that is not there, or was reset, need not be asked for anything. */
	iosm_modem_look(modem);
	WRITE_ONCE(modem->ending, true);
	iosm_modem_stop_clients(modem);
	WRITE_ONCE(modem->ending, false);
	atomic_set(&modem->session, IOSM_SESSION_NONE);
	/* Let a poll that still believes in the session finish. */
	mutex_lock(&modem->poll_mutex);
	napi_disable(&modem->napi);
	napi_enable(&modem->napi);
	mutex_unlock(&modem->poll_mutex);
	WRITE_ONCE(modem->loader, false);

	if (tell)
		iosm_modem_say_goodbye(modem);
	else
		iosm_modem_cut_off(modem);
}

static bool iosm_stage_to_state(u32 stage, enum iosm_state *state)
{
	switch (stage) {
	case IOSM_STAGE_BOOT:
		*state = IOSM_ROM;
		return true;
	case IOSM_STAGE_PSI:
	case IOSM_STAGE_EBL:
		*state = IOSM_LOADER;
		return true;
	case IOSM_STAGE_RUN:
		*state = IOSM_STARTING;
		return true;
	case IOSM_STAGE_CRASH:
		*state = IOSM_CRASHED;
		return true;
	case IOSM_STAGE_CD_READY:
		*state = IOSM_DUMP_READY;
		return true;
	default:
		return false;
	}
}

static void iosm_modem_give_up(struct iosm_modem *modem, const char *why)
{
	dev_err(modem->dev, "giving up: %s\n", why);
	iosm_modem_set_state(modem, IOSM_FAILED);
	iosm_modem_failure(modem, why);
}

static unsigned int iosm_modem_pause(struct iosm_modem *modem)
{
	return modem->attempts ? IOSM_RECOVERY_DELAY << min(modem->attempts, IOSM_DOUBLINGS) : 0;
}

static void iosm_modem_start_again(struct iosm_modem *modem, const char *why)
{
	/* Starts after a crash are attempts, too, and they are not limited. */
	unsigned int doublings = min(modem->attempts, IOSM_ATTEMPTS);

	if (READ_ONCE(modem->outdated))
		dev_info(modem->dev, "starting anew: %s\n", why);
	else
		dev_err(modem->dev, "session ended: %s\n", why);
	iosm_modem_end_session(modem, true);
	iosm_modem_set_state(modem, IOSM_RECOVERING);
	iosm_modem_kick(modem, IOSM_RECOVERY_DELAY << doublings);
}

static void iosm_modem_timeout(struct iosm_modem *modem, const char *why)
{
	iosm_modem_event(modem, IOSM_EVENT_TIMEOUT);
	iosm_modem_failure(modem, why);
	iosm_modem_start_again(modem, why);
}

static void iosm_modem_lose(struct iosm_modem *modem)
{
	dev_err(modem->dev, "no answer on the bus\n");
	iosm_modem_cut_off(modem);
	iosm_modem_end_session(modem, true);
	iosm_modem_set_state(modem, IOSM_LOST);
	iosm_modem_failure(modem, "no answer on the bus");
	modem->stays = 0;
	iosm_modem_kick(modem, IOSM_LOST_POLL);
}

/*
 * The link of a modem that restarts may go down for a while, longer than a stage may be
 * rubbish. If it comes back, hotplug does not always say so.
 */
static void iosm_modem_seek(struct iosm_modem *modem)
{
	if (!modem->bus->ops->find(modem->bus) ||
	    iosm_mmio_stage(modem->bus) == IOSM_ALL_ONES) {
		iosm_modem_kick(modem, ++modem->stays < IOSM_LOST_POLLS ? IOSM_LOST_POLL :
									  IOSM_LOST_POLL_SLOW);
		return;
	}
	dev_info(modem->dev, "there is an answer on the bus again\n");
	modem->stays = 0;
	modem->bad_stages = 0;
	iosm_modem_set_state(modem, IOSM_RECOVERING);
	iosm_modem_kick(modem, 0);
}

static bool iosm_modem_deadline_passed(struct iosm_modem *modem)
{
	return time_after(jiffies, modem->deadline);
}

static void iosm_modem_set_deadline(struct iosm_modem *modem, unsigned int ms)
{
	modem->deadline = jiffies + msecs_to_jiffies(ms);
}

static void iosm_modem_request_init(struct iosm_modem *modem)
{
	iosm_protocol_start(&modem->protocol);
	modem->bus->ops->set_dma(modem->bus, true);
	iosm_mmio_request_state(modem->bus, IOSM_IPC_INIT);
	modem->step = IOSM_START_INIT;
	iosm_modem_set_deadline(modem, IOSM_INIT_TIMEOUT);
}

static void iosm_modem_request_run(struct iosm_modem *modem)
{
	iosm_mmio_set_context(modem->bus, modem->protocol.shm_dma);
	modem->broken_stage = 0;
	modem->broken_reason = "unknown error";
	modem->timed_out = false;
	atomic_set(&modem->session, IOSM_SESSION_WAITING);
	iosm_mmio_request_state(modem->bus, IOSM_IPC_RUNNING);
	modem->step = IOSM_START_RUN;
	iosm_modem_set_deadline(modem, IOSM_RUN_TIMEOUT);
}

/* Without a session, and while there is one to be set up, the function stays in D0. */
static void iosm_modem_stay_awake(struct iosm_modem *modem, bool awake)
{
	if (modem->awake == awake)
		return;
	modem->awake = awake;
	if (awake) {
		pm_runtime_get_sync(modem->dev);
	} else {
		pm_runtime_mark_last_busy(modem->dev);
		pm_runtime_put_autosuspend(modem->dev);
	}
}

static int iosm_modem_sample_version(struct iosm_modem *modem)
{
	modem->fw_caps = 0;
	modem->fw_version = iosm_mmio_fw_version(modem->bus);
	if (modem->fw_version == IOSM_ALL_ONES)
		return -EIO;
	if (modem->fw_version >= IOSM_FW_VERSION_CAPS)
		modem->fw_caps = iosm_mmio_fw_caps(modem->bus);
	return 0;
}

/* A loader knows no rules to agree on (protocol.rst 7.3). */
static int iosm_modem_bring_up_loader(struct iosm_modem *modem)
{
	int ret;

	ret = iosm_modem_sample_version(modem);
	if (ret)
		return ret;
	ret = iosm_modem_start_clients(modem);
	if (ret)
		return ret;
	modem->attempts = 0;
	iosm_modem_set_state(modem, IOSM_LOADER_ONLINE);
	iosm_modem_kick(modem, IOSM_BOOT_POLL);
	return 0;
}

/* The session runs: agree on the rules, then start the clients. */
static int iosm_modem_bring_up(struct iosm_modem *modem)
{
	int ret;

	if (modem->loader)
		return iosm_modem_bring_up_loader(modem);

	ret = iosm_protocol_sleep(&modem->protocol, IOSM_SLEEP_DEVICE,
				  IOSM_SLEEP_ENTER);
	if (ret)
		return ret;
	ret = iosm_protocol_features(&modem->protocol,
				     IOSM_FEATURE_INBAND_CRASH);
	if (ret)
		return ret;

	ret = iosm_modem_sample_version(modem);
	if (ret)
		return ret;

	ret = iosm_modem_start_clients(modem);
	if (ret)
		return ret;
	modem->online_since = jiffies;
	iosm_modem_set_state(modem, IOSM_ONLINE);
	iosm_modem_stay_awake(modem, false);
	return 0;
}

static void iosm_modem_check_ipc(struct iosm_modem *modem)
{
	u32 ipc = iosm_mmio_ipc_state(modem->bus);

	if (ipc == IOSM_ALL_ONES) {
		iosm_modem_lose(modem);
	} else if (ipc == IOSM_IPC_UNINIT) {
		iosm_modem_request_init(modem);
		iosm_modem_kick(modem, 1);
	} else if (modem->step == IOSM_START_CHECK) {
		/* A session that nobody ended, maybe of an earlier driver */
		iosm_mmio_request_state(modem->bus, IOSM_IPC_UNINIT);
		modem->step = IOSM_START_UNINIT;
		iosm_modem_set_deadline(modem, IOSM_UNINIT_TIMEOUT);
		iosm_modem_kick(modem, 1);
	} else if (iosm_modem_deadline_passed(modem)) {
		iosm_modem_timeout(modem, "IPC state UNINIT not reached");
	} else {
		iosm_modem_kick(modem, IOSM_STEP_POLL);
	}
}

static void iosm_modem_wait_init(struct iosm_modem *modem)
{
	u32 ipc = iosm_mmio_ipc_state(modem->bus);

	if (ipc == IOSM_ALL_ONES) {
		iosm_modem_lose(modem);
	} else if (ipc == IOSM_IPC_INIT) {
		iosm_modem_request_run(modem);
		iosm_modem_kick(modem, IOSM_STEP_POLL);
	} else if (iosm_modem_deadline_passed(modem)) {
		iosm_modem_timeout(modem, "IPC state INIT not reached");
	} else {
		iosm_modem_kick(modem, IOSM_STEP_POLL);
	}
}

static void iosm_modem_wait_running(struct iosm_modem *modem)
{
	if (iosm_modem_online(modem)) {
		/* If it failed because the session broke, that is the reason. */
		if (iosm_modem_bring_up(modem))
			iosm_modem_broken(modem, "bring-up failed");
	} else if (iosm_modem_deadline_passed(modem)) {
		iosm_modem_timeout(modem, "IPC state RUNNING not reached");
	} else {
		/* The interrupt may have been lost; look without it. */
		iosm_modem_poll_soon(modem);
		iosm_modem_kick(modem, IOSM_STAGE_POLL);
	}
}

static void iosm_modem_crashed(struct iosm_modem *modem, u32 stage)
{
	dev_err(modem->dev, "firmware crashed\n");
	iosm_modem_end_session(modem, true);
	iosm_modem_set_deadline(modem, IOSM_CRASH_GRACE);
	iosm_modem_set_state(modem, stage == IOSM_STAGE_CRASH ?
			     IOSM_CRASHED : IOSM_DUMP_READY);
	iosm_modem_kick(modem, IOSM_BOOT_POLL);
}

/*
 * Firmware, or a loader, may crash, or the modem go away, at any step. False if it is not
 * in its stage any more.
 */
static bool iosm_modem_still_runs(struct iosm_modem *modem)
{
	u32 stage = iosm_mmio_stage(modem->bus);

	if (iosm_modem_in_stage(modem, stage))
		return true;
	if (stage == IOSM_ALL_ONES) {
		iosm_modem_lose(modem);
	} else if (iosm_modem_loader_done(modem, stage)) {
		WRITE_ONCE(modem->outdated, true);
		iosm_modem_start_again(modem, "the loader has started the firmware");
	} else if (iosm_stage_crashed(stage)) {
		iosm_modem_failure(modem, "firmware crashed");
		iosm_modem_crashed(modem, stage);
	} else {
		iosm_modem_failure(modem, "modem left its firmware");
		iosm_modem_start_again(modem, "modem left its firmware");
	}
	return false;
}

static void iosm_modem_starting(struct iosm_modem *modem)
{
	if (!iosm_modem_still_runs(modem))
		return;
	switch (modem->step) {
	case IOSM_START_CHECK:
	case IOSM_START_UNINIT:
		iosm_modem_check_ipc(modem);
		break;
	case IOSM_START_INIT:
		iosm_modem_wait_init(modem);
		break;
	case IOSM_START_RUN:
		iosm_modem_wait_running(modem);
		break;
	}
}

static void iosm_modem_enter_stage(struct iosm_modem *modem,
				   enum iosm_state state)
{
	enum iosm_state from = iosm_modem_state(modem);

	/* Before the state says so: who waits for it reads the deadline then. */
	if (iosm_state_crashed(state) && !iosm_state_crashed(from))
		iosm_modem_set_deadline(modem, IOSM_CRASH_GRACE);
	if (from == state || !iosm_modem_set_state(modem, state)) {
		iosm_modem_kick(modem, ++modem->stays < IOSM_BOOT_POLLS ? IOSM_BOOT_POLL :
									IOSM_BOOT_POLL_SLOW);
		return;
	}
	modem->stays = 0;
	if (iosm_state_crashed(state) && !iosm_state_crashed(from))
		iosm_modem_failure(modem, "firmware crashed");

	switch (state) {
	case IOSM_STARTING:
		/* Without a pause, one that crashes again and again would keep us busy. */
		iosm_modem_kick(modem, iosm_state_crashed(from) ?
				iosm_modem_pause(modem) : 0);
		modem->attempts++;
		modem->outdated = false;
		modem->step = IOSM_START_CHECK;
		break;
	default:
		iosm_modem_kick(modem, READ_ONCE(modem->loader_wanted) ? 0 : IOSM_BOOT_POLL);
		break;
	}
}

/* A modem that has just got its power, or was reset, has some time for its first stage. */
static void iosm_modem_bad_stage(struct iosm_modem *modem)
{
	enum iosm_state state = iosm_modem_state(modem);
	unsigned int limit = state == IOSM_OFF || state == IOSM_RECOVERING ?
			     IOSM_BAD_STAGES_OFF : IOSM_BAD_STAGES;

	if (++modem->bad_stages < limit)
		iosm_modem_kick(modem, IOSM_STAGE_POLL);
	else
		iosm_modem_lose(modem);
}

/* No session: look at the stage register what the modem does. */
static void iosm_modem_watch_stage(struct iosm_modem *modem)
{
	enum iosm_state now = iosm_modem_state(modem), next;

	if (!iosm_stage_to_state(iosm_mmio_stage(modem->bus), &next)) {
		iosm_modem_bad_stage(modem);
		return;
	}
	modem->bad_stages = 0;

	if ((now == IOSM_OFF || now == IOSM_RECOVERING) &&
	    iosm_mmio_chip_length(modem->bus) != IOSM_CHIP_LENGTH)
		iosm_modem_give_up(modem, "unexpected chip information");
	else if (now == IOSM_RECOVERING && next == IOSM_STARTING &&
		 modem->attempts >= IOSM_ATTEMPTS)
		iosm_modem_give_up(modem, "too many failed starts");
	else
		iosm_modem_enter_stage(modem, next);
}

/* The session broke; what became of the modem? */
static void iosm_modem_autopsy(struct iosm_modem *modem)
{
	u32 stage = READ_ONCE(modem->broken_stage);
	enum iosm_state state;

	if (iosm_modem_state(modem) != IOSM_STARTING &&
	    time_after(jiffies, modem->online_since +
		       msecs_to_jiffies(IOSM_LASTING)))
		modem->attempts = 0;

	/* Not where it was found: that may have been a softirq. */
	if (READ_ONCE(modem->timed_out))
		iosm_modem_event(modem, IOSM_EVENT_TIMEOUT);
	if (!iosm_stage_to_state(stage, &state))
		stage = iosm_mmio_stage(modem->bus);
	if (stage == IOSM_ALL_ONES)
		iosm_modem_lose(modem);
	else if (iosm_stage_crashed(stage))
		iosm_modem_crashed(modem, stage);
	else
		iosm_modem_start_again(modem, READ_ONCE(modem->broken_reason));
}

static void iosm_modem_work_online(struct iosm_modem *modem)
{
	if (iosm_modem_session_is(modem, IOSM_SESSION_BROKEN)) {
		iosm_modem_stay_awake(modem, true);
		iosm_modem_autopsy(modem);
	} else if (atomic_read(&modem->users)) {
		/* An access takes the link out of its sleep. */
		if (iosm_pm_awake(&modem->pm) ||
		    ++modem->looks % IOSM_LOOK_ASLEEP == 0)
			iosm_modem_look(modem);
		/* An interrupt may have been lost. */
		iosm_modem_poll_soon(modem);
		iosm_modem_look_later(modem);
	}
}

/*
 * A modem that boots by itself passes its loaders undisturbed; the session with one is
 * set up only if somebody waits for it.
 */
static void iosm_modem_work_loader(struct iosm_modem *modem)
{
	if (iosm_modem_session_is(modem, IOSM_SESSION_BROKEN)) {
		iosm_modem_autopsy(modem);
	} else if (modem->loader) {
		iosm_modem_starting(modem);
	} else if (READ_ONCE(modem->loader_wanted)) {
		WRITE_ONCE(modem->loader, true);
		modem->outdated = false;
		modem->step = IOSM_START_CHECK;
		iosm_modem_starting(modem);
	} else {
		iosm_modem_watch_stage(modem);
	}
}

static void iosm_modem_work_loader_online(struct iosm_modem *modem)
{
	/* It says nothing when it starts the firmware. */
	iosm_modem_look(modem);
	if (iosm_modem_session_is(modem, IOSM_SESSION_BROKEN)) {
		iosm_modem_autopsy(modem);
	} else {
		/* An interrupt may have been lost. */
		iosm_modem_poll_soon(modem);
		iosm_modem_kick(modem, IOSM_BOOT_POLL);
	}
}

static void iosm_modem_work(struct work_struct *work)
{
	struct iosm_modem *modem = container_of(to_delayed_work(work),
						struct iosm_modem, work);

	if (READ_ONCE(modem->holds))
		return;

	switch (iosm_modem_state(modem)) {
	case IOSM_STARTING:
		if (iosm_modem_session_is(modem, IOSM_SESSION_BROKEN))
			iosm_modem_autopsy(modem);
		else
			iosm_modem_starting(modem);
		break;
	case IOSM_LOADER:
		iosm_modem_work_loader(modem);
		break;
	case IOSM_LOADER_ONLINE:
		iosm_modem_work_loader_online(modem);
		break;
	case IOSM_ONLINE:
	case IOSM_SUSPENDED:
		iosm_modem_work_online(modem);
		break;
	case IOSM_LOST:
		iosm_modem_seek(modem);
		break;
	case IOSM_FAILED:
	case IOSM_GONE:
		break;
	default:
		iosm_modem_watch_stage(modem);
		break;
	}
}

/* Lifetime */

/**
 * iosm_modem_create() - make the core of one modem; nothing runs yet
 * @bus: how to reach it; must outlive the core
 * @clients: NULL-terminated, at most IOSM_CLIENTS_MAX
 *
 * Context: process, may sleep.
 * Return: the modem, or ERR_PTR(-ENOMEM). From now on interrupts may be
 * reported; iosm_modem_start() brings the modem up.
 */
struct iosm_modem *iosm_modem_create(struct iosm_bus *bus,
				     const struct iosm_client *const *clients)
{
	struct iosm_modem *modem;

	modem = kzalloc_obj(*modem);
	if (!modem)
		return ERR_PTR(-ENOMEM);

	modem->bus = bus;
	modem->dev = bus->dev;
	modem->clients = clients;
	mutex_init(&modem->poll_mutex);
	mutex_init(&modem->load_mutex);
	spin_lock_init(&modem->state_lock);
	init_waitqueue_head(&modem->state_wait);
	init_waitqueue_head(&modem->readers_wait);
	init_waitqueue_head(&modem->session_wait);
	atomic_set(&modem->session, IOSM_SESSION_NONE);
	INIT_DELAYED_WORK(&modem->work, iosm_modem_work);

	modem->wq = alloc_ordered_workqueue("iosm-%s", 0, dev_name(bus->dev));
	if (!modem->wq)
		goto err_free;
	modem->poll_dev = alloc_netdev_dummy(0);
	if (!modem->poll_dev)
		goto err_destroy_wq;
	iosm_pm_init(&modem->pm, bus, &iosm_modem_pm_ops);
	if (iosm_protocol_init(&modem->protocol, bus, &modem->pm,
			       &iosm_modem_protocol_ops))
		goto err_pm_exit;

	netif_napi_add(modem->poll_dev, &modem->napi, iosm_modem_poll);
	napi_enable(&modem->napi);
	return modem;

err_pm_exit:
	iosm_pm_exit(&modem->pm);
	free_netdev(modem->poll_dev);
err_destroy_wq:
	destroy_workqueue(modem->wq);
err_free:
	kfree(modem);
	return ERR_PTR(-ENOMEM);
}

/**
 * iosm_modem_observe() - be told what happens to a modem
 * @modem: made by iosm_modem_create(), not yet started
 * @observer: must live until iosm_modem_destroy()
 *
 * Context: process.
 */
void iosm_modem_observe(struct iosm_modem *modem, struct iosm_observer *observer)
{
	modem->observer = observer;
}

/**
 * iosm_modem_start() - bring the modem up, asynchronously
 * @modem: made by iosm_modem_create(); the interrupt is armed
 *
 * From now on, unless the modem is online and no channel is open, a runtime PM
 * reference is held.
 *
 * Context: process; the device is active.
 */
void iosm_modem_start(struct iosm_modem *modem)
{
	modem->awake = true;
	pm_runtime_get_noresume(modem->dev);
	iosm_modem_kick(modem, 0);
}

/**
 * iosm_modem_await_load() - let whoever loads the boot ROM find out that he must not
 * @modem: the modem; held for another reason, or gone
 *
 * Context: process, may sleep some 20 ms.
 */
void iosm_modem_await_load(struct iosm_modem *modem)
{
	mutex_lock(&modem->load_mutex);
	mutex_unlock(&modem->load_mutex);
}

/**
 * iosm_modem_stop() - withdraw everything and end the session, for good
 * @modem: the modem; interrupts are still reported
 *
 * Works in every state, also if the device is not there any more. After the
 * return the modem accesses no memory.
 *
 * Context: process, may sleep a few seconds at most; no lock held; the device is
 * active. Implements protocol.rst 8.10.
 */
void iosm_modem_stop(struct iosm_modem *modem)
{
	/* Ends the work's steps; one that runs finishes first. */
	iosm_modem_set_state(modem, IOSM_GONE);
	cancel_delayed_work_sync(&modem->work);
	iosm_modem_await_load(modem);
	iosm_modem_end_session(modem, true);
	iosm_modem_cut_off(modem);
	if (modem->awake)
		pm_runtime_put_noidle(modem->dev);
	modem->awake = false;
}

/**
 * iosm_modem_destroy() - free the core
 * @modem: stopped; no interrupt is reported any more
 *
 * Context: process, may sleep.
 */
void iosm_modem_destroy(struct iosm_modem *modem)
{
	napi_disable(&modem->napi);
	netif_napi_del(&modem->napi);
	iosm_pm_exit(&modem->pm);
	cancel_delayed_work_sync(&modem->work);
	destroy_workqueue(modem->wq);
	iosm_protocol_exit(&modem->protocol);
	free_netdev(modem->poll_dev);
	kfree(modem);
}
