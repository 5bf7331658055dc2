/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_BACKENDS_CONSOMME_ICMP_H
#define EVNIC_BACKENDS_CONSOMME_ICMP_H

/*
 * What the files of ICMP, ICMPv6 and ping share.
 *
 * Thread: that of the stack.
 */

#include "backends/consomme/stack.h"
#include "base/util.h"

/* How fast errors may be told: so many per second, and so many at once. */
#define CSM_ICMP_RATE  1000
#define CSM_ICMP_BURST 100

/* May another error be told now? It is paid for. (icmp.c) */
bool csm_icmp_spend(struct csm_stack *stack);

/* Does @dst mean everybody in the guest's IPv4 network? (icmp.c) */
bool csm_icmp_is_broadcast(const struct csm_stack *stack,
			   const struct csm_addr *dst);

/* Answers an echo request of either version to one of our own addresses, from
 * @src. @reply: the type that the answer has. (icmp.c) */
void csm_icmp_echo(struct csm_stack *stack, const struct csm_in *in,
		   uint8_t reply, const struct csm_addr *src);

/* The guest tells of an error: @quote is the packet that it is about, as far as
 * it is there, @port: nobody listens there. (icmp.c) */
void csm_icmp_told(struct csm_stack *stack, const struct csm_in *in, bool port);

/* An echo request to somebody outside. (ping.c) */
void csm_ping_input(struct csm_stack *stack, const struct csm_in *in);

#endif
