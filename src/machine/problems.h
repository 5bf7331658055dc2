/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_MACHINE_PROBLEMS_H
#define EVNIC_MACHINE_PROBLEMS_H

/*
 * What is wrong with a description: collected in one pass, told in the order of
 * the text.
 */

#include "base/util.h"

#include <stddef.h>
#include <stdio.h>

/* As many as are kept; the rest is counted. */
#define PROBLEMS_MAX 100

/* Place in a text: lines and columns count from 1, columns in characters. Line
 * 0: the file as a whole. */
struct text_pos {
	size_t line, column;
};

struct problem {
	struct text_pos pos;
	char *text; /* owned */
};

/* Zero-initialised. @file: borrowed. */
struct problems {
	const char *file;
	struct problem kept[PROBLEMS_MAX];
	size_t n; /* all, those not kept included */
};

/* Is there room to keep one more? If not, a place need not be looked for. */
static inline int problems_full(const struct problems *problems)
{
	return problems->n >= PROBLEMS_MAX;
}

/* Adds "POINTER: what"; an empty pointer is left out with its colon. */
void problems_add(struct problems *problems, struct text_pos pos,
		  const char *pointer, const char *fmt, ...) PRINTF_LIKE(4, 5);

/* Writes them as lines FILE:LINE:COLUMN: TEXT, in the order of the text. */
void problems_print(struct problems *problems, FILE *out);

void problems_fini(struct problems *problems);

/* @text in quotes, cut if long, and with bytes that are not printable ASCII
 * written as \xNN: what a file holds cannot drive a terminal. Returns @buf. */
const char *quoted(const char *text, char *buf, size_t size);

#define QUOTED_MAX 100

#endif
