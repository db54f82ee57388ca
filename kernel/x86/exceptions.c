/*
 * exceptions.c - where the entry code (entry.S) goes on in C: exceptions, page
 * faults, interrupts, and the long way back to user mode. What a machine does its
 * own way, its table of gates and what it forgives the kernel, is in its trap.c.
 *
 * All gates clear the interrupt flag. Exceptions from user mode turn it on again
 * at once; interrupts run with it off.
 */
#include <lib.h>
#include <machine.h>
#include <linux_abi.h>
#include <personality.h>
#include <sched_i.h>
#include <tome/port.h>
#include <virtio/virtio.h>
#include <x86.h>

/* Linux's numbers. */
enum { SIGILL = 4, SIGTRAP = 5, SIGBUS = 7, SIGFPE = 8, SIGSEGV = 11 };
enum {
	SI_KERNEL = 0x80, ILL_ILLOPN = 2, TRAP_BRKPT = 1, TRAP_TRACE = 2,
	BUS_ADRALN = 1, FPE_INTDIV = 1, FPE_FLTDIV = 3, FPE_FLTOVF = 4,
	FPE_FLTUND = 5, FPE_FLTRES = 6, FPE_FLTINV = 7,
};

/* Bits of a page fault's error code. */
#define PF_WRITE 2u
#define PF_FETCH 16u

void trap_user_page_fault(struct trap_frame *, uintptr_t va, uintptr_t code);
void trap_kernel_page_fault(struct trap_frame *, uintptr_t va, uintptr_t code);
void trap_user(struct trap_frame *, unsigned vector);
void trap_kernel(struct trap_frame *, unsigned vector);
void trap_user_work(struct trap_frame *);

/* ---- page faults ---- */

static tome_prot_t
access_of(uintptr_t code)
{
	static const uint8_t access[] = {
		[0] = TOME_PROT_READ,
		[PF_WRITE] = TOME_PROT_WRITE,
		[PF_FETCH] = TOME_PROT_EXEC,
		[PF_WRITE | PF_FETCH] = TOME_PROT_WRITE,
	};

	return access[code & (PF_WRITE | PF_FETCH)];
}

/* For signal frames; the address is stored apart. */
static void
remember(uintptr_t vector, uintptr_t code)
{
	struct thread *t = current();

	t->trap_number = vector;
	t->trap_code = code;
}

/*
 * Interrupts on. The kernel half is the personality's to refuse. The address is
 * remembered beforehand, so that nothing need be kept across the call.
 */
void
trap_user_page_fault(struct trap_frame *f, uintptr_t va, uintptr_t code)
{
	current()->trap_address = va;
	if (__builtin_expect(!user_fault(f, va, access_of(code)), 0))
		remember(PAGE_FAULT, current()->frame->code);
}

static bool
is_user_address(uintptr_t va)
{
	return va < USER_HALF_END;
}

/*
 * Interrupts off. Legal only in Tome's access to user memory: resolve and try
 * again, or go on where Tome says how that ends.
 */
void
trap_kernel_page_fault(struct trap_frame *f, uintptr_t va, uintptr_t code)
{
	uintptr_t fixup = is_user_address(va) ? tome_user_fixup(frame_ip(f)) : 0;
	bool resolved;

	if (fixup == 0 || !(frame_flags(f) & RFLAGS_IF))
		panic_frame(f, "page fault in the kernel: %s %#lx, code %#lx",
		    code & PF_WRITE ? "write to" : code & PF_FETCH ?
		    "execution of" : "read of", (unsigned long)va,
		    (unsigned long)code);
	irq_on();
	resolved = user_fault(f, va, access_of(code));
	irq_off();
	if (!resolved)
		frame_set_ip(f, fixup);
}

/* ---- other exceptions from user mode ---- */

struct signal_of {
	int signo, code;
	bool at_ip;		/* si_addr is the instruction's address */
};

