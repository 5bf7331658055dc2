/* SPDX-License-Identifier: MIT */
/*
 * DHCPv6 server without addresses (RFC 8415, formerly 3736): it tells of name
 * servers and search domains to who asks for information. Addresses come from
 * router advertisements; who asks for one is told that there is none (18.3.9).
 *
 * Nothing is remembered between messages.
 */
#include "backends/consomme/build.h"
#include "backends/consomme/domain.h"
#include "backends/consomme/stack.h"
#include "base/bytes.h"

#include <errno.h>
#include <string.h>

#define SERVER_PORT 547
#define CLIENT_PORT 546
#define MESSAGE_MAX 1024
#define REPLY_MAX   1232 /* of a packet that every link can carry */
#define HEAD_LEN    4	 /* of a message: type and transaction */
#define OPTION_HEAD 4
#define SEARCH_MAX  512
#define DUID_MAX    128 /* 11.1 */

enum message_type {
	SOLICIT = 1,
	ADVERTISE = 2,
	REQUEST = 3,
	RENEW = 5,
	REPLY = 7,
	INFORMATION_REQUEST = 11,
};

enum option {
	OPT_CLIENT = 1,
	OPT_SERVER = 2,
	OPT_IA_NA = 3,
	OPT_IA_TA = 4,
	OPT_STATUS = 13,
	OPT_DNS = 23,
	OPT_SEARCH = 24,
	OPT_IA_PD = 25,
};

enum status {
	NO_ADDRS_AVAIL = 2,
	NO_BINDING = 3,
	NO_PREFIX_AVAIL = 6,
};

/* The server's DUID: of its link-layer address (11.4). */
#define DUID_LL_LEN 10

/* A message of the client's, copied: its options have been walked through. */
struct request {
	uint8_t bytes[MESSAGE_MAX];
	size_t len;
	uint8_t type;
	const uint8_t *client; /* the whole option; NULL: none */
	size_t client_len;
	bool names_server, names_us;
	bool has_ia;
};

struct writer {
	uint8_t bytes[REPLY_MAX];
	size_t len;
};

/* Options, one after the other. */
struct walk {
	const uint8_t *at;
	size_t left;
	uint16_t code, len;
	const uint8_t *value;
};

/* 1: an option; 0: the end; -EINVAL. */
static int walk_next(struct walk *w)
{
	if (!w->left)
		return 0;
	if (w->left < OPTION_HEAD)
		return -EINVAL;
	w->code = load_be16(w->at);
	w->len = load_be16(w->at + 2);
	w->value = w->at + OPTION_HEAD;
	if (w->len > w->left - OPTION_HEAD)
		return -EINVAL;
	w->at += OPTION_HEAD + w->len;
	w->left -= OPTION_HEAD + (size_t)w->len;
	return 1;
}

static struct walk walk_begin(const struct request *req)
{
	return (struct walk){.at = req->bytes + HEAD_LEN,
			     .left = req->len - HEAD_LEN};
}

static void write_duid(const struct csm_stack *stack, uint8_t duid[DUID_LL_LEN])
{
	store_be16(duid, 3);	 /* DUID-LL */
	store_be16(duid + 2, 1); /* Ethernet */
	memcpy(duid + 4, stack->config->mac, 6);
}

/* False: the message has to be discarded. */
static bool take_option(const struct csm_stack *stack, struct request *req,
			const struct walk *w)
{
	uint8_t duid[DUID_LL_LEN];

	switch (w->code) {
	case OPT_CLIENT:
		if (req->client || !w->len || w->len > 2 + DUID_MAX)
			return false;
		req->client = w->value;
		req->client_len = w->len;
		return true;
	case OPT_SERVER:
		if (req->names_server)
			return false;
		write_duid(stack, duid);
		req->names_server = true;
		req->names_us = w->len == sizeof(duid) &&
				memcmp(w->value, duid, sizeof(duid)) == 0;
		return true;
	case OPT_IA_NA:
	case OPT_IA_PD:
		req->has_ia = true;
		return w->len >= 12;
	case OPT_IA_TA:
		req->has_ia = true;
		return w->len >= 4;
	default:
		return true;
	}
}

