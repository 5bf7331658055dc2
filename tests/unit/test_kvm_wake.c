/* SPDX-License-Identifier: MIT */
/*
 * Wake-ups under the worst of timing: two threads that wait for each other,
 * many times, with nothing between a look and a sleep.
 */
#include "base/util.h"
#include "kvm/wake.h"
#include "support/run.h"

#include <check.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#define ROUNDS 100000

struct side {
	struct wake wake;
	atomic_uint round;
};

static struct side left, right;

static void await_round(struct side *side, unsigned int round)
{
	for (;;) {
		uint32_t seen = wake_seen(&side->wake);

		if (atomic_load(&side->round) >= round)
			return;
		wake_wait(&side->wake, seen);
	}
}

static void tell_round(struct side *side, unsigned int round)
{
	atomic_store(&side->round, round);
	wake_signal(&side->wake);
}

static void *answer(void *arg)
{
	UNUSED(arg);
	for (unsigned int i = 1; i <= ROUNDS; i++) {
		await_round(&right, i);
		tell_round(&left, i);
	}
	return NULL;
}

START_TEST(signal_between_look_and_sleep_counts)
{
	uint32_t seen = wake_seen(&left.wake);

	wake_signal(&left.wake);
	wake_wait(&left.wake, seen);
	ck_assert_uint_ne(wake_seen(&left.wake), seen);
}
END_TEST

START_TEST(no_wake_up_is_lost)
{
	pthread_t thread;

	ck_assert_int_eq(pthread_create(&thread, NULL, answer, NULL), 0);
	for (unsigned int i = 1; i <= ROUNDS; i++) {
		tell_round(&right, i);
		await_round(&left, i);
	}
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("kvm_wake");
	TCase *tc = tcase_create("all");

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, signal_between_look_and_sleep_counts);
	tcase_add_test(tc, no_wake_up_is_lost);
	suite_add_tcase(suite, tc);
	return test_run(suite);
}
