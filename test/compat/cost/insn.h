/*
 * insn.h - x86-64 without an MMU: what only a kernel may do is done to variables, in as
 * many instructions (<tome/port.h>).
 */
#ifndef TOME_INSN_H
#define TOME_INSN_H

#include <regs.h>
#include <tome/types.h>

extern uint64_t cost_cr3, cost_cr4, cost_msr;

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

static inline void
tome_insn_invlpg(tome_va_t va)
{
	__asm__ volatile("nop" : : "r"(va) : "memory");
}

static inline void
tome_insn_invpcid(unsigned type, uint64_t pcid, tome_va_t va)
{
	__asm__ volatile("nop" : : "r"(type), "r"(pcid), "r"(va) : "memory");
}

static inline uint64_t
tome_insn_read_cr3(void)
{
	return cost_cr3;
}

static inline void
tome_insn_write_cr3(uint64_t v)
{
	cost_cr3 = v;
}

static inline uint64_t
tome_insn_read_cr4(void)
{
	return cost_cr4;
}

static inline void
tome_insn_write_cr4(uint64_t v)
{
	cost_cr4 = v;
}

/* Everything there is. */
static inline void
tome_insn_cpuid(uint32_t leaf, uint32_t sub, uint32_t out[4])
{
	(void)sub;
	out[0] = out[1] = out[2] = out[3] = leaf == 0 ? 7 :
	    leaf == 0x80000000u ? 0x80000001u : 0xffffffffu;
}

static inline uint64_t
tome_insn_rdmsr(uint32_t msr)
{
	(void)msr;
	return cost_msr;
}

static inline void
tome_insn_wrmsr(uint32_t msr, uint64_t v)
{
	(void)msr;
	cost_msr = v;
}

/* No user memory is touched here. */
static inline size_t
tome_insn_copy_in(const struct tome_mmu *m, void *dst, tome_va_t src,
    size_t len)
{
	(void)m, (void)dst, (void)src;
	return len;
}

static inline size_t
tome_insn_copy_out(const struct tome_mmu *m, tome_va_t dst, const void *src,
    size_t len)
{
	(void)m, (void)dst, (void)src;
	return len;
}

static inline bool
tome_insn_user_load32(const struct tome_mmu *m, tome_va_t va, uint32_t *out)
{
	(void)m, (void)va, (void)out;
	return false;
}

static inline bool
tome_insn_user_cas32(const struct tome_mmu *m, tome_va_t va, uint32_t *seen,
    uint32_t v)
{
	(void)m, (void)va, (void)seen, (void)v;
	return false;
}

#endif
