/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Before Linux 6.18 the pause between two recoveries was an argument and not a
 * member of the ops; ours is 0 in either case.
 */
#ifndef IOSM_COMPAT_DEVLINK_H
#define IOSM_COMPAT_DEVLINK_H

#include <linux/version.h>
#include <net/devlink.h>

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 18, 0)
#define devlink_health_reporter_create(devlink, ops, priv) \
	devlink_health_reporter_create(devlink, ops, 0, priv)
#endif

#endif /* IOSM_COMPAT_DEVLINK_H */
