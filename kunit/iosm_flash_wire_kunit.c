// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of the flash channel's codec: golden images of protocol.rst 7, the rows of
 * 10.6.6 that are about formats, wrong lengths, and random tables.
 */

#include <kunit/test.h>
#include <linux/ctype.h>
#include <linux/kernel.h>
#include <linux/prandom.h>
#include <linux/string.h>

#include "../iosm_ipc_flash_wire.h"

#define STALE		0xa5	/* fills buffers that must be written, or must not */

static const char magic[] = "IOSM_DEVLINK_HEADER";

/* ---- Memory and images ---- */

/* Ends where its memory ends, so that sanitizers see who reads behind it. */
static u8 *exact(struct kunit *test, size_t len, u8 fill)
{
	u8 *data = kunit_kmalloc(test, len ? len : 1, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, data);
	memset(data, fill, len);
	return data;
}

static u8 *exact_copy(struct kunit *test, const void *from, size_t len)
{
	u8 *data = exact(test, len, 0);

	memcpy(data, from, len);
	return data;
}

static void put16(u8 *at, u16 value)
{
	at[0] = value;
	at[1] = value >> 8;
}

static void put32(u8 *at, u32 value)
{
	put16(at, value);
	put16(at + 2, value >> 16);
}

static void expect_fill(struct kunit *test, const u8 *data, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		KUNIT_EXPECT_EQ(test, data[i], STALE);
}

static void expect_clean_name(struct kunit *test, const char *name)
{
	size_t len = strnlen(name, 32);
	size_t i;

	KUNIT_EXPECT_LE(test, len, (size_t)31);
	for (i = 0; i < len; i++)
		KUNIT_EXPECT_TRUE(test, name[i] >= ' ' && name[i] <= '~');
	for (; i < 32; i++)
		KUNIT_EXPECT_EQ(test, name[i], '\0');
}

/* ---- Image files, 7.5.1 ---- */

static u8 *image_file(struct kunit *test, const char *type, size_t payload)
{
	u8 *file = exact(test, 64 + payload, 0);

	memcpy(file, magic, sizeof(magic));
	memcpy(file + 20, type, 4);
	memset(file + 64, 0x5a, payload);
	return file;
}

static const struct image_case {
	const char *name;
	char type[5];
	u8 address[4];
	u8 region;
	u8 last;
	int ret;
	struct iosm_image image;
} image_cases[] = {
	{ "psi", "PSI", .image.type = IOSM_IMAGE_PSI },
	{ "ebl", "EBL", .image.type = IOSM_IMAGE_EBL },
	{ "security pack", "FLS", .image.type = IOSM_IMAGE_FLS },
	{ "region", "FLS", { 0x78, 0x56, 0x34, 0x92 }, 1, 0,
	  .image = { IOSM_IMAGE_FLS, 0x92345678, true, false } },
	{ "last region", "FLS", { 0, 0, 0x10, 0 }, 1, 1,
	  .image = { IOSM_IMAGE_FLS, 0x00100000, true, true } },
	{ "any flag is set", "FLS", { 0xff, 0xff, 0xff, 0xff }, 0x80, 0x02,
	  .image = { IOSM_IMAGE_FLS, 0xffffffff, true, true } },
	{ "fourth character", "PSIX", .image.type = IOSM_IMAGE_PSI },
	{ "unknown type", "XYZ", .ret = -EOPNOTSUPP },
	{ "no type", "", .ret = -EOPNOTSUPP },
	{ "lower case", "psi", .ret = -EOPNOTSUPP },
	{ "two characters", "PS", .ret = -EOPNOTSUPP },
	{ "shifted type", " PSI", .ret = -EOPNOTSUPP },
};

KUNIT_ARRAY_PARAM_DESC(image_case, image_cases, name);

static void image_is_parsed(struct kunit *test)
{
	const struct image_case *c = test->param_value;
	u8 *file = image_file(test, c->type, 33);
	struct iosm_image image;

	memcpy(file + 24, c->address, 4);
	file[28] = c->region;
	file[29] = c->last;
	memset(file + 30, 0xff, 34);

	KUNIT_ASSERT_EQ(test, iosm_image_parse(file, 97, &image), c->ret);
	if (c->ret)
		return;
	KUNIT_EXPECT_EQ(test, image.type, c->image.type);
	KUNIT_EXPECT_EQ(test, image.address, c->image.address);
	KUNIT_EXPECT_EQ(test, image.region, c->image.region);
	KUNIT_EXPECT_EQ(test, image.last, c->image.last);
	KUNIT_EXPECT_PTR_EQ(test, image.payload, (const u8 *)file + 64);
	KUNIT_EXPECT_EQ(test, image.len, (size_t)33);
}

/* All 64 bytes of a header as 7.5.1 has it, and a payload of three */
static const u8 golden_image[] = {
	0x49, 0x4f, 0x53, 0x4d, 0x5f, 0x44, 0x45, 0x56,
	0x4c, 0x49, 0x4e, 0x4b, 0x5f, 0x48, 0x45, 0x41,
	0x44, 0x45, 0x52, 0x00, 0x46, 0x4c, 0x53, 0x00,
	0x01, 0x02, 0x03, 0x84, 0x01, 0x00, 0x00, 0x00,
	0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
	0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
	0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
	0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
	0xd1, 0xd2, 0xd3,
};

static void image_matches_golden_bytes(struct kunit *test)
{
	u8 *file = exact_copy(test, golden_image, sizeof(golden_image));
	struct iosm_image image;

	KUNIT_ASSERT_EQ(test, iosm_image_parse(file, sizeof(golden_image), &image), 0);
	KUNIT_EXPECT_EQ(test, image.type, IOSM_IMAGE_FLS);
	KUNIT_EXPECT_EQ(test, image.address, 0x84030201U);
	KUNIT_EXPECT_EQ(test, image.region, true);
	KUNIT_EXPECT_EQ(test, image.last, false);
	KUNIT_ASSERT_EQ(test, image.len, (size_t)3);
	KUNIT_EXPECT_MEMEQ(test, image.payload, "\xd1\xd2\xd3", 3);

	/* The next byte is another flag. */
	file[28] = 0x00;
	file[29] = 0x01;
	KUNIT_ASSERT_EQ(test, iosm_image_parse(file, sizeof(golden_image), &image), 0);
	KUNIT_EXPECT_EQ(test, image.region, false);
	KUNIT_EXPECT_EQ(test, image.last, true);
}

