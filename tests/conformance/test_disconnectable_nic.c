/* SPDX-License-Identifier: MIT */
/*
 * disconnectable under a virtio-net device: the endpoint is taken away and
 * replaced while packets are in flight. The guest sees its link go down and come
 * up; every packet is completed once, every receive buffer stays good.
 */
#include "backends/disconnectable.h"
#include "backends/loopback.h"
#include "base/bytes.h"
#include "net/vnet_hdr.h"
#include "support/count_calls.h"
#include "support/frames.h"
#include "support/run.h"
#include "support/script_endpoint.h"
#include "support/vnic.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define RINGS	  (VIRTIO_F_EVENT_IDX | VIRTIO_F_INDIRECT_DESC)
#define SIZE	  64
#define FRAME_LEN 60

static struct vnic vnic;
static struct net_endpoint *ep;
static struct disconnectable_error error;
static struct net_endpoint *back;
static unsigned int n_back;
static long live;
static unsigned char frame[VNIC_BUF_LEN];

/* Two endpoints that a test steers. */
static struct script_endpoint *a, *b;

static struct script_endpoint *make_script(void)
{
	struct script_endpoint *s;

	ck_assert_int_eq(script_endpoint_create(&vnic.loop, &s), 0);
	return s;
}

/* @threads: the pair runs on a thread of its own. */
static void plug(struct net_endpoint *first, bool threads)
{
	ck_assert_int_eq(disconnectable_create(&vnic.loop, first, &ep), 0);
	vnic_plug(&vnic, ep, 1, SIZE, threads);
	ck_assert_int_eq(vnic_start(&vnic, RINGS), 0);
	vnic_run(&vnic);
}

static void setup(void)
{
	vnic_init(&vnic);
	live = count_live_allocations();
	n_back = 0;
	back = NULL;
	store_be16(frame + 12, 0x0800);
}

static void setup_scripts(void)
{
	setup();
	a = make_script();
	b = make_script();
	plug(&a->base, false);
}

static void teardown(void)
{
	vnic_unplug(&vnic);
	net_endpoint_destroy(ep);
	vnic_run(&vnic);
	ck_assert_int_eq(count_live_allocations(), live);
	vnic_fini(&vnic);
}

static void back_cb(void *arg, struct net_endpoint *inner)
{
	UNUSED(arg);
	ck_assert_uint_eq(net_endpoint_live_queues(inner), 0);
	back = inner;
	n_back++;
}

static void disconnect(void)
{
	ck_assert_int_eq(disconnectable_disconnect(ep, back_cb, NULL), 0);
}

static void connect_to(struct net_endpoint *inner)
{
	ck_assert_int_eq(disconnectable_connect(ep, inner, &error), 0);
}

static void send_number(uint32_t number)
{
	store_le32(frame + 14, number);
	vnic_send(&vnic, NULL, frame, FRAME_LEN, 0);
}

static int64_t take_number(struct script_endpoint *s)
{
	unsigned char got[VNIC_BUF_LEN];

	if (script_queue_take(s->queues[0], got, sizeof(got), NULL) !=
	    FRAME_LEN)
		return -1;
	return load_le32(got + 14);
}

static bool guest_sees_link(void)
{
	uint8_t status[2];

	vnic.device->ops->read_config(vnic.device, VIRTIO_NET_CONFIG_STATUS,
				      status, sizeof(status));
	return load_le16(status) & VIRTIO_NET_S_LINK_UP;
}

/* Ten packets: the first endpoint completes one, holds three and does not take
 * six. */
START_TEST(each_transmit_completes_once)
{
	a->queues[0]->tx = SCRIPT_TX_HELD;
	a->queues[0]->tx_room = 4;
	for (uint32_t k = 0; k < 10; k++)
		send_number(k);
	vnic_run(&vnic);
	ck_assert_uint_eq(a->queues[0]->n_flying, 4);
	script_queue_complete(a->queues[0], 0);
	vnic_run(&vnic);
	ck_assert_uint_eq(vnic_reap(&vnic), 1);
	disconnect();
	vnic_run(&vnic);
	ck_assert_uint_eq(n_back, 1);
	ck_assert_ptr_eq(back, &a->base);
	ck_assert_uint_eq(a->n_stop, 1);
	ck_assert_uint_eq(vnic_reap(&vnic), 9);
	ck_assert_uint_eq(vnic_stats(&vnic)->tx_lost, 3);
	ck_assert_uint_eq(vnic_stats(&vnic)->tx_packets, 10);
	send_number(10); /* nobody is there */
	vnic_run(&vnic);
	ck_assert_uint_eq(vnic_reap(&vnic), 1);
	connect_to(&b->base);
	vnic_run(&vnic);
	send_number(11);
	vnic_run(&vnic);
	ck_assert_uint_eq(vnic_reap(&vnic), 1);
	ck_assert_int_eq(take_number(b), 11);
	ck_assert_int_eq(take_number(b), -1);
	ck_assert_uint_eq(vnic.needs_reset, 0);
	net_endpoint_destroy(&a->base);
}
END_TEST

