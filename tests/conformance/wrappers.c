/* SPDX-License-Identifier: MIT */
/*
 * The wrappers under test.
 */
#include "backends/capture.h"
#include "backends/disconnectable.h"
#include "backends/limiter.h"
#include "backends/software.h"
#include "conformance/backend.h"

#include <fcntl.h>

static void describe_software(struct backend_row *row)
{
	row->vnet_hdr = true;
	row->tx_offloads =
		(struct net_tx_offloads){true, true, true, true, true};
}

static int wrap_capture(struct loop *control, struct net_endpoint *inner,
			struct net_endpoint **out)
{
	return capture_endpoint_create(control, "nic0", inner, NULL, NULL, out);
}

static int wrap_capture_on(struct loop *control, struct net_endpoint *inner,
			   struct net_endpoint **out)
{
	struct capture_config config = {
		.fd = open("/dev/null", O_WRONLY | O_CLOEXEC),
		.rotator = -1,
		.queues = CAPTURE_ALL_QUEUES,
	};
	struct capture_error error;
	int err = wrap_capture(control, inner, out);

	return err < 0 ? err : capture_start(*out, &config, &error);
}

static int wrap_limiter(struct loop *control, struct net_endpoint *inner,
			struct net_endpoint **out)
{
	const struct limiter_config config = {0};

	return limiter_endpoint_create(inner, &config, control, out);
}

/* Limits in force that nothing here reaches. */
static int wrap_limiter_on(struct loop *control, struct net_endpoint *inner,
			   struct net_endpoint **out)
{
	const struct token_bucket_config wide = {1ULL << 50, 0, 1};
	const struct limiter_config config = {{wide, wide}, {wide, wide}};

	return limiter_endpoint_create(inner, &config, control, out);
}

/* As the machine builds a NIC. */
static int wrap_chain(struct loop *control, struct net_endpoint *inner,
		      struct net_endpoint **out)
{
	int err = disconnectable_create(control, inner, out);

	if (!err)
		err = wrap_limiter(control, *out, out);
	return err < 0 ? err : wrap_capture(control, *out, out);
}

const struct wrapper_row wrapper_rows[] = {
	{
		.name = "capture",
		.type = "capture",
		.wrap = wrap_capture,
	},
	{
		.name = "capture that is on",
		.type = "capture",
		.wrap = wrap_capture_on,
	},
	{
		.name = "disconnectable",
		.type = "disconnectable",
		.wrap = disconnectable_create,
	},
	{
		.name = "limiter",
		.type = "limiter",
		.wrap = wrap_limiter,
	},
	{
		.name = "limiter that is on",
		.type = "limiter",
		.wrap = wrap_limiter_on,
	},
	{
		.name = "software",
		.type = "software",
		.wrap = software_endpoint_create,
		.describe = describe_software,
	},
	{
		.name = "the whole chain",
		.type = "capture",
		.wrap = wrap_chain,
	},
};

const size_t wrapper_rows_count = ARRAY_SIZE(wrapper_rows);
