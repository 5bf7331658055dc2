/* SPDX-License-Identifier: MIT */
/*
 * Watched memory.
 */
#include "support/mem_watch.h"

#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

#define TRAP_FLAG   0x100
#define FAULT_WRITE 2

static struct {
	unsigned char *base;
	size_t len;
	mem_watch_fn told;
	void *arg;
	struct sigaction old_segv, old_trap;
	const unsigned char *at;
	bool write;
} watch;

static void protect(int prot)
{
	if (mprotect(watch.base, watch.len, prot) < 0)
		abort();
}

static void segv(int sig, siginfo_t *info, void *context)
{
	const unsigned char *at = info->si_addr;
	ucontext_t *uc = context;

	(void)sig;
	if (at < watch.base || at >= watch.base + watch.len) {
		/* A true fault: let it happen again, to whoever cares. */
		(void)sigaction(SIGSEGV, &watch.old_segv, NULL);
		return;
	}
	watch.at = at;
	watch.write = (uc->uc_mcontext.gregs[REG_ERR] & FAULT_WRITE) != 0;
	protect(PROT_READ | PROT_WRITE);
	uc->uc_mcontext.gregs[REG_EFL] |= TRAP_FLAG;
}

static void trap(int sig, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;

	(void)sig;
	(void)info;
	uc->uc_mcontext.gregs[REG_EFL] &= ~(greg_t)TRAP_FLAG;
	protect(PROT_NONE);
	watch.told(watch.arg, watch.at, watch.write);
}

void mem_watch_begin(void *base, size_t len, mem_watch_fn told, void *arg)
{
	struct sigaction sa = {.sa_flags = SA_SIGINFO};

	watch.base = base;
	watch.len = len;
	watch.told = told;
	watch.arg = arg;
	sa.sa_sigaction = segv;
	(void)sigaction(SIGSEGV, &sa, &watch.old_segv);
	sa.sa_sigaction = trap;
	(void)sigaction(SIGTRAP, &sa, &watch.old_trap);
	protect(PROT_NONE);
}

void mem_watch_end(void)
{
	protect(PROT_READ | PROT_WRITE);
	(void)sigaction(SIGSEGV, &watch.old_segv, NULL);
	(void)sigaction(SIGTRAP, &watch.old_trap, NULL);
}