static void image_needs_all_of_its_magic(struct kunit *test)
{
	u8 *file = image_file(test, "PSI", 4);
	struct iosm_image image;
	unsigned int i;

	for (i = 0; i < 20; i++) {
		file[i] ^= 0x20;
		KUNIT_EXPECT_EQ(test, iosm_image_parse(file, 68, &image), -EINVAL);
		file[i] ^= 0x20;
	}
	KUNIT_EXPECT_EQ(test, iosm_image_parse(file, 68, &image), 0);
}

static void image_needs_a_payload(struct kunit *test)
{
	u8 *whole = image_file(test, "EBL", 1);
	struct iosm_image image;
	size_t len;

	for (len = 0; len <= 64; len++) {
		u8 *file = exact_copy(test, whole, len);

		KUNIT_EXPECT_EQ(test, iosm_image_parse(file, len, &image), -EINVAL);
		kunit_kfree(test, file);
	}
	KUNIT_EXPECT_EQ(test, iosm_image_parse(whole, 65, &image), 0);
	KUNIT_EXPECT_EQ(test, image.len, (size_t)1);
}

static void image_types_have_names(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, strcmp(iosm_image_type_name(IOSM_IMAGE_PSI), "PSI"), 0);
	KUNIT_EXPECT_EQ(test, strcmp(iosm_image_type_name(IOSM_IMAGE_EBL), "EBL"), 0);
	KUNIT_EXPECT_EQ(test, strcmp(iosm_image_type_name(IOSM_IMAGE_FLS), "FLS"), 0);
	KUNIT_EXPECT_NULL(test, iosm_image_type_name(IOSM_IMAGE_FLS + 1));
	KUNIT_EXPECT_NULL(test, iosm_image_type_name((enum iosm_image_type)-1));
}

/* ---- PSI, 7.3 and 7.5.3 ---- */

static const struct ack_case {
	const char *name;
	u8 td[4];
	size_t len;
	int ret;
	bool dump;
} ack_cases[] = {
	{ "healthy", { 0x00, 0xaa }, 2, 0, false },
	{ "core dump", { 0x00, 0xcd }, 2, 0, true },
	{ "swapped", { 0xcd, 0x00 }, 2, 0, false },
	{ "second byte alone", { 0x01, 0xcd }, 2, 0, false },
	{ "zeros", { 0x00, 0x00 }, 2, 0, false },
	{ "empty", { 0 }, 0, -EPROTO },
	{ "short", { 0x00 }, 1, -EPROTO },
	{ "long", { 0x00, 0xcd, 0x00 }, 3, -EPROTO },
};

KUNIT_ARRAY_PARAM_DESC(ack_case, ack_cases, name);

static void psi_acknowledgement_is_read(struct kunit *test)
{
	const struct ack_case *c = test->param_value;
	u8 *td = exact_copy(test, c->td, c->len);
	bool dump = !c->dump;

	KUNIT_EXPECT_EQ(test, iosm_psi_ack(td, c->len, &dump), c->ret);
	KUNIT_EXPECT_EQ(test, dump, c->ret ? !c->dump : c->dump);
}

static const struct rpsi_case {
	const char *name;
	enum iosm_rpsi_command command;
	u32 parameter;
	u8 golden[8];
} rpsi_cases[] = {
	{ "load EBL", IOSM_RPSI_LOAD_EBL, 0,
	  { 0x00, 0x00, 0x00, 0x00, 0x02, 0x00, 0x02, 0x00 } },
	{ "list", IOSM_RPSI_DUMP_LIST, IOSM_COREDUMP_LIST_SIZE,
	  { 0x00, 0x10, 0x00, 0x00, 0x10, 0x00, 0x10, 0x10 } },
	{ "file 2", IOSM_RPSI_DUMP_GET, 2,
	  { 0x02, 0x00, 0x00, 0x00, 0x11, 0x00, 0x13, 0x00 } },
	{ "end", IOSM_RPSI_DUMP_END, IOSM_COREDUMP_LIST_SIZE,
	  { 0x00, 0x10, 0x00, 0x00, 0x12, 0x00, 0x12, 0x10 } },
	{ "both halves count", IOSM_RPSI_DUMP_GET, 0x12345678,
	  { 0x78, 0x56, 0x34, 0x12, 0x11, 0x00, 0x5d, 0x44 } },
};

KUNIT_ARRAY_PARAM_DESC(rpsi_case, rpsi_cases, name);

static void rpsi_command_matches_golden_image(struct kunit *test)
{
	const struct rpsi_case *c = test->param_value;
	u8 *buf = exact(test, 8, STALE);

	iosm_rpsi_build(buf, c->command, c->parameter);
	KUNIT_EXPECT_MEMEQ(test, buf, c->golden, 8);
}

/* ---- Capability record, 7.5.4 ---- */

static const struct record_case {
	const char *name;
	u8 flags;
	u8 oos;
	bool erase_full;
	u8 extended_after;	/* byte 57, 0xa5 before */
	u8 oos_after;
} record_cases[] = {
	{ "no extensions", 0x00, 0xff, false, STALE, 0xff },
	{ "no extensions, erase all", 0x00, 0xff, true, STALE, 0xff },
	{ "only other flags", 0xfe, 0xff, true, STALE, 0xff },
	{ "extensions", 0x01, 0xff, false, 0x01, 0xdf },
	{ "extensions, erase all", 0x01, 0xff, true, 0x01, 0xf7 },
	{ "commit all", 0x01, 0x28, false, 0x01, 0x08 },
	{ "erase all", 0x01, 0x28, true, 0x01, 0x20 },
	{ "clear already", 0xff, 0x00, true, 0x01, 0x00 },
	{ "never set", 0xff, 0x00, false, 0x01, 0x00 },
};

KUNIT_ARRAY_PARAM_DESC(record_case, record_cases, name);

