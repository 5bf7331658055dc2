/* SPDX-License-Identifier: MIT */
/*
 * The control queue of virtio-net: what each command does, what is refused, and
 * what becomes of frames that the guest's filter keeps out.
 */
#include "base/bytes.h"
#include "conformance/script_nic.h"
#include "net/rx_filter.h"
#include "support/run.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define CTRL_FEATURES                                              \
	(NIC_RINGS | VIRTIO_NET_F_CTRL_VQ | VIRTIO_NET_F_CTRL_RX | \
	 VIRTIO_NET_F_CTRL_RX_EXTRA | VIRTIO_NET_F_CTRL_VLAN |     \
	 VIRTIO_NET_F_CTRL_MAC_ADDR | VIRTIO_NET_F_GUEST_ANNOUNCE)

#define OK	  VIRTIO_NET_ACK_OK
#define ERR	  VIRTIO_NET_ACK_ERR
#define FRAME_LEN 60

static const uint8_t own[] = {0x02, 1, 2, 3, 4, 5};
static const uint8_t other[] = {0x02, 9, 9, 9, 9, 9};
static const uint8_t group[] = {0x01, 0, 0x5e, 0, 0, 1};
static const uint8_t everybody[] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

/* A byte of the buffer for commands. */
static uint8_t *ctrl_at(uint32_t at)
{
	return (uint8_t *)guest_ram_at(&vnic.ram, vnic.ctrl_buf) + at;
}

static void begin_with(uint64_t features)
{
	ck_assert_int_eq(vnic_start(&vnic, features), 0);
	vnic_run(&vnic);
}

static int rx_mode(uint8_t command, uint8_t on)
{
	return vnic_command(&vnic, VIRTIO_NET_CTRL_RX, command, &on, 1);
}

static int vlan(uint8_t command, uint16_t id)
{
	uint8_t data[2];

	store_le16(data, id);
	return vnic_command(&vnic, VIRTIO_NET_CTRL_VLAN, command, data,
			    sizeof(data));
}

static void arrive(const uint8_t *mac, uint16_t type, uint16_t tci)
{
	memcpy(out, mac, NET_MAC_LEN);
	store_be16(out + 12, type);
	store_be16(out + 14, tci);
	ck_assert_int_eq(script_queue_arrive(nic_queue(), out, FRAME_LEN), 0);
	vnic_run(&vnic);
}

/* Does the guest get such a frame? Each time one buffer more is posted if so,
 * and a frame that is kept out is counted. */
static bool gets_tagged(const uint8_t *mac, uint16_t type, uint16_t tci)
{
	uint64_t filtered = net_stat_get(&vnic_stats(&vnic)->rx_filtered);
	ssize_t len;

	arrive(mac, type, tci);
	len = vnic_receive(&vnic, hdr, in, sizeof(in), NULL);
	if (len == -EAGAIN) {
		ck_assert_uint_eq(vnic_stats(&vnic)->rx_filtered, filtered + 1);
		return false;
	}
	ck_assert_int_eq(len, FRAME_LEN);
	ck_assert_mem_eq(in, out, FRAME_LEN);
	ck_assert_uint_eq(vnic_stats(&vnic)->rx_filtered, filtered);
	vnic_post(&vnic, 1, 2000, 0);
	vnic_run(&vnic);
	return true;
}

static bool hears(const uint8_t *mac)
{
	return gets_tagged(mac, 0x0800, 0);
}

START_TEST(everything_arrives_at_first)
{
	begin_with(_i ? CTRL_FEATURES : NIC_RINGS);
	vnic_post(&vnic, 4, 2000, 0);
	ck_assert(hears(own));
	ck_assert(hears(other));
	ck_assert(hears(group));
	ck_assert(hears(everybody));
	ck_assert(gets_tagged(own, 0x8100, 5));
}
END_TEST

