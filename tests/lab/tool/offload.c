/* SPDX-License-Identifier: MIT */
/*
 * offload: what `ethtool -K IFACE tx on|off tso on|off gso on|off` does, for
 * systems without ethtool: with transmit checksums off, the kernel hands the
 * device nothing that needs finishing.
 */
#include <errno.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tool.h"

static const struct offload {
	const char *name;
	uint32_t set;
} offloads[] = {
	{"tso", ETHTOOL_STSO},
	{"gso", ETHTOOL_SGSO},
	{"tx checksum", ETHTOOL_STXCSUM},
};

/* IFACE on|off */
int lab_offload(char **argv)
{
	const size_t count = sizeof(offloads) / sizeof(offloads[0]);
	bool on = strcmp(argv[1], "on") == 0;
	struct ethtool_value value = {.data = on};
	struct ifreq request = {.ifr_data = (void *)&value};
	int sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", argv[0]);
	for (size_t i = 0; i < count; i++) {
		/* On: checksums first, or TSO has nothing to stand on. */
		const struct offload *one = &offloads[on ? count - 1 - i : i];

		value.cmd = one->set;
		if (ioctl(sock, SIOCETHTOOL, &request) != 0) {
			close(sock);
			return lab_fail(one->name);
		}
	}
	close(sock);
	printf("%s: offloads %s\n", argv[0], on ? "on" : "off");
	return 0;
}
