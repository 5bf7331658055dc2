/* SPDX-License-Identifier: MIT */
/*
 * Token buckets under a clock of the test's.
 */
#include "net/token_bucket.h"
#include "support/run.h"

#include <check.h>
#include <pthread.h>
#include <stdlib.h>

#define MS  1000000ULL
#define SEC (1000 * MS)

static struct token_bucket bucket;

static void configure(uint64_t size, uint64_t burst, uint64_t refill_ms,
		      uint64_t now)
{
	const struct token_bucket_config config = {size, burst, refill_ms};

	token_bucket_configure(&bucket, &config, now);
}

static void setup(void)
{
	token_bucket_init(&bucket);
}

START_TEST(no_size_is_no_limit)
{
	ck_assert(!token_bucket_is_limited(&bucket));
	ck_assert_uint_eq(token_bucket_available(&bucket, 0, false),
			  UINT64_MAX);
	token_bucket_take(&bucket, UINT64_MAX, 0, false);
	ck_assert_uint_eq(token_bucket_wait(&bucket, 0), 0);
	configure(0, 10, 10, 5);
	ck_assert(!token_bucket_is_limited(&bucket));
}
END_TEST

START_TEST(refill_needs_time)
{
	struct token_bucket_config config = {.size = 1};

	ck_assert(!token_bucket_config_ok(&config));
	config.refill_time = 1;
	ck_assert(token_bucket_config_ok(&config));
	config.size = 0;
	config.refill_time = 0;
	ck_assert(token_bucket_config_ok(&config));
}
END_TEST

START_TEST(begins_full_and_refills_evenly)
{
	uint64_t now = _i ? 5 * SEC : 0;

	configure(1000, 0, 100, now);
	ck_assert_uint_eq(token_bucket_available(&bucket, now, false), 1000);
	token_bucket_take(&bucket, 1000, now, false);
	ck_assert_uint_eq(token_bucket_available(&bucket, now, false), 0);
	for (unsigned int k = 1; k <= 100; k++)
		ck_assert_uint_eq(
			token_bucket_available(&bucket, now + k * MS, false),
			10 * k);
	/* It holds no more than its size. */
	ck_assert_uint_eq(token_bucket_available(&bucket, now + SEC, false),
			  1000);
	token_bucket_take(&bucket, 400, now + SEC, false);
	ck_assert_uint_eq(token_bucket_available(&bucket, now + SEC, false),
			  600);
}
END_TEST

START_TEST(debt_is_waited_for)
{
	configure(1000, 0, 100, 0);
	token_bucket_take(&bucket, 1500, 0, false);
	ck_assert_uint_eq(token_bucket_available(&bucket, 0, false), 0);
	ck_assert_uint_eq(token_bucket_wait(&bucket, 0), 50 * MS + 1);
	ck_assert_uint_eq(token_bucket_wait(&bucket, 49 * MS), MS + 1);
	ck_assert_uint_eq(token_bucket_available(&bucket, 50 * MS, false), 0);
	ck_assert_uint_eq(token_bucket_wait(&bucket, 50 * MS + 1), 0);
	/* Part of a token is enough for one packet. */
	ck_assert_uint_eq(token_bucket_available(&bucket, 50 * MS + 1, false),
			  1);
}
END_TEST

START_TEST(one_time_burst_is_used_first_and_once)
{
	configure(1000, 300, 100, 0);
	ck_assert_uint_eq(token_bucket_available(&bucket, 0, false), 1300);
	token_bucket_take(&bucket, 200, 0, false);
	ck_assert_uint_eq(token_bucket_available(&bucket, 0, false), 1100);
	token_bucket_take(&bucket, 1100, 0, false);
	ck_assert_uint_eq(token_bucket_available(&bucket, 0, false), 0);
	ck_assert_uint_eq(token_bucket_available(&bucket, SEC, false), 1000);
}
END_TEST

/* Nothing is lost to a late timer by who has waited, only by who has not. */
START_TEST(late_wake_ups_lose_nothing)
{
	configure(1000, 0, 1, 0);
	token_bucket_take(&bucket, 1000, 0, false);
	ck_assert_uint_eq(token_bucket_available(&bucket, 5 * MS, true), 5000);
	ck_assert_uint_eq(token_bucket_available(&bucket, 5 * MS, false), 1000);
	token_bucket_take(&bucket, 4000, 5 * MS, true);
	ck_assert_uint_eq(token_bucket_available(&bucket, 5 * MS, true), 1000);
}
END_TEST

