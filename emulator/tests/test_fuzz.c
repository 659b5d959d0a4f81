// SPDX-License-Identifier: GPL-2.0-only
/*
 * A guest that has lost its mind: good set-ups with random damage. Nothing is
 * expected but that the modem neither crashes nor hangs, and that a sane guest
 * can use it after a reset. Seeds are fixed.
 */
#include "guest.h"

static uint64_t state;

static uint32_t rnd(uint32_t below)
{
	state = state * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)(state >> 33) % below;
}

static uint32_t wild(void)
{
	switch (rnd(6)) {
	case 0:
		return 0;
	case 1:
		return 0xffffffff;
	case 2:
		return rnd(256);
	case 3:
		return (uint32_t)G_BASE + rnd(G_SIZE);
	case 4:
		return (uint32_t)1 << rnd(32);
	default:
		return rnd(0x7fffffff) << 1;
	}
}

static void damage(struct guest *g, uint32_t from, uint32_t len)
{
	g_put(g, (from + rnd(len)) & ~3u, wild());
}

static struct guest *random_guest(void)
{
	static const enum world_kind worlds[] = {
		WORLD_ECHO, WORLD_SINK, WORLD_SOURCE,
	};
	const struct modem_config config = {
		.running_us = 1000,
		.idle_us = rnd(2) * 5000ull,
		.boot_us = rnd(8) ? 0 : 1000,
		.mux = {
			.aggregation = rnd(2),
			.ul_pad = rnd(40),
			.credits = rnd(2) * 4096,
			.response_us = rnd(2) * 1000,
		},
	};

	return g_new_device(&config, worlds[rnd(3)]);
}

/* A sane start for most, so that the damage comes deep enough to hurt. */
static void sane_start(struct guest *g)
{
	g_run(g, 1000);
	g_context(g);
	if (!rnd(8))
		damage(g, G_CONTEXT, 52);
	g_ring(g, 1, 1);
	g_write(g, 0x64, (uint32_t)(G_BASE + G_CONTEXT));
	if (!rnd(16)) {
		g_write(g, 0x6c, wild());
		g_write(g, 0x74, wild());
	}
	g_ring(g, 1, 2);
	g_run(g, 1000);
	for (unsigned int n = 0; n < 14; n++) {
		uint8_t m[24];

		if (rnd(4) == 0)
			continue;
		g->entries[n] = 4 + rnd(60);
		g->dl_size[n] = rnd(3) ? 2048 : 16384;
		g->head[n] = 0;
		g_open_bytes(g, n, g->entries[n], m);
		if (!rnd(10))
			m[rnd(24)] ^= (uint8_t)(1 + rnd(255));
		g_message(g, m);
	}
}

static void random_td(struct guest *g)
{
	unsigned int n = rnd(14);
	uint32_t at;

	if (!g->entries[n])
		return;
	at = G_RING(n) + 16 * g->head[n];
	if (n & 1)
		g_buffer(g, n);
	else
		g_td(g, n, G_BASE + G_BUFFERS(n) + rnd(16) * 2048,
		     rnd(3) ? rnd(3000) : rnd(0xffffff));
	if (!rnd(12))
		damage(g, at, 16);
}

/* Uplink that is almost right. */
static void random_mux(struct guest *g)
{
	static const uint8_t params[8] = { [4] = 16 };
	static uint8_t td[4096];
	uint8_t packet[1500], session = (uint8_t)rnd(8);
	uint32_t len;

	if (!g->entries[0])
		return;
	memset(td, 0, sizeof(td));
	switch (rnd(5)) {
	case 0:
		len = g_command(g, td, session, 1, g->tid++, params, 8);
		break;
	case 1:
		len = g_command(g, td, session, 1 + rnd(9), g->tid++, params,
				rnd(9));
		break;
	default:
		len = 28 + rnd(1400);
		g_packet(packet, session, len);
		len = g_wrap(g, td, session, packet, len);
		break;
	}
	for (uint32_t i = rnd(4); i > 1; i--)
		td[rnd(rnd(2) ? 64 : len)] ^= (uint8_t)(1u << rnd(8));
	if (!rnd(10))
		len = rnd(len + 20);
	g_data(g, 0, td, len);
}

