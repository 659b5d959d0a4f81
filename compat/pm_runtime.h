/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Before Linux 6.9 there was an argument that said whether a device in D0 that
 * nobody uses counts as active. Here it does.
 */
#ifndef IOSM_COMPAT_PM_RUNTIME_H
#define IOSM_COMPAT_PM_RUNTIME_H

#include <linux/pm_runtime.h>
#include <linux/version.h>

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 9, 0)
#define pm_runtime_get_if_active(dev)	pm_runtime_get_if_active(dev, true)
#endif

#endif /* IOSM_COMPAT_PM_RUNTIME_H */
