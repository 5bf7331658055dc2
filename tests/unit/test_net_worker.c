/* SPDX-License-Identifier: MIT */
/*
 * When the worker asks for kicks: as soon as there is no work, or only after a
 * busy poll.
 */
#include "net/worker.h"

#include "net/endpoint.h"

#include <check.h>
#include <stdlib.h>

#define HOUR_NS (3600ULL * 1000000000)

/* A frontend with packets of one segment, on a queue that takes them all. */
static struct loop loop;
static struct net_endpoint endpoint;
static struct net_queue queue;
static struct net_buffer_access pool;
static struct net_worker worker;
static struct net_tx_meta meta;
static unsigned int offered, taken, done, arms, flushes;

static bool queue_poll_ready(struct net_queue *q, struct net_buffer_access *p)
{
	UNUSED(q);
	UNUSED(p);
	return false;
}

static void queue_rx_avail(struct net_queue *q, struct net_buffer_access *p,
			   const struct net_rx_id *ids, size_t n)
{
	UNUSED(q);
	UNUSED(p);
	UNUSED(ids);
	UNUSED(n);
}

static int queue_rx_poll(struct net_queue *q, struct net_buffer_access *p,
			 struct net_rx_packet *out, size_t max, size_t *n)
{
	UNUSED(q);
	UNUSED(p);
	UNUSED(out);
	UNUSED(max);
	UNUSED(n);
	return 0;
}

static int queue_tx_avail(struct net_queue *q, struct net_buffer_access *p,
			  const struct net_tx_seg *segs, size_t n,
			  struct net_tx_taken *out)
{
	UNUSED(q);
	UNUSED(p);
	UNUSED(segs);
	taken += (unsigned int)n;
	*out = (struct net_tx_taken){.n_segs = n, .completed = true};
	return 0;
}

static enum net_tx_error queue_tx_poll(struct net_queue *q,
				       struct net_buffer_access *p,
				       struct net_tx_id *out, size_t max,
				       size_t *n)
{
	UNUSED(q);
	UNUSED(p);
	UNUSED(out);
	UNUSED(max);
	UNUSED(n);
	return NET_TX_OK;
}

static void queue_destroy(struct net_queue *q)
{
	UNUSED(q);
}

static const struct net_queue_ops queue_ops = {
	.poll_ready = queue_poll_ready,
	.rx_avail = queue_rx_avail,
	.rx_poll = queue_rx_poll,
	.tx_avail = queue_tx_avail,
	.tx_poll = queue_tx_poll,
	.destroy = queue_destroy,
};

static size_t rx_fetch(void *arg, struct net_rx_id *ids, size_t max)
{
	UNUSED(arg);
	UNUSED(ids);
	UNUSED(max);
	return 0;
}

static void rx_done(void *arg, const struct net_rx_packet *packets, size_t n)
{
	UNUSED(arg);
	UNUSED(packets);
	UNUSED(n);
}

static size_t tx_fetch(void *arg, struct net_tx_seg *segs, size_t max,
		       size_t max_packets)
{
	UNUSED(arg);
	UNUSED(max);
	UNUSED(max_packets);
	if (!offered)
		return 0;
	offered--;
	segs[0] = (struct net_tx_seg){.type = NET_TX_HEAD, .meta = &meta};
	return 1;
}

static void tx_done(void *arg, const struct net_tx_id *ids, size_t n)
{
	UNUSED(arg);
	UNUSED(ids);
	done += (unsigned int)n;
}

static void flush(void *arg)
{
	UNUSED(arg);
	flushes++;
}

static bool arm(void *arg, bool tx)
{
	UNUSED(arg);
	UNUSED(tx);
	arms++;
	return false;
}

static void disarm(void *arg)
{
	UNUSED(arg);
}

static void failed(void *arg, enum net_tx_error error)
{
	UNUSED(arg);
	ck_abort_msg("the worker failed: %d", (int)error);
}

static const struct net_worker_ops worker_ops = {
	.rx_fetch = rx_fetch,
	.rx_done = rx_done,
	.tx_fetch = tx_fetch,
	.tx_done = tx_done,
	.flush = flush,
	.arm = arm,
	.disarm = disarm,
	.failed = failed,
};

/* A worker that has found no work and sleeps. */
static void start(uint64_t busy_poll_ns)
{
	struct net_queue_config config = {.loop = &loop, .rx_span = 1};

	offered = taken = done = arms = flushes = 0;
	meta = (struct net_tx_meta){.n_segs = 1};
	ck_assert(!loop_init(&loop));
	net_queue_init(&queue, &queue_ops, &endpoint, &config);
	net_worker_init(&worker, &worker_ops, NULL, &loop, &pool);
	net_worker_set_busy_poll(&worker, busy_poll_ns);
	net_worker_start(&worker, &queue);
	loop_run_once(&loop);
	ck_assert_uint_eq(arms, 1);
}

static void stop(void)
{
	net_worker_stop(&worker);
	loop_fini(&loop);
}

START_TEST(sleeps_when_work_runs_out)
{
	start(0);
	offered = 1;
	net_worker_kick(&worker);
	ck_assert_uint_eq(done, 1);
	ck_assert_uint_eq(arms, 2);
	offered = 1; /* nobody kicks */
	loop_run_once(&loop);
	ck_assert_uint_eq(done, 1);
	stop();
}
END_TEST

START_TEST(busy_poll_needs_no_kick)
{
	start(HOUR_NS);
	offered = 1;
	net_worker_kick(&worker);
	for (unsigned int i = 2; i < 10; i++) {
		offered = 1; /* nobody kicks */
		flushes = 0;
		loop_run_once(&loop);
		ck_assert_uint_eq(done, i);
		ck_assert_uint_eq(taken, i);
		ck_assert_uint_gt(flushes, 0);
	}
	ck_assert_uint_eq(arms, 1);
	stop();
}
END_TEST

START_TEST(busy_poll_ends)
{
	start(1);
	offered = 1;
	net_worker_kick(&worker);
	for (int i = 0; i < 1000 && arms == 1; i++)
		loop_run_once(&loop);
	ck_assert_uint_eq(done, 1);
	ck_assert_uint_eq(arms, 2);
	stop();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("worker");
	TCase *tc = tcase_create("busy poll");
	SRunner *runner;
	int n_failed;

	tcase_add_test(tc, sleeps_when_work_runs_out);
	tcase_add_test(tc, busy_poll_needs_no_kick);
	tcase_add_test(tc, busy_poll_ends);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	n_failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return n_failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
