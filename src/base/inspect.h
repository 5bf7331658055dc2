/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_BASE_INSPECT_H
#define EVNIC_BASE_INSPECT_H

/*
 * Inspection: every object says what it is and how it is, as a tree of named
 * values. The tree is built as JSON text, in the order of the calls.
 *
 * Owner: whoever asked for it; it may travel between threads in a message, one
 * thread writes at a time. Running out of memory, or beyond INSPECT_MAX, is
 * remembered and told at the end, so that nobody who fills a tree has to ask.
 */

#include "base/util.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The longest text. */
#define INSPECT_MAX (4U << 20)

/* @depth: objects begun. @comma: something stands before the next value. */
struct inspect {
	char *text;
	size_t len, size;
	unsigned int depth;
	bool comma;
	bool failed;
};

void inspect_init(struct inspect *in);
void inspect_fini(struct inspect *in);

/* Closes the tree and returns it as JSON, good until fini; NULL if it did not
 * fit. Once, when all objects have been ended. */
const char *inspect_text(struct inspect *in);

/* Values. @name: plain ASCII, unique within its object. NULL as a string is
 * JSON's null. Strings may hold any bytes: what is not UTF-8 is replaced. */
void inspect_u64(struct inspect *in, const char *name, uint64_t value);
void inspect_bool(struct inspect *in, const char *name, bool value);
void inspect_str(struct inspect *in, const char *name, const char *value);
void inspect_f(struct inspect *in, const char *name, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* An object within: what is written until the end is inside of it. */
void inspect_begin(struct inspect *in, const char *name);
void inspect_end(struct inspect *in);

/* As inspect_begin(), for element @index of what is called @name: "queue-0". */
void inspect_begin_at(struct inspect *in, const char *name, size_t index);

/* Puts @from, which was not closed, into @in as an object called @name. */
void inspect_graft(struct inspect *in, const char *name, struct inspect *from);

#endif
