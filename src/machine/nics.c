/* SPDX-License-Identifier: MIT */
/*
 * All NICs of a machine.
 *
 * A reset is complete when each frontend has answered and nothing is under way
 * that would use a NIC later: a netdev that is being changed, a NIC that is
 * being deleted, an inspection. A pause is complete when each frontend has done
 * what the last wish was, those that were plugged in meanwhile included.
 * Whatever ends such a thing has all conditions looked at again, by a timer of
 * zero seconds: so done functions are called from the loop, and never after the
 * end.
 */
#include "machine/nics_private.h"

#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int nics_fail(struct kind_error *error, int err, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(error->text, sizeof(error->text), format, ap);
	va_end(ap);
	return err;
}

struct nic *nics_find(struct nics *nics, const char *id)
{
	for (size_t i = 0; i < nics->n_nics; i++) {
		if (strcmp(nics->nics[i]->id, id) == 0)
			return nics->nics[i];
	}
	return NULL;
}

struct nic *nics_at(struct nics *nics, size_t i)
{
	return i < nics->n_nics ? nics->nics[i] : NULL;
}

/* Waiting. */

static bool reset_is_complete(const struct nics *nics)
{
	for (size_t i = 0; i < nics->n_nics; i++) {
		if (nic_is_busy(nics->nics[i]))
			return false;
	}
	return nics->n_resetting == 0 && !nics->walks;
}

static bool pause_is_complete(const struct nics *nics)
{
	for (size_t i = 0; i < nics->n_nics; i++) {
		const struct nic *nic = nics->nics[i];

		if (nic->frontend && !nic->leaving &&
		    (nic->pausing || nic->paused != nics->paused))
			return false;
	}
	return true;
}

static void check_cb(struct ev_loop *ev, ev_timer *w, int revents)
{
	struct nics *nics = container_of(w, struct nics, check);
	void (*done)(void *arg);

	UNUSED(ev);
	UNUSED(revents);
	if (nics->pause_done && pause_is_complete(nics)) {
		done = nics->pause_done;
		nics->pause_done = NULL;
		nics_check(nics); /* for the other one */
		done(nics->pause_arg);
	} else if (nics->reset_done && reset_is_complete(nics)) {
		done = nics->reset_done;
		nics->reset_done = NULL;
		done(nics->reset_arg);
	}
}

void nics_check(struct nics *nics)
{
	ev_timer_stop(nics->config.loop->ev, &nics->check);
	ev_timer_set(&nics->check, 0., 0.);
	ev_timer_start(nics->config.loop->ev, &nics->check);
}

static void reset_cb(void *arg, int err)
{
	struct nics *nics = arg;

	UNUSED(err); /* a reset cannot be refused */
	nics->n_resetting--;
	nics_check(nics);
}

void nics_reset(struct nics *nics, void (*done)(void *arg), void *arg)
{
	nics->reset_done = done;
	nics->reset_arg = arg;
	for (size_t i = nics->n_nics; i; i--) {
		struct nic *nic = nics->nics[i - 1];

		if (nic->frontend && !nic->leaving) {
			nics->n_resetting++;
			frontend_reset(nic->frontend, reset_cb, nics);
		}
		if (nic->asked_back)
			nic_leave(nic);
	}
	nics_check(nics);
}

static void set_paused(struct nics *nics, bool paused, void (*done)(void *arg),
		       void *arg)
{
	nics->paused = paused;
	nics->pause_done = done;
	nics->pause_arg = arg;
	for (size_t i = 0; i < nics->n_nics; i++)
		nic_settle(nics->nics[i]);
	nics_check(nics);
}

void nics_pause(struct nics *nics, void (*done)(void *arg), void *arg)
{
	set_paused(nics, true, done, arg);
}

void nics_resume(struct nics *nics, void (*done)(void *arg), void *arg)
{
	set_paused(nics, false, done, arg);
}

/* Life. */