START_TEST(receive_modes)
{
	begin_with(CTRL_FEATURES);
	vnic_post(&vnic, 4, 2000, 0);
	ck_assert_int_eq(rx_mode(VIRTIO_NET_CTRL_RX_PROMISC, 0), OK);
	ck_assert(hears(own));
	ck_assert(!hears(other));
	ck_assert(!hears(group));
	ck_assert(hears(everybody));
	ck_assert_int_eq(rx_mode(VIRTIO_NET_CTRL_RX_ALLMULTI, 1), OK);
	ck_assert(hears(group));
	ck_assert(!hears(other));
	ck_assert_int_eq(rx_mode(VIRTIO_NET_CTRL_RX_ALLUNI, 1), OK);
	ck_assert(hears(other));
	ck_assert_int_eq(rx_mode(VIRTIO_NET_CTRL_RX_NOMULTI, 1), OK);
	ck_assert(!hears(group));
	ck_assert_int_eq(rx_mode(VIRTIO_NET_CTRL_RX_NOUNI, 1), OK);
	ck_assert(!hears(own));
	ck_assert(hears(everybody));
	ck_assert_int_eq(rx_mode(VIRTIO_NET_CTRL_RX_NOBCAST, 1), OK);
	ck_assert(!hears(everybody));
	ck_assert_int_eq(rx_mode(VIRTIO_NET_CTRL_RX_PROMISC, 1), OK);
	ck_assert(hears(own));
	/* A reset opens it again. */
	ck_assert_int_eq(rx_mode(VIRTIO_NET_CTRL_RX_PROMISC, 0), OK);
	vnic_stop(&vnic);
	begin_with(CTRL_FEATURES);
	vnic_post(&vnic, 4, 2000, 0);
	ck_assert(hears(other));
}
END_TEST

/* One entry of the table. */
static uint8_t *put_mac(uint8_t *to, const uint8_t *mac)
{
	memcpy(to, mac, NET_MAC_LEN);
	return to + NET_MAC_LEN;
}

START_TEST(address_tables)
{
	uint8_t data[8 + 3 * NET_MAC_LEN], *at = data;

	begin_with(CTRL_FEATURES);
	vnic_post(&vnic, 4, 2000, 0);
	ck_assert_int_eq(rx_mode(VIRTIO_NET_CTRL_RX_PROMISC, 0), OK);
	store_le32(at, 1);
	at = put_mac(at + 4, other);
	store_le32(at, 2);
	at = put_mac(at + 4, everybody);
	at = put_mac(at, group);
	ck_assert_int_eq(vnic_command(&vnic, VIRTIO_NET_CTRL_MAC,
				      VIRTIO_NET_CTRL_MAC_TABLE_SET, data,
				      sizeof(data)),
			 OK);
	ck_assert(hears(other));
	ck_assert(hears(group));
	/* A byte too few, a byte too many, a count that lies: no change. */
	ck_assert_int_eq(vnic_command(&vnic, VIRTIO_NET_CTRL_MAC,
				      VIRTIO_NET_CTRL_MAC_TABLE_SET, data,
				      sizeof(data) - 1),
			 ERR);
	store_le32(data, 2);
	ck_assert_int_eq(vnic_command(&vnic, VIRTIO_NET_CTRL_MAC,
				      VIRTIO_NET_CTRL_MAC_TABLE_SET, data,
				      sizeof(data)),
			 ERR);
	store_le32(data, UINT32_MAX);
	ck_assert_int_eq(vnic_command(&vnic, VIRTIO_NET_CTRL_MAC,
				      VIRTIO_NET_CTRL_MAC_TABLE_SET, data,
				      sizeof(data)),
			 ERR);
	memset(data, 0, sizeof(data));
	ck_assert_int_eq(vnic_command(&vnic, VIRTIO_NET_CTRL_MAC,
				      VIRTIO_NET_CTRL_MAC_TABLE_SET, data, 9),
			 ERR);
	ck_assert(hears(other));
	ck_assert(hears(group));
	ck_assert_int_eq(vnic_command(&vnic, VIRTIO_NET_CTRL_MAC,
				      VIRTIO_NET_CTRL_MAC_TABLE_SET, data, 8),
			 OK);
	ck_assert(!hears(other));
	ck_assert(!hears(group));
}
END_TEST

