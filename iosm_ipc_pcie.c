// SPDX-License-Identifier: GPL-2.0-only
/**
 * DOC: The PCI driver
 *
 * Finds the device, checks and maps its two BARs, sets up its one MSI vector,
 * and puts the core and its clients together. Probe waits for nothing: the
 * core brings the modem up in the background.
 *
 * Translates what the PM core and the PCI core say (sleep, runtime PM, reset, bus
 * errors) into the steps of iosm_ipc_host.c. The state of configuration space and the
 * power of the function are the business of the PCI core; this file puts no function
 * into D3.
 *
 * Implements protocol.rst 1.1 to 1.5, 1.7, 1.9 and 1.10.
 */

#include <linux/acpi.h>
#include <linux/dma-mapping.h>
#include <linux/io.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/pm_runtime.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/suspend.h>

#include "iosm_ipc_boot.h"
#include "iosm_ipc_clients.h"
#include "iosm_ipc_debugfs.h"
#include "iosm_ipc_devlink.h"
#include "iosm_ipc_flash.h"
#include "iosm_ipc_imem.h"
#include "iosm_ipc_pcie.h"
#include "iosm_ipc_trace.h"

#define IOSM_AUTOSUSPEND_DELAY	2000	/* milliseconds */

/* The firmware says which handshake the modem wants before the host sleeps. */
#define IOSM_DSM_GUID	GUID_INIT(0xbad01b75, 0x22a8, 0x4f48, 0x87, 0x92, \
				  0xbd, 0xde, 0x94, 0x67, 0x74, 0x7d)
#define IOSM_DSM_REVISION	0
#define IOSM_DSM_SLEEP		3	/* function index */
#define IOSM_DSM_SLEEP_D3	3	/* its result for D3/L2; anything else is D0/L1.2 */

static char *system_sleep = "firmware";
module_param(system_sleep, charp, 0444);
MODULE_PARM_DESC(system_sleep,
		 "Handshake before the system sleeps: firmware (default, ACPI decides), d3 or d0");

static bool platform_reset;
module_param_named(acpi_reset, platform_reset, bool, 0644);
MODULE_PARM_DESC(acpi_reset,
		 "Recover with all reset methods, also the platform's; freezes some laptops (default: N)");

/**
 * struct iosm_pci - one PCI function
 * @bus: access for the core
 * @pdev: the function
 * @doorbells: BAR 0
 * @regs: BAR 2
 * @modem: the core
 * @config: configuration space as it was when the device was bound
 * @devlink: its health, for user space
 * @trace: its log, NULL if the kernel cannot have one
 * @flash: the conversation with its boot loaders
 * @sleep: is asked before the system sleeps
 */
struct iosm_pci {
	struct iosm_bus bus;
	struct pci_dev *pdev;
	void __iomem *doorbells;
	void __iomem *regs;
	struct iosm_modem *modem;
	struct pci_saved_state *config;
	struct iosm_devlink *devlink;
	struct iosm_trace *trace;
	struct iosm_flash *flash;
	struct notifier_block sleep;
};

static const struct iosm_client *const iosm_clients[] = {
	&iosm_wwan_client,
	&iosm_port_client,
#if IOSM_HAS_TRACE
	&iosm_trace_client,
#endif
	&iosm_flash_client,
	NULL
};

static_assert(ARRAY_SIZE(iosm_clients) <= IOSM_CLIENTS_MAX + 1);

static struct iosm_pci *to_iosm_pci(struct iosm_bus *bus)
{
	return container_of(bus, struct iosm_pci, bus);
}

static u32 iosm_pci_read32(struct iosm_bus *bus, u32 offset)
{
	return ioread32(to_iosm_pci(bus)->regs + offset);
}

static u8 iosm_pci_read8(struct iosm_bus *bus, u32 offset)
{
	return ioread8(to_iosm_pci(bus)->regs + offset);
}

static void iosm_pci_write32(struct iosm_bus *bus, u32 offset, u32 value)
{
	iowrite32(value, to_iosm_pci(bus)->regs + offset);
}

static void iosm_pci_ring(struct iosm_bus *bus, enum iosm_doorbell bell,
			  u32 value)
{
	/* Orders earlier memory writes, such as a head index, before itself. */
	iowrite32(value, to_iosm_pci(bus)->doorbells + IOSM_DOORBELL(bell));
}

