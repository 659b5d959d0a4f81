// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the multiplexer codec costs, held against memcpy() of the same bytes.
 *
 *   codec_bench			times: one line of JSON for each case
 *   codec_bench VARIANT OPERATION SIZE	one pass only, to count instructions with
 *					callgrind --toggle-collect=codec_pass or copy_pass
 *
 * Encode is all that it takes to put packets into buffers as they go to the
 * modem: builder, copy of the payload, tables. Decode is all that it takes to
 * know where the packets of a buffer are; nothing is copied, so the copy that it is
 * held against is what a receiver would do next. Buffers rotate as those of a ring
 * do, and the copy has the very same addresses, lengths and order.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "../../iosm_ipc_mux_wire.h"
#include "include/shim.h"

#define PACKETS		256		/* packets that wait outside the buffers */
#define STRIDE		2048		/* bytes from one of them to the next */
#define BLOCKS		16		/* buffers of the ring, Aggregation */
#define SINGLES		128		/* buffers of the ring, Lite */
#define ROUNDS		301		/* measurements of each, alternating */
#define PASSES		4		/* times through the ring in each of them */
#define SESSION		0

struct bench {
	enum iosm_mux_variant variant;
	bool encode;
	u32 size;			/* bytes of a packet */
	u32 buffers;			/* in the ring */
	u32 buffer_size;
	u32 per_buffer;			/* packets in each */
	u8 *ring;
	u8 *packets;
	u32 lengths[BLOCKS > SINGLES ? BLOCKS : SINGLES];	/* of the buffers' content */
	u32 offsets[IOSM_MUX_BLOCK_DATAGRAMS];	/* of the packets in a buffer */
};

/* What the compiler must not think away. */
static unsigned long long seen;

static void fail(const char *what)
{
	fprintf(stderr, "codec_bench: %s\n", what);
	exit(1);
}

static u8 *packet_at(const struct bench *bench, u32 n)
{
	return bench->packets + (size_t)(n % PACKETS) * STRIDE;
}

static u8 *buffer_at(const struct bench *bench, u32 n)
{
	return bench->ring + (size_t)n * bench->buffer_size;
}

/* ----- the codec --------------------------------------------------------- */

static void encode_blocks(struct bench *bench)
{
	static const u32 levels[IOSM_MUX_SESSIONS];
	static struct iosm_mux_counters counters;
	static struct iosm_mux_block block;
	u32 next = 0;

	for (u32 n = 0; n < bench->buffers; n++) {
		iosm_mux_block_begin(&block, buffer_at(bench, n), bench->buffer_size);
		for (;;) {
			u8 *to = iosm_mux_block_add(&block, SESSION, 0, IOSM_MUX_DL_PAD,
						    bench->size);

			if (!to)
				break;
			memcpy(to, packet_at(bench, next++), bench->size);
		}
		bench->lengths[n] = iosm_mux_block_finish(&block, &counters, levels);
		seen += bench->lengths[n];
	}
}

static void encode_singles(struct bench *bench)
{
	for (u32 n = 0; n < bench->buffers; n++) {
		u8 *to;
		int length = iosm_mux_wire_adgh(buffer_at(bench, n), bench->buffer_size,
						SESSION, 0, 0, bench->size, &to);

		if (length < 0)
			fail("a packet does not fit");
		memcpy(to, packet_at(bench, n), bench->size);
		bench->lengths[n] = length;
		seen += length;
	}
}

static void take_datagram(void *ctx, u8 session, u8 service_class, u32 offset, u32 length)
{
	(void)ctx;
	(void)session;
	(void)service_class;
	seen += offset + length;
}

static void take_command(void *ctx, const struct iosm_mux_command *command)
{
	(void)ctx;
	(void)command;
	fail("a command in a data buffer");
}

static void take_credits(void *ctx, u8 session, u32 bytes)
{
	(void)ctx;
	(void)session;
	(void)bytes;
	fail("credits in a data buffer");
}

