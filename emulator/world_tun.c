// SPDX-License-Identifier: GPL-2.0-only
/*
 * The tun world: the kernel's own IP stack behind each session.
 *
 * The process moves into a network namespace of its own, so nothing is set up
 * or left behind on the machine, and the namespace dies with the process. An
 * ordinary user gets the right to do so in a user namespace, in which he is
 * root. Inside, each session has a TUN device, wwan-s0 to wwan-s7, that holds
 * the gateway's addresses; sessions reach each other by forwarding. Look in
 * with
 *
 *	nsenter -t PID -n		(root)
 *	nsenter -t PID -U -n --preserve-credentials	(others)
 *
 * A system call and a walk through the stack cost more than to copy a packet,
 * so the kernel hands out large packets, which gso.c cuts, and takes what gro.c
 * joined. Where it cannot do that, packets go one by one.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <net/route.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "gro.h"
#include "gso.h"
#include "log.h"
#include "loop.h"
#include "world_backend.h"

#define PACKET_MAX	65536u
#define READ_BATCH	128u	/* datagrams in one turn of the loop */
/* So the IP header is aligned behind the virtio header. */
#define PACKET_AT	16u
#define QUEUE_LEN	4096u	/* packets that a device holds for us */
#define DRAIN_MAX	8192u	/* packets thrown away when a session opens */

#define ADOPT_MAX_MS	5000	/* wait for IPv6 addresses */

/* Not in the headers of older systems. */
#ifndef TUN_F_USO4
#define TUN_F_USO4	0x20
#define TUN_F_USO6	0x40
#endif

/* struct in6_ifreq of linux/ipv6.h, which does not go with netinet/in.h. */
struct ipv6_request {
	struct in6_addr address;
	uint32_t prefix;
	int index;
};

/**
 * struct tun - one session's device
 * @owner: the world
 * @session: its number
 * @fd: the device, or -1
 * @headers: packets have virtio headers
 * @watch: readiness, edge-triggered
 * @up: session is up
 * @readable: there may be something to read
 * @refused: the MUX refused the current segment of @gso
 * @busy: @gso has segments left
 * @gso: the packet that is being handed out
 * @gro: packets of the host that may be joined
 * @buffer: the packet of @gso, with its virtio header
 */
struct tun {
	struct tun_world *owner;
	unsigned int session;
	int fd;
	bool headers;
	struct loop_fd *watch;
	bool up, readable, refused, busy;
	struct gso gso;
	struct gro gro;
	uint8_t buffer[PACKET_AT + PACKET_MAX];
};

/**
 * struct tun_world - the tun world
 * @backend: base
 * @pump: reads on where a turn of the loop had enough
 * @tun: per session
 */
struct tun_world {
	struct world_backend backend;
	struct loop_timer pump;
	struct tun tun[WORLD_SESSIONS];
};

static void tun_emit(void *ctx, const struct iovec *parts, unsigned int count,
		     unsigned int datagrams);

/* ----- namespaces ----------------------------------------------------- */

static int write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int err = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		err = -errno;
	close(fd);
	return err;
}

/* Map the one user and group we are to root of the new user namespace. */
static int map_ids(uid_t uid, gid_t gid)
{
	char map[64];
	int err;

	err = write_file("/proc/self/setgroups", "deny");
	if (err && err != -ENOENT)
		return err;
	snprintf(map, sizeof(map), "0 %u 1", uid);
	err = write_file("/proc/self/uid_map", map);
	if (err)
		return err;
	snprintf(map, sizeof(map), "0 %u 1", gid);
	return write_file("/proc/self/gid_map", map);
}

static int enter_namespace(void)
{
	uid_t uid = geteuid();
	gid_t gid = getegid();
	int err;

	if (unshare(CLONE_NEWNET) == 0)
		return 0;
	if (errno != EPERM) {
		err = -errno;
		log_error("cannot make a network namespace: %s",
			  strerror(-err));
		return err;
	}
	if (unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0) {
		err = -errno;
		log_error("cannot make a user and network namespace: %s",
			  strerror(-err));
		return err;
	}
	err = map_ids(uid, gid);
	if (err)
		log_error("cannot become root in the user namespace: %s",
			  strerror(-err));
	return err;
}

