/* SPDX-License-Identifier: MIT */
/*
 * The opener's end of the sockets to the machine: reads requests, looks up who
 * carries them out, sends replies.
 *
 * A round serves one request of each channel, so that signals and other channels
 * have their turn whatever the machine sends.
 */
#include "machine/opener_server.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* 4, 8, ... 512 ms: a second in all. */
#define RETRY_FIRST_MS 4
#define RETRY_END_MS   1024

/* A kind of request. @silent: it is not answered. */
struct row {
	opener_handler_fn serve;
	bool silent;
};

static const struct row rows[OPENER_KINDS] = {
	[OPENER_ASK_THING] = {.serve = opener_serve_thing},
	[OPENER_ASK_TAP] = {.serve = opener_serve_tap},
	[OPENER_ASK_LINK] = {.serve = opener_serve_link},
	[OPENER_ASK_STEERING] = {.serve = opener_serve_steering},
	[OPENER_ASK_CAPTURE] = {.serve = opener_serve_capture},
	[OPENER_ASK_LISTEN] = {.serve = opener_serve_listen},
	[OPENER_ASK_RESOLV_CONF] = {.serve = opener_serve_resolv_conf},
	[OPENER_TELL_READY] = {.serve = opener_serve_ready, .silent = true},
};

void opener_answer_fail(struct opener_answer *answer, int err, const char *fmt,
			...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(answer->error.text, sizeof(answer->error.text), fmt,
			ap);
	va_end(ap);
	answer->err = err;
	/* What the machine has sent may be in it. */
	for (char *c = answer->error.text; *c; c++) {
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			*c = '?';
	}
}

void opener_answer_fd(struct opener_answer *answer, int fd)
{
	answer->fds[answer->n_fds++] = fd;
}

static void close_answer(struct opener_answer *answer)
{
	for (size_t i = 0; i < answer->n_fds; i++)
		close_fd(&answer->fds[i]);
	answer->n_fds = 0;
}

/* Puts the descriptors into @control, which is @msg's. */
static void attach_fds(struct msghdr *msg, char *control,
		       const struct opener_answer *answer)
{
	size_t bytes = answer->n_fds * sizeof(int);
	struct cmsghdr *head;

	if (!answer->n_fds)
		return;
	msg->msg_control = control;
	msg->msg_controllen = CMSG_SPACE(bytes);
	head = CMSG_FIRSTHDR(msg);
	head->cmsg_level = SOL_SOCKET;
	head->cmsg_type = SCM_RIGHTS;
	head->cmsg_len = CMSG_LEN(bytes);
	memcpy(CMSG_DATA(head), answer->fds, bytes);
}

static void reply(int fd, struct opener_answer *answer)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(OPENER_FDS_MAX * sizeof(int))];
	} control = {0};
	struct opener_reply out = {.err = answer->err, .flags = answer->flags};
	struct iovec iov = {.iov_base = &out, .iov_len = sizeof(out)};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
	ssize_t sent;

	if (answer->err < 0)
		close_answer(answer);
	out.n_fds = (uint32_t)answer->n_fds;
	memcpy(out.text, answer->error.text, sizeof(out.text));
	attach_fds(&msg, control.bytes, answer);
	sent = sendmsg(fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (sent < 0 && errno != EAGAIN && answer->n_fds) {
		/* Somebody waits for an answer. */
		out.err = -errno;
		out.n_fds = 0;
		msg.msg_control = NULL;
		msg.msg_controllen = 0;
		(void)sendmsg(fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);
	}
	close_answer(answer);
}

static void carry_out(struct opener_server *server,
		      struct opener_channel *channel,
		      const struct opener_request *request)
{
	struct opener_answer answer = {0};
	const struct row *row =
		request->kind < OPENER_KINDS ? &rows[request->kind] : NULL;
	opener_handler_fn serve = channel->serve ? channel->serve
				  : row		 ? row->serve
						 : NULL;
	int fd = channel->fd;

	server->serving = channel;
	if (serve)
		serve(server, request, &answer);
	else
		opener_answer_fail(&answer, -EINVAL,
				   "the opener knows no such request");
	server->serving = NULL;
	if (channel->serve || !row || !row->silent)
		reply(fd, &answer);
	else
		close_answer(&answer);
}

static void channel_end(struct opener_channel *channel)
{
	if (channel->closed)
		channel->closed(channel);
	close_fd(&channel->fd);
}

/* False: there is no request. */
static bool serve_channel(struct opener_server *server,
			  struct opener_channel *channel)
{
	struct opener_request request;
	ssize_t n = recv(channel->fd, &request, sizeof(request),
			 MSG_DONTWAIT | MSG_TRUNC);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (n <= 0) {
		channel_end(channel);
		return false;
	}
	if ((size_t)n != sizeof(request))
		request.kind = OPENER_KINDS;
	carry_out(server, channel, &request);
	return true;
}

bool opener_server_serve(struct opener_server *server)
{
	bool any = false;

	for (size_t i = 0; i < OPENER_CHANNELS_MAX; i++)
		if (server->channels[i].fd >= 0 &&
		    serve_channel(server, &server->channels[i]))
			any = true;
	return any;
}

size_t opener_server_poll(const struct opener_server *server,
			  struct pollfd *fds)
{
	size_t n = 0;

	for (size_t i = 0; i < OPENER_CHANNELS_MAX; i++)
		if (server->channels[i].fd >= 0)
			fds[n++] = (struct pollfd){
				.fd = server->channels[i].fd,
				.events = POLLIN,
			};
	return n;
}

int opener_server_add(struct opener_server *server,
		      const struct opener_channel *channel)
{
	struct opener_channel *place = NULL;
	int pair[2];

	for (size_t i = 0; i < OPENER_CHANNELS_MAX && !place; i++)
		if (server->channels[i].fd < 0)
			place = &server->channels[i];
	if (!place)
		return -EMFILE;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	*place = *channel;
	place->fd = pair[0];
	return pair[1];
}

void opener_server_init(struct opener_server *server,
			const struct machine_config *config,
			const struct launch_options *options)
{
	memset(server, 0, sizeof(*server));
	server->config = config;
	server->options = options;
	server->resolv_conf = "/etc/resolv.conf";
	server->control.fd = -1;
	server->metrics.fd = -1;
	server->console_in.restore_fd = -1;
	server->console_out.restore_fd = -1;
	notify_init(&server->notify, options->ready_fd);
	for (size_t i = 0; i < OPENER_CHANNELS_MAX; i++)
		server->channels[i].fd = -1;
}

void opener_server_fini(struct opener_server *server)
{
	for (size_t i = 0; i < OPENER_CHANNELS_MAX; i++)
		if (server->channels[i].fd >= 0)
			channel_end(&server->channels[i]);
	opener_captures_fini(server);
	opener_files_fini(server);
	notify_fini(&server->notify);
}

int opener_retry(int (*attempt)(void *arg), void *arg)
{
	int result = attempt(arg);

	for (long wait = RETRY_FIRST_MS;
	     wait < RETRY_END_MS && (result == -EBUSY || result == -EADDRINUSE);
	     wait *= 2) {
		const struct timespec time = {.tv_nsec = wait * 1000000L};

		(void)nanosleep(&time, NULL);
		result = attempt(arg);
	}
	return result;
}
