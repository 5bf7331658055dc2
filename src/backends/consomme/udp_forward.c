/* SPDX-License-Identifier: MIT */
/*
 * UDP from outside to a port of the guest's.
 *
 * Each peer of a forward's socket is a flow. The guest sees the peer's own address
 * and port where it can: where its answer to that would come back to us as the
 * peer's. The host's loopback, the guest's own network and what else would not are
 * shown as the gateway. A peer whose name is taken (by another peer behind the
 * gateway, or by a flow that the guest began) gets another port: one of a few
 * that follow from who it is, so that it is found again without another table.
 *
 * Peers cost nothing to make up, so that a forward has at most half of all flows,
 * and its own longest silent one makes room.
 */
#include "backends/consomme/udp.h"

#include "backends/consomme/policy.h"
#include "backends/consomme/sock_error.h"

#include <errno.h>
#include <stdlib.h>

/* Names that a peer may have. */
#define NAMES_MAX 8

#define PORT_MIN 1024

/* The guest's address; false: not known yet. */
static bool guest_of(const struct csm_udp_forward *forward,
		     struct csm_addr *guest)
{
	*guest = forward->guest;
	if (!csm_addr_is_any(guest))
		return true;
	return csm_stack_guest(forward->stack, !csm_addr_is4(&forward->guest),
			       guest);
}

static bool is_peer(const struct csm_udp *udp, const struct csm_udp_peer *peer)
{
	return udp->peer.len == peer->len &&
	       memcmp(&udp->peer.name, &peer->name, peer->len) == 0;
}

/* A port for @peer's name number @i. */
static uint16_t other_port(const struct csm_udp_forward *forward,
			   const struct csm_udp_peer *peer, unsigned int i)
{
	uint8_t bytes[sizeof(peer->name) + 1];
	uint64_t hash;

	memcpy(bytes, &peer->name, sizeof(peer->name));
	bytes[sizeof(peer->name)] = (uint8_t)i;
	hash = csm_siphash(forward->stack->secret, bytes, sizeof(bytes));
	return (uint16_t)(PORT_MIN + hash % (UINT16_MAX + 1u - PORT_MIN));
}

/* The flow of @peer. NULL: there is none; @key: the name that it could have, kind
 * CSM_FLOW_KINDS if there is none left. */
static struct csm_udp *find(struct csm_udp_forward *forward,
			    const struct csm_addr *guest,
			    const struct csm_udp_peer *peer,
			    struct csm_key *free_key)
{
	struct csm_stack *stack = forward->stack;
	struct csm_key key = {
		.guest = *guest,
		.guest_port = forward->guest_port,
		.kind = CSM_FLOW_UDP,
	};
	struct sockaddr_storage name = {0};
	uint16_t port;
	bool shown;

	free_key->kind = CSM_FLOW_KINDS;
	memcpy(&name, &peer->name, sizeof(peer->name));
	if (csm_addr_from_sockaddr(&name, &key.far, &port) < 0)
		return NULL;
	shown = csm_policy_shows(stack->config, guest, &key.far);
	if (!shown)
		key.far = csm_addr_is4(guest) ? stack->config->gateway
					      : stack->config->gateway6;
	/* Behind the gateway's well-known ports is the gateway. */
	for (unsigned int i = !shown && port < PORT_MIN; i < NAMES_MAX; i++) {
		struct csm_flow *flow;

		key.far_port = i ? other_port(forward, peer, i) : port;
		flow = csm_flow_find(&stack->flows, &key);
		if (!flow && free_key->kind == CSM_FLOW_KINDS)
			*free_key = key;
		else if (flow && csm_udp_of(flow)->forward == forward &&
			 is_peer(csm_udp_of(flow), peer))
			return csm_udp_of(flow);
	}
	return NULL;
}

struct csm_udp *csm_udp_forward_find(struct csm_udp_forward *forward,
				     const struct csm_udp_peer *peer)
{
	struct csm_addr guest;
	struct csm_key key;

	return guest_of(forward, &guest) ? find(forward, &guest, peer, &key)
					 : NULL;
}

