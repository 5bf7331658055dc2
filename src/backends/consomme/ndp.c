/* SPDX-License-Identifier: MIT */
/*
 * Neighbour discovery (RFC 4861): where the stack's IPv6 addresses are, and that
 * it is the guest's router.
 *
 * A solicitation for an address of ours is answered; for another it is not, so
 * that the guest's test of its own addresses (RFC 4862, 5.4) finds nobody. Router
 * advertisements come when asked for, a few at short intervals from when the
 * guest is first heard, and then every few minutes (6.2.4), so that what they
 * promise never runs out.
 *
 * They say that we are a default router even if the host has no IPv6: whether it
 * has changes with time, and what cannot be reached is told by ICMP. The guest
 * does not suffer: its addresses are unique local ones (RFC 4193), and for a name
 * with addresses of both versions it prefers IPv4 to these (RFC 6724, 2.1).
 */
#include "backends/consomme/build.h"
#include "backends/consomme/domain.h"
#include "backends/consomme/stack.h"
#include "base/bytes.h"

#include <errno.h>
#include <netinet/icmp6.h>
#include <stdlib.h>
#include <string.h>

#define HOP_LIMIT 255 /* of all of it: it has passed no router */

/* The longest message that is read. */
#define MESSAGE_MAX 512

#define OPT_SOURCE_MAC 1
#define OPT_TARGET_MAC 2
#define OPT_PREFIX     3
#define OPT_MTU	       5
#define OPT_DNS	       25 /* RFC 8106 */
#define OPT_SEARCH     31
#define PREFIX_ON_LINK 0x80
#define PREFIX_AUTO    0x40
#define SEARCH_MAX     512
#define ADVERT_MAX     (128 + SEARCH_MAX)
#define NO_MAC_OPTION  0
#define UNIT	       8 /* of options' lengths */

/* Advertisements: how many at the start and how far apart at most, then between
 * which times; what they promise (6.2.1). */
#define FIRST_ADVERTS  3
#define FIRST_INTERVAL (16 * CSM_SEC)
#define INTERVAL_MIN   (200 * CSM_SEC)
#define INTERVAL_MAX   (600 * CSM_SEC)
#define ROUTER_S       1800
#define VALID_S	       (30 * 24 * 3600)
#define PREFERRED_S    (7 * 24 * 3600)

struct csm_ndp {
	struct csm_stack *stack;
	struct csm_timer timer;
	unsigned int n_sent; /* as many as FIRST_ADVERTS are counted */
};

/* A message of the guest's, copied and checked. @mac: of its link-layer address
 * option; all 0: there is none. */
struct message {
	uint8_t bytes[MESSAGE_MAX];
	size_t len;
	const uint8_t *mac;
};

static const struct csm_addr all_nodes = {{0xff, 2, [15] = 1}};
static const uint8_t all_nodes_mac[6] = {0x33, 0x33, 0, 0, 0, 1};

/* The length of a message before its options; 0: not read here. */
static size_t fixed_len(uint8_t type)
{
	switch (type) {
	case ND_ROUTER_SOLICIT:
		return sizeof(struct nd_router_solicit);
	case ND_NEIGHBOR_SOLICIT:
		return sizeof(struct nd_neighbor_solicit);
	case ND_NEIGHBOR_ADVERT:
		return sizeof(struct nd_neighbor_advert);
	default:
		return 0;
	}
}

/* Finds option @wanted. False: an option is not sound, and so the message. */
static bool read_options(struct message *m, size_t at, uint8_t wanted)
{
	while (at < m->len) {
		const uint8_t *option = m->bytes + at;
		size_t len;

		if (m->len - at < UNIT)
			return false;
		len = (size_t)option[1] * UNIT;
		if (!len || len > m->len - at)
			return false;
		if (option[0] == wanted && len == UNIT)
			m->mac = option + 2;
		at += len;
	}
	return true;
}

