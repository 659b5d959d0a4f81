// SPDX-License-Identifier: GPL-2.0-only
/*
 * Coalescing of TCP segments and UDP datagrams.
 */
#include <string.h>

#include "gro.h"
#include "gso.h"

#define TCP_FLAGS	13u
#define TCP_PSH		0x08u
#define TCP_ACK		0x10u

#define PACKET_MAX	65535u

void gro_init(struct gro *gro, bool udp, gro_emit_t emit, void *ctx)
{
	*gro = (struct gro) { .emit = emit, .ctx = ctx, .udp = udp };
}

/* May it be joined with others at all? */
static bool joinable(const struct gro *gro, const uint8_t *packet, size_t len,
		     const struct ip_info *info)
{
	const uint8_t *transport = packet + info->transport;

	if (info->payload == len ||
	    (!info->v6 && info->transport != IPV4_HEADER))
		return false;
	if (info->protocol == IP_UDP)
		return gro->udp;
	return info->protocol == IP_TCP && !(transport[12] & 0xf) &&
	       (transport[TCP_FLAGS] & ~TCP_PSH) == TCP_ACK &&
	       !ip_get16(transport + 18);
}

static bool same_ip(const uint8_t *a, const uint8_t *b, bool v6)
{
	/* All but lengths, identification and header checksum. */
	if (v6)
		return !memcmp(a, b, 4) && !memcmp(a + 6, b + 6, 34);
	return !memcmp(a, b, 2) && !memcmp(a + 6, b + 6, 4) &&
	       !memcmp(a + 12, b + 12, 8);
}

/* Does a joinable packet continue what is held? */
static bool continues(const struct gro *gro, const uint8_t *packet, size_t len,
		      const struct ip_info *info)
{
	const uint8_t *a = gro->first + gro->info.transport;
	const uint8_t *b = packet + info->transport;
	size_t payload = len - info->payload;

	if (!gro->count || gro->full || payload > gro->size ||
	    gro->len + payload > PACKET_MAX ||
	    info->v6 != gro->info.v6 ||
	    info->protocol != gro->info.protocol ||
	    info->payload != gro->info.payload ||
	    !same_ip(gro->first, packet, info->v6) || memcmp(a, b, 4))
		return false;
	if (info->protocol == IP_UDP)
		return true;
	/* Acknowledgement, header length, window and options. */
	return ip_get32(b + 4) == gro->next && !memcmp(a + 8, b + 8, 5) &&
	       !memcmp(a + 14, b + 14, 2) &&
	       !memcmp(a + TCP_HEADER, b + TCP_HEADER,
		       info->payload - info->transport - TCP_HEADER);
}

/* The packet ends here if its last segment is shorter, or pushes. */
static void append(struct gro *gro, const uint8_t *packet, size_t len,
		   const struct ip_info *info)
{
	size_t payload = len - info->payload;

	gro->part[gro->count + 2] = (struct iovec) {
		.iov_base = (uint8_t *)packet + info->payload,
		.iov_len = payload,
	};
	gro->count++;
	gro->len += payload;
	gro->next += (uint32_t)payload;
	gro->full = gro->count == GRO_SEGMENTS || payload < gro->size;
	if (info->protocol == IP_TCP) {
		gro->push = packet[info->transport + TCP_FLAGS] & TCP_PSH;
		gro->full |= gro->push;
	}
}

static void hold(struct gro *gro, const uint8_t *packet, size_t len,
		 const struct ip_info *info)
{
	gro->count = 0;
	gro->first = packet;
	gro->first_len = len;
	gro->info = *info;
	gro->len = info->payload;
	gro->size = len - info->payload;
	if (info->protocol == IP_TCP)
		gro->next = ip_get32(packet + info->transport + 4);
	append(gro, packet, len, info);
}

static void emit_alone(struct gro *gro, const uint8_t *packet, size_t len)
{
	struct virtio_net_hdr hdr = { .gso_type = VIRTIO_NET_HDR_GSO_NONE };
	struct iovec parts[2] = {
		{ .iov_base = &hdr, .iov_len = sizeof(hdr) },
		{ .iov_base = (uint8_t *)packet, .iov_len = len },
	};

	gro->emit(gro->ctx, parts, 2, 1);
}

static void emit_joined(struct gro *gro)
{
	const struct ip_info *info = &gro->info;
	bool tcp = info->protocol == IP_TCP;
	uint8_t *p = gro->header, *transport = p + info->transport;
	size_t size = gro->len - info->transport;

	memcpy(p, gro->first, info->payload);
	if (info->v6) {
		ip_put16(p + 4, gro->len - IPV6_HEADER);
	} else {
		ip_put16(p + 2, gro->len);
		ipv4_seal(p, info->transport);
	}
	if (tcp)
		transport[TCP_FLAGS] |= gro->push;
	else
		ip_put16(transport + 4, size);
	/* The rest of this checksum is left to the kernel, which skips it. */
	ipsum_put(transport + (tcp ? TCP_SUM : UDP_SUM),
		  ipsum_fold(ip_pseudo(p, info->v6, info->protocol, size)));

	gro->hdr = (struct virtio_net_hdr) {
		.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
		.gso_type = !tcp ? VIRTIO_NET_HDR_GSO_UDP_L4 :
			    info->v6 ? VIRTIO_NET_HDR_GSO_TCPV6 :
			    VIRTIO_NET_HDR_GSO_TCPV4,
		.hdr_len = (uint16_t)info->payload,
		.gso_size = (uint16_t)gro->size,
		.csum_start = (uint16_t)info->transport,
		.csum_offset = tcp ? TCP_SUM : UDP_SUM,
	};
	gro->part[0] = (struct iovec) {
		.iov_base = &gro->hdr, .iov_len = sizeof(gro->hdr),
	};
	gro->part[1] = (struct iovec) {
		.iov_base = p, .iov_len = info->payload,
	};
	gro->emit(gro->ctx, gro->part, gro->count + 2, gro->count);
}

void gro_flush(struct gro *gro)
{
	if (gro->count > 1)
		emit_joined(gro);
	else if (gro->count)
		emit_alone(gro, gro->first, gro->first_len);
	gro->count = 0;
}

enum ip_verdict gro_add(struct gro *gro, const uint8_t *packet, size_t len)
{
	enum ip_verdict verdict = IP_UNKNOWN;
	struct ip_info info;

	if (ip_parse(packet, len, &info))
		verdict = ip_verify(packet, len, &info);
	if (verdict != IP_GOOD || !joinable(gro, packet, len, &info)) {
		gro_flush(gro);
		emit_alone(gro, packet, len);
	} else if (continues(gro, packet, len, &info)) {
		append(gro, packet, len, &info);
	} else {
		gro_flush(gro);
		hold(gro, packet, len, &info);
	}
	return verdict;
}
