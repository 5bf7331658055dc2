/* SPDX-License-Identifier: MIT */
/*
 * Receive-side scaling.
 *
 * The Toeplitz hash of an input is the exclusive or of one 32-bit window of the
 * key for each bit that is set: the window that begins at that bit's number.
 * The windows of four bits are combined beforehand, so that a byte costs two
 * look-ups in a table of 4.5 KiB.
 *
 * A frame is looked at header by header, each only after it was seen to lie
 * within the bytes at hand. rss_bpf.c takes the same steps in the kernel.
 */
#include "net/rss.h"

#include "base/bytes.h"
#include "base/util.h"
#include "net/rss_defs.h"

#include <assert.h>
#include <string.h>

#define ANY_IPV4 (NET_RSS_IPV4 | NET_RSS_TCPV4 | NET_RSS_UDPV4)
#define ANY_EX	 (NET_RSS_IPV6_EX | NET_RSS_TCPV6_EX | NET_RSS_UDPV6_EX)
#define ANY_IPV6 (NET_RSS_IPV6 | NET_RSS_TCPV6 | NET_RSS_UDPV6 | ANY_EX)
#define IPV6_PORTS \
	(NET_RSS_TCPV6 | NET_RSS_UDPV6 | NET_RSS_TCPV6_EX | NET_RSS_UDPV6_EX)

struct head {
	const uint8_t *bytes;
	size_t len;
};

/* What the headers behind IPv6's own have said. @proto: of what follows them
 * at @off. */
struct ipv6_chain {
	size_t off;
	const uint8_t *src, *dst;
	uint8_t proto;
	bool has_ext, fragment;
};

/* @len bytes at @off, or NULL. */
static const uint8_t *view(const struct head *head, size_t off, size_t len)
{
	if (off > head->len || len > head->len - off)
		return NULL;
	return head->bytes + off;
}

static void add(struct net_rss_input *input, const uint8_t *bytes, uint8_t len)
{
	memcpy(input->bytes + input->len, bytes, len);
	input->len = (uint8_t)(input->len + len);
}

/* Adds the ports at @off. */
static uint16_t with_ports(const struct head *head, size_t off, uint16_t type,
			   struct net_rss_input *input)
{
	const uint8_t *ports = view(head, off, RSS_PORTS_LEN);

	if (!ports)
		return 0;
	add(input, ports, RSS_PORTS_LEN);
	return type;
}

static uint16_t classify_ipv4(uint32_t types, const struct head *head,
			      size_t off, struct net_rss_input *input)
{
	const uint8_t *ip = view(head, off, RSS_IPV4_LEN);
	size_t len;

	if (!ip || ip[0] >> 4 != 4)
		return 0;
	len = (size_t)(ip[0] & 15U) * 4;
	if (len < RSS_IPV4_LEN || !view(head, off, len))
		return 0;
	add(input, ip + RSS_IPV4_ADDRS, 8);
	if (load_be16(ip + RSS_IPV4_FRAG) & RSS_IPV4_FRAG_MASK)
		return types & NET_RSS_IPV4;
	if (ip[RSS_IPV4_PROTO] == RSS_TCP && types & NET_RSS_TCPV4)
		return with_ports(head, off + len, NET_RSS_TCPV4, input);
	if (ip[RSS_IPV4_PROTO] == RSS_UDP && types & NET_RSS_UDPV4)
		return with_ports(head, off + len, NET_RSS_UDPV4, input);
	return types & NET_RSS_IPV4;
}

/* The home address among the options of the destination options @opts, @len
 * bytes in all, or NULL (RFC 6275, 6.3). */
static const uint8_t *home_address(const uint8_t *opts, size_t len)
{
	size_t at = 2;

	while (at < len) {
		if (opts[at] == RSS_OPT_PAD1) {
			at++;
			continue;
		}
		if (len - at < 2 || len - at - 2 < opts[at + 1])
			return NULL;
		if (opts[at] == RSS_OPT_HOME && opts[at + 1] == 16)
			return opts + at + 2;
		at += 2U + opts[at + 1];
	}
	return NULL;
}

/* The address in a routing header of type 2, or NULL (RFC 6275, 6.4). */
static const uint8_t *routing_address(const uint8_t *ext, size_t len)
{
	return len >= 24 && ext[2] == 2 ? ext + 8 : NULL;
}

/* Bytes of the extension header of type @proto at @ext; 0: it is none. */
static size_t ext_len(uint8_t proto, const uint8_t *ext)
{
	switch (proto) {
	case RSS_EXT_HOP_BY_HOP:
	case RSS_EXT_ROUTING:
	case RSS_EXT_DEST_OPTS:
		return ((size_t)ext[1] + 1) * 8;
	case RSS_EXT_FRAGMENT:
		return 8;
	case RSS_EXT_AUTH:
		return ((size_t)ext[1] + 2) * 4;
	default:
		return 0;
	}
}

static bool is_ext(uint8_t proto)
{
	static const uint8_t any[2];

	return ext_len(proto, any) != 0;
}

/* Steps over one extension header. False: it is cut off. */
static bool skip_ext(const struct head *head, struct ipv6_chain *chain)
{
	const uint8_t *ext = view(head, chain->off, RSS_EXT_MIN);
	const uint8_t *address = NULL;
	size_t len;

	if (!ext)
		return false;
	len = ext_len(chain->proto, ext);
	if (!view(head, chain->off, len))
		return false;
	if (chain->proto == RSS_EXT_FRAGMENT &&
	    load_be16(ext + 2) & RSS_IPV6_FRAG_MASK)
		chain->fragment = true;
	if (chain->proto == RSS_EXT_DEST_OPTS)
		address = home_address(ext, len);
	if (address)
		chain->src = address;
	address = NULL;
	if (chain->proto == RSS_EXT_ROUTING)
		address = routing_address(ext, len);
	if (address)
		chain->dst = address;
	chain->proto = ext[0];
	chain->off += len;
	chain->has_ext = true;
	return true;
}

