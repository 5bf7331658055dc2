/* SPDX-License-Identifier: MIT */
/*
 * The seccomp programs against the table that they are made of: an interpreter
 * of classic BPF runs them for every number and for arguments on both sides of
 * every rule. What the rules say is computed here once more, the slow way; some
 * verdicts are written down besides, for the case that the table is wrong.
 */
#include "sandbox/calls.h"
#include "sandbox/filter.h"
#include "support/run.h"

#include <asm/ioctls.h>
#include <check.h>
#include <errno.h>
#include <linux/audit.h>
#include <linux/if_tun.h>
#include <linux/kvm.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#define X32_BIT	  0x40000000
#define NUMBERS	  600
#define OTHERWISE SECCOMP_RET_TRAP
#define HIGH	  (1ULL << 32)
#define PID	  0x12345

static struct filter filter;

/* One run of the program. A load or a jump out of bounds is a failure, as it is
 * in the kernel's check. */
static uint32_t run(const struct seccomp_data *data)
{
	uint32_t a = 0;

	for (size_t pc = 0; pc < filter.n; pc++) {
		const struct sock_filter *op = &filter.code[pc];

		switch (op->code) {
		case BPF_LD | BPF_W | BPF_ABS:
			ck_assert_uint_le(op->k, sizeof(*data) - 4);
			memcpy(&a, (const char *)data + op->k, 4);
			break;
		case BPF_JMP | BPF_JEQ | BPF_K:
			pc += a == op->k ? op->jt : op->jf;
			break;
		case BPF_JMP | BPF_JSET | BPF_K:
			pc += a & op->k ? op->jt : op->jf;
			break;
		case BPF_RET | BPF_K:
			return op->k;
		default:
			ck_abort_msg("code %u", op->code);
		}
	}
	ck_abort_msg("it runs off its end");
}

/* A loop's index: of a kind, and with sockets or without. */
#define FORMS	   (2 * THREAD_KINDS)
#define KIND(i)	   ((enum thread_kind)((i) % THREAD_KINDS))
#define SOCKETS(i) ((i) >= THREAD_KINDS)

static void build(int form)
{
	ck_assert_int_eq(filter_build(&filter, KIND(form), SOCKETS(form), PID,
				      OTHERWISE),
			 0);
}

static bool holds(const struct call_check *check, const __u64 *args)
{
	uint64_t value = args[check->arg];

	if (check->wide && value >> 32)
		return false;
	if (check->op == CALL_ANY)
		return true;
	if (check->op == CALL_OWN_PID)
		return (uint32_t)value == PID;
	if (check->op == CALL_NO_BITS)
		return ((uint32_t)value & check->values[0]) == 0;
	for (size_t i = 0; i < check->n_values; i++) {
		if ((uint32_t)value == check->values[i])
			return true;
	}
	return false;
}

static uint32_t expected(int form, const struct seccomp_data *data)
{
	for (size_t i = 0; i < sandbox_n_calls; i++) {
		const struct call *call = &sandbox_calls[i];

		if (data->nr != call->nr ||
		    !call_is_for(call, KIND(form), SOCKETS(form)))
			continue;
		if (call->refused)
			return SECCOMP_RET_ERRNO | ENOSYS;
		if (holds(&call->check, data->args))
			return SECCOMP_RET_ALLOW;
	}
	return OTHERWISE;
}

static void compare(int form, struct seccomp_data *data)
{
	uint32_t is = run(data);
	uint32_t should = expected(form, data);

	ck_assert_msg(is == should,
		      "%s thread, call %d (%llx, %llx, %llx): %x, not %x",
		      thread_kind_name(KIND(form)), data->nr,
		      (unsigned long long)data->args[0],
		      (unsigned long long)data->args[1],
		      (unsigned long long)data->args[2], is, should);
}

START_TEST(every_number)
{
	struct seccomp_data data = {.arch = AUDIT_ARCH_X86_64};

	build(_i);
	for (int nr = -1; nr < NUMBERS; nr++) {
		data.nr = nr;
		compare(_i, &data);
	}
}
END_TEST

START_TEST(every_argument)
{
	build(_i);
	for (size_t i = 0; i < sandbox_n_calls; i++) {
		const struct call *call = &sandbox_calls[i];
		const struct call_check *check = &call->check;
		struct seccomp_data data = {
			.arch = AUDIT_ARCH_X86_64,
			.nr = (int)call->nr,
		};
		__u64 *arg = &data.args[check->arg];

		for (size_t v = 0; v <= check->n_values; v++) {
			const uint64_t value =
				v < check->n_values ? check->values[v] : PID;
			const uint64_t tries[] = {
				value,	      value + 1,
				value - 1,    value | HIGH,
				value << 32,  ~value,
				~value & ~0u, value | 0xffffffffULL << 32,
			};

			for (size_t t = 0; t < ARRAY_SIZE(tries); t++) {
				*arg = tries[t];
				compare(_i, &data);
			}
		}
		for (unsigned int bit = 0; bit < 64; bit++) {
			*arg = 1ULL << bit;
			compare(_i, &data);
		}
	}
}
END_TEST

