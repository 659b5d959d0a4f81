// SPDX-License-Identifier: GPL-2.0-only
/*
 * A modem that does not do what it should.
 *
 * Strange answers are given where the event is: a message or an uplink TD waits
 * in its ring, a doorbell or an interrupt in a timer. A fault that strikes the
 * modem itself may come from deep inside its work. So it only cuts the modem
 * off from the bus there, and does the rest from a timer:
 *
 *	                  crash            reboot
 *	ALIVE --> STRUCK ------> CRASHED -------> ALIVE
 *	            | | silence
 *	            | '--------> SILENT ---- reset of the function --> ALIVE
 *	            '- reboot, boot, power-loss ---------------------> ALIVE
 */
#include "fault.h"
#include "log.h"
#include "modem_parts.h"
#include "pcidev.h"

#define POWER_LOSS_BOOT_US	200000

/*
 * Answers to messages and TDs.
 */

static enum fault_event message_event(const uint8_t *entry)
{
	switch (entry[MESSAGE_TYPE]) {
	case MESSAGE_OPEN:
		return FAULT_AT_OPEN;
	case MESSAGE_CLOSE:
		return FAULT_AT_CLOSE;
	case MESSAGE_FEATURES:
		return FAULT_AT_FEATURES;
	case MESSAGE_SLEEP:
		if (entry[8] == SLEEP_OF_DEVICE)
			return FAULT_AT_SLEEP_DEVICE;
		return entry[9] ? FAULT_AT_SLEEP_EXIT : FAULT_AT_SLEEP_ENTER;
	default:
		return FAULT_EVENTS;
	}
}

enum ring_verdict modem_judge_message(void *ctx, const uint8_t *entry)
{
	struct modem *modem = ctx;
	enum fault_event event = message_event(entry);
	enum ring_verdict verdict;
	struct fault_answer answer;

	if (event == FAULT_EVENTS)
		return RING_EXECUTE;
	answer = fault_at(&modem->faults, event);
	if (answer.ignore)
		return RING_WAIT;
	verdict = answer.refuse ? RING_REFUSE : RING_EXECUTE;
	/* The order of the first messages counts those that were refused. */
	if (answer.refuse)
		modem->messages++;
	/* What was held back since the host asked is rung for now [6.3, 6.4]. */
	if (answer.refuse && event == FAULT_AT_SLEEP_ENTER)
		modem->power.postponed = true;
	if (answer.twice)
		loop_timer_arm(&modem->again, answer.late_us + MODEM_AGAIN_US);
	if (!answer.late_us)
		return verdict;
	modem->late_verdict = verdict;
	loop_timer_arm(&modem->late_message, answer.late_us);
	return RING_WAIT;
}

static void late_message(void *ctx)
{
	struct modem *modem = ctx;

	rings_continue(&modem->rings, modem->late_verdict);
	modem_look(modem);
}

static void answer_again(void *ctx)
{
	struct modem *modem = ctx;

	if (!modem->rings.live || !power_up(&modem->power))
		return;
	rings_repeat(&modem->rings);
	modem_interrupt(modem);
}

enum ring_verdict modem_judge_unit(void *ctx, unsigned int pipe)
{
	struct modem *modem = ctx;
	struct fault_answer answer = fault_at(&modem->faults, FAULT_AT_UPLINK);

	if (modem->loader && !answer.ignore && !answer.late_us)
		answer = fault_at(&modem->faults, FAULT_AT_FLASH_UPLINK);
	if (answer.ignore)
		return RING_WAIT;
	if (!answer.late_us)
		return RING_EXECUTE;
	modem->late_pipes |= 1u << pipe;
	loop_timer_arm(&modem->late_unit, answer.late_us);
	return RING_WAIT;
}

static void late_unit(void *ctx)
{
	struct modem *modem = ctx;

	for (unsigned int n = 0; n < WIRE_PIPES; n++) {
		if (modem->late_pipes & 1u << n)
			rings_continue_unit(&modem->rings, n);
	}
	modem->late_pipes = 0;
	modem_look(modem);
}

/*
 * Answers to doorbells.
 */

static void late_state(void *ctx)
{
	struct modem *modem = ctx;

	modem_change_state(modem, modem->late_state_value);
	modem_schedule(modem);
}

void modem_state_doorbell(struct modem *modem, uint32_t value)
{
	static const enum fault_event events[] = {
		[IPC_UNINIT] = FAULT_AT_UNINIT,
		[IPC_INIT] = FAULT_AT_INIT,
		[IPC_RUNNING] = FAULT_AT_RUNNING,
	};
	struct fault_answer answer = { .refuse = false };

	/* What comes late comes before the next one. */
	if (modem->late_state.armed) {
		loop_timer_cancel(&modem->late_state);
		modem_change_state(modem, modem->late_state_value);
	}
	if (value <= IPC_RUNNING)
		answer = fault_at(&modem->faults, events[value]);
	if (answer.ignore) {
		modem->excused = true;
		return;
	}
	if (answer.twice)
		loop_timer_arm(&modem->again, modem->config.running_us +
			       answer.late_us + MODEM_AGAIN_US);
	if (answer.late_us) {
		modem->late_state_value = value;
		loop_timer_arm(&modem->late_state, answer.late_us);
		return;
	}
	modem_change_state(modem, value);
}

