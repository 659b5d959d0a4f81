// SPDX-License-Identifier: GPL-2.0-only
/**
 * DOC: Firmware through devlink
 *
 * **Information** is what is known at this moment; a modem that sleeps is not woken up.
 *
 * **Flash update.** One file per command, in the order of protocol.rst 7.5.2; what a file
 * is for is in its header. The conversation is in iosm_ipc_flash.c; what it has to say
 * while it runs goes to user space as status, why it failed as the error's text. The lock
 * of the devlink instance is held meanwhile, so that commands do not overtake each other.
 *
 * **Parameter** "erase_full_flash". The EBL is told when it is loaded, and the next
 * security pack or region that it is given erases everything. As soon as the EBL is asked
 * to erase, the parameter is false again, however that ends: a full erase may cost more
 * than firmware, so it has to be asked for each time. A file that is refused before that
 * changes nothing.
 *
 * **Reload** with action "fw_activate" resets the function and waits for the modem.
 * devlink holds the lock of the device over both, which a reset wants; so neither a
 * recovery nor an unbind comes in between, and the latter waits for the end.
 *
 * Implements protocol.rst 7.5.2, 7.9.
 */

#include "iosm_ipc_devlink_parts.h"

#include <linux/firmware.h>
#include <linux/kernel.h>

#include "iosm_ipc_boot.h"
#include "iosm_ipc_flash.h"

#define IOSM_RELOAD_TIMEOUT	40000	/* milliseconds; a 7360 boots in 20 s */

/* Information */

/* Opaque to us; whoever knows the chip can tell its revision from it. */
static int iosm_info_put_chip(struct iosm_devlink *dl, struct devlink_info_req *req)
{
	char text[2 * IOSM_CHIP_INFO + 1];
	u8 info[IOSM_CHIP_INFO];

	if (iosm_modem_chip_info(dl->modem, info))
		return 0;
	snprintf(text, sizeof(text), "%*phN", IOSM_CHIP_INFO, info);
	return devlink_info_version_fixed_put(req, "chip.info", text);
}

static const char *iosm_info_stage(u32 stage)
{
	switch (stage) {
	case IOSM_STAGE_BOOT:
		return "boot";
	case IOSM_STAGE_PSI:
		return "psi";
	case IOSM_STAGE_EBL:
		return "ebl";
	case IOSM_STAGE_RUN:
		return "run";
	case IOSM_STAGE_CRASH:
		return "crash";
	case IOSM_STAGE_CD_READY:
		return "cd_ready";
	default:
		return NULL;
	}
}

static int iosm_info_put_stage(struct iosm_devlink *dl, struct devlink_info_req *req)
{
	const char *stage = iosm_info_stage(iosm_modem_stage(dl->modem));

	return stage ? devlink_info_version_running_put(req, "fw.stage", stage) : 0;
}

/* Sampled once per session, of firmware or of a loader. */
static int iosm_info_put_version(struct iosm_devlink *dl, struct devlink_info_req *req)
{
	char text[sizeof("0x12345678")];

	if (!iosm_modem_online(dl->modem))
		return 0;
	snprintf(text, sizeof(text), "0x%x", READ_ONCE(dl->modem->fw_version));
	return devlink_info_version_running_put(req, DEVLINK_INFO_VERSION_GENERIC_FW_MGMT_API,
						text);
}

/**
 * iosm_devlink_info() - op info_get
 * @devlink: the instance, its lock is held
 * @req: for the values
 * @extack: not needed
 *
 * Context: process.
 * Return: 0, or an error of devlink.
 */
int iosm_devlink_info(struct devlink *devlink, struct devlink_info_req *req,
		      struct netlink_ext_ack *extack)
{
	struct iosm_devlink *dl = devlink_priv(devlink);
	int ret;

	ret = devlink_info_version_fixed_put(req, DEVLINK_INFO_VERSION_GENERIC_ASIC_ID,
					     dl->modem->bus->device->name);
	if (!ret)
		ret = iosm_info_put_chip(dl, req);
	if (!ret)
		ret = iosm_info_put_stage(dl, req);
	if (!ret)
		ret = iosm_info_put_version(dl, req);
	return ret;
}

/* Flash update */

/**
 * struct iosm_devlink_progress - status for devlink
 * @progress: base
 * @devlink: the instance
 */
struct iosm_devlink_progress {
	struct iosm_flash_progress progress;
	struct devlink *devlink;
};

static void iosm_devlink_status(struct iosm_flash_progress *progress, const char *message,
				const char *component, unsigned long done, unsigned long total)
{
	struct iosm_devlink_progress *p =
		container_of(progress, struct iosm_devlink_progress, progress);

	devlink_flash_update_status_notify(p->devlink, message, component, done, total);
}

