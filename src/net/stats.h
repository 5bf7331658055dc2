/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_NET_STATS_H
#define EVNIC_NET_STATS_H

/*
 * Counters of one queue pair of one NIC.
 *
 * The frontend owns them, for as long as the NIC lives; it hands them to the
 * endpoint's queue, through all wrappers, in the queue's configuration. They
 * have one writer, the pair's loop. Everybody else may read at any time, without
 * a lock, values that are a little old.
 *
 * Who counts what: the queue that does the I/O counts packets, bytes, tagged
 * frames and its own errors and drops; wrappers and the frontend count only what
 * they add, a drop under its cause or a time of waiting. A packet is in
 * @rx_packets or @tx_packets, or in exactly one of the drops; only those of
 * @rx_filtered are in @rx_packets too, since the queue had delivered them.
 */

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

/* X(name, kind, what it counts). The tables of the control socket
 * and of the Prometheus text are made of this list. */
#define NET_STATS(X)                                                          \
	X(rx_packets, COUNTER, "frames delivered to the guest")               \
	X(rx_bytes, COUNTER, "bytes of them")                                 \
	X(rx_vlan_packets, COUNTER, "of them with a VLAN tag in metadata")    \
	X(rx_errors, COUNTER, "failed reads, bad frames of the host")         \
	X(rx_dropped, COUNTER, "frames without room, or unfit for the guest") \
	X(rx_filtered, COUNTER, "frames for other addresses or VLANs")        \
	X(rx_bad_buffers, COUNTER, "buffers that the guest made unusable")    \
	X(rx_throttled, COUNTER, "times that the rate limiter held frames")   \
	X(tx_packets, COUNTER, "packets sent by the backend")                 \
	X(tx_bytes, COUNTER, "bytes of them")                                 \
	X(tx_vlan_packets, COUNTER, "of them with a VLAN tag in metadata")    \
	X(tx_errors, COUNTER, "packets that the host refused")                \
	X(tx_dropped, COUNTER, "packets that the backend lost")               \
	X(tx_no_header, COUNTER, "dropped: shorter than the device's header") \
	X(tx_runt, COUNTER, "dropped: shorter than an Ethernet header")       \
	X(tx_oversize, COUNTER, "dropped: longer than any frame")             \
	X(tx_misordered, COUNTER, "dropped: descriptors in the wrong order")  \
	X(tx_bad_address, COUNTER, "dropped: header outside guest memory")    \
	X(tx_bad_header, COUNTER, "dropped: asks for what was not agreed")    \
	X(tx_lost, COUNTER, "in flight when the endpoint was restarted")      \
	X(tx_throttled, COUNTER, "times that the rate limiter held packets")  \
	X(kicks, COUNTER, "doorbells that the guest rang")                    \
	X(kicks_suppressed, COUNTER, "rounds that began without a doorbell")  \
	X(interrupts, COUNTER, "interrupts raised")                           \
	X(interrupts_suppressed, COUNTER, "publishes that needed none")       \
	X(ring_rx_held, GAUGE, "receive buffers that the device holds")       \
	X(ring_tx_held, GAUGE, "transmits that the device holds")             \
	X(loop_busy_ns, COUNTER, "time that the pair's rounds have taken")

#define NET_STATS_FIELD(name, kind, what) _Atomic uint64_t name;

struct net_stats {
	NET_STATS(NET_STATS_FIELD)
};

enum net_stat_kind {
	NET_STAT_COUNTER, /* only ever grows */
	NET_STAT_GAUGE,
};

/* The list as a table; net_stat_n rows. */
struct net_stat_info {
	const char *name;
	enum net_stat_kind kind;
	const char *what;
	size_t offset; /* in struct net_stats */
};

extern const struct net_stat_info net_stat_table[];
extern const size_t net_stat_n;

/* For the writer: no locked instruction, since there is but one. */
static inline void net_stat_set(_Atomic uint64_t *stat, uint64_t value)
{
	atomic_store_explicit(stat, value, memory_order_relaxed);
}

static inline uint64_t net_stat_get(const _Atomic uint64_t *stat)
{
	return atomic_load_explicit(stat, memory_order_relaxed);
}

static inline void net_stat_add(_Atomic uint64_t *stat, uint64_t n)
{
	net_stat_set(stat, net_stat_get(stat) + n);
}

/* The value of row @i. */
static inline uint64_t net_stat_read(const struct net_stats *stats, size_t i)
{
	const char *base = (const char *)stats;

	return net_stat_get(
		(const _Atomic uint64_t
			 *)(const void *)(base + net_stat_table[i].offset));
}

#endif