/* Longer lists than the table holds let everything of their kind in. */
START_TEST(long_address_tables)
{
	static uint8_t data[8 + 1000 * NET_MAC_LEN];
	const uint32_t n = _i ? 1000 : NET_MAC_TABLE_MAX;
	const size_t len = 8 + (size_t)n * NET_MAC_LEN;

	begin_with(CTRL_FEATURES);
	vnic_post(&vnic, 4, 2000, 0);
	ck_assert_int_eq(rx_mode(VIRTIO_NET_CTRL_RX_PROMISC, 0), OK);
	memset(data, 0x02, sizeof(data));
	store_le32(data, n);
	store_le32(data + len - 4, 0);
	ck_assert_int_eq(vnic_command(&vnic, VIRTIO_NET_CTRL_MAC,
				      VIRTIO_NET_CTRL_MAC_TABLE_SET, data, len),
			 OK);
	ck_assert(hears(other) == (n > NET_MAC_TABLE_MAX));
	ck_assert(!hears(group));
	memmove(data + 4, data, len - 4);
	store_le32(data, 0);
	ck_assert_int_eq(vnic_command(&vnic, VIRTIO_NET_CTRL_MAC,
				      VIRTIO_NET_CTRL_MAC_TABLE_SET, data, len),
			 OK);
	ck_assert(!hears(other));
	ck_assert(hears(group) == (n > NET_MAC_TABLE_MAX));
}
END_TEST

START_TEST(address_is_set_until_the_reset)
{
	const struct virtio_device_ops *ops = vnic.device->ops;
	uint8_t mac[NET_MAC_LEN];

	begin_with(CTRL_FEATURES);
	vnic_post(&vnic, 4, 2000, 0);
	ck_assert_int_eq(rx_mode(VIRTIO_NET_CTRL_RX_PROMISC, 0), OK);
	ck_assert_int_eq(vnic_command(&vnic, VIRTIO_NET_CTRL_MAC,
				      VIRTIO_NET_CTRL_MAC_ADDR_SET, other, 6),
			 OK);
	ck_assert_int_eq(vnic_command(&vnic, VIRTIO_NET_CTRL_MAC,
				      VIRTIO_NET_CTRL_MAC_ADDR_SET, own, 5),
			 ERR);
	ck_assert(hears(other));
	ck_assert(!hears(own));
	ops->read_config(vnic.device, 0, mac, sizeof(mac));
	ck_assert_mem_eq(mac, other, sizeof(mac));
	vnic_stop(&vnic);
	ops->read_config(vnic.device, 0, mac, sizeof(mac));
	ck_assert_mem_eq(mac, own, sizeof(mac));
}
END_TEST

START_TEST(vlans)
{
	begin_with(CTRL_FEATURES);
	vnic_post(&vnic, 4, 2000, 0);
	ck_assert_int_eq(rx_mode(VIRTIO_NET_CTRL_RX_PROMISC, 0), OK);
	ck_assert(hears(own));
	ck_assert(!gets_tagged(own, 0x8100, 7));
	ck_assert_int_eq(vlan(VIRTIO_NET_CTRL_VLAN_ADD, 7), OK);
	ck_assert_int_eq(vlan(VIRTIO_NET_CTRL_VLAN_ADD, 4095), OK);
	ck_assert(gets_tagged(own, 0x8100, 7));
	ck_assert(gets_tagged(own, 0x8100, 4095));
	ck_assert(!gets_tagged(own, 0x8100, 8));
	ck_assert_int_eq(vlan(VIRTIO_NET_CTRL_VLAN_DEL, 7), OK);
	ck_assert(!gets_tagged(own, 0x8100, 7));
	ck_assert_int_eq(vlan(VIRTIO_NET_CTRL_VLAN_ADD, 4096), ERR);
	ck_assert_int_eq(vlan(2, 7), ERR);
}
END_TEST

/* A driver that has not agreed on VLAN filtering gets every VLAN. */
START_TEST(vlans_without_their_feature)
{
	begin_with(CTRL_FEATURES & ~VIRTIO_NET_F_CTRL_VLAN);
	vnic_post(&vnic, 4, 2000, 0);
	ck_assert_int_eq(rx_mode(VIRTIO_NET_CTRL_RX_PROMISC, 0), OK);
	ck_assert(gets_tagged(own, 0x8100, 7));
	ck_assert(!gets_tagged(other, 0x8100, 7));
}
END_TEST