/* Nothing breaks without these, so a kernel that lacks one is only told of. */
static void set_sysctl(const char *name, const char *value)
{
	char path[128];
	int err;

	snprintf(path, sizeof(path), "/proc/sys/net/%s", name);
	err = write_file(path, value);
	if (err && err != -ENOENT)
		log_warn("tun world: cannot set %s: %s", name, strerror(-err));
}

static void configure_stack(void)
{
	static const struct {
		const char *name, *value;
	} settings[] = {
		{ "ipv4/ip_forward", "1" },
		{ "ipv4/conf/all/rp_filter", "0" },
		{ "ipv4/conf/default/rp_filter", "0" },
		{ "ipv4/icmp_ratelimit", "0" },
		{ "ipv4/icmp_ratemask", "0" },
		{ "ipv4/icmp_echo_ignore_all", "0" },
		{ "ipv4/icmp_echo_ignore_broadcasts", "0" },
		{ "ipv4/ping_group_range", "0 0" },
		{ "ipv6/conf/all/disable_ipv6", "0" },
		{ "ipv6/conf/default/disable_ipv6", "0" },
		/* No link-local address, so no chatter of its own. */
		{ "ipv6/conf/default/addr_gen_mode", "1" },
		{ "ipv6/conf/default/accept_dad", "0" },
		{ "ipv6/conf/default/accept_ra", "0" },
		{ "ipv6/conf/default/router_solicitations", "0" },
		{ "ipv6/icmp/ratelimit", "0" },
	};

	for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++)
		set_sysctl(settings[i].name, settings[i].value);
}

/* ----- devices -------------------------------------------------------- */

static void request_name(struct ifreq *request, const char *name)
{
	memset(request, 0, sizeof(*request));
	snprintf(request->ifr_name, sizeof(request->ifr_name), "%s", name);
}

static int set_flags(int control, const char *name, int on, int off)
{
	struct ifreq request;

	request_name(&request, name);
	if (ioctl(control, SIOCGIFFLAGS, &request) < 0)
		return -errno;
	request.ifr_flags = (short)((request.ifr_flags | on) & ~off);
	return ioctl(control, SIOCSIFFLAGS, &request) < 0 ? -errno : 0;
}

static int set_ipv4(int control, const char *name, unsigned long command,
		    struct in_addr address)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_addr = address };
	struct ifreq request;

	request_name(&request, name);
	memcpy(&request.ifr_addr, &in, sizeof(in));
	return ioctl(control, command, &request) < 0 ? -errno : 0;
}

static int set_ipv6(int control6, const char *name, struct in6_addr address,
		    unsigned int prefix)
{
	struct ipv6_request request = { .address = address, .prefix = prefix };

	request.index = (int)if_nametoindex(name);
	return ioctl(control6, SIOCSIFADDR, &request) < 0 ? -errno : 0;
}

static int set_mtu(int control, const char *name, unsigned int mtu)
{
	struct ifreq request;

	request_name(&request, name);
	request.ifr_mtu = (int)mtu;
	return ioctl(control, SIOCSIFMTU, &request) < 0 ? -errno : 0;
}

/*
 * TUN throws away what does not fit its queue, so the queue has to outlast a
 * pause of this process. The ioctl wants the right on the whole machine;
 * rtnetlink is content with that of the namespace.
 */
static int set_queue_length(const char *name, uint32_t length)
{
	struct {
		struct nlmsghdr head;
		struct ifinfomsg link;
		struct rtattr attr;
		uint32_t length;
	} request = {
		.head = {
			.nlmsg_len = sizeof(request),
			.nlmsg_type = RTM_NEWLINK,
			.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK,
		},
		.link = { .ifi_index = (int)if_nametoindex(name) },
		.attr = { .rta_len = RTA_LENGTH(4), .rta_type = IFLA_TXQLEN },
		.length = length,
	};
	struct {
		struct nlmsghdr head;
		struct nlmsgerr error;
		uint8_t rest[256];
	} answer = { .error.error = -EPROTO };
	int err = 0, fd;

	fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	if (fd < 0)
		return -errno;
	if (send(fd, &request, sizeof(request), 0) < 0 ||
	    recv(fd, &answer, sizeof(answer), 0) < 0)
		err = -errno;
	close(fd);
	return err ? err : answer.error.error;
}

