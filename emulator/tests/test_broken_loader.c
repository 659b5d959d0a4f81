// SPDX-License-Identifier: GPL-2.0-only
/*
 * Boot ROM and loaders that do not do what they should.
 */
#include "loader.h"

static void arm(struct guest *g, const char *spec)
{
	const char *why = faults_arm(&g->modem.faults, spec);

	if (!CHECK(!why))
		printf("# %s: %s\n", spec, why);
	modem_suffer(&g->modem);
}

static struct guest *new_rom(void)
{
	static const uint32_t sizes[6] = { 0x100, 70000, 3, 4, 5, 6 };
	struct modem_config config = {
		.dump = { .generate = true }, .reboot_us = 1000,
	};

	memcpy(config.dump.size, sizes, sizeof(sizes));
	return l_new(&config);
}

static struct guest *new_psi(void)
{
	struct guest *g = new_rom();

	l_psi(g, 0xcd);
	return g;
}

static struct guest *new_ebl(void)
{
	struct guest *g = new_psi();

	l_ebl(g);
	return g;
}

static void check_end(struct guest *g)
{
	CHECK(l_quiet(g));
	CHECK_CLEAN(g);
	g_free(g);
}

/*
 * Boot ROM.
 */

TEST(doorbell_for_the_rom_gets_lost)
{
	struct guest *g = new_rom();

	arm(g, "psi:ignore");
	l_inject(g, "PSI0", 4);
	g_run(g, 10000000);
	CHECK_EQ(g_read(g, 0x40), 0);
	CHECK_EQ(g->msis, 0);
	l_psi(g, 0xcd);
	check_end(g);
}

TEST(rom_refuses)
{
	static const char * const specs[] = { "psi:refuse", "rom:refuse" };

	for (int i = 0; i < 2; i++) {
		struct guest *g = new_rom();

		arm(g, specs[i]);
		l_inject(g, "PSI0", 4);
		CHECK_EQ(g_read(g, 0x40), 0x02);
		CHECK_EQ(g->msis, 1);
		g_run(g, 10000000);
		CHECK_EQ(g_read(g, 0x00), STAGE_BOOT);
		l_psi(g, 0xcd);
		check_end(g);
	}
}

TEST(rom_reads_late)
{
	struct guest *g = new_rom();

	arm(g, "psi:late=50");
	l_inject(g, "PSI0", 4);
	g_run(g, 49999);
	CHECK_EQ(g_read(g, 0x40), 0);
	/* Still from the host's memory. */
	memcpy(g_at(g, L_IMAGE), "xxxx", 4);
	g_run(g, 1);
	CHECK_EQ(g_read(g, 0x40), 2);
	/* The host had enough, and takes its memory back. */
	arm(g, "psi:late=50");
	l_inject(g, "PSI0", 4);
	g_config(g, 0x04, 0x0002, 2);
	g_run(g, 10000000);
	CHECK_EQ(g->modem.counters.images, 1);
	CHECK_EQ(g->msis, 1);
	CHECK_CLEAN(g);
	g_free(g);
}

TEST(result_of_the_rom)
{
	struct guest *g = new_rom();

	arm(g, "rom:bad-value=ff");
	l_inject(g, "PSI0", 4);
	CHECK_EQ(g_read(g, 0x40), 0xff);
	CHECK_EQ(g->msis, 1);
	g_run(g, 1000000);
	CHECK_EQ(g_read(g, 0x00), STAGE_BOOT);
	arm(g, "rom:ignore");
	l_inject(g, "PSI0", 4);
	g_run(g, 1000000);
	CHECK_EQ(g->msis, 1);
	arm(g, "rom:late=30");
	l_inject(g, "PSI0", 4);
	g_run(g, 29999);
	CHECK_EQ(g->msis, 1);
	g_run(g, 1);
	CHECK_EQ(g->msis, 2);
	CHECK_EQ(g_read(g, 0x40), 0x01);
	g_run(g, 5000);
	CHECK_EQ(g_read(g, 0x00), STAGE_PSI);
	CHECK_CLEAN(g);
	g_free(g);

	/* Certified is as good as open. */
	g = new_rom();
	arm(g, "rom:bad-value=10");
	arm(g, "rom:twice");
	l_inject(g, "PSI0", 4);
	CHECK_EQ(g->msis, 1);
	g_run(g, 1000);
	CHECK_EQ(g->msis, 2);
	g_run(g, 4000);
	CHECK_EQ(g_read(g, 0x00), STAGE_PSI);
	CHECK_EQ(g->msis, 2);
	CHECK_CLEAN(g);
	g_free(g);
}

