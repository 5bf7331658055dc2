/* SPDX-License-Identifier: MIT */
/*
 * bench_mq: what a second queue pair on a loop of its own costs: CPU time of
 * the loops for a packet, two pairs against one, on a tap of two queues. The
 * goal is at most 1.05.
 *
 * One device serves both: the guest changes the number of its pairs between
 * samples, which take turns. In a sample each pair that runs gets batches of
 * packets, all pairs at the same time, so that a loop wakes once for a batch.
 * What the driver and the host's side do is not counted: they are on the main
 * thread. Frames are short, so that their bytes weigh little.
 *
 * Other programs on the machine only ever add to a sample. So a round's figure
 * is the ratio of the best samples of both, and the result the median of the
 * rounds' figures, for one packet out and one in.
 *
 * The line "bare tx" shows what the kernel and the machine make of two queues
 * without us: threads that only write to them.
 */
#include "backends/tap.h"
#include "backends/tap_netlink.h"
#include "base/bytes.h"
#include "net/rss.h"
#include "support/rss_frames.h"
#include "support/tap_host.h"
#include "support/vnic.h"
#include "virtio/ring_defs.h"

#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <time.h>

#define MQ_FLAGS  (IFF_TAP | IFF_NO_PI | IFF_VNET_HDR | IFF_MULTI_QUEUE)
#define PAIRS	  2
#define RING	  256
#define BATCH	  128
#define BUF_LEN	  2048
#define FRAME_LEN 64
#define TABLE_LEN 128
#define ROUNDS	  7
#define SAMPLES	  21
#define BATCHES	  10
#define FEATURES                                                       \
	(VIRTIO_F_EVENT_IDX | VIRTIO_NET_F_CTRL_VQ | VIRTIO_NET_F_MQ | \
	 VIRTIO_NET_F_RSS)

static struct vnic vnic;
static int host;
/* A frame for each pair, with the packet socket's header. */
static struct rss_frame frames[PAIRS];

static void must(bool ok, const char *what)
{
	if (ok)
		return;
	(void)fprintf(stderr, "bench_mq: %s\n", what);
	exit(EXIT_FAILURE);
}

static void make_frame(struct rss_frame *frame, uint16_t port)
{
	static const uint8_t guest[4] = {10, 0, 0, 2}, outer[4] = {10, 0, 0, 1};

	rss_frame_begin(frame, 0);
	rss_frame_ipv4(frame, IPPROTO_UDP, outer, guest, 0, 0);
	rss_frame_ports(frame, port, 7);
	frame->len = FRAME_LEN;
	store_be16(frame->bytes + 16, FRAME_LEN - 14);
	store_be16(frame->bytes + 38, FRAME_LEN - 34);
}

/* Both pairs, frames by their hash (virtio 1.2, 5.1.6.5.7.1). */
static void use_two(void)
{
	uint8_t data[12 + 2 * TABLE_LEN + NET_RSS_KEY_LEN] = {0};
	uint8_t *at = data + 8;
	uint16_t table[TABLE_LEN];
	const struct net_rss_config config = {
		.key = rss_verification_key,
		.key_len = NET_RSS_KEY_LEN,
		.indirection_table = table,
		.indirection_table_len = TABLE_LEN,
		.flags = NET_RSS_UDPV4,
	};
	struct net_rss rss;

	store_le32(data, config.flags);
	store_le16(data + 4, TABLE_LEN - 1);
	for (uint16_t i = 0; i < TABLE_LEN; i++, at += 2) {
		table[i] = i % PAIRS;
		store_le16(at, table[i]);
	}
	store_le16(at, PAIRS);
	at[2] = NET_RSS_KEY_LEN;
	memcpy(at + 3, rss_verification_key, NET_RSS_KEY_LEN);
	must(vnic_command(&vnic, VIRTIO_NET_CTRL_MQ,
			  VIRTIO_NET_CTRL_MQ_RSS_CONFIG, data,
			  (size_t)(at + 3 - data) + NET_RSS_KEY_LEN) ==
		     VIRTIO_NET_ACK_OK,
	     "the device refuses RSS");
	net_rss_init(&rss, &config);
	for (uint16_t pair = 0, port = 0; pair < PAIRS; pair++) {
		do {
			make_frame(&frames[pair], port++);
		} while (net_rss_select(&rss, frames[pair].bytes, FRAME_LEN)
				 .queue != pair);
	}
}

static void use_one(void)
{
	must(vnic_set_pairs(&vnic, 1) == VIRTIO_NET_ACK_OK,
	     "the device refuses to run one pair");
}

/* Where the buffers of a pair begin. */
static uint64_t buffers(uint64_t of_all, uint16_t pair)
{
	return of_all + (uint64_t)pair * RING * VNIC_BUF_LEN;
}

