/*
 * tome_host_inline.h - the inline half of the host contract (tome/host.h) for
 * the reference kernel on RISC-V. Interrupts are real, nothing is biased.
 */
#ifndef TOME_HOST_INLINE_H
#define TOME_HOST_INLINE_H

#include <tome/types.h>
#include <asm.h>
#include <cpu.h>
#include "../tome_host_direct.h"

/* All of RAM and what is below it, from here up. */
#define KERNEL_DIRECT_MAP 0xffffffd000000000u

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
	(void)cpu_preempt_add(1);
}

static inline void
tome_host_preempt_on(void)
{
	if (__builtin_expect(cpu_preempt_add(-1) == 1, 0))
		sched_preempt();
}

static inline uintptr_t
tome_host_irq_save(void)
{
	uintptr_t status;

	__asm__ volatile("csrrci %0, sstatus, 2" : "=r"(status) : : "memory");
	return status;
}

static inline void
tome_host_irq_restore(uintptr_t status)
{
	__asm__ volatile("csrs sstatus, %0"
	    : : "r"(status & STATUS_SIE) : "memory");
}

/* PAUSE, a hint: nothing where there is none. */
static inline void
tome_host_relax(void)
{
	__asm__ volatile(".4byte 0x0100000f" : : : "memory");
}

#endif
