// SPDX-License-Identifier: GPL-2.0-only
/*
 * Worlds without a network stack: echo, sink and source.
 */
#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ipsum.h"
#include "log.h"
#include "loop.h"
#include "world_backend.h"

#define ICMP_HEADER	8u

/* Packets that an echo holds for one session. */
#define ECHO_QUEUE	512u

/* The source. */
#define SOURCE_PORT	5001u
#define SOURCE_BURST	64u		/* packets before another session's turn */
#define SOURCE_ROUNDS	4u		/* such bursts in one turn of the loop */
#define SOURCE_TICK_US	50u		/* shortest wait between bursts */
#define SOURCE_LATE_US	20000u		/* backlog beyond this is given up */
#define SOURCE_MIN	64u
#define SOURCE_MAX	16308u

/* ----- packets -------------------------------------------------------- */

uint16_t world_checksum(const uint8_t *data, size_t len, uint32_t sum)
{
	uint64_t all = ipsum_add16(ipsum_add16(0, sum & 0xffff), sum >> 16);

	return (uint16_t)~ntohs(ipsum_fold(ipsum_add(all, data, len)));
}

static void swap_bytes(uint8_t *a, uint8_t *b, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		uint8_t x = a[i];

		a[i] = b[i];
		b[i] = x;
	}
}

/* Change the type of an ICMP message and correct its checksum (RFC 1624). */
static void icmp_answer(uint8_t *icmp, uint8_t type)
{
	uint64_t sum = ipsum_add16(0, (uint16_t)~ip_get16(icmp));

	icmp[0] = type;
	sum = ipsum_add16(sum, (uint16_t)~ip_get16(icmp + 2));
	ipsum_put(icmp + 2, (uint16_t)~ipsum_fold(ipsum_add(sum, icmp, 2)));
}

static bool reflect_ipv4(uint8_t *packet, size_t len)
{
	size_t header = (packet[0] & 0xfu) * 4u;
	bool first = (ip_get16(packet + 6) & 0x1fff) == 0;

	if (header < IPV4_HEADER || header > len)
		return false;
	swap_bytes(packet + 12, packet + 16, 4);
	if (first && packet[9] == IP_ICMP && len >= header + ICMP_HEADER &&
	    packet[header] == 8)
		icmp_answer(packet + header, 0);
	return true;
}

static bool reflect_ipv6(uint8_t *packet, size_t len)
{
	swap_bytes(packet + 8, packet + 24, 16);
	if (packet[6] == IP_ICMPV6 && len >= IPV6_HEADER + ICMP_HEADER &&
	    packet[IPV6_HEADER] == 128)
		icmp_answer(packet + IPV6_HEADER, 129);
	return true;
}

bool world_reflect(uint8_t *packet, size_t len)
{
	if (len >= IPV4_HEADER && packet[0] >> 4 == 4)
		return reflect_ipv4(packet, len);
	if (len >= IPV6_HEADER && packet[0] >> 4 == 6)
		return reflect_ipv6(packet, len);
	return false;
}

/* ----- sink ----------------------------------------------------------- */

static bool sink_uplink(struct world_backend *backend, unsigned int session,
			const uint8_t *packet, size_t len)
{
	(void)backend;
	(void)session;
	(void)packet;
	(void)len;
	return true;
}

static void sink_destroy(struct world_backend *backend)
{
	free(backend);
}

static const struct world_backend_ops sink_ops = {
	.uplink = sink_uplink,
	.destroy = sink_destroy,
};

struct world_backend *world_sink_new(struct loop *loop)
{
	struct world_backend *sink = calloc(1, sizeof(*sink));

	if (!sink) {
		log_error("sink world: out of memory");
		errno = ENOMEM;
		return NULL;
	}
	sink->ops = &sink_ops;
	sink->loop = loop;
	return sink;
}

/* ----- echo ----------------------------------------------------------- */

