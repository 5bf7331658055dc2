/* SPDX-License-Identifier: MIT */
/*
 * UDP of consomme: flows, their sockets and time-outs, large frames both ways,
 * errors back to the guest.
 */
#include "support/csm_datagrams.h"
#include "support/run.h"

#include "backends/consomme/flow.h"

#include <check.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <string.h>

#define FAR  "192.0.2.7"
#define FAR6 "2001:db8::7"

static uint8_t bytes[65536];

static void fill(void)
{
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = talk_byte(i);
}

static uint32_t flows(const struct script *s)
{
	return s->stack->flows.kinds[CSM_FLOW_UDP].n;
}

/* One flow, whose socket is given back. */
static struct fake_sock *open_flow(struct script *s, const struct talk *t)
{
	struct fake_sock *sock;

	talk_send(s, t, "hello", 5, 0);
	sock = fake_host_last(&s->host);
	ck_assert_ptr_nonnull(sock);
	ck_assert(csm_addr_equal(&sock->peer, &t->far));
	ck_assert_uint_eq(sock->port, t->far_port);
	ck_assert_uint_eq(expect_sent(sock, "hello", 5), 0);
	expect_quiet(s);
	return sock;
}

/* ---- Both ways ---- */

static const char *const fars[] = {FAR, FAR6};

START_TEST(there_and_back)
{
	struct script s;
	struct talk t;
	struct fake_sock *sock;

	script_begin(&s, 0);
	t = talk_to(&s, fars[_i], 7);
	sock = open_flow(&s, &t);
	fake_sock_datagram(sock, &t.far, 7, "back", 4, 0);
	script_run(&s);
	expect_datagram(&s, &t, "back", 4);
	/* The same flow, the other way without bytes. */
	talk_send(&s, &t, NULL, 0, 0);
	expect_sent(sock, "", 0);
	fake_sock_datagram(sock, &t.far, 7, "", 0, 0);
	script_run(&s);
	expect_datagram(&s, &t, "", 0);
	ck_assert_uint_eq(flows(&s), 1);
	ck_assert_uint_eq(s.host.n_socks, 1);
	script_end(&s);
}
END_TEST

START_TEST(each_pair_of_ports_is_a_flow)
{
	struct script s;
	struct talk a, b, c;
	struct fake_sock *socks[3];

	script_begin(&s, 0);
	a = talk_to(&s, FAR, 7);
	b = talk_to(&s, FAR, 8);
	c = a;
	c.guest_port++;
	socks[0] = open_flow(&s, &a);
	socks[1] = open_flow(&s, &b);
	socks[2] = open_flow(&s, &c);
	ck_assert_uint_eq(flows(&s), 3);
	for (int i = 3; i-- > 0;)
		fake_sock_datagram(socks[i], &a.far, socks[i]->port, &i, 1, 0);
	script_run(&s);
	expect_datagram(&s, &c, "\2", 1);
	expect_datagram(&s, &b, "\1", 1);
	expect_datagram(&s, &a, "\0", 1);
	script_end(&s);
}
END_TEST

/* A burst comes in turns, and all of it. */
START_TEST(nothing_stays_behind)
{
	struct script s;
	struct talk t;
	struct fake_sock *sock;

	script_begin(&s, 0);
	t = talk_to(&s, FAR, 7);
	sock = open_flow(&s, &t);
	for (int i = 0; i < 300; i++)
		fake_sock_datagram(sock, &t.far, 7, bytes + i, 100, 0);
	script_run(&s);
	for (int i = 0; i < 300; i++)
		expect_datagram(&s, &t, bytes + i, 100);
	expect_quiet(&s);
	script_end(&s);
}
END_TEST

/* ---- Large frames ---- */

