// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sends UDP datagrams as fast as the path takes them, for tools/bench. It runs
 * in the guest; whoever started it counts what arrives.
 *
 *   udpsend ADDRESS PORT SIZE SECONDS [segment]
 *
 * SIZE is the length of the IP packets (IPv4). With "segment", one system call
 * hands a large datagram to the stack, which cuts it into packets of that size
 * (UDP_SEGMENT); otherwise one call hands over many small ones (sendmmsg).
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#ifndef UDP_SEGMENT
#define UDP_SEGMENT	103
#endif

#define HEADERS		28		/* IPv4 and UDP */
#define BATCH		64		/* datagrams in one system call */
#define LARGEST		65000		/* bytes that UDP_SEGMENT may cut */
/*
 * Several blocks of small packets, and fewer packets than a queueing discipline
 * holds: the sender waits, nothing is dropped. The kernel doubles the number.
 */
#define SEND_BUFFER	(300 * 1024)

static void fail(const char *what)
{
	fprintf(stderr, "udpsend: %s: %s\n", what, strerror(errno));
	exit(1);
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static int connected(const char *address, const char *port)
{
	struct sockaddr_in to = {
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)atoi(port)),
	};
	int size = SEND_BUFFER;
	int fd;

	if (inet_pton(AF_INET, address, &to.sin_addr) != 1) {
		errno = EINVAL;
		fail(address);
	}
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	if (fd < 0)
		fail("socket");
	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)))
		fail("SO_SNDBUFFORCE");
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)))
		fail("connect");
	return fd;
}

/* What is full for a moment is tried again; anything else is an error. */
static int wait_a_moment(void)
{
	const struct timespec moment = { .tv_nsec = 50000 };

	if (errno != ENOBUFS && errno != EAGAIN && errno != EINTR)
		fail("send");
	nanosleep(&moment, NULL);
	return 0;
}

static unsigned long long send_batches(int fd, char *data, size_t payload,
				       double end)
{
	struct iovec part = { .iov_base = data, .iov_len = payload };
	struct mmsghdr batch[BATCH] = {};
	unsigned long long sent = 0;
	int count;

	for (int i = 0; i < BATCH; i++) {
		batch[i].msg_hdr.msg_iov = &part;
		batch[i].msg_hdr.msg_iovlen = 1;
	}
	while (now() < end) {
		count = sendmmsg(fd, batch, BATCH, 0);
		sent += (unsigned long long)(count < 0 ? wait_a_moment() : count);
	}
	return sent;
}

static unsigned long long send_segments(int fd, char *data, size_t payload,
					double end)
{
	size_t count = LARGEST / payload < BATCH ? LARGEST / payload : BATCH;
	unsigned long long sent = 0;
	int segment = (int)payload;

	if (setsockopt(fd, IPPROTO_UDP, UDP_SEGMENT, &segment, sizeof(segment)))
		fail("UDP_SEGMENT");
	while (now() < end) {
		if (send(fd, data, count * payload, 0) < 0)
			wait_a_moment();
		else
			sent += count;
	}
	return sent;
}

int main(int argc, char **argv)
{
	static char data[LARGEST];
	unsigned long long sent;
	double start, seconds;
	int fd, size;

	if (argc < 5 || argc > 6 || (argc == 6 && strcmp(argv[5], "segment"))) {
		fputs("udpsend ADDRESS PORT SIZE SECONDS [segment]\n", stderr);
		return 2;
	}
	size = atoi(argv[3]);
	seconds = atof(argv[4]);
	if (size <= HEADERS || size > 9000 || seconds <= 0) {
		fputs("udpsend: SIZE is 29 to 9000, SECONDS more than 0\n", stderr);
		return 2;
	}
	memset(data, 0xa5, sizeof(data));
	fd = connected(argv[1], argv[2]);
	start = now();
	if (argc == 6)
		sent = send_segments(fd, data, (size_t)size - HEADERS, start + seconds);
	else
		sent = send_batches(fd, data, (size_t)size - HEADERS, start + seconds);
	printf("{\"sent\": %llu, \"seconds\": %.6f}\n", sent, now() - start);
	return 0;
}
