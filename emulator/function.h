/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A function of the modem behind one channel (MBIM, AT, RPC, flash). It knows
 * nothing of rings: it gets whole uplink units and hands out whole downlink
 * units.
 */
#ifndef IOSM_EMU_FUNCTION_H
#define IOSM_EMU_FUNCTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct function;
struct loop;
struct world;

/**
 * struct function_ops - what a kind of function does
 * @name: for log and trace, for example "mbim"
 * @opened: the host opened the channel (both pipes are open)
 * @closed: the host closed the channel, or the IPC session ended; undelivered
 *	downlink units are gone; forget everything that was half done
 * @reset: the modem restarted (function reset, guest reboot); comes after
 *	@closed; return to the state of a freshly booted modem. May be NULL
 * @receive: one uplink TD's payload, valid during the call only; @len may be
 *	0 or anything the host chose to send
 * @sent: the host has got all units that were queued, and there was one. May
 *	be NULL
 * @destroy: free the function
 */
struct function_ops {
	const char *name;
	void (*opened)(struct function *fn);
	void (*closed)(struct function *fn);
	void (*reset)(struct function *fn);
	void (*receive)(struct function *fn, const uint8_t *data, size_t len);
	void (*sent)(struct function *fn);
	void (*destroy)(struct function *fn);
};

/**
 * struct function - base of every function; embed it as the first member
 * @ops: its kind
 * @send: set by the modem: queue one downlink unit (copied); false when the
 *	channel is closed or the unit exceeds @max_unit
 * @send_ctx: set by the modem: first argument of @send
 * @max_unit: set by the modem: largest downlink unit in bytes (the channel's
 *	downlink buffer: 32768 for MBIM and RPC, 2048 for AT)
 * @dropped: set by the modem: downlink units that were queued and not wholly
 *	handed out when the channel was closed, all times together
 */
struct function {
	const struct function_ops *ops;
	bool (*send)(void *ctx, const void *data, size_t len);
	void *send_ctx;
	size_t max_unit;
	uint64_t dropped;
};

/** function_send() - queue one downlink unit; see struct function. */
static inline bool function_send(struct function *fn, const void *data,
				 size_t len)
{
	return fn->send && fn->send(fn->send_ctx, data, len);
}

/*
 * Constructors; NULL with errno set on failure. The modem calls
 * fn->ops->destroy() at the end.
 */
struct function *mbim_new(struct loop *loop, struct world *world);
struct function *at_new(struct loop *loop, unsigned int index);
struct function *rpc_new(struct loop *loop);

#endif /* IOSM_EMU_FUNCTION_H */
