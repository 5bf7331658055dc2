/* SPDX-License-Identifier: MIT */
/*
 * The table of verbs, their arguments and their help.
 */
#include "machine/verbs.h"

#include "base/util.h"
#include "machine/problems.h"

#include <getopt.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define EXIT_WRONG 2

/* Columns of help. */
#define LINE_MAX_COLUMNS 79

static const struct verb_option run_options[] = {
	{
		.name = "control",
		.value = "PATH",
		.what = "take commands on a unix socket there (evnic ctl)",
		.id = OPTION_CONTROL,
	},
	{
		.name = "id",
		.value = "NAME",
		.what = "call the machine so in its log lines",
		.id = OPTION_ID,
	},
	{
		.name = "level",
		.value = "LEVEL",
		.what = "log nothing less important than that: off, error, "
			"warn, info, debug",
		.id = OPTION_LEVEL,
	},
	{
		.name = "log-path",
		.value = "PATH",
		.what = "add log lines to this file; SIGHUP opens it anew",
		.id = OPTION_LOG_PATH,
	},
	{
		.name = "pidfile",
		.value = "PATH",
		.what = "hold the process id in PATH while it runs; no second "
			"evnic runs with the same PATH",
		.id = OPTION_PIDFILE,
	},
	{
		.name = "ready-fd",
		.value = "N",
		.what = "write \"READY\" and a newline to this file "
			"descriptor and close it when the machine runs",
		.id = OPTION_READY_FD,
	},
	{0},
};

const struct verb verbs[VERBS] = {
	[VERB_RUN] =
		{
			.name = "run",
			.args = "FILE",
			.summary =
				"launch the machine that a description describes",
			.about =
				"Launches the machine that FILE describes, on KVM, "
				"and runs it until it ends.",
			.options = run_options,
			.notes =
				"It is two processes: the one that was started "
				"opens what the description names, and its child "
				"runs the guest, confined. With the serial port on "
				"the terminal, Ctrl-A x ends the machine.",
			.statuses =
				{
					"the guest powered off, or reset itself with "
					"\"on_reset\": \"exit\", or SIGTERM, SIGINT or SIGHUP "
					"or Ctrl-A x ended it",
					"it failed",
					"the arguments or the description are wrong",
				},
			.n_files = 1,
		},
	[VERB_CHECK] =
		{
			.name = "check",
			.args = "FILE",
			.summary =
				"tell everything that is wrong with a description",
			.about =
				"Reads the machine description in FILE and looks for "
				"the files and the memory that it needs. Each error "
				"is a line on standard error: "
				"FILE:LINE:COLUMN: /json/pointer: what, and the rule.",
			.statuses =
				{
					"the description is good",
					NULL,
					"it is not",
				},
			.n_files = 1,
		},
	[VERB_CTL] =
		{
			.name = "ctl",
			.args = "SOCKET COMMAND...",
			.summary = "talk to a running machine",
			.about =
				"Talks to a running machine through its control "
				"socket.",
			.statuses =
				{
					"done",
					"the machine refused or cannot be reached",
					"wrong arguments",
				},
		},
	[VERB_HOST] =
		{
			.name = "host",
			.args = "",
			.summary =
				"tell what this host offers, and what to do about "
				"gaps",
			.about =
				"Tries what evnic needs of a host: KVM (for up to a "
				"second), tun, memory, limits. The last line is "
				"kvm-verdict=WORD: usable, absent, denied, unfit, "
				"broken or slow.",
			.statuses =
				{
					"stock kernels can run here",
					"they cannot",
				},
		},
};

const struct verb *verb_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++) {
		if (strcmp(name, verbs[i].name) == 0)
			return &verbs[i];
	}
	return NULL;
}

/* Prints words from @column on, and goes on in new lines at @indent. Returns the
 * column behind the last. */
static size_t write_wrapped(FILE *out, const char *text, size_t column,
			    size_t indent)
{
	while (*text) {
		size_t len = strcspn(text, " ");

		if (column > indent && column + 1 + len > LINE_MAX_COLUMNS) {
			(void)fprintf(out, "\n%*s", (int)indent, "");
			column = indent;
		} else if (column > indent) {
			(void)fputc(' ', out);
			column++;
		}
		(void)fwrite(text, 1, len, out);
		column += len;
		text += len;
		text += strspn(text, " ");
	}
	return column;
}

