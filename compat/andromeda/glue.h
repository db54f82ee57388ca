/*
 * glue.h - what the embedder of Andromeda's facade calls.
 */
#ifndef COMPAT_ANDROMEDA_GLUE_H
#define COMPAT_ANDROMEDA_GLUE_H

#include <tome/lock.h>
#include <tome/map.h>

struct vm_segment;

struct compat_andromeda_config {
	int ncpus;			/* at most CPU_LIMIT */
	/* Kernel addresses that are the facade's: page aligned, in the kernel
	 * half, outside the span the instance was given. The heap begins at lo. */
	tome_va_t kernel_lo, kernel_hi;
	/* The kernel's image, of which vm_init() makes segments. */
	struct compat_andromeda_part {
		void *base;
		size_t size;		/* 0: there is none */
	} code, pd, data, stack;
	/* vm_segment_clean() gives back the frames that were mapped, instead of
	 * leaving that to the caller. */
	bool clean_frees;
	/* One line of vm_dump(), without newline. */
	void (*log)(const char *line);
};

/* The instance has layers 0-5, the library TOME_SRC_LOOK. Nothing is left when it
 * fails. */
enum tome_err compat_andromeda_start(struct tome_vm *,
    const struct compat_andromeda_config *) TOME_NODISCARD;
/* Each CPU, once, before it runs a task: its own page tables from now on.
 * Preemption and interrupts off. */
void compat_andromeda_cpu(int cpu);
/* The CPUs have left them (tome_pmap_switch). Everything that is left is freed. */
void compat_andromeda_stop(void);

/* A segment's lock, for who must hold it still: vm_segment_alloc() does not wait
 * for it. */
struct tome_mutex *compat_andromeda_lock(struct vm_segment *);

#endif
