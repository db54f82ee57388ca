/*
 * sigframe.c - the frame that a signal handler runs on, in Linux's layout: siginfo,
 * if the handler wants it, then ucontext, whose registers end with a record of the
 * FP state.
 *
 * What sigreturn reads was in the user's hands: flags are masked, and whatever the
 * other registers hold faults in user mode if at all.
 */
#include <armv7.h>
#include <lib.h>
#include <machine.h>
#include <oom.h>
#include <process.h>
#include <syscall.h>

#define VFP_MAGIC 0x56465001u

struct vfp_record {
	uint32_t magic, size;
	uint8_t registers[256];
	uint32_t fpscr, pad;
	uint32_t exception[3], pad2;
};

struct ucontext {
	uint32_t flags, link;
	struct sigaltstack stack;
	struct sigcontext mc;
	sigset_packed mask;
	uint8_t spare[128 - sizeof(sigset_t)];
	struct vfp_record vfp __attribute__((aligned(8)));
	uint32_t end[2];
};

struct frame {
	struct siginfo info;
	struct ucontext uc;
};

_Static_assert(sizeof(struct vfp_record) == 288, "vfp_sigframe");
_Static_assert(offsetof(struct ucontext, mask) == 104, "ucontext");
_Static_assert(offsetof(struct ucontext, vfp) == 232, "ucontext");

void
frame_restart(struct trap_frame *f, bool block)
{
	f->pc -= f->cpsr & CPSR_T ? 2 : 4;	/* the length of SVC */
	f->r[0] = f->first;
	f->r[7] = block ? SYS_RESTART : f->code;
}

void
frame_set_result(struct trap_frame *f, int64_t value)
{
	f->r[0] = (uint32_t)value;
}

int64_t
frame_result(const struct trap_frame *f)
{
	return (int32_t)f->r[0];
}

uint64_t
frame_stack(const struct trap_frame *f)
{
	return f->sp;
}

void
frame_set_stack(struct trap_frame *f, uint64_t sp)
{
	f->sp = (uint32_t)sp;
}

void
thread_set_tls(struct thread *t, uint64_t base)
{
	t->fs_base = base;
}

size_t
sigframe_size(void)
{
	return sizeof(struct frame) + 8;
}

/* ---- there ---- */

static bool
on_altstack(const struct sigaltstack *s, uint32_t sp)
{
	return !((unsigned)s->flags & SS_DISABLE) && sp - s->sp < s->size;
}

/* Where the frame may begin, going down. */
static uint32_t
choose_stack(const struct trap_frame *f, const struct sigaction *act)
{
	const struct sigaltstack *s = &current_task()->altstack;

	if ((act->flags & SA_ONSTACK) && !((unsigned)s->flags & SS_DISABLE) &&
	    !on_altstack(s, f->sp))
		return (uint32_t)(s->sp + s->size);
	return f->sp;
}

static void
save_vfp(struct vfp_record *r)
{
	struct {
		uint8_t registers[256];
		uint32_t fpscr, pad;
	} state __attribute__((aligned(8)));

	fpu_get(&state);
	r->magic = VFP_MAGIC;
	r->size = sizeof *r;
	memcpy(r->registers, state.registers, sizeof state.registers);
	r->fpscr = state.fpscr;
}

static void
fill(struct ucontext *uc, const struct trap_frame *f, sigset_t blocked)
{
	const struct thread *t = current();

	uc->stack = current_task()->altstack;
	uc->mask = blocked;
	uc->mc = (struct sigcontext){ .trapno = (uint32_t)t->trap_number,
		.err = (uint32_t)t->trap_code, .oldmask = (uint32_t)blocked,
		.sp = f->sp, .lr = f->lr, .pc = f->pc, .cpsr = f->cpsr,
		.fault_address = (uint32_t)t->trap_address };
	memcpy(uc->mc.r, f->r, sizeof f->r);
	save_vfp(&uc->vfp);
}

