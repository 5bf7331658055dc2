/* SPDX-License-Identifier: MIT */
/*
 * One batch of the tap benchmark, bare and through evnic.
 */
#include "tap_run.h"

#include "base/bytes.h"
#include "net/vnet_hdr.h"
#include "support/tap_host.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

#define IPV4_TYPE  0x0800
#define TCP_HDRS   (14 + 20 + 20)
#define MSS	   1448
#define ROUNDS_MAX 100000

void tap_run_fail(const char *what)
{
	(void)fprintf(stderr, "bench_tap: %s\n", what);
	exit(EXIT_FAILURE);
}

void tap_run_pin(void)
{
	cpu_set_t set;
	int cpu = sched_getcpu();

	if (cpu < 0)
		return;
	CPU_ZERO(&set);
	CPU_SET((unsigned int)cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set) < 0)
		tap_run_fail("sched_setaffinity");
}

uint64_t tap_run_slot(const struct tap_run *run, uint32_t i)
{
	uint64_t base =
		run->what->transmit ? run->vnic.tx_buf : run->vnic.rx_buf;

	return base + (uint64_t)i * VNIC_BUF_LEN;
}

/* Header and frame, NET_VNET_HDR_LEN + what->frame bytes. */
static void make_frame(const struct tap_case *what, unsigned char *to)
{
	unsigned char *eth = to + NET_VNET_HDR_LEN;

	memset(to, 0, NET_VNET_HDR_LEN + what->frame);
	memset(eth, 0xff, 6);
	memset(eth + 6, 0x02, 6);
	store_be16(eth + 12, TAP_HOST_ETHERTYPE);
	if (!what->gso)
		return;
	store_be16(eth + 12, IPV4_TYPE);
	eth[14] = 0x45;
	store_be16(eth + 16, (uint16_t)(what->frame - 14));
	eth[22] = 64;
	eth[23] = 6;
	store_be32(eth + 26, 0x0a000001);
	store_be32(eth + 30, 0x0a000002);
	eth[46] = 5 << 4;
	eth[47] = 0x10;
	to[0] = VNET_HDR_F_NEEDS_CSUM;
	to[1] = VNET_HDR_GSO_TCPV4;
	store_le16(to + 2, TCP_HDRS);
	store_le16(to + 4, MSS);
	store_le16(to + 6, 34);
	store_le16(to + 8, 16);
}

void tap_run_feed(struct tap_run *run)
{
	static unsigned char buf[NET_VNET_HDR_LEN + NET_FRAME_MAX];
	const size_t skip = NET_VNET_HDR_LEN - TAP_HOST_HDR_LEN;

	/* The packet socket's header is the first 10 bytes of ours. */
	make_frame(run->what, buf);
	memmove(buf + skip, buf, TAP_HOST_HDR_LEN);
	for (uint32_t i = 0; i < run->batch; i++) {
		if (!tap_host_send(run->host, buf + skip,
				   TAP_HOST_HDR_LEN + run->what->frame))
			tap_run_fail("the tap's queue is full");
	}
}

/* How a packet is cut: piece @i of it, 0 if there is none. */
static uint32_t piece_len(const struct tap_case *what, uint32_t i)
{
	size_t total = NET_VNET_HDR_LEN + what->frame;
	size_t at = i ? what->first + (size_t)(i - 1) * what->piece : 0;
	size_t len = i ? what->piece : what->first;

	return at < total ? (uint32_t)MIN(len, total - at) : 0;
}

static void init_transmit(struct tap_run *run)
{
	const struct tap_case *what = run->what;
	uint32_t n = 0;

	while (piece_len(what, n))
		n++;
	run->n_iov = n;
	run->batch = what->ring;
	run->iov = calloc((size_t)n * what->ring, sizeof(*run->iov));
	if (!run->iov)
		tap_run_fail("out of memory");
	for (uint32_t slot = 0; slot < what->ring; slot++) {
		unsigned char *at =
			run->vnic.ram.view +
			(tap_run_slot(run, slot) - run->vnic.ram.base);

		make_frame(what, at);
		for (uint32_t i = 0; i < n; i++) {
			uint32_t len = piece_len(what, i);

			run->iov[slot * n + i] = (struct iovec){at, len};
			at += len;
		}
	}
}

static void init_receive(struct tap_run *run)
{
	const struct tap_case *what = run->what;
	uint32_t total = (uint32_t)(NET_VNET_HDR_LEN + what->frame);

	run->span = (total + what->buf_len - 1) / what->buf_len;
	run->batch = what->ring / run->span;
	/* As many as the longest frame needs. */
	run->n_iov = what->mergeable ? (NET_VNET_HDR_LEN + NET_FRAME_MAX +
					what->buf_len - 1) /
					       what->buf_len
				     : 1;
	run->iov = calloc(2 * (size_t)what->ring, sizeof(*run->iov));
	if (!run->iov)
		tap_run_fail("out of memory");
	for (uint32_t i = 0; i < 2U * what->ring; i++) {
		uint64_t gpa = tap_run_slot(run, i % what->ring);

		run->iov[i].iov_base =
			run->vnic.ram.view + (gpa - run->vnic.ram.base);
		run->iov[i].iov_len = what->buf_len;
	}
}

