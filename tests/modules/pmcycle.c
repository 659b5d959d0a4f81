// SPDX-License-Identifier: GPL-2.0-only
/*
 * What hibernation does with devices, without hibernation.
 *
 * User-Mode Linux can make no image of itself. This module leads all devices
 * through the same phases of the PM core as kernel/power/hibernate.c. Neither
 * user space is frozen nor the CPU stopped meanwhile.
 *
 * Write to /sys/kernel/debug/pmcycle/cycle two words, the event that stops the
 * devices and the one that starts them again, and how far to go: "devices"
 * (the phases prepare and suspend) or "noirq" (all of them):
 *   freeze thaw        an image is made, and the machine goes on to save it
 *   freeze recover     the image could not be made
 *   freeze restore     as the image sees it: the machine was off in between
 *   quiesce recover    the kernel that loads an image could not start it
 *   poweroff restore   the image is saved, but the machine does not go off
 * The error of the write is that of the devices.
 *
 * While they are stopped, the module says so in the log, and waits for the file
 * that the parameter "release" names, if it names one.
 */
#include <linux/debugfs.h>
#include <linux/delay.h>
#include <linux/jiffies.h>
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/namei.h>
#include <linux/pm.h>
#include <linux/string.h>
#include <linux/suspend.h>
#include <linux/uaccess.h>

#define RELEASE_TIMEOUT_MS	30000
#define RELEASE_POLL_MS		5

static char *release;
module_param(release, charp, 0600);
MODULE_PARM_DESC(release, "File whose appearance ends the sleep");

static struct dentry *directory;

static const struct {
	const char *name;
	pm_message_t message;
} events[] = {
	{ "freeze", { PM_EVENT_FREEZE } },
	{ "quiesce", { PM_EVENT_QUIESCE } },
	{ "poweroff", { PM_EVENT_HIBERNATE } },
	{ "thaw", { PM_EVENT_THAW } },
	{ "recover", { PM_EVENT_RECOVER } },
	{ "restore", { PM_EVENT_RESTORE } },
};

static int find_event(const char *name, pm_message_t *message)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(events); i++) {
		if (strcmp(events[i].name, name))
			continue;
		*message = events[i].message;
		return 0;
	}
	return -EINVAL;
}

static bool released(void)
{
	struct path path;

	if (kern_path(release, LOOKUP_FOLLOW, &path))
		return false;
	path_put(&path);
	return true;
}

static int wait_for_release(void)
{
	unsigned long end = jiffies + msecs_to_jiffies(RELEASE_TIMEOUT_MS);

	pr_info("pmcycle: devices are stopped\n");
	if (!release || !*release)
		return 0;
	while (!released()) {
		if (time_after(jiffies, end))
			return -ETIMEDOUT;
		/* No interrupt of a device can tell us now. */
		msleep(RELEASE_POLL_MS);
	}
	return 0;
}

static int cycle(pm_message_t stop, pm_message_t start, bool noirq)
{
	unsigned int flags = lock_system_sleep();
	int ret;

	ret = dpm_suspend_start(stop);
	if (ret)
		goto out;
	if (noirq) {
		ret = dpm_suspend_end(stop);
		if (ret)
			goto out;
	}
	ret = wait_for_release();
	if (noirq)
		dpm_resume_start(start);
out:
	dpm_resume_end(start);
	unlock_system_sleep(flags);
	return ret;
}

static ssize_t cycle_write(struct file *file, const char __user *data,
			   size_t size, loff_t *pos)
{
	char text[64] = {}, stop_name[16], start_name[16], depth[16];
	pm_message_t stop, start;
	int ret;

	if (size >= sizeof(text))
		return -EINVAL;
	if (copy_from_user(text, data, size))
		return -EFAULT;
	if (sscanf(text, "%15s %15s %15s", stop_name, start_name, depth) != 3)
		return -EINVAL;
	if (strcmp(depth, "devices") && strcmp(depth, "noirq"))
		return -EINVAL;
	ret = find_event(stop_name, &stop) ?: find_event(start_name, &start);
	if (!ret)
		ret = cycle(stop, start, !strcmp(depth, "noirq"));
	return ret ?: size;
}

static const struct file_operations cycle_ops = {
	.owner = THIS_MODULE,
	.open = simple_open,
	.write = cycle_write,
};

static int __init pmcycle_init(void)
{
	directory = debugfs_create_dir("pmcycle", NULL);
	debugfs_create_file("cycle", 0200, directory, NULL, &cycle_ops);
	return 0;
}

static void __exit pmcycle_exit(void)
{
	debugfs_remove(directory);
}

module_init(pmcycle_init);
module_exit(pmcycle_exit);

MODULE_DESCRIPTION("Hibernation's way with devices for the tests of a driver");
MODULE_LICENSE("GPL");
