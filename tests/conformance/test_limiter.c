/* SPDX-License-Identifier: MIT */
/*
 * The rate limiter under a clock of the test's: a worker on one side, an
 * endpoint that the test steers on the other. Its sleeps are real, and looked
 * at only by what happens in the end.
 */
#include "backends/limiter.h"

#include "conformance/fake_frontend.h"
#include "support/run.h"
#include "support/script_endpoint.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MS     1000000ULL
#define BUFS   512
#define LIMITS 1000 /* bytes in 10 ms: 15 packets of FAKE_LEN and a bit */

static struct loop loop;
static struct script_endpoint *script;
static struct net_endpoint *limiter;
static struct script_queue *q;
static struct fake_frontend fe;
static uint64_t now_ns;
static unsigned int clock_reads;

static const unsigned char frame[FAKE_LEN];

static uint64_t fake_clock(void)
{
	clock_reads++;
	return now_ns;
}

static void done_cb(void *arg, int err)
{
	UNUSED(arg);
	ck_assert_int_eq(err, 0);
}

static void run(unsigned int n)
{
	while (n--)
		loop_run_once(&loop);
}

/* Lets the timers of the limiter fire, and what follows happen. */
static void run_for_sleeps(void)
{
	ev_tstamp end = ev_time() + 0.15;

	while (ev_time() < end)
		run(1);
}

static void begin(void)
{
	struct net_queue_config config = fake_frontend_config(&fe);

	ck_assert_int_eq(net_endpoint_get_queues(limiter, &config, 1, NULL,
						 &fe.queue, done_cb, NULL),
			 0);
	run(5);
	q = script->queues[0];
	net_worker_start(&fe.worker, fe.queue);
	run(3);
}

static void setup(void)
{
	const struct limiter_config none = {0};

	now_ns = 12345;
	clock_reads = 0;
	ck_assert_int_eq(loop_init(&loop), 0);
	ck_assert_int_eq(script_endpoint_create(&loop, &script), 0);
	ck_assert_int_eq(
		limiter_endpoint_create_with_clock(&script->base, &none, &loop,
						   fake_clock, &limiter),
		0);
	fake_frontend_init(&fe, &loop, BUFS);
	begin();
}

static void teardown(void)
{
	net_worker_stop(&fe.worker);
	net_queue_destroy(fe.queue);
	net_endpoint_destroy(limiter);
	run(2);
	loop_fini(&loop);
	fake_frontend_fini(&fe);
}

static const struct token_bucket_config bucket = {LIMITS, 0, 10};

static void limit(struct limiter_config config)
{
	ck_assert_int_eq(limiter_set(limiter, &config), 0);
}

static uint64_t count(const _Atomic uint64_t *stat)
{
	return net_stat_get(stat);
}

static const struct net_stats *stats(void)
{
	return net_queue_stats(fe.queue);
}

static void arrive(unsigned int n)
{
	while (n--)
		ck_assert_int_eq(script_queue_arrive(q, frame, sizeof(frame)),
				 0);
}

static bool until(bool (*pred)(void))
{
	time_t end = time(NULL) + 60;

	while (!pred() && time(NULL) < end)
		run(1);
	return pred();
}

START_TEST(without_limits_it_is_not_there)
{
	unsigned int reads = clock_reads;

	fake_frontend_post(&fe, 0, 100);
	run(2);
	arrive(100);
	fake_frontend_send(&fe, 300);
	run(10);
	ck_assert_uint_eq(fe.n_done, 300);
	ck_assert_uint_eq(fe.n_received, 100);
	ck_assert_uint_eq(clock_reads, reads);
	ck_assert(fe.armed_rx && fe.armed_tx);
}
END_TEST

/* What has no tokens waits with the frontend, and goes when there are some; the
 * last packet that found one may overdraw. */
START_TEST(transmits_wait_for_tokens)
{
	limit((struct limiter_config){.tx = {.bandwidth = bucket}});
	fake_frontend_send(&fe, 40);
	run(5);
	ck_assert_uint_eq(fe.n_done, 16);
	ck_assert(!fe.armed_tx); /* a kick would not help */
	ck_assert_uint_eq(count(&stats()->tx_throttled), 1);
	run_for_sleeps();
	ck_assert_uint_eq(fe.n_done, 16);
	/* 24 bytes of debt are paid, and a packet's worth comes. */
	now_ns += MS;
	run_for_sleeps();
	ck_assert_uint_eq(fe.n_done, 18);
	ck_assert_uint_eq(count(&stats()->tx_throttled), 2);
	now_ns += 1000 * MS; /* far more than the rest needs */
	run_for_sleeps();
	ck_assert_uint_eq(fe.n_done, 40);
	ck_assert(fake_frontend_all_done(&fe));
	ck_assert(fe.armed_tx);
	ck_assert_uint_eq(count(&stats()->tx_packets), 40);
}
END_TEST

START_TEST(operations_are_limited_by_themselves)
{
	const struct token_bucket_config ten = {10, 0, 10};

	limit((struct limiter_config){
		.tx = {.bandwidth = {1U << 30, 0, 1}, .ops = ten}});
	fake_frontend_send(&fe, 40);
	run(5);
	ck_assert_uint_eq(fe.n_done, 10);
	now_ns += 3 * MS;
	run_for_sleeps();
	ck_assert_uint_eq(fe.n_done, 13);
}
END_TEST

