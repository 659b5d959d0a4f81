// SPDX-License-Identifier: GPL-2.0-only
/*
 * Segmentation of TCP and UDP super-packets, and checksums that the kernel left
 * to its device.
 */
#include <string.h>

#include "gso.h"
#include "ipsum.h"

#define TCP_FLAGS	13u
#define TCP_FIN		0x01u
#define TCP_PSH		0x08u
#define TCP_CWR		0x80u

/* The kernel left its pseudo header's sum at the place of the checksum. */
static bool finish_checksum(const struct virtio_net_hdr *hdr, uint8_t *packet,
			    size_t len)
{
	size_t start = hdr->csum_start, at = start + hdr->csum_offset;
	uint16_t sum;

	if (start >= len || at + 2 > len)
		return false;
	sum = (uint16_t)~ipsum_fold(ipsum_add(0, packet + start, len - start));
	/* Zero would say that there is no checksum. */
	ipsum_put(packet + at, sum ? sum : 0xffff);
	return true;
}

static bool gso_headers(struct gso *gso, const struct virtio_net_hdr *hdr)
{
	const uint8_t *p = gso->packet, *transport;
	size_t least = gso->tcp ? TCP_HEADER : UDP_HEADER;

	gso->transport = hdr->csum_start;
	if (!(hdr->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) || !hdr->gso_size ||
	    gso->len < gso->transport + least)
		return false;
	if (gso->v6 ? p[0] >> 4 != 6 || gso->transport < IPV6_HEADER :
		      p[0] >> 4 != 4 || gso->transport < IPV4_HEADER ||
		      gso->transport != (size_t)(p[0] & 0xf) * 4)
		return false;
	transport = p + gso->transport;
	if (gso->tcp)
		least = (size_t)(transport[12] >> 4) * 4;
	gso->header = gso->transport + least;
	if (least < UDP_HEADER || (gso->tcp && least < TCP_HEADER) ||
	    gso->header >= gso->len || gso->header > GSO_HEADER_MAX)
		return false;
	return true;
}

bool gso_begin(struct gso *gso, const struct virtio_net_hdr *hdr,
	       uint8_t *packet, size_t len)
{
	gso->packet = packet;
	gso->len = len;
	gso->at = 0;
	gso->header = 0;
	gso->transport = 0;
	gso->size = len;
	gso->built = false;

	switch (hdr->gso_type & ~VIRTIO_NET_HDR_GSO_ECN) {
	case VIRTIO_NET_HDR_GSO_NONE:
		return !(hdr->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) ||
		       finish_checksum(hdr, packet, len);
	case VIRTIO_NET_HDR_GSO_TCPV4:
	case VIRTIO_NET_HDR_GSO_TCPV6:
		gso->tcp = true;
		break;
	case VIRTIO_NET_HDR_GSO_UDP_L4:
		gso->tcp = false;
		break;
	default:
		return false;
	}
	if (!len)
		return false;
	gso->v6 = packet[0] >> 4 == 6;
	if (!gso_headers(gso, hdr))
		return false;
	gso->size = hdr->gso_size;
	memcpy(gso->template, packet, gso->header);
	gso->pseudo = ip_pseudo(packet, gso->v6, gso->tcp ? IP_TCP : IP_UDP, 0);
	return true;
}

bool gso_done(const struct gso *gso)
{
	return gso->at >= gso->len - gso->header;
}

static void build_tcp(const struct gso *gso, uint8_t *tcp, bool last)
{
	ip_put32(tcp + 4, ip_get32(tcp + 4) + (uint32_t)gso->at);
	if (gso->at)
		tcp[TCP_FLAGS] &= (uint8_t)~TCP_CWR;
	if (!last)
		tcp[TCP_FLAGS] &= (uint8_t)~(TCP_FIN | TCP_PSH);
}

static void build_header(struct gso *gso, uint8_t *p, size_t len, bool last)
{
	uint8_t *transport = p + gso->transport, *where;
	size_t size = len - gso->transport;
	uint16_t sum;

	memcpy(p, gso->template, gso->header);
	if (gso->v6) {
		ip_put16(p + 4, len - IPV6_HEADER);
	} else {
		ip_put16(p + 2, len);
		ip_put16(p + 4, ip_get16(p + 4) + gso->at / gso->size);
		ipv4_seal(p, gso->transport);
	}
	if (gso->tcp)
		build_tcp(gso, transport, last);
	else
		ip_put16(transport + 4, size);

	where = transport + (gso->tcp ? TCP_SUM : UDP_SUM);
	ip_put16(where, 0);
	sum = (uint16_t)~ipsum_fold(ipsum_add(ipsum_add16(gso->pseudo, size),
					      transport, size));
	ipsum_put(where, sum ? sum : 0xffff);
}

uint8_t *gso_segment(struct gso *gso, size_t *len)
{
	size_t left = gso->len - gso->header - gso->at;
	uint8_t *p = gso->packet + gso->at;

	if (left > gso->size)
		left = gso->size;
	*len = gso->header + left;
	if (gso->transport && !gso->built)
		build_header(gso, p, *len,
			     gso->at + left == gso->len - gso->header);
	gso->built = true;
	return p;
}

void gso_next(struct gso *gso)
{
	gso->at += gso->size;
	gso->built = false;
}
