/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A guest in memory: the host's side of the rings, without vhost-user. It does
 * what a driver does, and lets a test do it wrong. Time is virtual.
 */
#ifndef IOSM_EMU_TESTS_GUEST_H
#define IOSM_EMU_TESTS_GUEST_H

#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "critic.h"
#include "gmem.h"
#include "log.h"
#include "loop.h"
#include "modem.h"
#include "pcidev.h"
#include "world.h"

#define G_BASE		0x100000ull
#define G_SIZE		(24u << 20)
#define G_CONTEXT	0x1000u
#define G_STATUS	(G_CONTEXT + 56)
#define G_CR_HEAD	(G_CONTEXT + 68)
#define G_HEADS		(G_CONTEXT + 72)
#define G_CR_TAIL	(G_CONTEXT + 168)
#define G_TAILS		(G_CONTEXT + 172)
#define G_CR		(G_CONTEXT + 272)
#define G_CR_ENTRIES	128
#define G_RING(n)	(0x10000u + (n) * 0x8000u)
#define G_BUFFERS(n)	(0x200000u + (n) * 0xc0000u)
#define G_DL_SIZE	16384u

struct guest {
	struct loop *loop;
	uint8_t *mem;
	struct gmem gmem;
	struct pcidev pci;
	struct world *world;
	struct modem modem;
	unsigned int msis, pmes;
	uint32_t cr_head, cr_seen;
	uint32_t head[WIRE_PIPES], seen[WIRE_PIPES], entries[WIRE_PIPES];
	uint32_t dl_size[WIRE_PIPES];
	uint16_t acb, adb;
	uint32_t tid;
	unsigned long violations;
};

static inline void g_msi(void *ctx, uint16_t data)
{
	struct guest *g = ctx;

	CHECK_EQ(data, 0x1234);
	g->msis++;
}

static inline void g_pme(void *ctx)
{
	struct guest *g = ctx;

	g->pmes++;
}

static const struct pcidev_host_ops g_host_ops = { .msi = g_msi, .pme = g_pme };

static inline uint8_t *g_at(struct guest *g, uint32_t offset)
{
	return g->mem + offset;
}

static inline uint32_t g_get(struct guest *g, uint32_t offset)
{
	return wire_get32(g->mem + offset);
}

static inline void g_put(struct guest *g, uint32_t offset, uint32_t value)
{
	wire_put32(g->mem + offset, value);
}

/* Let the modem work for so many microseconds. */
static inline void g_run(struct guest *g, uint64_t us)
{
	loop_poll(g->loop);
	loop_advance(g->loop, us);
}

static inline uint32_t g_read(struct guest *g, uint32_t reg)
{
	uint8_t data[4];

	pcidev_bar_read(&g->pci, 2, reg, data, 4);
	return wire_get32(data);
}

static inline void g_write(struct guest *g, uint32_t reg, uint32_t value)
{
	uint8_t data[4];

	wire_put32(data, value);
	pcidev_bar_write(&g->pci, 2, reg, data, 4);
}

/* Ring and do not let the modem work yet. */
static inline void g_bell(struct guest *g, unsigned int n, uint32_t value)
{
	uint8_t data[4];

	wire_put32(data, value);
	pcidev_bar_write(&g->pci, 0, 0x10 + 0x20 * n, data, 4);
}

static inline void g_ring(struct guest *g, unsigned int n, uint32_t value)
{
	g_bell(g, n, value);
	g_run(g, 0);
}

static inline void g_config(struct guest *g, unsigned int offset, uint32_t v,
			    uint32_t size)
{
	uint8_t data[4];

	wire_put32(data, v);
	pcidev_config_write(&g->pci, offset, data, size);
}

/* What a PCI core and a driver write into configuration space. */
static inline void g_enable(struct guest *g)
{
	g_config(g, 0x10, 0xf0000000, 4);
	g_config(g, 0x18, 0xf0001000, 4);
	g_config(g, 0x04, 0x0006, 2);
	g_config(g, PCIDEV_CAP_MSI + 4, 0xa0000, 4);
	g_config(g, PCIDEV_CAP_MSI + 12, 0x1234, 2);
	g_config(g, PCIDEV_CAP_MSI + 2, 1, 2);
}

