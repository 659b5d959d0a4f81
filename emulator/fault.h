/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Faults: what the modem does wrong, and when. A fault is data,
 *
 *	EVENT[#COUNT | %PERCENT | *]:FAULT[=ARGUMENT]
 *
 * for example "open#2:late=700". Those who handle an event ask fault_at() what
 * to do. Nothing here knows a modem: a fault that is more than a strange answer
 * to its event is handed to the owner of the faults.
 */
#ifndef IOSM_EMU_FAULT_H
#define IOSM_EMU_FAULT_H

#include <stdbool.h>
#include <stdint.h>

#define FAULT_MAX	64
#define FAULT_SPEC	48

/**
 * enum fault_event - what a fault can wait for
 *
 * The order is that of the table in fault.c, which says what they are.
 */
enum fault_event {
	FAULT_AT_OPEN,
	FAULT_AT_CLOSE,
	FAULT_AT_SLEEP_DEVICE,
	FAULT_AT_SLEEP_ENTER,
	FAULT_AT_SLEEP_EXIT,
	FAULT_AT_FEATURES,
	FAULT_AT_WAKE,
	FAULT_AT_FORCE_SLEEP,
	FAULT_AT_FORCE_ACTIVE,
	FAULT_AT_INIT,
	FAULT_AT_RUNNING,
	FAULT_AT_UNINIT,
	FAULT_AT_SESSION_OPEN,
	FAULT_AT_SESSION_CLOSE,
	FAULT_AT_UPLINK,
	FAULT_AT_DOWNLINK,
	FAULT_AT_MSI,
	FAULT_AT_D3,
	FAULT_AT_D0,
	FAULT_AT_FLR,
	FAULT_AT_PSI,
	FAULT_AT_ROM,
	FAULT_AT_STAGE_PSI,
	FAULT_AT_FLASH_UPLINK,
	FAULT_AT_ACK,
	FAULT_AT_RPSI,
	FAULT_AT_EBL_LOAD,
	FAULT_AT_PACKET,
	FAULT_AT_RESPONSE,
	FAULT_AT_RESPONSE_HEADER,
	FAULT_AT_ERASE_CHECK,
	FAULT_AT_RAW,
	FAULT_AT_DUMP_LIST,
	FAULT_AT_DUMP_SIZE,
	FAULT_AT_DUMP_NAME,
	FAULT_AT_DUMP_CHUNK,
	FAULT_AT_DUMP_END,
	FAULT_AT_NOW,
	FAULT_EVENTS,
};

/**
 * enum fault_kind - what can go wrong; the order is that of the table
 *
 * Up to FAULT_BAD_VALUE they are answers to an event; the others strike the
 * modem.
 */
enum fault_kind {
	FAULT_REFUSE,
	FAULT_IGNORE,
	FAULT_LATE,
	FAULT_TWICE,
	FAULT_SHORT,
	FAULT_LONG,
	FAULT_WRONG_ID,
	FAULT_WRONG_CHECKSUM,
	FAULT_ERROR,
	FAULT_BUSY,
	FAULT_BAD_VALUE,
	FAULT_LOSE_MSI,
	FAULT_SILENCE,
	FAULT_CRASH,
	FAULT_DUMP,
	FAULT_REBOOT,
	FAULT_BOOT,
	FAULT_POWER_LOSS,
	FAULT_GONE,
	FAULT_TOGGLE_IPC,
	FAULT_PME,
	FAULT_BAD_STAGE,
	FAULT_KINDS,
};

/** Argument of a fault that was given none. */
#define FAULT_NO_ARGUMENT	(-1)

/**
 * struct fault_answer - what to do with an event
 * @refuse: say no
 * @ignore: have not seen it
 * @twice: answer twice
 * @wrong_id: answer something else
 * @wrong_checksum: the checksum of the answer is wrong
 * @error: answer with a list of errors
 * @busy: answer that it takes longer
 * @bad: a number in the answer is @value
 * @late_us: answer so much later
 * @shorter: leave out so many bytes at the end
 * @longer: append so many
 */
struct fault_answer {
	bool refuse, ignore, twice, wrong_id, wrong_checksum, error, busy, bad;
	uint64_t late_us;
	uint32_t value, shorter, longer;
};

/**
 * struct fault - one of them
 * @spec: its text
 * @event: what it waits for
 * @kind: what it does
 * @armed: it waits
 * @forever: it stays armed
 * @percent: it fires at random, so often; 0 = it counts
 * @count: it fires at this occurrence
 * @argument: milliseconds, a number, or FAULT_NO_ARGUMENT
 * @seen: occurrences since it was armed
 * @fired: times that it fired
 */
struct fault {
	char spec[FAULT_SPEC];
	enum fault_event event;
	enum fault_kind kind;
	bool armed, forever;
	unsigned int percent;
	uint64_t count;
	int64_t argument;
	uint64_t seen, fired;
};

/** fault_strike_t - do to the modem what @kind says; from inside an event. */
typedef void (*fault_strike_t)(void *ctx, enum fault_kind kind,
			       int64_t argument);

/**
 * struct faults - all of them
 * @fault: the table, in the order in which they were armed
 * @count: how many there are in it
 * @fired: times that any of them fired since faults_clear()
 * @awaited: events that an armed fault waits for, a bit each
 * @dice: state of the generator
 * @strike: the owner, with @ctx
 */
struct faults {
	struct fault fault[FAULT_MAX];
	unsigned int count;
	uint64_t fired;

	/* private */
	uint64_t awaited;
	uint64_t dice;
	fault_strike_t strike;
	void *ctx;
};

/** faults_init() - no faults yet; the seed is 1. */
void faults_init(struct faults *faults);
/** faults_seed() - decides when faults with a percentage happen. */
void faults_seed(struct faults *faults, uint64_t seed);
/** faults_attach() - say who is struck; faults for "now" fire. */
void faults_attach(struct faults *faults, fault_strike_t strike, void *ctx);
/**
 * faults_arm() - understand a text, and wait for its event
 *
 * Return: NULL, or what is wrong with it.
 */
const char *faults_arm(struct faults *faults, const char *spec);
/**
 * faults_read() - arm all faults of a script
 * @faults: the faults
 * @path: one fault per line; "#" begins a comment
 * @line: set to the line that is wrong, or to 0
 *
 * Return: NULL, or what is wrong.
 */
const char *faults_read(struct faults *faults, const char *path,
			unsigned int *line);
/** faults_clear() - forget all of them. */
void faults_clear(struct faults *faults);
/** faults_armed() - how many wait. */
unsigned int faults_armed(const struct faults *faults);

/** fault_event_name() - "open", ...; fault_kind_name() - "refuse", ... */
const char *fault_event_name(enum fault_event event);
const char *fault_kind_name(enum fault_kind kind);

/* private to fault_at() */
struct fault_answer faults_fire(struct faults *faults, enum fault_event event);

/**
 * fault_at() - an event happens: does anything go wrong?
 * @faults: the faults
 * @event: the event
 *
 * Faults that strike the modem do so in this call. When one of them ends its
 * life as it was, the answer is to ignore the event.
 *
 * Return: what to do with the event.
 */
static inline struct fault_answer fault_at(struct faults *faults,
					   enum fault_event event)
{
	const struct fault_answer nothing = { .refuse = false };

	if (__builtin_expect(!(faults->awaited & 1ull << event), true))
		return nothing;
	return faults_fire(faults, event);
}

#endif /* IOSM_EMU_FAULT_H */
