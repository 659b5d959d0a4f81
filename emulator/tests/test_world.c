// SPDX-License-Identifier: GPL-2.0-only
/*
 * World: echo, sink and source on virtual time; tun with the real kernel.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <sched.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "ipsum.h"
#include "log.h"
#include "loop.h"
#include "world.h"
#include "world_backend.h"

#define MAX_SEEN	256

static struct {
	unsigned int session;
	size_t len;
	uint8_t data[2048];
} seen[MAX_SEEN];
static unsigned int n_seen, room;

static void mux_reset(unsigned int packets)
{
	n_seen = 0;
	room = packets;
}

static bool mux_deliver(void *ctx, unsigned int session, const uint8_t *packet,
			size_t len)
{
	struct loop *loop = ctx;

	if (room == 0 || n_seen == MAX_SEEN)
		return false;
	room--;
	seen[n_seen].session = session;
	seen[n_seen].len = len;
	memcpy(seen[n_seen].data, packet,
	       len < sizeof(seen[0].data) ? len : sizeof(seen[0].data));
	n_seen++;
	if (loop)
		loop_stop(loop);
	return true;
}

static bool mux_count(void *ctx, unsigned int session, const uint8_t *packet,
		      size_t len)
{
	(void)ctx;
	(void)session;
	(void)packet;
	(void)len;
	return true;
}

static struct world *make(struct loop *loop, enum world_kind kind,
			  unsigned long rate, unsigned int size)
{
	struct world_config config = { .kind = kind, .rate = rate,
				       .size = size };

	return world_new(loop, &config);
}

static void put_sum(uint8_t *at, uint16_t sum)
{
	at[0] = (uint8_t)(sum >> 8);
	at[1] = (uint8_t)sum;
}

static void set_header_sum(uint8_t *p)
{
	put_sum(p + 10, 0);
	put_sum(p + 10, world_checksum(p, 20, 0));
}

/* An ICMP echo request from the host of @session to its gateway. */
static size_t ping4(uint8_t *p, unsigned int session, unsigned int payload)
{
	size_t len = 28 + payload;
	struct world_ip ip;

	world_addresses(session, &ip);
	memset(p, 0, len);
	p[0] = 0x45;
	p[2] = (uint8_t)(len >> 8);
	p[3] = (uint8_t)len;
	p[8] = 64;
	p[9] = 1;
	memcpy(p + 12, &ip.host4, 4);
	memcpy(p + 16, &ip.gateway4, 4);
	set_header_sum(p);
	p[20] = 8;
	p[25] = 7;
	for (unsigned int i = 0; i < payload; i++)
		p[28 + i] = (uint8_t)(i * 3);
	put_sum(p + 22, world_checksum(p + 20, len - 20, 0));
	return len;
}

static uint32_t pseudo6(const uint8_t *p, size_t payload, unsigned int proto)
{
	uint32_t sum = (uint32_t)payload + proto;

	for (unsigned int i = 8; i < 40; i += 2)
		sum += (uint32_t)(p[i] << 8 | p[i + 1]);
	return sum;
}

static size_t ping6(uint8_t *p, unsigned int session, unsigned int payload)
{
	size_t len = 48 + payload;
	struct world_ip ip;

	world_addresses(session, &ip);
	memset(p, 0, len);
	p[0] = 0x60;
	p[4] = (uint8_t)((8 + payload) >> 8);
	p[5] = (uint8_t)(8 + payload);
	p[6] = 58;
	p[7] = 64;
	memcpy(p + 8, &ip.host6, 16);
	memcpy(p + 24, &ip.gateway6, 16);
	p[40] = 128;
	p[45] = 9;
	for (unsigned int i = 0; i < payload; i++)
		p[48 + i] = (uint8_t)(i * 5);
	put_sum(p + 42, world_checksum(p + 40, 8 + payload,
				       pseudo6(p, 8 + payload, 58)));
	return len;
}

static bool is_pong4(const uint8_t *p, size_t len, const uint8_t *ping,
		     size_t ping_len)
{
	return len == ping_len && p[0] == 0x45 && p[9] == 1 && p[20] == 0 &&
	       memcmp(p + 12, ping + 16, 4) == 0 &&
	       memcmp(p + 16, ping + 12, 4) == 0 &&
	       world_checksum(p, 20, 0) == 0 &&
	       world_checksum(p + 20, len - 20, 0) == 0 &&
	       memcmp(p + 24, ping + 24, len - 24) == 0;
}

