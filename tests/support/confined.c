/* SPDX-License-Identifier: MIT */
#include "support/confined.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct job {
	enum thread_kind kind;
	confined_fn body;
	void *arg;
	int status;
};

static void *thread_main(void *arg)
{
	struct job *job = arg;

	thread_begin(job->kind, CONFINED_NAME);
	job->status = job->body(job->arg);
	return NULL;
}

static int run_job(struct job *job)
{
	pthread_t thread;
	sigset_t all;

	if (job->kind == THREAD_CONTROL || job->kind == THREAD_OPENER)
		return job->body(job->arg);
	/* As the machine's are made. */
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, NULL);
	if (pthread_create(&thread, NULL, thread_main, job) ||
	    pthread_join(thread, NULL))
		return CONFINED_FAILED;
	return job->status;
}

static _Noreturn void child(const struct sandbox_config *config,
			    struct sandbox_report *report, int log,
			    struct job *job)
{
	char error[512];
	int err;

	(void)dup2(log, STDERR_FILENO);
	if (job->kind == THREAD_OPENER)
		err = sandbox_enter_opener(config, report, error,
					   sizeof(error));
	else
		err = sandbox_enter(config, report, error, sizeof(error));
	for (size_t i = 0; i < report->n; i++)
		(void)fprintf(stderr, "weak: %s\n", report->lines[i]);
	if (err < 0) {
		(void)fprintf(stderr, "failed: %s\n", error);
		_exit(CONFINED_FAILED);
	}
	_exit(run_job(job));
}

int confined_start(const struct sandbox_config *config, enum thread_kind kind,
		   confined_fn body, void *arg, struct sandbox_report *report,
		   pid_t *pid, int *log)
{
	struct job job = {.kind = kind, .body = body, .arg = arg};
	int fds[2];

	ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
	if (kind == THREAD_OPENER) {
		report->n = 0;
		*pid = fork();
	} else {
		*pid = sandbox_fork(config, report);
	}
	if (*pid == 0)
		child(config, report, fds[1], &job);
	*log = fds[0];
	close_fd(&fds[1]);
	return MIN(*pid, 0);
}

void confined_end(pid_t pid, int log, struct confined *out)
{
	size_t used = 0;
	ssize_t n;

	do {
		n = read(log, out->log + used, sizeof(out->log) - 1 - used);
		used += n > 0 ? (size_t)n : 0;
	} while (n > 0 || (n < 0 && errno == EINTR));
	out->log[used] = '\0';
	ck_assert_int_eq(waitpid(pid, &out->status, 0), pid);
	close_fd(&log);
}

void confined_run(const struct sandbox_config *config, enum thread_kind kind,
		  confined_fn body, void *arg, struct confined *out)
{
	pid_t pid;
	int log;

	ck_assert_int_eq(confined_start(config, kind, body, arg, &out->report,
					&pid, &log),
			 0);
	confined_end(pid, log, out);
}

const char *confined_obstacle(void)
{
	const struct sandbox_config config = {.uid = -1, .gid = -1};
	static struct sandbox_report report;
	static char error[512];
	int status = -1;
	pid_t pid = sandbox_fork(&config, &report);

	if (pid == 0)
		_exit(sandbox_enter(&config, &report, error, sizeof(error)) <
			      0 ||
		      report.n);
	if (pid > 0 && waitpid(pid, &status, 0) == pid && status == 0)
		return NULL;
	return report.n ? report.lines[0] : "processes cannot be confined here";
}
