/* SPDX-License-Identifier: MIT */
/*
 * Traffic with checked content: a server in one system, requests from the
 * other. The server runs in the background, answers UDP bursts (udp.c) and
 * serves one TCP connection after the other:
 *
 *   client: struct flow_request{take or give, bytes}
 *   take:   the client sends that many patterned bytes, the server answers
 *           with one byte, 1 for a whole and unharmed stream
 *   give:   the server sends them
 *
 * Everything is bounded by a receive and send timeout on the sockets.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "tool.h"

#define CHUNK	    65536
#define TIMEOUT_SEC 60

enum flow_way {
	FLOW_TAKE = 1,
	FLOW_GIVE = 2,
};

struct flow_request {
	uint64_t bytes;
	uint64_t way;
};

static void sock_bound_time(int sock)
{
	const struct timeval limit = {.tv_sec = TIMEOUT_SEC};

	setsockopt(sock, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	setsockopt(sock, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
}

static bool send_all(int sock, const void *from, size_t len)
{
	const unsigned char *at = from;
	ssize_t sent;

	while (len > 0) {
		sent = send(sock, at, len, MSG_NOSIGNAL);
		if (sent <= 0)
			return false;
		at += sent;
		len -= (size_t)sent;
	}
	return true;
}

static bool recv_all(int sock, void *to, size_t len)
{
	return recv(sock, to, len, MSG_WAITALL) == (ssize_t)len;
}

static bool stream_send(int sock, uint64_t bytes)
{
	static unsigned char chunk[CHUNK];

	for (uint64_t at = 0; at < bytes; at += CHUNK) {
		uint64_t left = bytes - at;
		size_t len = left < CHUNK ? (size_t)left : CHUNK;

		lab_pattern_fill(chunk, len, at);
		if (!send_all(sock, chunk, len))
			return false;
	}
	return true;
}

static bool stream_recv(int sock, uint64_t bytes)
{
	static unsigned char chunk[CHUNK];

	for (uint64_t at = 0; at < bytes; at += CHUNK) {
		uint64_t left = bytes - at;
		size_t len = left < CHUNK ? (size_t)left : CHUNK;

		if (!recv_all(sock, chunk, len) ||
		    !lab_pattern_check(chunk, len, at))
			return false;
	}
	return true;
}

static void tcp_answer(int listener)
{
	struct flow_request request;
	unsigned char good;
	int sock = accept(listener, NULL, NULL);

	if (sock < 0)
		return;
	sock_bound_time(sock);
	if (recv_all(sock, &request, sizeof(request))) {
		if (request.way == FLOW_GIVE) {
			stream_send(sock, request.bytes);
		} else {
			good = stream_recv(sock, request.bytes);
			send_all(sock, &good, 1);
		}
	}
	close(sock);
}

/* PORT: serve TCP and UDP in the background, for ever; prints the pid. */
int lab_serve(char **argv)
{
	int tcp = lab_addr_server_any(argv[0], SOCK_STREAM);
	int udp = lab_addr_server_any(argv[0], SOCK_DGRAM);
	struct pollfd fds[] = {
		{.fd = tcp, .events = POLLIN},
		{.fd = udp, .events = POLLIN},
	};

	if (tcp < 0 || udp < 0)
		return lab_fail("serve");
	if (lab_background() != 0)
		return 1;
	for (;;) {
		if (poll(fds, 2, -1) < 0)
			continue;
		if (fds[0].revents & POLLIN)
			tcp_answer(tcp);
		if (fds[1].revents & POLLIN)
			lab_udp_answer(udp);
	}
}

static int tcp_open(char **argv, struct flow_request *request)
{
	struct lab_addr addr;
	int sock;

	request->bytes = lab_number(argv[2], UINT32_MAX);
	if (!lab_addr_parse(argv[0], argv[1], &addr))
		return -1;
	sock = lab_addr_socket(&addr, SOCK_STREAM);
	if (sock < 0)
		return -1;
	sock_bound_time(sock);
	if (connect(sock, (void *)&addr.storage, addr.len) != 0 ||
	    !send_all(sock, request, sizeof(*request))) {
		close(sock);
		return -1;
	}
	return sock;
}

static int tcp_report(bool good, const struct flow_request *request)
{
	if (!good)
		return lab_fail("tcp: stream cut short or content wrong");
	printf("tcp: %llu bytes good\n", (unsigned long long)request->bytes);
	return 0;
}

/* ADDRESS PORT BYTES: send a stream that the server checks. */
int lab_tcp_send(char **argv)
{
	struct flow_request request = {.way = FLOW_TAKE};
	int sock = tcp_open(argv, &request);
	unsigned char good = 0;

	if (sock < 0)
		return lab_fail("tcp");
	if (!stream_send(sock, request.bytes) || !recv_all(sock, &good, 1))
		good = 0;
	close(sock);
	return tcp_report(good == 1, &request);
}

/* ADDRESS PORT BYTES: have the server send a stream, and check it. */
int lab_tcp_recv(char **argv)
{
	struct flow_request request = {.way = FLOW_GIVE};
	int sock = tcp_open(argv, &request);
	bool good;

	if (sock < 0)
		return lab_fail("tcp");
	good = stream_recv(sock, request.bytes);
	close(sock);
	return tcp_report(good, &request);
}

/* Move what comes from one descriptor to another until it ends. */
static bool copy_all(int from, int to)
{
	static unsigned char chunk[CHUNK];
	ssize_t len;

	while ((len = read(from, chunk, sizeof(chunk))) > 0) {
		for (ssize_t at = 0; at < len;) {
			ssize_t n = write(to, chunk + at, (size_t)(len - at));

			if (n <= 0)
				return false;
			at += n;
		}
	}
	return len == 0;
}

/* ADDRESS PORT: send the input, then say that this was all; print the answer. */
int lab_tcp_pass(char **argv)
{
	struct lab_addr addr;
	int status = 0;
	int sock = -1;

	if (lab_addr_parse(argv[0], argv[1], &addr))
		sock = lab_addr_socket(&addr, SOCK_STREAM);
	if (sock < 0)
		return lab_fail("tcp");
	sock_bound_time(sock);
	if (connect(sock, (void *)&addr.storage, addr.len) != 0 ||
	    !copy_all(STDIN_FILENO, sock) || shutdown(sock, SHUT_WR) != 0 ||
	    !copy_all(sock, STDOUT_FILENO))
		status = lab_fail("tcp");
	close(sock);
	return status;
}
