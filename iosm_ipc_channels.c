// SPDX-License-Identifier: GPL-2.0-only
/*
 * The channels, and the devices that have them. Implements protocol.rst 4.1, 4.3.
 */

#include "iosm_ipc_channels.h"

#include <linux/bits.h>

const struct iosm_channel_config iosm_channel_mux_lite = {
	.id = IOSM_CHANNEL_MUX,
	.ul_pipe = 0,
	.dl_pipe = 1,
	.ul_entries = 256,
	.dl_entries = 512,
	.buffer_size = 2048,
	.ul_backoff = 1000,
	.dl_backoff = 1000,
	.open_reason = IOSM_HEAD_MUX_OPEN,
};

const struct iosm_channel_config iosm_channel_mux_aggr = {
	.id = IOSM_CHANNEL_MUX,
	.ul_pipe = 0,
	.dl_pipe = 1,
	.ul_entries = 32,
	.dl_entries = 60,
	.buffer_size = 16384,
	.ul_backoff = 1000,
	.dl_backoff = 1000,
	.open_reason = IOSM_HEAD_MUX_OPEN,
};

const struct iosm_channel_config iosm_channel_rpc = {
	.id = IOSM_CHANNEL_RPC,
	.ul_pipe = 2,
	.dl_pipe = 3,
	.ul_entries = 4,
	.dl_entries = 4,
	.buffer_size = 32768,
	.open_reason = IOSM_HEAD_OPEN,
};

const struct iosm_channel_config iosm_channel_at0 = {
	.id = IOSM_CHANNEL_AT0,
	.ul_pipe = 4,
	.dl_pipe = 5,
	.ul_entries = 4,
	.dl_entries = 4,
	.buffer_size = 2048,
	.open_reason = IOSM_HEAD_OPEN,
};

const struct iosm_channel_config iosm_channel_trace = {
	.id = IOSM_CHANNEL_TRACE,
	.ul_pipe = 6,
	.dl_pipe = 7,
	.ul_entries = 32,
	.dl_entries = 32,
	.buffer_size = 8192,
	.open_reason = IOSM_HEAD_OPEN,
};

const struct iosm_channel_config iosm_channel_at1 = {
	.id = IOSM_CHANNEL_AT1,
	.ul_pipe = 8,
	.dl_pipe = 9,
	.ul_entries = 4,
	.dl_entries = 4,
	.buffer_size = 2048,
	.open_reason = IOSM_HEAD_OPEN,
};

const struct iosm_channel_config iosm_channel_mbim = {
	.id = IOSM_CHANNEL_MBIM,
	.ul_pipe = 12,
	.dl_pipe = 13,
	.ul_entries = 4,
	.dl_entries = 4,
	.buffer_size = 32768,
	.open_reason = IOSM_HEAD_OPEN,
};

/* The pipes of the MUX, which a loader does not have. */
const struct iosm_channel_config iosm_channel_flash = {
	.id = IOSM_CHANNEL_FLASH,
	.ul_pipe = 0,
	.dl_pipe = 1,
	.ul_entries = 6,
	.dl_entries = 3,
	.buffer_size = 65536,
	.open_reason = IOSM_HEAD_OPEN,
};

#define IOSM_CHANNELS_COMMON	(BIT(IOSM_CHANNEL_MUX) | BIT(IOSM_CHANNEL_AT0) | \
				 BIT(IOSM_CHANNEL_TRACE) | BIT(IOSM_CHANNEL_AT1))

const struct iosm_device iosm_device_7360 = {
	.name = "XMM7360",
	.channels = IOSM_CHANNELS_COMMON | BIT(IOSM_CHANNEL_RPC),
};

const struct iosm_device iosm_device_7560 = {
	.name = "XMM7560",
	.channels = IOSM_CHANNELS_COMMON | BIT(IOSM_CHANNEL_MBIM),
};
