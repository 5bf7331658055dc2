/* SPDX-License-Identifier: MIT */
/*
 * TCP data from the guest to the host: what is taken, what is acknowledged, how
 * much may come.
 */
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

static struct csm_tcp *flow_of(const struct script_tcp *conn)
{
	const struct csm_key key = {
		.guest = conn->guest,
		.far = conn->far,
		.guest_port = conn->guest_port,
		.far_port = conn->far_port,
		.kind = CSM_FLOW_TCP,
	};
	struct csm_flow *flow = csm_flow_find(&s.stack->flows, &key);

	ck_assert_ptr_nonnull(flow);
	return csm_tcp_of(flow);
}

static struct csm_tcp *flow(void)
{
	return flow_of(&c);
}

/* The host's end reads some of what is there. */
static void host_takes(size_t n)
{
	ck_assert_uint_eq(fake_sock_take(c.sock, NULL, n), n);
	c.taken += n;
	script_run(&s);
}

START_TEST(test_segment)
{
	begin(_i ? SCRIPT_V6 : 0);
	script_send(&c, "P. len=100");
	script_expect(&c, ". seq=1 ack=101 len=0");
	script_expect_nothing(&s);
	script_host_got(&c, 100);
	script_end(&s);
}
END_TEST

/* What is less than a segment is acknowledged a little later, once ... */
START_TEST(test_small_waits)
{
	begin(0);
	script_send(&c, "P. len=9");
	script_send(&c, "P. len=9");
	script_host_got(&c, 18);
	script_expect_nothing(&s);
	script_wait(&s, 3 * CSM_MS);
	script_expect(&c, ". ack=19 len=0");
	script_wait(&s, CSM_SEC);
	script_expect_nothing(&s);
	script_end(&s);
}
END_TEST

/* ... or by the answer ... */
START_TEST(test_answer_acknowledges)
{
	begin(0);
	script_send(&c, "P. len=9");
	script_host_send(&c, 5);
	script_expect(&c, "P. ack=10 len=5");
	script_wait(&s, 5 * CSM_MS);
	script_expect_nothing(&s);
	script_end(&s);
}
END_TEST

/* ... but not if it adds up to a segment, or is the last, or has come before. */
START_TEST(test_not_everything_waits)
{
	uint64_t now;

	begin(0);
	now = s.host.now;
	script_send(&c, "P. len=1000");
	script_expect_nothing(&s);
	script_send(&c, "P. len=1000");
	script_expect(&c, ". ack=2001");
	script_send(&c, "P. len=9");
	script_send(&c, "P. seq=2001 len=9");
	script_expect(&c, ". ack=2010");
	script_send(&c, "F. len=9");
	script_expect(&c, ". ack=2020");
	ck_assert_uint_eq(s.host.now, now);
	script_host_got(&c, 2018);
	script_end(&s);
}
END_TEST

/* A burst is one call and one acknowledgement. */
START_TEST(test_burst)
{
	begin(0);
	for (int i = 0; i < 10; i++)
		script_send(&c, "+ . len=1440");
	script_send(&c, "P. len=7");
	script_expect(&c, ". ack=14408 len=0");
	script_expect_nothing(&s);
	ck_assert_uint_eq(c.sock->sends, 1);
	script_host_got(&c, 14407);
	script_end(&s);
}
END_TEST

START_TEST(test_large_frame)
{
	begin(0);
	s.split = 4096;
	script_send(&c, "P. len=60000 gso=1440");
	script_expect(&c, ". ack=60001 len=0");
	ck_assert_uint_eq(c.sock->sends, 1);
	script_host_got(&c, 60000);
	script_end(&s);
}
END_TEST

/* More pieces than one call takes. */
START_TEST(test_many_pieces)
{
	begin(0);
	s.split = 16;
	for (int i = 0; i < 40; i++)
		script_send(&c, "+ . len=1440");
	script_run(&s);
	script_expect(&c, ". ack=57601 len=0");
	ck_assert_uint_ge(c.sock->sends, 40 * 1440 / 16 / CSM_BATCH_PIECES);
	ck_assert_uint_le(c.sock->sends, 6);
	script_host_got(&c, 57600);
	script_end(&s);
}
END_TEST

