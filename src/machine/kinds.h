/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_MACHINE_KINDS_H
#define EVNIC_MACHINE_KINDS_H

/*
 * The kinds of backends and of NICs: two tables. A new kind is a row in one of
 * them (and rows in keys.c for keys of its own).
 */

#include <stddef.h>

/* Names in the tables, by index; NULL past the last. */
const char *endpoint_kind_name(size_t i);
const char *frontend_kind_name(size_t i);

/* The kind behind a NIC that only names a host interface. */
int endpoint_kind_tap(void);

#endif
