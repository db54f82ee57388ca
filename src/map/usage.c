/*
 * usage.c - what is resident: totals of a map, figures of a range, mincore.
 *
 * Figures are of the moment each page is looked at: faults go on.
 *
 * Locks: take the map's; each leaf table's in turn.
 */
#include <base/memory.h>
#include <map/edit.h>

typedef void page_fn(void *arg, struct tome_entry *, tome_va_t,
    const struct tome_slot_view *);

/* Call fn for every translation of [start, end) of an entry. */
static tome_cold void
each_translation(struct tome_entry *en, tome_va_t start, tome_va_t end,
    page_fn *fn, void *arg)
{
	tome_va_t span = tome_leaf_span(), va = start, stop;
	struct tome_slot_view view;
	struct tome_leaf leaf;

	for (; va < end; va = stop) {
		stop = (va & ~(span - 1)) + span;
		if (stop > end || stop < va)
			stop = end;
		tome_epoch_enter(en->map->vm);
		if (tome_leaf_find(en->map->pmap, va, false, &leaf) ==
		    TOME_OK) {
			for (; va < stop && va < leaf.end;
			    va += TOME_PAGE_SIZE) {
				tome_leaf_lock(&leaf);
				view = tome_leaf_read(&leaf, va);
				tome_leaf_unlock(&leaf);
				if (view.valid)
					fn(arg, en, va, &view);
			}
			stop = va;
		}
		tome_epoch_leave(en->map->vm);
	}
}

/* ---- totals ---- */

static tome_cold void
count_page(void *arg, struct tome_entry *en, tome_va_t va,
    const struct tome_slot_view *view)
{
	(void)en, (void)va, (void)view;
	++*(uint64_t *)arg;
}

tome_cold void
tome_map_totals(struct tome_map *map, struct tome_map_totals *out)
{
	struct tome_entry *en;

	memset(out, 0, sizeof *out);
	tome_mutex_lock(map->vm, &map->lock, TOME_RANK_MAP);
	out->entries = map->nentries;
	out->virtual_pages = map->vpages;
	out->data_pages = map->data_pages;
	out->stack_pages = map->stack_pages;
	out->exec_pages = map->exec_pages;
	out->locked_pages = map->locked_pages;
	for (en = tome_tree_find(&map->tree, 0); en != NULL;
	    en = tome_tree_next(&map->tree, en))
		if (tome_entry_flags(en) & TOME_ENTRY_SHARED)
			each_translation(en, en->start, en->end, count_page,
			    &out->resident_shared);
	out->resident_pages = tome_pmap_resident(map->pmap);
	out->table_pages = tome_pmap_tables(map->pmap);
	if (out->resident_pages > map->peak_resident)
		map->peak_resident = out->resident_pages;
	out->peak_virtual = map->peak_virtual;
	out->peak_resident = map->peak_resident;
	tome_mutex_unlock(map->vm, &map->lock, TOME_RANK_MAP);
}

/* ---- a range ---- */

/* Is the page this entry's own, not the object's below it? */
static tome_cold bool
page_own(struct tome_entry *en, tome_va_t va)
{
	uint64_t slot = en->slot + ((va - en->start) >> TOME_PAGE_SHIFT);
	struct tome_amap *am = tome_entry_amap(en);
	struct tome_chunk *ch;

	if (am == NULL)
		return false;
	ch = tome_amap_lookup(am, slot).chunk;
	return ch != NULL && tome_rd(&ch->anon[slot & TOME_CHUNK_MASK]) != NULL;
}

/* A page's bytes, divided: not every CPU can. */
static tome_cold uint32_t
page_part(unsigned names)
{
	uint32_t part = 0;

	for (uint32_t bit = TOME_PAGE_SIZE / 2; bit != 0; bit >>= 1)
		if ((uint64_t)(part + bit) * names <= TOME_PAGE_SIZE)
			part += bit;
	return part;
}

static tome_cold void
usage_page(void *arg, struct tome_entry *en, tome_va_t va,
    const struct tome_slot_view *view)
{
	struct tome_usage *u = arg;
	struct tome_vm *vm = en->map->vm;
	struct tome_translation t;
	bool own = page_own(en, va), dirty, shared;
	unsigned names = 1;

	if (view->pfn == tome_zero_frame(vm) ||
	    !tome_pmap_extract(en->map->pmap, va, &t))
		return;
	if (tome_page_try(vm, view->pfn) != NULL)
		names = tome_page_mappings(vm, view->pfn);
	shared = names > 1;
	u->proportional += shared ? page_part(names) : TOME_PAGE_SIZE;
	dirty = own || t.modified;
	u->resident++;
	u->shared_clean += shared && !dirty;
	u->shared_dirty += shared && dirty;
	u->private_clean += !shared && !dirty;
	u->private_dirty += !shared && dirty;
	u->referenced += t.accessed;
	u->anonymous += own;
	u->locked += view->wired;
}