static const struct signal_of signals[32] = {
	[DIVIDE] = { SIGFPE, FPE_INTDIV, true },
	[DEBUG] = { SIGTRAP, TRAP_TRACE, true },
	[BREAKPOINT] = { SIGTRAP, SI_KERNEL, false },
	[OVERFLOW] = { SIGSEGV, SI_KERNEL, false },
	[BOUND] = { SIGSEGV, SI_KERNEL, false },
	[UNDEFINED] = { SIGILL, ILL_ILLOPN, true },
	[NO_DEVICE] = { SIGSEGV, SI_KERNEL, false },
	[BAD_TSS] = { SIGSEGV, SI_KERNEL, false },
	[NO_SEGMENT] = { SIGBUS, SI_KERNEL, false },
	[STACK_SEGMENT] = { SIGBUS, SI_KERNEL, false },
	[PROTECTION] = { SIGSEGV, SI_KERNEL, false },
	[X87] = { SIGFPE, 0, true },
	[ALIGNMENT] = { SIGBUS, BUS_ADRALN, false },
	[SIMD] = { SIGFPE, 0, true },
};

/* The first unmasked exception among x87's status or MXCSR's flags. */
static int
floating_code(unsigned raised)
{
	if (raised & 1)
		return FPE_FLTINV;
	if (raised & 4)
		return FPE_FLTDIV;
	if (raised & 8)
		return FPE_FLTOVF;
	if (raised & (2 | 16))
		return FPE_FLTUND;
	return raised & 32 ? FPE_FLTRES : 0;
}

static int
read_floating_code(unsigned vector)
{
	uint32_t mxcsr;
	uint16_t fsw, fcw;

	if (vector == SIMD) {
		__asm__ volatile("stmxcsr %0" : "=m"(mxcsr));
		return floating_code(mxcsr & ~(mxcsr >> 7) & 63);
	}
	__asm__ volatile("fnstsw %0" : "=m"(fsw));
	__asm__ volatile("fnstcw %0" : "=m"(fcw));
	return floating_code(fsw & ~fcw & 63);
}

static void
exception_from_user(struct trap_frame *f, unsigned vector)
{
	struct signal_of s = signals[vector];

	if (s.signo == 0)
		panic_frame(f, "exception %u from user mode", vector);
	if (vector == X87 || vector == SIMD)
		s.code = read_floating_code(vector);
	irq_on();
	current()->trap_address = 0;
	remember(vector, f->code);
	user_exception(f, s.signo, s.code, s.at_ip ? frame_ip(f) : 0);
}

/* ---- interrupts ---- */

static void
interrupt(unsigned vector)
{
	switch (vector) {
	case VECTOR_TIMER:
		apic_end_of_interrupt();
		timer_interrupt();
		break;
	case VECTOR_KICK:
		apic_end_of_interrupt();
		sched_kicked();
		break;
	case VECTOR_FLUSH:
		apic_end_of_interrupt();
		tome_vm_interrupt(the_vm);
		break;
	case VECTOR_SERIAL:
		serial_interrupt();
		apic_end_of_interrupt();
		break;
	case VECTOR_SPURIOUS:
		break;
	default:
		if (pci_interrupt(vector)) {
			apic_end_of_interrupt();
			break;
		}
		panic("interrupt %#x, which nobody asked for", vector);
	}
}

/* Another CPU panics: this is its end. */
void
trap_stop(unsigned vector)
{
	if (vector == NMI && smp_stopping())
		for (;;)
			__asm__ volatile("cli; hlt");
}

void
trap_user(struct trap_frame *f, unsigned vector)
{
	if (vector >= 32) {
		interrupt(vector);
		return;
	}
	trap_stop(vector);
	exception_from_user(f, vector);
}

void
trap_kernel(struct trap_frame *f, unsigned vector)
{
	if (vector >= 32) {
		interrupt(vector);
		return;
	}
	trap_stop(vector);
	if (!trap_forgiven(f, vector))
		panic_frame(f, "exception %u in the kernel, code %#lx", vector,
		    (unsigned long)f->code);
}

/* ---- the long way back to user mode ---- */

/* Interrupts off, and off again on return, with nothing left to do. */
void
trap_user_work(struct trap_frame *f)
{
	struct thread *t = current();

	for (;;) {
		uint32_t work = atomic_load(&t->work);
		bool sane = trap_make_safe(f);

		if (cpu_resched_due())
			sched_preempt_irq();
		else if (work & WORK_FRAME)
			atomic_fetch_and(&t->work, ~WORK_FRAME);
		else if (work & WORK_SIGNAL) {
			irq_on();
			user_return(f);
			irq_off();
		} else if (!sane) {
			irq_on();
			current()->trap_address = 0;
			remember(PROTECTION, 0);
			user_exception(f, SIGSEGV, SI_KERNEL, 0);
			irq_off();
		} else
			return;
	}
}
