/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_BACKENDS_CONSOMME_TCP_H
#define EVNIC_BACKENDS_CONSOMME_TCP_H

/*
 * A TCP connection: the guest's TCP on one side, a socket of the host's on the
 * other, and as little as can be between them.
 *
 * The socket's own buffers are the only ones for payload. What the guest sends
 * goes into the socket from where it lies; it is acknowledged when the socket has
 * it. What the socket has received stays in it until the guest has acknowledged
 * it: it is peeked at, straight into the guest's buffers, and thrown away
 * afterwards; so it can be sent again. Where the kernel cannot peek at an
 * offset, a ring of ours holds it meanwhile (tcp_ring.h).
 *
 * The window that the guest gets is what the socket has room for. A socket may
 * take less than was promised: then the rest waits in the spill, which is never
 * more than was promised.
 *
 * Numbers: @iss, @una, @nxt, @max are ours (what we send to the guest), @rcv_*
 * the guest's. They are 32 bits and wrap: compare by csm_seq_*().
 *
 *   guest connects:  CONNECTING -(host connected)-> SYN_RCVD -(ACK)-> OPEN
 *   host connects:   SYN_SENT -(SYN-ACK)-> OPEN
 *   OPEN ends when both directions have (fin_in and fin_acked), or by a reset.
 *
 * In OPEN each direction has a life of its own:
 *   guest -> host: @fin_in: the guest's FIN has come; when the spill is empty the
 *     socket is shut down for writing (@shut).
 *   host -> guest: @eof: the socket has no more to come; when all before it has
 *     been sent, our FIN goes out (@fin_out) with number max - 1 and is in the
 *     end acknowledged (@fin_acked).
 *
 * Files: tcp.c (input: whose segment is it, is it acceptable), tcp_open.c,
 * tcp_accept.c, tcp_handshake.c, tcp_close.c, tcp_timer.c (life: tcp_life.h);
 * tcp_from_guest.c, tcp_spill.c,
 * tcp_window.c, tcp_to_guest.c, tcp_resend.c, tcp_segment.c, tcp_ring.c (data).
 */

#include "backends/consomme/flow.h"
#include "backends/consomme/stack.h"
#include "backends/consomme/tcp_ring.h"
#include "backends/consomme/timer.h"

#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#define CSM_TCP_SCALE	    8 /* of the window that we advertise */
#define CSM_TCP_WINDOW_MAX  (16u << 20)
#define CSM_TCP_MSS_MIN	    48
#define CSM_TCP_MSS_DEFAULT 536

/* The window in our SYN and SYN-ACK, which cannot be scaled (RFC 7323, 2.2). The
 * spill makes it good where the socket takes less. */
#define CSM_TCP_WINDOW_SYN 65535u

/* What is watched of a socket. */
#define CSM_TCP_EVENTS (EPOLLIN | EPOLLPRI | EPOLLOUT | EPOLLRDHUP | EPOLLET)

enum csm_tcp_state {
	CSM_TCP_CONNECTING,
	CSM_TCP_SYN_RCVD,
	CSM_TCP_SYN_SENT,
	CSM_TCP_OPEN,
	CSM_TCP_CLOSED, /* a reset is still to be told, then it is buried */
};

/* What the next turn has to say, besides data. */
enum csm_tcp_due {
	CSM_DUE_ACK = 1 << 0,
	CSM_DUE_SYN = 1 << 1, /* SYN, or SYN-ACK in SYN_RCVD */
	CSM_DUE_RST = 1 << 2, /* and then it is buried */
	/* An ACK with number una - 1, which the guest answers: is it there, is
	 * its window open? */
	CSM_DUE_KEEPALIVE = 1 << 3,
};

/* A segment of the guest's, out of its header's copy. @len: payload. */
struct csm_seg {
	uint32_t seq, ack;
	uint32_t len;
	uint16_t window; /* not scaled */
	uint8_t flags;	 /* TH_* */
	/* Options; valid in a SYN. @mss: 0: none. @scale: 255: none. */
	uint16_t mss;
	uint8_t scale;
};

/* @host, @host_port: where the socket goes. @mss: payload of the largest segment
 * that the guest takes. @scale: shift of the guest's windows. @scaled: both
 * sides agreed to scale.
 * @rcv_nxt: next number expected of the guest; @rcv_told: the last that it was
 * told. @rcv_edge: the end of the window that it was told; never goes back. @narrow: when less than this is left
 * of the window, the socket is asked for more. @grant: the most that it will be;
 * @shared_in: when it was last counted among those that want more. @dup_due:
 * duplicate ACKs that are still to be sent. @spill: bytes that the socket had no
 * room for: at most what was promised. @blocked: it takes nothing; @waiting: its
 * buffer is nearly full; an edge will tell.
 * @wnd: the guest's window. @discard: bytes that the guest has acknowledged and
 * the socket still has. @peeked: the socket's peek offset, from its first byte.
 * @ring: copies of what was received, from una on, unless it @peeks. @readable:
 * the socket may have something (told by an edge). @ending: so much so that a
 * short read does not mean that there is no more. @widened: its buffer has been
 * made larger. @dup_acks, @recover: fast
 * retransmission (@recover: none before this number is acknowledged); @rto,
 * @rto_at: the timeout, and when it is over; @rtt_seq, @rtt_at, @srtt, @rttvar:
 * what it is computed from (tcp_resend.c).
 * @broken: the peer has reset it after its FIN, or after bytes that the guest has
 * not got yet. @error: what the socket said when it failed. @half_open: on the
 * stack's list while the handshake is not done. @challenged: when the last
 * challenge ACK was sent; 0: never. */
