/* SPDX-License-Identifier: MIT */
/*
 * Bounded waits on events, so that no script of the lab sleeps: a line in a
 * growing file (inotify), the end of a process (pidfd), a link's carrier or
 * address (rtnetlink).
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/rtnetlink.h>
#include <poll.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tool.h"

#define LOOK_AGAIN_MS 200

static int pidfd_get(const char *text)
{
	pid_t pid = (pid_t)lab_number(text, INT32_MAX);

	return (int)syscall(SYS_pidfd_open, pid, 0);
}

/*
 * Whether a whole line from @offset on matches; moves @offset past it and
 * prints it.
 */
static bool line_match(FILE *file, const regex_t *want, long *offset)
{
	char *line = NULL;
	size_t size = 0;
	ssize_t len;
	bool found = false;

	clearerr(file);
	if (fseek(file, *offset, SEEK_SET) != 0)
		return false;
	while (!found && (len = getline(&line, &size, file)) > 0) {
		if (line[len - 1] != '\n')
			break;
		*offset += len;
		line[strcspn(line, "\r\n")] = '\0';
		found = regexec(want, line, 0, NULL, 0) == 0;
		if (found)
			printf("%ld %s\n", *offset, line);
	}
	free(line);
	return found;
}

static void drain(int fd)
{
	char buf[4096];

	while (read(fd, buf, sizeof(buf)) > 0)
		;
}

/*
 * Wait for a line of @file that matches, until @deadline or the end of the
 * process behind @pidfd (-1: it has ended). Lines written before the end count.
 */
static int line_wait(FILE *file, const regex_t *want, long *offset,
		     uint64_t deadline, int notify, int pidfd)
{
	struct pollfd fds[] = {
		{.fd = notify, .events = POLLIN},
		{.fd = pidfd, .events = POLLIN},
	};
	bool ended = pidfd < 0;

	for (;;) {
		if (line_match(file, want, offset))
			return 0;
		if (ended) {
			(void)fputs("process ended before the line came\n",
				    stderr);
			return 1;
		}
		if (lab_left_ms(deadline) == 0) {
			(void)fputs("timeout\n", stderr);
			return 1;
		}
		if (poll(fds, 2, lab_left_ms(deadline)) < 0 && errno != EINTR)
			return lab_fail("poll");
		ended = (fds[1].revents & POLLIN) != 0;
		drain(notify);
	}
}

/* FILE OFFSET REGEX MS PID: prints the offset behind the line, and the line. */
int lab_wait_line(char **argv)
{
	uint64_t deadline = lab_clock_ms() + lab_number(argv[3], 86400000);
	long offset = (long)lab_number(argv[1], INT32_MAX);
	int notify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	int pidfd = pidfd_get(argv[4]);
	FILE *file = fopen(argv[0], "re");
	regex_t want;
	int status;

	if (!file)
		return lab_fail(argv[0]);
	if (notify < 0 || inotify_add_watch(notify, argv[0], IN_MODIFY) < 0)
		return lab_fail("inotify");
	if (regcomp(&want, argv[2], REG_EXTENDED | REG_NOSUB) != 0) {
		fprintf(stderr, "lab-tool: %s: bad expression\n", argv[2]);
		return 1;
	}
	status = line_wait(file, &want, &offset, deadline, notify, pidfd);
	regfree(&want);
	(void)fclose(file);
	return status;
}

/* PID MS: 0 when the process has ended in time (or is already gone). */
int lab_wait_exit(char **argv)
{
	uint64_t deadline = lab_clock_ms() + lab_number(argv[1], 86400000);
	struct pollfd fd = {.fd = pidfd_get(argv[0]), .events = POLLIN};
	int ready;

	if (fd.fd < 0)
		return errno == ESRCH ? 0 : lab_fail("pidfd_open");
	do {
		ready = poll(&fd, 1, lab_left_ms(deadline));
	} while (ready < 0 && errno == EINTR);
	return ready > 0 ? 0 : 1;
}

/* Carrier of @iface: 0 or 1, and 0 for a link that is down or not there. */
static int carrier_read(const char *iface)
{
	char path[256];
	char value = '0';
	int fd;

	snprintf(path, sizeof(path), "/sys/class/net/%s/carrier", iface);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	if (read(fd, &value, 1) != 1)
		value = '0';
	close(fd);
	return value == '1';
}

/* Does interface @iface exist? */
static int nic_read(const char *iface)
{
	char path[256];

	snprintf(path, sizeof(path), "/sys/class/net/%s", iface);
	return access(path, F_OK) == 0;
}

/*
 * Is this a line of /proc/net/if_inet6 about an address that @iface may use
 * everywhere? After the address come four numbers, the third of which is the
 * scope and the fourth the flags, and the interface's name.
 */
static bool line_is_global6(char *line, const char *iface)
{
	char *at = line + strcspn(line, " ");
	unsigned long numbers[4];

	for (size_t i = 0; i < 4; i++)
		numbers[i] = strtoul(at, &at, 16);
	at += strspn(at, " ");
	at[strcspn(at, "\n")] = '\0';
	return strcmp(at, iface) == 0 && numbers[2] == 0 &&
	       (numbers[3] & (IFA_F_TENTATIVE | IFA_F_DADFAILED)) == 0;
}

static int global6_read(const char *iface)
{
	FILE *file = fopen("/proc/net/if_inet6", "re");
	char line[128];
	int found = 0;

	if (!file)
		return 0;
	while (!found && fgets(line, sizeof(line), file))
		found = line_is_global6(line, iface);
	(void)fclose(file);
	return found;
}

/*
 * IFACE 0|1 MS: 0 once @read_state says what is asked. It looks again a little
 * later, since the kernel tells of an interface's end before it is over.
 */
static int wait_rtnetlink(char **argv, int (*read_state)(const char *iface))
{
	uint64_t deadline = lab_clock_ms() + lab_number(argv[2], 86400000);
	int want = (int)lab_number(argv[1], 1);
	struct sockaddr_nl addr = {.nl_family = AF_NETLINK,
				   .nl_groups =
					   RTMGRP_LINK | RTMGRP_IPV6_IFADDR};
	struct pollfd fd = {.events = POLLIN};
	int left;

	fd.fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK,
		       NETLINK_ROUTE);
	if (fd.fd < 0 || bind(fd.fd, (void *)&addr, sizeof(addr)) != 0)
		return lab_fail("rtnetlink");
	while (read_state(argv[0]) != want) {
		if (lab_left_ms(deadline) == 0) {
			fprintf(stderr, "lab-tool: %s: timeout\n", argv[0]);
			return 1;
		}
		left = lab_left_ms(deadline);
		if (poll(&fd, 1, left < LOOK_AGAIN_MS ? left : LOOK_AGAIN_MS) <
			    0 &&
		    errno != EINTR)
			return lab_fail("poll");
		drain(fd.fd);
	}
	return 0;
}

/* IFACE 0|1 MS: 0 once the carrier is as asked. */
int lab_wait_link(char **argv)
{
	return wait_rtnetlink(argv, carrier_read);
}

/* IFACE 0|1 MS: 0 once the interface is there, or not. */
int lab_wait_nic(char **argv)
{
	return wait_rtnetlink(argv, nic_read);
}

/* IFACE 0|1 MS: 0 once it has a global IPv6 address, or none. */
int lab_wait_global6(char **argv)
{
	return wait_rtnetlink(argv, global6_read);
}
