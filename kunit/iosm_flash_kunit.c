// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of the conversation with the boot loaders (protocol.rst 7.3 to 7.6, 7.9, and
 * 10.6.6): what is said, byte by byte; and a loader that breaks the rules at each of its
 * elements, in each way.
 */

#include <linux/kthread.h>
#include <linux/sched/signal.h>
#include <linux/unaligned.h>

#include "../iosm_ipc_boot.h"
#include "../iosm_ipc_coredump.h"
#include "../iosm_ipc_imem_parts.h"
#include "iosm_flash_fixture.h"

static int flash_test_init(struct kunit *test)
{
	test->priv = loader_create(test);
	return 0;
}

/* ---- Conversations ---- */

static struct iosm_image image_of(struct loader *t, enum iosm_image_type type, size_t len)
{
	struct iosm_image image = { .type = type, .payload = t->content, .len = len };

	return image;
}

static int flash_psi(struct loader *t)
{
	struct iosm_image image = image_of(t, IOSM_IMAGE_PSI, EBL_BYTES);

	return iosm_flash_psi(t->flash, &image, &t->progress, &t->extack);
}

static int flash_ebl(struct loader *t)
{
	struct iosm_image image = image_of(t, IOSM_IMAGE_EBL, EBL_BYTES);

	return iosm_flash_ebl(t->flash, &image, false, &t->progress, &t->extack);
}

static int flash_ebl_to_erase(struct loader *t)
{
	struct iosm_image image = image_of(t, IOSM_IMAGE_EBL, EBL_BYTES);

	return iosm_flash_ebl(t->flash, &image, true, &t->progress, &t->extack);
}

static int flash_fls(struct loader *t, const struct iosm_image *image)
{
	bool erase = false;

	return iosm_flash_fls(t->flash, image, &erase, &t->progress, &t->extack);
}

/* Nobody is told of it. */
static int flash_fls_quietly(struct loader *t, const struct iosm_image *image, bool erase)
{
	return iosm_flash_fls(t->flash, image, &erase, NULL, NULL);
}

static int flash_pack(struct loader *t)
{
	struct iosm_image image = image_of(t, IOSM_IMAGE_FLS, PACK_BYTES);

	return flash_fls(t, &image);
}

static int flash_pack_erasing(struct loader *t)
{
	struct iosm_image image = image_of(t, IOSM_IMAGE_FLS, PACK_BYTES);
	bool erase = true;

	return iosm_flash_fls(t->flash, &image, &erase, &t->progress, &t->extack);
}

static struct iosm_image region_of(struct loader *t)
{
	struct iosm_image image = image_of(t, IOSM_IMAGE_FLS, REGION_BYTES);

	image.region = true;
	image.address = REGION_ADDRESS;
	return image;
}

static int flash_region(struct loader *t)
{
	struct iosm_image image = region_of(t);

	return flash_fls(t, &image);
}

static int flash_last_region(struct loader *t)
{
	struct iosm_image image = region_of(t);

	image.last = true;
	return flash_fls(t, &image);
}

/* A dump of two files; of the second there are three chunks. */
static const u32 dump_sizes[] = { 0x100, 150000, 0x30, 0x10, 0x10, 0x20 };

static int fetch_file(struct loader *t, unsigned int index)
{
	u8 *data;
	int ret;

	t->file_size = dump_sizes[index];
	data = kvzalloc(dump_sizes[index] + 16, GFP_KERNEL);
	if (!data)
		return -ENOMEM;
	ret = iosm_coredump_fetch(t->flash, index, data, &t->extack);
	if (!ret && (memcmp(data, t->content, t->file_size) ||
		     memchr_inv(data + t->file_size, 0, 16)))
		t->wrong = true;
	kvfree(data);
	return ret;
}

static void offer_dump(struct loader *t, unsigned int count)
{
	t->ack[0] = 0x00;
	t->ack[1] = 0xcd;
	loader_list(t, count, dump_sizes);
}

static void remember_dump(struct loader *t)
{
	t->flash->dump_count = 2;
	memcpy(t->flash->dump_sizes, dump_sizes, sizeof(t->flash->dump_sizes));
}

static int flash_psi_with_dump(struct loader *t)
{
	offer_dump(t, 2);
	return flash_psi(t);
}

static int fetch_first_file(struct loader *t)
{
	remember_dump(t);
	return fetch_file(t, 0);
}

static int fetch_last_file(struct loader *t)
{
	remember_dump(t);
	return fetch_file(t, 1);
}

/* ---- What was said ---- */

/**
 * struct element - what the loader must have been sent
 * @len: bytes, 0 ends the list
 * @known: of them
 * @head: the known ones
 */
struct element {
	u32 len;
	u32 known;
	const char *head;
};

#define BYTES(bytes)		{ sizeof(bytes) - 1, sizeof(bytes) - 1, bytes }
#define DATA(bytes)		{ bytes, 0, "" }

/* The next ones, after those that were expected before. */
static void expect_heard(struct kunit *test, const struct element *elements)
{
	struct loader *t = test->priv;
	unsigned int n;

	for (; elements->len; elements++) {
		n = t->expected++;
		KUNIT_ASSERT_LT(test, n, t->heard_count);
		KUNIT_EXPECT_EQ_MSG(test, t->heard[n].len, elements->len, "element %u", n);
		KUNIT_EXPECT_MEMEQ_MSG(test, (const char *)t->heard[n].head, elements->head,
				       elements->known, "element %u", n);
	}
}

static void expect_no_more(struct kunit *test)
{
	struct loader *t = test->priv;

	KUNIT_EXPECT_EQ(test, t->heard_count, t->expected);
	t->heard_count = 0;
	t->expected = 0;
}

static void expect_status(struct kunit *test, const char *const *lines, unsigned int count)
{
	struct loader *t = test->priv;
	unsigned int i;

	KUNIT_EXPECT_EQ(test, t->status_count, count);
	for (i = 0; i < min(count, t->status_count); i++)
		KUNIT_EXPECT_STREQ(test, t->status[i], lines[i]);
}

#define EXPECT_STATUS(test, ...)						\
	do {									\
		const char *const lines_[] = { __VA_ARGS__ };			\
										\
		expect_status(test, lines_, ARRAY_SIZE(lines_));		\
	} while (0)

static void expect_end(struct kunit *test)
{
	struct loader *t = test->priv;

	KUNIT_EXPECT_FALSE(test, t->wrong);
	KUNIT_EXPECT_NULL(test, t->extack._msg);
	KUNIT_EXPECT_EQ(test, t->failures, 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&t->modem->talks), 0);
	/* The two that the modem has. */
	KUNIT_EXPECT_EQ(test, atomic_read(&t->flash->buffers), 2);
	KUNIT_EXPECT_EQ(test, iosm_modem_state(t->modem), IOSM_LOADER_ONLINE);
}

