/*
 * trap.c - the table of gates, and what of traps is i386's own (the rest:
 * ../x86/exceptions.c). A double fault is a task of its own.
 */
#include <lib.h>
#include <machine.h>
#include <x86.h>

struct gate {
	uint16_t offset_low, selector;
	uint8_t zero, type;
	uint16_t offset_high;
};

extern char trap_stubs[], user_pops[], user_pops_end[];
void page_fault_entry(void);
void syscall_entry(void);

_Noreturn void trap_double_fault(void);

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

/* ---- in the kernel ---- */

/* The instruction that popped an invalid selector is done again, with 0. A frame of
 * the kernel's own ends where the stack was. */
bool
trap_forgiven(struct trap_frame *f, unsigned vector)
{
	(void)vector;
	if (f->eip < (uintptr_t)user_pops || f->eip >= (uintptr_t)user_pops_end)
		return false;
	f->esp = 0;
	return true;
}

/* In a task of its own: the registers are in the other. */
void
trap_double_fault(void)
{
	const struct tss *s = &cpu_self()->tss;

	panic("double fault (a kernel stack overflow?) at %#lx, eip %#x, "
	    "esp %#x", read_cr2(), s->eip, s->esp);
}

static uint32_t
safe_selector(uint32_t selector)
{
	return (selector & 3) == 3 ? selector & 0xffff : 0;
}

/* What IRET would refuse, or what a user must not have: all of it is mended. */
bool
trap_make_safe(struct trap_frame *f)
{
	f->cs = FRAME_USER_CS;
	f->ss = FRAME_USER_DS;
	f->ds = safe_selector(f->ds);
	f->es = safe_selector(f->es);
	f->fs = safe_selector(f->fs);
	f->gs = safe_selector(f->gs);
	f->eflags = (f->eflags & FRAME_USER_FLAGS) | FRAME_FLAGS_IF | 2;
	return true;
}
