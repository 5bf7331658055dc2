/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_BASE_BYTE_RING_H
#define EVNIC_BASE_BYTE_RING_H

/*
 * A ring of bytes between two threads: the producer puts records, each in one
 * piece, the consumer takes stretches of bytes and need not know records.
 *
 * Each side is one thread at a time. The producer's functions never wait: a
 * ring without room refuses. Records are seen by the consumer when they are
 * published.
 */

#include "base/util.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BYTE_RING_LINE 64

/* Positions count bytes since the beginning. @head: end of what has been
 * published. @gap: where the last bytes before a turn of the ring begin that
 * were left unused, since a record did not fit there. @tail: the consumer is so
 * far. */
struct byte_ring {
	/* The producer's. */
	_Alignas(BYTE_RING_LINE) uint64_t next;
	uint64_t tail_seen;
	_Atomic uint64_t gap;
	_Atomic uint64_t head;
	/* Nobody's. */
	unsigned char *bytes;
	size_t size; /* a power of two */
	/* The consumer's. */
	_Alignas(BYTE_RING_LINE) _Atomic uint64_t tail;
};

/* @size: bytes, rounded up to a power of two, of which untouched ones cost no
 * memory. 0 or -ENOMEM. */
int byte_ring_init(struct byte_ring *ring, size_t size) MUST_CHECK;
void byte_ring_fini(struct byte_ring *ring);

/* Producer: room for a record of @len bytes, at most half of the ring;
 * NULL: there is none. Without byte_ring_commit() nothing has happened. */
void *byte_ring_reserve(struct byte_ring *ring, size_t len);

/* Producer: the record, of the length reserved, is complete. */
void byte_ring_commit(struct byte_ring *ring, size_t len);

/* Producer: the consumer may see all records. Returns the bytes that the ring
 * holds, or held a moment ago. Ordered before what the caller does next with
 * a sequentially consistent access. */
size_t byte_ring_publish(struct byte_ring *ring);

/* Consumer: the bytes that the ring holds, unused ones included. Ordered after
 * what the caller has done before with a sequentially consistent access. */
size_t byte_ring_held(struct byte_ring *ring);

/* Consumer: the next bytes, *@len of them, in one piece; whole records, if all
 * before were consumed whole. NULL: there are none. */
const void *byte_ring_peek(struct byte_ring *ring, size_t *len);

/* Consumer: the first @len bytes are done with. */
void byte_ring_consume(struct byte_ring *ring, size_t len);

#endif
