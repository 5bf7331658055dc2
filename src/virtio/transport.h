/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_VIRTIO_TRANSPORT_H
#define EVNIC_VIRTIO_TRANSPORT_H

/*
 * A virtio transport: joins a device to a platform, as a PCI function or as an
 * mmio slot.
 *
 * Thread: the control loop.
 */

#include "base/loop.h"
#include "base/platform.h"
#include "virtio/device.h"

struct virtio_transport;

/* Plugs @device (borrowed) into @platform. 0 or -errno. */
int virtio_pci_create(struct platform *platform, struct loop *loop,
		      struct virtio_device *device,
		      struct virtio_transport **out) MUST_CHECK;
int virtio_mmio_create(struct platform *platform, struct loop *loop,
		       struct virtio_device *device,
		       struct virtio_transport **out) MUST_CHECK;

/* Resets of one transport that may be under way at the same time. */
#define VIRTIO_MAX_RESETS 8

/* Resets the device and the transport's registers, as the guest would by
 * writing 0 to the status, whatever the guest is doing at the moment. @done is
 * called from the loop when nothing runs any more. For the reset of the
 * machine and before destroy.
 *
 * From this call to @done the guest's accesses have no effect: those that wait
 * are answered at once, so that no vCPU is stuck in one; writes are dropped and
 * reads give all ones. Resets may overlap; one more than VIRTIO_MAX_RESETS is
 * answered with -EBUSY at once. */
void virtio_transport_reset(struct virtio_transport *transport,
			    virtio_done_fn done, void *arg);

/* Asks the guest to let go of the device. @ejected is called from the loop when
 * it has, if it ever does, at most once; it may be asked again before that. To
 * be answered by a reset and then destroy. 0, or -ENOTSUP: the guest could not
 * be told. */
int virtio_transport_request_unplug(struct virtio_transport *transport,
				    void (*ejected)(void *arg),
				    void *arg) MUST_CHECK;

/* Unplugs a transport that was reset, or whose device never ran. Allowed in
 * @done. NULL is allowed. */
void virtio_transport_destroy(struct virtio_transport *transport);

#endif
