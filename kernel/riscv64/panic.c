/*
 * panic.c - how a call looks, and what is said of the registers (../panic.c).
 */
#include <backtrace.h>
#include <lib.h>
#include <machine.h>
#include <riscv.h>

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

void
machine_registers(const struct trap_frame *f, uintptr_t *ip, uintptr_t *sp)
{
	kprintf("pc  %016lx  status %08lx  cause %lx  value %lx  satp %lx\n",
	    f->pc, f->status, CSR_READ("scause"), CSR_READ("stval"),
	    CSR_READ("satp"));
	for (unsigned i = 1; i < 32; i++)
		kprintf("x%-2u %016lx%s", i, f->x[i], i % 4 == 3 ? "\n" : "  ");
	*ip = f->pc;
	*sp = f->x[X_SP];
}
