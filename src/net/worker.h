/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_NET_WORKER_H
#define EVNIC_NET_WORKER_H

/*
 * Worker: the cycle that moves packets between a frontend and a queue, the
 * same for every frontend:
 *
 *   rx_avail -> rx_poll -> tx_avail -> tx_poll -> publish, at most one
 *   interrupt; again while there is work and budget; then arm the kicks, ask
 *   poll_ready, and sleep.
 *
 * Guest kicks are armed only at the point where the loop goes to sleep, and
 * not for transmit while a tail waits (packets that the queue did not take), nor
 * while any are in flight in a queue that completes them quickly: its completion
 * starts the next round.
 * With work left and the budget used up the worker yields to the loop and goes
 * on in its next round. So it does, for a time that one may set, when work has
 * just run out: a guest that has more soon need not kick.
 *
 * The worker counts in the queue's counters what rounds there are and what time
 * they take.
 *
 * Thread: everything on the queue's loop.
 */

#include "net/buffer_access.h"
#include "net/queue.h"

/* Packets in each direction in one round. */
#define NET_WORKER_BUDGET 256
/* Packets between two publishes: bounds the latency within a round. */
#define NET_WORKER_BATCH 64

struct net_worker;

/* What the frontend does in the cycle. @arg is the worker's. */
struct net_worker_ops {
	/* Takes at most @max receive buffers that the guest has made
	 * available; returns how many. */
	size_t (*rx_fetch)(void *arg, struct net_rx_id *ids, size_t max);
	/* Packets have arrived. */
	void (*rx_done)(void *arg, const struct net_rx_packet *packets,
			size_t n);
	/* Takes packets that the guest has made available, as whole packets of
	 * at most @max segments in all (at least NET_TX_SEGS_MAX) and at most
	 * @max_packets; returns the number of segments. */
	size_t (*tx_fetch)(void *arg, struct net_tx_seg *segs, size_t max,
			   size_t max_packets);
	/* Packets are complete. */
	void (*tx_done)(void *arg, const struct net_tx_id *ids, size_t n);
	/* Publishes what was done since the last time, if anything; interrupts
	 * the guest if it wants that. Once for each batch. */
	void (*flush)(void *arg);
	/* Asks the guest for kicks: for receive buffers, and for transmits if
	 * @tx. True: something has become available meanwhile. */
	bool (*arm)(void *arg, bool tx);
	/* No kicks, please. */
	void (*disarm)(void *arg);
	/* The endpoint has failed: TRY_RESTART or FATAL. The last act of a
	 * round; the worker is idle from now on, until it is started again.
	 * The queue is to be destroyed later and not from within, since the
	 * round may have begun in its ready. */
	void (*failed)(void *arg, enum net_tx_error error);
};

/* Embedded by the frontend. The fields belong to worker.c. */
struct net_worker {
	const struct net_worker_ops *ops;
	void *arg;
	struct loop *loop;
	struct net_queue *queue;
	struct net_buffer_access *pool;
	struct net_queue_client client;
	ev_check again;
	ev_idle awake;
	bool running;
	bool failed;
	enum net_tx_error error;
	size_t tail_first, tail_end; /* the segments that wait */
	struct net_tx_seg segs[NET_TX_SEGS_MAX];
	uint64_t rounds, yields;
	uint64_t busy_poll_ns, busy_until_ns;
	bool has_moved; /* since busy_until_ns was set */
	bool fast;	/* completions */
	size_t in_flight;
};

/* Before the queue is made: w->client goes into its configuration. */
void net_worker_init(struct net_worker *w, const struct net_worker_ops *ops,
		     void *arg, struct loop *loop,
		     struct net_buffer_access *pool);

/* Has the worker poll for @ns more nanoseconds after the last packet before it
 * asks for kicks and lets the loop sleep. 0, as after init: not at all. */
void net_worker_set_busy_poll(struct net_worker *w, uint64_t ns);

/* Says that the queue completes packets quickly: while it has some, the guest
 * need not kick for more. Not so after init. */
void net_worker_set_fast_completions(struct net_worker *w, bool fast);

/* Begins the cycle with @queue, on the loop, which does the first round: the
 * available buffers are given to the queue, then it is polled. Nothing is
 * called before this returns. */
void net_worker_start(struct net_worker *w, struct net_queue *queue);

/* The guest has kicked. */
void net_worker_kick(struct net_worker *w);

/* The first packet of the tail: the queue has taken those before it, and not
 * this one or those after it. False: there is no tail. */
bool net_worker_tail(const struct net_worker *w, struct net_tx_id *first);

/* Ends the cycle, on the loop; the caller destroys the queue. Forgets the tail:
 * the frontend knows the packets and offers them to its next queue. */
void net_worker_stop(struct net_worker *w);

#endif
