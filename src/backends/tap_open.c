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

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define TUN_PATH "/dev/net/tun"

#define TAP_FLAGS (IFF_TAP | IFF_NO_PI | IFF_VNET_HDR)

/* Fills @err and returns @code. */
static int PRINTF_LIKE(3, 4)
	fail(struct tap_error *err, int code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(err->text, sizeof(err->text), fmt, ap);
	va_end(ap);
	return code;
}

/* "WHAT: ERROR: CURE" for the present errno. */
static int fail_errno(struct tap_error *err, const char *what, const char *cure)
{
	int code = errno;
	char text[ERRNO_TEXT_MAX];

	return fail(err, -code, "%s: %s: %s", what,
		    errno_text(code, text, sizeof(text)), cure);
}

/* /sys/class/net/NAME/tun_flags, or -1: not an interface of the tun driver
 * (or sysfs does not show it). */
static long sysfs_tun_flags(const char *name)
{
	char path[64 + IFNAMSIZ];
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

/* Why the driver answered EINVAL to TUNSETIFF. */
static int explain_einval(const char *name, struct tap_error *err)
{
	long flags = sysfs_tun_flags(name);

	if (flags < 0)
		return fail(
			err, -EINVAL,
			"%s: not a tap interface; make one with \"ip tuntap "
			"add dev NAME mode tap\"",
			name);
	if (!(flags & IFF_TAP))
		return fail(err, -EINVAL,
			    "%s: a tun interface, which carries no Ethernet "
			    "frames; make one with \"mode tap\"",
			    name);
	if (flags & IFF_MULTI_QUEUE)
		return fail(err, -EINVAL,
			    "%s: a multi-queue tap, and one queue was asked "
			    "for; make it without \"multi_queue\"",
			    name);
	return fail(err, -EINVAL,
		    "%s: TUNSETIFF: Invalid argument (EINVAL): the tun driver "
		    "lacks virtio-net headers or refuses this interface",
		    name);
}

static int explain_tunsetiff(const char *name, struct tap_error *err)
{
	char what[IFNAMSIZ + 16];

	(void)snprintf(what, sizeof(what), "%s: TUNSETIFF", name);
	switch (errno) {
	case EINVAL:
		return explain_einval(name, err);
	case EBUSY:
		return fail_errno(
			err, what,
			"another process has it open; end that process "
			"or use another tap");
	case EPERM:
		return fail_errno(
			err, what,
			"it belongs to another user; give it away with "
			"\"ip tuntap add ... user USER\" or run with "
			"CAP_NET_ADMIN");
	default:
		return fail_errno(err, what, "the tun driver refuses it");
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
		return fail_errno(err, TUN_PATH,
				  "the tun driver is not there; load it with "
				  "\"modprobe tun\"");
	if (errno == EACCES || errno == EPERM)
		return fail_errno(
			err, TUN_PATH,
			"no right to open it; its usual mode is 0666");
	return fail_errno(err, TUN_PATH, "cannot be opened");
}

/* Sets IFF_UP on an interface that we have made. */
static int bring_up(const char *name, struct tap_error *err)
{
	struct ifreq ifr = {0};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int code = 0;

	memcpy(ifr.ifr_name, name, strlen(name) + 1);
	if (fd < 0 || ioctl(fd, SIOCGIFFLAGS, &ifr) < 0)
		code = fail_errno(err, name, "its flags cannot be read");
	ifr.ifr_flags |= IFF_UP;
	if (!code && ioctl(fd, SIOCSIFFLAGS, &ifr) < 0)
		code = fail_errno(err, name,
				  "it cannot be brought up; run with "
				  "CAP_NET_ADMIN");
	close_fd(&fd);
	return code;
}

static int open_by_name(struct tap_device *device,
			const struct tap_config *config, struct tap_error *err)
{
	const char *name = config->ifname;
	struct ifreq ifr = {.ifr_flags = TAP_FLAGS};
	bool exists;

	if (!name_is_valid(name))
		return fail(err, -EINVAL,
			    "\"%.32s\": not a name of an interface (1 to %d "
			    "characters, no space, '/', ':' or '%%')",
			    name, IFNAMSIZ - 1);
	exists = if_nametoindex(name) != 0;
	if (!exists && !config->create)
		return fail(err, -ENODEV,
			    "%s: no such network interface; make it with \"ip "
			    "tuntap add dev %s mode tap\" or set \"create\": "
			    "true",
			    name, name);
	device->fd = open_tun(err);
	if (device->fd < 0)
		return device->fd;
	memcpy(ifr.ifr_name, name, strlen(name) + 1);
	if (ioctl(device->fd, TUNSETIFF, &ifr) < 0) {
		if (!exists && errno == EPERM)
			return fail_errno(
				err, name,
				"no right to make a tap; run with "
				"CAP_NET_ADMIN or make it beforehand");
		return explain_tunsetiff(name, err);
	}
	memcpy(device->name, name, strlen(name) + 1);
	return exists ? 0 : bring_up(name, err);
}

/* TUNGETIFF's IFF_NO_PI means something else (IFF_NOFILTER has the same value),
 * so that flag is looked up in sysfs, if it shows the interface. */
static short present_flags(const struct ifreq *ifr)
{
	long flags = sysfs_tun_flags(ifr->ifr_name);

	if (flags < 0)
		return ifr->ifr_flags | IFF_NO_PI;
	return (short)((ifr->ifr_flags & ~IFF_NO_PI) | (flags & IFF_NO_PI));
}

/* Checks a file descriptor that somebody else has opened. It is the caller's
 * as long as this fails. */
static int open_by_fd(struct tap_device *device,
		      const struct tap_config *config, struct tap_error *err)
{
	struct ifreq ifr = {0};
	char what[24];
	short has;
	int flags;

	(void)snprintf(what, sizeof(what), "fd %d", config->fd);
	if (ioctl(config->fd, TUNGETIFF, &ifr) < 0) {
		if (errno == EBADFD)
			return fail_errno(err, what,
					  "not attached to an interface; pass "
					  "it after TUNSETIFF");
		return fail_errno(err, what,
				  "not an open " TUN_PATH "; pass a tap");
	}
	ifr.ifr_name[IFNAMSIZ - 1] = '\0';
	has = present_flags(&ifr);
	if ((has & TAP_FLAGS) != TAP_FLAGS)
		return fail(err, -EINVAL,
			    "%s (%s): opened without%s%s%s; open it with "
			    "IFF_TAP | IFF_NO_PI | IFF_VNET_HDR",
			    what, ifr.ifr_name, has & IFF_TAP ? "" : " IFF_TAP",
			    has & IFF_NO_PI ? "" : " IFF_NO_PI",
			    has & IFF_VNET_HDR ? "" : " IFF_VNET_HDR");
	flags = fcntl(config->fd, F_GETFL);
	if (flags < 0 || fcntl(config->fd, F_SETFL, flags | O_NONBLOCK) < 0 ||
	    fcntl(config->fd, F_SETFD, FD_CLOEXEC) < 0)
		return fail_errno(err, what, "cannot be made non-blocking");
	memcpy(device->name, ifr.ifr_name, IFNAMSIZ);
	device->fd = config->fd;
	return 0;
}

int tap_device_open(struct tap_device *device, const struct tap_config *config,
		    struct tap_error *err)
{
	int code;

	*device = (struct tap_device){.fd = -1, .hdr_len = -1};
	if ((config->ifname != NULL) == (config->fd >= 0))
		return fail(err, -EINVAL,
			    "a tap is given by its name or by a file "
			    "descriptor: one of both");
	code = config->ifname ? open_by_name(device, config, err)
			      : open_by_fd(device, config, err);
	if (code == 0 && tap_device_prepare(device) < 0)
		code = fail_errno(err, device->name,
				  "the tun driver has no virtio-net headers of "
				  "12 bytes or no offloads");
	if (code < 0) {
		if (device->fd == config->fd)
			device->fd = -1;
		tap_device_close(device);
	}
	return code;
}
