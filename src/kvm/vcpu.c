/* SPDX-License-Identifier: MIT */
/*
 * vCPU threads.
 *
 * Orders. The control loop stores the order and then wakes the thread in every
 * place where it can be: asleep on its struct wake, or in KVM_RUN. The latter
 * is left by a signal, whose handler sets immediate_exit, so that a signal that
 * comes between the look at the order and KVM_RUN is not lost either: the
 * thread clears immediate_exit *before* it looks.
 *
 * Accesses. A port or memory access that KVM does not answer itself is posted
 * to the control loop in one of the vCPU's access objects; the thread sleeps
 * until the object is no longer busy. If the order to park comes first, it
 * parks with the access under way and goes on waiting when it runs again; after
 * a reset it forgets the access, whose object stays busy until its device
 * answers. Writes to the serial port's data register are not waited for: the
 * mailbox keeps their order, and a later access of any kind comes after them.
 *
 * Reports. What ends the VM (triple fault, KVM's own errors) is posted as a
 * report; the thread then does nothing until it is told to park.
 */
#include "kvm/vcpu.h"

#include "base/thread.h"
#include "kvm/bus.h"
#include "kvm/error.h"
#include "kvm/internal.h"

#include <errno.h>
#include <linux/kvm.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

/* Deep enough for printf; only touched pages cost memory. */
#define STACK_SIZE (256UL * 1024)

enum order {
	ORDER_PARK,
	ORDER_RUN,
	ORDER_QUIT,
};

/* For the signal handler: the run structure of this thread's vCPU. */
static _Thread_local struct kvm_run *_Atomic own_run;

static void kick_handler(int signal_number)
{
	struct kvm_run *run = atomic_load(&own_run);

	UNUSED(signal_number);
	if (run)
		*(volatile uint8_t *)&run->immediate_exit = 1;
}

static enum order order_of(struct vcpu *vcpu)
{
	return (enum order)atomic_load(&vcpu->order);
}

/* Sleeps until @access has been answered (true) or the order is no longer to
 * run (false). */
static bool await_answer(struct vcpu *vcpu, struct vcpu_access *access)
{
	for (;;) {
		uint32_t seen = wake_seen(&vcpu->wake);

		if (!atomic_load(&access->busy))
			return true;
		if (order_of(vcpu) != ORDER_RUN)
			return false;
		wake_wait(&vcpu->wake, seen);
	}
}

/* Sleeps until there have been more than @n starts (true) or the thread is to
 * end (false). Starts are counted since one may be followed by a stop before
 * the thread has woken, and that stop has to be answered too. */
static bool await_session(struct vcpu *vcpu, unsigned int n)
{
	for (;;) {
		uint32_t seen = wake_seen(&vcpu->wake);

		if (order_of(vcpu) == ORDER_QUIT)
			return false;
		if (atomic_load(&vcpu->starts) != n)
			return true;
		wake_wait(&vcpu->wake, seen);
	}
}

static enum order await_order(struct vcpu *vcpu, enum order not_this)
{
	for (;;) {
		uint32_t seen = wake_seen(&vcpu->wake);
		enum order order = order_of(vcpu);

		if (order != not_this)
			return order;
		wake_wait(&vcpu->wake, seen);
	}
}

/* Control loop: an access has arrived. */
static void access_run(struct loop_msg *msg)
{
	struct vcpu_access *access = container_of(msg, struct vcpu_access, msg);
	struct kvm_vm *vm = access->vcpu->vm;

	bus_dispatch(access->port ? &vm->ports : &vm->memory_bus, &access->bus);
}

/* Control loop: its device has answered. */
static void access_done(struct bus_access *bus)
{
	struct vcpu_access *access = container_of(bus, struct vcpu_access, bus);

	atomic_store(&access->busy, false);
	wake_signal(&access->vcpu->wake);
}

static void count(_Atomic uint64_t *counter)
{
	atomic_store_explicit(
		counter,
		atomic_load_explicit(counter, memory_order_relaxed) + 1,
		memory_order_relaxed);
}

