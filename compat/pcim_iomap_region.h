/* SPDX-License-Identifier: GPL-2.0-only */
/* pcim_iomap_region() is public since Linux 6.11. */
#ifndef IOSM_COMPAT_PCIM_IOMAP_REGION_H
#define IOSM_COMPAT_PCIM_IOMAP_REGION_H

#include <linux/version.h>

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 11, 0)

#include <linux/err.h>
#include <linux/io.h>
#include <linux/pci.h>

static inline void __iomem *pcim_iomap_region(struct pci_dev *pdev, int bar,
					      const char *name)
{
	int ret = pcim_iomap_regions(pdev, BIT(bar), name);

	if (ret)
		return IOMEM_ERR_PTR(ret);
	return pcim_iomap_table(pdev)[bar];
}

#endif
#endif /* IOSM_COMPAT_PCIM_IOMAP_REGION_H */