START_TEST(a_large_frame_is_one_send)
{
	struct script s;
	struct talk t;
	struct fake_sock *sock;

	script_begin(&s, 0);
	t = talk_to(&s, fars[_i], 7);
	sock = open_flow(&s, &t);
	talk_send_n(&s, &t, 20000, 1400);
	ck_assert_uint_eq(expect_sent(sock, bytes, 20000), 1400);
	/* What is in many pieces is sent from there. */
	s.split = 700;
	talk_send_n(&s, &t, 20000, 1400);
	ck_assert_uint_eq(expect_sent(sock, bytes, 20000), 1400);
	/* One that is one datagram asks for nothing. */
	talk_send_n(&s, &t, 1400, 1400);
	ck_assert_uint_eq(expect_sent(sock, bytes, 1400), 0);
	ck_assert_ptr_null(fake_sock_take_datagram(sock));
	script_end(&s);
}
END_TEST

/* The kernel takes 64 datagrams at once. */
START_TEST(more_datagrams_than_the_kernel_takes)
{
	struct script s;
	struct talk t;
	struct fake_sock *sock;

	script_begin(&s, 0);
	t = talk_to(&s, FAR, 7);
	sock = open_flow(&s, &t);
	talk_send_n(&s, &t, 100 * 65, 100);
	ck_assert_uint_eq(expect_sent(sock, bytes, 6400), 100);
	ck_assert_uint_eq(expect_sent(sock, bytes + 6400, 100), 0);
	/* A frame of crumbs is dropped. */
	talk_send_n(&s, &t, 2000, 1);
	ck_assert_ptr_null(fake_sock_take_datagram(sock));
	ck_assert_uint_eq(s.stack->count.udp_dropped, 1);
	script_end(&s);
}
END_TEST

static const int cannot_cut[] = {EINVAL, EIO, EMSGSIZE};

START_TEST(without_segments_they_go_one_by_one)
{
	struct script s;
	struct talk t;
	struct fake_sock *sock;

	script_begin(&s, 0);
	t = talk_to(&s, FAR, 7);
	sock = open_flow(&s, &t);
	s.host.fail[FAKE_SEND].err = cannot_cut[_i];
	/* What may be about an earlier datagram is tried again. */
	s.host.fail[FAKE_SEND].times = cannot_cut[_i] == EMSGSIZE ? 2 : 1;
	for (int round = 0; round < 2; round++) {
		talk_send_n(&s, &t, 2500, 1000);
		for (size_t at = 0; at < 2500; at += 1000)
			ck_assert_uint_eq(expect_sent(sock, bytes + at,
						      MIN(1000, 2500 - at)),
					  0);
		ck_assert_ptr_null(fake_sock_take_datagram(sock));
	}
	expect_quiet(&s);
	script_end(&s);
}
END_TEST

START_TEST(merged_datagrams_stay_merged)
{
	struct script s;
	struct talk t;
	struct fake_sock *sock;
	struct got g;

	script_begin(&s, 0);
	t = talk_to(&s, fars[_i], 7);
	sock = open_flow(&s, &t);
	/* One answer is not worth a system call. */
	fake_sock_datagram(sock, &t.far, 7, bytes, 100, 0);
	script_run(&s);
	ck_assert_int_eq(fake_sock_option(sock, IPPROTO_UDP, UDP_GRO, 0), 0);
	fake_sock_datagram(sock, &t.far, 7, bytes, 100, 0);
	script_run(&s);
	script_forget(&s);
	ck_assert_int_eq(fake_sock_option(sock, IPPROTO_UDP, UDP_GRO, 0), 1);
	fake_sock_datagram(sock, &t.far, 7, bytes, 60000, 1400);
	fake_sock_datagram(sock, &t.far, 7, bytes, 1400, 1400);
	script_run(&s);
	ck_assert(take_packet(&s, &g));
	ck_assert_uint_eq(g.gso_size, 1400);
	ck_assert_int_eq(g.frame->meta.offload.gso, NET_GSO_UDP);
	ck_assert_uint_eq(g.l4_len, 60008);
	ck_assert(memcmp(g.l4 + 8, bytes, 60000) == 0);
	got_free(&g);
	ck_assert(take_packet(&s, &g));
	ck_assert_uint_eq(g.gso_size, 0);
	ck_assert_uint_eq(g.l4_len, 1408);
	got_free(&g);
	script_end(&s);
}
END_TEST

