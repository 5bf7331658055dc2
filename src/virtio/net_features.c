/* SPDX-License-Identifier: MIT */
/*
 * virtio-net features.
 *
 * Each offload comes with those that it rests on: segmentation needs
 * checksums, ECN needs TCP segmentation. What is asked for by commands needs
 * the control queue. What the endpoint cannot do with its
 * foundations is not offered, and a driver that accepts it without is refused.
 */
#include "virtio/net_features.h"

#include "base/util.h"
#include "virtio/device.h"
#include "virtio/net_defs.h"

#define HOST_TSO  (VIRTIO_NET_F_HOST_TSO4 | VIRTIO_NET_F_HOST_TSO6)
#define GUEST_TSO (VIRTIO_NET_F_GUEST_TSO4 | VIRTIO_NET_F_GUEST_TSO6)
#define GUEST_USO (VIRTIO_NET_F_GUEST_USO4 | VIRTIO_NET_F_GUEST_USO6)
/* What is asked for through the control queue. */
#define CONTROLLED                                                  \
	(VIRTIO_NET_F_CTRL_GUEST_OFFLOADS | VIRTIO_NET_F_CTRL_RX |  \
	 VIRTIO_NET_F_CTRL_RX_EXTRA | VIRTIO_NET_F_CTRL_VLAN |      \
	 VIRTIO_NET_F_CTRL_MAC_ADDR | VIRTIO_NET_F_GUEST_ANNOUNCE | \
	 VIRTIO_NET_F_MQ | VIRTIO_NET_F_RSS)

static uint64_t offer_tx(const struct net_endpoint *endpoint)
{
	struct net_tx_offloads tx = net_endpoint_tx_offload_support(endpoint);
	uint64_t bits = 0;

	if (!tx.tcp || !tx.udp)
		return 0;
	bits |= VIRTIO_NET_F_CSUM;
	if (tx.tso)
		bits |= HOST_TSO | VIRTIO_NET_F_HOST_ECN;
	if (tx.uso)
		bits |= VIRTIO_NET_F_HOST_USO;
	return bits;
}

static uint64_t offer_rx(const struct net_endpoint *endpoint)
{
	struct net_rx_offloads rx = net_endpoint_rx_offload_support(endpoint);
	uint64_t bits = 0;

	if (!rx.csum)
		return 0;
	bits |= VIRTIO_NET_F_GUEST_CSUM | VIRTIO_NET_F_CTRL_GUEST_OFFLOADS;
	if (rx.tso4)
		bits |= VIRTIO_NET_F_GUEST_TSO4;
	if (rx.tso6)
		bits |= VIRTIO_NET_F_GUEST_TSO6;
	if (rx.ecn && (rx.tso4 || rx.tso6))
		bits |= VIRTIO_NET_F_GUEST_ECN;
	if (rx.uso)
		bits |= GUEST_USO;
	return bits;
}

uint16_t virtio_net_features_rss_table(const struct net_endpoint *endpoint)
{
	uint16_t size = net_endpoint_multiqueue_support(endpoint)
				.indirection_table_size;

	return size < VIRTIO_NET_RSS_TABLE ? 0 : VIRTIO_NET_RSS_TABLE;
}

static uint64_t offer_queues(const struct net_endpoint *endpoint,
			     uint16_t n_pairs)
{
	if (n_pairs < 2)
		return 0;
	return VIRTIO_NET_F_MQ |
	       (virtio_net_features_rss_table(endpoint) ? VIRTIO_NET_F_RSS : 0);
}

uint64_t virtio_net_features_offer(const struct net_endpoint *endpoint,
				   bool mtu, uint16_t n_pairs)
{
	return VIRTIO_F_EVENT_IDX | VIRTIO_F_INDIRECT_DESC | VIRTIO_NET_F_MAC |
	       VIRTIO_NET_F_STATUS | VIRTIO_NET_F_MRG_RXBUF |
	       VIRTIO_NET_F_CTRL_VQ | VIRTIO_NET_F_CTRL_RX |
	       VIRTIO_NET_F_CTRL_RX_EXTRA | VIRTIO_NET_F_CTRL_VLAN |
	       VIRTIO_NET_F_CTRL_MAC_ADDR | VIRTIO_NET_F_GUEST_ANNOUNCE |
	       (mtu ? VIRTIO_NET_F_MTU : 0) | offer_tx(endpoint) |
	       offer_rx(endpoint) | offer_queues(endpoint, n_pairs);
}

bool virtio_net_features_fit(uint64_t features)
{
	/* Any of @bits needs one of @one_of. */
	static const struct {
		uint64_t bits;
		uint64_t one_of;
	} rules[] = {
		{HOST_TSO | VIRTIO_NET_F_HOST_USO, VIRTIO_NET_F_CSUM},
		{VIRTIO_NET_F_HOST_ECN, HOST_TSO},
		{GUEST_TSO | GUEST_USO, VIRTIO_NET_F_GUEST_CSUM},
		{VIRTIO_NET_F_GUEST_ECN, GUEST_TSO},
		{CONTROLLED, VIRTIO_NET_F_CTRL_VQ},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rules); i++) {
		if ((features & rules[i].bits) && !(features & rules[i].one_of))
			return false;
	}
	return true;
}

struct net_rx_offloads virtio_net_features_rx(uint64_t features)
{
	return (struct net_rx_offloads){
		.csum = (features & VIRTIO_NET_F_GUEST_CSUM) != 0,
		.tso4 = (features & VIRTIO_NET_F_GUEST_TSO4) != 0,
		.tso6 = (features & VIRTIO_NET_F_GUEST_TSO6) != 0,
		.ecn = (features & VIRTIO_NET_F_GUEST_ECN) != 0,
		.uso = (features & GUEST_USO) == GUEST_USO,
	};
}

bool virtio_net_features_allow(uint64_t features,
			       const struct net_offload *offload)
{
	uint64_t needed = 0;

	if (offload->csum_needed)
		needed |= VIRTIO_NET_F_CSUM;
	if (offload->gso_ecn)
		needed |= VIRTIO_NET_F_HOST_ECN;
	switch (offload->gso) {
	case NET_GSO_NONE:
		break;
	case NET_GSO_TCPV4:
		needed |= VIRTIO_NET_F_HOST_TSO4;
		break;
	case NET_GSO_TCPV6:
		needed |= VIRTIO_NET_F_HOST_TSO6;
		break;
	case NET_GSO_UDP:
		needed |= VIRTIO_NET_F_HOST_USO;
		break;
	case NET_GSO_UDP_FRAG:
		return false; /* HOST_UFO is never offered */
	}
	return (features & needed) == needed;
}
