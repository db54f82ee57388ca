/*
 * sigframe.c - the frame that a signal handler runs on, in Linux's layout: from
 * the stack pointer up siginfo, ucontext.
 *
 * The handler returns to SIGRETURN_AT, where programs have nothing: that fault is
 * sigreturn (trap.c). What sigreturn reads was in the user's hands: nothing of it
 * reaches sstatus.
 */
#include <lib.h>
#include <machine.h>
#include <oom.h>
#include <process.h>
#include <riscv.h>

struct ucontext {
	uint64_t flags, link;
	struct sigaltstack stack;
	sigset_t mask;
	uint8_t room[128 - sizeof(sigset_t)];
	struct sigcontext mc;
};

struct frame {
	struct siginfo info;
	struct ucontext uc;
};

_Static_assert(sizeof(struct sigcontext) == 784, "Linux's");
_Static_assert(offsetof(struct ucontext, mc) == 176, "Linux's");

void
frame_restart(struct trap_frame *f, bool block)
{
	f->pc -= 4;			/* the length of ECALL */
	f->x[X_A0] = f->x[0];
	if (block)
		f->x[X_A7] = SYS_RESTART;
}

void
frame_set_result(struct trap_frame *f, int64_t value)
{
	f->x[X_A0] = (uint64_t)value;
}

int64_t
frame_result(const struct trap_frame *f)
{
	return (int64_t)f->x[X_A0];
}

uint64_t
frame_stack(const struct trap_frame *f)
{
	return f->x[X_SP];
}

void
frame_set_stack(struct trap_frame *f, uint64_t sp)
{
	f->x[X_SP] = sp;
}

void
thread_set_tls(struct thread *t, uint64_t base)
{
	t->frame->x[X_TP] = base;
}

size_t
sigframe_size(void)
{
	return sizeof(struct frame) + 16;
}

static bool
on_altstack(const struct sigaltstack *s, uint64_t sp)
{
	return !(s->flags & SS_DISABLE) && sp - s->sp < s->size;
}

/* Where the frame may begin, going down. */
static uint64_t
choose_stack(const struct trap_frame *f, const struct sigaction *act)
{
	const struct sigaltstack *s = &current_task()->altstack;

	if ((act->flags & SA_ONSTACK) && !(s->flags & SS_DISABLE) &&
	    !on_altstack(s, f->x[X_SP]))
		return s->sp + s->size;
	return f->x[X_SP];
}

static void
save_registers(struct sigcontext *m, const struct trap_frame *f)
{
	uint64_t fpu[34];

	memcpy(m->x, f->x, sizeof m->x);
	m->x[0] = f->pc;
	fpu_get(fpu);
	memcpy(m->f, fpu, sizeof m->f);
	m->fcsr = (uint32_t)fpu[32];
}

bool
sigframe_push(struct trap_frame *f, int signo, const struct siginfo *info,
    const struct sigaction *act, sigset_t blocked)
{
	uint64_t top = choose_stack(f, act);
	uint64_t sp = (top - sizeof(struct frame)) & ~(uint64_t)15;
	struct task *t = current_task();
	struct frame *new;
	bool done;

	if (act->handler >= USER_TOP)
		return false;
	/* A frame must not run out of the bottom of the alternate stack. */
	if (on_altstack(&t->altstack, top - 1) && sp < t->altstack.sp)
		return false;
	new = patient_alloc(sizeof *new);
	if (new == NULL)
		return false;
	memset(new, 0, sizeof *new);
	new->info = *info;
	new->uc.stack = t->altstack;
	new->uc.mask = blocked;
	save_registers(&new->uc.mc, f);
	done = copy_out(sp, new, sizeof *new) == 0;
	tome_kfree(the_vm, new);
	if (!done)
		return false;
	if ((unsigned)t->altstack.flags & SS_AUTODISARM)
		t->altstack = (struct sigaltstack){.flags = SS_DISABLE};
	f->x[X_A0] = (uint64_t)signo;
	f->x[X_A1] = sp + offsetof(struct frame, info);
	f->x[X_A2] = sp + offsetof(struct frame, uc);
	f->x[X_SP] = sp;
	f->x[X_RA] = SIGRETURN_AT;
	f->pc = act->handler;
	return true;
}

static void
load_registers(struct trap_frame *f, const struct sigcontext *m)
{
	uint64_t fpu[34] = {0};

	memcpy(f->x, m->x, sizeof f->x);
	f->pc = m->x[0];
	f->x[0] = m->x[X_A0];
	memcpy(fpu, m->f, sizeof m->f);
	fpu[32] = m->fcsr & 0xff;
	fpu_set(fpu);
}

bool
sigframe_pop(struct trap_frame *f, sigset_t *blocked)
{
	struct task *t = current_task();
	struct ucontext *uc = patient_alloc(sizeof *uc);
	bool good;

	if (uc == NULL)
		return false;
	good = copy_in(uc, f->x[X_SP] + offsetof(struct frame, uc),
	    sizeof *uc) == 0;
	if (good) {
		load_registers(f, &uc->mc);
		*blocked = uc->mask;
		if (!on_altstack(&t->altstack, f->x[X_SP]))
			t->altstack = uc->stack;
	}
	tome_kfree(the_vm, uc);
	return good;
}
