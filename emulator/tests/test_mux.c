// SPDX-License-Identifier: GPL-2.0-only
/*
 * The MUX in both variants: golden images, sessions, flow control, credits,
 * downlink blocks, and what a driver may not send.
 */
#include "guest.h"

static const uint8_t lite_open[] = {
	0x43, 0x4d, 0x44, 0x48, 0x18, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0,
	0, 0, 0, 0, 0x10, 0, 0, 0,
};

static const uint8_t lite_open_ok[] = {
	0x43, 0x4d, 0x44, 0x48, 0x1c, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0,
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
};

static const uint8_t lite_close[] = {
	0x43, 0x4d, 0x44, 0x48, 0x10, 0, 0, 0, 3, 0, 0, 0, 1, 0, 0, 0,
};

static const uint8_t lite_close_ok[] = {
	0x43, 0x4d, 0x44, 0x48, 0x14, 0, 0, 0, 4, 0, 0, 0, 1, 0, 0, 0,
	0, 0, 0, 0,
};

static const uint8_t aggr_open[] = {
	0x41, 0x43, 0x42, 0x48, 0, 0, 0, 0, 0x10, 0, 0, 0, 0x10, 0, 0, 0,
	0x43, 0x4d, 0x44, 0x48, 0x1c, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0,
	0, 0, 0, 0, 0, 0, 0, 0, 0x10, 0, 0, 0,
};

static const uint8_t aggr_open_ok[] = {
	0x41, 0x43, 0x42, 0x48, 0, 0, 0, 0, 0x30, 0, 0, 0, 0x10, 0, 0, 0,
	0x43, 0x4d, 0x44, 0x48, 0x20, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0,
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
};

static const uint8_t aggr_close[] = {
	0x41, 0x43, 0x42, 0x48, 0, 0, 1, 0, 0x10, 0, 0, 0, 0x10, 0, 0, 0,
	0x43, 0x4d, 0x44, 0x48, 0x14, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0,
	1, 0, 0, 0,
};

static struct guest *mux_guest(bool aggregation, enum world_kind kind,
			       uint32_t credits, uint32_t pad)
{
	const struct modem_config config = {
		.running_us = 1000,
		.mux = {
			.aggregation = aggregation,
			.ul_pad = pad,
			.credits = credits,
			.response_us = 1000,
		},
	};
	struct guest *g = g_new_device(&config, kind);

	g_up(g);
	g_channel(g, 0, aggregation ? 60 : 100, aggregation ? 16384 : 2048);
	CHECK_CLEAN(g);
	return g;
}

/* Take and check one downlink TD. */
static void expect(struct guest *g, const void *bytes, size_t len)
{
	uint8_t *data = NULL;

	if (CHECK_EQ(g_receive(g, 1, &data), len))
		CHECK_MEM(data, bytes, len);
}

TEST(lite_images)
{
	struct guest *g = mux_guest(false, WORLD_SINK, 0, 0);
	static const uint8_t stop[] = {
		0x43, 0x4d, 0x44, 0x48, 0x14, 0, 0, 0, 5, 0, 0, 0, 0x55, 0, 0,
		0, 0xff, 0xff, 0xff, 0xff,
	};
	static const uint8_t ack[] = {
		0x43, 0x4d, 0x44, 0x48, 0x10, 0, 0, 0, 6, 0, 0, 0, 0x55, 0, 0,
		0,
	};

	g_send(g, 0, lite_open, sizeof(lite_open));
	g_run(g, 1000);
	expect(g, lite_open_ok, sizeof(lite_open_ok));
	g->modem.mux.next_tid = 0x55;
	CHECK(mux_flow(&g->modem.mux, 0, true));
	g_run(g, 0);
	expect(g, stop, sizeof(stop));
	g_send(g, 0, ack, sizeof(ack));
	CHECK(g->modem.mux.session[0].stopped);
	g_send(g, 0, lite_close, sizeof(lite_close));
	g_run(g, 1000);
	expect(g, lite_close_ok, sizeof(lite_close_ok));
	CHECK_CLEAN(g);
	g_free(g);
}

TEST(aggregation_images)
{
	struct guest *g = mux_guest(true, WORLD_SINK, 0, 0);

	g_send(g, 0, aggr_open, sizeof(aggr_open));
	g_run(g, 1000);
	expect(g, aggr_open_ok, sizeof(aggr_open_ok));
	g_send(g, 0, aggr_close, sizeof(aggr_close));
	g_run(g, 1000);
	CHECK_EQ(g->modem.mux.counters.closes, 1);
	CHECK_CLEAN(g);
	g_free(g);
}