static void record_is_edited(struct kunit *test)
{
	const struct record_case *c = test->param_value;
	u8 *record = exact(test, 76, STALE);
	u8 *expected = exact(test, 76, STALE);

	record[50] = c->flags;
	record[64] = c->oos;
	expected[50] = c->flags;
	expected[54] = 0;
	expected[55] = 0;
	expected[57] = c->extended_after;
	expected[64] = c->oos_after;

	KUNIT_EXPECT_EQ(test, iosm_ebl_record_edit(record, 76, c->erase_full), 0);
	KUNIT_EXPECT_MEMEQ(test, record, expected, 76);
}

/*
 * Each byte is its own offset, but for those that are read: 50 (0x33, odd), 64 (0x7e, all
 * but the outermost bits), 70. What is edited, and nothing else, differs: 54, 55, 57, 64.
 */
static const u8 golden_record[] = {
	0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07,
	0x08, 0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x0e, 0x0f,
	0x10, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17,
	0x18, 0x19, 0x1a, 0x1b, 0x1c, 0x1d, 0x1e, 0x1f,
	0x20, 0x21, 0x22, 0x23, 0x24, 0x25, 0x26, 0x27,
	0x28, 0x29, 0x2a, 0x2b, 0x2c, 0x2d, 0x2e, 0x2f,
	0x30, 0x31, 0x33, 0x32, 0x34, 0x35, 0x36, 0x37,
	0x38, 0x39, 0x3a, 0x3b, 0x3c, 0x3d, 0x3e, 0x3f,
	0x7e, 0x41, 0x42, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48, 0x49, 0x4a, 0x4b,
};

static const u8 golden_record_commit[] = {
	0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07,
	0x08, 0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x0e, 0x0f,
	0x10, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17,
	0x18, 0x19, 0x1a, 0x1b, 0x1c, 0x1d, 0x1e, 0x1f,
	0x20, 0x21, 0x22, 0x23, 0x24, 0x25, 0x26, 0x27,
	0x28, 0x29, 0x2a, 0x2b, 0x2c, 0x2d, 0x2e, 0x2f,
	0x30, 0x31, 0x33, 0x32, 0x34, 0x35, 0x00, 0x00,
	0x38, 0x01, 0x3a, 0x3b, 0x3c, 0x3d, 0x3e, 0x3f,
	0x5e, 0x41, 0x42, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48, 0x49, 0x4a, 0x4b,
};

static const u8 golden_record_erase[] = {
	0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07,
	0x08, 0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x0e, 0x0f,
	0x10, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17,
	0x18, 0x19, 0x1a, 0x1b, 0x1c, 0x1d, 0x1e, 0x1f,
	0x20, 0x21, 0x22, 0x23, 0x24, 0x25, 0x26, 0x27,
	0x28, 0x29, 0x2a, 0x2b, 0x2c, 0x2d, 0x2e, 0x2f,
	0x30, 0x31, 0x33, 0x32, 0x34, 0x35, 0x00, 0x00,
	0x38, 0x01, 0x3a, 0x3b, 0x3c, 0x3d, 0x3e, 0x3f,
	0x76, 0x41, 0x42, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48, 0x49, 0x4a, 0x4b,
};

static void record_matches_golden_bytes(struct kunit *test)
{
	u8 *record = exact_copy(test, golden_record, 76);

	KUNIT_EXPECT_EQ(test, iosm_ebl_record_edit(record, 76, false), 0);
	KUNIT_EXPECT_MEMEQ(test, record, golden_record_commit, 76);
	KUNIT_EXPECT_EQ(test, iosm_ebl_record_swid_version(record), 0x46);
	memcpy(record, golden_record, 76);
	KUNIT_EXPECT_EQ(test, iosm_ebl_record_edit(record, 76, true), 0);
	KUNIT_EXPECT_MEMEQ(test, record, golden_record_erase, 76);
}

static void record_has_one_length(struct kunit *test)
{
	static const size_t lens[] = { 0, 1, 50, 51, 55, 65, 71, 75, 77, 128 };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(lens); i++) {
		u8 *record = exact(test, lens[i], STALE);

		KUNIT_EXPECT_EQ(test, iosm_ebl_record_edit(record, lens[i], true), -EPROTO);
		expect_fill(test, record, lens[i]);
	}
}

static void record_tells_the_version(struct kunit *test)
{
	u8 *record = exact(test, 76, STALE);

	record[70] = 2;
	KUNIT_EXPECT_EQ(test, iosm_ebl_record_swid_version(record), IOSM_EBL_SWID_VERSION);
	record[70] = 0xff;
	KUNIT_EXPECT_EQ(test, iosm_ebl_record_swid_version(record), 0xff);
}

/* ---- EBL requests, 7.5.5 ---- */

static const u8 swid_read[] = {
	0x02, 0x00, 0x00, 0x00, 0x10, 0x00, 0x00, 0x00,
	0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
};

static const u8 erase_all[] = {
	0x03, 0x00, 0x00, 0x00, 0x08, 0x00, 0x00, 0x00,
	0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00,
};

static const u8 address[] = { 0x00, 0x00, 0x10, 0x92 };
static const u8 ones[] = { 0xff, 0xff, 0xff };
static const u8 erase_start[] = { 0x00, 0x00, 0x10, 0x92, 0xfe, 0xff, 0x11, 0x92 };
static const u8 word[] = { 0x78, 0x56, 0x34, 0x12 };

