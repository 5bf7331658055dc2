/* SPDX-License-Identifier: MIT */
/*
 * What C cannot say: ports, registers, ordering and the clock. x86-64 keeps
 * loads and stores in order except that a load may pass an earlier store.
 */
#ifndef TESTS_GUEST_CPU_H
#define TESTS_GUEST_CPU_H

#include <stdint.h>

static inline void cpu_out8(uint16_t port, uint8_t value)
{
	__asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

static inline void cpu_out32(uint16_t port, uint32_t value)
{
	__asm__ volatile("outl %0, %1" : : "a"(value), "Nd"(port));
}

static inline uint32_t cpu_in32(uint16_t port)
{
	uint32_t value;

	__asm__ volatile("inl %1, %0" : "=a"(value) : "Nd"(port));
	return value;
}

/* Time-stamp counter, in cycles; native in ring 3 and constant in rate. */
static inline uint64_t cpu_cycles(void)
{
	uint32_t low;
	uint32_t high;

	__asm__ volatile("lfence; rdtsc" : "=a"(low), "=d"(high));
	return (uint64_t)high << 32 | low;
}

static inline void cpu_relax(void)
{
	__asm__ volatile("pause");
}

/* Store-to-load ordering, and a compiler barrier. */
static inline void cpu_fence(void)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

/* No interrupt table: any exception ends in a triple fault. */
static inline _Noreturn void cpu_triple_fault(void)
{
	__asm__ volatile("ud2");
	__builtin_unreachable();
}

static inline uint8_t mmio_read8(uint64_t addr)
{
	return *(volatile uint8_t *)addr;
}

static inline uint16_t mmio_read16(uint64_t addr)
{
	return *(volatile uint16_t *)addr;
}

static inline uint32_t mmio_read32(uint64_t addr)
{
	return *(volatile uint32_t *)addr;
}

static inline void mmio_write8(uint64_t addr, uint8_t value)
{
	*(volatile uint8_t *)addr = value;
}

static inline void mmio_write16(uint64_t addr, uint16_t value)
{
	*(volatile uint16_t *)addr = value;
}

static inline void mmio_write32(uint64_t addr, uint32_t value)
{
	*(volatile uint32_t *)addr = value;
}

#endif
