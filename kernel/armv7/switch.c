/*
 * switch.c - what a thread is made of on this machine, and leaving one for
 * another. The kernel itself uses no FP registers, so they move only between
 * threads that return to user mode; likewise the two thread pointers.
 */
#include <armv7.h>
#include <lib.h>
#include <machine.h>
#include <sched_i.h>
#include <tome_host_inline.h>

void *switch_stacks(void **save, void *to, void *pass);
void thread_first_entry(void);

/* What switch_stacks() loads: R4 to R8, R10, R11, PC. */
#define SWITCH_WORDS 8
#define SWITCH_RETURN 7

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
	*t->frame = (struct trap_frame){ .cpsr = CPSR_MODE_USER };
	stack = (uint32_t *)t->frame - SWITCH_WORDS;
	memset(stack, 0, SWITCH_WORDS * sizeof *stack);
	stack[SWITCH_RETURN] = (uintptr_t)thread_first_entry;
	t->stack_pointer = stack;
	return t;
}

static void
leave_user(struct thread *t)
{
	fpu_save(t->fpu);
	t->gs_base = CP15_READ(CP15_USER_RW);
}

static void
resume_user(struct thread *t)
{
	fpu_load(t->fpu);
	CP15_WRITE(CP15_USER_RO, t->fs_base);
	CP15_WRITE(CP15_USER_RW, t->gs_base);
}

void
machine_thread_inherit(struct thread *t, bool fresh)
{
	if (fresh || current()->process == NULL) {
		memset(t->fpu, 0, fpu_size());
		return;
	}
	leave_user(t);
	t->fs_base = CP15_READ(CP15_USER_RO);
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

/* The base that exec or the program changed. */
void
thread_load_bases(void)
{
	CP15_WRITE(CP15_USER_RO, current()->fs_base);
	CP15_WRITE(CP15_USER_RW, current()->gs_base);
}
