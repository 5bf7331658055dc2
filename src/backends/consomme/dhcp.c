/* SPDX-License-Identifier: MIT */
/*
 * DHCPv4 server (RFC 2131, 2132) with a single lease, the guest's address; and
 * BOOTP (RFC 951, 1534) with the same.
 *
 * There is nothing to remember between messages: whoever asks gets that address,
 * and is refused any other. A request is judged by the state that its client
 * must be in (RFC 2131, 4.3.2):
 *
 *   SELECTING: names a server; another than us: not our business
 *   INIT-REBOOT: names no server, but an address that it had: ours, or refused
 *   RENEWING, REBINDING: has an address (ciaddr): ours, or refused
 *
 * Requests that came through a relay are not for us: there is none between the
 * guest and its gateway.
 */
#include "backends/consomme/build.h"
#include "backends/consomme/dhcp_options.h"
#include "backends/consomme/domain.h"
#include "backends/consomme/stack.h"
#include "base/bytes.h"

#include <errno.h>
#include <string.h>

#define SERVER_PORT 67
#define CLIENT_PORT 68

#define BOOT_REQUEST 1
#define BOOT_REPLY   2
#define ETHERNET     1
#define COOKIE	     0x63825363
#define BROADCAST    0x8000 /* flag: the client hears nothing else yet */

/* The longest message that is read, and that is sent. */
#define MESSAGE_MAX 1472
/* What BOOTP clients have room for, and some relays and clients insist on. */
#define MESSAGE_MIN 300
/* What every client takes, and what lies around a message in a packet. */
#define DATAGRAM_MIN  576
#define DATAGRAM_HEAD (NET_IPV4_LEN_MIN + NET_UDP_LEN)

#define LEASE_S (24 * 3600)
#define T1_S	(LEASE_S / 2)
#define T2_S	(LEASE_S / 8 * 7)

enum message_type {
	BOOTP = 0, /* no type */
	DISCOVER = 1,
	OFFER = 2,
	REQUEST = 3,
	DECLINE = 4,
	ACK = 5,
	NAK = 6,
	RELEASE = 7,
	INFORM = 8,
};

/* A message of the client's, copied. @server, @requested: any: not named. */
struct request {
	uint8_t bytes[MESSAGE_MAX];
	struct dhcp_options options;
	enum message_type type;
	struct csm_addr ciaddr, server, requested;
	size_t reply_max;
};

/* @yiaddr: the address given; any: none. @to: any: as the client asks for it. */
struct reply {
	enum message_type type;
	struct csm_addr yiaddr, to;
	const char *message;
};

static bool is_request(const uint8_t *bytes, size_t len)
{
	return len >= DHCP_AT_OPTIONS && bytes[DHCP_AT_OP] == BOOT_REQUEST &&
	       bytes[DHCP_AT_HTYPE] == ETHERNET && bytes[DHCP_AT_HLEN] == 6 &&
	       load_be32(bytes + DHCP_AT_GIADDR) == 0 &&
	       load_be32(bytes + DHCP_AT_COOKIE) == COOKIE &&
	       !(bytes[DHCP_AT_CHADDR] & 1);
}

/* An option that is an address; -EINVAL: it is not. */
static int read_address(const struct dhcp_options *options, uint8_t code,
			struct csm_addr *out)
{
	uint8_t v4[4];
	ssize_t n = dhcp_options_get(options, code, v4, sizeof(v4));

	*out = csm_addr_any4;
	if (n == -ENOENT)
		return 0;
	if (n != sizeof(v4))
		return -EINVAL;
	*out = csm_addr_from4(v4);
	return 0;
}

static int read_type(struct request *req)
{
	uint8_t type;
	ssize_t n = dhcp_options_get(&req->options, DHCP_TYPE, &type, 1);

	req->type = BOOTP;
	if (n == -ENOENT)
		return 0;
	if (n != 1 || type < DISCOVER || type > INFORM)
		return -EINVAL;
	req->type = (enum message_type)type;
	return 0;
}

/* The longest message that the client takes. */
static size_t find_reply_max(const struct request *req, uint16_t mtu)
{
	uint8_t wire[2];
	size_t max = DATAGRAM_MIN;

	if (req->type == BOOTP)
		return MESSAGE_MIN;
	if (dhcp_options_have(&req->options, DHCP_MAX_SIZE, wire, sizeof(wire)))
		max = MAX(max, (size_t)load_be16(wire));
	max = MAX(MIN(max, (size_t)mtu), (size_t)MESSAGE_MIN + DATAGRAM_HEAD);
	return MIN(max - DATAGRAM_HEAD, (size_t)MESSAGE_MAX);
}

static int read_request(struct request *req, const struct csm_in *in,
			uint16_t mtu)
{
	size_t len = csm_in_copy(in, req->bytes, sizeof(req->bytes));
	int err;

	if (in->payload_len > sizeof(req->bytes) ||
	    !is_request(req->bytes, len))
		return -EINVAL;
	err = dhcp_options_open(&req->options, req->bytes, len);
	if (!err)
		err = read_type(req);
	if (!err)
		err = read_address(&req->options, DHCP_SERVER, &req->server);
	if (!err)
		err = read_address(&req->options, DHCP_REQUESTED,
				   &req->requested);
	if (err < 0)
		return err;
	req->ciaddr = csm_addr_from4(req->bytes + DHCP_AT_CIADDR);
	req->reply_max = find_reply_max(req, mtu);
	return 0;
}

