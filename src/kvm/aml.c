/* SPDX-License-Identifier: MIT */
/*
 * AML encoder.
 *
 * A package's length stands before its contents, in one to four bytes, and
 * counts itself. So contents are written first; closing moves them up.
 */
#include "kvm/aml.h"

#include "base/bytes.h"

#include <string.h>

#define NAME_OP	      0x08
#define BYTE_PREFIX   0x0a
#define WORD_PREFIX   0x0b
#define DWORD_PREFIX  0x0c
#define STRING_PREFIX 0x0d
#define SCOPE_OP      0x10
#define BUFFER_OP     0x11
#define PACKAGE_OP    0x12
#define EXT_OP	      0x5b
#define EXT_DEVICE_OP 0x82
#define EXT_REGION_OP 0x80
#define EXT_FIELD_OP  0x81
#define METHOD_OP     0x14
#define LOCAL_OP      0x60
#define STORE_OP      0x70
#define AND_OP	      0x7b
#define NOTIFY_OP     0x86
#define IF_OP	      0xa0
#define NULL_NAME     0x00
#define ROOT_CHAR     '\\'
#define DUAL_NAME     0x2e
#define MULTI_NAME    0x2f

#define METHOD_SERIALIZED 0x08
#define REGION_IO	  0x01
#define FIELD_DWORDS	  0x03
#define FIELD_BITS	  32

#define RES_IO		0x47
#define RES_END		0x79
#define RES_MEMORY32	0x86
#define RES_DWORD	0x87
#define RES_WORD	0x88
#define RES_INTERRUPT	0x89
#define IO_DECODE_16	0x01
#define MEMORY_WRITABLE 0x01
#define IRQ_CONSUMER	0x01
#define IRQ_EDGE	0x02
#define WINDOW_MEMORY	0
#define WINDOW_IO	1
#define WINDOW_BUS	2
#define WINDOW_FIXED	0x0c /* first and last address are fixed */
#define WINDOW_IO_ALL	0x03 /* ISA and other addresses */

#define NAME_LEN 4

void aml_init(struct aml *aml, unsigned char *bytes, size_t max)
{
	*aml = (struct aml){.bytes = bytes, .max = max};
}

static void put(struct aml *aml, const void *bytes, size_t len)
{
	if (len > aml->max - aml->len) {
		aml->full = true;
		return;
	}
	memcpy(aml->bytes + aml->len, bytes, len);
	aml->len += len;
}

static void put8(struct aml *aml, uint8_t value)
{
	put(aml, &value, 1);
}

static void put16(struct aml *aml, uint16_t value)
{
	unsigned char bytes[2];

	store_le16(bytes, value);
	put(aml, bytes, sizeof(bytes));
}

static void put32(struct aml *aml, uint32_t value)
{
	unsigned char bytes[4];

	store_le32(bytes, value);
	put(aml, bytes, sizeof(bytes));
}

size_t aml_open_scope(struct aml *aml, const char *path)
{
	size_t opened;

	put8(aml, SCOPE_OP);
	opened = aml->len;
	put(aml, path, strlen(path));
	return opened;
}

size_t aml_open_device(struct aml *aml, const char *name)
{
	size_t opened;

	put8(aml, EXT_OP);
	put8(aml, EXT_DEVICE_OP);
	opened = aml->len;
	put(aml, name, NAME_LEN);
	return opened;
}

size_t aml_open_package(struct aml *aml, uint8_t n_elements)
{
	size_t opened;

	put8(aml, PACKAGE_OP);
	opened = aml->len;
	put8(aml, n_elements);
	return opened;
}

/* PkgLength: up to 63 in one byte; otherwise the low four bits and the number
 * of bytes that follow in the first one. */
static size_t encode_length(unsigned char out[4], size_t contents)
{
	size_t bytes = 1;
	size_t total;

	while (contents + bytes >= (bytes == 1 ? 64U : 1U << (8 * bytes - 4)))
		bytes++;
	total = contents + bytes;
	if (bytes == 1) {
		out[0] = (unsigned char)total;
		return 1;
	}
	out[0] = (unsigned char)((bytes - 1) << 6 | (total & 0xf));
	for (size_t i = 1; i < bytes; i++)
		out[i] = (unsigned char)(total >> (8 * i - 4));
	return bytes;
}

void aml_close(struct aml *aml, size_t opened)
{
	unsigned char length[4];
	size_t contents = aml->len - opened;
	size_t n = encode_length(length, contents);

	if (n > aml->max - aml->len) {
		aml->full = true;
		return;
	}
	memmove(aml->bytes + opened + n, aml->bytes + opened, contents);
	memcpy(aml->bytes + opened, length, n);
	aml->len += n;
}

void aml_name(struct aml *aml, const char *name)
{
	put8(aml, NAME_OP);
	put(aml, name, NAME_LEN);
}

void aml_integer(struct aml *aml, uint32_t value)
{
	if (value <= 1) { /* ZeroOp and OneOp */
		put8(aml, (uint8_t)value);
	} else if (value <= UINT8_MAX) {
		put8(aml, BYTE_PREFIX);
		put8(aml, (uint8_t)value);
	} else if (value <= UINT16_MAX) {
		put8(aml, WORD_PREFIX);
		put16(aml, (uint16_t)value);
	} else {
		put8(aml, DWORD_PREFIX);
		put32(aml, value);
	}
}

void aml_string(struct aml *aml, const char *text)
{
	put8(aml, STRING_PREFIX);
	put(aml, text, strlen(text) + 1);
}

static uint32_t hex_digit(char c)
{
	return (uint32_t)(c <= '9' ? c - '0' : c - 'A' + 10);
}

