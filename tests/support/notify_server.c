/* SPDX-License-Identifier: MIT */
/*
 * notify_server PATH COMMAND...: a service manager's end of sd_notify(3). Runs
 * COMMAND with $NOTIFY_SOCKET, and prints each message with the sender's place:
 * "main: READY=1 STATUS=...", where main is COMMAND's process. Its exit status
 * is COMMAND's.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static int listen_at(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int on = 1;
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	if (fd < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) < 0 ||
	    bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0) {
		perror(path);
		exit(125);
	}
	return fd;
}

/* Prints what has come, each message as a line. */
static void print_messages(int fd, pid_t child)
{
	union {
		char bytes[CMSG_SPACE(sizeof(struct ucred))];
		struct cmsghdr align;
	} control;
	char text[4096];

	for (;;) {
		struct iovec iov = {text, sizeof(text) - 1};
		struct msghdr msg = {
			.msg_iov = &iov,
			.msg_iovlen = 1,
			.msg_control = control.bytes,
			.msg_controllen = sizeof(control.bytes),
		};
		ssize_t n = recvmsg(fd, &msg, MSG_CMSG_CLOEXEC);
		struct ucred from = {0};

		if (n < 0)
			return;
		if (CMSG_FIRSTHDR(&msg))
			memcpy(&from, CMSG_DATA(CMSG_FIRSTHDR(&msg)),
			       sizeof(from));
		text[n] = '\0';
		for (char *at = text; (at = strchr(at, '\n')) != NULL;)
			*at = ' ';
		(void)printf("%s: %s\n", from.pid == child ? "main" : "other",
			     text);
		(void)fflush(stdout);
	}
}

int main(int argc, char **argv)
{
	struct pollfd fds[2];
	pid_t child;
	int status;

	if (argc < 3)
		return 125;
	fds[0] = (struct pollfd){.fd = listen_at(argv[1]), .events = POLLIN};
	(void)setenv("NOTIFY_SOCKET", argv[1], 1);
	child = fork();
	if (child == 0) {
		(void)execvp(argv[2], argv + 2);
		perror(argv[2]);
		_exit(126);
	}
	fds[1].fd = (int)syscall(SYS_pidfd_open, child, 0);
	fds[1].events = POLLIN;
	do {
		if (poll(fds, 2, -1) < 0 && errno != EINTR)
			break;
		print_messages(fds[0].fd, child);
	} while (!fds[1].revents);
	(void)unlink(argv[1]);
	if (waitpid(child, &status, 0) < 0 || !WIFEXITED(status))
		return 125;
	return WEXITSTATUS(status);
}