TEST(stage_after_the_rom)
{
	struct guest *g = new_rom();

	arm(g, "stage-psi:late=300");
	l_inject(g, "PSI0", 4);
	g_run(g, 304999);
	CHECK_EQ(g_read(g, 0x00), STAGE_BOOT);
	g_run(g, 1);
	CHECK_EQ(g_read(g, 0x00), STAGE_PSI);
	CHECK_CLEAN(g);
	g_free(g);

	g = new_rom();
	arm(g, "stage-psi:ignore");
	l_inject(g, "PSI0", 4);
	g_run(g, 100000000);
	CHECK_EQ(g_read(g, 0x00), STAGE_BOOT);
	arm(g, "stage-psi:bad-value=12345678");
	l_inject(g, "PSI0", 4);
	g_run(g, 5000);
	CHECK_EQ(g_read(g, 0x00), 0x12345678);
	CHECK_CLEAN(g);
	g_free(g);
}

/*
 * PSI.
 */

static void session_with(struct guest *g, const char *spec)
{
	l_inject(g, "PSI0", 4);
	g_run(g, 5000);
	arm(g, spec);
	l_session(g);
}

TEST(greeting_is_strange)
{
	static const struct {
		const char *spec;
		int first, second;
	} cases[] = {
		{ "ack:ignore", -1, -1 },
		{ "ack:short=1", 1, -1 },
		{ "ack:short=2", 0, -1 },
		{ "ack:long=3", 5, -1 },
		{ "ack:twice", 2, 2 },
		{ "ack:bad-value=1234", 2, -1 },
	};

	for (unsigned int i = 0; i < 6; i++) {
		struct guest *g = new_rom();
		uint8_t data[8];

		session_with(g, cases[i].spec);
		if (cases[i].first >= 0)
			l_receive(g, data, cases[i].first);
		if (cases[i].second >= 0)
			l_receive(g, data, cases[i].second);
		if (i == 5)
			CHECK_MEM(data, "\x12\x34", 2);
		/* It listens as well as ever. */
		l_ebl(g);
		check_end(g);
	}
}

TEST(greeting_comes_late)
{
	struct guest *g = new_rom();

	session_with(g, "ack:late=100");
	g_run(g, 99999);
	CHECK(l_quiet(g));
	g_run(g, 1);
	l_ack(g, 0, 0xcd);
	check_end(g);
}

/* Nothing of a session comes late in the next one. */
TEST(late_answers_end_with_the_session)
{
	struct guest *g = new_rom();

	session_with(g, "ack:late=100");
	g_ring(g, 1, 0);
	l_session(g);
	l_ack(g, 0, 0xcd);
	g_run(g, 1000000);
	check_end(g);
}

TEST(what_follows_a_late_answer_is_late)
{
	struct guest *g = new_psi();
	uint8_t length[4] = { 4 };

	arm(g, "ebl-load:late=100");
	l_command(g, 2, 0);
	l_send(g, length, 4);
	g_run(g, 99999);
	CHECK(l_quiet(g));
	g_run(g, 1);
	l_ack(g, 0, 0xaa);
	l_ack(g, 0, 0xaa);
	check_end(g);
}

TEST(command_is_not_heard)
{
	struct guest *g = new_psi();

	arm(g, "rpsi:ignore");
	l_command(g, 2, 0);
	g_run(g, 1000000);
	CHECK(l_quiet(g));
	l_ebl(g);
	check_end(g);
}

TEST(uplink_of_a_loader_stays)
{
	struct guest *g = new_psi();
	uint8_t *data;

	arm(g, "flash-uplink:late=20");
	g_data(g, 0, "\0\0\0\0\2\0\2\0", 8);
	g_ring(g, 0, 6);
	g_run(g, 19999);
	CHECK_EQ(g_get(g, G_TAILS), 0);
	g_run(g, 1);
	CHECK_EQ(g_get(g, G_TAILS), 1);
	CHECK_EQ(g_receive(g, 1, &data), 2);
	CHECK_CLEAN(g);
	g_free(g);

	g = new_psi();
	arm(g, "flash-uplink:ignore");
	g_data(g, 0, "\0\0\0\0\2\0\2\0", 8);
	g_ring(g, 0, 6);
	g_run(g, 10000000);
	CHECK_EQ(g_get(g, G_TAILS), 0);
	check_end(g);
}

