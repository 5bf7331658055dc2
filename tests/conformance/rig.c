/* SPDX-License-Identifier: MIT */
/*
 * The conformance rig: its parts, their life, and waiting.
 */
#include "conformance/rig.h"

#include "net/wrapper.h"
#include "support/count_calls.h"

#include <check.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define WAIT_SECONDS 60
#define TX_MEMORY    (8U << 20)

static void ready_cb(struct net_queue_client *client)
{
	struct rig *rig = container_of(client, struct rig, client);

	rig->wrong += rig->in_op;
	atomic_fetch_add(&rig->ready, 1);
}

void rig_call(struct rig *rig, void (*fn)(void *arg), void *arg)
{
	if (rig->io)
		loop_call(rig->loop, fn, arg);
	else
		fn(arg);
}

static bool host_lacks(const struct backend_row *row)
{
	const char *ci = getenv("CI");

	ck_assert_msg(!ci || strcmp(ci, "true") != 0,
		      "%s: this host cannot make it", row->name);
	(void)printf("skip: %s: this host cannot make it\n", row->name);
	return false;
}

/* The backend's row, as it is in the wrapper. */
static struct backend_row described(const struct pairing *pairing)
{
	struct backend_row row = *pairing->backend;

	if (!pairing->wrapper)
		return row;
	row.type = pairing->wrapper->type;
	if (pairing->wrapper->describe)
		pairing->wrapper->describe(&row);
	return row;
}

int rig_full_mode(int i)
{
	struct pairing pairing = pairing_at((size_t)i);
	struct backend_row row = described(&pairing);

	return RIG_THREAD | (row.vnet_hdr ? RIG_HEADER : 0);
}

static int open_endpoint(struct rig *rig, const struct pairing *pairing)
{
	int err = rig->row->open(&rig->backend, rig->control);

	if (err < 0)
		return err;
	rig->endpoint = rig->backend.endpoint;
	if (!pairing->wrapper)
		return 0;
	return pairing->wrapper->wrap(rig->control, rig->backend.endpoint,
				      &rig->endpoint);
}

/* The loop of the queue, and the memory. */
static void open_frontend(struct rig *rig)
{
	struct net_bufs_config bufs;

	bufs = (struct net_bufs_config){
		.n_bufs = rig->options.n_bufs,
		.buf_len = rig->options.buf_len + rig_header_len(rig),
		.piece = rig->options.piece,
		.header_room = rig_header_len(rig) != 0,
		.rx_span = rig->options.rx_span,
		.tx_len = TX_MEMORY,
	};

	rig->loop = rig->control;
	if (rig->mode & RIG_THREAD) {
		ck_assert_int_eq(iothread_create("rig", THREAD_QUEUE, &rig->io),
				 0);
		rig->loop = &rig->io->loop;
	}
	ck_assert_int_eq(net_bufs_init(&rig->bufs, &bufs), 0);
	rig->client.ready = ready_cb;
}

bool rig_open(struct rig *rig, int index, const struct rig_options *options)
{
	struct pairing pairing = pairing_at((size_t)index / RIG_MODES);
	int err;

	memset(rig, 0, sizeof(*rig));
	rig->mode = index % RIG_MODES;
	rig->described = described(&pairing);
	rig->row = &rig->described;
	if (rig->mode & RIG_HEADER && !rig->row->vnet_hdr)
		return false;
	if (options)
		rig->options = *options;
	if (!rig->options.n_bufs)
		rig->options.n_bufs = 64;
	if (!rig->options.buf_len)
		rig->options.buf_len = 2048;
	if (!rig->options.rx_span)
		rig->options.rx_span = 1;
	rig->control = &rig->own_control;
	ck_assert_int_eq(loop_init(rig->control), 0);
	open_frontend(rig);
	err = open_endpoint(rig, &pairing);
	if (err == -ENOTSUP) {
		rig_close(rig);
		return host_lacks(rig->row);
	}
	ck_assert_int_eq(err, 0);
	return true;
}

bool rig_open_queue(struct rig *rig, int index,
		    const struct rig_options *options)
{
	if (!rig_open(rig, index, options))
		return false;
	rig_make_queue(rig);
	return true;
}

static void frames_clear(struct rig_frames *frames)
{
	for (size_t i = 0; i < frames->n; i++)
		free(frames->list[i].bytes);
	frames->n = 0;
}

