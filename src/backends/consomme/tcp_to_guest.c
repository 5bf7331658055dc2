/* SPDX-License-Identifier: MIT */
/*
 * From the socket to the guest.
 *
 * A connection that has something to say is a sender (out.h), and each of its
 * turns makes one segment, out of what is so at that moment: nothing waits in
 * between. Bytes go from the socket's buffer straight into the guest's, up to
 * 64 KiB at once, to be cut into segments by nobody if the guest takes such
 * frames. Every segment carries the acknowledgement, so a turn that has data
 * needs no other for it.
 *
 * How much may be sent is the guest's window alone: the way to the guest loses
 * nothing and has no queue, so there is no congestion to control. A window that
 * has less left than a segment is not used while an acknowledgement is still to
 * come (RFC 9293, 3.8.6.2.1).
 */
#include "backends/consomme/tcp_data.h"

#define IP_LEN_MAX 65535u

void csm_tcp_data_init(struct csm_tcp *tcp)
{
	csm_tcp_resend_init(tcp);
	csm_tcp_from_guest_init(tcp);
	csm_tcp_window_init(tcp);
}

void csm_tcp_data_open(struct csm_tcp *tcp)
{
	tcp->recover = tcp->una;
	csm_tcp_push(tcp);
}

void csm_tcp_data_fini(struct csm_tcp *tcp)
{
	csm_ring_fini(&tcp->spill);
	csm_ring_fini(&tcp->ring);
}

/* Bytes that may be sent from nxt on. */
static uint32_t window_left(const struct csm_tcp *tcp)
{
	uint32_t window = MIN(tcp->wnd, CSM_TCP_FLIGHT_MAX);
	uint32_t flight = tcp->nxt - tcp->una;
	uint32_t left = window > flight ? window - flight : 0;

	return flight && left < tcp->mss ? 0 : left;
}

bool csm_tcp_fin_pending(const struct csm_tcp *tcp)
{
	return tcp->eof && !tcp->fin_acked && !csm_tcp_unsent(tcp) &&
	       !(tcp->fin_out && tcp->nxt == tcp->max);
}

/* Are there bytes or an end to send, as far as is known? */
static bool has_data(const struct csm_tcp *tcp)
{
	return csm_tcp_unsent(tcp) || (tcp->readable && !tcp->eof) ||
	       csm_tcp_fin_pending(tcp);
}

static bool has_output(const struct csm_tcp *tcp)
{
	return tcp->due || tcp->dup_due || tcp->discard ||
	       (has_data(tcp) && window_left(tcp));
}

void csm_tcp_push(struct csm_tcp *tcp)
{
	if (tcp->state != CSM_TCP_OPEN)
		return;
	if (has_output(tcp))
		csm_sender_wake(tcp->flow.stack, &tcp->flow.sender);
	if (has_data(tcp) || tcp->una != tcp->max)
		csm_tcp_expect(tcp);
}

void csm_tcp_readable(struct csm_tcp *tcp, uint32_t events)
{
	tcp->readable = true;
	if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR | EPOLLPRI))
		tcp->ending = true;
	csm_tcp_push(tcp);
}

/* The number of a segment without data: the guest must find it in its window,
 * which it may have shrunk (RFC 9293, 3.8.6). */
static uint32_t ack_seq(const struct csm_tcp *tcp)
{
	uint32_t edge = tcp->una + tcp->wnd;

	return csm_seq_lt(edge, tcp->max) ? edge : tcp->max;
}

static bool open_empty(const struct csm_tcp *tcp, struct csm_out *out)
{
	return csm_out_open(out, csm_tcp_head_len(tcp), 0, 0);
}

static enum csm_turn turn_syn(struct csm_tcp *tcp, struct csm_out *out)
{
	uint8_t flags = TH_SYN;

	if (!open_empty(tcp, out))
		return CSM_TURN_NO_ROOM;
	if (tcp->state == CSM_TCP_SYN_RCVD)
		flags |= TH_ACK;
	csm_tcp_segment(tcp, out, flags, tcp->iss, 0);
	tcp->due = 0;
	return CSM_TURN_DONE;
}

static enum csm_turn turn_reset(struct csm_tcp *tcp, struct csm_out *out)
{
	if (!open_empty(tcp, out))
		return CSM_TURN_NO_ROOM;
	csm_tcp_segment(tcp, out, TH_RST | TH_ACK, tcp->max, 0);
	tcp->due = 0;
	csm_tcp_end(tcp, true);
	return CSM_TURN_DONE;
}

/* A segment that says no more than what it acknowledges. */
static enum csm_turn turn_ack(struct csm_tcp *tcp, struct csm_out *out,
			      uint32_t seq)
{
	if (!open_empty(tcp, out))
		return CSM_TURN_NO_ROOM;
	csm_tcp_segment(tcp, out, TH_ACK, seq, 0);
	return CSM_TURN_MORE;
}

