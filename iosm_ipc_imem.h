/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The core: the state of one modem, its channels, its poll. Clients (ports,
 * network devices) are started when the modem is online and stopped before it
 * is not.
 */
#ifndef IOSM_IPC_IMEM_H
#define IOSM_IPC_IMEM_H

#include <linux/mutex.h>
#include <linux/netdevice.h>
#include <linux/workqueue.h>
#include <linux/wwan.h>

#include "iosm_ipc_channels.h"
#include "iosm_ipc_protocol.h"

struct iosm_channel;
struct iosm_flash;
struct iosm_modem;
struct iosm_trace;

#define IOSM_CLIENTS_MAX	4

/**
 * enum iosm_state - state of a modem
 * @IOSM_OFF: nothing is known yet
 * @IOSM_ROM: in the boot ROM; it may boot by itself
 * @IOSM_LOADER: a first- or second-stage loader runs; a session with it is set up only
 *	if somebody asked for one
 * @IOSM_LOADER_ONLINE: there is an IPC session with the loader, its clients are started
 * @IOSM_STARTING: firmware runs, the IPC session is being set up
 * @IOSM_ONLINE: clients are started
 * @IOSM_SUSPENDED: the same, and the host sleeps, or just its PCI function
 * @IOSM_CRASHED: firmware crashed
 * @IOSM_DUMP_READY: firmware crashed, the core dump is ready
 * @IOSM_RECOVERING: the session broke; it will be set up again
 * @IOSM_FAILED: setting it up failed several times; given up
 * @IOSM_LOST: the device does not answer on the bus
 * @IOSM_GONE: being unbound
 * @IOSM_STATE_COUNT: number of states, not a state
 */
enum iosm_state {
	IOSM_OFF,
	IOSM_ROM,
	IOSM_LOADER,
	IOSM_LOADER_ONLINE,
	IOSM_STARTING,
	IOSM_ONLINE,
	IOSM_SUSPENDED,
	IOSM_CRASHED,
	IOSM_DUMP_READY,
	IOSM_RECOVERING,
	IOSM_FAILED,
	IOSM_LOST,
	IOSM_GONE,
	IOSM_STATE_COUNT,
};

/**
 * struct iosm_channel_ops - what the user of a channel provides
 * @fill: post as many downlink buffers as fit, without ringing; process
 *	context, may sleep, before any other op is called; 0, or -ENOMEM if it
 *	were fewer: those that were posted are reclaimed then
 * @poll_ul: take back completed uplink TDs; softirq, after every interrupt
 * @poll_dl: handle at most @budget downlink units, refill, ring; softirq;
 *	returns the number handled, @budget if there is more; NULL if the
 *	user takes downlink units himself, when @poll_ul woke him
 * @drain: handle what the modem completed before the channel was closed and
 *	poll_dl has not seen, without refilling; process context, after the last
 *	poll; NULL if it is of no use any more
 * @reclaim: free a buffer that the modem did not use; process context, after
 *	the last poll
 */
struct iosm_channel_ops {
	int (*fill)(struct iosm_channel *channel);
	void (*poll_ul)(struct iosm_channel *channel);
	int (*poll_dl)(struct iosm_channel *channel, int budget);
	void (*drain)(struct iosm_channel *channel);
	void (*reclaim)(struct iosm_channel *channel, struct iosm_pipe *pipe,
			const struct iosm_pipe_slot *slot);
};

/**
 * struct iosm_channel - a pair of pipes in use
 * @modem: whose
 * @config: fixed properties
 * @ops: of the user
 * @ctx: for the user
 * @ul: uplink pipe; the user serialises posting and polling with its own lock
 * @dl: downlink pipe; touched by the poll only, once the channel is open; if the user has
 *	no poll_dl, by one context of his
 */
