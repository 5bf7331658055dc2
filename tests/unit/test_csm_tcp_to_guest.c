/* SPDX-License-Identifier: MIT */
/*
 * TCP data from the host to the guest: how they are cut, how much of them goes,
 * what is thrown away and when. Each test runs by peeking and with a ring.
 */
#include "support/csm_script.h"
#include "support/run.h"

#include <check.h>
#include <errno.h>

static struct script s;
static struct script_tcp c;

/* The modes that loop tests go through. */
static const unsigned int modes[] = {0, SCRIPT_RING, SCRIPT_V6,
				     SCRIPT_V6 | SCRIPT_RING};

#define N_MODES ((int)ARRAY_SIZE(modes))

static void begin_with(unsigned int mode)
{
	script_begin(&s, mode);
	script_tcp(&s, &c, 80);
	script_open(&c);
}

static void begin(int i)
{
	begin_with(modes[i]);
}

static struct csm_tcp *flow(void)
{
	struct list *node =
		list_first(&s.stack->flows.kinds[CSM_FLOW_TCP].by_use);

	ck_assert_ptr_nonnull(node);
	return csm_tcp_of(container_of(node, struct csm_flow, by_use));
}

/* Nothing is kept anywhere. */
static void check_all_gone(void)
{
	ck_assert_uint_eq(c.sock->in.len, 0);
	ck_assert_ptr_null(flow()->ring.bytes);
	ck_assert_uint_eq(flow()->flow.in, c.given);
}

START_TEST(test_segment)
{
	begin(_i);
	script_host_send(&c, 100);
	script_expect(&c, "P. seq=1 ack=1 len=100 gso=0");
	script_expect_nothing(&s);
	script_send(&c, ".");
	script_expect_nothing(&s);
	check_all_gone();
	script_end(&s);
}
END_TEST

/* One frame for the guest to take whole, as large as IP has it. */
START_TEST(test_large_frames)
{
	begin(_i);
	script_host_send(&c, 100000);
	script_expect(&c, ". seq=1 len=%d gso=1440", 45 * 1440);
	script_expect(&c, ". len=%d gso=1440", 100000 - 45 * 1440);
	script_expect_nothing(&s);
	script_send(&c, ".");
	check_all_gone();
	script_end(&s);
}
END_TEST

START_TEST(test_no_large_frames)
{
	begin_with(modes[_i] | SCRIPT_NO_GSO);
	script_host_send(&c, 100000);
	for (int i = 0; i < 69; i++)
		script_expect(&c, ". len=1440 gso=0");
	script_expect(&c, ". len=640");
	script_expect_nothing(&s);
	script_send(&c, ".");
	check_all_gone();
	script_end(&s);
}
END_TEST

/* Who fills frames gets a larger buffer, once, and waits for no more bytes than
 * before. */
START_TEST(test_buffer_grows)
{
	size_t options;

	begin(0);
	script_host_send(&c, 20000);
	ck_assert_uint_eq(script_collect(&c), 20000);
	ck_assert_int_eq(fake_sock_option(c.sock, SOL_SOCKET, SO_RCVLOWAT, -1),
			 -1);
	options = c.sock->n_options;
	for (int i = 0; i < 3; i++) {
		script_send(&c, ".");
		script_host_send(&c, 60000);
		ck_assert_uint_eq(script_collect(&c), 60000);
	}
	ck_assert_int_eq(fake_sock_option(c.sock, SOL_SOCKET, SO_RCVLOWAT, -1),
			 1);
	ck_assert_uint_eq(c.sock->n_options, options + 2);
	script_end(&s);
}
END_TEST

/* A byte at a time is a segment at a time. */
START_TEST(test_bytes)
{
	begin(_i);
	for (int i = 0; i < 50; i++) {
		script_host_send(&c, 1);
		script_expect(&c, ". len=1");
	}
	script_send(&c, ".");
	check_all_gone();
	script_end(&s);
}
END_TEST

/* What the guest acknowledges need not be where a segment ended. */
START_TEST(test_acked_in_pieces)
{
	begin(_i);
	script_host_send(&c, 30000);
	ck_assert_uint_eq(script_collect(&c), 30000);
	for (uint32_t ack = 8; ack < 30000; ack += 777) {
		script_send(&c, "+ . ack=%u", ack);
		script_send(&c, ". ack=%u", ack + 5);
	}
	script_host_send(&c, 1000);
	ck_assert_uint_eq(script_collect(&c), 1000);
	script_send(&c, ".");
	check_all_gone();
	script_end(&s);
}
END_TEST

