/* SPDX-License-Identifier: MIT */
/*
 * Segments that an established connection must not believe (RFC 9293, 3.10.7;
 * RFC 5961), and those that belong to none.
 */
#include "backends/consomme/tcp_life.h"
#include "support/csm_script.h"
#include "support/run.h"

#include <check.h>

static struct script s;
static struct script_tcp c;

static void begin(void)
{
	script_begin(&s, 0);
	script_tcp(&s, &c, 80);
	script_open(&c);
	script_forget(&s);
}

static void check_alive(void)
{
	c.snd = 1;
	script_send(&c, ". seq=1 ack=1 len=8");
	script_expect(&c, ". seq=1 ack=9");
	script_host_got(&c, 8);
	script_end(&s);
}

/* Whole outside of the window: acknowledged, and nothing else. */
START_TEST(test_outside)
{
	static const char *const segments[] = {
		". seq=2000000000 len=10",
		". seq=3000000000 len=10",
		"F. seq=2000000000",
		". seq=4294967280 len=10",
	};

	begin();
	script_send(&c, "%s", segments[_i]);
	script_expect(&c, ". seq=1 ack=1 len=0");
	script_expect_nothing(&s);
	ck_assert_uint_eq(c.sock->out.total, 0);
	check_alive();
}
END_TEST

/* Without data there is no need to hurry. */
START_TEST(test_outside_limited)
{
	begin();
	for (int i = 0; i < 10; i++)
		script_send(&c, ". seq=2000000000");
	script_expect(&c, ". seq=1 ack=1 len=0");
	script_expect_nothing(&s);
	script_wait(&s, CSM_TCP_CHALLENGE_EVERY + SCRIPT_MS);
	script_send(&c, ". seq=2000000000");
	script_expect(&c, ". seq=1 ack=1 len=0");
	ck_assert_uint_eq(s.stack->count.tcp_challenges, 2);
	check_alive();
}
END_TEST

/* The guest's own question whether we are there. */
START_TEST(test_guests_keepalive)
{
	begin();
	script_send(&c, ". seq=0 ack=1 len=%d", _i);
	script_expect(&c, ". seq=1 ack=1 len=0");
	check_alive();
}
END_TEST

START_TEST(test_reset_in_window)
{
	begin();
	script_send(&c, "R seq=2");
	script_expect(&c, ". seq=1 ack=1 len=0");
	script_send(&c, "R. seq=1000 ack=1");
	script_expect_nothing(&s); /* limited */
	check_alive();
}
END_TEST

START_TEST(test_reset_outside)
{
	begin();
	script_send(&c, "R seq=0");
	script_send(&c, "R seq=2000000000");
	script_send(&c, "R. seq=4294967290 ack=1");
	script_expect_nothing(&s);
	check_alive();
}
END_TEST

START_TEST(test_reset_storm)
{
	begin();
	for (int i = 0; i < 1000; i++)
		script_send(&c, "+ R seq=%d", i + 2);
	script_run(&s);
	script_expect(&c, ". seq=1 ack=1");
	script_expect_nothing(&s);
	check_alive();
}
END_TEST

START_TEST(test_syn_in_window)
{
	static const char *const segments[] = {
		"S seq=1 win=65535", "S seq=0 win=65535",
		"S. seq=500 ack=1 win=65535", "S seq=2000000000 win=65535"};

	begin();
	script_send(&c, "%s", segments[_i]);
	script_expect(&c, ". seq=1 ack=1 len=0");
	script_expect_nothing(&s);
	ck_assert_uint_eq(s.host.n_socks, 1);
	check_alive();
}
END_TEST

/* Of what was never sent, or too old to be true (RFC 5961, 5). */
START_TEST(test_bad_ack)
{
	static const uint32_t acks[] = {2, 100000, 4244967296u};

	begin();
	script_send(&c, ". seq=1 ack=%u len=10", acks[_i]);
	script_expect(&c, ". seq=1 ack=1 len=0");
	ck_assert_uint_eq(c.sock->out.total, 0);
	check_alive();
}
END_TEST

/* An old acknowledgement does not spoil new data. */
START_TEST(test_old_ack)
{
	begin();
	script_host_send(&c, 1000);
	script_run(&s);
	ck_assert_uint_eq(script_collect(&c), 1000);
	script_send(&c, ". ack=1001");
	script_send(&c, ". seq=1 ack=501 len=30");
	script_expect(&c, ". seq=1001 ack=31");
	script_host_got(&c, 30);
	/* Nor is its window believed. */
	script_send(&c, ". ack=501 win=0");
	script_host_send(&c, 100);
	ck_assert_uint_eq(script_expect(&c, ". seq=1001 len=100"), 100);
	script_end(&s);
}
END_TEST

/* At our closed window bytes are not taken, what they acknowledge is. */
START_TEST(test_ack_at_closed_window)
{
	struct csm_tcp *tcp;

	begin();
	tcp = csm_tcp_of(
		container_of(s.stack->flows.kinds[CSM_FLOW_TCP].by_use.next,
			     struct csm_flow, by_use));
	script_host_send(&c, 1000);
	ck_assert_uint_eq(script_expect(&c, ". seq=1 len=1000"), 1000);
	tcp->rcv_edge = tcp->rcv_nxt;
	script_send(&c, ". seq=1 ack=1001 len=1");
	ck_assert_uint_eq(tcp->una, tcp->iss + 1001);
	ck_assert_uint_eq(c.sock->out.total, 0);
	script_expect(&c, ". seq=1001 ack=1");
	script_end(&s);
}
END_TEST

