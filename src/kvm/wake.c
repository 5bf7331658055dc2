/* SPDX-License-Identifier: MIT */
/*
 * A counter that is raised by every wake-up, and a futex on it.
 *
 * The sleeper says "asleep" and then has the kernel compare the counter; the
 * waker raises the counter and then looks for "asleep". Both sides are
 * sequentially consistent, so at least one of them sees the other.
 */
#include "kvm/wake.h"

#include <linux/futex.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

void wake_wait(struct wake *wake, uint32_t seen)
{
	atomic_store(&wake->asleep, 1);
	/* EAGAIN: signalled meanwhile. EINTR: a kick. Both: look again. */
	(void)syscall(SYS_futex, &wake->count, FUTEX_WAIT_PRIVATE, seen, NULL,
		      NULL, 0);
	atomic_store(&wake->asleep, 0);
}

void wake_signal(struct wake *wake)
{
	(void)atomic_fetch_add(&wake->count, 1);
	if (atomic_load(&wake->asleep))
		(void)syscall(SYS_futex, &wake->count, FUTEX_WAKE_PRIVATE, 1,
			      NULL, NULL, 0);
}
