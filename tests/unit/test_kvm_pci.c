/* SPDX-License-Identifier: MIT */
/*
 * PCI without a VM: configuration space by both ways, BARs, MSI-X, doorbells.
 * KVM is a fake ioctl() that remembers which eventfds it was given.
 */
#include "base/bytes.h"
#include "base/irq.h"
#include "kvm/bus.h"
#include "kvm/layout.h"
#include "kvm/pci_host.h"
#include "support/run.h"

#include <check.h>
#include <errno.h>
#include <linux/kvm.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define VM_FD	  12345
#define VECTORS	  3
#define BAR_SIZE  0x4000
#define MAX_BOUND 64
#define ENABLE	  0x8000
#define MASK_ALL  0x4000
#define MSIX_CAP  0x40
#define LIVE_CAP  0x5c
#define BAR0	  0x10
#define BAR2	  0x18
#define COMMAND	  0x04
#define TABLE(v)  ((v)*16U)
#define PBA	  0x1000

/* What KVM was told. */
static struct kvm_irqfd bound[MAX_BOUND];
static size_t n_bound;
static struct kvm_ioeventfd bells[MAX_BOUND];
static size_t n_bells;
static struct kvm_irq_routing_entry routes[MAX_BOUND];
static size_t n_routes;

static int fake_irqfd(const struct kvm_irqfd *args)
{
	if (!(args->flags & KVM_IRQFD_FLAG_DEASSIGN)) {
		bound[n_bound++] = *args;
		return 0;
	}
	for (size_t i = 0; i < n_bound; i++) {
		if (bound[i].fd == args->fd && bound[i].gsi == args->gsi) {
			bound[i] = bound[--n_bound];
			return 0;
		}
	}
	ck_abort_msg("an eventfd that was not bound is unbound");
	return -1;
}

static int fake_ioeventfd(const struct kvm_ioeventfd *args)
{
	for (size_t i = 0; i < n_bells; i++) {
		if (bells[i].addr != args->addr ||
		    bells[i].datamatch != args->datamatch)
			continue;
		if (!(args->flags & KVM_IOEVENTFD_FLAG_DEASSIGN)) {
			errno = EEXIST;
			return -1;
		}
		bells[i] = bells[--n_bells];
		return 0;
	}
	ck_assert(!(args->flags & KVM_IOEVENTFD_FLAG_DEASSIGN));
	bells[n_bells++] = *args;
	return 0;
}

static void fake_routing(const struct kvm_irq_routing *table)
{
	n_routes = 0;
	for (uint32_t i = 0; i < table->nr; i++)
		if (table->entries[i].type == KVM_IRQ_ROUTING_MSI)
			routes[n_routes++] = table->entries[i];
}

/* Stands before the C library's. */
int ioctl(int fd, unsigned long request, ...)
{
	va_list args;
	void *arg;

	va_start(args, request);
	arg = va_arg(args, void *);
	va_end(args);
	ck_assert_int_eq(fd, VM_FD);
	switch (request) {
	case KVM_CHECK_EXTENSION:
		return 4096;
	case KVM_IRQFD:
		return fake_irqfd(arg);
	case KVM_IOEVENTFD:
		return fake_ioeventfd(arg);
	case KVM_SET_GSI_ROUTING:
		fake_routing(arg);
		return 0;
	default:
		return 0;
	}
}

static int vm_fd = VM_FD;
static struct platform platform;
static struct bus memory, ports;
static struct irqchip chip;
static struct pci_host host;
static struct platform_slot *slot;
static struct bus_access last; /* what the device saw */
static size_t last_cap;
static unsigned int n_accesses;

static void device_access(void *device, struct bus_access *access)
{
	UNUSED(device);
	last = *access;
	n_accesses++;
	access->value = 0x1122334455667788;
	bus_access_done(access);
}

static void device_cap_access(void *device, size_t cap,
			      struct bus_access *access)
{
	last_cap = cap;
	device_access(device, access);
}

static unsigned int target_vector, target_vcpu, n_targets;

static void device_irq_target(void *device, unsigned int vector,
			      unsigned int vcpu)
{
	UNUSED(device);
	target_vector = vector;
	target_vcpu = vcpu;
	n_targets++;
}

static const struct platform_device_ops ops = {
	.access = device_access,
	.cap_access = device_cap_access,
	.irq_target = device_irq_target,
};

