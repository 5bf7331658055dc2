/* SPDX-License-Identifier: MIT */
/*
 * VMs with guests of a few instructions, on the host's KVM: what the control
 * loop and vCPU threads do to each other. Skipped without /dev/kvm.
 */
#include "base/irq.h"
#include "kvm/vm.h"
#include "support/kvm_files.h"
#include "support/run.h"
#include "support/skip.h"
#include "unit/kvm_guest.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LIMIT_S	     20.
#define MMIO_SLOT0   0xe8000000U
#define ECAM_COMMAND 0xe0008004U /* of 00:01.0 */
#define PORT_RESET   0x602
#define PORT_I8042   0x64

static struct loop loop;
static struct kvm_vm *vm;
static struct kvm_vm_config config;
static struct kvm_guest guest;
static char console_path[64];
static const char *serial_path;
static ev_timer limit;
static int event_seen; /* enum kvm_vm_event, -1: none */
static char event_text[KVM_ERROR_MAX];
static bool stopped;

/* A device that answers when it is told to. */
static struct bus_access *held;
static bool hold;
static unsigned int n_accesses;

static void limit_cb(struct ev_loop *ev, ev_timer *w, int revents)
{
	UNUSED(ev);
	UNUSED(w);
	UNUSED(revents);
	ck_abort_msg("the time is up");
}

static void event_cb(void *arg, enum kvm_vm_event event, const char *text)
{
	UNUSED(arg);
	event_seen = (int)event;
	snprintf(event_text, sizeof(event_text), "%s", text);
	loop_stop(&loop);
}

static void stopped_cb(void *arg)
{
	UNUSED(arg);
	stopped = true;
	loop_stop(&loop);
}

static void device_access(void *device, struct bus_access *access)
{
	UNUSED(device);
	n_accesses++;
	if (hold) {
		ck_assert_ptr_null(held);
		held = access;
		loop_stop(&loop);
		return;
	}
	access->value = 'd';
	bus_access_done(access);
}

static const struct platform_device_ops device_ops = {.access = device_access};

static void setup(void)
{
	ck_assert_int_eq(loop_init(&loop), 0);
	strcpy(console_path, "/tmp/evnic-console-XXXXXX");
	close(mkstemp(console_path));
	config = (struct kvm_vm_config){
		.mem_size = 4U << 20,
		.n_vcpus = 1,
	};
	serial_path = console_path;
	guest = (struct kvm_guest){0};
	event_seen = -1;
	held = NULL;
	hold = false;
	n_accesses = 0;
	ev_timer_init(&limit, limit_cb, LIMIT_S, 0.);
	ev_timer_start(loop.ev, &limit);
}

static void teardown(void)
{
	ev_timer_stop(loop.ev, &limit);
	loop_fini(&loop);
	kvm_guest_remove(&guest);
	unlink(console_path);
}

static int try_create(struct kvm_error *error)
{
	int err = kvm_files_open(&config, serial_path, error);

	return err < 0 ? err
		       : kvm_vm_create(&loop, &config, event_cb, NULL, &vm,
				       error);
}

static void create(void)
{
	struct kvm_error error;

	kvm_guest_write(&guest);
	config.kernel_path = guest.path;
	ck_assert_msg(try_create(&error) == 0, "%s", error.text);
}

static void start(void)
{
	struct kvm_error error;

	ck_assert_msg(kvm_vm_start(vm, &error) == 0, "%s", error.text);
}

static void stop(void)
{
	stopped = false;
	kvm_vm_stop(vm, stopped_cb, NULL);
	ck_assert(!stopped);
	while (!stopped)
		loop_run(&loop);
}

static void await_event(enum kvm_vm_event event)
{
	while (event_seen < 0)
		loop_run(&loop);
	ck_assert_msg(event_seen == (int)event, "event %d: %s", event_seen,
		      event_text);
	event_seen = -1;
}

static void expect_output(const char *text, size_t len)
{
	char bytes[4096];
	int fd = open(console_path, O_RDONLY);
	ssize_t n = read(fd, bytes, sizeof(bytes));

	close(fd);
	ck_assert_int_eq(n, (ssize_t)len);
	ck_assert_mem_eq(bytes, text, len);
}

static void expect_console(const char *text)
{
	expect_output(text, strlen(text));
}

START_TEST(prints_and_powers_off)
{
	kvm_guest_print(&guest, "hello, world\n");
	kvm_guest_power_off(&guest);
	create();
	start();
	await_event(KVM_VM_POWER_OFF);
	stop();
	kvm_vm_destroy(vm);
	expect_console("hello, world\n");
}
END_TEST

START_TEST(is_destroyed_unstarted)
{
	kvm_guest_loop(&guest, 0);
	create();
	stop();
	kvm_vm_destroy(vm);
	kvm_vm_destroy(NULL);
}
END_TEST

