/* SPDX-License-Identifier: MIT */
/*
 * The stack: what comes in is sorted by protocol, what is to go out gets its
 * turn, and the dead are buried at the end of each entry.
 */
#include "backends/consomme/stack.h"

#include "backends/consomme/policy.h"
#include "backends/consomme/tcp.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>

#define EVENTS	     64
#define EVENT_ROUNDS 4
#define TURNS_MAX    512

static void enter(struct csm_stack *stack)
{
	stack->now = csm_host_now(stack->host);
}

static void leave(struct csm_stack *stack)
{
	csm_flows_reap(&stack->flows);
}

static int create_parts(struct csm_stack *stack)
{
	int err = csm_icmp_create(stack);

	if (err < 0)
		return err;
	err = csm_ndp_create(stack);
	if (err < 0)
		goto destroy_icmp;
	err = csm_dns_create(stack);
	if (err < 0)
		goto destroy_ndp;
	err = csm_forwards_create(stack);
	if (err < 0)
		goto destroy_dns;
	return 0;

destroy_dns:
	csm_dns_destroy(stack);
destroy_ndp:
	csm_ndp_destroy(stack);
destroy_icmp:
	csm_icmp_destroy(stack);
	return err;
}

int csm_stack_create(const struct consomme_config *config,
		     struct csm_host *host, struct csm_stack **out)
{
	const uint32_t max[CSM_FLOW_KINDS] = {
		[CSM_FLOW_TCP] = config->max_tcp,
		[CSM_FLOW_UDP] = config->max_udp,
		[CSM_FLOW_PING] = config->max_ping,
		[CSM_FLOW_DNS] = config->max_dns,
	};
	struct csm_stack *stack = calloc(1, sizeof(*stack));
	uint64_t key[2];
	int err;

	if (!stack)
		return -ENOMEM;
	stack->config = config;
	stack->host = host;
	stack->guest4 = csm_addr_any4;
	stack->guest6 = csm_addr_any6;
	enter(stack);
	list_init(&stack->senders);
	list_init(&stack->half_open);
	csm_timers_init(&stack->timers, stack->now);
	csm_replies_init(&stack->replies, stack);
	csm_host_random(host, stack->secret, sizeof(stack->secret));
	csm_host_random(host, key, sizeof(key));
	err = csm_flows_init(&stack->flows, key, max);
	if (err < 0)
		goto free_stack;
	err = create_parts(stack);
	if (err < 0)
		goto fini_flows;
	*out = stack;
	return 0;

fini_flows:
	csm_flows_fini(&stack->flows);
free_stack:
	free(stack);
	return err;
}

void csm_stack_destroy(struct csm_stack *stack)
{
	if (!stack)
		return;
	csm_forwards_destroy(stack);
	csm_flows_fini(&stack->flows);
	csm_dns_destroy(stack);
	csm_ndp_destroy(stack);
	csm_icmp_destroy(stack);
	free(stack);
}

bool csm_stack_is_own(const struct csm_stack *stack,
		      const struct csm_addr *addr)
{
	const struct consomme_config *c = stack->config;

	return csm_addr_equal(addr, &c->gateway) ||
	       csm_addr_equal(addr, &c->dns) ||
	       csm_addr_equal(addr, &c->gateway6) ||
	       csm_addr_equal(addr, &c->gateway6_local) ||
	       csm_addr_equal(addr, &c->dns6);
}

bool csm_stack_has(const struct csm_stack *stack, const struct csm_addr *addr)
{
	const struct consomme_config *c = stack->config;

	for (size_t i = 0; i < c->n_aliases; i++) {
		if (csm_addr_equal(&c->aliases[i], addr))
			return true;
	}
	return csm_stack_is_own(stack, addr);
}

int csm_stack_route(const struct csm_stack *stack, const struct csm_addr *far,
		    struct csm_addr *host)
{
	return csm_policy_check(stack->config, far, host);
}

bool csm_stack_guest(const struct csm_stack *stack, bool v6,
		     struct csm_addr *out)
{
	*out = v6 ? stack->guest6 : stack->guest4;
	return stack->guest_known && !csm_addr_is_any(out);
}

/* The guest shows by what it sends which addresses are its own. */
static void learn(struct csm_stack *stack, const struct csm_in *in)
{
	const struct consomme_config *c = stack->config;
	bool first = !stack->guest_known;

	memcpy(stack->guest_mac, in->head + 6, sizeof(stack->guest_mac));
	stack->guest_known = true;
	if (first)
		csm_ndp_guest_seen(stack);
	if (in->ethertype == NET_ETHERTYPE_ARP ||
	    csm_stack_is_own(stack, &in->src) || csm_addr_is_any(&in->src))
		return;
	if (in->v6 && csm_prefix_has(&c->network6, &in->src))
		stack->guest6 = in->src;
	else if (!in->v6 && csm_prefix_has(&c->network, &in->src))
		stack->guest4 = in->src;
}

