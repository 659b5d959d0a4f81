// SPDX-License-Identifier: GPL-2.0-only
/*
 * Flashing: what is said to PSI and EBL, and what is in the flash memory then.
 */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "loader.h"

#define SIZE	65536u

#define TEMPLATE	"/tmp/iosm-emu-flash-XXXXXX"

static char path[sizeof(TEMPLATE)];

/* A modem with a flash memory of its own, empty, in EBL. */
static struct guest *new_ebl(struct modem_config *config)
{
	struct guest *g;
	int fd;

	memcpy(path, TEMPLATE, sizeof(path));
	fd = mkstemp(path);
	CHECK(fd >= 0);
	close(fd);
	config->flash = path;
	config->flash_size = SIZE;
	g = l_new(config);
	l_psi(g, 0xaa);
	l_ebl(g);
	CHECK_CLEAN(g);
	return g;
}

static void done(struct guest *g)
{
	g_free(g);
	unlink(path);
}

/* The flash memory as a reader of the file sees it. */
static void read_flash(uint8_t *data)
{
	int fd = open(path, O_RDONLY);
	struct stat st;

	CHECK(fd >= 0);
	CHECK_EQ(fstat(fd, &st), 0);
	CHECK_EQ(st.st_size, SIZE);
	CHECK_EQ(read(fd, data, SIZE), SIZE);
	close(fd);
}

static uint16_t ask32(struct guest *g, uint16_t id, uint32_t a, uint32_t b,
		      uint32_t len)
{
	uint8_t payload[8], answer[16384];

	wire_put32(payload, a);
	wire_put32(payload + 4, b);
	return l_ask(g, id, payload, len, answer);
}

static unsigned int check_erase(struct guest *g)
{
	uint8_t zeroes[2] = { 0 }, answer[16384];

	CHECK_EQ(l_ask(g, 0x806, zeroes, 2, answer), 0x806);
	return wire_get16(answer);
}

static void erase(struct guest *g, uint32_t addr, uint32_t len)
{
	CHECK_EQ(ask32(g, 0x805, addr, addr + len - 2, 8), 0x805);
	CHECK_EQ(check_erase(g), 0);
	CHECK_EQ(check_erase(g), 1);
}

static void secure(struct guest *g)
{
	uint8_t pack[16384], answer[16384];

	memset(pack, 0x5a, sizeof(pack));
	CHECK_EQ(l_ask(g, 0x204, pack, sizeof(pack), answer), 0x204);
}

static void raw_header(struct guest *g, uint32_t len)
{
	uint8_t payload[4];

	wire_put32(payload, len);
	l_packet(g, 0x80f, payload, 4);
}

static uint16_t raw(struct guest *g, uint32_t addr, const uint8_t *data,
		    uint32_t len, uint32_t part)
{
	uint8_t answer[16384];

	CHECK_EQ(ask32(g, 0x802, addr, 0, 4), 0x802);
	raw_header(g, len);
	for (uint32_t at = 0; at < len; at += part) {
		CHECK(l_quiet(g));
		l_send(g, data + at, len - at < part ? len - at : part);
	}
	return l_response(g, answer, 16384);
}

static void security_end(struct guest *g)
{
	uint8_t zeroes[2] = { 0 }, answer[16384];

	CHECK_EQ(l_ask(g, 0x205, zeroes, 2, answer), 0x205);
}

static void pattern(uint8_t *data, uint32_t len)
{
	for (uint32_t i = 0; i < len; i++)
		data[i] = (uint8_t)(i * 7 + (i >> 8));
}

