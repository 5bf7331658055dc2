/* SPDX-License-Identifier: MIT */
/*
 * bench_tap: what the tap path costs beyond the system calls that it is made
 * of, as a ratio to a bare loop on the same tap (see tap_run.h).
 *
 * Batches of both sides take turns within a sample; a figure is the median of
 * the samples' ratios. The goal is at most 1.25. The tap lives in a network
 * namespace of the benchmark's own, where the host drops what it gets.
 *
 * The six results are of a guest as Linux is by default: all offloads, and
 * mergeable receive buffers that are as long as a usual packet, 1536 bytes to a
 * page. The other lines show other guests.
 */
#include "tap_run.h"

#include "backends/tap.h"
#include "backends/tap_netlink.h"
#include "support/tap_host.h"

#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#define SAMPLES	      15
#define SAMPLE_NS     15000000
#define WARM_UP	      3
#define GSO_FRAME     65214
#define PLAIN_BUF     1526
#define MERGEABLE_BUF 1536
#define PAGE	      4096
#define WHOLE_PACKET  (NET_VNET_HDR_LEN + NET_FRAME_MAX)

#define FEATURES_PLAIN                                                \
	(VIRTIO_F_VERSION_1 | VIRTIO_F_EVENT_IDX | VIRTIO_NET_F_MAC | \
	 VIRTIO_F_INDIRECT_DESC)
#define FEATURES_ALL                                                    \
	(FEATURES_PLAIN | VIRTIO_NET_F_CSUM | VIRTIO_NET_F_GUEST_CSUM | \
	 VIRTIO_NET_F_HOST_TSO4 | VIRTIO_NET_F_HOST_TSO6 |              \
	 VIRTIO_NET_F_GUEST_TSO4 | VIRTIO_NET_F_GUEST_TSO6 |            \
	 VIRTIO_NET_F_MRG_RXBUF)

#define TX .transmit = true
#define RX .transmit = false

/* The first n_results are results. */
static const struct tap_case cases[] = {
	{"tap.tx.64", TX, .frame = 64, .ring = 256, .first = WHOLE_PACKET,
	 .mergeable = true},
	{"tap.tx.1500", TX, .frame = 1514, .ring = 256, .first = WHOLE_PACKET,
	 .mergeable = true},
	{"tap.tx.gso", TX, .frame = GSO_FRAME, .gso = true, .ring = 256,
	 .first = 66, .piece = PAGE, .mergeable = true},
	{"tap.rx.64", RX, .frame = 64, .ring = 256, .buf_len = MERGEABLE_BUF,
	 .mergeable = true},
	{"tap.rx.1500", RX, .frame = 1514, .ring = 256,
	 .buf_len = MERGEABLE_BUF, .mergeable = true},
	{"tap.rx.gso", RX, .frame = GSO_FRAME, .gso = true, .ring = 1024,
	 .buf_len = PAGE, .mergeable = true},
	{"rx.64, one buffer", RX, .frame = 64, .ring = 256,
	 .buf_len = PLAIN_BUF},
	{"rx.1500, one buffer", RX, .frame = 1514, .ring = 256,
	 .buf_len = PLAIN_BUF},
	{"rx.gso, 43 buffers", RX, .frame = GSO_FRAME, .gso = true,
	 .ring = 1024, .buf_len = MERGEABLE_BUF, .mergeable = true},
	{"rx.gso, one buffer", RX, .frame = GSO_FRAME, .gso = true, .ring = 256,
	 .buf_len = WHOLE_PACKET, .mergeable = true},
};

static const size_t n_results = 6;

static double ratios[ARRAY_SIZE(cases)];

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

static double per_packet(uint64_t what, const struct tap_cost *cost)
{
	return (double)what / (double)cost->packets;
}

static void sample(struct tap_run *run, struct tap_cost *bare,
		   struct tap_cost *evnic)
{
	while (bare->ns < SAMPLE_NS || evnic->ns < SAMPLE_NS) {
		if (!run->what->transmit)
			tap_run_feed(run);
		tap_run_bare(run, bare);
		if (!run->what->transmit)
			tap_run_feed(run);
		tap_run_evnic(run, evnic);
	}
}

static double measure(struct tap_run *run)
{
	double all[SAMPLES], bare_ns[SAMPLES], ns[SAMPLES], ratio;
	struct tap_cost bare, evnic;
	uint64_t buffers;

	for (int i = -WARM_UP; i < SAMPLES; i++) {
		bare = (struct tap_cost){0};
		evnic = (struct tap_cost){0};
		sample(run, &bare, &evnic);
		if (i < 0)
			continue;
		bare_ns[i] = per_packet(bare.ns, &bare);
		ns[i] = per_packet(evnic.ns, &evnic);
		all[i] = ns[i] / bare_ns[i];
	}
	buffers = run->what->transmit ? run->n_iov : run->span;
	if (run->what->transmit && run->n_iov > 1)
		buffers++; /* the indirect table */
	ratio = median(all);
	(void)printf("%-20s %.3f x (%.3f..%.3f): %.0f against %.0f ns; "
		     "%.3f system calls (bare %.3f), %.3f allocations a "
		     "packet; %.3f translations a buffer\n",
		     run->what->name, ratio, all[0], all[SAMPLES - 1],
		     median(ns), median(bare_ns),
		     per_packet(evnic.syscalls, &evnic),
		     per_packet(bare.syscalls, &bare),
		     per_packet(evnic.allocations, &evnic),
		     per_packet(evnic.translations, &evnic) / (double)buffers);
	(void)fflush(stdout);
	return ratio;
}

static double run_case(const struct tap_case *what)
{
	static struct tap_run run;
	int fd;
	const struct tap_config config = {
		.fds = &fd, .n_fds = 1, .link_fd = tap_netlink_open()};
	struct net_endpoint *endpoint;
	struct tap_error err;
	double ratio;

	run = (struct tap_run){.what = what};
	run.fd = tap_host_open("tap0", IFF_TAP | IFF_NO_PI | IFF_VNET_HDR);
	tap_host_set_up("tap0", true);
	/* It would get what is transmitted. */
	run.host = what->transmit ? -1 : tap_host_socket("tap0");
	fd = fcntl(run.fd, F_DUPFD_CLOEXEC, 0);
	vnic_init(&run.vnic);
	if (tap_endpoint_create(&config, &run.vnic.loop, &err, &endpoint) < 0)
		tap_run_fail(err.text);
	vnic_plug(&run.vnic, endpoint, 1, what->ring, false);
	if (vnic_start(&run.vnic,
		       what->mergeable ? FEATURES_ALL : FEATURES_PLAIN) < 0)
		tap_run_fail("the device does not start");
	tap_run_init(&run);
	ratio = measure(&run);
	tap_run_fini(&run);
	vnic_unplug(&run.vnic);
	net_endpoint_destroy(endpoint);
	vnic_fini(&run.vnic);
	close_fd(&run.host);
	close_fd(&run.fd);
	return ratio;
}

/* With a name only that case. */
int main(int argc, char **argv)
{
	const char *why = tap_host_enter();

	if (why)
		tap_run_fail(why);
	(void)setpriority(PRIO_PROCESS, 0, -20);
	tap_run_pin();
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		if (argc < 2 || !strcmp(argv[1], cases[i].name))
			ratios[i] = run_case(&cases[i]);
	}
	for (size_t i = 0; i < n_results && argc < 2; i++)
		(void)printf("result: %s %.3f x\n", cases[i].name, ratios[i]);
	return EXIT_SUCCESS;
}
