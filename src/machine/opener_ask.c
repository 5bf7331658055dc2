/* SPDX-License-Identifier: MIT */
/*
 * What the machine asks for beyond what the description names: taps, steering,
 * captures, sockets.
 */
#include "machine/opener_client.h"

#include "backends/consomme/consomme.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static int too_long(struct opener_error *error, const char *what)
{
	(void)snprintf(error->text, sizeof(error->text), "%.200s: too long",
		       what);
	return -ENAMETOOLONG;
}

/* Reply: the queues in order, and the netlink socket. */
int opener_tap(struct opener *opener, const struct backend_config *config,
	       int *fds, size_t *n_fds, int *link_fd,
	       struct opener_error *error)
{
	struct opener_request request = {
		.kind = OPENER_ASK_TAP,
		.u.tap =
			{
				.fd = config->fd,
				.queue_pairs =
					(uint32_t)MAX(config->queue_pairs, 1),
				.create = config->create,
			},
	};
	const char *name = config->host_dev_name ? config->host_dev_name : "";
	struct opener_reply reply;
	int all[OPENER_FDS_MAX];
	int err;

	if (strlen(name) >= sizeof(request.u.tap.ifname))
		return too_long(error, name);
	memcpy(request.u.tap.ifname, name, strlen(name) + 1);
	err = opener_ask(opener, &request, &reply, all);
	if (err < 0) {
		memcpy(error->text, reply.text, sizeof(error->text));
		return err;
	}
	*n_fds = reply.n_fds - 1;
	memcpy(fds, all, *n_fds * sizeof(int));
	*link_fd = all[*n_fds];
	return 0;
}

int opener_link(struct opener *opener)
{
	const struct opener_request request = {.kind = OPENER_ASK_LINK};
	struct opener_reply reply;
	int fds[OPENER_FDS_MAX];
	int err = opener_ask(opener, &request, &reply, fds);

	return err < 0 ? err : fds[0];
}

int opener_steering(struct opener *opener, const struct net_rss *rss)
{
	const struct opener_request request = {
		.kind = OPENER_ASK_STEERING,
		.u.steering = *rss,
	};
	struct opener_reply reply;
	int fds[OPENER_FDS_MAX];
	int err = opener_ask(opener, &request, &reply, fds);

	return err < 0 ? err : fds[0];
}

/* Reply: the file, and with @files the rotator. */
int opener_capture(struct opener *opener, const char *path, unsigned int files,
		   int *rotator, struct opener_error *error)
{
	struct opener_request request = {
		.kind = OPENER_ASK_CAPTURE,
		.u.capture = {.files = files},
	};
	struct opener_reply reply;
	int fds[OPENER_FDS_MAX];
	int err;

	*rotator = -1;
	if (strlen(path) >= sizeof(request.u.capture.path))
		return too_long(error, path);
	memcpy(request.u.capture.path, path, strlen(path) + 1);
	err = opener_ask(opener, &request, &reply, fds);
	if (err < 0) {
		memcpy(error->text, reply.text, sizeof(error->text));
		return err;
	}
	if (files)
		*rotator = fds[1];
	return fds[0];
}

int opener_rotate(int rotator)
{
	const struct opener_request request = {.kind = OPENER_ASK_CAPTURE};
	struct opener_reply reply;
	int fds[OPENER_FDS_MAX];
	int err = opener_ask_at(rotator, &request, &reply, fds);

	return err < 0 ? err : fds[0];
}

int opener_listen(struct opener *opener, const struct consomme_forward *forward,
		  uint16_t i, struct opener_error *error)
{
	struct opener_request request = {
		.kind = OPENER_ASK_LISTEN,
		.u.listen =
			{
				.proto = forward->proto,
				.port = (uint16_t)(forward->host_port + i),
			},
	};
	struct opener_reply reply;
	int fds[OPENER_FDS_MAX];
	int err;

	memcpy(request.u.listen.addr, forward->host.b,
	       sizeof(request.u.listen.addr));
	err = opener_ask(opener, &request, &reply, fds);
	if (err < 0) {
		memcpy(error->text, reply.text, sizeof(error->text));
		return err;
	}
	return fds[0];
}

/* Reply: what its flags say. */
int opener_resolv_conf(struct opener *opener, int *watch)
{
	const struct opener_request request = {.kind = OPENER_ASK_RESOLV_CONF};
	struct opener_reply reply;
	int fds[OPENER_FDS_MAX];
	int err = opener_ask(opener, &request, &reply, fds);
	bool file;

	*watch = -1;
	if (err < 0)
		return err;
	file = reply.flags & OPENER_HAS_FILE;
	if (reply.flags & OPENER_HAS_WATCH)
		*watch = fds[file];
	return file ? fds[0] : -ENOENT;
}
