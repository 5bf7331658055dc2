/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_KVM_AML_H
#define EVNIC_KVM_AML_H

/*
 * Writing AML, the byte code of ACPI's DSDT, into a buffer. Source: ACPI 6.4,
 * chapter 20 (AML) and 6.4 (resource descriptors).
 *
 * Things that contain others are opened and closed; aml_close() fills in their
 * length. What does not fit is left out, and aml->full says so.
 */

#include "base/util.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct aml {
	unsigned char *bytes;
	size_t len, max;
	bool full;
};

void aml_init(struct aml *aml, unsigned char *bytes, size_t max);

/* Each returns what aml_close() wants. Names have four characters. */
size_t aml_open_scope(struct aml *aml, const char *path);
size_t aml_open_device(struct aml *aml, const char *name);
size_t aml_open_package(struct aml *aml, uint8_t n_elements);
void aml_close(struct aml *aml, size_t opened);

/* Name (@name, ...): followed by one of the values. */
void aml_name(struct aml *aml, const char *name);
void aml_integer(struct aml *aml, uint32_t value);
void aml_string(struct aml *aml, const char *text);
void aml_eisa_id(struct aml *aml, const char *id); /* "PNP0501" */

/* Code. Paths are names with dots between, from the root if they begin with a
 * backslash: "\\_SB_.PCI0.S001". @local: 0..7. */
size_t aml_open_method(struct aml *aml, const char *name, uint8_t n_args,
		       bool serialized);
size_t aml_open_if_bits(struct aml *aml, uint8_t local, uint32_t bits);
void aml_load(struct aml *aml, uint8_t local, const char *field);
void aml_store(struct aml *aml, uint32_t value, const char *field);
void aml_notify(struct aml *aml, const char *path, uint8_t value);
void aml_call(struct aml *aml, const char *path);

/* Ports as a region called @name, and the @n fields of 32 bits that it
 * consists of. */
void aml_ports(struct aml *aml, const char *name, uint16_t base,
	       const char *const *fields, size_t n);

/* A resource template: the descriptors that @resources holds. */
void aml_resources(struct aml *aml, const struct aml *resources);

/* Descriptors, to be written into an object of their own. */
void aml_io(struct aml *resources, uint16_t base, uint8_t len);
void aml_interrupt(struct aml *resources, uint32_t gsi); /* edge, high */
void aml_memory32(struct aml *resources, uint32_t base, uint32_t len);
void aml_bus_window(struct aml *resources, uint16_t first, uint16_t last);
void aml_io_window(struct aml *resources, uint16_t first, uint16_t last);
void aml_memory_window(struct aml *resources, uint32_t first, uint32_t last);

#endif
