// SPDX-License-Identifier: GPL-2.0-only
/*
 * Device sleep and host sleep (protocol.rst 6).
 *
 *	        SLEEP+MSI           DB2=1
 *	AWAKE ------------> ASKED ----------> ASLEEP
 *	  ^ ^                 | ACTIVE+MSI      | ACTIVE+MSI
 *	  | '-----------------'                 v
 *	  '---------------------------------- WAKING
 *	                 DB2=0
 *
 *	any --DB2=7--> FORCED --DB2=8--> AWAKE
 *
 * The host may have seen a SLEEP that we took back at once. Its two
 * acknowledgements then come late; @unseen remembers that they may.
 */
#include "critic.h"
#include "log.h"
#include "power.h"
#include "wire.h"

#define ACK_US	100000

const char *power_state_name(enum power_state state)
{
	static const char * const names[] = {
		"awake", "asked", "asleep", "waking", "forced",
	};

	return names[state];
}

static void power_set(struct power *power, enum power_state state)
{
	if (power->state == state)
		return;
	trace("power %s -> %s", power_state_name(power->state),
	      power_state_name(state));
	power->state = state;
	loop_timer_cancel(&power->ack);
	if (state == POWER_ASKED || state == POWER_WAKING)
		loop_timer_arm(&power->ack, ACK_US);
}

static void power_ack_missing(void *ctx)
{
	struct power *power = ctx;

	power->late++;
	log_warn("no acknowledgement of %s within %u ms",
		 power->state == POWER_ASKED ? "SLEEP" : "ACTIVE",
		 ACK_US / 1000);
}

bool power_up(const struct power *power)
{
	return (power->state == POWER_AWAKE || power->state == POWER_WAKING) &&
	       !power->host_sleeps;
}

static void power_arm_idle(struct power *power, uint64_t delay_us)
{
	if (power->idle_us && power->allowed)
		loop_timer_arm(&power->idle, delay_us);
}

bool power_sleep(struct power *power)
{
	if (power->state != POWER_AWAKE || !power->allowed ||
	    power->host_sleeps || !power->ops->quiet(power->ctx))
		return false;

	power_set(power, POWER_ASKED);
	power->ops->notify(power->ctx, NOTIFY_SLEEP, true);
	return true;
}

static void power_idle(void *ctx)
{
	struct power *power = ctx;
	uint64_t silent = loop_now_us(power->loop) - power->last_activity_us;

	if (silent < power->idle_us)
		power_arm_idle(power, power->idle_us - silent);
	else if (!power_sleep(power))
		power_arm_idle(power, power->idle_us);
}

void power_activity(struct power *power)
{
	if (!power->idle_us || !power->allowed)
		return;
	power->last_activity_us = loop_now_us(power->loop);
	if (!power->idle.armed && power->state == POWER_AWAKE)
		power_arm_idle(power, power->idle_us);
}

/* Take SLEEP back. */
static void power_activate(struct power *power)
{
	power->wakes++;
	if (power->state == POWER_ASLEEP) {
		power_set(power, POWER_WAKING);
	} else {
		power->unseen = true;
		power_set(power, POWER_AWAKE);
	}
	power->ops->notify(power->ctx, NOTIFY_ACTIVE, true);
	power_activity(power);
	power->ops->awake(power->ctx);
}

void power_wake(struct power *power)
{
	if (power->state == POWER_ASLEEP || power->state == POWER_ASKED) {
		if (!power->host_sleeps)
			power_activate(power);
		else
			power->ops->pme(power->ctx);
	} else if (power->state == POWER_FORCED || power->host_sleeps) {
		power->ops->pme(power->ctx);
	}
}

static void power_resumed(void *ctx)
{
	struct power *power = ctx;

	if (power->state == POWER_AWAKE)
		power->ops->notify(power->ctx, NOTIFY_ACTIVE, true);
	power->ops->awake(power->ctx);
}

bool power_message(struct power *power, unsigned int target,
		   unsigned int state)
{
	if (target == SLEEP_OF_DEVICE) {
		/* We do not practise sleep without a handshake (state 2). */
		power->allowed = !state;
		if (!power->allowed)
			loop_timer_cancel(&power->idle);
		power_activity(power);
		return true;
	}

	if (!state) {
		if (power->host_sleeps)
			violation("6.5", "host goes to sleep twice");
		if (power->state == POWER_FORCED)
			violation("6.5", "SLEEP message after DB2=7");
		power->host_sleeps = true;
		loop_timer_cancel(&power->idle);
		return true;
	}

	if (!power->host_sleeps)
		violation("6.5", "host wakes up, but did not sleep");
	power->host_sleeps = false;
	power->postponed = true;
	power_activity(power);
	power->ops->awake(power->ctx);
	return true;
}

