// SPDX-License-Identifier: GPL-2.0-only
/**
 * DOC: What people see of a modem
 *
 * A snapshot is all that the driver knows of a modem at one moment. It is taken when
 * somebody asks, and when something fails, in whatever context that is: it takes none
 * of the locks of the layers, because the one that failed may hold them. So values of
 * one snapshot may be from slightly different moments, and on a 32-bit CPU a 64-bit
 * counter may be wrong for a moment when its lower half wraps. No decision of the
 * driver depends on them.
 *
 * Each value has its name in one place, iosm_report_show(); whoever shows values
 * provides a sink for them.
 *
 * The two registers are read only while the function is in D0 and stays there, and not
 * of a modem that is known to be absent, or while the host does something to it: a
 * function that is being reset does not answer.
 */

#include "iosm_ipc_report.h"

#include <linux/kernel.h>
#include <linux/math64.h>
#include <linux/string.h>
#include <linux/string_helpers.h>
#include <linux/time64.h>
#include <linux/timekeeping.h>

static const char * const iosm_session_names[] = {
	[IOSM_SESSION_NONE] = "none",
	[IOSM_SESSION_WAITING] = "waiting",
	[IOSM_SESSION_RUNNING] = "running",
	[IOSM_SESSION_BROKEN] = "broken",
};

static const char * const iosm_step_names[] = {
	[IOSM_START_CHECK] = "check",
	[IOSM_START_UNINIT] = "uninit",
	[IOSM_START_INIT] = "init",
	[IOSM_START_RUN] = "run",
};

static const char * const iosm_power_names[] = {
	[IOSM_PM_HALTED] = "halted",
	[IOSM_PM_AWAKE] = "awake",
	[IOSM_PM_ASLEEP] = "asleep",
	[IOSM_PM_WAKING] = "waking",
};

static const char * const iosm_host_names[] = {
	[IOSM_PM_HOST_ACTIVE] = "active",
	[IOSM_PM_HOST_MOVING] = "moving",
	[IOSM_PM_HOST_SLEEPING] = "sleeping",
};

/* Taking a snapshot */

static void iosm_snapshot_registers(struct iosm_snapshot *snapshot, struct iosm_modem *modem)
{
	snapshot->accessible = iosm_modem_get_registers(modem);
	if (!snapshot->accessible)
		return;
	snapshot->stage = iosm_mmio_stage(modem->bus);
	snapshot->ipc_state = iosm_mmio_ipc_state(modem->bus);
	iosm_modem_put_registers(modem);
}

static void iosm_snapshot_state(struct iosm_snapshot *snapshot, const struct iosm_modem *modem)
{
	snapshot->state = iosm_modem_state(modem);
	snapshot->session = atomic_read(&modem->session);
	snapshot->step = READ_ONCE(modem->step);
	snapshot->starting = snapshot->state == IOSM_STARTING ||
			     (snapshot->state == IOSM_LOADER && READ_ONCE(modem->loader));
	snapshot->attempts = READ_ONCE(modem->attempts);
	snapshot->fw_version = READ_ONCE(modem->fw_version);
	snapshot->fw_caps = READ_ONCE(modem->fw_caps);
	snapshot->holds = READ_ONCE(modem->holds);
	snapshot->asleep = READ_ONCE(modem->asleep);
	snapshot->awake = READ_ONCE(modem->awake);
	snapshot->loader = READ_ONCE(modem->loader);
	snapshot->handshake = modem->bus->host_sleep;
	/* Not exact, see the top of this file. */
	snapshot->irqs = data_race(modem->irqs);
	snapshot->users = atomic_read(&modem->users);
	snapshot->polling = test_bit(NAPI_STATE_SCHED, &modem->napi.state);
}

static void iosm_snapshot_power(struct iosm_snapshot *snapshot, const struct iosm_pm *pm)
{
	snapshot->power = READ_ONCE(pm->state);
	snapshot->host = READ_ONCE(pm->host);
	snapshot->notified = READ_ONCE(pm->notified);
	snapshot->tries = READ_ONCE(pm->tries);
	snapshot->held = READ_ONCE(pm->held);
	snapshot->postponed = READ_ONCE(pm->postponed);
	/* Not exact, see the top of this file. */
	snapshot->power_stats = data_race(pm->stats);
}

