/* SPDX-License-Identifier: MIT */
/*
 * The frontend between a tap and a queue.
 *
 * Guest memory is a row of receive buffers and behind it a row of slots, each
 * for one frame to transmit. Buffers go round: free, given to the queue, and
 * free again when the packet that is in them has been written to the tap.
 */
#include "support/tap_guest.h"

#include "net/headers.h"
#include "net/vnet_hdr.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#define BUF_LEN	 4096
#define SLOT_LEN 69632 /* a page's multiple */
#define RX_BYTES ((size_t)TAP_GUEST_RX_BUFS * BUF_LEN)
#define TX_BYTES ((size_t)TAP_GUEST_TX_SLOTS * SLOT_LEN)
#define RAM_GPA	 0x100000
/* Of one frame, header included. */
#define SPAN_MAX ((NET_VNET_HDR_LEN + NET_FRAME_MAX + BUF_LEN - 1) / BUF_LEN)
/* What is read before the queue sees it: no more than caches hold. */
#define FETCH_BYTES (256 << 10)

static_assert(SLOT_LEN >= NET_VNET_HDR_LEN + NET_FRAME_MAX, "a frame fits");

static struct tap_guest *self(struct net_buffer_access *pool)
{
	return container_of(pool, struct tap_guest, pool);
}

static unsigned char *buf_at(const struct tap_guest *guest, struct net_rx_id id)
{
	return guest->ram + (size_t)id.v * BUF_LEN;
}

static unsigned char *slot_at(const struct tap_guest *guest, uint32_t slot)
{
	return guest->ram + RX_BYTES + (size_t)slot * SLOT_LEN;
}

/* The pool. */

static const struct guest_mem *op_guest_memory(struct net_buffer_access *pool)
{
	return &self(pool)->mem;
}

static uint32_t op_capacity(struct net_buffer_access *pool,
			    const struct net_rx_id *ids, size_t n)
{
	UNUSED(pool);
	UNUSED(ids);
	return n ? (uint32_t)(n * BUF_LEN - NET_VNET_HDR_LEN) : 0;
}

static ssize_t op_guest_addresses(struct net_buffer_access *pool,
				  const struct net_rx_id *ids, size_t n,
				  enum net_room room, uint32_t offset,
				  struct iovec *iov, size_t max)
{
	size_t at = offset, first, count;

	if (room == NET_ROOM_FRAME)
		at += NET_VNET_HDR_LEN;
	first = at / BUF_LEN;
	at %= BUF_LEN;
	if (first >= n)
		return 0;
	count = n - first;
	for (size_t i = 0; i < MIN(count, max); i++) {
		iov[i].iov_base = buf_at(self(pool), ids[first + i]) + at;
		iov[i].iov_len = BUF_LEN - at;
		at = 0;
	}
	return (ssize_t)count;
}

static int op_write_data(struct net_buffer_access *pool,
			 const struct net_rx_id *ids, size_t n, uint32_t offset,
			 const void *data, size_t len)
{
	const unsigned char *from = data;
	size_t at = (size_t)offset + NET_VNET_HDR_LEN;

	if (at + len > n * BUF_LEN)
		return -EMSGSIZE;
	while (len) {
		size_t part = MIN(len, BUF_LEN - at % BUF_LEN);

		memcpy(buf_at(self(pool), ids[at / BUF_LEN]) + at % BUF_LEN,
		       from, part);
		from += part;
		at += part;
		len -= part;
	}
	return 0;
}

static int op_write_header(struct net_buffer_access *pool,
			   const struct net_rx_id *ids, size_t n,
			   const struct net_rx_meta *meta)
{
	if (!meta->len || meta->len > op_capacity(pool, ids, n))
		return -EINVAL;
	net_vnet_hdr_from_rx(meta, buf_at(self(pool), ids[0]));
	return 0;
}

/* Where the first @len bytes of @ids are. */
static size_t places(struct net_buffer_access *pool,
		     const struct net_rx_id *ids, size_t n, enum net_room room,
		     size_t len, struct iovec *iov, size_t max)
{
	size_t count = 0;

	(void)op_guest_addresses(pool, ids, n, room, 0, iov, max);
	for (; len && count < MIN(n, max); count++) {
		iov[count].iov_len = MIN(iov[count].iov_len, len);
		len -= iov[count].iov_len;
	}
	return count;
}

