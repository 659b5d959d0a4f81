/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The RPC port type and port capabilities came after Linux 6.1. Without the
 * former there is no RPC port; without the latter every write arrives as one
 * linear buffer, which the ports handle as well.
 */
#ifndef IOSM_COMPAT_WWAN_PORT_H
#define IOSM_COMPAT_WWAN_PORT_H

#include <linux/err.h>
#include <linux/version.h>
#include <linux/wwan.h>

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 2, 0)
#define WWAN_PORT_XMMRPC	WWAN_PORT_UNKNOWN
#endif

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 6, 0)

struct wwan_port_caps {
	size_t frag_len;
	unsigned int headroom_len;
};

static inline struct wwan_port *
iosm_compat_create_port(struct device *parent, enum wwan_port_type type,
			const struct wwan_port_ops *ops, void *drvdata)
{
	if (type > WWAN_PORT_MAX)
		return ERR_PTR(-EOPNOTSUPP);
	return wwan_create_port(parent, type, ops, drvdata);
}

#define wwan_create_port(parent, type, ops, caps, drvdata) \
	({ (void)(caps); \
	   iosm_compat_create_port(parent, type, ops, drvdata); })

#endif
#endif /* IOSM_COMPAT_WWAN_PORT_H */
