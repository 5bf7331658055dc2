/* SPDX-License-Identifier: MIT */
/*
 * A platform made of arrays. A write first looks for a doorbell, as KVM does,
 * and becomes an access to the device otherwise.
 */
#include "support/fake_platform.h"

#include "base/checked.h"
#include "base/irq.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MMIO_WINDOW 4096

static _Noreturn void fail(const char *what)
{
	(void)fprintf(stderr, "fake platform: %s\n", what);
	abort();
}

static struct fake_platform *to_fake(struct platform *platform)
{
	return container_of(platform, struct fake_platform, platform);
}

static struct fake_slot *to_slot(struct platform_slot *slot)
{
	return container_of(slot, struct fake_slot, slot);
}

static struct fake_slot *free_slot(struct fake_platform *fake)
{
	for (size_t i = 0; i < FAKE_MAX_SLOTS; i++) {
		if (!fake->slots[i].plugged)
			return &fake->slots[i];
	}
	return NULL;
}

static int slot_open(struct fake_platform *fake, unsigned int vectors,
		     struct fake_slot **out)
{
	struct fake_slot *slot = free_slot(fake);

	if (fake->fail_plug)
		return fake->fail_plug;
	if (!slot)
		return -ENOSPC;
	if (vectors < 1 || vectors > FAKE_MAX_VECTORS)
		fail("number of vectors");
	*slot = (struct fake_slot){
		.slot.platform = &fake->platform,
		.plugged = true,
		.vectors = vectors,
	};
	for (unsigned int i = 0; i < vectors; i++) {
		slot->irq_fds[i] = eventfd_create();
		if (slot->irq_fds[i] < 0)
			fail("no eventfd");
	}
	*out = slot;
	return 0;
}

static int plug_pci_cb(struct platform *platform,
		       const struct platform_pci_function *function,
		       struct platform_slot **out)
{
	struct fake_slot *slot;
	int err;

	if (function->bar_size < 4096 || !is_power_of_two(function->bar_size) ||
	    function->n_caps > PLATFORM_PCI_MAX_CAPS)
		fail("not a PCI function");
	err = slot_open(to_fake(platform), function->vectors, &slot);
	if (err)
		return err;
	slot->is_pci = true;
	slot->function = *function;
	slot->ops = function->ops;
	slot->device = function->device;
	slot->window = function->bar_size;
	for (size_t i = 0; i < function->n_caps; i++) {
		if (function->caps[i].len > FAKE_CAP_MAX)
			fail("capability too long");
		memcpy(slot->caps[i], function->caps[i].bytes,
		       function->caps[i].len);
		slot->cap[i] = function->caps[i];
		slot->cap[i].bytes = slot->caps[i];
	}
	slot->function.caps = slot->cap;
	*out = &slot->slot;
	return 0;
}

static int plug_mmio_cb(struct platform *platform,
			const struct platform_mmio_device *device,
			struct platform_slot **out)
{
	struct fake_slot *slot;
	int err = slot_open(to_fake(platform), 1, &slot);

	if (err)
		return err;
	slot->ops = device->ops;
	slot->device = device->device;
	slot->window = MMIO_WINDOW;
	*out = &slot->slot;
	return 0;
}

static void unplug_cb(struct platform_slot *platform_slot)
{
	struct fake_slot *slot = to_slot(platform_slot);

	if (!slot->plugged)
		fail("unplugged twice");
	if (slot->pending)
		fail("unplugged with accesses under way");
	if (slot->n_bells)
		fail("unplugged with doorbells");
	for (unsigned int i = 0; i < slot->vectors; i++)
		close_fd(&slot->irq_fds[i]);
	slot->plugged = false;
}

static int irq_fd_cb(struct platform_slot *slot, unsigned int vector)
{
	if (vector >= to_slot(slot)->vectors)
		return -EINVAL;
	return to_slot(slot)->irq_fds[vector];
}

static int bell_add_cb(struct platform_slot *platform_slot,
		       const struct platform_bell *bell)
{
	struct fake_platform *fake = to_fake(platform_slot->platform);
	struct fake_slot *slot = to_slot(platform_slot);

	if (!fake->has_bells)
		return -ENOSYS;
	if (fake->fail_bell && slot->n_bells == fake->fail_bell_at)
		return fake->fail_bell;
	if (slot->n_bells == FAKE_MAX_BELLS || bell->offset >= slot->window ||
	    (bell->len != 0 && bell->len != 2 && bell->len != 4))
		fail("not a doorbell");
	slot->bells[slot->n_bells++] = *bell;
	return 0;
}

static bool same_bell(const struct platform_bell *a,
		      const struct platform_bell *b)
{
	return a->offset == b->offset && a->len == b->len &&
	       a->match == b->match && a->value == b->value && a->fd == b->fd;
}

static void bell_remove_cb(struct platform_slot *platform_slot,
			   const struct platform_bell *bell)
{
	struct fake_slot *slot = to_slot(platform_slot);

	for (size_t i = 0; i < slot->n_bells; i++) {
		if (same_bell(&slot->bells[i], bell)) {
			slot->bells[i] = slot->bells[--slot->n_bells];
			return;
		}
	}
	fail("no such doorbell");
}

