// SPDX-License-Identifier: GPL-2.0-only
/*
 * Faults as data: their language, when they fire, and dice.
 */
#include <stdlib.h>
#include <unistd.h>

#include "check.h"
#include "fault.h"

static struct faults faults;
static unsigned int strikes;
static enum fault_kind last_kind;
static int64_t last_argument;

static void strike(void *ctx, enum fault_kind kind, int64_t argument)
{
	CHECK(ctx == &faults);
	strikes++;
	last_kind = kind;
	last_argument = argument;
}

static void setup(void)
{
	faults_init(&faults);
	faults_attach(&faults, strike, &faults);
	strikes = 0;
}

#define ARM(spec)	CHECK(!faults_arm(&faults, spec))

TEST(nothing_goes_wrong_by_itself)
{
	setup();
	for (unsigned int i = 0; i < FAULT_EVENTS; i++) {
		struct fault_answer answer = fault_at(&faults,
						      (enum fault_event)i);

		CHECK(!answer.refuse && !answer.ignore && !answer.twice &&
		      !answer.late_us);
	}
	CHECK_EQ(strikes, 0);
	CHECK_EQ(faults.fired, 0);
}

TEST(first_occurrence_and_once)
{
	setup();
	ARM("open:refuse");
	CHECK_EQ(faults_armed(&faults), 1);
	CHECK(!fault_at(&faults, FAULT_AT_CLOSE).refuse);
	CHECK(fault_at(&faults, FAULT_AT_OPEN).refuse);
	CHECK(!fault_at(&faults, FAULT_AT_OPEN).refuse);
	CHECK_EQ(faults_armed(&faults), 0);
	CHECK_EQ(faults.fired, 1);
	CHECK_EQ(faults.fault[0].seen, 1);
	CHECK_EQ(faults.fault[0].fired, 1);
}

TEST(counted_occurrence)
{
	setup();
	fault_at(&faults, FAULT_AT_OPEN);
	ARM("open#3:ignore");
	CHECK(!fault_at(&faults, FAULT_AT_OPEN).ignore);
	CHECK(!fault_at(&faults, FAULT_AT_OPEN).ignore);
	CHECK(fault_at(&faults, FAULT_AT_OPEN).ignore);
	CHECK(!fault_at(&faults, FAULT_AT_OPEN).ignore);
}

TEST(every_occurrence)
{
	setup();
	ARM("msi*:lose-msi");
	for (unsigned int i = 1; i <= 10; i++) {
		fault_at(&faults, FAULT_AT_MSI);
		CHECK_EQ(strikes, i);
	}
	CHECK_EQ(last_kind, FAULT_LOSE_MSI);
	CHECK_EQ(faults_armed(&faults), 1);
	CHECK_EQ(faults.fired, 10);
	faults_clear(&faults);
	CHECK_EQ(faults.fired, 0);
	fault_at(&faults, FAULT_AT_MSI);
	CHECK_EQ(strikes, 10);
	CHECK_EQ(faults_armed(&faults), 0);
}

/* The pattern of 64 throws. */
static uint64_t throws(uint64_t seed, const char *spec)
{
	uint64_t pattern = 0;

	setup();
	faults_seed(&faults, seed);
	ARM(spec);
	for (int i = 0; i < 64; i++)
		pattern = pattern << 1 | fault_at(&faults, FAULT_AT_UPLINK).ignore;
	return pattern;
}

TEST(seed_decides)
{
	unsigned int fired = 0;

	CHECK(throws(1, "uplink%50:ignore") == throws(1, "uplink%50:ignore"));
	CHECK(throws(1, "uplink%50:ignore") != throws(2, "uplink%50:ignore"));
	CHECK(throws(1, "uplink%100:ignore") == ~0ull);
	setup();
	ARM("uplink%10:ignore");
	for (int i = 0; i < 10000; i++)
		fired += fault_at(&faults, FAULT_AT_UPLINK).ignore;
	CHECK(fired > 900 && fired < 1100);
	CHECK_EQ(faults_armed(&faults), 1);
	CHECK_EQ(faults.fault[0].seen, 10000);
	CHECK_EQ(faults.fault[0].fired, fired);
}

TEST(answers_add_up)
{
	struct fault_answer answer;

	setup();
	ARM("session-open:late=250");
	ARM("session-open:refuse");
	ARM("session-open:twice");
	ARM("session-open#2:ignore");
	answer = fault_at(&faults, FAULT_AT_SESSION_OPEN);
	CHECK(answer.refuse && answer.twice && !answer.ignore);
	CHECK_EQ(answer.late_us, 250000);
	answer = fault_at(&faults, FAULT_AT_SESSION_OPEN);
	CHECK(!answer.refuse && !answer.twice && answer.ignore);
	CHECK_EQ(answer.late_us, 0);
}

TEST(strikes_carry_their_argument)
{
	setup();
	ARM("open:crash");
	CHECK(fault_at(&faults, FAULT_AT_OPEN).ignore);
	CHECK_EQ(last_kind, FAULT_CRASH);
	CHECK_EQ(last_argument, FAULT_NO_ARGUMENT);
	ARM("open:crash=1500");
	CHECK(fault_at(&faults, FAULT_AT_OPEN).ignore);
	CHECK_EQ(last_argument, 1500);
	ARM("open:bad-stage=0xDeadBeef");
	CHECK(!fault_at(&faults, FAULT_AT_OPEN).ignore);
	CHECK_EQ(last_kind, FAULT_BAD_STAGE);
	CHECK_EQ(last_argument, 0xdeadbeef);
	CHECK_EQ(strikes, 3);
}

