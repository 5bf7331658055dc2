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

#include <linux/if_tun.h>
#include <linux/kvm.h>
#include <linux/sockios.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#define CONTROL (1u << THREAD_CONTROL)
#define QUEUE	(1u << THREAD_QUEUE)
#define VCPU	(1u << THREAD_VCPU)
#define WRITER	(1u << THREAD_WRITER)
#define OPENER	(1u << THREAD_OPENER)
#define MACHINE (CONTROL | QUEUE | VCPU | WRITER)
#define LOOPS	(CONTROL | QUEUE | WRITER)
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

/* What pthread_create() asks for. */
#define CLONE_FOR_THREAD                                                    \
	(CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | \
	 CLONE_SYSVSEM | CLONE_SETTLS | CLONE_PARENT_SETTID |               \
	 CLONE_CHILD_CLEARTID)

const struct call sandbox_calls[] = {
	/* The guest's processors, and what else is asked of files. */
	{CALL(ioctl), VCPU,
	 ONE_OF(1, KVM_RUN, KVM_GET_REGS, KVM_SET_REGS, KVM_GET_SREGS,
		KVM_SET_SREGS, KVM_SET_MSRS),
	 .reason = "kvm/vcpu.c, vcpu_state.c"},
	{CALL(ioctl), CONTROL,
	 ONE_OF(1, KVM_GET_API_VERSION, KVM_CHECK_EXTENSION,
		KVM_GET_VCPU_MMAP_SIZE, KVM_GET_SUPPORTED_CPUID, KVM_CREATE_VM,
		KVM_CREATE_VCPU, KVM_SET_CPUID2, KVM_CREATE_IRQCHIP,
		KVM_CREATE_PIT2, KVM_SET_TSS_ADDR, KVM_SET_IDENTITY_MAP_ADDR,
		KVM_SET_USER_MEMORY_REGION, KVM_SET_GSI_ROUTING, KVM_IRQFD,
		KVM_IOEVENTFD, KVM_SIGNAL_MSI),
	 .reason = "kvm/*.c"},
	{CALL(ioctl), CONTROL | QUEUE,
	 ONE_OF(1, TUNSETQUEUE, TUNSETOFFLOAD, TUNSETVNETHDRSZ, TUNGETVNETHDRSZ,
		TUNSETSTEERINGEBPF, TUNGETIFF, TUNGETFEATURES, SIOCGIFHWADDR,
		SIOCGIFINDEX),
	 .reason = "backends/tap_device.c, tap_link.c"},
	{CALL(mmap), ALL, NO_BITS(2, PROT_EXEC),
	 .reason = "malloc(), stacks, guest memory"},
	{CALL(mprotect), ALL, NO_BITS(2, PROT_EXEC),
	 .reason = "malloc(), stacks"},
	{CALL(clone), MACHINE, ONE_OF(0, CLONE_FOR_THREAD),
	 .reason = "pthread_create()"},
	{CALL(clone3), MACHINE, .refused = true,
	 .arguments = "answered with ENOSYS",
	 .reason = "pthread_create() tries it first"},
	{CALL(prctl), MACHINE,
	 ONE_OF(0, PR_SET_NAME, PR_GET_NAME, PR_SET_SECCOMP),
	 .reason = "base/thread.c, sandbox/filter.c"},

	/* The data path. */
	{CALL(read), ALL, .reason = "eventfds, files"},
	{CALL(readv), ALL, .reason = "backends/tap_rx.c"},
	{CALL(write), ALL, .reason = "eventfds, base/log.c"},
	{CALL(writev), ALL, .reason = "backends/tap_tx.c"},
	{CALL(epoll_wait), LOOPS, .reason = "libev"},
	{CALL(epoll_pwait), LOOPS, .reason = "libev"},
	{CALL(epoll_ctl), LOOPS, .reason = "libev"},
	{CALL(futex), ALL, .reason = "locks, semaphores, joins"},
	{CALL(poll), ALL, .reason = "kvm/msix.c, console.c"},
	{CALL(ppoll), ALL, .reason = "kvm/msix.c, console.c"},
	{CALL(recvmsg), ALL, .reason = "machine/qmp_fds.c, opener_client.c"},
	{CALL(sendmsg), ALL, .reason = "machine/opener_client.c"},
	{CALL(recvfrom), ALL, .reason = "backends/tap_link.c"},
	{CALL(sendto), ALL, .reason = "backends/tap_link.c"},
	{CALL(epoll_create1), CONTROL, .reason = "libev"},
	{CALL(eventfd2), MACHINE, .reason = "base/irq.c"},
	{CALL(timerfd_create), CONTROL, .reason = "libev"},
	{CALL(timerfd_settime), CONTROL, .reason = "libev"},
	{CALL(memfd_create), CONTROL, .reason = "kvm/memory.c"},
	{CALL(ftruncate), CONTROL | OPENER, .reason = "kvm/memory.c"},
	{CALL(pread64), CONTROL | OPENER, .reason = "kvm/boot.c"},
	{CALL(lseek), ALL, .reason = "kvm/boot.c"},
	{CALL(fstat), ALL, .reason = "fstat()"},
	{CALL(newfstatat), ALL, .reason = "fstat()"},
	{CALL(statx), ALL, .reason = "fstat()"},
	{CALL(fcntl), ALL, .reason = "flags"},
	{CALL(dup), CONTROL | OPENER, .reason = "fds"},
	{CALL(dup3), CONTROL | OPENER, .reason = "base/log.c"},
	{CALL(dup2), CONTROL | OPENER, .reason = "base/log.c"},
	{CALL(close), ALL, .reason = "everywhere"},
	{CALL(accept4), CONTROL, .reason = "machine/qmp_server.c"},
	{CALL(shutdown), ALL, .reason = "sockets"},
	{CALL(getsockopt), ALL, .reason = "sockets"},
	{CALL(setsockopt), ALL, .reason = "sockets"},
	{CALL(getsockname), ALL, .reason = "sockets"},

	/* The C library. */
	{CALL(munmap), ALL, .reason = "malloc(), stacks, guest memory"},
	{CALL(mremap), ALL, .reason = "realloc()", .rare = true},
	{CALL(madvise), ALL, .reason = "ends of threads, guest memory"},
	{CALL(brk), ALL, .reason = "malloc()"},
	{CALL(exit), MACHINE, .reason = "ends of threads"},
	{CALL(exit_group), ALL, .reason = "exit()"},
	{CALL(set_robust_list), MACHINE, .reason = "pthread_create()"},
	{CALL(rseq), MACHINE, .reason = "pthread_create()"},
	{CALL(rt_sigaction), ALL, .reason = "signals"},
	{CALL(rt_sigprocmask), ALL, .reason = "signals"},
	{CALL(rt_sigreturn), ALL, .reason = "signals"},
	{CALL(gettid), ALL, .reason = "abort()", .rare = true},
	{CALL(getpid), ALL, .reason = "abort()"},
	{CALL(tgkill), ALL, .reason = "abort(), kicks of vCPUs"},
	{CALL(clock_gettime), ALL, .reason = "where the vDSO cannot",
	 .rare = true},
	{CALL(gettimeofday), ALL, .reason = "where the vDSO cannot",
	 .rare = true},
	{CALL(clock_nanosleep), ALL, .reason = "waits", .rare = true},
	{CALL(restart_syscall), ALL, .reason = "stop and go on", .rare = true},
	{CALL(getrandom), ALL, .reason = "malloc(), random MAC addresses"},
	{CALL(sched_getaffinity), ALL, .reason = "malloc()", .rare = true},
	{CALL(sched_yield), ALL, .reason = "libev", .rare = true},
	{CALL(sysinfo), ALL, .reason = "qsort()", .rare = true},

	/* The opener's. */
	{CALL(ioctl), OPENER, .reason = "taps, terminals"},
	{CALL(clone), OPENER, .reason = "fork()"},
	{CALL(openat), OPENER, .reason = "machine/opener*.c"},
	{CALL(openat2), OPENER, .reason = "machine/opener*.c"},
	{CALL(socket), OPENER, .reason = "machine/opener*.c"},
	{CALL(socketpair), OPENER, .reason = "machine/opener*.c"},
	{CALL(bind), OPENER, .reason = "machine/opener*.c"},
	{CALL(listen), OPENER, .reason = "machine/opener*.c"},
	{CALL(connect), OPENER, .reason = "machine/opener*.c"},
	{CALL(chmod), OPENER, .reason = "machine/opener*.c"},
	{CALL(fchmod), OPENER, .reason = "machine/opener*.c"},
	{CALL(fchmodat), OPENER, .reason = "machine/opener*.c"},
	{CALL(fchown), OPENER, .reason = "machine/opener*.c"},
	{CALL(fchownat), OPENER, .reason = "machine/opener*.c"},
	{CALL(chown), OPENER, .reason = "machine/opener*.c"},
	{CALL(unlink), OPENER, .reason = "machine/opener*.c"},
	{CALL(unlinkat), OPENER, .reason = "machine/opener*.c"},
	{CALL(rename), OPENER, .reason = "machine/opener*.c"},
	{CALL(renameat), OPENER, .reason = "machine/opener*.c"},
	{CALL(renameat2), OPENER, .reason = "machine/opener*.c"},
	{CALL(link), OPENER, .reason = "machine/pidfile.c"},
	{CALL(linkat), OPENER, .reason = "machine/pidfile.c"},
	{CALL(flock), OPENER, .reason = "machine/pidfile.c"},
	{CALL(access), OPENER, .reason = "machine/opener*.c"},
	{CALL(faccessat), OPENER, .reason = "machine/opener*.c"},
	{CALL(faccessat2), OPENER, .reason = "machine/opener*.c"},
	{CALL(stat), OPENER, .reason = "machine/opener*.c"},
	{CALL(lstat), OPENER, .reason = "machine/opener*.c"},
	{CALL(fstatfs), OPENER, .reason = "machine/opener*.c"},
	{CALL(setns), OPENER, .reason = "backends/tap_link.c"},
	{CALL(bpf), OPENER, .reason = "backends/tap_steering.c"},
	{CALL(wait4), OPENER, .reason = "machine/launch.c"},
	{CALL(waitid), OPENER, .reason = "machine/launch.c"},
	{CALL(kill), OPENER, .reason = "machine/launch.c"},
	{CALL(pidfd_open), OPENER, .reason = "machine/launch.c"},
	{CALL(pidfd_send_signal), OPENER, .reason = "machine/launch.c"},
	{CALL(signalfd4), OPENER, .reason = "machine/launch.c"},
	{CALL(rt_sigtimedwait), OPENER, .reason = "machine/launch.c"},
	{CALL(rt_sigpending), OPENER, .reason = "machine/launch.c"},
	{CALL(epoll_create1), OPENER, .reason = "machine/launch.c"},
	{CALL(epoll_ctl), OPENER, .reason = "machine/launch.c"},
	{CALL(epoll_wait), OPENER, .reason = "machine/launch.c"},
	{CALL(eventfd2), OPENER, .reason = "machine/launch.c"},
	{CALL(pipe2), OPENER, .reason = "machine/launch.c"},
	{CALL(getdents64), OPENER, .reason = "machine/launch.c"},
	{CALL(prctl), OPENER, .reason = "machine/launch.c"},
	{CALL(getuid), OPENER, .reason = "machine/launch.c"},
	{CALL(geteuid), OPENER, .reason = "machine/launch.c"},
	{CALL(getgid), OPENER, .reason = "machine/launch.c"},
	{CALL(getegid), OPENER, .reason = "machine/launch.c"},
	{CALL(nanosleep), OPENER, .reason = "machine/launch.c"},
	{CALL(utimensat), OPENER, .reason = "machine/launch.c"},
	{CALL(mkdirat), OPENER, .reason = "machine/launch.c"},
	{CALL(readlink), OPENER, .reason = "machine/launch.c"},
	{CALL(readlinkat), OPENER, .reason = "machine/launch.c"},
};

const size_t sandbox_n_calls = ARRAY_SIZE(sandbox_calls);
