/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_MACHINE_LAUNCH_H
#define EVNIC_MACHINE_LAUNCH_H

/*
 * From a description to two processes.
 *
 *	evnic run --+-- opener: pidfile, files, sockets, readiness, signals
 *	            |     |  socket pair: requests, file descriptors
 *	            +-- machine: confined; KVM, loops, threads, the guest
 *
 * The opener is the process that the user started: it has the pid that the
 * pidfile and systemd know, passes signals on, waits for the machine, gives
 * back what it has made (sockets, pidfile, terminal settings) however the
 * machine ended, and exits with its status. If it is killed the machine is
 * killed by the kernel.
 */

#include "machine/config.h"

/* What the command line adds to the description; NULL or -1: nothing. */
struct launch_options {
	const char *pidfile;
	int ready_fd;
};

/* Runs the machine until it ends. The exit status: 0 or 1, as evnic run's. The
 * log is open (base/log.h). The process has one thread; signals stay blocked. */
int launch(const struct machine_config *config,
	   const struct launch_options *options);

#endif
