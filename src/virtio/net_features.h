/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_VIRTIO_NET_FEATURES_H
#define EVNIC_VIRTIO_NET_FEATURES_H

/*
 * virtio-net feature bits and what an endpoint can do, one into the other.
 */

#include "net/endpoint.h"
#include "virtio/net_defs.h"

/* What the device offers with @endpoint behind it. @mtu: is there one? */
uint64_t virtio_net_features_offer(const struct net_endpoint *endpoint,
				   bool mtu, uint16_t n_pairs);

/* The largest indirection table that a driver may set, 0: none. */
uint16_t virtio_net_features_rss_table(const struct net_endpoint *endpoint);

/* Do these go together (virtio 1.2, 5.1.3.1)? */
bool virtio_net_features_fit(uint64_t features);

/* Bits of unfinished frames that a driver may switch on and off. */
#define VIRTIO_NET_GUEST_OFFLOADS                            \
	(VIRTIO_NET_F_GUEST_CSUM | VIRTIO_NET_F_GUEST_TSO4 | \
	 VIRTIO_NET_F_GUEST_TSO6 | VIRTIO_NET_F_GUEST_ECN |  \
	 VIRTIO_NET_F_GUEST_USO4 | VIRTIO_NET_F_GUEST_USO6)

/* The unfinished frames that a driver with these features takes. */
struct net_rx_offloads virtio_net_features_rx(uint64_t features);

/* May a driver with these features ask for @offload? */
bool virtio_net_features_allow(uint64_t features,
			       const struct net_offload *offload);

#endif
