// SPDX-License-Identifier: GPL-2.0-only
/**
 * DOC: Boot stages before RUN
 *
 * Most modems boot by themselves, from their flash memory, through all stages. The
 * state work watches them and does nothing until they are in RUN.
 *
 * One that does not, because its flash memory is empty or because it has a core dump to
 * tell of, waits in its boot ROM for somebody who gives it a loader: the PSI, which the
 * modem fetches from our memory. An IPC session with the PSI is set up by the state work,
 * as with firmware, but only if somebody waits for it here.
 *
 *   boot ROM --- iosm_modem_load_psi() ---> loader ------> loader online
 *                iosm_modem_want_loader() --^  ^                |
 *                                              +-- spoiled -----+---> RUN: starting
 *
 * The state work is held while the ROM fetches the image, so that it does not take the
 * steps of the ROM for those of a modem that boots by itself. Whoever needs the state
 * work held for a better reason (reset, sleep, unbind) ends the loading, and waits for
 * that, so that nobody touches the modem meanwhile.
 *
 * The caller may be interrupted by a signal at any time. The image is freed after the
 * modem was forbidden to access memory, in any case.
 *
 * A conversation keeps the system from sleeping, before anything is frozen: a task that
 * is frozen in the middle of one has what those need who end it.
 *
 * Implements protocol.rst 7.2, 7.3.
 */

#include "iosm_ipc_boot.h"

#include <linux/delay.h>
#include <linux/dma-mapping.h>
#include <linux/jiffies.h>
#include <linux/sched/signal.h>
#include <linux/unaligned.h>

#include "iosm_ipc_imem_parts.h"

/* Milliseconds */
#define IOSM_LOAD_POLL		20
#define IOSM_ROM_TIMEOUT	3000
#define IOSM_PSI_TIMEOUT	3000
#define IOSM_ROM_SAME_POLLS	10	/* of IOSM_LOAD_POLL, after an interrupt */
#define IOSM_SETTLE_TIMEOUT	5000
#define IOSM_LOADER_TIMEOUT	25000	/* INIT and RUNNING, 10 s each, and pauses */

#define IOSM_PSI_MAX		SZ_16M

/* ROM results that are success (protocol.rst 2.4) */
#define IOSM_ROM_OK		0x01
#define IOSM_ROM_OK_TOO		0x10

/**
 * struct iosm_load - a PSI on its way into the modem
 * @modem: the modem
 * @image: what it fetches
 * @dma: bus address of @image
 * @len: its length, bytes
 * @irqs: interrupts before it was told
 * @result: ROM result before it was told; of an earlier image
 * @polls: since there was an interrupt, and the result was the same
 */
struct iosm_load {
	struct iosm_modem *modem;
	void *image;
	dma_addr_t dma;
	u32 len;
	u64 irqs;
	u32 result;
	unsigned int polls;
};

/* 0: go on. Whoever holds the state work, too, has a better reason. */
static int iosm_load_check(struct iosm_load *load)
{
	struct iosm_modem *modem = load->modem;

	if (iosm_modem_state(modem) == IOSM_GONE)
		return -ENODEV;
	if (iosm_modem_state(modem) != IOSM_ROM ||
	    (READ_ONCE(modem->holds) & ~BIT(IOSM_HOLD_LOAD)))
		return -EIO;
	return signal_pending(current) ? -EINTR : 0;
}

/*
 * Until the ROM has taken or refused the image. Its result may be the same as that of the
 * image before; then it is the interrupt that tells. As an interrupt may have any cause
 * (protocol.rst 7.2.3, Q74), the result has some more time to change after it.
 */
static bool iosm_load_decided(struct iosm_load *load, u32 stage, u32 result)
{
	if (stage == IOSM_STAGE_PSI || result != load->result)
		return true;
	/* Whether it moved is all that counts. */
	if (!result || data_race(load->modem->irqs) == load->irqs)
		return false;
	return ++load->polls > IOSM_ROM_SAME_POLLS;
}

static int iosm_load_await_rom(struct iosm_load *load, u32 *result)
{
	unsigned long deadline = jiffies + msecs_to_jiffies(IOSM_ROM_TIMEOUT);
	struct iosm_bus *bus = load->modem->bus;
	u32 stage;
	int ret;

	do {
		/* Its interrupt tells nothing for sure, and the stage moves without one. */
		msleep(IOSM_LOAD_POLL);
		ret = iosm_load_check(load);
		if (ret)
			return ret;
		stage = iosm_mmio_stage(bus);
		*result = iosm_mmio_rom_result(bus);
		if (stage == IOSM_ALL_ONES)
			return -ENODEV;
		if (iosm_load_decided(load, stage, *result)) {
			if (stage == IOSM_STAGE_PSI || *result == IOSM_ROM_OK ||
			    *result == IOSM_ROM_OK_TOO)
				return 0;
			return -EACCES;
		}
	} while (time_before(jiffies, deadline));
	return -ETIMEDOUT;
}

