/* SPDX-License-Identifier: MIT */
/*
 * disconnectable, driven by hand: what it promises, and its states in every
 * order. Under a frontend it is in test_disconnectable_nic.c.
 */
#include "backends/disconnectable.h"
#include "support/count_calls.h"
#include "support/run.h"
#include "support/script_endpoint.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define QUEUES 2

static struct loop loop;
static struct script_endpoint *a, *b;
static struct net_endpoint *ep;
static struct disconnectable_error error;

/* The requests of the frontend, and what has come of them. */
static int answers, last_answer;
static struct net_queue *queues[QUEUES];
static unsigned int restarts, links;
static struct net_action last_link;
/* Endpoints that came back, the last of them, and which are the test's. */
static struct net_endpoint *back;
static unsigned int n_back;
static bool a_is_mine, b_is_mine;
static long live;

static void ready_cb(struct net_queue_client *client)
{
	UNUSED(client);
}

static struct net_queue_client client = {ready_cb};

static void run(void)
{
	for (unsigned int i = 0; i < 10; i++)
		loop_run_once(&loop);
}

static void action_cb(void *arg, struct net_action action)
{
	UNUSED(arg);
	if (action.type == NET_ACTION_RESTART_REQUIRED) {
		restarts++;
	} else {
		links++;
		last_link = action;
	}
	net_endpoint_wait_for_action(ep, action_cb, NULL);
}

static void answer_cb(void *arg, int err)
{
	UNUSED(arg);
	answers++;
	last_answer = err;
}

static void set_mine(const struct net_endpoint *inner, bool mine)
{
	if (inner == &a->base)
		a_is_mine = mine;
	else
		b_is_mine = mine;
}

static void back_cb(void *arg, struct net_endpoint *inner)
{
	ck_assert_ptr_eq(arg, &n_back);
	ck_assert_ptr_nonnull(inner);
	ck_assert_uint_eq(net_endpoint_live_queues(inner), 0);
	back = inner;
	n_back++;
	set_mine(inner, true);
}

static void make(struct script_endpoint **out)
{
	ck_assert_int_eq(script_endpoint_create(&loop, out), 0);
}

static void forget(void)
{
	answers = 0;
	restarts = 0;
	links = 0;
	n_back = 0;
	back = NULL;
	memset(queues, 0, sizeof(queues));
}

static void setup(void)
{
	ck_assert_int_eq(loop_init(&loop), 0);
	live = count_live_allocations();
	make(&a);
	make(&b);
	a_is_mine = true;
	b_is_mine = true;
	ep = NULL;
	forget();
}

/* The endpoint around @inner, and somebody who listens to it. */
static void begin(struct script_endpoint *inner)
{
	struct net_endpoint *base = inner ? &inner->base : NULL;

	ck_assert_int_eq(disconnectable_create(&loop, base, &ep), 0);
	if (inner)
		set_mine(base, false);
	net_endpoint_wait_for_action(ep, action_cb, NULL);
}

/* Whatever has happened, all is given back, once. */
static void teardown(void)
{
	net_endpoint_destroy(ep);
	run();
	if (a_is_mine)
		net_endpoint_destroy(&a->base);
	if (b_is_mine)
		net_endpoint_destroy(&b->base);
	run();
	ck_assert_int_eq(count_live_allocations(), live);
	loop_fini(&loop);
}

static void ask(size_t n)
{
	struct net_queue_config configs[QUEUES];

	for (size_t i = 0; i < n; i++)
		configs[i] = (struct net_queue_config){
			.loop = &loop,
			.client = &client,
			.rx_span = 1,
		};
	answers = 0;
	ck_assert_int_eq(net_endpoint_get_queues(ep, configs, n, NULL, queues,
						 answer_cb, NULL),
			 0);
}

static void get(size_t n)
{
	ask(n);
	run();
	ck_assert_int_eq(answers, 1);
	ck_assert_int_eq(last_answer, 0);
}

static void destroy_queues(void)
{
	for (size_t i = 0; i < QUEUES; i++) {
		if (queues[i])
			net_queue_destroy(queues[i]);
		queues[i] = NULL;
	}
}

static void ask_stop(void)
{
	answers = 0;
	ck_assert_int_eq(net_endpoint_stop(ep, answer_cb, NULL), 0);
}

static int disconnect(void)
{
	return disconnectable_disconnect(ep, back_cb, &n_back);
}

