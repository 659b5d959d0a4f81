// SPDX-License-Identifier: GPL-2.0-only
/*
 * Configuration space of the modem (protocol.rst 1.1, 1.2, 10.1).
 */
#include <endian.h>
#include <string.h>

#include <linux/pci_regs.h>

#include "log.h"
#include "pcidev.h"

#define PCI_VENDOR_INTEL	0x8086

#define MSI_FLAGS	(PCIDEV_CAP_MSI + PCI_MSI_FLAGS)
#define MSI_DATA	(PCIDEV_CAP_MSI + PCI_MSI_DATA_64)
#define MSI_MASK	(PCIDEV_CAP_MSI + PCI_MSI_MASK_64)
#define MSI_PENDING	(PCIDEV_CAP_MSI + PCI_MSI_PENDING_64)
#define PM_CTRL		(PCIDEV_CAP_PM + PCI_PM_CTRL)
#define EXP_DEVCTL	(PCIDEV_CAP_PCIE + PCI_EXP_DEVCTL)

static uint16_t config16(const struct pcidev *pci, unsigned int offset)
{
	return (uint16_t)(pci->config[offset] | pci->config[offset + 1] << 8);
}

static void put16(uint8_t *bytes, unsigned int offset, unsigned int value)
{
	bytes[offset] = (uint8_t)value;
	bytes[offset + 1] = (uint8_t)(value >> 8);
}

static void put32(uint8_t *bytes, unsigned int offset, uint32_t value)
{
	put16(bytes, offset, value & 0xffff);
	put16(bytes, offset + 2, value >> 16);
}

static void pcidev_setup_header(struct pcidev *pci)
{
	uint8_t *c = pci->config, *w = pci->writable;

	put16(c, PCI_VENDOR_ID, PCI_VENDOR_INTEL);
	put16(c, PCI_DEVICE_ID, pci->device_id);
	put16(c, PCI_STATUS, PCI_STATUS_CAP_LIST);
	put16(w, PCI_COMMAND, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER |
	      PCI_COMMAND_PARITY | PCI_COMMAND_SERR |
	      PCI_COMMAND_INTX_DISABLE);
	c[PCI_REVISION_ID] = 1;
	c[PCI_CLASS_DEVICE] = 0x40;
	c[PCI_CLASS_DEVICE + 1] = 0x0d;
	w[PCI_CACHE_LINE_SIZE] = 0xff;
	put16(c, PCI_SUBSYSTEM_VENDOR_ID, PCI_VENDOR_INTEL);
	put16(c, PCI_SUBSYSTEM_ID, pci->device_id);
	c[PCI_CAPABILITY_LIST] = PCIDEV_CAP_PM;
	w[PCI_INTERRUPT_LINE] = 0xff;

	for (unsigned int bar = 0; bar <= 2; bar += 2) {
		unsigned int reg = PCI_BASE_ADDRESS_0 + 4 * bar;

		put32(c, reg, PCI_BASE_ADDRESS_MEM_TYPE_64);
		put32(w, reg, ~(uint32_t)(PCIDEV_BAR_SIZE - 1));
		put32(w, reg + 4, ~(uint32_t)0);
	}
}

