// SPDX-License-Identifier: GPL-2.0-only
/*
 * Configuration space: what a PCI core looks at, and what it may change.
 */
#include <linux/pci_regs.h>

#include "check.h"
#include "gmem.h"
#include "log.h"
#include "pcidev.h"
#include "wire.h"

static unsigned int resets, flrs, msis, pmes, powers;
static uint8_t mem[4096];

static void dev_read(void *ctx, unsigned int bar, uint32_t offset, void *data,
		     uint32_t size)
{
	(void)ctx;
	memset(data, (int)(bar + offset), size);
}

static void dev_write(void *ctx, unsigned int bar, uint32_t offset,
		      const void *data, uint32_t size)
{
	(void)ctx;
	(void)bar;
	(void)offset;
	(void)data;
	(void)size;
}

static void dev_reset(void *ctx, bool flr)
{
	(void)ctx;
	flrs += flr;
	resets++;
}

static void dev_power(void *ctx, bool d0)
{
	(void)ctx;
	powers += d0 ? 100 : 1;
}

static void host_msi(void *ctx, uint16_t data)
{
	(void)ctx;
	CHECK_EQ(data, 0x4321);
	msis++;
}

static void host_pme(void *ctx)
{
	(void)ctx;
	pmes++;
}

static const struct pcidev_device_ops device_ops = {
	.read = dev_read, .write = dev_write, .reset = dev_reset,
	.power = dev_power,
};

static const struct pcidev_host_ops host_ops = {
	.msi = host_msi, .pme = host_pme,
};

static struct gmem gmem;

static void setup(struct pcidev *pci, uint16_t id)
{
	gmem_clear(&gmem);
	gmem_add_ptr(&gmem, mem, 0x10000, sizeof(mem));
	pcidev_init(pci, id, &gmem);
	pci->device = &device_ops;
	pci->host = &host_ops;
	resets = 0;
	flrs = 0;
	msis = 0;
	pmes = 0;
	powers = 0;
}

static uint32_t get(struct pcidev *pci, unsigned int offset, uint32_t size)
{
	uint8_t data[4] = { 0 };

	pcidev_config_read(pci, offset, data, size);
	return wire_get32(data);
}

static void put(struct pcidev *pci, unsigned int offset, uint32_t value,
		uint32_t size)
{
	uint8_t data[4];

	wire_put32(data, value);
	pcidev_config_write(pci, offset, data, size);
}

static unsigned int find_capability(struct pcidev *pci, uint32_t id)
{
	uint32_t at = get(pci, PCI_CAPABILITY_LIST, 1);

	for (int i = 0; i < 48 && at; i++) {
		if (get(pci, at, 1) == id)
			return at;
		at = get(pci, at + 1, 1);
	}
	return 0;
}

TEST(identity)
{
	struct pcidev pci;

	setup(&pci, 0x7560);
	CHECK_EQ(get(&pci, 0, 4), 0x75608086);
	CHECK_EQ(get(&pci, PCI_CLASS_REVISION, 4) >> 8, 0x0d4000);
	CHECK_EQ(get(&pci, PCI_HEADER_TYPE, 1), 0);
	CHECK_EQ(get(&pci, PCI_STATUS, 2), PCI_STATUS_CAP_LIST);
	CHECK_EQ(get(&pci, 256, 4), 0);
	CHECK_EQ(get(&pci, 4092, 4), 0);
	setup(&pci, 0x7360);
	CHECK_EQ(get(&pci, 0, 4), 0x73608086);
}

TEST(read_only_registers_stay)
{
	struct pcidev pci;

	setup(&pci, 0x7560);
	put(&pci, 0, 0xffffffff, 4);
	put(&pci, PCI_CLASS_REVISION, 0xffffffff, 4);
	put(&pci, PCI_CAPABILITY_LIST, 0xff, 1);
	CHECK_EQ(get(&pci, 0, 4), 0x75608086);
	CHECK_EQ(get(&pci, PCI_CLASS_REVISION, 4), 0x0d400001);
	CHECK_EQ(get(&pci, PCI_CAPABILITY_LIST, 1), PCIDEV_CAP_PM);
	put(&pci, PCI_COMMAND, 0xffff, 2);
	CHECK_EQ(get(&pci, PCI_COMMAND, 2), 0x0546);
}

