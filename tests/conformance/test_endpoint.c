/* SPDX-License-Identifier: MIT */
/*
 * What the wrappers of endpoint, queue and BufferAccess promise whatever the
 * backend does: requests and their answers, actions, defaults, the lease on the
 * pool.
 */
#include "backends/null.h"
#include "net/endpoint.h"
#include "support/net_bufs.h"
#include "support/run.h"
#include "support/script_endpoint.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct loop loop;
static struct script_endpoint *script;
static struct net_endpoint *ep;

static int answers, last_answer;
static struct net_action actions[8];
static size_t n_actions;

static void setup(void)
{
	ck_assert_int_eq(loop_init(&loop), 0);
	ck_assert_int_eq(script_endpoint_create(&loop, &script), 0);
	ep = &script->base;
	answers = 0;
	n_actions = 0;
}

static void teardown(void)
{
	net_endpoint_destroy(ep);
	loop_fini(&loop);
}

static void run(void)
{
	for (unsigned int i = 0; i < 5; i++)
		loop_run_once(&loop);
}

static void done_cb(void *arg, int err)
{
	UNUSED(arg);
	answers++;
	last_answer = err;
}

static void action_cb(void *arg, struct net_action action)
{
	UNUSED(arg);
	ck_assert_uint_lt(n_actions, ARRAY_SIZE(actions));
	actions[n_actions++] = action;
}

static void ready_cb(struct net_queue_client *client)
{
	UNUSED(client);
}

static struct net_queue_client client = {ready_cb};

static struct net_queue_config config(void)
{
	return (struct net_queue_config){
		.loop = &loop,
		.client = &client,
		.rx_span = 1,
	};
}

static struct net_queue *make_queue(void)
{
	struct net_queue_config configs[] = {config()};
	struct net_queue *queue = NULL;

	ck_assert_int_eq(net_endpoint_get_queues(ep, configs, 1, NULL, &queue,
						 done_cb, NULL),
			 0);
	run();
	ck_assert_ptr_nonnull(queue);
	answers = 0;
	return queue;
}

START_TEST(wrappers_have_defaults)
{
	struct net_tx_offloads no_tx = {0}, tx;
	struct net_rx_offloads no_rx = {0}, rx;
	struct script_endpoint *bare;
	const struct net_endpoint *e;
	bool use_vf;

	ck_assert_int_eq(script_endpoint_create_bare(&loop, &bare), 0);
	e = &bare->base;
	ck_assert_str_eq(net_endpoint_type(e), "bare");
	ck_assert_uint_eq(net_endpoint_link_speed(e), 10000000000ULL);
	ck_assert(net_endpoint_link_up(e));
	ck_assert(!net_endpoint_vnet_hdr(e));
	ck_assert(!net_endpoint_tx_fast_completions(e));
	ck_assert_uint_eq(net_endpoint_multiqueue_support(e).max_queues, 1);
	ck_assert_uint_eq(
		net_endpoint_multiqueue_support(e).indirection_table_size, 0);
	tx = net_endpoint_tx_offload_support(e);
	rx = net_endpoint_rx_offload_support(e);
	ck_assert_mem_eq(&tx, &no_tx, sizeof(tx));
	ck_assert_mem_eq(&rx, &no_rx, sizeof(rx));
	ck_assert_int_eq(net_endpoint_get_data_path_to_guest_vf(e, &use_vf),
			 -ENOTSUP);
	ck_assert_int_eq(net_endpoint_set_data_path_to_guest_vf(
				 &bare->base, true, done_cb, NULL),
			 0);
	ck_assert_int_eq(answers, 0);
	run();
	ck_assert_int_eq(answers, 1);
	ck_assert_int_eq(last_answer, -ENOTSUP);
	net_endpoint_destroy(&bare->base);
}
END_TEST

START_TEST(data_path_stays_off_a_vf)
{
	struct net_endpoint *null;
	bool use_vf = true;

	ck_assert_int_eq(null_endpoint_create(&loop, &null), 0);
	ck_assert_int_eq(net_endpoint_get_data_path_to_guest_vf(null, &use_vf),
			 0);
	ck_assert(!use_vf);
	ck_assert_int_eq(net_endpoint_set_data_path_to_guest_vf(null, false,
								done_cb, NULL),
			 0);
	run();
	ck_assert_int_eq(last_answer, 0);
	ck_assert_int_eq(net_endpoint_set_data_path_to_guest_vf(null, true,
								done_cb, NULL),
			 0);
	run();
	ck_assert_int_eq(last_answer, -ENOTSUP);
	ck_assert_int_eq(answers, 2);
	net_endpoint_destroy(null);
}
END_TEST

