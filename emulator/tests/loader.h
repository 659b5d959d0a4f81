/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A host that flashes: what a driver says to the boot ROM and to loaders.
 */
#ifndef IOSM_EMU_TESTS_LOADER_H
#define IOSM_EMU_TESTS_LOADER_H

#include "guest.h"

#define L_IMAGE		0x180000u
#define L_DL_SIZE	65536u
/* Behind the buffers of pipe 1. */
#define L_UPLINK	0x400000u

/* Let the boot ROM take an image; no time passes. */
static inline void l_inject(struct guest *g, const void *image, uint32_t len)
{
	memcpy(g_at(g, L_IMAGE), image, len);
	g_write(g, 0x54, (uint32_t)(G_BASE + L_IMAGE));
	g_write(g, 0x58, 0);
	g_write(g, 0x5c, len);
	g_ring(g, 0, 0xfeedb007);
}

/* The IPC session with a loader, both pipes open. */
static inline void l_session(struct guest *g)
{
	unsigned int before;

	g_context(g);
	g_start(g);
	before = g->msis;
	g_run(g, 50000);
	CHECK_EQ(g->msis - before, 1);
	CHECK_EQ(g_read(g, 0x60), 2);
	g->dl_size[1] = L_DL_SIZE;
	CHECK_EQ(g_open(g, 0, 6), 1);
	CHECK_EQ(g_open(g, 1, 3), 1);
	g_buffer(g, 1);
	g_buffer(g, 1);
	g_ring(g, 0, 9);
}

/* One uplink TD. */
static inline void l_send(struct guest *g, const void *data, uint32_t len)
{
	memcpy(g_at(g, L_UPLINK), data, len);
	g_td(g, 0, G_BASE + L_UPLINK, len);
	g_ring(g, 0, 6);
	CHECK_EQ(g_get(g, G_TAILS), g->head[0]);
}

/* One downlink TD of this size, or anything else; the buffer goes back. */
static inline bool l_receive(struct guest *g, void *data, int len)
{
	uint8_t *at;
	int got = g_receive(g, 1, &at);

	if (!CHECK_EQ(got, len))
		return false;
	memcpy(data, at, (size_t)len);
	g_ring(g, 0, 7);
	return true;
}

/* Is there nothing to receive? */
static inline bool l_quiet(struct guest *g)
{
	return g->seen[1] == g_get(g, G_TAILS + 4);
}

static inline void l_ack(struct guest *g, uint8_t first, uint8_t second)
{
	uint8_t ack[2] = { 0 };

	l_receive(g, ack, 2);
	CHECK_EQ(ack[0], first);
	CHECK_EQ(ack[1], second);
}

static inline void l_command(struct guest *g, uint16_t command,
			     uint32_t parameter)
{
	uint8_t rpsi[8];

	wire_put32(rpsi, parameter);
	wire_put16(rpsi + 4, command);
	wire_put16(rpsi + 6, (parameter & 0xffff) ^ parameter >> 16 ^ command);
	l_send(g, rpsi, sizeof(rpsi));
}

/* From reset to PSI that said its acknowledgement. */
static inline void l_psi(struct guest *g, uint8_t second)
{
	l_inject(g, "PSI0 and more", 13);
	g_run(g, 5000);
	CHECK_EQ(g_read(g, 0x00), STAGE_PSI);
	CHECK_EQ(g_read(g, 0x60), 0);
	l_session(g);
	l_ack(g, 0, second);
}

static inline void l_packet_header(struct guest *g, uint16_t id,
				   const uint8_t *payload, uint32_t len)
{
	uint32_t sum = id + (len >> 16) + (len & 0xffff);
	uint8_t header[8];

	for (uint32_t i = 0; i < len; i++)
		sum += payload[i];
	wire_put16(header, sum & 0xffff);
	wire_put16(header + 2, id);
	wire_put32(header + 4, len);
	l_send(g, header, sizeof(header));
}

static inline void l_packet(struct guest *g, uint16_t id, const void *payload,
			    uint32_t len)
{
	l_packet_header(g, id, payload, len);
	l_send(g, payload, len);
}

/* A response; returns its id, or 0. */
static inline uint16_t l_response(struct guest *g, uint8_t *payload, int size)
{
	uint8_t header[8];
	uint32_t sum;

	if (!l_receive(g, header, 8) || !l_receive(g, payload, size))
		return 0;
	CHECK_EQ(wire_get32(header + 4), size);
	sum = wire_get16(header + 2) + (uint32_t)size;
	for (int i = 0; i < size; i++)
		sum += payload[i];
	CHECK_EQ(wire_get16(header), sum & 0xffff);
	return wire_get16(header + 2);
}

/* A request that is answered; returns the id of the response. */
static inline uint16_t l_ask(struct guest *g, uint16_t id, const void *payload,
			     uint32_t len, uint8_t *answer)
{
	l_packet(g, id, payload, len);
	return l_response(g, answer, id == 0x86 ? 2048 : 16384);
}

/* From PSI to EBL that was configured. */
static inline void l_ebl(struct guest *g)
{
	uint8_t record[76], answer[16384], length[4];

	l_command(g, 2, 0);
	l_ack(g, 0, 0xaa);
	wire_put32(length, 11);
	l_send(g, length, 4);
	l_ack(g, 0, 0xaa);
	l_send(g, "EBL0 loader", 11);
	l_ack(g, 0, 0xaa);
	l_receive(g, record, 76);
	CHECK_EQ(g_read(g, 0x00), STAGE_EBL);
	CHECK_EQ(g_get(g, G_STATUS), STAGE_EBL);
	record[54] = 0;
	record[55] = 0;
	record[57] = 1;
	record[64] = (uint8_t)(record[64] & ~0x20);
	CHECK_EQ(l_ask(g, 0x86, record, 76, answer), 0x86);
}

static inline struct guest *l_new(struct modem_config *config)
{
	config->running_us = 50000;
	config->coalesce_us = 1000;
	if (!config->stage)
		config->stage = STAGE_BOOT;
	return g_new_device(config, WORLD_SINK);
}

#endif /* IOSM_EMU_TESTS_LOADER_H */
