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

#include "base/inspect.h"
#include "machine/config.h"
#include "net/endpoint.h"
#include "net/event.h"

struct opener;
struct platform;

/* Names in the tables, by index; NULL past the last. */
const char *endpoint_kind_name(size_t i);
const char *frontend_kind_name(size_t i);

/* The kind behind a NIC that only names a host interface. */
int endpoint_kind_tap(void);

/* The kind that makes sockets of its own. */
int endpoint_kind_consomme(void);

/* One line: the thing, the cause and the cure. */
struct kind_error {
	char text[512];
};

/* What an endpoint is made of. @loop, @opener: borrowed for the endpoint's life.
 * @opener: opens what @config names; NULL: nobody does. @fd: a descriptor that
 * stands for what @config would name, the endpoint's if that is made; -1: none.
 * @mtu: of the NIC that it is for; CONFIG_ABSENT: not known. @sockets: the
 * threads may make sockets. */
struct endpoint_setup {
	const struct backend_config *config;
	struct loop *loop;
	struct opener *opener;
	int fd;
	int64_t mtu;
	bool sockets;
};

/* Makes an endpoint. 0, or -errno and @error. */
int endpoint_create(const struct endpoint_setup *setup,
		    struct kind_error *error,
		    struct net_endpoint **out) MUST_CHECK;

struct frontend;

/* What a NIC is made of. All is borrowed for the frontend's life, but for
 * @config, @mac and the array of loops, which are read in the call. @mac: 6
 * bytes. @queue_loops: a loop for each queue pair. @event: what the NIC has to
 * tell; it must not destroy the NIC. */
struct frontend_setup {
	const struct nic_config *config;
	const uint8_t *mac;
	enum config_transport transport;
	struct platform *platform;
	struct loop *loop;
	struct loop *const *queue_loops;
	uint16_t n_queue_pairs;
	struct net_endpoint *endpoint;
	net_event_fn event;
	void *event_arg;
};

/* Makes a NIC and plugs it in. 0, or -errno and @error. */
int frontend_create(const struct frontend_setup *setup,
		    struct kind_error *error, struct frontend **out) MUST_CHECK;

/* Puts the NIC back to what it was when it was made, whatever the guest is
 * doing with it. @done is called from the loop when none of its queues runs any
 * more. */
void frontend_reset(struct frontend *frontend, net_done_fn done, void *arg);

/* Stops all queues, or starts them again; rings are kept, and the guest may go
 * on using registers. @done is called from the loop, later than the call, when
 * that is so. 0, or -EBUSY (one of these is under way) and @done is never
 * called. Doing it twice is no error. */
int frontend_pause(struct frontend *frontend, void (*done)(void *arg),
		   void *arg) MUST_CHECK;
int frontend_resume(struct frontend *frontend, void (*done)(void *arg),
		    void *arg) MUST_CHECK;

/* The link as the user wants it, and as the guest sees it. */
void frontend_set_link(struct frontend *frontend, bool up);
bool frontend_link_up(const struct frontend *frontend);

/* Fills @in; @done is called from the loop, later than the call. 0, or -EBUSY
 * (one is under way) and @done is never called. */
int frontend_inspect(struct frontend *frontend, struct inspect *in,
		     void (*done)(void *arg), void *arg) MUST_CHECK;

/* Counters of a queue pair. Good as long as the frontend; any thread. */
const struct net_stats *frontend_stats(const struct frontend *frontend,
				       uint16_t pair);

/* Asks the guest to let the NIC go: @ejected is called from the loop when it
 * has, if it ever does. 0, or -ENOTSUP: a NIC of this kind stays. */
int frontend_request_unplug(struct frontend *frontend,
			    void (*ejected)(void *arg), void *arg) MUST_CHECK;

/* Unplugs and frees a NIC that was reset; what it has not answered it never
 * will. NULL is allowed. */
void frontend_destroy(struct frontend *frontend);

#endif
