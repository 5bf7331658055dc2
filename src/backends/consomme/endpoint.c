/* SPDX-License-Identifier: MIT */
/*
 * The endpoint: it has the stack, lends it to the one queue that it makes, and
 * gets it back when that is destroyed.
 *
 * A queue is destroyed on its own loop. A call that comes there after the queue
 * has gone does no harm: the stack is nobody else's until the call is done. And
 * it does come: that loop ends only after the control loop has heard of the
 * queue's end, with what was posted before.
 */
#include "backends/consomme/endpoint.h"

#include "base/log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

struct consomme *consomme_of(struct net_endpoint *ep)
{
	return container_of(ep, struct consomme, base);
}

static void free_consomme(struct consomme *c)
{
	csm_stack_destroy(c->stack);
	csm_host_linux_destroy(c->host);
	csm_own_config_fini(&c->own);
	free(c);
}

/* Frees it when all that knows it is gone. */
static void maybe_free(struct consomme *c)
{
	if (c->destroyed && list_is_empty(&c->calls))
		free_consomme(c);
}

static int make_queue(struct net_endpoint *ep,
		      const struct net_queue_config *config, size_t index,
		      struct net_queue **out)
{
	struct consomme *c = consomme_of(ep);
	struct csm_queue *q =
		csm_queue_create(ep, config, c->stack, &c->attached);

	UNUSED(index);
	if (!q)
		return -ENOMEM;
	c->queue_loop = config->loop;
	atomic_store_explicit(&c->attached, true, memory_order_relaxed);
	*out = &q->base;
	return 0;
}

static void make_queues(struct consomme *c)
{
	if (!c->making || !list_is_empty(&c->calls))
		return;
	c->making = false;
	net_endpoint_make_queues(&c->base, c->configs, c->n_configs, c->out,
				 make_queue);
}

/* Where the stack is. */
static struct loop *stack_loop(struct consomme *c)
{
	bool attached =
		atomic_load_explicit(&c->attached, memory_order_acquire);

	return attached ? c->queue_loop : c->loop;
}

static void run_next(struct consomme *c);

static void call_done(struct loop_msg *msg)
{
	struct csm_call *call = container_of(msg, struct csm_call, msg);
	struct consomme *c = call->consomme;

	list_remove(&call->node);
	call->done(call);
	run_next(c);
	maybe_free(c);
}

static void call_run(struct loop_msg *msg)
{
	struct csm_call *call = container_of(msg, struct csm_call, msg);
	struct consomme *c = call->consomme;

	call->run(call, c->stack);
	msg->run = call_done;
	loop_post(c->loop, msg);
}

static void run_next(struct consomme *c)
{
	struct list *first = list_first(&c->calls);
	struct csm_call *call;

	if (!first) {
		make_queues(c);
		return;
	}
	call = container_of(first, struct csm_call, node);
	call->msg.run = call_run;
	loop_post(stack_loop(c), &call->msg);
}

void csm_call_start(struct consomme *c, struct csm_call *call)
{
	bool idle = list_is_empty(&c->calls);

	call->consomme = c;
	list_insert_before(&c->calls, &call->node);
	if (idle)
		run_next(c);
}

static void get_queues(struct net_endpoint *ep,
		       const struct net_queue_config *configs, size_t n,
		       const struct net_rss_config *rss, struct net_queue **out)
{
	struct consomme *c = consomme_of(ep);

	UNUSED(rss);
	c->configs = configs;
	c->n_configs = n;
	c->out = out;
	c->making = true;
	make_queues(c);
}

static void stop(struct net_endpoint *ep)
{
	net_endpoint_done(ep, 0);
}

static bool is_ordered(const struct net_endpoint *ep)
{
	UNUSED(ep);
	return true;
}

static struct net_tx_offloads tx_offloads(const struct net_endpoint *ep)
{
	UNUSED(ep);
	return (struct net_tx_offloads){
		.ipv4_header = true,
		.tcp = true,
		.udp = true,
		.tso = true,
		.uso = true,
	};
}

static struct net_rx_offloads rx_offloads(const struct net_endpoint *ep)
{
	UNUSED(ep);
	return (struct net_rx_offloads){
		.csum = true,
		.tso4 = true,
		.tso6 = true,
		.uso = true,
	};
}

static bool fast_completions(const struct net_endpoint *ep)
{
	UNUSED(ep);
	return true;
}

static void inspect_endpoint(const struct net_endpoint *ep, struct inspect *in)
{
	const struct consomme *c =
		container_of_const(ep, struct consomme, base);
	const struct consomme_config *config = &c->own.config;
	char text[CSM_ADDR_TEXT_MAX];

	inspect_bool(in, "ipv4", config->ipv4);
	inspect_bool(in, "ipv6", config->ipv6);
	inspect_str(in, "gateway", csm_addr_text(&config->gateway, text));
	inspect_str(in, "gateway6", csm_addr_text(&config->gateway6, text));
	inspect_str(in, "dns", csm_addr_text(&config->dns, text));
	inspect_bool(in, "restricted", config->restricted);
}

static void destroy(struct net_endpoint *ep)
{
	struct consomme *c = consomme_of(ep);

	c->destroyed = true;
	maybe_free(c);
}

static const struct net_endpoint_ops ops = {
	.type = "consomme",
	.get_queues = get_queues,
	.stop = stop,
	.is_ordered = is_ordered,
	.destroy = destroy,
	.tx_offload_support = tx_offloads,
	.rx_offload_support = rx_offloads,
	.tx_fast_completions = fast_completions,
	.inspect = inspect_endpoint,
};

/* The forwards of the description: their sockets, and then they are the
 * stack's. */
static int add_forwards(struct consomme *c, char error[CONSOMME_ERROR_MAX])
{
	const struct consomme_config *config = &c->own.config;
	int err = 0;

	for (size_t i = 0; i < config->n_forwards && err == 0; i++)
		err = csm_forward_open(c, &config->forwards[i], error);
	return err;
}

static int fail(char error[CONSOMME_ERROR_MAX], const char *what, int err)
{
	char cause[ERRNO_TEXT_MAX];

	(void)snprintf(error, CONSOMME_ERROR_MAX, "%s: %s", what,
		       errno_text(-err, cause, sizeof(cause)));
	return err;
}

int consomme_endpoint_create(const struct consomme_config *config,
			     struct loop *loop, char error[CONSOMME_ERROR_MAX],
			     struct net_endpoint **out)
{
	struct consomme *c = calloc(1, sizeof(*c));
	int err;

	if (!c)
		return fail(error, "consomme", -ENOMEM);
	c->loop = loop;
	list_init(&c->calls);
	err = csm_own_config_init(&c->own, config);
	if (err == 0)
		err = csm_host_linux_create(&c->host);
	if (err == 0)
		err = csm_stack_create(&c->own.config, c->host, &c->stack);
	if (err < 0) {
		(void)fail(error, "consomme", err);
		free_consomme(c);
		return err;
	}
	c->stack->peeks4 = !config->ring && csm_peek_probe(false);
	c->stack->peeks6 = !config->ring && csm_peek_probe(true);
	err = add_forwards(c, error);
	if (err < 0) {
		free_consomme(c);
		return err;
	}
	net_endpoint_init(&c->base, &ops, loop);
	*out = &c->base;
	return 0;
}
