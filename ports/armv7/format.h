/*
 * format.h - ARMv7-A with short descriptors: types, table geometry and the PTE
 * codec, in pure C.
 *
 * Included by <tome/types.h>. What each name means is in <tome/port.h>. The lower
 * 2 GiB are TTBR0's, the upper TTBR1's. A root is 16 KiB; four second-level tables of
 * 1 KiB share a frame, and with it a lock and a descriptor.
 *
 * Arm ARM for ARMv7-A, B3.5. Rights are AP[2:1] with the access flag in AP[0]
 * (SCTLR.AFE), types TEX[0], C and B (SCTLR.TRE). No bits are left for software:
 * accessed, modified and wired are in the side array.
 */
#ifndef TOME_FORMAT_H
#define TOME_FORMAT_H

typedef uint32_t tome_va_t;
typedef uint32_t tome_pa_t;
typedef uint32_t tome_pfn_t;
typedef uint32_t tome_pte_t;

#define TOME_PAGE_SHIFT 12

/* ---- geometry; level 0 holds the small pages ---- */

#define TOME_PT_LEVELS_MAX 2
#define TOME_PTE_SHIFT 2
#define TOME_PT_SHIFT(level) (12u + 8u * (level))
#define TOME_PT_BITS(level) ((level) == 0 ? 8u : 12u)
#define TOME_PT_UNIT_BITS(level) ((level) == 0 ? 10u : 12u)
#define TOME_PT_ROOT_BITS(levels) (12u + 0u * (levels))

/* ---- what the walker must and need not do ---- */

#define TOME_PORT_ROOTS 2
#define TOME_PORT_SW_BITS 0
#define TOME_PORT_HW_AM 0
#define TOME_PORT_VISIBLE 1
#define TOME_PORT_ICACHE 1
#define TOME_PORT_ASIDS_MAX 256u
#define TOME_PORT_FLUSH_WALKS 1
#define TOME_PORT_FAULT_FLUSHES 0
#define TOME_PORT_FLUSH_PAGES 32u
#define TOME_PORT_BROADCAST(m) ((m)->broadcast)

/* ---- bits of a small page ---- */

#define TOME_ARM_XN ((tome_pte_t)1 << 0)
#define TOME_ARM_SMALL ((tome_pte_t)1 << 1)
#define TOME_ARM_INVALID ((tome_pte_t)3)	/* both clear */
#define TOME_ARM_TYPE_B ((tome_pte_t)1 << 2)
#define TOME_ARM_TYPE_C ((tome_pte_t)1 << 3)
#define TOME_ARM_AF ((tome_pte_t)1 << 4)	/* AP[0]; never 0 */
#define TOME_ARM_USER ((tome_pte_t)1 << 5)	/* AP[1] */
#define TOME_ARM_TYPE_TEX0 ((tome_pte_t)1 << 6)
#define TOME_ARM_TYPE (TOME_ARM_TYPE_B | TOME_ARM_TYPE_C | TOME_ARM_TYPE_TEX0)
#define TOME_ARM_RO ((tome_pte_t)1 << 9)	/* AP[2] */
#define TOME_ARM_S ((tome_pte_t)1 << 10)
#define TOME_ARM_NG ((tome_pte_t)1 << 11)
#define TOME_ARM_ADDR (~(tome_pte_t)4095)

/* ---- of a first-level entry that names a table ---- */

#define TOME_ARM_TABLE ((tome_pte_t)1)
#define TOME_ARM_TABLE_ADDR (~(tome_pte_t)1023)

/* This machine's MMU: written by tome_mmu_probe(), then constant. */
struct tome_mmu {
	unsigned levels, large_level, asids;
	tome_va_t user_min, user_max, kernel_min;
	bool broadcast;		/* flushes reach all CPUs */
	bool coherent;		/* walks see the data caches */
};

/* ---- the codec ---- */

struct tome_narrow {
	tome_pte_t keep, set;
};

