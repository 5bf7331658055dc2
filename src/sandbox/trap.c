/* SPDX-License-Identifier: MIT */
/*
 * A violation: a thread made a system call that the table does not allow it.
 *
 * The kernel sends that thread SIGSYS instead of carrying the call out. The
 * handler writes one line, from what the thread said when it began, and then
 * violates once more: with SIGSYS blocked, as it is in its handler, the kernel
 * resets the signal and ends the process by it. So the parent sees how it
 * ended, the handler cannot loop, and a process 1 ends too, for which raise(3)
 * would do nothing.
 *
 * Everything here is async-signal-safe.
 */
#include "base/log.h"
#include "sandbox/calls.h"
#include "sandbox/sandbox_private.h"

#include <errno.h>
#include <linux/audit.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static _Thread_local enum thread_kind self;

struct line {
	char text[256];
	size_t n;
};

static void add(struct line *line, const char *text)
{
	size_t n = MIN(strlen(text), sizeof(line->text) - line->n);

	memcpy(line->text + line->n, text, n);
	line->n += n;
}

static void add_number(struct line *line, unsigned int value)
{
	char digits[11];
	size_t at = sizeof(digits);

	digits[--at] = '\0';
	do {
		digits[--at] = (char)('0' + value % 10);
		value /= 10;
	} while (value);
	add(line, digits + at);
}

static void violation_cb(int signal, siginfo_t *info, void *context)
{
	bool foreign = info->si_arch != AUDIT_ARCH_X86_64;
	struct line line = {.n = 0};

	UNUSED(signal);
	UNUSED(context);
	add(&line, "seccomp: system call ");
	add(&line,
	    foreign ? "of another architecture" : call_name(info->si_syscall));
	add(&line, " (");
	add_number(&line, (unsigned int)info->si_syscall);
	add(&line, ") is not in the list of the ");
	add(&line, thread_kind_name(self));
	add(&line, " thread");
	add(&line, *thread_name() ? " " : "");
	add(&line, thread_name());
	add(&line, ": the process ends");
	log_emergency(line.text, line.n);
	(void)syscall(SYS_execve, NULL, NULL, NULL);
	_exit(128 + SIGSYS);
}

int sandbox_trap_init(void)
{
	struct sigaction action = {
		.sa_sigaction = violation_cb,
		.sa_flags = SA_SIGINFO,
	};

	return sigaction(SIGSYS, &action, NULL) < 0 ? -errno : 0;
}

/* Threads are made with all signals blocked; this one would kill then, without
 * a line. */
void sandbox_trap_begin(enum thread_kind kind)
{
	sigset_t set;

	self = kind;
	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGSYS);
	(void)pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}
