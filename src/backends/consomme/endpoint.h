/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_BACKENDS_CONSOMME_ENDPOINT_H
#define EVNIC_BACKENDS_CONSOMME_ENDPOINT_H

/*
 * The endpoint behind consomme.h, and calls of its stack.
 *
 * The stack is where its queue is. Whoever wants something of it on the control
 * loop makes a *call*: a function that is run where the stack is, and another
 * that is run on the control loop afterwards. Calls are carried out one after
 * the other, and no queue is made meanwhile: so there is never a doubt who has
 * the stack.
 *
 * Thread: the control loop.
 */

#include "backends/consomme/own_config.h"
#include "backends/consomme/queue.h"
#include "backends/consomme/stack.h"
#include "base/list.h"
#include "net/endpoint.h"

/* @attached: a queue on @queue_loop has the stack; otherwise the control loop has
 * it. Set here, cleared there. @making: queues are wanted as soon as no call is
 * under way. */
struct consomme {
	struct net_endpoint base;
	struct loop *loop;
	struct csm_own_config own;
	struct csm_host *host;
	struct csm_stack *stack;
	atomic_bool attached;
	struct loop *queue_loop;
	struct list calls; /* the first is under way */
	bool making, destroyed;
	const struct net_queue_config *configs;
	size_t n_configs;
	struct net_queue **out;
};

/* @run: where the stack is; may use @stack. @done: on the control loop, then
 * frees the call; may use @arg only if it is not NULL. @arg: whose answer it is,
 * NULL once that is forgotten. */
struct csm_call {
	struct list node;
	struct loop_msg msg;
	struct consomme *consomme;
	void (*run)(struct csm_call *call, struct csm_stack *stack);
	void (*done)(struct csm_call *call);
	void *arg;
};

struct consomme *consomme_of(struct net_endpoint *ep);

/* Begins a call that the caller has allocated and whose functions and @arg it
 * has set. */
void csm_call_start(struct consomme *c, struct csm_call *call);

/* Makes the sockets of a forward and gives them to the stack, which is on the
 * control loop. 0, or -errno and @error. (control.c) */
int csm_forward_open(struct consomme *c, const struct consomme_forward *f,
		     char error[CONSOMME_ERROR_MAX]) MUST_CHECK;

#endif
