/*
 * sigframe.c - the frames that a signal handler runs on, in Linux's two layouts:
 * with siginfo and ucontext, or with the registers alone. Above either, so that
 * FXSAVE's part is on a multiple of 64, the FPU state behind FSAVE's old header.
 *
 * What sigreturn reads was in the user's hands: flags are masked, segments made
 * safe (trap.c), and fpu_set() drops what would fault.
 */
#include <lib.h>
#include <machine.h>
#include <oom.h>
#include <process.h>
#include <sigfpu.h>
#include <syscall.h>

#define UC_XSTATE 1u
#define CLEARED_FLAGS 0x10500u	/* RF DF TF */

struct ucontext {
	uint32_t flags, link;
	struct sigaltstack stack;
	struct sigcontext mc;
	sigset_packed mask;
};

struct frame {
	uint32_t return_to;
	int32_t signo;
	uint32_t info_at, uc_at;
	struct siginfo info;
	struct ucontext uc;
};

/* For handlers without SA_SIGINFO. */
struct old_frame {
	uint32_t return_to;
	int32_t signo;
	struct sigcontext mc;
	uint8_t unused[SIGFPU_FSAVE + 512];
	uint32_t mask_high;
};

void
frame_restart(struct trap_frame *f, bool block)
{
	f->eip -= 2;			/* the length of INT 0x80 */
	f->eax = block ? SYS_RESTART : f->code;
}

void
frame_set_result(struct trap_frame *f, int64_t value)
{
	f->eax = (uint32_t)value;
}

int64_t
frame_result(const struct trap_frame *f)
{
	return (int32_t)f->eax;
}

uint64_t
frame_stack(const struct trap_frame *f)
{
	return f->esp;
}

void
frame_set_stack(struct trap_frame *f, uint64_t sp)
{
	f->esp = (uint32_t)sp;
}

size_t
sigframe_size(void)
{
	return sizeof(struct old_frame) + 16 + 64 + sigfpu_bytes();
}

static bool
on_altstack(const struct sigaltstack *s, uint64_t sp)
{
	return !(s->flags & SS_DISABLE) && sp - s->sp < s->size;
}

/* Where the frame may begin, going down. */
static uint32_t
choose_stack(const struct trap_frame *f, const struct sigaction *act)
{
	const struct sigaltstack *s = &current_task()->altstack;

	if ((act->flags & SA_ONSTACK) && !(s->flags & SS_DISABLE) &&
	    !on_altstack(s, f->esp))
		return s->sp + s->size;
	return f->esp;
}

static void
save_registers(struct sigcontext *m, const struct trap_frame *f,
    uint32_t fpstate, sigset_t mask)
{
	const struct thread *t = current();

	*m = (struct sigcontext){
		.gs = f->gs, .fs = f->fs, .es = f->es, .ds = f->ds,
		.di = f->edi, .si = f->esi, .bp = f->ebp, .sp = f->esp,
		.bx = f->ebx, .dx = f->edx, .cx = f->ecx, .ax = f->eax,
		.trapno = (uint32_t)t->trap_number,
		.err = (uint32_t)t->trap_code, .ip = f->eip, .cs = f->cs,
		.flags = f->eflags, .sp_at_signal = f->esp, .ss = f->ss,
		.fpstate = fpstate, .oldmask = (uint32_t)mask,
		.cr2 = (uint32_t)t->trap_address,
	};
}

static int
put_frame(uint32_t sp, const struct trap_frame *f, int signo,
    const struct siginfo *info, uint32_t return_to, uint32_t fpu,
    sigset_t blocked)
{
	struct frame *new = patient_alloc(sizeof *new);
	int err;

	if (new == NULL)
		return -ENOMEM;
	*new = (struct frame){.return_to = return_to, .signo = signo,
		.info_at = sp + offsetof(struct frame, info),
		.uc_at = sp + offsetof(struct frame, uc), .info = *info};
	new->uc.flags = fpu_features() != 0 ? UC_XSTATE : 0;
	new->uc.stack = current_task()->altstack;
	new->uc.mask = blocked;
	save_registers(&new->uc.mc, f, fpu, blocked);
	err = copy_out(sp, new, sizeof *new);
	tome_kfree(the_vm, new);
	return err;
}

