/* SPDX-License-Identifier: MIT */
/*
 * Inbound forwards: sockets of the host's on which somebody may ask for the
 * guest.
 *
 * Connections are accepted a few at a time, so that a port with many callers
 * does not keep the others waiting; what is left epoll tells again. When a
 * connection cannot be accepted (no descriptors) or would have to be refused
 * (too many half open), all listeners are left alone for a while: the callers
 * wait in the kernel's queues, and nothing spins.
 */
#include "backends/consomme/tcp_life.h"

#include <errno.h>
#include <stdlib.h>

#define ACCEPT_BATCH 32
#define PAUSE	     (CSM_SEC / 4)

/* A port of a forward: a listening socket, or what UDP has for it. */
struct port {
	struct csm_source source;
	struct forward *forward;
	uint16_t guest_port;
	struct csm_udp_forward *udp;
};

struct forward {
	struct list node;
	struct csm_stack *stack;
	struct consomme_forward spec;
	struct port ports[];
};

/* @resume: ends a pause. */
struct csm_forwards {
	struct csm_stack *stack;
	struct list all;
	struct csm_timer resume;
};

/* Has all listeners watched for @events. */
static void watch_all(struct csm_forwards *f, uint32_t events)
{
	struct csm_host *host = f->stack->host;

	for (struct list *at = f->all.next; at != &f->all; at = at->next) {
		struct forward *forward =
			container_of(at, struct forward, node);

		for (uint16_t i = 0; i < forward->spec.n_ports; i++) {
			struct csm_source *source = &forward->ports[i].source;

			if (source->fd >= 0)
				(void)csm_host_rewatch(host, source->fd, events,
						       source);
		}
	}
}

static void pause_all(struct csm_stack *stack)
{
	struct csm_forwards *f = stack->forwards;

	watch_all(f, 0);
	if (!csm_timer_is_set(&f->resume))
		csm_timer_set(&stack->timers, &f->resume, stack->now + PAUSE);
}

static void resume_due(struct csm_timer *timer)
{
	watch_all(container_of(timer, struct csm_forwards, resume), EPOLLIN);
}

/* Is it an error of one connection, which another may not have (accept(2))? */
static bool is_passing(int err)
{
	switch (err) {
	case -ECONNABORTED:
	case -EINTR:
	case -EPROTO:
	case -ENETDOWN:
	case -ENOPROTOOPT:
	case -EHOSTDOWN:
	case -EHOSTUNREACH:
	case -EOPNOTSUPP:
	case -ENETUNREACH:
	case -EAFNOSUPPORT:
	case -EPERM:
		return true;
	default:
		return false;
	}
}

static void accept_failed(struct csm_stack *stack, int err)
{
	char cause[ERRNO_TEXT_MAX];

	stack->count.accept_failed++;
	if (is_passing(err))
		return;
	if (err == -EMFILE || err == -ENFILE)
		stack->count.out_of_fds++;
	log_limited(&stack->log, LOG_LEVEL_WARN,
		    "%s: a connection to a forward has to wait: accept: %s: "
		    "raise the limit of open files",
		    stack->config->name,
		    errno_text(-err, cause, sizeof(cause)));
	pause_all(stack);
}

static void listener_event(struct csm_source *source, uint32_t events)
{
	struct port *port = container_of(source, struct port, source);
	struct csm_stack *stack = port->forward->stack;

	UNUSED(events);
	for (int i = 0; i < ACCEPT_BATCH; i++) {
		struct csm_addr peer;
		uint16_t peer_port;
		int fd;

		if (!csm_tcp_may_open(stack)) {
			pause_all(stack);
			return;
		}
		fd = csm_host_accept(stack->host, source->fd, &peer,
				     &peer_port);
		if (fd == -EAGAIN)
			return;
		if (fd < 0) {
			accept_failed(stack, fd);
			return;
		}
		csm_tcp_accept(stack, fd, &peer, peer_port,
			       &port->forward->spec.guest, port->guest_port);
	}
}

static void close_ports(struct forward *forward)
{
	for (uint16_t i = 0; i < forward->spec.n_ports; i++) {
		struct port *port = &forward->ports[i];

		csm_udp_forward_destroy(port->udp);
		port->udp = NULL;
		if (port->source.fd >= 0)
			csm_host_close(forward->stack->host, port->source.fd);
		port->source.fd = -1;
	}
}

static void destroy_forward(struct forward *forward)
{
	close_ports(forward);
	list_remove(&forward->node);
	free(forward);
}