START_TEST(unknown_and_unagreed_commands_are_refused)
{
	static const struct {
		uint64_t feature;
		uint8_t class, command, len;
	} commands[] = {
		{VIRTIO_NET_F_CTRL_RX, 0, 0, 1},
		{VIRTIO_NET_F_CTRL_RX, 0, 1, 1},
		{VIRTIO_NET_F_CTRL_RX_EXTRA, 0, 2, 1},
		{VIRTIO_NET_F_CTRL_RX_EXTRA, 0, 5, 1},
		{VIRTIO_NET_F_CTRL_RX, 1, 0, 8},
		{VIRTIO_NET_F_CTRL_MAC_ADDR, 1, 1, 6},
		{VIRTIO_NET_F_CTRL_VLAN, 2, 0, 2},
		{VIRTIO_NET_F_CTRL_VLAN, 2, 1, 2},
		{VIRTIO_NET_F_GUEST_ANNOUNCE, 3, 0, 0},
	};
	static const uint8_t zero[16];

	for (size_t k = 0; k < ARRAY_SIZE(commands); k++) {
		for (int with = 0; with < 2; with++) {
			begin_with(CTRL_FEATURES &
				   ~(with ? 0 : commands[k].feature));
			ck_assert_int_eq(vnic_command(&vnic, commands[k].class,
						      commands[k].command, zero,
						      commands[k].len),
					 with ? OK : ERR);
			if (commands[k].len)
				ck_assert_int_eq(
					vnic_command(&vnic, commands[k].class,
						     commands[k].command, zero,
						     commands[k].len - 1U),
					ERR);
			ck_assert_int_eq(vnic_command(&vnic, commands[k].class,
						      commands[k].command, zero,
						      commands[k].len + 1U),
					 ERR);
			vnic_stop(&vnic);
		}
	}
	begin_with(CTRL_FEATURES);
	for (unsigned int class = 0; class < 256; class ++)
		ck_assert_int_eq(
			vnic_command(&vnic, (uint8_t) class, 6, zero, 1), ERR);
	ck_assert_int_eq(vnic_command(&vnic, VIRTIO_NET_CTRL_MQ,
				      VIRTIO_NET_CTRL_MQ_VQ_PAIRS_SET, zero, 2),
			 ERR);
	nic_expect_alive();
}
END_TEST

static uint16_t status_of_nic(void)
{
	uint8_t status[2];

	vnic.device->ops->read_config(vnic.device, VIRTIO_NET_CONFIG_STATUS,
				      status, sizeof(status));
	return load_le16(status);
}

/* A link that comes up may lead to another network: the guest is asked to make
 * itself known, until it says that it has. */
START_TEST(guest_is_asked_to_announce_itself)
{
	const uint16_t up = VIRTIO_NET_S_LINK_UP;
	const uint16_t asked = _i ? up | VIRTIO_NET_S_ANNOUNCE : up;

	begin_with(_i ? CTRL_FEATURES
		      : CTRL_FEATURES & ~VIRTIO_NET_F_GUEST_ANNOUNCE);
	ck_assert_uint_eq(status_of_nic(), up);
	virtio_net_set_link(vnic.device, false);
	ck_assert_uint_eq(status_of_nic(), 0);
	virtio_net_set_link(vnic.device, true);
	ck_assert_uint_eq(status_of_nic(), asked);
	ck_assert_int_eq(vnic_command(&vnic, VIRTIO_NET_CTRL_ANNOUNCE,
				      VIRTIO_NET_CTRL_ANNOUNCE_ACK, NULL, 0),
			 _i ? OK : ERR);
	ck_assert_uint_eq(status_of_nic(), up);
	virtio_net_set_link(vnic.device, false);
	virtio_net_set_link(vnic.device, true);
	vnic_stop(&vnic);
	ck_assert_uint_eq(status_of_nic(), up);
}
END_TEST

static int set_offloads(uint64_t bits)
{
	uint8_t data[8];

	store_le64(data, bits);
	return vnic_command(&vnic, VIRTIO_NET_CTRL_GUEST_OFFLOADS,
			    VIRTIO_NET_CTRL_GUEST_OFFLOADS_SET, data,
			    sizeof(data));
}

