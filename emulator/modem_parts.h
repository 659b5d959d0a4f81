/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What modem.c and modem_fault.c know of each other. Read by these two only.
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
/** modem_restart() - be as after power-on: BOOT for @boot_us, then RUN. */
void modem_restart(struct modem *modem, uint64_t boot_us);
/** modem_change_state() - do what DB1 says. */
void modem_change_state(struct modem *modem, uint32_t value);

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
/** modem_msi() - send an interrupt, unless a fault keeps it. */
void modem_msi(struct modem *modem);

#endif /* IOSM_EMU_MODEM_PARTS_H */
