/*
 * riscv.h - between the files of this directory.
 */
#ifndef KERNEL_RISCV_H
#define KERNEL_RISCV_H

#include <asm.h>
#include <cpu.h>
#include <frame.h>
#include <tome/vm.h>

/* From a physical address of the image to where it is linked. */
#define KERNEL_OFFSET 0xffffffff00000000u

/* Bounds of the image's parts (linker.ld). */
extern char kernel_start[], text_start[], text_end[], rodata_start[],
    rodata_end[], data_start[], bss_end[], kernel_end[];

/* memory.c: the kernel's own tables, with rights; the direct map. */
void memory_start(void);
uint64_t memory_satp(void);
unsigned memory_levels(void);	/* of the page tables: 3, 4 or 5 */
tome_pa_t memory_taken_end(void);

/* cpu.c: the calling CPU's registers; what the devicetree says of it. */
void cpu_start(unsigned number, struct thread *);
void cpu_read_isa(void);
bool cpu_has(const char *extension);
uint64_t cpu_timebase(void);
/* switch.c */
void fpu_save(void *area);
void fpu_load(const void *area);

/* sbi.c */
void clock_start(void);
void timer_quiet(void);
void smp_start(void);
/* The interrupt that other CPUs send. */
void smp_asked(void);

/* plic.c */
void plic_start(void);
void plic_interrupt(void);

/* uart.c */
void uart_start(void);

#endif
