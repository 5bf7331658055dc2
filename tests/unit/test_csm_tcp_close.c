/* SPDX-License-Identifier: MIT */
/*
 * How TCP connections of consomme end: half-closed one way and the other, at
 * once, by resets, by silence.
 */
#include "backends/consomme/tcp_life.h"
#include "support/csm_script.h"
#include "support/run.h"

#include <check.h>
#include <errno.h>

static struct script s;
static struct script_tcp c;

static void begin(unsigned int mode)
{
	script_begin(&s, mode);
	script_tcp(&s, &c, 80);
	script_open(&c);
}

static void check_ended(bool reset)
{
	script_expect_nothing(&s);
	ck_assert_uint_eq(s.stack->flows.n, 0);
	ck_assert_uint_eq(s.host.n_open, 0);
	ck_assert_int_eq(c.sock->rst, reset);
	script_end(&s);
}

static const char *state(void)
{
	struct list *node =
		list_first(&s.stack->flows.kinds[CSM_FLOW_TCP].by_use);

	ck_assert_ptr_nonnull(node);
	return csm_flow_state(container_of(node, struct csm_flow, by_use));
}

/* Each of the tests below in all ways of the rig. */
#define MODES_V4V6_RING 4
static unsigned int mode_of(int i)
{
	return (i & 1 ? SCRIPT_RING : 0) | (i & 2 ? SCRIPT_V6 : 0);
}

START_TEST(test_guest_closes_first)
{
	begin(mode_of(_i));
	ck_assert_str_eq(state(), "established");
	script_send(&c, "F. len=100");
	script_expect(&c, ". ack=102 len=0");
	script_host_got(&c, 100);
	ck_assert(c.sock->shut);
	ck_assert_str_eq(state(), "closed-by-guest");
	/* The other direction goes on. */
	script_host_send(&c, 3000);
	script_run(&s);
	ck_assert_uint_eq(script_collect(&c), 3000);
	script_send(&c, ".");
	script_host_fin(&c);
	script_run(&s);
	script_expect(&c, "F. seq=3001 ack=102");
	ck_assert_str_eq(state(), "closing");
	script_send(&c, ". ack=3002");
	check_ended(false);
}
END_TEST

START_TEST(test_host_closes_first)
{
	begin(mode_of(_i));
	script_host_send(&c, 500);
	script_host_fin(&c);
	script_run(&s);
	ck_assert_uint_eq(script_collect(&c), 500);
	ck_assert_str_eq(state(), "closed-by-host");
	script_send(&c, ". ack=502");
	script_expect_nothing(&s);
	script_send(&c, ". len=700");
	script_expect(&c, ". ack=701");
	script_host_got(&c, 700);
	ck_assert(!c.sock->shut);
	script_send(&c, "F.");
	script_expect(&c, ". ack=702");
	ck_assert(c.sock->shut);
	check_ended(false);
}
END_TEST

/* Both FINs are under way at the same time. */
START_TEST(test_both_close)
{
	begin(mode_of(_i));
	script_host_fin(&c);
	script_run(&s);
	script_expect(&c, "F. seq=1 ack=1");
	script_send(&c, "F. seq=1 ack=1");
	script_expect(&c, ". seq=2 ack=2");
	ck_assert_uint_eq(s.stack->flows.n, 1);
	script_send(&c, ". seq=2 ack=2");
	check_ended(false);
}
END_TEST

/* The last words, both FINs' acknowledgements and the bytes before. */
START_TEST(test_all_in_one)
{
	begin(mode_of(_i));
	script_host_send(&c, 10);
	script_host_fin(&c);
	script_run(&s);
	ck_assert_uint_eq(script_collect(&c), 10);
	script_send(&c, "F. len=20 ack=12");
	script_expect(&c, ". seq=12 ack=22");
	script_host_got(&c, 20);
	ck_assert(c.sock->shut);
	check_ended(false);
}
END_TEST

/* The last acknowledgement is of bytes too: none may be left in the socket. */
START_TEST(test_last_ack)
{
	begin(mode_of(_i));
	script_send(&c, "F.");
	script_expect(&c, ". ack=2");
	script_host_send(&c, 10);
	script_host_fin(&c);
	ck_assert_uint_eq(script_collect(&c), 10);
	script_send(&c, ". ack=12");
	check_ended(false);
}
END_TEST

/* The guest's FIN was not acknowledged in time: it comes again. */
START_TEST(test_fin_again)
{
	begin(0);
	script_send(&c, "F. len=5");
	script_expect(&c, ". ack=7");
	script_send(&c, "F. seq=1 len=5");
	script_expect(&c, ". ack=7");
	script_host_got(&c, 5);
	script_host_fin(&c);
	script_run(&s);
	script_expect(&c, "F. seq=1");
	script_send(&c, ". seq=7 ack=2");
	check_ended(false);
}
END_TEST

