// SPDX-License-Identifier: GPL-2.0-only
/*
 * The strictest reader of the driver: each kind of violation of registers,
 * rings and pipes is provoked once, and nothing else is complained about.
 */
#include "guest.h"

static struct guest *up(void)
{
	return g_new(true, WORLD_SINK);
}

static struct guest *fresh(void)
{
	const struct modem_config config = { .running_us = 50000 };

	return g_new_device(&config, WORLD_SINK);
}

static void read_bytes(struct guest *g, unsigned int bar, uint64_t offset,
		       uint32_t size)
{
	uint8_t data[64];

	pcidev_bar_read(&g->pci, bar, offset, data, size);
}

static void write_bytes(struct guest *g, unsigned int bar, uint64_t offset,
			uint32_t size)
{
	static const uint8_t data[64];

	pcidev_bar_write(&g->pci, bar, offset, data, size);
}

TEST(registers_are_read_as_they_should)
{
	struct guest *g = fresh();

	read_bytes(g, 2, 0x00, 1);
	CHECK_VIOLATION(g, "2.1");
	read_bytes(g, 2, 0x60, 8);
	CHECK_VIOLATION(g, "2.1");
	read_bytes(g, 2, 0x44, 4);
	CHECK_VIOLATION(g, "2.1");
	read_bytes(g, 2, 0x64, 4);
	CHECK_VIOLATION(g, "2.1");
	read_bytes(g, 2, 0x80, 4);
	CHECK_VIOLATION(g, "2.1");
	read_bytes(g, 2, 0xf8, 4);
	CHECK_VIOLATION(g, "2.1");
	read_bytes(g, 2, 0x3c, 8);
	CHECK_VIOLATION(g, "2.1");
	read_bytes(g, 2, 0x04, 60);
	CHECK_CLEAN(g);
	g_free(g);
}

TEST(registers_are_written_as_they_should)
{
	struct guest *g = fresh();

	write_bytes(g, 2, 0x00, 4);
	CHECK_VIOLATION(g, "2.1");
	write_bytes(g, 2, 0x50, 4);
	CHECK_VIOLATION(g, "2.1");
	write_bytes(g, 2, 0x64, 8);
	CHECK_VIOLATION(g, "2.1.1");
	write_bytes(g, 2, 0x65, 1);
	CHECK_VIOLATION(g, "2.1.1");
	write_bytes(g, 2, 0x66, 4);
	CHECK_VIOLATION(g, "2.1.1");
	critic_set_strict(false);
	write_bytes(g, 2, 0x64, 8);
	CHECK_CLEAN(g);
	g_free(g);
}

TEST(any_split_of_a_register_works)
{
	static const uint8_t value[8] = { 1, 2, 3, 4, 5, 6, 7, 8 };
	struct guest *g = fresh();

	critic_set_strict(false);
	for (uint32_t size = 1; size <= 8; size *= 2) {
		memset(g->modem.reg + 0x64, 0, 8);
		for (uint32_t at = 8; at > 0; at -= size)
			pcidev_bar_write(&g->pci, 2, 0x64 + at - size,
					 value + at - size, size);
		CHECK_MEM(g->modem.reg + 0x64, value, 8);
	}
	CHECK_CLEAN(g);
	g_free(g);
}

TEST(doorbells_are_32_bit_writes)
{
	struct guest *g = fresh();

	read_bytes(g, 0, 0x10, 4);
	CHECK_VIOLATION(g, "1.3");
	write_bytes(g, 0, 0x30, 1);
	CHECK_VIOLATION(g, "1.3");
	write_bytes(g, 0, 0x30, 8);
	CHECK_VIOLATION(g, "1.3");
	write_bytes(g, 0, 0x18, 4);
	CHECK_VIOLATION(g, "1.3");
	g_free(g);
}

TEST(bars_have_an_end)
{
	struct guest *g = fresh();

	read_bytes(g, 2, 4096, 4);
	CHECK_VIOLATION(g, "1.2");
	read_bytes(g, 2, 4094, 4);
	CHECK_VIOLATION(g, "1.2");
	read_bytes(g, 2, ~0ull, 4);
	CHECK_VIOLATION(g, "1.2");
	read_bytes(g, 1, 0, 4);
	CHECK_VIOLATION(g, "1.2");
	write_bytes(g, 6, 0, 4);
	CHECK_VIOLATION(g, "1.2");
	g_config(g, 4, 0, 2);
	read_bytes(g, 2, 0, 4);
	CHECK_VIOLATION(g, "1.2");
	g_free(g);
}