struct echo_packet {
	struct echo_packet *next;
	size_t len;
	uint8_t data[];
};

struct echo_queue {
	struct echo_packet *first, **last;
	unsigned int length;
	bool refused;
};

/**
 * struct echo - the echo world
 * @backend: base
 * @queue: packets on their way back, by session
 * @timer: hands them out, outside the call that brought them
 */
struct echo {
	struct world_backend backend;
	struct echo_queue queue[WORLD_SESSIONS];
	struct loop_timer timer;
};

static void echo_remove_first(struct echo_queue *queue)
{
	struct echo_packet *packet = queue->first;

	queue->first = packet->next;
	if (!queue->first)
		queue->last = &queue->first;
	queue->length--;
	free(packet);
}

static void echo_flush(struct echo *echo, unsigned int session)
{
	struct echo_queue *queue = &echo->queue[session];

	while (queue->first && !queue->refused) {
		struct echo_packet *packet = queue->first;

		if (!echo->backend.offer(echo->backend.world, session,
					 packet->data, packet->len))
			queue->refused = true;
		else
			echo_remove_first(queue);
	}
}

static void echo_fire(void *ctx)
{
	struct echo *echo = ctx;

	for (unsigned int s = 0; s < WORLD_SESSIONS; s++)
		echo_flush(echo, s);
}

static void echo_resume(struct world_backend *backend, unsigned int session)
{
	struct echo *echo = (struct echo *)backend;

	echo->queue[session].refused = false;
	echo_flush(echo, session);
}

static bool echo_uplink(struct world_backend *backend, unsigned int session,
			const uint8_t *data, size_t len)
{
	struct echo *echo = (struct echo *)backend;
	struct echo_queue *queue = &echo->queue[session];
	struct echo_packet *packet;

	packet = malloc(sizeof(*packet) + len);
	if (!packet)
		return false;
	packet->next = NULL;
	packet->len = len;
	memcpy(packet->data, data, len);
	if (!world_reflect(packet->data, len)) {
		free(packet);
		return false;
	}
	if (queue->length == ECHO_QUEUE) {
		echo->backend.drop(echo->backend.world, session);
		free(packet);
		return true;
	}
	*queue->last = packet;
	queue->last = &packet->next;
	queue->length++;
	if (!queue->refused)
		loop_timer_arm(&echo->timer, 0);
	return true;
}

static void echo_down(struct world_backend *backend, unsigned int session)
{
	struct echo_queue *queue = &((struct echo *)backend)->queue[session];

	while (queue->first)
		echo_remove_first(queue);
	queue->refused = false;
}

static void echo_destroy(struct world_backend *backend)
{
	struct echo *echo = (struct echo *)backend;

	loop_timer_cancel(&echo->timer);
	for (unsigned int s = 0; s < WORLD_SESSIONS; s++)
		echo_down(backend, s);
	free(echo);
}

static const struct world_backend_ops echo_ops = {
	.down = echo_down,
	.uplink = echo_uplink,
	.resume = echo_resume,
	.destroy = echo_destroy,
};

struct world_backend *world_echo_new(struct loop *loop)
{
	struct echo *echo = calloc(1, sizeof(*echo));

	if (!echo) {
		log_error("echo world: out of memory");
		errno = ENOMEM;
		return NULL;
	}
	echo->backend.ops = &echo_ops;
	echo->backend.loop = loop;
	for (unsigned int s = 0; s < WORLD_SESSIONS; s++)
		echo->queue[s].last = &echo->queue[s].first;
	loop_timer_init(&echo->timer, loop, echo_fire, echo);
	return &echo->backend;
}

/* ----- source --------------------------------------------------------- */

