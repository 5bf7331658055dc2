/* SPDX-License-Identifier: MIT */
/*
 * Inbound forwards of consomme: what listens, and TCP connections that come to
 * the guest.
 */
#include "backends/consomme/tcp_life.h"
#include "base/bytes.h"
#include "support/csm_script.h"
#include "support/run.h"

#include <check.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#define PORTS 3
#define L4_AT (NET_ETHERNET_LEN + NET_IPV4_LEN_MIN)

static struct script s;
static struct script_tcp c;
static struct consomme_forward forward;
static struct fake_sock *listeners[PORTS];

static struct csm_addr addr(const char *text)
{
	struct csm_addr a;

	ck_assert_int_eq(csm_addr_parse(text, &a), 0);
	return a;
}

static void add(const char *text, int result)
{
	const char *why = "";
	int fds[PORTS];

	ck_assert_msg(!consomme_forward_parse(text, &forward, &why), "%s", why);
	ck_assert_uint_le(forward.n_ports, PORTS);
	for (uint16_t i = 0; i < forward.n_ports; i++) {
		struct fake_sock *sock = fake_host_bound(
			&s.host,
			forward.proto == CONSOMME_TCP ? CSM_SOCKET_TCP
						      : CSM_SOCKET_UDP,
			!csm_addr_is4(&forward.host));

		if (result == 0)
			listeners[i] = sock;
		fds[i] = sock->fd;
	}
	ck_assert_int_eq(csm_forward_add(s.stack, &forward, fds), result);
}

/* A stack whose guest has been seen, with the forward. */
static void begin(const char *text)
{
	struct script_tcp seen;

	script_begin(&s, 0);
	script_tcp(&s, &seen, 9);
	script_send(&seen, "R.");
	s.stack->guest6 = s.guest6;
	add(text, 0);
}

/* Somebody connects to port @i; the guest sees @far. */
static void connect_from(const char *peer, uint16_t port, size_t i,
			 const char *far)
{
	struct csm_addr from = addr(peer);

	script_tcp(&s, &c, port);
	c.sock = fake_listener_push(listeners[i], &from, port);
	c.far = addr(far);
	c.guest = csm_addr_is4(&c.far) ? s.guest4 : s.guest6;
	c.guest_port = (uint16_t)(forward.guest_port + i);
	script_run(&s);
}

START_TEST(test_comes_in)
{
	begin("tcp::8000-:80");
	connect_from("198.51.100.7", 40123, 0, "198.51.100.7");
	script_expect(&c, "S seq=0 win=65535 mss=1460 ws=8 len=0");
	script_expect_nothing(&s);
	ck_assert_int_eq(fake_sock_option(c.sock, IPPROTO_TCP, TCP_NODELAY, 0),
			 1);
	script_send(&c, "S. win=65535 mss=1400 ws=7");
	script_expect(&c, ". seq=1 ack=1 len=0");
	ck_assert_uint_eq(s.stack->n_half_open, 0);
	script_host_send(&c, 5000);
	script_run(&s);
	ck_assert_uint_eq(script_collect(&c), 5000);
	script_send(&c, ". len=900");
	script_host_got(&c, 900);
	script_end(&s);
}
END_TEST

/* Whom the guest sees: the peer, or the gateway. */
START_TEST(test_far_address)
{
	static const struct {
		const char *forward, *peer, *far;
	} cases[] = {
		{"tcp::80-:80", "203.0.113.5", "203.0.113.5"},
		{"tcp::80-:80", "127.0.0.1", "10.0.2.2"},
		{"tcp::80-:80", "127.8.8.8", "10.0.2.2"},
		{"tcp::80-:80", "10.0.2.15", "10.0.2.2"},
		{"tcp::80-:80", "10.0.2.99", "10.0.2.2"},
		{"tcp::80-:80", "169.254.3.3", "10.0.2.2"},
		{"tcp:[::]:80-[::]:80", "2001:db8::5", "2001:db8::5"},
		{"tcp:[::]:80-[::]:80", "::1", "fd00::2"},
		{"tcp:[::]:80-[::]:80", "fe80::9", "fd00::2"},
		{"tcp:[::]:80-[::]:80", "fd00::15", "fd00::2"},
	};

	begin(cases[_i].forward);
	connect_from(cases[_i].peer, 5555, 0, cases[_i].far);
	script_expect(&c, "S seq=0");
	script_end(&s);
}
END_TEST

