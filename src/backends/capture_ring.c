/* SPDX-License-Identifier: MIT */
/*
 * Ring of bytes: one producer, one consumer.
 *
 * A record that does not fit before the end of the memory goes to its start;
 * the bytes in between are the gap. The ring holds no more bytes than its size,
 * so between tail and head there is at most one end of the memory, and one
 * variable for the gap is enough: the producer sets another only when the
 * consumer has passed the former. A gap that is not between the tail and the
 * next end is an old one.
 *
 * head pairs with peek's load: whoever sees it sees the records and the gap.
 * tail pairs with reserve's load: whoever sees it may overwrite what was read.
 * head's store and load are sequentially consistent besides, so that a consumer
 * that goes to sleep and a producer that looks whether it does cannot miss each
 * other (capture_writer.c).
 */
#include "backends/capture_ring.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

static size_t power_of_two(size_t size)
{
	size_t power = 4096;

	while (power < size)
		power *= 2;
	return power;
}

int capture_ring_init(struct capture_ring *ring, size_t size)
{
	void *bytes;

	memset(ring, 0, sizeof(*ring));
	ring->size = power_of_two(size);
	bytes = mmap(NULL, ring->size, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (bytes == MAP_FAILED)
		return -ENOMEM;
	ring->bytes = bytes;
	return 0;
}

void capture_ring_fini(struct capture_ring *ring)
{
	if (ring->bytes)
		(void)munmap(ring->bytes, ring->size);
	ring->bytes = NULL;
}

/* The first byte beyond @at that is at the start of the memory. */
static uint64_t turn_after(const struct capture_ring *ring, uint64_t at)
{
	return (at | (ring->size - 1)) + 1;
}

static bool has_room(struct capture_ring *ring, uint64_t end)
{
	if (end - ring->tail_seen <= ring->size)
		return true;
	ring->tail_seen =
		atomic_load_explicit(&ring->tail, memory_order_acquire);
	return end - ring->tail_seen <= ring->size;
}

void *capture_ring_reserve(struct capture_ring *ring, size_t len)
{
	uint64_t at = ring->next, turn = turn_after(ring, at);

	if (len > ring->size / 2)
		return NULL;
	if (len > turn - at)
		at = turn;
	if (!has_room(ring, at + len))
		return NULL;
	return ring->bytes + (at & (ring->size - 1));
}

void capture_ring_commit(struct capture_ring *ring, size_t len)
{
	uint64_t turn = turn_after(ring, ring->next);

	if (len > turn - ring->next) {
		atomic_store_explicit(&ring->gap, ring->next,
				      memory_order_relaxed);
		ring->next = turn;
	}
	ring->next += len;
}

size_t capture_ring_publish(struct capture_ring *ring)
{
	atomic_store(&ring->head, ring->next);
	ring->tail_seen =
		atomic_load_explicit(&ring->tail, memory_order_acquire);
	return (size_t)(ring->next - ring->tail_seen);
}

size_t capture_ring_held(struct capture_ring *ring)
{
	return (size_t)(atomic_load(&ring->head) -
			atomic_load_explicit(&ring->tail,
					     memory_order_relaxed));
}

const void *capture_ring_peek(struct capture_ring *ring, size_t *len)
{
	uint64_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);
	uint64_t head = atomic_load(&ring->head);
	uint64_t gap = atomic_load_explicit(&ring->gap, memory_order_relaxed);
	uint64_t turn = turn_after(ring, tail);

	if (head > turn && gap == tail) {
		tail = turn;
		turn += ring->size;
		atomic_store_explicit(&ring->tail, tail, memory_order_release);
	}
	if (head == tail)
		return NULL;
	if (head <= turn)
		turn = head;
	else if (gap > tail && gap < turn)
		turn = gap;
	*len = (size_t)(turn - tail);
	return ring->bytes + (tail & (ring->size - 1));
}

void capture_ring_consume(struct capture_ring *ring, size_t len)
{
	uint64_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);

	atomic_store_explicit(&ring->tail, tail + len, memory_order_release);
}
