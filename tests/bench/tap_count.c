/* SPDX-License-Identifier: MIT */
/*
 * CPU time, system calls, allocations and address translations of a stretch of
 * the program.
 *
 * System calls are counted by functions of the same name as the C library's, so
 * that libev's are counted too; guest_mem_map() through the linker (--wrap).
 */
#include "tap_run.h"

#include "support/count_calls.h"

#include <sys/epoll.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

static uint64_t syscalls, translations;

void *__real_guest_mem_map(const struct guest_mem *mem,
			   struct guest_mem_cache *cache, uint64_t gpa,
			   size_t len);
void *__wrap_guest_mem_map(const struct guest_mem *mem,
			   struct guest_mem_cache *cache, uint64_t gpa,
			   size_t len);

void *__wrap_guest_mem_map(const struct guest_mem *mem,
			   struct guest_mem_cache *cache, uint64_t gpa,
			   size_t len)
{
	translations++;
	return __real_guest_mem_map(mem, cache, gpa, len);
}

ssize_t read(int fd, void *buf, size_t len)
{
	syscalls++;
	return syscall(SYS_read, fd, buf, len);
}

ssize_t write(int fd, const void *buf, size_t len)
{
	syscalls++;
	return syscall(SYS_write, fd, buf, len);
}

ssize_t readv(int fd, const struct iovec *iov, int n)
{
	syscalls++;
	return syscall(SYS_readv, fd, iov, n);
}

ssize_t writev(int fd, const struct iovec *iov, int n)
{
	syscalls++;
	return syscall(SYS_writev, fd, iov, n);
}

int epoll_wait(int fd, struct epoll_event *events, int max, int timeout)
{
	syscalls++;
	return (int)syscall(SYS_epoll_wait, fd, events, max, timeout);
}

int epoll_ctl(int fd, int op, int target, struct epoll_event *event)
{
	syscalls++;
	return (int)syscall(SYS_epoll_ctl, fd, op, target, event);
}

static uint64_t cpu_ns(void)
{
	struct timespec ts;

	if (clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts) < 0)
		tap_run_fail("clock_gettime");
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

void tap_count_begin(struct tap_cost *cost)
{
	cost->syscalls -= syscalls;
	cost->allocations -= count_allocations();
	cost->translations -= translations;
	cost->ns -= cpu_ns();
}

void tap_count_end(struct tap_cost *cost)
{
	cost->ns += cpu_ns();
	cost->syscalls += syscalls;
	cost->allocations += count_allocations();
	cost->translations += translations;
}