static void pcidev_setup_capabilities(struct pcidev *pci)
{
	uint8_t *c = pci->config, *w = pci->writable;

	c[PCIDEV_CAP_PM] = PCI_CAP_ID_PM;
	c[PCIDEV_CAP_PM + 1] = PCIDEV_CAP_MSI;
	put16(c, PCIDEV_CAP_PM + PCI_PM_PMC, 3 | PCI_PM_CAP_PME_D0 |
	      PCI_PM_CAP_PME_D3hot | PCI_PM_CAP_PME_D3cold);
	put16(c, PM_CTRL, PCI_PM_CTRL_NO_SOFT_RESET);
	put16(w, PM_CTRL, PCI_PM_CTRL_STATE_MASK | PCI_PM_CTRL_PME_ENABLE);
	put16(pci->write_one_clears, PM_CTRL, PCI_PM_CTRL_PME_STATUS);

	c[PCIDEV_CAP_MSI] = PCI_CAP_ID_MSI;
	c[PCIDEV_CAP_MSI + 1] = PCIDEV_CAP_PCIE;
	put16(c, MSI_FLAGS, PCI_MSI_FLAGS_64BIT | PCI_MSI_FLAGS_MASKBIT);
	put16(w, MSI_FLAGS, PCI_MSI_FLAGS_ENABLE);
	put32(w, PCIDEV_CAP_MSI + PCI_MSI_ADDRESS_LO, ~(uint32_t)3);
	put32(w, PCIDEV_CAP_MSI + PCI_MSI_ADDRESS_HI, ~(uint32_t)0);
	put16(w, MSI_DATA, 0xffff);
	put32(w, MSI_MASK, 1);

	c[PCIDEV_CAP_PCIE] = PCI_CAP_ID_EXP;
	put16(c, PCIDEV_CAP_PCIE + PCI_EXP_FLAGS, 2);
	put32(c, PCIDEV_CAP_PCIE + PCI_EXP_DEVCAP,
	      PCI_EXP_DEVCAP_RBER | PCI_EXP_DEVCAP_FLR);
	put16(w, EXP_DEVCTL, 0x7fff);
	/* 5 GT/s, one lane, L1 supported. */
	put32(c, PCIDEV_CAP_PCIE + PCI_EXP_LNKCAP, 2 | 1 << 4 | 2 << 10);
	put16(w, PCIDEV_CAP_PCIE + PCI_EXP_LNKCTL,
	      PCI_EXP_LNKCTL_ASPMC | PCI_EXP_LNKCTL_RCB | PCI_EXP_LNKCTL_CCC |
	      PCI_EXP_LNKCTL_ES | PCI_EXP_LNKCTL_CLKREQ_EN);
	put16(c, PCIDEV_CAP_PCIE + PCI_EXP_LNKSTA, 2 | 1 << 4);
	put32(c, PCIDEV_CAP_PCIE + PCI_EXP_DEVCAP2, PCI_EXP_DEVCAP2_LTR);
	put16(w, PCIDEV_CAP_PCIE + PCI_EXP_DEVCTL2, PCI_EXP_DEVCTL2_LTR_EN);
	put32(c, PCIDEV_CAP_PCIE + PCI_EXP_LNKCAP2, 3 << 1);
}

static void pcidev_setup(struct pcidev *pci)
{
	memset(pci->config, 0, sizeof(pci->config));
	memset(pci->writable, 0, sizeof(pci->writable));
	memset(pci->write_one_clears, 0, sizeof(pci->write_one_clears));
	pcidev_setup_header(pci);
	pcidev_setup_capabilities(pci);
}

void pcidev_init(struct pcidev *pci, uint16_t device_id, struct gmem *mem)
{
	*pci = (struct pcidev) { .mem = mem, .device_id = device_id };
	pcidev_setup(pci);
}

static void pcidev_reset(struct pcidev *pci, bool flr)
{
	pcidev_setup(pci);
	pci->gone = false;
	pci->bare = false;
	if (pci->device)
		pci->device->reset(pci->device_ctx, flr);
}

void pcidev_power_on(struct pcidev *pci)
{
	pcidev_reset(pci, false);
}

void pcidev_vanish(struct pcidev *pci)
{
	trace("gone");
	log_info("the function is gone");
	pci->gone = true;
}

void pcidev_return(struct pcidev *pci)
{
	trace("back");
	log_info("the function is back");
	pcidev_power_on(pci);
	pci->bare = true;
}

void pcidev_forget(struct pcidev *pci)
{
	pcidev_setup(pci);
	pci->bare = true;
}

bool pcidev_in_d0(const struct pcidev *pci)
{
	return !(config16(pci, PM_CTRL) & PCI_PM_CTRL_STATE_MASK);
}

bool pcidev_may_dma(const struct pcidev *pci)
{
	return !pci->gone && !pci->mute && pcidev_in_d0(pci) &&
	       config16(pci, PCI_COMMAND) & PCI_COMMAND_MASTER;
}

void *pcidev_dma(const struct pcidev *pci, uint64_t addr, uint64_t len)
{
	return pcidev_may_dma(pci) ? gmem_guest(pci->mem, addr, len) : NULL;
}

void pcidev_msi(struct pcidev *pci)
{
	if (pci->gone || pci->mute)
		return;
	if (!(config16(pci, MSI_FLAGS) & PCI_MSI_FLAGS_ENABLE) ||
	    !pcidev_may_dma(pci) || !pci->host) {
		pci->msi_lost++;
		trace("msi lost");
		return;
	}
	if (pci->config[MSI_MASK] & 1) {
		pci->config[MSI_PENDING] |= 1;
		trace("msi masked");
		return;
	}
	pci->config[MSI_PENDING] = 0;
	pci->msi_sent++;
	trace("msi");
	pci->host->msi(pci->host_ctx, config16(pci, MSI_DATA));
}

static bool pme_asserted(const struct pcidev *pci)
{
	const unsigned int both = PCI_PM_CTRL_PME_STATUS |
				  PCI_PM_CTRL_PME_ENABLE;

	return (config16(pci, PM_CTRL) & both) == both;
}

