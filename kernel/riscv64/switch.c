/*
 * switch.c - what a thread is made of on this machine, and leaving one for
 * another. The kernel itself uses no floating-point registers, so they move only
 * between threads that return to user mode.
 */
#include <lib.h>
#include <machine.h>
#include <riscv.h>
#include <sched_i.h>

#define FPU_BYTES 272u		/* 32 registers, fcsr; entry.S */
#define KEPT 14u		/* words that switch_stacks() pops */

void *switch_stacks(void **save, void *to, void *pass);
void thread_first_entry(void);

_Static_assert(offsetof(struct thread, work) == THREAD_WORK, "entry.S");

struct thread *
machine_thread(uintptr_t low, uintptr_t high)
{
	uintptr_t fpu = (high - FPU_BYTES) & ~(uintptr_t)63;
	uintptr_t at = (fpu - sizeof(struct thread)) & ~(uintptr_t)63;
	struct thread *t = (struct thread *)at;
	uint64_t *stack;

	memset(t, 0, sizeof *t);
	t->stack_low = low;
	t->fpu = (void *)fpu;
	t->frame = (struct trap_frame *)at - 1;
	*t->frame = (struct trap_frame){ .status = STATUS_SPP };
	stack = (uint64_t *)t->frame - KEPT;
	memset(stack, 0, KEPT * sizeof *stack);
	stack[0] = (uintptr_t)thread_first_entry;
	t->stack_pointer = stack;
	return t;
}

void
machine_thread_inherit(struct thread *t, bool fresh)
{
	if (fresh || current()->process == NULL)
		memset(t->fpu, 0, FPU_BYTES);
	else
		fpu_save(t->fpu);
}

/* Registers that were not written since they were loaded are in the area. */
static void
leave_user(struct thread *t)
{
	if ((t->frame->status & STATUS_FS) != STATUS_FS)
		return;
	fpu_save(t->fpu);
	t->frame->status ^= STATUS_FS ^ STATUS_FS_CLEAN;
}

struct thread *
machine_switch(struct thread *prev, struct thread *next)
{
	struct cpu *cpu = cpu_self();

	if (prev->process != NULL)
		leave_user(prev);
	if (prev->pmap != next->pmap)
		tome_pmap_switch(next->pmap != NULL ? next->pmap :
		    tome_pmap_kernel(the_vm));
	if (next->process != NULL)
		fpu_load(next->fpu);
	cpu->thread = next;
	cpu->stack_top = (uintptr_t)next;
	return switch_stacks(&prev->stack_pointer, next->stack_pointer, prev);
}

/* The base of thread-local storage is a register like any other. */
void
thread_load_bases(void)
{
}

/* ---- the registers of a running thread ---- */

size_t
fpu_size(void)
{
	return FPU_BYTES;
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

/* Live and in the area, whatever the frame says of the registers before. */
void
fpu_set(const void *state)
{
	struct thread *t = current();
	uintptr_t irq = tome_host_irq_save();

	memcpy(t->fpu, state, FPU_BYTES);
	fpu_load(t->fpu);
	tome_host_irq_restore(irq);
}

void
fpu_reset(void)
{
	struct thread *t = current();
	uintptr_t irq = tome_host_irq_save();

	memset(t->fpu, 0, FPU_BYTES);
	fpu_load(t->fpu);
	tome_host_irq_restore(irq);
}
