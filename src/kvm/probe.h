/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_KVM_PROBE_H
#define EVNIC_KVM_PROBE_H

/*
 * What the host's KVM can do, found out by trying: that /dev/kvm can be opened
 * does not say that it runs a stock kernel at a useful speed. The probe runs
 * some thousand ring-0 instructions, LOCK CMPXCHG16B and XSAVE/XRSTOR among
 * them, for at most one second. Any thread; no VM is left behind.
 */

#include "base/util.h"

#include <stdbool.h>
#include <stdint.h>

enum kvm_verdict {
	KVM_VERDICT_USABLE, /* stock kernels boot */
	KVM_VERDICT_ABSENT, /* no /dev/kvm */
	KVM_VERDICT_DENIED, /* no right to open it */
	KVM_VERDICT_UNFIT,  /* opens, but lacks what we need */
	KVM_VERDICT_BROKEN, /* an instruction fails in ring 0 */
	KVM_VERDICT_SLOW,   /* ring 0 is emulated: far too slow for a kernel */
};

/* @text: the verdict in words: one line, with the cure where there is one.
 * @ns_per_instruction: measured in ring 0, 0 if it was not. */
struct kvm_probe {
	enum kvm_verdict verdict;
	uint64_t ns_per_instruction;
	char text[512];
};

void kvm_probe_run(struct kvm_probe *probe);

/* "usable", "absent", "denied", "unfit", "broken", "slow": for machines. */
const char *kvm_verdict_name(enum kvm_verdict verdict);

#endif
