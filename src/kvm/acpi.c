/* SPDX-License-Identifier: MIT */
/*
 * ACPI tables, hardware-reduced: there is no fixed ACPI hardware but the sleep
 * and reset registers, so the guest expects no PIC, PIT, RTC or SCI. Instead of
 * the SCI there is a generic event device, for hot-plug and the power button.
 *
 *	RSDP -> XSDT -> FADT -> DSDT
 *		     -> MADT (one local APIC per vCPU, the IOAPIC)
 *		     -> MCFG (where PCI configuration space is)
 *
 * Source: ACPI 6.4: 5.2.5 (RSDP), 5.2.6 (header), 5.2.8 (XSDT), 5.2.9 (FADT),
 * 5.2.12 (MADT), 4.1 (hardware-reduced), 5.6.9 (generic event device), 6.3
 * (_EJ0); PCI Firmware 3.2, 4.1.2 (MCFG);
 * virtio 1.2, 4.2.3.1 (LNRO0005 is what Linux's driver binds to).
 */
#include "kvm/acpi.h"

#include "base/bytes.h"
#include "kvm/aml.h"
#include "kvm/hotplug.h"
#include "kvm/layout.h"
#include "kvm/pci_host.h"
#include "kvm/power.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define TABLE_MAX    8192
#define HEADER_SIZE  36
#define RSDP_SIZE    36
#define RSDP_V1_SIZE 20

#define FADT_SIZE	      276
#define FADT_REVISION	      6
#define FADT_BOOT_ARCH	      109
#define FADT_FLAGS	      112
#define FADT_RESET_REG	      116
#define FADT_RESET_VALUE      128
#define FADT_MINOR	      131
#define FADT_X_DSDT	      140
#define FADT_SLEEP_CONTROL    244
#define FADT_SLEEP_STATUS     256
#define BOOT_ARCH_NO_VGA      (1 << 2)
#define BOOT_ARCH_NO_CMOS_RTC (1 << 5)
#define FLAG_RESET_REG	      (1 << 10)
#define FLAG_HW_REDUCED	      (1 << 20)
#define GAS_SYSTEM_IO	      1
#define GAS_BYTE_ACCESS	      1

#define MADT_REVISION	 3
#define MADT_FIXED	 8
#define MADT_LAPIC	 0
#define MADT_LAPIC_SIZE	 8
#define MADT_IOAPIC	 1
#define MADT_IOAPIC_SIZE 12

#define MCFG_SIZE 60

/* Values of Notify: ACPI 6.4, 5.6.6. */
#define NOTIFY_DEVICE_CHECK 0x01
#define NOTIFY_EJECT	    0x03
#define NOTIFY_BUTTON	    0x80

/* Where the next table goes. */
struct writer {
	const struct guest_mem *mem;
	uint64_t at;
	int err;
};

static uint8_t checksum(const unsigned char *bytes, size_t len)
{
	uint8_t sum = 0;

	for (size_t i = 0; i < len; i++)
		sum = (uint8_t)(sum + bytes[i]);
	return (uint8_t)-sum;
}

/* The characters of @text without the closing 0. */
static void put_text(unsigned char *to, const char *text)
{
	while (*text)
		*to++ = (unsigned char)*text++;
}

/* Completes the header of @table and writes it; returns its address. */
static uint64_t write_table(struct writer *writer, const char *signature,
			    uint8_t revision, unsigned char *table, size_t len)
{
	uint64_t at = writer->at;

	put_text(table, signature);
	store_le32(table + 4, (uint32_t)len);
	table[8] = revision;
	table[9] = 0;
	put_text(table + 10, "EVNIC ");
	put_text(table + 16, "EVNICVM ");
	store_le32(table + 24, 1);
	put_text(table + 28, "EVNC");
	store_le32(table + 32, 1);
	table[9] = checksum(table, len);
	if (len > LAYOUT_ACPI_END - at)
		writer->err = -ENOSPC;
	if (!writer->err)
		writer->err = guest_mem_write(writer->mem, at, table, len);
	if (!writer->err)
		writer->at = (at + len + 15) & ~15ULL;
	return at;
}

