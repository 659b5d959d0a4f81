// SPDX-License-Identifier: GPL-2.0-only
/*
 * The vhost-user server, as a guest sees it: set-up, PCI accesses, interrupts,
 * and everything that a guest can get wrong.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <linux/virtio_pcidev.h>

#include "check.h"
#include "gmem.h"
#include "log.h"
#include "loop.h"
#include "pcidev.h"
#include "vhost.h"
#include "wire.h"

#define MEM_SIZE	0x40000u
#define MEM_GUEST	0x800000ull
#define MEM_OFFSET	0x3000u
#define NUM		16u

/* Places in guest memory. */
#define DESC(q)		(0x1000u + (q) * 0x1000u)
#define AVAIL(q)	(0x3000u + (q) * 0x1000u)
#define USED(q)		(0x5000u + (q) * 0x1000u)
#define REQUEST		0x8000u
#define ANSWER		0x9000u
#define INTERRUPTS	0xa000u

struct bench {
	char dir[64], path[80];
	struct loop *loop;
	struct gmem gmem;
	struct pcidev pci;
	struct vhost *vhost;
	int sock, memfd;
	uint8_t *mem;
	int kick[2], call[2];
	uint16_t avail[2], used[2];
	bool event_idx;
};

static unsigned int device_resets;
static uint8_t register_file[2][4096];

static void dev_read(void *ctx, unsigned int bar, uint32_t offset, void *data,
		     uint32_t size)
{
	(void)ctx;
	memcpy(data, register_file[bar / 2] + offset, size);
}

static void dev_write(void *ctx, unsigned int bar, uint32_t offset,
		      const void *data, uint32_t size)
{
	(void)ctx;
	memcpy(register_file[bar / 2] + offset, data, size);
}

static void dev_reset(void *ctx, bool flr)
{
	(void)ctx;
	(void)flr;
	device_resets++;
}

static void dev_power(void *ctx, bool d0)
{
	(void)ctx;
	(void)d0;
}

static const struct pcidev_device_ops device_ops = {
	.read = dev_read, .write = dev_write, .reset = dev_reset,
	.power = dev_power,
};

static void run(struct bench *b)
{
	for (int i = 0; i < 8; i++)
		loop_poll(b->loop);
}

static int open_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int count = 0;

	while (readdir(dir))
		count++;
	closedir(dir);
	return count;
}

static void connect_guest(struct bench *b)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };

	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", b->path);
	b->sock = socket(AF_UNIX, SOCK_STREAM, 0);
	CHECK(!connect(b->sock, (struct sockaddr *)&addr, sizeof(addr)));
	run(b);
}

static struct bench *bench_new(void)
{
	struct bench *b = calloc(1, sizeof(*b));

	snprintf(b->dir, sizeof(b->dir), "/tmp/iosm-emu-test-XXXXXX");
	CHECK(mkdtemp(b->dir) != NULL);
	snprintf(b->path, sizeof(b->path), "%s/socket", b->dir);
	b->loop = loop_new();
	loop_virtual_time(b->loop);
	pcidev_init(&b->pci, 0x7560, &b->gmem);
	b->pci.device = &device_ops;
	b->vhost = vhost_new(b->loop, b->path, &b->pci, &b->gmem);
	CHECK(b->vhost != NULL);
	b->memfd = memfd_create("guest", MFD_CLOEXEC);
	CHECK(!ftruncate(b->memfd, MEM_OFFSET + MEM_SIZE));
	b->mem = mmap(NULL, MEM_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED,
		      b->memfd, MEM_OFFSET);
	for (int q = 0; q < 2; q++) {
		b->kick[q] = -1;
		b->call[q] = -1;
	}
	connect_guest(b);
	return b;
}

static void hang_up(struct bench *b)
{
	close(b->sock);
	for (int q = 0; q < 2; q++) {
		if (b->kick[q] >= 0)
			close(b->kick[q]);
		if (b->call[q] >= 0)
			close(b->call[q]);
		b->kick[q] = -1;
		b->call[q] = -1;
		b->avail[q] = 0;
		b->used[q] = 0;
	}
	run(b);
}

static void bench_free(struct bench *b)
{
	hang_up(b);
	vhost_free(b->vhost);
	munmap(b->mem, MEM_SIZE);
	close(b->memfd);
	gmem_clear(&b->gmem);
	loop_free(b->loop);
	CHECK(access(b->path, F_OK));
	rmdir(b->dir);
	free(b);
}