static void write_paragraph(FILE *out, const char *text)
{
	(void)write_wrapped(out, text, 0, 0);
	(void)fputc('\n', out);
}

static void write_options(FILE *out, const struct verb_option *option)
{
	int width = 0;

	for (const struct verb_option *o = option; o->name; o++)
		width = MAX(width, (int)(strlen(o->name) + strlen(o->value)));
	for (; option->name; option++) {
		(void)fprintf(out, "  --%s %-*s  ", option->name,
			      width - (int)strlen(option->name), option->value);
		(void)write_wrapped(out, option->what, (size_t)width + 7,
				    (size_t)width + 7);
		(void)fputc('\n', out);
	}
}

/* What follows the verb. Returns @buf. */
static const char *usage(const struct verb *verb, char *buf, size_t size)
{
	(void)snprintf(buf, size, "%s%s", verb->args,
		       verb->options ? " [OPTIONS]" : "");
	return buf;
}

static void write_help(FILE *out, const struct verb *verb)
{
	char args[64];
	size_t column;
	bool first = true;

	(void)fprintf(out, "usage: evnic %s %s\n\n", verb->name,
		      usage(verb, args, sizeof(args)));
	write_paragraph(out, verb->about);
	if (verb->options)
		write_options(out, verb->options);
	if (verb->notes)
		write_paragraph(out, verb->notes);
	column = write_wrapped(out, "Exit status:", 0, 0);
	for (size_t i = 0; i < VERB_STATUSES; i++) {
		char status[16];

		if (!verb->statuses[i])
			continue;
		if (!first)
			(void)fputc(';', out);
		column += !first;
		first = false;
		(void)snprintf(status, sizeof(status), "%zu", i);
		column = write_wrapped(out, status, column, 0);
		column = write_wrapped(out, verb->statuses[i], column, 0);
	}
	(void)fprintf(out, ".\n");
}

void verbs_write_help(FILE *out)
{
	(void)fprintf(out, "evnic: a microVM network process\n\nusage:\n");
	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++) {
		char args[64];

		(void)fprintf(out, "  evnic %-6s %-22s %s\n", verbs[i].name,
			      usage(&verbs[i], args, sizeof(args)),
			      verbs[i].summary);
	}
	(void)fprintf(out,
		      "  evnic VERB --help                   more about it\n"
		      "  evnic --version                     which evnic this "
		      "is\n");
}

int verb_wrong(const struct verb *verb, const char *what, const char *which)
{
	char text[QUOTED_MAX];

	(void)fprintf(stderr, "evnic: %s%s%s; see evnic %s%s--help\n", what,
		      which ? " " : "",
		      which ? quoted(which, text, sizeof(text)) : "",
		      verb ? verb->name : "", verb ? " " : "");
	return EXIT_WRONG;
}

/* What getopt_long() returns for an option that has a value. */
#define FIRST_VALUE 256

/* The verb's options, as getopt_long() wants them. */
static void fill(struct option *options, const struct verb *verb)
{
	const struct verb_option *from = verb->options;

	*options++ = (struct option){"help", no_argument, NULL, 'h'};
	for (; from && from->name; from++)
		*options++ = (struct option){from->name, required_argument,
					     NULL, FIRST_VALUE + (int)from->id};
	*options = (struct option){0};
}

int verb_read(const struct verb *verb, int argc, char **argv,
	      struct verb_arguments *args)
{
	struct option options[OPTIONS + 2];
	int option;

	*args = (struct verb_arguments){0};
	fill(options, verb);
	opterr = 0;
	while ((option = getopt_long(argc, argv, ":h", options, NULL)) != -1) {
		if (option == 'h') {
			write_help(stdout, verb);
			return EXIT_SUCCESS;
		}
		if (option == ':')
			return verb_wrong(verb, "a value is missing after",
					  argv[optind - 1]);
		if (option < FIRST_VALUE)
			return verb_wrong(verb, "unknown option",
					  argv[optind - 1]);
		args->options[option - FIRST_VALUE] = optarg;
	}
	if (argc - optind < verb->n_files)
		return verb_wrong(verb, "FILE is missing", NULL);
	if (argc - optind > verb->n_files)
		return verb_wrong(verb, "unexpected argument",
				  argv[optind + verb->n_files]);
	args->file = argv[optind];
	return -1;
}