static inline struct guest *g_new_device(const struct modem_config *config,
					 enum world_kind kind)
{
	const struct world_config world = {
		.kind = kind, .size = 1500, .rate = 0,
	};
	struct guest *g = calloc(1, sizeof(*g));

	g->loop = loop_new();
	loop_virtual_time(g->loop);
	g->mem = calloc(1, G_SIZE);
	gmem_add_ptr(&g->gmem, g->mem, G_BASE, G_SIZE);
	pcidev_init(&g->pci, 0x7560, &g->gmem);
	g->pci.host = &g_host_ops;
	g->pci.host_ctx = g;
	g->world = world_new(g->loop, &world);
	CHECK(modem_init(&g->modem, g->loop, &g->pci, g->world, config));
	critic_set_strict(true);
	g->violations = violation_count();
	g_enable(g);
	return g;
}

static inline void g_free(struct guest *g)
{
	modem_exit(&g->modem);
	world_free(g->world);
	gmem_clear(&g->gmem);
	loop_free(g->loop);
	free(g->mem);
	free(g);
}

/* Violations since the last question. */
static inline unsigned long g_violations(struct guest *g)
{
	unsigned long now = violation_count(), count = now - g->violations;

	g->violations = now;
	return count;
}

/* Exactly one violation, of this section. */
#define CHECK_VIOLATION(g, section)					\
	do {								\
		CHECK_EQ(g_violations(g), 1);				\
		CHECK_STR(violation_section(), section);		\
	} while (0)
/* At least one, and the last one is of this section. */
#define CHECK_VIOLATIONS(g, section)					\
	do {								\
		CHECK(g_violations(g) > 0);				\
		CHECK_STR(violation_section(), section);		\
	} while (0)
#define CHECK_CLEAN(g)	CHECK_EQ(g_violations(g), 0)

static inline void g_context(struct guest *g)
{
	uint8_t *c = g_at(g, G_CONTEXT);

	wire_put64(c, G_BASE + G_STATUS);
	wire_put64(c + 8, G_BASE + G_HEADS);
	wire_put64(c + 16, G_BASE + G_TAILS);
	wire_put64(c + 24, G_BASE + G_CR_HEAD);
	wire_put64(c + 32, G_BASE + G_CR_TAIL);
	wire_put64(c + 40, G_BASE + G_CR);
	wire_put16(c + 48, G_CR_ENTRIES);
	c[50] = 0;
	c[51] = 0;
}

/* Registers and doorbells up to DB1=2; no time passes. */
static inline void g_start(struct guest *g)
{
	g_ring(g, 1, 1);
	CHECK_EQ(g_read(g, 0x60), 1);
	g_write(g, 0x6c, 0);
	g_write(g, 0x70, 0);
	g_write(g, 0x74, 0);
	g_write(g, 0x78, 0);
	g_write(g, 0x64, G_BASE + G_CONTEXT);
	g_write(g, 0x68, 0);
	g_ring(g, 1, 2);
}

/* Put a message into the control ring; no doorbell. */
static inline uint32_t g_put_message(struct guest *g, const uint8_t *message)
{
	uint32_t at = G_CR + g->cr_head * 24;

	memcpy(g_at(g, at), message, 24);
	g->cr_head = (g->cr_head + 1) % G_CR_ENTRIES;
	g_put(g, G_CR_HEAD, g->cr_head);
	return at;
}

/* Send a message; returns its completion status. */
static inline uint32_t g_message(struct guest *g, const uint8_t *message)
{
	uint32_t at = g_put_message(g, message);

	g_ring(g, 0, 0);
	return g_get(g, at + 20);
}

static inline uint32_t g_sleep_message(struct guest *g, uint8_t target,
				       uint8_t state)
{
	uint8_t m[24] = { [8] = target, [9] = state, [11] = 4 };

	return g_message(g, m);
}

static inline uint32_t g_features(struct guest *g, uint8_t flags)
{
	uint8_t m[24] = { [10] = flags, [11] = 0xf0 };

	return g_message(g, m);
}

/* All the way to a session in which pipes can be opened. */
static inline void g_up(struct guest *g)
{
	g_context(g);
	g_start(g);
	g_run(g, 50000);
	CHECK_EQ(g_read(g, 0x60), 2);
	CHECK_EQ(g_sleep_message(g, 1, 0), 1);
	CHECK_EQ(g_features(g, 0x80), 1);
}

