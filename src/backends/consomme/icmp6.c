/* SPDX-License-Identifier: MIT */
/*
 * ICMPv6 (RFC 4443): echo requests, also to all nodes and all routers; neighbour
 * and router discovery is in ndp.c. Listener reports (RFC 3810), which every
 * guest sends, are for switches.
 */
#include "backends/consomme/icmp.h"

#include <netinet/icmp6.h>
#include <netinet/in.h>

/* ff02::1 and ff02::2, of which we are. */
static bool is_all(const struct csm_addr *dst)
{
	static const struct csm_addr nodes = {{0xff, 2, [15] = 1}};
	static const struct csm_addr routers = {{0xff, 2, [15] = 2}};

	return csm_addr_equal(dst, &nodes) || csm_addr_equal(dst, &routers);
}

static void handle_echo(struct csm_stack *stack, const struct csm_in *in)
{
	const struct csm_addr *local = &stack->config->gateway6_local;

	if (csm_addr_is_any(&in->src))
		return;
	if (csm_stack_is_own(stack, &in->dst))
		csm_icmp_echo(stack, in, ICMP6_ECHO_REPLY, &in->dst);
	else if (is_all(&in->dst))
		csm_icmp_echo(stack, in, ICMP6_ECHO_REPLY, local);
	else
		csm_ping_input(stack, in);
}

void csm_icmp6_input(struct csm_stack *stack, const struct csm_in *in)
{
	uint8_t head[8];

	if (csm_in_copy(in, head, sizeof(head)) < sizeof(head))
		return;
	switch (head[0]) {
	case ICMP6_ECHO_REQUEST:
		handle_echo(stack, in);
		break;
	case ND_ROUTER_SOLICIT:
	case ND_NEIGHBOR_SOLICIT:
	case ND_NEIGHBOR_ADVERT:
		csm_ndp_input(stack, in);
		break;
	case ICMP6_DST_UNREACH:
		csm_icmp_told(stack, in, head[1] == ICMP6_DST_UNREACH_NOPORT);
		break;
	default:
		stack->count.icmp_ignored++;
	}
}
