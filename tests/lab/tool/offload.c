/* SPDX-License-Identifier: MIT */
/*
 * What `ethtool -K`, `-L` and `-X` do, for systems without ethtool.
 *
 * offload IFACE on|off       tx, tso and gso together: with them off, the
 *                            kernel hands the device nothing to be finished
 * feature IFACE NAME on|off  one feature by its name, such as
 *                            tx-udp-segmentation
 * channels IFACE N           the queue pairs to use
 * rss IFACE QUEUE            all received packets go to one queue
 */
#include <errno.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
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

/* One ETHTOOL command on @iface. */
static int ethtool(const char *iface, void *command)
{
	struct ifreq request = {.ifr_data = command};
	int sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int status;

	if (sock < 0)
		return -1;
	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", iface);
	status = ioctl(sock, SIOCETHTOOL, &request);
	close(sock);
	return status;
}

/* IFACE on|off */
int lab_offload(char **argv)
{
	const size_t count = sizeof(offloads) / sizeof(offloads[0]);
	bool on = strcmp(argv[1], "on") == 0;
	struct ethtool_value value = {.data = on};

	for (size_t i = 0; i < count; i++) {
		/* On: checksums first, or TSO has nothing to stand on. */
		const struct offload *one = &offloads[on ? count - 1 - i : i];

		value.cmd = one->set;
		if (ethtool(argv[0], &value) != 0)
			return lab_fail(one->name);
	}
	printf("%s: offloads %s\n", argv[0], on ? "on" : "off");
	return 0;
}

static uint32_t feature_count(const char *iface)
{
	union {
		struct ethtool_sset_info info;
		uint32_t room[sizeof(struct ethtool_sset_info) / 4 + 1];
	} ask = {.info = {.cmd = ETHTOOL_GSSET_INFO,
			  .sset_mask = 1U << ETH_SS_FEATURES}};

	if (ethtool(iface, &ask) != 0 || ask.info.sset_mask == 0)
		return 0;
	return ask.room[sizeof(struct ethtool_sset_info) / 4];
}

/* The feature's number, or -1. */
static int feature_find(const char *iface, const char *name)
{
	uint32_t count = feature_count(iface);
	struct ethtool_gstrings *ask =
		calloc(1, sizeof(*ask) + (size_t)count * ETH_GSTRING_LEN);
	int found = -1;

	if (!ask)
		return -1;
	ask->cmd = ETHTOOL_GSTRINGS;
	ask->string_set = ETH_SS_FEATURES;
	ask->len = count;
	if (ethtool(iface, ask) == 0) {
		for (uint32_t i = 0; i < count && found < 0; i++) {
			if (strncmp((const char *)ask->data +
					    (size_t)i * ETH_GSTRING_LEN,
				    name, ETH_GSTRING_LEN) == 0)
				found = (int)i;
		}
	}
	free(ask);
	return found;
}

static int feature_set(const char *iface, uint32_t number, bool on)
{
	uint32_t blocks = feature_count(iface) / 32 + 1;
	struct ethtool_sfeatures *ask =
		calloc(1, sizeof(*ask) + blocks * sizeof(ask->features[0]));
	int status;

	if (!ask)
		return -1;
	ask->cmd = ETHTOOL_SFEATURES;
	ask->size = (feature_count(iface) + 31) / 32;
	ask->features[number / 32].valid = 1U << number % 32;
	ask->features[number / 32].requested = on ? 1U << number % 32 : 0;
	status = ethtool(iface, ask);
	free(ask);
	/* Above 0: the wish was noted and not granted. */
	if (status > 0)
		errno = EOPNOTSUPP;
	return status;
}

/* IFACE NAME on|off */
int lab_feature(char **argv)
{
	int number = feature_find(argv[0], argv[1]);

	if (number < 0) {
		errno = ENOENT;
		return lab_fail(argv[1]);
	}
	if (feature_set(argv[0], (uint32_t)number,
			strcmp(argv[2], "on") == 0) != 0)
		return lab_fail(argv[1]);
	printf("%s: %s %s\n", argv[0], argv[1], argv[2]);
	return 0;
}

/* IFACE N */
int lab_channels(char **argv)
{
	struct ethtool_channels channels = {.cmd = ETHTOOL_GCHANNELS};

	if (ethtool(argv[0], &channels) != 0)
		return lab_fail("channels");
	channels.cmd = ETHTOOL_SCHANNELS;
	channels.combined_count = (uint32_t)lab_number(argv[1], 65535);
	if (ethtool(argv[0], &channels) != 0)
		return lab_fail("channels");
	printf("%s: %u of %u channels\n", argv[0], channels.combined_count,
	       channels.max_combined);
	return 0;
}

/* IFACE QUEUE: by the request that ethtool(8) uses. */
int lab_rss(char **argv)
{
	union {
		struct ethtool_rxfh rss;
		uint32_t room[sizeof(struct ethtool_rxfh) / 4 + 1024];
	} ask = {.rss = {.cmd = ETHTOOL_GRSSH}};
	uint32_t size;

	if (ethtool(argv[0], &ask) != 0)
		return lab_fail("rss: how many entries");
	size = ask.rss.indir_size;
	if (size > 1024) {
		errno = E2BIG;
		return lab_fail("rss");
	}
	ask.rss = (struct ethtool_rxfh){
		.cmd = ETHTOOL_SRSSH,
		.indir_size = size,
	};
	for (uint32_t i = 0; i < size; i++)
		ask.rss.rss_config[i] = (uint32_t)lab_number(argv[1], 65535);
	if (ethtool(argv[0], &ask) != 0)
		return lab_fail("rss");
	printf("%s: %u entries: queue %s\n", argv[0], size, argv[1]);
	return 0;
}
