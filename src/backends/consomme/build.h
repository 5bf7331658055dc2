/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_BACKENDS_CONSOMME_BUILD_H
#define EVNIC_BACKENDS_CONSOMME_BUILD_H

/*
 * Making headers. Each function writes at @at, and returns what it wrote.
 *
 * Where the payload is known and small, csm_build_udp_reply() and
 * csm_build_icmp_reply() make whole frames with their checksums; where it is in
 * the guest's buffers already, the csm_frame_* functions leave the checksum to
 * csm_out_close().
 */

#include "backends/consomme/addr.h"
#include "backends/consomme/flow.h"
#include "backends/consomme/in.h"
#include "backends/consomme/out.h"

#include <stddef.h>
#include <stdint.h>

#define CSM_TTL 64

/* Ethernet and IP headers of a frame from @src to @dst (one version), whose IP
 * payload has @len bytes; to @mac, from the gateway. Returns their length: where
 * the transport header begins. */
size_t csm_build_ip(const struct csm_stack *stack, uint8_t *at,
		    const uint8_t mac[6], uint8_t protocol, uint8_t ttl,
		    const struct csm_addr *src, const struct csm_addr *dst,
		    size_t len);

/* The length of the same. */
size_t csm_build_ip_len(bool v6);

/* The sum of the pseudo header, to be put into a checksum field. */
uint16_t csm_build_pseudo(uint8_t protocol, const struct csm_addr *src,
			  const struct csm_addr *dst, size_t len);

/* Begins @frame with those headers for @payload bytes behind a transport header
 * of @l4_len bytes, which the caller writes at the address returned. Sets
 * everything but the GSO fields; the checksum, @csum_offset into the transport
 * header, holds the pseudo header's sum: the caller writes the other fields
 * only. */
uint8_t *csm_frame_begin(struct csm_frame *frame, const struct csm_stack *stack,
			 uint8_t protocol, size_t l4_len, uint16_t csum_offset,
			 const struct csm_addr *src, const struct csm_addr *dst,
			 uint32_t payload);

/* Sends a whole datagram to the guest by csm_reply(). */
void csm_build_udp_reply(struct csm_stack *stack, const struct csm_addr *src,
			 uint16_t src_port, const struct csm_addr *dst,
			 uint16_t dst_port, const void *payload, size_t len);

/* Sends an ICMP or ICMPv6 message (by @src's version), whose checksum is put
 * in. */
void csm_build_icmp_reply(struct csm_stack *stack, const uint8_t mac[6],
			  uint8_t ttl, const struct csm_addr *src,
			  const struct csm_addr *dst, const void *message,
			  size_t len);

/* What went wrong with a packet of the guest's, told by ICMP or ICMPv6 with as
 * much of that packet as belongs in; limited in rate. @err: as a socket said it:
 * EHOSTUNREACH, ENETUNREACH, ECONNREFUSED (port), EACCES (prohibited), EMSGSIZE
 * (with @mtu), ETIME (the time to live has run out). @from: who says it; NULL: the gateway. */
void csm_icmp_error(struct csm_stack *stack, const struct csm_in *in, int err,
		    uint32_t mtu, const struct csm_addr *from);

/* The same for a packet that is not at hand any more: a flow's datagram of
 * @payload_len bytes, of which the first @n are at @payload. Of TCP and ping the
 * payload begins with the header of theirs. */
void csm_icmp_error_for(struct csm_stack *stack, const struct csm_key *key,
			const void *payload, size_t n, size_t payload_len,
			int err, uint32_t mtu, const struct csm_addr *from);

#endif
