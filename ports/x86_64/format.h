/*
 * format.h - x86-64: types, table geometry and the PTE codec, in pure C.
 *
 * Included by <tome/types.h>. What each name means is in <tome/port.h>. The
 * number of levels (4 or 5) and what CPUID did not report are run-time values
 * in struct tome_mmu; everything else folds.
 *
 * Intel SDM volume 3, chapter 4.
 */
#ifndef TOME_FORMAT_H
#define TOME_FORMAT_H

typedef uint64_t tome_va_t;
typedef uint64_t tome_pa_t;
typedef uint32_t tome_pfn_t;
typedef uint64_t tome_pte_t;

#define TOME_PAGE_SHIFT 12

/* ---- geometry; level 0 holds the 4 KiB translations ---- */

#define TOME_PT_LEVELS_MAX 5
#define TOME_PTE_SHIFT 3
#define TOME_PT_SHIFT(level) (12u + 9u * (level))
#define TOME_PT_BITS(level) (9u + 0u * (level))
#define TOME_PT_UNIT_BITS(level) TOME_PT_BITS(level)
#define TOME_PT_ROOT_BITS(levels) TOME_PT_BITS(levels)

/* ---- what the walker must and need not do ---- */

#define TOME_PORT_ROOTS 1
#define TOME_PORT_SW_BITS 3
#define TOME_PORT_HW_AM 1
#define TOME_PORT_VISIBLE 0
#define TOME_PORT_ICACHE 0
#define TOME_PORT_ASIDS_MAX 256u
#define TOME_PORT_FLUSH_WALKS 1
#define TOME_PORT_FAULT_FLUSHES 1
#define TOME_PORT_FLUSH_PAGES 33u

/* INVLPGB where the CPU has it: for those who define this as 1. It saves the
 * interrupts of a flush round, and costs code that other CPUs never run. */
#ifndef TOME_X86_INVLPGB
#define TOME_X86_INVLPGB 0
#endif
#define TOME_PORT_BROADCAST(m) (TOME_X86_INVLPGB && (m)->invlpgb)

/* ---- bits of an entry ---- */

#define TOME_X86_P ((tome_pte_t)1 << 0)
#define TOME_X86_W ((tome_pte_t)1 << 1)
#define TOME_X86_U ((tome_pte_t)1 << 2)
#define TOME_X86_PWT ((tome_pte_t)1 << 3)
#define TOME_X86_PCD ((tome_pte_t)1 << 4)
#define TOME_X86_A ((tome_pte_t)1 << 5)
#define TOME_X86_D ((tome_pte_t)1 << 6)
#define TOME_X86_PS ((tome_pte_t)1 << 7)	/* level > 0 */
#define TOME_X86_PAT ((tome_pte_t)1 << 7)	/* level 0 */
#define TOME_X86_G ((tome_pte_t)1 << 8)
#define TOME_X86_SW_WIRED ((tome_pte_t)1 << 9)
#define TOME_X86_SW_NOEXEC ((tome_pte_t)1 << 10) /* NX where the CPU has none */
#define TOME_X86_PAT_LARGE ((tome_pte_t)1 << 12)
#define TOME_X86_NX ((tome_pte_t)1 << 63)
#define TOME_X86_ADDR (((tome_pte_t)1 << 52) - 4096)

/* This machine's MMU: written by tome_mmu_probe(), then constant. */
struct tome_mmu {
	unsigned levels;	/* 4 or 5 */
	unsigned large_level;	/* highest level with leaves: 1, or 2 (1 GiB) */
	unsigned asids;		/* usable ASIDs, 0 without PCID */
	tome_va_t user_min, user_max;
	tome_va_t kernel_min;
	tome_pte_t noexec;	/* NX, or SW_NOEXEC */
	tome_pte_t prot[TOME_PROT_ALL + 1];	/* P, W and noexec of a set of rights */
	tome_pte_t type[TOME_MEMTYPES];	/* PWT, PCD and PAT of a 4 KiB page */
	bool pat, pge, pcid, invpcid, nx, smap, invlpgb;
	unsigned invlpgb_pages;	/* that one INVLPGB takes */
};

/* ---- the codec ---- */

struct tome_narrow {
	tome_pte_t keep, set;
};

/* The bits themselves. G is ignored where CR4.PGE is not set. */
#define TOME_LEAF_USER ((unsigned)TOME_X86_U)
#define TOME_LEAF_KERNEL ((unsigned)TOME_X86_G)
#define TOME_LEAF_ACCESSED ((unsigned)TOME_X86_A)
#define TOME_LEAF_MODIFIED ((unsigned)TOME_X86_D)
#define TOME_LEAF_WIRED ((unsigned)TOME_X86_SW_WIRED)

