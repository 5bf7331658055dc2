/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_MACHINE_DESCRIPTION_H
#define EVNIC_MACHINE_DESCRIPTION_H

/*
 * A machine description: JSON text and what it says, as a typed config.
 *
 * Thread: any, one at a time; cJSON keeps its last error in the process.
 */

#include "machine/config.h"
#include "machine/problems.h"

#include <cjson/cJSON.h>

struct key_table;

/* Larger files are refused unread. */
#define DESCRIPTION_MAX_BYTES (1 << 20)

struct description_list;

/* @config borrows its strings from @root, and lists of them from @lists. */
struct description {
	char *text;
	size_t len;
	cJSON *root;
	struct description_list *lists;
	struct machine_config config;
	struct problems problems;
};

/* Reads the description in the text [@text, @text + @len), which need not be
 * terminated and is copied. @file: its name for messages, borrowed. All that is
 * wrong with it is in @desc->problems afterwards; the config is good if that is
 * empty. Looks at nothing but the text. */
void description_parse(struct description *desc, const char *file,
		       const char *text, size_t len);

/* Reads a part of a description that came by another way: @object by @keys, into
 * @base, which borrows its strings from @desc. Problems and the end of @desc are
 * as above (NULL: out of memory before); @desc->config means nothing. */
void description_read(struct description *desc, const struct key_table *keys,
		      const cJSON *object, void *base);

/* The same for the file at @path, and checks besides that this host has the
 * files and the memory that are asked for. */
void description_load(struct description *desc, const char *path);

/* Idempotent. */
void description_fini(struct description *desc);

/* For the reader: room for @n pointers to strings, all NULL, the description's.
 * NULL: out of memory. */
const char **description_strings(struct description *desc, size_t n);

/* For the rules: the node that a JSON pointer ("/backends/0/id") names, NULL
 * if it is missing or null. */
const cJSON *description_find(const struct description *desc,
			      const char *pointer);

/* For the rules: a problem with the value that @pointer names, or the nearest
 * object around it that the text has. */
void description_problem(struct description *desc, const char *pointer,
			 const char *fmt, ...) PRINTF_LIKE(3, 4);

#endif