static int add_nic(struct nics *nics, const struct nic_config *config,
		   struct netdev *netdev, struct kind_error *error)
{
	if (nics_find(nics, config->iface_id))
		return nics_fail(error, -EEXIST, "Duplicate device ID '%s'",
				 config->iface_id);
	if (nics->n_nics == NICS_MAX)
		return nics_fail(error, -ENOSPC,
				 "%s: there are %d NICs already, the most "
				 "there can be",
				 config->iface_id, NICS_MAX);
	return nic_create(nics, config, netdev, error);
}

/* The NICs one after another, each with its netdev: a file descriptor limit or
 * a missing interface is told with the first that it hurts. Netdevs without a
 * NIC come last. */
static int create_all(struct nics *nics, struct kind_error *error)
{
	const struct machine_config *machine = nics->config.machine;
	bool made[ARRAY_SIZE(machine->backends)] = {false};
	struct netdev *netdev;
	int err = 0;

	for (size_t i = 0; i < machine->n_nics && !err; i++) {
		const struct nic_config *nic = &machine->nics[i];

		err = netdev_create(nics, &machine->backends[nic->endpoint], -1,
				    nic->mtu, error, &netdev);
		made[nic->endpoint] = true;
		if (!err)
			err = add_nic(nics, nic, netdev, error);
	}
	for (size_t i = 0; i < machine->n_backends && !err; i++) {
		if (!made[i])
			err = netdev_create(nics, &machine->backends[i], -1,
					    CONFIG_ABSENT, error, &netdev);
	}
	return err;
}

int nics_create(const struct nics_config *config, struct kind_error *error,
		struct nics **out)
{
	struct nics *nics = calloc(1, sizeof(*nics));
	int err;

	*out = nics;
	if (!nics)
		return nics_fail(error, -ENOMEM, "NICs: out of memory");
	nics->config = *config;
	nics->transport =
		(enum config_transport)config->machine->shape.transport;
	nics->sockets = config->machine->sandbox.sockets;
	iothreads_init(&nics->iothreads, config->loop,
		       config->machine->iothreads);
	ev_timer_init(&nics->check, check_cb, 0., 0.);
	err = create_all(nics, error);
	nics->config.machine = NULL;
	return err;
}

void nics_destroy(struct nics *nics)
{
	if (!nics)
		return;
	ev_timer_stop(nics->config.loop->ev, &nics->check);
	nics_forget_walks(nics);
	/* First: libev forgets a file descriptor in the round after its
	 * watcher was stopped. */
	iothreads_fini(&nics->iothreads);
	while (nics->n_nics)
		nic_destroy(nics->nics[nics->n_nics - 1]);
	while (nics->n_netdevs)
		netdev_destroy(nics, nics->netdevs[nics->n_netdevs - 1]);
	netdevs_fini(nics);
	free(nics);
}

/* Plug and unplug. */

int nics_device_add(struct nics *nics, const struct nic_config *config,
		    struct kind_error *error)
{
	struct netdev *netdev = nics_find_netdev(nics, config->backend);

	if (nics->transport != CONFIG_PCI)
		return nics_fail(error, -ENOTSUP,
				 "%s: a NIC can be added on PCI only; the "
				 "machine's \"transport\" is \"mmio\"",
				 config->iface_id);
	if (!netdev)
		return nics_fail(error, -ENOENT,
				 "Property 'netdev' can't find value '%s'",
				 config->backend);
	if (netdev->nic)
		return nics_fail(error, -EBUSY,
				 "Property 'netdev' can't take value '%s', "
				 "it's in use",
				 config->backend);
	return add_nic(nics, config, netdev, error);
}

static void ejected_cb(void *arg)
{
	nic_leave(arg);
}

int nics_device_del(struct nics *nics, struct nic *nic,
		    struct kind_error *error)
{
	int err;

	UNUSED(nics);
	if (nic->leaving)
		return 0;
	err = frontend_request_unplug(nic->frontend, ejected_cb, nic);
	if (err < 0)
		return nics_fail(error, err,
				 "Device '%s' does not support hot-unplug: it "
				 "must be on PCI",
				 nic->id);
	nic->asked_back = true;
	return 0;
}
