/* SPDX-License-Identifier: MIT */
/*
 * The whole frontend as a guest sees it: virtio-net behind its registers, with
 * rings in guest memory, on the loopback backend. Each case runs on PCI and on
 * MMIO, with doorbells and without, with the queues on the control loop and on
 * a thread of their own.
 *
 * A status write may take a while here, since queues start and stop on other
 * threads; the test runs the control loop until it is answered.
 */
#include "backends/loopback.h"
#include "base/irq.h"
#include "support/ring_driver.h"
#include "support/run.h"
#include "support/virtio_guest.h"
#include "virtio/net.h"
#include "virtio/transport.h"

#include <check.h>
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* A case's number: bit 0 is MMIO, bit 1 "no doorbells", bit 2 a thread. */
#define VARIANTS 8

#define RAM_BASE  0x100000
#define RAM_SIZE  (1U << 20)
#define SIZE	  64
#define RX	  0
#define TX	  1
#define HDR_LEN	  12
#define BUF_LEN	  2048UL
#define FRAME_LEN 60
#define SECONDS	  20
#define FEATURES \
	(VIRTIO_F_VERSION_1 | VIRTIO_F_EVENT_IDX | VIRTIO_F_INDIRECT_DESC)

static struct loop loop;
static struct guest_ram ram;
static struct fake_platform platform;
static struct iothread *thread;
static struct net_endpoint *endpoint;
static struct virtio_device *device;
static struct virtio_transport *transport;
static struct virtio_guest guest;
static struct ring_driver rings[2];
static uint64_t buffers[2]; /* a slice of BUF_LEN for each head */
static uint32_t sent, received;
static unsigned int resets_begun, resets_done;

static void begin(int variant)
{
	struct loop *queue_loop = &loop;
	struct virtio_net_config config = {
		.name = "nic0",
		.mac = {0x02, 1, 2, 3, 4, 5},
		.queue_size = 256,
		.loop = &loop,
		.queue_loops = &queue_loop,
		.n_queue_pairs = 1,
	};

	ck_assert_int_eq(loop_init(&loop), 0);
	guest_ram_init(&ram, RAM_BASE, RAM_SIZE);
	fake_platform_init(&platform, &ram.mem, !(variant & 2));
	ck_assert_int_eq(loopback_endpoint_create(&loop, &endpoint), 0);
	if (variant & 4) {
		ck_assert_int_eq(iothread_create("pair", THREAD_QUEUE, &thread),
				 0);
		queue_loop = &thread->loop;
	}
	config.endpoint = endpoint;
	ck_assert_int_eq(virtio_net_create(&config, &device), 0);
	ck_assert_int_eq((variant & 1 ? virtio_mmio_create : virtio_pci_create)(
				 &platform.platform, &loop, device, &transport),
			 0);
	virtio_guest_init(&guest, fake_platform_slot(&platform));
	for (int i = 0; i < 2; i++)
		ring_driver_init(&rings[i], &ram, SIZE, FEATURES);
}

static void pump(void)
{
	loop_run_once(&loop);
	(void)sched_yield();
}

/* One more round of waiting for something that began at @since. */
static void await(time_t since)
{
	if (time(NULL) > since + SECONDS)
		ck_abort_msg("it takes too long");
	pump();
}

static void reset_cb(void *arg, int err)
{
	UNUSED(arg);
	ck_assert_int_eq(err, 0);
	resets_done++;
}

static void machine_reset_begin(void)
{
	resets_begun++;
	virtio_transport_reset(transport, reset_cb, NULL);
}

static void machine_reset(void)
{
	time_t now = time(NULL);

	machine_reset_begin();
	while (resets_done != resets_begun) {
		await(now);
	}
}

static void end(void)
{
	machine_reset();
	ck_assert_uint_eq(guest.slot->pending, 0);
	virtio_transport_destroy(transport);
	virtio_net_destroy(device);
	iothread_destroy(thread);
	net_endpoint_destroy(endpoint);
	for (int i = 0; i < 2; i++)
		ring_driver_fini(&rings[i]);
	fake_platform_fini(&platform);
	guest_ram_fini(&ram);
	loop_fini(&loop);
}

static void set_status(uint8_t status)
{
	struct fake_access access;
	time_t now = time(NULL);

	guest_begin_status(&guest, &access, status);
	while (!access.done) {
		await(now);
	}
}