static int iosm_devlink_flash_psi(struct iosm_devlink *dl, const struct iosm_image *image,
				  struct iosm_flash_progress *progress,
				  struct netlink_ext_ack *extack)
{
	int ret;

	ret = iosm_flash_psi(dl->modem->flash, image, progress, extack);
	if (!ret)
		iosm_regions_offer(dl);
	return ret;
}

static int iosm_devlink_flash_fls(struct iosm_devlink *dl, const struct iosm_image *image,
				  struct iosm_flash_progress *progress,
				  struct netlink_ext_ack *extack)
{
	bool erase = dl->erase_full;
	int ret;

	ret = iosm_flash_fls(dl->modem->flash, image, &erase, progress, extack);
	if (erase != dl->erase_full) {
		dl->erase_full = erase;
		devl_param_value_changed(priv_to_devlink(dl), IOSM_PARAM_ERASE_FULL_FLASH);
	}
	return ret;
}

static int iosm_devlink_flash_image(struct iosm_devlink *dl, const struct iosm_image *image,
				    struct iosm_flash_progress *progress,
				    struct netlink_ext_ack *extack)
{
	switch (image->type) {
	case IOSM_IMAGE_PSI:
		return iosm_devlink_flash_psi(dl, image, progress, extack);
	case IOSM_IMAGE_EBL:
		return iosm_flash_ebl(dl->modem->flash, image, dl->erase_full, progress, extack);
	case IOSM_IMAGE_FLS:
		return iosm_devlink_flash_fls(dl, image, progress, extack);
	default:
		return -EOPNOTSUPP;
	}
}

static int iosm_devlink_parse(struct devlink *devlink, const struct firmware *fw,
			      struct iosm_image *image, struct netlink_ext_ack *extack)
{
	int ret;

	ret = iosm_image_parse(fw->data, fw->size, image);
	if (ret == -EOPNOTSUPP) {
		devlink_flash_update_status_notify(devlink, "Invalid component", NULL, 0, 0);
		NL_SET_ERR_MSG_MOD(extack, "The file is neither of type PSI, EBL nor FLS");
	} else if (ret) {
		NL_SET_ERR_MSG_MOD(extack, "The file has no valid header, or nothing after it");
	}
	return ret;
}

/**
 * iosm_devlink_flash() - op flash_update
 * @devlink: the instance, its lock is held
 * @params: the file
 * @extack: for what went wrong
 *
 * Context: process, may sleep long; a signal ends it, and so does iosm_modem_stop().
 * Return: 0, or a negative errno.
 */
int iosm_devlink_flash(struct devlink *devlink, struct devlink_flash_update_params *params,
		       struct netlink_ext_ack *extack)
{
	struct iosm_devlink_progress progress = {
		.progress.status = iosm_devlink_status,
		.devlink = devlink,
	};
	struct iosm_image image;
	int ret;

	ret = iosm_devlink_parse(devlink, params->fw, &image, extack);
	if (ret)
		return ret;
	ret = iosm_devlink_flash_image(devlink_priv(devlink), &image, &progress.progress, extack);
	devlink_flash_update_status_notify(devlink, ret ? "Flashing failed" : "Flashing success",
					   iosm_image_type_name(image.type), 0, 0);
	return ret;
}

/* Parameters; the lock of the devlink instance is held */

static int iosm_devlink_erase_get(struct devlink *devlink, u32 id,
				  struct devlink_param_gset_ctx *ctx,
				  struct netlink_ext_ack *extack)
{
	struct iosm_devlink *dl = devlink_priv(devlink);

	ctx->val.vbool = dl->erase_full;
	return 0;
}

static int iosm_devlink_erase_set(struct devlink *devlink, u32 id,
				  struct devlink_param_gset_ctx *ctx,
				  struct netlink_ext_ack *extack)
{
	struct iosm_devlink *dl = devlink_priv(devlink);

	dl->erase_full = ctx->val.vbool;
	return 0;
}

static const struct devlink_param iosm_devlink_params[] = {
	DEVLINK_PARAM_DRIVER(IOSM_PARAM_ERASE_FULL_FLASH, "erase_full_flash",
			     DEVLINK_PARAM_TYPE_BOOL, BIT(DEVLINK_PARAM_CMODE_RUNTIME),
			     iosm_devlink_erase_get, iosm_devlink_erase_set, NULL),
};

/**
 * iosm_devlink_add_params() - make the parameters
 * @dl: not registered yet
 *
 * Context: process, may sleep.
 * Return: 0, or a negative errno.
 */
