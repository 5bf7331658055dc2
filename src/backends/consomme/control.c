/* SPDX-License-Identifier: MIT */
/*
 * What the machine asks of a running consomme: forwards, flows, name servers.
 *
 * The sockets of a forward are made on the control loop (they come from the
 * opener), and handed to the stack by a call.
 */
#include "backends/consomme/endpoint.h"

#include "backends/consomme/dns_message.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The sockets of a forward, one for each port: all, or none and an error. */
static int listen_all(struct consomme *c, const struct consomme_forward *f,
		      char error[CONSOMME_ERROR_MAX], int **out)
{
	const struct consomme_config *config = &c->own.config;
	int *fds = calloc(f->n_ports, sizeof(*fds));

	if (!fds) {
		(void)snprintf(error, CONSOMME_ERROR_MAX, "out of memory");
		return -ENOMEM;
	}
	for (uint16_t i = 0; i < f->n_ports; i++) {
		fds[i] = config->listen
				 ? config->listen(config->arg, f, i, error,
						  CONSOMME_ERROR_MAX)
				 : -ENOTSUP;
		if (fds[i] >= 0)
			continue;
		int err = fds[i];

		while (i--)
			close_fd(&fds[i]);
		free(fds);
		return err;
	}
	*out = fds;
	return 0;
}

int csm_forward_open(struct consomme *c, const struct consomme_forward *f,
		     char error[CONSOMME_ERROR_MAX])
{
	int *fds;
	int err;

	error[0] = '\0';
	err = listen_all(c, f, error, &fds);
	if (err < 0)
		return err;
	err = csm_forward_add(c->stack, f, fds);
	if (err < 0) {
		char cause[ERRNO_TEXT_MAX];
		char text[CONSOMME_FORWARD_TEXT_MAX];

		(void)snprintf(error, CONSOMME_ERROR_MAX, "%s: %s",
			       consomme_forward_text(f, text),
			       errno_text(-err, cause, sizeof(cause)));
	}
	free(fds);
	return err;
}

struct forward_call {
	struct csm_call call;
	struct consomme_forward forward;
	bool add;
	int *fds;
	int err;
	consomme_done_fn done;
};

static void forward_run(struct csm_call *call, struct csm_stack *stack)
{
	struct forward_call *f = container_of(call, struct forward_call, call);

	if (f->add)
		f->err = csm_forward_add(stack, &f->forward, f->fds);
	else
		f->err = csm_forward_remove(stack, &f->forward);
}

static const char *forward_error(int err)
{
	switch (err) {
	case 0:
		return "";
	case -EEXIST:
		return "there is such a forward already";
	case -ENOENT:
		return "there is no such forward";
	default:
		return "out of memory or descriptors";
	}
}

static void forward_done(struct csm_call *call)
{
	struct forward_call *f = container_of(call, struct forward_call, call);

	if (call->arg)
		f->done(call->arg, f->err, forward_error(f->err));
	free(f->fds);
	free(f);
}

static struct forward_call *forward_call_new(
	const struct consomme_forward *forward, bool add, consomme_done_fn done,
	void *arg)
{
	struct forward_call *f = calloc(1, sizeof(*f));

	if (!f)
		return NULL;
	f->call.run = forward_run;
	f->call.done = forward_done;
	f->call.arg = arg;
	f->forward = *forward;
	f->add = add;
	f->done = done;
	return f;
}

int consomme_forward_add(struct net_endpoint *ep,
			 const struct consomme_forward *forward,
			 consomme_done_fn done, void *arg,
			 char error[CONSOMME_ERROR_MAX])
{
	struct consomme *c = consomme_of(ep);
	struct forward_call *f = forward_call_new(forward, true, done, arg);
	int err;

	if (!f) {
		(void)snprintf(error, CONSOMME_ERROR_MAX, "out of memory");
		return -ENOMEM;
	}
	err = listen_all(c, forward, error, &f->fds);
	if (err < 0) {
		free(f);
		return err;
	}
	csm_call_start(c, &f->call);
	return 0;
}

