/* SPDX-License-Identifier: MIT */
/*
 * The real host: system calls as they are, one epoll descriptor for all sockets.
 *
 * Randomness is taken from the kernel once, at creation, and stretched by a
 * keyed hash of a counter: the threads that run a stack need not be able to ask
 * for more. It names things (sequence numbers, identifiers, hash keys); it is no
 * key material.
 */
#include "backends/consomme/flow.h"
#include "backends/consomme/host.h"
#include "backends/consomme/timer.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

struct host_linux {
	struct csm_host base;
	uint64_t key[2];
	uint64_t drawn;
};

static struct host_linux *self(struct csm_host *host)
{
	return container_of(host, struct host_linux, base);
}

static int result(int r)
{
	return r < 0 ? -errno : r;
}

static uint64_t op_now(struct csm_host *host)
{
	struct timespec ts;

	UNUSED(host);
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * CSM_SEC + (uint64_t)ts.tv_nsec;
}

static void op_random(struct csm_host *host, void *buf, size_t len)
{
	struct host_linux *h = self(host);
	uint8_t *at = buf;

	while (len) {
		uint64_t word =
			csm_siphash(h->key, &h->drawn, sizeof(h->drawn));
		size_t n = MIN(len, sizeof(word));

		h->drawn++;
		memcpy(at, &word, n);
		at += n;
		len -= n;
	}
}

static int op_socket(struct csm_host *host, enum csm_socket kind, bool v6)
{
	int type = kind == CSM_SOCKET_TCP ? SOCK_STREAM : SOCK_DGRAM;
	int protocol = 0;

	UNUSED(host);
	if (kind == CSM_SOCKET_PING)
		protocol = v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP;
	return result(socket(v6 ? AF_INET6 : AF_INET,
			     type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol));
}

static int op_connect(struct csm_host *host, int fd,
		      const struct csm_addr *addr, uint16_t port)
{
	struct sockaddr_storage sa;
	socklen_t len = csm_addr_to_sockaddr(addr, port, &sa);

	UNUSED(host);
	return result(connect(fd, (struct sockaddr *)&sa, len));
}

static int op_accept(struct csm_host *host, int fd, struct csm_addr *addr,
		     uint16_t *port)
{
	struct sockaddr_storage sa;
	socklen_t len = sizeof(sa);
	int conn, err;

	UNUSED(host);
	conn = accept4(fd, (struct sockaddr *)&sa, &len,
		       SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (conn < 0)
		return -errno;
	err = csm_addr_from_sockaddr(&sa, addr, port);
	if (err < 0) {
		close(conn);
		return err;
	}
	return conn;
}

static ssize_t op_send(struct csm_host *host, int fd, const struct msghdr *msg,
		       int flags)
{
	ssize_t n = sendmsg(fd, msg, flags | MSG_DONTWAIT | MSG_NOSIGNAL);

	UNUSED(host);
	return n < 0 ? -errno : n;
}

static ssize_t op_recv(struct csm_host *host, int fd, struct msghdr *msg,
		       int flags)
{
	ssize_t n = recvmsg(fd, msg, flags | MSG_DONTWAIT);

	UNUSED(host);
	return n < 0 ? -errno : n;
}

static int op_shutdown(struct csm_host *host, int fd, int how)
{
	UNUSED(host);
	return result(shutdown(fd, how));
}

static int op_set(struct csm_host *host, int fd, int level, int name,
		  const void *value, socklen_t len)
{
	UNUSED(host);
	return result(setsockopt(fd, level, name, value, len));
}

static int op_get(struct csm_host *host, int fd, int level, int name,
		  void *value, socklen_t *len)
{
	UNUSED(host);
	return result(getsockopt(fd, level, name, value, len));
}

static void op_close(struct csm_host *host, int fd)
{
	UNUSED(host);
	close(fd);
}

static int op_watch(struct csm_host *host, int fd, uint32_t events, void *arg,
		    bool anew)
{
	struct epoll_event event = {.events = events, .data.ptr = arg};

	return result(epoll_ctl(host->event_fd,
				anew ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, fd,
				&event));
}

static int op_wait(struct csm_host *host, struct epoll_event *events, int max)
{
	int n = epoll_wait(host->event_fd, events, max, 0);

	return MAX(n, 0);
}

static const struct csm_host_ops ops = {
	.now = op_now,
	.random = op_random,
	.socket = op_socket,
	.connect = op_connect,
	.accept = op_accept,
	.send = op_send,
	.recv = op_recv,
	.shutdown = op_shutdown,
	.set = op_set,
	.get = op_get,
	.close = op_close,
	.watch = op_watch,
	.wait = op_wait,
};

int csm_host_linux_create(struct csm_host **out)
{
	struct host_linux *h = calloc(1, sizeof(*h));
	int err;

	if (!h)
		return -ENOMEM;
	h->base.ops = &ops;
	h->base.event_fd = epoll_create1(EPOLL_CLOEXEC);
	if (h->base.event_fd < 0 ||
	    getrandom(h->key, sizeof(h->key), 0) != sizeof(h->key)) {
		err = -errno;
		csm_host_linux_destroy(&h->base);
		return err;
	}
	*out = &h->base;
	return 0;
}

void csm_host_linux_destroy(struct csm_host *host)
{
	if (!host)
		return;
	close_fd(&host->event_fd);
	free(self(host));
}
