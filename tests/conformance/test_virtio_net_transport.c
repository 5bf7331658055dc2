/* SPDX-License-Identifier: MIT */
/*
 * virtio-net on its transports: a driver that knows nothing but registers and
 * rings sends packets to itself, over PCI and MMIO, with doorbells and without,
 * and resets the device whenever it likes.
 */
#include "backends/loopback.h"
#include "support/fake_platform.h"
#include "support/ring_driver.h"
#include "support/virtio_guest.h"
#include "virtio/net.h"
#include "virtio/net_defs.h"
#include "virtio/transport.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define SIZE   64
#define FRAME  100
#define HDR    12
#define ROUNDS 40
#define WANTED                                                              \
	(VIRTIO_F_VERSION_1 | VIRTIO_F_EVENT_IDX | VIRTIO_F_INDIRECT_DESC | \
	 VIRTIO_NET_F_MAC | VIRTIO_NET_F_STATUS | VIRTIO_NET_F_MRG_RXBUF)

static struct loop loop;
static struct guest_ram ram;
static struct fake_platform platform;
static struct net_endpoint *endpoint;
static struct virtio_device *device;
static struct virtio_transport *transport;
static struct virtio_guest guest;
static struct ring_driver rx, tx;
static uint64_t rx_buf, tx_buf;

static void run(void)
{
	for (int i = 0; i < ROUNDS; i++)
		loop_run_once(&loop);
}

/* @i: PCI or MMIO, with doorbells or without. */
static void begin(int i)
{
	struct loop *loops[] = {&loop};
	const struct virtio_net_config config = {
		.name = "nic0",
		.mac = {0x02, 0, 0, 0, 0, 9},
		.queue_size = SIZE,
		.endpoint = endpoint,
		.loop = &loop,
		.queue_loops = loops,
		.n_queue_pairs = 1,
	};

	fake_platform_init(&platform, &ram.mem, i & 2);
	ck_assert_int_eq(virtio_net_create(&config, &device), 0);
	ck_assert_int_eq((i & 1 ? virtio_mmio_create : virtio_pci_create)(
				 &platform.platform, &loop, device, &transport),
			 0);
	virtio_guest_init(&guest, fake_platform_slot(&platform));
}

static void setup(void)
{
	ck_assert_int_eq(loop_init(&loop), 0);
	guest_ram_init(&ram, 0x100000, 4U << 20);
	ck_assert_int_eq(loopback_endpoint_create(&loop, &endpoint), 0);
	ring_driver_init(&rx, &ram, SIZE, WANTED);
	ring_driver_init(&tx, &ram, SIZE, WANTED);
	rx_buf = guest_ram_alloc(&ram, SIZE * 2048, 4096);
	tx_buf = guest_ram_alloc(&ram, 2048, 4096);
}

static void count_done(void *arg, int err)
{
	ck_assert_int_eq(err, 0);
	(*(int *)arg)++;
}

static void teardown(void)
{
	int done = 0;

	virtio_transport_reset(transport, count_done, &done);
	run();
	ck_assert_int_eq(done, 1);
	virtio_transport_destroy(transport);
	virtio_net_destroy(device);
	net_endpoint_destroy(endpoint);
	run();
	fake_platform_fini(&platform);
	ring_driver_fini(&rx);
	ring_driver_fini(&tx);
	loop_fini(&loop);
	guest_ram_fini(&ram);
}

static void write_status(uint8_t status)
{
	struct fake_access access;

	guest_begin_status(&guest, &access, status);
	run();
	ck_assert(access.done);
}

static void lay(uint16_t index, const struct ring_driver *drv)
{
	const struct guest_queue queue = {
		.size = SIZE,
		.desc = drv->desc,
		.avail = drv->avail,
		.used = drv->used,
		.vector = (uint16_t)(index + 1),
	};

	guest_lay_queue(&guest, index, &queue);
	guest_enable_queue(&guest, index);
}

static void start(void)
{
	ring_driver_reset(&rx);
	ring_driver_reset(&tx);
	ck_assert_uint_eq(guest_negotiate(&guest, WANTED, 0),
			  GUEST_STATUS_NEGOTIATED);
	lay(0, &rx);
	lay(1, &tx);
	write_status(GUEST_STATUS_RUNNING);
	ck_assert_uint_eq(guest_status(&guest), GUEST_STATUS_RUNNING);
}

static void show(struct ring_driver *drv)
{
	if (ring_driver_show(drv))
		guest_kick(&guest, drv == &tx);
}

static void post(unsigned int n)
{
	for (; n; n--)
		(void)ring_driver_add(
			&rx,
			&(struct ring_piece){
				rx_buf + 2048 * (uint64_t)rx.free_head, 2048,
				true},
			1, false);
	show(&rx);
}