/* The acknowledgements of a burst throw away once. */
START_TEST(test_one_discard)
{
	unsigned int before;

	begin(0);
	script_host_send(&c, 100000);
	ck_assert_uint_eq(script_collect(&c), 100000);
	before = c.sock->recvs;
	for (uint32_t ack = 1000; ack < 100000; ack += 1000)
		script_send(&c, "+ . ack=%u", ack);
	script_send(&c, ".");
	ck_assert_uint_eq(c.sock->recvs, before + 1);
	check_all_gone();
	script_end(&s);
}
END_TEST

/* A read that has emptied the socket is the last before an edge. */
START_TEST(test_no_idle_reads)
{
	unsigned int before;

	begin(0);
	before = c.sock->recvs;
	script_host_send(&c, 100);
	script_expect(&c, ". len=100");
	ck_assert_uint_eq(c.sock->recvs, before + 1);
	script_send(&c, ".");
	ck_assert_uint_eq(c.sock->recvs, before + 2);
	script_end(&s);
}
END_TEST

/* The kernel moves the peek offset as we expect; it is not told each time. */
START_TEST(test_offset_follows)
{
	uint64_t before;

	begin(0);
	before = s.host.calls[FAKE_SET];
	for (int i = 0; i < 10; i++) {
		script_host_send(&c, 10000);
		ck_assert_uint_eq(script_collect(&c), 10000);
		script_send(&c, ". ack=%u", c.rcv - 5000);
	}
	ck_assert_uint_eq(s.host.calls[FAKE_SET], before);
	script_end(&s);
}
END_TEST

START_TEST(test_window)
{
	begin(_i);
	script_send(&c, ". win=5120");
	script_host_send(&c, 100000);
	/* Whole segments; the rest of the window is less than one. */
	script_expect(&c, ". seq=1 len=4320 gso=1440");
	script_expect_nothing(&s);
	script_send(&c, ". ack=1441 win=3680");
	script_expect_nothing(&s);
	script_send(&c, ". ack=1441 win=5120");
	script_expect(&c, ". seq=4321 len=1440");
	script_expect_nothing(&s);
	script_send(&c, ". win=0");
	script_expect_nothing(&s);
	script_send(&c, ". win=1048576");
	ck_assert_uint_eq(script_collect(&c), 100000 - 5760);
	script_send(&c, ".");
	check_all_gone();
	script_end(&s);
}
END_TEST

/* A window that never holds a segment is used when nothing is under way. */
START_TEST(test_small_window)
{
	begin(_i);
	script_send(&c, ". win=128");
	script_host_send(&c, 1000);
	for (uint32_t i = 0; i < 7; i++) {
		script_expect(&c, ". seq=%u len=128", 1 + i * 128);
		script_expect_nothing(&s);
		script_send(&c, ". win=128");
	}
	script_expect(&c, "P. len=104");
	script_send(&c, ".");
	check_all_gone();
	script_end(&s);
}
END_TEST

/* A guest that takes back what it has told: nothing beyond it, and nothing is
 * lost. */
START_TEST(test_window_shrinks)
{
	begin(_i);
	script_host_send(&c, 50000);
	ck_assert_uint_eq(script_collect(&c), 50000);
	script_send(&c, ". ack=1 win=2048");
	script_host_send(&c, 50000);
	script_expect_nothing(&s);
	/* It has thrown all away; the timeout brings it again. */
	c.rcv = 1;
	script_wait(&s, 2 * SCRIPT_SEC);
	script_expect(&c, ". seq=1 len=1440");
	script_send(&c, ". win=2048");
	script_expect(&c, ". seq=1441 len=1440");
	script_send(&c, ". win=1048576");
	ck_assert_uint_eq(script_collect(&c), 100000 - 2880);
	script_send(&c, ".");
	check_all_gone();
	script_end(&s);
}
END_TEST

/* An acknowledgement without data has a number that the guest accepts, also
 * when its window has shrunk below what was sent. */
START_TEST(test_ack_in_shrunk_window)
{
	begin(_i);
	script_host_send(&c, 50000);
	ck_assert_uint_eq(script_collect(&c), 50000);
	script_send(&c, "P. ack=1 win=1280 len=10");
	script_expect(&c, ". seq=1281 ack=11 len=0");
	script_send(&c, "P. ack=1 win=1048576 len=10");
	script_expect(&c, ". seq=50001 ack=21 len=0");
	script_end(&s);
}
END_TEST

