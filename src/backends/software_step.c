/* SPDX-License-Identifier: MIT */
/*
 * From a packet of the frontend to what the inner queue gets.
 *
 * Four ways, by what the packet asks for and what the inner queue can do:
 *
 *   pass	the same segments (without the virtio-net header, if the inner
 *		queue has none), with metadata of our own
 *   sum	one packet, with its checksums computed
 *   cut	one packet for each cut (net/gso.h), finished
 *   lose	none: the wish cannot be granted
 *
 * A finished packet begins with headers of ours, in its slot of the bounce, and
 * goes on with the rest of the frontend's segments. Nothing in here has an
 * effect outside the batch and the slots: steps that are not taken are dropped
 * and made again later.
 */
#include "backends/software_queue.h"

#include "base/bytes.h"
#include "net/checksum.h"
#include "net/offload.h"
#include "net/packet.h"
#include "net/vnet_hdr.h"

#include <errno.h>
#include <string.h>

/* The packet in hand. @hdr_len: bytes of virtio-net header in front of the
 * frame. @iov: of the frame. @wants_ipv4: the IPv4 header's checksum. @start:
 * the frame's first @n_start bytes, copied if it wants anything. */
struct job {
	struct software_queue *q;
	const struct net_tx_seg *packet;
	uint16_t n;
	uint32_t number;
	const struct net_tx_meta *meta;
	uint32_t hdr_len;
	struct iovec *iov;
	size_t n_iov;
	struct net_offload offload;
	bool wants_ipv4;
	uint8_t start[NET_HEADERS_MAX];
	size_t n_start;
	struct net_headers headers;
};

/* Goes @len bytes on, which are all in the present segment. */
static void advance(struct software_segs *from, uint32_t len)
{
	from->skip += len;
	if (from->skip == from->segs->len) {
		from->segs++;
		from->n--;
		from->skip = 0;
	}
}

/* Copies the segments of the next @len bytes to @out. Returns how many. */
static uint16_t slice(struct software_segs *from, uint32_t len,
		      struct net_tx_seg *out)
{
	uint16_t n = 0;

	while (len && from->n) {
		uint32_t part = MIN(from->segs->len - from->skip, len);

		if (part)
			out[n++] = (struct net_tx_seg){
				.gpa = from->segs->gpa + from->skip,
				.len = part,
				.type = NET_TX_TAIL,
			};
		len -= part;
		advance(from, part);
	}
	return n;
}

static void skip(struct software_segs *from, uint32_t len)
{
	while (len && from->n) {
		uint32_t part = MIN(from->segs->len - from->skip, len);

		len -= part;
		advance(from, part);
	}
}

/* The packet's segments from byte @at of its frame on. */
static struct software_segs segs_from(const struct job *job, uint32_t at)
{
	struct software_segs segs = {.segs = job->packet, .n = job->n};

	skip(&segs, job->hdr_len + at);
	return segs;
}

/* Does the packet ask for anything? */
static bool asks(const struct job *job)
{
	return job->offload.csum_needed || job->offload.gso != NET_GSO_NONE ||
	       job->wants_ipv4;
}

static struct software_step *add_step(const struct job *job)
{
	struct software_batch *batch = &job->q->tx.batch;
	struct software_step *step = &batch->steps[batch->n_steps++];

	*step = (struct software_step){.packet = job->number};
	return step;
}

static void lose(const struct job *job, _Atomic uint64_t *why)
{
	struct software_step *step = add_step(job);

	step->why = why;
	step->outer_segs = job->n;
}

/* Takes a slot. */
static uint16_t take_slot(const struct job *job)
{
	struct software_tx *tx = &job->q->tx;
	uint16_t slot = tx->free[--tx->n_free];

	tx->slots[slot].packet = job->number;
	return slot;
}

/* A step of the @n segments at the end of the batch's, whose metadata, id and
 * number of segments apart, is @meta. */