static void back_and_connect_cb(void *arg, struct net_endpoint *inner)
{
	back_cb(arg, inner);
	connect_to(&b->base);
}

/* What the first has not taken is sent by the second. */
START_TEST(replacement_sends_what_was_not_taken)
{
	a->queues[0]->tx = SCRIPT_TX_HELD;
	a->queues[0]->tx_room = 4;
	for (uint32_t k = 0; k < 10; k++)
		send_number(k);
	vnic_run(&vnic);
	ck_assert_int_eq(
		disconnectable_disconnect(ep, back_and_connect_cb, NULL), 0);
	vnic_run(&vnic);
	ck_assert_uint_eq(n_back, 1);
	ck_assert_uint_eq(vnic_reap(&vnic), 10);
	ck_assert_uint_eq(vnic_stats(&vnic)->tx_lost, 4);
	for (uint32_t k = 4; k < 10; k++)
		ck_assert_int_eq(take_number(b), k);
	ck_assert_int_eq(take_number(b), -1);
	ck_assert_uint_eq(b->n_get_queues, 1);
	net_endpoint_destroy(&a->base);
}
END_TEST

/* The guest's buffers go from one to the other, in order. */
START_TEST(buffers_go_to_the_next)
{
	uint8_t hdr[VNIC_HDR_LEN];
	unsigned char in[VNIC_BUF_LEN];

	vnic_post(&vnic, 10, 2000, 0);
	vnic_run(&vnic);
	ck_assert_uint_eq(a->queues[0]->given, 10);
	disconnect();
	vnic_run(&vnic);
	ck_assert(!guest_sees_link());
	connect_to(&b->base);
	vnic_run(&vnic);
	ck_assert(guest_sees_link());
	ck_assert_uint_eq(b->queues[0]->given, 10);
	for (uint32_t k = 0; k < 10; k++) {
		store_le32(frame + 14, k);
		ck_assert_int_eq(
			script_queue_arrive(b->queues[0], frame, FRAME_LEN), 0);
	}
	vnic_run(&vnic);
	for (uint32_t k = 0; k < 10; k++) {
		ck_assert_int_eq(vnic_receive(&vnic, hdr, in, sizeof(in), NULL),
				 FRAME_LEN);
		ck_assert_uint_eq(load_le32(in + 14), k);
	}
	net_endpoint_destroy(&a->base);
}
END_TEST

START_TEST(guest_sees_the_link)
{
	unsigned int changes = vnic.config_changes;

	ck_assert(guest_sees_link());
	net_endpoint_raise(&a->base, net_action_link(false));
	a->link_up = false;
	vnic_run(&vnic);
	ck_assert(!guest_sees_link());
	disconnect();
	vnic_run(&vnic);
	ck_assert(!guest_sees_link());
	ck_assert_uint_eq(vnic.config_changes, changes + 1);
	connect_to(&b->base);
	vnic_run(&vnic);
	ck_assert(guest_sees_link());
	ck_assert_uint_eq(vnic.config_changes, changes + 2);
	net_endpoint_destroy(&a->base);
}
END_TEST

static bool has_event(enum net_event_type type)
{
	for (size_t i = 0; i < vnic.n_events; i++) {
		if (vnic.events[i].type == type)
			return true;
	}
	return false;
}

/* A host's side that went is told, and another that came in its place. */
START_TEST(lost_and_replaced)
{
	vnic.n_events = 0;
	a->link_up = false;
	net_endpoint_raise(&a->base, (struct net_action){NET_ACTION_LINK_STATUS,
							 false, true});
	vnic_run(&vnic);
	ck_assert_uint_eq(vnic.n_events, 2);
	ck_assert(has_event(NET_EVENT_BACKEND_LOST));
	ck_assert(has_event(NET_EVENT_LINK_DOWN));
	disconnect();
	vnic_run(&vnic);
	ck_assert_uint_eq(vnic.n_events, 2);
	vnic.n_events = 0;
	connect_to(&b->base);
	vnic_run(&vnic);
	ck_assert_uint_eq(vnic.n_events, 2);
	ck_assert(has_event(NET_EVENT_BACKEND_BACK));
	ck_assert(has_event(NET_EVENT_LINK_UP));
	net_endpoint_destroy(&a->base);
}
END_TEST

