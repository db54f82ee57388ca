/*
 * insn.c - the made-up CPU's instructions on CPU test_cpu.
 */
#include <stdlib.h>

#include <insn.h>

#include "../mmu.h"

static struct test_mmu_cpu *
self(void)
{
	return &test_mmu[test_cpu];
}

void
test_pte_between(const tome_pte_t *p)
{
	uint32_t low = (uint32_t)*p, high = (uint32_t)(*p >> 32);

	if (low != 0 && ((low ^ high) & ~TOME_MU_FLAGS) != ~TOME_MU_FLAGS)
		abort();
}

void
tome_insn_set_root(tome_pa_t user, unsigned asid)
{
	if (user != 0)
		test_flushes.switches++;
	self()->root = user;
	self()->asid = asid;
}

void
tome_insn_set_kernel_root(tome_pa_t root)
{
	self()->kernel_root = root;
}

void
tome_insn_flush_page(tome_va_t va)
{
	test_flushes.page++;
	test_tlb_drop_page(va, true);
}

void
tome_insn_flush_number(unsigned asid)
{
	test_flushes.asid++;
	test_tlb_drop_asid(asid);
}

void
tome_insn_flush_all(void)
{
	test_flushes.all++;
	test_tlb_drop_all();
}

unsigned
tome_insn_get_number(void)
{
	return self()->asid;
}
