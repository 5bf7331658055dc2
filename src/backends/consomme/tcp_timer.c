/* SPDX-License-Identifier: MIT */
/*
 * What a connection waits for, and for how long; and the numbers it begins with.
 *
 * One timer does for a flow's whole life, as its states follow each other: the
 * host's connect() may take so long; a SYN is sent again with back-off; a guest
 * that has been silent for long is asked whether it is still there. Data and FIN
 * that are not acknowledged have a timer of their own (tcp_resend.c). So a
 * flow stays no longer than the guest answers for it; that the peer is there is
 * the kernel's to find out (SO_KEEPALIVE).
 */
#include "backends/consomme/tcp_life.h"
#include "base/bytes.h"

#include <errno.h>
#include <string.h>

/* A number more every 4 microseconds (RFC 6528, 3). */
#define ISN_TICK 4000

uint32_t csm_tcp_isn(const struct csm_stack *stack, const struct csm_key *key)
{
	uint8_t bytes[36];

	memcpy(bytes, key->guest.b, 16);
	memcpy(bytes + 16, key->far.b, 16);
	store_be16(bytes + 32, key->guest_port);
	store_be16(bytes + 34, key->far_port);
	return (uint32_t)(stack->now / ISN_TICK) +
	       (uint32_t)csm_siphash(stack->secret, bytes, sizeof(bytes));
}

static void set(struct csm_tcp *tcp, uint64_t after)
{
	struct csm_stack *stack = tcp->flow.stack;

	csm_timer_set(&stack->timers, &tcp->life_timer, stack->now + after);
}

static uint64_t keep_idle(const struct csm_tcp *tcp)
{
	return csm_tcp_is_half_closed(tcp) ? CSM_TCP_KEEP_HALF
					   : CSM_TCP_KEEP_IDLE;
}

static void handshake_due(struct csm_tcp *tcp)
{
	if (tcp->retries >= CSM_TCP_SYN_RETRIES) {
		csm_tcp_end(tcp, true);
		return;
	}
	tcp->retries++;
	csm_tcp_say(tcp, CSM_DUE_SYN);
	set(tcp, CSM_TCP_SYN_RTO << tcp->retries);
}

static void keepalive_due(struct csm_tcp *tcp)
{
	uint64_t silent = tcp->flow.stack->now - tcp->heard;
	uint64_t idle = keep_idle(tcp);

	if (silent < idle) {
		set(tcp, idle - silent);
		return;
	}
	/* There is something under way that the guest has to answer. */
	if (tcp->una != tcp->max) {
		set(tcp, idle);
		return;
	}
	if (tcp->probes >= CSM_TCP_KEEP_PROBES) {
		csm_tcp_abort(tcp);
		return;
	}
	/* One that still waits for the guest's buffers was not asked. */
	if (!(tcp->due & CSM_DUE_KEEPALIVE))
		tcp->probes++;
	csm_tcp_say(tcp, CSM_DUE_KEEPALIVE);
	set(tcp, CSM_TCP_KEEP_INTERVAL);
}

static void life_due(struct csm_timer *timer)
{
	struct csm_tcp *tcp = container_of(timer, struct csm_tcp, life_timer);

	switch (tcp->state) {
	case CSM_TCP_CONNECTING:
		csm_tcp_connected(tcp, ETIMEDOUT);
		break;
	case CSM_TCP_SYN_RCVD:
	case CSM_TCP_SYN_SENT:
		handshake_due(tcp);
		break;
	case CSM_TCP_OPEN:
		keepalive_due(tcp);
		break;
	case CSM_TCP_CLOSED:
		break;
	}
}

void csm_tcp_life_init(struct csm_tcp *tcp)
{
	csm_timer_init(&tcp->life_timer, life_due);
}

void csm_tcp_life_start(struct csm_tcp *tcp)
{
	switch (tcp->state) {
	case CSM_TCP_CONNECTING:
		set(tcp, CSM_TCP_CONNECT_MAX);
		break;
	case CSM_TCP_SYN_RCVD:
	case CSM_TCP_SYN_SENT:
		tcp->retries = 0;
		set(tcp, CSM_TCP_SYN_RTO);
		break;
	case CSM_TCP_OPEN:
		set(tcp, keep_idle(tcp));
		break;
	case CSM_TCP_CLOSED:
		break;
	}
}
