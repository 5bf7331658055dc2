/* SPDX-License-Identifier: MIT */
/*
 * ARP (RFC 826): where the stack's IPv4 addresses are.
 *
 * Asked for are the gateway, the name server and the aliases; nobody else lives
 * in this network, so that a guest that tests an address before it takes it
 * (RFC 5227) hears nothing, unless it is one of ours. What the guest says of
 * itself is believed: its address is where flows from outside go.
 */
#include "backends/consomme/stack.h"

#include "base/bytes.h"

#include <string.h>

#define ARP_LEN	     28
#define ARP_ETHERNET 1
#define ARP_REQUEST  1
#define ARP_REPLY    2

/* Where fields are in the packet. */
enum {
	AT_HTYPE = 0,
	AT_PTYPE = 2,
	AT_HLEN = 4,
	AT_PLEN = 5,
	AT_OP = 6,
	AT_SENDER_MAC = 8,
	AT_SENDER_IP = 14,
	AT_TARGET_MAC = 18,
	AT_TARGET_IP = 24,
};

static bool is_arp(const uint8_t *arp)
{
	uint16_t op = load_be16(arp + AT_OP);

	return load_be16(arp + AT_HTYPE) == ARP_ETHERNET &&
	       load_be16(arp + AT_PTYPE) == NET_ETHERTYPE_IPV4 &&
	       arp[AT_HLEN] == 6 && arp[AT_PLEN] == 4 &&
	       (op == ARP_REQUEST || op == ARP_REPLY) &&
	       !(arp[AT_SENDER_MAC] & 1);
}

static void learn(struct csm_stack *stack, const struct csm_addr *sender)
{
	if (csm_prefix_has(&stack->config->network, sender) &&
	    !csm_stack_has(stack, sender))
		stack->guest4 = *sender;
}

static void answer(struct csm_stack *stack, const uint8_t *request)
{
	uint8_t frame[NET_ETHERNET_LEN + ARP_LEN];
	uint8_t *arp = frame + NET_ETHERNET_LEN;

	memcpy(frame, request + AT_SENDER_MAC, 6);
	memcpy(frame + 6, stack->config->mac, 6);
	store_be16(frame + 12, NET_ETHERTYPE_ARP);
	memcpy(arp, request, AT_OP);
	store_be16(arp + AT_OP, ARP_REPLY);
	memcpy(arp + AT_SENDER_MAC, stack->config->mac, 6);
	memcpy(arp + AT_SENDER_IP, request + AT_TARGET_IP, 4);
	memcpy(arp + AT_TARGET_MAC, request + AT_SENDER_MAC, 6);
	memcpy(arp + AT_TARGET_IP, request + AT_SENDER_IP, 4);
	csm_reply(stack, frame, sizeof(frame));
}

void csm_arp_input(struct csm_stack *stack, const struct csm_in *in)
{
	struct csm_addr sender, target;
	uint8_t arp[ARP_LEN];

	if (csm_in_copy(in, arp, sizeof(arp)) < sizeof(arp) || !is_arp(arp))
		return;
	stack->count.arp++;
	sender = csm_addr_from4(arp + AT_SENDER_IP);
	target = csm_addr_from4(arp + AT_TARGET_IP);
	learn(stack, &sender);
	if (load_be16(arp + AT_OP) == ARP_REQUEST &&
	    csm_stack_has(stack, &target))
		answer(stack, arp);
}