/* Two connections take turns in one burst. */
START_TEST(test_interleaved)
{
	struct script_tcp d;

	begin(0);
	script_tcp(&s, &d, 81);
	script_open(&d);
	for (int i = 0; i < 20; i++) {
		script_send(&c, "+ . len=1000");
		script_send(&d, "+ . len=500");
		script_send(&d, "+ . len=300");
	}
	script_run(&s);
	script_host_got(&c, 20000);
	script_host_got(&d, 16000);
	script_end(&s);
}
END_TEST

START_TEST(test_too_early)
{
	begin(0);
	script_send(&c, ". seq=101 len=100");
	script_expect(&c, ". ack=1 len=0");
	script_expect_nothing(&s);
	script_host_got(&c, 0);
	script_send(&c, ". seq=1 len=100");
	script_expect(&c, ". ack=101 len=0");
	script_host_got(&c, 100);
	script_end(&s);
}
END_TEST

/* A burst of which the first is missing: as many duplicates as make the guest
 * resend. */
START_TEST(test_duplicate_acks)
{
	begin(0);
	for (uint32_t i = 1; i < 10; i++)
		script_send(&c, "+ . seq=%u len=100", 1 + 100 * i);
	script_run(&s);
	for (int i = 0; i < 3; i++)
		script_expect(&c, ". seq=1 ack=1 len=0");
	script_expect_nothing(&s);
	script_end(&s);
}
END_TEST

START_TEST(test_overlapping)
{
	begin(0);
	script_send(&c, ". seq=1 len=100");
	script_expect(&c, ". ack=101");
	script_send(&c, ". seq=51 len=100");
	script_expect(&c, ". ack=151");
	script_send(&c, ". seq=1 len=300");
	script_expect(&c, ". ack=301");
	/* In one burst, too. */
	script_send(&c, "+ . seq=301 len=100");
	script_send(&c, "+ . seq=301 len=100");
	script_send(&c, ". seq=350 len=100");
	script_expect(&c, ". ack=450");
	script_host_got(&c, 449);
	script_end(&s);
}
END_TEST

START_TEST(test_again)
{
	begin(0);
	script_send(&c, ". seq=1 len=100");
	script_expect(&c, ". ack=101");
	script_send(&c, ". seq=1 len=100");
	script_expect(&c, ". ack=101 len=0");
	script_send(&c, ". seq=50 len=51");
	script_expect(&c, ". ack=101 len=0");
	script_host_got(&c, 100);
	script_end(&s);
}
END_TEST

START_TEST(test_numbers_wrap)
{
	script_begin(&s, 0);
	script_tcp(&s, &c, 80);
	c.iss = 0xffffff00;
	script_open(&c);
	script_send(&c, ". len=200");
	script_expect(&c, ". ack=201");
	script_send(&c, "+ . len=200");
	script_send(&c, ". len=200");
	script_expect(&c, ". ack=601");
	script_send(&c, ". seq=100 len=600");
	script_expect(&c, ". ack=700");
	script_host_got(&c, 699);
	script_end(&s);
}
END_TEST

START_TEST(test_urgent)
{
	begin(0);
	script_send(&c, "U. len=100 urg=50");
	script_expect(&c, ". ack=101");
	script_send(&c, "U. len=10 urg=65535");
	script_expect(&c, ". ack=111");
	script_host_got(&c, 110);
	script_end(&s);
}
END_TEST

/* The window begins small, and grows as it is used up. */
START_TEST(test_window_grows)
{
	uint32_t window = 65535;

	begin(0);
	script_send(&c, ". len=1");
	script_expect(&c, ". ack=2 win<=65535");
	script_host_got(&c, 1);
	for (int i = 0; i < 2000; i++) {
		script_send(&c, ". len=1440");
		script_expect(&c, ". win>=32000");
		script_host_got(&c, 1440);
		ck_assert_uint_le(flow()->rcv_edge - flow()->rcv_nxt,
				  (uint64_t)2 * window);
		window = MAX(window, flow()->rcv_edge - flow()->rcv_nxt);
	}
	ck_assert_uint_ge(window, 2 << 20);
	script_end(&s);
}
END_TEST