static void psi_says_that_it_runs(struct kunit *test)
{
	struct loader *t = test->priv;

	loader_start(t, STAGE_BOOT, IOSM_ROM);
	KUNIT_EXPECT_EQ(test, flash_psi(t), 0);
	KUNIT_EXPECT_EQ(test, t->heard_count, 0);
	EXPECT_STATUS(test, "Loading|PSI|0/5000", "Loading|PSI|5000/5000", "0aa|PSI ACK|0/0");
	KUNIT_EXPECT_FALSE(test, iosm_coredump_available(t->flash, 0));
	expect_end(test);
}

static const struct element list_asked[] = {
	BYTES("\x00\x10\x00\x00\x10\x00\x10\x10"),
	{}
};

static void psi_has_a_dump(struct kunit *test)
{
	struct loader *t = test->priv;

	loader_start(t, STAGE_BOOT, IOSM_ROM);
	KUNIT_EXPECT_EQ(test, flash_psi_with_dump(t), 0);
	expect_heard(test, list_asked);
	expect_no_more(test);
	EXPECT_STATUS(test, "Loading|PSI|0/5000", "Loading|PSI|5000/5000",
		      "0cd|PSI ACK|0/0", "file0|FILENAME|0/0", "256|FILE SIZE|0/0",
		      "file1|FILENAME|0/0", "150000|FILE SIZE|0/0");
	KUNIT_EXPECT_TRUE(test, iosm_coredump_available(t->flash, 0));
	KUNIT_EXPECT_TRUE(test, iosm_coredump_available(t->flash, 1));
	KUNIT_EXPECT_FALSE(test, iosm_coredump_available(t->flash, 2));
	expect_end(test);
}

static const struct element ebl_loaded[] = {
	BYTES("\x00\x00\x00\x00\x02\x00\x02\x00"),
	BYTES("\x88\x13\x00\x00"),
	DATA(EBL_BYTES),
	{}
};

static const struct element agreed[] = {
	BYTES("\xde\x00\x86\x00\x4c\x00\x00\x00"),
	DATA(76),
	{}
};

static const struct element agreed_to_erase[] = {
	BYTES("\xf6\x00\x86\x00\x4c\x00\x00\x00"),
	DATA(76),
	{}
};

static const struct element swid_read[] = {
	BYTES("\x2e\x08\x0c\x08\x10\x00\x00\x00"),
	BYTES("\x02\x00\x00\x00\x10\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"),
	BYTES("\x26\x09\x0e\x08\x04\x00\x00\x00"),
	BYTES("\x78\x56\x34\x12"),
	{}
};

static void ebl_is_loaded(struct kunit *test)
{
	struct loader *t = test->priv;

	loader_start(t, STAGE_PSI, IOSM_LOADER);
	KUNIT_EXPECT_EQ(test, flash_ebl(t), 0);
	expect_heard(test, ebl_loaded);
	expect_heard(test, agreed);
	expect_heard(test, swid_read);
	expect_no_more(test);
	KUNIT_EXPECT_EQ(test, t->heard[4].head[50], 0x01);
	KUNIT_EXPECT_EQ(test, t->heard[4].head[54], 0x00);
	KUNIT_EXPECT_EQ(test, t->heard[4].head[55], 0x00);
	KUNIT_EXPECT_EQ(test, t->heard[4].head[57], 0x01);
	KUNIT_EXPECT_EQ(test, t->heard[4].head[64], 0x08);
	EXPECT_STATUS(test, "Loading|EBL|0/5000", "Loading|EBL|5000/5000",
		      "SWID: abc123, RF_ENGINE_ID: 77|-|0/0");
	expect_end(test);
}

static void ebl_that_will_erase_all(struct kunit *test)
{
	struct loader *t = test->priv;

	loader_start(t, STAGE_PSI, IOSM_LOADER);
	KUNIT_EXPECT_EQ(test, flash_ebl_to_erase(t), 0);
	expect_heard(test, ebl_loaded);
	expect_heard(test, agreed_to_erase);
	expect_heard(test, swid_read);
	expect_no_more(test);
	KUNIT_EXPECT_EQ(test, t->heard[4].head[64], 0x20);
	expect_end(test);
}

static void ebl_of_unknown_version(struct kunit *test)
{
	struct loader *t = test->priv;

	t->record[70] = 3;
	loader_start(t, STAGE_PSI, IOSM_LOADER);
	KUNIT_EXPECT_EQ(test, flash_ebl(t), -EINVAL);
	/* It is told what we can do all the same, and nothing more. */
	KUNIT_EXPECT_EQ(test, t->heard_count, 5);
	KUNIT_EXPECT_NOT_NULL(test, t->extack._msg);
	KUNIT_EXPECT_EQ(test, iosm_modem_state(t->modem), IOSM_LOADER_ONLINE);
}

static const struct element pack_sent[] = {
	BYTES("\xb8\x02\x04\x02\x0a\x00\x00\x00"),
	BYTES("\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11"),
	{}
};

static void security_pack(struct kunit *test)
{
	struct loader *t = test->priv;

	loader_start(t, STAGE_EBL, IOSM_LOADER);
	KUNIT_EXPECT_EQ(test, flash_pack(t), 0);
	expect_heard(test, pack_sent);
	expect_no_more(test);
	EXPECT_STATUS(test, "Loading|FLS|0/10", "Loading|FLS|10/10");
	expect_end(test);
}

static const struct element erase_checked[] = {
	BYTES("\x08\x08\x06\x08\x02\x00\x00\x00"),
	BYTES("\x00\x00"),
	{}
};

static const struct element region_erased[] = {
	BYTES("\x7b\x08\x05\x08\x08\x00\x00\x00"),
	BYTES("\x00\x00\x10\x00\x3e\x0d\x13\x00"),
	{}
};

static const struct element region_written[] = {
	BYTES("\x16\x08\x02\x08\x04\x00\x00\x00"),
	BYTES("\x00\x00\x10\x00"),
	BYTES("\x63\x08\x0f\x08\x04\x00\x00\x00"),
	BYTES("\x40\x0d\x03\x00"),
	DATA(65536),
	DATA(65536),
	DATA(65536),
	DATA(3392),
	{}
};

static const struct element security_ended[] = {
	BYTES("\x07\x02\x05\x02\x02\x00\x00\x00"),
	BYTES("\x00\x00"),
	{}
};

static const struct element all_erased[] = {
	BYTES("\x23\x0c\x0c\x08\x10\x00\x00\x00"),
	BYTES("\x03\x00\x00\x00\x08\x00\x00\x00\xff\xff\xff\xff\x00\x00\x00\x00"),
	{}
};

#define WRITING								\
	"Writing|FLS|0/200000", "Writing|FLS|65536/200000",		\
	"Writing|FLS|131072/200000", "Writing|FLS|196608/200000",	\
	"Writing|FLS|200000/200000"

static void region(struct kunit *test)
{
	struct loader *t = test->priv;

	loader_start(t, STAGE_EBL, IOSM_LOADER);
	KUNIT_EXPECT_EQ(test, flash_region(t), 0);
	expect_heard(test, region_erased);
	expect_heard(test, erase_checked);
	expect_heard(test, region_written);
	expect_no_more(test);
	KUNIT_EXPECT_EQ(test, t->raw, REGION_BYTES);
	EXPECT_STATUS(test, "Erasing|FLS|0/200000", "Erasing|FLS|200000/200000", WRITING);
	expect_end(test);
}