/* The flow of @peer, old or new; NULL: there is no place for it. */
static struct csm_udp *find_or_make(struct csm_udp_forward *forward,
				    const struct csm_addr *guest,
				    const struct csm_udp_peer *peer)
{
	struct csm_stack *stack = forward->stack;
	struct csm_key key;
	struct csm_udp *udp = find(forward, guest, peer, &key);

	if (udp || key.kind == CSM_FLOW_KINDS)
		return udp;
	if (forward->n_flows && forward->n_flows >= stack->config->max_udp / 2)
		csm_udp_end(container_of(list_first(&forward->flows),
					 struct csm_udp, by_use));
	udp = csm_udp_create(stack, &key);
	if (!udp)
		return NULL;
	udp->flow.inbound = true;
	if (!csm_udp_start(stack, udp))
		return NULL;
	udp->forward = forward;
	forward->n_flows++;
	list_insert_before(&forward->flows, &udp->by_use);
	return udp;
}

/* Has the socket, of one version or the other, tell errors and which address of
 * the host's a datagram has come to. */
static int set_options(struct csm_host *host, int fd)
{
	bool v6 = csm_sock_error_enable(host, fd, true) == 0;
	int err = v6 ? 0 : csm_sock_error_enable(host, fd, false);
	const int on = 1;

	if (err < 0)
		return err;
	return v6 ? csm_host_set(host, fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on,
				 sizeof(on))
		  : csm_host_set(host, fd, IPPROTO_IP, IP_PKTINFO, &on,
				 sizeof(on));
}

/* A datagram for a guest that is not there yet. */
static enum csm_turn discard(struct csm_udp_forward *forward)
{
	struct msghdr msg = {0};
	ssize_t n = csm_host_recv(forward->stack->host, forward->source.fd,
				  &msg, MSG_TRUNC);

	if (n < 0)
		return CSM_TURN_DONE;
	forward->stack->count.udp_dropped++;
	return CSM_TURN_MORE;
}

static enum csm_turn turn(struct csm_sender *sender, struct csm_out *out)
{
	struct csm_udp_forward *forward =
		container_of(sender, struct csm_udp_forward, sender);
	struct csm_stack *stack = forward->stack;
	struct csm_udp_rx rx = {0};
	struct csm_addr guest;
	struct csm_udp *udp;

	if (!guest_of(forward, &guest))
		return discard(forward);
	switch (csm_udp_receive(stack, forward->source.fd,
				!csm_addr_is4(&guest), &forward->gro, out,
				&rx)) {
	case CSM_UDP_NONE:
		return CSM_TURN_DONE;
	case CSM_UDP_NO_ROOM:
		return CSM_TURN_NO_ROOM;
	case CSM_UDP_LOST:
		return CSM_TURN_MORE;
	case CSM_UDP_GOT:
		break;
	}
	udp = find_or_make(forward, &guest, &rx.from);
	if (udp) {
		udp->peer = rx.from;
		csm_udp_deliver(udp, out, &rx);
	} else {
		stack->count.udp_dropped++;
	}
	return CSM_TURN_MORE;
}

static void event(struct csm_source *source, uint32_t events)
{
	struct csm_udp_forward *forward =
		container_of(source, struct csm_udp_forward, source);

	if (events & EPOLLERR)
		csm_udp_forward_errors(forward);
	if (events & EPOLLIN)
		csm_sender_wake(forward->stack, &forward->sender);
}

int csm_udp_forward_create(struct csm_stack *stack, int fd,
			   const struct csm_addr *guest, uint16_t guest_port,
			   struct csm_udp_forward **out)
{
	struct csm_udp_forward *forward = calloc(1, sizeof(*forward));
	int err;

	if (!forward)
		return -ENOMEM;
	forward->stack = stack;
	forward->guest = *guest;
	forward->guest_port = guest_port;
	forward->source.event = event;
	forward->source.fd = fd;
	csm_sender_init(&forward->sender, turn);
	list_init(&forward->flows);
	err = set_options(stack->host, fd);
	if (err == 0)
		err = csm_host_watch(stack->host, fd, EPOLLIN | EPOLLET,
				     &forward->source);
	if (err < 0) {
		free(forward);
		return err;
	}
	*out = forward;
	return 0;
}

void csm_udp_forward_destroy(struct csm_udp_forward *forward)
{
	struct list *node;

	if (!forward)
		return;
	while ((node = list_first(&forward->flows)))
		csm_udp_end(container_of(node, struct csm_udp, by_use));
	csm_sender_sleep(&forward->sender);
	csm_host_close(forward->stack->host, forward->source.fd);
	free(forward);
}