/* The flow has ended before the guest knows: a reset is all it can be told. */
START_TEST(test_fin_after_the_end)
{
	begin(0);
	script_host_fin(&c);
	script_run(&s);
	script_expect(&c, "F.");
	script_send(&c, "F. ack=2");
	script_expect(&c, ". ack=2");
	script_send(&c, "F. seq=1 ack=2");
	script_expect(&c, "R seq=2");
	check_ended(false);
}
END_TEST

/* The FIN has to wait until all before it is in the socket. */
START_TEST(test_fin_behind_spill)
{
	begin(0);
	c.sock->sndbuf = 1000;
	script_send(&c, "F. len=5000");
	script_expect(&c, ". ack=5002");
	ck_assert(!c.sock->shut);
	for (unsigned int got = 0; got < 5000; got += 1000) {
		script_host_got(&c, 1000);
		script_run(&s);
	}
	ck_assert(c.sock->shut);
	script_end(&s);
}
END_TEST

START_TEST(test_guest_resets)
{
	begin(mode_of(_i));
	script_host_send(&c, 4000);
	script_run(&s);
	(void)script_collect(&c);
	script_send(&c, "R. seq=1");
	check_ended(true);
}
END_TEST

/* A reset after data, in one burst: the data have come before. */
START_TEST(test_guest_resets_after_data)
{
	begin(0);
	script_send(&c, "+ . len=1000");
	script_send(&c, "R. seq=1001");
	ck_assert_uint_eq(c.sock->out.total, 1000);
	script_forget(&s);
	check_ended(true);
}
END_TEST

START_TEST(test_peer_resets)
{
	begin(mode_of(_i));
	script_host_reset(&c);
	script_run(&s);
	script_expect(&c, "R. seq=1 ack=1 len=0");
	check_ended(false);
}
END_TEST

/* What the peer has sent before its reset is not lost. */
START_TEST(test_peer_resets_after_data)
{
	begin(mode_of(_i));
	script_host_send(&c, 2000);
	script_host_reset(&c);
	script_run(&s);
	ck_assert_uint_eq(script_expect(&c, ". seq=1 len=2000"), 2000);
	script_expect(&c, "R. seq=2001 ack=1 len=0");
	check_ended(false);
}
END_TEST

START_TEST(test_peer_resets_after_fin)
{
	begin(mode_of(_i));
	script_host_fin(&c);
	script_run(&s);
	script_expect(&c, "F. seq=1");
	script_send(&c, ". ack=2");
	script_host_reset(&c);
	script_run(&s);
	script_expect(&c, "R. seq=2 ack=1");
	check_ended(false);
}
END_TEST

/* So is what came before both its FIN and its reset. */
START_TEST(test_peer_resets_at_once_after_fin)
{
	begin(mode_of(_i));
	c.win = 1024;
	script_send(&c, ".");
	script_host_send(&c, 2048);
	fake_sock_eof(c.sock);
	script_host_reset(&c);
	ck_assert_uint_eq(script_expect(&c, ". seq=1 len=1024"), 1024);
	script_send(&c, ".");
	ck_assert_uint_eq(script_expect(&c, ". seq=1025 len=1024"), 1024);
	script_send(&c, ".");
	script_expect(&c, "F. seq=2049 ack=1");
	script_expect_nothing(&s);
	script_send(&c, ".");
	script_expect(&c, "R. seq=2050 ack=1");
	check_ended(false);
}
END_TEST

/* The guest has said all and forgotten: what the socket has of it goes on. */
START_TEST(test_guest_resets_after_fin)
{
	begin(mode_of(_i));
	script_send(&c, "F. len=1000");
	script_expect(&c, ". ack=1002");
	script_send(&c, "R. seq=1002");
	check_ended(false);
}
END_TEST

/* The guest sends to somebody who has gone. */
START_TEST(test_send_fails)
{
	begin(0);
	s.host.fail[FAKE_SEND].err = EPIPE;
	s.host.fail[FAKE_SEND].times = 1;
	script_send(&c, ". len=10");
	script_expect(&c, "R.");
	check_ended(true);
}
END_TEST

/* Evicted, or the network goes: the guest is told by one reset. */
START_TEST(test_cut)
{
	begin(0);
	script_send(&c, ". len=9");
	script_expect(&c, ". ack=10");
	csm_tcp_cut(container_of(
		list_first(&s.stack->flows.kinds[CSM_FLOW_TCP].by_use),
		struct csm_flow, by_use));
	script_run(&s);
	script_expect(&c, "R. seq=1 ack=10 len=0");
	check_ended(true);
}
END_TEST