/* Data that answer a request acknowledge it. */
START_TEST(test_piggyback)
{
	begin(_i);
	script_send(&c, "+ P. len=10");
	fake_sock_deliver(c.sock, &(uint8_t){script_byte(c.given++, true)}, 1);
	csm_stack_events(s.stack);
	script_run(&s);
	script_expect(&c, "P. seq=1 ack=11 len=1");
	script_expect_nothing(&s);
	script_end(&s);
}
END_TEST

/* A server that speaks first, before the guest's handshake is done. */
START_TEST(test_banner)
{
	script_begin(&s, modes[_i]);
	script_tcp(&s, &c, 80);
	script_send(&c, "S win=65535 mss=1440 ws=7");
	c.sock = fake_host_last(&s.host);
	fake_sock_accept(c.sock);
	script_host_send(&c, 100);
	script_expect(&c, "S.");
	script_expect_nothing(&s);
	script_send(&c, ".");
	script_expect(&c, "P. seq=1 len=100");
	script_end(&s);
}
END_TEST

START_TEST(test_end)
{
	begin(_i);
	script_host_send(&c, 100000);
	script_host_fin(&c);
	ck_assert_uint_eq(script_collect(&c), 100000);
	ck_assert(flow()->fin_out);
	ck_assert_uint_eq(c.rcv, 100002);
	script_send(&c, ". ack=100001");
	script_expect_nothing(&s);
	script_send(&c, ".");
	ck_assert(flow()->fin_acked);
	check_all_gone();
	script_send(&c, "F.");
	script_expect(&c, ". seq=100002 ack=2");
	ck_assert_uint_eq(s.stack->flows.n, 0);
	script_end(&s);
}
END_TEST

/* Data and the end in one edge. */
START_TEST(test_end_with_data)
{
	uint8_t byte;

	begin(_i);
	byte = script_byte(c.given++, true);
	fake_sock_deliver(c.sock, &byte, 1);
	script_host_fin(&c);
	script_expect(&c, "P. seq=1 len=1");
	script_expect(&c, "F. seq=2 len=0");
	script_expect_nothing(&s);
	script_end(&s);
}
END_TEST

/* The end waits for the window, as the data do. */
START_TEST(test_end_and_closed_window)
{
	begin(_i);
	script_send(&c, ". win=1280");
	script_host_send(&c, 2000);
	script_expect(&c, ". len=1280");
	script_host_fin(&c);
	script_send(&c, ". win=0");
	script_expect_nothing(&s);
	script_send(&c, ". win=1280");
	script_expect(&c, "P. seq=1281 len=720");
	script_send(&c, ". win=0");
	script_expect_nothing(&s);
	script_send(&c, ". win=1280");
	script_expect(&c, "F. seq=2001");
	script_send(&c, ".");
	check_all_gone();
	script_end(&s);
}
END_TEST

START_TEST(test_numbers_wrap)
{
	script_begin(&s, modes[_i]);
	script_tcp(&s, &c, 80);
	script_isn_near(&c, 0xffff8000);
	script_open(&c);
	for (int i = 0; i < 10; i++) {
		script_host_send(&c, 50000);
		ck_assert_uint_eq(script_collect(&c), 50000);
		script_send(&c, ". ack=%u", c.rcv - 25000);
	}
	ck_assert_uint_lt(c.irs + c.rcv, c.irs);
	script_host_fin(&c);
	script_expect(&c, "F.");
	script_send(&c, ".");
	check_all_gone();
	script_end(&s);
}
END_TEST

/* The guest has no buffers: nothing is lost, and the timeout does not count
 * against it. */
START_TEST(test_no_buffers)
{
	begin(_i);
	script_send(&c, ". win=4194304");
	s.hold = true;
	script_host_send(&c, 1200000);
	ck_assert_uint_lt(script_collect(&c), 1100000);
	script_wait(&s, 600 * SCRIPT_SEC);
	ck_assert_uint_eq(flow()->retries, 0);
	script_expect_nothing(&s);
	script_end(&s);
}
END_TEST

