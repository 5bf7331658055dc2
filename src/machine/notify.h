/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_MACHINE_NOTIFY_H
#define EVNIC_MACHINE_NOTIFY_H

/*
 * Telling whoever started evnic how far it is.
 *
 * Two ways, either or both: a file descriptor that evnic inherits (--ready-fd),
 * to which "READY\n" is written before it is closed, as s6 and shell scripts
 * want it; and systemd's protocol, if $NOTIFY_SOCKET names a socket. A failure is
 * a line in the log and nothing else: the machine runs all the same.
 *
 * One thread: the opener's.
 *
 * Source: sd_notify(3), systemd.service(5).
 */

#include "base/util.h"

#include <stdbool.h>
#include <sys/socket.h>
#include <sys/un.h>

/* @ready_fd: owned; -1: nobody waits there, or it has been told. @fd: of
 * systemd's protocol, or -1. */
struct notify {
	bool stopping;
	int ready_fd;
	int fd;
	struct sockaddr_un address;
	socklen_t address_len;
};

/* @ready_fd: taken over; -1: none. $NOTIFY_SOCKET is read and unset, so that it
 * is told to nobody else. */
void notify_init(struct notify *notify, int ready_fd);

/* The machine runs and its sockets listen. */
void notify_ready(struct notify *notify);

/* The log is being opened anew, and notify_ready() follows. */
void notify_reloading(struct notify *notify);

/* The machine is on its way to its end. Told once. */
void notify_stopping(struct notify *notify);

/* Closes what is open and tells nothing: also for a child. Idempotent. */
void notify_fini(struct notify *notify);

#endif
