/*
 * trap.c - where the entry code (entry.S) goes on in C: exceptions, page faults,
 * interrupts, and the long way back to user mode.
 *
 * All gates clear the interrupt flag. Exceptions from user mode turn it on again
 * at once; interrupts run with it off. NMI, double fault and machine check
 * have stacks of their own.
 */
#include <lib.h>
#include <machine.h>
#include <personality.h>
#include <sched_i.h>
#include <tome/port.h>
#include <virtio/virtio.h>
#include <x86.h>

enum {
	DIVIDE = 0, DEBUG = 1, NMI = 2, BREAKPOINT = 3, OVERFLOW = 4, BOUND = 5,
	UNDEFINED = 6, NO_DEVICE = 7, DOUBLE_FAULT = 8, BAD_TSS = 10,
	NO_SEGMENT = 11, STACK_SEGMENT = 12, PROTECTION = 13, PAGE_FAULT = 14,
	X87 = 16, ALIGNMENT = 17, MACHINE_CHECK = 18, SIMD = 19,
};

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

struct gate {
	uint16_t offset_low, selector;
	uint8_t ist, type;
	uint16_t offset_middle;
	uint32_t offset_high, reserved;
};

extern char trap_stubs[];
void page_fault_entry(void);

void trap_user_page_fault(struct trap_frame *, uint64_t va, uint64_t code);
void trap_kernel_page_fault(struct trap_frame *, uint64_t va, uint64_t code);
void trap_user(struct trap_frame *, unsigned vector);
void trap_kernel(struct trap_frame *, unsigned vector);
void trap_special(struct trap_frame *, unsigned vector);
void trap_user_work(struct trap_frame *);

static struct gate idt[256];

/* ---- the table ---- */

static void
set_gate(unsigned vector, uintptr_t entry, unsigned ist, unsigned dpl)
{
	idt[vector] = (struct gate){
		.offset_low = (uint16_t)entry,
		.offset_middle = (uint16_t)(entry >> 16),
		.offset_high = (uint32_t)(entry >> 32),
		.selector = GDT_KERNEL_CODE,
		.ist = (uint8_t)ist,
		.type = (uint8_t)(0x8e | dpl << 5),
	};
}

void
trap_start(void)
{
	for (unsigned v = 0; v < 256; v++)
		set_gate(v, (uintptr_t)trap_stubs + 16 * v, 0, 0);
	set_gate(PAGE_FAULT, (uintptr_t)page_fault_entry, 0, 0);
	set_gate(BREAKPOINT, (uintptr_t)trap_stubs + 16 * BREAKPOINT, 0, 3);
	set_gate(OVERFLOW, (uintptr_t)trap_stubs + 16 * OVERFLOW, 0, 3);
	set_gate(NMI, (uintptr_t)trap_stubs + 16 * NMI, 1, 0);
	set_gate(DOUBLE_FAULT, (uintptr_t)trap_stubs + 16 * DOUBLE_FAULT, 2, 0);
	set_gate(MACHINE_CHECK, (uintptr_t)trap_stubs + 16 * MACHINE_CHECK, 3,
	    0);
}

void
trap_load(void)
{
	struct {
		uint16_t limit;
		uint64_t base;
	} __attribute__((packed)) p = { sizeof idt - 1, (uintptr_t)idt };

	__asm__ volatile("lidt %0" : : "m"(p));
}

/* ---- page faults ---- */

static tome_prot_t
access_of(uint64_t code)
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
remember(uint64_t vector, uint64_t code)
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
trap_user_page_fault(struct trap_frame *f, uint64_t va, uint64_t code)
{
	current()->trap_address = va;
	if (__builtin_expect(!user_fault(f, va, access_of(code)), 0))
		remember(PAGE_FAULT, current()->frame->code);
}

static bool
is_user_address(uint64_t va)
{
	return (int64_t)va >= 0;
}

/*
 * Interrupts off. Legal only in Tome's access to user memory: resolve and try
 * again, or go on where Tome says how that ends.
 */
void
trap_kernel_page_fault(struct trap_frame *f, uint64_t va, uint64_t code)
{
	uintptr_t fixup = is_user_address(va) ? tome_user_fixup(f->rip) : 0;
	bool resolved;

	if (fixup == 0 || !(f->rflags & RFLAGS_IF))
		panic_frame(f, "page fault in the kernel: %s %#lx, code %#lx",
		    code & PF_WRITE ? "write to" : code & PF_FETCH ?
		    "execution of" : "read of", va, code);
	irq_on();
	resolved = user_fault(f, va, access_of(code));
	irq_off();
	if (!resolved)
		f->rip = fixup;
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
	user_exception(f, s.signo, s.code, s.at_ip ? f->rip : 0);
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

void
trap_user(struct trap_frame *f, unsigned vector)
{
	if (vector >= 32)
		interrupt(vector);
	else
		exception_from_user(f, vector);
}

void
trap_kernel(struct trap_frame *f, unsigned vector)
{
	uintptr_t fixup;

	if (vector >= 32) {
		interrupt(vector);
		return;
	}
	/* A non-canonical user address faults as a protection violation. */
	fixup = vector == PROTECTION ? tome_user_fixup(f->rip) : 0;
	if (fixup == 0)
		panic_frame(f, "exception %u in the kernel, code %#lx", vector,
		    f->code);
	f->rip = fixup;
}

void
trap_special(struct trap_frame *f, unsigned vector)
{
	if (vector == NMI && smp_stopping())
		for (;;)
			__asm__ volatile("cli; hlt");
	if (vector == DOUBLE_FAULT)
		panic_frame(f, "double fault (a kernel stack overflow?) at %#lx",
		    read_cr2());
	panic_frame(f, vector == NMI ? "NMI" : "machine check");
}

/* ---- the long way back to user mode ---- */

static bool
is_canonical(uint64_t va)
{
	unsigned unused = memory_levels() == 5 ? 7 : 16;

	return (uint64_t)((int64_t)(va << unused) >> unused) == va;
}

/* What IRETQ would refuse, or what a user must not have. */
static bool
frame_make_safe(struct trap_frame *f)
{
	f->cs = FRAME_USER_CS;
	f->ss = FRAME_USER_SS;
	f->rflags = (f->rflags & FRAME_USER_FLAGS) | FRAME_FLAGS_IF | 2;
	return is_canonical(f->rip);
}

/* Interrupts off, and off again on return, with nothing left to do. */
void
trap_user_work(struct trap_frame *f)
{
	struct thread *t = current();

	for (;;) {
		uint32_t work = atomic_load(&t->work);
		bool sane = frame_make_safe(f);

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
