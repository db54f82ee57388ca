/*
 * panic.c - what is said of the registers (../panic.c).
 */
#include <backtrace.h>
#include <lib.h>
#include <machine.h>
#include <x86.h>

void
machine_registers(const struct trap_frame *f, uintptr_t *ip, uintptr_t *sp)
{
	kprintf("eip %08x  eflags %08x  cs %x  code %x\n", f->eip, f->eflags,
	    f->cs, f->code);
	kprintf("eax %08x  ebx %08x  ecx %08x  edx %08x\n", f->eax, f->ebx,
	    f->ecx, f->edx);
	kprintf("esi %08x  edi %08x  ebp %08x\n", f->esi, f->edi, f->ebp);
	if (frame_is_user(f))
		kprintf("esp %08x  gs %x  ds %x\n", f->esp, f->gs, f->ds);
	kprintf("cr0 %lx  cr2 %lx  cr3 %lx  cr4 %lx\n", read_cr0(), read_cr2(),
	    read_cr3(), read_cr4());
	/* The kernel's stack goes on where its frame ends. */
	*ip = f->eip;
	*sp = (uintptr_t)&f->esp;
}
