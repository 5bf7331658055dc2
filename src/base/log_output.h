/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_BASE_LOG_OUTPUT_H
#define EVNIC_BASE_LOG_OUTPUT_H

/*
 * Where log lines go: standard error, or a file that is opened for appending,
 * so that several machines may share one and a file that is cut (logrotate's
 * copytruncate) goes on at its new end.
 *
 * A line that cannot be written, because the disk is full or nobody reads the
 * pipe, is lost and counted; nobody waits. A pipe, a terminal and the journal
 * are therefore written without blocking. (What else standard error may be, a
 * socket of somebody's, is written as it is.)
 */

#include "base/util.h"

/* Who is going to read the lines. */
enum log_shape {
	LOG_SHAPE_STDERR,  /* people, or what started us */
	LOG_SHAPE_JOURNAL, /* systemd's journal, on standard error */
	LOG_SHAPE_FILE,	   /* whoever comes later */
};

/* Lines go to @path from now on (NULL: to standard error, which is looked at
 * first). 0, or -errno: nothing has changed. While there is one thread. */
int log_output_open(const char *path) MUST_CHECK;

/* Opens @path as a log file: a file descriptor, close-on-exec, or -errno. It is
 * made, with rights 0640, if it is missing. */
int log_output_open_file(const char *path) MUST_CHECK;

/* Lines go to the file behind @fd, which is closed, instead of the former one:
 * no line of any thread is lost in between. Any thread; log_output_open(path)
 * came before. 0, or -errno: the former file stays. */
int log_output_replace(int fd) MUST_CHECK;

/* The file descriptor that lines are written to: its number never changes after
 * log_output_open(). */
int log_output_fd(void);

enum log_shape log_output_shape(void);

/* One line, newline included. From any thread or signal handler. Lines that
 * were lost before are the caller's to tell: *@lost is how many, *@err why (a
 * positive errno value); they are no longer counted here, and are again if
 * log_output_write() is given them back as @told and fails. */
uint64_t log_output_lost(int *err);
void log_output_write(const char *text, size_t len, uint64_t told);

#endif