int consomme_forward_remove(struct net_endpoint *ep,
			    const struct consomme_forward *forward,
			    consomme_done_fn done, void *arg)
{
	struct forward_call *f = forward_call_new(forward, false, done, arg);

	if (!f)
		return -ENOMEM;
	csm_call_start(consomme_of(ep), &f->call);
	return 0;
}

struct flows_call {
	struct csm_call call;
	consomme_flows_fn done;
	struct consomme_flow *flows;
	size_t max, n, total;
};

static void describe(const struct csm_stack *stack, const struct csm_flow *flow,
		     struct consomme_flow *out)
{
	*out = (struct consomme_flow){
		.proto = csm_flow_proto(flow),
		.state = csm_flow_state(flow),
		.inbound = flow->inbound,
		.guest = flow->key.guest,
		.far = flow->key.far,
		.guest_port = flow->key.guest_port,
		.far_port = flow->key.kind == CSM_FLOW_DNS ? CSM_DNS_PORT
							   : flow->key.far_port,
		.bytes_out = flow->out,
		.bytes_in = flow->in,
		.age_ms = (stack->now - flow->born) / CSM_MS,
		.idle_ms = (stack->now - flow->used) / CSM_MS,
	};
}

static void flows_run(struct csm_call *call, struct csm_stack *stack)
{
	struct flows_call *f = container_of(call, struct flows_call, call);

	stack->now = csm_host_now(stack->host);
	f->total = stack->flows.n;
	for (size_t i = 0; i < CSM_FLOW_KINDS; i++) {
		const struct list *head = &stack->flows.kinds[i].by_use;

		for (struct list *at = head->prev; at != head && f->n < f->max;
		     at = at->prev)
			describe(stack,
				 container_of(at, struct csm_flow, by_use),
				 &f->flows[f->n++]);
	}
}

static void flows_done(struct csm_call *call)
{
	struct flows_call *f = container_of(call, struct flows_call, call);

	if (call->arg)
		f->done(call->arg, f->flows, f->n, f->total);
	free(f->flows);
	free(f);
}

int consomme_flows(struct net_endpoint *ep, size_t max, consomme_flows_fn done,
		   void *arg)
{
	struct flows_call *f = calloc(1, sizeof(*f));

	if (!f)
		return -ENOMEM;
	f->flows = calloc(max ? max : 1, sizeof(*f->flows));
	if (!f->flows) {
		free(f);
		return -ENOMEM;
	}
	f->call.run = flows_run;
	f->call.done = flows_done;
	f->call.arg = arg;
	f->done = done;
	f->max = max;
	csm_call_start(consomme_of(ep), &f->call);
	return 0;
}

struct resolv_call {
	struct csm_call call;
	char text[];
};

static void resolv_run(struct csm_call *call, struct csm_stack *stack)
{
	csm_dns_set_resolv_conf(
		stack, container_of(call, struct resolv_call, call)->text);
}

static void resolv_done(struct csm_call *call)
{
	free(container_of(call, struct resolv_call, call));
}

void consomme_set_resolv_conf(struct net_endpoint *ep, const char *text)
{
	size_t len = strlen(text) + 1;
	struct resolv_call *r = calloc(1, sizeof(*r) + len);

	if (!r)
		return;
	r->call.run = resolv_run;
	r->call.done = resolv_done;
	memcpy(r->text, text, len);
	csm_call_start(consomme_of(ep), &r->call);
}

void consomme_forget(struct net_endpoint *ep, const void *arg)
{
	struct list *head = &consomme_of(ep)->calls;

	for (struct list *at = head->next; at != head; at = at->next) {
		struct csm_call *call = container_of(at, struct csm_call, node);

		if (call->arg == arg)
			call->arg = NULL;
	}
}
