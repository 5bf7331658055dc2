/* SPDX-License-Identifier: MIT */
/*
 * The attack build: a program that is confined as evnic is, and in which each
 * kind of thread does what somebody would do who has taken it over. Each try
 * ends the process, and the log says who tried what.
 */
#include "support/confined.h"
#include "support/run.h"
#include "support/skip.h"

#include <asm/ioctls.h>
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/if_tun.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define X32_BIT	    0x40000000
#define NOBODY	    0x3fffffff /* no process has this id */
#define I386_GETPID 20

/* @nr, @args: the call; @opener: even the opener may not; @sockets: whoever may
 * have sockets may. Where nothing stops it, it does no harm. */
struct attack {
	const char *call; /* as the log names it */
	long nr;
	long args[4];
	bool opener;
	bool sockets;
	bool i386;
};

#define ATTACK(x, ...) .call = #x, .nr = SYS_##x, .args = {__VA_ARGS__}

static const struct attack attacks[] = {
	{ATTACK(execve, (long)"/bin/true", 0, 0), .opener = true},
	{ATTACK(execveat, -1, (long)"", 0, 0), .opener = true},
	{ATTACK(open, (long)"/etc/passwd", O_RDONLY), .opener = true},
	{ATTACK(openat, AT_FDCWD, (long)"/etc/passwd", O_RDONLY)},
	{ATTACK(openat2, AT_FDCWD, (long)"/etc/passwd", 0, 0), .opener = true},
	{ATTACK(open_by_handle_at, -1, 0, 0), .opener = true},
	{ATTACK(socket, AF_INET, SOCK_STREAM, 0), .sockets = true},
	{ATTACK(connect, -1, 0, 0), .sockets = true},
	{ATTACK(setsockopt, -1, SOL_SOCKET, 0, 0), .sockets = true},
	{ATTACK(socket, AF_UNIX, SOCK_STREAM, 0)},
	{ATTACK(socket, AF_NETLINK, SOCK_RAW, 0)},
	{ATTACK(socket, AF_PACKET, SOCK_RAW, 0)},
	{ATTACK(socketpair, AF_UNIX, SOCK_STREAM, 0, 0)},
	{ATTACK(setsockopt, -1, SOL_PACKET, 0, 0)},
	{ATTACK(bind, -1, 0, 0)},
	{ATTACK(listen, -1, 1)},
	{ATTACK(inotify_add_watch, -1, 0, 0)},
	{ATTACK(readlink, (long)"/", 0, 0)},
	{ATTACK(ptrace, PTRACE_ATTACH, NOBODY, 0, 0), .opener = true},
	{ATTACK(process_vm_readv, NOBODY), .opener = true},
	{ATTACK(mmap, 0, 4096, PROT_READ | PROT_EXEC,
		MAP_PRIVATE | MAP_ANONYMOUS),
	 .opener = true},
	{ATTACK(mprotect, 0, 0, PROT_READ | PROT_EXEC), .opener = true},
	{ATTACK(clone, SIGCHLD, 0, 0, 0), .opener = true},
	{ATTACK(clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0), .opener = true},
	{ATTACK(fork), .opener = true},
	{ATTACK(mount, 0, 0, 0, 0), .opener = true},
	{ATTACK(umount2, 0, 0), .opener = true},
	{ATTACK(pivot_root, 0, 0), .opener = true},
	{ATTACK(chroot, 0), .opener = true},
	{ATTACK(chdir, 0), .opener = true},
	{ATTACK(setns, -1, CLONE_NEWUSER), .opener = true},
	{ATTACK(setns, -1, 0), .opener = true},
	{ATTACK(unshare, 0), .opener = true},
	{ATTACK(kill, NOBODY, 0)},
	{ATTACK(tgkill, NOBODY, NOBODY, 0), .opener = true},
	{ATTACK(pidfd_open, NOBODY, 0), .opener = true},
	{ATTACK(bpf, BPF_PROG_ATTACH, 0, 0), .opener = true},
	{ATTACK(keyctl, -1), .opener = true},
	{ATTACK(io_uring_setup, 0, 0), .opener = true},
	{ATTACK(userfaultfd, -1), .opener = true},
	{ATTACK(perf_event_open, 0, 0, -1, -1), .opener = true},
	{ATTACK(init_module, 0, 0, 0), .opener = true},
	{ATTACK(capset, 0, 0), .opener = true},
	{ATTACK(setresuid, -1, -1, -1), .opener = true},
	{ATTACK(seccomp, -1, 0, 0), .opener = true},
	{ATTACK(prctl, PR_SET_PTRACER, 0), .opener = true},
	{ATTACK(ioctl, -1, TIOCSTI, 0), .opener = true},
	{ATTACK(ioctl, -1, TUNSETIFF, 0)},
	{.call = "?", .nr = X32_BIT | SYS_getpid, .opener = true},
	{.call = "of another architecture",
	 .nr = I386_GETPID,
	 .opener = true,
	 .i386 = true},
};

