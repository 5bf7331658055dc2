/* SPDX-License-Identifier: MIT */
/*
 * bench_wrappers: what the wrappers of an endpoint cost, under a virtio-net
 * device with a driver in the same process that sends bursts of 32 packets.
 *
 * wrappers.instr: instructions for a packet with disconnectable and a capture
 * that is off around null, as a ratio to bare null. They are counted one by one,
 * so the figure does not depend on what else the machine does. The goal is at
 * most 1.03. The other lines show each wrapper by itself.
 *
 * wrappers.capture_ns: CPU time for a packet of a capture that is on, with a
 * snaplen of 128, beyond one that is off, less what it takes to copy as many
 * bytes out of guest memory. The goal is at most 60. Samples with and without
 * take turns; the figure is the median of their differences.
 */
#include "step_count.h"

#include "backends/capture.h"
#include "backends/disconnectable.h"
#include "backends/limiter.h"
#include "backends/null.h"
#include "support/vnic.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BURST	  32
#define RING	  256
#define WARM_UP	  64
#define COUNTED	  4
#define FRAME_LEN 1514
#define SNAPLEN	  128

/* A sample is short, so that most are undisturbed; TURNS fill the ring twice. */
#define SAMPLES	      301
#define SAMPLE_BURSTS 16
#define TURNS	      100
/* Bytes of the ring for a frame, about. */
#define RECORD 192

#define FEATURES                                                            \
	(VIRTIO_F_VERSION_1 | VIRTIO_F_EVENT_IDX | VIRTIO_F_INDIRECT_DESC | \
	 VIRTIO_NET_F_MRG_RXBUF | VIRTIO_NET_F_CSUM | VIRTIO_NET_F_HOST_TSO4)

/* A guest, and the outermost of its endpoints. */
struct side {
	struct vnic vnic;
	struct net_endpoint *outer;
};

static struct side plain, captured;
static unsigned char frame[FRAME_LEN];

static void must(bool ok, const char *what)
{
	if (ok)
		return;
	(void)fprintf(stderr, "bench_wrappers: %s\n", what);
	exit(EXIT_FAILURE);
}

struct stack {
	const char *name;
	bool disconnectable, limiter, capture;
};

static struct net_endpoint *open_stack(const struct stack *stack,
				       struct loop *loop)
{
	const struct limiter_config no_limits = {0};
	struct net_endpoint *ep;

	must(null_endpoint_create(loop, &ep) == 0, "null");
	if (stack->disconnectable)
		must(disconnectable_create(loop, ep, &ep) == 0,
		     "disconnectable");
	if (stack->limiter)
		must(limiter_endpoint_create(ep, &no_limits, loop, &ep) == 0,
		     "limiter");
	if (stack->capture)
		must(capture_endpoint_create(loop, "nic0", ep, NULL, NULL,
					     &ep) == 0,
		     "capture");
	return ep;
}

static void start(struct side *side, const struct stack *stack)
{
	vnic_init(&side->vnic);
	side->outer = open_stack(stack, &side->vnic.loop);
	vnic_plug(&side->vnic, side->outer, 1, RING, false);
	must(vnic_start(&side->vnic, FEATURES) == 0,
	     "the device does not start");
	vnic_run(&side->vnic);
}

static void end(struct side *side)
{
	vnic_unplug(&side->vnic);
	net_endpoint_destroy(side->outer);
	vnic_fini(&side->vnic);
}

/* The driver's part: the burst before is collected, another is made and shown,
 * which kicks the device. */
static void put_burst(struct side *side)
{
	for (unsigned int i = 0; i < BURST; i++)
		(void)vnic_queue(&side->vnic, NULL, frame, FRAME_LEN, 0);
	must(ring_driver_show(&side->vnic.tx[0]), "no kick was wanted");
}

/* The device's part: one round of its loop. */
static void run_burst(struct side *side)
{
	loop_run_once(&side->vnic.loop);
}

static void take_burst(struct side *side)
{
	must(vnic_reap(&side->vnic) == BURST, "a burst was not sent at once");
}

static void send_bursts(struct side *side, unsigned int n)
{
	while (n--) {
		put_burst(side);
		run_burst(side);
		take_burst(side);
	}
}

static void count_body(void *arg)
{
	struct side *side = &plain;

	start(side, arg);
	send_bursts(side, WARM_UP);
	for (unsigned int i = 0; i < COUNTED; i++) {
		put_burst(side);
		step_begin();
		run_burst(side);
		step_end();
		take_burst(side);
	}
}

static double count(const struct stack *stack)
{
	uint64_t n;
	int err = step_count(count_body, (void *)(uintptr_t)stack, &n);

	must(err == 0, "instructions cannot be counted (ptrace)");
	return (double)n / (COUNTED * BURST);
}

