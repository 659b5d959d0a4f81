// SPDX-License-Identifier: GPL-2.0-only
/*
 * vhost-user server for User-Mode Linux' PCI over virtio.
 *
 * The guest kicks through eventfds and is called through a pipe, which costs
 * one system call in each direction; in-band notifications would cost a round
 * trip. Queue 0 is never called: for reads the guest spins on the used ring,
 * and it collects the buffers of posted writes with its next access. As long as
 * we have something to do, queue 0 is looked at now and then and needs no kick;
 * one is asked for before we go to sleep. An interrupt that the guest has not
 * even seen is not sent again: on a real bus, it would be pending once, too.
 *
 * Whatever a guest sends, each message is checked for its length, each address
 * for its range, and each descriptor that came along is used or closed. A guest
 * that breaks the protocol is disconnected.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/virtio_config.h>
#include <linux/virtio_pcidev.h>

#include "gmem.h"
#include "log.h"
#include "loop.h"
#include "pcidev.h"
#include "unixsock.h"
#include "vhost.h"
#include "vring.h"

/* The vhost-user protocol, as far as it is used here. */
enum vhost_request {
	VHOST_GET_FEATURES = 1,
	VHOST_SET_FEATURES = 2,
	VHOST_SET_OWNER = 3,
	VHOST_RESET_OWNER = 4,
	VHOST_SET_MEM_TABLE = 5,
	VHOST_SET_VRING_NUM = 8,
	VHOST_SET_VRING_ADDR = 9,
	VHOST_SET_VRING_BASE = 10,
	VHOST_GET_VRING_BASE = 11,
	VHOST_SET_VRING_KICK = 12,
	VHOST_SET_VRING_CALL = 13,
	VHOST_SET_VRING_ERR = 14,
	VHOST_GET_PROTOCOL_FEATURES = 15,
	VHOST_SET_PROTOCOL_FEATURES = 16,
	VHOST_GET_QUEUE_NUM = 17,
	VHOST_SET_VRING_ENABLE = 18,
	VHOST_SET_BACKEND_REQ_FD = 21,
};

#define VHOST_VERSION		1u
#define VHOST_VERSION_MASK	3u
#define VHOST_REPLY		4u
#define VHOST_NEED_REPLY	8u

#define VHOST_F_EVENT_IDX		(1ull << 29)
#define VHOST_F_PROTOCOL_FEATURES	(1ull << 30)
#define VHOST_PROTOCOL_MQ		(1ull << 0)
#define VHOST_PROTOCOL_REPLY_ACK	(1ull << 3)
#define VHOST_PROTOCOL_BACKEND_REQ	(1ull << 5)

#define VHOST_FEATURES	(VHOST_F_PROTOCOL_FEATURES | \
			 VHOST_F_EVENT_IDX | \
			 1ull << VIRTIO_F_VERSION_1)
#define VHOST_PROTOCOL_FEATURES	(VHOST_PROTOCOL_MQ | \
				 VHOST_PROTOCOL_REPLY_ACK | \
				 VHOST_PROTOCOL_BACKEND_REQ)

#define VHOST_QUEUES	2
#define VHOST_COMMANDS	0
#define VHOST_INTERRUPTS 1
#define VHOST_FDS	8
#define VHOST_PAYLOAD	512
/* Used buffers of posted writes that the guest is called for; it has 20 */
#define WRITES_RETURNED	8

#define VRING_INDEX_MASK	0xffu
#define VRING_NO_FD		0x100u

struct __attribute__((packed)) vhost_header {
	uint32_t request, flags, size;
};

struct vhost_region {
	uint64_t guest, size, user, offset;
};

struct vhost_addr {
	uint32_t index, flags;
	uint64_t desc, used, avail, log;
};