TEST(record_is_strange)
{
	struct guest *g = new_psi();
	uint8_t length[4] = { 4 }, record[80];

	/* The fourth answer is the record. */
	arm(g, "ebl-load#4:bad-value=3");
	l_command(g, 2, 0);
	l_ack(g, 0, 0xaa);
	l_send(g, length, 4);
	l_ack(g, 0, 0xaa);
	l_send(g, "EBL0", 4);
	l_ack(g, 0, 0xaa);
	l_receive(g, record, 76);
	CHECK_EQ(record[70], 3);
	check_end(g);

	g = new_psi();
	arm(g, "ebl-load#3:long=74");
	arm(g, "ebl-load#4:short=4");
	l_command(g, 2, 0);
	l_ack(g, 0, 0xaa);
	l_send(g, length, 4);
	l_ack(g, 0, 0xaa);
	l_send(g, "EBL0", 4);
	l_receive(g, record, 76);
	l_receive(g, record, 72);
	check_end(g);
}

/*
 * EBL.
 */

static const uint8_t zeroes[16384];

TEST(responses_are_strange)
{
	static const struct {
		const char *spec;
		int header, payload;
	} cases[] = {
		{ "response:short=1", 8, 16383 },
		{ "response:short=16384", 8, 0 },
		{ "response:long=2", 8, 16386 },
		{ "response-header:short=1", 7, 16384 },
		{ "response-header:long=1", 9, 16384 },
		{ "response-header:ignore", -1, 16384 },
	};
	uint8_t data[20000];

	for (unsigned int i = 0; i < 6; i++) {
		struct guest *g = new_ebl();

		arm(g, cases[i].spec);
		l_packet(g, 0x204, zeroes, 1);
		if (cases[i].header >= 0)
			l_receive(g, data, cases[i].header);
		l_receive(g, data, cases[i].payload);
		CHECK_EQ(l_ask(g, 0x204, zeroes, 1, data), 0x204);
		check_end(g);
	}
}

TEST(responses_do_not_fit)
{
	uint8_t header[8], data[16384];
	struct guest *g = new_ebl();

	arm(g, "response:wrong-id");
	CHECK_EQ(l_ask(g, 0x204, zeroes, 1, data), 0x304);
	arm(g, "response:error");
	CHECK_EQ(l_ask(g, 0x204, zeroes, 1, data), 0x41);
	CHECK_EQ(wire_get16(data), 3);
	CHECK_EQ(wire_get16(data + 2), 0x0102);
	arm(g, "response:bad-value=deadbeef");
	CHECK_EQ(l_ask(g, 0x204, zeroes, 1, data), 0x204);
	CHECK_EQ(wire_get32(data), 0xdeadbeef);
	arm(g, "response:wrong-checksum");
	l_packet(g, 0x204, zeroes, 1);
	l_receive(g, header, 8);
	l_receive(g, data, 16384);
	CHECK(wire_get16(header) != ((0x204 + 16384) & 0xffff));
	arm(g, "response:twice");
	CHECK_EQ(l_ask(g, 0x204, zeroes, 1, data), 0x204);
	CHECK_EQ(l_response(g, data, 16384), 0x204);
	check_end(g);
}

TEST(requests_go_wrong)
{
	struct guest *g = new_ebl();
	uint8_t data[16384];

	arm(g, "packet:ignore");
	l_packet(g, 0x204, zeroes, 1);
	g_run(g, 10000000);
	CHECK(l_quiet(g));
	arm(g, "packet:refuse");
	CHECK_EQ(l_ask(g, 0x204, zeroes, 1, data), 0x41);
	arm(g, "packet:error");
	CHECK_EQ(l_ask(g, 0x204, zeroes, 1, data), 0x41);
	arm(g, "packet:late=100");
	l_packet(g, 0x204, zeroes, 1);
	g_run(g, 99999);
	CHECK(l_quiet(g));
	g_run(g, 1);
	CHECK_EQ(l_response(g, data, 16384), 0x204);
	check_end(g);
}

