/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_MACHINE_KINDS_H
#define EVNIC_MACHINE_KINDS_H

/*
 * The kinds of backends (endpoints) and of NICs (frontends): two tables. A new
 * kind is a row in one of them, with the function that makes one; keys of its
 * own are rows in keys.c.
 *
 * Thread: the control loop.
 */

#include "machine/config.h"
#include "net/endpoint.h"

struct platform;

/* Names in the tables, by index; NULL past the last. */
const char *endpoint_kind_name(size_t i);
const char *frontend_kind_name(size_t i);

/* The kind behind a NIC that only names a host interface. */
int endpoint_kind_tap(void);

/* One line: the thing, the cause and the cure. */
struct kind_error {
	char text[512];
};

/* Makes the endpoint that @config describes. 0, or -errno and @error. */
int endpoint_create(const struct backend_config *config, struct loop *loop,
		    struct kind_error *error,
		    struct net_endpoint **out) MUST_CHECK;

struct frontend;

/* What a NIC is made of. All is borrowed for the frontend's life, but for
 * @config, @mac and the array of loops, which are read in the call. @mac: 6
 * bytes. @queue_loops: a loop for each queue pair. */
struct frontend_setup {
	const struct nic_config *config;
	const uint8_t *mac;
	enum config_transport transport;
	struct platform *platform;
	struct loop *loop;
	struct loop *const *queue_loops;
	uint16_t n_queue_pairs;
	struct net_endpoint *endpoint;
};

/* Makes a NIC and plugs it in. 0, or -errno and @error. */
int frontend_create(const struct frontend_setup *setup,
		    struct kind_error *error, struct frontend **out) MUST_CHECK;

/* Puts the NIC back to what it was when it was made, whatever the guest is
 * doing with it. @done is called from the loop when none of its queues runs any
 * more. */
void frontend_reset(struct frontend *frontend, net_done_fn done, void *arg);

/* Unplugs and frees a NIC that was reset. NULL is allowed. */
void frontend_destroy(struct frontend *frontend);

#endif
