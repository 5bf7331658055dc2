/* SPDX-License-Identifier: MIT */
/*
 * Where a node of a description is.
 *
 * A node is identified by the indices on the way to it, not by names, since a
 * name may appear twice: that is how the second is told from the first.
 */
#include "machine/where.h"

#include "machine/json_text.h"

#include <stdio.h>
#include <string.h>

/* Appends "/" and @name to a JSON pointer (RFC 6901), without what could drive
 * a terminal, and cut if it is long. */
static void append_name(char *pointer, size_t size, const char *name)
{
	size_t used = strlen(pointer);
	char text[QUOTED_MAX];
	size_t len;

	len = strlen(quoted(name, text, sizeof(text))) - 1;
	if (used + 2 * len + 2 > size)
		return;
	pointer[used++] = '/';
	for (size_t i = 1; i < len; i++) { /* between the quotes */
		if (text[i] == '~' || text[i] == '/') {
			pointer[used++] = '~';
			pointer[used++] = text[i] == '~' ? '0' : '1';
		} else {
			pointer[used++] = text[i];
		}
	}
	pointer[used] = '\0';
}

void where_enter(struct where *at, const struct where *parent, size_t index,
		 const char *name)
{
	char number[24];

	*at = *parent;
	at->index[at->depth++] = index;
	(void)snprintf(number, sizeof(number), "%zu", index);
	append_name(at->pointer, sizeof(at->pointer), name ? name : number);
}

struct text_pos where_pos(const struct description *desc,
			  const struct where *at, bool key)
{
	size_t offset;

	if (problems_full(&desc->problems))
		return (struct text_pos){0};
	offset = json_text_find(desc->text, desc->len, at->index, at->depth,
				key);
	return json_text_pos(desc->text, desc->len, offset);
}

/* The child of @parent that the pointer's next part names; its index. */
static const cJSON *child_named(const cJSON *parent, const char *part,
				size_t len, size_t *index)
{
	const cJSON *child;
	char number[24];

	*index = 0;
	cJSON_ArrayForEach (child, parent) {
		const char *name = child->string;

		if (cJSON_IsArray(parent)) {
			(void)snprintf(number, sizeof(number), "%zu", *index);
			name = number;
		}
		if (name && strlen(name) == len && memcmp(name, part, len) == 0)
			return child;
		++*index;
	}
	return NULL;
}

const cJSON *where_follow(const struct description *desc, const char *pointer,
			  struct where *at)
{
	const cJSON *node = desc->root;

	at->depth = 0;
	while (node && *pointer == '/' && at->depth < WHERE_MAX_DEPTH) {
		size_t len = strcspn(++pointer, "/");
		size_t index;

		node = child_named(node, pointer, len, &index);
		if (node)
			at->index[at->depth++] = index;
		pointer += len;
	}
	return node;
}
