// SPDX-License-Identifier: GPL-2.0-only
/*
 * A modem that fails: what each fault does, what the host is forgiven for
 * afterwards, and what it is not.
 */
#include "function.h"
#include "guest.h"

#define PM_CTRL		(PCIDEV_CAP_PM + 4)
#define D3		3
#define PME_ENABLE	0x100
#define PME_STATUS	0x8000

static struct guest *up(void)
{
	return g_new(true, WORLD_SINK);
}

static void arm(struct guest *g, const char *spec)
{
	if (!CHECK(!faults_arm(&g->modem.faults, spec)))
		printf("# %s\n", spec);
	modem_suffer(&g->modem);
}

static uint32_t status(struct guest *g, unsigned int word)
{
	return g_get(g, G_STATUS + 4 * word);
}

static uint32_t put_open(struct guest *g, unsigned int n, uint32_t count)
{
	uint8_t m[24];

	g_open_bytes(g, n, count, m);
	g->entries[n] = count;
	g->head[n] = 0;
	g->seen[n] = 0;
	memset(g_at(g, G_RING(n)), 0, 16 * (size_t)count);
	g_put(g, G_HEADS + 4 * n, 0);
	g_put(g, G_TAILS + 4 * n, 0);
	return g_put_message(g, m);
}

/* A host that begins from the beginning, with fresh memory. */
static void anew(struct guest *g)
{
	memset(g_at(g, G_CONTEXT), 0, G_RING(0) - G_CONTEXT);
	g->cr_head = 0;
	g->acb = 0;
	g->adb = 0;
	g->tid = 0;
	g_up(g);
}

static void reset_function(struct guest *g)
{
	g_config(g, PCIDEV_CAP_PCIE + 8, 0x8000, 2);
	g_run(g, 0);
	g_enable(g);
}

/* The port on pipes 2 and 3 carries a byte there and back. */
static void check_port(struct guest *g)
{
	uint8_t *data;

	g_channel(g, 2, 8, 64);
	g_send(g, 2, "x", 1);
	CHECK_EQ(g_receive(g, 3, &data), 1);
}

/*
 * Answers.
 */

TEST(message_is_refused)
{
	struct guest *g = up();

	arm(g, "open:refuse");
	CHECK_EQ(g_open(g, 2, 8), 2);
	CHECK(!g->modem.rings.pipe[2].open);
	CHECK_EQ(g_open(g, 2, 8), 1);
	arm(g, "close:refuse");
	CHECK_EQ(g_close(g, 2), 2);
	CHECK(g->modem.rings.pipe[2].open);
	CHECK_EQ(g_close(g, 2), 1);
	CHECK_CLEAN(g);
	g_free(g);
}

TEST(first_messages_are_refused)
{
	struct guest *g = up();

	g_ring(g, 1, 0);
	arm(g, "sleep-device:refuse");
	arm(g, "features:refuse");
	g_context(g);
	g_start(g);
	g_run(g, 50000);
	CHECK_EQ(g_sleep_message(g, 1, 0), 2);
	CHECK(!g->modem.power.allowed);
	CHECK_EQ(g_features(g, 0x80), 2);
	CHECK_EQ(g_open(g, 2, 8), 1);
	CHECK_CLEAN(g);
	g_free(g);
}

TEST(ignored_message_blocks_its_ring)
{
	struct guest *g = up();
	unsigned int before = g->msis;

	arm(g, "open:ignore");
	CHECK_EQ(g_open(g, 2, 8), 0);
	CHECK_EQ(g_open(g, 4, 8), 0);
	g_run(g, 500000);
	/* The host may ask whether its doorbell was lost; once for each. */
	g_ring(g, 0, 0);
	g_ring(g, 0, 0);
	CHECK_CLEAN(g);
	CHECK_EQ(g->modem.counters.repeats, 2);
	g_run(g, 500000);
	g_ring(g, 0, 0);
	CHECK_VIOLATION(g, "3.4.1");
	CHECK(!g->modem.rings.pipe[2].open && !g->modem.rings.pipe[4].open);
	CHECK_EQ(g->msis, before);
	g_ring(g, 1, 0);
	CHECK_EQ(g_read(g, REG_IPC_STATE), 0);
	anew(g);
	check_port(g);
	CHECK_CLEAN(g);
	g_free(g);
}

TEST(message_is_answered_late)
{
	struct guest *g = up();
	unsigned int before = g->msis;
	uint32_t at;

	arm(g, "open:late=300");
	at = put_open(g, 2, 8);
	g_ring(g, 0, 0);
	g_run(g, 299999);
	CHECK_EQ(g_get(g, at + 20), 0);
	CHECK_EQ(g->msis, before);
	g_run(g, 1);
	CHECK_EQ(g_get(g, at + 20), 1);
	CHECK_EQ(g->msis, before + 1);
	/* Also with a no. */
	arm(g, "open:late=300");
	arm(g, "open:refuse");
	at = put_open(g, 4, 8);
	g_ring(g, 0, 0);
	g_run(g, 300000);
	CHECK_EQ(g_get(g, at + 20), 2);
	CHECK_CLEAN(g);
	g_free(g);
}

TEST(late_answer_is_dropped_with_the_session)
{
	struct guest *g = up();
	uint32_t at;

	arm(g, "open:late=300");
	at = put_open(g, 2, 8);
	g_ring(g, 0, 0);
	g_ring(g, 1, 0);
	g_run(g, 1000000);
	CHECK_EQ(g_get(g, at + 20), 0);
	CHECK_CLEAN(g);
	g_free(g);
}

TEST(message_is_answered_twice)
{
	struct guest *g = up();
	unsigned int before = g->msis;
	uint32_t at;

	arm(g, "open:twice");
	at = put_open(g, 2, 8);
	g_ring(g, 0, 0);
	CHECK_EQ(g->msis, before + 1);
	CHECK_EQ(g_get(g, at + 20), 1);
	g_put(g, at + 20, 0);
	g_run(g, 1000);
	CHECK_EQ(g->msis, before + 2);
	CHECK_EQ(g_get(g, at + 20), 1);
	CHECK_EQ(g_get(g, G_CR_TAIL), g->cr_head);
	CHECK_CLEAN(g);
	g_free(g);
}

