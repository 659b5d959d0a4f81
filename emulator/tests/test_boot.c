// SPDX-License-Identifier: GPL-2.0-only
/*
 * The stages before RUN: boot ROM, loaders, sessions with them, who goes on by
 * itself.
 */
#include "loader.h"

TEST(image_makes_psi)
{
	struct modem_config config = { .boot_us = 0 };
	struct guest *g = l_new(&config);

	CHECK_EQ(g_read(g, 0x00), STAGE_BOOT);
	l_inject(g, "PSI0", 4);
	/* The result comes first, with the only interrupt. */
	CHECK_EQ(g_read(g, 0x40), 0x01);
	CHECK_EQ(g_read(g, 0x00), STAGE_BOOT);
	CHECK_EQ(g->msis, 1);
	g_run(g, 4999);
	CHECK_EQ(g_read(g, 0x00), STAGE_BOOT);
	g_run(g, 1);
	CHECK_EQ(g_read(g, 0x00), STAGE_PSI);
	CHECK_EQ(g_read(g, 0x60), 0);
	g_run(g, 1000000);
	CHECK_EQ(g->msis, 1);
	CHECK_EQ(g_read(g, 0x00), STAGE_PSI);
	CHECK_EQ(g->modem.counters.images, 1);
	CHECK_EQ(g->modem.counters.loaders, 1);
	CHECK_CLEAN(g);
	g_free(g);
}

TEST(image_that_is_no_psi_is_refused)
{
	static const char * const images[] = { "EBL0 and more", "PSI", "psi0" };
	struct modem_config config = { .boot_us = 0 };

	for (unsigned int i = 0; i < 3; i++) {
		struct guest *g = l_new(&config);

		l_inject(g, images[i], (uint32_t)strlen(images[i]));
		CHECK_EQ(g_read(g, 0x40), 0x02);
		CHECK_EQ(g->msis, 1);
		g_run(g, 10000000);
		CHECK_EQ(g_read(g, 0x00), STAGE_BOOT);
		CHECK_EQ(g->modem.counters.loaders, 0);
		/* Another one is as good as the first. */
		l_inject(g, "PSI0", 4);
		CHECK_EQ(g_read(g, 0x40), 0x01);
		g_run(g, 5000);
		CHECK_EQ(g_read(g, 0x00), STAGE_PSI);
		CHECK_CLEAN(g);
		g_free(g);
	}
}

TEST(rom_is_told_where_the_image_is)
{
	struct modem_config config = { .boot_us = 0 };
	struct guest *g = l_new(&config);

	g_ring(g, 0, 0xfeedb007);
	CHECK_VIOLATION(g, "7.3");
	CHECK_EQ(g_read(g, 0x40), 0x02);
	g_write(g, 0x54, 0xfffffff0);
	g_write(g, 0x58, 0xffffffff);
	g_write(g, 0x5c, 0x100);
	g_ring(g, 0, 0xfeedb007);
	CHECK_VIOLATION(g, "7.3");
	g_free(g);
}

TEST(rom_takes_one_image_at_a_time)
{
	struct modem_config config = { .boot_us = 0 };
	struct guest *g = l_new(&config);

	l_inject(g, "PSI0", 4);
	l_inject(g, "PSI0", 4);
	CHECK_VIOLATION(g, "7.3");
	CHECK_EQ(g->msis, 1);
	g_run(g, 5000);
	CHECK_EQ(g_read(g, 0x00), STAGE_PSI);
	/* It is the boot ROM that takes images. */
	g_ring(g, 0, 0xfeedb007);
	CHECK_VIOLATION(g, "1.3.1");
	g_free(g);
}

TEST(rom_needs_bus_mastering)
{
	struct modem_config config = { .boot_us = 0 };
	struct guest *g = l_new(&config);

	g_config(g, 0x04, 0x0002, 2);
	l_inject(g, "PSI0", 4);
	CHECK_VIOLATION(g, "1.5");
	CHECK_EQ(g_read(g, 0x40), 0);
	g_config(g, 0x04, 0x0006, 2);
	l_inject(g, "PSI0", 4);
	CHECK_EQ(g_read(g, 0x40), 1);
	/* It has its own copy by now. */
	g_config(g, 0x04, 0x0002, 2);
	g_run(g, 5000);
	CHECK_EQ(g_read(g, 0x00), STAGE_PSI);
	CHECK_CLEAN(g);
	g_free(g);
}

TEST(loader_session_has_its_own_rules)
{
	struct modem_config config = { .stage = STAGE_PSI };
	struct guest *g = l_new(&config);
	uint8_t *answer;

	l_session(g);
	CHECK_EQ(g_receive(g, 1, &answer), 2);
	CHECK_MEM(answer, "\x00\xaa", 2);
	CHECK_CLEAN(g);
	CHECK_EQ(g_sleep_message(g, 1, 0), 1);
	CHECK_VIOLATION(g, "7.3");
	g_features(g, 0x80);
	CHECK_VIOLATION(g, "7.3");
	g_open(g, 2, 4);
	CHECK_VIOLATION(g, "4.4");
	g_free(g);
}

