/* SPDX-License-Identifier: MIT */
/*
 * Opening a tap by name, and saying in one line what stands in the way.
 *
 * The tun driver makes an interface that does not exist and answers EINVAL to
 * quite different mistakes. So the interface is looked up first, and when the
 * driver refuses, rtnetlink tells why.
 */
#include "backends/tap_open.h"

#include "backends/tap_error.h"
#include "backends/tap_netlink.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define TUN_PATH "/dev/net/tun"

#define TAP_FLAGS (IFF_TAP | IFF_NO_PI | IFF_VNET_HDR)

/* Why the driver answered EINVAL to TUNSETIFF, for @n queues. @info: the
 * interface before that. */
static int explain_einval(const char *name, size_t n,
			  const struct tap_info *info, struct tap_error *err)
{
	if (!info->is_tun)
		return tap_fail(
			err, -EINVAL,
			"%s: not a tap interface; make one with \"ip tuntap "
			"add dev NAME mode tap\"",
			name);
	if (info->known && !info->tap)
		return tap_fail(
			err, -EINVAL,
			"%s: a tun interface, which carries no Ethernet "
			"frames; make one with \"mode tap\"",
			name);
	if (info->known && n > 1 && !info->multi_queue)
		return tap_fail(err, -EINVAL,
				"%s: a tap of one queue, and %zu were asked "
				"for; make it with \"ip tuntap add dev %s mode "
				"tap multi_queue\" or set \"queue_pairs\": 1",
				name, n, name);
	return tap_fail(
		err, -EINVAL,
		"%s: TUNSETIFF: Invalid argument (EINVAL): the tun driver "
		"lacks virtio-net headers or refuses this interface",
		name);
}

static int explain_tunsetiff(const char *name, size_t n,
			     const struct tap_info *info, struct tap_error *err)
{
	char what[IFNAMSIZ + 16];

	(void)snprintf(what, sizeof(what), "%s: TUNSETIFF", name);
	switch (errno) {
	case EINVAL:
		return explain_einval(name, n, info, err);
	case EBUSY:
		return tap_fail_errno(
			err, what,
			"another process has it open; end that process "
			"or use another tap");
	case E2BIG:
		return tap_fail_errno(err, what,
				      "all of its queues are in use; end the "
				      "process that has them");
	case EPERM:
		return tap_fail_errno(
			err, what,
			"it belongs to another user; give it away with "
			"\"ip tuntap add ... user USER\" or run with "
			"CAP_NET_ADMIN");
	default:
		return tap_fail_errno(err, what, "the tun driver refuses it");
	}
}

static bool name_is_valid(const char *name)
{
	return *name && strlen(name) < IFNAMSIZ && !strpbrk(name, "/:% \t\n") &&
	       strcmp(name, ".") && strcmp(name, "..");
}

static int open_tun(struct tap_error *err)
{
	int fd = open(TUN_PATH, O_RDWR | O_NONBLOCK | O_CLOEXEC);

	if (fd >= 0)
		return fd;
	if (errno == ENOENT || errno == ENODEV || errno == ENXIO)
		return tap_fail_errno(
			err, TUN_PATH,
			"the tun driver is not there; load it with "
			"\"modprobe tun\"");
	if (errno == EACCES || errno == EPERM)
		return tap_fail_errno(
			err, TUN_PATH,
			"no right to open it; its usual mode is 0666");
	return tap_fail_errno(err, TUN_PATH, "cannot be opened");
}

/* Sets IFF_UP on an interface that we have made. */
static int bring_up(const char *name, struct tap_error *err)
{
	struct ifreq ifr = {0};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int code = 0;

	memcpy(ifr.ifr_name, name, strlen(name) + 1);
	if (fd < 0 || ioctl(fd, SIOCGIFFLAGS, &ifr) < 0)
		code = tap_fail_errno(err, name, "its flags cannot be read");
	ifr.ifr_flags |= IFF_UP;
	if (!code && ioctl(fd, SIOCSIFFLAGS, &ifr) < 0)
		code = tap_fail_errno(err, name,
				      "it cannot be brought up; run with "
				      "CAP_NET_ADMIN");
	close_fd(&fd);
	return code;
}

