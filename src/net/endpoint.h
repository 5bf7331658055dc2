/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_NET_ENDPOINT_H
#define EVNIC_NET_ENDPOINT_H

/*
 * Endpoint: the host side of one NIC; it makes queues.
 *
 * Owner: the machine. Thread: the control loop, for everything here.
 *
 * States: idle -> (get_queues) -> running -> (its queues destroyed, each on its
 * own loop) -> (stop) -> idle. The functions refuse what does not fit the
 * state: get_queues with -EBUSY while queues live or a request is under way,
 * stop with -EBUSY while queues live.
 *
 * A request is answered by its done function, from the loop and later than the
 * call; there is one request at a time.
 */

#include "base/loop.h"
#include "net/queue.h"
#include "net/types.h"

#include <stdatomic.h>

/* 10 Gbit/s: what an endpoint says that does not know better. */
#define NET_LINK_SPEED_DEFAULT 10000000000ULL

typedef void (*net_done_fn)(void *arg, int err);

enum net_action_type {
	NET_ACTION_RESTART_REQUIRED, /* destroy the queues and get new ones */
	NET_ACTION_LINK_STATUS,	     /* the link is up or down now */
};

/* @lost: with LINK_STATUS: the link is down because the host's side has gone
 * (a tap that was deleted, a process that ended). */
struct net_action {
	enum net_action_type type;
	bool link_up;
	bool lost;
};

static inline struct net_action net_action_restart(void)
{
	return (struct net_action){.type = NET_ACTION_RESTART_REQUIRED};
}

static inline struct net_action net_action_link(bool up)
{
	return (struct net_action){
		.type = NET_ACTION_LINK_STATUS,
		.link_up = up,
	};
}

typedef void (*net_action_fn)(void *arg, struct net_action action);

/* What a backend implements; called through the functions below. get_queues,
 * stop and set_data_path_to_guest_vf end with one call of
 * net_endpoint_done(), from within or later. */
struct net_endpoint_ops {
	const char *type; /* "tap", "null", ... */
	/* Makes @n queues in @out, or none and an error. */
	void (*get_queues)(struct net_endpoint *ep,
			   const struct net_queue_config *configs, size_t n,
			   const struct net_rss_config *rss,
			   struct net_queue **out);
	void (*stop)(struct net_endpoint *ep);
	bool (*is_ordered)(const struct net_endpoint *ep);
	void (*destroy)(struct net_endpoint *ep);
	/* Optional; the default is in brackets. */
	bool (*vnet_hdr)(const struct net_endpoint *ep); /* [no] */
	struct net_tx_offloads (*tx_offload_support)(
		const struct net_endpoint *ep); /* [none] */
	struct net_rx_offloads (*rx_offload_support)(
		const struct net_endpoint *ep); /* [none] */
	struct net_multiqueue (*multiqueue_support)(
		const struct net_endpoint *ep); /* [1 queue, no table] */
	bool (*tx_fast_completions)(const struct net_endpoint *ep); /* [no] */
	uint64_t (*link_speed)(const struct net_endpoint *ep);
	bool (*link_up)(const struct net_endpoint *ep); /* [yes] */
	void (*inspect)(const struct net_endpoint *ep, struct inspect *in);
	int (*get_data_path_to_guest_vf)(const struct net_endpoint *ep,
					 bool *use_vf); /* [-ENOTSUP] */
	void (*set_data_path_to_guest_vf)(struct net_endpoint *ep,
					  bool use_vf); /* [-ENOTSUP] */
};

/* Embedded in a backend's endpoint, which fills it with net_endpoint_init().
 * The fields belong to endpoint.c. @passer: a wrapper that hands this
 * endpoint's queues out as they are; they live in both. */
struct net_endpoint {
	const struct net_endpoint_ops *ops;
	struct loop *loop;
	struct net_endpoint *passer;
	atomic_uint live_queues;
	bool request_pending;
	bool request_done; /* answered, the message is under way */
	int request_err;
	size_t request_n; /* the queues that the request brings */
	struct net_queue **request_out;
	net_done_fn request_fn;
	void *request_arg;
	struct loop_msg request_msg;
	bool restart_pending;
	bool link_pending;
	bool link_up, lost;
	bool action_posted;
	net_action_fn action_fn;
	void *action_arg;
	struct loop_msg action_msg;
	bool destroyed;
};

/* For the backend: at creation. @loop: the control loop, borrowed. */
void net_endpoint_init(struct net_endpoint *ep,
		       const struct net_endpoint_ops *ops, struct loop *loop);