/* As on the wire: the payload follows the twelve bytes of the header. */
struct __attribute__((packed)) vhost_message {
	struct vhost_header header;
	union {
		uint64_t u64;
		struct {
			uint32_t index, num;
		} state;
		uint8_t bytes[VHOST_PAYLOAD];
	};
};

/* As struct virtio_pcidev_msg. */
struct vhost_access {
	uint8_t op, bar;
	uint16_t reserved;
	uint32_t size;
	uint64_t addr;
};

/* A register access never moves more than a BAR. */
struct vhost_command {
	struct vhost_access header;
	uint8_t data[PCIDEV_BAR_SIZE];
};

struct vhost_queue {
	struct vhost *vhost;
	struct vring ring;
	bool enabled;
	int kick, call;
	struct loop_fd *kick_watch;
};

struct vhost {
	struct loop *loop;
	struct pcidev *pci;
	struct gmem *mem;
	char *path;
	int listener, client, backend_req;
	struct loop_fd *listener_watch, *client_watch;
	uint64_t features, protocol_features;
	struct vhost_queue queue[VHOST_QUEUES];

	/* interrupts that wait for a buffer of queue 1 */
	bool msi_pending, pme_pending;
	uint16_t msi_data;

	/* end of the used ring of queue 0 when the guest was called last */
	uint16_t writes_returned;

	/* the last interrupt: its entry in the used ring of queue 1 */
	bool msi_sent;
	uint16_t msi_index;

	/* the message that is being received */
	struct vhost_message message;
	size_t received;
	int fds[VHOST_FDS];
	unsigned int fd_count;

	struct vhost_command command;
	struct vhost_counters counters;
};

/* Descriptors of the current message that nobody took. */
static void vhost_close_fds(struct vhost *vhost)
{
	while (vhost->fd_count)
		close(vhost->fds[--vhost->fd_count]);
}

static int vhost_take_fd(struct vhost *vhost)
{
	int fd;

	if (!vhost->fd_count)
		return -1;
	fd = vhost->fds[0];
	vhost->fd_count--;
	memmove(vhost->fds, vhost->fds + 1,
		vhost->fd_count * sizeof(vhost->fds[0]));
	return fd;
}

static void vhost_close_kick(struct vhost_queue *queue)
{
	if (queue->kick < 0)
		return;
	loop_fd_remove(queue->kick_watch);
	close(queue->kick);
	queue->kick = -1;
	queue->kick_watch = NULL;
}

static void vhost_close_call(struct vhost_queue *queue)
{
	if (queue->call >= 0)
		close(queue->call);
	queue->call = -1;
}

static void vhost_stop_queue(struct vhost_queue *queue)
{
	queue->enabled = false;
	vhost_close_kick(queue);
	vhost_close_call(queue);
	memset(&queue->ring, 0, sizeof(queue->ring));
}

/* The guest is gone or starts anew: nothing of it may be touched any more. */
static void vhost_unplug(struct vhost *vhost)
{
	for (unsigned int i = 0; i < VHOST_QUEUES; i++)
		vhost_stop_queue(&vhost->queue[i]);
	vhost->msi_pending = false;
	vhost->pme_pending = false;
	vhost->msi_sent = false;
	vhost->writes_returned = 0;
	pcidev_power_on(vhost->pci);
	gmem_clear(vhost->mem);
}

static void vhost_disconnect(struct vhost *vhost, const char *why)
{
	if (vhost->client < 0)
		return;

	log_info("guest disconnected: %s", why);
	trace("guest disconnected: %s", why);
	vhost_unplug(vhost);
	loop_fd_remove(vhost->client_watch);
	close(vhost->client);
	vhost->client = -1;
	if (vhost->backend_req >= 0)
		close(vhost->backend_req);
	vhost->backend_req = -1;
	vhost_close_fds(vhost);
	vhost->received = 0;
	vhost->features = 0;
	vhost->protocol_features = 0;
	if (vhost->listener_watch)
		loop_fd_modify(vhost->listener_watch, EPOLLIN);
}