static void last_region(struct kunit *test)
{
	struct loader *t = test->priv;

	loader_start(t, STAGE_EBL, IOSM_LOADER);
	t->busy = 2;
	KUNIT_EXPECT_EQ(test, flash_last_region(t), 0);
	expect_heard(test, region_erased);
	expect_heard(test, erase_checked);
	expect_heard(test, erase_checked);
	expect_heard(test, erase_checked);
	expect_heard(test, region_written);
	expect_heard(test, security_ended);
	expect_no_more(test);
	expect_end(test);
}

/* Q72: once erased, regions need not be; but only in this session. */
static void all_is_erased_once(struct kunit *test)
{
	struct loader *t = test->priv;

	loader_start(t, STAGE_EBL, IOSM_LOADER);
	KUNIT_EXPECT_EQ(test, flash_pack_erasing(t), 0);
	expect_heard(test, all_erased);
	expect_heard(test, erase_checked);
	expect_heard(test, pack_sent);
	expect_no_more(test);
	EXPECT_STATUS(test, "Erasing the whole flash memory|FLS|0/1",
		      "Erasing the whole flash memory|FLS|1/1",
		      "Loading|FLS|0/10", "Loading|FLS|10/10");

	t->status_count = 0;
	KUNIT_EXPECT_EQ(test, flash_region(t), 0);
	expect_heard(test, region_written);
	expect_no_more(test);
	EXPECT_STATUS(test, WRITING);
	expect_end(test);

	loader_reset(t, STAGE_EBL);
	iosm_fake_await(t->fake, IOSM_LOADER);
	KUNIT_EXPECT_EQ(test, flash_region(t), 0);
	expect_heard(test, region_erased);
	expect_heard(test, erase_checked);
	expect_heard(test, region_written);
	expect_no_more(test);
}

static const struct element files_asked[] = {
	BYTES("\x00\x00\x00\x00\x11\x00\x11\x00"),
	BYTES("\x01\x00\x00\x00\x11\x00\x10\x00"),
	BYTES("\x03\x00\x00\x00\x11\x00\x12\x00"),
	BYTES("\x04\x00\x00\x00\x11\x00\x15\x00"),
	BYTES("\x05\x00\x00\x00\x11\x00\x14\x00"),
	BYTES("\x00\x10\x00\x00\x12\x00\x12\x10"),
	{}
};

static void whole_dump_is_fetched(struct kunit *test)
{
	struct loader *t = test->priv;
	unsigned int i;

	loader_start(t, STAGE_BOOT, IOSM_ROM);
	offer_dump(t, 6);
	put_unaligned_le32(0, t->list + 8 + 36 * 2);
	KUNIT_ASSERT_EQ(test, flash_psi(t), 0);
	t->heard_count = 0;
	for (i = 0; i < 6; i++) {
		if (i == 2)
			continue;
		KUNIT_EXPECT_TRUE(test, iosm_coredump_available(t->flash, i));
		KUNIT_EXPECT_EQ(test, fetch_file(t, i), 0);
	}
	expect_heard(test, files_asked);
	expect_no_more(test);
	expect_end(test);

	KUNIT_EXPECT_FALSE(test, iosm_coredump_available(t->flash, 0));
	KUNIT_EXPECT_EQ(test, fetch_file(t, 0), -ENODATA);
	expect_no_more(test);
}

/* There is nothing to ask for. */
static void empty_file(struct kunit *test)
{
	static const u32 sizes[] = { 0, 0x10 };
	struct loader *t = test->priv;
	u8 data[16] = {};

	loader_start(t, STAGE_BOOT, IOSM_ROM);
	offer_dump(t, 2);
	loader_list(t, 2, sizes);
	KUNIT_ASSERT_EQ(test, flash_psi(t), 0);
	t->heard_count = 0;
	KUNIT_EXPECT_EQ(test, iosm_coredump_fetch(t->flash, 0, data, &t->extack), 0);
	KUNIT_EXPECT_NULL(test, memchr_inv(data, 0, sizeof(data)));
	KUNIT_EXPECT_EQ(test, t->heard_count, 0);
	KUNIT_EXPECT_TRUE(test, iosm_coredump_available(t->flash, 0));
	expect_end(test);
}

/* The list belongs to the modem as it is, not as it was. */
static void dump_is_forgotten_with_the_loader(struct kunit *test)
{
	struct loader *t = test->priv;

	loader_start(t, STAGE_BOOT, IOSM_ROM);
	KUNIT_ASSERT_EQ(test, flash_psi_with_dump(t), 0);
	KUNIT_EXPECT_TRUE(test, iosm_coredump_available(t->flash, 0));
	loader_reset(t, STAGE_PSI);
	iosm_fake_await(t->fake, IOSM_RECOVERING);
	iosm_fake_await(t->fake, IOSM_LOADER);
	KUNIT_EXPECT_FALSE(test, iosm_coredump_available(t->flash, 0));
	KUNIT_EXPECT_EQ(test, fetch_file(t, 0), -ENODATA);
}

struct list_case {
	const char *desc;
	u32 count;
	u32 size;
};

static const struct list_case lists[] = {
	{ "F15: no file", 0, 0x100 },
	{ "F15: seven files", 7, 0x100 },
	{ "F15: all ones", 0xffffffff, 0x100 },
	{ "F16: one byte too large", 1, 0x801 },
	{ "F16: all ones", 1, 0xffffffff },
};

KUNIT_ARRAY_PARAM_DESC(list, lists, desc);

static void impossible_list(struct kunit *test)
{
	const struct list_case *c = test->param_value;
	const u32 sizes[6] = { c->size };
	struct loader *t = test->priv;

	loader_start(t, STAGE_BOOT, IOSM_ROM);
	offer_dump(t, 1);
	loader_list(t, c->count, sizes);
	KUNIT_EXPECT_EQ(test, flash_psi(t), -EBADMSG);
	KUNIT_EXPECT_NOT_NULL(test, t->extack._msg);
	KUNIT_EXPECT_FALSE(test, iosm_coredump_available(t->flash, 0));
	KUNIT_EXPECT_EQ(test, iosm_modem_state(t->modem), IOSM_LOADER_ONLINE);
}

/* ---- What is refused without, or before, a word ---- */

