/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_BACKENDS_CONSOMME_IN_H
#define EVNIC_BACKENDS_CONSOMME_IN_H

/*
 * A frame from the guest: its headers, copied once and checked once.
 *
 * What is here is a copy and stays as it is; what @payload walks over is guest
 * memory and may change between two looks. Lengths have been checked against
 * the frame; IP fragments, bad checksums and headers that contradict themselves
 * do not come this far. A frame with GSO is one large packet here.
 *
 * Thread: that of the stack. Good for the call that gets it.
 */

#include "backends/consomme/addr.h"
#include "net/headers.h"
#include "net/iov.h"
#include "net/types.h"

#include <stdbool.h>
#include <stdint.h>

/* @head: the frame's first @n_head bytes. @ip_at, @l4_at: where those headers
 * begin in it. @protocol, @src, @dst, @ttl: of IP. @src_port, @dst_port: of TCP
 * and UDP. @l4_len: of the TCP or UDP header, 0 for other protocols. @payload: what
 * follows it, @payload_len bytes. @gso_size: 0: one packet. @tag: the IPv6
 * header's flow label or the like is not kept. */
struct csm_in {
	uint8_t head[NET_HEADERS_MAX];
	size_t n_head;
	uint16_t ethertype;
	uint16_t ip_at, l4_at;
	uint8_t l4_len;
	uint8_t protocol, ttl;
	bool v6;
	struct csm_addr src, dst;
	uint16_t src_port, dst_port;
	struct net_iov_walk payload;
	uint32_t payload_len;
	uint16_t gso_size;
};

/* Copies the payload, at most @size bytes of it; how many. */
static inline size_t csm_in_copy(const struct csm_in *in, void *buf,
				 size_t size)
{
	struct net_iov_walk walk = in->payload;

	return net_iov_read(&walk, buf, MIN(size, (size_t)in->payload_len));
}

/* Why a frame is not for the stack; each is counted. */
enum csm_drop {
	CSM_IN_OK,
	CSM_DROP_RUNT,	   /* shorter than its headers */
	CSM_DROP_MAC,	   /* for another station */
	CSM_DROP_PROTOCOL, /* not IP or ARP, or VLAN-tagged */
	CSM_DROP_HEADER,   /* contradicts itself */
	CSM_DROP_FRAGMENT,
	CSM_DROP_CHECKSUM,
	CSM_DROP_SOURCE, /* addresses that a guest's packet cannot have */
	CSM_DROPS,
};

/* Reads a frame. @segs: one packet. @iov: room for @n_segs, keeps the
 * payload's places. @mac: ours. @out->ethertype NET_ETHERTYPE_ARP: the payload
 * is what follows the Ethernet header. */
enum csm_drop csm_in_parse(struct csm_in *out, const uint8_t mac[6],
			   const struct net_tx_meta *meta,
			   const struct iovec *iov, size_t n_iov);

#define NET_ETHERTYPE_ARP 0x0806

#endif