static int iosm_load_await_psi(struct iosm_load *load)
{
	unsigned long deadline = jiffies + msecs_to_jiffies(IOSM_PSI_TIMEOUT);
	u32 stage;
	int ret;

	for (;;) {
		stage = iosm_mmio_stage(load->modem->bus);
		if (stage == IOSM_STAGE_PSI)
			return 0;
		if (stage == IOSM_ALL_ONES)
			return -ENODEV;
		if (stage != IOSM_STAGE_BOOT)
			return -EIO;
		if (time_after(jiffies, deadline))
			return -ETIMEDOUT;
		/* The PSI may start without an interrupt. */
		msleep(IOSM_LOAD_POLL);
		ret = iosm_load_check(load);
		if (ret)
			return ret;
	}
}

static int iosm_load_run(struct iosm_load *load, u32 *result)
{
	struct iosm_bus *bus = load->modem->bus;
	int ret;

	/* It may have gone on until the state work was held, and since it looked. */
	if (iosm_modem_state(load->modem) == IOSM_LOADER)
		return -EBUSY;
	ret = iosm_load_check(load);
	if (ret)
		return ret;
	if (iosm_mmio_stage(bus) != IOSM_STAGE_BOOT)
		return -EBUSY;

	/* The ROM has no reason for an interrupt at this moment. */
	load->irqs = data_race(load->modem->irqs);
	load->result = iosm_mmio_rom_result(bus);
	bus->ops->set_dma(bus, true);
	iosm_mmio_load(bus, load->dma, load->len);
	ret = iosm_load_await_rom(load, result);
	if (!ret)
		ret = iosm_load_await_psi(load);
	bus->ops->set_dma(bus, false);
	return ret;
}

static int iosm_modem_inject(struct iosm_modem *modem, const void *image, size_t len,
			     u32 *rom_result)
{
	struct iosm_load load = { .modem = modem, .len = len };
	int ret;

	/* It has to be one piece; coherent memory can be large. */
	load.image = dma_alloc_coherent(modem->dev, len, &load.dma, GFP_KERNEL | __GFP_NOWARN);
	if (!load.image)
		return -ENOMEM;
	memcpy(load.image, image, len);

	iosm_modem_hold_for(modem, IOSM_HOLD_LOAD);
	mutex_lock(&modem->load_mutex);
	ret = iosm_load_run(&load, rom_result);
	mutex_unlock(&modem->load_mutex);
	dma_free_coherent(modem->dev, len, load.image, load.dma);
	if (!ret)
		iosm_modem_ask_for_loader(modem);
	iosm_modem_release_for(modem, IOSM_HOLD_LOAD);
	return ret;
}

static bool iosm_modem_absent(struct iosm_modem *modem)
{
	enum iosm_state state = iosm_modem_state(modem);

	return state == IOSM_LOST || state == IOSM_GONE;
}

static bool iosm_modem_loader_online(struct iosm_modem *modem)
{
	return iosm_modem_state(modem) == IOSM_LOADER_ONLINE && iosm_modem_online(modem);
}

/* It came, or it will not come. */
static bool iosm_modem_loader_settled(struct iosm_modem *modem)
{
	return iosm_modem_loader_online(modem) || !READ_ONCE(modem->loader_wanted);
}

static int iosm_modem_await_loader(struct iosm_modem *modem)
{
	long left;

	left = wait_event_interruptible_timeout(modem->state_wait,
						iosm_modem_loader_settled(modem),
						msecs_to_jiffies(IOSM_LOADER_TIMEOUT));
	if (left >= 0 && iosm_modem_loader_online(modem))
		return 0;
	/* Nobody waits any more for what may still come. */
	iosm_modem_forget_loader(modem);
	if (left < 0)
		return -EINTR;
	if (iosm_modem_absent(modem))
		return -ENODEV;
	if (left)
		return -EIO;
	iosm_modem_failure(modem, "no session with the boot loader");
	return -ETIMEDOUT;
}

/* Not while a session has just broken: the state is not up to date then. */
static bool iosm_modem_stage_known(struct iosm_modem *modem)
{
	switch (iosm_modem_state(modem)) {
	case IOSM_OFF:
	case IOSM_RECOVERING:
		return false;
	case IOSM_LOST:
	case IOSM_GONE:
		return true;
	case IOSM_LOADER_ONLINE:
		return iosm_modem_online(modem);
	default:
		return atomic_read(&modem->session) != IOSM_SESSION_BROKEN;
	}
}

/* Just after it was bound or reset, or a session has ended, nobody knows what runs. */
static int iosm_modem_await_stage(struct iosm_modem *modem)
{
	long left;

	left = wait_event_interruptible_timeout(modem->state_wait,
						iosm_modem_stage_known(modem),
						msecs_to_jiffies(IOSM_SETTLE_TIMEOUT));
	if (left < 0)
		return -EINTR;
	return iosm_modem_absent(modem) ? -ENODEV : 0;
}

