/* SPDX-License-Identifier: MIT */
/*
 * A netlink socket in the network namespace of a tap that somebody else has
 * opened, wherever that is. A namespace lives as long as a socket of it, ours
 * too.
 *
 * Only the calling thread changes over, and not before it is sure that it may
 * come back.
 */
#include "backends/tap_netlink.h"

#include "base/log.h"

#include <fcntl.h>
#include <linux/if_tun.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

static bool same_file(int a, int b)
{
	struct stat sa, sb;

	return fstat(a, &sa) == 0 && fstat(b, &sb) == 0 &&
	       sa.st_dev == sb.st_dev && sa.st_ino == sb.st_ino;
}

/* In namespace @there, or in ours if it cannot be entered. */
static int open_in(int there)
{
	int here = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	bool away = here >= 0 && !same_file(here, there) &&
		    setns(here, CLONE_NEWNET) == 0 &&
		    setns(there, CLONE_NEWNET) == 0;
	int fd = tap_netlink_open();

	if (away && setns(here, CLONE_NEWNET) < 0)
		log_error("network namespace: cannot be entered again after a "
			  "look at a tap");
	close_fd(&here);
	return fd;
}

/* Without TUNGETDEVNETNS (no right, or before Linux 5.2) the interface is taken
 * to be in our namespace; if it is not, asking for it shows that. */
int tap_netlink_open_for(int tap)
{
	int ns = ioctl(tap, TUNGETDEVNETNS);
	int fd;

	if (ns < 0)
		return tap_netlink_open();
	fd = open_in(ns);
	close_fd(&ns);
	return fd;
}
