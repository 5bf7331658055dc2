/* SPDX-License-Identifier: MIT */
/*
 * TCP connections that the guest makes, from its SYN to the first byte, or to
 * the refusal.
 */
#include "backends/consomme/tcp_life.h"
#include "base/bytes.h"
#include "support/csm_script.h"
#include "support/run.h"

#include <check.h>
#include <errno.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <stdlib.h>

static struct script s;
static struct script_tcp c;

#define SYN "S win=65535 mss=1460 ws=7"

/* A connection to @far, whose SYN has been sent. */
static void syn_to(const char *far, uint16_t port)
{
	script_tcp(&s, &c, port);
	ck_assert_int_eq(csm_addr_parse(far, &c.far), 0);
	script_send(&c, SYN);
}

static void prepare(unsigned int mode)
{
	script_prepare(&s, mode);
	s.host.connect_result = -EINPROGRESS;
}

static void begin(unsigned int mode)
{
	prepare(mode);
	script_start(&s);
	script_tcp(&s, &c, 80);
	script_send(&c, SYN);
}

static struct fake_sock *sock(void)
{
	struct fake_sock *last = fake_host_last(&s.host);

	ck_assert_ptr_nonnull(last);
	return last;
}

static bool is_router_advert(const struct script_frame *f)
{
	const uint8_t *ip = f->bytes + NET_ETHERNET_LEN;

	return ip[0] >> 4 == 6 && ip[6] == IPPROTO_ICMPV6 &&
	       ip[NET_IPV6_LEN] == ND_ROUTER_ADVERT;
}

/* The next frame but router advertisements. */
static struct script_frame *take_frame(void)
{
	struct script_frame *f;

	while ((f = script_take_frame(&s)) && is_router_advert(f))
		free(f);
	ck_assert_ptr_nonnull(f);
	return f;
}

/* It is an ICMP error of this type and code. */
static void expect_icmp(uint8_t type, uint8_t code)
{
	bool v6 = !csm_addr_is4(&c.guest);
	size_t ip = NET_ETHERNET_LEN;
	size_t icmp = ip + (v6 ? NET_IPV6_LEN : NET_IPV4_LEN_MIN);
	size_t quoted = icmp + 8 + (v6 ? NET_IPV6_LEN : NET_IPV4_LEN_MIN);
	struct script_frame *f = take_frame();

	ck_assert_uint_gt(f->len, quoted + 7);
	ck_assert_uint_eq(f->bytes[ip + (v6 ? 6 : 9)],
			  v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP);
	ck_assert_uint_eq(f->bytes[icmp], type);
	ck_assert_uint_eq(f->bytes[icmp + 1], code);
	ck_assert_uint_eq(load_be16(f->bytes + quoted), c.guest_port);
	ck_assert_uint_eq(load_be16(f->bytes + quoted + 2), c.far_port);
	ck_assert_uint_eq(load_be32(f->bytes + quoted + 4), c.iss);
	free(f);
}

START_TEST(test_answered_when_connected)
{
	begin(_i ? SCRIPT_V6 : 0);
	script_expect_nothing(&s);
	ck_assert_int_eq(sock()->state, FAKE_CONNECTING);
	ck_assert_uint_eq(sock()->port, 80);
	ck_assert(csm_addr_equal(&sock()->peer, &c.far));
	ck_assert_int_eq(fake_sock_option(sock(), IPPROTO_TCP, TCP_NODELAY, 0),
			 1);
	ck_assert_int_eq(fake_sock_option(sock(), SOL_SOCKET, SO_OOBINLINE, 0),
			 1);
	ck_assert_int_eq(fake_sock_option(sock(), SOL_SOCKET, SO_PEEK_OFF, -1),
			 0);
	ck_assert_int_eq(fake_sock_option(sock(), SOL_SOCKET, SO_SNDBUF, -1),
			 -1);
	ck_assert_int_eq(fake_sock_option(sock(), SOL_SOCKET, SO_RCVBUF, -1),
			 -1);
	fake_sock_accept(sock());
	script_run(&s);
	script_expect(&c, "S. seq=0 ack=1 win=65535 mss=%d ws=8 len=0",
		      _i ? 1440 : 1460);
	script_send(&c, ". len=5");
	ck_assert_uint_eq(s.stack->n_half_open, 0);
	script_end(&s);
}
END_TEST

START_TEST(test_connected_at_once)
{
	script_begin(&s, 0);
	s.host.connect_result = 0;
	syn_to("192.0.2.7", 80);
	script_expect(&c, "S. seq=0 ack=1");
	script_end(&s);
}
END_TEST