static struct software_step *add_packet(const struct job *job, uint16_t slot,
					uint16_t n,
					const struct net_tx_meta *meta)
{
	struct software_tx *tx = &job->q->tx;
	struct net_tx_seg *head = &tx->batch.segs[tx->batch.n_segs];
	struct software_step *step = add_step(job);

	tx->slots[slot].meta = *meta;
	tx->slots[slot].meta.id.v = slot;
	tx->slots[slot].meta.n_segs = n;
	head->type = NET_TX_HEAD;
	head->meta = &tx->slots[slot].meta;
	tx->batch.n_segs += n;
	tx->budget--;
	step->slot = slot;
	step->n_segs = n;
	return step;
}

/* Takes the virtio-net header off the packet's bytes, which are more, and
 * copies it. */
static void take_header(struct job *job, uint8_t hdr[NET_VNET_HDR_LEN])
{
	struct net_iov_walk walk = net_iov_walk(job->iov, job->n_iov);

	(void)net_iov_read(&walk, hdr, NET_VNET_HDR_LEN);
	job->iov += walk.iov - job->iov;
	job->n_iov = walk.n;
	job->iov->iov_base = (unsigned char *)job->iov->iov_base + walk.skip;
	job->iov->iov_len -= walk.skip;
}

/* Finds the packet's bytes. An error: they are not there, or not as many as it
 * says. */
static int find(struct job *job)
{
	struct software_queue *q = job->q;
	const struct guest_mem *mem = net_pool_guest_memory(q->pool.outer);
	size_t len;
	int err;

	if (!mem)
		return -ESTALE;
	if (job->n > NET_TX_SEGS_MAX || job->meta->len > NET_FRAME_MAX)
		return -EMSGSIZE;
	err = net_packet_iov(mem, &q->tx.cache, job->packet, job->n, q->tx.iov,
			     &len);
	if (err < 0)
		return err;
	job->iov = q->tx.iov;
	job->n_iov = job->n;
	return job->meta->len && len == job->hdr_len + (size_t)job->meta->len
		       ? 0
		       : -EINVAL;
}

/* What the packet asks for. Copies the frame's start if it asks for anything. */
static int read_wish(struct job *job)
{
	uint8_t hdr[NET_VNET_HDR_LEN];
	struct net_iov_walk walk;
	int err;

	if (job->hdr_len) {
		take_header(job, hdr);
		err = net_vnet_hdr_parse(hdr, job->meta->len, &job->offload);
	} else {
		job->wants_ipv4 = net_offload_wants_ipv4(job->meta);
		err = net_offload_of_tx(job->meta, &job->offload);
	}
	if (err < 0 || !asks(job))
		return err;
	walk = net_iov_walk(job->iov, job->n_iov);
	job->n_start = net_iov_read(&walk, job->start, sizeof(job->start));
	return net_headers_parse(job->start, job->n_start, &job->headers);
}

/* The metadata with which the packet passes to an inner queue that goes by
 * flags. */
static int passing_meta(const struct job *job, struct net_tx_meta *meta)
{
	*meta = *job->meta;
	meta->vnet_hdr = false;
	meta->offload = job->offload;
	if (!asks(job) || meta->flags)
		return 0;
	return net_offload_to_flags(&job->headers, meta);
}

/* Does the inner queue do what these flags ask for? */
static bool does_flags(const struct net_tx_offloads *inner, uint32_t flags,
		       bool wants_ipv4)
{
	return (!(flags & NET_TX_TCP_CSUM) || inner->tcp) &&
	       (!(flags & NET_TX_UDP_CSUM) || inner->udp) &&
	       (!(flags & NET_TX_TSO) || (inner->tcp && inner->tso)) &&
	       (!(flags & NET_TX_USO) || (inner->udp && inner->uso)) &&
	       (!wants_ipv4 || inner->ipv4_header);
}

/* Does the inner queue do what the virtio-net header asks for? Any checksum, if
 * it does any. */
