// SPDX-License-Identifier: GPL-2.0-only
/**
 * DOC: Core dumps through devlink
 *
 * One region per file of a core dump. They are there always, with the sizes of
 * protocol.rst 7.6.2; memory is needed only for snapshots, which are as large as their
 * region whatever the modem sends, zero where it sent nothing.
 *
 * The first loader of a modem that crashed says that there is a core dump. It can be
 * fetched once, before another loader is started. So it is fetched without being asked
 * for: the health reporter "coredump" reports it, and its dump op takes a snapshot of
 * each region that has none. Whoever prefers to do it himself, by "devlink region new",
 * says so to devlink ("auto_dump false").
 *
 * That is a reporter of its own, because devlink lets one that is in error neither dump
 * nor recover, and keeps its first dump: to "fw" the core dump is the late consequence of
 * something that was dumped long ago, the crash.
 *
 * devlink holds its lock over snapshots and, but for old kernels, over dump ops; and in
 * any case there is one conversation with the modem at a time.
 *
 * Implements protocol.rst 7.6.
 */

#include "iosm_ipc_devlink_parts.h"

#include <linux/overflow.h>
#include <linux/slab.h>

#include "iosm_ipc_flash.h"

/**
 * struct iosm_copy - a snapshot
 * @region: of which
 * @data: what devlink knows of it
 */
struct iosm_copy {
	struct iosm_region *region;
	u8 data[];
};

static struct iosm_flash *iosm_region_flash(struct iosm_region *region)
{
	return region->dl->modem->flash;
}

static bool iosm_region_available(struct iosm_region *region)
{
	return iosm_coredump_available(iosm_region_flash(region), region->index);
}

static bool iosm_regions_available(struct iosm_devlink *dl)
{
	unsigned int i;

	for (i = 0; i < IOSM_COREDUMPS; i++)
		if (iosm_region_available(&dl->regions[i]))
			return true;
	return false;
}

static void iosm_region_destructor(const void *data)
{
	const struct iosm_copy *copy = data - offsetof(struct iosm_copy, data);

	atomic_dec(&copy->region->copies);
	kvfree(copy);
}

/* In place of a snapshot, the memory of others is not worth it. */
static struct iosm_copy *iosm_copy_alloc(struct iosm_region *region)
{
	u32 size = iosm_coredump_kinds[region->index].size;
	struct iosm_copy *copy;

	copy = kvzalloc(struct_size(copy, data, size),
			GFP_KERNEL | __GFP_RETRY_MAYFAIL | __GFP_NOWARN);
	if (copy)
		copy->region = region;
	return copy;
}

static int iosm_region_fetch(struct iosm_region *region, struct netlink_ext_ack *extack,
			     u8 **data)
{
	struct iosm_copy *copy;
	int ret;

	if (!iosm_region_available(region)) {
		NL_SET_ERR_MSG_MOD(extack,
				   "No such file: a core dump is offered by the PSI of a modem that crashed");
		return -ENODATA;
	}
	copy = iosm_copy_alloc(region);
	if (!copy) {
		NL_SET_ERR_MSG_MOD(extack, "Not enough memory for a snapshot of this region");
		return -ENOMEM;
	}
	ret = iosm_coredump_fetch(iosm_region_flash(region), region->index, copy->data, extack);
	if (ret) {
		kvfree(copy);
		return ret;
	}
	atomic_inc(&region->copies);
	WRITE_ONCE(region->old, false);
	*data = copy->data;
	return 0;
}

static int iosm_region_snapshot(struct devlink *devlink, const struct devlink_region_ops *ops,
				struct netlink_ext_ack *extack, u8 **data)
{
	return iosm_region_fetch(container_of(ops, struct iosm_region, ops), extack, data);
}