START_TEST(done_is_called_later_and_once)
{
	struct net_queue_config configs[] = {config()};
	struct net_queue *queue;

	ck_assert_int_eq(net_endpoint_get_queues(ep, configs, 1, NULL, &queue,
						 done_cb, NULL),
			 0);
	ck_assert_uint_eq(script->n_get_queues, 1);
	ck_assert_int_eq(answers, 0); /* though the backend has answered */
	run();
	ck_assert_int_eq(answers, 1);
	net_queue_destroy(queue);
	ck_assert_int_eq(net_endpoint_stop(ep, done_cb, NULL), 0);
	ck_assert_int_eq(answers, 1);
	run();
	ck_assert_int_eq(answers, 2);
	ck_assert_int_eq(last_answer, 0);
	/* An error that the wrapper finds comes by the same way. */
	configs[0].rx_span = 0;
	ck_assert_int_eq(net_endpoint_get_queues(ep, configs, 1, NULL, &queue,
						 done_cb, NULL),
			 0);
	ck_assert_int_eq(answers, 2);
	run();
	ck_assert_int_eq(answers, 3);
	ck_assert_int_eq(last_answer, -EINVAL);
	ck_assert_uint_eq(script->n_get_queues, 1);
}
END_TEST

START_TEST(one_request_at_a_time)
{
	struct net_queue_config configs[] = {config()};
	struct net_queue *queue, *other;

	script->hold = true;
	ck_assert_int_eq(net_endpoint_get_queues(ep, configs, 1, NULL, &queue,
						 done_cb, NULL),
			 0);
	run();
	ck_assert_int_eq(answers, 0);
	ck_assert_int_eq(net_endpoint_get_queues(ep, configs, 1, NULL, &other,
						 done_cb, NULL),
			 -EBUSY);
	ck_assert_int_eq(net_endpoint_set_data_path_to_guest_vf(ep, false,
								done_cb, NULL),
			 -EBUSY);
	script_endpoint_answer(script, 0);
	/* Answered, but not yet told. */
	ck_assert_int_eq(net_endpoint_set_data_path_to_guest_vf(ep, false,
								done_cb, NULL),
			 -EBUSY);
	run();
	ck_assert_int_eq(answers, 1);
	net_queue_destroy(queue);
	ck_assert_int_eq(net_endpoint_stop(ep, done_cb, NULL), 0);
	ck_assert_int_eq(net_endpoint_stop(ep, done_cb, NULL), -EBUSY);
	ck_assert_int_eq(net_endpoint_get_queues(ep, configs, 1, NULL, &queue,
						 done_cb, NULL),
			 -EBUSY);
	script_endpoint_answer(script, -EIO);
	run();
	ck_assert_int_eq(answers, 2);
	ck_assert_int_eq(last_answer, -EIO);
	ck_assert_uint_eq(script->n_stop, 1);
}
END_TEST

START_TEST(stop_waits_for_every_queue)
{
	struct net_queue_config configs[] = {config(), config()};
	struct net_queue *queues[2];

	ck_assert_int_eq(net_endpoint_get_queues(ep, configs, 2, NULL, queues,
						 done_cb, NULL),
			 0);
	run();
	ck_assert_int_eq(net_endpoint_stop(ep, done_cb, NULL), -EBUSY);
	net_queue_destroy(queues[0]);
	ck_assert_int_eq(net_endpoint_stop(ep, done_cb, NULL), -EBUSY);
	ck_assert_uint_eq(script->n_stop, 0);
	net_queue_destroy(queues[1]);
	ck_assert_int_eq(net_endpoint_stop(ep, done_cb, NULL), 0);
	run();
	ck_assert_uint_eq(script->n_stop, 1);
}
END_TEST

START_TEST(no_queue_is_left_when_one_fails)
{
	struct net_queue_config configs[] = {config(), config(), config()};
	struct net_queue *queues[3];

	script->get_queues_err = -ENOBUFS;
	for (size_t made = 0; made < 3; made++) {
		script->fail_after = made;
		memset(queues, 0xff, sizeof(queues));
		ck_assert_int_eq(net_endpoint_get_queues(ep, configs, 3, NULL,
							 queues, done_cb, NULL),
				 0);
		run();
		ck_assert_int_eq(last_answer, -ENOBUFS);
		for (size_t i = 0; i < 3; i++)
			ck_assert_ptr_null(queues[i]);
		ck_assert_int_eq(net_endpoint_stop(ep, done_cb, NULL), 0);
		run();
	}
}
END_TEST

