/* SPDX-License-Identifier: MIT */
/*
 * What the guest reads before it drives a virtio-net device, and whenever it is
 * told that something has changed: features (5.1.3) and configuration (5.1.4).
 */
#include "virtio/net_private.h"

#include "base/bytes.h"
#include "virtio/net_defs.h"
#include "virtio/net_features.h"

#include <string.h>

uint64_t virtio_net_offer(struct virtio_device *device)
{
	struct virtio_net *net = virtio_net_of(device);

	return virtio_net_features_offer(net->endpoint, net->mtu != 0,
					 net->n_pairs);
}

bool virtio_net_accept(struct virtio_device *device, uint64_t features)
{
	UNUSED(device);
	return virtio_net_features_fit(features);
}

static uint16_t status(const struct virtio_net *net)
{
	unsigned int bits = 0;

	if (virtio_net_link_up(&net->base))
		bits |= VIRTIO_NET_S_LINK_UP;
	if (net->ctrl.settings.announce)
		bits |= VIRTIO_NET_S_ANNOUNCE;
	return (uint16_t)bits;
}

void virtio_net_read_config(struct virtio_device *device, uint32_t offset,
			    void *data, size_t len)
{
	struct virtio_net *net = virtio_net_of(device);
	uint8_t config[VIRTIO_NET_CONFIG_LEN] = {0};
	uint8_t *out = data;

	memcpy(config + VIRTIO_NET_CONFIG_MAC, net->ctrl.settings.filter.mac,
	       NET_MAC_LEN);
	store_le16(config + VIRTIO_NET_CONFIG_STATUS, status(net));
	store_le16(config + VIRTIO_NET_CONFIG_MAX_PAIRS, net->n_pairs);
	store_le16(config + VIRTIO_NET_CONFIG_MTU, net->mtu);
	config[VIRTIO_NET_CONFIG_RSS_KEY] = NET_RSS_KEY_LEN;
	store_le16(config + VIRTIO_NET_CONFIG_RSS_TABLE,
		   virtio_net_features_rss_table(net->endpoint));
	store_le32(config + VIRTIO_NET_CONFIG_RSS_HASHES, NET_RSS_TYPES_ALL);
	for (size_t i = 0; i < len; i++)
		out[i] = i < sizeof(config) && offset < sizeof(config) - i
				 ? config[offset + i]
				 : 0;
}

/* Every field is read-only (5.1.4.2). */
void virtio_net_write_config(struct virtio_device *device, uint32_t offset,
			     const void *data, size_t len)
{
	UNUSED(device);
	UNUSED(offset);
	UNUSED(data);
	UNUSED(len);
}
