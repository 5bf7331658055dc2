/* SPDX-License-Identifier: MIT */
/*
 * bench_sandbox: what confinement costs on the data path.
 *
 * Two machines' processes, each with a tap and a guest of its own in it, move
 * the frames of bench_tap. Both are confined; one has the control thread's and
 * the queue thread's seccomp filters, the other none. They take turns batch by
 * batch, and never run at once.
 *
 * sandbox.ratio: CPU time for a packet of each of the six kinds, all together,
 * with seccomp as a ratio to that without. The goal is at most 1.02.
 * sandbox.ratio_small: the same for frames of 64 bytes, the worse direction:
 * there it shows most what the kernel takes at each system call of a thread that
 * has a filter at all, be it one that allows everything.
 * For each kind there are rounds, each with two new processes: where their memory
 * lies makes a difference of a few percent that has nothing to do with it. The
 * ratio is the median of the rounds'.
 * sandbox.calls_queue, sandbox.calls_process: how many system calls a queue
 * thread and the whole machine may use; at most 30 and 60.
 */
#include "tap_run.h"

#include "backends/tap.h"
#include "backends/tap_netlink.h"
#include "sandbox/sandbox.h"
#include "support/tap_host.h"

#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define ROUNDS	      11
#define WARM_UP_NS    5000000
#define SAMPLE_NS     40000000
#define SMALL_FRAME   64
#define GSO_FRAME     65214
#define PAGE	      4096
#define MERGEABLE_BUF 1536
#define WHOLE_PACKET  (NET_VNET_HDR_LEN + NET_FRAME_MAX)

#define FEATURES                                                      \
	(VIRTIO_F_VERSION_1 | VIRTIO_F_EVENT_IDX | VIRTIO_NET_F_MAC | \
	 VIRTIO_F_INDIRECT_DESC | VIRTIO_NET_F_CSUM |                 \
	 VIRTIO_NET_F_GUEST_CSUM | VIRTIO_NET_F_HOST_TSO4 |           \
	 VIRTIO_NET_F_HOST_TSO6 | VIRTIO_NET_F_GUEST_TSO4 |           \
	 VIRTIO_NET_F_GUEST_TSO6 | VIRTIO_NET_F_MRG_RXBUF)

#define TX .transmit = true
#define RX .transmit = false

/* As the results of bench_tap are. */
static const struct tap_case cases[] = {
	{"transmit 64", TX, .frame = SMALL_FRAME, .ring = 256,
	 .first = WHOLE_PACKET, .mergeable = true},
	{"transmit 1500", TX, .frame = 1514, .ring = 256, .first = WHOLE_PACKET,
	 .mergeable = true},
	{"transmit 64K", TX, .frame = GSO_FRAME, .gso = true, .ring = 256,
	 .first = 66, .piece = PAGE, .mergeable = true},
	{"receive 64", RX, .frame = SMALL_FRAME, .ring = 256,
	 .buf_len = MERGEABLE_BUF, .mergeable = true},
	{"receive 1500", RX, .frame = 1514, .ring = 256,
	 .buf_len = MERGEABLE_BUF, .mergeable = true},
	{"receive 64K", RX, .frame = GSO_FRAME, .gso = true, .ring = 1024,
	 .buf_len = PAGE, .mergeable = true},
};

/* What a machine's process is told: another batch, or the end. */
#define GO   "b"
#define QUIT "q"

/* A machine's process. @go: one of these at a time; @done: what it cost. @run: in
 * the process itself; here its host and batch are used to feed it. */
struct side {
	struct sandbox_config config;
	char tap[IFNAMSIZ];
	pid_t pid;
	int go[2], done[2];
	struct tap_run run;
};

static struct side off = {
	.config = {.seccomp = SANDBOX_SECCOMP_OFF, .uid = -1, .gid = -1},
	.tap = "tap0",
};
static struct side on = {
	.config = {.seccomp = SANDBOX_SECCOMP_ON, .uid = -1, .gid = -1},
	.tap = "tap1",
};

static void must(bool ok, const char *what)
{
	if (!ok)
		tap_run_fail(what);
}

static void *queue_main(void *arg)
{
	struct side *side = arg;
	char byte;

	thread_begin(THREAD_QUEUE, "queue");
	while (read(side->go[0], &byte, 1) == 1 && byte == *GO) {
		struct tap_cost cost = {0};

		tap_run_evnic(&side->run, &cost);
		must(write(side->done[1], &cost, sizeof(cost)) == sizeof(cost),
		     "write");
	}
	return NULL;
}

/* A guest with its device on the tap that @fd is. */
static void plug(struct side *side, int fd)
{
	const struct tap_config config = {
		.fds = &fd, .n_fds = 1, .link_fd = tap_netlink_open()};
	struct net_endpoint *endpoint;
	struct tap_error err;

	vnic_init(&side->run.vnic);
	if (tap_endpoint_create(&config, &side->run.vnic.loop, &err,
				&endpoint) < 0)
		tap_run_fail(err.text);
	vnic_plug(&side->run.vnic, endpoint, 1, side->run.what->ring, false);
	must(vnic_start(&side->run.vnic, FEATURES) == 0,
	     "the device does not start");
	tap_run_init(&side->run);
}