/* The checks of 6.1.1, 7.1.1 and 7.1.2 that all messages have in common. */
static bool read_message(struct message *m, const struct csm_in *in)
{
	size_t fixed;

	m->mac = NULL;
	m->len = csm_in_copy(in, m->bytes, sizeof(m->bytes));
	if (in->ttl != HOP_LIMIT || in->payload_len > sizeof(m->bytes) ||
	    m->bytes[1] != 0)
		return false;
	fixed = fixed_len(m->bytes[0]);
	return fixed && m->len >= fixed &&
	       read_options(m, fixed,
			    m->bytes[0] == ND_NEIGHBOR_ADVERT ? OPT_TARGET_MAC
							      : OPT_SOURCE_MAC);
}

static void learn(struct csm_stack *stack, const struct csm_addr *addr)
{
	if (csm_prefix_has(&stack->config->network6, addr) &&
	    !csm_stack_has(stack, addr))
		stack->guest6 = *addr;
}

/* That @target is at our MAC: to @to, or, if it has no address yet, to all. */
static void send_neighbor(struct csm_stack *stack,
			  const struct csm_addr *target,
			  const struct csm_addr *to, const uint8_t *mac)
{
	uint8_t m[sizeof(struct nd_neighbor_advert) + UNIT] = {
		ND_NEIGHBOR_ADVERT};
	bool solicited = !csm_addr_is_any(to);
	uint32_t flags = 0xa0000000; /* router, override */

	if (solicited)
		flags |= 0x40000000;
	store_be32(m + 4, flags);
	memcpy(m + 8, target->b, 16);
	m[24] = OPT_TARGET_MAC;
	m[25] = 1;
	memcpy(m + 26, stack->config->mac, 6);
	csm_build_icmp_reply(stack, solicited ? mac : all_nodes_mac, HOP_LIMIT,
			     target, solicited ? to : &all_nodes, m, sizeof(m));
}

/* Is @dst the address of those who may have @target (RFC 4291, 2.7.1)? */
static bool is_solicited_node(const struct csm_addr *dst)
{
	static const uint8_t prefix[13] = {0xff, 2, [11] = 1, [12] = 0xff};

	return memcmp(dst->b, prefix, sizeof(prefix)) == 0;
}

static void handle_neighbor_solicit(struct csm_stack *stack,
				    const struct csm_in *in,
				    const struct message *m)
{
	struct csm_addr target = csm_addr_from6(m->bytes + 8);
	bool test = csm_addr_is_any(&in->src);

	if (csm_addr_is_multicast(&target) ||
	    (test && (m->mac || !is_solicited_node(&in->dst))))
		return;
	stack->count.ndp++;
	if (csm_stack_has(stack, &target))
		send_neighbor(stack, &target, &in->src,
			      m->mac ? m->mac : in->head + 6);
	else if (test)
		learn(stack, &target);
}

static void handle_neighbor_advert(struct csm_stack *stack,
				   const struct csm_in *in,
				   const struct message *m)
{
	struct csm_addr target = csm_addr_from6(m->bytes + 8);
	bool solicited = m->bytes[4] & 0x40;

	if (csm_addr_is_multicast(&target) ||
	    (solicited && csm_addr_is_multicast(&in->dst)))
		return;
	stack->count.ndp++;
	learn(stack, &target);
}

static size_t put_prefix(uint8_t *at, const struct csm_prefix *prefix)
{
	at[0] = OPT_PREFIX;
	at[1] = 4;
	at[2] = prefix->len;
	at[3] = PREFIX_ON_LINK | PREFIX_AUTO;
	store_be32(at + 4, VALID_S);
	store_be32(at + 8, PREFERRED_S);
	store_be32(at + 12, 0);
	memcpy(at + 16, prefix->addr.b, 16);
	return 32;
}

static size_t put_dns(uint8_t *at, const struct csm_addr *dns)
{
	at[0] = OPT_DNS;
	at[1] = 3;
	store_be16(at + 2, 0);
	store_be32(at + 4, ROUTER_S);
	memcpy(at + 8, dns->b, 16);
	return 24;
}

