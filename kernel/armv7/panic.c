/*
 * panic.c - the last words: why, registers, backtrace, the process; then off.
 * One CPU speaks, the others are stopped. A panic within the panic says no more
 * than that.
 */
#include <armv7.h>
#include <backtrace.h>
#include <lib.h>
#include <machine.h>
#include <personality.h>
#include <sched.h>

#define STATUS_PANIC 70

static _Atomic uint32_t panicking;

/* What stands before a possible return address. */
enum call
machine_call_before(uintptr_t ret, uintptr_t *target)
{
	uint32_t insn;

	if (ret % 4 != 0 || !is_text(ret - 4) || !is_text(ret))
		return NO_CALL;
	insn = *(const uint32_t *)(ret - 4);
	if ((insn >> 24 & 15) == 11) {	/* BL: 24 bits of words */
		*target = ret + 4 + (uintptr_t)((int32_t)(insn << 8) >> 8) * 4;
		return is_text(*target) ? DIRECT : INDIRECT;
	}
	return (insn & 0x0ffffff0) == 0x012fff30 ? INDIRECT : NO_CALL;
}

static void
print_registers(const struct trap_frame *f)
{
	kprintf("pc %08x  sp %08x  lr %08x  cpsr %08x  status %x  dfar %x\n",
	    (unsigned)f->pc, (unsigned)f->sp, (unsigned)f->lr,
	    (unsigned)f->cpsr, (unsigned)f->code,
	    (unsigned)CP15_READ(CP15_DFAR));
	for (unsigned i = 0; i < 13; i++)
		kprintf("r%-2u %08x%s", i, (unsigned)f->r[i],
		    i % 4 == 3 || i == 12 ? "\n" : "  ");
}

static void
begin(void)
{
	irq_off();
	if (atomic_exchange(&panicking, 1) != 0) {
		if (smp_stopping())
			machine_off(STATUS_PANIC);
		for (;;)
			__asm__ volatile("wfi");
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
		backtrace(f->pc, f->sp);
	} else {
		backtrace((uintptr_t)__builtin_return_address(0),
		    (uintptr_t)__builtin_frame_address(0));
	}
	if (t->process != NULL)
		panic_describe_process();
	machine_off(STATUS_PANIC);
}
