/* SPDX-License-Identifier: MIT */
/*
 * bench_limiter: how exact the rate limiter is.
 *
 * A worker that always has packets to send, and an endpoint that always has
 * frames, meet over a limiter; the rate at which each direction moves is
 * compared with its bucket, from 1 Mbit/s to 10 Gbit/s, after the first burst.
 * Buckets of 100 ms, and one of 1 ms, which is less than the timers can do.
 *
 * limiter.error_pct: the largest deviation. The goal is at most 2.
 */
#include "backends/limiter.h"

#include "net/rx_fifo.h"
#include "net/worker.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define FRAME_LEN 1514
#define BUFS	  256
#define WARM_UP	  0.3
#define SECONDS	  1.0
/* A case goes on until it has moved as many. */
#define FRAMES_MIN 250

struct rate {
	const char *name;
	double bytes; /* in a second */
	uint64_t refill_ms;
};

static const struct rate rates[] = {
	{"1 Mbit/s", 125e3, 100},	  {"10 Mbit/s", 1250e3, 100},
	{"100 Mbit/s", 12500e3, 100},	  {"1 Gbit/s", 125e6, 100},
	{"10 Gbit/s", 1250e6, 100},	  {"1 Mbit/s, 1 ms", 125e3, 1},
	{"100 Mbit/s, 1 ms", 12500e3, 1}, {"10 Gbit/s, 1 ms", 1250e6, 1},
};

static void must(bool ok, const char *what)
{
	if (ok)
		return;
	(void)fprintf(stderr, "bench_limiter: %s\n", what);
	exit(EXIT_FAILURE);
}

