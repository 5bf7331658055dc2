/* SPDX-License-Identifier: MIT */
/*
 * Captures that begin and end while queues work, each on a thread of its own.
 */
#include "backends/capture.h"
#include "base/bytes.h"
#include "support/net_bufs.h"
#include "support/pcapng_reader.h"
#include "support/run.h"
#include "support/script_endpoint.h"

#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define PAIRS  2
#define ROUNDS 1000
#define BURST  8
#define LEN    80

/* A queue that sends and receives all the time, but leaves some to others.
 * @number: of the next frame, which begins with it. @turns: how often it has
 * worked. */
struct pair {
	struct iothread *io;
	struct net_queue_client client;
	struct net_queue *queue;
	struct script_queue *inner;
	struct net_bufs bufs;
	ev_timer timer;
	uint32_t number;
	_Atomic uint32_t turns;
	bool wrong;
};

static struct loop loop;
static struct script_endpoint *inner;
static struct net_endpoint *ep;
static struct pair pairs[PAIRS];
static bool answered;
static unsigned int ends, lost;

static void ready_cb(struct net_queue_client *client)
{
	UNUSED(client);
}

static void fill(struct pair *p, unsigned char frame[LEN])
{
	memset(frame, (int)(p->number & 0xff), LEN);
	store_le32(frame, p->number++);
}

static void transmit(struct pair *p)
{
	struct net_tx_meta metas[BURST] = {0};
	struct net_tx_seg segs[2 * BURST];
	struct net_tx_taken taken;
	unsigned char frame[LEN];
	size_t n = 0;

	net_bufs_tx_reset(&p->bufs);
	for (unsigned int i = 0; i < BURST; i++) {
		fill(p, frame);
		n += net_bufs_tx(&p->bufs, &metas[i], frame, LEN, LEN / 2,
				 segs + n, ARRAY_SIZE(segs) - n);
	}
	if (net_queue_tx_avail(p->queue, &p->bufs.base, segs, n, &taken) < 0 ||
	    taken.n_segs != n)
		p->wrong = true;
	while (script_queue_take(p->inner, frame, sizeof(frame), NULL) >= 0)
		continue;
}

static void receive(struct pair *p)
{
	struct net_rx_packet packets[BURST];
	unsigned char frame[LEN];
	size_t n;

	net_bufs_give(&p->bufs, p->queue, 0, BURST);
	for (unsigned int i = 0; i < BURST; i++) {
		fill(p, frame);
		if (script_queue_arrive(p->inner, frame, LEN) < 0)
			p->wrong = true;
	}
	if (net_queue_rx_poll(p->queue, &p->bufs.base, packets, BURST, &n) <
		    0 ||
	    n != BURST)
		p->wrong = true;
	for (size_t i = 0; i < n; i++) {
		if (net_bufs_take(&p->bufs, &packets[i], frame, LEN) != LEN)
			p->wrong = true;
	}
}

static void work_cb(struct ev_loop *ev, ev_timer *timer, int revents)
{
	struct pair *p = container_of(timer, struct pair, timer);

	UNUSED(ev);
	UNUSED(revents);
	for (unsigned int i = 0; i < 4; i++) {
		transmit(p);
		receive(p);
	}
	atomic_fetch_add(&p->turns, 1);
}

static void begin_on_loop(void *arg)
{
	struct pair *p = arg;

	ev_timer_init(&p->timer, work_cb, 0., 0.0002);
	ev_timer_start(p->io->loop.ev, &p->timer);
}

static void end_on_loop(void *arg)
{
	struct pair *p = arg;

	ev_timer_stop(p->io->loop.ev, &p->timer);
	net_queue_destroy(p->queue);
}

static void answer_cb(void *arg, int err)
{
	UNUSED(arg);
	ck_assert_int_eq(err, 0);
	answered = true;
	loop_stop(&loop);
}

static void end_cb(void *arg, const struct capture_end *end)
{
	UNUSED(arg);
	ck_assert_int_eq(end->err, 0);
	ends++;
	loop_stop(&loop);
}

static void lost_cb(void *arg, const struct capture_end *end)
{
	UNUSED(arg);
	UNUSED(end);
	lost++;
}

static void begin_pairs(void)
{
	static const struct net_bufs_config config = {
		.n_bufs = BURST,
		.buf_len = 128,
		.rx_span = 1,
		.tx_len = 4096,
	};
	struct net_queue_config configs[PAIRS];
	struct net_queue *queues[PAIRS];

	for (size_t i = 0; i < PAIRS; i++) {
		struct pair *p = &pairs[i];

		memset(p, 0, sizeof(*p));
		p->client.ready = ready_cb;
		ck_assert_int_eq(net_bufs_init(&p->bufs, &config), 0);
		ck_assert_int_eq(iothread_create("pair", THREAD_QUEUE, &p->io),
				 0);
		configs[i] = (struct net_queue_config){
			.loop = &p->io->loop,
			.client = &p->client,
			.rx_span = 1,
		};
	}
	answered = false;
	ck_assert_int_eq(net_endpoint_get_queues(ep, configs, PAIRS, NULL,
						 queues, answer_cb, NULL),
			 0);
	while (!answered)
		loop_run(&loop);
	for (size_t i = 0; i < PAIRS; i++) {
		pairs[i].queue = queues[i];
		pairs[i].inner = inner->queues[i];
		loop_call(&pairs[i].io->loop, begin_on_loop, &pairs[i]);
	}
}

