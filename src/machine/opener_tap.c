/* SPDX-License-Identifier: MIT */
/*
 * Taps, and what steers their frames.
 *
 * Allowed is what the description says, to the letter, and names that match one
 * of its patterns. A tap's descriptors are the machine's alone: an interface
 * that was made for it goes when the machine goes, and another process may open
 * a tap again as soon as the machine has closed it.
 *
 * A descriptor that evnic was started with can be given away once, since then
 * its number may be anything's.
 */
#include "machine/opener_server.h"

#include "backends/tap_device.h"
#include "backends/tap_error.h"
#include "backends/tap_netlink.h"
#include "backends/tap_open.h"
#include "machine/kinds.h"
#include "machine/patterns.h"
#include "net/rss_bpf.h"

#include <errno.h>
#include <string.h>

/* The backend of the description that is this tap, or NULL. */
static const struct backend_config *described(
	const struct machine_config *config,
	const struct opener_tap_request *ask)
{
	for (size_t i = 0; i < config->n_backends; i++) {
		const struct backend_config *b = &config->backends[i];

		if (b->type != endpoint_kind_tap())
			continue;
		if (ask->fd >= 0 && b->fd == ask->fd)
			return b;
		if (ask->fd < 0 && b->host_dev_name &&
		    strcmp(b->host_dev_name, ask->ifname) == 0 &&
		    b->create == (ask->create != 0) &&
		    MAX(b->queue_pairs, 1) == ask->queue_pairs)
			return b;
	}
	return NULL;
}

static bool pattern_allows_tap(const struct config_strings *taps,
			       const char *ifname)
{
	for (size_t i = 0; i < taps->n; i++) {
		if (pattern_matches(taps->items[i], ifname))
			return true;
	}
	return false;
}

struct tap_attempt {
	struct tap_request request;
	struct tap_opened tap;
	struct tap_error error;
};

static int open_once(void *arg)
{
	struct tap_attempt *attempt = arg;

	return tap_open(&attempt->request, &attempt->tap, &attempt->error);
}

static void answer_tap(struct opener_answer *answer, const int *fds, size_t n,
		       int link_fd)
{
	for (size_t i = 0; i < n; i++)
		opener_answer_fd(answer, fds[i]);
	opener_answer_fd(answer, link_fd);
}

static void open_tap(const struct opener_server *server,
		     const struct opener_tap_request *ask,
		     struct opener_answer *answer)
{
	struct tap_attempt attempt = {
		.request =
			{
				.ifname = ask->ifname,
				.create = ask->create,
				.max_queues = (uint16_t)ask->queue_pairs,
			},
	};
	int err = server->ready ? open_once(&attempt)
				: opener_retry(open_once, &attempt);

	if (err < 0)
		opener_answer_fail(answer, err, "%s", attempt.error.text);
	else
		answer_tap(answer, attempt.tap.fds, attempt.tap.n_fds,
			   attempt.tap.link_fd);
}

/* The machine would have another number for it: what is wrong with it is told
 * here. The socket is where the tap is: in a network namespace that only we may
 * enter. */
static void give_tap(struct opener_server *server,
		     const struct backend_config *backend,
		     struct opener_answer *answer)
{
	size_t i = (size_t)(backend - server->config->backends);
	int fd = (int)backend->fd, err;
	struct tap_config config = {.fds = &fd, .n_fds = 1};
	struct tap_device device = {.hdr_len = -1};
	struct tap_error error;

	if (server->gave_tap[i]) {
		opener_answer_fail(answer, -EBADF,
				   "fd %d: the descriptor has been used up; "
				   "pass another one with \"getfd\"",
				   fd);
		return;
	}
	config.link_fd = tap_netlink_open_for(fd);
	if (config.link_fd < 0)
		err = tap_fail(&error, config.link_fd, "no netlink socket");
	else
		err = tap_device_adopt(&device, &config, &error);
	if (err < 0) {
		close_fd(&config.link_fd);
		opener_answer_fail(answer, err, "%s", error.text);
		return;
	}
	server->gave_tap[i] = true;
	answer_tap(answer, &fd, 1, config.link_fd);
}

void opener_serve_tap(struct opener_server *server,
		      const struct opener_request *request,
		      struct opener_answer *answer)
{
	struct opener_tap_request ask = request->u.tap;
	const struct backend_config *backend;

	if (!memchr(ask.ifname, '\0', sizeof(ask.ifname))) {
		opener_answer_fail(answer, -EINVAL, "a name without an end");
		return;
	}
	if (ask.queue_pairs < 1 || ask.queue_pairs > CONFIG_MAX_QUEUE_PAIRS) {
		opener_answer_fail(answer, -EINVAL,
				   "a tap has 1 to %d queue pairs",
				   CONFIG_MAX_QUEUE_PAIRS);
		return;
	}
	backend = described(server->config, &ask);
	if (backend && ask.fd >= 0)
		give_tap(server, backend, answer);
	else if (backend || (ask.fd < 0 &&
			     pattern_allows_tap(&server->config->sandbox.taps,
						ask.ifname)))
		open_tap(server, &ask, answer);
	else
		opener_answer_fail(
			answer, -EACCES,
			"%s: not a TAP interface that this machine may open: "
			"start it with a pattern for the name in \"sandbox\": "
			"{\"taps\": [...]}, or open it and pass it with "
			"\"getfd\" and \"fd\"",
			ask.fd < 0 ? ask.ifname : "fd");
}

void opener_serve_link(struct opener_server *server,
		       const struct opener_request *request,
		       struct opener_answer *answer)
{
	int fd = tap_netlink_open();

	UNUSED(server);
	UNUSED(request);
	if (fd < 0)
		opener_answer_fail(answer, fd, "netlink");
	else
		opener_answer_fd(answer, fd);
}

void opener_serve_steering(struct opener_server *server,
			   const struct opener_request *request,
			   struct opener_answer *answer)
{
	int prog = net_rss_bpf_load(&request->u.steering);

	UNUSED(server);
	if (prog < 0)
		opener_answer_fail(answer, prog, "BPF");
	else
		opener_answer_fd(answer, prog);
}
