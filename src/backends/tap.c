/* SPDX-License-Identifier: MIT */
/*
 * The tap endpoint.
 *
 * The tap is taken over once, at creation, so that a bad one fails before
 * anything runs, and stays open until the endpoint is freed. Nothing that is done
 * with it later takes rights: whoever opened it may be another process. The
 * queues borrow the file descriptors. get_queues attaches as many queues as
 * it is asked for, sets the offloads that this frontend takes, says who steers,
 * and throws away what the host has sent before: frames of a time with other
 * offloads, or for a guest that was not there.
 *
 * When the interface is deleted the link goes down for good and the queues drop
 * what they are given; the endpoint goes on, and makes such queues again.
 */
#include "backends/tap.h"

#include "backends/tap_device.h"
#include "backends/tap_error.h"
#include "backends/tap_link.h"
#include "backends/tap_queue.h"
#include "backends/tap_steering.h"
#include "base/log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

struct tap_endpoint;

/* A queue has found the interface gone: its message. */
struct tap_gone {
	struct loop_msg msg;
	struct tap_endpoint *tap;
};

/* @gone: one for each queue that there may be. @is_gone: get_queues has found
 * the interface gone. */
struct tap_endpoint {
	struct net_endpoint base;
	struct loop *loop;
	struct tap_device device;
	struct tap_steering steering;
	struct tap_link link;
	struct log_limit log;
	bool is_gone;
	struct tap_gone gone[];
};

static struct tap_endpoint *tap_of(struct net_endpoint *endpoint)
{
	return container_of(endpoint, struct tap_endpoint, base);
}

static const struct tap_endpoint *tap_of_const(
	const struct net_endpoint *endpoint)
{
	return container_of_const(endpoint, struct tap_endpoint, base);
}

static int make_queue(struct net_endpoint *endpoint,
		      const struct net_queue_config *config, size_t index,
		      struct net_queue **out)
{
	struct tap_endpoint *tap = tap_of(endpoint);
	struct tap_queue *q = tap_queue_create(endpoint, config);

	if (!q)
		return -ENOMEM;
	q->name = tap->device.label;
	q->fd = tap->device.fds[index];
	q->index = index;
	q->gone = tap->is_gone;
	q->gone_loop = tap->loop;
	q->gone_msg = &tap->gone[index].msg;
	tap_rx_init(q, tap->steering.handover ? &tap->steering : NULL);
	tap_tx_init(q);
	tap_device_drain(&tap->device, index);
	*out = &q->base;
	return 0;
}

/* The interface has one set of offloads: what all queues take. */
static struct net_rx_offloads common_offloads(
	const struct net_queue_config *configs, size_t n)
{
	struct net_rx_offloads common = configs[0].rx_offloads;

	for (size_t i = 1; i < n; i++) {
		const struct net_rx_offloads *other = &configs[i].rx_offloads;

		common.csum &= other->csum;
		common.tso4 &= other->tso4;
		common.tso6 &= other->tso6;
		common.ecn &= other->ecn;
		common.uso &= other->uso;
	}
	return common;
}

/* Makes the interface ready for @n queues. An interface that is gone is. */
static int prepare(struct tap_endpoint *tap,
		   const struct net_queue_config *configs, size_t n,
		   const struct net_rss_config *rss)
{
	struct net_rx_offloads offloads = common_offloads(configs, n);
	int err = tap_device_set_offloads(&tap->device, &offloads);

	tap->is_gone = err == -EBADFD;
	if (tap->is_gone)
		return 0;
	if (!err)
		err = tap_device_set_active(&tap->device, n);
	if (!err)
		err = tap_steering_begin(&tap->steering, &tap->device, rss, n);
	return err;
}

static void tap_get_queues(struct net_endpoint *endpoint,
			   const struct net_queue_config *configs, size_t n,
			   const struct net_rss_config *rss,
			   struct net_queue **out)
{
	struct tap_endpoint *tap = tap_of(endpoint);
	char text[ERRNO_TEXT_MAX];
	int err;

	tap_device_set_nic(&tap->device, configs[0].nic);
	err = prepare(tap, configs, n, rss);
	if (err < 0) {
		log_limited(&tap->log, LOG_LEVEL_ERROR, "%s: %zu queues: %s",
			    tap->device.label, n,
			    errno_text(-err, text, sizeof(text)));
		net_endpoint_done(endpoint, err);
		return;
	}
	net_endpoint_make_queues(endpoint, configs, n, out, make_queue);
}

static void tap_stop(struct net_endpoint *endpoint)
{
	struct tap_endpoint *tap = tap_of(endpoint);

	tap_steering_end(&tap->steering);
	tap_device_set_nic(&tap->device, NULL);
	net_endpoint_done(endpoint, 0);
}

