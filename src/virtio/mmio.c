/* SPDX-License-Identifier: MIT */
/*
 * virtio over MMIO, version 2 (virtio 1.2, 4.2).
 *
 * One window of 4 KiB: 32-bit registers, the device configuration from 0x100
 * on. One edge-triggered interrupt for everything; the interrupt status says
 * why, and the queue loops set its bits before they signal. All queues share
 * the doorbell at 0x50, told apart by the value written.
 *
 * A control register is accessed as a whole, with 32 bits at its offset. Any
 * other read gives 0 and any other write is ignored.
 */
#include "base/util.h"
#include "virtio/transport_core.h"

#include <errno.h>
#include <linux/virtio_mmio.h>
#include <stdlib.h>

#define MMIO_MAGIC     0x74726976 /* "virt" */
#define MMIO_VERSION   2
#define MMIO_VENDOR_ID 0x1af4

struct virtio_mmio {
	struct virtio_transport t;
};

static struct virtio_mmio *to_mmio(struct virtio_transport *t)
{
	return container_of(t, struct virtio_mmio, t);
}

/* Registers. */

/* Registers of the selected queue; 0 if there is none. */
static uint32_t queue_read(struct virtio_transport *t, uint64_t offset)
{
	const struct virtio_queue_regs *queue = virtio_regs_queue(t);

	if (!queue)
		return 0;
	if (offset == VIRTIO_MMIO_QUEUE_NUM_MAX)
		return t->device->queue_size;
	return offset == VIRTIO_MMIO_QUEUE_READY && queue->enabled;
}

static uint32_t control_read(struct virtio_transport *t, uint64_t offset)
{
	switch (offset) {
	case VIRTIO_MMIO_MAGIC_VALUE:
		return MMIO_MAGIC;
	case VIRTIO_MMIO_VERSION:
		return MMIO_VERSION;
	case VIRTIO_MMIO_DEVICE_ID:
		return t->device->device_id;
	case VIRTIO_MMIO_VENDOR_ID:
		return MMIO_VENDOR_ID;
	case VIRTIO_MMIO_DEVICE_FEATURES:
		return virtio_regs_device_features(t);
	case VIRTIO_MMIO_INTERRUPT_STATUS:
		return atomic_load_explicit(&t->isr, memory_order_acquire);
	case VIRTIO_MMIO_STATUS:
		return t->status;
	case VIRTIO_MMIO_CONFIG_GENERATION:
		return t->generation;
	case VIRTIO_MMIO_SHM_LEN_LOW: /* all ones: there is no such region */
	case VIRTIO_MMIO_SHM_LEN_HIGH:
	case VIRTIO_MMIO_SHM_BASE_LOW:
	case VIRTIO_MMIO_SHM_BASE_HIGH:
		return UINT32_MAX;
	default:
		return queue_read(t, offset);
	}
}

static void control_write(struct virtio_transport *t, uint64_t offset,
			  uint32_t value)
{
	switch (offset) {
	case VIRTIO_MMIO_DEVICE_FEATURES_SEL:
		t->device_features_sel = value;
		break;
	case VIRTIO_MMIO_DRIVER_FEATURES_SEL:
		t->driver_features_sel = value;
		break;
	case VIRTIO_MMIO_DRIVER_FEATURES:
		virtio_regs_set_driver_features(t, value);
		break;
	case VIRTIO_MMIO_QUEUE_SEL:
		/* Beyond 16 bits there is no queue either. */
		t->queue_sel = (uint16_t)MIN(value, UINT16_MAX);
		break;
	case VIRTIO_MMIO_QUEUE_NUM:
		virtio_regs_set_queue_size(t, value);
		break;
	case VIRTIO_MMIO_QUEUE_READY:
		virtio_regs_set_queue_enable(t, value & 1);
		break;
	case VIRTIO_MMIO_QUEUE_NOTIFY:
		virtio_regs_kick(t, value);
		break;
	case VIRTIO_MMIO_INTERRUPT_ACK:
		(void)atomic_fetch_and_explicit(&t->isr, ~value,
						memory_order_acq_rel);
		break;
	case VIRTIO_MMIO_STATUS:
		virtio_regs_set_status(t, value);
		break;
	case VIRTIO_MMIO_QUEUE_DESC_LOW:
	case VIRTIO_MMIO_QUEUE_DESC_HIGH:
		virtio_regs_set_queue_half(t, VIRTIO_QUEUE_DESC, offset & 4,
					   value);
		break;
	case VIRTIO_MMIO_QUEUE_AVAIL_LOW:
	case VIRTIO_MMIO_QUEUE_AVAIL_HIGH:
		virtio_regs_set_queue_half(t, VIRTIO_QUEUE_AVAIL, offset & 4,
					   value);
		break;
	case VIRTIO_MMIO_QUEUE_USED_LOW:
	case VIRTIO_MMIO_QUEUE_USED_HIGH:
		virtio_regs_set_queue_half(t, VIRTIO_QUEUE_USED, offset & 4,
					   value);
		break;
	default:
		break; /* read-only, reserved, or of version 1 */
	}
}

