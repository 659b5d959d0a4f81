/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the parts of the core share. The state and its work are in iosm_ipc_imem.c,
 * what the host does to a modem (sleep, reset, bus errors) in iosm_ipc_host.c, the
 * stages before RUN in iosm_ipc_boot.c.
 *
 * Readers: these three files.
 */
#ifndef IOSM_IPC_IMEM_PARTS_H
#define IOSM_IPC_IMEM_PARTS_H

#include "iosm_ipc_imem.h"

void iosm_modem_hold_for(struct iosm_modem *modem, enum iosm_hold why);
void iosm_modem_release_for(struct iosm_modem *modem, enum iosm_hold why);
bool iosm_modem_ask_for_loader(struct iosm_modem *modem);
void iosm_modem_forget_loader(struct iosm_modem *modem);
void iosm_modem_await_load(struct iosm_modem *modem);
bool iosm_modem_set_state(struct iosm_modem *modem, enum iosm_state to);
void iosm_modem_kick(struct iosm_modem *modem, unsigned int delay_ms);
bool iosm_modem_break(struct iosm_modem *modem, u32 stage, const char *why);
bool iosm_modem_outdate(struct iosm_modem *modem, const char *why);
void iosm_modem_cut_off(struct iosm_modem *modem);
void iosm_modem_end_session(struct iosm_modem *modem, bool tell);

#endif /* IOSM_IPC_IMEM_PARTS_H */
