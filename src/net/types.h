/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_NET_TYPES_H
#define EVNIC_NET_TYPES_H

/*
 * The vocabulary of the net contract: identifiers, packet metadata, offloads.
 *
 * Metadata loses nothing: what a virtio-net header (virtio 1.2, 5.1.6) says
 * about a frame can be said here, and back (net/vnet_hdr.h). All lengths and
 * offsets are bytes; offsets count from the first byte of the frame.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A receive buffer and a transmit packet, as their frontend numbers them. They
 * are structs so that one cannot be passed for the other. */
struct net_rx_id {
	uint32_t v;
};

struct net_tx_id {
	uint32_t v;
};

/* The longest frame that anybody may send: a GSO frame of 64 KiB with Ethernet
 * header and two VLAN tags. */
#define NET_FRAME_MAX (65535 + 14 + 8)

/* The most segments of one packet, what one writev() takes (IOV_MAX). A
 * frontend drops a packet of more. */
#define NET_TX_SEGS_MAX 1024

/* The virtio-net header in front of a frame in vnet_hdr mode. */
#define NET_VNET_HDR_LEN 12

enum net_csum_state {
	NET_CSUM_UNKNOWN,
	NET_CSUM_GOOD,
	NET_CSUM_BAD,
	/* The content was checked, but the field is wrong: a frame that was
	 * merged out of several. */
	NET_CSUM_VALIDATED_BUT_WRONG,
};

static inline bool net_csum_is_valid(enum net_csum_state state)
{
	return state == NET_CSUM_GOOD || state == NET_CSUM_VALIDATED_BUT_WRONG;
}

enum net_l3_proto {
	NET_L3_UNKNOWN,
	NET_L3_IPV4,
	NET_L3_IPV6,
};

enum net_l4_proto {
	NET_L4_UNKNOWN,
	NET_L4_TCP,
	NET_L4_UDP,
};

/* How a frame larger than the MTU is to be cut, or was merged. */
enum net_gso_type {
	NET_GSO_NONE,
	NET_GSO_TCPV4,
	NET_GSO_TCPV6,
	NET_GSO_UDP_FRAG, /* IP fragments (UFO) */
	NET_GSO_UDP,	  /* datagrams (USO) */
};

/* What is left to do on a frame, in the terms of the virtio-net header.
 * @csum_needed: the 16-bit sum from @csum_start to the end of the frame is to
 * be stored at @csum_start + @csum_offset, which holds the pseudo header's.
 * @gso_size: payload bytes of each cut. @hdr_len: what is before the payload,
 * a hint, 0 if not known. */
struct net_offload {
	enum net_gso_type gso;
	bool gso_ecn;
	bool csum_needed;
	uint16_t csum_start;
	uint16_t csum_offset;
	uint16_t gso_size;
	uint16_t hdr_len;
};

struct net_vlan {
	bool present;
	bool dei;
	uint8_t priority;
	uint16_t id;
};

/* A received frame. @len: bytes of the frame. The checksum is either in a known
 * state (@ip_csum, @l4_csum) or yet to be computed (@offload.csum_needed).
 * @hash is valid if @hash_type is not 0 (virtio 1.2, 5.1.6.4.4). @vnet_hdr: the
 * header stands in the buffer in front of the frame and says it all; of the
 * other fields only @len is set. */
struct net_rx_meta {
	uint32_t len;
	enum net_csum_state ip_csum;
	enum net_csum_state l4_csum;
	enum net_l4_proto l4_proto;
	struct net_offload offload;
	uint32_t hash;
	uint16_t hash_type;
	struct net_vlan vlan;
	bool vnet_hdr;
};

/* A received packet: the first of the buffers that it fills and how many. The
 * others are those that were given after the first, in order. If meta.len is 0
 * there is no frame, a wrapper has dropped it: the buffers come back for nothing,
 * and may be given again. */
struct net_rx_packet {
	struct net_rx_id first;
	uint16_t n_ids;
	struct net_rx_meta meta;
};

/* Offloads that the sender asks for, and what it knows of the frame. */
enum net_tx_flags {
	NET_TX_IPV4_CSUM = 1 << 0, /* compute the IPv4 header checksum */
	NET_TX_TCP_CSUM = 1 << 1,
	NET_TX_UDP_CSUM = 1 << 2,
	NET_TX_TSO = 1 << 3,
	NET_TX_USO = 1 << 4,
	NET_TX_IPV4 = 1 << 5,
	NET_TX_IPV6 = 1 << 6,
};

