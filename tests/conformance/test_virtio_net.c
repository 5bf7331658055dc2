/* SPDX-License-Identifier: MIT */
/*
 * virtio-net with an honest driver: packets both ways over the loopback
 * backend, with every ring feature on and off, on one thread and on two; bursts
 * and what they cost in publishes, interrupts and kicks.
 */
#include "backends/loopback.h"
#include "backends/null.h"
#include "support/run.h"
#include "support/vnic.h"

#include <check.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#define RINGS (VIRTIO_F_EVENT_IDX | VIRTIO_F_INDIRECT_DESC)
#define SIZE  256

static struct vnic vnic;
static struct net_endpoint *endpoint;
static uint8_t hdr[VNIC_HDR_LEN];
static unsigned char out[VNIC_BUF_LEN], in[VNIC_BUF_LEN];

/* One of the sixteen ways to run: three features and the threads. */
static uint64_t features_of(int i)
{
	return VIRTIO_F_VERSION_1 | (i & 1 ? VIRTIO_F_EVENT_IDX : 0) |
	       (i & 2 ? VIRTIO_F_INDIRECT_DESC : 0) |
	       (i & 4 ? VIRTIO_NET_F_MRG_RXBUF : 0);
}

static bool threads_of(int i)
{
	return (i & 8) != 0;
}

static void setup(void)
{
	vnic_init(&vnic);
	for (size_t i = 0; i < sizeof(out); i++)
		out[i] = (unsigned char)(i * 7 + (i >> 8));
	/* Neither a VLAN tag nor IPv6. */
	out[12] = 0x08;
	out[13] = 0x00;
}

static void teardown(void)
{
	vnic_unplug(&vnic);
	net_endpoint_destroy(endpoint);
	vnic_fini(&vnic);
}

static void with_loopback(int i)
{
	ck_assert_int_eq(loopback_endpoint_create(&vnic.loop, &endpoint), 0);
	vnic_plug(&vnic, endpoint, 1, SIZE, threads_of(i));
	ck_assert_int_eq(vnic_start(&vnic, features_of(i)), 0);
}

static bool has_received(void *arg)
{
	struct ring_driver *drv = arg;

	return ring_driver_device_idx(drv) != drv->used_idx;
}

/* The next packet, once it is here. */
static ssize_t receive(unsigned int *n_bufs)
{
	ck_assert(vnic_run_until(&vnic, has_received, &vnic.rx[0]));
	return vnic_receive(&vnic, hdr, in, sizeof(in), n_bufs);
}

static bool all_reaped(void *arg)
{
	return ring_driver_device_idx(&vnic.tx[0]) == *(uint16_t *)arg;
}

START_TEST(frames_come_back)
{
	static const size_t lens[] = {14, 60, 61, 1514, 9014, 65549};

	with_loopback(_i);
	vnic_post(&vnic, 8, 66000, 0);
	for (size_t k = 0; k < ARRAY_SIZE(lens); k++) {
		static const uint8_t zero[VNIC_HDR_LEN - 2];
		unsigned int n;

		vnic_send(&vnic, NULL, out, lens[k], 0);
		ck_assert_int_eq(receive(&n), (ssize_t)lens[k]);
		ck_assert_mem_eq(in, out, lens[k]);
		ck_assert_mem_eq(hdr, zero, sizeof(zero));
		ck_assert_uint_eq(n, 1);
	}
	ck_assert_uint_eq(vnic_reap(&vnic), ARRAY_SIZE(lens));
}
END_TEST

/* Every cut of the transmit chain, down to single bytes. */
START_TEST(chains_of_any_shape)
{
	with_loopback(_i);
	vnic_post(&vnic, 2, 112, 100);
	for (uint32_t piece = 1; piece < 130; piece++) {
		vnic_send(&vnic, NULL, out, 100, piece);
		ck_assert_int_eq(receive(NULL), 100);
		ck_assert_mem_eq(in, out, 100);
		ck_assert_uint_eq(vnic_reap(&vnic), 1);
		vnic_post(&vnic, 1, 112, piece);
	}
}
END_TEST

