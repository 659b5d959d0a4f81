/* SPDX-License-Identifier: GPL-2.0-only */
/* kzalloc_obj() and its siblings: typed allocation, newer than Linux 6.12. */
#ifndef IOSM_COMPAT_KZALLOC_OBJ_H
#define IOSM_COMPAT_KZALLOC_OBJ_H

#include <linux/slab.h>

#ifndef kzalloc_obj
#define kzalloc_obj(object)		kzalloc(sizeof(object), GFP_KERNEL)
#endif
#ifndef kzalloc_objs
#define kzalloc_objs(object, count)	kcalloc(count, sizeof(object), GFP_KERNEL)
#endif
#ifndef kvzalloc_objs
#define kvzalloc_objs(object, count)	kvcalloc(count, sizeof(object), GFP_KERNEL)
#endif

#endif /* IOSM_COMPAT_KZALLOC_OBJ_H */
