/*
 * insn.h - the hosted machine's instructions: the names that <tome/port.h>
 * lists, carried out by a software MMU instead of the CPU.
 *
 * Found before a port's own insn.h. A format whose entries are not one word
 * brings its own, which ends in the same calls of mmu.h.
 */
#ifndef TOME_INSN_H
#define TOME_INSN_H

#include <tome_host_inline.h>

#include "mmu.h"

static inline tome_pte_t
tome_insn_pte_load(const tome_pte_t *p)
{
	tome_host_point();
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
	tome_pte_t old;

	tome_host_point();
	hosted_pte_before(p);
	old = __atomic_exchange_n(p, v, __ATOMIC_SEQ_CST);
	hosted_pte_after(p, old, v);
	return old;
}

static inline bool
tome_insn_pte_cas(tome_pte_t *p, tome_pte_t *seen, tome_pte_t v)
{
	tome_pte_t old = *seen;
	bool done;

	tome_host_point();
	hosted_pte_before(p);
	done = __atomic_compare_exchange_n(p, seen, v, false, __ATOMIC_SEQ_CST,
	    __ATOMIC_SEQ_CST);
	if (done)
		hosted_pte_after(p, old, v);
	return done;
}

/* Does the kernel's access lift what guards user memory? The x86 ports decide it; AArch64's
 * of the one access that has no unprivileged form. */
#ifdef TOME_X86_P
#define HOSTED_LIFTS(m) ((m)->smap)
#else
#define HOSTED_LIFTS(m) ((void)(m), true)
#endif
#ifdef TOME_A64_V
#include "aarch64.h"

#define HOSTED_LIFTS_CAS(m) hosted_a64_lifts((m)->pan)
#else
#define HOSTED_LIFTS_CAS(m) HOSTED_LIFTS(m)
#endif

static inline size_t
tome_insn_copy_in(const struct tome_mmu *m, void *dst, tome_va_t src,
    size_t len)
{
	return hosted_copy_in(dst, src, len, HOSTED_LIFTS(m));
}

static inline size_t
tome_insn_copy_out(const struct tome_mmu *m, tome_va_t dst, const void *src,
    size_t len)
{
	return hosted_copy_out(dst, src, len, HOSTED_LIFTS(m));
}

static inline bool
tome_insn_user_load32(const struct tome_mmu *m, tome_va_t va, uint32_t *out)
{
	return hosted_user_load32(va, out, HOSTED_LIFTS(m));
}

static inline bool
tome_insn_user_cas32(const struct tome_mmu *m, tome_va_t va, uint32_t *seen,
    uint32_t v)
{
	return hosted_user_cas32(va, seen, v, HOSTED_LIFTS_CAS(m));
}

#ifdef TOME_RV_V
#include <regs.h>

#include "riscv64.h"
#endif

#ifdef TOME_ARM_SMALL
#include "armv7.h"
#endif

#ifdef TOME_I386_PAE
#include <regs.h>

#include "i386.h"
#elif defined(TOME_X86_P)
#include <regs.h>

#include "x86_64.h"

#define tome_insn_invlpg hosted_x86_invlpg
#define tome_insn_invpcid hosted_x86_invpcid
#define tome_insn_invlpgb hosted_x86_invlpgb
#define tome_insn_tlbsync hosted_x86_tlbsync
#define tome_insn_read_cr3 hosted_x86_read_cr3
#define tome_insn_write_cr3 hosted_x86_write_cr3
#define tome_insn_read_cr4 hosted_x86_read_cr4
#define tome_insn_write_cr4 hosted_x86_write_cr4
#define tome_insn_cpuid hosted_x86_cpuid
#define tome_insn_rdmsr hosted_x86_rdmsr
#define tome_insn_wrmsr hosted_x86_wrmsr
#endif

#endif
