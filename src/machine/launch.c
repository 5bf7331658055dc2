/* SPDX-License-Identifier: MIT */
/*
 * Two processes, and what the opener does until the machine has ended.
 *
 * The opener waits for three things: requests of the machine, signals (which it
 * passes on), and the machine's end. All signals come by a signalfd, so that
 * none is lost between two steps.
 */
#include "machine/launch.h"

#include "base/log.h"
#include "base/log_output.h"
#include "machine/fd_limit.h"
#include "machine/launch_private.h"
#include "machine/logger.h"
#include "machine/machine.h"
#include "machine/opener_server.h"
#include "machine/pidfile.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* How long one waits for a machine that was killed: much longer than for what
 * may be anybody's (opener_retry()). */
#define FORMER_MS	30000
#define FORMER_FIRST_MS 8
#define FORMER_STEP_MS	512

void launch_failed(const char *what, int err)
{
	char cause[ERRNO_TEXT_MAX];

	log_error("%s: %s", what, errno_text(-err, cause, sizeof(cause)));
}

void launch_tell(const struct sandbox_report *report)
{
	for (size_t i = 0; i < report->n; i++)
		log_warn("sandbox: %s", report->lines[i]);
}

/* What the opener hears. */
static void fill_signals(sigset_t *set)
{
	machine_signals(set);
	(void)sigaddset(set, SIGCHLD);
	(void)sigaddset(set, SIGTSTP);
}

/* Neither process stops because it touches the terminal in the background: to
 * read it fails then (kvm/console.h), to put it back works. */
static void block_job_control(void)
{
	sigset_t set;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGTTIN);
	(void)sigaddset(&set, SIGTTOU);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
}

/* Ctrl-Z: both stop, and both go on. */
static void stop_both(pid_t machine)
{
	sigset_t set;

	(void)kill(machine, SIGSTOP);
	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGTSTP);
	(void)raise(SIGTSTP);
	(void)sigprocmask(SIG_UNBLOCK, &set, NULL); /* here we stop */
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
	(void)kill(machine, SIGCONT);
}

static void pass_on(struct opener_server *server, pid_t machine, int number)
{
	if (number != SIGUSR1)
		notify_stopping(&server->notify);
	(void)kill(machine, number);
}

/* SIGHUP: the log is opened anew, here and then by the machine, which says that
 * it is ready again when it has. */
static void reopen_log(struct opener_server *server, pid_t machine)
{
	bool file = log_output_shape() == LOG_SHAPE_FILE;

	if (server->ready)
		notify_reloading(&server->notify);
	server->reloading = file && logger_reopen(server->config) == 0;
	if (server->reloading)
		(void)kill(machine, SIGHUP);
	else if (server->ready)
		notify_ready(&server->notify);
}

static void hear(struct opener_server *server, int signals, pid_t machine)
{
	struct signalfd_siginfo info;

	if (read(signals, &info, sizeof(info)) != sizeof(info))
		return;
	if (info.ssi_signo == SIGTSTP)
		stop_both(machine);
	else if (info.ssi_signo == SIGHUP && logger_hears_hangup())
		reopen_log(server, machine);
	else if (info.ssi_signo != SIGCHLD)
		pass_on(server, machine, (int)info.ssi_signo);
}

/* Has the machine ended? */
static bool has_ended(pid_t machine, siginfo_t *info)
{
	info->si_pid = 0;
	return waitid(P_PID, (id_t)machine, info, WEXITED | WNOHANG) == 0 &&
	       info->si_pid == machine;
}

/* Until the machine has ended. What it has said last is heard, too. */
static void tend(struct opener_server *server, int signals, pid_t machine,
		 siginfo_t *info)
{
	struct pollfd fds[1 + OPENER_CHANNELS_MAX];

	while (!has_ended(machine, info)) {
		size_t n = opener_server_poll(server, fds + 1);

		fds[0] = (struct pollfd){.fd = signals, .events = POLLIN};
		if (poll(fds, n + 1, -1) < 0)
			continue;
		(void)opener_server_serve(server);
		if (fds[0].revents)
			hear(server, signals, machine);
	}
	notify_stopping(&server->notify);
	while (opener_server_serve(server))
		;
}

static int exit_status(const siginfo_t *info)
{
	const char *name;

	if (info->si_code == CLD_EXITED)
		return info->si_status == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
	name = sigabbrev_np(info->si_status);
	log_error("the machine was killed by signal %s%s", name ? name : "?",
		  info->si_status == SIGKILL
			  ? ": by a user, or because memory ran out"
			  : "");
	return EXIT_FAILURE;
}

/* 0 or -errno, after a log line. */
static int confine(const struct sandbox_config *sandbox)
{
	struct sandbox_report report = {.n = 0};
	char error[sizeof(report.lines[0]) + ERRNO_TEXT_MAX];
	int err = sandbox_enter_opener(sandbox, &report, error, sizeof(error));

	if (err < 0)
		log_error("%s", error);
	else
		launch_tell(&report);
	return err;
}