struct iosm_channel {
	struct iosm_modem *modem;
	const struct iosm_channel_config *config;
	const struct iosm_channel_ops *ops;
	void *ctx;
	struct iosm_pipe *ul;
	struct iosm_pipe *dl;
};

/**
 * struct iosm_client - a user of the core
 * @name: for log lines
 * @loader: of sessions with a loader, not with firmware
 * @start: the modem is online; publish; state work, may sleep. Returns an
 *	instance, NULL if there is nothing to do for this modem, or an ERR_PTR()
 * @stop: withdraw everything and close all channels; state work or unbind, may
 *	sleep, no lock held. The modem may be dead: every request then fails at
 *	once with -ENODEV
 */
struct iosm_client {
	const char *name;
	bool loader;
	void *(*start)(struct iosm_modem *modem);
	void (*stop)(void *instance);
};

/**
 * enum iosm_event - what user space is told as IOSM_EVENT (protocol.rst 8.6)
 * @IOSM_EVENT_NOT_READY: the driver is being unbound
 * @IOSM_EVENT_ROM_READY: the modem is in its boot ROM
 * @IOSM_EVENT_READY: ports and network devices are there
 * @IOSM_EVENT_CRASH: firmware crashed
 * @IOSM_EVENT_CD_READY: the core dump of a crash is ready
 * @IOSM_EVENT_LINK_DOWN: the modem does not answer, or was given up
 * @IOSM_EVENT_TIMEOUT: an answer did not come in time
 * @IOSM_EVENT_COUNT: number of events, not an event
 */
enum iosm_event {
	IOSM_EVENT_NOT_READY,
	IOSM_EVENT_ROM_READY,
	IOSM_EVENT_READY,
	IOSM_EVENT_CRASH,
	IOSM_EVENT_CD_READY,
	IOSM_EVENT_LINK_DOWN,
	IOSM_EVENT_TIMEOUT,
	IOSM_EVENT_COUNT,
};

/**
 * enum iosm_session - the IPC session as the poll sees it
 * @IOSM_SESSION_NONE: shared memory is not read
 * @IOSM_SESSION_WAITING: we asked the modem to run and wait for its status
 * @IOSM_SESSION_RUNNING: the modem runs; any other status ends the session
 * @IOSM_SESSION_BROKEN: ended by an error or by the modem; being torn down
 */
enum iosm_session {
	IOSM_SESSION_NONE,
	IOSM_SESSION_WAITING,
	IOSM_SESSION_RUNNING,
	IOSM_SESSION_BROKEN,
};

/**
 * enum iosm_start_step - where IOSM_STARTING stands
 * @IOSM_START_CHECK: look whether an older session is alive
 * @IOSM_START_UNINIT: wait until an older session has ended
 * @IOSM_START_INIT: wait for IPC state INIT
 * @IOSM_START_RUN: wait for IPC state RUNNING in the status block
 */
enum iosm_start_step {
	IOSM_START_CHECK,
	IOSM_START_UNINIT,
	IOSM_START_INIT,
	IOSM_START_RUN,
};

/**
 * enum iosm_hold - why the state work does nothing
 * @IOSM_HOLD_SLEEP: the system sleeps, is about to, or has just been awake again
 * @IOSM_HOLD_RESET: the function is being reset
 * @IOSM_HOLD_BUS: the bus failed and does not work yet
 * @IOSM_HOLD_LOAD: the boot ROM is being given its first loader
 */
enum iosm_hold {
	IOSM_HOLD_SLEEP,
	IOSM_HOLD_RESET,
	IOSM_HOLD_BUS,
	IOSM_HOLD_LOAD,
};

/**
 * struct iosm_observer - who wants to know what happens to a modem
 * @failure: something failed that a user would want to know of, @why is a constant
 *	string; process or softirq context, locks may be held, must not sleep
 * @moved: the state changed; process context, must not sleep for long and must
 *	not wait for the state to change
 */
