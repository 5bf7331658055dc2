/* SPDX-License-Identifier: MIT */
/*
 * From the guest to the socket.
 *
 * Payload is not copied: while frames of a burst come in, the places of one
 * connection's consecutive bytes in guest memory are gathered, and when the
 * burst ends, or another connection's bytes come, one sendmsg() takes them all.
 * What the socket does not take goes to the spill. So the bytes count as received
 * when they are gathered, and one acknowledgement, made in the sender's turn,
 * goes out for all of a burst. For less than a segment it waits a little, since
 * most of what is small is a question: then the answer takes it along, which
 * spares the guest an interrupt.
 *
 * Only bytes in order are taken (RFC 9293, 3.10.7.4): what was received before is
 * cut off, as is what lies beyond the window; what comes too early is dropped and
 * answered by a duplicate acknowledgement, which makes the guest send what is
 * missing. Urgent data are data.
 */
#include "backends/consomme/tcp_data.h"

#include <errno.h>

/* As many duplicate acknowledgements as make a TCP resend (RFC 5681, 3.2). */
#define DUP_ACKS 3

/* How long an acknowledgement may wait (RFC 9293, 3.8.6.3: up to 500 ms). Short,
 * for guests that send nothing small while one is out (Nagle's algorithm). */
#define ACK_DELAY CSM_MS

static void ack_due(struct csm_timer *timer)
{
	struct csm_tcp *tcp = container_of(timer, struct csm_tcp, ack_timer);

	if (tcp->state == CSM_TCP_OPEN && tcp->rcv_told != tcp->rcv_nxt)
		csm_tcp_say(tcp, CSM_DUE_ACK);
}

void csm_tcp_from_guest_init(struct csm_tcp *tcp)
{
	csm_timer_init(&tcp->ack_timer, ack_due);
}

/* For bytes that have been received in order. */
static void acknowledge(struct csm_tcp *tcp)
{
	struct csm_stack *stack = tcp->flow.stack;

	if (tcp->rcv_nxt - tcp->rcv_told >= tcp->mss ||
	    tcp->rcv_edge - tcp->rcv_nxt < tcp->mss)
		csm_tcp_say(tcp, CSM_DUE_ACK);
	else if (!csm_timer_is_set(&tcp->ack_timer))
		csm_timer_set(&stack->timers, &tcp->ack_timer,
			      stack->now + ACK_DELAY);
}

static void fail(struct csm_tcp *tcp, ssize_t err)
{
	tcp->error = (int)-err;
	csm_tcp_abort(tcp);
}

static void flush(struct csm_tcp *tcp, struct csm_batch *batch)
{
	struct net_iov_walk walk = net_iov_walk(batch->iov, batch->n);
	struct msghdr msg = {.msg_iov = batch->iov, .msg_iovlen = batch->n};
	ssize_t sent = -EAGAIN;
	int err;

	if (!tcp->blocked && !tcp->spill.len)
		sent = csm_host_send(tcp->flow.stack->host, tcp->flow.source.fd,
				     &msg, 0);
	if (sent < 0 && sent != -EAGAIN) {
		fail(tcp, sent);
		return;
	}
	sent = MAX(sent, 0);
	if ((size_t)sent == batch->len)
		return;
	tcp->blocked = true;
	(void)net_iov_skip(&walk, (size_t)sent);
	err = csm_tcp_spill_put(tcp, &walk,
				(uint32_t)(batch->len - (size_t)sent));
	if (err < 0)
		fail(tcp, err);
}

void csm_tcp_flush(struct csm_stack *stack)
{
	struct csm_batch *batch = &stack->batch;
	struct csm_tcp *tcp = batch->tcp;

	if (!tcp)
		return;
	batch->tcp = NULL;
	if (tcp->state == CSM_TCP_OPEN && !tcp->flow.buried)
		flush(tcp, batch);
	batch->n = 0;
	batch->len = 0;
}

/* Sends what was gathered. False: the connection has ended, or not all of its
 * bytes could be kept, so that what comes after them has not come. */
static bool flush_all(struct csm_tcp *tcp)
{
	uint32_t end = tcp->rcv_nxt;

	csm_tcp_flush(tcp->flow.stack);
	return tcp->state == CSM_TCP_OPEN && tcp->rcv_nxt == end;
}

/* Adds the places of @len bytes of the payload. False: not of all of them. */
static bool gather(struct csm_tcp *tcp, struct net_iov_walk walk, uint32_t len)
{
	struct csm_batch *batch = &tcp->flow.stack->batch;

	while (len) {
		struct iovec *piece;

		if ((batch->tcp != tcp || batch->n == ARRAY_SIZE(batch->iov)) &&
		    !flush_all(tcp))
			return false;
		batch->tcp = tcp;
		piece = &batch->iov[batch->n];
		if (!net_iov_next(&walk, len, piece))
			return false;
		batch->n++;
		batch->len += piece->iov_len;
		len -= (uint32_t)piece->iov_len;
		tcp->rcv_nxt += (uint32_t)piece->iov_len;
		tcp->flow.out += piece->iov_len;
	}
	return true;
}

/* All before it is on its way: the direction ends when the spill is empty. */
static void take_fin(struct csm_tcp *tcp)
{
	if (!flush_all(tcp))
		return;
	tcp->rcv_nxt++;
	tcp->fin_in = true;
	csm_tcp_progress(tcp);
}

void csm_tcp_data(struct csm_tcp *tcp, const struct csm_seg *seg,
		  const struct csm_in *in)
{
	uint32_t len = MIN(seg->len, in->payload_len);
	int32_t before = csm_seq_diff(tcp->rcv_nxt, seg->seq);
	uint32_t room = tcp->rcv_edge - tcp->rcv_nxt;
	struct net_iov_walk walk = in->payload;
	bool fin = seg->flags & TH_FIN;

	if (!len && !fin)
		return;
	if (before || fin || tcp->fin_in || len > room)
		csm_tcp_say(tcp, CSM_DUE_ACK);
	if (tcp->fin_in)
		return;
	if (before < 0) {
		tcp->flow.stack->count.tcp_dup_acks++;
		tcp->dup_due = (uint8_t)MIN(tcp->dup_due + 1, DUP_ACKS);
		return;
	}
	if ((uint32_t)before > len || !net_iov_skip(&walk, (size_t)before))
		return;
	len -= (uint32_t)before;
	if (len > room) {
		len = room;
		fin = false;
	}
	if (!gather(tcp, walk, len))
		return;
	acknowledge(tcp);
	if (fin)
		take_fin(tcp);
}

void csm_tcp_writable(struct csm_tcp *tcp)
{
	bool waited = tcp->blocked || tcp->waiting;

	tcp->blocked = false;
	tcp->waiting = false;
	csm_tcp_spill_drain(tcp);
	if (!waited || tcp->state != CSM_TCP_OPEN || tcp->spill.len)
		return;
	if (tcp->fin_in)
		csm_tcp_progress(tcp);
	else
		csm_tcp_window_open(tcp);
}
