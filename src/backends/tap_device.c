/* SPDX-License-Identifier: MIT */
/*
 * An open tap: offloads, and giving it back.
 *
 * TUNSETOFFLOAD says which unfinished frames we read; what we write needs no
 * permission. The driver takes the flags all or none: without checksums
 * nothing else, ECN only with TSO, USO for both versions of IP or not at all.
 *
 * Queues are attached and detached (TUNSETQUEUE) in the manner of a stack: the
 * kernel numbers them in the order in which they come, and puts the last one in
 * the place of one that goes.
 *
 * Offloads, the header size and the steering program stay with an interface
 * that outlives us, so they are set back at the end.
 */
#include "backends/tap_device.h"

#include "backends/tap_error.h"

#include <errno.h>
#include <linux/if_tun.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* Linux 6.2; not in older headers. */
#ifndef TUN_F_USO4
#define TUN_F_USO4 0x20
#define TUN_F_USO6 0x40
#endif

/* More than any sensible queue of an interface holds. */
#define DRAIN_MAX 10000

static int set_flags(const struct tap_device *device, unsigned long flags)
{
	return ioctl(device->fds[0], TUNSETOFFLOAD, flags) < 0 ? -errno : 0;
}

static int set_queue(int fd, short what)
{
	struct ifreq ifr = {.ifr_flags = what};

	return ioctl(fd, TUNSETQUEUE, &ifr) < 0 ? -errno : 0;
}

int tap_device_set_active(struct tap_device *device, size_t n)
{
	int err = 0;

	while (!err && device->n_active > n) {
		err = set_queue(device->fds[device->n_active - 1],
				IFF_DETACH_QUEUE);
		device->n_active -= !err;
	}
	while (!err && device->n_active < n) {
		err = set_queue(device->fds[device->n_active],
				IFF_ATTACH_QUEUE);
		device->n_active += !err;
	}
	return err;
}

/* The first queue only. Those of somebody else may have been attached in any
 * order, or not at all. */
static int attach_first(struct tap_device *device)
{
	for (size_t i = device->n_active; i < device->n_fds; i++)
		(void)set_queue(device->fds[i], IFF_DETACH_QUEUE);
	return tap_device_set_active(device, 1);
}

int tap_device_set_steering(const struct tap_device *device, int prog)
{
	return ioctl(device->fds[0], TUNSETSTEERINGEBPF, &prog) < 0 ? -errno
								    : 0;
}

void tap_device_set_nic(struct tap_device *device, const char *nic)
{
	(void)snprintf(device->label, sizeof(device->label), "%s%s%s",
		       nic ? nic : "", nic ? ": " : "", device->name);
}

void tap_device_clear_steering(const struct tap_device *device)
{
	int none = -1;

	(void)ioctl(device->fds[0], TUNSETSTEERINGEBPF, &none);
}

int tap_device_prepare(struct tap_device *device)
{
	int len = NET_VNET_HDR_LEN;

	if (ioctl(device->fds[0], TUNGETVNETHDRSZ, &device->hdr_len) < 0 ||
	    ioctl(device->fds[0], TUNSETVNETHDRSZ, &len) < 0)
		return -errno;
	device->uso =
		set_flags(device, TUN_F_CSUM | TUN_F_USO4 | TUN_F_USO6) == 0;
	if (set_flags(device, 0) < 0)
		return -errno;
	return attach_first(device);
}

int tap_device_set_offloads(const struct tap_device *device,
			    const struct net_rx_offloads *offloads)
{
	unsigned long flags = 0;

	if (offloads->csum) {
		flags = TUN_F_CSUM;
		if (offloads->tso4)
			flags |= TUN_F_TSO4;
		if (offloads->tso6)
			flags |= TUN_F_TSO6;
		if (offloads->ecn && (offloads->tso4 || offloads->tso6))
			flags |= TUN_F_TSO_ECN;
		if (offloads->uso && device->uso)
			flags |= TUN_F_USO4 | TUN_F_USO6;
	}
	return set_flags(device, flags);
}

/* A read into one byte takes a whole frame, whatever it returns. */
void tap_device_drain(const struct tap_device *device, size_t queue)
{
	char byte;

	for (int i = 0; i < DRAIN_MAX; i++) {
		if (read(device->fds[queue], &byte, sizeof(byte)) < 0 &&
		    (errno == EAGAIN || errno == EBADFD))
			return;
	}
}

int tap_device_present_name(const struct tap_device *device,
			    char name[IFNAMSIZ])
{
	struct ifreq ifr;

	if (ioctl(device->fds[0], TUNGETIFF, &ifr) < 0)
		return -errno;
	memcpy(name, ifr.ifr_name, IFNAMSIZ);
	return 0;
}

int tap_device_open(struct tap_device *device, const struct tap_config *config,
		    struct tap_error *err)
{
	int code;

	*device = (struct tap_device){.hdr_len = -1};
	code = tap_device_adopt(device, config, err);
	if (!code)
		code = tap_check_others(config->link_fd, device->name,
					device->fds, device->n_fds, err);
	if (!code && tap_device_prepare(device) < 0)
		code = tap_fail_errno(err, device->name,
				      "the tun driver has no virtio-net "
				      "headers of 12 bytes or no offloads");
	if (code < 0)
		tap_device_restore(device);
	return code;
}

/* A tap that was not prepared is somebody else's still. */
void tap_device_restore(struct tap_device *device)
{
	if (device->hdr_len < 0)
		return;
	tap_device_clear_steering(device);
	(void)set_flags(device, 0);
	(void)ioctl(device->fds[0], TUNSETVNETHDRSZ, &device->hdr_len);
	device->hdr_len = -1;
}

void tap_device_close(struct tap_device *device)
{
	tap_device_restore(device);
	for (size_t i = 0; i < device->n_fds; i++)
		close_fd(&device->fds[i]);
	device->n_fds = 0;
}
