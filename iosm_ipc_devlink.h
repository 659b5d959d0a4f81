/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The modem as a devlink instance: its health, firmware, core dumps.
 */
#ifndef IOSM_IPC_DEVLINK_H
#define IOSM_IPC_DEVLINK_H

struct iosm_devlink;
struct iosm_modem;

struct iosm_devlink *iosm_devlink_create(struct iosm_modem *modem);
void iosm_devlink_close(struct iosm_devlink *dl);
void iosm_devlink_free(struct iosm_devlink *dl);

#endif /* IOSM_IPC_DEVLINK_H */
