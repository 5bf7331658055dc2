/* SPDX-License-Identifier: MIT */
/*
 * The counters as a table, for whoever shows all of them.
 */
#include "net/stats.h"

#include "base/util.h"

#define ROW(name, kind, what) \
	{#name, NET_STAT_##kind, what, offsetof(struct net_stats, name)},

const struct net_stat_info net_stat_table[] = {NET_STATS(ROW)};
const size_t net_stat_n = ARRAY_SIZE(net_stat_table);
