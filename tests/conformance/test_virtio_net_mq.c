/* SPDX-License-Identifier: MIT */
/*
 * virtio-net with several queue pairs: which of them run, how the guest changes
 * that under traffic, and where its receive-side scaling goes. With a thread
 * for each pair, and with all of them on the control loop.
 */
#include "backends/loopback.h"
#include "base/bytes.h"
#include "conformance/script_nic.h"
#include "support/run.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define PAIRS	    4
#define MQ_FEATURES (NIC_RINGS | VIRTIO_NET_F_CTRL_VQ | VIRTIO_NET_F_MQ)
#define OK	    VIRTIO_NET_ACK_OK
#define ERR	    VIRTIO_NET_ACK_ERR
#define FRAME_LEN   60
#define TABLE_LEN   128

static struct net_endpoint *loopback;

static void setup(void)
{
	nic_setup();
	vnic_unplug(&vnic);
	vnic_plug(&vnic, &script->base, PAIRS, NIC_SIZE, false);
	vnic.one_pair = true;
}

static void teardown(void)
{
	nic_teardown();
	net_endpoint_destroy(loopback);
	loopback = NULL;
}

static void begin_with(uint64_t features)
{
	ck_assert_int_eq(vnic_start(&vnic, features), 0);
	vnic_run(&vnic);
}

static void send_on(uint16_t pair, uint32_t number)
{
	store_le32(out + 14, number);
	vnic_queue_to(&vnic, pair, NULL, out, FRAME_LEN, 0);
	ring_driver_show(&vnic.tx[pair]);
}

/* The number of the next frame that queue @pair was given; -1: none. */
static int64_t sent_on(uint16_t pair)
{
	if (!script->queues[pair] ||
	    script_queue_take(script->queues[pair], in, sizeof(in), NULL) !=
		    FRAME_LEN)
		return -1;
	return load_le32(in + 14);
}

START_TEST(one_pair_until_asked_for_more)
{
	begin_with(MQ_FEATURES);
	ck_assert_uint_eq(script->base.live_queues, 1);
	for (uint16_t pair = 0; pair < PAIRS; pair++)
		send_on(pair, 10U + pair);
	vnic_run(&vnic);
	ck_assert_int_eq(sent_on(0), 10);
	ck_assert_int_eq(sent_on(1), -1);
	ck_assert_int_eq(vnic_set_pairs(&vnic, 3), OK);
	ck_assert_uint_eq(script->base.live_queues, 3);
	vnic_run(&vnic);
	ck_assert_int_eq(sent_on(1), 11); /* was waiting in its ring */
	ck_assert_int_eq(sent_on(2), 12);
	ck_assert_uint_eq(vnic_reap_from(&vnic, 3), 0);
	send_on(2, 22);
	vnic_run(&vnic);
	ck_assert_int_eq(sent_on(2), 22);
	ck_assert_uint_eq(vnic_reap_from(&vnic, 2), 2);
	/* A reset takes them away again. */
	vnic_stop(&vnic);
	ck_assert_uint_eq(script->base.live_queues, 0);
	begin_with(MQ_FEATURES);
	ck_assert_uint_eq(script->base.live_queues, 1);
	nic_expect_alive();
}
END_TEST

START_TEST(wrong_numbers_of_pairs_are_refused)
{
	begin_with(MQ_FEATURES);
	ck_assert_int_eq(vnic_set_pairs(&vnic, 0), ERR);
	ck_assert_int_eq(vnic_set_pairs(&vnic, PAIRS + 1), ERR);
	ck_assert_int_eq(vnic_set_pairs(&vnic, 65535), ERR);
	ck_assert_int_eq(vnic_set_pairs(&vnic, 1), OK);
	ck_assert_uint_eq(script->n_get_queues, 1); /* it was so before */
	ck_assert_int_eq(vnic_set_pairs(&vnic, PAIRS), OK);
	ck_assert_uint_eq(script->n_get_queues, 2);
	ck_assert_uint_eq(script->base.live_queues, PAIRS);
	ck_assert_int_eq(vnic_set_pairs(&vnic, PAIRS + 1), ERR);
	ck_assert_int_eq(vnic_set_pairs(&vnic, PAIRS), OK);
	ck_assert_uint_eq(script->n_get_queues, 2);
	nic_expect_alive();
}
END_TEST