TEST(repeat_is_good_only_late_and_once)
{
	struct guest *g = up();

	CHECK_EQ(g_open(g, 2, 8), 1);
	g_run(g, 399999);
	g_ring(g, 0, 0);
	CHECK_VIOLATION(g, "3.4.1");
	CHECK_EQ(g_open(g, 3, 8), 1);
	g_run(g, 400000);
	g_ring(g, 0, 0);
	CHECK_CLEAN(g);
	g_ring(g, 0, 0);
	CHECK_VIOLATION(g, "3.4.1");
	/* On the pipes, only sessions are requests. */
	g_run(g, 1000000);
	g_ring(g, 0, 6);
	CHECK_VIOLATION(g, "3.5.4");
	g_free(g);
}

TEST(interrupt_is_lost)
{
	struct guest *g = up();
	unsigned int before = g->msis;

	arm(g, "open:lose-msi");
	CHECK_EQ(g_open(g, 2, 8), 1);
	CHECK_EQ(g->msis, before);
	CHECK_EQ(g_open(g, 3, 8), 1);
	CHECK_EQ(g->msis, before + 1);
	arm(g, "msi#2:ignore");
	CHECK_EQ(g_close(g, 2), 1);
	CHECK_EQ(g->msis, before + 2);
	CHECK_EQ(g_close(g, 3), 1);
	CHECK_EQ(g->msis, before + 2);
	CHECK_CLEAN(g);
	g_free(g);
}

TEST(interrupt_is_late_or_doubled)
{
	struct guest *g = up();
	unsigned int before = g->msis;

	arm(g, "msi:late=5");
	CHECK_EQ(g_open(g, 2, 8), 1);
	CHECK_EQ(g->msis, before);
	g_run(g, 5000);
	CHECK_EQ(g->msis, before + 1);
	arm(g, "msi:twice");
	CHECK_EQ(g_open(g, 3, 8), 1);
	CHECK_EQ(g->msis, before + 2);
	g_run(g, 1000);
	CHECK_EQ(g->msis, before + 3);
	CHECK_CLEAN(g);
	g_free(g);
}

TEST(uplink_waits)
{
	struct guest *g = up();
	uint8_t *data;

	g_channel(g, 2, 8, 64);
	arm(g, "uplink#2:late=50");
	g_send(g, 2, "x", 1);
	g_send(g, 2, "y", 1);
	g_send(g, 2, "z", 1);
	CHECK_EQ(g_receive(g, 3, &data), 1);
	CHECK_EQ(g_receive(g, 3, &data), -1);
	g_run(g, 50000);
	CHECK_EQ(g_receive(g, 3, &data), 1);
	CHECK_EQ(data[0], 'y');
	CHECK_EQ(g_receive(g, 3, &data), 1);
	CHECK_EQ(data[0], 'z');
	arm(g, "uplink:ignore");
	g_send(g, 2, "x", 1);
	g_run(g, 10000000);
	CHECK_EQ(g_receive(g, 3, &data), -1);
	CHECK_EQ(g_close(g, 2), 1);
	CHECK_EQ(g_close(g, 3), 1);
	check_port(g);
	CHECK_CLEAN(g);
	g_free(g);
}

TEST(downlink_is_dropped)
{
	struct guest *g = g_new(true, WORLD_SINK);
	uint8_t packet[64], *data;

	g_channel(g, 2, 8, 64);
	arm(g, "downlink:ignore");
	g_send(g, 2, "x", 1);
	g_send(g, 2, "y", 1);
	CHECK_EQ(g_receive(g, 3, &data), 1);
	CHECK_EQ(data[0], 'y');
	CHECK_EQ(g_receive(g, 3, &data), -1);
	g_channel(g, 0, 60, 16384);
	CHECK_EQ(g_session(g, 0), 0);
	arm(g, "downlink:ignore");
	g_packet(packet, 0, 64);
	CHECK(mux_deliver(&g->modem.mux, 0, packet, 64));
	CHECK_EQ(g->modem.mux.counters.dl_dropped, 1);
	CHECK_EQ(g->modem.mux.counters.dl_datagrams, 0);
	CHECK(mux_deliver(&g->modem.mux, 0, packet, 64));
	CHECK_EQ(g->modem.mux.counters.dl_datagrams, 1);
	CHECK_CLEAN(g);
	g_free(g);
}

/*
 * Sessions.
 */

/* Sends a command, waits, and counts the answers; @result is of the last one. */
static unsigned int ask(struct guest *g, uint32_t code, uint64_t us,
			uint32_t *result)
{
	static const uint8_t params[8] = { [4] = 16 };
	unsigned int answers = 0;
	uint8_t td[64], *answer;
	int len;

	g_send(g, 0, td, g_command(g, td, 0, code, g->tid++, params,
				   code == 1 ? 8 : 0));
	g_run(g, us);
	for (;;) {
		len = g_receive(g, 1, &answer);
		if (len < 36)
			return answers;
		answers++;
		*result = wire_get32(answer + 36);
	}
}

TEST(refused_sleep_releases_what_was_postponed)
{
	struct guest *g = up();

	arm(g, "sleep-enter:refuse");
	CHECK_EQ(g_sleep_message(g, 0, 0), 2);
	g_ring(g, 0, 1);
	CHECK_CLEAN(g);
	g_ring(g, 0, 1);
	CHECK_VIOLATION(g, "6.3");
	g_free(g);
}

TEST(session_is_refused)
{
	struct guest *g = up();
	uint32_t result = 9;

	g_channel(g, 0, 60, 16384);
	arm(g, "session-open:refuse");
	CHECK_EQ(ask(g, 1, 2000, &result), 1);
	CHECK(result != 0);
	CHECK_EQ(mux_open_sessions(&g->modem.mux), 0);
	CHECK_EQ(ask(g, 1, 2000, &result), 1);
	CHECK_EQ(result, 0);
	CHECK_EQ(mux_open_sessions(&g->modem.mux), 1);
	arm(g, "session-close:refuse");
	CHECK_EQ(ask(g, 3, 2000, &result), 1);
	CHECK(result != 0);
	CHECK_EQ(mux_open_sessions(&g->modem.mux), 1);
	CHECK_EQ(ask(g, 3, 2000, &result), 1);
	CHECK_EQ(result, 0);
	CHECK_EQ(mux_open_sessions(&g->modem.mux), 0);
	CHECK_CLEAN(g);
	g_free(g);
}

