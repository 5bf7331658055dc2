/* SPDX-License-Identifier: MIT */
/*
 * How a virtio-net device says how it is.
 *
 * Each pair fills a tree of its own on its own loop and sends it back; when all
 * have answered, the trees are put into the device's, with what the control
 * loop knows and the counters, which anybody may read.
 */
#include "virtio/net_private.h"

#include <inttypes.h>
#include <stdio.h>

static const char *state_name(enum virtio_net_state state)
{
	static const char *const names[] = {
		[VIRTIO_NET_STOPPED] = "stopped",
		[VIRTIO_NET_GETTING] = "getting queues",
		[VIRTIO_NET_BEGINNING] = "beginning",
		[VIRTIO_NET_RUNNING] = "running",
		[VIRTIO_NET_TELLING] = "telling the filter",
		[VIRTIO_NET_ENDING] = "ending",
		[VIRTIO_NET_STOPPING] = "stopping",
	};

	return names[state];
}

static void fill_stats(struct inspect *in, const struct net_stats *stats)
{
	inspect_begin(in, "stats");
	for (size_t i = 0; i < net_stat_n; i++)
		inspect_u64(in, net_stat_table[i].name,
			    net_stat_read(stats, i));
	inspect_end(in);
}

static void fill_filter(struct inspect *in, const struct net_rx_filter *filter)
{
	inspect_begin(in, "rx_filter");
	inspect_bool(in, "promisc", filter->promisc);
	inspect_bool(in, "alluni", filter->alluni);
	inspect_bool(in, "allmulti", filter->allmulti);
	inspect_bool(in, "nouni", filter->nouni);
	inspect_bool(in, "nomulti", filter->nomulti);
	inspect_bool(in, "nobcast", filter->nobcast);
	inspect_bool(in, "vlans", filter->vlan_on);
	inspect_u64(in, "unicast_addresses", filter->unicast.n);
	inspect_u64(in, "multicast_addresses", filter->multicast.n);
	inspect_end(in);
}

static void fill_device(struct virtio_net *net, struct inspect *in)
{
	const uint8_t *mac = net->ctrl.settings.filter.mac;

	inspect_str(in, "name", net->name);
	inspect_str(in, "type", "virtio-net");
	inspect_str(in, "state", state_name(net->state));
	inspect_bool(in, "started", net->wanted);
	inspect_bool(in, "paused", net->paused);
	inspect_bool(in, "broken", net->broken);
	inspect_f(in, "mac", "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1],
		  mac[2], mac[3], mac[4], mac[5]);
	inspect_u64(in, "mtu", net->mtu);
	inspect_bool(in, "link_up", net->admin_up && net->endpoint_up);
	inspect_bool(in, "link_wanted", net->admin_up);
	inspect_bool(in, "link_of_endpoint", net->endpoint_up);
	inspect_f(in, "features", "0x%016" PRIx64,
		  net->wanted ? net->features : 0);
	inspect_u64(in, "queue_size", net->base.queue_size);
	inspect_u64(in, "queue_pairs", net->n_pairs);
	inspect_u64(in, "queue_pairs_active", net->n_active);
	inspect_bool(in, "rss", net->steering.rss);
	fill_filter(in, &net->ctrl.settings.filter);
	for (uint16_t i = 0; i < net->n_pairs; i++) {
		struct virtio_net_pair *pair = &net->pairs[i];
		char name[16];

		(void)snprintf(name, sizeof(name), "pair-%u", i);
		fill_stats(&pair->tree, &pair->stats);
		inspect_graft(in, name, &pair->tree);
	}
}

static void free_trees(struct virtio_net *net)
{
	for (uint16_t i = 0; i < net->n_pairs; i++)
		inspect_fini(&net->pairs[i].tree);
}

void virtio_net_pair_looked(struct virtio_net_pair *pair)
{
	struct virtio_net *net = pair->owner;

	if (--net->n_looking)
		return;
	if (!net->destroyed)
		fill_device(net, net->tree);
	free_trees(net);
	virtio_net_answer(&net->inspect);
	virtio_net_free_unused(net);
}

int virtio_net_inspect(struct virtio_device *device, struct inspect *in,
		       void (*done)(void *arg), void *arg)
{
	struct virtio_net *net = virtio_net_of(device);
	int err = virtio_net_ask(&net->inspect, done, arg);

	if (err < 0)
		return err;
	net->tree = in;
	net->n_looking = net->n_pairs;
	for (uint16_t i = 0; i < net->n_pairs; i++)
		virtio_net_pair_look(&net->pairs[i]);
	return 0;
}
