/* SPDX-License-Identifier: MIT */
/*
 * Text tables. What a cell holds comes from a machine, and is made printable
 * here: no name drives the terminal.
 */
#include "machine/ctl_private.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GAP 2

void ctl_table_init(struct ctl_table *table, size_t columns)
{
	memset(table, 0, sizeof(*table));
	table->columns = columns;
}

static bool is_printable(char c)
{
	return (unsigned char)c >= 0x20 && c != 0x7f;
}

void ctl_print_text(FILE *out, const char *text)
{
	for (; *text; text++)
		(void)fputc(is_printable(*text) ? *text : '?', out);
}

void ctl_table_add(struct ctl_table *table, const char *format, ...)
{
	char *cell = NULL, **cells;
	va_list args;

	va_start(args, format);
	if (vasprintf(&cell, format, args) < 0)
		cell = NULL;
	va_end(args);
	if (table->n_cells == table->size && cell) {
		size_t size = table->size ? table->size * 2 : 64;

		cells = reallocarray(table->cells, size, sizeof(*cells));
		if (cells) {
			table->cells = cells;
			table->size = size;
		}
	}
	if (!cell || table->n_cells == table->size) {
		free(cell);
		table->failed = true;
		return;
	}
	for (char *c = cell; *c; c++) {
		if (!is_printable(*c))
			*c = '?';
	}
	table->cells[table->n_cells++] = cell;
}

/* Characters, not bytes. */
static size_t width(const char *text)
{
	size_t n = 0;

	for (; *text; text++)
		n += ((unsigned char)*text & 0xc0) != 0x80;
	return n;
}

static bool is_number(const char *text)
{
	return isdigit((unsigned char)*text) &&
	       text[strspn(text, "0123456789.")] == '\0';
}

static size_t column_width(const struct ctl_table *t, size_t column)
{
	size_t widest = 0;

	for (size_t i = column; i < t->n_cells; i += t->columns)
		widest = MAX(widest, width(t->cells[i]));
	return widest;
}

/* Are all cells below the heading numbers, or no value ("-")? */
static bool is_numeric(const struct ctl_table *t, size_t column)
{
	bool any = false;

	for (size_t i = column + t->columns; i < t->n_cells; i += t->columns) {
		if (is_number(t->cells[i]))
			any = true;
		else if (strcmp(t->cells[i], "-") != 0)
			return false;
	}
	return any;
}

static void print_cell(const struct ctl_table *t, size_t i)
{
	size_t column = i % t->columns;
	const char *cell = t->cells[i];
	int pad = (int)(column_width(t, column) - width(cell));

	if (column > 0)
		(void)printf("%*s", GAP, "");
	if (is_numeric(t, column))
		(void)printf("%*s%s", pad, "", cell);
	else if (column + 1 < t->columns)
		(void)printf("%s%*s", cell, pad, "");
	else
		(void)fputs(cell, stdout);
}

void ctl_table_print(struct ctl_table *table, size_t rows, const char *line_end)
{
	size_t n = table->n_cells;

	if (rows > 0)
		n = MIN(n, rows * table->columns);
	for (size_t i = 0; i < n; i++) {
		print_cell(table, i);
		if ((i + 1) % table->columns == 0)
			(void)fputs(line_end, stdout);
	}
	if (table->failed)
		(void)fprintf(stderr, "evnic: out of memory\n");
	for (size_t i = 0; i < table->n_cells; i++)
		free(table->cells[i]);
	free(table->cells);
	memset(table, 0, sizeof(*table));
}
