/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_NET_RSS_BPF_H
#define EVNIC_NET_RSS_BPF_H

/*
 * Receive-side scaling as a BPF program, for a kernel that is to choose the
 * queue itself.
 */

#include "base/util.h"
#include "net/rss.h"

/* Loads a program (of type BPF_PROG_TYPE_SOCKET_FILTER, given frames from their
 * Ethernet header on) that returns what net_rss_select() calls the queue.
 * Returns its file descriptor, the caller's to close, or -errno: -EPERM: no
 * CAP_BPF; -ENOTSUP: the mobile hash types (NET_RSS_*_EX), which it cannot
 * do; what bpf(2) says otherwise. */
int net_rss_bpf_load(const struct net_rss *rss) MUST_CHECK;

#endif
