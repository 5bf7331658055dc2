/* SPDX-License-Identifier: MIT */
/*
 * Wrapper: passes on what a wrapper does not change.
 *
 * get_queues makes the wrapper's queues first, since one may want to be the
 * client of its inner queue, then asks the inner endpoint and joins each pair.
 * The answer, good or bad, is the inner endpoint's.
 */
#include "net/wrapper.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void inner_action(void *arg, struct net_action action)
{
	struct net_wrapper *w = arg;

	if (!w->ops->action || w->ops->action(w, &action))
		net_endpoint_raise(&w->base, action);
	net_endpoint_wait_for_action(w->inner, inner_action, w);
}

void net_wrapper_init(struct net_wrapper *w,
		      const struct net_endpoint_ops *endpoint_ops,
		      const struct net_wrapper_ops *ops, struct loop *loop,
		      struct net_endpoint *inner)
{
	memset(w, 0, sizeof(*w));
	net_endpoint_init(&w->base, endpoint_ops, loop);
	w->ops = ops;
	w->inner = inner;
	net_endpoint_wait_for_action(inner, inner_action, w);
}

static void request_end(struct net_wrapper *w)
{
	free(w->configs);
	free(w->made);
	free(w->inner_queues);
	w->configs = NULL;
	w->made = NULL;
	w->inner_queues = NULL;
}

static void destroy_made(struct net_wrapper *w, size_t n)
{
	while (n)
		net_queue_destroy(&w->made[--n]->base);
}

static void inner_queues_done(void *arg, int err)
{
	struct net_wrapper *w = arg;

	if (err < 0)
		destroy_made(w, w->n);
	for (size_t i = 0; !err && i < w->n; i++) {
		w->made[i]->inner = w->inner_queues[i];
		w->out[i] = &w->made[i]->base;
	}
	request_end(w);
	net_endpoint_done(&w->base, err);
}

static int make_queues(struct net_wrapper *w,
		       const struct net_queue_config *configs)
{
	w->configs = calloc(w->n, sizeof(*w->configs));
	w->made = calloc(w->n, sizeof(struct net_wrapper_queue *));
	w->inner_queues = calloc(w->n, sizeof(struct net_queue *));
	if (!w->configs || !w->made || !w->inner_queues)
		return -ENOMEM;
	for (size_t i = 0; i < w->n; i++) {
		int err;

		w->configs[i] = configs[i];
		err = w->ops->make(w, &configs[i], i, &w->configs[i],
				   &w->made[i]);
		if (err < 0) {
			destroy_made(w, i);
			return err;
		}
		/* Both count in the same place, whoever owns it. */
		w->configs[i].stats = w->made[i]->base.stats;
	}
	return 0;
}

void net_wrapper_get_queues(struct net_endpoint *ep,
			    const struct net_queue_config *configs, size_t n,
			    const struct net_rss_config *rss,
			    struct net_queue **out)
{
	struct net_wrapper *w = net_wrapper_of(ep);
	int err;

	w->n = n;
	w->out = out;
	err = make_queues(w, configs);
	if (!err) {
		err = net_endpoint_get_queues(w->inner, w->configs, n, rss,
					      w->inner_queues,
					      inner_queues_done, w);
		if (err < 0)
			destroy_made(w, n);
	}
	if (err < 0) {
		request_end(w);
		net_endpoint_done(ep, err);
	}
}

static void inner_done(void *arg, int err)
{
	struct net_wrapper *w = arg;

	net_endpoint_done(&w->base, err);
}

void net_wrapper_stop(struct net_endpoint *ep)
{
	struct net_wrapper *w = net_wrapper_of(ep);
	int err = net_endpoint_stop(w->inner, inner_done, w);

	if (err < 0)
		net_endpoint_done(ep, err);
}

void net_wrapper_destroy(struct net_endpoint *ep)
{
	struct net_wrapper *w = net_wrapper_of(ep);

	net_endpoint_destroy(w->inner);
	w->inner = NULL;
	w->ops->release(w);
}

bool net_wrapper_is_ordered(const struct net_endpoint *ep)
{
	return net_endpoint_is_ordered(net_wrapper_of_const(ep)->inner);
}