TEST(region_is_in_the_file_bit_by_bit)
{
	struct modem_config config = { .reboot_us = 50000 };
	struct guest *g = new_ebl(&config);
	uint8_t data[10001], flash[SIZE];

	pattern(data, sizeof(data));
	secure(g);
	erase(g, 0x3000, sizeof(data));
	CHECK_EQ(raw(g, 0x3000, data, sizeof(data), 1000), 0x80f);
	read_flash(flash);
	CHECK_MEM(flash + 0x3000, data, sizeof(data));
	for (uint32_t i = 0; i < SIZE; i++) {
		if (i < 0x3000 || i >= 0x3000 + sizeof(data))
			CHECK_EQ(flash[i], 0xff);
	}
	CHECK_EQ(g->modem.nand.erased_blocks, 3);
	CHECK_EQ(g->modem.nand.written, sizeof(data));
	security_end(g);
	CHECK_CLEAN(g);
	done(g);
}

TEST(modem_reboots_after_security_end)
{
	struct modem_config config = { .reboot_us = 50000 };
	struct guest *g = new_ebl(&config);
	uint8_t data[100];
	unsigned int before;

	pattern(data, sizeof(data));
	secure(g);
	erase(g, 0, sizeof(data));
	CHECK_EQ(raw(g, 0, data, sizeof(data), 100), 0x80f);
	security_end(g);
	before = g->msis;
	g_run(g, 49999);
	CHECK_EQ(g_read(g, 0x00), STAGE_EBL);
	g_run(g, 1);
	/* Silently. */
	CHECK_EQ(g->msis, before);
	CHECK_EQ(g_read(g, 0x00), STAGE_RUN);
	CHECK_EQ(g_read(g, 0x60), 0);
	/* The ring goes on where it stood; the pipes are those of the MUX. */
	g_up(g);
	g_channel(g, 0, 8, G_DL_SIZE);
	CHECK_EQ(g_close(g, 0), 1);
	CHECK_EQ(g_close(g, 1), 1);
	CHECK_CLEAN(g);
	done(g);
}

TEST(modem_stays_if_nothing_was_flashed)
{
	struct modem_config config = { .reboot_us = 50000 };
	struct guest *g = new_ebl(&config);

	secure(g);
	security_end(g);
	g_run(g, 10000000);
	CHECK_EQ(g_read(g, 0x00), STAGE_EBL);
	CHECK_CLEAN(g);
	done(g);
}

TEST(another_image_keeps_it_from_rebooting)
{
	struct modem_config config = { .reboot_us = 50000 };
	struct guest *g = new_ebl(&config);
	uint8_t data[100], flash[SIZE];

	pattern(data, sizeof(data));
	for (uint32_t i = 0; i < 3; i++) {
		secure(g);
		erase(g, i * 0x1000, sizeof(data));
		CHECK_EQ(raw(g, i * 0x1000, data, sizeof(data), 100), 0x80f);
		g_run(g, 1000000);
		CHECK_EQ(g_read(g, 0x00), STAGE_EBL);
		security_end(g);
		g_run(g, 40000);
	}
	g_run(g, 10000);
	CHECK_EQ(g_read(g, 0x00), STAGE_RUN);
	read_flash(flash);
	for (uint32_t i = 0; i < 3; i++)
		CHECK_MEM(flash + i * 0x1000, data, sizeof(data));
	CHECK_CLEAN(g);
	done(g);
}

/* An erase of everything comes before the next security start. */
TEST(what_the_host_says_puts_the_reboot_off)
{
	struct modem_config config = { .reboot_us = 50000 };
	struct guest *g = new_ebl(&config);
	static const uint8_t full[16] = {
		3, 0, 0, 0, 8, 0, 0, 0, 0xff, 0xff, 0xff, 0xff,
	};
	uint8_t data[100], answer[16384];

	pattern(data, sizeof(data));
	secure(g);
	erase(g, 0, sizeof(data));
	CHECK_EQ(raw(g, 0, data, sizeof(data), 100), 0x80f);
	security_end(g);
	g_run(g, 40000);
	CHECK_EQ(l_ask(g, 0x80c, full, 16, answer), 0x80c);
	for (int i = 0; i < 2; i++) {
		g_run(g, 40000);
		check_erase(g);
	}
	g_run(g, 49999);
	CHECK_EQ(g_read(g, 0x00), STAGE_EBL);
	secure(g);
	g_run(g, 1000000);
	CHECK_EQ(g_read(g, 0x00), STAGE_EBL);
	security_end(g);
	g_run(g, 49999);
	CHECK_EQ(g_read(g, 0x00), STAGE_EBL);
	g_run(g, 1);
	CHECK_EQ(g_read(g, 0x00), STAGE_RUN);
	CHECK_CLEAN(g);
	done(g);
}

