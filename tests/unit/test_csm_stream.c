/* SPDX-License-Identifier: MIT */
/*
 * Data of a TCP connection, both ways: scripted exchanges. Each is played in all
 * modes: peeking and with a copy ring, IPv4 and IPv6, with and without GSO.
 */
#include "support/csm_script.h"
#include "support/run.h"

#include <check.h>
#include <errno.h>

#define MSS 1440

static struct script s;
static struct script_tcp c;

static void open_one(int mode)
{
	script_begin(&s, (unsigned int)mode);
	script_tcp(&s, &c, 80);
	script_open(&c);
	script_expect_nothing(&s);
}

static void acknowledge(void)
{
	script_send(&c, ".");
}

START_TEST(both_ways)
{
	open_one(_i);
	script_send(&c, "P. len=100");
	script_expect(&c, ". seq=1 ack=101 len=0 win>=60000");
	script_host_got(&c, 100);
	script_host_send(&c, 300);
	script_expect(&c, ". seq=1 ack=101 len=300");
	script_send(&c, "P. len=50");
	script_expect(&c, ". ack=151 seq=301");
	script_host_got(&c, 50);
	script_expect_nothing(&s);
	ck_assert_uint_eq(c.sock->in.len, 0);
	script_end(&s);
}
END_TEST

START_TEST(bytes_stay_with_the_host_until_acknowledged)
{
	open_one(_i);
	script_host_send(&c, 1000);
	script_expect(&c, ". len=1000");
	ck_assert_uint_eq(c.sock->in.len, _i & SCRIPT_RING ? 0 : 1000);
	script_send(&c, ". ack=601");
	ck_assert_uint_eq(c.sock->in.len, _i & SCRIPT_RING ? 0 : 400);
	acknowledge();
	ck_assert_uint_eq(c.sock->in.len, 0);
	script_expect_nothing(&s);
	script_end(&s);
}
END_TEST

START_TEST(byte_by_byte)
{
	open_one(_i);
	for (unsigned int i = 1; i <= 200; i++) {
		script_host_send(&c, 1);
		script_expect(&c, ". seq=%u len=1", i);
		script_send(&c, "P. len=1");
		script_expect(&c, ". ack=%u", 1 + i);
		script_host_got(&c, 1);
	}
	script_end(&s);
}
END_TEST

START_TEST(large_frames_to_the_host)
{
	open_one(_i);
	for (unsigned int i = 1; i <= 20; i++) {
		script_send(&c, "P. len=60000 gso=%d", MSS);
		script_expect(&c, ". ack=%u win>=60000", 1 + i * 60000);
		script_host_got(&c, 60000);
	}
	ck_assert_uint_eq(c.sock->sends, 20);
	script_end(&s);
}
END_TEST

START_TEST(large_frames_to_the_guest)
{
	const size_t total = 1000000;
	size_t got = 0, frames = 0;

	open_one(_i);
	script_host_send(&c, total);
	while (got < total) {
		size_t n;

		ck_assert_uint_gt(s.n_frames, 0);
		while (s.n_frames) {
			n = script_expect(&c, ". seq=%zu len>0", 1 + got);
			got += n;
			frames++;
		}
		acknowledge();
	}
	ck_assert_uint_eq(got, total);
	if (_i & SCRIPT_NO_GSO)
		ck_assert_uint_ge(frames, total / MSS);
	else
		ck_assert_uint_le(frames, total / 60000 + 20);
	script_expect_nothing(&s);
	ck_assert_uint_eq(c.sock->in.len, 0);
	script_end(&s);
}
END_TEST

START_TEST(a_burst_is_one_call_and_one_acknowledgement)
{
	open_one(_i);
	for (int i = 0; i < 30; i++)
		script_send(&c, "+ . len=1000");
	script_run(&s);
	script_expect(&c, ". ack=30001");
	script_expect_nothing(&s);
	ck_assert_uint_eq(c.sock->sends, 1);
	script_host_got(&c, 30000);
	script_end(&s);
}
END_TEST

START_TEST(headers_in_pieces)
{
	for (size_t split = 1; split < 80; split += 6) {
		script_begin(&s, (unsigned int)_i);
		s.split = split;
		script_tcp(&s, &c, 80);
		script_open(&c);
		script_send(&c, ". len=200");
		script_expect(&c, ". ack=201");
		script_host_got(&c, 200);
		script_end(&s);
	}
}
END_TEST

