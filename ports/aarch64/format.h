/*
 * format.h - AArch64, EL1: types, table geometry and the PTE codec, in pure C.
 *
 * Included by <tome/types.h>. What each name means is in <tome/port.h>. Chosen when the
 * library is built: the granule, -DTOME_A64_GRANULE=12 (4 KiB, the default), 14 or 16;
 * the bits of an address, -DTOME_A64_WIDTH=48 (the default) or 52, virtual and as entries
 * have them, for CPUs with FEAT_LPA2, or FEAT_LVA where pages are of 64 KiB.
 *
 * Arm ARM, chapter D8. Accessed is AF. A page that may be written has DBM, and
 * AP[2] (read-only) until it is modified: the hardware clears that where it manages
 * dirty state, else the fault does; nobody need know which it is. Modified is also
 * kept in a software bit, for pages that may no longer be written.
 */
#ifndef TOME_FORMAT_H
#define TOME_FORMAT_H

#ifndef TOME_A64_GRANULE
#define TOME_A64_GRANULE 12
#endif
#ifndef TOME_A64_WIDTH
#define TOME_A64_WIDTH 48
#endif

typedef uint64_t tome_va_t;
typedef uint64_t tome_pa_t;
typedef uint32_t tome_pfn_t;
typedef uint64_t tome_pte_t;

#define TOME_PAGE_SHIFT TOME_A64_GRANULE

/* ---- geometry; a root is as small as the width needs it: 2 to 1,024 entries. (It is never
 * larger than a table: stage 2 alone has concatenated ones.) ---- */

#define TOME_A64_BITS (TOME_PAGE_SHIFT - 3u)
#define TOME_A64_LEVELS ((TOME_A64_WIDTH - 4u) / TOME_A64_BITS)

#define TOME_PT_LEVELS_MAX TOME_A64_LEVELS
#define TOME_PTE_SHIFT 3
#define TOME_PT_SHIFT(level) (TOME_PAGE_SHIFT + TOME_A64_BITS * (level))
#define TOME_PT_BITS(level) (TOME_A64_BITS + 0u * (level))
#define TOME_PT_UNIT_BITS(level) TOME_PT_BITS(level)
#define TOME_PT_ROOT_BITS(levels) (TOME_A64_WIDTH - TOME_PT_SHIFT((levels) - 1))

/* ---- what the walker must and need not do ---- */

#define TOME_PORT_ROOTS 2
#define TOME_PORT_SW_BITS 4
#define TOME_PORT_HW_AM 1
#define TOME_PORT_VISIBLE 2
/* In line: walks see an entry stored after DSB ISHST, and ISB is for what this CPU
 * itself does next. */
#define TOME_PORT_SEEN(m, first, n)                                       \
	do {                                                             \
		(void)(m), (void)(first), (void)(n);                     \
		tome_insn_dsb_ishst();                                   \
		tome_insn_isb();                                         \
	} while (0)
#define tome_mmu_visible TOME_PORT_SEEN
#define TOME_PORT_ICACHE 1
#define TOME_PORT_ASIDS_MAX 256u
#define TOME_PORT_FLUSH_WALKS 1
#define TOME_PORT_FAULT_FLUSHES 0
#define TOME_PORT_FLUSH_PAGES 32u
#define TOME_PORT_BROADCAST(m) ((m)->asids != 0)
/* The contiguous hint: 64 KiB or 2 MiB. */
#define TOME_PORT_RUN_BITS (TOME_PAGE_SHIFT == 12 ? 4 : 21 - TOME_PAGE_SHIFT)
#define TOME_PORT_RUN TOME_A64_CONTIGUOUS
#define tome_pte_run(m, pte) ((void)(m), (pte) | TOME_A64_CONTIGUOUS)

/* ---- bits of an entry ---- */

#define TOME_A64_V ((tome_pte_t)1 << 0)
#define TOME_A64_PAGE ((tome_pte_t)1 << 1)	/* or table; a block has it clear */
#define TOME_A64_ATTR_SHIFT 2
#define TOME_A64_ATTR ((tome_pte_t)7 << TOME_A64_ATTR_SHIFT)
#define TOME_A64_EL0 ((tome_pte_t)1 << 6)	/* AP[1] */
#define TOME_A64_RO ((tome_pte_t)1 << 7)	/* AP[2] */
#define TOME_A64_AF ((tome_pte_t)1 << 10)
#define TOME_A64_NG ((tome_pte_t)1 << 11)
/*
 * The address: in its place up to FAR; of 52 bits the others are in 15:12, or, where that
 * is in use (LPA2), in 9:8. There TCR says for all what SHARED says otherwise: inner.
 */
