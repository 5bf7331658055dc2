/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_BACKENDS_CONSOMME_FLOW_H
#define EVNIC_BACKENDS_CONSOMME_FLOW_H

/*
 * Flows: what a stack knows of each conversation between the guest and
 * somebody, and the table in which a packet finds its own.
 *
 * The table is hashed with a key that the guest does not know (SipHash). Each
 * protocol has a cap; where it is near, the flow that has been silent longest
 * makes room if its kind allows that, and otherwise the new one is refused.
 *
 * A flow that has ended is buried: out of the table, its socket closed, at once;
 * its memory is freed when nobody can hold a pointer to it any more
 * (csm_flows_reap(), at the end of each entry into the stack).
 */

#include "backends/consomme/addr.h"
#include "backends/consomme/consomme.h"
#include "backends/consomme/out.h"
#include "base/list.h"

#include <stdbool.h>
#include <stdint.h>

struct csm_stack;
struct csm_flow;
struct csm_source;

/* A descriptor that the stack watches; @event is called with EPOLL* bits. */
struct csm_source {
	void (*event)(struct csm_source *source, uint32_t events);
	int fd; /* -1: none */
};

enum csm_flow_kind {
	CSM_FLOW_TCP,
	CSM_FLOW_UDP,
	CSM_FLOW_PING,
	CSM_FLOW_DNS,
	CSM_FLOW_KINDS,
};

/* A flow's name, as the guest sees it. Ping: the identifier is @guest_port, and
 * @far_port is 0. DNS: @far_port is the query's identifier, as much may be asked
 * from one port. */
struct csm_key {
	struct csm_addr guest, far;
	uint16_t guest_port, far_port;
	uint8_t kind; /* enum csm_flow_kind */
};

struct csm_flow_ops {
	/* What people read: "tcp". */
	const char *proto;
	/* For csm_flow_state(); NULL: "". */
	const char *(*state)(const struct csm_flow *flow);
	/* May it be ended to make room for another? NULL: yes. */
	bool (*may_evict)(const struct csm_flow *flow);
	/* It is being ended from outside (evicted, the stack goes): tell the
	 * guest what it has to know, then csm_flow_bury(). */
	void (*end)(struct csm_flow *flow);
	/* Frees it; it has been buried. */
	void (*destroy)(struct csm_flow *flow);
};

/* Embedded in each protocol's own. @sender: sleeps when the flow is buried.
 * Times are csm_host_now(). @out, @in: bytes of payload from and to the guest. */
struct csm_flow {
	const struct csm_flow_ops *ops;
	struct csm_stack *stack;
	struct csm_flow *hash_next;
	struct list by_use; /* or among the buried */
	struct csm_key key;
	uint32_t hash;
	struct csm_source source;
	struct csm_sender sender;
	bool inbound;
	bool buried;
	uint64_t born, used;
	uint64_t out, in;
};

/* @by_use: the least recently used first. */
struct csm_flow_list {
	struct list by_use;
	uint32_t n, max;
	uint64_t made, refused, evicted;
};

struct csm_flows {
	struct csm_flow **table;
	size_t mask;
	size_t n;
	uint64_t key[2];
	struct csm_flow_list kinds[CSM_FLOW_KINDS];
	struct list buried;
};

/* @max: of each kind. 0 or -ENOMEM. */
int csm_flows_init(struct csm_flows *flows, const uint64_t key[2],
		   const uint32_t max[CSM_FLOW_KINDS]) MUST_CHECK;

/* Ends and frees all. */
void csm_flows_fini(struct csm_flows *flows);

struct csm_flow *csm_flow_find(const struct csm_flows *flows,
			       const struct csm_key *key);

/* Puts @flow (allocated by its protocol, zeroed, with @ops, @key, @sender and
 * @source set) into the table, most recently used. 0, -ENFILE (its kind has as
 * many as may be, and none that could go), -ENOMEM: it is the caller's still. */
int csm_flow_add(struct csm_stack *stack, struct csm_flow *flow) MUST_CHECK;

/* It is in use now. */
void csm_flow_touch(struct csm_flow *flow);

/* Out of the table; the socket, if any, is closed. Its own timers are the
 * protocol's to stop before. Once. */
void csm_flow_bury(struct csm_flow *flow);

/* Frees the buried. */
void csm_flows_reap(struct csm_flows *flows);

/* Ends it, as its kind does that from outside. */
void csm_flow_end(struct csm_flow *flow);

const char *csm_flow_proto(const struct csm_flow *flow);
const char *csm_flow_state(const struct csm_flow *flow);

/* SipHash-2-4 of @len bytes. */
uint64_t csm_siphash(const uint64_t key[2], const void *data, size_t len);

#endif