TEST(no_access_in_d3hot)
{
	struct guest *g = fresh();
	uint8_t data[4];

	g_config(g, PCIDEV_CAP_PM + 4, 3, 2);
	pcidev_bar_read(&g->pci, 2, 0, data, 4);
	CHECK_EQ(wire_get32(data), 0xffffffff);
	CHECK_VIOLATION(g, "6.5");
	g_bell(g, 1, 1);
	CHECK_VIOLATION(g, "6.5");
	g_config(g, PCIDEV_CAP_PM + 4, 0, 2);
	CHECK_EQ(g_read(g, 0), STAGE_RUN);
	CHECK_CLEAN(g);
	g_free(g);
}

TEST(d3hot_must_be_announced)
{
	struct guest *g = up();

	g_config(g, PCIDEV_CAP_PM + 4, 3, 2);
	CHECK_VIOLATION(g, "6.5");
	g_free(g);
}

TEST(state_doorbell_in_order)
{
	struct guest *g = fresh();

	g_context(g);
	g_ring(g, 1, 2);
	CHECK_VIOLATION(g, "2.5");
	g_ring(g, 1, 7);
	CHECK_VIOLATION(g, "1.3.2");
	g_ring(g, 1, 1);
	g_ring(g, 1, 1);
	CHECK_VIOLATION(g, "2.5");
	g_write(g, 0x64, G_BASE + G_CONTEXT);
	g_ring(g, 1, 2);
	CHECK_CLEAN(g);
	g_ring(g, 1, 2);
	CHECK_VIOLATION(g, "2.5");
	g_write(g, 0x64, 0);
	CHECK_VIOLATION(g, "2.5");
	g_free(g);
}

TEST(running_needs_bus_mastering)
{
	struct guest *g = fresh();

	g_context(g);
	g_config(g, 4, 0x0002, 2);
	g_ring(g, 1, 1);
	g_write(g, 0x64, G_BASE + G_CONTEXT);
	g_ring(g, 1, 2);
	CHECK_VIOLATION(g, "1.5");
	CHECK_EQ(g_read(g, 0x60), 1);
	g_free(g);
}

/* A host may forbid DMA at any time: it misses interrupts, and that is all. */
TEST(bus_mastering_may_end)
{
	struct guest *g = up();
	uint8_t *data;
	uint64_t lost;

	g_channel(g, 2, 8, 64);
	g_config(g, 4, 0x0002, 2);
	lost = g->pci.msi_lost;
	g_data(g, 2, "a", 1);
	g_run(g, 10000000);
	pcidev_msi(&g->pci);
	CHECK_EQ(g->pci.msi_lost, lost + 1);
	CHECK_EQ(g_receive(g, 3, &data), -1);
	CHECK_CLEAN(g);
	g_config(g, 4, 0x0006, 2);
	g_ring(g, 0, 6);
	CHECK_EQ(g_receive(g, 3, &data), 1);
	g_config(g, 4, 0x0002, 2);
	g_ring(g, 1, 0);
	CHECK_EQ(g_read(g, 0x60), 0);
	CHECK_CLEAN(g);
	g_free(g);
}

TEST(head_doorbell_only_while_running)
{
	struct guest *g = fresh();

	g_ring(g, 0, 0);
	CHECK_VIOLATION(g, "10.3.2");
	g_ring(g, 2, 2);
	CHECK_VIOLATION(g, "6.2");
	g_free(g);
}

TEST(head_doorbell_reasons)
{
	struct guest *g = up();

	g_channel(g, 2, 8, 64);
	g_data(g, 2, "x", 1);
	g_ring(g, 0, 2);
	CHECK_VIOLATION(g, "1.3.1");
	g_data(g, 2, "x", 1);
	g_ring(g, 0, 10);
	CHECK_VIOLATION(g, "1.3.1");
	g_data(g, 2, "x", 1);
	g_ring(g, 0, 0x100);
	CHECK_VIOLATION(g, "1.3.1");
	g_free(g);
}

