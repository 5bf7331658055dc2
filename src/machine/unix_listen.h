/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_MACHINE_UNIX_LISTEN_H
#define EVNIC_MACHINE_UNIX_LISTEN_H

/*
 * A unix stream socket that listens under a name in the file system.
 */

#include "base/util.h"

#include <stdbool.h>
#include <sys/types.h>

/* @fd: -1 if it does not listen. @dev, @ino: the file, as it was made. */
struct unix_listener {
	int fd;
	char *path; /* owned */
	dev_t dev;
	ino_t ino;
};

/* Makes the socket, non-blocking, with mode 0600 (less what the umask takes). A
 * socket that nobody listens on any more is replaced; anything else under that
 * name is left alone. 0, or -errno and one line in @error: -EADDRINUSE a process
 * listens there, -EEXIST it is no socket. */
int unix_listen(struct unix_listener *listener, const char *path, char *error,
		size_t size) MUST_CHECK;

/* Closes it and removes the file, if it is still ours. Idempotent. */
void unix_listener_fini(struct unix_listener *listener);

/* A connection to the socket at @path, blocking, or -errno. -ENAMETOOLONG: the
 * path is longer than a socket's can be. */
int unix_connect(const char *path) MUST_CHECK;

/* Does a socket listen at @path whose maker has ended? Another process that has
 * it, too, is about to end. */
bool unix_is_orphaned(const char *path) MUST_CHECK;

/* Closes a new connection for which there is no place: writes @text first, if it
 * fits. */
void unix_refuse(int fd, const char *text);

#endif