/* The checks of 16. */
static bool is_valid(const struct request *req)
{
	switch (req->type) {
	case SOLICIT:
		return req->client && !req->names_server;
	case REQUEST:
	case RENEW:
		return req->client && req->names_us;
	case INFORMATION_REQUEST:
		return !req->has_ia && (!req->names_server || req->names_us);
	default:
		return false;
	}
}

static bool read_request(const struct csm_stack *stack, struct request *req,
			 const struct csm_in *in)
{
	struct walk w;
	int more;

	*req = (struct request){0};
	req->len = csm_in_copy(in, req->bytes, sizeof(req->bytes));
	if (req->len < HEAD_LEN || in->payload_len > sizeof(req->bytes))
		return false;
	req->type = req->bytes[0];
	w = walk_begin(req);
	while ((more = walk_next(&w)) > 0) {
		if (!take_option(stack, req, &w))
			return false;
	}
	return more == 0 && is_valid(req);
}

/* An option; left out if there is no room, or it is empty. */
static void put(struct writer *w, uint16_t code, const void *value, size_t len)
{
	if (!len || OPTION_HEAD + len > sizeof(w->bytes) - w->len)
		return;
	store_be16(w->bytes + w->len, code);
	store_be16(w->bytes + w->len + 2, (uint16_t)len);
	memcpy(w->bytes + w->len + OPTION_HEAD, value, len);
	w->len += OPTION_HEAD + len;
}

/* That an association gets nothing: itself, with a status in it. Its times,
 * which an IA_TA has not, are 0. */
static void put_nothing(struct writer *w, const struct request *req,
			const struct walk *ia)
{
	uint8_t value[12 + OPTION_HEAD + 2] = {0};
	size_t len = ia->code == OPT_IA_TA ? 4 : 12;
	enum status status = NO_ADDRS_AVAIL;

	if (req->type == RENEW)
		status = NO_BINDING;
	else if (ia->code == OPT_IA_PD)
		status = NO_PREFIX_AVAIL;
	memcpy(value, ia->value, 4);
	store_be16(value + len, OPT_STATUS);
	store_be16(value + len + 2, 2);
	store_be16(value + len + OPTION_HEAD, (uint16_t)status);
	put(w, ia->code, value, len + OPTION_HEAD + 2);
}

static void put_associations(struct writer *w, const struct request *req)
{
	struct walk walk = walk_begin(req);

	while (walk_next(&walk) > 0) {
		if (walk.code == OPT_IA_NA || walk.code == OPT_IA_TA ||
		    walk.code == OPT_IA_PD)
			put_nothing(w, req, &walk);
	}
}

static void send_reply(struct csm_stack *stack, const struct request *req,
		       const struct csm_addr *to)
{
	const struct consomme_config *c = stack->config;
	uint8_t duid[DUID_LL_LEN], search[SEARCH_MAX];
	struct writer w = {.len = HEAD_LEN};
	size_t n_search;

	memcpy(w.bytes, req->bytes, HEAD_LEN);
	w.bytes[0] = req->type == SOLICIT ? ADVERTISE : REPLY;
	write_duid(stack, duid);
	put(&w, OPT_SERVER, duid, sizeof(duid));
	if (req->client)
		put(&w, OPT_CLIENT, req->client, req->client_len);
	put(&w, OPT_DNS, c->dns6.b, sizeof(c->dns6.b));
	n_search = csm_domain_search(c, search, sizeof(search));
	put(&w, OPT_SEARCH, search, n_search);
	put_associations(&w, req);
	csm_build_udp_reply(stack, &c->gateway6_local, SERVER_PORT, to,
			    CLIENT_PORT, w.bytes, w.len);
}

void csm_dhcp6_input(struct csm_stack *stack, const struct csm_in *in)
{
	struct request req;

	/* Messages to a single server are for those who were invited (18.4). */
	if (!csm_addr_is_multicast(&in->dst) || !read_request(stack, &req, in))
		return;
	stack->count.dhcp6++;
	send_reply(stack, &req, &in->src);
}