static void use(uint16_t n)
{
	if (n == 1)
		use_one();
	else
		use_two();
}

static void host_send(const struct rss_frame *frame)
{
	static unsigned char bytes[TAP_HOST_HDR_LEN + FRAME_LEN];

	memcpy(bytes + TAP_HOST_HDR_LEN, frame->bytes, FRAME_LEN);
	must(tap_host_send(host, bytes, sizeof(bytes)),
	     "the tap's queue is full");
}

/* Makes a batch of chains available, each of @len bytes, @step bytes apart. */
static void add(struct ring_driver *drv, uint64_t gpa, uint64_t step,
		struct ring_piece piece)
{
	for (unsigned int i = 0; i < BATCH; i++) {
		piece.gpa = gpa + i * step;
		must(ring_driver_add(drv, &piece, 1, false) != RING_DRIVER_NONE,
		     "the ring is full");
	}
}

/* Shows them, and asks for an interrupt when the last one is used. */
static void show(struct ring_driver *drv)
{
	store_le16(guest_ram_at(drv->ram,
				drv->avail + vring_used_event(drv->size)),
		   (uint16_t)(drv->used_idx + BATCH - 1));
	(void)ring_driver_show(drv);
}

static void wait_for(struct ring_driver *drv)
{
	struct pollfd call = {.fd = drv->call_fd, .events = POLLIN};
	uint16_t head;
	uint32_t len;

	must(poll(&call, 1, 60000) == 1, "no interrupt");
	(void)ring_driver_take_irq(drv);
	for (unsigned int i = 0; i < BATCH; i++)
		must(ring_driver_collect(drv, &head, &len),
		     "a chain is missing");
}

/* The same frame goes out many times on each of @n pairs. */
static void transmit(uint16_t n)
{
	struct ring_piece packet = {.len = NET_VNET_HDR_LEN + FRAME_LEN};

	for (uint16_t pair = 0; pair < n; pair++)
		add(&vnic.tx[pair], buffers(vnic.tx_buf, pair), 0, packet);
	for (uint16_t pair = 0; pair < n; pair++)
		show(&vnic.tx[pair]);
	for (uint16_t pair = 0; pair < n; pair++)
		wait_for(&vnic.tx[pair]);
}

/* As many frames come in; they wait in the tap until there are buffers. */
static void receive(uint16_t n)
{
	struct ring_piece buffer = {.len = BUF_LEN, .write = true};

	for (uint16_t pair = 0; pair < n; pair++) {
		for (unsigned int i = 0; i < BATCH; i++)
			host_send(&frames[pair]);
		add(&vnic.rx[pair], buffers(vnic.rx_buf, pair), BUF_LEN,
		    buffer);
	}
	for (uint16_t pair = 0; pair < n; pair++)
		show(&vnic.rx[pair]);
	for (uint16_t pair = 0; pair < n; pair++)
		wait_for(&vnic.rx[pair]);
}

/* The frame is in the guest's memory once and for all. */
static void fill_transmit_buffers(void)
{
	for (uint16_t pair = 0; pair < PAIRS; pair++) {
		uint8_t *at =
			guest_ram_at(&vnic.ram, buffers(vnic.tx_buf, pair));

		memset(at, 0, NET_VNET_HDR_LEN);
		memcpy(at + NET_VNET_HDR_LEN, frames[pair].bytes, FRAME_LEN);
	}
}

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec ts;

	must(clock_gettime(clock, &ts) == 0, "clock_gettime");
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

static void nothing(void *arg)
{
	UNUSED(arg);
}

/* CPU time of all loops, when they have done what they had to. */
static uint64_t loops_ns(void)
{
	uint64_t sum = 0;
	clockid_t clock;

	for (size_t i = 0; i < PAIRS; i++) {
		loop_call(&vnic.threads[i]->loop, nothing, NULL);
		must(pthread_getcpuclockid(vnic.threads[i]->thread, &clock) ==
			     0,
		     "pthread_getcpuclockid");
		sum += clock_ns(clock);
	}
	return sum;
}

