/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Until Linux 6.18 the pause between two recoveries was an argument and not a
 * member of the ops; ours is 0 in either case. Ops of parameters got one more
 * argument in 6.19 ("get") and 6.10 ("set"), which ours do not need. Since 6.8
 * a reload has the lock of the device, without which it cannot reset it, so
 * there is none in older kernels; and since 6.2 devlink itself knows the name
 * of the driver.
 */
#ifndef IOSM_COMPAT_DEVLINK_H
#define IOSM_COMPAT_DEVLINK_H

#include <linux/version.h>
#include <net/devlink.h>

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 18, 0)
#define devlink_health_reporter_create(devlink, ops, priv) \
	devlink_health_reporter_create(devlink, ops, 0, priv)
#endif

/* These match the definitions only, which have arguments. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 19, 0)
#define iosm_devlink_erase_get(devlink, id, ctx, extack) \
	iosm_devlink_erase_get(devlink, id, ctx)
#endif
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 10, 0)
#define iosm_devlink_erase_set(devlink, id, ctx, extack) \
	iosm_devlink_erase_set(devlink, id, ctx)
#endif

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 3, 0)
#define devl_param_value_changed(devlink, id) devlink_param_value_changed(devlink, id)
#endif

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 8, 0)

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 2, 0)

static typeof_member(struct devlink_ops, info_get) iosm_compat_info_get __maybe_unused;

static inline int iosm_compat_info(struct devlink *devlink, struct devlink_info_req *req,
				   struct netlink_ext_ack *extack)
{
	int ret = devlink_info_driver_name_put(req, KBUILD_MODNAME);

	return ret ?: iosm_compat_info_get(devlink, req, extack);
}

#endif

static inline struct devlink *iosm_compat_devlink_alloc(const struct devlink_ops *ops,
							size_t size, struct device *dev)
{
	/* The driver has one set of ops, so this is always the same. */
	static struct devlink_ops compat_ops;
	struct devlink_ops copy = *ops;

	copy.reload_actions = 0;
	copy.reload_down = NULL;
	copy.reload_up = NULL;
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 2, 0)
	iosm_compat_info_get = ops->info_get;
	copy.info_get = iosm_compat_info;
#endif
	compat_ops = copy;
	return devlink_alloc(&compat_ops, size, dev);
}

#define devlink_alloc(ops, size, dev) iosm_compat_devlink_alloc(ops, size, dev)

#endif

#endif /* IOSM_COMPAT_DEVLINK_H */