static bool does_header(const struct net_tx_offloads *inner,
			const struct net_offload *offload)
{
	switch (offload->gso) {
	case NET_GSO_NONE:
		return inner->tcp && inner->udp;
	case NET_GSO_TCPV4:
	case NET_GSO_TCPV6:
		return inner->tcp && inner->tso;
	case NET_GSO_UDP:
		return inner->udp && inner->uso;
	case NET_GSO_UDP_FRAG:
		break;
	}
	return false;
}

/* Leaves the packet to the inner queue. False: it cannot do it. */
static bool pass(struct job *job)
{
	struct software_tx *tx = &job->q->tx;
	bool keeps_hdr = job->hdr_len && tx->inner_hdr;
	struct software_segs segs = {.segs = job->packet, .n = job->n};
	struct net_tx_seg *out = &tx->batch.segs[tx->batch.n_segs];
	struct net_tx_meta meta = *job->meta;
	uint32_t len = meta.len;

	if (keeps_hdr) {
		if (asks(job) && !does_header(&tx->inner, &job->offload))
			return false;
		len += NET_VNET_HDR_LEN;
	} else {
		if (passing_meta(job, &meta) < 0 ||
		    (job->offload.csum_needed && !meta.flags) ||
		    !does_flags(&tx->inner, meta.flags, job->wants_ipv4))
			return false;
		skip(&segs, job->hdr_len);
	}
	add_packet(job, take_slot(job), slice(&segs, len, out), &meta)
		->outer_segs = job->n;
	return true;
}

/* The step of a finished packet: the first @header_len bytes of its frame stand
 * in the slot, and @payload_len bytes follow from @segs. */
static struct software_step *add_finished(const struct job *job, uint16_t slot,
					  uint32_t header_len,
					  struct software_segs *segs,
					  uint32_t payload_len)
{
	struct software_tx *tx = &job->q->tx;
	struct net_tx_seg *out = &tx->batch.segs[tx->batch.n_segs];
	uint32_t hdr_len = tx->inner_hdr ? NET_VNET_HDR_LEN : 0;
	struct net_tx_meta meta = {
		.len = header_len + payload_len,
		.vlan = job->meta->vlan,
		.vnet_hdr = tx->inner_hdr,
	};

	out->gpa = software_pool_slot_gpa(slot) + NET_VNET_HDR_LEN - hdr_len;
	out->len = hdr_len + header_len;
	return add_packet(job, slot,
			  (uint16_t)(1 + slice(segs, payload_len, out + 1)),
			  &meta);
}

/* Where the frame's headers stand in a slot. In front of them there is a
 * virtio-net header that asks for nothing. */
static uint8_t *slot_frame(const struct job *job, uint16_t slot)
{
	uint8_t *bytes = software_pool_slot(&job->q->pool, slot);

	memset(bytes, 0, NET_VNET_HDR_LEN);
	return bytes + NET_VNET_HDR_LEN;
}

/* The bytes of the frame's start that hold what is to be written, 0: more than
 * there is room for. */
static uint32_t start_to_write(const struct job *job)
{
	const struct net_offload *offload = &job->offload;
	uint32_t len = 0;

	if (job->wants_ipv4) {
		if (job->headers.l3 != NET_L3_IPV4)
			return 0;
		len = net_headers_l4_offset(&job->headers);
	}
	if (offload->csum_needed)
		len = MAX(len, (uint32_t)offload->csum_start +
				       offload->csum_offset + 2U);
	return len <= job->n_start ? len : 0;
}