static int request_unplug_cb(struct platform_slot *platform_slot)
{
	struct fake_slot *slot = to_slot(platform_slot);

	if (!slot->plugged)
		fail("asked back after it was unplugged");
	if (!slot->is_pci)
		return -ENOTSUP;
	slot->asked_back++;
	return 0;
}

void fake_eject(struct fake_slot *slot)
{
	if (!slot->asked_back)
		fail("the guest lets go of what nobody wants back");
	slot->ops->ejected(slot->device);
}

static const struct platform_ops fake_ops = {
	.plug_pci = plug_pci_cb,
	.plug_mmio = plug_mmio_cb,
	.unplug = unplug_cb,
	.irq_fd = irq_fd_cb,
	.bell_add = bell_add_cb,
	.bell_remove = bell_remove_cb,
	.request_unplug = request_unplug_cb,
};

void fake_platform_init(struct fake_platform *fake, const struct guest_mem *mem,
			bool has_bells)
{
	memset(fake, 0, sizeof(*fake));
	fake->platform.ops = &fake_ops;
	fake->platform.mem = mem;
	fake->has_bells = has_bells;
}

void fake_platform_fini(struct fake_platform *fake)
{
	for (size_t i = 0; i < FAKE_MAX_SLOTS; i++) {
		if (fake->slots[i].plugged)
			fail("a slot is still plugged");
	}
}

struct fake_slot *fake_platform_slot(struct fake_platform *fake)
{
	struct fake_slot *last = NULL;

	for (size_t i = 0; i < FAKE_MAX_SLOTS; i++) {
		if (fake->slots[i].plugged)
			last = &fake->slots[i];
	}
	if (!last)
		fail("nothing is plugged in");
	return last;
}

static void access_done(struct bus_access *bus_access)
{
	struct fake_access *access =
		container_of(bus_access, struct fake_access, access);

	if (access->done)
		fail("an access was answered twice");
	access->done = true;
	access->order = ++access->slot->answered;
	access->slot->pending--;
}

static bool ring_bell(struct fake_slot *slot, uint64_t offset, uint8_t size,
		      uint64_t value)
{
	for (size_t i = 0; i < slot->n_bells; i++) {
		const struct platform_bell *bell = &slot->bells[i];

		if (bell->offset == offset &&
		    (bell->len == 0 || bell->len == size) &&
		    (!bell->match || bell->value == value)) {
			eventfd_signal(bell->fd);
			slot->bell_rings++;
			return true;
		}
	}
	return false;
}

bool fake_access_begin(struct fake_access *access, struct fake_slot *slot,
		       size_t cap, bool is_write, uint64_t offset, uint8_t size,
		       uint64_t value)
{
	uint64_t window = cap == FAKE_BAR ? slot->window : slot->cap[cap].len;

	if (!slot->plugged || !range_inside(offset, size, 0, window))
		fail("access outside the window");
	*access = (struct fake_access){
		.access =
			{
				.offset = offset,
				.value = is_write ? value & UINT64_MAX >>
								    (64 -
								     8 * size)
						  : 0,
				.size = size,
				.is_write = is_write,
				.done = access_done,
			},
		.slot = slot,
	};
	if (is_write && cap == FAKE_BAR &&
	    ring_bell(slot, offset, size, access->access.value)) {
		access->done = true;
		return false;
	}
	slot->pending++;
	if (cap == FAKE_BAR)
		slot->ops->access(slot->device, &access->access);
	else
		slot->ops->cap_access(slot->device, cap, &access->access);
	return true;
}

static uint64_t whole_access(struct fake_slot *slot, size_t cap, bool is_write,
			     uint64_t offset, uint8_t size, uint64_t value)
{
	struct fake_access access;

	(void)fake_access_begin(&access, slot, cap, is_write, offset, size,
				value);
	if (!access.done)
		fail("an access was not answered at once");
	if (!is_write && size < 8 && access.access.value >> (8 * size))
		fail("an answer is larger than the access");
	return access.access.value;
}

uint64_t fake_read(struct fake_slot *slot, uint64_t offset, uint8_t size)
{
	return whole_access(slot, FAKE_BAR, false, offset, size, 0);
}

void fake_write(struct fake_slot *slot, uint64_t offset, uint8_t size,
		uint64_t value)
{
	(void)whole_access(slot, FAKE_BAR, true, offset, size, value);
}

uint64_t fake_cap_read(struct fake_slot *slot, size_t cap, uint64_t offset,
		       uint8_t size)
{
	return whole_access(slot, cap, false, offset, size, 0);
}

void fake_cap_write(struct fake_slot *slot, size_t cap, uint64_t offset,
		    uint8_t size, uint64_t value)
{
	(void)whole_access(slot, cap, true, offset, size, value);
}

void fake_retarget(struct fake_slot *slot, unsigned int vector,
		   unsigned int vcpu)
{
	if (vector >= slot->vectors)
		fail("no such vector");
	if (slot->ops->irq_target)
		slot->ops->irq_target(slot->device, vector, vcpu);
}

uint64_t fake_take_irqs(struct fake_slot *slot, unsigned int vector)
{
	uint64_t count = 0;

	if (vector >= slot->vectors)
		fail("no such vector");
	if (read(slot->irq_fds[vector], &count, sizeof(count)) < 0)
		return 0;
	return count;
}