TEST(aggregated_uplink_image)
{
	struct guest *g = mux_guest(true, WORLD_SINK, 0, 0);
	static const uint8_t adb_head[] = {
		0x41, 0x44, 0x42, 0x48, 0, 0, 0, 0, 0x64, 0, 0, 0, 0x38, 0, 0,
		0,
	}, tables[] = {
		0x41, 0x44, 0x54, 0x48, 0x18, 0, 0, 0, 0x50, 0, 0, 0, 0, 0, 0,
		0, 0x10, 0, 0, 0, 0x28, 0, 0, 0, 0x51, 0x4c, 0x54, 0x48, 0x14,
		0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	};
	uint8_t td[0x64];
	struct world_counters c;

	CHECK_EQ(g_session(g, 0), 0);
	memcpy(td, adb_head, 16);
	g_packet(td + 16, 0, 40);
	memcpy(td + 0x38, tables, sizeof(tables));
	g_send(g, 0, td, sizeof(td));
	world_counters(g->world, 0, &c);
	CHECK_EQ(c.ul_packets, 1);
	CHECK_EQ(c.ul_bytes, 40);
	CHECK_EQ(g->modem.mux.ul.levels, 1);
	CHECK_CLEAN(g);
	g_free(g);
}

TEST(aggregated_downlink_image)
{
	struct guest *g = mux_guest(true, WORLD_SINK, 0, 16);
	static const uint8_t head[] = {
		0x41, 0x44, 0x42, 0x48, 0, 0, 0, 0, 0x60, 0, 0, 0, 0x48, 0, 0,
		0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	}, table[] = {
		0x41, 0x44, 0x54, 0x48, 0x18, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
		0x10, 0, 0, 0, 0x38, 0, 0, 0,
	};
	uint8_t packet[40], *data = NULL;

	CHECK_EQ(g_session(g, 0), 0);
	g_packet(packet, 0, 40);
	CHECK(mux_deliver(&g->modem.mux, 0, packet, 40));
	g_run(g, 0);
	REQUIRE(g_receive(g, 1, &data) == 0x60);
	CHECK_MEM(data, head, sizeof(head));
	CHECK_MEM(data + 32, packet, 40);
	CHECK_MEM(data + 0x48, table, sizeof(table));
	g_free(g);
}

TEST(lite_downlink_image)
{
	struct guest *g = mux_guest(false, WORLD_SINK, 0, 0);
	static const uint8_t head[] = {
		0x41, 0x44, 0x47, 0x48, 0x38, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	};
	uint8_t packet[40], *data = NULL;

	CHECK_EQ(g_session(g, 3), 0);
	g_packet(packet, 3, 40);
	CHECK(mux_deliver(&g->modem.mux, 3, packet, 40));
	g_run(g, 0);
	REQUIRE(g_receive(g, 1, &data) == 56);
	CHECK_MEM(data, head, 16);
	CHECK_MEM(data + 16, packet, 40);
	g_free(g);
}

TEST(credit_image)
{
	struct guest *g = mux_guest(false, WORLD_SINK, 65536, 0);
	static const uint8_t fcth[] = {
		0x46, 0x43, 0x54, 0x48, 0x14, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0,
		0, 0, 1, 0,
	};
	uint8_t *data = NULL;

	CHECK_EQ(g_session(g, 0), 0);
	/* Not before the process that opened the session may have run. */
	g_run(g, 5000);
	CHECK_EQ(g_receive(g, 1, &data), -1);
	g_run(g, 5000);
	expect(g, fcth, sizeof(fcth));
	CHECK_CLEAN(g);
	g_free(g);
}

TEST(response_takes_its_time)
{
	struct guest *g = mux_guest(true, WORLD_SINK, 0, 16);
	static const uint8_t params[8] = { [4] = 16 };
	uint8_t td[64], *data = NULL;
	int len;

	g_send(g, 0, td, g_command(g, td, 0, 1, 0, params, 8));
	g_run(g, 999);
	CHECK_EQ(g_receive(g, 1, &data), -1);
	g_run(g, 1);
	len = g_receive(g, 1, &data);
	CHECK_EQ(len, 48);
	CHECK_EQ(wire_get32(data + 44), 16);
	CHECK_CLEAN(g);
	g_free(g);
}

TEST(any_set_of_sessions_echoes)
{
	static const uint8_t sets[] = { 0x01, 0x80, 0x24, 0xff, 0x09 };

	for (int variant = 0; variant < 2; variant++) {
		for (unsigned int i = 0; i < sizeof(sets); i++) {
			struct guest *g = mux_guest(variant, WORLD_ECHO, 0,
						    variant ? 16 : 0);
			uint8_t packet[100], td[2048], *data;

			for (uint8_t s = 0; s < 8; s++) {
				if (!(sets[i] & 1 << s))
					continue;
				CHECK_EQ(g_session(g, s), 0);
			}
			for (uint8_t s = 0; s < 8; s++) {
				int at = variant ? 32 : 16;

				if (!(sets[i] & 1 << s))
					continue;
				g_packet(packet, s, 100);
				g_send(g, 0, td, g_wrap(g, td, s, packet, 100));
				g_run(g, 0);
				CHECK(g_receive(g, 1, &data) > at);
				CHECK_EQ(data[at + 15], 1);
				CHECK_EQ(data[at + 19], 2);
				CHECK_EQ(data[at + 14], s);
				CHECK_MEM(data + at + 28, packet + 28, 72);
			}
			CHECK_CLEAN(g);
			g_free(g);
		}
	}
}

