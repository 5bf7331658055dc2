/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_BACKENDS_CONSOMME_SOCK_ERROR_H
#define EVNIC_BACKENDS_CONSOMME_SOCK_ERROR_H

/*
 * What a socket's error queue tells (IP_RECVERR, ip(7)): the ICMP errors that
 * came back for what it sent, in the terms of csm_icmp_error_for().
 *
 * Thread: that of the stack.
 */

#include "backends/consomme/host.h"

#include <netinet/in.h>

/* As much of the packet as is kept. */
#define CSM_SOCK_ERROR_DATA 576

/* @err: ETIME: the time to live has run out; others as csm_icmp_error() has
 * them. @local: no ICMP, the host's own, which it has said to send() too. @mtu: of
 * EMSGSIZE. @from: who says it; any: the host itself. @to, @to_len: whom the
 * packet was for. @data: what is left of the packet, from behind its UDP or from
 * its ICMP header on, @n bytes. */
struct csm_sock_error {
	int err;
	bool local;
	uint32_t mtu;
	struct sockaddr_in6 to; /* or sockaddr_in, which is shorter */
	socklen_t to_len;
	struct csm_addr from;
	uint8_t data[CSM_SOCK_ERROR_DATA];
	size_t n;
};

/* Asks for it; of a socket of either version. 0 or -errno. */
int csm_sock_error_enable(struct csm_host *host, int fd, bool v6) MUST_CHECK;

/* Takes the oldest off the queue. 0, -EAGAIN: there is none, or -errno. */
int csm_sock_error_next(struct csm_host *host, int fd,
			struct csm_sock_error *out) MUST_CHECK;

#endif
