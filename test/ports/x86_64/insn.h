/*
 * insn.h - the test machine's x86-64 instructions (<tome/port.h>).
 */
#ifndef TOME_INSN_H
#define TOME_INSN_H

#include <regs.h>
#include <tome/types.h>

static inline tome_pte_t
tome_insn_pte_load(const tome_pte_t *p)
{
	return __atomic_load_n(p, __ATOMIC_SEQ_CST);
}

static inline void
tome_insn_pte_store(tome_pte_t *p, tome_pte_t v)
{
	__atomic_store_n(p, v, __ATOMIC_RELEASE);
}

static inline tome_pte_t
tome_insn_pte_xchg(tome_pte_t *p, tome_pte_t v)
{
	return __atomic_exchange_n(p, v, __ATOMIC_SEQ_CST);
}

static inline bool
tome_insn_pte_cas(tome_pte_t *p, tome_pte_t *seen, tome_pte_t v)
{
	return __atomic_compare_exchange_n(p, seen, v, false, __ATOMIC_SEQ_CST,
	    __ATOMIC_SEQ_CST);
}

void tome_insn_invlpg(tome_va_t);
void tome_insn_invpcid(unsigned type, uint64_t pcid, tome_va_t);
void tome_insn_invlpgb(uint64_t rax, uint32_t ecx, uint32_t edx);
void tome_insn_tlbsync(void);
uint64_t tome_insn_read_cr3(void);
void tome_insn_write_cr3(uint64_t);
uint64_t tome_insn_read_cr4(void);
void tome_insn_write_cr4(uint64_t);
void tome_insn_cpuid(uint32_t leaf, uint32_t sub, uint32_t out[4]);
uint64_t tome_insn_rdmsr(uint32_t msr);
void tome_insn_wrmsr(uint32_t msr, uint64_t);

/* What a test CPU has: bits of test_features. */
#define TEST_X86_PGE 1u
#define TEST_X86_PCID 2u
#define TEST_X86_INVPCID 4u
#define TEST_X86_NX 8u
#define TEST_X86_1G 16u
#define TEST_X86_LA57 32u		/* the boot code has turned it on */
#define TEST_X86_ALL 31u
#define TEST_X86_INVLPGB 64u
#define TEST_INVLPGB_PAGES 3u		/* that one takes */

static inline bool
test_pte_is_user(tome_pte_t pte)
{
	return pte & TOME_X86_U;
}

static inline bool
test_pte_is_global(tome_pte_t pte)
{
	return (pte & TOME_X86_G) && (tome_insn_read_cr4() & TOME_CR4_PGE);
}

#endif
