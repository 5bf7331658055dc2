/* SPDX-License-Identifier: MIT */
/*
 * A queue pair on its loop.
 *
 * Begin and end are one message that travels to the pair's loop and back, so
 * there is never more than one under way. Trouble is another: posted at most
 * once between begin and end, hence delivered before the answer to end, since
 * messages of one sender arrive in order.
 *
 * Trouble is found inside the worker's callbacks, where nothing can be
 * stopped. The pair reports it and stays as it is (a broken ring is empty, a
 * failed worker idle) until its owner ends it.
 */
#include "virtio/net_pair.h"

#include "virtio/net_defs.h"
#include "virtio/net_features.h"

static void event_run(struct loop_msg *msg)
{
	struct virtio_net_pair *pair =
		container_of(msg, struct virtio_net_pair, event);

	pair->ops->trouble(pair, pair->trouble, pair->what);
}

static void report(struct virtio_net_pair *pair,
		   enum virtio_net_trouble trouble, const char *what)
{
	if (pair->in_trouble)
		return;
	pair->in_trouble = true;
	pair->trouble = trouble;
	pair->what = what;
	loop_post(pair->control, &pair->event);
}

static void check_rings(struct virtio_net_pair *pair)
{
	if (pair->rx.ring.broken)
		report(pair, VIRTIO_NET_BROKEN_RX, pair->rx.ring.broken);
	else if (pair->tx.ring.broken)
		report(pair, VIRTIO_NET_BROKEN_TX, pair->tx.ring.broken);
}

static size_t rx_fetch(void *arg, struct net_rx_id *ids, size_t max)
{
	struct virtio_net_pair *pair = arg;
	size_t n = virtio_net_rx_fetch(&pair->rx, ids, max);

	check_rings(pair);
	return n;
}

static void rx_done(void *arg, const struct net_rx_packet *packets, size_t n)
{
	struct virtio_net_pair *pair = arg;

	virtio_net_rx_done(&pair->rx, packets, n);
}

static size_t tx_fetch(void *arg, struct net_tx_seg *segs, size_t max,
		       size_t max_packets)
{
	struct virtio_net_pair *pair = arg;
	size_t n = virtio_net_tx_fetch(&pair->tx, segs, max, max_packets);

	check_rings(pair);
	return n;
}

static void tx_done(void *arg, const struct net_tx_id *ids, size_t n)
{
	struct virtio_net_pair *pair = arg;

	virtio_net_tx_done(&pair->tx, ids, n);
}

/* Publishes, and interrupts if the guest wants that and nobody else does: @fd
 * has been signalled already (-1: none). Returns what has been signalled. */
static int flush_ring(struct virtio_net_pair *pair, struct split_ring *ring,
		      const struct virtio_irq *irq, int fd)
{
	uint64_t before = ring->publishes;
	bool wanted = split_ring_publish(ring);

	if (wanted && (fd < 0 || irq->fd != fd)) {
		virtio_irq_raise(irq);
		net_stat_add(&pair->stats.interrupts, 1);
		return irq->fd;
	}
	if (ring->publishes != before)
		net_stat_add(&pair->stats.interrupts_suppressed, 1);
	return -1;
}

static void count_held(struct virtio_net_pair *pair)
{
	net_stat_set(&pair->stats.ring_rx_held, pair->rx.end - pair->rx.first);
	net_stat_set(&pair->stats.ring_tx_held, pair->tx.end - pair->tx.first);
}

/* Two queues may share an interrupt (mmio): one raise does for both. */
static void flush(void *arg)
{
	struct virtio_net_pair *pair = arg;
	int fd = flush_ring(pair, &pair->rx.ring, &pair->rx.setup.irq, -1);

	(void)flush_ring(pair, &pair->tx.ring, &pair->tx.setup.irq, fd);
	count_held(pair);
}

static bool arm(void *arg, bool tx)
{
	struct virtio_net_pair *pair = arg;
	bool more = virtio_net_rx_arm(&pair->rx);

	if (tx)
		more |= virtio_net_tx_arm(&pair->tx);
	check_rings(pair);
	return more;
}

static void disarm(void *arg)
{
	struct virtio_net_pair *pair = arg;

	split_ring_disarm(&pair->rx.ring);
	split_ring_disarm(&pair->tx.ring);
}