TEST(full_erase_covers_everything)
{
	struct modem_config config = { .reboot_us = 50000 };
	struct guest *g = new_ebl(&config);
	uint8_t data[SIZE], flash[SIZE], answer[16384];
	static const uint8_t full[16] = {
		3, 0, 0, 0, 8, 0, 0, 0, 0xff, 0xff, 0xff, 0xff,
	};

	memset(data, 0, sizeof(data));
	secure(g);
	erase(g, 0, SIZE);
	CHECK_EQ(raw(g, 0, data, SIZE, SIZE), 0x80f);
	read_flash(flash);
	CHECK_MEM(flash, data, SIZE);
	CHECK_EQ(l_ask(g, 0x80c, full, 16, answer), 0x80c);
	CHECK_EQ(check_erase(g), 0);
	CHECK_EQ(check_erase(g), 1);
	memset(data, 0xff, sizeof(data));
	read_flash(flash);
	CHECK_MEM(flash, data, SIZE);
	CHECK_EQ(g->modem.nand.erased_blocks, 2 * SIZE / 4096);
	/* Now no region needs erasing. */
	pattern(data, 100);
	CHECK_EQ(raw(g, 0x5000, data, 100, 100), 0x80f);
	read_flash(flash);
	CHECK_MEM(flash + 0x5000, data, 100);
	CHECK_CLEAN(g);
	done(g);
}

TEST(what_was_not_erased_is_damaged)
{
	struct modem_config config = { .reboot_us = 50000 };
	struct guest *g = new_ebl(&config);
	uint8_t data[2] = { 0xf0, 0x0f }, flash[SIZE];

	secure(g);
	CHECK_EQ(raw(g, 0x1000, data, 2, 2), 0x80f);
	CHECK_CLEAN(g);
	data[0] = 0x3c;
	CHECK_EQ(raw(g, 0x1000, data, 2, 2), 0x80f);
	CHECK_VIOLATION(g, "7.5.6");
	read_flash(flash);
	CHECK_EQ(flash[0x1000], 0x30);
	CHECK_EQ(flash[0x1001], 0x0f);
	CHECK_EQ(g->modem.nand.damaged, 1);
	/* The stock driver forgets to, once it has erased everything. */
	critic_set_strict(false);
	data[0] = 0xff;
	CHECK_EQ(raw(g, 0x1000, data, 2, 2), 0x80f);
	CHECK_CLEAN(g);
	done(g);
}

TEST(flash_memory_has_an_end)
{
	struct modem_config config = { .reboot_us = 50000 };
	struct guest *g = new_ebl(&config);
	uint8_t data[0x2000], flash[SIZE];

	memset(data, 0, sizeof(data));
	secure(g);
	CHECK_EQ(ask32(g, 0x805, SIZE - 0x1000, SIZE + 0x1000 - 2, 8), 0x41);
	CHECK_EQ(ask32(g, 0x802, SIZE, 0, 4), 0x41);
	CHECK_EQ(raw(g, SIZE - 0x1000, data, 0x2000, 0x2000), 0x41);
	memset(data, 0xff, sizeof(data));
	read_flash(flash);
	CHECK_MEM(flash + SIZE - 0x1000, data, 0x1000);
	CHECK_CLEAN(g);
	done(g);
}

