/* SPDX-License-Identifier: MIT */
/*
 * Netdevs: the backends of NICs by name, and how a NIC changes from one to
 * another. Those that ask the host's name servers are told who these are.
 */
#include "machine/nics_private.h"

#include "backends/consomme/consomme.h"
#include "base/log.h"
#include "machine/resolv_watch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct netdev *nics_find_netdev(struct nics *nics, const char *id)
{
	for (size_t i = 0; i < nics->n_netdevs; i++) {
		if (strcmp(nics->netdevs[i]->id, id) == 0)
			return nics->netdevs[i];
	}
	return NULL;
}

struct netdev *nics_netdev_at(struct nics *nics, size_t i)
{
	return i < nics->n_netdevs ? nics->netdevs[i] : NULL;
}

struct nic *netdev_nic(const struct netdev *netdev)
{
	return netdev->nic;
}

const char *netdev_id(const struct netdev *netdev)
{
	return netdev->id;
}

struct net_endpoint *netdev_consomme(const struct netdev *netdev)
{
	return netdev->consomme;
}

static void resolv_changed_cb(void *arg, const char *text)
{
	const struct nics *nics = arg;

	for (size_t i = 0; i < nics->n_netdevs; i++) {
		if (nics->netdevs[i]->consomme)
			consomme_set_resolv_conf(nics->netdevs[i]->consomme,
						 text);
	}
}

static void tell_name_servers(struct nics *nics, struct netdev *netdev)
{
	if (!nics->config.opener)
		return;
	if (!nics->resolv &&
	    resolv_watch_create(nics->config.loop, nics->config.opener,
				resolv_changed_cb, nics, &nics->resolv) < 0)
		return;
	consomme_set_resolv_conf(netdev->consomme,
				 resolv_watch_text(nics->resolv));
}

void netdevs_fini(struct nics *nics)
{
	resolv_watch_destroy(nics->resolv);
	nics->resolv = NULL;
}

int netdev_create(struct nics *nics, const struct backend_config *config,
		  int fd, int64_t mtu, struct kind_error *error,
		  struct netdev **out)
{
	const struct endpoint_setup setup = {
		.config = config,
		.loop = nics->config.loop,
		.opener = nics->config.opener,
		.fd = fd,
		.mtu = mtu,
		.sockets = nics->sockets,
	};
	struct netdev *netdev;
	int err;

	if (nics_find_netdev(nics, config->id))
		return nics_fail(error, -EEXIST, "Duplicate ID '%s'",
				 config->id);
	if (nics->n_netdevs == NETDEVS_MAX)
		return nics_fail(error, -ENOSPC,
				 "%s: there are %d netdevs already, the most "
				 "there can be",
				 config->id, NETDEVS_MAX);
	netdev = calloc(1, sizeof(*netdev));
	if (netdev)
		netdev->id = strdup(config->id);
	if (!netdev || !netdev->id) {
		free(netdev);
		return nics_fail(error, -ENOMEM, "%s: out of memory",
				 config->id);
	}
	err = endpoint_create(&setup, error, &netdev->endpoint);
	if (err < 0) {
		free(netdev->id);
		free(netdev);
		return err;
	}
	netdev->type = endpoint_kind_name((size_t)config->type);
	nics->netdevs[nics->n_netdevs++] = netdev;
	if (config->type == endpoint_kind_consomme()) {
		netdev->consomme = netdev->endpoint;
		if (!config->consomme.dns_servers.n)
			tell_name_servers(nics, netdev);
	}
	*out = netdev;
	return 0;
}

void netdev_destroy(struct nics *nics, struct netdev *netdev)
{
	size_t i = 0;

	while (nics->netdevs[i] != netdev)
		i++;
	nics->n_netdevs--;
	memmove(&nics->netdevs[i], &nics->netdevs[i + 1],
		(nics->n_netdevs - i) * sizeof(struct netdev *));
	net_endpoint_destroy(netdev->endpoint);
	free(netdev->id);
	free(netdev);
}

int nics_netdev_add(struct nics *nics, const struct backend_config *config,
		    int fd, struct kind_error *error)
{
	struct netdev *netdev;

	return netdev_create(nics, config, fd, CONFIG_ABSENT, error, &netdev);
}

/* May @nic's netdev be changed now? Answers if not. */
static bool may_swap(const struct nic *nic, nics_done_fn done, void *arg)
{
	struct kind_error error = {""};

	if (!nic->swap.active && !nic->leaving)
		return true;
	(void)nics_fail(&error, -EBUSY, "%s: %s", nic->id,
			nic->leaving
				? "the NIC is being deleted"
				: "its netdev is being changed; try again");
	done(arg, &error);
	return false;
}

void nics_netdev_del(struct nics *nics, struct netdev *netdev,
		     nics_done_fn done, void *arg)
{
	struct nic *nic = netdev->nic;

	if (!nic) {
		netdev_destroy(nics, netdev);
		done(arg, NULL);
	} else if (may_swap(nic, done, arg)) {
		nic_begin_swap(nic, NULL, true, done, arg);
	}
}

void nics_netdev_replace(struct nics *nics, struct nic *nic,
			 struct netdev *netdev, nics_done_fn done, void *arg)
{
	struct kind_error error = {""};

	UNUSED(nics);
	if (!may_swap(nic, done, arg))
		return;
	if (netdev->nic) {
		(void)nics_fail(&error, -EBUSY, "%s: %s has it", netdev->id,
				netdev->nic->id);
		done(arg, &error);
		return;
	}
	nic_begin_swap(nic, netdev, false, done, arg);
}
