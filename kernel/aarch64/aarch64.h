/*
 * aarch64.h - between the files of this directory.
 */
#ifndef KERNEL_AARCH64_H
#define KERNEL_AARCH64_H

#include <arm.h>
#include <asm.h>
#include <cpu.h>
#include <frame.h>
#include <tome/vm.h>

/* Where the image is linked; it is loaded at any 2 MiB. Then what is mapped for
 * us alone, before Tome can. */
#define KERNEL_BASE 0xffff7fff80000000u
#define KERNEL_TREE 0xffff7fffa0000000u
#define KERNEL_DEVICES 0xffff7fffc0000000u
/* Tome's: heap, devices, stacks. In entries of the root that have nothing of ours. */
#define KERNEL_SPAN \
	(TOME_A64_WIDTH == 52 ? 0xfff8000000000000u : 0xffff800000000000u)
#define KERNEL_SPAN_SIZE ((uint64_t)64 << 30)

/* Bounds of the image's parts (linker.ld). */
extern char kernel_start[], text_start[], text_end[], rodata_start[],
    rodata_end[], data_start[], bss_end[], kernel_end[];

/* What a CPU turns its MMU on with, and where it goes on; boot.S reads it. */
struct boot_state {
	uint64_t ttbr0, ttbr1, tcr, mair, stack, cpu;
};
extern struct boot_state boot_state;

/* trap.c */
void trap_interrupt(void);

#endif
