/* SPDX-License-Identifier: MIT */
/*
 * The real host over the loopback, and the probe of SO_PEEK_OFF.
 */
#include "backends/consomme/host.h"
#include "backends/consomme/stack.h"
#include "support/run.h"

#include <check.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#define WAIT_MS 60000

/* setsockopt() that accepts SO_PEEK_OFF and does nothing. */
int __real_setsockopt(int fd, int level, int name, const void *value,
		      socklen_t len);
int __wrap_setsockopt(int fd, int level, int name, const void *value,
		      socklen_t len);
static bool lies;
static int lie_value; /* which offset: -2: each */

int __wrap_setsockopt(int fd, int level, int name, const void *value,
		      socklen_t len)
{
	int v = -1;

	if (level == SOL_SOCKET && name == SO_PEEK_OFF)
		memcpy(&v, value, sizeof(v));
	if (lies && v >= 0 && (lie_value == -2 || lie_value == v))
		return 0;
	return __real_setsockopt(fd, level, name, value, len);
}

static struct csm_host *host;

static void setup(void)
{
	ck_assert_int_eq(csm_host_linux_create(&host), 0);
	ck_assert_int_ge(host->event_fd, 0);
}

static void teardown(void)
{
	csm_host_linux_destroy(host);
	csm_host_linux_destroy(NULL);
}

static struct csm_addr loopback(bool v6)
{
	struct csm_addr addr;

	ck_assert_int_eq(csm_addr_parse(v6 ? "::1" : "127.0.0.1", &addr), 0);
	return addr;
}

/* A socket that is bound, and listens; its port. -1: no such version here. */
static int bound(int type, bool v6, uint16_t *port)
{
	struct csm_addr addr = loopback(v6);
	struct sockaddr_storage sa;
	socklen_t len = csm_addr_to_sockaddr(&addr, 0, &sa);
	int fd = socket(sa.ss_family, type | SOCK_NONBLOCK, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&sa, len) < 0)
		return -1;
	if (type == SOCK_STREAM)
		ck_assert_int_eq(listen(fd, 8), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&sa, &len), 0);
	ck_assert_int_eq(csm_addr_from_sockaddr(&sa, &addr, port), 0);
	return fd;
}

/* The next event. */
static uint32_t event(void *arg)
{
	struct pollfd p = {.fd = host->event_fd, .events = POLLIN};
	struct epoll_event ev;

	ck_assert_int_eq(poll(&p, 1, WAIT_MS), 1);
	ck_assert_int_eq(csm_host_wait(host, &ev, 1), 1);
	ck_assert_ptr_eq(ev.data.ptr, arg);
	return ev.events;
}

static ssize_t receive(int fd, void *buf, size_t len, int flags)
{
	struct iovec iov = {buf, len};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};

	return csm_host_recv(host, fd, &msg, flags);
}

static ssize_t transmit(int fd, const void *buf, size_t len)
{
	struct iovec iov = {(void *)(uintptr_t)buf, len};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};

	return csm_host_send(host, fd, &msg, 0);
}

START_TEST(a_connection)
{
	bool v6 = _i;
	struct csm_addr addr = loopback(v6), peer;
	uint16_t port, peer_port;
	struct epoll_event ev;
	int listener = bound(SOCK_STREAM, v6, &port), fd, conn, err;
	char buf[16];

	if (listener < 0)
		return; /* no IPv6 */
	ck_assert_int_eq(csm_host_accept(host, listener, &peer, &peer_port),
			 -EAGAIN);
	fd = csm_host_socket(host, CSM_SOCKET_TCP, v6);
	ck_assert_int_ge(fd, 0);
	err = csm_host_connect(host, fd, &addr, port);
	ck_assert(err == 0 || err == -EINPROGRESS);
	ck_assert_int_eq(csm_host_watch(host, fd, EPOLLOUT | EPOLLET, &fd), 0);
	ck_assert_uint_eq(event(&fd), EPOLLOUT);
	conn = csm_host_accept(host, listener, &peer, &peer_port);
	ck_assert_int_ge(conn, 0);
	ck_assert(csm_addr_equal(&peer, &addr));
	ck_assert_uint_ne(peer_port, 0);
	ck_assert_int_eq(receive(conn, buf, 1, 0), -EAGAIN);
	ck_assert_int_eq(transmit(fd, "hello", 5), 5);
	ck_assert_int_eq(csm_host_watch(host, conn,
					EPOLLIN | EPOLLRDHUP | EPOLLET, &conn),
			 0);
	ck_assert_uint_eq(event(&conn), EPOLLIN);
	/* An edge is told once. */
	ck_assert_int_eq(csm_host_wait(host, &ev, 1), 0);
	ck_assert_int_eq(receive(conn, buf, 2, MSG_PEEK), 2);
	ck_assert_int_eq(receive(conn, NULL, 3, MSG_TRUNC), 3);
	ck_assert_int_eq(receive(conn, buf, sizeof(buf), 0), 2);
	ck_assert_mem_eq(buf, "lo", 2);
	ck_assert_int_eq(csm_host_shutdown(host, fd, SHUT_WR), 0);
	ck_assert(event(&conn) & EPOLLRDHUP);
	ck_assert_int_eq(receive(conn, buf, 1, 0), 0);
	ck_assert_int_eq(transmit(fd, "x", 1), -EPIPE); /* and no signal */
	csm_host_close(host, fd);
	csm_host_close(host, conn);
	close(listener);
}
END_TEST