START_TEST(frames_span_buffers)
{
	unsigned int n;

	with_loopback(_i);
	vnic_post(&vnic, 64, 1536, 0);
	vnic_send(&vnic, NULL, out, 65000, 0);
	vnic_send(&vnic, NULL, out + 1, 100, 0);
	if (vnic.features & VIRTIO_NET_F_MRG_RXBUF) {
		ck_assert_int_eq(receive(&n), 65000);
		ck_assert_mem_eq(in, out, 65000);
		ck_assert_uint_eq(n, (65000 + 12 + 1535) / 1536);
	}
	/* Without mergeable buffers the first is dropped. */
	ck_assert_int_eq(receive(&n), 100);
	ck_assert_mem_eq(in, out + 1, 100);
	ck_assert_uint_eq(n, 1);
}
END_TEST

/* 13-byte buffers: one byte of frame in the first, 13 in the others. */
START_TEST(tiny_buffers)
{
	unsigned int n;

	with_loopback(_i);
	vnic_post(&vnic, 200, 13, _i & 2 ? 4 : 0);
	vnic_send(&vnic, NULL, out, 1500, 0);
	if (vnic.features & VIRTIO_NET_F_MRG_RXBUF) {
		ck_assert_int_eq(receive(&n), 1500);
		ck_assert_mem_eq(in, out, 1500);
		ck_assert_uint_eq(n, (1500 + 12 + 12) / 13);
	} else {
		uint16_t one = 1;

		/* Dropped, and the buffers stay. */
		ck_assert(vnic_run_until(&vnic, all_reaped, &one));
		vnic_run(&vnic);
		ck_assert_int_eq(vnic_receive(&vnic, hdr, in, sizeof(in), &n),
				 -EAGAIN);
	}
}
END_TEST

/* The ring has gone round many times, and nothing is lost or out of order. */
START_TEST(streams)
{
	unsigned int sent = 0, received = 0, completed = 0;

	with_loopback(_i);
	vnic_post(&vnic, 128, 2000, 0);
	while (received < 20000) {
		for (int k = 0;
		     k < 40 && sent < 20000 && vnic.tx[0].n_free >= 2; k++) {
			memcpy(out + 14, &sent, sizeof(sent));
			vnic_queue(&vnic, NULL, out, 60 + sent % 1000, 0);
			sent++;
		}
		ring_driver_show(&vnic.tx[0]);
		loop_run_once(&vnic.loop);
		while (vnic_receive(&vnic, hdr, in, sizeof(in), NULL) > 0) {
			ck_assert_mem_eq(in + 14, &received, sizeof(received));
			received++;
			vnic_post(&vnic, 1, 2000, 0);
		}
		completed += vnic_reap(&vnic);
	}
	completed += vnic_reap(&vnic);
	ck_assert_uint_eq(completed, 20000);
	ck_assert_uint_eq(received, 20000);
}
END_TEST

/* A burst of 60: one publish and one interrupt for each ring. Without EVENT_IDX
 * the guest wants an interrupt for every publish, so they are counted alike. */
START_TEST(one_interrupt_for_a_burst)
{
	with_loopback(_i);
	vnic_post(&vnic, 100, 2000, 0);
	vnic_run(&vnic);
	ck_assert(!ring_driver_enable_irq(&vnic.rx[0]));
	ck_assert(!ring_driver_enable_irq(&vnic.tx[0]));
	(void)vnic_interrupts(&vnic.rx[0]);
	(void)vnic_interrupts(&vnic.tx[0]);
	for (int k = 0; k < 60; k++)
		vnic_queue(&vnic, NULL, out, 100, 0);
	ring_driver_show(&vnic.tx[0]);
	vnic_run(&vnic);
	ck_assert_uint_eq(vnic_reap(&vnic), 60);
	ck_assert_uint_eq(vnic_interrupts(&vnic.rx[0]), 1);
	ck_assert_uint_eq(vnic_interrupts(&vnic.tx[0]), 1);
}
END_TEST

START_TEST(no_interrupt_when_unwanted)
{
	with_loopback(_i);
	vnic_post(&vnic, 100, 2000, 0);
	ring_driver_disable_irq(&vnic.rx[0]);
	ring_driver_disable_irq(&vnic.tx[0]);
	for (int k = 0; k < 60; k++)
		vnic_send(&vnic, NULL, out, 100, 0);
	vnic_run(&vnic);
	ck_assert_uint_eq(vnic_reap(&vnic), 60);
	ck_assert_uint_eq(vnic_interrupts(&vnic.rx[0]), 0);
	ck_assert_uint_eq(vnic_interrupts(&vnic.tx[0]), 0);
}
END_TEST

/* A driver that keeps the device busy kicks once; when the device sleeps, it
 * kicks again. */
