/* SPDX-License-Identifier: MIT */
/*
 * The ring between a queue and the capture's writer, and the bell.
 */
#include "backends/capture_bell.h"
#include "base/byte_ring.h"
#include "base/bytes.h"
#include "support/run.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define RING	16384U
#define RECORDS 200000U

static struct byte_ring ring;

static void setup(void)
{
	ck_assert_int_eq(byte_ring_init(&ring, RING), 0);
}

static void teardown(void)
{
	byte_ring_fini(&ring);
	byte_ring_fini(&ring);
}

/* Record @i: its length, its number, then bytes that follow from it. */
static size_t record_len(uint32_t i)
{
	return 8 + (i * 2654435761U >> 7) % 1200 / 4 * 4;
}

static bool put(uint32_t i)
{
	size_t len = record_len(i);
	unsigned char *to = byte_ring_reserve(&ring, len);

	if (!to)
		return false;
	store_le32(to, (uint32_t)len);
	store_le32(to + 4, i);
	memset(to + 8, (int)(i & 0xff), len - 8);
	byte_ring_commit(&ring, len);
	return true;
}

/* How many whole records these bytes are, if they are the records from @first
 * on; else 0. Check's own assertions are too slow for so many bytes. */
static uint32_t check_records(const unsigned char *at, size_t len,
			      uint32_t first)
{
	uint32_t i = first;

	for (size_t n; len; at += n, len -= n, i++) {
		n = load_le32(at);
		if (n != record_len(i) || n > len || load_le32(at + 4) != i)
			return 0;
		for (size_t b = 8; b < n; b++) {
			if (at[b] != (i & 0xff))
				return 0;
		}
	}
	return i - first;
}

START_TEST(empty_until_published)
{
	size_t len = 0;

	ck_assert_ptr_null(byte_ring_peek(&ring, &len));
	ck_assert(put(0));
	ck_assert(put(1));
	ck_assert_ptr_null(byte_ring_peek(&ring, &len));
	ck_assert_uint_eq(byte_ring_publish(&ring),
			  record_len(0) + record_len(1));
	ck_assert_uint_eq(byte_ring_held(&ring), record_len(0) + record_len(1));
	ck_assert_uint_eq(check_records(byte_ring_peek(&ring, &len),
					record_len(0) + record_len(1), 0),
			  2);
	ck_assert_uint_eq(len, record_len(0) + record_len(1));
}
END_TEST

START_TEST(reserved_and_not_committed_is_nothing)
{
	size_t len;

	memset(byte_ring_reserve(&ring, 100), 1, 100);
	(void)byte_ring_publish(&ring);
	ck_assert_ptr_null(byte_ring_peek(&ring, &len));
}
END_TEST

START_TEST(full_ring_refuses_and_keeps)
{
	uint32_t n = 0;
	const void *at;
	size_t len;

	while (put(n))
		n++;
	(void)byte_ring_publish(&ring);
	ck_assert_uint_gt(n, 10);
	at = byte_ring_peek(&ring, &len);
	ck_assert_uint_eq(check_records(at, len, 0), n);
	byte_ring_consume(&ring, len);
	ck_assert(put(n));
	(void)byte_ring_publish(&ring);
	at = byte_ring_peek(&ring, &len);
	ck_assert_uint_eq(check_records(at, len, n), 1);
}
END_TEST

START_TEST(records_up_to_half_of_it_always_fit_when_empty)
{
	size_t len, half = RING / 2;

	ck_assert_ptr_null(byte_ring_reserve(&ring, half + 4));
	for (size_t start = 4; start <= half; start += 332) {
		const void *at;

		ck_assert_ptr_nonnull(byte_ring_reserve(&ring, start));
		byte_ring_commit(&ring, start);
		(void)byte_ring_publish(&ring);
		while (byte_ring_peek(&ring, &len))
			byte_ring_consume(&ring, len);
		at = byte_ring_reserve(&ring, half);
		ck_assert_ptr_nonnull(at);
		byte_ring_commit(&ring, half);
		(void)byte_ring_publish(&ring);
		ck_assert_ptr_eq(byte_ring_peek(&ring, &len), at);
		ck_assert_uint_eq(len, half);
		byte_ring_consume(&ring, len);
		ck_assert_uint_eq(byte_ring_held(&ring), 0);
	}
}
END_TEST

/* Every place of a record at the end of the memory, exact fits included. */
START_TEST(turns_at_every_place)
{
	uint32_t in = 0, out = 0, n;
	const void *at;
	size_t len;

	for (uint32_t round = 0; round < 20000; round++) {
		for (uint32_t i = 0; i < 1 + round % 7 && put(in); i++)
			in++;
		(void)byte_ring_publish(&ring);
		ck_assert_uint_le(byte_ring_held(&ring), RING);
		at = byte_ring_peek(&ring, &len);
		if (!at)
			continue;
		n = check_records(at, len, out);
		ck_assert_uint_gt(n, 0);
		out += n;
		byte_ring_consume(&ring, len);
	}
	ck_assert_uint_gt(in, 20000);
	while ((at = byte_ring_peek(&ring, &len))) {
		out += check_records(at, len, out);
		byte_ring_consume(&ring, len);
	}
	ck_assert_uint_eq(in, out);
}
END_TEST