/* Without the option there is no scale; without an MSS the smallest counts. */
START_TEST(test_no_options)
{
	prepare(0);
	script_start(&s);
	script_tcp(&s, &c, 80);
	script_send(&c, "S win=1000");
	fake_sock_accept(sock());
	script_run(&s);
	script_expect(&c, "S. seq=0 ack=1 mss=1460 ws=255 win=65535");
	script_end(&s);
}
END_TEST

START_TEST(test_refused)
{
	begin(0);
	fake_sock_fail(sock(), ECONNREFUSED);
	script_run(&s);
	script_expect(&c, "R. ack=1 len=0");
	script_expect_nothing(&s);
	ck_assert_uint_eq(s.stack->count.icmp_errors, 0);
	ck_assert_uint_eq(s.stack->flows.n, 0);
	ck_assert_uint_eq(s.host.n_open, 0);
	script_end(&s);
}
END_TEST

static const struct {
	int err;
	uint8_t code4, code6;
} unreachable[] = {
	{EHOSTUNREACH, 1, 3},
	{ENETUNREACH, 0, 0},
	{ETIMEDOUT, 1, 3},
	{EACCES, 13, 1},
};

/* The host finds out later, or says so at once. */
START_TEST(test_unreachable)
{
	size_t i = (size_t)_i / 4;
	bool v6 = _i & 1;

	prepare(v6 ? SCRIPT_V6 : 0);
	script_start(&s);
	if (_i & 2)
		s.host.connect_result = -unreachable[i].err;
	script_tcp(&s, &c, 80);
	script_send(&c, SYN);
	if (!(_i & 2)) {
		fake_sock_fail(sock(), unreachable[i].err);
		script_run(&s);
	}
	expect_icmp(v6 ? 1 : 3,
		    v6 ? unreachable[i].code6 : unreachable[i].code4);
	script_expect(&c, "R. ack=1");
	ck_assert_uint_eq(s.stack->flows.n, 0);
	ck_assert_uint_eq(s.host.n_open, 0);
	script_end(&s);
}
END_TEST

static const struct {
	const char *far;
	uint16_t port;
	int icmp; /* -1: a reset only */
} forbidden[] = {
	{"127.0.0.1", 22, 1},	 {"0.0.0.0", 22, 1},
	{"10.0.2.77", 22, 1},	 {"169.254.169.254", 80, 13},
	{"203.0.113.9", 80, 13}, {"10.0.2.2", 22, -1},
	{"10.0.2.3", 54, -1},
};

START_TEST(test_policy)
{
	static struct consomme_rule rule = {.deny = true};

	ck_assert_int_eq(csm_prefix_parse("203.0.113.0/24", &rule.prefix), 0);
	prepare(0);
	s.config.rules = &rule;
	s.config.n_rules = 1;
	script_start(&s);
	syn_to(forbidden[_i].far, forbidden[_i].port);
	if (forbidden[_i].icmp >= 0)
		expect_icmp(3, (uint8_t)forbidden[_i].icmp);
	script_expect(&c, "R. ack=1");
	ck_assert_uint_eq(s.host.n_socks, 0);
	ck_assert_uint_eq(s.stack->count.icmp_errors, forbidden[_i].icmp >= 0);
	ck_assert_uint_eq(s.stack->count.refused, 1);
	script_end(&s);
}
END_TEST

START_TEST(test_restricted)
{
	prepare(0);
	s.config.restricted = true;
	script_start(&s);
	syn_to("192.0.2.7", 80);
	expect_icmp(3, 13);
	script_expect(&c, "R. ack=1");
	ck_assert_uint_eq(s.host.n_socks, 0);
	script_end(&s);
}
END_TEST

START_TEST(test_loopback_alias)
{
	prepare(0);
	ck_assert_int_eq(csm_addr_parse("10.0.2.2", &s.config.aliases[0]), 0);
	s.config.n_aliases = 1;
	script_start(&s);
	syn_to("10.0.2.2", 8080);
	ck_assert(csm_addr_is_loopback(&sock()->peer));
	ck_assert_uint_eq(sock()->port, 8080);
	fake_sock_accept(sock());
	script_run(&s);
	script_expect(&c, "S. seq=0 ack=1");
	script_end(&s);
}
END_TEST