TEST(swid_table_is_read_with_the_token)
{
	struct modem_config config = { .reboot_us = 50000 };
	struct guest *g = new_ebl(&config);
	static const uint8_t read[16] = { 2, 0, 0, 0, 16 };
	uint8_t answer[16384], table[16384];

	CHECK_EQ(l_ask(g, 0x80c, read, 16, answer), 0x80c);
	CHECK_EQ(l_ask(g, 0x80e, answer, 4, table), 0x80e);
	CHECK_EQ(wire_get32(table), 1);
	CHECK_EQ(wire_get32(table + 36), 0x57494453);
	CHECK_EQ(wire_get32(table + 72), 0xa1b2c3);
	CHECK(memchr(table + 4, 0, 32) && memchr(table + 40, 0, 32));
	CHECK_CLEAN(g);
	answer[0]++;
	CHECK_EQ(l_ask(g, 0x80e, answer, 4, table), 0x41);
	CHECK_VIOLATION(g, "7.5.4");
	done(g);
}

TEST(golden_requests_are_understood)
{
	struct modem_config config = { .reboot_us = 50000 };
	struct guest *g = new_ebl(&config);
	static const uint8_t swid[8] = { 0x2e, 8, 0x0c, 8, 0x10 };
	static const uint8_t swid_payload[16] = { 2, 0, 0, 0, 0x10 };
	static const uint8_t all[8] = { 0x23, 0x0c, 0x0c, 8, 0x10 };
	static const uint8_t all_payload[16] = {
		3, 0, 0, 0, 8, 0, 0, 0, 0xff, 0xff, 0xff, 0xff,
	};
	static const uint8_t check[8] = { 8, 8, 6, 8, 2 };
	static const uint8_t zeroes[2];
	uint8_t answer[16384];

	l_send(g, swid, 8);
	l_send(g, swid_payload, 16);
	CHECK_EQ(l_response(g, answer, 16384), 0x80c);
	l_send(g, all, 8);
	l_send(g, all_payload, 16);
	CHECK_EQ(l_response(g, answer, 16384), 0x80c);
	l_send(g, check, 8);
	l_send(g, zeroes, 2);
	CHECK_EQ(l_response(g, answer, 16384), 0x806);
	CHECK_EQ(g->modem.flash.counters.packets[6], 2);
	CHECK_EQ(g->modem.flash.counters.packets[5], 1);
	CHECK_CLEAN(g);
	done(g);
}

TEST(golden_commands_are_understood)
{
	static const uint8_t load[8] = { [4] = 2, [6] = 2 };
	struct modem_config config = { .stage = STAGE_PSI };
	struct guest *g = l_new(&config);

	l_session(g);
	l_ack(g, 0, 0xaa);
	l_send(g, load, 8);
	l_ack(g, 0, 0xaa);
	CHECK_CLEAN(g);
	g_free(g);
}

/* What PSI does not understand gets no answer. */
TEST(bad_commands_are_violations)
{
	static const uint8_t commands[][9] = {
		{ [4] = 2, [6] = 3 },
		{ [0] = 1, [4] = 2, [6] = 3 },
		{ [4] = 5, [6] = 5 },
		{ [1] = 0x20, [4] = 0x12, [6] = 0x12, [7] = 0x20 },
	};
	struct modem_config config = { .stage = STAGE_PSI };
	struct guest *g = l_new(&config);

	l_session(g);
	l_ack(g, 0, 0xaa);
	for (unsigned int i = 0; i < 4; i++) {
		l_send(g, commands[i], 8);
		CHECK_VIOLATION(g, "7.5.3");
	}
	l_send(g, commands[0], 7);
	CHECK_VIOLATION(g, "7.5.3");
	CHECK(l_quiet(g));
	/* It still listens. */
	l_ebl(g);
	CHECK_CLEAN(g);
	g_free(g);
}

TEST(ebl_that_is_none_is_a_crash)
{
	struct modem_config config = { .stage = STAGE_PSI };
	struct guest *g = l_new(&config);
	uint8_t length[4] = { 4 };

	l_session(g);
	l_ack(g, 0, 0xaa);
	l_command(g, 2, 0);
	l_ack(g, 0, 0xaa);
	l_send(g, length, 4);
	l_ack(g, 0, 0xaa);
	l_send(g, "EBL1", 4);
	CHECK(l_quiet(g));
	CHECK_EQ(g_read(g, 0x00), STAGE_CRASH);
	CHECK_EQ(g_get(g, G_STATUS), STAGE_CRASH);
	CHECK_EQ(g->modem.flash.counters.loads, 0);
	CHECK_CLEAN(g);
	g_free(g);
}

