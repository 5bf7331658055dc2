/* SPDX-License-Identifier: MIT */
/*
 * Files of a VM, opened by whoever may.
 *
 * O_NONBLOCK belongs to the open file, which we share with whoever started us.
 * So a terminal or a pipe is opened once more through /proc/self/fd; where that
 * is not possible (a socket, no /proc, no right) the flag is set on the shared
 * file and taken back at the end. Regular files do not block and stay shared,
 * with their file position.
 */
#include "kvm/open.h"

#include "kvm/error.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define SERIAL_PERMISSIONS 0600

int kvm_open_image(const char *what, const char *path, struct kvm_error *error)
{
	struct stat st;
	/* Not to hang on a pipe that nobody writes. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		return kvm_error_errno(error, -errno, "%s %s", what, path);
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		return fd;
	close_fd(&fd);
	return kvm_error_set(error, -EINVAL,
			     "%s %s: not a regular file; give the path of the "
			     "image itself",
			     what, path);
}

int kvm_open_serial(const char *path, struct kvm_error *error)
{
	int fd = open(path,
		      O_WRONLY | O_CREAT | O_TRUNC | O_NONBLOCK | O_NOCTTY |
			      O_CLOEXEC,
		      SERIAL_PERMISSIONS);

	if (fd >= 0)
		return fd;
	if (errno == ENXIO)
		return kvm_error_set(error, -ENXIO,
				     "serial output %s: nobody reads this "
				     "pipe; start its reader first",
				     path);
	return kvm_error_errno(error, -errno, "serial output %s", path);
}

static int share(int fd)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);

	return copy < 0 ? -errno : copy;
}

static int share_nonblocking(struct console_file *file, int fd)
{
	int flags = fcntl(fd, F_GETFL);
	int copy;

	if (flags < 0)
		return -errno;
	copy = share(fd);
	if (copy < 0 || flags & O_NONBLOCK)
		return copy;
	if (fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0) {
		int err = -errno;

		close_fd(&copy);
		return err;
	}
	file->restore_fd = fd;
	file->restore_flags = flags;
	return copy;
}

static int open_nonblocking(struct console_file *file, int fd, int access)
{
	char path[32];
	struct stat st;
	int own;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (S_ISREG(st.st_mode))
		return share(fd);
	if (S_ISSOCK(st.st_mode))
		return share_nonblocking(file, fd);
	if (!S_ISFIFO(st.st_mode) && !S_ISCHR(st.st_mode))
		return -EBADF; /* it was closed, and is something of ours */
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	own = open(path, access | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	return own >= 0 ? own : share_nonblocking(file, fd);
}

int console_file_open(struct console_file *file, int fd,
		      struct kvm_error *error)
{
	bool input = fd == STDIN_FILENO;
	int own;

	*file = (struct console_file){.restore_fd = -1};
	/* A terminal is ours to read only while we are in its foreground. */
	if (input && isatty(fd) && tcgetpgrp(fd) != getpgrp())
		return kvm_error_set(error, -ENOTTY,
				     "standard input: a terminal that others "
				     "read");
	own = open_nonblocking(file, fd, input ? O_RDONLY : O_WRONLY);
	if (own < 0)
		return kvm_error_errno(error, own, "standard %s",
				       input ? "input" : "output");
	return own;
}

void console_file_restore(struct console_file *file)
{
	if (file->restore_fd >= 0)
		(void)fcntl(file->restore_fd, F_SETFL, file->restore_flags);
	*file = (struct console_file){.restore_fd = -1};
}
