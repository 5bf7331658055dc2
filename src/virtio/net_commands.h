/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_VIRTIO_NET_COMMANDS_H
#define EVNIC_VIRTIO_NET_COMMANDS_H

/*
 * The commands of virtio-net's control queue (virtio 1.2, 5.1.6.5), as changes
 * of what the guest has set.
 *
 * Thread: the control loop.
 *
 * A command is read from guest memory once, checked whole, and only then has an
 * effect: one that is refused changes nothing.
 */

#include "net/rx_filter.h"
#include "virtio/desc_chain.h"

/* How packets are spread over queue pairs. @n_pairs: the pairs in use, from the
 * first on. @rss: received ones go where the rest says (struct net_rss_config);
 * otherwise that is the endpoint's affair. */
struct virtio_net_steering {
	uint16_t n_pairs;
	bool rss;
	uint32_t hash_types;
	uint16_t unclassified;
	uint16_t table_len;
	uint16_t table[NET_RSS_TABLE_MAX];
	uint8_t key[NET_RSS_KEY_LEN];
};

/* What the guest has set. @features: what it may. @max_pairs: the pairs that it
 * has set up. @max_table: the longest indirection table. @offloads: unfinished
 * frames that it takes, of those that its features allow. @announce: the guest
 * is asked to announce itself, and has not said that it did. */
struct virtio_net_settings {
	uint64_t features;
	uint16_t max_pairs, max_table;
	uint64_t offloads;
	bool announce;
	struct net_rx_filter filter;
	struct virtio_net_steering steering;
};

/* What a command has changed. */
enum virtio_net_change {
	VIRTIO_NET_CHANGED_NOTHING,
	VIRTIO_NET_CHANGED_FILTER,
	VIRTIO_NET_CHANGED_QUEUES, /* they are to be made anew */
};

/* As the guest finds the device. @max_pairs: at least 1. */
void virtio_net_settings_init(struct virtio_net_settings *settings,
			      uint64_t features, const uint8_t mac[NET_MAC_LEN],
			      uint16_t max_pairs, uint16_t max_table);

/* The features with those offloads only. */
uint64_t virtio_net_settings_features(
	const struct virtio_net_settings *settings);

/* The steering in the endpoint's terms; it points into @steering. */
struct net_rss_config virtio_net_steering_rss(
	const struct virtio_net_steering *steering);

/* Carries out the command in the first @n of @segs. A value of enum
 * virtio_net_change, or -errno: it is unknown, not agreed on, or makes no
 * sense. */
int virtio_net_command_run(struct virtio_net_settings *settings,
			   const struct guest_mem *mem,
			   const struct desc_seg *segs, size_t n) MUST_CHECK;

#endif