/* Steps over all of them; behind a fragment's header is no other that could be
 * read. False: malformed, or too many. */
static bool walk(const struct head *head, struct ipv6_chain *chain)
{
	for (int i = 0; is_ext(chain->proto) && !chain->fragment; i++) {
		if (i == NET_RSS_EXT_MAX || !skip_ext(head, chain))
			return false;
	}
	return true;
}

/* The type for a frame with these headers, or 0. */
static uint16_t ipv6_type(uint32_t types, const struct ipv6_chain *chain)
{
	bool tcp = chain->proto == RSS_TCP && !chain->fragment;
	bool udp = chain->proto == RSS_UDP && !chain->fragment;

	if (chain->has_ext && tcp && types & NET_RSS_TCPV6_EX)
		return NET_RSS_TCPV6_EX;
	if (chain->has_ext && udp && types & NET_RSS_UDPV6_EX)
		return NET_RSS_UDPV6_EX;
	if (chain->has_ext && types & NET_RSS_IPV6_EX)
		return NET_RSS_IPV6_EX;
	if (tcp && types & NET_RSS_TCPV6)
		return NET_RSS_TCPV6;
	if (udp && types & NET_RSS_UDPV6)
		return NET_RSS_UDPV6;
	return types & NET_RSS_IPV6;
}

static uint16_t classify_ipv6(uint32_t types, const struct head *head,
			      size_t off, struct net_rss_input *input)
{
	const uint8_t *ip = view(head, off, RSS_IPV6_LEN);
	struct ipv6_chain chain;
	uint16_t type;

	if (!ip || ip[0] >> 4 != 6)
		return 0;
	chain = (struct ipv6_chain){
		.off = off + RSS_IPV6_LEN,
		.src = ip + RSS_IPV6_ADDRS,
		.dst = ip + RSS_IPV6_ADDRS + 16,
		.proto = ip[RSS_IPV6_NEXT],
	};
	if (!walk(head, &chain))
		return 0;
	type = ipv6_type(types, &chain);
	if (type & ANY_EX) {
		add(input, chain.src, 16);
		add(input, chain.dst, 16);
	} else {
		add(input, ip + RSS_IPV6_ADDRS, 32);
	}
	if (type & IPV6_PORTS)
		return with_ports(head, chain.off, type, input);
	return type;
}

void net_rss_classify(uint32_t types, const void *head, size_t len,
		      struct net_rss_input *input)
{
	const struct head seen = {head, MIN(len, NET_RSS_HEAD_MAX)};
	size_t off = RSS_ETHER_TYPE;
	const uint8_t *at = view(&seen, off, 2);
	uint16_t type = at ? load_be16(at) : 0;

	for (int i = 0; i < NET_RSS_VLAN_MAX &&
			(type == RSS_TYPE_VLAN || type == RSS_TYPE_QINQ);
	     i++) {
		off += RSS_VLAN_TAG_LEN;
		at = view(&seen, off, 2);
		type = at ? load_be16(at) : 0;
	}
	off += 2;
	input->type = 0;
	input->len = 0;
	if (type == RSS_TYPE_IPV4 && types & ANY_IPV4)
		input->type = classify_ipv4(types, &seen, off, input);
	else if (type == RSS_TYPE_IPV6 && types & ANY_IPV6)
		input->type = classify_ipv6(types, &seen, off, input);
	if (!input->type)
		input->len = 0;
}

uint32_t net_rss_window(const uint8_t key[NET_RSS_KEY_LEN], size_t bit)
{
	uint64_t bits = 0;

	for (size_t i = bit / 8; i < bit / 8 + 5; i++)
		bits = bits << 8 | (i < NET_RSS_KEY_LEN ? key[i] : 0);
	return (uint32_t)(bits >> (8 - bit % 8));
}

void net_rss_init(struct net_rss *rss, const struct net_rss_config *config)
{
	assert(config->key_len == NET_RSS_KEY_LEN &&
	       config->indirection_table_len <= NET_RSS_TABLE_MAX);
	memset(rss, 0, sizeof(*rss));
	rss->types = config->flags;
	rss->unclassified = config->unclassified;
	rss->table_mask = (uint16_t)(config->indirection_table_len - 1);
	memcpy(rss->table, config->indirection_table,
	       config->indirection_table_len * sizeof(rss->table[0]));
	for (size_t i = 0; i < ARRAY_SIZE(rss->steps); i++) {
		for (uint32_t value = 1; value < 16; value++) {
			for (size_t bit = 0; bit < 4; bit++) {
				if (value & 8U >> bit)
					rss->steps[i][value] ^= net_rss_window(
						config->key, 4 * i + bit);
			}
		}
	}
}

uint32_t net_rss_hash(const struct net_rss *rss, const uint8_t *bytes,
		      size_t len)
{
	uint32_t hash = 0;

	assert(len <= NET_RSS_INPUT_MAX);
	for (size_t i = 0; i < len; i++)
		hash ^= rss->steps[2 * i][bytes[i] >> 4] ^
			rss->steps[2 * i + 1][bytes[i] & 15];
	return hash;
}

struct net_rss_result net_rss_select(const struct net_rss *rss,
				     const void *head, size_t len)
{
	struct net_rss_input input;
	struct net_rss_result result = {.queue = rss->unclassified};

	net_rss_classify(rss->types, head, len, &input);
	if (!input.type)
		return result;
	result.type = input.type;
	result.hash = net_rss_hash(rss, input.bytes, input.len);
	result.queue = rss->table[result.hash & rss->table_mask];
	return result;
}