static ssize_t op_packet_addresses(struct net_buffer_access *pool,
				   const struct net_rx_packet *packet,
				   enum net_room room, struct iovec *iov,
				   size_t max)
{
	const struct net_rx_fifo *given = &self(pool)->given_bufs;
	size_t len = packet->meta.len;
	struct net_rx_id ids[SPAN_MAX];
	size_t skip = 0, n;

	while (skip < given->count &&
	       net_rx_fifo_at(given, skip).v != packet->first.v)
		skip++;
	n = net_rx_fifo_peek(given, skip, ids,
			     MIN((size_t)packet->n_ids, SPAN_MAX));
	if (n < packet->n_ids)
		return -EINVAL;
	if (room == NET_ROOM_HEADER)
		len += NET_VNET_HDR_LEN;
	return (ssize_t)places(pool, ids, n, room, len, iov, max);
}

static const struct net_buffer_access_ops pool_ops = {
	.guest_memory = op_guest_memory,
	.capacity = op_capacity,
	.guest_addresses = op_guest_addresses,
	.packet_addresses = op_packet_addresses,
	.write_data = op_write_data,
	.write_header = op_write_header,
};

/* The worker's side. */

static size_t rx_fetch(void *arg, struct net_rx_id *ids, size_t max)
{
	struct tap_guest *guest = arg;
	size_t n = net_rx_fifo_peek(&guest->free_bufs, 0, ids, max);

	net_rx_fifo_pop(&guest->free_bufs, n);
	if (net_rx_fifo_push(&guest->given_bufs, ids, n) < 0)
		abort();
	return n;
}

static void write_frame(struct tap_guest *guest, const struct net_rx_id *ids,
			size_t n, uint32_t len)
{
	struct iovec iov[SPAN_MAX];
	size_t count = places(&guest->pool, ids, n, NET_ROOM_HEADER,
			      NET_VNET_HDR_LEN + (size_t)len, iov, SPAN_MAX);

	if (writev(guest->fd, iov, (int)count) < 0)
		guest->lost++;
	else
		guest->received++;
}

static void rx_done(void *arg, const struct net_rx_packet *packets, size_t n)
{
	struct tap_guest *guest = arg;
	struct net_rx_id ids[SPAN_MAX];

	for (size_t i = 0; i < n; i++) {
		size_t count = packets[i].n_ids;

		if (!count || count > SPAN_MAX ||
		    net_rx_fifo_peek(&guest->given_bufs, 0, ids, count) !=
			    count ||
		    ids[0].v != packets[i].first.v)
			abort();
		if (packets[i].meta.len)
			write_frame(guest, ids, count, packets[i].meta.len);
		net_rx_fifo_pop(&guest->given_bufs, count);
		if (net_rx_fifo_push(&guest->free_bufs, ids, count) < 0)
			abort();
	}
}

/* Reads one frame into @slot, and describes it. False: there is none. */
static bool read_frame(struct tap_guest *guest, uint32_t slot,
		       struct net_tx_seg *seg)
{
	struct net_tx_meta *meta = &guest->metas[slot];
	unsigned char *at = slot_at(guest, slot);
	size_t skip = guest->config.vnet_hdr ? 0 : NET_VNET_HDR_LEN;
	ssize_t n;

	for (;;) {
		uint32_t len;

		n = read(guest->fd, at, SLOT_LEN);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		if (n < NET_VNET_HDR_LEN + NET_ETHERNET_LEN)
			abort();
		len = (uint32_t)n - NET_VNET_HDR_LEN;
		*meta = (struct net_tx_meta){
			.id = {slot},
			.len = len,
			.n_segs = 1,
			.vnet_hdr = guest->config.vnet_hdr,
		};
		if (meta->vnet_hdr ||
		    net_vnet_hdr_to_tx(at, at + NET_VNET_HDR_LEN,
				       MIN(len, NET_HEADERS_MAX), meta) == 0)
			break;
		guest->lost++;
	}
	*seg = (struct net_tx_seg){
		.gpa = RAM_GPA + (uint64_t)(at + skip - guest->ram),
		.len = (uint32_t)((size_t)n - skip),
		.type = NET_TX_HEAD,
		.meta = meta,
	};
	return true;
}

