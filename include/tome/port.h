/*
 * tome/port.h - the contract between the page-table walker, a port, and
 * whatever imitates a port's CPU (the hosted machine).
 *
 * A port is a directory found by include path: format.h, insn.h, tlb.c.
 * docs/porting.md explains every item.
 *
 * format.h, included by <tome/types.h>, pure C:
 *
 *  tome_va_t tome_pa_t tome_pfn_t tome_pte_t, TOME_PAGE_SHIFT
 *  Geometry. Level 0 holds translations of pages; the root is level levels-1.
 *   TOME_PT_LEVELS_MAX		most levels
 *   TOME_PTE_SHIFT		log2 of an entry's bytes
 *   TOME_PT_SHIFT(level)	log2 of the bytes one entry covers
 *   TOME_PT_BITS(level)	log2 of the entries of one table
 *   TOME_PT_UNIT_BITS(level)	log2 of the entries of one unit: the tables of a
 *				frame, or the frames of a table; what is allocated,
 *				locked and described together
 *   TOME_PT_ROOT_BITS(levels)	log2 of the root's entries, tiny or concatenated
 *  What the walker must do or need not; constants.
 *   TOME_PORT_ROOTS		1, or 2: the kernel half has a root of its own
 *   TOME_PORT_SW_BITS		bits of an entry free for software. 0: wired is
 *				kept in a side array per leaf unit
 *   TOME_PORT_HW_AM		hardware sets accessed and modified. 0: software
 *				does, in the side array; withheld rights make it fault
 *   TOME_PORT_VISIBLE		stores need tome_mmu_visible() to reach the MMU. 2: but
 *				for those that take a leaf or its rights away, of which
 *				the MMU is told once, before they are flushed
 *   TOME_PORT_ICACHE		tome_mmu_sync_icache() is needed
 *   TOME_PORT_ASIDS_MAX	ASIDs Tome uses at most; more than CPUs
 *   TOME_PORT_FLUSH_PAGES	beyond so many pages a whole ASID is flushed
 *   TOME_PORT_FLUSH_WALKS	a flush of pages drops upper entries for them, too. 0:
 *				tome_mmu_flush_asid() and _all() alone do
 *   TOME_PORT_FAULT_FLUSHES	a fault drops what this CPU has cached for its address
 *   TOME_PORT_BROADCAST(m)	the MMU takes flushes to all CPUs by itself
 *   TOME_PORT_RUN_BITS		log2 of the leaves of level 0 in a run, which a TLB may
 *				hold as one; not defined: there are no runs
 *   TOME_PORT_RUN		the bit that each of a run has, and no other leaf
 *  struct tome_mmu		this machine's MMU; constant once probed. Every port
 *   has levels, large_level (highest level with leaves), asids (usable numbers, 0
 *   when untagged; a number is below it; numbers outnumber CPUs), user_min,
 *   user_max, kernel_min.
 *  The codec. An entry of 0 is none; a leaf of no rights is not 0 and not valid to
 *  the hardware, yet names its frame.
 *   tome_pte_leaf(m, level, pa, prot, type, TOME_LEAF_*)
 *     USER or KERNEL, ACCESSED, MODIFIED, WIRED; distinct bits, any values, below
 *     32 with TOME_LEAF_USER aside where a side array is used. Where a first access would
 *     be a fault, all may be born ACCESSED
 *   tome_pte_table(m, level, pa, TOME_LEAF_USER or 0)   level: of the entry
 *   tome_pte_is_table(level, pte)   tome_pte_table_pa(pte)
 *   tome_pte_pa(level, pte)   tome_pte_prot(m, pte)   tome_pte_type(m, level, pte)
 *   struct tome_narrow tome_pte_narrowing(m, prot), tome_pte_narrowed(pte, narrow): the
 *   entry with no right beyond prot
 *   tome_pte_usable(m, pte)	of tome_pte_prot(), what the MMU allows without a fault;
 *				less where accessed and modified are to be seen
 *   tome_pte_run(m, pte)	as one of a run; where this CPU has none, pte itself. Only
 *				with TOME_PORT_RUN_BITS; then there is no side array
 *  Without a side array (HW_AM and SW_BITS), bits that the MMU may set are kept by
 *   tome_pte_narrowed(), and are
 *   tome_pte_flags(pte): TOME_LEAF_ACCESSED, _MODIFIED and _WIRED of a leaf
 *   tome_pte_unflagged(pte, flags)	without these
 *   tome_pte_upgraded(pte, old)	pte, with what the MMU noted in old
 *
 * insn.h, replaced by the hosted machine's; of the same names on every port:
 *
 *  tome_pte_t tome_insn_pte_load(const tome_pte_t *)	seq_cst, never torn
 *  void tome_insn_pte_store(tome_pte_t *, tome_pte_t)	entry not yet reachable
 *  tome_pte_t tome_insn_pte_xchg(tome_pte_t *, tome_pte_t)	atomic, seq_cst, and
 *	returns what the hardware set; the only way to change a live entry
 *  bool tome_insn_pte_cas(tome_pte_t *, tome_pte_t *seen, tome_pte_t)
 *  size_t tome_insn_copy_in(m, void *dst, tome_va_t src, size_t len)
 *  size_t tome_insn_copy_out(m, tome_va_t dst, const void *src, size_t len)
 *	through the MMU, as the kernel, taking faults as they come; the number
 *	of bytes not copied because one could not be resolved
 *  bool tome_insn_user_load32(m, tome_va_t, uint32_t *out)
 *  bool tome_insn_user_cas32(m, tome_va_t, uint32_t *seen, uint32_t v)
 *	atomic and aligned; false: the access faulted
 *
 * and those that only the port's own tlb.c uses. x86_64 (regs.h has the numbers):
 *  tome_insn_invlpg(va)  tome_insn_invpcid(type, pcid, va)
 *  tome_insn_invlpgb(rax, ecx, edx)  tome_insn_tlbsync()
 *  tome_insn_read_cr3() write_cr3(v) read_cr4() write_cr4(v)
 *  tome_insn_cpuid(leaf, sub, out[4])  tome_insn_rdmsr(msr) wrmsr(msr, v)
 *
 * tlb.c, below: which operations, in which order. It is pure C over insn.h.
 */
