/*
 * slot.h - one entry of a leaf: dropping it with all that hangs off it.
 *
 * Shared by everything that removes translations (ranges, single slots, the
 * page side), and in the shortest form that serves them: it is the inner loop
 * of munmap. Under the leaf's lock.
 */
#ifndef TOME_PMAP_SLOT_H
#define TOME_PMAP_SLOT_H

#include <pmap/side.h>

/*
 * The descriptor of a managed frame, which has pv records and a wire count;
 * else NULL. A frame keeps its identity while it is mapped.
 */
static inline struct tome_page *
tome_managed(const struct tome_pmap *p, tome_pfn_t pfn)
{
	struct tome_page *pg;

	if (!tome_pmap_is_user(p))
		return NULL;
	pg = tome_page_try(p->vm, pfn);
	if (tome_unlikely(pg == NULL))
		return NULL;
	_Static_assert(TOME_PAGE_CACHE == TOME_PAGE_ANON + 1 &&
	    TOME_PAGE_DEVICE == TOME_PAGE_ANON + 2, "one comparison below");
	return (unsigned)tome_page_identity(pg) - TOME_PAGE_ANON <= 2 ? pg :
	    NULL;
}

/* Keep what the hardware has told about the page (invariant 8). */
static inline void
tome_slot_save(struct tome_page *pg, unsigned flags)
{
	uint32_t keep = (flags & TOME_LEAF_ACCESSED ? TOME_PAGE_ACCESSED : 0) |
	    (flags & TOME_LEAF_MODIFIED ? TOME_PAGE_MODIFIED : 0);

	if (keep & ~tome_rd_relaxed(&pg->state))
		tome_or(&pg->state, keep);
}

static inline void
tome_slot_unwire(struct tome_vm *vm, struct tome_page *pg)
{
	uint32_t was = __atomic_fetch_sub(tome_plain(&pg->state),
	    TOME_PAGE_WIRE_ONE, __ATOMIC_ACQ_REL);

	TOME_CHECK(vm, was >= TOME_PAGE_WIRE_ONE);
}

/* A store that the MMU may see from now on; returns what was there. */
static inline tome_pte_t
tome_slot_xchg(const struct tome_leaf *l, size_t i, tome_pte_t v)
{
	tome_pte_t old = tome_insn_pte_xchg(&l->ptes[i], v);

	if (TOME_PORT_VISIBLE && (TOME_PORT_VISIBLE < 2 || v != 0))
		tome_mmu_visible(tome_pmap_mmu(l->pmap), &l->ptes[i], 1);
	return old;
}

/* Entries in use: changed under the lock, read by anyone. */
static inline void
tome_slot_count(struct tome_page *table, int by)
{
	tome_wr_relaxed(&table->index, table->index + (uint32_t)by);
}

/* An entry in use goes, with what hangs off it; the caller counts. */
static inline void
tome_slot_drop(struct tome_leaf *l, size_t i)
{
	tome_pte_t old = tome_slot_xchg(l, i, 0);
	struct tome_page *pg =
	    tome_managed(l->pmap, tome_pa_pfn(tome_pte_pa(0, old)));
	unsigned flags = tome_slot_flags(l, i, old);

	tome_slot_note(l, i, TOME_PROT_NONE, 0);
	if (tome_unlikely(pg == NULL))
		return;
	tome_pv_remove(l->vm, pg, tome_pv_record(l->frame, i));
	tome_slot_save(pg, flags);
	if (tome_unlikely(flags & TOME_LEAF_WIRED))
		tome_slot_unwire(l->vm, pg);
}

/*
 * Take away rights beyond prot from an entry in use, `old` when last looked at;
 * true if something went. The hardware may set bits meanwhile: so compare and
 * swap.
 */
static inline bool
tome_slot_narrow(const struct tome_leaf *l, size_t i, tome_pte_t old,
    tome_prot_t prot, struct tome_narrow n)
{
	if (TOME_SIDE)
		tome_slot_note(l, i, tome_slot_granted(l, i, old) & prot,
		    tome_slot_flags(l, i, old));
	if (tome_pte_narrowed(old, n) == old)
		return false;
	while (!tome_insn_pte_cas(&l->ptes[i], &old, tome_pte_narrowed(old, n)))
		;
	if (TOME_PORT_VISIBLE == 1)
		tome_mmu_visible(tome_pmap_mmu(l->pmap), &l->ptes[i], 1);
	return true;
}

/*
 * Clear accessed, modified or wired; what there was of them. In the side array
 * the hardware's rights shrink with them, so that it asks again.
 */
static inline unsigned
tome_slot_clear(const struct tome_leaf *l, size_t i, unsigned flags)
{
	tome_pte_t old = tome_insn_pte_load(&l->ptes[i]);
	unsigned had = tome_slot_flags(l, i, old);
	tome_prot_t granted = tome_slot_granted(l, i, old);

	if ((had & flags) == 0)
		return 0;
	if (TOME_SIDE) {
		tome_slot_note(l, i, granted, had & ~flags);
		tome_slot_xchg(l, i, tome_pte_narrowed(old, tome_pte_narrowing(
		    tome_pmap_mmu(l->pmap),
		    tome_slot_usable(granted, had & ~flags))));
		return had & flags;
	}
	while (!tome_insn_pte_cas(&l->ptes[i], &old,
	    tome_pte_unflagged(old, flags)))
		;
	if (TOME_PORT_VISIBLE)
		tome_mmu_visible(tome_pmap_mmu(l->pmap), &l->ptes[i], 1);
	return tome_slot_flags(l, i, old) & flags;
}

#endif
