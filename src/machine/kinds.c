/* SPDX-License-Identifier: MIT */
/*
 * The kinds of backends and of NICs, and how each is made of its part of the
 * description. This is the one place where frontends and backends are named
 * side by side; neither knows of the other.
 */
#include "machine/kinds.h"

#include "backends/loopback.h"
#include "backends/null.h"
#include "backends/tap.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct endpoint_kind {
	const char *type;
	int (*create)(const struct backend_config *config, struct loop *loop,
		      struct kind_error *error, struct net_endpoint **out);
};

/* Embedded in what a kind's create makes. */
struct frontend {
	const struct frontend_kind *kind;
};

struct frontend_kind {
	const char *model;
	int (*create)(const struct frontend_setup *setup,
		      struct kind_error *error, struct frontend **out);
	void (*reset)(struct frontend *frontend, net_done_fn done, void *arg);
	void (*destroy)(struct frontend *frontend);
};

static int fail(struct kind_error *error, const char *name, const char *what,
		int err)
{
	char cause[ERRNO_TEXT_MAX];

	(void)snprintf(error->text, sizeof(error->text), "%s: %s: %s", name,
		       what, errno_text(-err, cause, sizeof(cause)));
	return err;
}

static int tap_create(const struct backend_config *config, struct loop *loop,
		      struct kind_error *error, struct net_endpoint **out)
{
	const struct tap_config tap = {
		.ifname = config->host_dev_name,
		.fd = (int)config->fd,
		.create = config->create,
	};
	struct tap_error cause;
	int err = tap_endpoint_create(&tap, loop, &cause, out);

	if (err < 0)
		(void)snprintf(error->text, sizeof(error->text), "%s: %s",
			       config->id, cause.text);
	return err;
}

static int null_create(const struct backend_config *config, struct loop *loop,
		       struct kind_error *error, struct net_endpoint **out)
{
	int err = null_endpoint_create(loop, out);

	return err < 0 ? fail(error, config->id, "null backend", err) : 0;
}

static int loopback_create(const struct backend_config *config,
			   struct loop *loop, struct kind_error *error,
			   struct net_endpoint **out)
{
	int err = loopback_endpoint_create(loop, out);

	return err < 0 ? fail(error, config->id, "loopback backend", err) : 0;
}

static int virtio_net_plug(const struct frontend_setup *setup,
			   struct kind_error *error, struct frontend **out)
{
	*out = NULL;
	return fail(error, setup->config->iface_id, "virtio-net", -ENOTSUP);
}

/* The one kind that a description may leave unnamed. */
#define KIND_TAP 0

static const struct endpoint_kind endpoint_kinds[] = {
	[KIND_TAP] = {.type = "tap", .create = tap_create},
	{.type = "null", .create = null_create},
	{.type = "loopback", .create = loopback_create},
};

static const struct frontend_kind frontend_kinds[] = {
	{
		.model = "virtio-net",
		.create = virtio_net_plug,
	},
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

int endpoint_create(const struct backend_config *config, struct loop *loop,
		    struct kind_error *error, struct net_endpoint **out)
{
	return endpoint_kinds[config->type].create(config, loop, error, out);
}

int frontend_create(const struct frontend_setup *setup,
		    struct kind_error *error, struct frontend **out)
{
	const struct frontend_kind *kind =
		&frontend_kinds[setup->config->model];
	int err = kind->create(setup, error, out);

	if (err == 0)
		(*out)->kind = kind;
	return err;
}

void frontend_reset(struct frontend *frontend, net_done_fn done, void *arg)
{
	frontend->kind->reset(frontend, done, arg);
}

void frontend_destroy(struct frontend *frontend)
{
	if (frontend)
		frontend->kind->destroy(frontend);
}