static void plug(struct platform_slot **out)
{
	static const uint8_t plain[14] = {0, 0, 14, 1, 0xaa};
	static const uint8_t live[20] = {0, 0, 20, 5};
	const struct platform_pci_cap caps[] = {
		{plain, sizeof(plain), false},
		{live, sizeof(live), true},
	};
	const struct platform_pci_function what = {
		.name = "device",
		.vendor_id = 0x1af4,
		.device_id = 0x1041,
		.subsystem_vendor_id = 0x1af4,
		.subsystem_id = 0x40,
		.revision = 1,
		.class_code = 0x020000,
		.bar_size = BAR_SIZE,
		.vectors = VECTORS,
		.caps = caps,
		.n_caps = 2,
		.ops = &ops,
	};

	ck_assert_int_eq(pci_host_plug(&host, &what, out), 0);
}

static void setup(void)
{
	n_bound = n_bells = n_routes = n_accesses = n_targets = 0;
	memset(&memory, 0, sizeof(memory));
	memset(&ports, 0, sizeof(ports));
	memset(&host, 0, sizeof(host));
	irqchip_init(&chip, VM_FD);
	ck_assert_int_eq(irqchip_attach(&chip, VM_FD), 0);
	host.platform = &platform;
	host.memory = &memory;
	host.chip = &chip;
	host.vm_fd = &vm_fd;
	pci_host_init(&host, &ports);
	plug(&slot);
}

static void unplug(struct platform_slot *which)
{
	struct slot *s = container_of(which, struct slot, base);

	s->ops->unplug(s);
}

static void teardown(void)
{
	unplug(slot);
	ck_assert_uint_eq(n_bound, 0);
	ck_assert_uint_eq(n_bells, 0);
	irqchip_fini(&chip);
}

static bool was_done;

static void done(struct bus_access *access)
{
	UNUSED(access);
	was_done = true;
}

static uint64_t touch(struct bus *bus, uint64_t address, uint8_t size,
		      bool is_write, uint64_t value)
{
	struct bus_access access = {
		.offset = address,
		.size = size,
		.is_write = is_write,
		.value = value,
		.done = done,
	};

	was_done = false;
	bus_dispatch(bus, &access);
	ck_assert(was_done);
	return access.value;
}

static uint64_t ecam(unsigned int device, unsigned int reg)
{
	return LAYOUT_ECAM + (device << 15) + reg;
}

static uint32_t config(unsigned int reg)
{
	return (uint32_t)touch(&memory, ecam(1, reg), 4, false, 0);
}

static void set_config(unsigned int reg, uint8_t size, uint32_t value)
{
	(void)touch(&memory, ecam(1, reg), size, true, value);
}

static uint64_t bar(unsigned int reg)
{
	return (config(reg) & ~0xfULL) | (uint64_t)config(reg + 4) << 32;
}

static void set_bar(unsigned int reg, uint64_t base)
{
	set_config(reg, 4, (uint32_t)base);
	set_config(reg + 4, 4, (uint32_t)(base >> 32));
}

static uint32_t table(uint64_t offset)
{
	return (uint32_t)touch(&memory, bar(BAR2) + offset, 4, false, 0);
}

static void set_table(uint64_t offset, uint32_t value)
{
	(void)touch(&memory, bar(BAR2) + offset, 4, true, value);
}

static int fd_of(unsigned int vector)
{
	struct slot *s = container_of(slot, struct slot, base);

	return s->ops->irq_fd(s, vector);
}

static bool is_bound(unsigned int vector)
{
	for (size_t i = 0; i < n_bound; i++)
		if ((int)bound[i].fd == fd_of(vector))
			return true;
	return false;
}

START_TEST(identity)
{
	ck_assert_uint_eq(config(0), 0x10411af4);
	ck_assert_uint_eq(config(8), 0x02000001);
	ck_assert_uint_eq(config(0x2c), 0x00401af4);
	ck_assert_uint_eq(config(COMMAND), 0x00100000);
	ck_assert_uint_eq(touch(&memory, ecam(0, 8), 4, false, 0), 0x06000000);
	set_config(0, 4, 0);
	ck_assert_uint_eq(config(0), 0x10411af4);
}
END_TEST

