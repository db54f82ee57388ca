/*
 * cpu.h - what a CPU keeps for itself, addressed by tp while in the kernel.
 *
 * Invariant: in kernel mode tp is this CPU's struct cpu and sscratch is 0; in user mode
 * tp is the user's and sscratch is the struct (entry.S exchanges them). tp changes when
 * a thread moves, so nothing but single instructions on what it points to is safe
 * with preemption on.
 *
 * preempt counts the nested reasons not to deschedule this thread, with bit 31
 * *clear* when another thread should run: so it is zero exactly when the CPU
 * should switch and may.
 */
#ifndef KERNEL_CPU_H
#define KERNEL_CPU_H

#define KERNEL_MAX_CPUS 16

/* Offsets in struct cpu for the entry code; checked in cpu.c. */
#define CPU_PREEMPT 0
#define CPU_NUMBER 4
#define CPU_THREAD 8
#define CPU_STACK_TOP 16
#define CPU_SCRATCH 24

/* Offset in struct thread; checked in switch.c. */
#define THREAD_WORK 0

#define CPU_NO_RESCHED 0x80000000

#ifndef __ASSEMBLER__

#include <stdbool.h>
#include <stdint.h>

struct thread;

struct cpu {
	uint32_t preempt;
	uint32_t number;
	struct thread *thread;
	uint64_t stack_top;		/* of the current thread */
	uint64_t scratch[2];		/* of the entry code */

	uint64_t hart;			/* constant once the CPU runs */
	_Atomic uint32_t online;
	_Atomic uint32_t asked;		/* ASKED_*, before the interrupt */
} __attribute__((aligned(64)));

extern struct cpu cpus[KERNEL_MAX_CPUS];

static inline unsigned
cpu_number(void)
{
	unsigned n;

	__asm__ volatile("lw %0, %1(tp)" : "=r"(n) : "i"(CPU_NUMBER));
	return n;
}

/* The same for all of a thread's life: may be remembered. */
static inline struct thread *
cpu_thread(void)
{
	struct thread *t;

	__asm__("ld %0, %1(tp)" : "=r"(t) : "i"(CPU_THREAD));
	return t;
}

static inline struct cpu *
cpu_self(void)
{
	return &cpus[cpu_number()];
}

static inline uint32_t
cpu_preempt_word(void)
{
	uint32_t n;

	__asm__ volatile("lw %0, %1(tp)" : "=r"(n) : "i"(CPU_PREEMPT));
	return n;
}

/* How many reasons there are not to deschedule this thread. */
static inline uint32_t
cpu_preempt_depth(void)
{
	return cpu_preempt_word() & ~CPU_NO_RESCHED;
}

static inline bool
cpu_resched_due(void)
{
	return !(cpu_preempt_word() & CPU_NO_RESCHED);
}

/* preempt is at offset 0: an AMO takes no other. */
static inline uint32_t
cpu_preempt_add(int32_t n)
{
	uint32_t old;

	__asm__ volatile("amoadd.w %0, %1, (tp)"
	    : "=r"(old) : "r"(n) : "memory");
	return old;
}

/* Another thread should run: preempt_on, or the end of the interrupt, sees to
 * it. On this CPU only. */
static inline void
cpu_set_resched(void)
{
	__asm__ volatile("amoand.w zero, %0, (tp)"
	    : : "r"((int32_t)0x7fffffff) : "memory");
}

static inline void
cpu_clear_resched(void)
{
	__asm__ volatile("amoor.w zero, %0, (tp)"
	    : : "r"((int32_t)CPU_NO_RESCHED) : "memory");
}

#endif
#endif