static void iosm_snapshot_pipe(struct iosm_snapshot_pipe *copy, const struct iosm_pipe *pipe,
			       const struct iosm_shared *shared)
{
	copy->number = pipe->number;
	copy->entries = READ_ONCE(pipe->entries);
	copy->head = READ_ONCE(pipe->head);
	copy->tail = READ_ONCE(pipe->tail);
	copy->rung = READ_ONCE(pipe->rung);
	/* Not exact, see the top of this file. */
	copy->bad_units = data_race(pipe->bad_units);
	copy->shared_head = le32_to_cpu(shared->heads[pipe->number]);
	copy->shared_tail = le32_to_cpu(shared->tails[pipe->number]);
}

static void iosm_snapshot_rings(struct iosm_snapshot *snapshot,
				const struct iosm_protocol *protocol)
{
	unsigned int i;

	/* The modem may write to it meanwhile; it is for people only. */
	memcpy(&snapshot->shared, protocol->shm, sizeof(snapshot->shared));
	snapshot->control_head = READ_ONCE(protocol->head);
	snapshot->control_tail = READ_ONCE(protocol->tail);
	/* Not exact, see the top of this file. */
	snapshot->control_stats = data_race(protocol->stats);
	for (i = 0; i < IOSM_PIPES; i++)
		iosm_snapshot_pipe(&snapshot->pipes[i], &protocol->pipes[i],
				   &snapshot->shared);
}

static void iosm_snapshot_take(struct iosm_snapshot *snapshot, struct iosm_modem *modem,
			       const char *reason)
{
	snapshot->reason = reason;
	snapshot->time = ktime_get_boottime_ns();
	iosm_snapshot_state(snapshot, modem);
	iosm_snapshot_registers(snapshot, modem);
	iosm_snapshot_power(snapshot, &modem->pm);
	snapshot->has_trace = iosm_trace_get_stats(modem->trace, &snapshot->trace);
	iosm_snapshot_rings(snapshot, &modem->protocol);
}

/* Failures */

/**
 * iosm_report_init() - no failure yet
 * @report: what to initialise, all zero
 * @modem: whose failures
 *
 * Context: process.
 */
void iosm_report_init(struct iosm_report *report, struct iosm_modem *modem)
{
	report->modem = modem;
	spin_lock_init(&report->lock);
}

/**
 * iosm_report_failure() - something failed: count it, keep what it looked like
 * @report: of the modem
 * @why: constant string
 *
 * Context: process or softirq; any lock of the driver may be held.
 */
void iosm_report_failure(struct iosm_report *report, const char *why)
{
	spin_lock_bh(&report->lock);
	report->failures++;
	report->last_reason = why;
	report->last_time = ktime_get_boottime_ns();
	if (!report->pending)
		iosm_snapshot_take(&report->failure, report->modem, why);
	report->pending = true;
	spin_unlock_bh(&report->lock);
}

/**
 * iosm_report_fetch() - is there a failure that was not told yet?
 * @report: of the modem
 *
 * Failures up to now are one; the snapshot of the first is kept until there is another
 * one.
 *
 * Context: process.
 * Return: why the first one failed, NULL if there was none since the last call.
 */
const char *iosm_report_fetch(struct iosm_report *report)
{
	const char *why = NULL;

	spin_lock_bh(&report->lock);
	if (report->pending)
		why = report->failure.reason;
	report->pending = false;
	spin_unlock_bh(&report->lock);
	return why;
}

/**
 * iosm_report_last() - what the last failure looked like
 * @report: of the modem
 * @snapshot: where to put it; the modem as it is now if nothing failed so far
 *
 * Context: process.
 */
void iosm_report_last(struct iosm_report *report, struct iosm_snapshot *snapshot)
{
	bool failed;

	spin_lock_bh(&report->lock);
	failed = report->failures;
	if (failed)
		*snapshot = report->failure;
	spin_unlock_bh(&report->lock);
	if (!failed)
		iosm_report_now(report, snapshot);
}

/**
 * iosm_report_now() - what the modem looks like now
 * @report: of the modem
 * @snapshot: where to put it
 *
 * Context: process.
 */
