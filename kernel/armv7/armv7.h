/*
 * armv7.h - between the files of this directory.
 */
#ifndef KERNEL_ARMV7_H
#define KERNEL_ARMV7_H

#include <arm.h>
#include <asm.h>
#include <cpu.h>
#include <frame.h>
#include <tome/vm.h>

/* Where RAM begins, which the direct map has first. */
#define RAM_BASE 0x40000000u
#define DIRECT_SIZE 0x40000000u
/* Tome's: heap, devices, stacks. Above it devices that are mapped before. */
#define KERNEL_SPAN 0xc0000000u
#define KERNEL_DEVICES 0xf0000000u

extern char kernel_start[], text_start[], text_end[], kernel_end[];

/* What another CPU starts with; boot.S reads it. */
struct boot_state {
	uint32_t root, stack, cpu;
};
extern struct boot_state boot_state;

#endif