/* A packet to transmit. @n_segs: segments, this one's included. @len: bytes of
 * the frame (the virtio-net header not counted). @l2_len to @mss: valid if a
 * flag asks for an offload. @offload: the same wishes in the terms of the
 * virtio-net header, which can say more (any checksum offset, ECN); a backend
 * obeys @offload if it can and may look at @flags instead. Who sets only flags
 * sets @offload.gso_ecn besides if NET_TX_TSO is for a frame with CWR: no flag
 * tells that. Whoever asks has the frame's own fields as virtio wants them
 * (5.1.6.2): lengths that are right for the whole frame, and in the checksum's
 * field the sum of the pseudo header with that length; a frontend whose protocol
 * has them otherwise sets them. @vnet_hdr: the first NET_VNET_HDR_LEN bytes of
 * the segments are the header, which says it all; of the other fields only @id,
 * @n_segs and @len are set. */
struct net_tx_meta {
	struct net_tx_id id;
	uint32_t flags;
	uint32_t len;
	uint16_t n_segs;
	uint16_t l3_len;
	uint8_t l2_len;
	uint8_t l4_len;
	uint16_t l4_offset;
	uint16_t mss;
	struct net_offload offload;
	struct net_vlan vlan;
	bool vnet_hdr;
};

/* The network protocol that the flags tell. */
static inline enum net_l3_proto net_tx_l3_proto(const struct net_tx_meta *meta)
{
	if (meta->flags & NET_TX_IPV4)
		return NET_L3_IPV4;
	return meta->flags & NET_TX_IPV6 ? NET_L3_IPV6 : NET_L3_UNKNOWN;
}

enum net_tx_seg_type {
	NET_TX_HEAD,
	NET_TX_TAIL,
};

/* A stretch of a packet in guest memory. A packet is a head and
 * meta->n_segs - 1 tails. @meta: of a head, good until the packet is complete;
 * of a tail, NULL. */
struct net_tx_seg {
	uint64_t gpa;
	uint32_t len;
	enum net_tx_seg_type type;
	const struct net_tx_meta *meta;
};

enum net_tx_error {
	NET_TX_OK,
	NET_TX_TRY_RESTART, /* destroy the queues and get new ones */
	NET_TX_FATAL,	    /* beyond repair */
};

/* Offloads of an endpoint on transmit: it takes frames that ask for them. */
struct net_tx_offloads {
	bool ipv4_header;
	bool tcp;
	bool udp;
	bool tso;
	bool uso;
};

/* Unfinished frames that the frontend is ready to receive. */
struct net_rx_offloads {
	bool csum; /* csum_needed, and a verdict on the checksum */
	bool tso4;
	bool tso6;
	bool ecn;
	bool uso;
};

struct net_multiqueue {
	uint16_t max_queues;
	uint16_t indirection_table_size;
};

/* Hash types of receive-side scaling, bits as in virtio 1.2, 5.1.6.4.3. A frame
 * is hashed by the most specific type that is on and fits it. */
enum net_rss_type {
	NET_RSS_IPV4 = 1 << 0,
	NET_RSS_TCPV4 = 1 << 1,
	NET_RSS_UDPV4 = 1 << 2,
	NET_RSS_IPV6 = 1 << 3,
	NET_RSS_TCPV6 = 1 << 4,
	NET_RSS_UDPV6 = 1 << 5,
	NET_RSS_IPV6_EX = 1 << 6,
	NET_RSS_TCPV6_EX = 1 << 7,
	NET_RSS_UDPV6_EX = 1 << 8,
};

#define NET_RSS_TYPES_ALL 0x1ff

/* A Toeplitz key: covers the longest input, two IPv6 addresses and ports. */
#define NET_RSS_KEY_LEN 40

/* The largest indirection table. */
#define NET_RSS_TABLE_MAX 512

/* Receive-side scaling: frames go to the queue that indirection_table[hash %
 * indirection_table_len] names (the length is a power of two), frames without
 * a hash to @unclassified. All arrays belong to the caller for the call. @key_len:
 * NET_RSS_KEY_LEN. @flags: enum net_rss_type. */
struct net_rss_config {
	const uint8_t *key;
	size_t key_len;
	const uint16_t *indirection_table;
	size_t indirection_table_len;
	uint32_t flags;
	uint16_t unclassified;
};

#endif
