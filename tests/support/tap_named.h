/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_TESTS_TAP_NAMED_H
#define EVNIC_TESTS_TAP_NAMED_H

/*
 * The tap endpoint of an interface: opening it and taking it over, in one
 * process.
 */

#include "backends/tap_open.h"

/* 0, or -errno and a line in @err. */
static inline int tap_named_create(const struct tap_request *request,
				   struct loop *loop, struct tap_error *err,
				   struct net_endpoint **out)
{
	struct tap_opened tap;
	struct tap_config config = {.fds = tap.fds};
	int code = tap_open(request, &tap, err);

	if (code < 0)
		return code;
	config.n_fds = tap.n_fds;
	config.link_fd = tap.link_fd;
	code = tap_endpoint_create(&config, loop, err, out);
	if (code < 0)
		tap_opened_close(&tap);
	return code;
}

#endif
