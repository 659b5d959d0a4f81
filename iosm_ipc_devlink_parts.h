/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the parts of the devlink instance share. Health and recovery are in
 * iosm_ipc_devlink.c, everything about firmware in iosm_ipc_devlink_fw.c, core dumps in
 * iosm_ipc_devlink_region.c.
 *
 * Readers: these three files.
 */
#ifndef IOSM_IPC_DEVLINK_PARTS_H
#define IOSM_IPC_DEVLINK_PARTS_H

#include <linux/mutex.h>
#include <linux/workqueue.h>
#include <net/devlink.h>

#include "iosm_ipc_coredump.h"
#include "iosm_ipc_report.h"

struct iosm_devlink;

/* Bits of iosm_devlink.flags */
#define IOSM_DEVLINK_RECOVERING	0	/* automatically, until the modem is online */
#define IOSM_DEVLINK_CLOSED	1	/* the works do nothing any more */

/* Parameters that other drivers do not have */
enum {
	IOSM_PARAM_FIRST = DEVLINK_PARAM_GENERIC_ID_MAX,
	IOSM_PARAM_ERASE_FULL_FLASH,
};

/**
 * struct iosm_region - a file of the core dump
 * @ops: for devlink, which gives it back to us
 * @dl: whose
 * @index: of the file
 * @region: the same, as devlink knows it
 * @copies: snapshots, also those that devlink was not given yet
 * @old: they are of an earlier core dump than the one that is offered
 */
struct iosm_region {
	struct devlink_region_ops ops;
	struct iosm_devlink *dl;
	unsigned int index;
	struct devlink_region *region;
	atomic_t copies;
	bool old;
};

/**
 * struct iosm_devlink - the devlink instance of a modem
 * @modem: the modem
 * @observer: hears of failures and moves
 * @report: what failed
 * @dir: in debugfs
 * @reporter: health reporter "fw"
 * @wq: for the works
 * @tell: tells devlink what happened; does not wait for the modem
 * @reset: brings back a modem that does not come by itself; takes long
 * @recover_lock: one recovery at a time
 * @flags: IOSM_DEVLINK_RECOVERING, IOSM_DEVLINK_CLOSED
 * @resets: of the automatic recovery that is under way
 * @erase_full: parameter "erase_full_flash"; the lock of the devlink instance
 * @regions: the core dump
 * @dump_reporter: health reporter "coredump"
 * @dump: tells devlink of a core dump, and fetches it; takes long
 * @dump_lock: held while it is fetched; old kernels do not wait for a dump op
 */
struct iosm_devlink {
	struct iosm_modem *modem;
	struct iosm_observer observer;
	struct iosm_report report;
	struct dentry *dir;
	struct devlink_health_reporter *reporter;
	struct workqueue_struct *wq;
	struct work_struct tell;
	struct work_struct reset;
	struct mutex recover_lock;	/* one recovery at a time */
	unsigned long flags;
	atomic_t resets;

	bool erase_full;

	struct iosm_region regions[IOSM_COREDUMPS];
	struct devlink_health_reporter *dump_reporter;
	struct work_struct dump;
	struct mutex dump_lock;		/* a dump op runs */
};

int iosm_devlink_info(struct devlink *devlink, struct devlink_info_req *req,
		      struct netlink_ext_ack *extack);
int iosm_devlink_flash(struct devlink *devlink, struct devlink_flash_update_params *params,
		       struct netlink_ext_ack *extack);
int iosm_devlink_reload_down(struct devlink *devlink, bool netns_change,
			     enum devlink_reload_action action, enum devlink_reload_limit limit,
			     struct netlink_ext_ack *extack);
int iosm_devlink_reload_up(struct devlink *devlink, enum devlink_reload_action action,
			   enum devlink_reload_limit limit, u32 *actions_performed,
			   struct netlink_ext_ack *extack);
int iosm_devlink_add_params(struct iosm_devlink *dl);
void iosm_devlink_remove_params(struct iosm_devlink *dl);
void iosm_devlink_say_where(struct iosm_devlink *dl, struct netlink_ext_ack *extack);

int iosm_regions_create(struct iosm_devlink *dl);
void iosm_regions_destroy(struct iosm_devlink *dl);
void iosm_regions_offer(struct iosm_devlink *dl);
void iosm_regions_forget(struct iosm_devlink *dl);

#endif /* IOSM_IPC_DEVLINK_PARTS_H */