START_TEST(two_connections_in_one_burst)
{
	struct script_tcp d;

	open_one(_i);
	script_tcp(&s, &d, 81);
	script_open(&d);
	for (int i = 0; i < 5; i++) {
		script_send(&c, "+ . len=1000");
		script_send(&d, "+ . len=700");
	}
	script_run(&s);
	script_expect(&c, ". ack=5001");
	script_expect(&d, ". ack=3501");
	script_expect_nothing(&s);
	script_host_got(&c, 5000);
	script_host_got(&d, 3500);
	script_end(&s);
}
END_TEST

START_TEST(connections_have_turns)
{
	struct script_tcp d;

	open_one(_i);
	script_tcp(&s, &d, 81);
	script_open(&d);
	/* Both have something before the guest has room. */
	script_host_send(&c, 10);
	script_host_send(&d, 10);
	script_forget(&s);
	s.hold = true;
	script_send(&c, "+ . ack=11");
	script_send(&d, ". ack=11");
	for (unsigned int i = 0; i < 300000; i += 50000) {
		uint8_t bytes[50000];

		for (unsigned int k = 0; k < sizeof(bytes); k++)
			bytes[k] = script_byte(10 + i + k, true);
		fake_sock_deliver(c.sock, bytes, sizeof(bytes));
		fake_sock_deliver(d.sock, bytes, sizeof(bytes));
	}
	script_run(&s);
	c.rcv = 11;
	d.rcv = 11;
	for (int i = 0; i < 3; i++) {
		script_expect(&c, ". len>=%d", MSS);
		script_expect(&d, ". len>=%d", MSS);
	}
	script_end(&s);
}
END_TEST

START_TEST(what_came_before_is_not_taken_twice)
{
	open_one(_i);
	script_send(&c, ". len=100");
	script_expect(&c, ". ack=101");
	script_send(&c, ". seq=1 len=100");
	script_expect(&c, ". ack=101");
	script_send(&c, ". seq=51 len=100"); /* half of it is new */
	script_expect(&c, ". ack=151");
	script_send(&c, ". seq=1 len=300"); /* around all of it */
	script_expect(&c, ". ack=301");
	script_host_got(&c, 300);
	script_end(&s);
}
END_TEST

START_TEST(what_is_behind_a_packet_is_no_data)
{
	open_one(_i);
	script_send(&c, ". len=10 pad=50");
	script_expect(&c, ". ack=11");
	script_send(&c, ". seq=6 len=10 pad=50"); /* half of it is new */
	script_expect(&c, ". ack=16");
	script_send(&c, ". seq=1 len=10 pad=50");
	script_expect(&c, ". ack=16");
	script_send(&c, ". pad=50");
	script_expect_nothing(&s);
	script_host_got(&c, 15);
	script_end(&s);
}
END_TEST

START_TEST(what_comes_too_early_comes_again)
{
	open_one(_i);
	script_send(&c, ". seq=101 len=100");
	script_expect(&c, ". ack=1");
	script_send(&c, ". seq=201 len=100");
	script_expect(&c, ". ack=1");
	script_host_got(&c, 0);
	script_send(&c, ". seq=1 len=300");
	script_expect(&c, ". ack=301");
	script_host_got(&c, 300);
	ck_assert_uint_eq(s.stack->count.tcp_dup_acks, 2);
	script_end(&s);
}
END_TEST

START_TEST(a_hole_in_a_burst_is_told_so_often_that_it_is_filled)
{
	open_one(_i);
	script_send(&c, "+ . len=100");
	for (int i = 0; i < 10; i++)
		script_send(&c, "+ . seq=%d len=100", 201 + 100 * i);
	script_run(&s);
	/* The acknowledgement, and three more: then Linux resends. */
	for (int i = 0; i < 3; i++)
		script_expect(&c, ". ack=101");
	script_forget(&s);
	script_send(&c, ". seq=101 len=1200");
	script_expect(&c, ". ack=1301");
	script_host_got(&c, 1300);
	script_end(&s);
}
END_TEST

START_TEST(the_guests_numbers_wrap)
{
	script_begin(&s, (unsigned int)_i);
	script_tcp(&s, &c, 80);
	c.iss = 0xffffff00;
	script_open(&c);
	for (unsigned int i = 1; i <= 50; i++) {
		script_send(&c, ". len=100");
		script_expect(&c, ". ack=%u", 1 + 100 * i);
	}
	script_send(&c, ". seq=1 len=100"); /* old, on the other side */
	script_expect(&c, ". ack=5001");
	script_host_got(&c, 5000);
	script_end(&s);
}
END_TEST

