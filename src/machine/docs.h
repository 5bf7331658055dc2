/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_MACHINE_DOCS_H
#define EVNIC_MACHINE_DOCS_H

/*
 * What people and editors read about descriptions, the control socket and the
 * command line, made of the tables that the program works by.
 */

#include <stdio.h>

/* docs/description.md. */
void docs_write_markdown(FILE *out);

/* docs/control.md. */
void docs_write_control(FILE *out);

/* docs/evnic.8 and docs/evnic.json.5. */
void docs_write_man_evnic(FILE *out);
void docs_write_man_json(FILE *out);

/* The tables of docs/security.md. */
void docs_write_calls(FILE *out);

/* docs/machine.schema.json. */
void docs_write_schema(FILE *out);

#endif