static void slot_name(char name[8], unsigned int slot)
{
	(void)snprintf(name, 8, "S%03u", slot % 1000);
}

static void describe_com1(struct aml *aml)
{
	unsigned char bytes[64];
	struct aml res;
	size_t device;

	aml_init(&res, bytes, sizeof(bytes));
	aml_interrupt(&res, LAYOUT_GSI_COM1);
	aml_io(&res, LAYOUT_PORT_COM1, 8);
	device = aml_open_device(aml, "COM1");
	aml_name(aml, "_HID");
	aml_eisa_id(aml, "PNP0501");
	aml_name(aml, "_UID");
	aml_integer(aml, 0);
	aml_name(aml, "_CRS");
	aml_resources(aml, &res);
	aml_close(aml, device);
}

/* Each slot but the bridge's: how to give it up; and SCAN, which tells the
 * slots that something has happened to them. */
static void describe_slots(struct aml *aml)
{
	size_t device, method, test;
	char name[8];

	for (unsigned int i = 1; i < PCI_SLOTS; i++) {
		slot_name(name, i);
		device = aml_open_device(aml, name);
		aml_name(aml, "_ADR");
		aml_integer(aml, i << 16);
		aml_name(aml, "_SUN");
		aml_integer(aml, i);
		method = aml_open_method(aml, "_EJ0", 1, false);
		aml_store(aml, 1U << i, "EJCT");
		aml_close(aml, method);
		aml_close(aml, device);
	}
	method = aml_open_method(aml, "SCAN", 0, true);
	aml_load(aml, 0, "UP__");
	aml_load(aml, 1, "DOWN");
	for (unsigned int i = 1; i < PCI_SLOTS; i++) {
		slot_name(name, i);
		test = aml_open_if_bits(aml, 0, 1U << i);
		aml_notify(aml, name, NOTIFY_DEVICE_CHECK);
		aml_close(aml, test);
		test = aml_open_if_bits(aml, 1, 1U << i);
		aml_notify(aml, name, NOTIFY_EJECT);
		aml_close(aml, test);
	}
	aml_close(aml, method);
}

/* The registers of hotplug.h, the device whose interrupt says "look there", and
 * the power button. */
static void describe_events(struct aml *aml)
{
	static const char *const fields[] = {"PEND", "UP__", "DOWN", "EJCT"};
	unsigned char bytes[32];
	size_t device, method, test;
	struct aml res;

	aml_ports(aml, "EVTS", LAYOUT_PORT_EVENTS, fields, ARRAY_SIZE(fields));
	aml_init(&res, bytes, sizeof(bytes));
	aml_interrupt(&res, LAYOUT_GSI_EVENTS);
	device = aml_open_device(aml, "PWRB");
	aml_name(aml, "_HID");
	aml_eisa_id(aml, "PNP0C0C");
	aml_close(aml, device);
	device = aml_open_device(aml, "GED_");
	aml_name(aml, "_HID");
	aml_string(aml, "ACPI0013");
	aml_name(aml, "_UID");
	aml_integer(aml, 0);
	aml_name(aml, "_CRS");
	aml_resources(aml, &res);
	method = aml_open_method(aml, "_EVT", 1, true);
	aml_load(aml, 0, "PEND");
	test = aml_open_if_bits(aml, 0, HOTPLUG_PENDING_POWER);
	aml_notify(aml, "PWRB", NOTIFY_BUTTON);
	aml_close(aml, test);
	test = aml_open_if_bits(aml, 0, HOTPLUG_PENDING_PCI);
	aml_call(aml, "\\_SB_.PCI0.SCAN");
	aml_close(aml, test);
	aml_close(aml, method);
	aml_close(aml, device);
}

