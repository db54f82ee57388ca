/*
 * format.h - RISC-V, 64 bits: types, table geometry and the PTE codec, in pure C.
 *
 * Included by <tome/types.h>. What each name means is in <tome/port.h>. Sv39,
 * Sv48 or Sv57 is a number of levels, found at run time.
 *
 * The privileged architecture, chapter "Supervisor-Level ISA", 4.3 to 4.5, with
 * Svpbmt and Svnapot. A and D may be set by the hardware (Svadu) or be ours to set
 * (Svade): tome_pte_usable() counts a right without its bit as missing, so that the
 * fault which Svade raises sets it, and nobody need know which it is.
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
#define TOME_PORT_SW_BITS 2
#define TOME_PORT_HW_AM 1
#define TOME_PORT_VISIBLE 0
#define TOME_PORT_ICACHE 1
#define TOME_PORT_ASIDS_MAX 256u
#define TOME_PORT_FLUSH_WALKS 0		/* SFENCE.VMA of an address: leaves only */
#define TOME_PORT_FAULT_FLUSHES 0
#define TOME_PORT_FLUSH_PAGES 16u
#define TOME_PORT_BROADCAST(m) ((m)->rfence)
#define TOME_PORT_RUN_BITS 4		/* Svnapot: 64 KiB */
#define TOME_PORT_RUN TOME_RV_N

/* ---- bits of an entry ---- */

#define TOME_RV_V ((tome_pte_t)1 << 0)
#define TOME_RV_R ((tome_pte_t)1 << 1)
#define TOME_RV_W ((tome_pte_t)1 << 2)
#define TOME_RV_X ((tome_pte_t)1 << 3)
#define TOME_RV_U ((tome_pte_t)1 << 4)
#define TOME_RV_G ((tome_pte_t)1 << 5)
#define TOME_RV_A ((tome_pte_t)1 << 6)
#define TOME_RV_D ((tome_pte_t)1 << 7)
#define TOME_RV_SW_WIRED ((tome_pte_t)1 << 8)
#define TOME_RV_PPN_SHIFT 10
#define TOME_RV_PPN ((((tome_pte_t)1 << 44) - 1) << TOME_RV_PPN_SHIFT)
#define TOME_RV_PBMT_NC ((tome_pte_t)1 << 61)
#define TOME_RV_PBMT_IO ((tome_pte_t)2 << 61)
#define TOME_RV_PBMT ((tome_pte_t)3 << 61)
#define TOME_RV_N ((tome_pte_t)1 << 63)

/* This machine's MMU: written by tome_mmu_probe(), then constant. */
struct tome_mmu {
	unsigned levels;	/* 3, 4 or 5 */
	unsigned large_level;	/* highest level with leaves: below the root's */
	unsigned asids;		/* usable ASIDs, 0 where satp has none */
	tome_va_t user_min, user_max;
	tome_va_t kernel_min;
	tome_pte_t type[TOME_MEMTYPES];	/* PBMT, all 0 without Svpbmt */
	uint64_t mode;		/* satp's */
	bool rfence;		/* the firmware flushes other CPUs */
	bool napot;		/* Svnapot */
};

/* ---- the codec ---- */

struct tome_narrow {
	tome_pte_t keep;
};

/* The bits themselves. */
#define TOME_LEAF_USER ((unsigned)TOME_RV_U)
#define TOME_LEAF_KERNEL ((unsigned)TOME_RV_G)
#define TOME_LEAF_ACCESSED ((unsigned)TOME_RV_A)
#define TOME_LEAF_MODIFIED ((unsigned)TOME_RV_D)
#define TOME_LEAF_WIRED ((unsigned)TOME_RV_SW_WIRED)

static inline tome_pte_t
tome_rv_ppn(tome_pa_t pa)
{
	return pa >> TOME_PAGE_SHIFT << TOME_RV_PPN_SHIFT;
}