START_TEST(other_architectures)
{
	static const uint32_t archs[] = {AUDIT_ARCH_I386, AUDIT_ARCH_AARCH64, 0,
					 AUDIT_ARCH_X86_64 ^ 1};

	build(_i);
	for (int nr = 0; nr < NUMBERS; nr++) {
		struct seccomp_data data = {
			.arch = AUDIT_ARCH_X86_64,
			.nr = nr | X32_BIT,
		};

		ck_assert_uint_eq(run(&data), OTHERWISE);
		data.nr = nr;
		for (size_t i = 0; i < ARRAY_SIZE(archs); i++) {
			data.arch = archs[i];
			ck_assert_uint_eq(run(&data), OTHERWISE);
		}
	}
}
END_TEST

static uint32_t verdict(long nr, uint64_t a, uint64_t b, uint64_t c)
{
	const struct seccomp_data data = {
		.arch = AUDIT_ARCH_X86_64,
		.nr = (int)nr,
		.args = {a, b, c},
	};

	return run(&data);
}

/* What no thread of the machine may do, and what each must. */
START_TEST(written_down)
{
	static const long never[] = {
		SYS_execve,
		SYS_execveat,
		SYS_open,
		SYS_openat,
		SYS_openat2,
		SYS_creat,
		SYS_fork,
		SYS_vfork,
		SYS_ptrace,
		SYS_mount,
		SYS_umount2,
		SYS_pivot_root,
		SYS_chroot,
		SYS_setns,
		SYS_unshare,
		SYS_bpf,
		SYS_keyctl,
		SYS_io_uring_setup,
		SYS_process_vm_readv,
		SYS_process_vm_writev,
		SYS_kill,
		SYS_tkill,
		SYS_pidfd_open,
		SYS_pidfd_getfd,
		SYS_userfaultfd,
		SYS_perf_event_open,
		SYS_init_module,
		SYS_socket,
		SYS_connect,
		SYS_bind,
		SYS_listen,
		SYS_name_to_handle_at,
		SYS_open_by_handle_at,
		SYS_chdir,
		SYS_fchdir,
		SYS_capset,
		SYS_setuid,
		SYS_setresuid,
		SYS_seccomp,
		SYS_modify_ldt,
		SYS_personality,
		SYS_shmget,
		SYS_pkey_mprotect,
		SYS_remap_file_pages,
		SYS_unlink,
	};
	static const long always[] = {SYS_read, SYS_write, SYS_futex,
				      SYS_exit_group, SYS_rt_sigreturn};

	build(_i);
	for (size_t i = 0; i < ARRAY_SIZE(never); i++)
		ck_assert_msg(verdict(never[i], 0, 0, 0) == OTHERWISE, "%s",
			      call_name(never[i]));
	for (size_t i = 0; i < ARRAY_SIZE(always); i++)
		ck_assert_msg(verdict(always[i], 0, 0, 0) == SECCOMP_RET_ALLOW,
			      "%s", call_name(always[i]));
	ck_assert_uint_eq(verdict(SYS_mmap, 0, 0, PROT_READ | PROT_EXEC),
			  OTHERWISE);
	ck_assert_uint_eq(verdict(SYS_mmap, 0, 0, PROT_READ | HIGH), OTHERWISE);
	ck_assert_uint_eq(verdict(SYS_mprotect, 0, 0, PROT_EXEC), OTHERWISE);
	ck_assert_uint_eq(verdict(SYS_mprotect, 0, 0, PROT_READ | PROT_WRITE),
			  SECCOMP_RET_ALLOW);
	ck_assert_uint_eq(verdict(SYS_ioctl, 0, TIOCSTI, 0), OTHERWISE);
	ck_assert_uint_eq(verdict(SYS_ioctl, 0, TUNSETIFF, 0), OTHERWISE);
	ck_assert_uint_eq(verdict(SYS_ioctl, 0, KVM_RUN, 0),
			  _i == THREAD_CONTROL || _i == THREAD_VCPU
				  ? SECCOMP_RET_ALLOW
				  : OTHERWISE);
	ck_assert_uint_eq(verdict(SYS_clone, SIGCHLD, 0, 0), OTHERWISE);
	ck_assert_uint_eq(verdict(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0),
			  OTHERWISE);
	ck_assert_uint_eq(verdict(SYS_tgkill, 1, 1, SIGKILL), OTHERWISE);
	ck_assert_uint_eq(verdict(SYS_tgkill, PID, 1, SIGABRT),
			  SECCOMP_RET_ALLOW);
	ck_assert_uint_eq(verdict(SYS_prctl, PR_SET_PTRACER, 0, 0), OTHERWISE);
	ck_assert_uint_eq(verdict(SYS_prctl, PR_SET_DUMPABLE, 0, 0), OTHERWISE);
}
END_TEST

