// SPDX-License-Identifier: GPL-2.0-only
/*
 * Core dumps: a modem that crashed, its list, its files, and its way back.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "loader.h"

static const uint32_t sizes[6] = {
	0x100, 3 * 65536 + 5, 65536, 1, 65535, 2 * 65536,
};

static struct modem_config config_of(const uint32_t *size)
{
	struct modem_config config = {
		.stage = STAGE_BOOT,
		.dump = { .generate = true },
	};

	memcpy(config.dump.size, size, sizeof(config.dump.size));
	return config;
}

static void check_list(struct guest *g, unsigned int count,
		       const uint32_t *size)
{
	uint8_t list[4096];

	l_command(g, 0x10, 0x1000);
	if (!l_receive(g, list, 4096))
		return;
	CHECK_EQ(wire_get32(list + 4), count);
	for (unsigned int i = 0; i < count; i++) {
		CHECK_EQ(wire_get32(list + 8 + 36 * i), size[i]);
		CHECK_STR((char *)list + 12 + 36 * i, coredump_names[i]);
	}
	for (unsigned int i = 8 + 36 * count; i < 4096; i++)
		CHECK_EQ(list[i], 0);
}

/* Each chunk as large as it can be; room for the next one is made at once. */
static void fetch(struct guest *g, unsigned int index, uint32_t size,
		  uint8_t *data)
{
	l_command(g, 0x11, index);
	for (uint32_t at = 0; at < size; at += 65536) {
		uint32_t len = size - at < 65536 ? size - at : 65536;

		if (!l_receive(g, data + at, (int)len))
			return;
		g_run(g, 2000);
	}
	CHECK(l_quiet(g));
}

static void check_file(struct guest *g, unsigned int index, uint32_t size)
{
	uint8_t *data = malloc(size), *right = malloc(size);

	for (uint32_t i = 0; i < size; i++)
		right[i] = (uint8_t)(i * 31 + index * 7 + (i >> 8));
	fetch(g, index, size, data);
	CHECK_MEM(data, right, size);
	free(data);
	free(right);
}

static void end_dump(struct guest *g)
{
	uint8_t nothing[4096];

	l_command(g, 0x12, 0x1000);
	l_receive(g, nothing, 4096);
}

/* A reset after which the host starts with clean rings. */
static void reset(struct guest *g)
{
	pcidev_power_on(&g->pci);
	g_enable(g);
	g->cr_head = 0;
	memset(g_at(g, G_CONTEXT), 0, G_RING(0) - G_CONTEXT);
}

TEST(dump_is_offered_and_fetched)
{
	struct modem_config config = config_of(sizes);
	struct guest *g = l_new(&config);

	l_psi(g, 0xcd);
	check_list(g, 6, sizes);
	for (unsigned int i = 0; i < 6; i++)
		check_file(g, i, sizes[i]);
	end_dump(g);
	CHECK_EQ(g->modem.dump.lists, 1);
	for (unsigned int i = 0; i < 6; i++)
		CHECK_EQ(g->modem.dump.fetched[i], 1);
	CHECK_EQ(g->modem.dump.ended, 1);
	CHECK_CLEAN(g);
	/* It is gone. */
	g_ring(g, 1, 0);
	l_session(g);
	l_ack(g, 0, 0xaa);
	reset(g);
	l_psi(g, 0xaa);
	CHECK_CLEAN(g);
	l_command(g, 0x10, 0x1000);
	CHECK_VIOLATION(g, "7.6");
	g_free(g);
}

TEST(dump_can_be_fetched_in_any_order)
{
	struct modem_config config = config_of(sizes);
	struct guest *g = l_new(&config);

	l_psi(g, 0xcd);
	check_list(g, 6, sizes);
	for (unsigned int i = 6; i-- > 0;)
		check_file(g, i, sizes[i]);
	check_file(g, 1, sizes[1]);
	CHECK_CLEAN(g);
	g_free(g);
}

TEST(dump_stays_until_it_is_ended)
{
	struct modem_config config = config_of(sizes);
	struct guest *g = l_new(&config);

	for (int i = 0; i < 2; i++) {
		l_psi(g, 0xcd);
		check_list(g, 6, sizes);
		check_file(g, 0, sizes[0]);
		/* The session ends in the middle of a file. */
		l_command(g, 0x11, 1);
		g_ring(g, 1, 0);
		l_session(g);
		l_ack(g, 0, 0xcd);
		g_run(g, 100000);
		CHECK(l_quiet(g));
		check_file(g, 2, sizes[2]);
		reset(g);
	}
	CHECK_CLEAN(g);
	g_free(g);
}

TEST(file_ends_when_the_host_gives_up)
{
	static const uint32_t large[6] = { 10 * 65536 };
	struct modem_config config = config_of(large);
	struct guest *g = l_new(&config);
	uint8_t data[65536];

	l_psi(g, 0xcd);
	check_list(g, 1, large);
	l_command(g, 0x11, 0);
	l_command(g, 0x12, 0x1000);
	/* What fills the buffers, and as much again, is on its way. */
	for (int i = 0; i < 4; i++) {
		l_receive(g, data, 65536);
		g_run(g, 2000);
	}
	l_receive(g, data, 4096);
	g_run(g, 100000);
	CHECK(l_quiet(g));
	CHECK_CLEAN(g);
	g_free(g);
}

