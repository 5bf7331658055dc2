/* SPDX-License-Identifier: MIT */
/*
 * The table of system calls in docs/security.md, made of the sandbox's.
 */
#include "machine/docs.h"
#include "sandbox/sandbox.h"

static void write_counts(FILE *out)
{
	(void)fputs("| | different system calls | with sockets |\n"
		    "|---|---|---|\n",
		    out);
	for (enum thread_kind kind = THREAD_CONTROL; kind < THREAD_KINDS;
	     kind++) {
		if (kind == THREAD_CONTROL)
			(void)fprintf(out, "| %s thread, and so the machine | ",
				      thread_kind_name(kind));
		else
			(void)fprintf(out, "| %s%s | ", thread_kind_name(kind),
				      kind == THREAD_OPENER ? "" : " thread");
		(void)fprintf(out, "%zu | %zu |\n",
			      sandbox_count_calls(kind, false),
			      sandbox_count_calls(kind, true));
	}
}

static void write_heads(FILE *out)
{
	(void)fputs("\n| call |", out);
	for (enum thread_kind kind = THREAD_CONTROL; kind < THREAD_KINDS;
	     kind++)
		(void)fprintf(out, " %s |", thread_kind_name(kind));
	(void)fputs(" arguments | needed by |\n|---|", out);
	for (enum thread_kind kind = THREAD_CONTROL; kind < THREAD_KINDS;
	     kind++)
		(void)fputs("---|", out);
	(void)fputs("---|---|\n", out);
}

void docs_write_calls(FILE *out)
{
	struct sandbox_row row;

	write_counts(out);
	write_heads(out);
	for (size_t i = 0; sandbox_row(i, &row); i++) {
		(void)fprintf(out, "| `%s` |", row.call);
		for (enum thread_kind kind = THREAD_CONTROL;
		     kind < THREAD_KINDS; kind++)
			(void)fputs(row.kinds >> kind & 1 ? " x |" : " |", out);
		(void)fprintf(out, " %s%s| %s%s%s |\n", row.arguments,
			      *row.arguments ? " " : "", row.reason,
			      row.rare ? " (rare)" : "",
			      row.sockets ? " (sockets)" : "");
	}
}
