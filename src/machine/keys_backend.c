/* SPDX-License-Identifier: MIT */
/*
 * The keys of backends. What a value in text has to be beyond its length is
 * said by machine/rules.c and, for consomme, by machine/consomme_setup.c.
 */
#include "machine/keys.h"

#include "backends/consomme/consomme.h"
#include "machine/config.h"
#include "machine/consomme_setup.h"
#include "machine/kinds.h"

/* "fd00:....:ffff/64", and a name of DNS. */
#define ADDRESS_MAX 63
#define DOMAIN_MAX  (CONSOMME_DNS_NAME_MAX - 3)

#define FLOWS_MAX (1 << 20)

#define KEYS(key) offsetof(struct backend_config, consomme.key)

static const struct key backend_keys[] = {
	{
		.name = "id",
		.type = KEY_STRING,
		.required = true,
		.offset = offsetof(struct backend_config, id),
		.min = 1,
		.max = KEY_NAME_MAX,
		.text = "Name, for `backend` and in messages; no two may be the "
			"same.",
	},
	{
		.name = "type",
		.type = KEY_WORD,
		.required = true,
		.offset = offsetof(struct backend_config, type),
		.word = endpoint_kind_name,
		.text = "What it is.",
	},
	{
		.name = "host_dev_name",
		.type = KEY_STRING,
		.offset = offsetof(struct backend_config, host_dev_name),
		.min = 1,
		.max = KEY_IFACE_MAX,
		.only_for = "tap",
		.text = "The TAP interface. It must exist unless `create` is "
			"true.",
	},
	{
		.name = "fd",
		.type = KEY_INT,
		.offset = offsetof(struct backend_config, fd),
		.min = 3,
		.max = 1 << 20,
		.only_for = "tap",
		.text = "In place of `host_dev_name`: a file descriptor that "
			"evnic inherits, attached to a TAP interface with "
			"IFF_VNET_HDR.",
	},
	{
		.name = "create",
		.type = KEY_BOOL,
		.offset = offsetof(struct backend_config, create),
		.fallback = "false",
		.only_for = "tap",
		.text = "Make the interface if it does not exist; it goes away "
			"when evnic ends.",
	},
	{
		.name = "queue_pairs",
		.type = KEY_INT,
		.offset = offsetof(struct backend_config, queue_pairs),
		.min = 1,
		.max = CONFIG_MAX_QUEUE_PAIRS,
		.only_for = "tap",
		.unit = "pairs",
		.text = "The most that a NIC may use. If left out, as many as "
			"the NIC that names this backend. For more than one, an "
			"interface that exists must be multi-queue.",
	},
	/* Only with "consomme", from here on. */
	{
		.name = "network",
		.type = KEY_STRING,
		.offset = KEYS(network),
		.min = 1,
		.max = ADDRESS_MAX,
		.fallback = "10.0.2.0/24",
		.only_for = "consomme",
		.text = "The guest's IPv4 network, of 8 to 27 bits.",
	},
	{
		.name = "gateway",
		.type = KEY_STRING,
		.offset = KEYS(gateway),
		.min = 1,
		.max = ADDRESS_MAX,
		.only_for = "consomme",
		.text = "The guest's router. If left out, the network's "
			"address .2.",
	},
	{
		.name = "dns",
		.type = KEY_STRING,
		.offset = KEYS(dns),
		.min = 1,
		.max = ADDRESS_MAX,
		.only_for = "consomme",
		.text = "The name server that the guest is told of; evnic asks "
			"those of `dns_servers`. If left out, address .3.",
	},
	{
		.name = "guest",
		.type = KEY_STRING,
		.offset = KEYS(guest),
		.min = 1,
		.max = ADDRESS_MAX,
		.only_for = "consomme",
		.text = "The guest's own address, leased to it by DHCP. If "
			"left out, address .15.",
	},
	{
		.name = "network6",
		.type = KEY_STRING,
		.offset = KEYS(network6),
		.min = 1,
		.max = ADDRESS_MAX,
		.fallback = "fd00::/64",
		.only_for = "consomme",
		.text = "The guest's IPv6 network, of 64 bits, in which it "
			"chooses its address.",
	},
	{
		.name = "gateway6",
		.type = KEY_STRING,
		.offset = KEYS(gateway6),
		.min = 1,
		.max = ADDRESS_MAX,
		.only_for = "consomme",
		.text = "The router's address there. If left out, ::2. The "
			"guest routes by its link-local one, fe80::2.",
	},
	{
		.name = "dns6",
		.type = KEY_STRING,
		.offset = KEYS(dns6),
		.min = 1,
		.max = ADDRESS_MAX,
		.only_for = "consomme",
		.text = "The name server there. If left out, ::3.",
	},
	{
		.name = "ipv4",
		.type = KEY_BOOL,
		.offset = KEYS(ipv4),
		.fallback = "true",
		.only_for = "consomme",
		.text = "Whether there is IPv4.",
	},
	{
		.name = "ipv6",
		.type = KEY_BOOL,
		.offset = KEYS(ipv6),
		.fallback = "true",
		.only_for = "consomme",
		.text = "Whether there is IPv6.",
	},
	{
		.name = "mtu",
		.type = KEY_INT,
		.offset = KEYS(mtu),
		.min = 576,
		.max = 65535,
		.only_for = "consomme",
		.unit = "bytes",
		.text = "Told to the guest by DHCP and router advertisements. "
			"If left out, the `mtu` of the NIC that names this "
			"backend, or 1500.",
	},
	{
		.name = "hostname",
		.type = KEY_STRING,
		.offset = KEYS(hostname),
		.min = 1,
		.max = CONSOMME_NAME_MAX - 1,
		.only_for = "consomme",
		.text = "The guest's name, told by DHCP.",
	},
	{
		.name = "domain",
		.type = KEY_STRING,
		.offset = KEYS(domain),
		.min = 1,
		.max = DOMAIN_MAX,
		.only_for = "consomme",
		.text = "Its domain, told by DHCP.",
	},
	{
		.name = "search",
		.type = KEY_STRINGS,
		.most = CONSOMME_SEARCH_MAX,
		.offset = KEYS(search),
		.min = 1,
		.max = DOMAIN_MAX,
		.only_for = "consomme",
		.text = "Domains in which the guest looks for short names.",
	},
	{
		.name = "dns_servers",
		.type = KEY_STRINGS,
		.most = CONSOMME_SERVERS_MAX,
		.offset = KEYS(dns_servers),
		.min = 1,
		.max = ADDRESS_MAX,
		.only_for = "consomme",
		.text = "Name servers that are asked for the guest, by their "
			"addresses. If left out, those of `/etc/resolv.conf`, "
			"whenever it changes.",
	},
	{
		.name = "records",
		.type = KEY_STRINGS,
		.most = 256,
		.offset = KEYS(records),
		.min = 1,
		.max = DOMAIN_MAX + 1 + ADDRESS_MAX,
		.only_for = "consomme",
		.text = "Names that the guest's name server knows by itself: "
			"`NAME=ADDRESS`, IPv4 or IPv6.",
	},
	{
		.name = "hostfwd",
		.type = KEY_STRINGS,
		.most = CONSOMME_FORWARDS_MAX,
		.offset = KEYS(hostfwd),
		.min = 1,
		.max = 159,
		.only_for = "consomme",
		.text = "Who connects to a port of the host comes to one of the "
			"guest's: "
			"`[tcp|udp]:[HOST ADDRESS]:PORT-[GUEST ADDRESS]:PORT`, "
			"as QEMU has it. IPv6 addresses stand in brackets; "
			"`8000..8010` is a range of the host's ports, to as "
			"many of the guest's from the one named on. Without a "
			"host address, everybody who reaches the host does.",
	},
	{
		.name = "host_loopback",
		.type = KEY_STRINGS,
		.most = CONSOMME_ALIASES_MAX,
		.offset = KEYS(host_loopback),
		.min = 1,
		.max = ADDRESS_MAX,
		.only_for = "consomme",
		.text = "Addresses by which the guest reaches 127.0.0.1 and "
			"::1 of the host: one for each, `10.0.2.2`, say. If "
			"left out, it does not.",
	},
	{
		.name = "allow",
		.type = KEY_STRINGS,
		.most = CONSOMME_RULES_MAX,
		.offset = KEYS(allow),
		.min = 1,
		.max = ADDRESS_MAX,
		.only_for = "consomme",
		.text = "Networks and addresses that the guest may reach. If "
			"there are any, it reaches nothing else. Where several "
			"of `allow` and `deny` match, the longest prefix "
			"decides. Link-local ones (169.254.169.254) must be "
			"allowed to be reached.",
	},
	{
		.name = "deny",
		.type = KEY_STRINGS,
		.most = CONSOMME_RULES_MAX,
		.offset = KEYS(deny),
		.min = 1,
		.max = ADDRESS_MAX,
		.only_for = "consomme",
		.text = "Networks and addresses that it may not reach.",
	},
	{
		.name = "restrict",
		.type = KEY_BOOL,
		.offset = KEYS(restricted),
		.fallback = "false",
		.only_for = "consomme",
		.text = "The guest reaches nobody; forwards still lead in.",
	},
	{
		.name = "max_tcp",
		.type = KEY_INT,
		.offset = KEYS(max_tcp),
		.min = 1,
		.max = FLOWS_MAX,
		.fallback = "16384",
		.only_for = "consomme",
		.unit = "connections",
		.text = "The most TCP connections at a time.",
	},
	{
		.name = "max_udp",
		.type = KEY_INT,
		.offset = KEYS(max_udp),
		.min = 1,
		.max = FLOWS_MAX,
		.fallback = "4096",
		.only_for = "consomme",
		.unit = "flows",
		.text = "The most UDP flows at a time.",
	},
	{
		.name = "copy_ring",
		.type = KEY_BOOL,
		.offset = KEYS(copy_ring),
		.fallback = "false",
		.only_for = "consomme",
		.text = "Keep what comes from a TCP peer in memory of evnic's "
			"own until the guest has it, even where the kernel can "
			"keep it (SO_PEEK_OFF).",
	},
};

const struct key_table key_table_backend =
	KEY_TABLE(backend_keys, struct backend_config, "type");
