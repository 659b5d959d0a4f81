/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * hrtimer_setup(): initialisation and function in one call, since 6.13.
 */
#ifndef IOSM_COMPAT_HRTIMER_SETUP_H
#define IOSM_COMPAT_HRTIMER_SETUP_H

#include <linux/hrtimer.h>
#include <linux/version.h>

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 13, 0)
static inline void hrtimer_setup(struct hrtimer *timer,
				 enum hrtimer_restart (*function)(struct hrtimer *),
				 clockid_t clock_id, enum hrtimer_mode mode)
{
	hrtimer_init(timer, clock_id, mode);
	timer->function = function;
}
#endif

#endif /* IOSM_COMPAT_HRTIMER_SETUP_H */
