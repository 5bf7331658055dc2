/* SPDX-License-Identifier: MIT */
/*
 * The VM as a platform for devices: PCI functions go to the PCI host, mmio
 * devices to their slots.
 */
#include "kvm/internal.h"

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
	return pci_host_plug(&vm_of(platform)->pci, function, out);
}

static int plug_mmio(struct platform *platform,
		     const struct platform_mmio_device *device,
		     struct platform_slot **out)
{
	return mmio_slots_plug(&vm_of(platform)->mmio, platform, device, out);
}

static void unplug(struct platform_slot *slot)
{
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
};
