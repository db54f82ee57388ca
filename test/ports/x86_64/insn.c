/*
 * insn.c - the test machine's x86-64 instructions on CPU test_cpu, with the
 * faults that a CPU would raise as aborts.
 */
#include <stdlib.h>

#include <insn.h>

#include "../mmu.h"

#define CR4(cpu) ((cpu)->control[0])
#define PAT(cpu) ((cpu)->control[1])
#define EFER(cpu) ((cpu)->control[2])

static struct test_mmu_cpu *
self(void)
{
	return &test_mmu[test_cpu];
}

void
tome_insn_invlpg(tome_va_t va)
{
	test_flushes.page++;
	test_tlb_drop_page(va, false);
}

void
tome_insn_invpcid(unsigned type, uint64_t pcid, tome_va_t va)
{
	(void)pcid, (void)va;
	if (!(test_features & TEST_X86_INVPCID) ||
	    type != TOME_INVPCID_ALL_GLOBAL)
		abort();
	test_flushes.all++;
	test_tlb_drop_all();
}

/* Takes effect at the latest possible moment: when it is waited for. */
static struct {
	uint64_t rax;
	uint32_t ecx, edx;
} order[16];
static unsigned norders;

void
tome_insn_invlpgb(uint64_t rax, uint32_t ecx, uint32_t edx)
{
	if (!(test_features & TEST_X86_INVLPGB) || ecx >= TEST_INVLPGB_PAGES ||
	    norders == sizeof order / sizeof order[0])
		abort();
	order[norders].rax = rax;
	order[norders].ecx = ecx;
	order[norders++].edx = edx;
}

void
tome_insn_tlbsync(void)
{
	for (unsigned i = 0; i < norders; i++) {
		tome_va_t va = order[i].rax & ~(tome_va_t)TOME_PAGE_MASK;
		unsigned asid = order[i].edx >> TOME_INVLPGB_PCID_SHIFT;
		bool one = order[i].rax & TOME_INVLPGB_PCID;

		if (!(order[i].rax & TOME_INVLPGB_VA)) {
			if (one)
				test_broadcast_asid(asid);
			else
				test_broadcast_all();
			continue;
		}
		for (unsigned n = 0; n <= order[i].ecx; n++)
			test_broadcast_page(va + n * TOME_PAGE_SIZE, asid,
			    !one);
	}
	norders = 0;
}

uint64_t
tome_insn_read_cr3(void)
{
	return self()->root | self()->asid;
}

void
tome_insn_write_cr3(uint64_t v)
{
	bool pcide = CR4(self()) & TOME_CR4_PCIDE;

	if ((v & TOME_CR3_NOFLUSH) && !pcide)
		abort();
	self()->root = v & TOME_X86_ADDR;
	self()->asid = pcide ? (unsigned)(v & TOME_CR3_PCID) : 0;
	if (v & TOME_CR3_NOFLUSH) {
		test_flushes.switches++;
		return;
	}
	test_flushes.asid++;
	test_tlb_drop_asid(self()->asid);
}

uint64_t
tome_insn_read_cr4(void)
{
	return CR4(self()) |
	    (test_features & TEST_X86_LA57 ? TOME_CR4_LA57 : 0);
}

void
tome_insn_write_cr4(uint64_t v)
{
	uint64_t was = CR4(self());

	if ((v & TOME_CR4_PGE && !(test_features & TEST_X86_PGE)) ||
	    (v & TOME_CR4_PCIDE && !(test_features & TEST_X86_PCID)))
		abort();
	if ((v & ~was & TOME_CR4_PCIDE) && self()->asid != 0)
		abort();
	if ((v ^ was) & TOME_CR4_PGE) {
		test_flushes.all++;
		test_tlb_drop_all();
	}
	CR4(self()) = v & ~TOME_CR4_LA57;
}

void
tome_insn_cpuid(uint32_t leaf, uint32_t sub, uint32_t out[4])
{
	unsigned f = test_features;

	(void)sub;
	out[0] = out[1] = out[2] = out[3] = 0;
	if (leaf == 0)
		out[0] = 7;
	if (leaf == 0x80000000u)
		out[0] = 0x80000008u;
	if (leaf == 1) {
		out[2] = f & TEST_X86_PCID ? TOME_CPUID1_ECX_PCID : 0;
		out[3] = TOME_CPUID1_EDX_PAT |
		    (f & TEST_X86_PGE ? TOME_CPUID1_EDX_PGE : 0);
	}
	if (leaf == 7)
		out[1] = f & TEST_X86_INVPCID ? TOME_CPUID7_EBX_INVPCID : 0;
	if (leaf == 0x80000001u)
		out[3] = (f & TEST_X86_NX ? TOME_CPUIDX1_EDX_NX : 0) |
		    (f & TEST_X86_1G ? TOME_CPUIDX1_EDX_1G : 0);
	if (leaf == 0x80000008u && (f & TEST_X86_INVLPGB)) {
		out[1] = TOME_CPUIDX8_EBX_INVLPGB;
		out[3] = TEST_INVLPGB_PAGES - 1;
	}
}

uint64_t
tome_insn_rdmsr(uint32_t msr)
{
	if (msr == TOME_MSR_PAT)
		return PAT(self());
	if (msr == TOME_MSR_EFER)
		return EFER(self());
	abort();
}

void
tome_insn_wrmsr(uint32_t msr, uint64_t v)
{
	if (msr == TOME_MSR_PAT)
		PAT(self()) = v;
	else if (msr == TOME_MSR_EFER && (test_features & TEST_X86_NX))
		EFER(self()) = v;
	else
		abort();
}
