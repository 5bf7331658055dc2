/* SPDX-License-Identifier: MIT */
/*
 * The split ring under a stream of operations of guest and device.
 *
 * First byte: the size of the ring (bits 0-2), EVENT_IDX (3), INDIRECT_DESC
 * (4), and whether memory changes while it is read (5): then every access is
 * seen, a write outside the used ring is an error, and one read in four finds
 * its bytes changed when it is repeated.
 *
 * Each operation is a byte and its operands; missing operands are 0.
 */
#include "fuzz/input.h"
#include "support/mem_watch.h"
#include "support/ring_driver.h"
#include "virtio/ring_defs.h"
#include "virtio/split_ring.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RAM_BASE 0x10000
#define RAM_SIZE 0x4000
/* Where the parts of the ring are; the rest is for indirect tables. */
#define DESC_AT	 0
#define AVAIL_AT 0x400
#define USED_AT	 0x500

struct stream {
	struct fuzz_input input;
	struct guest_ram ram;
	struct virtio_queue_setup setup;
	struct split_ring ring;
	bool in_flight[VIRTIO_QUEUE_SIZE_MAX];
	bool watched;
	uint32_t noise;
	struct desc_seg segs[VIRTIO_QUEUE_SIZE_MAX];
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition, const char *what)
{
	if (condition)
		return;
	(void)fprintf(stderr, "split ring: %s\n", what);
	abort();
}

static uint64_t take(struct stream *s, size_t n)
{
	return fuzz_take(&s->input, n);
}

/* Bytes of the input to memory. */
static void fill(struct stream *s, size_t at, size_t len)
{
	at %= RAM_SIZE;
	len = MIN(MIN(len, s->input.size), RAM_SIZE - at);
	memcpy(s->ram.bytes + at, s->input.data, len);
	s->input.data += len;
	s->input.size -= len;
}

static void accessed(void *arg, const unsigned char *at, bool write)
{
	struct stream *s = arg;
	size_t offset = (size_t)(at - s->ram.view);

	if (write) {
		require(offset >= USED_AT &&
				offset < USED_AT +
						 vring_used_bytes(s->ring.size),
			"wrote outside the used ring");
		return;
	}
	s->noise = s->noise * 1103515245 + 12345;
	if (s->noise >> 30 == 0)
		s->ram.bytes[offset] ^= (unsigned char)(s->noise >> 16);
}

static void check_chain(struct stream *s, const struct desc_chain *chain)
{
	size_t n = (size_t)chain->n_read + chain->n_write;
	uint64_t sum = 0;

	require(n <= s->ring.size, "more segments than the ring has");
	for (size_t i = 0; i < n; i++) {
		require(s->segs[i].len > 0, "an empty segment");
		sum += s->segs[i].len;
	}
	require(sum == chain->read_len + chain->write_len, "sums disagree");
	require(!chain->n_read == !chain->read_len, "nothing to read");
	require(!chain->n_write == !chain->write_len, "nothing to write");
}

static void fetch(struct stream *s)
{
	bool was_broken = s->ring.broken != NULL;
	struct desc_chain chain;

	if (!split_ring_fetch(&s->ring, &chain, s->segs))
		return;
	require(!was_broken, "a broken ring gave a chain");
	require(chain.head < s->ring.size, "head outside");
	require(!s->in_flight[chain.head], "head in flight twice");
	s->in_flight[chain.head] = true;
	check_chain(s, &chain);
}

static void fetch_again(struct stream *s, uint16_t head)
{
	struct desc_chain chain;

	if (s->in_flight[head] &&
	    split_ring_fetch_again(&s->ring, head, &chain, s->segs)) {
		require(chain.head == head, "another head");
		check_chain(s, &chain);
	}
}

static void put(struct stream *s, uint16_t head, uint32_t len)
{
	if (!s->in_flight[head])
		return;
	s->in_flight[head] = false;
	split_ring_put(&s->ring, head, len);
}

/* Makes chains available as a driver would, from what is in the table. */
static void offer(struct stream *s, uint16_t n)
{
	unsigned char *avail = s->ram.bytes + AVAIL_AT;
	uint16_t idx;

	memcpy(&idx, avail + VRING_AVAIL_IDX, sizeof(idx));
	for (; n; n--, idx++) {
		uint16_t head = (uint16_t)(take(s, 1) % (s->ring.size + 1U));

		memcpy(avail + VRING_AVAIL_RING +
			       2 * (size_t)(idx & (s->ring.size - 1U)),
		       &head, sizeof(head));
	}
	memcpy(avail + VRING_AVAIL_IDX, &idx, sizeof(idx));
}

static void operate(struct stream *s)
{
	uint16_t mask = (uint16_t)(s->ring.size - 1);
	uint8_t op = (uint8_t)take(s, 1);

	switch (op % 12) {
	case 0:
		fill(s, take(s, 2), take(s, 1));
		break;
	case 1:
		fill(s, DESC_AT + VRING_DESC_SIZE * (take(s, 1) & mask),
		     VRING_DESC_SIZE);
		break;
	case 2:
	case 3:
		offer(s, op / 12 % 8);
		break;
	case 4:
	case 5:
	case 6:
		fetch(s);
		break;
	case 7:
		put(s, (uint16_t)take(s, 1) & mask, (uint32_t)take(s, 4));
		break;
	case 8:
		(void)split_ring_publish(&s->ring);
		break;
	case 9:
		(void)split_ring_arm(&s->ring);
		break;
	case 10:
		split_ring_disarm(&s->ring);
		break;
	default:
		fetch_again(s, (uint16_t)take(s, 1) & mask);
		break;
	}
	if (s->ring.broken)
		require(!split_ring_pending(&s->ring), "broken, and pending");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct stream s;
	uint8_t first;

	if (!s.ram.bytes)
		guest_ram_init(&s.ram, RAM_BASE, RAM_SIZE);
	memset(s.ram.bytes, 0, RAM_SIZE);
	memset(s.in_flight, 0, sizeof(s.in_flight));
	s.input.data = data;
	s.input.size = size;
	s.noise = (uint32_t)size;
	first = (uint8_t)take(&s, 1);
	s.setup = (struct virtio_queue_setup){
		.size = (uint16_t)(1U << (first % 6)),
		.desc = RAM_BASE + DESC_AT,
		.avail = RAM_BASE + AVAIL_AT,
		.used = RAM_BASE + USED_AT,
	};
	if (split_ring_map(&s.ring, &s.ram.mem, &s.setup,
			   (first & 8 ? VIRTIO_F_EVENT_IDX : 0) |
				   (first & 16 ? VIRTIO_F_INDIRECT_DESC : 0)) <
	    0)
		require(false, "not mapped");
	s.watched = (first & 32) != 0;
	if (s.watched)
		mem_watch_begin(s.ram.view, RAM_SIZE, accessed, &s);
	while (s.input.size)
		operate(&s);
	if (s.watched)
		mem_watch_end();
	return 0;
}
