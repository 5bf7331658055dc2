/* SPDX-License-Identifier: MIT */
/*
 * What is sent to a guest again, when, and how often; and what a guest whose
 * window is closed is asked. Each test runs by peeking and with a ring.
 */
#include "support/csm_script.h"
#include "support/run.h"

#include <check.h>

static struct script s;
static struct script_tcp c;

static void begin(int i)
{
	script_prepare(&s, i ? SCRIPT_RING : 0);
	s.config.ipv6 = false; /* no router advertisements */
	script_start(&s);
	script_tcp(&s, &c, 80);
	script_open(&c);
}

static struct csm_tcp *flow(void)
{
	struct list *node =
		list_first(&s.stack->flows.kinds[CSM_FLOW_TCP].by_use);

	ck_assert_ptr_nonnull(node);
	return csm_tcp_of(container_of(node, struct csm_flow, by_use));
}

/* Has the path measured: the timeout is the least from here on. */
static void measure(void)
{
	script_host_send(&c, 1);
	script_expect(&c, ". seq=1 len=1");
	script_wait(&s, SCRIPT_MS);
	script_send(&c, ".");
	script_expect_nothing(&s);
}

/* When something comes again, from now on, in ms; at most @max. */
static uint64_t ms_until_frame(uint64_t max)
{
	uint64_t begun = s.host.now;

	while (!s.n_frames && s.host.now < begun + max * SCRIPT_MS)
		script_wait(&s, SCRIPT_MS);
	ck_assert_msg(s.n_frames, "nothing came in %lu ms", max);
	return (s.host.now - begun) / SCRIPT_MS;
}

/* The first timeout is a second, the next ones twice as long, up to a minute,
 * and then the guest is given up. */
START_TEST(test_timeout)
{
	uint64_t expected = 1000, ms;

	begin(_i);
	script_host_send(&c, 3000);
	script_expect(&c, ". seq=1 len=3000");
	for (int i = 0; i < 12; i++) {
		ms = ms_until_frame(70000);
		ck_assert_uint_ge(ms, expected);
		ck_assert_uint_le(ms, expected + 4);
		script_expect(&c, ". seq=1 len=3000");
		script_expect_nothing(&s);
		expected = MIN(2 * expected, UINT64_C(60000));
	}
	(void)ms_until_frame(70000);
	script_expect(&c, "R. seq=3001");
	ck_assert_uint_eq(s.stack->flows.n, 0);
	ck_assert(c.sock->rst);
	script_end(&s);
}
END_TEST

/* On a path that has been measured the timeout is 200 ms; an answer sets it
 * back to that. */
START_TEST(test_timeout_measured)
{
	uint64_t ms;

	begin(_i);
	measure();
	script_host_send(&c, 100);
	script_expect(&c, ". seq=2 len=100");
	ms = ms_until_frame(1000);
	ck_assert(ms >= 200 && ms <= 204);
	script_expect(&c, ". seq=2 len=100");
	ms = ms_until_frame(1000);
	ck_assert(ms >= 400 && ms <= 404);
	script_expect(&c, ". seq=2 len=100");
	script_send(&c, ".");
	script_host_send(&c, 100);
	script_expect(&c, ". seq=102 len=100");
	ms = ms_until_frame(1000);
	ck_assert(ms >= 200 && ms <= 204);
	script_end(&s);
}
END_TEST

/* A slow guest is not sent everything twice. */
START_TEST(test_timeout_adapts)
{
	begin(_i);
	for (int i = 0; i < 10; i++) {
		script_host_send(&c, 100);
		script_expect(&c, ". len=100");
		script_wait(&s, 500 * SCRIPT_MS);
		script_send(&c, ".");
	}
	script_expect_nothing(&s);
	ck_assert_uint_eq(s.stack->count.tcp_retransmits, 0);
	script_end(&s);
}
END_TEST

/* Each acknowledgement gives the rest its time anew. */
START_TEST(test_timeout_starts_again)
{
	begin(_i);
	measure();
	script_host_send(&c, 1000);
	script_expect(&c, ". seq=2 len=1000");
	for (uint32_t i = 1; i < 10; i++) {
		script_wait(&s, 150 * SCRIPT_MS);
		script_expect_nothing(&s);
		script_send(&c, ". ack=%u", 2 + 100 * i);
	}
	script_wait(&s, 205 * SCRIPT_MS);
	script_expect(&c, ". seq=902 len=100");
	script_end(&s);
}
END_TEST