#define OFFLOADS                                              \
	(RINGS | VIRTIO_NET_F_CSUM | VIRTIO_NET_F_HOST_TSO4 | \
	 VIRTIO_F_VERSION_1)

/* Sends a TCP frame of three segments. */
static void send_gso(void)
{
	const struct frame_shape shape = {.gso_size = 1000, .payload = 2500};
	uint8_t hdr[VNIC_HDR_LEN] = {0};
	struct net_offload offload;
	size_t len = frame_make(&shape, frame, &offload);

	net_vnet_hdr_build(&offload, hdr);
	vnic_send(&vnic, hdr, frame, len, 0);
	vnic_run(&vnic);
	ck_assert_uint_eq(vnic_reap(&vnic), 1);
}

/* The offloads that the guest was promised by an endpoint that had them (0), or
 * by nobody's being there (1), are kept by one that has none. */
START_TEST(less_is_made_up_for_in_software)
{
	unsigned char got[VNIC_BUF_LEN];
	struct net_endpoint *first = NULL;
	size_t header_len;
	ssize_t len;

	setup();
	a = make_script();
	b = make_script();
	if (_i == 0) {
		a->vnet_hdr = true;
		a->tx_offloads = (struct net_tx_offloads){
			.tcp = true, .udp = true, .tso = true};
		first = &a->base;
	}
	ck_assert_int_eq(disconnectable_create(&vnic.loop, first, &ep), 0);
	vnic_plug(&vnic, ep, 1, SIZE, false);
	ck_assert_int_eq(vnic_start(&vnic, OFFLOADS), 0);
	vnic_run(&vnic);
	send_gso();
	if (_i == 0) {
		ck_assert_int_gt(
			script_queue_take(a->queues[0], got, sizeof(got), NULL),
			2500); /* whole, its header with it */
		disconnect();
		vnic_run(&vnic);
	}
	connect_to(&b->base);
	vnic_run(&vnic);
	ck_assert_ptr_eq(disconnectable_inner(ep), &b->base);
	send_gso();
	for (int k = 0; k < 3; k++) {
		len = script_queue_take(b->queues[0], got, sizeof(got), NULL);
		ck_assert_int_eq(len, 54 + (k < 2 ? 1000 : 500));
		ck_assert_ptr_null(frame_fault(got, (size_t)len, &header_len));
	}
	disconnect();
	vnic_run(&vnic);
	ck_assert_ptr_eq(back, &b->base); /* and nothing around it */
	send_gso();
	net_endpoint_destroy(&a->base);
	if (_i == 0)
		net_endpoint_destroy(&b->base);
	else
		connect_to(&b->base);
	teardown();
}
END_TEST

/* Answers what endpoints hold back. True: the device has answered too. */
static bool answered(void *arg)
{
	UNUSED(arg);
	if (a->answer_waits)
		script_endpoint_answer(a, 0);
	if (b->answer_waits)
		script_endpoint_answer(b, 0);
	return vnic.done;
}

static void complete_some(struct script_endpoint *s)
{
	if (s->queues[0] && s->queues[0]->n_flying)
		script_queue_complete(s->queues[0], 0);
}

/* The guest starts, stops and sends, endpoints come and go, answer late and
 * hold packets: as many packets are completed as were sent. */
START_TEST(any_order_under_a_guest)
{
	unsigned int seed = (unsigned int)_i + 1, sent = 0, done = 0;
	struct script_endpoint *out = b; /* not connected */

	a->tx = SCRIPT_TX_HELD;
	b->tx = SCRIPT_TX_SOON;
	for (int step = 0; step < 3000; step++) {
		a->hold = rand_r(&seed) % 2;
		b->hold = rand_r(&seed) % 2;
		switch (rand_r(&seed) % 8) {
		case 0:
			if (disconnectable_inner(ep) && !out)
				disconnect();
			break;
		case 1:
			if (back)
				out = back == &a->base ? a : b;
			back = NULL;
			if (out &&
			    disconnectable_connect(ep, &out->base, &error) == 0)
				out = NULL;
			break;
		case 2:
			if (rand_r(&seed) % 4)
				break;
			vnic_begin_stop(&vnic);
			ck_assert(vnic_run_until(&vnic, answered, NULL));
			ck_assert_int_eq(vnic.err, 0);
			sent = 0;
			done = 0;
			vnic_begin_start(&vnic, RINGS);
			ck_assert(vnic_run_until(&vnic, answered, NULL));
			ck_assert_int_eq(vnic.err, 0);
			break;
		case 3:
			(void)answered(NULL);
			break;
		case 4:
			complete_some(a);
			break;
		default:
			if (vnic.tx[0].n_free < 2)
				break;
			send_number(sent++);
			break;
		}
		for (unsigned int k = rand_r(&seed) % 4; k; k--)
			loop_run_once(&vnic.loop);
		done += vnic_reap(&vnic);
		ck_assert_uint_le(done, sent);
	}
	ck_assert_uint_eq(vnic.needs_reset, 0);
	for (int k = 0; k < 200; k++) {
		(void)answered(NULL);
		complete_some(a);
		vnic_run(&vnic);
	}
	done += vnic_reap(&vnic);
	ck_assert_uint_eq(done, sent);
	vnic_begin_stop(&vnic);
	ck_assert(vnic_run_until(&vnic, answered, NULL));
	if (back)
		out = back == &a->base ? a : b;
	if (out)
		net_endpoint_destroy(&out->base);
}
END_TEST