static void add_packet(struct tap_run *run)
{
	struct ring_piece *pieces = run->vnic.pieces;
	struct ring_driver *drv = &run->vnic.tx[0];
	uint64_t gpa = tap_run_slot(run, run->next);

	for (uint32_t i = 0; i < run->n_iov; i++) {
		uint32_t len = piece_len(run->what, i);

		pieces[i] = (struct ring_piece){.gpa = gpa, .len = len};
		gpa += len;
	}
	if (ring_driver_add(drv, pieces, (uint16_t)run->n_iov,
			    run->n_iov > 1) == RING_DRIVER_NONE)
		tap_run_fail("the transmit ring is full");
	run->next = (run->next + 1) % run->what->ring;
}

static void add_buffer(struct tap_run *run)
{
	struct ring_piece piece = {
		.gpa = tap_run_slot(run, run->next),
		.len = run->what->buf_len,
		.write = true,
	};

	if (ring_driver_add(&run->vnic.rx[0], &piece, 1, false) ==
	    RING_DRIVER_NONE)
		tap_run_fail("the receive ring is full");
	run->next = (run->next + 1) % run->what->ring;
}

void tap_run_init(struct tap_run *run)
{
	struct ring_driver *drv =
		run->what->transmit ? &run->vnic.tx[0] : &run->vnic.rx[0];

	run->bare_next = 0;
	run->next = 0;
	ring_driver_disable_irq(drv);
	if (run->what->transmit) {
		init_transmit(run);
		return;
	}
	init_receive(run);
	for (uint16_t i = 0; i < run->what->ring; i++)
		add_buffer(run);
	(void)ring_driver_show(drv);
	vnic_run(&run->vnic);
}

void tap_run_fini(struct tap_run *run)
{
	free(run->iov);
	run->iov = NULL;
}

static void bare_transmit(struct tap_run *run)
{
	const struct iovec *iov = run->iov;

	for (uint32_t i = 0; i < run->batch; i++, iov += run->n_iov) {
		if (writev(run->fd, iov, (int)run->n_iov) < 0)
			tap_run_fail("bare writev");
	}
}

/* As evnic does, a read gets what is left when the batch's buffers run out. */
static void bare_receive(struct tap_run *run)
{
	uint32_t left = run->what->ring;

	for (uint32_t i = 0; i < run->batch; i++, left -= run->span) {
		ssize_t n = readv(run->fd, &run->iov[run->bare_next],
				  (int)MIN(run->n_iov, left));

		if (n != (ssize_t)(NET_VNET_HDR_LEN + run->what->frame))
			tap_run_fail("bare readv");
		run->bare_next = (run->bare_next + run->span) % run->what->ring;
	}
}

void tap_run_bare(struct tap_run *run, struct tap_cost *cost)
{
	tap_count_begin(cost);
	if (run->what->transmit)
		bare_transmit(run);
	else
		bare_receive(run);
	tap_count_end(cost);
	cost->packets += run->batch;
}

/* Runs the loop until the device has used @n chains, and once more, for it to
 * go to sleep. */
static void run_until_used(struct tap_run *run, struct ring_driver *drv,
			   uint32_t n)
{
	uint16_t end = (uint16_t)(drv->used_idx + n);
	int rounds = 0;

	do {
		loop_run_once(&run->vnic.loop);
		if (++rounds > ROUNDS_MAX)
			tap_run_fail("nothing moves");
	} while (ring_driver_device_idx(drv) != end);
	loop_run_once(&run->vnic.loop);
}

static void collect(struct ring_driver *drv, uint32_t n)
{
	uint16_t head;
	uint32_t len;

	while (n--) {
		if (!ring_driver_collect(drv, &head, &len))
			tap_run_fail("a used chain is missing");
	}
	ring_driver_disable_irq(drv);
}

void tap_run_evnic(struct tap_run *run, struct tap_cost *cost)
{
	struct ring_driver *drv =
		run->what->transmit ? &run->vnic.tx[0] : &run->vnic.rx[0];
	uint32_t chains =
		run->what->transmit ? run->batch : run->batch * run->span;

	if (run->what->transmit) {
		for (uint32_t i = 0; i < run->batch; i++)
			add_packet(run);
		(void)ring_driver_show(drv);
	}
	tap_count_begin(cost);
	run_until_used(run, drv, chains);
	tap_count_end(cost);
	cost->packets += run->batch;
	collect(drv, chains);
	if (!run->what->transmit) {
		for (uint32_t i = 0; i < chains; i++)
			add_buffer(run);
		(void)ring_driver_show(drv);
	}
}