TEST(session_is_ignored)
{
	struct guest *g = up();
	uint32_t result = 9;

	g_channel(g, 0, 60, 16384);
	arm(g, "session-open:ignore");
	CHECK_EQ(ask(g, 1, 1000000, &result), 0);
	/* It asks whether the doorbell was lost, and then gives up. */
	g_ring(g, 0, 3);
	CHECK_CLEAN(g);
	CHECK_EQ(ask(g, 3, 2000, &result), 1);
	CHECK_EQ(ask(g, 1, 2000, &result), 1);
	CHECK_EQ(result, 0);
	CHECK_CLEAN(g);
	arm(g, "session-close:ignore");
	CHECK_EQ(ask(g, 3, 1000000, &result), 0);
	CHECK_EQ(mux_open_sessions(&g->modem.mux), 1);
	CHECK_EQ(ask(g, 1, 2000, &result), 1);
	CHECK_EQ(result, 0);
	CHECK_CLEAN(g);
	/* An innocent session is judged as ever. */
	CHECK_EQ(ask(g, 1, 2000, &result), 1);
	CHECK_VIOLATION(g, "5.6.7");
	arm(g, "session-close:ignore");
	CHECK_EQ(ask(g, 3, 1000000, &result), 0);
	CHECK_EQ(g_close(g, 0), 1);
	CHECK_EQ(g_close(g, 1), 1);
	CHECK_CLEAN(g);
	g_free(g);
}

/* The host gives up, and closes the channel over a command of its own. */
TEST(command_is_lost_with_the_channel)
{
	struct guest *g = up();
	uint32_t result = 9;
	uint8_t td[64];

	g_channel(g, 0, 60, 16384);
	arm(g, "session-open:ignore");
	CHECK_EQ(ask(g, 1, 1000000, &result), 0);
	modem_hold(&g->modem, 0, true);
	g_send(g, 0, td, g_command(g, td, 0, 3, g->tid++, td, 0));
	CHECK_EQ(g_close(g, 0), 1);
	CHECK_EQ(g_close(g, 1), 1);
	modem_hold(&g->modem, 0, false);
	g_channel(g, 0, 60, 16384);
	CHECK_EQ(ask(g, 1, 2000, &result), 1);
	CHECK_EQ(result, 0);
	CHECK_CLEAN(g);
	/* Only once, and only forward. */
	g->tid++;
	CHECK_EQ(ask(g, 3, 2000, &result), 1);
	CHECK_VIOLATION(g, "5.2");
	CHECK_EQ(g_close(g, 0), 1);
	CHECK_EQ(g_close(g, 1), 1);
	g_channel(g, 0, 60, 16384);
	g->tid -= 2;
	CHECK_EQ(ask(g, 1, 2000, &result), 1);
	CHECK_VIOLATION(g, "5.2");
	g_free(g);
}

TEST(session_is_answered_late_and_twice)
{
	struct guest *g = up();
	uint32_t result = 9;

	g_channel(g, 0, 60, 16384);
	arm(g, "session-open:late=300");
	CHECK_EQ(ask(g, 1, 300999, &result), 0);
	CHECK_EQ(mux_open_sessions(&g->modem.mux), 0);
	g_run(g, 1);
	CHECK_EQ(mux_open_sessions(&g->modem.mux), 1);
	arm(g, "session-close:twice");
	/* With the late one. */
	CHECK_EQ(ask(g, 3, 2000, &result), 3);
	CHECK_EQ(result, 0);
	/* Late, and closed meanwhile: the answers come, the session does not. */
	arm(g, "session-open:late=300");
	CHECK_EQ(ask(g, 1, 1000, &result), 0);
	CHECK_EQ(ask(g, 3, 2000, &result), 1);
	CHECK_EQ(ask(g, 1, 2000, &result), 1);
	g_run(g, 300000);
	CHECK_EQ(mux_open_sessions(&g->modem.mux), 1);
	CHECK_CLEAN(g);
	g_free(g);
}

/*
 * Doorbells.
 */

static struct guest *asleep(void)
{
	struct guest *g = up();

	CHECK(modem_sleep(&g->modem));
	g_ring(g, 2, 1);
	CHECK_EQ(status(g, 2), 1);
	return g;
}

TEST(wake_request_is_ignored_once)
{
	struct guest *g = asleep();

	arm(g, "wake:ignore");
	g_ring(g, 2, 2);
	g_run(g, 100000);
	CHECK_EQ(status(g, 2), 1);
	g_ring(g, 2, 2);
	CHECK_EQ(status(g, 2), 0);
	g_bell(g, 2, 0);
	g_ring(g, 0, 1);
	CHECK_CLEAN(g);
	g_free(g);
}

TEST(wake_request_is_never_answered)
{
	struct guest *g = asleep();

	arm(g, "wake*:ignore");
	for (int i = 0; i < 10; i++) {
		g_ring(g, 2, 2);
		g_run(g, 100000);
	}
	CHECK_EQ(status(g, 2), 1);
	g_ring(g, 1, 0);
	CHECK_EQ(g_read(g, REG_IPC_STATE), 0);
	anew(g);
	CHECK_CLEAN(g);
	g_free(g);
}

