/* SPDX-License-Identifier: MIT */
/*
 * Counting instructions by ptrace().
 *
 * The child stops itself by a signal at each border. Its tracer takes the signal
 * away and goes on, in single steps while it counts. What a border costs (the
 * end of one kill() and the beginning of the next) is counted once, with nothing
 * in between, and subtracted.
 */
#include "step_count.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define BORDER SIGUSR1

static pid_t self;

static void border(void)
{
	(void)syscall(SYS_kill, self, BORDER);
}

void step_begin(void)
{
	border();
}

void step_end(void)
{
	border();
}

static void child(void (*body)(void *arg), void *arg)
{
	self = getpid();
	if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0)
		_exit(EXIT_FAILURE);
	step_begin();
	step_end();
	body(arg);
	_exit(EXIT_SUCCESS);
}

/* Follows the child to its end. @stretch: instructions between the two borders
 * around nothing; *@total: of all stretches; *@stretches: how many. */
static int follow(pid_t pid, uint64_t *stretch, uint64_t *total,
		  uint64_t *stretches)
{
	uint64_t steps = 0;
	int status, signal = 0, counting = 0;

	for (;;) {
		if (waitpid(pid, &status, 0) < 0)
			return -errno;
		if (WIFEXITED(status))
			return WEXITSTATUS(status) == EXIT_SUCCESS ? 0
								   : -ECHILD;
		if (!WIFSTOPPED(status))
			return -ECHILD;
		signal = WSTOPSIG(status);
		if (signal == BORDER) {
			if (counting && !*stretches)
				*stretch = steps;
			if (counting) {
				*total += steps;
				(*stretches)++;
			}
			counting = !counting;
			steps = 0;
			signal = 0;
		} else if (counting && signal == SIGTRAP) {
			steps++;
			signal = 0;
		}
		if (ptrace(counting ? PTRACE_SINGLESTEP : PTRACE_CONT, pid,
			   NULL, (void *)(intptr_t)signal) < 0)
			return -errno;
	}
}

int step_count(void (*body)(void *arg), void *arg, uint64_t *n)
{
	uint64_t nothing = 0, total = 0, stretches = 0;
	pid_t pid = fork();
	int err;

	if (pid < 0)
		return -errno;
	if (!pid)
		child(body, arg);
	err = follow(pid, &nothing, &total, &stretches);
	if (err < 0) {
		(void)kill(pid, SIGKILL);
		(void)waitpid(pid, NULL, 0);
		return err;
	}
	*n = total - stretches * nothing;
	return 0;
}
