/* SPDX-License-Identifier: MIT */
/*
 * The ACPI tables as a guest finds them: from the RSDP on, by address, with
 * every checksum; and the encoder's lengths.
 */
#include "base/bytes.h"
#include "kvm/acpi.h"
#include "kvm/aml.h"
#include "kvm/layout.h"
#include "support/run.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define RAM_SIZE 0x100000

static unsigned char *ram;
static struct guest_mem mem;

static void setup(void)
{
	struct guest_mem_region region = {.size = RAM_SIZE, .fd = -1};

	ram = calloc(1, RAM_SIZE);
	region.host = ram;
	guest_mem_init(&mem);
	ck_assert_int_eq(guest_mem_add(&mem, &region), 0);
}

static void teardown(void)
{
	free(ram);
}

static uint8_t sum(const unsigned char *bytes, size_t len)
{
	uint8_t total = 0;

	for (size_t i = 0; i < len; i++)
		total = (uint8_t)(total + bytes[i]);
	return total;
}

/* The table at @address, whose header is checked. */
static const unsigned char *table_at(uint64_t address, const char *signature)
{
	const unsigned char *table = ram + address;
	uint32_t len = load_le32(table + 4);

	ck_assert_uint_ge(address, LAYOUT_ACPI);
	ck_assert_uint_le(address + len, LAYOUT_ACPI_END);
	ck_assert_mem_eq(table, signature, 4);
	ck_assert_uint_ge(len, 36);
	ck_assert_uint_eq(sum(table, len), 0);
	return table;
}

static const unsigned char *find_table(const char *signature)
{
	const unsigned char *rsdp = ram + LAYOUT_ACPI;
	const unsigned char *xsdt;

	ck_assert_mem_eq(rsdp, "RSD PTR ", 8);
	ck_assert_uint_eq(sum(rsdp, 20), 0);
	ck_assert_uint_eq(sum(rsdp, 36), 0);
	ck_assert_uint_eq(rsdp[15], 2);
	xsdt = table_at(load_le64(rsdp + 24), "XSDT");
	for (uint32_t at = 36; at < load_le32(xsdt + 4); at += 8) {
		uint64_t address = load_le64(xsdt + at);

		if (memcmp(ram + address, signature, 4) == 0)
			return table_at(address, signature);
	}
	ck_abort_msg("no %s", signature);
	return NULL;
}

static const unsigned char *find_dsdt(void)
{
	return table_at(load_le64(find_table("FACP") + 140), "DSDT");
}

/* How often @bytes occurs in the DSDT. */
static unsigned int occurrences(const void *bytes, size_t len)
{
	const unsigned char *dsdt = find_dsdt();
	const unsigned char *end = dsdt + load_le32(dsdt + 4);
	unsigned int n = 0;

	for (const unsigned char *p = dsdt + 36; p + len <= end; p++)
		if (memcmp(p, bytes, len) == 0)
			n++;
	return n;
}

START_TEST(tables_are_whole)
{
	ck_assert_int_eq(acpi_write(&mem, 3, 0x7ffff), 0);
	(void)find_table("FACP");
	(void)find_table("APIC");
	(void)find_table("MCFG");
	(void)find_dsdt();
}
END_TEST

START_TEST(fadt_is_hardware_reduced)
{
	const unsigned char *fadt;

	ck_assert_int_eq(acpi_write(&mem, 1, 0), 0);
	fadt = find_table("FACP");
	ck_assert_uint_eq(load_le32(fadt + 4), 276);
	ck_assert_uint_eq(load_le32(fadt + 112), 1U << 20 | 1U << 10);
	ck_assert_uint_eq(fadt[116], 1); /* the reset register: a port */
	ck_assert_uint_eq(load_le64(fadt + 120), LAYOUT_PORT_RESET);
	ck_assert_uint_eq(fadt[128], 1);
	ck_assert_uint_eq(load_le64(fadt + 248), LAYOUT_PORT_SLEEP_CONTROL);
	ck_assert_uint_eq(load_le64(fadt + 260), LAYOUT_PORT_SLEEP_STATUS);
}
END_TEST

START_TEST(madt_names_every_vcpu)
{
	static const unsigned int counts[] = {1, 2, 254};
	unsigned int n = counts[_i];
	const unsigned char *madt, *p;

	ck_assert_int_eq(acpi_write(&mem, n, 0), 0);
	madt = find_table("APIC");
	ck_assert_uint_eq(load_le32(madt + 36), LAYOUT_LAPIC);
	p = madt + 44;
	for (unsigned int i = 0; i < n; i++, p += 8) {
		ck_assert_uint_eq(p[0], 0);
		ck_assert_uint_eq(p[1], 8);
		ck_assert_uint_eq(p[3], i);
		ck_assert_uint_eq(load_le32(p + 4), 1);
	}
	ck_assert_uint_eq(p[0], 1);
	ck_assert_uint_eq(load_le32(p + 4), LAYOUT_IOAPIC);
	ck_assert_uint_eq(load_le32(madt + 4), (uint32_t)(p + 12 - madt));
}
END_TEST

