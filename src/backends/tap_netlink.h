/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_BACKENDS_TAP_NETLINK_H
#define EVNIC_BACKENDS_TAP_NETLINK_H

/*
 * What rtnetlink knows of a tap's interface (rtnetlink(7)): the one way to ask
 * about interfaces that needs no file. A socket belongs to the network namespace
 * in which it was made, whoever uses it later.
 *
 * Any thread, one at a time for a socket.
 */

#include "base/util.h"

#include <stdbool.h>
#include <stdint.h>

/* A socket of this thread's namespace that hears of every change of an interface
 * there; non-blocking. Or -errno. */
int tap_netlink_open(void) MUST_CHECK;

/* The same in the namespace of the interface that @tap is attached to, if
 * we may look there; otherwise in ours. Needs /proc. Or -errno. */
int tap_netlink_open_for(int tap) MUST_CHECK;

/* How an interface was made. @is_tun: by the tun driver. @known: the driver
 * tells the rest (Linux 4.17). @queues: open, attached or not, by whomever; with
 * @multi_queue. */
struct tap_info {
	bool is_tun;
	bool known;
	bool tap, pi, multi_queue;
	uint32_t queues;
};

/* Asks about the interface @name. 0 or -errno; -ENODEV: there is none. */
int tap_netlink_info(int netlink, const char *name,
		     struct tap_info *info) MUST_CHECK;

/* The index that the interface @name, to which the tap @fd is attached, has in
 * the socket's namespace; 0: it is not there. */
unsigned int tap_netlink_index(int netlink, const char *name, int fd);

#endif