static int connect_to(struct script_endpoint *s)
{
	int err;

	memset(&error, 0, sizeof(error));
	err = disconnectable_connect(ep, &s->base, &error);
	if (err == 0)
		set_mine(&s->base, false);
	else
		ck_assert_uint_gt(strlen(error.text), 0);
	return err;
}

/* What is sent through queue 0 gets to @s, or nowhere (NULL). */
static void expect_through(const struct script_endpoint *s)
{
	for (size_t i = 0; i < QUEUES; i++) {
		ck_assert((a->queues[i] != NULL) == (s == a && queues[i]));
		ck_assert((b->queues[i] != NULL) == (s == b && queues[i]));
	}
}

/* Everything that null has, and a link that is down. */
START_TEST(detached_it_is_null)
{
	const struct net_tx_offloads all = {true, true, true, true, true};
	const struct net_rx_offloads none = {0};
	struct net_tx_offloads tx;
	struct net_rx_offloads rx;
	bool use_vf = true;

	begin(NULL);
	tx = net_endpoint_tx_offload_support(ep);
	rx = net_endpoint_rx_offload_support(ep);
	ck_assert_str_eq(net_endpoint_type(ep), "disconnectable");
	ck_assert_ptr_null(disconnectable_inner(ep));
	ck_assert(!net_endpoint_link_up(ep));
	ck_assert(net_endpoint_is_ordered(ep));
	ck_assert(net_endpoint_vnet_hdr(ep));
	ck_assert(net_endpoint_tx_fast_completions(ep));
	ck_assert_uint_eq(net_endpoint_link_speed(ep), NET_LINK_SPEED_DEFAULT);
	ck_assert_uint_eq(net_endpoint_multiqueue_support(ep).max_queues,
			  65535);
	ck_assert_mem_eq(&tx, &all, sizeof(tx));
	ck_assert_mem_eq(&rx, &none, sizeof(rx));
	ck_assert_int_eq(net_endpoint_get_data_path_to_guest_vf(ep, &use_vf),
			 0);
	ck_assert(!use_vf);
	get(2);
	ck_assert_str_eq(net_endpoint_type(queues[0]->endpoint), "null");
	ck_assert_uint_eq(net_endpoint_live_queues(ep), 2);
	destroy_queues();
	ask_stop();
	run();
	ck_assert_int_eq(answers, 1);
	ck_assert_int_eq(disconnect(), -ENOTCONN);
}
END_TEST

/* The first endpoint's promise stays; its hints do not. */
START_TEST(first_endpoint_makes_the_promise)
{
	struct net_tx_offloads tx;

	a->tx_offloads = (struct net_tx_offloads){.tcp = true, .tso = true};
	a->fast = true;
	a->link_speed = 1000;
	a->multiqueue = (struct net_multiqueue){3, 8};
	b->tx_offloads = (struct net_tx_offloads){true, true, true, true, true};
	b->vnet_hdr = true;
	b->link_speed = 2000;
	begin(a);
	ck_assert(net_endpoint_link_up(ep));
	for (int k = 0; k < 3; k++) {
		tx = net_endpoint_tx_offload_support(ep);
		ck_assert_mem_eq(&tx, &a->tx_offloads, sizeof(tx));
		ck_assert(!net_endpoint_vnet_hdr(ep));
		ck_assert_uint_eq(
			net_endpoint_multiqueue_support(ep).max_queues, 3);
		ck_assert(net_endpoint_tx_fast_completions(ep) == (k < 2));
		ck_assert_uint_eq(net_endpoint_link_speed(ep),
				  k < 2 ? 1000 : 2000);
		ck_assert(net_endpoint_link_up(ep) == (k != 1));
		if (k == 0)
			ck_assert_int_eq(disconnect(), 0);
		else if (k == 1)
			ck_assert_int_eq(connect_to(b), 0);
		run();
	}
	ck_assert_uint_eq(n_back, 1);
}
END_TEST

START_TEST(wrong_orders_are_refused)
{
	begin(a);
	ck_assert_ptr_eq(disconnectable_inner(ep), &a->base);
	ck_assert_int_eq(connect_to(b), -EISCONN);
	get(1);
	ck_assert_int_eq(disconnect(), 0);
	ck_assert_ptr_null(disconnectable_inner(ep));
	ck_assert_int_eq(disconnect(), -EBUSY);
	ck_assert_int_eq(connect_to(b), -EBUSY);
	run();
	ck_assert_uint_eq(n_back, 0); /* it has a queue */
	destroy_queues();
	ask_stop();
	run();
	ck_assert_ptr_eq(back, &a->base);
	ck_assert_uint_eq(n_back, 1);
	ck_assert_int_eq(disconnect(), -ENOTCONN);
	ck_assert_int_eq(connect_to(b), 0);
	ck_assert_int_eq(connect_to(a), -EISCONN);
}
END_TEST

