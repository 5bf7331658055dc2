/* SPDX-License-Identifier: MIT */
/*
 * The life of a virtio-net device: features, configuration, start and stop,
 * restarts of the endpoint with packets in flight, failures, links that go up
 * and down, and all of that in any order.
 */
#include "backends/null.h"
#include "base/bytes.h"
#include "support/script_endpoint.h"
#include "support/vnic.h"
#include "virtio/net_features.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define RINGS (VIRTIO_F_EVENT_IDX | VIRTIO_F_INDIRECT_DESC)
#define SIZE  64

static struct vnic vnic;
static struct script_endpoint *script;
static uint8_t hdr[VNIC_HDR_LEN];
static unsigned char out[VNIC_BUF_LEN], in[VNIC_BUF_LEN];

static void setup(void)
{
	vnic_init(&vnic);
	ck_assert_int_eq(script_endpoint_create(&vnic.loop, &script), 0);
	store_be16(out + 12, 0x0800);
	vnic_plug(&vnic, &script->base, 1, SIZE, false);
}

static void teardown(void)
{
	vnic_unplug(&vnic);
	net_endpoint_destroy(&script->base);
	vnic_fini(&vnic);
}

static void begin(void)
{
	ck_assert_int_eq(vnic_start(&vnic, RINGS), 0);
	vnic_run(&vnic);
}

static struct script_queue *queue(void)
{
	ck_assert_ptr_nonnull(script->queues[0]);
	return script->queues[0];
}

static void raise_action(enum net_action_type type, bool up)
{
	net_endpoint_raise(&script->base, (struct net_action){type, up});
}

static void send_numbered(uint32_t number)
{
	store_le32(out + 14, number);
	vnic_send(&vnic, NULL, out, 60, 0);
}

/* The number of the next frame that the endpoint was given. */
static int64_t take_numbered(void)
{
	if (script_queue_take(queue(), in, sizeof(in), NULL) != 60)
		return -1;
	return load_le32(in + 14);
}

static void expect_alive(void)
{
	script->queues[0]->tx_room = SIZE_MAX;
	queue()->tx = SCRIPT_TX_NOW;
	send_numbered(4711);
	vnic_run(&vnic);
	ck_assert_int_eq(take_numbered(), 4711);
	ck_assert_uint_eq(vnic.needs_reset, 0);
}

START_TEST(config_tells_mac_status_mtu)
{
	static const uint8_t expected[] = {0x02, 1, 2,	  3,	4, 5, 1, 0,
					   1,	 0, 0xdc, 0x05, 0, 0, 0, 0};
	const struct virtio_device_ops *ops = vnic.device->ops;
	uint8_t config[sizeof(expected)];

	memset(config, 0xaa, sizeof(config));
	ops->read_config(vnic.device, 0, config, sizeof(config));
	ck_assert_mem_eq(config, expected, sizeof(expected));
	for (uint32_t at = 0; at < sizeof(expected); at++) {
		ops->read_config(vnic.device, at, config, 1);
		ck_assert_uint_eq(config[0], expected[at]);
	}
	ops->read_config(vnic.device, UINT32_MAX - 2, config, 8);
	for (int k = 0; k < 8; k++)
		ck_assert_uint_eq(config[k], 0);
	ops->write_config(vnic.device, 0, expected + 8, 6);
	ops->read_config(vnic.device, 0, config, 6);
	ck_assert_mem_eq(config, expected, 6);
}
END_TEST

START_TEST(offer_follows_the_endpoint)
{
	const uint64_t always = RINGS | VIRTIO_NET_F_MAC | VIRTIO_NET_F_STATUS |
				VIRTIO_NET_F_MRG_RXBUF;
	const uint64_t host = VIRTIO_NET_F_CSUM | VIRTIO_NET_F_HOST_TSO4 |
			      VIRTIO_NET_F_HOST_TSO6 | VIRTIO_NET_F_HOST_ECN |
			      VIRTIO_NET_F_HOST_USO;
	struct net_endpoint *null;

	ck_assert_uint_eq(vnic.device->ops->features(vnic.device),
			  always | VIRTIO_NET_F_MTU);
	ck_assert_int_eq(null_endpoint_create(&vnic.loop, &null), 0);
	ck_assert_uint_eq(virtio_net_features_offer(null, false),
			  always | host);
	net_endpoint_destroy(null);
}
END_TEST

