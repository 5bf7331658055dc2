/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_VIRTIO_NET_PAIR_H
#define EVNIC_VIRTIO_NET_PAIR_H

/*
 * A queue pair of virtio-net: a receive and a transmit ring, and the worker
 * that moves packets between them and an endpoint's queue.
 *
 * Two threads: functions marked [control] are called on the control loop, and
 * so are the owner's; all the rest happens on the pair's loop.
 *
 * States: idle -> (start) -> ready -> (begin .. began) -> running -> (end ..
 * ended) -> ready -> begin again, or (finish) -> idle. The rings keep their
 * positions from start to finish, whatever queues come and go.
 */

#include "net/endpoint.h"
#include "net/worker.h"
#include "virtio/net_rx.h"
#include "virtio/net_tx.h"

struct virtio_net_pair;

/* Why a pair cannot go on. */
enum virtio_net_trouble {
	VIRTIO_NET_TRY_RESTART, /* it needs another endpoint queue */
	VIRTIO_NET_FATAL,	/* no other queue would help */
	VIRTIO_NET_BROKEN_RX,	/* the guest has broken the receive ring, */
	VIRTIO_NET_BROKEN_TX,	/* or the transmit ring */
};

/* How a pair tells its owner. [control] */
struct virtio_net_pair_ops {
	void (*began)(struct virtio_net_pair *pair);
	void (*ended)(struct virtio_net_pair *pair);
	/* At most once between begin and ended, and not after ended. @what:
	 * for messages. */
	void (*trouble)(struct virtio_net_pair *pair,
			enum virtio_net_trouble trouble, const char *what);
	/* The filter is in force. */
	void (*told)(struct virtio_net_pair *pair);
	/* pair->tree is filled; it is the owner's again. */
	void (*looked)(struct virtio_net_pair *pair);
};

/* @command, @look, @event: the messages to the pair's loop and back, and those
 * of their own accord. @target: to the loop only, posted while there is a queue:
 * where its interrupts go. @driving: it has a queue, as its loop knows. @tree: how
 * it was when it was looked at last. @queue: the endpoint's. @filter: to be
 * copied. @owner: the owner's, not looked at. @busy_poll_us: the owner's
 * wish. */
struct virtio_net_pair {
	const struct virtio_net_pair_ops *ops;
	void *owner;
	struct loop *control;
	struct loop *loop;
	uint32_t busy_poll_us;
	bool fast_completions;
	struct net_queue *queue;
	const struct net_rx_filter *filter;
	struct loop_msg command;
	struct loop_msg look;
	struct loop_msg event;
	struct loop_msg target;
	atomic_uint target_vp;
	atomic_bool target_posted;
	struct inspect tree;
	bool driving;
	bool in_trouble;
	enum virtio_net_trouble trouble;
	const char *what;
	struct virtio_net_rx rx;
	struct virtio_net_tx tx;
	ev_io rx_kick, tx_kick;
	struct net_worker worker;
	struct net_stats stats;
};

/* [control] */
void virtio_net_pair_init(struct virtio_net_pair *pair,
			  const struct virtio_net_pair_ops *ops, void *owner,
			  struct loop *control, struct loop *loop);

/* Maps the rings that the guest has set up. 0 or -errno. [control] */
int virtio_net_pair_start(struct virtio_net_pair *pair,
			  const struct guest_mem *mem,
			  const struct virtio_queue_setup *rx,
			  const struct virtio_queue_setup *tx,
			  uint64_t features, bool vnet_hdr) MUST_CHECK;
void virtio_net_pair_finish(struct virtio_net_pair *pair);

/* What to ask the endpoint for. @features: those of start, but for the offloads
 * that the guest has switched off since. [control] */
struct net_queue_config virtio_net_pair_config(struct virtio_net_pair *pair,
					       uint64_t features);

/* Has the loop begin to drive @queue, which is the pair's from now on, with a
 * copy of @filter. Answered by began(). [control] */
void virtio_net_pair_begin(struct virtio_net_pair *pair,
			   struct net_queue *queue,
			   const struct net_rx_filter *filter);

/* Has the loop stop and destroy the queue. Answered by ended(). [control] */
void virtio_net_pair_end(struct virtio_net_pair *pair);

/* Has the loop filter received frames by @filter, which stays as it is until
 * told() answers. While the pair runs. [control] */
void virtio_net_pair_tell(struct virtio_net_pair *pair,
			  const struct net_rx_filter *filter);

/* The pair will not run for a while: completes what its last queue had taken.
 * While it is ready. [control] */
void virtio_net_pair_rest(struct virtio_net_pair *pair);

/* Interrupts of the pair go to vCPU @vp now. @driven: between begin and end,
 * so that its queue is told. [control] */
void virtio_net_pair_target(struct virtio_net_pair *pair, unsigned int vp,
			    bool driven);

/* Has the loop say how the pair is: a tree in pair->tree, which is to be freed
 * by the owner. In any state. Answered by looked(). [control] */
void virtio_net_pair_look(struct virtio_net_pair *pair);

#endif