START_TEST(exact_fit_leaves_no_gap)
{
	const unsigned char *at;
	size_t len;

	for (unsigned int round = 0; round < 6; round++) {
		for (unsigned int i = 0; i < 4; i++) {
			unsigned char *to = byte_ring_reserve(&ring, RING / 4);

			ck_assert_ptr_nonnull(to);
			memset(to, (int)(round + i), RING / 4);
			byte_ring_commit(&ring, RING / 4);
		}
		ck_assert_ptr_null(byte_ring_reserve(&ring, 4));
		(void)byte_ring_publish(&ring);
		for (unsigned int i = 0; i < 4; i++) {
			at = byte_ring_peek(&ring, &len);
			ck_assert_uint_eq(len, RING - i * (RING / 4));
			ck_assert_uint_eq(at[0], round + i);
			byte_ring_consume(&ring, RING / 4);
		}
		ck_assert_ptr_null(byte_ring_peek(&ring, &len));
	}
}
END_TEST

/* A writer that sleeps on the bell and a producer that never waits. */
struct reader {
	struct iothread *io;
	struct capture_bell bell;
	uint32_t seen, bad;
	unsigned int woken;
	size_t part;
};

static void take(struct reader *r, const unsigned char *at, size_t len)
{
	uint32_t n = check_records(at, len, r->seen);

	r->seen += n;
	r->bad += !n;
}

static void read_all(struct loop_msg *msg)
{
	struct reader *r = container_of(msg, struct reader, bell.msg);
	const unsigned char *at;
	size_t len;

	capture_bell_heard(&r->bell);
	r->woken++;
	do {
		while ((at = byte_ring_peek(&ring, &len))) {
			take(r, at, len);
			byte_ring_consume(&ring, len);
		}
		capture_bell_set(&r->bell, CAPTURE_BELL_SLEEPS);
	} while (byte_ring_held(&ring));
}

/* Bytes one after the other, as a slow pipe takes them. */
static void read_bytes(struct loop_msg *msg)
{
	struct reader *r = container_of(msg, struct reader, bell.msg);
	static unsigned char record[2048];
	const unsigned char *at;
	size_t len;

	capture_bell_heard(&r->bell);
	r->woken++;
	do {
		while ((at = byte_ring_peek(&ring, &len))) {
			len = MIN(len, (size_t)7);
			memcpy(record + r->part, at, len);
			r->part += len;
			byte_ring_consume(&ring, len);
			if (r->part < 4 || r->part < load_le32(record))
				continue;
			len = load_le32(record);
			take(r, record, len);
			r->part -= len;
			memmove(record, record + len, r->part);
		}
		capture_bell_set(&r->bell, CAPTURE_BELL_SLEEPS);
	} while (byte_ring_held(&ring));
}

static void two_threads(loop_msg_fn read)
{
	struct reader r = {0};
	uint32_t n = 0;

	ck_assert_int_eq(iothread_create("reader", THREAD_QUEUE, &r.io), 0);
	capture_bell_init(&r.bell, &r.io->loop, read);
	capture_bell_set(&r.bell, CAPTURE_BELL_SLEEPS);
	while (n < RECORDS) {
		uint32_t before = n;

		for (uint32_t i = 0; i < 1 + n % 5 && n < RECORDS && put(n);
		     i++)
			n++;
		if (n == before) {
			sched_yield();
			continue;
		}
		(void)byte_ring_publish(&ring);
		capture_bell_ring(&r.bell, false);
	}
	/* No bell was missed: all is read without another. */
	while (byte_ring_held(&ring))
		sched_yield();
	iothread_destroy(r.io);
	ck_assert_uint_eq(r.bad, 0);
	ck_assert_uint_eq(r.seen, RECORDS);
	ck_assert_uint_gt(r.woken, 0);
}

START_TEST(two_threads_by_records)
{
	two_threads(read_all);
}
END_TEST

START_TEST(two_threads_by_bytes)
{
	two_threads(read_bytes);
}
END_TEST

static void count(struct loop_msg *msg)
{
	container_of(msg, struct reader, bell.msg)->woken++;
}

START_TEST(bell_wakes_who_needs_it_once)
{
	struct reader r = {0};
	struct loop loop;

	ck_assert_int_eq(loop_init(&loop), 0);
	capture_bell_init(&r.bell, &loop, count);
	capture_bell_ring(&r.bell, true);
	loop_run_once(&loop);
	ck_assert_uint_eq(r.woken, 0); /* awake */

	capture_bell_set(&r.bell, CAPTURE_BELL_NAPS);
	capture_bell_ring(&r.bell, false);
	loop_run_once(&loop);
	ck_assert_uint_eq(r.woken, 0);
	capture_bell_ring(&r.bell, true);
	capture_bell_ring(&r.bell, true);
	loop_run_once(&loop);
	ck_assert_uint_eq(r.woken, 1);
	/* Until it is heard there is no other. */
	capture_bell_ring(&r.bell, true);
	loop_run_once(&loop);
	ck_assert_uint_eq(r.woken, 1);

	capture_bell_heard(&r.bell);
	capture_bell_set(&r.bell, CAPTURE_BELL_SLEEPS);
	capture_bell_ring(&r.bell, false);
	capture_bell_ring(&r.bell, false);
	loop_run_once(&loop);
	ck_assert_uint_eq(r.woken, 2);
	loop_fini(&loop);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("byte_ring");
	TCase *tc = tcase_create("byte_ring");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 90);
	tcase_add_test(tc, empty_until_published);
	tcase_add_test(tc, reserved_and_not_committed_is_nothing);
	tcase_add_test(tc, full_ring_refuses_and_keeps);
	tcase_add_test(tc, records_up_to_half_of_it_always_fit_when_empty);
	tcase_add_test(tc, turns_at_every_place);
	tcase_add_test(tc, exact_fit_leaves_no_gap);
	tcase_add_test(tc, two_threads_by_records);
	tcase_add_test(tc, two_threads_by_bytes);
	tcase_add_test(tc, bell_wakes_who_needs_it_once);
	suite_add_tcase(suite, tc);
	return test_run(suite);
}
