/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The clients of the core, listed by the PCI driver.
 */
#ifndef IOSM_IPC_CLIENTS_H
#define IOSM_IPC_CLIENTS_H

#include "iosm_ipc_imem.h"

extern const struct iosm_client iosm_flash_client;
extern const struct iosm_client iosm_port_client;
extern const struct iosm_client iosm_trace_client;
extern const struct iosm_client iosm_wwan_client;

#endif /* IOSM_IPC_CLIENTS_H */
