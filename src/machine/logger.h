/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_MACHINE_LOGGER_H
#define EVNIC_MACHINE_LOGGER_H

/*
 * What a description's "id" and "logger" come to: base/log.h set up, and the log
 * file's life.
 */

#include "base/log.h"
#include "machine/config.h"

/* The id of a machine whose description, the file at @path, names none: the
 * file's name without ".json". */
void logger_default_id(const char *path, char id[LOG_ID_MAX]);

/* The level called @word, in whatever case, for @config->logger.level; -1: there
 * is none. */
int logger_level(const char *word);

/* Lines are written as @config says from now on. 0, or -1 after a line on
 * standard error. While there is one thread. */
int logger_open(const struct machine_config *config) MUST_CHECK;

/* Is SIGHUP about the log? It is if lines go to a file, or to the journal, where
 * there is nothing to be done. If they go to standard error it means that the
 * terminal was closed. */
bool logger_hears_hangup(void);

/* The log file was moved away: lines go to a new one at its path. 0, or -errno
 * and a line in the old one, which stays. Nothing to do without a log file. */
int logger_reopen(const struct machine_config *config) MUST_CHECK;

#endif
