/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A modem in miniature: the bus under the driver, and behind it the device side
 * of registers, doorbells and rings. It is written from protocol.rst with
 * offsets of its own, so that it and the driver check each other, and it is a
 * strict reader: what the driver does wrong fails the test.
 *
 * By default the modem works by itself: it follows the IPC states, answers
 * control requests with success, and wakes up when asked. It acts inside of the
 * doorbell, so a test needs no thread and no sleep. Set the members under
 * "behaviour" to have it misbehave, at any time. Data moves when the test says
 * so, or when @uplink is set.
 *
 * While the host sleeps, as far as the modem was told, it raises no interrupt and
 * takes no data; what the driver says then fails the test, and so does each access
 * between iosm_fake_enter_d3() and iosm_fake_leave_d3().
 *
 * Its interrupt runs the poll before iosm_fake_interrupt() returns, unless the
 * caller has softirqs off, as in a doorbell; then it runs when they are on.
 */
#ifndef IOSM_KUNIT_BUS_H
#define IOSM_KUNIT_BUS_H

#include <kunit/test.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

#include "../iosm_ipc_imem.h"

#define IOSM_FAKE_BELLS		512
#define IOSM_FAKE_EVENTS	32
#define IOSM_FAKE_STATES	256
#define IOSM_FAKE_PIPES		24
#define IOSM_FAKE_REGS		64

/* Answers to a control request: any completion status, or none at all */
#define IOSM_FAKE_OK		1
#define IOSM_FAKE_REFUSED	2
#define IOSM_FAKE_SILENT	0xffffffffU

/*
 * For struct iosm_protocol.timeout, milliseconds: in tests that wait for it, and
 * in tests that must not, which are to be over in SOON, however slow the machine.
 */
#define IOSM_FAKE_TIMEOUT	50
#define IOSM_FAKE_NO_TIMEOUT	20000
#define IOSM_FAKE_SOON		5000

/**
 * struct iosm_fake_bell - one write to a doorbell
 * @bell: which
 * @value: what
 */
struct iosm_fake_bell {
	enum iosm_doorbell bell;
	u32 value;
};

/**
 * struct iosm_fake_request - a control request as the modem reads it
 * @raw: the 24 bytes
 * @index: where in the control ring
 * @type: byte 11
 * @arg: byte 10: pipe number or features
 * @entries: OPEN: size of the TD ring
 * @addr: OPEN: bus address of the TD ring
 * @backoff: OPEN: accumulation back-off
 */
struct iosm_fake_request {
	u8 raw[24];
	unsigned int index;
	u8 type;
	u8 arg;
	u16 entries;
	u64 addr;
	u32 backoff;
};

/**
 * struct iosm_fake_pipe - the modem's idea of a pipe
 * @open: between a successful OPEN and CLOSE
 * @ring: bus address of the TDs
 * @entries: how many
 * @tail: next TD to complete
 * @backoff: accumulation back-off
 */
struct iosm_fake_pipe {
	bool open;
	u64 ring;
	u32 entries;
	u32 tail;
	u32 backoff;
};

/**
 * struct iosm_fake_td - a TD as the modem reads it
 * @addr: bus address of the buffer
 * @data: the buffer itself; NULL if @addr is no memory
 * @size: bytes
 * @status: completion status
 */
struct iosm_fake_td {
	u64 addr;
	u8 *data;
	u32 size;
	u8 status;
};

