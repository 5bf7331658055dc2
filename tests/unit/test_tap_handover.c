/* SPDX-License-Identifier: MIT */
/*
 * Frames from thread to thread: each arrives, once, whole, in order, and
 * nobody sleeps over one.
 */
#include "backends/tap_handover.h"
#include "net/types.h"
#include "support/run.h"

#include <check.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define QUEUES	   3
#define RECEIVER   2
#define ONE_BY_ONE 10000
#define MANY	   5000

static struct tap_handover *handover;

/* @lonely: a frame goes only when all before were taken. */
struct sender {
	pthread_t thread;
	size_t from;
	uint32_t n;
	bool lonely;
	atomic_uint taken;
};

static uint32_t len_of(uint32_t i)
{
	return 14 + i * 7919U % (i % 16 ? 150 : 65000);
}

static void fill(uint8_t *bytes, size_t from, uint32_t i)
{
	memset(bytes, (int)(from * 100 + i % 100),
	       NET_VNET_HDR_LEN + len_of(i));
}

static void *send_all(void *arg)
{
	static _Thread_local uint8_t bytes[NET_VNET_HDR_LEN + NET_FRAME_MAX];
	struct sender *s = arg;

	for (uint32_t i = 0; i < s->n; i++) {
		struct iovec iov[2] = {
			{bytes, 20},
			{bytes + 20, NET_VNET_HDR_LEN + len_of(i) - 20},
		};

		fill(bytes, s->from, i);
		while (s->lonely && atomic_load(&s->taken) != i)
			(void)sched_yield();
		/* At any moment of its falling asleep. */
		for (volatile uint32_t k = 0; s->lonely && k < i % 64; k++)
			continue;
		while (!tap_handover_give(handover, s->from, RECEIVER,
					  net_iov_walk(iov, 2), len_of(i)))
			(void)sched_yield();
	}
	return NULL;
}

static void wait_for_frame(void)
{
	struct pollfd wait = {
		.fd = tap_handover_fd(handover, RECEIVER),
		.events = POLLIN,
	};

	ck_assert_msg(poll(&wait, 1, 60000) == 1, "nobody wakes the receiver");
	tap_handover_woken(handover, RECEIVER);
}

static void take_all(struct sender *senders, size_t n)
{
	static uint8_t bytes[NET_VNET_HDR_LEN + NET_FRAME_MAX];
	uint32_t left = 0;

	for (size_t k = 0; k < n; k++)
		left += senders[k].n;
	while (left) {
		struct tap_handed frame;
		struct sender *s;
		uint32_t i;

		if (!tap_handover_peek(handover, RECEIVER, &frame)) {
			wait_for_frame();
			continue;
		}
		ck_assert_uint_lt(frame.hdr[0] / 100U, n);
		s = &senders[frame.hdr[0] / 100U];
		i = atomic_load(&s->taken);
		fill(bytes, s->from, i);
		ck_assert_uint_eq(frame.len, len_of(i));
		ck_assert_mem_eq(frame.hdr, bytes, NET_VNET_HDR_LEN);
		ck_assert_mem_eq(frame.frame, bytes, frame.len);
		tap_handover_take(handover, RECEIVER);
		atomic_store(&s->taken, i + 1);
		left--;
	}
}

static void run(struct sender *senders, size_t n)
{
	for (size_t i = 0; i < n; i++)
		ck_assert_int_eq(pthread_create(&senders[i].thread, NULL,
						send_all, &senders[i]),
				 0);
	take_all(senders, n);
	for (size_t i = 0; i < n; i++)
		ck_assert_int_eq(pthread_join(senders[i].thread, NULL), 0);
}

static void setup(void)
{
	ck_assert_int_eq(tap_handover_create(QUEUES, &handover), 0);
}

static void teardown(void)
{
	tap_handover_destroy(handover);
	tap_handover_destroy(NULL);
}

/* Before each frame the receiver is about to sleep, or sleeps. */
START_TEST(nobody_sleeps_over_a_frame)
{
	struct sender sender = {.n = ONE_BY_ONE, .lonely = true};

	run(&sender, 1);
}
END_TEST

START_TEST(two_senders)
{
	struct sender senders[2] = {
		{.n = MANY},
		{.from = 1, .n = MANY},
	};

	run(senders, 2);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("tap_handover");
	TCase *tc = tcase_create("threads");

	tcase_set_timeout(tc, 100);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, nobody_sleeps_over_a_frame);
	tcase_add_test(tc, two_senders);
	suite_add_tcase(suite, tc);
	return test_run(suite);
}
