/* SPDX-License-Identifier: MIT */
/*
 * UDP of consomme over the kernel's own sockets, on the loopback: what the kernel
 * cuts, merges, and says when nobody is there. Names of the loopback's for the
 * guest are 10.0.2.100 and fd00::100.
 */
#include "support/csm_datagrams.h"
#include "support/run.h"

#include "base/util.h"

#include <check.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#define WAIT_MS (60 * 1000)

static uint8_t bytes[65536];

/* A script whose stack has the kernel for a host. */
struct rig {
	struct script s;
	struct csm_host *host;
};

static void begin(struct rig *r)
{
	script_prepare(&r->s, 0);
	r->s.config.aliases[0] = addr_of("10.0.2.100");
	r->s.config.aliases[1] = addr_of("fd00::100");
	r->s.config.n_aliases = 2;
	script_start(&r->s);
	csm_stack_destroy(r->s.stack);
	ck_assert_int_eq(csm_host_linux_create(&r->host), 0);
	ck_assert_int_eq(csm_stack_create(&r->s.config, r->host, &r->s.stack),
			 0);
}

static void end(struct rig *r)
{
	script_end(&r->s);
	csm_host_linux_destroy(r->host);
}

/* Waits for what the host has to say to the stack. */
static void run(struct rig *r)
{
	struct pollfd p = {.fd = r->host->event_fd, .events = POLLIN};

	ck_assert_int_eq(poll(&p, 1, WAIT_MS), 1);
	script_run(&r->s);
}

/* A socket that is bound to a free port of @addr (NULL: none). */
static int bound(const char *addr, uint16_t *port)
{
	struct csm_addr a = addr_of(addr);
	struct sockaddr_storage sa;
	socklen_t len = csm_addr_to_sockaddr(&a, 0, &sa);
	int fd = socket(sa.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	ck_assert_int_ge(fd, 0);
	if (bind(fd, (struct sockaddr *)&sa, len) < 0) {
		close(fd);
		return -1;
	}
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&sa, &len), 0);
	ck_assert_int_eq(csm_addr_from_sockaddr(&sa, &a, port), 0);
	return fd;
}

/* The next datagram at @fd is @len bytes at @data; who sent it. */
static struct sockaddr_storage expect_at(int fd, const void *data, size_t len)
{
	static uint8_t got[65536];
	struct sockaddr_storage from = {0};
	socklen_t from_len = sizeof(from);
	struct pollfd p = {.fd = fd, .events = POLLIN};
	ssize_t n;

	ck_assert_int_eq(poll(&p, 1, WAIT_MS), 1);
	n = recvfrom(fd, got, sizeof(got), 0, (struct sockaddr *)&from,
		     &from_len);
	ck_assert_int_eq(n, (ssize_t)len);
	ck_assert(len == 0 || memcmp(got, data, len) == 0);
	return from;
}

static const struct {
	const char *host, *alias;
} loopbacks[] = {
	{"127.0.0.1", "10.0.2.100"},
	{"::1", "fd00::100"},
};

START_TEST(there_and_back)
{
	struct sockaddr_storage from;
	struct rig r;
	struct talk t;
	uint16_t port;
	int fd = bound(loopbacks[_i].host, &port);

	if (fd < 0)
		return; /* there is no IPv6 here */
	begin(&r);
	t = talk_to(&r.s, loopbacks[_i].alias, port);
	talk_send(&r.s, &t, "hello", 5, 0);
	from = expect_at(fd, "hello", 5);
	talk_send(&r.s, &t, NULL, 0, 0);
	expect_at(fd, NULL, 0);
	ck_assert_int_eq(sendto(fd, "back", 4, 0, (struct sockaddr *)&from,
				sizeof(struct sockaddr_in6)),
			 4);
	run(&r);
	expect_datagram(&r.s, &t, "back", 4);
	ck_assert_int_eq(sendto(fd, "", 0, 0, (struct sockaddr *)&from,
				sizeof(struct sockaddr_in6)),
			 0);
	run(&r);
	expect_datagram(&r.s, &t, "", 0);
	close(fd);
	end(&r);
}
END_TEST

START_TEST(the_kernel_cuts)
{
	struct rig r;
	struct talk t;
	uint16_t port;
	int fd = bound(loopbacks[_i].host, &port);

	if (fd < 0)
		return;
	begin(&r);
	t = talk_to(&r.s, loopbacks[_i].alias, port);
	r.s.split = 4096;
	talk_send_n(&r.s, &t, 60000, 1400);
	for (size_t at = 0; at < 60000; at += 1400)
		expect_at(fd, bytes + at, MIN(1400, 60000 - at));
	/* More than it takes at once. */
	talk_send_n(&r.s, &t, 100 * 150, 150);
	for (size_t at = 0; at < 15000; at += 150)
		expect_at(fd, bytes + at, 150);
	close(fd);
	end(&r);
}
END_TEST

/* Sends @len bytes in datagrams of @size at once. */
static void send_segments(int fd, const struct sockaddr_storage *to, size_t len,
			  uint16_t size)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(uint16_t))];
	} control = {0};
	struct iovec iov = {bytes, len};
	struct msghdr msg = {
		.msg_name = (void *)(uintptr_t)to,
		.msg_namelen = to->ss_family == AF_INET
				       ? sizeof(struct sockaddr_in)
				       : sizeof(struct sockaddr_in6),
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

	c->cmsg_level = IPPROTO_UDP;
	c->cmsg_type = UDP_SEGMENT;
	c->cmsg_len = CMSG_LEN(sizeof(size));
	memcpy(CMSG_DATA(c), &size, sizeof(size));
	ck_assert_int_eq(sendmsg(fd, &msg, 0), (ssize_t)len);
}

