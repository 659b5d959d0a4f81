// SPDX-License-Identifier: GPL-2.0-only
/*
 * Checksums, segmentation and coalescing, against plain versions of the same.
 */
#include <stdint.h>
#include <stdlib.h>

#include "check.h"
#include "gro.h"
#include "gso.h"
#include "ipsum.h"

#define FIN	0x01u
#define SYN	0x02u
#define PSH	0x08u
#define ACK	0x10u
#define URG	0x20u
#define CWR	0x80u

static uint32_t random_state = 1;

static uint32_t random_number(void)
{
	random_state = random_state * 1664525u + 1013904223u;
	return random_state >> 8;
}

static void fill(uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		p[i] = (uint8_t)random_number();
}

/* As RFC 1071 says it, big-endian, two bytes at a time. */
static uint32_t plain_sum(uint32_t sum, const uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		sum += i % 2 ? p[i] : (uint32_t)p[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

static uint32_t plain_pseudo(const uint8_t *p, size_t transport_len)
{
	bool v6 = p[0] >> 4 == 6;
	uint32_t sum = (uint32_t)transport_len + (v6 ? p[6] : p[9]);

	return v6 ? plain_sum(sum, p + 8, 32) : plain_sum(sum, p + 12, 8);
}

static bool plain_good(const uint8_t *p, size_t len)
{
	size_t at = p[0] >> 4 == 6 ? 40 : (size_t)(p[0] & 0xf) * 4;

	return (p[0] >> 4 == 6 || plain_sum(0, p, at) == 0xffff) &&
	       plain_sum(plain_pseudo(p, len - at), p + at, len - at) == 0xffff;
}

struct flow {
	bool v6, tcp;
	uint16_t port, id;
	uint32_t sequence, ack;
	size_t options;		/* bytes of TCP options */
};

/* A good datagram. */
static size_t build(uint8_t *p, const struct flow *flow, size_t payload,
		    unsigned int flags)
{
	size_t at = flow->v6 ? 40 : 20;
	size_t header = flow->tcp ? 20 + flow->options : 8;
	size_t len = at + header + payload;
	uint8_t *t = p + at;

	memset(p, 0, at + header);
	if (flow->v6) {
		p[0] = 0x60;
		ip_put16(p + 4, len - 40);
		p[6] = flow->tcp ? IP_TCP : IP_UDP;
		p[7] = 64;
		memset(p + 8, 0xfd, 32);
	} else {
		p[0] = 0x45;
		ip_put16(p + 2, len);
		ip_put16(p + 4, flow->id);
		p[6] = 0x40;
		p[8] = 64;
		p[9] = flow->tcp ? IP_TCP : IP_UDP;
		ip_put32(p + 12, 0x0a400002);
		ip_put32(p + 16, 0x0a400001);
		ip_put16(p + 10, (uint16_t)~plain_sum(0, p, 20));
	}
	ip_put16(t, flow->port);
	ip_put16(t + 2, 5201);
	if (flow->tcp) {
		ip_put32(t + 4, flow->sequence);
		ip_put32(t + 8, flow->ack);
		t[12] = (uint8_t)((header / 4) << 4);
		t[13] = (uint8_t)flags;
		ip_put16(t + 14, 500);
		for (size_t i = 0; i < flow->options; i++)
			t[20 + i] = 1;
	} else {
		ip_put16(t + 4, header + payload);
	}
	fill(t + header, payload);
	ip_put16(t + (flow->tcp ? TCP_SUM : UDP_SUM),
		 (uint16_t)~plain_sum(plain_pseudo(p, header + payload), t,
				      header + payload));
	return len;
}

static void break_sum(uint8_t *p, size_t len)
{
	p[len - 1] ^= 0x10;
}

/* ----- checksums ------------------------------------------------------ */

TEST(sums_of_all_lengths_and_alignments)
{
	uint8_t data[400], stored[2];

	fill(data, sizeof(data));
	for (size_t at = 0; at < 20; at++) {
		for (size_t len = 0; len < 300; len++) {
			ipsum_put(stored, ipsum_fold(ipsum_add(0, data + at,
							       len)));
			if (!CHECK_EQ(ip_get16(stored),
				      plain_sum(0, data + at, len)))
				return;
		}
	}
}

TEST(sums_do_not_overflow)
{
	size_t len = 1 << 20;
	uint8_t *ones = malloc(len);
	uint64_t sum = 0;

	memset(ones, 0xff, len);
	for (int i = 0; i < 100; i++)
		sum = ipsum_add(sum, ones, len);
	CHECK_EQ(ipsum_fold(sum), 0xffff);
	CHECK_EQ(ipsum_fold(ipsum_add(UINT64_MAX, ones, 64)), 0xffff);
	free(ones);
}

TEST(sums_can_be_continued)
{
	uint8_t data[1000];

	fill(data, sizeof(data));
	for (size_t cut = 0; cut < sizeof(data); cut += 2) {
		uint64_t sum = ipsum_add(0, data, cut);

		sum = ipsum_add(sum, data + cut, sizeof(data) - cut);
		CHECK_EQ(ipsum_fold(sum),
			 ipsum_fold(ipsum_add(0, data, sizeof(data))));
	}
}

TEST(one_wrong_bit_is_found_in_every_byte)
{
	struct flow flow = { .options = 12 };
	uint8_t p[200];
	struct ip_info info;
	size_t len;

	for (int kind = 0; kind < 4; kind++) {
		flow.v6 = kind & 1;
		flow.tcp = kind & 2;
		for (size_t payload = 0; payload < 60; payload += 19) {
			len = build(p, &flow, payload, ACK);
			REQUIRE(ip_parse(p, len, &info));
			CHECK_EQ(ip_verify(p, len, &info), IP_GOOD);
			CHECK_EQ(info.payload, len - payload);
			for (size_t at = 0; at < len; at++) {
				/* Not what IPv6 does not protect. */
				if (flow.v6 && (at < 4 || at == 7))
					continue;
				p[at] ^= 4;
				CHECK(!ip_parse(p, len, &info) ||
				      ip_verify(p, len, &info) != IP_GOOD);
				p[at] ^= 4;
			}
		}
	}
}

TEST(udp_without_checksum_is_unknown_in_ipv4_and_wrong_in_ipv6)
{
	struct flow flow = { .v6 = false };
	struct ip_info info;
	uint8_t p[100];
	size_t len = build(p, &flow, 10, 0);

	ip_put16(p + 26, 0);
	REQUIRE(ip_parse(p, len, &info));
	CHECK_EQ(ip_verify(p, len, &info), IP_UNKNOWN);
	flow.v6 = true;
	len = build(p, &flow, 10, 0);
	ip_put16(p + 46, 0);
	REQUIRE(ip_parse(p, len, &info));
	CHECK_EQ(ip_verify(p, len, &info), IP_BAD);
}

TEST(fragments_are_not_looked_into)
{
	struct flow flow = { .tcp = true };
	struct ip_info info;
	uint8_t p[100];
	size_t len = build(p, &flow, 10, ACK);

	p[6] = 0x20;
	ip_put16(p + 10, 0);
	ip_put16(p + 10, (uint16_t)~plain_sum(0, p, 20));
	break_sum(p, len);
	REQUIRE(ip_parse(p, len, &info));
	CHECK(info.fragment);
	CHECK_EQ(ip_verify(p, len, &info), IP_UNKNOWN);
	p[12] ^= 1;
	CHECK_EQ(ip_verify(p, len, &info), IP_BAD);
}

TEST(parsing_stays_inside_of_the_packet)
{
	for (int i = 0; i < 200000; i++) {
		size_t len = random_number() % 80;
		uint8_t *p = malloc(len + 1);
		struct ip_info info;

		fill(p, len);
		if (len > 9 && i % 8) {
			p[0] = i % 2 ? 0x60 : 0x45;
			p[i % 2 ? 6 : 9] = i % 4 < 2 ? IP_TCP : IP_UDP;
			ip_put16(p + (i % 2 ? 4 : 2),
				 i % 2 ? len - 40 : len);
		}
		/* To the byte, so that the sanitizer sees what is beyond. */
		p = realloc(p, len ? len : 1);
		if (ip_parse(p, len, &info)) {
			CHECK(info.payload <= len);
			ip_verify(p, len, &info);
		}
		free(p);
	}
}

/* ----- segmentation --------------------------------------------------- */

/* What a kernel hands out: a large packet without its checksum. */
static size_t build_large(uint8_t *p, const struct flow *flow, size_t payload,
			  unsigned int flags, size_t size,
			  struct virtio_net_hdr *hdr)
{
	size_t len = build(p, flow, payload, flags), at = flow->v6 ? 40 : 20;
	size_t where = at + (flow->tcp ? TCP_SUM : UDP_SUM);

	ip_put16(p + where, (uint16_t)plain_sum(plain_pseudo(p, len - at),
						NULL, 0));
	*hdr = (struct virtio_net_hdr) {
		.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
		.gso_type = !flow->tcp ? VIRTIO_NET_HDR_GSO_UDP_L4 :
			    flow->v6 ? VIRTIO_NET_HDR_GSO_TCPV6 :
			    VIRTIO_NET_HDR_GSO_TCPV4,
		.gso_size = (uint16_t)size,
		.csum_start = (uint16_t)at,
		.csum_offset = flow->tcp ? TCP_SUM : UDP_SUM,
	};
	return len;
}

static void cut(const struct flow *flow, size_t payload, size_t size)
{
	size_t at = flow->v6 ? 40 : 20;
	size_t header = at + (flow->tcp ? 20 + flow->options : 8);
	unsigned int flags = ACK | PSH | FIN | CWR, count = 0;
	uint8_t *p = malloc(70000), *copy = malloc(70000);
	struct virtio_net_hdr hdr;
	size_t len, done = 0;
	struct gso gso;

	len = build_large(p, flow, payload, flags, size, &hdr);
	memcpy(copy, p, len);
	if (!CHECK(gso_begin(&gso, &hdr, p, len)))
		goto out;
	for (; !gso_done(&gso); gso_next(&gso), count++) {
		bool last = done + size >= payload;
		const uint8_t *q, *again;
		size_t part, same;

		q = gso_segment(&gso, &part);
		/* Asked again after a refusal, it is the same. */
		again = gso_segment(&gso, &same);
		CHECK(q == again && part == same);
		if (!CHECK_EQ(part, header + (last ? payload - done : size)))
			break;
		CHECK(plain_good(q, part));
		CHECK_MEM(q + header, copy + header + done, part - header);
		CHECK_EQ(ip_get16(q + (flow->v6 ? 4 : 2)),
			 flow->v6 ? part - 40 : part);
		if (!flow->v6)
			CHECK_EQ(ip_get16(q + 4),
				 (uint16_t)(flow->id + count));
		if (flow->tcp) {
			CHECK_EQ(ip_get32(q + at + 4),
				 (uint32_t)(flow->sequence + done));
			CHECK_EQ(q[at + 13] & (PSH | FIN),
				 last ? PSH | FIN : 0u);
			CHECK_EQ(q[at + 13] & CWR, done ? 0u : CWR);
			CHECK_MEM(q + at + 20, copy + at + 20, flow->options);
		} else {
			CHECK_EQ(ip_get16(q + at + 4), part - at);
		}
		done += part - header;
	}
	CHECK_EQ(done, payload);
out:
	free(copy);
	free(p);
}

TEST(large_packets_are_cut)
{
	static const size_t payloads[] = { 1, 2, 11, 12, 13, 1447, 1448, 1449,
					   2896, 2897, 14481, 65000 };
	static const size_t sizes[] = { 12, 13, 536, 1447, 1448 };

	for (int kind = 0; kind < 4; kind++) {
		struct flow flow = {
			.v6 = kind & 1, .tcp = kind & 2, .id = 0xfffe,
			.sequence = 0xfffff000, .options = 12,
		};

		for (unsigned int i = 0; i < 12; i++)
			for (unsigned int k = 0; k < 5; k++)
				cut(&flow, payloads[i], sizes[k]);
	}
}

TEST(a_packet_without_offload_stays_as_it_is)
{
	struct flow flow = { .tcp = true };
	struct virtio_net_hdr hdr = { .gso_type = 0 };
	uint8_t p[200], copy[200];
	size_t len = build(p, &flow, 100, ACK), part;
	struct gso gso;

	memcpy(copy, p, len);
	REQUIRE(gso_begin(&gso, &hdr, p, len));
	CHECK(!gso_done(&gso));
	CHECK(gso_segment(&gso, &part) == p);
	CHECK_EQ(part, len);
	CHECK_MEM(p, copy, len);
	gso_next(&gso);
	CHECK(gso_done(&gso));
}

TEST(checksums_are_finished)
{
	for (size_t payload = 0; payload < 40; payload++) {
		struct flow flow = { .v6 = payload % 2, .tcp = payload % 3 };
		struct virtio_net_hdr hdr;
		uint8_t p[200];
		size_t at = flow.v6 ? 40 : 20, len, part;
		struct gso gso;

		len = build_large(p, &flow, payload, ACK, 0, &hdr);
		hdr.gso_type = VIRTIO_NET_HDR_GSO_NONE;
		/* The sum of the pseudo header is there already. */
		ip_put16(p + at + hdr.csum_offset,
			 plain_pseudo(p, len - at) & 0xffff);
		REQUIRE(gso_begin(&gso, &hdr, p, len));
		CHECK(gso_segment(&gso, &part) == p);
		CHECK_EQ(part, len);
		CHECK(plain_good(p, len));
	}
}

TEST(a_udp_checksum_of_zero_is_written_as_ones)
{
	struct flow flow = { .tcp = false };
	struct virtio_net_hdr hdr;
	uint8_t p[100];
	struct gso gso;
	size_t len = build_large(p, &flow, 2, 0, 0, &hdr);
	uint32_t sum;

	hdr.gso_type = VIRTIO_NET_HDR_GSO_NONE;
	ip_put16(p + 28, 0);
	ip_put16(p + 26, plain_pseudo(p, len - 20) & 0xffff);
	sum = plain_sum(0, p + 20, len - 20);
	ip_put16(p + 28, 0xffff - sum);
	REQUIRE(gso_begin(&gso, &hdr, p, len));
	CHECK_EQ(ip_get16(p + 26), 0xffff);
	CHECK(plain_good(p, len));
}

TEST(headers_that_do_not_fit_are_refused)
{
	struct flow flow = { .tcp = true };
	struct virtio_net_hdr good, hdr;
	uint8_t p[3000];
	struct gso gso;
	size_t len = build_large(p, &flow, 2000, ACK, 500, &good);

	hdr = good;
	CHECK(gso_begin(&gso, &hdr, p, len));
	hdr.gso_size = 0;
	CHECK(!gso_begin(&gso, &hdr, p, len));
	hdr = good;
	hdr.flags = 0;
	CHECK(!gso_begin(&gso, &hdr, p, len));
	hdr = good;
	hdr.csum_start = 24;
	CHECK(!gso_begin(&gso, &hdr, p, len));
	hdr = good;
	hdr.gso_type = 99;
	CHECK(!gso_begin(&gso, &hdr, p, len));
	hdr = good;
	CHECK(!gso_begin(&gso, &hdr, p, 0));
	CHECK(!gso_begin(&gso, &hdr, p, 30));
	CHECK(!gso_begin(&gso, &hdr, p, 40));
	p[32] = 0x40;				/* TCP header below 20 */
	CHECK(!gso_begin(&gso, &hdr, p, len));
	p[32] = 0x50;
	p[0] = 0x65;
	CHECK(!gso_begin(&gso, &hdr, p, len));
	hdr.gso_type = VIRTIO_NET_HDR_GSO_NONE;
	hdr.csum_start = (uint16_t)(len - 17);
	CHECK(!gso_begin(&gso, &hdr, p, len));
	hdr.csum_start = 65535;
	CHECK(!gso_begin(&gso, &hdr, p, len));
}

TEST(segmentation_stays_inside_of_the_packet)
{
	for (int i = 0; i < 100000; i++) {
		size_t len = random_number() % 400;
		uint8_t *p = malloc(len ? len : 1);
		struct virtio_net_hdr hdr;
		struct gso gso;
		size_t part;

		fill(p, len);
		fill((uint8_t *)&hdr, sizeof(hdr));
		if (len && i % 8)
			p[0] = i % 2 ? 0x60 : 0x45;
		if (i % 8)
			hdr.csum_start = i % 2 ? 40 : 20;
		hdr.flags |= (uint8_t)(i % 3 > 0);
		hdr.gso_type = (uint8_t)(i % 6);
		hdr.gso_size %= 500;
		if (gso_begin(&gso, &hdr, p, len)) {
			for (; !gso_done(&gso); gso_next(&gso)) {
				const uint8_t *q = gso_segment(&gso, &part);

				CHECK(q >= p && part <= len &&
				      q + part <= p + len);
			}
		}
		free(p);
	}
}

/* ----- coalescing ----------------------------------------------------- */

#define OUT_MAX	40

static struct {
	struct virtio_net_hdr hdr;
	unsigned int datagrams;
	size_t len;
	uint8_t data[66000];
} out[OUT_MAX];
static unsigned int outs;

static void take(void *ctx, const struct iovec *parts, unsigned int count,
		 unsigned int datagrams)
{
	CHECK(ctx == out);
	if (!CHECK(outs < OUT_MAX))
		return;
	CHECK_EQ(parts[0].iov_len, sizeof(struct virtio_net_hdr));
	memcpy(&out[outs].hdr, parts[0].iov_base, sizeof(out[outs].hdr));
	out[outs].datagrams = datagrams;
	out[outs].len = 0;
	for (unsigned int i = 1; i < count; i++) {
		memcpy(out[outs].data + out[outs].len, parts[i].iov_base,
		       parts[i].iov_len);
		out[outs].len += parts[i].iov_len;
	}
	outs++;
}

static void begin(struct gro *gro)
{
	outs = 0;
	gro_init(gro, true, take, out);
}

#define IN_MAX	100

static uint8_t in[IN_MAX][1600];
static size_t in_len[IN_MAX];

/* A segment of a TCP flow, and the flow goes on. */
static size_t segment(unsigned int n, struct flow *flow, size_t payload,
		      unsigned int flags)
{
	in_len[n] = build(in[n], flow, payload, flags);
	flow->sequence += (uint32_t)payload;
	flow->id++;
	return in_len[n];
}

/* Cut again, what came out must be what went in; identifications may differ. */
static void check_same(unsigned int from, unsigned int which)
{
	struct gso gso;
	unsigned int n = from;

	REQUIRE(gso_begin(&gso, &out[which].hdr, out[which].data,
			  out[which].len));
	for (; !gso_done(&gso); gso_next(&gso), n++) {
		size_t len;
		const uint8_t *p = gso_segment(&gso, &len);

		if (!CHECK_EQ(len, in_len[n]))
			return;
		CHECK_MEM(p, in[n], len);
	}
	CHECK_EQ(n - from, out[which].datagrams);
}

TEST(what_is_joined_can_be_cut_again)
{
	for (int kind = 0; kind < 4; kind++) {
		struct flow flow = {
			.v6 = kind & 1, .tcp = kind & 2, .id = 7,
			.sequence = 0xffffff00, .options = 12,
		};
		struct gro gro;

		begin(&gro);
		for (unsigned int n = 0; n < 20; n++)
			CHECK_EQ(gro_add(&gro, in[n],
					 segment(n, &flow, n == 19 ? 77 : 1000,
						 n == 19 ? ACK | PSH : ACK)),
				 IP_GOOD);
		CHECK_EQ(outs, 0);
		gro_flush(&gro);
		CHECK_EQ(outs, 1);
		CHECK_EQ(out[0].datagrams, 20);
		CHECK_EQ(out[0].hdr.gso_size, 1000);
		check_same(0, 0);
		gro_flush(&gro);
		CHECK_EQ(outs, 1);
	}
}

TEST(a_lone_datagram_is_left_alone)
{
	struct flow flow = { .tcp = true };
	struct gro gro;

	begin(&gro);
	gro_add(&gro, in[0], segment(0, &flow, 500, ACK));
	gro_flush(&gro);
	CHECK_EQ(outs, 1);
	CHECK_EQ(out[0].hdr.gso_type, VIRTIO_NET_HDR_GSO_NONE);
	CHECK_EQ(out[0].hdr.flags, 0);
	CHECK_EQ(out[0].len, in_len[0]);
	CHECK_MEM(out[0].data, in[0], in_len[0]);
}

TEST(wrong_checksums_go_on_alone_and_unchanged)
{
	for (int kind = 0; kind < 4; kind++) {
		struct flow flow = { .v6 = kind & 1, .tcp = kind & 2 };
		struct gro gro;

		begin(&gro);
		for (unsigned int n = 0; n < 5; n++) {
			segment(n, &flow, 100, ACK);
			if (n == 2)
				break_sum(in[n], in_len[n]);
			CHECK_EQ(gro_add(&gro, in[n], in_len[n]),
				 n == 2 ? IP_BAD : IP_GOOD);
		}
		gro_flush(&gro);
		REQUIRE(outs == 3);
		check_same(0, 0);
		CHECK_EQ(out[1].datagrams, 1);
		CHECK_EQ(out[1].hdr.flags, 0);
		CHECK_EQ(out[1].hdr.gso_type, VIRTIO_NET_HDR_GSO_NONE);
		CHECK_EQ(out[1].len, in_len[2]);
		CHECK_MEM(out[1].data, in[2], in_len[2]);
		check_same(3, 2);
	}
}

/* Two datagrams that differ in something must not be joined. */
static void check_apart(const char *what, const struct flow *a,
			unsigned int flags_a, const struct flow *b,
			unsigned int flags_b, size_t payload_b)
{
	struct flow first = *a, second = *b;
	struct gro gro;

	begin(&gro);
	second.sequence += 100;
	gro_add(&gro, in[0], segment(0, &first, 100, flags_a));
	gro_add(&gro, in[1], segment(1, &second, payload_b, flags_b));
	gro_flush(&gro);
	if (!CHECK_EQ(outs, 2))
		printf("# %s\n", what);
	CHECK_MEM(out[0].data, in[0], in_len[0]);
	CHECK_MEM(out[1].data, in[1], in_len[1]);
}

TEST(what_does_not_belong_together_is_not_joined)
{
	const struct flow flow = { .tcp = true, .options = 12 };
	struct flow other;

	other = flow;
	other.port = 1;
	check_apart("port", &flow, ACK, &other, ACK, 100);
	other = flow;
	other.v6 = true;
	check_apart("version", &flow, ACK, &other, ACK, 100);
	other = flow;
	other.tcp = false;
	check_apart("protocol", &flow, ACK, &other, ACK, 100);
	other = flow;
	other.options = 0;
	check_apart("options", &flow, ACK, &other, ACK, 100);
	other = flow;
	other.ack = 1;
	check_apart("acknowledgement", &flow, ACK, &other, ACK, 100);
	other = flow;
	other.sequence = 1;
	check_apart("hole", &flow, ACK, &other, ACK, 100);
	other = flow;
	other.sequence = (uint32_t)-100;
	check_apart("repetition", &flow, ACK, &other, ACK, 100);
	check_apart("larger", &flow, ACK, &flow, ACK, 101);
	check_apart("no payload", &flow, ACK, &flow, ACK, 0);
	check_apart("push", &flow, ACK | PSH, &flow, ACK, 100);
	check_apart("fin", &flow, ACK, &flow, ACK | FIN, 100);
	check_apart("syn", &flow, SYN, &flow, ACK, 100);
	check_apart("urgent", &flow, ACK, &flow, ACK | URG, 100);
	check_apart("congestion", &flow, ACK, &flow, ACK | CWR, 100);
	check_apart("no acknowledgement", &flow, 0, &flow, 0, 100);
}

TEST(fields_of_ip_must_agree)
{
	static const struct {
		bool v6;
		unsigned int at;
	} fields[] = {
		{ false, 1 }, { false, 6 }, { false, 8 }, { false, 15 },
		{ false, 19 }, { true, 1 }, { true, 3 }, { true, 7 },
		{ true, 20 }, { true, 39 },
	};

	for (unsigned int i = 0; i < sizeof(fields) / sizeof(*fields); i++) {
		struct flow flow = { .v6 = fields[i].v6, .tcp = true };
		size_t at = flow.v6 ? 40 : 20;
		uint8_t *p = in[1];
		struct gro gro;

		begin(&gro);
		gro_add(&gro, in[0], segment(0, &flow, 100, ACK));
		segment(1, &flow, 100, ACK);
		/* Do not fragment is the only flag that is not a fragment. */
		p[fields[i].at] ^= !flow.v6 && fields[i].at == 6 ? 0x40 : 2;
		if (!flow.v6) {
			ip_put16(p + 10, 0);
			ip_put16(p + 10, (uint16_t)~plain_sum(0, p, 20));
		}
		ip_put16(p + at + TCP_SUM, 0);
		ip_put16(p + at + TCP_SUM,
			 (uint16_t)~plain_sum(plain_pseudo(p, in_len[1] - at),
					      p + at, in_len[1] - at));
		CHECK_EQ(gro_add(&gro, p, in_len[1]), IP_GOOD);
		gro_flush(&gro);
		CHECK_EQ(outs, 2);
		CHECK_MEM(out[1].data, p, in_len[1]);
	}
}

TEST(packets_end_with_a_short_segment_or_a_push)
{
	struct flow flow = { .tcp = true };
	struct gro gro;

	begin(&gro);
	gro_add(&gro, in[0], segment(0, &flow, 100, ACK));
	gro_add(&gro, in[1], segment(1, &flow, 99, ACK));
	gro_add(&gro, in[2], segment(2, &flow, 99, ACK));
	gro_add(&gro, in[3], segment(3, &flow, 99, ACK | PSH));
	gro_add(&gro, in[4], segment(4, &flow, 99, ACK));
	gro_flush(&gro);
	REQUIRE(outs == 3);
	CHECK_EQ(out[0].datagrams, 2);
	CHECK_EQ(out[1].datagrams, 2);
	CHECK_EQ(out[2].datagrams, 1);
	check_same(0, 0);
	check_same(2, 1);
	CHECK_MEM(out[2].data, in[4], in_len[4]);
}

TEST(nothing_is_larger_than_a_packet_can_be)
{
	struct flow flow = { .tcp = true };
	unsigned int total = 0;
	struct gro gro;

	begin(&gro);
	for (unsigned int n = 0; n < IN_MAX; n++)
		gro_add(&gro, in[n], segment(n, &flow, 1460, ACK));
	gro_flush(&gro);
	CHECK_EQ(outs, 3);
	for (unsigned int i = 0; i < outs; i++) {
		CHECK(out[i].len <= 65535);
		check_same(total, i);
		total += out[i].datagrams;
	}
	CHECK_EQ(total, IN_MAX);

	flow.tcp = false;
	begin(&gro);
	for (unsigned int n = 0; n < IN_MAX; n++)
		gro_add(&gro, in[n], segment(n, &flow, 20, 0));
	gro_flush(&gro);
	CHECK_EQ(outs, 2);
	CHECK_EQ(out[0].datagrams, GRO_SEGMENTS);
	CHECK_EQ(out[1].datagrams, IN_MAX - GRO_SEGMENTS);
}

TEST(udp_is_joined_only_where_the_kernel_takes_it)
{
	struct flow flow = { .tcp = false };
	struct gro gro;

	outs = 0;
	gro_init(&gro, false, take, out);
	gro_add(&gro, in[0], segment(0, &flow, 100, 0));
	gro_add(&gro, in[1], segment(1, &flow, 100, 0));
	CHECK_EQ(outs, 2);
}

TEST(nothing_overtakes)
{
	struct flow flow = { .tcp = true }, other = { .tcp = true, .port = 9 };
	unsigned int total = 0;
	struct gro gro;

	begin(&gro);
	for (unsigned int n = 0; n < 30; n++) {
		struct flow *which = random_number() % 4 ? &flow : &other;

		segment(n, which, n % 7 ? 300 : 0, n % 5 ? ACK : ACK | PSH);
		if (n % 11 == 3)
			break_sum(in[n], in_len[n]);
		gro_add(&gro, in[n], in_len[n]);
	}
	gro_flush(&gro);
	for (unsigned int i = 0; i < outs; i++) {
		if (out[i].datagrams == 1)
			CHECK_MEM(out[i].data, in[total], in_len[total]);
		else
			check_same(total, i);
		total += out[i].datagrams;
	}
	CHECK_EQ(total, 30);
}

TEST(coalescing_survives_noise)
{
	struct gro gro;

	for (int i = 0; i < 20000; i++) {
		unsigned int total = 0;

		begin(&gro);
		for (unsigned int n = 0; n < 4; n++) {
			size_t len = random_number() % 100;

			fill(in[n], len);
			if (i % 8) {
				in[n][0] = i % 2 ? 0x60 : 0x45;
				in[n][i % 2 ? 6 : 9] = IP_TCP;
			}
			gro_add(&gro, in[n], len);
		}
		gro_flush(&gro);
		for (unsigned int k = 0; k < outs; k++)
			total += out[k].datagrams;
		CHECK_EQ(total, 4);
	}
}
