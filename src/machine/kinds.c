/* SPDX-License-Identifier: MIT */
/*
 * The kinds of backends and of NICs.
 */
#include "machine/kinds.h"

#include "base/util.h"

/* The one kind that a description may leave unnamed. */
#define KIND_TAP 0

struct endpoint_kind {
	const char *type;
};

struct frontend_kind {
	const char *model;
};

static const struct endpoint_kind endpoint_kinds[] = {
	[KIND_TAP] = {.type = "tap"},
	{.type = "null"},
	{.type = "loopback"},
};

static const struct frontend_kind frontend_kinds[] = {
	{.model = "virtio-net"},
};

const char *endpoint_kind_name(size_t i)
{
	return i < ARRAY_SIZE(endpoint_kinds) ? endpoint_kinds[i].type : NULL;
}

const char *frontend_kind_name(size_t i)
{
	return i < ARRAY_SIZE(frontend_kinds) ? frontend_kinds[i].model : NULL;
}

int endpoint_kind_tap(void)
{
	return KIND_TAP;
}
