/* SPDX-License-Identifier: MIT */
/*
 * What becomes of datagrams that do not arrive, told to the guest by ICMP as it
 * would be without us in between.
 *
 * ICMP errors about what a socket has sent are in its error queue. What a send
 * itself says (no route, forbidden by a firewall) is told with the guest's packet
 * at hand, and passed over in the queue.
 */
#include "backends/consomme/udp.h"

#include "backends/consomme/build.h"
#include "backends/consomme/sock_error.h"

#include <errno.h>

/* Read at one go. The queue's length is bounded by the socket's memory, and what
 * is left is told by the next event or found by the next send. */
#define ERRORS_MAX 64

/* Who says it, as the guest may know it. A refusal is the far end's own, whatever
 * its address is on the host; what the host itself or somebody of another IP
 * version says is the gateway's (NULL). */
static const struct csm_addr *sayer(const struct csm_udp *udp,
				    const struct csm_sock_error *error)
{
	const struct csm_addr *far = &udp->flow.key.far;

	if (error->err == ECONNREFUSED)
		return far;
	if (csm_addr_is4(far) != csm_addr_is4(&error->from) ||
	    csm_addr_is_any(&error->from) ||
	    csm_addr_is_loopback(&error->from) ||
	    csm_addr_is_link_local(&error->from))
		return NULL;
	return &error->from;
}

static void tell(const struct csm_udp *udp, const struct csm_sock_error *error)
{
	if (!error->local)
		csm_icmp_error_for(udp->flow.stack, &udp->flow.key, error->data,
				   error->n, error->n, error->err, error->mtu,
				   sayer(udp, error));
}

void csm_udp_errors(struct csm_udp *udp)
{
	struct csm_stack *stack = udp->flow.stack;
	struct csm_sock_error error = {0};

	for (int i = 0; i < ERRORS_MAX; i++) {
		if (csm_sock_error_next(stack->host, udp->flow.source.fd,
					&error) < 0)
			return;
		tell(udp, &error);
	}
}

void csm_udp_forward_errors(struct csm_udp_forward *forward)
{
	struct csm_sock_error error = {0};

	for (int i = 0; i < ERRORS_MAX; i++) {
		struct csm_udp_peer peer = {0};
		struct csm_udp *udp;

		if (csm_sock_error_next(forward->stack->host,
					forward->source.fd, &error) < 0)
			return;
		memcpy(&peer.name, &error.to, sizeof(peer.name));
		peer.len = error.to_len;
		udp = csm_udp_forward_find(forward, &peer);
		if (udp)
			tell(udp, &error);
	}
}

/* An error of a send as csm_icmp_error() knows it; 0: none to be told. */
static int told(int err)
{
	switch (err) {
	case -ECONNREFUSED:
	case -EHOSTUNREACH:
	case -ENETUNREACH:
	case -EACCES:
	case -EMSGSIZE:
		return -err;
	case -EPERM:
		return EACCES;
	case -ENETDOWN:
	case -EADDRNOTAVAIL:
		return ENETUNREACH;
	case -EHOSTDOWN:
		return EHOSTUNREACH;
	default:
		return 0;
	}
}

/* The path's MTU as a connected socket knows it; 0: it does not. */
static uint32_t path_mtu(const struct csm_udp *udp)
{
	int fd = udp->flow.source.fd, mtu = 0;
	socklen_t len = sizeof(mtu);
	struct csm_host *host = udp->flow.stack->host;
	int err;

	if (fd < 0)
		return 0;
	err = csm_addr_is4(&udp->flow.key.far)
		      ? csm_host_get(host, fd, IPPROTO_IP, IP_MTU, &mtu, &len)
		      : csm_host_get(host, fd, IPPROTO_IPV6, IPV6_MTU, &mtu,
				     &len);
	return err < 0 || mtu < 0 ? 0 : (uint32_t)mtu;
}

void csm_udp_unsent(struct csm_udp *udp, const struct csm_in *in, int err)
{
	struct csm_stack *stack = udp->flow.stack;
	int icmp = told(err);

	stack->count.udp_dropped++;
	if (err == -EMFILE || err == -ENFILE)
		stack->count.out_of_fds++;
	if (icmp)
		csm_icmp_error(stack, in, icmp,
			       icmp == EMSGSIZE ? path_mtu(udp) : 0,
			       icmp == ECONNREFUSED ? &in->dst : NULL);
}
