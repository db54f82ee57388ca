/*
 * check.c - recount of what layer 5 promises, with the machine at rest:
 *  1  counts of amaps, chunks and anons, over all names
 *  2  translations of shared anons are read-only
 *  6  entries sorted, disjoint, aligned, within bounds, prot within max_prot
 *  7  no translation grants more than its entry, or lies outside all entries
 *  11 totals
 */
#include <base/text.h>
#include <map/edit.h>

static const char *map_check(struct tome_map *);
static const char *entries_check(struct tome_map *);
static const char *recount_all(struct tome_vm *, enum tome_recount);

tome_cold const char *
tome_maps_check(struct tome_vm *vm)
{
	const char *why = NULL, *again;
	struct tome_map *map;

	/* What waits for its epoch still counts what it names. */
	(void)tome_epoch_drain(vm);
	for (map = vm->maps->list; map != NULL && why == NULL; map = map->next)
		why = map_check(map);
	if (why == NULL)
		why = tome_commit_check(vm);
	if (why != NULL)
		return why;
	why = recount_all(vm, TOME_RECOUNT_SUB);
	if (why == NULL)
		why = recount_all(vm, TOME_RECOUNT_VERIFY);
	again = recount_all(vm, TOME_RECOUNT_ADD);
	return why != NULL ? why : again;
}

static tome_cold const char *
recount_map(struct tome_map *map, enum tome_recount what)
{
	struct tome_entry *en = tome_tree_find(&map->tree, 0);
	const char *why = NULL;

	for (; en != NULL && why == NULL; en = tome_tree_next(&map->tree, en))
		if (en->amap != NULL)
			why = tome_recount_amap(en->amap, what);
	return why;
}

static tome_cold const char *
recount_all(struct tome_vm *vm, enum tome_recount what)
{
	const char *why = tome_recount_objects(vm, what);
	struct tome_map *map = vm->maps->list;

	for (; map != NULL && why == NULL; map = map->next)
		why = recount_map(map, what);
	return why;
}

/* ---- one map ---- */

static tome_cold const char *
entry_check(struct tome_map *map, const struct tome_entry *en)
{
	struct tome_vm *vm = map->vm;

	if (((en->start | en->end) & TOME_PAGE_MASK) != 0 ||
	    en->start < map->lo || en->end > map->hi)
		return tome_why(vm, "6: bounds of the entry", en->start,
		    en->end, map->hi);
	if ((en->prot & ~en->max_prot) != 0)
		return tome_why(vm, "6: rights of the entry", en->start,
		    en->prot, en->max_prot);
	if ((en->seq & 1) != 0 || en->map != map || (en->flags &
	    (TOME_ENTRY_TOUCHED | TOME_ENTRY_DYING)) != 0)
		return tome_why(vm, "entry at rest", en->start, en->seq,
		    en->flags);
	if ((en->flags & TOME_ENTRY_SHARED) && en->amap != NULL)
		return tome_why(vm, "shared entry with an amap", en->start, 1,
		    0);
	return NULL;
}

/* May the entry show this frame at page va, and with these rights? */
static tome_cold const char *
slot_check(const struct tome_entry *en, tome_va_t va,
    struct tome_slot_view view)
{
	struct tome_vm *vm = en->map->vm;
	uint64_t slot = en->slot + ((va - en->start) >> TOME_PAGE_SHIFT);
	tome_prot_t most = en->prot;
	struct tome_anon *an = NULL;
	struct tome_chunk *ch;

	if (most != TOME_PROT_NONE)
		most |= TOME_PROT_READ;
	if (!(en->flags & TOME_ENTRY_SHARED)) {
		ch = en->amap == NULL ? NULL :
		    tome_amap_lookup(en->amap, slot).chunk;
		an = ch == NULL ? NULL : ch->anon[slot & TOME_CHUNK_MASK];
		if (an == NULL || (en->flags & TOME_ENTRY_NEEDS_COPY) ||
		    tome_anon_shared(ch, an))
			most &= ~TOME_PROT_WRITE;
	}
	if ((view.prot & ~most) != 0)
		return tome_why(vm, "7: rights of the translation", va,
		    view.prot, most);
	if (an != NULL && an->pfn != view.pfn)
		return tome_why(vm, "frame of the translation", va, view.pfn,
		    an->pfn);
	return NULL;
}

/* Translations of one leaf that lie in the entry. */
static tome_cold const char *
leaf_check(const struct tome_entry *en, const struct tome_leaf *leaf,
    tome_va_t va, uint64_t *seen)
{
	struct tome_slot_view view;
	const char *why = NULL;

	for (; va < en->end && va < leaf->end && why == NULL;
	    va += TOME_PAGE_SIZE) {
		view = tome_leaf_read(leaf, va);
		if (!view.valid)
			continue;
		++*seen;
		why = slot_check(en, va, view);
	}
	return why;
}

static tome_cold const char *
translations_check(const struct tome_entry *en, uint64_t *seen)
{
	struct tome_vm *vm = en->map->vm;
	tome_va_t va = en->start, span = tome_leaf_span();
	struct tome_leaf leaf;
	const char *why = NULL;

	tome_epoch_enter(vm);
	for (; va < en->end && why == NULL; va = (va & ~(span - 1)) + span)
		if (tome_leaf_find(en->map->pmap, va, false, &leaf) == TOME_OK)
			why = leaf_check(en, &leaf, va, seen);
	tome_epoch_leave(vm);
	return why;
}

struct total {
	const char *what;
	uint64_t *is, was;
};

/* The map's totals must be what its entries sum up to, from nothing. */
static tome_cold const char *
map_check(struct tome_map *map)
{
	struct total total[] = {
		{ "11: virtual pages", &map->vpages, 0 },
		{ "11: data pages", &map->data_pages, 0 },
		{ "11: stack pages", &map->stack_pages, 0 },
		{ "11: exec pages", &map->exec_pages, 0 },
		{ "11: locked pages", &map->locked_pages, 0 },
		{ "11: charged pages", &map->charged_pages, 0 },
	};
	const unsigned n = sizeof total / sizeof total[0];
	const char *why = tome_tree_check(&map->tree, map->nentries);

	if (why != NULL)
		return why;
	for (unsigned i = 0; i < n; i++) {
		total[i].was = *total[i].is;
		*total[i].is = 0;
	}
	why = entries_check(map);
	/* Counted once more, but not promised once more. */
	tome_count(map->vm, TOME_N_COMMITTED, -(int64_t)map->charged_pages);
	for (unsigned i = 0; i < n; i++) {
		uint64_t should = *total[i].is;

		*total[i].is = total[i].was;
		if (why == NULL && should != total[i].was)
			why = tome_why(map->vm, total[i].what, map->id,
			    total[i].was, should);
	}
	return why;
}

/* Each by itself; and counts them. */
static tome_noinline const char *
entries_check(struct tome_map *map)
{
	const char *why = NULL;
	struct tome_entry *en;
	uint64_t seen = 0, resident;

	for (en = tome_tree_find(&map->tree, 0); en != NULL && why == NULL;
	    en = tome_tree_next(&map->tree, en)) {
		why = entry_check(map, en);
		if (why == NULL)
			why = translations_check(en, &seen);
		tome_entry_count(map, en);
	}
	if (why != NULL)
		return why;
	resident = map->kernel ? seen : tome_pmap_resident(map->pmap);
	return seen == resident ? NULL : tome_why(map->vm,
	    "7: translations outside of entries", map->id, resident, seen);
}