static bool is_pong6(const uint8_t *p, size_t len, const uint8_t *ping,
		     size_t ping_len)
{
	return len == ping_len && p[0] >> 4 == 6 && p[6] == 58 &&
	       p[40] == 129 && memcmp(p + 8, ping + 24, 16) == 0 &&
	       memcmp(p + 24, ping + 8, 16) == 0 &&
	       world_checksum(p + 40, len - 40,
			      pseudo6(p, len - 40, 58)) == 0 &&
	       memcmp(p + 44, ping + 44, len - 44) == 0;
}

/* ----- addresses ------------------------------------------------------ */

TEST(addresses_of_session_5)
{
	struct world_ip ip;
	char text[INET6_ADDRSTRLEN];

	world_addresses(5, &ip);
	CHECK_STR(inet_ntop(AF_INET, &ip.host4, text, sizeof(text)),
		  "10.64.5.2");
	CHECK_STR(inet_ntop(AF_INET, &ip.gateway4, text, sizeof(text)),
		  "10.64.5.1");
	CHECK_STR(inet_ntop(AF_INET6, &ip.host6, text, sizeof(text)),
		  "fd64:5::2");
	CHECK_STR(inet_ntop(AF_INET6, &ip.gateway6, text, sizeof(text)),
		  "fd64:5::1");
	CHECK_EQ(ip.prefix4, 24);
	CHECK_EQ(ip.prefix6, 64);
	CHECK_EQ(ip.mtu, 1500);
}

/* ----- echo ----------------------------------------------------------- */

TEST(checksum_of_rfc1071_example)
{
	static const uint8_t data[] = { 0x00, 0x01, 0xf2, 0x03,
					0xf4, 0xf5, 0xf6, 0xf7 };

	CHECK_EQ(world_checksum(data, sizeof(data), 0), 0xffff - 0xddf2);
}

TEST(reflect_answers_pings)
{
	uint8_t ping[600], packet[600];
	size_t len;

	for (unsigned int payload = 0; payload < 200; payload += 7) {
		len = ping4(ping, 3, payload);
		memcpy(packet, ping, len);
		CHECK(world_reflect(packet, len));
		CHECK(is_pong4(packet, len, ping, len));
		len = ping6(ping, 3, payload);
		memcpy(packet, ping, len);
		CHECK(world_reflect(packet, len));
		CHECK(is_pong6(packet, len, ping, len));
	}
}

TEST(reflect_refuses_what_is_no_ip)
{
	uint8_t packet[64] = { 0 };

	CHECK(!world_reflect(packet, 0));
	CHECK(!world_reflect(packet, sizeof(packet)));
	packet[0] = 0x45;
	CHECK(!world_reflect(packet, 19));
	CHECK(world_reflect(packet, 20));
	packet[0] = 0x44;
	CHECK(!world_reflect(packet, 64));	/* header below 20 */
	packet[0] = 0x4f;
	CHECK(!world_reflect(packet, 59));	/* header beyond the packet */
	packet[0] = 0x60;
	CHECK(!world_reflect(packet, 39));
	CHECK(world_reflect(packet, 40));
}

TEST(reflect_leaves_later_fragments_alone)
{
	uint8_t ping[128], packet[128];
	size_t len = ping4(ping, 0, 64);

	ping[7] = 1;				/* fragment offset 8 */
	memcpy(packet, ping, len);
	CHECK(world_reflect(packet, len));
	CHECK_EQ(packet[20], 8);
	CHECK_MEM(packet + 20, ping + 20, len - 20);
}

TEST(reflect_survives_noise)
{
	uint64_t seed = 3;

	for (int i = 0; i < 20000; i++) {
		uint8_t *packet;
		size_t len;

		seed = seed * 6364136223846793005u + 1442695040888963407u;
		len = (seed >> 33) % 90;
		packet = malloc(len ? len : 1);
		for (size_t k = 0; k < len; k++) {
			seed = seed * 6364136223846793005u +
			       1442695040888963407u;
			packet[k] = (uint8_t)(seed >> 40);
		}
		/* Mostly something that looks like IP, with ICMP in it. */
		if (len > 9 && i % 4) {
			packet[0] = (uint8_t)(i % 2 ? 0x40 | packet[0] % 16 :
					      0x60);
			packet[6] = i % 2 ? 0 : 58;
			packet[9] = 1;
		}
		/* Turned round twice, the addresses are back. */
		if (world_reflect(packet, len))
			CHECK(world_reflect(packet, len));
		free(packet);
	}
}