/* Send one request, with descriptors. */
static void request_fds(struct bench *b, uint32_t number, uint32_t flags,
			const void *payload, uint32_t size, const int *fds,
			size_t count)
{
	uint8_t bytes[1024];
	char control[CMSG_SPACE(32 * sizeof(int))] = { 0 };
	struct iovec iov = { .iov_base = bytes, .iov_len = 12 + size };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	wire_put32(bytes, number);
	wire_put32(bytes + 4, flags);
	wire_put32(bytes + 8, size);
	if (size)
		memcpy(bytes + 12, payload, size);
	if (count) {
		struct cmsghdr *cmsg;

		msg.msg_control = control;
		msg.msg_controllen = CMSG_SPACE(count * sizeof(int));
		cmsg = CMSG_FIRSTHDR(&msg);
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(count * sizeof(int));
		memcpy(CMSG_DATA(cmsg), fds, count * sizeof(int));
	}
	/* The server may already have hung up on us. */
	(void)!sendmsg(b->sock, &msg, MSG_NOSIGNAL);
	run(b);
}

static void request(struct bench *b, uint32_t number, uint32_t flags,
		    const void *payload, uint32_t size)
{
	request_fds(b, number, flags, payload, size, NULL, 0);
}

/* The answer's value; all ones when there is none, 0xdead when hung up. */
static uint64_t answer(struct bench *b)
{
	uint8_t bytes[20];
	ssize_t got = recv(b->sock, bytes, sizeof(bytes), MSG_DONTWAIT);

	if (!got)
		return 0xdead;
	if (got < 0)
		return errno == ECONNRESET ? 0xdead : ~0ull;
	CHECK_EQ(got, 20);
	CHECK_EQ(wire_get32(bytes + 4), 5);
	CHECK_EQ(wire_get32(bytes + 8), 8);
	return wire_get64(bytes + 12);
}

static uint64_t ask64(struct bench *b, uint32_t number, uint64_t value)
{
	uint8_t bytes[8];

	wire_put64(bytes, value);
	request(b, number, 9, bytes, 8);
	return answer(b);
}

static uint64_t ask_state(struct bench *b, uint32_t number, uint32_t index,
			  uint32_t value)
{
	return ask64(b, number, index | (uint64_t)value << 32);
}

static uint64_t mem_table(struct bench *b, uint64_t guest, uint64_t size,
			  uint64_t offset, uint32_t count, size_t fds)
{
	uint8_t bytes[8 + 32] = { 0 };
	int fd[2] = { b->memfd, b->memfd };

	wire_put32(bytes, count);
	wire_put64(bytes + 8, guest);
	wire_put64(bytes + 16, size);
	wire_put64(bytes + 24, guest);
	wire_put64(bytes + 32, offset);
	request_fds(b, 5, 9, bytes, sizeof(bytes), fd, fds);
	return answer(b);
}

static uint64_t vring_addr(struct bench *b, uint32_t q, uint64_t desc,
			   uint64_t avail, uint64_t used)
{
	uint8_t bytes[40] = { 0 };

	wire_put32(bytes, q);
	wire_put64(bytes + 8, desc);
	wire_put64(bytes + 16, used);
	wire_put64(bytes + 24, avail);
	request(b, 9, 9, bytes, sizeof(bytes));
	return answer(b);
}

static uint64_t give_fd(struct bench *b, uint32_t number, uint64_t value,
			int fd)
{
	uint8_t bytes[8];

	wire_put64(bytes, value);
	request_fds(b, number, 9, bytes, 8, &fd, fd >= 0);
	return answer(b);
}

static void features(struct bench *b)
{
	request(b, 1, 1, NULL, 0);
	CHECK(answer(b) & 1ull << 30);
	request(b, 15, 1, NULL, 0);
	CHECK_EQ(answer(b) & 0x29, 0x29);
	CHECK_EQ(ask64(b, 16, 0x29), 0);
	request(b, 17, 1, NULL, 0);
	CHECK_EQ(answer(b), 2);
	CHECK_EQ(ask64(b, 2, 1ull << 30 | 1ull << 32 |
			(uint64_t)b->event_idx << 29), 0);
}