START_TEST(our_numbers_wrap)
{
	size_t got = 0;

	script_begin(&s, (unsigned int)_i);
	script_tcp(&s, &c, 80);
	script_isn_near(&c, 0xffffff00);
	script_open(&c);
	ck_assert_uint_gt(c.irs, 0xfffff000);
	script_host_send(&c, 20000);
	while (got < 20000) {
		size_t n = script_collect(&c);

		ck_assert_uint_gt(n, 0);
		got += n;
		acknowledge();
	}
	ck_assert_uint_lt(c.irs + c.rcv, 0x10000);
	script_host_fin(&c);
	script_expect(&c, "F. seq=20001");
	script_send(&c, "F.");
	script_expect(&c, ". ack=2");
	ck_assert_uint_eq(s.stack->flows.n, 0);
	script_end(&s);
}
END_TEST

START_TEST(host_that_does_not_read)
{
	size_t sent = 0;

	script_prepare(&s, (unsigned int)_i);
	s.host.sndbuf = 20000;
	script_start(&s);
	script_tcp(&s, &c, 80);
	script_open(&c);
	/* As much as the guest may: 65535 were promised by the SYN-ACK, more
	 * than the socket takes. */
	while (sent < 65000) {
		script_send(&c, ". len=1000");
		sent += 1000;
		script_expect(&c, ". ack=%zu", 1 + sent);
	}
	script_send(&c, ". len=535");
	script_expect(&c, ". ack=65536 win=0");
	ck_assert_uint_eq(c.sock->out.len, 20000);
	/* A probe of the closed window. */
	script_send(&c, ". seq=65536 len=1");
	script_expect(&c, ". ack=65536 win=0");
	script_send(&c, ". seq=65535 len=1");
	script_expect(&c, ". ack=65536 win=0");
	/* The host reads: what was kept follows, the window opens. */
	for (int i = 0; i < 3; i++)
		script_host_got(&c, 20000);
	script_host_got(&c, 5535);
	script_expect(&c, ". ack=65536 win>=1440");
	c.snd = 65536;
	script_forget(&s);
	script_send(&c, ". len=1000");
	script_expect(&c, ". ack=66536");
	script_host_got(&c, 1000);
	script_end(&s);
}
END_TEST

START_TEST(host_that_reads_a_byte_at_a_time)
{
	script_prepare(&s, (unsigned int)_i);
	s.host.sndbuf = 3000;
	script_start(&s);
	script_tcp(&s, &c, 80);
	script_open(&c);
	script_send(&c, ". len=5000 gso=%d", MSS);
	script_forget(&s);
	for (int i = 0; i < 5000; i++)
		ck_assert_uint_eq(script_host_takes(&c, 1), 1);
	script_collect(&c);
	script_send(&c, ". len=1000");
	script_forget(&s);
	script_host_got(&c, 1000);
	script_end(&s);
}
END_TEST

START_TEST(a_socket_that_takes_little_at_once)
{
	open_one(_i);
	c.sock->send_max = 7;
	script_send(&c, ". len=100");
	script_forget(&s);
	c.sock->send_max = SIZE_MAX;
	script_host_got(&c, 7);
	fake_sock_wake(c.sock);
	script_run(&s);
	script_host_got(&c, 93);
	script_end(&s);
}
END_TEST

START_TEST(guest_that_closes_its_window)
{
	open_one(_i);
	script_send(&c, ". win=0");
	script_host_send(&c, 5000);
	script_expect_nothing(&s);
	script_wait(&s, 3 * SCRIPT_SEC);
	/* It is asked, with nothing or with one byte. */
	script_expect(&c, ". len<=1");
	script_send(&c, ". ack=1 win=0");
	script_forget(&s);
	c.rcv = 1;
	c.win = 1 << 20;
	acknowledge();
	for (size_t got = 0; got < 5000; acknowledge()) {
		size_t n = script_collect(&c);

		ck_assert_uint_gt(n, 0);
		got += n;
	}
	script_end(&s);
}
END_TEST

START_TEST(closed_window_is_probed_for_ever_but_ever_more_rarely)
{
	uint64_t last = 0, gap = 0;
	unsigned int probes = 0;

	open_one(_i);
	script_send(&c, ". win=0");
	script_host_send(&c, 5000);
	for (int i = 0; i < 600; i++) {
		struct script_frame *f;

		script_wait(&s, SCRIPT_SEC);
		while ((f = script_take_frame(&s))) {
			if (f->len > 80) {
				free(f); /* not TCP */
				continue;
			}
			gap = last ? f->at - last : 0;
			last = f->at;
			probes++;
			free(f);
			script_send(&c, ". ack=1 win=0");
		}
	}
	ck_assert_uint_ge(probes, 4);
	ck_assert_uint_le(probes, 40);
	ck_assert_uint_ge(gap, 20 * SCRIPT_SEC);
	ck_assert_uint_eq(s.stack->flows.n, 1);
	script_end(&s);
}
END_TEST

