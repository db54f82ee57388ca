/*
 * regs.h - AArch64 system registers and TLB operations: the numbers that tlb.c, the
 * instructions of insn.h and any machine that imitates them share.
 */
#ifndef TOME_A64_REGS_H
#define TOME_A64_REGS_H

/* Registers, as tome_insn_read_reg() and tome_insn_write_reg() know them. */
enum tome_a64_reg {
	TOME_A64_TTBR0, TOME_A64_TTBR1, TOME_A64_TCR, TOME_A64_MAIR,
	TOME_A64_MMFR0, TOME_A64_MMFR1, TOME_A64_MMFR2, TOME_A64_ISAR0,	/* read only */
};

#define TOME_TTBR_ASID_SHIFT 48
/* A root, on 64 bytes: bits 51:48 of an address of 52 are in 5:2. */
#define TOME_TTBR_ROOT(pa) ((pa) | ((pa) >> 46 & 0x3c))

/* TCR: the same width on both sides; walks are cached and inner shareable. */
#define TOME_TCR_SIZES ((uint64_t)(64 - TOME_A64_WIDTH) * 0x10001)
#define TOME_TCR_EPD0 ((uint64_t)1 << 7)
#define TOME_TCR_WALKS ((uint64_t)0x3500 | (uint64_t)0x3500 << 16)
#define TOME_TCR_TG1_SHIFT 30
/* The granule has another name on either side. */
#define TOME_TCR_TG(tg0, tg1) \
	((uint64_t)(tg0) << 14 | (uint64_t)(tg1) << TOME_TCR_TG1_SHIFT)
#define TOME_TCR_GRANULE (TOME_PAGE_SHIFT == 12 ? TOME_TCR_TG(0, 2) : \
	TOME_PAGE_SHIFT == 14 ? TOME_TCR_TG(2, 1) : TOME_TCR_TG(1, 3))
#define TOME_TCR_IPS_SHIFT 32
#define TOME_TCR_AS16 ((uint64_t)1 << 36)
#define TOME_TCR_HA ((uint64_t)1 << 39)
#define TOME_TCR_HD ((uint64_t)1 << 40)
#define TOME_TCR_DS ((uint64_t)TOME_A64_LPA2 << 59)

/* MAIR: write-back, not cached, device (nGnRE). */
#define TOME_MAIR_TYPES ((uint64_t)0xff | (uint64_t)0x44 << 8 | (uint64_t)0x04 << 16)

/* ID registers: the fields used. */
#define TOME_MMFR0_PARANGE(v) ((v) & 15)
#define TOME_MMFR0_ASID16(v) (((v) >> 4 & 15) == 2)
#define TOME_MMFR0_GRANULE4(v) ((v) >> 28 & 15)		/* 15: none; 1: LPA2 */
#define TOME_MMFR0_GRANULE16(v) ((v) >> 20 & 15)	/* 0: none; 2: LPA2 */
#define TOME_MMFR0_GRANULE64(v) ((v) >> 24 & 15)	/* 15: none */
#define TOME_MMFR1_HAFDBS(v) ((v) & 15)		/* 1: AF; 2: dirty, too */
#define TOME_MMFR1_PAN(v) ((v) >> 20 & 15)
#define TOME_MMFR2_WIDE(v) ((v) >> 16 & 15)
#define TOME_ISAR0_RANGE(v) (((v) >> 56 & 15) == 2)

/* TLBI: what, and on every CPU of the inner shareable domain or on this one. */
enum tome_a64_tlbi {
	TOME_TLBI_VA, TOME_TLBI_VA_ALL, TOME_TLBI_ASID, TOME_TLBI_ALL,
	TOME_TLBI_VA_IS, TOME_TLBI_VA_ALL_IS, TOME_TLBI_ASID_IS,
	TOME_TLBI_ALL_IS, TOME_TLBI_RANGE_IS, TOME_TLBI_RANGE_ALL_IS,
};

/* Its operand. A range has (num + 1) << (5 * scale + 1) pages; LPA2 counts in 64 KiB
 * where it begins. */
#define TOME_TLBI_RANGE_SHIFT (TOME_A64_LPA2 ? 16 : TOME_PAGE_SHIFT)
#define TOME_TLBI_ADDRESS(va) ((uint64_t)(va) >> 12 & (((uint64_t)1 << 44) - 1))
#define TOME_TLBI_NUMBER(asid) ((uint64_t)(asid) << 48)
#define TOME_TLBI_PAGES(va, num, scale, granule)                           \
	((uint64_t)(va) >> TOME_TLBI_RANGE_SHIFT &                        \
	    (((uint64_t)1 << 37) - 1)) | (uint64_t)(num) << 39 |          \
	    (uint64_t)(scale) << 44 | (uint64_t)(granule) << 46

#endif
