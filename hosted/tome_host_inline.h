/*
 * tome_host_inline.h - the hosted machine's half of <tome/host.h> that inlines.
 *
 * A thread that runs as a CPU of some machine has hosted_self set. A thread
 * that does not (a test of a list, say) is a lone CPU 0 without interrupts.
 */
#ifndef HOSTED_TOME_HOST_INLINE_H
#define HOSTED_TOME_HOST_INLINE_H

#include <tome/types.h>

/* The part of a CPU that the inlines touch; struct hosted_cpu begins with it. */
struct hosted_core {
	unsigned id;
	unsigned preempt_off;		/* depth; only its own thread's */
	unsigned irq_off;		/* 0 or 1; only its own thread's */
	bool scheduled;			/* the deterministic scheduler drives */
	_Atomic uint32_t attention;	/* an IPI is waiting */
};

extern _Thread_local struct hosted_core *hosted_self;

/* Serve what waits, if interrupts are on; let others run. */
void hosted_relax(void);
void hosted_point(void);
void hosted_irq_opened(void);

static inline unsigned
tome_host_cpu(void)
{
	return hosted_self != NULL ? hosted_self->id : 0;
}

static inline void
tome_host_preempt_off(void)
{
	if (hosted_self != NULL)
		hosted_self->preempt_off++;
}

static inline void
tome_host_preempt_on(void)
{
	if (hosted_self != NULL)
		hosted_self->preempt_off--;
}

static inline uintptr_t
tome_host_irq_save(void)
{
	uintptr_t was;

	if (hosted_self == NULL)
		return 0;
	was = hosted_self->irq_off;
	hosted_self->irq_off = 1;
	return was;
}

static inline void
tome_host_irq_restore(uintptr_t was)
{
	if (hosted_self == NULL)
		return;
	hosted_self->irq_off = (unsigned)was;
	if (was == 0 && atomic_load_explicit(&hosted_self->attention,
	    memory_order_relaxed) != 0)
		hosted_irq_opened();
}

static inline void
tome_host_relax(void)
{
	hosted_relax();
}

static inline void
tome_host_point(void)
{
	if (hosted_self != NULL && (hosted_self->scheduled ||
	    atomic_load_explicit(&hosted_self->attention,
		memory_order_relaxed) != 0))
		hosted_point();
}

static inline void *
tome_host_frame_va(uintptr_t bias, tome_pa_t pa)
{
	return (void *)(bias + (uintptr_t)pa);
}

static inline void *
tome_host_kva(uintptr_t bias, tome_va_t va)
{
	return (void *)(bias + (uintptr_t)va);
}

#endif