/* Many connections that use up their windows share what may be promised. */
START_TEST(test_windows_shared)
{
	static struct script_tcp all[100];
	uint64_t promised = 0;

	script_begin(&s, 0);
	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		script_tcp(&s, &all[i], 80);
		script_open(&all[i]);
	}
	for (int round = 0; round < 60; round++) {
		promised = 0;
		for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
			struct csm_tcp *tcp;

			script_send(&all[i], ". len=28800 gso=1440");
			script_expect(&all[i], ".");
			script_host_got(&all[i], 28800);
			tcp = flow_of(&all[i]);
			promised += tcp->rcv_edge - tcp->rcv_nxt;
		}
		script_wait(&s, 20 * SCRIPT_MS);
	}
	ck_assert_uint_le(promised, 17 << 20);
	ck_assert_uint_ge(promised, 8 << 20);
	script_end(&s);
}
END_TEST

START_TEST(test_window_without_scale)
{
	script_begin(&s, 0);
	script_tcp(&s, &c, 80);
	script_send(&c, "S win=65535 mss=1440");
	c.sock = fake_host_last(&s.host);
	fake_sock_accept(c.sock);
	script_run(&s);
	script_expect(&c, "S. win=65535 ws=255");
	script_send(&c, ".");
	for (int i = 0; i < 100; i++) {
		script_send(&c, ". len=1440");
		script_expect(&c, ". win>=32768");
	}
	script_host_got(&c, 144000);
	script_end(&s);
}
END_TEST

/* What lies beyond the window is not taken, nor a FIN behind it. */
START_TEST(test_beyond_the_window)
{
	begin(0);
	script_send(&c, "+ . len=60000 gso=1440");
	script_send(&c, "F. len=10000 gso=1440");
	script_expect(&c, ". ack=65536 len=0");
	c.snd = 65536;
	script_host_got(&c, 65535);
	ck_assert(!flow()->fin_in);
	script_send(&c, ". len=10000 gso=1440");
	script_expect(&c, ". ack=75536");
	script_host_got(&c, 10000);
	script_end(&s);
}
END_TEST

/* The socket takes less than was promised: the rest waits, in order, and is not
 * more than the promise. */
START_TEST(test_spill)
{
	script_prepare(&s, 0);
	s.host.sndbuf = 10000;
	script_start(&s);
	script_tcp(&s, &c, 80);
	script_open(&c);
	script_send(&c, "+ . len=30000 gso=1440");
	script_send(&c, ". len=30000 gso=1440");
	script_expect(&c, ". ack=60001 win<=5535");
	ck_assert_uint_eq(flow()->spill.len, 50000);
	script_send(&c, ". len=10000 gso=1440");
	script_expect(&c, ". ack=65536 win=0");
	c.snd = 65536;
	script_expect_nothing(&s);
	ck_assert_uint_eq(flow()->spill.len, 55535);
	for (int i = 0; i < 6; i++) {
		script_expect_nothing(&s);
		script_host_got(&c, 10000);
	}
	script_host_got(&c, 5535);
	ck_assert_ptr_null(flow()->spill.bytes);
	script_expect(&c, ". ack=65536 win>=1440");
	script_expect_nothing(&s);
	script_send(&c, ". len=1440");
	script_expect(&c, ". ack=66976");
	script_host_got(&c, 1440);
	script_end(&s);
}
END_TEST

/* What comes after the spill stays behind it, also if there is a little room in
 * the socket again. */
START_TEST(test_spill_keeps_order)
{
	script_prepare(&s, 0);
	s.host.sndbuf = 10000;
	script_start(&s);
	script_tcp(&s, &c, 80);
	script_open(&c);
	script_send(&c, ". len=20000 gso=1440");
	script_expect(&c, ". ack=20001");
	host_takes(1000);
	script_send(&c, ". len=5000 gso=1440");
	script_expect(&c, ". ack=25001");
	script_host_got(&c, 9000);
	script_host_got(&c, 10000);
	script_host_got(&c, 5000);
	script_end(&s);
}
END_TEST

