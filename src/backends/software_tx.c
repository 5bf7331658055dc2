/* SPDX-License-Identifier: MIT */
/*
 * Transmitting: packets of the frontend become steps (software_step.c), the
 * steps are offered to the inner queue, and what comes of that is accounted.
 *
 * A packet is taken from the frontend when the inner queue has taken the last
 * step of it; until then the frontend keeps it, and offers it again. Of a frame
 * that is being cut we remember how far it went (partial). So nothing has to
 * wait in here, and back-pressure passes through.
 *
 * A packet is complete when it is taken and none of its inner packets is in
 * flight. If the inner queue completes at once, so do we. Otherwise a packet
 * stays in the list of packets until tx_poll has told it; in order, if the
 * endpoint is ordered, so that a lost packet does not overtake one in flight.
 */
#include "backends/software_queue.h"

#include <errno.h>

static struct software_packet *packet_at(struct software_tx *tx,
					 uint32_t number)
{
	return &tx->packets[number % SOFTWARE_PACKETS];
}

static bool is_complete(const struct software_packet *packet)
{
	return packet->ended && !packet->in_flight;
}

/* The number after the last packet that was taken. */
static uint32_t taken_end(const struct software_tx *tx)
{
	return tx->end - tx->partial;
}

/* Forgets the oldest packets that are complete and told. */
static void retire(struct software_tx *tx)
{
	while (tx->first != taken_end(tx) && packet_at(tx, tx->first)->told &&
	       is_complete(packet_at(tx, tx->first)))
		tx->first++;
}

static void free_slot(struct software_tx *tx, uint16_t slot)
{
	tx->free[tx->n_free++] = slot;
}

void software_tx_init(struct software_queue *q)
{
	for (uint16_t i = SOFTWARE_SLOTS; i-- > 0;)
		free_slot(&q->tx, i);
}

bool software_tx_is_ready(const struct software_queue *q)
{
	const struct software_tx *tx = &q->tx;

	if (tx->more)
		return true;
	for (uint32_t i = tx->first; i != taken_end(tx); i++) {
		const struct software_packet *packet =
			&tx->packets[i % SOFTWARE_PACKETS];

		if (is_complete(packet) && !packet->told)
			return true;
		if (tx->ordered && !is_complete(packet))
			return false;
	}
	return false;
}

/* The inner queue has taken the step, or it needed none. */
static void commit(struct software_tx *tx, const struct software_step *step,
		   bool completed)
{
	struct software_packet *packet = packet_at(tx, step->packet);

	if (step->why)
		net_stat_add(step->why, 1);
	else if (completed)
		free_slot(tx, step->slot);
	else
		packet->in_flight++;
	packet->ended = step->outer_segs != 0;
}

/* Accounts for a batch of which the inner queue has taken @n_segs segments. The
 * steps behind them are undone. Returns the frontend's segments that are taken
 * now. */
static size_t settle_batch(struct software_tx *tx, size_t n_segs,
			   bool completed)
{
	struct software_batch *batch = &tx->batch;
	const struct software_step *step = batch->steps;
	const struct software_step *end = step + batch->n_steps;
	size_t outer_segs = 0;

	for (; step != end && step->n_segs <= n_segs; step++) {
		n_segs -= step->n_segs;
		outer_segs += step->outer_segs;
		commit(tx, step, completed);
		tx->partial = !step->outer_segs;
	}
	if (step == end)
		return outer_segs;
	tx->partial = step->gso_index != 0;
	tx->end = step->packet + tx->partial;
	if (tx->partial)
		tx->gso.index = step->gso_index;
	for (; step != end; step++) {
		if (step->n_segs)
			free_slot(tx, step->slot);
	}
	return outer_segs;
}

/* Fills the batch with steps of the packets in @segs. */
static void fill_batch(struct software_queue *q, const struct net_tx_seg *segs,
		       size_t n)
{
	struct software_tx *tx = &q->tx;
	struct software_batch *batch = &tx->batch;

	batch->n_steps = 0;
	batch->n_segs = 0;
	batch->full = false;
	while (n && !batch->full) {
		uint16_t n_packet = segs->meta->n_segs;

		if (!tx->n_free || !tx->budget ||
		    batch->n_steps == ARRAY_SIZE(batch->steps) ||
		    ARRAY_SIZE(batch->segs) - batch->n_segs <= n_packet)
			return;
		if (tx->partial) {
			software_steps_resume(q, segs, n_packet, tx->end - 1);
		} else {
			if (tx->end - tx->first == SOFTWARE_PACKETS)
				return;
			*packet_at(tx, tx->end) = (struct software_packet){
				.id = segs->meta->id,
			};
			software_steps_add(q, segs, n_packet, tx->end++);
		}
		segs += n_packet;
		n -= n_packet;
	}
}