/* Each of the three ways to ask for a reset. */
static void put_reset(int way)
{
	if (way == 0)
		kvm_guest_out(&guest, PORT_RESET, 1);
	else if (way == 1)
		kvm_guest_out(&guest, PORT_I8042, 0xfe);
	else
		kvm_guest_fault(&guest);
}

START_TEST(boots_anew_after_reset)
{
	struct kvm_error error;
	uint32_t data = KVM_GUEST_BASE + 500;

	guest.code[500] = 'a';
	kvm_guest_load(&guest, data);
	kvm_guest_out_al(&guest, 0x3f8);
	kvm_guest_load(&guest, data + 4096);
	kvm_guest_out_al(&guest, 0x3f8);
	kvm_guest_store(&guest, data, 'X');
	kvm_guest_store(&guest, data + 4096, 'X');
	put_reset(_i);
	kvm_guest_loop(&guest, 0);
	config.n_vcpus = 2;
	create();
	start();
	for (int i = 0; i < 3; i++) {
		await_event(KVM_VM_RESET);
		stop();
		ck_assert_msg(kvm_vm_reset(vm, &error) == 0, "%s", error.text);
		start();
	}
	await_event(KVM_VM_RESET);
	stop();
	kvm_vm_destroy(vm);
	expect_output("a\0a\0a\0a\0", 8);
}
END_TEST

/* A guest that runs, one that floods the console, one that asks a device. */
START_TEST(stops_at_any_moment)
{
	struct platform_slot *slot;
	const struct platform_mmio_device device = {
		.name = "device",
		.ops = &device_ops,
	};

	if (_i == 1)
		kvm_guest_print(&guest, "flood");
	if (_i == 2)
		kvm_guest_load(&guest, MMIO_SLOT0);
	kvm_guest_loop(&guest, 1);
	config.n_vcpus = 2;
	serial_path = NULL;
	create();
	ck_assert_int_eq(
		platform_plug_mmio(kvm_vm_platform(vm), &device, &slot), 0);
	for (int i = 0; i < 300; i++) {
		start();
		for (int j = 0; j < i % 4; j++)
			loop_run_once(&loop);
		stop();
	}
	ck_assert_int_eq(event_seen, -1);
	platform_unplug(slot);
	kvm_vm_destroy(vm);
}
END_TEST

static struct platform_slot *plug(void)
{
	const struct platform_mmio_device device = {
		.name = "device",
		.ops = &device_ops,
	};
	struct platform_slot *slot;

	ck_assert_int_eq(
		platform_plug_mmio(kvm_vm_platform(vm), &device, &slot), 0);
	return slot;
}

START_TEST(goes_on_waiting_after_stop)
{
	struct platform_slot *slot;

	kvm_guest_print(&guest, "<");
	kvm_guest_load(&guest, MMIO_SLOT0);
	kvm_guest_out_al(&guest, 0x3f8);
	kvm_guest_print(&guest, ">");
	kvm_guest_power_off(&guest);
	create();
	slot = plug();
	hold = true;
	start();
	while (!held)
		loop_run(&loop);
	stop(); /* while the device thinks about it */
	if (_i == 0)
		start();
	held->value = 'h';
	bus_access_done(held);
	if (_i == 1)
		start();
	await_event(KVM_VM_POWER_OFF);
	stop();
	platform_unplug(slot);
	kvm_vm_destroy(vm);
	expect_console("<h>");
}
END_TEST

/* The guest prints its command register and then sets it. */
START_TEST(pci_is_at_power_on_after_reset)
{
	const struct platform_pci_function function = {
		.name = "device",
		.bar_size = 4096,
		.vectors = 1,
		.ops = &device_ops,
	};
	struct platform_slot *slot;
	struct kvm_error error;

	kvm_guest_load(&guest, ECAM_COMMAND);
	kvm_guest_out_al(&guest, 0x3f8);
	kvm_guest_store(&guest, ECAM_COMMAND, 2);
	kvm_guest_load(&guest, ECAM_COMMAND);
	kvm_guest_out_al(&guest, 0x3f8);
	put_reset(0);
	kvm_guest_loop(&guest, 0);
	create();
	ck_assert_int_eq(
		platform_plug_pci(kvm_vm_platform(vm), &function, &slot), 0);
	start();
	await_event(KVM_VM_RESET);
	stop();
	ck_assert_msg(kvm_vm_reset(vm, &error) == 0, "%s", error.text);
	start();
	await_event(KVM_VM_RESET);
	stop();
	platform_unplug(slot);
	kvm_vm_destroy(vm);
	expect_output("\0\2\0\2", 4);
}
END_TEST

START_TEST(forgets_the_access_on_reset)
{
	struct kvm_error error;
	struct platform_slot *slot;

	kvm_guest_load(&guest, MMIO_SLOT0);
	kvm_guest_out_al(&guest, 0x3f8);
	kvm_guest_power_off(&guest);
	create();
	slot = plug();
	hold = true;
	start();
	while (!held)
		loop_run(&loop);
	stop();
	held->value = 'h';
	bus_access_done(held);
	hold = false;
	ck_assert_msg(kvm_vm_reset(vm, &error) == 0, "%s", error.text);
	start();
	await_event(KVM_VM_POWER_OFF);
	stop();
	platform_unplug(slot);
	kvm_vm_destroy(vm);
	expect_console("d");
}
END_TEST

