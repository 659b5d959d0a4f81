/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What modems have: the channels (protocol.rst 4.1), and which device has which.
 */
#ifndef IOSM_IPC_CHANNELS_H
#define IOSM_IPC_CHANNELS_H

#include "iosm_ipc_hw.h"

/**
 * enum iosm_channel_id - purpose of a pair of pipes (protocol.rst 4.1)
 * @IOSM_CHANNEL_MUX: IP data
 * @IOSM_CHANNEL_RPC: RPC messages, 7360 only
 * @IOSM_CHANNEL_AT0: AT commands, first port
 * @IOSM_CHANNEL_TRACE: modem log
 * @IOSM_CHANNEL_AT1: AT commands, second port
 * @IOSM_CHANNEL_LOOPBACK: never used
 * @IOSM_CHANNEL_MBIM: MBIM messages, 7560 only
 * @IOSM_CHANNEL_FLASH: conversation with the boot loaders
 * @IOSM_CHANNEL_COUNT: number of channels, not a channel
 */
enum iosm_channel_id {
	IOSM_CHANNEL_MUX = 0,
	IOSM_CHANNEL_RPC = 1,
	IOSM_CHANNEL_AT0 = 2,
	IOSM_CHANNEL_TRACE = 3,
	IOSM_CHANNEL_AT1 = 4,
	IOSM_CHANNEL_LOOPBACK = 5,
	IOSM_CHANNEL_MBIM = 6,
	IOSM_CHANNEL_FLASH = 7,
	IOSM_CHANNEL_COUNT,
};

/**
 * struct iosm_channel_config - fixed properties of a channel
 * @id: the channel
 * @ul_pipe: uplink pipe, even
 * @dl_pipe: downlink pipe, odd
 * @ul_entries: size of the uplink TD ring; one less can be posted
 * @dl_entries: size of the downlink TD ring; one less can be posted
 * @buffer_size: bytes per downlink buffer
 * @ul_backoff: how long the modem may hold back uplink completions, microseconds
 * @dl_backoff: the same for downlink completions
 * @open_reason: doorbell for the first downlink buffers
 */
struct iosm_channel_config {
	enum iosm_channel_id id;
	u8 ul_pipe;
	u8 dl_pipe;
	u16 ul_entries;
	u16 dl_entries;
	u32 buffer_size;
	u32 ul_backoff;
	u32 dl_backoff;
	enum iosm_head_reason open_reason;
};

/**
 * struct iosm_device - what distinguishes one kind of modem from another
 * @name: as it is sold
 * @channels: BIT(enum iosm_channel_id) of those that it has in RUN
 */
struct iosm_device {
	const char *name;
	u32 channels;
};

extern const struct iosm_device iosm_device_7360;
extern const struct iosm_device iosm_device_7560;

extern const struct iosm_channel_config iosm_channel_mux_lite;
extern const struct iosm_channel_config iosm_channel_mux_aggr;
extern const struct iosm_channel_config iosm_channel_rpc;
extern const struct iosm_channel_config iosm_channel_at0;
extern const struct iosm_channel_config iosm_channel_trace;
extern const struct iosm_channel_config iosm_channel_at1;
extern const struct iosm_channel_config iosm_channel_mbim;
extern const struct iosm_channel_config iosm_channel_flash;

#endif /* IOSM_IPC_CHANNELS_H */