static void rom_refuses(struct kunit *test)
{
	struct loader *t = test->priv;
	struct iosm_image image = image_of(t, IOSM_IMAGE_PSI, EBL_BYTES);

	loader_start(t, STAGE_BOOT, IOSM_ROM);
	t->rom_result = 0x02;
	KUNIT_EXPECT_EQ(test, flash_psi(t), -EACCES);
	KUNIT_EXPECT_STREQ(test, t->extack._msg, "iosm: the boot ROM refused the PSI");
	EXPECT_STATUS(test, "Loading|PSI|0/5000", "0x2|ROM ERROR|0/0");
	KUNIT_EXPECT_EQ(test, atomic_read(&t->modem->talks), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&t->flash->buffers), 0);

	/* The widest that there is, and nobody who listens */
	t->status_count = 0;
	t->rom_result = 0xfedcba98;
	KUNIT_EXPECT_EQ(test, flash_psi(t), -EACCES);
	EXPECT_STATUS(test, "Loading|PSI|0/5000", "0xfedcba98|ROM ERROR|0/0");
	t->rom_result = 0x20;
	KUNIT_EXPECT_EQ(test, iosm_flash_psi(t->flash, &image, NULL, NULL), -EACCES);
	KUNIT_EXPECT_EQ(test, t->status_count, 2);
}

/**
 * struct stage_case - a file for another stage
 * @desc: name of the case
 * @stage: where the modem is
 * @state: of the core
 * @run: gives it the file
 * @status: the user is told so
 */
struct stage_case {
	const char *desc;
	u32 stage;
	enum iosm_state state;
	int (*run)(struct loader *t);
	bool status;
};

static const struct stage_case stages[] = {
	{ "PSI for PSI", STAGE_PSI, IOSM_LOADER, flash_psi, false },
	{ "PSI for firmware", STAGE_RUN, IOSM_ONLINE, flash_psi, false },
	{ "EBL for the ROM", STAGE_BOOT, IOSM_ROM, flash_ebl, true },
	{ "EBL for EBL", STAGE_EBL, IOSM_LOADER, flash_ebl, true },
	{ "EBL for firmware", STAGE_RUN, IOSM_ONLINE, flash_ebl, true },
	{ "part for the ROM", STAGE_BOOT, IOSM_ROM, flash_pack, true },
	{ "part for PSI", STAGE_PSI, IOSM_LOADER, flash_region, true },
	{ "part for firmware", STAGE_RUN, IOSM_ONLINE, flash_pack, true },
	{ "dump of EBL", STAGE_EBL, IOSM_LOADER, fetch_first_file, false },
	{ "dump of firmware", STAGE_RUN, IOSM_ONLINE, fetch_first_file, false },
};

KUNIT_ARRAY_PARAM_DESC(stage, stages, desc);

static void wrong_stage(struct kunit *test)
{
	const struct stage_case *c = test->param_value;
	struct loader *t = test->priv;

	loader_start(t, c->stage, c->state);
	KUNIT_EXPECT_EQ(test, c->run(t), -EBUSY);
	KUNIT_EXPECT_EQ(test, t->heard_count, 0);
	KUNIT_EXPECT_NOT_NULL(test, t->extack._msg);
	KUNIT_EXPECT_EQ(test, t->failures, 0);
	if (c->status)
		EXPECT_STATUS(test, "Invalid execution stage|-|0/0");
	else
		KUNIT_EXPECT_EQ(test, t->status_count, 0);
}

static void impossible_images(struct kunit *test)
{
	struct loader *t = test->priv;
	struct iosm_image image;

	loader_start(t, STAGE_EBL, IOSM_LOADER);
	image = image_of(t, IOSM_IMAGE_EBL, 0x1000000);
	KUNIT_EXPECT_EQ(test, iosm_flash_ebl(t->flash, &image, false, NULL, NULL), -EFBIG);
	image = image_of(t, IOSM_IMAGE_FLS, 16385);
	KUNIT_EXPECT_EQ(test, flash_fls_quietly(t, &image, false), -EFBIG);
	image = region_of(t);
	image.address = 0xffffff00;
	KUNIT_EXPECT_EQ(test, flash_fls_quietly(t, &image, true), -ERANGE);
	KUNIT_EXPECT_EQ(test, t->heard_count, 0);
	/* Not even a session was begun for that. */
	KUNIT_EXPECT_EQ(test, iosm_modem_state(t->modem), IOSM_LOADER);
}

/* Of a wish to erase everything, nothing is left as soon as the EBL knows of it, and not before. */
static void wish_to_erase(struct kunit *test)
{
	struct loader *t = test->priv;
	struct iosm_image image = image_of(t, IOSM_IMAGE_FLS, 16385);
	bool erase = true;

	loader_start(t, STAGE_EBL, IOSM_LOADER);
	KUNIT_EXPECT_EQ(test, iosm_flash_fls(t->flash, &image, &erase, NULL, NULL), -EFBIG);
	KUNIT_EXPECT_TRUE(test, erase);
	image = region_of(t);
	image.address = 0xffffff00;
	KUNIT_EXPECT_EQ(test, iosm_flash_fls(t->flash, &image, &erase, NULL, NULL), -ERANGE);
	KUNIT_EXPECT_TRUE(test, erase);
	KUNIT_EXPECT_EQ(test, t->heard_count, 0);

	t->fault = FAULT_REFUSE;
	t->fault_at = t->said;
	image = region_of(t);
	KUNIT_EXPECT_EQ(test, iosm_flash_fls(t->flash, &image, &erase, NULL, NULL), -EREMOTEIO);
	KUNIT_EXPECT_FALSE(test, erase);
}

/* Nobody needs to be told anything. */
static void nobody_listens(struct kunit *test)
{
	struct loader *t = test->priv;
	struct iosm_image image = region_of(t);

	loader_start(t, STAGE_EBL, IOSM_LOADER);
	KUNIT_EXPECT_EQ(test, flash_fls_quietly(t, &image, true), 0);
	t->fault = FAULT_SHORT;
	t->fault_at = t->said;
	KUNIT_EXPECT_EQ(test, flash_fls_quietly(t, &image, false), -EPROTO);
}

/* ---- The EBL refuses ---- */

/**
 * struct refusal_case - a packet that the EBL refuses
 * @desc: name of the case
 * @stage: where the modem is
 * @run: the conversation
 * @at: element of the header that says so
 */
struct refusal_case {
	const char *desc;
	u32 stage;
	int (*run)(struct loader *t);
	unsigned int at;
};

static const struct refusal_case refusals[] = {
	{ "protocol configuration", STAGE_PSI, flash_ebl, 4 },
	{ "SWID table, asked for", STAGE_PSI, flash_ebl, 6 },
	{ "SWID table, read", STAGE_PSI, flash_ebl, 8 },
	{ "security start", STAGE_EBL, flash_pack, 0 },
	{ "erase all", STAGE_EBL, flash_pack_erasing, 0 },
	{ "erase start", STAGE_EBL, flash_last_region, 0 },
	{ "erase check", STAGE_EBL, flash_last_region, 2 },
	{ "set address", STAGE_EBL, flash_last_region, 4 },
	{ "write raw image", STAGE_EBL, flash_last_region, 6 },
	{ "security end", STAGE_EBL, flash_last_region, 8 },
};

KUNIT_ARRAY_PARAM_DESC(refusal, refusals, desc);

