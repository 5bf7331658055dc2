/* SPDX-License-Identifier: MIT */
/*
 * The client's side of QMP: greeting, negotiation, then a call at a time. Events
 * that come while an answer is waited for are dropped.
 */
#include "machine/ctl_client.h"

#include "machine/ctl_private.h"
#include "machine/unix_listen.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/* For an answer. */
#define TIMEOUT_MS 60000
#define FOR_EVER   (-1)

static void complain(const struct ctl_client *c, const char *what)
{
	(void)fprintf(stderr, "evnic: %s: %s\n", c->path, what);
}

static void complain_errno(const struct ctl_client *c, int err)
{
	char cause[ERRNO_TEXT_MAX];

	complain(c, errno_text(-err, cause, sizeof(cause)));
}

static void complain_connect(const struct ctl_client *c, int err)
{
	struct stat st;
	bool other = stat(c->path, &st) == 0 && !S_ISSOCK(st.st_mode);

	if (other)
		complain(c, "is no socket: give the path of a machine's "
			    "control socket");
	else if (err == -ENOENT)
		complain(c, "there is no such socket: does the machine run, "
			    "and was it started with \"control-socket\" or "
			    "--control?");
	else if (err == -ECONNREFUSED)
		complain(c, "nobody listens: the evnic that made this socket "
			    "has ended");
	else if (err == -EACCES)
		complain(c, "Permission denied (EACCES): a control socket is "
			    "for the user that runs the machine, and for root");
	else
		complain_errno(c, err);
}

/* 1: there is something to read; 0 after a complaint. */
static int wait_readable(struct ctl_client *c, int timeout_ms)
{
	struct pollfd p = {.fd = c->fd, .events = POLLIN};
	int n;

	do {
		n = poll(&p, 1, timeout_ms);
	} while (n < 0 && errno == EINTR);
	if (n == 0)
		complain(c, "no answer for a minute: evnic is stopped, or "
			    "busy beyond measure");
	else if (n < 0)
		complain_errno(c, -errno);
	return n > 0;
}

/* More input: bytes, 0 at the end, -1 after a complaint. */
static ssize_t fill(struct ctl_client *c, int timeout_ms)
{
	ssize_t n;

	if (!wait_readable(c, timeout_ms))
		return -1;
	n = read(c->fd, c->in, sizeof(c->in));
	if (n < 0 && errno != ECONNRESET) {
		complain_errno(c, -errno);
		return -1;
	}
	c->in_at = 0;
	c->in_len = n > 0 ? (size_t)n : 0;
	return (ssize_t)c->in_len;
}

/* The next message, the caller's; NULL after a complaint. */
static cJSON *receive(struct ctl_client *c, int timeout_ms)
{
	enum qmp_stream_result result = QMP_STREAM_MORE;
	cJSON *message;
	ssize_t n = 1;

	while (result == QMP_STREAM_MORE) {
		if (c->in_at == c->in_len) {
			n = fill(c, timeout_ms);
			if (n <= 0)
				break;
		}
		c->in_at += qmp_stream_feed(&c->stream, c->in + c->in_at,
					    c->in_len - c->in_at, &result);
	}
	if (n < 0)
		return NULL;
	if (n == 0) {
		complain(c, "the machine has ended, or closed the connection");
		return NULL;
	}
	message = result == QMP_STREAM_VALUE
			  ? cJSON_ParseWithLength(c->stream.text, c->stream.len)
			  : NULL;
	if (!cJSON_IsObject(message)) {
		cJSON_Delete(message);
		complain(c, "what listens there does not speak QMP");
		return NULL;
	}
	return message;
}

/* 0 or -1 after a complaint. */
static int transmit(struct ctl_client *c, const char *text, int fd)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = {0};
	struct iovec iov;
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
	size_t len = strlen(text);

	if (fd >= 0) {
		msg.msg_control = control.bytes;
		msg.msg_controllen = sizeof(control.bytes);
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
	}
	while (len > 0) {
		ssize_t n;

		iov.iov_base = (void *)(uintptr_t)text;
		iov.iov_len = len;
		n = sendmsg(c->fd, &msg, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		/* Whoever hung up may have said why. */
		if (n < 0 && errno == EPIPE)
			return 0;
		if (n < 0) {
			complain_errno(c, -errno);
			return -1;
		}
		text += n;
		len -= (size_t)n;
		msg.msg_control = NULL;
		msg.msg_controllen = 0;
	}
	return 0;
}

