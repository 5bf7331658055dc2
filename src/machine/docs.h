/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_MACHINE_DOCS_H
#define EVNIC_MACHINE_DOCS_H

/*
 * What people and editors read about descriptions and the control socket, made of
 * the tables that the program works by.
 */

#include "base/util.h"

#include <stdio.h>

/* docs/description.md. */
void docs_write_markdown(FILE *out);

/* docs/control.md. */
void docs_write_control(FILE *out);

/* docs/machine.schema.json. 0 or -ENOMEM. */
int docs_write_schema(FILE *out) MUST_CHECK;

#endif
