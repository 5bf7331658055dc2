/* SPDX-License-Identifier: MIT */
/*
 * The life of a virtio-net device: features, configuration, start and stop,
 * links that go up and down, and all of that in any order. Restarts of the
 * endpoint are in test_virtio_net_restart.c.
 */
#include "backends/null.h"
#include "base/bytes.h"
#include "conformance/script_nic.h"
#include "support/run.h"
#include "virtio/net_features.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

START_TEST(queues_know_whose_they_are)
{
	nic_begin();
	ck_assert_str_eq(nic_queue()->base.config.nic, "nic0");
}
END_TEST

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
	const uint64_t always =
		NIC_RINGS | VIRTIO_NET_F_MAC | VIRTIO_NET_F_STATUS |
		VIRTIO_NET_F_MRG_RXBUF | VIRTIO_NET_F_CTRL_VQ |
		VIRTIO_NET_F_CTRL_RX | VIRTIO_NET_F_CTRL_RX_EXTRA |
		VIRTIO_NET_F_CTRL_VLAN | VIRTIO_NET_F_CTRL_MAC_ADDR |
		VIRTIO_NET_F_GUEST_ANNOUNCE;
	const uint64_t host = VIRTIO_NET_F_CSUM | VIRTIO_NET_F_HOST_TSO4 |
			      VIRTIO_NET_F_HOST_TSO6 | VIRTIO_NET_F_HOST_ECN |
			      VIRTIO_NET_F_HOST_USO;
	struct net_endpoint *null;

	ck_assert_uint_eq(vnic.device->ops->features(vnic.device),
			  always | VIRTIO_NET_F_MTU);
	ck_assert_int_eq(null_endpoint_create(&vnic.loop, &null), 0);
	ck_assert_uint_eq(virtio_net_features_offer(null, false, 1),
			  always | host);
	ck_assert_uint_eq(virtio_net_features_offer(null, false, 2),
			  always | host | VIRTIO_NET_F_MQ | VIRTIO_NET_F_RSS);
	ck_assert_uint_eq(virtio_net_features_offer(&script->base, false, 2),
			  always | VIRTIO_NET_F_MQ);
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
		{VIRTIO_NET_F_CTRL_GUEST_OFFLOADS, VIRTIO_NET_F_CTRL_VQ},
		{VIRTIO_NET_F_CTRL_RX, VIRTIO_NET_F_CTRL_VQ},
		{VIRTIO_NET_F_CTRL_VLAN, VIRTIO_NET_F_CTRL_VQ},
		{VIRTIO_NET_F_CTRL_MAC_ADDR, VIRTIO_NET_F_CTRL_VQ},
		{VIRTIO_NET_F_GUEST_ANNOUNCE, VIRTIO_NET_F_CTRL_VQ},
		{VIRTIO_NET_F_MQ, VIRTIO_NET_F_CTRL_VQ},
		{VIRTIO_NET_F_RSS, VIRTIO_NET_F_CTRL_VQ},
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
		NIC_RINGS | VIRTIO_NET_F_MRG_RXBUF | VIRTIO_NET_F_GUEST_CSUM |
		VIRTIO_NET_F_GUEST_TSO4 | VIRTIO_NET_F_GUEST_USO4;
	const struct net_queue_config *config;

	ck_assert_int_eq(vnic_start(&vnic, features), 0);
	config = &nic_queue()->base.config;
	ck_assert(config->rx_offloads.csum);
	ck_assert(config->rx_offloads.tso4);
	ck_assert(!config->rx_offloads.tso6);
	ck_assert(!config->rx_offloads.uso); /* one version is not enough */
	ck_assert_uint_eq(config->rx_span, NIC_SIZE);
	vnic_stop(&vnic);
	ck_assert_int_eq(vnic_start(&vnic, NIC_RINGS), 0);
	config = &nic_queue()->base.config;
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
		vnic_start(&vnic,
			   NIC_RINGS | (_i ? VIRTIO_NET_F_GUEST_CSUM : 0)),
		0);
	vnic_post(&vnic, 1, 2000, 0);
	vnic_run(&vnic);
	nic_queue()->rx_meta = meta;
	ck_assert_int_eq(script_queue_arrive(nic_queue(), out, 100), 0);
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
	vnic_plug(&vnic, &script->base, 1, NIC_SIZE, false);
	ck_assert_int_eq(
		vnic_start(&vnic,
			   NIC_RINGS |
				   (mergeable ? VIRTIO_NET_F_MRG_RXBUF : 0) |
				   (csum ? VIRTIO_NET_F_GUEST_CSUM : 0)),
		0);
	vnic_post(&vnic, mergeable ? 10 : 1, buf, mergeable ? 5 : 99);
	vnic_run(&vnic);
	nic_queue()->rx_header = true;
	for (size_t k = 0; k < sizeof(out); k++)
		out[k] = (unsigned char)(k + 1);
	ck_assert_int_eq(script_queue_arrive(nic_queue(), out, 112), 0);
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
		nic_begin();
		vnic_post(&vnic, 10, 2000, 0);
		nic_expect_alive();
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
	ck_assert_int_eq(vnic_start(&vnic, NIC_RINGS), -EMFILE);
	ck_assert_uint_eq(vnic.needs_reset, 0);
	nic_raise(NET_ACTION_RESTART_REQUIRED, true);
	vnic_run(&vnic);
	ck_assert_uint_eq(script->n_get_queues, 1);
	script->get_queues_err = 0;
	nic_begin();
	nic_expect_alive();
}
END_TEST

