// SPDX-License-Identifier: GPL-2.0-only
/*
 * The modem as a driver meets it: handshake, messages, pipes, ports, reset.
 */
#include "guest.h"

TEST(handshake_reaches_running)
{
	const struct modem_config config = { .running_us = 50000 };
	struct guest *g = g_new_device(&config, WORLD_SINK);

	CHECK_EQ(g_read(g, 0x00), STAGE_RUN);
	CHECK_EQ(g_read(g, 0x60), 0);
	CHECK_EQ(g_read(g, 0xf0), 0x100);
	CHECK_EQ(g_read(g, 0xf4), 0);
	g_context(g);
	g_start(g);
	CHECK_EQ(g_read(g, 0x60), 2);
	CHECK_EQ(g_get(g, G_STATUS), STAGE_RUN);
	CHECK_EQ(g_get(g, G_STATUS + 4), 2);
	CHECK_EQ(g_get(g, G_STATUS + 8), 0);
	/* The word behind the status block is the control head. */
	CHECK_EQ(g_get(g, G_CR_HEAD), 0);
	g_run(g, 49000);
	CHECK_EQ(g->msis, 0);
	g_run(g, 1000);
	CHECK_EQ(g->msis, 1);
	CHECK_CLEAN(g);
	g_free(g);
}

TEST(capabilities_follow_the_options)
{
	const struct modem_config aggr = {
		.mux = { .aggregation = true, .credits = 65536 },
	};
	struct guest *g = g_new_device(&aggr, WORLD_SINK);

	CHECK_EQ(g_read(g, 0xf4), 0x200300);
	CHECK_CLEAN(g);
	g_free(g);
}

TEST(chip_record_is_60_bytes)
{
	const struct modem_config config = { .running_us = 0 };
	struct guest *g = g_new_device(&config, WORLD_SINK);
	uint8_t record[60];

	pcidev_bar_read(&g->pci, 2, 4, record, 1);
	CHECK_EQ(record[0], 1);
	pcidev_bar_read(&g->pci, 2, 5, record, 1);
	CHECK_EQ(record[0], 58);
	pcidev_bar_read(&g->pci, 2, 4, record, 60);
	CHECK_EQ(record[1], 58);
	CHECK_CLEAN(g);
	g_free(g);
}

TEST(boot_stage_ends_by_itself)
{
	const struct modem_config config = { .boot_us = 300000 };
	struct guest *g = g_new_device(&config, WORLD_SINK);

	CHECK_EQ(g_read(g, 0), STAGE_BOOT);
	g_run(g, 299999);
	CHECK_EQ(g_read(g, 0), STAGE_BOOT);
	CHECK_CLEAN(g);
	g_ring(g, 1, 1);
	CHECK_VIOLATION(g, "2.5");
	CHECK_EQ(g_read(g, 0x60), 0);
	g_run(g, 1);
	CHECK_EQ(g_read(g, 0), STAGE_RUN);
	g_ring(g, 1, 1);
	CHECK_EQ(g_read(g, 0x60), 1);
	CHECK_CLEAN(g);
	g_free(g);
}

TEST(messages_complete_in_order_with_one_interrupt)
{
	struct guest *g = g_new(true, WORLD_SINK);
	uint8_t open0[24], open1[24];
	unsigned int before = g->msis;
	uint32_t a, b;

	g_open_bytes(g, 2, 4, open0);
	g_open_bytes(g, 3, 4, open1);
	a = g_put_message(g, open0);
	g_bell(g, 0, 0);
	b = g_put_message(g, open1);
	g_bell(g, 0, 0);
	g_run(g, 0);
	CHECK_EQ(g_get(g, a + 20), 1);
	CHECK_EQ(g_get(g, b + 20), 1);
	CHECK_EQ(g_get(g, G_CR_TAIL), 4);
	CHECK_EQ(g->msis - before, 1);
	CHECK_CLEAN(g);
	g_free(g);
}