static const struct request_case {
	const char *name;
	enum iosm_ebl_id id;
	const void *payload;
	size_t len;
	u8 golden[8];
} request_cases[] = {
	{ "read SWID", IOSM_EBL_OOS_CONTROL, swid_read, 16,
	  { 0x2e, 0x08, 0x0c, 0x08, 0x10, 0x00, 0x00, 0x00 } },
	{ "erase all", IOSM_EBL_OOS_CONTROL, erase_all, 16,
	  { 0x23, 0x0c, 0x0c, 0x08, 0x10, 0x00, 0x00, 0x00 } },
	{ "erase check", IOSM_EBL_ERASE_CHECK, "\0", 2,
	  { 0x08, 0x08, 0x06, 0x08, 0x02, 0x00, 0x00, 0x00 } },
	{ "security end", IOSM_EBL_SECURITY_END, "\0", 2,
	  { 0x07, 0x02, 0x05, 0x02, 0x02, 0x00, 0x00, 0x00 } },
	{ "set address", IOSM_EBL_SET_ADDRESS, address, 4,
	  { 0xa8, 0x08, 0x02, 0x08, 0x04, 0x00, 0x00, 0x00 } },
	/* 0x0805 + 8 + 0x10 + 0x92 + 0xfe + 0xff + 0x11 + 0x92 = 0x0b4f */
	{ "erase start", IOSM_EBL_ERASE_START, erase_start, 8,
	  { 0x4f, 0x0b, 0x05, 0x08, 0x08, 0x00, 0x00, 0x00 } },
	/* The bytes of the word are 0x0114 together, and there are four of them. */
	{ "0x0086 and a word", IOSM_EBL_PROTOCOL, word, 4,
	  { 0x9e, 0x01, 0x86, 0x00, 0x04, 0x00, 0x00, 0x00 } },
	{ "0x0805 and a word", IOSM_EBL_ERASE_START, word, 4,
	  { 0x1d, 0x09, 0x05, 0x08, 0x04, 0x00, 0x00, 0x00 } },
	{ "0x080e and a word", IOSM_EBL_OOS_READ, word, 4,
	  { 0x26, 0x09, 0x0e, 0x08, 0x04, 0x00, 0x00, 0x00 } },
	{ "0x080f and a word", IOSM_EBL_WRITE_RAW, word, 4,
	  { 0x27, 0x09, 0x0f, 0x08, 0x04, 0x00, 0x00, 0x00 } },
	{ "bytes have no sign", IOSM_EBL_SECURITY_START, ones, 3,
	  { 0x04, 0x05, 0x04, 0x02, 0x03, 0x00, 0x00, 0x00 } },
	{ "empty", IOSM_EBL_WRITE_RAW, ones, 0,
	  { 0x0f, 0x08, 0x0f, 0x08, 0x00, 0x00, 0x00, 0x00 } },
};

KUNIT_ARRAY_PARAM_DESC(request_case, request_cases, name);

static void request_matches_golden_image(struct kunit *test)
{
	const struct request_case *c = test->param_value;
	u8 *payload = exact_copy(test, c->payload, c->len);
	u8 *header = exact(test, 8, STALE);

	KUNIT_EXPECT_EQ(test, iosm_ebl_request(header, c->id, payload, c->len), 0);
	KUNIT_EXPECT_MEMEQ(test, header, c->golden, 8);
}

static const struct header_case {
	const char *name;
	u32 len;
	u16 sum;
	u8 golden[8];
} header_cases[] = {
	{ "both halves of the length", 0x12345678, 0,
	  { 0xb0, 0x6a, 0x04, 0x02, 0x78, 0x56, 0x34, 0x12 } },
	{ "wraps", 0x00000001, 0xfdfb,
	  { 0x00, 0x00, 0x04, 0x02, 0x01, 0x00, 0x00, 0x00 } },
	{ "wraps twice", 0xffffffff, 0xffff,
	  { 0x01, 0x02, 0x04, 0x02, 0xff, 0xff, 0xff, 0xff } },
};

KUNIT_ARRAY_PARAM_DESC(header_case, header_cases, name);

static void checksum_is_modulo_65536(struct kunit *test)
{
	const struct header_case *c = test->param_value;
	u8 *header = exact(test, 8, STALE);

	iosm_ebl_header(header, IOSM_EBL_SECURITY_START, c->len, c->sum);
	KUNIT_EXPECT_MEMEQ(test, header, c->golden, 8);
}

static void sum_is_taken_part_by_part(struct kunit *test)
{
	u8 *payload = exact(test, 16384, 0);
	struct rnd_state random;
	u32 expected = 0;
	size_t cut;

	prandom_seed_state(&random, 1);
	prandom_bytes_state(&random, payload, 16384);
	for (cut = 0; cut < 16384; cut++)
		expected += payload[cut];

	for (cut = 0; cut <= 16384; cut += 1024) {
		u16 sum = iosm_ebl_sum(0, payload, cut);

		sum = iosm_ebl_sum(sum, payload + cut, 16384 - cut);
		KUNIT_EXPECT_EQ(test, sum, (u16)expected);
	}

	memset(payload, 0xff, 16384);
	KUNIT_EXPECT_EQ(test, iosm_ebl_sum(0, payload, 16384), (16384 * 0xff) & 0xffff);
}

static const struct limit_case {
	const char *name;
	enum iosm_ebl_id id;
	size_t max;
} limit_cases[] = {
	{ "protocol configuration", IOSM_EBL_PROTOCOL, 2048 },
	{ "security start", IOSM_EBL_SECURITY_START, 16384 },
	{ "security end", IOSM_EBL_SECURITY_END, 16384 },
	{ "set address", IOSM_EBL_SET_ADDRESS, 16384 },
	{ "erase start", IOSM_EBL_ERASE_START, 16384 },
	{ "erase check", IOSM_EBL_ERASE_CHECK, 16384 },
	{ "control", IOSM_EBL_OOS_CONTROL, 16384 },
	{ "data read", IOSM_EBL_OOS_READ, 16384 },
	{ "write raw", IOSM_EBL_WRITE_RAW, 16384 },
};

KUNIT_ARRAY_PARAM_DESC(limit_case, limit_cases, name);

static void payloads_have_limits(struct kunit *test)
{
	const struct limit_case *c = test->param_value;
	u8 *payload = exact(test, c->max, 0);
	u8 *header = exact(test, 8, STALE);

	KUNIT_EXPECT_EQ(test, iosm_ebl_request_max(c->id), c->max);
	KUNIT_EXPECT_EQ(test, iosm_ebl_response_size(c->id), c->max);

	/* Refused before a byte of the payload is read: there are no more of them */
	KUNIT_EXPECT_EQ(test, iosm_ebl_request(header, c->id, payload, c->max + 1), -EFBIG);
	expect_fill(test, header, 8);
	KUNIT_EXPECT_EQ(test, iosm_ebl_request(header, c->id, payload, c->max), 0);
}

static void control_payloads_match_golden_images(struct kunit *test)
{
	u8 *payload = exact(test, 16, STALE);

	iosm_ebl_swid_read(payload);
	KUNIT_EXPECT_MEMEQ(test, payload, swid_read, 16);
	memset(payload, STALE, 16);
	iosm_ebl_erase_all(payload);
	KUNIT_EXPECT_MEMEQ(test, payload, erase_all, 16);
}

