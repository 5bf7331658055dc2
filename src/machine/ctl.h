/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_MACHINE_CTL_H
#define EVNIC_MACHINE_CTL_H

/*
 * "evnic ctl": the client of the control socket, for people and scripts.
 */

#include <stdio.h>

/* Reads the arguments (@argv[0] is the verb), does what they ask for and returns
 * the exit status: 0 done, 1 it failed or the machine refused, 2 wrong
 * arguments. Errors go to standard error. */
int ctl_main(int argc, char **argv);

/* The table of commands: as help, as rows of a Markdown table, as a list of a
 * manual page. */
void ctl_write_help(FILE *out);
void ctl_write_markdown(FILE *out);
void ctl_write_mdoc(FILE *out);

#endif
