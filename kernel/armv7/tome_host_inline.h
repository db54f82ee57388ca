/*
 * tome_host_inline.h - the inline half of the host contract (tome/host.h) for
 * the reference kernel on ARMv7-A. Interrupts are real.
 */
#ifndef TOME_HOST_INLINE_H
#define TOME_HOST_INLINE_H

#include <tome/types.h>
#include <cpu.h>
#include "../tome_host_direct.h"

/* All of RAM, from here up. */
#define KERNEL_DIRECT_MAP 0x80000000u

/* sched.c: the count fell to zero with a switch due. */
void sched_preempt(void);

static inline unsigned
tome_host_cpu(void)
{
	return cpu_number();
}

static inline void
tome_host_preempt_off(void)
{
	uint32_t n;

	__asm__ volatile(
	    "ldr %0, [r9, %1]\n\t"
	    "add %0, %0, #1\n\t"
	    "str %0, [r9, %1]"
	    : "=&r"(n) : "i"(CPU_PREEMPT) : "memory");
}

static inline void
tome_host_preempt_on(void)
{
	uint32_t n, due;

	__asm__ volatile(
	    "ldr %0, [r9, %2]\n\t"
	    "sub %0, %0, #1\n\t"
	    "str %0, [r9, %2]\n\t"
	    "ldr %1, [r9, %3]\n\t"
	    "orr %0, %0, %1"
	    : "=&r"(n), "=&r"(due) : "i"(CPU_PREEMPT), "i"(CPU_NO_RESCHED)
	    : "memory");
	if (__builtin_expect(n == 0, 0))
		sched_preempt();
}

static inline uintptr_t
tome_host_irq_save(void)
{
	uintptr_t flags;

	__asm__ volatile("mrs %0, cpsr\n\tcpsid i"
	    : "=r"(flags) : : "memory");
	return flags;
}

static inline void
tome_host_irq_restore(uintptr_t flags)
{
	__asm__ volatile("msr cpsr_c, %0" : : "r"(flags) : "memory");
}

static inline void
tome_host_relax(void)
{
	__asm__ volatile("yield" : : : "memory");
}

#endif
