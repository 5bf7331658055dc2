/* SPDX-License-Identifier: MIT */
/*
 * The life of a VM.
 *
 * The objects that KVM keeps (the VM, its interrupt controllers and vCPUs) are
 * made by attach() and dropped by detach(); guest memory, vCPU threads and
 * devices live longer. A reset is both in turn: the new VM is at power-on by
 * construction, whatever the guest had set up in the old one.
 *
 * Events and the end of a stop are delivered by timers of zero seconds, hence
 * from the loop itself; a VM may be destroyed with one pending.
 */
#include "kvm/internal.h"

#include "base/log.h"
#include "kvm/acpi.h"
#include "kvm/error.h"
#include "kvm/host.h"

#include <errno.h>
#include <linux/kvm.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

static void detach(struct kvm_vm *vm)
{
	for (unsigned int i = 0; i < vm->n_vcpus; i++)
		vcpu_detach(&vm->vcpus[i]);
	close_fd(&vm->vm_fd);
}

static int attach(struct kvm_vm *vm, struct kvm_error *error)
{
	int err;

	vm->vm_fd = host_create_vm(vm->kvm_fd);
	if (vm->vm_fd < 0)
		return kvm_error_errno(error, vm->vm_fd, "KVM: new VM");
	/* Memory first: a slot waits for a grace period of the VM's SRCU, and
	 * the interrupt controllers leave one behind that takes 6 to 10 ms. */
	err = memory_attach(&vm->memory, vm->vm_fd, error);
	if (err < 0)
		return err;
	err = irqchip_attach(&vm->irqchip, vm->vm_fd);
	if (!err)
		err = irqchip_bind(&vm->irqchip, vm->serial.irq_fd,
				   LAYOUT_GSI_COM1);
	if (!err)
		err = irqchip_bind(&vm->irqchip, vm->hotplug.irq_fd,
				   LAYOUT_GSI_EVENTS);
	if (err < 0)
		return kvm_error_errno(error, err,
				       "KVM: interrupt controllers");
	for (unsigned int i = 0; i < vm->n_vcpus && !err; i++)
		err = vcpu_attach(&vm->vcpus[i], vm->vm_fd, vm->run_size,
				  &vm->cpuid, error);
	return err;
}

static void event_cb(struct ev_loop *ev, ev_timer *w, int revents)
{
	struct kvm_vm *vm = container_of(w, struct kvm_vm, event_timer);

	UNUSED(ev);
	UNUSED(revents);
	vm->event(vm->event_arg, vm->event_kind, vm->event_text);
}

void vm_raise(struct kvm_vm *vm, enum kvm_vm_event event, const char *text)
{
	if (vm->event_raised)
		return;
	vm->event_raised = true;
	vm->event_kind = event;
	(void)snprintf(vm->event_text, sizeof(vm->event_text), "%s",
		       event == KVM_VM_ERROR ? text : "");
	ev_timer_set(&vm->event_timer, 0., 0.);
	ev_timer_start(vm->loop->ev, &vm->event_timer);
}

static void power_off_cb(void *arg)
{
	vm_raise(arg, KVM_VM_POWER_OFF, "");
}

static void power_reset_cb(void *arg)
{
	vm_raise(arg, KVM_VM_RESET, "");
}

/* The guest has let go of a PCI function that it was asked for. */
static void eject_cb(void *arg, unsigned int slot)
{
	const struct kvm_vm *vm = arg;
	const struct pci_function *f = pci_host_function(&vm->pci, slot);

	if (f && f->what.ops->ejected)
		f->what.ops->ejected(f->what.device);
}

static void console_quit_cb(void *arg)
{
	vm_raise(arg, KVM_VM_QUIT, "");
}

static size_t console_input_room_cb(void *arg)
{
	const struct kvm_vm *vm = arg;

	return serial_input_room(&vm->serial);
}

static void console_input_cb(void *arg, const unsigned char *bytes, size_t n)
{
	struct kvm_vm *vm = arg;

	serial_input(&vm->serial, bytes, n);
}

static void console_output_room_cb(void *arg)
{
	struct kvm_vm *vm = arg;

	serial_output_room(&vm->serial);
}

static const struct console_client console_client = {
	.input_room = console_input_room_cb,
	.input = console_input_cb,
	.output_room = console_output_room_cb,
	.quit = console_quit_cb,
};

static void stop_cb(struct ev_loop *ev, ev_timer *w, int revents)
{
	struct kvm_vm *vm = container_of(w, struct kvm_vm, stop_timer);
	kvm_vm_done_fn done = vm->stop_done;

	UNUSED(ev);
	UNUSED(revents);
	vm->stop_done = NULL;
	done(vm->stop_arg);
}

