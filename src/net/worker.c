/* SPDX-License-Identifier: MIT */
/*
 * Worker: the cycle between a frontend and a queue.
 *
 * States: idle (not started, stopped, or failed), asleep (kicks and the queue
 * are armed), awake (within a round), yielded (an idle watcher will start the
 * next round). It starts yielded. A kick or the queue's ready starts a round; a
 * round ends asleep, yielded or failed:
 *
 *   round: disarm kicks; repeat batches until nothing moves or the budget is
 *   used up. Nothing moved: arm kicks, then arm the queue by poll_ready; if
 *   either says that there is work after all, yield. Both checks come after
 *   the arming, so that no wake-up is lost. Until a busy poll is over kicks
 *   stay disarmed and the round ends yielded.
 *
 * Yielding uses a check watcher: it runs once in each round of the loop, after
 * the loop has looked at all file descriptors, however many have something. (A
 * watcher that feeds itself would never let the loop look again.) An idle
 * watcher does nothing but keep the loop from sleeping.
 */
#include "net/worker.h"

#include "base/util.h"

#include <string.h>
#include <time.h>

/* What a batch has moved, in packets. */
struct moved {
	size_t received, taken, completed;
};

/* The frontend hears of it when the round ends. */
static void fail(struct net_worker *w, enum net_tx_error error)
{
	w->failed = true;
	w->error = error;
}

/* What the guest has made available goes to the queue, as much as a round may
 * use; arming says if there is more. */
static void give_buffers(struct net_worker *w)
{
	struct net_rx_id ids[NET_WORKER_BATCH];
	size_t n, total = 0;

	do {
		n = w->ops->rx_fetch(w->arg, ids, ARRAY_SIZE(ids));
		if (n)
			net_queue_rx_avail(w->queue, w->pool, ids, n);
		total += n;
	} while (n == ARRAY_SIZE(ids) && total < NET_WORKER_BUDGET);
}

static size_t receive(struct net_worker *w)
{
	struct net_rx_packet packets[NET_WORKER_BATCH];
	size_t n;

	if (net_queue_rx_poll(w->queue, w->pool, packets, ARRAY_SIZE(packets),
			      &n) < 0)
		fail(w, NET_TX_TRY_RESTART);
	if (n)
		w->ops->rx_done(w->arg, packets, n);
	return n;
}

/* The ids of the packets in @segs, which are no more than were asked of
 * tx_fetch. Returns how many. */
static size_t packet_ids(const struct net_tx_seg *segs, size_t n_segs,
			 struct net_tx_id ids[NET_WORKER_BATCH])
{
	size_t n = 0;

	for (size_t i = 0; i < n_segs && n < NET_WORKER_BATCH; i++) {
		if (segs[i].type == NET_TX_HEAD)
			ids[n++] = segs[i].meta->id;
	}
	return n;
}

static bool has_tail(const struct net_worker *w)
{
	return w->tail_first < w->tail_end;
}

/* Offers the tail, or else what the guest has made available. */
static void transmit(struct net_worker *w, struct moved *moved)
{
	struct net_tx_id ids[NET_WORKER_BATCH];
	struct net_tx_taken taken;
	const struct net_tx_seg *segs;

	if (!has_tail(w)) {
		w->tail_first = 0;
		w->tail_end = 0;
		w->tail_end = w->ops->tx_fetch(
			w->arg, w->segs, ARRAY_SIZE(w->segs), NET_WORKER_BATCH);
		if (!has_tail(w))
			return;
	}
	segs = &w->segs[w->tail_first];
	if (net_queue_tx_avail(w->queue, w->pool, segs,
			       w->tail_end - w->tail_first, &taken) < 0) {
		fail(w, NET_TX_TRY_RESTART);
		return;
	}
	w->tail_first += taken.n_segs;
	moved->taken = packet_ids(segs, taken.n_segs, ids);
	w->in_flight += moved->taken;
	if (!moved->taken || !taken.completed)
		return;
	w->in_flight -= moved->taken;
	moved->completed = moved->taken;
	w->ops->tx_done(w->arg, ids, moved->taken);
}

static void collect_completions(struct net_worker *w, struct moved *moved)
{
	struct net_tx_id ids[NET_WORKER_BATCH];
	enum net_tx_error err;
	size_t n;

	err = net_queue_tx_poll(w->queue, w->pool, ids, ARRAY_SIZE(ids), &n);
	if (n)
		w->ops->tx_done(w->arg, ids, n);
	moved->completed += n;
	w->in_flight -= MIN(n, w->in_flight);
	if (err != NET_TX_OK)
		fail(w, err);
}

/* One batch in each direction and one flush: a frontend that drops a packet has
 * something to publish though nothing has moved. */
static struct moved batch(struct net_worker *w)
{
	struct moved moved = {0};

