/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_NET_OFFLOAD_H
#define EVNIC_NET_OFFLOAD_H

/*
 * What is left to do on a frame: said in one way, said in another, done.
 *
 * A wish is struct net_offload (the virtio-net header's terms) or the flags of
 * struct net_tx_meta. The functions that turn one into the other refuse what
 * they cannot say (-EINVAL) and never say less. net/gso.h cuts frames,
 * net/vnet_hdr.h knows the header's bytes.
 */

#include "base/util.h"
#include "net/headers.h"
#include "net/iov.h"
#include "net/types.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Sets @meta's flags and header lengths to what @meta->offload asks for. @h:
 * the frame's headers. A checksum that no flag can tell (any protocol but TCP
 * and UDP, a fragment's, one at an odd place, an IPv6 packet with a routing
 * header) sets none: only the offload says it. -EINVAL: a GSO frame that is not
 * what its type says, whose checksum is not its protocol's, or that asks for IP
 * fragments (UFO). The offload's hdr_len is made right. */
int net_offload_to_flags(const struct net_headers *h,
			 struct net_tx_meta *meta) MUST_CHECK;

/* What @meta asks for: its offload, or what its flags say. -EINVAL: flags that
 * contradict each other, or lengths that cannot be. The IPv4 header's checksum
 * has no place in an offload: see net_offload_wants_ipv4(). */
int net_offload_of_tx(const struct net_tx_meta *meta,
		      struct net_offload *out) MUST_CHECK;

/* Is the checksum of the IPv4 header yet to be computed, apart from one that
 * comes with cutting the frame? */
static inline bool net_offload_wants_ipv4(const struct net_tx_meta *meta)
{
	return (meta->flags & NET_TX_IPV4_CSUM) &&
	       !(meta->flags & (NET_TX_TSO | NET_TX_USO)) &&
	       meta->offload.gso == NET_GSO_NONE;
}

/* Sets what a receiver may know of a frame besides its offload. */
void net_offload_to_rx(const struct net_headers *h, struct net_rx_meta *meta);

/* The checksum that @offload (csum_needed) asks for, of the frame at @iov;
 * never 0, which means "none" to some protocols, but 0xffff, which is as good.
 * The field holds the sum of the pseudo header. -EINVAL: the field is beyond the
 * frame. */
int net_offload_checksum(const struct net_offload *offload,
			 const struct iovec *iov, size_t n,
			 uint16_t *check) MUST_CHECK;

/* Computes it and puts it where it belongs. */
int net_offload_finish(const struct net_offload *offload,
		       const struct iovec *iov, size_t n) MUST_CHECK;

/* Computes the checksum of the IPv4 header of @len bytes at @ip, in place. */
void net_offload_finish_ipv4(uint8_t *ip, size_t len);

/* VLAN tags, 802.1Q: the outermost one, which stands behind the addresses, at
 * NET_VLAN_AT. A frame with its tag in metadata is NET_VLAN_TAG_LEN bytes
 * shorter; its offload counts accordingly (net_vlan_shift()). */
#define NET_VLAN_AT 12

/* The bytes of the tag. */
void net_vlan_build(const struct net_vlan *vlan, uint8_t tag[NET_VLAN_TAG_LEN]);

/* Reads the tag, if the frame of which these are the first @n bytes has one. An
 * 802.1ad tag (QinQ) stays in the frame: metadata cannot tell it. */
bool net_vlan_parse(const uint8_t *frame, size_t n, struct net_vlan *vlan);

/* Puts the tag into a frame of @len bytes that has room for it, or takes the
 * tag out of one that has it. */
void net_vlan_insert(uint8_t *frame, size_t len, const struct net_vlan *vlan);
void net_vlan_strip(uint8_t *frame, size_t len);

/* The offload after a tag went in (@bytes NET_VLAN_TAG_LEN) or out (the same,
 * negative). -EINVAL: no such place in a frame. */
int net_vlan_shift(struct net_offload *offload, int bytes) MUST_CHECK;

#endif
