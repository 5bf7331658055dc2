/* SPDX-License-Identifier: MIT */
/*
 * Where a capture goes.
 *
 * A path is opened without waiting (a FIFO without a reader is an error). With
 * rotation the present file always has the path itself, older ones PATH.1,
 * PATH.2 ...; each turn renames them all, the oldest is overwritten.
 */
#include "backends/capture_sink.h"

#include "net/stats.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_ROOM (PATH_MAX + 8)

static const char *cure(int err)
{
	switch (err) {
	case -ENOSPC:
	case -EDQUOT:
	case -EFBIG:
		return "make room, or limit it with a snaplen and rotation";
	case -EPIPE:
	case -ECONNRESET:
		return "the reader has gone; start again with a new one";
	case -ETIMEDOUT:
		return "the reader took nothing; its capture is incomplete";
	case -ENOENT:
		return "make the directory first";
	case -EACCES:
	case -EPERM:
	case -EROFS:
		return "name a file that this process may write";
	case -EISDIR:
		return "name a file in it";
	case -ENXIO:
		return "start the reader of the FIFO first";
	case -EBADF:
		return "pass a descriptor that is open for writing";
	case -EMFILE:
	case -ENFILE:
		return "raise the limit of open files";
	case -ENOMEM:
		return "ask for less memory for the ring";
	default:
		return "choose another place";
	}
}

void capture_sink_cause(const struct capture_sink *sink, const char *name,
			int err, struct capture_error *to)
{
	const char *where = sink->path ? sink->path : "the given descriptor";
	char text[ERRNO_TEXT_MAX];

	(void)snprintf(to->text, sizeof(to->text),
		       "%s: capture: %.120s: %s: %s", name, where,
		       errno_text(-err, text, sizeof(text)), cure(err));
}

static int open_path(const char *path)
{
	int fd = open(path,
		      O_WRONLY | O_CREAT | O_TRUNC | O_NONBLOCK | O_NOCTTY |
			      O_CLOEXEC,
		      0600);

	return fd < 0 ? -errno : fd;
}

static int adopt_fd(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0 || (flags & O_ACCMODE) == O_RDONLY)
		return -EBADF;
	if (fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 ||
	    fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
		return -errno;
	return fd;
}

static int find_kind(struct capture_sink *sink)
{
	struct stat st;

	if (fstat(sink->fd, &st) < 0)
		return -errno;
	sink->socket = S_ISSOCK(st.st_mode);
	sink->stream = sink->socket || S_ISFIFO(st.st_mode);
	sink->regular = S_ISREG(st.st_mode);
	return 0;
}

static int check_rotation(const struct capture_sink *sink, const char *name,
			  struct capture_error *error)
{
	const char *why = NULL;

	if (!sink->rotate_size)
		return 0;
	if (!sink->path || !sink->regular)
		why = "only a file can be rotated: name one by its path";
	else if (sink->rotate_size < CAPTURE_ROTATE_MIN)
		why = "the rotation size is too small: take 131072 or more";
	else if (!sink->rotate_files || sink->rotate_files > CAPTURE_FILES_MAX)
		why = "the number of files to keep must be 1 to 1000";
	if (!why)
		return 0;
	(void)snprintf(error->text, sizeof(error->text), "%s: capture: %s",
		       name, why);
	return -EINVAL;
}

int capture_sink_open(struct capture_sink *sink, const char *name,
		      const struct capture_config *config,
		      struct capture_error *error)
{
	int err = 0;

	memset(sink, 0, sizeof(*sink));
	sink->fd = -1;
	sink->rotate_size = config->rotate_size;
	sink->rotate_files = config->rotate_files;
	if (config->path) {
		sink->path = strdup(config->path);
		err = sink->path ? open_path(sink->path) : -ENOMEM;
	} else {
		err = adopt_fd(config->fd);
	}
	if (err >= 0) {
		sink->fd = err;
		err = find_kind(sink);
	}
	if (err < 0)
		capture_sink_cause(sink, name, err, error);
	else
		err = check_rotation(sink, name, error);
	if (err < 0) {
		if (!config->path)
			sink->fd = -1;
		capture_sink_fini(sink);
	}
	return err;
}

/* Takes what the reader has said, within reason: if it were left there the
 * reader would see an error instead of the end. */
static void hear_out(struct capture_sink *sink)
{
	char said[4096];

	for (unsigned int i = 0; i < 16; i++) {
		if (recv(sink->fd, said, sizeof(said), MSG_DONTWAIT) <= 0)
			return;
	}
}

void capture_sink_close(struct capture_sink *sink)
{
	if (sink->socket && sink->fd >= 0)
		hear_out(sink);
	close_fd(&sink->fd);
}

void capture_sink_fini(struct capture_sink *sink)
{
	capture_sink_close(sink);
	free(sink->path);
	sink->path = NULL;
}

ssize_t capture_sink_write(struct capture_sink *sink, const void *bytes,
			   size_t len)
{
	ssize_t n;

	do {
		n = write(sink->fd, bytes, len);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	if (!n)
		return -ENOSPC;
	sink->len += (size_t)n;
	net_stat_add(&sink->written, (size_t)n);
	return n;
}

void capture_sink_cut(struct capture_sink *sink, size_t len)
{
	if (!sink->path || !sink->regular || !len)
		return;
	if (ftruncate(sink->fd, (off_t)(sink->len - len)) < 0)
		return;
	sink->len -= len;
	net_stat_set(&sink->written, net_stat_get(&sink->written) - len);
}

/* The name of generation @i, which is in @room for all but the first. */
static const char *generation(const struct capture_sink *sink, uint32_t i,
			      char room[PATH_ROOM])
{
	if (!i)
		return sink->path;
	(void)snprintf(room, PATH_ROOM, "%s.%u", sink->path, i);
	return room;
}

int capture_sink_rotate(struct capture_sink *sink)
{
	char from[PATH_ROOM], to[PATH_ROOM];

	capture_sink_close(sink);
	for (uint32_t i = sink->rotate_files - 1; i; i--) {
		if (rename(generation(sink, i - 1, from),
			   generation(sink, i, to)) < 0 &&
		    errno != ENOENT)
			return -errno;
	}
	if (sink->rotate_files == 1 && unlink(sink->path) < 0 &&
	    errno != ENOENT)
		return -errno;
	sink->len = 0;
	sink->fd = open_path(sink->path);
	return sink->fd < 0 ? sink->fd : 0;
}

bool capture_sink_reader_gone(struct capture_sink *sink, bool *deaf)
{
	struct pollfd pfd = {.fd = sink->fd};
	char said[256];
	ssize_t n;

	*deaf = false;
	if (poll(&pfd, 1, 0) > 0 && pfd.revents & (POLLERR | POLLHUP))
		return true;
	if (!sink->socket) {
		*deaf = true;
		return false;
	}
	/* Whatever it says is of no interest. */
	n = recv(sink->fd, said, sizeof(said), MSG_DONTWAIT);
	*deaf = !n;
	return n < 0 && errno != EAGAIN && errno != EINTR;
}