/* Posts the present item of the exit. NULL: told to park before an access
 * object was free. */
static struct vcpu_access *post_item(struct vcpu *vcpu, uint64_t value)
{
	struct vcpu_exit *exit = &vcpu->exit;
	struct vcpu_access *access = &vcpu->accesses[vcpu->next_access];

	if (!await_answer(vcpu, access))
		return NULL;
	vcpu->next_access = (vcpu->next_access + 1) % VCPU_ACCESSES;
	access->port = exit->port;
	access->bus = (struct bus_access){
		.offset = exit->address,
		.value = value,
		.size = exit->size,
		.is_write = exit->is_write,
		.done = access_done,
	};
	atomic_store(&access->busy, true);
	count(&vcpu->n_accesses);
	loop_post(vcpu->vm->loop, &access->msg);
	return access;
}

/* Takes the present item of the exit one step further. False: told to park. */
static bool step_item(struct vcpu *vcpu)
{
	struct vcpu_exit *exit = &vcpu->exit;
	unsigned char *data = exit->data + (size_t)exit->done * exit->size;
	uint64_t value = 0;

	if (exit->is_write)
		memcpy(&value, data, exit->size);
	if (!exit->waiting) {
		if (exit->port && !exit->is_write && exit->size == 1 &&
		    serial_peek(&vcpu->vm->serial, exit->address, data)) {
			exit->done++;
			return true;
		}
		exit->waiting = post_item(vcpu, value);
		if (!exit->waiting)
			return false;
		if (exit->port && exit->is_write &&
		    exit->address == LAYOUT_PORT_COM1) {
			exit->waiting = NULL;
			exit->done++;
			return true;
		}
	}
	if (!await_answer(vcpu, exit->waiting))
		return false;
	if (!exit->is_write)
		memcpy(data, &exit->waiting->bus.value, exit->size);
	exit->waiting = NULL;
	exit->done++;
	return true;
}

static void begin_port(struct vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;

	vcpu->exit = (struct vcpu_exit){
		.active = true,
		.port = true,
		.is_write = run->io.direction == KVM_EXIT_IO_OUT,
		.size = run->io.size,
		.items = run->io.count,
		.address = run->io.port,
		.data = (unsigned char *)run + run->io.data_offset,
	};
}

static void begin_memory(struct vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;

	vcpu->exit = (struct vcpu_exit){
		.active = true,
		.is_write = run->mmio.is_write,
		.size = (uint8_t)run->mmio.len,
		.items = 1,
		.address = run->mmio.phys_addr,
		.data = run->mmio.data,
	};
}

/* Control loop: a vCPU has come to an end. */
static void report_run(struct loop_msg *msg)
{
	struct vcpu *vcpu = container_of(msg, struct vcpu, report);

	vm_raise(vcpu->vm, vcpu->report_event, vcpu->report_text);
}

PRINTF_LIKE(3, 4)
static void report(struct vcpu *vcpu, enum kvm_vm_event event, const char *fmt,
		   ...)
{
	int n = snprintf(vcpu->report_text, sizeof(vcpu->report_text),
			 "vCPU %u: ", vcpu->id);
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(vcpu->report_text + n,
			sizeof(vcpu->report_text) - (size_t)n, fmt, args);
	va_end(args);
	vcpu->report_event = event;
	loop_post(vcpu->vm->loop, &vcpu->report);
	(void)await_order(vcpu, ORDER_RUN);
}

static void report_internal_error(struct vcpu *vcpu)
{
	const struct kvm_run *run = vcpu->run;
	struct kvm_regs regs = {0};

	(void)ioctl(vcpu->fd, KVM_GET_REGS, &regs);
	report(vcpu, KVM_VM_ERROR,
	       "KVM cannot go on at rip 0x%llx (internal error, suberror %u)%s",
	       (unsigned long long)regs.rip, run->internal.suberror,
	       run->internal.suberror == KVM_INTERNAL_ERROR_EMULATION
		       ? ": it cannot emulate an instruction; \"evnic host\" "
			 "says whether this host's KVM runs stock kernels"
		       : "");
}