void iosm_report_now(struct iosm_report *report, struct iosm_snapshot *snapshot)
{
	iosm_snapshot_take(snapshot, report->modem, NULL);
}

/* Showing */

static void iosm_sink_text(struct iosm_sink *sink, const char *name, const char *value)
{
	sink->ops->text(sink, name, value);
}

static void iosm_sink_number(struct iosm_sink *sink, const char *name, u64 value)
{
	sink->ops->number(sink, name, value);
}

static void iosm_sink_flag(struct iosm_sink *sink, const char *name, bool value)
{
	sink->ops->flag(sink, name, value);
}

static void iosm_sink_hex(struct iosm_sink *sink, const char *name, u32 value)
{
	char text[sizeof("0x12345678")];

	snprintf(text, sizeof(text), "0x%08x", value);
	sink->ops->text(sink, name, text);
}

static void iosm_sink_register(struct iosm_sink *sink, const char *name, u32 value,
			       bool accessible)
{
	if (accessible)
		iosm_sink_hex(sink, name, value);
	else
		iosm_sink_text(sink, name, "not accessible");
}

static void iosm_sink_time(struct iosm_sink *sink, const char *name, u64 time)
{
	iosm_sink_number(sink, name, div_u64(time, NSEC_PER_MSEC));
}

/* Why nothing goes on */
static void iosm_show_holds(unsigned long holds, struct iosm_sink *sink)
{
	iosm_sink_flag(sink, "held for sleep", holds & BIT(IOSM_HOLD_SLEEP));
	iosm_sink_flag(sink, "held for reset", holds & BIT(IOSM_HOLD_RESET));
	iosm_sink_flag(sink, "held for bus error", holds & BIT(IOSM_HOLD_BUS));
	iosm_sink_flag(sink, "held for loading", holds & BIT(IOSM_HOLD_LOAD));
}

static void iosm_show_state(const struct iosm_snapshot *s, struct iosm_sink *sink)
{
	iosm_sink_text(sink, "state", iosm_state_name(s->state));
	if (s->starting)
		iosm_sink_text(sink, "start step", iosm_step_names[s->step]);
	iosm_sink_text(sink, "session", iosm_session_names[s->session]);
	iosm_sink_flag(sink, "loader", s->loader);
	iosm_show_holds(s->holds, sink);
	iosm_sink_flag(sink, "kept awake", s->awake);
	iosm_sink_number(sink, "attempts", s->attempts);
	iosm_sink_register(sink, "stage", s->stage, s->accessible);
	iosm_sink_register(sink, "IPC state", s->ipc_state, s->accessible);
	iosm_sink_hex(sink, "firmware version", s->fw_version);
	iosm_sink_hex(sink, "firmware capabilities", s->fw_caps);
}

static void iosm_show_power(const struct iosm_snapshot *s, struct iosm_sink *sink)
{
	iosm_sink_text(sink, "modem power", iosm_power_names[s->power]);
	iosm_sink_text(sink, "host power", iosm_host_names[s->host]);
	iosm_sink_text(sink, "host sleep handshake",
		       s->handshake == IOSM_HOST_SLEEP_D3 ? "d3" : "d0");
	iosm_sink_flag(sink, "function asleep", s->asleep);
	iosm_sink_number(sink, "notified", s->notified);
	iosm_sink_flag(sink, "doorbell held", s->held);
	iosm_sink_flag(sink, "doorbell postponed", s->postponed);
	iosm_sink_number(sink, "sleeps", s->power_stats.sleeps);
	iosm_sink_number(sink, "wakes", s->power_stats.wakes);
	iosm_sink_number(sink, "wake requests", s->power_stats.wake_requests);
	iosm_sink_number(sink, "wake requests unanswered", s->tries);
	iosm_sink_number(sink, "host sleeps", s->power_stats.host_sleeps);
	iosm_sink_number(sink, "bad notifications", s->power_stats.bad_notifications);
}