static void send_one(uint8_t fill)
{
	memset(guest_ram_at(&ram, tx_buf), 0, HDR);
	memset(guest_ram_at(&ram, tx_buf + HDR), fill, FRAME);
	(void)ring_driver_add(&tx,
			      &(struct ring_piece){tx_buf, HDR + FRAME, false},
			      1, false);
	show(&tx);
}

static void expect_frame(uint8_t fill)
{
	const unsigned char *at;
	uint16_t head;
	uint32_t len;

	ck_assert(ring_driver_collect(&rx, &head, &len));
	ck_assert_uint_eq(len, HDR + FRAME);
	at = guest_ram_at(&ram, rx_buf + 2048 * (uint64_t)head);
	for (int k = 0; k < FRAME; k++)
		ck_assert_uint_eq(at[HDR + k], fill);
	ck_assert(ring_driver_collect(&tx, &head, &len));
}

START_TEST(frames_and_interrupts)
{
	begin(_i);
	start();
	ck_assert_uint_eq(guest_read_config(&guest, 5, 1), 9);
	ck_assert_uint_eq(guest_read_config(&guest, 6, 2), 1);
	post(10);
	run();
	for (uint8_t k = 1; k < 8; k++) {
		unsigned int vector = guest_queue_vector(&guest, 0);

		(void)fake_take_irqs(guest.slot, vector);
		ck_assert(!ring_driver_enable_irq(&rx));
		ring_driver_disable_irq(&tx);
		send_one(k);
		run();
		ck_assert_uint_eq(fake_take_irqs(guest.slot, vector), 1);
		expect_frame(k);
	}
}
END_TEST

/* A reset after each number of rounds of the loop, in the middle of a burst. */
START_TEST(reset_at_any_moment)
{
	begin(_i);
	for (int rounds = 0; rounds < 12; rounds++) {
		start();
		post(20);
		for (uint8_t k = 0; k < 10; k++)
			send_one(k);
		for (int r = 0; r < rounds; r++)
			loop_run_once(&loop);
		write_status(0);
		ck_assert_uint_eq(guest_status(&guest), 0);
		ck_assert_uint_eq(endpoint->live_queues, 0);
	}
	start();
	post(1);
	send_one(77);
	run();
	expect_frame(77);
}
END_TEST

START_TEST(broken_ring_is_told)
{
	begin(_i);
	start();
	post(1);
	run();
	(void)fake_take_irqs(guest.slot, guest_config_vector(&guest));
	ring_driver_set_idx(&tx, 9999);
	guest_kick(&guest, 1);
	run();
	/* DEVICE_NEEDS_RESET, and a configuration interrupt. */
	ck_assert_uint_eq(guest_status(&guest), GUEST_STATUS_RUNNING | 0x40);
	ck_assert_uint_eq(
		fake_take_irqs(guest.slot, guest_config_vector(&guest)), 1);
	write_status(0);
	start();
	post(1);
	send_one(5);
	run();
	expect_frame(5);
}
END_TEST

START_TEST(link_is_told)
{
	uint32_t generation;

	begin(_i);
	start();
	generation = guest_generation(&guest);
	(void)fake_take_irqs(guest.slot, guest_config_vector(&guest));
	net_endpoint_raise(endpoint,
			   (struct net_action){NET_ACTION_LINK_STATUS, false});
	run();
	ck_assert_uint_eq(
		fake_take_irqs(guest.slot, guest_config_vector(&guest)), 1);
	ck_assert_uint_ne(guest_generation(&guest), generation);
	ck_assert_uint_eq(guest_read_config(&guest, 6, 2), 0);
}
END_TEST

START_TEST(rings_outside_memory_need_a_reset)
{
	begin(_i);
	ring_driver_reset(&rx);
	ring_driver_reset(&tx);
	(void)guest_negotiate(&guest, WANTED, 0);
	lay(0, &rx);
	tx.used += 1ULL << 40;
	lay(1, &tx);
	tx.used -= 1ULL << 40;
	write_status(GUEST_STATUS_RUNNING);
	ck_assert_uint_eq(guest_status(&guest) & 0x40, 0x40);
	write_status(0);
	start();
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("virtio-net on its transports");
	TCase *tc = tcase_create("transports");

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, frames_and_interrupts, 0, 4);
	tcase_add_loop_test(tc, reset_at_any_moment, 0, 4);
	tcase_add_loop_test(tc, broken_ring_is_told, 0, 4);
	tcase_add_loop_test(tc, link_is_told, 0, 4);
	tcase_add_loop_test(tc, rings_outside_memory_need_a_reset, 0, 4);
	suite_add_tcase(s, tc);
	return s;
}

int main(void)
{
	SRunner *runner = srunner_create(suite());
	int failed;

	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
