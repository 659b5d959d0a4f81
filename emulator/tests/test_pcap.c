// SPDX-License-Identifier: GPL-2.0-only
/*
 * Capture files: golden bytes, and what tshark reads in them where it is
 * installed.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "check.h"
#include "pcap.h"

static char path[64];

static bool make_path(void)
{
	int fd;

	strcpy(path, "/tmp/iosm-test-pcap-XXXXXX");
	fd = mkstemp(path);
	if (fd < 0)
		return false;
	close(fd);
	return true;
}

/* An IPv4 packet with an unknown protocol, @len bytes. */
static void make_packet(uint8_t *p, size_t len, uint8_t host)
{
	uint32_t sum = 0;

	memset(p, 0, len);
	p[0] = 0x45;
	p[2] = (uint8_t)(len >> 8);
	p[3] = (uint8_t)len;
	p[8] = 64;
	p[9] = 253;
	p[12] = 10;
	p[13] = 64;
	p[15] = 1;
	p[16] = 10;
	p[17] = 64;
	p[19] = host;
	for (int i = 0; i < 20; i += 2)
		sum += (uint32_t)(p[i] << 8 | p[i + 1]);
	sum = ~((sum & 0xffff) + (sum >> 16));
	p[10] = (uint8_t)(sum >> 8);
	p[11] = (uint8_t)sum;
}

static uint8_t image[65536];

static size_t read_image(void)
{
	FILE *file = fopen(path, "rb");
	size_t len;

	if (!file)
		return 0;
	len = fread(image, 1, sizeof(image), file);
	fclose(file);
	return len;
}

static uint32_t word(size_t at)
{
	uint32_t value;

	memcpy(&value, image + at, 4);
	return value;
}

TEST(file_has_the_right_blocks)
{
	uint8_t packet[23];
	struct pcap *pcap;
	size_t len, at;

	REQUIRE(make_path());
	make_packet(packet, sizeof(packet), 2);
	pcap = pcap_create(path, 2);
	REQUIRE(pcap);
	CHECK_EQ(pcap_packet(pcap, 1, PCAP_OUTBOUND, 0x123456789abcdefu,
			     packet, sizeof(packet)), 0);
	CHECK_EQ(pcap_packet(pcap, 2, PCAP_INBOUND, 0, packet, 1), -EINVAL);
	CHECK_EQ(pcap_close(pcap), 0);
	len = read_image();

	CHECK_EQ(word(0), 0x0a0d0d0a);
	CHECK_EQ(word(8), 0x1a2b3c4d);
	CHECK_EQ(word(12), 1);			/* version 1.0 */
	at = word(4);
	CHECK_EQ(word(at - 4), at);
	for (int i = 0; i < 2; i++) {
		CHECK_EQ(word(at), 1);
		CHECK_EQ(word(at + 8), 101);	/* raw IP */
		CHECK_EQ(image[at + 16], 2);	/* its name */
		CHECK_EQ(image[at + 18], 8);
		CHECK_MEM(image + at + 20, i ? "session1" : "session0", 8);
		at += word(at + 4);
	}
	CHECK_EQ(word(at), 6);
	CHECK_EQ(word(at + 4), 28 + 24 + 12 + 4);
	CHECK_EQ(word(at + 8), 1);		/* interface */
	CHECK_EQ(word(at + 12), 0x1234567);
	CHECK_EQ(word(at + 16), 0x89abcdef);
	CHECK_EQ(word(at + 20), 23);
	CHECK_EQ(word(at + 24), 23);
	CHECK_MEM(image + at + 28, packet, 23);
	CHECK_EQ(image[at + 51], 0);
	CHECK_EQ(word(at + 52), 2 | 4 << 16);	/* flags */
	CHECK_EQ(word(at + 56), 2);		/* outbound */
	CHECK_EQ(word(at + 60), 0);
	CHECK_EQ(word(at + 64), word(at + 4));
	CHECK_EQ(at + 68, len);
	unlink(path);
}