/**
 * struct iosm_fake - the modem
 * @test: whose
 * @bus: for the driver
 * @modem: made by iosm_fake_modem(), NULL otherwise
 * @on_interrupt: takes interrupts while @modem is NULL
 * @priv: for the test
 *
 * Behaviour:
 * @control: answers a control request; called in atomic context
 * @uplink: takes the data of uplink TDs, which are then completed, as soon as
 *	the head doorbell rings; may send downlink; called in atomic context
 * @load: takes the image that the boot ROM fetched, NULL if there is no memory at its
 *	address; returns the ROM's result, or IOSM_FAKE_SILENT. Without it, 0x01. With
 *	0x01 and 0x10 the first loader runs then; called in atomic context
 * @read32: sees a register read and may change its result
 * @ignored_states: BIT(value) for values of the state doorbell without effect
 * @deaf: the head doorbell has no effect; call iosm_fake_work() instead
 * @mute: no interrupt is raised
 * @lost_bells: so many head doorbells from now on have no effect
 * @stuck: the boot ROM stays where it is, whatever it says of an image
 * @stubborn: wake requests have no effect
 * @drowsy: "forced active" does not change the sleep notification
 * @absent: registers read all ones and all else has no effect
 * @found: a modem that was lost is found by who looks for it
 * @on_head: called at each head doorbell that is not lost; in atomic context
 * @on_dma: called when bus mastering was switched on: what waited can go out
 * @reset: resets the function; iosm_fake_reset() unless the test says otherwise
 * @faults_expected: the driver's mistakes do not fail the test
 *
 * Observation, all of it may be reset by the test:
 * @bells: doorbells in order
 * @bell_count: how many; more than IOSM_FAKE_BELLS are counted, not stored
 * @events: values of IOSM_EVENT in order
 * @event_count: how many
 * @states: of @modem, in order; the first, IOSM_OFF, is not among them
 * @state_count: how many
 * @state_seen: how many of them iosm_fake_await() went through
 * @state_changed: woken after each
 * @state_watch: puts them there
 * @interrupts: raised, or swallowed by @mute
 * @withheld: not raised, because the host sleeps
 * @resets: of the function
 * @dma_cuts: how often bus mastering was switched off
 * @reads: reads of each 32-bit register
 * @requests: control requests completed
 * @fault_count: mistakes of the driver
 * @fault: the first of them
 *
 * State:
 * @lock: protects all that follows, and the logs
 * @regs: BAR 2
 * @chip_length: the 8-bit register at 0x05
 * @dma: bus mastering
 * @in_session: the host asked for RUNNING last
 * @running: there is a session, the addresses below are valid
 * @status: bus address of the status block
 * @heads: of the head array
 * @tails: of the tail array
 * @control_head: of the control ring's head
 * @control_tail: of the control ring's tail
 * @ring: of the control ring
 * @tail: next control entry to complete
 * @notified: sleep notification in the status block
 * @asleep: the host acknowledged that we sleep, or forced us to
 * @falling: the host sleeps after the next interrupt
 * @host_asleep: the host sleeps
 * @forced: by a doorbell, not by a request
 * @forced_at: when that last changed, monotonic nanoseconds
 * @d3: the function cannot be reached
 * @unread: it was in D3, and its stage was not read since
 * @usage: runtime PM references before @modem
 * @pipes: by number
 */
struct iosm_fake {
	struct kunit *test;
	struct iosm_bus bus;
	struct iosm_modem *modem;
	void (*on_interrupt)(struct iosm_fake *fake);
	void *priv;

	u32 (*control)(struct iosm_fake *fake,
		       const struct iosm_fake_request *request);
	void (*uplink)(struct iosm_fake *fake, unsigned int pipe,
		       const u8 *data, u32 len);
	u32 (*load)(struct iosm_fake *fake, const u8 *image, u32 len);
	u32 (*read32)(struct iosm_fake *fake, u32 offset, u32 value);
	u32 ignored_states;
	void (*on_head)(struct iosm_fake *fake);
	void (*on_dma)(struct iosm_fake *fake);
	int (*reset)(struct iosm_fake *fake);
	bool deaf;
	bool mute;
	unsigned int lost_bells;
	bool stuck;
	bool stubborn;
	bool drowsy;
	bool absent;
	bool found;
	bool faults_expected;

	struct iosm_fake_bell bells[IOSM_FAKE_BELLS];
	unsigned int bell_count;
	char events[IOSM_FAKE_EVENTS][32];
	unsigned int event_count;
	enum iosm_state states[IOSM_FAKE_STATES];
	unsigned int state_count;
	unsigned int state_seen;
	wait_queue_head_t state_changed;
	wait_queue_entry_t state_watch;
	unsigned int interrupts;
	unsigned int withheld;
	unsigned int resets;
	u64 forced_at;
	unsigned int dma_cuts;
	unsigned int reads[IOSM_FAKE_REGS];
	unsigned int requests;
	unsigned int fault_count;
	char fault[128];

	spinlock_t lock;	/* logs and state */
	u32 regs[IOSM_FAKE_REGS];
	u8 chip_length;
	bool dma;
	bool in_session;
	bool running;
	u64 status;
	u64 heads;
	u64 tails;
	u64 control_head;
	u64 control_tail;
	u64 ring;
	u32 tail;
	u32 notified;
	bool asleep;
	bool falling;
	bool host_asleep;
	bool forced;
	bool d3;
	bool unread;
	int usage;
	struct iosm_fake_pipe pipes[IOSM_FAKE_PIPES];
};

/* Life */
struct iosm_fake *iosm_fake_create(struct kunit *test, u16 device_id);
struct iosm_modem *
iosm_fake_modem(struct iosm_fake *fake,
		const struct iosm_client *const *clients);
void iosm_fake_go_online(struct iosm_fake *fake);
void iosm_fake_stop_modem(struct iosm_fake *fake);

/* The state work of @modem */
void iosm_fake_await(struct iosm_fake *fake, enum iosm_state state);
void iosm_fake_step(struct iosm_fake *fake);
void iosm_fake_expire(struct iosm_fake *fake);