static void late_wake(void *ctx)
{
	struct modem *modem = ctx;

	power_doorbell(&modem->power, POWER_WAKE);
	modem_schedule(modem);
}

void modem_power_doorbell(struct modem *modem, uint32_t value)
{
	struct fault_answer answer = { .refuse = false };

	switch (value) {
	case POWER_WAKE:
		/* This request finds what the late one would have done. */
		loop_timer_cancel(&modem->late_wake);
		answer = fault_at(&modem->faults, FAULT_AT_WAKE);
		break;
	case POWER_FORCE_SLEEP:
		answer = fault_at(&modem->faults, FAULT_AT_FORCE_SLEEP);
		break;
	case POWER_FORCE_ACTIVE:
		answer = fault_at(&modem->faults, FAULT_AT_FORCE_ACTIVE);
		modem->power.resume_us = POWER_RESUME_US + answer.late_us;
		break;
	default:
		break;
	}
	if (answer.ignore) {
		/* The host believes something of us that is not true. */
		if (value != POWER_WAKE)
			modem->excused = true;
		return;
	}
	if (value == POWER_FORCE_ACTIVE && answer.twice)
		answer.late_us += POWER_RESUME_US;
	if (answer.twice)
		loop_timer_arm(&modem->again, answer.late_us + MODEM_AGAIN_US);
	if (value == POWER_WAKE && answer.late_us)
		loop_timer_arm(&modem->late_wake, answer.late_us);
	else
		power_doorbell(&modem->power, value);
}

void modem_dead_doorbell(struct modem *modem,
			 const struct modem_doorbell *bell)
{
	/* What handles the crash still lets go of the host's memory. */
	if (modem->life == MODEM_CRASHED && bell->offset == DOORBELL_STATE &&
	    bell->value == IPC_UNINIT) {
		modem_stop(modem);
		modem_set_ipc(modem, IPC_UNINIT);
	}
}

/*
 * Interrupts.
 */

static void late_msi(void *ctx)
{
	struct modem *modem = ctx;

	pcidev_msi(modem->pci);
}

void modem_msi(struct modem *modem)
{
	struct fault_answer answer = fault_at(&modem->faults, FAULT_AT_MSI);

	if (modem->lose_msi) {
		modem->lose_msi--;
		trace("msi lost on purpose");
		return;
	}
	if (answer.ignore)
		return;
	if (answer.late_us || answer.twice)
		loop_timer_arm(&modem->late_msi,
			       answer.late_us + (answer.twice ? MODEM_AGAIN_US : 0));
	if (!answer.late_us)
		pcidev_msi(modem->pci);
}

/*
 * What strikes the modem.
 */

/* Say the stage in both places, as far as the host can be told. */
static void tell_stage(struct modem *modem, uint32_t stage)
{
	modem->pci->mute = false;
	modem_set_stage(modem, stage);
	if (modem->power.host_sleeps || modem->power.state == POWER_FORCED)
		return;
	rings_write_status(&modem->rings, stage, modem->ipc,
			   modem_notification(modem));
	modem_msi(modem);
}

static void crash(struct modem *modem, enum fault_kind kind, int64_t ms)
{
	tell_stage(modem, STAGE_CRASH);
	modem->pci->mute = true;
	modem->life = MODEM_CRASHED;
	modem->dumps = kind == FAULT_DUMP;
	if (ms != FAULT_NO_ARGUMENT)
		loop_timer_arm(&modem->after_crash, (uint64_t)ms * 1000);
}

static void reboot(struct modem *modem, uint64_t boot_us)
{
	trace("reboot");
	modem_restart(modem, boot_us ? STAGE_BOOT : STAGE_RUN, boot_us);
	modem->excused = true;
}

static void after_crash(void *ctx)
{
	struct modem *modem = ctx;

	if (!modem->dumps) {
		reboot(modem, 0);
		return;
	}
	coredump_crashed(&modem->dump);
	tell_stage(modem, STAGE_CD_READY);
	modem->pci->mute = true;
}

static void toggled_ipc(void *ctx)
{
	struct modem *modem = ctx;

	rings_write_status(&modem->rings, modem->stage, modem->ipc,
			   modem_notification(modem));
	modem_msi(modem);
}

