/* SPDX-License-Identifier: GPL-2.0-only */
/* ethtool_puts() came with Linux 6.8. */
#ifndef IOSM_COMPAT_ETHTOOL_PUTS_H
#define IOSM_COMPAT_ETHTOOL_PUTS_H

#include <linux/version.h>

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 8, 0)

#include <linux/ethtool.h>
#include <linux/string.h>

static inline void ethtool_puts(u8 **data, const char *str)
{
	strscpy_pad((char *)*data, str, ETH_GSTRING_LEN);
	*data += ETH_GSTRING_LEN;
}

#endif
#endif /* IOSM_COMPAT_ETHTOOL_PUTS_H */