/* A guest that knows of one pair has the control queue after it (5.1.2). */
START_TEST(control_queue_of_a_single_pair)
{
	uint8_t off = 0;

	begin_with(NIC_RINGS | VIRTIO_NET_F_CTRL_VQ | VIRTIO_NET_F_CTRL_RX);
	ck_assert_int_eq(vnic_command(&vnic, VIRTIO_NET_CTRL_RX,
				      VIRTIO_NET_CTRL_RX_PROMISC, &off, 1),
			 OK);
	ck_assert_int_eq(vnic_set_pairs(&vnic, 2), ERR);
	nic_expect_alive();
}
END_TEST

/* More pairs than the guest has set up are not to be had. */
START_TEST(pairs_that_are_not_set_up)
{
	struct virtio_queue_setup queues[2 * PAIRS + 1];
	const struct virtio_start start = {
		.features = MQ_FEATURES,
		.mem = &vnic.ram.mem,
		.queues = queues,
		.n_queues = ARRAY_SIZE(queues),
	};

	begin_with(MQ_FEATURES);
	vnic_stop(&vnic);
	for (uint16_t i = 0; i < PAIRS; i++) {
		queues[2 * (size_t)i] = ring_driver_setup(&vnic.rx[i]);
		queues[2 * (size_t)i + 1] = ring_driver_setup(&vnic.tx[i]);
	}
	queues[2 * (size_t)PAIRS] = ring_driver_setup(&vnic.ctrl);
	ring_driver_reset(&vnic.ctrl);
	queues[5].enabled = false;
	ck_assert_int_eq(vnic_start_with(&vnic, &start), 0);
	ck_assert_int_eq(vnic_set_pairs(&vnic, 3), ERR);
	ck_assert_int_eq(vnic_set_pairs(&vnic, 2), OK);
	vnic_stop(&vnic);
	queues[1].enabled = false;
	ck_assert_int_eq(vnic_start_with(&vnic, &start), -EINVAL);
}
END_TEST

/* What a pair that is put to rest had in flight is completed then, once, and
 * the guest hears of it; what its queue had not taken waits in the ring. */
START_TEST(resting_pairs_keep_nothing_in_flight)
{
	script->tx = SCRIPT_TX_HELD;
	begin_with(MQ_FEATURES);
	ck_assert_int_eq(vnic_set_pairs(&vnic, 2), OK);
	script->queues[1]->tx_room = 3;
	for (uint32_t k = 0; k < 8; k++)
		send_on(1, k);
	vnic_run(&vnic);
	ck_assert_uint_eq(script->queues[1]->n_flying, 3);
	script_queue_complete(script->queues[1], 0);
	vnic_run(&vnic);
	ck_assert_uint_eq(vnic_reap_from(&vnic, 1), 1);
	ck_assert(!ring_driver_enable_irq(&vnic.tx[1]));
	(void)vnic_interrupts(&vnic.tx[1]);
	ck_assert_int_eq(vnic_set_pairs(&vnic, 1), OK);
	ck_assert_uint_eq(vnic_interrupts(&vnic.tx[1]), 1);
	ck_assert_uint_eq(vnic_reap_from(&vnic, 1), 2);
	ck_assert_uint_eq(virtio_net_stats(vnic.device, 1)->tx_lost, 2);
	script->tx = SCRIPT_TX_NOW;
	ck_assert_int_eq(vnic_set_pairs(&vnic, 2), OK);
	vnic_run(&vnic);
	for (uint32_t k = 3; k < 8; k++)
		ck_assert_int_eq(sent_on(1), k);
	ck_assert_int_eq(sent_on(1), -1);
	ck_assert_uint_eq(vnic_reap_from(&vnic, 1), 5);
	ck_assert_uint_eq(virtio_net_stats(vnic.device, 1)->tx_lost, 2);
	nic_expect_alive();
}
END_TEST

