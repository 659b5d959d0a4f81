// SPDX-License-Identifier: GPL-2.0-only
/*
 * Device sleep and host sleep.
 */
#include "guest.h"

static struct guest *sleepy(unsigned int idle_ms)
{
	const struct modem_config config = {
		.running_us = 1000,
		.idle_us = idle_ms * 1000ull,
		.mux = { .aggregation = true, .response_us = 1000 },
	};
	struct guest *g = g_new_device(&config, WORLD_SINK);

	g_up(g);
	CHECK_CLEAN(g);
	return g;
}

/* The guest that sleeps and has said so. */
static struct guest *asleep(void)
{
	struct guest *g = sleepy(0);

	g_channel(g, 2, 8, 64);
	CHECK(modem_sleep(&g->modem));
	g_ring(g, 2, 1);
	CHECK_EQ(g->modem.power.state, POWER_ASLEEP);
	CHECK_CLEAN(g);
	return g;
}

static uint32_t notification(struct guest *g)
{
	return g_get(g, G_STATUS + 8);
}

TEST(idle_modem_goes_to_sleep)
{
	struct guest *g = sleepy(20);
	unsigned int before = g->msis;

	g_run(g, 19999);
	CHECK_EQ(notification(g), 0);
	g_run(g, 1);
	CHECK_EQ(notification(g), 1);
	CHECK_EQ(g->msis, before + 1);
	CHECK_EQ(g->modem.power.state, POWER_ASKED);
	g_ring(g, 2, 1);
	CHECK_EQ(g->modem.power.state, POWER_ASLEEP);
	CHECK_EQ(g->modem.power.sleeps, 1);
	CHECK_CLEAN(g);
	g_free(g);
}

TEST(no_sleep_before_it_was_allowed)
{
	const struct modem_config config = { .idle_us = 1000 };
	struct guest *g = g_new_device(&config, WORLD_SINK);

	g_context(g);
	g_start(g);
	g_run(g, 1000000);
	CHECK_EQ(notification(g), 0);
	CHECK(!modem_sleep(&g->modem));
	g_free(g);
}

TEST(activity_keeps_awake)
{
	struct guest *g = sleepy(20);

	g_channel(g, 2, 8, 64);
	for (int i = 0; i < 10; i++) {
		uint8_t *data;

		g_run(g, 15000);
		g_send(g, 2, "x", 1);
		CHECK_EQ(g_receive(g, 3, &data), 1);
	}
	CHECK_EQ(notification(g), 0);
	g_run(g, 20000);
	CHECK_EQ(notification(g), 1);
	CHECK_CLEAN(g);
	g_free(g);
}

TEST(host_wakes_the_modem)
{
	struct guest *g = asleep();
	unsigned int before = g->msis;
	uint8_t *data;

	g_data(g, 2, "x", 1);
	g_run(g, 50000);
	CHECK_EQ(g_receive(g, 3, &data), -1);
	g_ring(g, 2, 2);
	CHECK_EQ(notification(g), 0);
	CHECK(g->msis > before);
	/* It looks at the rings without being told. */
	CHECK_EQ(g_receive(g, 3, &data), 1);
	g_bell(g, 2, 0);
	g_ring(g, 0, 1);
	CHECK_EQ(g->modem.power.state, POWER_AWAKE);
	CHECK_CLEAN(g);
	g_free(g);
}

TEST(modem_wakes_itself_for_downlink)
{
	struct guest *g = sleepy(0);
	uint8_t packet[64], *data;

	g_channel(g, 0, 60, 16384);
	CHECK_EQ(g_session(g, 0), 0);
	CHECK(modem_sleep(&g->modem));
	g_ring(g, 2, 1);
	g_packet(packet, 0, 64);
	CHECK(mux_deliver(&g->modem.mux, 0, packet, 64));
	g_run(g, 0);
	CHECK_EQ(notification(g), 0);
	CHECK(g_receive(g, 1, &data) > 64);
	g_ring(g, 2, 0);
	CHECK_EQ(g->modem.power.state, POWER_AWAKE);
	CHECK_CLEAN(g);
	g_free(g);
}

