/* SPDX-License-Identifier: MIT */
/*
 * Rate limiter: a queue around a queue that lets through what the NIC's buckets
 * pay for.
 *
 * Transmit: of the packets offered, those go on that find a token in both of
 * the direction's buckets; what is left is the frontend's tail, as under any
 * back-pressure. Receive: the inner queue is polled as long as there are tokens,
 * for as few frames as might cost more than there are; frames are paid for when
 * they have come. A packet may leave a bucket in debt (net/token_bucket.h).
 *
 * States of a direction: free, or held (it has run out of tokens). A held queue
 * wakes its client by a timer when the debt should be paid. Such timers are late;
 * a direction that was held is behind until its client has nothing more to do,
 * and what the buckets could not hold meanwhile is not lost to it.
 *
 * While receive is held the inner queue is not asked whether it is ready: it
 * would say yes for frames that must wait. Its transmits are looked after by the
 * timer meanwhile. Limits may change at any time and from another thread, so no
 * sleep is long.
 */
#include "backends/limiter.h"

#include "net/packet.h"
#include "net/wrapper.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#define NS_PER_SEC 1e9
/* The longest sleep of a queue that is held: it looks for new limits then. */
#define SLEEP_MAX_NS 50000000ULL
/* And while the inner queue cannot say that a transmit has moved. */
#define SLEEP_SHORT_NS 1000000ULL

struct limit {
	struct token_bucket bytes, packets;
};

struct limiter {
	struct limit rx, tx;
	struct net_wrapper wrapper;
	struct limiter_config config;
	limiter_clock_fn clock;
};

/* @client: of the inner queue. @armed: the frontend waits to be told. @late: the
 * inner queue completes packets later, or has pushed back. */
struct limiter_queue {
	struct net_wrapper_queue wrapper;
	struct limiter *limiter;
	struct net_queue_client client;
	ev_timer timer;
	bool armed;
	bool rx_held, tx_held;
	bool rx_behind, tx_behind;
	bool late;
};

static struct limiter *limiter_of(struct net_wrapper *w)
{
	return container_of(w, struct limiter, wrapper);
}

static struct limiter_queue *queue_of(struct net_queue *queue)
{
	return container_of(queue, struct limiter_queue, wrapper.base);
}