START_TEST(rss_reaches_the_backend)
{
	static const uint8_t key[40] = {1, 2, 3};
	static const uint16_t table[] = {0, 1, 1, 0};
	struct net_queue_config configs[] = {config(), config()};
	struct net_queue *queues[2];
	struct net_rss_config rss = {
		.key = key,
		.key_len = sizeof(key),
		.indirection_table = table,
		.indirection_table_len = ARRAY_SIZE(table),
		.flags = 0x3f,
	};

	ck_assert_int_eq(net_endpoint_get_queues(ep, configs, 2, &rss, queues,
						 done_cb, NULL),
			 0);
	run();
	ck_assert_int_eq(last_answer, 0);
	ck_assert_ptr_eq(script->rss.key, key);
	ck_assert_uint_eq(script->rss.key_len, sizeof(key));
	ck_assert_ptr_eq(script->rss.indirection_table, table);
	ck_assert_uint_eq(script->rss.indirection_table_len, 4);
	ck_assert_uint_eq(script->rss.flags, 0x3f);
	net_queue_destroy(queues[0]);
	net_queue_destroy(queues[1]);
}
END_TEST

static void raise_link(bool up)
{
	net_endpoint_raise(ep, net_action_link(up));
}

START_TEST(action_is_told_once)
{
	net_endpoint_wait_for_action(ep, action_cb, NULL);
	run();
	ck_assert_uint_eq(n_actions, 0);
	raise_link(false);
	ck_assert_uint_eq(n_actions, 0); /* from the loop, not from within */
	run();
	ck_assert_uint_eq(n_actions, 1);
	ck_assert_int_eq(actions[0].type, NET_ACTION_LINK_STATUS);
	ck_assert(!actions[0].link_up);
	raise_link(true); /* nobody waits */
	run();
	ck_assert_uint_eq(n_actions, 1);
	net_endpoint_wait_for_action(ep, action_cb, NULL);
	ck_assert_uint_eq(n_actions, 1);
	run();
	ck_assert_uint_eq(n_actions, 2);
	ck_assert(actions[1].link_up);
	net_endpoint_wait_for_action(ep, action_cb, NULL);
	run();
	ck_assert_uint_eq(n_actions, 2);
}
END_TEST

START_TEST(last_link_state_wins)
{
	raise_link(false);
	raise_link(true);
	raise_link(false);
	net_endpoint_raise(ep, net_action_restart());
	net_endpoint_raise(ep, net_action_restart());
	for (unsigned int i = 0; i < 4; i++) {
		net_endpoint_wait_for_action(ep, action_cb, NULL);
		run();
	}
	ck_assert_uint_eq(n_actions, 2);
	ck_assert_int_eq(actions[0].type, NET_ACTION_RESTART_REQUIRED);
	ck_assert_int_eq(actions[1].type, NET_ACTION_LINK_STATUS);
	ck_assert(!actions[1].link_up);
}
END_TEST

START_TEST(action_waits_for_who_waits)
{
	net_endpoint_wait_for_action(ep, action_cb, NULL);
	raise_link(false);
	net_endpoint_wait_for_action(ep, NULL, NULL); /* no longer */
	run();
	ck_assert_uint_eq(n_actions, 0);
	net_endpoint_wait_for_action(ep, action_cb, NULL);
	run();
	ck_assert_uint_eq(n_actions, 1);
	/* Destroyed with an action under way: nobody hears of it. */
	net_endpoint_wait_for_action(ep, action_cb, NULL);
	raise_link(true);
	net_endpoint_destroy(ep);
	run();
	ck_assert_uint_eq(n_actions, 1);
	ep = NULL;
}
END_TEST

START_TEST(target_vp_reaches_the_queue)
{
	struct net_queue *queue = make_queue();

	net_queue_update_target_vp(queue, 3);
	ck_assert_uint_eq(queue->config.target_vp, 3);
	ck_assert_uint_eq(script_queue_of(queue)->target_vp, 3);
	net_queue_destroy(queue);
}
END_TEST

