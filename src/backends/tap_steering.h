/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_BACKENDS_TAP_STEERING_H
#define EVNIC_BACKENDS_TAP_STEERING_H

/*
 * How a frame of the host finds its queue.
 *
 * Thread: the control loop while no queue lives. While queues live, @rss and
 * @handover are for them to use, and nothing else changes.
 */

#include "backends/tap_device.h"
#include "backends/tap_handover.h"
#include "net/rss.h"

enum tap_steering_by {
	TAP_STEERING_NONE,     /* one queue */
	TAP_STEERING_KERNEL,   /* where the guest's frames came from */
	TAP_STEERING_BPF,      /* our program in the kernel */
	TAP_STEERING_SOFTWARE, /* our queues, among each other */
};

/* @load, @arg: struct tap_config's. @rss, @handover: in software. @told: the
 * reason for that has been logged. */
struct tap_steering {
	int (*load)(void *arg, const struct net_rss *rss);
	void *arg;
	enum tap_steering_by by;
	struct net_rss rss;
	struct tap_handover *handover;
	bool told;
};

/* Begins with @n queues of @device, all attached. @rss: NULL for none. 0 or
 * -errno. */
int tap_steering_begin(struct tap_steering *steering,
		       const struct tap_device *device,
		       const struct net_rss_config *rss, size_t n) MUST_CHECK;

/* Gives back what begin took. Idempotent. */
void tap_steering_end(struct tap_steering *steering);

const char *tap_steering_text(const struct tap_steering *steering);

#endif