START_TEST(nobody_there)
{
	struct csm_addr addr = loopback(false);
	socklen_t len = sizeof(int);
	uint16_t port;
	int gone = bound(SOCK_DGRAM, false, &port), fd, err = 0;

	fd = csm_host_socket(host, CSM_SOCKET_UDP, false);
	ck_assert_int_eq(csm_host_connect(host, fd, &addr, port), 0);
	ck_assert_int_eq(csm_host_watch(host, fd, EPOLLET, &addr), 0);
	ck_assert_int_eq(csm_host_rewatch(host, fd, EPOLLIN | EPOLLET, &fd), 0);
	close(gone);
	ck_assert_int_eq(transmit(fd, "x", 1), 1);
	ck_assert(event(&fd) & EPOLLERR);
	ck_assert_int_eq(
		csm_host_get(host, fd, SOL_SOCKET, SO_ERROR, &err, &len), 0);
	ck_assert_int_eq(err, ECONNREFUSED);
	csm_host_close(host, fd);
}
END_TEST

START_TEST(errors_are_negative)
{
	struct csm_addr addr = loopback(false);
	uint16_t port;
	int v = 1;
	socklen_t len = sizeof(v);

	ck_assert_int_eq(csm_host_connect(host, -1, &addr, 1), -EBADF);
	ck_assert_int_eq(csm_host_accept(host, -1, &addr, &port), -EBADF);
	ck_assert_int_eq(receive(-1, &v, 1, 0), -EBADF);
	ck_assert_int_eq(transmit(-1, &v, 1), -EBADF);
	ck_assert_int_eq(csm_host_shutdown(host, -1, SHUT_WR), -EBADF);
	ck_assert_int_eq(csm_host_set(host, -1, SOL_SOCKET, SO_ERROR, &v, len),
			 -EBADF);
	ck_assert_int_eq(csm_host_get(host, -1, SOL_SOCKET, SO_ERROR, &v, &len),
			 -EBADF);
	ck_assert_int_eq(csm_host_watch(host, -1, EPOLLIN, &v), -EBADF);
}
END_TEST

START_TEST(clock_and_randomness)
{
	uint8_t a[21] = {0}, b[21] = {0}, zero[5] = {0};
	struct csm_host *other;
	uint64_t before = csm_host_now(host);

	ck_assert_int_eq(csm_host_linux_create(&other), 0);
	csm_host_random(host, a, sizeof(a) - sizeof(zero));
	csm_host_random(other, b, sizeof(b) - sizeof(zero));
	ck_assert_mem_eq(a + 16, zero, sizeof(zero));
	ck_assert_mem_ne(a, b, 16); /* two hosts */
	csm_host_random(host, b, 16);
	ck_assert_mem_ne(a, b, 16); /* two draws */
	ck_assert_uint_le(before, csm_host_now(host));
	csm_host_linux_destroy(other);
}
END_TEST

/* What is found out is kept: one probe for each process. */
START_TEST(peeking_that_does_nothing_is_found_out)
{
	static const int values[] = {
		-2, /* offsets stay off */
		2,  /* it can be set, but not set back */
	};

	lies = true;
	lie_value = values[_i / 2];
	ck_assert(!csm_peek_probe(_i % 2));
}
END_TEST

START_TEST(peeking_works_where_it_does)
{
	unsigned int major = 0, minor = 0;
	struct utsname uts;

	ck_assert_int_eq(uname(&uts), 0);
	if (sscanf(uts.release, "%u.%u", &major, &minor) != 2)
		return;
	/* In between it may be there for one version. */
	if (major > 6 || (major == 6 && minor >= 12))
		ck_assert(csm_peek_probe(_i));
	if (major < 6 || (major == 6 && minor < 6))
		ck_assert(!csm_peek_probe(_i));
}
END_TEST

START_TEST(a_probe_leaves_no_descriptor)
{
	int first = dup(0);

	close(first);
	(void)csm_peek_probe(false);
	(void)csm_peek_probe(true);
	ck_assert_int_eq(dup(0), first);
	close(first);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("csm_host");
	TCase *tc = tcase_create("csm_host");

	tcase_set_timeout(tc, 120);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, a_connection, 0, 2);
	tcase_add_test(tc, nobody_there);
	tcase_add_test(tc, errors_are_negative);
	tcase_add_test(tc, clock_and_randomness);
	tcase_add_loop_test(tc, peeking_that_does_nothing_is_found_out, 0, 4);
	tcase_add_loop_test(tc, peeking_works_where_it_does, 0, 2);
	tcase_add_test(tc, a_probe_leaves_no_descriptor);
	suite_add_tcase(suite, tc);
	return test_run(suite);
}