START_TEST(order_is_kept)
{
	b->ordered = false;
	begin(_i == 0 ? a : _i == 1 ? NULL : b);
	if (_i != 1) {
		ck_assert_int_eq(disconnect(), 0);
		run();
	}
	ck_assert(net_endpoint_is_ordered(ep) == (_i != 2));
	if (_i == 2) {
		ck_assert_int_eq(connect_to(a), 0);
		ck_assert(!net_endpoint_is_ordered(ep));
		return;
	}
	ck_assert_int_eq(connect_to(b), -ENOTSUP);
	ck_assert_ptr_nonnull(strstr(error.text, "unordered"));
	b->ordered = true;
	a->vnet_hdr = true;
	b->vnet_hdr = true;
	if (_i == 0)
		ck_assert_int_eq(connect_to(b), 0);
}
END_TEST

/* As many queues as are in use have to be there. */
START_TEST(too_few_queues_are_refused)
{
	begin(a);
	get(2);
	ck_assert_int_eq(disconnect(), 0);
	destroy_queues();
	ask_stop();
	run();
	b->multiqueue.max_queues = 1;
	ck_assert_int_eq(connect_to(b), -ENOTSUP);
	ck_assert_ptr_nonnull(strstr(error.text, "1 queue and 2 are in use"));
	b->multiqueue.max_queues = 2;
	ck_assert_int_eq(connect_to(b), 0);
	get(2);
	expect_through(b);
	destroy_queues();
}
END_TEST

static void get_with_table(size_t len)
{
	static const uint8_t key[NET_RSS_KEY_LEN];
	static const uint16_t table[NET_RSS_TABLE_MAX];
	const struct net_rss_config rss = {
		.key = key,
		.key_len = sizeof(key),
		.indirection_table = table,
		.indirection_table_len = len,
	};
	struct net_queue_config config = {
		.loop = &loop,
		.client = &client,
		.rx_span = 1,
	};

	ck_assert_int_eq(net_endpoint_get_queues(ep, &config, 1, &rss, queues,
						 answer_cb, NULL),
			 0);
	run();
	ck_assert_int_eq(last_answer, 0);
}

/* A table is kept over a time with nothing inside, whose own is smaller. */
START_TEST(too_small_a_table_is_refused)
{
	a->multiqueue.indirection_table_size = 512;
	b->multiqueue.indirection_table_size = 256;
	begin(a);
	get_with_table(512);
	ck_assert_uint_eq(a->rss.indirection_table_len, 512);
	ck_assert_int_eq(disconnect(), 0);
	destroy_queues();
	get_with_table(512);
	ck_assert_uint_eq(n_back, 1);
	ck_assert_int_eq(connect_to(b), -ENOTSUP);
	ck_assert_ptr_nonnull(strstr(error.text, "256 entries and 512 are"));
	b->multiqueue.indirection_table_size = 512;
	ck_assert_int_eq(connect_to(b), 0);
	destroy_queues();
	get_with_table(512);
	ck_assert_uint_eq(b->rss.indirection_table_len, 512);
	destroy_queues();
}
END_TEST

/* Its queues are no longer those of the endpoint that it was in. */
static void expect_free(struct net_endpoint *inner)
{
	struct net_queue_config config = {
		.loop = &loop,
		.client = &client,
		.rx_span = 1,
	};
	struct net_queue *queue;

	ck_assert_int_eq(net_endpoint_get_queues(inner, &config, 1, NULL,
						 &queue, answer_cb, NULL),
			 0);
	run();
	ck_assert_uint_eq(net_endpoint_live_queues(inner), 1);
	ck_assert_uint_eq(net_endpoint_live_queues(ep), 0);
	net_queue_destroy(queue);
}