static void vhost_protocol_error(struct vhost *vhost, const char *what)
{
	vhost->counters.malformed++;
	log_error("guest broke the vhost-user protocol: %s", what);
	vhost_disconnect(vhost, what);
}

/*
 * Queue 1: interrupts.
 */

static bool vhost_interrupt(struct vhost *vhost, uint8_t op, uint16_t data)
{
	struct vhost_queue *queue = &vhost->queue[VHOST_INTERRUPTS];
	struct {
		struct vhost_access header;
		uint8_t data[2];
	} __attribute__((packed)) message = {
		.header.op = op,
		.header.size = op == VIRTIO_PCIDEV_OP_MSI ? 2 : 0,
		.data = { (uint8_t)data, (uint8_t)(data >> 8) },
	};
	const uint64_t one = 1;
	struct vring_chain chain;
	uint16_t index;
	int found;

	if (!queue->enabled)
		return false;
	do {
		found = vring_pop(&queue->ring, vhost->mem, &chain);
	} while (!found && vring_listen(&queue->ring));
	if (found <= 0) {
		if (found < 0)
			log_error("guest corrupted the interrupt queue");
		return false;
	}

	index = queue->ring.used;
	vring_push(&queue->ring, chain.head,
		   vring_scatter(&chain, &message, sizeof(message.header) +
				 message.header.size));
	vhost->counters.interrupts++;
	vhost->msi_sent = op == VIRTIO_PCIDEV_OP_MSI;
	vhost->msi_index = index;
	/* It looks for more before it stops, so one call serves all. */
	if (!vring_seen(&queue->ring, (uint16_t)(index - 1)))
		return true;
	/* A full pipe already tells the guest what we want to tell it. */
	if (queue->call >= 0 && write(queue->call, &one, sizeof(one)) < 0 &&
	    errno != EAGAIN)
		log_warn("cannot interrupt the guest: %s", strerror(errno));
	return true;
}

static void vhost_msi(void *ctx, uint16_t data)
{
	struct vhost *vhost = ctx;

	if (vhost->msi_data == data &&
	    (vhost->msi_pending ||
	     (vhost->msi_sent &&
	      !vring_seen(&vhost->queue[VHOST_INTERRUPTS].ring,
			  vhost->msi_index)))) {
		vhost->counters.coalesced++;
		return;
	}
	vhost->msi_data = data;
	vhost->msi_pending = !vhost_interrupt(vhost, VIRTIO_PCIDEV_OP_MSI,
					      data);
}

static void vhost_pme(void *ctx)
{
	struct vhost *vhost = ctx;

	if (!vhost->pme_pending)
		vhost->pme_pending = !vhost_interrupt(vhost,
						      VIRTIO_PCIDEV_OP_PME, 0);
}

static const struct pcidev_host_ops vhost_host_ops = {
	.msi = vhost_msi,
	.pme = vhost_pme,
};

static void vhost_retry_interrupts(struct vhost *vhost)
{
	if (vhost->msi_pending)
		vhost->msi_pending = !vhost_interrupt(vhost,
						      VIRTIO_PCIDEV_OP_MSI,
						      vhost->msi_data);
	if (vhost->pme_pending)
		vhost->pme_pending = !vhost_interrupt(vhost,
						      VIRTIO_PCIDEV_OP_PME, 0);
}

/*
 * Queue 0: accesses to configuration space and BARs.
 */

static void vhost_malformed_command(struct vhost *vhost, const char *what)
{
	vhost->counters.malformed++;
	log_error("malformed PCI access: %s (op %u, bar %u, size %u)", what,
		  vhost->command.header.op, vhost->command.header.bar,
		  vhost->command.header.size);
}

