// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of the register access (protocol.rst 1.3, 2.1): which offset, which
 * width, which order. The bus under it only writes down what it sees.
 */

#include <kunit/test.h>

#include "../iosm_ipc_mmio.h"

enum access { READ32, READ8, WRITE32, RING };

struct record {
	enum access access;
	u32 where;
	u32 value;
};

struct recorder {
	struct iosm_bus bus;
	struct record records[16];
	unsigned int count;
	u32 result;
};

static u32 record(struct iosm_bus *bus, enum access access, u32 where,
		  u32 value)
{
	struct recorder *r = container_of(bus, struct recorder, bus);

	if (r->count < ARRAY_SIZE(r->records))
		r->records[r->count] = (struct record){ access, where, value };
	r->count++;
	return r->result;
}

static u32 record_read32(struct iosm_bus *bus, u32 offset)
{
	return record(bus, READ32, offset, 0);
}

static u8 record_read8(struct iosm_bus *bus, u32 offset)
{
	return record(bus, READ8, offset, 0);
}

static void record_write32(struct iosm_bus *bus, u32 offset, u32 value)
{
	record(bus, WRITE32, offset, value);
}

static void record_ring(struct iosm_bus *bus, enum iosm_doorbell bell,
			u32 value)
{
	record(bus, RING, bell, value);
}

static const struct iosm_bus_ops recorder_ops = {
	.read32 = record_read32,
	.read8 = record_read8,
	.write32 = record_write32,
	.ring = record_ring,
};

static int iosm_mmio_init_test(struct kunit *test)
{
	struct recorder *r = kunit_kzalloc(test, sizeof(*r), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, r);
	r->bus.ops = &recorder_ops;
	test->priv = r;
	return 0;
}

static void expect_records(struct kunit *test, const struct record *expected,
			   unsigned int count)
{
	struct recorder *r = test->priv;
	unsigned int i;

	KUNIT_ASSERT_EQ(test, r->count, count);
	for (i = 0; i < count; i++) {
		KUNIT_EXPECT_EQ_MSG(test, (int)r->records[i].access,
				    (int)expected[i].access, "access %u", i);
		KUNIT_EXPECT_EQ_MSG(test, r->records[i].where,
				    expected[i].where, "access %u", i);
		KUNIT_EXPECT_EQ_MSG(test, r->records[i].value,
				    expected[i].value, "access %u", i);
	}
}

struct offset_case {
	const char *desc;
	u32 actual;
	u32 expected;
};

static const struct offset_case offsets[] = {
	{ "stage", IOSM_REG_STAGE, 0x00 },
	{ "chip information version", IOSM_REG_CHIP_VERSION, 0x04 },
	{ "chip information length", IOSM_REG_CHIP_LENGTH, 0x05 },
	{ "ROM result", IOSM_REG_ROM_RESULT, 0x40 },
	{ "PSI address", IOSM_REG_PSI_ADDR, 0x54 },
	{ "PSI length", IOSM_REG_PSI_LEN, 0x5c },
	{ "IPC state", IOSM_REG_IPC_STATE, 0x60 },
	{ "context address", IOSM_REG_CONTEXT, 0x64 },
	{ "lower end of the window", IOSM_REG_WINDOW_LOW, 0x6c },
	{ "upper end of the window", IOSM_REG_WINDOW_HIGH, 0x74 },
	{ "firmware version", IOSM_REG_FW_VERSION, 0xf0 },
	{ "firmware capabilities", IOSM_REG_FW_CAPS, 0xf4 },
	{ "head doorbell", IOSM_DOORBELL(IOSM_DB_HEAD), 0x10 },
	{ "state doorbell", IOSM_DOORBELL(IOSM_DB_STATE), 0x30 },
	{ "power doorbell", IOSM_DOORBELL(IOSM_DB_POWER), 0x50 },
	{ "last byte of BAR 0", IOSM_DOORBELL_BAR_MIN, 0x54 },
	{ "last byte of BAR 2", IOSM_REG_BAR_MIN, 0xf8 },
};

KUNIT_ARRAY_PARAM_DESC(offset, offsets, desc);

