/* SPDX-License-Identifier: MIT */
/*
 * What a consomme is if nobody says otherwise. The IPv4 addresses are those that
 * QEMU's user network has, so that scripts find what they know.
 */
#include "backends/consomme/consomme.h"

#define MTU	 1500
#define TCP_MAX	 16384
#define UDP_MAX	 4096
#define PING_MAX 64
#define DNS_MAX	 256

void consomme_config_init(struct consomme_config *config)
{
	/* The gateway's: locally administered, as QEMU's is. */
	static const uint8_t mac[6] = {0x52, 0x55, 0x0a, 0x00, 0x02, 0x02};
	static const struct csm_addr network6 = {{0xfd}};
	static const struct csm_addr link_local = {{0xfe, 0x80}};

	memset(config, 0, sizeof(*config));
	memcpy(config->mac, mac, sizeof(mac));
	config->mtu = MTU;
	config->network.addr = csm_addr_from_u32(0x0a000200);
	config->network.len = 96 + 24;
	config->gateway = csm_addr_from_u32(0x0a000202);
	config->dns = csm_addr_from_u32(0x0a000203);
	config->guest = csm_addr_from_u32(0x0a00020f);
	config->network6.addr = network6;
	config->network6.len = 64;
	config->gateway6 = network6;
	config->gateway6.b[15] = 2;
	config->dns6 = network6;
	config->dns6.b[15] = 3;
	config->gateway6_local = link_local;
	config->gateway6_local.b[15] = 2;
	config->ipv4 = true;
	config->ipv6 = true;
	config->max_tcp = TCP_MAX;
	config->max_udp = UDP_MAX;
	config->max_ping = PING_MAX;
	config->max_dns = DNS_MAX;
}
