// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of the ring arithmetic, and of where things lie in shared memory
 * (protocol.rst 3.1, 3.2, 3.4.2, 3.5.1).
 */

#include <linux/unaligned.h>

#include "iosm_kunit_bus.h"

/* ---- Distance ---- */

struct distance_case {
	const char *desc;
	unsigned int from;
	unsigned int to;
	unsigned int entries;
	unsigned int distance;
};

static const struct distance_case distances[] = {
	{ "empty ring at its start", 0, 0, 128, 0 },
	{ "empty ring at its end", 127, 127, 128, 0 },
	{ "one step", 0, 1, 128, 1 },
	{ "one step around the end", 127, 0, 128, 1 },
	{ "one step back is almost all", 1, 0, 128, 127 },
	{ "full ring", 0, 127, 128, 127 },
	{ "full ring, wrapped", 5, 4, 128, 127 },
	{ "wrapped in the middle", 100, 20, 128, 48 },
	{ "no power of two", 59, 3, 60, 4 },
	{ "no power of two, full", 30, 29, 60, 59 },
	{ "smallest ring", 1, 0, 2, 1 },
	{ "single entry", 0, 0, 1, 0 },
	{ "largest ring", 65534, 65533, 65535, 65534 },
};

KUNIT_ARRAY_PARAM_DESC(distance, distances, desc);

static void distance_goes_forward(struct kunit *test)
{
	const struct distance_case *c = test->param_value;

	KUNIT_EXPECT_EQ(test, iosm_ring_distance(c->from, c->to, c->entries),
			c->distance);
}

/* Walking step by step is the definition. */
static void distance_is_the_number_of_steps(struct kunit *test)
{
	unsigned int entries, from, steps, to;

	for (entries = 1; entries <= 17; entries++) {
		for (from = 0; from < entries; from++) {
			to = from;
			for (steps = 0; steps < entries; steps++) {
				KUNIT_ASSERT_EQ(test,
						iosm_ring_distance(from, to,
								   entries),
						steps);
				to = (to + 1) % entries;
			}
		}
	}
}

/* ---- Room ---- */

struct room_case {
	const char *desc;
	u16 entries;
	u16 tail;
	u16 head;
	unsigned int posted;
	unsigned int room;
};

static const struct room_case rooms[] = {
	{ "empty", 4, 0, 0, 0, 3 },
	{ "empty, not at the start", 4, 3, 3, 0, 3 },
	{ "one posted", 4, 0, 1, 1, 2 },
	{ "full: one entry stays free", 4, 0, 3, 3, 0 },
	{ "full, wrapped", 4, 2, 1, 3, 0 },
	{ "smallest ring, empty", 2, 1, 1, 0, 1 },
	{ "smallest ring, full", 2, 1, 0, 1, 0 },
	{ "60 entries, wrapped", 60, 50, 10, 20, 39 },
};

KUNIT_ARRAY_PARAM_DESC(room, rooms, desc);

static void room_and_posted_add_up(struct kunit *test)
{
	const struct room_case *c = test->param_value;
	struct iosm_pipe pipe = {
		.entries = c->entries,
		.head = c->head,
		.tail = c->tail,
	};

	KUNIT_EXPECT_EQ(test, iosm_pipe_posted(&pipe), c->posted);
	KUNIT_EXPECT_EQ(test, iosm_pipe_room(&pipe), c->room);
}

/* ---- Where things lie ---- */

static void context_block_has_its_layout(struct kunit *test)
{
	struct iosm_fake_rings *rings = iosm_fake_rings_create(test);
	u64 shm = rings->protocol.shm_dma;
	const u8 *raw = (const u8 *)rings->protocol.shm;

#define AT(member) (shm + offsetof(struct iosm_shared, member))
	KUNIT_EXPECT_EQ(test, get_unaligned_le64(raw + 0x00), AT(status));
	KUNIT_EXPECT_EQ(test, get_unaligned_le64(raw + 0x08), AT(heads));
	KUNIT_EXPECT_EQ(test, get_unaligned_le64(raw + 0x10), AT(tails));
	KUNIT_EXPECT_EQ(test, get_unaligned_le64(raw + 0x18), AT(control_head));
	KUNIT_EXPECT_EQ(test, get_unaligned_le64(raw + 0x20), AT(control_tail));
	KUNIT_EXPECT_EQ(test, get_unaligned_le64(raw + 0x28), AT(control));
#undef AT
	KUNIT_EXPECT_EQ(test, get_unaligned_le16(raw + 0x30), 128);
	KUNIT_EXPECT_EQ(test, raw[0x32], 0);
	KUNIT_EXPECT_EQ(test, raw[0x33], 0);
}

struct span {
	const char *desc;
	size_t from;
	size_t size;
	size_t align;
};

#define SPAN(name, member, bytes, alignment) \
	{ name, offsetof(struct iosm_shared, member), bytes, alignment }

static const struct span spans[] = {
	SPAN("context", context, 52, 8),
	/* A modem that writes 16 bytes of status hits nothing (3.3.1). */
	SPAN("status and a fourth word", status, 16, 8),
	SPAN("control head", control_head, 4, 4),
	SPAN("control tail", control_tail, 4, 4),
	SPAN("24 heads", heads, 96, 4),
	SPAN("24 tails", tails, 96, 4),
	SPAN("128 control entries", control, 128 * 24, 8),
};

static void parts_do_not_overlap(struct kunit *test)
{
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(spans); i++) {
		const struct span *a = &spans[i];

		KUNIT_EXPECT_EQ_MSG(test, a->from % a->align, 0, "%s", a->desc);
		KUNIT_EXPECT_LE_MSG(test, a->from + a->size,
				    sizeof(struct iosm_shared), "%s", a->desc);
		for (j = 0; j < i; j++) {
			const struct span *b = &spans[j];

			KUNIT_EXPECT_TRUE_MSG(test,
					      a->from + a->size <= b->from ||
					      b->from + b->size <= a->from,
					      "%s and %s", a->desc, b->desc);
		}
	}
}

/* 10.6.3 S19: nothing of an earlier session is left in the block. */
static void new_session_starts_with_a_clean_block(struct kunit *test)
{
	struct iosm_fake_rings *rings = iosm_fake_rings_create(test);
	struct iosm_shared *shm = rings->protocol.shm;

	iosm_protocol_halt(&rings->protocol);
	memset(shm, 0xa5, sizeof(*shm));
	iosm_protocol_start(&rings->protocol);

	KUNIT_EXPECT_EQ(test, get_unaligned_le64(shm),
			rings->protocol.shm_dma +
			offsetof(struct iosm_shared, status));
	KUNIT_EXPECT_NULL(test,
			  memchr_inv((u8 *)shm + 52, 0, sizeof(*shm) - 52));
}

static struct kunit_case iosm_ring_cases[] = {
	KUNIT_CASE_PARAM(distance_goes_forward, distance_gen_params),
	KUNIT_CASE(distance_is_the_number_of_steps),
	KUNIT_CASE_PARAM(room_and_posted_add_up, room_gen_params),
	KUNIT_CASE(context_block_has_its_layout),
	KUNIT_CASE(parts_do_not_overlap),
	KUNIT_CASE(new_session_starts_with_a_clean_block),
	{}
};

static struct kunit_suite iosm_ring_suite = {
	.name = "iosm_ring",
	.test_cases = iosm_ring_cases,
};

kunit_test_suite(iosm_ring_suite);
