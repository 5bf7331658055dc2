/* SPDX-License-Identifier: MIT */
/*
 * The worker between a frontend that traces its calls and an endpoint that the
 * test steers.
 */
#include "conformance/fake_frontend.h"
#include "net/endpoint.h"
#include "support/script_endpoint.h"

#include "base/irq.h"
#include "support/run.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct loop loop;
static struct script_endpoint *ep;
static struct script_queue *q;
static struct fake_frontend fe;
static const unsigned char frame[100];

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

static void make_queue(void)
{
	struct net_queue_config config = fake_frontend_config(&fe);

	ck_assert_int_eq(net_endpoint_get_queues(&ep->base, &config, 1, NULL,
						 &fe.queue, done_cb, NULL),
			 0);
	run(3);
	q = script_queue_of(fe.queue);
}

static void end(void)
{
	net_worker_stop(&fe.worker);
	if (fe.queue)
		net_queue_destroy(fe.queue);
	fe.queue = NULL;
}

static void setup(void)
{
	ck_assert_int_eq(loop_init(&loop), 0);
	ck_assert_int_eq(script_endpoint_create(&loop, &ep), 0);
	fake_frontend_init(&fe, &loop, 512);
	make_queue();
}

static void teardown(void)
{
	end();
	net_endpoint_destroy(&ep->base);
	loop_fini(&loop);
	fake_frontend_fini(&fe);
}

static void start(void)
{
	net_worker_start(&fe.worker, fe.queue);
}

/* Started, and asleep. */
static void start_and_sleep(void)
{
	start();
	run(3);
	ck_assert(fe.armed_rx && fe.armed_tx);
	fake_frontend_forget_trace(&fe);
}

static void arrive(unsigned int n)
{
	while (n--)
		ck_assert_int_eq(script_queue_arrive(q, frame, sizeof(frame)),
				 0);
}

START_TEST(starts_from_the_loop)
{
	fake_frontend_post(&fe, 0, 4);
	arrive(1);
	start();
	ck_assert_uint_eq(fe.n_trace, 0); /* nothing from within */
	run(1);
	ck_assert_uint_eq(fe.worker.rounds, 1);
	ck_assert_uint_eq(q->given, 4);
	ck_assert_uint_eq(fe.n_received, 1); /* buffers came first */
}
END_TEST

START_TEST(kicks_are_armed_only_before_sleep)
{
	start_and_sleep();
	fake_frontend_send(&fe, 10);
	ck_assert_uint_eq(fe.kicks, 1);
	ck_assert(fake_frontend_all_done(&fe));
	fe.trace[fe.n_trace] = '\0';
	ck_assert_str_eq(fe.trace, "dtcffA");
	/* Within a round and while it yields there are no kicks. */
	fe.endless = true;
	net_worker_kick(&fe.worker);
	ck_assert(!fe.armed_rx && !fe.armed_tx);
	run(3);
	ck_assert(!fe.armed_rx && !fe.armed_tx);
	fe.endless = false;
	run(3);
	ck_assert(fe.armed_rx && fe.armed_tx);
	ck_assert_int_eq(fake_frontend_last(&fe), FAKE_ARM);
}
END_TEST

START_TEST(nothing_is_fetched_while_a_tail_waits)
{
	struct net_tx_id first;
	size_t fetched;

	start_and_sleep();
	q->tx_room = 2;
	fake_frontend_send(&fe, 5);
	ck_assert_uint_eq(fe.n_done, 2);
	ck_assert(fe.armed_rx);
	ck_assert(!fe.armed_tx); /* no kick for what could not be sent */
	ck_assert_int_eq(fake_frontend_last(&fe), FAKE_ARM_RX);
	fetched = fe.n_fetched;
	ck_assert_uint_eq(fetched, 5);
	ck_assert(net_worker_tail(&fe.worker, &first));
	ck_assert_uint_eq(first.v, 2);
	fake_frontend_send(&fe, 3);
	fake_frontend_post(&fe, 0, 1); /* a round for another reason */
	run(3);
	ck_assert_uint_eq(fe.n_fetched, fetched);
	ck_assert_uint_eq(fe.n_done, 2);
	script_queue_grant(q, 1);
	run(3);
	ck_assert_uint_eq(fe.n_fetched, fetched);
	ck_assert_uint_eq(fe.n_done, 3);
	script_queue_grant(q, 100);
	run(3);
	ck_assert(fake_frontend_all_done(&fe)); /* the tail, then the others */
	ck_assert_uint_eq(fe.n_done, 8);
	ck_assert(fe.armed_tx);
	ck_assert(!net_worker_tail(&fe.worker, &first));
}
END_TEST

