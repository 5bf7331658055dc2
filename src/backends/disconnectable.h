/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_BACKENDS_DISCONNECTABLE_H
#define EVNIC_BACKENDS_DISCONNECTABLE_H

/*
 * disconnectable: an endpoint whose inside can be taken out and replaced while
 * a frontend runs on it.
 *
 * It hands out the queues of the endpoint inside as they are, so that it costs
 * nothing for a packet. Without one inside it hands out queues of null, with
 * the link down: what is sent is lost, nothing arrives.
 *
 * What it promises about ordering, headers, offloads and the number of queues
 * is what the endpoint has that it was made with, or null without one, and it
 * keeps that promise for life, since a guest may have relied on it. Another
 * endpoint that has less is served by software (backends/software.h) where that
 * is possible, and refused where it is not. Only hints change: link speed and
 * fast completions are those of the latest endpoint.
 *
 * States: detached -> (connect) -> connected -> (disconnect) -> leaving -> (no
 * queue uses the old endpoint any more) -> detached. While leaving, new queues
 * are null's already. Each change raises the actions that it needs: a restart if
 * there are queues, the link if it changes. While connected the actions of the
 * endpoint inside are passed on.
 *
 * Thread: the control loop.
 */

#include "net/endpoint.h"

/* One line, without a newline: the cause and the cure. */
struct disconnectable_error {
	char text[200];
};

/* The answer to disconnect: @inner is the caller's again, idle, with nobody
 * waiting for its actions. */
typedef void (*disconnectable_done_fn)(void *arg, struct net_endpoint *inner);

/* Makes one around @inner, which it owns from now on, or around nothing (NULL).
 * 0 or -ENOMEM; then @inner is still the caller's. */
int disconnectable_create(struct loop *loop, struct net_endpoint *inner,
			  struct net_endpoint **out) MUST_CHECK;

/* Puts @inner inside, which must be idle; it is owned if the answer is 0. Else
 * a line in @error and -EISCONN (there is one already), -EBUSY (the one before
 * is still leaving), -ENOTSUP (it has too little: unordered after ordered, fewer
 * queues than are in use, a smaller table), -ENOMEM. */
int disconnectable_connect(struct net_endpoint *ep, struct net_endpoint *inner,
			   struct disconnectable_error *error) MUST_CHECK;

/* Takes the endpoint out. @done gets it, from the loop and later than the call,
 * as soon as no queue uses it; it may connect another one, or destroy @ep if
 * that is idle. Returns 0, or, and @done is never called, -ENOTCONN (there is
 * none) or -EBUSY (it is leaving already). */
int disconnectable_disconnect(struct net_endpoint *ep,
			      disconnectable_done_fn done,
			      void *arg) MUST_CHECK;

/* The endpoint inside as it was connected; NULL while detached or leaving. */
struct net_endpoint *disconnectable_inner(const struct net_endpoint *ep);

/* net_endpoint_destroy() is allowed in each of these states: it destroys the
 * endpoint inside too, and one that is leaving, whose @done is not called. */

#endif
