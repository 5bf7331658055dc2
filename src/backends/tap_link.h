/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_BACKENDS_TAP_LINK_H
#define EVNIC_BACKENDS_TAP_LINK_H

/*
 * The link state of a tap's interface: up while it is up and has a carrier.
 *
 * Thread: the control loop.
 */

#include "backends/tap_device.h"
#include "base/loop.h"

struct tap_link;
typedef void (*tap_link_fn)(struct tap_link *link);

/* Embedded by the endpoint. @up: the present state, to be read by anybody on
 * the loop; @changed is called after it has changed, from the loop. */
struct tap_link {
	struct loop *loop;
	const struct tap_device *device;
	tap_link_fn changed;
	ev_io watcher;
	int fd; /* rtnetlink, -1: the state cannot be followed */
	unsigned int ifindex;
	bool lost; /* messages have been lost */
	bool up;
};

/* Finds out the state and follows it from now on. @fd: from tap_netlink.h, the
 * link's from now on; -1: there is none. Where that is not possible (an interface
 * in another network namespace than the socket's) the link counts as up until the
 * interface is gone, and a warning is logged. */
void tap_link_init(struct tap_link *link, struct loop *loop,
		   const struct tap_device *device, int fd,
		   tap_link_fn changed);

/* The queue has found the interface gone. */
void tap_link_gone(struct tap_link *link);

void tap_link_fini(struct tap_link *link);

#endif