/* Nothing of the guest's memory changes once the stop is answered. */
START_TEST(nothing_moves_after_stop)
{
	script->tx = SCRIPT_TX_HELD;
	nic_begin();
	vnic_post(&vnic, 5, 2000, 0);
	nic_send(1);
	vnic_run(&vnic);
	ck_assert_uint_eq(nic_queue()->n_flying, 1);
	nic_send(2); /* kicked, and not looked at */
	vnic_stop(&vnic);
	vnic_run(&vnic);
	ck_assert_uint_eq(vnic_reap(&vnic), 0);
	ck_assert_uint_eq(ring_driver_device_idx(&vnic.rx[0]), 0);
}
END_TEST

/* With nothing to do the device sleeps, however many buffers it has. */
START_TEST(device_sleeps)
{
	static const unsigned int bufs[] = {0, 1, 31, 1, 30, 1};
	unsigned int polls;

	nic_begin();
	for (size_t k = 0; k < ARRAY_SIZE(bufs); k++) {
		vnic_post(&vnic, bufs[k], k < 2 ? 100 : 3000, 0);
		vnic_run(&vnic);
		polls = nic_queue()->n_poll_ready;
		vnic_run(&vnic);
		ck_assert_uint_eq(nic_queue()->n_poll_ready, polls);
	}
	/* A tail that waits, and packets behind it. */
	nic_queue()->tx_room = 1;
	nic_send(1);
	nic_send(2);
	vnic_run(&vnic);
	nic_send(3);
	vnic_run(&vnic);
	polls = nic_queue()->n_poll_ready;
	vnic_run(&vnic);
	ck_assert_uint_eq(nic_queue()->n_poll_ready, polls);
	script_queue_grant(nic_queue(), 5);
	vnic_run(&vnic);
	ck_assert_uint_eq(vnic_reap(&vnic), 3);
}
END_TEST

/* Two rings with one interrupt, and something for both: it is raised once. */
START_TEST(shared_interrupt_is_raised_once)
{
	struct virtio_queue_setup queues[2];
	const struct virtio_start start = {
		.features = NIC_RINGS,
		.mem = &vnic.ram.mem,
		.queues = queues,
		.n_queues = 2,
	};

	nic_begin();
	vnic_stop(&vnic);
	ring_driver_reset(&vnic.rx[0]);
	ring_driver_reset(&vnic.tx[0]);
	queues[0] = ring_driver_setup(&vnic.rx[0]);
	queues[1] = ring_driver_setup(&vnic.tx[0]);
	queues[1].irq.fd = queues[0].irq.fd;
	ck_assert_int_eq(vnic_start_with(&vnic, &start), 0);
	vnic_post(&vnic, 1, 2000, 0);
	vnic_run(&vnic);
	ck_assert_int_eq(script_queue_arrive(nic_queue(), out, 60), 0);
	nic_send(1);
	vnic_run(&vnic);
	ck_assert_int_eq(vnic_receive(&vnic, hdr, in, sizeof(in), NULL), 60);
	ck_assert_uint_eq(vnic_reap(&vnic), 1);
	ck_assert_uint_eq(vnic_interrupts(&vnic.rx[0]), 1);
}
END_TEST