/* Everything that User-Mode Linux does. */
static void plug(struct bench *b)
{
	int pipes[2];

	memset(b->mem, 0, MEM_SIZE);
	features(b);
	CHECK_EQ(mem_table(b, MEM_GUEST, MEM_SIZE, MEM_OFFSET, 1, 1), 0);
	for (uint32_t q = 0; q < 2; q++) {
		b->kick[q] = eventfd(0, EFD_NONBLOCK);
		CHECK(!pipe2(pipes, O_NONBLOCK));
		b->call[q] = pipes[0];
		CHECK_EQ(give_fd(b, 13, q, pipes[1]), 0);
		close(pipes[1]);
		CHECK_EQ(ask_state(b, 8, q, NUM), 0);
		CHECK_EQ(ask_state(b, 10, q, 0), 0);
		CHECK_EQ(vring_addr(b, q, MEM_GUEST + DESC(q),
				    MEM_GUEST + AVAIL(q),
				    MEM_GUEST + USED(q)), 0);
		CHECK_EQ(give_fd(b, 12, q, b->kick[q]), 0);
		CHECK_EQ(ask_state(b, 18, q, 1), 0);
	}
}

static void desc(struct bench *b, uint32_t q, uint32_t index, uint64_t addr,
		 uint32_t len, uint32_t flags, uint32_t next)
{
	uint8_t *at = b->mem + DESC(q) + 16 * index;

	wire_put64(at, addr);
	wire_put32(at + 8, len);
	wire_put16(at + 12, flags);
	wire_put16(at + 14, next);
}

static void make_available(struct bench *b, uint32_t q, uint32_t head)
{
	wire_put16(b->mem + AVAIL(q) + 4 + 2 * (b->avail[q] % NUM), head);
	b->avail[q]++;
	wire_put16(b->mem + AVAIL(q) + 2, b->avail[q]);
}

static void kick(struct bench *b, uint32_t q)
{
	uint64_t one = 1;

	CHECK_EQ(write(b->kick[q], &one, 8), 8);
	run(b);
}

/* Length of the next used buffer, or -1. */
static int take_used(struct bench *b, uint32_t q)
{
	uint32_t at = USED(q) + 4 + 8 * (b->used[q] % NUM);

	if (wire_get16(b->mem + USED(q) + 2) == b->used[q])
		return -1;
	b->used[q]++;
	return (int)wire_get32(b->mem + at + 4);
}

static void access_header(struct bench *b, uint8_t op, uint8_t bar,
			  uint32_t size, uint64_t addr)
{
	uint8_t *at = b->mem + REQUEST;

	memset(at, 0, 64);
	at[0] = op;
	at[1] = bar;
	wire_put32(at + 4, size);
	wire_put64(at + 8, addr);
}

/* One access in one or two descriptors; returns the used length. */
static int do_access(struct bench *b, uint32_t out, uint32_t in)
{
	desc(b, 0, 0, MEM_GUEST + REQUEST, out, in ? 1 : 0, 1);
	desc(b, 0, 1, MEM_GUEST + ANSWER, in, 2, 0);
	make_available(b, 0, 0);
	kick(b, 0);
	return take_used(b, 0);
}

static void config_write(struct bench *b, uint32_t offset, uint32_t size,
			 uint32_t value)
{
	access_header(b, VIRTIO_PCIDEV_OP_CFG_WRITE, 0, size, offset);
	wire_put32(b->mem + REQUEST + 16, value);
	CHECK_EQ(do_access(b, 24, 0), 0);
}

static void enable(struct bench *b)
{
	config_write(b, 4, 2, 6);
	config_write(b, PCIDEV_CAP_MSI + 12, 2, 77);
	config_write(b, PCIDEV_CAP_MSI + 2, 2, 1);
}

TEST(negotiation)
{
	struct bench *b = bench_new();

	features(b);
	bench_free(b);
}

TEST(configuration_space_through_the_queue)
{
	struct bench *b = bench_new();

	plug(b);
	access_header(b, VIRTIO_PCIDEV_OP_CFG_READ, 0, 4, 0);
	CHECK_EQ(do_access(b, 16, 4), 4);
	CHECK_EQ(wire_get32(b->mem + ANSWER), 0x75608086);
	enable(b);
	access_header(b, VIRTIO_PCIDEV_OP_CFG_READ, 0, 2, 4);
	CHECK_EQ(do_access(b, 16, 2), 2);
	CHECK_EQ(wire_get16(b->mem + ANSWER), 6);
	bench_free(b);
}

