/* SPDX-License-Identifier: MIT */
/*
 * Which frames pass a receive filter.
 */
#include "net/rx_filter.h"

#include "base/bytes.h"
#include "base/util.h"
#include "support/run.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FRAME_LEN 60

static const uint8_t own[] = {0x02, 1, 2, 3, 4, 5};
static const uint8_t other[] = {0x02, 1, 2, 3, 4, 6};
static const uint8_t group[] = {0x01, 0, 0x5e, 0, 0, 1};
static const uint8_t broadcast[] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

static struct net_rx_filter filter;

static void setup(void)
{
	net_rx_filter_open(&filter, own);
	filter.promisc = false;
}

static bool passes(const uint8_t *mac)
{
	uint8_t frame[FRAME_LEN] = {0};

	memcpy(frame, mac, NET_MAC_LEN);
	store_be16(frame + 12, 0x0800);
	return net_rx_filter_passes(&filter, frame, sizeof(frame), NULL);
}

/* A frame to us with a tag of type @type. */
static bool tagged_passes(uint16_t type, uint16_t tci)
{
	uint8_t frame[FRAME_LEN] = {0};

	memcpy(frame, own, NET_MAC_LEN);
	store_be16(frame + 12, type);
	store_be16(frame + 14, tci);
	store_be16(frame + 16, 0x0800);
	return net_rx_filter_passes(&filter, frame, sizeof(frame), NULL);
}

static void list(struct net_mac_table *table, const uint8_t *mac)
{
	memcpy(table->mac[table->n++], mac, NET_MAC_LEN);
}

START_TEST(open_lets_everything_in)
{
	net_rx_filter_open(&filter, own);
	ck_assert(net_rx_filter_is_open(&filter));
	filter.nouni = true;
	filter.nomulti = true;
	filter.nobcast = true;
	filter.vlan_on = true;
	ck_assert(passes(other));
	ck_assert(passes(group));
	ck_assert(passes(broadcast));
	ck_assert(tagged_passes(0x8100, 7));
	ck_assert(net_rx_filter_passes(&filter, own, 0, NULL));
}
END_TEST

START_TEST(closed_knows_its_own_address_and_broadcasts)
{
	ck_assert(!net_rx_filter_is_open(&filter));
	ck_assert(passes(own));
	ck_assert(!passes(other));
	ck_assert(!passes(group));
	ck_assert(passes(broadcast));
}
END_TEST

START_TEST(modes_let_in)
{
	filter.alluni = true;
	ck_assert(passes(other));
	ck_assert(!passes(group));
	filter.alluni = false;
	filter.allmulti = true;
	ck_assert(!passes(other));
	ck_assert(passes(group));
}
END_TEST

/* Each mode that keeps out is about its own kind, and wins. */
START_TEST(modes_keep_out)
{
	filter.alluni = true;
	filter.allmulti = true;
	filter.nouni = true;
	ck_assert(!passes(own));
	ck_assert(!passes(other));
	ck_assert(passes(group));
	ck_assert(passes(broadcast));
	filter.nomulti = true;
	ck_assert(!passes(group));
	ck_assert(passes(broadcast));
	filter.nobcast = true;
	ck_assert(!passes(broadcast));
	filter.nomulti = false;
	ck_assert(passes(group));
	ck_assert(!passes(broadcast));
}
END_TEST

START_TEST(tables_let_in_what_they_list)
{
	list(&filter.unicast, broadcast);
	list(&filter.unicast, other);
	list(&filter.multicast, other);
	ck_assert(passes(other));
	ck_assert(!passes(group));
	list(&filter.multicast, group);
	ck_assert(passes(group));
	filter.unicast.n = 1;
	ck_assert(!passes(other));
	filter.nomulti = true;
	ck_assert(!passes(group));
}
END_TEST

START_TEST(full_tables)
{
	uint8_t mac[NET_MAC_LEN] = {0x02, 9, 9, 9, 9, 0};

	for (uint8_t i = 0; i < NET_MAC_TABLE_MAX; i++) {
		mac[5] = i;
		list(&filter.unicast, mac);
	}
	for (uint8_t i = 0; i < NET_MAC_TABLE_MAX; i++) {
		mac[5] = i;
		ck_assert(passes(mac));
	}
	mac[5] = NET_MAC_TABLE_MAX;
	ck_assert(!passes(mac));
	filter.unicast.overflow = true;
	ck_assert(passes(mac));
	ck_assert(!passes(group));
	filter.multicast.overflow = true;
	ck_assert(passes(group));
}
END_TEST

