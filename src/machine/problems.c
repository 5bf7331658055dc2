/* SPDX-License-Identifier: MIT */
/*
 * A list of what is wrong with a description.
 */
#include "machine/problems.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>

void problems_add(struct problems *problems, struct text_pos pos,
		  const char *pointer, const char *fmt, ...)
{
	struct problem *problem;
	char what[512];
	va_list ap;

	problems->n++;
	if (problems->n > PROBLEMS_MAX)
		return;
	va_start(ap, fmt);
	(void)vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);

	problem = &problems->kept[problems->n - 1];
	problem->pos = pos;
	if (asprintf(&problem->text, "%s%s%s", pointer, *pointer ? ": " : "",
		     what) < 0)
		problem->text = NULL; /* no memory: the place is told */
}

static size_t n_kept(const struct problems *problems)
{
	return problems->n < PROBLEMS_MAX ? problems->n : PROBLEMS_MAX;
}

/* Insertion sort: stable, and the list is short and nearly sorted. */
static void sort(struct problem *list, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		struct problem p = list[i];
		size_t j = i;

		for (; j > 0; j--) {
			const struct text_pos *before = &list[j - 1].pos;

			if (before->line < p.pos.line ||
			    (before->line == p.pos.line &&
			     before->column <= p.pos.column))
				break;
			list[j] = list[j - 1];
		}
		list[j] = p;
	}
}

void problems_print(struct problems *problems, FILE *out)
{
	size_t kept = n_kept(problems);

	sort(problems->kept, kept);
	for (size_t i = 0; i < kept; i++) {
		const struct problem *p = &problems->kept[i];
		const char *text = p->text ? p->text : "out of memory";

		if (p->pos.line == 0)
			(void)fprintf(out, "%s: %s\n", problems->file, text);
		else
			(void)fprintf(out, "%s:%zu:%zu: %s\n", problems->file,
				      p->pos.line, p->pos.column, text);
	}
	if (problems->n > kept)
		(void)fprintf(out, "%s: and %zu more\n", problems->file,
			      problems->n - kept);
}

void problems_fini(struct problems *problems)
{
	size_t kept = n_kept(problems);

	for (size_t i = 0; i < kept; i++)
		free(problems->kept[i].text);
	problems->n = 0;
}

const char *quoted(const char *text, char *buf, size_t size)
{
	size_t used = 0;

	buf[used++] = '"';
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;
		bool plain = c >= 0x20 && c < 0x7f;
		size_t needed = plain ? 1 : 4;

		/* Room for it, for "..." and for the closing quote. */
		if (used + needed + 5 > size) {
			used += (size_t)snprintf(buf + used, size - used,
						 "...");
			break;
		}
		used += (size_t)snprintf(buf + used, size - used,
					 plain ? "%c" : "\\x%02x", c);
	}
	buf[used++] = '"';
	buf[used] = '\0';
	return buf;
}
