/* SPDX-License-Identifier: MIT */
/*
 * terminal OUTPUT COMMAND...: run a command on a pseudo-terminal of its own,
 * with what it prints there going to the file OUTPUT and stderr left alone.
 * Ends with the command's status, or 99 when the command has left the terminal
 * with other settings than it found.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "tool.h"

#define STATUS_NOT_GIVEN_BACK 99

static void command_run(int slave, char **argv)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	setsid();
	ioctl(slave, TIOCSCTTY, 0);
	dup2(slave, STDIN_FILENO);
	dup2(slave, STDOUT_FILENO);
	execvp(argv[0], argv);
	lab_fail(argv[0]);
	_exit(127);
}

static void output_copy(int master, int output)
{
	char buf[4096];
	ssize_t len = read(master, buf, sizeof(buf));

	if (len > 0 && write(output, buf, (size_t)len) != len)
		lab_fail("write");
}

/* Copy until the command has ended and everything it printed is through. */
static void command_follow(int master, int output, pid_t pid)
{
	struct pollfd fds[] = {
		{.fd = master, .events = POLLIN},
		{.events = POLLIN},
	};

	fds[1].fd = (int)syscall(SYS_pidfd_open, pid, 0);
	for (;;) {
		if (poll(fds, 2, -1) < 0 && errno != EINTR)
			return;
		if (fds[0].revents & POLLIN)
			output_copy(master, output);
		else if (fds[1].revents & POLLIN)
			return;
	}
}

static bool same_settings(int slave, const struct termios *before)
{
	struct termios now;

	return tcgetattr(slave, &now) == 0 && now.c_iflag == before->c_iflag &&
	       now.c_oflag == before->c_oflag &&
	       now.c_cflag == before->c_cflag &&
	       now.c_lflag == before->c_lflag &&
	       memcmp(now.c_cc, before->c_cc, sizeof(now.c_cc)) == 0;
}

int lab_terminal(char **argv)
{
	int output =
		open(argv[0], O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
	struct termios before;
	int master;
	int slave;
	int status;
	pid_t pid;

	if (output < 0)
		return lab_fail(argv[0]);
	if (openpty(&master, &slave, NULL, NULL, NULL) != 0 ||
	    tcgetattr(slave, &before) != 0)
		return lab_fail("openpty");
	fcntl(master, F_SETFD, FD_CLOEXEC);
	pid = fork();
	if (pid < 0)
		return lab_fail("fork");
	if (pid == 0)
		command_run(slave, argv + 1);
	command_follow(master, output, pid);
	if (waitpid(pid, &status, 0) != pid)
		return lab_fail("waitpid");
	if (!same_settings(slave, &before)) {
		(void)fputs("lab-tool: terminal not given back\n", stderr);
		return STATUS_NOT_GIVEN_BACK;
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