/*
 * Ask for large packets and for those without a checksum, which the kernel does
 * not hand out by itself. Returns whether UDP can be joined, too: the kernels
 * that take such packets are those that hand them out.
 */
static bool enable_offloads(int fd, const char *name)
{
	const unsigned int tcp = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6;

	if (!ioctl(fd, TUNSETOFFLOAD, tcp | TUN_F_USO4 | TUN_F_USO6))
		return true;
	if (ioctl(fd, TUNSETOFFLOAD, tcp))
		log_info("%s: no segmentation here: %s", name,
			 strerror(errno));
	return false;
}

static int tun_create(const char *name, struct tun *tun)
{
	struct ifreq request;
	int fd, err;

	fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0) {
		err = -errno;
		log_error("cannot open /dev/net/tun: %s", strerror(-err));
		return err;
	}
	request_name(&request, name);
	request.ifr_flags = IFF_TUN | IFF_NO_PI | IFF_VNET_HDR;
	tun->headers = !ioctl(fd, TUNSETIFF, &request);
	if (!tun->headers && errno == EINVAL) {
		log_info("%s: no virtio headers here", name);
		request.ifr_flags = IFF_TUN | IFF_NO_PI;
	}
	if (!tun->headers && ioctl(fd, TUNSETIFF, &request) < 0) {
		err = -errno;
		log_error("cannot make TUN device %s: %s", name,
			  strerror(-err));
		close(fd);
		return err;
	}
	gro_init(&tun->gro, tun->headers && enable_offloads(fd, name),
		 tun_emit, tun);
	return fd;
}

static int tun_configure(unsigned int session, const char *name, int control,
			 int control6)
{
	struct in_addr mask4;
	struct world_ip ip;
	int err;

	world_addresses(session, &ip);
	mask4.s_addr = htonl(~0u << (32 - ip.prefix4));
	err = set_mtu(control, name, ip.mtu);
	if (!err)
		err = set_queue_length(name, QUEUE_LEN);
	if (!err)
		err = set_ipv4(control, name, SIOCSIFADDR, ip.gateway4);
	if (!err)
		err = set_ipv4(control, name, SIOCSIFNETMASK, mask4);
	if (!err)
		err = set_flags(control, name, IFF_UP, IFF_MULTICAST);
	if (!err && control6 >= 0)
		err = set_ipv6(control6, name, ip.gateway6, ip.prefix6);
	if (err)
		log_error("cannot configure %s: %s", name, strerror(-err));
	return err;
}

/* How many of our devices' IPv6 addresses does the kernel take for local? */
static unsigned int count_local_ipv6(void)
{
	FILE *file = fopen("/proc/net/ipv6_route", "re");
	unsigned int count = 0;
	char line[256];

	while (file && fgets(line, sizeof(line), file)) {
		char name[IFNAMSIZ];
		unsigned int prefix, flags;

		if (sscanf(line, "%*32s %x %*s %*s %*s %*s %*s %*s %x %15s",
			   &prefix, &flags, name) == 3 &&
		    prefix == 128 && flags & RTF_LOCAL &&
		    strncmp(name, "wwan-s", 6) == 0)
			count++;
	}
	if (file)
		fclose(file);
	return count;
}

/*
 * The kernel adopts an IPv6 address from a work item, and sends packets for it
 * back to the host until then.
 */
static int wait_for_ipv6(void)
{
	const struct timespec pause = { .tv_nsec = 1000000 };

	for (int i = 0; i < ADOPT_MAX_MS; i++) {
		if (count_local_ipv6() >= WORLD_SESSIONS)
			return 0;
		nanosleep(&pause, NULL);
	}
	log_error("tun world: IPv6 addresses did not become ready");
	return -ETIMEDOUT;
}