static void describe_pci(struct aml *aml)
{
	unsigned char bytes[128];
	struct aml res;
	size_t device;

	aml_init(&res, bytes, sizeof(bytes));
	aml_bus_window(&res, 0, 0);
	aml_io(&res, LAYOUT_PORT_PCI_ADDRESS, 8);
	aml_io_window(&res, 0, LAYOUT_PORT_PCI_ADDRESS - 1);
	aml_io_window(&res, LAYOUT_PORT_PCI_ADDRESS + 8, 0xffff);
	aml_memory_window(
		&res, (uint32_t)LAYOUT_PCI_MEMORY,
		(uint32_t)(LAYOUT_PCI_MEMORY + LAYOUT_PCI_MEMORY_SIZE - 1));
	device = aml_open_device(aml, "PCI0");
	aml_name(aml, "_HID");
	aml_eisa_id(aml, "PNP0A08");
	aml_name(aml, "_CID");
	aml_eisa_id(aml, "PNP0A03");
	aml_name(aml, "_SEG");
	aml_integer(aml, 0);
	aml_name(aml, "_BBN");
	aml_integer(aml, 0);
	aml_name(aml, "_UID");
	aml_integer(aml, 0);
	aml_name(aml, "_CRS");
	aml_resources(aml, &res);
	describe_slots(aml);
	aml_close(aml, device);
}

static void describe_mmio(struct aml *aml, unsigned int slot)
{
	unsigned char bytes[64];
	char name[8];
	struct aml res;
	size_t device;

	aml_init(&res, bytes, sizeof(bytes));
	aml_memory32(
		&res,
		(uint32_t)(LAYOUT_MMIO_SLOTS + slot * LAYOUT_MMIO_SLOT_SIZE),
		(uint32_t)LAYOUT_MMIO_SLOT_SIZE);
	aml_interrupt(&res, LAYOUT_GSI_MMIO_FIRST + slot);
	(void)snprintf(name, sizeof(name), "V%03u", slot % 1000);
	device = aml_open_device(aml, name);
	aml_name(aml, "_HID");
	aml_string(aml, "LNRO0005");
	aml_name(aml, "_UID");
	aml_integer(aml, slot);
	aml_name(aml, "_CCA");
	aml_integer(aml, 1);
	aml_name(aml, "_CRS");
	aml_resources(aml, &res);
	aml_close(aml, device);
}

static uint64_t write_dsdt(struct writer *writer, uint32_t mmio_slots)
{
	unsigned char table[TABLE_MAX] = {0};
	struct aml aml;
	size_t scope, package;

	aml_init(&aml, table + HEADER_SIZE, sizeof(table) - HEADER_SIZE);
	scope = aml_open_scope(&aml, "_SB_");
	describe_com1(&aml);
	describe_events(&aml);
	describe_pci(&aml);
	for (unsigned int i = 0; i < LAYOUT_MMIO_SLOTS_MAX; i++)
		if (mmio_slots & 1U << i)
			describe_mmio(&aml, i);
	aml_close(&aml, scope);
	aml_name(&aml, "_S5_");
	package = aml_open_package(&aml, 4);
	aml_integer(&aml, POWER_SLEEP_S5);
	aml_integer(&aml, POWER_SLEEP_S5);
	aml_integer(&aml, 0);
	aml_integer(&aml, 0);
	aml_close(&aml, package);
	if (aml.full)
		writer->err = -ENOSPC;
	return write_table(writer, "DSDT", 2, table, HEADER_SIZE + aml.len);
}

/* A generic address structure: one byte-wide port. */
static void put_port(unsigned char *gas, uint16_t port)
{
	gas[0] = GAS_SYSTEM_IO;
	gas[1] = 8;
	gas[2] = 0;
	gas[3] = GAS_BYTE_ACCESS;
	store_le64(gas + 4, port);
}