TEST(ebl_comes_in_one_piece)
{
	struct modem_config config = { .stage = STAGE_PSI };
	struct guest *g = l_new(&config);
	uint8_t length[4] = { 8 };

	l_session(g);
	l_ack(g, 0, 0xaa);
	l_command(g, 2, 0);
	l_ack(g, 0, 0xaa);
	l_send(g, length, 4);
	l_ack(g, 0, 0xaa);
	l_send(g, "EBL0", 4);
	CHECK_VIOLATION(g, "7.5.4");
	CHECK_EQ(g_read(g, 0x00), STAGE_CRASH);
	g_free(g);
}

/* From PSI to the record. */
static void load(struct guest *g, uint8_t record[76])
{
	uint8_t length[4] = { 4 };

	l_session(g);
	l_ack(g, 0, 0xaa);
	l_command(g, 2, 0);
	l_ack(g, 0, 0xaa);
	l_send(g, length, 4);
	l_ack(g, 0, 0xaa);
	l_send(g, "EBL0", 4);
	l_ack(g, 0, 0xaa);
	l_receive(g, record, 76);
}

TEST(record_is_echoed_with_the_edits)
{
	struct modem_config config = { .stage = STAGE_PSI };
	uint8_t answer[16384], record[76];

	for (unsigned int i = 0; i < 76; i++) {
		struct guest *g = l_new(&config);

		load(g, record);
		CHECK_EQ(record[50], 1);
		CHECK_EQ(record[64], 0x28);
		CHECK_EQ(record[70], 2);
		record[54] = 0;
		record[55] = 0;
		record[57] = 1;
		/* One of the two bits goes, whichever. */
		record[64] = i & 1 ? 0x08 : 0x20;
		record[i] ^= 0x80;
		CHECK_EQ(l_ask(g, 0x86, record, 76, answer), 0x86);
		CHECK_VIOLATION(g, "7.5.4");
		g_free(g);
	}
}

TEST(record_without_extensions_keeps_its_bits)
{
	uint8_t answer[16384], record[76], own[76];
	struct modem_config config = { .stage = STAGE_PSI, .record = own };
	struct guest *g;

	flash_usual_record(own);
	CHECK(flash_caps(own, "50=00,64=FF,70=7"));
	g = l_new(&config);
	load(g, record);
	CHECK_MEM(record, own, 76);
	record[54] = 0;
	record[55] = 0;
	CHECK_EQ(l_ask(g, 0x86, record, 76, answer), 0x86);
	CHECK_CLEAN(g);
	g_free(g);
}