/* The guest switches off what it has agreed on, and on again. */
START_TEST(offloads_are_switched)
{
	const uint64_t csum = VIRTIO_NET_F_GUEST_CSUM;
	const uint64_t tso4 = VIRTIO_NET_F_GUEST_TSO4;
	const struct net_queue_config *config;

	begin_with(CTRL_FEATURES | VIRTIO_NET_F_CTRL_GUEST_OFFLOADS | csum |
		   tso4);
	ck_assert_int_eq(set_offloads(csum | tso4), OK);
	ck_assert_uint_eq(script->n_get_queues, 1);
	ck_assert_int_eq(set_offloads(csum), OK);
	ck_assert_uint_eq(script->n_get_queues, 2);
	config = &nic_queue()->base.config;
	ck_assert(config->rx_offloads.csum);
	ck_assert(!config->rx_offloads.tso4);
	ck_assert_int_eq(set_offloads(0), OK);
	ck_assert(!nic_queue()->base.config.rx_offloads.csum);
	/* Without their foundation, or not agreed on. */
	ck_assert_int_eq(set_offloads(tso4), ERR);
	ck_assert_int_eq(set_offloads(csum | VIRTIO_NET_F_GUEST_TSO6), ERR);
	ck_assert_int_eq(set_offloads(csum | VIRTIO_NET_F_CSUM), ERR);
	ck_assert_uint_eq(script->n_get_queues, 3);
	ck_assert_int_eq(set_offloads(csum | tso4), OK);
	ck_assert(nic_queue()->base.config.rx_offloads.tso4);
	vnic_stop(&vnic);
	begin_with(CTRL_FEATURES | csum);
	ck_assert(nic_queue()->base.config.rx_offloads.csum);
	ck_assert_int_eq(set_offloads(csum), ERR);
}
END_TEST

/* The buffers of frames that are kept out are filled by those that come after,
 * in turn, and each goes back to the guest once. */
START_TEST(kept_out_frames_cost_no_buffers)
{
	const uint64_t features =
		CTRL_FEATURES | (_i & 1 ? VIRTIO_NET_F_MRG_RXBUF : 0);
	const uint32_t piece = _i & 2 ? 50 : 0;
	const unsigned int n_bufs = _i & 4 ? NIC_SIZE : 7;
	unsigned int n, got = 0;

	begin_with(features);
	vnic_post(&vnic, n_bufs, 112, piece);
	ck_assert_int_eq(rx_mode(VIRTIO_NET_CTRL_RX_PROMISC, 0), OK);
	for (uint32_t k = 0; k < 500; k++) {
		size_t len = k % 7 == 3 && (_i & 1) ? 400 : 100;

		memcpy(out, k % 5 ? other : own, NET_MAC_LEN);
		store_be16(out + 12, 0x0800);
		store_le32(out + 14, k);
		ck_assert_int_eq(script_queue_arrive(nic_queue(), out, len), 0);
		if (k % 3 == 0)
			vnic_run(&vnic);
	}
	vnic_run(&vnic);
	while (vnic_receive(&vnic, hdr, in, sizeof(in), &n) > 0) {
		ck_assert_mem_eq(in, own, NET_MAC_LEN);
		ck_assert_uint_eq(load_le32(in + 14), 5 * got);
		got++;
		vnic_post(&vnic, n, 112, piece);
		vnic_run(&vnic);
	}
	ck_assert_uint_eq(got, 100);
	ck_assert_uint_eq(vnic_stats(&vnic)->rx_filtered, 400);
	ck_assert_uint_eq(nic_queue()->dropped, 0);
	nic_expect_alive();
}
END_TEST

/* A frame of no length was dropped by a wrapper: its buffer is given again. */
START_TEST(what_was_dropped_leaves_its_buffers)
{
	script->vnet_hdr = true;
	begin_with(NIC_RINGS);
	nic_queue()->rx_header = true;
	vnic_post(&vnic, 1, 2000, 0);
	vnic_run(&vnic);
	memset(out, 0, VNIC_HDR_LEN);
	for (uint32_t k = 0; k < 5; k++) {
		ck_assert_int_eq(
			script_queue_arrive(nic_queue(), out, VNIC_HDR_LEN), 0);
		vnic_run(&vnic);
		ck_assert_int_eq(vnic_receive(&vnic, hdr, in, sizeof(in), NULL),
				 -EAGAIN);
		ck_assert_uint_eq(nic_queue()->given, k + 2);
	}
	ck_assert_int_eq(
		script_queue_arrive(nic_queue(), out, VNIC_HDR_LEN + FRAME_LEN),
		0);
	vnic_run(&vnic);
	ck_assert_int_eq(vnic_receive(&vnic, hdr, in, sizeof(in), NULL),
			 FRAME_LEN);
	ck_assert_uint_eq(vnic_stats(&vnic)->rx_filtered, 0);
}
END_TEST

