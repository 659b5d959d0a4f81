/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The modem behind the PCI function: registers, doorbells, stages and the IPC
 * state (protocol.rst 1.3, 2). Owns the rings, the power handshake, the MUX
 * and the control channels, and decides when they run.
 */
#ifndef IOSM_EMU_MODEM_H
#define IOSM_EMU_MODEM_H

#include <stdbool.h>
#include <stdint.h>

#include "channel.h"
#include "coredump.h"
#include "fault.h"
#include "flash.h"
#include "loop.h"
#include "mux.h"
#include "nand.h"
#include "power.h"
#include "ring.h"
#include "wire.h"

#define MODEM_CHANNELS	7
#define MODEM_LOG_CHANNEL	2
#define MODEM_DOORBELLS	256
#define MODEM_STRIKES	8

struct pcidev;
struct world;

/**
 * struct modem_config - options
 * @mux: of the MUX
 * @stage: after each reset; 0 = RUN, or BOOT if there is @boot_us
 * @boot_us: it goes on to RUN so long after a reset by itself; 0 = it does not.
 *	EBL comes between PSI and RUN, at half of the time
 * @reboot_us: from the end of flashing to RUN
 * @flash: path of its flash memory, or NULL: nothing is kept
 * @flash_size: of a new one, in bytes
 * @dump: its core dump
 * @record: capability record of EBL, or NULL: as usual; copied
 * @idle_us: device sleep after so much silence; 0 = never
 * @running_us: delay of the interrupt that says RUNNING
 * @log_rate: bytes per second that the firmware logs
 * @coalesce_us: collect completions for at most so long; the first one
 *	after a pause of as much is told at once
 * @faults: what goes wrong, or NULL; copied
 */
struct modem_config {
	struct mux_config mux;
	const struct faults *faults;
	uint32_t stage;
	uint64_t boot_us, reboot_us, idle_us, running_us;
	const char *flash;
	uint64_t flash_size;
	struct coredump_config dump;
	const uint8_t *record;
	uint64_t log_rate;
	uint32_t coalesce_us;
};

/**
 * struct modem_counters - for the statistics
 * @head: DB0 by reason; the last one counts all others
 * @state: DB1 by value; the last one counts all others
 * @power: DB2 by value; the last one counts all others
 * @sessions: IPC sessions that reached RUNNING
 * @resets: resets of the function
 * @generation: starts of the modem: each reset, and each reboot of its own
 * @repeats: doorbells for a request that had not been answered in time
 * @images: images that the boot ROM looked at
 * @loaders: PSI that it started
 */
struct modem_counters {
	uint64_t head[HEAD_REASONS + 1], state[4], power[10];
	uint64_t sessions, resets, generation, repeats, images, loaders;
};

/**
 * enum modem_life - how a modem is; see modem_fault.c
 * @MODEM_ALIVE: it works
 * @MODEM_STRUCK: a fault hit it in the middle of its work
 * @MODEM_CRASHED: it only tells of its crash
 * @MODEM_SILENT: it does nothing
 */
enum modem_life {
	MODEM_ALIVE,
	MODEM_STRUCK,
	MODEM_CRASHED,
	MODEM_SILENT,
};

struct modem_strike {
	enum fault_kind kind;
	int64_t argument;
};

struct modem_doorbell {
	uint32_t offset, value;
};

#define MODEM_NEWS_REQUESTS	128

/* Doorbells against what they announced; see count_news(). */
struct modem_news {
	uint64_t seen, tokens, bells, requests;
	/* when the last requests came, UINT64_MAX if rung for once more */
	uint64_t request_us[MODEM_NEWS_REQUESTS];
};

struct modem {
	struct loop *loop;
	struct pcidev *pci;
	struct modem_config config;
	uint8_t reg[256];
	uint32_t stage, ipc;

	struct rings rings;
	struct power power;
	struct mux mux;
	struct channel channel[MODEM_CHANNELS];
	struct nand nand;
	struct coredump dump;
	struct flash flash;

	/* The session is with a loader: pipes 0 and 1 are not those of the MUX. */
	bool loader;
	uint32_t rom_result;
	bool image_refused, rom_twice, rom_told, psi_late;
	struct loop_timer boot, image, rom, psi, reboot;

	struct modem_doorbell doorbell[MODEM_DOORBELLS];
	unsigned int doorbells;
	bool opened_bell;
	struct modem_news control_news, pipe_news;
	bool scan, interrupt;
	unsigned int unsignalled, dl_unsignalled;
	uint64_t signalled_us;
	unsigned int messages;
	bool allowed_once;
	uint64_t last_traffic_us;
	struct loop_timer work, running, moderation, poll, watch;
	unsigned int unannounced;
	/* PMEs before the host went to sleep: one is enough for each sleep. */
	uint64_t pmes_before;

	struct faults faults;
	enum modem_life life;
	/* By a fault of ours, the host cannot know where the session stands. */
	bool excused;
	bool dumps;
	unsigned int lose_msi;
	struct modem_strike strike[MODEM_STRIKES];
	unsigned int strikes;
	enum ring_verdict late_verdict;
	uint32_t late_state_value, late_pipes;
	struct loop_timer late_message, late_unit, late_state, late_wake,
			  late_msi, again, toggled_ipc, after_crash, suffer;

	struct modem_counters counters;
};

/**
 * modem_init() - make a modem and put it behind the function
 *
 * Return: false, after a line about it, when out of memory, or when the flash
 * memory cannot be used.
 */
bool modem_init(struct modem *modem, struct loop *loop, struct pcidev *pci,
		struct world *world, const struct modem_config *config);
void modem_exit(struct modem *modem);

/** modem_wake(), modem_sleep() - device sleep by hand; false if impossible. */
bool modem_sleep(struct modem *modem);
bool modem_wake(struct modem *modem);

/**
 * modem_hold() - stop taking what the host posts to an uplink pipe, or go on
 *
 * Lasts over closing the pipe, driver reloads and resets.
 */
void modem_hold(struct modem *modem, unsigned int pipe, bool held);

/** modem_chatter() - a loader sends what nobody asked for; false if none can. */
bool modem_chatter(struct modem *modem, unsigned int count, size_t len);

/** modem_suffer() - carry out what struck the modem; not from inside its work. */
void modem_suffer(struct modem *modem);
/** modem_back() - a function that was gone returns; false if it was not gone. */
bool modem_back(struct modem *modem);

/** modem_stage_name() - for log, trace and statistics. */
const char *modem_stage_name(uint32_t stage);

#endif /* IOSM_EMU_MODEM_H */