/* What sockets add, written down: to their own threads, and to no other. */
START_TEST(with_sockets)
{
	static const long data_path[] = {SYS_sendmsg,  SYS_recvmsg,
					 SYS_accept4,  SYS_connect,
					 SYS_shutdown, SYS_getsockopt};
	static const long never[] = {SYS_bind,	     SYS_listen,
				     SYS_socketpair, SYS_openat,
				     SYS_readlink,   SYS_inotify_add_watch};
	uint32_t has = _i == THREAD_CONTROL || _i == THREAD_QUEUE
			       ? SECCOMP_RET_ALLOW
			       : OTHERWISE;

	build(THREAD_KINDS + _i);
	for (size_t i = 0; i < ARRAY_SIZE(never); i++)
		ck_assert_msg(verdict(never[i], 0, 0, 0) == OTHERWISE, "%s",
			      call_name(never[i]));
	ck_assert_uint_eq(verdict(SYS_socket, AF_UNIX, 0, 0), OTHERWISE);
	ck_assert_uint_eq(verdict(SYS_socket, AF_NETLINK, 0, 0), OTHERWISE);
	ck_assert_uint_eq(verdict(SYS_socket, AF_PACKET, 0, 0), OTHERWISE);
	ck_assert_uint_eq(verdict(SYS_socket, AF_VSOCK, 0, 0), OTHERWISE);
	ck_assert_uint_eq(verdict(SYS_socket, AF_INET, 0, 0), has);
	ck_assert_uint_eq(verdict(SYS_socket, AF_INET6, 0, 0), has);
	ck_assert_uint_eq(verdict(SYS_setsockopt, 3, SOL_SOCKET, 0), has);
	ck_assert_uint_eq(verdict(SYS_setsockopt, 3, SOL_PACKET, 0), OTHERWISE);
	for (size_t i = 0; i < ARRAY_SIZE(data_path); i++) {
		/* The writer receives descriptors. */
		if (_i == THREAD_WRITER && data_path[i] == SYS_recvmsg)
			continue;
		ck_assert_msg(verdict(data_path[i], 0, 0, 0) == has, "%s",
			      call_name(data_path[i]));
	}
}
END_TEST

START_TEST(counts)
{
	ck_assert_uint_le(sandbox_count_calls(THREAD_QUEUE, false), 30);
	ck_assert_uint_le(sandbox_count_calls(THREAD_KINDS, false), 60);
	ck_assert_uint_le(sandbox_count_calls(THREAD_QUEUE, true), 40);
	ck_assert_uint_le(sandbox_count_calls(THREAD_KINDS, true), 60);
	for (int sockets = 0; sockets < 2; sockets++)
		ck_assert_uint_eq(sandbox_count_calls(THREAD_KINDS, sockets),
				  sandbox_count_calls(THREAD_CONTROL, sockets));
}
END_TEST

/* The kernel sees for itself that these need no look, so they must have no
 * checks, in any filter above the thread's own. */
START_TEST(data_path_is_free)
{
	static const long free_calls[] = {
		SYS_read,  SYS_readv,	   SYS_write,	SYS_writev,
		SYS_futex, SYS_epoll_wait, SYS_sendmsg, SYS_recvmsg};

	for (size_t c = 0; c < ARRAY_SIZE(free_calls); c++) {
		for (size_t i = 0; i < sandbox_n_calls; i++)
			ck_assert(sandbox_calls[i].nr != free_calls[c] ||
				  sandbox_calls[i].check.op == CALL_ANY);
	}
}
END_TEST

START_TEST(rows_for_people)
{
	struct sandbox_row row;
	size_t n = 0;

	for (; sandbox_row(n, &row); n++) {
		ck_assert(row.call && *row.call);
		ck_assert_str_eq(row.call, call_name(row.nr));
		ck_assert(row.kinds && row.kinds < 1u << THREAD_KINDS);
		ck_assert(row.reason && *row.reason);
		ck_assert(row.arguments);
	}
	ck_assert_uint_eq(n, sandbox_n_calls);
	ck_assert_str_eq(call_name(SYS_openat2), "openat2");
	ck_assert_str_eq(call_name(-1), "?");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("sandbox filter");
	TCase *tc = tcase_create("filter");

	tcase_add_loop_test(tc, every_number, 0, FORMS);
	tcase_add_loop_test(tc, every_argument, 0, FORMS);
	tcase_add_loop_test(tc, other_architectures, 0, FORMS);
	tcase_add_loop_test(tc, written_down, 0, THREAD_OPENER);
	tcase_add_loop_test(tc, with_sockets, 0, THREAD_OPENER);
	tcase_add_test(tc, counts);
	tcase_add_test(tc, data_path_is_free);
	tcase_add_test(tc, rows_for_people);
	suite_add_tcase(suite, tc);
	return test_run(suite);
}