START_TEST(resting_pairs_keep_their_buffers)
{
	uint16_t heads[6], head;
	uint32_t len;

	begin_with(MQ_FEATURES);
	ck_assert_int_eq(vnic_set_pairs(&vnic, 2), OK);
	for (int k = 0; k < 6; k++) {
		heads[k] = vnic.rx[1].free_head;
		vnic_post_to(&vnic, 1, 1, 2000, 0);
	}
	vnic_run(&vnic);
	ck_assert_int_eq(script_queue_arrive(script->queues[1], out, FRAME_LEN),
			 0);
	vnic_run(&vnic);
	ck_assert_int_eq(vnic_set_pairs(&vnic, 1), OK);
	if (_i)
		guest_ram_move(&vnic.ram);
	ck_assert_int_eq(vnic_set_pairs(&vnic, 2), OK);
	vnic_run(&vnic);
	ck_assert_uint_eq(script->queues[1]->given, 5);
	for (int k = 1; k < 6; k++)
		ck_assert_int_eq(
			script_queue_arrive(script->queues[1], out, FRAME_LEN),
			0);
	vnic_run(&vnic);
	for (int k = 0; k < 6; k++) {
		ck_assert(ring_driver_collect(&vnic.rx[1], &head, &len));
		ck_assert_uint_eq(head, heads[k]);
	}
}
END_TEST

/* Memory that holds the resting pair's rings goes: the device asks for a reset
 * when they are wanted again, whatever happens before. */
START_TEST(memory_of_a_resting_pair_goes)
{
	struct guest_mem_region all = vnic.ram.mem.regions[0], part = all;

	/* Without EVENT_IDX the device writes to its rings more often. */
	begin_with(MQ_FEATURES & ~VIRTIO_F_EVENT_IDX);
	script->tx = SCRIPT_TX_HELD;
	ck_assert_int_eq(vnic_set_pairs(&vnic, PAIRS), OK);
	send_on(3, 1);
	vnic_run(&vnic);
	ck_assert_uint_eq(script->queues[3]->n_flying, 1);
	/* All but the last pair's transmit ring, which comes before the control
	 * queue's. */
	part.size = vnic.tx[3].desc - part.gpa;
	guest_mem_clear(&vnic.ram.mem);
	ck_assert_int_eq(guest_mem_add(&vnic.ram.mem, &part), 0);
	part.gpa = vnic.ctrl.desc;
	part.size = all.size - (part.gpa - all.gpa);
	part.host = all.host + (part.gpa - all.gpa);
	ck_assert_int_eq(guest_mem_add(&vnic.ram.mem, &part), 0);
	ck_assert_int_eq(vnic_set_pairs(&vnic, 1), OK);
	ck_assert_int_eq(vnic_set_pairs(&vnic, 2), OK);
	ck_assert_int_eq(vnic_set_pairs(&vnic, 1), OK);
	ck_assert_uint_eq(vnic.needs_reset, 0);
	ck_assert_int_eq(vnic_set_pairs(&vnic, PAIRS), ERR);
	ck_assert_uint_eq(vnic.needs_reset, 1);
	vnic_stop(&vnic);
	guest_mem_clear(&vnic.ram.mem);
	ck_assert_int_eq(guest_mem_add(&vnic.ram.mem, &all), 0);
	vnic.needs_reset = 0;
	begin_with(MQ_FEATURES);
	nic_expect_alive();
}
END_TEST

/* The endpoint has no second queue today: the guest is told, and goes on with
 * what it had. */
START_TEST(pairs_that_the_endpoint_refuses)
{
	begin_with(MQ_FEATURES);
	script->get_queues_err = -EBUSY;
	script->fail_after = 1;
	ck_assert_int_eq(vnic_set_pairs(&vnic, 2), ERR);
	ck_assert_uint_eq(script->n_get_queues, 3);
	ck_assert_uint_eq(script->base.live_queues, 1);
	nic_expect_alive();
	script->get_queues_err = 0;
	ck_assert_int_eq(vnic_set_pairs(&vnic, 2), OK);
	/* When not even that can be had, the device is of no use. */
	script->get_queues_err = -EBUSY;
	script->fail_after = 0;
	ck_assert_int_eq(vnic_set_pairs(&vnic, 3), ERR);
	ck_assert_uint_eq(vnic.needs_reset, 1);
	ck_assert_int_eq(vnic_set_pairs(&vnic, 3), ERR);
	vnic_stop(&vnic);
	vnic.needs_reset = 0;
	script->get_queues_err = 0;
	begin_with(MQ_FEATURES);
	nic_expect_alive();
}
END_TEST

static void noted(void *arg)
{
	*(bool *)arg = true;
}

