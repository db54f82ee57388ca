/*
 * switch.c - what a thread is made of on this machine, and leaving one for
 * another. The kernel itself uses no FPU registers, so they move only between
 * threads that return to user mode; likewise the bases of FS and GS.
 */
#include <lib.h>
#include <machine.h>
#include <process.h>
#include <sched_i.h>
#include <syscall.h>
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
	uint64_t *stack;

	memset(t, 0, sizeof *t);
	t->stack_low = low;
	t->fpu = (void *)fpu;
	t->frame = (struct trap_frame *)at - 1;
	*t->frame = (struct trap_frame){ .cs = 0 };
	stack = (uint64_t *)t->frame;
	*--stack = (uint64_t)(uintptr_t)thread_first_entry;
	for (unsigned i = 0; i < 6; i++)
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
leave_user(struct thread *t)
{
	fpu_save(t->fpu);
}

static void
resume_user(struct thread *t)
{
	fpu_load(t->fpu);
	wrmsr(MSR_FS_BASE, t->fs_base);
	wrmsr(MSR_KERNEL_GS_BASE, t->gs_base);
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
	cpu->stack_top = (uintptr_t)next;
	cpu->tss.rsp[0] = (uintptr_t)next;
	return switch_stacks(&prev->stack_pointer, next->stack_pointer, prev);
}

/* Bases that the running thread changed itself (arch_prctl, exec). */
void
thread_load_bases(void)
{
	uintptr_t irq = tome_host_irq_save();
	struct thread *t = current();

	wrmsr(MSR_FS_BASE, t->fs_base);
	wrmsr(MSR_KERNEL_GS_BASE, t->gs_base);
	tome_host_irq_restore(irq);
}

SYSCALL(arch_prctl)
{
	struct thread *t = current();

	switch ((unsigned)a[0]) {
	case ARCH_SET_FS:
	case ARCH_SET_GS:
		if (a[1] >= USER_TOP)
			return -EPERM;
		if ((unsigned)a[0] == ARCH_SET_FS)
			t->fs_base = a[1];
		else
			t->gs_base = a[1];
		thread_load_bases();
		return 0;
	case ARCH_GET_FS:
		return copy_out(a[1], &t->fs_base, sizeof t->fs_base);
	case ARCH_GET_GS:
		return copy_out(a[1], &t->gs_base, sizeof t->gs_base);
	default:
		return -EINVAL;
	}
}
