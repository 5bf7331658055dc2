/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_NET_GSO_H
#define EVNIC_NET_GSO_H

/*
 * Cutting a large TCP or UDP frame into packets, as a NIC does (TSO, USO).
 *
 * Each packet gets a copy of the frame's headers with lengths, IPv4
 * identification, TCP sequence number and checksums of its own, and goes on
 * with the frame's payload where the one before it ended. Nothing is allocated
 * and no payload is copied: the caller gets the headers' bytes and is told where
 * the payload lies.
 *
 * The headers are copied once, at the beginning; the payload may change under
 * us, which costs its sender a wrong checksum.
 */

#include "base/util.h"
#include "net/headers.h"
#include "net/iov.h"
#include "net/types.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* @count: packets in all. @index: the next one. Set by net_gso_init(); @index
 * may be set back to any packet before net_gso_resume(). */
struct net_gso {
	uint8_t header[NET_HEADERS_MAX];
	struct net_headers h;
	uint16_t header_len;
	uint16_t size;
	uint32_t payload_len;
	uint32_t count;
	uint32_t index;
	struct net_iov_walk walk;
};

/* A packet: @header_len bytes of header, then @payload_len bytes of the frame
 * from @payload_at on, which is where @payload stands. */
struct net_gso_packet {
	uint16_t header_len;
	uint32_t payload_at;
	uint32_t payload_len;
	struct net_iov_walk payload;
};

/* Begins with the frame at @iov, which stays with the caller until the last
 * packet. @offload: what it asks for, a GSO type among it. -EINVAL: the frame is
 * not what that says (see net_offload_to_flags()), or its packets would be longer
 * than IP allows. */
int net_gso_init(struct net_gso *gso, const struct net_offload *offload,
		 const struct iovec *iov, size_t n) MUST_CHECK;

/* Goes on with packet @gso->index when the frame's bytes are to be found at
 * @iov now. -EINVAL: there are fewer. */
int net_gso_resume(struct net_gso *gso, const struct iovec *iov,
		   size_t n) MUST_CHECK;

/* The next packet: writes its headers, checksums included, to @header (room for
 * NET_HEADERS_MAX). False: there are no more. */
bool net_gso_next(struct net_gso *gso, uint8_t *header,
		  struct net_gso_packet *out);

#endif