/* While the machine is paused there are no queues; the command waits. */
START_TEST(pairs_are_set_when_the_pause_ends)
{
	bool paused = false, resumed = false;
	uint8_t data[] = {2, 0};

	begin_with(MQ_FEATURES);
	ck_assert_int_eq(virtio_net_pause(vnic.device, noted, &paused), 0);
	vnic_run(&vnic);
	ck_assert(paused);
	vnic_begin_command(&vnic, VIRTIO_NET_CTRL_MQ,
			   VIRTIO_NET_CTRL_MQ_VQ_PAIRS_SET, data, 2);
	vnic_run(&vnic);
	ck_assert_int_eq(vnic_command_answer(&vnic), -EAGAIN);
	ck_assert_int_eq(virtio_net_resume(vnic.device, noted, &resumed), 0);
	vnic_run(&vnic);
	ck_assert(resumed);
	ck_assert_int_eq(vnic_command_answer(&vnic), OK);
	ck_assert_uint_eq(script->base.live_queues, 2);
}
END_TEST

/* The command RSS_CONFIG (5.1.6.5.7.1), as Linux lays it out. */
struct rss_command {
	uint8_t data[4 + 2 + 2 + 2 * 1024 + 2 + 1 + 256];
	size_t len;
};

static struct rss_command rss_make(uint16_t table_len, uint16_t n_queues)
{
	struct rss_command rss = {.len = 8};

	store_le32(rss.data, NET_RSS_TCPV4 | NET_RSS_IPV6);
	store_le16(rss.data + 4, (uint16_t)(table_len - 1));
	store_le16(rss.data + 6, 0);
	for (uint16_t i = 0; i < table_len; i++, rss.len += 2)
		store_le16(rss.data + rss.len, i % n_queues);
	store_le16(rss.data + rss.len, n_queues);
	rss.len += 2;
	rss.data[rss.len++] = NET_RSS_KEY_LEN;
	for (uint8_t i = 0; i < NET_RSS_KEY_LEN; i++)
		rss.data[rss.len++] = i;
	return rss;
}

static int rss_send(const struct rss_command *rss)
{
	return vnic_command(&vnic, VIRTIO_NET_CTRL_MQ,
			    VIRTIO_NET_CTRL_MQ_RSS_CONFIG, rss->data, rss->len);
}

static void begin_rss(void)
{
	script->multiqueue.indirection_table_size = TABLE_LEN;
	begin_with(MQ_FEATURES | VIRTIO_NET_F_RSS);
}

START_TEST(rss_reaches_the_endpoint)
{
	struct rss_command rss = rss_make(TABLE_LEN, 3);

	begin_rss();
	ck_assert_uint_eq(script->rss.key_len, 0);
	ck_assert_int_eq(rss_send(&rss), OK);
	ck_assert_uint_eq(script->base.live_queues, 3);
	ck_assert_uint_eq(script->rss.key_len, NET_RSS_KEY_LEN);
	for (uint8_t i = 0; i < NET_RSS_KEY_LEN; i++)
		ck_assert_uint_eq(script->rss.key[i], i);
	ck_assert_uint_eq(script->rss.flags, NET_RSS_TCPV4 | NET_RSS_IPV6);
	ck_assert_uint_eq(script->rss.unclassified, 0);
	ck_assert_uint_eq(script->rss.indirection_table_len, TABLE_LEN);
	for (uint16_t i = 0; i < TABLE_LEN; i++)
		ck_assert_uint_eq(script->rss.indirection_table[i], i % 3);
	/* It stays over a restart. */
	nic_raise(NET_ACTION_RESTART_REQUIRED, true);
	vnic_run(&vnic);
	ck_assert_uint_eq(script->n_get_queues, 3);
	ck_assert_uint_eq(script->rss.indirection_table[5], 2);
	/* Pairs without a table are steered by whom they may be. */
	ck_assert_int_eq(vnic_set_pairs(&vnic, 3), OK);
	ck_assert_uint_eq(script->n_get_queues, 4);
	ck_assert_uint_eq(script->rss.key_len, 0);
}
END_TEST