/* The same buffers, whatever order they came back in. */
START_TEST(order_after_a_restart)
{
	static const int order[] = {3, 5, 1, 4, 2, 0};
	uint16_t head, heads[6];
	uint32_t len;

	begin_with(CTRL_FEATURES);
	for (int k = 0; k < 6; k++) {
		heads[k] = vnic.rx[0].free_head;
		vnic_post(&vnic, 1, 2000, 0);
	}
	ck_assert_int_eq(rx_mode(VIRTIO_NET_CTRL_RX_PROMISC, 0), OK);
	ck_assert(!hears(other));
	ck_assert(!hears(other));
	nic_raise(NET_ACTION_RESTART_REQUIRED, true);
	vnic_run(&vnic);
	ck_assert_uint_eq(script->n_get_queues, 2);
	for (int k = 0; k < 6; k++) {
		arrive(other, 0x0800, 0); /* the filter is still there */
		arrive(own, 0x0800, 0);
	}
	for (int k = 0; k < 6; k++) {
		ck_assert(ring_driver_collect(&vnic.rx[0], &head, &len));
		ck_assert_uint_eq(head, heads[order[k]]);
	}
}
END_TEST

/* A command in pieces of one byte, directly and by an indirect table. */
START_TEST(commands_in_pieces)
{
	struct ring_piece pieces[40];
	uint8_t data[2 + 8 + 3 * NET_MAC_LEN], *at = data + 2;
	uint32_t len;
	uint16_t head, n = 0;

	begin_with(CTRL_FEATURES);
	vnic_post(&vnic, 4, 2000, 0);
	ck_assert_int_eq(rx_mode(VIRTIO_NET_CTRL_RX_PROMISC, 0), OK);
	data[0] = VIRTIO_NET_CTRL_MAC;
	data[1] = VIRTIO_NET_CTRL_MAC_TABLE_SET;
	store_le32(at, 2);
	at = put_mac(at + 4, everybody);
	at = put_mac(at, other);
	store_le32(at, 1);
	at = put_mac(at + 4, group);
	memcpy(ctrl_at(0), data, sizeof(data));
	for (; n < sizeof(data); n++)
		pieces[n] = (struct ring_piece){vnic.ctrl_buf + n, 1, false};
	pieces[n++] = (struct ring_piece){vnic.ctrl_buf + 100, 5, true};
	pieces[n++] = (struct ring_piece){vnic.ctrl_buf + 200, 5, true};
	ring_driver_add(&vnic.ctrl, pieces, n, _i);
	ring_driver_show(&vnic.ctrl);
	vnic_run(&vnic);
	ck_assert(ring_driver_collect(&vnic.ctrl, &head, &len));
	ck_assert_uint_eq(len, 1);
	ck_assert_uint_eq(*ctrl_at(100), OK);
	ck_assert(hears(other));
	ck_assert(hears(group));
}
END_TEST

/* Chains that nobody sends in earnest. */
START_TEST(senseless_chains_hurt_nobody)
{
	/* Addresses below 10 count from the buffer. */
	static const struct {
		struct ring_piece pieces[2];
		uint16_t n;
		uint32_t used;
	} chains[] = {
		{{{0, 3, false}}, 1, 0},
		{{{9, 3, true}}, 1, 1},
		{{{0, 0, false}, {9, 0, true}}, 2, 0},
		{{{0, 1, false}, {9, 1, true}}, 2, 1},
		{{{9, 1, true}, {0, 3, false}}, 2, 0},
		{{{UINT64_MAX, 3, false}, {9, 1, true}}, 2, 1},
		{{{0, UINT32_MAX, false}, {9, 1, true}}, 2, 1},
		{{{0, 3, false}, {UINT64_MAX, 1, true}}, 2, 0},
	};

	begin_with(CTRL_FEATURES);
	vnic_post(&vnic, 4, 2000, 0);
	for (size_t k = 0; k < ARRAY_SIZE(chains); k++) {
		struct ring_piece pieces[2];
		uint32_t len;
		uint16_t head;

		memcpy(pieces, chains[k].pieces, sizeof(pieces));
		for (uint16_t p = 0; p < chains[k].n; p++) {
			if (pieces[p].gpa < 10)
				pieces[p].gpa += vnic.ctrl_buf;
		}
		memset(ctrl_at(0), 0, 10);
		*ctrl_at(9) = 0xaa;
		ring_driver_add(&vnic.ctrl, pieces, chains[k].n, false);
		ring_driver_show(&vnic.ctrl);
		vnic_run(&vnic);
		ck_assert(ring_driver_collect(&vnic.ctrl, &head, &len));
		ck_assert_uint_eq(len, chains[k].used);
		if (len)
			ck_assert_uint_eq(*ctrl_at(9), ERR);
	}
	/* The last one, whose answer had no place, was carried out. */
	ck_assert(!hears(other));
	nic_expect_alive();
}
END_TEST

