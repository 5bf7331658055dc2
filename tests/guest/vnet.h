/* SPDX-License-Identifier: MIT */
#ifndef TESTS_GUEST_VNET_H
#define TESTS_GUEST_VNET_H

#include "virtio.h"

#define VNET_HEADER    12   /* struct virtio_net_hdr_v1 */
#define VNET_BUFFER    2048 /* header and frame */
#define VNET_FRAME_MAX 1514
#define VNET_FRAME_MIN 60

/* A virtio-net device with its first queue pair running. */
struct vnet {
	struct virtio_device dev;
	struct virtq rx;
	struct virtq tx;
	uint8_t mac[6];
};

/* Find the NIC over either transport and take it to DRIVER_OK. */
void vnet_start(struct vnet *nic, uint64_t features);

/* Buffer @i of a queue; entry @i of its descriptor table points there. */
uint8_t *vnet_rx_buffer(uint16_t i);
uint8_t *vnet_tx_buffer(uint16_t i);

/* Give receive buffer @i to the device. */
void vnet_rx_post(struct vnet *nic, uint16_t i);
/* Publish transmit buffer @i: a zero header and @len bytes of frame. */
void vnet_tx_post(struct vnet *nic, uint16_t i, uint32_t len);

#endif