TEST(wake_request_is_answered_late)
{
	struct guest *g = asleep();
	unsigned int before = g->msis;

	arm(g, "wake:late=50");
	g_ring(g, 2, 2);
	g_run(g, 49999);
	CHECK_EQ(status(g, 2), 1);
	g_run(g, 1);
	CHECK_EQ(status(g, 2), 0);
	CHECK_EQ(g->msis, before + 1);
	g_bell(g, 2, 0);
	g_ring(g, 0, 1);
	/* Later than the host is patient. */
	CHECK(modem_sleep(&g->modem));
	g_ring(g, 2, 1);
	arm(g, "wake:late=150");
	g_ring(g, 2, 2);
	g_run(g, 100000);
	g_ring(g, 2, 2);
	CHECK_EQ(status(g, 2), 0);
	g_bell(g, 2, 0);
	g_ring(g, 0, 1);
	g_run(g, 1000000);
	CHECK_CLEAN(g);
	g_free(g);
}

TEST(interrupt_of_a_wake_up_is_lost)
{
	struct guest *g = asleep();
	unsigned int before = g->msis;

	arm(g, "wake:lose-msi");
	g_ring(g, 2, 2);
	CHECK_EQ(g->msis, before);
	g_run(g, 100000);
	g_ring(g, 2, 2);
	CHECK_EQ(g->msis, before + 1);
	g_bell(g, 2, 0);
	g_ring(g, 0, 1);
	CHECK_CLEAN(g);
	g_free(g);
}

TEST(forced_sleep_is_ignored)
{
	struct guest *g = up();

	arm(g, "force-sleep:ignore");
	g_ring(g, 2, 7);
	CHECK_EQ(g->modem.power.state, POWER_AWAKE);
	g_config(g, PM_CTRL, D3, 2);
	g_config(g, PM_CTRL, 0, 2);
	g_ring(g, 2, 8);
	check_port(g);
	CHECK_CLEAN(g);
	g_free(g);
}

TEST(forced_wake_up_is_late_or_ignored)
{
	struct guest *g = up();
	unsigned int before;

	g_ring(g, 2, 7);
	arm(g, "force-active:late=40");
	g_ring(g, 2, 8);
	before = g->msis;
	g_run(g, 49999);
	CHECK_EQ(g->msis, before);
	g_run(g, 1);
	CHECK_EQ(g->msis, before + 1);
	g_ring(g, 2, 7);
	arm(g, "force-active:twice");
	g_ring(g, 2, 8);
	g_run(g, 11000);
	CHECK_EQ(g->msis, before + 3);
	check_port(g);
	before = g->msis;
	g_ring(g, 2, 7);
	arm(g, "force-active:ignore");
	g_ring(g, 2, 8);
	g_send(g, 2, "x", 1);
	g_run(g, 1000000);
	CHECK_EQ(g->modem.power.state, POWER_FORCED);
	CHECK_EQ(g->msis, before);
	g_ring(g, 1, 0);
	anew(g);
	check_port(g);
	CHECK_CLEAN(g);
	g_free(g);
}

TEST(state_is_reached_late_or_never)
{
	struct guest *g = up();

	arm(g, "uninit:late=20");
	g_ring(g, 1, 0);
	g_run(g, 19999);
	CHECK_EQ(g_read(g, REG_IPC_STATE), 2);
	g_run(g, 1);
	CHECK_EQ(g_read(g, REG_IPC_STATE), 0);
	arm(g, "init:ignore");
	g_ring(g, 1, 1);
	g_run(g, 1000000);
	CHECK_EQ(g_read(g, REG_IPC_STATE), 0);
	g_ring(g, 1, 0);
	arm(g, "init:late=30");
	g_ring(g, 1, 1);
	g_run(g, 30000);
	CHECK_EQ(g_read(g, REG_IPC_STATE), 1);
	arm(g, "running:ignore");
	g_context(g);
	g_write(g, REG_CONTEXT, G_BASE + G_CONTEXT);
	g_ring(g, 1, 2);
	g_run(g, 1000000);
	CHECK_EQ(g_read(g, REG_IPC_STATE), 1);
	g_ring(g, 1, 0);
	arm(g, "running:late=500");
	g_ring(g, 1, 1);
	g_ring(g, 1, 2);
	g_run(g, 499999);
	CHECK_EQ(g_read(g, REG_IPC_STATE), 1);
	g_run(g, 1);
	CHECK_EQ(g_read(g, REG_IPC_STATE), 2);
	CHECK_CLEAN(g);
	/* No judgement, where the host was not heard; but only there. */
	arm(g, "uninit:ignore");
	g_ring(g, 1, 0);
	g_config(g, PM_CTRL, D3, 2);
	g_config(g, PM_CTRL, 0, 2);
	g_ring(g, 1, 1);
	CHECK_EQ(g_read(g, REG_IPC_STATE), 1);
	CHECK_CLEAN(g);
	g_ring(g, 1, 1);
	CHECK_VIOLATION(g, "2.5");
	g_free(g);
}

TEST(late_state_comes_before_the_next_one)
{
	struct guest *g = up();

	arm(g, "uninit:late=500");
	g_ring(g, 1, 0);
	g_run(g, 1000);
	anew(g);
	g_run(g, 1000000);
	CHECK_EQ(g_read(g, REG_IPC_STATE), 2);
	check_port(g);
	CHECK_CLEAN(g);
	g_free(g);
}

TEST(running_is_told_twice)
{
	struct guest *g = up();
	unsigned int before;

	g_ring(g, 1, 0);
	arm(g, "running:twice");
	g_start(g);
	before = g->msis;
	g_run(g, 50000);
	CHECK_EQ(g->msis, before + 1);
	g_run(g, 1000);
	CHECK_EQ(g->msis, before + 2);
	CHECK_CLEAN(g);
	g_free(g);
}

/*
 * What strikes the modem.
 */

TEST(silence)
{
	struct guest *g = up();
	unsigned int before = g->msis;
	uint64_t generation = g->modem.counters.generation;

	arm(g, "now:silence");
	CHECK_EQ(g_open(g, 2, 8), 0);
	CHECK_EQ(g_read(g, REG_STAGE), STAGE_RUN);
	CHECK_EQ(g_read(g, REG_IPC_STATE), 2);
	g_run(g, 500000);
	g_ring(g, 0, 0);
	g_ring(g, 1, 0);
	g_ring(g, 2, 2);
	CHECK_EQ(g_read(g, REG_IPC_STATE), 2);
	CHECK(!modem_sleep(&g->modem) && !modem_wake(&g->modem));
	g_config(g, PM_CTRL, D3, 2);
	g_config(g, PM_CTRL, 0, 2);
	g_run(g, 10000000);
	CHECK_EQ(g->msis, before);
	CHECK_EQ(g->modem.counters.generation, generation);
	CHECK_CLEAN(g);
	reset_function(g);
	CHECK_EQ(g->modem.counters.generation, generation + 1);
	anew(g);
	check_port(g);
	CHECK_CLEAN(g);
	g_free(g);
}