static uint64_t write_fadt(struct writer *writer, uint64_t dsdt)
{
	unsigned char table[FADT_SIZE] = {0};

	store_le16(table + FADT_BOOT_ARCH,
		   BOOT_ARCH_NO_VGA | BOOT_ARCH_NO_CMOS_RTC);
	store_le32(table + FADT_FLAGS, FLAG_RESET_REG | FLAG_HW_REDUCED);
	put_port(table + FADT_RESET_REG, LAYOUT_PORT_RESET);
	table[FADT_RESET_VALUE] = POWER_RESET_VALUE;
	table[FADT_MINOR] = 4;
	store_le64(table + FADT_X_DSDT, dsdt);
	put_port(table + FADT_SLEEP_CONTROL, LAYOUT_PORT_SLEEP_CONTROL);
	put_port(table + FADT_SLEEP_STATUS, LAYOUT_PORT_SLEEP_STATUS);
	return write_table(writer, "FACP", FADT_REVISION, table, sizeof(table));
}

static uint64_t write_madt(struct writer *writer, unsigned int n_vcpus)
{
	unsigned char table[HEADER_SIZE + MADT_FIXED + 256 * MADT_LAPIC_SIZE +
			    MADT_IOAPIC_SIZE] = {0};
	unsigned char *p = table + HEADER_SIZE + MADT_FIXED;

	store_le32(table + HEADER_SIZE, (uint32_t)LAYOUT_LAPIC);
	for (unsigned int i = 0; i < n_vcpus; i++, p += MADT_LAPIC_SIZE) {
		p[0] = MADT_LAPIC;
		p[1] = MADT_LAPIC_SIZE;
		p[2] = (unsigned char)i; /* processor UID */
		p[3] = (unsigned char)i; /* APIC id */
		store_le32(p + 4, 1);	 /* enabled */
	}
	p[0] = MADT_IOAPIC;
	p[1] = MADT_IOAPIC_SIZE;
	store_le32(p + 4, (uint32_t)LAYOUT_IOAPIC);
	p += MADT_IOAPIC_SIZE;
	return write_table(writer, "APIC", MADT_REVISION, table,
			   (size_t)(p - table));
}

static uint64_t write_mcfg(struct writer *writer)
{
	unsigned char table[MCFG_SIZE] = {0};

	store_le64(table + HEADER_SIZE + 8, LAYOUT_ECAM);
	return write_table(writer, "MCFG", 1, table, sizeof(table));
}

static int write_rsdp(const struct guest_mem *mem, uint64_t xsdt)
{
	unsigned char rsdp[RSDP_SIZE] = {0};

	put_text(rsdp, "RSD PTR ");
	put_text(rsdp + 9, "EVNIC ");
	rsdp[15] = 2;
	store_le32(rsdp + 20, RSDP_SIZE);
	store_le64(rsdp + 24, xsdt);
	rsdp[8] = checksum(rsdp, RSDP_V1_SIZE);
	rsdp[32] = checksum(rsdp, RSDP_SIZE);
	return guest_mem_write(mem, LAYOUT_ACPI, rsdp, sizeof(rsdp));
}

int acpi_write(const struct guest_mem *mem, unsigned int n_vcpus,
	       uint32_t mmio_slots)
{
	struct writer writer = {.mem = mem, .at = LAYOUT_ACPI + 64};
	unsigned char xsdt[HEADER_SIZE + 3 * 8] = {0};
	uint64_t dsdt = write_dsdt(&writer, mmio_slots);
	uint64_t root;

	store_le64(xsdt + HEADER_SIZE, write_fadt(&writer, dsdt));
	store_le64(xsdt + HEADER_SIZE + 8, write_madt(&writer, n_vcpus));
	store_le64(xsdt + HEADER_SIZE + 16, write_mcfg(&writer));
	root = write_table(&writer, "XSDT", 1, xsdt, sizeof(xsdt));
	if (writer.err)
		return writer.err;
	return write_rsdp(mem, root);
}