static void everything_is_where_the_protocol_says(struct kunit *test)
{
	const struct offset_case *c = test->param_value;

	KUNIT_EXPECT_EQ(test, c->actual, c->expected);
}

struct read_case {
	const char *desc;
	u32 (*read)(struct iosm_bus *bus);
	u32 offset;
};

static const struct read_case reads[] = {
	{ "stage", iosm_mmio_stage, 0x00 },
	{ "IPC state", iosm_mmio_ipc_state, 0x60 },
	{ "firmware version", iosm_mmio_fw_version, 0xf0 },
	{ "firmware capabilities", iosm_mmio_fw_caps, 0xf4 },
};

KUNIT_ARRAY_PARAM_DESC(read, reads, desc);

static void register_is_read_once_and_unchanged(struct kunit *test)
{
	const struct read_case *c = test->param_value;
	struct recorder *r = test->priv;
	static const u32 values[] = { 0, 0x600df00d, 0x80000001, 0xffffffff };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(values); i++) {
		r->count = 0;
		r->result = values[i];
		KUNIT_EXPECT_EQ(test, c->read(&r->bus), values[i]);
		expect_records(test, &(struct record){ READ32, c->offset, 0 },
			       1);
	}
}

static void chip_length_is_a_byte(struct kunit *test)
{
	struct recorder *r = test->priv;

	r->result = 58;
	KUNIT_EXPECT_EQ(test, iosm_mmio_chip_length(&r->bus), 58);
	expect_records(test, &(struct record){ READ8, 0x05, 0 }, 1);
}

/* 2.1.1: one 8-byte store would be misaligned. */
static void wide_register_is_written_as_two_halves(struct kunit *test)
{
	static const struct record expected[] = {
		{ WRITE32, 0x54, 0x55667788 },
		{ WRITE32, 0x58, 0x11223344 },
	};
	struct recorder *r = test->priv;

	iosm_mmio_write64(&r->bus, IOSM_REG_PSI_ADDR, 0x1122334455667788);
	expect_records(test, expected, ARRAY_SIZE(expected));
}

/* 2.5 step 5b: windows first, context last. */
static void context_comes_after_the_open_window(struct kunit *test)
{
	static const struct record expected[] = {
		{ WRITE32, 0x6c, 0 },
		{ WRITE32, 0x70, 0 },
		{ WRITE32, 0x74, 0 },
		{ WRITE32, 0x78, 0 },
		{ WRITE32, 0x64, 0x89abc000 },
		{ WRITE32, 0x68, 0x00000001 },
	};
	struct recorder *r = test->priv;

	iosm_mmio_set_context(&r->bus, (dma_addr_t)0x189abc000ULL);
	expect_records(test, expected, ARRAY_SIZE(expected));
}

struct state_case {
	const char *desc;
	enum iosm_ipc_state state;
	u32 value;
};

/* 1.3.2 */
static const struct state_case states[] = {
	{ "UNINIT", IOSM_IPC_UNINIT, 0 },
	{ "INIT", IOSM_IPC_INIT, 1 },
	{ "RUNNING", IOSM_IPC_RUNNING, 2 },
};

KUNIT_ARRAY_PARAM_DESC(state, states, desc);

static void state_is_requested_by_doorbell_1(struct kunit *test)
{
	const struct state_case *c = test->param_value;
	struct recorder *r = test->priv;

	iosm_mmio_request_state(&r->bus, c->state);
	expect_records(test, &(struct record){ RING, 1, c->value }, 1);
}

static struct kunit_case iosm_mmio_cases[] = {
	KUNIT_CASE_PARAM(everything_is_where_the_protocol_says,
			 offset_gen_params),
	KUNIT_CASE_PARAM(register_is_read_once_and_unchanged, read_gen_params),
	KUNIT_CASE(chip_length_is_a_byte),
	KUNIT_CASE(wide_register_is_written_as_two_halves),
	KUNIT_CASE(context_comes_after_the_open_window),
	KUNIT_CASE_PARAM(state_is_requested_by_doorbell_1, state_gen_params),
	{}
};

static struct kunit_suite iosm_mmio_suite = {
	.name = "iosm_mmio",
	.init = iosm_mmio_init_test,
	.test_cases = iosm_mmio_cases,
};

kunit_test_suite(iosm_mmio_suite);