static unsigned int check_erase(struct guest *g)
{
	uint8_t answer[16384];

	CHECK_EQ(l_ask(g, 0x806, zeroes, 2, answer), 0x806);
	return wire_get16(answer);
}

TEST(erase_takes_its_time)
{
	uint8_t range[8] = { 0, 0x10, 0, 0, 0, 0x20 }, answer[16384];
	struct guest *g = new_ebl();

	l_ask(g, 0x204, zeroes, 1, answer);
	l_ask(g, 0x805, range, 8, answer);
	arm(g, "erase-check:bad-value=5");
	CHECK_EQ(check_erase(g), 5);
	/* That one is over, and the host starts anew. */
	l_ask(g, 0x204, zeroes, 1, answer);
	l_ask(g, 0x805, range, 8, answer);
	arm(g, "erase-check*:busy");
	for (int i = 0; i < 100; i++)
		CHECK_EQ(check_erase(g), 0);
	faults_clear(&g->modem.faults);
	CHECK_EQ(check_erase(g), 0);
	CHECK_EQ(check_erase(g), 1);
	check_end(g);
}

/* What was refused was not begun. */
TEST(refused_requests_change_nothing)
{
	uint8_t range[8] = { [5] = 0x10 }, length[4] = { 4 }, answer[16384];
	struct guest *g = new_ebl();

	arm(g, "response:error");
	CHECK_EQ(l_ask(g, 0x204, zeroes, 1, answer), 0x41);
	CHECK_CLEAN(g);
	l_ask(g, 0x802, zeroes, 4, answer);
	CHECK_VIOLATION(g, "7.5.6");
	l_ask(g, 0x204, zeroes, 1, answer);
	arm(g, "response:error");
	CHECK_EQ(l_ask(g, 0x805, range, 8, answer), 0x41);
	CHECK_EQ(l_ask(g, 0x802, zeroes, 4, answer), 0x802);
	l_packet(g, 0x80f, length, 4);
	l_send(g, "data", 4);
	CHECK_EQ(l_response(g, answer, 16384), 0x80f);
	arm(g, "response:error");
	CHECK_EQ(l_ask(g, 0x205, zeroes, 2, answer), 0x41);
	g_run(g, 10000000);
	CHECK_EQ(g_read(g, 0x00), STAGE_EBL);
	CHECK_EQ(l_ask(g, 0x205, zeroes, 2, answer), 0x205);
	g_run(g, 1000);
	CHECK_EQ(g_read(g, 0x00), STAGE_RUN);
	CHECK_CLEAN(g);
	g_free(g);
}

TEST(raw_data_get_lost)
{
	uint8_t length[4] = { 8 }, answer[16384];
	struct guest *g = new_ebl();

	l_ask(g, 0x204, zeroes, 1, answer);
	l_ask(g, 0x802, zeroes, 4, answer);
	arm(g, "raw#2:ignore");
	l_packet(g, 0x80f, length, 4);
	l_send(g, "1234", 4);
	l_send(g, "5678", 4);
	g_run(g, 10000000);
	CHECK_EQ(g->modem.nand.written, 4);
	check_end(g);
}

TEST(raw_image_is_refused_at_its_end)
{
	uint8_t length[4] = { 8 }, answer[16384];
	struct guest *g = new_ebl();

	l_ask(g, 0x204, zeroes, 1, answer);
	l_ask(g, 0x802, zeroes, 4, answer);
	arm(g, "packet:refuse");
	l_packet(g, 0x80f, length, 4);
	CHECK(l_quiet(g));
	l_send(g, "12345678", 8);
	CHECK_EQ(l_response(g, answer, 16384), 0x41);
	check_end(g);
}

TEST(crash_in_the_middle_of_flashing)
{
	uint8_t length[4] = { 8 }, answer[16384];
	struct guest *g = new_ebl();

	l_ask(g, 0x204, zeroes, 1, answer);
	l_ask(g, 0x802, zeroes, 4, answer);
	l_packet(g, 0x80f, length, 4);
	arm(g, "raw:crash");
	l_send(g, "1234", 4);
	CHECK_EQ(g_read(g, 0x00), STAGE_CRASH);
	CHECK_EQ(g_get(g, G_STATUS), STAGE_CRASH);
	check_end(g);
}