/* Registers and status block */
void iosm_fake_set_stage(struct iosm_fake *fake, u32 stage);
void iosm_fake_set_reg(struct iosm_fake *fake, u32 offset, u32 value);
u32 iosm_fake_reg(struct iosm_fake *fake, u32 offset);
bool iosm_fake_enter_running(struct iosm_fake *fake);
void iosm_fake_write_status(struct iosm_fake *fake, u32 stage, u32 ipc_state,
			    u32 sleep);
void iosm_fake_notify(struct iosm_fake *fake, u32 notification);
void iosm_fake_crash(struct iosm_fake *fake);
void iosm_fake_reboot(struct iosm_fake *fake, u32 stage);
int iosm_fake_reset(struct iosm_fake *fake);
void iosm_fake_enter_d3(struct iosm_fake *fake);
void iosm_fake_leave_d3(struct iosm_fake *fake);
int iosm_fake_usage(struct iosm_fake *fake);
void iosm_fake_interrupt(struct iosm_fake *fake);

/* Rings */
void iosm_fake_work(struct iosm_fake *fake);
unsigned int iosm_fake_control_posted(struct iosm_fake *fake);
void iosm_fake_set_control_head(struct iosm_fake *fake, u32 value);
void iosm_fake_set_control_tail(struct iosm_fake *fake, u32 value);
void iosm_fake_set_head(struct iosm_fake *fake, unsigned int pipe, u32 value);
void iosm_fake_set_tail(struct iosm_fake *fake, unsigned int pipe, u32 value);
u32 iosm_fake_get_head(struct iosm_fake *fake, unsigned int pipe);
u32 iosm_fake_get_tail(struct iosm_fake *fake, unsigned int pipe);
unsigned int iosm_fake_posted(struct iosm_fake *fake, unsigned int pipe);
bool iosm_fake_td(struct iosm_fake *fake, unsigned int pipe, unsigned int nth,
		  struct iosm_fake_td *td);
u8 *iosm_fake_raw_td(struct iosm_fake *fake, unsigned int pipe,
		     unsigned int nth);
bool iosm_fake_complete(struct iosm_fake *fake, unsigned int pipe, u32 size,
			u8 status);
unsigned int iosm_fake_take_uplink(struct iosm_fake *fake, unsigned int pipe);
bool iosm_fake_send(struct iosm_fake *fake, unsigned int pipe,
		    const void *data, u32 len);
void *iosm_fake_memory(struct iosm_fake *fake, u64 addr, size_t len);

/* Observation */
void iosm_fake_forget_bells(struct iosm_fake *fake);
unsigned int iosm_fake_count_bells(struct iosm_fake *fake,
				   enum iosm_doorbell bell, u32 value);
unsigned int iosm_fake_count_events(struct iosm_fake *fake, const char *event);
void iosm_fake_check_bells(struct iosm_fake *fake, const char *where, int line,
			   const struct iosm_fake_bell *bells,
			   unsigned int count);

/* Expect exactly these doorbells, in this order, since they were forgotten. */
#define IOSM_FAKE_EXPECT_BELLS(fake, ...)				\
	do {								\
		const struct iosm_fake_bell bells_[] = { __VA_ARGS__ };	\
									\
		iosm_fake_check_bells(fake, __func__, __LINE__, bells_,	\
				      ARRAY_SIZE(bells_));		\
	} while (0)

void iosm_fake_check_states(struct iosm_fake *fake, const char *where,
			    int line, const enum iosm_state *states,
			    unsigned int count);

/* Expect exactly these states of the core since it was made. */
#define IOSM_FAKE_EXPECT_STATES(fake, ...)				\
	do {								\
		const enum iosm_state states_[] = { __VA_ARGS__ };	\
									\
		iosm_fake_check_states(fake, __func__, __LINE__,	\
				       states_, ARRAY_SIZE(states_));	\
	} while (0)

#define IOSM_FAKE_EXPECT_NO_BELL(fake) \
	iosm_fake_check_bells(fake, __func__, __LINE__, NULL, 0)

/**
 * struct iosm_fake_rings - the layers below the core, with a session
 * @fake: the modem
 * @pm: power handshake
 * @protocol: rings
 * @poll: polls status and control ring after an interrupt
 * @fatals: reports of the protocol layer
 * @fatal_err: the last of them
 * @forgiving: such a report does not end the session
 * @unresponsive: reports of the power handshake
 * @raw: for the test: bytes of a request
 */
struct iosm_fake_rings {
	struct iosm_fake *fake;
	struct iosm_pm pm;
	struct iosm_protocol protocol;
	struct work_struct poll;
	unsigned int fatals;
	int fatal_err;
	bool forgiving;
	unsigned int unresponsive;
	u8 raw[24];
};

struct iosm_fake_rings *iosm_fake_rings_create(struct kunit *test);
void iosm_fake_rings_start(struct iosm_fake_rings *rings);
void iosm_fake_rings_poll(struct iosm_fake_rings *rings);

#endif /* IOSM_KUNIT_BUS_H */
