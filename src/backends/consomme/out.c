/* SPDX-License-Identifier: MIT */
/*
 * Frames into the guest's buffers.
 *
 * How long a frame gets is known only when the payload is there, so a turn
 * begins with as many buffers as the longest may need and ends with taking those
 * that were filled.
 *
 * Where no buffers of the guest's can ever hold the least that is asked for, or
 * their addresses are bad, the payload goes to a scrap of memory of ours and the
 * frame is dropped: so nobody who has something to send needs to know.
 */
#include "backends/consomme/out.h"

#include "backends/consomme/stack.h"
#include "net/offload.h"
#include "net/stats.h"

#include <errno.h>

void csm_sender_wake(struct csm_stack *stack, struct csm_sender *sender)
{
	if (!list_is_on(&sender->node))
		list_insert_before(&stack->senders, &sender->node);
}

bool csm_out_takes(const struct csm_out *out, enum net_gso_type gso)
{
	const struct net_rx_offloads *o = &out->offloads;

	switch (gso) {
	case NET_GSO_TCPV4:
		return o->csum && o->tso4;
	case NET_GSO_TCPV6:
		return o->csum && o->tso6;
	case NET_GSO_UDP:
		return o->csum && o->uso;
	default:
		return false;
	}
}

/* The payload goes to the scrap, and nowhere from there. */
static bool open_scrap(struct csm_out *out, uint32_t most)
{
	out->n_ids = 0;
	out->room = MIN(most, (uint32_t)sizeof(out->scrap));
	out->iov[0] = (struct iovec){out->scrap, out->room};
	out->n_iov = 1;
	return true;
}

/* Cuts the pieces off behind @most bytes; how many bytes are left. */
static uint32_t trim(struct iovec *iov, size_t *n, uint32_t most)
{
	uint32_t total = 0;
	size_t i;

	for (i = 0; i < *n && total < most; i++) {
		if (iov[i].iov_len > most - total)
			iov[i].iov_len = most - total;
		total += (uint32_t)iov[i].iov_len;
	}
	*n = i;
	return total;
}

/* How many of the oldest buffers a frame of @len bytes gets: all that are held,
 * or as many as one frame may have, if it needs more. */
static size_t find_ids(struct csm_out *out, uint32_t len, bool *all)
{
	size_t span =
		MIN((size_t)out->queue->config.rx_span, ARRAY_SIZE(out->ids));
	ssize_t n = net_rx_fifo_fit(out->fifo, out->pool, span, len, out->ids);

	*all = false;
	if (n >= 0)
		return (size_t)n;
	*all = n == -EMSGSIZE;
	return net_rx_fifo_peek(out->fifo, 0, out->ids, span);
}

bool csm_out_open(struct csm_out *out, uint32_t head_len, uint32_t least,
		  uint32_t most)
{
	uint32_t capacity;
	ssize_t n;
	bool all;

	out->head_len = head_len;
	out->n_ids = find_ids(out, head_len + most, &all);
	if (!out->n_ids)
		return false;
	capacity = net_pool_capacity(out->pool, out->ids, out->n_ids);
	if (capacity < head_len + least)
		return all ? open_scrap(out, most) : false;
	if (!most) {
		out->n_iov = 0;
		out->room = 0;
		return true;
	}
	n = net_pool_guest_addresses(out->pool, out->ids, out->n_ids,
				     NET_ROOM_FRAME, head_len, out->iov,
				     ARRAY_SIZE(out->iov));
	if (n < 0)
		return open_scrap(out, most);
	out->n_iov = MIN((size_t)n, ARRAY_SIZE(out->iov));
	out->room = trim(out->iov, &out->n_iov, most);
	return out->room >= least ? true : open_scrap(out, most);
}

/* Computes the checksum that the guest would not. */
static int finish_checksum(struct csm_out *out, struct csm_frame *frame,
			   const struct net_offload *offload)
{
	struct iovec iov[1 + CSM_OUT_PIECES];
	size_t n = out->n_iov;

	iov[0] = (struct iovec){frame->head, frame->head_len};
	for (size_t i = 0; i < n; i++)
		iov[1 + i] = out->iov[i];
	(void)trim(iov + 1, &n, frame->payload);
	return net_offload_finish(offload, iov, 1 + n);
}

static int write_frame(struct csm_out *out, struct csm_frame *frame, size_t n,
		       struct net_rx_meta *meta)
{
	int err;

	if (meta->offload.csum_needed && !out->offloads.csum) {
		err = finish_checksum(out, frame, &meta->offload);
		if (err < 0)
			return err;
		meta->offload = (struct net_offload){0};
	}
	err = net_pool_write_data(out->pool, out->ids, n, 0, frame->head,
				  frame->head_len);
	if (err < 0)
		return err;
	return net_pool_write_header(out->pool, out->ids, n, meta);
}

void csm_out_close(struct csm_out *out, struct csm_frame *frame)
{
	struct net_stats *stats = out->queue->stats;
	struct net_rx_meta meta = {
		.len = frame->head_len + frame->payload,
		.offload =
			{
				.gso = frame->gso,
				.gso_size = frame->gso_size,
				.hdr_len = frame->gso ? frame->head_len : 0,
				.csum_needed = frame->csum_start != 0,
				.csum_start = frame->csum_start,
				.csum_offset = frame->csum_offset,
			},
	};
	ssize_t n = (ssize_t)out->n_ids;

	if (n && frame->payload < out->room)
		n = net_rx_fifo_fit(out->fifo, out->pool, out->n_ids, meta.len,
				    out->ids);
	if (n <= 0 || write_frame(out, frame, (size_t)n, &meta) < 0) {
		net_stat_add(&stats->rx_dropped, 1);
		return;
	}
	out->packets[out->n_packets++] = (struct net_rx_packet){
		.first = out->ids[0],
		.n_ids = (uint16_t)n,
		.meta = meta,
	};
	net_rx_fifo_pop(out->fifo, (size_t)n);
	net_stat_add(&stats->rx_packets, 1);
	net_stat_add(&stats->rx_bytes, meta.len);
}