/* Everything but DRIVER_OK; the device is stopped. */
static void negotiate(void)
{
	guest_ram_clear(&ram);
	ck_assert_uint_eq(guest_negotiate(&guest, FEATURES, 0),
			  GUEST_STATUS_NEGOTIATED);
	for (uint16_t i = 0; i < 2; i++) {
		struct guest_queue queue = guest_default_queue(i);

		ring_driver_lay(&rings[i], &ram, SIZE, FEATURES);
		buffers[i] = guest_ram_alloc(&ram, SIZE * BUF_LEN, 4096);
		queue.size = SIZE;
		queue.desc = rings[i].desc;
		queue.avail = rings[i].avail;
		queue.used = rings[i].used;
		guest_lay_queue(&guest, i, &queue);
		guest_enable_queue(&guest, i);
	}
	sent = 0;
	received = 0;
}

static void start(void)
{
	negotiate();
	set_status(GUEST_STATUS_RUNNING);
	ck_assert_uint_eq(guest_status(&guest), GUEST_STATUS_RUNNING);
}

/* Puts one buffer into the ring: a receive buffer, or a numbered frame. */
static bool put(uint16_t index)
{
	struct ring_driver *ring = &rings[index];
	uint64_t gpa = buffers[index] + (uint64_t)ring->free_head * BUF_LEN;
	struct ring_piece piece = {gpa, (uint32_t)BUF_LEN, true};

	if (ring->n_free == 0)
		return false;
	if (index == TX) {
		unsigned char *bytes = guest_ram_at(&ram, gpa);

		memset(bytes, 0, HDR_LEN);
		memset(bytes + HDR_LEN, (int)(sent & 0xff), FRAME_LEN);
		memcpy(bytes + HDR_LEN + 14, &sent, sizeof(sent));
		sent++;
		piece.len = HDR_LEN + FRAME_LEN;
		piece.write = false;
	}
	ck_assert_uint_ne(ring_driver_add(ring, &piece, 1, false),
			  RING_DRIVER_NONE);
	return true;
}

static void show(uint16_t index)
{
	if (ring_driver_show(&rings[index]))
		guest_kick(&guest, index);
}

static void give_buffers(void)
{
	while (put(RX))
		;
	show(RX);
}

/* Fills both rings. */
static void burst(void)
{
	give_buffers();
	while (put(TX))
		;
	show(TX);
}

/* Collects what is there; frames arrive in order and unharmed. */
static void collect(void)
{
	uint32_t len, number;
	uint16_t head;

	while (ring_driver_collect(&rings[TX], &head, &len))
		;
	while (ring_driver_collect(&rings[RX], &head, &len)) {
		const unsigned char *frame = guest_ram_at(
			&ram, buffers[RX] + head * BUF_LEN + HDR_LEN);

		memcpy(&number, frame + 14, sizeof(number));
		if (len != HDR_LEN + FRAME_LEN || number != received ||
		    frame[FRAME_LEN - 1] != (number & 0xff))
			ck_abort_msg("frame %u of %u bytes instead of %u",
				     number, len, received);
		received++;
	}
}

/* Sends frames until @n have come back. */
static void traffic(uint32_t n)
{
	time_t now = time(NULL);

	while (received < n) {
		burst();
		await(now);
		collect();
	}
}

START_TEST(frames_travel)
{
	time_t now = time(NULL);
	uint64_t irqs = 0;

	begin(_i);
	start();
	traffic(1000);
	/* The last interrupt may still be on its way. */
	(void)ring_driver_enable_irq(&rings[RX]);
	while (irqs == 0) {
		burst();
		await(now);
		irqs = fake_take_irqs(guest.slot,
				      guest_queue_vector(&guest, RX));
	}
	if (guest.mmio)
		ck_assert_uint_eq(guest_take_isr(&guest) & 1, 1);
	end();
}
END_TEST

static bool filled_with(const unsigned char *bytes, unsigned char value,
			size_t len)
{
	return bytes[0] == value && !memcmp(bytes, bytes + 1, len - 1);
}

/* After a reset the device keeps its hands off memory, and may be started again
 * with rings elsewhere. */
START_TEST(reset_in_a_burst)
{
	begin(_i);
	for (unsigned int life = 0; life < 20; life++) {
		unsigned char *bytes;

		start();
		traffic(life);
		burst();
		for (unsigned int i = 0; i < life % 4; i++)
			pump();
		set_status(0);
		ck_assert_uint_eq(guest_status(&guest), 0);
		bytes = guest_ram_at(&ram, RAM_BASE);
		memset(bytes, 0x5a, RAM_SIZE);
		for (unsigned int i = 0; i < 10; i++)
			pump();
		ck_assert(filled_with(bytes, 0x5a, RAM_SIZE));
	}
	end();
}
END_TEST

