// SPDX-License-Identifier: GPL-2.0-only
/*
 * How the modem starts: the boot ROM, the loaders, and when there is firmware.
 *
 *	        image             EBL              boot delay
 *	BOOT ----------> PSI ----------> EBL       .----------> RUN
 *	  '---------------'----------------'-------'             ^
 *	                                   '---- security end ---'
 *
 * A modem that waits for nobody passes the stages by itself. One with a core
 * dump waits in its boot ROM until somebody fetches it.
 */
#include <string.h>

#include "gmem.h"
#include "log.h"
#include "modem_parts.h"
#include "pcidev.h"

/* The stock driver needs the result before the stage changes [7.2.3]. */
#define ROM_EXIT_US	5000

/* A timer of a modem that crashed, or the like, does nothing. */
static bool ended(const struct modem *modem)
{
	return modem->life != MODEM_ALIVE;
}

static void to_run(struct modem *modem)
{
	/* Who talked to a loader cannot know when it ended. */
	if (modem->ipc != IPC_UNINIT) {
		modem_stop(modem);
		modem_set_ipc(modem, IPC_UNINIT);
		modem->excused = true;
	}
	modem_set_stage(modem, STAGE_RUN);
}

/* It goes on by itself: EBL comes between PSI and RUN. */
static void booted(void *ctx)
{
	struct modem *modem = ctx;

	if (ended(modem))
		return;
	if (modem->stage != STAGE_PSI) {
		to_run(modem);
		return;
	}
	flash_loader(&modem->flash, true);
	modem_set_stage(modem, STAGE_EBL);
	loop_timer_arm(&modem->boot, modem->config.boot_us / 2);
}

/*
 * The boot ROM.
 */

static bool image_is_good(struct modem *modem)
{
	uint64_t addr = wire_get64(modem->reg + REG_PSI_ADDR);
	uint32_t len = wire_get32(modem->reg + REG_PSI_LEN);
	const uint8_t *image = pcidev_dma(modem->pci, addr, len);
	uint8_t magic[4];

	if (!len || !image) {
		violation("7.3", "PSI of %u bytes outside memory: 0x%llx", len,
			  (unsigned long long)addr);
		return false;
	}
	trace("psi addr=0x%llx size=%u", (unsigned long long)addr, len);
	if (len < sizeof(magic))
		return false;
	gmem_copy(magic, image, sizeof(magic));
	return !memcmp(magic, "PSI0", sizeof(magic));
}

static void tell_result(void *ctx)
{
	struct modem *modem = ctx;

	bool again = modem->rom_told;

	if (ended(modem))
		return;
	modem->rom_told = true;
	wire_put32(modem->reg + REG_ROM_RESULT, modem->rom_result);
	modem_msi(modem);
	if (again)
		return;
	trace("rom result 0x%02x", modem->rom_result);
	log_info("boot ROM: result 0x%02x", modem->rom_result);
	if (modem->rom_twice)
		loop_timer_arm(&modem->rom, MODEM_AGAIN_US);
	if (modem->rom_result == ROM_DONE || modem->rom_result == ROM_CERTIFIED)
		loop_timer_arm(&modem->psi, ROM_EXIT_US);
}

static void judge_image(struct modem *modem, bool refuse)
{
	struct fault_answer answer;

	/* A host that waited long enough takes its memory back. */
	if (!pcidev_may_dma(modem->pci))
		return;
	modem->rom_result = !refuse && image_is_good(modem) ? ROM_DONE :
			    ROM_REFUSED;
	modem->counters.images++;
	answer = fault_at(&modem->faults, FAULT_AT_ROM);
	if (answer.ignore)
		return;
	if (answer.refuse)
		modem->rom_result = ROM_REFUSED;
	if (answer.bad)
		modem->rom_result = answer.value;
	modem->rom_twice = answer.twice;
	modem->rom_told = false;
	if (answer.late_us)
		loop_timer_arm(&modem->rom, answer.late_us);
	else
		tell_result(modem);
}

static void late_image(void *ctx)
{
	struct modem *modem = ctx;

	if (!ended(modem))
		judge_image(modem, modem->image_refused);
}

void modem_boot_doorbell(struct modem *modem)
{
	struct fault_answer answer;

	if (modem->stage != STAGE_BOOT) {
		if (!modem->excused)
			violation("1.3.1", "DB0=0x%08x in stage %s", HEAD_BOOT,
				  modem_stage_name(modem->stage));
		return;
	}
	if (!pcidev_may_dma(modem->pci)) {
		violation("1.5", "DB0=0x%08x without bus mastering", HEAD_BOOT);
		return;
	}
	if (modem->image.armed || modem->rom.armed || modem->psi.armed) {
		violation("7.3", "an image while another one is taken");
		return;
	}
	answer = fault_at(&modem->faults, FAULT_AT_PSI);
	if (answer.ignore)
		return;
	/* Nobody waits for the flash memory any more. */
	loop_timer_cancel(&modem->boot);
	modem->image_refused = answer.refuse;
	if (answer.late_us)
		loop_timer_arm(&modem->image, answer.late_us);
	else
		judge_image(modem, answer.refuse);
}