static void iosm_pci_set_dma(struct iosm_bus *bus, bool allowed)
{
	if (allowed)
		pci_set_master(to_iosm_pci(bus)->pdev);
	else
		pci_clear_master(to_iosm_pci(bus)->pdev);
}

/* As it was when the device was bound: without bus mastering, which a session needs. */
static void iosm_pci_restore_config(struct iosm_pci *iosm)
{
	if (!pci_load_saved_state(iosm->pdev, iosm->config))
		pci_restore_state(iosm->pdev);
}

/* A function that lost its power has a configuration as after power-on. */
static bool iosm_pci_find_again(struct iosm_pci *iosm)
{
	struct pci_dev *pdev = iosm->pdev;
	u16 command;

	if (!pci_device_is_present(pdev))
		return false;
	pci_read_config_word(pdev, PCI_COMMAND, &command);
	if (!(command & PCI_COMMAND_MEMORY))
		iosm_pci_restore_config(iosm);
	return true;
}

static bool iosm_pci_find(struct iosm_bus *bus)
{
	return iosm_pci_find_again(to_iosm_pci(bus));
}

static int iosm_pci_reset_locked(struct iosm_pci *iosm)
{
	struct pci_dev *pdev = iosm->pdev;
	bool found = iosm_pci_find_again(iosm);
	int ret;

	/* The platform may have a way to bring it back. */
	if (!found && !platform_reset)
		return -ENODEV;

	dev_info(&pdev->dev, "resetting the function\n");
	iosm_modem_reset_prepare(iosm->modem);
	/* Of a function that is not there, nothing is worth to be saved. */
	if (found)
		pci_save_state(pdev);
	/* Without the parameter only what is the function's own, no platform method. */
	if (platform_reset)
		ret = __pci_reset_function_locked(pdev);
	else
		ret = pcie_reset_flr(pdev, PCI_RESET_DO_RESET);
	if (found)
		pci_restore_state(pdev);
	else
		iosm_pci_restore_config(iosm);
	iosm_modem_reset_done(iosm->modem);
	return ret == -ENOTTY ? -EOPNOTSUPP : ret;
}

/* Whoever has the lock may wait for the caller, who has the device lock with @reload. */
static bool iosm_pci_trylock(struct pci_dev *pdev, bool reload)
{
	if (!reload)
		return pci_dev_trylock(pdev);
	pci_cfg_access_lock(pdev);
	return true;
}

static void iosm_pci_unlock(struct pci_dev *pdev, bool reload)
{
	if (reload)
		pci_cfg_access_unlock(pdev);
	else
		pci_dev_unlock(pdev);
}

static int iosm_pci_reset(struct iosm_bus *bus, bool reload)
{
	struct iosm_pci *iosm = to_iosm_pci(bus);
	int ret = 0;

	if (!platform_reset && pcie_reset_flr(iosm->pdev, PCI_RESET_PROBE))
		return -EOPNOTSUPP;
	if (!iosm_pci_trylock(iosm->pdev, reload))
		return -EAGAIN;
	/* The lock is free between the callbacks of a sleep, but the function is in D3. */
	if (READ_ONCE(iosm->modem->holds))
		ret = -EAGAIN;
	else if (reload || iosm_modem_needs_reset(iosm->modem))
		ret = iosm_pci_reset_locked(iosm);
	iosm_pci_unlock(iosm->pdev, reload);
	return ret;
}

static const struct iosm_bus_ops iosm_pci_bus_ops = {
	.read32 = iosm_pci_read32,
	.read8 = iosm_pci_read8,
	.write32 = iosm_pci_write32,
	.ring = iosm_pci_ring,
	.set_dma = iosm_pci_set_dma,
	.reset = iosm_pci_reset,
	.find = iosm_pci_find,
};

static irqreturn_t iosm_pci_interrupt(int irq, void *data)
{
	struct iosm_modem *modem = data;

	iosm_modem_interrupt(modem);
	return IRQ_HANDLED;
}