START_TEST(vlans_pass_one_by_one)
{
	static const uint16_t ids[] = {1, 63, 64, 100, 4095};

	ck_assert(tagged_passes(0x8100, 100));
	filter.vlan_on = true;
	for (size_t i = 0; i < ARRAY_SIZE(ids); i++) {
		ck_assert(!tagged_passes(0x8100, ids[i]));
		ck_assert_int_eq(net_rx_filter_set_vlan(&filter, ids[i], true),
				 0);
		ck_assert(tagged_passes(0x8100, ids[i]));
		ck_assert(tagged_passes(0x8100, (uint16_t)(ids[i] | 0xf000)));
		ck_assert(!tagged_passes(0x8100, ids[i] ^ 2));
		ck_assert_int_eq(net_rx_filter_set_vlan(&filter, ids[i], false),
				 0);
		ck_assert(!tagged_passes(0x8100, ids[i]));
	}
	ck_assert_int_eq(net_rx_filter_set_vlan(&filter, 4096, true), -EINVAL);
	ck_assert_int_eq(net_rx_filter_set_vlan(&filter, 65535, true), -EINVAL);
}
END_TEST

/* No tag, a priority, a service tag; and a VLAN that is let in for others. */
START_TEST(what_is_in_no_vlan_passes)
{
	filter.vlan_on = true;
	ck_assert(passes(own));
	ck_assert(tagged_passes(0x8100, 0));
	ck_assert(tagged_passes(0x8100, 0xf000));
	ck_assert(tagged_passes(0x88a8, 100));
	ck_assert(!tagged_passes(0x8100, 100));
	ck_assert_int_eq(net_rx_filter_set_vlan(&filter, 100, true), 0);
	filter.nouni = true;
	ck_assert(!tagged_passes(0x8100, 100));
}
END_TEST

START_TEST(tag_in_metadata)
{
	struct net_vlan vlan = {.present = true, .priority = 7, .id = 100};
	uint8_t frame[FRAME_LEN] = {0};

	memcpy(frame, own, NET_MAC_LEN);
	filter.vlan_on = true;
	ck_assert(!net_rx_filter_passes(&filter, frame, FRAME_LEN, &vlan));
	ck_assert_int_eq(net_rx_filter_set_vlan(&filter, 100, true), 0);
	ck_assert(net_rx_filter_passes(&filter, frame, FRAME_LEN, &vlan));
	vlan.id = 101;
	ck_assert(!net_rx_filter_passes(&filter, frame, FRAME_LEN, &vlan));
	vlan.present = false;
	ck_assert(net_rx_filter_passes(&filter, frame, FRAME_LEN, &vlan));
}
END_TEST

/* Nothing beyond the frame's end is looked at. */
START_TEST(short_frames)
{
	uint8_t frame[NET_RX_FILTER_BYTES] = {0};

	memcpy(frame, own, NET_MAC_LEN);
	store_be16(frame + 12, 0x8100);
	store_be16(frame + 14, 100);
	filter.vlan_on = true;
	for (size_t len = 0; len <= sizeof(frame); len++) {
		uint8_t *copy = malloc(len ? len : 1);

		ck_assert_ptr_nonnull(copy);
		memcpy(copy, frame, len);
		ck_assert(net_rx_filter_passes(&filter, copy, len, NULL) ==
			  (len >= 6 && len < 16));
		free(copy);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("rx_filter");
	TCase *tc = tcase_create("rx_filter");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_test(tc, open_lets_everything_in);
	tcase_add_test(tc, closed_knows_its_own_address_and_broadcasts);
	tcase_add_test(tc, modes_let_in);
	tcase_add_test(tc, modes_keep_out);
	tcase_add_test(tc, tables_let_in_what_they_list);
	tcase_add_test(tc, full_tables);
	tcase_add_test(tc, vlans_pass_one_by_one);
	tcase_add_test(tc, what_is_in_no_vlan_passes);
	tcase_add_test(tc, tag_in_metadata);
	tcase_add_test(tc, short_frames);
	suite_add_tcase(suite, tc);
	return test_run(suite);
}