START_TEST(test_duplicate_acks)
{
	begin(_i);
	script_host_send(&c, 10000);
	script_expect(&c, ". seq=1 len=10000");
	script_send(&c, "+ . ack=1");
	script_send(&c, ". ack=1");
	script_expect_nothing(&s);
	script_send(&c, ". ack=1");
	script_expect(&c, ". seq=1 len=10000");
	/* More of them bring no more. */
	for (int i = 0; i < 20; i++)
		script_send(&c, ". ack=1");
	script_expect_nothing(&s);
	/* Nor do those that what came twice causes. */
	script_send(&c, ". ack=5001");
	for (int i = 0; i < 20; i++)
		script_send(&c, ". ack=5001");
	script_expect_nothing(&s);
	/* After that it is as before. */
	script_send(&c, ". ack=10001");
	script_host_send(&c, 100);
	script_expect(&c, ". seq=10001 len=100");
	for (int i = 0; i < 3; i++)
		script_send(&c, ". ack=10001");
	script_expect(&c, ". seq=10001 len=100");
	script_end(&s);
}
END_TEST

/* What looks like a duplicate and is none. */
START_TEST(test_not_duplicate)
{
	begin(_i);
	script_host_send(&c, 100);
	script_expect(&c, ". seq=1 len=100");
	for (uint32_t i = 0; i < 10; i++) {
		script_send(&c, ". ack=1 len=10");
		script_expect(&c, ". ack=%u len=0", 11 + 10 * i);
	}
	for (uint32_t i = 0; i < 10; i++)
		script_send(&c, ". ack=1 win=%u", 65536 - 128 * i);
	script_expect_nothing(&s);
	script_send(&c, ".");
	for (int i = 0; i < 10; i++)
		script_send(&c, ".");
	script_expect_nothing(&s);
	script_end(&s);
}
END_TEST

/* The guest had the rest: only the hole is filled. */
START_TEST(test_hole)
{
	begin(_i);
	script_send(&c, ". win=2944");
	script_host_send(&c, 100000);
	script_expect(&c, ". seq=1 len=2880");
	for (int i = 0; i < 3; i++)
		script_send(&c, ". ack=1 win=2944");
	script_expect(&c, ". seq=1 len=2880");
	script_send(&c, ". ack=1441 win=2944");
	script_expect(&c, ". seq=2881 len=1440");
	script_send(&c, ". ack=4321 win=1440");
	script_expect(&c, ". seq=4321 len=1408");
	script_end(&s);
}
END_TEST

/* An acknowledgement beyond where resending has come to is where it goes on. */
START_TEST(test_ack_overtakes)
{
	begin(_i);
	script_host_send(&c, 10000);
	script_expect(&c, ". seq=1 len=10000");
	script_send(&c, ". ack=1 win=0");
	script_wait(&s, 1100 * SCRIPT_MS);
	script_expect(&c, ". seq=0 len=0");
	script_send(&c, ". ack=7001 win=0");
	script_expect_nothing(&s);
	script_send(&c, ". ack=7001");
	script_expect(&c, ". seq=7001 len=3000");
	script_send(&c, ".");
	script_host_send(&c, 100);
	script_expect(&c, ". seq=10001 len=100");
	script_end(&s);
}
END_TEST

START_TEST(test_fin_again)
{
	begin(_i);
	script_host_send(&c, 100);
	script_host_fin(&c);
	script_expect(&c, ". seq=1 len=100");
	script_expect(&c, "F. seq=101 len=0");
	script_wait(&s, 1010 * SCRIPT_MS);
	script_expect(&c, ". seq=1 len=100");
	script_expect(&c, "F. seq=101 len=0");
	script_send(&c, ". ack=101");
	script_expect_nothing(&s);
	script_wait(&s, 1010 * SCRIPT_MS);
	script_expect(&c, "F. seq=101 len=0");
	script_send(&c, ". ack=102");
	script_wait(&s, 70 * SCRIPT_SEC);
	script_expect_nothing(&s);
	script_end(&s);
}
END_TEST