/* What does not depend on KVM. From here on kvm_vm_destroy() closes the files. */
static struct kvm_vm *vm_alloc(struct loop *loop,
			       const struct kvm_vm_config *config,
			       kvm_vm_event_fn event, void *arg)
{
	const struct kvm_vm_files *files = &config->files;
	unsigned int n_vcpus = config->n_vcpus;
	struct kvm_vm *vm = calloc(1, sizeof(*vm));

	if (!vm)
		return NULL;
	vm->vcpus = calloc(n_vcpus, sizeof(vm->vcpus[0]));
	if (!vm->vcpus) {
		free(vm);
		return NULL;
	}
	vm->n_vcpus = n_vcpus;
	for (unsigned int i = 0; i < n_vcpus; i++)
		vcpu_init(&vm->vcpus[i], vm, i);
	vm->loop = loop;
	vm->event = event;
	vm->event_arg = arg;
	ev_timer_init(&vm->event_timer, event_cb, 0., 0.);
	ev_timer_init(&vm->stop_timer, stop_cb, 0., 0.);
	vm->kvm_fd = files->kvm;
	vm->vm_fd = -1;
	vm->boot.kernel.fd = files->kernel;
	vm->boot.initrd.fd = files->initrd;
	vm->memory.fd = -1;
	vm->serial.irq_fd = -1;
	vm->hotplug.irq_fd = -1;
	vm->console.loop = loop;
	vm->console.out_fd = files->console_out;
	vm->console.in_fd = files->console_in;
	vm->platform.ops = &vm_platform_ops;
	vm->platform.mem = &vm->memory.regions;
	return vm;
}

static int init_devices(struct kvm_vm *vm, const struct kvm_vm_config *config,
			struct kvm_error *error)
{
	int err = console_init(&vm->console, vm->loop, config, &console_client,
			       vm);

	if (err < 0)
		return kvm_error_errno(error, err, "console");
	err = serial_init(&vm->serial, &vm->ports, &vm->console,
			  (size_t)vm->n_vcpus * VCPU_ACCESSES);
	if (err < 0)
		return kvm_error_errno(error, err, "serial port");
	vm->power.off = power_off_cb;
	vm->power.reset = power_reset_cb;
	vm->power.arg = vm;
	power_init(&vm->power, &vm->ports);
	vm->hotplug.eject = eject_cb;
	vm->hotplug.arg = vm;
	err = hotplug_init(&vm->hotplug, &vm->ports);
	if (err < 0)
		return kvm_error_errno(error, err, "event device");
	irqchip_init(&vm->irqchip, vm->kvm_fd);
	vm->pci.platform = &vm->platform;
	vm->pci.memory = &vm->memory_bus;
	vm->pci.chip = &vm->irqchip;
	vm->pci.vm_fd = &vm->vm_fd;
	pci_host_init(&vm->pci, &vm->ports);
	vm->mmio.bus = &vm->memory_bus;
	vm->mmio.chip = &vm->irqchip;
	vm->mmio.vm_fd = &vm->vm_fd;
	return 0;
}

static int init_kvm(struct kvm_vm *vm, struct kvm_error *error)
{
	int size = ioctl(vm->kvm_fd, KVM_GET_VCPU_MMAP_SIZE, 0);
	int err;

	if (size < 0)
		return kvm_error_errno(error, -errno, "KVM: vCPU size");
	vm->run_size = (size_t)size;
	err = cpuid_init(&vm->cpuid, vm->kvm_fd, vm->n_vcpus);
	if (err < 0)
		return kvm_error_errno(error, err, "KVM: supported CPUID");
	return attach(vm, error);
}

void kvm_vm_files_close(struct kvm_vm_files *files)
{
	close_fd(&files->kvm);
	close_fd(&files->kernel);
	close_fd(&files->initrd);
	close_fd(&files->console_out);
	close_fd(&files->console_in);
}

int kvm_vm_create(struct loop *loop, const struct kvm_vm_config *config,
		  kvm_vm_event_fn event, void *arg, struct kvm_vm **out,
		  struct kvm_error *error)
{
	struct kvm_vm_files files = config->files;
	struct kvm_vm *vm;
	int err = host_check(files.kvm, config->n_vcpus, error);

