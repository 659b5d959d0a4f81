/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The BASIC_CONNECT service of MBIM 1.0: what the modem, its SIM and its
 * network are and do. It knows nothing of messages: mbim.c hands it one
 * command's information buffer and gets one back.
 */
#ifndef IOSM_EMU_MBIM_BASIC_H
#define IOSM_EMU_MBIM_BASIC_H

#include "mbim_codec.h"

struct loop;
struct mbim_basic;
struct world;

/*
 * Not a status of the wire: the answer comes later, through
 * mbim_basic_ops.complete().
 */
#define MBIM_DEFERRED	((enum mbim_status)0xffffffffu)

extern const struct mbim_uuid mbim_uuid_basic_connect;

/**
 * struct mbim_basic_ops - news for the transport
 * @indicate: send an indication of the BASIC_CONNECT service
 * @complete: answer the deferred command with this transaction id
 *
 * The buffers are valid during the call only.
 */
struct mbim_basic_ops {
	void (*indicate)(void *ctx, uint32_t cid, const struct mbim_buf *info);
	void (*complete)(void *ctx, uint32_t tid, uint32_t cid,
			 enum mbim_status status, const struct mbim_buf *info);
};

/**
 * struct mbim_request - one command, reassembled
 * @tid: transaction id
 * @cid: command id within the service
 * @set: set, not query
 * @info: information buffer
 */
struct mbim_request {
	uint32_t tid, cid;
	bool set;
	struct mbim_view info;
};

/** mbim_basic_new() - a freshly booted modem; NULL with errno set. */
struct mbim_basic *mbim_basic_new(struct loop *loop, struct world *world,
				  const struct mbim_basic_ops *ops, void *ctx);
void mbim_basic_free(struct mbim_basic *basic);

/**
 * mbim_basic_command() - execute one command
 * @basic: the service
 * @request: what to do
 * @info: receives the information buffer of the answer
 *
 * Return: status for the answer, or MBIM_DEFERRED.
 */
enum mbim_status mbim_basic_command(struct mbim_basic *basic,
				    const struct mbim_request *request,
				    struct mbim_buf *info);
/** mbim_basic_flush() - send indications of what the last command changed. */
void mbim_basic_flush(struct mbim_basic *basic);
/** mbim_basic_cancel() - the host does not want this answer any more. */
bool mbim_basic_cancel(struct mbim_basic *basic, uint32_t tid);
/** mbim_basic_abandon() - nobody waits for deferred answers any more. */
void mbim_basic_abandon(struct mbim_basic *basic);
/**
 * mbim_basic_close() - the MBIM session ended: contexts go down, subscriptions
 * return to the default, nothing is indicated.
 */
void mbim_basic_close(struct mbim_basic *basic);
/** mbim_basic_reset() - the modem restarted: an enabled PIN locks the SIM. */
void mbim_basic_reset(struct mbim_basic *basic);

/** mbim_basic_cid_name() - for the log; "?" when unknown. */
const char *mbim_basic_cid_name(uint32_t cid);

#endif /* IOSM_EMU_MBIM_BASIC_H */
