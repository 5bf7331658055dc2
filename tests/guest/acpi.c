/* SPDX-License-Identifier: MIT */
/*
 * Reads the facts that the payload needs from ACPI, as the guest's only source
 * about the machine: where configuration space is (MCFG), where BARs may be and
 * where a virtio-mmio device is (DSDT), and how to power off (FADT and \_S5).
 *
 * There is no AML interpreter: the DSDT is searched for names and descriptors,
 * and the constant behind the first one is taken. ACPI 6.4, 5.2.5-5.2.9
 * (tables), 6.4.3.4 and 6.4.3.5.2 (resources), 20.2 (AML encoding).
 */
#include "acpi.h"

#include "payload.h"

#define TABLE_HEADER	   36
#define RSDP_REVISION	   15
#define RSDP_XSDT	   24
#define FADT_X_DSDT	   140
#define FADT_SLEEP_CONTROL 244
#define GAS_ADDRESS	   4
#define MCFG_BASE	   44

#define AML_BYTE_PREFIX 0x0a
#define AML_ONE		0x01

struct acpi_info acpi_info;

static uint32_t load32(uint64_t addr)
{
	uint32_t value;

	__builtin_memcpy(&value, (const void *)addr, sizeof(value));
	return value;
}

static uint64_t load64(uint64_t addr)
{
	uint64_t value;

	__builtin_memcpy(&value, (const void *)addr, sizeof(value));
	return value;
}

static bool bytes_at(uint64_t addr, const char *bytes, size_t len)
{
	return __builtin_memcmp((const void *)addr, bytes, len) == 0;
}

static bool text_at(uint64_t addr, const char *text)
{
	return bytes_at(addr, text, __builtin_strlen(text));
}

/* The address behind the first @bytes in [@addr, @end), or 0. */
static uint64_t find_bytes(uint64_t addr, uint64_t end, const char *bytes,
			   size_t len)
{
	for (; addr + len <= end; addr++) {
		if (bytes_at(addr, bytes, len))
			return addr + len;
	}
	return 0;
}

static uint64_t find_text(uint64_t addr, uint64_t end, const char *text)
{
	return find_bytes(addr, end, text, __builtin_strlen(text));
}

/* Name(_S5, Package(n){SLP_TYPa, ...}) */
static void read_sleep_type(uint64_t dsdt, uint64_t end)
{
	const uint8_t *aml = (const uint8_t *)find_text(dsdt, end, "_S5_");

	if (!aml)
		return;
	aml++;			/* package op */
	aml += 1 + (*aml >> 6); /* its length in 1 to 4 bytes */
	aml++;			/* number of elements */
	if (*aml == AML_BYTE_PREFIX)
		acpi_info.sleep_type = aml[1];
	else
		acpi_info.sleep_type = *aml == AML_ONE;
}

/* Memory32Fixed(ReadWrite, base, length), the first behind the device's id. */
static void read_virtio_mmio(uint64_t dsdt, uint64_t end)
{
	static const char memory32_fixed[] = {'\x86', 9, 0};
	uint64_t aml = find_text(dsdt, end, "LNRO0005");

	if (aml)
		aml = find_bytes(aml, end, memory32_fixed,
				 sizeof(memory32_fixed));
	if (aml)
		acpi_info.virtio_mmio = load32(aml + 1);
}

/* DWordMemory(flags, granularity, first, last, ...) of the root bridge. */
static void read_pci_memory(uint64_t dsdt, uint64_t end)
{
	static const char dword_memory[] = {'\x87', 23, 0, 0};
	uint64_t aml =
		find_bytes(dsdt, end, dword_memory, sizeof(dword_memory));

	if (aml)
		acpi_info.pci_memory = load32(aml + 6);
}

static void read_fadt(uint64_t fadt)
{
	uint64_t dsdt = load64(fadt + FADT_X_DSDT);
	uint64_t end = dsdt + load32(dsdt + 4);

	acpi_info.sleep_port =
		(uint16_t)load64(fadt + FADT_SLEEP_CONTROL + GAS_ADDRESS);
	read_sleep_type(dsdt + TABLE_HEADER, end);
	read_virtio_mmio(dsdt + TABLE_HEADER, end);
	read_pci_memory(dsdt + TABLE_HEADER, end);
}

void acpi_read(uint64_t rsdp)
{
	uint64_t xsdt;
	uint64_t end;

	if (!rsdp || !text_at(rsdp, "RSD PTR "))
		return;
	if (*(const uint8_t *)(rsdp + RSDP_REVISION) < 2)
		return; /* ACPI 1.0 has no XSDT */
	xsdt = load64(rsdp + RSDP_XSDT);
	end = xsdt + load32(xsdt + 4);
	for (uint64_t p = xsdt + TABLE_HEADER; p + 8 <= end; p += 8) {
		uint64_t table = load64(p);

		if (text_at(table, "FACP"))
			read_fadt(table);
		else if (text_at(table, "MCFG"))
			acpi_info.ecam = load64(table + MCFG_BASE);
	}
}
