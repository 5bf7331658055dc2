/* SPDX-License-Identifier: MIT */
/*
 * Handing frames over.
 *
 * A lane is the ring from one queue to another. A queue looks at the lanes that
 * lead to it in turns, one frame of each, so that none is forgotten.
 *
 * Who finds all lanes empty says so (asleep) and looks once more; who has put a
 * frame in looks whether the receiver sleeps. Both are sequentially consistent,
 * so at least one of them sees the other. The first frame for a sleeper writes
 * to its eventfd, the others find it woken.
 *
 * In a lane a frame is a record: its length in 4 bytes, the virtio-net header,
 * the bytes.
 */
#include "backends/tap_handover.h"

#include "base/byte_ring.h"
#include "base/bytes.h"
#include "net/types.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>

/* Holds the longest frame at least three times. */
#define LANE_SIZE (256 << 10)

#define RECORD_HEAD (sizeof(uint32_t) + NET_VNET_HDR_LEN)

/* What leads to a queue. @lanes: by the sender's number. @turn: the lane to look
 * at first; of it a frame of @record bytes in the lane was peeked at. */
struct inbox {
	struct byte_ring *lanes;
	size_t turn;
	size_t record;
	int fd;
	atomic_bool asleep;
};

struct tap_handover {
	size_t n;
	struct inbox inboxes[];
};

static void inbox_fini(struct inbox *inbox, size_t n)
{
	for (size_t i = 0; inbox->lanes && i < n; i++)
		byte_ring_fini(&inbox->lanes[i]);
	free(inbox->lanes);
	close_fd(&inbox->fd);
}

/* @self: nobody sends to himself, that lane has no memory. */
static int inbox_init(struct inbox *inbox, size_t n, size_t self)
{
	int err = 0;

	inbox->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (inbox->fd < 0)
		return -errno;
	inbox->lanes = aligned_alloc(_Alignof(struct byte_ring),
				     n * sizeof(*inbox->lanes));
	if (!inbox->lanes)
		return -ENOMEM;
	memset(inbox->lanes, 0, n * sizeof(*inbox->lanes));
	for (size_t i = 0; i < n && !err; i++) {
		if (i != self)
			err = byte_ring_init(&inbox->lanes[i], LANE_SIZE);
	}
	return err;
}

int tap_handover_create(size_t n, struct tap_handover **out)
{
	struct tap_handover *h =
		calloc(1, sizeof(*h) + n * sizeof(h->inboxes[0]));
	int err = 0;

	if (!h)
		return -ENOMEM;
	h->n = n;
	for (size_t i = 0; i < n; i++)
		h->inboxes[i].fd = -1;
	for (size_t i = 0; i < n && !err; i++)
		err = inbox_init(&h->inboxes[i], n, i);
	if (err < 0) {
		tap_handover_destroy(h);
		return err;
	}
	*out = h;
	return 0;
}

void tap_handover_destroy(struct tap_handover *h)
{
	for (size_t i = 0; h && i < h->n; i++)
		inbox_fini(&h->inboxes[i], h->n);
	free(h);
}

static void wake(struct inbox *inbox)
{
	if (atomic_load(&inbox->asleep) &&
	    atomic_exchange(&inbox->asleep, false))
		(void)eventfd_write(inbox->fd, 1);
}

bool tap_handover_give(struct tap_handover *h, size_t from, size_t to,
		       struct net_iov_walk walk, uint32_t len)
{
	struct inbox *inbox = &h->inboxes[to];
	struct byte_ring *lane = &inbox->lanes[from];
	uint8_t *record = byte_ring_reserve(lane, RECORD_HEAD + len);

	if (!record)
		return false;
	memcpy(record, &len, sizeof(len));
	if (net_iov_read(&walk, record + sizeof(len), NET_VNET_HDR_LEN + len) !=
	    NET_VNET_HDR_LEN + len)
		return false;
	byte_ring_commit(lane, RECORD_HEAD + len);
	(void)byte_ring_publish(lane);
	wake(inbox);
	return true;
}

/* Looks at all lanes, once. */
static bool look(struct inbox *inbox, size_t n, struct tap_handed *out)
{
	for (size_t i = 0; i < n; i++) {
		size_t lane = (inbox->turn + i) % n, len;
		const uint8_t *record;

		record = inbox->lanes[lane].bytes
				 ? byte_ring_peek(&inbox->lanes[lane], &len)
				 : NULL;
		if (!record)
			continue;
		memcpy(&out->len, record, sizeof(out->len));
		out->hdr = record + sizeof(out->len);
		out->frame = record + RECORD_HEAD;
		inbox->record = RECORD_HEAD + out->len;
		inbox->turn = lane;
		return true;
	}
	return false;
}

bool tap_handover_peek(struct tap_handover *h, size_t to,
		       struct tap_handed *out)
{
	struct inbox *inbox = &h->inboxes[to];

	if (look(inbox, h->n, out))
		return true;
	atomic_store(&inbox->asleep, true);
	if (!look(inbox, h->n, out))
		return false;
	atomic_store(&inbox->asleep, false);
	return true;
}

void tap_handover_take(struct tap_handover *h, size_t to)
{
	struct inbox *inbox = &h->inboxes[to];

	byte_ring_consume(&inbox->lanes[inbox->turn], inbox->record);
	inbox->turn = (inbox->turn + 1) % h->n;
}

int tap_handover_fd(const struct tap_handover *h, size_t to)
{
	return h->inboxes[to].fd;
}

void tap_handover_woken(const struct tap_handover *h, size_t to)
{
	eventfd_t count;

	(void)eventfd_read(h->inboxes[to].fd, &count);
}
