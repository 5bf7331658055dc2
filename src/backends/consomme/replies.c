/* SPDX-License-Identifier: MIT */
/*
 * The ring of answers. A frame is stored behind its length; both may wrap
 * around the end. The numbers run freely and are taken modulo the ring's size,
 * which divides their range.
 */
#include "backends/consomme/replies.h"

#include "backends/consomme/stack.h"

#include <string.h>

static void copy_in(struct csm_replies *r, const void *data, size_t len)
{
	uint32_t at = r->tail % CSM_REPLIES_SIZE;
	size_t first = MIN(len, (size_t)(CSM_REPLIES_SIZE - at));

	memcpy(r->bytes + at, data, first);
	memcpy(r->bytes, (const uint8_t *)data + first, len - first);
	r->tail += (uint32_t)len;
}

static void copy_out(const struct csm_replies *r, uint32_t from, void *data,
		     size_t len)
{
	uint32_t at = from % CSM_REPLIES_SIZE;
	size_t first = MIN(len, (size_t)(CSM_REPLIES_SIZE - at));

	memcpy(data, r->bytes + at, first);
	memcpy((uint8_t *)data + first, r->bytes, len - first);
}

/* The oldest frame goes to the guest: its first part as the headers, whatever
 * they are, the rest as payload. */
static enum csm_turn replies_turn(struct csm_sender *sender,
				  struct csm_out *out)
{
	struct csm_replies *r =
		container_of(sender, struct csm_replies, sender);
	struct csm_frame frame = {0};
	uint8_t bytes[CSM_REPLY_MAX];
	struct net_iov_walk walk;
	uint16_t len;

	if (r->head == r->tail)
		return CSM_TURN_DONE;
	copy_out(r, r->head, &len, sizeof(len));
	frame.head_len = MIN(len, (uint16_t)CSM_HEAD_MAX);
	frame.payload = (uint32_t)len - frame.head_len;
	if (!csm_out_open(out, frame.head_len, frame.payload, frame.payload))
		return CSM_TURN_NO_ROOM;
	copy_out(r, r->head + (uint32_t)sizeof(len), bytes, len);
	memcpy(frame.head, bytes, frame.head_len);
	walk = net_iov_walk(out->iov, out->n_iov);
	if (net_iov_write(&walk, bytes + frame.head_len, frame.payload))
		csm_out_close(out, &frame);
	r->head += (uint32_t)sizeof(len) + len;
	return r->head == r->tail ? CSM_TURN_DONE : CSM_TURN_MORE;
}

void csm_replies_init(struct csm_replies *replies, struct csm_stack *stack)
{
	replies->stack = stack;
	replies->head = 0;
	replies->tail = 0;
	csm_sender_init(&replies->sender, replies_turn);
}

void csm_reply(struct csm_stack *stack, const void *frame, size_t len)
{
	struct csm_replies *r = &stack->replies;
	uint16_t n = (uint16_t)len;

	if (len > CSM_REPLY_MAX ||
	    len + sizeof(n) > CSM_REPLIES_SIZE - (r->tail - r->head)) {
		stack->count.no_replies++;
		return;
	}
	copy_in(r, &n, sizeof(n));
	copy_in(r, frame, len);
	csm_sender_wake(stack, &r->sender);
}
