// SPDX-License-Identifier: GPL-2.0-only
/**
 * DOC: The PCI driver
 *
 * Finds the device, checks and maps its two BARs, sets up its one MSI vector,
 * and puts the core and its clients together. Probe waits for nothing: the
 * core brings the modem up in the background.
 *
 * Implements protocol.rst 1.1 to 1.5, 1.9 and 1.10.
 */

#include <linux/dma-mapping.h>
#include <linux/io.h>
#include <linux/module.h>
#include <linux/pci.h>

#include "iosm_ipc_clients.h"
#include "iosm_ipc_imem.h"

/**
 * struct iosm_pci - one PCI function
 * @bus: access for the core
 * @pdev: the function
 * @doorbells: BAR 0
 * @regs: BAR 2
 * @modem: the core
 */
struct iosm_pci {
	struct iosm_bus bus;
	struct pci_dev *pdev;
	void __iomem *doorbells;
	void __iomem *regs;
	struct iosm_modem *modem;
};

static const struct iosm_client *const iosm_clients[] = {
	&iosm_wwan_client,
	&iosm_port_client,
	NULL
};

static_assert(ARRAY_SIZE(iosm_clients) <= IOSM_CLIENTS_MAX + 1);

static struct iosm_pci *to_iosm_pci(struct iosm_bus *bus)
{
	return container_of(bus, struct iosm_pci, bus);
}

static u32 iosm_pci_read32(struct iosm_bus *bus, u32 offset)
{
	return ioread32(to_iosm_pci(bus)->regs + offset);
}

static u8 iosm_pci_read8(struct iosm_bus *bus, u32 offset)
{
	return ioread8(to_iosm_pci(bus)->regs + offset);
}

static void iosm_pci_write32(struct iosm_bus *bus, u32 offset, u32 value)
{
	iowrite32(value, to_iosm_pci(bus)->regs + offset);
}

static void iosm_pci_ring(struct iosm_bus *bus, enum iosm_doorbell bell,
			  u32 value)
{
	/* Orders earlier memory writes, such as a head index, before itself. */
	iowrite32(value, to_iosm_pci(bus)->doorbells + IOSM_DOORBELL(bell));
}

static void iosm_pci_set_dma(struct iosm_bus *bus, bool allowed)
{
	if (allowed)
		pci_set_master(to_iosm_pci(bus)->pdev);
	else
		pci_clear_master(to_iosm_pci(bus)->pdev);
}

static const struct iosm_bus_ops iosm_pci_bus_ops = {
	.read32 = iosm_pci_read32,
	.read8 = iosm_pci_read8,
	.write32 = iosm_pci_write32,
	.ring = iosm_pci_ring,
	.set_dma = iosm_pci_set_dma,
};

static irqreturn_t iosm_pci_interrupt(int irq, void *data)
{
	struct iosm_modem *modem = data;

	iosm_modem_interrupt(modem);
	return IRQ_HANDLED;
}

static void __iomem *iosm_pci_map(struct pci_dev *pdev, int bar,
				  resource_size_t min)
{
	if (!(pci_resource_flags(pdev, bar) & IORESOURCE_MEM) ||
	    pci_resource_len(pdev, bar) < min) {
		dev_err(&pdev->dev, "BAR %d is unusable: %pR\n", bar,
			&pdev->resource[bar]);
		return IOMEM_ERR_PTR(-ENODEV);
	}
	return pcim_iomap_region(pdev, bar, KBUILD_MODNAME);
}

/* Latency tolerance reporting lets the link enter its deepest idle state. */
static void iosm_pci_enable_ltr(struct pci_dev *pdev)
{
	u32 caps;

	if (pcie_capability_read_dword(pdev, PCI_EXP_DEVCAP2, &caps) ||
	    caps == IOSM_ALL_ONES || !(caps & PCI_EXP_DEVCAP2_LTR))
		return;
	pcie_capability_set_word(pdev, PCI_EXP_DEVCTL2, PCI_EXP_DEVCTL2_LTR_EN);
}

