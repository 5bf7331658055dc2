/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_MACHINE_CTL_PRIVATE_H
#define EVNIC_MACHINE_CTL_PRIVATE_H

/*
 * What the files of "evnic ctl" share: ctl.c (arguments, the table of commands),
 * ctl_docs.c (what that tells of itself), ctl_show.c (what queries tell),
 * ctl_change.c, ctl_capture.c, ctl_flows.c, ctl_top.c.
 */

#include "machine/ctl_client.h"

#include <stdbool.h>
#include <stdio.h>

#define CTL_OPTIONS_MAX 8

/* Exit statuses. */
#define CTL_DONE   0
#define CTL_FAILED 1
#define CTL_WRONG  2

struct ctl;

/* @value: what its value is called; NULL: it has none. */
struct ctl_option {
	const char *name; /* with dashes; NULL: end of the table */
	const char *value;
	const char *what;
};

/* @name: one or two words. @words: what follows it, as usage. @qmp: the command
 * of the control socket that it stands for. @run: the exit status. */
struct ctl_command {
	const char *name;
	const char *words;
	size_t min_words, max_words;
	const struct ctl_option *options;
	const char *qmp;
	const char *what;
	int (*run)(struct ctl *ctl);
};

/* Ends with a row without a name. */
extern const struct ctl_command ctl_commands[];

void ctl_write_usage(FILE *out, const struct ctl_command *command);

/* @options: the values given, in the order of the command's table; a flag's is
 * "". */
struct ctl {
	const char *socket;
	const struct ctl_command *command;
	bool json;
	char **words;
	size_t n_words;
	const char *options[CTL_OPTIONS_MAX];
	struct ctl_client client;
};

/* The value of an option; NULL: it was not given. */
const char *ctl_option(const struct ctl *ctl, const char *name);

/* Word @i; NULL: there are fewer. */
const char *ctl_word(const struct ctl *ctl, size_t i);

/* Adds the option's value to @args under @key: a number. False: it is none, and
 * this was told. */
bool ctl_add_number(const struct ctl *ctl, const char *name, cJSON *args,
		    const char *key);

/* Adds "NAME=VALUE" to @args: as JSON if VALUE is, or else as text. False: there
 * is no "=", and this was told. */
bool ctl_add_pair(cJSON *args, const char *pair);

/* A complaint about the arguments. Returns CTL_WRONG. */
int ctl_wrong(const struct ctl *ctl, const char *what, const char *which);

/* Runs a command and prints what it returns, as JSON, if that was asked for. */
int ctl_do(struct ctl *ctl, const char *command, cJSON *args, int fd);

/* Passes descriptor @fd, and adds its name to @args. False: it could not be. */
bool ctl_pass_fd(struct ctl *ctl, int fd, cJSON *args);

/* Prints JSON, and deletes it. */
int ctl_print_json(cJSON *value);

/* Prints text of the machine's, without what could drive a terminal. */
void ctl_print_text(FILE *out, const char *text);

/* Members of what a query returned; NULL or 0 if it is not there. */
const char *ctl_string(const cJSON *object, const char *name);
double ctl_number(const cJSON *object, const char *name);

/* The commands. */
int ctl_run_simple(struct ctl *ctl); /* no arguments */
int ctl_run_qmp(struct ctl *ctl);
int ctl_run_events(struct ctl *ctl);
int ctl_run_status(struct ctl *ctl);
int ctl_run_nics(struct ctl *ctl);
int ctl_run_stats(struct ctl *ctl);
int ctl_run_inspect(struct ctl *ctl);
int ctl_run_limits(struct ctl *ctl);
int ctl_set_limits(struct ctl *ctl);
int ctl_run_netdev_add(struct ctl *ctl);
int ctl_run_netdev_del(struct ctl *ctl);
int ctl_run_netdev_replace(struct ctl *ctl);
int ctl_run_set_link(struct ctl *ctl);
int ctl_run_device_add(struct ctl *ctl);
int ctl_run_device_del(struct ctl *ctl);
int ctl_run_capture(struct ctl *ctl);
int ctl_run_capture_start(struct ctl *ctl);
int ctl_run_capture_stop(struct ctl *ctl);
int ctl_run_top(struct ctl *ctl);
int ctl_run_hostfwd(struct ctl *ctl);
int ctl_run_flows(struct ctl *ctl);

/* A text table: cells are added row by row, the first row is the heading;
 * columns are as wide as their widest cell, numbers stand on the right. */
struct ctl_table {
	size_t columns;
	char **cells;
	size_t n_cells, size;
	bool failed;
};

void ctl_table_init(struct ctl_table *table, size_t columns);
void ctl_table_add(struct ctl_table *table, const char *format, ...)
	PRINTF_LIKE(2, 3);

/* Prints at most @rows rows, the heading included (0: all), each with @line_end,
 * and frees. */
void ctl_table_print(struct ctl_table *table, size_t rows,
		     const char *line_end);

#endif
