// SPDX-License-Identifier: GPL-2.0-only
/*
 * A root port that is not there.
 *
 * In User-Mode Linux the modem sits on the root bus, and nothing is upstream of
 * it. The driver of the kernel tree follows bus->self in its probe, and looks at
 * the link status of what it finds there before it tells the modem to stop. This
 * module hangs a port at bus->self that answers for itself: its configuration
 * space is a few bytes of ours, with a PCI Express capability whose data link is
 * active. The bus stays a root bus, so pci_upstream_bridge() is NULL as before,
 * and the PCI core takes no notice.
 *
 * For the oracle run only; load it before the driver, unload it after.
 */
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/unaligned.h>

#define PORT_EXP_CAP	0x40
#define PORT_SPACE	256

static u8 port_space[PORT_SPACE];
static struct pci_bus *root;

static int port_read(struct pci_bus *bus, unsigned int devfn, int where,
		     int size, u32 *val)
{
	if (where < 0 || size < 0 || where > PORT_SPACE - size) {
		*val = 0;
		return PCIBIOS_SUCCESSFUL;
	}

	switch (size) {
	case 1:
		*val = port_space[where];
		break;
	case 2:
		*val = get_unaligned_le16(&port_space[where]);
		break;
	default:
		*val = get_unaligned_le32(&port_space[where]);
		break;
	}

	return PCIBIOS_SUCCESSFUL;
}

/* Nobody depends on what he writes to a port that does nothing. */
static int port_write(struct pci_bus *bus, unsigned int devfn, int where,
		      int size, u32 val)
{
	return PCIBIOS_SUCCESSFUL;
}

static struct pci_ops port_ops = {
	.read = port_read,
	.write = port_write,
};

static struct pci_bus port_bus = {
	.ops = &port_ops,
	.number = 0xff,
};

static struct pci_dev port = {
	.bus = &port_bus,
	.vendor = PCI_VENDOR_ID_REDHAT,
	.device = 0x000c,
	.class = PCI_CLASS_BRIDGE_PCI_NORMAL,
	.hdr_type = PCI_HEADER_TYPE_BRIDGE,
	.pcie_cap = PORT_EXP_CAP,
	.pcie_flags_reg = PCI_EXP_TYPE_ROOT_PORT << 4 | 2,
	.error_state = pci_channel_io_normal,
	.current_state = PCI_D0,
	.dev.init_name = "virtual-root-port",
};

static int __init rootport_init(void)
{
	u8 *cap = &port_space[PORT_EXP_CAP];

	put_unaligned_le16(port.vendor, &port_space[PCI_VENDOR_ID]);
	put_unaligned_le16(port.device, &port_space[PCI_DEVICE_ID]);
	put_unaligned_le16(PCI_STATUS_CAP_LIST, &port_space[PCI_STATUS]);
	put_unaligned_le32(port.class << 8, &port_space[PCI_CLASS_REVISION]);
	port_space[PCI_HEADER_TYPE] = PCI_HEADER_TYPE_BRIDGE;
	port_space[PCI_CAPABILITY_LIST] = PORT_EXP_CAP;
	cap[0] = PCI_CAP_ID_EXP;
	put_unaligned_le16(port.pcie_flags_reg, &cap[PCI_EXP_FLAGS]);
	put_unaligned_le32(PCI_EXP_LNKCAP_DLLLARC | PCI_EXP_LNKCAP_SLS_5_0GB |
			   1 << 4, &cap[PCI_EXP_LNKCAP]);
	put_unaligned_le16(PCI_EXP_LNKSTA_DLLLA | PCI_EXP_LNKSTA_CLS_5_0GB |
			   PCI_EXP_LNKSTA_NLW_X1, &cap[PCI_EXP_LNKSTA]);

	pci_lock_rescan_remove();
	root = pci_find_bus(0, 0);
	if (root && !root->self)
		root->self = &port;
	else
		root = NULL;
	pci_unlock_rescan_remove();

	if (!root) {
		pr_err("rootport: no root bus that lacks an upstream port\n");
		return -ENODEV;
	}

	return 0;
}

static void __exit rootport_exit(void)
{
	pci_lock_rescan_remove();
	root->self = NULL;
	pci_unlock_rescan_remove();
}

module_init(rootport_init);
module_exit(rootport_exit);

MODULE_DESCRIPTION("Virtual root port for the oracle run");
MODULE_LICENSE("GPL");