static void iosm_show_control(const struct iosm_snapshot *s, struct iosm_sink *sink)
{
	const struct iosm_status_block *status = &s->shared.status;

	iosm_sink_hex(sink, "shared stage", le32_to_cpu(status->stage));
	iosm_sink_hex(sink, "shared IPC state", le32_to_cpu(status->ipc_state));
	iosm_sink_hex(sink, "shared sleep notification", le32_to_cpu(status->sleep));
	iosm_sink_number(sink, "control head", s->control_head);
	iosm_sink_number(sink, "control tail", s->control_tail);
	iosm_sink_number(sink, "control shared head", le32_to_cpu(s->shared.control_head));
	iosm_sink_number(sink, "control shared tail", le32_to_cpu(s->shared.control_tail));
	iosm_sink_number(sink, "requests", s->control_stats.requests);
	iosm_sink_number(sink, "requests late", s->control_stats.late);
	iosm_sink_number(sink, "requests refused", s->control_stats.refused);
	iosm_sink_number(sink, "requests timed out", s->control_stats.timeouts);
	iosm_sink_number(sink, "requests repeated", s->control_stats.repeated);
}

static void iosm_show_trace(const struct iosm_trace_stats *stats, struct iosm_sink *sink)
{
	iosm_sink_text(sink, "log", str_on_off(stats->on));
	iosm_sink_number(sink, "log units", stats->units);
	iosm_sink_number(sink, "log bytes", stats->bytes);
	iosm_sink_number(sink, "log units lost", stats->lost);
	iosm_sink_number(sink, "log units bad", stats->bad);
}

static void iosm_show_pipe(const struct iosm_snapshot_pipe *pipe, struct iosm_sink *sink)
{
	iosm_sink_number(sink, "entries", pipe->entries);
	iosm_sink_number(sink, "head", pipe->head);
	iosm_sink_number(sink, "tail", pipe->tail);
	iosm_sink_number(sink, "rung", pipe->rung);
	iosm_sink_number(sink, "posted",
			 iosm_ring_distance(pipe->tail, pipe->head, pipe->entries));
	iosm_sink_number(sink, "shared head", pipe->shared_head);
	iosm_sink_number(sink, "shared tail", pipe->shared_tail);
	iosm_sink_number(sink, "bad units", pipe->bad_units);
}

static void iosm_show_pipes(const struct iosm_snapshot *s, struct iosm_sink *sink)
{
	unsigned int i;

	sink->ops->list_begin(sink, "pipes");
	for (i = 0; i < IOSM_PIPES; i++) {
		if (!s->pipes[i].entries)
			continue;
		sink->ops->item_begin(sink, "pipe", s->pipes[i].number);
		iosm_show_pipe(&s->pipes[i], sink);
		sink->ops->item_end(sink);
	}
	sink->ops->list_end(sink);
}

/**
 * iosm_report_show() - show all values of a snapshot
 * @snapshot: private copy, does not change meanwhile
 * @sink: where to
 *
 * Context: process, may sleep if the sink does.
 */
void iosm_report_show(const struct iosm_snapshot *snapshot, struct iosm_sink *sink)
{
	if (snapshot->reason)
		iosm_sink_text(sink, "reason", snapshot->reason);
	iosm_sink_time(sink, "time (ms)", snapshot->time);
	iosm_show_state(snapshot, sink);
	iosm_sink_number(sink, "interrupts", snapshot->irqs);
	iosm_sink_number(sink, "open channels", snapshot->users);
	iosm_sink_text(sink, "poll", snapshot->polling ? "scheduled" : "idle");
	iosm_show_power(snapshot, sink);
	iosm_show_control(snapshot, sink);
	if (snapshot->has_trace)
		iosm_show_trace(&snapshot->trace, sink);
	iosm_show_pipes(snapshot, sink);
}

/**
 * iosm_report_show_failures() - show how many failures there were, and the last
 * @report: of the modem
 * @sink: where to
 *
 * Context: process, may sleep if the sink does.
 */
void iosm_report_show_failures(struct iosm_report *report, struct iosm_sink *sink)
{
	const char *reason;
	u64 failures, time;

	spin_lock_bh(&report->lock);
	failures = report->failures;
	reason = report->last_reason;
	time = report->last_time;
	spin_unlock_bh(&report->lock);

	iosm_sink_number(sink, "failures", failures);
	if (!reason)
		return;
	iosm_sink_text(sink, "last failure", reason);
	iosm_sink_time(sink, "last failure time (ms)", time);
}
