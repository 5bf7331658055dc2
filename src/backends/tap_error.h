/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_BACKENDS_TAP_ERROR_H
#define EVNIC_BACKENDS_TAP_ERROR_H

/*
 * What stands in the way of a tap, in one line.
 */

#include "backends/tap.h"

#include <stddef.h>

/* Fills @err and returns @code. */
int PRINTF_LIKE(3, 4)
	tap_fail(struct tap_error *err, int code, const char *fmt, ...);

/* "WHAT: ERROR: CURE" for the present errno; returns its negative. */
int tap_fail_errno(struct tap_error *err, const char *what, const char *cure);

/* Are the @n queues @fds all that the interface @name has? The kernel would send
 * frames to another process's queues too. 0, or -EBUSY and a line in @err. */
int tap_check_others(int netlink, const char *name, const int *fds, size_t n,
		     struct tap_error *err) MUST_CHECK;

#endif
