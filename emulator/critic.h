/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How strict the emulator is with the driver.
 *
 * violation() (log.h) is for what no driver may do. quirk() is for what the
 * kernel's own driver is documented to do: a violation for the strict critic,
 * a counted tolerance for the lenient one.
 */
#ifndef IOSM_EMU_CRITIC_H
#define IOSM_EMU_CRITIC_H

#include <stdbool.h>

/** critic_set_strict() - the default is strict. */
void critic_set_strict(bool strict);
/** critic_is_strict() - is it? */
bool critic_is_strict(void);

/**
 * quirk() - the driver did something that only its predecessor may do
 * @section: section of Documentation/protocol.rst
 * @number: number of the quirk in protocol.rst, or 0
 * @fmt: what was seen, no newline
 */
__attribute__((format(printf, 3, 4)))
void quirk(const char *section, unsigned int number, const char *fmt, ...);
/** quirk_count() - how many were tolerated. */
unsigned long quirk_count(void);

#endif /* IOSM_EMU_CRITIC_H */