struct csm_tcp {
	struct csm_flow flow;
	enum csm_tcp_state state;
	unsigned int due;
	struct csm_addr host;
	uint16_t host_port;
	uint16_t mss;
	uint8_t scale;
	bool scaled;
	bool peeks;
	/* From the guest. */
	uint32_t irs;
	uint32_t rcv_nxt, rcv_told, rcv_edge;
	uint32_t narrow, grant;
	uint32_t shared_in;
	uint8_t dup_due;
	struct csm_ring spill;
	bool blocked, waiting;
	bool fin_in, shut;
	/* To the guest. */
	uint32_t iss;
	uint32_t una, nxt, max;
	uint32_t wnd;
	uint32_t discard, peeked;
	struct csm_ring ring;
	bool readable, ending, eof, broken, widened;
	bool fin_out, fin_acked;
	uint8_t dup_acks;
	uint8_t retries; /* of what is at una */
	uint8_t probes;	 /* keepalives without an answer */
	uint32_t recover;
	int error;
	/* Retransmission and a window that is closed; acknowledgements that may
	 * wait; handshake, keepalive and idleness. */
	struct csm_timer rto_timer, ack_timer, life_timer;
	uint64_t rto, rto_at;
	uint64_t rtt_at, srtt, rttvar;
	uint32_t rtt_seq;
	uint64_t heard; /* when the guest was last heard of */
	uint64_t challenged;
	struct list half_open;
};

static inline struct csm_tcp *csm_tcp_of(struct csm_flow *flow)
{
	return container_of(flow, struct csm_tcp, flow);
}

/* Arithmetic of sequence numbers. */
static inline int32_t csm_seq_diff(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b);
}

static inline bool csm_seq_lt(uint32_t a, uint32_t b)
{
	return csm_seq_diff(a, b) < 0;
}

static inline bool csm_seq_le(uint32_t a, uint32_t b)
{
	return csm_seq_diff(a, b) <= 0;
}

/* ---- Life ---- */

/* Something is to be said: sets the bit and wakes the sender. */
void csm_tcp_say(struct csm_tcp *tcp, unsigned int due);

/* A reset for a segment that has no connection (RFC 9293, 3.10.7.1). */
void csm_tcp_refuse(struct csm_stack *stack, const struct csm_in *in,
		    const struct csm_seg *seg);

/* Tells the guest and the peer by a reset, and ends it. */
void csm_tcp_abort(struct csm_tcp *tcp);

/* Ends it without a word to the guest. @reset: the peer gets a reset
 * (SO_LINGER 0). */
void csm_tcp_end(struct csm_tcp *tcp, bool reset);

/* To be called when something has changed that a close may have waited for: the
 * spill has become empty, our FIN was acknowledged. May end it: look at
 * tcp->flow.buried afterwards. */
void csm_tcp_progress(struct csm_tcp *tcp);

/* The number to begin with (RFC 6528). */
uint32_t csm_tcp_isn(const struct csm_stack *stack, const struct csm_key *key);

/* The options of our SYN or SYN-ACK, at most 40 bytes; their length, a multiple
 * of 4. */
size_t csm_tcp_syn_options(const struct csm_tcp *tcp, uint8_t *at);

/* ---- Data: tcp_from_guest.c, tcp_to_guest.c ... ---- */

/* A connection is made and opened: sets what the data files need. @init: fields
 * and timers, at creation. @open: the state has become OPEN. @fini: memory. */
void csm_tcp_data_init(struct csm_tcp *tcp);
void csm_tcp_data_open(struct csm_tcp *tcp);
void csm_tcp_data_fini(struct csm_tcp *tcp);

/* The acceptable segment's acknowledgement and window: in OPEN, ack between una
 * and max. */
void csm_tcp_acked(struct csm_tcp *tcp, const struct csm_seg *seg);

/* Its payload and FIN: gathers the bytes for the socket, acknowledges what
 * cannot be taken. @in: where the payload is. */
void csm_tcp_data(struct csm_tcp *tcp, const struct csm_seg *seg,
		  const struct csm_in *in);

/* The socket may have something for the guest (@events: the edge's EPOLL* bits;
 * in any state), or takes data again (in OPEN). */
void csm_tcp_readable(struct csm_tcp *tcp, uint32_t events);
void csm_tcp_writable(struct csm_tcp *tcp);

/* The sender's turn: says what is due, and data. */
enum csm_turn csm_tcp_turn(struct csm_sender *sender, struct csm_out *out);

/* The window to advertise, in bytes: pure (tcp_window.c). @sndbuf, @queued: what
 * the socket may hold and does. @spilled: bytes in the spill. @told: what is left
 * of the window that was told before: it is never taken back. @mss: of the
 * guest's segments. @most: it may be. */
struct csm_window_state {
	uint32_t sndbuf, queued;
	uint32_t spilled;
	uint32_t told;
	uint32_t mss;
	uint32_t most;
};
uint32_t csm_tcp_window(const struct csm_window_state *state);

#endif
