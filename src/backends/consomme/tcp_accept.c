/* SPDX-License-Identifier: MIT */
/*
 * Connections that come to the guest: somebody has connected to a forward, and
 * the guest is asked by a SYN.
 *
 * The guest sees the peer's own address where that can be (csm_policy_shows()),
 * otherwise the gateway's. The peer's port is kept, if there is no other
 * connection that the guest could confuse it with.
 */
#include "backends/consomme/policy.h"
#include "backends/consomme/tcp_life.h"

#include <errno.h>

/* Ports to try, from the dynamic range (RFC 6335). */
#define PORT_FIRST 49152
#define PORT_TRIES 16

static bool pick_port(struct csm_stack *stack, struct csm_key *key)
{
	for (int i = 0; i < PORT_TRIES; i++) {
		uint16_t random;

		if (!csm_flow_find(&stack->flows, key))
			return true;
		csm_host_random(stack->host, &random, sizeof(random));
		key->far_port = PORT_FIRST | random;
	}
	return false;
}

/* 0, -EHOSTUNREACH: the guest's address is not known; -EADDRINUSE: no port is
 * free. */
static int make_key(struct csm_stack *stack, const struct csm_addr *peer,
		    uint16_t peer_port, const struct csm_addr *guest,
		    uint16_t guest_port, struct csm_key *key)
{
	const struct consomme_config *c = stack->config;
	bool v6 = !csm_addr_is4(guest);

	*key = (struct csm_key){
		.guest = *guest,
		.guest_port = guest_port,
		.far = v6 ? c->gateway6 : c->gateway,
		.far_port = peer_port,
		.kind = CSM_FLOW_TCP,
	};
	if (csm_addr_is_any(guest) && !csm_stack_guest(stack, v6, &key->guest))
		return -EHOSTUNREACH;
	if (!stack->guest_known)
		return -EHOSTUNREACH;
	if (csm_policy_shows(c, &key->guest, peer))
		key->far = *peer;
	return pick_port(stack, key) ? 0 : -EADDRINUSE;
}

void csm_tcp_accept(struct csm_stack *stack, int fd,
		    const struct csm_addr *peer, uint16_t peer_port,
		    const struct csm_addr *guest, uint16_t guest_port)
{
	struct csm_key key;
	struct csm_tcp *tcp;
	int err;

	err = make_key(stack, peer, peer_port, guest, guest_port, &key);
	if (err == 0)
		err = csm_tcp_create(stack, &key, &tcp);
	if (err < 0) {
		stack->count.accept_failed++;
		csm_tcp_close_hard(stack, fd);
		return;
	}
	tcp->flow.inbound = true;
	tcp->flow.source.fd = fd;
	tcp->host = *peer;
	tcp->host_port = peer_port;
	tcp->state = CSM_TCP_SYN_SENT;
	csm_tcp_prepare(tcp, !csm_addr_is4(peer));
	if (csm_tcp_watch(tcp) < 0) {
		stack->count.accept_failed++;
		csm_tcp_end(tcp, true);
		return;
	}
	csm_tcp_life_start(tcp);
	csm_tcp_say(tcp, CSM_DUE_SYN);
}