	if (err < 0) {
		kvm_vm_files_close(&files);
		return err;
	}
	vm = vm_alloc(loop, config, event, arg);
	if (!vm) {
		kvm_vm_files_close(&files);
		return kvm_error_errno(error, -ENOMEM, "VM");
	}
	err = boot_init(&vm->boot, config, error);
	if (!err)
		err = memory_init(&vm->memory, config, error);
	if (!err)
		err = init_devices(vm, config, error);
	if (!err)
		err = init_kvm(vm, error);
	if (err < 0) {
		kvm_vm_destroy(vm);
		return err;
	}
	*out = vm;
	return 0;
}

void kvm_vm_destroy(struct kvm_vm *vm)
{
	if (!vm)
		return;
	for (unsigned int i = 0; i < vm->n_vcpus; i++)
		vcpu_join(&vm->vcpus[i]);
	ev_timer_stop(vm->loop->ev, &vm->event_timer);
	ev_timer_stop(vm->loop->ev, &vm->stop_timer);
	console_fini(&vm->console);
	detach(vm);
	serial_fini(&vm->serial);
	hotplug_fini(&vm->hotplug);
	irqchip_fini(&vm->irqchip);
	cpuid_fini(&vm->cpuid);
	memory_fini(&vm->memory);
	boot_fini(&vm->boot);
	close_fd(&vm->kvm_fd);
	free(vm->vcpus);
	free(vm);
}

struct platform *kvm_vm_platform(struct kvm_vm *vm)
{
	return &vm->platform;
}

static int load(struct kvm_vm *vm, struct kvm_error *error)
{
	const struct guest_mem *mem = &vm->memory.regions;
	int err = acpi_write(mem, vm->n_vcpus, mmio_slots_taken(&vm->mmio));

	if (err < 0)
		return kvm_error_errno(error, err, "ACPI tables");
	return boot_load(&vm->boot, mem, LAYOUT_ACPI, &vm->entry, error);
}

int kvm_vm_start(struct kvm_vm *vm, struct kvm_error *error)
{
	bool fresh = !vm->loaded;
	int err = 0;

	if (fresh)
		err = load(vm, error);
	if (err < 0)
		return err;
	vm->loaded = true;
	for (unsigned int i = 0; i < vm->n_vcpus; i++) {
		err = vcpu_spawn(&vm->vcpus[i]);
		if (err < 0)
			return kvm_error_errno(error, err, "vCPU %u: thread",
					       i);
	}
	if (!vm->console_started)
		console_start(&vm->console);
	vm->console_started = true;
	for (unsigned int i = 0; i < vm->n_vcpus; i++)
		vcpu_start(&vm->vcpus[i], fresh ? &vm->entry : NULL);
	return 0;
}

static bool any_runs(const struct kvm_vm *vm)
{
	for (unsigned int i = 0; i < vm->n_vcpus; i++)
		if (vm->vcpus[i].running)
			return true;
	return false;
}

void vm_vcpu_parked(struct kvm_vm *vm)
{
	if (!vm->stop_done || any_runs(vm))
		return;
	ev_timer_set(&vm->stop_timer, 0., 0.);
	ev_timer_start(vm->loop->ev, &vm->stop_timer);
}

void kvm_vm_stop(struct kvm_vm *vm, kvm_vm_done_fn done, void *arg)
{
	vm->stop_done = done;
	vm->stop_arg = arg;
	for (unsigned int i = 0; i < vm->n_vcpus; i++)
		if (vm->vcpus[i].running)
			vcpu_stop(&vm->vcpus[i]);
	vm_vcpu_parked(vm);
}

int kvm_vm_reset(struct kvm_vm *vm, struct kvm_error *error)
{
	int err;

	detach(vm);
	ev_timer_stop(vm->loop->ev, &vm->event_timer);
	vm->event_raised = false;
	vm->loaded = false;
	serial_reset(&vm->serial);
	hotplug_reset(&vm->hotplug);
	err = attach(vm, error);
	if (err < 0)
		return err;
	err = mmio_slots_attach(&vm->mmio);
	if (err < 0)
		return kvm_error_errno(error, err, "KVM: interrupts");
	pci_host_forget(&vm->pci);
	return 0;
}

void kvm_vm_power_button(struct kvm_vm *vm)
{
	hotplug_power_button(&vm->hotplug);
}

void kvm_vm_stats(const struct kvm_vm *vm, struct kvm_vm_stats *out)
{
	*out = (struct kvm_vm_stats){0};
	for (unsigned int i = 0; i < vm->n_vcpus; i++) {
		const struct vcpu *vcpu = &vm->vcpus[i];

		out->exits += atomic_load_explicit(&vcpu->n_exits,
						   memory_order_relaxed);
		out->accesses += atomic_load_explicit(&vcpu->n_accesses,
						      memory_order_relaxed);
	}
}
