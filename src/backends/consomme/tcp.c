/* SPDX-License-Identifier: MIT */
/*
 * TCP segments from the guest: what they say, whose they are, whether they are
 * acceptable (RFC 9293, 3.10.7).
 *
 * The guest's own kernel is trusted with nothing: a segment outside of the
 * window is answered by an acknowledgement and has no effect; a reset has one
 * only if its number is exactly the next one expected, and a SYN never has (RFC
 * 5961): both are asked about by a challenge ACK, to which a guest that means it
 * answers with a reset that has the right number. A guest that was rebooted and
 * begins again with the same ports gets rid of the old connection that way.
 */
#include "backends/consomme/build.h"
#include "backends/consomme/tcp_life.h"
#include "base/bytes.h"
#include "net/checksum.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#define FLAGS (TH_FIN | TH_SYN | TH_RST | TH_PUSH | TH_ACK | TH_URG)

/* The largest shift that means something (RFC 7323, 2.3). */
#define SCALE_MAX 14

static void read_options(struct csm_seg *seg, const uint8_t *at, size_t left)
{
	while (left && at[0] != TCPOPT_EOL) {
		size_t len = 1;

		if (at[0] != TCPOPT_NOP) {
			if (left < 2 || at[1] < 2 || at[1] > left)
				return;
			len = at[1];
		}
		if (at[0] == TCPOPT_MAXSEG && len == TCPOLEN_MAXSEG)
			seg->mss = load_be16(at + 2);
		else if (at[0] == TCPOPT_WINDOW && len == TCPOLEN_WINDOW)
			seg->scale = MIN(at[2], (uint8_t)SCALE_MAX);
		at += len;
		left -= len;
	}
}

/* False: nobody sends such a segment. */
static bool read_segment(struct csm_seg *seg, const struct csm_in *in)
{
	const uint8_t *tcp = in->head + in->l4_at;

	*seg = (struct csm_seg){
		.seq = load_be32(tcp + 4),
		.ack = load_be32(tcp + 8),
		.len = in->payload_len,
		.window = load_be16(tcp + 14),
		.flags = tcp[13] & FLAGS,
		.scale = CSM_TCP_NO_SCALE,
	};
	if (!in->src_port || !in->dst_port)
		return false;
	if (!(seg->flags & (TH_SYN | TH_ACK | TH_RST)))
		return false;
	if ((seg->flags & TH_SYN) && (seg->flags & (TH_FIN | TH_RST)))
		return false;
	if (seg->flags & TH_SYN)
		read_options(seg, tcp + NET_TCP_LEN_MIN,
			     in->l4_len - (size_t)NET_TCP_LEN_MIN);
	return true;
}

void csm_tcp_send_reset(struct csm_stack *stack, const struct csm_key *key,
			uint32_t seq, uint32_t ack, uint8_t flags)
{
	uint8_t frame[CSM_HEAD_MAX];
	struct net_csum sum = {0};
	uint8_t *tcp;

	tcp = frame + csm_build_ip(stack, frame, stack->guest_mac, IPPROTO_TCP,
				   CSM_TTL, &key->far, &key->guest,
				   NET_TCP_LEN_MIN);
	memset(tcp, 0, NET_TCP_LEN_MIN);
	store_be16(tcp, key->far_port);
	store_be16(tcp + 2, key->guest_port);
	store_be32(tcp + 4, seq);
	store_be32(tcp + 8, ack);
	tcp[12] = (NET_TCP_LEN_MIN / 4) << 4;
	tcp[13] = flags;
	net_csum_add_u16(&sum, csm_build_pseudo(IPPROTO_TCP, &key->far,
						&key->guest, NET_TCP_LEN_MIN));
	net_csum_add(&sum, tcp, NET_TCP_LEN_MIN);
	store_be16(tcp + NET_TCP_CSUM_OFFSET, net_csum_finish(&sum));
	csm_reply(stack, frame, (size_t)(tcp - frame) + NET_TCP_LEN_MIN);
	stack->count.tcp_resets++;
}