#define N_ATTACKS ARRAY_SIZE(attacks)

static bool has_i386;

static long call_i386(long nr)
{
	long result;

	__asm__ volatile("int $0x80"
			 : "=a"(result)
			 : "0"(nr)
			 : "memory", "r8", "r9", "r10", "r11");
	return result;
}

static int attack_body(void *arg)
{
	const struct attack *a = arg;
	long pid = -1;

	if (a->i386)
		(void)call_i386(a->nr);
	else
		pid = syscall(a->nr, a->args[0], a->args[1], a->args[2],
			      a->args[3], 0L, 0L);
	/* A second process, if there is one. */
	if ((a->nr == SYS_fork || a->nr == SYS_clone) && pid == 0)
		_exit(0);
	return 0;
}

static const struct sandbox_config on = {
	.seccomp = SANDBOX_SECCOMP_ON,
	.uid = -1,
	.gid = -1,
	.required = true,
};

/* A loop's index: of a kind, and with sockets or without. */
#define FORMS	   (2 * THREAD_KINDS)
#define KIND(i)	   ((enum thread_kind)((i) % THREAD_KINDS))
#define SOCKETS(i) ((i) >= THREAD_KINDS)

static bool applies(const struct attack *a, int form)
{
	enum thread_kind kind = KIND(form);

	if (SOCKETS(form) && a->sockets &&
	    (kind == THREAD_CONTROL || kind == THREAD_QUEUE))
		return false;
	return (kind != THREAD_OPENER || a->opener) && (!a->i386 || has_i386);
}

static void expected_line(const struct attack *a, enum thread_kind kind,
			  char *line, size_t size)
{
	bool first = kind == THREAD_CONTROL || kind == THREAD_OPENER;

	(void)snprintf(line, size,
		       "seccomp: system call %s (%ld) is not in the list of "
		       "the %s thread%s: the process ends\n",
		       a->call, a->nr, thread_kind_name(kind),
		       first ? "" : " " CONFINED_NAME);
}

START_TEST(is_stopped)
{
	enum thread_kind kind = KIND(_i);
	struct sandbox_config config = on;
	struct confined out;
	char line[256];

	config.sockets = SOCKETS(_i);

	for (size_t i = 0; i < N_ATTACKS; i++) {
		struct attack a = attacks[i];

		if (!applies(&a, _i))
			continue;
		confined_run(&config, kind, attack_body, &a, &out);
		ck_assert_msg(WIFSIGNALED(out.status) &&
				      WTERMSIG(out.status) == SIGSYS,
			      "%s: status %x: %s", a.call, out.status, out.log);
		expected_line(&a, kind, line, sizeof(line));
		ck_assert_msg(strstr(out.log, line) != NULL, "%s: not: %s",
			      out.log, line);
	}
}
END_TEST

static int all_attacks_body(void *arg)
{
	const enum thread_kind *kind = arg;

	for (size_t i = 0; i < N_ATTACKS; i++) {
		struct attack a = attacks[i];

		if (applies(&a, (int)*kind))
			(void)attack_body(&a);
	}
	return 0;
}

