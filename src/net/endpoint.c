/* SPDX-License-Identifier: MIT */
/*
 * Endpoint: the wrappers, the defaults, and the two ways back to the caller.
 *
 * A request (get_queues, stop, set_data_path_to_guest_vf) is pending from its
 * call until its done function is called. The backend may answer from within
 * the call; the done function is called by a message in any case, so that a
 * caller never finds itself called back while it is still calling.
 *
 * Actions are kept as one flag for a restart and the last link state, so that
 * nothing is lost while nobody waits and nothing piles up.
 *
 * A message under way cannot be called back: an endpoint that is destroyed
 * while an action is under way is freed when the message arrives.
 */
#include "net/endpoint.h"

#include "base/checked.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

static void request_run(struct loop_msg *msg)
{
	struct net_endpoint *ep =
		container_of(msg, struct net_endpoint, request_msg);

	ep->request_pending = false;
	ep->request_done = false;
	ep->request_fn(ep->request_arg, ep->request_err);
}

static void action_run(struct loop_msg *msg)
{
	struct net_endpoint *ep =
		container_of(msg, struct net_endpoint, action_msg);
	net_action_fn fn = ep->action_fn;
	struct net_action action;

	ep->action_posted = false;
	if (ep->destroyed) {
		ep->ops->destroy(ep);
		return;
	}
	if (!fn)
		return;
	if (ep->restart_pending) {
		ep->restart_pending = false;
		action = (struct net_action){NET_ACTION_RESTART_REQUIRED,
					     ep->link_up, ep->lost};
	} else if (ep->link_pending) {
		ep->link_pending = false;
		action = (struct net_action){NET_ACTION_LINK_STATUS,
					     ep->link_up, ep->lost};
	} else {
		return;
	}
	ep->action_fn = NULL;
	fn(ep->action_arg, action);
}

static void action_deliver(struct net_endpoint *ep)
{
	if (!ep->action_fn || ep->action_posted)
		return;
	if (!ep->restart_pending && !ep->link_pending)
		return;
	ep->action_posted = true;
	loop_post(ep->loop, &ep->action_msg);
}

void net_endpoint_init(struct net_endpoint *ep,
		       const struct net_endpoint_ops *ops, struct loop *loop)
{
	assert(ops->type && ops->get_queues && ops->stop && ops->is_ordered &&
	       ops->destroy);
	memset(ep, 0, sizeof(*ep));
	ep->ops = ops;
	ep->loop = loop;
	atomic_init(&ep->live_queues, 0);
	ep->link_up = true;
	ep->request_msg.run = request_run;
	ep->action_msg.run = action_run;
}

void net_endpoint_done(struct net_endpoint *ep, int err)
{
	assert(ep->request_pending && !ep->request_done);
	assert(!ep->request_n ||
	       atomic_load(&ep->live_queues) == (err < 0 ? 0 : ep->request_n));
	for (size_t i = 0; err < 0 && i < ep->request_n; i++)
		ep->request_out[i] = NULL;
	ep->request_done = true;
	ep->request_err = err;
	loop_post(ep->loop, &ep->request_msg);
}

void net_endpoint_raise(struct net_endpoint *ep, struct net_action action)
{
	if (action.type == NET_ACTION_RESTART_REQUIRED) {
		ep->restart_pending = true;
	} else {
		ep->link_pending = true;
		ep->link_up = action.link_up;
		ep->lost = action.lost;
	}
	action_deliver(ep);
}

void net_endpoint_set_passer(struct net_endpoint *inner,
			     struct net_endpoint *passer)
{
	assert(!atomic_load(&inner->live_queues));
	inner->passer = passer;
}

void net_endpoint_queue_born(struct net_endpoint *ep)
{
	for (; ep; ep = ep->passer)
		atomic_fetch_add(&ep->live_queues, 1);
}

/* The innermost last: when it has no queues any more, nobody outside looks at
 * @ep on this thread. */
void net_endpoint_queue_died(struct net_endpoint *ep)
{
	struct net_endpoint *passer = ep->passer;

	if (passer)
		net_endpoint_queue_died(passer);
	atomic_fetch_sub(&ep->live_queues, 1);
}

unsigned int net_endpoint_live_queues(const struct net_endpoint *ep)
{
	return atomic_load(&ep->live_queues);
}

void net_endpoint_make_queues(struct net_endpoint *ep,
			      const struct net_queue_config *configs, size_t n,
			      struct net_queue **out, net_queue_make_fn make)
{
	int err = 0;
	size_t i;

	for (i = 0; i < n && !err; i++)
		err = make(ep, &configs[i], i, &out[i]);
	if (err < 0) {
		/* The last one was not made. */
		for (i--; i; i--)
			net_queue_destroy(out[i - 1]);
	}
	net_endpoint_done(ep, err);
}

const char *net_endpoint_type(const struct net_endpoint *ep)
{
	return ep->ops->type;
}

void net_endpoint_inspect(const struct net_endpoint *ep, struct inspect *in)
{
	inspect_str(in, "type", net_endpoint_type(ep));
	inspect_u64(in, "live_queues", net_endpoint_live_queues(ep));
	inspect_bool(in, "link_up", net_endpoint_link_up(ep));
	inspect_u64(in, "link_speed", net_endpoint_link_speed(ep));
	inspect_bool(in, "ordered", net_endpoint_is_ordered(ep));
	inspect_bool(in, "vnet_hdr", net_endpoint_vnet_hdr(ep));
	inspect_u64(in, "max_queues",
		    net_endpoint_multiqueue_support(ep).max_queues);
	if (ep->ops->inspect)
		ep->ops->inspect(ep, in);
}