static unsigned int n_sent, n_done, n_received, n_wrong;

/* The guest's part of a load: as many frames as fit, and what comes of them. */
static void load(void)
{
	uint8_t hdr[VNIC_HDR_LEN];
	unsigned char in[VNIC_BUF_LEN];
	ssize_t len;

	while (vnic.tx[0].n_free >= 2 && n_sent - n_done < 32) {
		send_number(n_sent);
		n_sent++;
	}
	n_done += vnic_reap(&vnic);
	while ((len = vnic_receive(&vnic, hdr, in, sizeof(in), NULL)) !=
	       -EAGAIN) {
		n_wrong += len != FRAME_LEN;
		n_received++;
		vnic_post(&vnic, 1, 2000, 0);
	}
}

static unsigned int wanted;

static bool load_until_back(void *arg)
{
	UNUSED(arg);
	load();
	return back != NULL;
}

static bool load_until_received(void *arg)
{
	UNUSED(arg);
	load();
	return n_received >= wanted;
}

static bool drained(void *arg)
{
	UNUSED(arg);
	n_done += vnic_reap(&vnic);
	return n_done == n_sent;
}

/* Loopbacks come and go under a guest that never stops sending; the pair on the
 * control loop (0) or on a thread (1). */
START_TEST(replaced_under_load)
{
	struct net_endpoint *first, *other;

	ck_assert_int_eq(loopback_endpoint_create(&vnic.loop, &first), 0);
	ck_assert_int_eq(loopback_endpoint_create(&vnic.loop, &other), 0);
	plug(first, _i == 1);
	vnic_post(&vnic, 60, 2000, 0);
	n_sent = 0;
	n_done = 0;
	n_received = 0;
	n_wrong = 0;
	for (int round = 0; round < 30; round++) {
		wanted = n_received + 100;
		ck_assert(vnic_run_until(&vnic, load_until_received, NULL));
		back = NULL;
		disconnect();
		ck_assert(vnic_run_until(&vnic, load_until_back, NULL));
		connect_to(other);
		other = back;
	}
	wanted = n_received + 100;
	ck_assert(vnic_run_until(&vnic, load_until_received, NULL));
	ck_assert_uint_eq(n_wrong, 0);
	ck_assert_uint_eq(n_back, 30);
	ck_assert(vnic_run_until(&vnic, drained, NULL));
	ck_assert_uint_eq(vnic.needs_reset, 0);
	net_endpoint_destroy(other);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("disconnectable, under a guest");
	TCase *scripts = tcase_create("scripts");
	TCase *software = tcase_create("software");
	TCase *loads = tcase_create("loads");

	tcase_set_timeout(scripts, 60);
	tcase_add_checked_fixture(scripts, setup_scripts, teardown);
	tcase_add_test(scripts, each_transmit_completes_once);
	tcase_add_test(scripts, replacement_sends_what_was_not_taken);
	tcase_add_test(scripts, buffers_go_to_the_next);
	tcase_add_test(scripts, guest_sees_the_link);
	tcase_add_test(scripts, lost_and_replaced);
	tcase_add_loop_test(scripts, any_order_under_a_guest, 0, 4);
	suite_add_tcase(s, scripts);
	tcase_add_loop_test(software, less_is_made_up_for_in_software, 0, 2);
	suite_add_tcase(s, software);
	tcase_set_timeout(loads, 120);
	tcase_add_checked_fixture(loads, setup, teardown);
	tcase_add_loop_test(loads, replaced_under_load, 0, 2);
	suite_add_tcase(s, loads);
	return s;
}

int main(void)
{
	return test_run(suite());
}
