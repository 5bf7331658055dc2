/* SPDX-License-Identifier: MIT */
/*
 * Taking over a tap that somebody else has opened: one file descriptor for each
 * queue, all of the same interface.
 */
#include "backends/tap_device.h"
#include "backends/tap_error.h"
#include "backends/tap_netlink.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#define TAP_FLAGS (IFF_TAP | IFF_NO_PI | IFF_VNET_HDR)

/* TUNGETIFF's IFF_NO_PI means something else (IFF_NOFILTER has the same value),
 * so that flag is asked of rtnetlink, if it shows the interface. */
static short present_flags(int fd, int netlink, const struct ifreq *ifr)
{
	short flags = (short)(ifr->ifr_flags & ~IFF_NO_PI);
	struct tap_info info;

	if (tap_netlink_index(netlink, ifr->ifr_name, fd) &&
	    tap_netlink_info(netlink, ifr->ifr_name, &info) == 0 &&
	    info.known && info.pi)
		return flags;
	return flags | IFF_NO_PI;
}

/* Is @fd attached to a tap as we need it? */
static int check_tap(int fd, int netlink, const char *what, struct ifreq *ifr,
		     struct tap_error *err)
{
	short has;

	memset(ifr, 0, sizeof(*ifr));
	if (ioctl(fd, TUNGETIFF, ifr) < 0) {
		if (errno == EBADFD)
			return tap_fail_errno(
				err, what,
				"not attached to an interface; pass it after "
				"TUNSETIFF");
		return tap_fail_errno(err, what,
				      "not an open /dev/net/tun; pass a tap");
	}
	ifr->ifr_name[IFNAMSIZ - 1] = '\0';
	has = present_flags(fd, netlink, ifr);
	if ((has & TAP_FLAGS) != TAP_FLAGS)
		return tap_fail(err, -EINVAL,
				"%s (%s): opened without%s%s%s; open it with "
				"IFF_TAP | IFF_NO_PI | IFF_VNET_HDR",
				what, ifr->ifr_name,
				has & IFF_TAP ? "" : " IFF_TAP",
				has & IFF_NO_PI ? "" : " IFF_NO_PI",
				has & IFF_VNET_HDR ? "" : " IFF_VNET_HDR");
	return 0;
}

/* Do the file descriptors belong together? */
static int check_siblings(const struct tap_device *device, const char *what,
			  const struct ifreq *ifr, size_t n,
			  struct tap_error *err)
{
	if (device->n_fds && strcmp(device->name, ifr->ifr_name) != 0)
		return tap_fail(err, -EINVAL,
				"%s (%s): another tap than %s; pass queues of "
				"one tap",
				what, ifr->ifr_name, device->name);
	if (n > 1 && !(ifr->ifr_flags & IFF_MULTI_QUEUE))
		return tap_fail(err, -EINVAL,
				"%s (%s): opened without IFF_MULTI_QUEUE, and "
				"%zu queues were passed",
				what, ifr->ifr_name, n);
	return 0;
}

static int adopt(struct tap_device *device, int fd, size_t n, int netlink,
		 struct tap_error *err)
{
	struct ifreq ifr;
	char what[24];
	int flags, code;

	(void)snprintf(what, sizeof(what), "fd %d", fd);
	code = check_tap(fd, netlink, what, &ifr, err);
	if (!code)
		code = check_siblings(device, what, &ifr, n, err);
	if (code < 0)
		return code;
	for (size_t i = 0; i < device->n_fds; i++) {
		if (device->fds[i] == fd)
			return tap_fail(err, -EINVAL, "%s (%s): passed twice",
					what, ifr.ifr_name);
	}
	flags = fcntl(fd, F_GETFL);
	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 ||
	    fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
		return tap_fail_errno(err, what, "cannot be made non-blocking");
	memcpy(device->name, ifr.ifr_name, IFNAMSIZ);
	tap_device_set_nic(device, NULL);
	device->multi_queue = ifr.ifr_flags & IFF_MULTI_QUEUE;
	device->fds[device->n_fds++] = fd;
	return 0;
}

int tap_device_adopt(struct tap_device *device, const struct tap_config *config,
		     struct tap_error *err)
{
	int code = 0;

	if (!config->n_fds)
		return tap_fail(err, -EINVAL,
				"a tap without a file descriptor");
	if (config->n_fds > TAP_QUEUES_MAX)
		return tap_fail(err, -EINVAL,
				"%zu file descriptors of a tap, and it has at "
				"most %d queues",
				config->n_fds, TAP_QUEUES_MAX);
	for (size_t i = 0; i < config->n_fds && !code; i++)
		code = adopt(device, config->fds[i], config->n_fds,
			     config->link_fd, err);
	if (!device->multi_queue)
		device->n_active = 1;
	return code;
}
