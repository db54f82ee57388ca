/*
 * truncate.c - an object shrank: private copies of the pages it lost go too, as
 * on Linux (a copy beyond the end of its file would outlive the file's data).
 *
 * Locks: one map's at a time. A mapping made meanwhile sees the new length, and a
 * fault looks at it under the lock of the chunk that this visit takes.
 */
#include <map/map_i.h>

static enum tome_err map_shrunk(struct tome_map *, const struct tome_object *,
    tome_pgoff_t first) TOME_NODISCARD;

void
tome_maps_object_shrunk(struct tome_vm *vm, struct tome_object *ob,
    tome_pgoff_t first)
{
	struct tome_map *map = NULL;
	enum tome_err err;

	while ((map = tome_map_after(vm, map)) != NULL)
		do {
			tome_mutex_lock(vm, &map->lock, TOME_RANK_MAP);
			err = map_shrunk(map, ob, first);
			tome_mutex_unlock(vm, &map->lock, TOME_RANK_MAP);
		} while (err == TOME_ENOMEM && tome_memory_found(vm));
}

/* A reference, unless the last one has gone. */
static bool
map_try_ref(struct tome_map *map)
{
	uint32_t seen = tome_rd(&map->refs);

	while (seen > 0)
		if (tome_cas_sc(&map->refs, &seen, seen + 1))
			return true;
	return false;
}

/* A child that is forked off meanwhile comes behind its parent. */
struct tome_map *
tome_map_after(struct tome_vm *vm, struct tome_map *map)
{
	struct tome_maps *all = vm->maps;
	uintptr_t irq = tome_spin_lock(vm, &all->list_lock, TOME_RANK_QUEUE);
	struct tome_map *next = map != NULL ? map->next : all->list;

	while (next != NULL && !map_try_ref(next))
		next = next->next;
	tome_spin_unlock(vm, &all->list_lock, TOME_RANK_QUEUE, irq);
	if (map != NULL)
		tome_map_unref(map);
	return next;
}

/*
 * A copy that cannot be discarded for want of memory, when none can be found, stays: it
 * is the mapping's own and harms nobody.
 */
static enum tome_err
map_shrunk(struct tome_map *map, const struct tome_object *ob,
    tome_pgoff_t first)
{
	struct tome_entry *en = tome_tree_find(&map->tree, map->lo);
	enum tome_err err = TOME_OK;

	for (; en != NULL && err == TOME_OK; en = tome_tree_next(&map->tree,
	    en)) {
		tome_pgoff_t pages = (en->end - en->start) >> TOME_PAGE_SHIFT;
		tome_pgoff_t skip = first > en->offset ? first - en->offset : 0;

		if (en->object != ob || skip >= pages ||
		    (tome_entry_flags(en) & TOME_ENTRY_SHARED))
			continue;
		err = tome_entry_discard(map, en, en->start +
		    ((tome_va_t)skip << TOME_PAGE_SHIFT), en->end);
	}
	return err;
}
