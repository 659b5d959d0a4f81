/* SPDX-License-Identifier: GPL-2.0-only */
/* ethtool_puts() came with Linux 6.8. */
#ifndef IOSM_COMPAT_ETHTOOL_PUTS_H
#define IOSM_COMPAT_ETHTOOL_PUTS_H

#include <linux/version.h>

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 8, 0)

#include <linux/ethtool.h>

static inline void ethtool_puts(u8 **data, const char *str)
{
	ethtool_sprintf(data, "%s", str);
}

#endif
#endif /* IOSM_COMPAT_ETHTOOL_PUTS_H */
