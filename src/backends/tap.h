/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_BACKENDS_TAP_H
#define EVNIC_BACKENDS_TAP_H

/*
 * The tap endpoint: a network interface of the host as the other end of the
 * NIC (Linux, Documentation/networking/tuntap.rst).
 *
 * Passes virtio-net headers through (vnet_hdr), and converts metadata for
 * frontends that have none. The guest's frames go by writev() from its memory,
 * received ones by readv() into it.
 *
 * Each queue pair is a queue of the tap; those that get_queues does not ask for
 * are detached from it. With RSS, frames are steered to the queue that it
 * names, by a BPF program in the kernel or, where we may not load one, by our
 * queues, which hand frames to each other. Without it the kernel sends the
 * frames of a connection where the guest's come from.
 *
 * Thread: the control loop, as for every endpoint.
 */

#include "base/loop.h"
#include "base/util.h"
#include "net/endpoint.h"

#include <stdbool.h>

/* One line, without a newline: the thing, the cause and the cure. */
struct tap_error {
	char text[320];
};

/* The most queue pairs of a tap. */
#define TAP_QUEUES_MAX 256

/* Either @ifname or @fds names the tap; both are borrowed for the call.
 * @ifname: an interface, or NULL. It must exist, unless @create: then a missing
 * one is made and brought up, and is gone again after the endpoint.
 * @max_queues: with @ifname: the most queue pairs that will be asked for; 0
 * means 1. More than one, and an interface that exists was to be made with
 * "multi_queue".
 * @fds: @n_fds file descriptors of /dev/net/tun, one for each queue pair, that
 * are attached to the same tap, with IFF_NO_PI and IFF_VNET_HDR, and
 * IFF_MULTI_QUEUE if they are several. The endpoint closes them in the end, if
 * it was made. */
struct tap_config {
	const char *ifname;
	bool create;
	uint16_t max_queues;
	const int *fds;
	size_t n_fds;
};

/* Opens the tap. 0, or -errno and a line in @err. @loop: the control loop,
 * borrowed for the endpoint's life. */
int tap_endpoint_create(const struct tap_config *config, struct loop *loop,
			struct tap_error *err,
			struct net_endpoint **out) MUST_CHECK;

#endif