START_TEST(one_time_burst_is_on_top)
{
	limit((struct limiter_config){.tx = {.ops = {.size = 10,
						     .one_time_burst = 5,
						     .refill_time = 10}}});
	fake_frontend_send(&fe, 40);
	run(5);
	ck_assert_uint_eq(fe.n_done, 15);
	now_ns += 10 * MS;
	run_for_sleeps();
	ck_assert_uint_eq(fe.n_done, 25);
}
END_TEST

/* What the inner queue does not take is not paid for. */
START_TEST(refused_packets_cost_nothing)
{
	limit((struct limiter_config){.tx = {.ops = {10, 0, 1000000}}});
	q->tx_room = 4;
	fake_frontend_send(&fe, 40);
	run(5);
	ck_assert_uint_eq(fe.n_done, 4);
	ck_assert_uint_eq(count(&stats()->tx_throttled), 0);
	script_queue_grant(q, 100);
	run_for_sleeps();
	ck_assert_uint_eq(fe.n_done, 10);
	ck_assert_uint_eq(count(&stats()->tx_throttled), 1);
}
END_TEST

START_TEST(receives_wait_for_tokens)
{
	limit((struct limiter_config){.rx = {.bandwidth = bucket}});
	fake_frontend_post(&fe, 0, 100);
	run(2);
	arrive(40);
	run(10);
	ck_assert_uint_eq(fe.n_received, 16);
	run_for_sleeps();
	ck_assert_uint_eq(fe.n_received, 16);
	ck_assert_uint_eq(count(&stats()->rx_throttled), 0);
	now_ns += MS;
	run_for_sleeps();
	ck_assert_uint_eq(fe.n_received, 18);
	ck_assert_uint_eq(count(&stats()->rx_throttled), 1);
	now_ns += 1000 * MS;
	run_for_sleeps();
	ck_assert_uint_eq(fe.n_received, 40);
}
END_TEST

/* A queue whose receive is held sleeps, whatever waits in the inner queue. */
START_TEST(held_queue_sleeps)
{
	uint64_t rounds;

	limit((struct limiter_config){.rx = {.bandwidth = {LIMITS, 0, 1000}}});
	fake_frontend_post(&fe, 0, 100);
	run(2);
	arrive(40);
	run(10);
	rounds = fe.worker.rounds;
	run(200);
	ck_assert_uint_le(fe.worker.rounds - rounds, 2);
	ck_assert_uint_eq(fe.n_received, 16);
}
END_TEST

/* Transmits go on meanwhile, also where they are completed later. */
START_TEST(held_receive_does_not_hold_transmit)
{
	q->tx = SCRIPT_TX_HELD;
	limit((struct limiter_config){.rx = {.bandwidth = bucket}});
	fake_frontend_post(&fe, 0, 100);
	run(2);
	arrive(40);
	run(10);
	ck_assert_uint_eq(fe.n_received, 16);
	fake_frontend_send(&fe, 3);
	run(5);
	ck_assert_uint_eq(q->n_flying, 3);
	while (q->n_flying)
		script_queue_complete(q, 0);
	run_for_sleeps();
	ck_assert_uint_eq(fe.n_done, 3);
	ck_assert_uint_eq(fe.n_received, 16);
}
END_TEST

START_TEST(other_direction_is_free)
{
	limit((struct limiter_config){.tx = {.bandwidth = bucket}});
	fake_frontend_post(&fe, 0, 100);
	fake_frontend_send(&fe, 40);
	arrive(40);
	run(10);
	ck_assert_uint_eq(fe.n_received, 40);
	ck_assert_uint_eq(fe.n_done, 16);
}
END_TEST

static bool all_done(void)
{
	return fe.n_done == 40 && fe.n_received == 40;
}

/* New limits are felt by queues that sleep; none at all as well. */
START_TEST(limits_change_while_held)
{
	/* Without a change there is no token for half an hour. */
	const struct limiter_direction slow = {
		.bandwidth = {LIMITS, 0, 100000000},
	};
	const struct limiter_direction wide = {.ops = {100, 0, 1000}};

	limit((struct limiter_config){.rx = slow, .tx = slow});
	fake_frontend_post(&fe, 0, 100);
	fake_frontend_send(&fe, 40);
	arrive(40);
	run(10);
	ck_assert_uint_eq(fe.n_done, 16);
	ck_assert_uint_eq(fe.n_received, 16);
	if (_i)
		limit((struct limiter_config){.rx = wide, .tx = wide});
	else
		limit((struct limiter_config){0});
	ck_assert(until(all_done));
}
END_TEST

static unsigned int n_ready;

static void count_ready(struct net_queue_client *client)
{
	UNUSED(client);
	n_ready++;
}

static bool is_ready(void)
{
	return n_ready != 0;
}