static void ebl_refuses(struct kunit *test)
{
	const struct refusal_case *c = test->param_value;
	struct loader *t = test->priv;

	loader_start(t, c->stage, IOSM_LOADER);
	t->fault = FAULT_REFUSE;
	t->fault_at = c->at;
	KUNIT_EXPECT_EQ(test, c->run(t), -EREMOTEIO);
	KUNIT_EXPECT_NOT_NULL(test, t->extack._msg);
	KUNIT_EXPECT_EQ(test, t->said, c->at + 2);
	KUNIT_ASSERT_GT(test, t->status_count, 0);
	KUNIT_EXPECT_STREQ(test, t->status[t->status_count - 1],
			   "0x0102/0x0304|EBL ERROR|0/0");

	/* The session goes on. */
	KUNIT_EXPECT_EQ(test, iosm_modem_state(t->modem), IOSM_LOADER_ONLINE);
	t->fault = FAULT_NONE;
	if (c->stage == STAGE_EBL)
		KUNIT_EXPECT_EQ(test, flash_last_region(t), 0);
	KUNIT_EXPECT_EQ(test, t->failures, 0);
}

static void erasing_fails(struct kunit *test)
{
	struct loader *t = test->priv;

	loader_start(t, STAGE_EBL, IOSM_LOADER);
	t->erase_result = 2;
	KUNIT_EXPECT_EQ(test, flash_region(t), -EREMOTEIO);
	KUNIT_EXPECT_EQ(test, flash_pack_erasing(t), -EREMOTEIO);
	KUNIT_EXPECT_NOT_NULL(test, t->extack._msg);
	KUNIT_EXPECT_FALSE(test, t->flash->erased);
	t->erase_result = 1;
	KUNIT_EXPECT_EQ(test, flash_region(t), 0);
}

/* F10: not after five rounds, but after a sensible time */
static void erasing_takes_long(struct kunit *test)
{
	struct loader *t = test->priv;

	loader_start(t, STAGE_EBL, IOSM_LOADER);
	t->busy = 9;
	KUNIT_EXPECT_EQ(test, flash_region(t), 0);
	KUNIT_EXPECT_EQ(test, t->busy, 0);

	t->busy = UINT_MAX;
	t->flash->erase_timeout = IOSM_FAKE_TIMEOUT;
	KUNIT_EXPECT_EQ(test, flash_region(t), -ETIMEDOUT);
	KUNIT_EXPECT_LT(test, t->busy, UINT_MAX - 1);
	KUNIT_EXPECT_STREQ(test, t->extack._msg, "iosm: erasing the flash memory does not end");
	KUNIT_EXPECT_EQ(test, iosm_modem_state(t->modem), IOSM_LOADER_ONLINE);
}

/**
 * struct pause_case - what ends the pause before the next erase check
 * @desc: name of the case
 * @hit: does it, in the context of a work item
 * @ret: of the pause
 * @torn: the conversation cannot go on
 */
struct pause_case {
	const char *desc;
	void (*hit)(struct loader *t);
	int ret;
	bool torn;
};

static void hit_nothing(struct loader *t)
{
}

static void hit_signal(struct loader *t)
{
	send_sig(SIGTERM, t->talker, 0);
}

static void hit_unbind(struct loader *t)
{
	schedule_work(&t->unbind);
}

static void hit_crash(struct loader *t)
{
	iosm_fake_crash(t->fake);
}

static const struct pause_case pauses[] = {
	{ "time", hit_nothing, 0, false },
	{ "signal", hit_signal, -EINTR, true },
	{ "unbind", hit_unbind, -ENODEV, true },
	{ "crash", hit_crash, -EIO, true },
};

KUNIT_ARRAY_PARAM_DESC(pause, pauses, desc);

/**
 * struct hitter - does something to who pauses
 * @work: waits until he does
 * @t: the loader
 * @hit: what
 */
struct hitter {
	struct work_struct work;
	struct loader *t;
	void (*hit)(struct loader *t);
};

static void hitter_work(struct work_struct *work)
{
	struct hitter *h = container_of(work, struct hitter, work);
	unsigned long end = jiffies + 5 * HZ;

	while (!wq_has_sleeper(&h->t->flash->wait) && time_before(jiffies, end))
		schedule_timeout_uninterruptible(1);
	h->hit(h->t);
}

static void pause_is_cut_short(struct kunit *test)
{
	const struct pause_case *c = test->param_value;
	struct loader *t = test->priv;
	struct hitter h = { .t = t, .hit = c->hit };
	unsigned long start;

	allow_signal(SIGTERM);
	loader_start(t, STAGE_EBL, IOSM_LOADER);
	KUNIT_ASSERT_EQ(test, iosm_modem_want_loader(t->modem), 0);
	KUNIT_ASSERT_EQ(test, iosm_flash_begin(t->flash, NULL, &t->extack), 0);
	INIT_WORK_ONSTACK(&h.work, hitter_work);
	start = jiffies;
	schedule_work(&h.work);
	KUNIT_EXPECT_EQ(test, iosm_flash_pause(t->flash, c->torn ? IOSM_FAKE_NO_TIMEOUT :
						       IOSM_FAKE_TIMEOUT),
			c->ret);
	flush_signals(current);
	KUNIT_EXPECT_LT(test, jiffies_to_msecs(jiffies - start), IOSM_FAKE_SOON);
	KUNIT_EXPECT_EQ(test, t->flash->torn, c->torn);
	KUNIT_EXPECT_EQ(test, !!t->extack._msg, c->torn);
	KUNIT_EXPECT_EQ(test, t->heard_count, 0);
	iosm_flash_end(t->flash);
	flush_work(&h.work);
	destroy_work_on_stack(&h.work);
	flush_work(&t->unbind);
	KUNIT_EXPECT_EQ(test, atomic_read(&t->modem->talks), 0);
	/* A crash is reported by the core, in its time. */
	if (c->ret != -EIO)
		KUNIT_EXPECT_EQ(test, t->failures, 0);
}

/* The same, where it happens: the memory is not erased yet, and is not asked again. */
static void erasing_is_interrupted(struct kunit *test)
{
	struct loader *t = test->priv;
	struct hitter h = { .t = t, .hit = hit_signal };

	allow_signal(SIGTERM);
	loader_start(t, STAGE_EBL, IOSM_LOADER);
	KUNIT_ASSERT_EQ(test, iosm_modem_want_loader(t->modem), 0);
	t->busy = UINT_MAX;
	INIT_WORK_ONSTACK(&h.work, hitter_work);
	schedule_work(&h.work);
	KUNIT_EXPECT_EQ(test, flash_pack_erasing(t), -EINTR);
	flush_signals(current);
	flush_work(&h.work);
	destroy_work_on_stack(&h.work);
	KUNIT_EXPECT_STREQ(test, t->extack._msg, "iosm: interrupted");
	KUNIT_EXPECT_FALSE(test, t->flash->erased);
	KUNIT_EXPECT_EQ(test, t->failures, 0);

	loader_reset(t, STAGE_EBL);
	iosm_fake_await(t->fake, IOSM_LOADER);
	KUNIT_EXPECT_EQ(test, atomic_read(&t->flash->buffers), 0);
	KUNIT_EXPECT_EQ(test, flash_pack_erasing(t), 0);
}

