/* SPDX-License-Identifier: MIT */
/*
 * What this host offers to evnic: each thing is tried, not just looked for.
 */
#include "machine/host.h"

#include "kvm/probe.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <unistd.h>

static void line(FILE *out, const char *thing, const char *state)
{
	(void)fprintf(out, "%-12s%s\n", thing, state);
}

/* The cure for a device file that cannot be opened. */
static const char *cure(int err, const char *missing)
{
	return err == EACCES || err == EPERM
		       ? "run as root, or as a member of the group that owns "
			 "the file"
		       : missing;
}

static void report_tun(FILE *out)
{
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
	char text[256], cause[ERRNO_TEXT_MAX];
	unsigned int features = 0;

	if (fd < 0) {
		(void)snprintf(text, sizeof(text), "/dev/net/tun: %s; %s",
			       errno_text(errno, cause, sizeof(cause)),
			       cure(errno, "modprobe tun"));
		line(out, "tun", text);
		return;
	}
	if (ioctl(fd, TUNGETFEATURES, &features) < 0 ||
	    !(features & IFF_VNET_HDR))
		line(out, "tun", "lacks IFF_VNET_HDR: use Linux 2.6.27 on");
	else
		line(out, "tun", "usable");
	close_fd(&fd);
}

static void report_vhost(FILE *out)
{
	int fd = open("/dev/vhost-net", O_RDWR | O_CLOEXEC);
	char text[256], cause[ERRNO_TEXT_MAX];

	if (fd >= 0) {
		line(out, "vhost-net", "present");
		close_fd(&fd);
		return;
	}
	(void)snprintf(text, sizeof(text),
		       "/dev/vhost-net: %s; %s (nothing needs it yet)",
		       errno_text(errno, cause, sizeof(cause)),
		       cure(errno, "modprobe vhost_net"));
	line(out, "vhost-net", text);
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
	long long pages = meminfo("HugePages_Free");
	char text[256];

	(void)snprintf(text, sizeof(text), "%lld MiB, %lld MiB available",
		       meminfo("MemTotal") / 1024,
		       meminfo("MemAvailable") / 1024);
	line(out, "memory", text);
	if (pages > 0)
		(void)snprintf(text, sizeof(text), "%lld free of %lld KiB",
			       pages, meminfo("Hugepagesize"));
	else
		(void)snprintf(text, sizeof(text),
			       "none free; for \"huge_pages\": sysctl "
			       "vm.nr_hugepages=N");
	line(out, "huge pages", text);
}

static void report_limit(FILE *out, const char *thing, __rlimit_resource_t what,
			 rlim_t needed, const char *advice)
{
	struct rlimit limit;
	char text[256];

	if (getrlimit(what, &limit) < 0)
		return;
	if (limit.rlim_cur == RLIM_INFINITY) {
		line(out, thing, "no limit");
		return;
	}
	(void)snprintf(text, sizeof(text), "%llu%s%s",
		       (unsigned long long)limit.rlim_cur,
		       limit.rlim_cur < needed ? "; " : "",
		       limit.rlim_cur < needed ? advice : "");
	line(out, thing, text);
}

int host_report(FILE *out)
{
	struct kvm_probe probe;
	char text[sizeof(probe.text) + 64];

	kvm_probe_run(&probe);
	if (probe.ns_per_instruction)
		(void)snprintf(text, sizeof(text),
			       "%s (%llu ns per ring-0 instruction)",
			       probe.text,
			       (unsigned long long)probe.ns_per_instruction);
	else
		(void)snprintf(text, sizeof(text), "%s", probe.text);
	line(out, "kvm", text);
	report_tun(out);
	report_vhost(out);
	report_memory(out);
	report_limit(out, "open files", RLIMIT_NOFILE, 1024,
		     "a machine with many NICs needs more: ulimit -n 4096");
	report_limit(out, "processes", RLIMIT_NPROC, 256,
		     "threads count: ulimit -u 1024");
	(void)fprintf(out, "kvm-verdict=%s\n", kvm_verdict_name(probe.verdict));
	return probe.verdict == KVM_VERDICT_USABLE ? 0 : 1;
}