START_TEST(absent_functions_read_all_ones)
{
	ck_assert_uint_eq(touch(&memory, ecam(2, 0), 4, false, 0), 0xffffffff);
	ck_assert_uint_eq(touch(&memory, ecam(1, 0) + 0x1000, 2, false, 0),
			  0xffff);
	ck_assert_uint_eq(touch(&memory, ecam(1, 0x100), 4, false, 0), 0);
	(void)touch(&memory, ecam(2, 0), 4, true, 0);
}
END_TEST

/* As Linux's pci_check_type1(). */
START_TEST(ports_lead_to_the_same_registers)
{
	(void)touch(&ports, 0xcfb, 1, true, 1);
	(void)touch(&ports, 0xcf8, 4, true, 0x80000000);
	ck_assert_uint_eq(touch(&ports, 0xcf8, 4, false, 0), 0x80000000);
	ck_assert_uint_eq(touch(&ports, 0xcfc, 4, false, 0), 0x0d578086);
	(void)touch(&ports, 0xcf8, 4, true, 0x80000000 | 1 << 11);
	ck_assert_uint_eq(touch(&ports, 0xcfe, 2, false, 0), 0x1041);
	(void)touch(&ports, 0xcfb, 1, true, 0); /* not the register */
	ck_assert_uint_eq(touch(&ports, 0xcfe, 2, false, 0), 0x1041);
	(void)touch(&ports, 0xcf8, 4, true, 1 << 11);
	ck_assert_uint_eq(touch(&ports, 0xcfc, 4, false, 0), 0xffffffff);
	(void)touch(&ports, 0xcf8, 4, true, 0x80000000 | 1 << 16);
	ck_assert_uint_eq(touch(&ports, 0xcfc, 4, false, 0), 0xffffffff);
}
END_TEST

START_TEST(capabilities_are_a_list)
{
	uint8_t at = (uint8_t)config(0x34);
	unsigned int n = 0;

	ck_assert_uint_eq(at, MSIX_CAP);
	for (; at; n++) {
		uint8_t id = (uint8_t)config(at);

		ck_assert_uint_eq(id, n ? 0x09 : 0x11);
		at = (uint8_t)(config(at) >> 8);
	}
	ck_assert_uint_eq(n, 3);
	ck_assert_uint_eq(config(0x4c) >> 16, 0x010e);
	ck_assert_uint_eq(config(MSIX_CAP) >> 16, VECTORS - 1);
}
END_TEST

START_TEST(live_capability_asks_the_device)
{
	set_config(0x50, 4, 0xffffffff); /* the plain one is read-only */
	ck_assert_uint_eq(config(0x50), 0xaa);
	ck_assert_uint_eq(n_accesses, 0);
	ck_assert_uint_eq(config(LIVE_CAP) & 0xff, 0x09);
	ck_assert_uint_eq(n_accesses, 0);
	set_config(LIVE_CAP + 8, 2, 0xbeef);
	ck_assert_uint_eq(n_accesses, 1);
	ck_assert_uint_eq(last_cap, 1);
	ck_assert_uint_eq(last.offset, 8);
	ck_assert_uint_eq(last.value, 0xbeef);
	ck_assert(last.is_write);
	ck_assert_uint_eq(config(LIVE_CAP + 16), 0x55667788);
	(void)config(LIVE_CAP + 18); /* runs over the end */
	ck_assert_uint_eq(n_accesses, 2);
}
END_TEST

START_TEST(bars_are_sized)
{
	uint64_t base = bar(BAR0);

	ck_assert_uint_eq(config(BAR0) & 0xf, 4);
	ck_assert_uint_ge(base, LAYOUT_PCI_MEMORY);
	ck_assert_uint_eq(base % BAR_SIZE, 0);
	ck_assert_uint_ne(base, bar(BAR2));
	set_bar(BAR0, UINT64_MAX);
	ck_assert_uint_eq(bar(BAR0), ~(uint64_t)(BAR_SIZE - 1));
	ck_assert_uint_eq(config(BAR0) & 0xf, 4);
	set_bar(BAR0, base);
	ck_assert_uint_eq(bar(BAR0), base);
}
END_TEST