int iosm_devlink_add_params(struct iosm_devlink *dl)
{
	return devlink_params_register(priv_to_devlink(dl), iosm_devlink_params,
				       ARRAY_SIZE(iosm_devlink_params));
}

/**
 * iosm_devlink_remove_params() - remove the parameters
 * @dl: not registered any more
 *
 * Context: process, may sleep.
 */
void iosm_devlink_remove_params(struct iosm_devlink *dl)
{
	devlink_params_unregister(priv_to_devlink(dl), iosm_devlink_params,
				  ARRAY_SIZE(iosm_devlink_params));
}

/* Reload */

/**
 * iosm_devlink_say_where() - tell the user where a modem is that is not online
 * @dl: its instance
 * @extack: for the text, may be NULL
 *
 * Context: process.
 */
void iosm_devlink_say_where(struct iosm_devlink *dl, struct netlink_ext_ack *extack)
{
	switch (iosm_modem_state(dl->modem)) {
	case IOSM_ROM:
		NL_SET_ERR_MSG_MOD(extack,
				   "The modem is in its boot ROM; perhaps it waits for a PSI");
		break;
	case IOSM_LOADER:
	case IOSM_LOADER_ONLINE:
		NL_SET_ERR_MSG_MOD(extack,
				   "The modem is in a boot loader, which waits for firmware");
		break;
	case IOSM_CRASHED:
	case IOSM_DUMP_READY:
		NL_SET_ERR_MSG_MOD(extack, "The modem has crashed");
		break;
	case IOSM_FAILED:
		NL_SET_ERR_MSG_MOD(extack, "The modem could not be started; see the kernel log");
		break;
	case IOSM_LOST:
	case IOSM_GONE:
		NL_SET_ERR_MSG_MOD(extack, "The modem does not answer on the bus");
		break;
	default:
		NL_SET_ERR_MSG_MOD(extack, "The modem is not online yet; it may still come");
		break;
	}
}

/**
 * iosm_devlink_reload_down() - op reload_down: reset the function
 * @devlink: the instance; its lock and that of the device are held
 * @netns_change: does not happen with this action
 * @action: DEVLINK_RELOAD_ACTION_FW_ACTIVATE
 * @limit: none
 * @extack: for what went wrong
 *
 * Context: process, may sleep.
 * Return: 0, or a negative errno.
 */
int iosm_devlink_reload_down(struct devlink *devlink, bool netns_change,
			     enum devlink_reload_action action, enum devlink_reload_limit limit,
			     struct netlink_ext_ack *extack)
{
	struct iosm_devlink *dl = devlink_priv(devlink);
	int ret;

	ret = iosm_modem_reset(dl->modem);
	switch (ret) {
	case 0:
		break;
	case -EOPNOTSUPP:
		NL_SET_ERR_MSG_MOD(extack, "The device has no reset");
		break;
	case -EAGAIN:
		NL_SET_ERR_MSG_MOD(extack, "The device is being put to sleep, or reset; try again");
		break;
	case -EINTR:
		NL_SET_ERR_MSG_MOD(extack, "Interrupted; the modem was not reset");
		break;
	case -ENODEV:
		NL_SET_ERR_MSG_MOD(extack, "The modem does not answer on the bus");
		break;
	default:
		NL_SET_ERR_MSG_MOD(extack, "The reset of the device failed");
		break;
	}
	return ret;
}

/**
 * iosm_devlink_reload_up() - op reload_up: wait until the modem is online
 * @devlink: the instance; its lock and that of the device are held
 * @action: DEVLINK_RELOAD_ACTION_FW_ACTIVATE
 * @limit: none
 * @actions_performed: what was done, if it was
 * @extack: for what went wrong
 *
 * Context: process, may sleep IOSM_RELOAD_TIMEOUT.
 * Return: 0, or a negative errno.
 */
int iosm_devlink_reload_up(struct devlink *devlink, enum devlink_reload_action action,
			   enum devlink_reload_limit limit, u32 *actions_performed,
			   struct netlink_ext_ack *extack)
{
	struct iosm_devlink *dl = devlink_priv(devlink);
	int ret;

	ret = iosm_modem_wait_online(dl->modem, IOSM_RELOAD_TIMEOUT);
	if (!ret)
		*actions_performed = BIT(DEVLINK_RELOAD_ACTION_FW_ACTIVATE);
	else if (ret == -EINTR)
		NL_SET_ERR_MSG_MOD(extack, "Interrupted; the modem was reset and may still come");
	else
		iosm_devlink_say_where(dl, extack);
	return ret;
}
