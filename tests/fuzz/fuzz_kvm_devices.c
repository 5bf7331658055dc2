/* SPDX-License-Identifier: MIT */
/*
 * The VM's own devices under a stream of accesses: PCI configuration by both
 * ways, BARs that move about, MSI-X, doorbells, the serial port, power, mmio
 * slots, functions that come and go. KVM is a fake ioctl().
 *
 * Each record of 12 bytes is one operation: kind, size, what it is about, and
 * eight bytes of value. Checked: each access is answered once, what KVM is
 * given is what it gets back, and nothing of it is left at the end.
 */
#include "base/bytes.h"
#include "base/irq.h"
#include "kvm/hotplug.h"
#include "kvm/layout.h"
#include "kvm/mmio_slot.h"
#include "kvm/pci_host.h"
#include "kvm/power.h"
#include "kvm/serial.h"

#include <errno.h>
#include <linux/kvm.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/ioctl.h>

#define RECORD	   12
#define MAX_OPS	   400
#define N_FUNCTION 2
#define N_VECTORS  5
#define N_BELLS	   4
#define BAR_SIZE   0x4000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* How many of each KVM holds. */
static int n_irqfds, n_ioeventfds;

int ioctl(int fd, unsigned long request, ...)
{
	va_list args;
	const void *arg;

	UNUSED(fd);
	va_start(args, request);
	arg = va_arg(args, const void *);
	va_end(args);
	if (request == KVM_CHECK_EXTENSION)
		return 4096;
	if (request == KVM_IRQFD) {
		const struct kvm_irqfd *irqfd = arg;

		n_irqfds += irqfd->flags & KVM_IRQFD_FLAG_DEASSIGN ? -1 : 1;
	}
	if (request == KVM_IOEVENTFD) {
		const struct kvm_ioeventfd *bell = arg;

		/* As KVM does, some are refused. */
		if (!(bell->flags & KVM_IOEVENTFD_FLAG_DEASSIGN) &&
		    bell->addr % 0x10000 == 0x3000) {
			errno = EEXIST;
			return -1;
		}
		n_ioeventfds +=
			bell->flags & KVM_IOEVENTFD_FLAG_DEASSIGN ? -1 : 1;
	}
	if (n_irqfds < 0 || n_ioeventfds < 0)
		abort();
	return 0;
}

struct world {
	int vm_fd;
	struct loop loop;
	struct bus memory, ports;
	struct platform platform;
	struct irqchip chip;
	struct pci_host pci;
	struct mmio_slots mmio;
	struct console console;
	struct serial serial;
	struct power power;
	struct hotplug hotplug;
	struct platform_slot *slots[N_FUNCTION + 1];
};

static void device_access(void *device, struct bus_access *access)
{
	UNUSED(device);
	if (access->offset + access->size > BAR_SIZE)
		abort();
	bus_access_done(access);
}

static void device_cap_access(void *device, size_t cap,
			      struct bus_access *access)
{
	if (cap != 1)
		abort();
	device_access(device, access);
}

static const struct platform_device_ops ops = {
	.access = device_access,
	.cap_access = device_cap_access,
};

static size_t input_room(void *arg)
{
	return serial_input_room(&((struct world *)arg)->serial);
}

static void input(void *arg, const unsigned char *bytes, size_t n)
{
	serial_input(&((struct world *)arg)->serial, bytes, n);
}

static void output_room(void *arg)
{
	serial_output_room(&((struct world *)arg)->serial);
}

static void ignore(void *arg)
{
	UNUSED(arg);
}

static const struct console_client client = {
	.input_room = input_room,
	.input = input,
	.output_room = output_room,
	.quit = ignore,
};

/* Functions 0 to N_FUNCTION - 1 sit in the slots from 1 on, if they are
 * there. */
static void plug_function(struct world *w, size_t i)
{
	static const uint8_t plain[16] = {0, 0, 16, 1};
	static const uint8_t live[20] = {0, 0, 20, 5};
	const struct platform_pci_cap caps[] = {
		{plain, sizeof(plain), false},
		{live, sizeof(live), true},
	};
	const struct platform_pci_function function = {
		.name = "device",
		.bar_size = BAR_SIZE,
		.vectors = N_VECTORS,
		.caps = caps,
		.n_caps = 2,
		.ops = &ops,
	};

	if (pci_host_plug(&w->pci, &function, &w->slots[i]) < 0)
		abort();
}

static void unplug(struct world *w, size_t i)
{
	struct slot *slot = container_of(w->slots[i], struct slot, base);

	slot->ops->unplug(slot);
	w->slots[i] = NULL;
}

/* The guest lets go of a function: only of one that was asked back. */
static void eject(void *arg, unsigned int slot)
{
	struct world *w = arg;

	if (slot < 1 || slot > N_FUNCTION || !w->slots[slot - 1])
		abort();
	hotplug_unplugged(&w->hotplug, slot);
	unplug(w, slot - 1);
}

static void plug(struct world *w)
{
	const struct platform_mmio_device device = {
		.name = "device",
		.ops = &ops,
	};

	for (size_t i = 0; i < N_FUNCTION; i++)
		plug_function(w, i);
	if (mmio_slots_plug(&w->mmio, &w->platform, &device,
			    &w->slots[N_FUNCTION]) < 0)
		abort();
}

