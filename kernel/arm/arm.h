/*
 * arm.h - what Arm's boards share, 32- and 64-bit ones: devices, the other CPUs.
 *
 * Beside what is declared here as the machine's, it has <asm.h> with counter_*() (the
 * generic timer), firmware_call() (HVC and SMC), gic_*() (a GICv3's registers in the
 * CPU), irq_off_and_wait().
 */
#ifndef KERNEL_ARM_H
#define KERNEL_ARM_H

#include <stdbool.h>
#include <stdint.h>
#include <tome/types.h>

struct thread;

/* The machine's: Tome, on the memory that the devicetree names. */
void memory_start(tome_pa_t tree);
/* The machine's: a device of ours at pa, before Tome can map any; where something of
 * the image is. */
void *memory_map_device(uint64_t pa, uint64_t len);
tome_pa_t memory_physical(const void *in_image);
/* The machine's: this CPU's own registers, and who runs on it. */
void cpu_start(unsigned number, struct thread *);

/* gic.c: interrupts 0 to 15 are messages between CPUs, then 16 of the CPU's own. */
void gic_start(void);			/* once */
void gic_cpu_start(void);		/* on each CPU, its number is known */
void gic_send(unsigned cpu, unsigned message);
void gic_send_others(unsigned message);
/* Handle what is pending, interrupts off: irq_message(), timer, those asked for. */
void gic_interrupt(void);

enum { MESSAGE_KICK, MESSAGE_FLUSH, MESSAGE_STOP };
/* The machine's: a message came. */
void irq_message(unsigned message);

/* The machine's entry.S: FRAME_FPU_BYTES of FP state. */
void fpu_save(void *area);
void fpu_load(const void *area);

/* clock.c */
void clock_start(void);
uint64_t clock_hz(void);

/* pl011.c */
void console_start(void);

/* smp.c */
void smp_start(void);
/* The machine's: what CPU `cpu` starts with is in memory itself, as its caches are off
 * when it looks. */
void boot_prepare(unsigned cpu, uintptr_t stack);

/* psci.c */
void psci_start(void);
/* False: there is no such CPU, or it runs. */
bool psci_cpu_on(uint64_t cpu, uint64_t entry);

#endif
