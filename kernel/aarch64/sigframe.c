/*
 * sigframe.c - the frame that a signal handler runs on, in Linux's layout: from
 * the stack pointer up siginfo and ucontext, whose registers end with a list of
 * tagged records, one of the FP state; above them the pair of frame pointer and
 * return address that unwinders follow.
 *
 * What sigreturn reads was in the user's hands: flags are masked, and whatever the
 * other registers hold faults in user mode if at all.
 */
#include <aarch64.h>
#include <lib.h>
#include <machine.h>
#include <oom.h>
#include <process.h>

#define FP_MAGIC 0x46508001u
#define FP_BYTES 528u

struct fp_record {
	uint32_t magic, size, fpsr, fpcr;
	uint8_t registers[512];
};

struct ucontext {
	uint64_t flags, link;
	struct sigaltstack stack;
	sigset_t mask;
	uint8_t spare[128 - sizeof(sigset_t)];
	struct sigcontext mc __attribute__((aligned(16)));
};

struct frame {
	struct siginfo info;
	struct ucontext uc;
};

_Static_assert(sizeof(struct fp_record) == FP_BYTES, "fpsimd_context");
_Static_assert(offsetof(struct ucontext, mc) == 176, "ucontext");
_Static_assert(offsetof(struct sigcontext, reserved) == 288, "sigcontext");

void
frame_restart(struct trap_frame *f, bool block)
{
	f->pc -= 4;			/* the length of SVC */
	f->x[0] = f->first;
	f->x[8] = block ? SYS_RESTART : f->code;
}

void
frame_set_result(struct trap_frame *f, int64_t value)
{
	f->x[0] = (uint64_t)value;
}

int64_t
frame_result(const struct trap_frame *f)
{
	return (int64_t)f->x[0];
}

uint64_t
frame_stack(const struct trap_frame *f)
{
	return f->sp;
}

void
frame_set_stack(struct trap_frame *f, uint64_t sp)
{
	f->sp = sp;
}

void
thread_set_tls(struct thread *t, uint64_t base)
{
	t->fs_base = base;
}

size_t
sigframe_size(void)
{
	return sizeof(struct frame) + 16 + 16;
}

/* ---- the FP record: the state as the CPU's file has it, but for the order ---- */

static void
save_fp(struct fp_record *r)
{
	struct {
		uint8_t registers[512];
		uint32_t fpsr, fpcr;
		uint64_t pad;
	} state __attribute__((aligned(16)));

	_Static_assert(sizeof state == FRAME_FPU_BYTES, "entry.S");
	fpu_get(&state);
	r->magic = FP_MAGIC;
	r->size = FP_BYTES;
	r->fpsr = state.fpsr;
	r->fpcr = state.fpcr;
	memcpy(r->registers, state.registers, sizeof state.registers);
}

static bool
load_fp(const struct fp_record *r)
{
	struct {
		uint8_t registers[512];
		uint32_t fpsr, fpcr;
		uint64_t pad;
	} state __attribute__((aligned(16)));

	if (r->magic != FP_MAGIC || r->size != FP_BYTES)
		return false;
	memcpy(state.registers, r->registers, sizeof state.registers);
	state.fpsr = r->fpsr;
	state.fpcr = r->fpcr;
	fpu_set(&state);
	return true;
}

/* ---- there ---- */

static bool
on_altstack(const struct sigaltstack *s, uint64_t sp)
{
	return !((unsigned)s->flags & SS_DISABLE) && sp - s->sp < s->size;
}

/* Where the frame may begin, going down. */
static uint64_t
choose_stack(const struct trap_frame *f, const struct sigaction *act)
{
	const struct sigaltstack *s = &current_task()->altstack;

	if ((act->flags & SA_ONSTACK) && !((unsigned)s->flags & SS_DISABLE) &&
	    !on_altstack(s, f->sp))
		return (s->sp + s->size) & ~(uint64_t)15;
	return f->sp & ~(uint64_t)15;
}

static void
fill(struct frame *new, const struct trap_frame *f, sigset_t blocked)
{
	struct sigcontext *m = &new->uc.mc;

	new->uc.stack = current_task()->altstack;
	new->uc.mask = blocked;
	m->fault_address = current()->trap_address;
	memcpy(m->regs, f->x, sizeof m->regs);
	m->sp = f->sp;
	m->pc = f->pc;
	m->pstate = f->pstate;
	/* What follows is the end of the list: zeros. */
	save_fp((struct fp_record *)(void *)m->reserved);
}

bool
sigframe_push(struct trap_frame *f, int signo, const struct siginfo *info,
    const struct sigaction *act, sigset_t blocked)
{
	const uint64_t link[2] = { f->x[29], f->x[30] };
	uint64_t at = choose_stack(f, act) - sizeof link;
	uint64_t sp = (at - sizeof(struct frame)) & ~(uint64_t)15;
	struct task *t = current_task();
	struct frame *new;
	bool done;

	/* A frame must not run out of the bottom of the alternate stack. */
	if (on_altstack(&t->altstack, at) && sp < t->altstack.sp)
		return false;
	new = patient_alloc(sizeof *new);
	if (new == NULL)
		return false;
	memset(new, 0, sizeof *new);
	new->info = *info;
	fill(new, f, blocked);
	done = copy_out(sp, new, sizeof *new) == 0 &&
	    copy_out(at, link, sizeof link) == 0;
	tome_kfree(the_vm, new);
	if (!done)
		return false;
	if ((unsigned)t->altstack.flags & SS_AUTODISARM)
		t->altstack = (struct sigaltstack){.flags = SS_DISABLE};
	f->x[0] = (uint64_t)signo;
	f->x[1] = sp + offsetof(struct frame, info);
	f->x[2] = sp + offsetof(struct frame, uc);
	f->x[29] = at;
	f->x[30] = act->flags & SA_RESTORER ? act->restorer : SIGRETURN_CODE;
	f->sp = sp;
	f->pc = act->handler;
	return true;
}

/* ---- and back ---- */

static bool
load(struct trap_frame *f, const struct ucontext *uc, sigset_t *blocked)
{
	struct task *t = current_task();

	if (!load_fp((const struct fp_record *)(const void *)uc->mc.reserved))
		return false;
	memcpy(f->x, uc->mc.regs, sizeof f->x);
	f->sp = uc->mc.sp;
	f->pc = uc->mc.pc;
	f->pstate = uc->mc.pstate & PSTATE_USER;
	*blocked = uc->mask;
	if (!on_altstack(&t->altstack, f->sp))
		t->altstack = uc->stack;
	return true;
}

bool
sigframe_pop(struct trap_frame *f, sigset_t *blocked)
{
	struct ucontext *uc = patient_alloc(sizeof *uc);
	bool done;

	if (uc == NULL)
		return false;
	done = copy_in(uc, f->sp + offsetof(struct frame, uc),
	    sizeof *uc) == 0 && load(f, uc, blocked);
	tome_kfree(the_vm, uc);
	return done;
}
