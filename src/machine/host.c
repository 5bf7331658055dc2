/* SPDX-License-Identifier: MIT */
/*
 * What this host offers to evnic.
 */
#include "machine/host.h"

#include "kvm/probe.h"
#include "machine/fd_limit.h"
#include "machine/host_features.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define PING_GROUPS_CURE                                \
	"for a guest's pings through consomme: sysctl " \
	"net.ipv4.ping_group_range='0 2147483647'"

static void line(FILE *out, const char *thing, const char *since,
		 const char *state)
{
	(void)fprintf(out, "%-16s%-8s%s\n", thing, since, state);
}

/* The number after "@name:" in /proc/meminfo, or -1. */
static long long meminfo(const char *name)
{
	FILE *f = fopen("/proc/meminfo", "re");
	size_t len = strlen(name);
	long long value = -1;
	char row[128];

	if (!f)
		return -1;
	while (value < 0 && fgets(row, sizeof(row), f)) {
		if (strncmp(row, name, len) == 0 && row[len] == ':')
			value = strtoll(row + len + 1, NULL, 10);
	}
	(void)fclose(f);
	return value;
}

static void report_memory(FILE *out)
{
	char text[256];

	(void)snprintf(text, sizeof(text), "%lld MiB, %lld MiB available",
		       meminfo("MemTotal") / 1024,
		       meminfo("MemAvailable") / 1024);
	line(out, "memory", "", text);
}

static void report_limit(FILE *out, const char *thing, __rlimit_resource_t what,
			 rlim_t needed, const char *advice)
{
	struct rlimit limit;
	char text[256];

	if (getrlimit(what, &limit) < 0)
		return;
	if (limit.rlim_cur == RLIM_INFINITY) {
		line(out, thing, "", "no limit");
		return;
	}
	(void)snprintf(text, sizeof(text), "%llu%s%s",
		       (unsigned long long)limit.rlim_cur,
		       limit.rlim_cur < needed ? "; " : "",
		       limit.rlim_cur < needed ? advice : "");
	line(out, thing, "", text);
}

/* Is one of the user's groups in the range? */
static bool has_group_in(unsigned long long first, unsigned long long last)
{
	int n = getgroups(0, NULL);
	gid_t *groups = n > 0 ? calloc((size_t)n, sizeof(*groups)) : NULL;
	bool has = getegid() >= first && getegid() <= last;

	if (groups)
		n = getgroups(n, groups);
	for (int i = 0; groups && i < n && !has; i++)
		has = groups[i] >= first && groups[i] <= last;
	free(groups);
	return has;
}

/* Whose ping sockets the kernel allows: the groups of a range, which is empty
 * if its end is before its begin. */
static void report_ping_groups(FILE *out)
{
	FILE *f = fopen("/proc/sys/net/ipv4/ping_group_range", "re");
	char row[64] = "", text[256], *end;
	unsigned long long first, last;

	if (!f)
		return;
	if (!fgets(row, sizeof(row), f))
		row[0] = '\0';
	(void)fclose(f);
	first = strtoull(row, &end, 10);
	last = strtoull(end, NULL, 10);
	if (first > last)
		(void)snprintf(text, sizeof(text), "nobody's; %s",
			       PING_GROUPS_CURE);
	else if (has_group_in(first, last))
		(void)snprintf(text, sizeof(text),
			       "%llu to %llu, this user's among them", first,
			       last);
	else
		(void)snprintf(text, sizeof(text),
			       "%llu to %llu, not this user's (%u); %s", first,
			       last, (unsigned int)getegid(), PING_GROUPS_CURE);
	line(out, "ping groups", "", text);
}

/* The row of the one feature that says more about itself. */
static void report_kvm(FILE *out, const struct host_feature *feature,
		       const struct kvm_probe *probe)
{
	char text[sizeof(probe->text) + 64];

	if (probe->ns_per_instruction)
		(void)snprintf(text, sizeof(text),
			       "%s (%llu ns per ring-0 instruction)",
			       probe->text,
			       (unsigned long long)probe->ns_per_instruction);
	else
		(void)snprintf(text, sizeof(text), "%s", probe->text);
	line(out, feature->name, feature->since, text);
}

int host_report(FILE *out)
{
	struct kvm_probe probe;
	char text[512];

	kvm_probe_run(&probe);
	line(out, "feature", "Linux", "here");
	for (const struct host_feature *f = host_features; f->name; f++) {
		if (f->probe)
			line(out, f->name, f->since,
			     host_feature_state(f, text, sizeof(text)));
		else
			report_kvm(out, f, &probe);
	}
	report_memory(out);
	fd_limit_raise();
	report_limit(out, "open files", RLIMIT_NOFILE, 4096,
		     "each flow through consomme is one: raise the hard limit "
		     "(ulimit -Hn, LimitNOFILE=)");
	report_limit(out, "processes", RLIMIT_NPROC, 256,
		     "threads count: ulimit -u 1024");
	report_ping_groups(out);
	(void)fprintf(out, "kvm-verdict=%s\n", kvm_verdict_name(probe.verdict));
	return probe.verdict == KVM_VERDICT_USABLE ? 0 : 1;
}