TEST(control_ring_wraps)
{
	struct guest *g = g_new(true, WORLD_SINK);

	for (int i = 0; i < 200; i++) {
		CHECK_EQ(g_open(g, 2, 4), 1);
		CHECK_EQ(g_open(g, 3, 4), 1);
		CHECK_EQ(g_close(g, 2), 1);
		CHECK_EQ(g_close(g, 3), 1);
	}
	CHECK_EQ(g_get(g, G_CR_TAIL), (2 + 800) % 128);
	CHECK_CLEAN(g);
	g_free(g);
}

TEST(second_session_goes_on_where_the_ring_stood)
{
	struct guest *g = g_new(true, WORLD_SINK);

	g_ring(g, 1, 0);
	CHECK_EQ(g_read(g, 0x60), 0);
	/* The same block, with its indices as they are. */
	g_up(g);
	CHECK_EQ(g_get(g, G_CR_TAIL), 4);
	CHECK_CLEAN(g);
	g_free(g);
}

TEST(nothing_is_written_after_uninit)
{
	struct guest *g = g_new(true, WORLD_ECHO);
	uint8_t *copy = malloc(G_SIZE);

	g_channel(g, 0, 8, G_DL_SIZE);
	CHECK_EQ(g_session(g, 0), 0);
	g_channel(g, 4, 4, 2048);
	g_data(g, 4, "AT\r", 3);
	g_ring(g, 1, 0);
	memcpy(copy, g->mem, G_SIZE);
	g->msis = 0;
	g_run(g, 1000000);
	CHECK(!memcmp(copy, g->mem, G_SIZE));
	CHECK_EQ(g->msis, 0);
	CHECK_EQ(g_read(g, 0x60), 0);
	free(copy);
	g_free(g);
}

TEST(port_echoes_at_any_depth)
{
	for (uint32_t depth = 2; depth < 20; depth++) {
		struct guest *g = g_new(true, WORLD_SINK);
		uint8_t text[64], *answer;

		g_channel(g, 2, depth, 4096);
		for (unsigned int i = 0; i < 100; i++) {
			memset(text, (int)i, sizeof(text));
			g_send(g, 2, text, 4 + i % 60);
			CHECK_EQ(g_receive(g, 3, &answer), 4 + i % 60);
			CHECK_MEM(answer, text, 4 + i % 60);
			g_ring(g, 0, 7);
		}
		CHECK_EQ(g_get(g, G_TAILS + 8), 100 % depth);
		CHECK_CLEAN(g);
		g_free(g);
	}
}

TEST(at_port_answers)
{
	struct guest *g = g_new(true, WORLD_SINK);
	uint8_t *answer, all[256];
	int len, total = 0;

	g_channel(g, 4, 4, 2048);
	g_send(g, 4, "AT\r", 3);
	while ((len = g_receive(g, 5, &answer)) >= 0) {
		memcpy(all + total, answer, (size_t)len);
		total += len;
	}
	all[total] = '\0';
	CHECK(strstr((char *)all, "OK"));
	CHECK_CLEAN(g);
	g_free(g);
}

TEST(stream_is_split_over_small_buffers)
{
	struct guest *g = g_new(true, WORLD_SINK);
	uint8_t *answer;
	int len, count = 0;

	g_channel(g, 4, 16, 8);
	g_send(g, 4, "AT+CGMM\r", 8);
	while ((len = g_receive(g, 5, &answer)) >= 0) {
		CHECK(len <= 8);
		count++;
	}
	CHECK(count > 1);
	CHECK_CLEAN(g);
	g_free(g);
}

TEST(message_too_large_for_its_buffer_is_dropped)
{
	struct guest *g = g_new(true, WORLD_SINK);
	uint8_t text[100] = { 0 }, *answer;

	g_channel(g, 2, 4, 64);
	g_send(g, 2, text, 100);
	CHECK_EQ(g_receive(g, 3, &answer), -1);
	g_send(g, 2, text, 64);
	CHECK_EQ(g_receive(g, 3, &answer), 64);
	g_free(g);
}