/**
 * struct generator - the packets of one session
 * @packet: the next one; only its sequence number, time, IP id and checksums
 *	change
 * @udp_sum: sum of the UDP pseudo header and of all that does not change
 * @ip_sum: the same for the IP header
 * @sequence: number of the next packet
 * @due_us: when the next one is due, and @due_fraction: what is missing from
 *	that, in 1/rate us, to keep odd rates exact
 * @up: session is up
 * @refused: the MUX has no room
 */
struct generator {
	uint8_t packet[SOURCE_MAX];
	uint64_t udp_sum, ip_sum;
	uint64_t sequence;
	uint64_t due_us;
	uint64_t due_fraction;
	bool up, refused;
};

/**
 * struct source - the source world
 * @backend: base
 * @size: bytes of each packet
 * @rate: packets per second and session, 0 = as fast as they are taken
 * @step_us, @step_fraction: time from one packet to the next
 * @timer: time for the next packets
 * @generator: by session
 */
struct source {
	struct world_backend backend;
	unsigned int size;
	unsigned long rate, step_fraction;
	uint64_t step_us;
	struct loop_timer timer;
	struct generator generator[WORLD_SESSIONS];
};

#define AT_ID		4u
#define AT_IP_SUM	10u
#define AT_UDP_SUM	(IPV4_HEADER + 6u)
#define AT_SEQUENCE	(IPV4_HEADER + UDP_HEADER)
#define AT_TIME		(AT_SEQUENCE + 8u)
#define AT_FILL		(AT_TIME + 8u)

/* Everything of a packet that stays. The sums are taken with zeros instead. */
static void generator_init(struct generator *gen, unsigned int session,
			   unsigned int size)
{
	uint8_t *p = gen->packet;
	struct world_ip ip;

	world_addresses(session, &ip);
	memset(p, 0, AT_FILL);
	p[0] = 0x45;
	ip_put16(p + 2, size);
	p[6] = 0x40;				/* do not fragment */
	p[8] = 64;
	p[9] = IP_UDP;
	memcpy(p + 12, &ip.gateway4, 4);
	memcpy(p + 16, &ip.host4, 4);
	ip_put16(p + IPV4_HEADER, SOURCE_PORT);
	ip_put16(p + IPV4_HEADER + 2, SOURCE_PORT);
	ip_put16(p + IPV4_HEADER + 4, size - IPV4_HEADER);
	for (unsigned int i = AT_FILL; i < size; i++)
		p[i] = (uint8_t)i;
	gen->ip_sum = ipsum_add(0, p, IPV4_HEADER);
	gen->udp_sum = ipsum_add(ip_pseudo(p, false, IP_UDP,
					   size - IPV4_HEADER),
				 p + IPV4_HEADER, size - IPV4_HEADER);
}

static void generator_stamp(struct generator *gen, uint64_t now)
{
	uint64_t stamps[2] = { htobe64(gen->sequence), htobe64(now) };
	uint8_t *p = gen->packet;
	uint16_t sum;

	ip_put16(p + AT_ID, (uint16_t)gen->sequence);
	sum = ipsum_fold(ipsum_add16(gen->ip_sum, (uint16_t)gen->sequence));
	ipsum_put(p + AT_IP_SUM, (uint16_t)~sum);
	memcpy(p + AT_SEQUENCE, stamps, sizeof(stamps));
	sum = (uint16_t)~ipsum_fold(ipsum_add(gen->udp_sum, p + AT_SEQUENCE,
					      sizeof(stamps)));
	ipsum_put(p + AT_UDP_SUM, sum ? sum : 0xffff);
}

/* The moment for the packet after this one. */
static void generator_advance(const struct source *source,
			      struct generator *gen)
{
	gen->due_us += source->step_us;
	gen->due_fraction += source->step_fraction;
	if (gen->due_fraction >= source->rate) {
		gen->due_fraction -= source->rate;
		gen->due_us++;
	}
}

