/* SPDX-License-Identifier: MIT */
/*
 * Counters between the program and the functions that it calls. The linker
 * (--wrap=f) sends calls of f to __wrap_f, and __real_f to f.
 *
 * What is live is kept in a hash table, since free() also gets what the C
 * library has allocated itself (strdup(), asprintf()), which does not count.
 */
#include "support/count_calls.h"

#include "base/guest_mem.h"

#include <dirent.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#define TABLE_SIZE (1U << 16)

static atomic_ulong allocations, guest_reads;
static atomic_uint fail_in;

/* Open addressing: NULL is never used, GONE was used. Under the lock. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static void *table[TABLE_SIZE];
static long live;
static char gone_mark;
#define GONE ((void *)&gone_mark)

/* The linker makes these up. */
void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t size);
void __real_free(void *p);
int __real_guest_mem_read(const struct guest_mem *mem, uint64_t gpa, void *dst,
			  size_t len);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t size);
void __wrap_free(void *p);
int __wrap_guest_mem_read(const struct guest_mem *mem, uint64_t gpa, void *dst,
			  size_t len);

static bool fails(void)
{
	unsigned int left = atomic_load(&fail_in);

	while (left && !atomic_compare_exchange_weak(&fail_in, &left, left - 1))
		continue;
	return left == 1;
}

static size_t slot_of(const void *p)
{
	return (size_t)((uintptr_t)p >> 4) * 2654435761U % TABLE_SIZE;
}

static void enter(void *p)
{
	size_t at = slot_of(p);

	(void)pthread_mutex_lock(&lock);
	while (table[at] && table[at] != GONE)
		at = (at + 1) % TABLE_SIZE;
	table[at] = p;
	if (++live >= TABLE_SIZE / 2)
		abort();
	(void)pthread_mutex_unlock(&lock);
}

static void leave(const void *p)
{
	size_t at = slot_of(p), steps = 0;

	(void)pthread_mutex_lock(&lock);
	while (table[at] && table[at] != p && steps++ < TABLE_SIZE)
		at = (at + 1) % TABLE_SIZE;
	if (table[at] == p) {
		table[at] = GONE;
		live--;
	}
	(void)pthread_mutex_unlock(&lock);
}

static void *count(void *p)
{
	if (p) {
		atomic_fetch_add(&allocations, 1);
		enter(p);
	}
	return p;
}

void *__wrap_malloc(size_t size)
{
	return fails() ? NULL : count(__real_malloc(size));
}

void *__wrap_calloc(size_t n, size_t size)
{
	return fails() ? NULL : count(__real_calloc(n, size));
}

void *__wrap_realloc(void *p, size_t size)
{
	void *new;

	if (fails())
		return NULL;
	if (p)
		leave(p);
	new = __real_realloc(p, size);
	if (!new &&p)
		enter(p);
	return count(new);
}

void __wrap_free(void *p)
{
	if (p)
		leave(p);
	__real_free(p);
}

int __wrap_guest_mem_read(const struct guest_mem *mem, uint64_t gpa, void *dst,
			  size_t len)
{
	atomic_fetch_add(&guest_reads, 1);
	return __real_guest_mem_read(mem, gpa, dst, len);
}

unsigned long count_allocations(void)
{
	return atomic_load(&allocations);
}

long count_live_allocations(void)
{
	long n;

	(void)pthread_mutex_lock(&lock);
	n = live;
	(void)pthread_mutex_unlock(&lock);
	return n;
}

unsigned long count_guest_reads(void)
{
	return atomic_load(&guest_reads);
}

void fail_allocation(unsigned int nth)
{
	atomic_store(&fail_in, nth);
}

size_t count_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	size_t n = 0;

	if (!dir)
		abort();
	while (readdir(dir))
		n++;
	(void)closedir(dir);
	return n;
}
