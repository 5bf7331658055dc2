/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_MACHINE_OPENER_SERVER_H
#define EVNIC_MACHINE_OPENER_SERVER_H

/*
 * The opener's end: channels on which the machine asks, and a table with a
 * handler for each kind of request.
 *
 * One thread. Nothing here waits for the machine: a request is read if it is
 * there, and a reply that does not fit into the socket is dropped, with its
 * descriptors.
 */

#include "kvm/open.h"
#include "machine/config.h"
#include "machine/launch.h"
#include "machine/notify.h"
#include "machine/opener_wire.h"
#include "machine/unix_listen.h"

#include <poll.h>
#include <stdbool.h>

struct opener_server;
struct opener_channel;

/* What a handler has to say. Descriptors are the answer's from then on: it
 * sends and closes them. */
struct opener_answer {
	int err;
	uint32_t flags;
	int fds[OPENER_FDS_MAX];
	size_t n_fds;
	struct opener_error error;
};

/* Carries @request out. @answer: an empty one, to be filled. */
typedef void (*opener_handler_fn)(struct opener_server *server,
				  const struct opener_request *request,
				  struct opener_answer *answer);

/* A socket on which the machine asks. @fd: the server's; -1: a free place.
 * @serve: carries out any request of this channel (a rotator's); NULL: the table
 * says who does. @closed: called before the server closes the socket; NULL:
 * nothing to do. */
struct opener_channel {
	int fd;
	opener_handler_fn serve;
	void (*closed)(struct opener_channel *channel);
	void *arg;
};

/* The machine's own and a rotator for each capture, with room for captures that
 * are being stopped. */
#define OPENER_CHANNELS_MAX 128

/* @config, @options: borrowed. @serving: the channel of the request that is being
 * carried out. @ready: the machine has said that it runs. @reloading: it is to
 * say so again, with its log opened anew. @given: bit per enum opener_thing.
 * @terminal: the console is a terminal. @gave_tap: by backend, for those that
 * are descriptors. @capture_dirs: of the patterns, in their order. @resolv_conf:
 * its path, absolute. */
struct opener_server {
	const struct machine_config *config;
	const struct launch_options *options;
	struct opener_channel channels[OPENER_CHANNELS_MAX];
	struct opener_channel *serving;
	bool ready;
	bool reloading;
	struct notify notify;
	uint32_t given;
	bool terminal;
	struct console_file console_in, console_out;
	struct unix_listener control, metrics;
	bool gave_tap[CONFIG_MAX_BACKENDS + CONFIG_MAX_NICS];
	int capture_dirs[CONFIG_MAX_CAPTURES];
	size_t n_capture_dirs;
	const char *resolv_conf;
};

/* Without a channel. @config, @options: borrowed. */
void opener_server_init(struct opener_server *server,
			const struct machine_config *config,
			const struct launch_options *options);

/* Closes all channels, removes the sockets, puts the terminal back. */
void opener_server_fini(struct opener_server *server);

/* Fills @fds, which has room for OPENER_CHANNELS_MAX, with what to wait for.
 * Returns how many. */
size_t opener_server_poll(const struct opener_server *server,
			  struct pollfd *fds);

/* Carries out a request of each channel that has one; never waits. False: there
 * was none. */
bool opener_server_serve(struct opener_server *server);

/* A socket pair: @channel is served from now on, the other end goes to the
 * machine. That end, or -errno. */
int opener_server_add(struct opener_server *server,
		      const struct opener_channel *channel) MUST_CHECK;

/* For handlers: says @err (negative errno) with a line for people, or adds a
 * descriptor. */
void opener_answer_fail(struct opener_answer *answer, int err, const char *fmt,
			...) PRINTF_LIKE(3, 4);
void opener_answer_fd(struct opener_answer *answer, int fd);

/*
 * For start-up only: a machine whose opener was killed may be letting go of a
 * tap, a socket or the pidfile just now. Calls @attempt until it returns
 * something else than -EBUSY or -EADDRINUSE, for up to a second.
 */
int opener_retry(int (*attempt)(void *arg), void *arg) MUST_CHECK;

/* Gives back what opener_files.c holds. */
void opener_files_fini(struct opener_server *server);

/* Opens the directories of captures. 0, or -errno and @error. Closes them. */
int opener_captures_init(struct opener_server *server,
			 struct opener_error *error) MUST_CHECK;
void opener_captures_fini(struct opener_server *server);

/* The handlers: opener_files.c, opener_tap.c, opener_capture.c,
 * opener_sockets.c. */
void opener_serve_thing(struct opener_server *server,
			const struct opener_request *request,
			struct opener_answer *answer);
void opener_serve_tap(struct opener_server *server,
		      const struct opener_request *request,
		      struct opener_answer *answer);
void opener_serve_link(struct opener_server *server,
		       const struct opener_request *request,
		       struct opener_answer *answer);
void opener_serve_steering(struct opener_server *server,
			   const struct opener_request *request,
			   struct opener_answer *answer);
void opener_serve_capture(struct opener_server *server,
			  const struct opener_request *request,
			  struct opener_answer *answer);
void opener_serve_listen(struct opener_server *server,
			 const struct opener_request *request,
			 struct opener_answer *answer);
void opener_serve_resolv_conf(struct opener_server *server,
			      const struct opener_request *request,
			      struct opener_answer *answer);
void opener_serve_ready(struct opener_server *server,
			const struct opener_request *request,
			struct opener_answer *answer);

#endif
