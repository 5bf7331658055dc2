/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_NET_QUEUE_H
#define EVNIC_NET_QUEUE_H

/*
 * Queue: one receive path and one transmit path of an endpoint.
 *
 * Thread: made by the endpoint on the control loop; from then on every op, and
 * destroy, is called on the loop of its configuration, and the queue touches
 * that loop only from within its ops. Ops never block, never run the loop,
 * never call back into the frontend except through the pool they were given.
 *
 * Receive: the frontend gives buffers with rx_avail, the queue fills them in
 * the order given and returns packets from rx_poll. What has not come back
 * from rx_poll when the queue is destroyed is the frontend's again.
 *
 * Transmit: tx_avail takes whole packets from the front of the list; what it
 * does not take (back-pressure) stays with the frontend, which offers it again
 * when the queue is ready. A packet is completed either at once, for all that
 * one call took, or later and exactly once by tx_poll.
 */

#include "base/inspect.h"
#include "base/loop.h"
#include "net/buffer_access.h"
#include "net/stats.h"
#include "net/types.h"

struct net_queue;
struct net_endpoint;

/* Who drives a queue. @ready: "poll me"; called from the loop, never from
 * within an op, at most once for each poll_ready that said false, when something
 * has come from outside. What the client's own ops have brought about is not
 * told: it polls after them anyway. The queue touches nothing after calling. */
struct net_queue_client {
	void (*ready)(struct net_queue_client *client);
};

/* @loop, @client: borrowed for the life of the queue. @target_vp: the vCPU
 * that the queue serves, a hint. @vnet_hdr: frames carry a virtio-net header
 * both ways (only if the endpoint's vnet_hdr() says so). @rx_span: the most
 * buffers for one packet, at least 1. @rx_offloads: what the frontend takes.
 * @stats: where the queue counts, borrowed; NULL: in itself, lost with it.
 * @nic: the NIC's name for messages, borrowed; NULL: it has none. */
struct net_queue_config {
	const char *nic;
	struct loop *loop;
	struct net_queue_client *client;
	uint32_t target_vp;
	bool vnet_hdr;
	uint16_t rx_span;
	struct net_rx_offloads rx_offloads;
	struct net_stats *stats;
};

/* What tx_avail did. @n_segs: segments taken, a whole number of packets.
 * @completed: the packets taken are complete; tx_poll will not name them. */
struct net_tx_taken {
	size_t n_segs;
	bool completed;
};

/* What a backend implements; called through the functions below. */
struct net_queue_ops {
	bool (*poll_ready)(struct net_queue *queue,
			   struct net_buffer_access *pool);
	void (*rx_avail)(struct net_queue *queue,
			 struct net_buffer_access *pool,
			 const struct net_rx_id *ids, size_t n);
	int (*rx_poll)(struct net_queue *queue, struct net_buffer_access *pool,
		       struct net_rx_packet *out, size_t max, size_t *n);
	int (*tx_avail)(struct net_queue *queue, struct net_buffer_access *pool,
			const struct net_tx_seg *segs, size_t n,
			struct net_tx_taken *taken);
	void (*destroy)(struct net_queue *queue);
	/* Optional: a queue whose packets are all complete at once has none. */
	enum net_tx_error (*tx_poll)(struct net_queue *queue,
				     struct net_buffer_access *pool,
				     struct net_tx_id *out, size_t max,
				     size_t *n);
	/* Optional. */
	void (*inspect)(struct net_queue *queue, struct inspect *in);
	void (*update_target_vp)(struct net_queue *queue, uint32_t vp);
};

#ifndef NDEBUG
/* The pool that a queue sees in debug builds: it passes calls on to @pool
 * while an op runs and refuses them afterwards. */
struct net_pool_lease {
	struct net_buffer_access base;
	struct net_buffer_access *pool;
};

/* Uses of expired pools so far, in the whole process. */
uint64_t net_pool_expired_uses(void);
#endif

/* Embedded in a backend's queue, which fills it with net_queue_init(). The
 * fields are for the backend to read; *@stats is for it to write. */
struct net_queue {
	const struct net_queue_ops *ops;
	struct net_endpoint *endpoint;
	struct net_queue_config config;
	struct net_stats *stats;
	struct net_stats own_stats;
#ifndef NDEBUG
	struct net_pool_lease lease;
#endif
};

/* For the backend: at creation, in its get_queues. */
void net_queue_init(struct net_queue *queue, const struct net_queue_ops *ops,
		    struct net_endpoint *endpoint,
		    const struct net_queue_config *config);

/* May there be something for rx_poll, or room for tx_avail, or something for
 * tx_poll? The real I/O may happen in here. False: armed, client->ready will be
 * called once there is. True: nothing is armed. */
bool net_queue_poll_ready(struct net_queue *queue,
			  struct net_buffer_access *pool);

/* Gives buffers to the queue. Before the first poll too. A backend never says
 * no: it holds what it is given. */
void net_queue_rx_avail(struct net_queue *queue, struct net_buffer_access *pool,
			const struct net_rx_id *ids, size_t n);

/* Writes at most @max received packets to @out, their number to *@n. 0, or
 * -errno: the endpoint has failed, restart it. */
int net_queue_rx_poll(struct net_queue *queue, struct net_buffer_access *pool,
		      struct net_rx_packet *out, size_t max,
		      size_t *n) MUST_CHECK;

/* Offers packets: @segs holds whole packets, as net_packet_count() checks. 0
 * and *@taken, or -errno: the endpoint has failed; nothing was taken. A packet
 * that cannot be sent (bad address, too long) is taken, counted and completed:
 * it never stops the queue. */
int net_queue_tx_avail(struct net_queue *queue, struct net_buffer_access *pool,
		       const struct net_tx_seg *segs, size_t n,
		       struct net_tx_taken *taken) MUST_CHECK;

/* Writes at most @max ids of packets that have been completed since, their
 * number to *@n. */
enum net_tx_error net_queue_tx_poll(struct net_queue *queue,
				    struct net_buffer_access *pool,
				    struct net_tx_id *out, size_t max,
				    size_t *n) MUST_CHECK;

/* A hint: interrupts of this queue go to vCPU @vp now. */
void net_queue_update_target_vp(struct net_queue *queue, uint32_t vp);

/* Says what the queue is and how it is. On its loop. */
void net_queue_inspect(struct net_queue *queue, struct inspect *in);

const struct net_stats *net_queue_stats(const struct net_queue *queue);

/* Ends the queue: stops its watchers, forgets its buffers, frees it. On its
 * loop, not from within an op. */
void net_queue_destroy(struct net_queue *queue);

#endif