/* "log" and "off" stop nobody. */
START_TEST(is_let_through)
{
	static const enum sandbox_seccomp modes[] = {SANDBOX_SECCOMP_LOG,
						     SANDBOX_SECCOMP_OFF};
	enum thread_kind kind = (enum thread_kind)_i;
	struct sandbox_config config = on;
	struct confined out;

	for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
		config.seccomp = modes[i];
		confined_run(&config, kind, all_attacks_body, &kind, &out);
		ck_assert_msg(out.status == 0, "mode %zu: status %x: %s", i,
			      out.status, out.log);
		ck_assert_str_eq(out.log, "");
	}
}
END_TEST

/* What a consomme does, in its thread. */
static int sockets_body(void *arg)
{
	const int type = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, one = 1;
	const struct sockaddr_in nobody = {
		.sin_family = AF_INET,
		.sin_port = htons(1),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	struct msghdr msg = {.msg_iov = NULL};
	int value, tcp = socket(AF_INET, type, 0);
	int udp = socket(AF_INET6, SOCK_DGRAM, 0);
	socklen_t len = sizeof(value);

	UNUSED(arg);
	if (tcp < 0)
		return 1;
	if (setsockopt(tcp, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof(one)) < 0 ||
	    setsockopt(tcp, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) < 0)
		return 2;
	if (connect(tcp, (const struct sockaddr *)&nobody, sizeof(nobody)) == 0)
		return 3;
	if (getsockopt(tcp, SOL_SOCKET, SO_ERROR, &value, &len) < 0)
		return 4;
	(void)sendmsg(tcp, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);
	(void)recvmsg(tcp, &msg, MSG_DONTWAIT | MSG_PEEK);
	(void)accept4(tcp, NULL, NULL, SOCK_CLOEXEC);
	(void)shutdown(tcp, SHUT_WR);
	close_fd(&udp);
	close_fd(&tcp);
	return 0;
}

START_TEST(sockets_work)
{
	static const enum thread_kind kinds[] = {THREAD_CONTROL, THREAD_QUEUE};
	struct sandbox_config config = on;
	struct confined out;

	config.sockets = true;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		confined_run(&config, kinds[i], sockets_body, NULL, &out);
		ck_assert_msg(out.status == 0, "%x: %s", out.status, out.log);
	}
}
END_TEST

static int clone3_body(void *arg)
{
	UNUSED(arg);
	return syscall(SYS_clone3, NULL, 0) == -1 && errno == ENOSYS ? 0 : 1;
}

/* The C library asks first, and takes no for an answer. */
START_TEST(clone3_is_not_there)
{
	struct confined out;

	confined_run(&on, THREAD_CONTROL, clone3_body, NULL, &out);
	ck_assert_msg(out.status == 0, "%x: %s", out.status, out.log);
}
END_TEST

static int i386_body(void *arg)
{
	UNUSED(arg);
	return call_i386(I386_GETPID) > 0 ? 0 : 1;
}

/* Kernels may be without 32-bit calls. */
static bool probe_i386(void)
{
	int status = -1;
	pid_t pid = fork();

	if (pid == 0)
		_exit(i386_body(NULL));
	return waitpid(pid, &status, 0) == pid && status == 0;
}

int main(void)
{
	Suite *suite = suite_create("sandbox attack");
	TCase *tc = tcase_create("attack");
	const char *obstacle = confined_obstacle();

	if (obstacle)
		return test_skip(obstacle);
	has_i386 = probe_i386();
	tcase_set_timeout(tc, 100);
	tcase_add_loop_test(tc, is_stopped, 0, FORMS);
	tcase_add_loop_test(tc, is_let_through, 0, THREAD_KINDS);
	tcase_add_test(tc, sockets_work);
	tcase_add_test(tc, clone3_is_not_there);
	suite_add_tcase(suite, tc);
	return test_run(suite);
}