/* Many commands at once are all answered, in order. */
START_TEST(many_commands)
{
	uint16_t n = 0, heads[NIC_SIZE / 2];
	uint32_t len;

	begin_with(CTRL_FEATURES);
	memset(ctrl_at(0), 0, 64);
	for (; n < NIC_SIZE / 2; n++) {
		/* Every other one has the running pair told. */
		struct ring_piece pieces[] = {
			{vnic.ctrl_buf + (n & 1 ? 4 : 0), 3, false},
			{vnic.ctrl_buf + 64 + n, 1, true},
		};

		*ctrl_at(4) = 77;
		heads[n] = ring_driver_add(&vnic.ctrl, pieces, 2, false);
	}
	ring_driver_show(&vnic.ctrl);
	for (int k = 0; k < 10; k++)
		vnic_run(&vnic);
	for (uint16_t k = 0; k < n; k++) {
		uint16_t head;

		ck_assert(ring_driver_collect(&vnic.ctrl, &head, &len));
		ck_assert_uint_eq(head, heads[k]);
		ck_assert_uint_eq(*ctrl_at(64 + k), k & 1 ? ERR : OK);
	}
}
END_TEST

START_TEST(broken_control_queue_asks_for_a_reset)
{
	begin_with(CTRL_FEATURES);
	ring_driver_set_idx(&vnic.ctrl, 5000);
	eventfd_signal(vnic.ctrl.kick_fd);
	vnic_run(&vnic);
	ck_assert_uint_eq(vnic.needs_reset, 1);
	ck_assert_uint_eq(script->base.live_queues, 0);
	vnic_stop(&vnic);
	vnic.needs_reset = 0;
	begin_with(CTRL_FEATURES);
	ck_assert_int_eq(rx_mode(VIRTIO_NET_CTRL_RX_PROMISC, 0), OK);
	nic_expect_alive();
}
END_TEST

START_TEST(control_queue_outside_memory)
{
	struct virtio_queue_setup queues[3];
	const struct virtio_start start = {
		.features = CTRL_FEATURES,
		.mem = &vnic.ram.mem,
		.queues = queues,
		.n_queues = 3,
	};

	begin_with(CTRL_FEATURES);
	vnic_stop(&vnic);
	queues[0] = ring_driver_setup(&vnic.rx[0]);
	queues[1] = ring_driver_setup(&vnic.tx[0]);
	queues[2] = ring_driver_setup(&vnic.ctrl);
	queues[2].used = 1ULL << 40;
	ck_assert_int_eq(vnic_start_with(&vnic, &start), -EFAULT);
	begin_with(CTRL_FEATURES);
	nic_expect_alive();
}
END_TEST

/* Commands that are there before the device starts, and are not kicked for. */
START_TEST(commands_before_the_start)
{
	uint8_t off = 0;

	vnic_begin_start(&vnic, CTRL_FEATURES);
	vnic_begin_command(&vnic, VIRTIO_NET_CTRL_RX,
			   VIRTIO_NET_CTRL_RX_PROMISC, &off, 1);
	(void)eventfd_take(vnic.ctrl.kick_fd);
	vnic_run(&vnic);
	ck_assert(vnic.done);
	ck_assert_int_eq(vnic_command_answer(&vnic), OK);
	vnic_post(&vnic, 4, 2000, 0);
	ck_assert(!hears(other));
}
END_TEST

/* The memory table changes between two commands. */
START_TEST(memory_moves)
{
	begin_with(CTRL_FEATURES);
	ck_assert_int_eq(rx_mode(VIRTIO_NET_CTRL_RX_PROMISC, 0), OK);
	vnic_stop(&vnic);
	guest_ram_move(&vnic.ram);
	begin_with(CTRL_FEATURES);
	guest_ram_move(&vnic.ram);
	nic_raise(NET_ACTION_RESTART_REQUIRED, true);
	vnic_run(&vnic);
	ck_assert_int_eq(rx_mode(VIRTIO_NET_CTRL_RX_PROMISC, 0), OK);
	vnic_post(&vnic, 4, 2000, 0);
	ck_assert(!hears(other));
	ck_assert(hears(own));
}
END_TEST

