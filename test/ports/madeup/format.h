/*
 * format.h - a made-up CPU, as unlike x86-64 as the walker allows: 32-bit
 * addresses, three levels, tables of 1 KiB (four to a frame), a root of 256
 * bytes, two roots, no software bits, no accessed and modified bits, entries of
 * two 32-bit words, stores that the MMU sees only when told.
 *
 * Of an entry the MMU reads first the low word, then the high one, and refuses
 * one whose words do not belong together: bits 8 to 31 of the high word are the
 * complement of the low word's.
 */
#ifndef TOME_FORMAT_H
#define TOME_FORMAT_H

typedef uint32_t tome_va_t;
typedef uint64_t tome_pa_t;		/* 36 bits */
typedef uint32_t tome_pfn_t;
typedef uint64_t tome_pte_t;

#define TOME_PAGE_SHIFT 12

#define TOME_PT_LEVELS_MAX 3
#define TOME_PTE_SHIFT 3
#define TOME_PT_SHIFT(level) (12u + 7u * (level))
#define TOME_PT_BITS(level) (7u + 0u * (level))
#define TOME_PT_UNIT_BITS(level) (9u + 0u * (level))
#define TOME_PT_ROOT_BITS(levels) (5u + 0u * (levels))

#define TOME_PORT_ROOTS 2
#define TOME_PORT_SW_BITS 0
#define TOME_PORT_HW_AM 0
#define TOME_PORT_VISIBLE 1
#define TOME_PORT_ICACHE 1
#define TOME_PORT_ASIDS_MAX 8u
#define TOME_PORT_FLUSH_WALKS 1
#define TOME_PORT_FAULT_FLUSHES 1
#define TOME_PORT_FLUSH_PAGES 8u
#define TOME_PORT_BROADCAST(m) ((m)->broadcast)

#define TOME_MU_VALID 1u
#define TOME_MU_TABLE 2u
#define TOME_MU_WRITE 4u
#define TOME_MU_EXEC 8u
#define TOME_MU_USER 16u
#define TOME_MU_TYPE_SHIFT 5
#define TOME_MU_FLAGS 0xffu

struct tome_mmu {
	unsigned levels, large_level, asids;
	bool broadcast;
	tome_va_t user_min, user_max, kernel_min;
};

#define TOME_LEAF_USER 1u
#define TOME_LEAF_ACCESSED 2u
#define TOME_LEAF_MODIFIED 4u
#define TOME_LEAF_WIRED 8u
#define TOME_LEAF_KERNEL 0u

struct tome_narrow {
	tome_pte_t keep, set;
};

/* The low word has flags and bits 12 to 31 of the address; the high word the
 * four bits above, and the check. Tables are aligned to 256 bytes at least. */
static inline tome_pte_t
tome_mu_entry(tome_pa_t pa, unsigned flags)
{
	uint32_t low = ((uint32_t)pa & ~TOME_MU_FLAGS) | flags;
	uint32_t high = (~low & ~TOME_MU_FLAGS) | (uint32_t)(pa >> 32);

	return (tome_pte_t)high << 32 | low;
}

static inline tome_pa_t
tome_mu_pa(tome_pte_t pte)
{
	return (pte & 0xffffff00u) | (pte >> 32 & 0xf) << 32;
}

static inline unsigned
tome_mu_flags(tome_pte_t pte)
{
	return (unsigned)pte & TOME_MU_FLAGS;
}

static inline tome_pte_t
tome_pte_leaf(const struct tome_mmu *m, unsigned level, tome_pa_t pa,
    tome_prot_t prot, enum tome_memtype type, unsigned flags)
{
	unsigned f = (unsigned)type << TOME_MU_TYPE_SHIFT;

	(void)m, (void)level;
	if (prot != TOME_PROT_NONE)
		f |= TOME_MU_VALID;
	if (prot & TOME_PROT_WRITE)
		f |= TOME_MU_WRITE;
	if (prot & TOME_PROT_EXEC)
		f |= TOME_MU_EXEC;
	if (flags & TOME_LEAF_USER)
		f |= TOME_MU_USER;
	return tome_mu_entry(pa, f);
}

static inline tome_pte_t
tome_pte_table(const struct tome_mmu *m, unsigned level, tome_pa_t pa,
    unsigned flags)
{
	(void)m, (void)level, (void)flags;
	return tome_mu_entry(pa, TOME_MU_TABLE);
}

static inline bool
tome_pte_is_table(unsigned level, tome_pte_t pte)
{
	return level > 0 && (pte & TOME_MU_TABLE);
}

static inline tome_pa_t
tome_pte_table_pa(tome_pte_t pte)
{
	return tome_mu_pa(pte);
}

static inline tome_pa_t
tome_pte_pa(unsigned level, tome_pte_t pte)
{
	(void)level;
	return tome_mu_pa(pte);
}

static inline tome_prot_t
tome_pte_prot(const struct tome_mmu *m, tome_pte_t pte)
{
	(void)m;
	if (!(pte & TOME_MU_VALID))
		return TOME_PROT_NONE;
	return TOME_PROT_READ | (pte & TOME_MU_WRITE ? TOME_PROT_WRITE : 0) |
	    (pte & TOME_MU_EXEC ? TOME_PROT_EXEC : 0);
}

static inline enum tome_memtype
tome_pte_type(const struct tome_mmu *m, unsigned level, tome_pte_t pte)
{
	(void)m, (void)level;
	return (enum tome_memtype)(tome_mu_flags(pte) >> TOME_MU_TYPE_SHIFT);
}

/* The flags lie outside what the check covers. */
static inline struct tome_narrow
tome_pte_narrowing(const struct tome_mmu *m, tome_prot_t prot)
{
	struct tome_narrow n = {~(tome_pte_t)0, 0};

	(void)m;
	if (prot == TOME_PROT_NONE)
		n.keep &= ~(tome_pte_t)TOME_MU_VALID;
	if (!(prot & TOME_PROT_WRITE))
		n.keep &= ~(tome_pte_t)TOME_MU_WRITE;
	if (!(prot & TOME_PROT_EXEC))
		n.keep &= ~(tome_pte_t)TOME_MU_EXEC;
	return n;
}

static inline tome_pte_t
tome_pte_narrowed(tome_pte_t pte, struct tome_narrow n)
{
	return (pte & n.keep) | n.set;
}

/* None of these is ever asked: the side array has the answers. */
static inline unsigned
tome_pte_flags(tome_pte_t pte)
{
	(void)pte;
	return 0;
}

static inline tome_pte_t
tome_pte_unflagged(tome_pte_t pte, unsigned flags)
{
	(void)flags;
	return pte;
}

static inline tome_pte_t
tome_pte_upgraded(tome_pte_t pte, tome_pte_t old)
{
	(void)old;
	return pte;
}

/* Rights are withheld by the side array, not by bits. */
static inline tome_prot_t
tome_pte_usable(const struct tome_mmu *m, tome_pte_t pte)
{
	return tome_pte_prot(m, pte);
}

#endif
