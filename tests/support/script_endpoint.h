/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_TESTS_SUPPORT_SCRIPT_ENDPOINT_H
#define EVNIC_TESTS_SUPPORT_SCRIPT_ENDPOINT_H

/*
 * An endpoint that does what a test tells it.
 *
 * Untouched it behaves well: it takes every packet and completes it at once,
 * and records the bytes; nothing arrives. A test steers it through the fields
 * and the functions below.
 *
 * Thread: the endpoint's on the control loop, a queue's on the queue's loop.
 */

#include "net/endpoint.h"
#include "net/rx_fifo.h"

#define SCRIPT_QUEUES_MAX 8
#define SCRIPT_IDS_MAX	  4096

/* When a packet that was taken is complete. */
enum script_tx {
	SCRIPT_TX_NOW,	/* tx_avail says so */
	SCRIPT_TX_SOON, /* the next tx_poll names it */
	SCRIPT_TX_HELD, /* after script_queue_complete() */
};

struct script_frame;
struct script_frames {
	struct script_frame *first, *last;
};

/* Steering: @tx: see above. @tx_room: packets that it takes before it pushes
 * back; counts down; SIZE_MAX: no limit. @tx_err, @rx_err: tx_avail and rx_poll
 * fail with this, once; 0: no. @tx_poll_err: likewise. @rx_meta: said of the
 * frames that arrive. @rx_header: they begin with a virtio-net header, which is
 * written with them.
 *
 * Records: calls of each op, @given: buffers ever given, @dropped: frames that
 * could not be written. */
struct script_queue {
	struct net_queue base;
	enum script_tx tx;
	size_t tx_room;
	int tx_err, rx_err;
	enum net_tx_error tx_poll_err;
	struct net_rx_meta rx_meta;
	bool rx_header;

	unsigned int n_poll_ready, n_rx_avail, n_rx_poll, n_tx_avail, n_tx_poll;
	size_t given;
	unsigned int dropped;
	uint32_t target_vp;

	struct net_rx_fifo fifo;
	struct script_frames sent, arriving;
	struct net_tx_id flying[SCRIPT_IDS_MAX], complete[SCRIPT_IDS_MAX];
	size_t n_flying, n_complete;
	bool armed, starved;
	bool refused; /* since then there was no room for transmits */
	ev_timer wake;
	struct net_buffer_access *kept;
	struct script_queue **self; /* where the endpoint has it */
};

/* Steering: @hold: get_queues and stop are answered by
 * script_endpoint_answer() only. @get_queues_err: get_queues fails with this
 * after @fail_after queues were made. The others: what the endpoint says
 * about itself, for the ops that a script can vary.
 *
 * Records: calls; @rss: the last one given (its arrays are the caller's);
 * @queues: those that live (NULL otherwise). */
struct script_endpoint {
	struct net_endpoint base;
	bool hold;
	int get_queues_err;
	size_t fail_after;
	bool ordered, vnet_hdr, fast, link_up;
	uint64_t link_speed;
	struct net_tx_offloads tx_offloads;
	struct net_rx_offloads rx_offloads;
	struct net_multiqueue multiqueue;
	enum script_tx tx; /* of queues to come */

	unsigned int n_get_queues, n_stop;
	struct net_rss_config rss;
	bool answer_waits;
	struct script_queue *queues[SCRIPT_QUEUES_MAX];
};

/* 0 or -ENOMEM. net_endpoint_destroy() of &(*out)->base frees it. */
int script_endpoint_create(struct loop *loop,
			   struct script_endpoint **out) MUST_CHECK;

/* An endpoint with the defaults of the wrappers: nothing optional. */
int script_endpoint_create_bare(struct loop *loop,
				struct script_endpoint **out) MUST_CHECK;

/* Answers the request that is held. */
void script_endpoint_answer(struct script_endpoint *ep, int err);

static inline struct script_queue *script_queue_of(struct net_queue *queue)
{
	return container_of(queue, struct script_queue, base);
}

/* A frame arrives. 0 or -ENOMEM. */
int script_queue_arrive(struct script_queue *q, const void *bytes,
			size_t len) MUST_CHECK;

/* The oldest frame that was sent (with its virtio-net header, if it has one):
 * its bytes to @buf and its metadata to @meta (may be NULL). Returns the
 * length, or -EAGAIN. */
ssize_t script_queue_take(struct script_queue *q, void *buf, size_t size,
			  struct net_tx_meta *meta);

/* Packets that are in flight: completes the @at-th oldest. */
void script_queue_complete(struct script_queue *q, size_t at);

/* Room for @n packets more. */
void script_queue_grant(struct script_queue *q, size_t n);

/* Tells the client that it should poll, if it waits. */
void script_queue_wake(struct script_queue *q);

/* Uses the pool of an earlier call, as a faulty backend would. Returns what
 * writing said. */
int script_queue_use_kept_pool(struct script_queue *q);

#endif