TEST(padding_follows_the_formula)
{
	static const struct {
		bool aggregation;
		uint32_t asked, pad;
	} rows[] = {
		{ true, 0, 0 }, { true, 4, 4 }, { true, 16, 16 },
		{ true, 17, 1 }, { true, 20, 4 }, { true, 32, 16 },
		{ false, 0, 0 }, { false, 16, 0 }, { false, 20, 4 },
	};

	for (unsigned int i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct guest *g = mux_guest(rows[i].aggregation, WORLD_SINK, 0,
					    rows[i].asked);
		uint8_t packet[64], td[2048];
		struct world_counters c;

		CHECK_EQ(g->modem.mux.ul.pad, rows[i].pad);
		CHECK_EQ(g_session(g, 0), 0);
		g_packet(packet, 0, 64);
		g_send(g, 0, td, g_wrap(g, td, 0, packet, 64));
		world_counters(g->world, 0, &c);
		CHECK_EQ(c.ul_bytes, 64);
		CHECK_CLEAN(g);
		g_free(g);
	}
}

TEST(packets_that_arrive_together_share_a_block)
{
	struct guest *g = mux_guest(true, WORLD_SINK, 0, 16);
	uint8_t packet[200], *data = NULL;
	unsigned int before;

	CHECK_EQ(g_session(g, 0), 0);
	CHECK_EQ(g_session(g, 5), 0);
	before = g->msis;
	for (int i = 0; i < 10; i++) {
		uint8_t s = i % 2 ? 5 : 0;

		g_packet(packet, s, 200);
		CHECK(mux_deliver(&g->modem.mux, s, packet, 200));
	}
	g_run(g, 0);
	CHECK_EQ(g->msis - before, 1);
	CHECK_EQ(g_receive(g, 1, &data), 16 + 10 * 216 + 2 * (16 + 5 * 8));
	CHECK_EQ(wire_get32(data + 12), 16 + 10 * 216);
	CHECK_EQ(g_receive(g, 1, &data), -1);
	g_free(g);
}

TEST(blocks_end_before_their_buffer)
{
	for (uint32_t size = 256; size <= 16384; size = size * 3 / 2) {
		const struct modem_config config = {
			.mux = { .aggregation = true, .ul_pad = 16 },
		};
		struct guest *g = g_new_device(&config, WORLD_SINK);
		uint8_t packet[150], *data;
		int len, total = 0;

		g_up(g);
		g_channel(g, 0, 60, size);
		for (uint8_t s = 0; s < 8; s++)
			CHECK_EQ(g_session(g, s), 0);
		for (unsigned int i = 0; i < 40; i++) {
			g_packet(packet, i % 8, 150);
			CHECK(mux_deliver(&g->modem.mux, i % 8, packet, 150));
		}
		g_run(g, 0);
		while ((len = g_receive(g, 1, &data)) >= 0) {
			CHECK(len <= (int)size);
			CHECK_EQ(wire_get32(data + 8), len);
			for (uint32_t at = wire_get32(data + 12); at;
			     at = wire_get32(data + at + 8))
				total += (wire_get16(data + at + 4) - 16) / 8;
		}
		CHECK_EQ(total, 40);
		g_free(g);
	}
}

TEST(packet_too_large_for_a_buffer_is_dropped)
{
	struct guest *g = mux_guest(true, WORLD_SINK, 0, 16);
	static uint8_t packet[16400];

	CHECK_EQ(g_session(g, 0), 0);
	CHECK(mux_deliver(&g->modem.mux, 0, packet, 16400));
	CHECK_EQ(g->modem.mux.counters.dl_dropped, 1);
	/* 16 + 16 + 8 for block and table, 16 of padding. */
	CHECK(mux_deliver(&g->modem.mux, 0, packet, 16384 - 56));
	CHECK_EQ(g->modem.mux.counters.dl_dropped, 1);
	g_run(g, 0);
	CHECK_CLEAN(g);
	g_free(g);
}