TEST(bars_are_sized_like_two_pages_of_64_bit)
{
	struct pcidev pci;

	setup(&pci, 0x7560);
	for (unsigned int bar = 0; bar < 6; bar++)
		put(&pci, PCI_BASE_ADDRESS_0 + 4 * bar, 0xffffffff, 4);
	CHECK_EQ(get(&pci, PCI_BASE_ADDRESS_0, 4), 0xfffff004);
	CHECK_EQ(get(&pci, PCI_BASE_ADDRESS_1, 4), 0xffffffff);
	CHECK_EQ(get(&pci, PCI_BASE_ADDRESS_2, 4), 0xfffff004);
	CHECK_EQ(get(&pci, PCI_BASE_ADDRESS_3, 4), 0xffffffff);
	CHECK_EQ(get(&pci, PCI_BASE_ADDRESS_4, 4), 0);
	CHECK_EQ(get(&pci, PCI_BASE_ADDRESS_5, 4), 0);
	CHECK_EQ(get(&pci, PCI_ROM_ADDRESS, 4), 0);
}

TEST(bytes_and_words_work_alike)
{
	struct pcidev pci;

	setup(&pci, 0x7560);
	put(&pci, PCI_BASE_ADDRESS_0 + 1, 0x12, 1);
	put(&pci, PCI_BASE_ADDRESS_0 + 2, 0x3456, 2);
	CHECK_EQ(get(&pci, PCI_BASE_ADDRESS_0, 4), 0x34561004);
	CHECK_EQ(get(&pci, PCI_BASE_ADDRESS_0 + 3, 1), 0x34);
}

TEST(capabilities_are_there)
{
	struct pcidev pci;
	unsigned int pm, msi, pcie;

	setup(&pci, 0x7560);
	pm = find_capability(&pci, PCI_CAP_ID_PM);
	msi = find_capability(&pci, PCI_CAP_ID_MSI);
	pcie = find_capability(&pci, PCI_CAP_ID_EXP);
	REQUIRE(pm && msi && pcie);
	CHECK_EQ(find_capability(&pci, PCI_CAP_ID_MSIX), 0);
	CHECK(get(&pci, pm + PCI_PM_CTRL, 2) & PCI_PM_CTRL_NO_SOFT_RESET);
	CHECK_EQ(get(&pci, pm + PCI_PM_PMC, 2) & PCI_PM_CAP_PME_MASK,
		 PCI_PM_CAP_PME_D0 | PCI_PM_CAP_PME_D3hot |
		 PCI_PM_CAP_PME_D3cold);
	CHECK_EQ(get(&pci, msi + PCI_MSI_FLAGS, 2),
		 PCI_MSI_FLAGS_64BIT | PCI_MSI_FLAGS_MASKBIT);
	CHECK(get(&pci, pcie + PCI_EXP_DEVCAP, 4) & PCI_EXP_DEVCAP_FLR);
	CHECK(get(&pci, pcie + PCI_EXP_DEVCAP2, 4) & PCI_EXP_DEVCAP2_LTR);
	put(&pci, pcie + PCI_EXP_DEVCTL2, PCI_EXP_DEVCTL2_LTR_EN, 2);
	CHECK_EQ(get(&pci, pcie + PCI_EXP_DEVCTL2, 2), PCI_EXP_DEVCTL2_LTR_EN);
}

static void enable_msi(struct pcidev *pci)
{
	put(pci, PCI_COMMAND, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER, 2);
	put(pci, PCIDEV_CAP_MSI + PCI_MSI_DATA_64, 0x4321, 2);
	put(pci, PCIDEV_CAP_MSI + PCI_MSI_FLAGS, PCI_MSI_FLAGS_ENABLE, 2);
}

TEST(msi_needs_permission)
{
	struct pcidev pci;

	setup(&pci, 0x7560);
	pcidev_msi(&pci);
	CHECK_EQ(msis, 0);
	enable_msi(&pci);
	pcidev_msi(&pci);
	CHECK_EQ(msis, 1);
	put(&pci, PCI_COMMAND, PCI_COMMAND_MEMORY, 2);
	pcidev_msi(&pci);
	put(&pci, PCI_COMMAND, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER, 2);
	put(&pci, PCIDEV_CAP_PM + PCI_PM_CTRL, 3, 2);
	pcidev_msi(&pci);
	CHECK_EQ(msis, 1);
	CHECK_EQ(pci.msi_sent, 1);
	CHECK_EQ(pci.msi_lost, 3);
}

TEST(masked_msi_stays_pending)
{
	struct pcidev pci;

	setup(&pci, 0x7560);
	enable_msi(&pci);
	put(&pci, PCIDEV_CAP_MSI + PCI_MSI_MASK_64, 1, 4);
	pcidev_msi(&pci);
	pcidev_msi(&pci);
	CHECK_EQ(msis, 0);
	CHECK_EQ(get(&pci, PCIDEV_CAP_MSI + PCI_MSI_PENDING_64, 4), 1);
	put(&pci, PCIDEV_CAP_MSI + PCI_MSI_MASK_64, 0, 4);
	CHECK_EQ(msis, 1);
	CHECK_EQ(get(&pci, PCIDEV_CAP_MSI + PCI_MSI_PENDING_64, 4), 0);
}