START_TEST(features_must_fit_together)
{
	static const struct {
		uint64_t bits, needs;
	} rules[] = {
		{VIRTIO_NET_F_HOST_TSO4, VIRTIO_NET_F_CSUM},
		{VIRTIO_NET_F_HOST_TSO6, VIRTIO_NET_F_CSUM},
		{VIRTIO_NET_F_HOST_USO, VIRTIO_NET_F_CSUM},
		{VIRTIO_NET_F_CSUM | VIRTIO_NET_F_HOST_ECN,
		 VIRTIO_NET_F_HOST_TSO4},
		{VIRTIO_NET_F_CSUM | VIRTIO_NET_F_HOST_ECN,
		 VIRTIO_NET_F_HOST_TSO6},
		{VIRTIO_NET_F_GUEST_TSO4, VIRTIO_NET_F_GUEST_CSUM},
		{VIRTIO_NET_F_GUEST_TSO6, VIRTIO_NET_F_GUEST_CSUM},
		{VIRTIO_NET_F_GUEST_USO4, VIRTIO_NET_F_GUEST_CSUM},
		{VIRTIO_NET_F_GUEST_USO6, VIRTIO_NET_F_GUEST_CSUM},
		{VIRTIO_NET_F_GUEST_CSUM | VIRTIO_NET_F_GUEST_ECN,
		 VIRTIO_NET_F_GUEST_TSO6},
	};
	const struct virtio_device_ops *ops = vnic.device->ops;

	ck_assert(ops->accept_features(vnic.device, 0));
	for (size_t k = 0; k < ARRAY_SIZE(rules); k++) {
		ck_assert(!ops->accept_features(vnic.device, rules[k].bits));
		ck_assert(ops->accept_features(vnic.device,
					       rules[k].bits | rules[k].needs));
	}
}
END_TEST

START_TEST(endpoint_is_asked_for_what_was_accepted)
{
	const uint64_t features =
		RINGS | VIRTIO_NET_F_MRG_RXBUF | VIRTIO_NET_F_GUEST_CSUM |
		VIRTIO_NET_F_GUEST_TSO4 | VIRTIO_NET_F_GUEST_USO4;
	const struct net_queue_config *config;

	ck_assert_int_eq(vnic_start(&vnic, features), 0);
	config = &queue()->base.config;
	ck_assert(config->rx_offloads.csum);
	ck_assert(config->rx_offloads.tso4);
	ck_assert(!config->rx_offloads.tso6);
	ck_assert(!config->rx_offloads.uso); /* one version is not enough */
	ck_assert_uint_eq(config->rx_span, SIZE);
	vnic_stop(&vnic);
	ck_assert_int_eq(vnic_start(&vnic, RINGS), 0);
	config = &queue()->base.config;
	ck_assert(!config->rx_offloads.csum);
	ck_assert_uint_eq(config->rx_span, 1);
}
END_TEST

START_TEST(verdict_on_checksums_only_if_accepted)
{
	struct net_rx_meta meta = {
		.ip_csum = NET_CSUM_GOOD,
		.l4_csum = NET_CSUM_GOOD,
	};

	ck_assert_int_eq(
		vnic_start(&vnic, RINGS | (_i ? VIRTIO_NET_F_GUEST_CSUM : 0)),
		0);
	vnic_post(&vnic, 1, 2000, 0);
	vnic_run(&vnic);
	queue()->rx_meta = meta;
	ck_assert_int_eq(script_queue_arrive(queue(), out, 100), 0);
	vnic_run(&vnic);
	ck_assert_int_eq(vnic_receive(&vnic, hdr, in, sizeof(in), NULL), 100);
	ck_assert_uint_eq(hdr[0], _i ? 2 : 0);
}
END_TEST