static double count_all(void)
{
	static const struct stack stacks[] = {
		{"null", false, false, false},
		{"disconnectable", true, false, false},
		{"limiter, off", false, true, false},
		{"capture, off", false, false, true},
		{"all three", true, true, true},
		{"the first and last", true, false, true},
	};
	double bare = 0, n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(stacks); i++) {
		n = count(&stacks[i]);
		if (!i)
			bare = n;
		(void)printf("%-20s %.1f instructions a packet, %.4f x\n",
			     stacks[i].name, n, n / bare);
		(void)fflush(stdout);
	}
	return n / bare;
}

static uint64_t cpu_ns(void)
{
	struct timespec ts;

	must(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts) == 0, "clock");
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

/* CPU time of the device for a packet. */
static double time_bursts(struct side *side)
{
	uint64_t sum = 0;

	for (unsigned int i = 0; i < SAMPLE_BURSTS; i++) {
		put_burst(side);
		sum -= cpu_ns();
		run_burst(side);
		sum += cpu_ns();
		take_burst(side);
	}
	return (double)sum / (SAMPLE_BURSTS * BURST);
}

/* CPU time to copy what a capture keeps of a packet, from where the packets are
 * to memory that is as large as the capture's and used as that is. */
static double time_copy(struct side *side)
{
	static unsigned char to[CAPTURE_RING_DEFAULT];
	static size_t at;
	uint64_t sum = 0, before;

	for (unsigned int i = 0; i < SAMPLE_BURSTS * BURST; i += BURST) {
		before = cpu_ns();
		sum -= cpu_ns() - before; /* reading the clock costs too */
		sum -= cpu_ns();
		for (unsigned int k = i; k < i + BURST; k++) {
			uint64_t gpa = side->vnic.tx_buf +
				       (uint64_t)k % RING * VNIC_BUF_LEN;

			memcpy(to + at, guest_ram_at(&side->vnic.ram, gpa),
			       SNAPLEN);
			at = (at + RECORD) % sizeof(to);
		}
		sum += cpu_ns();
	}
	__asm__ volatile("" : : "r"(to) : "memory");
	return (double)sum / (SAMPLE_BURSTS * BURST);
}

/* Gives the capture's thread time to write what the ring holds. */
static void let_it_write(struct side *side)
{
	const struct timespec nap = {.tv_nsec = 1000000};
	struct capture_state state;
	uint64_t before;

	capture_query(side->outer, &state);
	do {
		before = state.written;
		(void)nanosleep(&nap, NULL);
		loop_run_once(&side->vnic.loop);
		capture_query(side->outer, &state);
	} while (state.written != before);
	must(!state.drops, "the capture has lost packets");
}

static void start_capture(struct side *side)
{
	struct capture_config config = {
		.fd = open("/dev/null", O_WRONLY | O_CLOEXEC),
		.rotator = -1,
		.snaplen = SNAPLEN,
		.queues = CAPTURE_ALL_QUEUES,
	};
	struct capture_error error;

	must(config.fd >= 0, "/dev/null");
	must(capture_start(side->outer, &config, &error) == 0, error.text);
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *values)
{
	qsort(values, SAMPLES, sizeof(*values), compare);
	return values[SAMPLES / 2];
}

/* Two devices, one of them captured from, take turns. */
static double time_capture(void)
{
	static const struct stack stack = {"both", true, false, true};
	static double off[SAMPLES], on[SAMPLES], copy[SAMPLES], extra[SAMPLES];
	struct capture_state state;
	double ns;

	start(&plain, &stack);
	start(&captured, &stack);
	start_capture(&captured);
	for (int i = -TURNS; i < SAMPLES; i++) {
		int at = MAX(i, 0);

		off[at] = time_bursts(&plain);
		on[at] = time_bursts(&captured);
		copy[at] = time_copy(&captured);
		extra[at] = on[at] - off[at] - copy[at];
		let_it_write(&captured);
	}
	capture_query(captured.outer, &state);
	must(state.packets == (SAMPLES + TURNS) * SAMPLE_BURSTS * BURST,
	     "the capture does not have all packets");
	ns = median(extra);
	(void)printf("capture, on          %.1f ns a packet beyond the copy "
		     "(%.1f..%.1f in half of the samples): %.1f against %.1f, "
		     "copy %.1f\n",
		     ns, extra[SAMPLES / 4], extra[SAMPLES - SAMPLES / 4],
		     median(on), median(off), median(copy));
	end(&plain);
	end(&captured);
	return ns;
}

int main(void)
{
	double instr, ns;

	instr = count_all();
	ns = time_capture();
	(void)printf("result: wrappers.instr %.4f x\n", instr);
	(void)printf("result: wrappers.capture_ns %.1f ns\n", ns);
	return EXIT_SUCCESS;
}