TEST(doorbell_takes_sleep_back_before_its_acknowledgement)
{
	struct guest *g = sleepy(0);

	g_channel(g, 2, 8, 64);
	CHECK(modem_sleep(&g->modem));
	g_send(g, 2, "x", 1);
	CHECK_EQ(notification(g), 0);
	CHECK_EQ(g->modem.power.state, POWER_AWAKE);
	/* The host had seen it after all. */
	g_ring(g, 2, 1);
	CHECK_EQ(g->modem.power.state, POWER_WAKING);
	g_ring(g, 2, 0);
	CHECK_EQ(g->modem.power.state, POWER_AWAKE);
	CHECK_CLEAN(g);
	g_free(g);
}

TEST(unseen_sleep_is_forgotten)
{
	struct guest *g = sleepy(0);

	g_channel(g, 2, 8, 64);
	CHECK(modem_sleep(&g->modem));
	g_send(g, 2, "x", 1);
	CHECK(modem_sleep(&g->modem));
	g_ring(g, 2, 1);
	g_ring(g, 2, 2);
	g_ring(g, 2, 0);
	CHECK_CLEAN(g);
	/* The acknowledgement of the first sleep cannot come any more. */
	g_ring(g, 2, 1);
	CHECK_VIOLATION(g, "6.3");
	g_free(g);
}

TEST(late_acknowledgement_is_counted)
{
	struct guest *g = sleepy(0);

	CHECK(modem_sleep(&g->modem));
	g_run(g, 99999);
	CHECK_EQ(g->modem.power.late, 0);
	g_run(g, 1);
	CHECK_EQ(g->modem.power.late, 1);
	CHECK_CLEAN(g);
	g_free(g);
}

TEST(no_doorbell_while_asleep)
{
	struct guest *g = asleep();

	g_send(g, 2, "x", 1);
	CHECK_VIOLATION(g, "6.4");
	/* Nor before ACTIVE was acknowledged. */
	g_send(g, 2, "x", 1);
	CHECK_VIOLATION(g, "6.4");
	g_free(g);
}

TEST(acknowledgements_nobody_asked_for)
{
	struct guest *g = sleepy(0);

	g_ring(g, 2, 1);
	CHECK_VIOLATION(g, "6.3");
	g_ring(g, 2, 0);
	CHECK_VIOLATION(g, "6.3");
	g_ring(g, 2, 2);
	CHECK_VIOLATION(g, "6.4");
	g_ring(g, 2, 5);
	CHECK_VIOLATION(g, "1.3.3");
	g_ring(g, 2, 8);
	CHECK_VIOLATION(g, "6.6");
	g_ring(g, 0, 1);
	CHECK_VIOLATION(g, "6.3");
	g_free(g);
}

TEST(second_acknowledgement_wakes)
{
	struct guest *g = asleep();

	critic_set_strict(false);
	g_ring(g, 2, 1);
	CHECK_EQ(notification(g), 0);
	CHECK_CLEAN(g);
	g_free(g);
}

TEST(wake_request_before_the_acknowledgement)
{
	struct guest *g = sleepy(0);

	CHECK(modem_sleep(&g->modem));
	g_ring(g, 2, 2);
	CHECK_VIOLATION(g, "6.4");
	CHECK_EQ(notification(g), 0);
	g_free(g);
}

TEST(wake_requests_may_cross)
{
	struct guest *g = asleep();

	CHECK(modem_wake(&g->modem));
	g_run(g, 0);
	g_ring(g, 2, 2);
	g_ring(g, 2, 0);
	g_ring(g, 0, 1);
	CHECK_CLEAN(g);
	g_free(g);
}

TEST(forced_sleep_is_silent)
{
	struct guest *g = sleepy(0);
	uint8_t packet[64], *data;
	unsigned int before;

	g_channel(g, 0, 60, 16384);
	CHECK_EQ(g_session(g, 0), 0);
	g_run(g, 5000);
	g_ring(g, 2, 7);
	before = g->msis;
	g_packet(packet, 0, 64);
	CHECK(!mux_deliver(&g->modem.mux, 0, packet, 64));
	g_run(g, 100000);
	CHECK_EQ(g->msis, before);
	CHECK_EQ(g_receive(g, 1, &data), -1);
	/* In D3hot a packet wakes the host, if it wants that. */
	g_config(g, PCIDEV_CAP_PM + 4, 0x103, 2);
	CHECK(!mux_deliver(&g->modem.mux, 0, packet, 64));
	CHECK(g->pmes > 0);
	g_config(g, PCIDEV_CAP_PM + 4, 0x8000, 2);
	g_ring(g, 2, 8);
	CHECK_EQ(notification(g), 0);
	g_run(g, 9999);
	before = g->msis;
	g_run(g, 1);
	CHECK_EQ(g->msis, before + 1);
	CHECK(mux_deliver(&g->modem.mux, 0, packet, 64));
	g_run(g, 0);
	CHECK(g_receive(g, 1, &data) > 64);
	CHECK_CLEAN(g);
	g_free(g);
}