/* Opens one more queue. */
static int open_queue(struct tap_opened *tap, struct ifreq *ifr, size_t n,
		      const struct tap_info *info, struct tap_error *err)
{
	int fd = open_tun(err);

	if (fd < 0)
		return fd;
	tap->fds[tap->n_fds++] = fd;
	if (ioctl(fd, TUNSETIFF, ifr) == 0)
		return 0;
	if (!info && errno == EPERM)
		return tap_fail_errno(err, ifr->ifr_name,
				      "no right to make a tap; run with "
				      "CAP_NET_ADMIN or make it beforehand");
	return explain_tunsetiff(ifr->ifr_name, n,
				 info ? info : &(struct tap_info){0}, err);
}

/* An existing tap has to be opened in the way in which it was made. @info: NULL:
 * it does not exist. */
static int open_queues(struct tap_opened *tap, const char *name, size_t n,
		       const struct tap_info *info, struct tap_error *err)
{
	struct ifreq ifr = {.ifr_flags = TAP_FLAGS};
	int code = 0;

	if (n > 1 || (info && info->multi_queue))
		ifr.ifr_flags |= IFF_MULTI_QUEUE;
	memcpy(ifr.ifr_name, name, strlen(name) + 1);
	for (size_t i = 0; i < n && !code; i++)
		code = open_queue(tap, &ifr, n, info, err);
	if (code < 0)
		return code;
	return info ? tap_check_others(tap->link_fd, name, tap->fds, n, err)
		    : bring_up(name, err);
}

static int check_request(const struct tap_request *request,
			 struct tap_error *err)
{
	if (!name_is_valid(request->ifname))
		return tap_fail(err, -EINVAL,
				"\"%.32s\": not a name of an interface (1 to "
				"%d characters, no space, '/', ':' or '%%')",
				request->ifname, IFNAMSIZ - 1);
	if (request->max_queues > TAP_QUEUES_MAX)
		return tap_fail(err, -EINVAL,
				"%s: %u queue pairs, and a tap has at most %d",
				request->ifname, request->max_queues,
				TAP_QUEUES_MAX);
	return 0;
}

static int find_and_open(struct tap_opened *tap,
			 const struct tap_request *request,
			 struct tap_error *err)
{
	const char *name = request->ifname;
	size_t n = MAX(request->max_queues, 1);
	struct tap_info info;
	int code;

	tap->link_fd = tap_netlink_open();
	if (tap->link_fd < 0)
		return tap_fail(err, tap->link_fd, "%s: no netlink socket",
				name);
	code = tap_netlink_info(tap->link_fd, name, &info);
	if (code == 0)
		return open_queues(tap, name, n, &info, err);
	if (code != -ENODEV) {
		errno = -code;
		return tap_fail_errno(err, name, "rtnetlink does not answer");
	}
	if (request->create)
		return open_queues(tap, name, n, NULL, err);
	return tap_fail(err, -ENODEV,
			"%s: no such network interface; make it with \"ip "
			"tuntap add dev %s mode tap%s\" or set \"create\": "
			"true",
			name, name, n > 1 ? " multi_queue" : "");
}

int tap_open(const struct tap_request *request, struct tap_opened *tap,
	     struct tap_error *err)
{
	int code = check_request(request, err);

	tap->n_fds = 0;
	tap->link_fd = -1;
	if (!code)
		code = find_and_open(tap, request, err);
	if (code < 0)
		tap_opened_close(tap);
	return code;
}

void tap_opened_close(struct tap_opened *tap)
{
	while (tap->n_fds)
		close_fd(&tap->fds[--tap->n_fds]);
	close_fd(&tap->link_fd);
}
