/* SPDX-License-Identifier: MIT */
/*
 * Verbs that run a command with something that only its parent can give it.
 */
#include <fcntl.h>
#include <grp.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "tool.h"

#define TAP_FD 3

/* IFACE COMMAND...: with an open TAP interface as descriptor 3. */
int lab_tap(char **argv)
{
	struct ifreq ifr = {.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR};
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);

	if (fd < 0)
		return lab_fail("/dev/net/tun");
	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", argv[0]);
	if (ioctl(fd, TUNSETIFF, &ifr) != 0)
		return lab_fail(argv[0]);
	if (fd == TAP_FD)
		fcntl(fd, F_SETFD, 0);
	else
		dup2(fd, TAP_FD);
	execvp(argv[1], argv + 1);
	return lab_fail(argv[1]);
}

/* UID GID[,GROUP] COMMAND...: as somebody else, who is in no other groups. */
int lab_as(char **argv)
{
	char *more = strchr(argv[1], ',');
	gid_t groups[1] = {0};
	uid_t uid = (uid_t)lab_number(argv[0], INT32_MAX);
	gid_t gid;

	if (more) {
		*more = '\0';
		groups[0] = (gid_t)lab_number(more + 1, INT32_MAX);
	}
	gid = (gid_t)lab_number(argv[1], INT32_MAX);
	if (setgroups(more ? 1 : 0, groups) != 0 ||
	    setresgid(gid, gid, gid) != 0 || setresuid(uid, uid, uid) != 0)
		return lab_fail("setresuid");
	execvp(argv[2], argv + 2);
	return lab_fail(argv[2]);
}

/* COMMAND...: with memory in small pages only, so that its size is what it uses
 * and not a multiple of 2 MiB. */
int lab_small_pages(char **argv)
{
	if (prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0) != 0)
		return lab_fail("PR_SET_THP_DISABLE");
	execvp(argv[0], argv);
	return lab_fail(argv[0]);
}
