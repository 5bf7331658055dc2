/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_TESTS_SUPPORT_CSM_FAKE_DGRAM_H
#define EVNIC_TESTS_SUPPORT_CSM_FAKE_DGRAM_H

/*
 * The fake host's datagram sockets (UDP, ping): for csm_fake_host.c.
 */

#include "support/csm_fake_host.h"

ssize_t fake_dgram_send(struct fake_sock *sock, const struct msghdr *msg);
ssize_t fake_dgram_recv(struct fake_sock *sock, struct msghdr *msg, int flags);
uint32_t fake_dgram_mask(const struct fake_sock *sock);
void fake_dgrams_free(struct list *dgrams);

#endif
