/*
 * leaf.c - single translations of a leaf, under its lock (leaf.h).
 *
 * Invariant 4: a slot in use that names a managed frame has one pv record; both
 *   come and go here and in slot.h, under the leaf's lock.
 * Order: the record before the entry when one comes, the entry before the record
 *   when it goes, so that a reverse walk finds every live entry.
 */
#include <pmap/slot.h>

static void leaf_upgrade(struct tome_leaf *, size_t i, tome_pte_t old,
    tome_pte_t pte);
static bool slot_wire(struct tome_page *);
static void leaf_sync_code(struct tome_leaf *, struct tome_page *, tome_pfn_t);

/* What becomes of an upgraded entry's flags here; the hardware's stay with the port. */
#define HAD (TOME_SIDE ? TOME_SLOT_FLAGS : TOME_LEAF_WIRED)

#define BORN (TOME_LEAF_ACCESSED)
#define BORN_MODIFIED (TOME_LEAF_ACCESSED | TOME_LEAF_MODIFIED)

/* What an entry is born with, by TOME_PMAP_WIRED 1, _MODIFIED 2, _AHEAD 4. */
static const uint16_t born[8] = {
	BORN, BORN | TOME_LEAF_WIRED,
	BORN_MODIFIED, BORN_MODIFIED | TOME_LEAF_WIRED,
	0, TOME_LEAF_WIRED,
	BORN_MODIFIED, BORN_MODIFIED | TOME_LEAF_WIRED,
};

struct tome_slot_view
tome_leaf_read(const struct tome_leaf *l, tome_va_t va)
{
	size_t i = tome_leaf_index(va);
	tome_pte_t pte = tome_insn_pte_load(&l->ptes[i]);
	struct tome_slot_view v = {.valid = false};

	if (pte == 0)
		return v;
	v.valid = true;
	v.pfn = tome_pa_pfn(tome_pte_pa(0, pte));
	v.prot = tome_pte_usable(tome_pmap_mmu(l->pmap), pte);
	v.wired = tome_slot_flags(l, i, pte) & TOME_LEAF_WIRED;
	return v;
}

enum tome_err
tome_leaf_reserve(struct tome_leaf *l, unsigned n)
{
	struct tome_vm *vm = l->vm;

	if (tome_likely(tome_pmap_cpu(vm)->nchunks >= n))
		return TOME_OK;
	return tome_pv_reserve_slow(vm, n);
}

void
tome_leaf_enter(struct tome_leaf *l, tome_va_t va, tome_pfn_t pfn,
    tome_prot_t prot, enum tome_memtype type, unsigned flags)
{
	size_t i = tome_leaf_index(va);
	struct tome_page *pg = tome_managed(l->pmap, pfn);
	tome_pte_t old = tome_insn_pte_load(&l->ptes[i]), pte;
	unsigned had = old == 0 ? 0 : tome_slot_flags(l, i, old) & HAD;
	unsigned lf = born[flags & 7] | had;

	/* Nobody is there to ask for what is withheld from the kernel. */
	if (TOME_SIDE && !tome_pmap_is_user(l->pmap))
		lf |= BORN_MODIFIED;
	if (tome_unlikely((lf & ~had) & TOME_LEAF_WIRED) && pg != NULL &&
	    !slot_wire(pg))
		lf &= ~TOME_LEAF_WIRED;
	if (TOME_PORT_ICACHE && (prot & TOME_PROT_EXEC) && pg != NULL)
		leaf_sync_code(l, pg, pfn);
	tome_slot_note(l, i, prot, lf);
	pte = tome_pte_leaf(tome_pmap_mmu(l->pmap), 0, tome_pfn_pa(pfn),
	    tome_slot_usable(prot, lf), type, lf | l->pmap->flags);
	if (tome_unlikely(old != 0)) {
		leaf_upgrade(l, i, old, pte);
		return;
	}
	if (pg != NULL)
		tome_pv_insert(l->vm, pg, tome_pv_record(l->frame, i));
	tome_slot_xchg(l, i, pte);
	tome_slot_count(l->table, 1);
}

/* The same frame with more rights: nothing a TLB holds grants too much. */
static tome_noinline void
leaf_upgrade(struct tome_leaf *l, size_t i, tome_pte_t old, tome_pte_t pte)
{
	TOME_CHECK(l->vm, tome_pte_pa(0, old) == tome_pte_pa(0, pte));
	TOME_ASSERT(l->vm, (tome_pte_prot(tome_pmap_mmu(l->pmap), old) &
	    ~tome_pte_prot(tome_pmap_mmu(l->pmap), pte)) == 0);
	while (!tome_insn_pte_cas(&l->ptes[i], &old,
	    tome_pte_upgraded(pte, old)))
		;
	if (TOME_PORT_VISIBLE)
		tome_mmu_visible(tome_pmap_mmu(l->pmap), &l->ptes[i], 1);
}

/* False: the count is full. The page is wired enough then; this translation
 * does without. */
static tome_noinline bool
slot_wire(struct tome_page *pg)
{
	uint32_t seen = tome_rd_relaxed(&pg->state);

	do {
		if (seen + TOME_PAGE_WIRE_ONE < seen)
			return false;
	} while (!tome_cas_sc(&pg->state, &seen, seen + TOME_PAGE_WIRE_ONE));
	return true;
}

static void
leaf_sync_code(struct tome_leaf *l, struct tome_page *pg, tome_pfn_t pfn)
{
	struct tome_vm *vm = l->vm;
	void *va;

	if (!(tome_rd(&pg->state) & TOME_PAGE_STALE_CODE))
		return;
	va = tome_frame_window(vm, pfn);
	if (TOME_PORT_ICACHE)
		tome_mmu_sync_icache(tome_pmap_mmu(l->pmap), va);
	tome_frame_window_end(vm, pfn, va);
	tome_and(&pg->state, ~TOME_PAGE_STALE_CODE);
}

void
tome_leaf_clear(struct tome_leaf *l, struct tome_gather *g, tome_va_t va)
{
	size_t i = tome_leaf_index(va);

	if (tome_insn_pte_load(&l->ptes[i]) == 0)
		return;
	tome_slot_drop(l, i);
	tome_slot_count(l->table, -1);
	tome_gather_range(g, va, va + TOME_PAGE_SIZE);
	g->npages++;
}

void
tome_leaf_replace(struct tome_leaf *l, tome_va_t va, tome_pfn_t pfn,
    tome_prot_t prot, enum tome_memtype type, unsigned flags)
{
	tome_slot_drop(l, tome_leaf_index(va));
	tome_slot_count(l->table, -1);
	tome_round(l->pmap, va, va + TOME_PAGE_SIZE);
	tome_leaf_enter(l, va, pfn, prot, type, flags);
}

void
tome_leaf_flush_local(struct tome_leaf *l, tome_va_t va)
{
	if (!TOME_PORT_FLUSH_WALKS && tome_pmap_is_user(l->pmap)) {
		tome_mmu_flush_asid(tome_pmap_mmu(l->pmap));
		tome_count(l->vm, TOME_N_FLUSH_ASID, 1);
		return;
	}
	tome_mmu_flush_pages(tome_pmap_mmu(l->pmap), va, va + TOME_PAGE_SIZE);
	tome_count(l->vm, TOME_N_FLUSH_PAGE, 1);
}

tome_va_t
tome_leaf_span(void)
{
	return tome_unit_span(0);
}
