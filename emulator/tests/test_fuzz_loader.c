// SPDX-License-Identifier: GPL-2.0-only
/*
 * A host that flashes and has lost its mind: steps in any order, with random
 * damage. Nothing is expected but that the modem neither crashes nor hangs, and
 * that a sane host can flash it after a reset. Seeds are fixed.
 */
#include "loader.h"

static uint64_t state;

static uint32_t rnd(uint32_t below)
{
	state = state * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)(state >> 33) % below;
}

static uint32_t wild(void)
{
	switch (rnd(5)) {
	case 0:
		return 0;
	case 1:
		return 0xffffffff;
	case 2:
		return rnd(256);
	case 3:
		return (uint32_t)1 << rnd(32);
	default:
		return rnd(0x7fffffff) << 1;
	}
}

/* One uplink TD, sometimes with a bit or a size that is not right. */
static void say(struct guest *g, const void *data, uint32_t len)
{
	uint8_t *answer;

	if (g->entries[0] != 6)
		return;
	memcpy(g_at(g, L_UPLINK), data, len);
	if (!rnd(8) && len)
		*g_at(g, L_UPLINK + rnd(len)) ^= (uint8_t)(1u << rnd(8));
	g_td(g, 0, G_BASE + L_UPLINK, rnd(12) ? len : rnd(2 * len + 2));
	g_ring(g, 0, 6);
	while (rnd(3) && g->entries[1] == 3 && g_receive(g, 1, &answer) >= 0)
		g_ring(g, 0, 7);
}

static void command(struct guest *g)
{
	static const uint16_t ids[] = { 2, 0x10, 0x10, 0x11, 0x11, 0x12 };
	uint16_t id = ids[rnd(6)];
	uint32_t parameter = id == 2 ? 0 : id == 0x11 ? rnd(7) : 0x1000;
	uint8_t rpsi[8];

	if (!rnd(8))
		parameter = wild();
	wire_put32(rpsi, parameter);
	wire_put16(rpsi + 4, id);
	wire_put16(rpsi + 6, (parameter & 0xffff) ^ parameter >> 16 ^ id);
	say(g, rpsi, sizeof(rpsi));
}

static void load(struct guest *g)
{
	uint8_t length[4] = { 8 };

	say(g, "\0\0\0\0\2\0\2\0", 8);
	say(g, length, 4);
	say(g, "EBL0EBL0", 8);
}

static void packet(struct guest *g)
{
	static const uint16_t ids[] = {
		0x86, 0x204, 0x205, 0x802, 0x805, 0x806, 0x80c, 0x80e, 0x80f,
	};
	static const uint32_t sizes[] = { 76, 500, 2, 4, 8, 2, 16, 4, 4 };
	uint32_t n = rnd(9), len = sizes[n], sum = ids[n] + len;
	uint8_t payload[500] = { 0 }, header[8];

	if (rnd(2))
		wire_put32(payload, n == 8 ? rnd(3000) : wild());
	if (n == 4)
		wire_put32(payload + 4, rnd(2) ? wild() : rnd(9999));
	if (n == 6)
		memcpy(payload, rnd(2) ? "\3\0\0\0\10\0\0\0\xff\xff\xff\xff" :
				"\2\0\0\0\20\0\0\0\0\0\0\0", 12);
	for (uint32_t i = 0; i < len; i++)
		sum += payload[i];
	wire_put16(header, sum & 0xffff);
	wire_put16(header + 2, ids[n]);
	wire_put32(header + 4, len);
	say(g, header, 8);
	say(g, payload, len);
}

static void begin_session(struct guest *g)
{
	uint8_t m[24];

	g_ring(g, 1, rnd(2));
	g_ring(g, 1, 1);
	memset(g_at(g, G_CONTEXT), 0, G_RING(0) - G_CONTEXT);
	g->cr_head = 0;
	g_context(g);
	g_write(g, 0x64, (uint32_t)(G_BASE + G_CONTEXT));
	g_ring(g, 1, 2);
	g_run(g, 50000);
	g->dl_size[1] = rnd(4) ? L_DL_SIZE : 1 + rnd(20000);
	for (unsigned int n = 0; n < 2; n++) {
		g->entries[n] = n ? 3 : 6;
		g->head[n] = 0;
		g->seen[n] = 0;
		g_open_bytes(g, n, g->entries[n], m);
		g_message(g, m);
	}
	g_buffer(g, 1);
	g_buffer(g, 1);
	g_ring(g, 0, 9);
}

