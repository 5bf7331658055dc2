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
#include "net/rss.h"

#include <stdbool.h>

/* One line, without a newline: the thing, the cause and the cure. */
struct tap_error {
	char text[320];
};

/* The most queue pairs of a tap. */
#define TAP_QUEUES_MAX 256

/* @fds: @n_fds file descriptors of /dev/net/tun, one for each queue pair that
 * will be asked for, that are attached to the same tap, with IFF_NO_PI and
 * IFF_VNET_HDR, and IFF_MULTI_QUEUE if they are several (backends/tap_open.h).
 * @link_fd: a socket of the tap's network namespace (backends/tap_netlink.h); -1:
 * the link is not followed.
 * @load_steering: makes a BPF program of what get_queues is given: its file
 * descriptor, which becomes the endpoint's, or -errno; with @arg. NULL:
 * net_rss_bpf_load().
 * The descriptors become the endpoint's, if it was made. No other file is
 * opened. */
struct tap_config {
	const int *fds;
	size_t n_fds;
	int link_fd;
	int (*load_steering)(void *arg, const struct net_rss *rss);
	void *arg;
};

/* Takes over an open tap. 0, or -errno and a line in @err. @loop: the control
 * loop, borrowed for the endpoint's life. */
int tap_endpoint_create(const struct tap_config *config, struct loop *loop,
			struct tap_error *err,
			struct net_endpoint **out) MUST_CHECK;

#endif