TEST(silence_in_the_middle)
{
	struct guest *g = up();

	arm(g, "open:silence");
	CHECK_EQ(g_open(g, 2, 8), 0);
	CHECK_EQ(g_get(g, G_CR_TAIL), g->cr_head - 1);
	CHECK_CLEAN(g);
	g_free(g);
}

TEST(crash_stays)
{
	struct guest *g = up();
	unsigned int before = g->msis;

	arm(g, "now:crash");
	CHECK_EQ(status(g, 0), STAGE_CRASH);
	CHECK_EQ(status(g, 1), 2);
	CHECK_EQ(g_read(g, REG_STAGE), STAGE_CRASH);
	CHECK_EQ(g->msis, before + 1);
	CHECK_EQ(g_open(g, 2, 8), 0);
	g_ring(g, 2, 2);
	g_run(g, 10000000);
	CHECK_EQ(g->msis, before + 1);
	CHECK_EQ(g_read(g, REG_IPC_STATE), 2);
	/* It lets go of the host's memory. */
	g_ring(g, 1, 0);
	CHECK_EQ(g_read(g, REG_IPC_STATE), 0);
	g_ring(g, 1, 1);
	CHECK_EQ(g_read(g, REG_IPC_STATE), 0);
	CHECK_EQ(g_read(g, REG_STAGE), STAGE_CRASH);
	CHECK_CLEAN(g);
	reset_function(g);
	CHECK_EQ(g_read(g, REG_STAGE), STAGE_RUN);
	anew(g);
	CHECK_CLEAN(g);
	g_free(g);
}

/* The host learns of a reboot from a register; until then it is innocent. */
static void check_innocent(struct guest *g)
{
	g_ring(g, 0, 0);
	g_ring(g, 0, 4);
	g_ring(g, 2, 0);
	g_ring(g, 2, 2);
	g_ring(g, 2, 7);
	g_ring(g, 2, 8);
	g_ring(g, 1, 2);
	CHECK_CLEAN(g);
	CHECK_EQ(g_read(g, REG_IPC_STATE), 0);
	anew(g);
	check_port(g);
	CHECK_CLEAN(g);
	/* From here on it is judged. */
	g_ring(g, 2, 8);
	CHECK_VIOLATION(g, "6.6");
	g_ring(g, 1, 2);
	CHECK_VIOLATION(g, "2.5");
}

TEST(crash_and_reboot)
{
	struct guest *g = up();
	unsigned int before = g->msis;

	arm(g, "open:crash=100");
	CHECK_EQ(g_open(g, 2, 8), 0);
	CHECK_EQ(status(g, 0), STAGE_CRASH);
	CHECK_EQ(g->msis, before + 1);
	g_run(g, 99999);
	CHECK_EQ(g_read(g, REG_STAGE), STAGE_CRASH);
	g_run(g, 1);
	CHECK_EQ(g_read(g, REG_STAGE), STAGE_RUN);
	CHECK_EQ(g_read(g, REG_IPC_STATE), 0);
	CHECK_EQ(status(g, 0), STAGE_CRASH);
	CHECK_EQ(g->msis, before + 1);
	check_innocent(g);
	g_free(g);
}

TEST(crash_and_dump)
{
	struct guest *g = up();
	unsigned int before = g->msis;

	arm(g, "now:dump=100");
	CHECK_EQ(status(g, 0), STAGE_CRASH);
	g_run(g, 100000);
	CHECK_EQ(status(g, 0), STAGE_CD_READY);
	CHECK_EQ(g_read(g, REG_STAGE), STAGE_CD_READY);
	CHECK_EQ(g->msis, before + 2);
	g_run(g, 10000000);
	CHECK_EQ(g_read(g, REG_STAGE), STAGE_CD_READY);
	reset_function(g);
	anew(g);
	/* After DB1=0, the memory is left alone. */
	arm(g, "now:dump=100");
	g_ring(g, 1, 0);
	g_run(g, 100000);
	CHECK_EQ(status(g, 0), STAGE_CRASH);
	CHECK_EQ(g_read(g, REG_STAGE), STAGE_CD_READY);
	CHECK_CLEAN(g);
	g_free(g);
}

TEST(crash_of_a_modem_that_sleeps)
{
	struct guest *g = up();
	unsigned int before;

	CHECK_EQ(g_sleep_message(g, 0, 0), 1);
	before = g->msis;
	arm(g, "now:crash");
	CHECK_EQ(status(g, 0), STAGE_RUN);
	CHECK_EQ(g->msis, before);
	CHECK_EQ(g_read(g, REG_STAGE), STAGE_CRASH);
	CHECK_CLEAN(g);
	g_free(g);
}

TEST(reboot_behind_the_back)
{
	struct guest *g = up();
	uint64_t generation = g->modem.counters.generation;
	unsigned int before;

	check_port(g);
	before = g->msis;
	arm(g, "now:reboot");
	CHECK_EQ(status(g, 0), STAGE_RUN);
	CHECK_EQ(status(g, 1), 2);
	CHECK_EQ(g_read(g, REG_STAGE), STAGE_RUN);
	CHECK_EQ(g_read(g, REG_IPC_STATE), 0);
	CHECK_EQ(g->msis, before);
	CHECK_EQ(g->modem.counters.generation, generation + 1);
	CHECK_EQ(g->modem.counters.resets, 0);
	check_innocent(g);
	g_free(g);
}