/* One finished packet. False: it cannot be done. */
static bool sum(struct job *job)
{
	uint32_t len = start_to_write(job);
	struct software_segs segs = segs_from(job, len);
	struct net_iov_walk rest = net_iov_walk(job->iov, job->n_iov);
	struct net_csum csum = {0};
	const struct net_offload *offload = &job->offload;
	uint16_t slot;
	uint8_t *frame;

	if (!len || 1 + segs.n > NET_TX_SEGS_MAX)
		return false;
	slot = take_slot(job);
	frame = slot_frame(job, slot);
	memcpy(frame, job->start, len);
	if (job->wants_ipv4)
		net_offload_finish_ipv4(frame + job->headers.l2_len,
					job->headers.l3_len);
	if (offload->csum_needed) {
		net_csum_add(&csum, frame + offload->csum_start,
			     len - offload->csum_start);
		(void)net_iov_skip(&rest, len);
		(void)net_csum_add_walk(&csum, &rest, job->meta->len - len);
		store_be16(frame + offload->csum_start + offload->csum_offset,
			   net_csum_finish_udp(&csum));
	}
	add_finished(job, slot, len, &segs, job->meta->len - len)->outer_segs =
		job->n;
	return true;
}

static bool has_room(const struct software_tx *tx, uint32_t n_segs)
{
	return tx->batch.n_steps < ARRAY_SIZE(tx->batch.steps) && tx->n_free &&
	       tx->budget &&
	       ARRAY_SIZE(tx->batch.segs) - tx->batch.n_segs > n_segs;
}

/* Cuts, as many as there is room for. What is left is for another batch. */
static void cut(struct job *job)
{
	struct software_tx *tx = &job->q->tx;
	struct net_gso_packet packet;

	while (tx->gso.index < tx->gso.count && has_room(tx, job->n)) {
		uint32_t index = tx->gso.index;
		uint16_t slot = take_slot(job);
		struct software_step *step;

		(void)net_gso_next(&tx->gso, slot_frame(job, slot), &packet);
		step = add_finished(job, slot, packet.header_len, &tx->payload,
				    packet.payload_len);
		step->gso_index = index;
		if (index + 1 == tx->gso.count)
			step->outer_segs = job->n;
	}
	tx->batch.full = true;
}

static bool begin_cut(struct job *job)
{
	struct software_tx *tx = &job->q->tx;

	if (job->n >= NET_TX_SEGS_MAX ||
	    net_gso_init(&tx->gso, &job->offload, job->iov, job->n_iov) < 0)
		return false;
	tx->payload = segs_from(job, tx->gso.header_len);
	cut(job);
	return true;
}

static void begin(struct job *job, struct software_queue *q,
		  const struct net_tx_seg *packet, uint16_t n, uint32_t number)
{
	*job = (struct job){
		.q = q,
		.packet = packet,
		.n = n,
		.number = number,
		.meta = packet->meta,
		.hdr_len = packet->meta->vnet_hdr ? NET_VNET_HDR_LEN : 0,
	};
}

void software_steps_add(struct software_queue *q,
			const struct net_tx_seg *packet, uint16_t n,
			uint32_t number)
{
	struct net_stats *stats = q->base.base.stats;
	struct job job;
	bool done;

	begin(&job, q, packet, n, number);
	if (find(&job) < 0) {
		lose(&job, &stats->tx_dropped);
		return;
	}
	if (read_wish(&job) < 0) {
		lose(&job, &stats->tx_bad_header);
		return;
	}
	done = pass(&job);
	if (!done)
		done = job.offload.gso == NET_GSO_NONE ? sum(&job)
						       : begin_cut(&job);
	if (!done)
		lose(&job, &stats->tx_bad_header);
}

void software_steps_resume(struct software_queue *q,
			   const struct net_tx_seg *packet, uint16_t n,
			   uint32_t number)
{
	struct net_stats *stats = q->base.base.stats;
	struct net_gso *gso = &q->tx.gso;
	uint8_t hdr[NET_VNET_HDR_LEN];
	struct job job;
	int err;

	begin(&job, q, packet, n, number);
	err = find(&job);
	if (!err && job.hdr_len)
		take_header(&job, hdr);
	if (!err)
		err = net_gso_resume(gso, job.iov, job.n_iov);
	if (err < 0) {
		lose(&job, &stats->tx_dropped);
		return;
	}
	q->tx.payload =
		segs_from(&job, gso->header_len + gso->index * gso->size);
	cut(&job);
}
