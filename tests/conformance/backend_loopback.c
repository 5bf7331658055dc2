/* SPDX-License-Identifier: MIT */
/*
 * Row: loopback. Its outer side is its inner side; it pushes back when there
 * are no receive buffers.
 */
#include "backends/loopback.h"

#include "conformance/backend.h"

static int loopback_open(struct backend *b, struct loop *control)
{
	return loopback_endpoint_create(control, &b->endpoint);
}

static void loopback_close(struct backend *b)
{
	UNUSED(b);
}

const struct backend_row backend_loopback = {
	.name = "loopback",
	.type = "loopback",
	.ordered = true,
	.multiqueue = {65535, 64},
	.loops_back = true,
	.max_frame = NET_FRAME_MAX,
	.open = loopback_open,
	.close = loopback_close,
};