TEST(psi_greets_each_session)
{
	struct modem_config config = { .boot_us = 0 };
	struct guest *g = l_new(&config);

	l_psi(g, 0xaa);
	g_ring(g, 1, 0);
	CHECK_EQ(g_read(g, 0x60), 0);
	CHECK_EQ(g_read(g, 0x00), STAGE_PSI);
	l_session(g);
	l_ack(g, 0, 0xaa);
	CHECK(l_quiet(g));
	CHECK_EQ(g->modem.flash.counters.sessions, 2);
	/* Closing both pipes is a way to end it, too. */
	CHECK_EQ(g_close(g, 0), 1);
	CHECK_EQ(g_close(g, 1), 1);
	CHECK_CLEAN(g);
	g_free(g);
}

TEST(greeting_waits_for_a_buffer)
{
	struct modem_config config = { .stage = STAGE_PSI };
	struct guest *g = l_new(&config);

	g_context(g);
	g_start(g);
	g_run(g, 50000);
	g->dl_size[1] = L_DL_SIZE;
	CHECK_EQ(g_open(g, 0, 6), 1);
	CHECK_EQ(g_open(g, 1, 3), 1);
	g_run(g, 100000);
	CHECK(l_quiet(g));
	g_buffer(g, 1);
	g_buffer(g, 1);
	g_ring(g, 0, 9);
	l_ack(g, 0, 0xaa);
	CHECK_CLEAN(g);
	g_free(g);
}

TEST(ebl_does_not_greet)
{
	struct modem_config config = { .stage = STAGE_EBL };
	struct guest *g = l_new(&config);

	l_session(g);
	g_run(g, 1000000);
	CHECK(l_quiet(g));
	CHECK_CLEAN(g);
	g_free(g);
}

TEST(each_reset_returns_to_the_stage)
{
	static const uint32_t stages[] = {
		STAGE_BOOT, STAGE_PSI, STAGE_EBL, STAGE_RUN, STAGE_CRASH,
		STAGE_CD_READY,
	};

	for (unsigned int i = 0; i < 6; i++) {
		struct modem_config config = { .stage = stages[i] };
		struct guest *g = l_new(&config);

		for (int n = 0; n < 3; n++) {
			CHECK_EQ(g_read(g, 0x00), stages[i]);
			CHECK_EQ(g_read(g, 0x60), 0);
			g_run(g, 100000000);
			CHECK_EQ(g_read(g, 0x00), stages[i]);
			pcidev_power_on(&g->pci);
			g_enable(g);
		}
		CHECK_EQ(g->msis, 0);
		CHECK_CLEAN(g);
		g_free(g);
	}
}

TEST(crashed_modem_does_nothing)
{
	struct modem_config config = { .stage = STAGE_CRASH };
	struct guest *g = l_new(&config);

	g_ring(g, 1, 1);
	g_ring(g, 0, 0);
	g_run(g, 1000000);
	CHECK_EQ(g_read(g, 0x60), 0);
	CHECK_EQ(g->msis, 0);
	CHECK_CLEAN(g);
	g_free(g);
}

TEST(psi_passes_ebl_on_its_way)
{
	struct modem_config config = { .stage = STAGE_PSI, .boot_us = 200000 };
	struct guest *g = l_new(&config);

	g_run(g, 99999);
	CHECK_EQ(g_read(g, 0x00), STAGE_PSI);
	g_run(g, 1);
	CHECK_EQ(g_read(g, 0x00), STAGE_EBL);
	g_run(g, 99999);
	CHECK_EQ(g_read(g, 0x00), STAGE_EBL);
	g_run(g, 1);
	CHECK_EQ(g_read(g, 0x00), STAGE_RUN);
	CHECK_EQ(g->msis, 0);
	g_up(g);
	CHECK_CLEAN(g);
	g_free(g);
}

TEST(loader_that_goes_on_drops_its_session)
{
	struct modem_config config = { .stage = STAGE_EBL, .boot_us = 200000 };
	struct guest *g = l_new(&config);
	unsigned int before;

	l_session(g);
	before = g->msis;
	g_run(g, 200000);
	CHECK_EQ(g_read(g, 0x00), STAGE_RUN);
	CHECK_EQ(g_read(g, 0x60), 0);
	CHECK_EQ(g->msis, before);
	/* A bell of who does not know yet. */
	g_ring(g, 0, 6);
	g_up(g);
	g_channel(g, 0, 8, G_DL_SIZE);
	CHECK_CLEAN(g);
	g_free(g);
}

TEST(image_ends_the_boot_delay)
{
	struct modem_config config = {
		.stage = STAGE_BOOT, .boot_us = 200000,
	};
	struct guest *g = l_new(&config);

	l_psi(g, 0xaa);
	g_run(g, 1000000);
	CHECK_EQ(g_read(g, 0x00), STAGE_PSI);
	CHECK_CLEAN(g);
	g_free(g);
}

TEST(reset_ends_everything)
{
	struct modem_config config = { .boot_us = 0 };
	struct guest *g = l_new(&config);

	l_inject(g, "PSI0", 4);
	pcidev_power_on(&g->pci);
	g_enable(g);
	g_run(g, 1000000);
	CHECK_EQ(g_read(g, 0x00), STAGE_BOOT);
	CHECK_EQ(g_read(g, 0x40), 0);
	l_psi(g, 0xaa);
	l_ebl(g);
	pcidev_power_on(&g->pci);
	g_enable(g);
	CHECK_EQ(g_read(g, 0x00), STAGE_BOOT);
	g->cr_head = 0;
	g_put(g, G_CR_HEAD, 0);
	g_put(g, G_CR_TAIL, 0);
	memset(g_at(g, G_CR), 0, 24 * G_CR_ENTRIES);
	l_psi(g, 0xaa);
	CHECK_CLEAN(g);
	g_free(g);
}