TEST(without_buffers_the_world_waits)
{
	for (int variant = 0; variant < 2; variant++) {
		struct guest *g = g_new(variant, WORLD_ECHO);
		uint8_t packet[1400], td[4096], *data;
		unsigned int echoed = 0;
		int len;

		g->dl_size[1] = variant ? 16384 : 2048;
		CHECK_EQ(g_open(g, 0, 30), 1);
		CHECK_EQ(g_open(g, 1, 3), 1);
		g_buffer(g, 1);
		g_buffer(g, 1);
		g_ring(g, 0, 8);
		CHECK_EQ(g_session(g, 0), 0);
		g_packet(packet, 0, 1400);
		for (int i = 0; i < 29; i++)
			g_data(g, 0, td, g_wrap(g, td, 0, packet, 1400));
		g_ring(g, 0, 3);
		for (int i = 0; i < 40; i++) {
			while ((len = g_receive(g, 1, &data)) >= 0) {
				if (!variant) {
					echoed++;
					continue;
				}
				echoed += (wire_get16(data + wire_get32(data +
						      12) + 4) - 16u) / 8;
			}
			g_run(g, 1000);
		}
		CHECK_EQ(echoed, 29);
		CHECK_CLEAN(g);
		g_free(g);
	}
}

TEST(uplink_ring_wraps_in_both_variants)
{
	for (int variant = 0; variant < 2; variant++) {
		struct guest *g = mux_guest(variant, WORLD_SINK, 0, 16);
		uint8_t packet[300], td[2048];
		struct world_counters c;

		CHECK_EQ(g_session(g, 2), 0);
		for (int i = 0; i < 333; i++) {
			g_packet(packet, 2, 60 + (uint32_t)i % 240);
			g_send(g, 0, td, g_wrap(g, td, 2, packet,
						60 + (uint32_t)i % 240));
		}
		world_counters(g->world, 2, &c);
		CHECK_EQ(c.ul_packets, 333);
		CHECK_CLEAN(g);
		g_free(g);
	}
}

TEST(flow_control_is_acknowledged)
{
	static const uint32_t stop_code[] = { 5, 5 }, resume_code[] = { 5, 6 };
	static const uint32_t ack_code[] = { 6, 7 };

	for (int variant = 0; variant < 2; variant++) {
		struct guest *g = mux_guest(variant, WORLD_SINK, 0, 0);
		uint8_t packet[64], td[2048], *data = NULL;
		int at = variant ? 28 : 8;

		CHECK_EQ(g_session(g, 3), 0);
		CHECK(mux_flow(&g->modem.mux, 3, true));
		g_run(g, 0);
		REQUIRE(g_receive(g, 1, &data) > 0);
		CHECK_EQ(wire_get32(data + at), stop_code[variant]);
		CHECK_EQ(wire_get32(data + at + 8), 0xffffffff);
		/* Data is fine until the host acknowledged. */
		g_packet(packet, 3, 64);
		g_send(g, 0, td, g_wrap(g, td, 3, packet, 64));
		g_send(g, 0, td, g_command(g, td, 3, ack_code[variant],
					   wire_get32(data + at + 4), "", 0));
		CHECK_CLEAN(g);
		g_send(g, 0, td, g_wrap(g, td, 3, packet, 64));
		CHECK_VIOLATION(g, "5.8");

		CHECK(mux_flow(&g->modem.mux, 3, false));
		g_run(g, 0);
		REQUIRE(g_receive(g, 1, &data) > 0);
		CHECK_EQ(wire_get32(data + at), resume_code[variant]);
		CHECK_EQ(wire_get32(data + at + 8), 0);
		g_send(g, 0, td, g_command(g, td, 3, ack_code[variant],
					   wire_get32(data + at + 4), "", 0));
		g_send(g, 0, td, g_wrap(g, td, 3, packet, 64));
		CHECK_CLEAN(g);
		CHECK_EQ(g->modem.mux.counters.acks, 2);
		g_free(g);
	}
}

TEST(link_quality_is_answered)
{
	static const uint32_t report[] = { 7, 8 }, answer[] = { 8, 9 };

	for (int variant = 0; variant < 2; variant++) {
		struct guest *g = mux_guest(variant, WORLD_SINK, 0, 0);
		uint8_t td[64], *data = NULL;
		int at = variant ? 28 : 8;

		CHECK_EQ(g_session(g, 0), 0);
		CHECK(mux_quality(&g->modem.mux, 0));
		g_run(g, 0);
		REQUIRE(g_receive(g, 1, &data) > 0);
		CHECK_EQ(wire_get32(data + at), report[variant]);
		g_send(g, 0, td, g_command(g, td, 0, answer[variant],
					   wire_get32(data + at + 4),
					   "\0\0\0\0", 4));
		CHECK_CLEAN(g);
		/* A second time is one too many. */
		g_send(g, 0, td, g_command(g, td, 0, answer[variant],
					   wire_get32(data + at + 4),
					   "\0\0\0\0", 4));
		CHECK_VIOLATION(g, "5.6.4");
		g_free(g);
	}
}