static int iosm_pci_setup(struct iosm_pci *iosm)
{
	struct pci_dev *pdev = iosm->pdev;
	int ret;

	ret = pcim_enable_device(pdev);
	if (ret)
		return ret;
	ret = dma_set_mask_and_coherent(&pdev->dev, DMA_BIT_MASK(64));
	if (ret)
		ret = dma_set_mask_and_coherent(&pdev->dev, DMA_BIT_MASK(32));
	if (ret)
		return ret;

	iosm->doorbells = iosm_pci_map(pdev, IOSM_DOORBELL_BAR,
				       IOSM_DOORBELL_BAR_MIN);
	if (IS_ERR(iosm->doorbells))
		return PTR_ERR(iosm->doorbells);
	iosm->regs = iosm_pci_map(pdev, IOSM_REG_BAR, IOSM_REG_BAR_MIN);
	if (IS_ERR(iosm->regs))
		return PTR_ERR(iosm->regs);

	iosm_pci_enable_ltr(pdev);
	return 0;
}

static int iosm_pci_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	struct device *dev = &pdev->dev;
	struct iosm_pci *iosm;
	int ret;

	iosm = devm_kzalloc(dev, sizeof(*iosm), GFP_KERNEL);
	if (!iosm)
		return -ENOMEM;
	iosm->pdev = pdev;
	iosm->bus.ops = &iosm_pci_bus_ops;
	iosm->bus.dev = dev;
	iosm->bus.device_id = pdev->device;

	ret = iosm_pci_setup(iosm);
	if (ret)
		return dev_err_probe(dev, ret, "cannot set up the device\n");

	iosm->modem = iosm_modem_create(&iosm->bus, iosm_clients);
	if (IS_ERR(iosm->modem))
		return PTR_ERR(iosm->modem);

	ret = pci_alloc_irq_vectors(pdev, 1, 1, PCI_IRQ_MSI);
	if (ret < 0) {
		dev_err_probe(dev, ret, "no MSI vector\n");
		goto err_destroy_modem;
	}
	ret = request_irq(pci_irq_vector(pdev, 0), iosm_pci_interrupt, 0,
			  KBUILD_MODNAME, iosm->modem);
	if (ret) {
		dev_err_probe(dev, ret, "cannot request the interrupt\n");
		goto err_free_vectors;
	}

	pci_set_drvdata(pdev, iosm);
	iosm_modem_start(iosm->modem);
	return 0;

err_free_vectors:
	pci_free_irq_vectors(pdev);
err_destroy_modem:
	iosm_modem_destroy(iosm->modem);
	return ret;
}

static void iosm_pci_remove(struct pci_dev *pdev)
{
	struct iosm_pci *iosm = pci_get_drvdata(pdev);

	iosm_modem_stop(iosm->modem);
	free_irq(pci_irq_vector(pdev, 0), iosm->modem);
	pci_free_irq_vectors(pdev);
	iosm_modem_destroy(iosm->modem);
}

/* The next kernel must not find a modem that still writes to our memory. */
static void iosm_pci_shutdown(struct pci_dev *pdev)
{
	struct iosm_pci *iosm = pci_get_drvdata(pdev);

	iosm_modem_stop(iosm->modem);
}

static const struct pci_device_id iosm_pci_ids[] = {
	{ PCI_DEVICE(IOSM_PCI_VENDOR_INTEL, IOSM_PCI_DEVICE_7560) },
	{ PCI_DEVICE(IOSM_PCI_VENDOR_INTEL, IOSM_PCI_DEVICE_7360) },
	{ }
};
MODULE_DEVICE_TABLE(pci, iosm_pci_ids);

static struct pci_driver iosm_pci_driver = {
	.name = KBUILD_MODNAME,
	.id_table = iosm_pci_ids,
	.probe = iosm_pci_probe,
	.remove = iosm_pci_remove,
	.shutdown = iosm_pci_shutdown,
};
module_pci_driver(iosm_pci_driver);

MODULE_DESCRIPTION("Intel XMM7360 and XMM7560 PCIe modem driver");
MODULE_LICENSE("GPL");
