// SPDX-License-Identifier: GPL-2.0-only
/**
 * DOC: devlink
 *
 * The devlink instance is there from probe to remove, whatever the modem does. This file
 * makes it and has its health reporter "fw": the modem, as far as the driver has to do
 * with it. Firmware and core dumps are in iosm_ipc_devlink_fw.c and
 * iosm_ipc_devlink_region.c.
 *
 * **Failures.** The core says that something failed, in any context. A snapshot is
 * kept and a work tells devlink, which counts it, keeps a dump, and asks for recovery
 * unless the user forbade that. Failures that come before the work runs are one to
 * devlink, with the snapshot of the first; the driver's own counter counts each.
 *
 * **Recovery.** Most failures need none: the core sets up the session again by itself.
 * What it cannot do itself it leaves to this file, so that the user decides: the reset
 * of a modem that crashed and does not restart, or that was given up.
 *
 *            failure
 *   HEALTHY ---------> ERROR, devlink asks for recovery
 *      ^                 |
 *      |                 +--> the core restarts it -------------+--> online
 *      |                 |              | gives up              |       |
 *      |                 |              v                       |       |
 *      |                 +--> crashed, or failed: reset --------+       |
 *      |                        | in vain                               |
 *      |                        v                                       |
 *      |                      the user's turn                           |
 *      +----------------------------------------------------------------+
 *
 * That takes seconds up to minutes. Automatic recovery does not hold the lock of the
 * devlink instance meanwhile, so that the user can look: the reporter's recover op
 * says "in progress", two works do it, and the reporter becomes healthy when the modem
 * is online, however it got there. A user who asks for recovery waits for the result.
 *
 * Locks: the works and whoever uses devlink may wait for the state work; so the state
 * work, which calls the observer, takes no lock here but the one of the report.
 *
 *   lock of the device     held over a reload; a recovery only tries to get it
 *     lock of the devlink instance
 *       recover_lock         one recovery at a time
 *         the core's locks
 */

#include "iosm_ipc_devlink.h"

#include <linux/bitops.h>
#include <linux/slab.h>

#include "iosm_ipc_debugfs.h"
#include "iosm_ipc_devlink_parts.h"

/* Resets in one recovery: crashes may follow each other, failed starts were several. */
#define IOSM_RESETS_CRASHED	3
#define IOSM_RESETS_FAILED	1

/* Showing */

/**
 * struct iosm_fmsg_sink - values for devlink
 * @sink: base
 * @fmsg: the message
 */
struct iosm_fmsg_sink {
	struct iosm_sink sink;
	struct devlink_fmsg *fmsg;
};

static struct devlink_fmsg *to_fmsg(struct iosm_sink *sink)
{
	return container_of(sink, struct iosm_fmsg_sink, sink)->fmsg;
}

static void iosm_fmsg_text(struct iosm_sink *sink, const char *name, const char *value)
{
	devlink_fmsg_string_pair_put(to_fmsg(sink), name, value);
}

static void iosm_fmsg_number(struct iosm_sink *sink, const char *name, u64 value)
{
	devlink_fmsg_u64_pair_put(to_fmsg(sink), name, value);
}

static void iosm_fmsg_flag(struct iosm_sink *sink, const char *name, bool value)
{
	devlink_fmsg_bool_pair_put(to_fmsg(sink), name, value);
}

static void iosm_fmsg_list_begin(struct iosm_sink *sink, const char *name)
{
	devlink_fmsg_arr_pair_nest_start(to_fmsg(sink), name);
}

static void iosm_fmsg_list_end(struct iosm_sink *sink)
{
	devlink_fmsg_arr_pair_nest_end(to_fmsg(sink));
}

static void iosm_fmsg_item_begin(struct iosm_sink *sink, const char *name, u64 number)
{
	devlink_fmsg_obj_nest_start(to_fmsg(sink));
	iosm_fmsg_number(sink, name, number);
}

static void iosm_fmsg_item_end(struct iosm_sink *sink)
{
	devlink_fmsg_obj_nest_end(to_fmsg(sink));
}

static const struct iosm_sink_ops iosm_fmsg_sink_ops = {
	.text = iosm_fmsg_text,
	.number = iosm_fmsg_number,
	.flag = iosm_fmsg_flag,
	.list_begin = iosm_fmsg_list_begin,
	.list_end = iosm_fmsg_list_end,
	.item_begin = iosm_fmsg_item_begin,
	.item_end = iosm_fmsg_item_end,
};