#define TOME_A64_LPA2 (TOME_A64_WIDTH == 52 && TOME_PAGE_SHIFT < 16)
#define TOME_A64_FAR (TOME_A64_LPA2 ? 50 : 48)
#define TOME_A64_FAR_AT (TOME_A64_LPA2 ? 8 : 12)
#define TOME_A64_FAR_BITS \
	((((tome_pte_t)1 << (TOME_A64_WIDTH - TOME_A64_FAR)) - 1) << TOME_A64_FAR_AT)
#define TOME_A64_ADDR \
	(((tome_pte_t)1 << TOME_A64_FAR) - ((tome_pte_t)1 << TOME_PAGE_SHIFT))
#define TOME_A64_SHARED ((tome_pte_t)(TOME_A64_LPA2 ? 0 : 3) << 8)
#define TOME_A64_DBM ((tome_pte_t)1 << 51)
#define TOME_A64_CONTIGUOUS ((tome_pte_t)1 << 52)
#define TOME_A64_PXN ((tome_pte_t)1 << 53)
#define TOME_A64_UXN ((tome_pte_t)1 << 54)
#define TOME_A64_SW_MODIFIED ((tome_pte_t)1 << 55)
#define TOME_A64_SW_WIRED ((tome_pte_t)1 << 56)

/* Fields of MAIR; the boot code's tables use the first for memory. */
#define TOME_A64_MEMORY 0u
#define TOME_A64_UNCACHED 1u
#define TOME_A64_DEVICE 2u

/* This machine's MMU: written by tome_mmu_probe(), then constant. */
struct tome_mmu {
	unsigned levels, large_level;
	unsigned asids;
	tome_va_t user_min, user_max;
	tome_va_t kernel_min;
	uint64_t tcr;		/* as a user space runs */
	tome_pte_t young;	/* AF, where the hardware does not set it */
	bool range;		/* flushes take ranges */
	bool pan;		/* the kernel sees user memory only if it says so */
};

/* ---- the codec ---- */

struct tome_narrow {
	tome_pte_t keep, set;
};

#define TOME_LEAF_KERNEL 0u
#define TOME_LEAF_USER 1u
#define TOME_LEAF_ACCESSED 2u
#define TOME_LEAF_MODIFIED 4u
#define TOME_LEAF_WIRED 8u

static inline tome_pte_t
tome_a64_place(tome_pa_t pa)
{
	return TOME_A64_FAR_BITS == 0 ? pa : (pa & TOME_A64_ADDR) |
	    (pa >> (TOME_A64_FAR - TOME_A64_FAR_AT) & TOME_A64_FAR_BITS);
}

static inline tome_pte_t
tome_a64_attr(enum tome_memtype type)
{
	tome_pte_t i = type == TOME_MEM_WB ? TOME_A64_MEMORY :
	    type == TOME_MEM_DEVICE ? TOME_A64_DEVICE : TOME_A64_UNCACHED;

	return i << TOME_A64_ATTR_SHIFT;
}

/* Who, and who executes. User pages are never the kernel's to execute, and a
 * kernel page without UXN would be the user's. */
static inline tome_pte_t
tome_a64_owner(bool user, bool exec)
{
	if (user)
		return TOME_A64_EL0 | TOME_A64_NG | TOME_A64_PXN |
		    (exec ? 0 : TOME_A64_UXN);
	return TOME_A64_UXN | (exec ? 0 : TOME_A64_PXN);
}

/*
 * Nobody is there to ask for a kernel page's first access and write. Where a first access
 * is a fault, new entries count as accessed: pages are mapped ahead to spare faults.
 */
static inline tome_pte_t
tome_pte_leaf(const struct tome_mmu *m, unsigned level, tome_pa_t pa,
    tome_prot_t prot, enum tome_memtype type, unsigned flags)
{
	bool user = flags & TOME_LEAF_USER;
	/* Somebody's, so never 0, even when not V. */
	tome_pte_t pte = tome_a64_place(pa) | TOME_A64_SHARED | m->young |
	    tome_a64_attr(type) |
	    tome_a64_owner(user, (prot & TOME_PROT_EXEC) != 0);

	if (level == 0)
		pte |= TOME_A64_PAGE;
	if (prot != TOME_PROT_NONE)
		pte |= TOME_A64_V;
	if (prot & TOME_PROT_WRITE)
		pte |= TOME_A64_DBM;
	if (!(prot & TOME_PROT_WRITE) ||
	    (user && !(flags & TOME_LEAF_MODIFIED)))
		pte |= TOME_A64_RO;
	return pte | (!user || (flags & TOME_LEAF_ACCESSED) ? TOME_A64_AF : 0) |
	    (flags & TOME_LEAF_MODIFIED ? TOME_A64_SW_MODIFIED : 0) |
	    (flags & TOME_LEAF_WIRED ? TOME_A64_SW_WIRED : 0);
}