/* A header that the endpoint's queue writes by itself arrives as it is, but for
 * num_buffers and for what the driver did not accept. */
START_TEST(header_passes_through)
{
	const bool mergeable = _i & 1, csum = _i & 2;
	const uint32_t buf = mergeable ? 14 : 3000;
	unsigned int n;

	vnic_unplug(&vnic);
	script->vnet_hdr = true;
	vnic_plug(&vnic, &script->base, 1, SIZE, false);
	ck_assert_int_eq(
		vnic_start(&vnic,
			   RINGS | (mergeable ? VIRTIO_NET_F_MRG_RXBUF : 0) |
				   (csum ? VIRTIO_NET_F_GUEST_CSUM : 0)),
		0);
	vnic_post(&vnic, mergeable ? 10 : 1, buf, mergeable ? 5 : 99);
	vnic_run(&vnic);
	queue()->rx_header = true;
	for (size_t k = 0; k < sizeof(out); k++)
		out[k] = (unsigned char)(k + 1);
	ck_assert_int_eq(script_queue_arrive(queue(), out, 112), 0);
	vnic_run(&vnic);
	ck_assert_int_eq(vnic_receive(&vnic, hdr, in, sizeof(in), &n), 100);
	ck_assert_mem_eq(in, out + 12, 100);
	ck_assert_uint_eq(n, mergeable ? 8 : 1);
	ck_assert_uint_eq(hdr[0], csum ? 1 : 0);
	ck_assert_mem_eq(hdr + 1, out + 1, 9);
}
END_TEST

START_TEST(start_stop_many_times)
{
	for (unsigned int k = 1; k <= 50; k++) {
		begin();
		vnic_post(&vnic, 10, 2000, 0);
		expect_alive();
		vnic_stop(&vnic);
		ck_assert_uint_eq(script->n_get_queues, k);
		ck_assert_uint_eq(script->n_stop, k);
		ck_assert_uint_eq(script->base.live_queues, 0);
	}
}
END_TEST

START_TEST(start_that_fails_leaves_it_stopped)
{
	script->get_queues_err = -EMFILE;
	ck_assert_int_eq(vnic_start(&vnic, RINGS), -EMFILE);
	ck_assert_uint_eq(vnic.needs_reset, 0);
	raise_action(NET_ACTION_RESTART_REQUIRED, true);
	vnic_run(&vnic);
	ck_assert_uint_eq(script->n_get_queues, 1);
	script->get_queues_err = 0;
	begin();
	expect_alive();
}
END_TEST

/* Nothing of the guest's memory changes once the stop is answered. */
START_TEST(nothing_moves_after_stop)
{
	script->tx = SCRIPT_TX_HELD;
	begin();
	vnic_post(&vnic, 5, 2000, 0);
	send_numbered(1);
	vnic_run(&vnic);
	ck_assert_uint_eq(queue()->n_flying, 1);
	send_numbered(2); /* kicked, and not looked at */
	vnic_stop(&vnic);
	vnic_run(&vnic);
	ck_assert_uint_eq(vnic_reap(&vnic), 0);
	ck_assert_uint_eq(ring_driver_device_idx(&vnic.rx[0]), 0);
}
END_TEST

/* Receive buffers are given again in ring order, packets that the old queue had
 * taken are completed once, those that it had not are sent by the new one. */
