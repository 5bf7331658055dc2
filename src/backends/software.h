/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_BACKENDS_SOFTWARE_H
#define EVNIC_BACKENDS_SOFTWARE_H

/*
 * software: an endpoint around one that can do less.
 *
 * It speaks the virtio-net header and offers all transmit offloads, whatever
 * the inner endpoint can do. What that one can do is left to it, unchanged; of
 * the rest it gets finished packets: headers turned into metadata, checksums
 * computed, large frames cut. A packet is complete when all that it was cut into
 * is. A packet whose wish cannot be granted (a header that does not fit its
 * frame, UDP fragmentation) is dropped and counted (tx_bad_header).
 *
 * Received frames that the inner queue hands on unfinished although the
 * frontend's rx_offloads do not allow it are finished, or dropped and counted
 * (rx_dropped). Everything else (order, queues, RSS, link, actions) is the
 * inner endpoint's.
 *
 * Thread: as for endpoints and queues.
 */

#include "net/endpoint.h"

/* @inner: owned from now on, if this succeeds; idle. @loop: the control loop.
 * 0 or -ENOMEM. */
int software_endpoint_create(struct loop *loop, struct net_endpoint *inner,
			     struct net_endpoint **out) MUST_CHECK;

/* Destroys the wrapper, which must be idle, and returns the inner endpoint,
 * which is the caller's again. */
struct net_endpoint *software_endpoint_unwrap(struct net_endpoint *software);

#endif