static void pme_update(struct pcidev *pci, bool was_asserted)
{
	if (was_asserted || !pme_asserted(pci) || !pci->host)
		return;
	pci->pme_sent++;
	trace("pme");
	pci->host->pme(pci->host_ctx);
}

void pcidev_pme(struct pcidev *pci)
{
	bool was_asserted = pme_asserted(pci);

	if (pci->gone || pci->mute)
		return;
	put16(pci->config, PM_CTRL,
	      config16(pci, PM_CTRL) | PCI_PM_CTRL_PME_STATUS);
	pme_update(pci, was_asserted);
}

void pcidev_config_read(struct pcidev *pci, uint64_t offset, void *data,
			uint32_t size)
{
	uint8_t *bytes = data;

	if (pci->gone) {
		pci->absent++;
		memset(data, 0xff, size);
		return;
	}
	/* Beyond 256 there is an extended space without capabilities. */
	for (uint32_t i = 0; i < size; i++)
		bytes[i] = offset + i < sizeof(pci->config) ?
			   pci->config[offset + i] : 0;
}

/* Returns whether the host asks for a reset. */
static bool config_store(struct pcidev *pci, uint64_t offset,
			 const uint8_t *bytes, uint32_t size)
{
	bool reset = false;

	for (uint32_t i = 0; i < size; i++) {
		uint64_t at = offset + i;

		if (at < offset || at >= sizeof(pci->config))
			break;
		if (at == EXP_DEVCTL + 1 && bytes[i] & 0x80)
			reset = true;
		pci->config[at] = (uint8_t)((pci->config[at] &
					     ~pci->writable[at] &
					     ~(pci->write_one_clears[at] &
					       bytes[i])) |
					    (bytes[i] & pci->writable[at]));
	}
	return reset;
}

void pcidev_config_write(struct pcidev *pci, uint64_t offset, const void *data,
			 uint32_t size)
{
	bool was_d0 = pcidev_in_d0(pci), was_asserted = pme_asserted(pci), d0;

	if (pci->gone) {
		pci->absent++;
		return;
	}
	if (config_store(pci, offset, data, size)) {
		trace("function-level reset");
		log_info("function-level reset");
		pci->flr++;
		pcidev_reset(pci, true);
		return;
	}

	if (config16(pci, PCI_COMMAND) & PCI_COMMAND_MEMORY)
		pci->bare = false;
	pme_update(pci, was_asserted);
	d0 = pcidev_in_d0(pci);
	if (d0 != was_d0) {
		trace("power %s", d0 ? "D0" : "D3hot");
		pci->d3_entries += !d0;
		if (pci->device)
			pci->device->power(pci->device_ctx, d0);
	}
	if (pci->config[MSI_PENDING] && !(pci->config[MSI_MASK] & 1))
		pcidev_msi(pci);
}

/* Does the function answer on this BAR at all, and is the range inside it? */
static bool pcidev_bar_good(struct pcidev *pci, const char *what,
			    unsigned int bar, uint64_t offset, uint32_t size)
{
	if (pci->gone || pci->bare) {
		pci->absent++;
		return false;
	}
	if (bar != PCIDEV_DOORBELL_BAR && bar != PCIDEV_REGISTER_BAR) {
		violation("1.2", "%s BAR %u, which does not exist", what, bar);
		return false;
	}
	if (!pcidev_in_d0(pci)) {
		violation("6.5", "%s BAR %u + 0x%llx in D3hot", what, bar,
			  (unsigned long long)offset);
		return false;
	}
	if (!(config16(pci, PCI_COMMAND) & PCI_COMMAND_MEMORY)) {
		violation("1.2", "%s BAR %u with memory decoding off", what,
			  bar);
		return false;
	}
	if (offset >= PCIDEV_BAR_SIZE || size > PCIDEV_BAR_SIZE - offset) {
		violation("1.2", "%s BAR %u beyond its end: 0x%llx + %u", what,
			  bar, (unsigned long long)offset, size);
		return false;
	}
	return true;
}

void pcidev_bar_read(struct pcidev *pci, unsigned int bar, uint64_t offset,
		     void *data, uint32_t size)
{
	memset(data, 0xff, size);
	if (pcidev_bar_good(pci, "read of", bar, offset, size) && pci->device)
		pci->device->read(pci->device_ctx, bar, (uint32_t)offset, data,
				  size);
}

void pcidev_bar_write(struct pcidev *pci, unsigned int bar, uint64_t offset,
		      const void *data, uint32_t size)
{
	if (pcidev_bar_good(pci, "write to", bar, offset, size) && pci->device)
		pci->device->write(pci->device_ctx, bar, (uint32_t)offset,
				   data, size);
}