static void end_pairs(void)
{
	for (size_t i = 0; i < PAIRS; i++) {
		loop_call(&pairs[i].io->loop, end_on_loop, &pairs[i]);
		iothread_destroy(pairs[i].io);
		ck_assert(!pairs[i].wrong);
		ck_assert_uint_eq(pairs[i].bufs.violations, 0);
		net_bufs_fini(&pairs[i].bufs);
	}
}

static void setup(void)
{
	ends = 0;
	lost = 0;
	ck_assert_int_eq(loop_init(&loop), 0);
	ck_assert_int_eq(script_endpoint_create(&loop, &inner), 0);
	inner->multiqueue.max_queues = PAIRS;
	ck_assert_int_eq(capture_endpoint_create(&loop, "nic0", &inner->base,
						 lost_cb, NULL, &ep),
			 0);
	begin_pairs();
}

static void teardown(void)
{
	net_endpoint_destroy(ep);
	loop_fini(&loop);
}

static void start(const char *path)
{
	struct capture_config config = {
		.path = path,
		.fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC,
			   0600),
		.rotator = -1,
		.queues = CAPTURE_ALL_QUEUES,
		.ring_bytes = CAPTURE_RING_MIN,
	};
	struct capture_error error;

	ck_assert_msg(capture_start(ep, &config, &error) == 0, "%s",
		      error.text);
}

static void stop(void)
{
	unsigned int before = ends;

	ck_assert_int_eq(capture_stop(ep, end_cb, NULL), 0);
	while (ends == before)
		loop_run(&loop);
}

/* Waits until every queue has worked once more. */
static void let_work(void)
{
	for (size_t i = 0; i < PAIRS; i++) {
		uint32_t before = atomic_load(&pairs[i].turns);

		while (atomic_load(&pairs[i].turns) == before)
			usleep(50);
	}
}

/* Every queue's frames are there once and in order; unless some were dropped,
 * none is missing. */
static void check_file(const char *path)
{
	struct capture_state state;
	struct pcapng_file file;

	capture_query(ep, &state);
	ck_assert_int_eq(pcapng_file_read(&file, path), 0);
	ck_assert(!file.cut);
	ck_assert_uint_eq(file.n_frames, state.packets);
	ck_assert_uint_eq(file.dropped, state.drops);
	for (uint32_t queue = 0; queue < PAIRS; queue++) {
		uint32_t n = 0, next = 0, gaps = 0, wrong = 0;

		for (size_t i = 0; i < file.n_frames; i++) {
			const struct pcapng_frame *f = &file.frames[i];
			uint32_t number = load_le32(f->bytes);

			if (f->queue != queue)
				continue;
			gaps += n && number != next;
			wrong += n && number < next;
			wrong += f->len != LEN || f->cap_len != LEN ||
				 f->bytes[LEN - 1] != (number & 0xff) ||
				 f->direction != (number / BURST % 2 ? 1 : 2);
			next = number + 1;
			n++;
		}
		ck_assert_uint_eq(wrong, 0);
		ck_assert(state.drops || !gaps);
		ck_assert(state.drops || n);
	}
	pcapng_file_fini(&file);
}

START_TEST(started_and_stopped_under_traffic)
{
	char path[] = "/tmp/evnic-capture-XXXXXX";
	int fd = mkstemp(path);

	ck_assert_int_ge(fd, 0);
	(void)close(fd);
	for (unsigned int round = 0; round < ROUNDS; round++) {
		bool look = round % 50 == 0;

		start(look ? path : "/dev/null");
		if (look)
			let_work();
		stop();
		if (look)
			check_file(path);
	}
	ck_assert_int_eq(unlink(path), 0);
	end_pairs();
	ck_assert_uint_eq(lost, 0);
}
END_TEST

/* The queues' threads go first, as in a machine that ends. */
START_TEST(destroyed_after_queues_and_threads)
{
	for (unsigned int round = 0; round < 20; round++) {
		start("/dev/null");
		let_work();
		end_pairs();
		net_endpoint_destroy(ep);
		loop_fini(&loop);
		setup();
	}
	end_pairs();
}
END_TEST

/* A capture lives on while queues and their threads change. */
START_TEST(queues_change_threads)
{
	start("/dev/null");
	for (unsigned int round = 0; round < 50; round++) {
		let_work();
		end_pairs();
		begin_pairs();
	}
	stop();
	end_pairs();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("capture_threads");
	TCase *tc = tcase_create("capture_threads");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 110);
	tcase_add_test(tc, started_and_stopped_under_traffic);
	tcase_add_test(tc, destroyed_after_queues_and_threads);
	tcase_add_test(tc, queues_change_threads);
	suite_add_tcase(suite, tc);
	return test_run(suite);
}
