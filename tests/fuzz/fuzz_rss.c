/* SPDX-License-Identifier: MIT */
/*
 * What a frame is hashed over. Two bytes of hash types, little endian, then the
 * frame.
 *
 * Nothing beyond the frame is read; the type is one of those; and a part of a
 * frame that has a hash has the hash of the whole.
 */
#include "net/rss.h"

#include "base/bytes.h"
#include "base/util.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Of a copy that ends where the frame does. */
static struct net_rss_input classify(uint32_t types, const uint8_t *frame,
				     size_t len)
{
	uint8_t *copy = malloc(len ? len : 1);
	struct net_rss_input input;

	if (!copy)
		abort();
	memcpy(copy, frame, len);
	net_rss_classify(types, copy, len, &input);
	free(copy);
	return input;
}

static void check(uint32_t types, const struct net_rss_input *input)
{
	bool ipv4 =
		input->type & (NET_RSS_IPV4 | NET_RSS_TCPV4 | NET_RSS_UDPV4);
	bool ports = !(input->type &
		       (NET_RSS_IPV4 | NET_RSS_IPV6 | NET_RSS_IPV6_EX));
	size_t len = ipv4 ? 8 : 32;

	if (!input->type) {
		if (input->len)
			abort();
		return;
	}
	if (input->type & (input->type - 1) || !(input->type & types) ||
	    input->len != (ports ? len + 4 : len))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct net_rss_input whole, part;
	uint32_t types;

	if (size < 2)
		return 0;
	types = load_le16(data) & NET_RSS_TYPES_ALL;
	data += 2;
	size -= 2;
	whole = classify(types, data, size);
	check(types, &whole);
	for (size_t len = 0; len < size && len <= NET_RSS_HEAD_MAX; len++) {
		part = classify(types, data, len);
		check(types, &part);
		if (part.type &&
		    (part.type != whole.type || part.len != whole.len ||
		     memcmp(part.bytes, whole.bytes, part.len) != 0))
			abort();
	}
	return 0;
}