static inline struct guest *g_new(bool aggregation, enum world_kind kind)
{
	const struct modem_config config = {
		.running_us = 50000,
		.coalesce_us = 1000,
		.mux = {
			.aggregation = aggregation,
			.ul_pad = aggregation ? 16 : 0,
			.response_us = 1000,
		},
	};
	struct guest *g = g_new_device(&config, kind);

	g_up(g);
	CHECK_CLEAN(g);
	return g;
}

static inline void g_open_bytes(struct guest *g, unsigned int n, uint32_t count,
				uint8_t *m)
{
	memset(m, 0, 24);
	wire_put64(m, G_BASE + G_RING(n));
	wire_put16(m + 8, count);
	m[10] = (uint8_t)n;
	m[11] = 1;
	wire_put32(m + 16, n < 2 ? 1000 : 0);
	(void)g;
}

static inline uint32_t g_open(struct guest *g, unsigned int n, uint32_t count)
{
	uint8_t m[24];

	g_open_bytes(g, n, count, m);
	g->entries[n] = count;
	g->head[n] = 0;
	g->seen[n] = 0;
	memset(g_at(g, G_RING(n)), 0, 16 * (size_t)count);
	g_put(g, G_HEADS + 4 * n, 0);
	g_put(g, G_TAILS + 4 * n, 0);
	return g_message(g, m);
}

static inline uint32_t g_close(struct guest *g, unsigned int n)
{
	uint8_t m[24] = { [10] = (uint8_t)n, [11] = 2 };
	uint32_t result = g_message(g, m);

	g_put(g, G_HEADS + 4 * n, 0);
	g_put(g, G_TAILS + 4 * n, 0);
	return result;
}

/* Write a TD at the head and move the head; no doorbell. */
static inline void g_td(struct guest *g, unsigned int n, uint64_t addr,
			uint32_t size)
{
	uint8_t *td = g_at(g, G_RING(n) + 16 * g->head[n]);

	memset(td, 0, 16);
	wire_put64(td, addr);
	wire_put32(td + 8, size);
	g->head[n] = (g->head[n] + 1) % g->entries[n];
	g_put(g, G_HEADS + 4 * n, g->head[n]);
}

/* Post one empty buffer; its place belongs to the slot. */
static inline void g_buffer(struct guest *g, unsigned int n)
{
	g_td(g, n, G_BASE + G_BUFFERS(n) + g->head[n] * g->dl_size[n],
	     g->dl_size[n]);
}

/* Open both pipes of a channel and post all buffers. */
static inline void g_channel(struct guest *g, unsigned int ul, uint32_t depth,
			     uint32_t dl_size)
{
	g->dl_size[ul + 1] = dl_size;
	CHECK_EQ(g_open(g, ul, depth), 1);
	CHECK_EQ(g_open(g, ul + 1, depth), 1);
	for (uint32_t i = 0; i + 1 < depth; i++)
		g_buffer(g, ul + 1);
	g_ring(g, 0, ul ? 9 : 8);
}

/* Write uplink data into the slot's buffer and post it; no doorbell. */
static inline void g_data(struct guest *g, unsigned int n, const void *data,
			  uint32_t len)
{
	uint32_t at = G_BUFFERS(n) + g->head[n] * G_DL_SIZE;

	memcpy(g_at(g, at), data, len);
	g_td(g, n, G_BASE + at, len);
}

static inline void g_send(struct guest *g, unsigned int n, const void *data,
			  uint32_t len)
{
	g_data(g, n, data, len);
	g_ring(g, 0, n ? 6 : 3);
}

/*
 * The next completed downlink TD: its data and size; -1 if there is none. The
 * buffer is posted again, without a doorbell.
 */
static inline int g_receive(struct guest *g, unsigned int n, uint8_t **data)
{
	uint32_t tail = g_get(g, G_TAILS + 4 * n), at;
	int size;

	if (g->seen[n] == tail)
		return -1;
	at = G_RING(n) + 16 * g->seen[n];
	CHECK_EQ(g->mem[at + 11], 2);
	size = (int)wire_get24(g_at(g, at + 8));
	*data = g_at(g, G_BUFFERS(n) + g->seen[n] * g->dl_size[n]);
	g->seen[n] = (g->seen[n] + 1) % g->entries[n];
	g_buffer(g, n);
	return size;
}

