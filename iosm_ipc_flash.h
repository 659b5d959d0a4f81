/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The conversation with the boot loaders: firmware files go to the modem.
 *
 * Readers: iosm_ipc_devlink*.c, which hands over what users gave, the PCI driver,
 * which makes one struct iosm_flash per modem, and the KUnit suite iosm_flash.
 */
#ifndef IOSM_IPC_FLASH_H
#define IOSM_IPC_FLASH_H

#include <linux/types.h>

#include "iosm_ipc_flash_wire.h"

struct iosm_flash;
struct iosm_modem;
struct netlink_ext_ack;

/**
 * struct iosm_flash_progress - who wants to know how far it is; to be embedded
 * @status: @message and @component, which may be NULL, are terminated strings that are
 *	gone after the return; @done of @total units, both 0 if there are none to count;
 *	process context, may sleep, must not wait for the modem
 */
struct iosm_flash_progress {
	void (*status)(struct iosm_flash_progress *progress, const char *message,
		       const char *component, unsigned long done, unsigned long total);
};

struct iosm_flash *iosm_flash_create(struct iosm_modem *modem);
void iosm_flash_destroy(struct iosm_flash *flash);

int iosm_flash_psi(struct iosm_flash *flash, const struct iosm_image *image,
		   struct iosm_flash_progress *progress, struct netlink_ext_ack *extack);
int iosm_flash_ebl(struct iosm_flash *flash, const struct iosm_image *image, bool erase_full,
		   struct iosm_flash_progress *progress, struct netlink_ext_ack *extack);
int iosm_flash_fls(struct iosm_flash *flash, const struct iosm_image *image, bool *erase_full,
		   struct iosm_flash_progress *progress, struct netlink_ext_ack *extack);

#endif /* IOSM_IPC_FLASH_H */