/* @fd: the opener's end of the socket pair, the server's from now on. */
static int run_opener(struct opener_server *server, int fd, int signals,
		      pid_t machine, const struct sandbox_config *sandbox)
{
	siginfo_t info;

	if (confine(sandbox) == 0)
		server->channels[0].fd = fd;
	else
		close_fd(&fd); /* which ends the machine */
	tend(server, signals, machine, &info);
	return exit_status(&info);
}

/* As sandbox_fork(); after a failure there is a log line. */
static pid_t fork_machine(const struct sandbox_config *sandbox,
			  struct sandbox_report *report)
{
	pid_t machine = sandbox_fork(sandbox, report);

	if (machine >= 0)
		return machine;
	if (report->n)
		log_error("sandbox: %s; or set \"require_sandbox\": false, to "
			  "go on without",
			  report->lines[report->n - 1]);
	else
		launch_failed("sandbox: fork", machine);
	return machine;
}

/* Both processes, with the signals that the opener hears in @signals. */
static int run_both(struct opener_server *server, int signals)
{
	static const enum sandbox_seccomp seccomp[] = {
		[CONFIG_SECCOMP_ON] = SANDBOX_SECCOMP_ON,
		[CONFIG_SECCOMP_LOG] = SANDBOX_SECCOMP_LOG,
		[CONFIG_SECCOMP_OFF] = SANDBOX_SECCOMP_OFF,
	};
	const struct sandbox_keys *keys = &server->config->sandbox;
	const struct sandbox_config sandbox = {
		.seccomp = seccomp[keys->seccomp],
		.uid = (long)keys->uid,
		.gid = (long)keys->gid,
		.required = keys->require_sandbox,
		.sockets = keys->sockets,
	};
	struct sandbox_report report = {.n = 0};
	int status = EXIT_FAILURE;
	int pair[2];
	pid_t machine;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0) {
		launch_failed("opener", -errno);
		return EXIT_FAILURE;
	}
	machine = fork_machine(&sandbox, &report);
	if (machine == 0)
		launch_machine(server->config, &sandbox, &report, pair[1]);
	close_fd(&pair[1]);
	if (machine > 0)
		status =
			run_opener(server, pair[0], signals, machine, &sandbox);
	else
		close_fd(&pair[0]);
	return status;
}

static int serve(const struct machine_config *config,
		 const struct launch_options *options, int signals)
{
	struct opener_server server;
	struct opener_error error;
	int status = EXIT_FAILURE;

	opener_server_init(&server, config, options);
	if (opener_captures_init(&server, &error) < 0)
		log_error("%s", error.text);
	else
		status = run_both(&server, signals);
	opener_server_fini(&server);
	return status;
}

static bool is_orphaned(const char *path)
{
	return path && unix_is_orphaned(path);
}

/* A machine whose opener was killed dies with it, but lets go of nothing before
 * its memory is given back, which takes a while if it is much. A signal ends the
 * wait. */
static void await_former(const struct machine_config *config, int signals)
{
	struct pollfd wake = {.fd = signals, .events = POLLIN};
	bool told = false;
	int waited = 0, wait = FORMER_FIRST_MS;

	while (waited < FORMER_MS && (is_orphaned(config->control_socket) ||
				      is_orphaned(config->metrics_socket))) {
		if (wait == FORMER_STEP_MS && !told)
			log_info("a machine that was killed is still giving "
				 "back its memory: waiting for it");
		told = wait == FORMER_STEP_MS;
		if (poll(&wake, 1, wait) > 0)
			break;
		waited += wait;
		wait = MIN(2 * wait, FORMER_STEP_MS);
	}
}

struct pidfile_attempt {
	struct pidfile *pidfile;
	const char *path;
	char error[OPENER_ERROR_MAX];
};

static int pidfile_once(void *arg)
{
	struct pidfile_attempt *attempt = arg;

	return pidfile_create(attempt->pidfile, attempt->path, attempt->error,
			      sizeof(attempt->error));
}

static int take_pidfile(struct pidfile *pidfile, const char *path)
{
	struct pidfile_attempt attempt = {.pidfile = pidfile, .path = path};
	int err = path ? opener_retry(pidfile_once, &attempt) : 0;

	if (err < 0)
		log_error("%s", attempt.error);
	return err;
}

int launch(const struct machine_config *config,
	   const struct launch_options *options)
{
	struct pidfile pidfile = {.fd = -1};
	int status = EXIT_FAILURE;
	sigset_t set;
	int signals;

	fd_limit_raise();
	block_job_control();
	fill_signals(&set);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
	signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (signals < 0) {
		launch_failed("signals", -errno);
	} else if (take_pidfile(&pidfile, options->pidfile) == 0) {
		await_former(config, signals);
		status = serve(config, options, signals);
	}
	pidfile_remove(&pidfile);
	close_fd(&signals);
	return status;
}