/* And takes the rings away while a command waits. */
START_TEST(memory_goes)
{
	const uint64_t no_event_idx = CTRL_FEATURES & ~VIRTIO_F_EVENT_IDX;
	struct guest_mem_region region = vnic.ram.mem.regions[0];
	uint8_t off = 0;

	begin_with(no_event_idx);
	script->hold = true;
	nic_raise(NET_ACTION_RESTART_REQUIRED, true);
	vnic_run(&vnic);
	vnic_begin_command(&vnic, VIRTIO_NET_CTRL_RX,
			   VIRTIO_NET_CTRL_RX_PROMISC, &off, 1);
	vnic_run(&vnic);
	guest_mem_clear(&vnic.ram.mem);
	script->hold = false;
	script_endpoint_answer(script, 0);
	vnic_run(&vnic);
	ck_assert_uint_eq(vnic.needs_reset, 1);
	eventfd_signal(vnic.ctrl.kick_fd);
	vnic_run(&vnic);
	ck_assert_int_eq(guest_mem_add(&vnic.ram.mem, &region), 0);
	ck_assert_int_eq(vnic_command_answer(&vnic), -EAGAIN);
	vnic_stop(&vnic);
	vnic.needs_reset = 0;
	begin_with(no_event_idx);
	ck_assert_int_eq(rx_mode(VIRTIO_NET_CTRL_RX_PROMISC, 0), OK);
	nic_expect_alive();
}
END_TEST

/* The guest resets while a command waits for an endpoint that is slow. */
START_TEST(reset_while_a_command_waits)
{
	uint8_t off = 0;

	begin_with(CTRL_FEATURES);
	script->hold = true;
	nic_raise(NET_ACTION_RESTART_REQUIRED, true);
	vnic_run(&vnic);
	vnic_begin_command(&vnic, VIRTIO_NET_CTRL_RX,
			   VIRTIO_NET_CTRL_RX_PROMISC, &off, 1);
	vnic_run(&vnic);
	ck_assert_int_eq(vnic_command_answer(&vnic), -EAGAIN);
	if (_i) {
		script->hold = false;
		script_endpoint_answer(script, 0);
		vnic_run(&vnic);
		ck_assert_int_eq(vnic_command_answer(&vnic), OK);
		return;
	}
	vnic_begin_stop(&vnic);
	script->hold = false;
	script_endpoint_answer(script, 0);
	vnic_run(&vnic);
	ck_assert(vnic.done);
	ck_assert_int_eq(vnic_command_answer(&vnic), -EAGAIN);
	begin_with(CTRL_FEATURES);
	nic_expect_alive();
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("virtio-net, control queue");
	TCase *tc = tcase_create("control queue");

	tcase_set_timeout(tc, 120);
	tcase_add_checked_fixture(tc, nic_setup, nic_teardown);
	tcase_add_loop_test(tc, everything_arrives_at_first, 0, 2);
	tcase_add_test(tc, receive_modes);
	tcase_add_test(tc, address_tables);
	tcase_add_loop_test(tc, long_address_tables, 0, 2);
	tcase_add_test(tc, address_is_set_until_the_reset);
	tcase_add_test(tc, vlans);
	tcase_add_test(tc, vlans_without_their_feature);
	tcase_add_test(tc, unknown_and_unagreed_commands_are_refused);
	tcase_add_loop_test(tc, guest_is_asked_to_announce_itself, 0, 2);
	tcase_add_test(tc, offloads_are_switched);
	tcase_add_loop_test(tc, kept_out_frames_cost_no_buffers, 0, 8);
	tcase_add_test(tc, what_was_dropped_leaves_its_buffers);
	tcase_add_test(tc, order_after_a_restart);
	tcase_add_loop_test(tc, commands_in_pieces, 0, 2);
	tcase_add_test(tc, senseless_chains_hurt_nobody);
	tcase_add_test(tc, many_commands);
	tcase_add_test(tc, broken_control_queue_asks_for_a_reset);
	tcase_add_test(tc, control_queue_outside_memory);
	tcase_add_test(tc, commands_before_the_start);
	tcase_add_test(tc, memory_moves);
	tcase_add_test(tc, memory_goes);
	tcase_add_loop_test(tc, reset_while_a_command_waits, 0, 2);
	suite_add_tcase(s, tc);
	return s;
}

int main(void)
{
	return test_run(suite());
}
