/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_BACKENDS_TAP_ERROR_H
#define EVNIC_BACKENDS_TAP_ERROR_H

/*
 * What stands in the way of a tap, in one line.
 */

#include "backends/tap.h"

#include <net/if.h>

/* Fills @err and returns @code. */
int PRINTF_LIKE(3, 4)
	tap_fail(struct tap_error *err, int code, const char *fmt, ...);

/* "WHAT: ERROR: CURE" for the present errno; returns its negative. */
int tap_fail_errno(struct tap_error *err, const char *what, const char *cure);

/* /sys/class/net/NAME/tun_flags, or -1: not an interface of the tun driver (or
 * sysfs does not show it). */
long tap_sysfs_flags(const char *name);

/* How many queues of the interface are attached, by whomever; -1: not known. */
int tap_sysfs_queues(const char *name);

#endif
