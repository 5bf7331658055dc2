/* SPDX-License-Identifier: MIT */
/*
 * Rows: the scripted endpoint, completing at once and later. They show that
 * the suite itself can see what it looks for.
 */
#include "conformance/backend.h"
#include "support/script_endpoint.h"

#include <string.h>

static int script_open(struct backend *b, struct loop *control,
		       enum script_tx tx)
{
	struct script_endpoint *ep;
	int err = script_endpoint_create(control, &ep);

	if (err < 0)
		return err;
	ep->tx = tx;
	ep->vnet_hdr = true;
	b->endpoint = &ep->base;
	return 0;
}

static int now_open(struct backend *b, struct loop *control)
{
	return script_open(b, control, SCRIPT_TX_NOW);
}

static int soon_open(struct backend *b, struct loop *control)
{
	return script_open(b, control, SCRIPT_TX_SOON);
}

static int plain_open(struct backend *b, struct loop *control)
{
	int err = script_open(b, control, SCRIPT_TX_SOON);

	if (!err)
		container_of(b->endpoint, struct script_endpoint, base)
			->vnet_hdr = false;
	return err;
}

static void script_close(struct backend *b)
{
	UNUSED(b);
}

static int script_arrive(struct backend *b, const void *frame, size_t len)
{
	return script_queue_arrive(script_queue_of(b->queue), frame, len);
}

static ssize_t script_sent(struct backend *b, void *frame, size_t size)
{
	size_t skip = b->queue->config.vnet_hdr ? NET_VNET_HDR_LEN : 0;
	static unsigned char buf[NET_VNET_HDR_LEN + NET_FRAME_MAX];
	ssize_t len;

	len = script_queue_take(script_queue_of(b->queue), buf,
				MIN(sizeof(buf), size + skip), NULL);
	if (len < 0)
		return len;
	memcpy(frame, buf + skip, (size_t)len - skip);
	return len - (ssize_t)skip;
}

static void script_squeeze(struct backend *b, size_t room)
{
	struct script_queue *q = script_queue_of(b->queue);

	q->tx_room = room;
	script_queue_wake(q);
}

#define SCRIPT_ROW                                                            \
	.type = "script", .ordered = true,                                    \
	.multiqueue = {SCRIPT_QUEUES_MAX, 16}, .reads_sent = true,            \
	.allocates = true, .max_frame = NET_FRAME_MAX, .close = script_close, \
	.arrive = script_arrive, .sent = script_sent,                         \
	.squeeze = script_squeeze

const struct backend_row backend_script_now = {
	.name = "script, complete at once",
	.alone = true,
	.vnet_hdr = true,
	.open = now_open,
	SCRIPT_ROW,
};

const struct backend_row backend_script_soon = {
	.name = "script, complete later",
	.vnet_hdr = true,
	.open = soon_open,
	SCRIPT_ROW,
};

const struct backend_row backend_script_plain = {
	.name = "script without headers, complete later",
	.open = plain_open,
	SCRIPT_ROW,
};
