/* SPDX-License-Identifier: MIT */
/*
 * Receive filter.
 *
 * Three questions, cheapest first: is the filter open; is the frame's VLAN let
 * in; is its destination. The VLAN is that of the outermost 802.1Q tag (a
 * service tag, 802.1ad, is not the guest's).
 */
#include "net/rx_filter.h"

#include "base/bytes.h"

#include <errno.h>
#include <string.h>

#define ETHERTYPE_AT   12
#define ETHERTYPE_VLAN 0x8100
#define VLAN_TAG_AT    14
#define VLAN_ID_MASK   0x0fff

void net_rx_filter_open(struct net_rx_filter *filter,
			const uint8_t mac[NET_MAC_LEN])
{
	memset(filter, 0, sizeof(*filter));
	filter->promisc = true;
	memcpy(filter->mac, mac, NET_MAC_LEN);
}

int net_rx_filter_set_vlan(struct net_rx_filter *filter, uint16_t id, bool pass)
{
	uint64_t bit = 1ULL << (id % 64);

	if (id >= NET_VLAN_IDS)
		return -EINVAL;
	if (pass)
		filter->vlans[id / 64] |= bit;
	else
		filter->vlans[id / 64] &= ~bit;
	return 0;
}

static bool is_listed(const struct net_mac_table *table, const uint8_t *mac)
{
	if (table->overflow)
		return true;
	for (uint16_t i = 0; i < table->n; i++) {
		if (!memcmp(table->mac[i], mac, NET_MAC_LEN))
			return true;
	}
	return false;
}

static bool is_broadcast(const uint8_t *mac)
{
	static const uint8_t broadcast[NET_MAC_LEN] = {0xff, 0xff, 0xff,
						       0xff, 0xff, 0xff};

	return !memcmp(mac, broadcast, NET_MAC_LEN);
}

static bool address_passes(const struct net_rx_filter *filter,
			   const uint8_t *mac)
{
	if (is_broadcast(mac))
		return !filter->nobcast;
	if (mac[0] & 1)
		return !filter->nomulti &&
		       (filter->allmulti || is_listed(&filter->multicast, mac));
	return !filter->nouni &&
	       (filter->alluni || !memcmp(mac, filter->mac, NET_MAC_LEN) ||
		is_listed(&filter->unicast, mac));
}

/* 0: none, or only a priority. */
static uint16_t vlan_of(const uint8_t *start, size_t len,
			const struct net_vlan *vlan)
{
	if (vlan && vlan->present)
		return vlan->id & VLAN_ID_MASK;
	if (len < VLAN_TAG_AT + 2 ||
	    load_be16(start + ETHERTYPE_AT) != ETHERTYPE_VLAN)
		return 0;
	return load_be16(start + VLAN_TAG_AT) & VLAN_ID_MASK;
}

static bool vlan_passes(const struct net_rx_filter *filter, uint16_t id)
{
	return !filter->vlan_on || !id ||
	       (filter->vlans[id / 64] >> (id % 64) & 1);
}

bool net_rx_filter_passes(const struct net_rx_filter *filter,
			  const uint8_t *start, size_t len,
			  const struct net_vlan *vlan)
{
	if (net_rx_filter_is_open(filter))
		return true;
	return len >= NET_MAC_LEN &&
	       vlan_passes(filter, vlan_of(start, len, vlan)) &&
	       address_passes(filter, start);
}
