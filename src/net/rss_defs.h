/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_NET_RSS_DEFS_H
#define EVNIC_NET_RSS_DEFS_H

/*
 * What rss.c and rss_bpf.c know of headers: Ethernet (IEEE 802.3, 802.1Q), IPv4
 * (RFC 791), IPv6 (RFC 8200), AH (RFC 4302), mobility (RFC 6275). Offsets count
 * from the start of the header.
 */

#define RSS_ETHER_TYPE	 12
#define RSS_ETHER_LEN	 14
#define RSS_TYPE_IPV4	 0x0800
#define RSS_TYPE_IPV6	 0x86dd
#define RSS_TYPE_VLAN	 0x8100
#define RSS_TYPE_QINQ	 0x88a8
#define RSS_VLAN_TAG_LEN 4

#define RSS_IPV4_LEN	   20
#define RSS_IPV4_FRAG	   6
#define RSS_IPV4_FRAG_MASK 0x3fff /* more fragments, or not the first */
#define RSS_IPV4_PROTO	   9
#define RSS_IPV4_ADDRS	   12

#define RSS_IPV6_LEN	   40
#define RSS_IPV6_NEXT	   6
#define RSS_IPV6_ADDRS	   8
#define RSS_IPV6_FRAG_MASK 0xfff9

#define RSS_EXT_HOP_BY_HOP 0
#define RSS_EXT_ROUTING	   43
#define RSS_EXT_FRAGMENT   44
#define RSS_EXT_AUTH	   51
#define RSS_EXT_DEST_OPTS  60
#define RSS_EXT_MIN	   4 /* bytes of an extension header we look at first */

#define RSS_OPT_PAD1 0
#define RSS_OPT_HOME 0xc9

#define RSS_TCP	      6
#define RSS_UDP	      17
#define RSS_PORTS_LEN 4

#endif