TEST(registers_through_the_queue)
{
	struct bench *b = bench_new();

	plug(b);
	enable(b);
	access_header(b, VIRTIO_PCIDEV_OP_MMIO_WRITE, 2, 4, 0x64);
	wire_put32(b->mem + REQUEST + 16, 0x12345678);
	CHECK_EQ(do_access(b, 20, 0), 0);
	CHECK_EQ(wire_get32(register_file[1] + 0x64), 0x12345678);
	access_header(b, VIRTIO_PCIDEV_OP_MMIO_READ, 2, 4, 0x64);
	CHECK_EQ(do_access(b, 16, 4), 4);
	CHECK_EQ(wire_get32(b->mem + ANSWER), 0x12345678);
	access_header(b, VIRTIO_PCIDEV_OP_MMIO_MEMSET, 0, 32, 0x100);
	b->mem[REQUEST + 16] = 0x5a;
	CHECK_EQ(do_access(b, 17, 0), 0);
	CHECK_EQ(register_file[0][0x11f], 0x5a);
	CHECK_EQ(register_file[0][0x120], 0);
	bench_free(b);
}

TEST(many_posted_writes_in_one_kick)
{
	struct bench *b = bench_new();

	plug(b);
	enable(b);
	access_header(b, VIRTIO_PCIDEV_OP_MMIO_WRITE, 0, 4, 0x10);
	desc(b, 0, 0, MEM_GUEST + REQUEST, 20, 0, 0);
	for (unsigned int i = 0; i < NUM; i++)
		make_available(b, 0, 0);
	kick(b, 0);
	for (unsigned int i = 0; i < NUM; i++)
		CHECK_EQ(take_used(b, 0), 0);
	CHECK_EQ(take_used(b, 0), -1);
	bench_free(b);
}

static void post_interrupt_buffers(struct bench *b, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++) {
		desc(b, 1, i, MEM_GUEST + INTERRUPTS + 32 * i, 20, 2, 0);
		make_available(b, 1, i);
	}
}

/* With event indices: where the server wants to be kicked ... */
static uint16_t asked_for(struct bench *b, uint32_t q)
{
	return wire_get16(b->mem + USED(q) + 4 + 8 * NUM);
}

/* ... and what the guest has seen of the used ring. */
static void set_seen(struct bench *b, uint32_t q, uint16_t index)
{
	wire_put16(b->mem + AVAIL(q) + 4 + 2 * NUM, index);
}

TEST(a_busy_server_needs_no_kick)
{
	struct bench *b = bench_new();

	b->event_idx = true;
	plug(b);
	enable(b);
	/* Asleep, it asks for one with the next access. */
	run(b);
	CHECK_EQ(asked_for(b, 0), b->avail[0]);
	access_header(b, VIRTIO_PCIDEV_OP_MMIO_WRITE, 0, 4, 0x10);
	desc(b, 0, 0, MEM_GUEST + REQUEST, 20, 0, 0);
	for (unsigned int i = 0; i < 5; i++) {
		make_available(b, 0, 0);
		run(b);
		CHECK_EQ(take_used(b, 0), 0);
		CHECK_EQ(asked_for(b, 0), b->avail[0]);
	}
	bench_free(b);
}

TEST(a_guest_without_event_indices_gets_none)
{
	struct bench *b = bench_new();

	plug(b);
	enable(b);
	run(b);
	CHECK_EQ(asked_for(b, 0), 0);
	bench_free(b);
}

TEST(posted_writes_come_back_before_the_guest_has_none)
{
	struct bench *b = bench_new();
	uint8_t data[64];

	b->event_idx = true;
	plug(b);
	enable(b);
	run(b);
	set_seen(b, 0, b->used[0]);
	access_header(b, VIRTIO_PCIDEV_OP_MMIO_WRITE, 0, 4, 0x10);
	desc(b, 0, 0, MEM_GUEST + REQUEST, 20, 0, 0);
	for (unsigned int i = 0; i < 7; i++)
		make_available(b, 0, 0);
	kick(b, 0);
	CHECK_EQ(read(b->call[0], data, sizeof(data)), -1);
	make_available(b, 0, 0);
	kick(b, 0);
	CHECK_EQ(read(b->call[0], data, sizeof(data)), 8);

	/* One call for so many; who looks himself needs none. */
	for (unsigned int i = 0; i < 7; i++)
		make_available(b, 0, 0);
	kick(b, 0);
	CHECK_EQ(read(b->call[0], data, sizeof(data)), -1);
	set_seen(b, 0, (uint16_t)(b->used[0] + 12));
	make_available(b, 0, 0);
	kick(b, 0);
	CHECK_EQ(read(b->call[0], data, sizeof(data)), -1);
	bench_free(b);
}