START_TEST(test_name_server)
{
	struct csm_addr server;

	ck_assert_int_eq(csm_addr_parse("198.51.100.53", &server), 0);
	prepare(0);
	s.config.servers[0] = server;
	s.config.n_servers = 1;
	script_start(&s);
	syn_to("10.0.2.3", 53);
	ck_assert(csm_addr_equal(&sock()->peer, &server));
	ck_assert_uint_eq(sock()->port, 53);
	fake_sock_accept(sock());
	script_run(&s);
	script_expect(&c, "S. seq=0 ack=1");
	script_end(&s);
}
END_TEST

/* To many, or from or to no port: not a word. */
START_TEST(test_nonsense)
{
	static const char *const far[] = {"224.0.0.1", "255.255.255.255",
					  "192.0.2.7"};

	script_begin(&s, 0);
	syn_to(far[_i], _i == 2 ? 0 : 80);
	script_expect_nothing(&s);
	ck_assert_uint_eq(s.host.n_socks, 0);
	script_end(&s);
}
END_TEST

START_TEST(test_syn_again)
{
	begin(0);
	script_send(&c, "S seq=0 win=65535 mss=1460 ws=7");
	ck_assert_uint_eq(s.host.n_socks, 1);
	fake_sock_accept(sock());
	script_run(&s);
	script_expect(&c, "S. seq=0 ack=1");
	script_send(&c, "S seq=0 win=65535 mss=1460 ws=7");
	script_expect(&c, "S. seq=0 ack=1 mss=1460 ws=8");
	script_expect_nothing(&s);
	ck_assert_uint_eq(s.host.n_socks, 1);
	script_end(&s);
}
END_TEST

/* The guest has given up and begun again, before it was answered. */
START_TEST(test_new_syn_while_connecting)
{
	begin(0);
	script_send(&c, "S seq=5000 win=65535 mss=1000");
	ck_assert_uint_eq(s.host.n_socks, 1);
	fake_sock_accept(sock());
	script_run(&s);
	script_expect(&c, "S. seq=0 ack=5001 ws=255");
	script_end(&s);
}
END_TEST

START_TEST(test_never_acked)
{
	static const unsigned int after[] = {1, 2, 4, 8, 16};

	begin(0);
	fake_sock_accept(sock());
	script_run(&s);
	script_expect(&c, "S. seq=0 ack=1");
	for (size_t i = 0; i < ARRAY_SIZE(after); i++) {
		script_wait(&s, after[i] * SCRIPT_SEC - 100 * SCRIPT_MS);
		script_expect_nothing(&s);
		script_wait(&s, 110 * SCRIPT_MS);
		script_expect(&c, "S. seq=0 ack=1");
	}
	script_wait(&s, 60 * SCRIPT_SEC);
	script_expect_nothing(&s);
	ck_assert(sock()->rst);
	ck_assert_uint_eq(s.stack->flows.n, 0);
	ck_assert_uint_eq(s.stack->n_half_open, 0);
	script_end(&s);
}
END_TEST

START_TEST(test_host_never_answers)
{
	begin(0);
	script_wait(&s, CSM_TCP_CONNECT_MAX - SCRIPT_SEC);
	script_expect_nothing(&s);
	script_wait(&s, 2 * SCRIPT_SEC);
	expect_icmp(3, 1);
	script_expect(&c, "R. ack=1");
	ck_assert_uint_eq(s.host.n_open, 0);
	script_end(&s);
}
END_TEST

START_TEST(test_guest_gives_up_connecting)
{
	begin(0);
	script_send(&c, "R seq=77");
	ck_assert_uint_eq(s.host.n_open, 1);
	script_send(&c, "R seq=1");
	ck_assert_uint_eq(s.host.n_open, 0);
	ck_assert_uint_eq(s.stack->flows.n, 0);
	script_expect_nothing(&s);
	script_end(&s);
}
END_TEST

static void begin_syn_rcvd(void)
{
	begin(0);
	fake_sock_accept(sock());
	script_run(&s);
	script_expect(&c, "S. seq=0 ack=1");
}

/* RFC 5961, 3.2. */
START_TEST(test_reset_in_syn_rcvd)
{
	begin_syn_rcvd();
	script_send(&c, "R seq=70000");
	script_expect_nothing(&s);
	script_send(&c, "R seq=2");
	script_expect(&c, "S. seq=0 ack=1");
	ck_assert_uint_eq(s.host.n_open, 1);
	script_send(&c, "R seq=1");
	ck_assert_uint_eq(s.host.n_open, 0);
	ck_assert(sock()->rst);
	script_expect_nothing(&s);
	script_end(&s);
}
END_TEST