static size_t tx_fetch(void *arg, struct net_tx_seg *segs, size_t max,
		       size_t max_packets)
{
	struct tap_guest *guest = arg;
	size_t n = 0, bytes = 0;

	max = MIN(max, max_packets);
	while (!guest->drained && n < max && guest->n_free_slots &&
	       bytes < FETCH_BYTES) {
		uint32_t slot = guest->free_slots[guest->n_free_slots - 1];

		if (!read_frame(guest, slot, &segs[n])) {
			guest->drained = true;
			break;
		}
		guest->n_free_slots--;
		bytes += segs[n++].len;
	}
	guest->sent += n;
	return n;
}

static void tx_done(void *arg, const struct net_tx_id *ids, size_t n)
{
	struct tap_guest *guest = arg;

	for (size_t i = 0; i < n; i++)
		guest->free_slots[guest->n_free_slots++] = ids[i].v;
}

static void flush(void *arg)
{
	UNUSED(arg);
}

static bool arm(void *arg, bool tx)
{
	struct tap_guest *guest = arg;

	if (tx)
		ev_io_start(guest->loop->ev, &guest->readable);
	else
		ev_io_stop(guest->loop->ev, &guest->readable);
	return guest->free_bufs.count != 0;
}

static void disarm(void *arg)
{
	UNUSED(arg);
}

static void failed(void *arg, enum net_tx_error error)
{
	UNUSED(arg);
	UNUSED(error);
	abort();
}

static const struct net_worker_ops worker_ops = {
	.rx_fetch = rx_fetch,
	.rx_done = rx_done,
	.tx_fetch = tx_fetch,
	.tx_done = tx_done,
	.flush = flush,
	.arm = arm,
	.disarm = disarm,
	.failed = failed,
};

static void readable_cb(struct ev_loop *ev, ev_io *w, int revents)
{
	struct tap_guest *guest = container_of(w, struct tap_guest, readable);

	UNUSED(ev);
	UNUSED(revents);
	guest->drained = false;
	net_worker_kick(&guest->worker);
}

static void queue_made(void *arg, int err)
{
	struct tap_guest *guest = arg;

	if (err)
		abort();
	net_worker_start(&guest->worker, guest->queue);
}

/* Memory, all of it free. */
static int init_memory(struct tap_guest *guest)
{
	struct guest_mem_region region = {
		.gpa = RAM_GPA,
		.size = RX_BYTES + TX_BYTES,
		.fd = -1,
	};
	struct net_rx_id id;

	guest->ram = mmap(NULL, RX_BYTES + TX_BYTES, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (guest->ram == MAP_FAILED)
		return -ENOMEM;
	region.host = guest->ram;
	guest_mem_init(&guest->mem);
	for (id.v = 0; id.v < TAP_GUEST_RX_BUFS; id.v++) {
		if (net_rx_fifo_push(&guest->free_bufs, &id, 1) < 0)
			return -ENOMEM;
	}
	while (guest->n_free_slots < TAP_GUEST_TX_SLOTS) {
		guest->free_slots[guest->n_free_slots] =
			(uint32_t)guest->n_free_slots;
		guest->n_free_slots++;
	}
	return guest_mem_add(&guest->mem, &region);
}

int tap_guest_start(struct tap_guest *guest, struct loop *loop, int fd,
		    struct net_endpoint *endpoint)
{
	int err;

	*guest = (struct tap_guest){
		.pool.ops = &pool_ops,
		.loop = loop,
		.endpoint = endpoint,
		.fd = fd,
		.config =
			{
				.nic = "tap_guest",
				.loop = loop,
				.client = &guest->worker.client,
				.rx_span = SPAN_MAX,
				.vnet_hdr = net_endpoint_vnet_hdr(endpoint),
				.rx_offloads = {.csum = true,
						.tso4 = true,
						.tso6 = true,
						.ecn = true,
						.uso = true},
			},
	};
	err = init_memory(guest);
	if (err < 0)
		return err;
	ev_io_init(&guest->readable, readable_cb, fd, EV_READ);
	net_worker_init(&guest->worker, &worker_ops, guest, loop, &guest->pool);
	return net_endpoint_get_queues(endpoint, &guest->config, 1, NULL,
				       &guest->queue, queue_made, guest);
}

void tap_guest_stop(struct tap_guest *guest)
{
	ev_io_stop(guest->loop->ev, &guest->readable);
	if (guest->queue) {
		net_worker_stop(&guest->worker);
		net_queue_destroy(guest->queue);
		guest->queue = NULL;
	}
	net_rx_fifo_fini(&guest->free_bufs);
	net_rx_fifo_fini(&guest->given_bufs);
	(void)munmap(guest->ram, RX_BYTES + TX_BYTES);
}
