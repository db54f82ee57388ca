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
	kprintf("eip %08x  eflags %08x  cs %x  code %x\n", f->eip, f->eflags,
	    f->cs, f->code);
	kprintf("eax %08x  ebx %08x  ecx %08x  edx %08x\n", f->eax, f->ebx,
	    f->ecx, f->edx);
	kprintf("esi %08x  edi %08x  ebp %08x\n", f->esi, f->edi, f->ebp);
	if (frame_is_user(f))
		kprintf("esp %08x  gs %x  ds %x\n", f->esp, f->gs, f->ds);
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
		/* The kernel's stack goes on where its frame ends. */
		backtrace(f->eip, (uintptr_t)&f->esp);
	} else {
		backtrace((uintptr_t)__builtin_return_address(0),
		    (uintptr_t)__builtin_frame_address(0));
	}
	if (t->process != NULL)
		panic_describe_process();
	machine_off(STATUS_PANIC);
}