START_TEST(restart_loses_nothing)
{
	uint16_t heads[20], head;
	uint32_t len;

	script->tx = SCRIPT_TX_HELD;
	begin();
	for (int k = 0; k < 20; k++) {
		heads[k] = vnic.rx[0].free_head;
		vnic_post(&vnic, 1, 2000, 0);
	}
	vnic_run(&vnic);
	/* Three are used before, out of the order of their heads. */
	for (int k = 0; k < 3; k++)
		ck_assert_int_eq(script_queue_arrive(queue(), out, 60), 0);
	vnic_run(&vnic);
	for (int k = 0; k < 3; k++) {
		ck_assert(ring_driver_collect(&vnic.rx[0], &head, &len));
		ck_assert_uint_eq(head, heads[k]);
		vnic_post(&vnic, 1, 2000, 0);
	}
	queue()->tx_room = 4;
	for (uint32_t k = 0; k < 10; k++)
		send_numbered(k);
	vnic_run(&vnic);
	ck_assert_uint_eq(queue()->n_flying, 4);
	script_queue_complete(queue(), 0);
	vnic_run(&vnic);
	ck_assert_uint_eq(vnic_reap(&vnic), 1);
	if (_i)
		guest_ram_move(&vnic.ram);
	script->tx = SCRIPT_TX_NOW;
	raise_action(NET_ACTION_RESTART_REQUIRED, true);
	vnic_run(&vnic);
	ck_assert_uint_eq(script->n_get_queues, 2);
	ck_assert_uint_eq(script->n_stop, 1);
	/* Three in flight are lost, six go out. */
	ck_assert_uint_eq(vnic_reap(&vnic), 9);
	ck_assert_uint_eq(vnic_stats(&vnic)->tx_lost, 3);
	for (uint32_t k = 4; k < 10; k++)
		ck_assert_int_eq(take_numbered(), k);
	ck_assert_int_eq(take_numbered(), -1);
	ck_assert_uint_eq(queue()->given, 20);
	for (int k = 0; k < 20; k++) {
		ck_assert_int_eq(script_queue_arrive(queue(), out, 60), 0);
		vnic_run(&vnic);
		ck_assert(ring_driver_collect(&vnic.rx[0], &head, &len));
		ck_assert_uint_eq(head, heads[(k + 3) % 20]);
		ck_assert_uint_eq(len, 72);
	}
	expect_alive();
}
END_TEST

/* A packet that was dropped behind the tail is not completed again. */
START_TEST(drops_in_the_tail_are_done_once)
{
	begin();
	queue()->tx_room = 1;
	for (uint32_t k = 0; k < 6; k++) {
		store_le32(out + 14, k);
		vnic_queue(&vnic, NULL, out, k % 2 ? 5 : 60, 0);
	}
	ring_driver_show(&vnic.tx[0]);
	vnic_run(&vnic);
	/* 0 was sent, 2 and 4 wait, 1, 3 and 5 are runts. */
	ck_assert_uint_eq(vnic_reap(&vnic), 4);
	raise_action(NET_ACTION_RESTART_REQUIRED, true);
	vnic_run(&vnic);
	ck_assert_uint_eq(vnic_reap(&vnic), 2);
	ck_assert_int_eq(take_numbered(), 2);
	ck_assert_int_eq(take_numbered(), 4);
	ck_assert_int_eq(take_numbered(), -1);
	ck_assert_uint_eq(vnic_stats(&vnic)->tx_lost, 0);
	ck_assert_uint_eq(vnic_stats(&vnic)->tx_packets, 3);
	expect_alive();
}
END_TEST

/* Nor one between packets that are in flight. */
START_TEST(drops_among_those_in_flight_are_done_once)
{
	script->tx = SCRIPT_TX_HELD;
	begin();
	for (uint32_t k = 0; k < 7; k++)
		vnic_queue(&vnic, NULL, out, k % 2 ? 5 : 60, 0);
	ring_driver_show(&vnic.tx[0]);
	vnic_run(&vnic);
	ck_assert_uint_eq(vnic_reap(&vnic), 3);
	raise_action(NET_ACTION_RESTART_REQUIRED, true);
	vnic_run(&vnic);
	ck_assert_uint_eq(vnic_reap(&vnic), 4);
	ck_assert_uint_eq(vnic_stats(&vnic)->tx_lost, 4);
	expect_alive();
}
END_TEST