/* A frontend that offers the tail only when it is told to is told. */
START_TEST(tail_is_called_for)
{
	struct net_queue_client client = {.ready = count_ready};
	struct net_queue_config config = fake_frontend_config(&fe);
	struct net_tx_meta metas[3];
	struct net_tx_seg segs[3];
	struct net_tx_taken taken;

	net_worker_stop(&fe.worker);
	net_queue_destroy(fe.queue);
	config.client = &client;
	limit((struct limiter_config){.tx = {.ops = {2, 0, 100}}});
	ck_assert_int_eq(net_endpoint_get_queues(limiter, &config, 1, NULL,
						 &fe.queue, done_cb, NULL),
			 0);
	run(5);
	for (uint32_t i = 0; i < 3; i++) {
		metas[i] = (struct net_tx_meta){
			.id.v = i,
			.n_segs = 1,
			.len = FAKE_LEN,
		};
		segs[i] = (struct net_tx_seg){
			.gpa = NET_BUFS_TX_GPA,
			.len = FAKE_LEN,
			.type = NET_TX_HEAD,
			.meta = &metas[i],
		};
	}
	ck_assert_int_eq(
		net_queue_tx_avail(fe.queue, &fe.bufs.base, segs, 3, &taken),
		0);
	ck_assert_uint_eq(taken.n_segs, 2);
	n_ready = 0;
	ck_assert(!net_queue_poll_ready(fe.queue, &fe.bufs.base));
	now_ns += 100 * MS;
	ck_assert(until(is_ready));
	ck_assert_uint_eq(n_ready, 1);
	ck_assert_int_eq(net_queue_tx_avail(fe.queue, &fe.bufs.base, &segs[2],
					    1, &taken),
			 0);
	ck_assert_uint_eq(taken.n_segs, 1);
	net_queue_destroy(fe.queue);
	begin(); /* for the teardown */
}
END_TEST

/* The buckets are the NIC's: what one queue takes the other has not. */
START_TEST(queues_share_the_buckets)
{
	static struct fake_frontend fes[2];
	struct net_queue_config configs[2];
	struct net_queue *queues[2];

	net_worker_stop(&fe.worker);
	net_queue_destroy(fe.queue);
	limit((struct limiter_config){.tx = {.ops = {20, 0, 1000000}}});
	for (size_t i = 0; i < 2; i++) {
		fake_frontend_init(&fes[i], &loop, 1);
		configs[i] = fake_frontend_config(&fes[i]);
	}
	ck_assert_int_eq(net_endpoint_get_queues(limiter, configs, 2, NULL,
						 queues, done_cb, NULL),
			 0);
	run(5);
	for (size_t i = 0; i < 2; i++) {
		net_worker_start(&fes[i].worker, queues[i]);
		run(3);
		fake_frontend_send(&fes[i], 15);
	}
	run(5);
	ck_assert_uint_eq(fes[0].n_done, 15);
	ck_assert_uint_eq(fes[1].n_done, 5);
	for (size_t i = 0; i < 2; i++) {
		net_worker_stop(&fes[i].worker);
		net_queue_destroy(queues[i]);
		fake_frontend_fini(&fes[i]);
	}
	begin(); /* for the teardown */
}
END_TEST

START_TEST(limits_are_told_and_checked)
{
	struct limiter_config config = {.rx = {.bandwidth = {1, 2, 3}},
					.tx = {.ops = {4, 5, 6}}};
	struct limiter_config bad = {.rx = {.ops = {1, 0, 0}}};
	struct limiter_config read;
	struct inspect tree;
	struct net_endpoint *ep;

	limit(config);
	limiter_get(limiter, &read);
	ck_assert_mem_eq(&read, &config, sizeof(config));
	ck_assert_int_eq(limiter_set(limiter, &bad), -EINVAL);
	limiter_get(limiter, &read);
	ck_assert_mem_eq(&read, &config, sizeof(config));
	ck_assert_int_eq(
		limiter_endpoint_create(&script->base, &bad, &loop, &ep),
		-EINVAL);
	inspect_init(&tree);
	net_endpoint_inspect(limiter, &tree);
	ck_assert_ptr_nonnull(
		strstr(inspect_text(&tree), "\"bandwidth_size\":1"));
	inspect_fini(&tree);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("limiter");
	TCase *tc = tcase_create("limits");

	tcase_set_timeout(tc, 120);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, without_limits_it_is_not_there);
	tcase_add_test(tc, transmits_wait_for_tokens);
	tcase_add_test(tc, operations_are_limited_by_themselves);
	tcase_add_test(tc, one_time_burst_is_on_top);
	tcase_add_test(tc, refused_packets_cost_nothing);
	tcase_add_test(tc, receives_wait_for_tokens);
	tcase_add_test(tc, held_queue_sleeps);
	tcase_add_test(tc, held_receive_does_not_hold_transmit);
	tcase_add_test(tc, other_direction_is_free);
	tcase_add_loop_test(tc, limits_change_while_held, 0, 2);
	tcase_add_test(tc, tail_is_called_for);
	tcase_add_test(tc, queues_share_the_buckets);
	tcase_add_test(tc, limits_are_told_and_checked);
	suite_add_tcase(suite, tc);
	return test_run(suite);
}
