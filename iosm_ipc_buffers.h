/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Downlink buffers that stay mapped for as long as a channel is open.
 */
#ifndef IOSM_IPC_BUFFERS_H
#define IOSM_IPC_BUFFERS_H

#include <linux/types.h>

struct iosm_channel;
struct iosm_pipe_done;
struct iosm_pipe_slot;

int iosm_buffers_fill(struct iosm_channel *channel);
const void *iosm_buffers_read(struct iosm_channel *channel, const struct iosm_pipe_done *done);
void iosm_buffers_repost(struct iosm_channel *channel, const struct iosm_pipe_done *done);
void iosm_buffers_reclaim(struct iosm_channel *channel, const struct iosm_pipe_slot *slot);

#endif /* IOSM_IPC_BUFFERS_H */