/* With nothing to do the device sleeps, however many buffers it has. */
START_TEST(device_sleeps)
{
	static const unsigned int bufs[] = {0, 1, 31, 1, 30, 1};
	unsigned int polls;

	begin();
	for (size_t k = 0; k < ARRAY_SIZE(bufs); k++) {
		vnic_post(&vnic, bufs[k], k < 2 ? 100 : 3000, 0);
		vnic_run(&vnic);
		polls = queue()->n_poll_ready;
		vnic_run(&vnic);
		ck_assert_uint_eq(queue()->n_poll_ready, polls);
	}
	/* A tail that waits, and packets behind it. */
	queue()->tx_room = 1;
	send_numbered(1);
	send_numbered(2);
	vnic_run(&vnic);
	send_numbered(3);
	vnic_run(&vnic);
	polls = queue()->n_poll_ready;
	vnic_run(&vnic);
	ck_assert_uint_eq(queue()->n_poll_ready, polls);
	script_queue_grant(queue(), 5);
	vnic_run(&vnic);
	ck_assert_uint_eq(vnic_reap(&vnic), 3);
}
END_TEST

/* Two rings with one interrupt, and something for both: it is raised once. */
START_TEST(shared_interrupt_is_raised_once)
{
	struct virtio_queue_setup queues[2];
	const struct virtio_start start = {
		.features = RINGS,
		.mem = &vnic.ram.mem,
		.queues = queues,
		.n_queues = 2,
	};

	begin();
	vnic_stop(&vnic);
	ring_driver_reset(&vnic.rx[0]);
	ring_driver_reset(&vnic.tx[0]);
	queues[0] = ring_driver_setup(&vnic.rx[0]);
	queues[1] = ring_driver_setup(&vnic.tx[0]);
	queues[1].irq.fd = queues[0].irq.fd;
	ck_assert_int_eq(vnic_start_with(&vnic, &start), 0);
	vnic_post(&vnic, 1, 2000, 0);
	vnic_run(&vnic);
	ck_assert_int_eq(script_queue_arrive(queue(), out, 60), 0);
	send_numbered(1);
	vnic_run(&vnic);
	ck_assert_int_eq(vnic_receive(&vnic, hdr, in, sizeof(in), NULL), 60);
	ck_assert_uint_eq(vnic_reap(&vnic), 1);
	ck_assert_uint_eq(vnic_interrupts(&vnic.rx[0]), 1);
}
END_TEST

/* The queue fails in each of its ops: a new one takes over. */
START_TEST(failures_are_restarts)
{
	begin();
	vnic_post(&vnic, 4, 2000, 0);
	vnic_run(&vnic);
	if (_i == 0)
		queue()->tx_err = -EIO;
	else if (_i == 1)
		queue()->rx_err = -EIO;
	else
		queue()->tx_poll_err = NET_TX_TRY_RESTART;
	send_numbered(9);
	vnic_run(&vnic);
	ck_assert_uint_eq(script->n_get_queues, 2);
	ck_assert_uint_eq(vnic_reap(&vnic), 1);
	ck_assert_uint_eq(queue()->given, 4);
	if (_i < 2) /* nothing was taken, so it goes out now */
		ck_assert_int_eq(take_numbered(), 9);
	expect_alive();
}
END_TEST

START_TEST(fatal_failure_asks_for_a_reset)
{
	begin();
	queue()->tx_poll_err = NET_TX_FATAL;
	send_numbered(1);
	vnic_run(&vnic);
	ck_assert_uint_eq(vnic.needs_reset, 1);
	ck_assert_uint_eq(script->n_get_queues, 1);
	ck_assert_uint_eq(script->n_stop, 1);
	vnic_stop(&vnic);
	ck_assert_uint_eq(script->n_stop, 1);
	vnic.needs_reset = 0;
	begin();
	expect_alive();
}
END_TEST

/* An endpoint that fails again and again is not restarted for ever. */
START_TEST(restarts_end)
{
	begin();
	for (int k = 0; k < 100 && script->queues[0]; k++) {
		queue()->tx_poll_err = NET_TX_TRY_RESTART;
		send_numbered(1);
		vnic_run(&vnic);
		vnic_reap(&vnic);
	}
	ck_assert_uint_eq(vnic.needs_reset, 1);
	ck_assert_uint_lt(script->n_get_queues, 30);
}
END_TEST