/* The network's mask as a number. */
static uint32_t netmask(const struct consomme_config *c)
{
	unsigned int host_bits = 128u - c->network.len;

	return host_bits >= 32 ? 0 : UINT32_MAX << host_bits;
}

static void put_text(struct dhcp_writer *w, uint8_t code, const char *text)
{
	dhcp_put(w, code, text, strlen(text));
}

/* What the guest is told of the network; codes that we know nothing of: no
 * option. */
static void put_parameter(struct dhcp_writer *w,
			  const struct consomme_config *c, uint8_t code)
{
	uint8_t search[2 * CSM_DOMAIN_MAX];

	switch (code) {
	case DHCP_MASK:
		dhcp_put_u32(w, code, netmask(c));
		break;
	case DHCP_ROUTER:
		dhcp_put(w, code, csm_addr_bytes4(&c->gateway), 4);
		break;
	case DHCP_DNS:
		dhcp_put(w, code, csm_addr_bytes4(&c->dns), 4);
		break;
	case DHCP_HOSTNAME:
		put_text(w, code, c->hostname);
		break;
	case DHCP_DOMAIN:
		put_text(w, code, c->domain);
		break;
	case DHCP_MTU:
		dhcp_put_u16(w, code, c->mtu);
		break;
	case DHCP_BROADCAST:
		dhcp_put_u32(w, code,
			     load_be32(csm_addr_bytes4(&c->network.addr)) |
				     ~netmask(c));
		break;
	case DHCP_SEARCH:
		dhcp_put(w, code, search,
			 csm_domain_search(c, search, sizeof(search)));
		break;
	default:
		break;
	}
}

/* First the mask, which has to stand before the router (RFC 2132, 3.3), then what
 * the client asks for in its order, then what is left. */
static void put_parameters(struct dhcp_writer *w, const struct request *req,
			   const struct consomme_config *c)
{
	static const uint8_t ours[] = {
		DHCP_ROUTER,   DHCP_DNS,    DHCP_BROADCAST, DHCP_MTU,
		DHCP_HOSTNAME, DHCP_DOMAIN, DHCP_SEARCH};
	uint8_t asked[255];
	ssize_t n = dhcp_options_get(&req->options, DHCP_PARAMETERS, asked,
				     sizeof(asked));
	bool done[256] = {[DHCP_MASK] = true};

	put_parameter(w, c, DHCP_MASK);
	for (ssize_t i = 0; i < MIN(n, (ssize_t)sizeof(asked)); i++) {
		if (!done[asked[i]])
			put_parameter(w, c, asked[i]);
		done[asked[i]] = true;
	}
	for (size_t i = 0; i < ARRAY_SIZE(ours); i++) {
		if (!done[ours[i]])
			put_parameter(w, c, ours[i]);
	}
}

static void put_options(struct dhcp_writer *w, const struct request *req,
			const struct reply *reply,
			const struct consomme_config *c)
{
	uint8_t type = (uint8_t)reply->type, client[255];
	ssize_t n;

	if (type != BOOTP) {
		dhcp_put(w, DHCP_TYPE, &type, 1);
		dhcp_put(w, DHCP_SERVER, csm_addr_bytes4(&c->gateway), 4);
		/* RFC 6842: it tells clients behind one MAC apart. */
		n = dhcp_options_get(&req->options, DHCP_CLIENT, client,
				     sizeof(client));
		if (n > 0 && n <= (ssize_t)sizeof(client))
			dhcp_put(w, DHCP_CLIENT, client, (size_t)n);
	}
	if (reply->message)
		put_text(w, DHCP_MESSAGE, reply->message);
	if (type == NAK)
		return;
	if (type != BOOTP && !csm_addr_is_any(&reply->yiaddr)) {
		dhcp_put_u32(w, DHCP_LEASE, LEASE_S);
		dhcp_put_u32(w, DHCP_T1, T1_S);
		dhcp_put_u32(w, DHCP_T2, T2_S);
	}
	put_parameters(w, req, c);
}

/* Where the reply goes (RFC 2131, 4.1): to the client's address if it has one; to
 * the one that it gets, at its MAC, if it can hear that; else to everybody. That
 * also holds for a client that is not the station which sent the request. */
static struct csm_addr find_destination(const struct csm_stack *stack,
					const struct request *req,
					const struct reply *reply)
{
	bool direct =
		memcmp(req->bytes + DHCP_AT_CHADDR, stack->guest_mac, 6) == 0;

	if (reply->type == NAK || !direct)
		return csm_addr_from_u32(UINT32_MAX);
	if (!csm_addr_is_any(&reply->to))
		return reply->to;
	if (!csm_addr_is_any(&req->ciaddr))
		return req->ciaddr;
	if (load_be16(req->bytes + DHCP_AT_FLAGS) & BROADCAST)
		return csm_addr_from_u32(UINT32_MAX);
	return reply->yiaddr;
}