START_TEST(is_destroyed_while_a_device_holds_an_access)
{
	struct platform_slot *slot;

	kvm_guest_load(&guest, MMIO_SLOT0);
	kvm_guest_power_off(&guest);
	create();
	slot = plug();
	hold = true;
	start();
	while (!held)
		loop_run(&loop);
	stop();
	bus_access_done(held);
	platform_unplug(slot);
	kvm_vm_destroy(vm);
}
END_TEST

START_TEST(bell_rings_without_an_access)
{
	struct platform_slot *slot;
	struct platform_bell bell = {
		.offset = 0x50,
		.len = 4,
		.match = true,
		.value = 1,
	};

	kvm_guest_store(&guest, MMIO_SLOT0 + 0x50, 1);
	kvm_guest_store(&guest, MMIO_SLOT0 + 0x50, 2); /* does not match */
	kvm_guest_power_off(&guest);
	create();
	slot = plug();
	bell.fd = eventfd_create();
	ck_assert_int_eq(platform_bell_add(slot, &bell), 0);
	start();
	await_event(KVM_VM_POWER_OFF);
	stop();
	ck_assert(eventfd_take(bell.fd));
	ck_assert_uint_eq(n_accesses, 1);
	platform_bell_remove(slot, &bell);
	platform_unplug(slot);
	kvm_vm_destroy(vm);
	close(bell.fd);
}
END_TEST

START_TEST(unclaimed_addresses_read_all_ones)
{
	kvm_guest_load(&guest, MMIO_SLOT0);
	kvm_guest_out_al(&guest, 0x3f8);
	kvm_guest_power_off(&guest);
	create();
	start();
	await_event(KVM_VM_POWER_OFF);
	stop();
	kvm_vm_destroy(vm);
	expect_console("\xff");
}
END_TEST

static void expect_refusal(int err, const char *part)
{
	struct kvm_error error = {"nothing was said"};
	int got = try_create(&error);

	if (got == 0) {
		got = kvm_vm_start(vm, &error);
		kvm_vm_destroy(vm);
	}
	ck_assert_int_eq(got, err);
	ck_assert_msg(strstr(error.text, part), "%s", error.text);
	ck_assert_ptr_null(strchr(error.text, '\n'));
}

START_TEST(refusals_name_thing_cause_and_cure)
{
	kvm_guest_power_off(&guest);
	kvm_guest_write(&guest);
	config.kernel_path = "/nonexistent/vmlinuz";
	expect_refusal(-ENOENT, "kernel /nonexistent/vmlinuz: No such file");
	config.kernel_path = "/tmp";
	expect_refusal(-EINVAL, "not a regular file");
	config.kernel_path = "/dev/null";
	expect_refusal(-EINVAL, "not a regular file");
	config.kernel_path = console_path; /* empty */
	expect_refusal(-ENOEXEC, "neither a bzImage nor an ELF");
	config.kernel_path = guest.path;
	config.initrd_path = "/nonexistent/initrd";
	expect_refusal(-ENOENT, "initrd /nonexistent/initrd");
	config.initrd_path = NULL;
	config.mem_size = 0;
	expect_refusal(-EINVAL, "at least 2 MiB");
	config.mem_size = 1ULL << 50;
	expect_refusal(-ENOMEM, "give the guest less");
	config.mem_size = 4U << 20;
	config.n_vcpus = 0;
	expect_refusal(-EINVAL, "vCPUs: 0");
	config.n_vcpus = 100000;
	expect_refusal(-EINVAL, "vCPUs: 100000");
	config.n_vcpus = 1;
	serial_path = "/nonexistent/console";
	expect_refusal(-ENOENT, "serial output /nonexistent/console");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("kvm_smoke");
	TCase *tc = tcase_create("vm");

	if (access("/dev/kvm", R_OK | W_OK) < 0)
		return test_skip("no usable /dev/kvm");
	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, prints_and_powers_off);
	tcase_add_test(tc, is_destroyed_unstarted);
	tcase_add_loop_test(tc, boots_anew_after_reset, 0, 3);
	tcase_add_loop_test(tc, stops_at_any_moment, 0, 3);
	tcase_add_loop_test(tc, goes_on_waiting_after_stop, 0, 2);
	tcase_add_test(tc, pci_is_at_power_on_after_reset);
	tcase_add_test(tc, forgets_the_access_on_reset);
	tcase_add_test(tc, is_destroyed_while_a_device_holds_an_access);
	tcase_add_test(tc, bell_rings_without_an_access);
	tcase_add_test(tc, unclaimed_addresses_read_all_ones);
	tcase_add_test(tc, refusals_name_thing_cause_and_cure);
	suite_add_tcase(suite, tc);
	return test_run(suite);
}