/* @n, @out: the queues that the answer brings. */
static int request_begin(struct net_endpoint *ep, size_t n,
			 struct net_queue **out, net_done_fn done, void *arg)
{
	if (ep->request_pending)
		return -EBUSY;
	ep->request_pending = true;
	ep->request_n = n;
	ep->request_out = out;
	ep->request_fn = done;
	ep->request_arg = arg;
	return 0;
}

static bool rss_is_valid(const struct net_rss_config *rss, size_t table_size,
			 size_t n)
{
	if (rss->indirection_table_len > table_size || rss->unclassified >= n ||
	    rss->key_len != NET_RSS_KEY_LEN ||
	    !is_power_of_two(rss->indirection_table_len))
		return false;
	for (size_t i = 0; i < rss->indirection_table_len; i++) {
		if (rss->indirection_table[i] >= n)
			return false;
	}
	return true;
}

static int check_configs(struct net_endpoint *ep,
			 const struct net_queue_config *configs, size_t n,
			 const struct net_rss_config *rss)
{
	struct net_multiqueue mq = net_endpoint_multiqueue_support(ep);

	if (!n || n > mq.max_queues)
		return -EINVAL;
	if (rss && !rss_is_valid(rss, mq.indirection_table_size, n))
		return -EINVAL;
	for (size_t i = 0; i < n; i++) {
		if (!configs[i].rx_span)
			return -EINVAL;
		if (configs[i].vnet_hdr && !net_endpoint_vnet_hdr(ep))
			return -EINVAL;
	}
	return 0;
}

int net_endpoint_get_queues(struct net_endpoint *ep,
			    const struct net_queue_config *configs, size_t n,
			    const struct net_rss_config *rss,
			    struct net_queue **out, net_done_fn done, void *arg)
{
	int err;

	if (atomic_load(&ep->live_queues))
		return -EBUSY;
	err = request_begin(ep, n, out, done, arg);
	if (err < 0)
		return err;
	err = check_configs(ep, configs, n, rss);
	if (err < 0)
		net_endpoint_done(ep, err);
	else
		ep->ops->get_queues(ep, configs, n, rss, out);
	return 0;
}

int net_endpoint_stop(struct net_endpoint *ep, net_done_fn done, void *arg)
{
	int err;

	if (atomic_load(&ep->live_queues))
		return -EBUSY;
	err = request_begin(ep, 0, NULL, done, arg);
	if (err < 0)
		return err;
	ep->ops->stop(ep);
	return 0;
}

bool net_endpoint_is_ordered(const struct net_endpoint *ep)
{
	return ep->ops->is_ordered(ep);
}

bool net_endpoint_vnet_hdr(const struct net_endpoint *ep)
{
	return ep->ops->vnet_hdr && ep->ops->vnet_hdr(ep);
}

struct net_tx_offloads net_endpoint_tx_offload_support(
	const struct net_endpoint *ep)
{
	if (ep->ops->tx_offload_support)
		return ep->ops->tx_offload_support(ep);
	return (struct net_tx_offloads){0};
}

struct net_rx_offloads net_endpoint_rx_offload_support(
	const struct net_endpoint *ep)
{
	if (ep->ops->rx_offload_support)
		return ep->ops->rx_offload_support(ep);
	return (struct net_rx_offloads){0};
}

struct net_multiqueue net_endpoint_multiqueue_support(
	const struct net_endpoint *ep)
{
	if (ep->ops->multiqueue_support)
		return ep->ops->multiqueue_support(ep);
	return (struct net_multiqueue){.max_queues = 1};
}

bool net_endpoint_tx_fast_completions(const struct net_endpoint *ep)
{
	return ep->ops->tx_fast_completions && ep->ops->tx_fast_completions(ep);
}

uint64_t net_endpoint_link_speed(const struct net_endpoint *ep)
{
	if (ep->ops->link_speed)
		return ep->ops->link_speed(ep);
	return NET_LINK_SPEED_DEFAULT;
}

bool net_endpoint_link_up(const struct net_endpoint *ep)
{
	return ep->ops->link_up ? ep->ops->link_up(ep) : true;
}

int net_endpoint_get_data_path_to_guest_vf(const struct net_endpoint *ep,
					   bool *use_vf)
{
	if (ep->ops->get_data_path_to_guest_vf)
		return ep->ops->get_data_path_to_guest_vf(ep, use_vf);
	return -ENOTSUP;
}

int net_endpoint_set_data_path_to_guest_vf(struct net_endpoint *ep, bool use_vf,
					   net_done_fn done, void *arg)
{
	int err = request_begin(ep, 0, NULL, done, arg);

	if (err < 0)
		return err;
	if (ep->ops->set_data_path_to_guest_vf)
		ep->ops->set_data_path_to_guest_vf(ep, use_vf);
	else
		net_endpoint_done(ep, -ENOTSUP);
	return 0;
}

void net_endpoint_wait_for_action(struct net_endpoint *ep, net_action_fn fn,
				  void *arg)
{
	ep->action_fn = fn;
	ep->action_arg = arg;
	action_deliver(ep);
}

void net_endpoint_destroy(struct net_endpoint *ep)
{
	if (!ep)
		return;
	assert(!atomic_load(&ep->live_queues));
	assert(!ep->request_pending);
	ep->action_fn = NULL;
	ep->destroyed = true;
	if (!ep->action_posted)
		ep->ops->destroy(ep);
}