static void inject(struct guest *g)
{
	g_write(g, 0x54, rnd(4) ? (uint32_t)(G_BASE + L_IMAGE) : wild());
	g_write(g, 0x58, rnd(8) ? 0 : wild());
	g_write(g, 0x5c, rnd(4) ? 100 : wild());
	memcpy(g_at(g, L_IMAGE), rnd(4) ? "PSI0" : "EBL0", 4);
	g_ring(g, 0, 0xfeedb007);
	g_run(g, rnd(10000));
}

static void random_step(struct guest *g)
{
	static uint8_t data[3000];

	/* A modem that crashed, or runs by now, is no fun. */
	if (g->modem.life != MODEM_ALIVE || g->modem.stage == STAGE_RUN) {
		pcidev_power_on(&g->pci);
		g_enable(g);
		inject(g);
		begin_session(g);
	}
	switch (rnd(12)) {
	case 0:
		inject(g);
		break;
	case 1:
		if (!rnd(3))
			begin_session(g);
		break;
	case 2:
		if (!rnd(8))
			load(g);
		break;
	case 3:
		command(g);
		break;
	case 4:
		say(g, data, rnd(sizeof(data)));
		break;
	case 5:
		modem_chatter(&g->modem, rnd(4), rnd(65537));
		break;
	case 6:
		g_run(g, rnd(20000));
		break;
	default:
		if (g->modem.stage == STAGE_EBL)
			packet(g);
		else if (!rnd(3))
			command(g);
		break;
	}
}

/* How deep did it get? */
static uint64_t loads, requests, written, files;

static void run_seed(uint64_t seed)
{
	static const uint32_t stages[] = { STAGE_BOOT, STAGE_PSI, STAGE_EBL };
	struct modem_config config = {
		.dump = { .generate = true, .size = { 1, 70000, 3, 0, 5 } },
	};
	struct guest *g;

	state = seed * 7919 + 1;
	config.stage = stages[rnd(3)];
	config.boot_us = rnd(4) ? 0 : rnd(1000000);
	config.reboot_us = rnd(50000);
	g = l_new(&config);
	critic_set_strict(rnd(2));
	inject(g);
	begin_session(g);
	for (int i = 0; i < 300; i++)
		random_step(g);

	loads += g->modem.flash.counters.loads;
	for (unsigned int i = 0; i < FLASH_PACKETS; i++)
		requests += g->modem.flash.counters.packets[i];
	written += g->modem.nand.written;
	files += g->modem.dump.fetched[1];

	/* Whatever happened: after a reset, everything works. */
	g->modem.config.stage = STAGE_BOOT;
	g->modem.config.boot_us = 0;
	pcidev_power_on(&g->pci);
	g_enable(g);
	memset(g_at(g, G_CONTEXT), 0, G_RING(0) - G_CONTEXT);
	g->cr_head = 0;
	critic_set_strict(true);
	g_violations(g);
	l_psi(g, g->modem.dump.present ? 0xcd : 0xaa);
	l_ebl(g);
	CHECK_CLEAN(g);
	g_free(g);
}

TEST(random_hosts_do_no_harm)
{
	for (uint64_t seed = 1; seed <= 200; seed++) {
		bool before = check_failed;

		run_seed(seed);
		if (check_failed && !before)
			printf("# seed %llu\n", (unsigned long long)seed);
	}
	printf("# %llu loads, %llu requests, %llu bytes written, %llu files\n",
	       (unsigned long long)loads, (unsigned long long)requests,
	       (unsigned long long)written, (unsigned long long)files);
	CHECK(loads > 50);
	CHECK(requests > 1000);
	CHECK(written > 10000);
	CHECK(files > 10);
}
