/* SPDX-License-Identifier: MIT */
/*
 * The wrappers under test.
 */
#include "backends/disconnectable.h"
#include "backends/software.h"
#include "conformance/backend.h"

static void describe_software(struct backend_row *row)
{
	row->vnet_hdr = true;
	row->tx_offloads =
		(struct net_tx_offloads){true, true, true, true, true};
}

const struct wrapper_row wrapper_rows[] = {
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
};

const size_t wrapper_rows_count = ARRAY_SIZE(wrapper_rows);
