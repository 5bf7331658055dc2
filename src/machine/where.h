/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_MACHINE_WHERE_H
#define EVNIC_MACHINE_WHERE_H

/*
 * Where a node of a description is: in the tree, in the text, and as a JSON
 * pointer.
 */

#include "machine/description.h"

#define WHERE_POINTER_MAX 512
#define WHERE_MAX_DEPTH	  6

/* The way from the top of the text to a node: indices of children, and the
 * same as a JSON pointer. Zero-initialised: the top. */
struct where {
	size_t index[WHERE_MAX_DEPTH];
	size_t depth;
	char pointer[WHERE_POINTER_MAX];
};

/* The @index-th child of @parent, called @name (NULL: it has no name). */
void where_enter(struct where *at, const struct where *parent, size_t index,
		 const char *name);

/* Place of the node's value, or of its key, for a problem; nowhere when there
 * is no room for one. */
struct text_pos where_pos(const struct description *desc,
			  const struct where *at, bool key);

/* Follows @pointer as far as the text has it: *@at is the last node that
 * exists. Returns the node that the pointer names, or NULL. */
const cJSON *where_follow(const struct description *desc, const char *pointer,
			  struct where *at);

#endif
