/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_BACKENDS_CONSOMME_TCP_DATA_H
#define EVNIC_BACKENDS_CONSOMME_TCP_DATA_H

/*
 * What TCP's data files have among themselves. A function that says it may end
 * the connection leaves it in another state than OPEN then.
 */

#include "backends/consomme/tcp.h"

/* The most bytes on their way to the guest, whatever its window is. What a socket
 * has to pass over when it is peeked at grows with it, and so does the ring where
 * it cannot be peeked at. */
#define CSM_TCP_FLIGHT_MAX (2u << 20)

/* ---- tcp_from_guest.c ---- */

void csm_tcp_from_guest_init(struct csm_tcp *tcp);

/* ---- tcp_window.c ---- */

void csm_tcp_window_init(struct csm_tcp *tcp);

/* The field of a header: what is left of the window; asks the socket for more
 * if that is little. */
uint16_t csm_tcp_window_field(struct csm_tcp *tcp);

/* The socket has got room: tells the guest, if that helps it. */
void csm_tcp_window_open(struct csm_tcp *tcp);

/* ---- tcp_spill.c ---- */

/* Keeps @n bytes of the walk for the socket. 0 or -ENOMEM. */
int csm_tcp_spill_put(struct csm_tcp *tcp, struct net_iov_walk *walk,
		      uint32_t n) MUST_CHECK;

/* Sends what is kept. May end the connection. */
void csm_tcp_spill_drain(struct csm_tcp *tcp);

/* ---- tcp_receive.c ---- */

/* Bytes from nxt on that are there for certain: sent before, or in the ring. */
uint32_t csm_tcp_unsent(const struct csm_tcp *tcp);

/* Fetches bytes from nxt on to @iov, at most @room; how many. 0: there are none
 * now. May end the connection. */
uint32_t csm_tcp_receive(struct csm_tcp *tcp, struct iovec *iov, size_t n_iov,
			 uint32_t room);

/* The guest has acknowledged @n bytes, una has moved on. */
void csm_tcp_receive_acked(struct csm_tcp *tcp, uint32_t n);

/* Throws away what the socket still has of them. May end the connection. */
void csm_tcp_receive_discard(struct csm_tcp *tcp);

/* ---- tcp_segment.c ---- */

/* The length of a segment's headers without options, Ethernet and IP too. */
uint32_t csm_tcp_head_len(const struct csm_tcp *tcp);

/* Closes the turn's frame: a segment with TH_* @flags, number @seq and @payload
 * bytes, which are in place. */
void csm_tcp_segment(struct csm_tcp *tcp, struct csm_out *out, uint8_t flags,
		     uint32_t seq, uint32_t payload);

/* ---- tcp_to_guest.c ---- */

/* Is there a FIN that is not on its way? */
bool csm_tcp_fin_pending(const struct csm_tcp *tcp);

/* Wakes the sender, if a turn would have something to do, and has the timer
 * running, if that depends on the guest. */
void csm_tcp_push(struct csm_tcp *tcp);

/* ---- tcp_resend.c ---- */

void csm_tcp_resend_init(struct csm_tcp *tcp);

/* Numbers up to @end have been sent (nxt is still what it was before). */
void csm_tcp_sent(struct csm_tcp *tcp, uint32_t end);

/* Has the timer running if the guest owes us an acknowledgement or a window. */
void csm_tcp_expect(struct csm_tcp *tcp);

#endif
