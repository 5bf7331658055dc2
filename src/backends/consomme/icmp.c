/* SPDX-License-Identifier: MIT */
/*
 * ICMP (RFC 792): echo requests are answered, or sent on by ping.c; what the
 * guest says of errors is counted; other messages are of no use here.
 *
 * And what ICMPv6 has in common with it.
 */
#include "backends/consomme/icmp.h"

#include "backends/consomme/build.h"
#include "base/bytes.h"
#include "net/token_bucket.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <stdlib.h>
#include <string.h>

#define MS_PER_SEC 1000

/* @errors: a token is an error that may be told to the guest. */
struct csm_icmp {
	struct token_bucket errors;
};

int csm_icmp_create(struct csm_stack *stack)
{
	static const struct token_bucket_config config = {
		.size = CSM_ICMP_BURST,
		.refill_time = MS_PER_SEC * CSM_ICMP_BURST / CSM_ICMP_RATE,
	};
	struct csm_icmp *icmp =
		aligned_alloc(_Alignof(struct csm_icmp), sizeof(*icmp));

	if (!icmp)
		return -ENOMEM;
	token_bucket_init(&icmp->errors);
	token_bucket_configure(&icmp->errors, &config, stack->now);
	stack->icmp = icmp;
	return 0;
}

void csm_icmp_destroy(struct csm_stack *stack)
{
	free(stack->icmp);
	stack->icmp = NULL;
}

bool csm_icmp_spend(struct csm_stack *stack)
{
	struct token_bucket *errors = &stack->icmp->errors;

	if (!token_bucket_available(errors, stack->now, false))
		return false;
	token_bucket_take(errors, 1, stack->now, false);
	return true;
}

bool csm_icmp_is_broadcast(const struct csm_stack *stack,
			   const struct csm_addr *dst)
{
	const struct csm_prefix *network = &stack->config->network;
	uint32_t host_bits;

	if (!csm_prefix_has(network, dst) || network->len >= 127)
		return false;
	host_bits = network->len <= 96 ? UINT32_MAX
				       : UINT32_MAX >> (network->len - 96);
	return (load_be32(csm_addr_bytes4(dst)) & host_bits) == host_bits;
}

void csm_icmp_echo(struct csm_stack *stack, const struct csm_in *in,
		   uint8_t reply, const struct csm_addr *src)
{
	uint8_t message[CSM_REPLY_MAX];
	size_t len = csm_in_copy(in, message, sizeof(message));

	if (len < in->payload_len) {
		stack->count.no_replies++;
		return;
	}
	message[0] = reply;
	stack->count.echo++;
	csm_build_icmp_reply(stack, in->head + 6, CSM_TTL, src, &in->src,
			     message, len);
}

/* The ports that a quoted packet had, if it is an UDP datagram from a flow: the
 * flow's key, which has guest and far the other way round. */
static bool read_quote(const struct csm_in *in, struct csm_key *key)
{
	uint8_t bytes[ICMP_MINLEN + NET_IPV6_LEN + NET_UDP_LEN + 20];
	size_t len = csm_in_copy(in, bytes, sizeof(bytes));
	const uint8_t *ip = bytes + ICMP_MINLEN, *udp;
	size_t ip_len = NET_IPV6_LEN;

	if (len < ICMP_MINLEN + NET_IPV4_LEN_MIN)
		return false;
	if (!in->v6)
		ip_len = (size_t)(ip[0] & 0xf) * 4;
	if (len < ICMP_MINLEN + ip_len + NET_UDP_LEN ||
	    ip_len < NET_IPV4_LEN_MIN || ip[0] >> 4 != (in->v6 ? 6 : 4) ||
	    ip[in->v6 ? 6 : 9] != IPPROTO_UDP)
		return false;
	udp = ip + ip_len;
	*key = (struct csm_key){
		.guest = in->v6 ? csm_addr_from6(ip + 24)
				: csm_addr_from4(ip + 16),
		.far = in->v6 ? csm_addr_from6(ip + 8)
			      : csm_addr_from4(ip + 12),
		.guest_port = load_be16(udp + 2),
		.far_port = load_be16(udp),
		.kind = CSM_FLOW_UDP,
	};
	return true;
}

void csm_icmp_told(struct csm_stack *stack, const struct csm_in *in, bool port)
{
	struct csm_flow *flow;
	struct csm_key key;

	stack->count.icmp_ignored++;
	if (!port || !read_quote(in, &key) ||
	    !csm_addr_equal(&key.guest, &in->src))
		return;
	flow = csm_flow_find(&stack->flows, &key);
	if (flow && flow->inbound)
		csm_flow_end(flow);
}

void csm_icmp4_input(struct csm_stack *stack, const struct csm_in *in)
{
	uint8_t head[ICMP_MINLEN];

	if (csm_in_copy(in, head, sizeof(head)) < sizeof(head))
		return;
	switch (head[0]) {
	case ICMP_ECHO:
		if (csm_stack_is_own(stack, &in->dst))
			csm_icmp_echo(stack, in, ICMP_ECHOREPLY, &in->dst);
		else
			csm_ping_input(stack, in);
		break;
	case ICMP_DEST_UNREACH:
		csm_icmp_told(stack, in, head[1] == ICMP_PORT_UNREACH);
		break;
	default:
		stack->count.icmp_ignored++;
	}
}