/* The pairs that run are those of the table and those to transmit on. */
START_TEST(rss_says_how_many_pairs_run)
{
	struct rss_command rss = rss_make(1, 1);

	begin_rss();
	ck_assert_int_eq(rss_send(&rss), OK);
	ck_assert_uint_eq(script->base.live_queues, 1);
	store_le16(rss.data + 10, 2); /* max_tx_vq */
	ck_assert_int_eq(rss_send(&rss), OK);
	ck_assert_uint_eq(script->base.live_queues, 2);
	store_le16(rss.data + 6, 2); /* unclassified */
	ck_assert_int_eq(rss_send(&rss), OK);
	ck_assert_uint_eq(script->base.live_queues, 3);
	store_le16(rss.data + 8, 3); /* the table */
	ck_assert_int_eq(rss_send(&rss), OK);
	ck_assert_uint_eq(script->base.live_queues, 4);
	ck_assert_uint_eq(script->rss.unclassified, 2);
}
END_TEST

/* As Linux 6.12 sends it. */
START_TEST(rss_may_have_padding_behind)
{
	struct rss_command rss = rss_make(TABLE_LEN, 2);

	rss.len++;
	begin_rss();
	ck_assert_int_eq(rss_send(&rss), OK);
	ck_assert_uint_eq(script->base.live_queues, 2);
}
END_TEST

START_TEST(wrong_rss_is_refused)
{
	struct rss_command rss = rss_make(TABLE_LEN, 2);
	const size_t table_end = 8 + 2 * (size_t)TABLE_LEN;

	begin_rss();
	ck_assert_int_eq(rss_send(&rss), OK);
	switch (_i) {
	case 0:
		store_le32(rss.data, 1U << 9); /* a hash that nobody knows */
		break;
	case 1:
		rss = rss_make(2 * TABLE_LEN, 2);
		break;
	case 2:
		rss = rss_make(TABLE_LEN - 1, 2);
		break;
	case 3:
		store_le16(rss.data + 6, PAIRS);
		break;
	case 4:
		store_le16(rss.data + 8, PAIRS);
		break;
	case 5:
		store_le16(rss.data + table_end - 2, 0xffff);
		break;
	case 6:
		store_le16(rss.data + table_end, 0);
		break;
	case 7:
		store_le16(rss.data + table_end, PAIRS + 1);
		break;
	case 8:
		rss.data[table_end + 2] = NET_RSS_KEY_LEN - 1;
		rss.len--;
		break;
	case 9:
		rss.data[table_end + 2] = NET_RSS_KEY_LEN + 1;
		rss.len++;
		break;
	case 10:
		rss.len--;
		break;
	case 11:
		store_le16(rss.data + 4, 0xffff);
		break;
	default:
		rss.len = table_end / 2;
		break;
	}
	ck_assert_int_eq(rss_send(&rss), ERR);
	ck_assert_uint_eq(script->n_get_queues, 2);
	ck_assert_uint_eq(script->base.live_queues, 2);
	nic_expect_alive();
}
END_TEST

START_TEST(configuration_tells_of_rss)
{
	uint8_t config[VIRTIO_NET_CONFIG_LEN];

	script->multiqueue.indirection_table_size = (uint16_t)_i;
	vnic.device->ops->read_config(vnic.device, 0, config, sizeof(config));
	ck_assert_uint_eq(load_le16(config + 8), PAIRS);
	ck_assert_uint_eq(config[17], 40);
	ck_assert_uint_eq(load_le16(config + 18), _i < 128 ? 0 : 128);
	ck_assert_uint_eq(load_le32(config + 20), 0x1ff);
	ck_assert(!(vnic.device->ops->features(vnic.device) &
		    VIRTIO_NET_F_RSS) == (_i < 128));
}
END_TEST

START_TEST(more_pairs_than_queues_are_refused)
{
	struct loop *loops[PAIRS] = {&vnic.loop, &vnic.loop, &vnic.loop,
				     &vnic.loop};
	struct virtio_net_config config = {
		.name = "nic1",
		.queue_size = NIC_SIZE,
		.endpoint = &script->base,
		.loop = &vnic.loop,
		.queue_loops = loops,
		.n_queue_pairs = PAIRS,
	};
	struct virtio_device *device;

	script->multiqueue.max_queues = PAIRS - 1;
	ck_assert_int_eq(virtio_net_create(&config, &device), -EINVAL);
}
END_TEST