TEST(d3hot_keeps_state)
{
	struct pcidev pci;

	setup(&pci, 0x7560);
	enable_msi(&pci);
	put(&pci, PCIDEV_CAP_PM + PCI_PM_CTRL, 3, 2);
	CHECK_EQ(powers, 1);
	CHECK_EQ(pci.d3_entries, 1);
	CHECK(!pcidev_in_d0(&pci));
	CHECK(!pcidev_dma(&pci, 0x10000, 4));
	put(&pci, PCIDEV_CAP_PM + PCI_PM_CTRL, 0, 2);
	CHECK_EQ(powers, 101);
	CHECK_EQ(pci.d3_entries, 1);
	CHECK_EQ(resets, 0);
	CHECK(pcidev_dma(&pci, 0x10000, 4) == mem);
	CHECK_EQ(get(&pci, PCI_COMMAND, 2), 6);
}

TEST(pme_is_sticky_and_needs_permission)
{
	struct pcidev pci;
	unsigned int ctrl = PCIDEV_CAP_PM + PCI_PM_CTRL;

	setup(&pci, 0x7560);
	pcidev_pme(&pci);
	CHECK_EQ(pmes, 0);
	CHECK(get(&pci, ctrl, 2) & PCI_PM_CTRL_PME_STATUS);
	put(&pci, ctrl, PCI_PM_CTRL_PME_ENABLE, 2);
	CHECK(get(&pci, ctrl, 2) & PCI_PM_CTRL_PME_STATUS);
	pcidev_pme(&pci);
	CHECK_EQ(pmes, 1);
	put(&pci, ctrl, PCI_PM_CTRL_PME_ENABLE | PCI_PM_CTRL_PME_STATUS, 2);
	CHECK_EQ(get(&pci, ctrl, 2), PCI_PM_CTRL_PME_ENABLE |
		 PCI_PM_CTRL_NO_SOFT_RESET);
}

TEST(pme_is_asserted_once)
{
	struct pcidev pci;
	unsigned int ctrl = PCIDEV_CAP_PM + PCI_PM_CTRL;

	setup(&pci, 0x7560);
	pcidev_pme(&pci);
	pcidev_pme(&pci);
	CHECK_EQ(pmes, 0);
	/* As soon as it is allowed. */
	put(&pci, ctrl, PCI_PM_CTRL_PME_ENABLE, 2);
	CHECK_EQ(pmes, 1);
	pcidev_pme(&pci);
	put(&pci, ctrl, PCI_PM_CTRL_PME_ENABLE | 3, 2);
	CHECK_EQ(pmes, 1);
	/* The next one after the guest took the first one. */
	put(&pci, ctrl, PCI_PM_CTRL_PME_ENABLE | PCI_PM_CTRL_PME_STATUS, 2);
	CHECK_EQ(pmes, 1);
	pcidev_pme(&pci);
	CHECK_EQ(pmes, 2);
	CHECK_EQ(pci.pme_sent, 2);
	/* Allowed and acknowledged at once: nothing is left to tell. */
	put(&pci, ctrl, 0, 2);
	put(&pci, ctrl, PCI_PM_CTRL_PME_ENABLE | PCI_PM_CTRL_PME_STATUS, 2);
	CHECK_EQ(pmes, 2);
}

TEST(function_level_reset)
{
	struct pcidev pci;

	setup(&pci, 0x7560);
	enable_msi(&pci);
	put(&pci, PCI_BASE_ADDRESS_0, 0xf0000000, 4);
	put(&pci, PCIDEV_CAP_PCIE + PCI_EXP_DEVCTL, PCI_EXP_DEVCTL_BCR_FLR, 2);
	CHECK_EQ(resets, 1);
	CHECK_EQ(flrs, 1);
	CHECK_EQ(get(&pci, PCI_COMMAND, 2), 0);
	CHECK_EQ(get(&pci, PCI_BASE_ADDRESS_0, 4), 4);
	CHECK_EQ(get(&pci, PCIDEV_CAP_MSI + PCI_MSI_FLAGS, 2) &
		 PCI_MSI_FLAGS_ENABLE, 0);
	CHECK_EQ(get(&pci, PCIDEV_CAP_PCIE + PCI_EXP_DEVCTL, 2), 0);
}

