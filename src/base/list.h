/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_BASE_LIST_H
#define EVNIC_BASE_LIST_H

/*
 * Doubly linked lists whose nodes are members of what they link.
 *
 * A list is a ring that its head is part of; a node that is on no list points
 * to itself. Whoever walks a list and takes nodes out fetches the next first.
 */

#include <stdbool.h>

struct list {
	struct list *prev, *next;
};

static inline void list_init(struct list *node)
{
	node->prev = node;
	node->next = node;
}

static inline bool list_is_empty(const struct list *head)
{
	return head->next == head;
}

/* Is the node on a list? */
static inline bool list_is_on(const struct list *node)
{
	return node->next != node;
}

/* Puts @node, which is on no list, behind @at: after a head, it is first. */
static inline void list_insert_after(struct list *at, struct list *node)
{
	node->prev = at;
	node->next = at->next;
	at->next->prev = node;
	at->next = node;
}

/* Puts it before @at: before a head, it is last. */
static inline void list_insert_before(struct list *at, struct list *node)
{
	list_insert_after(at->prev, node);
}

/* Takes @node off its list, if it is on one. */
static inline void list_remove(struct list *node)
{
	node->prev->next = node->next;
	node->next->prev = node->prev;
	list_init(node);
}

/* The first node, or NULL. */
static inline struct list *list_first(const struct list *head)
{
	return list_is_empty(head) ? (struct list *)0 : head->next;
}

#endif
