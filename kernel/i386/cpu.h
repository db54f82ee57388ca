/*
 * cpu.h - what a CPU keeps for itself, addressed by FS while in the kernel.
 *
 * Each CPU has a descriptor table of its own in which one selector names its
 * struct cpu; every entry loads FS with it, so an entry may come at any time. GS
 * stays the user's throughout: its descriptors change with the thread.
 *
 * preempt counts the nested reasons not to deschedule this thread, with bit 31
 * *clear* when another thread should run: zero exactly when the CPU should
 * switch and may.
 */
#ifndef KERNEL_CPU_H
#define KERNEL_CPU_H

#define KERNEL_MAX_CPUS 16

/* Where the image is linked, and all RAM of the direct map. */
#ifdef __ASSEMBLER__
#define KERNEL_BASE 0xc0000000
#else
#define KERNEL_BASE 0xc0000000u
#endif

/* Offsets in struct cpu for the entry code; checked in cpu.c. */
#define CPU_PREEMPT 0
#define CPU_NUMBER 4
#define CPU_THREAD 8

/* Offset in struct thread; checked in switch.c. */
#define THREAD_WORK 0

#define CPU_NO_RESCHED 0x80000000

#define GDT_TLS 0x30			/* Linux's first two of three */
#define GDT_TLS_COUNT 2
#define GDT_KERNEL_CODE 0x60
#define GDT_KERNEL_DATA 0x68
#define GDT_USER_CODE 0x70		/* Linux's */
#define GDT_USER_DATA 0x78
#define GDT_CPU 0x80
#define GDT_TSS 0x88
#define GDT_FAULT_TSS 0x90
#define GDT_SIZE 0x98

#define MACHINE_WINDOWS 1	/* RAM beyond the direct map: memory.c */

#ifndef __ASSEMBLER__

#include <stdbool.h>
#include <stdint.h>

struct thread;

struct tss {
	uint32_t link, esp0, ss0, esp1, ss1, esp2, ss2, cr3, eip, eflags, eax,
	    ecx, edx, ebx, esp, ebp, esi, edi, es, cs, ss, ds, fs, gs, ldt;
	uint16_t trap, iomap;
};

struct cpu {
	uint32_t preempt;
	uint32_t number;
	struct thread *thread;
	uint32_t stack_top;		/* of the current thread */

	/* Constant once the CPU runs. */
	uint32_t apic_id;
	_Atomic uint32_t online;

	struct tss tss, fault_tss;	/* the other: of double faults */
	uint64_t gdt[GDT_SIZE / 8];
} __attribute__((aligned(64)));

extern struct cpu cpus[KERNEL_MAX_CPUS];

/*
 * Never defined: an operand that stands for "FS-relative memory", so that the
 * compiler rereads after anything that may have changed it.
 */
extern struct cpu cpu_here;

static inline unsigned
cpu_number(void)
{
	unsigned n;

	__asm__("movl %%fs:%c1, %0"
	    : "=r"(n) : "i"(CPU_NUMBER), "m"(cpu_here.number));
	return n;
}

/* The same for all of a thread's life: may be remembered. */
static inline struct thread *
cpu_thread(void)
{
	struct thread *t;

	__asm__("movl %%fs:%c1, %0" : "=r"(t) : "i"(CPU_THREAD));
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

	__asm__("movl %%fs:%c1, %0"
	    : "=r"(n) : "i"(CPU_PREEMPT), "m"(cpu_here.preempt));
	return n & ~CPU_NO_RESCHED;
}

static inline bool
cpu_resched_due(void)
{
	uint32_t n;

	__asm__("movl %%fs:%c1, %0"
	    : "=r"(n) : "i"(CPU_PREEMPT), "m"(cpu_here.preempt));
	return !(n & CPU_NO_RESCHED);
}

/* Another thread should run: preempt_on, or the end of the interrupt, sees to
 * it. On this CPU only. */
static inline void
cpu_set_resched(void)
{
	__asm__ volatile("andl $0x7fffffff, %%fs:%c0"
	    : : "i"(CPU_PREEMPT) : "memory", "cc");
}

static inline void
cpu_clear_resched(void)
{
	__asm__ volatile("orl $0x80000000, %%fs:%c0"
	    : : "i"(CPU_PREEMPT) : "memory", "cc");
}

#endif
#endif
