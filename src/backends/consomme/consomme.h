/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_BACKENDS_CONSOMME_CONSOMME_H
#define EVNIC_BACKENDS_CONSOMME_CONSOMME_H

/*
 * consomme: a network made of host sockets. The guest gets an address by DHCP
 * and reaches the world without a tap and without any right.
 *
 * It is one network for one NIC, with one queue. Owner: the machine. Thread:
 * the control loop, for everything here; what concerns the stack is done on the
 * loop that has its queue, and answered by a done function.
 */

#include "backends/consomme/addr.h"
#include "base/inspect.h"
#include "base/loop.h"
#include "net/endpoint.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CONSOMME_SERVERS_MAX  4	   /* name servers, as many as are asked */
#define CONSOMME_ALIASES_MAX  2	   /* one for each IP version */
#define CONSOMME_PORTS_MAX    1024 /* ports of one forward */
#define CONSOMME_NAME_MAX     64   /* a host name, with its 0 */
#define CONSOMME_DNS_NAME_MAX 256

enum consomme_proto {
	CONSOMME_TCP,
	CONSOMME_UDP,
};

/* An inbound forward: who connects to @host on the host comes to @guest. @host
 * any: every address of its version. @guest any: the guest's leased address.
 * @n_ports ports from @host_port on go to as many from @guest_port on. */
struct consomme_forward {
	enum consomme_proto proto;
	struct csm_addr host, guest;
	uint16_t host_port, guest_port;
	uint16_t n_ports;
};

/* "tcp:127.0.0.1:2222-:22", "udp::5353-10.0.2.15:53", "tcp:[::1]:80-:80",
 * "tcp::8000..8010-:8000": [proto]:[host address]:port(s)-[guest address]:port,
 * as QEMU has it, and ranges. -EINVAL: @why, a short phrase. */
int consomme_forward_parse(const char *text, struct consomme_forward *out,
			   const char **why) MUST_CHECK;

/* The same text again. Returns @buf. */
#define CONSOMME_FORWARD_TEXT_MAX 160
const char *consomme_forward_text(const struct consomme_forward *forward,
				  char buf[CONSOMME_FORWARD_TEXT_MAX]);

/* May the guest reach @prefix? The longest prefix that matches decides, of equal
 * ones @deny. Without a match: yes, unless there is an allow rule, or the address
 * is link-local (policy.c). */
struct consomme_rule {
	struct csm_prefix prefix;
	bool deny;
};

/* A name that the DNS proxy answers by itself. */
struct consomme_record {
	char name[CONSOMME_DNS_NAME_MAX];
	struct csm_addr addr;
};

/* Copied by create, with all it points to. @name: for messages and logs. @mac:
 * of the gateway. @mtu: of the NIC, told to the guest. @network, @network6:
 * the guest's networks; @gateway, @dns, @guest are in them. @gateway6_local: the
 * router's link-local address. @hostname, @domain, @search: told by DHCP; "":
 * not. @aliases: addresses of the guest's view that stand for the host's
 * loopback (127.0.0.1, ::1); none by default. @restrict: nothing goes out but to
 * the gateway and to forwards. @servers: name servers; none: those of the host,
 * by consomme_set_resolv_conf(). @max_*: most flows at once. @ring: copy what
 * comes from a TCP peer to memory of our own, even if the kernel can peek.
 * @listen: gives a socket for port @i of @forward, bound, and listening if it
 * is TCP: the descriptor or -errno and one line of text. */
struct consomme_config {
	const char *name;
	uint8_t mac[6];
	uint16_t mtu;
	struct csm_prefix network, network6;
	struct csm_addr gateway, dns, guest;
	struct csm_addr gateway6, gateway6_local, dns6;
	bool ipv4, ipv6;
	bool restricted;
	bool ring;
	char hostname[CONSOMME_NAME_MAX];
	char domain[CONSOMME_DNS_NAME_MAX];
	const char *const *search;
	size_t n_search;
	struct csm_addr aliases[CONSOMME_ALIASES_MAX];
	size_t n_aliases;
	struct csm_addr servers[CONSOMME_SERVERS_MAX];
	size_t n_servers;
	const struct consomme_rule *rules;
	size_t n_rules;
	const struct consomme_record *records;
	size_t n_records;
	const struct consomme_forward *forwards;
	size_t n_forwards;
	uint32_t max_tcp, max_udp, max_ping, max_dns;
	int (*listen)(void *arg, const struct consomme_forward *forward,
		      uint16_t i, char *error, size_t size);
	void *arg;
};

#define CONSOMME_ERROR_MAX 256

/* Tries what of it depends on the kernel, and remembers that; it takes rights
 * that a confined process lacks, so it is called before, by the one thread that
 * there is. Does TCP without a copy work (SO_PEEK_OFF)? */
bool consomme_probe(void);

/* Everything that has a default: the networks (10.0.2.0/24, fd00::/64),
 * addresses, MTU 1500, caps. @name stays NULL. */
void consomme_config_init(struct consomme_config *config);

/* Makes the endpoint; forwards listen from here on. 0, or -errno and @error: one
 * line without the name. */
int consomme_endpoint_create(const struct consomme_config *config,
			     struct loop *loop, char error[CONSOMME_ERROR_MAX],
			     struct net_endpoint **out) MUST_CHECK;

/* The functions below take an endpoint that consomme_endpoint_create() made. */

/* What /etc/resolv.conf says, as text; name servers of the config win. */
void consomme_set_resolv_conf(struct net_endpoint *ep, const char *text);

/* Adds or removes a forward. Returns 0, and done is called once, later; or
 * -errno, and it is not: the forward's sockets could not be made, @error says
 * why (one line). Done: 0 or -errno (-EEXIST, -ENOENT ...) with one line in
 * @error, good for the call. TCP connections of a forward that is removed go
 * on, its UDP flows end. */
typedef void (*consomme_done_fn)(void *arg, int err, const char *error);
int consomme_forward_add(struct net_endpoint *ep,
			 const struct consomme_forward *forward,
			 consomme_done_fn done, void *arg,
			 char error[CONSOMME_ERROR_MAX]) MUST_CHECK;
int consomme_forward_remove(struct net_endpoint *ep,
			    const struct consomme_forward *forward,
			    consomme_done_fn done, void *arg) MUST_CHECK;

/* What a flow is and has carried; all text is good for the call. @state:
 * "established", "syn-sent" ...; "" if the protocol has none. @guest, @far: as
 * the guest sees them. @idle_ms: since its last packet. */
struct consomme_flow {
	const char *proto; /* "tcp", "udp", "ping", "dns" */
	const char *state;
	bool inbound;
	struct csm_addr guest, far;
	uint16_t guest_port, far_port;
	uint64_t bytes_out, bytes_in; /* from the guest, to the guest */
	uint64_t age_ms, idle_ms;
};

/* Has at most @max flows copied, the most recently used first; done gets them
 * and how many there are in all. Returns 0, or -errno and done is not called. */
typedef void (*consomme_flows_fn)(void *arg, const struct consomme_flow *flows,
				  size_t n, size_t total);
int consomme_flows(struct net_endpoint *ep, size_t max, consomme_flows_fn done,
		   void *arg) MUST_CHECK;

/* Gives up on requests under way whose answer would go to @arg: they are still
 * carried out, and nobody is told. */
void consomme_forget(struct net_endpoint *ep, const void *arg);

#endif
