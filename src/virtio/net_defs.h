/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_VIRTIO_NET_DEFS_H
#define EVNIC_VIRTIO_NET_DEFS_H

/*
 * Numbers of the network device (virtio 1.2, 5.1).
 */

#define VIRTIO_ID_NET 1

/* Feature bits (5.1.3). HOST: the device takes such frames from the driver;
 * GUEST: the driver takes them from the device. */
#define VIRTIO_NET_F_CSUM	(1ULL << 0)
#define VIRTIO_NET_F_GUEST_CSUM (1ULL << 1)
#define VIRTIO_NET_F_MTU	(1ULL << 3)
#define VIRTIO_NET_F_MAC	(1ULL << 5)
#define VIRTIO_NET_F_GUEST_TSO4 (1ULL << 7)
#define VIRTIO_NET_F_GUEST_TSO6 (1ULL << 8)
#define VIRTIO_NET_F_GUEST_ECN	(1ULL << 9)
#define VIRTIO_NET_F_HOST_TSO4	(1ULL << 11)
#define VIRTIO_NET_F_HOST_TSO6	(1ULL << 12)
#define VIRTIO_NET_F_HOST_ECN	(1ULL << 13)
#define VIRTIO_NET_F_MRG_RXBUF	(1ULL << 15)
#define VIRTIO_NET_F_STATUS	(1ULL << 16)
#define VIRTIO_NET_F_GUEST_USO4 (1ULL << 54)
#define VIRTIO_NET_F_GUEST_USO6 (1ULL << 55)
#define VIRTIO_NET_F_HOST_USO	(1ULL << 56)

/* Configuration space (5.1.4), offsets in bytes: mac[6], status u16,
 * max_virtqueue_pairs u16, mtu u16; the rest belongs to features that are not
 * offered. */
#define VIRTIO_NET_CONFIG_MAC	    0
#define VIRTIO_NET_CONFIG_STATUS    6
#define VIRTIO_NET_CONFIG_MAX_PAIRS 8
#define VIRTIO_NET_CONFIG_MTU	    10
#define VIRTIO_NET_CONFIG_LEN	    12

#define VIRTIO_NET_S_LINK_UP 1

/* The shortest frame: an Ethernet header. */
#define VIRTIO_NET_FRAME_MIN 14

#endif
