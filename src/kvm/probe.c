/* SPDX-License-Identifier: MIT */
/*
 * Trying out the host's KVM.
 *
 * A tiny VM begins in 64-bit ring 0 with page tables of its own and runs two
 * loops. The first holds instructions that kernels cannot do without and that
 * an emulator of ring 0 may lack; the second is a plain countdown, which is
 * timed. Each ends in a write to a port, which comes back as an exit. A timer
 * that goes off after a second, and then again and again, bounds it all: a
 * signal that comes just before KVM_RUN is followed by another.
 */
#include "kvm/probe.h"

#include "base/bytes.h"
#include "kvm/cpuid.h"
#include "kvm/error.h"
#include "kvm/host.h"

#include <errno.h>
#include <linux/kvm.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define MEMORY_SIZE 0x10000UL
#define PML4	    0x1000UL
#define PDPT	    0x2000UL
#define PD	    0x3000UL
#define CODE	    0x8000UL
#define OPERAND	    0x9000UL
#define SAVE_AREA   0xa000UL

#define COUNTDOWN	4000U
#define INSTRUCTIONS	(2ULL * COUNTDOWN)
#define SLOW_NS		100U
#define LIMIT_MS	1000U
#define REPEAT_MS	50U
#define NS_PER_S	1000000000ULL
#define CR0_BOOT	0x80000031ULL /* PG, NE, ET, PE */
#define CR4_PAE		(1ULL << 5)
#define CR4_OSFXSR	(1ULL << 9)
#define CR4_OSXSAVE	(1ULL << 18)
#define EFER_LONG	0x500ULL /* LMA, LME */
#define LEAF1_ECX_XSAVE (1U << 26)
#define LEAF1_ECX_CX16	(1U << 13)

/* The instructions that the first loop repeats; see write_program(). */
static const unsigned char cmpxchg16b[] = {
	0xf0, 0x48, 0x0f, 0xc7, 0x0f, /* lock cmpxchg16b (%rdi) */
};
static const unsigned char xsave_xrstor[] = {
	0xb8, 0x01, 0x00, 0x00, 0x00, /* mov $1, %eax: the x87 state */
	0x31, 0xd2,		      /* xor %edx, %edx */
	0x0f, 0xae, 0x26,	      /* xsave (%rsi) */
	0x0f, 0xae, 0x2e,	      /* xrstor (%rsi) */
};
static const unsigned char next_or_out[] = {
	0xff, 0xcd, /* dec %ebp */
	0x75, 0x00, /* jnz: the distance is filled in */
	0xe6, 0x80, /* out %al, $0x80 */
};
static const unsigned char countdown[] = {
	0xff, 0xc9, /* dec %ecx */
	0x75, 0xfc, /* jnz to it */
	0xe6, 0x80, /* out %al, $0x80 */
	0xf4,	    /* hlt */
};

struct trial {
	int kvm_fd, vm_fd, vcpu_fd;
	unsigned char *memory;
	struct kvm_run *run;
	size_t run_size;
	struct cpuid cpuid;
	bool has_xsave, has_cx16;
};

static void verdict(struct kvm_probe *probe, enum kvm_verdict verdict,
		    const char *text)
{
	probe->verdict = verdict;
	(void)snprintf(probe->text, sizeof(probe->text), "%s", text);
}

