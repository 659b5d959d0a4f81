// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of the PCI driver, as far as they need no device: what the firmware of the
 * machine says of system sleep (protocol.rst 1.7.1, and 10.6.1 P5).
 */

#include <kunit/test.h>
#include <linux/acpi.h>

#include "../iosm_ipc_pcie.h"

#define INTEGER(number)		{ .integer = { ACPI_TYPE_INTEGER, number } }

static union acpi_object three = INTEGER(3);

struct dsm_case {
	const char *desc;
	union acpi_object result;
	enum iosm_host_sleep sleep;
};

/*
 * Whoever reads one of the other types as an integer finds a 3 in its place, or where it
 * points to, or as its length.
 */
static const struct dsm_case dsms[] = {
	{ "0", INTEGER(0), IOSM_HOST_SLEEP_D0 },
	{ "1", INTEGER(1), IOSM_HOST_SLEEP_D0 },
	{ "2", INTEGER(2), IOSM_HOST_SLEEP_D0 },
	{ "3", INTEGER(3), IOSM_HOST_SLEEP_D3 },
	{ "4", INTEGER(4), IOSM_HOST_SLEEP_D0 },
	{ "3 in the low byte", INTEGER(0x103), IOSM_HOST_SLEEP_D0 },
	{ "3 in the low half", INTEGER(BIT_ULL(32) + 3), IOSM_HOST_SLEEP_D0 },
	{ "all ones", INTEGER(U64_MAX), IOSM_HOST_SLEEP_D0 },
	{ "string 3", { .string = { ACPI_TYPE_STRING, 1, "3" } }, IOSM_HOST_SLEEP_D0 },
	{ "string at 3", { .string = { ACPI_TYPE_STRING, 3, (char *)3UL } }, IOSM_HOST_SLEEP_D0 },
	{ "buffer with a 3", { .buffer = { ACPI_TYPE_BUFFER, 1, (u8 *)"\003" } },
	  IOSM_HOST_SLEEP_D0 },
	{ "buffer at 3", { .buffer = { ACPI_TYPE_BUFFER, 3, (u8 *)3UL } }, IOSM_HOST_SLEEP_D0 },
	{ "package with a 3", { .package = { ACPI_TYPE_PACKAGE, 1, &three } }, IOSM_HOST_SLEEP_D0 },
	{ "reference", { .reference = { ACPI_TYPE_LOCAL_REFERENCE, 3, (void *)3UL } },
	  IOSM_HOST_SLEEP_D0 },
	{ "no type", { .integer = { ACPI_TYPE_ANY, 3 } }, IOSM_HOST_SLEEP_D0 },
};

KUNIT_ARRAY_PARAM_DESC(dsm, dsms, desc);

static void only_the_integer_3_means_d3(struct kunit *test)
{
	const struct dsm_case *c = test->param_value;

	KUNIT_EXPECT_EQ(test, iosm_pci_dsm_sleep(&c->result), c->sleep);
}

/* The evaluation failed, or the machine does not know the function. */
static void no_result_means_the_default(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, iosm_pci_dsm_sleep(NULL), IOSM_HOST_SLEEP_D0);
}

static struct kunit_case iosm_pcie_cases[] = {
	KUNIT_CASE_PARAM(only_the_integer_3_means_d3, dsm_gen_params),
	KUNIT_CASE(no_result_means_the_default),
	{}
};

static struct kunit_suite iosm_pcie_suite = {
	.name = "iosm_pcie",
	.test_cases = iosm_pcie_cases,
};

kunit_test_suite(iosm_pcie_suite);
