/*
 * cpu.h - what a CPU keeps for itself, addressed by GS while in the kernel.
 *
 * Invariant: in kernel mode GS's base is this CPU's struct cpu and
 * KERNEL_GS_BASE holds the user's; in user mode the other way round. The entry
 * code exchanges them (entry.S).
 *
 * preempt counts the nested reasons not to deschedule this thread, with bit 31
 * *clear* when another thread should run: so it is zero, which `dec` tells for
 * nothing, exactly when the CPU should switch and may.
 */
#ifndef KERNEL_CPU_H
#define KERNEL_CPU_H

#define KERNEL_MAX_CPUS 16

/* Where the image is linked: 2 GiB, the first of which boot code maps. */
#ifdef __ASSEMBLER__
#define KERNEL_BASE 0xffffffff80000000
#else
#define KERNEL_BASE 0xffffffff80000000u
#endif

/* All of RAM, from here up. */
#define KERNEL_DIRECT_MAP 0xffff888000000000u

/* Offsets in struct cpu for the entry code; checked in cpu.c. */
#define CPU_PREEMPT 0
#define CPU_NUMBER 4
#define CPU_THREAD 8
#define CPU_STACK_TOP 16
#define CPU_USER_RSP 24

/* Offset in struct thread; checked in cpu.c. */
#define THREAD_WORK 0

#define CPU_NO_RESCHED 0x80000000

#define GDT_KERNEL_CODE 0x10
#define GDT_KERNEL_DATA 0x18
#define GDT_USER_BASE 0x20	/* SYSRET: +8 is SS, +16 is CS */
#define GDT_TSS 0x40

/* NMI, double fault, machine check: stacks of their own. */
#define CPU_SPECIAL_STACKS 3

#ifndef __ASSEMBLER__

#include <stdbool.h>
#include <stdint.h>

struct thread;

struct tss {
	uint32_t reserved0;
	uint64_t rsp[3];
	uint64_t reserved1;
	uint64_t ist[7];
	uint64_t reserved2;
	uint16_t reserved3, iomap;
} __attribute__((packed, aligned(4)));

struct cpu {
	uint32_t preempt;
	uint32_t number;
	struct thread *thread;
	uint64_t stack_top;		/* of the current thread */
	uint64_t user_rsp;		/* scratch of the system-call entry */

	/* Constant once the CPU runs. */
	uint32_t apic_id;
	_Atomic uint32_t online;

	struct tss tss __attribute__((aligned(16)));
	uint64_t gdt[GDT_TSS / 8 + 2];
} __attribute__((aligned(64)));

extern struct cpu cpus[KERNEL_MAX_CPUS];

#define CPU_SEGMENT "%%gs"
#include <here.h>

#endif
#endif
