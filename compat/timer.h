/* SPDX-License-Identifier: GPL-2.0-only */
/* timer_container_of() was called from_timer() until Linux 6.15. */
#ifndef IOSM_COMPAT_TIMER_H
#define IOSM_COMPAT_TIMER_H

#include <linux/timer.h>

#ifndef timer_container_of
#define timer_container_of(var, callback_timer, timer_fieldname) \
	from_timer(var, callback_timer, timer_fieldname)
#endif

#endif /* IOSM_COMPAT_TIMER_H */
