/*
 * fpu.c - FP and vector registers, as the machine's entry.S stores them. No bit of them
 * faults, whatever a user wrote.
 */
#include <arm.h>
#include <frame.h>
#include <lib.h>
#include <machine.h>
#include <sched.h>
#include <tome_host_inline.h>

size_t
fpu_size(void)
{
	return FRAME_FPU_BYTES;
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

	memset(t->fpu, 0, FRAME_FPU_BYTES);
	fpu_load(t->fpu);
	tome_host_irq_restore(irq);
}