/* Answers what the endpoint holds back: there are queues, or it has failed. */
static void answer_held(void)
{
	bool failed = script->base.request_n && !script->base.live_queues;

	if (script->answer_waits)
		script_endpoint_answer(script, failed ? -EIO : 0);
}

/* The same until the device has answered too. */
static bool answered(void *arg)
{
	UNUSED(arg);
	answer_held();
	return vnic.done;
}

/* Commands of every kind in the middle of restarts, failures and resets, over
 * an endpoint that answers late. */
START_TEST(any_order_of_commands)
{
	unsigned int seed = (unsigned int)_i + 7;
	bool waits = false;

	for (int step = 0; step < 3000; step++) {
		uint8_t data[] = {(uint8_t)(rand_r(&seed) % (PAIRS + 2)), 0};

		script->hold = rand_r(&seed) % 2;
		switch (rand_r(&seed) % 10) {
		case 0:
			nic_raise(NET_ACTION_RESTART_REQUIRED, true);
			break;
		case 1:
			script->fail_after = rand_r(&seed) % PAIRS;
			script->get_queues_err = rand_r(&seed) % 2 ? -EIO : 0;
			break;
		case 2:
			if (!vnic.running)
				break;
			script->get_queues_err = 0;
			vnic_begin_stop(&vnic);
			ck_assert(vnic_run_until(&vnic, answered, NULL));
			ck_assert_uint_eq(script->base.live_queues, 0);
			waits = false;
			break;
		case 3:
		case 4:
			answer_held();
			break;
		case 5:
		case 6:
		case 7:
			if (!vnic.running || waits)
				break;
			waits = true;
			if (rand_r(&seed) % 2)
				vnic_begin_command(&vnic, VIRTIO_NET_CTRL_MQ, 0,
						   data, 2);
			else
				vnic_begin_command(&vnic, VIRTIO_NET_CTRL_RX, 0,
						   data, 1);
			break;
		default:
			for (uint16_t p = 0; vnic.running && p < PAIRS; p++) {
				if (vnic.tx[p].n_free >= 2)
					send_on(p, 1);
			}
			break;
		}
		if (!vnic.running) {
			script->get_queues_err = 0;
			vnic_begin_start(&vnic,
					 MQ_FEATURES | VIRTIO_NET_F_CTRL_RX);
			ck_assert(vnic_run_until(&vnic, answered, NULL));
			ck_assert_int_eq(vnic.err, 0);
		}
		for (unsigned int k = rand_r(&seed) % 5; k; k--)
			loop_run_once(&vnic.loop);
		for (uint16_t p = 0; p < PAIRS; p++)
			(void)vnic_reap_from(&vnic, p);
		if (waits)
			waits = vnic_command_answer(&vnic) == -EAGAIN;
	}
	script->hold = false;
	script->get_queues_err = 0;
	vnic_begin_stop(&vnic);
	ck_assert(vnic_run_until(&vnic, answered, NULL));
	vnic.needs_reset = 0;
	begin_with(MQ_FEATURES);
	ck_assert_int_eq(vnic_set_pairs(&vnic, PAIRS), OK);
	nic_expect_alive();
}
END_TEST

/* One pair's stream of numbered frames over loopback: sent to and come back. */
struct flow {
	uint32_t sent, completed, received, newest;
};

/* Sends some, takes what has come back: in order, nothing twice. */
static void flow_round(struct flow *flow, uint16_t pair)
{
	while (vnic.rx[pair].n_free)
		vnic_post_to(&vnic, pair, 1, 2000, 0);
	for (int k = 0; k < 20 && vnic.tx[pair].n_free >= 2; k++)
		send_on(pair, ++flow->sent);
	flow->completed += vnic_reap_from(&vnic, pair);
	while (vnic_receive_from(&vnic, pair, hdr, in, sizeof(in), NULL) > 0) {
		ck_assert_uint_gt(load_le32(in + 14), flow->newest);
		flow->newest = load_le32(in + 14);
		flow->received++;
		vnic_post_to(&vnic, pair, 1, 2000, 0);
	}
}

static bool flows_are_done(void *arg)
{
	struct flow *flows = arg;
	bool done = true;

	for (uint16_t p = 0; p < PAIRS; p++) {
		flows[p].completed += vnic_reap_from(&vnic, p);
		done &= flows[p].completed == flows[p].sent;
	}
	return done;
}