START_TEST(reset_of_the_machine_in_a_burst)
{
	begin(_i);
	for (unsigned int life = 0; life < 20; life++) {
		start();
		traffic(life);
		burst();
		machine_reset();
		ck_assert_uint_eq(guest_status(&guest), 0);
	}
	end();
}
END_TEST

/* Starts, resets by the guest and by the machine, each at any point of the
 * other's; then all is as on the first day. */
START_TEST(any_order)
{
	static struct fake_access accesses[600];
	unsigned int rounds;

	begin(_i);
	srand((unsigned int)_i + 1);
	for (unsigned int life = 0; life < 60; life++) {
		size_t n = 0;

		negotiate();
		burst();
		for (unsigned int step = 0; step < 10; step++) {
			switch (rand() % 6) {
			case 0:
			case 1:
				guest_begin_status(&guest, &accesses[n++],
						   GUEST_STATUS_RUNNING);
				break;
			case 2:
				guest_begin_status(&guest, &accesses[n++], 0);
				break;
			case 3:
				if (resets_begun - resets_done < 4)
					machine_reset_begin();
				break;
			default:
				rounds = (unsigned int)rand() % 8;
				while (rounds--)
					pump();
				break;
			}
		}
		machine_reset();
		for (size_t i = 0; i < n; i++)
			ck_assert(accesses[i].done);
		ck_assert_uint_eq(guest_status(&guest), 0);
	}
	start();
	traffic(100);
	end();
}
END_TEST

/* A ring outside memory: the device says that it needs a reset, and gets over
 * it. */
START_TEST(broken_ring_needs_a_reset)
{
	struct guest_queue queue = guest_default_queue(RX); /* nowhere */
	time_t now = time(NULL);

	begin(_i);
	guest_negotiate(&guest, FEATURES, 0);
	guest_lay_queue(&guest, RX, &queue);
	guest_enable_queue(&guest, RX);
	queue.vector = TX + 1;
	guest_lay_queue(&guest, TX, &queue);
	guest_enable_queue(&guest, TX);
	set_status(GUEST_STATUS_RUNNING);
	while (!(guest_status(&guest) & 0x40)) {
		await(now);
	}
	ck_assert_uint_gt(
		fake_take_irqs(guest.slot, guest_config_vector(&guest)), 0);
	set_status(0);
	start();
	traffic(100);
	end();
}
END_TEST

/* The same for a ring that the guest breaks in the middle of traffic. A device
 * that holds back frames for want of receive buffers does not look at the
 * transmit ring, so it is given some. */
START_TEST(ring_that_breaks_needs_a_reset)
{
	time_t now = time(NULL);

	begin(_i);
	start();
	traffic(100);
	(void)fake_take_irqs(guest.slot, guest_config_vector(&guest));
	ring_driver_set_idx(&rings[TX],
			    (uint16_t)(rings[TX].avail_idx + 2 * SIZE));
	guest_kick(&guest, TX);
	while (!(guest_status(&guest) & 0x40)) {
		give_buffers();
		await(now);
		collect();
	}
	ck_assert_uint_gt(
		fake_take_irqs(guest.slot, guest_config_vector(&guest)), 0);
	set_status(0);
	start();
	traffic(100);
	end();
}
END_TEST

/* The link goes down while it runs: an interrupt, and a new configuration. */
START_TEST(link_is_told)
{
	time_t now = time(NULL);
	uint32_t generation;

	begin(_i);
	start();
	generation = guest_generation(&guest);
	ck_assert_uint_eq(guest_read_config(&guest, 6, 2), 1);
	net_endpoint_raise(endpoint, net_action_link(false));
	while (guest_generation(&guest) == generation) {
		await(now);
	}
	ck_assert_uint_gt(
		fake_take_irqs(guest.slot, guest_config_vector(&guest)), 0);
	ck_assert_uint_eq(guest_read_config(&guest, 6, 2), 0);
	end();
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("virtio_whole");
	TCase *tc = tcase_create("all");

	tcase_set_timeout(tc, 2 * SECONDS);
	tcase_add_loop_test(tc, frames_travel, 0, VARIANTS);
	tcase_add_loop_test(tc, reset_in_a_burst, 0, VARIANTS);
	tcase_add_loop_test(tc, reset_of_the_machine_in_a_burst, 0, VARIANTS);
	tcase_add_loop_test(tc, any_order, 0, VARIANTS);
	tcase_add_loop_test(tc, broken_ring_needs_a_reset, 0, VARIANTS);
	tcase_add_loop_test(tc, ring_that_breaks_needs_a_reset, 0, VARIANTS);
	tcase_add_loop_test(tc, link_is_told, 0, VARIANTS);
	suite_add_tcase(s, tc);
	return s;
}

int main(void)
{
	return test_run(suite());
}
