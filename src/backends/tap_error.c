/* SPDX-License-Identifier: MIT */
/*
 * One line for people, and what sysfs knows of a tap.
 */
#include "backends/tap_error.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PATH_SIZE (64 + IFNAMSIZ)

int tap_fail(struct tap_error *err, int code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(err->text, sizeof(err->text), fmt, ap);
	va_end(ap);
	return code;
}

int tap_fail_errno(struct tap_error *err, const char *what, const char *cure)
{
	int code = errno;
	char text[ERRNO_TEXT_MAX];

	return tap_fail(err, -code, "%s: %s: %s", what,
			errno_text(code, text, sizeof(text)), cure);
}

long tap_sysfs_flags(const char *name)
{
	char path[PATH_SIZE];
	char text[32];
	ssize_t n;
	int fd;

	(void)snprintf(path, sizeof(path), "/sys/class/net/%s/tun_flags", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	n = read(fd, text, sizeof(text) - 1);
	close_fd(&fd);
	if (n <= 0)
		return -1;
	text[n] = '\0';
	return strtol(text, NULL, 16);
}

/* The driver shows as many transmit queues as are attached. */
int tap_sysfs_queues(const char *name)
{
	char path[PATH_SIZE];
	const struct dirent *entry;
	int n = 0;
	DIR *dir;

	(void)snprintf(path, sizeof(path), "/sys/class/net/%s/queues", name);
	dir = opendir(path);
	if (!dir)
		return -1;
	while ((entry = readdir(dir)))
		n += strncmp(entry->d_name, "tx-", 3) == 0;
	(void)closedir(dir);
	return n;
}
