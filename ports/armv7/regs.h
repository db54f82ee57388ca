/*
 * regs.h - ARMv7-A: registers and operations of coprocessor 15: the numbers that
 * tlb.c, the instructions of insn.h and any machine that imitates them share.
 */
#ifndef TOME_ARM_REGS_H
#define TOME_ARM_REGS_H

/* As tome_insn_read_reg() and tome_insn_write_reg() know them. */
enum tome_arm_reg {
	TOME_ARM_SCTLR, TOME_ARM_TTBR0, TOME_ARM_TTBR1, TOME_ARM_TTBCR,
	TOME_ARM_DACR, TOME_ARM_PRRR, TOME_ARM_NMRR, TOME_ARM_CONTEXTIDR,
	TOME_ARM_MMFR3,			/* read only */
};

#define TOME_SCTLR_TRE ((uint32_t)1 << 28)
#define TOME_SCTLR_AFE ((uint32_t)1 << 29)

/* TTBCR: N is 1, TTBR0 has the lower half; PD0: it has nothing. */
#define TOME_TTBCR_SPLIT 1u
#define TOME_TTBCR_PD0 ((uint32_t)1 << 4)
/* TTBR: walks are shareable and cached, write-back with allocation. */
#define TOME_TTBR_WALKS ((uint32_t)0x6a)
#define TOME_TTBR_ADDR (~(uint32_t)0x7f)

/* One domain, a client: entries decide. */
#define TOME_DACR_CLIENTS ((uint32_t)1)

/* Regions: 0 strongly ordered, 1 memory that is not cached, 3 write-back with
 * allocation, 4 device; all that says S is inner shareable. */
#define TOME_PRRR_REGIONS ((uint32_t)0xff0b0188)
#define TOME_NMRR_REGIONS ((uint32_t)0x00400040)

#define TOME_CONTEXTIDR_ASID 0xffu

#define TOME_MMFR3_BROADCAST(v) (((v) >> 12 & 15) == 2)
#define TOME_MMFR3_COHERENT(v) (((v) >> 20 & 15) == 1)

/* TLB operations: what, and on every CPU of the inner shareable domain or here. */
enum tome_arm_tlbi {
	TOME_TLBI_VA, TOME_TLBI_VA_ALL, TOME_TLBI_ASID, TOME_TLBI_ALL,
	TOME_TLBI_VA_IS, TOME_TLBI_VA_ALL_IS, TOME_TLBI_ASID_IS,
	TOME_TLBI_ALL_IS,
};

#endif