/**
 * iosm_modem_load_psi() - give the boot ROM its first loader, and talk to it
 * @modem: the modem, in its boot ROM
 * @image: PSI, without the header of its file
 * @len: its length, bytes
 * @rom_result: what the ROM says of it, if the return value is -EACCES
 *
 * Context: process, may sleep up to half a minute; no lock held that a client's stop
 * takes. One caller at a time. Implements protocol.rst 7.3.
 * Return: 0: the loader is online. -EBUSY: the modem is not in its boot ROM; -EACCES: the
 * ROM refused the image; -EINVAL, -EFBIG: length; -ENOMEM; -ETIMEDOUT; -EINTR; -ENODEV:
 * no modem; -EIO: the modem was reset, or the loader failed. After the return the modem
 * does not access the image.
 */
int iosm_modem_load_psi(struct iosm_modem *modem, const void *image, size_t len,
			u32 *rom_result)
{
	int ret;

	if (!len)
		return -EINVAL;
	if (len > IOSM_PSI_MAX)
		return -EFBIG;
	*rom_result = 0;
	ret = iosm_modem_await_stage(modem);
	if (ret)
		return ret;
	if (iosm_modem_state(modem) != IOSM_ROM)
		return -EBUSY;
	iosm_modem_talk(modem, true);
	ret = iosm_modem_inject(modem, image, len, rom_result);
	if (ret == -ETIMEDOUT)
		iosm_modem_failure(modem, "boot ROM does not start the loader");
	if (!ret)
		ret = iosm_modem_await_loader(modem);
	iosm_modem_talk(modem, false);
	return ret;
}

/**
 * iosm_modem_want_loader() - talk to the loader that runs
 * @modem: the modem, in a loader's stage; or its last session has just ended
 *
 * Context: process, may sleep up to half a minute; no lock held that a client's stop
 * takes.
 * Return: 0: the loader is online. -EBUSY: no loader runs; -ETIMEDOUT; -EINTR; -ENODEV: no
 * modem; -EIO: the loader failed.
 */
int iosm_modem_want_loader(struct iosm_modem *modem)
{
	int ret;

	ret = iosm_modem_await_stage(modem);
	if (ret)
		return ret;
	if (iosm_modem_state(modem) == IOSM_ROM || !iosm_modem_ask_for_loader(modem))
		return -EBUSY;
	iosm_modem_talk(modem, true);
	iosm_modem_kick(modem, 0);
	ret = iosm_modem_await_loader(modem);
	iosm_modem_talk(modem, false);
	return ret;
}

/**
 * iosm_modem_spoil() - nobody knows what the loader expects to be told next: start over
 * @modem: the modem
 * @why: constant string for the log
 *
 * Ends the session with the loader, whose buffers come back when its channel is closed.
 * iosm_modem_want_loader() begins a new one. Nothing happens if there is none.
 *
 * Context: process.
 */
void iosm_modem_spoil(struct iosm_modem *modem, const char *why)
{
	if (READ_ONCE(modem->loader))
		iosm_modem_outdate(modem, why);
}

/**
 * iosm_modem_talk() - a conversation begins, or ends, that no sleep may interrupt
 * @modem: the modem
 * @begins: or ends
 *
 * Context: any.
 */
void iosm_modem_talk(struct iosm_modem *modem, bool begins)
{
	if (begins)
		atomic_inc(&modem->talks);
	else
		atomic_dec(&modem->talks);
}

/**
 * iosm_modem_talks() - is there such a conversation?
 * @modem: the modem
 *
 * Context: any; the answer may change at any time.
 * Return: true if so.
 */
bool iosm_modem_talks(struct iosm_modem *modem)
{
	return atomic_read(&modem->talks);
}

/**
 * iosm_modem_stage() - in which stage is it?
 * @modem: the modem
 *
 * Context: any.
 * Return: an IOSM_STAGE_* value, or rubbish; all ones if it cannot be read now.
 */
u32 iosm_modem_stage(struct iosm_modem *modem)
{
	u32 stage;

	if (!iosm_modem_get_registers(modem))
		return IOSM_ALL_ONES;
	stage = iosm_mmio_stage(modem->bus);
	iosm_modem_put_registers(modem);
	return stage;
}

/**
 * iosm_modem_chip_info() - read the chip information
 * @modem: the modem
 * @info: for it, as it is in the registers
 *
 * Context: any. Implements protocol.rst 2.1, 7.2.1.
 * Return: 0, or -ENODEV if it cannot be read now, -EIO if it is not chip information.
 */
int iosm_modem_chip_info(struct iosm_modem *modem, u8 info[IOSM_CHIP_INFO])
{
	unsigned int i;

	if (!iosm_modem_get_registers(modem))
		return -ENODEV;
	for (i = 0; i < IOSM_CHIP_INFO; i += sizeof(u32))
		put_unaligned_le32(iosm_mmio_chip_word(modem->bus, i), info + i);
	iosm_modem_put_registers(modem);
	return info[1] == IOSM_CHIP_LENGTH ? 0 : -EIO;
}
