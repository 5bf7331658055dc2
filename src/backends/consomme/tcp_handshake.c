/* SPDX-License-Identifier: MIT */
/*
 * Until a connection is established: the segments of the guest's before it
 * (RFC 9293, 3.10.7.3 and .4), and how many may be half open.
 *
 *   CONNECTING: the guest has sent a SYN and waits. It may send it again, or one
 *     with another number if it has given up the first: the last one counts.
 *   SYN_RCVD: it has been answered, its ACK is waited for.
 *   SYN_SENT: it has got our SYN. Its SYN without an ACK, if both ends begin at
 *     once, leads to SYN_RCVD.
 *
 * Data that come with a SYN are not taken: the guest sends them again.
 */
#include "backends/consomme/tcp_life.h"

uint32_t csm_tcp_half_open_max(const struct csm_stack *stack)
{
	uint32_t max = MAX(stack->config->max_tcp / 2, 1u);

	return MIN(max, (uint32_t)CSM_TCP_HALF_OPEN_MAX);
}

static struct csm_tcp *oldest(const struct csm_stack *stack)
{
	struct list *first = list_first(&stack->half_open);

	return first ? container_of(first, struct csm_tcp, half_open) : NULL;
}

static bool may_go(const struct csm_stack *stack, const struct csm_tcp *tcp)
{
	return tcp && stack->now - tcp->flow.born >= CSM_TCP_HALF_OPEN_AGE;
}

/* At the cap on all flows it is the half-open ones that make room first. */
static bool is_full(const struct csm_stack *stack)
{
	const struct csm_flow_list *list = &stack->flows.kinds[CSM_FLOW_TCP];

	return stack->n_half_open >= csm_tcp_half_open_max(stack) ||
	       list->n >= list->max;
}

bool csm_tcp_may_open(const struct csm_stack *stack)
{
	return stack->n_half_open < csm_tcp_half_open_max(stack) ||
	       may_go(stack, oldest(stack));
}

bool csm_tcp_make_room(struct csm_stack *stack)
{
	struct csm_tcp *tcp = oldest(stack);

	if (is_full(stack) && may_go(stack, tcp)) {
		stack->flows.kinds[CSM_FLOW_TCP].evicted++;
		csm_tcp_cut(&tcp->flow);
	}
	return stack->n_half_open < csm_tcp_half_open_max(stack);
}

void csm_tcp_settle(struct csm_tcp *tcp)
{
	if (!list_is_on(&tcp->half_open))
		return;
	list_remove(&tcp->half_open);
	tcp->flow.stack->n_half_open--;
}

static void become_open(struct csm_tcp *tcp)
{
	csm_tcp_settle(tcp);
	tcp->state = CSM_TCP_OPEN;
	tcp->una = tcp->iss + 1;
	tcp->retries = 0;
	tcp->due &= ~(unsigned int)CSM_DUE_SYN;
	tcp->heard = tcp->flow.stack->now;
	csm_tcp_life_start(tcp);
	csm_tcp_data_open(tcp);
}

static void in_connecting(struct csm_tcp *tcp, const struct csm_seg *seg)
{
	if (seg->flags & TH_RST) {
		if (seg->seq == tcp->irs || seg->seq == tcp->rcv_nxt)
			csm_tcp_end(tcp, true);
	} else if ((seg->flags & (TH_SYN | TH_ACK)) == TH_SYN) {
		csm_tcp_take_syn(tcp, seg);
	}
}

/* Is its number in the window that the SYN-ACK told of? */
static bool is_in_window(const struct csm_tcp *tcp, const struct csm_seg *seg)
{
	return csm_seq_le(tcp->rcv_nxt, seg->seq) &&
	       csm_seq_le(seg->seq, tcp->rcv_edge);
}

static bool in_syn_rcvd(struct csm_tcp *tcp, const struct csm_in *in,
			const struct csm_seg *seg)
{
	if ((seg->flags & TH_SYN) && seg->seq == tcp->irs) {
		if (!(seg->flags & TH_ACK))
			csm_tcp_say(tcp, CSM_DUE_SYN);
		else if (seg->ack == tcp->iss + 1)
			become_open(tcp);
		return false;
	}
	if (seg->flags & TH_RST) {
		if (seg->seq == tcp->rcv_nxt)
			csm_tcp_end(tcp, true);
		else if (is_in_window(tcp, seg))
			csm_tcp_challenge(tcp);
		return false;
	}
	if ((seg->flags & TH_SYN) || !is_in_window(tcp, seg)) {
		csm_tcp_challenge(tcp);
		return false;
	}
	if (seg->ack != tcp->iss + 1) {
		csm_tcp_refuse(tcp->flow.stack, in, seg);
		return false;
	}
	become_open(tcp);
	return true;
}

static void in_syn_sent(struct csm_tcp *tcp, const struct csm_in *in,
			const struct csm_seg *seg)
{
	if ((seg->flags & TH_ACK) && seg->ack != tcp->iss + 1) {
		csm_tcp_refuse(tcp->flow.stack, in, seg);
		return;
	}
	if (seg->flags & TH_RST) {
		if (seg->flags & TH_ACK) {
			tcp->flow.stack->count.refused++;
			csm_tcp_end(tcp, true);
		}
		return;
	}
	if (!(seg->flags & TH_SYN))
		return;
	csm_tcp_take_syn(tcp, seg);
	if (seg->flags & TH_ACK) {
		become_open(tcp);
		csm_tcp_say(tcp, CSM_DUE_ACK);
		return;
	}
	tcp->state = CSM_TCP_SYN_RCVD;
	csm_tcp_say(tcp, CSM_DUE_SYN);
}

bool csm_tcp_handshake(struct csm_tcp *tcp, const struct csm_in *in,
		       const struct csm_seg *seg)
{
	switch (tcp->state) {
	case CSM_TCP_CONNECTING:
		in_connecting(tcp, seg);
		return false;
	case CSM_TCP_SYN_RCVD:
		return in_syn_rcvd(tcp, in, seg);
	case CSM_TCP_SYN_SENT:
		in_syn_sent(tcp, in, seg);
		return false;
	case CSM_TCP_OPEN:
	case CSM_TCP_CLOSED:
		break;
	}
	return false;
}
