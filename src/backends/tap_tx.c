/* SPDX-License-Identifier: MIT */
/*
 * Transmitting to a tap: writev() from the guest's memory.
 *
 * With vnet_hdr the segments hold the header and go out as they are; the
 * kernel checks the header (and answers EINVAL). Otherwise a header is made of
 * the metadata (tap_tx_head.c).
 *
 * EAGAIN is back-pressure: the packet stays with the frontend and the watcher
 * tells when there is room. Any other failure loses that packet and nothing
 * else: EIO is an interface that is down, EINVAL a header or a length that the
 * kernel does not like. Lost packets are complete for the guest and counted.
 */
#include "backends/tap_queue.h"

#include "net/packet.h"

#include <errno.h>

/* Where the packet's bytes are, the header first. Returns the number of
 * entries at @iov, or -errno. */
static int gather(struct tap_queue *q, const struct guest_mem *mem,
		  const struct net_tx_seg *packet, size_t n, struct iovec **iov)
{
	const struct net_tx_meta *meta = packet->meta;
	struct tap_tx *tx = &q->tx;
	size_t len, wanted = meta->len;
	int err;

	if (n > NET_TX_SEGS_MAX || wanted > NET_FRAME_MAX)
		return -EMSGSIZE;
	err = net_packet_iov(mem, &tx->cache, packet, n, &tx->iov[1], &len);
	if (err < 0)
		return err;
	if (meta->vnet_hdr)
		wanted += NET_VNET_HDR_LEN;
	if (len != wanted)
		return -EINVAL;
	if (meta->vnet_hdr) {
		*iov = &tx->iov[1];
		return (int)n;
	}
	return tap_tx_put_head(tx, meta, n, iov);
}

/* 0, -EAGAIN: not now, or another error: never. */
static int send_packet(struct tap_queue *q, const struct guest_mem *mem,
		       const struct net_tx_seg *packet, size_t n)
{
	struct iovec *iov;
	int n_iov;

	if (q->gone)
		return -ENODEV;
	n_iov = gather(q, mem, packet, n, &iov);
	if (n_iov < 0)
		return n_iov;
	while (writev(q->fd, iov, n_iov) < 0) {
		if (errno != EINTR)
			return -errno;
	}
	return 0;
}

static void count(struct tap_queue *q, const struct net_tx_meta *meta, int err)
{
	struct net_stats *stats = q->base.stats;
	char text[ERRNO_TEXT_MAX];

	if (!err) {
		net_stat_add(&stats->tx_packets, 1);
		net_stat_add(&stats->tx_bytes, meta->len);
		net_stat_add(&stats->tx_vlan_packets,
			     meta->vlan.present && !meta->vnet_hdr);
		return;
	}
	net_stat_add(&stats->tx_dropped, 1);
	if (err == -EBADFD) {
		tap_queue_set_gone(q);
	} else if (err != -ENODEV && err != -EIO) {
		net_stat_add(&stats->tx_errors, 1);
		log_limited(&q->tx.log, LOG_LEVEL_WARN,
			    "%s: packet of %u bytes dropped: %s", q->name,
			    meta->len, errno_text(-err, text, sizeof(text)));
	}
}

static void wait_for_room(struct tap_queue *q)
{
	q->tx.blocked = true;
	ev_io_start(q->base.config.loop->ev, &q->tx.watcher);
}

int tap_tx_avail(struct net_queue *queue, struct net_buffer_access *pool,
		 const struct net_tx_seg *segs, size_t n,
		 struct net_tx_taken *taken)
{
	struct tap_queue *q = tap_queue_of(queue);
	const struct guest_mem *mem = net_pool_guest_memory(pool);
	const struct net_tx_seg *packet;
	size_t n_packet;
	int err;

	taken->completed = true;
	q->tx.room = false;
	while (!q->tx.blocked && taken->n_segs < n) {
		err = net_packet_next(segs + taken->n_segs, n - taken->n_segs,
				      &packet, &n_packet);
		if (err < 0)
			return taken->n_segs ? 0 : err;
		err = send_packet(q, mem, packet, n_packet);
		if (err == -EAGAIN) {
			wait_for_room(q);
			break;
		}
		count(q, packet->meta, err);
		taken->n_segs += n_packet;
	}
	return 0;
}

static void writable_cb(struct ev_loop *ev, ev_io *w, int revents)
{
	struct tap_queue *q = container_of(w, struct tap_queue, tx.watcher);

	UNUSED(revents);
	ev_io_stop(ev, w);
	q->tx.blocked = false;
	q->tx.room = true;
	tap_queue_notify(q);
}

void tap_tx_init(struct tap_queue *q)
{
	ev_io_init(&q->tx.watcher, writable_cb, q->fd, EV_WRITE);
}