TEST(echo_returns_packets_after_the_call)
{
	struct loop *loop = loop_new();
	struct world *world = make(loop, WORLD_ECHO, 0, 0);
	struct world_counters counters;
	uint8_t ping[128];
	size_t len = ping4(ping, 2, 56);

	REQUIRE(world);
	loop_virtual_time(loop);
	mux_reset(100);
	world_attach(world, mux_deliver, NULL);
	world_session_up(world, 2);
	world_uplink(world, 2, ping, len);
	CHECK_EQ(n_seen, 0);
	loop_advance(loop, 10);
	CHECK_EQ(n_seen, 1);
	CHECK_EQ(seen[0].session, 2);
	CHECK(is_pong4(seen[0].data, seen[0].len, ping, len));
	world_uplink(world, 2, ping, 3);	/* no IP: dropped */
	loop_advance(loop, 10);
	CHECK_EQ(n_seen, 1);
	world_counters(world, 2, &counters);
	CHECK_EQ(counters.ul_packets, 2);
	CHECK_EQ(counters.ul_bytes, len + 3);
	CHECK_EQ(counters.ul_dropped, 1);
	CHECK_EQ(counters.dl_packets, 1);
	CHECK_EQ(counters.dl_bytes, len);
	world_free(world);
	loop_free(loop);
}

TEST(echo_keeps_order_across_refusals_and_is_bounded)
{
	struct loop *loop = loop_new();
	struct world *world = make(loop, WORLD_ECHO, 0, 0);
	struct world_counters counters;
	uint8_t ping[128];
	size_t len = ping4(ping, 0, 56);

	REQUIRE(world);
	loop_virtual_time(loop);
	mux_reset(2);
	world_attach(world, mux_deliver, NULL);
	world_session_up(world, 0);
	for (unsigned int i = 0; i < 600; i++) {
		ping[28] = (uint8_t)i;
		world_uplink(world, 0, ping, len);
	}
	loop_advance(loop, 10);
	CHECK_EQ(n_seen, 2);
	room = 10;
	loop_advance(loop, 1000000);
	CHECK_EQ(n_seen, 2);			/* waits to be resumed */
	world_resume(world, 0);
	CHECK_EQ(n_seen, 2);			/* not inside the call */
	loop_advance(loop, 10);
	CHECK_EQ(n_seen, 12);
	for (unsigned int i = 0; i < n_seen; i++)
		CHECK_EQ(seen[i].data[28], i);
	world_counters(world, 0, &counters);
	CHECK_EQ(counters.dl_dropped, 600 - 512);
	world_session_down(world, 0);
	room = 1000;
	world_resume(world, 0);
	loop_advance(loop, 1000);
	CHECK_EQ(n_seen, 12);
	world_free(world);
	loop_free(loop);
}

TEST(packets_of_sessions_that_are_down_go_nowhere)
{
	struct loop *loop = loop_new();
	struct world *world = make(loop, WORLD_ECHO, 0, 0);
	struct world_counters counters;
	uint8_t ping[128];
	size_t len = ping4(ping, 1, 56);

	REQUIRE(world);
	loop_virtual_time(loop);
	mux_reset(100);
	world_attach(world, mux_deliver, NULL);
	world_uplink(world, 1, ping, len);
	world_uplink(world, 8, ping, len);
	world_uplink(world, 4000000000u, ping, len);
	world_session_up(world, 8);
	world_session_down(world, 8);
	world_resume(world, 8);
	loop_advance(loop, 10);
	CHECK_EQ(n_seen, 0);
	world_counters(world, 1, &counters);
	CHECK_EQ(counters.ul_packets, 0);
	world_free(world);
	loop_free(loop);
}

/* ----- sink ----------------------------------------------------------- */

