/*
 * panic.c - the last words: why, registers, backtrace, the process; then off.
 * One CPU speaks, the others are stopped. A panic within the panic says no more
 * than that.
 */
#include <aarch64.h>
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
	if (insn >> 26 == 0x25) {	/* BL: 26 bits of words */
		*target = ret - 4 + (uintptr_t)((intptr_t)((int32_t)(insn <<
		    6) >> 6) * 4);
		return is_text(*target) ? DIRECT : INDIRECT;
	}
	return (insn & 0xfffffc1f) == 0xd63f0000 ? INDIRECT : NO_CALL;
}

static void
print_registers(const struct trap_frame *f)
{
	kprintf("pc %016lx  sp %016lx  pstate %08lx  esr %lx  far %lx\n", f->pc,
	    f->sp, f->pstate, f->code, READ_REGISTER("far_el1"));
	for (unsigned i = 0; i < 31; i++)
		kprintf("x%-2u %016lx%s", i, f->x[i],
		    i % 4 == 3 || i == 30 ? "\n" : "  ");
	kprintf("ttbr0 %lx  ttbr1 %lx  tcr %lx\n", READ_REGISTER("ttbr0_el1"),
	    READ_REGISTER("ttbr1_el1"), READ_REGISTER("tcr_el1"));
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
