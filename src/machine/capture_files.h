/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_MACHINE_CAPTURE_FILES_H
#define EVNIC_MACHINE_CAPTURE_FILES_H

/*
 * The file of a capture, and its older generations: NAME is the present one,
 * NAME.1 the one before, NAME.2 ... All are regular files in one directory.
 */

#include "base/util.h"

#include <limits.h>

/* @dir: of the directory, borrowed. @n: how many files are kept, the present one
 * included; at least 1. */
struct capture_files {
	int dir;
	unsigned int n;
	char name[NAME_MAX + 1];
};

/* Makes or empties the present file: its file descriptor, or -errno; -ELOOP: a
 * symbolic link; -EISDIR; -ENOTSUP: another thing that is not a regular file. */
int capture_files_open(const struct capture_files *files) MUST_CHECK;

/* Each file becomes the next older one, the oldest goes; then opens a new one,
 * as above. */
int capture_files_rotate(const struct capture_files *files) MUST_CHECK;

#endif