static double seconds(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* The endpoint: a frame for every buffer, and every packet is complete. */

struct flood_queue {
	struct net_queue base;
	struct net_rx_fifo fifo;
};

static struct flood_queue *flood_of(struct net_queue *queue)
{
	return container_of(queue, struct flood_queue, base);
}

static bool flood_poll_ready(struct net_queue *queue,
			     struct net_buffer_access *pool)
{
	UNUSED(pool);
	return flood_of(queue)->fifo.count != 0;
}

static void flood_rx_avail(struct net_queue *queue,
			   struct net_buffer_access *pool,
			   const struct net_rx_id *ids, size_t n)
{
	UNUSED(pool);
	must(net_rx_fifo_push(&flood_of(queue)->fifo, ids, n) == 0, "memory");
}

static int flood_rx_poll(struct net_queue *queue,
			 struct net_buffer_access *pool,
			 struct net_rx_packet *out, size_t max, size_t *n)
{
	struct net_rx_fifo *fifo = &flood_of(queue)->fifo;

	UNUSED(pool);
	*n = MIN(max, fifo->count);
	for (size_t i = 0; i < *n; i++)
		out[i] = (struct net_rx_packet){
			.first = net_rx_fifo_at(fifo, i),
			.n_ids = 1,
			.meta.len = FRAME_LEN,
		};
	net_rx_fifo_pop(fifo, *n);
	net_stat_add(&queue->stats->rx_bytes, *n * FRAME_LEN);
	return 0;
}

static int flood_tx_avail(struct net_queue *queue,
			  struct net_buffer_access *pool,
			  const struct net_tx_seg *segs, size_t n,
			  struct net_tx_taken *taken)
{
	UNUSED(pool);
	UNUSED(segs);
	net_stat_add(&queue->stats->tx_bytes, n * FRAME_LEN);
	*taken = (struct net_tx_taken){.n_segs = n, .completed = true};
	return 0;
}

static void flood_destroy(struct net_queue *queue)
{
	net_rx_fifo_fini(&flood_of(queue)->fifo);
	free(flood_of(queue));
}

static const struct net_queue_ops flood_queue_ops = {
	.poll_ready = flood_poll_ready,
	.rx_avail = flood_rx_avail,
	.rx_poll = flood_rx_poll,
	.tx_avail = flood_tx_avail,
	.destroy = flood_destroy,
};

static int flood_make(struct net_endpoint *ep,
		      const struct net_queue_config *config, size_t index,
		      struct net_queue **out)
{
	struct flood_queue *q = calloc(1, sizeof(*q));

	UNUSED(index);
	must(q != NULL, "memory");
	net_queue_init(&q->base, &flood_queue_ops, ep, config);
	*out = &q->base;
	return 0;
}

static void flood_get_queues(struct net_endpoint *ep,
			     const struct net_queue_config *configs, size_t n,
			     const struct net_rss_config *rss,
			     struct net_queue **out)
{
	UNUSED(rss);
	net_endpoint_make_queues(ep, configs, n, out, flood_make);
}

static void flood_stop(struct net_endpoint *ep)
{
	net_endpoint_done(ep, 0);
}

static bool flood_is_ordered(const struct net_endpoint *ep)
{
	UNUSED(ep);
	return true;
}

static void flood_endpoint_destroy(struct net_endpoint *ep)
{
	UNUSED(ep);
}

static const struct net_endpoint_ops flood_ops = {
	.type = "flood",
	.get_queues = flood_get_queues,
	.stop = flood_stop,
	.is_ordered = flood_is_ordered,
	.destroy = flood_endpoint_destroy,
};

/* The frontend: always a packet, and a buffer again once it was filled. */

struct source {
	struct net_worker worker;
	struct net_buffer_access pool;
	struct net_tx_meta metas[NET_WORKER_BATCH];
	struct net_rx_id free[BUFS];
	size_t n_free;
	bool sends;
};

static size_t rx_fetch(void *arg, struct net_rx_id *ids, size_t max)
{
	struct source *s = arg;
	size_t n = MIN(max, s->n_free);

	s->n_free -= n;
	memcpy(ids, &s->free[s->n_free], n * sizeof(*ids));
	return n;
}

static void rx_done(void *arg, const struct net_rx_packet *packets, size_t n)
{
	struct source *s = arg;

	for (size_t i = 0; i < n; i++)
		s->free[s->n_free++] = packets[i].first;
}

static size_t tx_fetch(void *arg, struct net_tx_seg *segs, size_t max,
		       size_t max_packets)
{
	struct source *s = arg;
	size_t n = s->sends ? MIN(max, max_packets) : 0;

	for (size_t i = 0; i < n; i++)
		segs[i] = (struct net_tx_seg){
			.len = FRAME_LEN,
			.type = NET_TX_HEAD,
			.meta = &s->metas[i],
		};
	return n;
}

static void tx_done(void *arg, const struct net_tx_id *ids, size_t n)
{
	UNUSED(arg);
	UNUSED(ids);
	UNUSED(n);
}

static void nothing(void *arg)
{
	UNUSED(arg);
}

static bool arm(void *arg, bool tx)
{
	const struct source *s = arg;

	return s->n_free || (tx && s->sends);
}

static void failed(void *arg, enum net_tx_error error)
{
	UNUSED(arg);
	UNUSED(error);
	must(false, "the endpoint has failed");
}

static const struct net_worker_ops source_ops = {
	.rx_fetch = rx_fetch,
	.rx_done = rx_done,
	.tx_fetch = tx_fetch,
	.tx_done = tx_done,
	.flush = nothing,
	.arm = arm,
	.disarm = nothing,
	.failed = failed,
};

static void source_init(struct source *s, struct loop *loop, bool sends)
{
	memset(s, 0, sizeof(*s));
	net_worker_init(&s->worker, &source_ops, s, loop, &s->pool);
	s->sends = sends;
	for (uint32_t i = 0; i < ARRAY_SIZE(s->metas); i++)
		s->metas[i] = (struct net_tx_meta){
			.id.v = i,
			.n_segs = 1,
			.len = FRAME_LEN,
		};
	while (!sends && s->n_free < BUFS) {
		s->free[s->n_free].v = (uint32_t)s->n_free;
		s->n_free++;
	}
}

/* Runs the loop until @bytes (NULL: never mind) has moved by @frames and it is
 * @until; returns the time at which it moved last. */
static double run(struct loop *loop, const _Atomic uint64_t *bytes,
		  uint64_t target, double until)
{
	uint64_t before = net_stat_get(bytes);
	double moved = seconds();

	while (seconds() < until || net_stat_get(bytes) < target ||
	       net_stat_get(bytes) == before) {
		uint64_t seen = net_stat_get(bytes);

		ev_run(loop->ev, EVRUN_ONCE);
		if (net_stat_get(bytes) != seen)
			moved = seconds();
	}
	return moved;
}

/* From just after a frame to just after another. */
static double measure(struct loop *loop, const _Atomic uint64_t *bytes)
{
	double start, end;
	uint64_t first;

	(void)run(loop, bytes, 0, seconds() + WARM_UP);
	start = run(loop, bytes, 0, seconds());
	first = net_stat_get(bytes);
	end = run(loop, bytes, first + (uint64_t)FRAMES_MIN * FRAME_LEN,
		  seconds() + SECONDS);
	return (double)(net_stat_get(bytes) - first) / (end - start);
}

static void done_cb(void *arg, int err)
{
	must(err == 0, "the endpoint refuses");
	*(bool *)arg = true;
}

/* The deviation of one direction at one rate, in percent. */
static double error_of(const struct rate *rate, bool sends)
{
	const struct token_bucket_config bucket = {
		.size = (uint64_t)(rate->bytes * (double)rate->refill_ms / 1e3),
		.refill_time = rate->refill_ms,
	};
	const struct limiter_config limits = {{.bandwidth = bucket},
					      {.bandwidth = bucket}};
	double limit = (double)bucket.size * 1e3 / (double)rate->refill_ms;
	struct net_queue_config config = {.rx_span = 1};
	struct net_stats stats = {0};
	struct net_endpoint flood, *ep;
	struct net_queue *queue;
	static struct source source;
	struct loop loop;
	bool done = false;
	double seen;

	must(loop_init(&loop) == 0, "loop");
	net_endpoint_init(&flood, &flood_ops, &loop);
	must(limiter_endpoint_create(&flood, &limits, &loop, &ep) == 0,
	     "limiter");
	source_init(&source, &loop, sends);
	config.loop = &loop;
	config.client = &source.worker.client;
	config.stats = &stats;
	must(net_endpoint_get_queues(ep, &config, 1, NULL, &queue, done_cb,
				     &done) == 0,
	     "queue");
	while (!done)
		loop_run_once(&loop);
	net_worker_start(&source.worker, queue);
	seen = measure(&loop, sends ? &stats.tx_bytes : &stats.rx_bytes);
	net_worker_stop(&source.worker);
	net_queue_destroy(queue);
	net_endpoint_destroy(ep);
	loop_fini(&loop);
	(void)printf("%-18s %s  %14.0f bytes/s, %+.3f %%\n", rate->name,
		     sends ? "transmit" : "receive ", seen,
		     100 * (seen / limit - 1));
	(void)fflush(stdout);
	return 100 * fabs(seen / limit - 1);
}

int main(void)
{
	double worst = 0;

	for (size_t i = 0; i < ARRAY_SIZE(rates); i++) {
		worst = fmax(worst, error_of(&rates[i], true));
		worst = fmax(worst, error_of(&rates[i], false));
	}
	(void)printf("result: limiter.error_pct %.3f %%\n", worst);
	return EXIT_SUCCESS;
}
