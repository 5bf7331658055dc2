/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_VIRTIO_NET_H
#define EVNIC_VIRTIO_NET_H

/*
 * virtio-net (virtio 1.2, 5.1): a frontend that drives an endpoint's queues.
 *
 * Thread: the control loop; each queue pair runs on the loop it was given.
 */

#include "base/loop.h"
#include "net/endpoint.h"
#include "virtio/device.h"

/* @name: the NIC's id, for messages; copied. @endpoint, @loop, @queue_loops:
 * borrowed for the device's life. @mtu: 0: not told to the guest. @queue_size:
 * a power of two up to VIRTIO_QUEUE_SIZE_MAX. @busy_poll_us: how long a loop
 * polls after a packet before it sleeps. @queue_loops: one loop for each queue
 * pair. */
struct virtio_net_config {
	const char *name;
	uint8_t mac[6];
	uint16_t mtu;
	uint16_t queue_size;
	uint32_t busy_poll_us;
	struct net_endpoint *endpoint;
	struct loop *loop;
	struct loop *const *queue_loops;
	uint16_t n_queue_pairs;
};

/* -EINVAL: the endpoint is not ordered. */
int virtio_net_create(const struct virtio_net_config *config,
		      struct virtio_device **out) MUST_CHECK;

/* Frees a device that is stopped and off its transport. */
void virtio_net_destroy(struct virtio_device *device);

/* The counters of queue pair @pair, since the device was made. */
const struct net_stats *virtio_net_stats(const struct virtio_device *device,
					 uint16_t pair);

#endif
