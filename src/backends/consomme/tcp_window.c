/* SPDX-License-Identifier: MIT */
/*
 * The window that the guest is told (RFC 9293, 3.8.6).
 *
 * It is three quarters of what the socket's buffer has room for: the kernel
 * counts its own overhead too. Where more comes than the socket takes after all,
 * the spill holds it. The right edge never goes back. A window smaller than a
 * segment would make the guest wait for a timer of its own: it is told as none
 * (RFC 1122, 4.2.3.3), or as one segment, if a third of the buffer is free: that
 * is when the kernel says so, and nobody would say more.
 *
 * Windows begin small and double while they are used up. What is promised to all
 * flows that use theirs up has a limit, of which each has an equal share: else
 * the data of many would stand in one long line at the guest's interface, and
 * what the spills might have to hold would have no bound.
 *
 * Asking the socket is a system call: it is done when half of what was told last
 * is used up. If the answer is little, somebody has to tell us when it is more.
 * The kernel does so, by EPOLLOUT, once it knows that somebody waits: which it
 * learns from a send that did not fit, or from being asked to watch the socket
 * again. That is also what makes it enlarge the buffer.
 */
#include "backends/consomme/tcp_data.h"

#include <linux/sock_diag.h>

/* Headers without options. */
#define HEADERS_V4 (20 + 20)
#define HEADERS_V6 (40 + 20)

/* For all flows, and the least for each. */
#define PROMISE_MAX (16u << 20)
#define GRANT_MIN   (32u << 10)

uint32_t csm_tcp_window(const struct csm_window_state *state)
{
	uint32_t room = state->sndbuf > state->queued
				? state->sndbuf - state->queued
				: 0;
	uint32_t window = room - room / 4;

	window = window > state->spilled ? window - state->spilled : 0;
	if (window < state->mss)
		window = !state->spilled && room >= state->queued / 2
				 ? state->mss
				 : 0;
	window = MIN(window, state->most);
	return MAX(window, state->told);
}

static uint32_t guest_mss(const struct csm_tcp *tcp)
{
	uint32_t mtu = tcp->flow.stack->config->mtu;

	return mtu -
	       (csm_addr_is4(&tcp->flow.key.far) ? HEADERS_V4 : HEADERS_V6);
}

void csm_tcp_window_init(struct csm_tcp *tcp)
{
	tcp->grant = CSM_TCP_WINDOW_SYN;
	tcp->narrow = tcp->grant / 2;
}

/* How many flows want more, this one too. */
static uint32_t count_in(struct csm_tcp *tcp)
{
	struct csm_share *share = &tcp->flow.stack->share;
	uint32_t second = (uint32_t)(tcp->flow.stack->now / CSM_SEC) + 1;

	if (second != share->second) {
		share->before = second == share->second + 1 ? share->now : 0;
		share->now = 0;
		share->second = second;
	}
	if (tcp->shared_in != second)
		share->now++;
	tcp->shared_in = second;
	return MAX(MAX(share->now, share->before), 1u);
}

static uint32_t next_grant(struct csm_tcp *tcp)
{
	uint32_t share = MAX(PROMISE_MAX / count_in(tcp), GRANT_MIN);
	uint32_t max = tcp->scaled ? 65535u << CSM_TCP_SCALE : 65535u;

	tcp->grant = MIN(2 * tcp->grant, MIN(share, CSM_TCP_WINDOW_MAX));
	return MIN(MAX(tcp->grant, guest_mss(tcp)), max);
}

static uint32_t told(const struct csm_tcp *tcp)
{
	return tcp->rcv_edge - tcp->rcv_nxt;
}

/* The socket's buffer is nearly full: has an edge tell when it is not. */
static void wait_for_room(struct csm_tcp *tcp)
{
	struct csm_flow *flow = &tcp->flow;

	if (tcp->blocked || tcp->waiting)
		return;
	tcp->waiting = csm_host_rewatch(flow->stack->host, flow->source.fd,
					CSM_TCP_EVENTS, &flow->source) == 0;
}

/* Asks the socket, and moves the edge. */
static void ask(struct csm_tcp *tcp)
{
	uint32_t info[SK_MEMINFO_VARS] = {0};
	socklen_t len = sizeof(info);
	struct csm_window_state state;
	uint32_t window;

	(void)csm_host_get(tcp->flow.stack->host, tcp->flow.source.fd,
			   SOL_SOCKET, SO_MEMINFO, info, &len);
	state = (struct csm_window_state){
		.sndbuf = info[SK_MEMINFO_SNDBUF],
		.queued = info[SK_MEMINFO_WMEM_QUEUED],
		.spilled = tcp->spill.len,
		.told = told(tcp),
		.mss = guest_mss(tcp),
		.most = next_grant(tcp),
	};
	window = csm_tcp_window(&state);
	tcp->rcv_edge = tcp->rcv_nxt + window;
	tcp->narrow = window / 2;
	if (window < MIN(state.sndbuf, state.most) / 4)
		wait_for_room(tcp);
}

uint16_t csm_tcp_window_field(struct csm_tcp *tcp)
{
	if (told(tcp) < tcp->narrow && !tcp->fin_in)
		ask(tcp);
	return (uint16_t)MIN(
		tcp->scaled ? told(tcp) >> CSM_TCP_SCALE : told(tcp), 65535u);
}

void csm_tcp_window_open(struct csm_tcp *tcp)
{
	uint32_t before = told(tcp);

	if (tcp->fin_in)
		return;
	ask(tcp);
	if (told(tcp) - before >= 2 * guest_mss(tcp) ||
	    (before < guest_mss(tcp) && told(tcp) > before))
		csm_tcp_say(tcp, CSM_DUE_ACK);
}
