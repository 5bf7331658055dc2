/* SPDX-License-Identifier: MIT */
/*
 * ICMP and ICMPv6 errors to the guest (RFC 792, 1122 3.2.2, 1812 4.3, 4443).
 *
 * An error quotes the packet that it is about, as much as may be. There is none
 * about another error, about what was sent to many, or from an address that is
 * nobody's; and no more of them than a rate allows, whatever the guest sends.
 */
#include "backends/consomme/build.h"
#include "backends/consomme/icmp.h"
#include "backends/consomme/stack.h"
#include "base/bytes.h"

#include <errno.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <string.h>

/* The largest errors: what every host can take in one piece. */
#define ERROR4_MAX (576 - NET_IPV4_LEN_MIN)
#define ERROR6_MAX (1280 - NET_IPV6_LEN)

/* @rest: of the header's second half, the MTU. */
struct error {
	uint8_t type, code;
	uint32_t rest;
};

/* An error being made. */
struct message {
	uint8_t bytes[ERROR6_MAX];
	size_t len, max;
};

static struct error error4(int err, uint32_t mtu)
{
	switch (err) {
	case ENETUNREACH:
		return (struct error){ICMP_DEST_UNREACH, ICMP_NET_UNREACH, 0};
	case ECONNREFUSED:
		return (struct error){ICMP_DEST_UNREACH, ICMP_PORT_UNREACH, 0};
	case ENOPROTOOPT:
		return (struct error){ICMP_DEST_UNREACH, ICMP_PROT_UNREACH, 0};
	case EACCES:
		return (struct error){ICMP_DEST_UNREACH, ICMP_PKT_FILTERED, 0};
	case EMSGSIZE:
		return (struct error){ICMP_DEST_UNREACH, ICMP_FRAG_NEEDED,
				      MIN(mtu, (uint32_t)UINT16_MAX)};
	case ETIME:
		return (struct error){ICMP_TIME_EXCEEDED, ICMP_EXC_TTL, 0};
	default:
		return (struct error){ICMP_DEST_UNREACH, ICMP_HOST_UNREACH, 0};
	}
}

static struct error error6(int err, uint32_t mtu)
{
	switch (err) {
	case ENETUNREACH:
		return (struct error){ICMP6_DST_UNREACH,
				      ICMP6_DST_UNREACH_NOROUTE, 0};
	case ECONNREFUSED:
		return (struct error){ICMP6_DST_UNREACH,
				      ICMP6_DST_UNREACH_NOPORT, 0};
	case EACCES:
		return (struct error){ICMP6_DST_UNREACH,
				      ICMP6_DST_UNREACH_ADMIN, 0};
	case EMSGSIZE:
		return (struct error){ICMP6_PACKET_TOO_BIG, 0, mtu};
	case ETIME:
		return (struct error){ICMP6_TIME_EXCEEDED,
				      ICMP6_TIME_EXCEED_TRANSIT, 0};
	default:
		return (struct error){ICMP6_DST_UNREACH, ICMP6_DST_UNREACH_ADDR,
				      0};
	}
}

static struct message begin(bool v6, int err, uint32_t mtu)
{
	struct error e = v6 ? error6(err, mtu) : error4(err, mtu);
	struct message m = {.max = v6 ? ERROR6_MAX : ERROR4_MAX};

	m.bytes[0] = e.type;
	m.bytes[1] = e.code;
	store_be32(m.bytes + 4, e.rest);
	m.len = ICMP_MINLEN;
	return m;
}

static void quote(struct message *m, const void *data, size_t len)
{
	len = MIN(len, m->max - m->len);
	memcpy(m->bytes + m->len, data, len);
	m->len += len;
}

/* May there be an error for a packet from @src to @dst? */
static bool may_tell(struct csm_stack *stack, const struct csm_addr *src,
		     const struct csm_addr *dst)
{
	return !csm_addr_is_any(src) && !csm_addr_is_multicast(dst) &&
	       !csm_icmp_is_broadcast(stack, dst) && stack->guest_known &&
	       csm_icmp_spend(stack);
}

static void tell(struct csm_stack *stack, const struct message *m,
		 const struct csm_addr *from, const struct csm_addr *to)
{
	const struct consomme_config *c = stack->config;

	if (!from)
		from = csm_addr_is4(to) ? &c->gateway : &c->gateway6;
	stack->count.icmp_errors++;
	csm_build_icmp_reply(stack, stack->guest_mac, CSM_TTL, from, to,
			     m->bytes, m->len);
}

/* Is it an ICMP message of which errors may be told? */
static bool is_query(const struct csm_in *in)
{
	uint8_t type;

	if (in->protocol != (in->v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP))
		return true;
	if (csm_in_copy(in, &type, 1) != 1)
		return false;
	return type == (in->v6 ? ICMP6_ECHO_REQUEST : ICMP_ECHO);
}

void csm_icmp_error(struct csm_stack *stack, const struct csm_in *in, int err,
		    uint32_t mtu, const struct csm_addr *from)
{
	struct message m = begin(in->v6, err, mtu);
	struct net_iov_walk walk = in->payload;
	size_t room;

	if ((in->head[0] & 1) || !is_query(in) ||
	    !may_tell(stack, &in->src, &in->dst))
		return;
	quote(&m, in->head + in->ip_at,
	      (size_t)(in->l4_at - in->ip_at) + in->l4_len);
	room = MIN(m.max - m.len, (size_t)in->payload_len);
	m.len += net_iov_read(&walk, m.bytes + m.len, room);
	tell(stack, &m, from, &in->src);
}

static uint8_t find_protocol(const struct csm_key *key, bool v6)
{
	switch (key->kind) {
	case CSM_FLOW_TCP:
		return IPPROTO_TCP;
	case CSM_FLOW_PING:
		return v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP;
	default:
		return IPPROTO_UDP;
	}
}

/* The UDP header that the guest's datagram had, but for its checksum. */
static void quote_udp(struct message *m, const struct csm_key *key, size_t len)
{
	uint8_t udp[NET_UDP_LEN] = {0};

	store_be16(udp, key->guest_port);
	store_be16(udp + 2, key->far_port);
	store_be16(udp + 4, (uint16_t)(NET_UDP_LEN + len));
	quote(m, udp, sizeof(udp));
}

void csm_icmp_error_for(struct csm_stack *stack, const struct csm_key *key,
			const void *payload, size_t n, size_t payload_len,
			int err, uint32_t mtu, const struct csm_addr *from)
{
	bool v6 = !csm_addr_is4(&key->far);
	uint8_t protocol = find_protocol(key, v6);
	bool udp = protocol == IPPROTO_UDP;
	struct message m = begin(v6, err, mtu);
	uint8_t ip[NET_ETHERNET_LEN + NET_IPV6_LEN];
	size_t len;

	if (!may_tell(stack, &key->guest, &key->far))
		return;
	len = csm_build_ip(stack, ip, stack->config->mac, protocol, CSM_TTL,
			   &key->guest, &key->far,
			   payload_len + (udp ? NET_UDP_LEN : 0));
	quote(&m, ip + NET_ETHERNET_LEN, len - NET_ETHERNET_LEN);
	if (udp)
		quote_udp(&m, key, payload_len);
	quote(&m, payload, n);
	tell(stack, &m, from, &key->guest);
}