TEST(sink_counts_and_says_nothing)
{
	struct loop *loop = loop_new();
	struct world *world = make(loop, WORLD_SINK, 0, 0);
	struct world_counters counters;
	uint8_t ping[128];
	size_t len = ping4(ping, 7, 56);

	REQUIRE(world);
	loop_virtual_time(loop);
	mux_reset(100);
	world_attach(world, mux_deliver, NULL);
	world_session_up(world, 7);
	for (int i = 0; i < 5; i++)
		world_uplink(world, 7, ping, len);
	loop_advance(loop, 1000000);
	CHECK_EQ(n_seen, 0);
	world_counters(world, 7, &counters);
	CHECK_EQ(counters.ul_packets, 5);
	CHECK_EQ(counters.ul_bytes, 5 * len);
	world_free(world);
	loop_free(loop);
}

TEST(sink_counts_wrong_checksums_if_asked)
{
	for (int verify = 0; verify < 2; verify++) {
		struct world_config config = { .kind = WORLD_SINK,
					       .verify = verify };
		struct loop *loop = loop_new();
		struct world *world = world_new(loop, &config);
		struct world_counters counters;
		uint8_t ping[128];
		size_t len = ping4(ping, 3, 57);

		REQUIRE(world);
		world_session_up(world, 3);
		world_uplink(world, 3, ping, len);
		ping[len - 1] ^= 1;
		world_uplink(world, 3, ping, len);
		len = ping6(ping, 3, 57);
		world_uplink(world, 3, ping, len);
		ping[len - 1] ^= 1;
		world_uplink(world, 3, ping, len);
		world_flush(world);
		world_counters(world, 3, &counters);
		CHECK_EQ(counters.ul_packets, 4);
		CHECK_EQ(counters.ul_bad_checksum, verify ? 2 : 0);
		world_free(world);
		loop_free(loop);
	}
}

/* ----- source --------------------------------------------------------- */

static uint64_t get64(const uint8_t *p)
{
	uint64_t value = 0;

	for (int i = 0; i < 8; i++)
		value = value << 8 | p[i];
	return value;
}

static bool is_generated(const uint8_t *p, size_t len, unsigned int session,
			 uint64_t sequence)
{
	struct world_ip ip;
	uint32_t pseudo = 17 + (uint32_t)len - 20;

	world_addresses(session, &ip);
	for (unsigned int i = 12; i < 20; i += 2)
		pseudo += (uint32_t)(p[i] << 8 | p[i + 1]);
	return p[0] == 0x45 && (size_t)(p[2] << 8 | p[3]) == len &&
	       p[9] == 17 && memcmp(p + 12, &ip.gateway4, 4) == 0 &&
	       memcmp(p + 16, &ip.host4, 4) == 0 &&
	       world_checksum(p, 20, 0) == 0 &&
	       (size_t)(p[24] << 8 | p[25]) == len - 20 &&
	       world_checksum(p + 20, len - 20, pseudo) == 0 &&
	       get64(p + 28) == sequence;
}

TEST(source_makes_valid_packets_at_its_rate)
{
	static const unsigned int sizes[] = { 64, 65, 100, 1499, 1500, 2047 };

	for (unsigned int k = 0; k < sizeof(sizes) / sizeof(sizes[0]); k++) {
		struct loop *loop = loop_new();
		struct world *world;
		uint64_t start;

		loop_virtual_time(loop);
		start = loop_now_us(loop);
		world = make(loop, WORLD_SOURCE, 300, sizes[k]);
		REQUIRE(world);
		mux_reset(1000);
		world_attach(world, mux_deliver, NULL);
		world_session_up(world, 6);
		loop_advance(loop, 500000);
		/* 0.5 s at 300 per second, and the one at the start. */
		CHECK(n_seen >= 150 && n_seen <= 151);
		for (unsigned int i = 0; i < n_seen; i++) {
			CHECK_EQ(seen[i].len, sizes[k]);
			CHECK_EQ(seen[i].session, 6);
			CHECK(is_generated(seen[i].data, seen[i].len, 6, i));
			CHECK(get64(seen[i].data + 36) >=
			      start + i * 10000 / 3);
		}
		world_session_down(world, 6);
		loop_advance(loop, 1000000);
		CHECK(n_seen <= 151);
		world_free(world);
		loop_free(loop);
	}
}