TEST(reboot_in_the_middle_of_flashing)
{
	struct guest *g = new_ebl();
	uint8_t answer[16384];

	l_ask(g, 0x204, zeroes, 1, answer);
	g->modem.dump.present = false;
	arm(g, "packet:reboot");
	g_data(g, 0, zeroes, 8);
	g_ring(g, 0, 6);
	g_data(g, 0, zeroes, 8);
	g_ring(g, 0, 6);
	g_violations(g);
	CHECK_EQ(g_read(g, 0x60), 2);
	arm(g, "now:reboot");
	CHECK_EQ(g_read(g, 0x00), STAGE_RUN);
	CHECK_EQ(g_read(g, 0x60), 0);
	g_up(g);
	CHECK_CLEAN(g);
	g_free(g);
}

/*
 * Core dump.
 */

TEST(list_is_strange)
{
	static const struct {
		const char *spec;
		int size;
		uint32_t count;
	} cases[] = {
		{ "dump-list:short=96", 4000, 6 },
		{ "dump-list:long=4", 4100, 6 },
		{ "dump-list:bad-value=7", 4096, 7 },
		{ "dump-list:bad-value=0", 4096, 0 },
	};
	uint8_t list[5000];

	for (unsigned int i = 0; i < 4; i++) {
		struct guest *g = new_psi();

		arm(g, cases[i].spec);
		l_command(g, 0x10, 0x1000);
		l_receive(g, list, cases[i].size);
		CHECK_EQ(wire_get32(list + 4), cases[i].count);
		check_end(g);
	}
}

TEST(entries_of_the_list_are_strange)
{
	struct guest *g = new_psi();
	uint8_t list[4096];

	arm(g, "dump-size#2:bad-value=10e00001");
	arm(g, "dump-name#3:bad-value=41");
	l_command(g, 0x10, 0x1000);
	l_receive(g, list, 4096);
	CHECK_EQ(wire_get32(list + 8), 0x100);
	CHECK_EQ(wire_get32(list + 8 + 36), 0x10e00001);
	CHECK_EQ(wire_get32(list + 8 + 72), 3);
	for (int i = 0; i < 32; i++)
		CHECK_EQ(list[12 + 72 + i], 0x41);
	CHECK_STR((char *)list + 12 + 108, coredump_names[3]);
	check_end(g);
}

TEST(chunks_are_strange)
{
	struct guest *g = new_psi();
	uint8_t data[65536];

	l_command(g, 0x10, 0x1000);
	l_receive(g, data, 4096);
	arm(g, "dump-chunk:short=65536");
	l_command(g, 0x11, 1);
	l_receive(g, data, 0);
	l_receive(g, data, 70000 - 65536);
	arm(g, "dump-chunk#2:long=1");
	l_command(g, 0x11, 1);
	l_receive(g, data, 65536);
	l_receive(g, data, 70001 - 65536);
	arm(g, "dump-chunk:ignore");
	l_command(g, 0x11, 1);
	l_receive(g, data, 70000 - 65536);
	arm(g, "dump-chunk:late=50");
	l_command(g, 0x11, 1);
	g_run(g, 49999);
	CHECK(l_quiet(g));
	g_run(g, 1);
	l_receive(g, data, 65536);
	g_run(g, 2000);
	l_receive(g, data, 70000 - 65536);
	arm(g, "dump-end:short=1");
	l_command(g, 0x12, 0x1000);
	l_receive(g, data, 4095);
	check_end(g);
}

TEST(loader_says_what_nobody_asked)
{
	struct guest *g = new_psi();
	uint8_t data[65536];

	CHECK(modem_chatter(&g->modem, 2, 100));
	g_run(g, 0);
	l_receive(g, data, 100);
	l_receive(g, data, 100);
	CHECK(!modem_chatter(&g->modem, 1, 65537));
	CHECK_CLEAN(g);
	g_ring(g, 1, 0);
	CHECK(!modem_chatter(&g->modem, 1, 100));
	g_free(g);
}

/*
 * All of it.
 */

/* Another start, whatever happened before. */
static void start(struct guest *g)
{
	pcidev_power_on(&g->pci);
	g_enable(g);
	g->cr_head = 0;
	memset(g_at(g, G_CONTEXT), 0, G_RING(0) - G_CONTEXT);
}

