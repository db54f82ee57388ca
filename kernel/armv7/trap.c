/*
 * trap.c - where the entry code (entry.S) goes on in C: exceptions, page faults,
 * ARM's own system calls, and the long way back to user mode.
 *
 * Exceptions from user mode run with interrupts on; from the kernel, and
 * interrupts, with them off.
 */
#include <armv7.h>
#include <arm.h>
#include <lib.h>
#include <machine.h>
#include <personality.h>
#include <sched_i.h>
#include <tome/port.h>
#include <tome_host_inline.h>

enum which { DATA, FETCH, UNDEFINED };

#define FSR_WRITE 0x800u
#define FSR_CACHE 0x2000u		/* maintenance, which only reads */
#define FSR_STATUS(fsr) (((fsr) & 15) | ((fsr) >> 6 & 16))
enum { STATUS_ALIGNMENT = 1, STATUS_DEBUG = 2 };
/* By status: access flag, translation, domain and permission faults. */
#define RESOLVABLE 0x0000aae8u

/* Linux's numbers. */
enum { SIGILL = 4, SIGTRAP = 5, SIGBUS = 7 };
enum { ILL_ILLOPC = 1, TRAP_BRKPT = 1, BUS_ADRALN = 1, BUS_OBJERR = 3 };
#define CALL_FLUSH 0xf0002u		/* cacheflush: instructions */
#define CALL_SET_TLS 0xf0005u
#define ENOSYS 38

void trap_user(struct trap_frame *, uint32_t va, uint32_t fsr, enum which);
void trap_kernel(struct trap_frame *, uint32_t va, uint32_t fsr, enum which);
void trap_user_work(struct trap_frame *);
int32_t trap_syscall(struct trap_frame *);
_Noreturn void trap_bad(uint32_t lr);

/* ---- page faults ---- */

static tome_prot_t
access_of(uint32_t fsr, enum which which)
{
	if (which == FETCH)
		return TOME_PROT_EXEC;
	return (fsr & (FSR_WRITE | FSR_CACHE)) == FSR_WRITE ?
	    TOME_PROT_WRITE : TOME_PROT_READ;
}

static bool
is_page_fault(uint32_t fsr, enum which which)
{
	uint32_t status = FSR_STATUS(fsr);

	return which != UNDEFINED && status < 16 && (RESOLVABLE >> status & 1);
}

/* For signal frames. */
static void
remember(uint32_t va, uint32_t fsr, enum which which)
{
	struct thread *t = current();

	t->trap_address = va;
	t->trap_number = which == UNDEFINED ? 6 : 14;
	t->trap_code = fsr;
}

static void
refuse(struct trap_frame *f, uint32_t va, uint32_t fsr, enum which which)
{
	uint32_t status = FSR_STATUS(fsr);

	remember(va, fsr, which);
	if (which == UNDEFINED)
		user_exception(f, SIGILL, ILL_ILLOPC, f->pc);
	else if (status == STATUS_DEBUG)
		user_exception(f, SIGTRAP, TRAP_BRKPT, f->pc);
	else
		user_exception(f, SIGBUS, status == STATUS_ALIGNMENT ?
		    BUS_ADRALN : BUS_OBJERR, va);
}

/* Interrupts on. The kernel half is the personality's to refuse. */
void
trap_user(struct trap_frame *f, uint32_t va, uint32_t fsr, enum which which)
{
	if (!is_page_fault(fsr, which)) {
		refuse(f, va, fsr, which);
		return;
	}
	current()->trap_address = va;
	if (!user_fault(f, va, access_of(fsr, which)))
		remember(va, fsr, which);
}

/*
 * Interrupts off. Legal only in Tome's access to user memory: resolve and try
 * again, or go on where Tome says how that ends.
 */
void
trap_kernel(struct trap_frame *f, uint32_t va, uint32_t fsr, enum which which)
{
	bool is_user = which == DATA && va < KERNEL_DIRECT_MAP;
	uintptr_t fixup = is_user ? tome_user_fixup(f->pc) : 0;
	bool resolved = false;

	if (fixup == 0 || (f->cpsr & CPSR_I))
		panic_frame(f, "exception %u in the kernel: %s %#x",
		    (unsigned)which, access_of(fsr, which) == TOME_PROT_WRITE ?
		    "write to" : "access to", (unsigned)va);
	if (is_page_fault(fsr, which)) {
		irq_on();
		resolved = user_fault(f, va, access_of(fsr, which));
		irq_off();
	}
	if (!resolved)
		f->pc = fixup;
}

/* A kind of exception that we cannot take. */
void
trap_bad(uint32_t lr)
{
	panic("an exception that cannot be, at %#x", (unsigned)lr);
}

/* ---- system calls ---- */

int32_t
trap_syscall(struct trap_frame *f)
{
	if (__builtin_expect(f->code < 0xf0000, 1))
		return (int32_t)syscall_dispatch(f);
	if (f->code == CALL_FLUSH) {
		/* Of all: whoever wrote code is rare. */
		dsb();
		CP15_WRITE("c7, c1, 0", 0);
		CP15_WRITE("c7, c1, 6", 0);
		dsb();
		isb();
		return 0;
	}
	if (f->code != CALL_SET_TLS)
		return -ENOSYS;
	current()->fs_base = f->r[0];
	thread_load_bases();
	return 0;
}

/* ---- the long way back to user mode ---- */

/* Interrupts off, and off again on return, with nothing left to do. */
void
trap_user_work(struct trap_frame *f)
{
	struct thread *t = current();

	for (;;) {
		uint32_t work = atomic_load(&t->work);

		f->cpsr = (f->cpsr & CPSR_USER) | CPSR_MODE_USER;
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
