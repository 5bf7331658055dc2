/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_BACKENDS_CONSOMME_TCP_LIFE_H
#define EVNIC_BACKENDS_CONSOMME_TCP_LIFE_H

/*
 * A TCP connection's life: what the files have in common that make it, watch
 * over it and end it (tcp.c, tcp_open.c, tcp_accept.c, tcp_handshake.c,
 * tcp_close.c, tcp_timer.c). See tcp.h for the states.
 *
 * A flow is half open until its handshake is done. Half-open flows are on a list
 * of their own, the oldest first; there are never more of them than
 * csm_tcp_half_open_max(). Where there is no room, the oldest goes if it is
 * older than CSM_TCP_HALF_OPEN_AGE; otherwise the newcomer has to try again.
 *
 * Thread: that of the stack.
 */

#include "backends/consomme/tcp.h"

#define CSM_TCP_HALF_OPEN_MAX 1024
#define CSM_TCP_HALF_OPEN_AGE (3 * CSM_SEC)

/* A SYN is sent again after 1, 2, 4 ... seconds, so often; after 63 s the guest
 * is taken to be gone. */
#define CSM_TCP_SYN_RETRIES 5
#define CSM_TCP_SYN_RTO	    CSM_SEC

/* For how long a host may try to connect. Linux gives up by itself after 127 s
 * (tcp_syn_retries 6). */
#define CSM_TCP_CONNECT_MAX (150 * CSM_SEC)

/* A guest that has been silent so long is asked whether it is there (RFC 9293,
 * 3.8.4): so often, with so much time between. Sooner if one direction is closed
 * already: then it may just have forgotten. */
#define CSM_TCP_KEEP_IDLE     (7200 * CSM_SEC)
#define CSM_TCP_KEEP_HALF     (120 * CSM_SEC)
#define CSM_TCP_KEEP_INTERVAL (75 * CSM_SEC)
#define CSM_TCP_KEEP_PROBES   9

/* At the cap, established flows that have been silent so long make room for new
 * ones; sooner if one direction is closed. */
#define CSM_TCP_EVICT_IDLE (1800 * CSM_SEC)
#define CSM_TCP_EVICT_HALF (240 * CSM_SEC)

/* At most one challenge ACK of a flow in so much time (RFC 5961, 7). */
#define CSM_TCP_CHALLENGE_EVERY (500 * CSM_MS)

/* What a SYN says about the window's scale: nothing. */
#define CSM_TCP_NO_SCALE 255

extern const struct csm_flow_ops csm_tcp_ops; /* tcp.c */

/* ---- tcp.c ---- */

/* An ACK (in the handshake: the SYN-ACK again) that asks a guest that may have
 * lost the thread to say where it is; limited in rate. */
void csm_tcp_challenge(struct csm_tcp *tcp);

/* Sends a reset from @key's far side, once, and forgets it. */
void csm_tcp_send_reset(struct csm_stack *stack, const struct csm_key *key,
			uint32_t seq, uint32_t ack, uint8_t flags);

/* Has one of the two directions been closed? What the guest has sent is in the
 * socket then, whose business it is from there on. */
static inline bool csm_tcp_is_half_closed(const struct csm_tcp *tcp)
{
	return tcp->shut || tcp->fin_out;
}

/* ---- tcp_open.c: connections that the guest makes ---- */

/* A SYN that belongs to no connection. */
void csm_tcp_open(struct csm_stack *stack, const struct csm_in *in,
		  const struct csm_seg *seg);

/* The host's connect() has ended: @err is 0 or an errno value. */
void csm_tcp_connected(struct csm_tcp *tcp, int err);

/* A new flow, half open. -ENFILE, -EAGAIN (too many half open just now),
 * -ENOMEM. */
int csm_tcp_create(struct csm_stack *stack, const struct csm_key *key,
		   struct csm_tcp **out) MUST_CHECK;

/* Prepares the socket tcp->flow.source.fd, which goes to an address of version
 * @v6 of the host's. */
void csm_tcp_prepare(struct csm_tcp *tcp, bool v6);

/* Has the socket watched. */
int csm_tcp_watch(struct csm_tcp *tcp) MUST_CHECK;

/* ---- tcp_handshake.c ---- */

/* A segment of the guest's, in a state before OPEN. True: it is OPEN now, and
 * the segment may have more to say. */
bool csm_tcp_handshake(struct csm_tcp *tcp, const struct csm_in *in,
		       const struct csm_seg *seg);

/* What a guest's SYN says goes into @tcp. */
void csm_tcp_take_syn(struct csm_tcp *tcp, const struct csm_seg *seg);

/* The most flows that may be half open. */
uint32_t csm_tcp_half_open_max(const struct csm_stack *stack);

/* Is there room for one more, perhaps by ending the oldest? */
bool csm_tcp_may_open(const struct csm_stack *stack);

/* Makes that room. False: there is none. */
bool csm_tcp_make_room(struct csm_stack *stack);

/* It is not half open any more; harmless if it was not. */
void csm_tcp_settle(struct csm_tcp *tcp);

/* ---- tcp_close.c ---- */

/* What epoll says about the socket. */
void csm_tcp_event(struct csm_source *source, uint32_t events);

/* csm_flow_ops.end: a reset to the guest, without waiting for a turn. */
void csm_tcp_cut(struct csm_flow *flow);

/* Closes @fd so that the peer gets a reset. */
void csm_tcp_close_hard(struct csm_stack *stack, int fd);

/* ---- tcp_timer.c ---- */

void csm_tcp_life_init(struct csm_tcp *tcp);

/* Sets the timer for the state that the flow is in now. */
void csm_tcp_life_start(struct csm_tcp *tcp);

#endif