static void report_system_event(struct vcpu *vcpu)
{
	switch (vcpu->run->system_event.type) {
	case KVM_SYSTEM_EVENT_SHUTDOWN:
		report(vcpu, KVM_VM_POWER_OFF, "shutdown");
		break;
	case KVM_SYSTEM_EVENT_RESET:
		report(vcpu, KVM_VM_RESET, "reset");
		break;
	default:
		report(vcpu, KVM_VM_ERROR, "the guest crashed (event %u)",
		       vcpu->run->system_event.type);
		break;
	}
}

static void handle_exit(struct vcpu *vcpu)
{
	const struct kvm_run *run = vcpu->run;

	switch (run->exit_reason) {
	case KVM_EXIT_IO:
		begin_port(vcpu);
		break;
	case KVM_EXIT_MMIO:
		begin_memory(vcpu);
		break;
	case KVM_EXIT_INTR:
	case KVM_EXIT_IRQ_WINDOW_OPEN:
		break;
	case KVM_EXIT_SHUTDOWN:
		report(vcpu, KVM_VM_RESET, "triple fault");
		break;
	case KVM_EXIT_SYSTEM_EVENT:
		report_system_event(vcpu);
		break;
	case KVM_EXIT_INTERNAL_ERROR:
		report_internal_error(vcpu);
		break;
	case KVM_EXIT_FAIL_ENTRY:
		report(vcpu, KVM_VM_ERROR,
		       "the processor refuses to enter the guest (0x%llx)",
		       (unsigned long long)
			       run->fail_entry.hardware_entry_failure_reason);
		break;
	default:
		report(vcpu, KVM_VM_ERROR, "unexpected VM exit %u",
		       run->exit_reason);
		break;
	}
}

static void enter_guest(struct vcpu *vcpu)
{
	int r = ioctl(vcpu->fd, KVM_RUN, 0);
	int err = errno;
	char cause[ERRNO_TEXT_MAX];

	count(&vcpu->n_exits);
	if (r >= 0)
		handle_exit(vcpu);
	else if (err != EINTR && err != EAGAIN)
		report(vcpu, KVM_VM_ERROR, "KVM_RUN: %s",
		       errno_text(err, cause, sizeof(cause)));
}

/* Runs the vCPU until the order is no longer to run. */
static void run_session(struct vcpu *vcpu)
{
	struct kvm_error error = {""};

	atomic_store(&own_run, vcpu->run);
	if (vcpu->fresh) {
		vcpu->exit.active = false;
		if (vcpu_set_registers(vcpu, vcpu->fresh, &error) < 0)
			report(vcpu, KVM_VM_ERROR, "%s", error.text);
	}
	for (;;) {
		*(volatile uint8_t *)&vcpu->run->immediate_exit = 0;
		atomic_signal_fence(memory_order_seq_cst);
		if (order_of(vcpu) != ORDER_RUN)
			break;
		if (!vcpu->exit.active)
			enter_guest(vcpu);
		else if (vcpu->exit.done < vcpu->exit.items)
			(void)step_item(vcpu);
		else
			vcpu->exit.active = false;
	}
	/* The run structure may be replaced while the thread is parked. */
	atomic_store(&own_run, NULL);
}

static void *thread_main(void *arg)
{
	struct vcpu *vcpu = arg;
	char name[16];

	(void)snprintf(name, sizeof(name), "vcpu%u", vcpu->id);
	thread_begin(THREAD_VCPU, name);
	for (unsigned int n = 0; await_session(vcpu, n); n++) {
		run_session(vcpu);
		loop_post(vcpu->vm->loop, &vcpu->parked);
	}
	return NULL;
}

/* Control loop: the thread has parked. */
static void parked_run(struct loop_msg *msg)
{
	struct vcpu *vcpu = container_of(msg, struct vcpu, parked);

	vcpu->running = false;
	vm_vcpu_parked(vcpu->vm);
}

