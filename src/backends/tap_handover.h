/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_BACKENDS_TAP_HANDOVER_H
#define EVNIC_BACKENDS_TAP_HANDOVER_H

/*
 * Frames that one queue of a tap has read and that belong to another, on their
 * way from loop to loop. Between each two queues there is a ring of bounded
 * size: the sender's loop puts frames in, the receiver's takes them out, and
 * neither ever waits for the other.
 *
 * Owner: the endpoint, for longer than any of the queues lives. Queues are
 * numbers below the count that it was made for.
 */

#include "net/iov.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tap_handover;

/* A frame that was handed over: @hdr, its virtio-net header, @len bytes at
 * @frame. */
struct tap_handed {
	const uint8_t *hdr;
	const uint8_t *frame;
	uint32_t len;
};

/* For @n queues. 0 or -errno. Control loop. */
int tap_handover_create(size_t n, struct tap_handover **out) MUST_CHECK;

/* When no queue uses it any more. NULL is allowed. */
void tap_handover_destroy(struct tap_handover *h);

/* Hands a frame of @len bytes, which lies at @walk with its virtio-net header in
 * front, to queue @to, and wakes it. False: there is no room. On the loop of
 * queue @from. */
bool tap_handover_give(struct tap_handover *h, size_t from, size_t to,
		       struct net_iov_walk walk, uint32_t len) MUST_CHECK;

/* The next frame for queue @to; it is there until it is taken. False: there is
 * none, and the next one makes tap_handover_fd() readable. On the loop of queue
 * @to, as all that follows. */
bool tap_handover_peek(struct tap_handover *h, size_t to,
		       struct tap_handed *out) MUST_CHECK;

/* The frame that was peeked at is done with. */
void tap_handover_take(struct tap_handover *h, size_t to);

/* To be watched, borrowed; and what to do when it is readable. */
int tap_handover_fd(const struct tap_handover *h, size_t to);
void tap_handover_woken(const struct tap_handover *h, size_t to);

#endif
