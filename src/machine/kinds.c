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
#include "machine/consomme_netdev.h"
#include "machine/opener.h"
#include "virtio/net.h"
#include "virtio/transport.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct endpoint_kind {
	const char *type;
	int (*create)(const struct endpoint_setup *setup,
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
	int (*pause)(struct frontend *frontend, void (*done)(void *arg),
		     void *arg);
	int (*resume)(struct frontend *frontend, void (*done)(void *arg),
		      void *arg);
	void (*set_link)(struct frontend *frontend, bool up);
	bool (*link_up)(const struct frontend *frontend);
	int (*inspect)(struct frontend *frontend, struct inspect *in,
		       void (*done)(void *arg), void *arg);
	const struct net_stats *(*stats)(const struct frontend *frontend,
					 uint16_t pair);
	int (*request_unplug)(struct frontend *frontend,
			      void (*ejected)(void *arg), void *arg);
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

static int load_steering(void *opener, const struct net_rss *rss)
{
	return opener_steering(opener, rss);
}

/* Has the tap opened: as many descriptors as it has queues, and its netlink
 * socket. One that was passed lacks only that. */
static int tap_get(const struct endpoint_setup *setup, int *fds,
		   struct tap_config *tap, struct kind_error *error)
{
	struct opener_error cause;
	int err;

	if (setup->fd >= 0) {
		fds[0] = setup->fd;
		tap->n_fds = 1;
		if (setup->opener)
			tap->link_fd = opener_link(setup->opener);
		return 0;
	}
	if (!setup->opener)
		return fail(error, setup->config->id, "tap backend", -ENOTSUP);
	err = opener_tap(setup->opener, setup->config, fds, &tap->n_fds,
			 &tap->link_fd, &cause);
	if (err < 0)
		(void)snprintf(error->text, sizeof(error->text), "%s: %.440s",
			       setup->config->id, cause.text);
	return err;
}

static int tap_create(const struct endpoint_setup *setup,
		      struct kind_error *error, struct net_endpoint **out)
{
	int fds[CONFIG_MAX_QUEUE_PAIRS];
	struct tap_config tap = {
		.fds = fds,
		.link_fd = -1,
		.load_steering = setup->opener ? load_steering : NULL,
		.arg = setup->opener,
	};
	struct tap_error cause;
	int err = tap_get(setup, fds, &tap, error);

	if (err < 0)
		return err;
	err = tap_endpoint_create(&tap, setup->loop, &cause, out);
	if (err == 0)
		return 0;
	(void)snprintf(error->text, sizeof(error->text), "%s: %s",
		       setup->config->id, cause.text);
	for (size_t i = 0; i < tap.n_fds && setup->fd < 0; i++)
		close_fd(&fds[i]);
	close_fd(&tap.link_fd);
	return err;
}

static int null_create(const struct endpoint_setup *setup,
		       struct kind_error *error, struct net_endpoint **out)
{
	int err = null_endpoint_create(setup->loop, out);

	return err < 0 ? fail(error, setup->config->id, "null backend", err)
		       : 0;
}

static int loopback_create(const struct endpoint_setup *setup,
			   struct kind_error *error, struct net_endpoint **out)
{
	int err = loopback_endpoint_create(setup->loop, out);

	return err < 0 ? fail(error, setup->config->id, "loopback backend", err)
		       : 0;
}

/* virtio-net, on either transport. */
struct virtio_frontend {
	struct frontend base;
	struct virtio_device *device;
	struct virtio_transport *transport;
};

static int plug_virtio_net(const struct frontend_setup *setup,
			   struct kind_error *error, struct frontend **out)
{
	const struct nic_config *nic = setup->config;
	struct virtio_net_config config = {
		.name = nic->iface_id,
		.mtu = nic->mtu == CONFIG_ABSENT ? 0 : (uint16_t)nic->mtu,
		.queue_size = (uint16_t)nic->queue_size,
		.busy_poll_us = (uint32_t)nic->busy_poll_us,
		.endpoint = setup->endpoint,
		.loop = setup->loop,
		.queue_loops = setup->queue_loops,
		.n_queue_pairs = setup->n_queue_pairs,
		.event = setup->event,
		.event_arg = setup->event_arg,
	};
	struct virtio_frontend *frontend = calloc(1, sizeof(*frontend));
	int err;

	if (!frontend)
		return fail(error, nic->iface_id, "virtio-net", -ENOMEM);
	memcpy(config.mac, setup->mac, sizeof(config.mac));
	err = virtio_net_create(&config, &frontend->device);
	if (err < 0) {
		(void)fail(error, nic->iface_id, "virtio-net", err);
		goto free_frontend;
	}
	if (setup->transport == CONFIG_PCI)
		err = virtio_pci_create(setup->platform, setup->loop,
					frontend->device, &frontend->transport);
	else
		err = virtio_mmio_create(setup->platform, setup->loop,
					 frontend->device,
					 &frontend->transport);
	if (err < 0) {
		(void)fail(error, nic->iface_id, "no place for the NIC", err);
		goto destroy_device;
	}
	*out = &frontend->base;
	return 0;

destroy_device:
	virtio_net_destroy(frontend->device);
free_frontend:
	free(frontend);
	return err;
}

static struct virtio_frontend *virtio_of(struct frontend *base)
{
	return container_of(base, struct virtio_frontend, base);
}

static const struct virtio_device *device_of(const struct frontend *base)
{
	return container_of_const(base, struct virtio_frontend, base)->device;
}

static void reset_virtio_net(struct frontend *base, net_done_fn done, void *arg)
{
	virtio_transport_reset(virtio_of(base)->transport, done, arg);
}

static int pause_virtio_net(struct frontend *base, void (*done)(void *arg),
			    void *arg)
{
	return virtio_net_pause(virtio_of(base)->device, done, arg);
}

static int resume_virtio_net(struct frontend *base, void (*done)(void *arg),
			     void *arg)
{
	return virtio_net_resume(virtio_of(base)->device, done, arg);
}

static void set_link_virtio_net(struct frontend *base, bool up)
{
	virtio_net_set_link(virtio_of(base)->device, up);
}

static bool virtio_net_has_link(const struct frontend *base)
{
	return virtio_net_link_up(device_of(base));
}

static int inspect_virtio_net(struct frontend *base, struct inspect *in,
			      void (*done)(void *arg), void *arg)
{
	return virtio_net_inspect(virtio_of(base)->device, in, done, arg);
}

static const struct net_stats *stats_of_virtio_net(const struct frontend *base,
						   uint16_t pair)
{
	return virtio_net_stats(device_of(base), pair);
}

static int ask_back_virtio_net(struct frontend *base,
			       void (*ejected)(void *arg), void *arg)
{
	return virtio_transport_request_unplug(virtio_of(base)->transport,
					       ejected, arg);
}

static void unplug_virtio_net(struct frontend *base)
{
	struct virtio_frontend *frontend = virtio_of(base);

	virtio_transport_destroy(frontend->transport);
	virtio_net_destroy(frontend->device);
	free(frontend);
}

/* The one kind that a description may leave unnamed, and the one that is asked
 * for more than being made. */
#define KIND_TAP      0
#define KIND_CONSOMME 1

static const struct endpoint_kind endpoint_kinds[] = {
	[KIND_TAP] = {.type = "tap", .create = tap_create},
	[KIND_CONSOMME] = {.type = "consomme",
			   .create = consomme_netdev_create},
	{.type = "null", .create = null_create},
	{.type = "loopback", .create = loopback_create},
};

static const struct frontend_kind frontend_kinds[] = {
	{
		.model = "virtio-net",
		.create = plug_virtio_net,
		.reset = reset_virtio_net,
		.pause = pause_virtio_net,
		.resume = resume_virtio_net,
		.set_link = set_link_virtio_net,
		.link_up = virtio_net_has_link,
		.inspect = inspect_virtio_net,
		.stats = stats_of_virtio_net,
		.request_unplug = ask_back_virtio_net,
		.destroy = unplug_virtio_net,
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

int endpoint_kind_consomme(void)
{
	return KIND_CONSOMME;
}

int endpoint_create(const struct endpoint_setup *setup,
		    struct kind_error *error, struct net_endpoint **out)
{
	return endpoint_kinds[setup->config->type].create(setup, error, out);
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

int frontend_pause(struct frontend *frontend, void (*done)(void *arg),
		   void *arg)
{
	return frontend->kind->pause(frontend, done, arg);
}

int frontend_resume(struct frontend *frontend, void (*done)(void *arg),
		    void *arg)
{
	return frontend->kind->resume(frontend, done, arg);
}

void frontend_set_link(struct frontend *frontend, bool up)
{
	frontend->kind->set_link(frontend, up);
}

bool frontend_link_up(const struct frontend *frontend)
{
	return frontend->kind->link_up(frontend);
}

int frontend_inspect(struct frontend *frontend, struct inspect *in,
		     void (*done)(void *arg), void *arg)
{
	return frontend->kind->inspect(frontend, in, done, arg);
}

const struct net_stats *frontend_stats(const struct frontend *frontend,
				       uint16_t pair)
{
	return frontend->kind->stats(frontend, pair);
}

int frontend_request_unplug(struct frontend *frontend,
			    void (*ejected)(void *arg), void *arg)
{
	return frontend->kind->request_unplug(frontend, ejected, arg);
}

void frontend_destroy(struct frontend *frontend)
{
	if (frontend)
		frontend->kind->destroy(frontend);
}