static tome_cold uint64_t
slots_swapped(struct tome_amap *am, uint64_t first, uint64_t n)
{
	const struct tome_anon_pager *pager;

	if (am == NULL)
		return 0;
	pager = am->vm->objects->anon_pager;
	return pager == NULL ? 0 : pager->swapped(am, first, first + n - 1);
}

/* Of what is shared, its object's pages. */
static tome_cold void
usage_swapped(struct tome_entry *en, tome_va_t start, tome_va_t end,
    struct tome_usage *u)
{
	uint64_t at = (start - en->start) >> TOME_PAGE_SHIFT;
	uint64_t n = (end - start) >> TOME_PAGE_SHIFT;

	u->swapped += slots_swapped(tome_entry_amap(en), en->slot + at, n);
	if (en->object != NULL && (tome_entry_flags(en) & TOME_ENTRY_SHARED))
		u->swapped_shared += slots_swapped(en->object->amap,
		    en->offset + at, n);
}

tome_cold void
tome_map_usage(struct tome_map *map, tome_va_t start, tome_va_t end,
    struct tome_usage *out)
{
	struct tome_entry *en;
	tome_va_t from, to;

	memset(out, 0, sizeof *out);
	tome_mutex_lock(map->vm, &map->lock, TOME_RANK_MAP);
	for (en = tome_tree_find(&map->tree, start);
	    en != NULL && en->start < end;
	    en = tome_tree_next(&map->tree, en)) {
		from = en->start > start ? en->start : start;
		to = en->end < end ? en->end : end;
		each_translation(en, from, to, usage_page, out);
		usage_swapped(en, from, to, out);
	}
	tome_mutex_unlock(map->vm, &map->lock, TOME_RANK_MAP);
}

/* ---- mincore ---- */

struct incore {
	tome_va_t start;
	uint8_t *vec;
};

static tome_cold void
incore_page(void *arg, struct tome_entry *en, tome_va_t va,
    const struct tome_slot_view *view)
{
	struct incore *in = arg;

	(void)en, (void)view;
	in->vec[(va - in->start) >> TOME_PAGE_SHIFT] = 1;
}

/* Inside an epoch: an anon that goes meanwhile can still be looked at. */
static tome_cold bool
slot_present(struct tome_amap *am, uint64_t slot)
{
	struct tome_chunk *ch = tome_amap_lookup(am, slot).chunk;
	struct tome_anon *an = ch == NULL ? NULL :
	    tome_rd(&ch->anon[slot & TOME_CHUNK_MASK]);

	return an != NULL && tome_rd(&an->pfn) != TOME_PFN_NONE;
}

/* Present, though perhaps not translated: the entry's own, or its object's. */
static tome_cold bool
page_present(struct tome_entry *en, tome_va_t va)
{
	tome_pgoff_t pg = en->offset + ((va - en->start) >> TOME_PAGE_SHIFT);
	struct tome_amap *am = tome_entry_amap(en);

	if (am != NULL && slot_present(am, en->slot +
	    ((va - en->start) >> TOME_PAGE_SHIFT)))
		return true;
	if (page_own(en, va))
		return false;		/* swapped out, and what is below hidden */
	if (en->object == NULL || en->object->kind == TOME_OBJECT_DEVICE)
		return false;
	if (en->object->ops != NULL)
		return en->object->ops->present(en->object, pg);
	return slot_present(en->object->amap, pg);
}

static tome_cold void
incore_part(struct tome_entry *en, tome_va_t start, tome_va_t end,
    struct incore *in)
{
	tome_va_t va;

	each_translation(en, start, end, incore_page, in);
	tome_epoch_enter(en->map->vm);
	for (va = start; va < end; va += TOME_PAGE_SIZE)
		if (page_present(en, va))
			in->vec[(va - in->start) >> TOME_PAGE_SHIFT] = 1;
	tome_epoch_leave(en->map->vm);
}

tome_cold enum tome_err
tome_map_incore(struct tome_map *map, tome_va_t start, tome_va_t len,
    uint8_t *vec)
{
	struct incore in = { .start = start, .vec = vec };
	tome_va_t end = start + len, va = start;
	struct tome_entry *en;

	if (!tome_range_ok(map, start, len))
		return TOME_ENOMEM;
	memset(vec, 0, len >> TOME_PAGE_SHIFT);
	tome_mutex_lock(map->vm, &map->lock, TOME_RANK_MAP);
	for (en = tome_tree_find(&map->tree, start);
	    va < end && en != NULL && en->start <= va;
	    en = tome_tree_next(&map->tree, en)) {
		incore_part(en, va, en->end < end ? en->end : end, &in);
		va = en->end;
	}
	tome_mutex_unlock(map->vm, &map->lock, TOME_RANK_MAP);
	return va < end ? TOME_ENOMEM : TOME_OK;
}
