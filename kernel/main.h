/*
 * main.h - between bring-up (main.c) and the machine.
 */
#ifndef KERNEL_MAIN_H
#define KERNEL_MAIN_H

#include <tome/vm.h>

/* Called once, by the machine, on the first CPU; becomes its idle thread. */
_Noreturn void kernel_main(void);

/* The paging daemon has seen tome_paging_stop(). */
bool paging_ended(void);

/* CPUs, ranges, direct map and kernel span; the rest is kernel_main's. */
void machine_describe_memory(struct tome_boot *);
/* Interrupt controllers and the stacks of exceptions: needs layer 3. */
void machine_devices_start(void);
/* The calling CPU takes interrupts from now on. */
void machine_cpu_ready(void);
/* The other CPUs, each of which ends in sched_idle(). */
void machine_cpus_start(void);
/* CPU `cpu` shall call tome_vm_interrupt(). */
void machine_ask_flush(unsigned cpu);

/* Frames beyond the direct map, on machines with MACHINE_WINDOWS (cpu.h). */
void *machine_window_enter(void *ctx, tome_pa_t);
void machine_window_leave(void *ctx, void *);

extern const struct tome_host kernel_host;
/* What Tome is to call: kernel_host, or the same with allocations that fail. */
const struct tome_host *scarce_host(void);

#endif
