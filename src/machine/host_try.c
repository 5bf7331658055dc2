/* SPDX-License-Identifier: MIT */
/*
 * The trials. What would change something here (namespaces, an interface) is
 * done by a child process, in namespaces of its own that end with it; its exit
 * status is the errno.
 */
#include "machine/host_try.h"

#include "backends/consomme/consomme.h"
#include "machine/host_features.h"
#include "net/rss_bpf.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* As in backends/tap_device.c and kvm/memory.c: not in older headers. */
#ifndef TUN_F_USO4
#define TUN_F_USO4 0x20
#define TUN_F_USO6 0x40
#endif
#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

#define TAP_FLAGS	 (IFF_TAP | IFF_NO_PI | IFF_VNET_HDR)
#define HUGE_PAGE_SIZE	 (2UL << 20)
#define STATUS_NOT_TRIED 255 /* no errno is as large */

/* What @try says in a child process. */
static int in_child(int (*try)(void))
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		int err = try();

		_exit(err == HOST_NOT_TRIED ? STATUS_NOT_TRIED : -err);
	}
	if (pid < 0)
		return -errno;
	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			return -errno;
	}
	if (!WIFEXITED(status))
		return -ECHILD;
	return WEXITSTATUS(status) == STATUS_NOT_TRIED ? HOST_NOT_TRIED
						       : -WEXITSTATUS(status);
}

/* With a right to, or in a user namespace that has it. 0 or -errno. */
static int unshare_any_way(int flags)
{
	if (unshare(flags) == 0 || unshare(CLONE_NEWUSER | flags) == 0)
		return 0;
	return -errno;
}

/*
 * Confinement.
 */

static int make_user_namespace(void)
{
	return unshare(CLONE_NEWUSER) < 0 ? -errno : 0;
}

int host_try_user_namespace(void)
{
	return in_child(make_user_namespace);
}

static int make_namespaces(void)
{
	return unshare_any_way(CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC);
}

int host_try_namespaces(void)
{
	return in_child(make_namespaces);
}

static int make_root(void)
{
	int err = unshare_any_way(CLONE_NEWNS);

	if (err < 0)
		return err;
	return syscall(SYS_fsopen, "tmpfs", 0) < 0 ? -errno : 0;
}

int host_try_empty_root(void)
{
	return in_child(make_root);
}

int host_try_seccomp(void)
{
	unsigned int action = SECCOMP_RET_LOG;

	return syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) < 0
		       ? -errno
		       : 0;
}

/* It shows in nothing but the time that calls take. */
int host_try_seccomp_bitmap(void)
{
	return HOST_NOT_TRIED;
}

/* No file descriptor is as large. */
int host_try_close_range(void)
{
	return close_range(UINT32_MAX - 1, UINT32_MAX - 1, 0) < 0 ? -errno : 0;
}

int host_try_pidfd(void)
{
	int fd = (int)syscall(SYS_pidfd_open, getpid(), 0);
	int err = fd < 0 ? -errno : 0;

	close_fd(&fd);
	return err;
}

/*
 * Taps.
 */

/* A new tap with @flags in a network namespace of its own, in *@fd. */
static int make_tap(int flags, int *fd)
{
	struct ifreq ifr = {.ifr_flags = (short)(TAP_FLAGS | flags)};

	if (unshare_any_way(CLONE_NEWNET) < 0)
		return HOST_NOT_TRIED;
	*fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
	if (*fd < 0 || ioctl(*fd, TUNSETIFF, &ifr) < 0)
		return -errno;
	return 0;
}

static int tap_header(void)
{
	int size, fd, err = make_tap(0, &fd);

	if (err)
		return err;
	return ioctl(fd, TUNGETVNETHDRSZ, &size) < 0 ? -errno : 0;
}

int host_try_tap(void)
{
	return in_child(tap_header);
}

static int tap_queues(void)
{
	int fd;

	return make_tap(IFF_MULTI_QUEUE, &fd);
}

int host_try_tap_queues(void)
{
	return in_child(tap_queues);
}

static int tap_steering(void)
{
	int none = -1;
	int fd, err = make_tap(0, &fd);

	if (err)
		return err;
	return ioctl(fd, TUNSETSTEERINGEBPF, &none) < 0 ? -errno : 0;
}

int host_try_tap_steering(void)
{
	return in_child(tap_steering);
}

static int tap_uso(void)
{
	int fd, err = make_tap(0, &fd);

	if (err)
		return err;
	return ioctl(fd, TUNSETOFFLOAD, TUN_F_CSUM | TUN_F_USO4 | TUN_F_USO6) <
			       0
		       ? -errno
		       : 0;
}

int host_try_tap_uso(void)
{
	return in_child(tap_uso);
}

static int tap_namespace(void)
{
	int fd, err = make_tap(0, &fd);

	if (err)
		return err;
	return ioctl(fd, TUNGETDEVNETNS) < 0 ? -errno : 0;
}

int host_try_tap_namespace(void)
{
	return in_child(tap_namespace);
}

/* The shortest program that steers: everything to queue 0. */
int host_try_bpf(void)
{
	static const struct net_rss rss;
	int fd = net_rss_bpf_load(&rss);
	int err = MIN(fd, 0);

	close_fd(&fd);
	return err;
}

int host_try_vhost(void)
{
	int fd = open("/dev/vhost-net", O_RDWR | O_CLOEXEC);
	int err = fd < 0 ? -errno : 0;

	close_fd(&fd);
	return err;
}

/*
 * Sockets.
 */

int host_try_tcp_peek_off(void)
{
	return consomme_probe() ? 0 : -EOPNOTSUPP;
}

/* Both versions' right is in the one sysctl. */
int host_try_ping(void)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, IPPROTO_ICMP);
	int err = fd < 0 ? -errno : 0;

	close_fd(&fd);
	return err;
}

/*
 * Memory.
 */

int host_try_prefault(void)
{
	size_t size = (size_t)sysconf(_SC_PAGESIZE);
	void *page = mmap(NULL, size, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int err;

	if (page == MAP_FAILED)
		return -errno;
	err = madvise(page, size, MADV_POPULATE_WRITE) < 0 ? -errno : 0;
	(void)munmap(page, size);
	return err;
}

/* A page is reserved, not taken. */
int host_try_huge_pages(void)
{
	int fd = memfd_create("try", MFD_CLOEXEC | MFD_HUGETLB);
	void *page = MAP_FAILED;
	int err = 0;

	if (fd >= 0 && ftruncate(fd, HUGE_PAGE_SIZE) == 0)
		page = mmap(NULL, HUGE_PAGE_SIZE, PROT_READ | PROT_WRITE,
			    MAP_SHARED, fd, 0);
	if (page == MAP_FAILED)
		err = -errno;
	else
		(void)munmap(page, HUGE_PAGE_SIZE);
	close_fd(&fd);
	return err;
}