TEST(now_is_now)
{
	setup();
	ARM("now:pme");
	CHECK_EQ(strikes, 1);
	CHECK_EQ(last_kind, FAULT_PME);
	CHECK_EQ(faults_armed(&faults), 0);
	/* Or when there is somebody to strike. */
	faults_init(&faults);
	ARM("now:gone");
	CHECK_EQ(strikes, 1);
	faults_attach(&faults, strike, &faults);
	CHECK_EQ(strikes, 2);
	CHECK_EQ(last_kind, FAULT_GONE);
}

TEST(nonsense_is_refused)
{
	static const char * const bad[] = {
		"", ":", "open", "open:", ":refuse", "opens:refuse",
		"open:refused", "open :refuse", "open:refuse ",
		"open#0:refuse", "open#:refuse", "open#-1:refuse",
		"open#1x:refuse", "open#99999999999999999999:refuse",
		"open%0:refuse", "open%101:refuse", "open%:refuse",
		"open*2:refuse", "open#1%2:refuse", "open[2]:refuse",
		"now#1:pme", "now*:pme", "now%5:pme",
		"open:refuse=1", "open:late", "open:late=", "open:late=x",
		"open:late=3600001", "open:late=-1", "open:late=0x10",
		"open:dump", "open:boot", "open:bad-stage", "open:crash=",
		"open:bad-stage=", "open:bad-stage=0x", "open:bad-stage=g",
		"open:bad-stage=100000000", "open:silence=1",
		"msi:refuse", "wake:refuse", "flr:ignore", "now:late=1",
		"d3:twice", "uplink:refuse", "downlink:late=1",
		"open:refuse:refuse", "init:twice",
		"open:late=00000000000000000000000000000000000001",
	};

	setup();
	for (unsigned int i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		if (!CHECK(faults_arm(&faults, bad[i]) != NULL))
			printf("# accepted: \"%s\"\n", bad[i]);
	}
	CHECK_EQ(faults.count, 0);
	CHECK_EQ(strikes, 0);
}

TEST(names_make_specs)
{
	setup();
	for (unsigned int kind = FAULT_LOSE_MSI; kind < FAULT_KINDS; kind++) {
		for (unsigned int event = 0; event < FAULT_EVENTS; event++) {
			char spec[FAULT_SPEC];

			snprintf(spec, sizeof(spec), "%s:%s%s",
				 fault_event_name((enum fault_event)event),
				 fault_kind_name((enum fault_kind)kind),
				 kind == FAULT_BOOT || kind == FAULT_DUMP ||
				 kind == FAULT_BAD_STAGE ? "=1" : "");
			faults_clear(&faults);
			strikes = 0;
			ARM(spec);
			fault_at(&faults, (enum fault_event)event);
			CHECK_EQ(strikes, 1);
			CHECK_EQ(last_kind, kind);
		}
	}
}

TEST(those_that_are_over_make_room)
{
	char spec[FAULT_SPEC];

	setup();
	for (unsigned int i = 1; i <= FAULT_MAX; i++) {
		snprintf(spec, sizeof(spec), "open#%u:refuse", i);
		ARM(spec);
	}
	CHECK(faults_arm(&faults, "close:refuse") != NULL);
	fault_at(&faults, FAULT_AT_OPEN);
	ARM("close:refuse");
	CHECK_EQ(faults.count, FAULT_MAX);
	CHECK_EQ(faults_armed(&faults), FAULT_MAX);
	CHECK_STR(faults.fault[0].spec, "open#2:refuse");
	CHECK_STR(faults.fault[FAULT_MAX - 1].spec, "close:refuse");
	CHECK(fault_at(&faults, FAULT_AT_OPEN).refuse);
	CHECK(fault_at(&faults, FAULT_AT_CLOSE).refuse);
}

/* Read a script with this text. */
static const char *script(const char *text, unsigned int *line)
{
	char path[] = "/tmp/iosm-emu-script-XXXXXX";
	int fd = mkstemp(path);
	const char *why;

	CHECK(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(fd);
	why = faults_read(&faults, path, line);
	unlink(path);
	return why;
}

TEST(scripts)
{
	unsigned int line;

	setup();
	CHECK(script("# first\n\n  open#2:refuse   # the downlink\n"
		     "\tclose:ignore\r\nwake*:late=5#no comment\n", &line) != NULL);
	CHECK_EQ(line, 5);
	CHECK_EQ(faults_armed(&faults), 2);
	CHECK_STR(faults.fault[0].spec, "open#2:refuse");
	CHECK_STR(faults.fault[1].spec, "close:ignore");
	setup();
	CHECK(!script("open:refuse\nclose:refuse", &line));
	CHECK_EQ(line, 0);
	CHECK_EQ(faults_armed(&faults), 2);
	CHECK(script("open:refuse close:refuse\n", &line) != NULL);
	CHECK_EQ(line, 1);
	CHECK(faults_read(&faults, "/nonexistent/script", &line) != NULL);
	CHECK_EQ(line, 0);
}