/* The guest has another driver, which takes none. */
START_TEST(another_driver)
{
	struct script s;
	struct talk t;
	struct fake_sock *sock;

	script_begin(&s, 0);
	t = talk_to(&s, FAR, 7);
	sock = open_flow(&s, &t);
	for (int i = 0; i < 3; i++)
		fake_sock_datagram(sock, &t.far, 7, bytes, 100, 0);
	script_run(&s);
	ck_assert_int_eq(fake_sock_option(sock, IPPROTO_UDP, UDP_GRO, 0), 1);
	script_forget(&s);
	s.out->offloads.uso = false;
	fake_sock_datagram(sock, &t.far, 7, bytes, 1200, 600);
	fake_sock_datagram(sock, &t.far, 7, bytes, 100, 0);
	script_run(&s);
	ck_assert_int_eq(fake_sock_option(sock, IPPROTO_UDP, UDP_GRO, 1), 0);
	expect_datagram(&s, &t, bytes, 100);
	expect_quiet(&s);
	ck_assert_uint_eq(s.stack->count.udp_dropped, 1);
	script_end(&s);
}
END_TEST

START_TEST(a_guest_that_takes_none_gets_none)
{
	struct script s;
	struct talk t;
	struct fake_sock *sock;

	script_begin(&s, SCRIPT_NO_GSO);
	t = talk_to(&s, FAR, 7);
	sock = open_flow(&s, &t);
	for (int i = 0; i < 3; i++)
		fake_sock_datagram(sock, &t.far, 7, bytes, 1472, 0);
	script_run(&s);
	for (int i = 0; i < 3; i++)
		expect_datagram(&s, &t, bytes, 1472);
	ck_assert_int_eq(fake_sock_option(sock, IPPROTO_UDP, UDP_GRO, 0), 0);
	script_end(&s);
}
END_TEST

/* Few buffers: what does not fit waits for more, and is not cut off. */
START_TEST(a_merged_one_waits_for_room)
{
	struct script s;
	struct talk t;
	struct fake_sock *sock;
	struct got g;
	size_t n = 0;

	script_begin(&s, 0);
	t = talk_to(&s, FAR, 7);
	sock = open_flow(&s, &t);
	s.hold = true;
	/* 512 buffers of 2 KiB: the fifteenth or so finds too few. */
	for (int i = 0; i < 20; i++)
		fake_sock_datagram(sock, &t.far, 7, bytes, 60000,
				   i > 1 ? 1400 : 0);
	csm_stack_events(s.stack);
	for (int i = 0; i < 100; i++) {
		struct net_rx_packet packets[64];

		s.out->packets = packets;
		s.out->max_packets = 64;
		s.out->n_packets = 0;
		csm_stack_output(s.stack, s.out);
		n += s.out->n_packets;
	}
	UNUSED(g);
	ck_assert_uint_gt(n, 10);
	ck_assert_uint_lt(n, 19);
	ck_assert(csm_stack_has_output(s.stack));
	ck_assert(s.out->no_room);
	ck_assert_uint_eq(s.stack->count.udp_dropped, 2);
	ck_assert(!list_is_empty(&sock->dgrams_in));
	script_end(&s);
}
END_TEST

START_TEST(too_long_for_the_guest)
{
	struct script s;
	struct talk t;
	struct fake_sock *sock;

	script_begin(&s, _i ? 0 : SCRIPT_NO_GSO);
	t = talk_to(&s, FAR, 7);
	sock = open_flow(&s, &t);
	fake_sock_datagram(sock, &t.far, 7, bytes, 10, 0);
	fake_sock_datagram(sock, &t.far, 7, bytes, 1473, 0);
	fake_sock_datagram(sock, &t.far, 7, bytes, 1472, 0);
	fake_sock_datagram(sock, &t.far, 7, bytes, 3000, 1500);
	fake_sock_datagram(sock, &t.far, 7, bytes, 11, 0);
	script_run(&s);
	expect_datagram(&s, &t, bytes, 10);
	expect_datagram(&s, &t, bytes, 1472);
	expect_datagram(&s, &t, bytes, 11);
	ck_assert_uint_eq(s.stack->count.udp_dropped, 2);
	script_end(&s);
}
END_TEST

