/*
 * tome_host_inline.h - the host of the pmap tests: one thread that plays every
 * CPU in turn (test_cpu says which), with nothing to interrupt it.
 */
#ifndef TEST_TOME_HOST_INLINE_H
#define TEST_TOME_HOST_INLINE_H

#include <tome/types.h>

extern unsigned test_cpu;
extern int test_preempt_off;	/* depth; 0 when a test is done */
/* What the other CPUs do while this one waits; NULL: nothing. */
extern void (*test_relax)(void);

static inline unsigned
tome_host_cpu(void)
{
	return test_cpu;
}

static inline void
tome_host_preempt_off(void)
{
	test_preempt_off++;
}

static inline void
tome_host_preempt_on(void)
{
	test_preempt_off--;
}

static inline uintptr_t
tome_host_irq_save(void)
{
	return 0;
}

static inline void
tome_host_irq_restore(uintptr_t was)
{
	(void)was;
}

static inline void
tome_host_relax(void)
{
	if (test_relax != NULL)
		test_relax();
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

static inline void
tome_host_point(void)
{
}

#endif