START_TEST(link_is_told)
{
	uint8_t status[2];

	for (int k = 0; k < 6; k++) {
		if (k == 2)
			nic_begin();
		nic_raise(NET_ACTION_LINK_STATUS, k % 2);
		vnic_run(&vnic);
		vnic.device->ops->read_config(vnic.device, 6, status, 2);
		ck_assert_uint_eq(load_le16(status), k % 2);
		ck_assert_uint_eq(vnic.config_changes, (unsigned int)k + 1);
	}
	/* The same again is no change; a restart in between loses nothing. */
	nic_raise(NET_ACTION_LINK_STATUS, true);
	vnic_run(&vnic);
	ck_assert_uint_eq(vnic.config_changes, 6);
	nic_raise(NET_ACTION_LINK_STATUS, false);
	nic_raise(NET_ACTION_RESTART_REQUIRED, false);
	vnic_run(&vnic);
	ck_assert_uint_eq(vnic.config_changes, 7);
	ck_assert_uint_eq(script->n_get_queues, 2);
	nic_expect_alive();
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
	vnic_plug(&vnic, &script->base, 1, NIC_SIZE, _i % 2);
	for (int step = 0; step < 3000; step++) {
		if (!vnic.running) {
			queued = 0;
			reaped = 0;
			script->tx = rand_r(&seed) % 3 ? SCRIPT_TX_NOW
						       : SCRIPT_TX_SOON;
			ck_assert_int_eq(vnic_start(&vnic, NIC_RINGS), 0);
		}
		switch (rand_r(&seed) % 12) {
		case 0:
			vnic_stop(&vnic);
			continue;
		case 1:
			nic_raise(NET_ACTION_RESTART_REQUIRED, true);
			break;
		case 2:
			nic_raise(NET_ACTION_LINK_STATUS, rand_r(&seed) % 2);
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
			nic_send(queued++);
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

static bool all_completed(void *arg)
{
	return ring_driver_device_idx(arg) == 3;
}

START_TEST(two_pairs)
{
	vnic_unplug(&vnic);
	vnic_plug(&vnic, &script->base, 2, NIC_SIZE, _i);
	ck_assert_int_eq(vnic_start(&vnic, NIC_RINGS), 0);
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
	vnic_plug(&vnic, &script->base, 2, NIC_SIZE, false);
	nic_begin();
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
	nic_begin();
	ring_driver_set_idx(&vnic.tx[0], 5000);
	eventfd_signal(vnic.tx[0].kick_fd);
	/* The pair finds out, and nobody has heard of it yet. */
	loop_run_once(&vnic.loop);
	vnic_stop(&vnic);
	vnic_run(&vnic);
	ck_assert_uint_eq(vnic.needs_reset, 0);
	nic_begin();
	nic_expect_alive();
}
END_TEST

START_TEST(unordered_endpoint_is_refused)
{
	struct loop *loops[] = {&vnic.loop};
	struct virtio_net_config config = {
		.name = "nic1",
		.queue_size = NIC_SIZE,
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
	tcase_add_checked_fixture(tc, nic_setup, nic_teardown);
	tcase_add_test(tc, queues_know_whose_they_are);
	tcase_add_test(tc, config_tells_mac_status_mtu);
	tcase_add_test(tc, offer_follows_the_endpoint);
	tcase_add_test(tc, features_must_fit_together);
	tcase_add_test(tc, endpoint_is_asked_for_what_was_accepted);
	tcase_add_loop_test(tc, verdict_on_checksums_only_if_accepted, 0, 2);
	tcase_add_loop_test(tc, header_passes_through, 0, 4);
	tcase_add_test(tc, start_stop_many_times);
	tcase_add_test(tc, start_that_fails_leaves_it_stopped);
	tcase_add_test(tc, nothing_moves_after_stop);
	tcase_add_test(tc, device_sleeps);
	tcase_add_test(tc, shared_interrupt_is_raised_once);
	tcase_add_test(tc, link_is_told);
	tcase_add_loop_test(tc, any_order, 0, 8);
	tcase_add_loop_test(tc, two_pairs, 0, 2);
	tcase_add_test(tc, two_broken_pairs);
	tcase_add_test(tc, trouble_after_the_stop_is_no_matter);
	tcase_add_test(tc, unordered_endpoint_is_refused);
	suite_add_tcase(s, tc);
	return s;
}

int main(void)
{
	return test_run(suite());
}
