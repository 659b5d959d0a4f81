/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What modem.c, modem_boot.c and modem_fault.c know of each other. Read by these
 * only.
 */
#ifndef IOSM_EMU_MODEM_PARTS_H
#define IOSM_EMU_MODEM_PARTS_H

#include <stdbool.h>
#include <stdint.h>

#include "modem.h"

/* How long answers that are given twice are apart. */
#define MODEM_AGAIN_US	1000

/*
 * modem.c
 */

/** modem_set_stage() - in the register. */
void modem_set_stage(struct modem *modem, uint32_t stage);
/** modem_set_ipc() - in the register. */
void modem_set_ipc(struct modem *modem, uint32_t state);
/** modem_notification() - the sleep word of the status block, as it is. */
uint32_t modem_notification(const struct modem *modem);
/** modem_schedule() - doorbells, rings and answers are looked at soon. */
void modem_schedule(void *ctx);
/** modem_look() - so, and at all rings. */
void modem_look(struct modem *modem);
/** modem_interrupt() - tell the host of all completions now. */
void modem_interrupt(struct modem *modem);
/** modem_stop() - end the IPC session. */
void modem_stop(struct modem *modem);
/**
 * modem_restart() - be as after power-on
 * @modem: the modem
 * @stage: where it is then
 * @boot_us: it goes on to RUN so much later by itself; 0 = it does not
 */
void modem_restart(struct modem *modem, uint32_t stage, uint64_t boot_us);
/** modem_change_state() - do what DB1 says. */
void modem_change_state(struct modem *modem, uint32_t value);

/*
 * modem_boot.c
 */

void modem_boot_init(struct modem *modem);
/** modem_boot_stop() - nothing of the start is under way any more. */
void modem_boot_stop(struct modem *modem);
/** modem_boot_restart() - the part of modem_restart() about stages. */
void modem_boot_restart(struct modem *modem, uint32_t stage, uint64_t boot_us);
/** modem_power_on() - restart where the options say. */
void modem_power_on(struct modem *modem);
/** modem_boot_doorbell() - DB0 said that there is an image for the boot ROM. */
void modem_boot_doorbell(struct modem *modem);

/*
 * modem_fault.c
 */

void modem_fault_init(struct modem *modem);
/** modem_fault_stop() - the IPC session ends: nothing comes late any more. */
void modem_fault_stop(struct modem *modem);
/** modem_fault_restart() - as modem_fault_stop(), and the modem is sane. */
void modem_fault_restart(struct modem *modem);

/** modem_judge_message(), modem_judge_unit() - see struct ring_ops. */
enum ring_verdict modem_judge_message(void *ctx, const uint8_t *entry);
enum ring_verdict modem_judge_unit(void *ctx, unsigned int pipe);

/** modem_state_doorbell() - DB1, unless a fault keeps it from us. */
void modem_state_doorbell(struct modem *modem, uint32_t value);
/** modem_power_doorbell() - DB2, likewise. */
void modem_power_doorbell(struct modem *modem, uint32_t value);
/** modem_dead_doorbell() - any, for a modem that does not work any more. */
void modem_dead_doorbell(struct modem *modem,
			 const struct modem_doorbell *bell);
/** modem_strike() - suffer a fault soon; from inside the work. */
void modem_strike(void *ctx, enum fault_kind kind, int64_t argument);
/** modem_msi() - send an interrupt, unless a fault keeps it. */
void modem_msi(struct modem *modem);

#endif /* IOSM_EMU_MODEM_PARTS_H */