/* No interrupt for this: the host polls. */
static void run_psi(struct modem *modem, uint32_t stage)
{
	flash_loader(&modem->flash, false);
	modem->counters.loaders++;
	modem_set_stage(modem, stage);
}

static void rom_exits(void *ctx)
{
	struct modem *modem = ctx;
	struct fault_answer answer;

	if (ended(modem))
		return;
	if (modem->psi_late) {
		modem->psi_late = false;
		run_psi(modem, STAGE_PSI);
		return;
	}
	answer = fault_at(&modem->faults, FAULT_AT_STAGE_PSI);
	if (answer.ignore)
		return;
	modem->psi_late = answer.late_us;
	if (answer.late_us)
		loop_timer_arm(&modem->psi, answer.late_us);
	else
		run_psi(modem, answer.bad ? answer.value : STAGE_PSI);
}

/*
 * The loaders report these.
 */

static void ebl_loaded(void *ctx)
{
	struct modem *modem = ctx;

	modem_set_stage(modem, STAGE_EBL);
	rings_write_status(&modem->rings, modem->stage, modem->ipc,
			   modem_notification(modem));
}

static void ebl_refused(void *ctx)
{
	modem_strike(ctx, FAULT_CRASH, FAULT_NO_ARGUMENT);
}

static void flash_finished(void *ctx)
{
	struct modem *modem = ctx;

	loop_timer_arm(&modem->reboot, modem->config.reboot_us);
}

static void flash_unfinished(void *ctx)
{
	struct modem *modem = ctx;

	loop_timer_cancel(&modem->reboot);
}

static void reboot(void *ctx)
{
	struct modem *modem = ctx;

	if (ended(modem))
		return;
	log_info("the new firmware starts");
	/* Nobody wanted the core dump. */
	modem->dump.crashed = false;
	modem_restart(modem, STAGE_RUN, 0);
	modem->excused = true;
}

static const struct flash_ops modem_flash_ops = {
	.loaded = ebl_loaded,
	.refused = ebl_refused,
	.finished = flash_finished,
	.unfinished = flash_unfinished,
};

bool modem_chatter(struct modem *modem, unsigned int count, size_t len)
{
	bool sent = modem->loader && modem->life == MODEM_ALIVE;

	while (sent && count--)
		sent = flash_chatter(&modem->flash, len);
	return sent;
}

/*
 * Life.
 */

void modem_boot_init(struct modem *modem)
{
	struct loop *loop = modem->loop;

	loop_timer_init(&modem->boot, loop, booted, modem);
	loop_timer_init(&modem->image, loop, late_image, modem);
	loop_timer_init(&modem->rom, loop, tell_result, modem);
	loop_timer_init(&modem->psi, loop, rom_exits, modem);
	loop_timer_init(&modem->reboot, loop, reboot, modem);
	coredump_init(&modem->dump, &modem->config.dump);
	flash_init(&modem->flash, loop, &modem->faults, &modem->nand,
		   &modem->dump, &modem_flash_ops, modem);
	if (modem->config.record)
		memcpy(modem->flash.record, modem->config.record,
		       EBL_RECORD_SIZE);
}

void modem_boot_stop(struct modem *modem)
{
	loop_timer_cancel(&modem->boot);
	loop_timer_cancel(&modem->image);
	loop_timer_cancel(&modem->rom);
	loop_timer_cancel(&modem->psi);
	loop_timer_cancel(&modem->reboot);
	modem->psi_late = false;
}

void modem_boot_restart(struct modem *modem, uint32_t stage, uint64_t boot_us)
{
	modem_boot_stop(modem);
	/* Without a core dump, a modem goes on as though nothing had happened. */
	modem->dump.crashed &= modem->dump.present;
	if (modem->dump.crashed) {
		stage = STAGE_BOOT;
		boot_us = 0;
	}
	modem_set_stage(modem, stage);
	if (stage == STAGE_PSI || stage == STAGE_EBL)
		flash_loader(&modem->flash, stage == STAGE_EBL);
	if (stage == STAGE_CRASH || stage == STAGE_CD_READY) {
		modem->life = MODEM_CRASHED;
		modem->pci->mute = true;
	}
	if (boot_us)
		loop_timer_arm(&modem->boot, stage == STAGE_PSI ? boot_us / 2 :
			       boot_us);
}

void modem_power_on(struct modem *modem)
{
	uint32_t stage = modem->config.stage;

	if (!stage)
		stage = modem->config.boot_us ? STAGE_BOOT : STAGE_RUN;
	modem_restart(modem, stage, modem->config.boot_us);
}