static void say(struct guest *g, const void *data, uint32_t len)
{
	uint8_t *answer;

	g->head[0] = g_get(g, G_HEADS) % 6;
	memcpy(g_at(g, L_UPLINK), data, len);
	g_td(g, 0, G_BASE + L_UPLINK, len);
	g_ring(g, 0, 6);
	for (int i = 0; i < 10; i++) {
		g_run(g, 2000);
		if (g_receive(g, 1, &answer) >= 0)
			g_ring(g, 0, 7);
	}
}

static void request(struct guest *g, uint16_t id, const void *payload,
		    uint32_t len)
{
	const uint8_t *bytes = payload;
	uint32_t sum = id + len;
	uint8_t header[8];

	for (uint32_t i = 0; i < len; i++)
		sum += bytes[i];
	wire_put16(header, sum & 0xffff);
	wire_put16(header + 2, id);
	wire_put32(header + 4, len);
	say(g, header, 8);
	say(g, payload, len);
}

/* An update by a host that checks nothing. */
static void live(struct guest *g)
{
	static const uint8_t commands[][8] = {
		{ 0, 0x10, 0, 0, 0x10, 0, 0x10, 0x10 },
		{ 1, 0, 0, 0, 0x11, 0, 0x10, 0 },
		{ 0, 0x10, 0, 0, 0x12, 0, 0x12, 0x10 },
		{ 0, 0, 0, 0, 2, 0, 2, 0 },
	};
	static const uint8_t length[4] = { 4 }, range[8] = { [5] = 0x10 };

	l_inject(g, "PSI0", 4);
	g_run(g, 20000);
	g_context(g);
	g_ring(g, 1, 1);
	g_write(g, REG_CONTEXT, G_BASE + G_CONTEXT);
	g_ring(g, 1, 2);
	g_run(g, 50000);
	g->dl_size[1] = L_DL_SIZE;
	g_open(g, 0, 6);
	g_open(g, 1, 3);
	g_buffer(g, 1);
	g_buffer(g, 1);
	g_ring(g, 0, 9);
	for (unsigned int i = 0; i < 4; i++)
		say(g, commands[i], 8);
	say(g, length, 4);
	say(g, "EBL0", 4);
	request(g, 0x86, g->modem.flash.record, 76);
	request(g, 0x204, "pack", 4);
	request(g, 0x805, range, 8);
	request(g, 0x806, zeroes, 2);
	request(g, 0x806, zeroes, 2);
	request(g, 0x802, zeroes, 4);
	request(g, 0x80f, length, 4);
	say(g, "data", 4);
	request(g, 0x205, zeroes, 2);
}

static void live_with(const char *spec)
{
	struct guest *g = new_rom();

	CHECK(!faults_arm(&g->modem.faults, spec));
	live(g);
	if (!CHECK(g->modem.faults.fault[0].seen > 0))
		printf("# %s never happened\n", spec);
	g_run(g, 1000000);

	/* Whatever it was: a new start, and everything works. */
	faults_clear(&g->modem.faults);
	g->modem.lose_msi = 0;
	modem_back(&g->modem);
	start(g);
	g_violations(g);
	if (g_read(g, 0x00) == STAGE_BOOT)
		l_psi(g, g->modem.dump.present ? 0xcd : 0xaa);
	l_ebl(g);
	if (g_violations(g)) {
		CHECK(!"the modem did not recover");
		printf("# %s\n", spec);
	}
	g_free(g);
}

TEST(every_fault_at_every_event_of_loaders)
{
	unsigned int count = 0;

	for (unsigned int event = FAULT_AT_PSI; event <= FAULT_AT_DUMP_END;
	     event++) {
		for (unsigned int kind = 0; kind < FAULT_KINDS; kind++) {
			struct faults probe;
			char spec[FAULT_SPEC];

			snprintf(spec, sizeof(spec), "%s:%s%s",
				 fault_event_name((enum fault_event)event),
				 fault_kind_name((enum fault_kind)kind),
				 kind == FAULT_LATE || kind == FAULT_BOOT ||
				 kind == FAULT_DUMP || kind == FAULT_SHORT ||
				 kind == FAULT_LONG ? "=5" :
				 kind == FAULT_BAD_STAGE ||
				 kind == FAULT_BAD_VALUE ? "=1" : "");
			faults_init(&probe);
			if (faults_arm(&probe, spec))
				continue;
			live_with(spec);
			count++;
		}
	}
	/* Each event knows at least those that strike the modem. */
	CHECK(count > 11 * (FAULT_AT_DUMP_END - FAULT_AT_PSI + 1));
}
