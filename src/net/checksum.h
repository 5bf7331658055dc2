/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_NET_CHECKSUM_H
#define EVNIC_NET_CHECKSUM_H

/*
 * The internet checksum (RFC 1071): the one's complement of the one's
 * complement sum of 16-bit big-endian words.
 *
 * A sum is built up from stretches of bytes of any length; each goes on where
 * the one before it ended, also in the middle of a word. Sums and checksums are
 * host integers here; store_be16() puts them on the wire.
 */

#include "net/iov.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Zero-initialised. Good for at least 4 GiB. */
struct net_csum {
	uint64_t sum; /* of words in the byte order of memory */
	bool odd;     /* the last word is half full */
};

void net_csum_add(struct net_csum *csum, const void *data, size_t len);

/* The next @len bytes of the walk. False: there were fewer. */
bool net_csum_add_walk(struct net_csum *csum, struct net_iov_walk *walk,
		       size_t len);

/* A number of 16 or 32 bits, where a word begins. */
void net_csum_add_u16(struct net_csum *csum, uint16_t value);
void net_csum_add_u32(struct net_csum *csum, uint32_t value);

/* The pseudo header of TCP and UDP (RFC 793, 768; RFC 8200 8.1). @addresses:
 * source and destination as they stand in the IP header, 8 or 32 bytes. @len:
 * of the transport header and what follows it. */
void net_csum_add_pseudo_v4(struct net_csum *csum, const uint8_t *addresses,
			    uint8_t protocol, uint32_t len);
void net_csum_add_pseudo_v6(struct net_csum *csum, const uint8_t *addresses,
			    uint8_t protocol, uint32_t len);

/* The sum in 16 bits: what a checksum field holds that is yet to be
 * computed. */
uint16_t net_csum_fold(const struct net_csum *csum);

/* The checksum. */
static inline uint16_t net_csum_finish(const struct net_csum *csum)
{
	return (uint16_t)~net_csum_fold(csum);
}

/* The same where 0 means "none" (UDP): 0xffff, which is as good, instead. */
static inline uint16_t net_csum_finish_udp(const struct net_csum *csum)
{
	uint16_t check = net_csum_finish(csum);

	return check ? check : 0xffff;
}

/* The checksum after a word under it has changed (RFC 1624). */
uint16_t net_csum_update(uint16_t check, uint16_t from, uint16_t to);

#endif
