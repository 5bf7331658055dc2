/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_NET_IOV_H
#define EVNIC_NET_IOV_H

/*
 * A walk over bytes that lie in several places.
 */

#include "base/util.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/uio.h>

/* Where the walk is: @skip bytes into the first of the @n entries left. */
struct net_iov_walk {
	const struct iovec *iov;
	size_t n;
	size_t skip;
};

static inline struct net_iov_walk net_iov_walk(const struct iovec *iov,
					       size_t n)
{
	return (struct net_iov_walk){.iov = iov, .n = n};
}

/* The next piece in one place, at most @max bytes of it and never empty (if
 * @max is not 0). False: the end. */
bool net_iov_next(struct net_iov_walk *walk, size_t max, struct iovec *piece);

/* Goes @len bytes on. False: there were fewer, the walk is at the end. */
bool net_iov_skip(struct net_iov_walk *walk, size_t len);

/* Copies the next @max bytes, or all there are, to @buf; returns how many. */
size_t net_iov_read(struct net_iov_walk *walk, void *buf, size_t max);

/* Copies @len bytes from @buf to where the next bytes lie. False: there is less
 * room; what there is was filled. */
bool net_iov_write(struct net_iov_walk *walk, const void *buf,
		   size_t len) MUST_CHECK;

/* All bytes of @iov. */
size_t net_iov_len(const struct iovec *iov, size_t n);

#endif
