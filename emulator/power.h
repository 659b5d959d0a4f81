/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The power handshake: device sleep, which the modem starts, and host sleep
 * (protocol.rst 6). Decides whether the modem may touch guest memory and raise
 * interrupts.
 */
#ifndef IOSM_EMU_POWER_H
#define IOSM_EMU_POWER_H

#include <stdbool.h>
#include <stdint.h>

#include "loop.h"

/* The host leaves its window of ignorance after it rang DB2=8 [6.6]. */
#define POWER_RESUME_US	10000

/**
 * enum power_state - the link as the modem sees it
 * @POWER_AWAKE: in use
 * @POWER_ASKED: we wrote SLEEP; the host has not acknowledged
 * @POWER_ASLEEP: the host acknowledged
 * @POWER_WAKING: we wrote ACTIVE; the host has not acknowledged
 * @POWER_FORCED: the host suspends without a handshake
 */
enum power_state {
	POWER_AWAKE,
	POWER_ASKED,
	POWER_ASLEEP,
	POWER_WAKING,
	POWER_FORCED,
};

/**
 * struct power_ops - what the handshake does to the modem
 * @notify: write the sleep word of the status block; raise an interrupt if
 *	@interrupt
 * @awake: the link can be used again: look at all rings, send what waits
 * @quiet: is there nothing to do? Asked before the link is put to sleep
 * @pme: wake a host that sleeps
 */
struct power_ops {
	void (*notify)(void *ctx, uint32_t word, bool interrupt);
	void (*awake)(void *ctx);
	bool (*quiet)(void *ctx);
	void (*pme)(void *ctx);
};

/**
 * struct power - the handshake
 * @idle_us: sleep after so much silence, 0 = never
 * @resume_us: the interrupt after DB2=8 comes so much later
 * @state: the link
 * @allowed: the host allowed device sleep
 * @host_sleeps: between SLEEP(0, 0) and SLEEP(0, 1)
 * @unseen: we took SLEEP back before the host acknowledged it; its
 *	acknowledgement may still come
 * @sleeps: times that the host acknowledged sleep
 * @wakes: times that we woke up
 * @acks: acknowledgements received
 * @late: acknowledgements that did not come within 100 ms
 */
struct power {
	uint64_t idle_us, resume_us;
	enum power_state state;
	bool allowed, host_sleeps, unseen;
	uint64_t sleeps, wakes, acks, late;

	/* private */
	const struct power_ops *ops;
	void *ctx;
	struct loop *loop;
	struct loop_timer idle, ack, resume;
	uint64_t last_activity_us;
	bool postponed;
};

void power_init(struct power *power, struct loop *loop,
		const struct power_ops *ops, void *ctx);
/** power_reset() - forget everything: the IPC session ended. */
void power_reset(struct power *power);

/** power_up() - may the modem use guest memory and interrupts? */
bool power_up(const struct power *power);
/** power_activity() - something happened: restart the idle time. */
void power_activity(struct power *power);
/** power_wake() - the modem has something for the host: wake the link. */
void power_wake(struct power *power);
/** power_sleep() - go to sleep now, if allowed; true if that was begun. */
bool power_sleep(struct power *power);

/** power_message() - the SLEEP message arrived; false to refuse it. */
bool power_message(struct power *power, unsigned int target,
		   unsigned int state);
/** power_doorbell() - DB2 rang. */
void power_doorbell(struct power *power, uint32_t value);
/**
 * power_head_doorbell() - DB0 rang: was the host allowed to?
 *
 * Wakes the link if it sleeps.
 */
void power_head_doorbell(struct power *power, uint32_t reason);

/** power_state_name() - for log, trace and statistics. */
const char *power_state_name(enum power_state state);

#endif /* IOSM_EMU_POWER_H */
