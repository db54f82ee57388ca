/*
 * machine.h - what the generic kernel asks of a machine, and what bring-up found.
 */
#ifndef KERNEL_MACHINE_H
#define KERNEL_MACHINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <tome/vm.h>

struct trap_frame;

/* The instance that manages all memory of this kernel. */
extern struct tome_vm *the_vm;

/* ---- what the boot loader left ---- */

const char *boot_cmdline(void);
/* NULL: none. In the direct map; never freed. */
const void *boot_initrd(size_t *len);
/* The value of `name=` in the command line into buf; false: absent. A bare word
 * `name` gives "". */
bool boot_option(const char *name, char *buf, size_t len);

/* ---- console ---- */

void console_write(const char *, size_t);	/* any context; as is */
/* Bytes typed go to tty_input() from when this is called; earlier ones first. */
void console_start_input(void);

/* ---- FPU and vector registers ---- */

/*
 * The state as signal frames hold it: FXSAVE's 512 bytes, or XSAVE's standard
 * form. Features is XCR0, 0 without XSAVE.
 */
size_t fpu_size(void);
uint64_t fpu_features(void);
void fpu_get(void *state);		/* the caller's thread; 64-byte aligned */
void fpu_set(const void *state);	/* made safe: bad bits are dropped */
void fpu_reset(void);

/* ---- identity of the CPU, for /proc/cpuinfo and auxv ---- */

struct cpu_identity {
	char vendor[13], model_name[49];
	char tables[24];		/* the mode of its MMU, as registers say */
	unsigned family, model, stepping;
	uint32_t hwcap;			/* CPUID 1 EDX */
	uint64_t hz;			/* of the time-stamp counter */
};
void cpu_identify(struct cpu_identity *);

/* ---- the end ---- */

/* Exit status as the machine can tell it (0 is success). */
_Noreturn void machine_off(int status);
_Noreturn void machine_reboot(void);

/* The other CPUs, for a panic: asked to stop, for good; whether they were. */
void smp_stop_others(void);
bool smp_stopping(void);

/* 64 unpredictable bits, as good as the CPU has them. Any context. */
uint64_t machine_random(void);

/*
 * Registers (frame may be NULL: the caller's), backtrace, the process; then off
 * with a failing status.
 */
_Noreturn void panic_frame(const struct trap_frame *, const char *why, ...)
    __attribute__((format(printf, 2, 3)));
#define panic(...) panic_frame(NULL, __VA_ARGS__)

#endif