START_TEST(bars_answer_where_they_are)
{
	uint64_t base = bar(BAR0);

	ck_assert_uint_eq(touch(&memory, base, 4, false, 0), 0xffffffff);
	set_config(COMMAND, 2, 2);
	(void)touch(&memory, base + 8, 8, false, 0);
	ck_assert_uint_eq(n_accesses, 1);
	ck_assert_uint_eq(last.offset, 8);
	set_bar(BAR0, 0x4000000000);
	ck_assert_uint_eq(touch(&memory, base, 4, false, 0), 0xffffffff);
	(void)touch(&memory, 0x4000000000 + BAR_SIZE - 2, 2, false, 0);
	ck_assert_uint_eq(last.offset, BAR_SIZE - 2);
	ck_assert_uint_eq(n_accesses, 2);
	(void)touch(&memory, 0x4000000000 + BAR_SIZE - 2, 4, false, 0);
	ck_assert_uint_eq(n_accesses, 2);
	set_config(COMMAND, 2, 0);
	(void)touch(&memory, 0x4000000000, 4, false, 0);
	ck_assert_uint_eq(n_accesses, 2);
}
END_TEST

START_TEST(overlapping_functions_do_no_harm)
{
	struct platform_slot *other;
	uint64_t base = bar(BAR0);

	plug(&other);
	set_config(COMMAND, 2, 2);
	(void)touch(&memory, ecam(2, COMMAND), 2, true, 2);
	(void)touch(&memory, ecam(2, BAR0), 4, true, base);
	(void)touch(&memory, base, 4, false, 0);
	ck_assert_uint_eq(n_accesses, 1);
	unplug(other);
	(void)touch(&memory, base, 4, false, 0);
	ck_assert_uint_eq(n_accesses, 2);
}
END_TEST

START_TEST(bells_follow_the_bar)
{
	struct slot *s = container_of(slot, struct slot, base);
	const struct platform_bell one = {.offset = 0x3000, .fd = 77};
	const struct platform_bell two = {.offset = 0x3004,
					  .len = 2,
					  .match = true,
					  .value = 1,
					  .fd = 78};

	ck_assert_int_eq(bells_add(&s->bells, &one), 0);
	ck_assert_uint_eq(n_bells, 0);
	set_config(COMMAND, 2, 2);
	ck_assert_uint_eq(n_bells, 1);
	ck_assert_uint_eq(bells[0].addr, bar(BAR0) + 0x3000);
	ck_assert_int_eq(bells[0].fd, 77);
	ck_assert_int_eq(bells_add(&s->bells, &two), 0);
	ck_assert_uint_eq(n_bells, 2);
	ck_assert(bells[1].flags & KVM_IOEVENTFD_FLAG_DATAMATCH);
	set_bar(BAR0, 0x4000000000);
	ck_assert_uint_eq(n_bells, 2);
	ck_assert_uint_ge(bells[0].addr, 0x4000003000);
	ck_assert_uint_ge(bells[1].addr, 0x4000003000);
	bells_remove(&s->bells, &one);
	ck_assert_uint_eq(n_bells, 1);
	set_config(COMMAND, 2, 0);
	ck_assert_uint_eq(n_bells, 0);
	bells_remove(&s->bells, &two);
}
END_TEST

static void enable_vector(unsigned int vector)
{
	set_table(TABLE(vector), 0xfee00000);
	set_table(TABLE(vector) + 4, 0);
	set_table(TABLE(vector) + 8, 0x4000U + vector);
	set_table(TABLE(vector) + 12, 0);
}

/* As Linux moves an interrupt: masked, rewritten, unmasked. */
START_TEST(interrupts_have_targets)
{
	set_config(COMMAND, 2, 2);
	set_config(MSIX_CAP + 2, 2, ENABLE);
	ck_assert_uint_eq(n_targets, 0);
	enable_vector(1);
	ck_assert_uint_eq(n_targets, 1);
	ck_assert_uint_eq(target_vector, 1);
	ck_assert_uint_eq(target_vcpu, 0);
	set_table(TABLE(1) + 12, 1);
	set_table(TABLE(1), 0xfee03000);
	ck_assert_uint_eq(n_targets, 1);
	set_table(TABLE(1) + 12, 0);
	ck_assert_uint_eq(n_targets, 2);
	ck_assert_uint_eq(target_vcpu, 3);
	set_table(TABLE(1) + 12, 1);
	set_table(TABLE(1) + 12, 0);
	ck_assert_uint_eq(n_targets, 2);
	set_table(TABLE(1), 0xfee04004); /* the set of CPU 2 */
	ck_assert_uint_eq(n_targets, 3);
	ck_assert_uint_eq(target_vcpu, 2);
}
END_TEST

