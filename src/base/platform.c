/* SPDX-License-Identifier: MIT */
/*
 * The platform's wrappers: the only callers of struct platform_ops.
 */
#include "base/platform.h"

#include <errno.h>

int platform_plug_pci(struct platform *platform,
		      const struct platform_pci_function *function,
		      struct platform_slot **out)
{
	return platform->ops->plug_pci(platform, function, out);
}

int platform_plug_mmio(struct platform *platform,
		       const struct platform_mmio_device *device,
		       struct platform_slot **out)
{
	return platform->ops->plug_mmio(platform, device, out);
}

void platform_unplug(struct platform_slot *slot)
{
	slot->platform->ops->unplug(slot);
}

int platform_request_unplug(struct platform_slot *slot)
{
	const struct platform_ops *ops = slot->platform->ops;

	return ops->request_unplug ? ops->request_unplug(slot) : -ENOTSUP;
}

int platform_irq_fd(struct platform_slot *slot, unsigned int vector)
{
	return slot->platform->ops->irq_fd(slot, vector);
}

int platform_bell_add(struct platform_slot *slot,
		      const struct platform_bell *bell)
{
	return slot->platform->ops->bell_add(slot, bell);
}

void platform_bell_remove(struct platform_slot *slot,
			  const struct platform_bell *bell)
{
	slot->platform->ops->bell_remove(slot, bell);
}
