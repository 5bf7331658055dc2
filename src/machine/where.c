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

void where_enter(struct where *at, const struct where *parent, size_t index,
		 const char *name)
{
	char text[QUOTED_MAX];
	size_t len;

	*at = *parent;
	at->index[at->depth++] = index;
	if (name) {
		(void)quoted(name, text, sizeof(text));
		len = strlen(text) - 2;
		memmove(text, text + 1, len);
		text[len] = '\0';
	} else {
		(void)snprintf(text, sizeof(text), "%zu", index);
	}
	len = strlen(at->pointer);
	(void)snprintf(at->pointer + len, sizeof(at->pointer) - len, "/%s",
		       text);
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