static uint64_t monotonic_ns(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static bool is_limited(struct limit *limit)
{
	return token_bucket_is_limited(&limit->bytes) ||
	       token_bucket_is_limited(&limit->packets);
}

static uint64_t limit_wait(struct limit *limit, uint64_t now)
{
	return MAX(token_bucket_wait(&limit->bytes, now),
		   token_bucket_wait(&limit->packets, now));
}

static void limit_take(struct limit *limit, uint64_t bytes, uint64_t packets,
		       uint64_t now, bool waited)
{
	token_bucket_take(&limit->bytes, bytes, now, waited);
	token_bucket_take(&limit->packets, packets, now, waited);
}

static void wake(struct limiter_queue *q)
{
	struct net_queue_client *client = q->wrapper.base.config.client;

	if (!q->armed)
		return;
	q->armed = false;
	ev_timer_stop(q->wrapper.base.config.loop->ev, &q->timer);
	client->ready(client);
}

static void inner_ready(struct net_queue_client *client)
{
	wake(container_of(client, struct limiter_queue, client));
}

static void timer_cb(struct ev_loop *ev, ev_timer *w, int revents)
{
	UNUSED(ev);
	UNUSED(revents);
	wake(container_of(w, struct limiter_queue, timer));
}

static void arm(struct limiter_queue *q, uint64_t wait_ns)
{
	struct ev_loop *ev = q->wrapper.base.config.loop->ev;

	q->armed = true;
	ev_timer_stop(ev, &q->timer);
	if (!wait_ns)
		return;
	ev_timer_set(&q->timer, (double)wait_ns / NS_PER_SEC, 0);
	ev_timer_start(ev, &q->timer);
}

/* Until one of the directions that are held should go on; 0: now. */
static uint64_t time_to_sleep(struct limiter_queue *q, uint64_t rx_wait,
			      uint64_t tx_wait)
{
	uint64_t ns = SLEEP_MAX_NS;

	if (q->rx_held)
		ns = MIN(ns, rx_wait);
	if (q->tx_held)
		ns = MIN(ns, tx_wait);
	if (q->rx_held && q->late)
		ns = MIN(ns, SLEEP_SHORT_NS);
	return ns;
}

static void hold_rx(struct limiter_queue *q)
{
	q->rx_held = true;
	q->rx_behind = true;
}

static void hold_tx(struct limiter_queue *q)
{
	if (!q->tx_held)
		net_stat_add(&q->wrapper.base.stats->tx_throttled, 1);
	q->tx_held = true;
	q->tx_behind = true;
}

static bool queue_poll_ready(struct net_queue *queue,
			     struct net_buffer_access *pool)
{
	struct limiter_queue *q = queue_of(queue);
	uint64_t now, ns = 0;

	q->rx_behind = q->rx_held;
	q->tx_behind = q->tx_held;
	if (q->rx_held || q->tx_held) {
		now = q->limiter->clock();
		ns = time_to_sleep(q, limit_wait(&q->limiter->rx, now),
				   limit_wait(&q->limiter->tx, now));
		if (!ns)
			return true;
	}
	if (!q->rx_held && net_wrapper_poll_ready(queue, pool))
		return true;
	arm(q, ns);
	return false;
}

/* How many frames may be asked for at a time: as many as the tokens would pay
 * for if they were as large as they can be. */
static size_t rx_chunk(struct limit *limit, uint64_t now, bool waited,
		       size_t max)
{
	uint64_t bytes = token_bucket_available(&limit->bytes, now, waited);
	uint64_t packets = token_bucket_available(&limit->packets, now, waited);
	uint64_t chunk = MIN(packets, bytes / NET_FRAME_MAX);

	if (!bytes || !packets)
		return 0;
	return (size_t)MIN(MAX(chunk, (uint64_t)1), (uint64_t)max);
}

/* Frames that a wrapper has dropped cost nothing. */
static void rx_pay(struct limit *limit, const struct net_rx_packet *packets,
		   size_t n, uint64_t now, bool waited)
{
	uint64_t bytes = 0, count = 0;

	for (size_t i = 0; i < n; i++) {
		bytes += packets[i].meta.len;
		count += packets[i].meta.len != 0;
	}
	limit_take(limit, bytes, count, now, waited);
}

static int rx_poll_limited(struct limiter_queue *q,
			   struct net_buffer_access *pool,
			   struct net_rx_packet *out, size_t max, size_t *n)
{
	struct net_queue *queue = &q->wrapper.base;
	struct limit *limit = &q->limiter->rx;
	uint64_t now = q->limiter->clock();
	size_t chunk, got;
	int err = 0;

	do {
		chunk = rx_chunk(limit, now, q->rx_behind, max - *n);
		if (!chunk) {
			hold_rx(q);
			break;
		}
		err = net_wrapper_rx_poll(queue, pool, out + *n, chunk, &got);
		rx_pay(limit, out + *n, got, now, q->rx_behind);
		net_stat_add(&queue->stats->rx_throttled, q->rx_held && got);
		q->rx_held = false;
		*n += got;
	} while (!err && got == chunk && *n < max);
	return err;
}

static int queue_rx_poll(struct net_queue *queue,
			 struct net_buffer_access *pool,
			 struct net_rx_packet *out, size_t max, size_t *n)
{
	struct limiter_queue *q = queue_of(queue);

	if (is_limited(&q->limiter->rx)) {
		*n = 0;
		return rx_poll_limited(q, pool, out, max, n);
	}
	q->rx_held = false;
	return net_wrapper_rx_poll(queue, pool, out, max, n);
}

/* The segments of the first packets that the tokens pay for. */
static size_t tx_affordable(struct limit *limit, const struct net_tx_seg *segs,
			    size_t n, uint64_t now, bool waited)
{
	uint64_t bytes = token_bucket_available(&limit->bytes, now, waited);
	uint64_t packets = token_bucket_available(&limit->packets, now, waited);
	size_t i = 0;

	while (i < n && bytes && packets) {
		const struct net_tx_meta *meta = segs[i].meta;

		bytes -= MIN(bytes, (uint64_t)meta->len);
		packets--;
		i += meta->n_segs;
	}
	return MIN(i, n);
}

/* Pays for the packets of @segs. */
static void tx_pay(struct limit *limit, const struct net_tx_seg *segs, size_t n,
		   uint64_t now, bool waited)
{
	uint64_t bytes = 0, packets = 0;

	for (size_t i = 0; i < n; i += segs[i].meta->n_segs, packets++)
		bytes += segs[i].meta->len;
	limit_take(limit, bytes, packets, now, waited);
}

static int tx_avail_limited(struct limiter_queue *q,
			    struct net_buffer_access *pool,
			    const struct net_tx_seg *segs, size_t n,
			    struct net_tx_taken *taken)
{
	struct limit *limit = &q->limiter->tx;
	uint64_t now = q->limiter->clock();
	size_t part = tx_affordable(limit, segs, n, now, q->tx_behind);
	int err;

	if (!part) {
		*taken = (struct net_tx_taken){0};
		hold_tx(q);
		return 0;
	}
	err = net_wrapper_tx_avail(&q->wrapper.base, pool, segs, part, taken);
	if (err < 0)
		return err;
	q->late |= taken->n_segs < part || !taken->completed;
	tx_pay(limit, segs, taken->n_segs, now, q->tx_behind);
	if (taken->n_segs)
		q->tx_held = false;
	if (taken->n_segs == part && part < n)
		hold_tx(q);
	return 0;
}

static int queue_tx_avail(struct net_queue *queue,
			  struct net_buffer_access *pool,
			  const struct net_tx_seg *segs, size_t n,
			  struct net_tx_taken *taken)
{
	struct limiter_queue *q = queue_of(queue);
	int err;

	if (is_limited(&q->limiter->tx))
		return tx_avail_limited(q, pool, segs, n, taken);
	q->tx_held = false;
	err = net_wrapper_tx_avail(queue, pool, segs, n, taken);
	q->late |= taken->n_segs < n || !taken->completed;
	return err;
}

static void inspect_limit(struct inspect *in, const char *name,
			  const struct limiter_direction *d)
{
	inspect_begin(in, name);
	inspect_u64(in, "bandwidth_size", d->bandwidth.size);
	inspect_u64(in, "bandwidth_refill_time", d->bandwidth.refill_time);
	inspect_u64(in, "ops_size", d->ops.size);
	inspect_u64(in, "ops_refill_time", d->ops.refill_time);
	inspect_end(in);
}

static void queue_inspect(struct net_queue *queue, struct inspect *in)
{
	const struct limiter_queue *q = queue_of(queue);

	inspect_bool(in, "rx_held", q->rx_held);
	inspect_bool(in, "tx_held", q->tx_held);
	net_wrapper_queue_inspect(queue, in);
}

static void queue_destroy(struct net_queue *queue)
{
	struct limiter_queue *q = queue_of(queue);

	ev_timer_stop(queue->config.loop->ev, &q->timer);
	net_wrapper_queue_fini(&q->wrapper);
	free(q);
}

static const struct net_queue_ops queue_ops = {
	.poll_ready = queue_poll_ready,
	.rx_avail = net_wrapper_rx_avail,
	.rx_poll = queue_rx_poll,
	.tx_avail = queue_tx_avail,
	.destroy = queue_destroy,
	.tx_poll = net_wrapper_tx_poll,
	.inspect = queue_inspect,
	.update_target_vp = net_wrapper_update_target_vp,
};

static int make_queue(struct net_wrapper *w,
		      const struct net_queue_config *config, size_t index,
		      struct net_queue_config *inner_config,
		      struct net_wrapper_queue **out)
{
	struct limiter_queue *q = calloc(1, sizeof(*q));

	UNUSED(index);
	if (!q)
		return -ENOMEM;
	net_queue_init(&q->wrapper.base, &queue_ops, &w->base, config);
	q->limiter = limiter_of(w);
	q->client.ready = inner_ready;
	ev_timer_init(&q->timer, timer_cb, 0, 0);
	inner_config->client = &q->client;
	inner_config->stats = q->wrapper.base.stats;
	*out = &q->wrapper;
	return 0;
}

static void release(struct net_wrapper *w)
{
	free(limiter_of(w));
}

static void limiter_inspect(const struct net_endpoint *ep, struct inspect *in)
{
	struct limiter_config config;

	limiter_get(ep, &config);
	inspect_limit(in, "rx", &config.rx);
	inspect_limit(in, "tx", &config.tx);
	net_wrapper_inspect(ep, in);
}

static const struct net_endpoint_ops endpoint_ops = {
	.type = "limiter",
	NET_WRAPPER_PASSES_ON,
	.vnet_hdr = net_wrapper_vnet_hdr,
	.tx_offload_support = net_wrapper_tx_offload_support,
	.inspect = limiter_inspect,
};

static const struct net_wrapper_ops wrapper_ops = {
	.make = make_queue,
	.release = release,
};

static bool direction_ok(const struct limiter_direction *d)
{
	return token_bucket_config_ok(&d->bandwidth) &&
	       token_bucket_config_ok(&d->ops);
}

static void limit_init(struct limit *limit)
{
	token_bucket_init(&limit->bytes);
	token_bucket_init(&limit->packets);
}

static void limit_configure(struct limit *limit,
			    const struct limiter_direction *d, uint64_t now)
{
	token_bucket_configure(&limit->bytes, &d->bandwidth, now);
	token_bucket_configure(&limit->packets, &d->ops, now);
}

int limiter_set(struct net_endpoint *ep, const struct limiter_config *config)
{
	struct limiter *limiter = limiter_of(net_wrapper_of(ep));
	uint64_t now = limiter->clock();

	if (!direction_ok(&config->rx) || !direction_ok(&config->tx))
		return -EINVAL;
	limiter->config = *config;
	limit_configure(&limiter->rx, &config->rx, now);
	limit_configure(&limiter->tx, &config->tx, now);
	return 0;
}

void limiter_get(const struct net_endpoint *ep, struct limiter_config *config)
{
	const struct limiter *limiter =
		container_of_const(ep, struct limiter, wrapper.base);

	*config = limiter->config;
}

int limiter_endpoint_create_with_clock(struct net_endpoint *inner,
				       const struct limiter_config *config,
				       struct loop *loop,
				       limiter_clock_fn clock,
				       struct net_endpoint **out)
{
	struct limiter *limiter;

	if (!direction_ok(&config->rx) || !direction_ok(&config->tx))
		return -EINVAL;
	limiter = aligned_alloc(_Alignof(struct limiter), sizeof(*limiter));
	if (!limiter)
		return -ENOMEM;
	limit_init(&limiter->rx);
	limit_init(&limiter->tx);
	limiter->clock = clock;
	net_wrapper_init(&limiter->wrapper, &endpoint_ops, &wrapper_ops, loop,
			 inner);
	*out = &limiter->wrapper.base;
	return limiter_set(*out, config);
}

int limiter_endpoint_create(struct net_endpoint *inner,
			    const struct limiter_config *config,
			    struct loop *loop, struct net_endpoint **out)
{
	return limiter_endpoint_create_with_clock(inner, config, loop,
						  monotonic_ns, out);
}
