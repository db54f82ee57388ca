/*
 * glue.h - what the embedder of the ARMv7 facade gives and calls.
 *
 * The board's start has a table of its own that maps the first RAM at its place and at
 * 0x80000000. vm2_start() calls map_ram(), drop_identity() and create(), in this order,
 * and has the PMM's span from them.
 */
#ifndef COMPAT_ARMV7_GLUE_H
#define COMPAT_ARMV7_GLUE_H

#include <tome/pmap.h>

struct compat_armv7_hooks {
	/* All RAM into the linear map; then the first RAM away from its place. */
	void (*map_ram)(void);
	void (*drop_identity)(void);
	/* The instance with layers 0-3, over RAM that is mapped now. NULL: none. */
	struct tome_vm *(*create)(void);
	/* One line: something was refused, nothing has changed. */
	void (*warn)(const char *line);
	/* The document's fatal errors. If it returns, nothing has changed but what
	 * the line says. */
	void (*fatal)(const char *line);
	/* This CPU runs the space of that number now. May be NULL. */
	void (*running)(uint8_t asid);
	/* From the kernel's end to the top, in the linear map; frames beyond are
	 * not the PMM's. */
	size_t pmm_start, pmm_end;
	/* The kernel address that KERNEL_HEAP_BASE names; on the machine itself,
	 * that. The GiB from there on is not among the instance's own. */
	tome_va_t window;
};

/* Before vm2_start(). */
void compat_armv7_boot(const struct compat_armv7_hooks *);
/* What was allocated and not freed goes back; no CPU runs a user table. */
void compat_armv7_stop(void);

#endif