/* @given: bytes of data that came along. Returns the bytes to send back. */
static uint32_t vhost_execute(struct vhost *vhost, size_t given)
{
	const struct vhost_access *header = &vhost->command.header;
	uint8_t *data = vhost->command.data;

	if (header->size > sizeof(vhost->command.data)) {
		vhost_malformed_command(vhost, "size");
		return 0;
	}

	switch (header->op) {
	case VIRTIO_PCIDEV_OP_CFG_READ:
		pcidev_config_read(vhost->pci, header->addr, data,
				   header->size);
		return header->size;
	case VIRTIO_PCIDEV_OP_MMIO_READ:
		pcidev_bar_read(vhost->pci, header->bar, header->addr, data,
				header->size);
		return header->size;
	case VIRTIO_PCIDEV_OP_CFG_WRITE:
		if (given < header->size || header->size > 8)
			vhost_malformed_command(vhost, "configuration write");
		else
			pcidev_config_write(vhost->pci, header->addr, data,
					    header->size);
		return 0;
	case VIRTIO_PCIDEV_OP_MMIO_MEMSET:
		if (!given) {
			vhost_malformed_command(vhost, "no value to set");
			return 0;
		}
		memset(data, data[0], header->size);
		pcidev_bar_write(vhost->pci, header->bar, header->addr, data,
				 header->size);
		return 0;
	case VIRTIO_PCIDEV_OP_MMIO_WRITE:
		if (given < header->size)
			vhost_malformed_command(vhost, "write");
		else
			pcidev_bar_write(vhost->pci, header->bar, header->addr,
					 data, header->size);
		return 0;
	default:
		vhost_malformed_command(vhost, "operation");
		return 0;
	}
}

/*
 * The guest has 20 buffers for posted writes, and takes used ones back when it is
 * called. It needs no call for each write; but with no buffer left it would wait,
 * in a loop, until its next write was carried out.
 */
static void vhost_return_writes(struct vhost *vhost)
{
	struct vhost_queue *queue = &vhost->queue[VHOST_COMMANDS];
	uint16_t used = queue->ring.used;
	const uint64_t one = 1;

	if (!queue->enabled || queue->call < 0 ||
	    (uint16_t)(used - vhost->writes_returned) < WRITES_RETURNED ||
	    vring_seen(&queue->ring, (uint16_t)(used - WRITES_RETURNED)))
		return;
	vhost->writes_returned = used;
	if (write(queue->call, &one, sizeof(one)) < 0 && errno != EAGAIN)
		log_warn("cannot call the guest: %s", strerror(errno));
}

/* Returns whether there were any. */
static bool vhost_run_commands(struct vhost *vhost)
{
	struct vhost_queue *queue = &vhost->queue[VHOST_COMMANDS];
	uint64_t before = vhost->counters.commands;
	struct vring_chain chain;
	int found = 0;

	/* Bounded: a guest that never stops must not starve the others. */
	for (unsigned int i = 0; i < VRING_MAX && queue->enabled; i++) {
		uint32_t answer = 0;
		size_t given;

		found = vring_pop(&queue->ring, vhost->mem, &chain);
		if (found <= 0)
			break;

		given = vring_gather(&chain, &vhost->command,
				     sizeof(vhost->command));
		vhost->counters.commands++;
		if (given < sizeof(vhost->command.header))
			vhost_malformed_command(vhost, "no header");
		else
			answer = vhost_execute(vhost, given -
					       sizeof(vhost->command.header));
		vring_push(&queue->ring, chain.head,
			   vring_scatter(&chain, vhost->command.data, answer));
	}
	if (found < 0)
		vhost_protocol_error(vhost, "command queue");
	vhost_return_writes(vhost);
	return vhost->counters.commands != before;
}

/* Called in each turn of the loop; @sleep: it would wait now. */
static bool vhost_look(void *ctx, bool sleep)
{
	struct vhost *vhost = ctx;
	struct vhost_queue *queue = &vhost->queue[VHOST_COMMANDS];

	if (!queue->enabled || !queue->ring.event_idx)
		return false;
	if (vhost_run_commands(vhost))
		return true;
	return sleep && queue->enabled && vring_listen(&queue->ring);
}