START_TEST(vectors_are_bound_while_they_may_fire)
{
	set_config(COMMAND, 2, 2);
	ck_assert_uint_eq(table(TABLE(1) + 12), 1);
	enable_vector(1);
	ck_assert_uint_eq(n_bound, 0);
	set_config(MSIX_CAP + 2, 2, ENABLE | MASK_ALL);
	ck_assert_uint_eq(n_bound, 0);
	set_config(MSIX_CAP + 2, 2, ENABLE);
	ck_assert_uint_eq(n_bound, 1);
	ck_assert(is_bound(1));
	ck_assert_uint_eq(n_routes, 1);
	ck_assert_uint_eq(routes[0].gsi, bound[0].gsi);
	ck_assert_uint_eq(routes[0].u.msi.address_lo, 0xfee00000);
	ck_assert_uint_eq(routes[0].u.msi.data, 0x4001);
	/* A new message while it is bound. */
	set_table(TABLE(1) + 8, 0x4055);
	ck_assert_uint_eq(routes[0].u.msi.data, 0x4055);
	ck_assert_uint_eq(n_bound, 1);
	set_table(TABLE(1) + 12, 1);
	ck_assert_uint_eq(n_bound, 0);
	set_table(TABLE(1) + 12, 0);
	ck_assert(is_bound(1));
	set_config(MSIX_CAP + 2, 2, 0);
	ck_assert_uint_eq(n_bound, 0);
}
END_TEST

START_TEST(masked_vectors_are_pending)
{
	set_config(COMMAND, 2, 2);
	enable_vector(0);
	enable_vector(2);
	eventfd_signal(fd_of(0)); /* before MSI-X is enabled: dropped */
	set_config(MSIX_CAP + 2, 2, ENABLE | MASK_ALL);
	ck_assert_uint_eq(table(PBA), 0);
	eventfd_signal(fd_of(2));
	eventfd_signal(fd_of(2));
	ck_assert_uint_eq(table(PBA), 4);
	ck_assert_uint_eq(table(PBA), 4); /* looking does not take it */
	set_table(PBA, 0);
	ck_assert_uint_eq(table(PBA), 4);
	set_config(MSIX_CAP + 2, 2, ENABLE);
	/* Bound: KVM's now, with the event in it. */
	ck_assert_uint_eq(table(PBA), 0);
	ck_assert(eventfd_take(fd_of(2)));
	ck_assert(!eventfd_take(fd_of(0)));
}
END_TEST

START_TEST(table_accesses_of_odd_sizes)
{
	uint64_t base;

	set_config(COMMAND, 2, 2);
	base = bar(BAR2);
	(void)touch(&memory, base + 8, 8, true, 0x100001234);
	ck_assert_uint_eq(table(8), 0x1234);
	ck_assert_uint_eq(table(12), 1);
	ck_assert_uint_eq(touch(&memory, base + 8, 8, false, 0), 0x100001234);
	(void)touch(&memory, base + 8, 2, true, 0xffff);
	(void)touch(&memory, base + 9, 4, true, 0xffff);
	(void)touch(&memory, base + 12, 4, true, 0xfffffffe);
	ck_assert_uint_eq(table(8), 0x1234);
	ck_assert_uint_eq(table(12), 0);
	ck_assert_uint_eq(table(TABLE(VECTORS)), 0);
	set_table(TABLE(VECTORS) + 12, 0);
}
END_TEST

START_TEST(power_on_state_comes_back)
{
	uint64_t base = bar(BAR0);
	struct slot *s = container_of(slot, struct slot, base);
	const struct platform_bell one = {.offset = 0x3000, .fd = 77};

	ck_assert_int_eq(bells_add(&s->bells, &one), 0);
	set_config(COMMAND, 2, 6);
	enable_vector(1);
	set_config(MSIX_CAP + 2, 2, ENABLE);
	set_bar(BAR0, 0x4000000000);
	eventfd_signal(fd_of(0));
	n_bound = n_bells = 0; /* the old VM takes them along */
	ck_assert_int_eq(irqchip_attach(&chip, VM_FD), 0);
	pci_host_forget(&host);
	ck_assert_uint_eq(config(COMMAND), 0x00100000);
	ck_assert_uint_eq(bar(BAR0), base);
	ck_assert_uint_eq(config(MSIX_CAP) >> 16, VECTORS - 1);
	ck_assert(!eventfd_take(fd_of(0)));
	set_config(COMMAND, 2, 2);
	ck_assert_uint_eq(n_bells, 1);
	ck_assert_uint_eq(table(TABLE(1) + 12), 1);
	ck_assert_uint_eq(table(TABLE(1) + 8), 0);
}
END_TEST