static void decode_ring(struct bench *bench)
{
	static const struct iosm_mux_decoder_ops ops = {
		.datagram = take_datagram,
		.command = take_command,
		.credits = take_credits,
	};
	static struct iosm_mux_defects defects;

	for (u32 n = 0; n < bench->buffers; n++)
		if (iosm_mux_wire_decode(bench->variant, 1 << SESSION, buffer_at(bench, n),
					 bench->lengths[n], &ops, NULL,
					 &defects) != bench->per_buffer)
			fail("the decoder did not find all packets");
}

__attribute__((noipa)) static void codec_pass(struct bench *bench)
{
	if (!bench->encode)
		decode_ring(bench);
	else if (bench->variant == IOSM_MUX_AGGR)
		encode_blocks(bench);
	else
		encode_singles(bench);
	barrier();
}

/* ----- the measure -------------------------------------------------------- */

__attribute__((noipa)) static void copy_pass(struct bench *bench)
{
	u32 next = 0;

	for (u32 n = 0; n < bench->buffers; n++)
		for (u32 i = 0; i < bench->per_buffer; i++) {
			u8 *inside = buffer_at(bench, n) + bench->offsets[i];
			u8 *outside = packet_at(bench, next++);

			if (bench->encode)
				memcpy(inside, outside, bench->size);
			else
				memcpy(outside, inside, bench->size);
			barrier();
		}
}

/* ----- preparations ------------------------------------------------------- */

/* A block as the modem sends it, protocol.rst 5.5: packets first, one table behind. */
static void fill_block(struct bench *bench, u32 n)
{
	u32 stride = ALIGN(IOSM_MUX_DL_PAD + bench->size, 4);
	u32 count = bench->per_buffer;
	u32 table = sizeof(struct iosm_mux_adbh) + count * stride;
	u8 *buf = buffer_at(bench, n);
	struct iosm_mux_adbh adbh = {
		.signature = cpu_to_le32(IOSM_MUX_SIG_ADBH),
		.sequence = cpu_to_le16(n),
		.first_table = cpu_to_le32(table),
	};
	struct iosm_mux_adth adth = {
		.signature = cpu_to_le32(IOSM_MUX_SIG_ADTH),
		.length = cpu_to_le16(sizeof(adth) +
				      count * sizeof(struct iosm_mux_adth_entry)),
		.session = SESSION,
	};

	bench->lengths[n] = table + le16_to_cpu(adth.length);
	adbh.length = cpu_to_le32(bench->lengths[n]);
	memcpy(buf, &adbh, sizeof(adbh));
	memcpy(buf + table, &adth, sizeof(adth));
	for (u32 i = 0; i < count; i++) {
		struct iosm_mux_adth_entry entry = {
			.offset = cpu_to_le32(sizeof(adbh) + i * stride),
			.length = cpu_to_le16(IOSM_MUX_DL_PAD + bench->size),
		};

		memcpy(buf + table + sizeof(adth) + i * sizeof(entry), &entry, sizeof(entry));
		memcpy(buf + bench->offsets[i], packet_at(bench, i), bench->size);
	}
}

static void prepare(struct bench *bench)
{
	bool aggr = bench->variant == IOSM_MUX_AGGR;
	struct rnd_state noise;

	bench->buffers = aggr ? BLOCKS : SINGLES;
	bench->buffer_size = aggr ? IOSM_MUX_BLOCK_SIZE : IOSM_MUX_LITE_SIZE;
	bench->ring = aligned_alloc(4096, (size_t)bench->buffers * bench->buffer_size);
	bench->packets = aligned_alloc(4096, (size_t)PACKETS * STRIDE);
	if (!bench->ring || !bench->packets)
		fail("out of memory");
	memset(bench->ring, 0, (size_t)bench->buffers * bench->buffer_size);
	prandom_seed_state(&noise, 7);
	prandom_bytes_state(&noise, bench->packets, (size_t)PACKETS * STRIDE);

	/* The uplink builder says how many packets a buffer holds. */
	if (aggr) {
		static struct iosm_mux_block block;
		u8 *to;

		iosm_mux_block_begin(&block, bench->ring, bench->buffer_size);
		while ((to = iosm_mux_block_add(&block, SESSION, 0, IOSM_MUX_DL_PAD,
						bench->size)))
			bench->offsets[bench->per_buffer++] = to - bench->ring;
	} else {
		bench->per_buffer = 1;
		bench->offsets[0] = sizeof(struct iosm_mux_adgh);
	}

	/* What is decoded is there before; singles look the same both ways. */
	for (u32 n = 0; aggr && n < bench->buffers; n++)
		fill_block(bench, n);
	if (!aggr)
		encode_singles(bench);
	decode_ring(bench);
}

