/* SPDX-License-Identifier: MIT */
/*
 * The internet checksum.
 *
 * One's complement addition does not mind the order of bytes, as long as all
 * words have the same (RFC 1071, 2 B), nor how the carries are gathered. So
 * words are added as they lie in memory, 32 bits at a time in 64-bit sums where
 * no carry is lost, and folded at the end. Bytes that begin in the middle of a
 * word count as if swapped: their sum is rotated by 8 bits.
 */
#include "net/checksum.h"

#include <endian.h>
#include <string.h>

/* Bytes for each turn of the long loop. */
#define STRIDE 32

static uint64_t load64(const unsigned char *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static uint64_t halves(uint64_t v)
{
	return (v & UINT32_MAX) + (v >> 32);
}

/* The sum of @len bytes that begin a word. */
static uint64_t sum_block(const unsigned char *p, size_t len)
{
	uint64_t a = 0, b = 0, c = 0, d = 0, last = 0;

	for (; len >= STRIDE; len -= STRIDE, p += STRIDE) {
		a += halves(load64(p));
		b += halves(load64(p + 8));
		c += halves(load64(p + 16));
		d += halves(load64(p + 24));
	}
	for (; len >= 8; len -= 8, p += 8)
		a += halves(load64(p));
	memcpy(&last, p, len);
	return a + b + c + d + halves(last);
}

static uint16_t fold(uint64_t sum)
{
	sum = (sum & UINT32_MAX) + (sum >> 32);
	sum = (sum & UINT32_MAX) + (sum >> 32);
	sum = (sum & UINT16_MAX) + (sum >> 16);
	sum = (sum & UINT16_MAX) + (sum >> 16);
	return (uint16_t)sum;
}

void net_csum_add(struct net_csum *csum, const void *data, size_t len)
{
	uint64_t sum = sum_block(data, len);

	if (csum->odd) {
		uint16_t word = fold(sum);

		sum = (uint16_t)(word << 8 | word >> 8);
	}
	csum->sum += sum;
	csum->odd ^= len & 1;
}

bool net_csum_add_walk(struct net_csum *csum, struct net_iov_walk *walk,
		       size_t len)
{
	struct iovec piece;

	for (; len; len -= piece.iov_len) {
		if (!net_iov_next(walk, len, &piece))
			return false;
		net_csum_add(csum, piece.iov_base, piece.iov_len);
	}
	return true;
}

void net_csum_add_u16(struct net_csum *csum, uint16_t value)
{
	csum->sum += htobe16(value);
}

void net_csum_add_u32(struct net_csum *csum, uint32_t value)
{
	csum->sum += htobe32(value);
}

void net_csum_add_pseudo_v4(struct net_csum *csum, const uint8_t *addresses,
			    uint8_t protocol, uint32_t len)
{
	net_csum_add(csum, addresses, 8);
	net_csum_add_u16(csum, protocol);
	net_csum_add_u32(csum, len);
}

void net_csum_add_pseudo_v6(struct net_csum *csum, const uint8_t *addresses,
			    uint8_t protocol, uint32_t len)
{
	net_csum_add(csum, addresses, 32);
	net_csum_add_u32(csum, len);
	net_csum_add_u32(csum, protocol);
}

uint16_t net_csum_fold(const struct net_csum *csum)
{
	return be16toh(fold(csum->sum));
}

uint16_t net_csum_update(uint16_t check, uint16_t from, uint16_t to)
{
	uint64_t sum =
		(uint64_t)(uint16_t)~check + (uint16_t)~from + (uint64_t)to;

	return (uint16_t)~fold(sum);
}
