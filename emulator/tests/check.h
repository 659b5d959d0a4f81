/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The test harness of the emulator's unit tests.
 *
 *	#include "check.h"
 *
 *	TEST(packet_is_answered)
 *	{
 *		CHECK(answer != NULL);
 *		CHECK_EQ(answer->len, 28);
 *	}
 *
 * Include it in exactly one file of a test program: it defines main(). Each
 * TEST() registers itself. A failed CHECK is reported and the test goes on; a
 * failed REQUIRE ends the test (use it directly in a TEST or a void function).
 * The program prints "ok NAME" or "not ok NAME" for each test and a final
 * "N passed, N failed"; it exits with 0 when nothing failed. Arguments select
 * tests by name.
 */
#ifndef IOSM_EMU_TESTS_CHECK_H
#define IOSM_EMU_TESTS_CHECK_H

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

struct check_test {
	const char *name;
	void (*run)(void);
	struct check_test *next;
};

static struct check_test *check_first, **check_last = &check_first;
static bool check_failed;

#define TEST(id)							\
static void test_##id(void);						\
static struct check_test check_test_##id = { #id, test_##id, NULL };	\
__attribute__((constructor)) static void check_register_##id(void)	\
{									\
	*check_last = &check_test_##id;					\
	check_last = &check_test_##id.next;				\
}									\
static void test_##id(void)

static inline bool check_report(bool good, const char *file, int line,
				const char *what)
{
	if (!good) {
		printf("# %s:%d: %s\n", file, line, what);
		check_failed = true;
	}
	return good;
}

static inline bool check_equal(long long a, long long b, const char *file,
			       int line, const char *what)
{
	if (a != b) {
		printf("# %s:%d: %s: %lld (0x%llx) != %lld (0x%llx)\n", file,
		       line, what, a, (unsigned long long)a, b,
		       (unsigned long long)b);
		check_failed = true;
	}
	return a == b;
}

static inline bool check_memory(const void *a, const void *b, size_t len,
				const char *file, int line, const char *what)
{
	const unsigned char *x = a, *y = b;

	for (size_t i = 0; i < len; i++) {
		if (x[i] == y[i])
			continue;
		printf("# %s:%d: %s: byte %zu is 0x%02x, expected 0x%02x\n",
		       file, line, what, i, x[i], y[i]);
		check_failed = true;
		return false;
	}
	return true;
}

/* Each of these yields true when it holds. */
#define CHECK(cond)	check_report(!!(cond), __FILE__, __LINE__, #cond)
#define CHECK_EQ(a, b)	check_equal((long long)(a), (long long)(b),	\
				    __FILE__, __LINE__, #a " == " #b)
#define CHECK_STR(a, b)	check_report(!strcmp(a, b), __FILE__, __LINE__,	\
				     #a " equals " #b)
#define CHECK_MEM(a, b, len)						\
	check_memory(a, b, len, __FILE__, __LINE__, #a " equals " #b)
#define REQUIRE(cond)							\
	do {								\
		if (!CHECK(cond))					\
			return;						\
	} while (0)

int main(int argc, char **argv)
{
	unsigned int passed = 0, failed = 0;

	setvbuf(stdout, NULL, _IOLBF, 0);
	for (struct check_test *test = check_first; test; test = test->next) {
		bool wanted = argc < 2;

		for (int i = 1; i < argc; i++)
			wanted |= !strcmp(argv[i], test->name);
		if (!wanted)
			continue;

		check_failed = false;
		test->run();
		printf("%s %s\n", check_failed ? "not ok" : "ok", test->name);
		if (check_failed)
			failed++;
		else
			passed++;
	}
	printf("%u passed, %u failed\n", passed, failed);
	return failed || !passed;
}

#endif /* IOSM_EMU_TESTS_CHECK_H */