static void vhost_kicked(void *ctx, uint32_t events)
{
	struct vhost_queue *queue = ctx;

	/* Nobody reads its counter: an edge says all. */
	if (events & (EPOLLERR | EPOLLHUP)) {
		vhost_protocol_error(queue->vhost, "kick descriptor");
		return;
	}
	if (queue == &queue->vhost->queue[VHOST_COMMANDS])
		vhost_run_commands(queue->vhost);
	else
		vhost_retry_interrupts(queue->vhost);
}

/*
 * Messages on the socket. Handlers return 0, or -1 to refuse the message, and
 * leave in @reply what the guest asked for.
 */

static int vhost_set_mem_table(struct vhost *vhost)
{
	uint32_t count = vhost->message.state.index;
	struct vhost_region region;

	if (vhost->message.header.size < 8 || count > GMEM_REGIONS ||
	    vhost->message.header.size < 8 + count * sizeof(region) ||
	    vhost->fd_count != count)
		return -1;

	/* The guest (re)discovers the device: that is a fresh power-on. */
	vhost_unplug(vhost);
	for (uint32_t i = 0; i < count; i++) {
		int err;

		memcpy(&region, vhost->message.bytes + 8 + i * sizeof(region),
		       sizeof(region));
		err = gmem_add_fd(vhost->mem, vhost->fds[i], region.guest,
				  region.user, region.size, region.offset);
		if (err) {
			log_error("cannot map guest memory: %s",
				  strerror(-err));
			return -1;
		}
		log_debug("guest memory 0x%llx + 0x%llx",
			  (unsigned long long)region.guest,
			  (unsigned long long)region.size);
	}
	return 0;
}

static struct vhost_queue *vhost_find_queue(struct vhost *vhost,
					    uint32_t index)
{
	return index < VHOST_QUEUES ? &vhost->queue[index] : NULL;
}

static int vhost_set_vring_num(struct vhost *vhost)
{
	struct vhost_queue *queue;
	uint32_t num = vhost->message.state.num;

	queue = vhost_find_queue(vhost, vhost->message.state.index);
	if (!queue || queue->enabled || !num || num > VRING_MAX ||
	    num & (num - 1))
		return -1;
	queue->ring.num = (uint16_t)num;
	queue->ring.desc = NULL;
	return 0;
}

static int vhost_set_vring_base(struct vhost *vhost)
{
	struct vhost_queue *queue;

	queue = vhost_find_queue(vhost, vhost->message.state.index);
	if (!queue || queue->enabled || vhost->message.state.num > 0xffff)
		return -1;
	queue->ring.last_avail = (uint16_t)vhost->message.state.num;
	queue->ring.used = queue->ring.last_avail;
	return 0;
}

static int vhost_get_vring_base(struct vhost *vhost, uint64_t *reply)
{
	struct vhost_queue *queue;

	queue = vhost_find_queue(vhost, vhost->message.state.index);
	if (!queue)
		return -1;
	*reply = vhost->message.state.index |
		 (uint64_t)queue->ring.last_avail << 32;
	vhost_stop_queue(queue);
	return 0;
}

static int vhost_set_vring_addr(struct vhost *vhost)
{
	struct vhost_queue *queue;
	struct vhost_addr addr;

	memcpy(&addr, vhost->message.bytes, sizeof(addr));
	queue = vhost_find_queue(vhost, addr.index);
	if (!queue || queue->enabled)
		return -1;
	return vring_map(&queue->ring, vhost->mem, addr.desc, addr.avail,
			 addr.used) ? 0 : -1;
}