static void close_frontend(struct rig *rig)
{
	iothread_destroy(rig->io);
	ck_assert_uint_eq(rig->bufs.violations, 0);
	ck_assert_uint_eq(rig->wrong, 0);
	ck_assert(net_bufs_guards_ok(&rig->bufs));
	frames_clear(&rig->received);
	frames_clear(&rig->sent);
	net_bufs_fini(&rig->bufs);
}

void rig_close(struct rig *rig)
{
	if (rig->queue)
		rig_destroy_queue(rig, rig->queue);
	if (rig->endpoint) {
		ck_assert_int_eq(rig_stop(rig), 0);
		net_endpoint_destroy(rig->endpoint);
		rig->row->close(&rig->backend);
	}
	close_frontend(rig);
	loop_fini(rig->control);
}

void rig_open_beside(struct rig *rig, struct rig *first)
{
	memset(rig, 0, sizeof(*rig));
	rig->described = first->described;
	rig->row = &rig->described;
	rig->mode = first->mode;
	rig->options = first->options;
	rig->control = first->control;
	rig->endpoint = first->endpoint;
	rig->backend = first->backend;
	rig->shares_outside = true;
	first->shares_outside = true;
	open_frontend(rig);
}

void rig_close_beside(struct rig *rig)
{
	if (rig->queue)
		rig_destroy_queue(rig, rig->queue);
	close_frontend(rig);
}

struct net_queue_config rig_config(struct rig *rig)
{
	return (struct net_queue_config){
		.loop = rig->loop,
		.client = &rig->client,
		.vnet_hdr = (rig->mode & RIG_HEADER) != 0,
		.rx_span = rig->options.rx_span,
	};
}

struct answer {
	bool here;
	int err;
};

static void done_cb(void *arg, int err)
{
	struct answer *answer = arg;

	ck_assert(!answer->here);
	answer->here = true;
	answer->err = err;
}

static double now(void)
{
	struct timespec ts;

	ck_assert_int_eq(clock_gettime(CLOCK_MONOTONIC, &ts), 0);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static int await(struct rig *rig, struct answer *answer)
{
	double end = now() + WAIT_SECONDS;

	/* Never from within the call. */
	ck_assert(!answer->here);
	while (!answer->here && now() < end)
		loop_run_once(rig->control);
	ck_assert_msg(answer->here, "no answer");
	return answer->err;
}

int rig_get_queues(struct rig *rig, const struct net_queue_config *configs,
		   size_t n, const struct net_rss_config *rss,
		   struct net_queue **out)
{
	struct answer answer = {0};
	int err;

	/* Only for the call: Check allocates too, and does not expect this. */
	fail_allocation(rig->fail_nth);
	err = net_endpoint_get_queues(rig->endpoint, configs, n, rss, out,
				      done_cb, &answer);
	fail_allocation(0);
	return err < 0 ? err : await(rig, &answer);
}

int rig_stop(struct rig *rig)
{
	struct answer answer = {0};
	int err = net_endpoint_stop(rig->endpoint, done_cb, &answer);

	return err < 0 ? err : await(rig, &answer);
}

static void destroy_on_loop(void *arg)
{
	net_queue_destroy(arg);
}

void rig_destroy_queue(struct rig *rig, struct net_queue *queue)
{
	rig_call(rig, destroy_on_loop, queue);
	if (rig->queue == queue) {
		rig->queue = NULL;
		rig->backend.queue = NULL;
		net_bufs_reclaim(&rig->bufs);
	}
}

/* The backend's own queue: wrappers have queues around it, or none. */
static struct net_queue *innermost(const struct rig *rig,
				   struct net_queue *queue)
{
	while (queue->endpoint != rig->backend.endpoint)
		queue = net_wrapper_queue_of(queue)->inner;
	return queue;
}

static void use(struct rig *rig, struct net_queue *queue)
{
	ck_assert_ptr_nonnull(queue);
	rig->queue = queue;
	rig->backend.queue = innermost(rig, queue);
}

void rig_use_queue(struct rig *rig, const struct net_queue_config *config)
{
	struct net_queue *queue;

	ck_assert_int_eq(rig_get_queues(rig, config, 1, NULL, &queue), 0);
	use(rig, queue);
}

void rig_make_queue(struct rig *rig)
{
	struct net_queue_config config = rig_config(rig);

	rig_use_queue(rig, &config);
}

void rig_make_both(struct rig *a, struct rig *b)
{
	struct net_queue_config configs[] = {rig_config(a), rig_config(b)};
	struct net_queue *queues[2];

	ck_assert_int_eq(rig_get_queues(a, configs, 2, NULL, queues), 0);
	use(a, queues[0]);
	use(b, queues[1]);
}

/* What is waited for: a function of the rig, or so many frames, or one. */
struct wanted {
	bool (*done)(struct rig *rig);
	const struct rig_frames *frames;
	size_t n;
	uint32_t seq;
	size_t len;
};

static bool has_frame(const struct rig_frames *frames, uint32_t seq, size_t len)
{
	for (size_t i = 0; i < frames->n; i++) {
		if (rig_frame_is(&frames->list[i], seq, len))
			return true;
	}
	return false;
}

static bool is_there(struct rig *rig, const struct wanted *wanted)
{
	if (wanted->done)
		return wanted->done(rig);
	if (wanted->len)
		return has_frame(wanted->frames, wanted->seq, wanted->len);
	return wanted->frames->n >= wanted->n;
}

static bool step_until(struct rig *rig, const struct wanted *wanted)
{
	double end = now() + WAIT_SECONDS;

	while (!is_there(rig, wanted) && now() < end) {
		rig_step(rig);
		(void)sched_yield();
	}
	return is_there(rig, wanted);
}

bool rig_wait(struct rig *rig, bool (*done)(struct rig *rig))
{
	struct wanted wanted = {.done = done};

	return step_until(rig, &wanted);
}

bool rig_wait_frame(struct rig *rig, uint32_t seq, size_t len)
{
	struct wanted wanted = {
		.frames = &rig->received,
		.seq = seq,
		.len = len,
	};

	return step_until(rig, &wanted);
}

bool rig_wait_received(struct rig *rig, size_t n)
{
	struct wanted wanted = {.frames = &rig->received, .n = n};

	return step_until(rig, &wanted);
}

bool rig_wait_sent(struct rig *rig, size_t n)
{
	struct wanted wanted = {.frames = rig_sent(rig), .n = n};

	return step_until(rig, &wanted);
}

static void nothing(void *arg)
{
	UNUSED(arg);
}

void rig_run_loops(struct rig *rig, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++) {
		loop_run_once(rig->control);
		rig_call(rig, nothing, NULL); /* a round of the other loop */
	}
}

