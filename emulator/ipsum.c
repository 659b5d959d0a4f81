// SPDX-License-Identifier: GPL-2.0-only
/*
 * Internet checksums.
 *
 * Carries are collected, not added back: pairs of 64-bit words are cut into
 * 32-bit halves, whose sums cannot overflow for any packet. The halves are
 * added as vectors of two, which every x86-64 and arm64 has.
 */
#include <arpa/inet.h>
#include <string.h>

#include "ipsum.h"

typedef uint64_t pair __attribute__((vector_size(16)));

static inline pair load_pair(const uint8_t *data)
{
	pair value;

	memcpy(&value, data, sizeof(value));
	return value;
}

uint64_t ipsum_add(uint64_t sum, const uint8_t *data, size_t len)
{
	const pair low = { UINT32_MAX, UINT32_MAX };
	uint32_t word;
	uint16_t half;

	/* What was there must leave room for what comes. */
	sum = (sum & UINT32_MAX) + (sum >> 32);
	if (len >= 32) {
		pair a = { 0, 0 }, b = a, c = a, d = a;

		for (; len >= 32; len -= 32, data += 32) {
			pair x = load_pair(data), y = load_pair(data + 16);

			a += x & low;
			b += x >> 32;
			c += y & low;
			d += y >> 32;
		}
		a += b + c + d;
		sum += (a[0] & UINT32_MAX) + (a[0] >> 32);
		sum += (a[1] & UINT32_MAX) + (a[1] >> 32);
	}
	for (; len >= 4; len -= 4, data += 4) {
		memcpy(&word, data, sizeof(word));
		sum += word;
	}
	if (len >= 2) {
		memcpy(&half, data, sizeof(half));
		sum += half;
		data += 2;
		len -= 2;
	}
	if (len) {
		/* As if a zero followed. */
		half = 0;
		memcpy(&half, data, 1);
		sum += half;
	}
	return sum;
}

uint64_t ipsum_add16(uint64_t sum, size_t value)
{
	return sum + htons((uint16_t)value);
}

uint16_t ipsum_fold(uint64_t sum)
{
	sum = (sum & UINT32_MAX) + (sum >> 32);
	sum = (sum & UINT32_MAX) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)((sum & 0xffff) + (sum >> 16));
}

void ipsum_put(uint8_t *where, uint16_t sum)
{
	memcpy(where, &sum, sizeof(sum));
}

void ipv4_seal(uint8_t *header, size_t len)
{
	ip_put16(header + 10, 0);
	ipsum_put(header + 10, (uint16_t)~ipsum_fold(ipsum_add(0, header,
							       len)));
}

static bool parse_transport(const uint8_t *packet, size_t len,
			    struct ip_info *info)
{
	const uint8_t *transport = packet + info->transport;
	size_t size = len - info->transport, header;

	info->payload = info->transport;
	if (info->fragment)
		return true;
	switch (info->protocol) {
	case IP_TCP:
		if (size < TCP_HEADER)
			return false;
		header = (size_t)(transport[12] >> 4) * 4;
		if (header < TCP_HEADER || header > size)
			return false;
		info->payload += header;
		return true;
	case IP_UDP:
		if (size < UDP_HEADER || ip_get16(transport + 4) != size)
			return false;
		info->payload += UDP_HEADER;
		return true;
	default:
		return true;
	}
}

bool ip_parse(const uint8_t *packet, size_t len, struct ip_info *info)
{
	if (len < IPV4_HEADER)
		return false;
	if (packet[0] >> 4 == 4) {
		size_t header = (size_t)(packet[0] & 0xf) * 4;

		if (header < IPV4_HEADER || header > len ||
		    ip_get16(packet + 2) != len)
			return false;
		info->v6 = false;
		info->fragment = ip_get16(packet + 6) & 0x3fff;
		info->protocol = packet[9];
		info->transport = header;
		return parse_transport(packet, len, info);
	}
	if (packet[0] >> 4 != 6 || len < IPV6_HEADER ||
	    ip_get16(packet + 4) + IPV6_HEADER != len)
		return false;
	info->v6 = true;
	info->fragment = false;
	info->protocol = packet[6];
	info->transport = IPV6_HEADER;
	return parse_transport(packet, len, info);
}

uint64_t ip_pseudo(const uint8_t *packet, bool v6, uint8_t protocol,
		   size_t size)
{
	uint64_t sum = v6 ? ipsum_add(0, packet + 8, 32) :
			    ipsum_add(0, packet + 12, 8);

	return ipsum_add16(ipsum_add16(sum, protocol), size);
}

enum ip_verdict ip_verify(const uint8_t *packet, size_t len,
			  const struct ip_info *info)
{
	const uint8_t *transport = packet + info->transport;
	size_t size = len - info->transport;
	uint64_t sum;

	if (!info->v6 &&
	    ipsum_fold(ipsum_add(0, packet, info->transport)) != 0xffff)
		return IP_BAD;
	if (info->fragment)
		return IP_UNKNOWN;
	switch (info->protocol) {
	case IP_UDP:
		/* Without a checksum; IPv6 insists on one [RFC 8200, 8.1]. */
		if (!transport[UDP_SUM] && !transport[UDP_SUM + 1])
			return info->v6 ? IP_BAD : IP_UNKNOWN;
		break;
	case IP_TCP:
		break;
	case IP_ICMPV6:
		if (!info->v6)
			return IP_UNKNOWN;
		break;
	case IP_ICMP:
		if (info->v6)
			return IP_UNKNOWN;
		return ipsum_fold(ipsum_add(0, transport, size)) == 0xffff ?
		       IP_GOOD : IP_BAD;
	default:
		return IP_UNKNOWN;
	}
	sum = ip_pseudo(packet, info->v6, info->protocol, size);
	return ipsum_fold(ipsum_add(sum, transport, size)) == 0xffff ?
	       IP_GOOD : IP_BAD;
}
