/* SPDX-License-Identifier: MIT */
/*
 * How a connection ends, and what its socket says meanwhile.
 *
 *   guest        socket
 *   FIN          shutdown(SHUT_WR), when all before it is in the socket
 *   FIN          end of the stream: our FIN, when all before it was sent
 *   RST          closed with SO_LINGER 0: the peer gets a reset; after a FIN just
 *                closed: what is in the socket reaches the peer
 *   RST          an error: the guest gets a reset
 *
 * In order, that is from the first line to the second or from the second to the
 * first, the flow ends when both have been said and acknowledged. What TIME_WAIT
 * is for, on the peer's side, its socket does; the guest's side is one wire.
 */
#include "backends/consomme/tcp_life.h"

#include <errno.h>

void csm_tcp_close_hard(struct csm_stack *stack, int fd)
{
	struct linger linger = {.l_onoff = 1, .l_linger = 0};

	(void)csm_host_set(stack->host, fd, SOL_SOCKET, SO_LINGER, &linger,
			   sizeof(linger));
	csm_host_close(stack->host, fd);
}

/* Nothing more is done for it by itself. */
static void quiesce(struct csm_tcp *tcp)
{
	struct csm_stack *stack = tcp->flow.stack;

	if (stack->batch.tcp == tcp) {
		stack->batch.tcp = NULL;
		stack->batch.n = 0;
		stack->batch.len = 0;
	}
	csm_tcp_settle(tcp);
	csm_timer_stop(&stack->timers, &tcp->rto_timer);
	csm_timer_stop(&stack->timers, &tcp->ack_timer);
	csm_timer_stop(&stack->timers, &tcp->life_timer);
}

static void reset_peer(struct csm_tcp *tcp)
{
	if (tcp->flow.source.fd < 0)
		return;
	csm_tcp_close_hard(tcp->flow.stack, tcp->flow.source.fd);
	tcp->flow.source.fd = -1;
}

void csm_tcp_end(struct csm_tcp *tcp, bool reset)
{
	if (tcp->flow.buried)
		return;
	quiesce(tcp);
	if (reset)
		reset_peer(tcp);
	csm_flow_bury(&tcp->flow);
}

void csm_tcp_abort(struct csm_tcp *tcp)
{
	if (tcp->flow.buried || tcp->state == CSM_TCP_CLOSED)
		return;
	quiesce(tcp);
	reset_peer(tcp);
	tcp->state = CSM_TCP_CLOSED;
	tcp->due = 0;
	csm_tcp_say(tcp, CSM_DUE_RST);
}

void csm_tcp_cut(struct csm_flow *flow)
{
	struct csm_tcp *tcp = csm_tcp_of(flow);

	/* A guest that has not been heard of knows nothing of it. */
	if (tcp->state != CSM_TCP_SYN_SENT)
		csm_tcp_send_reset(flow->stack, &flow->key, tcp->max,
				   tcp->rcv_nxt, TH_RST | TH_ACK);
	csm_tcp_end(tcp, !tcp->shut);
}

void csm_tcp_progress(struct csm_tcp *tcp)
{
	struct csm_stack *stack = tcp->flow.stack;

	if (tcp->flow.buried || tcp->state != CSM_TCP_OPEN)
		return;
	if (tcp->fin_in && !tcp->shut && !tcp->spill.len &&
	    stack->batch.tcp != tcp) {
		(void)csm_host_shutdown(stack->host, tcp->flow.source.fd,
					SHUT_WR);
		tcp->shut = true;
	}
	/* From here on silence counts for more. */
	if (csm_tcp_is_half_closed(tcp) &&
	    tcp->life_timer.at > stack->now + CSM_TCP_KEEP_HALF)
		csm_tcp_life_start(tcp);
	if (tcp->broken && tcp->fin_acked && !tcp->fin_in) {
		csm_tcp_abort(tcp);
		return;
	}
	/* The guest must have been told that its FIN has come; and the kernel
	 * sends a reset if bytes are left in a socket that is closed. */
	if (tcp->shut && tcp->fin_acked && !tcp->discard &&
	    !(tcp->due & CSM_DUE_ACK))
		csm_tcp_end(tcp, false);
}

/* What went wrong with the socket; 0: nothing. */
static int socket_error(const struct csm_tcp *tcp)
{
	socklen_t len = sizeof(int);
	int error = 0, err;

	err = csm_host_get(tcp->flow.stack->host, tcp->flow.source.fd,
			   SOL_SOCKET, SO_ERROR, &error, &len);
	return err < 0 ? -err : error;
}

static void tell_readable(struct csm_tcp *tcp, uint32_t events)
{
	if (events & (EPOLLIN | EPOLLPRI | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
		csm_tcp_readable(tcp, events);
}

static void event_connecting(struct csm_tcp *tcp, uint32_t events)
{
	int err;

	if (!(events & (EPOLLOUT | EPOLLERR | EPOLLHUP)))
		return;
	err = socket_error(tcp);
	if (!err && (events & EPOLLHUP))
		err = ECONNRESET;
	csm_tcp_connected(tcp, err);
	if (tcp->state == CSM_TCP_SYN_RCVD)
		tell_readable(tcp, events);
}

/* An error ends the connection at once where there is nothing to be read any
 * more, or nobody yet who would take it. Otherwise what has come before it goes
 * to the guest first; then a read tells it, or if there was a FIN before it
 * csm_tcp_progress(). True: it has ended. */
static bool has_failed(struct csm_tcp *tcp, uint32_t events)
{
	if (!(events & EPOLLERR))
		return false;
	if (tcp->state == CSM_TCP_OPEN && !tcp->eof) {
		tcp->broken = true;
		return false;
	}
	tcp->error = socket_error(tcp);
	if (tcp->error)
		csm_tcp_abort(tcp);
	return tcp->error != 0;
}

/* The guest is not ready yet: what there is to read is remembered. */
static void event_handshake(struct csm_tcp *tcp, uint32_t events)
{
	if (!has_failed(tcp, events))
		tell_readable(tcp, events);
}

static void event_open(struct csm_tcp *tcp, uint32_t events)
{
	if (has_failed(tcp, events))
		return;
	tell_readable(tcp, events);
	if ((events & EPOLLOUT) && tcp->state == CSM_TCP_OPEN &&
	    !tcp->flow.buried)
		csm_tcp_writable(tcp);
}

void csm_tcp_event(struct csm_source *source, uint32_t events)
{
	struct csm_flow *flow = container_of(source, struct csm_flow, source);
	struct csm_tcp *tcp = csm_tcp_of(flow);

	if (flow->buried)
		return;
	switch (tcp->state) {
	case CSM_TCP_CONNECTING:
		event_connecting(tcp, events);
		break;
	case CSM_TCP_SYN_RCVD:
	case CSM_TCP_SYN_SENT:
		event_handshake(tcp, events);
		break;
	case CSM_TCP_OPEN:
		event_open(tcp, events);
		break;
	case CSM_TCP_CLOSED:
		break;
	}
}
