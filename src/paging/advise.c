/*
 * advise.c - advice about a range that layer 6 can take: its pages leave now, or before
 * others, or those that have left are read.
 *
 * Locks: none between two pages. A page's way out or in must not wait for the map.
 */
#include <map/map_i.h>
#include <object/vnode.h>
#include <paging/paging_i.h>

/* ---- PAGEOUT, COLD ---- */

/* One page, if at most one space has it. */
static bool
frame_takes(struct tome_vm *vm, tome_pfn_t pfn, struct tome_pageout *po,
    enum tome_evict_which which)
{
	struct tome_page *page = tome_page_try(vm, pfn);
	enum tome_evict what = TOME_EVICT_KEPT;

	if (page == NULL)
		return false;
	if (tome_page_identity(page) == TOME_PAGE_ANON)
		what = tome_pageout_anon(po, page, which);
	else if (tome_page_identity(page) == TOME_PAGE_CACHE)
		what = tome_cache_evict(vm, page, which);
	return what == TOME_EVICT_FREED || what == TOME_EVICT_STARTED;
}

static bool
page_takes(struct tome_map *map, tome_va_t va, struct tome_pageout *po,
    enum tome_evict_which which)
{
	struct tome_translation t;

	return tome_pmap_extract(map->pmap, va, &t) &&
	    frame_takes(map->vm, tome_pa_pfn(t.pa), po, which);
}

tome_noinline bool
tome_page_out(struct tome_vm *vm, tome_pfn_t pfn)
{
	struct tome_pageout po;
	bool left;

	tome_pageout_begin(&po, vm->paging);
	left = frame_takes(vm, pfn, &po, TOME_EVICT_OWN);
	tome_pageout_end(&po);
	tome_swap_finish(vm->paging);
	return left;
}

tome_noinline uint64_t
tome_map_page_out(struct tome_map *map, tome_va_t start, tome_va_t len)
{
	struct tome_paging *p = map->vm->paging;
	struct tome_pageout po;
	uint64_t left = 0;

	tome_pageout_begin(&po, p);
	for (tome_va_t va = start; va < start + len; va += TOME_PAGE_SIZE) {
		left += page_takes(map, va, &po, TOME_EVICT_OWN);
		if (po.n == TOME_SWAP_MAX)
			tome_pageout_end(&po);
	}
	tome_pageout_end(&po);
	tome_swap_finish(p);
	return left;
}

static tome_noinline void
cool(struct tome_map *map, tome_va_t start, tome_va_t len)
{
	struct tome_paging *p = map->vm->paging;
	struct tome_pageout po;

	tome_pageout_begin(&po, p);
	tome_mutex_lock(p->vm, &p->sweep, TOME_RANK_MAP);
	for (tome_va_t va = start; va < start + len; va += TOME_PAGE_SIZE)
		(void)page_takes(map, va, &po, TOME_EVICT_COOL);
	tome_mutex_unlock(p->vm, &p->sweep, TOME_RANK_MAP);
}

/* ---- WILLNEED ---- */

/* The first slot of [*slot, last] whose anon is swapped out. Inside an epoch. */
static bool
next_swapped(struct tome_amap *am, uint64_t *slot, uint64_t last)
{
	struct tome_dirent d;
	uint64_t at = *slot;
	const struct tome_anon *an;

	while (at <= last && tome_amap_next(am, &at, last, &d)) {
		if (*slot < at - TOME_CHUNK_ANONS)
			*slot = at - TOME_CHUNK_ANONS;
		for (; *slot < at && *slot <= last; ++*slot) {
			unsigned i = *slot & TOME_CHUNK_MASK;

			if (tome_chunk_packed(d.chunk)) {
				if (tome_chunk_far(d.chunk) ||
				    d.chunk->slot[i] != 0)
					return true;
				continue;
			}
			an = tome_rd(&d.chunk->anon[i]);
			if (an != NULL && tome_rd(&an->pfn) == TOME_PFN_NONE)
				return true;
		}
	}
	return false;
}

/* What lies at va, or above. */
struct lack {
	tome_va_t va, end;		/* read here next; that far */
	struct tome_object *file;	/* counted; or NULL: a swapped-out page */
	tome_pgoff_t first;
};

/* Of this entry, from l->va on. The map is locked. */
static bool
entry_lacks(struct tome_entry *en, struct lack *l)
{
	tome_pgoff_t page = (l->va - en->start) >> TOME_PAGE_SHIFT;
	tome_pgoff_t n = (l->end - l->va) >> TOME_PAGE_SHIFT;
	struct tome_amap *am = tome_entry_amap(en);
	uint64_t first = en->slot + page, slot;
	bool found;

	l->file = NULL;
	if (en->object != NULL && en->object->ops != NULL) {
		l->file = en->object;
		l->first = en->offset + page;
		tome_object_ref(l->file);
		return true;
	}
	if (tome_entry_flags(en) & TOME_ENTRY_SHARED) {
		am = en->object->amap;
		first = en->offset + page;
	}
	if (am == NULL || en->prot == TOME_PROT_NONE)
		return false;
	slot = first;
	tome_epoch_enter(en->map->vm);
	found = next_swapped(am, &slot, first + n - 1);
	tome_epoch_leave(en->map->vm);
	l->va += (tome_va_t)(slot - first) << TOME_PAGE_SHIFT;
	return found;
}

/* From l->va on. */
static tome_noinline bool
next_lack(struct tome_map *map, tome_va_t end, struct lack *l)
{
	struct tome_entry *en;
	bool found = false;

	tome_mutex_lock(map->vm, &map->lock, TOME_RANK_MAP);
	for (en = tome_tree_find(&map->tree, l->va);
	    en != NULL && en->start < end && !found;
	    en = tome_tree_next(&map->tree, en)) {
		if (l->va < en->start)
			l->va = en->start;
		l->end = en->end < end ? en->end : end;
		found = entry_lacks(en, l);
		if (!found)
			l->va = l->end;
	}
	tome_mutex_unlock(map->vm, &map->lock, TOME_RANK_MAP);
	return found;
}

static void
file_needed(struct tome_map *map, const struct lack *l)
{
	bool none = false;
	unsigned payer = tome_ledger_payer(map, &none);

	if (!none)
		tome_vnode_willneed(l->file, l->first,
		    (l->end - l->va) >> TOME_PAGE_SHIFT, payer);
	tome_object_unref(l->file);
}

/* What was swapped out is read as a fault would read it; as long as there is memory. */
static tome_noinline void
will_need(struct tome_map *map, tome_va_t start, tome_va_t end)
{
	struct lack l = { .va = start };

	while (l.va < end && next_lack(map, end, &l)) {
		if (l.file != NULL) {
			file_needed(map, &l);
			l.va = l.end;
			continue;
		}
		if (tome_fault(map, l.va, TOME_PROT_READ) != TOME_OK)
			break;
		l.va += TOME_PAGE_SIZE;
	}
}

void
tome_paging_advise(struct tome_map *map, tome_va_t start, tome_va_t len,
    enum tome_advice advice)
{
	switch (advice) {
	case TOME_ADV_PAGEOUT:
		(void)tome_map_page_out(map, start, len);
		break;
	case TOME_ADV_COLD:
		cool(map, start, len);
		break;
	case TOME_ADV_WILLNEED:
		will_need(map, start, start + len);
		break;
	default:
		break;
	}
}