TEST(forced_sleep_twice_and_doorbells_in_it)
{
	struct guest *g = sleepy(0);

	g_channel(g, 2, 8, 64);
	g_ring(g, 2, 7);
	CHECK_CLEAN(g);
	g_ring(g, 2, 7);
	CHECK_VIOLATION(g, "6.6");
	g_send(g, 2, "x", 1);
	CHECK_VIOLATION(g, "6.6");
	critic_set_strict(false);
	g_send(g, 2, "x", 1);
	CHECK_CLEAN(g);
	CHECK_EQ(g_get(g, G_TAILS + 8), 0);
	g_free(g);
}

TEST(host_sleep_handshake)
{
	struct guest *g = sleepy(20);
	uint8_t *data;
	unsigned int before;

	g_channel(g, 2, 8, 64);
	CHECK_EQ(g_sleep_message(g, 0, 0), 1);
	before = g->msis;
	g_config(g, PCIDEV_CAP_PM + 4, 3, 2);
	CHECK_CLEAN(g);
	g_data(g, 2, "x", 1);
	g_run(g, 1000000);
	CHECK_EQ(g->msis, before);
	CHECK_EQ(notification(g), 0);
	g_config(g, PCIDEV_CAP_PM + 4, 0, 2);
	g_run(g, 1000);
	CHECK_EQ(g_receive(g, 3, &data), -1);
	CHECK_EQ(g_sleep_message(g, 0, 1), 1);
	/* What was postponed is done now, and the doorbell for it may come. */
	CHECK_EQ(g_receive(g, 3, &data), 1);
	g_ring(g, 0, 6);
	/* Or it is the one that says "postponed". */
	g_ring(g, 0, 1);
	CHECK_CLEAN(g);
	g_free(g);
}

TEST(host_sleep_rules)
{
	struct guest *g = sleepy(0);

	CHECK_EQ(g_sleep_message(g, 0, 1), 1);
	CHECK_VIOLATION(g, "6.5");
	CHECK_EQ(g_sleep_message(g, 0, 0), 1);
	CHECK_CLEAN(g);
	CHECK_EQ(g_sleep_message(g, 0, 0), 1);
	CHECK_VIOLATION(g, "6.5");
	g_ring(g, 0, 6);
	CHECK_VIOLATION(g, "6.4");
	g_free(g);
}

/* What was rung before the doorbell of SLEEP(0, 0) was rung in time. */
TEST(host_sleep_is_found_early)
{
	static const uint8_t m[24] = { [11] = 4 };
	struct guest *g = sleepy(0);

	g_channel(g, 2, 8, 64);
	g_data(g, 2, "x", 1);
	g_put_message(g, m);
	g_ring(g, 0, 6);
	CHECK(g->modem.power.host_sleeps);
	g_bell(g, 0, 6);
	g_ring(g, 0, 0);
	CHECK_CLEAN(g);
	g_ring(g, 0, 6);
	CHECK_VIOLATION(g, "6.4");
	g_free(g);
}

TEST(sleep_may_be_forbidden_again)
{
	struct guest *g = sleepy(20);

	CHECK_EQ(g_sleep_message(g, 1, 1), 1);
	g_run(g, 1000000);
	CHECK_EQ(notification(g), 0);
	CHECK_EQ(g_sleep_message(g, 1, 0), 1);
	g_run(g, 20000);
	CHECK_EQ(notification(g), 1);
	CHECK_CLEAN(g);
	g_free(g);
}

TEST(many_rounds)
{
	struct guest *g = sleepy(20);
	uint8_t *data;

	g_channel(g, 2, 8, 64);
	for (int i = 0; i < 100; i++) {
		g_run(g, 30000);
		CHECK_EQ(notification(g), 1);
		g_ring(g, 2, 1);
		g_data(g, 2, "x", 1);
		g_ring(g, 2, 2);
		CHECK_EQ(g_receive(g, 3, &data), 1);
		g_bell(g, 2, 0);
		g_ring(g, 0, 1);
	}
	CHECK_EQ(g->modem.power.sleeps, 100);
	CHECK_EQ(g->modem.power.wakes, 100);
	CHECK_CLEAN(g);
	g_free(g);
}
