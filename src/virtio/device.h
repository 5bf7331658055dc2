/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_VIRTIO_DEVICE_H
#define EVNIC_VIRTIO_DEVICE_H

/*
 * Between a virtio transport (PCI, MMIO, a vhost-user server, a test) and a
 * device type (virtio-net). The transport speaks to the guest about features,
 * queues and status; the device is told what came out of it.
 *
 * Thread: the control loop, but for virtio_irq_raise() and the kick eventfds,
 * which belong to the loops that own the queues.
 *
 * States of the device: stopped -> start (DRIVER_OK) -> running -> stop (reset,
 * or the end) -> stopped. Start and stop are answered by their done function,
 * at once or later; meanwhile the transport makes no other call but config
 * reads and hints, and holds the guest's access back. A start that fails leaves the
 * device stopped.
 */

#include "base/guest_mem.h"
#include "base/irq.h"
#include "base/util.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* Feature bits of virtio 1.2, 6. */
#define VIRTIO_F_INDIRECT_DESC (1ULL << 28)
#define VIRTIO_F_EVENT_IDX     (1ULL << 29)
#define VIRTIO_F_VERSION_1     (1ULL << 32)

#define VIRTIO_QUEUE_SIZE_MAX 1024
#define VIRTIO_MAX_QUEUES     65

struct virtio_device;
struct virtio_host;
typedef void (*virtio_done_fn)(void *arg, int err);

/* How a queue (or the device, for its configuration) interrupts the guest. @fd:
 * eventfd, -1: the guest wants none. @vcpu: where it goes, a hint. @isr: where
 * the transport keeps interrupt status bits, or NULL; @isr_bit is set in it
 * before the eventfd is signalled. All borrowed for as long as the device runs. */
struct virtio_irq {
	int fd;
	unsigned int vcpu;
	atomic_uint *isr;
	unsigned int isr_bit;
};

static inline void virtio_irq_raise(const struct virtio_irq *irq)
{
	if (irq->isr)
		atomic_fetch_or_explicit(irq->isr, irq->isr_bit,
					 memory_order_release);
	eventfd_signal(irq->fd);
}

/* A queue as the guest has set it up. @size: a power of two up to what the
 * device allows. Addresses are not checked yet: the ring is mapped by whoever
 * runs it. @kick_fd: eventfd that is readable after a kick, borrowed. */
struct virtio_queue_setup {
	bool enabled;
	uint16_t size;
	uint64_t desc, avail, used;
	int kick_fd;
	struct virtio_irq irq;
};

/* What the transport hands over at start; good until stop is done. */
struct virtio_start {
	uint64_t features; /* accepted by both sides */
	const struct guest_mem *mem;
	const struct virtio_queue_setup *queues;
	size_t n_queues; /* as many as the device has */
};

/* What a device type implements. @n_queues: at most VIRTIO_MAX_QUEUES. */
struct virtio_device_ops {
	/* Offered bits; the transport adds VERSION_1. */
	uint64_t (*features)(struct virtio_device *device);
	/* May the guest have these (a subset of the offer)? False refuses
	 * FEATURES_OK. */
	bool (*accept_features)(struct virtio_device *device,
				uint64_t features);
	/* Device configuration. Reads beyond it give 0, writes beyond it or to
	 * read-only fields are ignored. */
	void (*read_config)(struct virtio_device *device, uint32_t offset,
			    void *data, size_t len);
	void (*write_config)(struct virtio_device *device, uint32_t offset,
			     const void *data, size_t len);
	void (*start)(struct virtio_device *device,
		      const struct virtio_start *start, virtio_done_fn done,
		      void *arg);
	void (*stop)(struct virtio_device *device, virtio_done_fn done,
		     void *arg);
	/* A hint: interrupts of queue @index go to vCPU @vcpu from now on.
	 * While the device runs or starts. Optional. */
	void (*queue_target)(struct virtio_device *device, uint16_t index,
			     unsigned int vcpu);
	/* Stopped before, and taken off its transport. */
	void (*destroy)(struct virtio_device *device);
};

/* Embedded in a device type. @host: set by the transport. */
struct virtio_device {
	const struct virtio_device_ops *ops;
	struct virtio_host *host;
	const char *name;    /* for messages: the NIC's id */
	uint16_t device_id;  /* virtio 1.2, 5: 1 is a network card */
	uint32_t class_code; /* PCI: 24 bits */
	uint16_t n_queues;
	uint16_t queue_size; /* largest, a power of two */
	uint32_t config_len;
};

/* What the device may tell its transport. Control loop. */
struct virtio_host_ops {
	/* The configuration has changed: new generation, interrupt. */
	void (*config_changed)(struct virtio_host *host);
	/* The device is broken until the guest resets it: DEVICE_NEEDS_RESET,
	 * interrupt. */
	void (*needs_reset)(struct virtio_host *host);
};

struct virtio_host {
	const struct virtio_host_ops *ops;
};

static inline void virtio_host_config_changed(struct virtio_host *host)
{
	if (host)
		host->ops->config_changed(host);
}

static inline void virtio_host_needs_reset(struct virtio_host *host)
{
	if (host)
		host->ops->needs_reset(host);
}

#endif
