/* SPDX-License-Identifier: MIT */
/*
 * The wheel of timers against a list of times.
 */
#include "backends/consomme/timer.h"
#include "base/util.h"
#include "support/run.h"

#include <check.h>
#include <stdlib.h>

#define N     64
#define STEPS 12000

struct one {
	struct csm_timer timer;
	uint64_t at; /* the model: CSM_NEVER: not set */
	unsigned int calls;
};

static struct csm_timers timers;
static struct one ones[N];
static uint64_t now;
static uint64_t seed = 88172645463325252ULL;

static uint64_t draw(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

static void called(struct csm_timer *timer)
{
	struct one *one = container_of(timer, struct one, timer);

	if (one->at > now)
		ck_abort_msg("called before its time, or never set");
	one->at = CSM_NEVER;
	one->calls++;
}

static void begin(uint64_t at)
{
	now = at;
	csm_timers_init(&timers, now);
	for (size_t i = 0; i < N; i++) {
		csm_timer_init(&ones[i].timer, called);
		ones[i].at = CSM_NEVER;
		ones[i].calls = 0;
	}
}

static void set(struct one *one, uint64_t at)
{
	one->at = MAX(at, now); /* what is past is due now */
	csm_timer_set(&timers, &one->timer, at);
}

static uint64_t first_of_model(void)
{
	uint64_t first = CSM_NEVER;

	for (size_t i = 0; i < N; i++)
		first = MIN(first, ones[i].at);
	return first;
}

static void run_and_compare(void)
{
	csm_timers_run(&timers, now);
	/* Check's assertions write to a file; these are too many for that. */
	for (size_t i = 0; i < N; i++) {
		bool is_set = ones[i].at != CSM_NEVER;

		if (csm_timer_is_set(&ones[i].timer) != is_set)
			ck_abort_msg("timer %zu is set: %d", i, !is_set);
		if (is_set && ones[i].at + 2 * CSM_MS <= now)
			ck_abort_msg("timer %zu is later than two grains", i);
	}
}

/* From a grain to beyond what the wheels reach, more often soon than late. */
static uint64_t some_time(void)
{
	return now + draw() % (UINT64_C(1) << (10 + draw() % 52));
}

static void against_model(uint64_t start)
{
	begin(start);
	for (unsigned int step = 0; step < STEPS; step++) {
		struct one *one = &ones[draw() % N];
		uint64_t next, first;

		switch (draw() % 8) {
		case 0:
			csm_timer_stop(&timers, &one->timer);
			one->at = CSM_NEVER;
			break;
		case 1:
			now += draw() % (UINT64_C(1) << draw() % 44);
			break;
		case 2: /* as the loop does: sleep until it is said */
			next = csm_timers_next(&timers);
			if (next != CSM_NEVER)
				now = MAX(now, next);
			break;
		case 3: /* in the past */
			set(one, now - MIN(now, draw() % CSM_SEC));
			break;
		default:
			set(one, some_time());
		}
		if (draw() % 3 == 0)
			run_and_compare();
		first = first_of_model();
		next = csm_timers_next(&timers);
		ck_assert_int_eq(next == CSM_NEVER, first == CSM_NEVER);
		/* Whoever sleeps until then misses nothing. */
		if (first != CSM_NEVER && first > now)
			ck_assert_uint_lt(next, first + CSM_MS);
	}
}

START_TEST(as_a_list_of_times)
{
	const uint64_t reach = (UINT64_C(1) << 36) * CSM_MS;

	against_model(0);
	against_model(123456789123);
	against_model(reach - 5 * CSM_SEC); /* over the wheels' edge */
}
END_TEST

START_TEST(sleeping_until_next_ends_with_all_called)
{
	unsigned int wakes = 0;

	begin(77 * CSM_SEC + 5);
	for (size_t i = 0; i < N; i++)
		set(&ones[i], now + (UINT64_C(1) << (i % 50)) + i);
	for (; csm_timers_next(&timers) != CSM_NEVER; wakes++) {
		now = MAX(now, csm_timers_next(&timers));
		run_and_compare();
	}
	for (size_t i = 0; i < N; i++)
		ck_assert_uint_eq(ones[i].calls, 1);
	/* A wheel's turn for each level and timer at most. */
	ck_assert_uint_le(wakes, N * CSM_WHEEL_LEVELS);
}
END_TEST

static void sets_itself(struct csm_timer *timer)
{
	struct one *one = container_of(timer, struct one, timer);

	one->calls++;
	csm_timer_set(&timers, timer, now);
}

static void stops_all(struct csm_timer *timer)
{
	called(timer);
	for (size_t i = 0; i < N; i++) {
		csm_timer_stop(&timers, &ones[i].timer);
		ones[i].at = CSM_NEVER;
	}
}

START_TEST(set_from_within_is_for_a_later_run)
{
	begin(5 * CSM_SEC);
	ones[0].timer.fn = sets_itself;
	set(&ones[0], now);
	now += 10 * CSM_SEC;
	csm_timers_run(&timers, now);
	ck_assert_uint_eq(ones[0].calls, 1);
	now += 2 * CSM_MS;
	csm_timers_run(&timers, now);
	ck_assert_uint_eq(ones[0].calls, 2);
}
END_TEST

START_TEST(stopped_from_within_is_not_called)
{
	unsigned int calls = 0;

	begin(5 * CSM_SEC);
	for (size_t i = 0; i < N; i++) {
		ones[i].timer.fn = stops_all;
		set(&ones[i], now + i % 3);
	}
	now += CSM_SEC;
	run_and_compare();
	for (size_t i = 0; i < N; i++)
		calls += ones[i].calls;
	ck_assert_uint_eq(calls, 1);
	ck_assert_uint_eq(csm_timers_next(&timers), CSM_NEVER);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("csm_timer");
	TCase *tc = tcase_create("csm_timer");

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, as_a_list_of_times);
	tcase_add_test(tc, sleeping_until_next_ends_with_all_called);
	tcase_add_test(tc, set_from_within_is_for_a_later_run);
	tcase_add_test(tc, stopped_from_within_is_not_called);
	suite_add_tcase(suite, tc);
	return test_run(suite);
}