/* A flood of what is dropped does not keep the stack: it goes on later. */
START_TEST(a_flood_of_nothing)
{
	struct net_rx_packet packets[64];
	struct script s;
	struct talk t;
	struct fake_sock *sock;
	uint64_t dropped;

	script_begin(&s, 0);
	t = talk_to(&s, FAR, 7);
	sock = open_flow(&s, &t);
	for (int i = 0; i < 2000; i++)
		fake_sock_datagram(sock, &t.far, 7, bytes, 1473, 0);
	fake_sock_datagram(sock, &t.far, 7, bytes, 1472, 0);
	csm_stack_events(s.stack);
	s.out->packets = packets;
	s.out->max_packets = 64;
	s.out->n_packets = 0;
	csm_stack_output(s.stack, s.out);
	dropped = s.stack->count.udp_dropped;
	ck_assert_uint_gt(dropped, 0);
	ck_assert_uint_lt(dropped, 1000);
	ck_assert(!s.out->no_room);
	ck_assert(csm_stack_has_output(s.stack));
	for (int i = 0; i < 2000 && csm_stack_has_output(s.stack); i++)
		script_run(&s);
	expect_datagram(&s, &t, bytes, 1472);
	ck_assert_uint_eq(s.stack->count.udp_dropped, 2000);
	script_end(&s);
}
END_TEST

/* ---- Where it may go ---- */

START_TEST(the_policy_decides)
{
	static const struct {
		const char *far, *from;
		uint8_t type, code;
	} rows[] = {
		{"203.0.113.1", "10.0.2.2", 3, 13},
		{"127.0.0.1", "10.0.2.2", 3, 1},
		{"10.0.2.77", "10.0.2.2", 3, 1},
		{"2001:db8:1::1", "fd00::2", 1, 1},
		{"::1", "fd00::2", 1, 3},
	};
	const struct consomme_rule deny[] = {
		{.deny = true},
		{.deny = true},
	};
	struct consomme_rule rules[2];
	struct script s;
	struct talk t;

	memcpy(rules, deny, sizeof(rules));
	ck_assert_int_eq(csm_prefix_parse("203.0.113.0/24", &rules[0].prefix),
			 0);
	ck_assert_int_eq(csm_prefix_parse("2001:db8:1::/48", &rules[1].prefix),
			 0);
	script_prepare(&s, 0);
	s.config.rules = rules;
	s.config.n_rules = 2;
	script_start(&s);
	t = talk_to(&s, rows[_i].far, 7);
	talk_send(&s, &t, "hello", 5, 0);
	expect_icmp(&s, &t, rows[_i].from, rows[_i].type, rows[_i].code);
	ck_assert_uint_eq(s.host.n_socks, 0);
	ck_assert_uint_eq(s.stack->count.refused, 1);
	script_end(&s);
}
END_TEST

START_TEST(an_alias_is_the_hosts_loopback)
{
	struct script s;
	struct talk t;
	struct fake_sock *sock;
	struct csm_addr lo = addr_of("127.0.0.1");

	script_prepare(&s, 0);
	s.config.aliases[0] = addr_of("10.0.2.100");
	s.config.n_aliases = 1;
	script_start(&s);
	t = talk_to(&s, "10.0.2.100", 7);
	talk_send(&s, &t, "hello", 5, 0);
	sock = fake_host_last(&s.host);
	ck_assert(csm_addr_equal(&sock->peer, &lo));
	fake_sock_datagram(sock, &lo, 7, "back", 4, 0);
	script_run(&s);
	expect_datagram(&s, &t, "back", 4);
	/* A refusal is the alias's. */
	fake_sock_icmp(sock, ECONNREFUSED, 3, 3, 0, &lo, "hello", 5);
	script_run(&s);
	expect_icmp(&s, &t, "10.0.2.100", 3, 3);
	script_end(&s);
}
END_TEST

