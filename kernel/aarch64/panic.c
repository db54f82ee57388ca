/*
 * panic.c - how a call looks, and what is said of the registers (../panic.c).
 */
#include <aarch64.h>
#include <backtrace.h>
#include <lib.h>
#include <machine.h>

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

void
machine_registers(const struct trap_frame *f, uintptr_t *ip, uintptr_t *sp)
{
	kprintf("pc %016lx  sp %016lx  pstate %08lx  esr %lx  far %lx\n", f->pc,
	    f->sp, f->pstate, f->code, READ_REGISTER("far_el1"));
	for (unsigned i = 0; i < 31; i++)
		kprintf("x%-2u %016lx%s", i, f->x[i],
		    i % 4 == 3 || i == 30 ? "\n" : "  ");
	kprintf("ttbr0 %lx  ttbr1 %lx  tcr %lx\n", READ_REGISTER("ttbr0_el1"),
	    READ_REGISTER("ttbr1_el1"), READ_REGISTER("tcr_el1"));
	*ip = f->pc;
	*sp = f->sp;
}