START_TEST(test_flags)
{
	static const char *const segments[] = {
		"P seq=1 len=3", "U seq=1 len=3", "F seq=1",
		"SF seq=1",	 "SR seq=1",	  "SFR. seq=1 ack=1",
	};

	begin();
	script_send(&c, "%s", segments[_i]);
	script_expect_nothing(&s);
	ck_assert_uint_eq(s.stack->count.tcp_bad, 1);
	check_alive();
}
END_TEST

/* RFC 9293, 3.10.7.1. */
START_TEST(test_no_connection)
{
	script_begin(&s, 0);
	script_tcp(&s, &c, 80);
	c.iss = 1000;
	script_send(&c, ". seq=5 ack=77 len=3");
	script_expect(&c, "R seq=77 len=0");
	script_send(&c, "F. seq=5 ack=78");
	script_expect(&c, "R seq=78 len=0");
	script_send(&c, "S. seq=5 ack=79");
	script_expect(&c, "R seq=79 len=0");
	script_send(&c, "R seq=5");
	script_send(&c, "R. seq=5 ack=1");
	script_expect_nothing(&s);
	ck_assert_uint_eq(s.stack->count.no_flow, 5);
	ck_assert_uint_eq(s.stack->count.tcp_resets, 3);
	ck_assert_uint_eq(s.host.n_socks, 0);
	script_end(&s);
}
END_TEST

/* Options that lie about their length end the reading, and nothing else. */
START_TEST(test_options)
{
	static const struct {
		uint8_t bytes[8];
		uint16_t mss;
		uint8_t scale;
	} cases[] = {
		{{TCPOPT_MAXSEG, 4, 5, 0, TCPOPT_NOP, TCPOPT_WINDOW, 3, 9},
		 1280,
		 9},
		{{TCPOPT_WINDOW, 3, 255, TCPOPT_EOL, TCPOPT_MAXSEG, 4, 5, 0},
		 536,
		 14},
		{{TCPOPT_MAXSEG, 0, 5, 0, TCPOPT_NOP, TCPOPT_WINDOW, 3, 9},
		 536,
		 0},
		{{TCPOPT_NOP, TCPOPT_NOP, TCPOPT_NOP, TCPOPT_NOP, TCPOPT_NOP,
		  TCPOPT_NOP, TCPOPT_NOP, TCPOPT_MAXSEG},
		 536,
		 0},
		{{TCPOPT_NOP, TCPOPT_NOP, TCPOPT_NOP, TCPOPT_NOP, TCPOPT_NOP,
		  TCPOPT_MAXSEG, 4, 5},
		 536,
		 0},
		{{TCPOPT_MAXSEG, 4, 0, 1, 99, 4, 0, 0}, CSM_TCP_MSS_MIN, 0},
		{{TCPOPT_MAXSEG, 4, 255, 255, TCPOPT_EOL}, 1460, 0},
	};
	struct csm_in in = {
		.l4_at = NET_ETHERNET_LEN + NET_IPV4_LEN_MIN,
		.l4_len = NET_TCP_LEN_MIN + 8,
		.protocol = 6,
		.src_port = 4000,
		.dst_port = 80,
	};
	const struct csm_tcp *tcp;
	uint8_t *at = in.head + in.l4_at;

	script_begin(&s, 0);
	in.src = s.guest4;
	in.dst = s.far4;
	at[13] = TH_SYN;
	memcpy(at + NET_TCP_LEN_MIN, cases[_i].bytes, 8);
	csm_tcp_input(s.stack, &in);
	ck_assert_uint_eq(s.stack->n_half_open, 1);
	tcp = container_of(s.stack->half_open.next, struct csm_tcp, half_open);
	ck_assert_uint_eq(tcp->mss, cases[_i].mss);
	ck_assert_uint_eq(tcp->scale, cases[_i].scale);
	ck_assert_int_eq(tcp->scaled, cases[_i].scale != 0);
	script_end(&s);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("csm_tcp_guard");
	TCase *tc = tcase_create("guard");

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, test_outside, 0, 4);
	tcase_add_test(tc, test_outside_limited);
	tcase_add_loop_test(tc, test_guests_keepalive, 0, 2);
	tcase_add_test(tc, test_reset_in_window);
	tcase_add_test(tc, test_reset_outside);
	tcase_add_test(tc, test_reset_storm);
	tcase_add_loop_test(tc, test_syn_in_window, 0, 4);
	tcase_add_loop_test(tc, test_bad_ack, 0, 3);
	tcase_add_test(tc, test_old_ack);
	tcase_add_test(tc, test_ack_at_closed_window);
	tcase_add_loop_test(tc, test_flags, 0, 6);
	tcase_add_test(tc, test_no_connection);
	tcase_add_loop_test(tc, test_options, 0, 7);
	suite_add_tcase(suite, tc);
	return test_run(suite);
}