/* No queue: nobody has to restart, and the old one comes back stopped. */
START_TEST(idle_it_leaves_at_once)
{
	begin(a);
	ck_assert_int_eq(disconnect(), 0);
	ck_assert_uint_eq(n_back, 0); /* later than the call */
	run();
	ck_assert_uint_eq(n_back, 1);
	ck_assert_ptr_eq(back, &a->base);
	ck_assert_uint_eq(a->n_stop, 1);
	ck_assert_uint_eq(restarts, 0);
	ck_assert_uint_eq(links, 1);
	ck_assert(!last_link.link_up);
	ck_assert(!last_link.lost);
	expect_free(back);
	ck_assert_int_eq(connect_to(a), 0);
	run();
	ck_assert_uint_eq(restarts, 0);
	ck_assert_uint_eq(links, 2);
	ck_assert(last_link.link_up);
}
END_TEST

/* With queues: a restart is asked for, and the old one comes back when the
 * frontend has ended its queues, which it tells by stop (0) or by asking for
 * new ones (1). */
START_TEST(busy_it_leaves_with_its_last_queue)
{
	begin(a);
	get(2);
	expect_through(a);
	ck_assert_int_eq(disconnect(), 0);
	run();
	ck_assert_uint_eq(restarts, 1);
	ck_assert_uint_eq(links, 1);
	ck_assert_uint_eq(n_back, 0);
	expect_through(a);
	destroy_queues();
	ck_assert_uint_eq(n_back, 0);
	if (_i == 0) {
		ask_stop();
		run();
		ck_assert_int_eq(answers, 1);
		ck_assert_uint_eq(n_back, 1);
	}
	get(2);
	ck_assert_uint_eq(n_back, 1);
	ck_assert_uint_eq(a->n_stop, 1);
	expect_through(NULL);
	ck_assert_int_eq(connect_to(b), 0);
	run();
	ck_assert_uint_eq(restarts, 2);
	expect_through(NULL);
	destroy_queues();
	get(2);
	expect_through(b);
	destroy_queues();
	ck_assert_uint_eq(restarts, 2);
}
END_TEST

static void back_and_connect_cb(void *arg, struct net_endpoint *inner)
{
	back_cb(arg, inner);
	ck_assert_int_eq(connect_to(b), 0);
}

/* As a frontend that restarts: its stop answered, it asks for queues. */
static void stopped_cb(void *arg, int err)
{
	UNUSED(arg);
	ck_assert_int_eq(err, 0);
	ask(2);
}

/* Whoever connects the next as soon as the last is back has the frontend
 * restart once. */
START_TEST(replacement_is_one_restart)
{
	begin(a);
	get(2);
	ck_assert_int_eq(
		disconnectable_disconnect(ep, back_and_connect_cb, &n_back), 0);
	run();
	destroy_queues();
	ck_assert_int_eq(net_endpoint_stop(ep, stopped_cb, NULL), 0);
	run();
	ck_assert_int_eq(answers, 1);
	ck_assert_int_eq(last_answer, 0);
	ck_assert_ptr_eq(back, &a->base);
	expect_through(b);
	ck_assert_uint_eq(restarts, 1);
	ck_assert_uint_eq(links, 2); /* down, up */
	ck_assert(last_link.link_up);
	destroy_queues();
}
END_TEST

/* While the old one is making queues, which come (0) or not (1). */
START_TEST(disconnect_during_get_queues)
{
	begin(a);
	a->hold = true;
	a->get_queues_err = _i ? -EIO : 0;
	ask(2);
	ck_assert_int_eq(disconnect(), 0);
	run();
	ck_assert_uint_eq(n_back, 0);
	ck_assert_uint_eq(restarts, 1);
	a->hold = false;
	script_endpoint_answer(a, _i ? -EIO : 0);
	run();
	ck_assert_int_eq(answers, 1);
	ck_assert_int_eq(last_answer, _i ? -EIO : 0);
	ck_assert_uint_eq(n_back, _i ? 1 : 0);
	destroy_queues();
	ask_stop();
	run();
	ck_assert_int_eq(answers, 1);
	ck_assert_uint_eq(n_back, 1);
}
END_TEST

/* While null makes queues for the frontend. */
START_TEST(connect_during_get_queues)
{
	begin(NULL);
	a->vnet_hdr = true;
	a->tx_offloads = (struct net_tx_offloads){true, true, true, true, true};
	ask(1);
	ck_assert_int_eq(connect_to(a), 0);
	run();
	ck_assert_int_eq(answers, 1);
	ck_assert_uint_eq(restarts, 1);
	expect_through(NULL);
	destroy_queues();
	get(1);
	expect_through(a);
	destroy_queues();
}
END_TEST