	give_buffers(w);
	moved.received = receive(w);
	if (!w->failed)
		transmit(w, &moved);
	if (!w->failed)
		collect_completions(w, &moved);
	w->ops->flush(w->arg);
	return moved;
}

/* Batches until nothing moves (true) or the budget is used up (false). */
static bool drain(struct net_worker *w)
{
	struct moved now, sum = {0};

	do {
		now = batch(w);
		if (!now.received && !now.taken && !now.completed)
			return true;
		w->has_moved = true;
		sum.received += now.received;
		sum.taken += now.taken;
		sum.completed += now.completed;
	} while (!w->failed && sum.received < NET_WORKER_BUDGET &&
		 sum.taken < NET_WORKER_BUDGET &&
		 sum.completed < NET_WORKER_BUDGET);
	return false;
}

static void yield_start(struct net_worker *w)
{
	ev_check_start(w->loop->ev, &w->again);
	ev_idle_start(w->loop->ev, &w->awake);
}

static void yield_stop(struct net_worker *w)
{
	ev_check_stop(w->loop->ev, &w->again);
	ev_idle_stop(w->loop->ev, &w->awake);
}

static void yield(struct net_worker *w)
{
	w->yields++;
	yield_start(w);
}

static uint64_t now_ns(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* Whether to poll on instead of asking for kicks. */
static bool polls_on(struct net_worker *w)
{
	uint64_t now;

	if (!w->busy_poll_ns)
		return false;
	now = now_ns();
	if (w->has_moved)
		w->busy_until_ns = now + w->busy_poll_ns;
	w->has_moved = false;
	return now < w->busy_until_ns;
}

/* Could the guest help by a kick for transmits? */
static bool wants_tx_kick(const struct net_worker *w)
{
	return !has_tail(w) && !(w->fast && w->in_flight);
}

static void do_round(struct net_worker *w)
{
	bool drained, more;

	w->ops->disarm(w->arg);
	drained = drain(w);
	if (w->failed) {
		w->ops->failed(w->arg, w->error);
		return;
	}
	if (!drained) {
		yield(w);
		return;
	}
	more = polls_on(w) || w->ops->arm(w->arg, wants_tx_kick(w));
	if (net_queue_poll_ready(w->queue, w->pool) || more)
		yield(w);
}

static void run_round(struct net_worker *w, bool kicked)
{
	struct net_stats *stats;
	uint64_t start;

	if (!w->running || w->failed)
		return;
	yield_stop(w);
	w->rounds++;
	stats = w->queue->stats;
	start = now_ns();
	do_round(w);
	net_stat_add(&stats->loop_busy_ns, now_ns() - start);
	if (!kicked)
		net_stat_add(&stats->kicks_suppressed, 1);
}

static void ready_cb(struct net_queue_client *client)
{
	run_round(container_of(client, struct net_worker, client), false);
}

static void again_cb(struct ev_loop *ev, ev_check *check, int revents)
{
	UNUSED(ev);
	UNUSED(revents);
	run_round(container_of(check, struct net_worker, again), false);
}

static void awake_cb(struct ev_loop *ev, ev_idle *idle, int revents)
{
	UNUSED(ev);
	UNUSED(idle);
	UNUSED(revents);
}

void net_worker_init(struct net_worker *w, const struct net_worker_ops *ops,
		     void *arg, struct loop *loop,
		     struct net_buffer_access *pool)
{
	memset(w, 0, sizeof(*w));
	w->ops = ops;
	w->arg = arg;
	w->loop = loop;
	w->pool = pool;
	w->client.ready = ready_cb;
	ev_check_init(&w->again, again_cb);
	ev_set_priority(&w->again, EV_MAXPRI);
	ev_idle_init(&w->awake, awake_cb);
}

void net_worker_set_busy_poll(struct net_worker *w, uint64_t ns)
{
	w->busy_poll_ns = ns;
}

void net_worker_set_fast_completions(struct net_worker *w, bool fast)
{
	w->fast = fast;
}

void net_worker_start(struct net_worker *w, struct net_queue *queue)
{
	w->queue = queue;
	w->failed = false;
	w->running = true;
	w->tail_first = 0;
	w->tail_end = 0;
	w->in_flight = 0;
	yield_start(w);
}

void net_worker_kick(struct net_worker *w)
{
	if (!ev_is_active(&w->again))
		run_round(w, true);
}

bool net_worker_tail(const struct net_worker *w, struct net_tx_id *first)
{
	if (!has_tail(w))
		return false;
	*first = w->segs[w->tail_first].meta->id;
	return true;
}

void net_worker_stop(struct net_worker *w)
{
	w->running = false;
	w->tail_first = 0;
	w->tail_end = 0;
	yield_stop(w);
}