struct iosm_observer {
	void (*failure)(struct iosm_observer *observer, const char *why);
	void (*moved)(struct iosm_observer *observer, enum iosm_state to);
};

/**
 * struct iosm_modem - one modem
 * @bus: how to reach it
 * @dev: shorthand for bus->dev
 * @clients: NULL-terminated list, started in order, stopped in reverse
 * @instances: what each client's start returned; state work and unbind only
 * @clients_up: how many clients are started; state work and unbind only
 * @pm: power handshake
 * @protocol: rings
 * @poll_dev: dummy device that carries @napi
 * @napi: the one poll
 * @poll_mutex: serialises pausing the poll; outermost lock of this layer
 * @channels: open channels by id; changed only while the poll is paused
 * @wq: ordered workqueue of @work
 * @work: all changes of @state, except those in iosm_ipc_host.c, which hold it, or
 *	are made while it has nothing to do: in and out of IOSM_SUSPENDED for runtime PM,
 *	out of IOSM_FAILED and IOSM_LOST, and to IOSM_GONE
 * @holds: bits of enum iosm_hold; @work does nothing while there are any
 * @asleep: the function may be in D3: no register may be touched
 * @ending: the clients are being stopped
 * @awake: a runtime PM reference is held, because there is something to do
 * @loader: the session, or the start of one, is with a loader; state work only, others
 *	read it
 * @loader_wanted: somebody waits for a session with the loader
 * @load_mutex: held while the boot ROM fetches a loader
 * @talks: conversations that a sleep of the system would break
 * @readers: who reads registers although the state work may be held
 * @flash: conversation with the loaders; set once, before anything runs, may be NULL
 * @trace: modem log; set once, before anything runs, may be NULL
 * @observer: may be NULL; set once, before anything runs
 * @state_lock: protects writing @state
 * @state: read it with iosm_modem_state()
 * @state_wait: woken by each change of @state
 * @readers_wait: woken by the last of @readers
 * @session_wait: for clients that wait for something in a session; woken when it breaks
 * @session: enum iosm_session; the state work sets it, the poll moves it from
 *	waiting to running, and anybody may move it to broken
 * @step: where the start stands; state work only
 * @deadline: when the current step or state has failed, jiffies; state work; a
 *	crashed modem is expected to restart by itself until then
 * @attempts: starts that did not lead to a lasting session; state work only
 * @stays: how often in a row the stage was the same; state work only
 * @bad_stages: invalid stage values read in a row; state work only
 * @online_since: when the modem came online, jiffies; state work only
 * @broken_reason: why the session broke, for the log
 * @broken_stage: stage in the status block when the session broke, 0 if it
 *	was not the cause
 * @outdated: the session ended because the host slept, which is no failure
 * @timed_out: the session ended because the modem did not wake up; user space is told
 * @looks: how often the session was looked at; state work only
 * @fw_version: firmware's IPC version, sampled once per session
 * @fw_caps: capability bits, sampled once per session, 0 if not valid
 * @irqs: interrupts so far; hard irq only
 * @users: open channels
 */
struct iosm_modem {
	struct iosm_bus *bus;
	struct device *dev;
	const struct iosm_client *const *clients;
	void *instances[IOSM_CLIENTS_MAX];
	unsigned int clients_up;

	struct iosm_pm pm;
	struct iosm_protocol protocol;

	struct net_device *poll_dev;
	struct napi_struct napi;
	struct mutex poll_mutex;	/* pausing @napi */
	struct iosm_channel *channels[IOSM_CHANNEL_COUNT];

