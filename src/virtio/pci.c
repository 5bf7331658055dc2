/* SPDX-License-Identifier: MIT */
/*
 * virtio over PCI, modern interface only (virtio 1.2, 4.1).
 *
 * BAR 0 holds a block of registers per page: common configuration, interrupt
 * status, device configuration, notification. Each queue has a notification
 * address of its own, so that a doorbell needs no look at the written value.
 * MSI-X (one vector for the configuration and one for each queue) is the
 * platform's; there is no INTx.
 *
 * A live capability, VIRTIO_PCI_CAP_PCI_CFG (4.1.4.9), is a window into BAR 0
 * for guests that cannot map it: bar, offset and length are plain bytes, and
 * an access to the data field is done on the BAR.
 *
 * A register is accessed as a whole: the offset and the size of an access are
 * those of a field, or of the two halves of a 64-bit address. Any other read
 * gives 0 and any other write is ignored.
 */
#include "virtio/pci.h"
#include "base/bytes.h"
#include "base/checked.h"
#include "virtio/transport_core.h"

#include <errno.h>
#include <linux/virtio_pci.h>
#include <stdlib.h>
#include <string.h>

#define CAP_ID_VENDOR 0x09

/* struct virtio_pci_cap, virtio_pci_notify_cap, virtio_pci_cfg_cap. */
#define CAP_LEN		      16
#define NOTIFY_CAP_LEN	      20
#define WINDOW_CAP_LEN	      20
#define NOTIFY_CAP_MULTIPLIER 16
#define WINDOW_CAP_DATA	      16

struct virtio_pci {
	struct virtio_transport t;
	unsigned int vectors;
	uint8_t window[WINDOW_CAP_LEN];		     /* the live capability */
	unsigned int targets[VIRTIO_MAX_QUEUES + 1]; /* of each vector */
};

static struct virtio_pci *to_pci(struct virtio_transport *t)
{
	return container_of(t, struct virtio_pci, t);
}

/* Common configuration. */

/* The size of the field that starts at an offset; 0: none does. */
static const uint8_t common_size[VIRTIO_PCI_COMMON_LEN] = {
	[VIRTIO_PCI_COMMON_DFSELECT] = 4,
	[VIRTIO_PCI_COMMON_DF] = 4,
	[VIRTIO_PCI_COMMON_GFSELECT] = 4,
	[VIRTIO_PCI_COMMON_GF] = 4,
	[VIRTIO_PCI_COMMON_MSIX] = 2,
	[VIRTIO_PCI_COMMON_NUMQ] = 2,
	[VIRTIO_PCI_COMMON_STATUS] = 1,
	[VIRTIO_PCI_COMMON_CFGGENERATION] = 1,
	[VIRTIO_PCI_COMMON_Q_SELECT] = 2,
	[VIRTIO_PCI_COMMON_Q_SIZE] = 2,
	[VIRTIO_PCI_COMMON_Q_MSIX] = 2,
	[VIRTIO_PCI_COMMON_Q_ENABLE] = 2,
	[VIRTIO_PCI_COMMON_Q_NOFF] = 2,
	[VIRTIO_PCI_COMMON_Q_DESCLO] = 4,
	[VIRTIO_PCI_COMMON_Q_DESCHI] = 4,
	[VIRTIO_PCI_COMMON_Q_AVAILLO] = 4,
	[VIRTIO_PCI_COMMON_Q_AVAILHI] = 4,
	[VIRTIO_PCI_COMMON_Q_USEDLO] = 4,
	[VIRTIO_PCI_COMMON_Q_USEDHI] = 4,
	[VIRTIO_PCI_COMMON_Q_NDATA] = 2,
	[VIRTIO_PCI_COMMON_Q_RESET] = 2,
};

/* The addresses' registers: 8 bytes for each part of a queue. */
static bool is_queue_address(uint64_t offset)
{
	return offset >= VIRTIO_PCI_COMMON_Q_DESCLO &&
	       offset < VIRTIO_PCI_COMMON_Q_NDATA;
}

static enum virtio_queue_part address_part(uint64_t offset)
{
	return (enum virtio_queue_part)((offset - VIRTIO_PCI_COMMON_Q_DESCLO) /
					8);
}