/* Of our own accord */
static int iosm_region_take(struct iosm_region *region, u32 id, struct netlink_ext_ack *extack)
{
	u8 *data;
	int ret;

	/* There can be one. If it is of this core dump, somebody was faster. */
	if (atomic_read(&region->copies)) {
		ret = READ_ONCE(region->old) ? -EEXIST : 0;
		goto out;
	}
	ret = iosm_region_fetch(region, extack, &data);
	if (ret)
		goto out;
	ret = devlink_region_snapshot_create(region->region, data, id);
	if (ret)
		iosm_region_destructor(data);
out:
	if (ret == -EEXIST)
		dev_warn(region->dl->modem->dev,
			 "core dump: the snapshot of %s is of an earlier one; delete it first\n",
			 region->ops.name);
	else if (ret)
		dev_warn(region->dl->modem->dev, "core dump: no snapshot of %s: error %d\n",
			 region->ops.name, ret);
	return ret;
}

/* Health */

static void iosm_regions_put(struct devlink_fmsg *fmsg, const struct iosm_region *region,
			     int error)
{
	devlink_fmsg_obj_nest_start(fmsg);
	devlink_fmsg_string_pair_put(fmsg, "region", region->ops.name);
	if (error)
		devlink_fmsg_u32_pair_put(fmsg, "error", -error);
	else
		devlink_fmsg_bool_pair_put(fmsg, "snapshot", true);
	devlink_fmsg_obj_nest_end(fmsg);
}

/* With the last file the dump ends: not before the others were fetched that can be. */
static bool iosm_regions_spare(struct iosm_devlink *dl, unsigned int index, bool missing)
{
	if (!missing || (index + 1 < IOSM_COREDUMPS &&
			 iosm_region_available(&dl->regions[index + 1])))
		return false;
	dev_warn(dl->modem->dev,
		 "core dump: %s is left to you, it ends the dump; take the others first\n",
		 dl->regions[index].ops.name);
	return true;
}

/* A dump that is incomplete is better than none; what there is can be fetched only once. */
static int iosm_regions_take(struct iosm_devlink *dl, struct devlink_fmsg *fmsg, u32 id,
			     struct netlink_ext_ack *extack)
{
	unsigned int taken = 0, i;
	int ret, error = -ENODATA;
	bool missing = false;

	devlink_fmsg_arr_pair_nest_start(fmsg, "files");
	for (i = 0; i < IOSM_COREDUMPS; i++) {
		struct iosm_region *region = &dl->regions[i];

		if (!iosm_region_available(region))
			continue;
		if (iosm_regions_spare(dl, i, missing))
			ret = -EBUSY;
		else
			ret = iosm_region_take(region, id, extack);
		iosm_regions_put(fmsg, region, ret);
		if (ret)
			error = ret;
		else
			taken++;
		/* The modem was not asked for it yet. */
		missing |= ret == -EEXIST || ret == -ENOMEM;
	}
	devlink_fmsg_arr_pair_nest_end(fmsg);
	return taken ? 0 : error;
}

static int iosm_regions_do_dump(struct iosm_devlink *dl, struct devlink_fmsg *fmsg,
				struct netlink_ext_ack *extack)
{
	struct devlink *devlink = priv_to_devlink(dl);
	u32 id;
	int ret;

	if (test_bit(IOSM_DEVLINK_CLOSED, &dl->flags) || !iosm_regions_available(dl)) {
		NL_SET_ERR_MSG_MOD(extack, "The modem offers no core dump");
		return -ENODATA;
	}
	ret = devlink_region_snapshot_id_get(devlink, &id);
	if (ret)
		return ret;
	ret = iosm_regions_take(dl, fmsg, id, extack);
	devlink_region_snapshot_id_put(devlink, id);
	return ret;
}

static int iosm_regions_dump(struct devlink_health_reporter *reporter, struct devlink_fmsg *fmsg,
			     void *ctx, struct netlink_ext_ack *extack)
{
	struct iosm_devlink *dl = devlink_health_reporter_priv(reporter);
	int ret;

	mutex_lock(&dl->dump_lock);
	ret = iosm_regions_do_dump(dl, fmsg, extack);
	mutex_unlock(&dl->dump_lock);
	return ret;
}

