/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_TESTS_VIRTIO_STREAM_H
#define EVNIC_TESTS_VIRTIO_STREAM_H

/*
 * Runs a virtio transport over a stream of operations: what a hostile guest
 * with many vCPUs, a slow device and a machine that resets can do in any order.
 */

#include "virtio/transport.h"

#include <stddef.h>
#include <stdint.h>

typedef int (*virtio_create_fn)(struct platform *platform, struct loop *loop,
				struct virtio_device *device,
				struct virtio_transport **out);

/* Aborts if the transport breaks a promise: an access answered twice or never,
 * one that waits for nothing, a call to the device that it does not allow. */
void virtio_stream_run(virtio_create_fn create, const uint8_t *data,
		       size_t size);

#endif
