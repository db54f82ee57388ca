/*
 * switch.c - what a thread is made of on this machine, and leaving one for
 * another. The kernel itself uses no FPU registers, so they move only between
 * threads that return to user mode; likewise the descriptors that user's GS may
 * name, which a thread keeps as fs_base and gs_base (calls.c).
 */
#include <lib.h>
#include <machine.h>
#include <sched_i.h>
#include <x86.h>

void *switch_stacks(void **save, void *to, void *pass);
void thread_first_entry(void);

_Static_assert(offsetof(struct thread, work) == THREAD_WORK, "entry.S");

struct thread *
machine_thread(uintptr_t low, uintptr_t high)
{
	uintptr_t fpu = (high - fpu_size()) & ~(uintptr_t)63;
	uintptr_t at = (fpu - sizeof(struct thread)) & ~(uintptr_t)63;
	struct thread *t = (struct thread *)at;
	uint32_t *stack;

	memset(t, 0, sizeof *t);
	t->stack_low = low;
	t->fpu = (void *)fpu;
	t->frame = (struct trap_frame *)at - 1;
	*t->frame = (struct trap_frame){ .cs = 0 };
	stack = (uint32_t *)t->frame;
	*--stack = (uintptr_t)thread_first_entry;
	for (unsigned i = 0; i < 4; i++)
		*--stack = 0;
	t->stack_pointer = stack;
	return t;
}

void
machine_thread_inherit(struct thread *t, bool fresh)
{
	if (fresh || current()->process == NULL) {
		fpu_init_area(t->fpu);
		return;
	}
	t->fs_base = current()->fs_base;
	t->gs_base = current()->gs_base;
	fpu_save(t->fpu);
}

static void
load_descriptors(struct cpu *cpu, const struct thread *t)
{
	cpu->gdt[GDT_TLS / 8] = t->fs_base;
	cpu->gdt[GDT_TLS / 8 + 1] = t->gs_base;
}

struct thread *
machine_switch(struct thread *prev, struct thread *next)
{
	struct cpu *cpu = cpu_self();

	if (prev->process != NULL)
		fpu_save(prev->fpu);
	if (prev->pmap != next->pmap)
		tome_pmap_switch(next->pmap != NULL ? next->pmap :
		    tome_pmap_kernel(the_vm));
	if (next->process != NULL) {
		fpu_load(next->fpu);
		load_descriptors(cpu, next);
	}
	cpu->thread = next;
	cpu->stack_top = (uintptr_t)next;
	cpu->tss.esp0 = (uintptr_t)next;
	return switch_stacks(&prev->stack_pointer, next->stack_pointer, prev);
}

/* Descriptors that the running thread changed itself (set_thread_area, exec). */
void
thread_load_bases(void)
{
	uintptr_t irq = tome_host_irq_save();

	load_descriptors(cpu_self(), current());
	tome_host_irq_restore(irq);
}