/* ---- Each element, spoiled in each way ---- */

/**
 * struct talk - a conversation
 * @desc: its name
 * @stage: where it begins
 * @state: of the core, there
 * @run: it
 * @elements: that the loader says
 */
struct talk {
	const char *desc;
	u32 stage;
	enum iosm_state state;
	int (*run)(struct loader *t);
	unsigned int elements;
};

static const struct talk talks[] = {
	{ "PSI", STAGE_BOOT, IOSM_ROM, flash_psi_with_dump, 2 },
	{ "EBL", STAGE_PSI, IOSM_LOADER, flash_ebl, 10 },
	{ "security pack", STAGE_EBL, IOSM_LOADER, flash_pack, 2 },
	{ "all erased", STAGE_EBL, IOSM_LOADER, flash_pack_erasing, 6 },
	{ "last region", STAGE_EBL, IOSM_LOADER, flash_last_region, 10 },
};

/**
 * struct spoiling - what is done to an element
 * @desc: its name
 * @fault: what
 * @ret: of the conversation
 * @failures: reported by each; one that crashed is reported by the core
 */
struct spoiling {
	const char *desc;
	enum loader_fault fault;
	int ret;
	unsigned int failures;
};

static const struct spoiling spoilings[] = {
	{ "short", FAULT_SHORT, -EPROTO, 1 },
	{ "long", FAULT_LONG, -EPROTO, 1 },
	{ "empty", FAULT_EMPTY, -EPROTO, 1 },
	{ "silent", FAULT_SILENT, -ETIMEDOUT, 1 },
	{ "crash", FAULT_CRASH, -EIO, 1 },
	{ "signal", FAULT_SIGNAL, -EINTR, 0 },
};

/**
 * struct spoiled_talk - a parameter: all elements of a conversation, in one way
 * @talk: the conversation
 * @spoiling: the way
 */
struct spoiled_talk {
	const struct talk *talk;
	const struct spoiling *spoiling;
};

static const void *spoiled_talk_gen_params(struct kunit *test, const void *prev, char *desc)
{
	static struct spoiled_talk all[ARRAY_SIZE(talks) * ARRAY_SIZE(spoilings)];
	const struct spoiled_talk *last = prev;
	unsigned int i = last ? last - all + 1 : 0;

	if (i == ARRAY_SIZE(all))
		return NULL;
	all[i].talk = &talks[i / ARRAY_SIZE(spoilings)];
	all[i].spoiling = &spoilings[i % ARRAY_SIZE(spoilings)];
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%s, %s", all[i].talk->desc, all[i].spoiling->desc);
	return &all[i];
}

static void await_talk(struct loader *t, const struct talk *talk)
{
	loader_reset(t, talk->stage);
	iosm_fake_await(t->fake, talk->state);
}

static void spoil_element(struct kunit *test, const struct talk *talk,
			  const struct spoiling *spoiling, unsigned int at)
{
	struct loader *t = test->priv;

	t->failures = 0;
	t->fault = spoiling->fault;
	t->fault_at = at;
	if (spoiling->fault == FAULT_SILENT)
		t->flash->timeout = IOSM_FAKE_TIMEOUT;
	KUNIT_EXPECT_EQ_MSG(test, talk->run(t), spoiling->ret, "element %u", at);
	flush_signals(current);
	KUNIT_EXPECT_GT_MSG(test, t->said, at, "the element was not said");
	KUNIT_EXPECT_NOT_NULL_MSG(test, t->extack._msg, "element %u", at);
	KUNIT_EXPECT_EQ_MSG(test, t->failures, spoiling->failures, "element %u", at);
	KUNIT_EXPECT_EQ(test, atomic_read(&t->modem->talks), 0);

	/* The session is over, and nothing of it is left. */
	await_talk(t, talk);
	KUNIT_EXPECT_EQ_MSG(test, atomic_read(&t->flash->buffers), 0, "element %u", at);
}

static void spoiled_element(struct kunit *test)
{
	const struct spoiled_talk *param = test->param_value;
	const struct talk *talk = param->talk;
	struct loader *t = test->priv;
	unsigned int at;

	allow_signal(SIGTERM);
	loader_start(t, talk->stage, talk->state);
	for (at = 0; at < talk->elements; at++)
		spoil_element(test, talk, param->spoiling, at);
	KUNIT_EXPECT_EQ(test, talk->run(t), 0);
	KUNIT_EXPECT_EQ_MSG(test, t->said, talk->elements, "elements that were not spoiled");
	KUNIT_EXPECT_EQ(test, atomic_read(&t->flash->buffers), 2);
}

/**
 * struct dump_case - a file of a core dump that is spoiled
 * @desc: name of the case
 * @fault: how
 * @at: which element: chunks 0 to 2, of 60000, 60000 and 30000 bytes, 3 is the end
 * @ret: of the fetch
 * @alive: the session survives, because both sides agreed on the end
 */
struct dump_case {
	const char *desc;
	enum loader_fault fault;
	unsigned int at;
	int ret;
	bool alive;
};

static const struct dump_case dumps[] = {
	{ "F18: empty chunk", FAULT_EMPTY, 2, -EPROTO, true },
	{ "F18: empty chunk, more follow", FAULT_EMPTY, 0, -EPROTO, false },
	{ "F19: more than remains", FAULT_LONG, 2, -EPROTO, true },
	{ "F20: a byte is missing", FAULT_SHORT, 2, -ETIMEDOUT, true },
	{ "F21: silence at once", FAULT_SILENT, 0, -ETIMEDOUT, false },
	{ "F21: silence in the middle", FAULT_SILENT, 1, -ETIMEDOUT, false },
	{ "F22: crash", FAULT_CRASH, 1, -EIO, false },
	{ "signal", FAULT_SIGNAL, 1, -EINTR, false },
	/* The file is complete, and cannot be fetched again. */
	{ "short answer to the end", FAULT_SHORT, 3, 0, false },
	{ "no answer to the end", FAULT_SILENT, 3, 0, false },
};

KUNIT_ARRAY_PARAM_DESC(dump, dumps, desc);

static void spoiled_dump(struct kunit *test)
{
	const struct dump_case *c = test->param_value;
	struct loader *t = test->priv;

	allow_signal(SIGTERM);
	loader_start(t, STAGE_PSI, IOSM_LOADER);
	t->fault = c->fault;
	t->fault_at = c->at;
	if (c->fault == FAULT_SILENT || c->ret == -ETIMEDOUT)
		t->flash->timeout = IOSM_FAKE_TIMEOUT;
	KUNIT_EXPECT_EQ(test, fetch_last_file(t), c->ret);
	flush_signals(current);
	KUNIT_EXPECT_EQ(test, !t->extack._msg, !c->ret);
	KUNIT_EXPECT_GT(test, t->said, c->at);
	if (c->alive) {
		KUNIT_EXPECT_EQ(test, iosm_modem_state(t->modem), IOSM_LOADER_ONLINE);
		KUNIT_EXPECT_EQ(test, t->heard_count, 2);
		KUNIT_EXPECT_FALSE(test, iosm_coredump_available(t->flash, 0));
	}

	loader_reset(t, STAGE_PSI);
	iosm_fake_await(t->fake, IOSM_LOADER);
	KUNIT_EXPECT_EQ(test, atomic_read(&t->flash->buffers), 0);
	KUNIT_EXPECT_EQ(test, fetch_last_file(t), 0);
}

