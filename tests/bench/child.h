/* SPDX-License-Identifier: MIT */
/*
 * A program under measurement: a child with its standard output on a pipe. What
 * it writes to standard error is shown when it fails, and forgotten otherwise.
 *
 * Functions return 0 or -errno and print what failed. One thread per child.
 */
#ifndef TESTS_BENCH_CHILD_H
#define TESTS_BENCH_CHILD_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct child {
	pid_t pid; /* -1: none */
	int out;   /* read end of its standard output */
	int err;   /* file with its standard error */
	uint64_t started_ns;
};

/* CLOCK_MONOTONIC, in nanoseconds. */
uint64_t bench_now_ns(void);

/* Start @argv; @started_ns is taken just before. */
int child_start(struct child *child, char *const argv[]);

/* Wait for the first byte of output; *@at_ns is when it was there. */
int child_first_byte(struct child *child, uint64_t *at_ns);

/* Read output until a line begins with @prefix; the line goes to @line. */
int child_read_line(struct child *child, const char *prefix, char *line,
		    size_t size);

/* Read the rest of the output, wait; -ECHILD unless the exit status is 0. */
int child_finish(struct child *child);

/* End it with SIGTERM if it still runs, and wait. Idempotent. */
void child_stop(struct child *child);

/* The process in which evnic runs its guest: the child's own child; -errno. */
pid_t child_machine(const struct child *child);

/* "VmRSS" and the like of /proc/PID/status, in KiB, of both processes; what they
 * share counts twice. -errno. */
long child_status_kib(const struct child *child, const char *name);

/* The same of one process. */
long process_status_kib(pid_t pid, const char *name);

/*
 * A machine description for evnic in an anonymous file: 128 MiB, one vCPU, one
 * NIC on the backend "null". Returns its descriptor, and in @path a name by
 * which children can open it while this process keeps it open; or -errno.
 */
int child_description(const char *payload, const char *args,
		      unsigned int busy_poll_us, char *path, size_t size);

#endif
