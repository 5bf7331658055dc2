/* SPDX-License-Identifier: MIT */
/*
 * A walk over bytes that lie in several places. Everything goes by pieces,
 * which net_iov_next() finds.
 */
#include "net/iov.h"

#include <stdint.h>
#include <string.h>

bool net_iov_next(struct net_iov_walk *walk, size_t max, struct iovec *piece)
{
	while (walk->n && walk->skip == walk->iov->iov_len) {
		walk->iov++;
		walk->n--;
		walk->skip = 0;
	}
	if (!walk->n)
		return false;
	piece->iov_base = (unsigned char *)walk->iov->iov_base + walk->skip;
	piece->iov_len = MIN(max, walk->iov->iov_len - walk->skip);
	walk->skip += piece->iov_len;
	return true;
}

bool net_iov_skip(struct net_iov_walk *walk, size_t len)
{
	struct iovec piece;

	for (; len; len -= piece.iov_len) {
		if (!net_iov_next(walk, len, &piece))
			return false;
	}
	return true;
}

size_t net_iov_read(struct net_iov_walk *walk, void *buf, size_t max)
{
	unsigned char *to = buf;
	struct iovec piece;
	size_t n = 0;

	for (; n < max && net_iov_next(walk, max - n, &piece);
	     n += piece.iov_len)
		memcpy(to + n, piece.iov_base, piece.iov_len);
	return n;
}

bool net_iov_write(struct net_iov_walk *walk, const void *buf, size_t len)
{
	const unsigned char *from = buf;
	struct iovec piece;

	for (; len; len -= piece.iov_len, from += piece.iov_len) {
		if (!net_iov_next(walk, len, &piece))
			return false;
		memcpy(piece.iov_base, from, piece.iov_len);
	}
	return true;
}

size_t net_iov_len(const struct iovec *iov, size_t n)
{
	size_t len = 0;

	for (size_t i = 0; i < n; i++)
		len += iov[i].iov_len;
	return len;
}