/* Three letters in five bits each, four hexadecimal digits, big-endian. */
void aml_eisa_id(struct aml *aml, const char *id)
{
	uint32_t value = 0;
	unsigned char bytes[4];

	for (size_t i = 0; i < 3; i++)
		value = value << 5 | (uint32_t)(id[i] - '@');
	for (size_t i = 3; i < 7; i++)
		value = value << 4 | hex_digit(id[i]);
	store_be32(bytes, value);
	put8(aml, DWORD_PREFIX);
	put(aml, bytes, sizeof(bytes));
}

static void put_path(struct aml *aml, const char *path)
{
	size_t names;

	if (*path == ROOT_CHAR)
		put8(aml, (uint8_t)*path++);
	names = (strlen(path) + 1) / (NAME_LEN + 1);
	if (names == 2) {
		put8(aml, DUAL_NAME);
	} else if (names > 2) {
		put8(aml, MULTI_NAME);
		put8(aml, (uint8_t)names);
	}
	for (size_t i = 0; i < names; i++)
		put(aml, path + i * (NAME_LEN + 1), NAME_LEN);
}

size_t aml_open_method(struct aml *aml, const char *name, uint8_t n_args,
		       bool serialized)
{
	size_t opened;

	put8(aml, METHOD_OP);
	opened = aml->len;
	put(aml, name, NAME_LEN);
	put8(aml, (uint8_t)(n_args | (serialized ? METHOD_SERIALIZED : 0)));
	return opened;
}

size_t aml_open_if_bits(struct aml *aml, uint8_t local, uint32_t bits)
{
	size_t opened;

	put8(aml, IF_OP);
	opened = aml->len;
	put8(aml, AND_OP);
	put8(aml, (uint8_t)(LOCAL_OP + local));
	aml_integer(aml, bits);
	put8(aml, NULL_NAME);
	return opened;
}

void aml_load(struct aml *aml, uint8_t local, const char *field)
{
	put8(aml, STORE_OP);
	put_path(aml, field);
	put8(aml, (uint8_t)(LOCAL_OP + local));
}

void aml_store(struct aml *aml, uint32_t value, const char *field)
{
	put8(aml, STORE_OP);
	aml_integer(aml, value);
	put_path(aml, field);
}

void aml_notify(struct aml *aml, const char *path, uint8_t value)
{
	put8(aml, NOTIFY_OP);
	put_path(aml, path);
	aml_integer(aml, value);
}

void aml_call(struct aml *aml, const char *path)
{
	put_path(aml, path);
}

void aml_ports(struct aml *aml, const char *name, uint16_t base,
	       const char *const *fields, size_t n)
{
	size_t opened;

	put8(aml, EXT_OP);
	put8(aml, EXT_REGION_OP);
	put(aml, name, NAME_LEN);
	put8(aml, REGION_IO);
	aml_integer(aml, base);
	aml_integer(aml, (uint32_t)n * (FIELD_BITS / 8));
	put8(aml, EXT_OP);
	put8(aml, EXT_FIELD_OP);
	opened = aml->len;
	put(aml, name, NAME_LEN);
	put8(aml, FIELD_DWORDS);
	for (size_t i = 0; i < n; i++) {
		put(aml, fields[i], NAME_LEN);
		put8(aml, FIELD_BITS); /* a length of one byte */
	}
	aml_close(aml, opened);
}

void aml_resources(struct aml *aml, const struct aml *resources)
{
	size_t opened;

	put8(aml, BUFFER_OP);
	opened = aml->len;
	aml_integer(aml, (uint32_t)resources->len + 2);
	put(aml, resources->bytes, resources->len);
	put8(aml, RES_END);
	put8(aml, 0); /* no checksum */
	aml_close(aml, opened);
	aml->full |= resources->full;
}

void aml_io(struct aml *resources, uint16_t base, uint8_t len)
{
	put8(resources, RES_IO);
	put8(resources, IO_DECODE_16);
	put16(resources, base);
	put16(resources, base);
	put8(resources, 1);
	put8(resources, len);
}

void aml_interrupt(struct aml *resources, uint32_t gsi)
{
	put8(resources, RES_INTERRUPT);
	put16(resources, 6);
	put8(resources, IRQ_CONSUMER | IRQ_EDGE);
	put8(resources, 1);
	put32(resources, gsi);
}

void aml_memory32(struct aml *resources, uint32_t base, uint32_t len)
{
	put8(resources, RES_MEMORY32);
	put16(resources, 9);
	put8(resources, MEMORY_WRITABLE);
	put32(resources, base);
	put32(resources, len);
}

static void word_window(struct aml *resources, uint8_t type, uint8_t flags,
			uint16_t first, uint16_t last)
{
	put8(resources, RES_WORD);
	put16(resources, 13);
	put8(resources, type);
	put8(resources, WINDOW_FIXED);
	put8(resources, flags);
	put16(resources, 0); /* granularity */
	put16(resources, first);
	put16(resources, last);
	put16(resources, 0); /* translation */
	put16(resources, (uint16_t)(last - first + 1));
}

void aml_bus_window(struct aml *resources, uint16_t first, uint16_t last)
{
	word_window(resources, WINDOW_BUS, 0, first, last);
}

void aml_io_window(struct aml *resources, uint16_t first, uint16_t last)
{
	word_window(resources, WINDOW_IO, WINDOW_IO_ALL, first, last);
}

void aml_memory_window(struct aml *resources, uint32_t first, uint32_t last)
{
	put8(resources, RES_DWORD);
	put16(resources, 23);
	put8(resources, WINDOW_MEMORY);
	put8(resources, WINDOW_FIXED);
	put8(resources, MEMORY_WRITABLE);
	put32(resources, 0); /* granularity */
	put32(resources, first);
	put32(resources, last);
	put32(resources, 0); /* translation */
	put32(resources, last - first + 1);
}
