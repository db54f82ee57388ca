/*
 * regs.h - x86-64 control registers, MSRs, CPUID: the numbers that tlb.c, the
 * instructions of insn.h and any machine that imitates them share.
 */
#ifndef TOME_X86_REGS_H
#define TOME_X86_REGS_H

#define TOME_CR3_NOFLUSH ((uint64_t)1 << 63)	/* keep the PCID's entries */
#define TOME_CR3_PCID ((uint64_t)0xfff)

#define TOME_CR4_PGE ((uint64_t)1 << 7)
#define TOME_CR4_LA57 ((uint64_t)1 << 12)
#define TOME_CR4_PCIDE ((uint64_t)1 << 17)
#define TOME_CR4_SMAP ((uint64_t)1 << 21)

#define TOME_MSR_PAT 0x277u
#define TOME_MSR_EFER 0xc0000080u
#define TOME_EFER_NXE ((uint64_t)1 << 11)

/* Values of a byte of IA32_PAT. */
#define TOME_PAT_UC 0x00u
#define TOME_PAT_WC 0x01u
#define TOME_PAT_WT 0x04u
#define TOME_PAT_WB 0x06u
#define TOME_PAT_UC_MINUS 0x07u

/* CPUID: the register of out[4] = {eax, ebx, ecx, edx} in the name. */
#define TOME_CPUID1_EDX_PGE (1u << 13)
#define TOME_CPUID1_EDX_PAT (1u << 16)
#define TOME_CPUID1_ECX_PCID (1u << 17)
#define TOME_CPUID7_EBX_INVPCID (1u << 10)
#define TOME_CPUID7_EBX_SMAP (1u << 20)
#define TOME_CPUIDX1_EDX_NX (1u << 20)		/* leaf 0x80000001 */
#define TOME_CPUIDX1_EDX_1G (1u << 26)

#define TOME_CPUIDX8_EBX_INVLPGB (1u << 3)	/* leaf 0x80000008 */
#define TOME_CPUIDX8_EDX_PAGES 0xffffu		/* more than one, at most */

/* INVLPGB: RAX beside the address, and where EDX has the PCID. */
#define TOME_INVLPGB_VA 1u
#define TOME_INVLPGB_PCID 2u
#define TOME_INVLPGB_GLOBAL 8u
#define TOME_INVLPGB_PCID_SHIFT 16

/* INVPCID types. */
#define TOME_INVPCID_ADDRESS 0u
#define TOME_INVPCID_ONE 1u
#define TOME_INVPCID_ALL_GLOBAL 2u
#define TOME_INVPCID_ALL 3u

#endif
