/*
 * trap.c - where the entry code (entry.S) goes on in C: exceptions, page faults,
 * interrupts, and the long way back to user mode.
 *
 * All gates clear the interrupt flag. Exceptions from user mode turn it on again
 * at once; interrupts run with it off. A double fault is a task of its own.
 */
#include <lib.h>
#include <machine.h>
#include <linux_abi.h>
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
	uint8_t zero, type;
	uint16_t offset_high;
};

extern char trap_stubs[], user_pops[], user_pops_end[];
void page_fault_entry(void);
void syscall_entry(void);

void trap_user_page_fault(struct trap_frame *, uint32_t va, uint32_t code);
void trap_kernel_page_fault(struct trap_frame *, uint32_t va, uint32_t code);
void trap_user(struct trap_frame *, unsigned vector);
void trap_kernel(struct trap_frame *, unsigned vector);
_Noreturn void trap_double_fault(void);
void trap_user_work(struct trap_frame *);

static struct gate idt[256];

/* ---- the table ---- */

#define GATE_INTERRUPT 0x8e
#define GATE_TASK 0x85
#define GATE_USER 0x60		/* DPL 3 */
#define VECTOR_SYSCALL 0x80

static void
set_gate(unsigned vector, uintptr_t entry, unsigned type)
{
	idt[vector] = (struct gate){
		.offset_low = (uint16_t)entry,
		.offset_high = (uint16_t)(entry >> 16),
		.selector = GDT_KERNEL_CODE,
		.type = (uint8_t)type,
	};
}

static uintptr_t
entry_of(unsigned vector)
{
	return (uintptr_t)trap_stubs + 16 * vector;
}

void
trap_start(void)
{
	for (unsigned v = 0; v < 256; v++)
		set_gate(v, entry_of(v), GATE_INTERRUPT);
	set_gate(PAGE_FAULT, (uintptr_t)page_fault_entry, GATE_INTERRUPT);
	set_gate(BREAKPOINT, entry_of(BREAKPOINT), GATE_INTERRUPT | GATE_USER);
	set_gate(OVERFLOW, entry_of(OVERFLOW), GATE_INTERRUPT | GATE_USER);
	set_gate(VECTOR_SYSCALL, (uintptr_t)syscall_entry,
	    GATE_INTERRUPT | GATE_USER);
	set_gate(DOUBLE_FAULT, 0, GATE_TASK);
	idt[DOUBLE_FAULT].selector = GDT_FAULT_TSS;
}

void
trap_load(void)
{
	struct {
		uint16_t limit;
		uint32_t base;
	} __attribute__((packed)) p = { sizeof idt - 1, (uintptr_t)idt };

	__asm__ volatile("lidt %0" : : "m"(p));
}

/* ---- page faults ---- */

static tome_prot_t
access_of(uint32_t code)
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
remember(uint32_t vector, uint32_t code)
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
trap_user_page_fault(struct trap_frame *f, uint32_t va, uint32_t code)
{
	current()->trap_address = va;
	if (__builtin_expect(!user_fault(f, va, access_of(code)), 0))
		remember(PAGE_FAULT, current()->frame->code);
}

static bool
is_user_address(uint32_t va)
{
	return va < USER_TOP;
}

/*
 * Interrupts off. Legal only in Tome's access to user memory: resolve and try
 * again, or go on where Tome says how that ends.
 */
void
trap_kernel_page_fault(struct trap_frame *f, uint32_t va, uint32_t code)
{
	uintptr_t fixup = is_user_address(va) ? tome_user_fixup(f->eip) : 0;
	bool resolved;

	if (fixup == 0 || !(f->eflags & RFLAGS_IF))
		panic_frame(f, "page fault in the kernel: %s %#x, code %#x",
		    code & PF_WRITE ? "write to" : code & PF_FETCH ?
		    "execution of" : "read of", va, code);
	irq_on();
	resolved = user_fault(f, va, access_of(code));
	irq_off();
	if (!resolved)
		f->eip = fixup;
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
	user_exception(f, s.signo, s.code, s.at_ip ? f->eip : 0);
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
	else if (vector == NMI && smp_stopping())
		for (;;)
			__asm__ volatile("cli; hlt");
	else
		exception_from_user(f, vector);
}

/* The instruction that popped an invalid selector is done again, with 0. A frame of
 * the kernel's own ends where the stack was. */
static bool
is_bad_selector(struct trap_frame *f)
{
	if (f->eip < (uintptr_t)user_pops || f->eip >= (uintptr_t)user_pops_end)
		return false;
	f->esp = 0;
	return true;
}

void
trap_kernel(struct trap_frame *f, unsigned vector)
{
	if (vector >= 32)
		interrupt(vector);
	else if (vector == NMI && smp_stopping())
		for (;;)
			__asm__ volatile("cli; hlt");
	else if (!is_bad_selector(f))
		panic_frame(f, "exception %u in the kernel, code %#x", vector,
		    f->code);
}

/* In a task of its own: the registers are in the other. */
void
trap_double_fault(void)
{
	const struct tss *s = &cpu_self()->tss;

	panic("double fault (a kernel stack overflow?) at %#lx, eip %#x, "
	    "esp %#x", read_cr2(), s->eip, s->esp);
}

/* ---- the long way back to user mode ---- */

static uint32_t
safe_selector(uint32_t selector)
{
	return (selector & 3) == 3 ? selector & 0xffff : 0;
}

/* What IRET would refuse, or what a user must not have. */
static void
frame_make_safe(struct trap_frame *f)
{
	f->cs = FRAME_USER_CS;
	f->ss = FRAME_USER_DS;
	f->ds = safe_selector(f->ds);
	f->es = safe_selector(f->es);
	f->fs = safe_selector(f->fs);
	f->gs = safe_selector(f->gs);
	f->eflags = (f->eflags & FRAME_USER_FLAGS) | FRAME_FLAGS_IF | 2;
}

/* Interrupts off, and off again on return, with nothing left to do. */
void
trap_user_work(struct trap_frame *f)
{
	struct thread *t = current();

	for (;;) {
		uint32_t work = atomic_load(&t->work);

		frame_make_safe(f);
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