START_TEST(the_kernel_merges)
{
	struct sockaddr_storage from;
	size_t total = 0;
	struct rig r;
	struct talk t;
	struct got g;
	uint16_t port;
	int fd = bound(loopbacks[_i].host, &port);

	if (fd < 0)
		return;
	begin(&r);
	t = talk_to(&r.s, loopbacks[_i].alias, port);
	talk_send(&r.s, &t, "hello", 5, 0);
	from = expect_at(fd, "hello", 5);
	/* What comes before merging is asked for comes one by one. */
	send_segments(fd, &from, 2 * 1200, 1200);
	run(&r);
	for (size_t i = 0; i < 2; i++)
		expect_datagram(&r.s, &t, bytes + 1200 * i, 1200);
	send_segments(fd, &from, 50000, 1200);
	run(&r);
	ck_assert(take_packet(&r.s, &g));
	ck_assert_uint_eq(g.gso_size, 1200);
	ck_assert_int_eq(g.frame->meta.offload.gso, NET_GSO_UDP);
	total = g.l4_len - 8;
	ck_assert(memcmp(g.l4 + 8, bytes, total) == 0);
	ck_assert_uint_eq(total, 50000);
	got_free(&g);
	expect_quiet(&r.s);
	close(fd);
	end(&r);
}
END_TEST

START_TEST(nobody_listens)
{
	struct rig r;
	struct talk t;
	uint16_t port;
	int fd = bound(loopbacks[_i].host, &port);

	if (fd < 0)
		return;
	close(fd);
	begin(&r);
	t = talk_to(&r.s, loopbacks[_i].alias, port);
	for (int i = 0; i < 3; i++) {
		talk_send(&r.s, &t, "hello", 5, 0);
		/* The loopback answers at once: before the stack looks, or
		 * when it does. */
		if (!r.s.n_frames)
			run(&r);
		expect_icmp(&r.s, &t, loopbacks[_i].alias, _i ? 1 : 3,
			    _i ? 4 : 3);
		expect_quiet(&r.s);
	}
	end(&r);
}
END_TEST

/* A forward that is bound to every address: who asks one gets the answer from
 * that one. */
START_TEST(forwards)
{
	static const struct {
		const char *any, *host, *seen;
	} rows[] = {
		{"0.0.0.0", "127.0.0.1", "10.0.2.2"},
		{"0.0.0.0", "127.0.0.77", "10.0.2.2"},
		{"127.0.0.1", "127.0.0.1", "10.0.2.2"},
		{"::", "::1", "fd00::2"},
	};
	struct csm_addr to = addr_of(rows[_i].host), guest = csm_addr_any4;
	struct csm_udp_forward *forward;
	struct sockaddr_storage sa;
	uint16_t port, peer_port;
	struct rig r;
	struct talk t;
	socklen_t len;
	int peer, fd = bound(rows[_i].any, &port);

	if (fd < 0)
		return;
	begin(&r);
	t = talk_to(&r.s, "224.0.0.1", 9);
	talk_send(&r.s, &t, "", 0, 0);
	t = talk_to(&r.s, "ff02::1", 9);
	talk_send(&r.s, &t, "", 0, 0);
	if (!csm_addr_is4(&to))
		guest = csm_addr_any6;
	ck_assert_int_eq(
		csm_udp_forward_create(r.s.stack, fd, &guest, 7, &forward), 0);
	peer = bound(csm_addr_is4(&to) ? "127.0.0.1" : "::1", &peer_port);
	ck_assert_int_ge(peer, 0);
	len = csm_addr_to_sockaddr(&to, port, &sa);
	ck_assert_int_eq(connect(peer, (struct sockaddr *)&sa, len), 0);
	ck_assert_int_eq(send(peer, "hello", 5, 0), 5);
	run(&r);
	t = talk_to(&r.s, rows[_i].seen, peer_port);
	t.guest_port = 7;
	expect_datagram(&r.s, &t, "hello", 5);
	talk_send(&r.s, &t, "back", 4, 0);
	expect_at(peer, "back", 4);
	talk_send_n(&r.s, &t, 5000, 1000);
	for (size_t at = 0; at < 5000; at += 1000)
		expect_at(peer, bytes + at, 1000);
	/* It has gone. */
	close(peer);
	talk_send(&r.s, &t, "back", 4, 0);
	if (!r.s.n_frames)
		run(&r);
	expect_icmp(&r.s, &t, rows[_i].seen, csm_addr_is4(&to) ? 3 : 1,
		    csm_addr_is4(&to) ? 3 : 4);
	csm_udp_forward_destroy(forward);
	end(&r);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("csm_udp_host");
	TCase *tc = tcase_create("udp_host");

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = talk_byte(i);
	tcase_set_timeout(tc, 2 * WAIT_MS / 1000);
	tcase_add_loop_test(tc, there_and_back, 0, 2);
	tcase_add_loop_test(tc, the_kernel_cuts, 0, 2);
	tcase_add_loop_test(tc, the_kernel_merges, 0, 2);
	tcase_add_loop_test(tc, nobody_listens, 0, 2);
	tcase_add_loop_test(tc, forwards, 0, 4);
	suite_add_tcase(suite, tc);
	return test_run(suite);
}