void vcpu_init(struct vcpu *vcpu, struct kvm_vm *vm, unsigned int id)
{
	memset(vcpu, 0, sizeof(*vcpu));
	vcpu->vm = vm;
	vcpu->id = id;
	vcpu->fd = -1;
	vcpu->parked.run = parked_run;
	vcpu->report.run = report_run;
	atomic_init(&vcpu->order, ORDER_PARK);
	atomic_init(&vcpu->starts, 0);
	for (size_t i = 0; i < VCPU_ACCESSES; i++) {
		vcpu->accesses[i].vcpu = vcpu;
		vcpu->accesses[i].msg.run = access_run;
		atomic_init(&vcpu->accesses[i].busy, false);
	}
}

int vcpu_attach(struct vcpu *vcpu, int vm_fd, size_t run_size,
		const struct cpuid *cpuid, struct kvm_error *error)
{
	void *run;
	int err;

	vcpu->fd = ioctl(vm_fd, KVM_CREATE_VCPU, vcpu->id);
	if (vcpu->fd < 0)
		return kvm_error_errno(error, -errno, "vCPU %u", vcpu->id);
	run = mmap(NULL, run_size, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu->fd,
		   0);
	if (run == MAP_FAILED)
		return kvm_error_errno(error, -errno, "vCPU %u: mmap",
				       vcpu->id);
	vcpu->run = run;
	vcpu->run_size = run_size;
	err = cpuid_set(cpuid, vcpu->fd, vcpu->id);
	if (err < 0)
		return kvm_error_errno(error, err, "vCPU %u: CPUID", vcpu->id);
	return 0;
}

void vcpu_detach(struct vcpu *vcpu)
{
	if (vcpu->run)
		(void)munmap(vcpu->run, vcpu->run_size);
	vcpu->run = NULL;
	close_fd(&vcpu->fd);
}

/* The thread takes the kick signal and no other. */
static int create_thread(struct vcpu *vcpu)
{
	struct sigaction kick = {.sa_handler = kick_handler};
	sigset_t all, old;
	pthread_attr_t attr;
	int err;

	(void)sigemptyset(&kick.sa_mask);
	if (sigaction(KVM_VM_KICK_SIGNAL, &kick, NULL) < 0)
		return -errno;
	err = pthread_attr_init(&attr);
	if (err)
		return -err;
	(void)pthread_attr_setstacksize(&attr, STACK_SIZE);
	(void)sigfillset(&all);
	(void)sigdelset(&all, KVM_VM_KICK_SIGNAL);
	(void)pthread_sigmask(SIG_SETMASK, &all, &old);
	err = pthread_create(&vcpu->thread, &attr, thread_main, vcpu);
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
	(void)pthread_attr_destroy(&attr);
	return -err;
}

int vcpu_spawn(struct vcpu *vcpu)
{
	int err;

	if (vcpu->has_thread)
		return 0;
	err = create_thread(vcpu);
	if (err < 0)
		return err;
	vcpu->has_thread = true;
	return 0;
}

void vcpu_start(struct vcpu *vcpu, const struct boot_entry *fresh)
{
	vcpu->fresh = fresh;
	vcpu->running = true;
	atomic_store(&vcpu->order, ORDER_RUN);
	(void)atomic_fetch_add(&vcpu->starts, 1);
	wake_signal(&vcpu->wake);
}

void vcpu_stop(struct vcpu *vcpu)
{
	atomic_store(&vcpu->order, ORDER_PARK);
	wake_signal(&vcpu->wake);
	(void)pthread_kill(vcpu->thread, KVM_VM_KICK_SIGNAL);
}

void vcpu_join(struct vcpu *vcpu)
{
	if (!vcpu->has_thread)
		return;
	atomic_store(&vcpu->order, ORDER_QUIT);
	wake_signal(&vcpu->wake);
	(void)pthread_join(vcpu->thread, NULL);
	vcpu->has_thread = false;
}