/* There is a limit to what is under way, whatever the guest's window is. */
START_TEST(test_flight_limit)
{
	script_begin(&s, modes[_i]);
	script_tcp(&s, &c, 80);
	script_send(&c, "S win=65535 mss=1440 ws=8");
	c.sock = fake_host_last(&s.host);
	fake_sock_accept(c.sock);
	script_run(&s);
	script_expect(&c, "S.");
	c.win = 65535 << 8;
	script_send(&c, ".");
	script_host_send(&c, 6 << 20);
	ck_assert_uint_ge(script_collect(&c), (2 << 20) - 2 * 1440);
	ck_assert_uint_le(c.rcv, (2 << 20) + 1);
	ck_assert_uint_le(flow()->ring.size, 2 << 20);
	while (c.rcv < 6 << 20) {
		script_send(&c, ".");
		ck_assert_uint_gt(script_collect(&c), 0);
	}
	script_send(&c, ".");
	check_all_gone();
	script_end(&s);
}
END_TEST

START_TEST(test_read_fails)
{
	begin(_i);
	s.host.fail[FAKE_RECV].err = ECONNRESET;
	s.host.fail[FAKE_RECV].times = 1;
	script_host_send(&c, 100);
	script_expect(&c, "R. seq=1 len=0");
	script_expect_nothing(&s);
	ck_assert_uint_eq(s.stack->flows.n, 0);
	script_end(&s);
}
END_TEST

START_TEST(test_discard_fails)
{
	begin(0);
	script_host_send(&c, 100);
	script_expect(&c, ". len=100");
	s.host.fail[FAKE_RECV].err = ECONNRESET;
	s.host.fail[FAKE_RECV].times = 1;
	script_send(&c, ".");
	script_expect(&c, "R. seq=101");
	ck_assert_uint_eq(s.stack->flows.n, 0);
	script_end(&s);
}
END_TEST

/* Each has its turn: a connection with much to say does not keep another from
 * saying little. */
START_TEST(test_turns)
{
	struct script_tcp d;

	begin(_i);
	script_tcp(&s, &d, 81);
	script_open(&d);
	for (size_t i = 0; i < 500000; i++) {
		uint8_t byte = script_byte(c.given++, true);

		fake_sock_deliver(c.sock, &byte, 1);
	}
	script_host_send(&d, 10);
	script_expect(&c, ". seq=1 len=64800");
	script_expect(&d, "P. seq=1 len=10");
	ck_assert_uint_eq(script_collect(&c), 500000 - 64800);
	script_end(&s);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("csm_tcp_to_guest");
	TCase *tc = tcase_create("data");

	tcase_set_timeout(tc, 120);
	tcase_add_loop_test(tc, test_segment, 0, N_MODES);
	tcase_add_loop_test(tc, test_large_frames, 0, N_MODES);
	tcase_add_loop_test(tc, test_no_large_frames, 0, N_MODES);
	tcase_add_test(tc, test_buffer_grows);
	tcase_add_loop_test(tc, test_bytes, 0, N_MODES);
	tcase_add_loop_test(tc, test_acked_in_pieces, 0, N_MODES);
	tcase_add_test(tc, test_one_discard);
	tcase_add_test(tc, test_no_idle_reads);
	tcase_add_test(tc, test_offset_follows);
	tcase_add_loop_test(tc, test_window, 0, N_MODES);
	tcase_add_loop_test(tc, test_small_window, 0, N_MODES);
	tcase_add_loop_test(tc, test_window_shrinks, 0, N_MODES);
	tcase_add_loop_test(tc, test_ack_in_shrunk_window, 0, N_MODES);
	tcase_add_loop_test(tc, test_piggyback, 0, N_MODES);
	tcase_add_loop_test(tc, test_banner, 0, N_MODES);
	tcase_add_loop_test(tc, test_end, 0, N_MODES);
	tcase_add_loop_test(tc, test_end_with_data, 0, N_MODES);
	tcase_add_loop_test(tc, test_end_and_closed_window, 0, N_MODES);
	tcase_add_loop_test(tc, test_numbers_wrap, 0, N_MODES);
	tcase_add_loop_test(tc, test_no_buffers, 0, N_MODES);
	tcase_add_loop_test(tc, test_flight_limit, 0, N_MODES);
	tcase_add_loop_test(tc, test_read_fails, 0, N_MODES);
	tcase_add_test(tc, test_discard_fails);
	tcase_add_loop_test(tc, test_turns, 0, N_MODES);
	suite_add_tcase(suite, tc);
	return test_run(suite);
}
