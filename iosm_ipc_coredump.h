/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The core dump of a crashed modem, fetched from its first boot loader.
 *
 * Reader: iosm_ipc_devlink*.c, which shows the files as regions. The kinds of files
 * are in iosm_ipc_flash_wire.h.
 */
#ifndef IOSM_IPC_COREDUMP_H
#define IOSM_IPC_COREDUMP_H

#include <linux/types.h>

#include "iosm_ipc_flash_wire.h"

struct iosm_flash;
struct netlink_ext_ack;

void iosm_coredump_forget(struct iosm_flash *flash);
bool iosm_coredump_available(struct iosm_flash *flash, unsigned int index);
int iosm_coredump_fetch(struct iosm_flash *flash, unsigned int index, u8 *data,
			struct netlink_ext_ack *extack);

#endif /* IOSM_IPC_COREDUMP_H */