/* An access to both halves of an address. */
static bool is_whole_address(uint64_t offset, uint8_t size)
{
	return size == 8 && offset % 8 == 0 && is_queue_address(offset);
}

static bool is_common_field(uint64_t offset, uint8_t size)
{
	return size == common_size[offset] || is_whole_address(offset, size);
}

/* Registers of the selected queue; 0 if there is none. */
static uint64_t queue_read(struct virtio_transport *t, uint64_t offset)
{
	const struct virtio_queue_regs *queue = virtio_regs_queue(t);

	if (!queue)
		return offset == VIRTIO_PCI_COMMON_Q_MSIX ? VIRTIO_NO_VECTOR
							  : 0;
	switch (offset) {
	case VIRTIO_PCI_COMMON_Q_SIZE:
		return queue->size;
	case VIRTIO_PCI_COMMON_Q_MSIX:
		return queue->vector;
	case VIRTIO_PCI_COMMON_Q_ENABLE:
		return queue->enabled;
	case VIRTIO_PCI_COMMON_Q_NOFF:
	case VIRTIO_PCI_COMMON_Q_NDATA:
		return t->queue_sel;
	default:
		break;
	}
	if (is_queue_address(offset))
		return queue->addr[address_part(offset)] >> (offset % 8 * 8);
	return 0;
}

/* The value may have more bits than the field. */
static uint64_t common_read(struct virtio_transport *t, uint64_t offset)
{
	switch (offset) {
	case VIRTIO_PCI_COMMON_DFSELECT:
		return t->device_features_sel;
	case VIRTIO_PCI_COMMON_DF:
		return virtio_regs_device_features(t);
	case VIRTIO_PCI_COMMON_GFSELECT:
		return t->driver_features_sel;
	case VIRTIO_PCI_COMMON_GF:
		return virtio_regs_driver_features(t);
	case VIRTIO_PCI_COMMON_MSIX:
		return t->config_vector;
	case VIRTIO_PCI_COMMON_NUMQ:
		return t->device->n_queues;
	case VIRTIO_PCI_COMMON_STATUS:
		return t->status;
	case VIRTIO_PCI_COMMON_CFGGENERATION:
		return t->generation;
	case VIRTIO_PCI_COMMON_Q_SELECT:
		return t->queue_sel;
	default:
		return queue_read(t, offset);
	}
}

/* A vector that does not exist becomes "none", which the guest reads back. */
static uint16_t checked_vector(const struct virtio_pci *pci, uint64_t value)
{
	return value < pci->vectors ? (uint16_t)value : VIRTIO_NO_VECTOR;
}

static void address_write(struct virtio_transport *t, uint64_t offset,
			  uint8_t size, uint64_t value)
{
	enum virtio_queue_part part = address_part(offset);

	virtio_regs_set_queue_half(t, part, offset % 8 != 0, (uint32_t)value);
	if (size == 8)
		virtio_regs_set_queue_half(t, part, true,
					   (uint32_t)(value >> 32));
}

static void common_write(struct virtio_transport *t, uint64_t offset,
			 uint8_t size, uint64_t value)
{
	if (is_queue_address(offset)) {
		address_write(t, offset, size, value);
		return;
	}
	switch (offset) {
	case VIRTIO_PCI_COMMON_DFSELECT:
		t->device_features_sel = (uint32_t)value;
		break;
	case VIRTIO_PCI_COMMON_GFSELECT:
		t->driver_features_sel = (uint32_t)value;
		break;
	case VIRTIO_PCI_COMMON_GF:
		virtio_regs_set_driver_features(t, (uint32_t)value);
		break;
	case VIRTIO_PCI_COMMON_MSIX:
		t->config_vector = checked_vector(to_pci(t), value);
		break;
	case VIRTIO_PCI_COMMON_STATUS:
		virtio_regs_set_status(t, (uint32_t)value);
		break;
	case VIRTIO_PCI_COMMON_Q_SELECT:
		t->queue_sel = (uint16_t)value;
		break;
	case VIRTIO_PCI_COMMON_Q_SIZE:
		virtio_regs_set_queue_size(t, value);
		break;
	case VIRTIO_PCI_COMMON_Q_MSIX:
		virtio_regs_set_queue_vector(t,
					     checked_vector(to_pci(t), value));
		break;
	case VIRTIO_PCI_COMMON_Q_ENABLE:
		if (value == 1) /* only a reset disables */
			virtio_regs_set_queue_enable(t, true);
		break;
	default:
		break; /* read-only, or of a feature that is not offered */
	}
}