static void plug_loopback(bool threads)
{
	ck_assert_int_eq(loopback_endpoint_create(&vnic.loop, &loopback), 0);
	vnic_unplug(&vnic);
	vnic_plug(&vnic, loopback, PAIRS, NIC_SIZE, threads);
}

/* Each pair goes its own way, and nothing is lost. */
START_TEST(traffic_on_every_pair)
{
	struct flow flows[PAIRS] = {0};

	plug_loopback(_i);
	ck_assert_int_eq(vnic_start(&vnic, MQ_FEATURES), 0);
	for (bool more = true; more;) {
		more = false;
		for (uint16_t p = 0; p < PAIRS; p++) {
			flow_round(&flows[p], p);
			more |= flows[p].received < 3000;
		}
		loop_run_once(&vnic.loop);
	}
	for (uint16_t p = 0; p < PAIRS; p++) {
		const struct net_stats *stats =
			virtio_net_stats(vnic.device, p);

		ck_assert_uint_eq(flows[p].received, flows[p].newest);
		ck_assert_uint_ge(net_stat_get(&stats->tx_packets), 3000);
	}
}
END_TEST

/* The guest changes its mind about pairs and filters all the time: what it
 * sends is completed once, what comes back is in order, nothing hangs. */
START_TEST(commands_under_traffic)
{
	unsigned int seed = (unsigned int)_i;
	struct flow flows[PAIRS] = {0};

	plug_loopback(_i & 1);
	memcpy(out, "\x02\x01\x02\x03\x04\x05", 6);
	ck_assert_int_eq(vnic_start(&vnic, MQ_FEATURES | VIRTIO_NET_F_CTRL_RX),
			 0);
	for (int round = 0; round < 300; round++) {
		uint8_t off = 0;

		for (uint16_t p = 0; p < PAIRS; p++)
			flow_round(&flows[p], p);
		if (round % 3 == 0)
			ck_assert_int_eq(vnic_command(&vnic, VIRTIO_NET_CTRL_RX,
						      0, &off, 1),
					 OK);
		else if (round % 3 == 1)
			ck_assert_int_eq(
				vnic_set_pairs(
					&vnic,
					(uint16_t)(1 + rand_r(&seed) % PAIRS)),
				OK);
		vnic_run(&vnic);
	}
	ck_assert_int_eq(vnic_set_pairs(&vnic, PAIRS), OK);
	ck_assert(vnic_run_until(&vnic, flows_are_done, flows));
	for (uint16_t p = 0; p < PAIRS; p++)
		ck_assert_uint_gt(flows[p].received, 0);
	ck_assert_uint_eq(vnic.needs_reset, 0);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("virtio-net, several pairs");
	TCase *tc = tcase_create("several pairs");

	tcase_set_timeout(tc, 120);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, one_pair_until_asked_for_more);
	tcase_add_test(tc, wrong_numbers_of_pairs_are_refused);
	tcase_add_test(tc, control_queue_of_a_single_pair);
	tcase_add_test(tc, pairs_that_are_not_set_up);
	tcase_add_test(tc, resting_pairs_keep_nothing_in_flight);
	tcase_add_loop_test(tc, resting_pairs_keep_their_buffers, 0, 2);
	tcase_add_test(tc, memory_of_a_resting_pair_goes);
	tcase_add_test(tc, pairs_that_the_endpoint_refuses);
	tcase_add_test(tc, pairs_are_set_when_the_pause_ends);
	tcase_add_test(tc, rss_reaches_the_endpoint);
	tcase_add_test(tc, rss_says_how_many_pairs_run);
	tcase_add_test(tc, rss_may_have_padding_behind);
	tcase_add_loop_test(tc, wrong_rss_is_refused, 0, 13);
	tcase_add_loop_test(tc, configuration_tells_of_rss, 127, 129);
	tcase_add_test(tc, more_pairs_than_queues_are_refused);
	tcase_add_loop_test(tc, any_order_of_commands, 0, 4);
	tcase_add_loop_test(tc, traffic_on_every_pair, 0, 2);
	tcase_add_loop_test(tc, commands_under_traffic, 0, 4);
	suite_add_tcase(s, tc);
	return s;
}

int main(void)
{
	return test_run(suite());
}