TEST(flush_shows_packets)
{
	uint8_t packet[100];
	struct pcap *pcap;
	size_t len;

	REQUIRE(make_path());
	make_packet(packet, sizeof(packet), 2);
	pcap = pcap_create(path, 1);
	REQUIRE(pcap);
	len = read_image();
	CHECK(len > 0);				/* the head is there at once */
	CHECK_EQ(pcap_packet(pcap, 0, PCAP_INBOUND, 1, packet, 100), 0);
	CHECK_EQ(pcap_flush(pcap), 0);
	CHECK_EQ(read_image(), len + 28 + 100 + 12 + 4);
	CHECK_EQ(pcap_close(pcap), 0);
	unlink(path);
}

TEST(errors_are_told)
{
	uint8_t packet[1000] = { 0x45 };
	struct pcap *pcap;
	int error = 0;

	errno = 0;
	CHECK(!pcap_create("/nowhere/at/all", 1));
	CHECK_EQ(errno, ENOENT);
	errno = 0;
	CHECK(!pcap_create("/tmp", 1));
	CHECK_EQ(errno, EISDIR);
	/* A disk that is full. */
	errno = 0;
	CHECK(!pcap_create("/dev/full", 1));
	CHECK_EQ(errno, ENOSPC);

	pcap = pcap_create("/dev/null", 1);
	REQUIRE(pcap);
	for (int i = 0; i < 100; i++)
		error |= pcap_packet(pcap, 0, PCAP_INBOUND, 0, packet, 1000);
	CHECK_EQ(error, 0);
	CHECK_EQ(pcap_close(pcap), 0);
}

static bool have(const char *tool)
{
	char line[64];

	snprintf(line, sizeof(line), "command -v %s >/dev/null 2>&1", tool);
	return system(line) == 0;
}

TEST(tshark_reads_it)
{
	static const char expected[] =
		"0,session0,0x00000001,1700000000.000001000,10.64.0.1,"
		"10.64.0.10,20\n"
		"1,session1,0x00000002,1700000000.000002000,10.64.0.1,"
		"10.64.0.11,21\n"
		"2,session2,0x00000001,1700000000.000003000,10.64.0.1,"
		"10.64.0.12,22\n"
		"3,session3,0x00000002,1700000000.000004000,10.64.0.1,"
		"10.64.0.13,23\n";
	char line[512], got[1024];
	uint8_t packet[64];
	struct pcap *pcap;
	FILE *tool;

	if (!have("tshark")) {
		printf("# SKIP tshark_reads_it: tshark is not installed\n");
		return;
	}
	REQUIRE(make_path());
	pcap = pcap_create(path, 8);
	REQUIRE(pcap);
	for (uint8_t i = 0; i < 4; i++) {
		make_packet(packet, 20u + i, (uint8_t)(10 + i));
		pcap_packet(pcap, i, i % 2 ? PCAP_OUTBOUND : PCAP_INBOUND,
			    1700000000000001u + i, packet, 20u + i);
	}
	CHECK_EQ(pcap_close(pcap), 0);
	snprintf(line, sizeof(line),
		 "tshark -r %s -T fields -E separator=, -e frame.interface_id "
		 "-e frame.interface_name -e frame.packet_flags "
		 "-e frame.time_epoch -e ip.src -e ip.dst -e frame.len "
		 "2>/dev/null", path);
	tool = popen(line, "r");
	REQUIRE(tool);
	got[fread(got, 1, sizeof(got) - 1, tool)] = '\0';
	CHECK_EQ(pclose(tool), 0);
	if (!CHECK_STR(got, expected))
		printf("# got:\n%s", got);

	if (have("capinfos")) {
		snprintf(line, sizeof(line), "capinfos %s >/dev/null", path);
		CHECK_EQ(system(line), 0);
	}
	unlink(path);
}