static struct csm_key key_of(const struct csm_in *in)
{
	return (struct csm_key){
		.guest = in->src,
		.far = in->dst,
		.guest_port = in->src_port,
		.far_port = in->dst_port,
		.kind = CSM_FLOW_TCP,
	};
}

void csm_tcp_refuse(struct csm_stack *stack, const struct csm_in *in,
		    const struct csm_seg *seg)
{
	struct csm_key key = key_of(in);
	uint32_t len = seg->len;

	if ((seg->flags & TH_RST) || csm_addr_is_multicast(&in->dst))
		return;
	if (seg->flags & TH_ACK) {
		csm_tcp_send_reset(stack, &key, seg->ack, 0, TH_RST);
		return;
	}
	if (seg->flags & TH_SYN)
		len++;
	if (seg->flags & TH_FIN)
		len++;
	csm_tcp_send_reset(stack, &key, 0, seg->seq + len, TH_RST | TH_ACK);
}

void csm_tcp_say(struct csm_tcp *tcp, unsigned int due)
{
	if (tcp->flow.buried)
		return;
	tcp->due |= due;
	csm_sender_wake(tcp->flow.stack, &tcp->flow.sender);
}

void csm_tcp_challenge(struct csm_tcp *tcp)
{
	struct csm_stack *stack = tcp->flow.stack;

	if (tcp->challenged &&
	    stack->now - tcp->challenged < CSM_TCP_CHALLENGE_EVERY)
		return;
	tcp->challenged = stack->now;
	stack->count.tcp_challenges++;
	csm_tcp_say(tcp,
		    tcp->state == CSM_TCP_OPEN ? CSM_DUE_ACK : CSM_DUE_SYN);
}

/* Does the segment have something for the window, or at least the number that
 * an acknowledgement must have? At a closed window, where only empty segments
 * are acceptable, the acknowledgement of one with data counts too (3.10.7.4). */
static bool is_acceptable(const struct csm_tcp *tcp, const struct csm_seg *seg)
{
	uint32_t len = seg->len + (seg->flags & TH_FIN ? 1 : 0);

	if (!len || (seg->flags & TH_RST))
		return csm_seq_le(tcp->rcv_nxt, seg->seq) &&
		       csm_seq_le(seg->seq, tcp->rcv_edge);
	return csm_seq_lt(tcp->rcv_nxt, seg->seq + len) &&
	       (csm_seq_lt(seg->seq, tcp->rcv_edge) ||
		seg->seq == tcp->rcv_nxt);
}

/* What is wrong is said by an acknowledgement; at once if the guest waits for
 * one, because it sends again what has come already. */
static void answer_unacceptable(struct csm_tcp *tcp, const struct csm_seg *seg)
{
	if (seg->flags & TH_RST)
		return;
	if (seg->len || (seg->flags & TH_FIN))
		csm_tcp_say(tcp, CSM_DUE_ACK);
	else
		csm_tcp_challenge(tcp);
}

static bool is_alive(const struct csm_tcp *tcp)
{
	return !tcp->flow.buried && tcp->state == CSM_TCP_OPEN;
}

static void input_open(struct csm_tcp *tcp, const struct csm_in *in,
		       const struct csm_seg *seg)
{
	if (seg->flags & TH_SYN) {
		csm_tcp_challenge(tcp);
		return;
	}
	if (!is_acceptable(tcp, seg)) {
		answer_unacceptable(tcp, seg);
		return;
	}
	if (seg->flags & TH_RST) {
		/* What it has sent before its FIN is still to arrive. */
		if (seg->seq == tcp->rcv_nxt)
			csm_tcp_end(tcp, !tcp->shut);
		else
			csm_tcp_challenge(tcp);
		return;
	}
	if (csm_seq_lt(tcp->max, seg->ack) ||
	    csm_seq_lt(seg->ack, tcp->una - CSM_TCP_WINDOW_MAX)) {
		csm_tcp_challenge(tcp);
		return;
	}
	tcp->heard = tcp->flow.stack->now;
	tcp->probes = 0;
	if (csm_seq_le(tcp->una, seg->ack))
		csm_tcp_acked(tcp, seg);
	if (is_alive(tcp) && (seg->len || (seg->flags & TH_FIN)))
		csm_tcp_data(tcp, seg, in);
}

