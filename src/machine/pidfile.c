/* SPDX-License-Identifier: MIT */
/*
 * The pidfile is locked with flock(2), so that one left behind by a process that
 * was killed is no obstacle, and one in use is.
 *
 * Between open and lock the former owner may remove the file; then the lock is
 * on a file without a name, and the whole is tried again. A file whose content
 * is not a number was not written by us and is left alone.
 */
#include "machine/pidfile.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define CONTENT_MAX 24

/* Is @content what pidfile_create() writes, or empty? */
static bool is_ours(const char *content)
{
	while (isdigit((unsigned char)*content))
		content++;
	return *content == '\0' || strcmp(content, "\n") == 0;
}

/* Is the open file still the one that @path names? */
static bool still_named(int fd, const char *path)
{
	struct stat ours, named;

	return fstat(fd, &ours) == 0 && stat(path, &named) == 0 &&
	       ours.st_dev == named.st_dev && ours.st_ino == named.st_ino;
}

/* Locks and checks the open file. 0; -EBUSY or -EEXIST with @error; -errno. */
static int take(int fd, const char *path, char *error, size_t size)
{
	char content[CONTENT_MAX] = "";
	struct stat st;
	ssize_t n;
	int err;

	if (fstat(fd, &st) < 0)
		return -errno;
	err = flock(fd, LOCK_EX | LOCK_NB) < 0 ? errno : 0;
	if (err && err != EWOULDBLOCK)
		return -err;
	n = S_ISREG(st.st_mode) ? pread(fd, content, sizeof(content) - 1, 0)
				: -1;
	if (n < 0 || st.st_size >= (off_t)sizeof(content) ||
	    !is_ours(content)) {
		(void)snprintf(error, size,
			       "%s: is not a pidfile; it is left as it is: "
			       "give another name",
			       path);
		return -EEXIST;
	}
	if (err) {
		content[strcspn(content, "\n")] = '\0';
		(void)snprintf(error, size,
			       "%s: another evnic runs with this pidfile "
			       "(process %s): end it, or give another name",
			       path, content);
		return -EBUSY;
	}
	return 0;
}

static int write_pid(int fd)
{
	if (ftruncate(fd, 0) < 0)
		return -errno;
	return dprintf(fd, "%d\n", (int)getpid()) < 0 ? -errno : 0;
}

int pidfile_create(struct pidfile *pidfile, const char *path, char *error,
		   size_t size)
{
	char cause[ERRNO_TEXT_MAX];
	int fd, err;

	pidfile->fd = -1;
	pidfile->path = path;
	do {
		fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NONBLOCK,
			  0644);
		if (fd < 0) {
			err = -errno;
			break;
		}
		err = take(fd, path, error, size);
		if (err == 0 && still_named(fd, path)) {
			pidfile->fd = fd;
			err = write_pid(fd);
			if (err < 0)
				pidfile_remove(pidfile);
			break;
		}
		close_fd(&fd);
	} while (err == 0);
	if (err < 0 && err != -EEXIST && err != -EBUSY)
		(void)snprintf(error, size,
			       "%s: the pidfile cannot be written: %s", path,
			       errno_text(-err, cause, sizeof(cause)));
	return err;
}

void pidfile_remove(struct pidfile *pidfile)
{
	if (pidfile->fd < 0)
		return;
	(void)unlink(pidfile->path); /* while it is still locked */
	close_fd(&pidfile->fd);
}