static int vhost_set_vring_fd(struct vhost *vhost)
{
	uint64_t what = vhost->message.u64;
	struct vhost_queue *queue;
	int fd = -1;

	queue = vhost_find_queue(vhost, what & VRING_INDEX_MASK);
	if (!queue)
		return -1;
	if (!(what & VRING_NO_FD)) {
		fd = vhost_take_fd(vhost);
		if (fd < 0)
			return -1;
	}

	switch (vhost->message.header.request) {
	case VHOST_SET_VRING_CALL:
		vhost_close_call(queue);
		queue->call = fd;
		return 0;
	case VHOST_SET_VRING_ERR:
		if (fd >= 0)
			close(fd);
		return 0;
	default:
		break;
	}

	vhost_close_kick(queue);
	/* Without a descriptor we would have to poll the queue: refuse. */
	if (fd < 0)
		return -1;
	queue->kick_watch = loop_fd_add(vhost->loop, fd, EPOLLIN | EPOLLET,
					vhost_kicked, queue);
	if (!queue->kick_watch) {
		close(fd);
		return -1;
	}
	queue->kick = fd;
	return 0;
}

static int vhost_set_vring_enable(struct vhost *vhost)
{
	struct vhost_queue *queue;

	queue = vhost_find_queue(vhost, vhost->message.state.index);
	if (!queue)
		return -1;
	if (vhost->message.state.num && !queue->ring.desc)
		return -1;
	queue->enabled = vhost->message.state.num;
	queue->ring.event_idx = vhost->features & VHOST_F_EVENT_IDX;
	log_debug("queue %u %s", vhost->message.state.index,
		  queue->enabled ? "on" : "off");
	return 0;
}

static int vhost_set_backend_req_fd(struct vhost *vhost)
{
	int fd = vhost_take_fd(vhost);

	if (fd < 0)
		return -1;
	/* Never written to: closing it tells the guest that we are gone. */
	if (vhost->backend_req >= 0)
		close(vhost->backend_req);
	vhost->backend_req = fd;
	return 0;
}

/* How long the payload of a request must be at least; -1: not known. */
static int vhost_payload_size(uint32_t request)
{
	switch (request) {
	case VHOST_GET_FEATURES:
	case VHOST_SET_OWNER:
	case VHOST_RESET_OWNER:
	case VHOST_GET_PROTOCOL_FEATURES:
	case VHOST_GET_QUEUE_NUM:
	case VHOST_SET_BACKEND_REQ_FD:
		return 0;
	case VHOST_SET_FEATURES:
	case VHOST_SET_PROTOCOL_FEATURES:
	case VHOST_SET_MEM_TABLE:
	case VHOST_SET_VRING_NUM:
	case VHOST_SET_VRING_BASE:
	case VHOST_GET_VRING_BASE:
	case VHOST_SET_VRING_KICK:
	case VHOST_SET_VRING_CALL:
	case VHOST_SET_VRING_ERR:
	case VHOST_SET_VRING_ENABLE:
		return 8;
	case VHOST_SET_VRING_ADDR:
		return sizeof(struct vhost_addr);
	default:
		return -1;
	}
}