START_TEST(no_kicks_while_draining)
{
	uint64_t kicks;

	ck_assert_int_eq(null_endpoint_create(&vnic.loop, &endpoint), 0);
	vnic_plug(&vnic, endpoint, 1, 1024, false);
	ck_assert_int_eq(vnic_start(&vnic, features_of(_i)), 0);
	vnic_run(&vnic);
	kicks = vnic.tx[0].kicks;
	for (int round = 0; round < 20; round++) {
		/* More than the budget of a round. */
		while (vnic.tx[0].n_free >= 2)
			vnic_queue(&vnic, NULL, out, 60, 0);
		ring_driver_show(&vnic.tx[0]);
		loop_run_once(&vnic.loop);
		ck_assert_uint_gt(vnic_reap(&vnic), 0);
	}
	ck_assert_uint_eq(vnic.tx[0].kicks, kicks + 1);
	vnic_run(&vnic);
	vnic_reap(&vnic);
	vnic_send(&vnic, NULL, out, 60, 0);
	ck_assert_uint_eq(vnic.tx[0].kicks, kicks + 2);
	vnic_run(&vnic);
	ck_assert_uint_eq(vnic_reap(&vnic), 1);
}
END_TEST

/* A driver that gives a buffer back for each frame does not kick for it, unless
 * the device may run out. */
START_TEST(no_kicks_for_plenty_of_buffers)
{
	const unsigned int plenty = _i & 16 ? 100 : 2;
	uint64_t kicks;

	with_loopback(_i & 7);
	vnic_post(&vnic, plenty, 2000, 0);
	vnic_run(&vnic);
	kicks = vnic.rx[0].kicks;
	for (int k = 0; k < 1000; k++) {
		vnic_send(&vnic, NULL, out, 60, 0);
		ck_assert_int_eq(receive(NULL), 60);
		vnic_run(&vnic);
		vnic_post(&vnic, 1, 2000, 0);
		vnic_reap(&vnic);
	}
	if (plenty == 2)
		ck_assert_uint_eq(vnic.rx[0].kicks, kicks + 1000);
	else if (vnic.features & VIRTIO_F_EVENT_IDX)
		ck_assert_uint_le(vnic.rx[0].kicks, kicks + 1);
	else
		ck_assert_uint_eq(vnic.rx[0].kicks, kicks);
}
END_TEST

/* Sleeps until the receive ring interrupts. */
static void sleep_on_irq(void)
{
	struct pollfd fd = {.fd = vnic.rx[0].call_fd, .events = POLLIN};

	ck_assert_int_eq(poll(&fd, 1, 5000), 1);
	ck_assert(ring_driver_take_irq(&vnic.rx[0]));
}

/* Nothing waits for ever, with the guest asleep on interrupts and the device,
 * on its own thread, asleep on kicks. */
START_TEST(no_wakeup_is_lost)
{
	with_loopback(_i);
	vnic_post(&vnic, 100, 2000, 0);
	for (unsigned int got = 0; got < 5000;) {
		vnic_send(&vnic, NULL, out, 60, 0);
		while (!ring_driver_enable_irq(&vnic.rx[0]))
			sleep_on_irq();
		ring_driver_disable_irq(&vnic.rx[0]);
		while (vnic_receive(&vnic, hdr, in, sizeof(in), NULL) == 60) {
			got++;
			vnic_post(&vnic, 1, 2000, 0);
		}
		vnic_reap(&vnic);
	}
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("virtio-net");
	TCase *tc = tcase_create("virtio-net");

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, frames_come_back, 0, 16);
	tcase_add_loop_test(tc, chains_of_any_shape, 0, 16);
	tcase_add_loop_test(tc, frames_span_buffers, 0, 16);
	tcase_add_loop_test(tc, tiny_buffers, 0, 16);
	tcase_add_loop_test(tc, streams, 0, 16);
	tcase_add_loop_test(tc, one_interrupt_for_a_burst, 0, 8);
	tcase_add_loop_test(tc, no_interrupt_when_unwanted, 0, 8);
	tcase_add_loop_test(tc, no_kicks_while_draining, 0, 8);
	tcase_add_loop_test(tc, no_kicks_for_plenty_of_buffers, 0, 32);
	tcase_add_loop_test(tc, no_wakeup_is_lost, 8, 16);
	suite_add_tcase(s, tc);
	return s;
}

int main(void)
{
	return test_run(suite());
}