static inline tome_pte_t
tome_pte_table(const struct tome_mmu *m, unsigned level, tome_pa_t pa,
    unsigned flags)
{
	(void)m, (void)level, (void)flags;
	return tome_a64_place(pa) | TOME_A64_V | TOME_A64_PAGE;
}

static inline bool
tome_pte_is_table(unsigned level, tome_pte_t pte)
{
	return level > 0 && (pte & TOME_A64_PAGE);
}

static inline tome_pa_t
tome_pte_table_pa(tome_pte_t pte)
{
	return (pte & TOME_A64_ADDR) |
	    (pte & TOME_A64_FAR_BITS) << (TOME_A64_FAR - TOME_A64_FAR_AT);
}

#define tome_pte_pa(level, pte) ((void)(level), tome_pte_table_pa(pte))

static inline tome_prot_t
tome_pte_prot(const struct tome_mmu *m, tome_pte_t pte)
{
	tome_pte_t noexec = pte & TOME_A64_EL0 ? TOME_A64_UXN : TOME_A64_PXN;

	(void)m;
	if (!(pte & TOME_A64_V))
		return TOME_PROT_NONE;
	return TOME_PROT_READ | (pte & TOME_A64_DBM ? TOME_PROT_WRITE : 0) |
	    (pte & noexec ? 0 : TOME_PROT_EXEC);
}

static inline tome_prot_t
tome_pte_usable(const struct tome_mmu *m, tome_pte_t pte)
{
	if (!(pte & TOME_A64_AF))
		return TOME_PROT_NONE;
	return tome_pte_prot(m, pte) &
	    ~(pte & TOME_A64_RO ? TOME_PROT_WRITE : 0);
}

static inline enum tome_memtype
tome_pte_type(const struct tome_mmu *m, unsigned level, tome_pte_t pte)
{
	unsigned t;

	(void)m, (void)level;
	for (t = TOME_MEM_WB; t < TOME_MEM_DEVICE; t++)
		if (tome_a64_attr((enum tome_memtype)t) ==
		    (pte & TOME_A64_ATTR))
			break;
	return (enum tome_memtype)t;
}

static inline struct tome_narrow
tome_pte_narrowing(const struct tome_mmu *m, tome_prot_t prot)
{
	struct tome_narrow n = {~(tome_pte_t)0, 0};

	(void)m;
	if (prot == TOME_PROT_NONE)
		n.keep &= ~TOME_A64_V;
	if (!(prot & TOME_PROT_WRITE)) {
		n.keep &= ~TOME_A64_DBM;
		n.set |= TOME_A64_RO;
	}
	if (!(prot & TOME_PROT_EXEC))
		n.set |= TOME_A64_UXN | TOME_A64_PXN;
	return n;
}

/* Writable and written: as the hardware says it. */
static inline bool
tome_a64_is_dirty(tome_pte_t pte)
{
	return (pte & (TOME_A64_DBM | TOME_A64_RO)) == TOME_A64_DBM;
}

static inline tome_pte_t
tome_pte_narrowed(tome_pte_t pte, struct tome_narrow n)
{
	if (tome_a64_is_dirty(pte))
		pte |= TOME_A64_SW_MODIFIED;
	return (pte & n.keep) | n.set;
}

static inline unsigned
tome_pte_flags(tome_pte_t pte)
{
	return (pte & TOME_A64_AF ? TOME_LEAF_ACCESSED : 0) |
	    (tome_a64_is_dirty(pte) || (pte & TOME_A64_SW_MODIFIED) ?
		TOME_LEAF_MODIFIED : 0) |
	    (pte & TOME_A64_SW_WIRED ? TOME_LEAF_WIRED : 0);
}

static inline tome_pte_t
tome_pte_unflagged(tome_pte_t pte, unsigned flags)
{
	if (flags & TOME_LEAF_ACCESSED)
		pte &= ~TOME_A64_AF;
	if (flags & TOME_LEAF_MODIFIED)
		pte = (pte & ~TOME_A64_SW_MODIFIED) | TOME_A64_RO;
	if (flags & TOME_LEAF_WIRED)
		pte &= ~TOME_A64_SW_WIRED;
	return pte;
}

/* `pte` takes the place of `old`, which the hardware may have marked, and has no less
 * rights: so what was written is still written to without a fault. */
static inline tome_pte_t
tome_pte_upgraded(tome_pte_t pte, tome_pte_t old)
{
	if (tome_a64_is_dirty(old))
		pte &= ~TOME_A64_RO;
	return pte | (old & (TOME_A64_AF | TOME_A64_SW_MODIFIED));
}

#endif