/* Send what is due; the count is bounded so that others get their turn. */
static void generator_run(struct source *source, unsigned int session,
			  uint64_t now)
{
	struct generator *gen = &source->generator[session];
	struct world_backend *backend = &source->backend;

	/* A rate is no debt: what could not be sent in time is not made up. */
	if (source->rate && now > gen->due_us + SOURCE_LATE_US) {
		gen->due_us = now;
		gen->due_fraction = 0;
	}
	for (unsigned int n = 0; n < SOURCE_BURST && !gen->refused; n++) {
		if (source->rate && gen->due_us > now)
			break;
		generator_stamp(gen, now);
		if (!backend->offer(backend->world, session, gen->packet,
				    source->size)) {
			gen->refused = true;
			break;
		}
		gen->sequence++;
		if (source->rate)
			generator_advance(source, gen);
	}
}

static void source_arm(struct source *source, uint64_t now)
{
	uint64_t wait = UINT64_MAX;

	for (unsigned int s = 0; s < WORLD_SESSIONS; s++) {
		const struct generator *gen = &source->generator[s];
		uint64_t mine = 1;

		if (!gen->up || gen->refused)
			continue;
		/* Who was stopped in the middle of a burst goes on at once. */
		if (source->rate) {
			mine = gen->due_us > now ? gen->due_us - now : 0;
			if (mine && mine < SOURCE_TICK_US)
				mine = SOURCE_TICK_US;
		}
		if (mine < wait)
			wait = mine;
	}
	if (wait != UINT64_MAX)
		loop_timer_arm(&source->timer, wait);
}

static void source_fire(void *ctx)
{
	struct source *source = ctx;
	uint64_t now = loop_now_us(source->backend.loop);

	for (unsigned int i = 0; i < SOURCE_ROUNDS * WORLD_SESSIONS; i++)
		if (source->generator[i % WORLD_SESSIONS].up)
			generator_run(source, i % WORLD_SESSIONS, now);
	source_arm(source, now);
}

static void source_up(struct world_backend *backend, unsigned int session)
{
	struct source *source = (struct source *)backend;
	struct generator *gen = &source->generator[session];

	gen->up = true;
	gen->refused = false;
	gen->sequence = 0;
	gen->due_us = loop_now_us(backend->loop);
	gen->due_fraction = 0;
	loop_timer_arm(&source->timer, 1);
}

static void source_down(struct world_backend *backend, unsigned int session)
{
	struct source *source = (struct source *)backend;

	source->generator[session].up = false;
	source->generator[session].refused = false;
}

static void source_resume(struct world_backend *backend, unsigned int session)
{
	struct source *source = (struct source *)backend;

	source->generator[session].refused = false;
	source_fire(source);
}

static void source_destroy(struct world_backend *backend)
{
	struct source *source = (struct source *)backend;

	loop_timer_cancel(&source->timer);
	free(source);
}

static const struct world_backend_ops source_ops = {
	.up = source_up,
	.down = source_down,
	.uplink = sink_uplink,
	.resume = source_resume,
	.destroy = source_destroy,
};

struct world_backend *world_source_new(struct loop *loop, unsigned long rate,
				       unsigned int size)
{
	struct source *source;

	if (size < SOURCE_MIN || size > SOURCE_MAX) {
		log_error("source world: size %u is not between %u and %u",
			  size, SOURCE_MIN, SOURCE_MAX);
		errno = EINVAL;
		return NULL;
	}
	source = calloc(1, sizeof(*source));
	if (!source) {
		log_error("source world: out of memory");
		errno = ENOMEM;
		return NULL;
	}
	source->backend.ops = &source_ops;
	source->backend.loop = loop;
	source->size = size;
	source->rate = rate;
	if (rate) {
		source->step_us = 1000000 / rate;
		source->step_fraction = 1000000 % rate;
	}
	for (unsigned int s = 0; s < WORLD_SESSIONS; s++)
		generator_init(&source->generator[s], s, size);
	loop_timer_init(&source->timer, loop, source_fire, source);
	return &source->backend;
}
