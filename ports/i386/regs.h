/*
 * regs.h - i386 control registers, MSRs, CPUID: the numbers that tlb.c, the
 * instructions of insn.h and any machine that imitates them share.
 */
#ifndef TOME_I386_REGS_H
#define TOME_I386_REGS_H

#define TOME_CR4_PAE ((uint32_t)1 << 5)
#define TOME_CR4_PGE ((uint32_t)1 << 7)
#define TOME_CR4_SMAP ((uint32_t)1 << 21)

#define TOME_MSR_PAT 0x277u
#define TOME_MSR_EFER 0xc0000080u
#define TOME_EFER_NXE ((uint64_t)1 << 11)

#define TOME_PAT_WC 0x01u

/* CPUID: the register of out[4] = {eax, ebx, ecx, edx} in the name. */
#define TOME_CPUID1_EDX_PAE (1u << 6)
#define TOME_CPUID1_EDX_PGE (1u << 13)
#define TOME_CPUID1_EDX_PAT (1u << 16)
#define TOME_CPUID7_EBX_SMAP (1u << 20)
#define TOME_CPUIDX1_EDX_NX (1u << 20)		/* leaf 0x80000001 */

#endif