/* Each word of the context that is wrong keeps the modem out of RUNNING. */
TEST(context_is_checked)
{
	static const struct {
		unsigned int offset;
		uint32_t value;
	} bad[] = {
		{ 0, 0 }, { 4, 1 }, { 8, 0 }, { 20, 0x7fffffff }, { 28, 9 },
		{ 36, 5 }, { 44, 6 }, { 40, 0 }, { 48, 1 }, { 48, 0 },
	};

	for (unsigned int i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct guest *g = fresh();

		g_context(g);
		g_put(g, G_CONTEXT + bad[i].offset, bad[i].value);
		g_start(g);
		CHECK_VIOLATIONS(g, "3.2");
		CHECK_EQ(g_read(g, 0x60), 1);
		g_run(g, 100000);
		CHECK_EQ(g->msis, 0);
		g_free(g);
	}
}

TEST(context_vectors_must_exist)
{
	struct guest *g = fresh();

	g_context(g);
	g->mem[G_CONTEXT + 50] = 1;
	g_start(g);
	CHECK_VIOLATION(g, "3.2");
	CHECK_EQ(g_read(g, 0x60), 2);
	g_free(g);
}

TEST(context_outside_memory)
{
	struct guest *g = fresh();

	g_context(g);
	g_ring(g, 1, 1);
	g_write(g, 0x64, (uint32_t)(G_BASE + G_SIZE - 51));
	g_ring(g, 1, 2);
	CHECK_VIOLATION(g, "3.2");
	g_free(g);
}

TEST(window_limits_addresses)
{
	struct guest *g = fresh();

	g_context(g);
	g_ring(g, 1, 1);
	g_write(g, 0x6c, (uint32_t)G_BASE + 0x2000);
	g_write(g, 0x74, (uint32_t)G_BASE + G_SIZE - 1);
	g_write(g, 0x64, G_BASE + G_CONTEXT);
	g_ring(g, 1, 2);
	CHECK_VIOLATION(g, "3.2");
	g_write(g, 0x6c, (uint32_t)G_BASE);
	g_ring(g, 1, 2);
	CHECK_CLEAN(g);
	CHECK_EQ(g_read(g, 0x60), 2);
	g_free(g);
}

TEST(control_tail_at_start)
{
	struct guest *g = fresh();

	g_context(g);
	g_put(g, G_CR_TAIL, 128);
	g_start(g);
	CHECK_VIOLATION(g, "3.4.1");
	g_free(g);
}

TEST(first_messages_are_given)
{
	struct guest *g = fresh();

	g_context(g);
	g_start(g);
	g_run(g, 50000);
	CHECK_EQ(g_open(g, 2, 4), 1);
	CHECK_VIOLATION(g, "10.4");
	CHECK_EQ(g_sleep_message(g, 1, 0), 1);
	CHECK_VIOLATION(g, "10.4");
	g_features(g, 0x80);
	CHECK_VIOLATION(g, "10.4");
	g_free(g);

	g = up();
	g_features(g, 0x80);
	CHECK_VIOLATION(g, "10.4");
	g_sleep_message(g, 1, 0);
	CHECK_VIOLATION(g, "10.4");
	g_free(g);
}

TEST(features_flags)
{
	struct guest *g = fresh();

	g_context(g);
	g_start(g);
	g_run(g, 50000);
	g_sleep_message(g, 1, 0);
	g_features(g, 0x01);
	CHECK_EQ(g_violations(g), 2);
	g_free(g);
}

TEST(control_head_in_range)
{
	struct guest *g = up();

	g_put(g, G_CR_HEAD, 128);
	g_ring(g, 0, 0);
	CHECK(g_violations(g) >= 1);
	/* The ring is dead until the next session. */
	g_put(g, G_CR_HEAD, 3);
	g_ring(g, 0, 0);
	CHECK_EQ(g_get(g, G_CR_TAIL), 2);
	g_violations(g);
	g_free(g);
}

TEST(control_tail_is_ours)
{
	struct guest *g = up();
	uint8_t m[24];

	g_put(g, G_CR_TAIL, 7);
	g_open_bytes(g, 2, 4, m);
	CHECK_EQ(g_message(g, m), 1);
	CHECK_VIOLATION(g, "3.4.1");
	CHECK_EQ(g_get(g, G_CR_TAIL), 3);
	g_free(g);
}