static void send_quietly(struct fake_frontend *f)
{
	f->before_arm = NULL;
	ck_assert(!f->armed_tx); /* the guest does not kick */
	fake_frontend_send(f, 1);
}

static void post_quietly(struct fake_frontend *f)
{
	f->before_arm = NULL;
	ck_assert(!f->armed_rx);
	fake_frontend_post(f, 100, 1);
}

static void arrive_quietly(struct fake_frontend *f)
{
	f->before_arm = NULL;
	q->armed = false; /* its last ready is on the way */
	arrive(1);
}

START_TEST(no_wake_up_is_lost_before_arming)
{
	fake_frontend_post(&fe, 0, 8);
	start_and_sleep();
	fe.before_arm = send_quietly;
	net_worker_kick(&fe.worker);
	run(3);
	ck_assert(fake_frontend_all_done(&fe));
	ck_assert_uint_eq(fe.n_done, 1);
	fe.before_arm = post_quietly;
	net_worker_kick(&fe.worker);
	run(3);
	ck_assert_uint_eq(q->given, 9);
	fe.before_arm = arrive_quietly;
	net_worker_kick(&fe.worker);
	run(3);
	ck_assert_uint_eq(fe.n_received, 1);
	ck_assert_uint_eq(fe.kicks, 0);
	ck_assert(fe.armed_rx && fe.armed_tx && q->armed);
}
END_TEST

static unsigned int ticks;

static void tick_cb(struct ev_loop *ev, ev_io *w, int revents)
{
	UNUSED(ev);
	UNUSED(revents);
	ticks++;
	ck_assert(eventfd_take(w->fd));
	if (ticks < 10)
		eventfd_signal(w->fd);
}

/* A guest that always has more does not keep the loop from anybody else. */
START_TEST(budget_lets_other_watchers_run)
{
	int fd = eventfd_create();
	size_t before;
	ev_io io;

	ck_assert_int_ge(fd, 0);
	ev_io_init(&io, tick_cb, fd, EV_READ);
	ev_io_start(loop.ev, &io);
	eventfd_signal(fd);
	ticks = 0;
	fe.endless = true;
	start();
	for (unsigned int i = 0; i < 10; i++) {
		before = fe.n_done;
		run(1);
		ck_assert_uint_eq(ticks, i + 1);
		ck_assert_uint_eq(fe.n_done - before, NET_WORKER_BUDGET);
	}
	ck_assert_uint_eq(fe.worker.rounds, 10);
	ck_assert_uint_eq(fe.worker.yields, 10);
	ev_io_stop(loop.ev, &io);
	(void)close(fd);
}
END_TEST

static void done_run(struct loop_msg *msg)
{
	UNUSED(msg);
}

static void flood_run(struct loop_msg *msg)
{
	loop_post(&loop, msg);
}

/* Nor do others keep it from the worker, messages without end included. */
START_TEST(messages_do_not_starve_the_worker)
{
	struct loop_msg msg = {.run = flood_run};

	loop_post(&loop, &msg);
	run(2);
	fe.endless = true;
	start();
	run(5);
	ck_assert_uint_ge(fe.worker.rounds, 4);
	msg.run = done_run;
	run(2);
}
END_TEST

START_TEST(one_flush_for_a_batch)
{
	start_and_sleep();
	fake_frontend_send(&fe, 3 * NET_WORKER_BATCH);
	run(1);
	ck_assert(fake_frontend_all_done(&fe));
	fe.trace[fe.n_trace] = '\0';
	/* Three full batches and one that finds nothing. */
	ck_assert_str_eq(fe.trace, "dtcftcftcffA");
}
END_TEST

/* While packets are in flight, no kick is asked for if they complete quickly:
 * what the guest sends meanwhile goes with the completion. */
START_TEST(fast_completions_need_no_kicks)
{
	net_worker_set_fast_completions(&fe.worker, _i);
	q->tx = SCRIPT_TX_HELD;
	start_and_sleep();
	fake_frontend_send(&fe, 1);
	ck_assert_uint_eq(fe.kicks, 1);
	ck_assert(fe.armed_rx);
	ck_assert(fe.armed_tx == !_i);
	fake_frontend_send(&fe, 1);
	fake_frontend_send(&fe, 1);
	ck_assert_uint_eq(fe.kicks, _i ? 1 : 3);
	ck_assert_uint_eq(q->n_flying, _i ? 1 : 3);
	while (q->n_flying) {
		script_queue_complete(q, 0);
		run(3);
	}
	ck_assert(fake_frontend_all_done(&fe));
	ck_assert_uint_eq(fe.kicks, _i ? 1 : 3);
	ck_assert(fe.armed_rx && fe.armed_tx);
	fake_frontend_send(&fe, 1);
	ck_assert_uint_eq(fe.kicks, _i ? 2 : 4);
}
END_TEST

