/* SPDX-License-Identifier: MIT */
/*
 * Row: null. It has no outer side.
 */
#include "backends/null.h"

#include "conformance/backend.h"

static int null_open(struct backend *b, struct loop *control)
{
	return null_endpoint_create(control, &b->endpoint);
}

static void null_close(struct backend *b)
{
	UNUSED(b);
}

const struct backend_row backend_null = {
	.name = "null",
	.type = "null",
	.ordered = true,
	.vnet_hdr = true,
	.fast = true,
	.multiqueue = {65535, 128},
	.tx_offloads = {true, true, true, true, true},
	.ignores_addresses = true,
	.max_frame = NET_FRAME_MAX,
	.open = null_open,
	.close = null_close,
};