TEST(doorbell_without_news)
{
	struct guest *g = up();

	g_ring(g, 0, 0);
	CHECK_VIOLATION(g, "3.4.1");
	g_ring(g, 0, 6);
	CHECK_VIOLATION(g, "3.5.4");
	critic_set_strict(false);
	g_ring(g, 0, 4);
	CHECK_CLEAN(g);
	g_free(g);
}

TEST(doorbell_may_come_after_its_news)
{
	struct guest *g = up();

	g_open(g, 2, 16);
	g_open(g, 3, 16);
	/* The look for the first doorbell finds the second TD, too. */
	g_data(g, 2, "a", 1);
	g_bell(g, 0, 6);
	g_data(g, 2, "b", 1);
	g_run(g, 0);
	CHECK_EQ(g_get(g, G_TAILS + 8), 2);
	/* The downlink pipe is open, but has no buffer: nothing comes back. */
	CHECK_CLEAN(g);
	g_ring(g, 0, 6);
	CHECK_CLEAN(g);
	g_ring(g, 0, 6);
	CHECK_VIOLATION(g, "3.5.4");
	g_free(g);
}

TEST(spurious_doorbell_is_found_after_a_burst)
{
	struct guest *g = up();

	g_channel(g, 2, 64, 64);
	for (int i = 0; i < 40; i++)
		g_data(g, 2, "a", 1);
	/* One for the burst, one late, three from other contexts. */
	for (int i = 0; i < 5; i++)
		g_ring(g, 0, 6);
	CHECK_CLEAN(g);
	g_ring(g, 0, 6);
	CHECK_VIOLATION(g, "3.5.4");
	g_free(g);
}

TEST(lost_doorbell_is_found)
{
	struct guest *g = up();
	uint8_t *answer;

	g_channel(g, 2, 16, 64);
	g_data(g, 2, "a", 1);
	g_run(g, 4000000);
	CHECK_CLEAN(g);
	CHECK_EQ(g_receive(g, 3, &answer), -1);
	g_run(g, 1000000);
	CHECK_VIOLATION(g, "3.5.4");
	CHECK_EQ(g_receive(g, 3, &answer), 1);
	/* Asleep, a wake request is as good as a doorbell, and none is bad. */
	CHECK(modem_sleep(&g->modem));
	g_ring(g, 2, 1);
	g_data(g, 2, "a", 1);
	g_run(g, 5000000);
	CHECK_VIOLATION(g, "3.5.4");
	g_free(g);
}

TEST(lenient_modem_looks_by_itself)
{
	struct guest *g = up();
	uint8_t m[24];

	critic_set_strict(false);
	g_channel(g, 0, 16, 2048);
	CHECK_EQ(g_session(g, 0), 0);
	/* There was traffic, so the modem polls. */
	g_open_bytes(g, 2, 4, m);
	g_put_message(g, m);
	g_run(g, 1000);
	CHECK(g->modem.rings.pipe[2].open);
	CHECK_CLEAN(g);
	g_free(g);
}

TEST(message_reserved_fields)
{
	static const uint8_t types[] = { 2, 4 };
	struct guest *g = up();

	g_open(g, 2, 4);
	g_open(g, 3, 4);
	for (unsigned int i = 0; i < sizeof(types); i++) {
		uint8_t m[24] = { [0] = 1, [11] = types[i] };

		m[8] = types[i] == 4;
		m[9] = types[i] == 4;
		m[10] = types[i] == 2 ? 2 : 0;
		g_message(g, m);
		CHECK_VIOLATION(g, "3.4.2");
	}
	g_free(g);
}

TEST(message_status_is_not_preset)
{
	struct guest *g = up();
	uint8_t m[24];

	g_open_bytes(g, 2, 4, m);
	m[20] = 2;
	CHECK_EQ(g_message(g, m), 1);
	CHECK_VIOLATION(g, "3.4.2");
	g_free(g);
}