TEST(reboot_through_the_boot_stage)
{
	struct guest *g = up();

	arm(g, "now:boot=100");
	CHECK_EQ(g_read(g, REG_STAGE), STAGE_BOOT);
	CHECK_EQ(status(g, 0), STAGE_RUN);
	g_ring(g, 0, 0);
	g_ring(g, 1, 1);
	CHECK_CLEAN(g);
	/* It could have known now. */
	g_ring(g, 1, 1);
	CHECK_VIOLATION(g, "2.5");
	g_run(g, 100000);
	CHECK_EQ(g_read(g, REG_STAGE), STAGE_RUN);
	anew(g);
	CHECK_CLEAN(g);
	g_free(g);
}

TEST(power_loss)
{
	struct guest *g = up();
	uint8_t data[4];

	CHECK_EQ(g_sleep_message(g, 0, 0), 1);
	g_config(g, PM_CTRL, D3, 2);
	CHECK(!pcidev_in_d0(&g->pci));
	arm(g, "now:power-loss");
	CHECK(pcidev_in_d0(&g->pci));
	pcidev_config_read(&g->pci, 4, data, 2);
	CHECK_EQ(wire_get16(data), 0);
	pcidev_config_read(&g->pci, 0x10, data, 4);
	CHECK_EQ(wire_get32(data), 4);
	/* A host that does not know sees nothing there, and is not blamed. */
	CHECK_EQ(g_read(g, REG_STAGE), 0xffffffff);
	g_ring(g, 0, 0);
	CHECK_EQ(g->pci.absent, 2);
	CHECK_CLEAN(g);
	g_enable(g);
	CHECK_EQ(g_read(g, REG_STAGE), STAGE_BOOT);
	g_run(g, 200000);
	CHECK_EQ(g_read(g, REG_STAGE), STAGE_RUN);
	CHECK_EQ(g->modem.counters.resets, 0);
	check_innocent(g);
	/* Who closes its BARs itself is. */
	g_config(g, 4, 0, 2);
	g_read(g, REG_STAGE);
	CHECK_VIOLATION(g, "1.2");
	g_free(g);
}

TEST(gone_and_back)
{
	struct guest *g = up();
	uint8_t data[8], memory[12];
	unsigned int before;

	CHECK(!modem_back(&g->modem));
	check_port(g);
	before = g->msis;
	memcpy(memory, g_at(g, G_STATUS), sizeof(memory));
	arm(g, "now:gone");
	pcidev_config_read(&g->pci, 0, data, 4);
	CHECK_EQ(wire_get32(data), 0xffffffff);
	pcidev_config_read(&g->pci, 0x1000, data, 8);
	CHECK_EQ(wire_get64(data), ~0ull);
	CHECK_EQ(g_read(g, REG_STAGE), 0xffffffff);
	g_config(g, PM_CTRL, D3, 2);
	g_config(g, PCIDEV_CAP_PCIE + 8, 0x8000, 2);
	g_write(g, 0x00, 1);
	g_send(g, 2, "x", 1);
	g_ring(g, 1, 0);
	pcidev_bar_write(&g->pci, 5, 0, data, 1);
	g_run(g, 10000000);
	CHECK_EQ(g->pci.flr, 0);
	CHECK_EQ(g->pci.d3_entries, 0);
	CHECK_EQ(g->msis, before);
	CHECK_EQ(g->pci.absent, 9);
	CHECK_MEM(memory, g_at(g, G_STATUS), sizeof(memory));
	/* What is gone cannot do anything else. */
	arm(g, "now:reboot");
	arm(g, "now:crash");
	CHECK(g->pci.gone);
	CHECK(modem_back(&g->modem));
	CHECK_EQ(g_read(g, REG_STAGE), 0xffffffff);
	CHECK_CLEAN(g);
	g_enable(g);
	CHECK_EQ(g_read(g, REG_STAGE), STAGE_RUN);
	check_innocent(g);
	g_free(g);
}

TEST(next_guest_finds_the_function)
{
	struct guest *g = up();

	arm(g, "now:gone");
	pcidev_power_on(&g->pci);
	g_enable(g);
	anew(g);
	CHECK_CLEAN(g);
	g_free(g);
}

TEST(ipc_state_toggles)
{
	struct guest *g = up();
	unsigned int before = g->msis;

	arm(g, "now:toggle-ipc");
	CHECK_EQ(status(g, 0), STAGE_RUN);
	CHECK_EQ(status(g, 1), 1);
	CHECK_EQ(g->msis, before + 1);
	g_run(g, 1000);
	CHECK_EQ(status(g, 1), 2);
	CHECK_EQ(g->msis, before + 2);
	CHECK_EQ(g_read(g, REG_IPC_STATE), 2);
	g_free(g);
}

TEST(stage_that_does_not_exist)
{
	struct guest *g = up();
	unsigned int before = g->msis;

	arm(g, "now:bad-stage=12345678");
	CHECK_EQ(status(g, 0), 0x12345678);
	CHECK_EQ(g_read(g, REG_STAGE), 0x12345678);
	CHECK_EQ(g->msis, before + 1);
	g_ring(g, 1, 0);
	CHECK_EQ(g_read(g, REG_IPC_STATE), 0);
	reset_function(g);
	CHECK_EQ(g_read(g, REG_STAGE), STAGE_RUN);
	CHECK_CLEAN(g);
	g_free(g);
}

TEST(faults_of_the_function)
{
	struct guest *g = up();

	CHECK_EQ(g_sleep_message(g, 0, 0), 1);
	arm(g, "d3:reboot");
	g_config(g, PM_CTRL, D3, 2);
	g_run(g, 0);
	CHECK_EQ(g->pci.d3_entries, 1);
	arm(g, "d0:power-loss");
	g_config(g, PM_CTRL, 0, 2);
	g_run(g, 0);
	CHECK_EQ(g_read(g, REG_STAGE), 0xffffffff);
	g_enable(g);
	CHECK_EQ(g_read(g, REG_STAGE), STAGE_BOOT);
	arm(g, "flr:silence");
	reset_function(g);
	CHECK_EQ(g->pci.flr, 1);
	CHECK_EQ(g_read(g, REG_STAGE), STAGE_RUN);
	g_ring(g, 1, 1);
	CHECK_EQ(g_read(g, REG_IPC_STATE), 0);
	reset_function(g);
	anew(g);
	CHECK_CLEAN(g);
	g_free(g);
}

