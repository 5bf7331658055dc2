/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_BACKENDS_LIMITER_H
#define EVNIC_BACKENDS_LIMITER_H

/*
 * Rate limiter: an endpoint around another, with token buckets for the bytes
 * and the packets of each direction.
 *
 * The buckets belong to the NIC: all of its queues draw from them. A direction
 * without a bucket passes everything on. Packets that have to wait stay where
 * they are, in the guest's ring or with the host.
 *
 * Thread: the control loop, as for endpoints.
 */

#include "net/endpoint.h"
#include "net/token_bucket.h"

/* @bandwidth: in bytes of frames. @ops: in packets. A bucket of size 0 is
 * none. */
struct limiter_direction {
	struct token_bucket_config bandwidth;
	struct token_bucket_config ops;
};

/* @rx: to the guest. @tx: from it. */
struct limiter_config {
	struct limiter_direction rx, tx;
};

/* Puts a limiter around @inner, which is its own from now on. 0, -EINVAL (a
 * bucket with a size and no refill time) or -ENOMEM; after an error @inner is
 * the caller's. */
int limiter_endpoint_create(struct net_endpoint *inner,
			    const struct limiter_config *config,
			    struct loop *loop,
			    struct net_endpoint **out) MUST_CHECK;

/* The same with another clock than CLOCK_MONOTONIC: nanoseconds that do not go
 * back; called on any thread. */
typedef uint64_t (*limiter_clock_fn)(void);
int limiter_endpoint_create_with_clock(struct net_endpoint *inner,
				       const struct limiter_config *config,
				       struct loop *loop,
				       limiter_clock_fn clock,
				       struct net_endpoint **out) MUST_CHECK;

/* Changes the limits, while queues run or not; what has been sent already is
 * not held against the new ones. A bucket that stays as it was keeps its
 * tokens. 0 or -EINVAL, and nothing has changed. */
int limiter_set(struct net_endpoint *ep,
		const struct limiter_config *config) MUST_CHECK;

/* The limits as they were set last. */
void limiter_get(const struct net_endpoint *ep, struct limiter_config *config);

#endif