TEST(late_answers_are_counted)
{
	struct guest *g = mux_guest(true, WORLD_SINK, 0, 0);

	CHECK_EQ(g_session(g, 0), 0);
	CHECK(mux_quality(&g->modem.mux, 0));
	g_run(g, 500000);
	CHECK(mux_quality(&g->modem.mux, 0));
	g_run(g, 499999);
	CHECK_EQ(g->modem.mux.counters.acks_late, 0);
	g_run(g, 1);
	CHECK_EQ(g->modem.mux.counters.acks_late, 1);
	g_run(g, 500000);
	CHECK_EQ(g->modem.mux.counters.acks_late, 2);
	CHECK_CLEAN(g);
	g_free(g);
}

TEST(credits_are_topped_up_and_not_exceeded)
{
	struct guest *g = mux_guest(false, WORLD_SINK, 8192, 0);
	uint8_t packet[1024], td[2048], *data = NULL;

	CHECK_EQ(g_session(g, 0), 0);
	g_run(g, 10000);
	REQUIRE(g_receive(g, 1, &data) == 20);
	CHECK_EQ(wire_get32(data + 16), 8192);
	g_packet(packet, 0, 1024);
	for (int i = 0; i < 20; i++) {
		g_send(g, 0, td, g_wrap(g, td, 0, packet, 1024));
		if (i % 2 == 0)
			continue;
		REQUIRE(g_receive(g, 1, &data) == 20);
		CHECK_EQ(wire_get32(data + 16), 2048);
	}
	CHECK_CLEAN(g);
	g->modem.mux.session[0].credits = 1000;
	g_send(g, 0, td, g_wrap(g, td, 0, packet, 1024));
	CHECK_VIOLATION(g, "5.8");
	g_free(g);
}

TEST(aggregation_gets_credits_too)
{
	struct guest *g = mux_guest(true, WORLD_SINK, 4096, 0);
	uint8_t packet[1024], td[2048], *data = NULL;

	CHECK_EQ(g_session(g, 0), 0);
	g_run(g, 10000);
	CHECK_EQ(g_receive(g, 1, &data), 20);
	g_packet(packet, 0, 1024);
	g_send(g, 0, td, g_wrap(g, td, 0, packet, 1024));
	CHECK_EQ(g_receive(g, 1, &data), 20);
	CHECK_CLEAN(g);
	g_free(g);
}

TEST(session_rules)
{
	struct guest *g = mux_guest(true, WORLD_SINK, 0, 0);
	static const uint8_t params[8] = { [4] = 16 };
	uint8_t packet[64], td[2048], *data = NULL;
	int len;

	g_packet(packet, 1, 64);
	g_send(g, 0, td, g_wrap(g, td, 1, packet, 64));
	/* Its datagram and its queue level. */
	CHECK_EQ(g_violations(g), 2);
	CHECK_STR(violation_section(), "5.6.7");

	g_send(g, 0, td, g_command(g, td, 1, 1, g->tid++, params, 8));
	g_send(g, 0, td, g_wrap(g, td, 1, packet, 64));
	CHECK_VIOLATION(g, "5.6.7");
	g_run(g, 1000);
	CHECK_EQ(g_receive(g, 1, &data), 48);
	g_send(g, 0, td, g_wrap(g, td, 1, packet, 64));
	CHECK_CLEAN(g);

	g_send(g, 0, td, g_command(g, td, 1, 1, g->tid++, params, 8));
	CHECK_VIOLATION(g, "5.6.7");
	g_run(g, 1000);
	len = g_receive(g, 1, &data);
	CHECK_EQ(wire_get32(data + len - 12), 1);

	g_send(g, 0, td, g_command(g, td, 4, 3, g->tid++, "", 0));
	CHECK_VIOLATION(g, "5.6.7");
	g_send(g, 0, td, g_command(g, td, 1, 3, g->tid++, "", 0));
	CHECK_CLEAN(g);
	g_send(g, 0, td, g_wrap(g, td, 1, packet, 64));
	CHECK_EQ(g_violations(g), 2);
	g_free(g);
}

TEST(channel_is_not_closed_under_sessions)
{
	struct guest *g = mux_guest(true, WORLD_SINK, 0, 0);

	CHECK_EQ(g_session(g, 0), 0);
	CHECK_EQ(g_close(g, 0), 1);
	CHECK_VIOLATION(g, "5.6.7");
	CHECK_EQ(g_close(g, 1), 1);
	CHECK_CLEAN(g);
	CHECK_EQ(mux_open_sessions(&g->modem.mux), 0);
	g_free(g);
}

TEST(counters_go_on_over_a_reopened_channel)
{
	struct guest *g = mux_guest(true, WORLD_SINK, 0, 0);
	uint8_t packet[64], td[2048];

	CHECK_EQ(g_session(g, 0), 0);
	g_packet(packet, 0, 64);
	g_send(g, 0, td, g_wrap(g, td, 0, packet, 64));
	g_send(g, 0, td, g_command(g, td, 0, 3, g->tid++, "", 0));
	g_run(g, 1000);
	CHECK_EQ(g_close(g, 0), 1);
	CHECK_EQ(g_close(g, 1), 1);
	/* Two blocks were lost on the way. */
	g->adb += 2;
	g_channel(g, 0, 60, 16384);
	CHECK_EQ(g_session(g, 0), 0);
	g_send(g, 0, td, g_wrap(g, td, 0, packet, 64));
	CHECK_CLEAN(g);
	g->adb += 2;
	g_send(g, 0, td, g_wrap(g, td, 0, packet, 64));
	CHECK_VIOLATION(g, "5.2");
	g_free(g);
}