/* With siginfo below it, or without. */
static bool
put_frame(uint32_t sp, uint32_t uc_at, const struct trap_frame *f,
    const struct siginfo *info, sigset_t blocked)
{
	struct frame *new = patient_alloc(sizeof *new);
	bool done;

	if (new == NULL)
		return false;
	memset(new, 0, sizeof *new);
	new->info = *info;
	fill(&new->uc, f, blocked);
	done = copy_out(uc_at, &new->uc, sizeof new->uc) == 0 &&
	    (sp == uc_at || copy_out(sp, &new->info, sizeof new->info) == 0);
	tome_kfree(the_vm, new);
	return done;
}

bool
sigframe_push(struct trap_frame *f, int signo, const struct siginfo *info,
    const struct sigaction *act, sigset_t blocked)
{
	uint32_t top = choose_stack(f, act);
	uint32_t uc_at = (top - (uint32_t)sizeof(struct ucontext)) & ~7u;
	bool with_info = act->flags & SA_SIGINFO;
	uint32_t sp = with_info ? uc_at - offsetof(struct frame, uc) : uc_at;
	struct task *t = current_task();

	/* A frame must not run out of the bottom of the alternate stack. */
	if ((on_altstack(&t->altstack, top - 1) && sp < t->altstack.sp) ||
	    !(act->flags & SA_RESTORER) ||
	    !put_frame(sp, uc_at, f, info, blocked))
		return false;
	if ((unsigned)t->altstack.flags & SS_AUTODISARM)
		t->altstack = (struct sigaltstack){.flags = SS_DISABLE};
	f->r[0] = (uint32_t)signo;
	f->r[1] = sp;
	f->r[2] = uc_at;
	f->lr = (uint32_t)act->restorer;
	f->sp = sp;
	frame_set_pc(f, (uint32_t)act->handler);
	return true;
}

/* ---- and back ---- */

static bool
load_vfp(const struct vfp_record *r)
{
	struct {
		uint8_t registers[256];
		uint32_t fpscr, pad;
	} state __attribute__((aligned(8)));

	if (r->magic != VFP_MAGIC || r->size != sizeof *r)
		return false;
	memcpy(state.registers, r->registers, sizeof state.registers);
	state.fpscr = r->fpscr;
	fpu_set(&state);
	return true;
}

static bool
load(struct trap_frame *f, const struct ucontext *uc, sigset_t *blocked)
{
	struct task *t = current_task();

	if (!load_vfp(&uc->vfp))
		return false;
	memcpy(f->r, uc->mc.r, sizeof f->r);
	f->sp = uc->mc.sp;
	f->lr = uc->mc.lr;
	f->pc = uc->mc.pc;
	f->cpsr = (uc->mc.cpsr & CPSR_USER) | CPSR_MODE_USER;
	*blocked = uc->mask;
	if (!on_altstack(&t->altstack, f->sp))
		t->altstack = uc->stack;
	return true;
}

static bool
pop_from(struct trap_frame *f, uint32_t uc_at, sigset_t *blocked)
{
	struct ucontext *uc = patient_alloc(sizeof *uc);
	bool done;

	if (uc == NULL)
		return false;
	done = copy_in(uc, uc_at, sizeof *uc) == 0 && load(f, uc, blocked);
	tome_kfree(the_vm, uc);
	return done;
}

bool
sigframe_pop(struct trap_frame *f, sigset_t *blocked)
{
	return pop_from(f, f->sp + offsetof(struct frame, uc), blocked);
}

/* Of a handler without siginfo. */
SYSCALL(sigreturn)
{
	struct trap_frame *f = current()->frame;
	sigset_t blocked;

	(void)a;
	atomic_fetch_or(&current()->work, WORK_FRAME);
	if (pop_from(f, f->sp, &blocked))
		signal_set_blocked(blocked);
	else
		signal_force(SIGSEGV, SI_KERNEL, 0);
	return frame_result(f);
}