TEST(function_that_is_gone)
{
	struct pcidev pci;

	setup(&pci, 0x7560);
	enable_msi(&pci);
	pcidev_vanish(&pci);
	CHECK_EQ(get(&pci, 0, 4), 0xffffffff);
	CHECK_EQ(get(&pci, 1000, 2), 0xffff);
	put(&pci, PCIDEV_CAP_PCIE + PCI_EXP_DEVCTL, PCI_EXP_DEVCTL_BCR_FLR, 2);
	put(&pci, PCIDEV_CAP_PM + PCI_PM_CTRL, 3 | PCI_PM_CTRL_PME_ENABLE, 2);
	pcidev_msi(&pci);
	pcidev_pme(&pci);
	CHECK(!pcidev_dma(&pci, 0x10000, 4));
	CHECK_EQ(pci.absent, 4);
	CHECK_EQ(resets + powers + msis + pmes, 0);
	CHECK_EQ(pci.msi_lost, 0);
	pcidev_return(&pci);
	CHECK_EQ(resets, 1);
	CHECK_EQ(flrs, 0);
	CHECK_EQ(get(&pci, PCI_COMMAND, 2), 0);
	CHECK_EQ(get(&pci, 0, 4), 0x75608086);
}

TEST(function_that_lost_power)
{
	struct pcidev pci;
	unsigned long before = violation_count();
	uint8_t data[4];

	setup(&pci, 0x7560);
	enable_msi(&pci);
	put(&pci, PCIDEV_CAP_PM + PCI_PM_CTRL, 3, 2);
	pcidev_forget(&pci);
	CHECK(pcidev_in_d0(&pci));
	CHECK_EQ(resets, 0);
	CHECK_EQ(get(&pci, PCI_COMMAND, 2), 0);
	pcidev_bar_read(&pci, 2, 0, data, 4);
	CHECK_EQ(wire_get32(data), 0xffffffff);
	pcidev_bar_write(&pci, 0, 0x10, data, 4);
	CHECK_EQ(pci.absent, 2);
	CHECK_EQ(violation_count(), before);
	/* From now on, the host is to blame. */
	enable_msi(&pci);
	put(&pci, PCI_COMMAND, 0, 2);
	pcidev_bar_read(&pci, 2, 0, data, 4);
	CHECK_EQ(violation_count(), before + 1);
}

TEST(device_that_is_mute)
{
	struct pcidev pci;

	setup(&pci, 0x7560);
	enable_msi(&pci);
	put(&pci, PCIDEV_CAP_PM + PCI_PM_CTRL, PCI_PM_CTRL_PME_ENABLE, 2);
	pci.mute = true;
	pcidev_msi(&pci);
	pcidev_pme(&pci);
	CHECK(!pcidev_dma(&pci, 0x10000, 4));
	CHECK_EQ(msis + pmes, 0);
	CHECK_EQ(get(&pci, 0, 4), 0x75608086);
	pci.mute = false;
	pcidev_msi(&pci);
	CHECK_EQ(msis, 1);
}

TEST(wild_offsets_do_no_harm)
{
	struct pcidev pci;
	uint8_t data[8];

	setup(&pci, 0x7560);
	for (int shift = 0; shift < 64; shift++) {
		for (int near = -8; near <= 8; near++) {
			uint64_t at = ((uint64_t)1 << shift) + (uint64_t)near;

			memset(data, 0x40, sizeof(data));
			pcidev_config_write(&pci, at, data, 8);
			pcidev_config_read(&pci, at, data, 8);
		}
	}
	CHECK_EQ(get(&pci, 0, 4), 0x75608086);
}

TEST(dma_stays_inside_memory)
{
	struct pcidev pci;

	setup(&pci, 0x7560);
	CHECK(!pcidev_dma(&pci, 0x10000, 1));
	put(&pci, PCI_COMMAND, PCI_COMMAND_MASTER, 2);
	CHECK(pcidev_dma(&pci, 0x10000, 4096) == mem);
	CHECK(pcidev_dma(&pci, 0x10fff, 1) == mem + 4095);
	CHECK(!pcidev_dma(&pci, 0x10fff, 2));
	CHECK(!pcidev_dma(&pci, 0xffff, 1));
	CHECK(!pcidev_dma(&pci, 0x11000, 0));
	CHECK(!pcidev_dma(&pci, 0x10000, ~0ull));
	CHECK(!pcidev_dma(&pci, ~0ull, 4));
}

TEST(memory_regions_do_not_overlap)
{
	struct gmem table = { .count = 0 };

	CHECK_EQ(gmem_add_ptr(&table, mem, 0x1000, 0x1000), 0);
	CHECK(gmem_add_ptr(&table, mem, 0x1fff, 0x10) < 0);
	CHECK(gmem_add_ptr(&table, mem, 0x800, 0x801) < 0);
	CHECK(gmem_add_ptr(&table, mem, 0x4000, 0) < 0);
	CHECK(gmem_add_ptr(&table, mem, ~0ull, 2) < 0);
	CHECK_EQ(gmem_add_ptr(&table, mem, 0x2000, 0x1000), 0);
	for (unsigned int i = 2; i < GMEM_REGIONS; i++)
		CHECK_EQ(gmem_add_ptr(&table, mem, 0x10000ull * i, 16), 0);
	CHECK(gmem_add_ptr(&table, mem, 0x1000000, 16) < 0);
}
