/*
 * fpu.c - FP and vector registers: D0 to D31 and FPSCR, as entry.S stores them. No bit
 * of them faults, whatever a user wrote.
 */
#include <armv7.h>
#include <lib.h>
#include <machine.h>
#include <sched.h>
#include <tome_host_inline.h>

#define SIZE 264u

size_t
fpu_size(void)
{
	return SIZE;
}

uint64_t
fpu_features(void)
{
	return 0;
}

void
fpu_get(void *state)
{
	uintptr_t irq = tome_host_irq_save();

	fpu_save(state);
	tome_host_irq_restore(irq);
}

void
fpu_set(const void *state)
{
	uintptr_t irq = tome_host_irq_save();

	fpu_load(state);
	tome_host_irq_restore(irq);
}

void
fpu_reset(void)
{
	struct thread *t = current();
	uintptr_t irq = tome_host_irq_save();

	memset(t->fpu, 0, SIZE);
	fpu_load(t->fpu);
	tome_host_irq_restore(irq);
}