/* The end waits for the spill. */
START_TEST(test_fin_after_spill)
{
	script_prepare(&s, 0);
	s.host.sndbuf = 10000;
	script_start(&s);
	script_tcp(&s, &c, 80);
	script_open(&c);
	script_send(&c, "F. len=25000 gso=1440");
	script_expect(&c, ". ack=25002");
	ck_assert(!c.sock->shut);
	script_host_got(&c, 10000);
	ck_assert(!c.sock->shut);
	script_host_got(&c, 10000);
	script_host_got(&c, 5000);
	ck_assert(c.sock->shut);
	script_end(&s);
}
END_TEST

START_TEST(test_fin_with_data)
{
	begin(0);
	script_send(&c, "+ . len=1000");
	script_send(&c, "F. len=100");
	script_expect(&c, ". ack=1102 len=0");
	script_host_got(&c, 1100);
	ck_assert(c.sock->shut);
	/* Nothing comes after it. */
	script_send(&c, ". len=100");
	script_expect(&c, ". ack=1102 len=0");
	script_host_got(&c, 0);
	script_send(&c, "F. seq=1001 len=100");
	script_expect(&c, ". ack=1102 len=0");
	script_end(&s);
}
END_TEST

/* A FIN whose data are known already. */
START_TEST(test_fin_behind_old_data)
{
	begin(0);
	script_send(&c, ". len=100");
	script_expect(&c, ". ack=101");
	script_send(&c, "F. seq=1 len=100");
	script_expect(&c, ". ack=102");
	ck_assert(c.sock->shut);
	script_host_got(&c, 100);
	script_end(&s);
}
END_TEST

START_TEST(test_fin_too_early)
{
	begin(0);
	script_send(&c, "F. seq=101");
	script_expect(&c, ". ack=1");
	ck_assert(!c.sock->shut);
	script_send(&c, "F. seq=1 len=100");
	script_expect(&c, ". ack=102");
	ck_assert(c.sock->shut);
	script_host_got(&c, 100);
	script_end(&s);
}
END_TEST

/* A peer that reads nothing: the guest fills the window, which closes without
 * its right edge going back, and opens when there is room for it. */
START_TEST(test_window_closes_and_opens)
{
	uint32_t edge = 65536, told, sent = 0;

	script_prepare(&s, 0);
	s.config.ipv6 = false; /* no router advertisements */
	s.host.sndbuf = 200000;
	script_start(&s);
	script_tcp(&s, &c, 80);
	script_open(&c);
	do {
		uint32_t len = MIN(edge - c.snd, 1440u);

		script_send(&c, ". len=%u", len);
		sent += len;
		ck_assert_uint_eq(s.n_frames, 1);
		script_expect(&c, ". ack=%u", sent + 1);
		told = flow()->rcv_edge - c.iss;
		ck_assert_uint_ge(told, edge);
		ck_assert_uint_le(told - c.snd, 200000);
		edge = told;
	} while (edge != c.snd);
	ck_assert_uint_ge(sent, 150000);
	ck_assert_uint_le(sent, 200000);
	script_send(&c, ". len=1");
	script_expect(&c, ". ack=%u win=0", sent + 1);
	c.snd = sent + 1;
	host_takes(20000);
	script_expect_nothing(&s);
	host_takes(sent - 20000 - 1000);
	script_expect(&c, ". ack=%u win>=140000", sent + 1);
	script_expect_nothing(&s);
	script_host_got(&c, 1000);
	script_end(&s);
}
END_TEST

/* A socket whose buffer is smaller than a segment: the window opens again and
 * again, and nothing spins. */
