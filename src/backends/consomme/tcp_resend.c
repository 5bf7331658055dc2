/* SPDX-License-Identifier: MIT */
/*
 * What the guest has acknowledged, and what has to be sent again.
 *
 * The way to the guest loses nothing by itself, so this has to be right rather
 * than clever: to resend is to go back, nxt = una, and all that follows is sent
 * again, but for what an acknowledgement covers meanwhile. That is done when
 * the timeout is over (RFC 6298, with a granularity that makes 200 ms the least)
 * and at the third duplicate acknowledgement (RFC 5681, 3.2), then not again
 * before all that was out at that time is acknowledged (RFC 6582).
 *
 * The same timer watches over a window that is closed while there is something
 * to send: then it is the window that is asked for.
 *
 * The timer is not moved with each acknowledgement: it runs out and looks at
 * rto_at.
 */
#include "backends/consomme/tcp_data.h"

#include <errno.h>

#define RTO_FIRST   CSM_SEC
#define RTO_MIN	    (200 * CSM_MS)
#define RTO_MAX	    (60 * CSM_SEC)
#define RETRIES_MAX 12
#define DUP_ACKS    3

static void rto_cb(struct csm_timer *timer);

void csm_tcp_resend_init(struct csm_tcp *tcp)
{
	csm_timer_init(&tcp->rto_timer, rto_cb);
	tcp->rto = RTO_FIRST;
}

/* Has the timer run out at @at at the latest. */
static void start_timer(struct csm_tcp *tcp, uint64_t at)
{
	if (!csm_timer_is_set(&tcp->rto_timer) || tcp->rto_timer.at > at)
		csm_timer_set(&tcp->flow.stack->timers, &tcp->rto_timer, at);
}

void csm_tcp_expect(struct csm_tcp *tcp)
{
	if (tcp->nxt == tcp->una && tcp->wnd)
		return;
	if (!csm_timer_is_set(&tcp->rto_timer))
		tcp->rto_at = tcp->flow.stack->now + tcp->rto;
	start_timer(tcp, tcp->rto_at);
}

void csm_tcp_sent(struct csm_tcp *tcp, uint32_t end)
{
	uint64_t now = tcp->flow.stack->now;

	if (tcp->nxt == tcp->una)
		tcp->rto_at = now + tcp->rto;
	if (!tcp->rtt_at && tcp->nxt == tcp->max) {
		tcp->rtt_at = now;
		tcp->rtt_seq = end;
	}
	tcp->nxt = end;
	if (csm_seq_lt(tcp->max, end))
		tcp->max = end;
	csm_tcp_expect(tcp);
}

static void go_back(struct csm_tcp *tcp)
{
	tcp->nxt = tcp->una;
	tcp->recover = tcp->max;
	tcp->rtt_at = 0;
	tcp->flow.stack->count.tcp_retransmits++;
}

static void rto_cb(struct csm_timer *timer)
{
	struct csm_tcp *tcp = container_of(timer, struct csm_tcp, rto_timer);
	uint64_t now = tcp->flow.stack->now;
	bool waits = list_is_on(&tcp->flow.sender.node);

	if (tcp->state != CSM_TCP_OPEN)
		return;
	if (now < tcp->rto_at || waits) {
		/* Not yet, or the guest has no room for what it lacks. */
		start_timer(tcp, waits ? now + tcp->rto : tcp->rto_at);
		return;
	}
	if (tcp->una == tcp->max && tcp->wnd)
		return;
	if (tcp->retries++ == RETRIES_MAX) {
		tcp->error = ETIMEDOUT;
		csm_tcp_abort(tcp);
		return;
	}
	tcp->rto = MIN(2 * tcp->rto, RTO_MAX);
	if (tcp->una != tcp->max)
		go_back(tcp);
	if (!tcp->wnd)
		csm_tcp_say(tcp, CSM_DUE_KEEPALIVE);
	csm_tcp_push(tcp);
}

/* RFC 6298, 2.2 and 2.3. */
static void take_rtt(struct csm_tcp *tcp)
{
	uint64_t rtt = tcp->flow.stack->now - tcp->rtt_at;
	uint64_t off = rtt > tcp->srtt ? rtt - tcp->srtt : tcp->srtt - rtt;

	if (tcp->srtt) {
		tcp->rttvar = (3 * tcp->rttvar + off) / 4;
		tcp->srtt = (7 * tcp->srtt + rtt) / 8;
	} else {
		tcp->rttvar = rtt / 2;
		tcp->srtt = MAX(rtt, 1);
	}
	tcp->rtt_at = 0;
}

static void reset_rto(struct csm_tcp *tcp)
{
	tcp->retries = 0;
	tcp->rto = RTO_FIRST;
	if (tcp->srtt)
		tcp->rto =
			MIN(MAX(tcp->srtt + 4 * tcp->rttvar, RTO_MIN), RTO_MAX);
	tcp->rto_at = tcp->flow.stack->now + tcp->rto;
}

static void take_ack(struct csm_tcp *tcp, uint32_t ack)
{
	uint32_t bytes = ack - tcp->una;

	if (tcp->fin_out && ack == tcp->max) {
		tcp->fin_acked = true;
		bytes--;
	}
	tcp->una = ack;
	if (csm_seq_lt(tcp->nxt, ack))
		tcp->nxt = ack;
	tcp->flow.in += bytes;
	csm_tcp_receive_acked(tcp, bytes);
	if (tcp->rtt_at && csm_seq_le(tcp->rtt_seq, ack))
		take_rtt(tcp);
	tcp->dup_acks = 0;
	reset_rto(tcp);
}

/* The guest lacks something, if it says three times what it said before. */
static void take_dup_ack(struct csm_tcp *tcp)
{
	if (tcp->dup_acks < DUP_ACKS && ++tcp->dup_acks == DUP_ACKS &&
	    csm_seq_le(tcp->recover, tcp->una))
		go_back(tcp);
}

void csm_tcp_acked(struct csm_tcp *tcp, const struct csm_seg *seg)
{
	uint32_t wnd = (uint32_t)seg->window
		       << (seg->flags & TH_SYN ? 0 : tcp->scale);
	bool fin_acked = tcp->fin_acked;

	if (csm_seq_lt(tcp->una, seg->ack)) {
		take_ack(tcp, seg->ack);
	} else if (!wnd || !tcp->wnd) {
		/* It answers a probe; an open window is worth a try at once. */
		tcp->retries = 0;
		if (wnd)
			reset_rto(tcp);
	} else if (!seg->len && wnd == tcp->wnd && tcp->una != tcp->max &&
		   !(seg->flags & (TH_SYN | TH_FIN))) {
		take_dup_ack(tcp);
	}
	tcp->wnd = wnd;
	csm_tcp_push(tcp);
	if (tcp->fin_acked && !fin_acked)
		csm_tcp_progress(tcp);
}