static void input_flow(struct csm_tcp *tcp, const struct csm_in *in,
		       const struct csm_seg *seg)
{
	struct csm_stack *stack = tcp->flow.stack;

	csm_flow_touch(&tcp->flow);
	/* A reset must not overtake the data before it. */
	if (stack->batch.tcp == tcp && (seg->flags & TH_RST)) {
		csm_tcp_flush(stack);
		if (tcp->flow.buried)
			return;
	}
	switch (tcp->state) {
	case CSM_TCP_CONNECTING:
	case CSM_TCP_SYN_RCVD:
	case CSM_TCP_SYN_SENT:
		if (csm_tcp_handshake(tcp, in, seg))
			input_open(tcp, in, seg);
		break;
	case CSM_TCP_OPEN:
		input_open(tcp, in, seg);
		break;
	case CSM_TCP_CLOSED:
		break;
	}
}

void csm_tcp_input(struct csm_stack *stack, const struct csm_in *in)
{
	struct csm_key key = key_of(in);
	struct csm_seg seg;
	struct csm_flow *flow;
	bool is_opening;

	if (!read_segment(&seg, in)) {
		stack->count.tcp_bad++;
		return;
	}
	is_opening = (seg.flags & (TH_SYN | TH_ACK)) == TH_SYN;
	flow = csm_flow_find(&stack->flows, &key);
	if (flow && is_opening && csm_tcp_of(flow)->state == CSM_TCP_CLOSED) {
		csm_tcp_end(csm_tcp_of(flow), false);
		flow = NULL;
	}
	if (flow) {
		input_flow(csm_tcp_of(flow), in, &seg);
	} else if (is_opening) {
		csm_tcp_open(stack, in, &seg);
	} else {
		stack->count.no_flow++;
		csm_tcp_refuse(stack, in, &seg);
	}
}

static const char *tcp_state(const struct csm_flow *flow)
{
	const struct csm_tcp *tcp =
		container_of_const(flow, struct csm_tcp, flow);

	switch (tcp->state) {
	case CSM_TCP_CONNECTING:
		return "connecting";
	case CSM_TCP_SYN_RCVD:
		return "syn-received";
	case CSM_TCP_SYN_SENT:
		return "syn-sent";
	case CSM_TCP_OPEN:
		if (tcp->fin_in && tcp->fin_out)
			return "closing";
		if (tcp->fin_in)
			return "closed-by-guest";
		return tcp->fin_out ? "closed-by-host" : "established";
	case CSM_TCP_CLOSED:
		return "closed";
	}
	return "";
}

/* Whom it would hurt least: those that are not established, and those whose
 * ends have had nothing to say for long. */
static bool tcp_may_evict(const struct csm_flow *flow)
{
	const struct csm_tcp *tcp =
		container_of_const(flow, struct csm_tcp, flow);
	uint64_t idle = flow->stack->now - flow->used;

	if (tcp->state != CSM_TCP_OPEN)
		return true;
	return idle >= (csm_tcp_is_half_closed(tcp) ? CSM_TCP_EVICT_HALF
						    : CSM_TCP_EVICT_IDLE);
}

static void tcp_destroy(struct csm_flow *flow)
{
	struct csm_tcp *tcp = csm_tcp_of(flow);

	csm_tcp_data_fini(tcp);
	free(tcp);
}

const struct csm_flow_ops csm_tcp_ops = {
	.proto = "tcp",
	.state = tcp_state,
	.may_evict = tcp_may_evict,
	.end = csm_tcp_cut,
	.destroy = tcp_destroy,
};
