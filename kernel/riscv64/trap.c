/*
 * trap.c - where the entry code (entry.S) goes on in C: exceptions, page faults,
 * interrupts, and the long way back to user mode.
 *
 * Traps begin with interrupts off. Exceptions from user mode turn them on again
 * at once; interrupts run with them off.
 */
#include <lib.h>
#include <machine.h>
#include <personality.h>
#include <process.h>
#include <riscv.h>
#include <sched_i.h>
#include <tome/port.h>

enum { FETCH_MISALIGNED = 0, FETCH_ACCESS = 1, ILLEGAL = 2, BREAKPOINT = 3,
	LOAD_MISALIGNED = 4, LOAD_ACCESS = 5, STORE_MISALIGNED = 6,
	STORE_ACCESS = 7 };
enum { ILL_ILLOPC = 1 };
#define INTERRUPT ((uint64_t)1 << 63)

void trap_user(struct trap_frame *, uint64_t cause, uint64_t value);
void trap_kernel(struct trap_frame *, uint64_t cause, uint64_t value);
void trap_user_work(struct trap_frame *);

/* ---- page faults ---- */

/* READ of what is no page fault. */
static tome_prot_t
access_of(uint64_t cause)
{
	return cause == CAUSE_STORE_FAULT ? TOME_PROT_WRITE :
	    cause == CAUSE_FETCH_FAULT ? TOME_PROT_EXEC : TOME_PROT_READ;
}

static bool
is_page_fault(uint64_t cause)
{
	return cause == CAUSE_LOAD_FAULT || cause == CAUSE_STORE_FAULT ||
	    cause == CAUSE_FETCH_FAULT;
}

/*
 * Interrupts off. Legal only in Tome's access to user memory: resolve and try
 * again, or go on where Tome says how that ends.
 */
static void
kernel_page_fault(struct trap_frame *f, uint64_t cause, uint64_t va)
{
	uintptr_t fixup = (int64_t)va >= 0 ? tome_user_fixup(f->pc) : 0;
	bool resolved;

	if (fixup == 0 || !(f->status & STATUS_SPIE))
		panic_frame(f, "page fault in the kernel: cause %lu, at %#lx",
		    cause, va);
	irq_on();
	resolved = user_fault(f, va, access_of(cause));
	irq_off();
	if (!resolved)
		f->pc = fixup;
}

/* ---- other exceptions from user mode ---- */

static void
exception_from_user(struct trap_frame *f, uint64_t cause, uint64_t value)
{
	switch (cause) {
	case ILLEGAL:
		user_exception(f, SIGILL, ILL_ILLOPC, f->pc);
		break;
	case BREAKPOINT:
		user_exception(f, SIGTRAP, TRAP_BRKPT, f->pc);
		break;
	case FETCH_MISALIGNED:
	case LOAD_MISALIGNED:
	case STORE_MISALIGNED:
		user_exception(f, SIGBUS, BUS_ADRALN, value);
		break;
	case FETCH_ACCESS:
	case LOAD_ACCESS:
	case STORE_ACCESS:
		user_exception(f, SIGSEGV, SEGV_ACCERR, value);
		break;
	default:
		panic_frame(f, "exception %lu from user mode", cause);
	}
}

/* ---- interrupts ---- */

static void
interrupt(uint64_t cause)
{
	switch (cause & ~INTERRUPT) {
	case IRQ_TIMER:
		timer_quiet();
		timer_interrupt();
		break;
	case IRQ_SOFTWARE:
		smp_asked();
		break;
	case IRQ_EXTERNAL:
		plic_interrupt();
		break;
	default:
		panic("interrupt %lu, which nobody asked for",
		    cause & ~INTERRUPT);
	}
}

/* Where signal handlers return to there is nothing: the fault is the call. */
static void
handler_returns(struct trap_frame *f)
{
	f->x[X_A7] = SYS_SIGRETURN;
	f->x[X_A0] = (uint64_t)syscall_dispatch(f);
}

/* The address is remembered for signal frames. */
void
trap_user(struct trap_frame *f, uint64_t cause, uint64_t value)
{
	struct thread *t = current();

	if (cause & INTERRUPT) {
		interrupt(cause);
		return;
	}
	t->trap_address = value;
	t->trap_number = cause;
	irq_on();
	if (cause == CAUSE_FETCH_FAULT && value == SIGRETURN_AT)
		handler_returns(f);
	else if (is_page_fault(cause))
		(void)user_fault(f, value, access_of(cause));
	else
		exception_from_user(f, cause, value);
}

void
trap_kernel(struct trap_frame *f, uint64_t cause, uint64_t value)
{
	uintptr_t fixup;

	if (cause & INTERRUPT) {
		interrupt(cause);
		return;
	}
	if (is_page_fault(cause)) {
		kernel_page_fault(f, cause, value);
		return;
	}
	/* A misaligned word, say, that a user names. */
	fixup = tome_user_fixup(f->pc);
	if (fixup == 0)
		panic_frame(f, "exception %lu in the kernel, at %#lx", cause,
		    value);
	f->pc = fixup;
}

/* ---- the long way back to user mode ---- */

/* What a user must not have. */
static void
frame_make_safe(struct trap_frame *f)
{
	uint64_t fs = f->status & STATUS_FS;

	f->status = STATUS_SPIE | STATUS_UXL64 |
	    (fs != 0 ? fs : STATUS_FS_INITIAL);
}

/* Interrupts off, and off again on return, with nothing left to do. */
void
trap_user_work(struct trap_frame *f)
{
	struct thread *t = current();

	for (;;) {
		uint32_t work = atomic_load(&t->work);

		frame_make_safe(f);
		if (cpu_resched_due()) {
			sched_preempt_irq();
		} else if (work & WORK_FRAME) {
			atomic_fetch_and(&t->work, ~WORK_FRAME);
		} else if (work & WORK_SIGNAL) {
			irq_on();
			user_return(f);
			irq_off();
		} else {
			return;
		}
	}
}
