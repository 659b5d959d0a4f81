// SPDX-License-Identifier: GPL-2.0-only
/*
 * Strict or lenient.
 */
#include <stdarg.h>
#include <stdio.h>

#include "critic.h"
#include "log.h"

static bool critic_lenient;
static unsigned long quirks;

void critic_set_strict(bool strict)
{
	critic_lenient = !strict;
}

bool critic_is_strict(void)
{
	return !critic_lenient;
}

void quirk(const char *section, unsigned int number, const char *fmt, ...)
{
	char what[400];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);

	if (!critic_lenient) {
		violation(section, "%s", what);
		return;
	}
	quirks++;
	log_debug("tolerated [%s, Q%u]: %s", section, number, what);
	trace("tolerated [%s, Q%u]: %s", section, number, what);
}

unsigned long quirk_count(void)
{
	return quirks;
}
