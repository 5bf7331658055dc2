/* SPDX-License-Identifier: MIT */
/*
 * UDP: whose datagram it is, and how long a flow lives.
 *
 * Datagrams for the stack itself are DHCP and DNS. All others belong to a flow,
 * which the first one makes: a socket connected to where the policy lets it go.
 *
 * A flow ends when nothing has come or gone for a while (RFC 4787, 4.3 asks for
 * two minutes or more, once it is answered). A timer is not moved for each
 * datagram: when it fires it looks whether it is time yet.
 */
#include "backends/consomme/udp.h"

#include "backends/consomme/build.h"
#include "backends/consomme/dns_message.h"
#include "backends/consomme/icmp.h"
#include "backends/consomme/sock_error.h"

#include <errno.h>
#include <stdlib.h>

#define DHCP_PORT    67
#define DHCP6_PORT   547
#define TIMEOUT	     (30 * CSM_SEC)
#define TIMEOUT_LONG (180 * CSM_SEC) /* once it is answered */
#define TIMEOUT_DNS  (10 * CSM_SEC)  /* one answer is all there will be */

static uint64_t timeout(const struct csm_udp *udp)
{
	const struct csm_key *key = &udp->flow.key;

	if ((udp->flow.inbound ? key->guest_port : key->far_port) ==
	    CSM_DNS_PORT)
		return TIMEOUT_DNS;
	return udp->answered ? TIMEOUT_LONG : TIMEOUT;
}

static void time_is_up(struct csm_timer *timer)
{
	struct csm_udp *udp = container_of(timer, struct csm_udp, timer);
	struct csm_stack *stack = udp->flow.stack;
	uint64_t end = udp->flow.used + timeout(udp);

	if (stack->now < end)
		csm_timer_set(&stack->timers, timer, end);
	else
		csm_udp_end(udp);
}

static const char *state(const struct csm_flow *flow)
{
	return container_of_const(flow, struct csm_udp, flow)->answered
		       ? "answered"
		       : "unanswered";
}

static void end(struct csm_flow *flow)
{
	csm_udp_end(csm_udp_of(flow));
}

static void destroy(struct csm_flow *flow)
{
	free(csm_udp_of(flow));
}

static const struct csm_flow_ops udp_ops = {
	.proto = "udp",
	.state = state,
	.end = end,
	.destroy = destroy,
};

static void event(struct csm_source *source, uint32_t events)
{
	struct csm_udp *udp = container_of(source, struct csm_udp, flow.source);

	if (events & EPOLLERR)
		csm_udp_errors(udp);
	if (events & EPOLLIN)
		csm_sender_wake(udp->flow.stack, &udp->flow.sender);
}

struct csm_udp *csm_udp_create(struct csm_stack *stack,
			       const struct csm_key *key)
{
	struct csm_udp *udp = calloc(1, sizeof(*udp));

	if (!udp)
		return NULL;
	udp->flow.ops = &udp_ops;
	udp->flow.stack = stack;
	udp->flow.key = *key;
	udp->flow.source.event = event;
	udp->flow.source.fd = -1;
	csm_sender_init(&udp->flow.sender, csm_udp_turn);
	csm_timer_init(&udp->timer, time_is_up);
	list_init(&udp->by_use);
	return udp;
}

bool csm_udp_start(struct csm_stack *stack, struct csm_udp *udp)
{
	if (csm_flow_add(stack, &udp->flow) == 0) {
		csm_timer_set(&stack->timers, &udp->timer,
			      stack->now + timeout(udp));
		return true;
	}
	if (udp->flow.source.fd >= 0)
		csm_host_close(stack->host, udp->flow.source.fd);
	free(udp);
	return false;
}

void csm_udp_end(struct csm_udp *udp)
{
	csm_timer_stop(&udp->flow.stack->timers, &udp->timer);
	if (udp->forward)
		udp->forward->n_flows--;
	list_remove(&udp->by_use);
	csm_flow_bury(&udp->flow);
}