START_TEST(change_begins_anew_and_no_change_does_not)
{
	configure(1000, 0, 100, 0);
	token_bucket_take(&bucket, 900, 0, false);
	configure(1000, 0, 100, 0);
	ck_assert_uint_eq(token_bucket_available(&bucket, 0, false), 100);
	token_bucket_take(&bucket, 900000, 0, false);
	configure(2000, 0, 100, MS);
	ck_assert_uint_eq(token_bucket_available(&bucket, MS, false), 2000);
	configure(0, 0, 0, MS);
	ck_assert(!token_bucket_is_limited(&bucket));
}
END_TEST

/* Packets of any size at any rate, as fast as the bucket lets them: the average
 * is that of the bucket. */
START_TEST(average_is_exact)
{
	static const struct {
		uint64_t per_sec, packet;
	} rows[] = {
		{125000, 1514},	     /* 1 Mbit/s */
		{12500000, 64},	     /* 100 Mbit/s */
		{1250000000, 60},    /* 10 Gbit/s */
		{1250000000, 65549}, /* the same in large frames */
		{12500000000, 64},   /* 100 Gbit/s */
		{3, 1},
	};
	const uint64_t packet = rows[_i].packet;
	uint64_t now = 0, sent = 0, start, end;
	double rate;

	configure(rows[_i].per_sec / 10 + 1, 0,
		  rows[_i].per_sec < 10 ? 1000 : 100, 0);
	if (rows[_i].per_sec < 10)
		configure(rows[_i].per_sec, 0, 1000, 0);
	while (!token_bucket_wait(&bucket, now))
		token_bucket_take(&bucket, packet, now, false);
	start = now + token_bucket_wait(&bucket, now);
	for (now = start; sent < 20000 * packet;
	     now += token_bucket_wait(&bucket, now)) {
		token_bucket_take(&bucket, packet, now, true);
		sent += packet;
	}
	end = now;
	rate = (double)sent * 1e9 / (double)(end - start);
	ck_assert_double_eq_tol(rate / (double)rows[_i].per_sec, 1, 0.004);
}
END_TEST

/* Absurd limits are limits all the same. */
START_TEST(extremes)
{
	configure(1, 0, UINT64_MAX, 0);
	ck_assert_uint_eq(token_bucket_available(&bucket, 0, false), 1);
	token_bucket_take(&bucket, UINT32_MAX, 0, false);
	ck_assert_uint_eq(token_bucket_available(&bucket, SEC, false), 0);
	ck_assert_uint_gt(token_bucket_wait(&bucket, SEC), SEC);
	configure(UINT64_MAX, UINT64_MAX, 1, SEC);
	ck_assert_uint_ge(token_bucket_available(&bucket, SEC, false),
			  1ULL << 62);
	token_bucket_take(&bucket, UINT32_MAX, SEC, false);
	ck_assert_uint_eq(token_bucket_wait(&bucket, SEC), 0);
}
END_TEST

#define THREADS	 4
#define TAKES	 20000
#define PER_TAKE 3

static void *take_many(void *arg)
{
	UNUSED(arg);
	for (int k = 0; k < TAKES; k++)
		token_bucket_take(&bucket, PER_TAKE, 0, false);
	return NULL;
}

/* Several queues share a bucket: what each takes is taken. */
START_TEST(threads_share_a_bucket)
{
	const uint64_t total = (uint64_t)THREADS * TAKES * PER_TAKE;
	pthread_t threads[THREADS];

	configure(2 * total, 1000, 1000, 0);
	for (int k = 0; k < THREADS; k++)
		ck_assert_int_eq(
			pthread_create(&threads[k], NULL, take_many, NULL), 0);
	for (int k = 0; k < THREADS; k++)
		(void)pthread_join(threads[k], NULL);
	/* Each take is rounded to 1/64 ns. */
	ck_assert_uint_ge(token_bucket_available(&bucket, 0, false),
			  total + 1000 - total / 1000);
	ck_assert_uint_le(token_bucket_available(&bucket, 0, false),
			  total + 1000 + total / 1000);
	ck_assert_uint_eq(atomic_load(&bucket.burst), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("token bucket");
	TCase *tc = tcase_create("bucket");

	tcase_set_timeout(tc, 120);
	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_test(tc, no_size_is_no_limit);
	tcase_add_test(tc, refill_needs_time);
	tcase_add_loop_test(tc, begins_full_and_refills_evenly, 0, 2);
	tcase_add_test(tc, debt_is_waited_for);
	tcase_add_test(tc, one_time_burst_is_used_first_and_once);
	tcase_add_test(tc, late_wake_ups_lose_nothing);
	tcase_add_test(tc, change_begins_anew_and_no_change_does_not);
	tcase_add_loop_test(tc, average_is_exact, 0, 6);
	tcase_add_test(tc, extremes);
	tcase_add_test(tc, threads_share_a_bucket);
	suite_add_tcase(suite, tc);
	return test_run(suite);
}