START_TEST(restart_that_fails_asks_for_a_reset)
{
	begin();
	script->get_queues_err = -ENODEV;
	raise_action(NET_ACTION_RESTART_REQUIRED, true);
	vnic_run(&vnic);
	ck_assert_uint_eq(vnic.needs_reset, 1);
	vnic_stop(&vnic);
	vnic.needs_reset = 0;
	script->get_queues_err = 0;
	begin();
	expect_alive();
}
END_TEST

/* The guest stops while a restart waits for the endpoint: at its stop (0), at
 * its queues, which come (1) or not (2), or when they have failed (3). */
START_TEST(stop_during_restart)
{
	begin();
	script->hold = true;
	raise_action(NET_ACTION_RESTART_REQUIRED, true);
	vnic_run(&vnic);
	ck_assert_uint_eq(script->n_stop, 1);
	if (_i > 0) {
		script_endpoint_answer(script, 0);
		script->hold = _i != 3;
		script->get_queues_err = _i == 1 ? 0 : -EIO;
		vnic_run(&vnic);
		ck_assert_uint_eq(script->n_get_queues, 2);
	}
	vnic_begin_stop(&vnic);
	vnic_run(&vnic);
	if (_i < 3) {
		ck_assert(!vnic.done);
		script->hold = false;
		script_endpoint_answer(script, _i == 2 ? -EIO : 0);
		vnic_run(&vnic);
	}
	ck_assert(vnic.done);
	ck_assert_int_eq(vnic.err, 0);
	ck_assert_uint_eq(vnic.needs_reset, _i == 3 ? 1 : 0);
	ck_assert_uint_eq(script->base.live_queues, 0);
	ck_assert_uint_eq(script->n_get_queues, _i == 0 ? 1 : 2);
	script->get_queues_err = 0;
	vnic.needs_reset = 0;
	begin();
	expect_alive();
}
END_TEST

/* Restarts asked for during a restart are one more. */
START_TEST(restart_during_restart)
{
	begin();
	script->hold = true;
	raise_action(NET_ACTION_RESTART_REQUIRED, true);
	vnic_run(&vnic);
	raise_action(NET_ACTION_RESTART_REQUIRED, true);
	script_endpoint_answer(script, 0); /* stop */
	vnic_run(&vnic);
	raise_action(NET_ACTION_RESTART_REQUIRED, true);
	raise_action(NET_ACTION_RESTART_REQUIRED, true);
	vnic_run(&vnic);
	script->hold = false;
	script_endpoint_answer(script, 0); /* queues */
	vnic_run(&vnic);
	ck_assert_uint_eq(script->n_get_queues, 3);
	expect_alive();
}
END_TEST

START_TEST(link_is_told)
{
	uint8_t status[2];

	for (int k = 0; k < 6; k++) {
		if (k == 2)
			begin();
		raise_action(NET_ACTION_LINK_STATUS, k % 2);
		vnic_run(&vnic);
		vnic.device->ops->read_config(vnic.device, 6, status, 2);
		ck_assert_uint_eq(load_le16(status), k % 2);
		ck_assert_uint_eq(vnic.config_changes, (unsigned int)k + 1);
	}
	/* The same again is no change; a restart in between loses nothing. */
	raise_action(NET_ACTION_LINK_STATUS, true);
	vnic_run(&vnic);
	ck_assert_uint_eq(vnic.config_changes, 6);
	raise_action(NET_ACTION_LINK_STATUS, false);
	raise_action(NET_ACTION_RESTART_REQUIRED, false);
	vnic_run(&vnic);
	ck_assert_uint_eq(vnic.config_changes, 7);
	ck_assert_uint_eq(script->n_get_queues, 2);
	expect_alive();
}
END_TEST

/* Reset at any moment: random steps, each followed by some rounds of the loop,
 * on one thread or two. Whatever happened, every packet is completed at most
 * once, and the device works in the end. */