static bool tap_is_ordered(const struct net_endpoint *endpoint)
{
	UNUSED(endpoint);
	return true;
}

static bool tap_vnet_hdr(const struct net_endpoint *endpoint)
{
	UNUSED(endpoint);
	return true;
}

/* The kernel computes the sums of TCP and UDP and cuts frames; the IPv4 header's
 * sum is ours (tap_tx_head.c). */
static struct net_tx_offloads tap_tx_offloads(
	const struct net_endpoint *endpoint)
{
	return (struct net_tx_offloads){
		.ipv4_header = true,
		.tcp = true,
		.udp = true,
		.tso = true,
		.uso = tap_of_const(endpoint)->device.uso,
	};
}

static struct net_rx_offloads tap_rx_offloads(
	const struct net_endpoint *endpoint)
{
	return (struct net_rx_offloads){
		.csum = true,
		.tso4 = true,
		.tso6 = true,
		.ecn = true,
		.uso = tap_of_const(endpoint)->device.uso,
	};
}

static struct net_multiqueue tap_multiqueue(const struct net_endpoint *endpoint)
{
	size_t n = tap_of_const(endpoint)->device.n_fds;

	return (struct net_multiqueue){
		.max_queues = (uint16_t)n,
		.indirection_table_size = n > 1 ? NET_RSS_TABLE_MAX : 0,
	};
}

static bool tap_tx_fast_completions(const struct net_endpoint *endpoint)
{
	UNUSED(endpoint);
	return true;
}

static bool tap_link_up(const struct net_endpoint *endpoint)
{
	return tap_of_const(endpoint)->link.up;
}

static void tap_destroy(struct net_endpoint *endpoint)
{
	struct tap_endpoint *tap = tap_of(endpoint);

	tap_link_fini(&tap->link);
	tap_steering_end(&tap->steering);
	tap_device_close(&tap->device);
	free(tap);
}

static void tap_inspect(const struct net_endpoint *endpoint, struct inspect *in)
{
	const struct tap_endpoint *tap = tap_of_const(endpoint);

	inspect_str(in, "ifname", tap->device.name);
	inspect_u64(in, "attached_queues", tap->device.n_active);
	inspect_bool(in, "multi_queue", tap->device.multi_queue);
	inspect_str(in, "steering", tap_steering_text(&tap->steering));
	inspect_bool(in, "gone", tap->is_gone);
}

static const struct net_endpoint_ops tap_ops = {
	.type = "tap",
	.get_queues = tap_get_queues,
	.stop = tap_stop,
	.is_ordered = tap_is_ordered,
	.destroy = tap_destroy,
	.vnet_hdr = tap_vnet_hdr,
	.tx_offload_support = tap_tx_offloads,
	.rx_offload_support = tap_rx_offloads,
	.multiqueue_support = tap_multiqueue,
	.tx_fast_completions = tap_tx_fast_completions,
	.link_up = tap_link_up,
	.inspect = tap_inspect,
};

static void link_changed(struct tap_link *link)
{
	struct tap_endpoint *tap =
		container_of(link, struct tap_endpoint, link);
	struct net_action action = net_action_link(link->up);
	char name[IFNAMSIZ];

	action.lost =
		!link->up && tap_device_present_name(&tap->device, name) < 0;
	net_endpoint_raise(&tap->base, action);
}

static void gone_run(struct loop_msg *msg)
{
	struct tap_gone *gone = container_of(msg, struct tap_gone, msg);

	gone->tap->is_gone = true;
	tap_link_gone(&gone->tap->link);
}

int tap_endpoint_create(const struct tap_config *config, struct loop *loop,
			struct tap_error *err, struct net_endpoint **out)
{
	struct tap_device device;
	struct tap_endpoint *tap;
	int code = tap_device_open(&device, config, err);

	if (code < 0)
		return code;
	tap = calloc(1, sizeof(*tap) + device.n_fds * sizeof(tap->gone[0]));
	if (!tap) {
		tap_device_restore(&device);
		return tap_fail(err, -ENOMEM, "out of memory");
	}
	net_endpoint_init(&tap->base, &tap_ops, loop);
	tap->loop = loop;
	tap->device = device;
	tap->steering.load = config->load_steering;
	tap->steering.arg = config->arg;
	for (size_t i = 0; i < device.n_fds; i++)
		tap->gone[i] = (struct tap_gone){{.run = gone_run}, tap};
	tap_link_init(&tap->link, loop, &tap->device, config->link_fd,
		      link_changed);
	*out = &tap->base;
	return 0;
}
