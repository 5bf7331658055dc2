/* SPDX-License-Identifier: MIT */
/*
 * A frontend for the worker, without a ring.
 */
#include "conformance/fake_frontend.h"

#include <check.h>
#include <string.h>

#define TX_MEMORY 4096

static void trace(struct fake_frontend *fe, char what)
{
	if (fe->n_trace == FAKE_TRACE)
		fe->n_trace = 0;
	fe->trace[fe->n_trace++] = what;
}

static size_t rx_fetch(void *arg, struct net_rx_id *ids, size_t max)
{
	struct fake_frontend *fe = arg;
	size_t n = MIN(max, fe->n_posted);

	if (!n)
		return 0;
	trace(fe, FAKE_RX_FETCH);
	memcpy(ids, fe->posted, n * sizeof(*ids));
	fe->n_posted -= n;
	memmove(fe->posted, fe->posted + n, fe->n_posted * sizeof(*ids));
	net_bufs_note_given(&fe->bufs, ids, n);
	return n;
}

static void rx_done(void *arg, const struct net_rx_packet *packets, size_t n)
{
	static unsigned char frame[65536];
	struct fake_frontend *fe = arg;

	trace(fe, FAKE_RX_DONE);
	for (size_t i = 0; i < n; i++) {
		fe->wrong += net_bufs_take(&fe->bufs, &packets[i], frame,
					   sizeof(frame)) < 0;
		fe->received[fe->n_received % FAKE_PACKETS] = packets[i].first;
		fe->n_received++;
		fe->unflushed++;
		if (fe->recycle)
			fe->posted[fe->n_posted++] = packets[i].first;
	}
}

static void add_packet(struct fake_frontend *fe)
{
	size_t at = fe->wait_end++ % FAKE_PACKETS;

	fe->metas[at] = (struct net_tx_meta){
		.id.v = (uint32_t)at,
		.n_segs = 1,
		.len = FAKE_LEN,
	};
	fe->waiting[at] = (struct net_tx_seg){
		.gpa = NET_BUFS_TX_GPA,
		.len = FAKE_LEN,
		.type = NET_TX_HEAD,
		.meta = &fe->metas[at],
	};
	fe->done[at] = 0;
}

static size_t tx_fetch(void *arg, struct net_tx_seg *segs, size_t max,
		       size_t max_packets)
{
	struct fake_frontend *fe = arg;
	struct net_tx_id tail;
	size_t n = 0;

	fe->wrong += net_worker_tail(&fe->worker, &tail);
	fe->wrong += max < NET_TX_SEGS_MAX;
	while (fe->endless && fe->wait_end - fe->wait_first < max_packets)
		add_packet(fe);
	while (n < max_packets && fe->wait_first < fe->wait_end)
		segs[n++] = fe->waiting[fe->wait_first++ % FAKE_PACKETS];
	if (n)
		trace(fe, FAKE_TX_FETCH);
	fe->n_fetched += n;
	return n;
}

static void tx_done(void *arg, const struct net_tx_id *ids, size_t n)
{
	struct fake_frontend *fe = arg;

	trace(fe, FAKE_TX_DONE);
	for (size_t i = 0; i < n; i++)
		fe->done[ids[i].v]++;
	fe->n_done += n;
	fe->unflushed += n;
}

static void flush(void *arg)
{
	struct fake_frontend *fe = arg;

	trace(fe, FAKE_FLUSH);
	fe->unflushed = 0;
}

static bool arm(void *arg, bool tx)
{
	struct fake_frontend *fe = arg;

	trace(fe, tx ? FAKE_ARM : FAKE_ARM_RX);
	fe->wrong += fe->unflushed != 0;
	if (fe->before_arm)
		fe->before_arm(fe);
	fe->armed_rx = true;
	fe->armed_tx = tx;
	return fe->n_posted || (tx && fe->wait_first < fe->wait_end);
}

static void disarm(void *arg)
{
	struct fake_frontend *fe = arg;

	trace(fe, FAKE_DISARM);
	fe->armed_rx = false;
	fe->armed_tx = false;
}

static void failed(void *arg, enum net_tx_error error)
{
	struct fake_frontend *fe = arg;

	trace(fe, FAKE_FAILED);
	fe->wrong += fe->unflushed != 0;
	fe->error = error;
}

static const struct net_worker_ops ops = {
	.rx_fetch = rx_fetch,
	.rx_done = rx_done,
	.tx_fetch = tx_fetch,
	.tx_done = tx_done,
	.flush = flush,
	.arm = arm,
	.disarm = disarm,
	.failed = failed,
};

void fake_frontend_init(struct fake_frontend *fe, struct loop *loop,
			size_t n_bufs)
{
	struct net_bufs_config config = {
		.n_bufs = n_bufs,
		.buf_len = 256,
		.rx_span = 1,
		.tx_len = TX_MEMORY,
	};

	memset(fe, 0, sizeof(*fe));
	fe->loop = loop;
	ck_assert_int_eq(net_bufs_init(&fe->bufs, &config), 0);
	memset(fe->bufs.tx, 'T', TX_MEMORY);
}

void fake_frontend_fini(struct fake_frontend *fe)
{
	ck_assert_uint_eq(fe->wrong, 0);
	ck_assert_uint_eq(fe->bufs.violations, 0);
	net_bufs_fini(&fe->bufs);
}

struct net_queue_config fake_frontend_config(struct fake_frontend *fe)
{
	net_worker_init(&fe->worker, &ops, fe, fe->loop, &fe->bufs.base);
	return (struct net_queue_config){
		.loop = fe->loop,
		.client = &fe->worker.client,
		.rx_span = 1,
	};
}

void fake_frontend_post(struct fake_frontend *fe, uint32_t first, size_t n)
{
	for (size_t i = 0; i < n; i++)
		fe->posted[fe->n_posted++].v = first + (uint32_t)i;
	if (fe->armed_rx) {
		fe->kicks++;
		net_worker_kick(&fe->worker);
	}
}

void fake_frontend_send(struct fake_frontend *fe, size_t n)
{
	for (size_t i = 0; i < n; i++)
		add_packet(fe);
	if (fe->armed_tx) {
		fe->kicks++;
		net_worker_kick(&fe->worker);
	}
}

bool fake_frontend_all_done(const struct fake_frontend *fe)
{
	for (size_t i = 0; i < MIN(fe->wait_end, (size_t)FAKE_PACKETS); i++) {
		if (fe->done[i] != 1)
			return false;
	}
	return fe->n_done == fe->wait_end;
}

void fake_frontend_repost(struct fake_frontend *fe)
{
	size_t n = fe->bufs.n_order;

	memmove(fe->posted + n, fe->posted,
		fe->n_posted * sizeof(fe->posted[0]));
	memcpy(fe->posted, fe->bufs.order, n * sizeof(fe->posted[0]));
	fe->n_posted += n;
	net_bufs_reclaim(&fe->bufs);
	/* Packets that were fetched and are not complete, from the oldest. */
	fe->wait_first = fe->n_done;
}

size_t fake_frontend_count(const struct fake_frontend *fe, char what)
{
	size_t n = 0;

	for (size_t i = 0; i < fe->n_trace; i++)
		n += fe->trace[i] == what;
	return n;
}

void fake_frontend_forget_trace(struct fake_frontend *fe)
{
	fe->n_trace = 0;
}

char fake_frontend_last(const struct fake_frontend *fe)
{
	return fe->n_trace ? fe->trace[fe->n_trace - 1] : '\0';
}
