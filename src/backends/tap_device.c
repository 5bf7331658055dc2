/* SPDX-License-Identifier: MIT */
/*
 * An open tap: offloads, and giving it back.
 *
 * TUNSETOFFLOAD says which unfinished frames we read; what we write needs no
 * permission. The driver takes the flags all or none: without checksums
 * nothing else, ECN only with TSO, USO for both versions of IP or not at all.
 *
 * Offloads and the header size stay with an interface that outlives us, so
 * both are set back at the end.
 */
#include "backends/tap_device.h"

#include <errno.h>
#include <linux/if_tun.h>
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
	return ioctl(device->fd, TUNSETOFFLOAD, flags) < 0 ? -errno : 0;
}

int tap_device_prepare(struct tap_device *device)
{
	int len = NET_VNET_HDR_LEN;

	if (ioctl(device->fd, TUNGETVNETHDRSZ, &device->hdr_len) < 0)
		device->hdr_len = -1;
	if (ioctl(device->fd, TUNSETVNETHDRSZ, &len) < 0)
		return -errno;
	device->uso =
		set_flags(device, TUN_F_CSUM | TUN_F_USO4 | TUN_F_USO6) == 0;
	return set_flags(device, 0);
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
void tap_device_drain(const struct tap_device *device)
{
	char byte;

	for (int i = 0; i < DRAIN_MAX; i++) {
		if (read(device->fd, &byte, sizeof(byte)) < 0 &&
		    (errno == EAGAIN || errno == EBADFD))
			return;
	}
}

int tap_device_present_name(const struct tap_device *device,
			    char name[IFNAMSIZ])
{
	struct ifreq ifr;

	if (ioctl(device->fd, TUNGETIFF, &ifr) < 0)
		return -errno;
	memcpy(name, ifr.ifr_name, IFNAMSIZ);
	return 0;
}

void tap_device_close(struct tap_device *device)
{
	if (device->fd < 0)
		return;
	(void)set_flags(device, 0);
	if (device->hdr_len >= 0)
		(void)ioctl(device->fd, TUNSETVNETHDRSZ, &device->hdr_len);
	close_fd(&device->fd);
}