TEST(message_types_and_values)
{
	struct guest *g = up();
	uint8_t unknown[24] = { [11] = 0x77 }, abort[24] = { [11] = 3 };

	CHECK_EQ(g_message(g, unknown), 2);
	CHECK_VIOLATION(g, "3.4.2");
	CHECK_EQ(g_message(g, abort), 1);
	CHECK_VIOLATION(g, "3.4.2");
	CHECK_EQ(g_sleep_message(g, 2, 0), 2);
	CHECK_VIOLATION(g, "3.4.2");
	CHECK_EQ(g_sleep_message(g, 1, 3), 2);
	CHECK_VIOLATION(g, "3.4.2");
	CHECK_EQ(g_sleep_message(g, 0, 2), 2);
	CHECK_VIOLATION(g, "3.4.2");
	g_free(g);
}

TEST(open_is_checked)
{
	struct guest *g = up();
	uint8_t m[24];

	CHECK_EQ(g_open(g, 3, 4), 1);
	CHECK_VIOLATION(g, "3.5.2");
	CHECK_EQ(g_open(g, 2, 1), 2);
	CHECK_VIOLATION(g, "3.5.2");
	CHECK_EQ(g_open(g, 2, 4), 1);
	CHECK_CLEAN(g);
	CHECK_EQ(g_open(g, 2, 4), 2);
	CHECK_VIOLATION(g, "3.5.2");

	g_open_bytes(g, 4, 4, m);
	m[10] = 24;
	CHECK_EQ(g_message(g, m), 2);
	CHECK_VIOLATION(g, "3.4.2");
	g_open_bytes(g, 4, 4, m);
	wire_put64(m, 0);
	CHECK_EQ(g_message(g, m), 2);
	CHECK_VIOLATION(g, "3.5.2");
	g_open_bytes(g, 4, 4, m);
	wire_put64(m, G_BASE + G_SIZE - 32);
	CHECK_EQ(g_message(g, m), 2);
	CHECK_VIOLATION(g, "3.5.2");
	g_open_bytes(g, 4, 4, m);
	wire_put64(m, ~0ull - 3);
	CHECK_EQ(g_message(g, m), 2);
	CHECK_VIOLATION(g, "3.5.2");
	g_free(g);
}

TEST(open_fields_are_checked)
{
	struct guest *g = up();
	uint8_t m[24];

	g_open_bytes(g, 4, 4, m);
	m[12] = 0x60;
	CHECK_EQ(g_message(g, m), 1);
	CHECK_VIOLATION(g, "3.4.2");
	g_open_bytes(g, 6, 4, m);
	wire_put32(m + 16, 1000001);
	CHECK_EQ(g_message(g, m), 1);
	CHECK_VIOLATION(g, "3.4.2");
	g_open_bytes(g, 8, 4, m);
	g_put(g, G_HEADS + 4 * 8, 1);
	CHECK_EQ(g_message(g, m), 1);
	/* And that head means a TD, which is not there. */
	CHECK_EQ(g_violations(g), 2);
	g_open_bytes(g, 10, 4, m);
	g_put(g, G_TAILS + 4 * 10, 3);
	CHECK_EQ(g_message(g, m), 1);
	CHECK_VIOLATION(g, "3.5.2");
	CHECK_EQ(g_get(g, G_TAILS + 4 * 10), 0);
	g_open_bytes(g, 12, 4, m);
	wire_put64(m, G_BASE + G_RING(12) + 4);
	CHECK_EQ(g_message(g, m), 1);
	CHECK_VIOLATION(g, "3.5.2");
	g_free(g);
}

TEST(close_is_checked)
{
	struct guest *g = up();

	CHECK_EQ(g_close(g, 2), 2);
	CHECK_VIOLATION(g, "3.5.3");
	g_open(g, 2, 4);
	g_open(g, 3, 4);
	CHECK_EQ(g_close(g, 3), 1);
	CHECK_VIOLATION(g, "3.5.3");
	CHECK_EQ(g_close(g, 2), 1);
	CHECK_CLEAN(g);
	g_free(g);
}

TEST(pipe_head_in_range)
{
	struct guest *g = up();

	g_channel(g, 2, 8, 64);
	g_put(g, G_HEADS + 8, 8);
	g_ring(g, 0, 6);
	CHECK(g_violations(g) >= 1);
	/* A broken pipe is left alone. */
	g_put(g, G_HEADS + 8, 1);
	g_ring(g, 0, 6);
	CHECK_EQ(g_get(g, G_TAILS + 8), 0);
	g_violations(g);
	CHECK_EQ(g_close(g, 2), 1);
	g_free(g);
}

