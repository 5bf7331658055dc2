/* SPDX-License-Identifier: MIT */
/*
 * The table of flows.
 *
 * A chained hash table that doubles when there are as many flows as chains; if
 * there is no memory for that its chains grow longer, and nothing else happens.
 * The hash is SipHash-2-4 under a key of the stack's own, so that the guest
 * cannot make chains long on purpose.
 *
 * Making room: only when a kind has as many flows as may be, and then of that
 * kind, so that one protocol cannot push out another. The candidates are those
 * used least recently that have been silent for IDLE_MIN; of these the first
 * whose kind lets it go. Only LOOK_MAX are looked at: a flood of new flows must
 * not cost more than that each.
 */
#include "backends/consomme/flow.h"

#include "backends/consomme/host.h"
#include "backends/consomme/stack.h"
#include "backends/consomme/timer.h"
#include "base/bytes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define TABLE_MIN 64
#define IDLE_MIN  (2 * CSM_SEC)
#define LOOK_MAX  64

#define ROTL(x, n) ((x) << (n) | (x) >> (64 - (n)))

/* The rounds of SipHash (Aumasson and Bernstein, 2012). */
static void sip_rounds(uint64_t v[4], int n)
{
	while (n--) {
		v[0] += v[1];
		v[2] += v[3];
		v[1] = ROTL(v[1], 13) ^ v[0];
		v[3] = ROTL(v[3], 16) ^ v[2];
		v[0] = ROTL(v[0], 32);
		v[2] += v[1];
		v[0] += v[3];
		v[1] = ROTL(v[1], 17) ^ v[2];
		v[3] = ROTL(v[3], 21) ^ v[0];
		v[2] = ROTL(v[2], 32);
	}
}