/* BAR 0. */

static bool in_block(uint64_t offset, uint64_t block, uint64_t len)
{
	return offset >= block && offset - block < len;
}

static uint64_t notify_len(const struct virtio_transport *t)
{
	return (uint64_t)t->device->n_queues * VIRTIO_PCI_NOTIFY_STRIDE;
}

static bool in_device_config(const struct virtio_transport *t, uint64_t offset)
{
	return in_block(offset, VIRTIO_PCI_DEVICE_OFFSET,
			t->device->config_len);
}

static uint64_t bar_read(struct virtio_transport *t, uint64_t offset,
			 uint8_t size)
{
	if (in_block(offset, VIRTIO_PCI_COMMON_OFFSET, VIRTIO_PCI_COMMON_LEN))
		return is_common_field(offset, size) ? common_read(t, offset)
						     : 0;
	if (offset == VIRTIO_PCI_ISR_OFFSET)
		return atomic_exchange_explicit(&t->isr, 0,
						memory_order_acquire);
	if (in_device_config(t, offset))
		return virtio_regs_read_config(
			t, offset - VIRTIO_PCI_DEVICE_OFFSET, size);
	return 0;
}

static void bar_write(struct virtio_transport *t, uint64_t offset, uint8_t size,
		      uint64_t value)
{
	if (in_block(offset, VIRTIO_PCI_COMMON_OFFSET, VIRTIO_PCI_COMMON_LEN)) {
		if (is_common_field(offset, size))
			common_write(t, offset, size, value);
	} else if (in_device_config(t, offset)) {
		virtio_regs_write_config(t, offset - VIRTIO_PCI_DEVICE_OFFSET,
					 size, value);
	} else if (in_block(offset, VIRTIO_PCI_NOTIFY_OFFSET, notify_len(t))) {
		virtio_regs_kick(t, (offset - VIRTIO_PCI_NOTIFY_OFFSET) /
					    VIRTIO_PCI_NOTIFY_STRIDE);
	}
}

static void bar_serve(struct virtio_transport *t, struct bus_access *access)
{
	if (access->is_write)
		bar_write(t, access->offset, access->size, access->value);
	else
		access->value = bar_read(t, access->offset, access->size) &
				UINT64_MAX >> (64 - 8 * access->size);
}

static void access_cb(void *device, struct bus_access *access)
{
	struct virtio_pci *pci = device;

	if (!access->is_write && in_device_config(&pci->t, access->offset))
		virtio_transport_access_now(&pci->t, access, bar_serve);
	else
		virtio_transport_access(&pci->t, access, bar_serve);
}

/* The window. */

/* Where the window shows; false: at nothing. */
static bool window_target(const struct virtio_pci *pci, uint64_t *offset,
			  uint8_t *size)
{
	uint32_t len = load_le32(&pci->window[VIRTIO_PCI_CAP_LENGTH]);

	*offset = load_le32(&pci->window[VIRTIO_PCI_CAP_OFFSET]);
	*size = (uint8_t)len;
	return pci->window[VIRTIO_PCI_CAP_BAR] == 0 &&
	       (len == 1 || len == 2 || len == 4) && *offset % len == 0 &&
	       range_inside(*offset, len, 0, VIRTIO_PCI_BAR_SIZE);
}

static void window_read(struct virtio_pci *pci)
{
	uint64_t offset;
	uint8_t size, bytes[8];

	if (!window_target(pci, &offset, &size))
		return;
	store_le64(bytes, bar_read(&pci->t, offset, size));
	memcpy(&pci->window[WINDOW_CAP_DATA], bytes, size);
}

