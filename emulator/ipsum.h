/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Internet checksums (RFC 1071), and where the parts of an IP packet are.
 *
 * Sums are kept in the byte order of the machine: swapping the bytes of all
 * words swaps those of their sum, so nothing has to be converted as long as a
 * result is stored as it is.
 */
#ifndef IOSM_EMU_IPSUM_H
#define IOSM_EMU_IPSUM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define IP_ICMP		1u
#define IP_TCP		6u
#define IP_UDP		17u
#define IP_ICMPV6	58u

#define IPV4_HEADER	20u
#define IPV6_HEADER	40u
#define TCP_HEADER	20u
#define UDP_HEADER	8u
#define TCP_SUM		16u	/* where the checksum is in the header */
#define UDP_SUM		6u

/* Big-endian fields of packets, at any alignment. */
static inline uint16_t ip_get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static inline uint32_t ip_get32(const uint8_t *p)
{
	return (uint32_t)ip_get16(p) << 16 | ip_get16(p + 2);
}

static inline void ip_put16(uint8_t *p, size_t value)
{
	p[0] = (uint8_t)(value >> 8);
	p[1] = (uint8_t)value;
}

static inline void ip_put32(uint8_t *p, uint32_t value)
{
	ip_put16(p, value >> 16);
	ip_put16(p + 2, value & 0xffff);
}

/**
 * ipsum_add() - add @len bytes to a sum; what comes next must begin at an even
 *	distance from the start
 */
uint64_t ipsum_add(uint64_t sum, const uint8_t *data, size_t len);
/** ipsum_add16() - add one number. */
uint64_t ipsum_add16(uint64_t sum, size_t value);
/** ipsum_fold() - sixteen bits; 0xffff if a checksum was among what was added. */
uint16_t ipsum_fold(uint64_t sum);
/** ipsum_put() - store a folded sum, or its complement. */
void ipsum_put(uint8_t *where, uint16_t sum);

/** ipv4_seal() - set the checksum of an IPv4 header of @len bytes. */
void ipv4_seal(uint8_t *header, size_t len);

/**
 * struct ip_info - the parts of a packet
 * @v6: IPv6, else IPv4
 * @fragment: part of a larger packet; @payload and what is in it are not set
 * @protocol: what it carries, IP_TCP for example
 * @transport: where the header of that begins
 * @payload: where the payload begins; for TCP and UDP only, else as @transport
 */
struct ip_info {
	bool v6, fragment;
	uint8_t protocol;
	size_t transport, payload;
};

/**
 * ip_parse() - look at the headers of a packet
 *
 * IPv6 extension headers are not looked into; they are the @protocol then.
 *
 * Return: false when lengths do not agree or it is no IP packet.
 */
bool ip_parse(const uint8_t *packet, size_t len, struct ip_info *info);
/** ip_pseudo() - sum of the pseudo header for @size bytes from @transport on. */
uint64_t ip_pseudo(const uint8_t *packet, bool v6, uint8_t protocol,
		   size_t size);

enum ip_verdict {
	IP_GOOD,	/* every checksum is right */
	IP_BAD,		/* one is wrong */
	IP_UNKNOWN,	/* there is none, or nobody here can tell */
};

/** ip_verify() - check all checksums of a packet that ip_parse() took. */
enum ip_verdict ip_verify(const uint8_t *packet, size_t len,
			  const struct ip_info *info);

#endif /* IOSM_EMU_IPSUM_H */