START_TEST(test_wrong_ack_in_syn_rcvd)
{
	begin_syn_rcvd();
	script_send(&c, ". seq=1 ack=9");
	script_expect(&c, "R seq=9");
	ck_assert_uint_eq(s.stack->n_half_open, 1);
	c.sock = sock();
	script_send(&c, ". seq=1 ack=1 len=7");
	script_host_got(&c, 7);
	ck_assert_uint_eq(s.stack->n_half_open, 0);
	script_end(&s);
}
END_TEST

START_TEST(test_peer_resets_in_syn_rcvd)
{
	begin_syn_rcvd();
	fake_sock_reset(sock());
	script_run(&s);
	script_expect(&c, "R. ack=1");
	ck_assert_uint_eq(s.stack->flows.n, 0);
	script_end(&s);
}
END_TEST

/* Who speaks first on the host's side is heard when the guest is there. */
START_TEST(test_banner)
{
	begin_syn_rcvd();
	c.sock = sock();
	script_host_send(&c, 50);
	script_run(&s);
	script_expect_nothing(&s);
	script_send(&c, ".");
	ck_assert_uint_eq(script_collect(&c), 50);
	script_end(&s);
}
END_TEST

START_TEST(test_out_of_descriptors)
{
	struct script_tcp first;

	script_begin(&s, 0);
	s.host.max_open = 1;
	script_tcp(&s, &first, 80);
	script_open(&first);
	syn_to("192.0.2.7", 81);
	script_expect(&c, "R. ack=1");
	ck_assert_uint_eq(s.stack->count.out_of_fds, 1);
	ck_assert_uint_eq(s.stack->n_half_open, 0);
	script_send(&first, ". len=100");
	script_host_got(&first, 100);
	script_end(&s);
}
END_TEST

START_TEST(test_cannot_watch)
{
	prepare(0);
	script_start(&s);
	s.host.fail[FAKE_WATCH].err = ENOSPC;
	s.host.fail[FAKE_WATCH].times = 1;
	syn_to("192.0.2.7", 80);
	script_expect(&c, "R. ack=1");
	ck_assert_uint_eq(s.host.n_open, 0);
	ck_assert_uint_eq(s.stack->flows.n, 0);
	script_end(&s);
}
END_TEST

/* Nobody goes where there is room. */
START_TEST(test_half_open_room)
{
	struct script_tcp first;

	begin(0);
	first = c;
	script_wait(&s, 10 * SCRIPT_SEC);
	syn_to("192.0.2.7", 81);
	ck_assert_uint_eq(s.stack->n_half_open, 2);
	fake_sock_accept(
		container_of(s.host.socks.next, struct fake_sock, node));
	script_run(&s);
	script_expect(&first, "S. seq=0");
	script_end(&s);
}
END_TEST

/* A flood: the young are left alone and the newcomer asks again; the old go. */
START_TEST(test_half_open_cap)
{
	struct script_tcp flood[4];

	prepare(0);
	s.config.max_tcp = 8;
	script_start(&s);
	for (size_t i = 0; i < ARRAY_SIZE(flood); i++) {
		script_tcp(&s, &flood[i], 80);
		script_send(&flood[i], SYN);
	}
	syn_to("192.0.2.7", 80);
	ck_assert_uint_eq(s.host.n_socks, 4);
	script_expect_nothing(&s);
	script_wait(&s, CSM_TCP_HALF_OPEN_AGE);
	script_send(&c, "S seq=0 win=65535 mss=1460 ws=7");
	ck_assert_uint_eq(s.host.n_socks, 5);
	ck_assert_uint_eq(s.host.n_open, 4);
	ck_assert_uint_eq(s.stack->n_half_open, 4);
	script_expect(&flood[0], "R. ack=1");
	script_expect_nothing(&s);
	script_end(&s);
}
END_TEST

/* At the cap, one that has been silent for long makes room; one that has not
 * does not. */
START_TEST(test_flow_cap)
{
	struct script_tcp open[4];

	prepare(0);
	s.config.max_tcp = ARRAY_SIZE(open);
	script_start(&s);
	for (size_t i = 0; i < ARRAY_SIZE(open); i++) {
		script_tcp(&s, &open[i], 80);
		script_open(&open[i]);
	}
	script_forget(&s);
	syn_to("192.0.2.7", 80);
	script_expect(&c, "R. ack=1");
	ck_assert_uint_eq(s.host.n_open, 4);
	script_wait(&s, CSM_TCP_EVICT_IDLE);
	script_send(&open[0], ". len=1");
	script_forget(&s);
	syn_to("192.0.2.7", 80);
	script_expect(&open[1], "R. seq=1 ack=1");
	script_expect_nothing(&s);
	ck_assert_uint_eq(s.host.n_open, 4);
	script_end(&s);
}
END_TEST

