/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a modem and the driver's part in it look like at one moment, for people.
 *
 * Readers: iosm_ipc_devlink.c and iosm_ipc_debugfs.c, which show it, and the KUnit
 * suite iosm_report.
 */
#ifndef IOSM_IPC_REPORT_H
#define IOSM_IPC_REPORT_H

#include <linux/spinlock.h>
#include <linux/types.h>

#include "iosm_ipc_imem.h"
#include "iosm_ipc_trace.h"

/**
 * struct iosm_snapshot_pipe - an open pipe
 * @number: of the pipe
 * @entries: size of its ring, 0 if the pipe is closed
 * @head: next entry that we fill
 * @tail: next entry that we take back
 * @rung: @head when the modem was told last
 * @bad_units: completed TDs that had to be dropped
 * @shared_head: what the modem was told
 * @shared_tail: what the modem says, unchecked
 */
struct iosm_snapshot_pipe {
	u8 number;
	u16 entries;
	u16 head;
	u16 tail;
	u16 rung;
	u64 bad_units;
	u32 shared_head;
	u32 shared_tail;
};

/**
 * struct iosm_snapshot - a modem at one moment
 * @reason: why it was taken, a constant string; NULL if somebody asked
 * @time: when, boot time in nanoseconds
 * @state: of the modem
 * @session: of the modem
 * @starting: a session is being set up, with firmware or with a loader
 * @step: where that stands
 * @attempts: starts that did not lead to a lasting session
 * @accessible: whether the two registers could be read
 * @stage: register, unchecked
 * @ipc_state: register, unchecked
 * @fw_version: firmware's IPC version, as sampled for the session
 * @fw_caps: capability bits, as sampled for the session
 * @power: of the modem's link
 * @host: whether the host sleeps
 * @notified: sleep notification that was handled last
 * @tries: wake requests since the modem answered last
 * @held: a doorbell waits for the host
 * @postponed: a doorbell waits for the modem
 * @power_stats: counters of the handshake
 * @control_head: next control entry that we fill
 * @control_tail: next control entry to complete
 * @control_stats: counters of the control ring
 * @pipes: all pipes
 * @irqs: interrupts
 * @holds: bits of enum iosm_hold: why the state work does nothing
 * @asleep: the function may be in D3
 * @awake: there is something to do, which keeps the function in D0
 * @loader: the session, or the start of one, is with a loader
 * @handshake: before the host sleeps
 * @users: open channels
 * @polling: the poll runs, or is about to
 * @has_trace: whether the modem's log can be read, and the next is valid
 * @trace: counters of the modem's log
 * @shared: private copy of the shared block, unchecked
 */
struct iosm_snapshot {
	const char *reason;
	u64 time;

	enum iosm_state state;
	enum iosm_session session;
	bool starting;
	enum iosm_start_step step;
	unsigned int attempts;

	bool accessible;
	u32 stage;
	u32 ipc_state;
	u32 fw_version;
	u32 fw_caps;

	enum iosm_pm_state power;
	enum iosm_pm_host host;
	u32 notified;
	unsigned int tries;
	bool held;
	bool postponed;
	struct iosm_pm_stats power_stats;

	u16 control_head;
	u16 control_tail;
	struct iosm_protocol_stats control_stats;
	struct iosm_snapshot_pipe pipes[IOSM_PIPES];

	unsigned long holds;
	bool asleep;
	bool awake;
	bool loader;
	enum iosm_host_sleep handshake;
	u64 irqs;
	unsigned int users;
	bool polling;

	bool has_trace;
	struct iosm_trace_stats trace;

	struct iosm_shared shared;
};

/**
 * struct iosm_report - one modem and its failures
 * @modem: whose
 * @lock: innermost of the driver's locks but those of runtime PM; protects all that
 *	follows; taken from process and softirq context
 * @failures: how many there were
 * @last_reason: of the last one, a constant string, NULL if there was none
 * @last_time: of the last one, boot time in nanoseconds
 * @pending: @failure was not fetched by iosm_report_fetch()
 * @failure: the first failure since the last fetch: that is the cause, what follows
 *	it are mostly its effects
 */
struct iosm_report {
	struct iosm_modem *modem;
	spinlock_t lock;	/* all that follows */
	u64 failures;
	const char *last_reason;
	u64 last_time;
	bool pending;
	struct iosm_snapshot failure;
};

struct iosm_sink;

/**
 * struct iosm_sink_ops - how values are shown; process context
 * @text: a word or a sentence
 * @number: a number
 * @flag: yes or no
 * @list_begin: items follow
 * @list_end: no more items
 * @item_begin: values of an item, known by its number, follow
 * @item_end: no more values of this item
 */
struct iosm_sink_ops {
	void (*text)(struct iosm_sink *sink, const char *name, const char *value);
	void (*number)(struct iosm_sink *sink, const char *name, u64 value);
	void (*flag)(struct iosm_sink *sink, const char *name, bool value);
	void (*list_begin)(struct iosm_sink *sink, const char *name);
	void (*list_end)(struct iosm_sink *sink);
	void (*item_begin)(struct iosm_sink *sink, const char *name, u64 number);
	void (*item_end)(struct iosm_sink *sink);
};

/**
 * struct iosm_sink - where values are shown
 * @ops: how
 */
struct iosm_sink {
	const struct iosm_sink_ops *ops;
};

void iosm_report_init(struct iosm_report *report, struct iosm_modem *modem);
void iosm_report_failure(struct iosm_report *report, const char *why);
const char *iosm_report_fetch(struct iosm_report *report);
void iosm_report_last(struct iosm_report *report, struct iosm_snapshot *snapshot);
void iosm_report_now(struct iosm_report *report, struct iosm_snapshot *snapshot);
void iosm_report_show(const struct iosm_snapshot *snapshot, struct iosm_sink *sink);
void iosm_report_show_failures(struct iosm_report *report, struct iosm_sink *sink);

#endif /* IOSM_IPC_REPORT_H */
