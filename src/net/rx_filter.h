/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_NET_RX_FILTER_H
#define EVNIC_NET_RX_FILTER_H

/*
 * Receive filter: which of the frames that reach a NIC are for its guest, by
 * destination address and VLAN. The same for every frontend; each says in its
 * own protocol what the guest wants.
 *
 * A filter is plain data with one owner at a time: whoever sets it up copies it
 * to whoever asks it.
 *
 * Source: virtio 1.2, 5.1.6.5.1 to 5.1.6.5.3; what other frontends know as
 * packet filters (directed, multicast, all multicast, broadcast, promiscuous)
 * can be said in the same terms.
 */

#include "net/types.h"

#define NET_MAC_LEN 6

/* Addresses that one table holds. */
#define NET_MAC_TABLE_MAX 64

#define NET_VLAN_IDS 4096

/* What of a frame the filter looks at: the addresses, the type, and the id of a
 * VLAN tag. */
#define NET_RX_FILTER_BYTES 16

/* @n: addresses in @mac. @overflow: there were more, so every address counts as
 * listed. */
struct net_mac_table {
	uint16_t n;
	bool overflow;
	uint8_t mac[NET_MAC_TABLE_MAX][NET_MAC_LEN];
};

/* @promisc: everything passes, and nothing else here matters. Of the others,
 * those that keep out (@nouni, @nomulti, @nobcast) win over those that let in
 * (@alluni, @allmulti). A broadcast is no multicast here. @mac: the NIC's own.
 * @vlan_on: frames of a VLAN pass only if its bit in @vlans is set; frames
 * without a tag, and those whose tag has only a priority (id 0), do anyway. */
struct net_rx_filter {
	bool promisc;
	bool alluni, allmulti;
	bool nouni, nomulti, nobcast;
	bool vlan_on;
	uint8_t mac[NET_MAC_LEN];
	struct net_mac_table unicast, multicast;
	uint64_t vlans[NET_VLAN_IDS / 64];
};

/* A filter that is open: promiscuous, nothing else is set. */
void net_rx_filter_open(struct net_rx_filter *filter,
			const uint8_t mac[NET_MAC_LEN]);

/* Lets VLAN @id in or keeps it out. -EINVAL: there is no such VLAN. */
int net_rx_filter_set_vlan(struct net_rx_filter *filter, uint16_t id,
			   bool pass);

/* Has this filter anything to ask of a frame? */
static inline bool net_rx_filter_is_open(const struct net_rx_filter *filter)
{
	return filter->promisc;
}

/* May the frame in? @start: its first @len bytes, NET_RX_FILTER_BYTES or all
 * there are. @vlan: a tag that is not in the bytes, or NULL. A frame that is
 * too short to have a destination does not pass. */
bool net_rx_filter_passes(const struct net_rx_filter *filter,
			  const uint8_t *start, size_t len,
			  const struct net_vlan *vlan);

#endif