/* A guest that is there answers, however long it has been silent; one that has
 * gone is given up. */
START_TEST(test_keepalive)
{
	begin(0);
	script_wait(&s, CSM_TCP_KEEP_IDLE - SCRIPT_SEC);
	script_expect_nothing(&s);
	script_wait(&s, 2 * SCRIPT_SEC);
	script_expect(&c, ". seq=0 ack=1 len=0");
	script_send(&c, ". ack=1");
	script_wait(&s, CSM_TCP_KEEP_IDLE - SCRIPT_SEC);
	script_expect_nothing(&s);
	script_wait(&s, 2 * SCRIPT_SEC);
	script_expect(&c, ". seq=0 ack=1 len=0");
	for (unsigned int i = 1; i < CSM_TCP_KEEP_PROBES; i++) {
		script_wait(&s, CSM_TCP_KEEP_INTERVAL + SCRIPT_SEC);
		script_expect(&c, ". seq=0 ack=1 len=0");
	}
	script_wait(&s, CSM_TCP_KEEP_INTERVAL + SCRIPT_SEC);
	script_expect(&c, "R.");
	check_ended(true);
}
END_TEST

/* The guest has closed and forgotten, the host does not close. */
START_TEST(test_keepalive_half_closed)
{
	begin(0);
	script_send(&c, "F.");
	script_expect(&c, ". ack=2");
	script_wait(&s, CSM_TCP_KEEP_HALF + SCRIPT_SEC);
	script_expect(&c, ". seq=0 ack=2 len=0");
	script_send(&c, "R seq=2");
	check_ended(false);
}
END_TEST

/* The host has closed, the guest knows it and is never heard of again. */
START_TEST(test_keepalive_closed_by_host)
{
	begin(0);
	script_wait(&s, 60 * SCRIPT_SEC);
	script_host_fin(&c);
	script_expect(&c, "F. seq=1");
	script_send(&c, ". ack=2");
	script_wait(&s, CSM_TCP_KEEP_HALF + SCRIPT_SEC);
	for (unsigned int i = 0; i < CSM_TCP_KEEP_PROBES; i++) {
		script_expect(&c, ". seq=1 ack=1 len=0");
		script_wait(&s, CSM_TCP_KEEP_INTERVAL + SCRIPT_SEC);
	}
	script_expect(&c, "R.");
	check_ended(true);
}
END_TEST

/* Our FIN is never acknowledged: no flow stays for ever. */
START_TEST(test_fin_never_acked)
{
	begin(mode_of(_i));
	script_host_fin(&c);
	script_run(&s);
	script_expect(&c, "F. seq=1");
	script_wait(&s, 3600 * SCRIPT_SEC);
	ck_assert_uint_gt(s.n_frames, 3);
	script_forget(&s);
	check_ended(true);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("csm_tcp_close");
	TCase *tc = tcase_create("close");

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, test_guest_closes_first, 0, MODES_V4V6_RING);
	tcase_add_loop_test(tc, test_host_closes_first, 0, MODES_V4V6_RING);
	tcase_add_loop_test(tc, test_both_close, 0, MODES_V4V6_RING);
	tcase_add_loop_test(tc, test_all_in_one, 0, MODES_V4V6_RING);
	tcase_add_loop_test(tc, test_last_ack, 0, MODES_V4V6_RING);
	tcase_add_test(tc, test_fin_again);
	tcase_add_test(tc, test_fin_after_the_end);
	tcase_add_test(tc, test_fin_behind_spill);
	tcase_add_loop_test(tc, test_guest_resets, 0, MODES_V4V6_RING);
	tcase_add_test(tc, test_guest_resets_after_data);
	tcase_add_loop_test(tc, test_peer_resets, 0, MODES_V4V6_RING);
	tcase_add_loop_test(tc, test_peer_resets_after_data, 0,
			    MODES_V4V6_RING);
	tcase_add_loop_test(tc, test_peer_resets_after_fin, 0, MODES_V4V6_RING);
	tcase_add_loop_test(tc, test_peer_resets_at_once_after_fin, 0,
			    MODES_V4V6_RING);
	tcase_add_loop_test(tc, test_guest_resets_after_fin, 0,
			    MODES_V4V6_RING);
	tcase_add_test(tc, test_send_fails);
	tcase_add_test(tc, test_cut);
	tcase_add_test(tc, test_keepalive);
	tcase_add_test(tc, test_keepalive_half_closed);
	tcase_add_test(tc, test_keepalive_closed_by_host);
	tcase_add_loop_test(tc, test_fin_never_acked, 0, MODES_V4V6_RING);
	suite_add_tcase(suite, tc);
	return test_run(suite);
}
