/* SPDX-License-Identifier: MIT */
/*
 * The sockets of the control socket. Each connection is a struct client around a
 * session (qmp_session.c): this file moves bytes and descriptors.
 *
 * A client is read only while its session welcomes input and all that was read
 * before is taken; it is written while there is output. It ends when its
 * session is broken, when it has taken nothing of its output for STALL_S
 * seconds, on an error, when it has closed its side and got all answers, or when
 * it is given away (qmp_detach).
 *
 * Sessions call back (wake) from wherever a call is answered; that only feeds an
 * event to the client's watcher, so that a client is served, and freed, from
 * its watchers' callbacks alone.
 */
#include "base/log.h"
#include "machine/qmp_session.h"
#include "machine/unix_listen.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define CLIENTS_MAX  64
#define ACCEPT_BATCH 16
#define INPUT_SIZE   16384
#define STALL_S	     30.0
/* How long nobody is accepted after that failed. */
#define RETRY_S 1.0

/* @working: serve() is under way. @in: read from the socket, not taken yet. */
struct client {
	struct qmp_server *server;
	struct client *next, **prev_next;
	struct qmp_session session;
	int fd;
	ev_io readable, writable;
	ev_timer stall;
	bool working;
	bool eof;
	char in[INPUT_SIZE];
	size_t in_at, in_len;
};

struct qmp_server {
	struct ev_loop *ev;
	int fd;	    /* that listens */
	char *path; /* for messages */
	struct qmp_service service;
	ev_io acceptable;
	ev_timer retry;
	struct client *clients;
	size_t n_clients;
	struct log_limit accept_errors, drops;
};

static void client_destroy(struct client *c)
{
	struct qmp_server *server = c->server;

	*c->prev_next = c->next;
	if (c->next)
		c->next->prev_next = c->prev_next;
	server->n_clients--;
	ev_io_stop(server->ev, &c->readable);
	ev_io_stop(server->ev, &c->writable);
	ev_timer_stop(server->ev, &c->stall);
	qmp_session_fini(&c->session);
	close_fd(&c->fd);
	free(c);
}

static void wake_cb(struct qmp_session *session)
{
	struct client *c = container_of(session, struct client, session);

	if (!c->working)
		ev_feed_event(c->server->ev, &c->writable, EV_CUSTOM);
}

static void add_fds(struct client *c, struct msghdr *msg)
{
	for (struct cmsghdr *h = CMSG_FIRSTHDR(msg); h;
	     h = CMSG_NXTHDR(msg, h)) {
		size_t n = (h->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		if (h->cmsg_level != SOL_SOCKET || h->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t i = 0; i < n; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(h) + i * sizeof(fd), sizeof(fd));
			qmp_session_add_fd(&c->session, fd);
		}
	}
}

/* Reads once. 0 or -errno. */
static int receive(struct client *c)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(QMP_FDS_MAX * sizeof(int))];
	} control;
	struct iovec iov = {.iov_base = c->in, .iov_len = sizeof(c->in)};
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes),
	};
	ssize_t n = recvmsg(c->fd, &msg, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	add_fds(c, &msg);
	c->in_at = 0;
	c->in_len = (size_t)n;
	c->eof = n == 0;
	return 0;
}

