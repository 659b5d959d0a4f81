// SPDX-License-Identifier: GPL-2.0-only
/*
 * AT function: a stream in, a stream out.
 */
#include <stdint.h>
#include <stdlib.h>

#include "check.h"
#include "function.h"

static char out[65536];
static size_t out_len, largest;
static bool refuse;
static struct function *fn;

static bool take(void *ctx, const void *data, size_t len)
{
	(void)ctx;
	if (refuse || len > fn->max_unit || len == 0 ||
	    out_len + len >= sizeof(out))
		return false;
	memcpy(out + out_len, data, len);
	out_len += len;
	out[out_len] = '\0';
	if (len > largest)
		largest = len;
	return true;
}

static void set_up(void)
{
	fn = at_new(NULL, 0);
	fn->send = take;
	fn->max_unit = 2048;
	out_len = 0;
	largest = 0;
	out[0] = '\0';
	refuse = false;
	fn->ops->opened(fn);
}

static void tear_down(void)
{
	fn->ops->destroy(fn);
}

static void give(const char *text)
{
	size_t len = strlen(text);
	char *exact = malloc(len ? len : 1);

	memcpy(exact, text, len);
	fn->ops->receive(fn, (const uint8_t *)exact, len);
	free(exact);
}

/* What @text brings, without echo. */
static const char *answer(const char *text)
{
	out_len = 0;
	out[0] = '\0';
	give(text);
	return out;
}

TEST(at_says_ok_with_echo)
{
	set_up();
	CHECK_STR(answer("AT\r"), "AT\r\r\nOK\r\n");
	CHECK_STR(answer("at\r\n"), "at\r\r\nOK\r\n\n");
	tear_down();
}

TEST(echo_is_switched)
{
	set_up();
	CHECK_STR(answer("ATE0\r"), "ATE0\r\r\nOK\r\n");
	CHECK_STR(answer("AT\r"), "\r\nOK\r\n");
	CHECK_STR(answer("ATE1\r"), "\r\nOK\r\n");
	CHECK_STR(answer("AT\r"), "AT\r\r\nOK\r\n");
	CHECK_STR(answer("ATE\r"), "ATE\r\r\nOK\r\n");
	CHECK_STR(answer("ATZ\r"), "\r\nOK\r\n");
	CHECK_STR(answer("AT\r"), "AT\r\r\nOK\r\n");
	give("ATE0\r");
	CHECK_STR(answer("AT&F\r"), "\r\nOK\r\n");
	CHECK_STR(answer("AT\r"), "AT\r\r\nOK\r\n");
	CHECK_STR(answer("ATE2\r"), "ATE2\r\r\nERROR\r\n");
	tear_down();
}

TEST(identity_is_told)
{
	set_up();
	give("ATE0\r");
	CHECK_STR(answer("ATI\r"),
		  "\r\nIOSM Project\r\n\r\nXMM7560 (software modem)\r\n"
		  "\r\nIOSM-EMU_7560_1.0\r\n\r\nOK\r\n");
	CHECK_STR(answer("AT+CGMI\r"), "\r\nIOSM Project\r\n\r\nOK\r\n");
	CHECK_STR(answer("AT+CGMM\r"),
		  "\r\nXMM7560 (software modem)\r\n\r\nOK\r\n");
	CHECK_STR(answer("AT+CGMR\r"), "\r\nIOSM-EMU_7560_1.0\r\n\r\nOK\r\n");
	CHECK_STR(answer("AT+CGSN\r"), "\r\n004999010640000\r\n\r\nOK\r\n");
	CHECK_STR(answer("at+cgsn\r"), "\r\n004999010640000\r\n\r\nOK\r\n");
	CHECK_STR(answer("AT+CGSN=?\r"), "\r\nOK\r\n");
	tear_down();
}

TEST(everything_else_is_an_error)
{
	static const char * const lines[] = {
		"A\r", "B\r", "ATX\r", "AT+\r", "AT+CSQ\r", "AT+CGM\r",
		"AT+CGMIX\r", "AT+CGMI?\r", "AT+CGMI=1\r", "ATI5\r", "ATZ1\r",
		"AT&\r", "AT&W\r", "ATE99999999999999999999\r", "TA\r",
		"AT=?\r", "\x1b\r", "AT+CGMI;+XX\r", "+CGMI\r",
	};

	set_up();
	give("ATE0\r");
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		const char *got = answer(lines[i]);
		size_t len = strlen(got);

		CHECK(len >= 9 && !strcmp(got + len - 9, "\r\nERROR\r\n"));
	}
	tear_down();
}

TEST(several_commands_share_a_line)
{
	set_up();
	CHECK_STR(answer("ATE0+CGMI;+CGSN\r"),
		  "ATE0+CGMI;+CGSN\r\r\nIOSM Project\r\n"
		  "\r\n004999010640000\r\n\r\nOK\r\n");
	CHECK_STR(answer("AT E0 Z\r"), "\r\nOK\r\n");
	give("ATE0\r");
	/* What came before the error was done. */
	CHECK_STR(answer("AT+CGMI;+NO;+CGSN\r"),
		  "\r\nIOSM Project\r\n\r\nERROR\r\n");
	tear_down();
}