START_TEST(bus_is_full_some_day)
{
	struct platform_slot *slots[PCI_SLOTS];
	const struct platform_pci_function bad[] = {
		{.bar_size = 4096, .vectors = 0, .ops = &ops},
		{.bar_size = 4096, .vectors = 2049, .ops = &ops},
		{.bar_size = 2048, .vectors = 1, .ops = &ops},
		{.bar_size = 4097, .vectors = 1, .ops = &ops},
		{.bar_size = 4096, .vectors = 1, .n_caps = 9, .ops = &ops},
	};
	const struct platform_pci_function huge = {
		.bar_size = 1ULL << 30, .vectors = 1, .ops = &ops};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		ck_assert_int_eq(pci_host_plug(&host, &bad[i], &slots[0]),
				 -EINVAL);
	ck_assert_int_eq(pci_host_plug(&host, &huge, &slots[0]), -ENOSPC);
	for (size_t i = 0; i < 30; i++)
		plug(&slots[i]);
	ck_assert_int_eq(
		pci_host_plug(&host,
			      &(struct platform_pci_function){.bar_size = 4096,
							      .vectors = 1,
							      .ops = &ops},
			      &slots[30]),
		-ENOSPC);
	for (size_t i = 0; i < 30; i++)
		unplug(slots[i]);
}
END_TEST

START_TEST(first_range_on_the_bus_answers)
{
	struct bus bus = {0};
	struct bus_range ranges[] = {
		{.base = 0x1000, .size = 0x100, .access = device_access},
		{.base = 0x1080, .size = 0x100, .access = device_access},
		{.base = UINT64_MAX - 7, .size = 8, .access = device_access},
	};

	for (size_t i = 0; i < ARRAY_SIZE(ranges); i++)
		bus_add(&bus, &ranges[i]);
	(void)touch(&bus, 0x1090, 4, false, 0);
	ck_assert_uint_eq(last.offset, 0x90);
	(void)touch(&bus, 0x10fe, 4, false, 0); /* over the first's end */
	ck_assert_uint_eq(last.offset, 0x7e);
	bus_remove(&bus, &ranges[0]);
	bus_remove(&bus, &ranges[0]);
	(void)touch(&bus, 0x1090, 4, false, 0);
	ck_assert_uint_eq(last.offset, 0x10);
	(void)touch(&bus, UINT64_MAX, 1, false, 0);
	ck_assert_uint_eq(last.offset, 7);
	ck_assert_uint_eq(n_accesses, 4);
	ck_assert_uint_eq(touch(&bus, UINT64_MAX, 2, false, 0), 0xffff);
	ck_assert_uint_eq(touch(&bus, 0, 8, false, 0), UINT64_MAX);
	ck_assert_uint_eq(n_accesses, 4);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("kvm_pci");
	TCase *tc = tcase_create("all");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, identity);
	tcase_add_test(tc, absent_functions_read_all_ones);
	tcase_add_test(tc, ports_lead_to_the_same_registers);
	tcase_add_test(tc, capabilities_are_a_list);
	tcase_add_test(tc, live_capability_asks_the_device);
	tcase_add_test(tc, bars_are_sized);
	tcase_add_test(tc, bars_answer_where_they_are);
	tcase_add_test(tc, overlapping_functions_do_no_harm);
	tcase_add_test(tc, bells_follow_the_bar);
	tcase_add_test(tc, interrupts_have_targets);
	tcase_add_test(tc, vectors_are_bound_while_they_may_fire);
	tcase_add_test(tc, masked_vectors_are_pending);
	tcase_add_test(tc, table_accesses_of_odd_sizes);
	tcase_add_test(tc, power_on_state_comes_back);
	tcase_add_test(tc, bus_is_full_some_day);
	tcase_add_test(tc, first_range_on_the_bus_answers);
	suite_add_tcase(suite, tc);
	return test_run(suite);
}
