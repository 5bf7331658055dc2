/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_BACKENDS_TAP_OPEN_H
#define EVNIC_BACKENDS_TAP_OPEN_H

/*
 * Opening a tap by its name, for an endpoint that may be in another process
 * (backends/tap.h): what takes rights is done here, what the endpoint does
 * later with the descriptors takes none.
 *
 * Any thread.
 */

#include "backends/tap.h"

/* @ifname: an interface; it must exist, unless @create: then a missing one is
 * made and brought up, and is gone again with its last descriptor.
 * @max_queues: the most queue pairs that will be asked for; 0 means 1. More than
 * one, and an interface that exists was to be made with "multi_queue". */
struct tap_request {
	const char *ifname;
	bool create;
	uint16_t max_queues;
};

/* As struct tap_config takes them. */
struct tap_opened {
	int fds[TAP_QUEUES_MAX];
	size_t n_fds;
	int link_fd;
};

/* 0, or -errno and a line in @err; then nothing is open. -EBUSY: another process
 * has the tap. */
int tap_open(const struct tap_request *request, struct tap_opened *tap,
	     struct tap_error *err) MUST_CHECK;

void tap_opened_close(struct tap_opened *tap);

#endif
