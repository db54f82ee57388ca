/*
 * panic.c - the last words: why, registers, backtrace, the process; then off.
 * One CPU speaks, the others are stopped. A panic within the panic says no more
 * than that.
 */
#include <backtrace.h>
#include <lib.h>
#include <machine.h>
#include <personality.h>
#include <x86.h>

#define STATUS_PANIC 70

static _Atomic uint32_t panicking;

static void
print_registers(const struct trap_frame *f)
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
}

static void
begin(void)
{
	__asm__ volatile("cli" : : : "memory");
	if (atomic_exchange(&panicking, 1) != 0) {
		if (smp_stopping())
			machine_off(STATUS_PANIC);
		for (;;)
			__asm__ volatile("hlt");
	}
	smp_stop_others();
	log_loud();
}

void
panic_frame(const struct trap_frame *f, const char *why, ...)
{
	va_list args;
	struct thread *t = current();

	begin();
	kprintf("\npanic on CPU %u, thread \"%s\": ", cpu_number(), t->name);
	va_start(args, why);
	kvprintf(why, args);
	va_end(args);
	kprintf("\n");
	if (f != NULL) {
		print_registers(f);
		backtrace(f->rip, f->rsp);
	} else {
		backtrace((uintptr_t)__builtin_return_address(0),
		    (uintptr_t)__builtin_frame_address(0));
	}
	if (t->process != NULL)
		panic_describe_process();
	machine_off(STATUS_PANIC);
}
