// SPDX-License-Identifier: GPL-2.0-only
/*
 * Runs one KUnit suite in user space. Exit status 0 only if every case passed.
 */

#include <kunit/test.h>

void *kunit_kmalloc(struct kunit *test, size_t size, int gfp)
{
	struct kunit_block *block = malloc(sizeof(*block) + size);

	(void)gfp;
	if (!block)
		return NULL;
	block->next = test->blocks;
	test->blocks = block;
	return block->data;
}

void *kunit_kzalloc(struct kunit *test, size_t size, int gfp)
{
	void *data = kunit_kmalloc(test, size, gfp);

	return data ? memset(data, 0, size) : NULL;
}

void kunit_kfree(struct kunit *test, void *data)
{
	struct kunit_block **at = &test->blocks;

	while (*at && (void *)(*at)->data != data)
		at = &(*at)->next;
	if (*at) {
		struct kunit_block *block = *at;

		*at = block->next;
		free(block);
	}
}

static bool run_once(const struct kunit_case *c, const void *param, const char *desc)
{
	struct kunit test = { .param_value = param };

	if (!setjmp(test.leave))
		c->run(&test);
	while (test.blocks)
		kunit_kfree(&test, test.blocks->data);
	if (test.failed)
		printf("not ok %s %s\n", c->name, desc);
	return !test.failed;
}

int kunit_main(const struct kunit_suite *suite)
{
	unsigned int passed = 0, failed = 0;
	const struct kunit_case *c;

	for (c = suite->test_cases; c->run; c++) {
		char desc[KUNIT_DESC_SIZE] = "";
		const void *param = c->gen ? c->gen(NULL, desc) : NULL;

		do {
			if (run_once(c, param, desc))
				passed++;
			else
				failed++;
			if (c->gen)
				param = c->gen(param, desc);
		} while (param);
	}
	printf("%s: %u passed, %u failed\n", suite->name, passed, failed);
	return failed || !passed;
}