static int send_command(struct ctl_client *c, const char *command, cJSON *args,
			int fd)
{
	cJSON *message = cJSON_CreateObject();
	char *text;
	int err;

	(void)cJSON_AddStringToObject(message, "execute", command);
	if (args && !cJSON_AddItemToObject(message, "arguments", args))
		cJSON_Delete(args);
	text = cJSON_PrintUnformatted(message);
	cJSON_Delete(message);
	if (!text) {
		complain(c, "out of memory");
		return -1;
	}
	err = transmit(c, text, fd);
	cJSON_free(text);
	return err;
}

static void complain_refused(const struct ctl_client *c, const char *command,
			     const cJSON *error)
{
	const char *desc = cJSON_GetStringValue(
		cJSON_GetObjectItemCaseSensitive(error, "desc"));

	(void)fprintf(stderr, "evnic: %s: %s: ", c->path, command);
	ctl_print_text(stderr, desc ? desc : "refused");
	(void)fprintf(stderr, "\n");
}

cJSON *ctl_call(struct ctl_client *client, const char *command, cJSON *args,
		int fd)
{
	if (send_command(client, command, args, fd) < 0)
		return NULL;
	for (;;) {
		cJSON *message = receive(client, TIMEOUT_MS);
		cJSON *result, *error;

		if (!message)
			return NULL;
		result = cJSON_DetachItemFromObjectCaseSensitive(message,
								 "return");
		error = cJSON_GetObjectItemCaseSensitive(message, "error");
		if (error)
			complain_refused(client, command, error);
		cJSON_Delete(message);
		if (result || error)
			return result;
	}
}

cJSON *ctl_next_event(struct ctl_client *client)
{
	return receive(client, FOR_EVER);
}

int ctl_skip_line(struct ctl_client *client)
{
	ssize_t n = 1;
	char c = '\0';

	while (n > 0 && c != '\n')
		n = ctl_read_raw(client, &c, 1);
	return n > 0 ? 0 : -1;
}

ssize_t ctl_read_raw(struct ctl_client *client, char *bytes, size_t size)
{
	size_t n;

	if (client->in_at == client->in_len) {
		ssize_t filled = fill(client, FOR_EVER);

		if (filled <= 0)
			return filled;
	}
	n = MIN(size, client->in_len - client->in_at);
	memcpy(bytes, client->in + client->in_at, n);
	client->in_at += n;
	return (ssize_t)n;
}

/* 0 or -1 after a complaint. */
static int take_greeting(struct ctl_client *c)
{
	cJSON *greeting = receive(c, TIMEOUT_MS);
	const cJSON *error;
	int status = -1;

	if (!greeting)
		return -1;
	error = cJSON_GetObjectItemCaseSensitive(greeting, "error");
	if (cJSON_GetObjectItemCaseSensitive(greeting, "QMP"))
		status = 0;
	else if (error)
		complain_refused(c, "connect", error);
	else
		complain(c, "what listens there does not speak QMP");
	cJSON_Delete(greeting);
	return status;
}

int ctl_client_open(struct ctl_client *client, const char *path)
{
	static const struct qmp_stream_limits limits = {
		.bytes = 64 << 20,
		.depth = 500,
		.values = 4 << 20,
	};
	cJSON *result;

	memset(client, 0, sizeof(*client));
	client->path = path;
	qmp_stream_init(&client->stream, &limits);
	client->fd = unix_connect(path);
	if (client->fd < 0) {
		complain_connect(client, client->fd);
		return -1;
	}
	if (take_greeting(client) < 0) {
		ctl_client_close(client);
		return -1;
	}
	result = ctl_call(client, "qmp_capabilities", NULL, -1);
	if (!result) {
		ctl_client_close(client);
		return -1;
	}
	cJSON_Delete(result);
	return 0;
}

void ctl_client_close(struct ctl_client *client)
{
	close_fd(&client->fd);
	qmp_stream_fini(&client->stream);
}
