/* SPDX-License-Identifier: MIT */
/*
 * The conformance rig: its parts, their life, and waiting.
 */
#include "conformance/rig.h"

#include "support/count_calls.h"

#include <check.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define WAIT_SECONDS 5
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

bool rig_open(struct rig *rig, int index, const struct rig_options *options)
{
	struct net_bufs_config bufs;
	int err;

	memset(rig, 0, sizeof(*rig));
	rig->row = backend_rows[index / RIG_MODES];
	rig->mode = index % RIG_MODES;
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
	bufs = (struct net_bufs_config){
		.n_bufs = rig->options.n_bufs,
		.buf_len = rig->options.buf_len + rig_header_len(rig),
		.piece = rig->options.piece,
		.header_room = rig_header_len(rig) != 0,
		.rx_span = rig->options.rx_span,
		.tx_len = TX_MEMORY,
	};
	ck_assert_int_eq(loop_init(&rig->control), 0);
	rig->loop = &rig->control;
	if (rig->mode & RIG_THREAD) {
		ck_assert_int_eq(iothread_create("rig", &rig->io), 0);
		rig->loop = &rig->io->loop;
	}
	ck_assert_int_eq(net_bufs_init(&rig->bufs, &bufs), 0);
	rig->client.ready = ready_cb;
	err = rig->row->open(&rig->backend, &rig->control);
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

void rig_close(struct rig *rig)
{
	if (rig->backend.queue)
		rig_destroy_queue(rig, rig->backend.queue);
	if (rig->backend.endpoint) {
		ck_assert_int_eq(rig_stop(rig), 0);
		net_endpoint_destroy(rig->backend.endpoint);
		rig->row->close(&rig->backend);
	}
	iothread_destroy(rig->io);
	loop_fini(&rig->control);
	ck_assert_uint_eq(rig->bufs.violations, 0);
	ck_assert_uint_eq(rig->wrong, 0);
	ck_assert(net_bufs_guards_ok(&rig->bufs));
	frames_clear(&rig->received);
	frames_clear(&rig->sent);
	net_bufs_fini(&rig->bufs);
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
		loop_run_once(&rig->control);
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
	err = net_endpoint_get_queues(rig->backend.endpoint, configs, n, rss,
				      out, done_cb, &answer);
	fail_allocation(0);
	return err < 0 ? err : await(rig, &answer);
}

int rig_stop(struct rig *rig)
{
	struct answer answer = {0};
	int err = net_endpoint_stop(rig->backend.endpoint, done_cb, &answer);

	return err < 0 ? err : await(rig, &answer);
}

static void destroy_on_loop(void *arg)
{
	net_queue_destroy(arg);
}

void rig_destroy_queue(struct rig *rig, struct net_queue *queue)
{
	rig_call(rig, destroy_on_loop, queue);
	if (rig->backend.queue == queue) {
		rig->backend.queue = NULL;
		net_bufs_reclaim(&rig->bufs);
	}
}

void rig_make_queue(struct rig *rig)
{
	struct net_queue_config config = rig_config(rig);

	ck_assert_int_eq(
		rig_get_queues(rig, &config, 1, NULL, &rig->backend.queue), 0);
	ck_assert_ptr_nonnull(rig->backend.queue);
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
		loop_run_once(&rig->control);
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