static void __iomem *iosm_pci_map(struct pci_dev *pdev, int bar,
				  resource_size_t min)
{
	if (!(pci_resource_flags(pdev, bar) & IORESOURCE_MEM) ||
	    pci_resource_len(pdev, bar) < min) {
		dev_err(&pdev->dev, "BAR %d is unusable: %pR\n", bar,
			&pdev->resource[bar]);
		return IOMEM_ERR_PTR(-ENODEV);
	}
	return pcim_iomap_region(pdev, bar, KBUILD_MODNAME);
}

/* Latency tolerance reporting lets the link enter its deepest idle state. */
static void iosm_pci_enable_ltr(struct pci_dev *pdev)
{
	u32 caps;

	if (pcie_capability_read_dword(pdev, PCI_EXP_DEVCAP2, &caps) ||
	    caps == IOSM_ALL_ONES || !(caps & PCI_EXP_DEVCAP2_LTR))
		return;
	pcie_capability_set_word(pdev, PCI_EXP_DEVCTL2, PCI_EXP_DEVCTL2_LTR_EN);
}

/**
 * iosm_pci_dsm_sleep() - which handshake the firmware of the machine wants
 * @result: of the _DSM function, may be NULL
 *
 * Context: any; pure. Implements protocol.rst 1.7.1, and 10.6.1 P5.
 * Return: IOSM_HOST_SLEEP_D3 for the one integer that means it, else the default.
 */
enum iosm_host_sleep iosm_pci_dsm_sleep(const union acpi_object *result)
{
	if (result && result->type == ACPI_TYPE_INTEGER &&
	    result->integer.value == IOSM_DSM_SLEEP_D3)
		return IOSM_HOST_SLEEP_D3;
	return IOSM_HOST_SLEEP_D0;
}

static enum iosm_host_sleep iosm_pci_firmware_sleep(struct pci_dev *pdev)
{
	static const guid_t guid = IOSM_DSM_GUID;
	enum iosm_host_sleep sleep;
	union acpi_object *result;

	if (!ACPI_HANDLE(&pdev->dev))
		return IOSM_HOST_SLEEP_D0;
	result = acpi_evaluate_dsm(ACPI_HANDLE(&pdev->dev), &guid, IOSM_DSM_REVISION,
				   IOSM_DSM_SLEEP, NULL);
	sleep = iosm_pci_dsm_sleep(result);
	ACPI_FREE(result);
	return sleep;
}

static enum iosm_host_sleep iosm_pci_host_sleep(struct pci_dev *pdev)
{
	if (sysfs_streq(system_sleep, "d3"))
		return IOSM_HOST_SLEEP_D3;
	if (sysfs_streq(system_sleep, "d0"))
		return IOSM_HOST_SLEEP_D0;
	if (!sysfs_streq(system_sleep, "firmware"))
		dev_warn(&pdev->dev, "system_sleep=%s: not firmware, d3 or d0; ignored\n",
			 system_sleep);
	return iosm_pci_firmware_sleep(pdev);
}

static int iosm_pci_setup(struct iosm_pci *iosm)
{
	struct pci_dev *pdev = iosm->pdev;
	int ret;

	ret = pcim_enable_device(pdev);
	if (ret)
		return ret;
	ret = dma_set_mask_and_coherent(&pdev->dev, DMA_BIT_MASK(64));
	if (ret)
		ret = dma_set_mask_and_coherent(&pdev->dev, DMA_BIT_MASK(32));
	if (ret)
		return ret;

	iosm->doorbells = iosm_pci_map(pdev, IOSM_DOORBELL_BAR,
				       IOSM_DOORBELL_BAR_MIN);
	if (IS_ERR(iosm->doorbells))
		return PTR_ERR(iosm->doorbells);
	iosm->regs = iosm_pci_map(pdev, IOSM_REG_BAR, IOSM_REG_BAR_MIN);
	if (IS_ERR(iosm->regs))
		return PTR_ERR(iosm->regs);

	iosm_pci_enable_ltr(pdev);
	/* A session allows it; whoever was here before may have left it on. */
	pci_clear_master(pdev);
	return 0;
}

/* Runtime PM stays off until user space allows it: the PCI core forbids it at first. */
static void iosm_pci_start_pm(struct pci_dev *pdev)
{
	struct device *dev = &pdev->dev;

	/* The modem has to hear of each system sleep, also if the function is in D3. */
	dev_pm_set_driver_flags(dev, DPM_FLAG_NO_DIRECT_COMPLETE);
	pm_runtime_set_autosuspend_delay(dev, IOSM_AUTOSUSPEND_DELAY);
	pm_runtime_use_autosuspend(dev);
}