TEST(texts_for_the_record)
{
	static const char * const bad[] = {
		"", "50", "50=", "=1", "76=1", "50=100", "50=1,", "50=1 ",
		"50=x", "-1=1", "50=1;51=2", "50=-1", "50= 1",
	};
	uint8_t record[76] = { 0 };

	for (unsigned int i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		CHECK(!flash_caps(record, bad[i]));
	CHECK(flash_caps(record, "0=a,75=FF"));
	CHECK_EQ(record[0], 0x0a);
	CHECK_EQ(record[75], 0xff);
}

TEST(requests_are_checked)
{
	struct modem_config config = { .reboot_us = 50000 };
	struct guest *g = new_ebl(&config);
	static const uint8_t bad_sum[8] = { 9, 8, 6, 8, 2 };
	static const uint8_t bad_len[8] = { 9, 8, 6, 8, 3 };
	uint8_t answer[16384], payload[20000] = { 0 };

	/* The checksum, one bit off. */
	l_send(g, bad_sum, 8);
	l_send(g, payload, 2);
	CHECK_EQ(l_response(g, answer, 16384), 0x41);
	CHECK_VIOLATION(g, "7.5.5");
	CHECK_EQ(g->modem.flash.counters.checksum_errors, 1);
	/* A length that is not that of the payload. */
	l_send(g, bad_len, 8);
	l_send(g, payload, 2);
	CHECK_EQ(l_response(g, answer, 16384), 0x41);
	CHECK_VIOLATION(g, "7.5.5");
	/* Too much, too little, the unknown. */
	CHECK_EQ(l_ask(g, 0x204, payload, 16385, answer), 0x41);
	CHECK_VIOLATION(g, "7.5.5");
	CHECK_EQ(l_ask(g, 0x806, payload, 4, answer), 0x41);
	CHECK_VIOLATION(g, "7.5.5");
	CHECK_EQ(l_ask(g, 0x207, payload, 4, answer), 0x41);
	CHECK_VIOLATION(g, "7.5.5");
	CHECK_EQ(g->modem.flash.counters.packets[FLASH_PACKETS], 1);
	l_send(g, payload, 9);
	CHECK_VIOLATION(g, "7.5.5");
	CHECK(l_quiet(g));
	/* Two bytes that are zero. */
	secure(g);
	payload[1] = 1;
	CHECK_EQ(l_ask(g, 0x205, payload, 2, answer), 0x205);
	CHECK_VIOLATION(g, "7.5.5");
	/* Numbers that mean nothing. */
	CHECK_EQ(l_ask(g, 0x80c, payload, 16, answer), 0x41);
	CHECK_VIOLATION(g, "7.5.5");
	done(g);
}

TEST(order_is_checked)
{
	struct modem_config config = { .reboot_us = 50000 };
	struct guest *g = new_ebl(&config);
	uint8_t zeroes[2] = { 0 }, answer[16384];

	/* A region without security start. */
	ask32(g, 0x802, 0, 0, 4);
	CHECK_VIOLATION(g, "7.5.6");
	ask32(g, 0x805, 0, 98, 8);
	CHECK_VIOLATION(g, "7.5.6");
	check_erase(g);
	check_erase(g);
	CHECK_CLEAN(g);
	l_ask(g, 0x205, zeroes, 2, answer);
	CHECK_VIOLATION(g, "7.5.6");
	/* Nothing is erased. */
	check_erase(g);
	CHECK_VIOLATION(g, "7.5.6");
	secure(g);
	/* Impatience. */
	ask32(g, 0x805, 0, 98, 8);
	check_erase(g);
	CHECK_CLEAN(g);
	ask32(g, 0x802, 0, 0, 4);
	CHECK_VIOLATION(g, "7.5.6");
	check_erase(g);
	/* An address is good for one image. */
	CHECK_EQ(raw(g, 0, zeroes, 2, 2), 0x80f);
	CHECK_CLEAN(g);
	raw_header(g, 2);
	CHECK_VIOLATION(g, "7.5.6");
	done(g);
}

TEST(configuration_comes_first)
{
	struct modem_config config = { .stage = STAGE_PSI };
	struct guest *g = l_new(&config);
	uint8_t answer[16384], record[76];

	load(g, record);
	l_ask(g, 0x204, record, 76, answer);
	CHECK_VIOLATION(g, "7.5.4");
	g_free(g);

	/* There is no record of an EBL that somebody else loaded. */
	config.stage = STAGE_EBL;
	g = l_new(&config);
	l_session(g);
	secure(g);
	CHECK_CLEAN(g);
	l_ask(g, 0x86, record, 76, answer);
	CHECK_VIOLATION(g, "7.5.4");
	g_free(g);
}

TEST(raw_image_has_the_announced_length)
{
	struct modem_config config = { .reboot_us = 50000 };
	struct guest *g = new_ebl(&config);
	uint8_t data[64], answer[16384];

	memset(data, 0, sizeof(data));
	secure(g);
	ask32(g, 0x802, 0, 0, 4);
	raw_header(g, 60);
	l_send(g, data, 40);
	l_send(g, data, 40);
	CHECK_VIOLATION(g, "7.5.6");
	CHECK_EQ(l_response(g, answer, 16384), 0x80f);
	CHECK_EQ(g->modem.nand.written, 60);
	ask32(g, 0x802, 0x1000, 0, 4);
	raw_header(g, 0);
	CHECK_VIOLATION(g, "7.5.6");
	CHECK_EQ(l_response(g, answer, 16384), 0x41);
	done(g);
}

TEST(raw_data_come_in_a_mebibyte_at_most)
{
	struct modem_config config = { .stage = STAGE_EBL };
	struct guest *g = l_new(&config);
	uint8_t *data = calloc(1, (1u << 20) + 1), answer[16384];

	l_session(g);
	secure(g);
	ask32(g, 0x802, 0, 0, 4);
	raw_header(g, 2u << 20);
	l_send(g, data, 1u << 20);
	CHECK_CLEAN(g);
	l_send(g, data, (1u << 20) - 1);
	l_send(g, data, 1);
	CHECK_EQ(l_response(g, answer, 16384), 0x80f);
	CHECK_CLEAN(g);
	ask32(g, 0x802, 0, 0, 4);
	raw_header(g, 2u << 20);
	l_send(g, data, (1u << 20) + 1);
	CHECK_VIOLATION(g, "7.5.6");
	free(data);
	g_free(g);
}

TEST(conversation_starts_anew_with_the_session)
{
	struct modem_config config = { .reboot_us = 50000 };
	struct guest *g = new_ebl(&config);
	uint8_t data[100];

	pattern(data, sizeof(data));
	secure(g);
	erase(g, 0, sizeof(data));
	ask32(g, 0x802, 0, 0, 4);
	raw_header(g, 100);
	l_send(g, data, 50);
	g_ring(g, 1, 0);
	l_session(g);
	CHECK(l_quiet(g));
	/* EBL still knows what it was trusted with. */
	erase(g, 0, sizeof(data));
	CHECK_EQ(raw(g, 0, data, sizeof(data), 100), 0x80f);
	security_end(g);
	g_run(g, 50000);
	CHECK_EQ(g_read(g, 0x00), STAGE_RUN);
	CHECK_CLEAN(g);
	done(g);
}

TEST(flash_memory_is_kept)
{
	struct modem_config config = { .reboot_us = 50000 };
	struct guest *g = new_ebl(&config);
	uint8_t data[100], flash[SIZE];

	pattern(data, sizeof(data));
	secure(g);
	erase(g, 0x100, sizeof(data));
	CHECK_EQ(raw(g, 0x100, data, sizeof(data), 100), 0x80f);
	pcidev_power_on(&g->pci);
	CHECK_CLEAN(g);
	g_free(g);
	/* Of whatever size it is. */
	config.flash_size = 2 * SIZE;
	g = l_new(&config);
	CHECK_EQ(g->modem.nand.size, SIZE);
	read_flash(flash);
	CHECK_MEM(flash + 0x100, data, sizeof(data));
	done(g);
}

TEST(files_that_are_no_flash_memory)
{
	struct modem_config config = { .flash = "/no/such/directory/file" };
	struct nand nand;
	int fd;

	CHECK(nand_open(&nand, config.flash, SIZE));
	CHECK(nand_open(&nand, "/dev/null", SIZE));
	CHECK(nand_open(&nand, "/tmp", SIZE));
	memcpy(path, TEMPLATE, sizeof(path));
	fd = mkstemp(path);
	CHECK_EQ(write(fd, "x", 1), 1);
	close(fd);
	CHECK(nand_open(&nand, path, SIZE));
	CHECK_EQ(nand.fd, -1);
	unlink(path);
	CHECK(!nand_open(&nand, NULL, SIZE));
	CHECK(nand_erase(&nand, 1, SIZE - 1));
	CHECK(!nand_erase(&nand, 1, SIZE));
	CHECK(!nand_fits(&nand, UINT64_MAX, 2));
	CHECK(!nand_write(&nand, SIZE, (const uint8_t *)"x", 1));
	CHECK(nand_write(&nand, SIZE - 1, (const uint8_t *)"x", 1));
}
