/*
 * trap.c - the table of gates, and what of traps is x86_64's own (the rest:
 * ../x86/exceptions.c). NMI, double fault and machine check have stacks of their
 * own.
 */
#include <lib.h>
#include <machine.h>
#include <tome/port.h>
#include <x86.h>

struct gate {
	uint16_t offset_low, selector;
	uint8_t ist, type;
	uint16_t offset_middle;
	uint32_t offset_high, reserved;
};

extern char trap_stubs[];
void page_fault_entry(void);

void trap_special(struct trap_frame *, unsigned vector);

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

/* ---- in the kernel ---- */

/* A non-canonical user address faults as a protection violation. */
bool
trap_forgiven(struct trap_frame *f, unsigned vector)
{
	uintptr_t fixup = vector == PROTECTION ? tome_user_fixup(f->rip) : 0;

	if (fixup != 0)
		f->rip = fixup;
	return fixup != 0;
}

void
trap_special(struct trap_frame *f, unsigned vector)
{
	trap_stop(vector);
	if (vector == DOUBLE_FAULT)
		panic_frame(f, "double fault (a kernel stack overflow?) at %#lx",
		    read_cr2());
	panic_frame(f, vector == NMI ? "NMI" : "machine check");
}

static bool
is_canonical(uint64_t va)
{
	unsigned unused = memory_levels() == 5 ? 7 : 16;

	return (uint64_t)((int64_t)(va << unused) >> unused) == va;
}

/* What IRETQ would refuse, or what a user must not have. */
bool
trap_make_safe(struct trap_frame *f)
{
	f->cs = FRAME_USER_CS;
	f->ss = FRAME_USER_SS;
	f->rflags = (f->rflags & FRAME_USER_FLAGS) | FRAME_FLAGS_IF | 2;
	return is_canonical(f->rip);
}