static void window_write(struct virtio_pci *pci)
{
	uint64_t offset;
	uint8_t size, bytes[8] = {0};

	if (!window_target(pci, &offset, &size))
		return;
	memcpy(bytes, &pci->window[WINDOW_CAP_DATA], size);
	bar_write(&pci->t, offset, size, load_le64(bytes));
}

static bool window_byte_writable(uint64_t offset)
{
	return offset == VIRTIO_PCI_CAP_BAR ||
	       (offset >= VIRTIO_PCI_CAP_OFFSET && offset < WINDOW_CAP_LEN);
}

static void window_serve(struct virtio_transport *t, struct bus_access *access)
{
	struct virtio_pci *pci = to_pci(t);
	uint64_t end = access->offset + access->size;
	uint8_t bytes[8] = {0};

	if (access->is_write) {
		store_le64(bytes, access->value);
		for (uint64_t i = access->offset; i < end; i++) {
			if (window_byte_writable(i))
				pci->window[i] = bytes[i - access->offset];
		}
		if (end > WINDOW_CAP_DATA)
			window_write(pci);
		return;
	}
	if (end > WINDOW_CAP_DATA)
		window_read(pci);
	for (uint64_t i = access->offset; i < end; i++)
		bytes[i - access->offset] = pci->window[i];
	access->value = load_le64(bytes);
}

static void cap_access_cb(void *device, size_t cap, struct bus_access *access)
{
	struct virtio_pci *pci = device;

	UNUSED(cap); /* one capability is live */
	virtio_transport_access(&pci->t, access, window_serve);
}

static void ejected_cb(void *device)
{
	struct virtio_pci *pci = device;

	virtio_transport_ejected(&pci->t);
}

static void irq_target_cb(void *device, unsigned int vector, unsigned int vcpu)
{
	struct virtio_pci *pci = device;

	pci->targets[vector] = vcpu;
	for (uint16_t i = 0; i < pci->t.device->n_queues; i++) {
		if (pci->t.queues[i].vector == vector)
			virtio_transport_target(&pci->t, i, vcpu);
	}
}

static const struct platform_device_ops device_ops = {
	.access = access_cb,
	.cap_access = cap_access_cb,
	.ejected = ejected_cb,
	.irq_target = irq_target_cb,
};

/* The map. */

static struct virtio_irq queue_irq_cb(struct virtio_transport *t,
				      uint16_t index)
{
	uint16_t vector = t->queues[index].vector;

	if (vector == VIRTIO_NO_VECTOR)
		return (struct virtio_irq){.fd = -1};
	return (struct virtio_irq){
		.fd = platform_irq_fd(t->slot, vector),
		.vcpu = to_pci(t)->targets[vector],
	};
}

static struct virtio_irq config_irq_cb(struct virtio_transport *t)
{
	return (struct virtio_irq){
		.fd = t->config_vector == VIRTIO_NO_VECTOR
			      ? -1
			      : platform_irq_fd(t->slot, t->config_vector),
		.isr = &t->isr,
		.isr_bit = VIRTIO_ISR_CONFIG,
	};
}

static struct platform_bell bell_cb(struct virtio_transport *t, uint16_t index)
{
	UNUSED(t);
	return (struct platform_bell){
		.offset = VIRTIO_PCI_NOTIFY_OFFSET +
			  (uint64_t)index * VIRTIO_PCI_NOTIFY_STRIDE,
	};
}

static void window_reset(struct virtio_pci *pci)
{
	memset(pci->window, 0, sizeof(pci->window));
	pci->window[VIRTIO_PCI_CAP_VNDR] = CAP_ID_VENDOR;
	pci->window[VIRTIO_PCI_CAP_LEN] = WINDOW_CAP_LEN;
	pci->window[VIRTIO_PCI_CAP_CFG_TYPE] = VIRTIO_PCI_CAP_PCI_CFG;
}

static void machine_reset_cb(struct virtio_transport *t)
{
	struct virtio_pci *pci = to_pci(t);

	window_reset(pci);
	memset(pci->targets, 0, sizeof(pci->targets));
}

static void release_cb(struct virtio_transport *t)
{
	free(to_pci(t));
}

static const struct virtio_map_ops map_ops = {
	.queue_irq = queue_irq_cb,
	.config_irq = config_irq_cb,
	.bell = bell_cb,
	.machine_reset = machine_reset_cb,
	.release = release_cb,
};