START_TEST(any_order)
{
	unsigned int seed = (unsigned int)_i + 1;
	unsigned int queued = 0, reaped = 0;

	vnic_unplug(&vnic);
	vnic_plug(&vnic, &script->base, 1, SIZE, _i % 2);
	for (int step = 0; step < 3000; step++) {
		if (!vnic.running) {
			queued = 0;
			reaped = 0;
			script->tx = rand_r(&seed) % 3 ? SCRIPT_TX_NOW
						       : SCRIPT_TX_SOON;
			ck_assert_int_eq(vnic_start(&vnic, RINGS), 0);
		}
		switch (rand_r(&seed) % 12) {
		case 0:
			vnic_stop(&vnic);
			continue;
		case 1:
			raise_action(NET_ACTION_RESTART_REQUIRED, true);
			break;
		case 2:
			raise_action(NET_ACTION_LINK_STATUS, rand_r(&seed) % 2);
			break;
		case 3:
			if (vnic.rx[0].n_free)
				vnic_post(&vnic, 1, 2000, 0);
			break;
		case 4: /* kicks for nothing */
			eventfd_signal(vnic.tx[0].kick_fd);
			eventfd_signal(vnic.rx[0].kick_fd);
			break;
		default:
			if (vnic.tx[0].n_free < 2)
				break;
			send_numbered(queued++);
			break;
		}
		for (unsigned int k = rand_r(&seed) % 4; k; k--)
			loop_run_once(&vnic.loop);
		reaped += vnic_reap(&vnic);
		ck_assert_uint_le(reaped, queued);
	}
	ck_assert_uint_eq(vnic.needs_reset, 0);
}
END_TEST

/* Answers what the endpoint holds back. True: the device has answered too. */
static bool answered(void *arg)
{
	UNUSED(arg);
	if (script->answer_waits)
		script_endpoint_answer(script, 0);
	return vnic.done;
}

/* The same with an endpoint that answers late and fails now and then: the guest
 * starts and stops in the middle of everything. */
START_TEST(any_order_with_a_slow_endpoint)
{
	unsigned int seed = (unsigned int)_i + 100;

	for (int step = 0; step < 3000; step++) {
		script->hold = rand_r(&seed) % 2;
		switch (rand_r(&seed) % 8) {
		case 0:
		case 1:
			raise_action(NET_ACTION_RESTART_REQUIRED, true);
			break;
		case 2:
			if (script->queues[0])
				script->queues[0]->tx_poll_err =
					NET_TX_TRY_RESTART;
			break;
		case 3:
			if (!vnic.running)
				break;
			vnic_begin_stop(&vnic);
			ck_assert(vnic_run_until(&vnic, answered, NULL));
			ck_assert_int_eq(vnic.err, 0);
			ck_assert_uint_eq(script->base.live_queues, 0);
			break;
		case 4:
		case 5:
			if (script->answer_waits)
				script_endpoint_answer(script, 0);
			break;
		default:
			if (vnic.running && vnic.tx[0].n_free >= 2)
				send_numbered(1);
			break;
		}
		if (!vnic.running) {
			vnic_begin_start(&vnic, RINGS);
			ck_assert(vnic_run_until(&vnic, answered, NULL));
			ck_assert_int_eq(vnic.err, 0);
		}
		for (unsigned int k = rand_r(&seed) % 4; k; k--)
			loop_run_once(&vnic.loop);
		(void)vnic_reap(&vnic);
	}
	script->hold = false;
	vnic_begin_stop(&vnic);
	ck_assert(vnic_run_until(&vnic, answered, NULL));
	vnic.needs_reset = 0;
	begin();
	expect_alive();
}
END_TEST

static bool all_completed(void *arg)
{
	return ring_driver_device_idx(arg) == 3;
}

START_TEST(two_pairs)
{
	vnic_unplug(&vnic);
	vnic_plug(&vnic, &script->base, 2, SIZE, _i);
	ck_assert_int_eq(vnic_start(&vnic, RINGS), 0);
	for (uint16_t pair = 0; pair < 2; pair++) {
		struct ring_driver *drv = &vnic.tx[pair];
		uint16_t head;
		uint32_t len;

		for (int k = 0; k < 3; k++)
			ring_driver_add(
				drv,
				&(struct ring_piece){vnic.tx_buf, 72, false}, 1,
				false);
		ring_driver_show(drv);
		ck_assert(vnic_run_until(&vnic, all_completed, drv));
		for (int k = 0; k < 3; k++)
			ck_assert(ring_driver_collect(drv, &head, &len));
	}
	ck_assert_uint_eq(script->base.live_queues, 2);
}
END_TEST