/* While the old one is being stopped, by the frontend (0) or because it is
 * leaving (1), or both at once (2). */
START_TEST(disconnect_during_stop)
{
	begin(a);
	get(2);
	destroy_queues();
	a->hold = true;
	if (_i == 0)
		ask_stop();
	ck_assert_int_eq(disconnect(), 0);
	if (_i == 2)
		ask_stop();
	run();
	ck_assert_uint_eq(n_back, 0);
	ck_assert_uint_eq(a->n_stop, 1);
	ck_assert_int_eq(disconnect(), -EBUSY);
	script_endpoint_answer(a, 0);
	run();
	if (_i == 0) {
		ck_assert_int_eq(answers, 1);
		script_endpoint_answer(a, 0); /* its own stop */
		run();
	}
	ck_assert_uint_eq(n_back, 1);
	ck_assert_int_eq(answers, 1);
}
END_TEST

/* With a disconnect under way: held by a stop (0), or not yet begun (1). */
START_TEST(destroyed_while_leaving)
{
	begin(a);
	a->hold = _i == 0;
	ck_assert_int_eq(disconnect(), 0);
	if (_i == 0)
		run();
	net_endpoint_destroy(ep);
	ep = NULL;
	if (_i == 0)
		script_endpoint_answer(a, 0);
	run();
	ck_assert_uint_eq(n_back, 0); /* it has gone too */
}
END_TEST

static void back_and_destroy_cb(void *arg, struct net_endpoint *inner)
{
	back_cb(arg, inner);
	net_endpoint_destroy(ep);
	ep = NULL;
}

START_TEST(destroyed_by_who_takes_the_inner_one_back)
{
	begin(a);
	ck_assert_int_eq(
		disconnectable_disconnect(ep, back_and_destroy_cb, &n_back), 0);
	run();
	ck_assert_uint_eq(n_back, 1);
	ck_assert_ptr_null(ep);
}
END_TEST

/* Connected, detached, with an action under way. */
START_TEST(destroyed_in_every_state)
{
	begin(_i == 1 ? NULL : a);
	if (_i == 2) {
		get(2);
		net_endpoint_raise(&a->base, net_action_link(false));
		destroy_queues();
	} else if (_i == 3) {
		ck_assert_int_eq(disconnect(), 0);
		run();
	}
}
END_TEST

START_TEST(actions_of_the_inner_one_pass)
{
	begin(a);
	net_endpoint_raise(&a->base, net_action_restart());
	net_endpoint_raise(&a->base, (struct net_action){NET_ACTION_LINK_STATUS,
							 false, true});
	run();
	ck_assert_uint_eq(restarts, 1);
	ck_assert_uint_eq(links, 1);
	ck_assert(!last_link.link_up);
	ck_assert(last_link.lost);
	a->link_up = false;
	get(1);
	ck_assert_int_eq(disconnect(), 0);
	net_endpoint_raise(&a->base, net_action_link(true)); /* too late */
	run();
	ck_assert_uint_eq(links, 1); /* it was down */
	ck_assert_uint_eq(restarts, 2);
	destroy_queues();
	ask_stop();
	run();
	ck_assert_int_eq(connect_to(b), 0);
	run();
	ck_assert_uint_eq(links, 2);
	ck_assert(last_link.link_up);
	ck_assert(!last_link.lost);
}
END_TEST

START_TEST(data_path_is_the_inner_ones)
{
	bool use_vf;

	begin(a);
	ck_assert_int_eq(net_endpoint_get_data_path_to_guest_vf(ep, &use_vf),
			 -ENOTSUP);
	ck_assert_int_eq(net_endpoint_set_data_path_to_guest_vf(
				 ep, false, answer_cb, NULL),
			 0);
	run();
	ck_assert_int_eq(answers, 1);
	ck_assert_int_eq(last_answer, -ENOTSUP);
	ck_assert_int_eq(disconnect(), 0);
	ck_assert_int_eq(net_endpoint_set_data_path_to_guest_vf(
				 ep, false, answer_cb, NULL),
			 0);
	run();
	ck_assert_int_eq(answers, 2);
	ck_assert_int_eq(last_answer, 0);
	ck_assert_uint_eq(n_back, 1);
}
END_TEST