START_TEST(test_range)
{
	begin("tcp::8000..8002-:80");
	ck_assert_uint_eq(forward.n_ports, 3);
	for (size_t i = 0; i < 3; i++) {
		connect_from("198.51.100.7", 4000, i, "198.51.100.7");
		script_expect(&c, "S seq=0");
	}
	script_end(&s);
}
END_TEST

/* Two who look the same to the guest: the second gets another port. */
START_TEST(test_same_port)
{
	struct script_frame *f;

	begin("tcp::8000-:80");
	connect_from("127.0.0.1", 4000, 0, "10.0.2.2");
	script_expect(&c, "S seq=0");
	connect_from("127.0.0.2", 4000, 0, "10.0.2.2");
	f = script_take_frame(&s);
	ck_assert_ptr_nonnull(f);
	ck_assert_uint_ge(load_be16(f->bytes + L4_AT), 49152);
	ck_assert_uint_eq(load_be16(f->bytes + L4_AT + 2), 80);
	free(f);
	ck_assert_uint_eq(s.stack->flows.kinds[CSM_FLOW_TCP].n, 2);
	script_end(&s);
}
END_TEST

START_TEST(test_guest_refuses)
{
	begin("tcp::8000-:80");
	connect_from("198.51.100.7", 4000, 0, "198.51.100.7");
	script_expect(&c, "S seq=0");
	script_send(&c, "R seq=1"); /* not for our SYN */
	ck_assert_uint_eq(s.stack->n_half_open, 1);
	script_send(&c, "R. seq=0");
	ck_assert(c.sock->rst);
	ck_assert_uint_eq(s.stack->flows.n, 0);
	script_expect_nothing(&s);
	script_end(&s);
}
END_TEST

START_TEST(test_wrong_ack)
{
	begin("tcp::8000-:80");
	connect_from("198.51.100.7", 4000, 0, "198.51.100.7");
	script_expect(&c, "S seq=0");
	script_send(&c, ". seq=5 ack=4000");
	script_expect(&c, "R seq=4000");
	ck_assert_uint_eq(s.stack->n_half_open, 1);
	script_send(&c, "S. seq=0 win=65535 mss=1400");
	script_expect(&c, ". seq=1 ack=1");
	script_end(&s);
}
END_TEST

/* RFC 9293, 3.5, figure 8. */
START_TEST(test_simultaneous_open)
{
	begin("tcp::8000-:80");
	connect_from("198.51.100.7", 4000, 0, "198.51.100.7");
	script_expect(&c, "S seq=0");
	script_send(&c, "S seq=0 win=65535 mss=1400 ws=7");
	script_expect(&c, "S. seq=0 ack=1 ws=8");
	script_send(&c, "S. seq=0 ack=1 win=65535 mss=1400 ws=7");
	ck_assert_uint_eq(s.stack->n_half_open, 0);
	script_send(&c, ". seq=1 len=50");
	script_host_got(&c, 50);
	script_end(&s);
}
END_TEST

START_TEST(test_guest_never_answers)
{
	static const unsigned int after[] = {1, 2, 4, 8, 16};

	begin("tcp::8000-:80");
	connect_from("198.51.100.7", 4000, 0, "198.51.100.7");
	script_expect(&c, "S seq=0");
	for (size_t i = 0; i < ARRAY_SIZE(after); i++) {
		script_wait(&s, after[i] * SCRIPT_SEC - 100 * SCRIPT_MS);
		script_expect_nothing(&s);
		script_wait(&s, 110 * SCRIPT_MS);
		script_expect(&c, "S seq=0");
	}
	script_wait(&s, 60 * SCRIPT_SEC);
	script_expect_nothing(&s);
	ck_assert(c.sock->rst);
	ck_assert_uint_eq(s.stack->flows.n, 0);
	script_end(&s);
}
END_TEST