/*
 * A host that sleeps.
 */

TEST(nobody_talks_in_its_sleep)
{
	struct guest *g = up();

	CHECK_EQ(g_open(g, 2, 8), 1);
	CHECK_EQ(g_sleep_message(g, 0, 0), 1);
	CHECK_CLEAN(g);
	g_open(g, 4, 8);
	CHECK_VIOLATION(g, "6.5");
	g_close(g, 2);
	CHECK_VIOLATION(g, "6.5");
	CHECK_EQ(g_sleep_message(g, 1, 1), 1);
	CHECK_VIOLATION(g, "6.5");
	CHECK_EQ(g_sleep_message(g, 0, 1), 1);
	CHECK_CLEAN(g);
	g_free(g);
}

TEST(host_sleep_is_refused)
{
	struct guest *g = up();

	arm(g, "sleep-enter:refuse");
	CHECK_EQ(g_sleep_message(g, 0, 0), 2);
	check_port(g);
	CHECK_EQ(g_sleep_message(g, 0, 0), 1);
	g_config(g, PM_CTRL, D3, 2);
	g_config(g, PM_CTRL, 0, 2);
	arm(g, "sleep-exit:ignore");
	CHECK_EQ(g_sleep_message(g, 0, 1), 0);
	g_run(g, 1000000);
	g_ring(g, 1, 0);
	anew(g);
	CHECK_CLEAN(g);
	g_free(g);
}

TEST(host_sleep_is_not_heard)
{
	struct guest *g = up();

	arm(g, "sleep-enter:ignore");
	CHECK_EQ(g_sleep_message(g, 0, 0), 0);
	g_config(g, 4, 0x0002, 2);
	g_config(g, PM_CTRL, D3, 2);
	g_config(g, PM_CTRL, 0, 2);
	g_ring(g, 1, 0);
	g_config(g, 4, 0x0006, 2);
	anew(g);
	check_port(g);
	CHECK_CLEAN(g);
	g_config(g, PM_CTRL, D3, 2);
	CHECK_VIOLATION(g, "6.5");
	g_free(g);
}

/* What waits is sent first, and does not wake the host again. */
TEST(host_sleep_flushes)
{
	struct guest *g = up();
	uint8_t packet[64], *data;

	g_channel(g, 0, 60, 16384);
	CHECK_EQ(g_session(g, 0), 0);
	g_packet(packet, 0, 64);
	CHECK(mux_deliver(&g->modem.mux, 0, packet, 64));
	CHECK_EQ(g_sleep_message(g, 0, 0), 1);
	CHECK(g_receive(g, 1, &data) > 64);
	g_config(g, PM_CTRL, PME_ENABLE | PME_STATUS | D3, 2);
	g_run(g, 1000000);
	CHECK_EQ(g->pmes, 0);
	CHECK_CLEAN(g);
	g_free(g);
}

TEST(packet_wakes_the_host_once)
{
	struct guest *g = up();
	uint8_t packet[64], *data;

	g_channel(g, 0, 60, 16384);
	CHECK_EQ(g_session(g, 0), 0);
	g_packet(packet, 0, 64);
	CHECK_EQ(g_sleep_message(g, 0, 0), 1);
	/* It comes before the host allows PME and clears its status. */
	CHECK(!mux_deliver(&g->modem.mux, 0, packet, 64));
	CHECK_EQ(g->pmes, 0);
	g_config(g, PM_CTRL, PME_ENABLE | PME_STATUS, 2);
	g_config(g, PM_CTRL, PME_ENABLE | D3, 2);
	CHECK_EQ(g->pmes, 1);
	CHECK(!mux_deliver(&g->modem.mux, 0, packet, 64));
	g_run(g, 1000000);
	CHECK_EQ(g->pmes, 1);
	CHECK_EQ(g->pci.pme_sent, 1);
	/* A host that wakes up allows PME again before it says that it is awake. */
	g_config(g, PM_CTRL, PME_ENABLE | PME_STATUS, 2);
	CHECK(!mux_deliver(&g->modem.mux, 0, packet, 64));
	CHECK_EQ(g->pmes, 1);
	g_config(g, PM_CTRL, PME_STATUS, 2);
	CHECK_EQ(g_sleep_message(g, 0, 1), 1);
	CHECK(mux_deliver(&g->modem.mux, 0, packet, 64));
	g_run(g, 0);
	CHECK(g_receive(g, 1, &data) > 64);
	/* In its sleep, with PME allowed. */
	CHECK_EQ(g_sleep_message(g, 0, 0), 1);
	g_config(g, PM_CTRL, PME_ENABLE | D3, 2);
	CHECK_EQ(g->pmes, 1);
	CHECK(!mux_deliver(&g->modem.mux, 0, packet, 64));
	CHECK_EQ(g->pmes, 2);
	CHECK_CLEAN(g);
	g_free(g);
}

TEST(unit_of_a_port_wakes_the_host)
{
	struct guest *g = up();
	struct function *fn = g->modem.channel[1].fn;
	uint8_t *data;

	g_channel(g, 4, 8, 64);
	g_ring(g, 2, 7);
	g_config(g, PM_CTRL, PME_ENABLE | D3, 2);
	CHECK(function_send(fn, "RING", 4));
	g_run(g, 0);
	CHECK_EQ(g->pmes, 1);
	CHECK_EQ(g_receive(g, 5, &data), -1);
	g_config(g, PM_CTRL, PME_STATUS, 2);
	g_ring(g, 2, 8);
	CHECK_EQ(g_receive(g, 5, &data), 4);
	CHECK_CLEAN(g);
	g_free(g);
}

TEST(silent_modem_wakes_nobody)
{
	struct guest *g = up();

	CHECK_EQ(g_sleep_message(g, 0, 0), 1);
	g_config(g, PM_CTRL, PME_ENABLE | D3, 2);
	arm(g, "now:silence");
	arm(g, "now:pme");
	CHECK_EQ(g->pmes, 0);
	g_config(g, PM_CTRL, 0, 2);
	reset_function(g);
	g_config(g, PM_CTRL, PME_ENABLE, 2);
	arm(g, "now:pme");
	CHECK_EQ(g->pmes, 1);
	g_free(g);
}

