/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Port capabilities came with Linux 6.6. Without them every write arrives as
 * one linear buffer, which the ports handle as well.
 */
#ifndef IOSM_COMPAT_WWAN_PORT_CAPS_H
#define IOSM_COMPAT_WWAN_PORT_CAPS_H

#include <linux/version.h>
#include <linux/wwan.h>

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 6, 0)

struct wwan_port_caps {
	size_t frag_len;
	unsigned int headroom_len;
};

#define wwan_create_port(parent, type, ops, caps, drvdata) \
	({ (void)(caps); (wwan_create_port)(parent, type, ops, drvdata); })

#endif
#endif /* IOSM_COMPAT_WWAN_PORT_CAPS_H */