static void iosm_devlink_show(struct iosm_devlink *dl, struct devlink_fmsg *fmsg,
			      const struct iosm_snapshot *snapshot)
{
	struct iosm_fmsg_sink sink = { .sink.ops = &iosm_fmsg_sink_ops, .fmsg = fmsg };

	iosm_report_show(snapshot, &sink.sink);
	iosm_report_show_failures(&dl->report, &sink.sink);
}

static int iosm_devlink_diagnose(struct devlink_health_reporter *reporter,
				 struct devlink_fmsg *fmsg, struct netlink_ext_ack *extack)
{
	struct iosm_devlink *dl = devlink_health_reporter_priv(reporter);
	struct iosm_snapshot *snapshot = kzalloc_obj(*snapshot);

	if (!snapshot)
		return -ENOMEM;
	iosm_report_now(&dl->report, snapshot);
	iosm_devlink_show(dl, fmsg, snapshot);
	kfree(snapshot);
	return 0;
}

/* Of the last failure, also if somebody asks; "diagnose" is for now. */
static int iosm_devlink_dump(struct devlink_health_reporter *reporter, struct devlink_fmsg *fmsg,
			     void *ctx, struct netlink_ext_ack *extack)
{
	struct iosm_devlink *dl = devlink_health_reporter_priv(reporter);
	struct iosm_snapshot *snapshot = kzalloc_obj(*snapshot);
	const struct iosm_shared *shared;

	if (!snapshot)
		return -ENOMEM;
	iosm_report_last(&dl->report, snapshot);
	shared = &snapshot->shared;
	iosm_devlink_show(dl, fmsg, snapshot);
	devlink_fmsg_binary_pair_put(fmsg, "shared block", shared,
				     offsetof(struct iosm_shared, control));
	devlink_fmsg_binary_pair_put(fmsg, "control ring", shared->control,
				     sizeof(shared->control));
	kfree(snapshot);
	return 0;
}

/* Recovery */

static bool iosm_devlink_needs_reset(struct iosm_devlink *dl)
{
	switch (iosm_modem_state(dl->modem)) {
	case IOSM_CRASHED:
	case IOSM_DUMP_READY:
	case IOSM_FAILED:
		return true;
	default:
		return false;
	}
}

/* True also while its function sleeps. */
static bool iosm_devlink_healthy(struct iosm_devlink *dl)
{
	enum iosm_state state = iosm_modem_state(dl->modem);

	return (state == IOSM_ONLINE || state == IOSM_SUSPENDED) &&
	       iosm_modem_online(dl->modem);
}

static void iosm_devlink_explain(struct iosm_devlink *dl, int error,
				 struct netlink_ext_ack *extack)
{
	switch (error) {
	case -EINTR:
		NL_SET_ERR_MSG_MOD(extack, "Interrupted; recovery was not completed");
		break;
	case -EIO:
		NL_SET_ERR_MSG_MOD(extack, "The modem failed again; see the kernel log");
		break;
	case -ENODEV:
		NL_SET_ERR_MSG_MOD(extack, "The modem does not answer on the bus");
		break;
	case -ETIMEDOUT:
		iosm_devlink_say_where(dl, extack);
		break;
	case -EOPNOTSUPP:
		NL_SET_ERR_MSG_MOD(extack, "Only a reset would help, and the device has none");
		break;
	case -EAGAIN:
		NL_SET_ERR_MSG_MOD(extack,
				   "The device is being bound, unbound or put to sleep; try again");
		break;
	default:
		NL_SET_ERR_MSG_MOD(extack, "The reset of the device failed");
		break;
	}
}

static int iosm_devlink_recover_wait(struct iosm_devlink *dl)
{
	int ret;

	if (mutex_lock_interruptible(&dl->recover_lock))
		return -EINTR;
	ret = iosm_modem_recover(dl->modem, true);
	mutex_unlock(&dl->recover_lock);
	return ret;
}