TEST(transaction_ids_count)
{
	struct guest *g = mux_guest(false, WORLD_SINK, 0, 0);

	CHECK_EQ(g_session(g, 0), 0);
	g->tid = 1;
	CHECK_EQ(g_session(g, 1), 0);
	CHECK_CLEAN(g);
	g->tid = 1;
	CHECK_EQ(g_session(g, 2), 0);
	CHECK_VIOLATION(g, "5.2");
	g->tid = 5;
	CHECK_EQ(g_session(g, 3), 0);
	CHECK_VIOLATION(g, "5.2");
	g_free(g);
}

/* A good block with one change, and what is said about it. */
static const struct {
	const char *section;
	unsigned int at;
	uint8_t value;
} block_defects[] = {
	{ "5.1", 0, 'X' },		/* signature */
	{ "5.5.1", 4, 1 },		/* reserved */
	{ "5.2", 6, 9 },		/* sequence */
	{ "5.5.3", 8, 0x60 },		/* length: cuts the QLTH */
	{ "5.5.1", 9, 0x01 },
	{ "5.5.1", 12, 0x39 },		/* first table */
	{ "5.5.1", 13, 0x10 },
	{ "5.5.2", 0x38, 'X' },		/* ADTH */
	{ "5.5.2", 0x3c, 0x1c },
	{ "5.5.2", 0x3c, 0x10 },
	{ "5.5.2", 0x3d, 0x10 },
	{ "5.5.2", 0x3e, 8 },
	{ "5.5.2", 0x3f, 1 },		/* hint */
	{ "5.5.2", 0x40, 0x38 },	/* next */
	{ "5.5.1", 0x41, 0x70 },
	{ "5.5.2", 0x44, 1 },		/* reserved */
	{ "5.5.2", 0x49, 0x40 },	/* entry */
	{ "5.5.2", 0x4d, 0x40 },
	{ "5.5.2", 0x4c, 0x27 },
	{ "5.5.2", 0x4f, 1 },
	{ "5.5.3", 0x54, 0x18 },	/* QLTH */
	{ "5.5.3", 0x56, 9 },
	{ "5.5.3", 0x57, 1 },
	{ "5.5.3", 0x5c, 1 },
	{ "5.5.2", 0x10, 0x15 },	/* no IP */
	{ "5.5.2", 0x13, 0x29 },	/* IP length */
};

TEST(block_fields_are_checked)
{
	for (unsigned int i = 0;
	     i < sizeof(block_defects) / sizeof(*block_defects); i++) {
		struct guest *g = mux_guest(true, WORLD_SINK, 0, 0);
		uint8_t packet[40], td[2048];
		uint32_t len;

		CHECK_EQ(g_session(g, 0), 0);
		g_packet(packet, 0, 40);
		len = g_wrap(g, td, 0, packet, 40);
		CHECK_EQ(len, 0x64);
		td[block_defects[i].at] = block_defects[i].value;
		g_send(g, 0, td, len);
		if (!CHECK(g_violations(g) > 0))
			printf("# row %u\n", i);
		if (!CHECK_STR(violation_section(), block_defects[i].section))
			printf("# row %u: %s\n", i, violation_section());
		g_free(g);
	}
}

TEST(block_gaps_and_padding_are_zero)
{
	struct guest *g = mux_guest(true, WORLD_SINK, 0, 16);
	uint8_t packet[41], td[2048];
	uint32_t len;

	CHECK_EQ(g_session(g, 0), 0);
	g_packet(packet, 0, 41);
	len = g_wrap(g, td, 0, packet, 41);
	g_send(g, 0, td, len);
	CHECK_CLEAN(g);
	len = g_wrap(g, td, 0, packet, 41);
	td[16 + 16 + 41] = 7;
	g_send(g, 0, td, len);
	CHECK_VIOLATION(g, "5.5.4");
	len = g_wrap(g, td, 0, packet, 41);
	td[20] = 7;
	g_send(g, 0, td, len);
	CHECK_VIOLATION(g, "5.5.2");
	critic_set_strict(false);
	len = g_wrap(g, td, 0, packet, 41);
	td[20] = 7;
	g_send(g, 0, td, len);
	CHECK_CLEAN(g);
	g_free(g);
}