/* Returns 1 when @reply carries an answer, 0 when not, -1 on refusal. */
static int vhost_handle(struct vhost *vhost, uint64_t *reply)
{
	uint32_t request = vhost->message.header.request;
	int size = vhost_payload_size(request);

	if (size < 0 || vhost->message.header.size < (uint32_t)size)
		return -1;

	switch (request) {
	case VHOST_GET_FEATURES:
		*reply = VHOST_FEATURES;
		return 1;
	case VHOST_GET_PROTOCOL_FEATURES:
		*reply = VHOST_PROTOCOL_FEATURES;
		return 1;
	case VHOST_GET_QUEUE_NUM:
		*reply = VHOST_QUEUES;
		return 1;
	case VHOST_GET_VRING_BASE:
		return vhost_get_vring_base(vhost, reply) ? -1 : 1;
	case VHOST_SET_FEATURES:
		if (vhost->message.u64 & ~VHOST_FEATURES)
			return -1;
		vhost->features = vhost->message.u64;
		return 0;
	case VHOST_SET_PROTOCOL_FEATURES:
		if (vhost->message.u64 & ~VHOST_PROTOCOL_FEATURES)
			return -1;
		vhost->protocol_features = vhost->message.u64;
		return 0;
	case VHOST_SET_MEM_TABLE:
		return vhost_set_mem_table(vhost);
	case VHOST_SET_VRING_NUM:
		return vhost_set_vring_num(vhost);
	case VHOST_SET_VRING_ADDR:
		return vhost_set_vring_addr(vhost);
	case VHOST_SET_VRING_BASE:
		return vhost_set_vring_base(vhost);
	case VHOST_SET_VRING_KICK:
	case VHOST_SET_VRING_CALL:
	case VHOST_SET_VRING_ERR:
		return vhost_set_vring_fd(vhost);
	case VHOST_SET_VRING_ENABLE:
		return vhost_set_vring_enable(vhost);
	case VHOST_SET_BACKEND_REQ_FD:
		return vhost_set_backend_req_fd(vhost);
	default: /* SET_OWNER, RESET_OWNER */
		return 0;
	}
}

static void vhost_message(struct vhost *vhost)
{
	struct {
		struct vhost_header header;
		uint64_t value;
	} __attribute__((packed)) answer = {
		.header = {
			.request = vhost->message.header.request,
			.flags = VHOST_VERSION | VHOST_REPLY,
			.size = sizeof(answer.value),
		},
	};
	uint64_t value = 0;
	int result = vhost_handle(vhost, &value);
	bool acknowledge;

	/* The request that turns acknowledgements on is acknowledged, too. */
	acknowledge = vhost->message.header.flags & VHOST_NEED_REPLY &&
		      vhost->protocol_features & VHOST_PROTOCOL_REPLY_ACK;
	vhost_close_fds(vhost);
	if (result < 0) {
		vhost->counters.malformed++;
		log_error("refused vhost-user request %u",
			  vhost->message.header.request);
		value = 1;
	}
	if (result <= 0 && !acknowledge) {
		if (result < 0)
			vhost_disconnect(vhost, "malformed request");
		return;
	}
	answer.value = value;
	if (send(vhost->client, &answer, sizeof(answer), MSG_NOSIGNAL) !=
	    (ssize_t)sizeof(answer))
		vhost_disconnect(vhost, "cannot answer");
}

/* Keep the descriptors of a message; close those that are too many. */
static void vhost_collect_fds(struct vhost *vhost, struct msghdr *msg)
{
	struct cmsghdr *cmsg;

	for (cmsg = CMSG_FIRSTHDR(msg); cmsg; cmsg = CMSG_NXTHDR(msg, cmsg)) {
		size_t count;

		if (cmsg->cmsg_level != SOL_SOCKET ||
		    cmsg->cmsg_type != SCM_RIGHTS)
			continue;
		count = (cmsg->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < count; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(cmsg) + i * sizeof(fd),
			       sizeof(fd));
			if (vhost->fd_count < VHOST_FDS)
				vhost->fds[vhost->fd_count++] = fd;
			else
				close(fd);
		}
	}
}

static ssize_t vhost_receive(struct vhost *vhost, size_t want)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(2 * VHOST_FDS * sizeof(int))];
	} control;
	struct iovec iov = {
		.iov_base = (uint8_t *)&vhost->message + vhost->received,
		.iov_len = want - vhost->received,
	};
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes),
	};
	ssize_t got = recvmsg(vhost->client, &msg,
			      MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

	if (got > 0) {
		vhost->received += (size_t)got;
		vhost_collect_fds(vhost, &msg);
	}
	return got;
}