/* CPU time for a packet. */
static double sample(void (*batch)(uint16_t n), uint16_t n)
{
	uint64_t ns;

	use(n);
	batch(n);
	ns = loops_ns();
	for (unsigned int i = 0; i < BATCHES; i++)
		batch(n);
	ns = loops_ns() - ns;
	return (double)ns / (BATCHES * BATCH * (double)n);
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* What is measured: CPU time for a packet over @n pairs, the best of each
 * round. */
struct figure {
	const char *name;
	double (*take)(uint16_t n);
	double best[ROUNDS][PAIRS];
};

/* Samples take turns. */
static void measure(struct figure *f, int round)
{
	double *best = f->best[round];

	for (uint16_t n = 1; n <= PAIRS; n++)
		best[n - 1] = f->take(n);
	for (int i = 1; i < SAMPLES; i++) {
		for (uint16_t n = 1; n <= PAIRS; n++)
			best[n - 1] = MIN(best[n - 1], f->take(n));
	}
}

/* Prints the median of the rounds' ratios, of the sum of @n_figures figures. */
static double show_ratio(const char *name, const struct figure *figures,
			 size_t n_figures)
{
	double ratios[ROUNDS], one = 0, two = 0;

	for (int round = 0; round < ROUNDS; round++) {
		one = 0;
		two = 0;
		for (size_t i = 0; i < n_figures; i++) {
			one += figures[i].best[round][0];
			two += figures[i].best[round][1];
		}
		ratios[round] = two / one;
	}
	qsort(ratios, ROUNDS, sizeof(ratios[0]), compare);
	(void)printf("%-10s %.3f x (%.3f..%.3f), at last %.0f against %.0f "
		     "ns\n",
		     name, ratios[ROUNDS / 2], ratios[0], ratios[ROUNDS - 1],
		     two, one);
	return ratios[ROUNDS / 2];
}

/* A thread that writes to a queue of the same tap, and nothing else. */
struct writer {
	pthread_t thread;
	int fd;
	const struct rss_frame *frame;
	uint64_t ns;
};

static struct writer writers[PAIRS];

static void *write_frames(void *arg)
{
	struct writer *w = arg;
	uint8_t hdr[NET_VNET_HDR_LEN] = {0};
	const struct iovec iov[] = {
		{hdr, sizeof(hdr)},
		{(void *)(uintptr_t)w->frame->bytes, FRAME_LEN},
	};

	w->ns = clock_ns(CLOCK_THREAD_CPUTIME_ID);
	for (unsigned int i = 0; i < BATCHES * BATCH; i++)
		must(writev(w->fd, iov, 2) > 0, "writev");
	w->ns = clock_ns(CLOCK_THREAD_CPUTIME_ID) - w->ns;
	return NULL;
}

/* CPU time for a packet of the bare writers. */
static double sample_bare(uint16_t n)
{
	uint64_t ns = 0;

	use(n);
	for (uint16_t i = 0; i < n; i++) {
		writers[i].frame = &frames[i];
		must(pthread_create(&writers[i].thread, NULL, write_frames,
				    &writers[i]) == 0,
		     "pthread_create");
	}
	for (uint16_t i = 0; i < n; i++) {
		(void)pthread_join(writers[i].thread, NULL);
		ns += writers[i].ns;
	}
	return (double)ns / (BATCHES * BATCH * (double)n);
}

static double sample_transmit(uint16_t n)
{
	return sample(transmit, n);
}

static double sample_receive(uint16_t n)
{
	return sample(receive, n);
}

enum {
	TX,
	RX,
	BARE, /* those before are ours */
};

static struct figure figures[] = {
	[TX] = {.name = "mq.tx", .take = sample_transmit},
	[RX] = {.name = "mq.rx", .take = sample_receive},
	[BARE] = {.name = "bare tx", .take = sample_bare},
};

int main(void)
{
	int fds[PAIRS];
	struct tap_config config = {.fds = fds, .n_fds = PAIRS};
	const char *why = tap_host_enter();
	struct net_endpoint *tap;
	struct tap_error err;
	double ratio;

	if (why) {
		(void)fprintf(stderr, "bench_mq: %s\n", why);
		return 77;
	}
	vnic_init(&vnic);
	for (size_t i = 0; i < PAIRS; i++) {
		writers[i].fd = tap_host_open("mq0", MQ_FLAGS);
		fds[i] = fcntl(writers[i].fd, F_DUPFD_CLOEXEC, 0);
	}
	config.link_fd = tap_netlink_open();
	tap_host_set_up("mq0", true);
	must(tap_endpoint_create(&config, &vnic.loop, &err, &tap) == 0,
	     err.text);
	vnic_plug(&vnic, tap, PAIRS, RING, true);
	must(vnic_start(&vnic, FEATURES) == 0, "the device does not start");
	use_two();
	fill_transmit_buffers();
	for (int round = 0; round < ROUNDS; round++) {
		measure(&figures[TX], round);
		measure(&figures[BARE], round);
		/* It would get what is transmitted. */
		host = tap_host_socket("mq0");
		measure(&figures[RX], round);
		close_fd(&host);
	}
	vnic_unplug(&vnic);
	net_endpoint_destroy(tap);
	vnic_fini(&vnic);
	for (size_t i = 0; i < PAIRS; i++)
		close_fd(&writers[i].fd);
	for (size_t i = 0; i < ARRAY_SIZE(figures); i++)
		(void)show_ratio(figures[i].name, &figures[i], 1);
	ratio = show_ratio("out and in", figures, BARE);
	(void)printf("result: mq.cpu %.3f x\n", ratio);
	return EXIT_SUCCESS;
}