START_TEST(rounds_are_counted)
{
	const struct net_stats *stats = net_queue_stats(&q->base);

	start_and_sleep();
	ck_assert_uint_eq(net_stat_get(&stats->kicks_suppressed), 1);
	for (uint64_t k = 1; k < 4; k++) {
		uint64_t before = net_stat_get(&stats->loop_busy_ns);

		fake_frontend_send(&fe, 1);
		ck_assert_uint_gt(net_stat_get(&stats->loop_busy_ns), before);
		arrive(1);
		run(2);
		ck_assert_uint_eq(net_stat_get(&stats->kicks_suppressed),
				  1 + k);
	}
	ck_assert_uint_eq(fe.worker.rounds, 7);
}
END_TEST

START_TEST(late_completions_are_told_once)
{
	q->tx = SCRIPT_TX_HELD;
	start_and_sleep();
	fake_frontend_send(&fe, 4);
	run(3);
	ck_assert_uint_eq(fe.n_done, 0);
	ck_assert_uint_eq(q->n_flying, 4);
	script_queue_complete(q, 2);
	script_queue_complete(q, 0);
	run(3);
	ck_assert_uint_eq(fe.n_done, 2);
	ck_assert_uint_eq(fe.done[2], 1);
	ck_assert_uint_eq(fe.done[0], 1);
	script_queue_complete(q, 1);
	script_queue_complete(q, 0);
	run(3);
	ck_assert(fake_frontend_all_done(&fe));
}
END_TEST

/* The worker has told the frontend once and does nothing more. */
static void check_failed(enum net_tx_error error)
{
	unsigned int polls = q->n_rx_poll + q->n_tx_avail + q->n_tx_poll;

	ck_assert_uint_eq(fake_frontend_count(&fe, FAKE_FAILED), 1);
	ck_assert_int_eq(fake_frontend_last(&fe), FAKE_FAILED);
	ck_assert_int_eq(fe.error, error);
	fake_frontend_send(&fe, 1);
	net_worker_kick(&fe.worker);
	fe.worker.client.ready(&fe.worker.client);
	run(3);
	ck_assert_int_eq(fake_frontend_last(&fe), FAKE_FAILED);
	ck_assert_uint_eq(q->n_rx_poll + q->n_tx_avail + q->n_tx_poll, polls);
	ck_assert(!fe.armed_rx && !fe.armed_tx);
	/* A new queue, and it works. */
	end();
	fake_frontend_repost(&fe);
	make_queue();
	start_and_sleep();
	ck_assert(fake_frontend_all_done(&fe));
}

START_TEST(try_restart_idles_the_worker)
{
	start_and_sleep();
	q->tx_poll_err = NET_TX_TRY_RESTART;
	fake_frontend_send(&fe, 3);
	ck_assert_uint_eq(fe.n_done, 3); /* what was done is published */
	check_failed(NET_TX_TRY_RESTART);
}
END_TEST

START_TEST(fatal_idles_the_worker)
{
	start_and_sleep();
	q->tx_poll_err = NET_TX_FATAL;
	net_worker_kick(&fe.worker);
	check_failed(NET_TX_FATAL);
}
END_TEST

START_TEST(failing_transmit_idles_the_worker)
{
	start_and_sleep();
	q->tx_err = -EIO;
	fake_frontend_send(&fe, 3);
	ck_assert_uint_eq(fe.n_done, 0);
	check_failed(NET_TX_TRY_RESTART);
}
END_TEST

START_TEST(failing_receive_idles_the_worker)
{
	start_and_sleep();
	q->rx_err = -EIO;
	net_worker_kick(&fe.worker);
	check_failed(NET_TX_TRY_RESTART);
}
END_TEST

/* Stopped, it calls nobody, whatever the guest and the queue do. */
static void check_stopped(void)
{
	net_worker_stop(&fe.worker);
	ck_assert(!ev_is_active(&fe.worker.again));
	fake_frontend_forget_trace(&fe);
	fe.armed_rx = true;
	fe.armed_tx = true;
	fake_frontend_send(&fe, 1);
	fake_frontend_post(&fe, 300, 1);
	if (fe.queue)
		arrive(1);
	run(5);
	ck_assert_uint_eq(fe.n_trace, 0);
	end();
	run(5);
	ck_assert_uint_eq(fe.n_trace, 0);
	fe.endless = false;
	fake_frontend_repost(&fe);
	make_queue();
	start();
	run(8);
	ck_assert(fe.armed_rx && fe.armed_tx);
	ck_assert(fake_frontend_all_done(&fe));
}