START_TEST(test_peer_gives_up)
{
	begin("tcp::8000-:80");
	connect_from("198.51.100.7", 4000, 0, "198.51.100.7");
	script_expect(&c, "S seq=0");
	script_host_reset(&c);
	ck_assert_uint_eq(s.stack->flows.n, 0);
	ck_assert_int_eq(c.sock->fd, -1);
	script_forget(&s);
	script_end(&s);
}
END_TEST

/* Nobody knows yet where the guest is. */
START_TEST(test_no_guest)
{
	script_begin(&s, 0);
	add(_i ? "tcp::8000-10.0.2.15:80" : "tcp::8000-:80", 0);
	connect_from("198.51.100.7", 4000, 0, "198.51.100.7");
	script_expect_nothing(&s);
	ck_assert(c.sock->rst);
	ck_assert_uint_eq(s.stack->count.accept_failed, 1);
	script_end(&s);
}
END_TEST

/* The callers wait, nothing spins, the rest lives. */
START_TEST(test_out_of_descriptors)
{
	uint64_t accepts;

	begin("tcp::8000-:80");
	s.host.max_open = s.host.n_open;
	connect_from("198.51.100.7", 4000, 0, "198.51.100.7");
	accepts = s.host.calls[FAKE_ACCEPT];
	ck_assert_uint_le(accepts, 2);
	ck_assert_uint_eq(s.stack->count.out_of_fds, 1);
	for (int i = 0; i < 100; i++)
		script_run(&s);
	ck_assert_uint_eq(s.host.calls[FAKE_ACCEPT], accepts);
	script_wait(&s, 10 * SCRIPT_SEC);
	ck_assert_uint_le(s.host.calls[FAKE_ACCEPT], accepts + 41);
	script_expect_nothing(&s);
	s.host.max_open = 100;
	script_wait(&s, SCRIPT_SEC);
	script_expect(&c, "S seq=0");
	script_end(&s);
}
END_TEST

/* An error of one connection is not one of the next. */
START_TEST(test_accept_fails)
{
	begin("tcp::8000-:80");
	s.host.fail[FAKE_ACCEPT].err = ECONNABORTED;
	s.host.fail[FAKE_ACCEPT].times = 1;
	connect_from("198.51.100.7", 4000, 0, "198.51.100.7");
	script_expect(&c, "S seq=0");
	ck_assert_uint_eq(s.stack->count.accept_failed, 1);
	script_end(&s);
}
END_TEST

/* More callers than may be half open: the others wait their turn. */
START_TEST(test_half_open_cap)
{
	struct csm_addr peer = addr("198.51.100.7");
	struct script_tcp seen, conns[4];

	script_prepare(&s, 0);
	s.config.max_tcp = 8;
	script_start(&s);
	script_tcp(&s, &seen, 9);
	script_send(&seen, "R.");
	add("tcp::8000-:80", 0);
	for (uint16_t i = 0; i < 6; i++)
		(void)fake_listener_push(listeners[0], &peer,
					 (uint16_t)(4000 + i));
	script_run(&s);
	ck_assert_uint_eq(s.stack->n_half_open, 4);
	ck_assert_uint_eq(s.stack->flows.n, 4);
	for (size_t i = 0; i < ARRAY_SIZE(conns); i++) {
		script_tcp(&s, &conns[i], (uint16_t)(4000 + i));
		conns[i].far = peer;
		conns[i].guest_port = 80;
		script_expect(&conns[i], "S seq=0");
	}
	for (size_t i = 0; i < ARRAY_SIZE(conns); i++) {
		script_send(&conns[i], "S. win=65535 mss=1460");
		script_expect(&conns[i], ". ack=1");
	}
	script_expect_nothing(&s);
	script_wait(&s, SCRIPT_SEC);
	ck_assert_uint_eq(s.stack->flows.n, 6);
	ck_assert_uint_eq(s.stack->count.accept_failed, 0);
	script_end(&s);
}
END_TEST