TEST(an_interrupt_that_nobody_saw_is_not_repeated)
{
	struct bench *b = bench_new();
	uint8_t data[64];

	b->event_idx = true;
	plug(b);
	enable(b);
	post_interrupt_buffers(b, 8);
	for (int i = 0; i < 3; i++)
		pcidev_msi(&b->pci);
	CHECK_EQ(take_used(b, 1), 18);
	CHECK_EQ(take_used(b, 1), -1);
	CHECK_EQ(vhost_counters(b->vhost)->coalesced, 2);
	CHECK_EQ(read(b->call[1], data, sizeof(data)), 8);

	/* The guest took it: what comes now is news. */
	set_seen(b, 1, 1);
	pcidev_msi(&b->pci);
	CHECK_EQ(take_used(b, 1), 18);
	CHECK_EQ(read(b->call[1], data, sizeof(data)), 8);

	/* Other data is another interrupt; one call does for both. */
	config_write(b, PCIDEV_CAP_MSI + 12, 2, 78);
	pcidev_msi(&b->pci);
	pcidev_msi(&b->pci);
	CHECK_EQ(take_used(b, 1), 18);
	CHECK_EQ(take_used(b, 1), -1);
	CHECK_EQ(read(b->call[1], data, sizeof(data)), -1);
	CHECK_EQ(vhost_counters(b->vhost)->interrupts, 3);
	bench_free(b);
}

TEST(an_interrupt_without_buffer_asks_for_a_kick)
{
	struct bench *b = bench_new();

	b->event_idx = true;
	plug(b);
	enable(b);
	post_interrupt_buffers(b, 1);
	pcidev_msi(&b->pci);
	set_seen(b, 1, 1);
	CHECK_EQ(asked_for(b, 1), 0);
	pcidev_msi(&b->pci);
	CHECK_EQ(asked_for(b, 1), 1);
	CHECK_EQ(take_used(b, 1), 18);
	CHECK_EQ(take_used(b, 1), -1);
	post_interrupt_buffers(b, 1);
	kick(b, 1);
	CHECK_EQ(take_used(b, 1), 18);
	bench_free(b);
}

TEST(interrupts_wait_for_buffers_and_coalesce)
{
	struct bench *b = bench_new();
	uint8_t data[64];

	plug(b);
	enable(b);
	post_interrupt_buffers(b, 2);
	for (int i = 0; i < 6; i++)
		pcidev_msi(&b->pci);
	CHECK_EQ(take_used(b, 1), 18);
	CHECK_EQ(take_used(b, 1), 18);
	CHECK_EQ(take_used(b, 1), -1);
	CHECK_EQ(read(b->call[1], data, sizeof(data)), 16);
	CHECK_EQ(b->mem[INTERRUPTS], VIRTIO_PCIDEV_OP_MSI);
	CHECK_EQ(wire_get32(b->mem + INTERRUPTS + 4), 2);
	CHECK_EQ(wire_get16(b->mem + INTERRUPTS + 16), 77);
	CHECK_EQ(vhost_counters(b->vhost)->coalesced, 3);

	post_interrupt_buffers(b, 2);
	kick(b, 1);
	CHECK_EQ(take_used(b, 1), 18);
	CHECK_EQ(take_used(b, 1), -1);
	config_write(b, PCIDEV_CAP_PM + 4, 2, 0x100);
	pcidev_pme(&b->pci);
	CHECK_EQ(take_used(b, 1), 16);
	CHECK_EQ(b->mem[INTERRUPTS + 32], VIRTIO_PCIDEV_OP_PME);
	bench_free(b);
}

TEST(guest_that_leaves_resets_the_device)
{
	struct bench *b = bench_new();
	unsigned int before;

	plug(b);
	enable(b);
	before = device_resets;
	hang_up(b);
	CHECK_EQ(device_resets, before + 1);
	CHECK_EQ(b->gmem.count, 0);
	connect_guest(b);
	plug(b);
	access_header(b, VIRTIO_PCIDEV_OP_CFG_READ, 0, 2, 4);
	CHECK_EQ(do_access(b, 16, 2), 2);
	CHECK_EQ(wire_get16(b->mem + ANSWER), 0);
	CHECK_EQ(vhost_counters(b->vhost)->connections, 2);
	bench_free(b);
}

