/* SPDX-License-Identifier: MIT */
/*
 * virtio-net with one queue pair (virtio 1.2, 5.1): queue 0 receives, queue 1
 * transmits. Descriptor i always belongs to buffer i, one descriptor a frame.
 */
#include "vnet.h"

#include <linux/virtio_ids.h>
#include <linux/virtio_net.h>

#include "payload.h"

static struct virtq_rings rx_rings;
static struct virtq_rings tx_rings;
static uint8_t (*rx_buffers)[VNET_BUFFER];
static uint8_t (*tx_buffers)[VNET_BUFFER];

void vnet_start(struct vnet *nic, uint64_t features)
{
	struct virtio_device *dev = &nic->dev;

	if (virtio_pci_find(dev, VIRTIO_ID_NET))
		console_text("virtio-net over pci\n");
	else if (virtio_mmio_find(dev, VIRTIO_ID_NET))
		console_text("virtio-net over mmio\n");
	else
		payload_fail("no virtio-net device");
	rx_buffers = payload_pages(sizeof(*rx_buffers) * VIRTQ_SIZE);
	tx_buffers = payload_pages(sizeof(*tx_buffers) * VIRTQ_SIZE);
	virtio_start(dev, features | 1ULL << VIRTIO_NET_F_MAC);
	for (uint32_t i = 0; i < sizeof(nic->mac); i++)
		nic->mac[i] = dev->ops->get_config(dev, i);
	virtio_setup_queue(dev, &nic->rx, &rx_rings, 0);
	virtio_setup_queue(dev, &nic->tx, &tx_rings, 1);
	virtio_driver_ok(dev);
}

uint8_t *vnet_rx_buffer(uint16_t i)
{
	return rx_buffers[i];
}

uint8_t *vnet_tx_buffer(uint16_t i)
{
	return tx_buffers[i];
}

void vnet_rx_post(struct vnet *nic, uint16_t i)
{
	rx_rings.desc[i] = (struct vring_desc){
		.addr = (uint64_t)rx_buffers[i],
		.len = VNET_BUFFER,
		.flags = VRING_DESC_F_WRITE,
	};
	virtq_publish(&nic->rx, i);
}

void vnet_tx_post(struct vnet *nic, uint16_t i, uint32_t len)
{
	tx_rings.desc[i] = (struct vring_desc){
		.addr = (uint64_t)tx_buffers[i],
		.len = VNET_HEADER + len,
	};
	virtq_publish(&nic->tx, i);
}