static int tun_create_all(struct tun_world *world, int control, int control6)
{
	for (unsigned int s = 0; s < WORLD_SESSIONS; s++) {
		char name[IFNAMSIZ];
		int err;

		snprintf(name, sizeof(name), "wwan-s%u", s);
		world->tun[s].fd = tun_create(name, &world->tun[s]);
		if (world->tun[s].fd < 0)
			return world->tun[s].fd;
		err = tun_configure(s, name, control, control6);
		if (err)
			return err;
	}
	/*
	 * Last, and without IFF_MULTICAST: a router joins groups and reports
	 * that to the host, which never asked.
	 */
	set_sysctl("ipv6/conf/all/forwarding", "1");
	return control6 >= 0 ? wait_for_ipv6() : 0;
}

static int set_up(struct tun_world *world)
{
	int control, control6, err;

	err = enter_namespace();
	if (err)
		return err;
	configure_stack();

	control = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (control < 0) {
		err = -errno;
		log_error("cannot open a socket: %s", strerror(-err));
		return err;
	}
	control6 = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (control6 < 0)
		log_warn("tun world: this machine has no IPv6: %s",
			 strerror(errno));
	err = set_flags(control, "lo", IFF_UP | IFF_RUNNING, 0);
	if (err)
		log_error("cannot configure lo: %s", strerror(-err));
	else
		err = tun_create_all(world, control, control6);
	if (control6 >= 0)
		close(control6);
	close(control);
	return err;
}

/* ----- from the kernel ------------------------------------------------ */

/* Read a packet and begin to hand it out; false when there is none. */
static bool tun_read(struct tun *tun)
{
	struct world_backend *backend = &tun->owner->backend;
	uint8_t *packet = tun->buffer + PACKET_AT;
	struct virtio_net_hdr hdr = { .gso_type = VIRTIO_NET_HDR_GSO_NONE };
	size_t skip = tun->headers ? sizeof(hdr) : 0;
	ssize_t len;

	len = read(tun->fd, packet - skip, PACKET_MAX + skip);
	if (len < 0) {
		tun->readable = errno == EINTR;
		if (errno != EAGAIN && errno != EINTR)
			log_error("wwan-s%u: read: %s", tun->session,
				  strerror(errno));
		return false;
	}
	if ((size_t)len <= skip)
		return true;
	memcpy(&hdr, packet - skip, skip);
	tun->busy = gso_begin(&tun->gso, &hdr, packet, (size_t)len - skip);
	if (!tun->busy) {
		log_warn("wwan-s%u: packet of %zd bytes that is not as its virtio header says",
			 tun->session, len);
		backend->drop(backend->world, tun->session);
	}
	return true;
}

/* Hand out what is left of the packet; returns how many datagrams went. */
static unsigned int tun_segments(struct tun *tun)
{
	struct world_backend *backend = &tun->owner->backend;
	unsigned int count = 0;

	while (tun->busy) {
		uint8_t *packet;
		size_t len;

		packet = gso_segment(&tun->gso, &len);
		if (!backend->offer(backend->world, tun->session, packet,
				    len)) {
			tun->refused = true;
			break;
		}
		count++;
		gso_next(&tun->gso);
		tun->busy = !gso_done(&tun->gso);
	}
	return count;
}

static void tun_run(struct tun *tun)
{
	unsigned int count = 0;

	while (tun->up && !tun->refused && (tun->busy || tun->readable)) {
		/* The others want their turn, too. */
		if (count >= READ_BATCH) {
			if (!tun->owner->pump.armed)
				loop_timer_arm(&tun->owner->pump, 0);
			return;
		}
		if (!tun->busy && !tun_read(tun))
			continue;
		count += tun_segments(tun);
	}
}

static void tun_pump(void *ctx)
{
	struct tun_world *world = ctx;

	for (unsigned int s = 0; s < WORLD_SESSIONS; s++)
		tun_run(&world->tun[s]);
}

static void tun_ready(void *ctx, uint32_t events)
{
	struct tun *tun = ctx;

	(void)events;
	tun->readable = true;
	tun_run(tun);
}

static void tun_resume(struct world_backend *backend, unsigned int session)
{
	struct tun *tun = &((struct tun_world *)backend)->tun[session];

	tun->refused = false;
	tun_run(tun);
}