static void power_ack_sleep(struct power *power)
{
	switch (power->state) {
	case POWER_ASKED:
		power->sleeps++;
		power->unseen = false;
		power_set(power, POWER_ASLEEP);
		return;
	case POWER_AWAKE:
		if (power->unseen) {
			/* Late; the host has to see ACTIVE now. */
			power->unseen = false;
			power->sleeps++;
			power_set(power, POWER_WAKING);
			power->ops->notify(power->ctx, NOTIFY_ACTIVE, true);
			return;
		}
		break;
	case POWER_ASLEEP:
		/* So do some drivers wake a 7360 [1.3.3]. */
		quirk("6.3", 0, "sleep acknowledged twice");
		power_activate(power);
		return;
	default:
		break;
	}
	violation("6.3", "DB2=1 while %s: nobody asked for sleep",
		  power_state_name(power->state));
}

static void power_ack_active(struct power *power)
{
	if (power->state != POWER_WAKING) {
		violation("6.3", "DB2=0 while %s: nobody woke up",
			  power_state_name(power->state));
		return;
	}
	power_set(power, POWER_AWAKE);
	power->postponed = true;
	power_activity(power);
}

static void power_wake_request(struct power *power)
{
	switch (power->state) {
	case POWER_ASLEEP:
		power_activate(power);
		break;
	case POWER_WAKING:
		/* It crossed our own wake-up, or the host did not hear of it. */
		power->ops->notify(power->ctx, NOTIFY_ACTIVE, true);
		break;
	case POWER_ASKED:
		violation("6.4", "DB2=2 before SLEEP was acknowledged");
		power_activate(power);
		break;
	default:
		violation("6.4", "DB2=2 while %s",
			  power_state_name(power->state));
		break;
	}
}

static void power_force(struct power *power, bool sleep)
{
	if (sleep) {
		if (power->state == POWER_FORCED)
			violation("6.6", "DB2=7 twice");
		power->unseen = false;
		loop_timer_cancel(&power->idle);
		power_set(power, POWER_FORCED);
		return;
	}
	if (power->state != POWER_FORCED) {
		violation("6.6", "DB2=8 while %s, not after DB2=7",
			  power_state_name(power->state));
		return;
	}
	power_set(power, POWER_AWAKE);
	power->postponed = true;
	power->ops->notify(power->ctx, NOTIFY_ACTIVE, false);
	loop_timer_arm(&power->resume, power->resume_us);
	power_activity(power);
}

void power_doorbell(struct power *power, uint32_t value)
{
	switch (value) {
	case POWER_ACK_ACTIVE:
		power->acks++;
		power_ack_active(power);
		break;
	case POWER_ACK_SLEEP:
		power->acks++;
		power_ack_sleep(power);
		break;
	case POWER_WAKE:
		power_wake_request(power);
		break;
	case POWER_FORCE_SLEEP:
		power_force(power, true);
		break;
	case POWER_FORCE_ACTIVE:
		power_force(power, false);
		break;
	default:
		violation("1.3.3", "DB2=%u", value);
		break;
	}
}

void power_head_doorbell(struct power *power, uint32_t reason)
{
	if (reason == HEAD_POSTPONED && power->state == POWER_AWAKE) {
		if (!power->postponed)
			quirk("6.3", 0, "DB0=1, but nothing had been postponed");
		power->postponed = false;
	}

	switch (power->state) {
	case POWER_ASLEEP:
		violation("6.4", "DB0=%u while the link sleeps", reason);
		power_activate(power);
		break;
	case POWER_WAKING:
		violation("6.4", "DB0=%u before ACTIVE was acknowledged",
			  reason);
		break;
	case POWER_ASKED:
		power_activate(power);
		break;
	case POWER_FORCED:
		quirk("6.6", 60, "DB0=%u after DB2=7", reason);
		break;
	default:
		break;
	}
}

void power_init(struct power *power, struct loop *loop,
		const struct power_ops *ops, void *ctx)
{
	*power = (struct power) {
		.resume_us = POWER_RESUME_US,
		.ops = ops,
		.ctx = ctx,
		.loop = loop,
	};
	loop_timer_init(&power->idle, loop, power_idle, power);
	loop_timer_init(&power->ack, loop, power_ack_missing, power);
	loop_timer_init(&power->resume, loop, power_resumed, power);
}

void power_reset(struct power *power)
{
	loop_timer_cancel(&power->idle);
	loop_timer_cancel(&power->ack);
	loop_timer_cancel(&power->resume);
	power->state = POWER_AWAKE;
	power->allowed = false;
	power->host_sleeps = false;
	power->unseen = false;
	power->postponed = false;
}