START_TEST(test_tiny_socket)
{
	script_prepare(&s, 0);
	s.host.sndbuf = 600;
	script_start(&s);
	script_tcp(&s, &c, 80);
	script_open(&c);
	script_send(&c, "+ . len=60000 gso=1440");
	script_send(&c, ". len=5535 gso=1440");
	script_expect(&c, ". ack=65536 win=0");
	for (int i = 0; i < 109; i++)
		script_host_got(&c, 600);
	script_host_got(&c, 135);
	for (uint32_t i = 0; i < 20; i++) {
		script_expect(&c, ". ack=%u win>=1280", 65536 + 1440 * i);
		script_send(&c, ". len=1440");
		script_expect(&c, ". ack=%u win=0", 65536 + 1440 * (i + 1));
		script_host_got(&c, 600);
		script_host_got(&c, 600);
		script_host_got(&c, 240);
	}
	script_end(&s);
}
END_TEST

START_TEST(test_socket_fails)
{
	begin(0);
	s.host.fail[FAKE_SEND].err = EPIPE;
	s.host.fail[FAKE_SEND].times = 1;
	script_send(&c, "+ . len=100");
	script_send(&c, "F. len=100");
	script_expect(&c, "R. seq=1 len=0");
	script_expect_nothing(&s);
	ck_assert_uint_eq(s.stack->flows.n, 0);
	script_end(&s);
}
END_TEST

START_TEST(test_socket_fails_with_spill)
{
	script_prepare(&s, 0);
	s.host.sndbuf = 10000;
	script_start(&s);
	script_tcp(&s, &c, 80);
	script_open(&c);
	script_send(&c, ". len=30000 gso=1440");
	script_expect(&c, ". ack=30001");
	s.host.fail[FAKE_SEND].err = ECONNRESET;
	s.host.fail[FAKE_SEND].times = 1;
	script_host_got(&c, 10000);
	script_expect(&c, "R.");
	ck_assert_uint_eq(s.stack->flows.n, 0);
	script_end(&s);
}
END_TEST

/* How often the socket is asked for its room: not with each segment. */
START_TEST(test_asks_seldom)
{
	uint32_t edge, moves = 0;

	begin(0);
	script_send(&c, ". len=1");
	script_expect(&c, ". ack=2");
	edge = flow()->rcv_edge;
	for (int i = 0; i < 1000; i++) {
		script_send(&c, ". len=1440");
		script_host_got(&c, c.taken ? 1440 : 1441);
		moves += flow()->rcv_edge != edge;
		edge = flow()->rcv_edge;
	}
	ck_assert_uint_le(moves, 6);
	script_end(&s);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("csm_tcp_from_guest");
	TCase *tc = tcase_create("data");

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, test_segment, 0, 2);
	tcase_add_test(tc, test_small_waits);
	tcase_add_test(tc, test_answer_acknowledges);
	tcase_add_test(tc, test_not_everything_waits);
	tcase_add_test(tc, test_burst);
	tcase_add_test(tc, test_large_frame);
	tcase_add_test(tc, test_many_pieces);
	tcase_add_test(tc, test_interleaved);
	tcase_add_test(tc, test_too_early);
	tcase_add_test(tc, test_duplicate_acks);
	tcase_add_test(tc, test_overlapping);
	tcase_add_test(tc, test_again);
	tcase_add_test(tc, test_numbers_wrap);
	tcase_add_test(tc, test_urgent);
	tcase_add_test(tc, test_fin_with_data);
	tcase_add_test(tc, test_fin_behind_old_data);
	tcase_add_test(tc, test_fin_too_early);
	tcase_add_test(tc, test_socket_fails);
	suite_add_tcase(suite, tc);
	tc = tcase_create("window");
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, test_window_grows);
	tcase_add_test(tc, test_windows_shared);
	tcase_add_test(tc, test_window_without_scale);
	tcase_add_test(tc, test_beyond_the_window);
	tcase_add_test(tc, test_window_closes_and_opens);
	tcase_add_test(tc, test_tiny_socket);
	tcase_add_test(tc, test_asks_seldom);
	tcase_add_test(tc, test_spill);
	tcase_add_test(tc, test_spill_keeps_order);
	tcase_add_test(tc, test_fin_after_spill);
	tcase_add_test(tc, test_socket_fails_with_spill);
	suite_add_tcase(suite, tc);
	return test_run(suite);
}
