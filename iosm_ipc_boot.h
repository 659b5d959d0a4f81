/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Boot stages before RUN: the boot ROM is given a loader, a loader is talked to.
 */
#ifndef IOSM_IPC_BOOT_H
#define IOSM_IPC_BOOT_H

#include <linux/types.h>

struct iosm_modem;

/* The chip information with its two bytes of version and length (protocol.rst 2.1) */
#define IOSM_CHIP_INFO	60

int iosm_modem_load_psi(struct iosm_modem *modem, const void *image, size_t len,
			u32 *rom_result);
int iosm_modem_want_loader(struct iosm_modem *modem);
void iosm_modem_spoil(struct iosm_modem *modem, const char *why);
void iosm_modem_talk(struct iosm_modem *modem, bool begins);
bool iosm_modem_talks(struct iosm_modem *modem);
u32 iosm_modem_stage(struct iosm_modem *modem);
int iosm_modem_chip_info(struct iosm_modem *modem, u8 info[IOSM_CHIP_INFO]);

#endif /* IOSM_IPC_BOOT_H */
