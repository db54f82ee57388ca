/*
 * panic.c - how a call looks, and what is said of the registers (../panic.c).
 */
#include <armv7.h>
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
	if ((insn >> 24 & 15) == 11) {	/* BL: 24 bits of words */
		*target = ret + 4 + (uintptr_t)((int32_t)(insn << 8) >> 8) * 4;
		return is_text(*target) ? DIRECT : INDIRECT;
	}
	return (insn & 0x0ffffff0) == 0x012fff30 ? INDIRECT : NO_CALL;
}

void
machine_registers(const struct trap_frame *f, uintptr_t *ip, uintptr_t *sp)
{
	kprintf("pc %08x  sp %08x  lr %08x  cpsr %08x  status %x  dfar %x\n",
	    (unsigned)f->pc, (unsigned)f->sp, (unsigned)f->lr,
	    (unsigned)f->cpsr, (unsigned)f->code,
	    (unsigned)CP15_READ(CP15_DFAR));
	for (unsigned i = 0; i < 13; i++)
		kprintf("r%-2u %08x%s", i, (unsigned)f->r[i],
		    i % 4 == 3 || i == 12 ? "\n" : "  ");
	*ip = f->pc;
	*sp = f->sp;
}