/* A command in the format of the variant; returns its size. */
static inline uint32_t g_command(struct guest *g, uint8_t *td, uint8_t session,
				 uint32_t code, uint32_t tid, const void *params,
				 uint32_t len)
{
	bool aggregation = g->modem.config.mux.aggregation;
	uint8_t *at = td;

	memset(td, 0, 64);
	if (aggregation) {
		wire_put32(at, SIG_ACBH);
		wire_put16(at + 6, g->acb++);
		wire_put32(at + 8, 16);
		wire_put32(at + 12, 16);
		at += 16;
		wire_put32(at + 12, code);
		wire_put32(at + 16, tid);
		memcpy(at + 20, params, len);
		len += 20;
	} else {
		wire_put32(at + 8, code);
		wire_put32(at + 12, tid);
		memcpy(at + 16, params, len);
		len += 16;
	}
	wire_put32(at, SIG_CMDH);
	wire_put16(at + 4, len);
	at[6] = session;
	return (uint32_t)(at - td) + len;
}

/* Send open session and take the answer; returns its result. */
static inline uint32_t g_session(struct guest *g, uint8_t session)
{
	static const uint8_t params[8] = { [4] = 16 };
	uint8_t td[64], *answer;
	int len;

	g_send(g, 0, td, g_command(g, td, session, 1, g->tid++, params, 8));
	g_run(g, 2000);
	len = g_receive(g, 1, &answer);
	if (!CHECK(len >= 28))
		return 0xffff;
	return wire_get32(answer + len - 12);
}

/* A minimal IPv4/UDP packet of @len bytes from the session's host. */
static inline void g_packet(uint8_t *packet, uint8_t session, uint32_t len)
{
	uint32_t sum = 0;

	memset(packet, 0, len);
	packet[0] = 0x45;
	packet[2] = (uint8_t)(len >> 8);
	packet[3] = (uint8_t)len;
	packet[8] = 64;
	packet[9] = 17;
	memcpy(packet + 12, (uint8_t[]){ 10, 64, session, 2 }, 4);
	memcpy(packet + 16, (uint8_t[]){ 10, 64, session, 1 }, 4);
	for (int i = 0; i < 20; i += 2)
		sum += (uint32_t)packet[i] << 8 | packet[i + 1];
	sum = (sum & 0xffff) + (sum >> 16);
	sum = ~((sum & 0xffff) + (sum >> 16));
	packet[10] = (uint8_t)(sum >> 8);
	packet[11] = (uint8_t)sum;
	if (len >= 28) {
		packet[20] = 0x10;
		packet[22] = 0x20;
		packet[24] = (uint8_t)((len - 20) >> 8);
		packet[25] = (uint8_t)(len - 20);
	}
	for (uint32_t i = 28; i < len; i++)
		packet[i] = (uint8_t)(i * 7 + session);
}

/* One packet as the variant wants it; returns the size of the TD. */
static inline uint32_t g_wrap(struct guest *g, uint8_t *td, uint8_t session,
			      const uint8_t *packet, uint32_t len)
{
	uint32_t pad = g->modem.mux.ul.pad, end;

	if (!g->modem.config.mux.aggregation) {
		memset(td, 0, 16 + pad);
		wire_put32(td, SIG_ADGH);
		wire_put16(td + 4, 16 + pad + len);
		td[6] = session;
		memcpy(td + 16 + pad, packet, len);
		return 16 + pad + len;
	}
	end = (16 + pad + len + 3) & ~3u;
	memset(td, 0, end + 44);
	wire_put32(td, SIG_ADBH);
	wire_put16(td + 6, g->adb++);
	wire_put32(td + 8, end + 44);
	wire_put32(td + 12, end);
	memcpy(td + 16 + pad, packet, len);
	wire_put32(td + end, SIG_ADTH);
	wire_put16(td + end + 4, 24);
	td[end + 6] = session;
	wire_put32(td + end + 8, end + 24);
	wire_put32(td + end + 16, 16);
	wire_put16(td + end + 20, pad + len);
	wire_put32(td + end + 24, SIG_QLTH);
	wire_put16(td + end + 28, 20);
	td[end + 30] = session;
	return end + 44;
}

#endif /* IOSM_EMU_TESTS_GUEST_H */
