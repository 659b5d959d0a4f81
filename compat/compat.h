/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What kernels older than the newest lack. The out-of-tree build includes this
 * before anything else; the in-tree build never sees it. One header per API.
 */
#ifndef IOSM_COMPAT_H
#define IOSM_COMPAT_H

#include "alloc_netdev_dummy.h"
#include "devlink.h"
#include "ethtool_puts.h"
#include "hrtimer_setup.h"
#include "kzalloc_obj.h"
#include "pcim_iomap_region.h"
#include "pm_runtime.h"
#include "timer.h"
#include "wwan_port.h"

#endif /* IOSM_COMPAT_H */