TEST(units_are_no_lines)
{
	set_up();
	give("ATE0\r");
	out_len = 0;
	give("A");
	give("");
	give("T+CG");
	CHECK_EQ(out_len, 0);
	CHECK_STR(answer("SN\rAT\rATX\rAT"),
		  "\r\n004999010640000\r\n\r\nOK\r\n\r\nOK\r\n"
		  "\r\nERROR\r\n");
	CHECK_STR(answer("\r"), "\r\nOK\r\n");
	tear_down();
}

TEST(empty_lines_and_backspaces)
{
	set_up();
	give("ATE0\r");
	CHECK_STR(answer("\r\r \r\n\n"), "");
	CHECK_STR(answer("ATX\b\r"), "\r\nOK\r\n");
	CHECK_STR(answer("\b\b\x7f" "AT\r"), "\r\nOK\r\n");
	CHECK_STR(answer("  AT\r"), "\r\nOK\r\n");
	tear_down();
}

TEST(nul_does_not_hide_the_rest)
{
	static const uint8_t line[] = { 'A', 'T', 0, 'X', '\r' };

	set_up();
	give("ATE0\r");
	out_len = 0;
	fn->ops->receive(fn, line, sizeof(line));
	CHECK_STR(out, "\r\nERROR\r\n");
	tear_down();
}

TEST(long_lines_are_one_error)
{
	char line[5001];

	set_up();
	give("ATE0\r");
	memset(line, 'A', 5000);
	line[5000] = '\0';
	CHECK_STR(answer(line), "");
	CHECK_STR(answer(line), "");
	CHECK_STR(answer("\rAT\r"), "\r\nERROR\r\n\r\nOK\r\n");

	/* The longest line that is taken: 512 characters. */
	memset(line, ' ', 512);
	memcpy(line, "AT", 2);
	strcpy(line + 512, "\r");
	CHECK_STR(answer(line), "\r\nOK\r\n");
	strcpy(line + 512, " \r");
	CHECK_STR(answer(line), "\r\nERROR\r\n");
	tear_down();
}

TEST(long_answers_are_cut_to_the_unit)
{
	char line[600] = "ATE0";

	set_up();
	fn->max_unit = 16;
	for (int i = 0; i < 60; i++)
		strcat(line, "+CGSN;");
	strcat(line, "\r");
	give(line);
	/* Echo, sixty times 19 bytes, OK. */
	CHECK_EQ(out_len, strlen(line) + 60 * 19 + 6);
	CHECK_EQ(largest, 16);
	CHECK_STR(out + out_len - 6, "\r\nOK\r\n");
	tear_down();

	set_up();
	give("ATE0\r");
	out_len = 0;
	for (int i = 0; i < 20; i++)
		give("AT+CGSN;+CGSN;+CGSN;+CGSN;+CGSN;+CGSN;+CGSN;+CGSN\r"
		     "AT+CGSN;+CGSN;+CGSN;+CGSN;+CGSN;+CGSN;+CGSN;+CGSN\r");
	CHECK_EQ(out_len, 20 * 2 * (8 * 19 + 6));
	CHECK(largest <= 2048);
	tear_down();
}

TEST(closing_forgets_the_line_and_the_echo)
{
	set_up();
	give("ATE0\rAT+CG");
	fn->ops->closed(fn);
	fn->ops->opened(fn);
	CHECK_STR(answer("AT\r"), "AT\r\r\nOK\r\n");
	refuse = true;
	CHECK_STR(answer("AT\r"), "");
	refuse = false;
	CHECK_STR(answer("AT\r"), "AT\r\r\nOK\r\n");
	tear_down();
}

TEST(noise_does_no_harm)
{
	static const char alphabet[] = "ATatEeIiZz&F+CGMINSR;=?01\r\n\b \x7f";
	uint64_t seed = 2;
	uint8_t unit[700];

	set_up();
	for (int i = 0; i < 20000; i++) {
		size_t len;

		seed = seed * 6364136223846793005u + 1442695040888963407u;
		len = (seed >> 33) % (i % 50 ? 40 : sizeof(unit));
		for (size_t k = 0; k < len; k++) {
			seed = seed * 6364136223846793005u +
			       1442695040888963407u;
			unit[k] = (seed >> 60) ?
				(uint8_t)alphabet[(seed >> 33) %
						  (sizeof(alphabet) - 1)] :
				(uint8_t)(seed >> 33);
		}
		out_len = 0;
		fn->ops->receive(fn, unit, len);
	}
	out_len = 0;
	give("\rATE0\r");
	CHECK_STR(answer("AT\r"), "\r\nOK\r\n");
	tear_down();
}
