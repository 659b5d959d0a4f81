/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * linux/unaligned.h: since 6.12; before, each architecture had its own. A kernel
 * that has the header finds it before this one.
 */
#ifndef IOSM_COMPAT_LINUX_UNALIGNED_H
#define IOSM_COMPAT_LINUX_UNALIGNED_H

#include <asm/unaligned.h>

#endif /* IOSM_COMPAT_LINUX_UNALIGNED_H */
