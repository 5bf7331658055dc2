/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_NET_RSS_H
#define EVNIC_NET_RSS_H

/*
 * Receive-side scaling (virtio 1.2, 5.1.6.4.3 and 5.1.6.5.7): what a frame is
 * hashed over, its Toeplitz hash, and the queue that the hash selects.
 *
 * Thread: any; nothing here changes after net_rss_init().
 */

#include "net/types.h"

/* Two IPv6 addresses and two ports. */
#define NET_RSS_INPUT_MAX 36

/* Bytes at the start of a frame that are looked at. */
#define NET_RSS_HEAD_MAX 256

/* IPv6 extension headers, and VLAN tags, that are skipped. */
#define NET_RSS_EXT_MAX	 8
#define NET_RSS_VLAN_MAX 2

/* What one frame is hashed over: @len bytes, by the rules of @type, one of enum
 * net_rss_type; 0: it has no hash. */
struct net_rss_input {
	uint16_t type;
	uint8_t len;
	uint8_t bytes[NET_RSS_INPUT_MAX];
};

/* A prepared configuration. @steps: what the four bits of a value contribute to
 * the hash at each place of the input, high bits first. */
struct net_rss {
	uint32_t types;
	uint16_t unclassified;
	uint16_t table_mask;
	uint16_t table[NET_RSS_TABLE_MAX];
	uint32_t steps[2 * NET_RSS_INPUT_MAX][16];
};

/* A frame's place. @type 0: no hash, @queue is that of unclassified frames. */
struct net_rss_result {
	uint16_t type;
	uint16_t queue;
	uint32_t hash;
};

/* Prepares @config, which an endpoint's get_queues has accepted. */
void net_rss_init(struct net_rss *rss, const struct net_rss_config *config);

/* Finds the most specific of @types that fits the frame which begins with
 * @head, and its input. VLAN tags are skipped. Fragments have no ports. With
 * one of the _EX types on, an IPv6 frame with extension headers is hashed over
 * its home address and the address in its routing header where it has them
 * (5.1.6.4.3.4). A frame whose headers are malformed, or do not all lie within
 * the first @len (and NET_RSS_HEAD_MAX) bytes, has no hash. */
void net_rss_classify(uint32_t types, const void *head, size_t len,
		      struct net_rss_input *input);

/* The 32 bits of @key from bit @bit on, zeros beyond its end: what that bit of
 * an input contributes to the hash. */
uint32_t net_rss_window(const uint8_t key[NET_RSS_KEY_LEN], size_t bit);

/* The Toeplitz hash of @len bytes, at most NET_RSS_INPUT_MAX. */
uint32_t net_rss_hash(const struct net_rss *rss, const uint8_t *bytes,
		      size_t len);

/* Where the frame which begins with @head belongs. */
struct net_rss_result net_rss_select(const struct net_rss *rss,
				     const void *head, size_t len);

#endif
