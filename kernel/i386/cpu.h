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

/* RAM, as far as it fits, from here up. */
#define KERNEL_DIRECT_MAP KERNEL_BASE

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

/* Only double faults have a stack of their own. */
#define CPU_SPECIAL_STACKS 1

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

#define CPU_SEGMENT "%%fs"
#include <here.h>

#endif
#endif
