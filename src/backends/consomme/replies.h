/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_BACKENDS_CONSOMME_REPLIES_H
#define EVNIC_BACKENDS_CONSOMME_REPLIES_H

/*
 * Answers that belong to no flow (ARP, DHCP, neighbour discovery, ICMP, resets),
 * and small datagrams from the stack itself: whole frames in a ring of bounded
 * size. What does not fit is lost, and counted: as any of them may be.
 *
 * Thread: that of the stack.
 */

#include "backends/consomme/out.h"

#include <stddef.h>
#include <stdint.h>

#define CSM_REPLIES_SIZE (64u << 10)
#define CSM_REPLY_MAX	 9216 /* the longest frame: pings at an MTU of 9000 */

/* Frames in @bytes, each behind its length (2 bytes), wrapped around. */
struct csm_replies {
	struct csm_sender sender;
	struct csm_stack *stack;
	uint32_t head, tail; /* free running */
	uint8_t bytes[CSM_REPLIES_SIZE];
};

void csm_replies_init(struct csm_replies *replies, struct csm_stack *stack);

/* Sends the whole frame @frame, whose checksums are done. */
void csm_reply(struct csm_stack *stack, const void *frame, size_t len);

#endif
