/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_MACHINE_VERBS_H
#define EVNIC_MACHINE_VERBS_H

/*
 * The verbs of the command line and their options: one table, from which the
 * arguments are read and the help, the manual page and the shell's completion
 * are made. What a verb does is main.c's.
 */

#include <stddef.h>
#include <stdio.h>

enum verb_id {
	VERB_RUN,
	VERB_CHECK,
	VERB_CTL,
	VERB_HOST,
	VERBS
};

/* All options of all verbs; each has a value. */
enum verb_option_id {
	OPTION_CONTROL,
	OPTION_ID,
	OPTION_LEVEL,
	OPTION_LOG_PATH,
	OPTION_PIDFILE,
	OPTION_READY_FD,
	OPTIONS
};

/* @name: without dashes; NULL: end of the table. @value: what its value is
 * called; PATH is a file's name. */
struct verb_option {
	const char *name;
	const char *value;
	const char *what;
	enum verb_option_id id;
};

#define VERB_STATUSES 3

/* @args: what follows the verb in its usage line, but for options. @about,
 * @notes: text without line ends, @notes behind the options, or NULL. @statuses:
 * what each exit status says; NULL: it does not come. @n_files: how many files
 * it takes. @options: NULL: none but --help. */
struct verb {
	const char *name;
	const char *args;
	const char *summary;
	const char *about;
	const struct verb_option *options;
	const char *notes;
	const char *statuses[VERB_STATUSES];
	int n_files;
};

extern const struct verb verbs[VERBS];

/* What the arguments of a verb came to. @options: NULL where not given. */
struct verb_arguments {
	const char *file;
	const char *options[OPTIONS];
};

/* The verb called @name, or NULL. */
const struct verb *verb_find(const char *name);

/* Reads the arguments that follow the verb (@argv[0]). -1: they are in @args;
 * otherwise the exit status: help was asked for and printed, or they are wrong
 * and this was told. */
int verb_read(const struct verb *verb, int argc, char **argv,
	      struct verb_arguments *args);

/* A complaint about the arguments, and where to read on. @verb: NULL: about the
 * verb itself. Returns the exit status. */
int verb_wrong(const struct verb *verb, const char *what, const char *which);

/* The help for all of evnic. */
void verbs_write_help(FILE *out);

#endif