static int
put_old_frame(uint32_t sp, const struct trap_frame *f, int signo,
    uint32_t return_to, uint32_t fpu, sigset_t blocked)
{
	struct old_frame *new = patient_alloc(sizeof *new);
	int err;

	if (new == NULL)
		return -ENOMEM;
	*new = (struct old_frame){.return_to = return_to, .signo = signo,
		.mask_high = (uint32_t)(blocked >> 32)};
	save_registers(&new->mc, f, fpu, blocked);
	err = copy_out(sp, new, sizeof *new);
	tome_kfree(the_vm, new);
	return err;
}

bool
sigframe_push(struct trap_frame *f, int signo, const struct siginfo *info,
    const struct sigaction *act, sigset_t blocked)
{
	bool with_info = act->flags & SA_SIGINFO;
	uint32_t size = with_info ? sizeof(struct frame) :
	    sizeof(struct old_frame);
	uint32_t top = choose_stack(f, act);
	uint32_t fx = (top - (uint32_t)sigfpu_bytes() + SIGFPU_FSAVE) & ~63u;
	uint32_t fpu = fx - SIGFPU_FSAVE;
	uint32_t sp = ((fpu - size + 4) & ~15u) - 4;
	struct task *t = current_task();
	int err;

	if (act->handler >= USER_TOP || !(act->flags & SA_RESTORER))
		return false;
	/* A frame must not run out of the bottom of the alternate stack. */
	if (on_altstack(&t->altstack, top - 1) && sp < t->altstack.sp)
		return false;
	err = with_info ? put_frame(sp, f, signo, info, act->restorer, fpu,
	    blocked) : put_old_frame(sp, f, signo, act->restorer, fpu, blocked);
	if (err != 0 || sigfpu_put(fpu) != 0)
		return false;
	if ((unsigned)t->altstack.flags & SS_AUTODISARM)
		t->altstack = (struct sigaltstack){.flags = SS_DISABLE};
	f->eax = (uint32_t)signo;
	f->edx = with_info ? sp + offsetof(struct frame, info) : 0;
	f->ecx = with_info ? sp + offsetof(struct frame, uc) : 0;
	f->esp = sp;
	f->eip = (uint32_t)act->handler;
	f->ds = f->es = FRAME_USER_DS;
	f->eflags &= ~CLEARED_FLAGS;
	return true;
}

static void
load_registers(struct trap_frame *f, const struct sigcontext *m)
{
	*f = (struct trap_frame){
		.gs = m->gs, .fs = m->fs, .es = m->es, .ds = m->ds,
		.edi = m->di, .esi = m->si, .ebp = m->bp, .ebx = m->bx,
		.edx = m->dx, .ecx = m->cx, .eax = m->ax, .eip = m->ip,
		.cs = FRAME_USER_CS, .esp = m->sp, .ss = FRAME_USER_DS,
		.eflags = (m->flags & FRAME_USER_FLAGS) | FRAME_FLAGS_IF,
	};
}

/* The return popped return_to: the stack pointer is at signo. */
bool
sigframe_pop(struct trap_frame *f, sigset_t *blocked)
{
	const uint64_t uc_at = f->esp - offsetof(struct frame, signo) +
	    offsetof(struct frame, uc);
	struct task *t = current_task();
	struct ucontext uc;

	if (copy_in(&uc, uc_at, sizeof uc) != 0 || sigfpu_get(uc.mc.fpstate) != 0)
		return false;
	load_registers(f, &uc.mc);
	*blocked = uc.mask;
	if (!on_altstack(&t->altstack, f->esp))
		t->altstack = uc.stack;
	return true;
}

/* The handler's return popped return_to, and what it returned to, signo. */
static bool
old_frame_pop(struct trap_frame *f, sigset_t *blocked)
{
	const uint64_t sp = f->esp - offsetof(struct old_frame, mc);
	struct sigcontext mc;
	uint32_t high;

	if (copy_in(&mc, f->esp, sizeof mc) != 0 ||
	    copy_in(&high, sp + offsetof(struct old_frame, mask_high),
	    sizeof high) != 0 || sigfpu_get(mc.fpstate) != 0)
		return false;
	load_registers(f, &mc);
	*blocked = mc.oldmask | (sigset_t)high << 32;
	return true;
}

SYSCALL(sigreturn)
{
	struct trap_frame *f = current()->frame;
	sigset_t blocked;

	atomic_fetch_or(&current()->work, WORK_FRAME);
	if (old_frame_pop(f, &blocked))
		signal_set_blocked(blocked);
	else
		signal_force(SIGSEGV, SI_KERNEL, 0);
	return frame_result(f);
}