START_TEST(it_says_what_is_inside)
{
	struct inspect in;
	const char *text;

	begin(a);
	for (int k = 0; k < 2; k++) {
		inspect_init(&in);
		net_endpoint_inspect(ep, &in);
		text = inspect_text(&in);
		ck_assert_ptr_nonnull(text);
		ck_assert_ptr_nonnull(
			strstr(text, k ? "\"null\"" : "\"script\""));
		ck_assert_ptr_nonnull(strstr(text, "\"connected\""));
		inspect_fini(&in);
		if (k == 0)
			ck_assert_int_eq(disconnect(), 0);
		run();
	}
}
END_TEST

static void answer_now(struct script_endpoint *s)
{
	if (s->answer_waits)
		script_endpoint_answer(s, 0);
}

/* The frontend's part: what fits its state. */
static void random_request(unsigned int *seed)
{
	bool has_queues = queues[0] != NULL;

	if (!answers)
		return; /* one is under way */
	if (has_queues && last_answer == 0 && rand_r(seed) % 2)
		destroy_queues();
	else if (!has_queues && rand_r(seed) % 3)
		ask(1 + rand_r(seed) % QUEUES);
	else if (!has_queues)
		ask_stop();
}

/* Everything in any order, with endpoints that answer late: nothing is answered
 * twice, each endpoint has one owner, and in the end all works. Every second
 * time a promise has to be kept that these endpoints need software for. */
START_TEST(any_order)
{
	unsigned int seed = (unsigned int)_i + 1, pending = 0, done = 0;
	struct script_endpoint *inside;

	begin(_i % 2 ? a : NULL);
	answers = 1;
	for (int step = 0; step < 4000; step++) {
		struct script_endpoint *s = rand_r(&seed) % 2 ? a : b;
		unsigned int before = n_back;

		s->hold = rand_r(&seed) % 2;
		switch (rand_r(&seed) % 6) {
		case 0:
			if (disconnect() == 0)
				pending++;
			break;
		case 1:
			/* It is a caller's part not to give away what it does
			 * not have. */
			if (s == a ? a_is_mine : b_is_mine)
				(void)connect_to(s);
			break;
		case 2:
		case 3:
			random_request(&seed);
			break;
		case 4:
			answer_now(a);
			answer_now(b);
			break;
		default:
			net_endpoint_raise(&s->base, net_action_restart());
			break;
		}
		for (unsigned int k = rand_r(&seed) % 3; k; k--)
			loop_run_once(&loop);
		ck_assert_int_le(answers, 1);
		done += n_back - before;
		ck_assert_uint_le(done, pending);
		ck_assert_uint_le(pending - done, 1);
	}
	for (int k = 0; k < 4; k++) {
		a->hold = false;
		b->hold = false;
		answer_now(a);
		answer_now(b);
		run();
	}
	destroy_queues();
	ask_stop();
	run();
	ck_assert_int_eq(answers, 1);
	ck_assert_uint_eq(n_back, pending);
	if (a_is_mine && b_is_mine)
		ck_assert_int_eq(connect_to(b), 0);
	inside = a_is_mine ? b : a;
	get(2);
	expect_through(inside);
	destroy_queues();
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("disconnectable");
	TCase *tc = tcase_create("states");

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, detached_it_is_null);
	tcase_add_test(tc, first_endpoint_makes_the_promise);
	tcase_add_test(tc, wrong_orders_are_refused);
	tcase_add_loop_test(tc, order_is_kept, 0, 3);
	tcase_add_test(tc, too_few_queues_are_refused);
	tcase_add_test(tc, too_small_a_table_is_refused);
	tcase_add_test(tc, idle_it_leaves_at_once);
	tcase_add_loop_test(tc, busy_it_leaves_with_its_last_queue, 0, 2);
	tcase_add_test(tc, replacement_is_one_restart);
	tcase_add_loop_test(tc, disconnect_during_get_queues, 0, 2);
	tcase_add_test(tc, connect_during_get_queues);
	tcase_add_loop_test(tc, disconnect_during_stop, 0, 3);
	tcase_add_loop_test(tc, destroyed_while_leaving, 0, 2);
	tcase_add_test(tc, destroyed_by_who_takes_the_inner_one_back);
	tcase_add_loop_test(tc, destroyed_in_every_state, 0, 4);
	tcase_add_test(tc, actions_of_the_inner_one_pass);
	tcase_add_test(tc, data_path_is_the_inner_ones);
	tcase_add_test(tc, it_says_what_is_inside);
	tcase_add_loop_test(tc, any_order, 0, 8);
	suite_add_tcase(s, tc);
	return s;
}

int main(void)
{
	return test_run(suite());
}