bool rig_wait_quiet(struct rig *rig)
{
	double end = now() + WAIT_SECONDS;

	do {
		rig_step(rig);
	} while (rig->polled_ready && now() < end);
	return !rig->polled_ready;
}

bool rig_wait_ready(struct rig *rig)
{
	double end = now() + WAIT_SECONDS;

	while (!atomic_load(&rig->ready) && now() < end)
		rig_run_loops(rig, 1);
	return atomic_load(&rig->ready) > 0;
}

void rig_forget_packets(struct rig *rig)
{
	rig->seg_first = 0;
	rig->seg_end = 0;
	rig->n_packets = 0;
	net_bufs_tx_reset(&rig->bufs);
}

void rig_forget_frames(struct rig *rig)
{
	frames_clear(&rig->received);
}

/* A message that has a rig take its turns, and says when it has. */
struct turns {
	struct loop_msg msg;
	struct rig *rig;
	atomic_bool done;
};

static void turns_run(struct loop_msg *msg)
{
	struct turns *turns = container_of(msg, struct turns, msg);

	rig_turns(turns->rig);
	atomic_store(&turns->done, true);
}

static void both_turn(struct rig *a, struct rig *b)
{
	struct turns turns[] = {{.rig = a}, {.rig = b}};

	for (size_t i = 0; i < ARRAY_SIZE(turns); i++) {
		turns[i].msg.run = turns_run;
		atomic_init(&turns[i].done, false);
		loop_post(turns[i].rig->loop, &turns[i].msg);
	}
	for (size_t i = 0; i < ARRAY_SIZE(turns); i++) {
		while (!atomic_load(&turns[i].done)) {
			loop_run_once(a->control);
			(void)sched_yield();
		}
	}
}

bool rig_both_until(struct rig *a, struct rig *b, bool (*done)(struct rig *))
{
	double end = now() + WAIT_SECONDS;

	while (!(done(a) && done(b)) && now() < end)
		both_turn(a, b);
	return done(a) && done(b);
}
