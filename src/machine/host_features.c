/* SPDX-License-Identifier: MIT */
/*
 * The table of what evnic uses of the host's kernel. A row is tried
 * (machine/host_try.c), not looked up by version: kernels are built without
 * things, distributions carry things back, and rights are refused.
 */
#include "machine/host_features.h"

#include "machine/host_try.h"

#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#define LOAD_TUN \
	"modprobe tun; the user must have the right to open /dev/net/tun"
#define BUILT_OUT "use a kernel that is built with it"
#define USERNS                                                                \
	"run as root, or allow user namespaces: not in a chroot, and sysctl " \
	"kernel.unprivileged_userns_clone=1, "                                \
	"kernel.apparmor_restrict_unprivileged_userns=0 and the container's " \
	"rules, where there are any"

const struct host_feature host_features[] = {
	{"kvm", "4.11", "`evnic run`", "no machine", NULL, NULL},
	{"close-range", "5.9", "`evnic run`", "no machine", BUILT_OUT,
	 host_try_close_range},
	{"pidfd", "5.3", "to tell a socket that a killed evnic left",
	 "it counts as in use", BUILT_OUT, host_try_pidfd},
	{"namespaces", "3.8", "confinement",
	 "files and processes of the host stay in sight", USERNS,
	 host_try_namespaces},
	{"user-namespace", "3.8", "confinement without root",
	 "without root as without namespaces", USERNS, host_try_user_namespace},
	{"empty-root", "5.2", "confinement", "the host's files stay in sight",
	 USERNS, host_try_empty_root},
	{"seccomp", "4.14", "confinement", "every system call stays allowed",
	 BUILT_OUT, host_try_seccomp},
	{"seccomp-bitmap", "5.11",
	 "calls that are always allowed pass no filter",
	 "a filter runs before each call", BUILT_OUT, host_try_seccomp_bitmap},
	{"tap", "2.6.35", "the backend `tap`", "no such backend", LOAD_TUN,
	 host_try_tap},
	{"tap-queues", "3.8", "a tap with more than one queue pair",
	 "one queue pair", LOAD_TUN, host_try_tap_queues},
	{"tap-steering", "4.16", "RSS in the kernel", "RSS in software",
	 LOAD_TUN, host_try_tap_steering},
	{"tap-uso", "6.2", "large UDP packets through a tap",
	 "each of them in packets of its own", LOAD_TUN, host_try_tap_uso},
	{"tap-namespace", "5.2",
	 "the link of a tap in another network namespace",
	 "it is looked for in evnic's own namespace", LOAD_TUN,
	 host_try_tap_namespace},
	{"bpf", "4.14", "RSS in the kernel", "RSS in software",
	 "run as root, or with CAP_BPF and CAP_NET_ADMIN", host_try_bpf},
	{"tcp-peek-off", "6.9", "TCP of the backend `consomme`",
	 "what a peer sends is copied once more, and held in evnic's memory",
	 "use a newer kernel: IPv6 has it later than IPv4",
	 host_try_tcp_peek_off},
	{"ping-sockets", "3.11", "a guest's pings through `consomme`",
	 "only the gateway answers pings",
	 "sysctl net.ipv4.ping_group_range='0 2147483647'", host_try_ping},
	{"prefault", "5.14", "`\"prefault\": true`", "an error at start",
	 BUILT_OUT, host_try_prefault},
	{"huge-pages", "4.14", "`\"huge_pages\": \"2M\"`", "an error at start",
	 "sysctl vm.nr_hugepages=N, for pages of 2 MiB", host_try_huge_pages},
	{"vhost-net", "2.6.34", "nothing yet", "nothing is lost",
	 "modprobe vhost_net; the user must have the right to open it",
	 host_try_vhost},
	{NULL, NULL, NULL, NULL, NULL, NULL},
};

bool host_release_has(const char *release, const char *since)
{
	while (*since != '\0') {
		char *release_end, *since_end;
		unsigned long has = strtoul(release, &release_end, 10);
		unsigned long needs = strtoul(since, &since_end, 10);

		if (has != needs)
			return has > needs;
		release = release_end + (*release_end == '.');
		since = since_end + (*since_end == '.');
	}
	return true;
}

const char *host_feature_state(const struct host_feature *feature, char *text,
			       size_t size)
{
	char cause[ERRNO_TEXT_MAX];
	struct utsname name = {.release = "0"};
	int err = feature->probe();
	bool has;

	(void)uname(&name);
	has = host_release_has(name.release, feature->since);
	if (err == 0)
		(void)snprintf(text, size, "usable");
	else if (err == HOST_NOT_TRIED && has)
		(void)snprintf(text, size, "not tried; Linux %s is new enough",
			       name.release);
	else if (!has)
		(void)snprintf(text, size,
			       "missing: needs Linux %s, this is %s; without "
			       "it: %s",
			       feature->since, name.release, feature->without);
	else
		(void)snprintf(text, size, "missing: %s: %s; without it: %s",
			       errno_text(-err, cause, sizeof(cause)),
			       feature->cure, feature->without);
	return text;
}

void host_write_features(FILE *out)
{
	(void)fprintf(out, "| feature | Linux | for | without it |\n"
			   "|---|---|---|---|\n");
	for (const struct host_feature *f = host_features; f->name; f++)
		(void)fprintf(out, "| %s | %s | %s | %s |\n", f->name, f->since,
			      f->use, f->without);
}