START_TEST(stops_in_every_state)
{
	switch (_i) {
	case 0: /* before its first round */
		start();
		break;
	case 1: /* asleep */
		start_and_sleep();
		break;
	case 2: /* yielded */
		fe.endless = true;
		start();
		run(2);
		ck_assert(ev_is_active(&fe.worker.again));
		break;
	case 3: /* with a tail */
		start_and_sleep();
		q->tx_room = 1;
		fake_frontend_send(&fe, 3);
		break;
	case 4: /* with packets in flight */
		q->tx = SCRIPT_TX_HELD;
		start_and_sleep();
		fake_frontend_send(&fe, 3);
		run(2);
		break;
	case 5: /* failed */
		start_and_sleep();
		q->tx_poll_err = NET_TX_FATAL;
		net_worker_kick(&fe.worker);
		break;
	default: /* told, but not yet run */
		fake_frontend_post(&fe, 0, 4);
		start_and_sleep();
		arrive(1);
		break;
	}
	check_stopped();
}
END_TEST

START_TEST(outstanding_ids_are_given_again_in_order)
{
	fake_frontend_post(&fe, 8, 8);
	fake_frontend_post(&fe, 0, 8);
	start_and_sleep();
	arrive(3);
	run(3);
	ck_assert_uint_eq(fe.n_received, 3);
	end();
	fake_frontend_repost(&fe);
	make_queue();
	start_and_sleep();
	ck_assert_uint_eq(q->given, 13);
	arrive(13);
	run(3);
	ck_assert_uint_eq(fe.n_received, 16);
	for (uint32_t i = 0; i < 16; i++)
		ck_assert_uint_eq(fe.received[i].v, i < 8 ? 8 + i : i - 8);
}
END_TEST

/* Many buffers at once: no more than a round's worth in a batch, and all of
 * them in the end. */
START_TEST(giving_buffers_is_bounded)
{
	fake_frontend_post(&fe, 0, 512);
	start();
	run(1);
	ck_assert_uint_eq(q->given, NET_WORKER_BUDGET);
	run(3);
	ck_assert_uint_eq(q->given, 512);
	ck_assert(fe.armed_rx);
}
END_TEST

/* It polls on without kicks for a while, and sleeps when that is over. */
START_TEST(busy_poll_ends)
{
	double end_at;

	net_worker_set_busy_poll(&fe.worker, 20000000); /* 20 ms */
	start();
	run(2);
	fake_frontend_send(&fe, 1);
	ck_assert_uint_eq(fe.kicks, 1);
	fake_frontend_send(&fe, 1); /* needs none */
	run(2);
	ck_assert_uint_eq(fe.kicks, 1);
	ck_assert_uint_eq(fe.n_done, 2);
	ck_assert(!fe.armed_rx && !fe.armed_tx);
	end_at = ev_time() + 5;
	while (!fe.armed_tx && ev_time() < end_at)
		run(1);
	ck_assert(fe.armed_rx && fe.armed_tx);
	ck_assert(!ev_is_active(&fe.worker.again));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("worker");
	TCase *tc = tcase_create("cycle");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, starts_from_the_loop);
	tcase_add_test(tc, kicks_are_armed_only_before_sleep);
	tcase_add_test(tc, nothing_is_fetched_while_a_tail_waits);
	tcase_add_test(tc, no_wake_up_is_lost_before_arming);
	tcase_add_test(tc, budget_lets_other_watchers_run);
	tcase_add_test(tc, messages_do_not_starve_the_worker);
	tcase_add_test(tc, one_flush_for_a_batch);
	tcase_add_loop_test(tc, fast_completions_need_no_kicks, 0, 2);
	tcase_add_test(tc, rounds_are_counted);
	tcase_add_test(tc, late_completions_are_told_once);
	tcase_add_test(tc, try_restart_idles_the_worker);
	tcase_add_test(tc, fatal_idles_the_worker);
	tcase_add_test(tc, failing_transmit_idles_the_worker);
	tcase_add_test(tc, failing_receive_idles_the_worker);
	tcase_add_loop_test(tc, stops_in_every_state, 0, 7);
	tcase_add_test(tc, outstanding_ids_are_given_again_in_order);
	tcase_add_test(tc, giving_buffers_is_bounded);
	tcase_add_test(tc, busy_poll_ends);
	suite_add_tcase(suite, tc);
	return test_run(suite);
}