TEST(source_without_rate_fills_the_room_and_resumes)
{
	struct loop *loop = loop_new();
	struct world *world;

	loop_virtual_time(loop);
	world = make(loop, WORLD_SOURCE, 0, 64);
	REQUIRE(world);
	mux_reset(100);
	world_attach(world, mux_deliver, NULL);
	world_session_up(world, 0);
	world_session_up(world, 1);
	loop_advance(loop, 1000);
	CHECK_EQ(n_seen, 100);
	room = 50;
	loop_advance(loop, 1000);
	CHECK_EQ(n_seen, 100);
	world_resume(world, 0);
	world_resume(world, 1);
	loop_advance(loop, 1000);
	CHECK_EQ(n_seen, 150);
	for (unsigned int s = 0; s < 2; s++) {
		uint64_t sequence = 0;

		for (unsigned int i = 0; i < n_seen; i++)
			if (seen[i].session == s)
				CHECK(is_generated(seen[i].data, 64, s,
						   sequence++));
		CHECK(sequence > 0);
	}
	world_free(world);
	loop_free(loop);
}

TEST(source_does_not_make_up_for_lost_time)
{
	struct loop *loop = loop_new();
	struct world *world;

	loop_virtual_time(loop);
	world = make(loop, WORLD_SOURCE, 1000, 64);
	REQUIRE(world);
	mux_reset(10);
	world_attach(world, mux_deliver, NULL);
	world_session_up(world, 0);
	loop_advance(loop, 100000);
	CHECK_EQ(n_seen, 10);
	room = 200;
	world_resume(world, 0);
	loop_advance(loop, 10000);
	/* 90 ms were lost; the packet that waited and 10 ms worth now. */
	CHECK(n_seen >= 20 && n_seen <= 10 + 1 + 11);
	world_free(world);
	loop_free(loop);
}

/* No burst is larger than what a short wait makes, and the rate is right. */
TEST(source_spreads_a_high_rate)
{
	static const unsigned long rates[] = { 20000, 333333, 1000000 };

	for (unsigned int k = 0; k < 3; k++) {
		struct loop *loop = loop_new();
		struct world_counters counters;
		struct world *world;
		uint64_t before = 0;

		loop_virtual_time(loop);
		world = make(loop, WORLD_SOURCE, rates[k], 64);
		REQUIRE(world);
		mux_reset(0);
		world_attach(world, mux_count, NULL);
		world_session_up(world, 2);
		for (unsigned int us = 0; us < 100000; us += 10) {
			loop_advance(loop, 10);
			world_counters(world, 2, &counters);
			CHECK(counters.dl_packets - before <=
			      rates[k] * 60 / 1000000 + 2);
			before = counters.dl_packets;
		}
		CHECK(before >= rates[k] / 10 - rates[k] / 10000);
		CHECK(before <= rates[k] / 10 + 1);
		world_free(world);
		loop_free(loop);
	}
}

TEST(source_refuses_bad_sizes)
{
	struct loop *loop = loop_new();

	errno = 0;
	CHECK(!make(loop, WORLD_SOURCE, 1, 63));
	CHECK_EQ(errno, EINVAL);
	CHECK(!make(loop, WORLD_SOURCE, 1, 16309));
	loop_free(loop);
}

/* ----- capture -------------------------------------------------------- */

TEST(capture_that_cannot_be_written_is_an_error)
{
	struct world_config config = { .kind = WORLD_SINK,
				       .pcap = "/nowhere/x.pcapng" };
	struct loop *loop = loop_new();

	errno = 0;
	CHECK(!world_new(loop, &config));
	CHECK_EQ(errno, ENOENT);
	loop_free(loop);
}

/* ----- tun ------------------------------------------------------------ */

static void give_up(void *ctx)
{
	loop_stop(ctx);
}

static void print_packet(const uint8_t *packet, size_t len)
{
	printf("# got:");
	for (size_t i = 0; i < len; i++)
		printf(" %02x", packet[i]);
	printf("\n");
}

#define PIECES		10u
#define PIECE		500u

static int udp_socket(unsigned int session)
{
	struct sockaddr_in addr = { .sin_family = AF_INET,
				    .sin_port = htons(5001) };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	struct world_ip ip;

	world_addresses(session, &ip);
	addr.sin_addr = ip.gateway4;
	CHECK(!bind(fd, (struct sockaddr *)&addr, sizeof(addr)));
	addr.sin_addr = ip.host4;
	CHECK(!connect(fd, (struct sockaddr *)&addr, sizeof(addr)));
	return fd;
}

