/* SPDX-License-Identifier: MIT */
/*
 * Which thread may make which system calls, and what for: this table is all
 * there is. docs/security.md shows it.
 *
 * A new call needs a row with the code that makes it. What glibc and libev do
 * behind our back is named by the function that does it; a row is rare if an
 * ordinary run may pass without it, and must be there nonetheless: a call that
 * is missing ends a machine.
 *
 * The first rows are those that are both called often and checked (see
 * filter.c).
 */
#include "sandbox/calls.h"

#include <asm/ioctls.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/if_tun.h>
#include <linux/kvm.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#define CONTROL (1u << THREAD_CONTROL)
#define QUEUE	(1u << THREAD_QUEUE)
#define VCPU	(1u << THREAD_VCPU)
#define WRITER	(1u << THREAD_WRITER)
#define OPENER	(1u << THREAD_OPENER)
#define LOOPS	(CONTROL | QUEUE | WRITER)
#define MACHINE (LOOPS | VCPU)
#define ALL	(MACHINE | OPENER)

#define CALL(x) .name = #x, .nr = SYS_##x

#define VALUES(...)         \
	(const uint32_t[])  \
	{                   \
		__VA_ARGS__ \
	}

/* One argument, counted from 0, and the values that it may have. */
#define ONE_OF(n, ...)                                               \
	.check =                                                     \
		{                                                    \
			.op = CALL_ONE_OF,                           \
			.arg = (n),                                  \
			.values = VALUES(__VA_ARGS__),               \
			.n_values = ARRAY_SIZE(VALUES(__VA_ARGS__)), \
	},                                                           \
	.arguments = #__VA_ARGS__

/* One argument, and the bits that must not be set in it. */
#define NO_BITS(n, bits)                          \
	.check =                                  \
		{                                 \
			.op = CALL_NO_BITS,       \
			.arg = (n),               \
			.wide = true,             \
			.values = VALUES((bits)), \
			.n_values = 1,            \
	},                                        \
	.arguments = "no " #bits

/* One argument, which is the calling process's id. */
#define OWN_PID(n)                          \
	.check =                            \
		{                           \
			.op = CALL_OWN_PID, \
			.arg = (n),         \
	},                                  \
	.arguments = "its own process"

/* What pthread_create() asks for. */
#define CLONE_FOR_THREAD                                                    \
	(CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | \
	 CLONE_SYSVSEM | CLONE_SETTLS | CLONE_PARENT_SETTID |               \
	 CLONE_CHILD_CLEARTID)