static _Noreturn void machine(struct side *side, struct sandbox_report *report,
			      int fd)
{
	const struct tap_cost none = {0};
	char error[512];
	pthread_t thread;

	close_fd(&side->go[1]);
	plug(side, fd);
	if (sandbox_enter(&side->config, report, error, sizeof(error)) < 0)
		tap_run_fail(error);
	/* Frames that come before would be segmented, or thrown away. */
	must(write(side->done[1], &none, sizeof(none)) == sizeof(none),
	     "write");
	must(pthread_create(&thread, NULL, queue_main, side) == 0 &&
		     pthread_join(thread, NULL) == 0,
	     "a thread");
	_exit(EXIT_SUCCESS);
}

/* Frames that fill the ring once. */
static uint32_t batch_of(const struct tap_case *what)
{
	size_t total = NET_VNET_HDR_LEN + what->frame;

	if (what->transmit)
		return what->ring;
	return what->ring /
	       (uint32_t)((total + what->buf_len - 1) / what->buf_len);
}

static void start(struct side *side, const struct tap_case *what)
{
	struct sandbox_report report;
	struct tap_cost none;
	int fd = tap_host_open(side->tap, IFF_TAP | IFF_NO_PI | IFF_VNET_HDR);

	must(fd >= 0 && pipe2(side->go, O_CLOEXEC) == 0 &&
		     pipe2(side->done, O_CLOEXEC) == 0,
	     "a tap and two pipes");
	tap_host_set_up(side->tap, true);
	side->run = (struct tap_run){
		.what = what,
		.fd = -1,
		.host = what->transmit ? -1 : tap_host_socket(side->tap),
		.batch = batch_of(what),
	};
	side->pid = sandbox_fork(&side->config, &report);
	must(side->pid >= 0, "sandbox_fork");
	if (side->pid == 0)
		machine(side, &report, fd);
	close_fd(&fd);
	close_fd(&side->go[0]);
	close_fd(&side->done[1]);
	must(read(side->done[0], &none, sizeof(none)) == sizeof(none),
	     "a machine has ended");
}

static void end(struct side *side)
{
	int status = -1;

	must(write(side->go[1], QUIT, 1) == 1 &&
		     waitpid(side->pid, &status, 0) == side->pid && status == 0,
	     "a machine has failed");
	close_fd(&side->go[1]);
	close_fd(&side->done[0]);
	close_fd(&side->run.host);
}

static void one_batch(struct side *side, struct tap_cost *sum)
{
	struct tap_cost cost;

	if (side->run.host >= 0)
		tap_run_feed(&side->run);
	must(write(side->go[1], GO, 1) == 1 &&
		     read(side->done[0], &cost, sizeof(cost)) == sizeof(cost),
	     "a machine has ended");
	sum->ns += cost.ns;
	sum->packets += cost.packets;
}

/* CPU time for a packet, in nanoseconds. */
struct times {
	double off, on;
};

static struct times sample(uint64_t ns)
{
	struct tap_cost a = {0}, b = {0};

	while (a.ns < ns || b.ns < ns) {
		one_batch(&off, &a);
		one_batch(&on, &b);
	}
	return (struct times){
		.off = (double)a.ns / (double)a.packets,
		.on = (double)b.ns / (double)b.packets,
	};
}

static struct times one_round(const struct tap_case *what)
{
	struct times t;

	start(&off, what);
	start(&on, what);
	(void)sample(WARM_UP_NS);
	t = sample(SAMPLE_NS);
	end(&off);
	end(&on);
	return t;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *values)
{
	qsort(values, ROUNDS, sizeof(*values), compare);
	return values[ROUNDS / 2];
}

static struct times measure(const struct tap_case *what)
{
	double ratios[ROUNDS], ns[ROUNDS];
	struct times t;

	for (int i = 0; i < ROUNDS; i++) {
		t = one_round(what);
		ratios[i] = t.on / t.off;
		ns[i] = t.off;
	}
	t.off = median(ns);
	t.on = t.off * median(ratios);
	(void)printf("%-13s %.3f x (%.3f..%.3f): %.0f ns a packet without\n",
		     what->name, t.on / t.off, ratios[0], ratios[ROUNDS - 1],
		     t.off);
	(void)fflush(stdout);
	return t;
}

int main(void)
{
	const char *why = tap_host_enter();
	struct times sum = {0}, t;
	double small = 0;

	if (why)
		tap_run_fail(why);
	(void)setpriority(PRIO_PROCESS, 0, -20);
	tap_run_pin();
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		t = measure(&cases[i]);
		sum.on += t.on;
		sum.off += t.off;
		if (cases[i].frame == SMALL_FRAME)
			small = MAX(small, t.on / t.off);
	}
	(void)printf("result: sandbox.ratio %.3f x\n", sum.on / sum.off);
	(void)printf("result: sandbox.ratio_small %.3f x\n", small);
	(void)printf("result: sandbox.calls_queue %zu calls\n",
		     sandbox_count_calls(THREAD_QUEUE, false));
	(void)printf("result: sandbox.calls_process %zu calls\n",
		     sandbox_count_calls(THREAD_KINDS, false));
	return EXIT_SUCCESS;
}