TEST(files_at_the_end_are_not_there)
{
	static const uint32_t some[6] = { 0x100, 0, 0x800, 0, 0, 0 };
	struct modem_config config = config_of(some);
	struct guest *g = l_new(&config);

	l_psi(g, 0xcd);
	check_list(g, 3, some);
	check_file(g, 1, 0);
	check_file(g, 2, 0x800);
	CHECK_CLEAN(g);
	l_command(g, 0x11, 3);
	CHECK_VIOLATION(g, "7.6.3");
	CHECK(l_quiet(g));
	g_free(g);
}

TEST(dump_comes_after_its_list)
{
	struct modem_config config = config_of(sizes);
	struct guest *g = l_new(&config);
	uint8_t data[0x100];

	l_psi(g, 0xcd);
	fetch(g, 0, sizes[0], data);
	CHECK_VIOLATION(g, "7.6.3");
	check_list(g, 6, sizes);
	fetch(g, 0, sizes[0], data);
	end_dump(g);
	CHECK_CLEAN(g);
	fetch(g, 0, sizes[0], data);
	CHECK_VIOLATION(g, "7.6.3");
	g_free(g);
}

TEST(files_of_a_directory)
{
	struct modem_config config = { .stage = STAGE_BOOT };
	char dir[] = "/tmp/iosm-emu-dump-XXXXXX", path[128];
	static const uint32_t size[6] = { 5, 0, 70000 };
	uint8_t *content = malloc(70000), *data = malloc(70000);
	struct guest *g;
	FILE *file;

	for (int i = 0; i < 70000; i++)
		content[i] = (uint8_t)(i * 13 + (i >> 7));
	CHECK(mkdtemp(dir));
	for (int i = 0; i < 3; i += 2) {
		snprintf(path, sizeof(path), "%s/%s", dir, coredump_names[i]);
		file = fopen(path, "w");
		CHECK_EQ(fwrite(content, 1, size[i], file), size[i]);
		fclose(file);
	}
	config.dump.dir = dir;
	g = l_new(&config);
	l_psi(g, 0xcd);
	check_list(g, 3, size);
	fetch(g, 0, size[0], data);
	CHECK_MEM(data, content, size[0]);
	fetch(g, 2, size[2], data);
	CHECK_MEM(data, content, size[2]);
	/* A file that is not there any more has no chunks. */
	unlink(path);
	l_command(g, 0x11, 2);
	g_run(g, 100000);
	CHECK(l_quiet(g));
	CHECK_CLEAN(g);
	g_free(g);
	snprintf(path, sizeof(path), "%s/%s", dir, coredump_names[0]);
	unlink(path);
	rmdir(dir);
	free(content);
	free(data);
}

static void crash(struct guest *g)
{
	CHECK(!faults_arm(&g->modem.faults, "now:dump=5"));
	modem_suffer(&g->modem);
	CHECK_EQ(g_read(g, 0x00), STAGE_CRASH);
	g_run(g, 5000);
	CHECK_EQ(g_read(g, 0x00), STAGE_CD_READY);
}

TEST(crashed_modem_waits_until_its_dump_was_fetched)
{
	struct modem_config config = config_of(sizes);
	struct guest *g;

	config.stage = STAGE_RUN;
	g = l_new(&config);
	g_up(g);
	crash(g);
	for (int i = 0; i < 2; i++) {
		reset(g);
		g_run(g, 100000000);
		CHECK_EQ(g_read(g, 0x00), STAGE_BOOT);
	}
	l_psi(g, 0xcd);
	check_list(g, 6, sizes);
	check_file(g, 5, sizes[5]);
	end_dump(g);
	CHECK_EQ(g_read(g, 0x00), STAGE_PSI);
	reset(g);
	CHECK_EQ(g_read(g, 0x00), STAGE_RUN);
	g_up(g);
	CHECK_CLEAN(g);
	/* And once more. */
	crash(g);
	reset(g);
	CHECK_EQ(g_read(g, 0x00), STAGE_BOOT);
	l_psi(g, 0xcd);
	CHECK_CLEAN(g);
	g_free(g);
}

TEST(crashed_modem_without_a_dump_just_starts)
{
	struct modem_config config = { .stage = STAGE_RUN };
	struct guest *g = l_new(&config);

	g_up(g);
	crash(g);
	reset(g);
	CHECK_EQ(g_read(g, 0x00), STAGE_RUN);
	g_up(g);
	CHECK_CLEAN(g);
	g_free(g);
}

TEST(new_firmware_does_not_care_for_the_dump)
{
	struct modem_config config = config_of(sizes);
	uint8_t payload[4] = { 4 }, zeroes[8] = { 0 }, answer[16384];
	struct guest *g;

	config.stage = STAGE_RUN;
	g = l_new(&config);
	crash(g);
	reset(g);
	l_psi(g, 0xcd);
	l_ebl(g);
	l_ask(g, 0x204, "pack", 4, answer);
	l_ask(g, 0x802, zeroes, 4, answer);
	l_packet(g, 0x80f, payload, 4);
	l_send(g, "data", 4);
	CHECK_EQ(l_response(g, answer, 16384), 0x80f);
	l_ask(g, 0x205, zeroes, 2, answer);
	g_run(g, 0);
	CHECK_EQ(g_read(g, 0x00), STAGE_RUN);
	CHECK_CLEAN(g);
	g_free(g);
}