/* Life. */

static void cap_fill(uint8_t *cap, uint8_t cap_len, uint8_t type,
		     uint32_t offset, uint32_t len)
{
	cap[VIRTIO_PCI_CAP_VNDR] = CAP_ID_VENDOR;
	cap[VIRTIO_PCI_CAP_LEN] = cap_len;
	cap[VIRTIO_PCI_CAP_CFG_TYPE] = type;
	store_le32(&cap[VIRTIO_PCI_CAP_OFFSET], offset);
	store_le32(&cap[VIRTIO_PCI_CAP_LENGTH], len);
}

static int plug(struct virtio_pci *pci, struct platform_slot **out)
{
	const struct virtio_device *device = pci->t.device;
	uint8_t common[CAP_LEN] = {0}, notify[NOTIFY_CAP_LEN] = {0};
	uint8_t isr[CAP_LEN] = {0}, config[CAP_LEN] = {0};
	const struct platform_pci_cap caps[] = {
		{.bytes = common, .len = sizeof(common)},
		{.bytes = notify, .len = sizeof(notify)},
		{.bytes = isr, .len = sizeof(isr)},
		{.bytes = pci->window,
		 .len = sizeof(pci->window),
		 .live = true},
		{.bytes = config, .len = sizeof(config)}, /* unless empty */
	};
	const struct platform_pci_function function = {
		.name = device->name,
		.vendor_id = VIRTIO_PCI_VENDOR_ID,
		.device_id = (uint16_t)(VIRTIO_PCI_DEVICE_ID_BASE +
					device->device_id),
		.subsystem_vendor_id = VIRTIO_PCI_VENDOR_ID,
		.subsystem_id = (uint16_t)(VIRTIO_PCI_DEVICE_ID_BASE +
					   device->device_id),
		.revision = VIRTIO_PCI_REVISION,
		.class_code = device->class_code,
		.bar_size = VIRTIO_PCI_BAR_SIZE,
		.vectors = pci->vectors,
		.caps = caps,
		.n_caps = ARRAY_SIZE(caps) - (device->config_len == 0),
		.ops = &device_ops,
		.device = pci,
	};

	cap_fill(common, CAP_LEN, VIRTIO_PCI_CAP_COMMON_CFG,
		 VIRTIO_PCI_COMMON_OFFSET, VIRTIO_PCI_COMMON_LEN);
	cap_fill(notify, NOTIFY_CAP_LEN, VIRTIO_PCI_CAP_NOTIFY_CFG,
		 VIRTIO_PCI_NOTIFY_OFFSET, (uint32_t)notify_len(&pci->t));
	store_le32(&notify[NOTIFY_CAP_MULTIPLIER], VIRTIO_PCI_NOTIFY_STRIDE);
	cap_fill(isr, CAP_LEN, VIRTIO_PCI_CAP_ISR_CFG, VIRTIO_PCI_ISR_OFFSET,
		 VIRTIO_PCI_ISR_LEN);
	cap_fill(config, CAP_LEN, VIRTIO_PCI_CAP_DEVICE_CFG,
		 VIRTIO_PCI_DEVICE_OFFSET, device->config_len);
	return platform_plug_pci(pci->t.platform, &function, out);
}

int virtio_pci_create(struct platform *platform, struct loop *loop,
		      struct virtio_device *device,
		      struct virtio_transport **out)
{
	struct virtio_pci *pci = calloc(1, sizeof(*pci));
	struct platform_slot *slot;
	int err;

	if (!pci)
		return -ENOMEM;
	err = virtio_transport_init(&pci->t, &map_ops, platform, loop, device);
	if (err < 0)
		goto free_pci;
	pci->vectors = device->n_queues + 1U;
	window_reset(pci);
	err = plug(pci, &slot);
	if (err < 0)
		goto fini;
	err = virtio_transport_attach(&pci->t, slot);
	if (err < 0)
		goto fini;
	*out = &pci->t;
	return 0;

fini:
	virtio_transport_fini(&pci->t);
free_pci:
	free(pci);
	return err;
}