TEST(block_gap_between_datagrams)
{
	struct guest *g = mux_guest(true, WORLD_SINK, 0, 0);
	uint8_t packet[40], td[2048];
	uint32_t len;

	CHECK_EQ(g_session(g, 0), 0);
	g_packet(packet, 0, 40);
	/* Move the packet up by 8 bytes and leave a gap before it. */
	len = g_wrap(g, td, 0, packet, 40) + 8;
	memmove(td + 0x18, td + 0x10, len - 0x18);
	memset(td + 0x10, 0, 8);
	wire_put32(td + 8, len);
	wire_put32(td + 12, 0x40);
	wire_put32(td + 0x48, 0x58);
	wire_put32(td + 0x50, 0x18);
	g_send(g, 0, td, len);
	CHECK_CLEAN(g);
	wire_put16(td + 6, g->adb++);
	td[0x14] = 0xaa;
	g_send(g, 0, td, len);
	CHECK_VIOLATION(g, "5.5.4");
	g_free(g);
}

TEST(block_without_a_table)
{
	struct guest *g = mux_guest(true, WORLD_SINK, 0, 0);
	uint8_t td[16] = "ADBH";

	CHECK_EQ(g_session(g, 0), 0);
	wire_put32(td + 8, 16);
	g_send(g, 0, td, 16);
	CHECK_VIOLATION(g, "5.5.4");
	critic_set_strict(false);
	wire_put16(td + 6, 1);
	g_send(g, 0, td, 16);
	CHECK_CLEAN(g);
	g_free(g);
}

TEST(overlapping_datagrams)
{
	struct guest *g = mux_guest(true, WORLD_SINK, 0, 0);
	uint8_t packet[40], td[2048];
	uint32_t len;

	CHECK_EQ(g_session(g, 0), 0);
	g_packet(packet, 0, 40);
	len = g_wrap(g, td, 0, packet, 40);
	/* A second entry for the same bytes; the QLTH makes room. */
	wire_put16(td + 0x3c, 32);
	wire_put32(td + 0x40, 0);
	memcpy(td + 0x50, td + 0x48, 8);
	memset(td + 0x58, 0, len - 0x58);
	g_send(g, 0, td, len);
	CHECK_VIOLATION(g, "5.5.4");
	g_free(g);
}

static const struct {
	const char *section;
	unsigned int at;
	uint8_t value;
	int grow;
} adgh_defects[] = {
	{ "5.1", 0, 'X', 0 }, { "5.4", 4, 0x30, 0 }, { "5.4", 4, 0x3c, 0 },
	{ "5.4", 5, 1, 0 }, { "5.4", 4, 0x0f, 0 }, { "5.4", 6, 8, 0 },
	{ "5.4", 7, 1, 0 }, { "5.4", 10, 1, 0 }, { "5.4", 15, 1, 0 },
	{ "5.4", 16, 0x55, 0 }, { "5.4", 8, 0, 4 }, { "5.1", 8, 0, -53 },
	{ "5.4", 8, 0, -41 },
};

TEST(adgh_fields_are_checked)
{
	for (unsigned int i = 0;
	     i < sizeof(adgh_defects) / sizeof(*adgh_defects); i++) {
		struct guest *g = mux_guest(false, WORLD_SINK, 0, 0);
		uint8_t packet[40], td[2048];
		uint32_t len;

		memset(td, 0, sizeof(td));
		CHECK_EQ(g_session(g, 0), 0);
		g_packet(packet, 0, 40);
		len = g_wrap(g, td, 0, packet, 40);
		td[adgh_defects[i].at] = adgh_defects[i].value;
		g_send(g, 0, td, (uint32_t)((int)len + adgh_defects[i].grow));
		if (!CHECK(g_violations(g) > 0) ||
		    !CHECK_STR(violation_section(), adgh_defects[i].section))
			printf("# row %u: %s\n", i, violation_section());
		g_free(g);
	}
}

TEST(lite_queue_level)
{
	struct guest *g = mux_guest(false, WORLD_SINK, 0, 0);
	uint8_t td[20] = {
		0x51, 0x4c, 0x54, 0x48, 0x14, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0,
		3, 0, 0, 0,
	};

	CHECK_EQ(g_session(g, 0), 0);
	g_send(g, 0, td, 20);
	CHECK_EQ(g->modem.mux.session[0].level, 3);
	CHECK_CLEAN(g);
	td[9] = 1;
	g_send(g, 0, td, 20);
	CHECK_VIOLATION(g, "5.8");
	td[9] = 0;
	td[7] = 2;
	g_send(g, 0, td, 20);
	CHECK_VIOLATION(g, "5.8");
	g_free(g);
}

TEST(objects_of_the_other_variant)
{
	struct guest *g = mux_guest(false, WORLD_SINK, 0, 0);

	g_send(g, 0, aggr_open, sizeof(aggr_open));
	CHECK_VIOLATION(g, "5.6.4");
	g_send(g, 0, "ADBH............", 16);
	CHECK_VIOLATION(g, "5.1");
	g_free(g);

	g = mux_guest(true, WORLD_SINK, 0, 0);
	g_send(g, 0, lite_open, sizeof(lite_open));
	CHECK_VIOLATION(g, "5.6.4");
	g_send(g, 0, "ADGH............", 16);
	CHECK_VIOLATION(g, "5.1");
	g_send(g, 0, "QLTH................", 20);
	CHECK_VIOLATION(g, "5.1");
	g_free(g);
}