/* Offers the batch to the inner queue. *@n: segments of the frontend that are
 * taken now. False: not all of it was taken. */
static int offer_batch(struct software_queue *q, size_t *n, bool *all)
{
	struct software_tx *tx = &q->tx;
	struct software_batch *batch = &tx->batch;
	struct net_tx_taken taken = {.completed = true};
	int err = 0;

	if (batch->n_segs)
		err = net_queue_tx_avail(q->base.inner, &q->pool.base,
					 batch->segs, batch->n_segs, &taken);
	if (err < 0)
		taken.n_segs = 0;
	*all = !err && taken.n_segs == batch->n_segs;
	*n = settle_batch(tx, taken.n_segs, taken.completed);
	return err;
}

/* The frontend does not offer the partial packet any more. What was sent of it
 * was sent; nobody wants to know. */
static void abandon(struct software_tx *tx)
{
	struct software_packet *packet = packet_at(tx, tx->end - 1);

	packet->ended = true;
	packet->told = true;
	tx->partial = false;
	retire(tx);
}

static int take(struct software_queue *q, const struct net_tx_seg *segs,
		size_t n, struct net_tx_taken *taken)
{
	struct software_tx *tx = &q->tx;
	bool all = true;

	while (all && taken->n_segs < n) {
		size_t more;
		int err;

		fill_batch(q, segs + taken->n_segs, n - taken->n_segs);
		if (!tx->batch.n_steps) {
			tx->more = !tx->budget;
			tx->starved = !tx->more;
			return 0;
		}
		err = offer_batch(q, &more, &all);
		taken->n_segs += more;
		if (err < 0)
			return taken->n_segs ? 0 : err;
	}
	return 0;
}

int software_tx_avail(struct net_queue *queue, struct net_buffer_access *pool,
		      const struct net_tx_seg *segs, size_t n,
		      struct net_tx_taken *taken)
{
	struct software_queue *q = software_queue_of(queue);
	struct software_tx *tx = &q->tx;
	uint32_t i, first_new;
	int err;

	if (q->tx_passes)
		return net_queue_tx_avail(q->base.inner, software_lend(q, pool),
					  segs, n, taken);
	(void)software_pool_lend(&q->pool, pool);
	if (tx->partial && n &&
	    packet_at(tx, tx->end - 1)->id.v != segs->meta->id.v)
		abandon(tx);
	tx->more = false;
	tx->starved = false;
	tx->budget = SOFTWARE_BUDGET;
	first_new = taken_end(tx);
	err = take(q, segs, n, taken);

	/* All at once, or all by tx_poll. */
	for (i = tx->first; i != taken_end(tx); i++) {
		if (!is_complete(packet_at(tx, i)))
			break;
	}
	taken->completed = tx->first == first_new && i == taken_end(tx);
	if (taken->completed)
		tx->first = i;
	return err;
}

/* The inner queue has completed its packet @slot. */
static void release(struct software_tx *tx, uint32_t slot)
{
	packet_at(tx, tx->slots[slot].packet)->in_flight--;
	free_slot(tx, (uint16_t)slot);
}

/* Takes what the inner queue has completed. */
static enum net_tx_error collect(struct software_queue *q,
				 struct net_buffer_access *pool)
{
	struct software_tx *tx = &q->tx;
	struct net_tx_id ids[SOFTWARE_BATCH];
	enum net_tx_error err;
	size_t n;

	do {
		err = net_queue_tx_poll(q->base.inner, pool, ids,
					ARRAY_SIZE(ids), &n);
		for (size_t i = 0; i < n; i++)
			release(tx, ids[i].v);
		if (n && tx->starved)
			tx->more = true;
	} while (err == NET_TX_OK && n == ARRAY_SIZE(ids));
	return err;
}

enum net_tx_error software_tx_poll(struct net_queue *queue,
				   struct net_buffer_access *pool,
				   struct net_tx_id *out, size_t max, size_t *n)
{
	struct software_queue *q = software_queue_of(queue);
	struct software_tx *tx = &q->tx;
	enum net_tx_error err;

	if (q->tx_passes)
		return net_queue_tx_poll(q->base.inner, software_lend(q, pool),
					 out, max, n);
	err = collect(q, software_lend(q, pool));
	for (uint32_t i = tx->first; i != taken_end(tx) && *n < max; i++) {
		struct software_packet *packet = packet_at(tx, i);

		if (is_complete(packet) && !packet->told) {
			packet->told = true;
			out[(*n)++] = packet->id;
		} else if (tx->ordered && !is_complete(packet)) {
			break;
		}
	}
	retire(tx);
	return err;
}