TEST(pipe_head_does_not_go_back)
{
	struct guest *g = up();

	g->dl_size[3] = 64;
	g_open(g, 2, 8);
	g_open(g, 3, 8);
	for (int i = 0; i < 7; i++)
		g_buffer(g, 3);
	g_ring(g, 0, 9);
	CHECK_CLEAN(g);
	g_put(g, G_HEADS + 12, 3);
	g_ring(g, 0, 7);
	CHECK(g_violations(g) >= 1);
	CHECK(g->modem.rings.pipe[3].broken);
	g_free(g);
}

TEST(pipe_tail_is_ours)
{
	struct guest *g = up();

	g_channel(g, 2, 8, 64);
	g_put(g, G_TAILS + 8, 5);
	g_send(g, 2, "x", 1);
	CHECK_VIOLATION(g, "3.5");
	CHECK_EQ(g_get(g, G_TAILS + 8), 1);
	g_free(g);
}

TEST(uplink_td_is_checked)
{
	static const struct {
		unsigned int at;
		uint8_t value;
	} bytes[] = { { 11, 2 }, { 12, 1 }, { 13, 1 }, { 15, 0x80 } };
	struct guest *g = up();

	g_channel(g, 2, 16, 64);
	for (unsigned int i = 0; i < sizeof(bytes) / sizeof(*bytes); i++) {
		uint32_t slot = g->head[2];

		g_data(g, 2, "x", 1);
		g->mem[G_RING(2) + 16 * slot + bytes[i].at] = bytes[i].value;
		g_ring(g, 0, 6);
		CHECK_VIOLATION(g, "3.5.1");
		CHECK_EQ(g->mem[G_RING(2) + 16 * slot + 11], 2);
	}
	g_td(g, 2, 0, 5);
	g_ring(g, 0, 6);
	CHECK_VIOLATION(g, "3.5.1");
	g_td(g, 2, G_BASE + G_SIZE - 4, 5);
	g_ring(g, 0, 6);
	CHECK_VIOLATION(g, "3.5.1");
	CHECK_EQ(g->mem[G_RING(2) + 16 * (g->head[2] - 1) + 11], TD_ERROR);
	g_td(g, 2, G_BASE + 0x4000, 0);
	g_ring(g, 0, 6);
	CHECK_VIOLATION(g, "3.6");
	g_free(g);
}

TEST(downlink_td_is_checked)
{
	struct guest *g = up();
	uint8_t *answer;

	g->dl_size[3] = 64;
	g_open(g, 2, 8);
	g_open(g, 3, 8);
	g_td(g, 3, 0, 64);
	g_td(g, 3, G_BASE + 0x4000, 0);
	g_td(g, 3, G_BASE + G_SIZE, 64);
	g_buffer(g, 3);
	for (int i = 0; i < 3; i++)
		g_buffer(g, 3);
	g_ring(g, 0, 9);
	CHECK_CLEAN(g);
	g_send(g, 2, "hello", 5);
	CHECK_EQ(g_violations(g), 3);
	CHECK_STR(violation_section(), "3.5.1");
	CHECK_EQ(g->mem[G_RING(3) + 11], TD_ERROR);
	/* The good buffer behind them is used. */
	g->seen[3] = 3;
	CHECK_EQ(g_receive(g, 3, &answer), 5);
	g_free(g);
}

TEST(channel_opens_with_all_buffers)
{
	struct guest *g = up();

	g->dl_size[3] = 64;
	g_open(g, 2, 8);
	g_open(g, 3, 8);
	for (int i = 0; i < 5; i++)
		g_buffer(g, 3);
	g_ring(g, 0, 9);
	CHECK_VIOLATION(g, "10.4");
	g_free(g);
}

TEST(data_before_the_downlink_pipe)
{
	struct guest *g = up();

	g_open(g, 2, 8);
	g_send(g, 2, "x", 1);
	CHECK_VIOLATION(g, "3.5.2");
	g_free(g);
}

TEST(quirks_are_counted_when_lenient)
{
	struct guest *g = up();
	unsigned long before = quirk_count();

	critic_set_strict(false);
	g_ring(g, 0, 4);
	CHECK_EQ(quirk_count(), before + 1);
	CHECK_CLEAN(g);
	g_free(g);
}