#ifndef TOME_PORT_H
#define TOME_PORT_H

#include <tome/types.h>

/* Ask the CPU what it can do. False: it cannot run this port. */
bool tome_mmu_probe(struct tome_mmu *) TOME_NODISCARD;

/*
 * Program this CPU as probed (memory types, tags, global pages) and run the
 * kernel's root. Once per CPU, interrupts off.
 */
void tome_mmu_start(const struct tome_mmu *, tome_pa_t kernel_root);

/*
 * Run `root`, tagged `asid` (0 where m->asids is 0, and for the kernel's own
 * root; with two roots, root 0 is no user space). flush: drop what this CPU holds under the tag; without tags a root
 * change always drops everything that is not global.
 */
void tome_mmu_switch(const struct tome_mmu *, tome_pa_t root, unsigned asid,
    bool flush);

/*
 * Flush on this CPU, walk caches included (by _pages: TOME_PORT_FLUSH_WALKS). _pages: [start, end) under the
 * running tag, kernel addresses under every tag. _asid: all that is not
 * global under the running tag. _all: everything under every tag.
 */
void tome_mmu_flush_pages(const struct tome_mmu *, tome_va_t start,
    tome_va_t end);
void tome_mmu_flush_asid(const struct tome_mmu *);
void tome_mmu_flush_all(const struct tome_mmu *);

/*
 * Only where TOME_PORT_BROADCAST may be true: the same on every CPU, complete on
 * return. _pages: under number `asid`; kernel addresses, for which asid is 0, under
 * every number. _asid: all that is not global under that number. Preemption off.
 */
void tome_mmu_broadcast_pages(const struct tome_mmu *, unsigned asid,
    tome_va_t start, tome_va_t end);
void tome_mmu_broadcast_asid(const struct tome_mmu *, unsigned asid);
void tome_mmu_broadcast_all(const struct tome_mmu *);

/* Only where TOME_PORT_VISIBLE (format.h may have it as a macro), and where
 * TOME_PORT_ICACHE. */
#ifndef tome_mmu_visible
void tome_mmu_visible(const struct tome_mmu *, const tome_pte_t *first,
    size_t n);
#endif
void tome_mmu_sync_icache(const struct tome_mmu *, const void *frame);

/*
 * For the kernel's fault vector: where to resume when the fault at
 * instruction `ip`, taken in kernel mode, could not be resolved and came from
 * an access to user memory; 0 when it did not.
 */
uintptr_t tome_user_fixup(uintptr_t ip);

#endif
