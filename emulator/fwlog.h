/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The log of the firmware, on the trace channel.
 *
 * While the channel is open the log is written at a steady rate, and more of it when
 * somebody asks. It is a stream of frames: 0x7E, content, 0x7E; a byte 0x7E or 0x7D of
 * the content is sent as 0x7D and the byte with bit 5 inverted. The content is a number
 * (32 bits, little-endian) that grows by one with each frame, from 0 after each reset
 * of the modem, and then 1 + number * 37 % 150 bytes, the byte i of which is
 * number + i * 5. So a reader can tell what it should have read, and what is missing.
 *
 * A unit holds whole frames. A host that gives no buffers holds the log up; it loses
 * nothing.
 */
#ifndef IOSM_EMU_FWLOG_H
#define IOSM_EMU_FWLOG_H

#include <stdbool.h>
#include <stdint.h>

#include "function.h"

/**
 * struct fwlog_counters - since the start of iosm-emu
 * @opened: how often the host opened the channel
 * @units: units handed to the channel
 * @frames: frames in them
 * @bytes: bytes of them
 * @next: number of the next frame, which a reset sets back to 0
 * @dropped: those of @units that the host had not taken when it closed the channel
 * @uplink: units that the host sent, which has nothing to say here
 */
struct fwlog_counters {
	uint64_t opened, units, frames, bytes, dropped, uplink;
	uint32_t next;
};

/** fwlog_new() - a log with @rate bytes per second; NULL with errno set on failure. */
struct function *fwlog_new(struct loop *loop, uint64_t rate);

/**
 * fwlog_write() - log at least @bytes more, as soon as the channel takes them
 *
 * Return: false if the channel is closed.
 */
bool fwlog_write(struct function *fn, uint64_t bytes);

/** fwlog_counters() - what was logged so far. */
const struct fwlog_counters *fwlog_counters(const struct function *fn);

#endif /* IOSM_EMU_FWLOG_H */