static void failed(void *arg, enum net_tx_error error)
{
	if (error == NET_TX_TRY_RESTART)
		report(arg, VIRTIO_NET_TRY_RESTART, "the endpoint has failed");
	else
		report(arg, VIRTIO_NET_FATAL,
		       "the endpoint has failed for good");
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

static void kick(struct virtio_net_pair *pair, int fd)
{
	uint64_t n = eventfd_take(fd);

	if (!n)
		return;
	net_stat_add(&pair->stats.kicks, n);
	net_worker_kick(&pair->worker);
}

static void rx_kick_cb(struct ev_loop *ev, ev_io *w, int revents)
{
	UNUSED(ev);
	UNUSED(revents);
	kick(container_of(w, struct virtio_net_pair, rx_kick), w->fd);
}

static void tx_kick_cb(struct ev_loop *ev, ev_io *w, int revents)
{
	UNUSED(ev);
	UNUSED(revents);
	kick(container_of(w, struct virtio_net_pair, tx_kick), w->fd);
}

static void tell_target(struct virtio_net_pair *pair)
{
	unsigned int vp = atomic_load(&pair->target_vp);

	if (vp != pair->queue->config.target_vp)
		net_queue_update_target_vp(pair->queue, vp);
}

static void target_run(struct loop_msg *msg)
{
	struct virtio_net_pair *pair =
		container_of(msg, struct virtio_net_pair, target);

	atomic_store(&pair->target_posted, false);
	tell_target(pair);
}

void virtio_net_pair_init(struct virtio_net_pair *pair,
			  const struct virtio_net_pair_ops *ops, void *owner,
			  struct loop *control, struct loop *loop)
{
	pair->ops = ops;
	pair->owner = owner;
	pair->control = control;
	pair->loop = loop;
	pair->event.run = event_run;
	pair->target.run = target_run;
}

int virtio_net_pair_start(struct virtio_net_pair *pair,
			  const struct guest_mem *mem,
			  const struct virtio_queue_setup *rx,
			  const struct virtio_queue_setup *tx,
			  uint64_t features, bool vnet_hdr)
{
	int err;

	atomic_store(&pair->target_vp, rx->irq.vcpu);
	err = virtio_net_rx_start(&pair->rx, mem, rx, features, &pair->stats);
	if (err < 0)
		return err;
	err = virtio_net_tx_start(&pair->tx, mem, tx, features, vnet_hdr,
				  &pair->stats);
	if (err < 0)
		virtio_net_rx_fini(&pair->rx);
	return err;
}

void virtio_net_pair_finish(struct virtio_net_pair *pair)
{
	virtio_net_rx_fini(&pair->rx);
	virtio_net_tx_fini(&pair->tx);
	net_stat_set(&pair->stats.ring_rx_held, 0);
	net_stat_set(&pair->stats.ring_tx_held, 0);
}

struct net_queue_config virtio_net_pair_config(struct virtio_net_pair *pair,
					       uint64_t features)
{
	pair->rx.features = features;
	net_worker_init(&pair->worker, &worker_ops, pair, pair->loop,
			&pair->rx.pool);
	net_worker_set_busy_poll(&pair->worker,
				 (uint64_t)pair->busy_poll_us * 1000);
	net_worker_set_fast_completions(&pair->worker, pair->fast_completions);
	return (struct net_queue_config){
		.loop = pair->loop,
		.client = &pair->worker.client,
		.target_vp = atomic_load(&pair->target_vp),
		.vnet_hdr = pair->tx.vnet_hdr,
		.rx_span = features & VIRTIO_NET_F_MRG_RXBUF
				   ? pair->rx.ring.size
				   : 1,
		.rx_offloads = virtio_net_features_rx(features),
		.stats = &pair->stats,
	};
}

static void began_run(struct loop_msg *msg)
{
	struct virtio_net_pair *pair =
		container_of(msg, struct virtio_net_pair, command);

	pair->ops->began(pair);
}

static void begin_run(struct loop_msg *msg)
{
	struct virtio_net_pair *pair =
		container_of(msg, struct virtio_net_pair, command);

	pair->in_trouble = false;
	pair->driving = true;
	tell_target(pair);
	check_rings(pair);
	if (virtio_net_rx_resume(&pair->rx) < 0)
		report(pair, VIRTIO_NET_BROKEN_RX, "its memory has gone");
	if (virtio_net_tx_resume(&pair->tx) < 0)
		report(pair, VIRTIO_NET_BROKEN_TX, "its memory has gone");
	if (!pair->in_trouble) {
		ev_io_init(&pair->rx_kick, rx_kick_cb, pair->rx.setup.kick_fd,
			   EV_READ);
		ev_io_init(&pair->tx_kick, tx_kick_cb, pair->tx.setup.kick_fd,
			   EV_READ);
		ev_io_start(pair->loop->ev, &pair->rx_kick);
		ev_io_start(pair->loop->ev, &pair->tx_kick);
		flush(pair);
		net_worker_start(&pair->worker, pair->queue);
	}
	pair->command.run = began_run;
	loop_post(pair->control, &pair->command);
}

void virtio_net_pair_begin(struct virtio_net_pair *pair,
			   struct net_queue *queue,
			   const struct net_rx_filter *filter)
{
	pair->queue = queue;
	pair->rx.filter = *filter;
	pair->command.run = begin_run;
	loop_post(pair->loop, &pair->command);
}

static void ended_run(struct loop_msg *msg)
{
	struct virtio_net_pair *pair =
		container_of(msg, struct virtio_net_pair, command);

	pair->queue = NULL;
	pair->ops->ended(pair);
}

/* Stops listening to a doorbell. An event that is left would have libev touch
 * the descriptor once more, when it may be closed; the pair looks at its rings
 * when it begins again. */
static void stop_kicks(struct virtio_net_pair *pair, ev_io *w)
{
	if (!ev_is_active(w))
		return;
	ev_io_stop(pair->loop->ev, w);
	net_stat_add(&pair->stats.kicks, eventfd_take(w->fd));
}

static void end_run(struct loop_msg *msg)
{
	struct virtio_net_pair *pair =
		container_of(msg, struct virtio_net_pair, command);
	struct net_tx_id tail;

	stop_kicks(pair, &pair->rx_kick);
	stop_kicks(pair, &pair->tx_kick);
	if (net_worker_tail(&pair->worker, &tail))
		virtio_net_tx_rewind(&pair->tx, tail);
	net_worker_stop(&pair->worker);
	pair->driving = false;
	net_queue_destroy(pair->queue);
	pair->command.run = ended_run;
	loop_post(pair->control, &pair->command);
}

void virtio_net_pair_end(struct virtio_net_pair *pair)
{
	pair->command.run = end_run;
	loop_post(pair->loop, &pair->command);
}

static void told_run(struct loop_msg *msg)
{
	struct virtio_net_pair *pair =
		container_of(msg, struct virtio_net_pair, command);

	pair->ops->told(pair);
}

static void tell_run(struct loop_msg *msg)
{
	struct virtio_net_pair *pair =
		container_of(msg, struct virtio_net_pair, command);

	pair->rx.filter = *pair->filter;
	pair->command.run = told_run;
	loop_post(pair->control, &pair->command);
}

void virtio_net_pair_tell(struct virtio_net_pair *pair,
			  const struct net_rx_filter *filter)
{
	pair->filter = filter;
	pair->command.run = tell_run;
	loop_post(pair->loop, &pair->command);
}

void virtio_net_pair_rest(struct virtio_net_pair *pair)
{
	if (virtio_net_tx_resume(&pair->tx) == 0 &&
	    split_ring_publish(&pair->tx.ring))
		virtio_irq_raise(&pair->tx.setup.irq);
}

void virtio_net_pair_target(struct virtio_net_pair *pair, unsigned int vp,
			    bool driven)
{
	atomic_store(&pair->target_vp, vp);
	if (driven && !atomic_exchange(&pair->target_posted, true))
		loop_post(pair->loop, &pair->target);
}

static void looked_run(struct loop_msg *msg)
{
	struct virtio_net_pair *pair =
		container_of(msg, struct virtio_net_pair, look);

	pair->ops->looked(pair);
}

static void fill_ring(struct inspect *in, const char *name,
		      const struct split_ring *ring, uint32_t held)
{
	inspect_begin(in, name);
	inspect_u64(in, "size", ring->size);
	inspect_bool(in, "event_idx", ring->event_idx);
	inspect_u64(in, "avail_next", ring->avail_next);
	inspect_u64(in, "used_next", ring->used_next);
	inspect_u64(in, "held", held);
	inspect_str(in, "broken", ring->broken);
	inspect_end(in);
}

/* Rings without a queue may be mapped or given up at this moment. */
static void look_run(struct loop_msg *msg)
{
	struct virtio_net_pair *pair =
		container_of(msg, struct virtio_net_pair, look);
	struct inspect *in = &pair->tree;

	inspect_bool(in, "running", pair->driving);
	if (pair->driving) {
		fill_ring(in, "rx_ring", &pair->rx.ring,
			  pair->rx.end - pair->rx.first);
		fill_ring(in, "tx_ring", &pair->tx.ring,
			  pair->tx.end - pair->tx.first);
		inspect_begin(in, "queue");
		net_queue_inspect(pair->queue, in);
		inspect_end(in);
	}
	pair->look.run = looked_run;
	loop_post(pair->control, &pair->look);
}

void virtio_net_pair_look(struct virtio_net_pair *pair)
{
	inspect_init(&pair->tree);
	pair->look.run = look_run;
	loop_post(pair->loop, &pair->look);
}