START_TEST(guest_with_a_tiny_window)
{
	open_one(_i);
	c.win = 128; /* a shift of 7 */
	acknowledge();
	script_host_send(&c, 1000);
	for (uint32_t got = 0; got < 1000;) {
		size_t n =
			script_expect(&c, ". seq=%u len>0 len<=128", 1 + got);

		got += (uint32_t)n;
		script_expect_nothing(&s);
		acknowledge();
	}
	script_end(&s);
}
END_TEST

START_TEST(guest_that_shrinks_its_window)
{
	open_one(_i);
	script_host_send(&c, 10000);
	ck_assert_uint_eq(script_collect(&c), 10000);
	/* It takes back what it had promised. */
	script_send(&c, ". ack=1001 win=0");
	script_host_send(&c, 10000);
	script_expect_nothing(&s);
	script_send(&c, ". ack=10001 win=1280");
	script_expect(&c, ". seq=10001 len<=1280 len>0");
	script_expect_nothing(&s);
	acknowledge();
	ck_assert_uint_gt(script_collect(&c), 0);
	script_end(&s);
}
END_TEST

START_TEST(urgent_data_are_data)
{
	open_one(_i);
	script_send(&c, "U. len=10 urg=5");
	script_expect(&c, ". ack=11");
	script_send(&c, "U. len=10 urg=60000");
	script_expect(&c, ". ack=21");
	script_send(&c, "U. len=0 urg=1");
	script_host_got(&c, 20);
	script_end(&s);
}
END_TEST

START_TEST(not_acknowledged_is_sent_again)
{
	uint64_t start, last, gap = 0;
	unsigned int n = 0;

	open_one(_i);
	script_host_send(&c, 1000);
	script_expect(&c, ". seq=1 len=1000");
	start = last = s.host.now;
	/* For ever longer, and then no more. */
	for (int i = 0; i < 4000 && s.stack->flows.n; i++) {
		struct script_frame *f;

		script_wait(&s, SCRIPT_SEC);
		f = script_take_frame(&s);
		if (!f)
			continue;
		if (f->len < 1000) {
			free(f); /* a router advertisement, or the reset */
			continue;
		}
		if (n)
			ck_assert_uint_ge(f->at - last + 10 * SCRIPT_MS, gap);
		gap = f->at - last;
		last = f->at;
		n++;
		free(f);
	}
	ck_assert_uint_ge(n, 4);
	ck_assert_uint_le(n, 30);
	ck_assert_uint_le(gap, 130 * SCRIPT_SEC);
	ck_assert_uint_ge(s.host.now - start, 100 * SCRIPT_SEC);
	ck_assert_uint_eq(s.stack->flows.n, 0);
	ck_assert(c.sock->rst); /* the peer has to know */
	script_end(&s);
}
END_TEST

START_TEST(sent_again_from_where_the_guest_is)
{
	open_one(_i);
	script_host_send(&c, 3 * MSS);
	ck_assert_uint_eq(script_collect(&c), 3 * MSS);
	script_send(&c, ". ack=%d", 1 + MSS);
	script_expect_nothing(&s);
	script_wait(&s, 2 * SCRIPT_SEC);
	script_expect(&c, ". seq=%d len>=%d", 1 + MSS, MSS);
	acknowledge();
	script_forget(&s);
	script_wait(&s, 10 * SCRIPT_SEC);
	script_expect_nothing(&s);
	script_host_send(&c, 10);
	script_expect(&c, ". seq=%d len=10", 1 + 3 * MSS);
	script_end(&s);
}
END_TEST

START_TEST(three_duplicate_acknowledgements)
{
	open_one(_i);
	script_host_send(&c, 10 * MSS);
	ck_assert_uint_eq(script_collect(&c), 10 * MSS);
	script_send(&c, ". ack=%d", 1 + MSS);
	script_send(&c, ". ack=%d", 1 + MSS);
	script_send(&c, ". ack=%d", 1 + MSS);
	script_expect_nothing(&s);
	script_send(&c, ". ack=%d", 1 + MSS);
	/* At once, without a timer. */
	script_expect(&c, ". seq=%d len>=%d", 1 + MSS, MSS);
	ck_assert_uint_ge(s.stack->count.tcp_retransmits, 1);
	acknowledge();
	script_forget(&s);
	script_wait(&s, 5 * SCRIPT_SEC);
	script_expect_nothing(&s);
	script_end(&s);
}
END_TEST

