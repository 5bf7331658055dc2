/* SPDX-License-Identifier: MIT */
/*
 * From the table of calls to a program for the kernel.
 *
 *	is it an x86-64 call?          no -> otherwise
 *	load the number
 *	for each call, in the table's order:
 *		is it that one?        no -> next call
 *		for each of its rows:
 *			argument right?    yes -> allow
 *		-> otherwise
 *	-> otherwise
 *
 * Since Linux 5.11 the kernel finds out, when the filter is installed, which
 * calls it allows whatever their arguments are, and never runs it for those.
 * So what the data path calls has no checks, and what is called often and has
 * some (ioctl) is first in the table. A jump spans one row at most, so offsets
 * fit the 8 bits that they have.
 *
 * x32 calls have a bit in the number that no row has.
 *
 * Source: seccomp(2), Documentation/userspace-api/seccomp_filter.rst.
 */
#include "sandbox/filter.h"

#include "sandbox/calls.h"
#include "sandbox/sandbox_private.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <unistd.h>

#define ARGUMENT_LOW(i)	 (offsetof(struct seccomp_data, args) + (size_t)8 * (i))
#define ARGUMENT_HIGH(i) (ARGUMENT_LOW(i) + 4)

struct builder {
	struct filter *filter;
	enum thread_kind kind;
	bool sockets;
	uint32_t pid;
	uint32_t otherwise;
};

static void emit(struct builder *b, unsigned int code, uint32_t k, size_t yes,
		 size_t no)
{
	struct filter *f = b->filter;

	if (f->n < FILTER_MAX && yes <= UINT8_MAX && no <= UINT8_MAX)
		f->code[f->n] = (struct sock_filter){
			(uint16_t)code, (uint8_t)yes, (uint8_t)no, k};
	else
		f->n = FILTER_MAX; /* too long: filter_build() says so */
	f->n++;
}

static void load(struct builder *b, size_t offset)
{
	emit(b, BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset, 0, 0);
}

static void jump_equal(struct builder *b, uint32_t value, size_t yes, size_t no)
{
	emit(b, BPF_JMP | BPF_JEQ | BPF_K, value, yes, no);
}

static void end(struct builder *b, uint32_t action)
{
	emit(b, BPF_RET | BPF_K, action, 0, 0);
}

/* Falls through to what follows if the check does not hold. */
static void emit_check(struct builder *b, const struct call_check *check)
{
	bool own = check->op == CALL_OWN_PID;
	const uint32_t *values = own ? &b->pid : check->values;
	size_t n = own ? 1 : check->n_values;

	if (check->wide) {
		load(b, ARGUMENT_HIGH(check->arg));
		/* past this check: a load, n comparisons, the end */
		jump_equal(b, 0, 0, n + 2);
	}
	load(b, ARGUMENT_LOW(check->arg));
	if (check->op == CALL_NO_BITS) {
		emit(b, BPF_JMP | BPF_JSET | BPF_K, values[0], 1, 0);
	} else {
		for (size_t i = 0; i < n; i++)
			jump_equal(b, values[i], n - 1 - i, i + 1 < n ? 0 : 1);
	}
	end(b, SECCOMP_RET_ALLOW);
}

/* How a row ends that looks at no argument, or -1. */
static long plain_action(const struct call *call)
{
	if (call->refused)
		return SECCOMP_RET_ERRNO | ENOSYS;
	return call->check.op == CALL_ANY ? (long)SECCOMP_RET_ALLOW : -1;
}

/* All rows of the call of row @first. */
static void emit_call(struct builder *b, size_t first)
{
	long nr = sandbox_calls[first].nr;
	struct filter *f = b->filter;
	size_t jump = f->n;
	long action = -1;

	jump_equal(b, (uint32_t)nr, 0, 0);
	for (size_t i = first; i < sandbox_n_calls && action < 0; i++) {
		const struct call *call = &sandbox_calls[i];

		if (call->nr != nr || !call_is_for(call, b->kind, b->sockets))
			continue;
		action = plain_action(call);
		if (action < 0)
			emit_check(b, &call->check);
	}
	end(b, action < 0 ? b->otherwise : (uint32_t)action);
	if (f->n > FILTER_MAX || f->n - jump - 1 > UINT8_MAX)
		f->n = FILTER_MAX + 1;
	else
		f->code[jump].jf = (uint8_t)(f->n - jump - 1);
}

int filter_build(struct filter *filter, enum thread_kind kind, bool sockets,
		 pid_t pid, uint32_t otherwise)
{
	struct builder b = {
		.filter = filter,
		.kind = kind,
		.sockets = sockets,
		.pid = (uint32_t)pid,
		.otherwise = otherwise,
	};

	filter->n = 0;
	load(&b, offsetof(struct seccomp_data, arch));
	jump_equal(&b, AUDIT_ARCH_X86_64, 1, 0);
	end(&b, otherwise);
	load(&b, offsetof(struct seccomp_data, nr));
	for (size_t i = 0; i < sandbox_n_calls; i++) {
		if (call_is_first(i, kind, sockets))
			emit_call(&b, i);
	}
	end(&b, otherwise);
	return filter->n > FILTER_MAX ? -E2BIG : 0;
}

int sandbox_filter_install(enum thread_kind kind, bool sockets,
			   enum sandbox_seccomp mode)
{
	static const uint32_t otherwise[] = {
		[SANDBOX_SECCOMP_ON] = SECCOMP_RET_TRAP,
		[SANDBOX_SECCOMP_LOG] = SECCOMP_RET_LOG,
		[SANDBOX_SECCOMP_OFF] = SECCOMP_RET_ALLOW,
	};
	struct filter filter;
	struct sock_fprog program = {.filter = filter.code};
	int err;

	if (mode == SANDBOX_SECCOMP_OFF || SANDBOX_SANITIZED)
		return 0;
	err = filter_build(&filter, kind, sockets, getpid(), otherwise[mode]);
	program.len = (unsigned short)filter.n;
	if (err == 0 &&
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0)
		err = -errno;
	return err;
}
