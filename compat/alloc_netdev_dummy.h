/* SPDX-License-Identifier: GPL-2.0-only */
/* alloc_netdev_dummy() came with Linux 6.10. */
#ifndef IOSM_COMPAT_ALLOC_NETDEV_DUMMY_H
#define IOSM_COMPAT_ALLOC_NETDEV_DUMMY_H

#include <linux/version.h>

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 10, 0)

#include <linux/etherdevice.h>
#include <linux/netdevice.h>

static inline void iosm_compat_setup_dummy(struct net_device *dev)
{
}

static inline struct net_device *alloc_netdev_dummy(int sizeof_priv)
{
	return alloc_netdev(sizeof_priv, "dummy#", NET_NAME_UNKNOWN,
			    iosm_compat_setup_dummy);
}

#endif
#endif /* IOSM_COMPAT_ALLOC_NETDEV_DUMMY_H */