START_TEST(to_the_gateway_itself)
{
	struct script s;
	struct talk t;

	script_begin(&s, 0);
	t = talk_to(&s, "10.0.2.2", 7);
	talk_send(&s, &t, "hello", 5, 0);
	expect_icmp(&s, &t, "10.0.2.2", 3, 3);
	t = talk_to(&s, "fd00::3", 7);
	talk_send(&s, &t, "hello", 5, 0);
	expect_icmp(&s, &t, "fd00::3", 1, 4);
	ck_assert_uint_eq(s.host.n_socks, 0);
	script_end(&s);
}
END_TEST

START_TEST(to_everybody)
{
	static const char *const groups[] = {"255.255.255.255", "10.0.2.255",
					     "224.0.0.251", "ff02::fb"};
	struct script s;
	struct talk t;

	script_begin(&s, 0);
	t = talk_to(&s, groups[_i], 5353);
	talk_send(&s, &t, "hello", 5, 0);
	expect_quiet(&s);
	ck_assert_uint_eq(s.host.n_socks, 0);
	ck_assert_uint_eq(s.stack->count.udp_dropped, 1);
	script_end(&s);
}
END_TEST

START_TEST(ports_that_are_none)
{
	struct script s;
	struct talk t;

	script_begin(&s, 0);
	t = talk_to(&s, FAR, 0);
	talk_send(&s, &t, "hello", 5, 0);
	t = talk_to(&s, FAR, 7);
	t.guest_port = 0;
	talk_send(&s, &t, "hello", 5, 0);
	ck_assert_uint_eq(s.host.n_socks, 0);
	ck_assert_uint_eq(s.stack->count.udp_dropped, 2);
	script_end(&s);
}
END_TEST

/* ---- Errors ---- */

START_TEST(icmp_comes_through)
{
	static const struct {
		int err;
		uint8_t type, code;
		uint32_t info;
		const char *by;
		const char *from;
		uint8_t out_type, out_code;
	} rows[] = {
		{ECONNREFUSED, 3, 3, 0, FAR, FAR, 3, 3},
		{EHOSTUNREACH, 3, 1, 0, "198.51.100.1", "198.51.100.1", 3, 1},
		{ENETUNREACH, 3, 0, 0, "198.51.100.1", "198.51.100.1", 3, 0},
		{EHOSTUNREACH, 3, 13, 0, "198.51.100.1", "198.51.100.1", 3, 13},
		{EMSGSIZE, 3, 4, 1280, "198.51.100.1", "198.51.100.1", 3, 4},
		{EHOSTUNREACH, 3, 1, 0, "127.0.0.1", "10.0.2.2", 3, 1},
	};
	struct script s;
	struct talk t;
	struct fake_sock *sock;
	struct csm_addr by = addr_of(rows[_i].by);
	uint32_t rest;

	script_begin(&s, 0);
	t = talk_to(&s, FAR, 7);
	sock = open_flow(&s, &t);
	ck_assert_int_eq(fake_sock_option(sock, IPPROTO_IP, IP_RECVERR, 0), 1);
	fake_sock_icmp(sock, rows[_i].err, rows[_i].type, rows[_i].code,
		       rows[_i].info, &by, "hello", 5);
	script_run(&s);
	rest = expect_icmp(&s, &t, rows[_i].from, rows[_i].out_type,
			   rows[_i].out_code);
	ck_assert_uint_eq(rest, rows[_i].info);
	/* The flow goes on, also if the error is still at the socket. */
	sock->error = rows[_i].err;
	talk_send(&s, &t, "again", 5, 0);
	expect_sent(sock, "again", 5);
	expect_quiet(&s);
	/* So does what comes behind it. */
	sock->error = rows[_i].err;
	fake_sock_datagram(sock, &t.far, 7, "back", 4, 0);
	script_run(&s);
	expect_datagram(&s, &t, "back", 4);
	script_end(&s);
}
END_TEST

