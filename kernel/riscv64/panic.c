/*
 * panic.c - the last words: why, registers, backtrace, the process; then off.
 * One CPU speaks, the others are stopped. A panic within the panic says no more
 * than that.
 */
#include <backtrace.h>
#include <lib.h>
#include <machine.h>
#include <personality.h>
#include <riscv.h>

#define STATUS_PANIC 70

static _Atomic uint32_t panicking;

/* JAL with ra to `ret`; or JALR, of four bytes or of two. */
enum call
machine_call_before(uintptr_t ret, uintptr_t *target)
{
	const uint16_t *p = (const uint16_t *)ret;
	uint32_t insn;

	if ((ret & 1) != 0 || !is_text(ret - 4) || !is_text(ret))
		return NO_CALL;
	insn = p[-2] | (uint32_t)p[-1] << 16;
	if ((insn & 0xfff) == 0xef) {
		uint32_t to = (insn >> 31 << 20) | (insn & 0xff000) |
		    (insn >> 20 & 1) << 11 | (insn >> 21 & 0x3ff) << 1;

		*target = ret - 4 + (uintptr_t)((int64_t)((uint64_t)to << 43) >>
		    43);
		return DIRECT;
	}
	if ((insn & 0x7fff) == 0x00e7 || (insn & 0xfff) == 0x0e7 ||
	    ((p[-1] & 0xf07f) == 0x9002 && (p[-1] & 0xf80) != 0))
		return INDIRECT;
	return NO_CALL;
}

static void
print_registers(const struct trap_frame *f)
{
	kprintf("pc  %016lx  status %08lx  cause %lx  value %lx  satp %lx\n",
	    f->pc, f->status, CSR_READ("scause"), CSR_READ("stval"),
	    CSR_READ("satp"));
	for (unsigned i = 1; i < 32; i++)
		kprintf("x%-2u %016lx%s", i, f->x[i], i % 4 == 3 ? "\n" : "  ");
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
		backtrace(f->pc, f->x[X_SP]);
	} else {
		backtrace((uintptr_t)__builtin_return_address(0),
		    (uintptr_t)__builtin_frame_address(0));
	}
	if (t->process != NULL)
		panic_describe_process();
	machine_off(STATUS_PANIC);
}