static void send_reply(struct csm_stack *stack, const struct request *req,
		       const struct reply *reply)
{
	const struct consomme_config *c = stack->config;
	struct csm_addr to = find_destination(stack, req, reply);
	uint8_t bytes[MESSAGE_MAX] = {0};
	struct dhcp_writer w = {
		.bytes = bytes, .len = DHCP_AT_OPTIONS, .size = req->reply_max};

	bytes[DHCP_AT_OP] = BOOT_REPLY;
	bytes[DHCP_AT_HTYPE] = ETHERNET;
	bytes[DHCP_AT_HLEN] = 6;
	memcpy(bytes + DHCP_AT_XID, req->bytes + DHCP_AT_XID, 4);
	memcpy(bytes + DHCP_AT_FLAGS, req->bytes + DHCP_AT_FLAGS, 2);
	if (reply->type == ACK || reply->type == BOOTP)
		memcpy(bytes + DHCP_AT_CIADDR, req->bytes + DHCP_AT_CIADDR, 4);
	memcpy(bytes + DHCP_AT_YIADDR, csm_addr_bytes4(&reply->yiaddr), 4);
	memcpy(bytes + DHCP_AT_CHADDR, req->bytes + DHCP_AT_CHADDR, 16);
	store_be32(bytes + DHCP_AT_COOKIE, COOKIE);
	put_options(&w, req, reply, c);
	dhcp_put_end(&w);
	csm_build_udp_reply(stack, &c->gateway, SERVER_PORT, &to, CLIENT_PORT,
			    bytes, MAX(w.len, (size_t)MESSAGE_MIN));
}

static void send_lease(struct csm_stack *stack, const struct request *req,
		       enum message_type type)
{
	struct reply reply = {.type = type,
			      .yiaddr = stack->config->guest,
			      .to = csm_addr_any4};

	if (type != OFFER)
		stack->guest4 = stack->config->guest;
	send_reply(stack, req, &reply);
}

static void send_nak(struct csm_stack *stack, const struct request *req)
{
	struct reply reply = {.type = NAK,
			      .yiaddr = csm_addr_any4,
			      .to = csm_addr_any4,
			      .message = "this network has another address "
					 "for you"};

	send_reply(stack, req, &reply);
}

static void handle_request(struct csm_stack *stack, const struct request *req)
{
	const struct consomme_config *c = stack->config;
	const struct csm_addr *wanted = &req->requested;

	if (!csm_addr_is_any(&req->server) &&
	    !csm_addr_equal(&req->server, &c->gateway))
		return;
	if (csm_addr_is_any(wanted))
		wanted = &req->ciaddr;
	if (csm_addr_is_any(wanted))
		return;
	if (csm_addr_equal(wanted, &c->guest))
		send_lease(stack, req, ACK);
	else
		send_nak(stack, req);
}

/* The client has an address already and asks for the rest. */
static void handle_inform(struct csm_stack *stack, const struct request *req,
			  const struct csm_in *in)
{
	struct reply reply = {
		.type = ACK, .yiaddr = csm_addr_any4, .to = req->ciaddr};

	if (csm_addr_is_any(&reply.to))
		reply.to = in->src;
	if (!csm_addr_is_any(&reply.to))
		send_reply(stack, req, &reply);
}

static bool is_about_us(const struct csm_stack *stack,
			const struct request *req)
{
	return csm_addr_equal(&req->server, &stack->config->gateway);
}

/* Somebody else in the guest's network seems to have the address. There is no
 * other to give. */
static void handle_decline(struct csm_stack *stack, const struct request *req)
{
	char text[CSM_ADDR_TEXT_MAX];

	if (!is_about_us(stack, req))
		return;
	log_limited(&stack->log, LOG_LEVEL_WARN,
		    "%s: the guest declined its address %s, as it found it in "
		    "use: look for a bridge or another interface in the guest "
		    "that has it, or choose another with \"guest\"",
		    stack->config->name,
		    csm_addr_text(&stack->config->guest, text));
}

static void handle_release(struct csm_stack *stack, const struct request *req)
{
	if (is_about_us(stack, req) &&
	    csm_addr_equal(&req->ciaddr, &stack->guest4))
		stack->guest4 = csm_addr_any4;
}

void csm_dhcp_input(struct csm_stack *stack, const struct csm_in *in)
{
	struct request req;

	if (read_request(&req, in, stack->config->mtu) < 0)
		return;
	stack->count.dhcp++;
	switch (req.type) {
	case BOOTP:
		send_lease(stack, &req, BOOTP);
		break;
	case DISCOVER:
		send_lease(stack, &req, OFFER);
		break;
	case REQUEST:
		handle_request(stack, &req);
		break;
	case DECLINE:
		handle_decline(stack, &req);
		break;
	case RELEASE:
		handle_release(stack, &req);
		break;
	case INFORM:
		handle_inform(stack, &req, in);
		break;
	case OFFER:
	case ACK:
	case NAK:
		break;
	}
}