static const struct range_case {
	const char *name;
	u32 address;
	size_t len;
	int ret;
	u8 golden[8];
} range_cases[] = {
	{ "one block", 0x92100000, 0x20000, 0,
	  { 0x00, 0x00, 0x10, 0x92, 0xfe, 0xff, 0x11, 0x92 } },
	{ "odd length", 0x00000100, 0x11, 0,
	  { 0x00, 0x01, 0x00, 0x00, 0x0f, 0x01, 0x00, 0x00 } },
	{ "two bytes", 0x00001000, 2, 0,
	  { 0x00, 0x10, 0x00, 0x00, 0x00, 0x10, 0x00, 0x00 } },
	{ "up to the end", 0xfffff000, 0x1000, 0,
	  { 0x00, 0xf0, 0xff, 0xff, 0xfe, 0xff, 0xff, 0xff } },
	{ "one byte too many", 0xfffff000, 0x1001, -ERANGE },
	{ "over the end", 0xfffff000, 0x1002, -ERANGE },
	{ "far over the end", 0xffffffff, 0xffffffff, -ERANGE },
	{ "one byte", 0x00001000, 1, -ERANGE },
	{ "nothing", 0x00001000, 0, -ERANGE },
	{ "one byte at 0", 0, 1, -ERANGE },
	{ "nothing at 0", 0, 0, -ERANGE },
};

KUNIT_ARRAY_PARAM_DESC(range_case, range_cases, name);

static void erase_range_is_what_the_loader_wants(struct kunit *test)
{
	const struct range_case *c = test->param_value;
	u8 *payload = exact(test, 8, STALE);

	KUNIT_EXPECT_EQ(test, iosm_ebl_erase_range(payload, c->address, c->len), c->ret);
	if (c->ret)
		expect_fill(test, payload, 8);
	else
		KUNIT_EXPECT_MEMEQ(test, payload, c->golden, 8);
}

/* ---- EBL responses, 7.5.5 ---- */

static const struct response_case {
	const char *name;
	u8 td[12];
	size_t len;
	int ret;
	u16 id;
} response_cases[] = {
	{ "success", { 0x0c, 0x48, 0x0c, 0x08, 0x00, 0x40 }, 8, 0, 0x080c },
	{ "error", { 0x41, 0x40, 0x41, 0x00, 0x00, 0x40 }, 8, -EREMOTEIO, 0x0041 },
	{ "another id", { 0, 0, 0x34, 0x12 }, 8, 0, 0x1234 },
	{ "error swapped", { 0, 0, 0x00, 0x41 }, 8, 0, 0x4100 },
	{ "error in the checksum", { 0x41, 0x00, 0x02, 0x08 }, 8, 0, 0x0802 },
	{ "error with high byte", { 0, 0, 0x41, 0x01 }, 8, 0, 0x0141 },
	{ "empty", { 0 }, 0, -EPROTO },
	{ "short", { 0, 0, 0x41, 0x00 }, 4, -EPROTO },
	{ "one byte short", { 0, 0, 0x0c, 0x08 }, 7, -EPROTO },
	{ "one byte long", { 0, 0, 0x0c, 0x08 }, 9, -EPROTO },
};

KUNIT_ARRAY_PARAM_DESC(response_case, response_cases, name);

static void response_header_is_read(struct kunit *test)
{
	const struct response_case *c = test->param_value;
	u8 *td = exact_copy(test, c->td, c->len);
	u16 id = 0xa5a5;

	KUNIT_EXPECT_EQ(test, iosm_ebl_response(td, c->len, &id), c->ret);
	KUNIT_EXPECT_EQ(test, id, c->ret == -EPROTO ? 0xa5a5 : c->id);
}

static const struct errors_case {
	const char *name;
	u8 payload[36];
	size_t len;
	unsigned int errors;
	const char *text;
} errors_cases[] = {
	{ "none", { 0 }, 36, 0, "" },
	{ "class without code", { 0x01, 0x00, 0x00, 0x00 }, 36, 0, "" },
	{ "one", { 0x02, 0x01, 0x04, 0x03 }, 36, 1, "0x0102/0x0304" },
	{ "code without class", { 0x00, 0x00, 0x07, 0x00 }, 36, 1, "0x0000/0x0007" },
	{ "gap", { 0x01, 0x00, 0x02, 0x00, 0, 0, 0, 0, 0x03, 0x00, 0x04, 0x00 }, 36, 2,
	  "0x0001/0x0002, 0x0003/0x0004" },
	{ "last of eight", { [28] = 0xff, 0xff, 0xff, 0xff }, 36, 1, "0xffff/0xffff" },
	{ "ninth", { [32] = 0xff, 0xff, 0xff, 0xff }, 36, 0, "" },
	{ "empty", { 0 }, 0, 0, "" },
	{ "cut entry", { 0x01, 0x00, 0x02, 0x00, 0x03, 0x00, 0x04 }, 7, 1, "0x0001/0x0002" },
};

KUNIT_ARRAY_PARAM_DESC(errors_case, errors_cases, name);

static void errors_become_text(struct kunit *test)
{
	const struct errors_case *c = test->param_value;
	u8 *payload = exact_copy(test, c->payload, c->len);
	char *text = (char *)exact(test, IOSM_EBL_ERRORS_TEXT, STALE);

	KUNIT_EXPECT_EQ(test, iosm_ebl_errors(payload, c->len, text, IOSM_EBL_ERRORS_TEXT),
			c->errors);
	KUNIT_EXPECT_EQ(test, strcmp(text, c->text), 0);
}

static void error_text_is_bounded(struct kunit *test)
{
	u8 *payload = exact(test, 16384, 0xff);
	char *whole = (char *)exact(test, IOSM_EBL_ERRORS_TEXT, STALE);
	size_t size;

	KUNIT_EXPECT_EQ(test, iosm_ebl_errors(payload, 16384, whole, IOSM_EBL_ERRORS_TEXT), 8U);
	KUNIT_EXPECT_EQ(test, strlen(whole), (size_t)(8 * 13 + 7 * 2));

	for (size = 1; size <= IOSM_EBL_ERRORS_TEXT; size++) {
		char *text = (char *)exact(test, size, STALE);

		KUNIT_EXPECT_EQ(test, iosm_ebl_errors(payload, 16384, text, size), 8U);
		KUNIT_ASSERT_LE(test, strnlen(text, size), size - 1);
		KUNIT_EXPECT_MEMEQ(test, text, whole, strlen(text));
		kunit_kfree(test, text);
	}
}

