/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A control channel: joins a pair of pipes with a function of the modem
 * (protocol.rst 4).
 */
#ifndef IOSM_EMU_CHANNEL_H
#define IOSM_EMU_CHANNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct channel_unit;
struct faults;
struct function;
struct rings;

/**
 * struct channel - one of them
 * @name: for log and statistics
 * @ul_pipe: even pipe; the downlink pipe is the next one
 * @stream: TD boundaries mean nothing: a unit may be split
 * @fn: the function, or NULL: uplink is dropped
 * @loopback: uplink comes back
 * @starving: units wait for a buffer
 */
struct channel {
	const char *name;
	unsigned int ul_pipe;
	bool stream;
	struct function *fn;
	bool loopback;
	bool starving;

	/* private */
	struct rings *rings;
	struct faults *faults;
	void (*work)(void *ctx);
	void *ctx;
	bool ul_open, dl_open;
	struct channel_unit *first, **last;
	unsigned int units;
};

/**
 * channel_init() - make a closed channel
 * @channel: the channel; @name, @ul_pipe, @stream, @fn and @loopback are set
 * @rings: the rings
 * @faults: what goes wrong
 * @max_unit: largest downlink unit
 * @work: called when something waits for channel_flush()
 * @ctx: argument for @work
 */
void channel_init(struct channel *channel, struct rings *rings,
		  struct faults *faults, size_t max_unit,
		  void (*work)(void *ctx), void *ctx);
/** channel_exit() - free the queue and the function. */
void channel_exit(struct channel *channel);

void channel_pipe_opened(struct channel *channel, unsigned int pipe);
void channel_pipe_closed(struct channel *channel, unsigned int pipe);
/** channel_uplink() - payload of one uplink TD. */
void channel_uplink(struct channel *channel, const uint8_t *data, size_t len);
/** channel_flush() - send what waits; returns the number of TDs completed. */
unsigned int channel_flush(struct channel *channel);

#endif /* IOSM_EMU_CHANNEL_H */