static void toggle_ipc(struct modem *modem)
{
	rings_write_status(&modem->rings, modem->stage, IPC_INIT,
			   modem_notification(modem));
	modem_msi(modem);
	loop_timer_arm(&modem->toggled_ipc, MODEM_AGAIN_US);
}

static void vanish(struct modem *modem)
{
	modem_stop(modem);
	loop_timer_cancel(&modem->after_crash);
	modem->life = MODEM_SILENT;
	pcidev_vanish(modem->pci);
}

static void strike(struct modem *modem, enum fault_kind kind, int64_t argument)
{
	/* What is not on the bus cannot suffer any more. */
	if (modem->pci->gone)
		return;
	switch (kind) {
	case FAULT_SILENCE:
		loop_timer_cancel(&modem->after_crash);
		modem->life = MODEM_SILENT;
		modem->pci->mute = true;
		break;
	case FAULT_CRASH:
	case FAULT_DUMP:
		crash(modem, kind, argument);
		break;
	case FAULT_REBOOT:
		reboot(modem, 0);
		break;
	case FAULT_BOOT:
		reboot(modem, (uint64_t)argument * 1000);
		break;
	case FAULT_POWER_LOSS:
		pcidev_forget(modem->pci);
		reboot(modem, POWER_LOSS_BOOT_US);
		break;
	case FAULT_GONE:
		vanish(modem);
		break;
	case FAULT_TOGGLE_IPC:
		toggle_ipc(modem);
		break;
	case FAULT_PME:
		pcidev_pme(modem->pci);
		break;
	default:
		tell_stage(modem, (uint32_t)argument);
		modem->pci->mute = modem->life != MODEM_ALIVE;
		break;
	}
}

void modem_suffer(struct modem *modem)
{
	for (unsigned int i = 0; i < modem->strikes; i++)
		strike(modem, modem->strike[i].kind,
		       modem->strike[i].argument);
	modem->strikes = 0;
	loop_timer_cancel(&modem->suffer);
}

static void suffer(void *ctx)
{
	modem_suffer(ctx);
}

static bool is_deadly(enum fault_kind kind)
{
	return kind != FAULT_TOGGLE_IPC && kind != FAULT_PME &&
	       kind != FAULT_BAD_STAGE;
}

/* Inside an event: a fault_strike_t. */
void modem_strike(void *ctx, enum fault_kind kind, int64_t argument)
{
	struct modem *modem = ctx;

	if (kind == FAULT_LOSE_MSI) {
		modem->lose_msi++;
		return;
	}
	if (modem->strikes == MODEM_STRIKES) {
		log_warn("too many faults at once, %s is left out",
			 fault_kind_name(kind));
		return;
	}
	modem->strike[modem->strikes++] = (struct modem_strike) {
		.kind = kind,
		.argument = argument,
	};
	if (is_deadly(kind)) {
		modem->life = MODEM_STRUCK;
		modem->pci->mute = true;
	}
	loop_timer_arm(&modem->suffer, 0);
}

bool modem_back(struct modem *modem)
{
	if (!modem->pci->gone)
		return false;
	pcidev_return(modem->pci);
	modem->excused = true;
	return true;
}

/*
 * Life.
 */

void modem_fault_init(struct modem *modem)
{
	loop_timer_init(&modem->late_message, modem->loop, late_message, modem);
	loop_timer_init(&modem->late_unit, modem->loop, late_unit, modem);
	loop_timer_init(&modem->late_state, modem->loop, late_state, modem);
	loop_timer_init(&modem->late_wake, modem->loop, late_wake, modem);
	loop_timer_init(&modem->late_msi, modem->loop, late_msi, modem);
	loop_timer_init(&modem->again, modem->loop, answer_again, modem);
	loop_timer_init(&modem->toggled_ipc, modem->loop, toggled_ipc, modem);
	loop_timer_init(&modem->after_crash, modem->loop, after_crash, modem);
	loop_timer_init(&modem->suffer, modem->loop, suffer, modem);
	if (modem->config.faults)
		modem->faults = *modem->config.faults;
	else
		faults_init(&modem->faults);
	faults_attach(&modem->faults, modem_strike, modem);
}

void modem_fault_stop(struct modem *modem)
{
	loop_timer_cancel(&modem->late_message);
	loop_timer_cancel(&modem->late_unit);
	loop_timer_cancel(&modem->late_wake);
	loop_timer_cancel(&modem->late_msi);
	loop_timer_cancel(&modem->again);
	loop_timer_cancel(&modem->toggled_ipc);
	modem->late_pipes = 0;
}

void modem_fault_restart(struct modem *modem)
{
	loop_timer_cancel(&modem->late_state);
	loop_timer_cancel(&modem->after_crash);
	modem->life = MODEM_ALIVE;
	modem->excused = false;
	modem->pci->mute = false;
}