static const struct erase_case {
	const char *name;
	u8 value[4];
	int ret;
	u16 result;
} erase_cases[] = {
	{ "busy", { 0x00, 0x00 }, -EAGAIN, 0 },
	{ "done", { 0x01, 0x00 }, 0, 1 },
	{ "failed", { 0x02, 0x00 }, -EIO, 2 },
	{ "high byte", { 0x00, 0x01 }, -EIO, 0x0100 },
	{ "all ones", { 0xff, 0xff }, -EIO, 0xffff },
	{ "the rest means nothing", { 0x01, 0x00, 0xff, 0xff }, 0, 1 },
};

KUNIT_ARRAY_PARAM_DESC(erase_case, erase_cases, name);

static void erase_check_is_read(struct kunit *test)
{
	const struct erase_case *c = test->param_value;
	u8 *payload = exact(test, 16384, 0);
	u16 result = 0xa5a5;

	memcpy(payload, c->value, 4);
	KUNIT_EXPECT_EQ(test, iosm_ebl_erase_result(payload, 16384, &result), c->ret);
	KUNIT_EXPECT_EQ(test, result, c->result);
}

static void control_result_is_a_word(struct kunit *test)
{
	u8 *payload = exact(test, 16384, STALE);
	u32 token;

	put32(payload, 0xfedcba98);
	KUNIT_EXPECT_EQ(test, iosm_ebl_control_result(payload, 16384, &token), 0);
	KUNIT_EXPECT_EQ(test, token, 0xfedcba98);
}

/* ---- SWID table, 7.5.4 ---- */

static u8 *swid_payload(struct kunit *test)
{
	u8 *payload = exact(test, 16384, STALE);

	put32(payload, 1);
	memset(payload + 4, 0, 32);
	strscpy((char *)payload + 4, "SWID_NAME", 32);
	put32(payload + 36, 0x12345678);
	memset(payload + 40, 0, 32);
	strscpy((char *)payload + 40, "RF_NAME", 32);
	put32(payload + 72, 0x9abcdef0);
	return payload;
}

static void swid_table_is_read(struct kunit *test)
{
	u8 *payload = swid_payload(test);
	struct iosm_swid swid;

	memset(&swid, STALE, sizeof(swid));
	KUNIT_EXPECT_EQ(test, iosm_ebl_swid_parse(payload, 16384, &swid), 0);
	KUNIT_EXPECT_EQ(test, swid.sets, 1U);
	KUNIT_EXPECT_EQ(test, swid.id, 0x12345678U);
	KUNIT_EXPECT_EQ(test, swid.rf_id, 0x9abcdef0U);
	KUNIT_EXPECT_EQ(test, strcmp(swid.name, "SWID_NAME"), 0);
	KUNIT_EXPECT_EQ(test, strcmp(swid.rf_name, "RF_NAME"), 0);
	expect_clean_name(test, swid.name);
	expect_clean_name(test, swid.rf_name);
}

/* The 76 bytes of 7.5.4, of a table of two sets; zeros follow */
static const u8 golden_swid[] = {
	0x02, 0x00, 0x00, 0x00,
	'f', 'w', '-', '7', '5', '6', '0', 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
	0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
	0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
	0x11, 0x22, 0x33, 0xc4,
	'r', 'f', ' ', 'A', 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
	0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
	0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
	0x55, 0x66, 0x77, 0x88,
};

static void swid_table_matches_golden_bytes(struct kunit *test)
{
	u8 *payload = exact(test, 16384, 0);
	struct iosm_swid swid;

	KUNIT_ASSERT_EQ(test, sizeof(golden_swid), (size_t)76);
	memcpy(payload, golden_swid, sizeof(golden_swid));
	KUNIT_ASSERT_EQ(test, iosm_ebl_swid_parse(payload, 16384, &swid), 0);
	KUNIT_EXPECT_EQ(test, swid.sets, 2U);
	KUNIT_EXPECT_EQ(test, strcmp(swid.name, "fw-7560"), 0);
	KUNIT_EXPECT_EQ(test, swid.id, 0xc4332211U);
	KUNIT_EXPECT_EQ(test, strcmp(swid.rf_name, "rf A"), 0);
	KUNIT_EXPECT_EQ(test, swid.rf_id, 0x88776655U);
}

static void swid_names_end_and_print(struct kunit *test)
{
	u8 *payload = swid_payload(test);
	struct iosm_swid swid;

	memset(payload + 4, 'n', 32);
	memcpy(payload + 40, "a\n\x1b\x7f\x80\xff~ z", 9);
	KUNIT_EXPECT_EQ(test, iosm_ebl_swid_parse(payload, 16384, &swid), 0);
	KUNIT_EXPECT_EQ(test, strcmp(swid.name, "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn"), 0);
	KUNIT_EXPECT_EQ(test, strcmp(swid.rf_name, "a?????~ z"), 0);
	expect_clean_name(test, swid.name);
	expect_clean_name(test, swid.rf_name);
	KUNIT_EXPECT_EQ(test, swid.id, 0x12345678U);
	KUNIT_EXPECT_EQ(test, swid.rf_id, 0x9abcdef0U);
}

static void response_payloads_have_one_length(struct kunit *test)
{
	static const size_t lens[] = { 0, 1, 2, 3, 4, 75, 76, 2048, 4096, 16383, 16385 };
	struct iosm_swid swid;
	unsigned int i;

	memset(&swid, STALE, sizeof(swid));
	for (i = 0; i < ARRAY_SIZE(lens); i++) {
		u8 *payload = exact(test, lens[i], 1);
		u32 token = 0xa5a5a5a5;
		u16 result = 0xa5a5;

		KUNIT_EXPECT_EQ(test, iosm_ebl_erase_result(payload, lens[i], &result), -EPROTO);
		KUNIT_EXPECT_EQ(test, result, 0xa5a5);
		KUNIT_EXPECT_EQ(test, iosm_ebl_control_result(payload, lens[i], &token), -EPROTO);
		KUNIT_EXPECT_EQ(test, token, 0xa5a5a5a5U);
		KUNIT_EXPECT_EQ(test, iosm_ebl_swid_parse(payload, lens[i], &swid), -EPROTO);
		expect_fill(test, (u8 *)&swid, sizeof(swid));
	}
}