/* A leaf is never 0, even when not P: it is a user's or the kernel's (U or G). PAT moves
 * from bit 7 to bit 12 in a large one. */
static inline tome_pte_t
tome_x86_type_bits(const struct tome_mmu *m, unsigned level,
    enum tome_memtype type)
{
	tome_pte_t bits = m->type[type];

	if (level > 0 && (bits & TOME_X86_PAT))
		bits ^= TOME_X86_PAT | TOME_X86_PAT_LARGE;
	return bits;
}

static inline tome_pte_t
tome_pte_leaf(const struct tome_mmu *m, unsigned level, tome_pa_t pa,
    tome_prot_t prot, enum tome_memtype type, unsigned flags)
{
	tome_pte_t pte = pa | flags | m->prot[prot];

	if (level > 0)
		return pte | TOME_X86_PS | tome_x86_type_bits(m, level, type);
	return pte | m->type[type];
}

/* An upper entry; it restricts nothing. A is set so that no CPU writes it. */
static inline tome_pte_t
tome_pte_table(const struct tome_mmu *m, unsigned level, tome_pa_t pa,
    unsigned flags)
{
	(void)m, (void)level;
	return pa | TOME_X86_P | TOME_X86_W | TOME_X86_A |
	    (flags & TOME_LEAF_USER ? TOME_X86_U : 0);
}

static inline bool
tome_pte_is_table(unsigned level, tome_pte_t pte)
{
	return level > 0 && (pte & TOME_X86_P) && !(pte & TOME_X86_PS);
}

static inline tome_pa_t
tome_pte_table_pa(tome_pte_t pte)
{
	return pte & TOME_X86_ADDR;
}

static inline tome_pa_t
tome_pte_pa(unsigned level, tome_pte_t pte)
{
	tome_pa_t pa = pte & TOME_X86_ADDR;

	return level > 0 ? pa & ~TOME_X86_PAT_LARGE : pa;
}

static inline tome_prot_t
tome_pte_prot(const struct tome_mmu *m, tome_pte_t pte)
{
	if (!(pte & TOME_X86_P))
		return TOME_PROT_NONE;
	return TOME_PROT_READ | (pte & TOME_X86_W ? TOME_PROT_WRITE : 0) |
	    (pte & m->noexec ? 0 : TOME_PROT_EXEC);
}

/* The first type with these bits, in order of enum tome_memtype. */
static inline enum tome_memtype
tome_pte_type(const struct tome_mmu *m, unsigned level, tome_pte_t pte)
{
	tome_pte_t mask = TOME_X86_PWT | TOME_X86_PCD |
	    (level > 0 ? TOME_X86_PAT_LARGE : TOME_X86_PAT);
	unsigned t;

	for (t = TOME_MEM_WB; t < TOME_MEM_DEVICE; t++)
		if (tome_x86_type_bits(m, level, (enum tome_memtype)t) ==
		    (pte & mask))
			break;
	return (enum tome_memtype)t;
}

/* What to keep and what to set so that no right beyond prot is left. */
static inline struct tome_narrow
tome_pte_narrowing(const struct tome_mmu *m, tome_prot_t prot)
{
	struct tome_narrow n = {~(tome_pte_t)0, 0};

	if (prot == TOME_PROT_NONE)
		n.keep &= ~TOME_X86_P;
	if (!(prot & TOME_PROT_WRITE))
		n.keep &= ~TOME_X86_W;
	if (!(prot & TOME_PROT_EXEC))
		n.set = m->noexec;
	return n;
}

static inline tome_pte_t
tome_pte_narrowed(tome_pte_t pte, struct tome_narrow n)
{
	return (pte & n.keep) | n.set;
}

/* TOME_LEAF_ACCESSED, _MODIFIED and _WIRED of an entry. */
static inline unsigned
tome_pte_flags(tome_pte_t pte)
{
	return (unsigned)pte &
	    (TOME_LEAF_ACCESSED | TOME_LEAF_MODIFIED | TOME_LEAF_WIRED);
}

static inline tome_pte_t
tome_pte_unflagged(tome_pte_t pte, unsigned flags)
{
	return pte & ~(tome_pte_t)flags;
}

/* `pte` takes the place of `old`, which the hardware may have marked. */
static inline tome_pte_t
tome_pte_upgraded(tome_pte_t pte, tome_pte_t old)
{
	return pte | (old & (TOME_X86_A | TOME_X86_D));
}

static inline tome_prot_t
tome_pte_usable(const struct tome_mmu *m, tome_pte_t pte)
{
	return tome_pte_prot(m, pte);
}

#endif
