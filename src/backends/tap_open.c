/* SPDX-License-Identifier: MIT */
/*
 * Opening a tap, by name or by file descriptor, and saying in one line what
 * stands in the way.
 *
 * The tun driver makes an interface that does not exist and answers EINVAL to
 * quite different mistakes. So the interface is looked up first, and when the
 * driver refuses, sysfs tells why.
 */
#include "backends/tap_device.h"
#include "backends/tap_error.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define TUN_PATH "/dev/net/tun"

#define TAP_FLAGS (IFF_TAP | IFF_NO_PI | IFF_VNET_HDR)

/* Why the driver answered EINVAL to TUNSETIFF, for @n queues. */
static int explain_einval(const char *name, size_t n, struct tap_error *err)
{
	long flags = tap_sysfs_flags(name);

	if (flags < 0)
		return tap_fail(
			err, -EINVAL,
			"%s: not a tap interface; make one with \"ip tuntap "
			"add dev NAME mode tap\"",
			name);
	if (!(flags & IFF_TAP))
		return tap_fail(
			err, -EINVAL,
			"%s: a tun interface, which carries no Ethernet "
			"frames; make one with \"mode tap\"",
			name);
	if (n > 1 && !(flags & IFF_MULTI_QUEUE))
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

static int explain_tunsetiff(const char *name, size_t n, struct tap_error *err)
{
	char what[IFNAMSIZ + 16];

	(void)snprintf(what, sizeof(what), "%s: TUNSETIFF", name);
	switch (errno) {
	case EINVAL:
		return explain_einval(name, n, err);
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

/* An existing tap has to be opened in the way in which it was made. */
static short wanted_flags(const char *name, size_t n, bool exists)
{
	long flags = exists ? tap_sysfs_flags(name) : -1;

	if (n > 1 || (flags >= 0 && flags & IFF_MULTI_QUEUE))
		return TAP_FLAGS | IFF_MULTI_QUEUE;
	return TAP_FLAGS;
}

/* Opens one more queue. */
static int open_queue(struct tap_device *device, struct ifreq *ifr, size_t n,
		      bool exists, struct tap_error *err)
{
	int fd = open_tun(err);

	if (fd < 0)
		return fd;
	device->fds[device->n_fds++] = fd;
	if (ioctl(fd, TUNSETIFF, ifr) == 0)
		return 0;
	if (!exists && errno == EPERM)
		return tap_fail_errno(err, ifr->ifr_name,
				      "no right to make a tap; run with "
				      "CAP_NET_ADMIN or make it beforehand");
	return explain_tunsetiff(ifr->ifr_name, n, err);
}

static int open_queues(struct tap_device *device, size_t n, bool exists,
		       struct tap_error *err)
{
	struct ifreq ifr = {
		.ifr_flags = wanted_flags(device->name, n, exists),
	};
	int code = 0;

	memcpy(ifr.ifr_name, device->name, IFNAMSIZ);
	device->multi_queue = ifr.ifr_flags & IFF_MULTI_QUEUE;
	for (size_t i = 0; i < n && !code; i++)
		code = open_queue(device, &ifr, n, exists, err);
	device->n_active = device->n_fds;
	return code;
}

int tap_device_open_by_name(struct tap_device *device,
			    const struct tap_config *config,
			    struct tap_error *err)
{
	const char *name = config->ifname;
	size_t n = MAX(config->max_queues, 1);
	bool exists;
	int code;

	if (!name_is_valid(name))
		return tap_fail(err, -EINVAL,
				"\"%.32s\": not a name of an interface (1 to "
				"%d characters, no space, '/', ':' or '%%')",
				name, IFNAMSIZ - 1);
	if (n > TAP_QUEUES_MAX)
		return tap_fail(err, -EINVAL,
				"%s: %zu queue pairs, and a tap has at most "
				"%d",
				name, n, TAP_QUEUES_MAX);
	exists = if_nametoindex(name) != 0;
	if (!exists && !config->create)
		return tap_fail(err, -ENODEV,
				"%s: no such network interface; make it with "
				"\"ip tuntap add dev %s mode tap%s\" or set "
				"\"create\": true",
				name, name, n > 1 ? " multi_queue" : "");
	memcpy(device->name, name, strlen(name) + 1);
	code = open_queues(device, n, exists, err);
	return code < 0 || exists ? code : bring_up(name, err);
}

/* The kernel would send frames to another process's queues too. */
static int check_others(const struct tap_device *device, struct tap_error *err)
{
	int others = tap_sysfs_queues(device->name) - (int)device->n_fds;

	if (!device->multi_queue || others <= 0)
		return 0;
	return tap_fail(err, -EBUSY,
			"%s: another process has %d of its queues open; end "
			"that process or use another tap",
			device->name, others);
}

int tap_device_open(struct tap_device *device, const struct tap_config *config,
		    struct tap_error *err)
{
	int code;

	*device = (struct tap_device){.hdr_len = -1};
	if ((config->ifname != NULL) == (config->n_fds > 0))
		return tap_fail(err, -EINVAL,
				"a tap is given by its name or by a file "
				"descriptor: one of both");
	code = config->ifname ? tap_device_open_by_name(device, config, err)
			      : tap_device_open_by_fds(device, config, err);
	if (!code)
		code = check_others(device, err);
	if (!code && tap_device_prepare(device) < 0)
		code = tap_fail_errno(err, device->name,
				      "the tun driver has no virtio-net "
				      "headers of 12 bytes or no offloads");
	if (code < 0) {
		if (!config->ifname)
			device->n_fds = 0; /* the caller's */
		tap_device_close(device);
	}
	return code;
}