static uint64_t now_ns(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

static void write_program(struct trial *trial)
{
	unsigned char *p = trial->memory + CODE;
	const unsigned char *loop = p;

	if (trial->has_cx16) {
		memcpy(p, cmpxchg16b, sizeof(cmpxchg16b));
		p += sizeof(cmpxchg16b);
	}
	if (trial->has_xsave) {
		memcpy(p, xsave_xrstor, sizeof(xsave_xrstor));
		p += sizeof(xsave_xrstor);
	}
	memcpy(p, next_or_out, sizeof(next_or_out));
	p[3] = (unsigned char)(loop - (p + 4));
	p += sizeof(next_or_out);
	memcpy(p, countdown, sizeof(countdown));
}

static void write_page_tables(const struct trial *trial)
{
	store_le64(trial->memory + PML4, PDPT | 3);
	store_le64(trial->memory + PDPT, PD | 3);
	store_le64(trial->memory + PD, 0x83);
}

static void find_features(struct trial *trial)
{
	const struct kvm_cpuid2 *table = trial->cpuid.table;

	for (uint32_t i = 0; i < table->nent; i++) {
		const struct kvm_cpuid_entry2 *e = &table->entries[i];

		if (e->function != 1)
			continue;
		trial->has_xsave = e->ecx & LEAF1_ECX_XSAVE;
		trial->has_cx16 = e->ecx & LEAF1_ECX_CX16;
	}
}

static int add_memory(struct trial *trial)
{
	struct kvm_userspace_memory_region slot = {
		.memory_size = MEMORY_SIZE,
	};
	void *memory = mmap(NULL, MEMORY_SIZE, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		return -errno;
	trial->memory = memory;
	slot.userspace_addr = (uintptr_t)memory;
	if (ioctl(trial->vm_fd, KVM_SET_USER_MEMORY_REGION, &slot) < 0)
		return -errno;
	return 0;
}

static int add_vcpu(struct trial *trial)
{
	int size = ioctl(trial->kvm_fd, KVM_GET_VCPU_MMAP_SIZE, 0);
	void *run;

	if (size < 0)
		return -errno;
	trial->vcpu_fd = ioctl(trial->vm_fd, KVM_CREATE_VCPU, 0);
	if (trial->vcpu_fd < 0)
		return -errno;
	trial->run_size = (size_t)size;
	run = mmap(NULL, trial->run_size, PROT_READ | PROT_WRITE, MAP_SHARED,
		   trial->vcpu_fd, 0);
	if (run == MAP_FAILED)
		return -errno;
	trial->run = run;
	return cpuid_set(&trial->cpuid, trial->vcpu_fd, 0);
}

static int set_registers(const struct trial *trial)
{
	struct kvm_regs regs = {
		.rip = CODE,
		.rdi = OPERAND,
		.rsi = SAVE_AREA,
		.rbp = COUNTDOWN / 8,
		.rcx = COUNTDOWN,
		.rflags = 2,
	};
	struct kvm_segment code = {
		.limit = UINT32_MAX,
		.selector = 0x8,
		.type = 11,
		.present = 1,
		.s = 1,
		.l = 1,
		.g = 1,
	};
	struct kvm_segment data = {
		.limit = UINT32_MAX,
		.selector = 0x10,
		.type = 3,
		.present = 1,
		.db = 1,
		.s = 1,
		.g = 1,
	};
	struct kvm_sregs sregs;

	if (ioctl(trial->vcpu_fd, KVM_GET_SREGS, &sregs) < 0)
		return -errno;
	sregs.cs = code;
	sregs.ds = sregs.es = sregs.fs = sregs.gs = sregs.ss = data;
	sregs.cr0 = CR0_BOOT;
	sregs.cr3 = PML4;
	sregs.cr4 = CR4_PAE | CR4_OSFXSR;
	if (trial->has_xsave)
		sregs.cr4 |= CR4_OSXSAVE;
	sregs.efer = EFER_LONG;
	if (ioctl(trial->vcpu_fd, KVM_SET_SREGS, &sregs) < 0 ||
	    ioctl(trial->vcpu_fd, KVM_SET_REGS, &regs) < 0)
		return -errno;
	return 0;
}

static int trial_init(struct trial *trial)
{
	int err = cpuid_init(&trial->cpuid, trial->kvm_fd, 1);

	if (err < 0)
		return err;
	find_features(trial);
	trial->vm_fd = host_create_vm(trial->kvm_fd);
	if (trial->vm_fd < 0)
		return trial->vm_fd;
	err = add_memory(trial);
	if (!err)
		err = add_vcpu(trial);
	if (err < 0)
		return err;
	write_page_tables(trial);
	write_program(trial);
	return set_registers(trial);
}

static void trial_fini(struct trial *trial)
{
	if (trial->run)
		(void)munmap(trial->run, trial->run_size);
	close_fd(&trial->vcpu_fd);
	close_fd(&trial->vm_fd);
	if (trial->memory)
		(void)munmap(trial->memory, MEMORY_SIZE);
	cpuid_fini(&trial->cpuid);
}

/* Runs to the next write to a port: 0; -ETIME: the second is over; -EIO: KVM
 * gave up. */
static int run_to_port(struct trial *trial, uint64_t deadline)
{
	for (;;) {
		if (now_ns() > deadline)
			return -ETIME;
		if (ioctl(trial->vcpu_fd, KVM_RUN, 0) < 0) {
			if (errno != EINTR && errno != EAGAIN)
				return -EIO;
			continue;
		}
		if (trial->run->exit_reason == KVM_EXIT_IO)
			return 0;
		if (trial->run->exit_reason != KVM_EXIT_INTR)
			return -EIO;
	}
}

static void judge(struct trial *trial, struct kvm_probe *probe)
{
	uint64_t deadline = now_ns() + LIMIT_MS * NS_PER_S / 1000;
	uint64_t begin = 0;
	int err = run_to_port(trial, deadline);

	if (!err) {
		begin = now_ns();
		err = run_to_port(trial, deadline);
	}
	if (err == -EIO) {
		verdict(probe, KVM_VERDICT_BROKEN,
			"KVM fails at an instruction that kernels need (LOCK "
			"CMPXCHG16B, XSAVE or XRSTOR in ring 0): stock kernels "
			"do not boot here; use a host with hardware "
			"virtualisation");
		return;
	}
	if (!err)
		probe->ns_per_instruction = (now_ns() - begin) / INSTRUCTIONS;
	if (err || probe->ns_per_instruction >= SLOW_NS) {
		verdict(probe, KVM_VERDICT_SLOW,
			"KVM emulates ring 0, some thousand times slower than "
			"the processor: stock kernels take hours to boot here; "
			"use a host with hardware virtualisation");
		return;
	}
	verdict(probe, KVM_VERDICT_USABLE, "stock kernels boot");
}

static void alarm_handler(int signal_number)
{
	UNUSED(signal_number); /* leaving KVM_RUN is all */
}

/* Has the calling thread interrupted when the second is over. */
static int set_alarm(timer_t *timer, struct sigaction *old)
{
	struct sigaction action = {.sa_handler = alarm_handler};
	struct sigevent event = {
		.sigev_notify = SIGEV_THREAD_ID,
		.sigev_signo = KVM_VM_KICK_SIGNAL,
	};
	const struct itimerspec when = {
		.it_value = {.tv_sec = LIMIT_MS / 1000},
		.it_interval = {.tv_nsec = REPEAT_MS * 1000000L},
	};
	int err;

	event._sigev_un._tid = (pid_t)syscall(SYS_gettid);
	(void)sigemptyset(&action.sa_mask);
	if (sigaction(KVM_VM_KICK_SIGNAL, &action, old) < 0)
		return -errno;
	if (timer_create(CLOCK_MONOTONIC, &event, timer) == 0) {
		(void)timer_settime(*timer, 0, &when, NULL);
		return 0;
	}
	err = -errno;
	(void)sigaction(KVM_VM_KICK_SIGNAL, old, NULL);
	return err;
}

static void clear_alarm(timer_t timer, const struct sigaction *old)
{
	(void)timer_delete(timer);
	(void)sigaction(KVM_VM_KICK_SIGNAL, old, NULL);
}

static void try_out(int kvm_fd, struct kvm_probe *probe)
{
	struct trial trial = {.kvm_fd = kvm_fd, .vm_fd = -1, .vcpu_fd = -1};
	char cause[ERRNO_TEXT_MAX];
	struct sigaction old;
	timer_t timer = NULL;
	int err = set_alarm(&timer, &old);

	if (!err) {
		err = trial_init(&trial);
		if (!err)
			judge(&trial, probe);
		clear_alarm(timer, &old);
		trial_fini(&trial);
	}
	if (err < 0) {
		probe->verdict = KVM_VERDICT_UNFIT;
		(void)snprintf(probe->text, sizeof(probe->text),
			       "no VM can be made: %s",
			       errno_text(-err, cause, sizeof(cause)));
	}
}

void kvm_probe_run(struct kvm_probe *probe)
{
	struct kvm_error error = {""};
	int kvm_fd = host_open(&error);

	memset(probe, 0, sizeof(*probe));
	if (kvm_fd < 0) {
		verdict(probe,
			kvm_fd == -EACCES || kvm_fd == -EPERM
				? KVM_VERDICT_DENIED
				: KVM_VERDICT_ABSENT,
			error.text);
		return;
	}
	if (host_check(kvm_fd, 1, &error) < 0)
		verdict(probe, KVM_VERDICT_UNFIT, error.text);
	else
		try_out(kvm_fd, probe);
	close_fd(&kvm_fd);
}

const char *kvm_verdict_name(enum kvm_verdict verdict)
{
	static const char *const names[] = {
		[KVM_VERDICT_USABLE] = "usable",
		[KVM_VERDICT_ABSENT] = "absent",
		[KVM_VERDICT_DENIED] = "denied",
		[KVM_VERDICT_UNFIT] = "unfit",
		[KVM_VERDICT_BROKEN] = "broken",
		[KVM_VERDICT_SLOW] = "slow",
	};

	return names[verdict];
}
