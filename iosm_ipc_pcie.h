/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What of the PCI driver can be tested without a PCI device.
 *
 * Readers: iosm_ipc_pcie.c and the KUnit suite iosm_pcie.
 */
#ifndef IOSM_IPC_PCIE_H
#define IOSM_IPC_PCIE_H

#include "iosm_ipc_mmio.h"

union acpi_object;

enum iosm_host_sleep iosm_pci_dsm_sleep(const union acpi_object *result);

#endif /* IOSM_IPC_PCIE_H */