/* A large packet of the kernel is cut; what is refused goes on later. */
static void check_cut(struct loop *loop, struct world *world, int fd)
{
	static uint8_t data[PIECES * PIECE - 7];
	struct world_counters before, after;
	int size = PIECE;

	for (unsigned int i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 7 + i / PIECE);
	world_counters(world, 5, &before);
	mux_reset(4);
	CHECK(!setsockopt(fd, IPPROTO_UDP, 103 /* UDP_SEGMENT */, &size,
			  sizeof(size)));
	CHECK_EQ(send(fd, data, sizeof(data), 0), sizeof(data));
	for (int i = 0; i < 50; i++)
		loop_poll(loop);
	CHECK_EQ(n_seen, 4);
	room = 100;
	world_resume(world, 5);
	for (int i = 0; i < 50; i++)
		loop_poll(loop);
	REQUIRE(n_seen == PIECES);
	for (unsigned int i = 0; i < PIECES; i++) {
		const uint8_t *p = seen[i].data;
		struct ip_info info;

		CHECK_EQ(seen[i].session, 5);
		CHECK_EQ(seen[i].len,
			 28 + PIECE - (i == PIECES - 1 ? 7u : 0u));
		REQUIRE(ip_parse(p, seen[i].len, &info));
		CHECK_EQ(ip_verify(p, seen[i].len, &info), IP_GOOD);
		CHECK_MEM(p + 28, data + i * PIECE, seen[i].len - 28);
	}
	world_counters(world, 5, &after);
	CHECK_EQ(after.dl_packets - before.dl_packets, PIECES);
	CHECK_EQ(after.dl_bytes - before.dl_bytes,
		 sizeof(data) + PIECES * 28);
}

/* Datagrams arrive as they were sent, however they went into the kernel. */
static void check_joined(struct world *world, int fd)
{
	static uint8_t sent[PIECES][1600];
	uint8_t got[1600];
	struct world_ip ip;

	world_addresses(5, &ip);
	for (unsigned int i = 0; i < PIECES; i++) {
		uint8_t *p = sent[i];
		size_t len = 28 + PIECE - (i == PIECES - 1 ? 7 : 0);

		memset(p, (int)i, len);
		memset(p, 0, 28);
		p[0] = 0x45;
		put_sum(p + 2, (uint16_t)len);
		p[8] = 64;
		p[9] = 17;
		memcpy(p + 12, &ip.host4, 4);
		memcpy(p + 16, &ip.gateway4, 4);
		set_header_sum(p);
		put_sum(p + 20, 5001);
		put_sum(p + 22, 5001);
		put_sum(p + 24, (uint16_t)(len - 20));
		ipsum_put(p + 26, (uint16_t)~ipsum_fold(ipsum_add(
			  ip_pseudo(p, false, 17, len - 20), p + 20,
			  len - 20)));
		/* One of them is broken on its way. */
		if (i == 6)
			p[100] ^= 1;
		world_uplink(world, 5, p, len);
	}
	world_flush(world);
	for (unsigned int i = 0; i < PIECES; i++) {
		ssize_t len;

		if (i == 6)
			continue;
		len = recv(fd, got, sizeof(got), 0);
		CHECK_EQ(len, PIECE - (i == PIECES - 1 ? 7 : 0));
		if (len > 0)
			CHECK_MEM(got, sent[i] + 28, (size_t)len);
	}
	CHECK_EQ(recv(fd, got, sizeof(got), 0), -1);
}

