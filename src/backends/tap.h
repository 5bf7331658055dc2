/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_BACKENDS_TAP_H
#define EVNIC_BACKENDS_TAP_H

/*
 * The tap endpoint: a network interface of the host as the other end of the
 * NIC (Linux, Documentation/networking/tuntap.rst).
 *
 * One queue pair. Passes virtio-net headers through (vnet_hdr), and converts
 * metadata for frontends that have none. The guest's frames go by writev() from
 * its memory, received ones by readv() into it.
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

/* Either @ifname or @fd names the tap.
 * @ifname: an interface (borrowed for the call), or NULL. It must exist, unless
 * @create: then a missing one is made and brought up, and is gone again after
 * the endpoint.
 * @fd: a file descriptor of /dev/net/tun that is attached to a tap with
 * IFF_NO_PI and IFF_VNET_HDR, or -1. The endpoint closes it in the end, if it
 * was made. */
struct tap_config {
	const char *ifname;
	int fd;
	bool create;
};

/* Opens the tap. 0, or -errno and a line in @err. @loop: the control loop,
 * borrowed for the endpoint's life. */
int tap_endpoint_create(const struct tap_config *config, struct loop *loop,
			struct tap_error *err,
			struct net_endpoint **out) MUST_CHECK;

#endif