static void random_step(struct guest *g)
{
	uint8_t bytes[24];

	switch (rnd(16)) {
	case 0:
	case 1:
	case 2:
		random_td(g);
		break;
	case 3:
	case 4:
	case 5:
		random_mux(g);
		break;
	case 6:
		g_bell(g, 0, rnd(4) ? rnd(10) : wild());
		break;
	case 7:
		g_bell(g, 2, rnd(4) ? rnd(9) : wild());
		break;
	case 8:
		if (!rnd(20))
			g_bell(g, 1, rnd(4));
		break;
	case 9:
		for (unsigned int i = 0; i < 24; i++)
			bytes[i] = (uint8_t)rnd(rnd(2) ? 5 : 256);
		if (rnd(2))
			bytes[11] = (uint8_t)(1 + rnd(5));
		g_put_message(g, bytes);
		break;
	case 10:
		if (!rnd(4))
			damage(g, G_CONTEXT, 3344);
		break;
	case 11:
		if (!rnd(4))
			damage(g, G_RING(0), 0x70000);
		break;
	case 12:
		pcidev_bar_write(&g->pci, rnd(2) * 2, rnd(256), bytes, 4);
		break;
	case 13:
		if (!rnd(20))
			g_config(g, PCIDEV_CAP_PM + 4, rnd(2) * 3, 2);
		else if (!rnd(20))
			g_config(g, 4, rnd(8), 2);
		break;
	case 14:
		switch (rnd(4)) {
		case 0:
			mux_flow(&g->modem.mux, rnd(8), rnd(2));
			break;
		case 1:
			mux_quality(&g->modem.mux, rnd(8));
			break;
		case 2:
			modem_sleep(&g->modem);
			break;
		default:
			modem_wake(&g->modem);
			break;
		}
		break;
	default:
		g_run(g, rnd(3000));
		break;
	}
}

static void run_seed(uint64_t seed)
{
	struct guest *g;

	state = seed * 7919 + 1;
	g = random_guest();
	critic_set_strict(rnd(2));
	sane_start(g);
	for (int i = 0; i < 400; i++)
		random_step(g);
	g_run(g, 5000);

	/* Whatever happened: after a reset, everything works. */
	g_config(g, PCIDEV_CAP_PM + 4, 0, 2);
	g_config(g, PCIDEV_CAP_PCIE + 8, 0x8000, 2);
	g_enable(g);
	g_run(g, 2000);
	memset(g_at(g, G_CONTEXT), 0, 4096);
	g->cr_head = 0;
	g->tid = 0;
	g->acb = 0;
	g->adb = 0;
	critic_set_strict(true);
	g_violations(g);
	g_up(g);
	g_channel(g, 0, 16, 4096);
	CHECK_EQ(g_session(g, 3), 0);
	CHECK_CLEAN(g);
	g_free(g);
}

TEST(random_guests_do_no_harm)
{
	for (uint64_t seed = 1; seed <= 200; seed++) {
		bool before = check_failed;

		run_seed(seed);
		if (check_failed && !before)
			printf("# seed %llu\n", (unsigned long long)seed);
	}
}

TEST(random_blocks_do_no_harm)
{
	struct guest *g = g_new(true, WORLD_SINK);
	static uint8_t td[16400];
	uint32_t len;

	state = 4711;
	g_channel(g, 0, 60, 16384);
	for (uint8_t s = 0; s < 8; s++)
		CHECK_EQ(g_session(g, s), 0);
	for (int i = 0; i < 10000; i++) {
		uint8_t packet[1500];

		len = 28 + rnd(1000);
		g_packet(packet, (uint8_t)rnd(8), len);
		len = g_wrap(g, td, (uint8_t)rnd(8), packet, len);
		for (uint32_t n = rnd(4); n; n--) {
			uint32_t at = rnd(2) ? rnd(16) :
				      wire_get32(td + 12) + rnd(44);

			if (at < sizeof(td) - 4)
				wire_put32(td + at, wild());
		}
		mux_ul_read(&g->modem.mux.ul, td, rnd(20) ? len : rnd(len));
	}
	g_free(g);
}
