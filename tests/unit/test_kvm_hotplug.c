/* SPDX-License-Identifier: MIT */
/*
 * The event registers as the DSDT's code uses them.
 */
#include "base/irq.h"
#include "kvm/hotplug.h"
#include "kvm/layout.h"
#include "support/run.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static struct bus ports;
static struct hotplug hotplug;
static uint32_t ejected;

static void eject_cb(void *arg, unsigned int slot)
{
	ck_assert_ptr_eq(arg, &hotplug);
	ejected |= 1U << slot;
}

static void setup(void)
{
	memset(&ports, 0, sizeof(ports));
	memset(&hotplug, 0, sizeof(hotplug));
	hotplug.eject = eject_cb;
	hotplug.arg = &hotplug;
	ejected = 0;
	ck_assert_int_eq(hotplug_init(&hotplug, &ports), 0);
}

static void teardown(void)
{
	hotplug_fini(&hotplug);
	hotplug_fini(&hotplug);
	ck_assert_int_eq(hotplug.irq_fd, -1);
}

static bool was_done;

static void done_cb(struct bus_access *access)
{
	UNUSED(access);
	was_done = true;
}

static uint64_t touch(uint64_t reg, uint8_t size, bool is_write, uint64_t value)
{
	struct bus_access access = {
		.offset = LAYOUT_PORT_EVENTS + reg,
		.size = size,
		.is_write = is_write,
		.value = value,
		.done = done_cb,
	};

	was_done = false;
	bus_dispatch(&ports, &access);
	ck_assert(was_done);
	return access.value;
}

static uint64_t reg(enum hotplug_register which)
{
	return touch(which, 4, false, 0);
}

static void write_eject(uint32_t slots)
{
	(void)touch(HOTPLUG_EJECT, 4, true, slots);
}

START_TEST(nothing_has_happened)
{
	ck_assert_uint_eq(reg(HOTPLUG_PENDING), 0);
	ck_assert_uint_eq(reg(HOTPLUG_UP), 0);
	ck_assert_uint_eq(reg(HOTPLUG_DOWN), 0);
	ck_assert_uint_eq(reg(HOTPLUG_EJECT), 0);
	ck_assert(!eventfd_take(hotplug.irq_fd));
}
END_TEST

START_TEST(a_function_comes)
{
	hotplug_plugged(&hotplug, 3);
	hotplug_plugged(&hotplug, 31);
	ck_assert(eventfd_take(hotplug.irq_fd));
	ck_assert_uint_eq(reg(HOTPLUG_PENDING), HOTPLUG_PENDING_PCI);
	ck_assert_uint_eq(reg(HOTPLUG_UP), 1U << 3 | 1U << 31);
	ck_assert_uint_eq(reg(HOTPLUG_PENDING), 0);
	ck_assert_uint_eq(reg(HOTPLUG_UP), 0);
}
END_TEST

START_TEST(a_function_is_asked_back)
{
	hotplug_ask_back(&hotplug, 5);
	ck_assert(eventfd_take(hotplug.irq_fd));
	ck_assert_uint_eq(reg(HOTPLUG_PENDING), HOTPLUG_PENDING_PCI);
	ck_assert_uint_eq(reg(HOTPLUG_DOWN), 1U << 5);
	write_eject(1U << 6); /* that one nobody asked for */
	ck_assert_uint_eq(ejected, 0);
	write_eject(1U << 5);
	ck_assert_uint_eq(ejected, 1U << 5);
	ejected = 0;
	write_eject(1U << 5);
	ck_assert_uint_eq(ejected, 0);
}
END_TEST

START_TEST(a_function_that_goes_is_forgotten)
{
	hotplug_plugged(&hotplug, 2);
	hotplug_ask_back(&hotplug, 2);
	hotplug_unplugged(&hotplug, 2);
	ck_assert_uint_eq(reg(HOTPLUG_UP), 0);
	ck_assert_uint_eq(reg(HOTPLUG_DOWN), 0);
	write_eject(1U << 2);
	ck_assert_uint_eq(ejected, 0);
}
END_TEST

START_TEST(the_button_is_pressed)
{
	hotplug_power_button(&hotplug);
	hotplug_plugged(&hotplug, 1);
	ck_assert(eventfd_take(hotplug.irq_fd));
	ck_assert_uint_eq(reg(HOTPLUG_PENDING),
			  HOTPLUG_PENDING_POWER | HOTPLUG_PENDING_PCI);
	hotplug_power_button(&hotplug);
	ck_assert(eventfd_take(hotplug.irq_fd));
	ck_assert_uint_eq(reg(HOTPLUG_PENDING), HOTPLUG_PENDING_POWER);
}
END_TEST

START_TEST(a_reset_forgets_all)
{
	hotplug_plugged(&hotplug, 1);
	hotplug_ask_back(&hotplug, 2);
	hotplug_power_button(&hotplug);
	hotplug_reset(&hotplug);
	ck_assert(!eventfd_take(hotplug.irq_fd));
	ck_assert_uint_eq(reg(HOTPLUG_PENDING), 0);
	ck_assert_uint_eq(reg(HOTPLUG_UP), 0);
	ck_assert_uint_eq(reg(HOTPLUG_DOWN), 0);
	write_eject(1U << 2);
	ck_assert_uint_eq(ejected, 0);
}
END_TEST

START_TEST(other_accesses_do_nothing)
{
	hotplug_plugged(&hotplug, 1);
	ck_assert_uint_eq(touch(HOTPLUG_UP, 1, false, 0), 0xff);
	(void)touch(HOTPLUG_UP, 4, true, 0xffffffff);
	(void)touch(HOTPLUG_EJECT, 2, true, 0xffff);
	ck_assert_uint_eq(reg(HOTPLUG_UP), 1U << 1);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("kvm_hotplug");
	TCase *tc = tcase_create("all");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, nothing_has_happened);
	tcase_add_test(tc, a_function_comes);
	tcase_add_test(tc, a_function_is_asked_back);
	tcase_add_test(tc, a_function_that_goes_is_forgotten);
	tcase_add_test(tc, the_button_is_pressed);
	tcase_add_test(tc, a_reset_forgets_all);
	tcase_add_test(tc, other_accesses_do_nothing);
	suite_add_tcase(s, tc);
	return test_run(s);
}
