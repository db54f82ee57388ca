/*
 * range.c - removing, narrowing and unwiring over ranges, leaf by leaf.
 *
 * Each leaf is edited under its lock; what must be flushed is gathered. The
 * caller holds the map's lock or is inside an epoch, so that tables stay.
 * Slots outside the range are other entries', and may change meanwhile.
 */
#include <pmap/run.h>

static void leaf_remove(struct tome_leaf *, struct tome_gather *,
    tome_va_t start, tome_va_t end);
static void leaf_protect(struct tome_leaf *, struct tome_gather *,
    tome_va_t start, tome_va_t end, tome_prot_t);
static void gather_slots(struct tome_gather *, const struct tome_leaf *,
    size_t first, size_t last);
static void leaf_unwire(struct tome_leaf *, tome_va_t start, tome_va_t end);

/* Where the leaf or the range ends, first. An end may have wrapped to 0. */
static inline tome_va_t
leaf_stop(const struct tome_leaf *l, tome_va_t end)
{
	return end - l->base < l->end - l->base ? end : l->end;
}

/* A run stays one only if all of it changes. */
static inline void
leaf_edges(struct tome_leaf *l, tome_va_t start, tome_va_t end)
{
	if (TOME_PORT_RUN_BITS != 0 && !tome_pmap_is_user(l->pmap))
		tome_run_edges(l, start, end);
}

void
tome_range_remove(struct tome_gather *g, tome_va_t start, tome_va_t end)
{
	struct tome_leaf l;
	tome_va_t va = start, stop;
	bool empty;

	while (tome_walk_next(g->pmap, &va, end, &l)) {
		tome_leaf_lock(&l);
		stop = leaf_stop(&l, end);
		leaf_edges(&l, va, stop);
		leaf_remove(&l, g, va, stop);
		empty = l.table->index == 0 && !g->keep_tables &&
		    tome_pmap_is_user(g->pmap) && !tome_leaf_stray(&l);
		if (empty)
			tome_leaf_detach(&l, g);
		tome_leaf_unlock(&l);
		if (empty)
			tome_upper_collect(g->pmap, g, l.base);
		if (stop == end)
			break;
		va = stop;
	}
}

void
tome_range_collect(struct tome_gather *g, tome_va_t start, tome_va_t end)
{
	struct tome_leaf l;
	tome_va_t va = start;
	bool empty;

	while (tome_walk_next(g->pmap, &va, end, &l)) {
		tome_leaf_lock(&l);
		empty = l.table->index == 0 && !tome_leaf_stray(&l);
		if (empty)
			tome_leaf_detach(&l, g);
		tome_leaf_unlock(&l);
		if (empty)
			tome_upper_collect(g->pmap, g, l.base);
		va = leaf_stop(&l, end);
		if (va == end)
			break;
	}
}

/* Stops when nothing is left: a leaf is often all but empty. */
static void
leaf_remove(struct tome_leaf *l, struct tome_gather *g, tome_va_t start,
    tome_va_t end)
{
	size_t i = tome_leaf_index(start);
	size_t stop = i + (size_t)((end - start) >> TOME_PAGE_SHIFT);
	uint32_t had = l->table->index, left = had;
	size_t first, last = i;

	for (; i < stop && tome_insn_pte_load(&l->ptes[i]) == 0; i++)
		;
	for (first = i; i < stop && left != 0; i++) {
		if (tome_insn_pte_load(&l->ptes[i]) == 0)
			continue;
		last = i;
		left--;
		tome_slot_drop(l, i);
	}
	if (left == had)
		return;
	tome_wr_relaxed(&l->table->index, left);
	g->npages += had - left;
	gather_slots(g, l, first, last);
}

static void
gather_slots(struct tome_gather *g, const struct tome_leaf *l, size_t first,
    size_t last)
{
	tome_gather_range(g, l->base + ((tome_va_t)first << TOME_PAGE_SHIFT),
	    l->base + ((tome_va_t)(last + 1) << TOME_PAGE_SHIFT));
}

void
tome_range_protect(struct tome_gather *g, tome_va_t start, tome_va_t end,
    tome_prot_t prot)
{
	struct tome_leaf l;
	tome_va_t va = start, stop;

	while (tome_walk_next(g->pmap, &va, end, &l)) {
		tome_leaf_lock(&l);
		stop = leaf_stop(&l, end);
		leaf_edges(&l, va, stop);
		leaf_protect(&l, g, va, stop, prot);
		tome_leaf_unlock(&l);
		if (stop == end)
			break;
		va = stop;
	}
}

static void
leaf_protect(struct tome_leaf *l, struct tome_gather *g, tome_va_t start,
    tome_va_t end, tome_prot_t prot)
{
	struct tome_narrow how = tome_pte_narrowing(tome_pmap_mmu(l->pmap),
	    prot);
	size_t i = tome_leaf_index(start);
	size_t stop = i + (size_t)((end - start) >> TOME_PAGE_SHIFT);
	size_t first = i, last = i;
	uint32_t n = 0;
	tome_pte_t pte;

	if (l->table->index == 0)
		return;
	for (; i < stop; i++) {
		pte = tome_insn_pte_load(&l->ptes[i]);
		if (pte == 0 || !tome_slot_narrow(l, i, pte, prot, how))
			continue;
		if (n++ == 0)
			first = i;
		last = i;
	}
	if (n == 0)
		return;
	g->npages += n;
	gather_slots(g, l, first, last);
}

void
tome_range_unwire(struct tome_pmap *p, tome_va_t start, tome_va_t end)
{
	struct tome_leaf l;
	tome_va_t va = start, stop;

	while (tome_walk_next(p, &va, end, &l)) {
		tome_leaf_lock(&l);
		stop = leaf_stop(&l, end);
		leaf_unwire(&l, va, stop);
		tome_leaf_unlock(&l);
		if (stop == end)
			break;
		va = stop;
	}
}

static void
leaf_unwire(struct tome_leaf *l, tome_va_t start, tome_va_t end)
{
	size_t i = tome_leaf_index(start);
	size_t stop = i + (size_t)((end - start) >> TOME_PAGE_SHIFT);
	struct tome_page *pg;
	tome_pte_t pte;

	for (; i < stop; i++) {
		pte = tome_insn_pte_load(&l->ptes[i]);
		if (pte == 0 || !(tome_slot_flags(l, i, pte) & TOME_LEAF_WIRED))
			continue;
		tome_slot_clear(l, i, TOME_LEAF_WIRED);
		pg = tome_managed(l->pmap, tome_pa_pfn(tome_pte_pa(0, pte)));
		if (pg != NULL)
			tome_slot_unwire(l->vm, pg);
	}
}
