/* SPDX-License-Identifier: MIT */
/*
 * The VM as a platform for devices: PCI functions go to the PCI host, mmio
 * devices to their slots.
 */
#include "kvm/internal.h"

#include <errno.h>

static struct kvm_vm *vm_of(struct platform *platform)
{
	return container_of(platform, struct kvm_vm, platform);
}

static struct slot *slot_of(struct platform_slot *slot)
{
	return container_of(slot, struct slot, base);
}

static int plug_pci(struct platform *platform,
		    const struct platform_pci_function *function,
		    struct platform_slot **out)
{
	struct kvm_vm *vm = vm_of(platform);
	int err = pci_host_plug(&vm->pci, function, out);

	/* Before the kernel is loaded there is nobody to tell. */
	if (!err && vm->loaded)
		hotplug_plugged(&vm->hotplug,
				pci_host_number(&vm->pci, slot_of(*out)));
	return err;
}

static int plug_mmio(struct platform *platform,
		     const struct platform_mmio_device *device,
		     struct platform_slot **out)
{
	return mmio_slots_plug(&vm_of(platform)->mmio, platform, device, out);
}

/* Mmio windows stand in the DSDT, which cannot change. */
static int request_unplug(struct platform_slot *slot)
{
	struct kvm_vm *vm = vm_of(slot->platform);
	unsigned int device = pci_host_number(&vm->pci, slot_of(slot));

	if (device == PCI_SLOTS)
		return -ENOTSUP;
	hotplug_ask_back(&vm->hotplug, device);
	return 0;
}

static void unplug(struct platform_slot *slot)
{
	struct kvm_vm *vm = vm_of(slot->platform);
	unsigned int device = pci_host_number(&vm->pci, slot_of(slot));

	if (device != PCI_SLOTS)
		hotplug_unplugged(&vm->hotplug, device);
	slot_of(slot)->ops->unplug(slot_of(slot));
}

static int irq_fd(struct platform_slot *slot, unsigned int vector)
{
	return slot_of(slot)->ops->irq_fd(slot_of(slot), vector);
}

static int bell_add(struct platform_slot *slot,
		    const struct platform_bell *bell)
{
	return bells_add(&slot_of(slot)->bells, bell);
}

static void bell_remove(struct platform_slot *slot,
			const struct platform_bell *bell)
{
	bells_remove(&slot_of(slot)->bells, bell);
}

const struct platform_ops vm_platform_ops = {
	.plug_pci = plug_pci,
	.plug_mmio = plug_mmio,
	.unplug = unplug,
	.irq_fd = irq_fd,
	.bell_add = bell_add,
	.bell_remove = bell_remove,
	.request_unplug = request_unplug,
};
