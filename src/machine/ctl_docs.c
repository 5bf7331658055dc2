/* SPDX-License-Identifier: MIT */
/*
 * What the table of "evnic ctl" commands tells: help, documentation.
 */
#include "machine/ctl.h"

#include "machine/ctl_private.h"
#include "machine/mdoc.h"

#include <stdlib.h>

static void write_synopsis(FILE *out, const struct ctl_command *command)
{
	(void)fprintf(out, "%s%s%s", command->name, *command->words ? " " : "",
		      command->words);
	for (const struct ctl_option *o = command->options; o && o->name; o++)
		(void)fprintf(out, " [%s%s%s]", o->name, o->value ? " " : "",
			      o->value ? o->value : "");
}

void ctl_write_usage(FILE *out, const struct ctl_command *command)
{
	(void)fprintf(out, "usage: evnic ctl SOCKET ");
	write_synopsis(out, command);
	(void)fprintf(out, "\n\n%s%s%s\n", command->what,
		      command->qmp ? "; the control socket's command is " : "",
		      command->qmp ? command->qmp : "");
	for (const struct ctl_option *o = command->options; o && o->name; o++)
		(void)fprintf(out, "  %s%s%s  %s\n", o->name,
			      o->value ? " " : "", o->value ? o->value : "",
			      o->what);
}

void ctl_write_help(FILE *out)
{
	(void)fprintf(out, "usage: evnic ctl [--json] SOCKET COMMAND...\n"
			   "\n"
			   "Talks to a running machine through its control "
			   "socket. Commands:\n"
			   "\n");
	for (const struct ctl_command *c = ctl_commands; c->name; c++)
		(void)fprintf(out, "  %s%s%s\n        %s\n", c->name,
			      *c->words ? " " : "", c->words, c->what);
	(void)fprintf(out,
		      "\n"
		      "  --json  print what the machine answers, not a table\n"
		      "  evnic ctl SOCKET COMMAND --help  more about a "
		      "command\n"
		      "Exit status: 0 done; 1 the machine refused or cannot "
		      "be reached; 2 wrong arguments.\n");
}

void ctl_write_markdown(FILE *out)
{
	(void)fprintf(out, "| command | what it does | on the socket |\n"
			   "|---|---|---|\n");
	for (const struct ctl_command *c = ctl_commands; c->name; c++) {
		char *text = NULL;
		size_t len = 0;
		FILE *f = open_memstream(&text, &len);

		if (!f)
			continue;
		write_synopsis(f, c);
		(void)fclose(f);
		(void)fprintf(out, "| `");
		for (const char *s = text; *s; s++)
			(void)fprintf(out, *s == '|' ? "\\|" : "%c", *s);
		(void)fprintf(out, "` | %s | %s%s%s |\n", c->what,
			      c->qmp ? "`" : "", c->qmp ? c->qmp : "",
			      c->qmp ? "`" : "");
		free(text);
	}
}

void ctl_write_mdoc(FILE *out)
{
	(void)fprintf(out, ".Bl -tag -width Ds\n");
	for (const struct ctl_command *c = ctl_commands; c->name; c++) {
		(void)fprintf(out, ".It");
		mdoc_synopsis(out, c->name);
		mdoc_synopsis(out, c->words);
		(void)fputc('\n', out);
		mdoc_phrase(out, c->what);
		if (!c->options)
			continue;
		(void)fprintf(out, ".Bl -tag -width Ds -compact\n");
		for (const struct ctl_option *o = c->options; o->name; o++) {
			(void)fprintf(out, ".It");
			mdoc_synopsis(out, o->name);
			if (o->value)
				mdoc_synopsis(out, o->value);
			(void)fputc('\n', out);
			mdoc_phrase(out, o->what);
		}
		(void)fprintf(out, ".El\n");
	}
	(void)fprintf(out, ".El\n");
}