TEST(starving_port_is_served_when_buffers_come)
{
	struct guest *g = g_new(true, WORLD_SINK);
	uint8_t text[8] = { 1 }, *answer;

	g->dl_size[3] = 64;
	CHECK_EQ(g_open(g, 2, 4), 1);
	CHECK_EQ(g_open(g, 3, 4), 1);
	g_send(g, 2, text, 8);
	CHECK_EQ(g_get(g, G_TAILS + 12), 0);
	/* Without a doorbell, found by the poll. */
	g_buffer(g, 3);
	g_run(g, 1000);
	CHECK_EQ(g_get(g, G_TAILS + 12), 1);
	CHECK_EQ(g_receive(g, 3, &answer), 8);
	CHECK_CLEAN(g);
	g_free(g);
}

TEST(loopback_channel_returns_units)
{
	struct guest *g = g_new(true, WORLD_SINK);
	uint8_t *answer;

	g_channel(g, 10, 11, 64);
	g_send(g, 10, "hello", 5);
	CHECK_EQ(g_receive(g, 11, &answer), 5);
	CHECK_MEM(answer, "hello", 5);
	CHECK_CLEAN(g);
	g_free(g);
}

TEST(channels_without_a_function_swallow)
{
	struct guest *g = g_new(true, WORLD_SINK);

	g_channel(g, 6, 8, 64);
	g_send(g, 6, "trace", 5);
	g_channel(g, 14, 8, 64);
	g_send(g, 14, "other", 5);
	CHECK_EQ(g_get(g, G_TAILS + 4 * 6), 1);
	CHECK_EQ(g_get(g, G_TAILS + 4 * 14), 1);
	CHECK_CLEAN(g);
	g_free(g);
}

static struct {
	const uint8_t *data[64];
	size_t len[64];
	unsigned int held, seen, flushes;
} kept;

static void keep(void *ctx, unsigned int pipe, const uint8_t *data, size_t len)
{
	(void)ctx;
	(void)pipe;
	kept.data[kept.held] = data;
	kept.len[kept.held] = len;
	kept.held++;
}

static void check_kept(void *ctx)
{
	(void)ctx;
	kept.flushes++;
	for (unsigned int i = 0; i < kept.held; i++, kept.seen++) {
		bool same = true;

		CHECK_EQ(kept.len[i], kept.seen * 400 + 1);
		for (size_t k = 0; k < kept.len[i]; k++)
			same &= kept.data[i][k] == (uint8_t)kept.seen;
		CHECK(same);
	}
	kept.held = 0;
}

/* Also when they are more than what is looked at together. */
TEST(uplink_data_stays_until_the_flush)
{
	struct guest *g = g_new(true, WORLD_SINK);
	struct ring_ops ops = *g->modem.rings.ops;
	static uint8_t data[16384];

	g_channel(g, 14, 48, 64);
	memset(&kept, 0, sizeof(kept));
	ops.uplink = keep;
	ops.flush = check_kept;
	g->modem.rings.ops = &ops;
	for (unsigned int i = 0; i < 40; i++) {
		memset(data, (int)i, sizeof(data));
		g_data(g, 14, data, i * 400 + 1);
	}
	g_ring(g, 0, 6);
	CHECK_EQ(kept.seen, 40);
	CHECK_EQ(kept.held, 0);
	CHECK(kept.flushes > 1);
	g_free(g);
}

TEST(uplink_interrupts_are_as_far_apart_as_the_backoff)
{
	struct guest *g = g_new(false, WORLD_SINK);
	uint8_t packet[64], td[2048];
	unsigned int before;

	g_channel(g, 0, 64, 2048);
	CHECK_EQ(g_session(g, 0), 0);
	g_run(g, 5000);
	before = g->msis;
	g_packet(packet, 0, 64);
	g_send(g, 0, td, g_wrap(g, td, 0, packet, 64));
	/* The first one after a pause is told at once. */
	CHECK_EQ(g_get(g, G_TAILS), 2);
	CHECK_EQ(g->msis, before + 1);
	g_run(g, 300);
	g_send(g, 0, td, g_wrap(g, td, 0, packet, 64));
	g_send(g, 0, td, g_wrap(g, td, 0, packet, 64));
	CHECK_EQ(g_get(g, G_TAILS), 4);
	CHECK_EQ(g->msis, before + 1);
	g_run(g, 699);
	CHECK_EQ(g->msis, before + 1);
	g_run(g, 1);
	CHECK_EQ(g->msis, before + 2);
	/* A quarter of the ring does not wait. */
	for (int i = 0; i < 16; i++)
		g_data(g, 0, td, g_wrap(g, td, 0, packet, 64));
	g_ring(g, 0, 3);
	CHECK_EQ(g->msis, before + 3);
	g_run(g, 5000);
	CHECK_EQ(g->msis, before + 3);
	CHECK_CLEAN(g);
	g_free(g);
}