/* The guest was reset and uses its ports again (RFC 5961, 4). */
START_TEST(test_guest_rebooted)
{
	struct script_tcp old;

	script_begin(&s, 0);
	script_tcp(&s, &old, 80);
	script_open(&old);
	script_send(&old, ". len=10");
	script_forget(&s);
	script_send(&old, "S seq=100000 win=65535 mss=1460 ws=7");
	script_expect(&old, ". seq=1 ack=11 len=0");
	ck_assert_uint_eq(s.stack->count.tcp_challenges, 1);
	script_send(&old, "R seq=11");
	ck_assert_uint_eq(s.host.n_open, 0);
	script_send(&old, "S seq=100000 win=65535 mss=1460 ws=7");
	ck_assert_uint_eq(s.host.n_open, 1);
	script_end(&s);
}
END_TEST

/* A reset that waits for the guest's buffers makes way for a new SYN. */
START_TEST(test_syn_for_closed)
{
	begin(0);
	fake_sock_fail(sock(), ECONNREFUSED);
	csm_stack_events(s.stack);
	ck_assert_uint_eq(s.stack->flows.n, 1);
	script_send(&c, "S seq=9000 win=65535 mss=1460 ws=7");
	ck_assert_uint_eq(s.stack->flows.n, 1);
	ck_assert_uint_eq(s.host.n_socks, 2);
	fake_sock_accept(sock());
	script_run(&s);
	script_expect(&c, "S. ack=9001");
	script_expect_nothing(&s);
	script_end(&s);
}
END_TEST

static int addr_order(uint32_t a, uint32_t b)
{
	return csm_seq_lt(a, b);
}

/* RFC 6528: later numbers for one connection are higher; another's tell
 * nothing. */
START_TEST(test_isn)
{
	struct csm_key key = {.kind = CSM_FLOW_TCP, .guest_port = 1};
	struct csm_key other = {.kind = CSM_FLOW_TCP, .guest_port = 2};
	uint32_t first, second, apart;

	script_begin(&s, 0);
	first = csm_tcp_isn(s.stack, &key);
	apart = csm_tcp_isn(s.stack, &other) - first;
	ck_assert_uint_eq(csm_tcp_isn(s.stack, &key), first);
	ck_assert_uint_gt(apart, 1000);
	s.stack->now += 1000 * CSM_MS;
	second = csm_tcp_isn(s.stack, &key);
	ck_assert(addr_order(first, second));
	ck_assert_uint_eq(second - first, 250000);
	s.stack->secret[0]++;
	ck_assert_uint_ne(csm_tcp_isn(s.stack, &key), second);
	script_end(&s);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("csm_tcp_open");
	TCase *tc = tcase_create("open");

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, test_answered_when_connected, 0, 2);
	tcase_add_test(tc, test_connected_at_once);
	tcase_add_test(tc, test_no_options);
	tcase_add_test(tc, test_refused);
	tcase_add_loop_test(tc, test_unreachable, 0,
			    4 * (int)ARRAY_SIZE(unreachable));
	tcase_add_loop_test(tc, test_policy, 0, (int)ARRAY_SIZE(forbidden));
	tcase_add_test(tc, test_restricted);
	tcase_add_test(tc, test_loopback_alias);
	tcase_add_test(tc, test_name_server);
	tcase_add_loop_test(tc, test_nonsense, 0, 3);
	tcase_add_test(tc, test_syn_again);
	tcase_add_test(tc, test_new_syn_while_connecting);
	tcase_add_test(tc, test_never_acked);
	tcase_add_test(tc, test_host_never_answers);
	tcase_add_test(tc, test_guest_gives_up_connecting);
	tcase_add_test(tc, test_reset_in_syn_rcvd);
	tcase_add_test(tc, test_wrong_ack_in_syn_rcvd);
	tcase_add_test(tc, test_peer_resets_in_syn_rcvd);
	tcase_add_test(tc, test_banner);
	tcase_add_test(tc, test_out_of_descriptors);
	tcase_add_test(tc, test_cannot_watch);
	tcase_add_test(tc, test_half_open_room);
	tcase_add_test(tc, test_half_open_cap);
	tcase_add_test(tc, test_flow_cap);
	tcase_add_test(tc, test_guest_rebooted);
	tcase_add_test(tc, test_syn_for_closed);
	tcase_add_test(tc, test_isn);
	suite_add_tcase(suite, tc);
	return test_run(suite);
}