/* ----- time --------------------------------------------------------------- */

static int compare(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static double median(double *values, size_t count)
{
	qsort(values, count, sizeof(*values), compare);
	return values[count / 2];
}

static double timed(void (*pass)(struct bench *bench), struct bench *bench)
{
	struct timespec from, to;

	clock_gettime(CLOCK_MONOTONIC_RAW, &from);
	for (int i = 0; i < PASSES; i++)
		pass(bench);
	clock_gettime(CLOCK_MONOTONIC_RAW, &to);
	return ((double)(to.tv_sec - from.tv_sec) * 1e9 + (double)(to.tv_nsec - from.tv_nsec)) /
	       PASSES / bench->buffers / bench->per_buffer;
}

static const char *variant_name(enum iosm_mux_variant variant)
{
	return variant == IOSM_MUX_AGGR ? "aggr" : "lite";
}

static void measure(struct bench *bench)
{
	static double codec[ROUNDS], copy[ROUNDS], ratio[ROUNDS];

	prepare(bench);
	for (int i = 0; i < 10; i++) {
		timed(copy_pass, bench);
		timed(codec_pass, bench);
	}
	for (int i = 0; i < ROUNDS; i++) {
		copy[i] = timed(copy_pass, bench);
		codec[i] = timed(codec_pass, bench);
		ratio[i] = codec[i] / copy[i];
	}
	median(ratio, ROUNDS);
	printf("{\"variant\": \"%s\", \"operation\": \"%s\", \"size\": %u, \"packets\": %u, ",
	       variant_name(bench->variant), bench->encode ? "encode" : "decode", bench->size,
	       bench->buffers * bench->per_buffer);
	printf("\"codec_ns\": %.2f, \"copy_ns\": %.2f, ", median(codec, ROUNDS),
	       median(copy, ROUNDS));
	printf("\"ratio\": %.4f, \"ratio_low\": %.4f, \"ratio_high\": %.4f}\n",
	       ratio[ROUNDS / 2], ratio[ROUNDS / 20], ratio[ROUNDS - 1 - ROUNDS / 20]);
	free(bench->ring);
	free(bench->packets);
}

static void all(void)
{
	static const u32 sizes[] = { 64, 512, 1400 };

	for (int variant = IOSM_MUX_LITE; variant <= IOSM_MUX_AGGR; variant++)
		for (int encode = 1; encode >= 0; encode--)
			for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
				struct bench bench = {
					.variant = variant,
					.encode = encode,
					.size = sizes[i],
				};

				measure(&bench);
			}
}

int main(int argc, char **argv)
{
	struct bench bench = {};

	if (argc == 1) {
		all();
		return 0;
	}
	if (argc != 4 || (strcmp(argv[1], "lite") && strcmp(argv[1], "aggr")) ||
	    (strcmp(argv[2], "encode") && strcmp(argv[2], "decode"))) {
		fputs("codec_bench [lite|aggr encode|decode SIZE]\n", stderr);
		return 2;
	}
	bench.variant = strcmp(argv[1], "aggr") ? IOSM_MUX_LITE : IOSM_MUX_AGGR;
	bench.encode = !strcmp(argv[2], "encode");
	bench.size = atoi(argv[3]);
	if (bench.size < 1 || bench.size > 1500) {
		fputs("codec_bench: SIZE is 1 to 1500\n", stderr);
		return 2;
	}
	prepare(&bench);
	copy_pass(&bench);
	codec_pass(&bench);
	printf("%u\n", bench.buffers * bench.per_buffer);
	return 0;
}
