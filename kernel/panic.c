/*
 * panic.c - the last words: why, registers, backtrace, the process; then off.
 * One CPU speaks, the others are stopped. A panic within the panic says no more
 * than that.
 */
#include <backtrace.h>
#include <lib.h>
#include <machine.h>
#include <personality.h>
#include <sched.h>
#include <tome_host_inline.h>

#define STATUS_PANIC 70

static _Atomic uint32_t panicking;

static void
begin(void)
{
	(void)tome_host_irq_save();
	if (atomic_exchange(&panicking, 1) != 0) {
		if (smp_stopping())
			machine_off(STATUS_PANIC);
		for (;;)
			tome_host_relax();
	}
	smp_stop_others();
	log_loud();
}

void
panic_frame(const struct trap_frame *f, const char *why, ...)
{
	uintptr_t ip = (uintptr_t)__builtin_return_address(0);
	uintptr_t sp = (uintptr_t)__builtin_frame_address(0);
	struct thread *t = current();
	va_list args;

	begin();
	kprintf("\npanic on CPU %u, thread \"%s\": ", cpu_number(), t->name);
	va_start(args, why);
	kvprintf(why, args);
	va_end(args);
	kprintf("\n");
	if (f != NULL)
		machine_registers(f, &ip, &sp);
	backtrace(ip, sp);
	if (t->process != NULL)
		panic_describe_process();
	machine_off(STATUS_PANIC);
}
