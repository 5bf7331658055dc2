/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_MACHINE_PIDFILE_H
#define EVNIC_MACHINE_PIDFILE_H

/*
 * A file that holds the process id, locked for as long as the process lives.
 */

#include "base/util.h"

/* @fd: the locked file, or -1. @path: borrowed. */
struct pidfile {
	int fd;
	const char *path;
};

/* Creates @path, or takes over one that a dead process left behind. 0, or
 * -errno and one line in @error: -EBUSY a living process holds it, -EEXIST the
 * file is something else. */
int pidfile_create(struct pidfile *pidfile, const char *path, char *error,
		   size_t size) MUST_CHECK;

/* Removes the file. Idempotent. */
void pidfile_remove(struct pidfile *pidfile);

#endif