/* In a child, because the process stays in the namespace. */
static int tun_child(void)
{
	struct loop *loop = loop_new();
	struct world *world = make(loop, WORLD_TUN, 0, 0);
	struct world_counters counters;
	struct loop_timer limit;
	uint8_t ping[128];
	size_t len;
	int udp;

	if (!world)
		return 1;
	check_failed = false;
	for (unsigned int s = 0; s < WORLD_SESSIONS; s++) {
		char name[IFNAMSIZ];

		snprintf(name, sizeof(name), "wwan-s%u", s);
		CHECK(if_nametoindex(name) != 0);
	}
	world_attach(world, mux_deliver, loop);
	loop_timer_init(&limit, loop, give_up, loop);
	for (unsigned int s = 0; s < WORLD_SESSIONS; s++) {
		world_session_up(world, s);
		for (int v6 = 0; v6 < 2; v6++) {
			mux_reset(1);
			len = v6 ? ping6(ping, s, 56) : ping4(ping, s, 56);
			world_uplink(world, s, ping, len);
			world_flush(world);
			loop_timer_arm(&limit, 5000000);
			loop_run(loop);
			CHECK_EQ(n_seen, 1);
			CHECK_EQ(seen[0].session, s);
			if (!CHECK(v6 ? is_pong6(seen[0].data, seen[0].len,
						 ping, len) :
					is_pong4(seen[0].data, seen[0].len,
						 ping, len)))
				print_packet(seen[0].data, seen[0].len);
		}
	}

	/* No room: the answers wait, in order. */
	mux_reset(0);
	len = ping4(ping, 0, 56);
	for (int i = 0; i < 10; i++) {
		ping[27] = (uint8_t)i;
		put_sum(ping + 22, 0);
		put_sum(ping + 22, world_checksum(ping + 20, len - 20, 0));
		world_uplink(world, 0, ping, len);
		world_flush(world);
	}
	for (int i = 0; i < 50; i++)
		loop_poll(loop);
	CHECK_EQ(n_seen, 0);
	room = 10;
	world_resume(world, 0);
	for (int i = 0; i < 10 && n_seen < 10; i++) {
		loop_timer_arm(&limit, 5000000);
		loop_run(loop);
	}
	CHECK_EQ(n_seen, 10);
	for (unsigned int i = 0; i < n_seen; i++)
		CHECK_EQ(seen[i].data[27], i);

	/* Sessions reach each other: from host 1 to host 2. */
	mux_reset(1);
	len = ping4(ping, 1, 56);
	ping[18] = 2;
	ping[19] = 2;
	set_header_sum(ping);
	world_uplink(world, 1, ping, len);
	world_flush(world);
	loop_timer_arm(&limit, 5000000);
	loop_run(loop);
	CHECK_EQ(n_seen, 1);
	CHECK_EQ(seen[0].session, 2);
	CHECK_EQ(seen[0].data[8], 63);

	/* Large packets. */
	udp = udp_socket(5);
	check_cut(loop, world, udp);
	check_joined(world, udp);
	close(udp);
	world_counters(world, 5, &counters);
	CHECK_EQ(counters.ul_bad_checksum, 1);
	CHECK_EQ(counters.ul_dropped, 0);

	/* A wrong checksum is counted, and the kernel gets to see it. */
	mux_reset(1);
	len = ping4(ping, 4, 56);
	ping[len - 1] ^= 1;
	world_uplink(world, 4, ping, len);
	world_flush(world);
	for (int i = 0; i < 50; i++)
		loop_poll(loop);
	CHECK_EQ(n_seen, 0);
	world_counters(world, 4, &counters);
	CHECK_EQ(counters.ul_bad_checksum, 1);
	CHECK_EQ(counters.ul_dropped, 0);

	/* Garbage is refused by the kernel and counted. */
	memset(ping, 0, sizeof(ping));
	world_uplink(world, 3, ping, sizeof(ping));
	world_uplink(world, 3, ping, 0);
	world_flush(world);
	world_counters(world, 3, &counters);
	CHECK(counters.ul_dropped >= 1);

	world_session_down(world, 0);
	world_free(world);
	loop_timer_cancel(&limit);
	loop_free(loop);
	return check_failed;
}

/* May this process make what the tun world needs? Says so by its exit. */
static int probe_child(void)
{
	int flags = CLONE_NEWNET | (geteuid() ? CLONE_NEWUSER : 0);

	return unshare(flags) || access("/dev/net/tun", R_OK | W_OK) ? 77 : 0;
}

/* With exit(), so that leaks are looked for and coverage is written. */
static int in_child(int (*run)(void), bool as_user)
{
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid < 0)
		return -1;
	if (pid == 0) {
		/* What changed its user cannot be traced, nor map its ids. */
		if (as_user && (setgid(65534) || setuid(65534) ||
				prctl(PR_SET_DUMPABLE, 1)))
			_exit(77);
		exit(run());
	}
	if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return -1;
	return WEXITSTATUS(status);
}

static void tun_in_child(const char *name, bool as_user)
{
	if (in_child(probe_child, as_user) == 77)
		printf("# SKIP %s: no right to make namespaces\n", name);
	else
		CHECK_EQ(in_child(tun_child, as_user), 0);
}

TEST(tun_answers_pings_of_all_sessions)
{
	tun_in_child("tun_answers_pings_of_all_sessions", false);
}

TEST(tun_works_for_an_ordinary_user)
{
	tun_in_child("tun_works_for_an_ordinary_user", true);
}
