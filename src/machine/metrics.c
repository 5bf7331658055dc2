/* SPDX-License-Identifier: MIT */
/*
 * Prometheus' text format: for each metric its help, its type, and a line for
 * each queue pair of each NIC.
 *
 *	evnic_rx_packets_total{nic="eth0",queue="0"} 12
 *
 * By its conventions a counter ends in _total and time is in seconds.
 */
#include "machine/metrics.h"

#include <inttypes.h>
#include <string.h>

/* A label's value: three characters are escaped, and no name of a NIC ends a
 * line. */
static void put_label(FILE *out, const char *name, const char *value)
{
	(void)fprintf(out, "%s=\"", name);
	for (; value && *value; value++) {
		if (*value == '\n')
			(void)fputs("\\n", out);
		else if (*value == '"' || *value == '\\')
			(void)fprintf(out, "\\%c", *value);
		else
			(void)fputc(*value, out);
	}
	(void)fputc('"', out);
}

static void put_head(FILE *out, const char *name, const char *what,
		     const char *type)
{
	(void)fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", name, what, name,
		      type);
}

/* A counter in nanoseconds: the length of its name without that; or 0. */
static size_t nanoseconds(const char *name)
{
	size_t len = strlen(name);

	return len > 3 && strcmp(name + len - 3, "_ns") == 0 ? len - 3 : 0;
}

static void put_value(FILE *out, const struct nic *nic, uint16_t pair, size_t i,
		      const char *metric)
{
	const struct net_stats *stats = nic_stats(nic, pair);
	uint64_t value = stats ? net_stat_read(stats, i) : 0;

	if (!stats)
		return;
	(void)fprintf(out, "%s{", metric);
	put_label(out, "nic", nic_id(nic));
	(void)fprintf(out, ",queue=\"%u\"} ", (unsigned int)pair);
	if (nanoseconds(net_stat_table[i].name))
		(void)fprintf(out, "%" PRIu64 ".%09" PRIu64 "\n",
			      value / 1000000000, value % 1000000000);
	else
		(void)fprintf(out, "%" PRIu64 "\n", value);
}

static void put_stat(FILE *out, struct nics *nics, size_t i)
{
	const struct net_stat_info *info = &net_stat_table[i];
	bool counter = info->kind == NET_STAT_COUNTER;
	size_t len = nanoseconds(info->name);
	const struct nic *nic;
	char metric[64];

	(void)snprintf(metric, sizeof(metric), "evnic_%.*s%s%s",
		       (int)(len ? len : strlen(info->name)), info->name,
		       len ? "_seconds" : "", counter ? "_total" : "");
	put_head(out, metric, info->what, counter ? "counter" : "gauge");
	for (size_t n = 0; (nic = nics_at(nics, n)); n++) {
		for (uint16_t pair = 0; pair < nic_queue_pairs(nic); pair++)
			put_value(out, nic, pair, i, metric);
	}
}

static void put_link(FILE *out, struct nics *nics)
{
	const struct nic *nic;

	put_head(out, "evnic_link_up", "1: the guest sees the link up",
		 "gauge");
	for (size_t n = 0; (nic = nics_at(nics, n)); n++) {
		(void)fputs("evnic_link_up{", out);
		put_label(out, "nic", nic_id(nic));
		(void)fprintf(out, "} %d\n", nic_link_up(nic));
	}
}

static void put_info(FILE *out, struct nics *nics)
{
	const struct nic *nic;

	put_head(out, "evnic_nic_info", "what a NIC is", "gauge");
	for (size_t n = 0; (nic = nics_at(nics, n)); n++) {
		(void)fputs("evnic_nic_info{", out);
		put_label(out, "nic", nic_id(nic));
		(void)fputc(',', out);
		put_label(out, "model", nic_model(nic));
		(void)fputc(',', out);
		put_label(out, "netdev", nic_netdev_id(nic));
		(void)fputc(',', out);
		put_label(out, "backend", nic_backend_type(nic));
		(void)fputs("} 1\n", out);
	}
}

void metrics_write(struct nics *nics, FILE *out)
{
	put_info(out, nics);
	put_link(out, nics);
	for (size_t i = 0; i < net_stat_n; i++)
		put_stat(out, nics, i);
}

static void write_cb(void *arg, FILE *out)
{
	metrics_write(arg, out);
}

int metrics_create(struct loop *loop, int fd, const char *path,
		   struct nics *nics, struct http_page **out)
{
	const struct http_page_config config = {
		.loop = loop,
		.fd = fd,
		.path = path,
		.name = "/metrics",
		.content_type = "text/plain; version=0.0.4; charset=utf-8",
		.write = write_cb,
		.arg = nics,
	};

	return http_page_create(&config, out);
}
