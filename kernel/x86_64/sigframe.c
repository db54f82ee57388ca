/*
 * sigframe.c - the frame that a signal handler runs on, in Linux's layout: from
 * the stack pointer up the return address, ucontext, siginfo; above them, on a
 * multiple of 64, the FPU state.
 *
 * What sigreturn reads was in the user's hands: flags are masked, segments are
 * fixed, addresses must be the user's, and fpu_set() drops what would fault.
 */
#include <lib.h>
#include <machine.h>
#include <oom.h>
#include <process.h>
#include <sigfpu.h>

#define RED_ZONE 128u
#define UC_FLAGS 6u		/* SS is saved, and to be restored strictly */
#define UC_XSTATE 1u
#define CLEARED_FLAGS 0x10500u	/* RF DF TF */

struct ucontext {
	uint64_t flags, link;
	struct sigaltstack stack;
	struct sigcontext mc;
	sigset_t mask;
};

struct frame {
	uint64_t return_to;
	struct ucontext uc;
	struct siginfo info;
};

void
frame_restart(struct trap_frame *f, bool block)
{
	f->rip -= 2;			/* the length of SYSCALL */
	f->rax = block ? SYS_RESTART : f->code;
}

void
frame_set_result(struct trap_frame *f, int64_t value)
{
	f->rax = (uint64_t)value;
}

int64_t
frame_result(const struct trap_frame *f)
{
	return (int64_t)f->rax;
}

uint64_t
frame_stack(const struct trap_frame *f)
{
	return f->rsp;
}

void
frame_set_stack(struct trap_frame *f, uint64_t sp)
{
	f->rsp = sp;
}

void
thread_set_tls(struct thread *t, uint64_t base)
{
	t->fs_base = base;
}

size_t
sigframe_size(void)
{
	return sizeof(struct frame) + RED_ZONE + 16 + 64 + sigfpu_bytes();
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
	    !on_altstack(s, f->rsp))
		return s->sp + s->size;
	return f->rsp - RED_ZONE;
}

static void
save_registers(struct sigcontext *m, const struct trap_frame *f,
    uint64_t fpstate, sigset_t mask)
{
	const struct thread *t = current();

	*m = (struct sigcontext){
		.r8 = f->r8, .r9 = f->r9, .r10 = f->r10, .r11 = f->r11,
		.r12 = f->r12, .r13 = f->r13, .r14 = f->r14, .r15 = f->r15,
		.di = f->rdi, .si = f->rsi, .bp = f->rbp, .bx = f->rbx,
		.dx = f->rdx, .ax = f->rax, .cx = f->rcx, .sp = f->rsp,
		.ip = f->rip, .flags = f->rflags, .cs = FRAME_USER_CS,
		.ss = FRAME_USER_SS, .err = t->trap_code,
		.trapno = t->trap_number, .oldmask = mask,
		.cr2 = t->trap_address, .fpstate = fpstate,
	};
}

bool
sigframe_push(struct trap_frame *f, int signo, const struct siginfo *info,
    const struct sigaction *act, sigset_t blocked)
{
	uint64_t top = choose_stack(f, act);
	uint64_t fpu = (top - sigfpu_bytes()) & ~(uint64_t)63;
	uint64_t sp = ((fpu - sizeof(struct frame)) & ~(uint64_t)15) - 8;
	struct task *t = current_task();
	struct frame *new;
	bool done;

	if (act->handler >= USER_TOP || !(act->flags & SA_RESTORER))
		return false;
	/* A frame must not run out of the bottom of the alternate stack. */
	if (on_altstack(&t->altstack, top - 1) && sp < t->altstack.sp)
		return false;
	new = patient_alloc(sizeof *new);
	if (new == NULL)
		return false;
	*new = (struct frame){.return_to = act->restorer, .info = *info};
	new->uc.flags = UC_FLAGS | (fpu_features() != 0 ? UC_XSTATE : 0);
	new->uc.stack = t->altstack;
	new->uc.mask = blocked;
	save_registers(&new->uc.mc, f, fpu, blocked);
	done = copy_out(sp, new, sizeof *new) == 0 && sigfpu_put(fpu) == 0;
	tome_kfree(the_vm, new);
	if (!done)
		return false;
	if ((unsigned)t->altstack.flags & SS_AUTODISARM)
		t->altstack = (struct sigaltstack){.flags = SS_DISABLE};
	f->rdi = (uint64_t)signo;
	f->rsi = sp + offsetof(struct frame, info);
	f->rdx = sp + offsetof(struct frame, uc);
	f->rax = 0;
	f->rsp = sp;
	f->rip = act->handler;
	f->rflags &= ~(uint64_t)CLEARED_FLAGS;
	return true;
}

static void
load_registers(struct trap_frame *f, const struct sigcontext *m)
{
	*f = (struct trap_frame){
		.r8 = m->r8, .r9 = m->r9, .r10 = m->r10, .r11 = m->r11,
		.r12 = m->r12, .r13 = m->r13, .r14 = m->r14, .r15 = m->r15,
		.rdi = m->di, .rsi = m->si, .rbp = m->bp, .rbx = m->bx,
		.rdx = m->dx, .rax = m->ax, .rcx = m->cx, .rsp = m->sp,
		.rip = m->ip, .cs = FRAME_USER_CS, .ss = FRAME_USER_SS,
		.rflags = (m->flags & FRAME_USER_FLAGS) | FRAME_FLAGS_IF,
	};
}

/* The return popped return_to: the stack pointer is at ucontext. */
bool
sigframe_pop(struct trap_frame *f, sigset_t *blocked)
{
	struct task *t = current_task();
	struct ucontext uc;

	if (copy_in(&uc, f->rsp, sizeof uc) != 0 || uc.mc.ip >= USER_TOP ||
	    sigfpu_get(uc.mc.fpstate) != 0)
		return false;
	load_registers(f, &uc.mc);
	*blocked = uc.mask;
	if (!on_altstack(&t->altstack, f->rsp))
		t->altstack = uc.stack;
	return true;
}