/* ---- Coredump, 7.6 ---- */

static const struct iosm_coredump_kind kinds[] = {
	{ "report.json", 0x800 },
	{ "coredump.fcd", 0x10e00000 },
	{ "cdd.log", 0x30000 },
	{ "eeprom.bin", 0x10000 },
	{ "bootcore_trace.bin", 0x8000 },
	{ "bootcore_prev_trace.bin", 0x20000 },
};

static void put_file(u8 *list, unsigned int index, u32 size, const char *name)
{
	u8 *entry = list + 8 + 36 * index;

	put32(entry, size);
	memset(entry + 4, 0, 32);
	strscpy((char *)entry + 4, name, 32);
}

/* All six files, as long as they may be. */
static u8 *full_list(struct kunit *test)
{
	u8 *list = exact(test, 4096, STALE);
	unsigned int i;

	put32(list, 1);
	put32(list + 4, 6);
	for (i = 0; i < 6; i++)
		put_file(list, i, kinds[i].size, kinds[i].name);
	return list;
}

static void regions_are_those_of_the_protocol(struct kunit *test)
{
	unsigned int i;

	KUNIT_ASSERT_EQ(test, ARRAY_SIZE(iosm_coredump_kinds), ARRAY_SIZE(kinds));
	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		KUNIT_EXPECT_EQ(test, strcmp(iosm_coredump_kinds[i].name, kinds[i].name), 0);
		KUNIT_EXPECT_EQ(test, iosm_coredump_kinds[i].size, kinds[i].size);
	}
}

static void list_is_read(struct kunit *test)
{
	struct iosm_coredump_list list;
	u8 *td = full_list(test);
	unsigned int i;

	put32(td, 0xdeadbeef);
	put_file(td, 1, 0x01020304, "other");
	put_file(td, 4, 0, "");

	KUNIT_ASSERT_EQ(test, iosm_coredump_list_parse(td, 4096, &list), 0);
	KUNIT_EXPECT_EQ(test, list.version, 0xdeadbeefU);
	KUNIT_ASSERT_EQ(test, list.count, 6U);
	for (i = 0; i < 6; i++) {
		const char *name = i == 1 ? "other" : i == 4 ? "" : kinds[i].name;
		u32 size = i == 1 ? 0x01020304 : i == 4 ? 0 : kinds[i].size;

		KUNIT_EXPECT_EQ(test, list.files[i].size, size);
		KUNIT_EXPECT_EQ(test, strcmp(list.files[i].name, name), 0);
		expect_clean_name(test, list.files[i].name);
	}
}

/* A list of two files as 7.6.1 has it; zeros follow */
static const u8 golden_list[] = {
	0x03, 0x00, 0x01, 0x00, 0x02, 0x00, 0x00, 0x00,
	0x34, 0x02, 0x00, 0x00,
	'r', 'e', 'p', 'o', 'r', 't', '.', 'j', 's', 'o', 'n', 0x00, 0x00, 0x00, 0x00, 0x00,
	0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
	0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
	0x78, 0x56, 0x34, 0x00,
	'c', 'o', 'r', 'e', 'd', 'u', 'm', 'p', '.', 'f', 'c', 'd', 0x00, 0x00, 0x00, 0x00,
	0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
	0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
};

static void list_matches_golden_bytes(struct kunit *test)
{
	struct iosm_coredump_list list;
	u8 *td = exact(test, 4096, 0);

	KUNIT_ASSERT_EQ(test, sizeof(golden_list), (size_t)(8 + 2 * 36));
	memcpy(td, golden_list, sizeof(golden_list));
	KUNIT_ASSERT_EQ(test, iosm_coredump_list_parse(td, 4096, &list), 0);
	KUNIT_EXPECT_EQ(test, list.version, 0x00010003U);
	KUNIT_ASSERT_EQ(test, list.count, 2U);
	KUNIT_EXPECT_EQ(test, list.files[0].size, 0x234U);
	KUNIT_EXPECT_EQ(test, strcmp(list.files[0].name, "report.json"), 0);
	KUNIT_EXPECT_EQ(test, list.files[1].size, 0x345678U);
	KUNIT_EXPECT_EQ(test, strcmp(list.files[1].name, "coredump.fcd"), 0);
}

static const struct count_case {
	const char *name;
	u32 count;
	int ret;
} count_cases[] = {
	{ "0", 0, -ERANGE },
	{ "1", 1, 0 },
	{ "3", 3, 0 },
	{ "6", 6, 0 },
	{ "7", 7, -ERANGE },
	{ "256", 256, -ERANGE },
	{ "6 and a high bit", 0x80000006, -ERANGE },
	{ "all ones", 0xffffffff, -ERANGE },
};

KUNIT_ARRAY_PARAM_DESC(count_case, count_cases, name);

static void list_has_one_to_six_files(struct kunit *test)
{
	const struct count_case *c = test->param_value;
	struct iosm_coredump_list list;
	u8 *td = full_list(test);
	unsigned int i;

	/* What is behind the last file means nothing, however large it is */
	for (i = c->count; i < 6; i++)
		put_file(td, i, 0xffffffff, "too large");
	put32(td + 4, c->count);
	memset(&list, STALE, sizeof(list));
	KUNIT_ASSERT_EQ(test, iosm_coredump_list_parse(td, 4096, &list), c->ret);
	if (c->ret)
		return;
	KUNIT_EXPECT_EQ(test, list.count, c->count);
	for (i = c->count; i < 6; i++) {
		KUNIT_EXPECT_EQ(test, list.files[i].size, 0U);
		KUNIT_EXPECT_EQ(test, list.files[i].name[0], '\0');
	}
}