void csm_udp_used(struct csm_udp *udp, bool in, size_t len)
{
	if (in)
		udp->flow.in += len;
	else
		udp->flow.out += len;
	if (in != udp->flow.inbound)
		udp->answered = true;
	csm_flow_touch(&udp->flow);
	if (udp->forward) {
		list_remove(&udp->by_use);
		list_insert_before(&udp->forward->flows, &udp->by_use);
	}
}

int csm_udp_fd(const struct csm_udp *udp)
{
	return udp->forward ? udp->forward->source.fd : udp->flow.source.fd;
}

/* Gives @udp a socket that is connected to @host. */
static int connect_to(struct csm_udp *udp, const struct csm_addr *host,
		      uint16_t port)
{
	struct csm_stack *stack = udp->flow.stack;
	struct csm_source *source = &udp->flow.source;
	bool v6 = !csm_addr_is4(host);
	int fd = csm_host_socket(stack->host, CSM_SOCKET_UDP, v6);
	int err;

	if (fd < 0)
		return fd;
	source->fd = fd;
	err = csm_sock_error_enable(stack->host, fd, v6);
	if (err == 0)
		err = csm_host_connect(stack->host, fd, host, port);
	return err < 0 ? err
		       : csm_host_watch(stack->host, fd, EPOLLIN | EPOLLET,
					source);
}

/* The flow that begins with @in; NULL: it does not, and the guest knows. */
static struct csm_udp *open_flow(struct csm_stack *stack,
				 const struct csm_in *in,
				 const struct csm_key *key)
{
	struct csm_addr host;
	struct csm_udp *udp;
	int err = csm_stack_route(stack, &in->dst, &host);

	if (err < 0) {
		stack->count.refused++;
		csm_icmp_error(stack, in, -err, 0, NULL);
		return NULL;
	}
	udp = csm_udp_create(stack, key);
	if (!udp)
		return NULL;
	err = connect_to(udp, &host, in->dst_port);
	if (err < 0) {
		csm_udp_unsent(udp, in, err);
		if (udp->flow.source.fd >= 0)
			csm_host_close(stack->host, udp->flow.source.fd);
		free(udp);
		return NULL;
	}
	if (!csm_udp_start(stack, udp)) {
		stack->count.udp_dropped++;
		return NULL;
	}
	return udp;
}

static void group_input(struct csm_stack *stack, const struct csm_in *in)
{
	if (!in->v6 && in->dst_port == DHCP_PORT)
		csm_dhcp_input(stack, in);
	else if (in->v6 && in->dst_port == DHCP6_PORT)
		csm_dhcp6_input(stack, in);
	else
		stack->count.udp_dropped++;
}

static void own_input(struct csm_stack *stack, const struct csm_in *in)
{
	const struct consomme_config *c = stack->config;

	if (in->dst_port == CSM_DNS_PORT &&
	    csm_addr_equal(&in->dst, in->v6 ? &c->dns6 : &c->dns))
		csm_dns_input(stack, in);
	else if (in->dst_port == (in->v6 ? DHCP6_PORT : DHCP_PORT))
		group_input(stack, in);
	else
		csm_icmp_error(stack, in, ECONNREFUSED, 0, &in->dst);
}

void csm_udp_input(struct csm_stack *stack, const struct csm_in *in)
{
	struct csm_key key = {
		.guest = in->src,
		.far = in->dst,
		.guest_port = in->src_port,
		.far_port = in->dst_port,
		.kind = CSM_FLOW_UDP,
	};
	struct csm_flow *flow;
	struct csm_udp *udp;

	if (csm_addr_is_multicast(&in->dst) ||
	    csm_icmp_is_broadcast(stack, &in->dst)) {
		group_input(stack, in);
		return;
	}
	flow = csm_flow_find(&stack->flows, &key);
	if (flow) {
		csm_udp_send(csm_udp_of(flow), in);
		return;
	}
	if (csm_stack_is_own(stack, &in->dst)) {
		own_input(stack, in);
		return;
	}
	if (!in->src_port || !in->dst_port || csm_addr_is_any(&in->src)) {
		stack->count.udp_dropped++;
		return;
	}
	udp = open_flow(stack, in, &key);
	if (udp)
		csm_udp_send(udp, in);
}
