/* SPDX-License-Identifier: MIT */
/*
 * Readiness. systemd's messages are datagrams of lines NAME=VALUE; it knows the
 * sender by the credentials that the kernel adds. The socket is made early, since
 * the opener may be confined by the time it has something to say, and is not
 * connected: systemd may bind another one to the name meanwhile.
 */
#include "machine/notify.h"

#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define VARIABLE "NOTIFY_SOCKET"

/* How long to wait for systemd to read what it was sent before. */
#define SEND_TIMEOUT_S 1

/* Fills in the address. 0 or -errno. */
static int read_address(struct notify *notify, const char *name)
{
	size_t len = strlen(name);

	if (name[0] != '/' && name[0] != '@')
		return -EAFNOSUPPORT;
	if (len < 2)
		return -EINVAL;
	if (len >= sizeof(notify->address.sun_path))
		return -ENAMETOOLONG;
	notify->address.sun_family = AF_UNIX;
	memcpy(notify->address.sun_path, name, len);
	notify->address_len =
		(socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
	if (name[0] == '@')
		notify->address.sun_path[0] = '\0';
	else
		notify->address_len++; /* the terminating zero */
	return 0;
}

static int open_socket(struct notify *notify, const char *name)
{
	const struct timeval timeout = {.tv_sec = SEND_TIMEOUT_S};
	int err = read_address(notify, name);

	if (err < 0)
		return err;
	notify->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (notify->fd < 0)
		return -errno;
	return setsockopt(notify->fd, SOL_SOCKET, SO_SNDTIMEO, &timeout,
			  sizeof(timeout)) < 0
		       ? -errno
		       : 0;
}

void notify_init(struct notify *notify, int ready_fd)
{
	const char *name = getenv(VARIABLE);
	char cause[ERRNO_TEXT_MAX];
	int err;

	memset(notify, 0, sizeof(*notify));
	notify->fd = -1;
	notify->ready_fd = ready_fd;
	if (ready_fd >= 0)
		(void)fcntl(ready_fd, F_SETFD, FD_CLOEXEC);
	if (!name)
		return;
	err = open_socket(notify, name);
	if (err < 0) {
		log_warn("%s: systemd cannot be notified: %s: " VARIABLE
			 " must be the absolute path of a socket, or \"@\" and "
			 "an abstract name",
			 name, errno_text(-err, cause, sizeof(cause)));
		close_fd(&notify->fd);
	}
	(void)unsetenv(VARIABLE);
}

static void send_text(struct notify *notify, const char *text)
{
	char cause[ERRNO_TEXT_MAX];

	if (notify->fd < 0)
		return;
	if (sendto(notify->fd, text, strlen(text), MSG_NOSIGNAL,
		   (const struct sockaddr *)&notify->address,
		   notify->address_len) < 0)
		log_warn("systemd cannot be notified: %s",
			 errno_text(errno, cause, sizeof(cause)));
}

void notify_ready(struct notify *notify)
{
	static const char line[] = "READY\n";
	char cause[ERRNO_TEXT_MAX];

	if (notify->ready_fd >= 0) {
		if (write(notify->ready_fd, line, sizeof(line) - 1) < 0)
			log_warn("--ready-fd: nobody can be told that the "
				 "machine runs: %s",
				 errno_text(errno, cause, sizeof(cause)));
		close_fd(&notify->ready_fd);
	}
	send_text(notify, "READY=1\nSTATUS=The machine runs.");
}

void notify_reloading(struct notify *notify)
{
	struct timespec now = {0};
	char text[128];

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	(void)snprintf(text, sizeof(text),
		       "RELOADING=1\nMONOTONIC_USEC=%llu\n"
		       "STATUS=The log is opened anew.",
		       (unsigned long long)now.tv_sec * 1000000 +
			       (unsigned long long)now.tv_nsec / 1000);
	send_text(notify, text);
}

void notify_stopping(struct notify *notify)
{
	if (!notify->stopping)
		send_text(notify, "STOPPING=1\nSTATUS=The machine ends.");
	notify->stopping = true;
}

void notify_fini(struct notify *notify)
{
	close_fd(&notify->ready_fd);
	close_fd(&notify->fd);
}