START_TEST(window_updates_are_no_duplicates)
{
	open_one(_i);
	script_host_send(&c, 10 * MSS);
	ck_assert_uint_eq(script_collect(&c), 10 * MSS);
	for (int i = 1; i < 8; i++)
		script_send(&c, ". ack=%d win=%d", 1 + MSS, (64 + i) * 1024);
	script_expect_nothing(&s);
	ck_assert_uint_eq(s.stack->count.tcp_retransmits, 0);
	script_end(&s);
}
END_TEST

START_TEST(guest_without_buffers)
{
	size_t frames, got;

	open_one(_i);
	c.win = 4 << 20;
	acknowledge();
	s.hold = true;
	script_host_send(&c, 2000000);
	/* It has used up what was there, and spins on nothing. */
	ck_assert_uint_lt(s.fifo.count, 64);
	frames = s.n_frames;
	script_wait(&s, 10 * SCRIPT_SEC);
	ck_assert_uint_le(s.n_frames, frames + 4);
	script_give_back(&s);
	for (got = script_collect(&c); got < 2000000; got += script_collect(&c))
		acknowledge();
	ck_assert_uint_eq(got, 2000000);
	script_end(&s);
}
END_TEST

START_TEST(damaged_segments_are_dropped)
{
	open_one(_i);
	script_send(&c, ". len=100 bad=1");
	script_expect_nothing(&s);
	script_host_got(&c, 0);
	ck_assert_uint_eq(s.stack->count.drops[CSM_DROP_CHECKSUM], 1);
	script_send(&c, ". seq=1 len=100");
	script_expect(&c, ". ack=101");
	script_host_got(&c, 100);
	script_end(&s);
}
END_TEST

START_TEST(a_send_that_fails)
{
	open_one(_i);
	s.host.fail[FAKE_SEND].err = ECONNRESET;
	s.host.fail[FAKE_SEND].times = 1;
	script_send(&c, ". len=100");
	script_expect(&c, "R. seq=1");
	ck_assert_uint_eq(s.stack->flows.n, 0);
	script_end(&s);
}
END_TEST

START_TEST(a_receive_that_fails)
{
	open_one(_i);
	s.host.fail[FAKE_RECV].err = ECONNRESET;
	s.host.fail[FAKE_RECV].times = 1;
	script_host_send(&c, 100);
	script_expect(&c, "R. seq=1");
	ck_assert_uint_eq(s.stack->flows.n, 0);
	script_end(&s);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("csm_stream");
	TCase *tc = tcase_create("csm_stream");

	tcase_set_timeout(tc, 120);
#define ADD(name) tcase_add_loop_test(tc, name, 0, SCRIPT_MODES)
	ADD(both_ways);
	ADD(bytes_stay_with_the_host_until_acknowledged);
	ADD(byte_by_byte);
	ADD(large_frames_to_the_host);
	ADD(large_frames_to_the_guest);
	ADD(a_burst_is_one_call_and_one_acknowledgement);
	ADD(headers_in_pieces);
	ADD(two_connections_in_one_burst);
	ADD(connections_have_turns);
	ADD(what_came_before_is_not_taken_twice);
	ADD(what_is_behind_a_packet_is_no_data);
	ADD(what_comes_too_early_comes_again);
	ADD(a_hole_in_a_burst_is_told_so_often_that_it_is_filled);
	ADD(the_guests_numbers_wrap);
	ADD(our_numbers_wrap);
	ADD(host_that_does_not_read);
	ADD(host_that_reads_a_byte_at_a_time);
	ADD(a_socket_that_takes_little_at_once);
	ADD(guest_that_closes_its_window);
	ADD(closed_window_is_probed_for_ever_but_ever_more_rarely);
	ADD(guest_with_a_tiny_window);
	ADD(guest_that_shrinks_its_window);
	ADD(urgent_data_are_data);
	ADD(not_acknowledged_is_sent_again);
	ADD(sent_again_from_where_the_guest_is);
	ADD(three_duplicate_acknowledgements);
	ADD(window_updates_are_no_duplicates);
	ADD(guest_without_buffers);
	ADD(damaged_segments_are_dropped);
	ADD(a_send_that_fails);
	ADD(a_receive_that_fails);
	suite_add_tcase(suite, tc);
	return test_run(suite);
}