TEST(downlink_interrupts_are_as_far_apart_as_the_backoff)
{
	struct guest *g = g_new(false, WORLD_SINK);
	unsigned int before;
	uint8_t packet[64];

	g_channel(g, 0, 64, 2048);
	CHECK_EQ(g_session(g, 0), 0);
	g_run(g, 5000);
	before = g->msis;
	g_packet(packet, 0, 64);
	/* The first one after a pause is told at once. */
	CHECK(mux_deliver(&g->modem.mux, 0, packet, 64));
	g_run(g, 0);
	CHECK_EQ(g->msis, before + 1);
	g_run(g, 300);
	CHECK(mux_deliver(&g->modem.mux, 0, packet, 64));
	g_run(g, 0);
	CHECK(mux_deliver(&g->modem.mux, 0, packet, 64));
	g_run(g, 699);
	CHECK_EQ(g->msis, before + 1);
	g_run(g, 1);
	CHECK_EQ(g->msis, before + 2);
	/* A quarter of the ring does not wait, not even for the end of the turn. */
	for (int i = 0; i < 15; i++)
		CHECK(mux_deliver(&g->modem.mux, 0, packet, 64));
	CHECK_EQ(g->msis, before + 2);
	CHECK(mux_deliver(&g->modem.mux, 0, packet, 64));
	CHECK_EQ(g->msis, before + 3);
	g_run(g, 5000);
	CHECK_EQ(g->msis, before + 3);
	CHECK_CLEAN(g);
	g_free(g);
}

TEST(held_pipe_is_left_alone)
{
	struct guest *g = g_new(true, WORLD_SINK);
	uint8_t *answer;

	g_channel(g, 2, 4, 64);
	modem_hold(&g->modem, 2, true);
	g_send(g, 2, "x", 1);
	g_run(g, 10000000);
	CHECK_EQ(g_get(g, G_TAILS + 8), 0);
	modem_hold(&g->modem, 2, false);
	g_run(g, 0);
	CHECK_EQ(g_get(g, G_TAILS + 8), 1);
	CHECK_EQ(g_receive(g, 3, &answer), 1);
	CHECK_CLEAN(g);
	g_free(g);
}

TEST(function_reset_ends_everything)
{
	struct guest *g = g_new(true, WORLD_SINK);

	g_channel(g, 2, 4, 64);
	g_config(g, PCIDEV_CAP_PCIE + 8, 0x8000, 2);
	g_run(g, 0);
	CHECK_EQ(g->pci.flr, 1);
	g_enable(g);
	CHECK_EQ(g_read(g, 0x60), 0);
	CHECK_EQ(g_read(g, 0x00), STAGE_RUN);
	memset(g_at(g, G_CONTEXT), 0, 4096);
	g->cr_head = 0;
	g_up(g);
	g_channel(g, 2, 4, 64);
	CHECK_CLEAN(g);
	g_free(g);
}

TEST(no_interrupt_when_the_guest_does_not_want_one)
{
	struct guest *g = g_new(true, WORLD_SINK);
	uint64_t lost = g->pci.msi_lost;
	unsigned int before = g->msis;

	g_config(g, PCIDEV_CAP_MSI + 2, 0, 2);
	CHECK_EQ(g_open(g, 2, 4), 1);
	CHECK_EQ(g->msis, before);
	CHECK_EQ(g->pci.msi_lost, lost + 1);
	g_free(g);
}
