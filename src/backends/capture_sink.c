/* SPDX-License-Identifier: MIT */
/*
 * Where a capture goes: write(2) to a descriptor that somebody else has opened.
 *
 * A file that was empty is taken to be the capture's alone: a block that could
 * be written in part only is cut off again, and it may be followed by others. To
 * a file that had something in it this does not apply.
 */
#include "backends/capture_sink.h"

#include "net/stats.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

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
	case -EACCES:
	case -EPERM:
	case -EROFS:
		return "name a file that this process may write";
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

static int adopt_fd(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0 || (flags & O_ACCMODE) == O_RDONLY)
		return -EBADF;
	if (fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 ||
	    fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
		return -errno;
	return 0;
}

static int find_kind(struct capture_sink *sink)
{
	struct stat st;

	if (fstat(sink->fd, &st) < 0)
		return -errno;
	sink->socket = S_ISSOCK(st.st_mode);
	sink->stream = sink->socket || S_ISFIFO(st.st_mode);
	sink->whole = S_ISREG(st.st_mode) && st.st_size == 0;
	return 0;
}

int capture_sink_init(struct capture_sink *sink, const char *name,
		      const struct capture_config *config,
		      struct capture_error *error)
{
	int err;

	memset(sink, 0, sizeof(*sink));
	sink->fd = config->fd;
	sink->rotate_size = config->rotate_size;
	sink->rotate = config->rotate;
	sink->rotator = config->rotator;
	if (config->path) {
		sink->path = strdup(config->path);
		err = sink->path ? 0 : -ENOMEM;
	} else {
		err = 0;
	}
	if (!err)
		err = adopt_fd(sink->fd);
	if (!err)
		err = find_kind(sink);
	if (err < 0) {
		capture_sink_cause(sink, name, err, error);
	} else if (sink->rotate_size && !(sink->whole && sink->rotate)) {
		(void)snprintf(
			error->text, sizeof(error->text),
			"%s: capture: only a file can be rotated, and it "
			"must be empty: name one by its path",
			name);
		err = -EINVAL;
	}
	if (err < 0)
		capture_sink_forget(sink);
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

static void close_file(struct capture_sink *sink)
{
	if (sink->socket && sink->fd >= 0)
		hear_out(sink);
	close_fd(&sink->fd);
}

void capture_sink_close(struct capture_sink *sink)
{
	close_file(sink);
	close_fd(&sink->rotator);
}

void capture_sink_fini(struct capture_sink *sink)
{
	capture_sink_close(sink);
	free(sink->path);
	sink->path = NULL;
}

void capture_sink_forget(struct capture_sink *sink)
{
	sink->fd = -1;
	sink->rotator = -1;
	capture_sink_fini(sink);
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
	if (!sink->whole || !len)
		return;
	if (ftruncate(sink->fd, (off_t)(sink->len - len)) < 0)
		return;
	sink->len -= len;
	net_stat_set(&sink->written, net_stat_get(&sink->written) - len);
}

int capture_sink_rotate(struct capture_sink *sink)
{
	close_file(sink);
	sink->len = 0;
	sink->fd = sink->rotate(sink->rotator);
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
