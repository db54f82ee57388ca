/*
 * here.h - what this CPU keeps for itself, by the segment register that finds it
 * (CPU_SEGMENT; <cpu.h> includes this).
 */
#ifndef KERNEL_HERE_H
#define KERNEL_HERE_H

/*
 * Never defined: an operand that stands for "memory by CPU_SEGMENT", so that the
 * compiler rereads after anything that may have changed it.
 */
extern struct cpu cpu_here;

static inline unsigned
cpu_number(void)
{
	unsigned n;

	__asm__("movl " CPU_SEGMENT ":%c1, %0"
	    : "=r"(n) : "i"(CPU_NUMBER), "m"(cpu_here.number));
	return n;
}

/* The same for all of a thread's life: may be remembered. */
static inline struct thread *
cpu_thread(void)
{
	struct thread *t;

	__asm__("mov " CPU_SEGMENT ":%c1, %0" : "=r"(t) : "i"(CPU_THREAD));
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

	__asm__("movl " CPU_SEGMENT ":%c1, %0"
	    : "=r"(n) : "i"(CPU_PREEMPT), "m"(cpu_here.preempt));
	return n & ~CPU_NO_RESCHED;
}

static inline bool
cpu_resched_due(void)
{
	uint32_t n;

	__asm__("movl " CPU_SEGMENT ":%c1, %0"
	    : "=r"(n) : "i"(CPU_PREEMPT), "m"(cpu_here.preempt));
	return !(n & CPU_NO_RESCHED);
}

/* Another thread should run: preempt_on, or the end of the interrupt, sees to
 * it. On this CPU only. */
static inline void
cpu_set_resched(void)
{
	__asm__ volatile("andl $0x7fffffff, " CPU_SEGMENT ":%c0"
	    : : "i"(CPU_PREEMPT) : "memory", "cc");
}

static inline void
cpu_clear_resched(void)
{
	__asm__ volatile("orl $0x80000000, " CPU_SEGMENT ":%c0"
	    : : "i"(CPU_PREEMPT) : "memory", "cc");
}

#endif