/* Each byte in time, and all of them in years. */
static void dump_that_trickles(struct kunit *test)
{
	struct loader *t = test->priv;

	loader_start(t, STAGE_PSI, IOSM_LOADER);
	t->chunk = 1;
	t->flash->dump_timeout = 0;
	t->flash->timeout = IOSM_FAKE_TIMEOUT;
	KUNIT_EXPECT_EQ(test, fetch_last_file(t), -ETIMEDOUT);
}

/* F1: an answer that comes twice is not that to the next question. */
static void answer_that_comes_twice(struct kunit *test)
{
	static const unsigned int elements[] = { 0, 1, 5, 7 };
	struct loader *t = test->priv;
	unsigned int i;

	loader_start(t, STAGE_PSI, IOSM_LOADER);
	for (i = 0; i < ARRAY_SIZE(elements); i++) {
		t->fault = FAULT_TWICE;
		t->fault_at = elements[i];
		KUNIT_EXPECT_EQ_MSG(test, flash_ebl(t), 0, "element %u", elements[i]);
		KUNIT_EXPECT_EQ_MSG(test, t->flash->unasked, 1, "element %u", elements[i]);
		loader_reset(t, STAGE_PSI);
		iosm_fake_await(t->fake, IOSM_LOADER);
	}
}

static void flood(struct iosm_fake *fake)
{
	struct loader *t = fake->priv;

	while (iosm_fake_send(t->fake, 1, "flood", 5))
		;
}

/* F1: it has two buffers, and what it puts there is thrown away. */
static void modem_that_floods(struct kunit *test)
{
	struct loader *t = test->priv;
	void (*calm)(struct iosm_fake *fake) = t->fake->on_head;

	loader_start(t, STAGE_EBL, IOSM_LOADER);
	KUNIT_ASSERT_EQ(test, flash_pack(t), 0);
	t->fake->on_head = flood;
	KUNIT_EXPECT_EQ(test, flash_pack(t), -EPROTO);
	t->fake->on_head = calm;

	loader_reset(t, STAGE_EBL);
	iosm_fake_await(t->fake, IOSM_LOADER);
	KUNIT_EXPECT_EQ(test, atomic_read(&t->flash->buffers), 0);
	KUNIT_EXPECT_EQ(test, flash_pack(t), 0);
}

/* Q64: a write ends, and its buffer stays with the modem as long as that may read it. */
static void write_that_nobody_reads(struct kunit *test)
{
	struct loader *t = test->priv;

	loader_start(t, STAGE_EBL, IOSM_LOADER);
	KUNIT_ASSERT_EQ(test, flash_pack(t), 0);
	t->fake->deaf = true;
	t->flash->timeout = IOSM_FAKE_TIMEOUT;
	disable_delayed_work_sync(&t->modem->work);
	KUNIT_EXPECT_EQ(test, flash_pack(t), -ETIMEDOUT);
	KUNIT_EXPECT_EQ(test, atomic_read(&t->flash->buffers), 3);
	KUNIT_EXPECT_FALSE(test, t->fake->dma);
	enable_delayed_work(&t->modem->work);

	t->fake->deaf = false;
	loader_reset(t, STAGE_EBL);
	iosm_modem_kick(t->modem, 0);
	iosm_fake_await(t->fake, IOSM_LOADER);
	KUNIT_EXPECT_EQ(test, atomic_read(&t->flash->buffers), 0);
	KUNIT_EXPECT_EQ(test, flash_pack(t), 0);
}

/* The same for who cannot wait so long. */
static void signal_ends_the_wait_for_who_does_not_read(struct kunit *test)
{
	struct loader *t = test->priv;
	struct hitter h = { .t = t, .hit = hit_signal };

	allow_signal(SIGTERM);
	loader_start(t, STAGE_EBL, IOSM_LOADER);
	KUNIT_ASSERT_EQ(test, flash_pack(t), 0);
	t->fake->deaf = true;
	disable_delayed_work_sync(&t->modem->work);
	INIT_WORK_ONSTACK(&h.work, hitter_work);
	schedule_work(&h.work);
	KUNIT_EXPECT_EQ(test, flash_pack(t), -EINTR);
	flush_signals(current);
	flush_work(&h.work);
	destroy_work_on_stack(&h.work);
	KUNIT_EXPECT_STREQ(test, t->extack._msg, "iosm: interrupted");
	KUNIT_EXPECT_EQ(test, t->failures, 0);
	/* The modem has it, and may not read it any more. */
	KUNIT_EXPECT_EQ(test, atomic_read(&t->flash->buffers), 3);
	KUNIT_EXPECT_FALSE(test, t->fake->dma);
	enable_delayed_work(&t->modem->work);

	t->fake->deaf = false;
	loader_reset(t, STAGE_EBL);
	iosm_modem_kick(t->modem, 0);
	iosm_fake_await(t->fake, IOSM_LOADER);
	KUNIT_EXPECT_EQ(test, atomic_read(&t->flash->buffers), 0);
	KUNIT_EXPECT_EQ(test, flash_pack(t), 0);
}

/**
 * struct change_case - a stage that the modem gets into between two packets
 * @desc: name of the case
 * @stage: that stage
 * @ret: of the conversation
 */
struct change_case {
	const char *desc;
	u32 stage;
	int ret;
};

static const struct change_case changes[] = {
	{ "boot ROM", STAGE_BOOT, -ENODEV },
	{ "firmware", STAGE_RUN, -ENODEV },
	{ "crashed", STAGE_CRASH, -EIO },
	{ "dump ready", 0xbadc0ded, -EIO },
	{ "rubbish", 0x12345678, -ENODEV },
	{ "gone", 0xffffffff, -ENODEV },
};

KUNIT_ARRAY_PARAM_DESC(change, changes, desc);

static void change_stage(struct iosm_fake *fake, unsigned int pipe, const u8 *data, u32 len)
{
	const struct change_case *c = fake->test->param_value;
	struct loader *t = fake->priv;
	bool last = t->heard_count == 3;

	t->hear(fake, pipe, data, len);
	/* The first erase check has come, and is answered. */
	if (last)
		iosm_fake_set_stage(fake, c->stage);
}