static void world_init(struct world *w)
{
	const struct kvm_vm_config config = {.files = KVM_VM_NO_FILES};

	n_irqfds = n_ioeventfds = 0;
	*w = (struct world){.vm_fd = 1};
	if (loop_init(&w->loop) < 0 ||
	    console_init(&w->console, &w->loop, &config, &client, w) < 0 ||
	    serial_init(&w->serial, &w->ports, &w->console, 1) < 0)
		abort();
	w->power.off = ignore;
	w->power.reset = ignore;
	power_init(&w->power, &w->ports);
	w->hotplug.eject = eject;
	w->hotplug.arg = w;
	if (hotplug_init(&w->hotplug, &w->ports) < 0)
		abort();
	irqchip_init(&w->chip, w->vm_fd);
	if (irqchip_attach(&w->chip, w->vm_fd) < 0)
		abort();
	w->pci.platform = &w->platform;
	w->pci.memory = &w->memory;
	w->pci.chip = &w->chip;
	w->pci.vm_fd = &w->vm_fd;
	pci_host_init(&w->pci, &w->ports);
	w->mmio.bus = &w->memory;
	w->mmio.chip = &w->chip;
	w->mmio.vm_fd = &w->vm_fd;
	plug(w);
}

static void world_fini(struct world *w)
{
	for (size_t i = 0; i < ARRAY_SIZE(w->slots); i++)
		if (w->slots[i])
			unplug(w, i);
	hotplug_fini(&w->hotplug);
	if (n_irqfds || n_ioeventfds)
		abort();
	irqchip_fini(&w->chip);
	console_fini(&w->console);
	serial_fini(&w->serial);
	loop_fini(&w->loop);
}

static unsigned int n_done;

static void done(struct bus_access *access)
{
	UNUSED(access);
	n_done++;
}

static void touch(const struct bus *bus, uint64_t address, uint8_t how,
		  uint64_t value)
{
	struct bus_access access = {
		.offset = address,
		.size = (uint8_t)(1U << (how & 3)),
		.is_write = how & 4,
		.done = done,
	};

	if (access.is_write)
		access.value = value & bus_mask(access.size);
	n_done = 0;
	bus_dispatch(bus, &access);
	if (n_done != 1)
		abort();
}

/* Where a BAR of function @which is at present. */
static uint64_t bar_of(const struct world *w, uint8_t which)
{
	const struct pci_function *f = w->pci.functions[1 + which % N_FUNCTION];

	return f ? f->bars[which / N_FUNCTION % PCI_N_BARS].range.base : 0;
}

static void ring_or_bell(struct world *w, uint8_t what, uint64_t value)
{
	struct platform_slot *base = w->slots[what % ARRAY_SIZE(w->slots)];
	struct slot *slot;
	const struct platform_bell bell = {
		.offset = 0x3000 + value % N_BELLS * 4,
		.len = 2,
		.match = value & 0x80,
		.fd = 1,
	};

	if (!base)
		return;
	slot = container_of(base, struct slot, base);
	if (value & 0x100) {
		eventfd_signal(slot->ops->irq_fd(slot, what % N_VECTORS));
	} else {
		bells_remove(&slot->bells, &bell);
		if (value & 0x200 && bells_add(&slot->bells, &bell) < 0)
			abort();
	}
}

/* The VM is replaced by a new one. */
static void reset(struct world *w)
{
	n_irqfds = n_ioeventfds = 0;
	serial_reset(&w->serial);
	hotplug_reset(&w->hotplug);
	if (irqchip_attach(&w->chip, w->vm_fd) < 0 ||
	    mmio_slots_attach(&w->mmio) < 0)
		abort();
	pci_host_forget(&w->pci);
}

/* What happens from outside. */
static void act(struct world *w, uint8_t what)
{
	unsigned int i = what / 4 % N_FUNCTION;

	switch (what % 4) {
	case 0:
		reset(w);
		break;
	case 1:
		hotplug_power_button(&w->hotplug);
		break;
	case 2:
		if (w->slots[i])
			hotplug_ask_back(&w->hotplug, i + 1);
		break;
	default:
		/* The first free slot is taken: it must be this one's. */
		for (i = 0; i < N_FUNCTION && w->slots[i]; i++)
			;
		if (i < N_FUNCTION) {
			plug_function(w, i);
			hotplug_plugged(&w->hotplug, i + 1);
		}
		break;
	}
}

static void operate(struct world *w, const uint8_t *record)
{
	static const uint16_t ports[] = {0x64,	0x3f8, 0x600, 0xcf8,
					 0xcfc, 0x620, 0x628};
	uint8_t how = record[1], what = record[2];
	uint16_t at = (uint16_t)(what | record[3] << 8);
	uint64_t value = load_le64(record + 4);

	switch (record[0] % 8) {
	case 0:
		touch(&w->ports,
		      ports[what % ARRAY_SIZE(ports)] + record[3] % 8U, how,
		      value);
		break;
	case 1: /* configuration space of the functions and the bridge */
		touch(&w->memory, LAYOUT_ECAM + at % 0x18100U, how, value);
		break;
	case 2:
		touch(&w->memory, bar_of(w, how >> 3) + at % 0x4008U, how,
		      value);
		break;
	case 3:
		touch(&w->memory, value, how, at);
		break;
	case 4:
		ring_or_bell(w, what, value);
		break;
	case 5:
		input(w, record + 4, MIN((size_t)what % 9, input_room(w)));
		break;
	case 6: /* an aligned BAR write, which chance would rarely hit */
		touch(&w->memory,
		      LAYOUT_ECAM + ((1U + what % N_FUNCTION) << 15) + 0x10 +
			      4 * (record[3] % 4U),
		      6, value);
		break;
	default:
		act(w, what);
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct world w;

	world_init(&w);
	for (size_t i = 0; i < MAX_OPS && (i + 1) * RECORD <= size; i++)
		operate(&w, data + i * RECORD);
	world_fini(&w);
	return 0;
}
