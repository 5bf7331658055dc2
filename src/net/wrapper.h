/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_NET_WRAPPER_H
#define EVNIC_NET_WRAPPER_H

/*
 * Wrapper: an endpoint around an endpoint, with queues around its queues.
 *
 * A wrapper embeds struct net_wrapper, fills its own ops table with the
 * functions below where it adds nothing, and says how to make a queue. Each of
 * its queues embeds struct net_wrapper_queue and calls the inner queue through
 * net/queue.h. What an op of the wrapper does not change it passes on.
 *
 * The wrapper owns the inner endpoint: destroying it destroys both.
 *
 * Thread: as for endpoints and queues.
 */

#include "net/endpoint.h"

struct net_wrapper;
struct net_wrapper_queue;

struct net_wrapper_ops {
	/* Makes a queue for @inner's; base is made with net_queue_init() by
	 * this function, inner is set later, before any op. @inner_config: what
	 * the inner queue will be asked for, a copy of @config to change (the
	 * client, say). 0 and *@out, or -errno. */
	int (*make)(struct net_wrapper *w,
		    const struct net_queue_config *config, size_t index,
		    struct net_queue_config *inner_config,
		    struct net_wrapper_queue **out);
	/* An action of the inner endpoint, on its way out. False: it is not
	 * passed on. Optional. */
	bool (*action)(struct net_wrapper *w, struct net_action *action);
	/* Frees what embeds @w, and it; the inner endpoint is gone. */
	void (*release)(struct net_wrapper *w);
};

struct net_wrapper {
	struct net_endpoint base;
	const struct net_wrapper_ops *ops;
	struct net_endpoint *inner;
	struct net_queue_config *configs; /* of the request under way */
	struct net_wrapper_queue **made;
	struct net_queue **inner_queues;
	struct net_queue **out;
	size_t n;
};

struct net_wrapper_queue {
	struct net_queue base;
	struct net_queue *inner;
};

/* @inner: owned from now on, idle. @loop: the control loop. Waits for @inner's
 * actions from now on. */
void net_wrapper_init(struct net_wrapper *w,
		      const struct net_endpoint_ops *endpoint_ops,
		      const struct net_wrapper_ops *ops, struct loop *loop,
		      struct net_endpoint *inner);

/* For a wrapper's net_endpoint_ops. */
void net_wrapper_get_queues(struct net_endpoint *ep,
			    const struct net_queue_config *configs, size_t n,
			    const struct net_rss_config *rss,
			    struct net_queue **out);
void net_wrapper_stop(struct net_endpoint *ep);
void net_wrapper_destroy(struct net_endpoint *ep);
bool net_wrapper_is_ordered(const struct net_endpoint *ep);
bool net_wrapper_vnet_hdr(const struct net_endpoint *ep);
struct net_tx_offloads net_wrapper_tx_offload_support(
	const struct net_endpoint *ep);
struct net_rx_offloads net_wrapper_rx_offload_support(
	const struct net_endpoint *ep);
struct net_multiqueue net_wrapper_multiqueue_support(
	const struct net_endpoint *ep);
bool net_wrapper_tx_fast_completions(const struct net_endpoint *ep);
uint64_t net_wrapper_link_speed(const struct net_endpoint *ep);
bool net_wrapper_link_up(const struct net_endpoint *ep);
int net_wrapper_get_data_path_to_guest_vf(const struct net_endpoint *ep,
					  bool *use_vf);
void net_wrapper_set_data_path_to_guest_vf(struct net_endpoint *ep,
					   bool use_vf);
/* The inner endpoint as an object "inner". */
void net_wrapper_inspect(const struct net_endpoint *ep, struct inspect *in);

/* What every wrapper passes on, as initialisers in its table of ops; what comes
 * besides is what it may have an opinion of. */
#define NET_WRAPPER_PASSES_ON                                                 \
	.get_queues = net_wrapper_get_queues, .stop = net_wrapper_stop,       \
	.is_ordered = net_wrapper_is_ordered, .destroy = net_wrapper_destroy, \
	.rx_offload_support = net_wrapper_rx_offload_support,                 \
	.multiqueue_support = net_wrapper_multiqueue_support,                 \
	.tx_fast_completions = net_wrapper_tx_fast_completions,               \
	.link_speed = net_wrapper_link_speed, .link_up = net_wrapper_link_up, \
	.get_data_path_to_guest_vf = net_wrapper_get_data_path_to_guest_vf,   \
	.set_data_path_to_guest_vf = net_wrapper_set_data_path_to_guest_vf

/* For a wrapper queue's net_queue_ops: the op on the inner queue. */
bool net_wrapper_poll_ready(struct net_queue *queue,
			    struct net_buffer_access *pool);
void net_wrapper_rx_avail(struct net_queue *queue,
			  struct net_buffer_access *pool,
			  const struct net_rx_id *ids, size_t n);
int net_wrapper_rx_poll(struct net_queue *queue, struct net_buffer_access *pool,
			struct net_rx_packet *out, size_t max, size_t *n);
int net_wrapper_tx_avail(struct net_queue *queue,
			 struct net_buffer_access *pool,
			 const struct net_tx_seg *segs, size_t n,
			 struct net_tx_taken *taken);
enum net_tx_error net_wrapper_tx_poll(struct net_queue *queue,
				      struct net_buffer_access *pool,
				      struct net_tx_id *out, size_t max,
				      size_t *n);
void net_wrapper_update_target_vp(struct net_queue *queue, uint32_t vp);
void net_wrapper_queue_inspect(struct net_queue *queue, struct inspect *in);

/* For a wrapper queue's destroy: destroys the inner queue, if it came. The
 * caller frees its own object afterwards. */
void net_wrapper_queue_fini(struct net_wrapper_queue *queue);

static inline struct net_wrapper *net_wrapper_of(struct net_endpoint *ep)
{
	return container_of(ep, struct net_wrapper, base);
}

static inline const struct net_wrapper *net_wrapper_of_const(
	const struct net_endpoint *ep)
{
	return (const struct net_wrapper *)(const void *)ep;
}

static inline struct net_wrapper_queue *net_wrapper_queue_of(
	struct net_queue *queue)
{
	return container_of(queue, struct net_wrapper_queue, base);
}

#endif