/* Returns false when the socket has nothing more for us. */
static bool vhost_receive_part(struct vhost *vhost)
{
	const struct vhost_header *header = &vhost->message.header;
	size_t want = sizeof(*header);
	ssize_t got;

	if (vhost->received >= sizeof(*header))
		want += header->size;
	if (vhost->received < want) {
		got = vhost_receive(vhost, want);
		if (!got) {
			vhost_disconnect(vhost, "end of connection");
			return false;
		}
		if (got < 0) {
			if (errno != EAGAIN && errno != EINTR)
				vhost_disconnect(vhost, strerror(errno));
			return errno == EINTR;
		}
	}
	if (vhost->received < sizeof(*header))
		return true;

	if ((header->flags & VHOST_VERSION_MASK) != VHOST_VERSION ||
	    header->size > VHOST_PAYLOAD) {
		vhost_protocol_error(vhost, "message header");
		return false;
	}
	if (vhost->received == sizeof(*header) + header->size) {
		vhost->received = 0;
		vhost_message(vhost);
	}
	return vhost->client >= 0;
}

static void vhost_client_ready(void *ctx, uint32_t events)
{
	struct vhost *vhost = ctx;

	(void)events;
	for (unsigned int i = 0; i < 64; i++) {
		if (!vhost_receive_part(vhost))
			break;
	}
}

static void vhost_listener_ready(void *ctx, uint32_t events)
{
	struct vhost *vhost = ctx;
	int fd = accept4(vhost->listener, NULL, NULL,
			 SOCK_CLOEXEC | SOCK_NONBLOCK);

	(void)events;
	if (fd < 0)
		return;

	vhost->client_watch = loop_fd_add(vhost->loop, fd, EPOLLIN,
					  vhost_client_ready, vhost);
	if (!vhost->client_watch) {
		log_error("cannot serve the guest: %s", strerror(errno));
		close(fd);
		return;
	}
	vhost->client = fd;
	vhost->counters.connections++;
	log_info("guest connected");
	trace("guest connected");
	/* Others wait in the backlog until this one is gone. */
	loop_fd_modify(vhost->listener_watch, 0);
}

struct vhost *vhost_new(struct loop *loop, const char *path,
			struct pcidev *pci, struct gmem *mem)
{
	struct vhost *vhost = calloc(1, sizeof(*vhost));
	char *copy = strdup(path);

	if (!vhost || !copy) {
		log_error("out of memory");
		free(copy);
		free(vhost);
		return NULL;
	}

	vhost->path = copy;
	vhost->loop = loop;
	vhost->pci = pci;
	vhost->mem = mem;
	vhost->client = -1;
	vhost->backend_req = -1;
	for (unsigned int i = 0; i < VHOST_QUEUES; i++) {
		vhost->queue[i].vhost = vhost;
		vhost->queue[i].kick = -1;
		vhost->queue[i].call = -1;
	}

	vhost->listener = unixsock_listen(path);
	if (vhost->listener < 0)
		goto err_free;
	vhost->listener_watch = loop_fd_add(loop, vhost->listener, EPOLLIN,
					    vhost_listener_ready, vhost);
	if (!vhost->listener_watch) {
		log_error("cannot watch %s: %s", path, strerror(errno));
		goto err_close;
	}

	loop_set_look(loop, vhost_look, vhost);
	pci->host = &vhost_host_ops;
	pci->host_ctx = vhost;
	return vhost;

err_close:
	close(vhost->listener);
	unlink(path);
err_free:
	free(vhost->path);
	free(vhost);
	return NULL;
}

void vhost_free(struct vhost *vhost)
{
	if (!vhost)
		return;

	loop_fd_remove(vhost->listener_watch);
	vhost->listener_watch = NULL;
	vhost_disconnect(vhost, "iosm-emu ends");
	vhost->pci->host = NULL;
	loop_set_look(vhost->loop, NULL, NULL);
	close(vhost->listener);
	unlink(vhost->path);
	free(vhost->path);
	free(vhost);
}

const struct vhost_counters *vhost_counters(const struct vhost *vhost)
{
	return &vhost->counters;
}