/* A closed window is asked about, less and less often, for as long as the guest
 * answers. */
START_TEST(test_probe)
{
	uint64_t expected = 200, ms;

	begin(_i);
	measure();
	script_send(&c, ". win=0");
	script_host_send(&c, 100);
	for (int i = 0; i < 40; i++) {
		ms = ms_until_frame(70000);
		ck_assert_uint_ge(ms, expected);
		ck_assert_uint_le(ms, expected + 4);
		script_expect(&c, ". seq=1 ack=1 len=0");
		script_expect_nothing(&s);
		script_send(&c, ". win=0");
		expected = MIN(2 * expected, UINT64_C(60000));
	}
	script_send(&c, ".");
	script_expect(&c, "P. seq=2 len=100");
	script_wait(&s, 195 * SCRIPT_MS);
	script_expect_nothing(&s);
	script_wait(&s, 10 * SCRIPT_MS);
	script_expect(&c, "P. seq=2 len=100");
	script_end(&s);
}
END_TEST

/* A guest that does not answer is gone. */
START_TEST(test_probe_unanswered)
{
	begin(_i);
	script_send(&c, ". win=0");
	script_host_send(&c, 100);
	for (int i = 0; i < 12; i++) {
		(void)ms_until_frame(70000);
		script_expect(&c, ". seq=0 len=0");
	}
	(void)ms_until_frame(70000);
	script_expect(&c, "R. seq=1");
	ck_assert_uint_eq(s.stack->flows.n, 0);
	script_end(&s);
}
END_TEST

/* The window closes over data that are under way, and the guest has dropped
 * them. */
START_TEST(test_closed_over_data)
{
	begin(_i);
	script_host_send(&c, 10000);
	script_expect(&c, ". seq=1 len=10000");
	script_send(&c, ". ack=5001 win=0");
	script_wait(&s, 1100 * SCRIPT_MS);
	script_expect(&c, ". seq=5000 len=0");
	script_send(&c, ". ack=5001 win=0");
	script_expect_nothing(&s);
	script_send(&c, ". ack=5001");
	script_expect(&c, ". seq=5001 len=5000");
	script_end(&s);
}
END_TEST

/* Nothing to send: nobody asks. */
START_TEST(test_closed_and_idle)
{
	begin(_i);
	script_send(&c, ". win=0");
	script_wait(&s, 600 * SCRIPT_SEC);
	script_expect_nothing(&s);
	script_end(&s);
}
END_TEST

/* An idle connection does nothing at all. */
START_TEST(test_idle)
{
	begin(_i);
	measure();
	script_wait(&s, SCRIPT_SEC);
	ck_assert(!csm_timer_is_set(&flow()->rto_timer));
	script_wait(&s, 3600 * SCRIPT_SEC);
	script_expect_nothing(&s);
	script_end(&s);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("csm_tcp_resend");
	TCase *tc = tcase_create("resend");

	tcase_set_timeout(tc, 120);
	tcase_add_loop_test(tc, test_timeout, 0, 2);
	tcase_add_loop_test(tc, test_timeout_measured, 0, 2);
	tcase_add_loop_test(tc, test_timeout_adapts, 0, 2);
	tcase_add_loop_test(tc, test_timeout_starts_again, 0, 2);
	tcase_add_loop_test(tc, test_duplicate_acks, 0, 2);
	tcase_add_loop_test(tc, test_not_duplicate, 0, 2);
	tcase_add_loop_test(tc, test_hole, 0, 2);
	tcase_add_loop_test(tc, test_ack_overtakes, 0, 2);
	tcase_add_loop_test(tc, test_fin_again, 0, 2);
	tcase_add_loop_test(tc, test_probe, 0, 2);
	tcase_add_loop_test(tc, test_probe_unanswered, 0, 2);
	tcase_add_loop_test(tc, test_closed_over_data, 0, 2);
	tcase_add_loop_test(tc, test_closed_and_idle, 0, 2);
	tcase_add_loop_test(tc, test_idle, 0, 2);
	suite_add_tcase(suite, tc);
	return test_run(suite);
}
