/* SPDX-License-Identifier: MIT */
/*
 * UDP bursts: the client sends COUNT datagrams of SIZE bytes, the server
 * answers with the same once it has them all. Both ends check the content.
 * With GSO a burst is one send with UDP_SEGMENT, which a device with USO
 * carries whole. A burst that is not answered in time is sent again under a
 * new number and counted as lost, so that the caller decides what loss means.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tool.h"

#define BURST_MAX  65000
#define ANSWER_MS  3000
#define TRIES	   10
#define HEADER_LEN sizeof(struct lab_burst_header)

/* How far the burst that an end is waiting for has come. */
struct burst {
	struct lab_burst_header header;
	size_t size;
	uint32_t got;
};

static bool burst_send(int sock, const struct lab_addr *to,
		       const struct burst *burst)
{
	static unsigned char data[BURST_MAX];
	struct lab_burst_header header = burst->header;
	size_t all = burst->size * header.count;
	int segment = header.gso ? (int)burst->size : 0;
	size_t step = header.gso ? all : burst->size;

	for (uint32_t i = 0; i < header.count; i++) {
		unsigned char *at = data + i * burst->size;

		header.index = i;
		memcpy(at, &header, HEADER_LEN);
		lab_pattern_fill(at + HEADER_LEN, burst->size - HEADER_LEN, 0);
	}
	if (setsockopt(sock, SOL_UDP, UDP_SEGMENT, &segment, sizeof(segment)) !=
	    0)
		return false;
	for (size_t at = 0; at < all; at += step) {
		if (sendto(sock, data + at, step, 0, (const void *)&to->storage,
			   to->len) != (ssize_t)step)
			return false;
	}
	return true;
}

/*
 * Take a datagram; true when it completes the burst it belongs to. One with
 * other bytes than were sent ends this process: it is not a loss, and whoever
 * waits for a server that has ended gets no answer any more.
 */
static bool burst_take(struct burst *burst, const unsigned char *data,
		       size_t len)
{
	struct lab_burst_header header;

	if (len < HEADER_LEN)
		return false;
	if (!lab_pattern_check(data + HEADER_LEN, len - HEADER_LEN, 0)) {
		errno = EBADMSG;
		exit(lab_fail("udp: content wrong"));
	}
	memcpy(&header, data, HEADER_LEN);
	if (header.round != burst->header.round || header.index == 0) {
		burst->header = header;
		burst->size = len;
		burst->got = 0;
	}
	if (header.count == 0 || header.count * len > BURST_MAX)
		return false;
	return ++burst->got == header.count;
}

void lab_udp_answer(int sock)
{
	static struct burst burst;
	static unsigned char data[BURST_MAX];
	struct lab_addr from = {.len = sizeof(from.storage)};
	ssize_t len = recvfrom(sock, data, sizeof(data), MSG_DONTWAIT,
			       (void *)&from.storage, &from.len);

	if (len > 0 && burst_take(&burst, data, (size_t)len))
		burst_send(sock, &from, &burst);
}

/* Whether the whole answer to @asked arrives in time. */
static bool answer_wait(int sock, const struct burst *asked)
{
	static unsigned char data[BURST_MAX];
	struct burst burst = {.header = {.round = UINT32_MAX}};
	uint64_t deadline = lab_clock_ms() + ANSWER_MS;
	struct pollfd fd = {.fd = sock, .events = POLLIN};
	ssize_t len;

	while (lab_left_ms(deadline) > 0) {
		if (poll(&fd, 1, lab_left_ms(deadline)) <= 0)
			continue;
		len = recv(sock, data, sizeof(data), MSG_DONTWAIT);
		if (len <= 0)
			continue;
		if (burst_take(&burst, data, (size_t)len) &&
		    burst.header.round == asked->header.round &&
		    burst.size == asked->size)
			return true;
	}
	return false;
}

/* ADDRESS PORT ROUNDS COUNT SIZE GSO */
int lab_udp(char **argv)
{
	struct lab_addr to;
	uint32_t rounds = (uint32_t)lab_number(argv[2], 100000);
	struct burst burst = {
		.header = {
			.count = (uint32_t)lab_number(argv[3], 64),
			.gso = (uint32_t)lab_number(argv[5], 1),
		}};
	uint32_t done = 0;
	uint32_t lost = 0;
	int sock;

	burst.size = (size_t)lab_number(argv[4], BURST_MAX);
	if (burst.size < HEADER_LEN ||
	    burst.size * burst.header.count > BURST_MAX) {
		errno = EMSGSIZE;
		return lab_fail("udp");
	}
	if (!lab_addr_parse(argv[0], argv[1], &to))
		return lab_fail("udp");
	sock = lab_addr_socket(&to, SOCK_DGRAM);
	if (sock < 0)
		return lab_fail("udp");
	while (done < rounds && lost < TRIES) {
		burst.header.round = done + lost;
		if (!burst_send(sock, &to, &burst)) {
			close(sock);
			return lab_fail("udp: send");
		}
		if (answer_wait(sock, &burst))
			done++;
		else
			lost++;
	}
	close(sock);
	printf("udp: %u of %u rounds, %u lost\n", done, rounds, lost);
	return done == rounds ? 0 : 1;
}
