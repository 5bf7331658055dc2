/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_VIRTIO_NET_DEFS_H
#define EVNIC_VIRTIO_NET_DEFS_H

/*
 * Numbers of the network device (virtio 1.2, 5.1).
 */

#define VIRTIO_ID_NET 1

/* Feature bits (5.1.3). HOST: the device takes such frames from the driver;
 * GUEST: the driver takes them from the device. */
#define VIRTIO_NET_F_CSUM		 (1ULL << 0)
#define VIRTIO_NET_F_GUEST_CSUM		 (1ULL << 1)
#define VIRTIO_NET_F_CTRL_GUEST_OFFLOADS (1ULL << 2)
#define VIRTIO_NET_F_MTU		 (1ULL << 3)
#define VIRTIO_NET_F_MAC		 (1ULL << 5)
#define VIRTIO_NET_F_GUEST_TSO4		 (1ULL << 7)
#define VIRTIO_NET_F_GUEST_TSO6		 (1ULL << 8)
#define VIRTIO_NET_F_GUEST_ECN		 (1ULL << 9)
#define VIRTIO_NET_F_HOST_TSO4		 (1ULL << 11)
#define VIRTIO_NET_F_HOST_TSO6		 (1ULL << 12)
#define VIRTIO_NET_F_HOST_ECN		 (1ULL << 13)
#define VIRTIO_NET_F_MRG_RXBUF		 (1ULL << 15)
#define VIRTIO_NET_F_STATUS		 (1ULL << 16)
#define VIRTIO_NET_F_CTRL_VQ		 (1ULL << 17)
#define VIRTIO_NET_F_CTRL_RX		 (1ULL << 18)
#define VIRTIO_NET_F_CTRL_VLAN		 (1ULL << 19)
#define VIRTIO_NET_F_CTRL_RX_EXTRA	 (1ULL << 20)
#define VIRTIO_NET_F_GUEST_ANNOUNCE	 (1ULL << 21)
#define VIRTIO_NET_F_MQ			 (1ULL << 22)
#define VIRTIO_NET_F_CTRL_MAC_ADDR	 (1ULL << 23)
#define VIRTIO_NET_F_GUEST_USO4		 (1ULL << 54)
#define VIRTIO_NET_F_GUEST_USO6		 (1ULL << 55)
#define VIRTIO_NET_F_HOST_USO		 (1ULL << 56)
#define VIRTIO_NET_F_RSS		 (1ULL << 60)

/* Configuration space (5.1.4), offsets in bytes: mac[6], status u16,
 * max_virtqueue_pairs u16, mtu u16, speed u32 and duplex u8 (not offered),
 * rss_max_key_size u8, rss_max_indirection_table_length u16,
 * supported_hash_types u32. */
#define VIRTIO_NET_CONFIG_MAC	     0
#define VIRTIO_NET_CONFIG_STATUS     6
#define VIRTIO_NET_CONFIG_MAX_PAIRS  8
#define VIRTIO_NET_CONFIG_MTU	     10
#define VIRTIO_NET_CONFIG_RSS_KEY    17
#define VIRTIO_NET_CONFIG_RSS_TABLE  18
#define VIRTIO_NET_CONFIG_RSS_HASHES 20
#define VIRTIO_NET_CONFIG_LEN	     24

#define VIRTIO_NET_S_LINK_UP  1
#define VIRTIO_NET_S_ANNOUNCE 2

/* Queues (5.1.2): receiveq and transmitq of each pair, then the control queue.
 * The device has these many pairs at most. */
#define VIRTIO_NET_PAIRS_MAX 32
/* The indirection table: no less may be offered (5.1.4.1), and Linux's driver
 * has room for no more, and does not look (6.1, virtnet_init_default_rss). */
#define VIRTIO_NET_RSS_TABLE 128

/* The control queue (5.1.6.5): class u8, command u8, data; then, to be written,
 * ack u8. */
#define VIRTIO_NET_ACK_OK  0
#define VIRTIO_NET_ACK_ERR 1

#define VIRTIO_NET_CTRL_RX	    0
#define VIRTIO_NET_CTRL_RX_PROMISC  0 /* these: u8 on */
#define VIRTIO_NET_CTRL_RX_ALLMULTI 1
#define VIRTIO_NET_CTRL_RX_ALLUNI   2
#define VIRTIO_NET_CTRL_RX_NOMULTI  3
#define VIRTIO_NET_CTRL_RX_NOUNI    4
#define VIRTIO_NET_CTRL_RX_NOBCAST  5

#define VIRTIO_NET_CTRL_MAC	      1
#define VIRTIO_NET_CTRL_MAC_TABLE_SET 0 /* twice: u32 n, mac[6][n] */
#define VIRTIO_NET_CTRL_MAC_ADDR_SET  1 /* mac[6] */

#define VIRTIO_NET_CTRL_VLAN	 2
#define VIRTIO_NET_CTRL_VLAN_ADD 0 /* u16 id */
#define VIRTIO_NET_CTRL_VLAN_DEL 1

#define VIRTIO_NET_CTRL_ANNOUNCE     3
#define VIRTIO_NET_CTRL_ANNOUNCE_ACK 0 /* no data */

#define VIRTIO_NET_CTRL_MQ		4
#define VIRTIO_NET_CTRL_MQ_VQ_PAIRS_SET 0 /* u16 pairs */
/* u32 hash types, u16 mask, u16 unclassified, u16 table[mask + 1],
 * u16 max_tx_vq, u8 key length, key (5.1.6.5.7.1) */
#define VIRTIO_NET_CTRL_MQ_RSS_CONFIG 1

#define VIRTIO_NET_CTRL_GUEST_OFFLOADS	   5
#define VIRTIO_NET_CTRL_GUEST_OFFLOADS_SET 0 /* u64, as feature bits */

/* The shortest frame: an Ethernet header. */
#define VIRTIO_NET_FRAME_MIN 14

#endif