/* Before anything is frozen: firmware that is half in the modem has to get there. */
static int iosm_pci_sleep(struct notifier_block *block, unsigned long event, void *unused)
{
	struct iosm_pci *iosm = container_of(block, struct iosm_pci, sleep);

	switch (event) {
	case PM_SUSPEND_PREPARE:
	case PM_HIBERNATION_PREPARE:
	case PM_RESTORE_PREPARE:
		if (!iosm_modem_talks(iosm->modem))
			return NOTIFY_DONE;
		dev_warn(&iosm->pdev->dev, "a boot loader is talked to: no time to sleep\n");
		return notifier_from_errno(-EBUSY);
	default:
		return NOTIFY_DONE;
	}
}

static int iosm_pci_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	struct device *dev = &pdev->dev;
	struct iosm_pci *iosm;
	int ret;

	iosm = devm_kzalloc(dev, sizeof(*iosm), GFP_KERNEL);
	if (!iosm)
		return -ENOMEM;
	iosm->pdev = pdev;
	iosm->bus.ops = &iosm_pci_bus_ops;
	iosm->bus.dev = dev;
	iosm->bus.device = (const struct iosm_device *)id->driver_data;
	iosm->bus.host_sleep = iosm_pci_host_sleep(pdev);
	/* Bound by "new_id" or "driver_override". */
	if (!iosm->bus.device)
		return dev_err_probe(dev, -ENODEV, "unknown kind of modem\n");

	ret = iosm_pci_setup(iosm);
	if (ret)
		return dev_err_probe(dev, ret, "cannot set up the device\n");

	iosm->modem = iosm_modem_create(&iosm->bus, iosm_clients);
	if (IS_ERR(iosm->modem))
		return PTR_ERR(iosm->modem);
	iosm->trace = iosm_trace_create(iosm->modem);
	if (IS_ERR(iosm->trace)) {
		iosm_modem_destroy(iosm->modem);
		return PTR_ERR(iosm->trace);
	}
	iosm->flash = iosm_flash_create(iosm->modem);
	if (IS_ERR(iosm->flash)) {
		ret = PTR_ERR(iosm->flash);
		goto err_destroy_trace;
	}

	ret = pci_alloc_irq_vectors(pdev, 1, 1, PCI_IRQ_MSI);
	if (ret < 0) {
		dev_err_probe(dev, ret, "no MSI vector\n");
		goto err_destroy_flash;
	}
	ret = request_irq(pci_irq_vector(pdev, 0), iosm_pci_interrupt, 0,
			  KBUILD_MODNAME, iosm->modem);
	if (ret) {
		dev_err_probe(dev, ret, "cannot request the interrupt\n");
		goto err_free_vectors;
	}

	/* What a reset of the slot gives back, and what is found again after it was lost. */
	pci_save_state(pdev);
	iosm->config = pci_store_saved_state(pdev);
	if (!iosm->config) {
		ret = -ENOMEM;
		goto err_free_irq;
	}
	iosm->devlink = iosm_devlink_create(iosm->modem);
	if (IS_ERR(iosm->devlink)) {
		ret = PTR_ERR(iosm->devlink);
		goto err_free_config;
	}

	iosm->sleep.notifier_call = iosm_pci_sleep;
	ret = register_pm_notifier(&iosm->sleep);
	if (ret)
		goto err_close_devlink;

	pci_set_drvdata(pdev, iosm);
	iosm_pci_start_pm(pdev);
	iosm_modem_start(iosm->modem);
	/* The PCI core's reference; the modem has its own. */
	pm_runtime_put_noidle(dev);
	return 0;

err_close_devlink:
	iosm_devlink_close(iosm->devlink);
err_free_config:
	kfree(iosm->config);
err_free_irq:
	free_irq(pci_irq_vector(pdev, 0), iosm->modem);
err_free_vectors:
	pci_free_irq_vectors(pdev);
err_destroy_flash:
	iosm_flash_destroy(iosm->flash);
err_destroy_trace:
	iosm_modem_destroy(iosm->modem);
	iosm_trace_destroy(iosm->trace);
	if (!IS_ERR_OR_NULL(iosm->devlink))
		iosm_devlink_free(iosm->devlink);
	return ret;
}

