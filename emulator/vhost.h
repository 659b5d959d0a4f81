/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The vhost-user server: connects a PCI function with User-Mode Linux, which
 * sends PCI accesses as messages on virtio queue 0 and takes interrupts on
 * queue 1 (include/uapi/linux/virtio_pcidev.h).
 *
 * One guest at a time. When it goes away, whatever the reason, the function is
 * reset and the next guest may connect.
 */
#ifndef IOSM_EMU_VHOST_H
#define IOSM_EMU_VHOST_H

#include <stdint.h>

struct gmem;
struct loop;
struct pcidev;
struct vhost;

/**
 * struct vhost_counters - for the statistics
 * @connections: guests that connected
 * @commands: PCI accesses
 * @interrupts: messages written to queue 1
 * @coalesced: interrupts merged with one that waited for a buffer
 * @malformed: messages that made no sense
 */
struct vhost_counters {
	uint64_t connections, commands, interrupts, coalesced, malformed;
};

/**
 * vhost_new() - listen on a UNIX socket
 * @loop: the loop to run in
 * @path: path of the socket; one that nobody listens on is replaced
 * @pci: the function; its host ops are set
 * @mem: guest memory, filled by the guest's table
 *
 * Return: the server, or NULL after one line with log_error().
 */
struct vhost *vhost_new(struct loop *loop, const char *path,
			struct pcidev *pci, struct gmem *mem);
/** vhost_free() - disconnect the guest and remove the socket. */
void vhost_free(struct vhost *vhost);

/** vhost_counters() - what happened so far. */
const struct vhost_counters *vhost_counters(const struct vhost *vhost);

#endif /* IOSM_EMU_VHOST_H */