/* Takes @fd, which port @i has. */
static int open_port(struct forward *forward, uint16_t i, int fd)
{
	struct csm_stack *stack = forward->stack;
	const struct consomme_forward *spec = &forward->spec;
	struct port *port = &forward->ports[i];
	bool paused = csm_timer_is_set(&stack->forwards->resume);
	int err;

	port->guest_port = (uint16_t)(spec->guest_port + i);
	if (spec->proto == CONSOMME_UDP) {
		err = csm_udp_forward_create(stack, fd, &spec->guest,
					     port->guest_port, &port->udp);
		if (err < 0)
			csm_host_close(stack->host, fd);
		return err;
	}
	port->source.fd = fd;
	return csm_host_watch(stack->host, fd, paused ? 0 : EPOLLIN,
			      &port->source);
}

static struct forward *find(const struct csm_stack *stack,
			    const struct consomme_forward *spec)
{
	const struct list *all = &stack->forwards->all;

	for (struct list *at = all->next; at != all; at = at->next) {
		struct forward *forward =
			container_of(at, struct forward, node);
		const struct consomme_forward *is = &forward->spec;

		if (is->proto == spec->proto &&
		    csm_addr_equal(&is->host, &spec->host) &&
		    csm_addr_equal(&is->guest, &spec->guest) &&
		    is->host_port == spec->host_port &&
		    is->guest_port == spec->guest_port &&
		    is->n_ports == spec->n_ports)
			return forward;
	}
	return NULL;
}

int csm_forwards_create(struct csm_stack *stack)
{
	struct csm_forwards *f = calloc(1, sizeof(*f));

	if (!f)
		return -ENOMEM;
	f->stack = stack;
	list_init(&f->all);
	csm_timer_init(&f->resume, resume_due);
	stack->forwards = f;
	return 0;
}

void csm_forwards_destroy(struct csm_stack *stack)
{
	struct csm_forwards *f = stack->forwards;
	struct list *next;

	if (!f)
		return;
	for (struct list *at = f->all.next; at != &f->all; at = next) {
		next = at->next;
		destroy_forward(container_of(at, struct forward, node));
	}
	csm_timer_stop(&stack->timers, &f->resume);
	free(f);
	stack->forwards = NULL;
}

static struct forward *make_forward(struct csm_stack *stack,
				    const struct consomme_forward *spec)
{
	size_t n = spec->n_ports;
	struct forward *forward =
		calloc(1, sizeof(*forward) + n * sizeof(forward->ports[0]));

	if (!forward)
		return NULL;
	forward->stack = stack;
	forward->spec = *spec;
	list_init(&forward->node);
	for (size_t i = 0; i < n; i++) {
		forward->ports[i].forward = forward;
		forward->ports[i].source.fd = -1;
		forward->ports[i].source.event = listener_event;
	}
	return forward;
}

static void close_fds(struct csm_stack *stack, const int *fds, size_t n)
{
	for (size_t i = 0; i < n; i++)
		csm_host_close(stack->host, fds[i]);
}

int csm_forward_add(struct csm_stack *stack,
		    const struct consomme_forward *forward, const int *fds)
{
	struct forward *f;
	int err = 0;

	f = find(stack, forward) ? NULL : make_forward(stack, forward);
	if (!f) {
		close_fds(stack, fds, forward->n_ports);
		return find(stack, forward) ? -EEXIST : -ENOMEM;
	}
	for (uint16_t i = 0; i < forward->n_ports; i++) {
		err = open_port(f, i, fds[i]);
		if (err < 0) {
			close_fds(stack, fds + i + 1,
				  (size_t)forward->n_ports - i - 1);
			destroy_forward(f);
			return err;
		}
	}
	list_insert_before(&stack->forwards->all, &f->node);
	return 0;
}

int csm_forward_find(const struct csm_stack *stack,
		     const struct consomme_forward *forward)
{
	return find(stack, forward) ? 0 : -ENOENT;
}

int csm_forward_remove(struct csm_stack *stack,
		       const struct consomme_forward *forward)
{
	struct forward *f = find(stack, forward);

	if (!f)
		return -ENOENT;
	destroy_forward(f);
	return 0;
}

void csm_forwards_inspect(const struct csm_stack *stack, struct inspect *in)
{
	const struct list *all = &stack->forwards->all;
	size_t n = 0;

	for (struct list *at = all->next; at != all; at = at->next) {
		const struct forward *forward =
			container_of(at, struct forward, node);
		char text[CONSOMME_FORWARD_TEXT_MAX];

		inspect_begin_at(in, "forward", n++);
		inspect_str(in, "rule",
			    consomme_forward_text(&forward->spec, text));
		inspect_end(in);
	}
}
