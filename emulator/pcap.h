/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A pcapng file of raw IP packets with one interface per session.
 */
#ifndef IOSM_EMU_PCAP_H
#define IOSM_EMU_PCAP_H

#include <stddef.h>
#include <stdint.h>

struct pcap;

/* Seen from the host: what it receives is inbound. */
enum pcap_direction { PCAP_INBOUND = 1, PCAP_OUTBOUND = 2 };

/**
 * pcap_create() - create or truncate a file and write its head
 * @path: the file
 * @interfaces: how many; they are called session0, session1, ...
 *
 * Return: the file, or NULL with errno set.
 */
struct pcap *pcap_create(const char *path, unsigned int interfaces);

/**
 * pcap_packet() - append one packet
 * @pcap: the file
 * @interface: on which it was seen, below the number of interfaces
 * @direction: which way it went
 * @time_us: when, in microseconds since 1970
 * @packet: IPv4 or IPv6 packet
 * @len: its length
 *
 * Return: 0 or -errno. After an error nothing more is written.
 */
int pcap_packet(struct pcap *pcap, unsigned int interface,
		enum pcap_direction direction, uint64_t time_us,
		const uint8_t *packet, size_t len);
/** pcap_flush() - hand buffered packets to the kernel. Returns 0 or -errno. */
int pcap_flush(struct pcap *pcap);
/** pcap_close() - flush and close. Returns the first error, 0 or -errno. */
int pcap_close(struct pcap *pcap);

#endif /* IOSM_EMU_PCAP_H */
