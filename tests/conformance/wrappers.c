/* SPDX-License-Identifier: MIT */
/*
 * The wrappers under test.
 */
#include "backends/capture.h"
#include "backends/disconnectable.h"
#include "backends/software.h"
#include "conformance/backend.h"

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
		.path = "/dev/null",
		.fd = -1,
		.queues = CAPTURE_ALL_QUEUES,
	};
	struct capture_error error;
	int err = wrap_capture(control, inner, out);

	return err < 0 ? err : capture_start(*out, &config, &error);
}

/* As the machine builds a NIC. */
static int wrap_chain(struct loop *control, struct net_endpoint *inner,
		      struct net_endpoint **out)
{
	int err = disconnectable_create(control, inner, out);

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
