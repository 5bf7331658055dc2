/* SPDX-License-Identifier: MIT */
/*
 * Unix sockets with a name.
 *
 * A file is left behind by whoever was killed; connecting to it tells whether
 * anybody listens. Between that and the removal somebody else may do the same,
 * so the directory is locked (flock) for as long as it takes; whoever cannot
 * have the lock in LOCK_WAIT_MS goes on without.
 *
 * The mode of the file is that of the socket's own inode, which is narrowed
 * before it is bound: the file is never open to others.
 */
#include "machine/unix_listen.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define BACKLOG	     64
#define LOCK_WAIT_MS 2000
#define LOCK_STEP_MS 10

static int make_address(struct sockaddr_un *address, const char *path)
{
	memset(address, 0, sizeof(*address));
	address->sun_family = AF_UNIX;
	if (strlen(path) >= sizeof(address->sun_path))
		return -ENAMETOOLONG;
	memcpy(address->sun_path, path, strlen(path));
	return 0;
}

static int connect_to(const struct sockaddr_un *address, int flags)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);

	if (fd < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)address, sizeof(*address)) <
	    0) {
		int err = -errno;

		close_fd(&fd);
		return err;
	}
	return fd;
}

int unix_connect(const char *path)
{
	struct sockaddr_un address;
	int err = make_address(&address, path);

	return err < 0 ? err : connect_to(&address, 0);
}

/* The process may be there no longer, or wait for its parent to hear of it. */
static bool has_ended(pid_t pid)
{
	int fd = (int)syscall(SYS_pidfd_open, pid, 0);
	struct pollfd ended = {.fd = fd, .events = POLLIN};
	bool gone;

	if (fd < 0)
		return errno == ESRCH;
	gone = poll(&ended, 1, 0) > 0;
	close_fd(&fd);
	return gone;
}

bool unix_is_orphaned(const char *path)
{
	struct sockaddr_un address;
	struct ucred maker = {0};
	socklen_t size = sizeof(maker);
	bool orphaned;
	int fd;

	if (make_address(&address, path) < 0)
		return false;
	fd = connect_to(&address, SOCK_NONBLOCK);
	if (fd < 0)
		return false;
	/* Of whoever called listen(2); 0: not in sight from here. */
	orphaned =
		getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &maker, &size) == 0 &&
		maker.pid > 0 && has_ended(maker.pid);
	close_fd(&fd);
	return orphaned;
}

/* The lock, or -1. */
static int lock_directory(const char *path)
{
	const struct timespec step = {.tv_nsec = LOCK_STEP_MS * 1000000L};
	const char *slash = strrchr(path, '/');
	char *dir =
		slash ? strndup(path, (size_t)(slash - path) + 1) : strdup(".");
	int fd = dir ? open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;

	free(dir);
	for (int waited = 0; fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0;
	     waited += LOCK_STEP_MS) {
		if (waited >= LOCK_WAIT_MS || errno != EWOULDBLOCK)
			close_fd(&fd);
		else
			(void)nanosleep(&step, NULL);
	}
	return fd;
}

static int bind_to(int fd, const struct sockaddr_un *address)
{
	return bind(fd, (const struct sockaddr *)address, sizeof(*address)) < 0
		       ? -errno
		       : 0;
}

/* Something has the name already: may it be removed? 0 or -errno. */
static int remove_stale(const struct sockaddr_un *address)
{
	struct stat st;
	int fd;

	if (lstat(address->sun_path, &st) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(st.st_mode))
		return -EEXIST;
	fd = connect_to(address, SOCK_NONBLOCK);
	/* EAGAIN: it listens, its backlog is full. */
	if (fd >= 0 || fd == -EAGAIN) {
		close_fd(&fd);
		return -EADDRINUSE;
	}
	if (fd != -ECONNREFUSED)
		return fd;
	return unlink(address->sun_path) < 0 && errno != ENOENT ? -errno : 0;
}

/* Binds and listens. 0 or -errno. */
static int open_listener(struct unix_listener *l, const char *path)
{
	struct sockaddr_un address;
	struct stat st;
	int err = make_address(&address, path);

	if (err < 0)
		return err;
	l->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (l->fd < 0 || fchmod(l->fd, 0600) < 0)
		return -errno;
	err = bind_to(l->fd, &address);
	if (err == -EADDRINUSE) {
		err = remove_stale(&address);
		if (err == 0)
			err = bind_to(l->fd, &address);
	}
	if (err < 0)
		return err;
	l->path = strdup(path);
	if (!l->path || lstat(path, &st) < 0) {
		err = l->path ? -errno : -ENOMEM;
		(void)unlink(path);
		return err;
	}
	l->dev = st.st_dev;
	l->ino = st.st_ino;
	return listen(l->fd, BACKLOG) < 0 ? -errno : 0;
}

static void describe(int err, const char *path, char *error, size_t size)
{
	char cause[ERRNO_TEXT_MAX];

	switch (err) {
	case -EADDRINUSE:
		(void)snprintf(error, size,
			       "%s: another process listens on this socket: "
			       "end it, or give another path",
			       path);
		break;
	case -EEXIST:
		(void)snprintf(error, size,
			       "%s: is there and is no socket; it is left as "
			       "it is: give another path",
			       path);
		break;
	case -ENAMETOOLONG:
		(void)snprintf(error, size,
			       "%s: too long for a socket, whose path has at "
			       "most %zu bytes: give a shorter one",
			       path,
			       sizeof(((struct sockaddr_un *)0)->sun_path) - 1);
		break;
	default:
		(void)snprintf(error, size, "%s: the socket cannot be made: %s",
			       path, errno_text(-err, cause, sizeof(cause)));
		break;
	}
}

int unix_listen(struct unix_listener *listener, const char *path, char *error,
		size_t size)
{
	int lock = lock_directory(path);
	int err;

	memset(listener, 0, sizeof(*listener));
	listener->fd = -1;
	err = open_listener(listener, path);
	close_fd(&lock);
	if (err < 0) {
		unix_listener_fini(listener);
		describe(err, path, error, size);
	}
	return err;
}

void unix_listener_fini(struct unix_listener *listener)
{
	struct stat st;

	if (listener->path && lstat(listener->path, &st) == 0 &&
	    st.st_dev == listener->dev && st.st_ino == listener->ino)
		(void)unlink(listener->path);
	free(listener->path);
	listener->path = NULL;
	close_fd(&listener->fd);
}

void unix_refuse(int fd, const char *text)
{
	(void)send(fd, text, strlen(text), MSG_DONTWAIT | MSG_NOSIGNAL);
	close_fd(&fd);
}
