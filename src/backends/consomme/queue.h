/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_BACKENDS_CONSOMME_QUEUE_H
#define EVNIC_BACKENDS_CONSOMME_QUEUE_H

/*
 * The one queue of a consomme endpoint: the stack, driven by a frontend.
 *
 * Thread: made on the control loop; then its loop's. The last thing it does is
 * to clear @attached: the stack is the control loop's again.
 */

#include "backends/consomme/out.h"
#include "base/guest_mem.h"
#include "net/queue.h"

#include <stdatomic.h>

struct csm_stack;

/* @stack: borrowed, the queue's to use while it lives. @armed: the client is to
 * be told. @starved: what waits for the guest wants more buffers than it has
 * given. @deadline: what the timer is set to. */
struct csm_queue {
	struct net_queue base;
	struct csm_stack *stack;
	atomic_bool *attached;
	struct net_rx_fifo fifo;
	struct guest_mem_cache cache;
	ev_io events;
	ev_timer timer;
	bool started, armed, starved;
	uint64_t deadline;
	struct iovec iov[NET_TX_SEGS_MAX];
	struct csm_out out;
};

/* @attached: the endpoint's. NULL: out of memory. */
struct csm_queue *csm_queue_create(struct net_endpoint *ep,
				   const struct net_queue_config *config,
				   struct csm_stack *stack,
				   atomic_bool *attached);

#endif