	struct workqueue_struct *wq;
	struct delayed_work work;
	unsigned long holds;
	bool asleep;
	bool ending;
	bool awake;
	bool loader;
	bool loader_wanted;
	struct mutex load_mutex;	/* loading of the boot ROM */
	atomic_t talks;
	atomic_t readers;
	struct iosm_flash *flash;
	struct iosm_trace *trace;
	struct iosm_observer *observer;
	spinlock_t state_lock;		/* writers of @state */
	enum iosm_state state;
	wait_queue_head_t state_wait;
	wait_queue_head_t readers_wait;
	wait_queue_head_t session_wait;
	atomic_t session;
	enum iosm_start_step step;
	unsigned long deadline;
	unsigned int attempts;
	unsigned int stays;
	unsigned int bad_stages;
	unsigned long online_since;
	const char *broken_reason;
	u32 broken_stage;
	bool outdated;
	bool timed_out;
	unsigned int looks;

	u32 fw_version;
	u32 fw_caps;
	u64 irqs;
	atomic_t users;
};

struct iosm_modem *iosm_modem_create(struct iosm_bus *bus,
				     const struct iosm_client *const *clients);
void iosm_modem_start(struct iosm_modem *modem);
void iosm_modem_stop(struct iosm_modem *modem);
void iosm_modem_destroy(struct iosm_modem *modem);
void iosm_modem_interrupt(struct iosm_modem *modem);
void iosm_modem_observe(struct iosm_modem *modem, struct iosm_observer *observer);

int iosm_modem_suspend(struct iosm_modem *modem);
void iosm_modem_resume(struct iosm_modem *modem);
void iosm_modem_restore(struct iosm_modem *modem);
void iosm_modem_hold(struct iosm_modem *modem);
void iosm_modem_release(struct iosm_modem *modem);
int iosm_modem_runtime_suspend(struct iosm_modem *modem);
void iosm_modem_runtime_resume(struct iosm_modem *modem);
void iosm_modem_reset_prepare(struct iosm_modem *modem);
void iosm_modem_reset_done(struct iosm_modem *modem);
void iosm_modem_isolate(struct iosm_modem *modem, bool forever);
void iosm_modem_rejoin(struct iosm_modem *modem);
bool iosm_modem_needs_reset(struct iosm_modem *modem);
bool iosm_modem_answers(struct iosm_modem *modem);
void iosm_modem_begin_read(struct iosm_modem *modem);
void iosm_modem_end_read(struct iosm_modem *modem);
bool iosm_modem_get_registers(struct iosm_modem *modem);
void iosm_modem_put_registers(struct iosm_modem *modem);
int iosm_modem_reset(struct iosm_modem *modem);
int iosm_modem_wait_online(struct iosm_modem *modem, unsigned int timeout_ms);
int iosm_modem_recover(struct iosm_modem *modem, bool asked);

enum iosm_state iosm_modem_state(const struct iosm_modem *modem);
bool iosm_modem_online(struct iosm_modem *modem);
bool iosm_modem_ending(struct iosm_modem *modem);
const char *iosm_state_name(enum iosm_state state);
bool iosm_state_move_legal(enum iosm_state from, enum iosm_state to);
void iosm_modem_event(struct iosm_modem *modem, enum iosm_event event);
void iosm_modem_broken(struct iosm_modem *modem, const char *why);
void iosm_modem_failure(struct iosm_modem *modem, const char *why);
void iosm_modem_poll_soon(struct iosm_modem *modem);
void iosm_modem_look(struct iosm_modem *modem);

int iosm_channel_open(struct iosm_channel *channel, struct iosm_modem *modem,
		      const struct iosm_channel_config *config,
		      const struct iosm_channel_ops *ops, void *ctx);
void iosm_channel_close(struct iosm_channel *channel);
void iosm_channel_ring_ul(struct iosm_channel *channel,
			  enum iosm_head_reason reason);
void iosm_channel_ring_again(struct iosm_channel *channel,
			     enum iosm_head_reason reason);
void iosm_channel_ring_dl(struct iosm_channel *channel,
			  enum iosm_head_reason reason);
int iosm_channel_completed(struct iosm_channel *channel,
			   struct iosm_pipe *pipe);

#endif /* IOSM_IPC_IMEM_H */