static int iosm_devlink_recover_user(struct iosm_devlink *dl, struct netlink_ext_ack *extack)
{
	bool automatic;
	int ret;

	/* This recovery takes the place of the automatic one: devlink counts it. */
	automatic = test_and_clear_bit(IOSM_DEVLINK_RECOVERING, &dl->flags);
	ret = iosm_devlink_recover_wait(dl);
	if (!ret)
		return 0;
	iosm_devlink_explain(dl, ret, extack);
	if (automatic) {
		set_bit(IOSM_DEVLINK_RECOVERING, &dl->flags);
		queue_work(dl->wq, &dl->tell);
	}
	return ret;
}

static int iosm_devlink_recover(struct devlink_health_reporter *reporter, void *ctx,
				struct netlink_ext_ack *extack)
{
	struct iosm_devlink *dl = devlink_health_reporter_priv(reporter);

	/* Only our own report of a failure comes with a context; it goes on itself. */
	if (!ctx)
		return iosm_devlink_recover_user(dl, extack);
	atomic_set(&dl->resets, 0);
	set_bit(IOSM_DEVLINK_RECOVERING, &dl->flags);
	return -EINPROGRESS;
}

static void iosm_devlink_give_up(struct iosm_devlink *dl)
{
	if (test_and_clear_bit(IOSM_DEVLINK_RECOVERING, &dl->flags))
		dev_err(dl->modem->dev, "recovery failed; waiting for \"devlink health recover\"\n");
}

/* What does the state mean for the health, and for the recovery that is under way? */
static void iosm_devlink_look(struct iosm_devlink *dl)
{
	if (iosm_devlink_healthy(dl)) {
		if (test_and_clear_bit(IOSM_DEVLINK_RECOVERING, &dl->flags))
			devlink_health_reporter_recovery_done(dl->reporter);
		devlink_health_reporter_state_update(dl->reporter,
						     DEVLINK_HEALTH_REPORTER_STATE_HEALTHY);
		iosm_regions_forget(dl);
	} else if (iosm_devlink_needs_reset(dl)) {
		queue_work(dl->wq, &dl->reset);
	}
}

static void iosm_devlink_tell(struct work_struct *work)
{
	struct iosm_devlink *dl = container_of(work, struct iosm_devlink, tell);
	const char *why;

	if (test_bit(IOSM_DEVLINK_CLOSED, &dl->flags))
		return;
	why = iosm_report_fetch(&dl->report);
	/* It returns whether recovery was asked for, which the op knows as well. */
	if (why)
		devlink_health_report(dl->reporter, why, dl);
	iosm_devlink_look(dl);
}

static bool iosm_devlink_may_reset(struct iosm_devlink *dl)
{
	int limit = iosm_modem_state(dl->modem) == IOSM_FAILED ? IOSM_RESETS_FAILED :
								 IOSM_RESETS_CRASHED;

	return atomic_inc_return(&dl->resets) <= limit;
}

static void iosm_devlink_reset(struct work_struct *work)
{
	struct iosm_devlink *dl = container_of(work, struct iosm_devlink, reset);
	int ret = -EIO;

	mutex_lock(&dl->recover_lock);
	/* What the lock was waited for may have helped. */
	if (test_bit(IOSM_DEVLINK_CLOSED, &dl->flags) ||
	    !test_bit(IOSM_DEVLINK_RECOVERING, &dl->flags) ||
	    !iosm_devlink_needs_reset(dl))
		goto unlock;

	if (iosm_devlink_may_reset(dl))
		ret = iosm_modem_recover(dl->modem, false);
	else
		iosm_devlink_give_up(dl);
	if (ret == -EOPNOTSUPP)
		iosm_devlink_give_up(dl);
	if (ret == -EAGAIN) {
		/* It slept all the time; that was no reset. */
		atomic_dec(&dl->resets);
		queue_work(dl->wq, &dl->tell);
	}
unlock:
	mutex_unlock(&dl->recover_lock);
}

/* News from the core */

static void iosm_devlink_failure(struct iosm_observer *observer, const char *why)
{
	struct iosm_devlink *dl = container_of(observer, struct iosm_devlink, observer);

	iosm_report_failure(&dl->report, why);
	queue_work(dl->wq, &dl->tell);
}

static void iosm_devlink_moved(struct iosm_observer *observer, enum iosm_state to)
{
	struct iosm_devlink *dl = container_of(observer, struct iosm_devlink, observer);

	/* It begins from nothing, or with its firmware: no PSI runs that has a core dump. */
	if (to == IOSM_ROM || to == IOSM_STARTING)
		iosm_coredump_forget(dl->modem->flash);
	queue_work(dl->wq, &dl->tell);
}