/* Nobody is there to ask for a kernel page's A and D. */
static inline tome_pte_t
tome_pte_leaf(const struct tome_mmu *m, unsigned level, tome_pa_t pa,
    tome_prot_t prot, enum tome_memtype type, unsigned flags)
{
	/* U or G: so never 0, even when not V. */
	tome_pte_t pte = tome_rv_ppn(pa) | m->type[type] | flags;

	(void)level;
	if (!(flags & TOME_LEAF_USER))
		pte |= TOME_RV_A | TOME_RV_D;
	if (prot != TOME_PROT_NONE)
		pte |= TOME_RV_V | TOME_RV_R;
	if (prot & TOME_PROT_WRITE)
		pte |= TOME_RV_W;
	if (prot & TOME_PROT_EXEC)
		pte |= TOME_RV_X;
	return pte;
}

/* All of a run are equal: the low bits of the frame's number say how large it is. */
static inline tome_pte_t
tome_pte_run(const struct tome_mmu *m, tome_pte_t pte)
{
	const tome_pte_t low = ((tome_pte_t)1 << TOME_PORT_RUN_BITS) - 1;

	if (!m->napot)
		return pte;
	return (pte & ~(low << TOME_RV_PPN_SHIFT)) | TOME_RV_N |
	    (low + 1) / 2 << TOME_RV_PPN_SHIFT;
}

/* U, A and D are reserved here; all rights are the leaf's. */
static inline tome_pte_t
tome_pte_table(const struct tome_mmu *m, unsigned level, tome_pa_t pa,
    unsigned flags)
{
	(void)m, (void)level, (void)flags;
	return tome_rv_ppn(pa) | TOME_RV_V;
}

static inline bool
tome_pte_is_table(unsigned level, tome_pte_t pte)
{
	return level > 0 && (pte & (TOME_RV_V | TOME_RV_R)) == TOME_RV_V;
}

static inline tome_pa_t
tome_pte_table_pa(tome_pte_t pte)
{
	return (pte & TOME_RV_PPN) >> TOME_RV_PPN_SHIFT << TOME_PAGE_SHIFT;
}

static inline tome_pa_t
tome_pte_pa(unsigned level, tome_pte_t pte)
{
	(void)level;
	return tome_pte_table_pa(pte);
}

static inline tome_prot_t
tome_pte_prot(const struct tome_mmu *m, tome_pte_t pte)
{
	(void)m;
	if (!(pte & TOME_RV_V))
		return TOME_PROT_NONE;
	return TOME_PROT_READ | (pte & TOME_RV_W ? TOME_PROT_WRITE : 0) |
	    (pte & TOME_RV_X ? TOME_PROT_EXEC : 0);
}

/* Without A nothing is allowed; without D no write. */
static inline tome_prot_t
tome_pte_usable(const struct tome_mmu *m, tome_pte_t pte)
{
	if (!(pte & TOME_RV_A))
		return TOME_PROT_NONE;
	return tome_pte_prot(m, pte) &
	    ~(pte & TOME_RV_D ? 0 : TOME_PROT_WRITE);
}

/* The first type with these bits, in order of enum tome_memtype. */
static inline enum tome_memtype
tome_pte_type(const struct tome_mmu *m, unsigned level, tome_pte_t pte)
{
	unsigned t;

	(void)level;
	for (t = TOME_MEM_WB; t < TOME_MEM_DEVICE; t++)
		if (m->type[t] == (pte & TOME_RV_PBMT))
			break;
	return (enum tome_memtype)t;
}

static inline struct tome_narrow
tome_pte_narrowing(const struct tome_mmu *m, tome_prot_t prot)
{
	struct tome_narrow n = {~(tome_pte_t)0};

	(void)m;
	if (prot == TOME_PROT_NONE)
		n.keep &= ~TOME_RV_V;
	if (!(prot & TOME_PROT_WRITE))
		n.keep &= ~TOME_RV_W;
	if (!(prot & TOME_PROT_EXEC))
		n.keep &= ~TOME_RV_X;
	return n;
}

static inline tome_pte_t
tome_pte_narrowed(tome_pte_t pte, struct tome_narrow n)
{
	return pte & n.keep;
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
	return pte | (old & (TOME_RV_A | TOME_RV_D));
}

#endif