/* Both pairs are broken at once: the guest is told once. */
START_TEST(two_broken_pairs)
{
	vnic_unplug(&vnic);
	vnic_plug(&vnic, &script->base, 2, SIZE, false);
	begin();
	for (int pair = 0; pair < 2; pair++) {
		ring_driver_set_idx(&vnic.tx[pair], 5000);
		eventfd_signal(vnic.tx[pair].kick_fd);
	}
	vnic_run(&vnic);
	ck_assert_uint_eq(vnic.needs_reset, 1);
	ck_assert_uint_eq(script->base.live_queues, 0);
}
END_TEST

/* A guest that breaks a ring and resets at once is not told to reset. */
START_TEST(trouble_after_the_stop_is_no_matter)
{
	begin();
	ring_driver_set_idx(&vnic.tx[0], 5000);
	eventfd_signal(vnic.tx[0].kick_fd);
	/* The pair finds out, and nobody has heard of it yet. */
	loop_run_once(&vnic.loop);
	vnic_stop(&vnic);
	vnic_run(&vnic);
	ck_assert_uint_eq(vnic.needs_reset, 0);
	begin();
	expect_alive();
}
END_TEST

START_TEST(unordered_endpoint_is_refused)
{
	struct loop *loops[] = {&vnic.loop};
	struct virtio_net_config config = {
		.name = "nic1",
		.queue_size = SIZE,
		.endpoint = &script->base,
		.loop = &vnic.loop,
		.queue_loops = loops,
		.n_queue_pairs = 1,
	};
	struct virtio_device *device;

	script->ordered = false;
	ck_assert_int_eq(virtio_net_create(&config, &device), -EINVAL);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("virtio-net, life");
	TCase *tc = tcase_create("life");

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, config_tells_mac_status_mtu);
	tcase_add_test(tc, offer_follows_the_endpoint);
	tcase_add_test(tc, features_must_fit_together);
	tcase_add_test(tc, endpoint_is_asked_for_what_was_accepted);
	tcase_add_loop_test(tc, verdict_on_checksums_only_if_accepted, 0, 2);
	tcase_add_loop_test(tc, header_passes_through, 0, 4);
	tcase_add_test(tc, start_stop_many_times);
	tcase_add_test(tc, start_that_fails_leaves_it_stopped);
	tcase_add_test(tc, nothing_moves_after_stop);
	tcase_add_loop_test(tc, restart_loses_nothing, 0, 2);
	tcase_add_test(tc, drops_in_the_tail_are_done_once);
	tcase_add_test(tc, drops_among_those_in_flight_are_done_once);
	tcase_add_test(tc, device_sleeps);
	tcase_add_test(tc, shared_interrupt_is_raised_once);
	tcase_add_loop_test(tc, failures_are_restarts, 0, 3);
	tcase_add_test(tc, fatal_failure_asks_for_a_reset);
	tcase_add_test(tc, restarts_end);
	tcase_add_test(tc, restart_that_fails_asks_for_a_reset);
	tcase_add_loop_test(tc, stop_during_restart, 0, 4);
	tcase_add_test(tc, restart_during_restart);
	tcase_add_test(tc, link_is_told);
	tcase_add_loop_test(tc, any_order, 0, 8);
	tcase_add_loop_test(tc, any_order_with_a_slow_endpoint, 0, 4);
	tcase_add_loop_test(tc, two_pairs, 0, 2);
	tcase_add_test(tc, two_broken_pairs);
	tcase_add_test(tc, trouble_after_the_stop_is_no_matter);
	tcase_add_test(tc, unordered_endpoint_is_refused);
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
