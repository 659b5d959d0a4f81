/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Segmentation: what a TUN device hands out in one piece becomes datagrams as
 * they are on the wire, one after the other.
 *
 *	for (gso_begin(&gso, ...); !gso_done(&gso); gso_next(&gso))
 *		packet = gso_segment(&gso, &len);
 *
 * Nothing is copied but headers: the header of a segment is written right in
 * front of its payload, over the payload of the segment before. So a segment is
 * valid until gso_next(), and the large packet belongs to the segmentation.
 */
#ifndef IOSM_EMU_GSO_H
#define IOSM_EMU_GSO_H

#include <linux/virtio_net.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Not in the headers of older systems. */
#ifndef VIRTIO_NET_HDR_GSO_UDP_L4
#define VIRTIO_NET_HDR_GSO_UDP_L4	5
#endif

#define GSO_HEADER_MAX	256u

/**
 * struct gso - a packet that is being cut
 * @packet: the large packet
 * @len: its length
 * @size: payload of one segment
 * @at: where in the payload the current segment begins
 * @header: length of all headers
 * @transport: where the TCP or UDP header begins; 0 for a packet that stays
 *	as it is
 * @tcp, @v6: what it is
 * @built: the header of the current segment was written
 * @pseudo: sum of the pseudo header without the length
 * @template: all headers of the large packet
 */
struct gso {
	uint8_t *packet;
	size_t len, size, at, header, transport;
	bool tcp, v6, built;
	uint64_t pseudo;
	uint8_t template[GSO_HEADER_MAX];
};

/**
 * gso_begin() - take a packet with its virtio header
 *
 * Return: false when the two do not fit together.
 */
bool gso_begin(struct gso *gso, const struct virtio_net_hdr *hdr,
	       uint8_t *packet, size_t len);
/** gso_done() - are all segments out? */
bool gso_done(const struct gso *gso);
/** gso_segment() - the current one; the same until gso_next(). */
uint8_t *gso_segment(struct gso *gso, size_t *len);
/** gso_next() - go on to the next one. */
void gso_next(struct gso *gso);

#endif /* IOSM_EMU_GSO_H */
