/*
 * tome/host.h - what the embedder writes.
 *
 * Two forms. What must inline is <tome_host_inline.h>, found by include path
 * (the reference kernel's is kernel/<cpu>/tome_host_inline.h; the hosted
 * machine's is hosted/tome_host_inline.h). What may be indirect is struct
 * tome_host, a constant table handed over at creation. A NULL optional hook
 * degrades as its comment says. Nothing else is asked of the embedder but
 * memcpy, memmove, memset and memcmp.
 *
 * <tome_host_inline.h> defines, all static inline:
 *
 *  unsigned tome_host_cpu(void)
 *	Number of this CPU, 0 .. ncpus-1. Stable while preemption is off.
 *  void tome_host_preempt_off(void), tome_host_preempt_on(void)
 *	Nest. Between them this thread neither moves nor is descheduled, and must
 *	not sleep. Interrupts stay as they are.
 *  uintptr_t tome_host_irq_save(void), void tome_host_irq_restore(uintptr_t)
 *	Disable interrupts on this CPU, and restore what was. Nest by value.
 *  void tome_host_relax(void)
 *	In every spin. On hardware a pause; where interrupts are polled (the
 *	hosted machine) it serves them, flush requests included, if they are on.
 *  void *tome_host_frame_va(uintptr_t bias, tome_pa_t pa)
 *	Address of a frame in the direct map of the instance with this bias
 *	(struct tome_boot). Only called for pa < direct_end.
 *  void *tome_host_kva(uintptr_t bias, tome_va_t va)
 *	Pointer for a kernel virtual address: the address itself in a kernel, an
 *	address in the host window on the hosted machine.
 *  void tome_host_point(void)
 *	A scheduling point for systematic testing; empty elsewhere. Called before
 *	every lock, sequence, PTE and chunk-pointer access.
 */
#ifndef TOME_HOST_H
#define TOME_HOST_H

#include <tome/types.h>

#define TOME_HOST_VERSION 1
#define TOME_MAX_CPUS 64

/* No deadline. */
#define TOME_FOREVER UINT64_MAX

struct tome_host {
	uint32_t version;	/* TOME_HOST_VERSION */

	/*
	 * Sleep until *word != seen, a wake on it, or clock_ns() >= deadline.
	 * Returns at once if *word != seen; may return early; callers loop. Called
	 * with interrupts and preemption on. NULL: one thread only, never waits.
	 */
	void (*wait)(void *ctx, _Atomic uint32_t *word, uint32_t seen,
	    uint64_t deadline);
	/* Wake up to n threads waiting on word. Legal from interrupts. */
	void (*wake)(void *ctx, _Atomic uint32_t *word, uint32_t n);
	/*
	 * Make CPU `cpu` call tome_vm_interrupt(vm) soon, in interrupt context.
	 * Called with preemption off. NULL: uniprocessor.
	 */
	void (*ipi)(void *ctx, unsigned cpu);
	/* Nanoseconds, monotonic. Any context. */
	uint64_t (*clock_ns)(void *ctx);
	/* Unpredictable bits for address randomisation. NULL: not randomised. */
	uint64_t (*random)(void *ctx);
	/* One line without newline. Any context. NULL: discarded. */
	void (*log)(void *ctx, const char *line);
	/* A broken invariant. Must not return. */
	void (*panic)(void *ctx, const char *why) __attribute__((noreturn));
	/*
	 * Map a frame that lies outside the direct map, and unmap it. Preemption
	 * is off between; at most two windows are open on a CPU. NULL: all of
	 * RAM is in the direct map.
	 */
	void *(*window_enter)(void *ctx, tome_pa_t pa);
	void (*window_leave)(void *ctx, void *va);
	/*
	 * Test hook, NULL in production: may this allocation go ahead? `what`
	 * names the kind: "frame", "table", "object". False makes it fail as if memory had
	 * run out. Any context.
	 */
	bool (*may_alloc)(void *ctx, const char *what);
};

#endif