uint64_t csm_siphash(const uint64_t key[2], const void *data, size_t len)
{
	const uint8_t *at = data;
	uint8_t last[8] = {0};
	uint64_t v[4] = {
		key[0] ^ UINT64_C(0x736f6d6570736575),
		key[1] ^ UINT64_C(0x646f72616e646f6d),
		key[0] ^ UINT64_C(0x6c7967656e657261),
		key[1] ^ UINT64_C(0x7465646279746573),
	};
	uint64_t word;

	last[7] = (uint8_t)len;
	for (; len >= 8; len -= 8, at += 8) {
		word = load_le64(at);
		v[3] ^= word;
		sip_rounds(v, 2);
		v[0] ^= word;
	}
	memcpy(last, at, len);
	word = load_le64(last);
	v[3] ^= word;
	sip_rounds(v, 2);
	v[0] ^= word;
	v[2] ^= 0xff;
	sip_rounds(v, 4);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

static uint32_t hash_of(const struct csm_flows *flows,
			const struct csm_key *key)
{
	uint8_t bytes[sizeof(key->guest) + sizeof(key->far) + 5];

	memcpy(bytes, &key->guest, 16);
	memcpy(bytes + 16, &key->far, 16);
	store_be16(bytes + 32, key->guest_port);
	store_be16(bytes + 34, key->far_port);
	bytes[36] = key->kind;
	return (uint32_t)csm_siphash(flows->key, bytes, sizeof(bytes));
}

static bool key_equal(const struct csm_key *a, const struct csm_key *b)
{
	return a->guest_port == b->guest_port && a->far_port == b->far_port &&
	       a->kind == b->kind && csm_addr_equal(&a->guest, &b->guest) &&
	       csm_addr_equal(&a->far, &b->far);
}

int csm_flows_init(struct csm_flows *flows, const uint64_t key[2],
		   const uint32_t max[CSM_FLOW_KINDS])
{
	memset(flows, 0, sizeof(*flows));
	memcpy(flows->key, key, sizeof(flows->key));
	list_init(&flows->buried);
	for (size_t i = 0; i < CSM_FLOW_KINDS; i++) {
		list_init(&flows->kinds[i].by_use);
		flows->kinds[i].max = max[i];
	}
	flows->table = calloc(TABLE_MIN, sizeof(struct csm_flow *));
	if (!flows->table)
		return -ENOMEM;
	flows->mask = TABLE_MIN - 1;
	return 0;
}

void csm_flows_fini(struct csm_flows *flows)
{
	struct list *node;

	if (!flows->table)
		return;
	for (size_t i = 0; i < CSM_FLOW_KINDS; i++) {
		while ((node = list_first(&flows->kinds[i].by_use))) {
			struct csm_flow *flow =
				container_of(node, struct csm_flow, by_use);

			csm_flow_end(flow);
			if (!flow->buried)
				csm_flow_bury(flow);
		}
	}
	csm_flows_reap(flows);
	free(flows->table);
	flows->table = NULL;
}

static void grow(struct csm_flows *flows)
{
	size_t mask = 2 * flows->mask + 1;
	struct csm_flow **table = calloc(mask + 1, sizeof(struct csm_flow *));

	if (!table)
		return;
	for (size_t i = 0; i <= flows->mask; i++) {
		struct csm_flow *flow = flows->table[i], *next;

		for (; flow; flow = next) {
			next = flow->hash_next;
			flow->hash_next = table[flow->hash & mask];
			table[flow->hash & mask] = flow;
		}
	}
	free(flows->table);
	flows->table = table;
	flows->mask = mask;
}

struct csm_flow *csm_flow_find(const struct csm_flows *flows,
			       const struct csm_key *key)
{
	uint32_t hash = hash_of(flows, key);
	struct csm_flow *flow = flows->table[hash & flows->mask];

	while (flow && (flow->hash != hash || !key_equal(&flow->key, key)))
		flow = flow->hash_next;
	return flow;
}

/* Who could go, or NULL. */
static struct csm_flow *candidate(const struct csm_flow_list *list,
				  uint64_t now)
{
	struct list *node = list->by_use.next;

	for (int i = 0; i < LOOK_MAX && node != &list->by_use; i++) {
		struct csm_flow *flow =
			container_of(node, struct csm_flow, by_use);

		if (now - flow->used < IDLE_MIN)
			break;
		if (!flow->ops->may_evict || flow->ops->may_evict(flow))
			return flow;
		node = node->next;
	}
	return NULL;
}

/* Is there room for one more, now or after another was ended? One that has to
 * wait for its turn to tell the guest is still there: it is put at the end, and
 * the next that asks finds its room. */
static bool make_room(struct csm_stack *stack, struct csm_flow_list *list)
{
	struct csm_flow *flow;

	if (list->n < list->max)
		return true;
	flow = candidate(list, stack->now);
	if (!flow)
		return false;
	list->evicted++;
	csm_flow_end(flow);
	if (!flow->buried)
		csm_flow_touch(flow);
	return list->n < list->max;
}

int csm_flow_add(struct csm_stack *stack, struct csm_flow *flow)
{
	struct csm_flows *flows = &stack->flows;
	struct csm_flow_list *list = &flows->kinds[flow->key.kind];
	struct csm_flow **chain;

	if (!make_room(stack, list)) {
		list->refused++;
		return -ENFILE;
	}
	if (flows->n > flows->mask)
		grow(flows);
	flow->stack = stack;
	flow->hash = hash_of(flows, &flow->key);
	flow->born = stack->now;
	flow->used = stack->now;
	chain = &flows->table[flow->hash & flows->mask];
	flow->hash_next = *chain;
	*chain = flow;
	list_insert_before(&list->by_use, &flow->by_use);
	list->n++;
	list->made++;
	flows->n++;
	return 0;
}

void csm_flow_touch(struct csm_flow *flow)
{
	struct csm_flows *flows = &flow->stack->flows;

	flow->used = flow->stack->now;
	list_remove(&flow->by_use);
	list_insert_before(&flows->kinds[flow->key.kind].by_use, &flow->by_use);
}

void csm_flow_bury(struct csm_flow *flow)
{
	struct csm_flows *flows = &flow->stack->flows;
	struct csm_flow **at = &flows->table[flow->hash & flows->mask];

	while (*at != flow)
		at = &(*at)->hash_next;
	*at = flow->hash_next;
	flows->n--;
	flows->kinds[flow->key.kind].n--;
	list_remove(&flow->by_use);
	list_insert_before(&flows->buried, &flow->by_use);
	csm_sender_sleep(&flow->sender);
	if (flow->source.fd >= 0)
		csm_host_close(flow->stack->host, flow->source.fd);
	flow->source.fd = -1;
	flow->buried = true;
}

void csm_flows_reap(struct csm_flows *flows)
{
	struct list *node;

	while ((node = list_first(&flows->buried))) {
		struct csm_flow *flow =
			container_of(node, struct csm_flow, by_use);

		list_remove(node);
		flow->ops->destroy(flow);
	}
}

const char *csm_flow_proto(const struct csm_flow *flow)
{
	return flow->ops->proto;
}

void csm_flow_end(struct csm_flow *flow)
{
	flow->ops->end(flow);
}

const char *csm_flow_state(const struct csm_flow *flow)
{
	return flow->ops->state ? flow->ops->state(flow) : "";
}