static void iosm_pci_remove(struct pci_dev *pdev)
{
	struct iosm_pci *iosm = pci_get_drvdata(pdev);

	unregister_pm_notifier(&iosm->sleep);
	pm_runtime_get_noresume(&pdev->dev);
	pm_runtime_dont_use_autosuspend(&pdev->dev);
	iosm_modem_stop(iosm->modem);
	/* Whoever waits for the modem to recover was told that it is gone. */
	iosm_devlink_close(iosm->devlink);
	free_irq(pci_irq_vector(pdev, 0), iosm->modem);
	pci_free_irq_vectors(pdev);
	iosm_modem_destroy(iosm->modem);
	iosm_flash_destroy(iosm->flash);
	iosm_trace_destroy(iosm->trace);
	iosm_devlink_free(iosm->devlink);
	kfree(iosm->config);
}

/* The next kernel must not find a modem that still writes to our memory. */
static void iosm_pci_shutdown(struct pci_dev *pdev)
{
	struct iosm_pci *iosm = pci_get_drvdata(pdev);

	iosm_modem_stop(iosm->modem);
}

/* A device that is about to sleep may get no children: ports and links wait until then. */
static int iosm_pci_prepare(struct device *dev)
{
	struct iosm_pci *iosm = dev_get_drvdata(dev);

	iosm_modem_hold(iosm->modem);
	return 0;
}

static int iosm_pci_suspend(struct device *dev)
{
	struct iosm_pci *iosm = dev_get_drvdata(dev);

	return iosm_modem_suspend(iosm->modem);
}

static int iosm_pci_resume(struct device *dev)
{
	struct iosm_pci *iosm = dev_get_drvdata(dev);

	/* What the PCI core restores is what it found before, which may have been nothing. */
	iosm_pci_find_again(iosm);
	iosm_modem_resume(iosm->modem);
	return 0;
}

static int iosm_pci_restore(struct device *dev)
{
	struct iosm_pci *iosm = dev_get_drvdata(dev);

	iosm_pci_find_again(iosm);
	iosm_modem_restore(iosm->modem);
	return 0;
}

/* Last of all: from here on devices can be made again, and tasks run soon. */
static void iosm_pci_complete(struct device *dev)
{
	struct iosm_pci *iosm = dev_get_drvdata(dev);

	iosm_modem_release(iosm->modem);
}

static int iosm_pci_runtime_suspend(struct device *dev)
{
	struct iosm_pci *iosm = dev_get_drvdata(dev);
	int ret;

	ret = iosm_modem_runtime_suspend(iosm->modem);
	/* Otherwise the PM core would not try again. */
	if (ret)
		pm_runtime_mark_last_busy(dev);
	return ret;
}

static int iosm_pci_runtime_resume(struct device *dev)
{
	struct iosm_pci *iosm = dev_get_drvdata(dev);

	iosm_modem_runtime_resume(iosm->modem);
	return 0;
}

/* Hibernation: the same steps; only what an image brings back is another matter. */
static const struct dev_pm_ops iosm_pci_pm_ops = {
	.prepare = pm_sleep_ptr(iosm_pci_prepare),
	.suspend = pm_sleep_ptr(iosm_pci_suspend),
	.resume = pm_sleep_ptr(iosm_pci_resume),
	.freeze = pm_sleep_ptr(iosm_pci_suspend),
	.thaw = pm_sleep_ptr(iosm_pci_resume),
	.poweroff = pm_sleep_ptr(iosm_pci_suspend),
	.restore = pm_sleep_ptr(iosm_pci_restore),
	.complete = pm_sleep_ptr(iosm_pci_complete),
	RUNTIME_PM_OPS(iosm_pci_runtime_suspend, iosm_pci_runtime_resume, NULL)
};

static pci_ers_result_t iosm_pci_error_detected(struct pci_dev *pdev,
						pci_channel_state_t state)
{
	struct iosm_pci *iosm = pci_get_drvdata(pdev);

	switch (state) {
	case pci_channel_io_normal:
		return PCI_ERS_RESULT_CAN_RECOVER;
	case pci_channel_io_frozen:
		iosm_modem_isolate(iosm->modem, false);
		return PCI_ERS_RESULT_NEED_RESET;
	default:
		iosm_modem_isolate(iosm->modem, true);
		return PCI_ERS_RESULT_DISCONNECT;
	}
}