TEST(second_guest_waits_for_the_first)
{
	struct bench *b = bench_new();
	int first = b->sock;

	features(b);
	connect_guest(b);
	CHECK_EQ(vhost_counters(b->vhost)->connections, 1);
	close(first);
	run(b);
	CHECK_EQ(vhost_counters(b->vhost)->connections, 2);
	features(b);
	bench_free(b);
}

TEST(no_descriptor_is_leaked)
{
	struct bench *b = bench_new();
	int fds[32], before;

	plug(b);
	hang_up(b);
	connect_guest(b);
	features(b);
	before = open_fds();
	for (int i = 0; i < 32; i++)
		fds[i] = b->memfd;
	for (uint32_t number = 0; number < 40; number++) {
		uint8_t payload[64] = { 0 };

		for (size_t count = 1; count <= 16; count *= 2) {
			request_fds(b, number, 9, payload, 40, fds, count);
			while (answer(b) != ~0ull && answer(b) != 0xdead)
				;
			hang_up(b);
			connect_guest(b);
		}
	}
	CHECK_EQ(open_fds(), before);
	bench_free(b);
}

TEST(memory_tables)
{
	struct bench *b = bench_new();

	features(b);
	CHECK_EQ(mem_table(b, MEM_GUEST, MEM_SIZE, MEM_OFFSET, 1, 1), 0);
	CHECK_EQ(mem_table(b, MEM_GUEST, MEM_SIZE, MEM_OFFSET, 1, 0), 1);
	CHECK_EQ(mem_table(b, MEM_GUEST, MEM_SIZE, MEM_OFFSET, 1, 2), 1);
	CHECK_EQ(mem_table(b, MEM_GUEST, MEM_SIZE, MEM_OFFSET, 2, 2), 1);
	CHECK_EQ(mem_table(b, MEM_GUEST, MEM_SIZE, MEM_OFFSET, 0xffffffff, 1),
		 1);
	CHECK_EQ(mem_table(b, MEM_GUEST, MEM_SIZE + 1, MEM_OFFSET, 1, 1), 1);
	CHECK_EQ(mem_table(b, MEM_GUEST, 0, MEM_OFFSET, 1, 1), 1);
	CHECK_EQ(mem_table(b, MEM_GUEST, ~0ull, MEM_OFFSET, 1, 1), 1);
	CHECK_EQ(mem_table(b, ~0ull - 4, MEM_SIZE, MEM_OFFSET, 1, 1), 1);
	CHECK_EQ(mem_table(b, MEM_GUEST, 16, ~0ull, 1, 1), 1);
	/* Not on a page boundary is unusual, but fine. */
	CHECK_EQ(mem_table(b, MEM_GUEST, 100, MEM_OFFSET + 8, 1, 1), 0);
	bench_free(b);
}

TEST(queue_parameters)
{
	struct bench *b = bench_new();
	int fd = eventfd(0, 0);

	features(b);
	CHECK_EQ(mem_table(b, MEM_GUEST, MEM_SIZE, MEM_OFFSET, 1, 1), 0);
	CHECK_EQ(ask_state(b, 8, 2, 16), 1);
	CHECK_EQ(ask_state(b, 8, 0, 0), 1);
	CHECK_EQ(ask_state(b, 8, 0, 15), 1);
	CHECK_EQ(ask_state(b, 8, 0, 32768), 1);
	CHECK_EQ(ask_state(b, 10, 0, 65536), 1);
	CHECK_EQ(vring_addr(b, 0, MEM_GUEST, MEM_GUEST, MEM_GUEST), 1);
	CHECK_EQ(ask_state(b, 8, 0, 16), 0);
	CHECK_EQ(vring_addr(b, 0, MEM_GUEST + 8, MEM_GUEST, MEM_GUEST), 1);
	CHECK_EQ(vring_addr(b, 0, MEM_GUEST, MEM_GUEST + 1, MEM_GUEST), 1);
	CHECK_EQ(vring_addr(b, 0, MEM_GUEST, MEM_GUEST, MEM_GUEST + 2), 1);
	CHECK_EQ(vring_addr(b, 0, MEM_GUEST + MEM_SIZE - 16, MEM_GUEST,
			    MEM_GUEST), 1);
	CHECK_EQ(vring_addr(b, 0, 0, 0, 0), 1);
	CHECK_EQ(vring_addr(b, 9, MEM_GUEST, MEM_GUEST, MEM_GUEST), 1);
	CHECK_EQ(ask_state(b, 18, 0, 1), 1);
	CHECK_EQ(ask_state(b, 18, 5, 1), 1);
	CHECK_EQ(give_fd(b, 12, 0, -1), 1);
	CHECK_EQ(give_fd(b, 12, 0x100, -1), 1);
	CHECK_EQ(give_fd(b, 12, 7, fd), 1);
	/* A descriptor that cannot be watched. */
	CHECK_EQ(give_fd(b, 12, 0, b->memfd), 1);
	CHECK_EQ(give_fd(b, 13, 0x100, -1), 0);
	CHECK_EQ(give_fd(b, 14, 0, fd), 0);
	CHECK_EQ(ask64(b, 2, 1ull << 28), 1);
	CHECK_EQ(ask64(b, 16, 1ull << 14), 1);
	close(fd);
	bench_free(b);
}