bool net_wrapper_vnet_hdr(const struct net_endpoint *ep)
{
	return net_endpoint_vnet_hdr(net_wrapper_of_const(ep)->inner);
}

struct net_tx_offloads net_wrapper_tx_offload_support(
	const struct net_endpoint *ep)
{
	return net_endpoint_tx_offload_support(net_wrapper_of_const(ep)->inner);
}

struct net_rx_offloads net_wrapper_rx_offload_support(
	const struct net_endpoint *ep)
{
	return net_endpoint_rx_offload_support(net_wrapper_of_const(ep)->inner);
}

struct net_multiqueue net_wrapper_multiqueue_support(
	const struct net_endpoint *ep)
{
	return net_endpoint_multiqueue_support(net_wrapper_of_const(ep)->inner);
}

bool net_wrapper_tx_fast_completions(const struct net_endpoint *ep)
{
	return net_endpoint_tx_fast_completions(
		net_wrapper_of_const(ep)->inner);
}

uint64_t net_wrapper_link_speed(const struct net_endpoint *ep)
{
	return net_endpoint_link_speed(net_wrapper_of_const(ep)->inner);
}

bool net_wrapper_link_up(const struct net_endpoint *ep)
{
	return net_endpoint_link_up(net_wrapper_of_const(ep)->inner);
}

int net_wrapper_get_data_path_to_guest_vf(const struct net_endpoint *ep,
					  bool *use_vf)
{
	return net_endpoint_get_data_path_to_guest_vf(
		net_wrapper_of_const(ep)->inner, use_vf);
}

void net_wrapper_set_data_path_to_guest_vf(struct net_endpoint *ep, bool use_vf)
{
	struct net_wrapper *w = net_wrapper_of(ep);
	int err = net_endpoint_set_data_path_to_guest_vf(w->inner, use_vf,
							 inner_done, w);

	if (err < 0)
		net_endpoint_done(ep, err);
}

void net_wrapper_inspect(const struct net_endpoint *ep, struct inspect *in)
{
	inspect_begin(in, "inner");
	net_endpoint_inspect(net_wrapper_of_const(ep)->inner, in);
	inspect_end(in);
}

bool net_wrapper_poll_ready(struct net_queue *queue,
			    struct net_buffer_access *pool)
{
	return net_queue_poll_ready(net_wrapper_queue_of(queue)->inner, pool);
}

void net_wrapper_rx_avail(struct net_queue *queue,
			  struct net_buffer_access *pool,
			  const struct net_rx_id *ids, size_t n)
{
	net_queue_rx_avail(net_wrapper_queue_of(queue)->inner, pool, ids, n);
}

int net_wrapper_rx_poll(struct net_queue *queue, struct net_buffer_access *pool,
			struct net_rx_packet *out, size_t max, size_t *n)
{
	return net_queue_rx_poll(net_wrapper_queue_of(queue)->inner, pool, out,
				 max, n);
}

int net_wrapper_tx_avail(struct net_queue *queue,
			 struct net_buffer_access *pool,
			 const struct net_tx_seg *segs, size_t n,
			 struct net_tx_taken *taken)
{
	return net_queue_tx_avail(net_wrapper_queue_of(queue)->inner, pool,
				  segs, n, taken);
}

enum net_tx_error net_wrapper_tx_poll(struct net_queue *queue,
				      struct net_buffer_access *pool,
				      struct net_tx_id *out, size_t max,
				      size_t *n)
{
	return net_queue_tx_poll(net_wrapper_queue_of(queue)->inner, pool, out,
				 max, n);
}

void net_wrapper_update_target_vp(struct net_queue *queue, uint32_t vp)
{
	net_queue_update_target_vp(net_wrapper_queue_of(queue)->inner, vp);
}

void net_wrapper_queue_inspect(struct net_queue *queue, struct inspect *in)
{
	inspect_begin(in, "inner");
	net_queue_inspect(net_wrapper_queue_of(queue)->inner, in);
	inspect_end(in);
}

void net_wrapper_queue_fini(struct net_wrapper_queue *queue)
{
	if (queue->inner)
		net_queue_destroy(queue->inner);
	queue->inner = NULL;
}