START_TEST(icmp6_comes_through)
{
	struct script s;
	struct talk t;
	struct fake_sock *sock;
	struct csm_addr router = addr_of("2001:db8:9::1");

	script_begin(&s, 0);
	t = talk_to(&s, FAR6, 7);
	sock = open_flow(&s, &t);
	ck_assert_int_eq(fake_sock_option(sock, IPPROTO_IPV6, IPV6_RECVERR, 0),
			 1);
	fake_sock_icmp(sock, ECONNREFUSED, 1, 4, 0, &t.far, "hello", 5);
	script_run(&s);
	expect_icmp(&s, &t, FAR6, 1, 4);
	fake_sock_icmp(sock, EMSGSIZE, 2, 0, 1300, &router, "hello", 5);
	script_run(&s);
	ck_assert_uint_eq(expect_icmp(&s, &t, "2001:db8:9::1", 2, 0), 1300);
	script_end(&s);
}
END_TEST

START_TEST(what_cannot_be_sent)
{
	static const struct {
		int err;
		int code; /* -1: nothing is told */
	} rows[] = {
		{EPERM, 13},  {ENETUNREACH, 0}, {EHOSTUNREACH, 1},
		{EAGAIN, -1}, {ENOBUFS, -1},
	};
	struct script s;
	struct talk t;

	script_begin(&s, 0);
	t = talk_to(&s, FAR, 7);
	open_flow(&s, &t);
	s.host.fail[FAKE_SEND].err = rows[_i].err;
	s.host.fail[FAKE_SEND].times = 2;
	talk_send(&s, &t, "lost", 4, 0);
	if (rows[_i].code >= 0)
		expect_icmp(&s, &t, "10.0.2.2", 3, (uint8_t)rows[_i].code);
	expect_quiet(&s);
	ck_assert_uint_eq(s.stack->count.udp_dropped, 1);
	script_end(&s);
}
END_TEST

/* The host has moved: its old address is no good any more. */
START_TEST(another_network)
{
	static const int errors[] = {EINVAL, ENETUNREACH};
	struct script s;
	struct talk t;
	struct fake_sock *first;

	script_begin(&s, 0);
	t = talk_to(&s, FAR, 7);
	first = open_flow(&s, &t);
	s.host.fail[FAKE_SEND].err = errors[_i];
	s.host.fail[FAKE_SEND].times = 2;
	talk_send_n(&s, &t, _i ? 100 : 3000, _i ? 0 : 1000);
	ck_assert_int_eq(first->fd, -1);
	script_forget(&s);
	open_flow(&s, &t);
	ck_assert_uint_eq(flows(&s), 1);
	script_end(&s);
}
END_TEST

START_TEST(a_socket_that_cannot_be_had)
{
	static const struct {
		enum fake_op op;
		int err;
		int code;
	} rows[] = {
		{FAKE_SOCKET, EMFILE, -1},  {FAKE_CONNECT, ENETUNREACH, 0},
		{FAKE_CONNECT, EACCES, 13}, {FAKE_WATCH, ENOMEM, -1},
		{FAKE_SET, ENOMEM, -1},
	};
	struct script s;
	struct talk t;

	script_begin(&s, 0);
	t = talk_to(&s, FAR, 7);
	s.host.fail[rows[_i].op].err = rows[_i].err;
	s.host.fail[rows[_i].op].times = 1;
	talk_send(&s, &t, "lost", 4, 0);
	if (rows[_i].code >= 0)
		expect_icmp(&s, &t, "10.0.2.2", 3, (uint8_t)rows[_i].code);
	expect_quiet(&s);
	ck_assert_uint_eq(s.stack->count.out_of_fds, _i == 0);
	ck_assert_uint_eq(flows(&s), 0);
	ck_assert_uint_eq(s.host.n_open, 0);
	/* The next finds a world that is all right. */
	open_flow(&s, &t);
	script_end(&s);
}
END_TEST

/* ---- Time ---- */