static void dispatch(struct csm_stack *stack, const struct csm_in *in)
{
	if (in->ethertype == NET_ETHERTYPE_ARP) {
		if (stack->config->ipv4)
			csm_arp_input(stack, in);
		return;
	}
	if (!(in->v6 ? stack->config->ipv6 : stack->config->ipv4)) {
		stack->count.drops[CSM_DROP_PROTOCOL]++;
		return;
	}
	switch (in->protocol) {
	case IPPROTO_TCP:
		csm_tcp_input(stack, in);
		break;
	case IPPROTO_UDP:
		csm_udp_input(stack, in);
		break;
	case IPPROTO_ICMP:
		if (!in->v6)
			csm_icmp4_input(stack, in);
		break;
	case IPPROTO_ICMPV6:
		if (in->v6)
			csm_icmp6_input(stack, in);
		break;
	default:
		stack->count.drops[CSM_DROP_PROTOCOL]++;
	}
}

void csm_stack_input(struct csm_stack *stack, const struct net_tx_meta *meta,
		     const struct iovec *iov, size_t n_iov)
{
	struct csm_in in;
	enum csm_drop drop;

	enter(stack);
	drop = csm_in_parse(&in, stack->config->mac, meta, iov, n_iov);
	if (drop == CSM_IN_OK && (in.head[6] & 1))
		drop = CSM_DROP_SOURCE;
	if (drop != CSM_IN_OK) {
		stack->count.drops[drop]++;
		return;
	}
	learn(stack, &in);
	dispatch(stack, &in);
}

void csm_stack_input_end(struct csm_stack *stack)
{
	csm_tcp_flush(stack);
	leave(stack);
}

void csm_stack_events(struct csm_stack *stack)
{
	struct epoll_event events[EVENTS];
	int n = EVENTS;

	enter(stack);
	for (int round = 0; round < EVENT_ROUNDS && n == EVENTS; round++) {
		n = csm_host_wait(stack->host, events, EVENTS);
		for (int i = 0; i < n; i++) {
			struct csm_source *source = events[i].data.ptr;

			if (source->fd >= 0)
				source->event(source, events[i].events);
		}
		leave(stack);
	}
}

void csm_stack_tick(struct csm_stack *stack)
{
	enter(stack);
	csm_timers_run(&stack->timers, stack->now);
	leave(stack);
}

uint64_t csm_stack_next(const struct csm_stack *stack)
{
	return csm_timers_next(&stack->timers);
}

void csm_stack_output(struct csm_stack *stack, struct csm_out *out)
{
	struct list *first;
	size_t turns = 0;

	enter(stack);
	out->no_room = false;
	while (out->n_packets < out->max_packets && turns++ < TURNS_MAX &&
	       (first = list_first(&stack->senders))) {
		struct csm_sender *sender =
			container_of(first, struct csm_sender, node);
		enum csm_turn turn;

		list_remove(first);
		turn = sender->turn(sender, out);
		if (turn == CSM_TURN_MORE) {
			csm_sender_wake(stack, sender);
		} else if (turn == CSM_TURN_NO_ROOM) {
			list_remove(first);
			list_insert_after(&stack->senders, first);
			out->no_room = true;
			break;
		}
	}
	leave(stack);
}

static void inspect_flows(const struct csm_stack *stack, struct inspect *in)
{
	static const char *const names[CSM_FLOW_KINDS] = {
		[CSM_FLOW_TCP] = "tcp",
		[CSM_FLOW_UDP] = "udp",
		[CSM_FLOW_PING] = "ping",
		[CSM_FLOW_DNS] = "dns",
	};

	for (size_t i = 0; i < CSM_FLOW_KINDS; i++) {
		const struct csm_flow_list *list = &stack->flows.kinds[i];

		inspect_begin(in, names[i]);
		inspect_u64(in, "flows", list->n);
		inspect_u64(in, "most", list->max);
		inspect_u64(in, "made", list->made);
		inspect_u64(in, "refused", list->refused);
		inspect_u64(in, "evicted", list->evicted);
		inspect_end(in);
	}
}

#define INSPECT_COUNTER(name) inspect_u64(in, #name, stack->count.name);

void csm_stack_inspect(const struct csm_stack *stack, struct inspect *in)
{
	static const char *const drops[CSM_DROPS] = {
		[CSM_DROP_RUNT] = "runt",
		[CSM_DROP_MAC] = "other-station",
		[CSM_DROP_PROTOCOL] = "protocol",
		[CSM_DROP_HEADER] = "header",
		[CSM_DROP_FRAGMENT] = "fragment",
		[CSM_DROP_CHECKSUM] = "checksum",
		[CSM_DROP_SOURCE] = "source",
	};
	char text[CSM_ADDR_TEXT_MAX];

	inspect_str(in, "guest", csm_addr_text(&stack->guest4, text));
	inspect_str(in, "guest6", csm_addr_text(&stack->guest6, text));
	inspect_bool(in, "tcp-peeks", stack->peeks4);
	inspect_bool(in, "tcp6-peeks", stack->peeks6);
	inspect_flows(stack, in);
	csm_forwards_inspect(stack, in);
	inspect_begin(in, "count");
	CSM_COUNTERS(INSPECT_COUNTER)
	inspect_end(in);
	inspect_begin(in, "dropped");
	for (size_t i = 1; i < CSM_DROPS; i++)
		inspect_u64(in, drops[i], stack->count.drops[i]);
	inspect_end(in);
}
