/*
 * cpu.h - what a CPU keeps for itself, addressed by R9 while in the kernel.
 *
 * Invariant: in kernel mode R9 is this CPU's struct cpu: no compiled code touches it
 * (-ffixed-r9), every entry loads it from TPIDRPRW, and no return to the kernel
 * reloads it, since the thread may have moved. So one load or store by R9 is of the
 * CPU that does it.
 *
 * preempt counts the nested reasons not to deschedule this thread; the word after it
 * is 0 when another thread should run. Both are 0 exactly when the CPU should switch
 * and may. Where `preempt` changes in two instructions a switch between them does no
 * harm: it happens at 0 only, and comes back at 0.
 */
#ifndef KERNEL_CPU_H
#define KERNEL_CPU_H

#define KERNEL_MAX_CPUS 8

/* Offsets in struct cpu for the entry code; checked in start.c. */
#define CPU_PREEMPT 0
#define CPU_NO_RESCHED 4
#define CPU_THREAD 8
#define CPU_NUMBER 12

/* Offset in struct thread; checked in start.c. */
#define THREAD_WORK 0

#ifndef __ASSEMBLER__

#include <stdbool.h>
#include <stdint.h>

struct thread;

struct cpu {
	uint32_t preempt, no_resched;
	struct thread *thread;
	uint32_t number;
	_Atomic uint32_t online;
	uintptr_t stack_low;		/* of the current thread */
	uintptr_t stack_top;
} __attribute__((aligned(64)));

extern struct cpu cpus[KERNEL_MAX_CPUS];

static inline unsigned
cpu_number(void)
{
	unsigned n;

	__asm__ volatile("ldr %0, [r9, %1]"
	    : "=r"(n) : "i"(CPU_NUMBER) : "memory");
	return n;
}

/* The same for all of a thread's life: may be remembered. */
static inline struct thread *
cpu_thread(void)
{
	struct thread *t;

	__asm__("ldr %0, [r9, %1]" : "=r"(t) : "i"(CPU_THREAD));
	return t;
}

static inline struct cpu *
cpu_self(void)
{
	return &cpus[cpu_number()];
}

/* How many reasons there are not to deschedule this thread. */
static inline uint32_t
cpu_preempt_depth(void)
{
	uint32_t n;

	__asm__ volatile("ldr %0, [r9, %1]"
	    : "=r"(n) : "i"(CPU_PREEMPT) : "memory");
	return n;
}

static inline bool
cpu_resched_due(void)
{
	uint32_t n;

	__asm__ volatile("ldr %0, [r9, %1]"
	    : "=r"(n) : "i"(CPU_NO_RESCHED) : "memory");
	return n == 0;
}

/* Another thread should run: preempt_on, or the end of the interrupt, sees to
 * it. On this CPU only. */
static inline void
cpu_set_resched(void)
{
	__asm__ volatile("str %0, [r9, %1]"
	    : : "r"(0), "i"(CPU_NO_RESCHED) : "memory");
}

static inline void
cpu_clear_resched(void)
{
	__asm__ volatile("str %0, [r9, %1]"
	    : : "r"(1), "i"(CPU_NO_RESCHED) : "memory");
}

#endif
#endif
