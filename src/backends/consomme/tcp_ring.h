/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_BACKENDS_CONSOMME_TCP_RING_H
#define EVNIC_BACKENDS_CONSOMME_TCP_RING_H

/*
 * A ring of bytes that has memory only while it holds something, and as much as
 * it needs: what a TCP connection keeps beside its socket's buffers.
 *
 * Zero-initialised it is empty. Thread: that of the stack.
 */

#include "base/util.h"

#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#define CSM_RING_MIN (16u << 10)

/* @len bytes are held, from @first on; @size is a power of two, or 0. */
struct csm_ring {
	uint8_t *bytes;
	uint32_t size, first, len;
};

/* Makes room for @n more bytes. 0 or -ENOMEM; @n with what is held is at most
 * 2 GiB. */
int csm_ring_reserve(struct csm_ring *ring, uint32_t n) MUST_CHECK;

/* Where the next bytes go that are to be held: writes one or two pieces to
 * @iov, returns how many. csm_ring_added() says that @n have been put there. */
size_t csm_ring_room(const struct csm_ring *ring, struct iovec iov[2]);
void csm_ring_added(struct csm_ring *ring, uint32_t n);

/* Where @n bytes from the @skip-th on are; all of them are held. */
size_t csm_ring_held(const struct csm_ring *ring, uint32_t skip, uint32_t n,
		     struct iovec iov[2]);

/* The first @n bytes are not needed any more. */
void csm_ring_take(struct csm_ring *ring, uint32_t n);

void csm_ring_fini(struct csm_ring *ring);

#endif
