/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_TESTS_CONFORMANCE_BACKEND_H
#define EVNIC_TESTS_CONFORMANCE_BACKEND_H

/*
 * A row of the conformance suite: how to make one backend, and how to reach its
 * outer side. A new backend adds a row to rows.c and nothing else; a new
 * wrapper, an endpoint around another, adds one to wrappers.c. The suite runs
 * over every backend by itself and in every wrapper.
 */

#include "net/endpoint.h"

#include <sys/types.h>

/* @endpoint: set by open. @queue: its queue, set by the rig while there is one.
 * @state: the row's own. */
struct backend {
	struct net_endpoint *endpoint;
	struct net_queue *queue;
	void *state;
};

/* @name: for messages. @type to @tx_offloads: what the endpoint has to say.
 * @loops_back: what is sent is received. @reads_sent: it copies transmitted
 * bytes through guest_mem_read(). @allocates: it allocates for each packet.
 * @ignores_addresses: it does not look at what is sent.
 * @alone: not in wrappers, since another row of the same endpoint is.
 * @uso_varies: whether it offers USO depends on the host's kernel. @max_frame:
 * the longest frame that it carries. */
struct backend_row {
	const char *name;
	const char *type;
	bool ordered, vnet_hdr, fast;
	struct net_multiqueue multiqueue;
	struct net_tx_offloads tx_offloads;
	bool loops_back, reads_sent, allocates, ignores_addresses;
	bool uso_varies, alone;
	size_t max_frame;

	/* Once in a process, before all else; its children inherit what it
	 * does. Optional. */
	void (*prepare)(void);
	/* Makes the endpoint. 0, -ENOTSUP (this host cannot), -errno. On the
	 * control loop. */
	int (*open)(struct backend *b, struct loop *control);
	/* Ends what open made, after the endpoint was destroyed. */
	void (*close)(struct backend *b);
	/* A frame (without virtio-net header) arrives from outside. Optional:
	 * without it nothing arrives. On the queue's loop. */
	int (*arrive)(struct backend *b, const void *frame, size_t len);
	/* The oldest frame (without virtio-net header) that went out and was
	 * not taken yet: its length, or -EAGAIN. Optional. On the queue's
	 * loop. */
	ssize_t (*sent)(struct backend *b, void *frame, size_t size);
	/* Has it take @room packets and no more, until it is called again.
	 * SIZE_MAX: as many as come. Optional. On the queue's loop. */
	void (*squeeze)(struct backend *b, size_t room);
};

/* Puts a wrapper around @inner. 0 or -errno. On the control loop. */
typedef int (*wrapper_wrap_fn)(struct loop *control, struct net_endpoint *inner,
			       struct net_endpoint **out);

/* @describe: changes what an endpoint has to say, and may do, to what it has in
 * the wrapper; NULL: only its type changes, to @type. */
struct wrapper_row {
	const char *name;
	const char *type;
	wrapper_wrap_fn wrap;
	void (*describe)(struct backend_row *row);
};

extern const struct backend_row *const backend_rows[];
extern const size_t backend_rows_count;
extern const struct wrapper_row wrapper_rows[];
extern const size_t wrapper_rows_count;

/* A backend in a wrapper; @wrapper: NULL: by itself. */
struct pairing {
	const struct backend_row *backend;
	const struct wrapper_row *wrapper;
};

size_t pairings_count(void);
struct pairing pairing_at(size_t i);

extern const struct backend_row backend_null;
extern const struct backend_row backend_loopback;
extern const struct backend_row backend_consomme;
extern const struct backend_row backend_tap;
extern const struct backend_row backend_tap_mq;
extern const struct backend_row backend_script_now;
extern const struct backend_row backend_script_soon;
extern const struct backend_row backend_script_plain;

#endif