TEST(base_stops_the_queue)
{
	struct bench *b = bench_new();

	plug(b);
	access_header(b, VIRTIO_PCIDEV_OP_CFG_READ, 0, 4, 0);
	CHECK_EQ(do_access(b, 16, 4), 4);
	CHECK_EQ(ask_state(b, 11, 0, 0), 1ull << 32);
	bench_free(b);
}

TEST(malformed_headers_end_the_connection)
{
	static const struct {
		uint32_t number, flags, size;
	} bad[] = {
		{ 1, 0, 0 }, { 1, 2, 0 }, { 1, 3, 0 }, { 5, 1, 513 },
		{ 5, 1, 0xffffffff }, { 77, 1, 0 }, { 9, 1, 8 }, { 2, 1, 0 },
		{ 0, 1, 0 }, { 24, 1, 12 },
	};

	for (unsigned int i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct bench *b = bench_new();
		uint8_t header[12 + 512] = { 0 };

		wire_put32(header, bad[i].number);
		wire_put32(header + 4, bad[i].flags);
		wire_put32(header + 8, bad[i].size);
		CHECK(send(b->sock, header, bad[i].size <= 512 ?
			   12 + bad[i].size : 12, 0) > 0);
		run(b);
		if (!CHECK_EQ(answer(b), 0xdead))
			printf("# row %u\n", i);
		bench_free(b);
	}
}

TEST(messages_may_come_in_pieces)
{
	struct bench *b = bench_new();
	uint8_t bytes[20] = { 2, 0, 0, 0, 9, 0, 0, 0, 8 };

	features(b);
	for (unsigned int i = 0; i < sizeof(bytes); i++) {
		CHECK_EQ(send(b->sock, bytes + i, 1, 0), 1);
		run(b);
	}
	CHECK_EQ(answer(b), 0);
	bench_free(b);
}

TEST(malformed_accesses_are_answered)
{
	static const struct {
		uint8_t op, bar;
		uint32_t size;
		uint64_t addr;
		uint32_t out, in;
	} bad[] = {
		{ 0, 0, 4, 0, 16, 4 }, { 77, 0, 4, 0, 16, 4 },
		{ VIRTIO_PCIDEV_OP_CFG_READ, 0, 0xffffffff, 0, 16, 4 },
		{ VIRTIO_PCIDEV_OP_CFG_WRITE, 0, 4, 4, 16, 0 },
		{ VIRTIO_PCIDEV_OP_CFG_WRITE, 0, 9, 4, 32, 0 },
		{ VIRTIO_PCIDEV_OP_MMIO_WRITE, 0, 4, 0x10, 18, 0 },
		{ VIRTIO_PCIDEV_OP_MMIO_WRITE, 0, 5000, 0x10, 18, 0 },
		{ VIRTIO_PCIDEV_OP_MMIO_MEMSET, 0, 4, 0x10, 16, 0 },
		{ VIRTIO_PCIDEV_OP_CFG_READ, 0, 4, 0, 7, 4 },
	};
	struct bench *b = bench_new();

	plug(b);
	enable(b);
	for (unsigned int i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		uint64_t before = vhost_counters(b->vhost)->malformed;

		access_header(b, bad[i].op, bad[i].bar, bad[i].size,
			      bad[i].addr);
		CHECK_EQ(do_access(b, bad[i].out, bad[i].in), 0);
		if (!CHECK_EQ(vhost_counters(b->vhost)->malformed, before + 1))
			printf("# row %u\n", i);
	}
	/* A read without room for its answer. */
	access_header(b, VIRTIO_PCIDEV_OP_CFG_READ, 0, 4, 0);
	CHECK_EQ(do_access(b, 16, 0), 0);
	access_header(b, VIRTIO_PCIDEV_OP_CFG_READ, 0, 4, 0);
	CHECK_EQ(do_access(b, 16, 2), 2);
	bench_free(b);
}