/*
 * All of it.
 */

/* As g_channel(), whatever becomes of it. */
static void try_channel(struct guest *g, unsigned int ul, uint32_t depth,
			uint32_t dl_size)
{
	g->dl_size[ul + 1] = dl_size;
	g_open(g, ul, depth);
	g_open(g, ul + 1, depth);
	for (uint32_t i = 0; i + 1 < depth; i++)
		g_buffer(g, ul + 1);
	g_ring(g, 0, ul ? 9 : 8);
}

/* A day in the life of a host that checks nothing. */
static void live(struct guest *g)
{
	static const uint8_t params[8] = { [4] = 16 };
	uint8_t packet[256], td[512], *data;

	memset(g_at(g, G_CONTEXT), 0, G_RING(0) - G_CONTEXT);
	g->cr_head = 0;
	g_context(g);
	g_ring(g, 1, 1);
	g_write(g, REG_CONTEXT, G_BASE + G_CONTEXT);
	g_ring(g, 1, 2);
	g_run(g, 50000);
	g_sleep_message(g, 1, 0);
	g_features(g, 0x80);
	try_channel(g, 0, 60, 16384);
	try_channel(g, 2, 8, 64);
	g_send(g, 0, td, g_command(g, td, 0, 1, g->tid++, params, 8));
	g_run(g, 2000);
	g_packet(packet, 0, 256);
	for (int i = 0; i < 70; i++) {
		mux_deliver(&g->modem.mux, 0, packet, 256);
		if (i % 30)
			g_run(g, 10);
		if (g_receive(g, 1, &data) > 0)
			g_ring(g, 0, 5);
	}
	g_send(g, 0, td, g_wrap(g, td, 0, packet, 256));
	g_send(g, 2, "x", 1);
	modem_sleep(&g->modem);
	g_ring(g, 2, 1);
	g_ring(g, 2, 2);
	g_ring(g, 2, 0);
	g_ring(g, 2, 7);
	mux_deliver(&g->modem.mux, 0, packet, 256);
	g_ring(g, 2, 8);
	g_run(g, 20000);
	g_sleep_message(g, 0, 0);
	g_config(g, PM_CTRL, PME_ENABLE | D3, 2);
	g_run(g, 1000);
	g_config(g, PM_CTRL, PME_STATUS, 2);
	g_sleep_message(g, 0, 1);
	g_send(g, 0, td, g_command(g, td, 0, 3, g->tid++, params, 0));
	g_run(g, 2000);
	g_close(g, 0);
	g_close(g, 1);
	g_ring(g, 1, 0);
	g_config(g, PCIDEV_CAP_PCIE + 8, 0x8000, 2);
	g_run(g, 1000);
}

static void live_with(enum fault_event event, const char *spec)
{
	struct guest *g = up();

	g_ring(g, 1, 0);
	CHECK(!faults_arm(&g->modem.faults, spec));
	live(g);
	if (!CHECK(event == FAULT_AT_NOW || g->modem.faults.fault[0].seen > 0))
		printf("# %s never happened\n", spec);
	g_run(g, 1000000);

	/* Whatever it was: a new start, and everything works. */
	faults_clear(&g->modem.faults);
	g->modem.lose_msi = 0;
	modem_back(&g->modem);
	reset_function(g);
	g_run(g, 1000000);
	g_violations(g);
	anew(g);
	g_channel(g, 0, 60, 16384);
	CHECK_EQ(g_session(g, 0), 0);
	check_port(g);
	if (g_violations(g)) {
		CHECK(!"the modem did not recover");
		printf("# %s\n", spec);
	}
	g_free(g);
}

/* Those of loaders have a day of their own: test_broken_loader.c. */
TEST(every_fault_at_every_event)
{
	for (unsigned int event = 0; event < FAULT_EVENTS; event++) {
		if (event >= FAULT_AT_PSI && event <= FAULT_AT_DUMP_END)
			continue;
		for (unsigned int kind = 0; kind < FAULT_KINDS; kind++) {
			struct faults probe;
			char spec[FAULT_SPEC];

			snprintf(spec, sizeof(spec), "%s:%s%s",
				 fault_event_name((enum fault_event)event),
				 fault_kind_name((enum fault_kind)kind),
				 kind == FAULT_LATE || kind == FAULT_BOOT ||
				 kind == FAULT_DUMP ? "=5" :
				 kind == FAULT_BAD_STAGE ? "=1" : "");
			faults_init(&probe);
			if (!faults_arm(&probe, spec))
				live_with((enum fault_event)event, spec);
		}
	}
}

TEST(all_at_random)
{
	static const char * const specs[] = {
		"open%20:refuse", "open%10:late=3", "uplink%5:late=2",
		"msi%30:lose-msi", "msi%5:late=1", "msi%3:twice",
		"downlink%10:ignore", "downlink%2:crash=2", "msi%1:reboot",
		"d3%30:power-loss", "d0%20:boot=5", "msi%1:gone",
		"sleep-enter%30:refuse", "session-open%30:twice",
		"running%10:silence", "uplink%2:toggle-ipc",
		"close%20:bad-stage=7", "d3%10:pme",
	};
	struct guest *g = up();
	uint64_t fired;

	faults_seed(&g->modem.faults, 4711);
	for (unsigned int i = 0; i < sizeof(specs) / sizeof(*specs); i++)
		arm(g, specs[i]);
	for (int i = 0; i < 300; i++) {
		live(g);
		modem_back(&g->modem);
		reset_function(g);
	}
	fired = g->modem.faults.fired;
	CHECK(fired > 300);
	faults_clear(&g->modem.faults);
	g->modem.lose_msi = 0;
	reset_function(g);
	g_run(g, 1000000);
	g_violations(g);
	anew(g);
	check_port(g);
	CHECK_CLEAN(g);
	g_free(g);
}