START_TEST(failing_ops_say_what_failed)
{
	struct net_queue *queue = make_queue();
	struct script_queue *q = script_queue_of(queue);
	struct net_tx_meta meta = {.n_segs = 1};
	struct net_tx_seg seg = {.type = NET_TX_HEAD, .meta = &meta};
	struct net_rx_packet packet;
	struct net_tx_taken taken;
	struct net_tx_id id;
	struct net_bufs_config bufs_config = {1, 64, 0, false, 1, 64};
	struct net_bufs bufs;
	size_t n = 7;

	ck_assert_int_eq(net_bufs_init(&bufs, &bufs_config), 0);
	q->rx_err = -EIO;
	q->tx_err = -ENODEV;
	q->tx_poll_err = NET_TX_FATAL;
	ck_assert_int_eq(net_queue_rx_poll(queue, &bufs.base, &packet, 1, &n),
			 -EIO);
	ck_assert_uint_eq(n, 0);
	taken.n_segs = 7;
	ck_assert_int_eq(net_queue_tx_avail(queue, &bufs.base, &seg, 1, &taken),
			 -ENODEV);
	ck_assert_uint_eq(taken.n_segs, 0);
	ck_assert_int_eq(net_queue_tx_poll(queue, &bufs.base, &id, 1, &n),
			 NET_TX_FATAL);
	ck_assert_uint_eq(n, 0);
	q->tx_poll_err = NET_TX_TRY_RESTART;
	ck_assert_int_eq(net_queue_tx_poll(queue, &bufs.base, &id, 1, &n),
			 NET_TX_TRY_RESTART);
	net_queue_destroy(queue);
	net_bufs_fini(&bufs);
}
END_TEST

#ifndef NDEBUG
START_TEST(kept_pool_is_refused)
{
	struct net_queue *queue = make_queue();
	struct script_queue *q = script_queue_of(queue);
	struct net_bufs_config bufs_config = {1, 64, 0, false, 1, 64};
	struct net_bufs bufs;

	ck_assert_int_eq(net_bufs_init(&bufs, &bufs_config), 0);
	net_bufs_give(&bufs, queue, 0, 1);
	ck_assert_uint_eq(net_pool_expired_uses(), 0);
	ck_assert_int_eq(script_queue_use_kept_pool(q), -ESTALE);
	ck_assert_uint_eq(net_pool_expired_uses(), 1);
	(void)net_queue_poll_ready(queue, &bufs.base);
	ck_assert_int_eq(script_queue_use_kept_pool(q), -ESTALE);
	ck_assert_ptr_null(net_pool_guest_memory(q->kept));
	ck_assert_uint_eq(net_pool_capacity(q->kept, NULL, 0), 0);
	ck_assert_int_eq(net_pool_guest_addresses(q->kept, NULL, 0,
						  NET_ROOM_FRAME, 0, NULL, 0),
			 -ESTALE);
	ck_assert_int_eq(net_pool_write_header(q->kept, NULL, 0, NULL),
			 -ESTALE);
	ck_assert_int_eq(net_pool_write_packet(q->kept, NULL, 0, NULL, NULL, 0),
			 -ESTALE);
	ck_assert_uint_eq(net_pool_expired_uses(), 7);
	ck_assert_uint_eq(bufs.calls.write_data, 0);
	net_queue_destroy(queue);
	net_bufs_fini(&bufs);
}
END_TEST
#endif

int main(void)
{
	Suite *suite = suite_create("endpoint");
	TCase *tc = tcase_create("wrappers");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, wrappers_have_defaults);
	tcase_add_test(tc, data_path_stays_off_a_vf);
	tcase_add_test(tc, done_is_called_later_and_once);
	tcase_add_test(tc, one_request_at_a_time);
	tcase_add_test(tc, stop_waits_for_every_queue);
	tcase_add_test(tc, no_queue_is_left_when_one_fails);
	tcase_add_test(tc, rss_reaches_the_backend);
	tcase_add_test(tc, action_is_told_once);
	tcase_add_test(tc, last_link_state_wins);
	tcase_add_test(tc, action_waits_for_who_waits);
	tcase_add_test(tc, target_vp_reaches_the_queue);
	tcase_add_test(tc, failing_ops_say_what_failed);
#ifndef NDEBUG
	tcase_add_test(tc, kept_pool_is_refused);
#endif
	suite_add_tcase(suite, tc);
	return test_run(suite);
}