START_TEST(one_way_half_a_minute)
{
	struct script s;
	struct talk t;
	struct fake_sock *sock;

	script_begin(&s, 0);
	t = talk_to(&s, FAR, _i ? 53 : 7);
	sock = open_flow(&s, &t);
	script_wait(&s, (_i ? 9 : 29) * SCRIPT_SEC);
	ck_assert_int_ge(sock->fd, 0);
	/* It begins anew with each datagram. */
	talk_send(&s, &t, "again", 5, 0);
	script_wait(&s, (_i ? 9 : 29) * SCRIPT_SEC);
	ck_assert_int_ge(sock->fd, 0);
	script_wait(&s, 2 * SCRIPT_SEC);
	ck_assert_int_eq(sock->fd, -1);
	ck_assert_uint_eq(flows(&s), 0);
	script_end(&s);
}
END_TEST

START_TEST(answered_three_minutes)
{
	struct script s;
	struct talk t;
	struct fake_sock *sock;

	script_begin(&s, 0);
	t = talk_to(&s, FAR, 7);
	sock = open_flow(&s, &t);
	fake_sock_datagram(sock, &t.far, 7, "back", 4, 0);
	script_run(&s);
	script_wait(&s, 179 * SCRIPT_SEC);
	ck_assert_int_ge(sock->fd, 0);
	script_wait(&s, 2 * SCRIPT_SEC);
	ck_assert_int_eq(sock->fd, -1);
	script_end(&s);
}
END_TEST

START_TEST(the_cap)
{
	struct script s;
	struct talk t;
	struct fake_sock *first;

	script_prepare(&s, 0);
	s.config.max_udp = 4;
	script_start(&s);
	t = talk_to(&s, FAR, 7);
	first = open_flow(&s, &t);
	for (int i = 1; i < 4; i++) {
		t.guest_port++;
		open_flow(&s, &t);
	}
	/* All are too new to go. */
	t.guest_port++;
	talk_send(&s, &t, "hello", 5, 0);
	ck_assert_uint_eq(flows(&s), 4);
	ck_assert_uint_eq(s.host.n_open, 4);
	ck_assert_uint_eq(s.stack->count.udp_dropped, 1);
	script_wait(&s, 3 * SCRIPT_SEC);
	open_flow(&s, &t);
	ck_assert_uint_eq(flows(&s), 4);
	ck_assert_int_eq(first->fd, -1);
	script_end(&s);
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("udp");
	Suite *suite = suite_create("csm_udp");

	fill();
	tcase_add_loop_test(tc, there_and_back, 0, 2);
	tcase_add_test(tc, each_pair_of_ports_is_a_flow);
	tcase_add_test(tc, nothing_stays_behind);
	tcase_add_loop_test(tc, a_large_frame_is_one_send, 0, 2);
	tcase_add_test(tc, more_datagrams_than_the_kernel_takes);
	tcase_add_loop_test(tc, without_segments_they_go_one_by_one, 0, 3);
	tcase_add_loop_test(tc, merged_datagrams_stay_merged, 0, 2);
	tcase_add_test(tc, another_driver);
	tcase_add_test(tc, a_guest_that_takes_none_gets_none);
	tcase_add_test(tc, a_merged_one_waits_for_room);
	tcase_add_loop_test(tc, too_long_for_the_guest, 0, 2);
	tcase_add_test(tc, a_flood_of_nothing);
	tcase_add_loop_test(tc, the_policy_decides, 0, 5);
	tcase_add_test(tc, an_alias_is_the_hosts_loopback);
	tcase_add_test(tc, to_the_gateway_itself);
	tcase_add_loop_test(tc, to_everybody, 0, 4);
	tcase_add_test(tc, ports_that_are_none);
	tcase_add_loop_test(tc, icmp_comes_through, 0, 6);
	tcase_add_test(tc, icmp6_comes_through);
	tcase_add_loop_test(tc, what_cannot_be_sent, 0, 5);
	tcase_add_loop_test(tc, another_network, 0, 2);
	tcase_add_loop_test(tc, a_socket_that_cannot_be_had, 0, 5);
	tcase_add_loop_test(tc, one_way_half_a_minute, 0, 2);
	tcase_add_test(tc, answered_three_minutes);
	tcase_add_test(tc, the_cap);
	suite_add_tcase(suite, tc);
	return test_run(suite);
}
