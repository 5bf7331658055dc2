/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_BACKENDS_CONSOMME_DNS_H
#define EVNIC_BACKENDS_CONSOMME_DNS_H

/*
 * The DNS proxy's inside: dns.c answers what it can by itself, dns_proxy.c asks
 * the host's servers.
 *
 * Thread: that of the stack.
 */

#include "backends/consomme/dns_message.h"
#include "backends/consomme/resolv_conf.h"
#include "backends/consomme/stack.h"

/* @conf: the servers in use. @current: the one that answered last. */
struct csm_dns {
	struct csm_resolv_conf conf;
	size_t current;
};

/* Asks the servers the @len bytes at @msg, which are @query of the guest's, and
 * has it told the answer. @key: of its flow. */
void csm_dns_forward(struct csm_stack *stack, const struct csm_key *key,
		     const struct csm_dns_query *query, const uint8_t *msg,
		     size_t len);

/* Sends whoever asked an answer without records. */
void csm_dns_say(struct csm_stack *stack, const struct csm_key *key,
		 const struct csm_dns_query *query, enum csm_dns_rcode rcode);

#endif
