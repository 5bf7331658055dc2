/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_BACKENDS_CONSOMME_UDP_H
#define EVNIC_BACKENDS_CONSOMME_UDP_H

/*
 * A UDP conversation: what the guest sends from one port to one port of somebody,
 * and what comes back.
 *
 * One that the guest began has a connected socket of its own, so that only the
 * one it talks to can answer, and what ICMP says about it can be told to the
 * guest. One that came by a forward uses the forward's socket, as its peer expects
 * answers from there.
 *
 * Nothing is queued: a datagram goes from guest memory into the socket and from
 * the socket into guest memory. With USO what the guest sends as one large frame
 * is one system call (UDP_SEGMENT), and so is what comes merged (UDP_GRO).
 *
 * Files: udp.c (whose datagram is it; life), udp_from_guest.c, udp_to_guest.c,
 * udp_error.c, udp_forward.c.
 *
 * Thread: that of the stack.
 */

#include "backends/consomme/flow.h"
#include "backends/consomme/stack.h"
#include "backends/consomme/timer.h"

#include <netinet/in.h>

struct csm_udp_forward;

/* Whom an unconnected socket has to do with, as the kernel named it: also an IPv6
 * address's scope is in it. @local: the host's address that it talks to, of those
 * that the socket is bound to; any: not known. */
struct csm_udp_peer {
	struct sockaddr_in6 name; /* or sockaddr_in, which is shorter */
	socklen_t len;
	struct csm_addr local;
};

/* Merging at a socket. @on: as it is set. @worth: something has come, so that
 * there may be more. */
struct csm_udp_gro {
	bool on, worth;
};

/* @forward: whose socket it uses, with @peer and @by_use among the forward's
 * flows, the least recently used first; NULL: its own. @answered: something went
 * each way. @uncut: the kernel does not cut for this one. */
struct csm_udp {
	struct csm_flow flow;
	struct csm_timer timer;
	struct csm_udp_forward *forward;
	struct csm_udp_peer peer;
	struct list by_use;
	struct csm_udp_gro gro;
	bool answered;
	bool uncut;
};

static inline struct csm_udp *csm_udp_of(struct csm_flow *flow)
{
	return container_of(flow, struct csm_udp, flow);
}

/* ---- Life: udp.c ---- */

/* Makes a flow named @key; its socket and peer are to be set. NULL: no memory. */
struct csm_udp *csm_udp_create(struct csm_stack *stack,
			       const struct csm_key *key);

/* Puts it into the table; false: no place, it is freed. */
bool csm_udp_start(struct csm_stack *stack, struct csm_udp *udp);

void csm_udp_end(struct csm_udp *udp);

/* @len bytes went to (@in) or came from the guest. */
void csm_udp_used(struct csm_udp *udp, bool in, size_t len);

/* The socket that it uses. */
int csm_udp_fd(const struct csm_udp *udp);

/* ---- From the guest: udp_from_guest.c ---- */

/* Sends what the guest sent. May end the flow. */
void csm_udp_send(struct csm_udp *udp, const struct csm_in *in);

/* ---- To the guest: udp_to_guest.c ---- */

/* A datagram in the guest's buffers; or several of @gso_size bytes each (0: one).
 * @from: valid for an unconnected socket. */
struct csm_udp_rx {
	uint32_t len;
	uint16_t gso_size;
	struct csm_udp_peer from;
};

enum csm_udp_got {
	CSM_UDP_GOT,
	CSM_UDP_NONE,	 /* the socket has nothing */
	CSM_UDP_LOST,	 /* there was one, which is gone */
	CSM_UDP_NO_ROOM, /* there may be one, when the guest gives buffers */
};

/* Opens @out for a frame to a guest's address of version 6 (@v6) or 4, and
 * receives into it. @gro: of the socket. */
enum csm_udp_got csm_udp_receive(struct csm_stack *stack, int fd, bool v6,
				 struct csm_udp_gro *gro, struct csm_out *out,
				 struct csm_udp_rx *rx);

/* Closes @out with the headers for what was received. */
void csm_udp_deliver(struct csm_udp *udp, struct csm_out *out,
		     const struct csm_udp_rx *rx);

/* A flow's turn. */
enum csm_turn csm_udp_turn(struct csm_sender *sender, struct csm_out *out);

/* ---- Errors: udp_error.c ---- */

/* What is in a socket's error queue is told to the guest: of @udp's own socket,
 * or of a forward's. */
void csm_udp_errors(struct csm_udp *udp);
void csm_udp_forward_errors(struct csm_udp_forward *forward);

/* The guest's @in could not be sent, for @err (negative). */
void csm_udp_unsent(struct csm_udp *udp, const struct csm_in *in, int err);

/* ---- Forwards: udp_forward.c ---- */

struct csm_udp_forward {
	struct csm_source source;
	struct csm_sender sender;
	struct csm_stack *stack;
	struct csm_addr guest; /* any: the guest's own */
	uint16_t guest_port;
	struct csm_udp_gro gro;
	struct list flows;
	uint32_t n_flows;
};

/* The flow of @peer; NULL: there is none. */
struct csm_udp *csm_udp_forward_find(struct csm_udp_forward *forward,
				     const struct csm_udp_peer *peer);

#endif
