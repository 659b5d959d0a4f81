// SPDX-License-Identifier: GPL-2.0-only
/*
 * pcapng writer: section header, one interface description per session, one
 * enhanced packet block per packet. The file is in the byte order of the
 * machine, which its header tells.
 */
#include "pcap.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_SECTION	0x0a0d0d0au
#define BLOCK_INTERFACE	1u
#define BLOCK_PACKET	6u
#define BYTE_ORDER_MAGIC 0x1a2b3c4du
#define LINKTYPE_RAW	101u	/* begins with an IP header */

#define OPT_END		0u
#define OPT_SHB_USERAPPL 4u
#define OPT_IF_NAME	2u
#define OPT_IF_TSRESOL	9u
#define OPT_EPB_FLAGS	2u

/**
 * struct pcap - an open capture file
 * @file: buffered output
 * @interfaces: number of interface descriptions written
 * @error: first error, 0 or -errno
 */
struct pcap {
	FILE *file;
	unsigned int interfaces;
	int error;
};

struct block {
	uint8_t data[256];
	size_t len;
};

static void put(struct block *block, const void *data, size_t len)
{
	if (len == 0)
		return;
	memcpy(block->data + block->len, data, len);
	block->len += len;
}

static void put16(struct block *block, uint32_t value)
{
	uint16_t v = (uint16_t)value;

	put(block, &v, sizeof(v));
}

static void put32(struct block *block, uint32_t value)
{
	put(block, &value, sizeof(value));
}

static void put_option(struct block *block, uint32_t code, const void *data,
		       size_t len)
{
	static const uint8_t zero[4];

	put16(block, code);
	put16(block, (uint32_t)len);
	put(block, data, len);
	put(block, zero, -len % 4);
}

static void pcap_write(struct pcap *pcap, const void *data, size_t len)
{
	if (pcap->error || len == 0)
		return;
	if (fwrite(data, 1, len, pcap->file) != len)
		pcap->error = errno ? -errno : -EIO;
}

/* Write a block whose body is complete: type, length, body, length. */
static void pcap_block(struct pcap *pcap, uint32_t type,
		       const struct block *body)
{
	uint32_t head[2] = { type, (uint32_t)(body->len + 12) };

	pcap_write(pcap, head, sizeof(head));
	pcap_write(pcap, body->data, body->len);
	pcap_write(pcap, &head[1], sizeof(head[1]));
}

static void write_section(struct pcap *pcap)
{
	static const char name[] = "iosm-emu";
	struct block block = { .len = 0 };

	put32(&block, BYTE_ORDER_MAGIC);
	put16(&block, 1);			/* version 1.0 */
	put16(&block, 0);
	put32(&block, UINT32_MAX);		/* section length unknown */
	put32(&block, UINT32_MAX);
	put_option(&block, OPT_SHB_USERAPPL, name, sizeof(name) - 1);
	put_option(&block, OPT_END, NULL, 0);
	pcap_block(pcap, BLOCK_SECTION, &block);
}

static void write_interface(struct pcap *pcap, unsigned int index)
{
	static const uint8_t microseconds = 6;
	struct block block = { .len = 0 };
	char name[24];
	int len = snprintf(name, sizeof(name), "session%u", index);

	put16(&block, LINKTYPE_RAW);
	put16(&block, 0);
	put32(&block, 0);			/* no snap length */
	put_option(&block, OPT_IF_NAME, name, (size_t)len);
	put_option(&block, OPT_IF_TSRESOL, &microseconds, 1);
	put_option(&block, OPT_END, NULL, 0);
	pcap_block(pcap, BLOCK_INTERFACE, &block);
}

struct pcap *pcap_create(const char *path, unsigned int interfaces)
{
	struct pcap *pcap = calloc(1, sizeof(*pcap));

	if (!pcap)
		return NULL;
	pcap->interfaces = interfaces;
	pcap->file = fopen(path, "wbe");
	if (!pcap->file)
		goto err_free;
	write_section(pcap);
	for (unsigned int i = 0; i < interfaces; i++)
		write_interface(pcap, i);
	if (pcap_flush(pcap) < 0)
		goto err_close;
	return pcap;

err_close:
	fclose(pcap->file);
	errno = -pcap->error;
err_free:
	free(pcap);
	return NULL;
}

int pcap_packet(struct pcap *pcap, unsigned int interface,
		enum pcap_direction direction, uint64_t time_us,
		const uint8_t *packet, size_t len)
{
	static const uint8_t zero[4];
	uint32_t flags = (uint32_t)direction, total;
	struct block tail = { .len = 0 };
	uint32_t head[7];

	if (interface >= pcap->interfaces)
		return -EINVAL;
	put(&tail, zero, -len % 4);
	put_option(&tail, OPT_EPB_FLAGS, &flags, sizeof(flags));
	put_option(&tail, OPT_END, NULL, 0);
	total = (uint32_t)(sizeof(head) + len + tail.len + 4);
	put32(&tail, total);

	head[0] = BLOCK_PACKET;
	head[1] = total;
	head[2] = interface;
	head[3] = (uint32_t)(time_us >> 32);
	head[4] = (uint32_t)time_us;
	head[5] = (uint32_t)len;		/* captured */
	head[6] = (uint32_t)len;		/* original */
	pcap_write(pcap, head, sizeof(head));
	pcap_write(pcap, packet, len);
	pcap_write(pcap, tail.data, tail.len);
	return pcap->error;
}

int pcap_flush(struct pcap *pcap)
{
	if (!pcap->error && fflush(pcap->file) != 0)
		pcap->error = -errno;
	return pcap->error;
}

int pcap_close(struct pcap *pcap)
{
	int error = pcap_flush(pcap);

	if (fclose(pcap->file) != 0 && !error)
		error = -errno;
	free(pcap);
	return error;
}