static const struct {
	const char *section;
	unsigned int at;
	uint8_t value;
} command_defects[] = {
	{ "5.6.2", 4, 1 }, { "5.2", 6, 7 }, { "5.6.2", 8, 20 },
	{ "5.6.2", 12, 20 }, { "5.6.2", 13, 1 }, { "5.6.2", 16, 'X' },
	{ "5.6", 20, 0x40 }, { "5.6", 20, 0x10 }, { "5.6", 22, 8 },
	{ "5.6", 23, 1 }, { "5.6.2", 24, 16 }, { "5.6.3", 28, 2 },
	{ "5.6.3", 28, 99 }, { "5.2", 32, 5 }, { "5.6.4", 36, 1 },
	{ "5.6.4", 38, 1 }, { "5.6.4", 40, 15 },
};

TEST(command_fields_are_checked)
{
	for (unsigned int i = 0;
	     i < sizeof(command_defects) / sizeof(*command_defects); i++) {
		struct guest *g = mux_guest(true, WORLD_SINK, 0, 0);
		uint8_t td[44];

		memcpy(td, aggr_open, sizeof(td));
		td[command_defects[i].at] = command_defects[i].value;
		g_send(g, 0, td, sizeof(td));
		if (!CHECK(g_violations(g) > 0) ||
		    !CHECK_STR(violation_section(), command_defects[i].section))
			printf("# row %u: %s\n", i, violation_section());
		g_free(g);
	}
}

TEST(full_command_block_length_is_fine)
{
	struct guest *g = mux_guest(true, WORLD_SINK, 0, 0);
	uint8_t td[44];

	memcpy(td, aggr_open, sizeof(td));
	td[8] = 44;
	g_send(g, 0, td, sizeof(td));
	CHECK_CLEAN(g);
	g_free(g);
}

TEST(answers_to_nothing)
{
	struct guest *g = mux_guest(true, WORLD_SINK, 0, 0);
	uint8_t td[64], *data = NULL;

	CHECK_EQ(g_session(g, 0), 0);
	g_send(g, 0, td, g_command(g, td, 0, 7, 1, "", 0));
	CHECK_VIOLATION(g, "5.6.4");
	CHECK(mux_flow(&g->modem.mux, 0, true));
	g_run(g, 0);
	REQUIRE(g_receive(g, 1, &data) > 0);
	/* Another session, then another id. */
	g_send(g, 0, td, g_command(g, td, 1, 7, wire_get32(data + 32), "", 0));
	CHECK_VIOLATION(g, "5.6.4");
	CHECK(mux_flow(&g->modem.mux, 0, true));
	g_run(g, 0);
	REQUIRE(g_receive(g, 1, &data) > 0);
	g_send(g, 0, td, g_command(g, td, 0, 7, 999, "", 0));
	CHECK_VIOLATION(g, "5.6.4");
	g_free(g);
}

TEST(source_fills_the_ring_without_end)
{
	struct guest *g = mux_guest(true, WORLD_SOURCE, 0, 16);
	uint8_t *data;
	unsigned int blocks = 0;

	CHECK_EQ(g_session(g, 0), 0);
	for (int i = 0; i < 200; i++) {
		while (g_receive(g, 1, &data) >= 0)
			blocks++;
		g_ring(g, 0, 5);
		g_run(g, 1000);
	}
	CHECK(blocks > 200);
	g_free(g);
}

TEST(service_class)
{
	for (int aggregation = 0; aggregation < 2; aggregation++) {
		struct guest *g = g_new(aggregation, WORLD_SINK);
		uint8_t packet[64], td[256], *data;
		uint32_t len;
		int size;

		g_channel(g, 0, 60, 16384);
		CHECK_EQ(g_session(g, 0), 0);
		g_packet(packet, 0, 64);
		len = g_wrap(g, td, 0, packet, 64);
		/* Byte 6 of the entry, the last before the queue level. */
		td[aggregation ? len - 20 - 2 : 8] = 6;
		g_send(g, 0, td, len);
		CHECK_EQ(g->modem.mux.ul_class[0][6], 1);
		CHECK_EQ(g->modem.mux.ul_class[0][0], 0);
		g->modem.mux.dl_class = 5;
		CHECK(mux_deliver(&g->modem.mux, 0, packet, 64));
		g_run(g, 1000);
		size = g_receive(g, 1, &data);
		REQUIRE(size > 64);
		CHECK_EQ(data[aggregation ? size - 2 : 8], 5);
		CHECK_CLEAN(g);
		g_free(g);
	}
}