static size_t put_search(uint8_t *at, const struct consomme_config *c)
{
	size_t len = csm_domain_search(c, at + UNIT, SEARCH_MAX - UNIT);

	if (!len)
		return 0;
	while (len % UNIT)
		at[UNIT + len++] = 0;
	at[0] = OPT_SEARCH;
	at[1] = (uint8_t)(1 + len / UNIT);
	store_be16(at + 2, 0);
	store_be32(at + 4, ROUTER_S);
	return UNIT + len;
}

/* A router advertisement (4.2). */
static void send_router(struct csm_stack *stack, const struct csm_addr *to,
			const uint8_t *mac)
{
	const struct consomme_config *c = stack->config;
	uint8_t m[ADVERT_MAX] = {ND_ROUTER_ADVERT};
	size_t len = sizeof(struct nd_router_advert);

	m[4] = CSM_TTL;
	m[5] = ND_RA_FLAG_OTHER;
	store_be16(m + 6, ROUTER_S);
	m[len] = OPT_SOURCE_MAC;
	m[len + 1] = 1;
	memcpy(m + len + 2, c->mac, 6);
	len += UNIT;
	m[len] = OPT_MTU;
	m[len + 1] = 1;
	store_be32(m + len + 4, c->mtu);
	len += UNIT;
	len += put_prefix(m + len, &c->network6);
	len += put_dns(m + len, &c->dns6);
	len += put_search(m + len, c);
	csm_build_icmp_reply(stack, mac, HOP_LIMIT, &c->gateway6_local, to, m,
			     len);
}

static void handle_router_solicit(struct csm_stack *stack,
				  const struct csm_in *in,
				  const struct message *m)
{
	bool nobody = csm_addr_is_any(&in->src);

	if (nobody && m->mac)
		return;
	stack->count.ndp++;
	if (nobody)
		send_router(stack, &all_nodes, all_nodes_mac);
	else
		send_router(stack, &in->src, m->mac ? m->mac : in->head + 6);
}

void csm_ndp_input(struct csm_stack *stack, const struct csm_in *in)
{
	struct message m;

	if (!read_message(&m, in))
		return;
	switch (m.bytes[0]) {
	case ND_ROUTER_SOLICIT:
		handle_router_solicit(stack, in, &m);
		break;
	case ND_NEIGHBOR_SOLICIT:
		handle_neighbor_solicit(stack, in, &m);
		break;
	case ND_NEIGHBOR_ADVERT:
		handle_neighbor_advert(stack, in, &m);
		break;
	default:
		break;
	}
}

/* A time within so much from now. */
static uint64_t random_time(struct csm_stack *stack, uint64_t min, uint64_t max)
{
	uint64_t random;

	csm_host_random(stack->host, &random, sizeof(random));
	return stack->now + min + random % (max - min + 1);
}

static void timer_cb(struct csm_timer *timer)
{
	struct csm_ndp *ndp = container_of(timer, struct csm_ndp, timer);
	struct csm_stack *stack = ndp->stack;
	uint64_t next;

	send_router(stack, &all_nodes, all_nodes_mac);
	if (ndp->n_sent < FIRST_ADVERTS)
		ndp->n_sent++;
	if (ndp->n_sent < FIRST_ADVERTS)
		next = random_time(stack, CSM_SEC, FIRST_INTERVAL);
	else
		next = random_time(stack, INTERVAL_MIN, INTERVAL_MAX);
	csm_timer_set(&stack->timers, timer, next);
}

int csm_ndp_create(struct csm_stack *stack)
{
	struct csm_ndp *ndp = calloc(1, sizeof(*ndp));

	if (!ndp)
		return -ENOMEM;
	ndp->stack = stack;
	csm_timer_init(&ndp->timer, timer_cb);
	stack->ndp = ndp;
	return 0;
}

void csm_ndp_destroy(struct csm_stack *stack)
{
	if (!stack->ndp)
		return;
	csm_timer_stop(&stack->timers, &stack->ndp->timer);
	free(stack->ndp);
	stack->ndp = NULL;
}

void csm_ndp_guest_seen(struct csm_stack *stack)
{
	if (stack->config->ipv6)
		csm_timer_set(&stack->timers, &stack->ndp->timer, stack->now);
}
