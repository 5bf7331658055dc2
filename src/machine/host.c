/* SPDX-License-Identifier: MIT */
/*
 * What this host offers to evnic.
 */
#include "machine/host.h"

#include "kvm/probe.h"
#include "machine/host_features.h"

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

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
	report_limit(out, "open files", RLIMIT_NOFILE, 1024,
		     "a machine with many NICs needs more: ulimit -n 4096");
	report_limit(out, "processes", RLIMIT_NPROC, 256,
		     "threads count: ulimit -u 1024");
	(void)fprintf(out, "kvm-verdict=%s\n", kvm_verdict_name(probe.verdict));
	return probe.verdict == KVM_VERDICT_USABLE ? 0 : 1;
}
