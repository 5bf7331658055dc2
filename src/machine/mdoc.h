/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_MACHINE_MDOC_H
#define EVNIC_MACHINE_MDOC_H

/*
 * Texts of our tables as the source of manual pages.
 *
 * Source: mdoc(7).
 */

#include <stddef.h>
#include <stdio.h>

/* Prose: each sentence on a line of its own, `literal` as such. */
void mdoc_text(FILE *out, const char *text);

/* The same of a phrase "not like this": it becomes a sentence. */
void mdoc_phrase(FILE *out, const char *phrase);

/* An argument of a macro, behind a blank: @len bytes of @text, which are one
 * argument whatever is in them. */
void mdoc_word(FILE *out, const char *text, size_t len);

/* The same of a whole string. */
void mdoc_string(FILE *out, const char *text);

/* A synopsis such as "NIC up|down [FILE]... --snaplen N", as macros that go on in
 * a macro's line. */
void mdoc_synopsis(FILE *out, const char *synopsis);

/* Lines that are to be shown as they are. */
void mdoc_example(FILE *out, const char *text);

#endif