const struct call sandbox_calls[] = {
	/* The guest's processors, and what else is asked of files. */
	{CALL(ioctl), .kinds = VCPU,
	 ONE_OF(1, KVM_RUN, KVM_GET_REGS, KVM_SET_REGS, KVM_GET_SREGS,
		KVM_SET_SREGS, KVM_SET_MSRS),
	 .reason = "kvm/vcpu.c, kvm/vcpu_state.c"},
	{CALL(ioctl), .kinds = CONTROL,
	 ONE_OF(1, KVM_IRQFD, KVM_IOEVENTFD, KVM_SET_GSI_ROUTING,
		KVM_GET_API_VERSION, KVM_CHECK_EXTENSION,
		KVM_GET_VCPU_MMAP_SIZE, KVM_GET_SUPPORTED_CPUID, KVM_CREATE_VM,
		KVM_CREATE_VCPU, KVM_SET_CPUID2, KVM_CREATE_IRQCHIP,
		KVM_CREATE_PIT2, KVM_SET_TSS_ADDR, KVM_SET_IDENTITY_MAP_ADDR,
		KVM_SET_USER_MEMORY_REGION),
	 .reason = "kvm/vm.c, kvm/host.c, kvm/irqchip.c, kvm/bells.c, "
		   "kvm/memory.c, kvm/cpuid.c"},
	{CALL(ioctl), .kinds = CONTROL,
	 ONE_OF(1, TUNGETIFF, TUNSETQUEUE, TUNSETOFFLOAD, TUNGETVNETHDRSZ,
		TUNSETVNETHDRSZ, TUNSETSTEERINGEBPF, SIOCGIFHWADDR,
		SIOCGIFINDEX),
	 .reason = "backends/tap_device.c, backends/tap_netlink.c"},

	/* The data path: the arguments of these are not looked at. */
	{CALL(read), .kinds = ALL,
	 .reason = "base/irq.c: eventfds; kvm/console.c"},
	{CALL(write), .kinds = ALL,
	 .reason = "base/irq.c: eventfds; base/log.c"},
	{CALL(readv), .kinds = CONTROL | QUEUE, .reason = "backends/tap_rx.c"},
	{CALL(writev), .kinds = ALL,
	 .reason = "backends/tap_tx.c; last words of the C library"},
	{CALL(epoll_wait), .kinds = LOOPS, .reason = "libev: ev_run()"},
	{CALL(epoll_ctl), .kinds = LOOPS, .reason = "libev: ev_io_start()"},
	{CALL(futex), .kinds = MACHINE,
	 .reason = "sem_wait(), pthread_join(), malloc()"},

	/* Control loop: devices, sockets, files. */
	{CALL(accept4), .kinds = CONTROL,
	 .reason = "machine/qmp_server.c, machine/http_page.c"},
	{CALL(recvmsg), .kinds = CONTROL | WRITER | OPENER,
	 .reason = "machine/qmp_server.c, machine/opener_client.c"},
	{CALL(recvfrom), .kinds = CONTROL | WRITER | OPENER,
	 .reason = "recv(): machine/http_page.c, machine/opener_server.c, "
		   "backends/tap_link.c, backends/capture_sink.c"},
	{CALL(sendto), .kinds = CONTROL | WRITER | OPENER,
	 .reason = "send(): machine/qmp_server.c, machine/opener_client.c, "
		   "backends/tap_link.c"},
	{CALL(poll), .kinds = CONTROL | WRITER | OPENER,
	 .reason = "kvm/msix.c, kvm/console.c, backends/capture_sink.c, "
		   "machine/launch.c"},
	{CALL(epoll_create1), .kinds = CONTROL,
	 .reason = "libev: ev_loop_new()"},
	{CALL(eventfd2), .kinds = CONTROL | QUEUE,
	 .reason = "base/irq.c; libev: ev_async_start()"},
	{CALL(memfd_create), .kinds = CONTROL, .reason = "kvm/memory.c"},
	{CALL(ftruncate), .kinds = CONTROL | WRITER | OPENER,
	 .reason = "kvm/memory.c, backends/capture_sink.c"},
	{CALL(lseek), .kinds = CONTROL | OPENER, .reason = "kvm/boot.c"},
	{CALL(pread64), .kinds = CONTROL, .reason = "kvm/boot.c"},
	{CALL(fcntl), .kinds = CONTROL | WRITER | OPENER,
	 ONE_OF(1, F_GETFL, F_SETFL, F_GETFD, F_SETFD, F_DUPFD_CLOEXEC),
	 .reason = "libev: ev_async_start(); backends/tap_adopt.c, "
		   "backends/capture_sink.c"},
	{CALL(newfstatat), .kinds = CONTROL | WRITER, ONE_OF(3, AT_EMPTY_PATH),
	 .reason = "fstat() before glibc 2.39: backends/capture_sink.c",
	 .rare = true},
	{CALL(fstat), .kinds = CONTROL | WRITER | OPENER,
	 .reason = "fstat() since glibc 2.39: backends/capture_sink.c",
	 .rare = true},
	{CALL(dup3), .kinds = CONTROL | OPENER, .reason = "base/log_output.c"},
	{CALL(close), .kinds = ALL, .reason = "base/util.c: close_fd()"},
	{CALL(getrandom), .kinds = CONTROL | OPENER,
	 .reason = "machine/nic.c: a MAC address; malloc()", .rare = true},
	{CALL(sysinfo), .kinds = CONTROL | OPENER,
	 .reason = "sysconf(): kvm/memory.c; qsort()"},

	/* Control loop: threads. */
	{CALL(clone), .kinds = CONTROL,
	 .check = {.op = CALL_ONE_OF,
		   .values = VALUES(CLONE_FOR_THREAD),
		   .n_values = 1},
	 .arguments = "the flags of a thread", .reason = "pthread_create()"},
	{CALL(clone3), .kinds = CONTROL, .refused = true,
	 .arguments = "answered with ENOSYS",
	 .reason = "pthread_create() tries it before clone"},
	{CALL(set_robust_list), .kinds = CONTROL, .reason = "pthread_create()"},
	{CALL(rseq), .kinds = CONTROL, .reason = "pthread_create()"},
	{CALL(prctl), .kinds = CONTROL, ONE_OF(0, PR_SET_NAME, PR_SET_SECCOMP),
	 .reason = "base/thread.c, sandbox/filter.c"},
	{CALL(exit), .kinds = MACHINE, .reason = "the end of a thread"},
	{CALL(exit_group), .kinds = ALL, .reason = "exit()"},

	/* Memory. */
	{CALL(mmap), .kinds = ALL, NO_BITS(2, PROT_EXEC),
	 .reason = "malloc(), stacks of threads; kvm/memory.c, kvm/vcpu.c"},
	{CALL(mprotect), .kinds = ALL, NO_BITS(2, PROT_EXEC),
	 .reason = "malloc(), stacks of threads"},
	{CALL(munmap), .kinds = ALL,
	 .reason = "free(), stacks of threads; kvm/memory.c, kvm/vcpu.c"},
	{CALL(brk), .kinds = ALL, .reason = "malloc()"},
	{CALL(mremap), .kinds = ALL, .reason = "realloc()", .rare = true},
	{CALL(madvise), .kinds = MACHINE,
	 .reason = "the end of a thread; kvm/memory.c"},
	{CALL(sched_getaffinity), .kinds = MACHINE,
	 .reason = "malloc(): how many arenas", .rare = true},

	/* Signals. */
	{CALL(rt_sigaction), .kinds = ALL,
	 .reason = "kvm/vcpu.c; libev: ev_signal_start(); abort()"},
	{CALL(rt_sigprocmask), .kinds = ALL,
	 .reason = "base/loop.c, kvm/vcpu.c; the end of a thread"},
	{CALL(rt_sigreturn), .kinds = ALL, .reason = "the end of a handler"},
	{CALL(tgkill), .kinds = MACHINE, OWN_PID(0),
	 .reason = "pthread_kill(): kvm/vcpu.c; abort()"},
	{CALL(getpid), .kinds = ALL, .reason = "pthread_kill(), abort()"},
	{CALL(gettid), .kinds = ALL, .reason = "abort()", .rare = true},
	{CALL(restart_syscall), .kinds = ALL,
	 .reason = "a wait with an end, after SIGSTOP and SIGCONT",
	 .rare = true},

	/* Time, on hosts where the vDSO does not know it. */
	{CALL(clock_gettime), .kinds = ALL, .reason = "clock_gettime()",
	 .rare = true},
	{CALL(gettimeofday), .kinds = LOOPS, .reason = "libev: ev_time()",
	 .rare = true},

	/* Sockets of the machine's own. */
	{CALL(sendmsg), .kinds = QUEUE, .sockets = true,
	 .reason = "backends/consomme/host_linux.c"},
	{CALL(recvmsg), .kinds = QUEUE, .sockets = true,
	 .reason = "backends/consomme/host_linux.c"},
	{CALL(accept4), .kinds = QUEUE, .sockets = true,
	 .reason = "backends/consomme/host_linux.c"},
	{CALL(socket), .kinds = QUEUE, .sockets = true,
	 ONE_OF(0, AF_INET, AF_INET6),
	 .reason = "backends/consomme/host_linux.c"},
	{CALL(connect), .kinds = QUEUE, .sockets = true,
	 .reason = "backends/consomme/host_linux.c"},
	{CALL(shutdown), .kinds = QUEUE, .sockets = true,
	 .reason = "backends/consomme/host_linux.c"},
	{CALL(setsockopt), .kinds = QUEUE, .sockets = true,
	 ONE_OF(1, SOL_SOCKET, IPPROTO_IP, IPPROTO_IPV6, IPPROTO_TCP,
		IPPROTO_UDP),
	 .reason = "backends/consomme/host_linux.c"},
	{CALL(getsockopt), .kinds = QUEUE, .sockets = true,
	 .reason = "backends/consomme/host_linux.c"},

	/* The opener: files, taps, sockets, its child. */
	{CALL(ioctl), .kinds = OPENER,
	 ONE_OF(1, TCGETS, TCSETS, TCSETSW, TCSETSF, TIOCGPGRP,
		KVM_GET_API_VERSION, KVM_CHECK_EXTENSION, TUNSETIFF, TUNGETIFF,
		TUNGETDEVNETNS, TUNGETFEATURES, TUNSETQUEUE, TUNSETPERSIST,
		SIOCGIFFLAGS, SIOCSIFFLAGS, SIOCGIFHWADDR, SIOCGIFINDEX,
		SIOCGIFNAME),
	 .reason = "kvm/terminal.c, kvm/host.c, backends/tap_open.c, "
		   "backends/tap_netlink.c"},
	{CALL(getpgrp), .kinds = OPENER, .reason = "kvm/open.c", .rare = true},
	{CALL(openat), .kinds = OPENER,
	 .reason = "kvm/open.c, kvm/host.c, backends/tap_open.c, "
		   "machine/capture_files.c, machine/unix_listen.c, "
		   "base/log_output.c"},
	{CALL(newfstatat), .kinds = OPENER,
	 .reason = "machine/pidfile.c, machine/unix_listen.c"},
	{CALL(fchmod), .kinds = OPENER, .reason = "machine/unix_listen.c"},
	{CALL(flock), .kinds = OPENER,
	 .reason = "machine/unix_listen.c, machine/pidfile.c"},
	{CALL(unlink), .kinds = OPENER,
	 .reason = "machine/unix_listen.c, machine/pidfile.c"},
	{CALL(unlinkat), .kinds = OPENER, .reason = "machine/capture_files.c"},
	{CALL(renameat), .kinds = OPENER, .reason = "machine/capture_files.c"},
	{CALL(socket), .kinds = OPENER,
	 .reason = "machine/unix_listen.c, backends/tap_open.c, "
		   "backends/tap_netlink.c"},
	{CALL(bind), .kinds = OPENER,
	 .reason = "machine/unix_listen.c, backends/tap_netlink.c"},
	{CALL(connect), .kinds = OPENER,
	 .reason = "machine/unix_listen.c: does somebody listen?"},
	{CALL(listen), .kinds = OPENER, .reason = "machine/unix_listen.c"},
	{CALL(setsockopt), .kinds = OPENER, .sockets = true,
	 .reason = "machine/opener_sockets.c"},
	{CALL(inotify_init1), .kinds = OPENER, .sockets = true,
	 .reason = "machine/opener_sockets.c"},
	{CALL(inotify_add_watch), .kinds = OPENER, .sockets = true,
	 .reason = "machine/opener_sockets.c"},
	{CALL(readlink), .kinds = OPENER, .sockets = true,
	 .reason = "realpath(): machine/opener_sockets.c"},
	{CALL(socketpair), .kinds = OPENER,
	 .reason = "machine/opener_server.c"},
	{CALL(sendmsg), .kinds = OPENER, .reason = "machine/opener_server.c"},
	{CALL(setns), .kinds = OPENER, ONE_OF(1, CLONE_NEWNET),
	 .reason = "backends/tap_netns.c"},
	{CALL(bpf), .kinds = OPENER,
	 ONE_OF(0, BPF_MAP_CREATE, BPF_MAP_UPDATE_ELEM, BPF_PROG_LOAD),
	 .reason = "net/rss_bpf.c, for a guest that asks for RSS",
	 .rare = true},
	{CALL(waitid), .kinds = OPENER, .reason = "machine/launch.c"},
	{CALL(kill), .kinds = OPENER, .reason = "machine/launch.c"},
	{CALL(tgkill), .kinds = OPENER, OWN_PID(0),
	 .reason = "raise(): machine/launch.c, Ctrl-Z; abort()", .rare = true},
	{CALL(clock_nanosleep), .kinds = OPENER,
	 .reason = "machine/opener_server.c: opener_retry()", .rare = true},
};

const size_t sandbox_n_calls = ARRAY_SIZE(sandbox_calls);
