/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * As much of KUnit as the codecs' suites use, for user space. An assertion that
 * fails leaves the case by a long jump.
 */
#ifndef IOSM_USER_KUNIT_H
#define IOSM_USER_KUNIT_H

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

#include "../shim.h"

#define GFP_KERNEL	0
#define KUNIT_DESC_SIZE	128

struct kunit_block {
	struct kunit_block *next;
	max_align_t data[];
};

struct kunit {
	const void *param_value;
	bool failed;
	jmp_buf leave;
	struct kunit_block *blocks;
};

struct kunit_case {
	const char *name;
	void (*run)(struct kunit *test);
	const void *(*gen)(const void *prev, char *desc);
};

struct kunit_suite {
	const char *name;
	struct kunit_case *test_cases;
};

void *kunit_kmalloc(struct kunit *test, size_t size, int gfp);
void *kunit_kzalloc(struct kunit *test, size_t size, int gfp);
void kunit_kfree(struct kunit *test, void *data);
int kunit_main(const struct kunit_suite *suite);

#define KUNIT_CASE(fn)			{ .name = #fn, .run = fn }
#define KUNIT_CASE_PARAM(fn, g)		{ .name = #fn, .run = fn, .gen = g }

#define KUNIT_ARRAY_PARAM_DESC(n, array, member)				\
	static const void *n##_gen_params(const void *prev, char *desc)	\
	{									\
		__typeof__(&(array)[0]) next = prev;				\
										\
		next = next ? next + 1 : (array);				\
		if (next - (array) >= (ptrdiff_t)ARRAY_SIZE(array))		\
			return NULL;						\
		snprintf(desc, KUNIT_DESC_SIZE, "%s", next->member);		\
		return next;							\
	}

#define kunit_check(test, stop, cond, ...)					\
	do {									\
		if (!(cond)) {							\
			printf("    %s:%d: %s\n", __FILE__, __LINE__, #cond);	\
			printf("    " __VA_ARGS__);				\
			printf("\n");						\
			(test)->failed = true;					\
			if (stop)						\
				longjmp((test)->leave, 1);			\
		}								\
	} while (0)

#define kunit_compare(test, stop, a, op, b, ...)				\
	do {									\
		__typeof__(a) kunit_a = (a);					\
		__typeof__(b) kunit_b = (b);					\
										\
		if (!(kunit_a op kunit_b)) {					\
			printf("    %s is %lld, %s is %lld\n", #a,		\
			       (long long)kunit_a, #b, (long long)kunit_b);	\
			kunit_check(test, stop, !(#op), __VA_ARGS__);		\
		}								\
	} while (0)

#define KUNIT_EXPECT_EQ(t, a, b)	kunit_compare(t, false, a, ==, b, " ")
#define KUNIT_EXPECT_NE(t, a, b)	kunit_compare(t, false, a, !=, b, " ")
#define KUNIT_EXPECT_LE(t, a, b)	kunit_compare(t, false, a, <=, b, " ")
#define KUNIT_EXPECT_GE(t, a, b)	kunit_compare(t, false, a, >=, b, " ")
#define KUNIT_EXPECT_GT(t, a, b)	kunit_compare(t, false, a, >, b, " ")
#define KUNIT_ASSERT_EQ(t, a, b)	kunit_compare(t, true, a, ==, b, " ")
#define KUNIT_ASSERT_LT(t, a, b)	kunit_compare(t, true, a, <, b, " ")
#define KUNIT_ASSERT_LE(t, a, b)	kunit_compare(t, true, a, <=, b, " ")
#define KUNIT_ASSERT_GE(t, a, b)	kunit_compare(t, true, a, >=, b, " ")
#define KUNIT_ASSERT_GT(t, a, b)	kunit_compare(t, true, a, >, b, " ")
#define KUNIT_EXPECT_EQ_MSG(t, a, b, ...) kunit_compare(t, false, a, ==, b, __VA_ARGS__)
#define KUNIT_ASSERT_LE_MSG(t, a, b, ...) kunit_compare(t, true, a, <=, b, __VA_ARGS__)
#define KUNIT_ASSERT_GT_MSG(t, a, b, ...) kunit_compare(t, true, a, >, b, __VA_ARGS__)
#define KUNIT_ASSERT_NE_MSG(t, a, b, ...) kunit_compare(t, true, a, !=, b, __VA_ARGS__)
#define KUNIT_EXPECT_TRUE(t, c)		kunit_check(t, false, c, " ")
#define KUNIT_EXPECT_FALSE(t, c)	kunit_check(t, false, !(c), " ")
#define KUNIT_ASSERT_TRUE(t, c)		kunit_check(t, true, c, " ")
#define KUNIT_ASSERT_FALSE_MSG(t, c, ...) kunit_check(t, true, !(c), __VA_ARGS__)
#define KUNIT_ASSERT_NOT_NULL(t, p)	kunit_check(t, true, (p) != NULL, " ")
#define KUNIT_EXPECT_NULL(t, p)		kunit_check(t, false, (p) == NULL, " ")
#define KUNIT_EXPECT_PTR_EQ(t, a, b)	kunit_check(t, false, (a) == (b), " ")
#define KUNIT_EXPECT_MEMEQ(t, a, b, n)	kunit_check(t, false, !memcmp(a, b, n), " ")
#define KUNIT_ASSERT_MEMEQ(t, a, b, n)	kunit_check(t, true, !memcmp(a, b, n), " ")

#define kunit_test_suite(suite)							\
	int main(void)								\
	{									\
		return kunit_main(&(suite));					\
	}

#endif
