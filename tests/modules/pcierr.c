// SPDX-License-Identifier: GPL-2.0-only
/*
 * PCI error recovery without an error.
 *
 * User-Mode Linux has no root port that reports errors. This module calls the
 * error handlers of one device's driver in the order, with the arguments and
 * under the lock that drivers/pci/pcie/err.c has for a device that is alone on
 * its bus. The link reset in between is a function level reset, which is not
 * followed by a restore of the configuration space, as it is with a link reset.
 *
 * Write to /sys/kernel/debug/pcierr/inject:
 *   normal     an error after which the device can still be reached
 *   frozen     an error after which it cannot, until its link is reset
 *   permanent  the same, and the reset of the link fails
 * Read it to see what was called last, and what each handler returned.
 */
#include <linux/debugfs.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/pci.h>
#include <linux/pm_runtime.h>
#include <linux/seq_file.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#define STEPS_MAX	8

struct step {
	const char *handler;
	pci_ers_result_t vote;
};

static struct dentry *directory;
static DEFINE_MUTEX(lock);	/* steps, step_count */
static struct step steps[STEPS_MAX];
static unsigned int step_count;

static const char *vote_name(pci_ers_result_t vote)
{
	switch (vote) {
	case PCI_ERS_RESULT_NONE:
		return "none";
	case PCI_ERS_RESULT_CAN_RECOVER:
		return "can recover";
	case PCI_ERS_RESULT_NEED_RESET:
		return "need reset";
	case PCI_ERS_RESULT_DISCONNECT:
		return "disconnect";
	case PCI_ERS_RESULT_RECOVERED:
		return "recovered";
	case PCI_ERS_RESULT_NO_AER_DRIVER:
		return "no handler";
	default:
		return "nonsense";
	}
}

static pci_ers_result_t note(const char *handler, pci_ers_result_t vote)
{
	if (step_count < STEPS_MAX)
		steps[step_count++] = (struct step){ handler, vote };
	return vote;
}

static const struct pci_error_handlers *handlers(struct pci_dev *pdev)
{
	device_lock_assert(&pdev->dev);
	return pdev->driver ? pdev->driver->err_handler : NULL;
}

static pci_ers_result_t error_detected(struct pci_dev *pdev,
				       pci_channel_state_t state)
{
	pci_ers_result_t vote = PCI_ERS_RESULT_NO_AER_DRIVER;
	const struct pci_error_handlers *handler;

	device_lock(&pdev->dev);
	pdev->error_state = state;
	handler = handlers(pdev);
	if (handler && handler->error_detected)
		vote = handler->error_detected(pdev, state);
	device_unlock(&pdev->dev);
	return note("error_detected", vote);
}

static pci_ers_result_t mmio_enabled(struct pci_dev *pdev)
{
	pci_ers_result_t vote = PCI_ERS_RESULT_RECOVERED;
	const struct pci_error_handlers *handler;

	device_lock(&pdev->dev);
	handler = handlers(pdev);
	if (handler && handler->mmio_enabled)
		vote = handler->mmio_enabled(pdev);
	device_unlock(&pdev->dev);
	return note("mmio_enabled", vote);
}

static pci_ers_result_t slot_reset(struct pci_dev *pdev)
{
	pci_ers_result_t vote = PCI_ERS_RESULT_RECOVERED;
	const struct pci_error_handlers *handler;

	device_lock(&pdev->dev);
	pdev->error_state = pci_channel_io_normal;
	handler = handlers(pdev);
	if (handler && handler->slot_reset)
		vote = handler->slot_reset(pdev);
	device_unlock(&pdev->dev);
	return note("slot_reset", vote);
}

static void resume(struct pci_dev *pdev)
{
	const struct pci_error_handlers *handler;

	device_lock(&pdev->dev);
	pdev->error_state = pci_channel_io_normal;
	handler = handlers(pdev);
	if (handler && handler->resume)
		handler->resume(pdev);
	device_unlock(&pdev->dev);
	note("resume", PCI_ERS_RESULT_RECOVERED);
}

static pci_ers_result_t reset_link(struct pci_dev *pdev, bool works)
{
	pci_ers_result_t vote = PCI_ERS_RESULT_DISCONNECT;

	if (works && !pcie_reset_flr(pdev, PCI_RESET_DO_RESET))
		vote = PCI_ERS_RESULT_RECOVERED;
	return note("link reset", vote);
}

static bool recover(struct pci_dev *pdev, pci_channel_state_t state,
		    bool reset_works)
{
	pci_ers_result_t status = error_detected(pdev, state);

	if (status == PCI_ERS_RESULT_CAN_RECOVER)
		status = mmio_enabled(pdev);

	if (status == PCI_ERS_RESULT_NEED_RESET ||
	    state == pci_channel_io_frozen) {
		if (reset_link(pdev, reset_works) != PCI_ERS_RESULT_RECOVERED)
			return false;
	}

	if (status == PCI_ERS_RESULT_NEED_RESET)
		status = slot_reset(pdev);
	if (status != PCI_ERS_RESULT_RECOVERED)
		return false;

	resume(pdev);
	return true;
}

static int inject(pci_channel_state_t state, bool reset_works)
{
	struct pci_dev *pdev = pci_get_domain_bus_and_slot(0, 0, 0);
	bool recovered;

	if (!pdev)
		return -ENODEV;

	mutex_lock(&lock);
	step_count = 0;
	pm_runtime_get_sync(&pdev->dev);
	recovered = recover(pdev, state, reset_works);
	pm_runtime_put(&pdev->dev);
	if (!recovered)
		error_detected(pdev, pci_channel_io_perm_failure);
	mutex_unlock(&lock);

	pci_dev_put(pdev);
	return 0;
}

static ssize_t inject_write(struct file *file, const char __user *data,
			    size_t size, loff_t *pos)
{
	char word[16] = {};
	int ret;

	if (size >= sizeof(word))
		return -EINVAL;
	if (copy_from_user(word, data, size))
		return -EFAULT;

	if (sysfs_streq(word, "normal"))
		ret = inject(pci_channel_io_normal, true);
	else if (sysfs_streq(word, "frozen"))
		ret = inject(pci_channel_io_frozen, true);
	else if (sysfs_streq(word, "permanent"))
		ret = inject(pci_channel_io_frozen, false);
	else
		ret = -EINVAL;
	return ret ?: size;
}

static int inject_show(struct seq_file *out, void *unused)
{
	unsigned int i;

	mutex_lock(&lock);
	for (i = 0; i < step_count; i++)
		seq_printf(out, "%s: %s\n", steps[i].handler,
			   vote_name(steps[i].vote));
	mutex_unlock(&lock);
	return 0;
}

static int inject_open(struct inode *inode, struct file *file)
{
	return single_open(file, inject_show, NULL);
}

static const struct file_operations inject_ops = {
	.owner = THIS_MODULE,
	.open = inject_open,
	.read = seq_read,
	.write = inject_write,
	.llseek = seq_lseek,
	.release = single_release,
};

static int __init pcierr_init(void)
{
	directory = debugfs_create_dir("pcierr", NULL);
	debugfs_create_file("inject", 0600, directory, NULL, &inject_ops);
	return 0;
}

static void __exit pcierr_exit(void)
{
	debugfs_remove(directory);
}

module_init(pcierr_init);
module_exit(pcierr_exit);

MODULE_DESCRIPTION("PCI error recovery for the tests of a driver");
MODULE_LICENSE("GPL");
