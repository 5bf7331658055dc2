/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_BASE_IRQ_H
#define EVNIC_BASE_IRQ_H

/*
 * Eventfds: how a queue loop raises an interrupt and hears a doorbell.
 *
 * An interrupt is an eventfd that somebody else turns into an interrupt: KVM's
 * irqfd, the vhost-user peer's call fd, or a test that counts. A doorbell is an
 * eventfd that somebody else writes: KVM's ioeventfd, the peer's kick fd, a
 * test. Neither side knows the other, and neither takes a lock.
 */

#include "base/util.h"

#include <stdint.h>

/* A new non-blocking close-on-exec eventfd, or -errno. */
int eventfd_create(void) MUST_CHECK;

/* Adds 1. A counter that is full already says all there is to say. fd < 0 is
 * allowed and does nothing. */
void eventfd_signal(int fd);

/* Takes the counter: how often the descriptor was signalled. */
uint64_t eventfd_take(int fd);

#endif
