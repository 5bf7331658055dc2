/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_NET_EVENT_H
#define EVNIC_NET_EVENT_H

/*
 * What a frontend has to tell whoever runs the machine. Control loop.
 */

#include <stdint.h>

enum net_event_type {
	NET_EVENT_LINK_DOWN,
	NET_EVENT_LINK_UP,
	NET_EVENT_BACKEND_LOST, /* the host's side of the NIC has gone */
	NET_EVENT_BACKEND_BACK,
	NET_EVENT_QUEUE_BROKEN, /* until the guest resets the device */
};

/* @queue: the pair, for QUEUE_BROKEN. @cause: one line for people, good for the
 * call. */
struct net_event {
	enum net_event_type type;
	uint16_t queue;
	const char *cause;
};

typedef void (*net_event_fn)(void *arg, const struct net_event *event);

#endif
