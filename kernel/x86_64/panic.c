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
	kprintf("rip %016lx  rsp %016lx  rflags %08lx  cs %lx  code %lx\n",
	    f->rip, f->rsp, f->rflags, f->cs, f->code);
	kprintf("rax %016lx  rbx %016lx  rcx %016lx  rdx %016lx\n", f->rax,
	    f->rbx, f->rcx, f->rdx);
	kprintf("rsi %016lx  rdi %016lx  rbp %016lx  r8  %016lx\n", f->rsi,
	    f->rdi, f->rbp, f->r8);
	kprintf("r9  %016lx  r10 %016lx  r11 %016lx  r12 %016lx\n", f->r9,
	    f->r10, f->r11, f->r12);
	kprintf("r13 %016lx  r14 %016lx  r15 %016lx\n", f->r13, f->r14,
	    f->r15);
	kprintf("cr0 %lx  cr2 %lx  cr3 %lx  cr4 %lx\n", read_cr0(), read_cr2(),
	    read_cr3(), read_cr4());
	*ip = f->rip;
	*sp = f->rsp;
}
