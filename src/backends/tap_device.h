/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_BACKENDS_TAP_DEVICE_H
#define EVNIC_BACKENDS_TAP_DEVICE_H

/*
 * An open tap: the file descriptor and what the tun driver can do for it.
 *
 * Thread: the control loop; @fd is read and written by the queue's loop.
 */

#include "backends/tap.h"
#include "net/types.h"

#include <net/if.h>

/* @name: the interface's name when it was opened. @hdr_len: the header size
 * that was set when it was opened, -1 if not known. @uso: the driver knows
 * UDP segmentation (Linux 6.2). */
struct tap_device {
	int fd;
	char name[IFNAMSIZ];
	int hdr_len;
	bool uso;
};

/* 0, or -errno and a line in @err. */
int tap_device_open(struct tap_device *device, const struct tap_config *config,
		    struct tap_error *err) MUST_CHECK;

/* Sets the header size, no offloads, and finds out what the driver can do. 0,
 * or -errno with errno set. A part of tap_device_open(). */
int tap_device_prepare(struct tap_device *device) MUST_CHECK;

/* Gives the tap back as it was found and closes it. */
void tap_device_close(struct tap_device *device);

/* Lets the host hand over frames that are unfinished in these ways. 0 or
 * -errno; -EBADFD: the interface is gone. */
int tap_device_set_offloads(const struct tap_device *device,
			    const struct net_rx_offloads *offloads) MUST_CHECK;

/* Throws away frames that were queued for us before this call. */
void tap_device_drain(const struct tap_device *device);

/* The interface's present name. 0, or -EBADFD: it was deleted under the file
 * descriptor. */
int tap_device_present_name(const struct tap_device *device,
			    char name[IFNAMSIZ]) MUST_CHECK;

#endif
