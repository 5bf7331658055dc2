/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_BACKENDS_TAP_DEVICE_H
#define EVNIC_BACKENDS_TAP_DEVICE_H

/*
 * An open tap: its file descriptors, one for each queue, and what the tun driver
 * can do for it.
 *
 * Thread: the control loop; a file descriptor is read and written by its queue's
 * loop.
 */

#include "backends/tap.h"
#include "net/types.h"

#include <net/if.h>

/* @fds: the first @n_active are attached to the interface, in this order: the
 * kernel calls @fds[i] queue i. @fds[0] is always attached and stands for the
 * whole device. @name: the interface's name when it was opened. @label: what
 * messages call it, with its NIC. @hdr_len: the
 * header size that was set when it was opened, -1: not prepared yet. @uso: the
 * driver knows UDP segmentation (Linux 6.2). */
#define TAP_LABEL_MAX 96
struct tap_device {
	int fds[TAP_QUEUES_MAX];
	size_t n_fds;
	size_t n_active;
	bool multi_queue;
	char name[IFNAMSIZ];
	char label[TAP_LABEL_MAX];
	int hdr_len;
	bool uso;
};

/* Takes over the file descriptors of @config and prepares the tap: sets the
 * header size, no offloads, finds out what the driver can do, leaves one queue
 * attached. The descriptors are the caller's as long as this fails. 0, or -errno
 * and a line in @err. */
int tap_device_open(struct tap_device *device, const struct tap_config *config,
		    struct tap_error *err) MUST_CHECK;

/* Parts of tap_device_open(). @prepare: 0, or -errno with errno set. */
int tap_device_adopt(struct tap_device *device, const struct tap_config *config,
		     struct tap_error *err) MUST_CHECK;
int tap_device_prepare(struct tap_device *device) MUST_CHECK;

/* Messages are about "@nic: NAME" from now on; NULL: no NIC, "NAME". */
void tap_device_set_nic(struct tap_device *device, const char *nic);

/* Gives the tap back as it was found; its file descriptors stay open, or are
 * closed. */
void tap_device_restore(struct tap_device *device);
void tap_device_close(struct tap_device *device);

/* Attaches the first @n queues (1 to n_fds) and no other. 0 or -errno. */
int tap_device_set_active(struct tap_device *device, size_t n) MUST_CHECK;

/* Has the BPF program @prog choose the queue of a frame. 0 or -errno. */
int tap_device_set_steering(const struct tap_device *device,
			    int prog) MUST_CHECK;

/* No program: the kernel chooses. */
void tap_device_clear_steering(const struct tap_device *device);

/* Lets the host hand over frames that are unfinished in these ways. 0 or
 * -errno; -EBADFD: the interface is gone. */
int tap_device_set_offloads(const struct tap_device *device,
			    const struct net_rx_offloads *offloads) MUST_CHECK;

/* Throws away frames that were queued for us before this call. */
void tap_device_drain(const struct tap_device *device, size_t queue);

/* The interface's present name. 0, or -EBADFD: it was deleted under the file
 * descriptor. */
int tap_device_present_name(const struct tap_device *device,
			    char name[IFNAMSIZ]) MUST_CHECK;

#endif