static const struct devlink_ops iosm_devlink_ops = {
	.info_get = iosm_devlink_info,
	.flash_update = iosm_devlink_flash,
	.reload_actions = BIT(DEVLINK_RELOAD_ACTION_FW_ACTIVATE),
	.reload_down = iosm_devlink_reload_down,
	.reload_up = iosm_devlink_reload_up,
};

static const struct devlink_health_reporter_ops iosm_devlink_reporter_ops = {
	.name = "fw",
	.recover = iosm_devlink_recover,
	.dump = iosm_devlink_dump,
	.diagnose = iosm_devlink_diagnose,
};

/**
 * iosm_devlink_create() - make the devlink instance of a modem, and its debugfs
 * @modem: the modem, not started yet, with what it has to have for conversations with
 *	its loaders: users can give commands before the return
 *
 * Context: process, may sleep.
 * Return: the instance, or an ERR_PTR(). It observes the modem.
 */
struct iosm_devlink *iosm_devlink_create(struct iosm_modem *modem)
{
	struct iosm_devlink *dl;
	struct devlink *devlink;
	int ret = -ENOMEM;

	devlink = devlink_alloc(&iosm_devlink_ops, sizeof(*dl), modem->dev);
	if (!devlink)
		return ERR_PTR(-ENOMEM);
	dl = devlink_priv(devlink);
	dl->modem = modem;
	dl->observer.failure = iosm_devlink_failure;
	dl->observer.moved = iosm_devlink_moved;
	iosm_report_init(&dl->report, modem);
	mutex_init(&dl->recover_lock);
	INIT_WORK(&dl->tell, iosm_devlink_tell);
	INIT_WORK(&dl->reset, iosm_devlink_reset);

	dl->wq = alloc_workqueue("iosm-health-%s", WQ_UNBOUND, 0, dev_name(modem->dev));
	if (!dl->wq)
		goto err_free;
	dl->reporter = devlink_health_reporter_create(devlink, &iosm_devlink_reporter_ops, dl);
	if (IS_ERR(dl->reporter)) {
		ret = PTR_ERR(dl->reporter);
		goto err_destroy_wq;
	}
	ret = iosm_regions_create(dl);
	if (ret)
		goto err_destroy_reporter;
	ret = iosm_devlink_add_params(dl);
	if (ret)
		goto err_destroy_regions;
	devlink_register(devlink);
	dl->dir = iosm_debugfs_create(&dl->report);
	iosm_modem_observe(modem, &dl->observer);
	return dl;

err_destroy_regions:
	iosm_regions_destroy(dl);
err_destroy_reporter:
	devlink_health_reporter_destroy(dl->reporter);
err_destroy_wq:
	destroy_workqueue(dl->wq);
err_free:
	mutex_destroy(&dl->recover_lock);
	devlink_free(devlink);
	return ERR_PTR(ret);
}

/**
 * iosm_devlink_close() - user space sees the modem no more
 * @dl: from iosm_devlink_create(); its modem is stopped, or was never started
 *
 * Context: process, may sleep; waits for whoever asks for something at this moment,
 * which is short, as a stopped modem ends every recovery and every conversation.
 */
void iosm_devlink_close(struct iosm_devlink *dl)
{
	/* The modem may still say something, until it is destroyed. */
	set_bit(IOSM_DEVLINK_CLOSED, &dl->flags);
	cancel_work_sync(&dl->tell);
	cancel_work_sync(&dl->reset);
	cancel_work_sync(&dl->dump);
	iosm_debugfs_remove(dl->dir);
	devlink_unregister(priv_to_devlink(dl));
	iosm_devlink_remove_params(dl);
	iosm_regions_destroy(dl);
	devlink_health_reporter_destroy(dl->reporter);
}

/**
 * iosm_devlink_free() - free the devlink instance
 * @dl: closed; its modem is destroyed
 *
 * Context: process, may sleep.
 */
void iosm_devlink_free(struct iosm_devlink *dl)
{
	destroy_workqueue(dl->wq);
	mutex_destroy(&dl->recover_lock);
	devlink_free(priv_to_devlink(dl));
}