/* The most bytes of one segment. */
static uint32_t payload_most(const struct csm_tcp *tcp,
			     const struct csm_out *out)
{
	bool v4 = csm_addr_is4(&tcp->flow.key.guest);
	uint32_t most =
		MIN(window_left(tcp), IP_LEN_MAX - csm_tcp_head_len(tcp));

	if (most <= tcp->mss)
		return most;
	if (!csm_out_takes(out, v4 ? NET_GSO_TCPV4 : NET_GSO_TCPV6))
		return tcp->mss;
	return most - most % tcp->mss;
}

/* What was fetched, or the end, or if there is neither what else is due. */
static void finish_data(struct csm_tcp *tcp, struct csm_out *out, uint32_t n)
{
	bool fin = csm_tcp_fin_pending(tcp) && !n;
	uint8_t flags = TH_ACK;

	if (!n && !fin) {
		if (tcp->due & CSM_DUE_ACK)
			csm_tcp_segment(tcp, out, flags, ack_seq(tcp), 0);
		tcp->due &= ~(unsigned int)CSM_DUE_ACK;
		return;
	}
	if (fin)
		flags |= TH_FIN;
	else if (!tcp->readable && csm_tcp_unsent(tcp) <= n)
		flags |= TH_PUSH;
	csm_tcp_segment(tcp, out, flags, tcp->nxt, n);
	tcp->due &= ~(unsigned int)CSM_DUE_ACK;
	tcp->fin_out |= fin;
	csm_tcp_sent(tcp, tcp->nxt + n + fin);
}

static enum csm_turn turn_data(struct csm_tcp *tcp, struct csm_out *out)
{
	uint32_t most = payload_most(tcp, out);
	uint32_t n = 0;

	if (!csm_out_open(out, csm_tcp_head_len(tcp), MIN(most, tcp->mss),
			  most))
		return CSM_TURN_NO_ROOM;
	if (csm_tcp_unsent(tcp) || (tcp->readable && !tcp->eof))
		n = csm_tcp_receive(tcp, out->iov, out->n_iov, out->room);
	if (tcp->state == CSM_TCP_OPEN)
		finish_data(tcp, out, n);
	return CSM_TURN_MORE;
}

/* One segment. CSM_TURN_DONE: there is nothing to say. */
static enum csm_turn say_one(struct csm_tcp *tcp, struct csm_out *out)
{
	bool probe = tcp->due & CSM_DUE_KEEPALIVE;
	enum csm_turn turn;

	if (!probe && !tcp->dup_due && has_data(tcp) && window_left(tcp))
		return turn_data(tcp, out);
	if (!tcp->due && !tcp->dup_due)
		return CSM_TURN_DONE;
	turn = turn_ack(tcp, out, probe ? tcp->una - 1 : ack_seq(tcp));
	if (turn == CSM_TURN_NO_ROOM)
		return turn;
	tcp->due = 0;
	if (!probe && tcp->dup_due)
		tcp->dup_due--;
	return turn;
}

static enum csm_turn turn_open(struct csm_tcp *tcp, struct csm_out *out)
{
	enum csm_turn turn = CSM_TURN_MORE;

	if (tcp->discard)
		csm_tcp_receive_discard(tcp);
	if (tcp->state == CSM_TCP_OPEN)
		turn = say_one(tcp, out);
	if (tcp->state != CSM_TCP_OPEN || turn == CSM_TURN_NO_ROOM)
		return turn;
	/* The last acknowledgement may have been all that it waited for. */
	if (tcp->fin_acked)
		csm_tcp_progress(tcp);
	if (tcp->flow.buried)
		return CSM_TURN_DONE;
	if (has_data(tcp))
		csm_tcp_expect(tcp);
	return has_output(tcp) ? CSM_TURN_MORE : CSM_TURN_DONE;
}

enum csm_turn csm_tcp_turn(struct csm_sender *sender, struct csm_out *out)
{
	struct csm_tcp *tcp =
		csm_tcp_of(container_of(sender, struct csm_flow, sender));

	if (tcp->flow.buried)
		return CSM_TURN_DONE;
	switch (tcp->state) {
	case CSM_TCP_OPEN:
		return turn_open(tcp, out);
	case CSM_TCP_SYN_RCVD:
	case CSM_TCP_SYN_SENT:
		if (tcp->due & CSM_DUE_SYN)
			return turn_syn(tcp, out);
		return CSM_TURN_DONE;
	case CSM_TCP_CLOSED:
		if (tcp->due & CSM_DUE_RST)
			return turn_reset(tcp, out);
		return CSM_TURN_DONE;
	case CSM_TCP_CONNECTING:
		break;
	}
	return CSM_TURN_DONE;
}