/* Nobody waits any more for what came while the session was down. */
static void tun_drain(struct tun *tun)
{
	struct world_backend *backend = &tun->owner->backend;

	for (unsigned int n = 0; n < DRAIN_MAX; n++) {
		if (read(tun->fd, tun->buffer, sizeof(tun->buffer)) < 0)
			break;
		backend->drop(backend->world, tun->session);
	}
}

static void tun_up(struct world_backend *backend, unsigned int session)
{
	struct tun_world *world = (struct tun_world *)backend;
	struct tun *tun = &world->tun[session];

	tun_drain(tun);
	tun->up = true;
	tun->refused = false;
	tun->busy = false;
	/* What comes from now on may have been noticed before. */
	tun->readable = true;
	if (!world->pump.armed)
		loop_timer_arm(&world->pump, 0);
}

/* ----- to the kernel -------------------------------------------------- */

static void tun_emit(void *ctx, const struct iovec *parts, unsigned int count,
		     unsigned int datagrams)
{
	struct tun *tun = ctx;
	struct world_backend *backend = &tun->owner->backend;
	unsigned int skip = tun->headers ? 0 : 1;

	if (writev(tun->fd, parts + skip, (int)(count - skip)) >= 0)
		return;
	/* Full, or the kernel does not take it for an IP packet. */
	log_debug("wwan-s%u: %u datagram(s): %s", tun->session, datagrams,
		  strerror(errno));
	backend->lost(backend->world, tun->session, datagrams);
}

static bool tun_uplink(struct world_backend *backend, unsigned int session,
		       const uint8_t *packet, size_t len)
{
	struct tun *tun = &((struct tun_world *)backend)->tun[session];

	if (gro_add(&tun->gro, packet, len) == IP_BAD)
		backend->bad_checksum(backend->world, session);
	/* Without headers nothing can be joined. */
	if (!tun->headers)
		gro_flush(&tun->gro);
	return true;
}

static void tun_flush(struct world_backend *backend)
{
	struct tun_world *world = (struct tun_world *)backend;

	for (unsigned int s = 0; s < WORLD_SESSIONS; s++)
		gro_flush(&world->tun[s].gro);
}

static void tun_down(struct world_backend *backend, unsigned int session)
{
	struct tun *tun = &((struct tun_world *)backend)->tun[session];

	gro_flush(&tun->gro);
	tun->up = false;
	tun->busy = false;
	tun->refused = false;
}

/* ----- life ----------------------------------------------------------- */

static void tun_destroy(struct world_backend *backend)
{
	struct tun_world *world = (struct tun_world *)backend;

	for (unsigned int s = 0; s < WORLD_SESSIONS; s++) {
		struct tun *tun = &world->tun[s];

		loop_fd_remove(tun->watch);
		if (tun->fd >= 0)
			close(tun->fd);
	}
	loop_timer_cancel(&world->pump);
	free(world);
}

static const struct world_backend_ops tun_ops = {
	.up = tun_up,
	.down = tun_down,
	.uplink = tun_uplink,
	.flush = tun_flush,
	.resume = tun_resume,
	.destroy = tun_destroy,
};

struct world_backend *world_tun_new(struct loop *loop)
{
	struct tun_world *world = calloc(1, sizeof(*world));
	int err;

	if (!world) {
		log_error("tun world: out of memory");
		errno = ENOMEM;
		return NULL;
	}
	world->backend.ops = &tun_ops;
	world->backend.loop = loop;
	loop_timer_init(&world->pump, loop, tun_pump, world);
	for (unsigned int s = 0; s < WORLD_SESSIONS; s++) {
		world->tun[s].owner = world;
		world->tun[s].session = s;
		world->tun[s].fd = -1;
	}
	err = set_up(world);
	for (unsigned int s = 0; s < WORLD_SESSIONS && !err; s++) {
		struct tun *tun = &world->tun[s];

		tun->watch = loop_fd_add(loop, tun->fd, EPOLLIN | EPOLLET,
					 tun_ready, tun);
		if (!tun->watch) {
			err = -errno;
			log_error("cannot watch wwan-s%u: %s", s,
				  strerror(-err));
		}
	}
	if (err) {
		tun_destroy(&world->backend);
		errno = -err;
		return NULL;
	}
	return &world->backend;
}
