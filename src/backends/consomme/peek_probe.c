/* SPDX-License-Identifier: MIT */
/*
 * Does SO_PEEK_OFF work for TCP?
 *
 * Linux has it for TCP since 6.9, for IPv4 first and for IPv6 later; but that a
 * kernel accepts the option does not say what it does. So it is tried, on a pair
 * of connected sockets on the loopback: that a peek goes on where the last one
 * ended, that the offset goes back when bytes are taken out before it, also when
 * they are only thrown away, and that it can be set back.
 */
#include "backends/consomme/stack.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define STREAM	"0123456789abcdef"
#define WAIT_MS 1000

struct pair {
	int listener, ours, theirs;
};

static bool wait_readable(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	return poll(&p, 1, WAIT_MS) == 1 && p.revents & POLLIN;
}

static bool connect_pair(struct pair *pair, bool v6)
{
	int family = v6 ? AF_INET6 : AF_INET;
	int type = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;
	struct sockaddr_storage sa;
	struct csm_addr loopback = csm_addr_from_u32(0x7f000001);
	socklen_t len;

	if (v6) {
		loopback = csm_addr_any6;
		loopback.b[15] = 1;
	}
	len = csm_addr_to_sockaddr(&loopback, 0, &sa);
	pair->listener = socket(family, type, 0);
	pair->ours = socket(family, type, 0);
	if (pair->listener < 0 || pair->ours < 0 ||
	    bind(pair->listener, (struct sockaddr *)&sa, len) < 0 ||
	    listen(pair->listener, 1) < 0 ||
	    getsockname(pair->listener, (struct sockaddr *)&sa, &len) < 0)
		return false;
	if (connect(pair->ours, (struct sockaddr *)&sa, len) < 0 &&
	    errno != EINPROGRESS)
		return false;
	if (!wait_readable(pair->listener))
		return false;
	pair->theirs = accept4(pair->listener, NULL, NULL,
			       SOCK_NONBLOCK | SOCK_CLOEXEC);
	return pair->theirs >= 0;
}

static bool set_offset(int fd, int offset)
{
	return !setsockopt(fd, SOL_SOCKET, SO_PEEK_OFF, &offset,
			   sizeof(offset));
}

/* Does a peek for @len bytes bring those from @at of the stream, all or up to
 * its end? */
static bool peek_is(int fd, size_t at, size_t len)
{
	size_t left = strlen(STREAM) - at, want = MIN(len, left);
	char buf[sizeof(STREAM)];
	struct iovec iov = {buf, len};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
	ssize_t n = recvmsg(fd, &msg, MSG_PEEK | MSG_DONTWAIT);

	return n == (ssize_t)want && !memcmp(buf, &STREAM[at], want);
}

/* Are there no bytes after the offset? */
static bool peek_is_empty(int fd)
{
	char byte;

	return recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 &&
	       errno == EAGAIN;
}

static bool throw_away(int fd, size_t len)
{
	struct iovec iov = {NULL, len};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};

	return recvmsg(fd, &msg, MSG_TRUNC | MSG_DONTWAIT) == (ssize_t)len;
}

/* Sends the stream, which is one segment, and waits for it. */
static bool send_stream(const struct pair *pair)
{
	ssize_t n = send(pair->ours, STREAM, strlen(STREAM), MSG_NOSIGNAL);

	return n == (ssize_t)strlen(STREAM) && wait_readable(pair->theirs);
}

static bool try_peeks(const struct pair *pair)
{
	int fd = pair->theirs;

	return send_stream(pair) && set_offset(fd, 0) && peek_is(fd, 0, 4) &&
	       peek_is(fd, 4, 4) && throw_away(fd, 3) && peek_is(fd, 8, 2) &&
	       peek_is(fd, 10, 16) && peek_is_empty(fd) && set_offset(fd, 2) &&
	       peek_is(fd, 5, 3) && throw_away(fd, 13) && peek_is_empty(fd);
}

static bool try_version(bool v6)
{
	struct pair pair = {-1, -1, -1};
	bool works = connect_pair(&pair, v6) && try_peeks(&pair);

	close_fd(&pair.listener);
	close_fd(&pair.ours);
	close_fd(&pair.theirs);
	return works;
}

bool csm_peek_probe(bool v6)
{
	static bool tried[2], works[2];

	if (!tried[v6])
		works[v6] = try_version(v6);
	tried[v6] = true;
	return works[v6];
}

bool consomme_probe(void)
{
	bool works4 = csm_peek_probe(false);

	return csm_peek_probe(true) && works4;
}