/* Only the register tells: what is in memory says that the session is well. */
static void stage_changes_between_packets(struct kunit *test)
{
	const struct change_case *c = test->param_value;
	struct loader *t = test->priv;

	loader_start(t, STAGE_EBL, IOSM_LOADER);
	KUNIT_ASSERT_EQ(test, iosm_modem_want_loader(t->modem), 0);
	disable_delayed_work_sync(&t->modem->work);
	t->hear = t->fake->uplink;
	t->fake->uplink = change_stage;
	KUNIT_EXPECT_EQ(test, flash_region(t), c->ret);
	t->fake->uplink = t->hear;
	expect_heard(test, region_erased);
	expect_heard(test, erase_checked);
	expect_no_more(test);
	KUNIT_EXPECT_NOT_NULL(test, t->extack._msg);
	KUNIT_EXPECT_EQ(test, atomic_read(&t->modem->talks), 0);
	KUNIT_EXPECT_FALSE(test, t->fake->dma);
	enable_delayed_work(&t->modem->work);

	loader_reset(t, STAGE_EBL);
	iosm_modem_kick(t->modem, 0);
	iosm_fake_await(t->fake, IOSM_LOADER);
	KUNIT_EXPECT_EQ(test, atomic_read(&t->flash->buffers), 0);
	KUNIT_EXPECT_EQ(test, flash_region(t), 0);
}

/* No allocator has so much in one piece. The conversation has not begun, so it is whole. */
static void no_memory_for_the_ebl(struct kunit *test)
{
	struct loader *t = test->priv;
	struct iosm_image image = image_of(t, IOSM_IMAGE_EBL, 0xffffff);

	loader_start(t, STAGE_PSI, IOSM_LOADER);
	KUNIT_EXPECT_EQ(test, iosm_flash_ebl(t->flash, &image, false, &t->progress, &t->extack),
			-ENOMEM);
	KUNIT_EXPECT_STREQ(test, t->extack._msg,
			   "iosm: not enough memory in one piece for the EBL");
	KUNIT_EXPECT_EQ(test, t->heard_count, 0);
	t->extack._msg = NULL;
	KUNIT_EXPECT_EQ(test, flash_ebl(t), 0);
	expect_end(test);
}

static void unbind_in_the_middle(struct kunit *test)
{
	struct loader *t = test->priv;

	loader_start(t, STAGE_EBL, IOSM_LOADER);
	t->fault = FAULT_UNBIND;
	t->fault_at = 4;
	KUNIT_EXPECT_EQ(test, flash_last_region(t), -ENODEV);
	KUNIT_EXPECT_EQ(test, t->failures, 0);
	flush_work(&t->unbind);
	KUNIT_EXPECT_EQ(test, atomic_read(&t->flash->buffers), 0);
	KUNIT_EXPECT_EQ(test, flash_last_region(t), -ENODEV);
}

/* The loader starts the firmware before it has answered. */
static void modem_boots_in_the_middle(struct kunit *test)
{
	struct loader *t = test->priv;

	loader_start(t, STAGE_EBL, IOSM_LOADER);
	KUNIT_ASSERT_EQ(test, flash_pack(t), 0);
	iosm_fake_set_stage(t->fake, STAGE_RUN);
	KUNIT_EXPECT_EQ(test, flash_pack(t), -EBUSY);
	iosm_fake_reboot(t->fake, STAGE_RUN);
	iosm_fake_await(t->fake, IOSM_ONLINE);
	KUNIT_EXPECT_EQ(test, atomic_read(&t->flash->buffers), 0);
	KUNIT_EXPECT_EQ(test, t->failures, 0);
}

/* ---- Several at once ---- */

/**
 * struct flasher - somebody who flashes
 * @t: the loader
 * @ret: what came of it
 * @over: completed then
 */
struct flasher {
	struct loader *t;
	int ret;
	struct completion over;
};

static int flasher_run(void *data)
{
	struct flasher *f = data;
	struct iosm_image image = image_of(f->t, IOSM_IMAGE_FLS, PACK_BYTES);

	f->ret = flash_fls_quietly(f->t, &image, false);
	complete(&f->over);
	return 0;
}

/* One conversation after the other; the loader would not understand them mixed. */
static void conversations_take_turns(struct kunit *test)
{
	struct loader *t = test->priv;
	struct flasher flashers[4];
	struct task_struct *task;
	unsigned int i;

	loader_start(t, STAGE_EBL, IOSM_LOADER);
	for (i = 0; i < ARRAY_SIZE(flashers); i++) {
		flashers[i].t = t;
		init_completion(&flashers[i].over);
		task = kthread_run(flasher_run, &flashers[i], "iosm flasher");
		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, task);
	}
	for (i = 0; i < ARRAY_SIZE(flashers); i++) {
		wait_for_completion(&flashers[i].over);
		KUNIT_EXPECT_EQ(test, flashers[i].ret, 0);
	}
	KUNIT_EXPECT_EQ(test, t->heard_count, 2 * ARRAY_SIZE(flashers));
	expect_end(test);
}

static struct kunit_case iosm_flash_cases[] = {
	KUNIT_CASE(psi_says_that_it_runs),
	KUNIT_CASE(psi_has_a_dump),
	KUNIT_CASE(ebl_is_loaded),
	KUNIT_CASE(ebl_that_will_erase_all),
	KUNIT_CASE(ebl_of_unknown_version),
	KUNIT_CASE(security_pack),
	KUNIT_CASE(region),
	KUNIT_CASE(last_region),
	KUNIT_CASE(all_is_erased_once),
	KUNIT_CASE(whole_dump_is_fetched),
	KUNIT_CASE(empty_file),
	KUNIT_CASE(dump_is_forgotten_with_the_loader),
	KUNIT_CASE_PARAM(impossible_list, list_gen_params),
	KUNIT_CASE(rom_refuses),
	KUNIT_CASE_PARAM(wrong_stage, stage_gen_params),
	KUNIT_CASE(impossible_images),
	KUNIT_CASE(wish_to_erase),
	KUNIT_CASE(nobody_listens),
	KUNIT_CASE_PARAM(ebl_refuses, refusal_gen_params),
	KUNIT_CASE(erasing_fails),
	KUNIT_CASE(erasing_takes_long),
	KUNIT_CASE_PARAM(pause_is_cut_short, pause_gen_params),
	KUNIT_CASE(erasing_is_interrupted),
	KUNIT_CASE_PARAM(spoiled_element, spoiled_talk_gen_params),
	KUNIT_CASE_PARAM(spoiled_dump, dump_gen_params),
	KUNIT_CASE(dump_that_trickles),
	KUNIT_CASE(answer_that_comes_twice),
	KUNIT_CASE(modem_that_floods),
	KUNIT_CASE(write_that_nobody_reads),
	KUNIT_CASE(signal_ends_the_wait_for_who_does_not_read),
	KUNIT_CASE_PARAM(stage_changes_between_packets, change_gen_params),
	KUNIT_CASE(no_memory_for_the_ebl),
	KUNIT_CASE(unbind_in_the_middle),
	KUNIT_CASE(modem_boots_in_the_middle),
	KUNIT_CASE(conversations_take_turns),
	{}
};

static struct kunit_suite iosm_flash_suite = {
	.name = "iosm_flash",
	.init = flash_test_init,
	.test_cases = iosm_flash_cases,
};

kunit_test_suite(iosm_flash_suite);
