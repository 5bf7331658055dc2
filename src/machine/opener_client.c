/* SPDX-License-Identifier: MIT */
/*
 * The machine's end: one request, one answer, in the calling thread.
 *
 * An answer that cannot be understood is the end of this request; the socket
 * keeps message boundaries, so the next one begins in order.
 */
#include "machine/opener_client.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int fail(struct opener_reply *reply, int err, const char *what)
{
	char cause[ERRNO_TEXT_MAX];

	*reply = (struct opener_reply){.err = err};
	(void)snprintf(reply->text, sizeof(reply->text), "%s: %s", what,
		       errno_text(-err, cause, sizeof(cause)));
	return err;
}

/* Takes the descriptors out of @msg; returns how many. */
static size_t take_fds(struct msghdr *msg, int fds[OPENER_FDS_MAX])
{
	size_t n = 0;

	for (struct cmsghdr *h = CMSG_FIRSTHDR(msg); h;
	     h = CMSG_NXTHDR(msg, h)) {
		if (h->cmsg_level != SOL_SOCKET || h->cmsg_type != SCM_RIGHTS)
			continue;
		n = MIN((h->cmsg_len - CMSG_LEN(0)) / sizeof(int),
			(size_t)OPENER_FDS_MAX);
		memcpy(fds, CMSG_DATA(h), n * sizeof(int));
	}
	return n;
}

/* 0 or -errno; -EPIPE: the opener has gone. */
static int receive(int fd, struct opener_reply *reply, int fds[OPENER_FDS_MAX])
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(OPENER_FDS_MAX * sizeof(int))];
	} control;
	struct iovec iov = {.iov_base = reply, .iov_len = sizeof(*reply)};
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes),
	};
	ssize_t len;
	size_t n;

	do {
		len = recvmsg(fd, &msg, MSG_CMSG_CLOEXEC);
	} while (len < 0 && errno == EINTR);
	if (len <= 0)
		return len < 0 ? -errno : -EPIPE;
	n = take_fds(&msg, fds);
	if ((size_t)len == sizeof(*reply) && reply->n_fds == n) {
		reply->text[sizeof(reply->text) - 1] = '\0';
		return 0;
	}
	/* Too few: there was no room for more descriptors in this process. */
	while (n > 0)
		close_fd(&fds[--n]);
	return -EMFILE;
}

int opener_ask_at(int fd, const struct opener_request *request,
		  struct opener_reply *reply, int fds[OPENER_FDS_MAX])
{
	ssize_t n;
	int err;

	*reply = (struct opener_reply){.err = 0};
	do {
		n = send(fd, request, sizeof(*request), MSG_NOSIGNAL);
	} while (n < 0 && errno == EINTR);
	err = n < 0 ? -errno : receive(fd, reply, fds);
	if (err < 0)
		return fail(reply, err, "the opener does not answer");
	return reply->err;
}

int opener_ask(struct opener *opener, const struct opener_request *request,
	       struct opener_reply *reply, int fds[OPENER_FDS_MAX])
{
	return opener_ask_at(opener->fd, request, reply, fds);
}

static int ask_thing(struct opener *opener, enum opener_thing thing,
		     struct opener_reply *reply)
{
	const struct opener_request request = {
		.kind = OPENER_ASK_THING,
		.u.thing.thing = (uint32_t)thing,
	};
	int fds[OPENER_FDS_MAX] = {-EBADMSG};
	int err = opener_ask(opener, &request, reply, fds);

	return err < 0 ? err : fds[0];
}

int opener_open(struct opener *opener, enum opener_thing thing,
		struct opener_error *error)
{
	struct opener_reply reply;
	int fd = ask_thing(opener, thing, &reply);

	if (fd < 0)
		memcpy(error->text, reply.text, sizeof(error->text));
	return fd;
}

int opener_console_in(struct opener *opener, bool *is_terminal)
{
	struct opener_reply reply;
	int fd = ask_thing(opener, OPENER_CONSOLE_IN, &reply);

	*is_terminal = fd >= 0 && reply.flags & OPENER_IS_TERMINAL;
	return fd;
}

void opener_ready(struct opener *opener)
{
	const struct opener_request request = {.kind = OPENER_TELL_READY};

	(void)send(opener->fd, &request, sizeof(request), MSG_NOSIGNAL);
}

int opener_fd(const struct opener *opener)
{
	return opener->fd;
}
