/* SPDX-License-Identifier: MIT */
/*
 * Memory is taken when the first byte comes and given back with the last; in
 * between it doubles when it is too small, and what is held moves over in order.
 */
#include "backends/consomme/tcp_ring.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The stretch of @n bytes from the @at-th of the memory on, around its end. */
static size_t stretch(const struct csm_ring *ring, uint32_t at, uint32_t n,
		      struct iovec iov[2])
{
	uint32_t to_end;

	if (!n)
		return 0;
	at &= ring->size - 1;
	to_end = MIN(n, ring->size - at);
	iov[0] = (struct iovec){ring->bytes + at, to_end};
	iov[1] = (struct iovec){ring->bytes, n - to_end};
	return n > to_end ? 2 : 1;
}

int csm_ring_reserve(struct csm_ring *ring, uint32_t n)
{
	uint32_t size = MAX(ring->size, CSM_RING_MIN), moved = 0;
	struct iovec old[2];
	uint8_t *bytes;
	size_t n_old;

	if (n <= ring->size - ring->len)
		return 0;
	while (size - ring->len < n)
		size *= 2;
	bytes = malloc(size);
	if (!bytes)
		return -ENOMEM;
	n_old = csm_ring_held(ring, 0, ring->len, old);
	for (size_t i = 0; i < n_old; i++) {
		memcpy(bytes + moved, old[i].iov_base, old[i].iov_len);
		moved += (uint32_t)old[i].iov_len;
	}
	free(ring->bytes);
	ring->bytes = bytes;
	ring->size = size;
	ring->first = 0;
	return 0;
}

size_t csm_ring_room(const struct csm_ring *ring, struct iovec iov[2])
{
	return stretch(ring, ring->first + ring->len, ring->size - ring->len,
		       iov);
}

void csm_ring_added(struct csm_ring *ring, uint32_t n)
{
	ring->len += n;
}

size_t csm_ring_held(const struct csm_ring *ring, uint32_t skip, uint32_t n,
		     struct iovec iov[2])
{
	return stretch(ring, ring->first + skip, n, iov);
}

void csm_ring_take(struct csm_ring *ring, uint32_t n)
{
	ring->len -= n;
	ring->first = (ring->first + n) & (ring->size - 1);
	if (!ring->len)
		csm_ring_fini(ring);
}

void csm_ring_fini(struct csm_ring *ring)
{
	free(ring->bytes);
	*ring = (struct csm_ring){0};
}
