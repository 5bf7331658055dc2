/* SPDX-License-Identifier: MIT */
/*
 * The tree of all NICs and netdevs.
 *
 * A walk asks one NIC after another, since each fills the same tree from the
 * loops of its queues; a NIC does not go while it is asked. Walks queue up: a
 * frontend answers one at a time.
 */
#include "machine/nics_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* @nic: whose frontend is being asked. @i: which one is next. @n: how many have
 * been asked, those that have left since included. */
struct nics_walk {
	struct nics_walk *next;
	struct nics *nics;
	struct inspect *in;
	struct nic *nic;
	size_t i, n;
	void (*done)(void *arg);
	void *arg;
};

static void go_on(struct nics_walk *walk);

/* May a name of the user's stand in the tree as it is? */
static bool is_plain(const char *name)
{
	return strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwx"
			    "yz0123456789-_.") == strlen(name);
}

static void begin(struct inspect *in, const char *id, const char *kind,
		  size_t i)
{
	if (is_plain(id))
		inspect_begin(in, id);
	else
		inspect_begin_at(in, kind, i);
	inspect_str(in, "id", id);
}

static void netdevs(struct nics *nics, struct inspect *in)
{
	inspect_begin(in, "netdevs");
	for (size_t i = 0; i < nics->n_netdevs; i++) {
		const struct netdev *netdev = nics->netdevs[i];

		begin(in, netdev->id, "netdev", i);
		inspect_str(in, "type", netdev->type);
		inspect_str(in, "nic", netdev->nic ? netdev->nic->id : NULL);
		if (netdev->endpoint) {
			inspect_begin(in, "endpoint");
			net_endpoint_inspect(netdev->endpoint, in);
			inspect_end(in);
		}
		inspect_end(in);
	}
	inspect_end(in);
}

/* What the control loop knows of a NIC. */
static void describe(const struct nic *nic, struct inspect *in)
{
	const uint8_t *mac = nic->mac;

	inspect_str(in, "model", nic->model);
	inspect_f(in, "mac", "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1],
		  mac[2], mac[3], mac[4], mac[5]);
	inspect_str(in, "netdev", nic_netdev_id(nic));
	inspect_u64(in, "queue_pairs", nic->n_pairs);
	inspect_bool(in, "paused", nic->paused);
	inspect_bool(in, "asked_back", nic->asked_back);
	inspect_bool(in, "leaving", nic->leaving);
	if (nic->top) {
		inspect_begin(in, "endpoint");
		net_endpoint_inspect(nic->top, in);
		inspect_end(in);
	}
}

static void frontend_cb(void *arg)
{
	struct nics_walk *walk = arg;
	struct nic *nic = walk->nic;

	nic->inspecting = false;
	nic_leave_step(nic);
	inspect_end(walk->in); /* frontend */
	inspect_end(walk->in); /* the NIC */
	go_on(walk);
}

static void finish(struct nics_walk *walk)
{
	struct nics *nics = walk->nics;

	inspect_end(walk->in); /* nics */
	netdevs(nics, walk->in);
	nics->walks = walk->next;
	nics_check(nics);
	walk->done(walk->arg);
	free(walk);
	if (nics->walks)
		go_on(nics->walks);
}

static void go_on(struct nics_walk *walk)
{
	struct nics *nics = walk->nics;
	struct inspect *in = walk->in;

	if (walk->i == 0)
		inspect_begin(in, "nics");
	while (walk->i < nics->n_nics) {
		struct nic *nic = nics->nics[walk->i++];

		begin(in, nic->id, "nic", walk->n++);
		describe(nic, in);
		if (nic->frontend && !nic->was_reset) {
			inspect_begin(in, "frontend");
			walk->nic = nic;
			if (frontend_inspect(nic->frontend, in, frontend_cb,
					     walk) == 0) {
				nic->inspecting = true;
				return;
			}
			inspect_end(in);
		}
		inspect_end(in);
	}
	finish(walk);
}

int nics_inspect(struct nics *nics, struct inspect *in, void (*done)(void *arg),
		 void *arg)
{
	struct nics_walk *walk = calloc(1, sizeof(*walk));
	struct nics_walk **last = &nics->walks;

	if (!walk)
		return -ENOMEM;
	walk->nics = nics;
	walk->in = in;
	walk->done = done;
	walk->arg = arg;
	while (*last)
		last = &(*last)->next;
	*last = walk;
	if (nics->walks == walk)
		go_on(walk);
	return 0;
}

void nics_left(struct nics *nics, size_t i)
{
	if (nics->walks && i < nics->walks->i)
		nics->walks->i--;
}

void nics_forget_walks(struct nics *nics)
{
	while (nics->walks) {
		struct nics_walk *walk = nics->walks;

		nics->walks = walk->next;
		free(walk);
	}
}
