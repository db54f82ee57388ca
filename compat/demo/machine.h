/*
 * machine.h - what main.c must know of a demo to run it on a machine of its own;
 * <system>/demo/machine.c fills it in.
 */
#ifndef COMPAT_DEMO_MACHINE_H
#define COMPAT_DEMO_MACHINE_H

#include <hosted.h>

struct demo {
	const char *name;
	/* Put the facade on an instance whose layers 0-5 have been started. */
	enum tome_err (*start)(struct tome_vm *);
	/* The program: demo.c's main(). 0 is good. */
	int (*run)(void);
	/* A page fault of the program, and its context switch (may be NULL). */
	hosted_fault_fn *fault;
	void (*enter)(void *space);
	/* A file of its own, by name, in whatever form the system has it; NULL: no
	 * demo asks. */
	void *(*file)(const char *name);
	/* Take the facade off again; nothing of its may be left. */
	void (*stop)(void);
};

/* What demo_switch() was last given. */
void *demo_space(void);

/* Kernel addresses that are not the instance's to give out: for a facade that has
 * a map of the kernel's. */
void demo_kernel_span(tome_va_t *lo, tome_va_t *hi);

#endif