/* Accesses. */

static void serve(struct virtio_transport *t, struct bus_access *access)
{
	uint64_t offset = access->offset;

	if (offset >= VIRTIO_MMIO_CONFIG) {
		offset -= VIRTIO_MMIO_CONFIG;
		if (access->is_write)
			virtio_regs_write_config(t, offset, access->size,
						 access->value);
		else
			access->value = virtio_regs_read_config(t, offset,
								access->size);
	} else if (access->size != 4) {
		if (!access->is_write)
			access->value = 0;
	} else if (access->is_write) {
		control_write(t, offset, (uint32_t)access->value);
	} else {
		access->value = control_read(t, offset);
	}
}

static void access_cb(void *device, struct bus_access *access)
{
	struct virtio_mmio *mmio = device;

	if (!access->is_write && access->offset >= VIRTIO_MMIO_CONFIG)
		virtio_transport_access_now(&mmio->t, access, serve);
	else
		virtio_transport_access(&mmio->t, access, serve);
}

static const struct platform_device_ops device_ops = {
	.access = access_cb,
};

/* The map. */

static struct virtio_irq irq(struct virtio_transport *t, unsigned int isr_bit)
{
	return (struct virtio_irq){
		.fd = platform_irq_fd(t->slot, 0),
		.isr = &t->isr,
		.isr_bit = isr_bit,
	};
}

static struct virtio_irq queue_irq_cb(struct virtio_transport *t,
				      uint16_t index)
{
	UNUSED(index);
	return irq(t, VIRTIO_ISR_QUEUE);
}

static struct virtio_irq config_irq_cb(struct virtio_transport *t)
{
	return irq(t, VIRTIO_ISR_CONFIG);
}

static struct platform_bell bell_cb(struct virtio_transport *t, uint16_t index)
{
	UNUSED(t);
	return (struct platform_bell){
		.offset = VIRTIO_MMIO_QUEUE_NOTIFY,
		.len = 4,
		.match = true,
		.value = index,
	};
}

static void release_cb(struct virtio_transport *t)
{
	free(to_mmio(t));
}

static const struct virtio_map_ops map_ops = {
	.queue_irq = queue_irq_cb,
	.config_irq = config_irq_cb,
	.bell = bell_cb,
	.release = release_cb,
};

int virtio_mmio_create(struct platform *platform, struct loop *loop,
		       struct virtio_device *device,
		       struct virtio_transport **out)
{
	struct virtio_mmio *mmio = calloc(1, sizeof(*mmio));
	const struct platform_mmio_device slot_device = {
		.name = device->name,
		.ops = &device_ops,
		.device = mmio,
	};
	struct platform_slot *slot;
	int err;

	if (!mmio)
		return -ENOMEM;
	err = virtio_transport_init(&mmio->t, &map_ops, platform, loop, device);
	if (err < 0)
		goto free_mmio;
	err = platform_plug_mmio(platform, &slot_device, &slot);
	if (err < 0)
		goto fini;
	err = virtio_transport_attach(&mmio->t, slot);
	if (err < 0)
		goto fini;
	*out = &mmio->t;
	return 0;

fini:
	virtio_transport_fini(&mmio->t);
free_mmio:
	free(mmio);
	return err;
}