/* Sends what can be sent now. 0 or -errno. */
static int transmit(struct client *c)
{
	size_t len;
	const char *out = qmp_session_output(&c->session, &len);
	ssize_t n;

	if (len == 0)
		return 0;
	n = send(c->fd, out, len, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	qmp_session_sent(&c->session, (size_t)n);
	ev_timer_again(c->server->ev, &c->stall);
	return 0;
}

static bool has_input(const struct client *c)
{
	return c->in_at < c->in_len;
}

/* Input and output in turn, as long as there is progress. 0 or -errno. */
static int move_bytes(struct client *c)
{
	size_t taken;
	int err;

	do {
		taken = qmp_session_input(&c->session, c->in + c->in_at,
					  c->in_len - c->in_at);
		c->in_at += taken;
		err = transmit(c);
	} while (err == 0 && has_input(c) &&
		 qmp_session_wants_input(&c->session));
	return err;
}

/* Is there nothing left to do for this client? (Its end is read when all it has
 * said is answered.) */
static bool finished(const struct client *c)
{
	size_t len;

	(void)qmp_session_output(&c->session, &len);
	return c->eof && len == 0;
}

static void watch(struct client *c)
{
	struct ev_loop *ev = c->server->ev;
	size_t len;

	(void)qmp_session_output(&c->session, &len);
	if (len > 0) {
		ev_io_start(ev, &c->writable);
		if (!ev_is_active(&c->stall))
			ev_timer_again(ev, &c->stall);
	} else {
		ev_io_stop(ev, &c->writable);
		ev_timer_stop(ev, &c->stall);
	}
	if (!c->eof && !has_input(c) && qmp_session_wants_input(&c->session))
		ev_io_start(ev, &c->readable);
	else
		ev_io_stop(ev, &c->readable);
}

static void give_away(struct client *c)
{
	int fd = c->fd;

	ev_io_stop(c->server->ev, &c->readable);
	ev_io_stop(c->server->ev, &c->writable);
	c->fd = -1;
	qmp_session_hand_over(&c->session, fd);
	client_destroy(c);
}

/* The end of each callback of a client. @c may be gone afterwards. */
static void serve(struct client *c)
{
	int err;

	c->working = true;
	err = move_bytes(c);
	c->working = false;
	if (c->session.broken)
		log_limited(&c->server->drops, LOG_LEVEL_WARN,
			    "%s: a client that does not read what it is sent "
			    "is disconnected",
			    c->server->path);
	if (err < 0 || c->session.broken || finished(c))
		client_destroy(c);
	else if (qmp_session_leaves(&c->session))
		give_away(c);
	else
		watch(c);
}

static void readable_cb(struct ev_loop *ev, ev_io *w, int revents)
{
	struct client *c = container_of(w, struct client, readable);

	UNUSED(ev);
	UNUSED(revents);
	if (receive(c) < 0)
		client_destroy(c);
	else
		serve(c);
}

static void writable_cb(struct ev_loop *ev, ev_io *w, int revents)
{
	UNUSED(ev);
	UNUSED(revents);
	serve(container_of(w, struct client, writable));
}

static void stall_cb(struct ev_loop *ev, ev_timer *w, int revents)
{
	struct client *c = container_of(w, struct client, stall);

	UNUSED(ev);
	UNUSED(revents);
	log_limited(&c->server->drops, LOG_LEVEL_WARN,
		    "%s: a client has read nothing for %.0f s: it is "
		    "disconnected",
		    c->server->path, STALL_S);
	client_destroy(c);
}

static void client_create(struct qmp_server *server, int fd)
{
	struct client *c = NULL;

	if (server->n_clients < CLIENTS_MAX)
		c = calloc(1, sizeof(*c));
	if (!c) {
		unix_refuse(fd, qmp_full_text);
		return;
	}
	c->server = server;
	c->fd = fd;
	c->next = server->clients;
	c->prev_next = &server->clients;
	if (c->next)
		c->next->prev_next = &c->next;
	server->clients = c;
	server->n_clients++;
	ev_io_init(&c->readable, readable_cb, fd, EV_READ);
	ev_io_init(&c->writable, writable_cb, fd, EV_WRITE);
	ev_init(&c->stall, stall_cb);
	c->stall.repeat = STALL_S;
	qmp_session_init(&c->session, &server->service, wake_cb);
}

/* Too few descriptors, or too little memory: waits instead of being called again
 * and again. */
static void accept_failed(struct qmp_server *server)
{
	char cause[ERRNO_TEXT_MAX];

	log_limited(&server->accept_errors, LOG_LEVEL_WARN,
		    "%s: a connection cannot be accepted: %s", server->path,
		    errno_text(errno, cause, sizeof(cause)));
	ev_io_stop(server->ev, &server->acceptable);
	ev_timer_again(server->ev, &server->retry);
}

static void acceptable_cb(struct ev_loop *ev, ev_io *w, int revents)
{
	struct qmp_server *server =
		container_of(w, struct qmp_server, acceptable);

	UNUSED(ev);
	UNUSED(revents);
	for (int i = 0; i < ACCEPT_BATCH; i++) {
		int fd = accept4(server->fd, NULL, NULL,
				 SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (fd >= 0) {
			client_create(server, fd);
		} else if (errno == EAGAIN) {
			return;
		} else if (errno != EINTR && errno != ECONNABORTED) {
			accept_failed(server);
			return;
		}
	}
}

static void retry_cb(struct ev_loop *ev, ev_timer *w, int revents)
{
	struct qmp_server *server = container_of(w, struct qmp_server, retry);

	UNUSED(revents);
	ev_timer_stop(ev, w);
	ev_io_start(ev, &server->acceptable);
}

int qmp_server_create(struct loop *loop, int fd, const char *path,
		      const struct qmp_command *commands, void *owner,
		      struct qmp_server **out)
{
	struct qmp_server *server = calloc(1, sizeof(*server));

	if (!server)
		return -ENOMEM;
	server->path = strdup(path);
	if (!server->path) {
		free(server);
		return -ENOMEM;
	}
	server->ev = loop->ev;
	server->fd = fd;
	server->service.commands = commands;
	server->service.owner = owner;
	ev_init(&server->retry, retry_cb);
	server->retry.repeat = RETRY_S;
	ev_io_init(&server->acceptable, acceptable_cb, server->fd, EV_READ);
	ev_io_start(server->ev, &server->acceptable);
	*out = server;
	return 0;
}

void qmp_server_destroy(struct qmp_server *server)
{
	struct client *c, *next;

	if (!server)
		return;
	ev_io_stop(server->ev, &server->acceptable);
	ev_timer_stop(server->ev, &server->retry);
	for (c = server->clients; c; c = next) {
		next = c->next;
		(void)transmit(c);
		client_destroy(c);
	}
	qmp_service_fini(&server->service);
	close_fd(&server->fd);
	free(server->path);
	free(server);
}

void qmp_event(struct qmp_server *server, const char *name, cJSON *data)
{
	char *text;
	size_t len = 0;

	if (!server) {
		cJSON_Delete(data);
		return;
	}
	text = qmp_event_text(name, data, &len);
	for (struct client *c = server->clients; text && c; c = c->next)
		qmp_session_event(&c->session, text, len);
	free(text);
}
