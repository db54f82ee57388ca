/*
 * switch.c - what a thread is made of on this machine, and leaving one for
 * another. The kernel itself uses no FP registers, so they move only between
 * threads that return to user mode; likewise TPIDR_EL0, which users write.
 */
#include <aarch64.h>
#include <lib.h>
#include <machine.h>
#include <sched_i.h>
#include <tome_host_inline.h>

void *switch_stacks(void **save, void *to, void *pass);
void thread_first_entry(void);

/* What switch_stacks() loads: X29, X30, X19 to X28. */
#define SWITCH_WORDS 12
#define SWITCH_RETURN 1

struct thread *
machine_thread(uintptr_t low, uintptr_t high)
{
	uintptr_t fpu = (high - fpu_size()) & ~(uintptr_t)63;
	uintptr_t at = (fpu - sizeof(struct thread)) & ~(uintptr_t)63;
	struct thread *t = (struct thread *)at;
	uint64_t *stack;

	memset(t, 0, sizeof *t);
	t->stack_low = low;
	t->fpu = (void *)fpu;
	t->frame = (struct trap_frame *)at - 1;
	*t->frame = (struct trap_frame){ .code = 0 };
	stack = (uint64_t *)t->frame - SWITCH_WORDS;
	memset(stack, 0, SWITCH_WORDS * sizeof *stack);
	stack[SWITCH_RETURN] = (uintptr_t)thread_first_entry;
	t->stack_pointer = stack;
	return t;
}

void
machine_thread_inherit(struct thread *t, bool fresh)
{
	if (fresh || current()->process == NULL) {
		memset(t->fpu, 0, fpu_size());
		return;
	}
	t->fs_base = READ_REGISTER("tpidr_el0");
	fpu_save(t->fpu);
}

static void
leave_user(struct thread *t)
{
	fpu_save(t->fpu);
	t->fs_base = READ_REGISTER("tpidr_el0");
}

static void
resume_user(struct thread *t)
{
	fpu_load(t->fpu);
	WRITE_REGISTER("tpidr_el0", t->fs_base);
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
		resume_user(next);
	cpu->thread = next;
	cpu->stack_low = next->stack_low;
	cpu->stack_top = (uintptr_t)next;
	return switch_stacks(&prev->stack_pointer, next->stack_pointer, prev);
}

/* The base that exec changed. */
void
thread_load_bases(void)
{
	WRITE_REGISTER("tpidr_el0", current()->fs_base);
}