START_TEST(test_add_and_remove)
{
	struct consomme_forward first, second;

	begin("tcp::8000..8002-:80");
	first = forward;
	add("tcp::8000..8002-:80", -EEXIST);
	ck_assert_uint_eq(s.host.n_open, 3);
	ck_assert_int_eq(csm_forward_find(s.stack, &first), 0);
	add("udp::8000..8001-:80", 0);
	second = forward;
	ck_assert_uint_eq(s.host.n_open, 5);
	forward.guest_port++;
	ck_assert_int_eq(csm_forward_find(s.stack, &forward), -ENOENT);
	ck_assert_int_eq(csm_forward_remove(s.stack, &forward), -ENOENT);
	ck_assert_int_eq(csm_forward_remove(s.stack, &first), 0);
	ck_assert_int_eq(csm_forward_find(s.stack, &first), -ENOENT);
	ck_assert_uint_eq(s.host.n_open, 2);
	ck_assert_int_eq(csm_forward_remove(s.stack, &second), 0);
	ck_assert_uint_eq(s.host.n_open, 0);
	script_end(&s);
}
END_TEST

/* The descriptors are the stack's, also if one of them cannot be watched. */
START_TEST(test_add_fails)
{
	script_begin(&s, 0);
	s.host.fail[FAKE_WATCH].err = ENOSPC;
	s.host.fail[FAKE_WATCH].times = 1;
	add(_i ? "udp::8000..8002-:80" : "tcp::8000..8002-:80", -ENOSPC);
	ck_assert_uint_eq(s.host.n_open, 0);
	ck_assert_int_eq(csm_forward_find(s.stack, &forward), -ENOENT);
	script_end(&s);
}
END_TEST

/* Connections outlive the forward that they came by. */
START_TEST(test_remove_keeps_connections)
{
	begin("tcp::8000-:80");
	connect_from("198.51.100.7", 4000, 0, "198.51.100.7");
	script_expect(&c, "S seq=0");
	script_send(&c, "S. win=65535 mss=1400 ws=7");
	script_expect(&c, ". ack=1");
	ck_assert_int_eq(csm_forward_remove(s.stack, &forward), 0);
	script_send(&c, ". len=10");
	script_host_got(&c, 10);
	script_end(&s);
}
END_TEST

START_TEST(test_inspect)
{
	struct inspect in;

	begin("tcp:127.0.0.1:8000-:80");
	inspect_init(&in);
	csm_forwards_inspect(s.stack, &in);
	ck_assert_ptr_nonnull(
		strstr(inspect_text(&in), "tcp:127.0.0.1:8000-:80"));
	inspect_fini(&in);
	script_end(&s);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("csm_forwards");
	TCase *tc = tcase_create("forwards");

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, test_comes_in);
	tcase_add_loop_test(tc, test_far_address, 0, 10);
	tcase_add_test(tc, test_range);
	tcase_add_test(tc, test_same_port);
	tcase_add_test(tc, test_guest_refuses);
	tcase_add_test(tc, test_wrong_ack);
	tcase_add_test(tc, test_simultaneous_open);
	tcase_add_test(tc, test_guest_never_answers);
	tcase_add_test(tc, test_peer_gives_up);
	tcase_add_loop_test(tc, test_no_guest, 0, 2);
	tcase_add_test(tc, test_out_of_descriptors);
	tcase_add_test(tc, test_accept_fails);
	tcase_add_test(tc, test_half_open_cap);
	tcase_add_test(tc, test_add_and_remove);
	tcase_add_loop_test(tc, test_add_fails, 0, 2);
	tcase_add_test(tc, test_remove_keeps_connections);
	tcase_add_test(tc, test_inspect);
	suite_add_tcase(suite, tc);
	return test_run(suite);
}