static const struct devlink_health_reporter_ops iosm_regions_reporter_ops = {
	.name = "coredump",
	.dump = iosm_regions_dump,
};

static void iosm_regions_report(struct work_struct *work)
{
	struct iosm_devlink *dl = container_of(work, struct iosm_devlink, dump);

	if (test_bit(IOSM_DEVLINK_CLOSED, &dl->flags))
		return;
	dev_warn(dl->modem->dev, "the modem has a core dump\n");
	devlink_health_report(dl->dump_reporter, "the modem has a core dump", dl);
}

/**
 * iosm_regions_offer() - a PSI was started; tell devlink if it has a core dump
 * @dl: the instance
 *
 * Context: process; the lock of the devlink instance may be held.
 */
void iosm_regions_offer(struct iosm_devlink *dl)
{
	unsigned int i;

	if (!iosm_regions_available(dl))
		return;
	for (i = 0; i < IOSM_COREDUMPS; i++)
		WRITE_ONCE(dl->regions[i].old, atomic_read(&dl->regions[i].copies));
	queue_work(dl->wq, &dl->dump);
}

/**
 * iosm_regions_forget() - the modem is online, it has no core dump any more
 * @dl: the instance
 *
 * Context: process; the lock of the devlink instance is not needed.
 */
void iosm_regions_forget(struct iosm_devlink *dl)
{
	devlink_health_reporter_state_update(dl->dump_reporter,
					     DEVLINK_HEALTH_REPORTER_STATE_HEALTHY);
}

/* Life */

static int iosm_region_create(struct iosm_devlink *dl, unsigned int index)
{
	const struct iosm_coredump_kind *kind = &iosm_coredump_kinds[index];
	struct iosm_region *region = &dl->regions[index];

	region->dl = dl;
	region->index = index;
	region->ops.name = kind->name;
	region->ops.destructor = iosm_region_destructor;
	region->ops.snapshot = iosm_region_snapshot;
	region->region = devlink_region_create(priv_to_devlink(dl), &region->ops, 1, kind->size);
	return PTR_ERR_OR_ZERO(region->region);
}

static void iosm_regions_remove(struct iosm_devlink *dl, unsigned int count)
{
	while (count)
		devlink_region_destroy(dl->regions[--count].region);
}

/**
 * iosm_regions_create() - make the regions and their health reporter
 * @dl: the instance, not registered yet
 *
 * Context: process, may sleep.
 * Return: 0, or a negative errno.
 */
int iosm_regions_create(struct iosm_devlink *dl)
{
	unsigned int i;
	int ret;

	INIT_WORK(&dl->dump, iosm_regions_report);
	mutex_init(&dl->dump_lock);
	for (i = 0; i < IOSM_COREDUMPS; i++) {
		ret = iosm_region_create(dl, i);
		if (ret)
			goto err_remove;
	}
	dl->dump_reporter = devlink_health_reporter_create(priv_to_devlink(dl),
							   &iosm_regions_reporter_ops, dl);
	if (IS_ERR(dl->dump_reporter)) {
		ret = PTR_ERR(dl->dump_reporter);
		goto err_remove;
	}
	return 0;

err_remove:
	iosm_regions_remove(dl, i);
	mutex_destroy(&dl->dump_lock);
	return ret;
}

/**
 * iosm_regions_destroy() - remove the regions, with all snapshots
 * @dl: the instance, not registered any more; its work does not run any more
 *
 * Context: process, may sleep.
 */
void iosm_regions_destroy(struct iosm_devlink *dl)
{
	/* A dump op that still runs was told that there is no modem, and ends. */
	mutex_lock(&dl->dump_lock);
	mutex_unlock(&dl->dump_lock);
	devlink_health_reporter_destroy(dl->dump_reporter);
	iosm_regions_remove(dl, IOSM_COREDUMPS);
	mutex_destroy(&dl->dump_lock);
}