static void file_fits_its_region(struct kunit *test)
{
	struct iosm_coredump_list list;
	unsigned int i;

	for (i = 0; i < 6; i++) {
		u8 *td = full_list(test);

		put_file(td, i, kinds[i].size + 1, "x");
		KUNIT_EXPECT_EQ(test, iosm_coredump_list_parse(td, 4096, &list), -EFBIG);
		put_file(td, i, 0xffffffff, "x");
		KUNIT_EXPECT_EQ(test, iosm_coredump_list_parse(td, 4096, &list), -EFBIG);
		put_file(td, i, kinds[i].size, "x");
		KUNIT_EXPECT_EQ(test, iosm_coredump_list_parse(td, 4096, &list), 0);
		KUNIT_EXPECT_EQ(test, list.files[i].size, kinds[i].size);
	}
}

static void file_names_end_and_print(struct kunit *test)
{
	struct iosm_coredump_list list;
	u8 *td = full_list(test);

	memset(td + 8 + 4, 'a', 32);			/* no end */
	memset(td + 8 + 36 + 4, 0xff, 32);		/* neither end nor letters */
	memcpy(td + 8 + 72 + 4, "../\x1b[2J\r\nx\0hidden", 18);
	td[8 + 180 + 4] = '\0';				/* nothing */

	KUNIT_ASSERT_EQ(test, iosm_coredump_list_parse(td, 4096, &list), 0);
	KUNIT_EXPECT_EQ(test, strcmp(list.files[0].name, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"), 0);
	KUNIT_EXPECT_EQ(test, strcmp(list.files[1].name, "???????????????????????????????"), 0);
	KUNIT_EXPECT_EQ(test, strcmp(list.files[2].name, "../?[2J??x"), 0);
	KUNIT_EXPECT_EQ(test, strcmp(list.files[5].name, ""), 0);
	expect_clean_name(test, list.files[2].name);
	expect_clean_name(test, list.files[5].name);
}

static void list_has_one_length(struct kunit *test)
{
	static const size_t lens[] = { 0, 1, 4, 7, 8, 44, 223, 224, 2048, 4095, 4097, 65536 };
	u8 *whole = full_list(test);
	struct iosm_coredump_list list;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(lens); i++) {
		u8 *td = exact(test, lens[i], 1);

		memcpy(td, whole, min_t(size_t, lens[i], 4096));
		KUNIT_EXPECT_EQ(test, iosm_coredump_list_parse(td, lens[i], &list), -EPROTO);
	}
}

/* Whatever the modem writes: what is accepted can be used without a further check. */
static void random_lists_are_harmless(struct kunit *test)
{
	struct iosm_coredump_list list;
	unsigned int round, i, good = 0;
	u8 *td = exact(test, 4096, 0);
	struct rnd_state random;

	prandom_seed_state(&random, 7);
	for (round = 0; round < 2000; round++) {
		int ret;

		prandom_bytes_state(&random, td, 8 + 6 * 36);
		put32(td + 4, prandom_u32_state(&random) % 8);
		for (i = 0; i < 6; i++)
			put32(td + 8 + 36 * i, prandom_u32_state(&random) %
			      (kinds[i].size + kinds[i].size / 8));
		ret = iosm_coredump_list_parse(td, 4096, &list);
		if (ret)
			continue;
		good++;
		KUNIT_ASSERT_TRUE(test, list.count >= 1 && list.count <= 6);
		for (i = 0; i < list.count; i++) {
			KUNIT_EXPECT_LE(test, list.files[i].size, kinds[i].size);
			expect_clean_name(test, list.files[i].name);
		}
	}
	/* Both ways were taken */
	KUNIT_EXPECT_TRUE(test, good > 100 && good < 1900);
}

static struct kunit_case iosm_flash_wire_cases[] = {
	KUNIT_CASE_PARAM(image_is_parsed, image_case_gen_params),
	KUNIT_CASE(image_matches_golden_bytes),
	KUNIT_CASE(image_needs_all_of_its_magic),
	KUNIT_CASE(image_needs_a_payload),
	KUNIT_CASE(image_types_have_names),
	KUNIT_CASE_PARAM(psi_acknowledgement_is_read, ack_case_gen_params),
	KUNIT_CASE_PARAM(rpsi_command_matches_golden_image, rpsi_case_gen_params),
	KUNIT_CASE_PARAM(record_is_edited, record_case_gen_params),
	KUNIT_CASE(record_matches_golden_bytes),
	KUNIT_CASE(record_has_one_length),
	KUNIT_CASE(record_tells_the_version),
	KUNIT_CASE_PARAM(request_matches_golden_image, request_case_gen_params),
	KUNIT_CASE_PARAM(checksum_is_modulo_65536, header_case_gen_params),
	KUNIT_CASE(sum_is_taken_part_by_part),
	KUNIT_CASE_PARAM(payloads_have_limits, limit_case_gen_params),
	KUNIT_CASE(control_payloads_match_golden_images),
	KUNIT_CASE_PARAM(erase_range_is_what_the_loader_wants, range_case_gen_params),
	KUNIT_CASE_PARAM(response_header_is_read, response_case_gen_params),
	KUNIT_CASE_PARAM(errors_become_text, errors_case_gen_params),
	KUNIT_CASE(error_text_is_bounded),
	KUNIT_CASE_PARAM(erase_check_is_read, erase_case_gen_params),
	KUNIT_CASE(control_result_is_a_word),
	KUNIT_CASE(swid_table_is_read),
	KUNIT_CASE(swid_table_matches_golden_bytes),
	KUNIT_CASE(swid_names_end_and_print),
	KUNIT_CASE(response_payloads_have_one_length),
	KUNIT_CASE(regions_are_those_of_the_protocol),
	KUNIT_CASE(list_is_read),
	KUNIT_CASE(list_matches_golden_bytes),
	KUNIT_CASE_PARAM(list_has_one_to_six_files, count_case_gen_params),
	KUNIT_CASE(file_fits_its_region),
	KUNIT_CASE(file_names_end_and_print),
	KUNIT_CASE(list_has_one_length),
	KUNIT_CASE(random_lists_are_harmless),
	{}
};

static struct kunit_suite iosm_flash_wire_suite = {
	.name = "iosm_flash_wire",
	.test_cases = iosm_flash_wire_cases,
};

kunit_test_suite(iosm_flash_wire_suite);
