/* SPDX-License-Identifier: MIT */
/*
 * Two network namespaces for two hosts.
 *
 * The guest's has no process of its own: a descriptor keeps it alive, and who
 * works in it goes there by setns().
 */
#include "two_hosts.h"

#include "base/util.h"
#include "support/tap_host.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <unistd.h>

/* Of kernels from 6.2 on; the headers may be older. */
#define OFFLOAD_USO (0x20 | 0x40)

#define VNET_HDR_SIZE 12
#define COMMAND_MAX   256

static int host_ns = -1, guest_ns = -1;

void two_hosts_fail(const char *what)
{
	(void)fprintf(stderr, "bench_consomme: %s\n", what);
	exit(EXIT_FAILURE);
}

static void must(bool ok, const char *what)
{
	char text[ERRNO_TEXT_MAX];

	if (ok)
		return;
	(void)fprintf(stderr, "bench_consomme: %s: %s\n", what,
		      errno_text(errno, text, sizeof(text)));
	exit(EXIT_FAILURE);
}

void two_hosts_go(bool guest)
{
	must(setns(guest ? guest_ns : host_ns, CLONE_NEWNET) == 0, "setns");
}

void two_hosts_ip(bool guest, const char *format, ...)
{
	char command[COMMAND_MAX] = "ip ";
	size_t used = strlen(command);
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(command + used, sizeof(command) - used, format, args);
	va_end(args);
	if (n < 0 || (size_t)n >= sizeof(command) - used)
		two_hosts_fail("a command is too long");
	two_hosts_go(guest);
	if (system(command) != 0)
		two_hosts_fail(command);
	two_hosts_go(false);
}

static void write_setting(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	must(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text),
	     path);
	(void)close(fd);
}

void two_hosts_set(const char *path, const char *value)
{
	write_setting(path, value);
	two_hosts_go(true);
	write_setting(path, value);
	two_hosts_go(false);
}

/* Of the namespace that the process is in. Where there is no IPv6, it need not
 * be turned off. */
static void set_up(void)
{
	const char *no_ipv6[] = {
		"/proc/sys/net/ipv6/conf/all/disable_ipv6",
		"/proc/sys/net/ipv6/conf/default/disable_ipv6"};

	write_setting("/proc/sys/net/ipv4/tcp_congestion_control", "reno");
	for (size_t i = 0; i < ARRAY_SIZE(no_ipv6); i++) {
		if (access(no_ipv6[i], W_OK) == 0)
			write_setting(no_ipv6[i], "1");
	}
}

static int own_namespace(void)
{
	int fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);

	must(fd >= 0, "/proc/self/ns/net");
	return fd;
}

/* In the mount namespace that tap_host_enter() has made. */
static void give_name(void)
{
	int fd;

	must(mount("none", "/run", "tmpfs", 0, NULL) == 0, "/run");
	fd = open(TWO_HOSTS_GUEST_PATH, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	must(fd >= 0, TWO_HOSTS_GUEST_PATH);
	(void)close(fd);
	must(mount("/proc/self/ns/net", TWO_HOSTS_GUEST_PATH, NULL, MS_BIND,
		   NULL) == 0,
	     TWO_HOSTS_GUEST_PATH);
}

const char *two_hosts_enter(void)
{
	const char *why = tap_host_enter();

	if (why)
		return why;
	host_ns = own_namespace();
	set_up();
	must(unshare(CLONE_NEWNET) == 0, "unshare");
	guest_ns = own_namespace();
	set_up();
	give_name();
	two_hosts_ip(false, "link set lo up");
	two_hosts_ip(true, "link set lo up");
	two_hosts_ip(
		false,
		"link add veth0 type veth peer name veth1 netns " TWO_HOSTS_GUEST_PATH);
	two_hosts_ip(false, "addr add " TWO_HOSTS_HOST "/24 dev veth0");
	two_hosts_ip(true, "addr add " TWO_HOSTS_GUEST "/24 dev veth1");
	two_hosts_ip(false, "link set veth0 up");
	two_hosts_ip(true, "link set veth1 up");
	two_hosts_ip(false, "route add default via " TWO_HOSTS_GUEST);
	return NULL;
}

/* All unfinished frames that the kernel can pass on. */
static void offer_offloads(int fd)
{
	unsigned int most =
		TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN;
	int size = VNET_HDR_SIZE;

	must(ioctl(fd, TUNSETVNETHDRSZ, &size) == 0, "TUNSETVNETHDRSZ");
	if (ioctl(fd, TUNSETOFFLOAD, most | OFFLOAD_USO) < 0)
		must(ioctl(fd, TUNSETOFFLOAD, most) == 0, "TUNSETOFFLOAD");
}

int two_hosts_tap(const char *name, const char *addr, bool vnet_hdr)
{
	int flags = IFF_TAP | IFF_NO_PI | (vnet_hdr ? IFF_VNET_HDR : 0);
	int fd;

	two_hosts_go(true);
	fd = tap_host_open(name, (short)flags);
	two_hosts_go(false);
	if (fd < 0)
		two_hosts_fail(name);
	if (vnet_hdr)
		offer_offloads(fd);
	two_hosts_ip(true, "addr add %s dev %s", addr, name);
	two_hosts_ip(true,
		     "link set %s mtu 1500 txqueuelen " TWO_HOSTS_TX_QUEUE
		     " up",
		     name);
	return fd;
}
