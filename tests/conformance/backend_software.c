/* SPDX-License-Identifier: MIT */
/*
 * Rows: software offloads around endpoints that have none, around one that
 * completes later, and around one that has all, where it steps aside.
 */
#include "backends/software.h"

#include "conformance/backend.h"
#include "net/wrapper.h"
#include "support/script_endpoint.h"

/* Opens @row and puts software around it. */
static int open_around(const struct backend_row *row, struct backend *b,
		       struct loop *control)
{
	struct net_endpoint *inner;
	int err = row->open(b, control);

	if (err < 0)
		return err;
	inner = b->endpoint;
	err = software_endpoint_create(control, inner, &b->endpoint);
	if (err < 0)
		net_endpoint_destroy(inner);
	return err;
}

static int null_open(struct backend *b, struct loop *control)
{
	return open_around(&backend_null, b, control);
}

static int loopback_open(struct backend *b, struct loop *control)
{
	return open_around(&backend_loopback, b, control);
}

static struct script_endpoint *script_of(struct net_endpoint *software)
{
	return container_of(net_wrapper_of(software)->inner,
			    struct script_endpoint, base);
}

static int script_open(struct backend *b, struct loop *control)
{
	int err = open_around(&backend_script_soon, b, control);

	if (!err)
		script_of(b->endpoint)->vnet_hdr = false;
	return err;
}

static int script_hdr_open(struct backend *b, struct loop *control)
{
	return open_around(&backend_script_soon, b, control);
}

/* What the inner row sees. */
static struct backend inner_of(const struct backend *b)
{
	struct backend inner = *b;

	inner.queue = net_wrapper_queue_of(b->queue)->inner;
	return inner;
}

static int script_arrive(struct backend *b, const void *frame, size_t len)
{
	struct backend inner = inner_of(b);

	return backend_script_soon.arrive(&inner, frame, len);
}

static ssize_t script_sent(struct backend *b, void *frame, size_t size)
{
	struct backend inner = inner_of(b);

	return backend_script_soon.sent(&inner, frame, size);
}

static void script_squeeze(struct backend *b, size_t room)
{
	struct backend inner = inner_of(b);

	backend_script_soon.squeeze(&inner, room);
}

static void software_close(struct backend *b)
{
	UNUSED(b);
}

#define SOFTWARE_ROW                                           \
	.type = "software", .ordered = true, .vnet_hdr = true, \
	.tx_offloads = {true, true, true, true, true},         \
	.max_frame = NET_FRAME_MAX, .close = software_close

const struct backend_row backend_software_null = {
	.name = "software around null",
	.open = null_open,
	.fast = true,
	.multiqueue = {65535, 128},
	.ignores_addresses = true,
	SOFTWARE_ROW,
};

const struct backend_row backend_software_loopback = {
	.name = "software around loopback",
	.open = loopback_open,
	.multiqueue = {65535, 64},
	.loops_back = true,
	SOFTWARE_ROW,
};

#define SCRIPT_ROW                                                       \
	.multiqueue = {SCRIPT_QUEUES_MAX, 16}, .reads_sent = true,       \
	.allocates = true, .arrive = script_arrive, .sent = script_sent, \
	.squeeze = script_squeeze, SOFTWARE_ROW

const struct backend_row backend_software_script = {
	.name = "software around script, complete later",
	.open = script_open,
	SCRIPT_ROW,
};

const struct backend_row backend_software_script_hdr = {
	.name = "software around script with headers, complete later",
	.open = script_hdr_open,
	SCRIPT_ROW,
};
