/* SPDX-License-Identifier: MIT */
/*
 * The tap endpoint.
 *
 * The tap is opened once, at creation, so that a description which names a bad
 * one fails before anything runs, and stays open until the endpoint is freed.
 * The queue borrows the file descriptor. get_queues sets the offloads that this
 * frontend takes and throws away what the host has sent before: frames of a
 * time with other offloads, or for a guest that was not there.
 *
 * When the interface is deleted the link goes down for good and the queue drops
 * what it is given; the endpoint goes on, and makes such queues again.
 */
#include "backends/tap.h"

#include "backends/tap_device.h"
#include "backends/tap_link.h"
#include "backends/tap_queue.h"
#include "base/log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* @gone_msg: the queue has found the interface gone. */
struct tap_endpoint {
	struct net_endpoint base;
	struct loop *loop;
	struct tap_device device;
	struct tap_link link;
	struct loop_msg gone_msg;
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

/* Makes the queue, or returns -errno. */
static int make_queue(struct tap_endpoint *tap,
		      const struct net_queue_config *config,
		      struct net_queue **out)
{
	struct tap_queue *q;
	int err;

	err = tap_device_set_offloads(&tap->device, &config->rx_offloads);
	if (err < 0 && err != -EBADFD)
		return err;
	q = tap_queue_create(&tap->base, config);
	if (!q)
		return -ENOMEM;
	q->name = tap->device.name;
	q->fd = tap->device.fd;
	q->gone = err == -EBADFD;
	q->gone_loop = tap->loop;
	q->gone_msg = &tap->gone_msg;
	tap_rx_init(q);
	tap_tx_init(q);
	tap_device_drain(&tap->device);
	*out = &q->base;
	return 0;
}

static void tap_get_queues(struct net_endpoint *endpoint,
			   const struct net_queue_config *configs, size_t n,
			   const struct net_rss_config *rss,
			   struct net_queue **out)
{
	struct tap_endpoint *tap = tap_of(endpoint);
	char text[ERRNO_TEXT_MAX];
	int err;

	UNUSED(n); /* 1: multiqueue_support() says no more */
	UNUSED(rss);
	err = make_queue(tap, &configs[0], &out[0]);
	if (err < 0)
		log_error("%s: no queue: %s", tap->device.name,
			  errno_text(-err, text, sizeof(text)));
	net_endpoint_done(endpoint, err);
}

static void tap_stop(struct net_endpoint *endpoint)
{
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

/* The kernel computes the sums of TCP and UDP and cuts frames; it does not
 * touch the IPv4 header's sum. */
static struct net_tx_offloads tap_tx_offloads(
	const struct net_endpoint *endpoint)
{
	return (struct net_tx_offloads){
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
	tap_device_close(&tap->device);
	free(tap);
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
	.tx_fast_completions = tap_tx_fast_completions,
	.link_up = tap_link_up,
};

static void link_changed(struct tap_link *link)
{
	struct tap_endpoint *tap =
		container_of(link, struct tap_endpoint, link);

	net_endpoint_raise(&tap->base, net_action_link(link->up));
}

static void gone_run(struct loop_msg *msg)
{
	struct tap_endpoint *tap =
		container_of(msg, struct tap_endpoint, gone_msg);

	tap_link_gone(&tap->link);
}

int tap_endpoint_create(const struct tap_config *config, struct loop *loop,
			struct tap_error *err, struct net_endpoint **out)
{
	struct tap_endpoint *tap = calloc(1, sizeof(*tap));
	int code;

	if (!tap) {
		(void)snprintf(err->text, sizeof(err->text), "out of memory");
		return -ENOMEM;
	}
	code = tap_device_open(&tap->device, config, err);
	if (code < 0) {
		free(tap);
		return code;
	}
	net_endpoint_init(&tap->base, &tap_ops, loop);
	tap->loop = loop;
	tap->gone_msg.run = gone_run;
	tap_link_init(&tap->link, loop, &tap->device, link_changed);
	*out = &tap->base;
	return 0;
}
