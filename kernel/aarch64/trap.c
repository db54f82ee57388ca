/*
 * trap.c - where the entry code (entry.S) goes on in C: exceptions, page faults,
 * interrupts, and the long way back to user mode.
 *
 * Exceptions from user mode run with interrupts on; from the kernel, and
 * interrupts, with them off.
 */
#include <aarch64.h>
#include <arm.h>
#include <lib.h>
#include <machine.h>
#include <personality.h>
#include <sched_i.h>
#include <tome/port.h>
#include <tome_host_inline.h>

/* Exception classes: ESR's top bits. */
enum {
	EC_UNKNOWN = 0x00, EC_FETCH = 0x20,
	EC_PC_ALIGN = 0x22, EC_DATA = 0x24, EC_DATA_KERNEL = 0x25,
	EC_SP_ALIGN = 0x26, EC_FP = 0x2c, EC_BREAKPOINT = 0x30,
	EC_WATCHPOINT = 0x35, EC_BRK = 0x3c,
};
#define ESR_CLASS(esr) ((unsigned)((esr) >> 26 & 63))
#define ESR_WRITE 0x40u
#define ESR_CACHE 0x100u		/* maintenance, which only reads */
#define ESR_STATUS(esr) ((unsigned)((esr) & 63))
#define STATUS_ALIGNMENT 0x21u
#define STATUS_EXTERNAL 0x10u
#define STATUS_TOP 0x2bu		/* nothing in a root of 16 entries */
/* Translation, access flag, permission: at any level. */
#define IS_TRANSLATION(esr)                                              \
	((ESR_STATUS(esr) >= 4 && ESR_STATUS(esr) < 16) ||               \
	(TOME_A64_LEVELS == 5 && ESR_STATUS(esr) == STATUS_TOP))

/* Linux's numbers. */
enum { SIGILL = 4, SIGTRAP = 5, SIGBUS = 7, SIGFPE = 8, SIGSEGV = 11 };
enum {
	ILL_ILLOPC = 1, TRAP_BRKPT = 1, TRAP_TRACE = 2, BUS_ADRALN = 1,
	BUS_OBJERR = 3, FPE_FLTINV = 7,
};

void trap_user_page_fault(struct trap_frame *, uint64_t va, uint64_t esr,
    uint64_t class);
void trap_user(struct trap_frame *, uint64_t va, uint64_t esr);
void trap_kernel(struct trap_frame *, uint64_t va, uint64_t esr);
void trap_user_work(struct trap_frame *);
_Noreturn void trap_bad(uint64_t esr, uint64_t elr);

/* ---- page faults ---- */

static tome_prot_t
access_of(uint64_t esr, uint64_t class)
{
	if (class == EC_FETCH)
		return TOME_PROT_EXEC;
	return (esr & (ESR_WRITE | ESR_CACHE)) == ESR_WRITE ?
	    TOME_PROT_WRITE : TOME_PROT_READ;
}

/* For signal frames. */
static void
remember(uint64_t va, uint64_t esr)
{
	struct thread *t = current();

	t->trap_address = va;
	t->trap_number = ESR_CLASS(esr);
	t->trap_code = esr;
}

/* Interrupts on. The kernel half is the personality's to refuse. */
void
trap_user_page_fault(struct trap_frame *f, uint64_t va, uint64_t esr,
    uint64_t class)
{
	if (__builtin_expect(!IS_TRANSLATION(esr), 0)) {
		trap_user(f, va, esr);
		return;
	}
	current()->trap_address = va;
	if (__builtin_expect(!user_fault(f, va, access_of(esr, class)), 0))
		remember(current()->trap_address, current()->frame->code);
}

/*
 * Interrupts off. Legal only in Tome's access to user memory: resolve and try
 * again, or go on where Tome says how that ends.
 */
void
trap_kernel(struct trap_frame *f, uint64_t va, uint64_t esr)
{
	bool is_fault = ESR_CLASS(esr) == EC_DATA_KERNEL &&
	    (int64_t)va >= 0;
	uintptr_t fixup = is_fault ? tome_user_fixup(f->pc) : 0;
	tome_prot_t access = access_of(esr, ESR_CLASS(esr));
	bool resolved = false;

	if (f->sp < current()->stack_low && current()->stack_low != 0)
		panic_frame(f, "a kernel stack overflow at %#lx", va);
	if (fixup == 0 || (f->pstate & PSTATE_I))
		panic_frame(f, "exception %#x in the kernel: %s %#lx",
		    ESR_CLASS(esr), access == TOME_PROT_WRITE ?
		    "write to" : "access to", va);
	if (IS_TRANSLATION(esr)) {
		irq_on();
		resolved = user_fault(f, va, access);
		irq_off();
	}
	if (!resolved)
		f->pc = fixup;
}

/* ---- other exceptions from user mode ---- */

struct signal_of {
	int signo, code;
};

static struct signal_of
signal_of(uint64_t esr)
{
	unsigned class = ESR_CLASS(esr);

	if (class == EC_FETCH || class == EC_DATA)
		return (struct signal_of){ SIGBUS,
		    ESR_STATUS(esr) == STATUS_ALIGNMENT ? BUS_ADRALN :
		    BUS_OBJERR };
	if (class == EC_PC_ALIGN || class == EC_SP_ALIGN)
		return (struct signal_of){ SIGBUS, BUS_ADRALN };
	if (class == EC_FP)
		return (struct signal_of){ SIGFPE, FPE_FLTINV };
	if (class >= EC_BREAKPOINT && class <= EC_WATCHPOINT)
		return (struct signal_of){ SIGTRAP, TRAP_TRACE };
	if (class == EC_BRK)
		return (struct signal_of){ SIGTRAP, TRAP_BRKPT };
	return (struct signal_of){ SIGILL, ILL_ILLOPC };
}

/* FAR tells something for aborts and a misaligned PC alone. */
void
trap_user(struct trap_frame *f, uint64_t va, uint64_t esr)
{
	unsigned class = ESR_CLASS(esr);
	struct signal_of s = signal_of(esr);
	bool has_address = class == EC_FETCH || class == EC_DATA ||
	    class == EC_PC_ALIGN;

	remember(has_address ? va : 0, esr);
	user_exception(f, s.signo, s.code, has_address ? va : f->pc);
}

void
trap_interrupt(void)
{
	gic_interrupt();
}

/* An SError, or an exception of a kind that we cannot take. */
void
trap_bad(uint64_t esr, uint64_t elr)
{
	panic("an exception that cannot be: ESR %#lx at %#lx", esr, elr);
}

/* ---- the long way back to user mode ---- */

/* Interrupts off, and off again on return, with nothing left to do. */
void
trap_user_work(struct trap_frame *f)
{
	struct thread *t = current();

	for (;;) {
		uint32_t work = atomic_load(&t->work);

		f->pstate &= PSTATE_USER;
		if (cpu_resched_due())
			sched_preempt_irq();
		else if (work & WORK_FRAME)
			atomic_fetch_and(&t->work, ~WORK_FRAME);
		else if (work & WORK_SIGNAL) {
			irq_on();
			user_return(f);
			irq_off();
		} else
			return;
	}
}