/* The session went on over an error that was not fatal; it may not have survived. */
static pci_ers_result_t iosm_pci_mmio_enabled(struct pci_dev *pdev)
{
	struct iosm_pci *iosm = pci_get_drvdata(pdev);

	if (!iosm_modem_answers(iosm->modem)) {
		iosm_modem_isolate(iosm->modem, false);
		return PCI_ERS_RESULT_NEED_RESET;
	}
	iosm_modem_look(iosm->modem);
	return PCI_ERS_RESULT_RECOVERED;
}

static pci_ers_result_t iosm_pci_slot_reset(struct pci_dev *pdev)
{
	struct iosm_pci *iosm = pci_get_drvdata(pdev);

	iosm_pci_restore_config(iosm);
	/* Its first stage may take it some time, for which the modem is given some. */
	if (!pci_device_is_present(pdev)) {
		dev_err(&pdev->dev, "no answer after the reset of the slot\n");
		iosm_modem_isolate(iosm->modem, true);
		return PCI_ERS_RESULT_DISCONNECT;
	}
	return PCI_ERS_RESULT_RECOVERED;
}

static void iosm_pci_error_resume(struct pci_dev *pdev)
{
	struct iosm_pci *iosm = pci_get_drvdata(pdev);

	iosm_modem_rejoin(iosm->modem);
}

static void iosm_pci_reset_prepare(struct pci_dev *pdev)
{
	struct iosm_pci *iosm = pci_get_drvdata(pdev);

	/* Who resets a whole bus asks nobody whether the function is in D3. */
	pm_runtime_get_sync(&pdev->dev);
	/* What is saved now is what it gets back. */
	iosm_pci_find_again(iosm);
	iosm_modem_reset_prepare(iosm->modem);
}

static void iosm_pci_reset_done(struct pci_dev *pdev)
{
	struct iosm_pci *iosm = pci_get_drvdata(pdev);

	iosm_modem_reset_done(iosm->modem);
	/* An error of the bus, of which nobody said that it is over, is over now. */
	iosm_modem_rejoin(iosm->modem);
	pm_runtime_put(&pdev->dev);
}

static const struct pci_error_handlers iosm_pci_error_handlers = {
	.error_detected = iosm_pci_error_detected,
	.mmio_enabled = iosm_pci_mmio_enabled,
	.slot_reset = iosm_pci_slot_reset,
	.resume = iosm_pci_error_resume,
	.reset_prepare = iosm_pci_reset_prepare,
	.reset_done = iosm_pci_reset_done,
};

static const struct pci_device_id iosm_pci_ids[] = {
	{ PCI_DEVICE(IOSM_PCI_VENDOR_INTEL, IOSM_PCI_DEVICE_7560),
	  .driver_data = (kernel_ulong_t)&iosm_device_7560 },
	{ PCI_DEVICE(IOSM_PCI_VENDOR_INTEL, IOSM_PCI_DEVICE_7360),
	  .driver_data = (kernel_ulong_t)&iosm_device_7360 },
	{ }
};
MODULE_DEVICE_TABLE(pci, iosm_pci_ids);

static struct pci_driver iosm_pci_driver = {
	.name = KBUILD_MODNAME,
	.id_table = iosm_pci_ids,
	.probe = iosm_pci_probe,
	.remove = iosm_pci_remove,
	.shutdown = iosm_pci_shutdown,
	.err_handler = &iosm_pci_error_handlers,
	.driver.pm = pm_ptr(&iosm_pci_pm_ops),
};

static int __init iosm_pci_init(void)
{
	int ret;

	iosm_debugfs_init();
	ret = pci_register_driver(&iosm_pci_driver);
	if (ret)
		iosm_debugfs_exit();
	return ret;
}
module_init(iosm_pci_init);

static void __exit iosm_pci_exit(void)
{
	pci_unregister_driver(&iosm_pci_driver);
	iosm_debugfs_exit();
}
module_exit(iosm_pci_exit);

MODULE_DESCRIPTION("Intel XMM7360 and XMM7560 PCIe modem driver");
MODULE_LICENSE("GPL");
