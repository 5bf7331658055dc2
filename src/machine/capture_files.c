/* SPDX-License-Identifier: MIT */
/*
 * Files of captures (open(2), rename(2)).
 *
 * What is opened is one component below the directory, and no symbolic link is
 * followed: it is in that directory whatever anybody does meanwhile. It is
 * emptied only when it has turned out to be a regular file. Opening does not
 * wait: for a FIFO without a reader that is an error.
 */
#include "machine/capture_files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAME_ROOM (NAME_MAX + 12)

static int make_empty(int fd)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -ENOTSUP;
	return ftruncate(fd, 0) < 0 ? -errno : 0;
}

int capture_files_open(const struct capture_files *files)
{
	int fd = openat(files->dir, files->name,
			O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK |
				O_NOCTTY | O_CLOEXEC,
			0600);
	int err;

	/* A FIFO without a reader, a socket. */
	if (fd < 0)
		return errno == ENXIO ? -ENOTSUP : -errno;
	err = make_empty(fd);
	if (err < 0) {
		close_fd(&fd);
		return err;
	}
	return fd;
}

/* The name of generation @i, which is in @room for all but the first. */
static const char *generation(const struct capture_files *files, unsigned int i,
			      char room[NAME_ROOM])
{
	if (!i)
		return files->name;
	(void)snprintf(room, NAME_ROOM, "%s.%u", files->name, i);
	return room;
}

int capture_files_rotate(const struct capture_files *files)
{
	char from[NAME_ROOM], to[NAME_ROOM];

	for (unsigned int i = files->n - 1; i; i--) {
		if (renameat(files->dir, generation(files, i - 1, from),
			     files->dir, generation(files, i, to)) < 0 &&
		    errno != ENOENT)
			return -errno;
	}
	if (files->n == 1 && unlinkat(files->dir, files->name, 0) < 0 &&
	    errno != ENOENT)
		return -errno;
	return capture_files_open(files);
}