/* Each of these breaks virtio itself: the guest is disconnected. */
TEST(corrupted_queues_end_the_connection)
{
	for (int kind = 0; kind < 6; kind++) {
		struct bench *b = bench_new();

		plug(b);
		access_header(b, VIRTIO_PCIDEV_OP_CFG_READ, 0, 4, 0);
		desc(b, 0, 0, MEM_GUEST + REQUEST, 16, 1, 1);
		desc(b, 0, 1, MEM_GUEST + ANSWER, 4, 2, 0);
		switch (kind) {
		case 0: /* address outside memory */
			desc(b, 0, 1, MEM_GUEST + MEM_SIZE - 2, 4, 2, 0);
			break;
		case 1: /* endless chain */
			desc(b, 0, 1, MEM_GUEST + ANSWER, 4, 3, 1);
			break;
		case 2: /* next descriptor does not exist */
			desc(b, 0, 0, MEM_GUEST + REQUEST, 16, 1, NUM);
			break;
		case 3: /* indirect */
			desc(b, 0, 0, MEM_GUEST + REQUEST, 16, 4, 0);
			break;
		case 4: /* read after write */
			desc(b, 0, 0, MEM_GUEST + ANSWER, 4, 3, 1);
			desc(b, 0, 1, MEM_GUEST + REQUEST, 16, 0, 0);
			break;
		default: /* more buffers than the queue has */
			b->avail[0] = NUM;
			break;
		}
		make_available(b, 0, 0);
		kick(b, 0);
		if (!CHECK_EQ(answer(b), 0xdead))
			printf("# kind %d\n", kind);
		CHECK_EQ(b->gmem.count, 0);
		bench_free(b);
	}
}

TEST(corrupted_interrupt_queue_is_survived)
{
	struct bench *b = bench_new();

	plug(b);
	enable(b);
	desc(b, 1, 0, 0, 20, 2, 0);
	make_available(b, 1, 0);
	pcidev_msi(&b->pci);
	CHECK_EQ(vhost_counters(b->vhost)->interrupts, 0);
	bench_free(b);
}

TEST(socket_in_use_and_stale_sockets)
{
	struct bench *b = bench_new();
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	char path[100];
	struct vhost *other;
	int fd;

	CHECK(!vhost_new(b->loop, b->path, &b->pci, &b->gmem));
	/* Without a listener the file is stale. */
	snprintf(path, sizeof(path), "%s/stale", b->dir);
	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", path);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	CHECK(!bind(fd, (struct sockaddr *)&addr, sizeof(addr)));
	close(fd);
	other = vhost_new(b->loop, path, &b->pci, &b->gmem);
	CHECK(other != NULL);
	vhost_free(other);
	/* Another kind of file is not ours to remove. */
	fd = open(path, O_CREAT | O_WRONLY, 0600);
	close(fd);
	CHECK(!vhost_new(b->loop, path, &b->pci, &b->gmem));
	CHECK(!access(path, F_OK));
	unlink(path);
	memset(path, 'x', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	CHECK(!vhost_new(b->loop, "/tmp/no/such/directory/s", &b->pci,
			 &b->gmem));
	b->pci.host = NULL;
	bench_free(b);
}

TEST(random_messages_do_no_harm)
{
	uint32_t seed = 12345;

	for (int round = 0; round < 300; round++) {
		struct bench *b = bench_new();

		if (round & 1)
			plug(b);
		for (int i = 0; i < 20; i++) {
			uint8_t payload[48];
			int fd = b->memfd;

			for (unsigned int n = 0; n < sizeof(payload); n++) {
				seed = seed * 1103515245 + 12345;
				payload[n] = seed >> 24 & 1 ? 0 :
					     (uint8_t)(seed >> 16);
			}
			seed = seed * 1103515245 + 12345;
			request_fds(b, (seed >> 16) % 26, 9, payload,
				    (seed >> 8) % 49, &fd, seed >> 30 & 1);
			while (answer(b) != ~0ull) {
				if (answer(b) == 0xdead)
					break;
			}
		}
		bench_free(b);
	}
}