START_TEST(mcfg_is_one_bus)
{
	const unsigned char *mcfg;

	ck_assert_int_eq(acpi_write(&mem, 1, 0), 0);
	mcfg = find_table("MCFG");
	ck_assert_uint_eq(load_le64(mcfg + 44), LAYOUT_ECAM);
	ck_assert_uint_eq(mcfg[54], 0);
	ck_assert_uint_eq(mcfg[55], 0);
}
END_TEST

START_TEST(dsdt_names_the_devices)
{
	static const unsigned char pnp0501[] = {0x0c, 0x41, 0xd0, 0x05, 0x01};
	static const unsigned char pnp0a08[] = {0x0c, 0x41, 0xd0, 0x0a, 0x08};
	unsigned char memory[] = {0x86, 9, 0, 1, 0, 0, 0, 0};

	ck_assert_int_eq(acpi_write(&mem, 1, 0x5), 0);
	ck_assert_uint_eq(occurrences(pnp0501, sizeof(pnp0501)), 1);
	ck_assert_uint_eq(occurrences(pnp0a08, sizeof(pnp0a08)), 1);
	ck_assert_uint_eq(occurrences("_S5_\x12", 5), 1);
	ck_assert_uint_eq(occurrences("LNRO0005", 9), 2);
	for (unsigned int slot = 0; slot < 3; slot++) {
		store_le32(memory + 4,
			   (uint32_t)LAYOUT_MMIO_SLOTS + slot * 0x1000);
		ck_assert_uint_eq(occurrences(memory, sizeof(memory)),
				  slot == 1 ? 0 : 1);
	}
	ck_assert_int_eq(acpi_write(&mem, 1, 0), 0);
	ck_assert_uint_eq(occurrences("LNRO0005", 9), 0);
}
END_TEST

/* The event device, the power button, and a way to give up each PCI slot but
 * the bridge's. The code itself is for an ACPI interpreter to judge. */
START_TEST(dsdt_has_events)
{
	static const unsigned char pnp0c0c[] = {0x0c, 0x41, 0xd0, 0x0c, 0x0c};
	static const unsigned char eject[] = {0x70, 0x0a, 0x04, 'E',
					      'J',  'C',  'T'};

	static const unsigned char call[] = {'\\', 0x2f, 3,   '_', 'S',
					     'B',  '_',	 'P', 'C', 'I',
					     '0',  'S',	 'C', 'A', 'N'};

	ck_assert_int_eq(acpi_write(&mem, 1, 0), 0);
	ck_assert_uint_eq(occurrences("ACPI0013", 9), 1);
	ck_assert_uint_eq(occurrences(pnp0c0c, sizeof(pnp0c0c)), 1);
	ck_assert_uint_eq(occurrences("_EVT", 4), 1);
	ck_assert_uint_eq(occurrences("_EJ0", 4), 31);
	ck_assert_uint_eq(occurrences(eject, sizeof(eject)), 1);
	ck_assert_uint_eq(occurrences(call, sizeof(call)), 1);
}
END_TEST

/* Around the borders between one, two and three bytes of length. */
START_TEST(package_lengths)
{
	static const size_t contents[] = {1,	62,   63,   64,	 4093,
					  4094, 4095, 5000, 7000};
	unsigned char bytes[8192];
	struct aml aml;
	size_t opened, bytes_of_length, total;

	aml_init(&aml, bytes, sizeof(bytes));
	opened = aml_open_package(&aml, 0x55);
	while (aml.len - opened < contents[_i])
		aml_integer(&aml, 1);
	aml_close(&aml, opened);
	ck_assert(!aml.full);
	ck_assert_uint_eq(bytes[0], 0x12);
	bytes_of_length = bytes[1] >> 6;
	total = bytes_of_length ? bytes[1] & 0xfU : bytes[1];
	for (size_t i = 0; i < bytes_of_length; i++)
		total |= (size_t)bytes[2 + i] << (4 + 8 * i);
	ck_assert_uint_eq(total, contents[_i] + bytes_of_length + 1);
	ck_assert_uint_eq(aml.len, 1 + total);
	ck_assert_uint_eq(bytes[2 + bytes_of_length], 0x55);
}
END_TEST

START_TEST(a_full_buffer_is_told)
{
	unsigned char bytes[8];
	struct aml aml;
	size_t opened;

	aml_init(&aml, bytes, sizeof(bytes));
	opened = aml_open_device(&aml, "NAME");
	ck_assert(!aml.full);
	aml_string(&aml, "longer than that");
	ck_assert(aml.full);
	aml_close(&aml, opened);
	ck_assert_uint_le(aml.len, sizeof(bytes));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("kvm_acpi");
	TCase *tc = tcase_create("all");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, tables_are_whole);
	tcase_add_test(tc, fadt_is_hardware_reduced);
	tcase_add_loop_test(tc, madt_names_every_vcpu, 0, 3);
	tcase_add_test(tc, mcfg_is_one_bus);
	tcase_add_test(tc, dsdt_names_the_devices);
	tcase_add_test(tc, dsdt_has_events);
	tcase_add_loop_test(tc, package_lengths, 0, 9);
	tcase_add_test(tc, a_full_buffer_is_told);
	suite_add_tcase(suite, tc);
	return test_run(suite);
}