/* For the backend: the answer to the pending request, 0 or -errno. */
void net_endpoint_done(struct net_endpoint *ep, int err);

/* For the backend: tells whoever waits for an action, now or as soon as
 * somebody does. Of several link states only the last is told. */
void net_endpoint_raise(struct net_endpoint *ep, struct net_action action);

/* For a wrapper that adds nothing to the queues: from now on the queues of
 * @inner count as queues of @passer too, and @passer's get_queues may pass
 * @inner's on. NULL: no more. Without live queues only. */
void net_endpoint_set_passer(struct net_endpoint *inner,
			     struct net_endpoint *passer);

/* For the backend and for queues: a queue of @ep has come or gone. */
void net_endpoint_queue_born(struct net_endpoint *ep);
void net_endpoint_queue_died(struct net_endpoint *ep);

/* For the backend, within get_queues: makes @n queues by @make, all or none,
 * and answers the request. @make: 0 and *@out, or -errno. */
typedef int (*net_queue_make_fn)(struct net_endpoint *ep,
				 const struct net_queue_config *config,
				 size_t index, struct net_queue **out);
void net_endpoint_make_queues(struct net_endpoint *ep,
			      const struct net_queue_config *configs, size_t n,
			      struct net_queue **out, net_queue_make_fn make);

const char *net_endpoint_type(const struct net_endpoint *ep);

/* Says what the endpoint is and how it is. */
void net_endpoint_inspect(const struct net_endpoint *ep, struct inspect *in);

/* Queues that have been made and not destroyed. Any thread; the number may be
 * a little old. */
unsigned int net_endpoint_live_queues(const struct net_endpoint *ep);

/* Makes @n queues, one for each configuration, in *@out (room for @n): all, or
 * none and @n times NULL. @rss: NULL for none. @configs, @rss and @out stay as
 * they are until done is called, which gets 0, -EINVAL (no queue, more queues
 * than multiqueue_support, rx_span 0, vnet_hdr without support, a larger
 * indirection table than is supported or an entry in it beyond @n) or what the
 * backend says. Returns 0, or -EBUSY and done is never called. */
int net_endpoint_get_queues(struct net_endpoint *ep,
			    const struct net_queue_config *configs, size_t n,
			    const struct net_rss_config *rss,
			    struct net_queue **out, net_done_fn done,
			    void *arg) MUST_CHECK;

/* Stops the endpoint: no I/O afterwards, until the next get_queues. */
int net_endpoint_stop(struct net_endpoint *ep, net_done_fn done,
		      void *arg) MUST_CHECK;

/* Do received buffers come back, and packets complete, in the order given? */
bool net_endpoint_is_ordered(const struct net_endpoint *ep);

/* Can its queues pass virtio-net headers through? */
bool net_endpoint_vnet_hdr(const struct net_endpoint *ep);

struct net_tx_offloads net_endpoint_tx_offload_support(
	const struct net_endpoint *ep);

/* The unfinished frames that its queues would deliver if they may. */
struct net_rx_offloads net_endpoint_rx_offload_support(
	const struct net_endpoint *ep);

struct net_multiqueue net_endpoint_multiqueue_support(
	const struct net_endpoint *ep);

/* A hint: transmits complete so quickly that kicks may be left off while some
 * are in flight. */
bool net_endpoint_tx_fast_completions(const struct net_endpoint *ep);

/* Bits per second. */
uint64_t net_endpoint_link_speed(const struct net_endpoint *ep);

/* The present state of the link; changes come as actions. */
bool net_endpoint_link_up(const struct net_endpoint *ep);

/* Does traffic go through a VF that the guest drives? 0 and *@use_vf, or
 * -ENOTSUP. */
int net_endpoint_get_data_path_to_guest_vf(const struct net_endpoint *ep,
					   bool *use_vf) MUST_CHECK;

/* Steers traffic to (or away from) a VF. done gets 0, -ENOTSUP or -errno.
 * Returns 0, or -EBUSY and done is never called. */
int net_endpoint_set_data_path_to_guest_vf(struct net_endpoint *ep, bool use_vf,
					   net_done_fn done,
					   void *arg) MUST_CHECK;

/* Has @fn called once, from the loop, with the next action. Call it again for
 * the one after. @fn NULL: nobody waits any more. */
void net_endpoint_wait_for_action(struct net_endpoint *ep, net_action_fn fn,
				  void *arg);

/* Frees the endpoint, which must be idle (debug builds check): at once, or from
 * the loop if an action is under way. Nobody is called any more. NULL is
 * allowed. */
void net_endpoint_destroy(struct net_endpoint *ep);

#endif
