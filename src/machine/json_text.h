/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_MACHINE_JSON_TEXT_H
#define EVNIC_MACHINE_JSON_TEXT_H

/*
 * Places in JSON text. cJSON parses; these functions find in the text what
 * cJSON has found in it, or where it gave up.
 */

#include "machine/problems.h"

#include <stdbool.h>
#include <stddef.h>

/* Line and column of the byte at @offset. */
struct text_pos json_text_pos(const char *text, size_t len, size_t offset);

/* Finds a node of a text that cJSON has accepted: the @path[0]-th child of the
 * top, the @path[1]-th child of that, ... (all counted from 0). Returns the
 * offset of its value, or of its key if @key; @len if there is no such node. */
size_t json_text_find(const char *text, size_t len, const size_t *path,
		      size_t depth, bool key);

/* Is there, at @offset, an integer written in full: digits alone, perhaps with
 * a sign? (A fraction or an exponent may name an integer that a double cannot
 * hold.) */
bool json_text_is_integer(const char *text, size_t len, size_t offset);

/* Why and where cJSON refused a text. @offset: where it stopped; corrected to
 * where the fault is. Returns the reason. */
const char *json_text_fault(const char *text, size_t len, size_t *offset);

/* What cJSON lets pass although it is not JSON, or would cut a string short:
 * raw control characters and \u0000. Returns the reason and the place of the
 * first, or NULL. */
const char *json_text_strict(const char *text, size_t len, size_t *offset);

#endif