/* For the side array. */
#define TOME_LEAF_USER 1u
#define TOME_LEAF_ACCESSED 2u
#define TOME_LEAF_MODIFIED 4u
#define TOME_LEAF_WIRED 8u
#define TOME_LEAF_KERNEL 0u

/* Regions of PRRR and NMRR: 3 memory, 1 not cached, 4 device. */
static inline tome_pte_t
tome_arm_type(enum tome_memtype type)
{
	if (type == TOME_MEM_WB)
		return TOME_ARM_TYPE_C | TOME_ARM_TYPE_B;
	return type == TOME_MEM_DEVICE ? TOME_ARM_TYPE_TEX0 : TOME_ARM_TYPE_B;
}

static inline tome_pte_t
tome_pte_leaf(const struct tome_mmu *m, unsigned level, tome_pa_t pa,
    tome_prot_t prot, enum tome_memtype type, unsigned flags)
{
	tome_pte_t pte = pa | TOME_ARM_AF | TOME_ARM_S | tome_arm_type(type);

	(void)m, (void)level;
	if (flags & TOME_LEAF_USER)
		pte |= TOME_ARM_USER | TOME_ARM_NG;
	if (!(prot & TOME_PROT_WRITE))
		pte |= TOME_ARM_RO;
	if (prot == TOME_PROT_NONE)
		return pte;
	return pte | TOME_ARM_SMALL |
	    (prot & TOME_PROT_EXEC ? 0 : TOME_ARM_XN);
}

static inline tome_pte_t
tome_pte_table(const struct tome_mmu *m, unsigned level, tome_pa_t pa,
    unsigned flags)
{
	(void)m, (void)level, (void)flags;
	return pa | TOME_ARM_TABLE;
}

static inline bool
tome_pte_is_table(unsigned level, tome_pte_t pte)
{
	return level > 0 && (pte & 3) == TOME_ARM_TABLE;
}

static inline tome_pa_t
tome_pte_table_pa(tome_pte_t pte)
{
	return pte & TOME_ARM_TABLE_ADDR;
}

static inline tome_pa_t
tome_pte_pa(unsigned level, tome_pte_t pte)
{
	(void)level;
	return pte & TOME_ARM_ADDR;
}

static inline tome_prot_t
tome_pte_prot(const struct tome_mmu *m, tome_pte_t pte)
{
	(void)m;
	if (!(pte & TOME_ARM_SMALL))
		return TOME_PROT_NONE;
	return TOME_PROT_READ | (pte & TOME_ARM_RO ? 0 : TOME_PROT_WRITE) |
	    (pte & TOME_ARM_XN ? 0 : TOME_PROT_EXEC);
}

/* The side array withholds whole rights, not bits of them. */
static inline tome_prot_t
tome_pte_usable(const struct tome_mmu *m, tome_pte_t pte)
{
	return tome_pte_prot(m, pte);
}

static inline enum tome_memtype
tome_pte_type(const struct tome_mmu *m, unsigned level, tome_pte_t pte)
{
	unsigned t;

	(void)m, (void)level;
	for (t = TOME_MEM_WB; t < TOME_MEM_DEVICE; t++)
		if (tome_arm_type((enum tome_memtype)t) ==
		    (pte & TOME_ARM_TYPE))
			break;
	return (enum tome_memtype)t;
}

static inline struct tome_narrow
tome_pte_narrowing(const struct tome_mmu *m, tome_prot_t prot)
{
	struct tome_narrow n = {~(tome_pte_t)0, 0};

	(void)m;
	if (prot == TOME_PROT_NONE) {
		n.keep &= ~TOME_ARM_INVALID;
		return n;
	}
	if (!(prot & TOME_PROT_WRITE))
		n.set |= TOME_ARM_RO;
	if (!(prot & TOME_PROT_EXEC))
		n.set |= TOME_ARM_XN;
	return n;
}

/* XN alone would make an invalid entry a large page. */
static inline tome_pte_t
tome_pte_narrowed(tome_pte_t pte, struct tome_narrow n)
{
	return pte & TOME_ARM_SMALL ? (pte & n.keep) | n.set : pte;
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

#endif
