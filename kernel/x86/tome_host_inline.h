/*
 * tome_host_inline.h - the inline half of the host contract (tome/host.h) for
 * the reference kernel on x86. Interrupts are real, nothing is biased.
 */
#ifndef TOME_HOST_INLINE_H
#define TOME_HOST_INLINE_H

#include <tome/types.h>
#include <cpu.h>
#include "../tome_host_direct.h"

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
	__asm__ volatile("incl " CPU_SEGMENT ":%c0"
	    : : "i"(CPU_PREEMPT) : "memory", "cc");
}

static inline void
tome_host_preempt_on(void)
{
	bool due;

	__asm__ volatile("decl " CPU_SEGMENT ":%c1"
	    : "=@ccz"(due) : "i"(CPU_PREEMPT) : "memory");
	if (__builtin_expect(due, 0))
		sched_preempt();
}

static inline uintptr_t
tome_host_irq_save(void)
{
	uintptr_t flags;

	__asm__ volatile("pushf; pop %0; cli" : "=r"(flags) : : "memory");
	return flags;
}

static inline void
tome_host_irq_restore(uintptr_t flags)
{
	if (flags & 0x200)
		__asm__ volatile("sti" : : : "memory");
	else
		__asm__ volatile("" : : : "memory");
}

static inline void
tome_host_relax(void)
{
	__asm__ volatile("pause" : : : "memory");
}

#endif
